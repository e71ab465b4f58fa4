// @ts-check
/** Fetches from our own server: collections of the OGC API page by page, lists and cards; sends forms. */

import { t } from "./texts.js";

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
  const features = [];
  let next = `/ogc/collections/${id}/items?${query({ limit: "10000", ...filters })}`;
  while (next) {
    const page = await json(next, signal);
    features.push(...page.features);
    next = following(page.links);
  }
  return features;
}

/**
 * Read a collection whole, or learn that it holds more than a browser should hold.
 * @param {string} id
 * @param {Record<string, string>} filters
 * @param {number} most features
 * @param {AbortSignal} [signal]
 * @returns {Promise<Feature[] | null>} nothing when there are more
 */
export async function upTo(id, filters, most, signal) {
  const page = await json(`/ogc/collections/${id}/items?${query({ limit: String(most), ...filters })}`, signal);
  return page.numberMatched > most ? null : page.features;
}

/** Write filters as a query; empty ones are left out. @param {Record<string, string>} filters */
export function query(filters) {
  return new URLSearchParams(Object.entries(filters).filter(([, value]) => value)).toString();
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
 * Ask for an answer in JSON.
 * @param {string} path
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function json(path, signal) {
  return (await checked(ask(path, { signal }))).json();
}

/**
 * Ask for a page as a browser does.
 * @param {string} path
 * @param {AbortSignal} [signal]
 */
export async function page(path, signal) {
  const answer = await checked(ask(path, { signal }, "text/html"));
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

/** Learn that the server answers, before a page that works is left for it. */
export async function reach() {
  await ask("/favicon.ico", { cache: "no-store", redirect: "manual" });
}

/**
 * Send a form; the answer says in words how it went.
 * @param {string} path
 * @param {Record<string, string>} fields
 * @returns {Promise<any>}
 */
export async function post(path, fields) {
  return (await checked(ask(path, { method: "POST", body: new URLSearchParams(fields) }))).json();
}

/** @param {string} path @param {RequestInit} options @param {string} [kind] */
function ask(path, options, kind = "application/json") {
  return fetch(path, { ...options, headers: { Accept: kind } }).catch((fault) => {
    if (fault.name === "AbortError") {
      throw fault;
    }
    throw new Refusal(t("data-no-answer"), 0);
  });
}

/** @param {Promise<Response>} asked */
async function checked(asked) {
  const answer = await asked;
  if (answer.status === 401) {
    throw new Refusal(t("data-signed-out"), 401);
  }
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Refusal(problem.detail ?? t("data-refused"), answer.status);
  }
  return answer;
}
