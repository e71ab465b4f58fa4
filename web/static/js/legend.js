// @ts-check
/** The legend of the cells: the very classes and lines the map is drawn with, and how many of each. */

import { classOf } from "./scale.js";
import { VERDICTS, element, number } from "./texts.js";

const OUTLINED = ["established", "uncertain"];

/**
 * @param {HTMLElement} target
 * @param {readonly import("./scale.js").Class[]} classes
 * @param {readonly import("./data.js").Feature[]} cells on the map
 * @param {string} level whose level the verdicts compare with
 * @param {string} [title] what the colours count
 */
export function showLegend(target, classes, cells, level, title = "Händelser per ruta") {
  if (!cells.length) {
    target.replaceChildren();
    return;
  }
  const counts = cells.map((cell) => cell.properties.count);
  const list = element("ol");
  for (const one of classes) {
    const many = counts.filter((count) => classOf(classes, count) === one).length;
    const swatch = element("span", { class: "swatch", "aria-hidden": "true" });
    swatch.style.backgroundColor = one.colour;
    const attributes = { "data-from": String(one.from), "data-to": String(one.to) };
    list.append(row(attributes, swatch, one.label, many));
  }
  const counted = element("div", {}, element("h2", {}, title), list);
  target.replaceChildren(counted, ...outlines(cells, level));
}

/**
 * Explain the lines around cells, where any verdict was given.
 * @param {readonly import("./data.js").Feature[]} cells
 * @param {string} level
 */
function outlines(cells, level) {
  if (!cells.some((cell) => cell.properties.verdict)) {
    return [];
  }
  const list = element("ul");
  for (const verdict of OUTLINED) {
    const many = cells.filter((cell) => cell.properties.verdict === verdict).length;
    const swatch = element("span", { class: `swatch outline-${verdict}`, "aria-hidden": "true" });
    list.append(row({ "data-verdict": verdict }, swatch, VERDICTS[verdict] ?? verdict, many));
  }
  return [element("div", {}, element("h2", {}, `Fler än nivån i ${level}`), list)];
}

/**
 * @param {Record<string, string>} attributes
 * @param {Element} swatch
 * @param {string} label
 * @param {number} many cells
 */
function row(attributes, swatch, label, many) {
  const cells = element("span", { class: "many" }, `(${number(many)})`);
  return element("li", { ...attributes, "data-cells": String(many) }, swatch, element("span", {}, label), cells);
}
