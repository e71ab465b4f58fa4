"""What is answered to a question: rows, for the page, the API and the command line alike.

Every read of stored events and layers on somebody's behalf goes through here with who asks, so
that there is one place where reads are seen and where a role decides which rows are read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geo import cells as grid
from geo.errors import InvalidParameter
from pipelines import roles
from pipelines.derive import FOCUS_KINDS
from pipelines.periods import SECOND, local_month, local_months
from pipelines.questions import Period
from store import incidents as stored_incidents
from store import layers, places, runs, verdicts
from store import observations as stored_observations
from store.incidents import IncidentFilter
from store.layers import ANYWHERE, AreaCount, CellCounts, LayerFilter
from store.observations import ObservationFilter
from store.records import Page

if TYPE_CHECKING:
    import sqlalchemy as sa

    from pipelines.questions import Question
    from pipelines.reference import Reference
    from pipelines.released import Released
    from store.incidents import IncidentRow
    from store.layers import ClusterRow
    from store.observations import ObservationRow
    from store.places import AreaRow, FacilityRow
    from store.runs import Run
    from store.verdicts import VerdictRow

    Verdicts = dict[int, VerdictRow]

MUNICIPALITY = "municipality"
BLOCK = 10  # resolution of the cells that stand for a block of houses
MOST_OBSERVATIONS = 100_000  # a municipality walks for decades to gather these
# How a point at somebody's door is found.
AT_HOME = frozenset({"address", "address_without_letter"})
TOTAL = ""  # the category of what is judged of everything that belongs to the total
TOO_FEW = verdicts.VerdictRow("too_few", ("few-events",), None, None, None, None, None)


@dataclass(frozen=True, slots=True)
class Basis:
    """Who asks, and what the answers are drawn from."""

    role: str
    reference: Reference
    run: Run | None  # the run in force; without one the layers are empty
    released: Released | None = None  # the release in force, where it is asked for
    newest: int = 0  # the last incident that has been taken in

    @property
    def outdated(self) -> str:
        """Name the sentence on what has changed since the run in force; "" where nothing has.

        A run that does not know the last incident that it counted is older than that knowledge.
        """
        if self.run is None:
            return ""
        counted = self.run.parameters
        if counted.get("profile_revision") != self.reference.revision:
            return "map-outdated"
        return "" if counted.get(runs.NEWEST) == self.newest else "map-newer-events"

    def months(self) -> tuple[int, int] | None:
        """Name the first and the last local month of the run in force."""
        if self.run is None:
            return None
        timezone = self.reference.profile.timezone
        return local_months(self.run.period_start, self.run.period_end, timezone)


@dataclass(frozen=True, slots=True)
class Window:
    """Which rows of a result: `limit` of them after the first `offset`."""

    limit: int
    offset: int = 0


@dataclass(frozen=True, slots=True)
class CountedArea:
    """An area with what the run in force counted in it; None before the first run."""

    area: AreaRow
    counted: AreaCount | None
    verdict: VerdictRow | None  # None where none was asked for that the run has


@dataclass(frozen=True, slots=True)
class CountedCells:
    """Counted cells, how they were asked for, and the local months they are counted over."""

    question: Question
    counts: CellCounts
    months: tuple[int, int]
    synthetic: bool
    verdicts: Verdicts | None  # by cell; None where none were asked for that the run has

    def part(self, rows: slice) -> CountedCells:
        """Give some of the cells."""
        of = self.counts
        return replace(self, counts=CellCounts(of.cell[rows], of.count[rows], of.weight[rows]))

    def verdict(self, cell: int) -> VerdictRow | None:
        """Give what may be said about one of the cells."""
        return _said(self.verdicts, cell)


def basis(
    connection: sa.Connection, role: str, reference: Reference, released: Released | None = None
) -> Basis:
    """Find what the answers to a reader of some role are drawn from.

    Runs are exact counts: for every reader but analysts there is none.
    """
    run = runs.current(connection) if role == roles.ANALYST else None
    newest = 0 if run is None else stored_incidents.newest_id(connection)
    return Basis(role, reference, run, released, newest)


def areas(connection: sa.Connection, on: Basis, question: Question) -> list[CountedArea]:
    """Give the named areas with what was counted in each.

    An area has no time of its own: the question's period chooses the months that are counted.
    The municipality holds everything, also what has no known place.
    """
    counts = _area_counts(connection, on, question)
    said = _verdicts(connection, on, question, verdicts.AREA)
    return [
        CountedArea(row, _counted(row, counts), _said_of(row, said))
        for row in on.reference.areas
        if _touches(row.outline, question)
    ]


def _area_counts(
    connection: sa.Connection, on: Basis, question: Question
) -> dict[int, AreaCount] | None:
    if on.run is None:
        return None
    where, _ = _layer_filter(on, on.run, question)
    return {row.area_id: row for row in layers.area_counts(connection, on.run.id, where)}


def _counted(row: AreaRow, counts: dict[int, AreaCount] | None) -> AreaCount | None:
    if counts is None:
        return None
    counted_as = ANYWHERE if row.kind == MUNICIPALITY else row.id
    return counts.get(counted_as, AreaCount(row.id, 0, 0.0))


def _verdicts(
    connection: sa.Connection, on: Basis, question: Question, resolution: int
) -> Verdicts | None:
    """Find the verdicts that answer a question.

    They are made over the run's whole period, for the total and for each category alone: verdicts
    on a part of the period or on several categories cannot be had by adding up.
    """
    if on.run is None or question.period is not None or len(question.categories) > 1:
        return None
    ground = verdicts.TOWN if resolution == verdicts.AREA else _ground(on, question)
    if ground is None or resolution not in (verdicts.AREA, *verdicts.JUDGED):
        return None
    category = question.categories[0] if question.categories else TOTAL
    asked = verdicts.Asked(ground, resolution, question.window, category)
    return verdicts.find(connection, on.run.id, asked)


def _ground(on: Basis, question: Question) -> int | None:
    """Name whose own level cells are measured by: a focus area's, or the town's.

    None in an area that is no ground, a district.
    """
    asked = _area(on, question)
    if asked is None or asked.kind == MUNICIPALITY:
        return verdicts.TOWN
    return asked.id if asked.kind in FOCUS_KINDS else None


def _said(found: Verdicts | None, unit: int) -> VerdictRow | None:
    """Give a unit's verdict; where a run judged and says nothing, there were too few events."""
    return None if found is None else found.get(unit, TOO_FEW)


