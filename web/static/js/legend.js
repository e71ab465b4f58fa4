// @ts-check
/** The legend of the cells: the very classes and lines the map is drawn with, and how many of each. */

import { classOf } from "./scale.js";
import { VERDICTS, element, number, t } from "./texts.js";

const OUTLINED = ["established", "uncertain"];

/**
 * @param {HTMLElement} target
 * @param {readonly import("./scale.js").Class[]} classes
 * @param {readonly import("./data.js").Feature[]} cells on the map
 * @param {string} level whose level the verdicts compare with
 * @param {string} [title] what the colours count
 * @param {boolean} [tiled] whether nobody here has counted the cells
 */
export function showLegend(target, classes, cells, level, title = t("legend-cells"), tiled = false) {
  if (!cells.length && !tiled) {
    target.replaceChildren(...signs());
    return;
  }
  const counts = cells.map((cell) => cell.properties.count);
  const list = element("ol");
  for (const one of classes) {
    const many = counts.filter((count) => classOf(classes, count) === one).length;
    const swatch = element("span", { class: "swatch", "aria-hidden": "true" });
    swatch.style.backgroundColor = one.colour;
    const attributes = { "data-from": String(one.from), "data-to": String(one.to) };
    list.append(row(attributes, swatch, one.label, tiled ? null : many));
  }
  const counted = element("div", {}, element("h2", {}, title), list);
  target.replaceChildren(counted, ...outlines(cells, level, tiled), ...signs());
}

/** Name the signs of the layers that are switched on, with the form's own words and signs. */
function signs() {
  const on = [...document.querySelectorAll("#layers label")].filter((label) => label.querySelector("input")?.checked);
  const shown = on.filter((label) => !label.querySelector(".sign-cell"));
  if (!shown.length) {
    return [];
  }
  const list = element("ul", { class: "legend-signs" });
  for (const label of shown) {
    const sign = /** @type {Element} */ (label.querySelector(".sign")).cloneNode(true);
    list.append(element("li", {}, sign, element("span", {}, label.textContent?.trim() ?? "")));
  }
  return [element("div", {}, element("h2", {}, t("legend-signs")), list)];
}

/**
 * Explain the lines around cells, where any verdict was given.
 * @param {readonly import("./data.js").Feature[]} cells
 * @param {string} level
 * @param {boolean} tiled
 */
function outlines(cells, level, tiled) {
  if (!tiled && !cells.some((cell) => cell.properties.verdict)) {
    return [];
  }
  const list = element("ul");
  for (const verdict of OUTLINED) {
    const many = cells.filter((cell) => cell.properties.verdict === verdict).length;
    const swatch = element("span", { class: `swatch outline-${verdict}`, "aria-hidden": "true" });
    list.append(row({ "data-verdict": verdict }, swatch, VERDICTS[verdict] ?? verdict, tiled ? null : many));
  }
  return [element("div", {}, element("h2", {}, t("legend-level", { level })), list)];
}

/**
 * @param {Record<string, string>} attributes
 * @param {Element} swatch
 * @param {string} label
 * @param {number | null} many cells, where somebody has counted them
 */
function row(attributes, swatch, label, many) {
  const cells = many === null ? [] : [element("span", { class: "many" }, `(${number(many)})`)];
  return element("li", { ...attributes, "data-cells": String(many) }, swatch, element("span", {}, label), ...cells);
}
