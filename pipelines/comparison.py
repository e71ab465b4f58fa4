"""Two periods beside each other: which can be compared, and what became of each area and theme."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from geo import cells as grid
from geo import change, ratios, windows
from pipelines.periods import local_days
from pipelines.texts import month_name, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geo.change import Changes
    from geo.reporting import LateShare
    from pipelines.events import Events
    from store.registrations import Registrations
    from store.runs import Run

DATED = 0.9  # of the events: fewer registration dates, and periods are compared as they stand now
TERTIAL_MONTHS = 4
LAST_YEAR, YEAR_BEFORE = "12man", "12man-fore"
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A period that can be compared with another one."""

    code: str  # as links write it
    first: date
    after: date

    @property
    def days(self) -> int:
        """Count its days."""
        return (self.after - self.first).days

    @property
    def name(self) -> str:
        """Name it as people do."""
        year, dash, rest = self.code.partition("-t")
        if dash:
            return text(f"release-tertial-{rest}", year=year)
        if self.code in (LAST_YEAR, YEAR_BEFORE):
            return text("change-span", first=_day(self.first), last=_day(self.after - DAY))
        return self.code


def _day(day: date) -> str:
    return f"{day.day} {month_name(day.month)[:3]} {day.year}"


def offered(run: Run, timezone: str) -> tuple[Stretch, ...]:
    """List the periods that lie whole in a run: years, tertials, and the last twelve months."""
    first, last = local_days(run.period_start, run.period_end, timezone)
    after = last + DAY
    found: list[Stretch] = []
    for year in range(last.year, first.year - 1, -1):
        found.append(Stretch(str(year), date(year, 1, 1), date(year + 1, 1, 1)))
        found += [
            Stretch(f"{year}-t{tertial}", *tertial_days(year, tertial)) for tertial in (3, 2, 1)
        ]
    since = date(after.year - 1, after.month, 1) if after.day == 1 else _months_back(last)
    found.append(Stretch(LAST_YEAR, since, after))
    found.append(Stretch(YEAR_BEFORE, year_before(since), year_before(after)))
    return tuple(each for each in found if first <= each.first and each.after <= after)


def _months_back(last: date) -> date:
    """Give the first day of the last twelve months, of which the latest is not over."""
    year, month = divmod(last.year * 12 + last.month - 1 - 11, 12)
    return date(year, month + 1, 1)


def tertial_days(year: int, tertial: int) -> tuple[date, date]:
    """Give the first day of a third of a year, and the day after its last."""
    first = date(year, TERTIAL_MONTHS * (tertial - 1) + 1, 1)
    after = date(year + 1, 1, 1) if tertial == 3 else date(year, TERTIAL_MONTHS * tertial + 1, 1)  # noqa: PLR2004 - the last third
    return first, after


def year_before(day: date) -> date:
    """Give the same day a year earlier; of a leap day, the day before it."""
    leap = (day.month, day.day) == (2, 29)
    return date(day.year - 1, day.month, 28 if leap else day.day)


def pair(
    stretches: Sequence[Stretch], after: str = "", before: str = ""
) -> tuple[Stretch, Stretch] | None:
    """Choose an earlier and a later period; what is not asked for is the usual one.

    Parameters
    ----------
    stretches
        What can be compared.
    after
        Code of the later one; left out, the latest whole year, else the latest tertial.
    before
        Code of the earlier one; left out, the same period a year earlier.

    Returns
    -------
    None where nothing earlier lies in the data, or what is asked for is none of the periods or
    overlaps.
    """
    by_code = {each.code: each for each in stretches}
    tried = [after] if after else sorted(by_code, key=lambda code: _order(by_code[code]))
    for code in tried:
        later = by_code.get(code)
        if later is None:
            continue
        earlier = by_code.get(before) if before else _counterpart(later, stretches)
        if earlier is not None and earlier.after <= later.first:
            return earlier, later
    return None


def _order(stretch: Stretch) -> tuple[bool, bool, float]:
    """Put whole years first, the latest first, and what ends somewhere else last."""
    return "-" in stretch.code, stretch.code == LAST_YEAR, -stretch.first.toordinal()


def _counterpart(later: Stretch, stretches: Sequence[Stretch]) -> Stretch | None:
    wanted = year_before(later.first), year_before(later.after)
    return next((each for each in stretches if (each.first, each.after) == wanted), None)


# --- what became of units


@dataclass(frozen=True, slots=True, eq=False)
class Days:
    """n events, and the local day each happened and was registered on."""

    count: NDArray[np.int64]  # (n,) whole events of the window
    day: NDArray[np.datetime64]  # (n,)
    registered: NDArray[np.datetime64]  # (n,) NaT where nobody knows
    extracted: date | None  # the last day whose registrations are in the data; None: nobody knows


@dataclass(frozen=True, slots=True)
class Line:
    """One unit in two periods."""

    key: str
    before: int
    after: int
    difference: int
    ratio: float
    low: float
    high: float
    verdict: str
    percent: float | None


