// @ts-check
/** What the reader has chosen: one frozen object, mirrored in the URL. */

/**
 * @typedef {Readonly<{
 *   omrade: string, fonster: string, typ: string, period: string, rutor: string, kring: string,
 *   lager: string, lista: string, vald: string, vy: string,
 * }>} State
 */

/** @type {State} */
export const DEFAULTS = Object.freeze({
  omrade: "",
  fonster: "all",
  typ: "",
  period: "allt",
  rutor: "9",
  kring: "all",
  lager: "omraden,rutor,kluster,skolor",
  lista: "cells",
  vald: "",
  vy: "",
});

/** Choices that change what is counted; the others only change what is seen. */
export const QUESTIONS = /** @type {const} */ ([
  "omrade", "fonster", "typ", "period", "rutor", "kring",
]);

/**
 * Read a state from the query part of a URL; what is not known is left at its default.
 * @param {string} search
 * @returns {State}
 */
export function fromUrl(search) {
  const given = new URLSearchParams(search);
  const read = Object.keys(DEFAULTS).map((name) => {
    const value = given.get(name);
    return [name, value === null ? DEFAULTS[/** @type {keyof State} */ (name)] : value.slice(0, 200)];
  });
  return Object.freeze(Object.fromEntries(read));
}

/**
 * Write a state as the query part of a URL; defaults are left out.
 * @param {State} state
 */
export function toUrl(state) {
  const differing = Object.entries(state).filter(
    ([name, value]) => value !== DEFAULTS[/** @type {keyof State} */ (name)],
  );
  const text = new URLSearchParams(differing).toString();
  return text ? `?${text}` : location.pathname;
}

/**
 * Hold the state, the URL and everybody who listens together.
 * @param {(state: State, before: State) => void} changed
 */
export function createStore(changed) {
  let state = fromUrl(location.search);
  addEventListener("popstate", () => {
    const before = state;
    state = fromUrl(location.search);
    changed(state, before);
  });
  return {
    get: () => state,
    /**
     * Change some choices. A new question is a step that the back button undoes.
     * @param {Partial<State>} patch
     */
    set(patch) {
      const before = state;
      state = Object.freeze({ ...state, ...patch });
      const step = QUESTIONS.some((name) => state[name] !== before[name]);
      history[step ? "pushState" : "replaceState"](null, "", toUrl(state));
      changed(state, before);
    },
  };
}
