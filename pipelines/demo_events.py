"""What happens in the invented town: where, when, and under which offence code.

Each pattern is a sentence of the plan turned into numbers: violence in the core at weekend nights,
violence at schools during school hours, graffiti at tunnels and squares, fires in series. The
volumes are those of a middle-sized municipality: a few hundred violent and drug offences a year.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from pipelines.demo_town import Spot, Town

    Crowds = Mapping[str, "Crowd"]
    Clock = tuple[datetime, datetime | None]

YEARS: Final = 3
SCHOOL_REACH_M: Final = 130.0
VENUE_REACH_M: Final = 35.0
REPEAT_REACH_M: Final = 120.0
REPEAT_SHARE: Final = 0.3
REPEAT_DAYS: Final = 14
FIRE_SERIES: Final = 7
FIRE_SERIES_DAYS: Final = 18

# Relative risk by month, January first.
FLAT: Final = (1.0,) * 12
SUMMER: Final = (0.7, 0.7, 0.8, 1.0, 1.3, 1.4, 1.3, 1.3, 1.1, 0.9, 0.8, 0.9)
WINTER: Final = (1.3, 1.1, 1.0, 0.8, 0.7, 0.7, 0.8, 0.8, 0.9, 1.1, 1.4, 1.5)
SPRING: Final = (0.6, 0.6, 1.1, 1.6, 1.5, 1.0, 0.8, 1.0, 1.2, 1.2, 0.7, 0.6)
NIGHTS_OUT: Final = (0.8, 0.8, 0.9, 1.0, 1.1, 1.2, 0.9, 1.2, 1.1, 1.0, 1.0, 1.3)

# Relative risk by weekday, Monday first.
EVERY_DAY: Final = (1.0,) * 7
SCHOOL_DAYS: Final = (1.0, 1.1, 1.1, 1.1, 1.0, 0.0, 0.0)
WEEKENDS: Final = (0.6, 0.6, 0.7, 0.8, 1.6, 1.8, 1.0)
NIGHTS: Final = (0.0, 0.0, 0.0, 0.0, 1.0, 1.2, 0.0)
FRIDAYS: Final = (0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; local time, `end` is None where only one time is known."""

    start: datetime
    end: datetime | None
    code: str
    spot: Spot
    count: int
    delay_days: int  # until it was reported


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days of the demonstration and what is known of each; all arrays are (days,)."""

    first: date
    months: NDArray[np.intp]  # 0 is January
    weekdays: NDArray[np.intp]  # 0 is Monday
    in_term: NDArray[np.bool_]

    @classmethod
    def until(cls, last: date, terms: Sequence[tuple[date, date]]) -> Calendar:
        """Span the years that end on `last`, which is included."""
        leap_day = (last.month, last.day) == (2, 29)
        anniversary = last.replace(year=last.year - YEARS, day=28 if leap_day else last.day)
        first = anniversary + timedelta(days=1)
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        return cls(
            first=first,
            months=np.array([day.month - 1 for day in days]),
            weekdays=np.array([day.weekday() for day in days]),
            in_term=np.array([any(a <= day < b for a, b in terms) for day in days]),
        )

    def pick(
        self, rng: np.random.Generator, months: Sequence[float], weekdays: Sequence[float]
    ) -> date:
        """Draw a day by month and weekday; school days come from terms, if there are any."""
        weight = np.asarray(months)[self.months] * np.asarray(weekdays)[self.weekdays]
        if weekdays is SCHOOL_DAYS and self.in_term.any():
            weight = weight * self.in_term
        return self.first + timedelta(days=int(rng.choice(weight.size, p=weight / weight.sum())))


class Crowd:
    """Places of one kind, some of them far more troubled than others."""

    def __init__(self, spots: Sequence[Spot], rng: np.random.Generator) -> None:
        """Rank the places at random; the n-th is drawn in proportion to 1 / n."""
        self._spots: list[Spot] = [spots[index] for index in rng.permutation(len(spots))]
        weight = 1.0 / np.arange(4, len(spots) + 4)
        self._share = weight / weight.sum()

    def pick(self, rng: np.random.Generator) -> Spot:
        """Draw one place."""
        return self._spots[int(rng.choice(len(self._spots), p=self._share))]


# --- when --------------------------------------------------------------------------------------


def _at(day: date, hours: float) -> datetime:
    """Give the minute so many hours after the midnight that begins `day`."""
    return datetime.combine(day, time()) + timedelta(minutes=round(hours * 60))


def _night_out(calendar: Calendar, rng: np.random.Generator) -> Clock:
    """Mostly Friday and Saturday 23-04, else an evening at the weekend or in the week."""
    if rng.random() < 0.68:  # noqa: PLR2004 - share of violence in the core at weekend nights
        start = _at(calendar.pick(rng, NIGHTS_OUT, NIGHTS), 23 + 5 * rng.beta(2.0, 1.6))
    else:
        start = _at(calendar.pick(rng, NIGHTS_OUT, WEEKENDS), rng.uniform(16, 23))
    return start, start


def _school_hours(calendar: Calendar, rng: np.random.Generator) -> Clock:
    start = _at(calendar.pick(rng, FLAT, SCHOOL_DAYS), rng.triangular(7.75, 12, 16.5))
    return start, start if rng.random() < 0.5 else None  # noqa: PLR2004 - half give one time


def _evening(calendar: Calendar, rng: np.random.Generator) -> Clock:
    start = _at(calendar.pick(rng, SUMMER, WEEKENDS), rng.triangular(12, 20.5, 26))
    return start, start + timedelta(minutes=int(rng.integers(0, 15)))


def _round_the_clock(calendar: Calendar, rng: np.random.Generator) -> Clock:
    return _at(calendar.pick(rng, FLAT, EVERY_DAY), rng.triangular(6, 19, 30)), None


def _daytime(calendar: Calendar, rng: np.random.Generator) -> Clock:
    start = _at(calendar.pick(rng, SUMMER, EVERY_DAY), rng.uniform(8, 18))
    return start, start + timedelta(minutes=int(rng.integers(20, 300)))


def _overnight(calendar: Calendar, rng: np.random.Generator) -> Clock:
    """Left in the evening, found in the morning."""
    day = calendar.pick(rng, SPRING, EVERY_DAY)
    return _at(day, rng.uniform(16, 23.5)), _at(day, 24 + rng.triangular(5.5, 7.5, 12))


def _away(calendar: Calendar, rng: np.random.Generator) -> Clock:
    """Away over a weekend, found on coming home."""
    day = calendar.pick(rng, WINTER, FRIDAYS)
    return _at(day, rng.uniform(15, 20)), _at(day, 24 * rng.choice([1, 2]) + rng.uniform(12, 21))


def _fire(calendar: Calendar, rng: np.random.Generator) -> Clock:
    return _at(calendar.pick(rng, SPRING, WEEKENDS), rng.triangular(19, 25, 29)), None


# --- what --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pattern:
    """One kind of event: how often, which codes, where and when."""

    per_year: float
    codes: Mapping[str, float]
    where: Mapping[str, float]  # crowd -> share
    when: Callable[[Calendar, np.random.Generator], Clock]
    same_day: float  # probability that it is reported before one more day has passed
    repeats: bool = False  # draws further events to the neighbourhood within two weeks


HOUSING: Final = {"areas": 0.7, "town": 0.3}
PATTERNS: Final = (
    Pattern(  # violence in the nightlife core
        190,
        {"0357": 34, "0355": 8, "0377": 6, "0367": 15, "0365": 5, "9378": 6, "1701": 5, "1703": 5}
        | {"1705": 6, "1706": 4, "9463": 4, "9459": 2},
        {"venues": 0.75, "core": 0.25},
        _night_out,
        0.7,
    ),
    Pattern(  # violence in the street
        110,
        {"0357": 30, "0355": 10, "9319": 16, "9317": 6, "9378": 12, "9374": 6, "0377": 5}
        | {"1701": 8, "1705": 7},
        {"areas": 0.65, "town": 0.2, "squares": 0.15},
        _evening,
        0.6,
    ),
    Pattern(  # violence and threats at school
        95,
        {"9311": 26, "9312": 16, "9309": 9, "9310": 7, "9315": 9, "9316": 6, "9319": 9, "9320": 5}
        | {"9323": 3, "0453": 6, "0429": 4},
        {"schools": 1.0},
        _school_hours,
        0.35,
    ),
    Pattern(  # threats and molestation elsewhere
        90,
        {"9443": 16, "9447": 22, "9446": 14, "0453": 8, "0459": 4, "9459": 18, "9463": 12},
        {"areas": 0.5, "town": 0.25, "squares": 0.25},
        _evening,
        0.5,
    ),
    Pattern(24, {"9806": 10, "9810": 10, "0870": 4}, {"squares": 0.5, "areas": 0.5}, _evening, 0.8),
    Pattern(  # drugs: where the police looked
        230,
        {"5011": 50, "5010": 38, "5005": 10, "5004": 2},
        {"squares": 0.35, "areas": 0.35, "core": 0.15, "schools": 0.15},
        _evening,
        0.95,
    ),
    Pattern(
        120,
        {"3002": 30, "3005": 22, "3070": 20, "3007": 5, "3008": 13, "3001": 10},
        {"town": 0.6, "areas": 0.3, "core": 0.1},
        _round_the_clock,
        0.9,
    ),
    Pattern(26, {"0804": 1}, HOUSING, _overnight, 0.6, repeats=True),
    Pattern(110, {"9830": 3, "9829": 1}, {"squares": 0.3, "core": 0.2} | HOUSING, _daytime, 0.5),
    Pattern(110, {"9828": 6, "9827": 4}, HOUSING, _overnight, 0.7, repeats=True),
    Pattern(85, {"0825": 9, "0860": 1}, HOUSING, _overnight, 0.4, repeats=True),
    Pattern(40, {"0802": 8, "0801": 2}, HOUSING, _overnight, 0.9),
    Pattern(55, {"9801": 4, "9802": 6, "0857": 2}, HOUSING, _away, 0.8, repeats=True),
    Pattern(85, {"1201": 1}, HOUSING | {"core": 0.2}, _overnight, 0.6, repeats=True),
    Pattern(
        140,
        {"1203": 4, "1205": 5, "1212": 1},
        {"schools": 0.3, "squares": 0.25, "tunnels": 0.15, "areas": 0.3},
        _overnight,
        0.4,
    ),
    Pattern(
        150,
        {"1209": 8, "1208": 2},
        {"tunnels": 0.45, "squares": 0.3, "schools": 0.15, "core": 0.1},
        _overnight,
        0.25,
    ),
    Pattern(34, {"1210": 14, "1211": 14, "1301": 6}, HOUSING, _fire, 0.95),
    Pattern(12, {"4023": 8, "4127": 4}, {"squares": 0.5, "areas": 0.5}, _evening, 0.95),
    Pattern(10, {"8008": 1}, {"town": 0.5, "areas": 0.5}, _overnight, 0.3),
    Pattern(  # at home, by someone close, against small children: never to reach a map
        70,
        {"9365": 14, "9369": 5, "9381": 8, "9385": 4, "9357": 6, "9440": 10, "9456": 6, "9306": 5}
        | {"9382": 8, "9386": 8},
        HOUSING,
        _round_the_clock,
        0.3,
    ),
)


def happen(town: Town, calendar: Calendar, rng: np.random.Generator) -> list[Event]:
    """Let three years pass: every pattern, near repeats, and a few series of fires."""
    crowds = _crowds(town, rng)
    events: list[Event] = []
    for pattern in PATTERNS:
        for _ in range(int(rng.poisson(pattern.per_year * YEARS))):
            event = _event(pattern, crowds, calendar, rng)
            events.append(event)
            while pattern.repeats and rng.random() < REPEAT_SHARE:
                event = _repeat(event, town, rng)
                events.append(event)
    return events + _fire_series(town, calendar, rng)


def _crowds(town: Town, rng: np.random.Generator) -> Crowds:
    """Sort the town's places by kind."""
    near_venue = _near([spot for _, spot in town.venues], town.addresses, VENUE_REACH_M)
    near_school = _near(town.schools, town.addresses, SCHOOL_REACH_M)
    kinds = {
        "core": [spot for spot in town.addresses if spot.quarter == town.core],
        "venues": [spot for spot in near_venue if spot.quarter == town.core],
        "areas": [spot for spot in town.addresses if spot.quarter in town.quarters],
        "town": [spot for spot in town.addresses if not spot.quarter],
        "schools": near_school,
        "tunnels": list(town.tunnels),
        "squares": list(town.squares),
    }
    return {name: Crowd(spots, rng) for name, spots in kinds.items() if spots}


