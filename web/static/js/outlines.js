// @ts-check
/** Lines around cells: what may be said of them and which one is chosen, in pattern, not colour. */

/* global ol */

import { AMBER, INK, stroke } from "./brush.js";

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
    { width: 3, color: WHITE, zIndex: 2 },
    { width: 1.6, color: INK, zIndex: 3, dash: [4, 3.5] },
  ],
  established: [
    { width: 5.5, color: WHITE, zIndex: 2 },
    { width: 3.5, color: INK, zIndex: 4 },
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

/** Make the lines that `outline` named. @param {string} named @returns {any[]} */
export function lines(named) {
  const [kind, share] = named.split(" ");
  return (LINES[kind] ?? []).map(({ width, color, zIndex, dash }) => {
    const scaled = dash?.map((length) => length * Number(share));
    return new ol.style.Style({ stroke: stroke(color, width * Number(share), scaled), zIndex });
  });
}
