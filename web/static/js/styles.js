// @ts-check
/** How areas, cells and clusters look. */

/* global ol */

import { ACCENT, AMBER, DEEP, FONT, INK, fill, stroke, words } from "./brush.js";
import { lines, outline } from "./outlines.js";
import { numberOf } from "./places.js";
import { BOUNDED, classOf } from "./scale.js";

const HULLS_M = 5; // metres a pixel up to which unchosen clusters show their outline
/** Metres a pixel -> how many of the largest clusters have room on the map. */
const ROOM = /** @type {const} */ ([[2.5, Infinity], [6, 25], [Infinity, 10]]);
const CELL_PIXELS = 40; // narrower cells get no number

/** The core has two lines: dashes and dots say what is known of a number. */
const NIGHTLIFE = [
  new ol.style.Style({ stroke: stroke("#5b3f8c", 5), fill: fill("rgba(91, 63, 140, 0.05)") }),
  new ol.style.Style({ stroke: stroke("#ffffff", 1.8) }),
];
const FOCUS = new ol.style.Style({ stroke: stroke(ACCENT, 2.2), fill: fill("rgba(11, 110, 127, 0.06)") });
const GROUND = new ol.style.Style({ fill: fill("#f8f7f3"), stroke: stroke("#aab5b3", 1.2) });

/** @param {any} feature */
export function area(feature) {
  const kind = feature.get("kind");
  if (kind === "municipality") {
    return GROUND;
  }
  return kind === "nightlife" ? NIGHTLIFE : FOCUS;
}

/** Names stand above their areas, in a layer of their own over the cells. @param {any} feature */
export function areaName(feature) {
  return new ol.style.Style({
    geometry: new ol.geom.Point(topOf(feature)),
    text: words(feature.get("name"), {
      font: `700 14px ${FONT}`,
      fill: fill(DEEP),
      textBaseline: "bottom",
    }),
  });
}

/** @param {any} feature */
function topOf(feature) {
  const [west, , east, north] = feature.getGeometry().getExtent();
  return [(west + east) / 2, north];
}

/**
 * @param {() => readonly import("./scale.js").Class[]} classes
 * @param {() => string} chosen
 * @param {boolean} [numbered] whether a cell bears its number
 */
export function cell(classes, chosen, numbered = true) {
  const made = new Map(); // thousands of cells share a few looks
  return (/** @type {any} */ feature, /** @type {number} */ resolution) => {
    const count = feature.get("count");
    const { wide, room } = measures(feature, resolution);
    const letters = numbered ? room : 0;
    const selected = [`cells:${feature.getId() ?? feature.get("cell")}`, feature.getId()].includes(chosen());
    const around = outline(selected ? "chosen" : feature.get("verdict"), wide);
    const one = feature.get("exact") === false ? BOUNDED : classOf(classes(), count);
    const look = [one?.colour, letters && count, letters, around].join();
    if (!made.has(look)) {
      made.set(look, [cellLook(one, String(count), letters), ...lines(around)]);
    }
    return made.get(look);
  };
}

/**
 * The numbers of cells, above everything else that is written on the map.
 * @param {() => readonly import("./scale.js").Class[]} classes
 */
export function cellNumber(classes) {
  return (/** @type {any} */ feature, /** @type {number} */ resolution) => {
    const { room } = measures(feature, resolution);
    const count = feature.get("count");
    const exact = feature.get("exact") !== false;
    const one = exact ? classOf(classes(), count) : BOUNDED;
    return room ? new ol.style.Style({ text: figure(one, exact ? String(count) : numberOf(feature), room) }) : undefined;
  };
}

/** How wide a cell is in pixels, and how high its number may be written: one number, once; 0 for none. @param {any} feature @param {number} resolution */
function measures(feature, resolution) {
  const ground = feature.getGeometry();
  const parts = ground.getType() === "MultiPolygon" ? ground.getPolygons() : [ground];
  const wide = Math.max(...parts.map((/** @type {any} */ one) => ol.extent.getWidth(one.getExtent()))) / resolution;
  const bare = parts.length > 1 || wide < CELL_PIXELS || !feature.get("count");
  return { wide, room: bare ? 0 : (wide > 60 ? 15 : 12) };
}

/** @param {{ink: string} | undefined} one @param {string} count @param {number} letters their height in pixels */
const figure = (one, count, letters) =>
  words(count, { fill: fill(one?.ink ?? INK), stroke: undefined, font: `600 ${letters}px ${FONT}` });

/**
 * @param {import("./scale.js").Class | undefined} one
 * @param {string} count
 * @param {number} letters height in pixels, 0 for none
 */
function cellLook(one, count, letters) {
  return new ol.style.Style({
    fill: fill(`${one?.colour ?? "#ffffff"}cc`),
    stroke: one === BOUNDED ? stroke(INK, 1.2, [1, 4]) : stroke("rgba(255, 255, 255, 0.85)", 1),
    text: letters ? figure(one, count, letters) : undefined,
    zIndex: 1,
  });
}

/** @param {() => string} chosen */
export function cluster(chosen) {
  return (/** @type {any} */ feature, /** @type {number} */ resolution) => {
    const selected = chosen() === `clusters:${feature.getId()}`;
    const most = ROOM.find(([upTo]) => resolution <= upTo)?.[1] ?? 0;
    if (!selected && feature.get("rank") > most) {
      return undefined;
    }
    const centre = new ol.geom.Point(feature.get("anchor"));
    const size = 10 + Math.min(6, Math.sqrt(feature.get("count")) / 2);
    const outline = new ol.style.Style({
      stroke: stroke(DEEP, selected ? 4.5 : 3, [0.5, 5.5]), // no fill: a click inside means the cell
    });
    return [
      ...(selected || resolution <= HULLS_M ? [outline] : []),
      new ol.style.Style({
        geometry: centre,
        image: new ol.style.Circle({
          radius: size,
          fill: fill(selected ? AMBER : DEEP),
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
