"""The places with most problems, for analysts: which, how many, when, and whether more than before.

A place is a cell, a cluster or an area of the run in force, or the ground around a school or a
venue. Its events are those that the run counted, so every number here is the map's.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geo import aoristic, cells, crs, hot_times, windows
from geo.hot_times import HotTimes, Peak
from pipelines import answers, comparison, events
from pipelines.answers import MUNICIPALITY
from pipelines.periods import local, local_days, midnight
from store import registrations

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import sqlalchemy as sa
    from numpy.typing import NDArray

    from pipelines.answers import Basis, CountedCells
    from pipelines.events import Events
    from pipelines.questions import Question

CELLS, CLUSTERS, AREAS, AROUND = "cells", "clusters", "areas", "around"
FEWEST = 5  # events: of fewer nothing is said about when
MOST_TIMED = 50  # places of a list whose times are looked for
# A list looks at many small places: one false time in twenty lists, not in twenty places.
SURE = {AREAS: 0.95}
SURER = 1 - 0.05 / MOST_TIMED
ON_HULL = 1e-6  # degrees: the corners of a hull are its own events, rounded
PEAK, BLOCKS, FEW = "peak", "blocks", "few"
OTHER_TIMES = "ovrig_tid"


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A place of a list, with what the run says of it."""

    kind: str
    id: str  # of the feature in its collection
    name: str  # "" where it is named by what lies near it
    count: int
    ground: shapely.Geometry  # lon/lat
    at: tuple[float, float]  # lon, lat: where it is named from
    verdict: str | None = None
    reasons: tuple[str, ...] = ()
    expected: float | None = None
    places: int = 0  # of a cluster
    area_kind: str = ""
    radius_m: float = 0.0  # of the ground around a point

    @property
    def key(self) -> str:
        """Name it as links do."""
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True)
class When:
    """At which times events happen, as far as it can be said."""

    kind: str  # peak (safe), blocks (numbers and no claim) or few
    peaks: tuple[Peak, ...]
    blocks: tuple[tuple[str, int], ...]  # window and whole events, the most first
    events: int
    certain: int  # with a known clock time


@dataclass(frozen=True, slots=True)
class Moved:
    """A year beside the year before it."""

    first: date  # of the later one
    last: date
    before: int
    after: int
    low: float
    high: float
    verdict: str  # of geo.change
    lag_days: int | None  # as of `comparison.beside`


# --- which places


@dataclass(frozen=True, slots=True)
class Found:
    """The first places of a list, and how many there are in all."""

    places: list[Place]
    total: int


def listed(connection: sa.Connection, on: Basis, question: Question, kind: str, most: int) -> Found:
    """List the cells, clusters or areas that the map shows, the largest first, at most so many.

    Raises
    ------
    InvalidParameter
        Clusters of several categories: adding clusters up is not clustering.
    """
    if kind == CELLS:
        counted = answers.cells(connection, on, question)
        if counted is None:
            return Found([], 0)
        order = np.lexsort((counted.counts.cell, -counted.counts.count))
        return Found(_cells(counted, order[:most]), order.size)
    if kind == CLUSTERS:
        places = _clusters(connection, on, question)
    else:
        places = sorted(_areas(connection, on, question), key=lambda each: (-each.count, each.id))
    return Found(places[:most], len(places))


def one_cell(connection: sa.Connection, on: Basis, question: Question, key: int) -> Place | None:
    """Give one cell at its own resolution; None where nothing was counted."""
    counted = answers.cell(connection, on, question, key)
    return None if counted is None else _cells(counted, np.zeros(1, dtype=np.intp))[0]


def _cells(counted: CountedCells, rows: NDArray[np.intp]) -> list[Place]:
    number, count = counted.counts.cell[rows], counted.counts.count[rows]
    lon, lat = cells.middles(number)
    shapes = cells.polygons(number)
    found = []
    for row, key in enumerate(number.tolist()):
        said = counted.verdict(key)
        found.append(
            Place(
                CELLS,
                cells.name(key),
                "",
                int(count[row]),
                shapes[row],
                (float(lon[row]), float(lat[row])),
                None if said is None else said.verdict,
                () if said is None else tuple(said.reasons),
                None if said is None else said.expected,
            )
        )
    return found


def _clusters(connection: sa.Connection, on: Basis, question: Question) -> list[Place]:
    whole = replace(question, period=None)
    return [
        Place(
            CLUSTERS,
            str(row.id),
            "",
            row.count,
            row.hull,
            (row.lon, row.lat),
            row.verdict,
            places=row.places,
        )
        for row in answers.clusters(connection, on, whole)
    ]


def _areas(connection: sa.Connection, on: Basis, question: Question) -> list[Place]:
    found = []
    for each in answers.areas(connection, on, replace(question, area_id=None)):
        if each.counted is None or each.area.kind == MUNICIPALITY:
            continue
        middle = each.area.outline.representative_point()
        said = each.verdict
        found.append(
            Place(
                AREAS,
                str(each.area.id),
                each.area.name,
                each.counted.count,
                each.area.outline,
                (middle.x, middle.y),
                None if said is None else said.verdict,
                () if said is None else tuple(said.reasons),
                None if said is None else said.expected,
                area_kind=each.area.kind,
            )
        )
    return found


# --- their events


