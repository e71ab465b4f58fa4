// @ts-check
/** The form on the left: what can be chosen, and what a choice means in a query. */

import { EXACT } from "./state.js";
import { t } from "./texts.js";

/** @param {string} id */
const select = (id) => /** @type {HTMLSelectElement} */ (document.getElementById(id));
const NAMES = /** @type {const} */ (["omrade", "fonster", "typ", "period", "rutor", "kring"]);

/** @param {string} id */
const option = (id) => select(id).selectedOptions[0];

/**
 * Tell everybody about choices made in the form.
 * @param {(patch: Partial<import("./state.js").State>) => void} chosen
 */
export function listen(chosen) {
  for (const name of NAMES) {
    select(name).addEventListener("change", (event) => {
      chosen({ [name]: /** @type {HTMLSelectElement} */ (event.target).value, vald: "" });
    });
  }
  listenLayers(chosen);
  document.getElementById("choices")?.addEventListener("submit", (event) => event.preventDefault());
}

/**
 * Tell everybody which layers are switched on.
 * @param {(patch: Partial<import("./state.js").State>) => void} chosen
 */
export function listenLayers(chosen) {
  const layers = /** @type {HTMLElement} */ (document.getElementById("layers"));
  layers.addEventListener("change", () => {
    const on = [...layers.querySelectorAll("input")].filter((box) => box.checked);
    chosen({ lager: on.map((box) => box.value).join(",") });
  });
}

/** Show which layers are switched on. @param {import("./state.js").State} state */
export function showLayerBoxes(state) {
  const on = state.lager.split(",");
  for (const box of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("#layers input"))) {
    box.checked = on.includes(box.value);
  }
}

/**
 * Show a state in the form; a value that is no option falls back to its default.
 * @param {import("./state.js").State} state
 */
export function show(state) {
  for (const name of NAMES) {
    const box = select(name);
    box.value = state[name];
    if (box.selectedIndex < 0) {
      box.value = EXACT[name];
    }
  }
  showLayerBoxes(state);
  const explained = /** @type {HTMLElement} */ (document.getElementById("fonster-text"));
  explained.textContent = option("fonster")?.dataset.note ?? "";
  const flag = /** @type {HTMLElement} */ (document.getElementById("typ-text"));
  flag.hidden = !police();
}

/** Tell whether the chosen type mirrors what the police do. */
const police = () => option("typ")?.dataset.police !== undefined;

/** Tell whether clusters exist for the chosen type: for the total and for one category. */
export const clustered = () => !codes().includes(",");

const span = () => option("period")?.dataset.span ?? "";
const codes = () => option("typ")?.dataset.codes ?? "";

/** The filters that the chosen options mean, by collection. */
export function filters() {
  const shared = { window: select("fonster").value, category: codes() };
  const area = select("omrade").value;
  const datetime = span();
  return {
    cells: { ...shared, area, datetime, resolution: select("rutor").value },
    clusters: { ...shared, area, scope: select("kring").value },
    observations: { area, datetime },
  };
}

/** The chosen area by id and by name; both are empty for the whole municipality. */
export const area = () => ({ id: select("omrade").value, name: option("omrade")?.dataset.name ?? "" });

/** Name whose level the verdicts compare with. */
export const level = () => area().name || t("legend-everywhere");
