"""Which days in Sweden are not like others: red days, their eves, and the weekends of payday.

Red days are those of lag (1989:253) om allmänna helgdagar. Eves are not in the law, but change an
evening out more than the day itself does. Fixed by the calendar alone: nothing is looked up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

DAY = timedelta(days=1)
PAYDAY = 25
FIRST_YEAR = 2005  # the national day became a red day; Whit Monday was none any longer
FRIDAY, SATURDAY = 5, 6  # ISO
# Days on which banks do no business though no law makes them red: Riksbanken's calendar.
CLOSED_EVES = ("midsummer-eve", "christmas-eve", "new-years-eve")


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day with a name."""

    day: date
    code: str
    red: bool


@lru_cache(maxsize=64)
def holidays(year: int) -> tuple[Holiday, ...]:
    """List the red days and eves of a year from 2005 on, in the order of the calendar.

    Where two fall on one day, as 1 May and Ascension Day in 2008, both are listed.
    """
    easter = easter_day(year)
    midsummer, saints = _saturday(date(year, 6, 20)), _saturday(date(year, 10, 31))
    red = {
        "new-years-day": date(year, 1, 1),
        "epiphany": date(year, 1, 6),
        "good-friday": easter - 2 * DAY,
        "easter-day": easter,
        "easter-monday": easter + DAY,
        "may-day": date(year, 5, 1),
        "ascension-day": easter + 39 * DAY,
        "whit-sunday": easter + 49 * DAY,
        "national-day": date(year, 6, 6),
        "midsummer-day": midsummer,
        "all-saints-day": saints,
        "christmas-day": date(year, 12, 25),
        "boxing-day": date(year, 12, 26),
    }
    eves = {
        "epiphany-eve": date(year, 1, 5),
        "maundy-thursday": easter - 3 * DAY,
        "easter-eve": easter - DAY,
        "walpurgis-night": date(year, 4, 30),
        "whitsun-eve": easter + 48 * DAY,
        "midsummer-eve": midsummer - DAY,
        "all-saints-eve": saints - DAY,
        "christmas-eve": date(year, 12, 24),
        "new-years-eve": date(year, 12, 31),
    }
    found = [Holiday(day, code, red=True) for code, day in red.items()]
    found += [Holiday(day, code, red=False) for code, day in eves.items()]
    return tuple(sorted(found, key=lambda one: (one.day, one.code)))


def named(day: date) -> tuple[Holiday, ...]:
    """List the red days and eves that a day is; none for most."""
    return tuple(one for one in holidays(day.year) if one.day == day)


def is_red(day: date) -> bool:
    """Tell whether a day is a red one; Sundays are red by themselves and not meant here."""
    return any(one.red for one in named(day))


def easter_day(year: int) -> date:
    """Give Easter Sunday of a Gregorian year.

    Notes
    -----
    The anonymous algorithm of 1876 (Meeus, *Astronomical Algorithms*, chapter 8).
    """
    golden, century, rest = year % 19, year // 100, year % 100
    moon = (
        19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15
    ) % 30
    to_sunday = (32 + 2 * (century % 4) + 2 * (rest // 4) - moon - rest % 4) % 7
    late = (golden + 11 * moon + 22 * to_sunday) // 451
    month, day = divmod(moon + to_sunday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def payday(year: int, month: int) -> date:
    """Give the day on which most wages are paid: the 25th, or the nearest bank day before it."""
    day = date(year, month, PAYDAY)
    while day.isoweekday() >= SATURDAY or is_red(day) or _closed(day):
        day -= DAY
    return day


def is_payday_weekend(friday: date) -> bool:
    """Tell whether the weekend of a Friday is the first one from a payday on.

    A payday from Saturday to Thursday opens the weekend that follows; one on a Friday its own.
    """
    week = [friday - days * DAY for days in range(7)]
    return any(day == payday(day.year, day.month) for day in week)


def _closed(day: date) -> bool:
    return any(one.code in CLOSED_EVES for one in named(day))


def _saturday(day: date) -> date:
    """Give the first Saturday from a day on."""
    return day + (SATURDAY - day.isoweekday()) % 7 * DAY
