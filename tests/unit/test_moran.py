"""Spatial autocorrelation: by hand, and over every shuffle of small maps."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geo.errors import InvalidParameter, TooFewObservations
from geo.gistar import gi
from geo.moran import general_g, local_moran, moran, moran_shuffled_p
from geo.permutation import Shuffles
from tests.cellmaps import circle, everybody, path, shuffled, star

some_values = arrays(float, st.integers(5, 30), elements=st.integers(-9, 9).map(float))
SIX = np.array([4.0, 0, 1, 1, 0, 7])
# A street of five with a side street, and one lonely cell.
CROOKED = star([(0, 1), (1, 0), (1, 2), (2, 1), (2, 3), (3, 2), (1, 4), (4, 1)], 6)
every_way = [np.array(order) for order in permutations(SIX)]


def test_a_chessboard_is_as_unlike_its_neighbours_as_can_be():
    assert moran(np.array([1.0, 0, 1, 0]), circle(4)).i == pytest.approx(-1, rel=1e-15)


def test_two_halves_resemble_their_neighbours():
    # Of eight pairs of neighbours in a circle six are alike and two are not: (6 - 2) / 8.
    assert moran(np.repeat([1.0, 0.0], 4), circle(8)).i == pytest.approx(0.5, rel=1e-15)


@pytest.mark.parametrize("neighbours", [path(6), CROOKED], ids=["path", "crooked"])
def test_the_moments_of_i_are_those_over_every_shuffle(neighbours):
    simulated = np.array([moran(values, neighbours).i for values in every_way])
    found = moran(SIX, neighbours)
    assert found.expected == pytest.approx(simulated.mean(), rel=1e-10)
    assert found.variance == pytest.approx(simulated.var(), rel=1e-10)


@pytest.mark.parametrize("neighbours", [path(6), CROOKED], ids=["path", "crooked"])
def test_the_moments_of_g_are_those_over_every_shuffle(neighbours):
    simulated = np.array([general_g(counts, neighbours).g for counts in every_way])
    found = general_g(SIX, neighbours)
    assert found.expected == pytest.approx(simulated.mean(), rel=1e-10)
    assert found.variance == pytest.approx(simulated.var(), rel=1e-10)


@pytest.mark.parametrize("neighbours", [path(6), CROOKED], ids=["path", "crooked"])
def test_local_moments_are_those_over_every_shuffle_of_the_others(neighbours):
    found = local_moran(SIX, neighbours)
    for cell in range(6):
        fixed = [v for v in every_way if v[cell] == SIX[cell]]
        simulated = np.array([local_moran(values, neighbours).i[cell] for values in fixed])
        assert found.expected[cell] == pytest.approx(simulated.mean(), rel=1e-10, abs=1e-15)
        assert found.variance[cell] == pytest.approx(simulated.var(), rel=1e-10, abs=1e-15)


def test_the_shuffled_p_is_close_to_the_share_of_every_shuffle():
    observed = moran(SIX, path(6)).i
    share = np.mean([moran(values, path(6)).i >= observed - 1e-12 for values in every_way])
    p = moran_shuffled_p(SIX, path(6), Shuffles(20_000), np.random.default_rng(1))
    assert p == pytest.approx(share, abs=0.02)


def test_a_clear_pattern_has_the_smallest_shuffled_p():
    values = np.repeat([1.0, 0.0], 50)
    assert moran_shuffled_p(values, circle(100), Shuffles(99), np.random.default_rng(2)) == 0.01


def test_the_same_seed_gives_the_same_shuffled_p():
    p = {moran_shuffled_p(SIX, path(6), Shuffles(99), np.random.default_rng(3)) for _ in range(3)}
    assert len(p) == 1


@given(some_values)
def test_local_z_is_that_of_gi_up_to_the_sign_of_the_cell(values):
    counts = values + 9
    street = circle(values.size)
    side = np.sign(np.round(values - values.mean(), 9))
    theirs = np.where(side == 0, 0, gi(counts, street).z * side)
    np.testing.assert_allclose(local_moran(values, street).z, theirs, atol=1e-6)


@given(some_values)
def test_local_values_average_to_the_global_one(values):
    if np.unique(values).size > 1:
        street = circle(values.size)
        assert local_moran(values, street).i.mean() == pytest.approx(
            moran(values, street).i, abs=1e-9
        )


@given(some_values, st.floats(0.5, 10), st.floats(-100, 100))
def test_unit_and_origin_of_the_values_do_not_matter(values, scale, shift):
    if np.unique(values).size > 1:
        street = circle(values.size)
        one, other = moran(values, street), moran(scale * values + shift, street)
        assert other.i == pytest.approx(one.i, abs=1e-9)
        assert other.z == pytest.approx(one.z, abs=1e-6)


@given(some_values, st.randoms())
def test_the_order_of_the_cells_does_not_matter(values, random):
    order = np.array(random.sample(range(values.size), values.size))
    street = circle(values.size)
    here, there = local_moran(values, street), local_moran(values[order], shuffled(street, order))
    np.testing.assert_allclose(here.i[order], there.i, atol=1e-9)
    np.testing.assert_allclose(here.q[order], there.q, atol=1e-6)


def test_a_busy_cell_among_busy_cells_is_told_from_one_among_quiet_ones():
    values = np.zeros(20)
    values[[3, 4, 5, 12]] = 8
    found = local_moran(values, circle(20))
    assert (found.high[4], found.high_around[4], found.i[4] > 0) == (True, True, True)
    assert (found.high[12], found.high_around[12], found.i[12] > 0) == (True, False, False)
    assert (found.high[13], found.high_around[13]) == (False, True)


def test_where_nothing_varies_no_cell_stands_out():
    for values, neighbours in (
        (np.full(8, 0.1), circle(8)),
        (np.zeros(8), circle(8)),
        (np.arange(8.0), everybody(8)),
        (np.arange(8.0), star([], 8)),
    ):
        found = local_moran(values, neighbours)
        assert (found.z == 0).all()
        assert (found.p == 1).all()


def test_one_different_cell_leaves_nothing_to_shuffle_for_itself():
    values = np.zeros(9)
    values[4] = 3
    found = local_moran(values, circle(9))
    assert found.z[4] == 0
    assert found.variance[4] == 0


def test_when_everybody_is_a_neighbour_the_global_numbers_cannot_vary():
    assert moran(np.arange(6.0), everybody(6)).z == 0
    assert moran(np.arange(6.0), everybody(6)).p == 1
    found = general_g(np.arange(6.0), everybody(6))
    assert (found.g, found.z, found.p) == (pytest.approx(1), 0, 1)


def test_values_of_any_size_are_compared_without_overflow():
    values = np.random.default_rng(4).random(20)
    for size in (1e300, 1e-290):
        assert moran(values * size, circle(20)).z == pytest.approx(moran(values, circle(20)).z)
        usual = general_g(values, circle(20)).z
        assert general_g(values * size, circle(20)).z == pytest.approx(usual)


def test_counts_in_one_corner_lie_together():
    counts = np.zeros(40)
    counts[3:8] = 6
    assert general_g(counts, circle(40)).z > 3


@pytest.mark.parametrize("statistic", [moran, general_g])
@pytest.mark.parametrize("cells", [0, 1, 3])
def test_fewer_than_four_cells_have_no_global_variance(statistic, cells):
    with pytest.raises(TooFewObservations, match="too-few-cells"):
        statistic(np.arange(float(cells)), path(cells))


def test_local_values_need_three_cells():
    with pytest.raises(TooFewObservations, match="too-few-cells"):
        local_moran(np.arange(2.0), path(2))


def test_equal_values_have_no_global_autocorrelation_to_speak_of():
    with pytest.raises(TooFewObservations, match="values-all-equal"):
        moran(np.full(9, 0.1), circle(9))
    with pytest.raises(TooFewObservations, match="values-all-equal"):
        moran_shuffled_p(np.zeros(9), circle(9), Shuffles(), np.random.default_rng(1))


@pytest.mark.parametrize("occupied", [0, 1])
def test_general_g_needs_two_occupied_cells(occupied):
    with pytest.raises(TooFewObservations, match="too-few-occupied-cells"):
        general_g(np.arange(9.0) < occupied, circle(9))


@pytest.mark.parametrize("statistic", [moran, general_g])
def test_a_map_without_neighbours_is_refused(statistic):
    with pytest.raises(InvalidParameter, match="no-neighbours"):
        statistic(np.arange(5.0), star([], 5))


@pytest.mark.parametrize("statistic", [moran, local_moran])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(statistic, bad):
    with pytest.raises(InvalidParameter, match="values-not-finite"):
        statistic(np.array([1, bad, 2, 3, 4]), circle(5))


@pytest.mark.parametrize(
    ("bad", "code"),
    [(np.nan, "weights-not-finite"), (np.inf, "weights-not-finite"), (-1.0, "weights-negative")],
)
def test_general_g_refuses_what_is_no_count(bad, code):
    with pytest.raises(InvalidParameter, match=code):
        general_g(np.array([1, bad, 2, 3, 4]), circle(5))


@pytest.mark.parametrize("statistic", [moran, local_moran, general_g])
def test_nothing_that_was_given_is_changed(statistic):
    values, street = np.arange(6.0), circle(6)
    before = street.copy()
    statistic(values, street)
    np.testing.assert_array_equal(values, np.arange(6.0))
    assert (street != before).nnz == 0
