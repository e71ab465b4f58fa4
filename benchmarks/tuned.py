"""The same as `naive.py` by somebody who tunes: distinct places, KDEpy, sample weights, arrays."""

from __future__ import annotations

import json

import geopandas as gpd
import h3.api.basic_int as h3
import numpy as np
import pandas as pd
import pyproj
import shapely
from esda.getisord import G_Local
from KDEpy import FFTKDE
from libpysal.weights import W
from sklearn.cluster import DBSCAN

from benchmarks import city, setting
from benchmarks.steps import Steps


def collapsed(table: pd.DataFrame) -> pd.DataFrame:
    """Count incidents per distinct coordinate, with metres."""
    places = table.groupby(["lon", "lat"], sort=False).size().reset_index(name="events")
    to_metres = pyproj.Transformer.from_crs(setting.DEGREES, setting.METRES, always_xy=True)
    places["x"], places["y"] = to_metres.transform(places["lon"], places["lat"])
    return places


def cells_with_gi_star(places: pd.DataFrame, study: shapely.Geometry) -> gpd.GeoDataFrame:
    """Count per cell of the study area and score each cell with Gi*."""
    places["cell"] = [
        h3.latlng_to_cell(lat, lon, setting.RESOLUTION)
        for lat, lon in zip(places["lat"].tolist(), places["lon"].tolist(), strict=True)
    ]
    counts = places.groupby("cell")["events"].sum()
    inside = h3.h3shape_to_cells(h3.geo_to_h3shape(study), setting.RESOLUTION)
    domain = sorted(set(inside) | set(counts.index))
    known = set(domain)
    weights = W(
        {cell: [other for other in h3.grid_ring(cell, 1) if other in known] for cell in domain},
        silence_warnings=True,
    )
    values = counts.reindex(domain, fill_value=0)
    local = G_Local(values.to_numpy(dtype=float), weights, "B", 0, star=True)
    shown = pd.DataFrame({"cell": domain, "count": values.to_numpy(), "z": local.Zs})
    shown = shown[shown["count"] > 0]
    hexagons = shapely.polygons(
        [
            shapely.linearrings([(lon, lat) for lat, lon in h3.cell_to_boundary(cell)])
            for cell in shown["cell"].tolist()
        ]
    )
    return gpd.GeoDataFrame(shown, geometry=hexagons, crs=setting.DEGREES)


def clusters_with_hulls(places: pd.DataFrame, eps_m: float) -> gpd.GeoDataFrame:
    """Cluster weighted places and draw each cluster's hull."""
    model = DBSCAN(eps=eps_m, min_samples=setting.MIN_SAMPLES)
    model.fit(places[["x", "y"]].to_numpy(), sample_weight=places["events"].to_numpy())
    held = places.assign(cluster=model.labels_)
    held = held[held["cluster"] >= 0].sort_values("cluster")
    owner = held["cluster"].to_numpy()
    points = shapely.points(held[["lon", "lat"]].to_numpy())
    hulls = shapely.convex_hull(shapely.multipoints(points, indices=owner))
    events = held.groupby("cluster")["events"].sum()
    return gpd.GeoDataFrame({"events": events}, geometry=hulls, crs=setting.DEGREES)


def heat(places: pd.DataFrame) -> np.ndarray:
    """Evaluate a Gaussian density by binning and a Fourier transform."""
    xy = places[["x", "y"]].to_numpy()
    x = setting.WEST_M + (np.arange(setting.COLUMNS) + 0.5) * setting.PIXEL_M
    y = setting.SOUTH_M + (np.arange(setting.ROWS) + 0.5) * setting.PIXEL_M
    lower, upper = np.array([x[0], y[0]]), np.array([x[-1], y[-1]])
    inside = ((xy > lower) & (xy < upper)).all(axis=1)
    pixels = np.column_stack([axis.ravel() for axis in np.meshgrid(x, y, indexing="ij")])
    events = places["events"].to_numpy(dtype=float)[inside]
    model = FFTKDE(kernel="gaussian", bw=setting.BANDWIDTH_M).fit(xy[inside], weights=events)
    density = model.evaluate(pixels) * events.sum()
    return density.reshape(setting.COLUMNS, setting.ROWS).T


def around_schools(places: pd.DataFrame) -> pd.Series:
    """Count incidents near each facility."""
    lon, lat = city.facilities().T
    schools = gpd.GeoDataFrame(geometry=gpd.points_from_xy(lon, lat, crs=setting.DEGREES))
    rings = schools.to_crs(setting.METRES)
    rings["geometry"] = rings.buffer(setting.RING_M)
    points = gpd.GeoDataFrame(
        places[["events"]],
        geometry=gpd.points_from_xy(places["x"], places["y"]),
        crs=setting.METRES,
    )
    return points.sjoin(rings, predicate="within").groupby("index_right")["events"].sum()


def main() -> None:
    """Run every step once."""
    arguments = setting.arguments(__doc__)
    base_mb, steps = setting.forget_peak(), Steps()
    steps.begin("read")
    table = pd.read_csv(arguments.path, usecols=["starts", "lon", "lat"], parse_dates=["starts"])
    steps.begin("project")
    places = collapsed(table)
    steps.begin("cells, Gi*")
    cells = cells_with_gi_star(places, city.outlines()[0])
    steps.begin("clusters, hulls")
    hulls = clusters_with_hulls(places, arguments.eps_m)
    steps.begin("schools")
    rings = around_schools(places)
    steps.begin("heat")
    surface = heat(places)
    steps.begin("write")
    (arguments.out / "cells.geojson").write_text(cells.to_json())
    (arguments.out / "clusters.geojson").write_text(hulls.to_json())
    (arguments.out / "schools.json").write_text(json.dumps(rings.to_dict()))
    np.save(arguments.out / "heat.npy", surface)
    setting.report(
        steps.end(),
        base_mb,
        cells=len(cells),
        clusters=len(hulls),
        near=int(rings.sum()),
        highest_z=float(cells["z"].max()),
        heat_peak=float(surface.max()),
    )


if __name__ == "__main__":
    main()
