"""Local accounts and keys for scripts."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from argon2 import PasswordHasher

from geo.errors import InvalidParameter
from store import accounts
from store.accounts import NewKey

if TYPE_CHECKING:
    from datetime import datetime

    from store.db import Store

ROLES = ("analyst",)
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256
KEY_PREFIX = "lb_"
MOST_DAYS = 366


def put_user(store: Store, name: str, password: str, role: str, now: datetime) -> None:
    """Add a local account, or give an existing one a new password.

    Raises
    ------
    InvalidParameter
        The name is empty, the role unknown, or the password shorter than 12 characters.
    """
    if not name.strip():
        raise InvalidParameter("user-name-empty")
    if role not in ROLES:
        raise InvalidParameter("unknown-role", role=role, allowed=", ".join(ROLES))
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise InvalidParameter("password-length", fewest=SHORTEST_PASSWORD, most=LONGEST_PASSWORD)
    with store.write() as connection:
        accounts.put_user(connection, name.strip(), PasswordHasher().hash(password), role, now)


def new_key(store: Store, name: str, role: str, days: int, now: datetime) -> str:
    """Make a key for scripts and give it; only its digest is kept.

    Raises
    ------
    InvalidParameter
        The role is unknown, or the days are not 1 to 366.
    Conflict
        There is a key of that name.
    """
    if role not in ROLES:
        raise InvalidParameter("unknown-role", role=role, allowed=", ".join(ROLES))
    if not 1 <= days <= MOST_DAYS:
        raise InvalidParameter("key-days", days=days, most=MOST_DAYS)
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    digest = hashlib.sha256(key.encode()).digest()
    with store.write() as connection:
        accounts.add_key(connection, NewKey(name, digest, role, now, now + timedelta(days=days)))
    return key
