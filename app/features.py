"""Stored rows as GeoJSON features with plain names (CRS84: lon, lat)."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import shapely
from shapely.geometry import mapping

from geo import cells as grid
from pipelines.answers import Basis, CountedArea, CountedCells
from pipelines.released import Answer as Released
from pipelines.released import Shown, Told, ground
from store.incidents import IncidentRow
from store.layers import ClusterRow
from store.observations import ObservationRow
from store.places import FacilityRow
from store.verdicts import VerdictRow

Json = dict[str, object]
DECIMALS = 6  # a decimetre: finer would pretend


def stamp(instant: datetime | None) -> str | None:
    """Write an instant as RFC 3339 in UTC."""
    return None if instant is None else instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def feature(fid: int | str, shape: Json | None, properties: Json) -> Json:
    """Put a feature together."""
    return {"type": "Feature", "id": fid, "geometry": shape, "properties": properties}


def point(lon: float | None, lat: float | None) -> Json | None:
    """Give a point, or null geometry where the place is not known."""
    if lon is None or lat is None:
        return None
    return {"type": "Point", "coordinates": [round(lon, DECIMALS), round(lat, DECIMALS)]}


def outline(shape: shapely.Geometry) -> Json:
    """Give any shape, rounded."""
    rounded: Json = mapping(shapely.transform(shape, lambda xy: xy.round(DECIMALS)))
    return rounded


def months(named: tuple[int, int] | None) -> str | None:
    """Write a span of months the ISO way."""
    if named is None:
        return None
    first, last = named
    return f"{month(first)}/{month(last)}"


def month(named: int) -> str:
    """Write a month, ``year * 100 + month``, the ISO way."""
    return f"{named // 100:04d}-{named % 100:02d}"


def area(found: CountedArea) -> Json:
    """Give a named area; its counts are null before anything has been counted."""
    row, counted = found.area, found.counted
    properties: Json = {
        "name": row.name,
        "kind": row.kind,
        "count": None if counted is None else counted.count,
        "weight": None if counted is None else round(counted.weight, 3),
        "source": row.source,
        "note": row.note,
        **verdict(found.verdict),
    }
    return feature(row.id, outline(row.outline), properties)


def verdict(said: VerdictRow | None) -> Json:
    """Say how sure it is that a unit lies above the level of its study area; null if not judged."""
    if said is None:
        return {"verdict": None, "reasons": None, "expected": None, "ratio": None}
    ratio = None if said.ratio_low is None else [said.ratio_low, said.ratio_high]
    return {
        "verdict": said.verdict,
        "reasons": list(said.reasons),
        "expected": _short(said.expected),
        "ratio": ratio and [_short(limit) for limit in ratio],
    }


def _short(value: float | None) -> float | None:
    """Round to three significant digits: more would pretend."""
    return None if value is None else float(f"{value:.3g}")


def released(told: Told, found: Shown, answer: Released) -> Json:
    """Give a number of a release, with what it really speaks of and where."""
    lies = ground(told, found)
    said = found.finding
    properties: Json = {
        "name": found.name,
        "label": found.label,
        "count": found.count,
        "low": found.low,
        "exact": found.exact,
        "themes": list(found.themes),
        "blocks": list(found.blocks),
        "tertials": list(found.tertials),
        "kind": released_kind(told, found),
        "places": list(found.places),
        "zones": list(found.zones),
        "period": answer.period,
        "verdict": None if said is None else said.verdict,
        "reasons": None if said is None else said.reasons.split(),
        "before": None if said is None else said.before,
        "trend": None if said is None else said.trend,
    }
    return feature(released_key(found, answer), None if lies is None else outline(lies), properties)


def released_key(found: Shown, answer: Released) -> str:
    """Name a number of a release."""
    return f"{answer.period}.{found.units[0]}"


def released_kind(told: Told, found: Shown) -> str:
    """Tell what kind of place a number of a release speaks of."""
    return told.units[found.units[0]].kind if len(found.places) == 1 else "several"


def facility(row: FacilityRow) -> Json:
    """Give a school or a venue."""
    properties: Json = {"name": row.name, "form": row.form, "source": row.source}
    return feature(row.id, point(row.lon, row.lat), properties)


def incident(row: IncidentRow) -> Json:
    """Give a reported event: category, time, precision; never a code, an address or a text."""
    properties: Json = {
        "category": row.category,
        "starts": stamp(row.starts_at),
        "ends": stamp(row.ends_at),
        "count": row.count,
        "area": row.area,
        "windows": list(row.windows),
        "match_type": row.match_type,
        "uncertainty_m": row.uncertainty_m,
        "pile": row.pile,
        "synthetic": row.synthetic,
    }
    return feature(row.id, point(row.lon, row.lat), properties)


def observation(row: ObservationRow) -> Json:
    """Give something seen on a safety walk; its note only after review."""
    properties: Json = {
        "type": row.type,
        "severity": row.severity,
        "light": row.light,
        "walk": row.walk,
        "area": row.area,
        "observed": stamp(row.observed_at),
        "note": row.note,
        "reviewed": row.reviewed,
        "uncertainty_m": row.uncertainty_m,
        "synthetic": row.synthetic,
    }
    return feature(row.id, point(row.lon, row.lat), properties)


def cells(found: CountedCells) -> list[Json]:
    """Give the counted cells of a run."""
    question, counts = found.question, found.counts
    shared: Json = {
        "resolution": question.resolution,
        "window": question.window,
        "category": ",".join(question.categories) or "all",
        "period": months(found.months),
        "synthetic": found.synthetic,
    }
    made = []
    rings, areas_m2 = grid.boundaries(counts.cell), grid.areas_m2(counts.cell)
    weights = np.round(counts.weight, 3)
    for i, number in enumerate(counts.cell.tolist()):
        name = grid.name(number)
        own: Json = {
            "cell": name,
            "count": int(counts.count[i]),
            "weight": float(weights[i]),
            "area_m2": round(float(areas_m2[i])),
            **verdict(found.verdict(number)),
        }
        made.append(feature(name, {"type": "Polygon", "coordinates": [rings[i]]}, own | shared))
    return made


def cluster(row: ClusterRow, on: Basis) -> Json:
    """Give a group of places; its hull may be a point or a line."""
    properties: Json = {
        "name": row.name,
        "rank": row.rank,
        "count": row.count,
        "weight": round(row.weight, 3),
        "places": row.places,
        "verdict": row.verdict,
        "scope": row.scope,
        "window": row.window,
        "category": row.category,
        "centre": [round(row.lon, DECIMALS), round(row.lat, DECIMALS)],
        "period": months(on.months()),
        "synthetic": on.run is not None and on.run.synthetic,
    }
    return feature(row.id, outline(row.hull), properties)
