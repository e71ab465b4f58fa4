// @ts-check
/** What may be said about a cell, an area or a cluster, in words: the card and the list ask here. */

import { REASONS, VERDICTS, events, weight } from "./texts.js";

/** Verdicts where there is little room. @type {Readonly<Record<string, string>>} */
const SHORT = Object.freeze({
  established: "säkerställd",
  uncertain: "osäker",
  too_few: "för få",
  not_raised: "ej förhöjd",
});
const LARGEST_JUDGED = 9; // resolution of the largest cells that have verdicts

/**
 * @typedef {{level: string, judged: boolean}} Asked whose level is the measure, and whether the
 *   question is one that verdicts exist for
 * @typedef {{word: string, lines: string[]}} Said an empty word: nothing was judged
 */

/**
 * Say a verdict, one reason for it, and what it compares.
 * @param {any} p properties of a cell, an area or a cluster
 * @param {Asked} asked
 * @returns {Said}
 */
export function verdict(p, asked) {
  if (!p.verdict) {
    return { word: "", lines: [unjudged(p, asked)] };
  }
  return { word: VERDICTS[p.verdict] ?? p.verdict, lines: [...why(p), ...compared(p, asked.level)] };
}

/** Say a verdict in a word or two. @param {string | null} slug */
export const brief = (slug) => (slug ? (SHORT[slug] ?? VERDICTS[slug] ?? slug) : "");

/** Say why nothing is said, and what to choose instead. @param {any} p @param {Asked} asked */
function unjudged(p, asked) {
  if (!asked.judged) {
    return "Bedöms inte för den här frågan (välj hela perioden och en händelsetyp eller alla).";
  }
  if (p.resolution < LARGEST_JUDGED) {
    return "Bedöms inte för så stora rutor (välj mindre rutor).";
  }
  return "Bedöms inte: den publicerade analysen har inga bedömningar.";
}

/** @param {any} p @returns {string[]} */
function why(p) {
  if (p.reasons) {
    return p.reasons.slice(0, 1).map((/** @type {string} */ code) => REASONS[code] ?? code);
  }
  return [
    p.verdict === "uncertain"
      ? "Rutorna under klustret är osäkra eller bedöms olika."
      : "Så bedöms de rutor där de flesta av klustrets händelser finns.",
  ];
}

/** @param {any} p @param {string} level @returns {string[]} */
function compared(p, level) {
  return typeof p.expected === "number" ? [`${events(p.count)}, ${expected(p.expected)} med nivån i ${level}.`] : [];
}

/** @param {number} n events that the level alone would give */
function expected(n) {
  const rounded = weight(n >= 10 ? Math.round(n) : n);
  if (rounded === "0") {
    return "mindre än 0,1 väntad";
  }
  return `${rounded} ${rounded === "1" ? "väntad" : "väntade"}`;
}
