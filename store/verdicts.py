"""Published verdicts: what may be said about areas and cells. Written once, never changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from store import bulk, models

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

AREA = 0  # stands where a cell has its resolution
TOWN = 0  # stands where an area has its id: everywhere that anything is reported from
JUDGED = (9, 10, 11)  # resolutions of the cells that have verdicts


@dataclass(frozen=True, slots=True)
class VerdictTable:
    """Rows of a verdict layer: m units, each with its window and category."""

    ground: NDArray[np.int64]  # id of the area whose own level is the measure, or TOWN
    resolution: NDArray[np.int64]  # 0 for an area
    window: Sequence[str]
    category: Sequence[str]  # "" is the total
    unit: NDArray[np.int64]  # cell index or area id
    verdict: Sequence[str]
    reasons: Sequence[str]
    count: NDArray[np.int64]
    expected: NDArray[np.float64]
    ratio_low: NDArray[np.float64]  # NaN where nothing can be divided
    ratio_high: NDArray[np.float64]
    q: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which verdicts: of which units, compared with whose level, in which window and category."""

    ground: int
    resolution: int
    window: str
    category: str


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """What may be said about one unit, and why."""

    verdict: str
    reasons: tuple[str, ...]
    count: int | None  # None for a unit without a row
    expected: float | None
    ratio_low: float | None
    ratio_high: float | None
    q: float | None


def add(connection: sa.Connection, layer_id: int, table: VerdictTable) -> None:
    """Write the rows of a verdict layer."""
    columns = {name: getattr(table, name) for name in VerdictTable.__slots__}
    bulk.insert(
        connection, models.UnitVerdict, {"layer_id": [layer_id] * len(table.unit), **columns}
    )


def find(connection: sa.Connection, run_id: int, asked: Asked) -> dict[int, VerdictRow] | None:
    """Give the verdicts of a run's cells or areas by unit.

    Units that are missing have too few events. None when the run judged nothing: it is older
    than verdicts.
    """
    table, layer = models.UnitVerdict, models.Layer
    layer_id = connection.scalar(
        sa.select(layer.id).where(layer.run_id == run_id, layer.kind == "verdicts")
    )
    if layer_id is None:
        return None
    query = sa.select(
        table.unit,
        table.verdict,
        table.reasons,
        table.count,
        table.expected,
        table.ratio_low,
        table.ratio_high,
        table.q,
    ).where(
        table.layer_id == layer_id,
        table.ground == asked.ground,
        table.resolution == asked.resolution,
        table.window == asked.window,
        table.category == asked.category,
    )
    return {
        row.unit: VerdictRow(row.verdict, tuple(row.reasons.split()), *row[3:])
        for row in connection.execute(query)
    }
