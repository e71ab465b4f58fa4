// @ts-check
/** Saved views: the reader's own names for choices, kept on the server. */

import { json, post } from "./data.js";
import { element, t } from "./texts.js";
import { say } from "./tools.js";

const menu = /** @type {HTMLDetailsElement | null} */ (document.getElementById("own-views"));

/** @typedef {{id: number, name: string, href: string, page: string, remove: string}} View */

/** Send a form and say how it went. @param {string} path @param {Record<string, string>} fields */
async function send(path, fields) {
  try {
    const answer = await post(path, { csrf: String(menu?.dataset.csrf), ...fields });
    say(answer.text, ...(answer.undo ? [undo(answer.undo)] : []));
  } catch (fault) {
    say(/** @type {Error} */ (fault).message);
  }
  await list();
}

/** @param {string} path */
function undo(path) {
  const button = element("button", { type: "button", class: "tool" }, t("map-undo"));
  button.addEventListener("click", () => send(path, {}));
  return button;
}

/** Fetch and show the views. */
async function list() {
  const target = /** @type {HTMLElement} */ (document.getElementById("views-list"));
  try {
    const { views } = /** @type {{views: View[]}} */ (await json("/vyer"));
    const none = [element("li", {}, t("map-views-none"))];
    target.replaceChildren(...(views.length ? views.map(line) : none));
  } catch (fault) {
    target.replaceChildren(element("li", {}, /** @type {Error} */ (fault).message));
  }
}

/** @param {View} view */
function line(view) {
  const remove = element("button", { type: "button", "aria-label": t("map-views-remove", { name: view.name }) }, "×");
  remove.addEventListener("click", () => send(view.remove, {}));
  return element("li", {}, element("a", { href: view.href }, view.name), element("small", {}, view.page), remove);
}

/** Wire the menu, where the reader has one. */
export function startViews() {
  const form = /** @type {HTMLFormElement | null} */ (document.getElementById("views-form"));
  menu?.addEventListener("toggle", () => menu.open && list());
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    const name = String(new FormData(form).get("namn"));
    form.reset();
    send("/vyer", { namn: name, adress: location.pathname + location.search });
  });
}
