// @ts-check
/**
 * When it happens: the matrix of hours, or the blocks of a release, beside the map; each chooses on the
 * other. Every choice is a link to this very page: its answer comes from the server and is noted there.
 */

/* global ol */

import { given, sendAtOnce, withChanges } from "./address.js";
import { page } from "./data.js";
import { latestOnly } from "./latest.js";
import { createLayers, fill } from "./layers.js";
import { areaSigns, showKey } from "./legend.js";
import { createMap } from "./map.js";
import { classes, comparable, keyed } from "./scale.js";
import * as screen from "./screen.js";
import { t } from "./texts.js";
import { dress, listen } from "./hours.js";
import { spotNames } from "./spot_names.js";
import { begin, extentOf, layAreas } from "./task_map.js";
import { viewText } from "./view.js";

/** What another choice changes: all but the map itself. */
const PARTS = ["live", "below", "said", "clear", "kept"];
const target = screen.byId("map");
const named = target.dataset.named === "yes";
/** @type {import("./scale.js").Class[]} */
let scale = [];
let picked = target.dataset.picked ?? "";
/** @type {import("./legend.js").Sign[]} */
let signs = [];
/** What was asked last, shown or on its way. */ let wanted = location.search;
const latest = latestOnly();

const layers = createLayers({ classes: () => scale, chosen: () => `cells:${picked}`, named });
const names = new ol.layer.Vector({ source: layers.cells.getSource(), style: spotNames("label"), zIndex: 8, declutter: "names", visible: named });
const map = createMap(target, [layers.ground, layers.areas, layers.areaNames, layers.cells, names]);
const system = map.getView().getProjection();

async function start() {
  screen.showBusy(true);
  const { focus } = await layAreas(layers, system);
  signs = areaSigns(focus);
  draw();
  const home = extentOf(layers.areas);
  const lies = extentOf(layers.cells);
  begin([map], given("omrade") && !ol.extent.isEmpty(lies) ? lies : home, home);
  screen.showBusy(false);
}

/** Put the numbers of this answer on the map, with their legend. */
function draw() {
  /** @type {import("./data.js").Feature[]} */
  const told = JSON.parse(screen.byId("cells").textContent ?? "{}").features;
  scale = classes(comparable(told));
  fill(layers.cells, told, system);
  showKey(screen.byId("legend"), { title: t(named ? "when-legend-places" : "when-legend"), classes: keyed(scale, told), signs });
  dress();
}

/**
 * Show the answer of a link without leaving the map; a newer question makes an older one void.
 * @param {string} href
 * @param {boolean} [forward] whether it is a step that one can go back from
 */
async function go(href, forward = true) {
  const signal = latest();
  const focused = keyOf(document.activeElement);
  wanted = new URL(href, location.href).search;
  screen.showBusy(true);
  const fresh = await page(href, signal).catch((fault) => {
    wanted = signal.aborted ? wanted : location.search; // what is shown stays, and the next choice builds on it
    throw fault;
  });
  signal.throwIfAborted();
  const frame = fresh.getElementById("map");
  if (!frame) {
    location.assign(href); // signed out, or nothing there: the browser says so
    return;
  }
  for (const id of PARTS) {
    const part = fresh.getElementById(id);
    screen.byId(id).replaceChildren(...[...(part?.childNodes ?? [])].map((one) => document.importNode(one, true)));
    Object.assign(screen.byId(id).dataset, part?.dataset);
  }
  picked = frame.dataset.picked ?? "";
  if (forward) {
    const vy = given("omrade") ? viewText(map.getView()) : given("vy"); // where a page about one area begins depends on the choice
    wanted = withChanges({ vy }, wanted);
    history.pushState(null, "", wanted);
  }
  draw();
  screen.showBusy(false);
  focused()?.focus({ preventScroll: true });
}

/**
 * Remember what has the focus, to find its like in the next answer: an hour, or a link by its place.
 * @param {Element | null} focused
 * @returns {() => HTMLElement | null | undefined}
 */
function keyOf(focused) {
  const hour = /** @type {HTMLElement | null} */ (focused)?.dataset.hour;
  if (hour) {
    return () => document.querySelector(`#matrix [data-hour="${hour}"]`);
  }
  const part = PARTS.find((id) => screen.byId(id).contains(focused)) ?? "";
  const at = part ? [...screen.byId(part).querySelectorAll("a")].findIndex((one) => one === focused) : -1;
  return () => (at < 0 ? null : (screen.byId(part).querySelectorAll("a")[at] ?? target));
}

/** Ask for other choices than were asked for last. @param {Record<string, string>} changes empty ones are taken out */
const choose = (changes) => screen.run(() => go(withChanges(changes, wanted)));

/** Tell what a link would change of what is shown. @param {string} href @returns {Record<string, string>} */
function changesOf(href) {
  const [shown, linked] = [location.search, new URL(href, location.href).search].map((one) => new URLSearchParams(one));
  const names = [...new Set([...shown.keys(), ...linked.keys()])].filter((name) => name !== "vy");
  const other = names.filter((name) => shown.get(name) !== linked.get(name));
  return Object.fromEntries(other.map((name) => [name, linked.get(name) ?? ""]));
}

document.querySelector(".answer")?.addEventListener("click", (event) => {
  const link = /** @type {HTMLElement} */ (event.target).closest("#live a, #below a, #clear a");
  const plain = !(/** @type {MouseEvent} */ (event).ctrlKey || /** @type {MouseEvent} */ (event).metaKey);
  if (link && plain) {
    event.preventDefault();
    choose(changesOf(String(link.getAttribute("href"))));
  }
});
listen(screen.byId("live"), (hours) => choose({ timmar: hours, fonster: "" }));
map.on("singleclick", (/** @type {any} */ event) => {
  const [hit] = map.getFeaturesAtPixel(event.pixel, { layerFilter: (/** @type {any} */ one) => one === layers.cells });
  const id = hit ? String(hit.getId()) : "";
  if (id !== picked) {
    choose({ vald: id && !named ? `cells:${id}` : id });
  }
});
addEventListener("popstate", () => screen.run(() => go(location.href, false)));
sendAtOnce(/** @type {HTMLFormElement} */ (screen.byId("choices")));
screen.run(start);
