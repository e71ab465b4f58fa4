// @ts-check
/** What the reader has chosen: one frozen object, mirrored in the URL. */

/**
 * @typedef {Readonly<{
 *   omrade: string, fonster: string, typ: string, period: string, detalj: string, rutor: string,
 *   kring: string, lager: string, lista: string, vald: string, vy: string,
 * }>} State
 */

/** What the analysts' map shows when a link says nothing. @type {State} */
export const EXACT = Object.freeze({
  omrade: "",
  fonster: "all",
  typ: "",
  period: "allt",
  detalj: "zone",
  rutor: "9",
  kring: "all",
  lager: "omraden,rutor,skolor",
  lista: "places",
  vald: "",
  vy: "",
});

/** What everybody else's map shows then; the server knows the defaults of what it counts. @type {State} */
export const TOLD = Object.freeze({
  ...EXACT, fonster: "", period: "", detalj: "", lager: "omraden,rutor", lista: "",
});

/** Choices that change what is counted; the others only change what is seen. */
export const QUESTIONS = /** @type {const} */ ([
  "omrade", "fonster", "typ", "period", "detalj", "rutor", "kring",
]);

/**
 * Read a state from the query part of a URL; what is not known is left at its default.
 * @param {string} search
 * @param {State} defaults
 * @returns {State}
 */
function fromUrl(search, defaults) {
  const given = new URLSearchParams(search);
  const read = Object.entries(defaults).map(([name, otherwise]) => [name, given.get(name)?.slice(0, 200) ?? otherwise]);
  return Object.freeze(Object.fromEntries(read));
}

/**
 * Write a state as a URL; defaults are left out.
 * @param {State} state
 * @param {State} defaults
 */
function toUrl(state, defaults) {
  const differing = Object.entries(state).filter(
    ([name, value]) => value !== defaults[/** @type {keyof State} */ (name)],
  );
  const text = new URLSearchParams(differing).toString();
  return text ? `?${text}` : location.pathname;
}

/**
 * Hold the state, the URL and everybody who listens together.
 * @param {State} defaults
 * @param {(state: State, before: State) => void} changed
 */
export function createStore(defaults, changed) {
  let state = fromUrl(location.search, defaults);
  addEventListener("popstate", () => {
    const before = state;
    state = fromUrl(location.search, defaults);
    changed(state, before);
  });
  return {
    get: () => state,
    /**
     * Change some choices. A new question or another place is a step that the back button undoes.
     * @param {Partial<State>} patch
     */
    set(patch) {
      const before = state;
      state = Object.freeze({ ...state, ...patch });
      const step = [...QUESTIONS, /** @type {const} */ ("vald")].some((name) => state[name] !== before[name]);
      history[step ? "pushState" : "replaceState"](null, "", toUrl(state, defaults));
      changed(state, before);
      dispatchEvent(new Event("lagesbild:state"));
    },
  };
}
