"""Two periods beside each other: which can be compared, and what became of each area and theme."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
Span = tuple[date, date]  # the first day, and the day after the last


@dataclass(frozen=True, slots=True)
class Stretch:
    """A period that can be compared with another one."""

    code: str  # as links write it
    first: date
    after: date

    @property
    def span(self) -> Span:
        """Give its first day and the day after its last."""
        return self.first, self.after

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

    @property
    def known(self) -> NDArray[np.datetime64]:
        """Give the days of registration that had come when the data were taken: (n,)."""
        if self.extracted is None:
            return self.registered
        had_come = self.registered <= np.datetime64(self.extracted)
        return np.where(had_come, self.registered, np.datetime64("NaT", "D"))

    def where(self, which: NDArray[np.bool_]) -> Days:
        """Keep some of the events."""
        return Days(self.count[which], self.day[which], self.registered[which], self.extracted)


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
    lag_days: int | None  # as of `beside`


@dataclass(frozen=True, slots=True)
class Whole:
    """All events of two periods together."""

    line: Line
    lag_days: int | None  # as of `beside`
    before_now: int  # as it stands today
    after_now: int
    undated: int  # left out: nobody knows when they were registered
    late: LateShare | None  # of the later period, still to come; None: cannot be told


@dataclass(frozen=True, slots=True)
class Beside:
    """Two periods, and whether the later one had more or fewer."""

    before: int  # at equal lag where `lag_days` says so
    after: int
    lag_days: int | None
    before_late: int  # of the earlier one, registered too late to be compared
    before_now: int  # as it stands today
    after_now: int
    undated: int  # left out: nobody knows when they were registered
    ratio: float  # of the rates; nan where nothing can be told
    low: float
    high: float
    verdict: str  # of geo.change
    late: LateShare | None  # of the later period, still to come; None: cannot be told


def days(events: Events, registered: Registrations, latest: date | None, timezone: str) -> Days:
    """Lay events on local days."""
    local = windows.to_local(events.of.starts_at, timezone).astype("datetime64[D]")
    return Days(events.whole, local, registered.of(events.of.id), latest)


def within(on: Days, span: Stretch | Span) -> NDArray[np.bool_]:
    """Mark the events of a period: (n,)."""
    first, after = span if isinstance(span, tuple) else span.span
    inside: NDArray[np.bool_] = (on.day >= np.datetime64(first)) & (on.day < np.datetime64(after))
    return inside


def beside(on: Days, two: tuple[Span, Span], lasting: tuple[float, float] | None = None) -> Beside:
    """Compare two periods, at equal reporting lag where nearly all registration dates are known.

    Parameters
    ----------
    on
        Events; those of other days help to tell how late reports are.
    two
        The earlier and the later one, each ``first <= day < after``.
    lasting
        How long each is where they are compared as they stand; None: their days.

    Returns
    -------
    `lag_days` is None where the periods are compared as they stand, for want of dates. Below 0,
    the data end so many days before the later period does: nothing can be assessed.
    """
    lag = _lag_days(on, two)
    if lag is not None and lag >= 0 and on.extracted is not None:
        known = on.day <= np.datetime64(on.extracted)
        found = change.compare_at_equal_lag(
            on.day[known], on.known[known], on.count[known], two, on.extracted
        )
        return Beside(
            before=found.before,
            after=found.after,
            lag_days=found.lag_days,
            before_late=found.before_late,
            before_now=found.before_now,
            after_now=found.after_now,
            undated=found.unknown,
            ratio=found.ratio,
            low=found.low,
            high=found.high,
            verdict=found.verdict,
            late=found.late,
        )
    before, after = (int(on.count[within(on, span)].sum()) for span in two)
    plain = _judged(np.array([before]), np.array([after]), lasting or _lengths(two), lag)
    return Beside(
        before=before,
        after=after,
        lag_days=lag,
        before_late=0,
        before_now=before,
        after_now=after,
        undated=0,
        ratio=float(plain.ratio[0]),
        low=float(plain.low[0]),
        high=float(plain.high[0]),
        verdict=str(plain.verdict[0]),
        late=None,
    )


def _lag_days(on: Days, two: tuple[Span, Span]) -> int | None:
    """Count the days from the later period's last one to the last that the data cover."""
    inside = within(on, two[0]) | within(on, two[1])
    undated = inside & ~(on.known >= on.day)  # NaT is after nothing
    if on.extracted is None or on.count[undated].sum() > (1 - DATED) * on.count[inside].sum():
        return None
    return (on.extracted - two[1][1]).days + 1


def _lengths(two: tuple[Span, Span]) -> tuple[float, float]:
    before, after = ((after - first).days for first, after in two)
    return before, after


def _judged(
    before: NDArray[np.int64],
    after: NDArray[np.int64],
    lasting: tuple[float, float],
    lag_days: int | None,
) -> Changes:
    """Compare units of one family; where the later period is not over, nothing is said."""
    found = change.compare_periods(before, after, lasting)
    if lag_days is None or lag_days >= 0:
        return found
    none = np.full(before.shape, np.nan)
    said = np.full(before.shape, change.UNKNOWN)
    return replace(found, ratio=none, low=none, high=none, p=none, q=none, verdict=said)


def whole(on: Days, two: tuple[Stretch, Stretch]) -> Whole:
    """Compare all events of two periods."""
    spans = (two[0].span, two[1].span)
    found = beside(on, spans)
    of_both = np.array([found.before]), np.array([found.after])
    line = _lines([""], *of_both, two, found.lag_days)[0]
    return Whole(line, found.lag_days, found.before_now, found.after_now, found.undated, found.late)


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
        As of `beside`: so long after a period's end an event may be registered to count.
    """
    counted = [_counted(on, each.span, lag_days) for each in two]
    before, after = (
        np.array([int(count[which].sum()) for _, which in groups], dtype=np.int64)
        for count in counted
    )
    lines = _lines([key for key, _ in groups], before, after, two, lag_days)
    return Compared(tuple(lines), lag_days)


def _counted(on: Days, span: Span, lag_days: int | None) -> NDArray[np.int64]:
    """Count what a period holds of each event, as it looked so long after its end: (n,)."""
    inside = within(on, span)
    if lag_days is not None and lag_days >= 0:
        until = np.datetime64(span[1] + lag_days * DAY)
        inside &= (on.known >= on.day) & (on.known < until)
    return on.count * inside


def _lines(
    keys: Sequence[str],
    before: NDArray[np.int64],
    after: NDArray[np.int64],
    two: tuple[Stretch, Stretch],
    lag_days: int | None,
) -> list[Line]:
    length = (two[0].days, two[1].days)
    found = _judged(before, after, length, lag_days)
    over = lag_days is None or lag_days >= 0
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
            percent=ratios.percent_change(int(before[i]), int(after[i]), length) if over else None,
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


def in_cells(
    events: Events,
    on: Days,
    two: tuple[Stretch, Stretch],
    resolution: int,
    lag_days: int | None,
) -> Cells:
    """Count both periods into cells, by the rule of `units`."""
    counted = [_counted(on, each.span, lag_days) * events.placed for each in two]
    parts = [count > 0 for count in counted]
    cell = [grid.parents(events.of.cell[part], resolution) for part in parts]
    every = np.unique(np.concatenate(cell))
    before, after = (
        np.bincount(np.searchsorted(every, own), count[part], every.size).astype(np.int64)
        for own, count, part in zip(cell, counted, parts, strict=True)
    )
    length = (two[0].days, two[1].days)
    return Cells(every, before, after, _judged(before, after, length, lag_days))
