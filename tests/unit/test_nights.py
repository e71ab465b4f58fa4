"""Nights and weekends: their names, their hours when clocks change, and what they hold."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from geo.change import UNKNOWN
from geo.errors import InvalidParameter
from geo.profile import LocalEvent
from geo.windows import Span, WeeklyWindow
from pipelines import nights, profiles
from pipelines.events import Events, occurrences
from pipelines.nights import Weekend
from pipelines.texts import speaking
from store.incidents import Sample
from store.registrations import Registrations

PROFILE = profiles.load("eskilstuna").profile
ZONE = ZoneInfo(PROFILE.timezone)
NEVER = np.datetime64("NaT")


def local(*when):
    """Give the UTC instant of a local time."""
    return datetime(*when, tzinfo=ZONE).astimezone(UTC)


def instant(when):
    return np.datetime64(when.replace(tzinfo=None), "s")


def calendar(first, after, profile=PROFILE):
    return nights.calendar(profile, local(*first), local(*after))


def events(*rows, profile=PROFILE, days=(date(2020, 1, 1), date(2029, 1, 1))):
    """Make events of (start, end or None, count)."""
    n = len(rows)
    numbers, metres = np.zeros(n, dtype=np.int64), np.zeros(n)
    starts = np.array([instant(row[0]) for row in rows], dtype="datetime64[s]")
    ends = np.array([NEVER if row[1] is None else instant(row[1]) for row in rows])
    sample = Sample(
        id=np.arange(1, n + 1),
        category=np.array(["krogvald"] * n, dtype=object),
        on_map=np.ones(n, dtype=bool),
        count=np.array([row[2] for row in rows], dtype=np.int64),
        starts_at=starts,
        ends_at=ends.astype("datetime64[s]"),
        x_m=metres,
        y_m=metres,
        cell=numbers,
        uncertainty_m=metres,
        pile=np.zeros(n, dtype=bool),
        area_id=numbers,
        district_id=numbers,
    )
    share = occurrences(profile, nights.WINDOW, days).shares(sample.starts_at, sample.ends_at)
    return Events(sample, share, np.ones(n, dtype=bool))


# --- names


@pytest.mark.parametrize(
    ("evening", "name"),
    [
        (date(2026, 11, 13), "fredagsnatten 13–14 nov"),
        (date(2026, 10, 31), "lördagsnatten 31 okt – 1 nov"),
        (date(2027, 1, 1), "fredagsnatten 1–2 jan"),
        (date(2022, 12, 31), "lördagsnatten 31 dec – 1 jan"),
    ],
)
def test_a_night_bears_the_name_of_the_evening_on_which_it_began(evening, name):
    assert nights.night_name(evening) == name


def test_nights_and_weekends_have_english_names():
    with speaking("en"):
        assert nights.night_name(date(2026, 11, 13)) == "Friday night 13–14 Nov"
        assert nights.weekend_name(Weekend(2026, 46)) == "weekend of week 46 2026"


@pytest.mark.parametrize(
    ("evening", "weekend"),
    [
        (date(2026, 11, 13), Weekend(2026, 46)),
        (date(2021, 1, 2), Weekend(2020, 53)),  # a Saturday of January in last year's week 53
        (date(2027, 1, 1), Weekend(2026, 53)),
        (date(2024, 12, 28), Weekend(2024, 52)),
        (date(2025, 1, 3), Weekend(2025, 1)),
    ],
)
def test_a_weekend_is_numbered_by_its_iso_week_across_year_ends(evening, weekend):
    assert Weekend.of(evening) == weekend
    assert Weekend.read(weekend.code) == weekend


def test_the_weekend_before_the_first_of_a_year_is_the_last_of_the_year_before():
    assert Weekend(2027, 1).earlier(1) == Weekend(2026, 53)
    assert Weekend(2026, 53).earlier(-1) == Weekend(2027, 1)
    assert Weekend(2026, 46).earlier(nights.WEEKS_A_YEAR) == Weekend(2025, 46)
    assert nights.weekend_name(Weekend(2026, 53)) == "helgen v. 53 2026"
    pair = (Weekend(2026, 53), Weekend(2027, 1))
    assert nights.weekends_name(pair) == "v. 53 2026–v. 1 2027"
    assert nights.weekends_name((Weekend(2026, 35), Weekend(2026, 46))) == "v. 35–46 2026"


@pytest.mark.parametrize("written", ["2025-W53", "2026-W00", "2026-46", "", "x" * 90, "2026-W46 "])
def test_a_week_that_no_year_has_is_refused(written):
    with pytest.raises(InvalidParameter) as refusal:
        Weekend.read(written)
    assert refusal.value.code == "weekend-unknown"
    assert len(str(refusal.value.values["value"])) <= 40


# --- the nights of a period


def test_the_nights_of_a_period_begin_with_the_one_that_it_cuts():
    found = calendar((2026, 11, 14), (2026, 11, 22))
    assert found.evenings == tuple(date(2026, 11, day) for day in (13, 14, 20, 21))
    assert found.hours == (23, 0, 1, 2, 3)
    assert found.complete.tolist() == [False, True, True, False]
    assert found.weekends == ()


def test_only_weekends_with_whole_nights_are_offered_the_latest_first():
    found = calendar((2026, 11, 1), (2026, 11, 23))
    assert found.weekends == (Weekend(2026, 47), Weekend(2026, 46), Weekend(2026, 45))
    assert [found.evenings[n].day for n in found.rows((Weekend(2026, 46),))] == [13, 14]


@pytest.mark.parametrize(
    ("evening", "elapsed"),
    [
        (date(2026, 3, 27), [1, 1, 1, 1, 1]),
        (date(2026, 3, 28), [1, 1, 1, 0, 1]),  # forward: there is no 02–03
        (date(2026, 10, 23), [1, 1, 1, 1, 1]),
        (date(2026, 10, 24), [1, 1, 1, 2, 1]),  # back: 02–03 comes twice
    ],
)
def test_hours_are_those_of_the_clock_on_the_wall_when_it_is_changed(evening, elapsed):
    found = calendar((2026, 1, 1), (2026, 12, 31))
    assert found.elapsed[found.evenings.index(evening)].tolist() == elapsed


def test_the_nights_fill_exactly_the_time_that_the_window_is_open():
    found = calendar((2024, 1, 1), (2027, 1, 1))
    opening = occurrences(PROFILE, nights.WINDOW, (date(2024, 1, 1), date(2026, 12, 30)))
    inside = [Weekend.of(day) for day in found.evenings]
    assert len(inside) == len(found.evenings) == found.starts.shape[0]
    seconds = (found.ends - found.starts).astype(int).sum(axis=1)
    edges = dict(
        zip(opening.starts.tolist(), (opening.ends - opening.starts).tolist(), strict=True)
    )
    for start, lasted in zip(
        found.starts[:, 0].astype(int).tolist(), seconds.tolist(), strict=True
    ):
        assert edges[start] == lasted


def test_a_profile_without_a_window_of_nights_has_none():
    other = replace(PROFILE, windows=PROFILE.windows[:1])
    assert nights.spans(other) == ()
    found = calendar((2026, 11, 1), (2026, 11, 23), other)
    assert found.evenings == found.weekends == ()


def test_a_profile_may_say_other_hours_and_days():
    spans = (Span(4, 22 * 60, 2 * 60), Span(5, 23 * 60 + 30, 5 * 60))
    own = replace(PROFILE, windows=(WeeklyWindow(nights.WINDOW, "Natt", spans),))
    found = calendar((2026, 11, 9), (2026, 11, 16), own)
    assert found.hours == (22, 23, 0, 1, 2, 3, 4)
    assert found.elapsed.tolist() == [[1, 1, 1, 1, 0, 0, 0], [0, 0.5, 1, 1, 1, 1, 1]]


# --- what they hold


NOVEMBER = ((2026, 11, 1), (2026, 11, 23))


def test_an_instant_belongs_to_the_night_that_began_the_evening_before():
    found = nights.tally(
        events((local(2026, 11, 14, 1, 30), None, 2), (local(2026, 11, 14, 23, 0), None, 1)),
        calendar(*NOVEMBER),
    )
    friday, saturday = found.calendar.rows((Weekend(2026, 46),))
    assert found.count[[friday, saturday]].tolist() == [2, 1]
    assert found.weight[friday].tolist() == [0, 0, 2, 0, 0]
    assert found.whole[saturday].tolist() == [1, 0, 0, 0, 0]
    assert found.night.tolist() == [friday, saturday]


def test_an_uncertain_event_is_divided_between_its_hours_and_counts_where_half_of_it_lies():
    found = nights.tally(
        events(
            (local(2026, 11, 13, 22), local(2026, 11, 14, 2), 1),  # three of four hours inside
            (local(2026, 11, 13, 12), local(2026, 11, 14, 0), 1),  # one of twelve
            (local(2026, 11, 14, 4), local(2026, 11, 14, 5), 1),  # none: 04 is over
        ),
        calendar(*NOVEMBER),
    )
    friday = found.calendar.rows((Weekend(2026, 46),))[0]
    assert found.count[friday] == 1
    assert found.certain[friday] == 0
    np.testing.assert_allclose(found.weight[friday], [1 / 4 + 1 / 12, 1 / 4, 1 / 4, 0, 0])
    assert found.whole[friday].tolist() == [0, 0, 0, 0, 0]
    assert found.night.tolist() == [friday, -1, -1]


def test_an_event_in_the_hour_that_comes_twice_is_counted_once():
    first, again = (
        datetime(2026, 10, 25, 2, 30, fold=fold, tzinfo=ZONE).astimezone(UTC) for fold in (0, 1)
    )
    found = nights.tally(
        events((first, None, 1), (again, None, 1), (first, again, 1)),
        calendar((2026, 10, 1), (2026, 11, 1)),
    )
    row = found.calendar.evenings.index(date(2026, 10, 24))
    assert found.weight[row].tolist() == [0, 0, 0, 3, 0]
    assert found.count[row] == found.certain[row] == 3


def test_the_sums_are_the_shares_and_whole_events_of_the_window():
    rng = np.random.default_rng(7)
    start = local(2026, 1, 1)
    rows = []
    for _ in range(2000):
        begin = start + timedelta(minutes=int(rng.integers(0, 300 * 1440)))
        lasts = timedelta(minutes=int(rng.integers(0, 900)))
        rows.append((begin, begin + lasts if lasts else None, int(rng.integers(1, 4))))
    some = events(*rows)
    found = nights.tally(some, calendar((2026, 1, 1), (2027, 1, 1)))
    assert found.count.sum() == some.whole.sum() > 20
    assert found.certain.sum() == some.certain.sum() > 10
    np.testing.assert_allclose(found.weight.sum(), (some.share * some.of.count).sum())


# --- beside other weekends


def weekly(*numbers, after=(2026, 7, 1)):
    """Make so many events on the Friday night of each week from 2 on, registered the next day."""
    rows, days, first = [], [], Weekend(2026, 2)
    for week, number in enumerate(numbers):
        friday = first.earlier(-week).monday + timedelta(days=4)
        at = local(friday.year, friday.month, friday.day, 23, 30)
        rows += [(at, None, 1)] * number
        days += [friday + timedelta(days=1)] * number
    some = events(*rows)
    registered = Registrations(some.of.id, np.array(days, dtype="datetime64[D]"))
    return some, registered, nights.tally(some, calendar((2026, 1, 1), after))


def test_weekends_are_compared_with_as_many_before_by_exact_ratio():
    some, registered, held = weekly(*[1] * 6, *[4] * 6)
    now = held.calendar.rows([Weekend(2026, week) for week in range(8, 14)])
    assert held.count[now].sum() == 24
    later = tuple(Weekend(2026, week) for week in range(13, 7, -1))
    found = nights.compare(held, some, (registered, None), (nights.before(later), later))
    assert nights.before(later) == tuple(Weekend(2026, week) for week in range(7, 1, -1))
    assert (found.before, found.after, found.lag_days) == (6, 24, None)
    # The clock went forward in week 13: 59 hours, not 60, held 24 events.
    assert found.ratio == pytest.approx(4 * 60 / 59)
    assert found.low < found.ratio < found.high
    assert found.verdict == "increased"


def test_reports_that_came_late_are_left_out_of_the_earlier_weekends_too():
    some, registered, held = weekly(*[5] * 12, after=(2026, 4, 5))
    day = registered.day.copy()
    day[:3] += np.timedelta64(60, "D")  # of the first weekend
    day[20] = NEVER
    later = tuple(Weekend(2026, week) for week in range(13, 7, -1))
    dated = Registrations(registered.id, day)
    near, far = (
        nights.compare(held, some, (dated, last), (nights.before(later), later))
        for last in (date(2026, 4, 5), date(2026, 12, 31))
    )
    assert (near.before, near.after, near.before_late, near.undated) == (26, 30, 3, 1)
    assert (far.before, far.after, far.before_late, far.undated) == (29, 30, 0, 1)
    assert (near.lag_days, far.lag_days) == (7, 277)


def test_without_registration_dates_periods_are_compared_as_they_stand():
    some, registered, held = weekly(*[5] * 12)
    day = registered.day.copy()
    day[::4] = NEVER
    later = tuple(Weekend(2026, week) for week in range(13, 7, -1))
    known = (Registrations(registered.id, day), date(2026, 12, 31))
    found = nights.compare(held, some, known, (nights.before(later), later))
    assert (found.before, found.after, found.lag_days) == (30, 30, None)


def test_few_events_cannot_be_assessed():
    some, registered, held = weekly(*[0] * 11, 3)
    later = tuple(Weekend(2026, week) for week in range(13, 7, -1))
    found = nights.compare(held, some, (registered, None), (nights.before(later), later))
    assert (found.before, found.after, found.verdict) == (0, 3, UNKNOWN)


def test_weekends_beyond_the_data_are_not_compared():
    some, registered, held = weekly(*[1] * 6)
    later = tuple(Weekend(2026, week) for week in range(7, 1, -1))
    known = registered, None
    assert nights.compare(held, some, known, (nights.a_year_before(later), later)) is None


def test_weekends_that_registrations_do_not_reach_are_not_assessed():
    some, registered, held = weekly(*[5] * 12)
    later = tuple(Weekend(2026, week) for week in range(13, 7, -1))
    saturday = registered, date(2026, 3, 28)
    found = nights.compare(held, some, saturday, (nights.before(later), later))
    assert (found.before, found.after, found.verdict) == (30, 30, UNKNOWN)
    assert found.lag_days == -1
    assert np.isnan([found.ratio, found.low, found.high]).all()


# --- what is special


def words(evening, profile=PROFILE):
    return [mark.words for mark in nights.marks(evening, profile)]


def test_nights_of_holidays_and_of_payday_are_marked():
    assert words(date(2026, 6, 19)) == ["midsommarafton"]
    assert words(date(2026, 10, 23)) == words(date(2026, 10, 24)) == ["löningshelg"]
    assert words(date(2026, 11, 13)) == []
    assert words(date(2026, 12, 25)) == ["juldagen", "löningshelg"]
    # Saturday 5 June 2027 is the night before the National Day.
    assert words(date(2027, 6, 5)) == ["natten mot nationaldagen"]


def test_local_events_of_the_profile_are_marked_on_each_of_their_evenings():
    market = LocalEvent("Höstmarknad", date(2026, 9, 11), date(2026, 9, 12))
    own = replace(PROFILE, events=(market,))
    assert words(date(2026, 9, 11), own) == words(date(2026, 9, 12), own) == ["Höstmarknad"]
    assert words(date(2026, 9, 18), own) == []
    assert nights.kinds(Weekend(2026, 37), own) == {"event"}


def test_holidays_on_other_days_of_the_week_are_named_beside_the_nights():
    weeks = [Weekend(2026, week) for week in range(14, 20)]
    found = {(one.code, one.day) for one in nights.other_evenings(weeks, PROFILE)}
    assert ("walpurgis-night", date(2026, 4, 30)) in found  # a Thursday
    assert ("maundy-thursday", date(2026, 4, 2)) in found
    assert not any(day.isoweekday() in (5, 6) for _, day in found)
