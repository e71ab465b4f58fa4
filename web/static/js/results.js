// @ts-check
/** The answer to the question in the form: fetched, put on the map, kept for table and card. */

import { collection } from "./data.js";
import { isNamed } from "./ground.js";
import { fill } from "./layers.js";
import { rankAreas, rankCells, rankClusters } from "./ranking.js";
import { classes } from "./scale.js";

export class Results {
  /** @type {import("./data.js").Feature[]} */ areas = [];
  /** @type {import("./data.js").Feature[]} */ cells = [];
  /** @type {import("./data.js").Feature[]} */ clusters = [];
  /** @type {import("./data.js").Feature[]} */ observations = [];
  /** @type {import("./scale.js").Class[]} */ scale = [];
  clustered = true;
  #asking = new AbortController();

  /** How many events each cell on the map holds. */
  get counts() {
    return this.cells.map((cell) => cell.properties.count);
  }

  /**
   * How many events an area holds, wherever in it; nothing when they are not counted.
   * @param {string} id of an area; empty is the whole municipality
   */
  total(id) {
    const area = this.areas.find((one) => (id ? String(one.id) === id : !isNamed(one)));
    return area?.properties.count ?? undefined;
  }

  /**
   * Fetch what the choices hold; a newer question silences an older one.
   * @param {ReturnType<typeof import("./pickers.js").filters>} filters
   * @param {boolean} clustered whether clusters exist for this question
   */
  async ask(filters, clustered) {
    this.#asking.abort();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    const answers = await Promise.all([
      collection("cells", filters.cells, signal),
      collection("areas", filters.areas, signal),
      collection("observations", filters.observations, signal),
      clustered ? collection("clusters", filters.clusters, signal) : [],
    ]);
    signal.throwIfAborted();
    [this.cells, this.areas, this.observations, this.clusters] = answers;
    this.clustered = clustered;
    this.scale = classes(this.counts);
  }

  /**
   * Put the answer on the map.
   * @param {ReturnType<typeof import("./layers.js").createLayers>} layers
   * @param {any} system the map's projection
   */
  draw(layers, system) {
    fill(layers.cells, this.cells, system);
    fill(layers.clusters, this.clusters, system);
    fill(layers.observations, this.observations, system);
    fill(layers.areas, this.areas.filter(isNamed), system);
  }

  /**
   * Put the answer in order, for the table.
   * @param {string} list cells, clusters or areas
   * @param {(lon: number, lat: number, near_m?: number) => string} where
   * @returns {import("./ranking.js").Ranking}
   */
  ranking(list, where) {
    if (list === "clusters") {
      return {
        rows: rankClusters(this.clusters, where),
        what: "Kluster",
        caption: "Platser som ligger tätt och har många händelser, räknat på hela perioden. Kartan visar de tio största och fler när den zoomas in.",
        empty: this.clustered
          ? "Inga kluster i urvalet."
          : "Kluster finns för alla händelser tillsammans eller för en händelsetyp i taget.",
      };
    }
    if (list === "areas") {
      return {
        rows: rankAreas(this.areas),
        what: "Område",
        caption: "Här räknas även händelser vars plats är för osäker för rutorna.",
        empty: "Inga områden är räknade ännu.",
      };
    }
    return {
      rows: rankCells(this.cells, where, this.scale),
      what: "Ruta",
      caption: "Flest händelser först. Välj en rad för att se den på kartan.",
      empty: "Inga händelser i urvalet.",
    };
  }
}