def _said_of(row: AreaRow, found: Verdicts | None) -> VerdictRow | None:
    return None if row.kind == MUNICIPALITY else _said(found, row.id)


def facilities(
    connection: sa.Connection, on: Basis, question: Question, kind: str
) -> list[FacilityRow]:
    """Give schools or venues inside the box and the area. They have no time."""
    asked = _area(on, question)
    found = []
    for row in places.facilities(connection, kind):
        position = shapely.Point(row.lon, row.lat)
        inside = asked is None or asked.outline.intersects(position)
        if inside and _touches(position, question):
            found.append(row)
    return found


def incidents(
    connection: sa.Connection, on: Basis, question: Question, rows: Window
) -> Page[IncidentRow]:
    """Give reported events; those of categories kept off maps are never among them."""
    period = question.period or Period()
    where = IncidentFilter(
        bbox=question.bbox,
        start=period.start,
        end=period.end,
        area_id=_restriction(on, question),
        categories=question.categories,
        window=question.window,
    )
    return stored_incidents.find(connection, where, rows.limit, rows.offset)


def incident(connection: sa.Connection, _on: Basis, key: int) -> IncidentRow | None:
    """Give one reported event, unless it is kept off maps."""
    return stored_incidents.one(connection, key)


def observations(
    connection: sa.Connection, on: Basis, question: Question, rows: Window
) -> Page[ObservationRow]:
    """Give what was seen on safety walks.

    Coordinators see it at once and where it is; others after review, and what lies at somebody's
    door as the block around it.
    """
    period = question.period or Period()
    where = ObservationFilter(
        bbox=question.bbox if on.role == roles.COORDINATOR else None,
        start=period.start,
        end=period.end,
        area_id=_restriction(on, question) if on.role == roles.COORDINATOR else None,
        reviewed_only=on.role != roles.COORDINATOR,
    )
    if on.role == roles.COORDINATOR:
        return stored_observations.find(connection, where, rows.limit, rows.offset)
    # Box and area are held against the points as they are shown: against the true ones, a reader
    # who moves the box to and fro would find the door.
    everything = stored_observations.find(connection, where, MOST_OBSERVATIONS, 0)
    shown = [_blurred(on, row) for row in everything.rows]
    inside = [row for row in shown if _seen_in(on, row, question)]
    return Page(len(inside), inside[rows.offset : rows.offset + rows.limit])


def observation(connection: sa.Connection, on: Basis, key: int) -> ObservationRow | None:
    """Give one observation, as `observations` does."""
    row = stored_observations.one(connection, key)
    if row is None or not (row.reviewed or on.role == roles.COORDINATOR):
        return None
    return row if on.role == roles.COORDINATOR else _blurred(on, row)


