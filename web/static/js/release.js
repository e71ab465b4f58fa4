// @ts-check
/** The map of the release: the numbers of the list, where they lie. The list needs no script. */

/* global ol */

import * as screen from "./screen.js";
import { collection, json } from "./data.js";
import { Desk, asked } from "./desk.js";
import { isFocus, loadGround, showSpots } from "./ground.js";
import { createLayers, fill, showOnly } from "./layers.js";
import { showLegend } from "./legend.js";
import { addHome, createMap, goTo, show, viewText } from "./map.js";
import { startPaper } from "./paper.js";
import { foldOnNarrow, showLayerBoxes, listenLayers } from "./pickers.js";
import { classes } from "./scale.js";
import { savePicture } from "./snapshot.js";
import { TOLD, createStore } from "./state.js";
import { showRows, showText } from "./table.js";
import { t } from "./texts.js";
import { done, say, startTools } from "./tools.js";
import { startViews } from "./views.js";

const target = screen.byId("map");
const form = /** @type {HTMLFormElement} */ (screen.byId("choices"));
/** Ground that is not a place of its own: all the rest of the municipality has no colour. */
const REST = ["rest", "unknown", "several"];
const EVEN_M = 18; // teeth of the small cells that zones are made of say nothing
const question = Object.fromEntries(new URLSearchParams(target.dataset.items));
const staff = Boolean(target.dataset.observations);
/** @type {import("./scale.js").Class[]} */
let scale = [];
/** @type {import("./data.js").Feature[]} */
let coloured = [];

const store = createStore(TOLD, changed);
const layers = createLayers({ classes: () => scale, chosen: () => store.get().vald, named: true });
const map = createMap(target, Object.values(layers));
const system = map.getView().getProjection();
const desk = new Desk(map, layers, store, "");
let listed = store.get().lista;

async function start() {
  screen.showBusy(true);
  const ground = loadGround(layers, system, { venues: false, shown: isFocus });
  const told = await collection("release", question);
  coloured = question.detail === "zone" ? told : told.filter((one) => !REST.includes(one.properties.kind));
  scale = classes(coloured.map((one) => one.properties.count));
  fill(layers.cells, coloured, system);
  const zones = layers.cells.getSource().getFeatures().filter((/** @type {any} */ one) => one.get("kind") === "schools");
  zones.forEach((/** @type {any} */ one) => one.setGeometry(one.getGeometry().simplify(EVEN_M)));
  const home = await ground;
  if (!ol.extent.isEmpty(home)) {
    desk.home = home;
    addHome(map, home);
  }
  const everything = [...coloured.length ? [layers.cells.getSource().getExtent()] : [], home];
  showSpots(screen.byId("spots"), layers.areas.getSource().getFeatures(), (extent) => show(map, extent ?? home, screen.byId("card")));
  if (!goTo(map, store.get().vy)) {
    show(map, question.place ? everything[0] : home, screen.byId("card"));
    desk.goThere();
  }
  map.on("moveend", () => store.set({ vy: viewText(map) }));
  await showMore();
  await desk.showChosen();
  screen.showBusy(false);
}

/** Fetch and show the layers that are switched on. */
async function showMore() {
  const on = store.get().lager.split(",");
  const [observations, physical] = await Promise.all([
    staff && on.includes("observationer") ? collection("observations") : [],
    on.includes("fysiska") ? collection("physical") : [],
  ]);
  fill(layers.observations, observations, system);
  fill(layers.physical, physical, system);
  if (on.includes("fysiska") && !physical.length) {
    say(t("map-no-physical"));
  }
  showOnly(layers, store.get().lager);
  const cells = on.includes("rutor") ? coloured : [];
  showLegend(screen.byId("legend"), scale, cells, t("legend-everywhere"), t("legend-places"));
}

async function showList() {
  listed = store.get().lista;
  const told = await json(`/karta/lista?ur=utgava&${asked(store.get())}`);
  showRows(screen.byId("rows"), told);
  showText(screen.byId("map-text"), told);
  await desk.showChosen();
}

/**
 * Follow a change of state, whoever made it: the map, the list, the boxes or the back button.
 * @param {import("./state.js").State} state
 * @param {import("./state.js").State} before
 */
function changed(state, before) {
  showLayerBoxes(state);
  screen.showTab(state.lista || "places");
  if (state.vy !== before.vy && state.vy !== viewText(map)) {
    goTo(map, state.vy);
  }
  if (state.lager !== before.lager) {
    screen.run(showMore);
  }
  if (state.lista !== listed) {
    screen.run(showList);
  }
  if (state.vald !== before.vald) {
    screen.run(() => desk.showChosen(true));
  }
}

/** Ask anew; what is seen of the map goes along, what was chosen on it does not. */
function submit() {
  const { lager, lista } = store.get();
  const asking = new URLSearchParams(/** @type {any} */ (new FormData(form)));
  const kept = { ...Object.fromEntries(asking), lager: lager === TOLD.lager ? "" : lager, lista };
  const query = new URLSearchParams(Object.entries(kept).filter(([, value]) => value));
  location.assign(`${location.pathname}?${query}`);
}

form.addEventListener("change", submit);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
listenLayers((patch) => store.set(patch));
screen.listenTabs((lista) => store.set({ lista }));
foldOnNarrow();
showLayerBoxes(store.get());
screen.showTab(store.get().lista || "places");
startTools();
startViews();
startPaper(map);
screen.byId("save-picture").addEventListener("click", () => savePicture(map).then(done));
screen.run(start);
