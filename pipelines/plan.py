"""The list of the action plan: what is put on it, taken off, and put back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from geo.errors import Conflict, NotFound
from store import plan

if TYPE_CHECKING:
    from datetime import datetime

    import sqlalchemy as sa

    from store.db import Store
    from store.plan import NewRow, Row, Spot

MOST = 500  # standing rows: what a municipality can work through, with room to spare
UNDO = timedelta(days=1)  # what was taken off can be put back for so long


@dataclass(frozen=True, slots=True)
class Change:
    """A row of the list, and whether it stood there already."""

    row: Row
    there: bool


def add(store: Store, wanted: NewRow, spot: Spot | None, who: str, now: datetime) -> Change:
    """Put a place on the list, unless it stands there already for the same time and theme.

    Raises
    ------
    Conflict
        The list is full.
    """
    with store.write() as connection:
        plan.hold(connection)
        known = plan.same(connection, wanted, spot)
        if known is not None:
            return Change(_found(connection, known), there=True)
        _room(connection)
        added = plan.add(connection, wanted, spot, who, now)
        return Change(_found(connection, added), there=False)


def remove(store: Store, row_id: int, now: datetime) -> Row:
    """Take a row off the list; what was taken off long ago is forgotten for good.

    Raises
    ------
    NotFound
        There is no such row.
    """
    with store.write() as connection:
        plan.hold(connection)
        plan.sweep(connection, now - UNDO)
        row = _found(connection, row_id)
        if row.removed_at is None:
            plan.mark(connection, row_id, now)
        return row


def restore(store: Store, row_id: int) -> Change:
    """Put a row back on the list, unless another one has taken its place.

    Raises
    ------
    NotFound
        There is no such row, or it was forgotten.
    Conflict
        The list is full.
    """
    with store.write() as connection:
        plan.hold(connection)
        row = _found(connection, row_id)
        known = plan.same(connection, row, plan.spots(connection).get(row_id))
        if known is not None:
            return Change(_found(connection, known), there=known != row_id)
        _room(connection)
        plan.mark(connection, row_id, None)
        return Change(row, there=False)


def _found(connection: sa.Connection, row_id: int) -> Row:
    row = plan.one(connection, row_id)
    if row is None:
        raise NotFound("plan-no-row")
    return row


def _room(connection: sa.Connection) -> None:
    if plan.count(connection) >= MOST:
        raise Conflict("plan-full", most=MOST)
