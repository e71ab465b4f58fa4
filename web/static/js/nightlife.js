// @ts-check
/** The map of weekend nights: the core, venues, blocks or points. The tables need no script. */

/* global ol */

import { ACCENT, fill as colour, stroke } from "./brush.js";
import { collection } from "./data.js";
import { createLayers, fill } from "./layers.js";
import { showLegend } from "./legend.js";
import { createMap, show } from "./map.js";
import { classes } from "./scale.js";
import * as screen from "./screen.js";
import { element, t } from "./texts.js";

const target = screen.byId("map");
/** @type {Record<string, any>} */
const data = JSON.parse(document.getElementById("map-data")?.textContent ?? "{}");
/** @type {import("./scale.js").Class[]} */
let scale = [];
const layers = createLayers({ classes: () => scale, chosen: () => "" });
const outline = new ol.style.Style({ stroke: stroke(ACCENT, 2.5) });
const dot = new ol.style.Style({
  image: new ol.style.Circle({ radius: 6, fill: colour("#b0315c"), stroke: stroke("#ffffff", 1.5) }),
});
/** @param {any} style @param {number} zIndex */
const vector = (style, zIndex) => new ol.layer.Vector({ source: new ol.source.Vector(), style, zIndex });
const core = vector(outline, 3);
const points = vector(dot, 6);
const map = createMap(target, [...Object.values(layers), core, points]);
const system = map.getView().getProjection();

async function start() {
  screen.showBusy(true);
  const areas = await collection("areas");
  fill(layers.ground, areas.filter((area) => area.properties.kind === "municipality"), system);
  if (target.dataset.items === undefined) {
    exact();
  } else {
    await told(areas);
  }
  screen.showBusy(false);
}

/** Draw what an analyst sees. */
function exact() {
  fill(core, data.outlines, system);
  fill(layers.venues, data.venues, system);
  const blocks = data.cells ?? [];
  scale = classes(blocks.map((/** @type {any} */ one) => one.properties.count));
  fill(layers.cells, blocks, system);
  fill(points, data.events ?? [], system);
  const legend = screen.byId("legend");
  showLegend(legend, scale, blocks, t("schools-legend-level"), t("nights-legend-blocks"));
  if (data.events) {
    legend.append(line("sign-dot", t("nights-legend-points", { n: data.events.length })));
  }
  if (data.venues.length) {
    legend.append(line("sign-venue", t("nights-legend-venues", { n: data.venues.length })));
  }
  showAll([core, layers.cells, points]);
}

/** @param {string} sign @param {string} words */
const line = (sign, words) =>
  element("p", {}, element("span", { class: `sign ${sign}`, "aria-hidden": "true" }), ` ${words}`);

/** Draw what the release tells. @param {import("./data.js").Feature[]} areas */
async function told(areas) {
  const found = await collection("release", Object.fromEntries(new URLSearchParams(target.dataset.items)));
  const coloured = found.filter((one) => one.properties.kind !== "rest" && one.properties.kind !== "unknown");
  scale = classes(coloured.map((one) => one.properties.count));
  fill(layers.areas, areas.filter((area) => ["priority", "nightlife"].includes(area.properties.kind)), system);
  fill(layers.cells, coloured, system);
  showLegend(screen.byId("legend"), scale, coloured, t("schools-legend-level"), t("nights-legend-told"));
  showAll(coloured.length ? [layers.cells] : [layers.areas]);
}

/** Show all that lies in some layers. @param {any[]} some */
function showAll(some) {
  const extent = ol.extent.createEmpty();
  for (const layer of some) {
    ol.extent.extend(extent, layer.getSource().getExtent());
  }
  if (!ol.extent.isEmpty(extent)) {
    show(map, extent, screen.byId("legend"));
  }
}

screen.run(start);
