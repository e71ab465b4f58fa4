"""Who is signed in. The browser holds a random token; only its digest is kept here."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from store import journal_models

if TYPE_CHECKING:
    from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who has signed in."""

    name: str
    role: str | None  # None: a local account, whose role is looked up at each request
    origin: str  # "local" or "oidc"
    password_mark: str  # ends the session when the password changes; "" for oidc
    opened_at: datetime
    expires_at: datetime
    seen_at: datetime
    csrf: str


def open_session(connection: sa.Connection, digest: bytes, session: Session) -> None:
    """Keep a session under the SHA-256 digest of its token."""
    table = journal_models.SessionRow
    connection.execute(sa.insert(table), {"digest": digest, **asdict(session)})


def find(
    connection: sa.Connection, digest: bytes, now: datetime, idle: timedelta
) -> Session | None:
    """Find a session by the digest of its token.

    None unless it was opened, has not been closed, has not expired, and was seen less than
    `idle` ago.
    """
    table = journal_models.SessionRow
    columns = [getattr(table, name) for name in Session.__slots__]
    query = sa.select(*columns).where(
        table.digest == digest, table.expires_at > now, table.seen_at > now - idle
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else Session(*row)


def touch(connection: sa.Connection, digest: bytes, now: datetime) -> None:
    """Note that a session is in use; one that is closed stays closed, and no clock runs back."""
    table = journal_models.SessionRow
    condition = (table.digest == digest, table.seen_at < now)
    connection.execute(sa.update(table).where(*condition).values(seen_at=now))


def close(connection: sa.Connection, digest: bytes) -> bool:
    """End one session; tell whether there was one."""
    table = journal_models.SessionRow
    return connection.execute(sa.delete(table).where(table.digest == digest)).rowcount > 0


def close_all(connection: sa.Connection, name: str) -> int:
    """End every session of an account; give how many there were."""
    table = journal_models.SessionRow
    return connection.execute(sa.delete(table).where(table.name == name)).rowcount


def current(connection: sa.Connection, now: datetime) -> list[Session]:
    """List the sessions that have not expired, the one seen last first."""
    table = journal_models.SessionRow
    columns = [getattr(table, name) for name in Session.__slots__]
    query = sa.select(*columns).where(table.expires_at > now).order_by(table.seen_at.desc())
    return [Session(*row) for row in connection.execute(query)]


def sweep(connection: sa.Connection, now: datetime) -> int:
    """Remove the sessions that have expired; give how many there were."""
    table = journal_models.SessionRow
    return connection.execute(sa.delete(table).where(table.expires_at <= now)).rowcount
