// @ts-check
/** Draws the page's own legend on a picture: the very colours, lines and words that are on the screen. */

import { FAMILY } from "./snapshot_maps.js";
import { INK } from "./brush.js";

const LINE = 24;
/** @type {Record<string, number[]>} */
const DASHES = { dashed: [4, 3], dotted: [1, 3] };

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} left
 * @param {number} top
 * @param {number} width
 * @returns {number} where it ends
 */
export function drawLegend(pen, left, top, width) {
  let y = top;
  for (const group of document.querySelectorAll("#legend > div, #legend > p")) {
    let x = left;
    pen.font = `700 14px ${FAMILY}`;
    pen.fillStyle = INK;
    x = word(pen, group.querySelector("h2")?.textContent ?? "", x, y) + 14;
    pen.font = `14px ${FAMILY}`;
    for (const item of group.matches("p") ? [group] : group.querySelectorAll("li")) {
      const words = [...item.children].slice(1).map((one) => one.textContent).join(" ");
      const text = words || item.textContent?.trim() || "";
      if (x + 26 + pen.measureText(text).width > left + width) {
        x = left;
        y += LINE;
      }
      const sign = /** @type {HTMLElement | null} */ (item.firstElementChild);
      if (sign) {
        swatch(pen, sign, x, y);
      }
      pen.fillStyle = INK;
      x = word(pen, text, x + 26, y) + 16;
    }
    y += LINE;
  }
  return y + 6;
}

/** @param {CanvasRenderingContext2D} pen @param {string} text @param {number} x @param {number} y */
function word(pen, text, x, y) {
  pen.fillText(text, x, y + 13);
  return x + pen.measureText(text).width;
}

/** @param {CanvasRenderingContext2D} pen @param {HTMLElement} sign @param {number} x @param {number} y */
function swatch(pen, sign, x, y) {
  const look = getComputedStyle(sign);
  pen.save();
  pen.fillStyle = look.backgroundColor;
  pen.strokeStyle = look.borderTopColor;
  const wide = look.borderTopStyle === "none" ? 0 : parseFloat(look.borderTopWidth);
  pen.lineWidth = wide || 1;
  pen.setLineDash(DASHES[look.borderTopStyle] ?? []);
  const shape = new Path2D(path(sign.className, x, y));
  pen.fill(shape);
  if (wide) {
    pen.stroke(shape);
  }
  if (look.borderTopStyle === "double") {
    pen.strokeStyle = "#ffffff";
    pen.lineWidth = wide / 3;
    pen.stroke(shape);
  }
  pen.restore();
}

/** @param {string} kind @param {number} x @param {number} y */
function path(kind, x, y) {
  if (kind.includes("observation")) {
    return `M${x + 9} ${y - 1}l9 9l-9 9l-9 -9z`;
  }
  if (kind.includes("venue")) {
    return `M${x + 9} ${y}l9 16h-18z`;
  }
  return `M${x} ${y}h18v16h-18z`;
}
