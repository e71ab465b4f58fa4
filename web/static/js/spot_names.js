// @ts-check
/** Names of a release's places on a map, with the number, or the two numbers, that it tells of each. */

/* global ol */

import { DEEP, FONT, fill, words } from "./brush.js";
import { largest } from "./places.js";

const LEAST_PIXELS = 16; // narrower places bear no name

/**
 * Make the style that names places.
 * @param {string} label the property that holds what is told of each
 */
export function spotNames(label) {
  return (/** @type {any} */ feature, /** @type {number} */ resolution) => {
    const ground = largest(feature.getGeometry());
    if (Math.sqrt(ground.getArea()) / resolution < LEAST_PIXELS) {
      return undefined;
    }
    const told = [feature.get("name"), `700 14px ${FONT}`, "\n", "", feature.get(label), `700 15px ${FONT}`];
    return new ol.style.Style({
      geometry: ground.getInteriorPoint(),
      text: words(/** @type {any} */ (told), { fill: fill(DEEP) }),
    });
  };
}