def _seen_in(on: Basis, row: ObservationRow, question: Question) -> bool:
    """Tell whether an observation lies in box and area, as far as it is shown where it lies."""
    area = _area(on, question)
    within = None if area is None or area.kind == MUNICIPALITY else area
    if row.lon is None or row.lat is None:
        named = within is None or row.area == within.name
        return question.bbox is None and named
    at = shapely.Point(row.lon, row.lat)
    return _touches(at, question) and (within is None or within.outline.intersects(at))


def _blurred(on: Basis, row: ObservationRow) -> ObservationRow:
    """Move a point at somebody's door to the middle of its block, and to the area of that."""
    if row.match_type not in AT_HOME or row.lon is None or row.lat is None:
        return row
    block = grid.parents(grid.index(np.array([row.lon]), np.array([row.lat])), BLOCK)
    lon, lat = grid.middles(block)
    reach_m = float(np.sqrt(grid.areas_m2(block)[0] / np.pi))
    vague_m = max(row.uncertainty_m or 0.0, reach_m)
    at = shapely.Point(lon[0], lat[0])
    focus = (area for area in on.reference.areas if area.kind in FOCUS_KINDS)
    name = next((area.name for area in focus if area.outline.intersects(at)), None)
    return replace(row, lon=at.x, lat=at.y, area=name, uncertainty_m=round(vague_m))


def cells(connection: sa.Connection, on: Basis, question: Question) -> CountedCells | None:
    """Give the counted cells that touch the box, ordered by cell; None before the first run."""
    if on.run is None:
        return None
    where, months = _layer_filter(on, on.run, question)
    counts = layers.cell_counts(connection, on.run.id, question.resolution, where)
    said = _verdicts(connection, on, question, question.resolution)
    return CountedCells(question, _inside(counts, question), months, on.run.synthetic, said)


def cell(connection: sa.Connection, on: Basis, question: Question, key: int) -> CountedCells | None:
    """Give one counted cell at its own resolution; None where nothing was counted."""
    resolution = grid.resolution(key)
    if resolution not in grid.RESOLUTIONS:
        return None
    found = cells(connection, on, replace(question, resolution=resolution))
    if found is None:
        return None
    place = int(np.searchsorted(found.counts.cell, key))
    if place == found.counts.cell.size or found.counts.cell[place] != key:
        return None
    return found.part(slice(place, place + 1))


def clusters(connection: sa.Connection, on: Basis, question: Question) -> list[ClusterRow]:
    """Give the clusters of the run in force, largest first; their period is the run's.

    Raises
    ------
    InvalidParameter
        More than one category: adding clusters up is not clustering.
    """
    if len(question.categories) > 1:
        raise InvalidParameter("clusters-one-category")
    if on.run is None or not _meets(question.period or Period(), on.run):
        return []
    area_id = _restriction(on, question)
    where = LayerFilter(question.window, question.categories, area_id=area_id)
    rows = layers.clusters(connection, on.run.id, question.scope, where)
    return [row for row in rows if _touches(row.hull, question)]


def cluster(connection: sa.Connection, _on: Basis, key: int) -> ClusterRow | None:
    """Give one cluster of the run in force."""
    return layers.one_cluster(connection, key)


def _layer_filter(on: Basis, run: Run, question: Question) -> tuple[LayerFilter, tuple[int, int]]:
    """Translate a question to the layers' words; whole local months, as they are counted."""
    timezone, asked = on.reference.profile.timezone, question.period
    first, last = local_months(run.period_start, run.period_end, timezone)
    if asked is not None and asked.start is not None:
        first = max(first, local_month(asked.start, timezone))
    if asked is not None and asked.end is not None:
        last = min(last, local_month(asked.end - SECOND, timezone))
    where = LayerFilter(
        window=question.window,
        categories=question.categories,
        months=None if asked is None else (first, last),
        area_id=_restriction(on, question),
    )
    return where, (first, last)


def _area(on: Basis, question: Question) -> AreaRow | None:
    return next((row for row in on.reference.areas if row.id == question.area_id), None)


def _restriction(on: Basis, question: Question) -> int | None:
    """Name the area asked for; the whole municipality is no restriction."""
    asked = _area(on, question)
    return None if asked is None or asked.kind == MUNICIPALITY else asked.id


def _touches(shape: shapely.Geometry, question: Question) -> bool:
    return question.bbox is None or bool(shapely.intersects(shape, shapely.box(*question.bbox)))


def _inside(counts: CellCounts, question: Question) -> CellCounts:
    if question.bbox is None or not counts.cell.size:
        return counts
    touch = shapely.intersects(grid.polygons(counts.cell), shapely.box(*question.bbox))
    return CellCounts(counts.cell[touch], counts.count[touch], counts.weight[touch])


def _meets(period: Period, run: Run) -> bool:
    """Tell whether a span of instants meets a run's period."""
    begins = period.start is None or period.start < run.period_end
    return begins and (period.end is None or period.end > run.period_start)
