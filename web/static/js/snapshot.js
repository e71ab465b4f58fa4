// @ts-check
/** Save what is on the screen as one picture: title, map, legend, scale, north, source and caveats. */

import { redraw } from "./paper.js";
import { drawLegend } from "./snapshot_legend.js";
import { INK } from "./brush.js";
import { byId } from "./screen.js";

const SHARP = 2; // pixels of the picture to a pixel of the screen
const EDGE = 24;
const FAMILY = '"Source Sans 3 Variable", "Segoe UI", "Noto Sans", sans-serif';

/**
 * Write words in as many lines as they need.
 * @param {CanvasRenderingContext2D} pen
 * @param {string} text
 * @param {{x: number, y: number, width: number, font: string, high: number}} at
 * @returns {number} where the next line begins
 */
function write(pen, text, { x, y, width, font, high }) {
  pen.font = font;
  let line = "";
  let below = y;
  for (const word of text.split(/\s+/)) {
    const longer = line ? `${line} ${word}` : word;
    if (line && pen.measureText(longer).width > width) {
      pen.fillText(line, x, below + high * 0.75);
      below += high;
      line = word;
    } else {
      line = longer;
    }
  }
  pen.fillText(line, x, below + high * 0.75);
  return below + high;
}

/**
 * Lay the map's canvases on each other.
 * @param {CanvasRenderingContext2D} pen
 * @param {any} map
 * @param {number} top
 */
function drawMap(pen, map, top) {
  const [width, height] = map.getSize();
  pen.save();
  pen.beginPath();
  pen.rect(EDGE, top, width, height);
  pen.clip();
  pen.fillStyle = "#e6e9e4";
  pen.fillRect(EDGE, top, width, height);
  const from = pen.getTransform().translate(EDGE, top);
  for (const canvas of map.getViewport().querySelectorAll(".ol-layers canvas")) {
    if (canvas.width) {
      const shift = canvas.style.transform ? new DOMMatrix(canvas.style.transform) : new DOMMatrix().scale(1 / SHARP);
      pen.setTransform(from.multiply(shift));
      pen.globalAlpha = Number(canvas.parentNode.style.opacity || 1);
      pen.drawImage(canvas, 0, 0);
    }
  }
  pen.restore();
  pen.strokeStyle = "#8a9a9f";
  pen.strokeRect(EDGE, top, width, height);
  drawScale(pen, EDGE + width - 14, top + height - 14);
  drawNorth(pen, EDGE + width - 28, top + 16);
}

/** The very scale bar of the screen. @param {CanvasRenderingContext2D} pen @param {number} right @param {number} bottom */
function drawScale(pen, right, bottom) {
  const bar = /** @type {HTMLElement} */ (document.querySelector(".ol-scale-line-inner"));
  const long = bar.getBoundingClientRect().width;
  pen.fillStyle = "rgba(255, 255, 255, 0.85)";
  pen.fillRect(right - long - 8, bottom - 24, long + 16, 32);
  pen.strokeStyle = pen.fillStyle = INK;
  pen.lineWidth = 1.5;
  pen.stroke(new Path2D(`M${right - long} ${bottom - 7}v7h${long}v-7`));
  pen.lineWidth = 1;
  pen.font = `13px ${FAMILY}`;
  pen.fillText(bar.textContent ?? "", right - long + 6, bottom - 8);
}

/** @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y */
function drawNorth(pen, x, y) {
  pen.fillStyle = INK;
  pen.fill(new Path2D(`M${x} ${y}l9 24l-9 -6l-9 6z`));
  pen.font = `700 14px ${FAMILY}`;
  pen.fillText(document.querySelector(".map-north")?.textContent ?? "", x - 5, y + 40);
}

/** What stands below the map: facts, source, caveats. */
function lines() {
  const facts = [...document.querySelectorAll("#facts > div:not(.proof)")];
  const told = facts.map((one) => `${one.querySelector("dt")?.textContent}: ${one.querySelector("dd")?.textContent}`);
  const foot = [...document.querySelectorAll("#sheet-foot p")];
  return [told.join(" · "), ...foot.map((one) => one.textContent?.trim() ?? "")];
}

/**
 * Draw everything; done twice, because only drawing tells how high it is.
 * @param {HTMLCanvasElement} canvas
 * @param {any} map
 */
function compose(canvas, map) {
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const [wide, high] = map.getSize();
  pen.setTransform(SHARP, 0, 0, SHARP, 0, 0);
  pen.fillStyle = "#ffffff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = INK;
  const at = { x: EDGE, width: wide };
  const said = (/** @type {string} */ one) => document.querySelector(one)?.textContent?.trim() ?? "";
  let y = write(pen, said(".sheet-title"), { ...at, y: 18, font: `700 24px ${FAMILY}`, high: 32 });
  const chosen = [...document.querySelectorAll("#summary p")].map((one) => one.textContent?.trim());
  y = write(pen, chosen.join(" · "), { ...at, y, font: `15px ${FAMILY}`, high: 21 });
  if (said(".synthetic")) {
    y = write(pen, said(".synthetic"), { ...at, y, font: `700 15px ${FAMILY}`, high: 21 });
  }
  drawMap(pen, map, y + 6);
  y = drawLegend(pen, EDGE, y + high + 18, wide);
  pen.fillStyle = INK;
  for (const line of lines()) {
    y = write(pen, line, { ...at, y, font: `13px ${FAMILY}`, high: 18 });
  }
  return y + EDGE / 2;
}

/** Save the picture as a file. @param {any} map */
export async function savePicture(map) {
  await redraw(map, SHARP);
  const canvas = document.createElement("canvas");
  canvas.width = (map.getSize()[0] + 2 * EDGE) * SHARP;
  canvas.height = 1;
  canvas.height = compose(canvas, map) * SHARP;
  compose(canvas, map);
  redraw(map, devicePixelRatio);
  const bytes = await new Promise((resolve) => canvas.toBlob(resolve));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(/** @type {Blob} */ (bytes));
  link.download = `lagesbild-${byId("map").dataset.day}.png`;
  link.click();
  URL.revokeObjectURL(link.href);
}
