// @ts-check
/** Save what is on the screen as one picture: title, map, legend, scale, north, source and caveats. */

import { SHARP, sharpen, shown } from "./sharp.js";
import { asked } from "./paper.js";
import { drawLegend } from "./snapshot_legend.js";
import { FAMILY, drawMaps, room, write } from "./snapshot_maps.js";
import { INK } from "./brush.js";
import { byId } from "./screen.js";

const EDGE = 24;

/** What stands below the map: facts, source, caveats. */
function lines() {
  const facts = [...document.querySelectorAll("#facts > div:not(.proof)")];
  const told = facts.map((one) => `${one.querySelector("dt")?.textContent}: ${one.querySelector("dd")?.textContent}`);
  const foot = [...document.querySelectorAll("#sheet-foot p")];
  return [told.join(" · "), ...foot.map((one) => one.textContent?.trim() ?? "")];
}

/**
 * Draw everything; done twice, because only drawing tells how high it is.
 * @param {HTMLCanvasElement} canvas
 * @param {any[]} maps those that are seen
 */
function compose(canvas, maps) {
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const { width: wide, height: high } = room(maps);
  pen.setTransform(SHARP, 0, 0, SHARP, 0, 0);
  pen.fillStyle = "#ffffff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = INK;
  const at = { x: EDGE, width: wide };
  const said = (/** @type {string} */ one) => document.querySelector(one)?.textContent?.trim() ?? "";
  let y = write(pen, said(".sheet-title"), { ...at, y: 18, font: `700 24px ${FAMILY}`, high: 32 });
  const chosen = [asked(), said(".answer h2.first"), said(".answer .asked"), said(".answer .lead")].filter(Boolean);
  for (const line of chosen) {
    y = write(pen, line, { ...at, y, font: `15px ${FAMILY}`, high: 21 });
  }
  if (said(".synthetic")) {
    y = write(pen, said(".synthetic"), { ...at, y, font: `700 15px ${FAMILY}`, high: 21 });
  }
  y += 6;
  drawMaps(pen, maps, EDGE, y);
  y = drawLegend(pen, EDGE, y + high + 18, wide);
  pen.fillStyle = INK;
  for (const line of lines()) {
    y = write(pen, line, { ...at, y, font: `13px ${FAMILY}`, high: 18 });
  }
  return y + EDGE / 2;
}

/** Save the picture as a file. */
export async function savePicture() {
  const sharp = shown().map(sharpen);
  await Promise.all(sharp.map((one) => one.drawn()));
  const maps = sharp.map((one) => one.map);
  const canvas = document.createElement("canvas");
  canvas.width = (room(maps).width + 2 * EDGE) * SHARP;
  canvas.height = 1;
  canvas.height = compose(canvas, maps) * SHARP;
  compose(canvas, maps);
  sharp.forEach((one) => one.back());
  const bytes = await new Promise((resolve) => canvas.toBlob(resolve));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(/** @type {Blob} */ (bytes));
  link.download = `lagesbild-${byId("tools").dataset.day}.png`;
  link.click();
  URL.revokeObjectURL(link.href);
}
