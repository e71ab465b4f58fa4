"""The list of the action plan: places that somebody has put there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from store import models

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class NewRow:
    """A place with its problem, as links name them."""

    place: str  # "" is the whole municipality
    place_name: str
    area_name: str  # under which it is listed
    window: str
    theme: str
    period: str


@dataclass(frozen=True, slots=True)
class Spot:
    """The part of a place that an analyst meant."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Row(NewRow):
    """A stored row. `finer`: it speaks of a spot, which only `spots` tells."""

    finer: bool
    added_by: str
    added_at: datetime
    removed_at: datetime | None
    id: int


_COLUMNS = tuple(getattr(models.PlanRow, name) for name in (*NewRow.__slots__, *Row.__slots__))


def hold(connection: sa.Connection) -> None:
    """Let nobody else change the list until this change is kept or not.

    A GeoPackage has one writer at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE plan_row IN SHARE ROW EXCLUSIVE MODE")


def add(connection: sa.Connection, row: NewRow, spot: Spot | None, who: str, now: datetime) -> int:
    """Put a row on the list and give its id."""
    values = {name: getattr(row, name) for name in NewRow.__slots__}
    values |= {"finer": spot is not None, "added_by": who, "added_at": now}
    statement = sa.insert(models.PlanRow).returning(models.PlanRow.id)
    row_id = connection.execute(statement, values).scalar_one()
    if spot is not None:
        spot_values = {"row_id": row_id, "key": spot.key, "name": spot.name}
        connection.execute(sa.insert(models.PlanSpot), spot_values)
    return row_id


def standing(connection: sa.Connection) -> list[Row]:
    """List the rows that nobody has removed, by area and place, the oldest first."""
    table = models.PlanRow
    query = (
        sa.select(*_COLUMNS)
        .where(table.removed_at.is_(None))
        .order_by(table.area_name, table.place_name, table.id)
    )
    return [Row(*row) for row in connection.execute(query)]


def one(connection: sa.Connection, row_id: int) -> Row | None:
    """Find a row, also one that was removed a short while ago."""
    query = sa.select(*_COLUMNS).where(models.PlanRow.id == row_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else Row(*row)


def same(connection: sa.Connection, row: NewRow, spot: Spot | None) -> int | None:
    """Find the standing row of the same place, time, theme and spot, whatever its period."""
    table, fine = models.PlanRow, models.PlanSpot
    query = (
        sa.select(table.id)
        .outerjoin(fine, fine.row_id == table.id)
        .where(
            table.removed_at.is_(None),
            table.place == row.place,
            table.window == row.window,
            table.theme == row.theme,
            fine.key.is_(None) if spot is None else fine.key == spot.key,
        )
        .order_by(table.id)
        .limit(1)
    )
    return connection.scalar(query)


def spots(connection: sa.Connection) -> dict[int, Spot]:
    """Give the spots of the rows that have one, by row: for analysts, whose connection may."""
    fine = models.PlanSpot
    query = sa.select(fine.row_id, fine.key, fine.name)
    return {row_id: Spot(key, name) for row_id, key, name in connection.execute(query)}


def count(connection: sa.Connection) -> int:
    """Count the standing rows."""
    table = models.PlanRow
    return connection.scalar(sa.select(sa.func.count()).where(table.removed_at.is_(None))) or 0


def mark(connection: sa.Connection, row_id: int, removed_at: datetime | None) -> None:
    """Take a row off the list, or with None put it back."""
    table = models.PlanRow
    connection.execute(sa.update(table).where(table.id == row_id).values(removed_at=removed_at))


def sweep(connection: sa.Connection, before: datetime) -> int:
    """Forget what was taken off the list before an instant; give how many rows."""
    table = models.PlanRow
    return connection.execute(sa.delete(table).where(table.removed_at < before)).rowcount
