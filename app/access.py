"""Who may use a route: each one declares its roles and its purpose, or it cannot be served.

``reader: Analyst`` in a route's signature is the declaration. `check_guarded` walks all routes
when the application is put together and refuses to start with one that is neither guarded nor
on the short list of public paths.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Unpack

from fastapi import Depends, Form, Request
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount

from app import sessions
from app.faults import NotAllowed, SignInRequired, TooManyAttempts
from app.origin import SAFE_METHODS
from app.services import services
from geo.errors import NotFound
from pipelines.looks import Details
from pipelines.roles import (
    ACCOUNT_ROLES,
    ADMIN,
    ANALYST,
    COORDINATOR,
    GROUP,
    PLANNER,
    PUBLIC,
    ROLES,
)
from store import accounts
from store.sessions import Session

PUBLIC_PATHS = frozenset(
    {
        *("/health", "/favicon.ico", "/static", "/karta/farger.css", "/sprak/{language}"),
        *("/logga-in", "/logga-in/oidc", "/logga-in/oidc/svar", "/tillganglighet"),
    }
)
PURPOSES = frozenset({"map", "analysis", "review", "operation", "audit", "group", "sign-in"})
KEY_HEADER = "X-API-Key"
KEY = "key"  # the origin of a reader without a session
SCOPED_PATHS = "/ogc"  # a key for some collections opens nothing elsewhere


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who is let in."""

    name: str  # as the log names them; "" is the public
    role: str
    origin: str  # "local", "oidc", "key" or "public"
    collections: frozenset[str] | None = None  # a key's; None: all of the role's
    csrf: str = ""  # what forms of the session's pages carry
    purpose: str = ""  # of the route they are let into
    until: datetime | None = None  # when all this must be looked up again; None: it never ends


@dataclass(frozen=True, slots=True)
class Allow:
    """Lets readers with one of some roles through, for one purpose."""

    roles: frozenset[str]
    purpose: str
    hidden: bool

    def __call__(self, request: Request) -> Reader:
        """Find the reader behind a request.

        Raises
        ------
        SignInRequired
            No key, no session, or one that is no longer valid.
        NotAllowed
            The reader's role is not among `roles`.
        NotFound
            The same, where a route does not say that it exists, or beyond a key's scope.
        """
        reader = identify(request)
        if reader is None and PUBLIC in self.roles and services(request).settings.public_view:
            reader = Reader("", PUBLIC, PUBLIC)
        if reader is None:
            raise SignInRequired("sign-in-required")
        if reader.role not in self.roles:
            _note_refusal(request, reader, "role")
            if not self.hidden:
                raise NotAllowed("not-allowed")
            # An unknown page does not say that it varies by cookie, so neither may this one.
            request.scope["session"].accessed = False
            raise NotFound("no-such-page")
        if reader.collections is not None and not request.url.path.startswith(SCOPED_PATHS):
            _note_refusal(request, reader, "scope")
            raise NotFound("no-such-page")
        return replace(reader, purpose=self.purpose)


def allow(*roles: str, purpose: str, hidden: bool = False) -> Allow:
    """Declare which roles may use a route, and what for.

    `hidden` routes answer other roles as a page that does not exist.
    """
    if not roles or not set(roles) <= set(ROLES) or purpose not in PURPOSES:
        raise RuntimeError(f"no declaration: roles {roles}, purpose {purpose!r}")
    return Allow(frozenset(roles), purpose, hidden)


MapReader = Annotated[Reader, Depends(allow(PUBLIC, PLANNER, ANALYST, COORDINATOR, purpose="map"))]
Analyst = Annotated[Reader, Depends(allow(ANALYST, purpose="analysis"))]
Coordinator = Annotated[Reader, Depends(allow(COORDINATOR, purpose="review"))]
Admin = Annotated[Reader, Depends(allow(ADMIN, purpose="operation"))]
Auditor = Annotated[Reader, Depends(allow(ADMIN, purpose="audit"))]
Group = Annotated[Reader, Depends(allow(GROUP, purpose="group"))]
Anyone = Annotated[Reader, Depends(allow(*ACCOUNT_ROLES, purpose="sign-in"))]


def identify(request: Request) -> Reader | None:
    """Find who sends a request, once for each; None is somebody unknown.

    Raises
    ------
    SignInRequired
        With a key that opens nothing.
    """
    if not hasattr(request.state, "reader"):
        key = request.headers.get(KEY_HEADER)
        request.state.reader = _by_session(request) if key is None else _by_key(request, key)
    found: Reader | None = request.state.reader
    return found


