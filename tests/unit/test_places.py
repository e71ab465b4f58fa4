"""Distinct places: the same table whatever the order, the chunks, and with or without numba."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from geo import places
from geo.errors import InvalidParameter
from geo.places import collapse, gather
from tests.zoo import CENTRE_M, patterns

PATTERNS = patterns()
# Few values, so that many coincide; zeros of both signs, the finest step, and huge and tiny ones.
numbers = st.sampled_from(
    [0.0, -0.0, 1.0, -1.0, CENTRE_M[0], np.nextafter(CENTRE_M[0], 0), 1e300, -1e300, 5e-324]
)
points = st.lists(st.tuples(numbers, numbers), max_size=40).map(
    lambda pairs: np.array(pairs, dtype=float).reshape(-1, 2).T
)


@pytest.fixture(params=["compiled", "plain"])
def either(request, monkeypatch):
    """Run the test once with the kernel and once as if numba were absent."""
    if request.param == "compiled":
        pytest.importorskip("numba")
    else:
        monkeypatch.setattr(places, "COMPILED", False)


def without_numba(function, *arguments):
    """Call a function as if numba were absent."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "COMPILED", False)
        return function(*arguments)


def same(one, other):
    for name in one.__slots__:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@given(points)
@example(np.array([[0.0, -0.0, 1.0], [-0.0, 0.0, 1.0]]))
def test_places_are_distinct_sorted_and_lead_back_to_every_point(xy):
    x, y = xy
    at = collapse(x, y)
    pairs = list(zip(at.x_m.tolist(), at.y_m.tolist(), strict=True))
    assert pairs == sorted(set(zip(x.tolist(), y.tolist(), strict=True)))
    np.testing.assert_array_equal(at.x_m[at.inverse], x)
    np.testing.assert_array_equal(at.y_m[at.inverse], y)
    assert at.points.tolist() == [(at.inverse == place).sum() for place in range(len(pairs))]


@given(points)
def test_without_numba_the_places_are_the_same_to_the_bit(xy):
    same(collapse(*xy), without_numba(collapse, *xy))


@given(points, st.randoms())
def test_the_order_of_the_points_does_not_matter(xy, chance):
    shuffled = chance.sample(range(xy.shape[1]), xy.shape[1])
    one, other = collapse(*xy), collapse(*xy[:, shuffled])
    np.testing.assert_array_equal(one.x_m, other.x_m)
    np.testing.assert_array_equal(one.y_m, other.y_m)
    np.testing.assert_array_equal(one.inverse[shuffled], other.inverse)


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("name", PATTERNS)
def test_collapsing_places_again_changes_nothing(name):
    once = collapse(*PATTERNS[name])
    again = collapse(once.x_m, once.y_m)
    np.testing.assert_array_equal(again.x_m, once.x_m)
    np.testing.assert_array_equal(again.y_m, once.y_m)
    assert again.inverse.tolist() == list(range(once.x_m.size))


@pytest.mark.usefixtures("either")
def test_zeros_of_either_sign_are_one_place_written_without_one():
    at = collapse(np.array([-0.0, 0.0, 0.0]), np.array([0.0, -0.0, 0.0]))
    assert at.points.tolist() == [3]
    assert not np.signbit([at.x_m, at.y_m]).any()
    already_sorted = collapse(np.array([-0.0]), np.array([-0.0]))
    assert not np.signbit([already_sorted.x_m, already_sorted.y_m]).any()


@pytest.mark.usefixtures("either")
def test_many_places_on_a_lattice_are_all_found():
    # Thousands of places make the table grow several times; lattices are hard on a weak hash.
    across, along = np.divmod(np.random.default_rng(7).permutation(np.arange(20_000) // 2), 100)
    at = collapse(across * 64.0, CENTRE_M[1] + along * 2.0**-20)
    assert at.points.tolist() == [2] * 10_000


@pytest.mark.usefixtures("either")
def test_the_callers_arrays_stay_as_they_are_even_if_they_cannot_be_written():
    x, y = np.array([2.0, 1.0, 2.0]), np.array([-0.0, 0.0, 0.0])
    before = x.tobytes(), y.tobytes()
    for array in (x, y):
        array.flags.writeable = False
    assert collapse(x, y).inverse.tolist() == [1, 0, 1]
    assert (x.tobytes(), y.tobytes()) == before


@pytest.mark.parametrize("call", [collapse, lambda x, y: gather([(x, y, ())])])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_coordinates_that_are_no_numbers_are_refused(call, bad):
    for x, y in (([bad, 1.0], [0.0, 0.0]), ([0.0, 0.0], [1.0, bad])):
        with pytest.raises(InvalidParameter) as refused:
            call(np.array(x), np.array(y))
        assert refused.value.code == "coordinates-not-finite"


def test_columns_of_different_length_are_refused():
    with pytest.raises(InvalidParameter) as refused:
        collapse(np.zeros(2), np.zeros(3))
    assert refused.value.code == "shapes-differ"


def cut(xy, weight, borders):
    """Cut points and their weights into chunks."""
    edges = [0, *sorted(borders), xy.shape[1]]
    return [(*xy[:, a:b], (weight[a:b], 2 * weight[a:b])) for a, b in pairwise(edges)]


@given(points, st.data())
def test_gathered_chunks_are_the_places_of_all_points_with_their_sums(xy, data):
    n = xy.shape[1]
    weight = np.array(data.draw(st.lists(st.integers(0, 9), min_size=n, max_size=n)), dtype=float)
    borders = data.draw(st.lists(st.integers(0, n), max_size=4))
    whole = collapse(*xy)
    for found in (
        gather(cut(xy, weight, borders)),
        without_numba(gather, cut(xy, weight, borders)),
    ):
        np.testing.assert_array_equal(found.x_m, whole.x_m)
        np.testing.assert_array_equal(found.y_m, whole.y_m)
        np.testing.assert_array_equal(found.points, whole.points)
        np.testing.assert_array_equal(
            found.sums[0], np.bincount(whole.inverse, weight, whole.x_m.size)
        )
        np.testing.assert_array_equal(found.sums[1], 2 * found.sums[0])


def test_sums_of_fractions_are_the_same_to_the_bit_without_numba():
    rng = np.random.default_rng(3)
    xy, weight = rng.integers(0, 20, (2, 3_000)).astype(float), rng.random(3_000)
    one, other = gather(cut(xy, weight, [999])), without_numba(gather, cut(xy, weight, [999]))
    np.testing.assert_array_equal(np.array(one.sums), np.array(other.sums))


@pytest.mark.usefixtures("either")
def test_no_chunk_gives_no_place_and_no_column():
    found = gather([])
    assert (found.x_m.size, found.y_m.size, found.points.size, found.sums) == (0, 0, 0, ())


@pytest.mark.usefixtures("either")
def test_points_without_columns_are_counted():
    found = gather([(np.array([1.0, 1.0]), np.zeros(2), ()), (np.ones(1), np.zeros(1), ())])
    assert (found.points.tolist(), found.sums) == ([3], ())


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ((np.array([1.0, np.nan]),), "weights-not-finite"),
        ((np.array([1.0, -1.0]),), "weights-negative"),
        ((np.ones(3),), "shapes-differ"),
        ((np.ones(2), np.ones(2)), "shapes-differ"),
    ],
)
def test_columns_that_cannot_be_added_up_are_refused(columns, code):
    here = np.zeros(2), np.zeros(2)
    with pytest.raises(InvalidParameter) as refused:
        gather([(*here, (np.ones(2),)), (*here, columns)])
    assert refused.value.code == code
