// @ts-check
/** The map itself: projection, view, controls and the background. */

/* global ol, proj4 */

import { basemap } from "./basemap.js";
import { element, t } from "./texts.js";

const LONLAT = "EPSG:4326";
const CLOSEST_M = 0.5; // metres a pixel: closer in there is nothing more to see
const BLOCKS_M = 1.2; // metres a pixel at which a handful of blocks are seen

/**
 * Teach OpenLayers the municipality's own system; its lines of longitude need to know its reach.
 * @param {DOMStringMap} data
 * @param {number[]} envelope west, south, east, north in degrees
 */
function projection(data, envelope) {
  if (data.definition) {
    proj4.defs(data.projection, data.definition);
    ol.proj.proj4.register(proj4);
  }
  const system = ol.proj.get(data.projection);
  if (data.definition) {
    const around = ol.extent.buffer(envelope, 1);
    system.setWorldExtent(around);
    system.setExtent(ol.proj.transformExtent(around, LONLAT, system));
  }
  return system;
}

/** The maps of this page. @type {any[]} */
export const maps = [];

/**
 * Build the map in an element.
 * @param {HTMLElement} target
 * @param {any[]} layers
 */
export function createMap(target, layers) {
  const envelope = String(target.dataset.envelope).split(",").map(Number);
  const system = projection(target.dataset, envelope);
  const extent = ol.proj.transformExtent(envelope, LONLAT, system);
  const view = new ol.View({
    projection: system,
    center: ol.extent.getCenter(extent),
    resolution: ol.extent.getWidth(extent) / 1000,
    minResolution: CLOSEST_M,
    maxResolution: ol.extent.getWidth(extent) / 250,
    extent: ol.extent.buffer(extent, ol.extent.getWidth(extent) / 2),
    constrainOnlyCenter: true,
    enableRotation: false,
  });
  const ground = basemap(target, system);
  target.dataset.ground = ground.length ? "map" : "grid";
  for (const layer of ground) {
    layer.getSource().on("tileloaderror", sayGroundIsMissing);
  }
  const shown = [...(ground.length ? ground : [grid()]), ...layers];
  const map = new ol.Map({ target, layers: shown, view, controls: controls(), interactions: interactions() });
  maps.push(map);
  return map;
}

/**
 * A mouse drags at once. A finger, and a wheel on a page that scrolls, move the page until the map has been
 * touched: nobody shall be caught in a map on the way down.
 */
function interactions() {
  const { all, focus, mouseOnly, noModifierKeys, primaryAction } = ol.events.condition;
  const stays = () => document.documentElement.scrollHeight <= innerHeight;
  const either = (/** @type {any} */ one, /** @type {any} */ other) => (/** @type {any} */ event) => one(event) || other(event);
  return ol.interaction.defaults.defaults({ dragPan: false, mouseWheelZoom: false }).extend([
    new ol.interaction.DragPan({
      condition: all(noModifierKeys, primaryAction, either(mouseOnly, focus)),
      kinetic: new ol.Kinetic(-0.005, 0.05, 100),
    }),
    new ol.interaction.MouseWheelZoom({ condition: either(stays, focus) }),
  ]);
}

/** What stands on every map: buttons, scale, source and north. */
export const controls = () => [
  new ol.control.Zoom({ zoomInTipLabel: t("map-zoom-in"), zoomOutTipLabel: t("map-zoom-out") }),
  new ol.control.ScaleLine({ minWidth: 80 }),
  new ol.control.Attribution({ collapsible: false }),
  new ol.control.Control({ element: element("div", { class: "map-north", "aria-hidden": "true" }, t("map-north")) }),
];

/** Say that parts of the background map are missing: what is counted is all there. */
function sayGroundIsMissing() {
  const said = document.getElementById("said-now");
  if (said) {
    said.textContent = t("map-ground-missing");
  }
}

/** Thin lines of longitude and latitude, where there is no map of the town to lie on. */
function grid() {
  return new ol.layer.Graticule({
    strokeStyle: new ol.style.Stroke({ color: "rgba(74, 98, 108, 0.13)", width: 1 }),
    showLabels: false,
    wrapX: false,
    maxLines: 60,
    targetSize: 160,
    zIndex: 1,
  });
}

/** Make a button that shows an extent, and add it to the map. @param {any} map @param {number[]} extent */
export function addHome(map, extent) {
  map.addControl(
    new ol.control.ZoomToExtent({ extent, label: "⌂", tipLabel: t("map-home") }),
  );
}

/**
 * Show an extent with room around it, beside what lies over the map.
 * @param {any} map
 * @param {number[]} extent
 * @param {HTMLElement | null} card nothing where nothing lies over the map
 * @param {number} [duration] of the way there
 */
export function show(map, extent, card, duration = 250) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const [width, height] = map.getSize() ?? [600, 400];
  const edge = Math.min(width, height) / 9;
  const over = card && getComputedStyle(card).position === "absolute" ? card.offsetWidth : 0;
  const spots = document.getElementById("spots");
  const above = spots && getComputedStyle(spots).position === "absolute" ? spots.offsetTop + spots.offsetHeight : 0;
  map.getView().fit(extent, {
    padding: [Math.min(edge + above, height / 3), edge + Math.min(over, width / 2), edge, edge],
    minResolution: BLOCKS_M,
    duration: calm ? 0 : duration,
  });
}

/**
 * Go nearer to points that are shown as one.
 * @param {any} map
 * @param {any[]} [group]
 * @returns {boolean} whether that may part them
 */
export function partGroup(map, group = []) {
  const extent = ol.extent.createEmpty();
  group.forEach((one) => ol.extent.extend(extent, one.getGeometry().getExtent()));
  const spread = Math.max(ol.extent.getWidth(extent), ol.extent.getHeight(extent));
  if (group.length < 2 || !spread || map.getView().getResolution() <= BLOCKS_M) {
    return false;
  }
  show(map, extent, document.getElementById("card"));
  return true;
}

/** Tell whether the middle of an extent is seen, not under the card. @param {any} map @param {HTMLElement} card @param {number[]} extent */
export function sees(map, card, extent) {
  map.renderSync();
  const frame = map.getTargetElement().getBoundingClientRect();
  const [x, y] = map.getPixelFromCoordinate(ol.extent.getCenter(extent));
  const holds = (/** @type {DOMRect} */ box) =>
    frame.left + x > box.left && frame.left + x < box.right && frame.top + y > box.top && frame.top + y < box.bottom;
  return holds(frame) && !holds(card.getBoundingClientRect());
}
