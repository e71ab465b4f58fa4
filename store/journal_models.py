"""The tables of the journal: sessions, and the log of every look."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from store.models import NAMING, NEVER_REUSE_IDS
from store.types import Key, UtcTime

Sha256 = sa.LargeBinary(32)


class JournalBase(DeclarativeBase):
    """Every table of the journal."""

    metadata = sa.MetaData(naming_convention=NAMING)
    __table_args__: Any = NEVER_REUSE_IDS


class SessionRow(JournalBase):
    """Somebody who has signed in; the token itself is only in the browser."""

    __tablename__ = "session"

    digest: Mapped[bytes] = mapped_column(Sha256, primary_key=True)  # of the token
    name: Mapped[str] = mapped_column(sa.Text, index=True)
    role: Mapped[str | None] = mapped_column(sa.Text)
    origin: Mapped[str] = mapped_column(sa.Text)
    password_mark: Mapped[str] = mapped_column(sa.Text)
    opened_at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
    seen_at: Mapped[datetime] = mapped_column(UtcTime)
    csrf: Mapped[str] = mapped_column(sa.Text)


class Look(JournalBase):
    """One entry of the log. Triggers refuse every change but the blanking of a body."""

    __tablename__ = "look"
    __table_args__ = (sa.Index(None, "who", "seq"), sa.Index(None, "what", "seq"))

    seq: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)  # 1, 2, 3 ...
    at: Mapped[datetime] = mapped_column(UtcTime, index=True)
    who: Mapped[str | None] = mapped_column(sa.Text)  # as in the body, to be searched
    what: Mapped[str | None] = mapped_column(sa.Text)  # likewise
    body: Mapped[str | None] = mapped_column(sa.Text)  # canonical JSON; NULL when weeded
    digest: Mapped[bytes] = mapped_column(Sha256)  # of the body
    head: Mapped[bytes] = mapped_column(Sha256)  # of the head before, seq, at and digest
