"""Rules that give a bandwidth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.bandwidth import (
    MOST_PLACES,
    Candidates,
    fixed_bandwidth,
    left_out_log_likelihood,
    likelihood_bandwidth,
    normal_reference_width,
    scott_bandwidth,
    scott_per_axis,
)
from geo.errors import InvalidParameter, TooFewObservations
from geo.kde import GaussianHeat, density_without_itself
from tests.zoo import blob, patterns


def reference_along_x(places, weight):
    return normal_reference_width(places[0], weight)


def likelihood(places, weight):
    return likelihood_bandwidth(places, weight, Candidates())


TOO_FEW = {
    scott_per_axis: {"empty", "one point"},
    reference_along_x: {"empty", "one point"},
    scott_bandwidth: {"empty", "one point", "all identical"},
    likelihood: {"empty", "one point", "all identical", "two places"},
}
RULES = tuple(TOO_FEW)


@st.composite
def repeated_places(draw):
    n = draw(st.integers(3, 25))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    return tuple(rng.uniform(0, 2000, (2, n)).round()), rng.integers(1, 6, n).astype(float)


def each_event(places, weight):
    return tuple(np.repeat(axis, weight.astype(int)) for axis in places)


def test_a_fixed_bandwidth_says_that_it_is_fixed():
    found = fixed_bandwidth(150.0)
    assert (found.rule, found.bandwidth_m) == ("fixed", 150.0)
    assert fixed_bandwidth().bandwidth_m == GaussianHeat().bandwidth_m


def test_scotts_rule_by_hand():
    # Deviations of 0, 30, 60 and 0, 0, 90 m: 30 and sqrt(2700) m, times 3^(-1/6).
    places = np.array([0.0, 30.0, 60.0]), np.array([0.0, 0.0, 90.0])
    east, north = scott_per_axis(places, np.ones(3))
    assert east == pytest.approx(30 * 3 ** (-1 / 6))
    assert north == pytest.approx(np.sqrt(2700) * 3 ** (-1 / 6))
    found = scott_bandwidth(places, np.ones(3))
    assert found.rule == "scott"
    assert found.bandwidth_m == pytest.approx(np.sqrt(1800) * 3 ** (-1 / 6))
    assert (found.events, found.places) == (3, 3)


def test_the_normal_reference_by_hand():
    # 1, 2, 3, 4, 100: quartiles 2 and 4, so 2 / 1.34 is less than the deviation.
    width = normal_reference_width(np.array([4.0, 1.0, 100.0, 2.0, 3.0]), np.ones(5))
    assert width == pytest.approx(4 * 1.06 * 2 / 1.34 * 5 ** (-0.2))
    assert normal_reference_width(np.full(4, 7.0), np.ones(4)) == 0


@given(drawn=repeated_places())
def test_weights_are_the_same_as_repeated_events(drawn):
    places, weight = drawn
    events = each_event(places, weight)
    one = np.ones(events[0].size)
    np.testing.assert_allclose(scott_per_axis(places, weight), scott_per_axis(events, one))
    assert normal_reference_width(places[0], weight) == pytest.approx(
        normal_reference_width(events[0], one)
    )
    found = likelihood_bandwidth(places, weight, Candidates())
    same = likelihood_bandwidth(events, one, Candidates())
    np.testing.assert_allclose(found.log_likelihood, same.log_likelihood, rtol=1e-12)
    assert found.chosen == same.chosen


@given(values=st.lists(st.integers(0, 50), min_size=2, max_size=30))
def test_the_quartiles_are_numpys_linear_ones(values):
    values = np.array(values, dtype=float)
    low, high = np.quantile(values, [0.25, 0.75])
    spread = min(values.std(ddof=1), (high - low) / 1.34)
    expected = 4.24 * spread * values.size ** (-0.2)
    found = normal_reference_width(values, np.ones(values.size))
    assert found == pytest.approx(expected, abs=1e-9)


@given(drawn=repeated_places(), seed=st.integers(0, 2**32))
def test_the_order_of_the_places_does_not_matter(drawn, seed):
    (x, y), weight = drawn
    turn = np.random.default_rng(seed).permutation(x.size)
    turned = (x[turn], y[turn]), weight[turn]
    assert scott_bandwidth(*turned).bandwidth_m == pytest.approx(
        scott_bandwidth((x, y), weight).bandwidth_m, rel=1e-12
    )
    found = likelihood_bandwidth(*turned, Candidates())
    assert found.chosen == likelihood_bandwidth((x, y), weight, Candidates()).chosen


@given(drawn=repeated_places(), angle=st.floats(0, 6.3))
def test_turning_the_map_does_not_change_a_bandwidth(drawn, angle):
    (x, y), weight = drawn
    turned = x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)
    before, after = (scott_bandwidth(each, weight) for each in ((x, y), turned))
    assert after.bandwidth_m == pytest.approx(before.bandwidth_m, rel=1e-9)


@given(drawn=repeated_places(), power=st.integers(-3, 3))
def test_a_bandwidth_grows_with_the_unit_of_length(drawn, power):
    (x, y), weight = drawn
    unit = 2.0**power
    wider = scott_bandwidth((x * unit, y * unit), weight)
    assert wider.bandwidth_m == pytest.approx(
        unit * scott_bandwidth((x, y), weight).bandwidth_m, rel=1e-12
    )
    tried = np.array([50.0, 100.0, 400.0])
    here = left_out_log_likelihood((x, y), weight, tried)
    there = left_out_log_likelihood((x * unit, y * unit), weight, tried * unit)
    np.testing.assert_allclose(np.diff(there), np.diff(here), rtol=1e-8, atol=1e-8)


@given(drawn=repeated_places())
def test_the_likelihood_is_that_of_the_density_of_the_others(drawn):
    places, weight = drawn
    tried = np.array([400.0, 1000.0])
    found = left_out_log_likelihood(places, weight, tried)
    for width, score in zip(tried, found, strict=True):
        others = density_without_itself(places, weight, GaussianHeat(width))
        expected = (weight * np.log(others / (weight.sum() - weight))).sum()
        assert score == pytest.approx(expected, rel=1e-9)


def test_a_lonely_place_gives_a_finite_likelihood_where_the_density_itself_underflows():
    places = np.array([0.0, 1.0, 90_000.0]), np.zeros(3)
    score = left_out_log_likelihood(places, np.ones(3), np.array([50.0]))
    # The nearest other place is 89,999 m away: half of (89,999 / 50)^2 and a little.
    assert np.isfinite(score).all()
    assert score[0] == pytest.approx(-0.5 * (89_999 / 50) ** 2, rel=1e-4)


def test_the_likelihood_finds_the_scale_of_a_cloud():
    # For a normal cloud of deviation s the best bandwidth is near Scott's s n^(-1/6).
    x, y = blob(2000, spread_m=500.0)
    found = likelihood_bandwidth((x, y), np.ones(2000), Candidates(20.0, 2000.0, 40))
    scott = scott_bandwidth((x, y), np.ones(2000)).bandwidth_m
    assert found.chosen.bandwidth_m == pytest.approx(scott, rel=0.25)
    assert not found.at_limit
    assert found.chosen.rule == "likelihood"
    assert found.tried_m[found.log_likelihood.argmax()] == found.chosen.bandwidth_m


def test_stacked_events_do_not_drive_the_likelihood_to_zero_because_places_are_left_out():
    x, y = blob(200, spread_m=500.0)
    each = np.repeat(x, 30), np.repeat(y, 30)
    wide = Candidates(1.0, 2000.0, 40)
    found = likelihood_bandwidth(each, np.ones(6000), wide)
    assert found.chosen.bandwidth_m > 50
    assert found.chosen.places == 200
    # Leaving out events one by one, as the textbook does, falls into the trap.
    some = slice(0, 1500)
    score = left_out_log_likelihood(
        (each[0][some], each[1][some]), np.ones(1500), np.array([1.0, 50.0])
    )
    assert score[0] > score[1]


def test_a_winner_at_the_end_of_the_series_is_said_to_be_there():
    x, y = blob(300, spread_m=500.0)
    assert likelihood_bandwidth((x, y), np.ones(300), Candidates(1.0, 10.0, 5)).at_limit
    assert likelihood_bandwidth((x, y), np.ones(300), Candidates(5e3, 9e3, 5)).at_limit


@pytest.mark.parametrize("name", patterns())
@pytest.mark.parametrize("rule", RULES)
def test_every_pattern_has_a_bandwidth_or_too_few_observations(rule, name):
    places = patterns()[name]
    weight = np.ones(places[0].size)
    if name in TOO_FEW[rule]:
        with pytest.raises(TooFewObservations) as fault:
            rule(places, weight)
        assert set(fault.value.values) == {"n", "fewest"}
    else:
        found = rule(places, weight)
        value = getattr(found, "chosen", found)
        assert np.isfinite(getattr(value, "bandwidth_m", value)).all()


def test_places_without_weight_do_not_count():
    places = np.array([0.0, 10.0, 500.0]), np.zeros(3)
    weight = np.array([3.0, 4.0, 0.0])
    assert scott_bandwidth(places, weight).places == 2
    with pytest.raises(TooFewObservations, match="bandwidth-places"):
        likelihood_bandwidth(places, weight, Candidates())
    with pytest.raises(TooFewObservations, match="bandwidth-places"):
        scott_bandwidth(places, np.array([3.0, 0.0, 0.0]))
    with pytest.raises(TooFewObservations, match="bandwidth-events"):
        scott_bandwidth(places, np.array([0.5, 0.5, 0.9]))


@pytest.mark.parametrize("rule", RULES)
def test_places_and_weights_are_checked(rule):
    places = np.array([0.0, 10.0, 500.0]), np.zeros(3)
    for weight, code in (
        (np.array([1.0, np.nan, 1.0]), "weights-not-finite"),
        (np.array([1.0, -1.0, 1.0]), "weights-negative"),
        (np.ones(2), "shapes-differ"),
    ):
        with pytest.raises(InvalidParameter, match=code):
            rule(places, weight)
    with pytest.raises(InvalidParameter, match="coordinates-not-finite"):
        rule((np.array([0.0, np.inf, 1.0]), np.zeros(3)), np.ones(3))


def test_as_many_places_as_stated_are_taken_and_not_one_more():
    few = Candidates(100.0, 200.0, 2)
    x, y = np.arange(MOST_PLACES + 1.0), np.zeros(MOST_PLACES + 1)
    with pytest.raises(InvalidParameter, match="too-many-places"):
        likelihood_bandwidth((x, y), np.ones(x.size), few)
    found = likelihood_bandwidth((x[1:], y[1:]), np.ones(x.size - 1), few)
    assert found.chosen.places == MOST_PLACES


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ((100.0, 100.0, 5), "candidates-backwards"),
        ((200.0, 100.0, 5), "candidates-backwards"),
        ((100.0, 200.0, 1), "candidates"),
        ((100.0, 200.0, 201), "candidates"),
        ((0.0, 200.0, 5), "not-positive"),
        ((np.nan, 200.0, 5), "not-positive"),
        ((100.0, 1e9, 5), "length-out-of-range"),
    ],
)
def test_a_series_of_candidates_must_be_one(values, code):
    with pytest.raises(InvalidParameter) as fault:
        Candidates(*values)
    assert fault.value.code == code


def test_rows_to_leave_out_must_be_two_and_have_weight():
    two = np.array([0.0, 10.0]), np.zeros(2)
    with pytest.raises(TooFewObservations, match="bandwidth-places"):
        left_out_log_likelihood((np.zeros(1), np.zeros(1)), np.ones(1), np.array([50.0]))
    with pytest.raises(InvalidParameter, match="not-positive"):
        left_out_log_likelihood(two, np.array([1.0, 0.0]), np.array([50.0]))
    with pytest.raises(InvalidParameter, match="not-positive"):
        left_out_log_likelihood(two, np.ones(2), np.array([0.0, 50.0]))


@pytest.mark.parametrize("width", [0.0, -1.0, np.nan])
def test_a_fixed_bandwidth_must_be_a_length(width):
    with pytest.raises(InvalidParameter, match="not-positive"):
        fixed_bandwidth(width)
