// @ts-check
/** A plain key to the colours of one map: what each class means. */

import { element } from "./texts.js";

/**
 * @param {HTMLElement} target
 * @param {string} title what the colours count
 * @param {readonly {colour: string, label: string}[]} classes
 */
export function showKey(target, title, classes) {
  const list = element("ol");
  for (const one of classes) {
    const swatch = element("span", { class: "swatch", "aria-hidden": "true" });
    swatch.style.backgroundColor = one.colour;
    list.append(element("li", {}, swatch, element("span", {}, one.label)));
  }
  target.replaceChildren(...(classes.length ? [element("div", {}, element("h2", {}, title), list)] : []));
}
