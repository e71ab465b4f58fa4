// @ts-check
/** The layers of the map and what fills them. */

/* global ol */

import * as styles from "./styles.js";

const LONLAT = "EPSG:4326";
/** Name of a layer in the URL -> collection it shows. */
export const SHOWN = Object.freeze({
  omraden: "areas",
  rutor: "cells",
  kluster: "clusters",
  skolor: "schools",
  observationer: "observations",
  krogar: "venues",
});

/**
 * Make every layer, empty.
 * @param {{classes: () => readonly import("./scale.js").Class[], chosen: () => string}} from
 */
export function createLayers({ classes, chosen }) {
  /** @param {any} style @param {number} zIndex @param {object} [more] */
  const vector = (style, zIndex, more = {}) =>
    new ol.layer.Vector({ source: new ol.source.Vector(), style, zIndex, ...more });
  const areas = vector(styles.area, 3);
  const layers = {
    ground: vector(styles.area, 0),
    areas,
    areaNames: new ol.layer.Vector({
      source: areas.getSource(), style: styles.areaName, zIndex: 7, declutter: "names",
    }),
    cells: vector(styles.cell(classes, chosen), 2),
    venues: vector(styles.venue, 4),
    schools: vector(styles.school, 4),
    observations: vector(styles.observation, 5),
    clusters: vector(styles.cluster(chosen), 6),
    places: vector(styles.placeName, 8, { declutter: "names" }),
  };
  return layers;
}

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
  const source = layer.getSource();
  source.clear(true);
  source.addFeatures(made);
}

/**
 * Turn gazetteer entries into features.
 * @param {readonly import("./places.js").Place[]} places
 * @returns {import("./data.js").Feature[]}
 */
export function asFeatures(places) {
  return places.map((place, id) => ({
    type: "Feature",
    id,
    geometry: { type: "Point", coordinates: [place.lon, place.lat] },
    properties: { name: place.name, kind: place.kind },
  }));
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
    layers[/** @type {keyof typeof layers} */ (id)].setVisible(visible);
    if (id === "areas") {
      layers.areaNames.setVisible(visible);
    }
  }
}

/**
 * Find what lies under a pixel; points before clusters before cells before areas.
 * @param {any} map
 * @param {ReturnType<typeof createLayers>} layers
 * @param {number[]} pixel
 * @returns {{id: string, feature: any} | undefined}
 */
export function under(map, layers, pixel) {
  const order = /** @type {const} */ (["observations", "schools", "venues", "clusters", "cells", "areas"]);
  for (const id of order) {
    const feature = map.forEachFeatureAtPixel(pixel, (/** @type {any} */ found) => found, {
      layerFilter: (/** @type {any} */ layer) => layer === layers[id],
      hitTolerance: id === "cells" || id === "areas" ? 0 : 4,
    });
    if (feature) {
      return { id, feature };
    }
  }
  return undefined;
}
