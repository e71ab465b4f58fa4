// @ts-check
/** The table beside the map: the same content, in order, by keyboard. */

import { classOf } from "./scale.js";
import { AREA_KINDS, element, number } from "./texts.js";

const FIRST_ROWS = 25;
/** How far from its middle a cell of each size reaches. @type {Readonly<Record<number, number>>} */
export const REACH_M = Object.freeze({ 8: 420, 9: 160, 10: 60, 11: 25 });

/**
 * @typedef {{key: string, rank: number, name: string, note: string, count: number,
 *   colour?: string}} Row
 * @typedef {{caption: string, what: string, rows: Row[], empty: string}} Ranking
 */

/**
 * Give equal counts the same rank.
 * @param {Omit<Row, "rank">[]} rows
 * @returns {Row[]}
 */
function ranked(rows) {
  const sorted = [...rows].sort((a, b) => b.count - a.count || a.key.localeCompare(b.key));
  let rank = 0;
  return sorted.map((row, i) => {
    rank = i && sorted[i - 1].count === row.count ? rank : i + 1;
    return { ...row, rank };
  });
}

/**
 * @param {import("./data.js").Feature[]} cells
 * @param {(lon: number, lat: number, near_m?: number) => string} describe
 * @param {readonly import("./scale.js").Class[]} scale
 */
export function rankCells(cells, describe, scale) {
  return ranked(
    cells.map((cell) => {
      const [lon, lat] = middle(cell.geometry.coordinates[0]);
      const { count, resolution } = cell.properties;
      const name = describe(lon, lat, REACH_M[resolution]);
      return { key: `cells:${cell.id}`, name, note: "", count, colour: classOf(scale, count)?.colour };
    }),
  );
}

/** @param {number[][]} ring */
export function middle(ring) {
  const corners = ring.slice(1);
  return [0, 1].map((axis) => corners.reduce((sum, corner) => sum + corner[axis], 0) / corners.length);
}

/**
 * @param {import("./data.js").Feature[]} clusters
 * @param {(lon: number, lat: number) => string} describe
 * @returns {Row[]}
 */
export function rankClusters(clusters, describe) {
  return clusters.map(({ id, properties }) => ({
    key: `clusters:${id}`,
    rank: properties.rank,
    name: properties.name || describe(properties.centre[0], properties.centre[1]),
    note: properties.places === 1 ? "en enda plats" : `${number(properties.places)} platser`,
    count: properties.count,
  }));
}

/** @param {import("./data.js").Feature[]} areas */
export function rankAreas(areas) {
  const rows = areas
    .filter(({ properties }) => properties.kind !== "municipality" && properties.count !== null)
    .map(({ id, properties }) => ({
      key: `areas:${id}`,
      name: properties.name,
      note: AREA_KINDS[properties.kind] ?? "",
      count: properties.count,
    }));
  return ranked(rows);
}

/**
 * Draw a ranking.
 * @param {HTMLElement} target
 * @param {Ranking} ranking
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
  const body = element("tbody");
  for (const row of ranking.rows.slice(0, shown)) {
    body.append(line(row, most, chosen, choose));
  }
  const head = element("tr", {}, ...["Nr", ranking.what, "Antal"].map((text) => element("th", { scope: "col" }, text)));
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
 * @param {number} most
 * @param {string} chosen
 * @param {(key: string) => void} choose
 */
function line(row, most, chosen, choose) {
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
