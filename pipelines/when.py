"""When in the week: the hours that events lie in, and what a release tells of its blocks.

Hours are those of the local week: 0 is Monday 00-01 and 167 Sunday 23-24. An event lies in the hour
that holds at least half of its time; one that lasts so long that no single hour does is spread, and
lies in a choice of several hours that together hold half of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from geo import aoristic, windows
from geo import cells as grid
from geo.aoristic import DAY_HOURS, HOUR_S, WEEK_HOURS
from geo.errors import InvalidParameter
from geo.hot_times import hot_times
from pipelines.events import occurrences
from pipelines.periods import midnight
from pipelines.release_parts import OTHER_TIMES
from pipelines.texts import day_name, text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from numpy.typing import NDArray

    from geo.hot_times import HotTimesTable
    from geo.profile import Profile
    from geo.windows import WeeklyWindow
    from pipelines.events import Events
    from pipelines.released import Asked, Told

SPREAD = -1  # in place of an hour
AT_ONCE = 8_192  # spread events whose 168 shares are held at the same time
DUST = 1e-9  # of sums of shares that should be a half
_Code = TypeVar("_Code", str, int)
_RANGE = re.compile(r"(\d{1,3})(?:-(\d{1,3}))?", re.ASCII)


@dataclass(frozen=True, slots=True, eq=False)
class Week:
    """n events, laid over the hours of the week."""

    events: Events
    timezone: str
    hour: NDArray[np.int64]  # (n,) hour of the week that holds each; SPREAD: no single one does
    table: HotTimesTable


def week(events: Events, timezone: str, period: tuple[datetime, datetime]) -> Week:
    """Lay the events of a half-open UTC period over the hours of the week, and find the peaks."""
    first, lasted = aoristic.spans(events.of.starts_at, events.of.ends_at)
    middle = aoristic.local_hours(first + lasted // 2, timezone) % WEEK_HOURS
    seconds = [np.array([int(each.timestamp())]) for each in period]
    table = hot_times(
        events.of.starts_at,
        events.of.ends_at,
        timezone,
        events.of.count,
        exposure_hours=aoristic.hours_open(seconds[0], seconds[1], timezone),
    )
    return Week(events, timezone, np.where(lasted <= 2 * HOUR_S, middle, SPREAD), table)


def held(found: Week, hours: Iterable[int]) -> NDArray[np.bool_]:
    """Mark the events that lie in a choice of hours: (n,).

    Of events that a single hour holds they are exactly those of the matrix.
    """
    chosen = np.zeros(WEEK_HOURS, dtype=bool)
    chosen[list(hours)] = True
    inside: NDArray[np.bool_] = (found.hour != SPREAD) & chosen[found.hour]
    spread = np.flatnonzero(found.hour == SPREAD)
    starts, ends = found.events.of.starts_at, found.events.of.ends_at
    for at in range(0, spread.size, AT_ONCE):
        some = spread[at : at + AT_ONCE]
        weights = aoristic.aoristic_weights(starts[some], ends[some], found.timezone)
        inside[some] = weights[:, chosen].sum(axis=1) >= windows.WHOLE_EVENT_SHARE - DUST
    return inside


def in_cells(
    events: Events, which: NDArray[np.bool_], resolution: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count some of the events into cells: cells (m,) ascending, and counts (m,)."""
    some = which & events.placed
    cell = grid.parents(events.of.cell[some], resolution)
    found, index = np.unique(cell, return_inverse=True)
    return found, np.bincount(index, events.of.count[some], found.size).astype(np.int64)


def in_cell(events: Events, cell: int) -> NDArray[np.bool_]:
    """Mark the events that lie in one cell: (n,)."""
    inside = events.placed.copy()
    at = np.flatnonzero(inside)
    inside[at] = grid.parents(events.of.cell[at], grid.resolution(cell)) == cell
    return inside


# --- choices of hours, as links write them


def read_hours(written: str) -> tuple[int, ...]:
    """Read a choice of hours: ``118-122,142`` is Friday 22 to Saturday 03 and Saturday 22-23.

    Raises
    ------
    InvalidParameter
        It is none.
    """
    hours: set[int] = set()
    for part in written.split(","):
        found = _RANGE.fullmatch(part)
        first = int(found[1]) if found else WEEK_HOURS
        last = int(found[2]) if found and found[2] else first
        if not first <= last < WEEK_HOURS:
            raise InvalidParameter("hours-unknown", value=written[:40])
        hours |= set(range(first, last + 1))
    return tuple(sorted(hours))


