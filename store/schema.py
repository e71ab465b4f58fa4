"""The schema's revisions: open, upgrade, check.

Forward only. The way back is a backup (store/backup.py).
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from geo.errors import SchemaMismatch
from store import geopackage
from store.db import Store, connect, exists
from store.models import Base

MIGRATIONS = Path(__file__).parents[1] / "migrations"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def head() -> str:
    """Name the revision this code was written for."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def revisions() -> list[str]:
    """List every revision, oldest first."""
    walk = ScriptDirectory.from_config(_config()).walk_revisions()
    return [script.revision for script in walk][::-1]


def current(connection: sa.Connection) -> str | None:
    """Name the revision a database is at; None for an empty database."""
    return MigrationContext.configure(connection).get_current_revision()


def open_store(url: str) -> Store:
    """Open a store whose schema is exactly this code's.

    Raises
    ------
    SchemaMismatch
        The database is empty, older, or newer than the code; the sentence says what to do.
    """
    if not exists(url):
        raise SchemaMismatch("schema-empty")
    store = connect(url)
    try:
        with store.read() as connection:
            require_current(current(connection))
    except BaseException:
        store.close()
        raise
    return store


def require_current(found: str | None) -> None:
    """Refuse any revision but the code's own."""
    if found is None:
        raise SchemaMismatch("schema-empty")
    if found not in revisions():
        raise SchemaMismatch("schema-newer", found=found, known=head())
    if found != head():
        raise SchemaMismatch("schema-older", found=found, needed=head())


def upgrade(store: Store, revision: str = "head") -> tuple[str | None, str]:
    """Bring a database up to a revision in one transaction; give the old one and the new one.

    Raises
    ------
    SchemaMismatch
        The database is newer than the code.
    """
    config = _config()
    with store.migrate() as connection:
        before = current(connection)
        if before is not None and before not in revisions():
            raise SchemaMismatch("schema-newer", found=before, known=head())
        config.attributes["connection"] = connection
        if store.is_geopackage:
            geopackage.prepare_file(connection)
        command.upgrade(config, revision)
        if store.is_geopackage:
            geopackage.register(connection, Base.metadata)
        after = str(current(connection))
    return before, after


def drift(connection: sa.Connection) -> list[str]:
    """List where the database's tables differ from the models; none is the right answer."""
    found = sa.inspect(connection)
    differences = []
    present = set(found.get_table_names())
    for table in Base.metadata.sorted_tables:
        if table.name not in present:
            differences.append(f"table {table.name} is missing")
            continue
        expected = {(column.name, bool(column.nullable)) for column in table.columns}
        there = {(str(c["name"]), bool(c["nullable"])) for c in found.get_columns(table.name)}
        differences += [f"column {table.name}.{name}" for name, _ in sorted(expected ^ there)]
        indexes = {str(i["name"]) for i in found.get_indexes(table.name)}
        wanted = {str(index.name) for index in table.indexes if not index.dialect_kwargs}
        differences += [f"index {name} is missing" for name in sorted(wanted - indexes)]
    return differences
