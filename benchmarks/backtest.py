"""Were the maps of use on real crime? Prints the tables of docs/METHODS.md, "Proof of usefulness".

Six months make the map, the seventh month decides, for July to December in turn: personal
robberies of Memphis 2019 and reported crimes of Chicago 2014. Both are a single year, so no map
can know the season, and "last year's cells" means those of the six months before.

Run:  .venv/bin/python benchmarks/backtest.py [folder] [--seed N] [--csv FILE]

The study area of Memphis is its police precincts. Chicago comes without an outline: its area is
every H3 cell of resolution 8 (about 0.7 km2) in which any crime of any kind was reported in 2014.
That keeps parks and the shore, leaves out the lake and what lies beyond the city, and uses reports
of the tested months to draw the border, which favours no map over another.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from dataclasses import astuple, dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import shapely

from geo import cells, crs, lattice
from geo.backtest import OUTSIDE, Backtest, Finding, Grid, Record, RollingOrigin, Score, backtest
from geo.clusters import Density
from geo.kde import GaussianHeat
from geo.map_products import MapChoices, dbscan_map, kde_map, standard_maps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from geo.backtest import Product

SHARED: Final = Path(__file__).resolve().parents[2] / "shared" / "data"
SEED: Final = 20260115
CLOSE_LOOK: Final = 0.02  # the share of the area of the first table
SHOWN: Final = ("Memphis 2019, personal robbery, r9", "Chicago 2014, violence in public, r9")
COUNT: Final = "count"
HEAT, NARROW_HEAT = GaussianHeat(bandwidth_m=250.0), GaussianHeat(bandwidth_m=150.0)
CLUSTERS, WIDE_CLUSTERS = Density(50.0, 5), Density(150.0, 5)
KDE, NARROW_KDE, DBSCAN, WIDE_DBSCAN = "KDE 250 m", "KDE 150 m", "DBSCAN 50 m", "DBSCAN 150 m"
CUT: Final = RollingOrigin(train_periods=6, test_periods=1, step_periods=1, baseline=COUNT)
THINNED: Final = (20, 60)  # as few events as a small town has
MEMPHIS_EPSG, CHICAGO_EPSG = 32615, 32616
NORTH_OF_BOGUS: Final = 40.0  # 161 rows lie on a point in Missouri
OUTLINE_RESOLUTION: Final = 8
PUBLIC_PLACES: Final = (
    *("SIDEWALK", "STREET", "ALLEY", "PARK PROPERTY", "PARKING LOT/GARAGE(NON.RESID.)"),
    *("GAS STATION", "CTA PLATFORM", "CTA STATION", "CTA BUS STOP"),
)
MARKS: Final = {
    Finding.BASELINE: "",
    Finding.BETTER: " **+**",
    Finding.NO_DIFFERENCE: " =",
    Finding.NAIVE_WINS: " **−**",
    Finding.TOO_FEW: " ?",
}


@dataclass(frozen=True, slots=True)
class City:
    """Events of one year and where absence means zero."""

    name: str
    epsg: int
    events: pd.DataFrame  # lon, lat, month, and what a kind is chosen by
    outline: shapely.Geometry  # lon/lat


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of events at one resolution, and what came out."""

    label: str
    cells: int
    result: Backtest


# --- the data ------------------------------------------------------------------------------


def memphis(folder: Path) -> City:
    """Read the personal robberies of 2019 and the police precincts."""
    here = folder / "crime" / "memphis_robberies_2019"
    table = pd.read_csv(here / "memphis_robberies.csv", parse_dates=["date"])
    events = pd.DataFrame(
        {"lon": table["longitude"], "lat": table["latitude"], "month": table["date"].dt.month}
    )
    text = (here / "memphis_precincts.geojson").read_text(encoding="utf-8")
    precincts = shapely.from_geojson(text)
    return City(
        "Memphis 2019", MEMPHIS_EPSG, events, shapely.union_all(shapely.get_parts(precincts))
    )


