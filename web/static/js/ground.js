// @ts-check
/** What stays the same whatever is chosen: the municipality, its areas, schools, venues and names. */

import { collection, placeNames } from "./data.js";
import { fill } from "./layers.js";

/** Kinds of areas that one goes to from the map. */
const FOCUS = ["priority", "nightlife"];

/** Ground of a release that is not a place of its own: all the rest of the municipality has no colour. */
const REST = ["rest", "unknown", "several"];

/** @param {import("./data.js").Feature} one */
export const isPlace = (one) => !REST.includes(one.properties.kind);

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
  const [areas, schools, bars, places] = await Promise.all([
    collection("areas"),
    collection("schools"),
    venues ? collection("venues") : [],
    placeNames(),
  ]);
  const named = areas.filter(shown);
  fill(layers.ground, areas.filter((area) => !isNamed(area)), system);
  fill(layers.areas, named, system);
  fill(layers.schools, schools, system);
  fill(layers.venues, bars, system);
  layNames(layers, areas, places, system);
  return (named.length ? layers.areas : layers.ground).getSource().getExtent();
}

/**
 * Put the gazetteer's names on the map, but for those that the areas themselves bear.
 * @param {ReturnType<typeof import("./layers.js").createLayers>} layers
 * @param {readonly import("./data.js").Feature[]} areas
 * @param {Awaited<ReturnType<typeof placeNames>>} places
 * @param {any} system the map's projection
 */
export function layNames(layers, areas, places, system) {
  const names = new Set(areas.filter(isNamed).map((area) => area.properties.name));
  fill(layers.places, asFeatures(places.filter((place) => !names.has(place.name))), system);
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
 * Offer the areas as buttons on the map: they choose in the form, and lead back to what is chosen.
 * @param {HTMLElement} target
 * @param {readonly any[]} areas features of the areas' layer
 * @param {(extent: number[] | null) => void} go nothing means everything
 */
export function showSpots(target, areas, go) {
  const box = /** @type {HTMLSelectElement} */ (document.getElementById("omrade"));
  const focus = new Map(areas.filter((one) => FOCUS.includes(one.get("kind"))).map((one) => [one.get("name"), one]));
  const options = [...box.options].filter((one) => !one.value || focus.has(one.text));
  const made = options.map(({ value, text }) => {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: text, value });
    button.addEventListener("click", () => {
      if (box.value === value) {
        go(focus.get(text)?.getGeometry().getExtent() ?? null);
        return;
      }
      box.value = value;
      box.dispatchEvent(new Event("change", { bubbles: true }));
    });
    return button;
  });
  target.replaceChildren(...made);
  target.hidden = !focus.size;
  markSpot();
}

/** Say on the buttons which area is chosen in the form. */
export function markSpot() {
  const { value } = /** @type {HTMLSelectElement} */ (document.getElementById("omrade"));
  for (const button of document.querySelectorAll("#spots button")) {
    button.setAttribute("aria-pressed", String(/** @type {HTMLButtonElement} */ (button).value === value));
  }
}
