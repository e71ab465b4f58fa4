// @ts-check
/** Says where a point is in words: its area and the nearest known name. */

import { distance } from "./texts.js";

const NEAR_M = 250; // a name this close stands for the place itself
const FAR_M = 6000;
const DIRECTIONS = ["norr", "nordost", "öster", "sydost", "söder", "sydväst", "väster", "nordväst"];

/** @typedef {{name: string, kind: string, lon: number, lat: number}} Place */

/**
 * Drop what a register adds to a name and a reader does not need.
 * @param {string} name
 */
export const plain = (name) => name.replace(/^Hållplats /, "");

/**
 * Make a function that describes points.
 * @param {readonly Place[]} places
 * @param {readonly {name: string, kind: string, holds: (lon: number, lat: number) => boolean}[]} areas
 */
export function describer(places, areas) {
  const landmarks = places.filter((place) => place.kind !== "centroid");
  const named = areas.filter((area) => area.kind !== "municipality");
  return (/** @type {number} */ lon, /** @type {number} */ lat, near_m = NEAR_M) => {
    const inside = named.find((area) => area.holds(lon, lat));
    const near = beside(landmarks, lon, lat, near_m) ?? beside(places, lon, lat, near_m);
    if (inside && near) {
      return `${inside.name}, ${near}`;
    }
    return capital(inside?.name ?? near ?? `${lat.toFixed(3)} N, ${lon.toFixed(3)} O`);
  };
}

/**
 * Leave out the area when everything lies in it anyway.
 * @param {(lon: number, lat: number, near_m?: number) => string} describe
 * @param {string} area empty leaves nothing out
 */
export function within(describe, area) {
  return (/** @type {number} */ lon, /** @type {number} */ lat, near_m = NEAR_M) =>
    capital(describe(lon, lat, near_m).replace(area && `${area}, `, ""));
}

/** @param {string} words */
const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);

/**
 * @param {readonly Place[]} places
 * @param {number} lon
 * @param {number} lat
 * @param {number} near_m
 */
function beside(places, lon, lat, near_m) {
  const [best] = places
    .map((place) => ({ name: plain(place.name), ...offset(place, lon, lat) }))
    .sort((a, b) => a.metres - b.metres);
  if (!best || best.metres > FAR_M) {
    return undefined;
  }
  const { name, metres, direction } = best;
  return metres <= near_m ? `vid ${name}` : `${distance(metres)} ${direction} om ${name}`;
}

/**
 * Tell how far and in which direction a point lies from a place; a plane is good enough here.
 * @param {Place} place
 * @param {number} lon
 * @param {number} lat
 */
function offset(place, lon, lat) {
  const north = (lat - place.lat) * 111_320;
  const east = (lon - place.lon) * 111_320 * Math.cos((lat * Math.PI) / 180);
  const eighth = Math.round((Math.atan2(east, north) / Math.PI) * 4 + 8) % 8;
  return { metres: Math.hypot(north, east), direction: DIRECTIONS[eighth] };
}
