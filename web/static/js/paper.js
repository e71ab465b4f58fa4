// @ts-check
/** Print what is on the screen: the same piece of ground on a sheet of the size that was chosen. */

import { sharpen, shown } from "./sharp.js";
import { element, number, t } from "./texts.js";

const DEFAULT = "a4-wide";
const MOST_ROWS = 25; // of a list on paper
const LEAST_ROOM = 4; // pixels at the foot of the sheet that nothing is moved for

/** @param {string} id */
const byId = (id) => document.getElementById(id);

/** What was asked for, as the page says it. */
export function asked() {
  const told = [...document.querySelectorAll("#summary p")].map((one) => one.textContent?.trim()).filter(Boolean);
  return told.join(" · ");
}

/** Keep the beginning of a long list, and say how much more the page has. @returns {() => void} */
function shorten() {
  /** @type {Element[]} */
  const beyond = [];
  /** @type {Element[]} */
  const said = [];
  for (const table of /** @type {NodeListOf<HTMLTableElement>} */ (document.querySelectorAll(".answer table, #rows table"))) {
    const parts = [...table.tBodies];
    const whole = parts.length > 1 ? parts : [...(parts[0]?.rows ?? [])];
    const many = (/** @type {any} */ part) => part.rows?.length ?? 1;
    let rows = 0;
    const left = whole.filter((part) => (rows += many(part)) > MOST_ROWS && rows - many(part) > 0);
    if (left.length) {
      const note = element("p", { class: "more-rows" }, t("paper-more", { n: number(left.reduce((sum, one) => sum + many(one), 0)) }));
      table.after(note);
      left.forEach((part) => part.classList.add("beyond"));
      beyond.push(...left);
      said.push(note);
    }
  }
  return () => {
    beyond.forEach((part) => part.classList.remove("beyond"));
    said.forEach((note) => note.remove());
  };
}

/** Let the map have what is left of the first page. */
function fillSheet() {
  const foot = document.querySelector(".stage .sheet-foot");
  const look = getComputedStyle(document.body);
  const [map, page] = ["--map", "--page"].map((name) => parseFloat(look.getPropertyValue(name)));
  const used = ((foot?.getBoundingClientRect().bottom ?? 0) + scrollY) * (25.4 / 96);
  if (foot && page - used > LEAST_ROOM) {
    document.body.style.setProperty("--map", `${Math.floor(map + page - used)}mm`);
  }
}

/** Let the rules of the paper hold on the screen too, so that what is measured is what is printed. @param {boolean} on */
function asOnPaper(on) {
  const sheet = /** @type {HTMLLinkElement} */ (byId("paper-rules")).sheet;
  if (sheet) {
    sheet.media.mediaText = on ? "all" : "print";
  }
}

/**
 * Lay the page out as a sheet with the same ground on it.
 * @param {string} paper
 * @returns {{drawn: () => Promise<any>, back: () => void}}
 */
function layOut(paper) {
  const seen = shown().map((map) => {
    const view = map.getView();
    return { map, view, extent: view.calculateExtent(map.getSize()), center: view.getCenter(), resolution: view.getResolution() };
  });
  const words = byId("sheet-words");
  if (words) {
    words.textContent = asked();
  }
  document.body.dataset.paper = paper;
  asOnPaper(true);
  const whole = shorten();
  fillSheet();
  const sharp = seen.map(({ map }) => sharpen(map));
  sharp.forEach(({ map }, i) => {
    map.updateSize();
    seen[i].view.fit(seen[i].extent, { size: map.getSize(), nearest: false });
  });
  sharp.forEach(({ map }) => map.renderSync());
  return {
    drawn: () => Promise.all(sharp.map((one) => one.drawn())),
    back: () => {
      delete document.body.dataset.paper;
      document.body.style.removeProperty("--map");
      asOnPaper(false);
      whole();
      sharp.forEach((one) => one.back());
      for (const { map, view, center, resolution } of seen) {
        map.updateSize();
        view.setCenter(center);
        view.setResolution(resolution);
      }
    },
  };
}

/** Wire the button, its dialog, and the browser's own way to print. */
export function startPaper() {
  const dialog = /** @type {HTMLDialogElement} */ (byId("paper"));
  const form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
  /** @type {ReturnType<typeof layOut> | undefined} */
  let sheet;
  byId("print")?.addEventListener("click", () => dialog.showModal());
  dialog.addEventListener("close", async () => {
    if (dialog.returnValue === "print") {
      const chosen = new FormData(form);
      sheet = layOut(`${chosen.get("size")}-${chosen.get("way")}`);
      await sheet.drawn();
      print();
    }
    dialog.returnValue = "";
  });
  addEventListener("beforeprint", () => {
    sheet ??= layOut(DEFAULT);
  });
  addEventListener("afterprint", () => {
    sheet?.back();
    sheet = undefined;
  });
}