def write_hours(hours: Iterable[int]) -> str:
    """Write a choice of hours as `read_hours` reads it."""
    runs: list[list[int]] = []
    for hour in sorted(set(hours)):
        if runs and hour == runs[-1][1] + 1:
            runs[-1][1] = hour
        else:
            runs.append([hour, hour])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def window_hours(window: WeeklyWindow) -> tuple[int, ...]:
    """List the hours of the week that a weekly window touches."""
    if not window.spans:
        return tuple(range(WEEK_HOURS))
    found: set[int] = set()
    for span in window.spans:
        midnight = (span.weekday - 1) * DAY_HOURS
        end = span.end + span.days_over * windows.MINUTES_A_DAY
        found |= {(midnight + hour) % WEEK_HOURS for hour in range(span.start // 60, -(-end // 60))}
    return tuple(sorted(found))


def named_hours(hours: Iterable[int]) -> str:
    """Say a choice of hours: "fre 22–lör 03; lör 22–23"."""
    chosen = sorted(set(hours))
    if len(chosen) == WEEK_HOURS:
        return text("when-whole-week")
    known = set(chosen)
    starts = [hour for hour in chosen if (hour - 1) % WEEK_HOURS not in known]
    said = []
    for start in starts:
        end = start + 1
        while end % WEEK_HOURS in known:
            end += 1
        said.append(named_block(start, end))
    return "; ".join(said)


def named_block(start: int, end: int) -> str:
    """Say a block of consecutive hours; `end`, excluded, may lie in the next week."""
    first, last = divmod(start, DAY_HOURS), divmod((end - 1) % WEEK_HOURS, DAY_HOURS)
    begins = f"{day_name(first[0] + 1)} {first[1]:02d}"
    ends = f"{last[1] + 1:02d}"
    if end - start >= DAY_HOURS or first[0] != last[0]:
        ends = f"{day_name(last[0] + 1)} {ends}"
    return f"{begins}–{ends}"


# --- what a release tells of its blocks


@dataclass(frozen=True, slots=True)
class Bounds:
    """What whole atoms of a release tell of a question: both numbers are sums of such atoms."""

    low: int  # of atoms that speak of nothing else
    high: int  # of all atoms that speak of it
    themes: tuple[str, ...]  # what `high` speaks of beside what was asked for
    blocks: tuple[str, ...]
    places: tuple[str, ...]
    tertials: tuple[int, ...]

    @property
    def exact(self) -> bool:
        """Tell whether it is one number."""
        return self.low == self.high


def between(told: Told, asked: Asked) -> Bounds:
    """Tell between which numbers of a release the answer to a question lies.

    Of what a period does not know it tells nothing.
    """
    try:
        answer = told.answer(asked)
    except InvalidParameter:
        return Bounds(0, 0, (), (), (), ())
    met = {number for shown in answer.shown for number in shown.units}
    wanted = set(asked.places)
    beyond = {
        unit.place
        for unit in told.units
        if wanted and unit.number in met and not {unit.place, unit.zone} & wanted
    }
    return Bounds(
        low=answer.low,
        high=answer.total,
        themes=_beyond(answer.themes, asked.themes),
        blocks=_beyond(answer.blocks, asked.blocks),
        places=tuple(sorted(beyond)),
        tertials=_beyond(answer.tertials, asked.tertials),
    )


def _beyond(held: tuple[_Code, ...], asked: tuple[_Code, ...]) -> tuple[_Code, ...]:
    return tuple(each for each in held if each not in asked) if asked else ()


def block_hours(told: Told, profile: Profile) -> dict[str, float]:
    """Tell how many hours each block of a release's period has."""
    first, after = told.part.first_day, told.part.after_day
    edges = [int(midnight(each, profile.timezone).timestamp()) for each in (first, after)]
    whole, rest = (edges[1] - edges[0]) / HOUR_S, 0.0
    hours: dict[str, float] = {}
    names = {window.name for window in profile.windows}
    for block in told.blocks:
        if block in names and block != OTHER_TIMES:
            opening = occurrences(profile, block, (first, after))
            begin = np.maximum(opening.starts, edges[0])
            until = np.minimum(opening.ends, edges[1])
            hours[block] = float(np.maximum(until - begin, 0).sum() / HOUR_S)
            rest += hours[block]
    if OTHER_TIMES in told.blocks:
        hours[OTHER_TIMES] = whole - rest
    return hours
