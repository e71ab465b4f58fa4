"""The tables of releases: only what planners and the public may read."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase

from store.models import NAMING, NEVER_REUSE_IDS


class ReleaseBase(DeclarativeBase):
    """Every table of releases."""

    metadata = sa.MetaData(naming_convention=NAMING)
    __table_args__: Any = NEVER_REUSE_IDS
