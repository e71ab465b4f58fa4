"""What happens around schools: rings, school hours, and how much more there is than chance gives.

Every event belongs to its nearest school alone, so that no event is counted twice and schools can
be compared. A level is per known place where there is an address register, and per square metre of
the busy ground where there is none, as for the verdicts of a run (`pipelines.judging`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geo import cells, crs, rings
from geo.errors import InvalidParameter, TooFewObservations
from geo.rings import FacilityRanks, HoursContrast, HoursNear, Rings
from geo.verdicts import Excess, Support, Verdict, judge
from pipelines import events as reported
from pipelines import judging
from pipelines.answers import MUNICIPALITY
from pipelines.periods import local_days
from pipelines.questions import Question
from store import places

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import sqlalchemy as sa
    from numpy.typing import NDArray

    from geo.verdicts import Judgement
    from pipelines.answers import Basis
    from pipelines.events import Events
    from store.places import FacilityRow

SCHOOL = "school"
HOURS = "skoltid"  # the profile's window of school hours
RINGS = Rings((0.0, 100.0, 300.0, 500.0))
ZONE_M = 300.0  # as in a release
ZONE = Rings((0.0, ZONE_M))


@dataclass(frozen=True, slots=True, eq=False)
class Town:
    """The schools, and where things could happen; metres."""

    schools: tuple[FacilityRow, ...]  # f
    at: NDArray[np.float64]  # (f, 2)
    ground: shapely.Geometry  # the municipality
    points: NDArray[np.float64]  # (m, 2) known places, or middles of busy cells
    amount: NDArray[np.float64]  # (m,) 1 for a place, square metres for a cell
    busy: NDArray[np.int64] | None  # the cells of busy ground; None: a register says where


@dataclass(frozen=True, slots=True, eq=False)
class Ring:
    """One ring around one school."""

    inner_m: float
    outer_m: float
    count: int  # in the window asked for
    in_hours: int
    outside: int
    expected: float
    low: float  # of the ratio to what is expected; nan without exposure
    high: float
    verdict: Verdict
    reasons: tuple[str, ...]

    @property
    def ratio(self) -> float:
        """Give how many times what chance gives there is; nan without exposure."""
        return self.count / self.expected if self.expected > 0 else np.nan


@dataclass(frozen=True, slots=True, eq=False)
class Around:
    """One school."""

    school: FacilityRow
    rings: tuple[Ring, ...]
    nearer_another: int  # events within the outermost ring that belong to another school
    zone: Events  # what lies in its zone, at any time
    hours: HoursContrast | None  # None: no event, or too many to compare


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Every school by what lies in its zone, in the order of `Town.schools`."""

    count: NDArray[np.int64]  # (f,) in the window asked for
    in_hours: NDArray[np.int64]  # (f,)
    excess: Excess  # (f,)
    judged: Judgement
    exposed: NDArray[np.intp]  # the schools whose zone holds anything to compare with
    ranks: FacilityRanks  # of those


