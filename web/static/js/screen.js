// @ts-check
/** What is said around the map: the summary, waiting, nothing found, and what went wrong. */

import { element, t } from "./texts.js";

/** @param {string} id */
export const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @param {boolean} waiting */
export function showBusy(waiting) {
  byId("busy").hidden = !waiting;
  byId("map").setAttribute("aria-busy", String(waiting));
}

/** Say how much the choices hold. @param {import("./table.js").Listed} listed */
export function showSummary({ total, total_text: text, words }) {
  const big = element("p", { class: "summary-number", "data-count": String(total ?? 0) }, text);
  byId("summary").replaceChildren(big, element("p", { class: "summary-text" }, words.join(" · ")));
  document.title = t("map-document", { total: text, area: words[0] });
}

/** What was said about the link that led here is no longer so. */
export function forgetLink() {
  for (const said of document.querySelectorAll(".choices .passed")) {
    said.remove();
  }
}

/**
 * Say something over the map, or nothing.
 * @param {string} text
 * @param {HTMLElement} [action]
 */
function showMessage(text, action) {
  failed = 0;
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
  const why = t(published ? "map-nothing" : "map-no-run");
  showMessage(empty ? why : "");
}

let tasks = 0;
/** The task whose failure is said now. */ let failed = 0;

/**
 * Do something that may fail, and say so if it does; a task that was given up is no failure, and
 * one that succeeds takes back what was said of an earlier one.
 * @param {() => Promise<void>} task
 */
export function run(task) {
  const own = ++tasks;
  task().then(
    () => failed && failed < own && showMessage(""),
    (fault) => {
      if (fault.name !== "AbortError") {
        showBusy(false);
        showFault(fault, () => run(task));
        failed = own;
      }
    },
  );
}

/**
 * Say what went wrong and offer the way on.
 * @param {unknown} fault
 * @param {() => void} again
 */
function showFault(fault, again) {
  const status = /** @type {any} */ (fault).status;
  const known = typeof status === "number";
  const text = known ? /** @type {Error} */ (fault).message : t("map-fault");
  if (status === 401) {
    const back = encodeURIComponent(location.pathname + location.search);
    showMessage(text, element("a", { class: "button button-main", href: `/logga-in?next=${back}` }, t("map-sign-in")));
    return;
  }
  const button = element("button", { type: "button", class: "button button-main" }, t("map-again"));
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
    tab.addEventListener("click", (event) => {
      event.preventDefault();
      chosen(String(tab.dataset.list));
    });
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
  const tabs = tabButtons();
  const shown = tabs.find((tab) => tab.dataset.list === list) ?? tabs[0];
  for (const tab of tabs) {
    const selected = tab === shown;
    tab.setAttribute("aria-selected", String(selected));
    tab.tabIndex = selected ? 0 : -1;
    if (selected) {
      byId("rows").setAttribute("aria-labelledby", tab.id);
    }
  }
}

const tabButtons = () =>
  /** @type {HTMLElement[]} */ ([...document.querySelectorAll('[role="tab"]')]);
