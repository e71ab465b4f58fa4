"""Near repeats, against counting every pair, and on events that do and do not repeat."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import InvalidParameter
from geo.near_repeat import Knox, NearRepeat, knox, near_repeat
from tests.zoo import CENTRE_M, patterns

DAY = 86_400
SMALL = NearRepeat((100.0, 200.0), (1.0, 7.0), rounds=9)
START = np.datetime64("2026-01-01", "s")

# Steps of 20 m and of 6 h: many stacks, and many gaps exactly on an edge.
events = st.lists(
    st.tuples(st.integers(0, 15), st.integers(0, 15), st.integers(0, 60)), max_size=40
)


def columns(rows, step_m=20.0):
    x, y, t = np.array(rows, dtype=float).reshape(-1, 3).T
    when = START + (t * DAY / 4).astype(np.int64)
    return CENTRE_M[0] + step_m * x, CENTRE_M[1] + step_m * y, when


def found(rows, choice=SMALL, step_m=20.0):
    return near_repeat(*columns(rows, step_m), choice, np.random.default_rng(0))


def counted(x, y, when, choice=SMALL):
    """Count every pair by itself; what lies beyond the bands stands in a last row and column."""
    metres, days = choice.distance_edges_m, choice.time_edges_days
    first, second = np.triu_indices(x.size, 1)
    gap_m = np.sqrt((x[first] - x[second]) ** 2 + (y[first] - y[second]) ** 2)
    gap_days = np.abs((when[first] - when[second]).astype(np.int64)) / DAY
    row = np.sum([gap_m > 0, *(gap_m >= edge for edge in metres)], axis=0)
    column = np.sum([gap_days >= edge for edge in days], axis=0)
    table = np.zeros((len(metres) + 2, len(days) + 1), dtype=int)
    np.add.at(table, (row.astype(int), column.astype(int)), 1)
    return table


def city(n=300, repeats=0, seed=1):
    """Give events at random, and some that follow one of them after a day, 30 m away."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, 3000, (2, n)).round()
    when = START + rng.integers(0, 365 * DAY, n)
    source = rng.choice(n, repeats, replace=False)
    return (
        np.concatenate([x, x[source] + 30]),
        np.concatenate([y, y[source]]),
        np.concatenate([when, when[source] + DAY]),
    )


def assert_counted(result, table):
    np.testing.assert_array_equal(result.observed, table[:-1, :-1])
    np.testing.assert_array_equal(result.pairs_in_distance, table[:-1].sum(axis=1))
    np.testing.assert_array_equal(result.pairs_in_time, table[:, :-1].sum(axis=0))
    assert result.pairs == table.sum()


@given(events, st.sampled_from([1.0, 20.0, 300.0]))
def test_pairs_and_margins_are_those_of_counting_one_by_one(rows, step_m):
    assert_counted(found(rows, step_m=step_m), counted(*columns(rows, step_m)))


@pytest.mark.parametrize("spread_m", [400.0, 10_000.0])
def test_a_large_set_is_counted_right_whichever_pairs_are_fewer(spread_m):
    rng = np.random.default_rng(2)
    x, y = rng.normal(0, spread_m, (2, 1500))
    when = START + rng.integers(0, 300 * DAY, 1500)
    result = near_repeat(x, y, when, SMALL, rng)
    assert (result.pairs_in_distance.sum() < result.pairs_in_time.sum()) == (spread_m > 1000)
    assert_counted(result, counted(x, y, when))


@pytest.mark.parametrize("name", patterns())
def test_every_pattern_is_counted_right(name):
    x, y = patterns()[name]
    when = START + (np.arange(x.size) * 7 % 11) * DAY // 2
    result = near_repeat(x, y, when, SMALL, np.random.default_rng(0))
    assert_counted(result, counted(x, y, when))


def test_tiny_bands_in_a_wide_country_lose_no_pair():
    rng = np.random.default_rng(3)
    x, y = rng.uniform(0, 1_500_000, (2, 400)).round(2)
    x, y = np.concatenate([x, x + 0.01]), np.concatenate([y, y - 0.02])
    when = np.full(800, START)
    choice = NearRepeat((0.03,), (1.0,), rounds=1)
    result = near_repeat(x, y, when, choice, rng)
    assert result.observed.tolist() == [[0], [400]]


def test_a_band_holds_its_lower_edge_and_not_its_upper_one():
    result = found([(0, 0, 0), (3, 4, 4)])  # 60 m east, 80 m north: 100 m; and one day
    assert result.distance_bands_m == ((0.0, 0.0), (0.0, 100.0), (100.0, 200.0))
    assert result.time_bands_days == ((0.0, 1.0), (1.0, 7.0))
    assert result.observed.tolist() == [[0, 0], [0, 0], [0, 1]]


def test_a_gap_of_the_last_edges_is_in_no_band():
    result = found([(0, 0, 0), (10, 0, 0), (0, 0, 28)])  # 200 m; 7 days
    assert not result.observed.any()
    assert result.pairs_in_distance.tolist() == [1, 0, 0]
    assert result.pairs_in_time.tolist() == [1, 0]


