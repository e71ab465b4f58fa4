"""What each collection holds: a question in, features out.

Every reader answers ``items`` (a page of features and how many match in all) and ``one`` (a
feature by its id, or None).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import h3.api.basic_int as h3
import numpy as np
import shapely
import sqlalchemy as sa

from app import features
from app.features import Json
from app.queries import Period, Query
from geo import cells
from geo.errors import InvalidParameter
from geo.profile import Profile
from store import incidents, layers, observations, places
from store.incidents import IncidentFilter
from store.layers import AreaCount, CellCounts, ClusterRow, LayerFilter
from store.observations import ObservationFilter
from store.places import AreaRow
from store.runs import Run


@dataclass(frozen=True, slots=True)
class Question:
    """A query with what it refers to."""

    query: Query
    profile: Profile
    run: Run | None  # the published run; without one the layers are empty
    area: AreaRow | None


@dataclass(frozen=True, slots=True)
class Items:
    """One page of features."""

    matched: int
    features: list[Json]


NOTHING = Items(0, [])
_CELL_NAME = re.compile(r"[0-9a-f]{15}", re.ASCII)


def _page(found: Sequence[Json], query: Query) -> Items:
    return Items(len(found), list(found[query.offset : query.offset + query.limit]))


def _touches(shape: shapely.Geometry, query: Query) -> bool:
    return query.bbox is None or bool(shapely.intersects(shape, shapely.box(*query.bbox)))


# Areas, schools and venues ---------------------------------------------------------------------


def areas(conn: sa.Connection, question: Question) -> Items:
    """Give the named areas with what the published run counted in each.

    An area has no time of its own: `datetime` chooses the months that are counted.
    """
    counts = _area_counts(conn, question)
    rows = [row for row in places.areas(conn) if _touches(row.outline, question.query)]
    return _page([features.area(row, counts) for row in rows], question.query)


def area(conn: sa.Connection, question: Question, fid: str) -> Json | None:
    """Give one area."""
    rows = [row for row in places.areas(conn) if str(row.id) == fid]
    return features.area(rows[0], _area_counts(conn, question)) if rows else None


def _area_counts(conn: sa.Connection, question: Question) -> dict[int, AreaCount] | None:
    """Count per area id; None before the first run."""
    if question.run is None:
        return None
    where, _ = _layer_filter(question, question.run)
    return {row.area_id: row for row in layers.area_counts(conn, question.run.id, where)}


@dataclass(frozen=True, slots=True)
class Facilities:
    """Schools or venues. They have no time, so every `datetime` matches."""

    kind: str

    def items(self, conn: sa.Connection, question: Question) -> Items:
        """Give those inside the box and the area."""
        found = []
        for row in places.facilities(conn, self.kind):
            position = shapely.Point(row.lon, row.lat)
            inside = question.area is None or question.area.outline.intersects(position)
            if inside and _touches(position, question.query):
                found.append(features.facility(row))
        return _page(found, question.query)

    def one(self, conn: sa.Connection, _question: Question, fid: str) -> Json | None:
        """Give one school or venue."""
        rows = places.facilities(conn, self.kind)
        return next((features.facility(row) for row in rows if str(row.id) == fid), None)


# Incidents and observations ----------------------------------------------------------------------


def found_incidents(conn: sa.Connection, question: Question) -> Items:
    """Give reported events; those of categories kept off maps are never among them."""
    query = question.query
    start, end = _span(query.period)
    where = IncidentFilter(
        bbox=query.bbox,
        start=start,
        end=end,
        area_id=_area_id(question),
        categories=query.categories,
        window=query.window,
    )
    page = incidents.find(conn, where, query.limit, query.offset)
    return Items(page.matched, [features.incident(row) for row in page.rows])


def incident(conn: sa.Connection, _question: Question, fid: str) -> Json | None:
    """Give one reported event, unless it is kept off maps."""
    number = _key(fid)
    row = None if number is None else incidents.one(conn, number)
    return None if row is None else features.incident(row)


def found_observations(conn: sa.Connection, question: Question) -> Items:
    """Give what was seen on safety walks."""
    query = question.query
    start, end = _span(query.period)
    where = ObservationFilter(bbox=query.bbox, start=start, end=end, area_id=_area_id(question))
    page = observations.find(conn, where, query.limit, query.offset)
    return Items(page.matched, [features.observation(row) for row in page.rows])


def observation(conn: sa.Connection, _question: Question, fid: str) -> Json | None:
    """Give one observation."""
    number = _key(fid)
    row = None if number is None else observations.one(conn, number)
    return None if row is None else features.observation(row)


# Layers of the published run ---------------------------------------------------------------------


def counted_cells(conn: sa.Connection, question: Question) -> Items:
    """Give the cells of the published run, ordered by cell."""
    query, run = question.query, question.run
    if run is None:
        return NOTHING
    where, period = _layer_filter(question, run)
    counts = layers.cell_counts(conn, run.id, query.resolution, where)
    counts = _inside(counts, query)
    shown = _slice(counts, query.offset, query.offset + query.limit)
    return Items(counts.cell.size, features.cell_counts(shown, query, run, period))


def cell(conn: sa.Connection, question: Question, fid: str) -> Json | None:
    """Give one counted cell at its own resolution: all incidents of the whole period."""
    run, number = question.run, _cell(fid)
    if run is None or number is None:
        return None
    resolution = h3.get_resolution(number)
    if resolution not in cells.RESOLUTIONS:
        return None
    where, period = _layer_filter(question, run)
    counts = layers.cell_counts(conn, run.id, resolution, where)
    place = int(np.searchsorted(counts.cell, number))
    if place == counts.cell.size or counts.cell[place] != number:
        return None
    query = replace(question.query, resolution=resolution)
    return features.cell_counts(_slice(counts, place, place + 1), query, run, period)[0]


def _cell(fid: str) -> int | None:
    """Read a cell's name; anything else names no cell."""
    if not _CELL_NAME.fullmatch(fid):
        return None
    try:
        return cells.parse(fid)
    except InvalidParameter:
        return None


