// @ts-check
/** The map around the schools: all zones, or the rings of one. The tables need no script. */

/* global ol */

import { DEEP, INK, fill as colour, stroke, words } from "./brush.js";
import { guard, leave } from "./address.js";
import { collection } from "./data.js";
import { createLayers, fill } from "./layers.js";
import { areaSigns, showKey, showLegend } from "./legend.js";
import { createMap } from "./map.js";
import { classes, comparable } from "./scale.js";
import * as screen from "./screen.js";
import { begin, extentOf, layAreas } from "./task_map.js";
import { element, t } from "./texts.js";

const target = screen.byId("map");
const COMPACT_M = 2000; // zones that were put together may lie all over the municipality
/** @type {Record<string, any>} */
const data = JSON.parse(document.getElementById("map-data")?.textContent ?? "{}");
/** @type {import("./scale.js").Class[]} */
let scale = [];
const layers = createLayers({ classes: () => scale, chosen: () => "" });

const ringLook = new ol.style.Style({
  stroke: stroke(DEEP, 1.6, [6, 4]),
  fill: colour("rgba(11, 110, 127, 0.07)"),
});
/** A dot for each place; where several events share it, how many. @param {any} feature */
function eventLook(feature) {
  const many = feature.get("n");
  const radius = Math.min(4 + Math.sqrt(many), 11);
  const image = new ol.style.Circle({ radius, fill: colour("#b0315cd9"), stroke: stroke("#ffffff", 1.2) });
  const text = many > 2 ? words(String(many), { fill: colour("#ffffff"), stroke: undefined, font: "600 10px sans-serif" }) : undefined;
  return new ol.style.Style({ image, text });
}
/** @param {any} style @param {number} zIndex */
const vector = (style, zIndex) => new ol.layer.Vector({ source: new ol.source.Vector(), style, zIndex });
const rings = vector(ringLook, 2);
const events = vector(eventLook, 5);
const names = vector((/** @type {any} */ feature) => new ol.style.Style({
  text: words(feature.get("name"), { offsetY: -18, fill: colour(INK) }),
}), 8);
const map = createMap(target, [...Object.values(layers), rings, events, names]);
const system = map.getView().getProjection();

async function start() {
  screen.showBusy(true);
  const [{ focus }, schools] = await Promise.all([layAreas(layers, system), collection("schools")]);
  const signs = areaSigns(focus);
  if (data.rings) {
    fill(layers.schools, schools, system);
    one([["sign-school", t("sign-school")], ...signs]);
  } else {
    await all(schools, signs);
  }
  screen.showBusy(false);
}

/** Draw the rings of one school and what lies in its zone. @param {import("./legend.js").Sign[]} signs */
function one(signs) {
  fill(rings, data.rings, system);
  fill(events, data.events, system);
  const at = { type: /** @type {const} */ ("Point"), coordinates: data.school.at };
  fill(names, [{ type: "Feature", id: 1, geometry: at, properties: { name: data.school.name } }], system);
  const legend = screen.byId("legend");
  showKey(legend, { title: "", classes: [], signs });
  legend.prepend(element("p", {}, t("schools-legend", { n: data.events.length })));
  begin([map], extentOf(rings));
}

/**
 * Draw every zone, coloured by its number, and schools that have none.
 * @param {import("./data.js").Feature[]} schools
 * @param {import("./legend.js").Sign[]} signs
 */
async function all(schools, signs) {
  const told = data.zones ?? (await collection("release", Object.fromEntries(new URLSearchParams(target.dataset.items))));
  const zones = told.filter((/** @type {any} */ zone) => zone.properties.count > 0);
  scale = classes(comparable(zones));
  const drawn = new Set(zones.map((/** @type {any} */ zone) => String(zone.id)));
  const bare = data.zones ? schools.filter((school) => !drawn.has(String(school.id))) : [];
  fill(layers.schools, bare, system);
  fill(layers.cells, zones, system);
  const known = bare.length ? [/** @type {const} */ (["sign-school", t("sign-school-none")]), ...signs] : signs;
  const [level, title] = [t("schools-legend-level"), t("schools-legend-zones")];
  showLegend(screen.byId("legend"), { classes: scale, cells: zones, level, title, signs: known });
  const extent = ol.extent.createEmpty();
  for (const feature of layers.cells.getSource().getFeatures()) {
    const own = feature.getGeometry().getExtent();
    if (ol.extent.getWidth(own) < COMPACT_M) {
      ol.extent.extend(extent, own);
    }
  }
  begin([map], extent);
}

/** Find the zone under a pixel. @param {any} pixel */
const zoneAt = (pixel) =>
  map.forEachFeatureAtPixel(pixel, (/** @type {any} */ feature) => feature, {
    layerFilter: (/** @type {any} */ layer) => layer === layers.cells,
  });
map.on("pointermove", (/** @type {any} */ event) => {
  target.style.cursor = zoneAt(event.pixel) ? "pointer" : "";
});
map.on("singleclick", (/** @type {any} */ event) => {
  const hit = zoneAt(event.pixel);
  const row = hit && document.querySelector(`#ranking tr[data-school="${hit.getId()}"] a, #ranking tr[data-key="${hit.getId()}"] a`);
  if (row) {
    screen.run(() => leave(/** @type {HTMLAnchorElement} */ (row).href));
  }
});
guard(/** @type {HTMLFormElement} */ (screen.byId("choices")));
screen.run(start);
