"""The tables of the journal: sessions, and the log of every look."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase

from store.models import NAMING, NEVER_REUSE_IDS


class JournalBase(DeclarativeBase):
    """Every table of the journal."""

    metadata = sa.MetaData(naming_convention=NAMING)
    __table_args__: Any = NEVER_REUSE_IDS
