"""The weekday-by-hour table and its peaks, by hand and on pure chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from geo.aoristic import aoristic_weights, hours_open
from geo.errors import InvalidParameter
from geo.hot_times import HotTimes, hot_times

STOCKHOLM = "Europe/Stockholm"
USUAL = HotTimes()
MONDAY = np.datetime64("2026-01-05", "s")  # in winter time: one hour ahead of UTC
HOUR, DAY, WEEK = np.timedelta64(3600, "s"), np.timedelta64(86_400, "s"), np.timedelta64(7, "W")
WEEKS = np.arange(10) * WEEK.astype("timedelta64[s]")


def instants(*texts):
    return np.array(texts, dtype="datetime64[s]")


def at(weekday, hour, n=10):
    """Give n instants at a UTC weekday (ISO) and hour, one a week."""
    return MONDAY + (weekday - 1) * DAY + np.timedelta64(int(hour * 3600), "s") + WEEKS[:n]


def one_each(start, end=None, timezone="UTC", choice=USUAL, **more):
    end = np.full(start.shape, np.datetime64("NaT")) if end is None else end
    return hot_times(start, end, timezone, np.ones(start.size, dtype=np.int64), choice, **more)


def anywhere(n, seed):
    rng = np.random.default_rng(seed)
    return MONDAY + rng.integers(0, 52 * 7 * 86_400, n)


def friday_nights(n=10):
    """Give n events from 22 to 03 each Friday night, an hour apart, and one a day elsewhere."""
    nights = [at(5, hour + 0.5, n) for hour in range(22, 27)]
    days = [at(day, 11 + day / 2, 2) for day in range(1, 8)]
    return np.concatenate(nights + days)


def test_the_table_holds_the_aoristic_weights_of_all_events():
    start = anywhere(300, 1)
    end = start + np.arange(300) * np.timedelta64(600, "s")
    table = one_each(start, end, STOCKHOLM)
    weights = aoristic_weights(start, end, STOCKHOLM).sum(axis=0)
    np.testing.assert_allclose(table.weight, weights.reshape(7, 24), rtol=1e-9)
    assert table.weight.sum() == pytest.approx(table.events)


def test_a_row_that_stands_for_three_events_weighs_three():
    start, end = instants("2026-01-09T22:10"), instants("2026-01-09T22:40")
    table = hot_times(start, end, "UTC", np.array([3]))
    assert (table.weight[4, 22], table.whole[4, 22]) == (3.0, 3)
    assert (table.events, table.certain, table.spread) == (3, 3, 0)


def test_weekday_and_hour_are_those_of_the_local_clock():
    table = one_each(instants("2026-07-05T22:30"), timezone=STOCKHOLM)  # Sunday in UTC
    assert table.whole[0, 0] == 1  # Monday 00:30 in summer time


def test_an_event_counts_whole_in_the_hour_that_holds_half_of_it():
    start = instants("2026-01-05T10:20", "2026-01-05T10:50", "2026-01-05T10:30")
    end = instants("2026-01-05T11:10", "2026-01-05T11:30", "2026-01-05T12:30")
    table = one_each(start, end)
    assert table.whole[0, 10:13].tolist() == [1, 2, 0]


def test_an_event_that_no_hour_holds_half_of_is_spread():
    table = one_each(instants("2026-01-05T10:00"), instants("2026-01-05T12:00:01"))
    assert (table.whole.sum(), table.spread, table.certain) == (0, 1, 0)
    assert table.weight.sum() == pytest.approx(1)


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 600)), min_size=1, max_size=30))
def test_whole_events_are_those_with_a_share_of_at_least_half(events):
    start = MONDAY + np.array([60 * begin for begin, _ in events])
    end = start + np.array([60 * length for _, length in events])
    shares = aoristic_weights(start, end, "UTC")
    table = one_each(start, end)
    assert table.whole.sum() == (shares.max(axis=1) >= 0.5 - 1e-12).sum()
    clear = (shares > 0.5 + 1e-12).sum(axis=0)
    tied = (np.abs(shares - 0.5) <= 1e-12).sum(axis=0)
    whole = table.whole.ravel()
    assert (whole >= clear).all()
    assert (whole <= clear + tied).all()


def test_the_uncertain_share_is_that_of_events_longer_than_an_hour():
    start = instants("2026-01-05T10:00", "2026-01-05T10:00", "2026-01-05T20:00")
    end = instants("2026-01-05T11:00", "2026-01-05T14:00", "2026-01-05T20:30")
    share = one_each(start, end).uncertain_share
    assert share[0, 10] == pytest.approx(0.25 / 1.25)
    assert share[0, 13] == 1.0
    assert share[0, 20] == 0.0
    assert share[3].tolist() == [0.0] * 24  # nothing happened: nothing is uncertain


def test_a_longer_limit_makes_more_events_certain():
    start, end = instants("2026-01-05T10:00"), instants("2026-01-05T11:30")
    assert one_each(start, end).certain == 0
    assert one_each(start, end, choice=HotTimes(certain_within_minutes=90)).certain == 1


def test_a_block_across_midnight_is_found_with_its_days_and_hours():
    peak = one_each(friday_nights()).peaks[0]
    assert (peak.weekday, peak.start_hour) == (5, 22)
    assert (peak.end_weekday, peak.end_hour, peak.hours) == (6, 3, 5)
    assert (peak.count, peak.weeks) == (50, 10)
    assert peak.weight_share == pytest.approx(50 / 64)


def test_the_p_of_a_peak_is_the_exact_binomial_one_times_the_blocks_tried():
    table = one_each(friday_nights())
    peak = table.peaks[0]
    exact = sum(stats.binom.pmf(k, 64, 5 / 168) for k in range(50, 65))
    assert peak.expected == pytest.approx(64 * 5 / 168)
    assert peak.p == pytest.approx(exact, rel=1e-9)
    assert peak.p_adjusted == pytest.approx(exact * table.blocks, rel=1e-9)
    assert table.blocks == 168 * 12


def test_a_block_across_the_end_of_the_week_is_found():
    start = np.concatenate([at(7, 23.5), at(7, 24.5), at(3, 12, 3)])
    peak = one_each(start).peaks[0]
    assert (peak.weekday, peak.start_hour) == (7, 23)
    assert (peak.end_weekday, peak.end_hour) == (1, 1)


def test_a_block_may_end_at_midnight():
    peak = one_each(np.concatenate([at(2, 23.5), at(2, 23.1)])).peaks[0]
    assert (peak.weekday, peak.end_weekday, peak.end_hour) == (2, 2, 24)


def test_two_peaks_are_disjoint_and_the_clearer_one_comes_first():
    start = np.concatenate([at(5, 23.5), at(5, 23.6), at(6, 23.5), at(2, 12, 4)])
    first, second = one_each(start).peaks
    assert (first.weekday, second.weekday) == (5, 6)
    assert (first.start_hour, second.start_hour) == (23, 23)


def test_no_more_peaks_are_given_than_asked_for():
    start = np.concatenate([at(day, 23.5) for day in (1, 3, 5, 7)])
    assert len(one_each(start).peaks) == 3
    assert len(one_each(start, choice=HotTimes(most_peaks=1)).peaks) == 1


def test_too_few_events_give_no_peak():
    start = at(5, 23.5, 9)
    assert one_each(start).peaks == ()
    assert len(one_each(start, choice=HotTimes(fewest_events=9)).peaks) == 1


def test_many_reports_of_two_nights_are_no_weekly_peak():
    start = np.concatenate([at(5, 23.5, 2)] * 20)
    assert one_each(start).peaks == ()
    assert len(one_each(start, choice=HotTimes(fewest_weeks=2)).peaks) == 1


def test_a_night_across_the_end_of_the_week_is_one_week():
    start = np.concatenate([at(7, 23.5, 2), at(7, 24.5, 2)] * 10)
    assert one_each(start).peaks == ()
    assert one_each(start, choice=HotTimes(fewest_weeks=2)).peaks[0].weeks == 2


def test_a_peak_must_hold_with_the_uncertain_events_too():
    certain = at(5, 23.5)
    elsewhere = anywhere(600, 2)
    start = np.concatenate([certain, elsewhere])
    end = np.concatenate([certain, elsewhere + np.timedelta64(61, "m")])
    assert len(one_each(certain).peaks) == 1
    assert one_each(start, end).peaks == ()


def test_events_too_long_for_any_block_do_not_drown_a_peak():
    certain = at(5, 23.5)
    long = at(1, 0)
    start = np.concatenate([certain, *[long] * 20])
    end = np.concatenate([certain, *[long + 5 * DAY] * 20])
    assert len(one_each(start, end).peaks) == 1


def test_uncertain_events_with_half_of_their_time_inside_are_counted_with_it():
    certain = at(5, 23.5)
    long = at(5, 22.25, 4)
    start = np.concatenate([certain, long])
    end = np.concatenate([certain, long + np.timedelta64(105, "m")])
    peak = one_each(start, end).peaks[0]
    assert (peak.start_hour, peak.count, peak.count_all) == (23, 10, 14)


def test_only_uncertain_events_give_a_table_and_no_peak():
    start = at(5, 20)
    table = one_each(start, start + 4 * HOUR)
    assert table.weight[4, 20] == pytest.approx(2.5)
    assert (table.certain, table.peaks) == (0, ())


def test_on_pure_chance_at_most_one_table_in_twenty_has_a_peak():
    false = sum(
        bool(one_each(anywhere(30 + 2 * k, k), timezone=STOCKHOLM).peaks) for k in range(200)
    )
    assert false <= 10


def test_events_that_follow_the_opening_hours_are_no_peak():
    opening = np.concatenate([at(day, 20) for day in (5, 6)]).astype(np.int64)
    exposure = hours_open(opening, opening + 6 * 3600, "UTC")
    rng = np.random.default_rng(5)
    start = (rng.choice(opening, 200) + rng.integers(0, 6 * 3600, 200)).astype("datetime64[s]")
    assert len(one_each(start).peaks) > 0
    assert one_each(start, exposure_hours=exposure).peaks == ()


def test_an_event_in_an_hour_that_was_never_open_is_refused():
    exposure = np.zeros(168)
    exposure[:24] = 1.0
    with pytest.raises(InvalidParameter) as caught:
        one_each(at(5, 23.5), exposure_hours=exposure)
    assert (caught.value.code, caught.value.values) == ("event-without-exposure", {"n": 10})


@pytest.mark.parametrize("exposure", [np.zeros(168), np.full(168, np.nan), np.full(168, -1.0)])
def test_an_exposure_that_is_none_is_refused(exposure):
    with pytest.raises(InvalidParameter) as caught:
        one_each(at(5, 23.5), exposure_hours=exposure)
    assert caught.value.code == "exposure-not-usable"


def test_an_exposure_that_is_not_a_week_is_refused():
    with pytest.raises(InvalidParameter) as caught:
        one_each(at(5, 23.5), exposure_hours=np.ones(24))
    assert caught.value.code == "exposure-not-a-week"


def test_very_many_events_still_have_an_order_of_peaks():
    # Their p is below the smallest number there is; the block must not shrink to an hour.
    start = np.concatenate(
        [anywhere(20_000, 1), *[at(5, hour + 0.5)[:5] for hour in (22, 23)] * 800]
    )
    peak = one_each(start).peaks[0]
    assert (peak.weekday, peak.start_hour, peak.hours, peak.p) == (5, 22, 2, 0.0)


def test_the_order_of_events_does_not_matter():
    start = friday_nights()
    shuffled = start[np.random.default_rng(1).permutation(start.size)]
    assert one_each(start).peaks == one_each(shuffled).peaks


def test_no_events_give_a_table_of_zeros():
    table = one_each(instants())
    assert not table.weight.any()
    assert not table.uncertain_share.any()
    assert (table.events, table.peaks) == (0, ())


def test_rows_of_no_events_give_no_peak():
    start = at(5, 23.5)
    table = hot_times(start, start, "UTC", np.zeros(10, dtype=np.int64))
    assert (table.events, table.peaks) == (0, ())


def test_negative_events_are_refused():
    with pytest.raises(InvalidParameter) as caught:
        hot_times(at(5, 23), at(5, 23), "UTC", np.full(10, -1))
    assert caught.value.code == "weights-negative"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"certain_within_minutes": 0.0}, "not-positive"),
        ({"certain_within_minutes": 121.0}, "certain-too-long"),
        ({"longest_block_hours": 168}, "block-too-long"),
        ({"longest_block_hours": 0}, "not-positive"),
        ({"fewest_events": 0}, "not-positive"),
        ({"level": 1.0}, "not-a-fraction"),
    ],
)
def test_choices_that_make_no_sense_are_refused(wrong, code):
    with pytest.raises(InvalidParameter) as caught:
        HotTimes(**wrong)
    assert caught.value.code == code
