"""Tables that somebody else published: kept beside our own counts and never added to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from geo.errors import NotFound
from store import bulk, models
from store.records import Page

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

KIND = "table"  # of its import


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a table, in the words of its source."""

    area: str
    month: int  # year * 100 + month
    type: str
    count: int | None  # None: the source has hidden it


@dataclass(frozen=True, slots=True)
class FigureRow:
    """A stored number with where it comes from, which is always to be shown with it."""

    id: int
    import_id: int
    source: str
    imported_at: datetime
    synthetic: bool
    area: str
    month: int
    type: str
    count: int | None


@dataclass(frozen=True, slots=True)
class FigureFilter:
    """Which numbers: every part that is given must hold."""

    source: str | None = None
    area: str | None = None
    type: str | None = None
    months: tuple[int, int] | None = None  # both included


def add(connection: sa.Connection, import_id: int, figures: Sequence[Figure]) -> None:
    """Store the numbers of one table."""
    columns: dict[str, Sequence[Any]] = {
        name: [getattr(figure, name) for figure in figures] for name in Figure.__slots__
    }
    bulk.insert(connection, models.TableCount, {"import_id": [import_id] * len(figures), **columns})


def import_of(connection: sa.Connection, source: str, sha256: str) -> int | None:
    """Find the import of exactly this file for this source."""
    table = models.ImportBatch
    query = sa.select(table.id).where(
        table.kind == KIND, table.source == source, table.file_sha256 == sha256
    )
    return connection.scalar(query)


def find(
    connection: sa.Connection, where: FigureFilter, limit: int, offset: int
) -> Page[FigureRow]:
    """Find numbers, by source, area, month and type.

    Where a source has sent a number twice, the later import counts: sources correct themselves.
    """
    table, batch = models.TableCount, models.ImportBatch
    same = (batch.source, table.area, table.month, table.type)
    latest = sa.func.row_number().over(partition_by=same, order_by=table.id.desc())
    chosen = (
        sa.select(
            table.id,
            table.import_id,
            batch.source,
            batch.started_at,
            batch.synthetic,
            table.area,
            table.month,
            table.type,
            table.count,
            latest.label("place"),
        )
        .join(batch, batch.id == table.import_id)
        .where(*_conditions(where))
        .subquery()
    )
    current = chosen.c.place == 1
    matched = connection.scalar(sa.select(sa.func.count()).select_from(chosen).where(current)) or 0
    shown = [column for column in chosen.columns if column.name != "place"]
    query = (
        sa.select(*shown)
        .where(current)
        .order_by(chosen.c.source, chosen.c.area, chosen.c.month, chosen.c.type)
        .limit(limit)
        .offset(offset)
    )
    return Page(matched, [FigureRow(*row) for row in connection.execute(query)])


def one(connection: sa.Connection, figure_id: int) -> FigureRow | None:
    """Find one number, also one that a later import has corrected."""
    table, batch = models.TableCount, models.ImportBatch
    query = (
        sa.select(
            table.id,
            table.import_id,
            batch.source,
            batch.started_at,
            batch.synthetic,
            table.area,
            table.month,
            table.type,
            table.count,
        )
        .join(batch, batch.id == table.import_id)
        .where(table.id == figure_id)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else FigureRow(*row)


def _conditions(where: FigureFilter) -> list[sa.ColumnElement[bool]]:
    table, batch = models.TableCount, models.ImportBatch
    conditions: list[sa.ColumnElement[bool]] = [sa.true()]
    if where.source is not None:
        conditions.append(batch.source == where.source)
    if where.area is not None:
        conditions.append(table.area == where.area)
    if where.type is not None:
        conditions.append(table.type == where.type)
    if where.months is not None:
        conditions.append(table.month.between(*where.months))
    return conditions


def remove(connection: sa.Connection, import_id: int) -> int:
    """Remove a table with its import, so that it can be taken in again; give how many numbers.

    Raises
    ------
    NotFound
        There is no such import, or it is not of a table.
    """
    batch, table = models.ImportBatch, models.TableCount
    of_table = sa.select(batch.id).where(batch.id == import_id, batch.kind == KIND)
    if connection.scalar(of_table) is None:
        raise NotFound("no-table", id=import_id)
    removed = connection.execute(sa.delete(table).where(table.import_id == import_id)).rowcount
    connection.execute(sa.delete(batch).where(batch.id == import_id))
    return removed
