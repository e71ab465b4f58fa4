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
from pipelines.derive import FOCUS_KINDS
from store.verdicts import AREA, VerdictTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geo.profile import Profile
    from geo.verdicts import Excess, Judgement
    from store.places import AreaRow

TOWN_KINDS = ("district", *FOCUS_KINDS)
REST = -1  # stands for the town outside the units of a kind
FINE = 10  # the resolution whose cells speak for the clusters on them
MOSTLY = 0.5  # of a cluster's events


@dataclass(frozen=True, slots=True)
class Held:
    """What stands on each of n places, or in each of n units."""

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
    """Judges everything of one run, in the same study area."""

    def __init__(
        self,
        rows: Sequence[AreaRow],
        profile: Profile,
        lonlat: tuple[NDArray[np.float64], NDArray[np.float64]],
    ) -> None:
        """Lay the grids over the study area, once; `lonlat` are the run's p distinct places."""
        town = _town(rows, profile)
        self._lon, self._lat = lonlat
        self._inside = areas.locate(*lonlat, [town]) != areas.NOWHERE
        self._fine = cells.parents(cells.index(*lonlat), FINE)
        self._grids = stability.lay_grids_over(town)
        self._kinds = [
            [row for row in rows if row.kind in kinds] for kinds in (FOCUS_KINDS, ("district",))
        ]
        self._m2 = {row.id: _square_metres(row.outline, profile) for row in rows}
        self._town_m2 = _square_metres(town, profile)

    def cells(self, window: str, category: str, held: Held) -> list[Found]:
        """Judge the cells of one window and category; `held` is per place."""
        which = np.flatnonzero(self._inside & (held.count > 0))
        incidents = stability.Incidents(
            self._lon[which], self._lat[which], held.count[which], held.certain[which]
        )
        judged = stability.overdispersed_cell_verdicts(incidents, self._grids)
        return [
            Found(window, category, each.resolution, each.cells, each.found, each.judgement)
            for each in judged
        ]

    def areas(
        self, window: str, category: str, held: dict[int, tuple[int, int]], town: tuple[int, int]
    ) -> list[Found]:
        """Judge the named areas among themselves, and the districts among themselves.

        `held` gives whole and certain events by area id, and `town` those of the whole town; no
        event may stand in two areas of a kind.
        """
        return [
            self._partition(window, category, [row.id for row in rows], held, town)
            for rows in self._kinds
            if rows
        ]

    def _partition(
        self,
        window: str,
        category: str,
        ids: list[int],
        held: dict[int, tuple[int, int]],
        town: tuple[int, int],
    ) -> Found:
        """Compare the units of one kind with each other and with the rest of the town."""
        m2 = _with_rest([self._m2[i] for i in ids], self._town_m2)
        count, certain = (
            _with_rest([held.get(i, (0, 0))[which] for i in ids], town[which]).astype(np.int64)
            for which in (0, 1)
        )
        found = verdicts.excess(count, m2)
        alone = verdicts.judge(found).all_of(Verdict.ESTABLISHED)
        surely = verdicts.judge(verdicts.excess(certain, m2)).all_of(Verdict.ESTABLISHED)
        judgement = verdicts.judge(found, Support(certain=surely | ~alone))
        return Found(window, category, AREA, np.array([*ids, REST]), found, judgement)

    def clusters(
        self,
        judged: Sequence[Found],
        places: NDArray[np.intp],
        labels: NDArray[np.int64],
        count: NDArray[np.int64],
    ) -> list[str]:
        """Judge clusters by the cells under them: each is what most of its events stand in.

        `judged` are the cells of their window and category; `places` the numbers of p places,
        `labels` and `count` the cluster (0, 1, ...; no noise) and the events of each.
        """
        found = next(each for each in judged if each.resolution == FINE)
        fine = self._fine[places]
        at = np.minimum(np.searchsorted(found.unit, fine), found.unit.size - 1)
        said = np.where(
            found.unit[at] == fine,
            found.judgement.verdict[at],
            VERDICTS.index(Verdict.TOO_FEW),
        )
        kinds = len(VERDICTS)
        held = np.bincount(labels * kinds + said, count, (labels.max(initial=-1) + 1) * kinds)
        shares = held.reshape(-1, kinds) / held.reshape(-1, kinds).sum(axis=1, keepdims=True)
        most, share = shares.argmax(axis=1), shares.max(axis=1)
        return [
            VERDICTS[verdict].value if part > MOSTLY else Verdict.UNCERTAIN.value
            for verdict, part in zip(most.tolist(), share.tolist(), strict=True)
        ]


def table(judged: Sequence[Found]) -> VerdictTable:
    """Put verdicts into rows; a unit with too few events, or with none, has no row."""
    kept = [_told(each) for each in judged]

    def column(name: str) -> NDArray[np.float64]:
        parts = [getattr(each.excess, name)[told] for each, told in zip(judged, kept, strict=True)]
        return np.concatenate([np.empty(0), *parts])

    def repeated(name: str) -> list[str]:
        return [
            getattr(each, name)
            for each, told in zip(judged, kept, strict=True)
            for _ in range(told.size)
        ]

    pairs = [
        (each.judgement, unit) for each, told in zip(judged, kept, strict=True) for unit in told
    ]
    return VerdictTable(
        resolution=np.array(repeated("resolution"), dtype=np.int64),
        window=repeated("window"),
        category=repeated("category"),
        unit=np.concatenate(
            [
                np.empty(0, dtype=np.int64),
                *(each.unit[told] for each, told in zip(judged, kept, strict=True)),
            ]
        ),
        verdict=[judgement.of(unit).value for judgement, unit in pairs],
        reasons=[" ".join(judgement.codes(unit)) for judgement, unit in pairs],
        count=column("count").astype(np.int64),
        expected=column("expected"),
        ratio_low=column("low"),
        ratio_high=column("high"),
        q=column("q"),
    )


def _told(found: Found) -> NDArray[np.intp]:
    """Find the units that get a row."""
    few = found.judgement.all_of(Verdict.TOO_FEW)
    return np.flatnonzero(~few & (found.excess.count > 0) & (found.unit != REST))


def _town(rows: Sequence[AreaRow], profile: Profile) -> shapely.Polygon | shapely.MultiPolygon:
    """Find the study area."""
    kinds = TOWN_KINDS if any(row.kind == "district" for row in rows) else ("municipality",)
    outlines = [row.outline for row in rows if row.kind in kinds]
    if not outlines:
        return shapely.box(*profile.envelope)
    united: shapely.Polygon | shapely.MultiPolygon = shapely.union_all(outlines)
    return united


def _square_metres(outline: shapely.Geometry, profile: Profile) -> float:
    def to_metres(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(
            crs.transform(lonlat[:, 0], lonlat[:, 1], crs.WGS84, profile.metric_epsg)
        )

    in_metres: shapely.Geometry = shapely.transform(outline, to_metres)
    return float(in_metres.area)


def _with_rest(parts: Sequence[float], total: float) -> NDArray[np.float64]:
    """Add what is left of a total; overlapping units leave nothing rather than less."""
    return np.array([*parts, max(total - sum(parts), 0)], dtype=np.float64)
