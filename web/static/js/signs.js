// @ts-check
/** How points look: a shape of its own for each kind, not only a colour; and quiet names. */

/* global ol */

import { AMBER, FONT, INK, fill, stroke, words } from "./brush.js";

/** @param {string} colour @param {object} shape */
function sign(colour, shape) {
  const edge = stroke("#ffffff", 1.5);
  return new ol.style.Style({
    image: new ol.style.RegularShape({ radius: 7.5, fill: fill(colour), stroke: edge, ...shape }),
  });
}

export const school = sign("#2b5cab", { points: 4, angle: Math.PI / 4 });
export const venue = sign("#5b3f8c", { points: 3 });

const SEEN = "#8a5a00";
const seen = sign(SEEN, { points: 4, radius: 6 });

/**
 * An observation, or several that lie too near to be told apart, with their number.
 * @param {() => string} chosen
 */
export function observations(chosen) {
  return (/** @type {any} */ group) => {
    const all = group.get("features");
    const own = all.some((/** @type {any} */ one) => `observations:${one.getId()}` === chosen());
    if (all.length === 1 && !own) {
      return seen;
    }
    const look = { points: 4, radius: all.length > 1 ? 11 : 8, fill: fill(own ? AMBER : SEEN), stroke: stroke(own ? INK : "#ffffff", 1.5) };
    const text = words(String(all.length), { font: `700 11px ${FONT}`, fill: fill(own ? INK : "#ffffff"), stroke: undefined });
    return new ol.style.Style({ image: new ol.style.RegularShape(/** @type {any} */ (look)), text: all.length > 1 ? text : undefined });
  };
}

/** Metres a pixel up to which, and from which, a name is shown. */
const LABELS = Object.freeze({ place: [0, 14], street: [0, 7], bus_stop: [0, 5.5], centroid: [9, 80] });

/** Kinds of names that a background map writes along its streets. */
const DOUBLED = ["street", "centroid"];

/** Drop what a register adds to a name and a reader does not need. @param {string} name */
export const plain = (name) => name.replace(/^Hållplats /, "");

/** Quiet names in the place of a background map. @param {any} feature @param {number} resolution */
export function placeName(feature, resolution) {
  const kind = /** @type {keyof typeof LABELS} */ (feature.get("kind"));
  const [from, to] = LABELS[kind] ?? [0, 0];
  const mapped = document.getElementById("map")?.dataset.ground === "map";
  if (resolution < from || resolution > to || (mapped && DOUBLED.includes(kind))) {
    return undefined;
  }
  const dotted = kind === "place" || kind === "bus_stop";
  const dot = dotted ? new ol.style.Circle({ radius: 2.2, fill: fill("#7c8d92") }) : undefined;
  return new ol.style.Style({
    image: dot,
    text: words(feature.get("name").replace(/^Hållplats /, ""), {
      font: `${kind === "street" ? "italic 400" : "400"} 12.5px ${FONT}`,
      fill: fill("#4a5f68"),
      offsetY: dot ? -10 : 0,
    }),
  });
}
