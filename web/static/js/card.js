// @ts-check
/** The card: what the data can say about one thing on the map, in plain words. */

import { AREA_KINDS, LIGHTS, OBSERVATIONS, element, events, ground, number, weight, when } from "./texts.js";
import { verdict } from "./verdicts.js";

/**
 * @typedef {{window: string, type: string, period: string, whole: string, police: boolean,
 *   synthetic: boolean, level: string, judged: boolean}} Context words for the choices behind the numbers
 * @typedef {{title: string, kind: string, verdict?: import("./verdicts.js").Said,
 *   facts: [string, string][], notes: string[]}} Content
 */

/** @param {any} p @param {string} title @param {Context} context @returns {Content} */
function cell(p, title, context) {
  return {
    title,
    kind: "Ruta",
    verdict: verdict(p, context),
    facts: [
      ["Antal", events(p.count)],
      ["Vägt antal", weight(p.weight)],
      ...choices(context, context.period),
      ["Rutans yta", ground(p.area_m2)],
    ],
    notes: [
      ...(unsure(p) ? ["Tiden är osäker för många av händelserna här: antalet kan vara större eller mindre."] : []),
      "Antal är händelser som till minst hälften faller i fönstret. I det vägda antalet räknas varje"
        + " händelse till den del som gör det, eftersom många har ett spann i stället för ett klockslag.",
    ],
  };
}

/** Tell whether counting whole events and counting shares of time differ much. @param {any} p */
const unsure = (p) => Math.abs(p.weight - p.count) > Math.max(1, p.count / 5);

/** @param {any} p @param {string} title @param {Context} context @returns {Content} */
function cluster(p, title, context) {
  return {
    title,
    kind: `Kluster nummer ${p.rank}`,
    verdict: verdict(p, context),
    facts: [
      ["Antal", events(p.count)],
      ["Platser", p.places === 1 ? "en enda" : number(p.places)],
      ...choices(context, context.whole),
    ],
    notes: ["Platser som ligger tätt med många händelser. Kluster räknas alltid på hela perioden."],
  };
}

/** @param {any} p @param {string} title @param {Context} context @returns {Content} */
function area(p, title, context) {
  const counted = p.count === null ? "inte räknat ännu" : events(p.count);
  return {
    title,
    kind: AREA_KINDS[p.kind] ?? "område",
    verdict: p.count === null ? undefined : verdict(p, { ...context, level: "hela kommunen" }),
    facts: [["Antal", counted], ...choices(context, context.period), ["Gräns enligt", p.source]],
    notes: ["Här ingår även händelser vars plats är för osäker för rutorna.", ...(p.note ? [p.note] : [])],
  };
}

/** @param {any} p @returns {Content} */
function observation(p) {
  /** @type {[string, string][]} */
  const facts = [
    ["Angelägenhet", `${p.severity} av 3`],
    ["Ljus", LIGHTS[p.light] ?? "inte angivet"],
    ["Sedd", when(p.observed)],
    ["Vandring", p.walk || "inte angiven"],
  ];
  if (p.note) {
    facts.push(["Anteckning", p.note]);
  }
  return { title: OBSERVATIONS[p.type] ?? p.type, kind: "Observation", facts: [...facts, ...precision(p)], notes: [] };
}

/** @param {any} p @returns {[string, string][]} */
function precision(p) {
  return p.uncertainty_m ? [["Platsen", `inom ${number(p.uncertainty_m)} m`]] : [];
}

/** @param {any} p @param {string} kind @returns {Content} */
function facility(p, kind) {
  /** @type {[string, string][]} */
  const form = p.form ? [["Form", p.form]] : [];
  return { title: p.name, kind, facts: [...form, ["Källa", p.source]], notes: [] };
}

/** @param {Context} context @param {string} period @returns {[string, string][]} */
function choices(context, period) {
  return [["När", context.window], ["Händelsetyp", context.type], ["Period", period]];
}

/**
 * Say what is known about a feature.
 * @param {string} id its collection
 * @param {any} p its properties
 * @param {string} title
 * @param {Context} context
 * @returns {Content}
 */
export function describe(id, p, title, context) {
  const counted = { cells: cell, clusters: cluster, areas: area }[id];
  if (!counted) {
    const said = id === "observations" ? observation(p) : facility(p, id === "schools" ? "Skola" : "Krog");
    return p.synthetic ? { ...said, notes: ["Syntetisk uppgift."] } : said;
  }
  const content = counted(p, title, context);
  const police = context.police ? ["Antalet speglar polisens insatser."] : [];
  const synthetic = context.synthetic ? ["Syntetiska data: påhittade händelser."] : [];
  return { ...content, notes: [...content.notes, ...police, ...synthetic] };
}

/**
 * Fill the card and show it.
 * @param {HTMLElement} target
 * @param {Content} content
 * @param {() => void} closed
 */
export function showCard(target, content, closed) {
  const close = element("button", { type: "button", class: "close", "aria-label": "Stäng" }, "×");
  close.addEventListener("click", closed);
  const facts = element("dl");
  for (const [term, text] of content.facts) {
    facts.append(element("div", {}, element("dt", {}, term), element("dd", {}, text)));
  }
  const notes = content.notes.map((note) => element("p", { class: "small" }, note));
  const kind = element("p", { class: "kind" }, content.kind);
  const said = content.verdict ? [judgement(content.verdict)] : [];
  target.replaceChildren(close, element("h2", {}, content.title), kind, ...said, facts, ...notes);
  target.hidden = false;
}

/** @param {import("./verdicts.js").Said} said */
function judgement({ word, lines }) {
  const head = word ? [element("p", {}, "Bedömning: ", element("strong", {}, word))] : [];
  return element("div", { class: "verdict" }, ...head, ...lines.map((line) => element("p", {}, line)));
}
