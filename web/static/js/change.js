// @ts-check
/** Two periods on two maps with one view; one over the other with an edge to draw; or their difference. */

/* global ol */

import { given, sendAtOnce, write } from "./address.js";
import { collection } from "./data.js";
import { isFocus } from "./ground.js";
import { fill } from "./layers.js";
import { areaSigns, showKey } from "./legend.js";
import { createMap } from "./map.js";
import { classes, comparable, keyed } from "./scale.js";
import * as screen from "./screen.js";
import * as styles from "./styles.js";
import { element, t } from "./texts.js";
import { difference } from "./differences.js";
import { spotNames } from "./spot_names.js";
import { begin, extentOf } from "./task_map.js";

const CELLS = 4; // above the names of streets: numbers are read first
const SWEEP = "svep";
const DIFFERENCE = "skillnad";
const MIDDLE = "50";

const frame = screen.byId("maps");
const named = frame.dataset.bounds === "yes";
const edge = /** @type {HTMLInputElement} */ (screen.byId("edge"));
/** @type {import("./data.js").Feature[]} */
const told = JSON.parse(screen.byId("cells").textContent ?? "{}").features;
/** @type {[string, string][]} */
const key = JSON.parse(screen.byId("key").textContent ?? "[]");
const both = [...of("before"), ...of("after")];
const scale = classes(comparable(both));
const line = document.createElement("span");
line.className = "sweep-line";
/** @type {import("./legend.js").Sign[]} */
let signs = [];

/** Make an empty layer. @param {any} style @param {number} zIndex @param {string} [declutter] */
const layer = (style, zIndex, declutter) => new ol.layer.Vector({ source: new ol.source.Vector(), style, zIndex, declutter });
const counted = () => layer(styles.cell(() => scale, () => "", !named), CELLS);
const sheets = [
  { id: "map", which: "before", cells: counted() },
  { id: "map-after", which: "after", cells: counted() },
  { id: "map-difference", which: "difference", cells: layer(difference(key), CELLS) },
].map((sheet) => {
  const areas = layer(styles.area, CELLS + 1);
  const over = new ol.layer.Vector({
    source: sheet.which !== "difference" && named ? sheet.cells.getSource() : areas.getSource(),
    style: sheet.which !== "difference" && named ? spotNames(`${sheet.which}_label`) : styles.areaName,
    zIndex: 7,
    declutter: "names",
  });
  const map = createMap(screen.byId(sheet.id), [areas, sheet.cells, over]);
  return { ...sheet, areas, map };
});
const first = sheets[0].map;
const shared = first.getView();
/** A hidden map has no size, and must not tell the view of the others so. */
const idle = sheets[2].map.getView();

async function start() {
  screen.showBusy(true);
  const system = shared.getProjection();
  const focus = (await collection("areas")).filter(isFocus);
  signs = areaSigns(focus);
  edge.value = given("kant") || MIDDLE;
  see(String(frame.dataset.view));
  for (const { areas, cells, which } of sheets) {
    fill(areas, focus, system);
    fill(cells, which === "difference" ? told : of(which), system);
  }
  const home = extentOf(sheets[0].areas);
  const lies = extentOf(sheets[2].cells);
  const seen = frame.dataset.view === DIFFERENCE ? sheets[2].map : first;
  const others = sheets.map(({ map }) => map).filter((map) => map !== seen);
  begin([seen, ...others], given("omrade") && !ol.extent.isEmpty(lies) ? lies : home, home);
  screen.showBusy(false);
}

/** The numbers of one period. @param {string} which before or after */
function of(which) {
  return told
    .filter((one) => one.properties[which])
    .map(({ properties, ...one }) => ({ ...one, properties: { ...properties, count: properties[which], exact: properties[`${which}_exact`] } }));
}

/** Show the maps one way. @param {string} view */
function see(view) {
  frame.dataset.view = view;
  screen.byId("sweep").hidden = view !== SWEEP;
  const after = screen.byId("map-after");
  line.remove();
  if (view === SWEEP) {
    after.parentElement?.append(line);
  }
  cut();
  for (const { id, map } of sheets) {
    map.setView((id === "map-difference") === (view === DIFFERENCE) ? shared : idle);
    map.updateSize();
  }
  const counted = { title: t(named ? "when-legend-places" : "when-legend"), classes: keyed(scale, both) };
  const compared = { title: t("change-legend"), classes: key.map(([colour, label]) => ({ colour, label })) };
  showKey(screen.byId("legend"), { ...(view === DIFFERENCE ? compared : counted), signs });
}

/** Cut the later map where the edge is; the earlier one lies under it. */
function cut() {
  const sweeping = frame.dataset.view === SWEEP;
  screen.byId("map-after").style.clipPath = sweeping ? `inset(0 0 0 ${edge.value}%)` : "";
  line.style.left = `${edge.value}%`;
}

/** Keep how the maps are shown, for other choices too. @param {"visa" | "kant"} name @param {string} value */
function keep(name, value) {
  write({ [name]: value });
  const form = screen.byId("choices");
  const kept = form.querySelector(`[name="${name}"]`) ?? form.appendChild(element("input", { type: "hidden", name }));
  /** @type {HTMLInputElement} */ (kept).value = value;
}

edge.addEventListener("input", cut);
edge.addEventListener("change", () => keep("kant", edge.value === MIDDLE ? "" : edge.value));
screen.byId("views").addEventListener("change", (event) => {
  const view = /** @type {HTMLInputElement} */ (event.target).value;
  see(view);
  keep("visa", view);
});
sendAtOnce(/** @type {HTMLFormElement} */ (screen.byId("choices")));
screen.run(start);
