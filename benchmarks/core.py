"""The same as `naive.py` with our own `geo/`: read in chunks, collapsed once, then on places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import orjson
import pyarrow as pa
import shapely
from pyarrow import csv

from benchmarks import city, setting
from benchmarks.steps import Steps
from geo import areas, cells, clusters, crs, gistar, heat, hexagons, kde, lattice, places
from pipelines.warm import warm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from geo.places import Chunk, Gathered

METRIC_EPSG = 3006
TYPES = {"lon": pa.float64(), "lat": pa.float64()}
BLOCK_BYTES = 1 << 22


def chunks(path: Path) -> Iterator[Chunk]:
    """Read the coordinates of a few hundred thousand rows at a time."""
    reader = csv.open_csv(
        path,
        read_options=csv.ReadOptions(block_size=BLOCK_BYTES),
        convert_options=csv.ConvertOptions(column_types=TYPES, include_columns=[*TYPES]),
    )
    for batch in reader:
        lon, lat = (column.to_numpy(zero_copy_only=False) for column in batch.columns)
        yield lon, lat, []


def scored_cells(found: Gathered) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count per cell of the study area and score each cell with Gi*: those that hold something."""
    resolution = setting.RESOLUTION
    held = cells.parents(cells.index(found.x_m, found.y_m), resolution)
    domain = np.union1d(cells.cover(city.outlines()[0], resolution).cells, held)
    count = np.bincount(np.searchsorted(domain, held), found.points, domain.size)
    scored = gistar.gi_star(count, lattice.neighbours(domain))
    some = count > 0
    return domain[some], count[some].astype(np.int64), scored.z[some]


def clusters_with_hulls(
    x_m: np.ndarray, y_m: np.ndarray, events: np.ndarray, eps_m: float
) -> list[clusters.Summary]:
    """Cluster places and draw each cluster's hull."""
    density = clusters.Density(eps_m, setting.MIN_SAMPLES)
    labels = clusters.dbscan(x_m, y_m, events, density)
    return clusters.summarise((x_m, y_m), labels, events, events.astype(float))


def written(found: list[clusters.Summary]) -> bytes:
    """Write clusters as GeoJSON in degrees."""
    hulls = shapely.transform(
        np.array([each.hull for each in found], dtype=object),
        lambda xy: np.column_stack(crs.transform(*xy.T, METRIC_EPSG, crs.WGS84)),
    )
    features = [
        {
            "type": "Feature",
            "properties": {"label": each.label, "events": each.count},
            "geometry": orjson.Fragment(text),
        }
        for each, text in zip(found, shapely.to_geojson(hulls), strict=True)
    ]
    return orjson.dumps({"type": "FeatureCollection", "features": features})


def around_schools(x_m: np.ndarray, y_m: np.ndarray, events: np.ndarray) -> dict[str, int]:
    """Count incidents within the true distance of each facility."""
    schools = np.column_stack(crs.transform(*city.facilities().T, crs.WGS84, METRIC_EPSG))
    near = areas.within_m(x_m, y_m, schools, setting.RING_M)
    held = np.bincount(near.facility, events[near.point], len(schools))
    return {str(i): int(n) for i, n in enumerate(held)}


def main() -> None:
    """Run every step once."""
    arguments = setting.arguments(__doc__)
    warm()  # loads the compiled kernels, as imports are loaded
    base_mb, steps = setting.forget_peak(), Steps()
    steps.begin("read")
    found = places.gather(chunks(arguments.path))
    steps.begin("project")
    x_m, y_m = crs.transform(found.x_m, found.y_m, crs.WGS84, METRIC_EPSG)
    steps.begin("cells, Gi*")
    cell, count, z = scored_cells(found)
    steps.begin("clusters, hulls")
    groups = clusters_with_hulls(x_m, y_m, found.points, arguments.eps_m)
    steps.begin("schools")
    rings = around_schools(x_m, y_m, found.points)
    steps.begin("heat")
    grid = heat.Grid(
        setting.WEST_M, setting.SOUTH_M, setting.PIXEL_M, setting.COLUMNS, setting.ROWS
    )
    kernel = kde.GaussianHeat(setting.BANDWIDTH_M)
    surface = heat.heat_raster((x_m, y_m), found.points.astype(float), kernel, grid)
    steps.begin("write")
    body = hexagons.feature_collection(cell, {"count": count, "z": z.round(3)})
    (arguments.out / "cells.geojson").write_bytes(body)
    (arguments.out / "clusters.geojson").write_bytes(written(groups))
    (arguments.out / "schools.json").write_bytes(orjson.dumps(rings))
    np.save(arguments.out / "heat.npy", surface.density)
    setting.report(
        steps.end(),
        base_mb,
        cells=cell.size,
        clusters=len(groups),
        near=sum(rings.values()),
        highest_z=float(z.max()),
        heat_peak=float(surface.density.max()),
    )


if __name__ == "__main__":
    main()
