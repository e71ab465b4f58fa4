// @ts-check
/** Words and numbers in the page's language. */

const locale = document.documentElement.lang === "en" ? "en-GB" : "sv-SE";
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
const moment = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "short" });

/** Sentences for scripts, from the server's catalogue. @type {Record<string, string>} */
const sentences = JSON.parse(document.getElementById("texts")?.textContent ?? "{}");

/**
 * Say a sentence of the catalogue (its code there begins with js-).
 * @param {string} code
 * @param {Record<string, string | number>} [values]
 */
export function t(code, values = {}) {
  return (sentences[code] ?? code).replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? "–"));
}

/** Words for slugs, from the server's catalogue. @type {Record<string, Record<string, string>>} */
const words = JSON.parse(document.getElementById("words")?.textContent ?? "{}");
export const OBSERVATIONS = Object.freeze(words.observation ?? {});
export const LIGHTS = Object.freeze(words.light ?? {});
export const AREA_KINDS = Object.freeze(words.area ?? {});
export const VERDICTS = Object.freeze(words.verdict ?? {});
export const REASONS = Object.freeze(words.reason ?? {});

/** @param {number} n */
export const number = (n) => whole.format(n);

/** @param {number} n */
export const weight = (n) => tenth.format(n);

/** @param {string} iso */
export const when = (iso) => moment.format(new Date(iso));

/** @param {number} n */
export const events = (n) => `${number(n)} ${n === 1 ? "händelse" : "händelser"}`;

/** @param {number} m2 */
export function ground(m2) {
  return m2 >= 1e6 ? `${tenth.format(m2 / 1e6)} km²` : `${tenth.format(m2 / 1e4)} hektar`;
}

/** @param {number} m */
export function distance(m) {
  return m >= 950 ? `${tenth.format(m / 1000)} km` : `${whole.format(Math.round(m / 50) * 50)} m`;
}

/**
 * Make an element with text in it; never markup from data.
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}
