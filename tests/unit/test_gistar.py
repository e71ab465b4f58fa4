"""What holds for every Gi*, whatever the data."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse

from geo.errors import InvalidParameter, TooFewObservations
from geo.gistar import gi, gi_star
from tests.cellmaps import circle, everybody, hexagons, path, shuffled, star

HALF = np.sqrt(0.5)
some_counts = arrays(float, st.integers(5, 40), elements=st.integers(0, 50).map(float))
both = pytest.mark.parametrize("score", [gi_star, gi])


def test_a_crowded_block_on_a_quiet_street_is_hot():
    counts = np.zeros(30)
    counts[14:17] = 9
    assert np.flatnonzero(gi_star(counts, circle(30)).hot()).tolist() == [14, 15, 16]


def test_a_quiet_block_on_a_crowded_street_is_cold():
    counts = np.full(30, 9.0)
    counts[14:17] = 0
    scores = gi_star(counts, circle(30))
    assert np.flatnonzero(scores.cold()).tolist() == [14, 15, 16]
    assert not scores.hot().any()


def test_three_cells_in_a_row_score_as_computed_by_hand():
    # Mean 1, standard deviation sqrt(2); the middle cell's neighbourhood is the whole map.
    scores = gi_star(np.array([0.0, 0.0, 3.0]), path(3))
    np.testing.assert_allclose(scores.z, [-2 * HALF, 0, HALF], rtol=1e-15)
    np.testing.assert_allclose(scores.p, [0.15729920705028513, 1, 0.47950012218695346], rtol=1e-12)


def test_without_itself_a_cell_is_compared_with_the_others():
    # Cell 0: its neighbour holds 0, the two others 0 and 3. Cell 2: the two others are equal.
    np.testing.assert_allclose(gi(np.array([0.0, 0.0, 3.0]), path(3)).z, [-1, 0, 0], atol=1e-15)


@both
@given(counts=some_counts, scale=st.floats(0.5, 10), shift=st.floats(0, 100))
@example(counts=np.array([0.0, 0.0, 1.0, 0.0, 0.0]), scale=0.5, shift=0.0)
def test_scores_ignore_unit_and_origin_of_the_counts(score, counts, scale, shift):
    street = circle(counts.size)
    moved = score(scale * counts + shift, street)
    np.testing.assert_allclose(moved.z, score(counts, street).z, atol=1e-9)


@both
@given(counts=some_counts, random=st.randoms())
def test_the_order_of_the_cells_does_not_matter(score, counts, random):
    order = np.array(random.sample(range(counts.size), counts.size))
    street = circle(counts.size)
    one, other = score(counts, street), score(counts[order], shuffled(street, order))
    np.testing.assert_array_equal(one.z[order], other.z)
    np.testing.assert_array_equal(one.q[order], other.q)


@given(some_counts)
def test_scores_follow_the_published_formula(counts):
    street = circle(counts.size)
    m, degree = counts.size, 3
    spread = counts.std() * np.sqrt((m * degree - degree**2) / (m - 1))
    excess = street @ counts - counts.mean() * degree
    z = np.divide(excess, spread, out=np.zeros(m), where=spread > 0)
    np.testing.assert_allclose(gi_star(counts, street).z, z, atol=1e-9)


@given(some_counts)
def test_grouping_equal_cells_changes_nothing(counts):
    # A thousand times the counts no longer fit in the table of kinds, so each cell is scored.
    street = circle(counts.size)
    one, other = gi_star(counts, street), gi_star(counts * 1000, street)
    np.testing.assert_allclose(one.z, other.z, rtol=1e-14)
    np.testing.assert_allclose(one.q, other.q, rtol=1e-12)


@both
@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, 7.3, 1e300, 1e-300, 2.0**60])
def test_equal_counts_score_exactly_0(score, value):
    scores = score(np.full(20, value), circle(20))
    assert (scores.z == 0).all()
    assert (scores.p == 1).all()
    assert (scores.q == 1).all()


@both
def test_counts_that_differ_by_rounding_alone_are_equal(score):
    counts = np.full(20, 0.3)
    counts[7] = 0.1 + 0.2
    assert (score(counts, circle(20)).z == 0).all()


@both
def test_a_neighbourhood_of_everything_scores_0(score):
    assert (score(np.arange(6.0), everybody(6)).z == 0).all()


def test_a_lonely_cell_scores_by_itself():
    z = gi_star(np.array([5.0, 0, 0, 0]), star([], 4)).z
    np.testing.assert_allclose(z, [np.sqrt(3), *[-1 / np.sqrt(3)] * 3], rtol=1e-15)


def test_without_itself_a_lonely_cell_scores_0():
    assert (gi(np.array([5.0, 1, 2, 0]), star([], 4)).z == 0).all()


@both
def test_very_large_and_very_small_counts_score_as_others(score):
    counts = np.random.default_rng(1).random(20)
    usual = score(counts, circle(20)).z
    np.testing.assert_allclose(score(counts * 1e300, circle(20)).z, usual, atol=1e-12)
    np.testing.assert_allclose(score(counts * 1e-290, circle(20)).z, usual, atol=1e-12)


def test_a_hexagon_map_has_a_hot_centre_where_the_incidents_are():
    neighbours = hexagons(5)
    counts = np.zeros(neighbours.shape[0])
    counts[neighbours.indices[neighbours.indptr[40] : neighbours.indptr[41]]] = 4
    assert gi_star(counts, neighbours).z.argmax() == 40


@pytest.mark.parametrize("kind", [bool, np.int8, np.float32])
def test_neighbourhoods_may_be_kept_in_any_type(kind):
    counts = np.arange(10.0)
    z = gi_star(counts, circle(10).astype(kind)).z
    np.testing.assert_array_equal(z, gi_star(counts, circle(10)).z)


def test_whole_numbers_may_be_kept_as_integers():
    z = gi_star(np.arange(10), circle(10)).z
    np.testing.assert_array_equal(z, gi_star(np.arange(10.0), circle(10)).z)


@both
def test_nothing_that_was_given_is_changed(score):
    counts, street = np.arange(10.0) / 3, circle(10)
    before = counts.copy(), street.copy()
    score(counts, street)
    np.testing.assert_array_equal(counts, before[0])
    assert (street != before[1]).nnz == 0


def test_neighbours_in_any_order_within_a_row_are_fine():
    street = circle(10)
    mixed = sparse.csr_array((street.data, street.indices.copy(), street.indptr), shape=(10, 10))
    mixed.indices[:3] = mixed.indices[:3][::-1]
    np.testing.assert_array_equal(
        gi_star(np.arange(10.0), mixed).z, gi_star(np.arange(10.0), street).z
    )
    assert mixed.indices[:3].tolist() == street.indices[:3][::-1].tolist()


@both
@pytest.mark.parametrize(
    ("bad", "code"),
    [(np.nan, "weights-not-finite"), (np.inf, "weights-not-finite"), (-1.0, "weights-negative")],
)
def test_what_is_no_count_is_refused(score, bad, code):
    with pytest.raises(InvalidParameter, match=code):
        score(np.array([1.0, bad, 2.0]), path(3))


@both
@pytest.mark.parametrize("cells", [0, 1, 2])
def test_fewer_than_three_cells_have_no_variance(score, cells):
    with pytest.raises(TooFewObservations, match="too-few-cells"):
        score(np.ones(cells), star([], cells))


def test_neighbourhoods_of_another_map_are_refused():
    with pytest.raises(InvalidParameter, match="neighbours-shape"):
        gi_star(np.ones(4), circle(5))


def test_a_cell_outside_its_own_neighbourhood_is_refused():
    alone = circle(5) - sparse.eye_array(5, format="csr")
    alone.eliminate_zeros()
    with pytest.raises(InvalidParameter, match="neighbours-without-self"):
        gi_star(np.ones(5), alone)


def test_weights_other_than_one_are_refused():
    with pytest.raises(InvalidParameter, match="neighbours-not-binary"):
        gi_star(np.ones(5), circle(5) * 0.5)


def test_a_pair_of_cells_given_twice_is_refused():
    street = circle(5)
    twice = sparse.csr_array(
        (np.append(street.data, 1.0), np.append(street.indices, 0), [*street.indptr[:5], 16]),
        shape=(5, 5),
    )
    with pytest.raises(InvalidParameter, match="neighbours-not-binary"):
        gi_star(np.ones(5), twice)
