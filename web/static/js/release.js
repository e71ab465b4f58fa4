// @ts-check
/** The map of the release: the numbers of the list, where they lie. The list needs no script. */

/* global ol */

import * as screen from "./screen.js";
import { leave } from "./address.js";
import { collection, json } from "./data.js";
import { Desk, asked } from "./desk.js";
import { isFocus, isPlace, loadGround, showSpots } from "./ground.js";
import { latestOnly } from "./latest.js";
import { createLayers, fill, showOnly } from "./layers.js";
import { showLegend } from "./legend.js";
import { addHome, createMap, show } from "./map.js";
import { showLayerBoxes, listenLayers } from "./pickers.js";
import { classes, comparable } from "./scale.js";
import { TOLD, createStore } from "./state.js";
import { showRows, showText } from "./table.js";
import { t } from "./texts.js";
import { say } from "./tools.js";
import { goTo, viewText } from "./view.js";

const target = screen.byId("map");
const form = /** @type {HTMLFormElement} */ (screen.byId("choices"));
const EVEN_M = 18; // teeth of the small cells that zones are made of say nothing
const question = Object.fromEntries(new URLSearchParams(target.dataset.items));
const staff = Boolean(target.dataset.observations);
/** @type {import("./scale.js").Class[]} */
let scale = [];
/** @type {import("./data.js").Feature[]} */
let coloured = [];

const store = createStore(TOLD, changed);
const layers = createLayers({ classes: () => scale, chosen: () => desk.key, named: true });
const map = createMap(target, Object.values(layers));
const system = map.getView().getProjection();
const desk = new Desk(map, layers, store, "");
const latest = { more: latestOnly(), list: latestOnly() };

async function start() {
  screen.showBusy(true);
  const ground = loadGround(layers, system, { venues: false, shown: isFocus });
  const told = await collection("release", question);
  coloured = told.filter(isPlace);
  scale = classes(comparable(coloured));
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
  const viewed = goTo(map.getView(), store.get().vy);
  if (!viewed) {
    show(map, question.place ? everything[0] : home, screen.byId("card"));
  }
  await desk.arrive(viewed);
  map.on("moveend", () => store.set({ vy: viewText(map.getView()) }));
  await showMore();
  screen.showBusy(false);
}

/** Fetch and show the layers that are switched on. */
async function showMore() {
  const { lager } = store.get();
  const on = lager.split(",");
  const signal = latest.more();
  const [observations, physical] = await Promise.all([
    staff && on.includes("observationer") ? collection("observations", {}, signal) : [],
    on.includes("fysiska") ? collection("physical", {}, signal) : [],
  ]);
  signal.throwIfAborted();
  fill(layers.observations, observations, system);
  fill(layers.physical, physical, system);
  if (on.includes("fysiska") && !physical.length) {
    say(t("map-no-physical"));
  }
  showOnly(layers, lager);
  const cells = on.includes("rutor") ? coloured : [];
  showLegend(screen.byId("legend"), { classes: scale, cells, level: t("legend-everywhere"), title: t("legend-places") });
}

async function showList() {
  const state = store.get();
  const signal = latest.list();
  const told = await json(`/karta/lista?ur=utgava&${asked(state)}`, signal);
  signal.throwIfAborted();
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
  if (state.vy !== before.vy && state.vy !== viewText(map.getView())) {
    goTo(map.getView(), state.vy);
  }
  if (state.lager !== before.lager) {
    screen.run(showMore);
  }
  if (state.lista !== before.lista) {
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
  screen.run(() => leave(`${location.pathname}?${query}`));
}

form.addEventListener("change", submit);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
listenLayers((patch) => store.set(patch));
screen.listenTabs((lista) => store.set({ lista }));
showLayerBoxes(store.get());
screen.showTab(store.get().lista || "places");
screen.run(start);
