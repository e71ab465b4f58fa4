"""Periods as people write them: local days, both included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geo import windows

if TYPE_CHECKING:
    from datetime import date, datetime


def local_days(start: datetime, end: datetime, timezone: str) -> tuple[date, date]:
    """Give the first and the last local day of a half-open UTC period."""
    last = np.datetime64(end.replace(tzinfo=None), "s") - np.timedelta64(1, "s")
    first = np.datetime64(start.replace(tzinfo=None), "s")
    return local_day(first, timezone), local_day(last, timezone)


def local_day(instant: np.datetime64, timezone: str) -> date:
    """Give the local day of a UTC instant."""
    local = windows.to_local(np.array([instant], dtype="datetime64[s]"), timezone)
    day: date = local.astype("datetime64[D]")[0].astype(object)
    return day
