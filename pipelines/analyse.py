"""Analyse: from stored incidents to counts per cell and area, clusters, and verdicts on them."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geo import areas, cells, clusters, counting, crs, windows
from geo.clusters import Density
from geo.errors import Conflict, InvalidParameter, TooFewObservations
from geo.places import collapse
from pipelines import collector, judging
from pipelines.derive import FOCUS_KINDS, PRECISE_M, Deriver
from pipelines.judging import Court, Held
from pipelines.naming import Namer
from pipelines.periods import local_days
from pipelines.publish import Findings, publish
from store import imports, incidents, places, runs
from store.layers import ANYWHERE, AreaTable, CellTable, NewCluster
from store.runs import NEWEST, Provenance, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import sqlalchemy as sa
    from numpy.typing import NDArray

    from geo.clusters import Summary
    from geo.places import Places
    from geo.profile import Profile
    from store.db import Store
    from store.incidents import Sample
    from store.verdicts import VerdictTable

SCHOOL_RINGS_M = (100, 300, 500)
TOTAL = ""  # the category of clusters of everything that belongs to the total
MONTHS = 36
LONGEST_EPS_M = 5_000.0  # beyond this every town is one cluster


@dataclass(frozen=True, slots=True)
class Parameters:
    """What an analyst may choose; everything is stored with the run."""

    months: tuple[str, str] | None = None  # "2023-01", "2025-12"; else the last three years
    tolerance_m: float = PRECISE_M  # points less certain than this enter no cell and no cluster
    eps_m: float = 50.0
    min_samples: int = 5

    def __post_init__(self) -> None:
        """Refuse a tolerance with which nothing, or something undefined, would be on the map."""
        if self.eps_m > LONGEST_EPS_M:
            raise InvalidParameter("eps-too-long", eps_m=self.eps_m, longest_m=LONGEST_EPS_M)
        if not 0 < self.tolerance_m < np.inf:
            raise InvalidParameter("tolerance-not-positive", tolerance_m=self.tolerance_m)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The run in force after an analysis, and whether it is a new one."""

    run: Run
    changed: bool
    first_day: date  # local, both included
    last_day: date
    cells: int
    clusters: int
    calendar: tuple[date, date] | None  # days outside which a window of school terms is empty


