// @ts-check
/** What is on the map in order: the rows of the table beside it. */

import { classOf } from "./scale.js";
import { AREA_KINDS, number } from "./texts.js";

/** How far from its middle a cell of each size reaches. @type {Readonly<Record<number, number>>} */
export const REACH_M = Object.freeze({ 8: 420, 9: 160, 10: 60, 11: 25 });

/**
 * @typedef {{key: string, rank: number, name: string, note: string, count: number,
 *   verdict: string | null, colour?: string}} Row
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
      const { count, resolution, verdict } = cell.properties;
      const name = describe(lon, lat, REACH_M[resolution]);
      const { colour } = classOf(scale, count) ?? {};
      return { key: `cells:${cell.id}`, name, note: "", count, verdict, colour };
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
    verdict: properties.verdict,
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
      verdict: properties.verdict,
    }));
  return ranked(rows);
}
