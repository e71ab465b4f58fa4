"""Change between periods: verdicts by hand, and a register that shows the newest weeks late."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.change import (
    DECREASED,
    INCREASED,
    UNCHANGED,
    UNKNOWN,
    Change,
    compare_at_equal_lag,
    compare_periods,
)
from geo.errors import InvalidParameter
from geo.ratios import rate_ratio

MAY, JUNE = (date(2026, 5, 1), date(2026, 6, 1)), (date(2026, 6, 1), date(2026, 7, 1))
TODAY = date(2026, 7, 5)
LAG = 5

counts = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), min_size=1, max_size=20)


def days(*texts):
    return np.array(texts, dtype="datetime64[D]")


def verdicts(pairs, **choice):
    before, after = np.array(pairs).T
    return compare_periods(before, after, choice=Change(**choice)).verdict.tolist()


def compared(event, registered, events=None, periods=(MAY, JUNE), extracted=TODAY):
    events = np.ones(event.size, dtype=np.int64) if events is None else events
    return compare_at_equal_lag(event, registered, events, periods, extracted)


def register(n=4000, seed=1, daily=0.05):
    """Give a year of events at an even pace, as the register shows them on TODAY."""
    rng = np.random.default_rng(seed)
    event = np.datetime64("2025-07-06") + rng.integers(0, 365, n)
    registered = event + rng.geometric(daily, n) - 1
    seen = registered <= np.datetime64(TODAY)
    return event[seen], registered[seen]


def test_clear_and_unclear_changes_get_their_verdict():
    pairs = [(20, 60), (60, 20), (500, 510), (20, 24)]
    assert verdicts(pairs) == [INCREASED, DECREASED, UNCHANGED, UNKNOWN]


def test_not_significant_is_not_unchanged():
    assert verdicts([(12, 12)]) == [UNKNOWN]
    assert verdicts([(120, 120)]) == [UNCHANGED]


def test_fewer_than_ten_events_together_cannot_be_judged():
    assert verdicts([(0, 9)]) == [UNKNOWN]
    assert verdicts([(0, 10)]) == [INCREASED]
    assert verdicts([(0, 9)], fewest_events=9) == [INCREASED]
    assert verdicts([(0, 0)]) == [UNKNOWN]


def test_a_wider_margin_calls_more_unchanged():
    assert verdicts([(30, 31)], unchanged_ratio=1.2) == [UNKNOWN]
    assert verdicts([(30, 31)], unchanged_ratio=2.5) == [UNCHANGED]


def test_one_change_among_many_units_has_to_be_clearer():
    assert verdicts([(10, 24)]) == [INCREASED]
    assert verdicts([(10, 24), *[(10, 10)] * 30])[0] == UNKNOWN


def test_the_length_of_the_periods_counts():
    before, after = np.array([100]), np.array([200])
    assert compare_periods(before, after, (30.0, 60.0)).verdict.tolist() == [UNCHANGED]


@given(counts)
def test_ratio_interval_and_p_are_those_of_the_exact_test(pairs):
    before, after = np.array(pairs).T
    found, exact = compare_periods(before, after), rate_ratio(before, after)
    for name in ("ratio", "low", "high", "p"):
        np.testing.assert_array_equal(getattr(found, name), getattr(exact, name))
    np.testing.assert_array_equal(found.difference, after - before)
    assert (found.q >= found.p).all()


@given(counts)
def test_turning_the_periods_round_turns_the_verdict_round(pairs):
    turned = {INCREASED: DECREASED, DECREASED: INCREASED, UNCHANGED: UNCHANGED, UNKNOWN: UNKNOWN}
    there, back = verdicts(pairs), verdicts([(after, before) for before, after in pairs])
    assert back == [turned[verdict] for verdict in there]


def test_on_pure_chance_a_verdict_of_change_is_rare():
    rng = np.random.default_rng(1)
    before, after = rng.poisson(30, (2, 2000))
    alone = [compare_periods(before[i : i + 1], after[i : i + 1]).verdict[0] for i in range(2000)]
    assert sum(v in {INCREASED, DECREASED} for v in alone) <= 0.05 * 2000
    together = compare_periods(before, after).verdict
    assert not np.isin(together, [INCREASED, DECREASED]).any()


def test_no_units_give_no_verdicts():
    none = np.empty(0, dtype=np.int64)
    found = compare_periods(none, none)
    assert found.verdict.size == found.q.size == 0


def test_late_reports_alone_are_no_decline():
    event, registered = register()
    found = compared(event, registered)
    plain = compare_periods(np.array([found.before_now]), np.array([found.after_now]), (31, 30))
    assert plain.verdict.tolist() == [DECREASED]
    assert found.verdict != DECREASED
    assert found.low < 1 < found.high


def test_each_period_is_counted_as_it_looked_equally_long_after_its_own_end():
    event = days("2026-05-10", "2026-05-10", "2026-05-31", "2026-06-10", "2026-06-30")
    registered = days("2026-06-05", "2026-06-06", "2026-05-31", "2026-07-05", "2026-07-01")
    found = compared(event, registered)
    assert (found.before, found.after, found.lag_days) == (2, 2, LAG)
    assert (found.before_late, found.before_now, found.after_now) == (1, 3, 2)


def test_the_first_day_belongs_to_a_period_and_the_day_after_the_last_does_not():
    event = days("2026-04-30", "2026-05-01", "2026-05-31", "2026-06-01", "2026-06-30", "2026-07-01")
    found = compared(event, event)
    assert (found.before, found.after) == (2, 2)


def test_rows_stand_for_as_many_events_as_they_say():
    event = days("2026-05-10", "2026-06-10", "2026-06-11")
    found = compared(event, event, np.array([3, 4, 0]))
    assert (found.before, found.after, found.difference) == (3, 4, 1)


def test_rows_without_a_usable_registration_date_are_left_out_of_both_and_told():
    event = days("2026-05-10", "2026-05-11", "2026-06-10", "2026-06-11", "2026-01-01")
    registered = days("2026-05-10", "NaT", "2026-06-10", "2026-06-01", "NaT")
    found = compared(event, registered)
    assert (found.before, found.after, found.unknown) == (1, 1, 2)
    assert (found.before_now, found.after_now, found.before_late) == (2, 2, 0)


def test_the_expected_late_share_is_about_what_is_missing():
    daily = 0.05
    event, registered = register(40_000, daily=daily)
    late = compared(event, registered).late
    ages = np.arange(LAG, LAG + 30)
    missing = ((1 - daily) ** (ages + 1)).mean()
    assert late.low < missing < late.high
    assert late.share == pytest.approx(missing, abs=0.02)


def test_with_few_events_the_late_share_cannot_be_told():
    event = days("2026-05-10", "2026-06-10")
    assert compared(event, event).late is None


def test_no_percentage_below_ten_events_before():
    nine, ten = days(*["2026-05-10"] * 9), days(*["2026-05-10"] * 10)
    june = days(*["2026-06-10"] * 30)
    few, enough = (np.concatenate([may, june]) for may in (nine, ten))
    assert compared(few, few).percent is None
    assert compared(enough, enough).percent == pytest.approx(100 * (3 * 31 / 30 - 1))


def test_two_empty_periods_cannot_be_judged():
    none = days()
    found = compared(none, none)
    assert (found.before, found.after, found.verdict) == (0, 0, UNKNOWN)
    assert np.isnan(found.ratio)


def test_a_period_may_be_compared_with_one_long_before():
    event = days("2025-06-10", "2026-06-10", "2025-12-24")
    year_before = (date(2025, 6, 1), date(2025, 7, 1))
    found = compared(event, event, periods=(year_before, JUNE))
    assert (found.before, found.after) == (1, 1)


def test_a_period_that_ended_the_day_of_the_extraction_has_no_lag():
    event = days("2026-06-30")
    assert compared(event, event, extracted=date(2026, 6, 30)).lag_days == 0


@pytest.mark.parametrize(
    ("periods", "extracted", "code"),
    [
        ((JUNE, MAY), TODAY, "periods-overlap"),
        ((MAY, MAY), TODAY, "periods-overlap"),
        ((MAY, (date(2026, 6, 1), date(2026, 6, 1))), TODAY, "period-empty"),
        ((MAY, JUNE), date(2026, 6, 29), "period-not-over"),
    ],
)
def test_periods_that_cannot_be_compared_are_refused(periods, extracted, code):
    with pytest.raises(InvalidParameter) as caught:
        compared(days(), days(), periods=periods, extracted=extracted)
    assert caught.value.code == code


def test_negative_events_are_refused():
    event = days("2026-05-10")
    with pytest.raises(InvalidParameter) as caught:
        compared(event, event, np.array([-1]))
    assert caught.value.code == "weights-negative"


def test_a_registration_after_the_extraction_is_refused():
    with pytest.raises(InvalidParameter) as caught:
        compared(days("2026-06-30"), days("2026-07-06"))
    assert caught.value.code == "registered-after-extraction"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"level": 1.5}, "not-a-fraction"),
        ({"fewest_events": 0}, "not-positive"),
        ({"unchanged_ratio": 1.0}, "margin-not-above-one"),
        ({"unchanged_ratio": float("inf")}, "margin-not-above-one"),
    ],
)
def test_choices_that_make_no_sense_are_refused(wrong, code):
    with pytest.raises(InvalidParameter) as caught:
        Change(**wrong)
    assert caught.value.code == code
