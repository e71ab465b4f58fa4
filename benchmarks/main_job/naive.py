"""What a good analyst would write for the same result, with geopandas, h3 and scikit-learn.

It reads the same export and the same place profile, and writes counts per cell (H3 8 to 11),
month, category and weekly window, counts per area, and clusters for every window, category and
surrounding (everywhere, around schools, in the core) as CSV and GeoJSON. It is vectorised wherever
the libraries are; it handles incidents, not distinct places, and stores nothing. The rows are
taken to be sound: nothing is checked, quarantined or recognised as a duplicate.
"""

from __future__ import annotations

import argparse
import json
import resource
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import shapely
from sklearn.cluster import DBSCAN

from benchmarks.main_job import data
from benchmarks.steps import Steps
from pipelines import profiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geo.profile import Facility, NamedPlace, ReferenceSet
    from geo.windows import WeeklyWindow

METRES, DEGREES = "EPSG:3006", "EPSG:4326"
RESOLUTIONS = (8, 9, 10, 11)
RINGS_M = (100, 300, 500)
SCHOOL_GROUNDS_M = 100
NAMED_WITHIN_M = 400
EPS_M, MIN_SAMPLES = 50, 5
MOSTLY_INSIDE = 0.5
LONGEST_DAYS = 4
INSTANT = pd.Timedelta(0)


def read(path: Path, timezone: str) -> gpd.GeoDataFrame:
    """Read the export as points in metres, with instants and the local month."""
    frame = pd.read_csv(
        path, sep=";", decimal=",", encoding="cp1252", dtype={"brottskod": str, "gata": str}
    )
    for column in ("start", "slut"):
        local = pd.to_datetime(frame[column], format="%Y-%m-%d %H:%M")
        frame[column] = local.dt.tz_localize(
            timezone, ambiguous=np.ones(len(frame), dtype=bool), nonexistent=pd.Timedelta("1h")
        )
    frame["month"] = frame["start"].dt.strftime("%Y-%m")
    points = gpd.points_from_xy(frame["östlig"], frame["nordlig"])
    return gpd.GeoDataFrame(frame, geometry=points, crs=METRES)


def points_of(places: Sequence[Facility | NamedPlace]) -> gpd.GeoDataFrame:
    """Give places of the profile as points in metres."""
    lon, lat = [place.lon for place in places], [place.lat for place in places]
    names = {"name": [place.name for place in places]}
    points = gpd.points_from_xy(lon, lat, crs=DEGREES)
    return gpd.GeoDataFrame(names, geometry=points).to_crs(METRES)


def locate(points: gpd.GeoDataFrame, reference: ReferenceSet) -> None:
    """Add the area of each point, whether it lies in the core, and the rings around schools."""
    some = [area for area in reference.areas if area.kind in {"priority", "nightlife"}]
    some.sort(key=lambda area: float(area.outline.area))  # where two overlap, the smaller one
    areas = gpd.GeoDataFrame(
        {"area": [area.name for area in some], "kind": [area.kind for area in some]},
        geometry=[area.outline for area in some],
        crs=DEGREES,
    ).to_crs(METRES)
    held = points[["geometry"]].sjoin(areas, predicate="within").sort_values("index_right")
    held = held[~held.index.duplicated()]
    points["area"] = held["area"]
    points["core"] = False
    points.loc[held.index[held["kind"] == "nightlife"], "core"] = True
    schools = points_of([f for f in reference.facilities if f.kind == "school"])
    for ring in RINGS_M:
        around = gpd.GeoDataFrame(geometry=schools.buffer(ring), crs=METRES)
        near = points[["geometry"]].sjoin(around, predicate="within").index.unique()
        points[f"school-{ring}"] = False
        points.loc[near, f"school-{ring}"] = True


def categorise(points: gpd.GeoDataFrame, reference: ReferenceSet) -> gpd.GeoDataFrame:
    """Add the category of each incident; keep those that may be shown on a map."""
    profile = reference.profile
    rules = pd.DataFrame(
        [
            (rule.code, rule.category, rule.nightlife, rule.place)
            for rule in profile.offences
            if rule.valid_to is None
        ],
        columns=["brottskod", "category", "nightlife", "place"],
    )
    points = points.merge(rules, on="brottskod", how="left")
    at_core, at_school = points["core"], points[f"school-{SCHOOL_GROUNDS_M}"]
    points.loc[points["nightlife"] & at_core, "category"] = profile.nightlife_category
    place = points["place"]
    allowed = (
        (place == "any")
        | (place.isin(["venue", "school_or_venue"]) & at_core)
        | (place.isin(["school", "school_or_venue"]) & at_school)
    )
    on_map = {category.code for category in profile.categories if category.on_map}
    return points[allowed & points["category"].isin(on_map)].reset_index(drop=True)


