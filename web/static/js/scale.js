// @ts-check
/** From a count to a class and a colour: the map, the legend and the table all ask here. */

/** The one colour scale, from pipelines/colours.py. @type {Record<string, any>} */
export const LOOK = Object.freeze(JSON.parse(document.getElementById("look")?.textContent ?? "{}"));
export const COLOURS = Object.freeze(LOOK.counts);
/** Text that can be read on each colour. */
const INKS = Object.freeze(LOOK.inks);
const UNCERTAIN = LOOK.uncertain;

import { t } from "./texts.js";

const NICE = [1, 2, 3, 4, 5, 7, 10, 15, 20, 25, 30, 40, 50, 60, 75, 100, 125, 150, 200, 250, 300, 400, 500, 750];

/**
 * @typedef {Readonly<{from: number, to: number, label: string, colour: string, ink: string}>} Class
 */

/**
 * Divide counts into at most five classes whose limits are whole, plain numbers.
 * Few different counts get a class each; otherwise the limits grow by an even factor.
 * @param {number[]} counts whole events; zero means that only uncertain times are there
 * @returns {Class[]} from the smallest to the largest
 */
export function classes(counts) {
  const whole = counts.filter((count) => count > 0);
  const [fewest, most] = whole.length ? [Math.min(...whole), Math.max(...whole)] : [1, 0];
  const few = most - fewest < COLOURS.length;
  const from = few ? each(fewest, most) : evenly(fewest, most);
  const found = from.map((low, i) => {
    const last = i === from.length - 1;
    const high = last ? Infinity : from[i + 1] - 1;
    const shade = from.length === 1 ? 1 : Math.round((i * (COLOURS.length - 1)) / (from.length - 1));
    return Object.freeze({
      from: low,
      to: high,
      label: name(low, high, most),
      colour: COLOURS[shade],
      ink: INKS[shade],
    });
  });
  const uncertain = { from: 0, to: 0, label: t("scale-uncertain"), colour: UNCERTAIN, ink: INKS[0] };
  return counts.includes(0) ? [Object.freeze(uncertain), ...found] : found;
}

/** The look of a number that is only the highest it can be: no step of the scale, a dotted edge. */
export const BOUNDED = Object.freeze({ from: NaN, to: NaN, label: t("legend-bounds"), colour: LOOK.bounded, ink: INKS[0] });

/** Tell whether a number can be compared: of a release some speak of more than was asked. @param {{properties: any}} one */
export const isExact = (one) => one.properties.exact !== false;

/** Give the numbers that can be compared. @param {readonly {properties: any}[]} features */
export const comparable = (features) => features.filter(isExact).map((one) => one.properties.count);

/**
 * Give the classes of a key: those of the colours, and the look of numbers that have none.
 * @param {readonly Class[]} scale
 * @param {readonly {properties: any}[]} features
 */
export const keyed = (scale, features) => [...scale, ...(features.every(isExact) ? [] : [BOUNDED])];

/**
 * Find the class of a count.
 * @param {readonly Class[]} all
 * @param {number} count
 */
export function classOf(all, count) {
  return all.find((one) => count >= one.from && count <= one.to);
}

/** @param {number} fewest @param {number} most */
function each(fewest, most) {
  return Array.from({ length: most - fewest + 1 }, (_, i) => fewest + i);
}

/** @param {number} fewest @param {number} most */
function evenly(fewest, most) {
  const limits = COLOURS.map((_, i) => nice(fewest * (most / fewest) ** (i / COLOURS.length)));
  const first = NICE.findLast((one) => one <= fewest) ?? fewest;
  return [...new Set([Math.min(first, limits[0]), ...limits.slice(1)])].filter((one) => one <= most);
}

/** @param {number} number */
function nice(number) {
  const size = number > 750 ? 10 ** Math.floor(Math.log10(number) - 1) : 1;
  if (size > 1) {
    return Math.round(number / size) * size;
  }
  return NICE.reduce((best, one) => (Math.abs(one - number) < Math.abs(best - number) ? one : best));
}

/**
 * @param {number} low
 * @param {number} high
 * @param {number} most
 */
function name(low, high, most) {
  if (low === high || low === most) {
    return `${low}`;
  }
  return high === Infinity ? t("scale-at-least", { low }) : `${low}–${high}`;
}
