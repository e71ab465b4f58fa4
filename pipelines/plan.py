"""The list of the action plan: what is put on it, taken off, and put back."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from geo.errors import Conflict, NotFound
from store import plan

if TYPE_CHECKING:
    from collections.abc import Iterator
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
    with _writing(store, now) as connection:
        known = plan.same(connection, wanted, spot)
        if known is not None:
            return Change(_found(connection, known, now), there=True)
        _room(connection)
        added = plan.add(connection, wanted, spot, who, now)
        return Change(_found(connection, added, now), there=False)


def remove(store: Store, row_id: int, now: datetime) -> Row:
    """Take a row off the list.

    Raises
    ------
    NotFound
        There is no such row.
    """
    with _writing(store, now) as connection:
        row = _found(connection, row_id, now)
        if row.removed_at is None:
            plan.mark(connection, row_id, now)
        return row


def restore(store: Store, row_id: int, now: datetime) -> Change:
    """Put a row back on the list, unless another one has taken its place.

    Raises
    ------
    NotFound
        There is no such row, or it was forgotten.
    Conflict
        The list is full.
    """
    with _writing(store, now) as connection:
        row = _found(connection, row_id, now)
        known = plan.same(connection, row, plan.spots(connection).get(row_id))
        if known is not None:
            return Change(_found(connection, known, now), there=known != row_id)
        _room(connection)
        plan.mark(connection, row_id, None)
        return Change(row, there=False)


def one(connection: sa.Connection, row_id: int, now: datetime) -> Row | None:
    """Find a row that stands, or can still be put back."""
    return plan.one(connection, row_id, now - UNDO)


@contextmanager
def _writing(store: Store, now: datetime) -> Iterator[sa.Connection]:
    """Change the list, alone; what was taken off long ago is forgotten for good."""
    with store.write() as connection:
        plan.hold(connection)
        plan.sweep(connection, now - UNDO)
        yield connection


def _found(connection: sa.Connection, row_id: int, now: datetime) -> Row:
    row = one(connection, row_id, now)
    if row is None:
        raise NotFound("plan-no-row")
    return row


def _room(connection: sa.Connection) -> None:
    if plan.count(connection) >= MOST:
        raise Conflict("plan-full", most=MOST)
