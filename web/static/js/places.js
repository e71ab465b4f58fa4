// @ts-check
/** How the numbers of a release look: names, numbers and verdicts in words on even ground, and the three years. */

/* global ol */

import { DEEP, FONT, INK, stroke, words } from "./brush.js";
import { VERDICTS, number, t } from "./texts.js";

const WIDE_PIXELS = 70; // narrower places get their number and no more
const LEAST_PIXELS = 16; // narrower ones get nothing
const SAID = ["established", "uncertain"]; // verdicts that the map spells out; the list has all
const HATCH = 7; // pixels between the lines

/** Write a number of a release, or the two that it lies between. @param {any} feature */
export function numberOf(feature) {
  const [low, high] = [feature.get("low"), number(feature.get("count"))];
  if (feature.get("exact") !== false) {
    return high;
  }
  return low ? t("from-to", { low: number(low), high }) : t("at-most", { n: high });
}

/**
 * Write name, number and verdict on a place, once; smaller places yield where it is crowded.
 * @param {any} feature
 * @param {number} resolution
 */
export function placeLabel(feature, resolution) {
  const ground = largest(feature.getGeometry());
  const wide = Math.sqrt(ground.getArea()) / resolution;
  if (wide < LEAST_PIXELS) {
    return undefined;
  }
  const count = numberOf(feature);
  const name = feature.get("label") ? "" : feature.get("name").replaceAll(", ", ",\n");
  const verdict = SAID.includes(feature.get("verdict")) ? VERDICTS[feature.get("verdict")] : "";
  const told = [
    ...(name ? [name, `700 14px ${FONT}`, "\n", ""] : []),
    count, `700 ${name ? 15 : 12}px ${FONT}`,
    ...(verdict && name && wide > WIDE_PIXELS ? ["\n", "", verdict, `400 12px ${FONT}`] : []),
  ];
  return new ol.style.Style({
    geometry: ground.getInteriorPoint(),
    text: words(/** @type {any} */ (told), { fill: new ol.style.Fill({ color: DEEP }) }),
    zIndex: feature.get("exact") === false ? 0 : feature.get("count"),
  });
}

export const NAMED_ROWS = 6; // of the list: more names would hide what they name

/**
 * Name the first places of the list on the map, so that list and map are read together.
 * @param {() => HTMLElement[]} ranked the rows of the list
 */
export function topLabel(ranked) {
  return (/** @type {any} */ feature, /** @type {number} */ resolution) => {
    const rows = ranked();
    const rank = rows.findIndex((row) => row.dataset.key === `cells:${feature.getId()}`);
    const name = rows[rank]?.dataset.short;
    if (!name) {
      return undefined;
    }
    const extent = feature.getGeometry().getExtent();
    const wide = ol.extent.getWidth(extent) / resolution;
    const offsetY = wide < 40 ? 0 : -Math.min(28, wide / 3); // above the number
    return new ol.style.Style({
      geometry: new ol.geom.Point(ol.extent.getCenter(extent)),
      text: words(name, { font: `700 13px ${FONT}`, fill: new ol.style.Fill({ color: DEEP }), offsetY }),
      zIndex: NAMED_ROWS - rank,
    });
  };
}

/** @param {any} geometry a polygon or several */
export function largest(geometry) {
  const parts = geometry.getType() === "MultiPolygon" ? geometry.getPolygons() : [geometry];
  return parts.reduce((/** @type {any} */ a, /** @type {any} */ b) => (b.getArea() > a.getArea() ? b : a));
}

/** The three years together: ruled over with lines, so that the colours below still tell. */
export const physical = () => {
  const ruled = new ol.style.Style({
    fill: new ol.style.Fill({ color: hatch() }),
    stroke: stroke(INK, 1.4),
  });
  return (/** @type {any} */ feature, /** @type {number} */ resolution) => {
    const wide = Math.sqrt(largest(feature.getGeometry()).getArea()) / resolution;
    if (wide < 2 * LEAST_PIXELS) {
      return ruled;
    }
    const text = t("map-three-years", { n: number(feature.get("count")) });
    const point = largest(feature.getGeometry()).getInteriorPoint();
    return [ruled, new ol.style.Style({ geometry: point, text: words(text, { font: `600 12px ${FONT}`, offsetY: 20 }) })];
  };
};

/** Draw one tile of slanting lines. */
function hatch() {
  const tile = document.createElement("canvas");
  tile.width = tile.height = HATCH;
  const pen = /** @type {CanvasRenderingContext2D} */ (tile.getContext("2d"));
  pen.strokeStyle = INK;
  pen.lineWidth = 1;
  for (const shift of [-HATCH, 0, HATCH]) {
    pen.moveTo(shift, HATCH);
    pen.lineTo(shift + HATCH, 0);
  }
  pen.stroke();
  return pen.createPattern(tile, "repeat");
}
