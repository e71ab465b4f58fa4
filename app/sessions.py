"""Who is signed in: the browser holds a random token, the journal what it stands for.

The signed cookie says nothing but the token, and the journal keeps only the token's digest: a
copied database opens no session, and a copied cookie is worth nothing once somebody signs out.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from fastapi import Request

from app.services import services
from pipelines.settings import Settings
from store import sessions
from store.sessions import Session

COOKIE = "lagesbild"
TOKEN = "token"  # noqa: S105 - the name of the cookie's one field
LEFT = "left"  # in its place where somebody has signed out
BYTES = 32
TOUCHED_EVERY = timedelta(minutes=5)  # so that reading rarely writes


def begin(request: Request, name: str, role: str | None, mark: str, origin: str) -> None:
    """Open a session under a new token; the one this browser had before ends.

    Parameters
    ----------
    request
        The sign-in.
    name, role
        Of whoever signed in; no role means that it is looked up at each request.
    mark
        Of the password (`password_mark`), or "".
    origin
        "local" or "oidc".
    """
    parts, token = services(request), secrets.token_urlsafe(BYTES)
    now = parts.now()
    session = Session(
        name=name,
        role=role,
        origin=origin,
        password_mark=mark,
        opened_at=now,
        expires_at=now + timedelta(hours=parts.settings.session_hours),
        seen_at=now,
        csrf=secrets.token_urlsafe(BYTES),
    )
    before = _digest(request)
    with parts.installation.journal.write() as connection:
        sessions.sweep(connection, now)
        if before is not None:
            sessions.close(connection, before)
        sessions.open_session(connection, _sha256(token), session)
    request.session.clear()
    request.session[TOKEN] = token


def find(request: Request) -> Session | None:
    """Find the session of a request; None when there is none, or it has ended."""
    digest = _digest(request)
    if digest is None:
        return None
    parts = services(request)
    now = parts.now()
    with parts.installation.journal.read() as connection:
        found = sessions.find(connection, digest, now, idle(parts.settings))
    if found is not None and now - found.seen_at >= TOUCHED_EVERY:
        with parts.installation.journal.write() as connection:
            sessions.touch(connection, digest, now)
    return found


def idle(settings: Settings) -> timedelta:
    """Tell how long a session may rest before it ends."""
    return timedelta(minutes=settings.session_idle_minutes)


def surely_until(session: Session, rest: timedelta) -> datetime:
    """Tell until when a session that was just found must not be looked at again.

    Then it may have ended, or has to be noted as in use.
    """
    return min(session.expires_at, session.seen_at + min(rest, TOUCHED_EVERY))


def end(request: Request) -> None:
    """End the session of a request, in the browser and in the journal."""
    digest = _digest(request)
    if digest is not None:
        with services(request).installation.journal.write() as connection:
            sessions.close(connection, digest)
    request.session.clear()
    request.session[LEFT] = True


def has_ended(request: Request) -> bool:
    """Tell whether somebody was signed in here, and is no longer: a page can say why it asks."""
    return LEFT in request.session or bool(getattr(request.state, LEFT, False))


def password_mark(password_hash: str) -> str:
    """Tell one password from the next without saying anything of either.

    Each stored hash has a salt of its own, so even the same password set again ends sessions.
    """
    return hashlib.sha256(f"session {password_hash}".encode()).hexdigest()[:24]


def _digest(request: Request) -> bytes | None:
    token = request.session.get(TOKEN)
    return _sha256(token) if isinstance(token, str) else None


def _sha256(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
