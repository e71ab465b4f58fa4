// @ts-check
/** Words and numbers in the page's language. */

const locale = document.documentElement.lang === "en" ? "en-GB" : "sv-SE";
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });

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
export const VERDICTS = Object.freeze(words.verdict ?? {});

/** @param {number} n */
export const number = (n) => whole.format(n);

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
