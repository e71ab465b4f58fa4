// @ts-check
// The first visit: four sentences about what the map can and cannot tell, once in each browser.
// A cookie remembers it, because signing out empties the browser's storage.

const SEEN = "lagesbild_valkommen=sedd";
const A_YEAR_S = 31536000;

const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("welcome"));
const again = /** @type {HTMLButtonElement} */ (document.getElementById("welcome-again"));

again.addEventListener("click", () => dialog.showModal());
again.hidden = false;
if (!document.cookie.split("; ").includes(SEEN)) {
  dialog.showModal();
  document.cookie = `${SEEN}; Max-Age=${A_YEAR_S}; Path=/; SameSite=Lax`;
}
