"""Writes the benchmark's police export: synthetic, seeded, shaped like a town's real one.

cp1252, semicolons, decimal commas, SWEREF 99 TM, start and end in local time, three years. Nine
rows of ten lie on shared places (addresses), the tenth on a point of its own, so that N rows have
about N/6 distinct places. The rows are all sound: what a bad row costs is not measured here.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import shapely

from geo import crs
from pipelines import profiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo.profile import Area, ReferenceSet

SEED: Final = 20260115
PROFILE: Final = "eskilstuna"
FIRST_MONDAY: Final = np.datetime64("2023-01-02T00:00:00")
WEEKS: Final = 156  # three years
READ_AT: Final = datetime(2026, 1, 15, 6, tzinfo=UTC)  # the "now" of every run
SHARED: Final = 0.9
ROWS_A_SHARED_PLACE: Final = 13.5  # 0.9 N / 13.5 shared places + 0.1 N single ones = N / 6
ROWS_AT_ONCE: Final = 100_000

# Share of the places in each area of a kind; the rest lie in suburbs around the core.
SHARES: Final = {"nightlife": 0.10, "priority": 0.05, "municipality": 0.10}
SUBURBS: Final = 40
SUBURB_SPREAD_M: Final = 250.0
TOWN_SPREAD_M: Final = 2_500.0  # standard deviations
BUSYNESS: Final = 1.2  # sigma of the log-normal weight of a place; a few bear hundreds of rows

# About what a mid-sized Swedish town reports. Within a category its codes are equally common.
CATEGORY_SHARES: Final = {
    "tillgrepp": 0.36,
    "skadegorelse": 0.15,
    "misshandel": 0.10,
    "narkotika": 0.08,
    "trafik": 0.07,
    "klotter": 0.06,
    "olaga_hot": 0.06,
    "ofredande": 0.05,
    "undantagen": 0.02,
    "ovrigt": 0.01,
    "vald_tjansteman": 0.01,
    "ran": 0.01,
    "vapen": 0.01,
    "brand_ovrigt": 0.006,
    "brand_fordon": 0.004,
}
# Relative number of events in each hour of an ordinary day, and how weekend nights differ.
HOURS: Final = np.array([3, 2, 2, 1, 1, 1, 2, 3, 4, 4, 4, 5, 6, 5, 5, 6, 6, 6, 6, 6, 5, 5, 5, 4])
NIGHT_FACTOR: Final = 3  # Friday and Saturday 21 to 04
COUNTS: Final = np.array([1, 2, 3, 5])
COUNT_SHARES: Final = np.array([0.96, 0.03, 0.007, 0.003])
# How long events last, in minutes: most are a moment, thefts and damage a night or a weekend.
LONGEST_MINUTES: Final = np.array([0, 60, 360, 960, 3_600])
LENGTH_SHARES: Final = np.array([0.60, 0.14, 0.10, 0.13, 0.03])
STREET_NAMES: Final = (
    *("Kungs", "Drottning", "Väster", "Öster", "Söder", "Ängs", "Björk", "Ek", "Häger", "Slåtter"),
    *("Köpman", "Smed", "Kvarn", "Sjö", "Bruks", "Skog", "Berg", "Dal", "Lind", "Trädgårds"),
)
STREET_KINDS: Final = ("gatan", "vägen", "gränd", "stigen", "allén")
HOUSES_A_STREET: Final = 60


@dataclass(frozen=True, slots=True)
class Places:
    """Where p places are, in metres, and what they are called."""

    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    street: NDArray[np.object_]
    number: NDArray[np.int64]


def write(path: Path, rows: int) -> None:
    """Write `rows` rows; the same number gives the same file every time."""
    random = np.random.default_rng(SEED)
    reference = profiles.load(PROFILE)
    n_shared = max(1, round(rows * SHARED / ROWS_A_SHARED_PLACE))
    n_single = rows - round(rows * SHARED)
    places = make_places(random, reference, n_shared + n_single)
    busyness = random.lognormal(sigma=BUSYNESS, size=n_shared)
    at = np.concatenate(
        [
            random.choice(n_shared, rows - n_single, p=busyness / busyness.sum()),
            np.arange(n_shared, n_shared + n_single),
        ]
    )
    random.shuffle(at)
    starts, ends = make_times(random, rows)
    frame = pd.DataFrame(
        {
            "id": np.char.add("K", np.arange(1, rows + 1).astype(str)),
            "brottskod": make_codes(random, reference, rows),
            "östlig": places.x_m[at],
            "nordlig": places.y_m[at],
            "start": starts,
            "slut": ends,
            "inskriven": (starts.astype("datetime64[D]") + random.integers(0, 10, rows)).astype(
                str
            ),
            "antal": random.choice(COUNTS, rows, p=COUNT_SHARES),
            "gata": places.street[at],
            "nummer": places.number[at],
        }
    )
    frame.sort_values("inskriven", kind="stable").to_csv(
        path,
        sep=";",
        decimal=",",
        encoding="cp1252",
        index=False,
        float_format="%.2f",
        date_format="%Y-%m-%d %H:%M",
        chunksize=ROWS_AT_ONCE,
    )


def make_places(random: np.random.Generator, reference: ReferenceSet, n: int) -> Places:
    """Scatter n places over the municipality: core, areas, suburbs, countryside; shuffled."""
    metric = reference.profile.metric_epsg
    parts = [
        _inside(random, area, round(n * SHARES[area.kind]), metric)
        for area in sorted(reference.areas, key=lambda area: (area.kind, area.name))
        if area.kind in SHARES
    ]
    core = next(area.outline for area in reference.areas if area.kind == "nightlife")
    lon, lat = np.array([core.centroid.x]), np.array([core.centroid.y])
    centre = np.column_stack(crs.transform(lon, lat, crs.WGS84, metric))
    suburbs = random.normal(centre, TOWN_SPREAD_M, (SUBURBS, 2))
    rest = n - sum(len(part) for part in parts)
    parts.append(random.normal(suburbs[random.integers(0, SUBURBS, rest)], SUBURB_SPREAD_M))
    points = random.permutation(np.concatenate(parts)).round(2)
    names = [name + kind for name in STREET_NAMES for kind in STREET_KINDS]
    house = np.arange(n)
    street = np.array(names, dtype=object)[house // HOUSES_A_STREET % len(names)]
    return Places(points[:, 0], points[:, 1], street, house % HOUSES_A_STREET + 1)


def _inside(random: np.random.Generator, area: Area, n: int, metric: int) -> NDArray[np.float64]:
    """Scatter n points evenly in an area; (n, 2) metres."""
    west, south, east, north = area.outline.bounds
    found = np.empty((0, 2))
    while len(found) < n:
        lon, lat = random.uniform(west, east, 2 * n), random.uniform(south, north, 2 * n)
        held = shapely.contains_xy(area.outline, lon, lat)
        metres = crs.transform(lon[held], lat[held], crs.WGS84, metric)
        found = np.concatenate([found, np.column_stack(metres)])
    return found[:n]


def make_times(
    random: np.random.Generator, n: int
) -> tuple[NDArray[np.datetime64], NDArray[np.datetime64]]:
    """Draw local start and end times, to five minutes."""
    hour_of_week = np.tile(HOURS, 7).astype(float)
    for evening in (4, 5):  # Friday, Saturday
        hour_of_week[evening * 24 + 21 : evening * 24 + 28] *= NIGHT_FACTOR
    week = random.integers(0, WEEKS, n)
    hour = random.choice(hour_of_week.size, n, p=hour_of_week / hour_of_week.sum())
    minute = random.integers(0, 12, n) * 5
    starts = FIRST_MONDAY + ((week * 168 + hour) * 60 + minute).astype("timedelta64[m]")
    longest = random.choice(LONGEST_MINUTES, n, p=LENGTH_SHARES)
    lasting = (random.random(n) * longest / 5).astype(np.int64) * 5
    return starts, starts + lasting.astype("timedelta64[m]")


def make_codes(random: np.random.Generator, reference: ReferenceSet, n: int) -> NDArray[np.object_]:
    """Draw offence codes that are in force, by the shares of their categories."""
    rules = [rule for rule in reference.profile.offences if rule.valid_to is None]
    per_category = pd.Series([rule.category for rule in rules]).value_counts()
    weight = np.array([CATEGORY_SHARES[r.category] / per_category[r.category] for r in rules])
    codes = np.array([rule.code for rule in rules], dtype=object)
    return random.choice(codes, n, p=weight / weight.sum())


def main() -> None:
    """Write one file from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, help="where to write it, outside the repository")
    parser.add_argument("--rows", type=int, default=100_000)
    arguments = parser.parse_args()
    write(arguments.path, arguments.rows)


if __name__ == "__main__":
    main()
