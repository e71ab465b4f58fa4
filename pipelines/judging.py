"""What may be said about areas, cells and clusters: verdicts over a run's whole period.

There are several grounds, and each unit is compared with the level of one. The town is everywhere
that anything could happen; each focus area is a ground of its own, for its cells. What a level is
*per* depends on what is known (docs/adr/0013):

- With an address register, per known place in the municipality: every address, venue, school and
  named place is one. The null is that each of them is equally likely to be the next one, and counts
  are tested exactly.
- Without, per square metre of the resolution-9 cells that had five events of any kind in the period
  and their neighbours: there is no level to speak of in a forest. A block of flats is then raised
  against the lawn beside it, so for cells the test allows for how much they differ by themselves.
  Areas are few and large, and tested exactly all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import shapely

from geo import areas, cells, stability, verdicts
from geo.verdicts import VERDICTS, Support, Verdict
from pipelines.derive import FOCUS_KINDS
from store import places
from store.verdicts import AREA, JUDGED, TOWN, VerdictTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa
    from numpy.typing import NDArray

    from geo.verdicts import Excess, Judgement
    from store.places import AreaRow

    Points: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]  # lon, lat
    Exposure: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
    Outline: TypeAlias = shapely.Polygon | shapely.MultiPolygon

COARSE = 9  # the resolution of the cells that make up the town
NAMED_KINDS = ("place", "bus_stop")
FACILITY_KINDS = ("school", "venue")
FEWEST = verdicts.Demands().minimum  # fewer events say nothing anywhere on a ground
REST = -1  # stands for the town outside the units of a kind
FINE = 10  # the resolution whose cells speak for the clusters on them
MOSTLY = 0.5  # of a cluster's events


@dataclass(frozen=True, slots=True)
class Held:
    """What stands on each of n places, or in each of n units."""

    count: NDArray[np.int64]  # whole events
    certain: NDArray[np.int64]  # those of them whose time lies wholly in the window


@dataclass(frozen=True, slots=True)
class About:
    """What verdicts are about."""

    ground: int
    window: str
    category: str
    resolution: int = AREA


@dataclass(frozen=True, slots=True)
class _Ground:
    """A study area and the places in it."""

    id: int
    inside: NDArray[np.intp]  # which of the run's places
    placed: stability.Placed | None  # None where nothing could happen


@dataclass(frozen=True, slots=True)
class _Kind:
    """Areas of one kind, which are compared with each other and with the rest of the town."""

    ids: list[int]
    exposure: list[float]  # of each; where two overlap, the smaller one's, like its events


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where things happen, and where they could: areas in lon/lat and points in degrees."""

    areas: Sequence[AreaRow]
    places: Points  # the p distinct places of the run
    events: NDArray[np.int64]  # (p,) of any kind on each
    known: Points  # addresses and all that has a name; none without an address register


def known_points(connection: sa.Connection) -> Points:
    """Give every address, facility and named place; none where there is no address register."""
    addresses = places.addresses(connection)
    if not addresses:
        return np.empty(0), np.empty(0)
    found = [(row.lon, row.lat) for row in addresses]
    found += [
        (row.lon, row.lat) for row in places.named_places(connection) if row.kind in NAMED_KINDS
    ]
    for kind in FACILITY_KINDS:
        found += [(row.lon, row.lat) for row in places.facilities(connection, kind)]
    lon, lat = np.unique(np.array(found), axis=0).T
    return lon, lat