def test_the_same_place_is_a_band_of_its_own():
    result = found([(0, 0, 0), (0, 0, 1), (1, 0, 2)])
    assert result.observed.tolist() == [[1, 0], [2, 0], [0, 0]]


def test_a_tenth_of_a_day_is_a_tenth_of_a_day():
    when = START + np.array([0, 8639, 17_279])  # gaps of 8,639 and 8,640 seconds
    choice = NearRepeat((10.0,), (0.1, 0.7), rounds=1)
    result = near_repeat(np.zeros(3), np.zeros(3), when, choice, np.random.default_rng(0))
    assert result.observed[0].tolist() == [1, 2]


def test_dates_will_do_for_times():
    day = np.array(["2026-01-01", "2026-01-02"], dtype="datetime64[D]")
    result = near_repeat(np.zeros(2), np.zeros(2), day, SMALL, np.random.default_rng(0))
    assert result.observed[0].tolist() == [0, 1]


def test_the_expectation_is_the_product_of_the_margins_and_the_mean_of_shuffling():
    x, y, when = city(60)
    choice = NearRepeat((300.0, 900.0), (20.0, 60.0), rounds=1)
    result = near_repeat(x, y, when, choice, np.random.default_rng(0))
    table, n = counted(x, y, when, choice), 60 * 59 / 2
    margins = np.outer(table[:-1].sum(axis=1), table[:, :-1].sum(axis=0)) / n
    np.testing.assert_allclose(result.expected, margins, rtol=1e-12)
    rng = np.random.default_rng(1)
    shuffled = [counted(x, y, rng.permutation(when), choice)[:-1, :-1] for _ in range(400)]
    spread = np.std(shuffled, axis=0) / np.sqrt(400)
    assert (np.abs(np.mean(shuffled, axis=0) - result.expected) <= 4 * spread + 1e-12).all()


def test_p_is_the_share_of_shuffles_with_at_least_as_many_pairs():
    x, y, when = city(80, repeats=4)
    choice = NearRepeat((100.0,), (2.0,), rounds=199)
    result = near_repeat(x, y, when, choice, np.random.default_rng(7))
    rng = np.random.default_rng(8)
    shuffled = [counted(x, y, rng.permutation(when), choice)[1, 0] for _ in range(199)]
    ours, theirs = result.p[1, 0], np.mean(np.array(shuffled) >= result.observed[1, 0])
    assert ours == 1 / 200
    assert theirs < 0.05


def test_events_that_follow_each_other_are_found_where_they_are():
    result = near_repeat(*city(300, repeats=30), NearRepeat(), np.random.default_rng(0))
    assert result.ratio[1, 0] > 5  # below 100 m, below two days
    assert result.p[1, 0] == 1 / 1000
    assert result.q[1, 0] == pytest.approx(30 / 1000)  # 30 bands
    assert (result.q < 0.05).sum() <= 3


@pytest.mark.parametrize("held_by", ["distance", "time"])
def test_p_on_events_at_random_is_rarely_small(held_by):
    edges = ((150.0,), (30.0,)) if held_by == "distance" else ((900.0,), (2.0,))
    choice = NearRepeat(*edges, rounds=39)
    small = [
        near_repeat(*city(120, seed=seed), choice, np.random.default_rng(seed)).p[1, 0] <= 0.05
        for seed in range(200)
    ]
    assert np.mean(small) <= 0.09  # 0.05 and three standard errors


def test_hot_places_and_hot_months_alone_are_no_near_repeats():
    rng = np.random.default_rng(4)
    x, y = np.round(rng.normal(0, 400, (2, 400)), -2)
    when = START + (rng.beta(2, 8, 400) * 365 * DAY).astype(int)
    result = near_repeat(x, y, when, NearRepeat(rounds=199), np.random.default_rng(0))
    assert (result.q >= 0.05).all()
    np.testing.assert_allclose(result.ratio[result.expected > 100], 1, atol=0.3)


def test_the_range_of_shuffles_holds_the_expectation():
    result = near_repeat(*city(300), NearRepeat(rounds=99), np.random.default_rng(0))
    assert (result.low <= result.expected + 1).all()
    assert (result.high >= result.expected - 1).all()
    assert (result.low <= result.high).all()


def test_neither_counts_nor_p_depend_on_the_order_of_the_input():
    x, y, when = city(100, repeats=5)
    order = np.random.default_rng(5).permutation(x.size)
    a = near_repeat(x, y, when, SMALL, np.random.default_rng(1))
    b = near_repeat(x[order], y[order], when[order], SMALL, np.random.default_rng(1))
    np.testing.assert_array_equal(a.observed, b.observed)
    np.testing.assert_array_equal(a.p, b.p)


