// @ts-check
/** What a map and its list do together: choose a place in either, see it in both, read its card. */

/* global ol */

import { showCard, showNoCard } from "./card.js";
import { json, query } from "./data.js";
import { featureOf, layerName, under } from "./layers.js";
import { show } from "./map.js";
import { byId } from "./screen.js";
import { QUESTIONS } from "./state.js";
import { markRow, rowsOf } from "./table.js";
import { t } from "./texts.js";

const ROOM_M = 160; // ground to show around what was chosen

/** @typedef {ReturnType<typeof import("./state.js").createStore>} Store */

/**
 * The words of a link that list and card are asked with.
 * @param {import("./state.js").State} state
 */
export function asked(state) {
  return query(Object.fromEntries([...QUESTIONS, "lista"].map((name) => [name, state[/** @type {keyof typeof state} */ (name)]])));
}

export class Desk {
  #asking = new AbortController();
  #shown = "";
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
    this.#listen();
  }

  #listen() {
    this.map.on("singleclick", (/** @type {any} */ event) => this.pick(event.pixel));
    this.map.on("pointermove", (/** @type {any} */ event) => {
      this.target.style.cursor = !event.dragging && under(this.map, this.layers, event.pixel) ? "pointer" : "";
    });
    this.target.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter" && event.target === this.target) {
        this.pick(this.map.getSize().map((/** @type {number} */ side) => side / 2));
      }
    });
    byId("rows").addEventListener("click", (event) => {
      const row = /** @type {HTMLElement} */ (event.target).closest(".go")?.closest("tr");
      if (row && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        this.choose(String(row.dataset.key));
      }
    });
    addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.store.get().vald && !event.defaultPrevented && !document.querySelector("dialog[open]")) {
        this.close();
      }
    });
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

  /** Show the ground of what is chosen. */
  goThere() {
    const key = this.store.get().vald;
    const feature = featureOf(this.layers, key);
    const at = rowsOf(byId("rows")).find((row) => row.dataset.key === key)?.dataset.at;
    const system = this.map.getView().getProjection();
    const point = at && new ol.geom.Point(ol.proj.fromLonLat(at.split(",").map(Number), system));
    const ground = feature?.getGeometry() ?? point;
    if (ground) {
      const extent = ol.extent.buffer(ground.getExtent(), ROOM_M);
      const spread = ol.extent.getArea(extent) > ol.extent.getArea(this.home);
      show(this.map, spread ? this.home : extent, byId("card")); // what lies all over town is seen from the town
    }
  }

  /** Close the card; the keyboard goes back to the row it came from. */
  close() {
    const row = rowsOf(byId("rows")).find((one) => one.dataset.key === this.store.get().vald);
    const inside = byId("card").contains(document.activeElement);
    this.store.set({ vald: "" });
    if (inside) {
      /** @type {HTMLElement} */ (row?.querySelector(".go") ?? this.target).focus({ preventScroll: true });
    }
  }

  /**
   * Mark what is chosen in the list and on the map, and fetch its card.
   * @param {boolean} [led] whether the reader has just chosen it, so that reading goes on in the card
   */
  async showChosen(led = false) {
    const state = this.store.get();
    this.layers.cells.changed();
    this.layers.clusters.changed();
    markRow(byId("rows"), state.vald);
    const card = byId("card");
    const path = state.vald && `/karta/plats?${query({ vald: state.vald })}&${this.exact ? "" : "ur=utgava&"}${asked(state)}`;
    if (path === this.#shown) {
      return;
    }
    this.#shown = path;
    this.#asking.abort();
    card.hidden = !path;
    if (path) {
      this.#asking = new AbortController();
      card.textContent = t("card-loading");
      await this.#fill(card, path, led);
    }
  }

  /** @param {HTMLElement} card @param {string} path @param {boolean} led */
  async #fill(card, path, led) {
    const doing = { close: () => this.close(), choose: (/** @type {string} */ key) => this.choose(key) };
    try {
      showCard(card, await json(path, this.#asking.signal), doing);
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
