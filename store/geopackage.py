"""What makes a SQLite file a GeoPackage that QGIS opens: a few tables and two pragmas.

Written against OGC 12-128r18. There is no R-tree: our own queries filter on plain lon/lat
columns with the same SQL as in PostGIS, and a file without triggers can be edited by any program.
"""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING

import sqlalchemy as sa

from geo.errors import SchemaMismatch
from store.types import SRID, Shape

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor

APPLICATION_ID = 0x47504B47  # "GPKG"
USER_VERSION = 10300
CATALOGUE = frozenset({"sqlite_master", "sqlite_schema", ""})
READING = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_TRANSACTION,
        sqlite3.SQLITE_RECURSIVE,
    }
)
HARMLESS_PRAGMAS = frozenset(
    {"query_only", "table_info", "table_xinfo", "index_list", "index_info", "index_xinfo"}
)
# How long a writer waits for the writer before it, in both stores.
WAITS_MS = {"short": 15_000, "alone": 600_000, "migrating": 60_000}

_DDL = (
    """CREATE TABLE IF NOT EXISTS gpkg_spatial_ref_sys (
        srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY,
        organization TEXT NOT NULL, organization_coordsys_id INTEGER NOT NULL,
        definition TEXT NOT NULL, description TEXT)""",
    """CREATE TABLE IF NOT EXISTS gpkg_contents (
        table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE,
        description TEXT DEFAULT '',
        last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
        min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE,
        srs_id INTEGER REFERENCES gpkg_spatial_ref_sys(srs_id))""",
    """CREATE TABLE IF NOT EXISTS gpkg_geometry_columns (
        table_name TEXT NOT NULL REFERENCES gpkg_contents(table_name),
        column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL,
        srs_id INTEGER NOT NULL REFERENCES gpkg_spatial_ref_sys(srs_id),
        z TINYINT NOT NULL, m TINYINT NOT NULL,
        PRIMARY KEY (table_name, column_name), UNIQUE (table_name))""",
)
_WGS84 = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,'
    'AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,'
    'AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],'
    'AUTHORITY["EPSG","4326"]]'
)
_SYSTEMS = (
    ("Undefined Cartesian SRS", -1, "NONE", -1, "undefined"),
    ("Undefined geographic SRS", 0, "NONE", 0, "undefined"),
    ("WGS 84 geodetic", SRID, "EPSG", SRID, _WGS84),
)


def prepare_connection(connection: DBAPIConnection, _record: object) -> None:
    """Set what every connection to the file needs: several processes may use it at once."""
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {WAITS_MS['short']}")
    _keep_a_write_ahead_log(cursor)
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA cache_size = -65536")
    cursor.execute("PRAGMA secure_delete = ON")  # what is weeded leaves no bytes behind
    cursor.close()


def lose_nothing(connection: DBAPIConnection, _record: object) -> None:
    """Keep each commit through a power cut too: a look that was given must stay in the log."""
    connection.execute("PRAGMA synchronous = FULL")


def reads_only(tables: frozenset[str]) -> Callable[[DBAPIConnection, object], None]:
    """Give what lets a connection read some tables and do nothing else.

    SQLite itself asks before it compiles each statement, so that a forgotten condition, or one
    that somebody smuggles in, meets a wall below our own code.
    """
    known = tables | CATALOGUE

    def allowed(action: int, first: str | None, _second: object, *_: object) -> int:
        if action == sqlite3.SQLITE_READ:
            return sqlite3.SQLITE_OK if first in known else sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_PRAGMA:
            return sqlite3.SQLITE_OK if first in HARMLESS_PRAGMAS else sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK if action in READING else sqlite3.SQLITE_DENY

    def restrict(connection: DBAPIConnection, _record: object) -> None:
        connection.set_authorizer(allowed)

    return restrict


def _keep_a_write_ahead_log(cursor: DBAPICursor) -> None:
    """Let readers and a writer work at once; the file remembers it.

    The first time, several processes may ask for it at the same moment, and SQLite then refuses
    all but one of them at once, whatever the busy timeout says.
    """
    patience = time.monotonic() + WAITS_MS["short"] / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as fault:
            if not fault.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > patience:
                raise
            time.sleep(0.02)
        else:
            return


def begin(connection: sa.Connection) -> None:
    """Begin a transaction; a writer takes its lock at once and never upgrades a read."""
    manner = connection.get_execution_options().get("writes")
    connection.exec_driver_sql(f"PRAGMA query_only = {'ON' if manner is None else 'OFF'}")
    if manner is None:
        connection.exec_driver_sql("BEGIN")
        return
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {WAITS_MS[manner]}")
    references = "OFF" if manner == "migrating" else "ON"
    connection.exec_driver_sql(f"PRAGMA foreign_keys = {references}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def check_references(connection: sa.Connection) -> None:
    """Refuse a schema change that left a row without the row it refers to."""
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise SchemaMismatch("schema-broken-reference", table=broken[0])


def prepare_file(connection: sa.Connection, version_table: str) -> None:
    """Make the file a GeoPackage without layers; safe to repeat."""
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.exec_driver_sql(f"PRAGMA user_version = {USER_VERSION}")
    for statement in _DDL:
        connection.exec_driver_sql(statement)
    # Alembic would make its own table with VARCHAR(32), which is no GeoPackage type.
    connection.exec_driver_sql(
        f"CREATE TABLE IF NOT EXISTS {version_table} (version_num TEXT NOT NULL PRIMARY KEY)"
    )
    connection.exec_driver_sql(
        "INSERT OR IGNORE INTO gpkg_spatial_ref_sys (srs_name, srs_id, organization,"
        " organization_coordsys_id, definition) VALUES (?, ?, ?, ?, ?)",
        list(_SYSTEMS),
    )


def register(connection: sa.Connection, metadata: sa.MetaData) -> None:
    """Describe the file's geometry tables in the GeoPackage tables; safe to repeat."""
    present = set(sa.inspect(connection).get_table_names())
    for table in metadata.sorted_tables:
        if table.name in present:
            _register_table(connection, table)


def _register_table(connection: sa.Connection, table: sa.Table) -> None:
    """Describe one table, if it has a geometry."""
    for column in table.columns:
        if isinstance(column.type, Shape):
            connection.exec_driver_sql(
                "INSERT OR IGNORE INTO gpkg_contents (table_name, data_type, identifier, srs_id)"
                " VALUES (?, 'features', ?, ?)",
                (table.name, table.name, SRID),
            )
            connection.exec_driver_sql(
                "INSERT OR REPLACE INTO gpkg_geometry_columns VALUES (?, ?, ?, ?, 0, 0)",
                (table.name, column.name, column.type.kind, SRID),
            )
