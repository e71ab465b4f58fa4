// @ts-check
/** Puts the map page together: choices in, map, legend, table and card out. */

/* global ol */

import * as pickers from "./pickers.js";
import * as screen from "./screen.js";
import { describe, showCard } from "./card.js";
import { loadGround } from "./ground.js";
import { createLayers, featureOf, layerName, nameOf, showOnly, under } from "./layers.js";
import { showLegend } from "./legend.js";
import { addHome, createMap, goTo, show, viewText } from "./map.js";
import { within } from "./places.js";
import { Results } from "./results.js";
import { QUESTIONS, createStore } from "./state.js";
import { markRow, showRanking } from "./table.js";

const ROOM_M = 100; // ground to show around what was chosen

const target = screen.byId("map");
const results = new Results();
const store = createStore(changed);
const layers = createLayers({ classes: () => results.scale, chosen: () => store.get().vald });
const map = createMap(target, Object.values(layers));
const system = map.getView().getProjection();
/** @type {Awaited<ReturnType<typeof loadGround>>} */
let ground = { home: ol.extent.createEmpty(), where: () => "" };

async function start() {
  screen.showBusy(true);
  ground = await loadGround(layers, system);
  if (!ol.extent.isEmpty(ground.home)) {
    addHome(map, ground.home);
  }
  if (!goTo(map, store.get().vy)) {
    showArea();
  }
  map.on("moveend", () => store.set({ vy: viewText(map) }));
  await ask();
}

async function ask() {
  screen.showBusy(true);
  await results.ask(pickers.filters(), pickers.clustered());
  results.draw(layers, system);
  screen.showNothing(results.cells.length === 0);
  screen.showSummary(results.cells, results.total(pickers.area().id), pickers.words());
  showLayers();
  showList();
  showChosen();
  screen.showBusy(false);
}

/**
 * Follow a change of state, whoever made it: the form, the map, the table or the back button.
 * @param {import("./state.js").State} state
 * @param {import("./state.js").State} before
 */
function changed(state, before) {
  pickers.show(state);
  if (state.vy !== before.vy && state.vy !== viewText(map)) {
    goTo(map, state.vy);
  } else if (state.omrade !== before.omrade) {
    showArea();
  }
  if (QUESTIONS.some((name) => state[name] !== before[name])) {
    screen.run(ask);
    return;
  }
  if (state.lager !== before.lager) {
    showLayers();
  }
  if (state.lista !== before.lista) {
    showList();
  }
  if (state.vald !== before.vald) {
    showChosen();
  }
}

function showArea() {
  const named = layers.areas.getSource().getFeatures();
  const area = named.find((/** @type {any} */ one) => String(one.getId()) === pickers.area().id);
  const extent = area ? area.getGeometry().getExtent() : ground.home;
  if (!ol.extent.isEmpty(extent)) {
    show(map, extent, screen.byId("card"));
  }
}

function showLayers() {
  const { lager } = store.get();
  showOnly(layers, lager);
  const cells = lager.split(",").includes("rutor") ? results.cells : [];
  showLegend(screen.byId("legend"), results.scale, cells, pickers.words().level);
}

function showList() {
  const { lista, vald } = store.get();
  const list = ["cells", "clusters", "areas"].includes(lista) ? lista : "cells";
  screen.showTab(list);
  showRanking(screen.byId("rows"), results.ranking(list, within(ground.where, pickers.area().name)), vald, choose);
}

/** Show on the map what was chosen in the table. @param {string} key */
function choose(key) {
  const on = new Set([...store.get().lager.split(",").filter(Boolean), layerName(key)]);
  store.set({ vald: key, lager: [...on].join(",") });
  const feature = chosenFeature();
  if (feature) {
    if (matchMedia("(pointer: coarse)").matches) {
      target.scrollIntoView(); // on a telephone the map is above the table
    }
    show(map, ol.extent.buffer(feature.getGeometry().getExtent(), ROOM_M), screen.byId("card"));
  }
}

const chosenFeature = () => featureOf(layers, store.get().vald);

function showChosen() {
  layers.cells.changed();
  layers.clusters.changed();
  markRow(screen.byId("rows"), store.get().vald);
  const feature = chosenFeature();
  screen.byId("card").hidden = !feature;
  if (feature) {
    const period = { whole: String(target.dataset.period), synthetic: "synthetic" in target.dataset };
    const context = { ...pickers.words(), ...period, police: pickers.police(), judged: pickers.judged() };
    const [id] = store.get().vald.split(":");
    const content = describe(id, feature.getProperties(), nameOf(feature, system, ground.where), context);
    showCard(screen.byId("card"), content, () => store.set({ vald: "" }));
  }
}

map.on("singleclick", (/** @type {any} */ event) => {
  const hit = under(map, layers, event.pixel);
  store.set({ vald: hit ? `${hit.id}:${hit.feature.getId()}` : "" });
});
map.on("pointermove", (/** @type {any} */ event) => {
  target.style.cursor = !event.dragging && under(map, layers, event.pixel) ? "pointer" : "";
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && store.get().vald) {
    store.set({ vald: "" });
  }
});
pickers.listen((patch) => store.set(patch));
screen.listenTabs((lista) => store.set({ lista }));
pickers.foldOnNarrow();
pickers.show(store.get());
screen.run(start);