def chooser(found: Events, on: Basis) -> Callable[[Place], NDArray[np.bool_]]:
    """Make the function that marks a place's events among all of a question's: (n,)."""
    sample, epsg = found.of, on.reference.profile.metric_epsg
    placed = np.flatnonzero(found.placed)
    lon, lat = crs.transform(sample.x_m[placed], sample.y_m[placed], epsg, crs.WGS84)
    parents: dict[int, NDArray[np.int64]] = {}

    def of(place: Place) -> NDArray[np.bool_]:
        if place.kind == AREAS:
            key = int(place.id)
            return np.asarray((sample.area_id == key) | (sample.district_id == key))
        inside = np.zeros(found.share.shape, dtype=bool)
        if place.kind == CELLS:
            cell = cells.parse(place.id)
            resolution = cells.resolution(cell)
            if resolution not in parents:
                parents[resolution] = cells.parents(sample.cell[placed], resolution)
            inside[placed[parents[resolution] == cell]] = True
        elif place.kind == CLUSTERS:
            hull = place.ground.buffer(ON_HULL)
            inside[placed[np.asarray(shapely.contains_xy(hull, lon, lat))]] = True
        else:
            (x_m,), (y_m,) = crs.transform(
                np.array(place.at[:1]), np.array(place.at[1:]), crs.WGS84, epsg
            )
            away = np.hypot(sample.x_m[placed] - x_m, sample.y_m[placed] - y_m)
            inside[placed[away <= place.radius_m]] = True
        return inside

    return of


# --- when


class Clock:
    """Tells when the events of each of many places happen.

    A time is told only where `geo.hot_times` finds it safe; where the question is of a window, an
    even spread over that window is what it is held against. Without one, the whole events of each
    of the profile's windows are given, which claims nothing.
    """

    def __init__(self, found: Events, on: Basis, question: Question) -> None:
        """Lay out a question's events by window, once."""
        profile = on.reference.profile
        self._found = found
        self._timezone = profile.timezone
        self._whole = found.share >= windows.WHOLE_EVENT_SHARE
        self._exposure = _exposure(on, question)
        self._windows = {
            window.name: events.in_window(found, profile, window.name).share
            >= windows.WHOLE_EVENT_SHARE
            for window in profile.windows
            if window.spans
        }

    def of(self, own: NDArray[np.bool_], kind: str) -> When:
        """Tell when some of the events happen.

        Parameters
        ----------
        own
            (n,) which of the events.
        kind
            Of place: how many of them a list looks at decides how sure a time must be.
        """
        blocks = self._blocks(own & self._whole)
        total = int(self._found.of.count[own & self._whole].sum())
        if total < FEWEST:
            return When(FEW, (), (), total, 0)
        counted = self._found.where(own & (self._found.share > windows.WHOLE_EVENT_SHARE)).of
        table = hot_times.hot_times(
            counted.starts_at,
            counted.ends_at,
            self._timezone,
            counted.count,
            HotTimes(level=SURE.get(kind, SURER)),
            self._exposure,
        )
        return When(PEAK if table.peaks else BLOCKS, table.peaks, blocks, total, table.certain)

    def _blocks(self, own: NDArray[np.bool_]) -> tuple[tuple[str, int], ...]:
        """Count in each of the profile's windows, and in the time between them."""
        count, rest, held = self._found.of.count, own.copy(), []
        for name, inside in self._windows.items():
            held.append((name, int(count[own & inside].sum())))
            rest &= ~inside
        held.append((OTHER_TIMES, int(count[rest].sum())))
        return tuple(sorted(held, key=lambda pair: -pair[1]))


def _exposure(on: Basis, question: Question) -> NDArray[np.float64] | None:
    """Give how long each hour of the week was open in the question's window: (168,)."""
    if on.run is None:
        return None
    profile = on.reference.profile
    first, last = local_days(on.run.period_start, on.run.period_end, profile.timezone)
    days = first, last + timedelta(days=1)
    opening = events.occurrences(profile, question.window, days)
    if opening.always:
        return None
    return aoristic.hours_open(opening.starts, opening.ends, profile.timezone)


# --- whether it has changed


def moved(connection: sa.Connection, on: Basis, question: Question, found: Events) -> Moved | None:
    """Compare a year of one place with the year before; None where the run has not both.

    Parameters
    ----------
    connection, on, question
        The question's period is the later of the two, or else the run's last twelve months.
    found
        The place's events of the whole run, with their shares of the question's window.
    """
    spans = _spans(on, question)
    if spans is None:
        return None
    timezone = on.reference.profile.timezone
    begin, end = (midnight(day, timezone) for day in (spans[0][0], spans[1][1]))
    registered = registrations.registrations(connection, begin, end)
    extracted = events.last_registered(connection, on)
    both = comparison.days(found, registered, extracted, timezone)
    own = comparison.beside(both, spans)
    return Moved(
        spans[1][0],
        spans[1][1] - timedelta(days=1),
        own.before,
        own.after,
        own.low,
        own.high,
        own.verdict,
        own.lag_days,
    )


def _spans(on: Basis, question: Question) -> tuple[tuple[date, date], tuple[date, date]] | None:
    """Give the local days of the two periods, each with the day after it."""
    if on.run is None:
        return None
    timezone = on.reference.profile.timezone
    opens, last = local_days(on.run.period_start, on.run.period_end, timezone)
    end = last + timedelta(days=1)
    start = comparison.year_before(end)
    if question.period is not None:
        asked = question.period
        start = opens if asked.start is None else _day(asked.start, timezone)
        end = end if asked.end is None else min(end, _day(asked.end, timezone))
    before = comparison.year_before(start), comparison.year_before(end)
    if before[0] < opens or before[1] > start or start >= end:
        return None
    return before, (start, end)


def _day(instant: datetime, timezone: str) -> date:
    return local(instant, timezone).date()


# --- what kind


def kinds(found: Events) -> list[tuple[str, int]]:
    """Count whole events by category, the most frequent first."""
    counted: Counter[str] = Counter()
    for code, whole in zip(found.of.category.tolist(), found.whole.tolist(), strict=True):
        counted[code] += whole
    return sorted(
        ((code, n) for code, n in counted.items() if n), key=lambda pair: (-pair[1], pair[0])
    )
