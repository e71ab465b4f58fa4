// @ts-check
/** Pointer and keyboard on a map and its list. */

import { under } from "./layers.js";
import { partGroup } from "./map.js";
import { byId } from "./screen.js";

/** @param {import("./desk.js").Desk} desk */
export function listen(desk) {
  const pick = (/** @type {number[]} */ pixel) =>
    partGroup(desk.map, under(desk.map, desk.layers, pixel)?.group) || desk.pick(pixel);
  desk.map.on("singleclick", (/** @type {any} */ event) => pick(event.pixel));
  desk.map.on("pointermove", (/** @type {any} */ event) => {
    desk.target.style.cursor = !event.dragging && under(desk.map, desk.layers, event.pixel) ? "pointer" : "";
  });
  desk.target.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Enter" && event.target === desk.target) {
      pick(desk.map.getSize().map((/** @type {number} */ side) => side / 2));
    }
  });
  byId("rows").addEventListener("click", (event) => {
    const row = /** @type {HTMLElement} */ (event.target).closest(".go")?.closest("tr");
    if (row && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      desk.choose(String(row.dataset.key));
    }
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && desk.store.get().vald && !event.defaultPrevented && !document.querySelector("dialog[open]")) {
      desk.close();
    }
  });
}
