"""The shared situation picture: decisions that open it, and the events behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from store import models

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class NewDecision:
    """What was decided: the number and the words of the decision, and until when it holds."""

    number: str
    legal_basis: str
    controller: str
    opened_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Decision(NewDecision):
    """A stored decision."""

    closed_at: datetime | None
    id: int


_COLUMNS = (
    models.GroupDecision.number,
    models.GroupDecision.legal_basis,
    models.GroupDecision.controller,
    models.GroupDecision.opened_at,
    models.GroupDecision.expires_at,
    models.GroupDecision.closed_at,
    models.GroupDecision.id,
)


def add(connection: sa.Connection, decision: NewDecision) -> int:
    """Store a decision and give its id."""
    values = {name: getattr(decision, name) for name in NewDecision.__slots__}
    statement = sa.insert(models.GroupDecision).returning(models.GroupDecision.id)
    return connection.execute(statement, values).scalar_one()


def in_force(connection: sa.Connection, now: datetime) -> Decision | None:
    """Give the newest decision that is neither closed nor expired; None is the usual answer."""
    table = models.GroupDecision
    query = (
        sa.select(*_COLUMNS)
        .where(table.opened_at <= now, table.expires_at > now, table.closed_at.is_(None))
        .order_by(table.id.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else Decision(*row)


def history(connection: sa.Connection) -> list[Decision]:
    """List every decision, newest first."""
    query = sa.select(*_COLUMNS).order_by(models.GroupDecision.id.desc())
    return [Decision(*row) for row in connection.execute(query)]


def close(connection: sa.Connection, now: datetime) -> int:
    """Close every decision in force and give how many there were."""
    table = models.GroupDecision
    still_open = sa.and_(table.expires_at > now, table.closed_at.is_(None))
    return connection.execute(sa.update(table).where(still_open).values(closed_at=now)).rowcount


@dataclass(frozen=True, slots=True)
class Events:
    """n placed events of map categories; what is needed to sort and band them, and no more."""

    cell: NDArray[np.int64]  # resolution 11
    count: NDArray[np.int64]
    in_windows: NDArray[np.int64]  # bit i: in the profile's window i
    category: NDArray[np.object_]
    code: NDArray[np.object_]
    premises: NDArray[np.object_]


def events(
    connection: sa.Connection, start: datetime, end: datetime, most_uncertain_m: float
) -> Events:
    """Read the events that began in a period and whose place is known well enough for a cell."""
    table = models.Incident
    columns: list[Any] = [getattr(table, name) for name in Events.__slots__]
    query = sa.select(*columns).where(
        table.starts_at >= start,
        table.starts_at < end,
        table.on_map,
        table.pile.is_(False),
        table.cell.is_not(None),
        table.uncertainty_m <= most_uncertain_m,
    )
    rows = connection.execute(query).all()
    values: list[Any] = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    kinds = (np.int64, np.int64, np.int64, object, object, object)
    return Events(
        *(np.array(column, dtype=kind) for column, kind in zip(values, kinds, strict=True))
    )
