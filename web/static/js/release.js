// @ts-check
/** The map of the release: the numbers of the table, where they lie. The table needs no script. */

/* global ol */

import { collection } from "./data.js";
import { isNamed, loadNames } from "./ground.js";
import { createLayers, fill, under } from "./layers.js";
import { showLegend } from "./legend.js";
import { addHome, createMap, show } from "./map.js";
import { classes } from "./scale.js";
import * as screen from "./screen.js";

const target = screen.byId("map");
/** Ground that is not a place of its own: all the rest of the municipality has no colour. */
const REST = ["rest", "unknown", "several"];
const FOCUS = ["priority", "nightlife"];
const asked = Object.fromEntries(new URLSearchParams(target.dataset.items));
/** @type {import("./scale.js").Class[]} */
let scale = [];
let chosen = "";

const layers = createLayers({ classes: () => scale, chosen: () => `cells:${chosen}` });
const map = createMap(target, Object.values(layers));
const system = map.getView().getProjection();

async function start() {
  screen.showBusy(true);
  const [told, areas, schools, observations] = await Promise.all([
    collection("release", asked),
    collection("areas"),
    collection("schools"),
    target.dataset.observations ? collection("observations") : [],
  ]);
  const coloured = asked.detail === "zone" ? told : told.filter((one) => !REST.includes(one.properties.kind));
  scale = classes(coloured.map((one) => one.properties.count));
  fill(layers.ground, areas.filter((area) => !isNamed(area)), system);
  fill(layers.areas, areas.filter((area) => FOCUS.includes(area.properties.kind)), system);
  fill(layers.cells, coloured, system);
  fill(layers.schools, schools, system);
  fill(layers.observations, observations, system);
  if (target.dataset.observations) {
    await loadNames(layers, areas, system);
  }
  showLegend(screen.byId("legend"), scale, coloured, "kommunen", "Händelser per plats");
  const home = layers.areas.getSource().getExtent();
  if (!ol.extent.isEmpty(home)) {
    addHome(map, home);
    show(map, asked.place ? around() : home, target);
  }
  screen.showBusy(false);
}

/** What is shown of the chosen place. */
function around() {
  const extent = layers.cells.getSource().getExtent();
  return ol.extent.isEmpty(extent) ? layers.areas.getSource().getExtent() : extent;
}

/** @param {string} key of a number, "" for none */
function choose(key) {
  chosen = key;
  layers.cells.changed();
  for (const row of document.querySelectorAll("#rows tr[data-key]")) {
    row.classList.toggle("chosen", /** @type {HTMLElement} */ (row).dataset.key === key);
  }
}

screen.byId("rows").addEventListener("click", (event) => {
  const row = /** @type {HTMLElement} */ (event.target).closest(".row-name")?.closest("tr");
  if (row) {
    choose(String(row.dataset.key));
    const feature = layers.cells.getSource().getFeatureById(row.dataset.key);
    if (feature) {
      show(map, feature.getGeometry().getExtent(), target);
    }
  }
});
map.on("singleclick", (/** @type {any} */ event) => {
  const hit = under(map, layers, event.pixel);
  choose(hit?.id === "cells" ? String(hit.feature.getId()) : "");
  document.querySelector("#rows tr.chosen")?.scrollIntoView({ block: "nearest" });
});
screen.byId("choices").addEventListener("change", () => {
  /** @type {HTMLFormElement} */ (screen.byId("choices")).requestSubmit();
});
for (const id of /** @type {const} */ (["schools", "observations"])) {
  layers[id].setVisible(false);
}
screen.byId("layers").addEventListener("change", (event) => {
  const box = /** @type {HTMLInputElement} */ (event.target);
  layers[/** @type {"schools" | "observations"} */ (box.value)].setVisible(box.checked);
});
screen.run(start);
