"""Backup and restore: always files of their own, whichever store they come from or go to.

The files are a complete installation: its GeoPackage opens in QGIS, they can be served as they
are, and they move an installation from files to PostGIS or back. Sessions stay behind: somebody
who signed out after the backup is not to be signed in again by it.
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from geo.errors import Conflict, InvalidParameter, NotFound
from store import retention, schema
from store.db import Store, connect
from store.files import whole_file
from store.journal_models import SessionRow
from store.parts import JOURNAL, MAIN, Part
from store.records import streamed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from store.retention import Rule, Weeded

ROWS_AT_ONCE = 10_000
LEFT_BEHIND = {SessionRow.__tablename__}


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back, and what did not."""

    rows: int
    weeded: tuple[Weeded, ...]  # came back and was removed again, because its time has passed
    missing: tuple[str, ...]  # files that the backup lacks; these parts stand as they were
    journal_stands: bool  # there was a log already, and no backup takes its place


def file_of(target: Path, part: Part) -> Path:
    """Name the file of a part beside the main one."""
    if not part.suffix:
        return target
    return target.with_name(target.name.removesuffix(".gpkg") + part.suffix)


def backup(stores: Sequence[Store], target: Path) -> int:
    """Write one consistent state of each part into a new file; give the number of rows.

    A file appears under its name only when all of them are whole.

    Raises
    ------
    Conflict
        A file of that name exists; a backup never overwrites one.
    InvalidParameter
        A file cannot be written there.
    """
    with ExitStack() as drafts:
        made = [
            (store, drafts.enter_context(whole_file(file_of(target, store.part))))
            for store in stores
        ]
        return sum(_copy(store, draft) for store, draft in made)


def _copy(store: Store, draft: Path) -> int:
    copy = _file_store(draft, store.part)
    try:
        schema.upgrade(copy)
        with store.read() as source, copy.write_alone() as sink:
            schema.require_current(schema.current(source, store.part), store.part)
            rows = _copy_rows(source, sink, store.part)
        with copy.engine.connect() as whole:  # one file, without -wal and -shm beside it
            whole.exec_driver_sql("COMMIT")
            whole.exec_driver_sql("PRAGMA journal_mode = DELETE")
    finally:
        copy.close()
    return rows


def _file_store(path: Path, part: Part) -> Store:
    """Open a part in a file of any name."""
    return connect(f"sqlite:///{path}", dataclasses.replace(part, suffix=""))


def restore(stores: Sequence[Store], origin: Path, now: datetime, *, replace: bool) -> Restored:
    """Read a backup into an installation: all parts or none.

    A backup of an earlier revision is brought up to date in a copy first. What the installation's
    rules of retention say is too old is removed before anybody can see it; an installation without
    rules takes those of the backup. A log that holds anything stands: no backup rewrites it.

    Parameters
    ----------
    stores
        The parts to restore, the main one first.

    Raises
    ------
    NotFound
        There is no such file.
    InvalidParameter
        A file is not a part of an installation, so that it cannot take the place of one.
    Conflict
        A store holds data and `replace` was not asked for.
    """
    if not origin.is_file():
        raise NotFound("no-file", file=origin.name)
    with tempfile.TemporaryDirectory(prefix="lagesbild-") as folder, ExitStack() as stack:
        files = {store.part: file_of(origin, store.part) for store in stores}
        there = [store for store in stores if files[store.part].is_file()]
        copies = [
            stack.enter_context(_drawn(files[store.part], store.part, folder)) for store in there
        ]
        for store in stores:
            schema.upgrade(store)
        work = _Restoring(now, replace=replace)
        for store, copy in zip(there, copies, strict=True):
            sink = stack.enter_context(store.write_alone())
            work.take(stack.enter_context(copy.read()), sink, store.part)
    missing = tuple(file.name for file in files.values() if not file.is_file())
    return Restored(work.rows, tuple(work.weeded), missing, work.journal_stands)


class _Restoring:
    """A restore on open transactions, part by part."""

    def __init__(self, now: datetime, *, replace: bool) -> None:
        self.now = now
        self.replace = replace
        self.rows = 0
        self.weeded: list[Weeded] = []
        self.journal_stands = False
        self.rules: list[Rule] = []
        self.zone = retention.NO_PROFILE

    def take(self, source: sa.Connection, sink: sa.Connection, part: Part) -> None:
        """Put one part in the place of what was there, without what is too old."""
        if part is JOURNAL and _holds_rows(sink, part):
            self.journal_stands = True
            return
        own = retention.rules(sink) if part is MAIN else []
        _empty(sink, part, replace=self.replace)
        self.rows += _copy_rows(source, sink, part)
        if own:
            retention.keep_rules(sink, own)
        if part is MAIN:
            self.rules, self.zone = retention.rules(sink), retention.timezone(sink)
        self.weeded += retention.weed_part(sink, part, self.rules, self.now, self.zone)
        _advance_keys(sink, part)


@contextmanager
def _drawn(origin: Path, part: Part, folder: str) -> Iterator[Store]:
    """Give a copy of a backup's file, brought up to date."""
    draft = Path(folder) / part.name
    _draw(origin, draft)
    copy = _file_store(draft, part)
    try:
        with copy.read() as source:
            if schema.current(source, part) is None:
                raise InvalidParameter("not-a-backup", file=origin.name)
        schema.upgrade(copy)
        yield copy
    finally:
        copy.close()


def _draw(origin: Path, draft: Path) -> None:
    """Copy a file and what may still wait in its write-ahead log, if it was served meanwhile."""
    for suffix in ("", "-wal"):
        part = Path(f"{origin}{suffix}")
        if part.exists():
            shutil.copyfile(part, f"{draft}{suffix}")


def _tables(part: Part) -> list[sa.Table]:
    """List what goes into a backup, so that a row comes after those it refers to."""
    return [table for table in part.metadata.sorted_tables if table.name not in LEFT_BEHIND]


def _holds_rows(connection: sa.Connection, part: Part) -> bool:
    counts = [sa.select(sa.func.count()).select_from(table) for table in _tables(part)]
    return any(connection.scalar(count) for count in counts)


def _empty(connection: sa.Connection, part: Part, *, replace: bool) -> None:
    for table in reversed(_tables(part)):
        count = sa.select(sa.func.count()).select_from(table)
        if not connection.scalar(count):
            continue
        if not replace:
            raise Conflict("store-not-empty", table=table.name)
        connection.execute(sa.delete(table))


def _copy_rows(source: sa.Connection, sink: sa.Connection, part: Part) -> int:
    copied = 0
    for table in _tables(part):
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


def _advance_keys(connection: sa.Connection, part: Part) -> None:
    """Let PostgreSQL's sequences go on after the ids that were copied."""
    if connection.dialect.name != "postgresql":
        return
    for table in _tables(part):
        key = table.autoincrement_column
        if key is None:
            continue
        sequence = sa.func.pg_get_serial_sequence(table.name, key.name)
        highest = sa.select(sa.func.coalesce(sa.func.max(key), 0) + 1).scalar_subquery()
        connection.execute(sa.select(sa.func.setval(sequence, highest, sa.false())))
