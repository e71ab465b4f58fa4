"""One piece of work, one way of doing it, in a process of its own; `run.py` puts them together.

    python -m benchmarks.kernels dbscan-50 ours

Prints the median seconds of some runs after a first one, the memory that came on top of the data,
and a few numbers by which the ways can be compared. Linux only: it resets the peak memory.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import shapely

from benchmarks import city, setting

if TYPE_CHECKING:
    from collections.abc import Callable

    Numbers = dict[str, float]
    Work = Callable[[], Numbers]

MILLION: Final = 1_000_000
RUNS: Final = 3
PATIENCE_S: Final = 20.0  # what takes longer is run once
METRIC_EPSG: Final = 3006
AREA_CELLS: Final = 100_000
LAYER_CELLS: Final = 50_000
TILE_CELLS: Final = 20_000
TIMEZONE: Final = "Europe/Stockholm"
HEAT_PIXEL_M: Final = 50.0
CHECKED_PIXELS: Final = 400
MIDDLE: Final = (16.51, 59.37)


class Row(NamedTuple):
    """One piece of work: what it is called, and its ways."""

    title: str
    ways: dict[str, Callable[[], Work]]  # each prepares its data and gives the work


# --- DBSCAN -------------------------------------------------------------------------------------


def _labels(labels: np.ndarray) -> Numbers:
    return {"clusters": int(labels.max()) + 1, "noise": int((labels < 0).sum())}


def dbscan_ours(eps_m: float, min_samples: int, rows: int) -> Work:
    from geo import clusters
    from pipelines.warm import warm

    x, y = city.points(rows)
    events = np.ones(rows, dtype=np.int64)
    density = clusters.Density(eps_m, min_samples)
    warm()
    return lambda: _labels(clusters.dbscan(x, y, events, density))


def dbscan_collapsed(eps_m: float, min_samples: int, rows: int) -> Work:
    from sklearn.cluster import DBSCAN

    xy = np.column_stack(city.points(rows))

    def work() -> Numbers:
        places, inverse, events = np.unique(xy, axis=0, return_inverse=True, return_counts=True)
        model = DBSCAN(eps=eps_m, min_samples=min_samples).fit(places, sample_weight=events)
        return _labels(model.labels_[inverse.ravel()])

    return work


def dbscan_raw(eps_m: float, min_samples: int, rows: int) -> Work:
    from sklearn.cluster import DBSCAN

    xy = np.column_stack(city.points(rows))
    model = DBSCAN(eps=eps_m, min_samples=min_samples)
    return lambda: _labels(model.fit(xy).labels_)


def dbscan_sigmod(eps_m: float, min_samples: int, rows: int) -> Work:
    from dbscan import DBSCAN

    xy = np.column_stack(city.points(rows))

    def work() -> Numbers:
        labels, _ = DBSCAN(xy, eps=eps_m, min_samples=min_samples)
        return _labels(labels)

    return work


# --- Gi* ----------------------------------------------------------------------------------------


def _domain() -> tuple[np.ndarray, np.ndarray]:
    """Give a hundred thousand resolution-10 cells, and counts on them."""
    import h3.api.basic_int as h3

    k = 0
    while 3 * k * (k + 1) + 1 < AREA_CELLS:
        k += 1
    disk = np.sort(h3.grid_disk(h3.latlng_to_cell(MIDDLE[1], MIDDLE[0], 10), k))[:AREA_CELLS]
    random = np.random.default_rng(1)
    return disk.astype(np.int64), random.poisson(random.gamma(0.2, 5, disk.size)).astype(float)


def _scores(z: np.ndarray) -> Numbers:
    return {"highest": float(z.max()), "sum": float(np.abs(z).sum())}


def gi_ours() -> Work:
    from geo import gistar, lattice

    cells, counts = _domain()
    return lambda: _scores(gistar.gi_star(counts, lattice.neighbours(cells)).z)


def gi_ours_cached() -> Work:
    from geo import gistar, lattice

    cells, counts = _domain()
    neighbours = lattice.neighbours(cells)
    return lambda: _scores(gistar.gi_star(counts, neighbours).z)


def gi_esda() -> Work:
    import h3.api.basic_int as h3
    from esda.getisord import G_Local
    from libpysal.weights import W

    cells, counts = _domain()
    known = set(cells.tolist())
    ring = {c: [o for o in h3.grid_ring(c, 1) if o in known] for c in cells.tolist()}

    def weights() -> W:  # esda changes what it is given
        return W(ring, silence_warnings=True, id_order=cells.tolist())

    return lambda: _scores(G_Local(counts, weights(), "B", 0, star=True).Zs)


# --- heat ---------------------------------------------------------------------------------------


def _heat_grid() -> tuple[int, int]:
    return 740, 640


def _exact(places: tuple[np.ndarray, np.ndarray, np.ndarray], at: np.ndarray) -> np.ndarray:
    """Sum the Gaussian over all places for some pixels: the truth."""
    x, y, events = places
    columns, _ = _heat_grid()
    px = setting.WEST_M + (at % columns + 0.5) * HEAT_PIXEL_M
    py = setting.SOUTH_M + (at // columns + 0.5) * HEAT_PIXEL_M
    h2 = 2 * setting.BANDWIDTH_M**2
    rows = [
        (np.exp(-((x - a) ** 2 + (y - b) ** 2) / h2) * events).sum()
        for a, b in zip(px, py, strict=True)
    ]
    return np.array(rows) / (np.pi * h2)


def _error(density: np.ndarray, places: tuple[np.ndarray, np.ndarray, np.ndarray]) -> Numbers:
    flat = density.ravel()
    random = np.random.default_rng(2)
    at = np.concatenate(
        [np.argsort(flat)[-CHECKED_PIXELS // 2 :], random.integers(0, flat.size, CHECKED_PIXELS)]
    )
    truth = _exact(places, at)
    return {"error": float(np.abs(flat[at] - truth).max() / truth.max())}


def _weighted() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from geo import places

    found = places.collapse(*city.points(MILLION))
    return found.x_m, found.y_m, found.points.astype(float)


def heat_ours() -> Work:
    from geo import heat, kde

    x, y, events = _weighted()
    columns, rows = _heat_grid()
    grid = heat.Grid(setting.WEST_M, setting.SOUTH_M, HEAT_PIXEL_M, columns, rows)
    kernel = kde.GaussianHeat(setting.BANDWIDTH_M)
    return _checked(lambda: heat.heat_raster((x, y), events, kernel, grid).density, (x, y, events))


def heat_ours_quartic() -> Work:
    from geo import heat, kde

    x, y, events = _weighted()
    columns, rows = _heat_grid()
    grid = heat.Grid(setting.WEST_M, setting.SOUTH_M, HEAT_PIXEL_M, columns, rows)
    kernel = kde.QuarticHeat(2 * setting.BANDWIDTH_M)
    return lambda: {"peak": float(heat.heat_raster((x, y), events, kernel, grid).density.max())}


def heat_kdepy() -> Work:
    from KDEpy import FFTKDE

    x, y, events = _weighted()
    columns, rows = _heat_grid()
    px = setting.WEST_M + (np.arange(columns) + 0.5) * HEAT_PIXEL_M
    py = setting.SOUTH_M + (np.arange(rows) + 0.5) * HEAT_PIXEL_M
    pixels = np.column_stack([axis.ravel() for axis in np.meshgrid(px, py, indexing="ij")])
    inside = (x > px[0]) & (x < px[-1]) & (y > py[0]) & (y < py[-1])
    xy, held = np.column_stack([x, y])[inside], events[inside]

    def density() -> np.ndarray:
        model = FFTKDE(kernel="gaussian", bw=setting.BANDWIDTH_M).fit(xy, weights=held)
        return (model.evaluate(pixels) * held.sum()).reshape(columns, rows).T

    return _checked(density, (x, y, events))


def heat_kdepy_raw() -> Work:
    """KDEpy on a million points, as its users call it."""
    from KDEpy import FFTKDE

    x, y = city.points(MILLION)
    columns, rows = _heat_grid()
    px = setting.WEST_M + (np.arange(columns) + 0.5) * HEAT_PIXEL_M
    py = setting.SOUTH_M + (np.arange(rows) + 0.5) * HEAT_PIXEL_M
    pixels = np.column_stack([axis.ravel() for axis in np.meshgrid(px, py, indexing="ij")])
    inside = (x > px[0]) & (x < px[-1]) & (y > py[0]) & (y < py[-1])
    xy = np.column_stack([x, y])[inside]
    model = FFTKDE(kernel="gaussian", bw=setting.BANDWIDTH_M)
    return lambda: {"peak": float(model.fit(xy).evaluate(pixels).max() * len(xy))}


def _checked(
    density: Callable[[], np.ndarray], places: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> Work:
    """Check the error once, outside of what is timed."""
    numbers: Numbers = {}

    def work() -> Numbers:
        found = density()
        if not numbers:
            numbers.update(_error(found, places))
        return numbers

    return work


# --- H3, time, areas ----------------------------------------------------------------------------


def _cells(found: np.ndarray) -> Numbers:
    return {"cells": len(np.unique(found)), "sum": int(found.astype(np.uint64).sum() >> 12)}


def index_ours() -> Work:
    from geo import cells

    lon, lat = city.degrees(*city.points(MILLION))
    return lambda: _cells(cells.index(lon, lat))


def index_h3() -> Work:
    import h3

    lon, lat = city.degrees(*city.points(MILLION))

    def work() -> Numbers:
        found = [h3.latlng_to_cell(y, x, 11) for y, x in zip(lat, lon, strict=True)]
        return _cells(np.array([h3.str_to_int(c) for c in set(found)], dtype=np.int64))

    return work


def index_h3_integers() -> Work:
    import h3.api.basic_int as h3

    lon, lat = city.degrees(*city.points(MILLION))
    return lambda: _cells(
        np.array(
            [h3.latlng_to_cell(y, x, 11) for y, x in zip(lat.tolist(), lon.tolist(), strict=True)]
        )
    )


def _instants() -> np.ndarray:
    local = city.times(MILLION)
    return local - np.timedelta64(3600, "s")


def night_ours() -> Work:
    from datetime import date

    from geo import windows

    instants = _instants()
    night = windows.WeeklyWindow(
        "helgnatt", "", (windows.Span(5, 1380, 240), windows.Span(6, 1380, 240))
    )

    def work() -> Numbers:
        opening = windows.occurrences(night, (date(2022, 12, 31), date(2026, 1, 2)), TIMEZONE)
        return {"inside": int(opening.holds(instants).sum())}

    return work


def night_pandas() -> Work:
    import pandas as pd

    series = pd.Series(_instants()).dt.tz_localize("UTC")

    def work() -> Numbers:
        local = series.dt.tz_convert(TIMEZONE)
        day, hour = local.dt.weekday, local.dt.hour
        late = (hour == 23) & day.isin([4, 5])  # noqa: PLR2004 - Friday, Saturday 23
        early = (hour < 4) & day.isin([5, 6])  # noqa: PLR2004 - until 04 the next day
        return {"inside": int((late | early).sum())}

    return work


def areas_ours() -> Work:
    from geo import areas, crs, places

    x, y = city.points(MILLION)
    schools = np.column_stack(crs.transform(*city.facilities().T, crs.WGS84, METRIC_EPSG))
    outlines = [
        shapely.transform(
            outline, lambda xy: np.column_stack(crs.transform(*xy.T, crs.WGS84, METRIC_EPSG))
        )
        for outline in city.outlines()[1]
    ]
    places.collapse(x[:100], y[:100])

    def work() -> Numbers:
        at = places.collapse(x, y)
        inside = areas.locate(at.x_m, at.y_m, outlines) >= 0
        near = areas.within_m(at.x_m, at.y_m, schools, setting.RING_M)
        return {"inside": int(at.points[inside].sum()), "near": int(at.points[near.point].sum())}

    return work


def areas_geopandas() -> Work:
    import geopandas as gpd

    x, y = city.points(MILLION)
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y), crs=setting.METRES)
    outlines = gpd.GeoDataFrame(geometry=city.outlines()[1], crs=setting.DEGREES)
    schools = gpd.GeoDataFrame(
        geometry=gpd.points_from_xy(*city.facilities().T), crs=setting.DEGREES
    ).to_crs(setting.METRES)
    in_metres = outlines.to_crs(setting.METRES)

    def work() -> Numbers:
        rings = schools.set_geometry(schools.buffer(setting.RING_M))
        inside = points.sjoin(in_metres, predicate="within")
        near = points.sjoin(rings, predicate="within")
        return {"inside": len(inside), "near": len(near)}

    return work


# --- output -------------------------------------------------------------------------------------


def _layer(n: int, resolution: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    import h3.api.basic_int as h3

    k = 0
    while 3 * k * (k + 1) + 1 < n:
        k += 1
    middle = h3.latlng_to_cell(MIDDLE[1], MIDDLE[0], resolution)
    found = np.sort(h3.grid_disk(middle, k))[:n].astype(np.int64)
    random = np.random.default_rng(3)
    values = {"n": random.integers(0, 90, n), "z": random.normal(0, 2, n).round(3)}
    return found, values


def geojson_ours() -> Work:
    from geo import hexagons

    cells, values = _layer(LAYER_CELLS, 10)
    return lambda: {"mb": round(len(hexagons.feature_collection(cells, values)) / 1e6, 1)}


def geojson_geopandas() -> Work:
    import geopandas as gpd

    from geo import cells as grid

    cells, values = _layer(LAYER_CELLS, 10)
    frame = gpd.GeoDataFrame(
        {"cell": [grid.name(c) for c in cells.tolist()], **values},
        geometry=grid.polygons(cells),
        crs=setting.DEGREES,
    )
    return lambda: {"mb": round(len(frame.to_json()) / 1e6, 1)}


ZOOM: Final = 11


def _tile_of(lon: float, lat: float) -> tuple[int, int]:
    side = 2**ZOOM
    column = int((lon + 180) / 360 * side)
    row = int((1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2 * side)
    return column, row


def _cells_of_tile() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Give the cells that touch one tile, and their values."""
    from geo import cells as grid
    from geo import tiles

    cells, values = _layer(TILE_CELLS, 10)
    frame = tiles.WEB_MERCATOR_QUAD.frame(ZOOM, *_tile_of(*MIDDLE))
    x, y = tiles.web_mercator(*grid.middles(cells))
    held = (np.abs(x - frame.west - frame.size / 2) < frame.size / 2) & (
        np.abs(y - frame.north + frame.size / 2) < frame.size / 2
    )
    return cells[held], {name: column[held] for name, column in values.items()}


