// @ts-check
/** Colours, lines and letters that every style on the map is made of. */

/* global ol */

export const FONT = '"Source Sans 3 Variable", "Segoe UI", "Noto Sans", sans-serif';
export const INK = "#17323d";
export const DEEP = "#0f3d4c";
export const ACCENT = "#0b6e7f";
export const AMBER = "#d79b00";

/** @param {string} color @param {number} width @param {number[]} [lineDash] */
export const stroke = (color, width, lineDash) => new ol.style.Stroke({ color, width, lineDash });

/** @param {string} color */
export const fill = (color) => new ol.style.Fill({ color });

/**
 * Letters with a light edge, so that they can be read on anything.
 * @param {string} text
 * @param {Record<string, unknown>} [more]
 */
export function words(text, more = {}) {
  return new ol.style.Text({
    text,
    font: `600 13px ${FONT}`,
    fill: fill(INK),
    stroke: stroke("rgba(255, 255, 255, 0.9)", 3.5),
    overflow: true,
    ...more,
  });
}
