"""Which kinds of place lie near incidents more often than chance allows."""

import math
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from scipy.spatial import cKDTree

from geo.errors import InvalidParameter, TooFewObservations
from geo.risk_terrain import (
    Beside,
    Colocation,
    Spots,
    Walked,
    colocation,
    combined,
    walked,
)
from geo.verdicts import Verdict
from tests.zoo import CENTRE_M, patterns

NOWHERE = np.empty((0, 2))
EAST = np.array([400.0, 0.0])
WIDE = Colocation(distances_m=(50.0,), block_m=1e6)


def at(*places):
    return np.array(places, dtype=float).reshape(-1, 2)


def spots(xy, weight=None):
    xy = np.asarray(xy, dtype=float).reshape(-1, 2)
    held = np.ones(len(xy)) if weight is None else np.asarray(weight, dtype=float)
    return Spots(xy[:, 0], xy[:, 1], held)


def alone(incidents, controls, features, choices=None, seed=1):
    rng = np.random.default_rng(seed)
    return colocation(incidents, controls, {"tunnel": features}, rng, choices)[0]


# --- a made town: streets of homes, a hot core, hot corners, and events that stack


def homes(rng, n=2000, side=4000.0):
    centres = rng.uniform(0, side, (60, 2))
    return np.clip(centres[rng.integers(0, 60, n)] + rng.normal(0, 250, (n, 2)), 0, side)


def level(rng, xy, stacked):
    """Give each home its level of events: a hot core, and hot corners with a few bad addresses."""
    core = 1 + 15 * np.exp(-((xy - 2000) ** 2).sum(axis=1) / 2 / 500**2)
    if not stacked:
        return core
    for corner in xy[rng.integers(0, len(xy), 15)]:
        core *= 1 + 12 * np.exp(-((xy - corner) ** 2).sum(axis=1) / 2 / 60**2)
    return core * rng.gamma(0.3, 1, len(xy))


def town(seed, kinds, events, times=1.0, *, stacked=False):
    """Draw a town whose first kind of feature multiplies the level within 75 m."""
    rng = np.random.default_rng(seed)
    xy = homes(rng)
    chance = level(rng, xy, stacked)
    features = {
        f"kind {k}": xy[rng.integers(0, len(xy), n)] + rng.normal(0, 20, (n, 2))
        for k, n in enumerate(kinds)
    }
    near = cKDTree(features["kind 0"]).query(xy)[0] <= 75
    chance = chance * np.where(near, times, 1.0)
    count = rng.multinomial(events, chance / chance.sum())
    return spots(xy[count > 0], count[count > 0]), spots(xy), features, rng


# --- by hand


def test_the_ratio_is_events_per_exposure_near_over_the_same_elsewhere():
    incidents = spots([(0, 0), (0, 40), (500, 0)], [3, 3, 4])
    controls = spots([(0, 10), (500, 10)], [2, 8])
    found = alone(incidents, controls, at((0, 0)), WIDE)
    assert found.n_near == 6
    assert found.expected == pytest.approx(1)  # 4 events on 8 elsewhere: 1 on the 2 near
    assert found.ratio == pytest.approx(6)
    assert found.distance_m == 50


def test_squares_are_put_together_by_mantel_and_haenszel():
    features = at((0, 0), (10_000, 0))
    controls = spots([(0, 0), (500, 0), (10_000, 0), (10_500, 0)], [1, 3, 2, 2])
    incidents = spots([(0, 0), (500, 0), (10_000, 0), (10_500, 0)], [4, 6, 9, 3])
    found = alone(incidents, controls, features, Colocation((50.0,), block_m=1000))
    # (4 * 3/4 + 9 * 2/4) / (6 * 1/4 + 3 * 2/4) = 7.5 / 3
    assert found.ratio == pytest.approx(2.5)
    assert found.expected == pytest.approx(13 / 2.5)
    assert found.sites == 2


def test_a_kind_that_stands_only_where_all_is_busy_is_not_blamed_for_it():
    features = at((0, 0))
    controls = spots([(0, 0), (500, 0), (10_000, 0), (10_500, 0)])
    incidents = spots([(0, 0), (500, 0), (10_000, 0), (10_500, 0)], [50, 50, 5, 5])
    within = alone(incidents, controls, features, Colocation((50.0,), block_m=1000))
    across = alone(incidents, controls, features, Colocation((50.0,), block_m=1e6))
    assert within.ratio == pytest.approx(1)
    assert across.ratio == pytest.approx(50 / (60 / 3))


