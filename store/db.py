"""Opening a store, and the transactions on it."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import sqlalchemy as sa
from sqlalchemy import exc

from geo.errors import InvalidParameter, StoreUnavailable
from store import geopackage

if TYPE_CHECKING:
    from collections.abc import Iterator

# As many connections as a server has threads; an error must not quote the rows it is about.
_POOL: dict[str, Any] = {
    "pool_size": 10,
    "max_overflow": 30,
    "pool_timeout": 15,
    "hide_parameters": True,
}
WRITERS_LOCK = 0x4C42  # "LB", PostgreSQL's advisory lock that queues long writers
UNUSABLE = ("SQLITE_BUSY", "SQLITE_CANTOPEN", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY")
UNUSABLE_STATES = ("08", "53", "55P03", "57")  # connection, resources, lock wait, shutdown


@dataclass(frozen=True, slots=True)
class Store:
    """A database with the product's tables: a GeoPackage file or PostGIS."""

    engine: sa.Engine

    @property
    def is_geopackage(self) -> bool:
        """Tell the two stores apart; only store/ may ask."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Give a connection on one unchanging state of the data."""
        with _translated(), self.engine.connect() as connection:
            if not self.is_geopackage:
                connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            yield connection
            connection.rollback()

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Give a connection for a short change, kept whole or not at all."""
        with self._writer("short") as (connection, _):
            yield connection

    @contextmanager
    def write_alone(self) -> Iterator[sa.Connection]:
        """Give a connection for long work that nobody else may do meanwhile.

        Imports, changes of places and publications wait for each other, for minutes if need be.
        """
        with self._writer("alone") as (connection, _):
            yield connection

    @contextmanager
    def trial(self) -> Iterator[sa.Connection]:
        """Give a connection whose work is thrown away, to see what `write_alone` would do."""
        with self._writer("alone") as (connection, transaction):
            yield connection
            transaction.rollback()

    @contextmanager
    def migrate(self) -> Iterator[sa.Connection]:
        """Give a connection for a change of the schema.

        A GeoPackage's foreign keys rest meanwhile: rebuilding a table would else delete what
        refers to it. They are checked before the change is kept.
        """
        with self._writer("migrating") as (connection, _):
            yield connection
            if self.is_geopackage:
                geopackage.check_references(connection)

    @contextmanager
    def _writer(self, manner: str) -> Iterator[tuple[sa.Connection, sa.RootTransaction]]:
        with _translated(), self.engine.connect() as connection:
            writer = connection.execution_options(writes=manner)
            with writer.begin() as transaction:
                if not self.is_geopackage:
                    wait = geopackage.WAITS_MS[manner]
                    writer.exec_driver_sql(f"SET LOCAL lock_timeout = {wait}")
                    if manner != "short":
                        writer.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS_LOCK})")
                yield writer, transaction

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    """Turn a database that cannot be used into our error; a fault of our own stays one."""
    try:
        yield
    except exc.TimeoutError as fault:
        raise StoreUnavailable("store-unavailable") from fault
    except (exc.DBAPIError, sqlite3.Error, psycopg.Error) as fault:
        # store/bulk.py speaks to the driver itself, so the driver's own faults come here too.
        cause = fault.orig if isinstance(fault, exc.DBAPIError) else fault
        name = getattr(cause, "sqlite_errorname", "")
        if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
            raise InvalidParameter("not-a-database") from fault
        if isinstance(cause, psycopg.DataError) and cause.sqlstate is None:
            raise InvalidParameter("text-not-storable") from fault  # it holds a NUL
        state = getattr(cause, "sqlstate", None) or ""
        unusable = name.startswith(UNUSABLE) or state.startswith(UNUSABLE_STATES)
        if unusable or getattr(fault, "connection_invalidated", False) or _refused(cause):
            raise StoreUnavailable("store-unavailable") from fault
        raise


def _refused(cause: BaseException | None) -> bool:
    """Tell whether PostgreSQL could not be reached at all: such a fault has no SQLSTATE."""
    return isinstance(cause, psycopg.OperationalError) and cause.sqlstate is None


def connect(url: str) -> Store:
    """Open a store whatever state its schema is in; `store.schema.open_store` checks it.

    Raises
    ------
    InvalidParameter
        The URL is neither ``sqlite:///FILE.gpkg`` nor ``postgresql+psycopg://...``.
    StoreUnavailable
        The file's folder cannot be made.
    """
    try:
        parsed = sa.make_url(url)
    except exc.ArgumentError as fault:
        raise InvalidParameter("database-url") from fault
    if parsed.get_backend_name() == "sqlite" and parsed.database not in {None, "", ":memory:"}:
        return Store(_geopackage_engine(parsed))
    if parsed.get_backend_name() == "postgresql":
        return Store(_postgis_engine(parsed))
    raise InvalidParameter("database-url")


def exists(url: str) -> bool:
    """Tell whether there is something to open; a server is asked only when it is opened."""
    try:
        parsed = sa.make_url(url)
    except exc.ArgumentError as fault:
        raise InvalidParameter("database-url") from fault
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return True
    return Path(parsed.database).exists()


def _geopackage_engine(url: sa.URL) -> sa.Engine:
    try:
        path = Path(str(url.database))
        path.parent.mkdir(parents=True, exist_ok=True)
        # Only its owner reads a new file: it will hold the places of events. A file that is there
        # is left alone: closing it by hand would drop the locks this process holds on it.
        if not path.exists():
            path.touch(mode=0o600)
    except OSError as fault:
        raise StoreUnavailable("store-unavailable") from fault
    engine = sa.create_engine(url, **_POOL)
    sa.event.listen(engine, "connect", geopackage.prepare_connection)
    sa.event.listen(engine, "begin", geopackage.begin)
    return engine


def _postgis_engine(url: sa.URL) -> sa.Engine:
    return sa.create_engine(url.set(drivername="postgresql+psycopg"), pool_pre_ping=True, **_POOL)
