"""What holds for every rate, and what a missing denominator must not become."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse, stats

from geo.errors import InvalidParameter, TooFewObservations
from geo.rates import (
    RateInterval,
    crude_rates,
    locally_smoothed_rates,
    poisson_interval,
    smoothed_rates,
)

counts = arrays(float, st.integers(2, 30), elements=st.integers(0, 60).map(float))


def street(m):
    """Join m units end to end; each touches itself and the next ones."""
    near = sum(np.eye(m, k=k) for k in (-1, 0, 1))
    return sparse.csr_array(near)


def test_no_event_is_compatible_with_up_to_three_point_seven_expected():
    low, high = poisson_interval(np.array([0.0, 5.0, 10.0]))
    np.testing.assert_allclose(low, [0, 1.62, 4.80], atol=0.005)  # Garwood 1936
    np.testing.assert_allclose(high, [3.69, 11.67, 18.39], atol=0.005)


@given(st.integers(1, 200), st.floats(0.5, 0.999))
def test_the_interval_leaves_half_the_error_beyond_each_end(count, level):
    low, high = poisson_interval(np.array([float(count)]), RateInterval(level))
    tail = (1 - level) / 2
    assert stats.poisson.sf(count - 1, low[0]) == pytest.approx(tail, rel=1e-6)
    assert stats.poisson.cdf(count, high[0]) == pytest.approx(tail, rel=1e-6)


def test_five_events_among_a_thousand_inhabitants_are_five_per_mille():
    found = crude_rates(np.array([5.0]), np.array([1000.0]))
    assert found.rate[0] == 0.005
    assert 0.00162 < found.low[0] < 0.00163
    assert 0.0116 < found.high[0] < 0.0117


def test_where_nobody_lives_there_is_no_rate_but_its_events_are_told():
    found = crude_rates(np.array([40.0, 2.0, 0.0]), np.array([0.0, 100.0, 0.0]))
    assert np.isnan([found.rate[0], found.low[0], found.high[0], found.rate[2]]).all()
    assert found.without_exposure == 40
    assert found.rate[1] == 0.02


def test_no_units_have_no_rates():
    assert crude_rates(np.empty(0), np.empty(0)).rate.size == 0


@given(counts, st.integers(0, 2**32 - 1))
def test_smoothing_never_leaves_the_range_between_own_and_common_rate(x, seed):
    n = np.random.default_rng(seed).uniform(1, 500, x.size)
    smooth, own, common = smoothed_rates(x, n), x / n, x.sum() / n.sum()
    assert (smooth >= np.minimum(own, common) - 1e-12).all()
    assert (smooth <= np.maximum(own, common) + 1e-12).all()


@given(counts, st.integers(0, 2**32 - 1))
def test_the_order_of_units_does_not_matter(x, seed):
    rng = np.random.default_rng(seed)
    n, order = rng.uniform(1, 500, x.size), rng.permutation(x.size)
    again = smoothed_rates(x[order], n[order])
    np.testing.assert_allclose(again, smoothed_rates(x, n)[order], rtol=1e-9, atol=1e-15)


def test_units_that_vary_no_more_than_chance_all_get_the_common_rate():
    smooth = smoothed_rates(np.array([2.0, 3.0, 2.0, 3.0]), np.full(4, 100.0))
    np.testing.assert_allclose(smooth, 0.025)


def test_a_small_unit_is_drawn_further_than_a_large_one():
    x, n = np.array([4.0, 400.0, 10.0, 100.0]), np.array([10.0, 1000.0, 1000.0, 10000.0])
    smooth = smoothed_rates(x, n)
    assert 0.4 - smooth[0] > 0.4 - smooth[1] > 0


def test_units_without_exposure_stay_without_a_smoothed_rate_and_move_no_other():
    x, n = np.array([4.0, 1.0, 9.0]), np.array([10.0, 40.0, 30.0])
    with_core = smoothed_rates(np.append(x, 50.0), np.append(n, 0.0))
    assert np.isnan(with_core[3])
    np.testing.assert_array_equal(with_core[:3], smoothed_rates(x, n))


def test_no_event_anywhere_smooths_to_zero():
    assert (smoothed_rates(np.zeros(3), np.ones(3)) == 0).all()
    assert (locally_smoothed_rates(np.zeros(3), np.ones(3), street(3)) == 0).all()


def test_one_unit_alone_cannot_be_smoothed():
    with pytest.raises(TooFewObservations, match="too-few-units"):
        smoothed_rates(np.array([3.0, 1.0]), np.array([10.0, 0.0]))


def test_surroundings_pull_a_small_unit_to_their_own_level():
    x, n = np.array([0.0, 900.0, 900.0, 10.0, 10.0]), np.array([5.0, 1e3, 1e3, 1e3, 1e3])
    near = locally_smoothed_rates(x, n, street(5))
    assert near[0] > smoothed_rates(x, n)[0]


def test_a_unit_alone_with_itself_keeps_its_own_rate():
    smooth = locally_smoothed_rates(
        np.array([3.0, 1.0]), np.array([10.0, 5.0]), street(2) * 0 + sparse.eye_array(2)
    )
    np.testing.assert_allclose(smooth, [0.3, 0.2])


def test_a_neighbour_without_exposure_takes_no_part():
    x, n = np.array([4.0, 50.0, 1.0]), np.array([10.0, 0.0, 40.0])
    smooth = locally_smoothed_rates(x, n, street(3))
    assert smooth[0] == 0.4
    assert np.isnan(smooth[1])


def test_neighbours_must_be_a_square_with_every_unit_its_own_neighbour():
    with pytest.raises(InvalidParameter, match="shapes-differ"):
        locally_smoothed_rates(np.ones(3), np.ones(3), street(4))
    with pytest.raises(InvalidParameter, match="not-own-neighbour"):
        locally_smoothed_rates(
            np.ones(2), np.ones(2), sparse.csr_array(np.ones((2, 2)) - np.eye(2))
        )


@pytest.mark.parametrize(
    ("count", "exposure", "code"),
    [
        ([1.0], [1.0, 2.0], "shapes-differ"),
        ([np.nan, 1.0], [1.0, 2.0], "weights-not-finite"),
        ([-1.0, 1.0], [1.0, 2.0], "weights-negative"),
        ([1.0, 1.0], [1.0, np.inf], "weights-not-finite"),
        ([1.0, 1.0], [1.0, -2.0], "weights-negative"),
    ],
)
@pytest.mark.parametrize("method", [crude_rates, smoothed_rates])
def test_bad_counts_and_denominators_are_refused(method, count, exposure, code):
    with pytest.raises(InvalidParameter, match=code):
        method(np.array(count), np.array(exposure))


@pytest.mark.parametrize("level", [0.0, 1.0, np.nan, -1.0])
def test_a_level_outside_zero_to_one_is_refused(level):
    with pytest.raises(InvalidParameter, match="not-a-fraction"):
        RateInterval(level)
