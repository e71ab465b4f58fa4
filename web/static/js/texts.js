// @ts-check
/** Words and numbers the Swedish way. */

const whole = new Intl.NumberFormat("sv-SE", { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat("sv-SE", { maximumFractionDigits: 1 });
const moment = new Intl.DateTimeFormat("sv-SE", { dateStyle: "long", timeStyle: "short" });

/** @type {Readonly<Record<string, string>>} */
export const OBSERVATIONS = Object.freeze({
  belysning: "Bristande belysning",
  gangtunnel: "Gångtunnel",
  gangstrak: "Gångstråk",
  klotter: "Klotter",
  skadegorelse: "Skadegörelse",
  nedskrapning: "Nedskräpning",
  skymmande_vaxtlighet: "Skymmande växtlighet",
  otrygg_samling: "Otrygghetsskapande samling",
  trafik_moped: "Trafik och mopeder",
  anlagd_brand: "Spår av anlagd brand",
  trygg_plats: "Trygg plats",
  annat: "Annat",
});

/** @type {Readonly<Record<string, string>>} */
export const LIGHTS = Object.freeze({ ljust: "ljust", morkt: "mörkt" });

/** @type {Readonly<Record<string, string>>} */
export const AREA_KINDS = Object.freeze({
  municipality: "kommun",
  priority: "prioriterat område",
  nightlife: "nattliv",
  district: "delområde",
});

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
