// @ts-check
/** What the maps of the tasks have in common: the areas, where they begin, and the view in the address. */

/* global ol */

import { given, write } from "./address.js";
import { collection } from "./data.js";
import { isFocus, isNamed } from "./ground.js";
import { fill, sourceOf } from "./layers.js";
import { addHome, show } from "./map.js";
import { goTo, viewText } from "./view.js";

/**
 * Lay the municipality and the areas that one goes to under a map.
 * @param {{ground: any, areas: any}} layers
 * @param {any} system its projection
 */
export async function layAreas(layers, system) {
  const areas = await collection("areas");
  const focus = areas.filter(isFocus);
  fill(layers.ground, areas.filter((area) => !isNamed(area)), system);
  fill(layers.areas, focus, system);
  return { areas, focus };
}

/** Give the extent of all that lies in some layers. @param {...any} layers */
export function extentOf(...layers) {
  const extents = layers.map((layer) => sourceOf(layer).getExtent());
  return extents.reduce((all, one) => ol.extent.extend(all, one), ol.extent.createEmpty());
}

/**
 * Begin where the address says, else where the page does; from then on the address follows the view.
 * @param {any[]} maps that share one view, the one that is seen first
 * @param {number[]} first what the page would show
 * @param {number[]} [home] what the button leads back to
 * @returns {boolean} whether the address has a view
 */
export function begin(maps, first, home = first) {
  const [seen] = maps;
  const view = seen.getView();
  const extent = ol.extent.isEmpty(first) ? home : first;
  if (!ol.extent.isEmpty(home)) {
    maps.forEach((map) => addHome(map, home));
  }
  if (!ol.extent.isEmpty(extent)) {
    show(seen, extent, null, 0);
  }
  const own = viewText(view);
  const viewed = goTo(view, given("vy"));
  const keep = () => {
    const now = viewText(view) === own ? "" : viewText(view);
    if (now !== given("vy")) {
      write({ vy: now });
    }
  };
  maps.forEach((map) => map.on("moveend", keep));
  addEventListener("popstate", () => goTo(view, given("vy") || own));
  return viewed;
}
