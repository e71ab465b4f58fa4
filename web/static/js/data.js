// @ts-check
/** Fetches collections from our own OGC API, page by page. */

/** @typedef {{type: "Feature", id: string | number, geometry: any, properties: any}} Feature */

/** An answer that is not what was asked for; its message is a sentence for the reader. */
export class Refusal extends Error {
  /**
   * @param {string} message
   * @param {number} status
   */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/**
 * Read all features of a collection.
 * @param {string} id
 * @param {Record<string, string>} filters empty ones are left out
 * @param {AbortSignal} [signal]
 * @returns {Promise<Feature[]>}
 */
export async function collection(id, filters = {}, signal) {
  const asked = new URLSearchParams({ limit: "10000" });
  for (const [name, value] of Object.entries(filters)) {
    if (value) {
      asked.set(name, value);
    }
  }
  const features = [];
  let next = `/ogc/collections/${id}/items?${asked}`;
  while (next) {
    const page = await json(next, signal);
    features.push(...page.features);
    next = following(page.links);
  }
  return features;
}

/**
 * Read the names that stand in for a background map.
 * @returns {Promise<{name: string, kind: string, lon: number, lat: number}[]>}
 */
export async function placeNames() {
  return (await json("/karta/platser")).places;
}

/**
 * @param {{rel: string, href: string}[]} links
 * @returns {string} path of the next page on this very host, or nothing
 */
function following(links) {
  const link = links.find((one) => one.rel === "next");
  if (!link) {
    return "";
  }
  const { pathname, search } = new URL(link.href, location.href);
  return pathname + search;
}

/**
 * @param {string} path
 * @param {AbortSignal} [signal]
 */
async function json(path, signal) {
  const answer = await fetch(path, { signal, headers: { Accept: "application/json" } }).catch(
    (fault) => {
      if (fault.name === "AbortError") {
        throw fault;
      }
      throw new Refusal("Servern svarar inte. Kontrollera nätet och försök igen.", 0);
    },
  );
  if (answer.status === 401) {
    throw new Refusal("Du har loggats ut.", 401);
  }
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Refusal(problem.detail ?? "Servern kunde inte svara.", answer.status);
  }
  return answer.json();
}
