// @ts-check
/** Of several questions asked in a row only the newest counts. */

/**
 * Make what hands out signals: each new one gives up the one before.
 * Whoever asks checks it after the last answer, before anything is shown.
 * @returns {() => AbortSignal}
 */
export function latestOnly() {
  let asking = new AbortController();
  return () => {
    asking.abort();
    asking = new AbortController();
    return asking.signal;
  };
}
