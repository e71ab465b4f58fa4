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
    expires_at: datetime | None = None  # None: until it is removed

    def lasts(self, now: datetime) -> bool:
        """Tell whether the account has not expired."""
        return self.expires_at is None or self.expires_at > now


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key for scripts."""

    id: int
    name: str
    role: str
    expires_at: datetime
    collections: tuple[str, ...]  # what it opens; none named: all its role may see
    mark: str  # tells keys apart and opens nothing: the beginning of the digest


_USER = (
    models.User.id,
    models.User.name,
    models.User.password_hash,
    models.User.role,
    models.User.expires_at,
)


def user(connection: sa.Connection, name: str) -> UserRow | None:
    """Find an account by its name."""
    query = sa.select(*_USER).where(models.User.name == name)
    row = connection.execute(query).one_or_none()
    return None if row is None else UserRow(*row)


def users(connection: sa.Connection) -> list[UserRow]:
    """List every account, by name."""
    query = sa.select(*_USER).order_by(models.User.name)
    return [UserRow(*row) for row in connection.execute(query)]


def put_user(
    connection: sa.Connection,
    name: str,
    password_hash: str,
    role: str,
    now: datetime,
    expires_at: datetime | None = None,
) -> None:
    """Add an account, or give an existing one a new password, role and end."""
    table = models.User
    values = {"password_hash": password_hash, "role": role, "expires_at": expires_at}
    changed = connection.execute(sa.update(table).where(table.name == name).values(values))
    if changed.rowcount == 0:
        connection.execute(sa.insert(table), {"name": name, "created_at": now, **values})


def change_role(
    connection: sa.Connection, name: str, role: str, expires_at: datetime | None
) -> bool:
    """Give an account another role and end; tell whether there is one."""
    table = models.User
    values = {"role": role, "expires_at": expires_at}
    changed = connection.execute(sa.update(table).where(table.name == name).values(values))
    return changed.rowcount > 0


def change_password(connection: sa.Connection, name: str, password_hash: str) -> bool:
    """Give an account another password; tell whether there is one."""
    table = models.User
    values = {"password_hash": password_hash}
    changed = connection.execute(sa.update(table).where(table.name == name).values(values))
    return changed.rowcount > 0


def remove_user(connection: sa.Connection, name: str) -> bool:
    """Remove an account; tell whether there was one."""
    table = models.User
    return connection.execute(sa.delete(table).where(table.name == name)).rowcount > 0


def hold(connection: sa.Connection, role: str) -> None:
    """Let nobody else change the accounts of a role until this change is kept or not."""
    table = models.User
    connection.execute(sa.select(table.id).where(table.role == role).with_for_update())


def lasting(connection: sa.Connection, role: str) -> int:
    """Count the accounts of a role that never expire."""
    table = models.User
    query = sa.select(sa.func.count()).where(table.role == role, table.expires_at.is_(None))
    return connection.scalar(query) or 0


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to be stored; the key itself is shown once and never kept."""

    name: str
    digest: bytes
    role: str
    created_at: datetime
    expires_at: datetime
    collections: tuple[str, ...] = ()


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
    values["collections"] = " ".join(key.collections)
    connection.execute(sa.insert(table), values)


def api_key(connection: sa.Connection, digest: bytes, now: datetime) -> KeyRow | None:
    """Find a key that has not expired by its digest."""
    table = models.ApiKey
    query = _KEY.where(table.digest == digest, table.expires_at > now)
    row = connection.execute(query).one_or_none()
    return None if row is None else _key(*row)


def key_name(connection: sa.Connection, digest: bytes) -> str | None:
    """Name the key of a digest, though it may have expired."""
    table = models.ApiKey
    return connection.scalar(sa.select(table.name).where(table.digest == digest))


def keys(connection: sa.Connection) -> list[KeyRow]:
    """List every key, by name."""
    return [_key(*row) for row in connection.execute(_KEY.order_by(models.ApiKey.name))]


def remove_key(connection: sa.Connection, name: str) -> bool:
    """Remove a key; tell whether there was one."""
    table = models.ApiKey
    return connection.execute(sa.delete(table).where(table.name == name)).rowcount > 0


_KEY = sa.select(
    models.ApiKey.id,
    models.ApiKey.name,
    models.ApiKey.role,
    models.ApiKey.expires_at,
    models.ApiKey.collections,
    models.ApiKey.digest,
)


def _key(
    row: int, name: str, role: str, expires_at: datetime, collections: str, digest: bytes
) -> KeyRow:
    scope = tuple(collections.split())
    return KeyRow(row, name, role, expires_at, scope, key_mark(digest))


def key_mark(digest: bytes) -> str:
    """Give what tells a key from others, to be shown."""
    return digest.hex()[:8]
