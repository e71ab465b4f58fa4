"""Writes city-like synthetic incidents as plain CSV: UTF-8, commas, lon/lat, local time.

The places and times are those of `benchmarks.main_job.data`: nine rows of ten lie on shared
places, so that N rows have about N/6 distinct coordinates. Seeded: the same file every time.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from benchmarks.main_job import data
from geo import crs
from pipelines import profiles

if TYPE_CHECKING:
    import shapely

FACILITIES: Final = 60
CSV_DECIMALS: Final = 7


def points(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw the metres (EPSG:3006) of `rows` incidents, in random order: two (n,) arrays."""
    random = np.random.default_rng(data.SEED)
    n_shared = max(1, round(rows * data.SHARED / data.ROWS_A_SHARED_PLACE))
    n_single = rows - round(rows * data.SHARED)
    places = data.make_places(random, profiles.load(data.PROFILE), n_shared + n_single)
    busyness = random.lognormal(sigma=data.BUSYNESS, size=n_shared)
    shared = random.choice(n_shared, rows - n_single, p=busyness / busyness.sum())
    at = np.concatenate([shared, np.arange(n_shared, n_shared + n_single)])
    random.shuffle(at)
    return places.x_m[at], places.y_m[at]


def times(rows: int) -> np.ndarray:
    """Draw local start times: (n,) ``datetime64[s]``."""
    return data.make_times(np.random.default_rng(data.SEED + 1), rows)[0]


def degrees(x_m: np.ndarray, y_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn metres into lon/lat as a file gives them."""
    lon, lat = crs.transform(x_m, y_m, 3006, crs.WGS84)
    return lon.round(CSV_DECIMALS), lat.round(CSV_DECIMALS)


def outlines() -> tuple[shapely.Geometry, list[shapely.Geometry]]:
    """Give the study area and the four priority areas, in lon/lat."""
    areas = profiles.load(data.PROFILE).areas
    study = next(area.outline for area in areas if area.kind == "municipality")
    return study, [area.outline for area in areas if area.kind == "priority"]


def facilities() -> np.ndarray:
    """Give sixty facilities as (60, 2) lon/lat: the schools, then named places."""
    reference = profiles.load(data.PROFILE)
    found = [*reference.facilities, *reference.places][:FACILITIES]
    return np.array([(place.lon, place.lat) for place in found])


def write(path: Path, rows: int) -> None:
    """Write `rows` rows."""
    lon, lat = degrees(*points(rows))
    random = np.random.default_rng(data.SEED + 2)
    pd.DataFrame(
        {
            "id": np.arange(1, rows + 1),
            "code": random.integers(300, 1300, rows),
            "starts": times(rows),
            "lon": lon,
            "lat": lat,
            "street": random.integers(1, 3000, rows),
            "number": random.integers(1, 90, rows),
            "registered": times(rows).astype("datetime64[D]"),
            "source": "synthetic",
        }
    ).to_csv(path, index=False, date_format="%Y-%m-%d %H:%M")


def main() -> None:
    """Write one file from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, help="where to write it, outside the repository")
    parser.add_argument("--rows", type=int, default=100_000)
    arguments = parser.parse_args()
    write(arguments.path, arguments.rows)


if __name__ == "__main__":
    main()
