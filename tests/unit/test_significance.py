"""Adjusted p-values: few, exact numbers, and what holds whatever the p-values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from geo.errors import InvalidParameter
from geo.significance import bonferroni, false_discovery_rate, false_discovery_rate_of_groups

some_p = arrays(float, st.integers(1, 60), elements=st.sampled_from([0, 0.001, 0.01, 0.2, 0.5, 1]))


def test_each_p_is_multiplied_by_tests_over_rank():
    q = false_discovery_rate(np.array([0.01, 0.9, 0.02, 0.2]))
    np.testing.assert_allclose(q, [0.04, 0.9, 0.04, 0.8 / 3], rtol=1e-15)


def test_a_smaller_q_further_up_pulls_the_lower_ones_down():
    np.testing.assert_array_equal(false_discovery_rate(np.array([0.03, 0.04])), [0.04, 0.04])


@given(some_p)
def test_it_is_what_scipy_gives(p):
    np.testing.assert_allclose(
        false_discovery_rate(p), stats.false_discovery_control(p), rtol=1e-15
    )


@given(some_p)
def test_equal_p_values_get_exactly_equal_q(p):
    q = false_discovery_rate(p)
    assert len(set(zip(p.tolist(), q.tolist(), strict=True))) == np.unique(p).size


@given(some_p, st.randoms())
def test_the_order_of_the_tests_does_not_matter(p, random):
    order = np.array(random.sample(range(p.size), p.size))
    np.testing.assert_array_equal(false_discovery_rate(p)[order], false_discovery_rate(p[order]))


@given(some_p)
def test_it_lies_between_the_p_value_and_bonferroni(p):
    q = false_discovery_rate(p)
    assert (p <= q).all()
    assert (q <= bonferroni(p) * (1 + 1e-15)).all()
    assert (q <= 1).all()


@given(some_p, st.data())
def test_groups_of_equal_tests_count_as_often_as_they_stand_for(p, data):
    times = data.draw(arrays(int, p.size, elements=st.integers(1, 5)))
    grouped = false_discovery_rate_of_groups(p, times)
    repeated = false_discovery_rate(np.repeat(p, times))
    np.testing.assert_array_equal(np.repeat(grouped, times), repeated)


def test_the_family_is_the_whole_array_whatever_its_shape():
    p = np.array([[0.01, 0.9], [0.02, 0.2]])
    flat = false_discovery_rate(p.ravel())
    np.testing.assert_array_equal(false_discovery_rate(p), flat.reshape(2, 2))


def test_bonferroni_multiplies_by_the_number_of_tests():
    np.testing.assert_array_equal(bonferroni(np.array([0.01, 0.25, 0.6, 0.0])), [0.04, 1, 1, 0])


@pytest.mark.parametrize("adjust", [false_discovery_rate, bonferroni])
def test_no_tests_give_no_q(adjust):
    assert adjust(np.empty(0)).shape == (0,)


@pytest.mark.parametrize("adjust", [false_discovery_rate, bonferroni])
@pytest.mark.parametrize("bad", [np.nan, -0.1, 1.1, np.inf])
def test_what_is_no_probability_is_refused(adjust, bad):
    with pytest.raises(InvalidParameter, match="not-a-probability"):
        adjust(np.array([0.5, bad]))


def test_the_p_values_are_left_alone():
    p = np.array([0.5, 0.1])
    false_discovery_rate(p)
    bonferroni(p)
    np.testing.assert_array_equal(p, [0.5, 0.1])
