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
from store import geopackage, parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from store.parts import Part

# As many connections as a server has threads; an error must not quote the rows it is about.
_POOL: dict[str, Any] = {
    "pool_size": 10,
    "max_overflow": 30,
    "pool_timeout": 15,
    "hide_parameters": True,
}
WRITERS_LOCK = 0x4C4200  # "LB" and a part's number: PostgreSQL's lock that queues long writers
UNUSABLE = ("SQLITE_BUSY", "SQLITE_CANTOPEN", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY")
UNUSABLE_STATES = ("08", "53", "55P03", "57")  # connection, resources, lock wait, shutdown


@dataclass(frozen=True, slots=True)
class Store:
    """One part of an installation's database: a GeoPackage file or a schema in PostGIS."""

    engine: sa.Engine
    part: Part

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
                        lock = WRITERS_LOCK + self.part.number
                        writer.exec_driver_sql(f"SELECT pg_advisory_xact_lock({lock})")
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


@dataclass(frozen=True, slots=True)
class Rights:
    """What a connection may do when it may not do everything: read some tables, nothing else."""

    tables: frozenset[str]
    role: str | None = None  # the PostgreSQL role that has these rights; None: the user's own


def connect(url: str, part: Part = parts.MAIN, rights: Rights | None = None) -> Store:
    """Open a part whatever state its schema is in; `store.schema.open_store` checks it.

    Parameters
    ----------
    url
        Of the installation: the main part's file, or the database that holds all parts.
    part
        Which part of it.
    rights
        What may be read; None is everything, and writing too.

    Raises
    ------
    InvalidParameter
        The URL is neither ``sqlite:///FILE.gpkg`` nor ``postgresql+psycopg://...``.
    StoreUnavailable
        The file's folder cannot be made.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database not in {None, "", ":memory:"}:
        return Store(_geopackage_engine(_file_of(parsed, part), part, rights), part)
    if parsed.get_backend_name() == "postgresql":
        return Store(_postgis_engine(parsed, part, rights), part)
    raise InvalidParameter("database-url")


def exists(url: str, part: Part = parts.MAIN) -> bool:
    """Tell whether there is something to open; a server is asked only when it is opened."""
    parsed = _parsed(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return True
    return Path(str(_file_of(parsed, part).database)).exists()


def part_file(url: str, part: Part) -> Path | None:
    """Give the file in which a part lies; None on a server."""
    parsed = _parsed(url)
    if parsed.get_backend_name() != "sqlite":
        return None
    return Path(str(_file_of(parsed, part).database))


def _parsed(url: str) -> sa.URL:
    try:
        return sa.make_url(url)
    except exc.ArgumentError as fault:
        raise InvalidParameter("database-url") from fault


def _file_of(url: sa.URL, part: Part) -> sa.URL:
    """Name a part's file: beside the GeoPackage, with the part's own ending."""
    if not part.suffix:
        return url
    return url.set(database=str(url.database).removesuffix(".gpkg") + part.suffix)


def _geopackage_engine(url: sa.URL, part: Part, rights: Rights | None) -> sa.Engine:
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
    if part is parts.JOURNAL:
        sa.event.listen(engine, "connect", geopackage.lose_nothing)
    if rights is not None:
        sa.event.listen(engine, "connect", geopackage.reads_only(rights.tables))
    sa.event.listen(engine, "begin", geopackage.begin)
    return engine


def _postgis_engine(url: sa.URL, part: Part, rights: Rights | None) -> sa.Engine:
    options = f"-csearch_path={part.schema},public" if part.schema != "public" else ""
    if rights is not None and rights.role is not None:
        options += f" -crole={rights.role}"
    return sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,
        connect_args={"options": options.strip()} if options else {},
        **_POOL,
    )
