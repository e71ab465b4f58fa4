// @ts-check
/** How each kind of thing looks. Shapes differ as well as colours. */

/* global ol */

import { plain } from "./places.js";
import { classOf } from "./scale.js";

const FONT = '"Source Sans 3 Variable", "Segoe UI", "Noto Sans", sans-serif';
const INK = "#17323d";
const DEEP = "#0f3d4c";
const ACCENT = "#0b6e7f";
const CELL_PIXELS = 26; // narrower cells get no number

/** @param {string} colour @param {number} width @param {number[]} [dash] */
const stroke = (colour, width, dash) => new ol.style.Stroke({ color: colour, width, lineDash: dash });
/** @param {string} colour */
const fill = (colour) => new ol.style.Fill({ color: colour });

/**
 * @param {string} text
 * @param {Record<string, unknown>} [more]
 */
function words(text, more = {}) {
  return new ol.style.Text({
    text,
    font: `600 13px ${FONT}`,
    fill: fill(INK),
    stroke: stroke("rgba(255, 255, 255, 0.9)", 3.5),
    overflow: true,
    ...more,
  });
}

const GROUND = new ol.style.Style({ fill: fill("#f8f7f3"), stroke: stroke("#aab5b3", 1.2) });

/** @param {any} feature */
export function area(feature) {
  const kind = feature.get("kind");
  if (kind === "municipality") {
    return GROUND;
  }
  const nightlife = kind === "nightlife";
  return new ol.style.Style({
    stroke: stroke(nightlife ? "#5b3f8c" : ACCENT, 2.2, nightlife ? [7, 5] : undefined),
    fill: fill(nightlife ? "rgba(91, 63, 140, 0.05)" : "rgba(11, 110, 127, 0.06)"),
  });
}

/** Names are a layer of their own, above the cells. @param {any} feature */
export function areaName(feature) {
  return new ol.style.Style({
    text: words(feature.get("name"), { font: `700 14px ${FONT}`, fill: fill(DEEP), placement: "point" }),
  });
}

/**
 * @param {() => readonly import("./scale.js").Class[]} classes
 * @param {() => string} chosen
 */
export function cell(classes, chosen) {
  return (/** @type {any} */ feature, /** @type {number} */ resolution) => {
    const count = feature.get("count");
    const one = classOf(classes(), count);
    const wide = ol.extent.getWidth(feature.getGeometry().getExtent()) / resolution;
    const selected = chosen() === `cells:${feature.getId()}`;
    return new ol.style.Style({
      fill: fill(`${one?.colour ?? "#ffffff"}d9`),
      stroke: selected ? stroke(INK, 3.5) : stroke("rgba(255, 255, 255, 0.85)", 1),
      text: wide < CELL_PIXELS ? undefined : words(String(count), {
        fill: fill(one?.ink ?? INK),
        stroke: undefined,
        font: `600 ${wide > 60 ? 15 : 12}px ${FONT}`,
      }),
      zIndex: selected ? 2 : 1,
    });
  };
}

/** @param {() => string} chosen */
export function cluster(chosen) {
  return (/** @type {any} */ feature) => {
    const selected = chosen() === `clusters:${feature.getId()}`;
    const centre = new ol.geom.Point(feature.get("anchor"));
    const size = 10 + Math.min(6, Math.sqrt(feature.get("count")) / 2);
    return [
      new ol.style.Style({
        stroke: stroke(DEEP, selected ? 3.5 : 1.8, [5, 4]), // no fill: a click inside means the cell
      }),
      new ol.style.Style({
        geometry: centre,
        image: new ol.style.Circle({
          radius: size,
          fill: fill(selected ? "#d79b00" : DEEP),
          stroke: stroke("#ffffff", 2),
        }),
        text: words(String(feature.get("rank")), {
          fill: fill(selected ? INK : "#ffffff"),
          stroke: undefined,
          font: `700 13px ${FONT}`,
        }),
        zIndex: 1000 - feature.get("rank"),
      }),
    ];
  };
}

/** @param {any} image */
const sign = (image) => new ol.style.Style({ image });
const WHITE = stroke("#ffffff", 1.5);

export const school = sign(
  new ol.style.RegularShape({ points: 4, radius: 8, angle: Math.PI / 4, fill: fill("#2b5cab"), stroke: WHITE }),
);
export const observation = sign(
  new ol.style.RegularShape({ points: 4, radius: 8, angle: 0, fill: fill("#8a5a00"), stroke: WHITE }),
);
export const venue = sign(
  new ol.style.RegularShape({ points: 3, radius: 8, fill: fill("#5b3f8c"), stroke: WHITE }),
);

/** Metres a pixel up to which, and from which, a name is shown. */
const LABELS = Object.freeze({ place: [0, 14], street: [0, 7], bus_stop: [0, 5.5], centroid: [9, 80] });

/** Quiet names in the place of a background map. @param {any} feature @param {number} resolution */
export function placeName(feature, resolution) {
  const kind = /** @type {keyof typeof LABELS} */ (feature.get("kind"));
  const [from, to] = LABELS[kind] ?? [0, 0];
  if (resolution < from || resolution > to) {
    return undefined;
  }
  const dot = kind === "street" || kind === "centroid" ? undefined : new ol.style.Circle({ radius: 2.2, fill: fill("#7c8d92") });
  return new ol.style.Style({
    image: dot,
    text: words(plain(feature.get("name")), {
      font: `${kind === "street" ? "italic 400" : "400"} 12.5px ${FONT}`,
      fill: fill("#4a5f68"),
      offsetY: dot ? -10 : 0,
    }),
  });
}
