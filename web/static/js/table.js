// @ts-check
/** The ranked list beside the map: the server's rows, in order, by keyboard. The page begins with them. */

import { element, number, t } from "./texts.js";

const FIRST_ROWS = 100;
const SVG = "http://www.w3.org/2000/svg";

/**
 * @typedef {{key: string, rank: number | null, name: string, short: string, note: string, count: number, exact: boolean, number: string, count_text: string,
 *   period: string, verdict: string | null, verdict_word: string, why: string, when: string, when_why: string,
 *   observations: number | null, observations_text: string, wider: string, trend: string, at: number[] | null, href: string}} Row
 * @typedef {{list: string, caption: string, empty: string, columns: Record<string, string>, words: string[], total: number,
 *   total_text: string, notes: string[], more: number, rows: Row[]}} Listed
 */

/**
 * Write a list.
 * @param {HTMLElement} target
 * @param {Listed} listed
 * @param {number} [shown]
 */
export function showRows(target, listed, shown = FIRST_ROWS) {
  const notes = listed.notes.map((one) => element("p", { class: "row-note" }, one));
  if (listed.empty) {
    target.replaceChildren(element("p", { class: "empty-list" }, listed.empty), ...notes);
    return;
  }
  const { columns } = listed;
  const most = Math.max(1, ...listed.rows.filter((row) => row.exact).map((row) => row.count));
  const titles = [t("map-rank"), `${columns.name} · ${columns.when}`, columns.count, columns.verdict];
  const head = element("tr", {}, ...titles.map((text) => element("th", { scope: "col" }, text)));
  const body = element("tbody", {}, ...listed.rows.slice(0, shown).map((row) => line(row, most)));
  const table = element("table", {}, element("caption", {}, listed.caption), element("thead", {}, head), body);
  target.replaceChildren(table, ...rest(target, listed, shown), ...notes);
}

/** @param {HTMLElement} target @param {Listed} listed @param {number} shown */
function rest(target, listed, shown) {
  const left = listed.rows.length - shown;
  if (left <= 0) {
    const total = number(listed.rows.length + listed.more);
    return listed.more ? [element("p", { class: "hint" }, t("map-first-rows", { shown: number(listed.rows.length), total }))] : [];
  }
  const more = element("button", { type: "button", class: "button button-plain more" }, t("map-more-rows", { n: number(left) }));
  more.addEventListener("click", () => {
    showRows(target, listed, Infinity);
    /** @type {HTMLElement} */ (target.querySelectorAll(".go")[shown]).focus();
  });
  return [more];
}

/** @param {Row} row @param {number} most */
function line(row, most) {
  const go = element("a", { class: "go", href: row.href }, row.name);
  const place = element("th", { scope: "row" }, go);
  const small = [["when", row.when], ["seen", row.observations ? row.observations_text : ""], ...[row.note, wider(row), row.trend].map((one) => ["note", one])];
  place.append(...small.filter(([, text]) => text).map(([name, text]) => element("span", { class: name }, text)), ...(row.exact ? [bar(row.count / most)] : []));
  const said = element("td", { class: "verdict-word", "data-verdict": row.verdict ?? "", title: row.why }, row.verdict_word);
  const made = element("tr", { "data-key": row.key, "data-short": row.short, ...(row.exact ? { "data-count": String(row.count) } : {}) });
  if (row.at) {
    made.dataset.at = row.at.join(",");
  }
  made.append(element("td", { class: "rank" }, ...rank(row)), place, element("td", { class: "count" }, row.number), said);
  return made;
}

/** What is only known to be at most so many has no rank. @param {Row} row */
function rank(row) {
  const none = [element("span", { "aria-hidden": "true" }, "–"), element("span", { class: "unseen" }, t("unranked"))];
  return row.rank === null ? none : [String(row.rank)];
}

/** What else is in a number; in short where the summary has said it of them all. @param {Row} row */
function wider(row) {
  const said = document.querySelector("#summary .wider")?.textContent;
  return row.wider && row.wider === said ? t("map-wider") : row.wider;
}

/** @param {number} share of the longest */
function bar(share) {
  const picture = document.createElementNS(SVG, "svg");
  const attributes = { class: "bar", viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" };
  Object.entries(attributes).forEach(([name, value]) => picture.setAttribute(name, value));
  const rect = document.createElementNS(SVG, "rect");
  rect.setAttribute("width", String(100 * share));
  rect.setAttribute("height", "4");
  picture.append(rect);
  return picture;
}

/** Give the rows that are on the page, whoever wrote them. @param {HTMLElement} target */
export const rowsOf = (target) => /** @type {HTMLElement[]} */ ([...target.querySelectorAll("tr[data-key]")]);

/**
 * Mark the chosen row without writing the list again, so that the keyboard stays where it is.
 * @param {HTMLElement} target
 * @param {string} chosen
 */
export function markRow(target, chosen) {
  for (const row of rowsOf(target)) {
    const own = row.dataset.key === chosen;
    row.classList.toggle("chosen", own);
    row.querySelector(".go")?.setAttribute("aria-current", String(own));
  }
}

/** Read the map aloud. @param {HTMLElement} target @param {Listed} listed */
export function showText(target, listed) {
  const said = listed.rows.slice(0, 8).map((row) =>
    `${[row.name, `${row.count_text} ${row.period}`.trim(), row.when, row.verdict_word].filter(Boolean).join(", ")}.`);
  target.textContent = [t("map-text", { words: listed.words.join(", "), total: listed.total_text }), ...said].join(" ");
}
