// @ts-check
/** What a map and its list do together: choose a place in either, see it in both, read its card. */

/* global ol */

import { showCard, showNoCard } from "./card.js";
import { json, query } from "./data.js";
import { listen } from "./desk_input.js";
import { latestOnly } from "./latest.js";
import { featureOf, layerName, under } from "./layers.js";
import { sees, show } from "./map.js";
import { byId } from "./screen.js";
import { QUESTIONS } from "./state.js";
import { markRow, rowsOf } from "./table.js";
import { t } from "./texts.js";

const ROOM_M = 160; // ground to show around what was chosen

/** @typedef {ReturnType<typeof import("./state.js").createStore>} Store */

/** The words of a link that list and card are asked with. @param {import("./state.js").State} state */
export function asked(state) {
  return query(Object.fromEntries([...QUESTIONS, "lista"].map((name) => [name, state[/** @type {keyof typeof state} */ (name)]])));
}

export class Desk {
  #latest = latestOnly();
  #shown = "";
  /** What the chosen key stands for here: an analyst's cell is to others the place that holds it. */ #led = "";
  /** The ground that one begins with. @type {number[]} */ home = [-Infinity, -Infinity, Infinity, Infinity];

  /**
   * @param {any} map
   * @param {ReturnType<typeof import("./layers.js").createLayers>} layers
   * @param {Store} store
   * @param {string} exact what stands before the key of a cell: nothing on a map of the release
   */
  constructor(map, layers, store, exact) {
    [this.map, this.layers, this.store, this.exact] = [map, layers, store, exact];
    this.target = map.getTargetElement();
    listen(this);
  }

  /** Choose what lies under a pixel, or nothing. @param {number[]} pixel */
  pick(pixel) {
    const hit = under(this.map, this.layers, pixel);
    const before = hit?.id === "cells" ? this.exact : `${hit?.id}:`;
    this.store.set({ vald: hit ? `${before}${hit.feature.getId() ?? hit.feature.get("cell")}` : "" });
  }

  /** Choose a thing by its key, and go there. @param {string} key */
  choose(key) {
    const on = new Set([...this.store.get().lager.split(",").filter(Boolean), layerName(key)]);
    this.store.set({ vald: key, lager: [...on].join(",") });
    this.goThere();
  }

  /** The key of what is chosen, on the map and in the list. */
  get key() {
    return this.#led || this.store.get().vald;
  }

  /** Find the ground of what is chosen: on the map, or where the list says that it lies. */
  #ground() {
    const at = rowsOf(byId("rows")).find((row) => row.dataset.key === this.key)?.dataset.at;
    const system = this.map.getView().getProjection();
    const point = at && new ol.geom.Point(ol.proj.fromLonLat(at.split(",").map(Number), system));
    return featureOf(this.layers, this.key)?.getGeometry() ?? point;
  }

  /** Go to what a link has chosen, unless its own view shows that. @param {boolean} viewed whether it has one */
  async arrive(viewed) {
    await this.showChosen();
    const ground = this.#ground();
    if (ground && !(viewed && sees(this.map, byId("card"), ground.getExtent()))) {
      this.goThere();
    }
  }

  /** Show the ground of what is chosen. */
  goThere() {
    const ground = this.#ground();
    if (ground) {
      const extent = ol.extent.buffer(ground.getExtent(), ROOM_M);
      const spread = ol.extent.getArea(extent) > ol.extent.getArea(this.home);
      show(this.map, spread ? this.home : extent, byId("card")); // what lies all over town is seen from the town
    }
  }

  /** Close the card; the keyboard goes back to the row it came from. */
  close() {
    const row = rowsOf(byId("rows")).find((one) => one.dataset.key === this.key);
    const inside = byId("card").contains(document.activeElement);
    this.store.set({ vald: "" });
    if (inside) {
      /** @type {HTMLElement} */ (row?.querySelector(".go") ?? this.target).focus({ preventScroll: true });
    }
  }

  /** Mark what is chosen, and fetch its card. @param {boolean} [led] by a reader who goes on reading there */
  async showChosen(led = false) {
    const state = this.store.get();
    const card = byId("card");
    const path = state.vald && `/karta/plats?${query({ vald: state.vald })}&${this.exact ? "" : "ur=utgava&"}${asked(state)}`;
    const again = path === this.#shown;
    this.#led = again ? this.#led : "";
    this.#mark();
    if (again) {
      return;
    }
    this.#shown = path;
    const signal = this.#latest();
    card.hidden = !path;
    if (path) {
      card.textContent = t("card-loading");
      await this.#fill(card, { path, signal, led });
    }
  }

  #mark() {
    this.layers.cells.changed();
    this.layers.clusters.changed();
    this.layers.observations.changed();
    markRow(byId("rows"), this.key);
  }

  /** @param {HTMLElement} card @param {{path: string, signal: AbortSignal, led: boolean}} asking */
  async #fill(card, { path, signal, led }) {
    const doing = { close: () => this.close(), choose: (/** @type {string} */ key) => this.choose(key) };
    try {
      const content = await json(path, signal);
      signal.throwIfAborted();
      this.#led = content.key;
      showCard(card, content, doing);
      this.#mark();
    } catch (fault) {
      const { status, name, message } = /** @type {any} */ (fault);
      if (name === "AbortError") {
        return;
      }
      if (status === 401) {
        throw fault;
      }
      showNoCard(card, message, doing.close);
    }
    if (led) {
      byId("card-title").focus({ preventScroll: getComputedStyle(card).position === "absolute" });
    }
  }
}