class Study:
    """The events of a question, around the schools of a town."""

    def __init__(self, on: Basis, where: Town, found: Events, hours: Events) -> None:
        """Put every well placed event at its nearest school.

        Parameters
        ----------
        on, where
            The profile, and the town.
        found
            Events with their shares of the window asked for.
        hours
            The same events with their shares of school hours.
        """
        self._on, self.town = on, where
        inside = found.placed & _in_town(where, found)
        self.imprecise = int(found.whole[~found.placed].sum())
        self.found, self.hours = found.where(inside), hours.where(inside)
        of = self.found.of
        self.nearest = rings.nearest_facility(of.x_m, of.y_m, where.at)

    @property
    def total(self) -> int:
        """Count the events that are compared, near a school or not."""
        return int(self.found.whole.sum())

    def ranked(self) -> Ranked:
        """Compare the zones of all schools."""
        held, ground = self._held(self.found.whole, ZONE), self._exposure(ZONE)
        sure = self._held(self.found.certain, ZONE)
        found = rings.ring_excess(held, ground)
        count, exposure = held.held[:, 0].astype(np.int64), ground.held[:, 0]
        exposed = np.flatnonzero(exposure > 0)
        in_hours = self._held(self.hours.whole, ZONE).held[:, 0].astype(np.int64)
        return Ranked(
            count=count,
            in_hours=in_hours,
            excess=found,
            judged=_judged(found, rings.ring_excess(sure, ground)),
            exposed=exposed,
            ranks=rings.rank_facilities(count[exposed], exposure[exposed]),
        )

    def around(self, row: int, period: tuple[datetime, datetime]) -> Around:
        """Look at one school, by its row."""
        held, ground = self._held(self.found.whole, RINGS), self._exposure(RINGS)
        found = rings.ring_excess(held, ground)
        judged = _judged(found, rings.ring_excess(self._held(self.found.certain, RINGS), ground))
        every = self.hours.of.count.astype(np.float64)
        in_hours = self._held(self.hours.whole, RINGS).held[row].astype(np.int64)
        in_all = self._tally(every, RINGS).held[row].astype(np.int64)
        first = row * in_all.size
        made = tuple(
            Ring(
                inner_m=RINGS.edges_m[n],
                outer_m=RINGS.edges_m[n + 1],
                count=int(found.count[first + n]),
                in_hours=int(in_hours[n]),
                outside=int(in_all[n] - in_hours[n]),
                expected=float(found.expected[first + n]),
                low=float(found.low[first + n]),
                high=float(found.high[first + n]),
                verdict=judged.of(first + n),
                reasons=judged.codes(first + n),
            )
            for n in range(in_all.size)
        )
        own = (self.nearest.facility == row) & (self.nearest.distance_m < ZONE_M)
        overlap = self._own_rings(row) - int(held.held[row].sum())
        school = self.town.schools[row]
        return Around(school, made, overlap, self.hours.where(own), self._contrast(row, period))

    def everywhere(self, period: tuple[datetime, datetime]) -> HoursContrast | None:
        """Compare school hours near any school with school hours elsewhere."""
        return self._hours(self.nearest.distance_m, period)

    def _contrast(self, row: int, period: tuple[datetime, datetime]) -> HoursContrast | None:
        """Compare school hours near one school with school hours outside every school's zone."""
        near = self.nearest.distance_m < ZONE_M
        own = near & (self.nearest.facility == row)
        kept = own | ~near
        away = np.where(own, self.nearest.distance_m, np.inf)
        return self._hours(away, period, kept)

    def _hours(
        self,
        distance_m: NDArray[np.float64],
        period: tuple[datetime, datetime],
        kept: NDArray[np.bool_] | None = None,
    ) -> HoursContrast | None:
        kept = np.ones(distance_m.shape, dtype=bool) if kept is None else kept
        try:
            return rings.hours_near(
                distance_m[kept],
                self.hours.of.count[kept],
                self.hours.share[kept],
                _lasting(self._on, period),
                HoursNear(near_m=ZONE_M),
            )
        except (TooFewObservations, InvalidParameter):
            return None  # nothing happened, the window is never open, or there is too much

    def _held(self, count: NDArray[np.int64], edges: Rings) -> rings.RingTally:
        return self._tally(count.astype(np.float64), edges)

    def _tally(self, weight: NDArray[np.float64], edges: Rings) -> rings.RingTally:
        of = self.found.of
        return rings.nearest_tally(of.x_m, of.y_m, weight, self.town.at, self.town.ground, edges)

    def _exposure(self, edges: Rings) -> rings.RingTally:
        where = self.town
        x_m, y_m = where.points.T
        return rings.nearest_tally(x_m, y_m, where.amount, where.at, where.ground, edges)

    def _own_rings(self, row: int) -> int:
        """Count all that lies around one school, also what is nearer another."""
        of, one = self.found.of, self.town.at[row : row + 1]
        weight = self.found.whole.astype(np.float64)
        found = rings.overlapping_tally(of.x_m, of.y_m, weight, one, self.town.ground, RINGS)
        return int(found.held.sum())


def study(connection: sa.Connection, on: Basis, question: Question) -> Study:
    """Read what is needed to answer a question about schools; its area is not looked at."""
    asked = replace(question, area_id=None)
    found = reported.found(connection, on, asked)
    hours = reported.in_window(found, on.reference.profile, HOURS)
    return Study(on, town(connection, on), found, hours)


