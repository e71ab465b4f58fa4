"""Local accounts and keys for scripts."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from argon2 import PasswordHasher

from geo.errors import Conflict, InvalidParameter, NotFound
from pipelines.roles import ACCOUNT_ROLES, ADMIN, GROUP, KEY_ROLES
from store import accounts, views
from store.accounts import NewKey

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import sqlalchemy as sa

    from store.db import Store

LONGEST_NAME = 100
FOREIGN = ":"  # the log's names of keys, of the sign-in service's people and of operators hold one
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256
FEWEST_CHARACTERS = 5  # different ones
# The commonest, though they be repeated and with digits and signs around them.
COMMON = re.compile(
    "(abcdefghijkl|admin|administrator|changeme|hej|hemligt|iloveyou|lagesbild|letmein|losenord|"
    "lägesbild|lösenord|password|qwerty|qwertyuiop|qwertyuiopå|sommar|sverige|valkommen|vinter|"
    "välkommen|welcome)+"
)
DIGITS_IN_ORDER = "0123456789" * 26
NOT_LETTERS = re.compile(r"[\W\d_]+")
GROUP_DAYS = 183  # an account of the group lasts at most half a year
KEY_PREFIX = "lb_"
MOST_DAYS = 366
_COLLECTION = re.compile(r"[a-z][a-z0-9_-]{0,40}")


@dataclass(frozen=True, slots=True)
class NewUser:
    """A local account to be."""

    name: str
    password: str
    role: str
    expires_at: datetime | None = None  # needed for the group; None: until it is removed


def put_user(store: Store, wanted: NewUser, now: datetime) -> None:
    """Add a local account, or give an existing one a new password, role and end.

    Raises
    ------
    InvalidParameter
        The name is empty or reserved, the role unknown, its end missing, past or too far, or the
        password too short or easily guessed.
    Conflict
        The last lasting administrator would lose the role.
    """
    name = _named(wanted.name)
    _check_role(wanted.role, wanted.expires_at, now)
    password_hash = _hashed(name, wanted.password)
    with store.write() as connection:
        before = _held(connection, name)
        accounts.put_user(connection, name, password_hash, wanted.role, now, wanted.expires_at)
        _keep_an_admin(connection, before, wanted.role)


def set_role(
    store: Store, name: str, role: str, expires_at: datetime | None, now: datetime
) -> None:
    """Give an account another role, and an end or none.

    Raises
    ------
    InvalidParameter
        The role is unknown, or its end missing, past or too far.
    NotFound
        There is no such account.
    Conflict
        The last lasting administrator would lose the role.
    """
    _check_role(role, expires_at, now)
    with store.write() as connection:
        before = _held(connection, name)
        if not accounts.change_role(connection, name, role, expires_at):
            raise NotFound("unknown-user", name=name)
        _keep_an_admin(connection, before, role)


def set_password(store: Store, name: str, password: str) -> None:
    """Give an account another password, which ends its sessions.

    Raises
    ------
    InvalidParameter
        The password is too short or easily guessed.
    NotFound
        There is no such account.
    """
    password_hash = _hashed(name, password)
    with store.write() as connection:
        if not accounts.change_password(connection, name, password_hash):
            raise NotFound("unknown-user", name=name)


def remove_user(store: Store, name: str) -> None:
    """Remove an account.

    Raises
    ------
    NotFound
        There is no such account.
    Conflict
        It is the last lasting administrator.
    """
    with store.write() as connection:
        before = _held(connection, name)
        if not accounts.remove_user(connection, name):
            raise NotFound("unknown-user", name=name)
        views.forget(connection, [name])
        _keep_an_admin(connection, before, None)


def _held(connection: sa.Connection, name: str) -> str | None:
    """Give an account's role, and let nobody else take an administrator away meanwhile."""
    accounts.hold(connection, ADMIN)
    found = accounts.user(connection, name)
    return None if found is None else found.role


def _keep_an_admin(connection: sa.Connection, before: str | None, after: str | None) -> None:
    """Refuse a change after which nobody could change it back, today or when an account ends."""
    if ADMIN in {before, after} and accounts.lasting(connection, ADMIN) == 0:
        raise Conflict("last-admin")


def _named(name: str) -> str:
    name = name.strip()
    if not name:
        raise InvalidParameter("user-name-empty")
    if len(name) > LONGEST_NAME or not name.isprintable() or FOREIGN in name:
        raise InvalidParameter("user-name-unusable", most=LONGEST_NAME)
    return name


def _check_role(role: str, expires_at: datetime | None, now: datetime) -> None:
    if role not in ACCOUNT_ROLES:
        raise InvalidParameter("unknown-role", role=role, allowed=", ".join(ACCOUNT_ROLES))
    if expires_at is not None and expires_at <= now:
        raise InvalidParameter("account-expiry-past")
    if role == GROUP and (expires_at is None or expires_at > now + timedelta(days=GROUP_DAYS)):
        raise InvalidParameter("group-expiry", most=GROUP_DAYS)


def _hashed(name: str, password: str) -> str:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise InvalidParameter("password-length", fewest=SHORTEST_PASSWORD, most=LONGEST_PASSWORD)
    said, own = password.casefold(), name.casefold()
    letters = NOT_LETTERS.sub("", said)
    only_name = own in said and not NOT_LETTERS.sub("", said.replace(own, ""))
    listed = COMMON.fullmatch(letters) is not None or said in DIGITS_IN_ORDER
    if only_name or listed or len(set(said)) < FEWEST_CHARACTERS:
        raise InvalidParameter("password-guessable")
    return PasswordHasher().hash(password)


def new_key(
    store: Store,
    name: str,
    role: str,
    days: int,
    now: datetime,
    collections: Iterable[str] = (),
) -> str:
    """Make a key for scripts and give it; only its digest is kept.

    `collections` are those it opens; without any it opens all that its role may see.

    Raises
    ------
    InvalidParameter
        The name cannot be used, the role is unknown or not for scripts, the days are not 1 to
        366, or a collection cannot be one.
    Conflict
        There is a key of that name.
    """
    if role not in KEY_ROLES:
        raise InvalidParameter("unknown-role", role=role, allowed=", ".join(KEY_ROLES))
    if not 1 <= days <= MOST_DAYS:
        raise InvalidParameter("key-days", days=days, most=MOST_DAYS)
    scope = tuple(sorted(set(collections)))
    for collection in scope:
        if not _COLLECTION.fullmatch(collection):
            raise InvalidParameter("key-collection", name=collection[:40])
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    until = now + timedelta(days=days)
    with store.write() as connection:
        accounts.add_key(connection, NewKey(_named(name), key_digest(key), role, now, until, scope))
    return key


def key_digest(key: str) -> bytes:
    """Give what is kept of a key: its SHA-256, for a key is random and long."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def key_mark(key: str) -> str:
    """Give what tells a key from others in the list."""
    return accounts.key_mark(key_digest(key))


def revoke_key(store: Store, name: str) -> None:
    """Remove a key: it opens nothing from then on.

    Raises
    ------
    NotFound
        There is no such key.
    """
    with store.write() as connection:
        if not accounts.remove_key(connection, name):
            raise NotFound("unknown-key-name", name=name)
        views.forget(connection, [f"key{FOREIGN}{name}"])