class Court:
    """Judges everything of one run, on the same grounds."""

    def __init__(self, where: Surroundings) -> None:
        """Lay the grids over every ground, once."""
        self._index = cells.index(*where.places)
        self._fine = cells.parents(self._index, FINE)
        focus = [row for row in where.areas if row.kind in FOCUS_KINDS]
        districts = [row for row in where.areas if row.kind == "district"]
        self._municipality = _municipality(where.areas)
        self._busy: NDArray[np.int64] | None = None  # cells that make up the town; None: all of it
        if where.known[0].size:
            self._verdicts = stability.cell_verdicts
            known = where.known
            exposure = (*known, np.ones(known[0].shape) * self.in_town(*known))
        else:
            self._verdicts = stability.overdispersed_cell_verdicts
            self._busy = busy_cells(cells.parents(self._index, COARSE), where.events)
            fine = cells.children(self._busy, cells.FINEST)
            middles = cells.middles(fine)
            exposure = (*middles, cells.areas_m2(fine) * self.in_town(*middles))
        self._grounds = [_ground(TOWN, exposure, where.places, self.in_town(*where.places))]
        self._grounds += _grounds({row.id: row.outline for row in focus}, exposure, where.places)
        self._kinds = [_kind(rows, exposure) for rows in (focus, districts) if rows]
        self._town_exposure = float(exposure[2].sum())

    def in_town(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which points lie in the town that areas are compared with."""
        inside = np.not_equal(areas.locate(lon, lat, [self._municipality]), areas.NOWHERE)
        if self._busy is not None:
            known = np.isfinite(lon) & np.isfinite(lat) & inside
            own = cells.parents(cells.index(lon[known], lat[known]), COARSE)
            inside[known] = np.isin(own, self._busy)
        return inside

    def cells(
        self, window: str, category: str, held: Held
    ) -> tuple[list[VerdictTable], NDArray[np.int8]]:
        """Judge the cells of one window and category; `held` is per place.

        The second result is, for each place, the verdict (a position in `VERDICTS`) of the cell
        of resolution 10 that it stands in: on the focus area's ground where it lies in one.
        """
        judged: list[VerdictTable] = []
        said = np.full(self._fine.shape, VERDICTS.index(Verdict.TOO_FEW), dtype=np.int8)
        for ground in self._grounds:
            incidents = stability.Incidents(held.count[ground.inside], held.certain[ground.inside])
            if incidents.count.sum() < FEWEST:
                continue
            for each in self._on(ground, incidents):
                about = About(ground.id, window, category, each.resolution)
                judged.append(_table(about, each.cells, each.found, each.judgement))
                if each.resolution == FINE:
                    at = np.searchsorted(each.cells, self._fine[ground.inside])
                    said[ground.inside] = each.judgement.verdict[at]
        return judged, said

    def _on(
        self, ground: _Ground, incidents: stability.Incidents
    ) -> Sequence[stability.CellVerdicts]:
        """Judge the cells of one ground; where there is no exposure, nothing can be compared."""
        if ground.placed is not None:
            return self._verdicts(incidents, ground.placed)
        return [
            _without_exposure(self._index[ground.inside], incidents.count, resolution)
            for resolution in JUDGED
        ]

    def areas(
        self, window: str, category: str, held: dict[int, tuple[int, int]], town: tuple[int, int]
    ) -> list[VerdictTable]:
        """Judge the named areas among themselves, and the districts among themselves.

        `held` gives whole and certain events by area id, and `town` those of the whole town; no
        event may stand in two areas of a kind.
        """
        about = About(TOWN, window, category)
        return [self._partition(about, kind, held, town) for kind in self._kinds]

    def _partition(
        self,
        about: About,
        kind: _Kind,
        held: dict[int, tuple[int, int]],
        town: tuple[int, int],
    ) -> VerdictTable:
        """Compare the units of one kind with each other and with the rest of the town."""
        exposure = _with_rest(kind.exposure, self._town_exposure)
        count, certain = (
            _with_rest([held.get(i, (0, 0))[which] for i in kind.ids], town[which]).astype(np.int64)
            for which in (0, 1)
        )
        found = verdicts.excess(count, exposure)
        alone = verdicts.judge(found).all_of(Verdict.ESTABLISHED)
        surely = verdicts.judge(verdicts.excess(certain, exposure)).all_of(Verdict.ESTABLISHED)
        judgement = verdicts.judge(found, Support(certain=surely | ~alone))
        return _table(about, np.array([*kind.ids, REST]), found, judgement)


def cluster_verdicts(
    said: NDArray[np.int8], labels: NDArray[np.int64], count: NDArray[np.int64]
) -> list[str]:
    """Judge clusters by the cells under them: each is what most of its events stand in.

    `said` from `Court.cells`, `labels` (0, 1, ...; no noise) and `count` are those of p places.
    """
    kinds = len(VERDICTS)
    held = np.bincount(labels * kinds + said, count, (labels.max(initial=-1) + 1) * kinds)
    shares = held.reshape(-1, kinds) / held.reshape(-1, kinds).sum(axis=1, keepdims=True)
    most, share = shares.argmax(axis=1), shares.max(axis=1, initial=0)
    return [
        VERDICTS[verdict].value if part > MOSTLY else Verdict.UNCERTAIN.value
        for verdict, part in zip(most.tolist(), share.tolist(), strict=True)
    ]


def _table(
    about: About, unit: NDArray[np.int64], found: Excess, judgement: Judgement
) -> VerdictTable:
    """Put verdicts into rows; a unit with too few events has none, nor has an empty cell."""
    few = judgement.all_of(Verdict.TOO_FEW)
    shown = (found.count > 0) | (about.resolution == AREA)
    told = np.flatnonzero(~few & shown & (unit != REST))
    return VerdictTable(
        ground=np.full(told.size, about.ground),
        resolution=np.full(told.size, about.resolution),
        window=[about.window] * told.size,
        category=[about.category] * told.size,
        unit=unit[told],
        verdict=[judgement.of(i).value for i in told.tolist()],
        reasons=[" ".join(judgement.codes(i)) for i in told.tolist()],
        count=found.count[told],
        expected=found.expected[told],
        ratio_low=found.low[told],
        ratio_high=found.high[told],
        q=found.q[told],
    )


def joined(parts: Sequence[VerdictTable]) -> VerdictTable:
    """Put tables together."""

    def column(name: str) -> NDArray[Any]:
        values = [getattr(part, name) for part in parts]
        return np.concatenate(values) if values else np.empty(0)

    def words(name: str) -> list[str]:
        return [word for part in parts for word in getattr(part, name)]

    return VerdictTable(
        ground=column("ground"),
        resolution=column("resolution"),
        window=words("window"),
        category=words("category"),
        unit=column("unit"),
        verdict=words("verdict"),
        reasons=words("reasons"),
        count=column("count"),
        expected=column("expected"),
        ratio_low=column("ratio_low"),
        ratio_high=column("ratio_high"),
        q=column("q"),
    )


def _municipality(rows: Sequence[AreaRow]) -> Outline:
    """Give the municipality, or everywhere where the profile does not say."""
    borders = [row.outline for row in rows if row.kind == "municipality"]
    found: Outline = shapely.union_all(borders) if borders else shapely.box(-180, -90, 180, 90)
    return found


def busy_cells(own: NDArray[np.int64], events: NDArray[np.int64]) -> NDArray[np.int64]:
    """Find the cells with some events, and their neighbours: (m,) ascending.

    `own` and `events` are the cell of each row and how many events it stands for.
    """
    held, row = np.unique(own, return_inverse=True)
    busy = held[np.bincount(row, events, held.size) >= FEWEST]
    near = np.unique(cells.disks(busy, 1))
    return np.asarray(near[near != 0], dtype=np.int64)


def _kind(rows: Sequence[AreaRow], exposure: Exposure) -> _Kind:
    """Add up what each area of one kind holds of the exposure."""
    lon, lat, amount = exposure
    holder = areas.locate(lon, lat, [row.outline for row in rows])
    known = holder != areas.NOWHERE
    held = np.bincount(holder[known], amount[known], len(rows))
    return _Kind([row.id for row in rows], held.tolist())


def _grounds(outlines: dict[int, Outline], exposure: Exposure, places: Points) -> list[_Ground]:
    """Find the places and the exposure inside outlines, and put them under every grid.

    Where two overlap, the smaller one has both, as it has the events.
    """
    lon, lat, amount = exposure
    shapes = list(outlines.values())
    holder, under = areas.locate(lon, lat, shapes), areas.locate(*places, shapes)
    return [
        _ground(key, (lon, lat, amount * (holder == which)), places, under == which)
        for which, key in enumerate(outlines)
    ]


def _ground(key: int, exposure: Exposure, places: Points, which: NDArray[np.bool_]) -> _Ground:
    """Put some of the places, and the exposure where there is any, under every grid."""
    lon, lat, amount = exposure
    there, inside = np.flatnonzero(amount > 0), np.flatnonzero(which)
    if not there.size:
        return _Ground(key, inside, None)
    grids = stability.lay_grids(lon[there], lat[there], amount[there])
    return _Ground(key, inside, stability.place(places[0][inside], places[1][inside], grids))


def _without_exposure(
    index: NDArray[np.int64], count: NDArray[np.int64], resolution: int
) -> stability.CellVerdicts:
    """Say of each cell that holds any of p places that there is nothing to compare it with."""
    held, row = np.unique(cells.parents(index, resolution), return_inverse=True)
    events = np.bincount(row, count, held.size).astype(np.int64)
    found = verdicts.excess(events, np.zeros(held.shape))
    nothing = np.zeros(held.shape, dtype=np.int64)
    return stability.CellVerdicts(resolution, held, found, nothing, verdicts.judge(found))


def _with_rest(parts: Sequence[float], total: float) -> NDArray[np.float64]:
    """Add what is left of a total; overlapping units leave nothing rather than less."""
    return np.array([*parts, max(total - sum(parts), 0)], dtype=np.float64)