def town(connection: sa.Connection, on: Basis) -> Town:
    """Lay out the schools and the ground that they are compared on."""
    profile = on.reference.profile
    schools = tuple(places.facilities(connection, SCHOOL))
    lonlat = np.array([(row.lon, row.lat) for row in schools]).reshape(-1, 2)
    outlines = [row.outline for row in on.reference.areas if row.kind == MUNICIPALITY]
    outline = shapely.union_all(outlines) if outlines else shapely.box(*profile.envelope)
    lon, lat = judging.known_points(connection)
    busy = None
    if lon.size:
        amount = np.ones(lon.shape)
    else:
        busy = _busy(connection, on)
        fine = cells.children(busy, cells.FINEST)
        lon, lat = cells.middles(fine)
        amount = cells.areas_m2(fine)
    return Town(
        schools=schools,
        at=_metres(lonlat, profile.metric_epsg),
        ground=shapely.transform(outline, lambda xy: _metres(xy, profile.metric_epsg)),
        points=_metres(np.column_stack([lon, lat]), profile.metric_epsg),
        amount=amount,
        busy=busy,
    )


def _busy(connection: sa.Connection, on: Basis) -> NDArray[np.int64]:
    """Find the ground where anything happens, as the run did."""
    kinds = tuple(each.code for each in on.reference.profile.categories if each.on_map)
    everything = reported.found(connection, on, Question(categories=kinds))
    placed = everything.where(everything.placed)
    if not placed.of.id.size:
        return np.empty(0, dtype=np.int64)
    own = cells.parents(placed.of.cell, judging.COARSE)
    return judging.busy_cells(own, placed.of.count)


def _in_town(where: Town, found: Events) -> NDArray[np.bool_]:
    """Tell which events lie on ground that is compared: (n,)."""
    inside = np.ones(found.share.shape, dtype=bool)
    if where.busy is not None and inside.size:
        known = found.of.cell != 0
        inside[known] = np.isin(cells.parents(found.of.cell[known], judging.COARSE), where.busy)
    return inside


def _metres(lonlat: NDArray[np.float64], epsg: int) -> NDArray[np.float64]:
    return np.column_stack(crs.transform(lonlat[:, 0], lonlat[:, 1], crs.WGS84, epsg))


def _judged(found: Excess, certain: Excess) -> Judgement:
    """Judge rings; what is raised must be so without the events whose time is uncertain."""
    surely = judge(certain).all_of(Verdict.ESTABLISHED)
    alone = judge(found).all_of(Verdict.ESTABLISHED)
    return judge(found, Support(certain=surely | ~alone))


def _lasting(on: Basis, period: tuple[datetime, datetime]) -> tuple[float, float]:
    """Give the hours of a period inside and outside school hours."""
    profile = on.reference.profile
    first, last = local_days(*period, profile.timezone)
    days = first, last + timedelta(days=1)
    edges = [np.array([each.replace(tzinfo=None)], dtype="datetime64[s]") for each in period]
    inside = float(reported.occurrences(profile, HOURS, days).shares(edges[0], edges[1])[0])
    hours = (period[1] - period[0]).total_seconds() / 3600
    return inside * hours, (1 - inside) * hours


def lonlat(metres: NDArray[np.float64], epsg: int) -> NDArray[np.float64]:
    """Turn (n, 2) metres into degrees."""
    return np.column_stack(crs.transform(metres[:, 0], metres[:, 1], epsg, crs.WGS84))


def outlines(school: FacilityRow, epsg: int, edges: Rings = RINGS) -> Sequence[shapely.Geometry]:
    """Draw the discs around a school in lon/lat, the widest first."""
    at = shapely.Point(_metres(np.array([[school.lon, school.lat]]), epsg)[0])
    reaches = edges.edges_m[:0:-1]
    discs = [at.buffer(reach, quad_segs=24) for reach in reaches]
    return [shapely.transform(disc, lambda xy: lonlat(xy, epsg)) for disc in discs]
