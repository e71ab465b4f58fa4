// @ts-check
/** Lines around cells and places: what may be said of them and which one is chosen, in pattern, not colour. */

/* global ol */

import { AMBER, INK } from "./brush.js";

const WHITE = "#ffffff";
/** Width of a cell in pixels from which its lines have some share of their full width. */
const SHARES = /** @type {const} */ ([[24, 1], [10, 0.6], [0, 0.4]]);

/**
 * Dark on a wider white line, so that they are seen on every colour; all lie over all cells, so
 * that no neighbour hides them.
 * @type {Readonly<Record<string, readonly {width: number, color: string, zIndex: number, dash?: number[]}[]>>}
 */
const LINES = Object.freeze({
  uncertain: [
    { width: 3.4, color: WHITE, zIndex: 2 },
    { width: 1.8, color: INK, zIndex: 3, dash: [5, 4] },
  ],
  established: [
    { width: 5, color: WHITE, zIndex: 2 },
    { width: 3, color: INK, zIndex: 4 },
  ],
  chosen: [
    { width: 8, color: INK, zIndex: 5 },
    { width: 4, color: AMBER, zIndex: 6 },
  ],
});

/**
 * Name the lines that a cell gets.
 * @param {string | null | undefined} kind a verdict, or chosen
 * @param {number} wide the cell's width in pixels
 * @returns {string} empty when it gets none
 */
export function outline(kind, wide) {
  const share = SHARES.find(([from]) => wide >= from)?.[1];
  return kind && kind in LINES ? `${kind} ${share}` : "";
}

/** Make the lines that `outline` named; round corners, so that no spike sticks out. @param {string} named @returns {any[]} */
export function lines(named) {
  const [kind, share] = named.split(" ");
  return (LINES[kind] ?? []).map(({ width, color, zIndex, dash }) => {
    const lineDash = dash?.map((length) => length * Number(share));
    const look = { color, width: width * Number(share), lineDash, lineJoin: "round", lineCap: dash ? "butt" : "round" };
    return new ol.style.Style({ stroke: new ol.style.Stroke(/** @type {any} */ (look)), zIndex });
  });
}
