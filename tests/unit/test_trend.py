"""Mann-Kendall: counted by hand, by brute force and over every order of the values."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import stats

from geo.errors import InvalidParameter, TooFewObservations
from geo.trend import mann_kendall

some_series = arrays(float, st.integers(3, 15), elements=st.integers(-4, 4).map(float))


def test_five_rising_values_rise_in_all_ten_pairs():
    trend = mann_kendall(np.arange(5.0))
    assert trend.s == 10
    assert trend.tau == 1
    assert trend.variance == pytest.approx(5 * 4 * 15 / 18)
    assert trend.z == pytest.approx(9 / np.sqrt(50 / 3))


@given(some_series)
def test_s_counts_rising_minus_falling_pairs(series):
    pairs = [(a, b) for i, a in enumerate(series) for b in series[i + 1 :]]
    assert mann_kendall(series).s == sum(np.sign(b - a) for a, b in pairs)


@pytest.mark.parametrize("values", [(1, 2, 3, 4, 5, 6), (1, 1, 2, 2, 2, 3), (0, 0, 0, 0, 0, 9)])
def test_the_variance_is_that_of_s_over_every_order_of_the_values(values):
    trends = mann_kendall(np.array(list(permutations(values)), dtype=float))
    assert trends.s.mean() == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(trends.variance, trends.s.var(), rtol=1e-12)


@given(some_series)
def test_tau_is_scipys_tau_b(series):
    if np.unique(series).size > 1:
        theirs = stats.kendalltau(np.arange(series.size), series).statistic
        assert mann_kendall(series).tau == pytest.approx(theirs, abs=1e-12)


@given(some_series)
def test_a_mirrored_series_has_the_mirrored_trend(series):
    rising, falling = mann_kendall(series), mann_kendall(-series)
    assert rising.z == -falling.z
    assert rising.p == falling.p
    assert mann_kendall(series[::-1]).s == -rising.s


@given(some_series, st.floats(0.1, 10))
def test_only_the_order_of_the_values_counts(series, scale):
    stretched = mann_kendall(np.exp(scale * series))
    assert stretched.s == mann_kendall(series).s
    assert stretched.p == mann_kendall(series).p


@given(
    arrays(
        float,
        array_shapes(min_dims=2, max_dims=3, min_side=3, max_side=6),
        elements=st.integers(0, 3).map(float),
    )
)
def test_many_series_at_once_are_each_judged_alone(table):
    together = mann_kendall(table)
    for place in np.ndindex(table.shape[:-1]):
        alone = mann_kendall(table[place])
        for name in ("s", "variance", "z", "p", "tau"):
            assert getattr(together, name)[place] == getattr(alone, name)


def test_a_flat_series_has_no_trend():
    trend = mann_kendall(np.full(7, 0.1))
    assert (trend.s, trend.variance, trend.z, trend.p, trend.tau) == (0, 0, 0, 1, 0)


def test_no_series_give_no_trends():
    assert mann_kendall(np.empty((0, 12))).p.shape == (0,)


@pytest.mark.parametrize("series", [np.empty(0), np.ones(2), np.float64(3), np.empty((4, 0))])
def test_fewer_than_three_steps_are_too_few(series):
    with pytest.raises(TooFewObservations, match="series-too-short"):
        mann_kendall(series)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_gap_is_refused(bad):
    with pytest.raises(InvalidParameter, match="values-not-finite"):
        mann_kendall(np.array([1.0, bad, 2.0]))


def test_the_series_is_left_alone():
    series = np.array([3.0, 1, 2])
    mann_kendall(series)
    np.testing.assert_array_equal(series, [3, 1, 2])
