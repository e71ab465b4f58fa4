// @ts-check
/** What can be done with what is on the screen: menus, sharing, and links that follow the choices. */

import { element, t } from "./texts.js";

/** Words of a link that every page understands. */
const SHARED = ["omrade", "fonster", "typ", "period"];
const SAID_MS = 8000;

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * Say in a word or two how something went; it is read aloud and goes away.
 * @param {string} text
 * @param {...Node} more a way on
 */
export function say(text, ...more) {
  const target = byId("said-now");
  target.replaceChildren(element("span", {}, text), ...more);
  setTimeout(() => target.firstChild?.textContent === text && target.replaceChildren(), SAID_MS);
}

/** Copy the address; who opens it sees what their role may see. */
export async function share() {
  try {
    await navigator.clipboard.writeText(location.href);
    say(t("map-shared"));
  } catch {
    const box = /** @type {HTMLInputElement} */ (element("input", { readonly: "", "aria-label": t("map-share-address"), value: location.href }));
    say(t("map-share-copy"), box); // no clipboard without HTTPS: the address can be copied by hand
    box.select();
  }
}

/** Close every menu but one. @param {Element | null} [but] */
function closeMenus(but) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu !== but) {
      /** @type {HTMLDetailsElement} */ (menu).open = false;
    }
  }
}

/** Let the links of the page lead to the same choices as the map shows. */
function followState() {
  const now = new URLSearchParams(location.search);
  const kept = new URLSearchParams(SHARED.flatMap((name) => (now.get(name) ? [[name, String(now.get(name))]] : [])));
  for (const link of document.querySelectorAll(".ways ul:first-child a")) {
    /** @type {HTMLAnchorElement} */ (link).search = kept.toString();
  }
  for (const link of document.querySelectorAll("a.follows")) {
    /** @type {HTMLAnchorElement} */ (link).search = location.search;
  }
  const back = encodeURIComponent(location.pathname + location.search);
  for (const link of document.querySelectorAll('.foot a[hreflang]')) {
    /** @type {HTMLAnchorElement} */ (link).search = `?tillbaka=${back}`;
  }
}

/** Wire the bar of tools. */
export function startTools() {
  byId("share").addEventListener("click", share);
  addEventListener("lagesbild:state", followState);
  addEventListener("popstate", followState);
  document.addEventListener("click", (event) => {
    closeMenus(/** @type {Element} */ (event.target).closest("details.menu"));
  });
  byId("tools").addEventListener("keydown", (event) => {
    const open = /** @type {HTMLDetailsElement | null} */ (byId("tools").querySelector("details.menu[open]"));
    if (event.key === "Escape" && open) {
      event.stopPropagation();
      closeMenus();
      open.querySelector("summary")?.focus();
    }
  });
  followState();
}

/** Close the menus after something in them was done. */
export const done = () => closeMenus();
