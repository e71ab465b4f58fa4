// @ts-check
/** The map of walks: what was seen, over what was reported. The tables need no script. */

/* global ol */

import { collection } from "./data.js";
import { isNamed, loadNames } from "./ground.js";
import { createLayers, fill, under } from "./layers.js";
import { showLegend } from "./legend.js";
import { addHome, createMap, show } from "./map.js";
import { classes } from "./scale.js";
import * as screen from "./screen.js";
import { t } from "./texts.js";

const target = screen.byId("map");
/** Nothing lies over the map here. */
const beside = screen.byId("legend");
const seen = JSON.parse(document.getElementById("observations")?.textContent ?? "[]");
const items = Object.fromEntries(new URLSearchParams(target.dataset.items));
const told = target.dataset.collection === "release";
/** Ground that is not a place of its own has no colour. */
const REST = ["rest", "unknown", "several"];
const FOCUS = ["priority", "nightlife"];
/** @type {import("./scale.js").Class[]} */
let scale = [];
let chosen = "";

const layers = createLayers({ classes: () => scale, chosen: () => chosen, named: told });
const map = createMap(target, Object.values(layers));
const system = map.getView().getProjection();

async function start() {
  screen.showBusy(true);
  const reported = target.dataset.collection ? collection(target.dataset.collection, items) : [];
  const [areas, found] = await Promise.all([collection("areas"), reported]);
  const ground = told ? found.filter((one) => !REST.includes(one.properties.kind)) : found;
  scale = classes(ground.map((one) => one.properties.count));
  fill(layers.ground, areas.filter((area) => !isNamed(area)), system);
  fill(layers.areas, areas.filter((area) => FOCUS.includes(area.properties.kind)), system);
  fill(layers.cells, ground, system);
  fill(layers.observations, seen, system);
  await loadNames(layers, areas, system);
  showLegend(screen.byId("legend"), scale, ground, t("site-level"), t(told ? "site-legend-places" : "site-legend-cells"));
  const home = layers.areas.getSource().getExtent();
  if (!ol.extent.isEmpty(home)) {
    addHome(map, home);
    show(map, around(home), beside);
  }
  screen.showBusy(false);
}

/** What is shown first: what was seen, else the areas. @param {number[]} home */
function around(home) {
  const extent = layers.observations.getSource().getExtent();
  return ol.extent.isEmpty(extent) ? home : extent;
}

/** Choose a place or an observation on the map and in its table. @param {string} key collection:id */
function choose(key) {
  chosen = key;
  layers.cells.changed();
  for (const row of document.querySelectorAll("tr[data-key], tr[data-id]")) {
    row.classList.toggle("chosen", keyOf(/** @type {HTMLElement} */ (row)) === key);
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

/** Show on the map what a row is about. @param {HTMLElement} row */
function showRow(row) {
  const key = keyOf(row);
  const [layer, id] = [key.slice(0, key.indexOf(":")), key.slice(key.indexOf(":") + 1)];
  const source = layers[/** @type {"cells" | "observations"} */ (layer)].getSource();
  const feature = source.getFeatureById(id) ?? source.getFeatureById(Number(id));
  choose(key);
  if (feature) {
    show(map, feature.getGeometry().getExtent(), beside);
    target.scrollIntoView({ block: "nearest" });
  }
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
  choose(hit ? `${hit.id}:${hit.feature.getId()}` : "");
  document.querySelector("tr.chosen")?.scrollIntoView({ block: "nearest" });
});
screen.byId("choices").addEventListener("change", () => {
  /** @type {HTMLFormElement} */ (screen.byId("choices")).requestSubmit();
});
screen.run(start);
