// @ts-check
/** Choosing hours in the matrix: by pointer and by keyboard, one or a range with shift. */

const DAY = 24;
const DAYS = 7;
const PATIENCE_MS = 350; // after the last key of a range
/** @type {Readonly<Record<string, readonly [number, number]>>} days, hours */
const STEPS = Object.freeze({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] });

let anchor = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let waiting;

const cells = () => /** @type {HTMLElement[]} */ ([...document.querySelectorAll("#matrix td")]);
/** @param {number} hour */
const cellOf = (hour) => cells().find((cell) => Number(cell.dataset.hour) === hour);
const lit = () => cells().filter((cell) => cell.classList.contains("lit")).map((cell) => Number(cell.dataset.hour));

/** Make the matrix a grid that one key steps into; without scripts it is a plain table. */
export function dress() {
  const table = document.getElementById("matrix");
  table?.setAttribute("role", "grid");
  table?.setAttribute("aria-multiselectable", "true");
  for (const cell of cells()) {
    cell.tabIndex = Number(cell.dataset.hour) === anchor ? 0 : -1;
    cell.setAttribute("aria-selected", String(cell.classList.contains("lit")));
    cell.setAttribute("aria-label", cell.title);
  }
}

/**
 * @param {HTMLElement} live what holds the matrix, now and later
 * @param {(hours: string) => void} choose gets the chosen hours as links write them, none for all
 */
export function listen(live, choose) {
  live.addEventListener("mousedown", (event) => {
    if (event.shiftKey && hourOf(event) !== undefined) {
      event.preventDefault(); // no text is marked
    }
  });
  live.addEventListener("click", (event) => {
    const hour = hourOf(event);
    if (hour === undefined) {
      return;
    }
    const again = !event.shiftKey && lit().join() === String(hour);
    const from = event.shiftKey ? anchor : hour;
    step(hour, event.shiftKey);
    choose(again ? "" : written(between(from, hour)));
  });
  live.addEventListener("keydown", (event) => {
    const hour = hourOf(event);
    if (hour !== undefined) {
      press(event, hour, choose);
    }
  });
}

/** @param {Event} event */
function hourOf(event) {
  const cell = /** @type {HTMLElement} */ (event.target).closest("#matrix td");
  return cell ? Number(/** @type {HTMLElement} */ (cell).dataset.hour) : undefined;
}

/**
 * @param {KeyboardEvent} event
 * @param {number} hour
 * @param {(hours: string) => void} choose
 */
function press(event, hour, choose) {
  const move = STEPS[event.key];
  if (move) {
    const day = Math.min(DAYS - 1, Math.max(0, Math.floor(hour / DAY) + move[0]));
    const next = day * DAY + Math.min(DAY - 1, Math.max(0, (hour % DAY) + move[1]));
    step(next, event.shiftKey);
    if (event.shiftKey) {
      const hours = between(anchor, next);
      for (const cell of cells()) {
        cell.classList.toggle("lit", hours.includes(Number(cell.dataset.hour)));
      }
      clearTimeout(waiting);
      waiting = setTimeout(() => choose(written(hours)), PATIENCE_MS);
    }
  } else if (event.key === "Enter" || event.key === " ") {
    anchor = hour;
    choose(lit().join() === String(hour) ? "" : String(hour));
  } else if (event.key === "Escape") {
    choose("");
  } else {
    return;
  }
  event.preventDefault();
}

/** @param {number} hour to go to @param {boolean} ranging whether the range's beginning stays */
function step(hour, ranging) {
  if (!ranging) {
    anchor = hour;
  }
  for (const cell of cells()) {
    cell.tabIndex = Number(cell.dataset.hour) === hour ? 0 : -1;
  }
  cellOf(hour)?.focus();
}

/** All hours of the rectangle between two. @param {number} one @param {number} other @returns {number[]} */
function between(one, other) {
  const days = [Math.floor(one / DAY), Math.floor(other / DAY)].sort((a, b) => a - b);
  const hours = [one % DAY, other % DAY].sort((a, b) => a - b);
  return cells().map((cell) => Number(cell.dataset.hour)).filter((hour) => {
    const [day, of] = [Math.floor(hour / DAY), hour % DAY];
    return day >= days[0] && day <= days[1] && of >= hours[0] && of <= hours[1];
  });
}

/** Write hours as links do: 118-122,142. @param {number[]} hours */
function written(hours) {
  /** @type {[number, number][]} */
  const runs = [];
  for (const hour of [...hours].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last && hour === last[1] + 1) {
      last[1] = hour;
    } else {
      runs.push([hour, hour]);
    }
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}
