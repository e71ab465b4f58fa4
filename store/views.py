"""Links that readers keep under names of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from store import models

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class NewView:
    """A link and what its owner calls it."""

    owner: str
    name: str
    address: str  # path and query


@dataclass(frozen=True, slots=True)
class View(NewView):
    """A stored link."""

    saved_at: datetime
    removed_at: datetime | None
    id: int


_COLUMNS = tuple(getattr(models.SavedView, name) for name in (*NewView.__slots__, *View.__slots__))


def hold(connection: sa.Connection) -> None:
    """Let nobody else save a link until this change is kept or not."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE saved_view IN SHARE ROW EXCLUSIVE MODE")


def put(connection: sa.Connection, view: NewView, now: datetime) -> int:
    """Save a link and give its id; one that its owner calls the same gets the new address."""
    table = models.SavedView
    values = {"address": view.address, "saved_at": now}
    known = connection.scalar(
        sa.select(table.id).where(
            table.owner == view.owner, table.name == view.name, table.removed_at.is_(None)
        )
    )
    if known is not None:
        connection.execute(sa.update(table).where(table.id == known).values(values))
        return known
    statement = sa.insert(table).returning(table.id)
    values |= {"owner": view.owner, "name": view.name}
    return connection.execute(statement, values).scalar_one()


def standing(connection: sa.Connection, owner: str) -> list[View]:
    """List somebody's links by name, without those they have removed."""
    table = models.SavedView
    query = (
        sa.select(*_COLUMNS)
        .where(table.owner == owner, table.removed_at.is_(None))
        .order_by(table.name, table.id)
    )
    return [View(*row) for row in connection.execute(query)]


def one(connection: sa.Connection, owner: str, view_id: int, since: datetime) -> View | None:
    """Find one of somebody's links that stands, or was removed at an instant or later."""
    table = models.SavedView
    query = sa.select(*_COLUMNS).where(
        table.owner == owner,
        table.id == view_id,
        table.removed_at.is_(None) | (table.removed_at >= since),
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else View(*row)


def mark(connection: sa.Connection, view_id: int, removed_at: datetime | None) -> None:
    """Remove a link, or with None put it back."""
    table = models.SavedView
    connection.execute(sa.update(table).where(table.id == view_id).values(removed_at=removed_at))


def sweep(connection: sa.Connection, before: datetime) -> int:
    """Forget what was removed before an instant; give how many links."""
    table = models.SavedView
    return connection.execute(sa.delete(table).where(table.removed_at < before)).rowcount


def forget(connection: sa.Connection, owners: Sequence[str] | sa.Select[str]) -> int:
    """Forget everything that some readers saved, because they are gone; give how many links."""
    table = models.SavedView
    return connection.execute(sa.delete(table).where(table.owner.in_(owners))).rowcount
