// @ts-check
/** The background map under and over what a page shows; pages without one get no layers. */

/* global ol */

import { FONT, fill, stroke } from "./brush.js";
import { t } from "./texts.js";

const UNDER = 0.5; // over the municipality's ground, under cells
const OVER = 3.5; // over cells, under signs
/** Kind of street -> rank, width of its casing in metres, narrowest and widest in pixels. */
const STREETS = Object.freeze({
  motorway: [6, 22, 3, 16], main: [5, 15, 2.4, 13], district: [4, 11, 1.6, 11],
  street: [3, 8.5, 1, 9], service: [2, 5, 0.8, 5], path: [1, 2.2, 0.8, 2],
});
/** Kind of name -> size, colour and weight of its letters. */
const NAMES = Object.freeze({
  town: [16, "#2c353b", 600], suburb: [13.5, "#39434a", 600], place: [12.5, "#4a545a", 500],
  water: [12.5, "#3c6d92", 500], park: [12, "#4d6b45", 500],
});
const LABELLED_M = Object.freeze({ motorway: 0, main: 12, district: 8, street: 2, service: 1, path: 0 });

/**
 * Make the layers of a page's background map.
 * @param {HTMLElement} target with data-basemap
 * @param {any} system the map's projection
 * @returns {any[]}
 */
export function basemap(target, system) {
  const said = JSON.parse(target.dataset.basemap || "null");
  if (!said?.kind) {
    return [];
  }
  return said.kind === "raster" ? [pictures(said, system)] : drawn(said, system);
}

/** @param {any} said @param {any} system */
function grid(said, system) {
  const resolutions = Array.from({ length: said.last + 1 }, (_, z) => said.size / said.pixels / 2 ** z);
  const origin = [said.west, said.north];
  const tileGrid = new ol.tilegrid.TileGrid({ origin, resolutions, tileSize: said.pixels, minZoom: said.first });
  return { projection: system, tileGrid, url: said.url, attributions: said.attribution };
}

/** Pictures of a map service. @param {any} said @param {any} system */
function pictures(said, system) {
  const source = new ol.source.XYZ({ ...grid(said, system), transition: 0, interpolate: true });
  source.once("tileloaderror", () => source.setAttributions(t("basemap-silent")));
  return new ol.layer.Tile({ source, zIndex: UNDER, className: "ground" });
}

/** Ground below, names above: two looks of the same squares. @param {any} said @param {any} system */
function drawn(said, system) {
  const format = new ol.format.MVT({ layerName: "layer" });
  const source = new ol.source.VectorTile({ ...grid(said, system), format, wrapX: false, transition: 0 });
  const shared = { source, renderBuffer: 64 };
  return [
    new ol.layer.VectorTile({ ...shared, style: ground(), zIndex: UNDER, className: "ground", renderMode: "hybrid" }),
    new ol.layer.VectorTile({ ...shared, style: label, zIndex: OVER, declutter: "names", renderMode: "vector" }),
  ];
}

/** How ground, houses and streets look, by layer, kind and scale. */
function ground() {
  const area = (/** @type {string} */ colour) => new ol.style.Style({ fill: fill(colour) });
  const fixed = {
    built: area("#f1eee6"),
    green: { wood: area("#dbe6d0"), park: area("#d3e6c6") },
    water: new ol.style.Style({ fill: fill("#aecbe0"), zIndex: 1 }),
    buildings: new ol.style.Style({ fill: fill("#dfd7ca"), stroke: stroke("#cfc5b5", 0.6), zIndex: 2 }),
    rails: [
      new ol.style.Style({ stroke: stroke("#b3aea6", 2.4), zIndex: 30 }),
      new ol.style.Style({ stroke: stroke("#f8f7f3", 1.2, [7, 7]), zIndex: 31 }),
    ],
  };
  const streets = new Map();
  return (/** @type {any} */ feature, /** @type {number} */ resolution) => {
    const layer = feature.get("layer");
    if (layer === "streets") {
      const key = `${feature.get("kind")} ${resolution}`;
      if (!streets.has(key)) {
        streets.set(key, street(feature.get("kind"), resolution));
      }
      return streets.get(key);
    }
    const look = fixed[/** @type {keyof typeof fixed} */ (layer)];
    return layer === "green" ? (look[feature.get("kind")] ?? fixed.green.park) : look;
  };
}

/** White with an edge; paths are dashes. @param {keyof typeof STREETS} kind @param {number} resolution */
function street(kind, resolution) {
  const [rank, metres, least, most] = STREETS[kind] ?? STREETS.street;
  const width = Math.min(most, Math.max(least, metres / resolution));
  if (kind === "path") {
    return new ol.style.Style({ stroke: stroke("#c3b8a5", width, [4, 3]), zIndex: 10 });
  }
  const strong = rank > 4;
  const edge = new ol.style.Style({ stroke: stroke(strong ? "#c4b283" : "#cbc2b3", width + 2), zIndex: 10 + rank });
  const inside = new ol.style.Style({ stroke: stroke(strong ? "#fdf3d7" : "#ffffff", width), zIndex: 20 + rank });
  return width < 1.8 && !strong ? new ol.style.Style({ stroke: stroke("#cfc7ba", width), zIndex: 10 + rank }) : [edge, inside];
}

/** Names along streets, and names of places. @param {any} feature @param {number} resolution */
function label(feature, resolution) {
  const layer = feature.get("layer");
  const name = feature.get("name");
  const kind = feature.get("kind");
  if (!name || (layer !== "streets" && layer !== "names")) {
    return undefined;
  }
  const halo = stroke("rgba(255, 255, 255, 0.92)", 3);
  if (layer === "names") {
    const [size, colour, weight] = NAMES[/** @type {keyof typeof NAMES} */ (kind)] ?? NAMES.place;
    const italic = kind === "water" || kind === "park" ? "italic " : "";
    return new ol.style.Style({
      text: new ol.style.Text({ text: name, font: `${italic}${weight} ${size}px ${FONT}`, fill: fill(colour), stroke: halo }),
      zIndex: 100,
    });
  }
  if (resolution > (LABELLED_M[/** @type {keyof typeof LABELLED_M} */ (kind)] ?? 0)) {
    return undefined;
  }
  const rank = STREETS[/** @type {keyof typeof STREETS} */ (kind)]?.[0] ?? 0;
  return new ol.style.Style({
    text: new ol.style.Text({
      text: name, font: `500 ${rank > 3 ? 12.5 : 11.5}px ${FONT}`, fill: fill("#3d4850"), stroke: halo,
      placement: "line", maxAngle: 0.5, repeat: 500, overflow: false,
    }),
    zIndex: rank,
  });
}
