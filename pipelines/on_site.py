"""What safety walks have seen: where they went, and which of it lies near reported events.

Walks see only where they go: an area without any is unknown, not safe.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geo import areas as ground
from geo import cells, crs, risk_terrain
from geo.errors import TooFewObservations
from geo.risk_terrain import Spots
from pipelines import events, judging
from pipelines.derive import FOCUS_KINDS
from pipelines.periods import local

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    import sqlalchemy as sa
    from numpy.typing import NDArray

    from geo.risk_terrain import Colocated
    from pipelines.answers import Basis
    from pipelines.questions import Question
    from store.observations import ObservationRow
    from store.places import AreaRow

SAFE, OTHER = "trygg_plats", "annat"  # kinds that name no problem
DARK = "morkt"
NEAR_M = 50.0  # an observation known less well than this says nothing of what lies beside it
TERTIALS, TERTIAL_MONTHS = 3, 4
SEED = 20  # the same observations and events give the same sentences each time


@dataclass(frozen=True, slots=True)
class Coverage:
    """How walks have covered one area; nobody has walked where `walks` is 0."""

    area: str  # "" is the ground outside the areas
    priority: bool  # one where a walk a tertial is the aim
    walks: int  # of different names or days
    latest: date | None
    seen: int
    dark: int  # of what was seen
    walked_now: bool  # in the tertial of today


def tertial(day: date) -> tuple[int, int]:
    """Name the third of a year that a day lies in: year, and 1 to 3."""
    return day.year, (day.month - 1) // TERTIAL_MONTHS + 1


def walk(row: ObservationRow, timezone: str) -> tuple[str, date]:
    """Name the walk that an observation was made on: a name on a local day."""
    return row.walk, local(row.observed_at, timezone).date()


def coverage(
    rows: Sequence[ObservationRow], areas: Iterable[AreaRow], timezone: str, today: date
) -> list[Coverage]:
    """Tell how walks have covered each priority area and nightlife core, and the rest together.

    Parameters
    ----------
    rows
        As the reader may see them, of every kind, light and area.
    areas
        Every area of the municipality.
    timezone
        Whose days count.
    today
        Its tertial is the one in which a walk is asked for.

    Returns
    -------
    Areas by name, then what was seen outside them, where anything was.
    """
    focus = sorted((each for each in areas if each.kind in FOCUS_KINDS), key=lambda row: row.name)
    names = {each.name for each in focus}
    held: dict[str, list[ObservationRow]] = {name: [] for name in [*sorted(names), ""]}
    for row in rows:
        held[row.area if row.area in names else ""].append(row)
    made = [
        _covered(each.name, held[each.name], timezone, today, priority=each.kind == "priority")
        for each in focus
    ]
    if held[""]:
        made.append(_covered("", held[""], timezone, today, priority=False))
    return made


def _covered(
    area: str, rows: Sequence[ObservationRow], timezone: str, today: date, *, priority: bool
) -> Coverage:
    walks = {walk(row, timezone) for row in rows}
    days = {day for _, day in walks}
    return Coverage(
        area=area,
        priority=priority,
        walks=len(walks),
        latest=max(days, default=None),
        seen=len(rows),
        dark=sum(row.light == DARK for row in rows),
        walked_now=tertial(today) in {tertial(day) for day in days},
    )


def kinds(rows: Iterable[ObservationRow]) -> list[tuple[str, int]]:
    """Count what was seen by kind, the commonest first; equal ones by name."""
    return sorted(Counter(row.type for row in rows).items(), key=lambda pair: (-pair[1], pair[0]))


def by_cell(rows: Iterable[ObservationRow], resolution: int) -> dict[int, list[ObservationRow]]:
    """Put what was seen into the cells that hold it, where it is shown."""
    placed = [
        (row, row.lon, row.lat) for row in rows if row.lon is not None and row.lat is not None
    ]
    if not placed:
        return {}
    lon = np.array([east for _, east, _ in placed], dtype=float)
    lat = np.array([north for _, _, north in placed], dtype=float)
    own = cells.parents(cells.index(lon, lat), resolution)
    found: dict[int, list[ObservationRow]] = {}
    for cell, (row, _, _) in zip(own.tolist(), placed, strict=True):
        found.setdefault(cell, []).append(row)
    return found


def colocated(
    connection: sa.Connection, on: Basis, question: Question, rows: Sequence[ObservationRow]
) -> tuple[Colocated, ...]:
    """Tell which kinds of observation lie near the question's events more than chance allows.

    Events and comparable places count only where a walk has been: elsewhere nobody has looked.

    Parameters
    ----------
    connection
        With an analyst's rights.
    on, question
        Which events; the question's area is not looked at, for a square needs its like around it.
    rows
        Every observation of the whole municipality that the reader may see, of every kind.

    Returns
    -------
    One answer a kind, the commonest kind first; nothing where there is no event or no walk.
    """
    found = events.found(connection, on, question)
    whole = found.whole
    counted = found.placed & (whole > 0)
    sample = found.of
    happened = Spots(sample.x_m[counted], sample.y_m[counted], whole[counted].astype(float))
    seen = _positions(rows, on.reference.profile.metric_epsg)
    everywhere = np.concatenate([*seen.values(), np.empty((0, 2))])
    features = {
        kind: seen[kind] for kind, _ in kinds(rows) if kind in seen and kind not in (SAFE, OTHER)
    }
    if not features or not happened.weight.size:
        return ()
    possible = _controls(connection, on, sample.cell[counted], whole[counted])
    try:
        return risk_terrain.colocation(
            risk_terrain.walked(happened, everywhere),
            risk_terrain.walked(possible, everywhere),
            features,
            np.random.default_rng(SEED),
        )
    except TooFewObservations:
        return ()  # no event, or no place that is like one, where anybody has walked


def _positions(rows: Sequence[ObservationRow], epsg: int) -> dict[str, NDArray[np.float64]]:
    """Give (k, 2) metres of each kind, of observations that are known well enough."""
    placed: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if row.lon is not None and row.lat is not None and (row.uncertainty_m or 0.0) <= NEAR_M:
            placed.setdefault(row.type, []).append((row.lon, row.lat))
    lonlat = {kind: np.array(points) for kind, points in placed.items()}
    return {
        kind: np.column_stack(crs.transform(points[:, 0], points[:, 1], crs.WGS84, epsg))
        for kind, points in lonlat.items()
    }


def _controls(
    connection: sa.Connection, on: Basis, cell: NDArray[np.int64], whole: NDArray[np.int64]
) -> Spots:
    """Give where events could have been: every address, or the ground of the town's cells."""
    lon, lat = judging.known_points(connection)
    weight = np.ones(lon.shape)
    if not lon.size:
        town = judging.busy_cells(cells.parents(cell, judging.COARSE), whole)
        fine = cells.children(town, cells.FINEST)
        (lon, lat), weight = cells.middles(fine), cells.areas_m2(fine)
    outlines = [row.outline for row in on.reference.areas if row.kind == "municipality"]
    if outlines:
        inside = ground.locate(lon, lat, outlines) != ground.NOWHERE
        lon, lat, weight = lon[inside], lat[inside], weight[inside]
    x_m, y_m = crs.transform(lon, lat, crs.WGS84, on.reference.profile.metric_epsg)
    return Spots(x_m, y_m, weight)
