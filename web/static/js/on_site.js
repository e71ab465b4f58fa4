// @ts-check
/** The map of walks: what was seen, over what was reported. The tables need no script. */

/* global ol */

import { given, sendAtOnce, write } from "./address.js";
import { collection, placeNames } from "./data.js";
import { isPlace, layNames } from "./ground.js";
import { createLayers, featureOf, fill, under } from "./layers.js";
import { areaSigns, showLegend } from "./legend.js";
import { createMap, partGroup, show } from "./map.js";
import { classes, comparable } from "./scale.js";
import * as screen from "./screen.js";
import { begin, extentOf, layAreas } from "./task_map.js";
import { t } from "./texts.js";

const target = screen.byId("map");
const seen = JSON.parse(document.getElementById("observations")?.textContent ?? "[]");
const items = Object.fromEntries(new URLSearchParams(target.dataset.items));
const told = target.dataset.collection === "release";
/** @type {import("./scale.js").Class[]} */
let scale = [];
let chosen = read();

const layers = createLayers({ classes: () => scale, chosen: () => chosen, named: told });
const map = createMap(target, Object.values(layers));
const system = map.getView().getProjection();

async function start() {
  screen.showBusy(true);
  const reported = target.dataset.collection ? collection(target.dataset.collection, items) : [];
  const [{ areas, focus }, found, places] = await Promise.all([layAreas(layers, system), reported, placeNames()]);
  const ground = told ? found.filter(isPlace) : found;
  scale = classes(comparable(ground));
  fill(layers.cells, ground, system);
  fill(layers.observations, seen, system);
  layNames(layers, areas, places, system);
  const title = t(told ? "site-legend-places" : "site-legend-cells");
  showLegend(screen.byId("legend"), { classes: scale, cells: ground, level: t("site-level"), title, signs: areaSigns(focus) });
  const viewed = begin([map], extentOf(layers.observations), extentOf(layers.areas)); // what was seen, else the areas
  mark();
  if (!viewed) {
    goThere();
  }
  screen.showBusy(false);
}

/** Choose a place or an observation on the map and in its table: a step that the back button undoes. @param {string} key collection:id */
function choose(key) {
  if (key !== chosen) {
    chosen = key;
    write({ vald: told ? key.replace(/^cells:/, "") : key }, true);
  }
  mark();
}

/** Read what the address has chosen; a place of a release has no collection. */
function read() {
  const vald = given("vald");
  return vald && !vald.includes(":") ? `cells:${vald}` : vald;
}

/** Mark what is chosen. */
function mark() {
  layers.cells.changed();
  layers.observations.changed();
  for (const row of document.querySelectorAll("tr[data-key], tr[data-id]")) {
    row.classList.toggle("chosen", keyOf(/** @type {HTMLElement} */ (row)) === chosen);
  }
}

/** @param {HTMLElement} row */
function keyOf(row) {
  const { id, key = "" } = row.dataset;
  if (id) {
    return `observations:${id}`;
  }
  return key.startsWith("cells:") ? key : `cells:${key}`;
}

/** Show what is chosen. */
function goThere() {
  const ground = chosen && featureOf(layers, chosen)?.getGeometry();
  if (ground) {
    show(map, ground.getExtent(), null);
  }
}

/** Show on the map what a row is about. @param {HTMLElement} row */
function showRow(row) {
  choose(keyOf(row));
  goThere();
  target.scrollIntoView({ block: "nearest" });
}

/** Make the places of the tables buttons that show them on the map. */
for (const cell of document.querySelectorAll("#places .spot, #seen-rows .spot")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "row-name";
  button.title = t("site-show");
  button.append(...cell.childNodes);
  button.addEventListener("click", () => showRow(/** @type {HTMLElement} */ (cell.closest("tr"))));
  cell.append(button);
}
map.on("singleclick", (/** @type {any} */ event) => {
  const hit = under(map, layers, event.pixel);
  if (partGroup(map, hit?.group)) {
    return;
  }
  choose(hit ? `${hit.id}:${hit.feature.getId()}` : "");
  document.querySelector("tr.chosen")?.scrollIntoView({ block: "nearest" });
});
addEventListener("popstate", () => {
  chosen = read();
  mark();
});
sendAtOnce(/** @type {HTMLFormElement} */ (screen.byId("choices")));
screen.run(start);