def test_within_is_at_most_so_far():
    incidents = spots([(30, 40), (30, 40.001)])
    found = alone(incidents, spots([(0, 0), (900, 0)]), at((0, 0)), WIDE)
    assert found.n_near == 1


def test_events_in_squares_without_controls_are_left_out():
    incidents = spots([(0, 0), (500, 0), (50_000, 0)], [2, 1, 70])
    controls = spots([(0, 0), (500, 0)])
    features = at((0, 0), (50_000, 0))
    found = alone(incidents, controls, features, Colocation((50.0,), block_m=1000))
    assert (found.n_near, found.ratio, found.sites) == (2, 2, 1)


def test_no_event_near_has_a_ratio_of_zero_and_an_upper_limit_like_poisson():
    controls = spots([(0, 0), (500, 0)])
    found = alone(spots([(500, 3 * step) for step in range(8)]), controls, at((0, 0)), WIDE)
    assert (found.n_near, found.ratio, found.low) == (0, 0, 0)
    assert found.expected == 8
    assert found.high == pytest.approx(3.6889 / 8, rel=1e-4)  # Garwood: 0 events, 0 to 3.69
    assert found.verdict is Verdict.TOO_FEW


def test_no_event_near_says_less_when_events_stack():
    controls = spots([(0, 0), (500, 0)])
    found = alone(spots([(500, 0), (500, 3)], [4, 4]), controls, at((0, 0)), WIDE)
    assert found.high == pytest.approx(4 * 3.6889 / 8, rel=1e-4)


def test_no_event_elsewhere_has_an_infinite_ratio_and_no_claim():
    features = at(*[(1000 * k, 0) for k in range(20)])
    controls = spots(np.vstack([features, features + EAST]))
    found = alone(spots(np.repeat(features, 3, axis=0)), controls, features)
    assert math.isinf(found.ratio)
    assert (found.low, found.high) == (0, math.inf)
    assert found.verdict is Verdict.TOO_FEW


def test_a_kind_that_is_near_everything_says_nothing():
    rng = np.random.default_rng(4)
    xy = rng.uniform(0, 3000, (900, 2))
    found = alone(spots(xy[:400]), spots(xy), xy[::2], Colocation((200.0,)))
    assert found.near[0] > 390
    assert found.verdict is Verdict.TOO_FEW
    assert math.isnan(found.p)


# --- what holds for every pattern

some_ground = arrays(
    float, st.tuples(st.integers(6, 40), st.just(2)), elements=st.integers(0, 60).map(float)
)


def told(found):
    """Give what is said of one kind as plain numbers, nan included."""
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in asdict(found).items()
    }


def assert_same(one, other):
    for name, value in told(one).items():
        if isinstance(value, str):
            assert told(other)[name] == value
        else:
            np.testing.assert_allclose(told(other)[name], value, rtol=1e-7, err_msg=name)


@given(some_ground, st.randoms())
def test_order_and_place_on_the_map_and_unit_of_exposure_do_not_matter(ground, random):
    ground = ground * 50
    half = len(ground) // 2
    incidents, controls, features = ground[:half], ground, ground[::5]
    few = Colocation(fewest_events=1, fewest_sites=1, rounds=99)
    one = alone(spots(incidents), spots(controls), features, few)
    shuffled = random.sample(range(len(controls)), len(controls))
    backwards = slice(None, None, -1)
    east = np.array([100_000.0, -3000.0])
    other = alone(
        spots(incidents[backwards] + east),
        spots(controls[shuffled] + east, np.full(len(controls), 4.0)),
        features[backwards] + east,
        few,
    )
    assert_same(one, other)


def test_an_event_of_weight_two_is_two_events():
    incidents, controls, features, _ = town(3, [40], 600)
    one_by_one = spots(
        np.repeat(np.column_stack([incidents.x_m, incidents.y_m]), incidents.weight.astype(int), 0)
    )
    assert_same(
        alone(incidents, controls, features["kind 0"]),
        alone(one_by_one, controls, features["kind 0"]),
    )


def test_a_feature_noted_twice_is_one_feature():
    incidents, controls, features, _ = town(3, [40], 600)
    twice = np.repeat(features["kind 0"], 2, axis=0)
    assert_same(alone(incidents, controls, features["kind 0"]), alone(incidents, controls, twice))


