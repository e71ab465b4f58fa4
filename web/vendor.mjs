// Copies the few files that pages load from node_modules to web/static/vendor, licences included.
// The pages are served without a bundler and without a CDN: what stands here is what is served.

import { cp, mkdir, readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FONT = "@fontsource-variable/source-sans-3";

/** Folder under web/static/vendor -> package and its files; the folder layout is flat. */
const WANTED = {
  ol: ["ol", ["dist/ol.js", "ol.css", "LICENSE.md"]],
  proj4: ["proj4", ["dist/proj4.js", "LICENSE.md"]],
  // Only for the stand-alone HTML export, which carries its scripts inside.
  leaflet: ["leaflet", ["dist/leaflet.js", "dist/leaflet.css", "LICENSE"]],
  fonts: [FONT, ["index.css", "LICENSE"]],
};

const target = join(ROOT, "web", "static", "vendor");
await rm(target, { recursive: true, force: true });
for (const [folder, [name, files]] of Object.entries(WANTED)) {
  await mkdir(join(target, folder), { recursive: true });
  for (const file of files) {
    await cp(join(ROOT, "node_modules", name, file), join(target, folder, basename(file)));
  }
}
// index.css of the font names its upright faces as ./files/*; the browser fetches those it needs.
const faces = join(ROOT, "node_modules", FONT, "files");
const upright = (await readdir(faces)).filter((file) => file.endsWith("-wght-normal.woff2"));
for (const file of upright) {
  await cp(join(faces, file), join(target, "fonts", "files", file));
}
