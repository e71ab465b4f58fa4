"""Who may use a route: each one declares its roles, and one that declares none cannot be served.

``reader: Analyst`` in a route's signature is the declaration. `check_guarded` walks all routes
when the application is put together and refuses to start with one that is neither guarded nor
on the short list of public paths.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount

from app.faults import NotAllowed, SignInRequired
from app.services import services
from store import accounts

PUBLIC_PATHS = frozenset({"/health", "/logga-in", "/favicon.ico", "/static"})
KEY_HEADER = "X-API-Key"


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who is let in."""

    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Allow:
    """Lets readers with one of some roles through."""

    roles: frozenset[str]

    def __call__(self, request: Request) -> Reader:
        """Find the reader behind a request.

        Raises
        ------
        SignInRequired
            No key, no session, or one that is no longer valid.
        NotAllowed
            The reader's role is not among `roles`.
        """
        key = request.headers.get(KEY_HEADER)
        reader = _by_session(request) if key is None else _by_key(request, key)
        if reader.role not in self.roles:
            raise NotAllowed("not-allowed")
        return reader


def allow(*roles: str) -> Allow:
    """Declare which roles may use a route."""
    return Allow(frozenset(roles))


Analyst = Annotated[Reader, Depends(allow("analyst"))]


def _by_key(request: Request, key: str) -> Reader:
    """Find the holder of an API key; only its digest is stored."""
    parts = services(request)
    digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
    with parts.store.read() as conn:
        found = accounts.api_key(conn, digest, parts.now())
    if found is None:
        raise SignInRequired("unknown-key")
    return Reader(found.name, found.role)


def _by_session(request: Request) -> Reader:
    """Find the account a session was opened for; without it, or with a new password, it ends."""
    parts = services(request)
    name, until = request.session.get("name"), request.session.get("until", 0)
    if not isinstance(name, str) or parts.now().timestamp() >= float(until):
        raise SignInRequired("sign-in-required")
    with parts.store.read() as conn:
        found = accounts.user(conn, name)
    if found is None or not _opened_with(request, found.password_hash):
        raise SignInRequired("sign-in-required")
    return Reader(found.name, found.role)


def open_session(request: Request, name: str, password_hash: str) -> None:
    """Begin a session in the signed cookie; it lasts for its hours or until a new password."""
    parts = services(request)
    until = parts.now() + timedelta(hours=parts.settings.session_hours)
    request.session.clear()
    request.session.update(
        {"name": name, "until": until.timestamp(), "of": _password_mark(password_hash)}
    )


def _opened_with(request: Request, password_hash: str) -> bool:
    mark = request.session.get("of")
    return isinstance(mark, str) and hmac.compare_digest(mark, _password_mark(password_hash))


def _password_mark(password_hash: str) -> str:
    """Tell one password from the next without saying anything of either.

    Each stored hash has a salt of its own, so even the same password set again ends sessions.
    """
    return hashlib.sha256(f"session {password_hash}".encode()).hexdigest()[:24]


def check_guarded(routes: Iterable[BaseRoute]) -> None:
    """Refuse to serve a route that does not say who may use it."""
    for route in routes:
        path = getattr(route, "path", "")
        if path in PUBLIC_PATHS and isinstance(route, APIRoute | Mount):
            continue
        if not (isinstance(route, APIRoute) and guard_of(route)):
            raise RuntimeError(f"route {path!r} declares no roles: add `reader: Analyst`")


def guard_of(route: APIRoute) -> Allow | None:
    """Find a route's declaration of roles."""
    for dependency in route.dependant.dependencies:
        if isinstance(dependency.call, Allow):
            return dependency.call
    return None
