// @ts-check
/** Where a map looks, as the address says it. */

/* global ol */

/**
 * Write where a view is, for the URL: lon, lat, metres a pixel.
 * @param {any} view
 */
export function viewText(view) {
  const [lon, lat] = ol.proj.toLonLat(view.getCenter(), view.getProjection());
  return [lon.toFixed(4), lat.toFixed(4), view.getResolution().toFixed(2)].join("_");
}

/**
 * Go where a URL says.
 * @param {any} view
 * @param {string} text
 * @returns {boolean} whether the text could be read
 */
export function goTo(view, text) {
  const [lon, lat, resolution] = text.split("_").map(Number);
  if (![lon, lat, resolution].every(Number.isFinite) || resolution <= 0 || Math.abs(lat) >= 90) {
    return false;
  }
  view.cancelAnimations();
  view.setCenter(ol.proj.fromLonLat([lon, lat], view.getProjection()));
  view.setResolution(resolution);
  return true;
}
