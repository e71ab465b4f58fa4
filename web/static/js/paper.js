// @ts-check
/** Print what is on the screen: the same piece of ground on a sheet of the size that was chosen. */

/* global ol */

const SHARP = 2; // pixels of the map to a pixel of the sheet: 192 dots an inch
const PATIENCE_MS = 4000; // for tiles that do not come
const DEFAULT = "a4-wide";

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * Draw the map anew with more or fewer pixels, and wait until it is there.
 * @param {any} map
 * @param {number} ratio
 */
export async function redraw(map, ratio) {
  map.pixelRatio_ = ratio; // OpenLayers asks for it only when a map is made; its own frames read it here
  const drawn = new Promise((resolve) => map.once("rendercomplete", resolve));
  map.updateSize();
  map.render();
  await Promise.race([drawn, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
}

/** Write on the sheet what the summary says. */
function fillWords() {
  const told = [...document.querySelectorAll("#summary p")].map((one) => one.textContent?.trim()).filter(Boolean);
  byId("sheet-words").textContent = told.join(" · ");
}

/**
 * Lay the page out as a sheet with the same ground on it.
 * @param {any} map
 * @param {string} paper
 * @returns {() => void} puts everything back
 */
function layOut(map, paper) {
  const view = map.getView();
  const [extent, center, resolution] = [view.calculateExtent(map.getSize()), view.getCenter(), view.getResolution()];
  fillWords();
  document.body.dataset.paper = paper;
  map.updateSize();
  view.fit(extent, { size: map.getSize(), nearest: false });
  return () => {
    delete document.body.dataset.paper;
    map.pixelRatio_ = devicePixelRatio;
    map.updateSize();
    view.setCenter(center);
    view.setResolution(resolution);
  };
}

/**
 * Wire the button, its dialog, and the browser's own way to print.
 * @param {any} map
 */
export function startPaper(map) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("paper"));
  const form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
  /** @type {(() => void) | undefined} */
  let back;
  byId("print").addEventListener("click", () => dialog.showModal());
  dialog.addEventListener("close", async () => {
    if (dialog.returnValue === "print") {
      const chosen = new FormData(form);
      back = layOut(map, `${chosen.get("size")}-${chosen.get("way")}`);
      await redraw(map, SHARP);
      print();
    }
    dialog.returnValue = "";
  });
  addEventListener("beforeprint", () => {
    if (!back) {
      back = layOut(map, DEFAULT);
      map.renderSync();
    }
  });
  addEventListener("afterprint", () => {
    back?.();
    back = undefined;
  });
}
