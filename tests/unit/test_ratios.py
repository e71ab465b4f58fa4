"""Ratios of rare events: exact where it is said, and alive at zero."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from geo.errors import InvalidParameter
from geo.ratios import (
    Percentages,
    RatioInterval,
    e_test,
    percent_change,
    percentage,
    rate_ratio,
    rate_ratio_mid_p,
)

METHODS = [rate_ratio, rate_ratio_mid_p]
pairs = arrays(np.int64, st.tuples(st.just(2), st.integers(1, 12)), elements=st.integers(0, 80))
small = st.integers(0, 60)


def one(first, second, method=rate_ratio, exposure=(1.0, 1.0), choice=None):
    found = method(np.array([first]), np.array([second]), exposure, choice or RatioInterval())
    return found.ratio[0], found.low[0], found.high[0]


def test_twenty_after_ten_is_twice_as_many_give_or_take():
    ratio, low, high = one(10, 20)
    assert ratio == 2
    assert 0.89 < low < 1  # so it may be no change at all
    assert 4.78 < high < 4.79


@pytest.mark.parametrize("method", METHODS)
@given(counts=pairs)
def test_the_ratio_lies_inside_its_interval(method, counts):
    found = method(counts[0], counts[1])
    known = ~np.isnan(found.ratio)
    assert (found.low[known] <= found.ratio[known]).all()
    assert (found.high[known] >= found.ratio[known]).all()


@pytest.mark.parametrize("method", METHODS)
@given(counts=pairs, lengths=st.tuples(st.floats(0.1, 10), st.floats(0.1, 10)))
def test_swapping_the_periods_turns_everything_upside_down(method, counts, lengths):
    found, back = method(*counts, lengths), method(*counts[::-1], lengths[::-1])
    np.testing.assert_allclose(found.p, back.p, rtol=1e-9)
    finite = (found.low > 0) & np.isfinite(back.high)
    np.testing.assert_allclose(found.low[finite], 1 / back.high[finite], rtol=1e-9)
    assert (np.isinf(back.high) == (found.low == 0)).all()


@pytest.mark.parametrize("method", METHODS)
@given(counts=pairs, factor=st.floats(0.1, 10))
def test_a_longer_second_period_lowers_the_ratio_in_proportion(method, counts, factor):
    found, longer = method(*counts), method(*counts, (1.0, factor))
    np.testing.assert_allclose(longer.high * factor, found.high, rtol=1e-9)
    np.testing.assert_allclose(longer.low * factor, found.low, rtol=1e-9)


@given(counts=pairs)
def test_p_is_below_the_error_exactly_when_the_interval_leaves_one_out(counts):
    found = rate_ratio(*counts)
    sure = ~found.one_sided & (np.abs(found.p - 0.05) > 1e-9)
    outside = (found.low > 1) | (found.high < 1)
    assert ((found.p <= 0.05) == outside)[sure].all()


@given(counts=pairs)
def test_mid_p_is_never_longer_than_the_exact_interval(counts):
    exact, mid = rate_ratio(*counts), rate_ratio_mid_p(*counts)
    assert (mid.low >= exact.low * (1 - 1e-9)).all()
    assert (mid.high <= exact.high * (1 + 1e-9)).all()


@pytest.mark.parametrize("method", METHODS)
def test_zero_after_some_gives_a_one_sided_upper_bound(method):
    found = method(np.array([5]), np.array([0]))
    assert (found.ratio[0], found.low[0], found.one_sided[0]) == (0, 0, True)
    assert 0 < found.high[0] < 1


def test_three_then_none_may_still_be_an_increase():
    # P(0 of 3 in the second) = (1 + ratio) ** -3 = 0.05 at ratio 1.714
    assert one(3, 0)[2] == pytest.approx(0.05 ** (-1 / 3) - 1)


@pytest.mark.parametrize("method", METHODS)
def test_some_after_zero_gives_a_one_sided_lower_bound(method):
    found = method(np.array([0]), np.array([5]))
    assert (found.ratio[0], found.high[0], found.one_sided[0]) == (np.inf, np.inf, True)
    assert found.low[0] > 1


@pytest.mark.parametrize("method", METHODS)
def test_two_zeros_say_nothing(method):
    found = method(np.array([0]), np.array([0]))
    assert np.isnan(found.ratio[0])
    assert (found.low[0], found.high[0], found.p[0]) == (0, np.inf, 1)


def test_no_units_have_no_ratios():
    none = np.empty(0, dtype=np.int64)
    assert rate_ratio(none, none).ratio.size == 0


@given(small, small)
def test_overdispersion_widens_the_interval_and_keeps_the_ratio(first, second):
    plain, wide = one(first, second), one(first, second, choice=RatioInterval(dispersion=3.0))
    np.testing.assert_allclose(wide[0], plain[0])
    assert wide[1] <= plain[1] * (1 + 1e-12)
    assert wide[2] >= plain[2] * (1 - 1e-12)


def test_overdispersion_three_makes_thirty_events_worth_ten():
    assert one(30, 60, choice=RatioInterval(dispersion=3.0))[1:] == pytest.approx(one(10, 20)[1:])


@given(small, small)
def test_the_e_test_is_symmetric_and_a_probability(first, second):
    p = e_test(first, second)
    assert 0 <= p <= 1
    assert p == pytest.approx(e_test(second, first), rel=1e-9, abs=1e-15)


@given(small)
def test_equal_counts_are_no_evidence_for_the_e_test(count):
    assert e_test(count, count) == pytest.approx(1)


@given(st.integers(0, 30), st.integers(0, 30), st.floats(0.2, 5), st.floats(0.2, 5))
def test_the_e_test_equals_the_sum_over_all_pairs(first, second, t1, t2):
    if first + second == 0:
        return
    rate = (first + second) / (t1 + t2)
    x, y = np.arange(400.0)[:, None], np.arange(400.0)

    def statistic(a, b):
        spread = np.sqrt(a / t1**2 + b / t2**2)
        return np.abs(a / t1 - b / t2) / np.where(spread > 0, spread, 1)

    extreme = statistic(x, y) >= statistic(first, second) * (1 - 1e-9)
    chance = stats.poisson.pmf(x, rate * t1) * stats.poisson.pmf(y, rate * t2)
    assert e_test(first, second, (t1, t2)) == pytest.approx(chance[extreme].sum(), abs=1e-6)


def test_the_e_test_survives_zero_and_large_counts():
    assert e_test(0, 0) == 1
    assert 0.05 < e_test(0, 3) < 0.15
    normal = 2 * stats.norm.sf(4000 / np.sqrt(2_004_000))
    assert e_test(1_000_000, 1_004_000) == pytest.approx(normal, rel=0.01)
    with pytest.raises(InvalidParameter, match="count-too-large"):
        e_test(0, 200_000_000)


def test_below_ten_no_percentage_is_given():
    assert percentage(4, 9) is None
    assert percentage(4, 10) == 40
    assert percent_change(9, 18) is None
    assert percent_change(10, 18) == pytest.approx(80)
    assert percent_change(0, 18) is None
    assert percentage(0, 0, Percentages(minimum=1)) is None


def test_percent_change_compares_rates_not_counts():
    assert percent_change(12, 12, (12.0, 6.0)) == pytest.approx(100)
    assert percent_change(12, 0) == -100


def test_a_part_larger_than_its_base_is_refused():
    with pytest.raises(InvalidParameter, match="part-above-base"):
        percentage(11, 10)
    with pytest.raises(InvalidParameter, match="weights-negative"):
        percentage(-1, 10)


@pytest.mark.parametrize(
    ("first", "second", "exposure", "code"),
    [
        ([1], [1, 2], (1.0, 1.0), "shapes-differ"),
        ([-1], [1], (1.0, 1.0), "weights-negative"),
        ([1.5], [1.0], (1.0, 1.0), "not-whole-events"),
        ([np.nan], [1.0], (1.0, 1.0), "weights-not-finite"),
        ([1], [1], (0.0, 1.0), "not-positive"),
        ([1], [1], (1.0, np.inf), "not-positive"),
    ],
)
def test_bad_counts_and_lengths_are_refused(first, second, exposure, code):
    with pytest.raises(InvalidParameter, match=code):
        rate_ratio(np.array(first), np.array(second), exposure)
    if len(first) == len(second):
        with pytest.raises(InvalidParameter, match=code):
            e_test(first[0], second[0], exposure)
        with pytest.raises(InvalidParameter, match=code):
            percent_change(first[0], second[0], exposure)


@pytest.mark.parametrize("dispersion", [0.0, 0.5, np.nan, np.inf, -1.0])
def test_counts_that_vary_less_than_chance_are_refused(dispersion):
    with pytest.raises(InvalidParameter, match=r"not-positive|dispersion-below-one"):
        RatioInterval(dispersion=dispersion)


def test_a_percentage_of_nothing_can_not_be_allowed():
    with pytest.raises(InvalidParameter, match="not-positive"):
        Percentages(minimum=0)
    with pytest.raises(InvalidParameter, match="not-a-fraction"):
        RatioInterval(level=1.0)
