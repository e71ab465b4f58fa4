"""The list of the action plan: places that somebody has put there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

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
    """What an analyst meant more exactly than the row, which everybody reads, says."""

    key: str = ""  # of a part of the place, as links name it; "" is all of it
    name: str = ""
    window: str = ""  # "" is the row's
    theme: str = ""  # "" is the row's


@dataclass(frozen=True, slots=True)
class Row(NewRow):
    """A stored row. `finer`: it speaks of a part of the place, which only `spots` tells."""

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
    finer = spot is not None and spot.key != ""
    values |= {"finer": finer, "added_by": who, "added_at": now}
    statement = sa.insert(models.PlanRow).returning(models.PlanRow.id)
    row_id = connection.execute(statement, values).scalar_one()
    if spot is not None:
        spot_values = {"row_id": row_id, "key": _written(spot), "name": spot.name}
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


def one(connection: sa.Connection, row_id: int, since: datetime) -> Row | None:
    """Find a row that stands, or was removed at an instant or later."""
    table = models.PlanRow
    query = sa.select(*_COLUMNS).where(
        table.id == row_id, table.removed_at.is_(None) | (table.removed_at >= since)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else Row(*row)


def same(connection: sa.Connection, row: NewRow, spot: Spot | None) -> int | None:
    """Find the standing row of the same place, time, theme and spot, whatever its period."""
    fine = models.PlanSpot
    meant = fine.key.is_(None) if spot is None else fine.key == _written(spot)
    joined = _alike(row).outerjoin(fine, fine.row_id == models.PlanRow.id)
    return connection.scalar(joined.where(meant))


def alike(connection: sa.Connection, row: NewRow) -> int | None:
    """Find the standing row of the same place, all of it, time and theme: without any spot read."""
    return connection.scalar(_alike(row).where(models.PlanRow.finer.is_(False)))


def _alike(row: NewRow) -> sa.Select[int]:
    """Ask for the oldest standing row of a place, time and theme, whatever its period."""
    table = models.PlanRow
    return (
        sa.select(table.id)
        .where(
            table.removed_at.is_(None),
            table.place == row.place,
            table.window == row.window,
            table.theme == row.theme,
        )
        .order_by(table.id)
        .limit(1)
    )


def spots(connection: sa.Connection) -> dict[int, Spot]:
    """Give the spots of the rows that have one, by row: for analysts, whose connection may."""
    fine = models.PlanSpot
    query = sa.select(fine.row_id, fine.key, fine.name)
    return {row_id: _read(key, name) for row_id, key, name in connection.execute(query)}


def _written(spot: Spot) -> str:
    """Write a spot as links do: its key, and what is asked for there where the row says less."""
    asked = {"fonster": spot.window, "typ": spot.theme}
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"{spot.key}?{query}" if query else spot.key


def _read(written: str, name: str) -> Spot:
    """Read what `_written` wrote."""
    key, _, query = written.partition("?")
    asked = dict(parse_qsl(query))
    return Spot(key, name, asked.get("fonster", ""), asked.get("typ", ""))


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
