// @ts-check
/** Two periods on two maps with one view; one over the other with an edge to draw; or their difference. */

/* global ol */

import { collection } from "./data.js";
import { fill } from "./layers.js";
import { addHome, createMap, show } from "./map.js";
import { showKey } from "./key.js";
import { classes } from "./scale.js";
import * as screen from "./screen.js";
import * as styles from "./styles.js";
import { t } from "./texts.js";
import { difference } from "./differences.js";
import { spotNames } from "./spot_names.js";

const FOCUS = ["priority", "nightlife"];
const CELLS = 4; // above the names of streets: numbers are read first
const SWEEP = "svep";
const DIFFERENCE = "skillnad";

const frame = screen.byId("maps");
const named = frame.dataset.bounds === "yes";
const edge = /** @type {HTMLInputElement} */ (screen.byId("edge"));
/** @type {import("./data.js").Feature[]} */
const told = JSON.parse(screen.byId("cells").textContent ?? "{}").features;
/** @type {[string, string][]} */
const key = JSON.parse(screen.byId("key").textContent ?? "[]");
const scale = classes(told.flatMap(({ properties }) => [properties.before, properties.after]).filter(Boolean));
const line = document.createElement("span");
line.className = "sweep-line";

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
  const areas = (await collection("areas")).filter((area) => FOCUS.includes(area.properties.kind));
  const system = shared.getProjection();
  see(String(frame.dataset.view));
  for (const { areas: outlines, cells, which } of sheets) {
    fill(outlines, areas, system);
    fill(cells, which === "difference" ? told : of(which), system);
  }
  const home = sheets[0].areas.getSource().getExtent();
  const lies = sheets[2].cells.getSource().getExtent();
  const local = new URLSearchParams(location.search).get("omrade");
  const near = local && !ol.extent.isEmpty(lies) ? lies : home;
  if (!ol.extent.isEmpty(near)) {
    const seen = frame.dataset.view === DIFFERENCE ? sheets[2].map : first;
    sheets.forEach(({ map }) => addHome(map, home));
    show(seen, near, screen.byId("legend"));
  }
  screen.showBusy(false);
}

/** The numbers of one period. @param {string} which before or after */
function of(which) {
  return told
    .filter((one) => one.properties[which])
    .map((one) => ({ ...one, properties: { ...one.properties, count: one.properties[which] } }));
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
  const title = t(named ? "when-legend-places" : "when-legend");
  const looks = key.map(([colour, label]) => ({ colour, label }));
  showKey(screen.byId("legend"), view === DIFFERENCE ? t("change-legend") : title, view === DIFFERENCE ? looks : scale);
}

/** Cut the later map where the edge is; the earlier one lies under it. */
function cut() {
  const sweeping = frame.dataset.view === SWEEP;
  screen.byId("map-after").style.clipPath = sweeping ? `inset(0 0 0 ${edge.value}%)` : "";
  line.style.left = `${edge.value}%`;
}

edge.addEventListener("input", cut);
screen.byId("views").addEventListener("change", (event) => {
  const view = /** @type {HTMLInputElement} */ (event.target).value;
  see(view);
  const given = new URLSearchParams(location.search);
  given.set("visa", view);
  history.replaceState(null, "", `?${given}`);
  const kept = /** @type {HTMLInputElement | null} */ (document.querySelector('#choices [name="visa"]'));
  if (kept) {
    kept.value = view;
  }
});
screen.byId("choices").addEventListener("change", () => {
  /** @type {HTMLFormElement} */ (screen.byId("choices")).requestSubmit();
});
screen.run(start);
