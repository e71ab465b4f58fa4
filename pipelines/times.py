"""When rows happened: local times read, checked, and turned into instants."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from geo import windows
from pipelines import fields

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from pipelines.batches import Batch


OLDEST_YEAR = 1990  # older dates are a spreadsheet's null or a typing error
LONGEST_SPAN_DAYS = 366
DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, slots=True)
class Times:
    """When n rows happened: UTC instants, flags, local weekday and minute."""

    starts: NDArray[np.datetime64]
    ends: NDArray[np.datetime64]
    flags: NDArray[np.int64]
    day_only: NDArray[np.bool_]
    weekday: NDArray[np.int64]
    minute: NDArray[np.int64]


DAY_ONLY = 4  # joins windows.SKIPPED and windows.REPEATED in the flags


def times(batch: Batch, timezone: str, now: datetime) -> Times:
    """Read start and end; what cannot be, or lies in the future, is a fault."""
    begins = "starts" if batch.layout.kind == "incidents" else "observed"
    from_, start_column = _moment(batch, begins, timezone)
    to, end_column = _moment(batch, "ends", timezone)
    forced = _forced_day_only(batch)
    start, end = from_.wall.copy(), to.wall.copy()
    start_day_only = from_.day_only | forced
    start[forced] = start[forced].astype("datetime64[D]")
    missing = np.flatnonzero(np.isnat(start)).tolist()
    batch.faults.add(missing, "start-missing", start_column, [])
    # A day without a clock time is an event somewhere within that day.
    through = start_day_only & np.isnat(end)
    end[through] = start[through] + DAY
    end[to.day_only & ~np.isnat(end)] += DAY
    _refuse_odd(batch, start, end, (start_column, end_column), now, timezone)
    utc, flags = _instants(start, from_, timezone)
    until, _ = _instants(end, to, timezone)
    until = np.where(until < utc, utc, until)  # an end within an hour that the clock skipped
    minutes = start.astype("datetime64[m]").astype(np.int64)
    days = start.astype("datetime64[D]").astype(np.int64)
    return Times(
        utc,
        until,
        flags.astype(np.int64) | (start_day_only.astype(np.int64) * DAY_ONLY),
        start_day_only,
        (days + 3) % 7 + 1,
        minutes % fields.MINUTES_A_DAY,
    )


def _instants(
    wall: NDArray[np.datetime64], read: fields.Moments, timezone: str
) -> tuple[NDArray[np.datetime64], NDArray[np.uint8]]:
    """Turn wall-clock times into instants; a cell that carried a zone said which instant it is."""
    utc, flags = windows.to_utc(wall, timezone)
    exact = ~np.isnat(read.utc)
    utc[exact], flags[exact] = read.utc[exact], 0
    return utc, flags


def _moment(batch: Batch, which: str, timezone: str) -> tuple[fields.Moments, str]:
    """Read one end of the event, from one column or from a date and a clock time."""
    layout = batch.layout
    if f"{which}_date" not in layout.columns:
        column = batch.column(which)
        return (
            fields.datetimes(column, layout.datetime_formats, timezone, batch.faults),
            column.name,
        )
    column = batch.column(f"{which}_date")
    day = fields.datetimes(column, layout.date_formats, timezone, batch.faults)
    minutes = fields.clock_minutes(batch.column(f"{which}_time"), layout.time_formats, batch.faults)
    clock = minutes >= 0
    wall = day.wall.copy()
    wall[clock] += minutes[clock].astype("timedelta64[m]")
    nothing = np.full(wall.shape, np.datetime64("NaT"), dtype="datetime64[s]")
    return fields.Moments(wall, nothing, ~clock & ~np.isnat(wall)), column.name


def _forced_day_only(batch: Batch) -> NDArray[np.bool_]:
    column, values = batch.layout.date_only_when
    if not column:
        return np.zeros(batch.size, dtype=bool)
    return np.array([cell in values for cell in batch.source_column(column)])


def _refuse_odd(
    batch: Batch,
    start: NDArray[np.datetime64],
    end: NDArray[np.datetime64],
    columns: tuple[str, str],
    now: datetime,
    timezone: str,
) -> None:
    """Note what cannot be true: before 1990, in the future, ending before it began."""
    today = windows.to_local(np.array([now.replace(tzinfo=None)], "datetime64[s]"), timezone)[0]
    tomorrow = today.astype("datetime64[D]") + DAY
    for bad, reason, column, moment in (
        (start < np.datetime64(date(OLDEST_YEAR, 1, 1)), "time-too-old", columns[0], start),
        (start >= tomorrow, "time-in-future", columns[0], start),
        (end < start, "ends-before-start", columns[1], end),
        (
            end - start > np.timedelta64(LONGEST_SPAN_DAYS * 86_400, "s"),
            "span-too-long",
            columns[1],
            end,
        ),
    ):
        if bad.any():
            shown = np.datetime_as_string(moment).tolist()
            batch.faults.add(np.flatnonzero(bad).tolist(), reason, column, shown)
