"""What may be said about areas, cells and clusters: verdicts over a run's whole period.

The study area is the town: every district, priority area and core together, or the whole
municipality where the profile has no districts. An area is compared with the town's level per
square metre; so is a cell, allowing for how much cells differ by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geo import areas, cells, crs, stability, verdicts
from geo.verdicts import VERDICTS, Support, Verdict
from store.verdicts import AREA, VerdictTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geo.profile import Profile
    from geo.verdicts import Excess, Judgement
    from store.places import AreaRow

TOWN_KINDS = ("district", "priority", "nightlife")
FOCUS_KINDS = ("priority", "nightlife")
FINE = 10  # the resolution whose cells speak for the clusters on them
MOSTLY = 0.5  # of a cluster's events


@dataclass(frozen=True, slots=True)
class Held:
    """What stands on each of n places or units."""

    count: NDArray[np.int64]  # whole events
    certain: NDArray[np.int64]  # those of them whose time lies wholly in the window


@dataclass(frozen=True, slots=True)
class Found:
    """The verdicts of one window and category."""

    window: str
    category: str
    resolution: int  # 0 for areas
    unit: NDArray[np.int64]
    excess: Excess
    judgement: Judgement


class Court:
    """Judges everything of one run in the same study area."""

    def __init__(
        self,
        rows: Sequence[AreaRow],
        profile: Profile,
        lon: NDArray[np.float64],
        lat: NDArray[np.float64],
    ) -> None:
        """Lay the grids over the study area, once, and find the places in it.

        `lon` and `lat` are the p distinct places of the run.
        """
        self._town = _town(rows, profile)
        to_metres = _projection(profile.metric_epsg)
        self._town_m2 = shapely.transform(self._town, to_metres).area
        self._units = [
            [row for row in rows if row.kind in FOCUS_KINDS],
            [row for row in rows if row.kind == "district"],
        ]
        self._unit_m2 = {
            row.id: shapely.transform(row.outline, to_metres).area
            for rows_of in self._units
            for row in rows_of
        }
        cover = cells.cover(self._town, cells.FINEST)
        middles = cells.centres(cover.cells)
        self._grids = stability.lay_grids(*middles, cover.area_m2 * cover.share)
        self._inside = areas.locate(lon, lat, [self._town]) != areas.NOWHERE
        self._seen = stability.see(lon[self._inside], lat[self._inside], self._grids)
        self._fine = cells.parents(cells.index(lon, lat), FINE)

    def cells(self, window: str, category: str, held: Held) -> list[Found]:
        """Judge the cells of one window and category; `held` is per place."""
        inside = Held(held.count[self._inside], held.certain[self._inside])
        judged = stability.overdispersed_cell_verdicts(inside.count, inside.certain, self._seen)
        return [
            Found(window, category, each.resolution, each.cells, each.found, each.judgement)
            for each in judged
        ]

    def areas(self, window: str, category: str, held: dict[int, tuple[int, int]]) -> list[Found]:
        """Judge the named areas, and the districts, of one window and category.

        `held` gives whole and certain events by area id; each event in one focus area at most and
        in one district at most, and 0 for the whole town.
        """
        return [self._partition(window, category, units, held) for units in self._units if units]

    def _partition(
        self,
        window: str,
        category: str,
        units: list[AreaRow],
        held: dict[int, tuple[int, int]],
    ) -> Found:
        """Compare units of one kind with each other and with the rest of the town."""
        ids = [unit.id for unit in units]
        whole, sure = (
            _with_rest([held.get(i, (0, 0))[which] for i in ids], held.get(0, (0, 0))[which])
            for which in (0, 1)
        )
        m2 = _with_rest([self._unit_m2[i] for i in ids], self._town_m2)
        excess = verdicts.excess(whole.astype(np.int64), m2)
        surely = verdicts.judge(verdicts.excess(sure.astype(np.int64), m2))
        support = Support(certain=surely.all_of(Verdict.ESTABLISHED))
        judgement = verdicts.judge(excess, support)
        unit = np.array([*ids, REST], dtype=np.int64)
        return Found(window, category, AREA, unit, excess, judgement)

    def cluster(
        self, judged: Sequence[Found], members: NDArray[np.intp], count: NDArray[np.int64]
    ) -> str:
        """Judge a cluster by the cells under it: most of its events must lie in cells so called.

        `members` are its places and `count` the events on them.
        """
        found = next((each for each in judged if each.resolution == FINE), None)
        if found is None or not count.sum():
            return Verdict.TOO_FEW
        at = np.searchsorted(found.unit, self._fine[members])
        known = at < found.unit.size
        at = np.where(known, at, 0)
        known &= found.unit[at] == self._fine[members]
        ranks = np.where(known, found.judgement.verdict[at], VERDICTS.index(Verdict.TOO_FEW))
        for verdict in (Verdict.ESTABLISHED, Verdict.UNCERTAIN, Verdict.NOT_RAISED):
            reached = ranks == VERDICTS.index(verdict)
            if count[reached].sum() > MOSTLY * count.sum():
                return verdict
        return Verdict.UNCERTAIN


REST = -1  # the town outside the units of a kind


def _town(rows: Sequence[AreaRow], profile: Profile) -> shapely.Geometry:
    """Find the study area."""
    kinds = TOWN_KINDS if any(row.kind == "district" for row in rows) else ("municipality",)
    outlines = [row.outline for row in rows if row.kind in kinds]
    return shapely.union_all(outlines) if outlines else shapely.box(*profile.envelope)


def _with_rest(parts: Sequence[float], total: float) -> NDArray[np.float64]:
    """Add what is left of a total; overlapping units leave nothing rather than less."""
    return np.array([*parts, max(total - sum(parts), 0)], dtype=np.float64)