def openings(
    window: WeeklyWindow, days: pd.DatetimeIndex, reference: ReferenceSet
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Tell when a window opens and closes on each day, in seconds; NaN where it does not."""
    profile = reference.profile
    opens = pd.Series(pd.NaT, index=days, dtype="datetime64[s]")
    closes = opens.copy()
    in_term = pd.Series(not (window.term_only and profile.terms), index=days)
    for first, after in profile.terms:
        in_term[(days >= pd.Timestamp(first)) & (days < pd.Timestamp(after))] = True
    for span in window.spans:
        on = days[(days.day_of_week + 1 == span.weekday) & in_term]
        opens[on] = on + pd.Timedelta(minutes=span.start)
        closes[on] = on + pd.Timedelta(minutes=span.end) + pd.Timedelta(days=span.days_over)
    return seconds(opens, profile.timezone), seconds(closes, profile.timezone)


def seconds(local: pd.Series[Any], timezone: str) -> NDArray[np.float64]:
    """Give local times as seconds since 1970; NaN for NaT."""
    ambiguous = np.ones(len(local), dtype=bool)
    instant = local.dt.tz_localize(
        timezone, ambiguous=ambiguous, nonexistent=pd.Timedelta("1h")
    ).dt.tz_convert(None)
    values = instant.to_numpy("datetime64[s]")
    return np.where(np.isnat(values), np.nan, values.astype(np.int64))


def shares(points: gpd.GeoDataFrame, reference: ReferenceSet) -> dict[str, NDArray[np.float64]]:
    """Give the share of each incident's time that lies in each window."""
    first = points["start"].dt.tz_localize(None).min().normalize() - pd.Timedelta(days=1)
    last = points["slut"].dt.tz_localize(None).max().normalize()
    days = pd.date_range(first, last + pd.Timedelta(days=LONGEST_DAYS))
    day = (points["start"].dt.tz_localize(None) - first).dt.days.to_numpy()
    starts, ends = (
        points[column].dt.tz_convert(None).to_numpy("datetime64[s]").astype(np.int64)
        for column in ("start", "slut")
    )
    lasts = np.maximum(ends - starts, 0)
    found = {}
    for window in reference.profile.windows:
        if not window.spans:
            found[window.name] = np.ones(len(points))
            continue
        opens, closes = openings(window, days, reference)
        inside = np.zeros(len(points))
        at_once = np.zeros(len(points), dtype=bool)
        for later in range(-1, LONGEST_DAYS):
            a, b = opens[day + later], closes[day + later]
            overlap = np.minimum(ends, b) - np.maximum(starts, a)
            inside += np.nan_to_num(np.clip(overlap, 0, None))
            at_once |= (a <= starts) & (starts < b)
        found[window.name] = np.where(lasts > 0, inside / np.maximum(lasts, 1), at_once)
    return found


def count(
    points: gpd.GeoDataFrame, share: dict[str, NDArray[np.float64]], keys: list[str]
) -> pd.DataFrame:
    """Count incidents and weights per window and combination of keys."""
    parts = []
    for window, part in share.items():
        held = pd.DataFrame(points.loc[part > 0, [*keys, "antal"]])
        held["count"] = held["antal"] * (part[part > 0] >= MOSTLY_INSIDE)
        held["weight"] = held["antal"] * part[part > 0]
        sums = held.groupby(keys, as_index=False)[["count", "weight"]].sum()
        parts.append(sums.assign(window=window))
    return pd.concat(parts, ignore_index=True)


def cluster(
    points: gpd.GeoDataFrame, share: dict[str, NDArray[np.float64]], reference: ReferenceSet
) -> gpd.GeoDataFrame:
    """Find clusters for each window, each category and all of the total, and each surrounding."""
    known = reference.profile.categories
    total = [category.code for category in known if category.in_total and category.on_map]
    kinds = {"": total} | {category.code: [category.code] for category in known if category.on_map}
    scopes = {"all": np.ones(len(points), dtype=bool), "core": points["core"].to_numpy()} | {
        f"school-{ring}": points[f"school-{ring}"].to_numpy() for ring in RINGS_M
    }
    coordinates = points.get_coordinates().to_numpy()
    antal = points["antal"].to_numpy()
    parts = []
    for window, part in share.items():
        for category, codes in kinds.items():
            wanted = (part >= MOSTLY_INSIDE) & points["category"].isin(codes).to_numpy()
            for scope, inside in scopes.items():
                which = np.flatnonzero(wanted & inside)
                if antal[which].sum() < MIN_SAMPLES:
                    continue
                found = hulls(coordinates[which], antal[which], part[which])
                parts.append(found.assign(scope=scope, window=window, category=category))
    return named(pd.concat(parts, ignore_index=True), reference)


def hulls(
    xy: NDArray[np.float64], antal: NDArray[np.int64], share: NDArray[np.float64]
) -> gpd.GeoDataFrame:
    """Cluster points; one row a cluster with its hull, largest first."""
    labels = DBSCAN(eps=EPS_M, min_samples=MIN_SAMPLES).fit(xy, sample_weight=antal).labels_
    frame = pd.DataFrame(
        {
            "label": labels,
            "x": xy[:, 0] * antal,
            "y": xy[:, 1] * antal,
            "count": antal,
            "weight": antal * share,
        }
    )
    frame = frame[frame["label"] >= 0].sort_values("label", kind="stable")
    sums = frame.groupby("label")[["x", "y", "count", "weight"]].sum()
    sums[["x", "y"]] = sums[["x", "y"]].div(sums["count"], axis=0)
    members = shapely.points(xy[frame.index])
    shapes = shapely.convex_hull(shapely.multipoints(members, indices=frame["label"].to_numpy()))
    found = gpd.GeoDataFrame(sums.reset_index(), geometry=shapes, crs=METRES)
    found = found.sort_values(["count", "label"], ascending=[False, True], ignore_index=True)
    return found.assign(rank=np.arange(1, len(found) + 1))


def named(clusters: gpd.GeoDataFrame, reference: ReferenceSet) -> gpd.GeoDataFrame:
    """Name each cluster after the nearest place that people know."""
    spoken = [place for place in reference.places if place.kind != "centroid"]
    known = points_of([*spoken, *reference.facilities])
    middle = gpd.GeoDataFrame(geometry=gpd.points_from_xy(clusters["x"], clusters["y"]), crs=METRES)
    nearest = middle.sjoin_nearest(known, max_distance=NAMED_WITHIN_M)
    names = nearest[~nearest.index.duplicated()]["name"]
    return clusters.assign(name=names).drop(columns=["x", "y"])


def hexagons(counts: pd.DataFrame, resolution: int) -> gpd.GeoDataFrame:
    """Give each cell as a polygon with what each window holds."""
    held = counts.pivot_table(
        index=f"r{resolution}", columns="window", values=["count", "weight"], aggfunc="sum"
    )
    held.columns = pd.Index(["_".join(pair) for pair in held.columns.to_flat_index()])
    shapes = [
        shapely.Polygon([(lon, lat) for lat, lon in h3.cell_to_boundary(cell)])
        for cell in held.index
    ]
    return gpd.GeoDataFrame(held.fillna(0).reset_index(), geometry=shapes, crs=DEGREES)


def run(path: Path, folder: Path) -> dict[str, object]:
    """Do it all; give the seconds of each step and what came out."""
    steps = Steps()
    steps.begin("read")
    reference = profiles.load(data.PROFILE)
    everything = read(path, reference.profile.timezone)
    steps.begin("locate")
    locate(everything, reference)
    points = categorise(everything, reference)
    steps.begin("windows")
    share = shares(points, reference)
    steps.begin("h3")
    degrees = points.to_crs(DEGREES)
    lonlat = list(zip(degrees.geometry.x, degrees.geometry.y, strict=True))
    for resolution in RESOLUTIONS:
        points[f"r{resolution}"] = [h3.latlng_to_cell(lat, lon, resolution) for lon, lat in lonlat]
    steps.begin("count")
    counts = {r: count(points, share, [f"r{r}", "month", "category"]) for r in RESOLUTIONS}
    areas = count(points, share, ["area", "month", "category"])
    steps.begin("cluster")
    clusters = cluster(points, share, reference)
    steps.begin("write")
    for resolution, table in counts.items():
        table.to_csv(folder / f"cells_r{resolution}.csv", index=False)
        hexagons(table, resolution).to_file(folder / f"cells_r{resolution}.geojson")
    areas.to_csv(folder / "areas.csv", index=False)
    clusters.to_crs(DEGREES).to_file(folder / "clusters.geojson")
    seconds_of = steps.end()
    total = [c.code for c in reference.profile.categories if c.in_total]
    fine = counts[RESOLUTIONS[-1]]
    events = fine[fine["category"].isin(total)].groupby("window")["count"].sum()
    return {
        "seconds": seconds_of,
        "rows": len(everything),
        "cells": int(fine[f"r{RESOLUTIONS[-1]}"].nunique()),
        "clusters": len(clusters),
        "events": {str(window): int(n) for window, n in events.items()},
    }


def main() -> None:
    """Print the result of one run as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, help="a file written by data.py")
    parser.add_argument("folder", type=Path, help="where the results go")
    parser.add_argument("--limit-gib", type=float, help="stop when it needs more memory than this")
    arguments = parser.parse_args()
    if arguments.limit_gib is not None:
        most = int(arguments.limit_gib * 2**30)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    print(json.dumps(run(arguments.path, arguments.folder)))


if __name__ == "__main__":
    main()
