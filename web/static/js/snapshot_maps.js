// @ts-check
/** Draws the maps that are seen on a picture: ground, scale, north, and what they are called. */

import { INK } from "./brush.js";
import { SHARP } from "./sharp.js";

export const FAMILY = '"Source Sans 3 Variable", "Segoe UI", "Noto Sans", sans-serif';

/**
 * Write words in as many lines as they need.
 * @param {CanvasRenderingContext2D} pen
 * @param {string} text
 * @param {{x: number, y: number, width: number, font: string, high: number}} at
 * @returns {number} where the next line begins
 */
export function write(pen, text, { x, y, width, font, high }) {
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

/** The room that maps and their titles take on the screen. @param {any[]} maps */
export function room(maps) {
  const boxes = maps.flatMap((map) => {
    const target = map.getTargetElement();
    return [target, target.closest("figure") ?? target].map((one) => one.getBoundingClientRect());
  });
  const side = (/** @type {"left" | "top" | "right" | "bottom"} */ name) => boxes.map((box) => box[name]);
  const [left, top] = [Math.min(...side("left")), Math.min(...side("top"))];
  return { left, top, width: Math.max(...side("right")) - left, height: Math.max(...side("bottom")) - top };
}

/**
 * Lay the maps as they lie on the screen, with their titles.
 * @param {CanvasRenderingContext2D} pen
 * @param {any[]} maps
 * @param {number} x
 * @param {number} y
 */
export function drawMaps(pen, maps, x, y) {
  const { left, top } = room(maps);
  for (const map of maps) {
    const box = map.getTargetElement().getBoundingClientRect();
    const title = map.getTargetElement().closest("figure")?.querySelector("figcaption");
    drawMap(pen, map, x + box.left - left, y + box.top - top);
    if (title) {
      const { left: from, width, top: above } = title.getBoundingClientRect();
      const aside = getComputedStyle(title).textAlign === "right" ? width - pen.measureText(title.textContent).width : 0;
      write(pen, title.textContent, { x: x + from - left + aside, y: y + above - top, width, font: `700 15px ${FAMILY}`, high: 21 });
    }
  }
}

/**
 * Lay a map's canvases on each other, as far as it is seen.
 * @param {CanvasRenderingContext2D} pen
 * @param {any} map
 * @param {number} left
 * @param {number} top
 */
function drawMap(pen, map, left, top) {
  const [width, height] = map.getSize();
  const cut = /inset\(0px 0px 0px ([\d.]+)%\)/.exec(getComputedStyle(map.getTargetElement()).clipPath);
  const hidden = (width * Number(cut?.[1] ?? 0)) / 100;
  pen.save();
  pen.beginPath();
  pen.rect(left + hidden, top, width - hidden, height);
  pen.clip();
  pen.fillStyle = "#e6e9e4";
  pen.fillRect(left, top, width, height);
  const from = pen.getTransform().translate(left, top);
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
  pen.strokeRect(left + hidden, top, width - hidden, height);
  const bar = map.getTargetElement().querySelector(".ol-scale-line-inner");
  drawScale(pen, bar, left + width - 14, top + height - 14);
  drawNorth(pen, left + width - 28, top + 16);
}

/** The very scale bar of the screen. @param {CanvasRenderingContext2D} pen @param {HTMLElement} bar @param {number} right @param {number} bottom */
function drawScale(pen, bar, right, bottom) {
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
