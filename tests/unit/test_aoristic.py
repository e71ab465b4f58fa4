"""Shares of the hours of the week, against zoneinfo minute by minute and by hand."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.aoristic import aoristic_totals, aoristic_weights, hours_open, local_hours, spans
from geo.errors import InvalidParameter
from tests.zoo import TIMEZONES, clock_changes

STOCKHOLM = "Europe/Stockholm"
MON, TUE, FRI, SAT, SUN = 0, 24, 96, 120, 144  # first hour of the day
MINUTE = np.timedelta64(60, "s")

minutes_of_2026 = st.integers(0, 364 * 1440)
lengths = st.integers(1, 4 * 1440)


def instants(*texts):
    return np.array(texts, dtype="datetime64[s]")


def weights(start, end="NaT", timezone="UTC"):
    return aoristic_weights(instants(start), instants(end), timezone)[0]


def held(row):
    return {int(hour): row[hour].item() for hour in np.flatnonzero(row)}


def minute(number, year="2026-01-01"):
    return np.datetime64(year, "s") + number * MINUTE


def some_events(n, seed=0):
    """Give n events over ten years, a fifth of them instants and some longer than a week."""
    rng = np.random.default_rng(seed)
    start = np.datetime64("2016-01-01", "s") + rng.integers(0, 10 * 365 * 86_400, n)
    lasted = (rng.exponential(20 * 3600, n) * (rng.random(n) > 0.2)).astype(int)
    return start, start + lasted


def by_zoneinfo(start, end, timezone):
    """Count the minutes of [start, end) in every hour of the week, one at a time."""
    zone = ZoneInfo(timezone)
    counted = np.zeros(168)
    first, last = (int(t.astype("datetime64[s]").astype(int)) for t in (start, end))
    for second in range(first, last, 60):
        local = datetime.fromtimestamp(second, zone)
        counted[local.weekday() * 24 + local.hour] += 1
    return counted / counted.sum()


def test_a_moment_lies_in_the_hour_that_it_lies_in():
    assert held(weights("2024-01-01T01:59:59")) == {MON + 1: 1.0}


def test_an_hour_ends_where_the_next_one_begins():
    assert held(weights("2024-01-01T01:00", "2024-01-01T02:00")) == {MON + 1: 1.0}


def test_an_event_from_friday_23_to_saturday_04_weighs_a_fifth_in_each_of_five_hours():
    fifths = held(weights("2024-01-05T23:00", "2024-01-06T04:00"))
    assert fifths == dict.fromkeys([FRI + 23, SAT, SAT + 1, SAT + 2, SAT + 3], 0.2)


def test_half_hours_at_both_ends_weigh_half():
    row = weights("2024-01-07T22:30", "2024-01-08T01:30")
    assert held(row) == {SUN + 22: 1 / 6, SUN + 23: 2 / 6, MON: 2 / 6, MON + 1: 1 / 6}


@pytest.mark.parametrize("end", ["NaT", "2024-01-01T14:30", "2024-01-01T12:15"])
def test_a_missing_equal_or_earlier_end_makes_an_instant_at_the_start(end):
    assert held(weights("2024-01-01T14:30", end)) == {MON + 14: 1.0}


@pytest.mark.parametrize("end", ["2024-01-08T12:00", "2024-01-09T15:00", "2031-01-01T00:00"])
def test_a_week_or_more_says_nothing_about_the_hour(end):
    np.testing.assert_array_equal(weights("2024-01-01T12:00", end), np.full(168, 1 / 168))


def test_a_second_less_than_a_week_still_does():
    row = weights("2024-01-01T12:00:00", "2024-01-08T11:59:59") * (7 * 86_400 - 1)
    expected = np.full(168, 3600.0)
    expected[MON + 11] -= 1
    np.testing.assert_allclose(row, expected, rtol=1e-12)


def test_the_hour_that_the_clock_skips_gets_nothing():
    row = weights("2026-03-28T22:00", "2026-03-29T03:00", STOCKHOLM)  # 23 to 05 local, 5 h
    assert held(row) == dict.fromkeys([SAT + 23, SUN, SUN + 1, SUN + 3, SUN + 4], 0.2)


def test_the_hour_that_comes_twice_gets_what_both_its_comings_lasted():
    row = weights("2026-10-24T21:00", "2026-10-25T04:00", STOCKHOLM)  # 23 to 05 local, 7 h
    assert row[SUN + 2] == 2 / 7
    assert row.sum() == pytest.approx(1)
    assert held(row).keys() == {SAT + 23, SUN, SUN + 1, SUN + 2, SUN + 3, SUN + 4}


def test_a_clock_change_at_the_very_end_does_not_matter():
    row = weights("2026-03-29T00:00", "2026-03-29T01:00", STOCKHOLM)
    assert held(row) == {SUN + 1: 1.0}


@pytest.mark.parametrize("timezone", TIMEZONES)
def test_around_every_clock_change_the_shares_are_those_of_zoneinfo(timezone):
    days = clock_changes(timezone, 2024, 2025) or [datetime(2025, 3, 30, tzinfo=UTC)]
    rng = np.random.default_rng(1)
    for day in days:
        begin = np.datetime64(day.replace(tzinfo=None) - timedelta(days=1), "s")
        start = begin + rng.integers(0, 2 * 1440, 4) * MINUTE
        end = start + rng.integers(1, 4 * 1440, 4) * MINUTE
        got = aoristic_weights(start, end, timezone)
        for row, first, last in zip(got, start, end, strict=True):
            np.testing.assert_allclose(row, by_zoneinfo(first, last, timezone), atol=1e-12)


@settings(max_examples=30)
@given(minutes_of_2026, lengths, st.sampled_from(TIMEZONES))
def test_any_event_has_the_shares_of_zoneinfo(begin, length, timezone):
    start, end = minute(begin), minute(begin + length)
    got = aoristic_weights(np.array([start]), np.array([end]), timezone)[0]
    np.testing.assert_allclose(got, by_zoneinfo(start, end, timezone), atol=1e-12)


@given(minutes_of_2026, lengths, lengths)
def test_an_event_is_the_sum_of_its_two_halves(begin, first, second):
    edges = [minute(begin), minute(begin + first), minute(begin + first + second)]
    parts = aoristic_weights(np.array(edges[:2]), np.array(edges[1:]), STOCKHOLM)
    whole = aoristic_weights(np.array(edges[:1]), np.array(edges[2:]), STOCKHOLM)[0]
    if first + second < 7 * 1440:
        joined = (parts[0] * first + parts[1] * second) / (first + second)
        np.testing.assert_allclose(whole, joined, atol=1e-12)


@pytest.mark.parametrize("timezone", TIMEZONES)
def test_every_row_adds_up_to_one(timezone):
    start, end = some_events(20_000)  # more than are worked on at once
    got = aoristic_weights(start, end, timezone)
    assert got.shape == (20_000, 168)
    assert got.min() >= 0
    np.testing.assert_allclose(got.sum(axis=1), 1, atol=1e-12)


@pytest.mark.parametrize("timezone", TIMEZONES)
def test_the_totals_are_the_weighted_sum_of_the_rows(timezone):
    start, end = some_events(20_000, seed=1)
    weight = np.random.default_rng(2).random(start.size)
    rows = aoristic_weights(start, end, timezone)
    totals = aoristic_totals(start, end, timezone, weight)
    np.testing.assert_allclose(totals, weight @ rows, rtol=1e-11)


def test_hours_that_no_event_touches_hold_exactly_nothing():
    start = np.datetime64("2026-03-02T18:00", "s") + 7 * 1440 * MINUTE * np.arange(50)
    end = start + np.arange(1, 51) * 7 * MINUTE
    totals = aoristic_totals(start, end, "UTC", np.full(50, 0.1))
    assert set(np.flatnonzero(totals)) == set(range(MON + 18, MON + 24))
    assert totals.sum() == pytest.approx(5)


def test_an_event_of_no_weight_leaves_no_trace():
    start = instants("2026-03-02T18:00", "2026-03-03T18:00")
    end = instants("2026-03-02T20:30", "2026-03-03T20:30")
    totals = aoristic_totals(start, end, "UTC", np.array([0.0, 2.5]))
    assert held(totals) == pytest.approx({TUE + 18: 1.0, TUE + 19: 1.0, TUE + 20: 0.5})


def test_the_order_of_events_does_not_matter():
    start, end = some_events(500)
    shuffled = np.random.default_rng(3).permutation(500)
    one = np.ones(500)
    a = aoristic_totals(start, end, STOCKHOLM, one)
    b = aoristic_totals(start[shuffled], end[shuffled], STOCKHOLM, one)
    np.testing.assert_allclose(a, b, rtol=1e-12)


def test_a_year_is_open_as_long_as_it_is():
    edges = [int(datetime(y, 1, 1, tzinfo=ZoneInfo(STOCKHOLM)).timestamp()) for y in (2026, 2027)]
    hours = hours_open(np.array(edges[:1]), np.array(edges[1:]), STOCKHOLM)
    assert hours.sum() == 365 * 24
    # 2026 begins and ends with a Thursday: 53 of them; clocks change on Sundays at 2.
    assert hours[72] == 53
    assert hours[MON] == 52
    assert hours[SUN + 2] == 52 - 1 + 1
    assert hours[SUN + 3] == 52


def test_a_stretch_shorter_than_a_week_is_open_where_an_event_would_weigh():
    start, end = instants("2026-10-24T21:10"), instants("2026-10-28T04:25")
    opened = hours_open(start.astype(np.int64), end.astype(np.int64), STOCKHOLM)
    expected = aoristic_weights(start, end, STOCKHOLM)[0] * opened.sum()
    np.testing.assert_allclose(opened, expected, rtol=1e-12)


def test_stretches_that_do_not_last_are_never_open():
    assert not hours_open(np.array([10, 20]), np.array([10, 5]), "UTC").any()


def test_local_hours_count_from_a_monday():
    second = instants("2026-03-29T00:59:59", "2026-03-29T01:00").astype(np.int64)
    np.testing.assert_array_equal(local_hours(second, STOCKHOLM) % 168, [SUN + 1, SUN + 3])


def test_no_events_give_an_empty_table_and_totals_of_zero():
    none = instants()
    assert aoristic_weights(none, none, STOCKHOLM).shape == (0, 168)
    np.testing.assert_array_equal(
        aoristic_totals(none, none, STOCKHOLM, np.empty(0)), np.zeros(168)
    )


def test_the_arrays_of_the_caller_stay_as_they_were():
    start, end = some_events(50)
    before = start.copy(), end.copy()
    aoristic_weights(start, end, STOCKHOLM)
    np.testing.assert_array_equal(start, before[0])
    np.testing.assert_array_equal(end, before[1])


@pytest.mark.parametrize("n", [0, 1])
def test_an_unknown_time_zone_is_refused(n):
    some = np.full(n, np.datetime64("2026-01-01", "s"))
    with pytest.raises(InvalidParameter) as caught:
        aoristic_weights(some, some, "Mars/Olympus")
    assert caught.value.code == "unknown-timezone"


def test_a_missing_start_is_refused():
    with pytest.raises(InvalidParameter) as caught:
        spans(instants("NaT", "2026-01-01"), instants("NaT", "NaT"))
    assert (caught.value.code, caught.value.values) == ("starts-missing", {"n": 1})


def test_columns_of_different_length_are_refused():
    with pytest.raises(InvalidParameter) as caught:
        spans(instants("2026-01-01"), instants())
    assert caught.value.code == "shapes-differ"


@pytest.mark.parametrize(
    ("weight", "code"), [(-1.0, "weights-negative"), (np.nan, "weights-not-finite")]
)
def test_weights_that_are_none_are_refused(weight, code):
    one = instants("2026-01-01")
    with pytest.raises(InvalidParameter) as caught:
        aoristic_totals(one, one, "UTC", np.array([weight]))
    assert caught.value.code == code
