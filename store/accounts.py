"""Local accounts and keys for scripts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from geo.errors import Conflict
from store import models

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class UserRow:
    """A local account."""

    id: int
    name: str
    password_hash: str
    role: str


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key for scripts."""

    id: int
    name: str
    role: str
    expires_at: datetime


def user(connection: sa.Connection, name: str) -> UserRow | None:
    """Find an account by its name."""
    table = models.User
    query = sa.select(table.id, table.name, table.password_hash, table.role)
    row = connection.execute(query.where(table.name == name)).one_or_none()
    return None if row is None else UserRow(*row)


def put_user(
    connection: sa.Connection, name: str, password_hash: str, role: str, now: datetime
) -> None:
    """Add an account, or give an existing one a new password and role."""
    table = models.User
    values = {"password_hash": password_hash, "role": role}
    changed = connection.execute(sa.update(table).where(table.name == name).values(values))
    if changed.rowcount == 0:
        connection.execute(sa.insert(table), {"name": name, "created_at": now, **values})


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to be stored; the key itself is shown once and never kept."""

    name: str
    digest: bytes
    role: str
    created_at: datetime
    expires_at: datetime


def add_key(connection: sa.Connection, key: NewKey) -> None:
    """Store a key.

    Raises
    ------
    Conflict
        There is a key of that name.
    """
    table = models.ApiKey
    if connection.scalar(sa.select(table.id).where(table.name == key.name)) is not None:
        raise Conflict("key-name-taken", name=key.name)
    values = {name: getattr(key, name) for name in NewKey.__slots__}
    connection.execute(sa.insert(table), values)


def api_key(connection: sa.Connection, digest: bytes, now: datetime) -> KeyRow | None:
    """Find a key that has not expired by its digest."""
    table = models.ApiKey
    query = sa.select(table.id, table.name, table.role, table.expires_at).where(
        table.digest == digest, table.expires_at > now
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else KeyRow(*row)
