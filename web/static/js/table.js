// @ts-check
/** The table beside the map: the same content, in order, by keyboard. */

import { element, number } from "./texts.js";
import { brief } from "./verdicts.js";

const FIRST_ROWS = 25;

/** @typedef {import("./ranking.js").Row} Row */

/**
 * Draw a ranking.
 * @param {HTMLElement} target
 * @param {import("./ranking.js").Ranking} ranking
 * @param {string} chosen key of the row that is chosen
 * @param {(key: string) => void} choose
 * @param {number} [shown]
 */
export function showRanking(target, ranking, chosen, choose, shown = FIRST_ROWS) {
  if (!ranking.rows.length) {
    target.replaceChildren(element("p", { class: "empty" }, ranking.empty));
    return;
  }
  const most = Math.max(1, ...ranking.rows.map((row) => row.count));
  const judged = ranking.rows.some((row) => row.verdict);
  const body = element("tbody");
  for (const row of ranking.rows.slice(0, shown)) {
    body.append(line(row, judged, most, chosen, choose));
  }
  const titles = ["Nr", ranking.what, "Antal", ...(judged ? ["Bedömning"] : [])];
  const head = element("tr", {}, ...titles.map((text) => element("th", { scope: "col" }, text)));
  const table = element("table", {}, element("caption", {}, ranking.caption), element("thead", {}, head), body);
  target.replaceChildren(table);
  if (ranking.rows.length > shown) {
    const left = ranking.rows.length - shown;
    const more = element("button", { type: "button", class: "button button-plain more" }, `Visa ${number(left)} till`);
    more.addEventListener("click", () => {
      showRanking(target, ranking, chosen, choose, Infinity);
      /** @type {HTMLElement} */ (target.querySelectorAll(".go")[shown]).focus();
    });
    target.append(more);
  }
}

/**
 * @param {Row} row
 * @param {boolean} judged whether there is a column for verdicts
 * @param {number} most
 * @param {string} chosen
 * @param {(key: string) => void} choose
 */
function line(row, judged, most, chosen, choose) {
  const bar = element("span", { class: "bar", "aria-hidden": "true" });
  bar.style.backgroundColor = row.colour ?? "";
  bar.style.width = `${Math.max(1, (100 * row.count) / most)}%`;
  const go = element("button", { type: "button", class: "go", "data-key": row.key }, row.name, bar);
  go.addEventListener("click", () => choose(row.key));
  const place = element("td", {}, go);
  if (row.note) {
    place.append(element("span", { class: "note" }, row.note));
  }
  const made = element("tr", {}, element("td", {}, String(row.rank)), place, element("td", {}, number(row.count)));
  if (judged) {
    made.append(element("td", { "data-verdict": row.verdict ?? "" }, brief(row.verdict)));
  }
  mark(made, row.key === chosen);
  return made;
}

/** @param {Element} made @param {boolean} chosen */
function mark(made, chosen) {
  made.classList.toggle("chosen", chosen);
  made.querySelector(".go")?.setAttribute("aria-pressed", String(chosen));
}

/**
 * Move the mark without drawing the table again, so that the keyboard stays where it is.
 * @param {HTMLElement} target
 * @param {string} chosen
 */
export function markRow(target, chosen) {
  for (const row of target.querySelectorAll("tbody tr")) {
    mark(row, row.querySelector(".go")?.getAttribute("data-key") === chosen);
  }
}
