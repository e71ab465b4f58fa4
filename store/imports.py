"""Imports, their reports, and the rows they set aside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from geo.errors import NotFound
from store import bulk, models
from store.records import KEYS_AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """One import as it is stored."""

    id: int
    kind: str
    source: str
    file_name: str
    file_sha256: str
    started_at: datetime
    rows_read: int
    accepted: int
    duplicates: int
    quarantined: int
    synthetic: bool
    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SetAside:
    """A row that was not accepted: where it stood, why, and the whole of it."""

    line: int
    reason: str
    column: str
    value: str
    raw: str


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """A stored row that was not accepted."""

    id: int
    import_id: int
    line: int
    reason: str
    column: str
    value: str
    raw: str
    retried_in: int | None


_BATCH = (
    models.ImportBatch.id,
    models.ImportBatch.kind,
    models.ImportBatch.source,
    models.ImportBatch.file_name,
    models.ImportBatch.file_sha256,
    models.ImportBatch.started_at,
    models.ImportBatch.rows_read,
    models.ImportBatch.accepted,
    models.ImportBatch.duplicates,
    models.ImportBatch.quarantined,
    models.ImportBatch.synthetic,
    models.ImportBatch.report,
)


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known of an import before its first row."""

    kind: str
    source: str
    file_name: str
    file_sha256: str
    started_at: datetime
    synthetic: bool


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of an import; the first is always the sum of the other three."""

    rows_read: int
    accepted: int
    duplicates: int
    quarantined: int


def begin(connection: sa.Connection, opening: Opening) -> int:
    """Open an import and give its id."""
    values = {
        "kind": opening.kind,
        "source": opening.source,
        "file_name": opening.file_name,
        "file_sha256": opening.file_sha256,
        "started_at": opening.started_at,
        "synthetic": opening.synthetic,
        "rows_read": 0,
        "accepted": 0,
        "duplicates": 0,
        "quarantined": 0,
        "report": {},
    }
    statement = sa.insert(models.ImportBatch).returning(models.ImportBatch.id)
    return connection.execute(statement, values).scalar_one()


def finish(
    connection: sa.Connection, import_id: int, counts: Counts, report: dict[str, Any]
) -> None:
    """Close an import with its counts and its report."""
    connection.execute(
        sa.update(models.ImportBatch)
        .where(models.ImportBatch.id == import_id)
        .values(
            rows_read=counts.rows_read,
            accepted=counts.accepted,
            duplicates=counts.duplicates,
            quarantined=counts.quarantined,
            report=report,
        )
    )


def set_aside(connection: sa.Connection, import_id: int, rows: Sequence[SetAside]) -> None:
    """Keep rows that were not accepted."""
    if rows:
        bulk.insert(
            connection,
            models.Quarantined,
            {
                "import_id": [import_id] * len(rows),
                "line": [row.line for row in rows],
                "reason": [row.reason for row in rows],
                "column_name": [row.column for row in rows],
                "column_value": [row.value for row in rows],
                "raw": [row.raw for row in rows],
            },
        )


def batches(connection: sa.Connection) -> list[Batch]:
    """List imports, newest first."""
    query = sa.select(*_BATCH).order_by(models.ImportBatch.id.desc())
    return [Batch(*row) for row in connection.execute(query)]


def batch(connection: sa.Connection, import_id: int) -> Batch:
    """Give one import.

    Raises
    ------
    NotFound
        There is none with that id.
    """
    query = sa.select(*_BATCH).where(models.ImportBatch.id == import_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound("no-import", id=import_id)
    return Batch(*row)


@dataclass(frozen=True, slots=True)
class Earlier:
    """A row of the very same file that an earlier import set aside."""

    id: int
    layout: dict[str, Any]  # how that import read the file
    waiting: bool  # it was not handed in again since


def lines_set_aside(connection: sa.Connection, opening: Opening) -> dict[int, list[Earlier]]:
    """Find what earlier imports of exactly this file for this source set aside: by line."""
    table, row = models.ImportBatch, models.Quarantined
    query = (
        sa.select(row.line, row.id, table.report, row.retried_in)
        .join(table, table.id == row.import_id)
        .where(
            table.kind == opening.kind,
            table.source == opening.source,
            table.file_sha256 == opening.file_sha256,
        )
        .order_by(row.id)
    )
    found: dict[int, list[Earlier]] = {}
    for line, key, report, retried_in in connection.execute(query):
        earlier = Earlier(key, report["layout"], waiting=retried_in is None)
        found.setdefault(line, []).append(earlier)
    return found


def source_holds(connection: sa.Connection, kind: str, source: str) -> bool:
    """Tell whether an import of a source has been accepted before."""
    table = models.ImportBatch
    query = sa.select(table.id).where(
        table.kind == kind, table.source == source, table.accepted > 0
    )
    return connection.execute(query.limit(1)).first() is not None


def any_synthetic(connection: sa.Connection) -> bool:
    """Tell whether any stored row is synthetic."""
    query = sa.select(sa.func.count()).where(models.ImportBatch.synthetic)
    return bool(connection.scalar(query))


def quarantine(connection: sa.Connection, import_id: int | None = None) -> list[QuarantineRow]:
    """List rows still set aside, of one import or of all."""
    table = models.Quarantined
    query = (
        sa.select(
            table.id,
            table.import_id,
            table.line,
            table.reason,
            table.column_name,
            table.column_value,
            table.raw,
            table.retried_in,
        )
        .where(table.retried_in.is_(None))
        .order_by(table.import_id, table.line, table.id)
    )
    if import_id is not None:
        query = query.where(table.import_id == import_id)
    return [QuarantineRow(*row) for row in connection.execute(query)]


def mark_retried(connection: sa.Connection, ids: Sequence[int], in_import: int) -> None:
    """Note that rows were handed in again, in a later import."""
    for start in range(0, len(ids), KEYS_AT_ONCE):
        some = ids[start : start + KEYS_AT_ONCE]
        connection.execute(
            sa.update(models.Quarantined)
            .where(models.Quarantined.id.in_(some))
            .values(retried_in=in_import)
        )