@dataclass(frozen=True, slots=True)
class Compared:
    """Units in two periods."""

    lines: tuple[Line, ...]
    lag_days: int | None  # both counted as they looked so long afterwards; None: as they stand


@dataclass(frozen=True, slots=True)
class Whole:
    """All events of two periods together."""

    line: Line
    lag_days: int | None
    before_now: int  # as it stands today
    after_now: int
    undated: int  # left out: nobody knows when they were registered
    late: LateShare | None  # of the later period, still to come; None: cannot be told


def days(events: Events, registered: Registrations, latest: date | None, timezone: str) -> Days:
    """Lay events on local days."""
    local = windows.to_local(events.of.starts_at, timezone).astype("datetime64[D]")
    extracted = latest
    if latest is not None and local.size:
        extracted = max(latest, local.max().astype(object))
    return Days(events.whole, local, registered.of(events.of.id), extracted)


def within(on: Days, stretch: Stretch) -> NDArray[np.bool_]:
    """Mark the events of a period: (n,)."""
    inside: NDArray[np.bool_] = (on.day >= np.datetime64(stretch.first)) & (
        on.day < np.datetime64(stretch.after)
    )
    return inside


def whole(on: Days, two: tuple[Stretch, Stretch]) -> Whole:
    """Compare all events, at equal reporting lag where nearly all registration dates are known."""
    found = _lagged(on, two)
    if found is None:
        line = _lines([""], *_counts(on, two, [np.ones(on.day.shape, dtype=bool)]), two)[0]
        return Whole(line, None, line.before, line.after, 0, None)
    before, after = np.array([found.before]), np.array([found.after])
    line = _lines([""], before, after, two)[0]
    return Whole(line, found.lag_days, found.before_now, found.after_now, found.unknown, found.late)


def _lagged(on: Days, two: tuple[Stretch, Stretch]) -> change.PeriodChange | None:
    """Compare as both looked equally long afterwards; None where too few dates are known."""
    if on.extracted is None:
        return None
    spans = tuple((each.first, each.after) for each in two)
    extracted = max(on.extracted, two[1].after - DAY)
    found = change.compare_at_equal_lag(
        on.day, on.registered, on.count, (spans[0], spans[1]), extracted
    )
    known = found.before_now + found.after_now
    return None if found.unknown > (1 - DATED) * known else found


def units(
    on: Days,
    two: tuple[Stretch, Stretch],
    groups: Sequence[tuple[str, NDArray[np.bool_]]],
    lag_days: int | None,
) -> Compared:
    """Compare units of one family: the more there are, the more it takes to call one changed.

    Parameters
    ----------
    groups
        Each unit's key, and which events are its own.
    lag_days
        How long after a period's end an event may be registered to count; None: any time.
    """
    before, after = _counts(on, two, [which for _, which in groups], lag_days)
    return Compared(tuple(_lines([key for key, _ in groups], before, after, two)), lag_days)


def _counts(
    on: Days,
    two: tuple[Stretch, Stretch],
    groups: Sequence[NDArray[np.bool_]],
    lag_days: int | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    counted = []
    for stretch in two:
        inside = within(on, stretch)
        if lag_days is not None:
            until = np.datetime64(stretch.after + lag_days * DAY)
            inside &= (on.registered >= on.day) & (on.registered < until)
        counted.append(np.array([int(on.count[inside & each].sum()) for each in groups], dtype=int))
    return counted[0], counted[1]


def _lines(
    keys: Sequence[str],
    before: NDArray[np.int64],
    after: NDArray[np.int64],
    two: tuple[Stretch, Stretch],
) -> list[Line]:
    length = (two[0].days, two[1].days)
    found = change.compare_periods(before, after, length)
    return [
        Line(
            key=key,
            before=int(before[i]),
            after=int(after[i]),
            difference=int(found.difference[i]),
            ratio=float(found.ratio[i]),
            low=float(found.low[i]),
            high=float(found.high[i]),
            verdict=str(found.verdict[i]),
            percent=ratios.percent_change(int(before[i]), int(after[i]), length),
        )
        for i, key in enumerate(keys)
    ]


# --- on the map


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """m cells that hold events of either period."""

    cell: NDArray[np.int64]  # (m,) ascending
    before: NDArray[np.int64]  # (m,)
    after: NDArray[np.int64]  # (m,)
    changes: Changes


def in_cells(events: Events, on: Days, two: tuple[Stretch, Stretch], resolution: int) -> Cells:
    """Count both periods into cells, as they stand today."""
    parts = [within(on, each) & events.placed & (on.count > 0) for each in two]
    cell = [grid.parents(events.of.cell[part], resolution) for part in parts]
    every = np.unique(np.concatenate(cell))
    before, after = (
        np.bincount(np.searchsorted(every, own), on.count[part], every.size).astype(np.int64)
        for own, part in zip(cell, parts, strict=True)
    )
    length = (two[0].days, two[1].days)
    return Cells(every, before, after, change.compare_periods(before, after, length))
