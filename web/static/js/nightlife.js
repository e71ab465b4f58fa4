// @ts-check
/** The map of weekend nights: the core, venues, blocks or points. The tables need no script. */

/* global ol */

import { fill as colour, stroke } from "./brush.js";
import { collection } from "./data.js";
import { guard } from "./address.js";
import { isPlace } from "./ground.js";
import { createLayers, fill } from "./layers.js";
import { areaSigns, showLegend } from "./legend.js";
import { createMap } from "./map.js";
import { classes, comparable } from "./scale.js";
import * as screen from "./screen.js";
import * as styles from "./styles.js";
import { begin, extentOf, layAreas } from "./task_map.js";
import { t } from "./texts.js";

const target = screen.byId("map");
/** @type {Record<string, any>} */
const data = JSON.parse(document.getElementById("map-data")?.textContent ?? "{}");
/** @type {import("./scale.js").Class[]} */
let scale = [];
const layers = createLayers({ classes: () => scale, chosen: () => "" });
const dot = new ol.style.Style({
  image: new ol.style.Circle({ radius: 6, fill: colour("#b0315c"), stroke: stroke("#ffffff", 1.5) }),
});
/** @param {any} style @param {number} zIndex */
const vector = (style, zIndex) => new ol.layer.Vector({ source: new ol.source.Vector(), style, zIndex });
const core = vector(styles.area, 3);
const points = vector(dot, 6);
const map = createMap(target, [...Object.values(layers), core, points]);
const system = map.getView().getProjection();

async function start() {
  screen.showBusy(true);
  const { focus } = await layAreas(layers, system);
  if (target.dataset.items === undefined) {
    exact();
  } else {
    await told(areaSigns(focus));
  }
  screen.showBusy(false);
}

/** Draw what an analyst sees: the core or the chosen area, and no other. */
function exact() {
  layers.areas.setVisible(false);
  fill(core, data.outlines, system);
  fill(layers.venues, data.venues, system);
  const blocks = data.cells ?? [];
  scale = classes(comparable(blocks));
  fill(layers.cells, blocks, system);
  fill(points, data.events ?? [], system);
  const [dots, bars] = [data.events?.length, data.venues.length];
  /** @type {import("./legend.js").Sign[]} */
  const signs = [
    ...areaSigns(data.outlines),
    ...(data.events ? [/** @type {const} */ (["sign-dot", t("nights-legend-points", { n: dots })])] : []),
    ...(bars ? [/** @type {const} */ (["sign-venue", t("nights-legend-venues", { n: bars })])] : []),
  ];
  showThem(blocks, t("nights-legend-blocks"), signs);
  begin([map], extentOf(core, layers.cells, points));
}

/** Draw what the release tells. @param {import("./legend.js").Sign[]} signs */
async function told(signs) {
  const found = await collection("release", Object.fromEntries(new URLSearchParams(target.dataset.items)));
  const coloured = found.filter(isPlace);
  scale = classes(comparable(coloured));
  fill(layers.cells, coloured, system);
  showThem(coloured, t("nights-legend-told"), signs);
  begin([map], extentOf(layers.cells), extentOf(layers.areas));
}

/** @param {import("./data.js").Feature[]} cells @param {string} title @param {import("./legend.js").Sign[]} signs */
const showThem = (cells, title, signs) =>
  showLegend(screen.byId("legend"), { classes: scale, cells, level: t("schools-legend-level"), title, signs });

guard(/** @type {HTMLFormElement} */ (screen.byId("choices")));
screen.run(start);
