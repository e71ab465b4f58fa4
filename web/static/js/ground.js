// @ts-check
/** What stays the same whatever is chosen: the municipality, its areas, schools, venues and names. */

import { collection, placeNames } from "./data.js";
import { fill } from "./layers.js";
import { t } from "./texts.js";

/** Kinds of areas that one goes to from the map. */
const FOCUS = ["priority", "nightlife"];

/** @param {import("./data.js").Feature} area */
export const isNamed = (area) => area.properties.kind !== "municipality";

/** @param {import("./data.js").Feature} area */
export const isFocus = (area) => FOCUS.includes(area.properties.kind);

/**
 * Fill the layers that do not change.
 * @param {ReturnType<typeof import("./layers.js").createLayers>} layers
 * @param {any} system the map's projection
 * @param {{venues: boolean, shown: (area: import("./data.js").Feature) => boolean}} [of] whether the
 *   reader may see venues, and which areas are drawn
 * @returns {Promise<number[]>} the extent to begin with
 */
export async function loadGround(layers, system, { venues, shown } = { venues: true, shown: isNamed }) {
  const [areas, schools, bars] = await Promise.all([
    collection("areas"),
    collection("schools"),
    venues ? collection("venues") : [],
  ]);
  const named = areas.filter(shown);
  fill(layers.ground, areas.filter((area) => !isNamed(area)), system);
  fill(layers.areas, named, system);
  fill(layers.schools, schools, system);
  fill(layers.venues, bars, system);
  await loadNames(layers, areas, system);
  return (named.length ? layers.areas : layers.ground).getSource().getExtent();
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
 * Turn gazetteer entries into features.
 * @param {readonly {name: string, kind: string, lon: number, lat: number}[]} places
 * @returns {import("./data.js").Feature[]}
 */
function asFeatures(places) {
  return places.map((place, id) => ({
    type: "Feature",
    id,
    geometry: { type: "Point", coordinates: [place.lon, place.lat] },
    properties: { name: place.name, kind: place.kind },
  }));
}

/**
 * Offer the areas as buttons on the map.
 * @param {HTMLElement} target
 * @param {readonly any[]} areas features of the areas' layer
 * @param {(extent: number[] | null) => void} go nothing means everything
 */
export function showSpots(target, areas, go) {
  const focus = areas.filter((one) => FOCUS.includes(one.get("kind")));
  const spots = focus.map((one) => /** @type {const} */ ([one.get("name"), one.getGeometry().getExtent()]));
  const made = [/** @type {const} */ ([t("map-everything"), null]), ...spots].map(([name, extent]) => {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: name });
    button.addEventListener("click", () => go(extent));
    return button;
  });
  target.replaceChildren(...made);
  target.hidden = !spots.length;
}
