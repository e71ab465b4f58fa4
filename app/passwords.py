"""Whether a password is the account's."""

from __future__ import annotations

import secrets
from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

AT_ONCE = 2  # each check takes 64 MiB and a core: sign-ins must not starve the map


class Passwords:
    """Checks argon2 hashes, as slowly for an unknown account as for a known one."""

    def __init__(self) -> None:
        """Prepare a hash that no password opens."""
        self._hasher = PasswordHasher()
        self._nobody = _nobodys_hash()
        self._gate = BoundedSemaphore(AT_ONCE)

    def match(self, password_hash: str | None, password: str) -> bool:
        """Tell whether `password` opens `password_hash`; `None` is an unknown account."""
        with self._gate:
            try:
                self._hasher.verify(password_hash or self._nobody, password)
            except (VerificationError, InvalidHashError):
                return False
        return password_hash is not None


@cache
def _nobodys_hash() -> str:
    """Make a hash that no password opens, once for a process."""
    return PasswordHasher().hash(secrets.token_hex(32))
