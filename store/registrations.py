"""When the police registered incidents: how late reports come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import sqlalchemy as sa

from store import models

if TYPE_CHECKING:
    from datetime import date, datetime

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Registrations:
    """n incidents and the day each was registered."""

    id: NDArray[np.int64]  # (n,) ascending
    day: NDArray[np.datetime64]  # (n,) ``datetime64[D]``, local; NaT where the source gives none

    def of(self, ids: NDArray[np.int64]) -> NDArray[np.datetime64]:
        """Give the days of some incidents; NaT for one that is not here: (m,)."""
        if not self.id.size:
            return np.full(ids.shape, np.datetime64("NaT", "D"))
        at = np.minimum(np.searchsorted(self.id, ids), self.id.size - 1)
        return np.where(self.id[at] == ids, self.day[at], np.datetime64("NaT", "D"))


def registrations(connection: sa.Connection, start: datetime, end: datetime) -> Registrations:
    """Read when the incidents that began in a period were registered."""
    table = models.Incident
    query = (
        sa.select(table.id, table.registered_on)
        .where(table.starts_at >= start, table.starts_at < end)
        .order_by(table.id)
    )
    rows = connection.execute(query).all()
    return Registrations(
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array([row[1] for row in rows], dtype="datetime64[D]"),
    )


def latest(connection: sa.Connection, until: date, newest: int | None = None) -> date | None:
    """Give the last day on which any incident was registered; None where no source says.

    Parameters
    ----------
    until
        The day on which the incidents were counted: a later one is a slip of the pen.
    newest
        The last incident that was counted, of `incidents.newest_id` then.
    """
    table = models.Incident
    query = sa.select(sa.func.max(table.registered_on)).where(table.registered_on <= until)
    return connection.scalar(query if newest is None else query.where(table.id <= newest))
