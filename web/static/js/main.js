// @ts-check
/** Puts the analysts' map together: choices in, map, legend, list and card out. */

/* global ol */

import * as pickers from "./pickers.js";
import * as screen from "./screen.js";
import { Desk, asked } from "./desk.js";
import { loadGround, markSpot, showSpots } from "./ground.js";
import { createLayers, showOnly } from "./layers.js";
import { showLegend } from "./legend.js";
import { addHome, createMap, show } from "./map.js";
import { NAMED_ROWS } from "./places.js";
import { Results } from "./results.js";
import { EXACT, QUESTIONS, createStore } from "./state.js";
import { rowsOf, showRows, showText } from "./table.js";
import { t } from "./texts.js";
import { goTo, viewText } from "./view.js";

const results = new Results();
/** The rows that are named on the map. */ let top = rowsOf(screen.byId("rows")).slice(0, NAMED_ROWS);
const store = createStore(EXACT, changed);
const layers = createLayers({
  classes: () => results.scale,
  chosen: () => desk.key,
  ranked: () => top,
});
const map = createMap(screen.byId("map"), Object.values(layers));
const system = map.getView().getProjection();
const desk = new Desk(map, layers, store, "cells:");
let listed = asked(store.get()); // the page comes with its list

async function start() {
  screen.showBusy(true);
  showLayers();
  const [found] = await Promise.all([loadGround(layers, system), ask()]);
  if (!ol.extent.isEmpty(found)) {
    desk.home = found;
    addHome(map, found);
  }
  showSpots(screen.byId("spots"), layers.areas.getSource().getFeatures(), (extent) => show(map, extent ?? desk.home, screen.byId("card")));
  const viewed = goTo(map.getView(), store.get().vy);
  if (!viewed) {
    showArea();
  }
  await desk.arrive(viewed);
  map.on("moveend", () => store.set({ vy: viewText(map.getView()) }));
  screen.showBusy(false);
}

async function ask() {
  screen.showBusy(true);
  const on = store.get().lager.split(",");
  const list = asked(store.get());
  const wanted = {
    clusters: pickers.clustered() && (on.includes("kluster") || store.get().lista === "clusters"),
    observations: on.includes("observationer"),
    physical: on.includes("fysiska"),
  };
  const told = await results.ask(pickers.filters(), wanted, list === listed ? "" : list, layers, system);
  if (told) {
    listed = list;
    screen.forgetLink();
    screen.showSummary(told);
    showRows(screen.byId("rows"), told);
    showText(screen.byId("map-text"), told);
    top = rowsOf(screen.byId("rows")).slice(0, NAMED_ROWS);
  }
  screen.showNothing(!results.tiled && results.cells.length === 0);
  showLayers();
  layers.labels.changed();
  layers.places.changed();
  await desk.showChosen();
  screen.showBusy(false);
}

/**
 * Follow a change of state, whoever made it: the form, the map, the list or the back button.
 * @param {import("./state.js").State} state
 * @param {import("./state.js").State} before
 */
function changed(state, before) {
  pickers.show(state);
  markSpot();
  if (state.vy !== before.vy && state.vy !== viewText(map.getView())) {
    goTo(map.getView(), state.vy);
  } else if (state.omrade !== before.omrade) {
    showArea();
  }
  screen.showTab(state.lista);
  if ([...QUESTIONS, /** @type {const} */ ("lista"), /** @type {const} */ ("lager")].some((name) => state[name] !== before[name])) {
    showLayers();
    screen.run(ask);
  }
  if (state.vald !== before.vald) {
    screen.run(() => desk.showChosen(true));
  }
}

function showArea() {
  const named = layers.areas.getSource().getFeatures();
  const area = named.find((/** @type {any} */ one) => String(one.getId()) === pickers.area().id);
  const extent = area ? area.getGeometry().getExtent() : desk.home;
  if (Number.isFinite(ol.extent.getArea(extent))) {
    show(map, extent, screen.byId("card"));
  }
}

function showLayers() {
  const on = store.get().lager;
  showOnly(layers, on);
  const cells = on.split(",").includes("rutor") ? results.cells : [];
  showLegend(screen.byId("legend"), { classes: results.scale, cells, level: pickers.level(), tiled: results.tiled });
}

pickers.listen((patch) => {
  const layers = store.get().lager;
  const hidden = patch.kring && !layers.split(",").includes("kluster");
  store.set(hidden ? { ...patch, lager: `${layers},kluster`, lista: "clusters" } : patch);
});
screen.listenTabs((lista) => store.set({ lista }));
addEventListener("pageshow", () => pickers.show(store.get())); // a browser that goes back fills in the form itself
pickers.show(store.get());
screen.showTab(store.get().lista);
screen.run(start);
