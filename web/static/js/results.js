// @ts-check
/** The answer to the question in the form: fetched, put on the map, and the list that belongs to it. */

import { collection, json, upTo } from "./data.js";
import { latestOnly } from "./latest.js";
import { fill } from "./layers.js";
import { classes } from "./scale.js";
import { tiles } from "./tiles.js";

const MOST = 3000; // features that a browser draws smoothly by itself; more come as tiles

export class Results {
  /** @type {import("./data.js").Feature[]} */ cells = [];
  /** @type {import("./scale.js").Class[]} */ scale = [];
  /** Whether the cells come as tiles, so that nobody here has counted them. */ tiled = false;
  #latest = latestOnly();

  /**
   * Fetch what the choices hold; a newer question silences an older one.
   * @param {ReturnType<typeof import("./pickers.js").filters>} filters
   * @param {{clusters: boolean, observations: boolean, physical: boolean}} wanted what is to be seen
   * @param {string} list the query of the list; empty when the page has it already
   * @param {any} layers
   * @param {any} system the map's projection
   * @returns {Promise<import("./table.js").Listed | null>}
   */
  async ask(filters, wanted, list, layers, system) {
    const signal = this.#latest();
    const [cells, observations, clusters, physical, listed] = await Promise.all([
      upTo("cells", filters.cells, MOST, signal),
      wanted.observations ? collection("observations", filters.observations, signal) : [],
      wanted.clusters ? collection("clusters", filters.clusters, signal) : [],
      wanted.physical ? collection("physical", {}, signal) : [],
      list ? json(`/karta/lista?${list}`, signal) : null,
    ]);
    const source = cells ? null : await tiles("cells", filters.cells, system, signal);
    signal.throwIfAborted();
    this.tiled = cells === null;
    this.cells = cells ?? [];
    const counts = this.cells.map((cell) => cell.properties.count);
    this.scale = classes(this.tiled ? [1, ...topOf(listed)] : counts);
    fill(layers.cells, this.cells, system);
    fill(layers.clusters, clusters, system);
    fill(layers.observations, observations, system);
    fill(layers.physical, physical, system);
    layers.tiles.setSource(source);
    return listed;
  }
}

/** The most events of a cell: with the fewest, all that classes need. @param {import("./table.js").Listed | null} listed */
function topOf(listed) {
  const written = document.querySelector("#rows tr[data-count]");
  const most = listed ? listed.rows[0]?.count : Number(/** @type {HTMLElement | null} */ (written)?.dataset.count);
  return most ? [most] : [];
}
