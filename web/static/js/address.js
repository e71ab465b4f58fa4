// @ts-check
/** What the address of a page says, how the reader changes it, and how the page is left. */

import { reach } from "./data.js";
import { run } from "./screen.js";

/** Read a word of the address. @param {string} name */
export const given = (name) => new URLSearchParams(location.search).get(name) ?? "";

/**
 * Write other choices into a query.
 * @param {Record<string, string>} changes empty ones are taken out
 * @param {string} [from] the query to change
 * @returns {string} the page's own path when nothing is left
 */
export function withChanges(changes, from = location.search) {
  const words = new URLSearchParams(from);
  for (const [name, value] of Object.entries(changes)) {
    words.delete(name);
    if (value) {
      words.set(name, value);
    }
  }
  const text = String(words).replaceAll("%2C", ",").replaceAll("%3A", ":");
  return text ? `?${text}` : location.pathname;
}

/**
 * Change the address without asking anew.
 * @param {Record<string, string>} changes
 * @param {boolean} [step] whether the back button undoes it
 */
export function write(changes, step = false) {
  history[step ? "pushState" : "replaceState"](null, "", withChanges(changes));
  dispatchEvent(new Event("lagesbild:state"));
}

/** Go to another page; when the server does not answer, this one says so and stays. @param {string} href */
export async function leave(href) {
  await reach();
  location.assign(href);
}

/** Send the form of a page likewise. @param {HTMLFormElement} form */
export function guard(form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run(async () => {
      await reach();
      form.submit();
    });
  });
}

/** Send it as soon as something in it is chosen. @param {HTMLFormElement} form */
export function sendAtOnce(form) {
  guard(form);
  form.addEventListener("change", () => form.requestSubmit());
}
