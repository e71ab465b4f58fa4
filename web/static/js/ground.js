// @ts-check
/** What stays the same whatever is chosen: the municipality, its areas, schools, venues and names. */

/* global ol */

import { collection, placeNames } from "./data.js";
import { asFeatures, fill } from "./layers.js";
import { describer } from "./places.js";

/** @param {import("./data.js").Feature} area */
export const isNamed = (area) => area.properties.kind !== "municipality";

/**
 * Fill the layers that do not change.
 * @param {ReturnType<typeof import("./layers.js").createLayers>} layers
 * @param {any} system the map's projection
 * @returns {Promise<{home: number[], where: (lon: number, lat: number, near_m?: number) => string}>} the extent to
 *   begin with, and a function that says where a point is
 */
export async function loadGround(layers, system) {
  const [areas, schools, venues] = await Promise.all([
    collection("areas"),
    collection("schools"),
    collection("venues"),
  ]);
  const named = areas.filter(isNamed);
  fill(layers.ground, areas.filter((area) => !isNamed(area)), system);
  fill(layers.areas, named, system);
  fill(layers.schools, schools, system);
  fill(layers.venues, venues, system);
  const places = await loadNames(layers, areas, system);
  const source = (named.length ? layers.areas : layers.ground).getSource();
  return { home: source.getExtent(), where: describer(places, holders(layers, system)) };
}

/**
 * Put the gazetteer's names on the map, but for those that the areas themselves bear.
 * @param {ReturnType<typeof import("./layers.js").createLayers>} layers
 * @param {readonly import("./data.js").Feature[]} areas
 * @param {any} system the map's projection
 */
export async function loadNames(layers, areas, system) {
  const places = await placeNames();
  const names = new Set(areas.filter(isNamed).map((area) => area.properties.name));
  fill(layers.places, asFeatures(places.filter((place) => !names.has(place.name))), system);
  return places;
}

/**
 * @param {ReturnType<typeof import("./layers.js").createLayers>} layers
 * @param {any} system
 */
function holders(layers, system) {
  return layers.areas.getSource().getFeatures().map((/** @type {any} */ area) => ({
    name: area.get("name"),
    kind: area.get("kind"),
    holds: (/** @type {number} */ lon, /** @type {number} */ lat) =>
      area.getGeometry().intersectsCoordinate(ol.proj.fromLonLat([lon, lat], system)),
  }));
}
