// @ts-check
/** Vector tiles of a collection, for more features than a browser should hold. */

/* global ol */

import { json, query } from "./data.js";

/**
 * Make a source of tiles in the map's own grid.
 * @param {string} id of the collection
 * @param {Record<string, string>} filters
 * @param {any} system the map's projection
 * @param {AbortSignal} signal
 */
export async function tiles(id, filters, system, signal) {
  const code = system.getCode();
  const grid = { "EPSG:3006": "SWEREF99TM", "EPSG:3857": "WebMercatorQuad" }[code] ?? code.replace(":", "");
  const told = await json(`/ogc/collections/${id}/tiles/${grid}?${query(filters)}`, signal);
  const { pathname, search } = new URL(told.tiles[0], location.href);
  const { origin, tileSize, resolutions } = told;
  return new ol.source.VectorTile({
    format: new ol.format.MVT({ layerName: "layer" }),
    projection: system,
    transition: 0,
    // Squares of 512 pixels are the same squares at twice the pixels: a quarter of the requests.
    tileGrid: new ol.tilegrid.TileGrid({ origin, tileSize: 2 * tileSize, resolutions: resolutions.map((/** @type {number} */ one) => one / 2) }),
    url: decodeURI(pathname) + search,
  });
}
