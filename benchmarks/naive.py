"""The script a good analyst writes: geopandas, h3-py, esda, scikit-learn; incidents one by one.

From the CSV of `city.py` to H3 counts with Gi*, DBSCAN clusters with hulls, a heat surface, and
incidents around schools, as GeoJSON, CSV and a raster.
"""

from __future__ import annotations

import json

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import shapely
from esda.getisord import G_Local
from libpysal.weights import W
from sklearn.cluster import DBSCAN
from sklearn.neighbors import KernelDensity

from benchmarks import city, setting
from benchmarks.steps import Steps


def cells_with_gi_star(frame: gpd.GeoDataFrame, study: shapely.Geometry) -> gpd.GeoDataFrame:
    """Count per cell of the study area and score each cell with Gi*."""
    frame["cell"] = [
        h3.latlng_to_cell(lat, lon, setting.RESOLUTION)
        for lat, lon in zip(frame["lat"], frame["lon"], strict=True)
    ]
    counts = frame.groupby("cell").size()
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
    hexagons = [
        shapely.Polygon([(lon, lat) for lat, lon in h3.cell_to_boundary(cell)])
        for cell in shown["cell"]
    ]
    return gpd.GeoDataFrame(shown, geometry=hexagons, crs=setting.DEGREES)


def clusters_with_hulls(metres: gpd.GeoDataFrame, eps_m: float) -> gpd.GeoDataFrame:
    """Cluster incidents and draw each cluster's hull."""
    xy = np.column_stack([metres.geometry.x, metres.geometry.y])
    model = DBSCAN(eps=eps_m, min_samples=setting.MIN_SAMPLES)
    metres["cluster"] = model.fit_predict(xy)
    held = metres[metres["cluster"] >= 0]
    hulls = held.dissolve("cluster", aggfunc={"id": "count"})
    hulls["geometry"] = hulls.convex_hull
    return hulls.to_crs(setting.DEGREES)


def heat(metres: gpd.GeoDataFrame) -> np.ndarray:
    """Evaluate a Gaussian density in the middle of every pixel."""
    xy = np.column_stack([metres.geometry.x, metres.geometry.y])
    model = KernelDensity(bandwidth=setting.BANDWIDTH_M, rtol=setting.TREE_TOLERANCE).fit(xy)
    x = setting.WEST_M + (np.arange(setting.COLUMNS) + 0.5) * setting.PIXEL_M
    y = setting.SOUTH_M + (np.arange(setting.ROWS) + 0.5) * setting.PIXEL_M
    pixels = np.column_stack([axis.ravel() for axis in np.meshgrid(x, y)])
    density = np.exp(model.score_samples(pixels)) * len(xy)
    return density.reshape(setting.ROWS, setting.COLUMNS)


def around_schools(metres: gpd.GeoDataFrame) -> pd.Series:
    """Count incidents near each facility."""
    lon, lat = city.facilities().T
    schools = gpd.GeoDataFrame(geometry=gpd.points_from_xy(lon, lat, crs=setting.DEGREES))
    rings = schools.to_crs(setting.METRES)
    rings["geometry"] = rings.buffer(setting.RING_M)
    found = metres.sjoin(rings, predicate="within")
    return found.groupby("index_right").size()


def main() -> None:
    """Run every step once."""
    arguments = setting.arguments(__doc__)
    base_mb, steps = setting.forget_peak(), Steps()
    steps.begin("read")
    table = pd.read_csv(arguments.path, parse_dates=["starts", "registered"])
    steps.begin("project")
    points = gpd.points_from_xy(table["lon"], table["lat"])
    frame = gpd.GeoDataFrame(table, geometry=points, crs=setting.DEGREES)
    metres = frame.to_crs(setting.METRES)
    steps.begin("cells, Gi*")
    cells = cells_with_gi_star(frame, city.outlines()[0])
    steps.begin("clusters, hulls")
    hulls = clusters_with_hulls(metres, arguments.eps_m)
    steps.begin("schools")
    rings = around_schools(metres)
    steps.begin("heat")
    surface = heat(metres)
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
