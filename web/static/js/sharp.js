// @ts-check
/** Draws the maps that are seen anew, with more pixels than the screen has. */

/* global ol */

import { controls, maps } from "./map.js";

export const SHARP = 2; // pixels of the map to a pixel of the sheet: 192 dots an inch
const PATIENCE_MS = 4000; // for tiles that do not come

/** The maps that are seen; a page may hold others in hiding. */
export const shown = () => maps.filter((map) => map.getTargetElement()?.offsetParent);

/**
 * Draw a map with more pixels than the screen has: OpenLayers settles them when a map is made, so
 * another map takes over its place, its ground and its layers for a while.
 * @param {any} map
 */
export function sharpen(map) {
  const [target, group] = [map.getTargetElement(), map.getLayerGroup()];
  map.setTarget(undefined);
  map.setLayerGroup(new ol.layer.Group());
  const sharp = new ol.Map({ target, view: map.getView(), controls: controls(), layers: [], pixelRatio: SHARP });
  sharp.setLayerGroup(group);
  const drawn = () => {
    const ready = new Promise((resolve) => sharp.once("rendercomplete", resolve));
    sharp.render();
    return Promise.race([ready, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
  };
  const back = () => {
    sharp.setLayerGroup(new ol.layer.Group());
    sharp.dispose();
    map.setLayerGroup(group);
    map.setTarget(target);
  };
  return { map: sharp, drawn, back };
}
