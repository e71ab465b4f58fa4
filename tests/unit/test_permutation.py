"""Permutation p-values: enumerated by hand, and what holds whatever the counts."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geo.errors import InvalidParameter, TooFewObservations
from geo.gistar import gi_star
from geo.permutation import (
    Shuffles,
    distinct_draws,
    exact_conditional_p,
    exact_star_p,
    shuffled_p,
    sum_tails,
)
from geo.significance import false_discovery_rate
from tests.cellmaps import circle, everybody, hexagons, path, shuffled, star

exact = pytest.mark.parametrize("method", [exact_star_p, exact_conditional_p])
some_counts = arrays(float, st.integers(3, 9), elements=st.integers(0, 6).map(float))


@st.composite
def small_maps(draw):
    """Give a few counts and any neighbourhoods of so many cells."""
    counts = draw(some_counts)
    cells = range(counts.size)
    joined = draw(st.lists(st.sampled_from(list(combinations(cells, 2))), unique=True))
    return counts, star([*joined, *((b, a) for a, b in joined)], counts.size)


def enumerated(values, draws, observed):
    """Try every way to draw so many values: the shares with at least and at most that sum."""
    sums = np.array([sum(drawn) for drawn in combinations(values, draws)])
    return np.mean(sums >= observed), np.mean(sums <= observed)


def shuffle(rng, times):
    """Do what no shortcut can get wrong: shuffle the others of one cell, again and again."""
    return lambda others, k: rng.permuted(np.tile(others, (times, 1)), axis=1)[:, :k].sum(axis=1)


@given(small_maps())
def test_the_star_p_is_the_share_of_all_shuffles(drawn):
    counts, neighbours = drawn
    tails = exact_star_p(counts, neighbours)
    for cell, row in enumerate(neighbours.toarray() > 0):
        shares = enumerated(counts.tolist(), row.sum(), counts[row].sum())
        np.testing.assert_allclose((tails.upper[cell], tails.lower[cell]), shares, rtol=1e-12)


@given(small_maps())
def test_the_conditional_p_is_the_share_of_shuffles_of_the_others(drawn):
    counts, neighbours = drawn
    tails = exact_conditional_p(counts, neighbours)
    for cell, row in enumerate(neighbours.toarray() > 0):
        row[cell] = False
        others = np.delete(counts, cell).tolist()
        shares = enumerated(others, row.sum(), counts[row].sum())
        np.testing.assert_allclose((tails.upper[cell], tails.lower[cell]), shares, rtol=1e-12)


def test_a_tail_far_beyond_rounding_keeps_its_digits():
    counts = np.repeat([1.0, 0.0], [100, 9900])
    tails = sum_tails(counts, np.array([100.0]), np.array([100.0]))
    np.testing.assert_allclose(tails.upper, [1 / comb(10_000, 100)], rtol=1e-12)  # about 1e-242
    np.testing.assert_array_equal(tails.lower, [1.0])


def test_a_conditional_tail_does_not_cancel_when_a_huge_count_is_left_out():
    # Beside the cell with 500, one of six neighbours holds 1 and 9 993 further cells hold 0.
    counts = np.zeros(10_000)
    counts[[0, 1]] = [500, 1]
    neighbours = star([(0, j) for j in range(1, 7)] + [(j, 0) for j in range(1, 7)], 10_000)
    tails = exact_conditional_p(counts, neighbours)
    np.testing.assert_allclose(tails.upper[0], 6 / 9_999, rtol=1e-13)


@exact
@given(counts=some_counts)
def test_the_two_tails_share_only_the_observed_sum(method, counts):
    tails = method(counts, circle(counts.size))
    assert (tails.upper + tails.lower >= 1 - 1e-12).all()
    assert (tails.p <= 1).all()
    assert (tails.upper > 0).all()
    assert (tails.upper <= 1).all()


@exact
@given(counts=some_counts, random=st.randoms())
def test_the_order_of_the_cells_does_not_matter(method, counts, random):
    order = np.array(random.sample(range(counts.size), counts.size))
    street = circle(counts.size)
    one, other = method(counts, street), method(counts[order], shuffled(street, order))
    np.testing.assert_allclose(one.upper[order], other.upper, rtol=1e-12)
    np.testing.assert_allclose(one.lower[order], other.lower, rtol=1e-12)


@exact
def test_equal_counts_are_never_unusual(method):
    tails = method(np.full(8, 3.0), circle(8))
    assert (tails.upper == 1).all()
    assert (tails.lower == 1).all()


def test_one_busy_cell_is_as_unusual_as_any_one_cell():
    # Three of twenty neighbourhoods hold the one busy cell, and 3/20 of the shuffles do.
    counts = np.zeros(20)
    counts[5] = 1000
    assert exact_star_p(counts, circle(20)).upper[4:7] == pytest.approx(3 / 20, rel=1e-12)


def test_the_own_count_is_no_evidence_under_conditional_shuffling():
    counts = np.zeros(20)
    counts[5] = 1000
    tails = exact_conditional_p(counts, circle(20))
    assert tails.upper[5] == 1
    assert tails.upper[4] == pytest.approx(2 / 19, rel=1e-12)


def test_a_cell_without_neighbours_is_never_unusual():
    counts = np.array([9.0, 0, 1])
    tails = exact_conditional_p(counts, star([], 3))
    assert tails.p.tolist() == [1, 1, 1]
    assert (
        shuffled_p(counts, star([], 3), Shuffles(9), np.random.default_rng(1)).p.tolist() == [1] * 3
    )


def test_on_noise_the_exact_p_is_honest_where_the_normal_one_is_not():
    # Forty incidents fall anywhere on 271 cells: two hundred such maps.
    neighbours, rng = hexagons(9), np.random.default_rng(20)
    cells = neighbours.shape[0]
    maps = rng.multinomial(40, np.full(cells, 1 / cells), size=200).astype(float)
    exact_alarms = sum(
        (false_discovery_rate(exact_star_p(counts, neighbours).p) <= 0.05).any() for counts in maps
    )
    normal_alarms = sum(gi_star(counts, neighbours).hot().any() for counts in maps)
    assert exact_alarms <= 0.05 * 200
    assert normal_alarms > 0.4 * 200


def test_shuffling_by_chance_comes_close_to_the_exact_share():
    neighbours, rng = hexagons(4), np.random.default_rng(3)
    counts = rng.poisson(1.5, neighbours.shape[0]).astype(float)
    times = 40_000
    chance = shuffled_p(counts, neighbours, Shuffles(times), rng)
    exactly = exact_conditional_p(counts, neighbours)
    for by_chance, share in ((chance.upper, exactly.upper), (chance.lower, exactly.lower)):
        error = np.sqrt(share * (1 - share) / times)
        assert (np.abs(by_chance - share) <= 5 * error + 2 / times).all()


def test_the_shortcut_agrees_with_shuffling_the_others_outright():
    values, neighbours = np.array([0.3, -1.2, 2.5, 0.7, 0.7, 4.0]), path(6)
    times = 50_000
    tails = shuffled_p(values, neighbours, Shuffles(times), np.random.default_rng(4))
    draw = shuffle(np.random.default_rng(5), times)
    for cell in range(6):
        around = [i for i in (cell - 1, cell + 1) if 0 <= i < 6]
        sums = draw(np.delete(values, cell), len(around))
        share = np.mean(sums >= values[around].sum() - 1e-9)
        assert tails.upper[cell] == pytest.approx(share, abs=0.012)


def test_equal_sums_stay_equal_when_values_are_no_whole_numbers():
    # 0.1 + 0.2 is not 0.3 in a computer: a plain comparison would lose such ties.
    neighbours, rng = hexagons(4), np.random.default_rng(6)
    counts = rng.poisson(1.5, neighbours.shape[0]).astype(float)
    whole = shuffled_p(counts, neighbours, Shuffles(999), np.random.default_rng(7))
    tenths = shuffled_p(counts * 0.1, neighbours, Shuffles(999), np.random.default_rng(7))
    np.testing.assert_array_equal(whole.upper, tenths.upper)
    np.testing.assert_array_equal(whole.lower, tenths.lower)


def test_the_same_seed_gives_the_same_p():
    values = np.arange(9.0) ** 2
    p = [shuffled_p(values, circle(9), Shuffles(99), np.random.default_rng(8)).p for _ in range(2)]
    np.testing.assert_array_equal(*p)


def test_the_smallest_p_by_chance_is_one_in_shuffles_plus_one():
    values = np.zeros(400)
    values[200:203] = 50
    assert (
        shuffled_p(values, circle(400), Shuffles(99), np.random.default_rng(9)).upper.min() == 0.01
    )


def test_values_of_any_size_are_shuffled_without_overflow():
    values = np.array([1e308, -1e308, 1e308, 0.0, 5.0])
    p = shuffled_p(values, everybody(5), Shuffles(9), np.random.default_rng(1)).p
    assert (p == 1).all()


def test_draws_are_distinct_and_every_order_is_as_likely():
    drawn = distinct_draws(4, 2, 12_000, np.random.default_rng(10))
    pairs, times = np.unique(drawn, axis=0, return_counts=True)
    assert len(pairs) == 12
    assert (pairs[:, 0] != pairs[:, 1]).all()
    assert np.abs(times - 1000).max() < 150  # five standard deviations


def test_all_cells_can_be_drawn():
    drawn = distinct_draws(5, 5, 50, np.random.default_rng(11))
    assert (np.sort(drawn, axis=1) == np.arange(5)).all()


@exact
def test_nothing_that_was_given_is_changed(method):
    counts, street = np.arange(6.0), circle(6)
    before = street.copy()
    method(counts, street)
    np.testing.assert_array_equal(counts, np.arange(6.0))
    assert (street != before).nnz == 0


@exact
@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (np.nan, "weights-not-finite"),
        (np.inf, "weights-not-finite"),
        (-1.0, "weights-negative"),
        (0.5, "counts-not-whole"),
        (1e300, "counts-too-large-for-exact"),
        (1e9, "counts-too-large-for-exact"),
    ],
)
def test_what_cannot_be_enumerated_is_refused(method, bad, code):
    with pytest.raises(InvalidParameter, match=code):
        method(np.array([1.0, bad, 2.0]), path(3))


@exact
@pytest.mark.parametrize("cells", [0, 1, 2])
def test_fewer_than_three_cells_are_too_few(method, cells):
    with pytest.raises(TooFewObservations, match="too-few-cells"):
        method(np.ones(cells), star([], cells))


def test_shuffling_refuses_the_same():
    rng = np.random.default_rng(1)
    with pytest.raises(InvalidParameter, match="values-not-finite"):
        shuffled_p(np.array([1.0, np.nan, 2.0]), path(3), Shuffles(), rng)
    with pytest.raises(TooFewObservations, match="too-few-cells"):
        shuffled_p(np.ones(2), path(2), Shuffles(), rng)
    with pytest.raises(InvalidParameter, match="neighbours-shape"):
        shuffled_p(np.ones(4), path(3), Shuffles(), rng)
    with pytest.raises(InvalidParameter, match="not-positive"):
        Shuffles(0)
