// @ts-check
/** The button that puts a place into the action plan: what came of it stands where the button was. */

import { post } from "./data.js";
import { run } from "./screen.js";
import { element, t } from "./texts.js";

const SIGNED_OUT = 401;
/** Rows that the reader has put into the plan while this page is open, and the way to undo it. @type {Map<string, string>} */
const own = new Map();

/**
 * @param {Record<string, string>} fields what the card's place is, with the session's token
 * @param {string} href its row, where it stands in the plan already
 * @returns {HTMLElement}
 */
export function planned(fields, href) {
  const box = element("span", { class: "planned", role: "status" });
  href ? stands(box, fields, "there", href) : offer(box, fields);
  return box;
}

/** @param {HTMLElement} box @param {Record<string, string>} fields @param {string} [said] */
function offer(box, fields, said = "") {
  const add = button("button button-main", t("plan-add"), box, () => post("/plan", fields).then((answer) => tell(box, fields, answer)));
  box.replaceChildren(...(said ? [element("span", {}, said)] : []), add);
}

/** @param {HTMLElement} box @param {Record<string, string>} fields @param {any} answer */
function tell(box, fields, { outcome, href, undo }) {
  if (undo) {
    own.set(href, undo);
  }
  stands(box, fields, outcome, href).focus({ preventScroll: true });
}

/**
 * Say that the place stands in the plan.
 * @param {HTMLElement} box @param {Record<string, string>} fields @param {string} outcome @param {string} href
 */
function stands(box, fields, outcome, href) {
  const open = element("a", { href }, t(outcome === "added" ? "plan-in" : "plan-there"));
  const back = own.get(href);
  const take = back && button("tool", t("map-undo"), box, () => post(back, { csrf: fields.csrf }).then(({ text }) => {
    own.delete(href);
    offer(box, fields, text);
  }));
  box.replaceChildren(open, ...(take ? [take] : []));
  return open;
}

/**
 * Make a button that asks the server something, once at a time.
 * @param {string} name @param {string} text @param {HTMLElement} box @param {() => Promise<void>} ask
 */
function button(name, text, box, ask) {
  const made = element("button", { type: "button", class: name }, text);
  made.addEventListener("click", () => {
    /** @type {HTMLButtonElement} */ (made).disabled = true;
    ask().catch((fault) => {
      /** @type {HTMLButtonElement} */ (made).disabled = false;
      box.querySelector(".fault")?.remove();
      if (fault.status === SIGNED_OUT) {
        run(() => Promise.reject(fault)); // with the way back in
        return;
      }
      box.append(element("span", { class: "fault" }, fault.message));
    });
  });
  return made;
}
