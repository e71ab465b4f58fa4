"""Nights and weekends by name, what happened in each hour of them, and how they compare.

A night belongs to the evening on which it begins, and a weekend is the nights of one ISO week. When
a night begins and ends is said by the profile's window of nights. Hours are those of the clock on
the wall: where it is turned back, an hour lasts two; where it is turned forward, one lasts nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import TYPE_CHECKING

import numpy as np
from babel.dates import format_date

from geo import holidays, windows
from geo.errors import InvalidParameter
from pipelines.comparison import Days, beside
from pipelines.periods import local_days
from pipelines.texts import language, month_name, text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from geo.holidays import Holiday
    from geo.profile import Profile
    from geo.windows import Span
    from pipelines.comparison import Beside
    from pipelines.events import Events
    from store.registrations import Registrations

WINDOW = "helgnatt"  # the profile's window of nights
POOLED = 12  # weekends that are looked at together: one holds a handful of events
WEEKS_A_YEAR = 52  # back to the same weekends: the same days of the week, whatever the date
HOUR, DAY_HOURS = 60, 24  # minutes, hours
DAY = timedelta(days=1)
OUTINGS = ("walpurgis-night", "new-years-eve", "christmas-day")
_CODE = re.compile(r"(\d{4})-W(\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Weekend:
    """The nights of one ISO week."""

    year: int
    week: int

    @classmethod
    def of(cls, evening: date) -> Weekend:
        """Give the weekend that an evening belongs to."""
        year, week, _ = evening.isocalendar()
        return cls(year, week)

    @classmethod
    def read(cls, written: str) -> Weekend:
        """Read ``2026-W46``.

        Raises
        ------
        InvalidParameter
            There is no such week.
        """
        found = _CODE.fullmatch(written)
        if found is not None:
            try:
                return cls.of(date.fromisocalendar(int(found[1]), int(found[2]), 1))
            except ValueError:
                pass
        raise InvalidParameter("weekend-unknown", value=written[:40])

    @property
    def code(self) -> str:
        """Write it as links do."""
        return f"{self.year}-W{self.week:02d}"

    @property
    def monday(self) -> date:
        """Give the first day of its week."""
        return date.fromisocalendar(self.year, self.week, 1)

    def earlier(self, weeks: int) -> Weekend:
        """Give the weekend so many weeks before; a negative number is later."""
        return Weekend.of(self.monday - 7 * weeks * DAY)


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """The n nights of a period, in their order, and the h hours that any of them has."""

    evenings: tuple[date, ...]  # n
    hours: tuple[int, ...]  # h, on the clock: 23, 0, 1, 2, 3
    starts: NDArray[np.datetime64]  # (n, h) UTC seconds
    ends: NDArray[np.datetime64]  # (n, h) UTC, excluded; the start where an hour does not exist
    complete: NDArray[np.bool_]  # (n,) lies in the period from its first to its last minute

    @property
    def elapsed(self) -> NDArray[np.float64]:
        """Give how many hours each hour of each night lasted: (n, h)."""
        return (self.ends - self.starts).astype(np.float64) / 3600

    @property
    def weekends(self) -> tuple[Weekend, ...]:
        """List the weekends whose nights are all complete, the latest first."""
        rows: dict[Weekend, list[bool]] = {}
        for evening, whole in zip(self.evenings, self.complete.tolist(), strict=True):
            rows.setdefault(Weekend.of(evening), []).append(whole)
        return tuple(sorted((each for each, whole in rows.items() if all(whole)), reverse=True))

    def rows(self, weekends: Sequence[Weekend]) -> NDArray[np.intp]:
        """Find the nights of some weekends, in order."""
        wanted = set(weekends)
        found = [n for n, day in enumerate(self.evenings) if Weekend.of(day) in wanted]
        return np.array(found, dtype=np.intp)


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """What n nights of h hours hold."""

    calendar: Calendar
    night: NDArray[np.intp]  # (m,) of each event: the night that holds most of it; -1 for none
    count: NDArray[np.int64]  # (n,) events with at least half of their time in the night
    certain: NDArray[np.int64]  # (n,) of them those that lie wholly in it
    weight: NDArray[np.float64]  # (n, h) events x the share of their time in the hour
    whole: NDArray[np.int64]  # (n, h) events with at least half of their time in the hour


@dataclass(frozen=True, slots=True)
class Mark:
    """Why a night is not like others."""

    kind: str  # holiday, payday or event
    words: str


# --- the nights of a period


def spans(profile: Profile) -> tuple[Span, ...]:
    """Give the weekly rule of nights; none where the profile has no such window."""
    return next((each.spans for each in profile.windows if each.name == WINDOW), ())


def calendar(profile: Profile, start: datetime, end: datetime) -> Calendar:
    """List the nights that have any time in a half-open UTC period.

    Notes
    -----
    An edge that the clock jumps over is moved forward, as `windows.occurrences` has it for hours
    that begin at whole hours: the lost hour lasts nothing, and its neighbours keep their length.
    """
    rule = {span.weekday: span for span in spans(profile)}
    first, last = local_days(start, end, profile.timezone)
    days = [first + n * DAY for n in range(-1, (last - first).days + 1)]
    evenings = [day for day in days if day.isoweekday() in rule]
    absolute = _hours(list(rule.values()))
    local = np.array(
        [_edges(day, rule[day.isoweekday()], absolute) for day in evenings], dtype="datetime64[m]"
    )
    shape = (len(evenings), len(absolute), 2)
    instants, _ = windows.to_utc(local.astype("datetime64[s]").ravel(), profile.timezone)
    edges = instants.reshape(shape)
    period = [
        np.datetime64(each.astimezone(UTC).replace(tzinfo=None), "s") for each in (start, end)
    ]
    starts, ends = edges[..., 0], edges[..., 1]
    opens, closes = starts[:, 0], ends[:, -1]
    met = (closes > period[0]) & (opens < period[1])
    return Calendar(
        evenings=tuple(day for day, some in zip(evenings, met.tolist(), strict=True) if some),
        hours=tuple(hour % DAY_HOURS for hour in absolute),
        starts=starts[met],
        ends=ends[met],
        complete=((opens >= period[0]) & (closes <= period[1]))[met],
    )


def _hours(rule: Sequence[Span]) -> range:
    """Give the hours after the evening's midnight that any night has: 23 to 27 is 23 to 04."""
    if not rule:
        return range(1)  # of no night
    ends = [span.end + span.days_over * DAY_HOURS * HOUR for span in rule]
    return range(min(span.start for span in rule) // HOUR, -(-max(ends) // HOUR))


def _edges(evening: date, span: Span, absolute: range) -> list[list[np.datetime64]]:
    """Give the local start and end of every hour; an hour that the night lacks lasts nothing."""
    midnight = np.datetime64(evening, "m")
    close = span.end + span.days_over * DAY_HOURS * HOUR
    kept = [
        [min(max(minute, span.start), close) for minute in (hour * HOUR, (hour + 1) * HOUR)]
        for hour in absolute
    ]
    return [[midnight + np.timedelta64(minute, "m") for minute in pair] for pair in kept]


# --- what they hold


def tally(events: Events, nights: Calendar) -> Held:
    """Count events into nights and hours.

    Parameters
    ----------
    events
        Found with the window of nights, so that their shares are those of the map.
    nights
        Every night of the same period.

    Notes
    -----
    The sum of `count` over all nights is the map's number, and the sum of `weight` its weight: an
    event counts where at least half of its time lies in some night, and at the night that holds
    most of it.
    """
    n, h = nights.starts.shape
    weight, whole = np.zeros((n, h)), np.zeros((n, h), dtype=np.int64)
    most, night = np.zeros(events.share.shape), np.full(events.share.shape, -1, dtype=np.intp)
    some = np.flatnonzero(events.share > 0)
    count, starts, ends = events.of.count[some], events.of.starts_at[some], events.of.ends_at[some]
    for row in range(n):
        shares = _shares(starts, ends, nights.starts[row], nights.ends[row])
        weight[row] = count @ shares
        whole[row] = count @ (shares >= windows.WHOLE_EVENT_SHARE)
        held = shares.sum(axis=1)
        better = held > most[some]
        most[some[better]], night[some[better]] = held[better], row
    night[events.share < windows.WHOLE_EVENT_SHARE] = -1
    inside = night >= 0
    return Held(
        calendar=nights,
        night=night,
        count=_added(night[inside], events.whole[inside], n),
        certain=_added(night[inside], events.certain[inside], n),
        weight=weight,
        whole=whole,
    )


def _shares(
    start: NDArray[np.datetime64],
    end: NDArray[np.datetime64],
    opens: NDArray[np.datetime64],
    closes: NDArray[np.datetime64],
) -> NDArray[np.float64]:
    """Give the share of each of m events in each of h hours: (m, h); an instant is all or none."""
    lasting = ~np.isnat(end) & (end > start)
    last = np.where(lasting, end, start + np.timedelta64(1, "s"))
    first, until = (edge.astype(np.int64)[:, None] for edge in (start, last))
    overlap = np.minimum(until, closes.astype(np.int64)) - np.maximum(first, opens.astype(np.int64))
    return np.asarray(np.maximum(overlap, 0) / (until - first))


def _added(row: NDArray[np.intp], count: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    return np.bincount(row, count, n).astype(np.int64)


# --- beside other weekends


def before(weekends: Sequence[Weekend]) -> tuple[Weekend, ...]:
    """Give as many weekends that came just before some consecutive ones."""
    return tuple(each.earlier(len(weekends)) for each in weekends)


def a_year_before(weekends: Sequence[Weekend]) -> tuple[Weekend, ...]:
    """Give the same weekends 52 weeks earlier."""
    return tuple(each.earlier(WEEKS_A_YEAR) for each in weekends)


def compare(
    held: Held,
    events: Events,
    registered: tuple[Registrations, date | None],
    weekends: tuple[Sequence[Weekend], Sequence[Weekend]],
) -> Beside | None:
    """Tell whether some consecutive weekends had more or fewer events than some earlier ones.

    Parameters
    ----------
    held, events
        The nights, and the events that were counted into them.
    registered
        When events were registered, and the last day whose registrations are all in the data.
    weekends
        The earlier and the later ones.

    Returns
    -------
    None where a night of either lies outside the period of the nights.
    """
    known = set(held.calendar.weekends)
    if not all(each in known for some in weekends for each in some):
        return None
    inside = held.night >= 0
    evening = np.array(held.calendar.evenings, dtype="datetime64[D]")[held.night[inside]]
    days = Days(
        events.of.count[inside],
        evening,
        registered[0].of(events.of.id[inside]),
        registered[1],
    )
    before, after = (held.calendar.elapsed[held.calendar.rows(some)].sum() for some in weekends)
    earlier, later = ((min(some).monday, max(some).monday + 7 * DAY) for some in weekends)
    return beside(days, (earlier, later), (float(before), float(after)))


# --- their names


def night_name(evening: date) -> str:
    """Name a night: ”fredagsnatten 13–14 nov”."""
    morning = evening + DAY
    days = f"{evening.day}–{_day(morning)}"
    if evening.month != morning.month:
        days = f"{_day(evening)} – {_day(morning)}"
    weekday = format_date(evening, "EEEE", locale=language())
    return text("night-name", weekday=weekday, days=days)


def weekend_name(weekend: Weekend) -> str:
    """Name a weekend: ”helgen v. 46 2026”."""
    return text("weekend-name", week=weekend.week, year=weekend.year)


def weekends_name(weekends: Sequence[Weekend]) -> str:
    """Name consecutive weekends by their first and last week: ”v. 35–46 2026”."""
    first, last = min(weekends), max(weekends)
    if first.year == last.year:
        return text("weekends-name", first=first.week, last=last.week, year=last.year)
    values = {"first": first.week, "before": first.year, "last": last.week, "year": last.year}
    return text("weekends-name-years", **values)


def _day(day: date) -> str:
    return f"{day.day} {month_name(day.month)[:3]}"


def marks(evening: date, profile: Profile) -> tuple[Mark, ...]:
    """Tell why a night is not like others: a holiday, the weekend after payday, a local event."""
    found = [Mark("holiday", text(f"holiday-{one.code}")) for one in holidays.named(evening)]
    if not found:
        found = [
            Mark("holiday", text("night-before", day=text(f"holiday-{one.code}")))
            for one in holidays.named(evening + DAY)
            if one.red
        ]
    if holidays.is_payday_weekend(Weekend.of(evening).monday + 4 * DAY):
        found.append(Mark("payday", text("night-payday")))
    found += [Mark("event", one.name) for one in profile.events if one.first <= evening <= one.last]
    return tuple(found)


def kinds(weekend: Weekend, profile: Profile) -> frozenset[str]:
    """Tell in which ways any night of a weekend is not like others."""
    evenings = (weekend.monday + (span.weekday - 1) * DAY for span in spans(profile))
    return frozenset(mark.kind for evening in evenings for mark in marks(evening, profile))


def other_evenings(weekends: Sequence[Weekend], profile: Profile) -> tuple[Holiday, ...]:
    """List the evenings of holidays on other days of some consecutive weeks: in no weekend night.

    People go out on them as on a weekend, and the numbers of weekend nights do not show it.
    """
    weekdays = {span.weekday for span in spans(profile)}
    first, last = min(weekends).monday, max(weekends).monday + 6 * DAY
    days = [first + n * DAY for n in range((last - first).days + 1)]
    return tuple(
        one
        for day in days
        if day.isoweekday() not in weekdays
        for one in holidays.named(day)
        if one.code in OUTINGS or holidays.is_red(day + DAY)
    )