def test_the_same_seed_gives_the_same_answer_and_other_kinds_do_not_change_p():
    incidents, controls, features, _ = town(3, [40, 60], 600)
    both = colocation(incidents, controls, features, np.random.default_rng(1))
    turned = colocation(
        incidents, controls, dict(reversed(features.items())), np.random.default_rng(1)
    )
    assert [each.kind for each in both] == ["kind 0", "kind 1"]
    assert_same(both[0], turned[1])
    assert_same(both[1], turned[0])


def test_q_is_p_adjusted_over_the_kinds_that_can_be_judged():
    incidents, controls, features, rng = town(6, [40, 60, 2], 600, times=2.0)
    found = colocation(incidents, controls, features | {"none": NOWHERE}, rng)
    p = [each.p for each in found[:2]]
    np.testing.assert_allclose([each.q for each in found[:2]], stats.false_discovery_control(p))
    assert [each.verdict for each in found[2:]] == [Verdict.TOO_FEW] * 2
    assert all(math.isnan(each.q) for each in found[2:])


def test_no_kind_gives_no_answer():
    assert colocation(spots([(0, 0)]), spots([(0, 0)]), {}, np.random.default_rng(1)) == ()


@pytest.mark.parametrize("name", sorted(set(patterns()) - {"empty"}))
def test_every_pattern_gives_an_answer_without_a_claim(name):
    xy = np.column_stack(patterns()[name])
    found = alone(spots(xy), spots(xy), xy[:2])
    assert found.verdict in {Verdict.TOO_FEW, Verdict.NOT_RAISED}
    assert found.low <= 1 or math.isnan(found.ratio)


def test_the_caller_keeps_his_arrays():
    x, y, weight, features = np.array([3.0, 1.0]), np.array([0.0, 2.0]), np.ones(2), at((1, 2))
    ground = Spots(x, y, weight)
    alone(ground, ground, features)
    kept = combined(features, features)
    kept += 1
    assert (x.tolist(), y.tolist(), weight.tolist()) == ([3, 1], [0, 2], [1, 1])
    assert features.tolist() == [[1, 2]]


# --- calibration


def maps_with_a_claim(runs, kinds, events, *, stacked):
    false = 0
    for seed in range(runs):
        incidents, controls, features, rng = town(seed, kinds, events, stacked=stacked)
        found = colocation(incidents, controls, features, rng)
        false += any(each.verdict is Verdict.ESTABLISHED for each in found)
    return false


@pytest.mark.parametrize("stacked", [False, True])
def test_features_at_random_are_established_in_at_most_five_percent_of_maps(stacked):
    runs = 100
    false = maps_with_a_claim(runs, [15, 40, 80, 150, 300], 1500, stacked=stacked)
    assert false <= stats.binom.ppf(0.99, runs, 0.05)


def test_taking_events_as_independent_would_call_random_features_significant():
    false = 0
    for seed in range(100):
        incidents, controls, features, _ = town(seed, [40], 1500, stacked=True)
        tree = cKDTree(features["kind 0"])
        near = tree.query(np.column_stack([incidents.x_m, incidents.y_m]))[0] <= 75
        share = (tree.query(np.column_stack([controls.x_m, controls.y_m]))[0] <= 75).mean()
        false += stats.binom.sf(incidents.weight[near].sum() - 1, 1500, share) <= 0.05
    assert false >= 25


def test_a_planted_excess_of_three_is_found_at_its_distance():
    found = []
    for seed in range(20):
        incidents, controls, features, rng = town(100 + seed, [40, 40, 40], 1000, times=3.0)
        found.append(colocation(incidents, controls, features, rng))
    planted = [each[0] for each in found]
    assert sum(each.verdict is Verdict.ESTABLISHED for each in planted) >= 18
    assert np.median([each.distance_m for each in planted]) == 75
    assert np.median([each.ratio for each in planted]) == pytest.approx(3, rel=0.1)
    others = [other.verdict is Verdict.ESTABLISHED for each in found for other in each[1:]]
    assert sum(others) <= 5  # 2 of 40 expected at most


def intervals_that_hold(runs, events, *, stacked):
    """Count how often the interval at 75 m holds 3, the planted relative risk."""
    kept = 0
    for seed in range(runs):
        incidents, controls, features, _ = town(500 + seed, [60], events, 3.0, stacked=stacked)
        found = alone(incidents, controls, features["kind 0"], seed=seed)
        kept += found.lows[2] <= 3 <= found.highs[2]
    return kept


def test_intervals_hold_the_planted_relative_risk():
    assert intervals_that_hold(80, 1000, stacked=False) >= 72  # 76 expected at least


