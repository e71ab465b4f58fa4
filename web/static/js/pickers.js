// @ts-check
/** The form on the left: what can be chosen, and what a choice means in a query. */

import { DEFAULTS } from "./state.js";

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
  const layers = /** @type {HTMLElement} */ (document.getElementById("layers"));
  layers.addEventListener("change", () => {
    const on = [...layers.querySelectorAll("input")].filter((box) => box.checked);
    chosen({ lager: on.map((box) => box.value).join(",") });
  });
  document.getElementById("choices")?.addEventListener("submit", (event) => event.preventDefault());
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
      box.value = DEFAULTS[name];
    }
  }
  const on = state.lager.split(",");
  for (const box of document.querySelectorAll("#layers input")) {
    const input = /** @type {HTMLInputElement} */ (box);
    input.checked = on.includes(input.value);
  }
  const explained = /** @type {HTMLElement} */ (document.getElementById("fonster-text"));
  explained.textContent = option("fonster")?.dataset.note ?? "";
  const flag = /** @type {HTMLElement} */ (document.getElementById("typ-text"));
  flag.hidden = !police();
  const scope = /** @type {HTMLElement} */ (document.getElementById("scope-row"));
  scope.hidden = !on.includes("kluster");
}

/** Tell whether the chosen type mirrors what the police do. */
export const police = () => option("typ")?.dataset.police !== undefined;

/** Tell whether clusters exist for the chosen type: for the total and for one category. */
export const clustered = () => !codes().includes(",");

/** Tell whether verdicts exist for the question: on the whole period, the total or one category. */
export const judged = () => !span() && clustered();

const span = () => option("period")?.dataset.span ?? "";
const codes = () => option("typ")?.dataset.codes ?? "";

/** The filters that the chosen options mean, by collection. */
export function filters() {
  const shared = { window: select("fonster").value, category: codes() };
  const area = select("omrade").value;
  const datetime = span();
  return {
    areas: { ...shared, datetime },
    cells: { ...shared, area, datetime, resolution: select("rutor").value },
    clusters: { ...shared, area, scope: select("kring").value },
    observations: { area, datetime },
  };
}

/** The chosen area by id and by name; both are empty for the whole municipality. */
export const area = () => ({ id: select("omrade").value, name: option("omrade")?.dataset.name ?? "" });

/** The chosen options in words. */
export function words() {
  return {
    area: option("omrade")?.text ?? "",
    level: area().name || "hela kommunen",
    window: option("fonster")?.text ?? "",
    type: option("typ")?.text ?? "",
    period: option("period")?.text ?? "",
  };
}

/** On a narrow screen the form is folded away, so that the map comes first. */
export function foldOnNarrow() {
  const box = /** @type {HTMLDetailsElement} */ (document.getElementById("choices-box"));
  const narrow = matchMedia("(max-width: 760px)");
  const fit = () => {
    box.open = !narrow.matches;
  };
  narrow.addEventListener("change", fit);
  fit();
}