def _by_key(request: Request, key: str) -> Reader:
    """Find the holder of an API key; only its digest is stored."""
    parts = services(request)
    digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
    with parts.installation.open_side.read() as conn:
        found = accounts.api_key(conn, digest, parts.now())
        expired = None if found else accounts.key_name(conn, digest)
    if found is None:
        name = "" if expired is None else f"key:{expired}"
        _note_refusal(request, Reader(name, "", KEY), "key")
        raise SignInRequired("unknown-key")
    scope = frozenset(found.collections) or None
    return Reader(f"key:{found.name}", found.role, KEY, scope, until=found.expires_at)


def _by_session(request: Request) -> Reader | None:
    """Find who has signed in; a cookie that opens nothing is noted and taken back."""
    if sessions.COOKIE not in request.cookies:
        return None
    session = sessions.find(request)
    reader = None if session is None else _still_valid(request, session)
    forged = not request.session  # its signature is not ours, or is too old
    if reader is None and (forged or sessions.TOKEN in request.session):
        name, origin = ("", "") if session is None else (session.name, session.origin)
        _note_refusal(request, Reader(name, "", origin), "session")
        request.state.left = request.session.pop(sessions.TOKEN, None) is not None
    return reader


def _still_valid(request: Request, session: Session) -> Reader | None:
    """Give the reader of a session, with the role of now; None when it is taken away."""
    parts = services(request)
    until = sessions.surely_until(session, sessions.idle(parts.settings))
    if session.role is not None:
        mapped = (parts.settings.oidc_roles or {}).values()
        role = session.role if session.role in mapped else None
    else:
        with parts.installation.open_side.read() as conn:
            found = accounts.user(conn, session.name)
        role = None
        if found is not None and found.lasts(parts.now()):
            mark = sessions.password_mark(found.password_hash)
            role = found.role if hmac.compare_digest(mark, session.password_mark) else None
            until = until if found.expires_at is None else min(until, found.expires_at)
    if role is None:
        return None
    return Reader(session.name, role, session.origin, csrf=session.csrf, until=until)


def require_csrf(request: Request, csrf: Annotated[str, Form(max_length=100)] = "") -> None:
    """Take a form only with the session's own token: a wall behind the check of the origin.

    Raises
    ------
    NotAllowed
        The form is another session's, or none of ours.
    """
    reader = identify(request)
    if reader is None or reader.origin == KEY:
        return  # no cookie speaks for anybody
    if not hmac.compare_digest(csrf.encode(), reader.csrf.encode()):
        _note_refusal(request, reader, "form")
        raise NotAllowed("form-out-of-date")


@dataclass(frozen=True, slots=True)
class Limited:
    """Lets a reader do what costs only so often."""

    budget: str

    def __call__(self, request: Request) -> None:
        """Take one from the reader's budget.

        Raises
        ------
        TooManyAttempts
            It is used up.
        """
        reader = identify(request)
        who = address(request) if reader is None else reader.name
        services(request).attempts.take((self.budget, who))


def limited(budget: str) -> Limited:
    """Declare that a route costs: `Annotated[None, Depends(limited("export"))]`."""
    return Limited(budget)


def note(request: Request, reader: Reader, what: str, **details: Unpack[Details]) -> None:
    """Write a look into the log, with the purpose of the route; `asked`, `rows`, `outcome`."""
    services(request).log.note(reader.name, reader.role, what, reader.purpose, **details)


def address(request: Request) -> str:
    """Give the address somebody comes from; it is counted and never kept."""
    return request.client.host if request.client else ""


def _note_refusal(request: Request, reader: Reader, why: str) -> None:
    """Write a refusal into the log: the route's pattern, never what was asked of it.

    What opens nothing is noted only so often from one address: nobody fills the log from outside.
    """
    route = request.scope["route"]
    guard = guard_of(route)
    asked = {"route": route.path, "method": request.method, "why": why}
    purpose = "sign-in" if guard is None else guard.purpose
    with suppress(TooManyAttempts):
        if why in {"key", "session"}:
            services(request).attempts.take(("refused", address(request)))
        known = replace(reader, purpose=purpose)
        note(request, known, "refused", asked=asked, outcome="refused")


def check_guarded(routes: Iterable[BaseRoute]) -> None:
    """Refuse to serve a route that does not say who may use it, or takes forms from anybody."""
    for route in routes:
        path = getattr(route, "path", "")
        if path in PUBLIC_PATHS and isinstance(route, APIRoute | Mount):
            continue
        if not (isinstance(route, APIRoute) and guard_of(route)):
            raise RuntimeError(f"route {path!r} declares no roles: add `reader: Analyst`")
        calls = {dependency.call for dependency in route.dependant.dependencies}
        if (route.methods or set()) - SAFE_METHODS and require_csrf not in calls:
            raise RuntimeError(f"route {path!r} takes forms without `Depends(require_csrf)`")


def guard_of(route: APIRoute) -> Allow | None:
    """Find a route's declaration of roles."""
    for dependency in route.dependant.dependencies:
        if isinstance(dependency.call, Allow):
            return dependency.call
    return None