@pytest.mark.deep
@pytest.mark.parametrize("stacked", [False, True])
@pytest.mark.parametrize("events", [300, 3000])
def test_intervals_hold_the_planted_relative_risk_in_long_runs(events, stacked):
    runs = 400
    kept = intervals_that_hold(runs, events, stacked=stacked)
    assert kept >= stats.binom.ppf(0.01, runs, 0.93)


@pytest.mark.deep
@pytest.mark.parametrize("stacked", [False, True])
@pytest.mark.parametrize(
    ("kinds", "events"), [([15] * 8, 300), ([40] * 8, 1000), ([300] * 8, 5000)]
)
def test_features_at_random_are_not_established_in_long_runs(kinds, events, stacked):
    runs = 200
    false = maps_with_a_claim(runs, kinds, events, stacked=stacked)
    assert false <= stats.binom.ppf(0.99, runs, 0.05)


# --- verdicts


def rows_of_squares(near, elsewhere):
    """Make one square for each pair: a feature, one home near it and one elsewhere, and events."""
    corners = np.column_stack([1000.0 * np.arange(len(near)), np.zeros(len(near))])
    ground = np.vstack([corners, corners + EAST])
    return spots(ground, [*near, *elsewhere]), spots(ground), corners


SQUARES = Colocation(distances_m=(50.0,), block_m=1000, most_near=0.6)


def test_the_same_excess_in_many_squares_is_established():
    found = alone(*rows_of_squares([6] * 20, [2] * 20), SQUARES)
    assert found.verdict is Verdict.ESTABLISHED
    assert found.ratio == pytest.approx(3)
    assert found.p == pytest.approx(0.001)
    assert 1 < found.low < 3 < found.high
    assert found.bears_percentage
    assert found.sites == 20


def test_the_interval_of_equal_squares_is_the_one_of_poisson_events():
    found = alone(*rows_of_squares([6] * 40, [2] * 40), SQUARES)
    # Log-normal with variance 1/240 + 1/80: 2.33 to 3.87; ours is never narrower.
    assert found.low <= 3 * math.exp(-1.96 * math.sqrt(1 / 240 + 1 / 80)) * 1.01
    assert found.high >= 3 * math.exp(1.96 * math.sqrt(1 / 240 + 1 / 80)) * 0.99
    assert found.high / found.low < 2


def test_an_excess_in_one_square_is_not_established_however_large():
    found = alone(*rows_of_squares([500] + [2] * 19, [2] * 20), SQUARES)
    assert found.ratio > 10
    assert found.low < 1
    assert found.verdict is Verdict.NOT_RAISED


def test_when_one_square_holds_every_event_near_the_interval_is_as_wide_as_can_be():
    found = alone(*rows_of_squares([50] + [0] * 19, [2] * 20), SQUARES)
    assert found.low < 0.01
    assert found.high > 1000


def test_an_excess_with_few_squares_is_too_few():
    found = alone(*rows_of_squares([60] * 5, [20] * 5), SQUARES)
    assert found.ratio == pytest.approx(3)
    assert (found.low, found.high) == (0, math.inf)
    assert math.isnan(found.p)
    assert found.verdict is Verdict.TOO_FEW


def test_nine_events_bear_neither_a_claim_nor_a_percentage():
    found = alone(*rows_of_squares([1] * 9, [0] * 8 + [1]), SQUARES)
    assert not found.bears_percentage
    assert found.verdict is Verdict.TOO_FEW


def test_fewer_events_near_than_elsewhere_is_no_raised_level():
    found = alone(*rows_of_squares([2] * 20, [6] * 20), SQUARES)
    assert found.ratio < 1
    assert found.verdict is Verdict.NOT_RAISED


def test_a_hint_that_does_not_survive_many_kinds_is_uncertain():
    incidents, controls, features = rows_of_squares(
        [6, 6, 6, 6, 6, 1, 2, 4], [2, 2, 2, 2, 2, 2, 2, 2]
    )
    kinds = {"tunnel": features} | {f"other {k}": features + EAST for k in range(9)}
    found = colocation(incidents, controls, kinds, np.random.default_rng(1), SQUARES)
    assert found[0].p <= 0.05 < found[0].q
    assert found[0].verdict is Verdict.UNCERTAIN


def test_six_squares_can_be_judged_and_their_interval_is_finite():
    found = alone(*rows_of_squares([9, 8, 7, 9, 8, 6], [2, 2, 1, 2, 3, 2]), SQUARES)
    assert found.p < 0.05
    assert 0 < found.low < found.high < math.inf


# --- combined kinds and walked ground


