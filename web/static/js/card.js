// @ts-check
/** The card: what can be said about one thing on the map, in plain words. The server says it all. */

import { planned } from "./planned.js";
import { element, t } from "./texts.js";
import { share } from "./tools.js";

/**
 * @typedef {{key: string, title: string, kind: string, verdict: {slug: string | null, word: string, lines: string[]} | null,
 *   sentences: {about: string, heading: string, text: string}[], facts: [string, string][], notes: string[],
 *   observations: {key: string, title: string, severity_text: string, light: string, date: string, distance: string, note: string}[],
 *   observations_text: string, near: Record<string, {key: string, text: string} | null>,
 *   plan: Record<string, string> | null, planned: string, share: string}} Content
 */

/**
 * Fill the card and show it.
 * @param {HTMLElement} target
 * @param {Content} content
 * @param {{close: () => void, choose: (key: string) => void}} doing
 */
export function showCard(target, content, { close, choose }) {
  const said = content.sentences.map((one) => element("p", { class: "said" }, element("strong", {}, one.heading), one.text));
  const facts = element("dl", {}, ...content.facts.map(([term, text]) =>
    element("div", {}, element("dt", {}, term), element("dd", {}, text))));
  target.replaceChildren(
    button("close", "×", close, t("card-close")),
    element("h2", { id: "card-title", tabindex: "-1" }, content.title),
    element("p", { class: "kind" }, content.kind),
    ...verdict(content.verdict),
    element("div", { class: "sentences" }, ...said),
    ...near(content, choose),
    ...seen(content, choose),
    ...(content.facts.length ? [facts] : []),
    ...notes(content.notes),
    actions(content),
  );
  target.hidden = false;
  target.scrollTop = 0;
}

/**
 * Say in the card's place why there is none.
 * @param {HTMLElement} target
 * @param {string} text
 * @param {() => void} close
 */
export function showNoCard(target, text, close) {
  const title = element("h2", { id: "card-title", tabindex: "-1" }, t("card-none"));
  target.replaceChildren(button("close", "×", close, t("card-close")), title, element("p", {}, text));
  target.hidden = false;
}

/** @param {string} name @param {string} text @param {() => void} doing @param {string} [label] */
function button(name, text, doing, label) {
  const made = element("button", { type: "button", class: name, ...(label ? { "aria-label": label } : {}) }, text);
  made.addEventListener("click", doing);
  return made;
}

/** @param {Content["verdict"]} said */
function verdict(said) {
  if (!said || !(said.word || said.lines.length)) {
    return [];
  }
  const word = element("strong", {}, said.word);
  const head = said.word ? [element("p", {}, `${t("card-verdict")} `, word)] : [];
  const lines = said.lines.map((line) => element("p", {}, line));
  return [element("div", { class: "verdict", "data-verdict": said.slug ?? "" }, ...head, ...lines)];
}

/** @param {Content} content @param {(key: string) => void} choose */
function near({ near: found }, choose) {
  const known = Object.values(found ?? {}).flatMap((one) => (one ? [one] : []));
  return known.length ? [element("p", { class: "near" }, ...known.map((one) => button("link", one.text, () => choose(one.key))))] : [];
}

/** @param {Content} content @param {(key: string) => void} choose */
function seen({ observations, observations_text: text }, choose) {
  if (!text) {
    return [];
  }
  const lines = observations.map((one) => {
    const about = [one.distance, one.severity_text && t("card-severity", { said: one.severity_text }), one.light, one.date];
    const line = element("li", {}, button("link", one.title, () => choose(one.key)), ` ${about.filter(Boolean).join(", ")}`);
    line.append(...(one.note ? [element("q", {}, one.note)] : []));
    return line;
  });
  const list = element("ul", {}, ...lines);
  const box = element("details", { class: "seen" }, element("summary", {}, text), list);
  return [lines.length ? box : element("p", { class: "seen" }, text)];
}

/** @param {string[]} sentences */
function notes(sentences) {
  const written = sentences.map((one) => element("p", {}, one));
  return written.length ? [element("div", { class: "cannot" }, element("h3", {}, t("card-cannot")), ...written)] : [];
}

/** @param {Content} content */
function actions({ plan, planned: href }) {
  const row = element("p", { class: "actions" });
  const csrf = /** @type {HTMLInputElement | null} */ (document.querySelector('.who input[name="csrf"]'))?.value;
  const shared = button("button button-plain", t("map-share"), share);
  row.append(...(plan && csrf ? [planned({ ...plan, csrf }, href)] : []), shared);
  return row;
}