def _near(middles: Sequence[Spot], spots: Sequence[Spot], reach_m: float) -> list[Spot]:
    """Keep the spots within reach of any of the middles."""
    here = np.array([(spot.x_m, spot.y_m) for spot in spots]).reshape(-1, 1, 2)
    there = np.array([(spot.x_m, spot.y_m) for spot in middles]).reshape(1, -1, 2)
    close = (np.hypot(*np.moveaxis(here - there, 2, 0)) <= reach_m).any(axis=1)
    return [spot for spot, keep in zip(spots, close, strict=True) if keep]


def _draw(shares: Mapping[str, float], rng: np.random.Generator) -> str:
    weight = np.array(list(shares.values()), dtype=float)
    return list(shares)[int(rng.choice(weight.size, p=weight / weight.sum()))]


def _event(pattern: Pattern, crowds: Crowds, calendar: Calendar, rng: np.random.Generator) -> Event:
    start, end = pattern.when(calendar, rng)
    where = {name: share for name, share in pattern.where.items() if name in crowds}
    return Event(
        start=start,
        end=end,
        code=_draw(pattern.codes, rng),
        spot=crowds[_draw(where, rng)].pick(rng),
        count=1 + int(rng.random() < 0.02),  # noqa: PLR2004 - now and then two of the same
        delay_days=int(rng.geometric(pattern.same_day)) - 1,
    )