def chicago(folder: Path) -> City:
    """Read the reported crimes of 2014 that have a place."""
    path = folder / "crime" / "chicago_2014" / "chicago_2014_dev.parquet"
    names = ["longitude", "latitude", "occurred_local", "primary_type", "location_description"]
    table = pd.read_parquet(path, columns=names)
    table = table[table["latitude"] > NORTH_OF_BOGUS]
    events = pd.DataFrame(
        {
            "lon": table["longitude"],
            "lat": table["latitude"],
            "month": table["occurred_local"].dt.month,
            "kind": table["primary_type"],
            "premises": table["location_description"],
        }
    )
    seen = np.unique(cells.parents(_index(events), OUTLINE_RESOLUTION))
    return City("Chicago 2014", CHICAGO_EPSG, events, shapely.union_all(cells.polygons(seen)))


def _index(events: pd.DataFrame) -> NDArray[np.int64]:
    return cells.index(events["lon"].to_numpy(np.float64), events["lat"].to_numpy(np.float64))


def kinds(city: City, seed: int) -> Iterator[tuple[str, pd.DataFrame, tuple[int, ...]]]:
    """Choose what is mapped: a label, its events, and the resolutions."""
    events = city.events
    if "kind" not in events:
        yield "personal robbery", events, (8, 9)
        return
    violent = events["kind"].isin(["BATTERY", "ASSAULT"])
    public = events[violent & events["premises"].isin(PUBLIC_PLACES)]
    yield "all reported crime", events, (9,)
    yield "violence in public", public, (8, 9)
    for thin in THINNED:
        few = public.sample(n=len(public) // thin, random_state=seed)
        yield f"violence in public, 1 of {thin}", few, (9,)
    yield "robbery", events[events["kind"] == "ROBBERY"], (9,)
    yield "criminal damage", events[events["kind"] == "CRIMINAL DAMAGE"], (9,)
    yield "narcotics", events[events["kind"] == "NARCOTICS"], (9,)
    yield "violence in bars", events[violent & (events["premises"] == "BAR OR TAVERN")], (9,)


# --- the run -------------------------------------------------------------------------------


def cases(city: City, seed: int) -> Iterator[Case]:
    """Test the four maps on every kind of events of a city."""
    for label, events, resolutions in kinds(city, seed):
        for resolution in resolutions:
            yield judge(city, f"{city.name}, {label}, r{resolution}", events, resolution, seed)


def judge(city: City, label: str, events: pd.DataFrame, resolution: int, seed: int) -> Case:
    """Test the four maps on one kind of events at one resolution."""
    area, grid = study_area(city, resolution)
    own = cells.parents(_index(events), resolution)
    at = np.minimum(np.searchsorted(area, own), area.size - 1)
    lon, lat = events["lon"].to_numpy(np.float64), events["lat"].to_numpy(np.float64)
    x_m, y_m = crs.transform(lon, lat, crs.WGS84, city.epsg)
    record = Record(
        x_m=x_m,
        y_m=y_m,
        cell=np.where(area[at] == own, at, OUTSIDE),
        events=np.ones(len(events), dtype=np.int64),
        period=events["month"].to_numpy(np.int64),
    )
    maps = six_maps(area)
    return Case(label, area.size, backtest(record, grid, maps, CUT, np.random.default_rng(seed)))


def six_maps(area: NDArray[np.int64]) -> dict[str, Product]:
    """Name the four maps as the product draws them, and two of them with another width."""
    maps = standard_maps(lattice.neighbours(area), MapChoices(HEAT, CLUSTERS))
    return {
        COUNT: maps["count"],
        KDE: maps["kde"],
        NARROW_KDE: partial(kde_map, kernel=NARROW_HEAT),
        "Gi*": maps["gi_star"],
        DBSCAN: maps["dbscan"],
        WIDE_DBSCAN: partial(dbscan_map, density=WIDE_CLUSTERS),
    }


def study_area(city: City, resolution: int) -> tuple[NDArray[np.int64], Grid]:
    """List the cells that the outline overlaps, each with the area inside it."""
    area = cells.cover(city.outline, resolution)
    centre = shapely.centroid(cells.polygons(area.cells))
    x_m, y_m = crs.transform(shapely.get_x(centre), shapely.get_y(centre), crs.WGS84, city.epsg)
    return area.cells, Grid(x_m, y_m, area.area_m2 * area.share)


# --- the tables ----------------------------------------------------------------------------


def overview(found: list[Case]) -> str:
    """Show PAI of every map of every case at one share of the area."""
    head = ["data", "tested", *dict.fromkeys(score.product for score in found[0].result.scores)]
    lines = []
    for case in found:
        scores = [each for each in case.result.scores if each.area_share == CLOSE_LOOK]
        lines.append([case.label, f"{case.result.tested:,}", *(_pai(score) for score in scores)])
    return _table(head, lines)


def tally(found: list[Case]) -> str:
    """Count the findings of each map at each share over all cases."""
    lines = []
    for product in dict.fromkeys(score.product for score in found[0].result.scores):
        if product != COUNT:
            own = [s for case in found for s in case.result.scores if s.product == product]
            lines.append([product, *(_counts(own, share) for share in CUT.area_shares)])
    return _table(["map", *(f"{share:.1%}" for share in CUT.area_shares)], lines)


def _counts(scores: list[Score], share: float) -> str:
    found = [score.finding for score in scores if score.area_share == share]
    return ", ".join(
        f"{found.count(finding)}{MARKS[finding]}" for finding in MARKS if finding in found
    )


def every_index(case: Case) -> str:
    """Show all that is known of one case."""
    head = ["area", "map", "caught", "PAI", "PEI", "PEI\\*", "RRI", "against count", "finding"]
    lines = [
        [f"{score.area_share:.1%}", score.product, *_numbers(score)]
        for share in CUT.area_shares
        for score in case.result.scores
        if score.area_share == share
    ]
    origins, result = case.result.origins, case.result
    title = (
        f"**{case.label}**: {case.cells:,} cells, {len(origins)} origins,"
        f" {result.tested:,} events tested, {result.outside:,} outside the area."
    )
    return f"{title}\n\n{_table(head, lines)}"


def _pai(score: Score) -> str:
    return f"{score.pai:.1f} ({score.pai_low:.1f}–{score.pai_high:.1f}){MARKS[score.finding]}"


def _numbers(s: Score) -> list[str]:
    against = "–"
    if s.finding is not Finding.BASELINE:
        against = f"{100 * s.difference:+.1f} pp ({_band(s)})"
    return [
        f"{100 * s.hit_rate:.1f} % ({100 * s.hit_rate_low:.1f}–{100 * s.hit_rate_high:.1f})",
        f"{s.pai:.1f} ({s.pai_low:.1f}–{s.pai_high:.1f})",
        f"{s.pei:.2f} ({s.pei_low:.2f}–{s.pei_high:.2f})",
        f"{s.pei_star:.2f} ({s.pei_star_low:.2f}–{s.pei_star_high:.2f})",
        f"{s.rri:.2f}",
        against,
        s.finding.value,
    ]


def _band(s: Score) -> str:
    return f"{100 * s.difference_low:+.1f} to {100 * s.difference_high:+.1f}"


def _table(head: list[str], lines: list[list[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def write(path: Path, found: list[Case]) -> None:
    """Write every score to a file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case", "cells", "tested", *(field.name for field in fields(Score))])
        for case in found:
            for score in case.result.scores:
                writer.writerow([case.label, case.cells, case.result.tested, *astuple(score)])


def main() -> None:
    """Test every case, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=SHARED, help="shared/data")
    parser.add_argument("--seed", type=int, default=SEED, help="of the intervals")
    parser.add_argument("--full", action="store_true", help="every index of every case")
    parser.add_argument("--csv", type=Path, help="also write every number to this file")
    arguments = parser.parse_args()
    found, began = [], time.perf_counter()
    for read in (memphis, chicago):
        for case in cases(read(arguments.folder), arguments.seed):
            print(f"... {case.label}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
            found.append(case)
    shown = [each for each in found if arguments.full or each.label in SHOWN]
    print(overview(found), tally(found), *map(every_index, shown), sep="\n\n")
    print(f"\nSeed {arguments.seed}, {time.perf_counter() - began:.0f} s.")
    if arguments.csv is not None:
        write(arguments.csv, found)


if __name__ == "__main__":
    main()
