"""An installation opened whole: every part, and the narrow door to the main one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from geo.errors import InvalidParameter
from store import db, schema
from store.db import Rights
from store.parts import JOURNAL, MAIN, PARTS, RELEASE

if TYPE_CHECKING:
    from store.db import Store

# What readers who may not see events read of the main part. A table that is not named here does
# not exist for them: a new one is closed until somebody decides otherwise.
OPEN_TABLES = frozenset(
    {
        "alembic_version",
        "api_key",
        "area",
        "facility",
        "group_decision",
        "import_batch",
        "named_place",
        "observation",
        "plan_row",
        "profile",
        "retention_rule",
        "saved_view",
        "table_count",
        "user_account",
    }
)
RELEASE_TABLES = frozenset(RELEASE.metadata.tables) | {RELEASE.version_table, "alembic_version"}


@dataclass(frozen=True, slots=True)
class Installation:
    """The stores of one installation."""

    main: Store  # records, layers, accounts: everything
    open_side: Store  # the same part, without any right to read events
    release: Store  # read only
    journal: Store  # sessions and the log

    def close(self) -> None:
        """Give back every connection."""
        for store in (self.main, self.open_side, self.release, self.journal):
            store.close()


def open_installation(url: str, open_role: str | None = None) -> Installation:
    """Open every part.

    Parameters
    ----------
    url
        Of the main part's file, or of the database that holds all parts.
    open_role
        The PostgreSQL role that has the rights of `open_side` and `release`. None leaves the
        wall to the code alone there; a GeoPackage always has it.

    Raises
    ------
    SchemaMismatch
        A part is missing, older or newer than the code.
    """
    opened: list[Store] = []
    try:
        for part, rights in (
            (MAIN, None),
            (MAIN, Rights(OPEN_TABLES, open_role)),
            (RELEASE, Rights(RELEASE_TABLES, open_role)),
            (JOURNAL, None),
        ):
            opened.append(schema.open_store(url, part, rights))
    except BaseException:
        for store in opened:
            store.close()
        raise
    return Installation(*opened)


def upgrade(url: str) -> tuple[str | None, str]:
    """Bring every part up to date; give the main part's old revision and its new one."""
    reached = [_upgrade(db.connect(url, part)) for part in PARTS]
    return reached[0]


def _upgrade(store: Store) -> tuple[str | None, str]:
    try:
        return schema.upgrade(store)
    finally:
        store.close()


def grants(role: str, user: str) -> list[str]:
    """Give the SQL that a PostgreSQL administrator runs: the rights of `open_side`.

    `user` is the one of the URL: it becomes a member of the role, so that its connections can take
    it. Run it again after an upgrade that has opened a table.

    Raises
    ------
    InvalidParameter
        `role` or `user` is no plain name.
    """
    for name in (role, user):
        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", name):
            raise InvalidParameter("role-name", value=name[:63])
    tables = sorted(OPEN_TABLES) + sorted(f"release.{name}" for name in RELEASE_TABLES)
    own = [name for name in tables if name != "release.alembic_version"]
    return [
        f"CREATE ROLE {role} NOLOGIN;",
        f"GRANT {role} TO {user};",
        f"GRANT USAGE ON SCHEMA public, release TO {role};",
        f"GRANT SELECT ON {', '.join(own)} TO {role};",
    ]
