// @ts-check
/** What is said around the map: the summary, waiting, nothing found, and what went wrong. */

import { element, events, number, weight } from "./texts.js";

/** @param {string} id */
export const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @param {boolean} waiting */
export function showBusy(waiting) {
  byId("busy").hidden = !waiting;
  byId("map").setAttribute("aria-busy", String(waiting));
}

/**
 * Say how much the choices hold.
 * @param {readonly import("./data.js").Feature[]} cells
 * @param {number | undefined} total events of the area, wherever in it
 * @param {{area: string, window: string, type: string, period: string}} words
 */
export function showSummary(cells, total, words) {
  const count = cells.reduce((sum, cell) => sum + cell.properties.count, 0);
  const weighed = cells.reduce((sum, cell) => sum + cell.properties.weight, 0);
  const big = element("p", { class: "summary-number", "data-count": String(count) }, `${number(count)} `);
  big.append(element("span", {}, `${count === 1 ? "händelse" : "händelser"} i ${number(cells.length)} ${cells.length === 1 ? "ruta" : "rutor"}`));
  const chosen = [words.area, words.window, words.type, words.period].join(" · ");
  const lines = [element("p", { class: "summary-text" }, chosen)];
  if (Math.abs(weighed - count) >= 0.05) {
    const text = `Vägt efter hur stor del av tiden som faller i fönstret: ${weight(weighed)}.`;
    lines.push(element("p", { class: "summary-text" }, text));
  }
  const beside = (total ?? 0) - count;
  if (beside > 0) {
    const text = `Därutöver ${events(beside)} vars plats är okänd eller för osäker för rutorna.`;
    lines.push(element("p", { class: "summary-text" }, text));
  }
  byId("summary").replaceChildren(big, ...lines);
  document.title = `${events(count)} – ${words.area} – Lägesbild`;
}

/**
 * Say something over the map, or nothing.
 * @param {string} text
 * @param {HTMLElement} [action]
 */
function showMessage(text, action) {
  const target = byId("message");
  target.replaceChildren(element("p", {}, text));
  if (action) {
    target.append(action);
  }
  target.hidden = !text;
}

/**
 * Say over an empty map why it is empty.
 * @param {boolean} empty
 */
export function showNothing(empty) {
  const published = byId("map").dataset.run;
  const why = published ? "Inga händelser i urvalet." : "Ingen analys är publicerad ännu.";
  showMessage(empty ? why : "");
}

/**
 * Do something that may fail, and say so if it does; a task that was given up is no failure.
 * @param {() => Promise<void>} task
 */
export function run(task) {
  task().catch((fault) => {
    if (fault.name !== "AbortError") {
      showBusy(false);
      showFault(fault, () => run(task));
    }
  });
}

/**
 * Say what went wrong and offer the way on.
 * @param {unknown} fault
 * @param {() => void} again
 */
function showFault(fault, again) {
  const status = /** @type {any} */ (fault).status;
  const known = typeof status === "number";
  const text = known ? /** @type {Error} */ (fault).message : "Något gick fel i kartan.";
  if (status === 401) {
    const back = encodeURIComponent(location.pathname + location.search);
    showMessage(text, element("a", { class: "button button-main", href: `/logga-in?next=${back}` }, "Logga in igen"));
    return;
  }
  const button = element("button", { type: "button", class: "button button-main" }, "Försök igen");
  button.addEventListener("click", again);
  showMessage(text, button);
}

/**
 * Make a row of tabs that arrow keys move between.
 * @param {(list: string) => void} chosen
 */
export function listenTabs(chosen) {
  const tabs = tabButtons();
  tabs.forEach((tab, i) => {
    tab.addEventListener("click", () => chosen(String(tab.dataset.list)));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) {
        const next = tabs[(i + step + tabs.length) % tabs.length];
        next.focus();
        chosen(String(next.dataset.list));
      }
    });
  });
}

/** @param {string} list */
export function showTab(list) {
  for (const tab of tabButtons()) {
    const selected = tab.dataset.list === list;
    tab.setAttribute("aria-selected", String(selected));
    tab.tabIndex = selected ? 0 : -1;
    if (selected) {
      byId("rows").setAttribute("aria-labelledby", tab.id);
    }
  }
}

const tabButtons = () =>
  /** @type {HTMLButtonElement[]} */ ([...document.querySelectorAll('[role="tab"]')]);
