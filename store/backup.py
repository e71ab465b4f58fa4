"""Backup and restore: always one GeoPackage file, whichever store it comes from or goes to.

The file is a complete store: it opens in QGIS, can be served as it is, and moves an installation
from a GeoPackage to PostGIS or back.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from geo.errors import Conflict, InvalidParameter, NotFound
from store import schema
from store.db import Store, connect
from store.files import whole_file
from store.models import Base
from store.records import streamed

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS_AT_ONCE = 10_000


def backup(store: Store, target: Path) -> int:
    """Write one consistent state of the store into a new file; give the number of rows.

    The file appears under its name only when it is whole.

    Raises
    ------
    Conflict
        A file of that name exists; a backup never overwrites one.
    InvalidParameter
        The file cannot be written there.
    """
    with whole_file(target) as draft:
        return _copy(store, draft)


def _copy(store: Store, draft: Path) -> int:
    copy = connect(f"sqlite:///{draft}")
    try:
        schema.upgrade(copy)
        with store.read() as source, copy.write_alone() as sink:
            schema.require_current(schema.current(source))
            rows = _copy_rows(source, sink)
        with copy.engine.connect() as whole:  # one file, without -wal and -shm beside it
            whole.exec_driver_sql("COMMIT")
            whole.exec_driver_sql("PRAGMA journal_mode = DELETE")
    finally:
        copy.close()
    return rows


def restore(store: Store, origin: Path, *, replace: bool) -> int:
    """Read a backup into a store in one transaction; give the number of rows.

    A backup of an earlier revision is brought up to date in a copy first.

    Raises
    ------
    NotFound
        There is no such file.
    InvalidParameter
        The file is not a store, so that it cannot take the place of one.
    Conflict
        The store holds data and `replace` was not asked for.
    """
    if not origin.is_file():
        raise NotFound("no-file", file=origin.name)
    with tempfile.TemporaryDirectory(prefix="lagesbild-") as folder:
        draft = Path(folder) / "backup.gpkg"
        _draw(origin, draft)
        copy = connect(f"sqlite:///{draft}")
        try:
            with copy.read() as source:
                if schema.current(source) is None:
                    raise InvalidParameter("not-a-backup", file=origin.name)
            schema.upgrade(copy)
            schema.upgrade(store)
            with copy.read() as source, store.write_alone() as sink:
                _empty(sink, replace=replace)
                rows = _copy_rows(source, sink)
                _advance_keys(sink)
        finally:
            copy.close()
    return rows


def _draw(origin: Path, draft: Path) -> None:
    """Copy a file and what may still wait in its write-ahead log, if it was served meanwhile."""
    for suffix in ("", "-wal"):
        part = Path(f"{origin}{suffix}")
        if part.exists():
            shutil.copyfile(part, f"{draft}{suffix}")


def _empty(connection: sa.Connection, *, replace: bool) -> None:
    for table in reversed(Base.metadata.sorted_tables):
        count = sa.select(sa.func.count()).select_from(table)
        if not replace and connection.scalar(count):
            raise Conflict("store-not-empty", table=table.name)
        connection.execute(sa.delete(table))


def _copy_rows(source: sa.Connection, sink: sa.Connection) -> int:
    copied = 0
    for table in Base.metadata.sorted_tables:
        order = list(table.primary_key.columns)
        for rows in _batches(source, sa.select(table).order_by(*order)):
            sink.execute(sa.insert(table), rows)
            copied += len(rows)
    return copied


def _batches(
    source: sa.Connection, query: sa.Select[*tuple[object, ...]]
) -> Iterator[list[dict[str, object]]]:
    for rows in streamed(source, query, ROWS_AT_ONCE):
        yield [dict(row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name


def _advance_keys(connection: sa.Connection) -> None:
    """Let PostgreSQL's sequences go on after the ids that were copied."""
    if connection.dialect.name != "postgresql":
        return
    for table in Base.metadata.sorted_tables:
        key = table.autoincrement_column
        if key is None:
            continue
        sequence = sa.func.pg_get_serial_sequence(table.name, key.name)
        highest = sa.select(sa.func.coalesce(sa.func.max(key), 0) + 1).scalar_subquery()
        connection.execute(sa.select(sa.func.setval(sequence, highest, sa.false())))
