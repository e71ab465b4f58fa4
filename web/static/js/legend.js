// @ts-check
/** The legend of the cells: the very classes the map is drawn with, and how many cells each has. */

import { classOf } from "./scale.js";
import { element, number } from "./texts.js";

/**
 * @param {HTMLElement} target
 * @param {readonly import("./scale.js").Class[]} classes
 * @param {readonly number[]} counts one per cell on the map
 */
export function showLegend(target, classes, counts) {
  if (!counts.length) {
    target.replaceChildren();
    return;
  }
  const list = element("ol");
  for (const one of classes) {
    const many = counts.filter((count) => classOf(classes, count) === one).length;
    const swatch = element("span", { class: "swatch", "aria-hidden": "true" });
    swatch.style.backgroundColor = one.colour;
    const attributes = { "data-from": String(one.from), "data-to": String(one.to), "data-cells": String(many) };
    const cells = element("span", { class: "many" }, `(${number(many)})`);
    list.append(element("li", attributes, swatch, element("span", {}, one.label), cells));
  }
  target.replaceChildren(element("h2", {}, "Händelser per ruta"), list);
}