def _decoded(tile: bytes) -> Numbers:
    import mapbox_vector_tile

    layer = mapbox_vector_tile.decode(tile)["cells"]
    return {"features": len(layer["features"]), "kb": round(len(tile) / 1000)}


def tile_ours() -> Work:
    from geo import tiles

    cells, values = _cells_of_tile()
    frame = tiles.WEB_MERCATOR_QUAD.frame(ZOOM, *_tile_of(*MIDDLE))
    numbers: Numbers = {}

    def work() -> Numbers:
        shapes = tiles.of_cells(cells, tiles.web_mercator)
        tile = tiles.encode("cells", shapes, frame, values)
        numbers.update(numbers or _decoded(tile))
        return numbers

    return work


def tile_mapbox() -> Work:
    import mapbox_vector_tile

    from geo import cells as grid
    from geo import tiles

    cells, values = _cells_of_tile()
    frame = tiles.WEB_MERCATOR_QUAD.frame(ZOOM, *_tile_of(*MIDDLE))
    numbers: Numbers = {}

    def work() -> Numbers:
        shapes = shapely.transform(
            grid.polygons(cells), lambda xy: np.column_stack(tiles.web_mercator(*xy.T))
        )
        reach = frame.size * frame.buffer / frame.extent
        box = (
            frame.west - reach,
            frame.north - frame.size - reach,
            frame.west + frame.size + reach,
            frame.north + reach,
        )
        inside = np.flatnonzero(shapely.intersects(shapes, shapely.box(*box)))
        features = [
            {
                "geometry": shapes[i],
                "properties": {"n": int(values["n"][i]), "z": float(values["z"][i])},
            }
            for i in inside
        ]
        bounds = (frame.west, frame.north - frame.size, frame.west + frame.size, frame.north)
        tile = mapbox_vector_tile.encode(
            [{"name": "cells", "features": features}],
            default_options={"quantize_bounds": bounds},
        )
        numbers.update(numbers or _decoded(tile))
        return numbers

    return work