def found_clusters(conn: sa.Connection, question: Question) -> Items:
    """Give the clusters of the published run, largest first; their period is the run's.

    Raises
    ------
    InvalidParameter
        More than one category: adding clusters up is not clustering.
    """
    query, run = question.query, question.run
    if len(query.categories) > 1:
        raise InvalidParameter("clusters-one-category")
    if run is None or not _meets(query.period, run):
        return NOTHING
    where = LayerFilter(query.window, query.categories, area_id=_area_id(question))
    rows = layers.clusters(conn, run.id, query.scope, where)
    return _page([_cluster(row, run, question) for row in rows if _touches(row.hull, query)], query)


def cluster(conn: sa.Connection, question: Question, fid: str) -> Json | None:
    """Give one cluster of the published run."""
    number, run = _key(fid), question.run
    row = None if number is None else layers.one_cluster(conn, number)
    return None if row is None or run is None else _cluster(row, run, question)


def _cluster(row: ClusterRow, run: Run, question: Question) -> Json:
    first, last = run_months(run, question.profile.timezone)
    return features.cluster(row, run, f"{written(first)}/{written(last)}")


def _layer_filter(question: Question, run: Run) -> tuple[LayerFilter, str]:
    """Translate a question to the layers' words; whole local months, as they are counted."""
    query, timezone = question.query, question.profile.timezone
    first, last = run_months(run, timezone)
    months = None
    if query.period is not None:
        start, end = query.period.start, query.period.end
        if start is not None:
            first = max(first, local_month(start, timezone))
        if end is not None:
            last = min(last, local_month(end - timedelta(seconds=1), timezone))
        months = (first, last)
    where = LayerFilter(
        window=query.window,
        categories=query.categories,
        months=months,
        area_id=_area_id(question),
    )
    return where, f"{written(first)}/{written(last)}"


def run_months(run: Run, timezone: str) -> tuple[int, int]:
    """Name the first and the last local month of a run as ``year * 100 + month``."""
    last = run.period_end - timedelta(seconds=1)
    return local_month(run.period_start, timezone), local_month(last, timezone)


def local_month(instant: datetime, timezone: str) -> int:
    """Name an instant's local month as ``year * 100 + month``."""
    local = instant.astimezone(ZoneInfo(timezone))
    return local.year * 100 + local.month


def written(month: int) -> str:
    """Write a month the ISO way."""
    return f"{month // 100:04d}-{month % 100:02d}"


def _meets(period: Period | None, run: Run) -> bool:
    """Tell whether a span of instants meets a run's period."""
    if period is None:
        return True
    start, end = _span(period)
    return (start is None or start < run.period_end) and (end is None or end > run.period_start)


def _inside(counts: CellCounts, query: Query) -> CellCounts:
    """Keep the cells that touch the box."""
    if query.bbox is None or not counts.cell.size:
        return counts
    touch = shapely.intersects(cells.polygons(counts.cell), shapely.box(*query.bbox))
    return CellCounts(counts.cell[touch], counts.count[touch], counts.weight[touch])


def _slice(counts: CellCounts, first: int, after: int) -> CellCounts:
    part = slice(first, after)
    return CellCounts(counts.cell[part], counts.count[part], counts.weight[part])


# Small translations ------------------------------------------------------------------------------


def _area_id(question: Question) -> int | None:
    """Name the area asked for; the whole municipality is no restriction."""
    area_asked = question.area
    return None if area_asked is None or area_asked.kind == "municipality" else area_asked.id


def _span(period: Period | None) -> tuple[datetime | None, datetime | None]:
    return (None, None) if period is None else (period.start, period.end)


def _key(fid: str) -> int | None:
    """Read a stored row's id; anything else names no row."""
    return int(fid) if fid.isascii() and fid.isdigit() and len(fid) <= 18 else None  # noqa: PLR2004 - fits 64 bits
