// @ts-check
/** The form of choices: folded away on a narrow screen, and always as the page's address asks. */

const form = /** @type {HTMLFormElement | null} */ (document.querySelector("form#choices"));
const box = /** @type {HTMLDetailsElement | null} */ (document.getElementById("choices-box"));
const narrow = matchMedia("(max-width: 760px)");

/** The answer comes first where there is no room for both. */
function fold() {
  if (box) box.open = !narrow.matches;
}

narrow.addEventListener("change", fold);
fold();
// A page that a browser brings back as it was left.
addEventListener("pageshow", (event) => event.persisted && form?.reset());