def _repeat(event: Event, town: Town, rng: np.random.Generator) -> Event:
    """Let the same happen again close by, one to fourteen days later."""
    later = timedelta(days=int(rng.integers(1, REPEAT_DAYS + 1)))
    neighbours = _near([event.spot], town.addresses, REPEAT_REACH_M)
    return replace(
        event,
        start=event.start + later,
        end=event.end and event.end + later,
        spot=neighbours[int(rng.integers(len(neighbours)))],
        delay_days=int(rng.integers(0, 3)),
    )


def _fire_series(town: Town, calendar: Calendar, rng: np.random.Generator) -> list[Event]:
    """Let cars and bins burn in one neighbourhood for a few weeks, then nowhere."""
    events = []
    for number in range(FIRE_SERIES):
        quarter = town.quarters[number % len(town.quarters)]
        homes = [spot for spot in town.addresses if spot.quarter == quarter]
        around = _near([homes[int(rng.integers(len(homes)))]], homes, 2 * REPEAT_REACH_M)
        first, _ = _fire(calendar, rng)
        for _ in range(int(rng.integers(4, 8))):
            start = first + timedelta(
                days=int(rng.integers(FIRE_SERIES_DAYS)), minutes=int(rng.integers(-90, 90))
            )
            spot = around[int(rng.integers(len(around)))]
            code = _draw({"1211": 0.7, "1210": 0.3}, rng)
            events.append(Event(start, None, code, spot, 1, 0))
    return events