def test_a_gap_beside_a_tunnel_stands_where_the_gap_is():
    gaps, tunnels = at((0, 0), (100, 0), (200, 0)), at((15, 20), (224, 0))
    assert combined(gaps, tunnels, Beside(25)).tolist() == [[0, 0], [200, 0]]
    assert combined(tunnels, gaps, Beside(24)).tolist() == [[224, 0]]
    assert combined(gaps, tunnels).tolist() == combined(gaps, tunnels, Beside(25)).tolist()


@pytest.mark.parametrize(("first", "second"), [(NOWHERE, at((0, 0))), (at((0, 0)), NOWHERE)])
def test_nothing_stands_beside_nothing(first, second):
    assert combined(first, second).shape == (0, 2)


def test_ground_is_walked_up_to_the_reach_of_an_observation():
    ground = spots([(0, 0), (60, 80), (60, 80.01), (500, 0)], [1, 2, 3, 4])
    assert walked(ground, at((0, 0))).weight.tolist() == [1, 2]
    assert walked(ground, at((0, 0), (500, 50)), Walked(50)).weight.tolist() == [1, 4]


def test_without_a_walk_nothing_is_walked():
    assert walked(spots([(0, 0)]), NOWHERE).x_m.size == 0
    assert walked(spots(NOWHERE), at((0, 0))).x_m.size == 0


# --- bad input


@pytest.mark.parametrize(
    "make",
    [
        lambda: Colocation(distances_m=()),
        lambda: Colocation(distances_m=(0.0, 50.0)),
        lambda: Colocation(distances_m=(50.0, 50.0)),
        lambda: Colocation(distances_m=(50.0, math.inf)),
    ],
)
def test_distances_that_do_not_rise_are_refused(make):
    with pytest.raises(InvalidParameter, match="distances-not-rising"):
        make()


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: Colocation(block_m=0), "not-positive"),
        (lambda: Colocation(block_m=math.inf), "not-positive"),
        (lambda: Colocation(most_near=1), "not-a-fraction"),
        (lambda: Colocation(level=0), "not-a-fraction"),
        (lambda: Colocation(rounds=0), "not-positive"),
        (lambda: Colocation(fewest_events=0), "not-positive"),
        (lambda: Colocation(fewest_sites=0), "not-positive"),
        (lambda: Walked(reach_m=0), "not-positive"),
        (lambda: Beside(within_m=math.nan), "not-positive"),
        (lambda: spots([(0, math.nan)]), "coordinates-not-finite"),
        (lambda: spots([(0, math.inf)]), "coordinates-not-finite"),
        (lambda: spots([(0, 0)], [1, 2]), "shapes-differ"),
        (lambda: spots([(0, 0)], [-1]), "weights-negative"),
        (lambda: spots([(0, 0)], [math.nan]), "weights-not-finite"),
        (lambda: Spots(np.zeros(1), np.zeros(2), np.zeros(1)), "shapes-differ"),
        (lambda: alone(spots([(0, 0)]), spots([(0, 0)]), np.zeros(2)), "positions-not-pairs"),
        (lambda: alone(spots([(0, 0)]), spots([(0, 0)]), np.zeros((2, 3))), "positions-not-pairs"),
        (lambda: walked(spots([(0, 0)]), at((0, math.nan))), "coordinates-not-finite"),
    ],
)
def test_what_cannot_be_used_is_refused(make, code):
    with pytest.raises(InvalidParameter, match=code):
        make()


@pytest.mark.parametrize(
    ("incidents", "controls", "code"),
    [
        (spots(NOWHERE), spots([(0, 0)]), "no-events"),
        (spots([(0, 0)], [0]), spots([(0, 0)]), "no-events"),
        (spots([(0, 0)]), spots(NOWHERE), "no-controls"),
        (spots([(0, 0)]), spots([(0, 0)], [0]), "no-controls"),
    ],
)
def test_nothing_to_compare_is_too_few(incidents, controls, code):
    with pytest.raises(TooFewObservations, match=code):
        alone(incidents, controls, at((0, 0)))


def test_swedish_coordinates_lose_no_precision():
    incidents, controls, features, _ = town(3, [40], 600)
    east, north = CENTRE_M
    here = alone(incidents, controls, features["kind 0"])
    there = alone(
        Spots(incidents.x_m + east, incidents.y_m + north, incidents.weight),
        Spots(controls.x_m + east, controls.y_m + north, controls.weight),
        features["kind 0"] + CENTRE_M,
    )
    assert_same(here, there)