def analyse(
    store: Store,
    parameters: Parameters,
    now: datetime,
    progress: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Count, cluster and publish; the map changes in one step, or not at all.

    The same incidents, profile, parameters and code give the run that is already in force.

    Raises
    ------
    NotFound
        No place profile was loaded.
    TooFewObservations
        No incident is stored, or none in the months asked for.
    """
    with collector.paused(), store.read() as connection:
        study = _Study(connection, parameters, progress)
        provenance = study.provenance(now)
        standing = runs.current(connection)
        if standing is not None and _same(connection, standing, provenance):
            return _outcome(connection, standing, study.profile, changed=False)
        found = Findings(
            cells=study.cell_table(),
            areas=study.area_table(),
            clusters=study.clusters(),
            verdicts=study.verdicts(),
            total=study.total,
        )
    progress("publish")
    with collector.paused(), store.write_alone() as connection:
        _require_unchanged(connection, standing, study.revision)
        run = publish(connection, provenance, found)
        return _outcome(connection, run, study.profile, changed=True)


def _require_unchanged(connection: sa.Connection, standing: Run | None, revision: int) -> None:
    """Refuse to put an analysis of older places, or behind a newer analysis, in force."""
    newest = runs.current(connection)
    if (newest and newest.id) != (standing and standing.id):
        raise Conflict("analysed-meanwhile")
    if places.revision(connection) != revision:
        raise Conflict("places-changed-meanwhile")


def _outcome(connection: sa.Connection, run: Run, profile: Profile, *, changed: bool) -> Outcome:
    first, last = local_days(run.period_start, run.period_end, profile.timezone)
    layers = runs.layers(connection, run.id)
    known = _calendar(profile)
    covered = known is None or (known[0] <= first and last <= known[1])
    return Outcome(
        run,
        changed,
        first,
        last,
        layers["cells"].n,
        layers["clusters"].n,
        calendar=None if covered else known,
    )


def _calendar(profile: Profile) -> tuple[date, date] | None:
    """Tell which days the school terms cover; None where no window depends on them."""
    if not profile.terms or not any(window.term_only for window in profile.windows):
        return None
    return profile.terms[0][0], profile.terms[-1][1] - timedelta(days=1)


def _same(connection: sa.Connection, standing: Run, wanted: Provenance) -> bool:
    """Tell whether a run is the wanted one; one that is older than verdicts lacks them."""
    if "verdicts" not in runs.layers(connection, standing.id):
        return False
    return (standing.input_digest, standing.code_version, standing.parameters) == (
        wanted.input_digest,
        wanted.code_version,
        wanted.parameters,
    )


class _Study:
    """Everything an analysis looks at, read once."""

    def __init__(
        self, connection: sa.Connection, parameters: Parameters, progress: Callable[[str], None]
    ) -> None:
        self.parameters = parameters
        self.density = Density(parameters.eps_m, parameters.min_samples)
        self._progress = progress
        self._deriver = Deriver(connection)
        profile = self._deriver.profile
        self.profile = profile
        self.revision = self._deriver.revision
        self.total = tuple(c.code for c in profile.categories if c.in_total and c.on_map)
        self.categories = tuple(c.code for c in profile.categories if c.on_map)
        self.start, self.end = _period(connection, parameters, profile.timezone)
        progress("read")
        self.all = sample_of(connection, self.start, self.end)
        self._newest = incidents.newest_id(connection)
        self.synthetic = imports.any_synthetic(connection)
        self.usable = enters_cells(self.all, parameters.tolerance_m)
        self.shown = self.all.on_map
        self.category_no = _numbered(self.all.category, self.categories)
        self.month = windows.months(self.all.starts_at, profile.timezone).astype(np.int64)
        self._openings = dict(
            zip(
                (window.name for window in profile.windows),
                self._deriver.openings(self.all.starts_at, self.all.ends_at),
                strict=True,
            )
        )
        self._namer = Namer(connection, profile)
        every_area = places.areas(connection)
        self._outlines = [a for a in every_area if a.kind in FOCUS_KINDS]
        self._core = [a.outline for a in self._outlines if a.kind == "nightlife"]
        schools = places.facilities(connection, "school")
        lon, lat = np.array([s.lon for s in schools]), np.array([s.lat for s in schools])
        self._schools = np.column_stack(crs.transform(lon, lat, crs.WGS84, profile.metric_epsg))
        at = collapse(self.all.x_m[self.usable], self.all.y_m[self.usable])
        self._points = _Points(at, self.all.count[self.usable], self.category_no[self.usable])
        self._lonlat = crs.transform(at.x_m, at.y_m, profile.metric_epsg, crs.WGS84)
        events = np.bincount(at.inverse, self._points.count, at.x_m.size).astype(np.int64)
        known = judging.known_points(connection)
        where = judging.Surroundings(every_area, self._lonlat, events, known)
        self._court = Court(where)
        self._judged: list[VerdictTable] = []

    def provenance(self, now: datetime) -> Provenance:
        """Say what went in and how, so that the run can be cited and computed again."""
        counted = self.all.count
        return Provenance(
            created_at=now,
            period_start=self.start,
            period_end=self.end,
            code_version=version("lagesbild"),
            input_digest=self._digest(),
            parameters={
                **json.loads(json.dumps(asdict(self.parameters))),
                "profile_revision": self.revision,
                NEWEST: self._newest,
            },
            synthetic=self.synthetic,
            n_incidents=int(counted[self.shown].sum()),
            n_unplaced=int(counted[self.shown & (self.all.cell == 0)].sum()),
            n_imprecise=int(counted[self.shown & (self.all.cell != 0) & ~self.usable].sum()),
            n_excluded=int(counted[~self.shown].sum()),
        )

    def _digest(self) -> str:
        digest = hashlib.sha256(repr(self._deriver.profile).encode())
        digest.update(f"{self._deriver.revision} {self.start} {self.end}".encode())
        for values in (
            self.all.id,
            self.all.count,
            self.all.starts_at.astype(np.int64),
            self.all.ends_at.astype(np.int64),
            self.all.cell,
            self.all.area_id,
            self.all.district_id,
            self.usable,
            self.category_no,
        ):
            digest.update(np.ascontiguousarray(values).tobytes())
        return digest.hexdigest()

    def _shares(self, which: NDArray[np.bool_]) -> Iterator[tuple[str, NDArray[np.float64]]]:
        """Give each window's share of the selected incidents."""
        for name, opening in self._openings.items():
            yield name, opening.shares(self.all.starts_at[which], self.all.ends_at[which])

    def cell_table(self) -> CellTable:
        """Count per window, area, district, cell, month and category."""
        self._progress("cells")
        which = self.usable
        keys = (
            self.all.area_id[which],
            self.all.district_id[which],
            self.all.cell[which],
            self.month[which],
            self.category_no[which],
        )
        events = self.all.count[which]
        parts = [(name, counting.tally(keys, events, share)) for name, share in self._shares(which)]
        parts.sort(key=lambda part: part[0])
        columns = [np.concatenate([part.keys[i] for _, part in parts]) for i in range(5)]
        return CellTable(
            window=[name for name, part in parts for _ in range(part.count.size)],
            area_id=columns[0],
            district_id=columns[1],
            cell=columns[2],
            month=columns[3],
            category=[self.categories[number] for number in columns[4].tolist()],
            count=np.concatenate([part.count for _, part in parts]),
            weight=np.concatenate([part.weight for _, part in parts]),
        )

    def area_table(self) -> AreaTable:
        """Count per window, area, month and category, whatever the precision of the place."""
        self._progress("areas")
        everywhere = np.full(self.all.id.shape, ANYWHERE, dtype=np.int64)
        parts = []
        for area in (everywhere, self.all.area_id, self.all.district_id):
            which = self.shown & ((area != ANYWHERE) | (area is everywhere))
            keys = (area[which], self.month[which], self.category_no[which])
            events = self.all.count[which]
            parts += [(name, counting.tally(keys, events, s)) for name, s in self._shares(which)]
        parts.sort(key=lambda part: part[0])
        columns = [np.concatenate([part.keys[i] for _, part in parts]) for i in range(3)]
        return AreaTable(
            window=[name for name, part in parts for _ in range(part.count.size)],
            area_id=columns[0],
            month=columns[1],
            category=[self.categories[number] for number in columns[2].tolist()],
            count=np.concatenate([part.count for _, part in parts]),
            weight=np.concatenate([part.weight for _, part in parts]),
        )

    def clusters(self) -> list[NewCluster]:
        """Find clusters for every scope, window, and for the total and each category.

        The cells of each window and category are judged on the way: they speak for the clusters.
        """
        self._progress("clusters")
        at = self._points.places
        scopes = self._scopes(at)
        kinds = self._kinds(self._points.category_no)
        found: list[_Found] = []
        for window, share in self._shares(self.usable):
            for category, of_kind in kinds:
                held = self._points.held(of_kind, share)
                whole = Held(held.events, held.certain)
                judged, under = self._court.cells(window, category, whole)
                self._judged += judged
                for scope, inside in scopes:
                    about = (scope, window, category)
                    summaries = self._summaries(at, held, inside)
                    there, labels, events = summaries.members
                    said = judging.cluster_verdicts(under[there], labels, events)
                    found += [
                        _Found(*about, summary, said[summary.label])
                        for summary in summaries.clusters
                    ]
        return self._named(found)

    def _kinds(self, category_no: NDArray[np.int64]) -> list[tuple[str, NDArray[np.bool_]]]:
        """Tell which rows belong to the total, and which to each category."""
        in_total = np.isin(category_no, [self.categories.index(code) for code in self.total])
        return [(TOTAL, in_total)] + [
            (code, category_no == number) for number, code in enumerate(self.categories)
        ]

    def _scopes(self, at: Places) -> list[tuple[str, NDArray[np.bool_]]]:
        """Tell for each place whether it belongs to a scope."""
        to_school, _ = areas.nearest_m(at.x_m, at.y_m, self._schools)
        return [
            ("all", np.ones(at.x_m.shape, dtype=bool)),
            *((f"school-{ring}", to_school <= ring) for ring in SCHOOL_RINGS_M),
            ("core", areas.locate(*self._lonlat, self._core) != areas.NOWHERE),
        ]

    def _summaries(self, at: Places, held: _Held, inside: NDArray[np.bool_]) -> _Clustered:
        """Cluster the places of one scope that hold events."""
        there = np.flatnonzero(inside & (held.events > 0))
        events = held.events[there]
        if events.sum() < self.density.min_samples:
            there, events = there[:0], events[:0]
        xy = at.x_m[there], at.y_m[there]
        labels = clusters.dbscan(*xy, events, self.density)
        member = labels != clusters.NOISE
        return _Clustered(
            clusters.summarise(xy, labels, events, held.weight[there]),
            (there[member], labels[member], events[member]),
        )

    def _named(self, found: list[_Found]) -> list[NewCluster]:
        """Give clusters their place on the globe, their area and a readable name."""
        epsg = self._deriver.profile.metric_epsg
        x_m = np.array([each.summary.x_m for each in found])
        y_m = np.array([each.summary.y_m for each in found])
        lon, lat = crs.transform(x_m, y_m, epsg, crs.WGS84)
        where = areas.locate(lon, lat, [area.outline for area in self._outlines]).tolist()
        names = self._namer.names(x_m, y_m)

        def to_degrees(metres: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.column_stack(crs.transform(metres[:, 0], metres[:, 1], epsg, crs.WGS84))

        hulls = shapely.transform(
            np.array([each.summary.hull for each in found], dtype=object), to_degrees
        )
        return [
            NewCluster(
                scope=each.scope,
                window=each.window,
                category=each.category,
                label=each.summary.label,
                rank=each.summary.rank,
                count=each.summary.count,
                weight=each.summary.weight,
                places=each.summary.places,
                lon=float(lon[i]),
                lat=float(lat[i]),
                name=names[i],
                area_id=self._outlines[where[i]].id if where[i] != areas.NOWHERE else ANYWHERE,
                hull=hulls[i],
                verdict=each.verdict,
            )
            for i, each in enumerate(found)
        ]

    def verdicts(self) -> VerdictTable:
        """Judge the areas, and put them beside the cells that were judged."""
        self._progress("verdicts")
        named = (self.all.area_id != ANYWHERE) | (self.all.district_id != ANYWHERE)
        which = self.shown & (named | self._in_town())
        events = self.all.count[which]
        kinds = self._kinds(self.category_no[which])
        for window, share in self._shares(which):
            whole, certain = _whole(events, share)
            for category, of_kind in kinds:
                held = {
                    area: pair
                    for column in (self.all.area_id, self.all.district_id)
                    for area, pair in _per_area(column[which], of_kind, whole, certain).items()
                }
                town = int(whole[of_kind].sum()), int(certain[of_kind].sum())
                self._judged += self._court.areas(window, category, held, town)
        return judging.joined(self._judged)

    def _in_town(self) -> NDArray[np.bool_]:
        """Tell which incidents are known to lie in the town, by the middle of their cell.

        They count however vague their place is, like those in the areas that the town is compared
        with; a pile tells nothing, and is in no area either.
        """
        known = np.flatnonzero((self.all.cell != 0) & ~self.all.pile)
        held, row = np.unique(self.all.cell[known], return_inverse=True)
        found = np.zeros(self.all.cell.shape, dtype=bool)
        found[known] = self._court.in_town(*cells.middles(held))[row]
        return found


@dataclass(frozen=True, slots=True)
class _Found:
    """A cluster and what it is a cluster of."""

    scope: str
    window: str
    category: str
    summary: Summary
    verdict: str


@dataclass(frozen=True, slots=True)
class _Clustered:
    """The clusters of some places, and the places that are in one."""

    clusters: list[Summary]
    members: tuple[NDArray[np.intp], NDArray[np.int64], NDArray[np.int64]]  # place, label, events


@dataclass(frozen=True, slots=True)
class _Held:
    """What stands on each of p places."""

    events: NDArray[np.int64]  # whole
    weight: NDArray[np.float64]
    certain: NDArray[np.int64]  # of the whole ones: those wholly in the window


@dataclass(frozen=True, slots=True)
class _Points:
    """Usable incidents on their distinct places."""

    places: Places
    count: NDArray[np.int64]
    category_no: NDArray[np.int64]

    def held(self, of_kind: NDArray[np.bool_], share: NDArray[np.float64]) -> _Held:
        """Add up whole events, weights and certain events on each place."""
        size = self.places.x_m.size
        whole, certain = _whole(self.count, share)
        chosen = np.flatnonzero(of_kind & (whole > 0))
        place = self.places.inverse[chosen]

        def added(values: NDArray[np.int64] | NDArray[np.float64]) -> NDArray[np.float64]:
            return np.bincount(place, values, size).astype(np.float64)

        return _Held(
            added(whole[chosen]).astype(np.int64),
            added(self.count[chosen] * share[chosen]),
            added(certain[chosen]).astype(np.int64),
        )


def _whole(
    events: NDArray[np.int64], share: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Tell how many events count as inside, and how many of them surely are: (n,) each."""
    return events * (share >= windows.WHOLE_EVENT_SHARE), events * (share >= 1)


def _per_area(
    area: NDArray[np.int64],
    of_kind: NDArray[np.bool_],
    whole: NDArray[np.int64],
    certain: NDArray[np.int64],
) -> dict[int, tuple[int, int]]:
    """Add up whole and certain events by area."""
    ids, row = np.unique(area[of_kind], return_inverse=True)
    counts = np.bincount(row, whole[of_kind], ids.size).astype(np.int64)
    sure = np.bincount(row, certain[of_kind], ids.size).astype(np.int64)
    pairs = zip(counts.tolist(), sure.tolist(), strict=True)
    return {key: pair for key, pair in zip(ids.tolist(), pairs, strict=True) if key != ANYWHERE}


def enters_cells(sample: Sample, tolerance_m: float) -> NDArray[np.bool_]:
    """Tell which incidents may enter cells, clusters and surfaces: known well enough where."""
    known = (sample.cell != 0) & (sample.uncertainty_m <= tolerance_m)
    inside: NDArray[np.bool_] = sample.on_map & known & ~sample.pile
    return inside


def _period(
    connection: sa.Connection, parameters: Parameters, timezone: str
) -> tuple[datetime, datetime]:
    """Choose the days: the months asked for, or the last three years of what is stored.

    The last three years end with the day of the latest event, not with its month: a period must
    not promise days that nobody has reported from yet.
    """
    days = (
        _stored_days(connection, timezone)
        if parameters.months is None
        else _asked_days(parameters.months)
    )
    borders, _ = windows.to_utc(np.array(days).astype("datetime64[s]"), timezone)
    start, end = (border.astype(object).replace(tzinfo=UTC) for border in borders)
    return start, end


def _stored_days(connection: sa.Connection, timezone: str) -> tuple[np.datetime64, np.datetime64]:
    span = incidents.span(connection)
    if span is None:
        raise TooFewObservations("no-incidents")
    edges = np.array([edge.replace(tzinfo=None) for edge in span], dtype="datetime64[s]")
    earliest, latest = windows.to_local(edges, timezone)
    first = max(latest.astype("datetime64[M]") + 1 - MONTHS, earliest.astype("datetime64[M]"))
    return first.astype("datetime64[D]"), latest.astype("datetime64[D]") + 1


_A_MONTH = re.compile(r"(19|20)\d{2}-(0[1-9]|1[0-2])")


def _asked_days(months: tuple[str, str]) -> tuple[np.datetime64, np.datetime64]:
    if not all(map(_A_MONTH.fullmatch, months)):
        raise InvalidParameter("months", value=" ".join(months))
    first, last = (np.datetime64(month, "M") for month in months)
    if first > last:
        raise InvalidParameter("months", value=" ".join(months))
    return first.astype("datetime64[D]"), (last + 1).astype("datetime64[D]")


def sample_of(connection: sa.Connection, start: datetime, end: datetime) -> Sample:
    """Read the incidents of a period.

    Raises
    ------
    TooFewObservations
        There are none.
    """
    parts = list(incidents.samples(connection, start, end))
    if not parts:
        raise TooFewObservations("no-incidents-in-period")
    first = parts[0]
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in first.__slots__
    }
    return type(first)(**columns)


def _numbered(codes: NDArray[np.object_], known: tuple[str, ...]) -> NDArray[np.int64]:
    """Give each code its number among the known ones; -1 for others, which reach no layer."""
    numbers = {code: number for number, code in enumerate(known)}
    return np.fromiter((numbers.get(code, -1) for code in codes), np.int64, codes.size)