_DBSCAN = {"dbscan-50": (50.0, 5), "dbscan-100": (100.0, 10), "dbscan-150": (150.0, 20)}
_DBSCAN_WAYS = {
    "ours": dbscan_ours,
    "scikit-learn": dbscan_raw,
    "scikit-learn collapsed": dbscan_collapsed,
    "dbscan 1.0": dbscan_sigmod,
}
ROWS: Final[dict[str, Row]] = {
    **{
        f"{name}{suffix}": Row(
            f"DBSCAN, {rows:,} points, {eps:g} m / {least}",
            {way: partial(make, eps, least, rows) for way, make in _DBSCAN_WAYS.items()},
        )
        for name, (eps, least) in _DBSCAN.items()
        for suffix, rows in (("", MILLION), ("-100k", MILLION // 10))
    },
    "gi-star": Row(
        f"Gi*, {AREA_CELLS:,} cells",
        {"ours": gi_ours, "ours, neighbours kept": gi_ours_cached, "esda": gi_esda},
    ),
    "heat": Row(
        "heat, 1 M points, 740 x 640 pixels of 50 m",
        {
            "ours": heat_ours,
            "ours, quartic": heat_ours_quartic,
            "KDEpy on places": heat_kdepy,
            "KDEpy": heat_kdepy_raw,
        },
    ),
    "h3": Row(
        "H3 index at resolution 11, 1 M points",
        {"ours": index_ours, "h3-py": index_h3, "h3-py integers": index_h3_integers},
    ),
    "night": Row("weekend nights, 1 M instants", {"ours": night_ours, "pandas": night_pandas}),
    "areas": Row(
        "4 areas and 60 rings, 1 M points", {"ours": areas_ours, "geopandas": areas_geopandas}
    ),
    "geojson": Row(
        f"{LAYER_CELLS:,} hexagons to GeoJSON",
        {"ours": geojson_ours, "geopandas": geojson_geopandas},
    ),
    "tile": Row(
        "one vector tile of 8 k hexagons", {"ours": tile_ours, "mapbox-vector-tile": tile_mapbox}
    ),
}


def measured(work: Work) -> dict[str, object]:
    """Run once to warm up and to see the memory, then some more for the time."""
    before = setting.forget_peak()
    began = time.perf_counter()
    numbers = work()
    first = time.perf_counter() - began
    extra = setting.peak_mb() - before
    seconds = [first] if first > PATIENCE_S else []
    for _ in range(0 if seconds else RUNS):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return {"seconds": statistics.median(seconds), "extra_mb": extra, "numbers": numbers}


def main() -> None:
    """Measure one way of one row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("row", choices=ROWS)
    parser.add_argument("way")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # of the others' libraries
    print(json.dumps(measured(ROWS[arguments.row].ways[arguments.way]())))


if __name__ == "__main__":
    main()
