// @ts-check
/** The legend of the cells: the very classes and lines the map is drawn with, and how many of each. */

import { BOUNDED, classOf, comparable, isExact } from "./scale.js";
import { VERDICTS, element, number, t } from "./texts.js";

const OUTLINED = ["established", "uncertain"];

/**
 * @typedef {readonly [string, string]} Sign its look in the style sheet, and what it stands for
 * @typedef {{classes: readonly import("./scale.js").Class[], cells: readonly import("./data.js").Feature[],
 *   level: string, title?: string, tiled?: boolean, signs?: readonly Sign[]}} Drawn the cells on the map, whose
 *   level their verdicts compare with, what their colours count, whether nobody here has counted them, and
 *   the signs on the map where they are not those of the layers that are switched on
 */

/** @param {HTMLElement} target @param {Drawn} drawn */
export function showLegend(target, { classes, cells, level, title = t("legend-cells"), tiled = false, signs = switchedOn() }) {
  if (!cells.length && !tiled) {
    target.replaceChildren(...named(signs));
    return;
  }
  const counts = comparable(cells);
  const list = element("ol");
  for (const one of classes) {
    const many = counts.filter((count) => classOf(classes, count) === one).length;
    const swatch = element("span", { class: "swatch", "aria-hidden": "true" });
    swatch.style.backgroundColor = one.colour;
    const attributes = { "data-from": String(one.from), "data-to": String(one.to) };
    list.append(row(attributes, swatch, one.label, tiled ? null : many));
  }
  const counted = element("div", {}, element("h2", {}, title), list);
  counted.append(...bounded(cells));
  target.replaceChildren(counted, ...outlines(cells, level, tiled), ...named(signs));
}

/** Explain the look of numbers that are only the highest they can be. @param {readonly import("./data.js").Feature[]} cells */
function bounded(cells) {
  const many = cells.filter((cell) => !isExact(cell)).length;
  if (!many) {
    return [];
  }
  const swatch = element("span", { class: "swatch bounded", "aria-hidden": "true" });
  swatch.style.backgroundColor = BOUNDED.colour;
  return [element("ul", {}, row({ "data-bounded": "" }, swatch, BOUNDED.label, many))];
}

/** Name what areas are on a map, as far as there are any. @param {readonly import("./data.js").Feature[]} areas @returns {Sign[]} */
export function areaSigns(areas) {
  const kinds = areas.map((area) => area.properties.kind);
  const known = /** @type {const} */ ([["priority", "sign-area"], ["nightlife", "sign-core"]]);
  return known.filter(([kind]) => kinds.includes(kind)).map(([, look]) => [look, t(look)]);
}

/** The layers that are switched on, with the form's own words and signs. @returns {Sign[]} */
function switchedOn() {
  const on = [...document.querySelectorAll("#layers label")].filter((label) => label.querySelector("input")?.checked);
  const shown = on.filter((label) => !label.querySelector(".sign-cell"));
  return shown.flatMap((label) => {
    const own = /** @type {const} */ ([String(label.querySelector(".sign")?.classList[1]), label.textContent?.trim() ?? ""]);
    return own[0] === "sign-area" ? [own, /** @type {Sign} */ (["sign-core", t("sign-core")])] : [own];
  });
}

/** @param {readonly Sign[]} signs */
function named(signs) {
  if (!signs.length) {
    return [];
  }
  const list = element("ul", { class: "legend-signs" });
  for (const [look, words] of signs) {
    const sign = element("span", { class: `sign ${look}`, "aria-hidden": "true" });
    list.append(element("li", {}, sign, element("span", {}, words)));
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

/**
 * A plain key to the colours of one map: what each class means.
 * @param {HTMLElement} target
 * @param {{title: string, classes: readonly {colour: string, label: string}[], signs: readonly Sign[]}} drawn
 */
export function showKey(target, { title, classes, signs }) {
  const list = element("ol");
  for (const one of classes) {
    const look = one === BOUNDED ? "swatch bounded" : "swatch";
    const swatch = element("span", { class: look, "aria-hidden": "true" });
    swatch.style.backgroundColor = one.colour;
    list.append(element("li", {}, swatch, element("span", {}, one.label)));
  }
  target.replaceChildren(...(classes.length ? [element("div", {}, element("h2", {}, title), list)] : []), ...named(signs));
}
