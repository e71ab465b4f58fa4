"""Local clocks and weekly windows, against zoneinfo and against what one can count by hand."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import InvalidParameter
from geo.windows import (
    REPEATED,
    SKIPPED,
    Span,
    WeeklyWindow,
    months,
    occurrences,
    to_local,
    to_utc,
)
from tests.zoo import TIMEZONES, clock_changes, wall_times_around

STOCKHOLM = "Europe/Stockholm"
HELGNATT = WeeklyWindow("helgnatt", "Helgnatt", (Span(5, 23 * 60, 240), Span(6, 23 * 60, 240)))
SCHOOL_DAYS = tuple(Span(weekday, 7 * 60, 17 * 60) for weekday in range(1, 6))
SKOLTID = WeeklyWindow("skoltid", "Skoltid", SCHOOL_DAYS, term_only=True)
KVALL = WeeklyWindow("kvall", "Kväll", tuple(Span(d, 1020, 1380) for d in range(1, 8)))
ALWAYS = WeeklyWindow("all", "Alla")
YEAR_2026 = (date(2026, 1, 1), date(2027, 1, 1))
NOT_YET = np.datetime64("NaT")


def instants(*texts):
    return np.array(texts, dtype="datetime64[s]")


def hours_open(window, period, timezone=STOCKHOLM, terms=()):
    opening = occurrences(window, period, timezone, terms)
    return (opening.ends - opening.starts).sum() / 3600


def share(window, start, end="NaT", period=YEAR_2026, timezone=STOCKHOLM):
    opening = occurrences(window, period, timezone)
    return opening.shares(instants(start), instants(end)).item()


def by_zoneinfo(wall_times, timezone, fold=0):
    zone = ZoneInfo(timezone)
    return [round(t.replace(tzinfo=zone, fold=fold).timestamp()) for t in wall_times]


def assert_equals_zoneinfo(wall_times, timezone):
    utc, flags = to_utc(np.array(wall_times, dtype="datetime64[s]"), timezone)
    first = np.array(by_zoneinfo(wall_times, timezone))
    second = np.array(by_zoneinfo(wall_times, timezone, fold=1))
    np.testing.assert_array_equal(utc.astype(np.int64), first)
    # PEP 495: the later fold is the later instant where a time repeats, the earlier in a gap.
    np.testing.assert_array_equal(flags == REPEATED, second > first)
    np.testing.assert_array_equal(flags == SKIPPED, second < first)


@pytest.mark.parametrize("timezone", TIMEZONES)
def test_around_every_clock_change_wall_times_mean_what_zoneinfo_says(timezone):
    days = clock_changes(timezone, 2000, 2037) or [datetime(2026, 3, 29, tzinfo=UTC)]
    assert_equals_zoneinfo(wall_times_around(days, 15), timezone)


@pytest.mark.deep
@pytest.mark.parametrize("timezone", TIMEZONES)
def test_every_half_hour_of_38_years_means_what_zoneinfo_says(timezone):
    start = datetime(2000, 1, 1)  # noqa: DTZ001 - wall clock
    halves = range(int((datetime(2038, 1, 1) - start) / timedelta(minutes=30)))  # noqa: DTZ001
    assert_equals_zoneinfo([start + timedelta(minutes=30 * n) for n in halves], timezone)


def test_a_time_the_clock_jumped_over_moves_forward_and_is_flagged():
    utc, flags = to_utc(instants("2026-03-29T02:30", "2026-03-29T03:00"), STOCKHOLM)
    assert utc.astype(str).tolist() == ["2026-03-29T01:30:00", "2026-03-29T01:00:00"]
    assert flags.tolist() == [SKIPPED, 0]


def test_a_time_that_comes_twice_is_the_first_and_is_flagged():
    utc, flags = to_utc(instants("2026-10-25T02:30", "2026-10-25T03:00"), STOCKHOLM)
    assert utc.astype(str).tolist() == ["2026-10-25T00:30:00", "2026-10-25T02:00:00"]
    assert flags.tolist() == [REPEATED, 0]


@pytest.mark.parametrize("timezone", TIMEZONES)
def test_unknown_times_stay_unknown_and_unflagged(timezone):
    utc, flags = to_utc(instants("NaT"), timezone)
    assert np.isnat(utc).all()
    assert flags.tolist() == [0]
    assert np.isnat(to_local(utc, timezone)).all()


@given(st.sampled_from(TIMEZONES), st.lists(st.integers(946_684_800, 2_145_916_800)))
def test_an_instant_survives_the_way_to_local_time_and_back_unless_it_repeats(timezone, seconds):
    utc = np.array(seconds, dtype="datetime64[s]")
    back, flags = to_utc(to_local(utc, timezone), timezone)
    late = back != utc
    assert (flags[late] == REPEATED).all()
    assert (back[late] < utc[late]).all()
    assert (flags != SKIPPED).all()


@pytest.mark.parametrize("name", ["", "Nowhere/Town", "Europe", "../etc", "x" * 300, "a\0b"])
def test_what_is_no_timezone_is_refused(name):
    with pytest.raises(InvalidParameter) as refused:
        to_utc(instants("2026-01-01"), name)
    assert refused.value.code == "unknown-timezone"


def test_new_year_comes_at_local_midnight():
    utc = instants("2025-12-31T22:59:59", "2025-12-31T23:00:00", "2026-01-01T05:59:59")
    assert months(utc, STOCKHOLM).tolist() == [202512, 202601, 202601]
    assert months(utc, "America/Chicago").tolist() == [202512] * 3


def test_years_before_1970_have_months_too():
    assert months(instants("1969-12-31T12:00"), "UTC").tolist() == [196912]


@pytest.mark.parametrize(
    ("weekday", "start", "end"),
    [(0, 0, 60), (8, 0, 60), (1, -1, 60), (1, 1440, 60), (1, 0, 1441), (1, 60, 60), (1, 0, 0)],
)
def test_a_span_that_means_nothing_is_refused(weekday, start, end):
    with pytest.raises(InvalidParameter):
        Span(weekday, start, end)


@pytest.mark.parametrize(
    ("saturday", "hours"), [("2026-03-28", 4), ("2026-10-24", 6), ("2026-06-13", 5)]
)
def test_a_weekend_night_lasts_as_long_as_the_night_did(saturday, hours):
    day = date.fromisoformat(saturday)
    only_saturday = WeeklyWindow("n", "n", (Span(6, 23 * 60, 240),))
    opening = occurrences(only_saturday, (day, day + timedelta(days=1)), STOCKHOLM)
    assert ((opening.ends - opening.starts) / 3600).tolist() == [hours]


def test_the_weekend_nights_of_2026_last_520_hours_and_the_clock_takes_one_and_gives_one():
    # 52 Fridays and 52 Saturdays, five hours each; the night before 1 January is a Wednesday.
    assert hours_open(HELGNATT, YEAR_2026) == 104 * 5 - 1 + 1


def test_the_night_before_the_period_reaches_into_it():
    saturday = (date(2026, 6, 13), date(2026, 6, 14))
    assert share(HELGNATT, "2026-06-12T23:30", period=saturday) == 1  # Friday night, 01.30 local


@pytest.mark.parametrize(
    ("local_edge", "inside"),
    [
        ("2026-06-12T20:59:59", 0),  # 22.59.59 on Friday
        ("2026-06-12T21:00:00", 1),
        ("2026-06-13T01:59:59", 1),
        ("2026-06-13T02:00:00", 0),  # 04.00 on Saturday
    ],
)
def test_an_instant_counts_from_the_opening_and_not_at_the_close(local_edge, inside):
    assert share(HELGNATT, local_edge) == inside


def test_an_event_from_22_to_24_lies_half_in_the_weekend_night():
    assert share(HELGNATT, "2026-06-12T20:00", "2026-06-12T22:00") == 0.5


def test_an_event_over_the_lost_hour_is_measured_by_elapsed_time():
    # 22.00 on 28 March to 06.00 on 29 March lasts seven hours; four of them are weekend night.
    assert share(HELGNATT, "2026-03-28T21:00", "2026-03-29T04:00") == pytest.approx(4 / 7)


def test_an_end_before_or_at_the_start_makes_an_instant():
    assert share(HELGNATT, "2026-06-12T22:00", "2026-06-12T22:00") == 1
    assert share(HELGNATT, "2026-06-12T22:00", "2026-06-12T10:00") == 1


def test_the_window_without_spans_holds_everything():
    assert share(ALWAYS, "1900-01-01") == 1
    assert share(ALWAYS, "2026-06-12", "2031-01-01") == 1


def test_school_hours_count_in_term_only_and_always_without_terms():
    week = (date(2026, 6, 8), date(2026, 6, 15))
    term = ((date(2026, 6, 1), date(2026, 6, 11)),)  # the last school day is Wednesday
    assert hours_open(SKOLTID, week) == 50
    assert hours_open(SKOLTID, week, terms=term) == 30
    assert hours_open(SKOLTID, week, terms=((date(2025, 1, 1), date(2025, 6, 1)),)) == 0


def test_a_window_that_never_opens_holds_nothing():
    never = occurrences(SKOLTID, YEAR_2026, STOCKHOLM, ((date(2020, 1, 1), date(2020, 1, 2)),))
    shares = never.shares(instants("2026-06-10T10:00", "2026-06-10"), instants("NaT", "2026-06-12"))
    assert shares.tolist() == [0, 0]


def test_no_event_has_no_share():
    assert occurrences(HELGNATT, YEAR_2026, STOCKHOLM).shares(instants(), instants()).size == 0


def test_overlapping_and_touching_spans_open_once():
    spans = (Span(1, 600, 720), Span(1, 660, 780), Span(1, 780, 840), Span(1, 610, 620))
    monday = (date(2026, 6, 8), date(2026, 6, 9))
    assert hours_open(WeeklyWindow("m", "m", spans), monday) == 4
    assert hours_open(WeeklyWindow("m", "m", spans[::-1]), monday) == 4


# Edges inside the hour that is jumped over or comes twice: a window opens and closes when the
# clock first reaches the edge or passes it.
@pytest.mark.parametrize(
    ("day", "start", "end", "minutes"),
    [
        ("2026-03-29", "02:30", "03:15", 15),  # opens at 03.00, when 02.30 is passed
        ("2026-03-29", "01:30", "02:30", 30),  # closes at the jump
        ("2026-03-29", "02:00", "03:00", 0),
        ("2026-03-29", "02:10", "02:50", 0),
        ("2026-10-25", "02:00", "03:00", 120),
        ("2026-10-25", "01:30", "02:30", 60),  # closes at the first 02.30
        ("2026-10-25", "02:30", "03:15", 105),
    ],
)
def test_an_edge_in_a_clock_change_lies_where_the_clock_first_reaches_it(day, start, end, minutes):
    first, last = (int(t[:2]) * 60 + int(t[3:]) for t in (start, end))
    sunday = WeeklyWindow("s", "s", (Span(7, first, last),))
    period = (date.fromisoformat(day), date.fromisoformat(day) + timedelta(days=1))
    opening = occurrences(sunday, period, STOCKHOLM)
    assert (opening.ends >= opening.starts).all()
    assert (opening.ends - opening.starts).sum() / 60 == minutes


@st.composite
def partitions_of_the_week(draw):
    """Cut each day anywhere and deal the pieces out to some windows."""
    pieces = []
    for weekday in range(1, 8):
        by_night = st.integers(100, 200)  # where clocks change
        minute = st.one_of(st.integers(1, 1439), by_night)
        cuts = draw(st.lists(minute, max_size=4, unique=True))
        edges = [0, *sorted(cuts), 1440]
        pieces += [Span(weekday, a, b) for a, b in pairwise(edges)]
    owner = [draw(st.integers(0, 3)) for _ in pieces]
    groups = [tuple(p for p, o in zip(pieces, owner, strict=True) if o == k) for k in range(4)]
    return [WeeklyWindow(f"w{k}", "", spans) for k, spans in enumerate(groups) if spans]


@st.composite
def events(draw):
    """Draw an event near a clock change of 2026 or anywhere in it; it may last some days."""
    near = [datetime(2026, 3, 29), datetime(2026, 10, 25), datetime(2026, 4, 5)]  # noqa: DTZ001
    base = draw(st.sampled_from(near)) + timedelta(minutes=draw(st.integers(-2880, 2880)))
    lasts = draw(st.one_of(st.just(0), st.integers(1, 10_000)))
    return base, base + timedelta(minutes=lasts)


@given(partitions_of_the_week(), st.lists(events(), min_size=1), st.sampled_from(TIMEZONES))
def test_shares_over_a_partition_of_the_week_add_up_to_one(windows, happened, timezone):
    start = np.array([a for a, _ in happened], dtype="datetime64[s]")
    end = np.array([b for _, b in happened], dtype="datetime64[s]")
    period = (date(2026, 3, 1), date(2026, 12, 1))
    parts = [occurrences(window, period, timezone).shares(start, end) for window in windows]
    assert all(((part >= 0) & (part <= 1)).all() for part in parts)
    np.testing.assert_allclose(np.sum(parts, axis=0), 1, atol=1e-12)
    lasting = end > start
    assert (np.sum(parts, axis=0)[~lasting] == 1).all()


def open_by_the_clock(window, instant, timezone):
    """Look at the wall clock and tell whether the window is open: slow and plain."""
    wall = instant.replace(tzinfo=UTC).astimezone(ZoneInfo(timezone))
    minute = wall.hour * 60 + wall.minute
    for span in window.spans:
        today = span.weekday == wall.isoweekday()
        yesterday = span.weekday == (wall - timedelta(days=1)).isoweekday()
        close = span.end + 1440 * span.days_over
        if (today and span.start <= minute < close) or (yesterday and minute + 1440 < close):
            return True
    return False


@given(
    st.sampled_from([HELGNATT, SKOLTID, KVALL]),
    events(),
    st.sampled_from([STOCKHOLM, "America/Chicago", "Australia/Lord_Howe"]),
)
def test_shares_are_what_one_counts_minute_by_minute_on_the_wall_clock(window, event, timezone):
    start, end = event
    minutes = max(int((end - start) / timedelta(minutes=1)), 1)
    counted = [
        open_by_the_clock(window, start + timedelta(minutes=m), timezone) for m in range(minutes)
    ]
    found = share(window, start, end, timezone=timezone)
    assert found == pytest.approx(sum(counted) / minutes, abs=1e-12)


CENTURY = (date(1999, 12, 1), date(2038, 2, 1))


def quarters_around_clock_changes(timezone):
    """List every quarter of an hour from a day before to two days after each clock change."""
    days = clock_changes(timezone, 2000, 2037) or [datetime(2026, 3, 29, tzinfo=UTC)]
    return sorted({t for day in days for t in wall_times_around([day], 15)})


@pytest.mark.parametrize("window", [HELGNATT, SKOLTID, KVALL], ids=lambda window: window.name)
@pytest.mark.parametrize("timezone", TIMEZONES)
def test_around_every_clock_change_a_window_holds_what_the_wall_clock_says(window, timezone):
    happened = quarters_around_clock_changes(timezone)
    expected = [open_by_the_clock(window, instant, timezone) for instant in happened]
    some = np.array(happened, dtype="datetime64[s]")
    assert occurrences(window, CENTURY, timezone).holds(some).tolist() == expected
    assert 0 < sum(expected) < len(expected)


@pytest.mark.parametrize("timezone", TIMEZONES)
def test_many_instants_are_looked_up_as_few_are_searched_for(timezone):
    opening = occurrences(HELGNATT, CENTURY, timezone)
    edges = np.concatenate([opening.starts, opening.ends])
    near = (edges[:, None] + np.array([-1, 0, 1])).ravel()
    seconds = np.concatenate([near, np.arange(-(10**9), 3 * 10**9, 9_973)])
    assert seconds.size > 300_000
    within = np.searchsorted(opening.starts, seconds, side="right") - 1
    expected = (within >= 0) & (seconds < opening.ends[within])
    found = opening.holds(seconds.astype("datetime64[s]"))
    np.testing.assert_array_equal(found, expected)
    few = opening.holds(seconds[::1000].astype("datetime64[s]"))
    np.testing.assert_array_equal(few, expected[::1000])


@pytest.mark.parametrize("repeats", [1, 10_000])
def test_an_unknown_instant_is_in_no_window_but_the_whole_week(repeats):
    short = (date(2026, 6, 8), date(2026, 6, 15))
    some = np.tile(instants("NaT", "2026-06-12T22:00", "1600-01-01"), repeats)
    held = occurrences(HELGNATT, short, STOCKHOLM).holds(some)
    assert held.tolist() == [False, True, False] * repeats
    assert occurrences(ALWAYS, short, STOCKHOLM).holds(some).all()


def test_instants_of_another_unit_are_held_as_well():
    opening = occurrences(HELGNATT, YEAR_2026, STOCKHOLM)
    some = np.array(["2026-06-12T21:00", "2026-06-12T20:59"], dtype="datetime64[ns]")
    assert opening.holds(some).tolist() == [True, False]


def test_a_window_open_for_no_time_at_all_holds_nothing():
    lost_hour = WeeklyWindow("s", "s", (Span(7, 120, 180),))
    opening = occurrences(lost_hour, (date(2026, 3, 29), date(2026, 3, 30)), STOCKHOLM)
    assert not opening.holds(instants("2026-03-29T01:00", "2026-03-29T00:59:59")).any()


@given(st.sampled_from([HELGNATT, SKOLTID, KVALL, ALWAYS]), st.lists(events()))
def test_an_instant_is_held_when_its_share_is_one(window, happened):
    some = np.array([start for start, _ in happened], dtype="datetime64[s]")
    opening = occurrences(window, YEAR_2026, STOCKHOLM)
    unknown_ends = np.full(some.shape, NOT_YET)
    np.testing.assert_array_equal(opening.holds(some), opening.shares(some, unknown_ends) == 1)
