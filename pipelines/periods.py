"""Local time, the one way to it: days, months and clocks as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from geo import windows

if TYPE_CHECKING:
    from datetime import date

SECOND = timedelta(seconds=1)


def local(instant: datetime, timezone: str) -> datetime:
    """Give an aware instant as the municipality's clocks show it."""
    return instant.astimezone(ZoneInfo(timezone))


def midnight(day: date, timezone: str) -> datetime:
    """Give the UTC instant at which a local day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(timezone)).astimezone(UTC)


def local_days(start: datetime, end: datetime, timezone: str) -> tuple[date, date]:
    """Give the first and the last local day of a half-open UTC period."""
    return local(start, timezone).date(), local(end - SECOND, timezone).date()


def local_months(start: datetime, end: datetime, timezone: str) -> tuple[int, int]:
    """Name the first and the last local month of a half-open UTC period."""
    return local_month(start, timezone), local_month(end - SECOND, timezone)


def local_month(instant: datetime, timezone: str) -> int:
    """Name an instant's local month as ``year * 100 + month``."""
    shown = local(instant, timezone)
    return shown.year * 100 + shown.month


def local_day(instant: np.datetime64, timezone: str) -> date:
    """Give the local day of a UTC instant."""
    shown = windows.to_local(np.array([instant], dtype="datetime64[s]"), timezone)
    day: date = shown.astype("datetime64[D]")[0].astype(object)
    return day