def test_the_same_seed_gives_the_same_p_and_another_only_another_p():
    events = city(100, repeats=5)
    a, b, c = (near_repeat(*events, SMALL, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(a.p, b.p)
    np.testing.assert_array_equal(a.observed, c.observed)
    np.testing.assert_array_equal(a.expected, c.expected)


def test_the_arrays_of_the_caller_stay_as_they_were():
    x, y, when = city(50)
    before = x.copy(), y.copy(), when.copy()
    near_repeat(x, y, when, SMALL, np.random.default_rng(0))
    for array, copy in zip((x, y, when), before, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("rows", [[], [(1, 1, 1)]])
def test_fewer_than_two_events_give_zeros_and_nothing_to_say(rows):
    result = found(rows)
    assert not result.observed.any()
    assert np.isnan(result.ratio).all()
    assert (result.p == 1).all()
    assert knox(*columns(rows), Knox(100.0, 1.0)).p == 1


def test_events_all_at_one_place_and_moment_are_all_pairs_and_no_surprise():
    result = found([(1, 1, 1)] * 30)
    assert result.observed[0, 0] == result.expected[0, 0] == 30 * 29 / 2
    assert result.p[0, 0] == 1


def test_knox_has_the_four_numbers_of_counting():
    x, y, when = city(100, repeats=5)
    test = knox(x, y, when, Knox(200.0, 7.0))
    table = counted(x, y, when)
    near, soon, both = table[:-1].sum(), table[:, :-1].sum(), table[:-1, :-1].sum()
    assert test.observed.tolist() == [
        [both, near - both],
        [soon - both, table.sum() - near - soon + both],
    ]
    assert test.expected[0, 0] == pytest.approx(near * soon / table.sum())
    assert test.ratio == pytest.approx(both / test.expected[0, 0])
    assert test.expected.sum() == pytest.approx(table.sum())


def test_knox_without_a_pair_that_is_near_and_soon_has_p_one():
    test = knox(*columns([(0, 0, 0), (1, 0, 40), (9, 9, 0)]), Knox(50.0, 1.0))
    assert (test.observed[0, 0], test.p) == (0, 1.0)


def test_more_pairs_than_may_be_held_are_refused():
    rows = [(1, 1, 1)] * 30
    with pytest.raises(InvalidParameter) as caught:
        found(rows, NearRepeat((100.0,), (1.0,), rounds=1, most_pairs=434))
    assert (caught.value.code, caught.value.values) == ("too-many-pairs", {"most": 434})
    assert found(rows, NearRepeat((100.0,), (1.0,), rounds=1, most_pairs=435)).pairs == 435


def test_many_pairs_by_one_measure_do_not_matter_when_they_are_few_by_the_other():
    rows = [(1, 1, 30 * k) for k in range(30)]
    result = found(rows, NearRepeat((100.0,), (1.0,), rounds=1, most_pairs=1))
    assert result.pairs_in_distance.tolist() == [435, 0]


def test_a_missing_time_is_refused():
    when = np.array(["2026-01-01", "NaT"], dtype="datetime64[s]")
    with pytest.raises(InvalidParameter) as caught:
        knox(np.zeros(2), np.zeros(2), when, Knox(1.0, 1.0))
    assert (caught.value.code, caught.value.values) == ("starts-missing", {"n": 1})


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_coordinates_that_are_none_are_refused(value):
    with pytest.raises(InvalidParameter) as caught:
        knox(np.array([value]), np.zeros(1), np.array([START]), Knox(1.0, 1.0))
    assert caught.value.code == "coordinates-not-finite"


def test_columns_of_different_length_are_refused():
    with pytest.raises(InvalidParameter) as caught:
        knox(np.zeros(2), np.zeros(2), np.array([START]), Knox(1.0, 1.0))
    assert caught.value.code == "shapes-differ"


@pytest.mark.parametrize(
    ("edges", "code"),
    [
        ((), "bands-not-positive"),
        ((0.0, 100.0), "bands-not-positive"),
        ((100.0, np.nan), "bands-not-positive"),
        ((100.0, 100.0), "bands-not-rising"),
        ((200.0, 100.0), "bands-not-rising"),
    ],
)
def test_bands_that_make_no_sense_are_refused(edges, code):
    for wrong in ({"distance_edges_m": edges}, {"time_edges_days": edges}):
        with pytest.raises(InvalidParameter) as caught:
            NearRepeat(**wrong)
        assert caught.value.code == code


@pytest.mark.parametrize("wrong", [{"rounds": 0}, {"most_pairs": 0}])
def test_no_rounds_and_no_pairs_are_refused(wrong):
    with pytest.raises(InvalidParameter):
        NearRepeat(**wrong)


@pytest.mark.parametrize("wrong", [(0.0, 1.0), (1.0, 0.0), (np.inf, 1.0)])
def test_limits_nothing_can_lie_below_are_refused(wrong):
    with pytest.raises(InvalidParameter):
        Knox(*wrong)


def test_a_hopeless_number_of_pairs_is_refused_at_once():
    place, when = np.zeros(50_000), START + DAY * 30 * np.arange(50_000)
    with pytest.raises(InvalidParameter) as caught:
        knox(place, place, when, Knox(1.0, 1.0))
    assert caught.value.values == {"most": 1_000_000_000}
