// @ts-check
/** The layers of the map and what fills them. */

/* global ol */

import { physical, placeLabel, topLabel } from "./places.js";
import * as signs from "./signs.js";
import * as styles from "./styles.js";

const LONLAT = "EPSG:4326";
const GROUP_PIXELS = 34; // points nearer to each other than this are shown as one with its number
/** Name of a layer in the URL -> collection it shows. */
export const SHOWN = Object.freeze({
  omraden: "areas",
  rutor: "cells",
  kluster: "clusters",
  skolor: "schools",
  observationer: "observations",
  krogar: "venues",
  fysiska: "physical",
});
/** Layers that are shown and hidden with another one. */
const WITH = Object.freeze({ areas: ["areaNames"], cells: ["labels", "numbers", "tiles"] });

/**
 * Make every layer, empty.
 * @param {{classes: () => readonly import("./scale.js").Class[], chosen: () => string, named?: boolean,
 *   ranked?: () => HTMLElement[]}} from `named`: the ground is places of a release, which bear their names and
 *   numbers themselves; `ranked`: the rows of the list, of which the first are named on the map
 */
export function createLayers({ classes, chosen, named = false, ranked = () => [] }) {
  /** @param {any} style @param {number} zIndex @param {object} [more] */
  const vector = (style, zIndex, more = {}) =>
    new ol.layer.Vector({ source: new ol.source.Vector(), style, zIndex, ...more });
  const areas = vector(styles.area, named ? 1.5 : 3); // the places of a release have outlines of their own
  const cells = vector(styles.cell(classes, chosen, false), 2, { renderBuffer: 40 });
  const quiet = (/** @type {any} */ feature, /** @type {number} */ resolution) =>
    ranked().some((row) => row.dataset.short === signs.plain(feature.get("name"))) ? undefined : signs.placeName(feature, resolution);
  const layers = {
    ground: vector(styles.area, 0),
    areas,
    areaNames: new ol.layer.Vector({
      source: areas.getSource(), style: named ? () => undefined : styles.areaName, zIndex: 7, declutter: "names",
    }),
    cells,
    tiles: new ol.layer.VectorTile({ style: styles.cell(classes, chosen, !named), zIndex: 2 }),
    numbers: new ol.layer.Vector({
      source: cells.getSource(), style: named ? () => undefined : styles.cellNumber(classes), zIndex: 9, declutter: "names",
    }),
    labels: new ol.layer.Vector({
      source: cells.getSource(), style: named ? placeLabel : topLabel(ranked), zIndex: 8, declutter: "names",
    }),
    physical: vector(physical(), 2.5),
    venues: vector(signs.venue, 4),
    schools: vector(signs.school, 4),
    observations: new ol.layer.Vector({ source: new ol.source.Cluster({ source: new ol.source.Vector(), distance: GROUP_PIXELS }), style: signs.observations(chosen), zIndex: 5 }),
    clusters: vector(styles.cluster(chosen), 6),
    places: vector(quiet, 4, { declutter: "names" }),
  };
  return layers;
}

/** Where a layer holds its features, grouped or not. @param {any} layer */
export const sourceOf = (layer) => layer.getSource().getSource?.() ?? layer.getSource();

/**
 * Put features into a layer, in the map's own system.
 * @param {any} layer
 * @param {readonly import("./data.js").Feature[]} features
 * @param {any} system
 */
export function fill(layer, features, system) {
  const format = new ol.format.GeoJSON({ dataProjection: LONLAT, featureProjection: system });
  const made = features.filter((one) => one.geometry).map((one) => format.readFeature(one));
  for (const feature of made) {
    const centre = feature.get("centre");
    if (centre) {
      feature.set("anchor", ol.proj.fromLonLat(centre, system));
    }
  }
  const source = sourceOf(layer);
  source.clear(true);
  source.addFeatures(made);
}

/**
 * Show the layers that are switched on.
 * @param {ReturnType<typeof createLayers>} layers
 * @param {string} on names with commas between them
 */
export function showOnly(layers, on) {
  const names = on.split(",");
  for (const [name, id] of Object.entries(SHOWN)) {
    const visible = names.includes(name);
    for (const one of [id, .../** @type {Record<string, string[]>} */ (WITH)[id] ?? []]) {
      layers[/** @type {keyof typeof layers} */ (one)].setVisible(visible);
    }
  }
}

/** What a click means first, where several things lie on each other. */
const FIRST = /** @type {const} */ (["observations", "schools", "venues", "clusters", "cells", "tiles", "physical", "areas"]);

/**
 * Find what lies under a pixel; points before clusters before cells before areas.
 * @param {any} map
 * @param {ReturnType<typeof createLayers>} layers
 * @param {number[]} pixel
 * @returns {{id: string, feature: any, group: any[]} | undefined} of points shown as one the first, and all
 */
export function under(map, layers, pixel) {
  const hits = new Map();
  const note = (/** @type {any} */ feature, /** @type {any} */ layer) => {
    hits.set(layer, hits.get(layer) ?? feature);
  };
  const ours = new Set(FIRST.map((one) => layers[one]));
  map.forEachFeatureAtPixel(pixel, note, { hitTolerance: 3, layerFilter: (/** @type {any} */ one) => ours.has(one) });
  const id = FIRST.find((one) => hits.has(layers[one]));
  const hit = id && hits.get(layers[id]);
  const group = hit?.get("features") ?? [hit];
  return id && { id: id === "tiles" ? "cells" : id, feature: group[0], group };
}

/** Tell the collection and the id of a chosen thing; a number of the release has no collection. @param {string} key */
function parts(key) {
  const at = key.indexOf(":");
  return at < 0 ? ["cells", key] : [key.slice(0, at), key.slice(at + 1)];
}

/**
 * Name the layer that a chosen thing lies in, as the URL does.
 * @param {string} key collection:id
 */
export function layerName(key) {
  const names = /** @type {(keyof typeof SHOWN)[]} */ (Object.keys(SHOWN));
  return names.find((name) => SHOWN[name] === parts(key)[0]) ?? "";
}

/**
 * Find a chosen thing on the map.
 * @param {ReturnType<typeof createLayers>} layers
 * @param {string} key collection:id
 */
export function featureOf(layers, key) {
  const [id, fid] = parts(key);
  const source = layerName(key) && sourceOf(layers[/** @type {keyof typeof layers} */ (id)]);
  return source ? (source.getFeatureById(fid) ?? source.getFeatureById(Number(fid))) : null;
}
