// @ts-check
/** How the difference between two periods looks: its colour, and its sign. */

/* global ol */

import { DEEP, FONT, fill, stroke, words } from "./brush.js";

const ROOM = 14; // pixels: narrower cells bear no sign
/** Width of a cell in pixels from which its sign is so high. */
const LETTERS = /** @type {const} */ ([[44, 14], [26, 12], [0, 10]]);
/** In the order of the key that the page brings. */
const LOOKS = /** @type {const} */ (["more-sure", "fewer-sure", "same"]);

/** @param {readonly [string, string][]} key colour and words of each look */
export function difference(key) {
  const colours = new Map(key.map(([colour], i) => [String(LOOKS[i]), colour]));
  return (/** @type {any} */ feature, /** @type {number} */ resolution) => {
    const look = feature.get("look");
    const wide = ol.extent.getWidth(feature.getGeometry().getExtent()) / resolution;
    const pale = look === "same";
    const letters = LETTERS.find(([from]) => wide >= from)?.[1];
    return new ol.style.Style({
      fill: fill(`${colours.get(look) ?? "#ffffff"}dd`),
      stroke: stroke(pale ? "rgba(255, 255, 255, 0.9)" : DEEP, pale ? 1 : 2),
      zIndex: pale ? 1 : 2,
      text: wide < ROOM ? undefined : words(feature.get("sign"), { font: `700 ${letters}px ${FONT}`, stroke: stroke("#ffffffcc", 2) }),
    });
  };
}
