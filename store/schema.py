"""The schema's revisions: open, upgrade, check.

Forward only. The way back is a backup (store/backup.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from geo.errors import SchemaMismatch
from store import geopackage
from store.db import Store, connect, exists
from store.parts import MAIN, Part

if TYPE_CHECKING:
    from store.db import Rights

MIGRATIONS = Path(__file__).parents[1] / "migrations"


def scripts(part: Part = MAIN) -> ScriptDirectory:
    """Give a part's line of revisions."""
    return ScriptDirectory.from_config(_config(part))


def _config(part: Part) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", str(MIGRATIONS / part.versions))
    return config


def head(part: Part = MAIN) -> str:
    """Name the revision this code was written for."""
    return str(scripts(part).get_current_head())


def revisions(part: Part = MAIN) -> list[str]:
    """List every revision, oldest first."""
    return [script.revision for script in scripts(part).walk_revisions()][::-1]


def current(connection: sa.Connection, part: Part = MAIN) -> str | None:
    """Name the revision a part is at; None for an empty one."""
    options = {"version_table": part.version_table}
    return MigrationContext.configure(connection, opts=options).get_current_revision()


def open_store(url: str, part: Part = MAIN, rights: Rights | None = None) -> Store:
    """Open a part whose schema is exactly this code's.

    Raises
    ------
    SchemaMismatch
        The database is empty, older, or newer than the code; the sentence says what to do.
    """
    if not exists(url, part):
        raise SchemaMismatch("schema-empty")
    store = connect(url, part, rights)
    try:
        with store.read() as connection:
            require_current(current(connection, part), part)
    except BaseException:
        store.close()
        raise
    return store


def require_current(found: str | None, part: Part = MAIN) -> None:
    """Refuse any revision but the code's own."""
    if found is None:
        raise SchemaMismatch("schema-empty")
    if found not in revisions(part):
        raise SchemaMismatch("schema-newer", found=found, known=head(part))
    if found != head(part):
        raise SchemaMismatch("schema-older", found=found, needed=head(part))


def upgrade(store: Store, revision: str = "head") -> tuple[str | None, str]:
    """Bring a database up to a revision in one transaction; give the old one and the new one.

    Raises
    ------
    SchemaMismatch
        The database is newer than the code.
    """
    part, config = store.part, _config(store.part)
    with store.migrate() as connection:
        if not store.is_geopackage and part.schema != "public":
            connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {part.schema}")
        before = current(connection, part)
        if before is not None and before not in revisions(part):
            raise SchemaMismatch("schema-newer", found=before, known=head(part))
        config.attributes.update(connection=connection, part=part)
        if store.is_geopackage and part.spatial:
            geopackage.prepare_file(connection, part.version_table)
        command.upgrade(config, revision)
        if store.is_geopackage and part.spatial:
            geopackage.register(connection, part.metadata)
        after = str(current(connection, part))
    return before, after


def drift(connection: sa.Connection, part: Part = MAIN) -> list[str]:
    """List where a part's tables differ from the models; none is the right answer."""
    found = sa.inspect(connection)
    differences = []
    present = set(found.get_table_names())
    for table in part.metadata.sorted_tables:
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
