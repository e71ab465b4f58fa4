// @ts-check
/**
 * When it happens: the matrix of hours, or the blocks of a release, beside the map; each chooses on the
 * other. Every choice is a link to this very page: its answer comes from the server and is noted there.
 */

/* global ol */

import { collection } from "./data.js";
import { showKey } from "./key.js";
import { createLayers, fill } from "./layers.js";
import { addHome, createMap, show } from "./map.js";
import { classes } from "./scale.js";
import * as screen from "./screen.js";
import { t } from "./texts.js";
import { dress, listen } from "./hours.js";
import { spotNames } from "./spot_names.js";

/** What another choice changes: all but the map itself. */
const PARTS = ["live", "below", "said", "clear", "kept"];
const FOCUS = ["priority", "nightlife"];
const target = screen.byId("map");
const named = target.dataset.named === "yes";
/** @type {import("./scale.js").Class[]} */
let scale = [];
let picked = target.dataset.picked ?? "";

const layers = createLayers({ classes: () => scale, chosen: () => `cells:${picked}`, named });
const names = new ol.layer.Vector({ source: layers.cells.getSource(), style: spotNames("label"), zIndex: 8, declutter: "names", visible: named });
const map = createMap(target, [layers.ground, layers.areas, layers.areaNames, layers.cells, names]);
const system = map.getView().getProjection();

async function start() {
  screen.showBusy(true);
  const areas = await collection("areas");
  fill(layers.ground, areas.filter((area) => area.properties.kind === "municipality"), system);
  fill(layers.areas, areas.filter((area) => FOCUS.includes(area.properties.kind)), system);
  draw();
  const home = layers.areas.getSource().getExtent();
  if (!ol.extent.isEmpty(home)) {
    addHome(map, home);
  }
  const lies = layers.cells.getSource().getExtent();
  const local = new URLSearchParams(location.search).get("omrade");
  const first = local && !ol.extent.isEmpty(lies) ? lies : home;
  if (!ol.extent.isEmpty(first)) {
    show(map, first, screen.byId("legend"));
  }
  screen.showBusy(false);
}

/** Put the numbers of this answer on the map, with their legend. */
function draw() {
  /** @type {import("./data.js").Feature[]} */
  const told = JSON.parse(screen.byId("cells").textContent ?? "{}").features;
  scale = classes(told.map((one) => one.properties.count));
  fill(layers.cells, told, system);
  showKey(screen.byId("legend"), t(named ? "when-legend-places" : "when-legend"), scale);
  dress();
}

/** @type {AbortController | undefined} */
let asking;

/**
 * Show the answer of a link without leaving the map; a newer question makes an older one void.
 * @param {string} href
 * @param {boolean} [forward] whether it is a step that one can go back from
 */
async function go(href, forward = true) {
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  const focused = keyOf(document.activeElement);
  screen.showBusy(true);
  const answer = await fetch(href, { headers: { Accept: "text/html" }, signal }).then((one) => one.text(), () => "");
  if (signal.aborted) {
    return;
  }
  const page = new DOMParser().parseFromString(answer, "text/html");
  const frame = page.getElementById("map");
  if (!frame) {
    location.assign(href); // signed out, or nothing there: the browser says so
    return;
  }
  for (const id of PARTS) {
    const fresh = page.getElementById(id);
    screen.byId(id).replaceChildren(...[...(fresh?.childNodes ?? [])].map((one) => document.importNode(one, true)));
    Object.assign(screen.byId(id).dataset, fresh?.dataset);
  }
  picked = frame.dataset.picked ?? "";
  if (forward) {
    history.pushState(null, "", href);
  }
  draw();
  screen.showBusy(false);
  focused()?.focus({ preventScroll: true });
}

/**
 * Remember what has the focus, to find its like in the next answer: an hour, or a link by its place.
 * @param {Element | null} focused
 * @returns {() => HTMLElement | null | undefined}
 */
function keyOf(focused) {
  const hour = /** @type {HTMLElement | null} */ (focused)?.dataset.hour;
  if (hour) {
    return () => document.querySelector(`#matrix [data-hour="${hour}"]`);
  }
  const part = PARTS.find((id) => screen.byId(id).contains(focused)) ?? "";
  const at = part ? [...screen.byId(part).querySelectorAll("a")].findIndex((one) => one === focused) : -1;
  return () => (at < 0 ? null : (screen.byId(part).querySelectorAll("a")[at] ?? target));
}

/** Write other choices into the address. @param {Record<string, string>} changes empty ones are taken out @returns {string} */
function asked(changes) {
  const given = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    given.delete(name);
    if (value) {
      given.set(name, value);
    }
  }
  return `?${String(given).replaceAll("%2C", ",").replaceAll("%3A", ":")}`;
}

/** @param {string} href */
const choose = (href) => screen.run(() => go(href));

document.querySelector(".answer")?.addEventListener("click", (event) => {
  const link = /** @type {HTMLElement} */ (event.target).closest("#live a, #below a, #clear a");
  const plain = !(/** @type {MouseEvent} */ (event).ctrlKey || /** @type {MouseEvent} */ (event).metaKey);
  if (link && plain) {
    event.preventDefault();
    choose(String(link.getAttribute("href")));
  }
});
listen(screen.byId("live"), (hours) => choose(asked({ timmar: hours, fonster: "" })));
map.on("singleclick", (/** @type {any} */ event) => {
  const [hit] = map.getFeaturesAtPixel(event.pixel, { layerFilter: (/** @type {any} */ one) => one === layers.cells });
  const id = hit ? String(hit.getId()) : "";
  if (id !== picked) {
    choose(asked({ vald: id && !named ? `cells:${id}` : id }));
  }
});
addEventListener("popstate", () => screen.run(() => go(location.href, false)));
screen.byId("choices").addEventListener("change", () => {
  /** @type {HTMLFormElement} */ (screen.byId("choices")).requestSubmit();
});
screen.run(start);
