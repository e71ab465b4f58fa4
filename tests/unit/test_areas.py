"""Which area holds a point, and how far it is to the nearest facility."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.areas import NOWHERE, locate, nearest_m

TOWN = shapely.box(0, 0, 10, 10)
DISTRICT = shapely.box(2, 2, 8, 8)
CORE = shapely.box(4, 4, 5, 5)
UNKNOWN = [np.nan, np.inf, -np.inf]

coordinates = st.lists(st.tuples(st.floats(-1, 11), st.floats(-1, 11)))
corners = st.integers(0, 9)
boxes = st.lists(
    st.builds(
        lambda x, y, w, h: shapely.box(x, y, x + w, y + h),
        corners,
        corners,
        st.integers(1, 5),
        st.integers(1, 5),
    ),
    max_size=6,
)


def where(points, outlines):
    x, y = np.array(points, dtype=float).reshape(-1, 2).T
    return locate(x, y, outlines).tolist()


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_the_smallest_area_around_a_point_has_it(order):
    nested = [TOWN, DISTRICT, CORE]
    outlines = [nested[i] for i in order]
    found = where([(1, 1), (3, 3), (4.5, 4.5), (11, 11)], outlines)
    assert [order[i] if i != NOWHERE else None for i in found] == [0, 1, 2, None]


def test_a_point_on_the_border_belongs_to_the_area():
    assert where([(0, 0), (10, 5), (10.000001, 5)], [TOWN]) == [0, 0, NOWHERE]


def test_a_point_on_the_border_of_the_smaller_area_is_the_smaller_ones():
    assert where([(2, 5)], [TOWN, DISTRICT]) == [1]


def test_equal_areas_side_by_side_share_their_border_by_their_order():
    west, east = shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)
    assert where([(1, 0.5)], [west, east]) == [0]
    assert where([(1, 0.5)], [east, west]) == [0]


def test_a_hole_is_outside_and_every_part_is_inside():
    ring = TOWN.difference(DISTRICT)
    both = shapely.MultiPolygon([ring, CORE])
    assert where([(1, 1), (3, 3), (4.5, 4.5)], [both]) == [0, NOWHERE, 0]


@pytest.mark.parametrize("bad", UNKNOWN)
def test_a_point_without_a_place_is_nowhere(bad):
    assert where([(bad, 5), (5, bad), (bad, bad), (5, 5)], [TOWN]) == [NOWHERE] * 3 + [0]


def test_no_points_and_no_areas_give_nothing():
    assert where([], [TOWN]) == []
    assert where([(5, 5)], []) == [NOWHERE]
    assert where([(5, 5)], [shapely.Polygon()]) == [NOWHERE]


@given(coordinates, boxes)
def test_areas_are_found_as_one_would_by_trying_them_all(points, outlines):
    expected = []
    for x, y in points:
        holding = [i for i, o in enumerate(outlines) if o.intersects(shapely.Point(x, y))]
        expected.append(min(holding, key=lambda i: (outlines[i].area, i), default=NOWHERE))
    assert where(points, outlines) == expected


@given(coordinates, st.randoms())
def test_the_order_of_the_points_does_not_matter(points, chance):
    outlines = [TOWN, DISTRICT, CORE]
    paired = dict(zip(points, where(points, outlines), strict=True))
    shuffled = chance.sample(points, len(points))
    assert where(shuffled, outlines) == [paired[point] for point in shuffled]


places = st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=20)


@given(places, places)
def test_the_nearest_is_the_least_of_all_distances(points, facilities):
    x, y = np.array(points).T
    there = np.array(facilities)
    distance, which = nearest_m(x, y, there)
    every = np.hypot(x[:, None] - there[:, 0], y[:, None] - there[:, 1])
    np.testing.assert_allclose(distance, every.min(axis=1), atol=1e-9)
    np.testing.assert_allclose(every[np.arange(x.size), which], distance, atol=1e-9)


def test_a_school_three_east_and_four_north_is_five_metres_away():
    distance, which = nearest_m(np.zeros(1), np.zeros(1), np.array([[90.0, 0.0], [3.0, 4.0]]))
    assert (distance.tolist(), which.tolist()) == ([5.0], [1])


@pytest.mark.parametrize("bad", UNKNOWN)
def test_a_point_without_a_place_is_infinitely_far_from_everything(bad):
    x, y = np.array([bad, 0.0]), np.array([0.0, 0.0])
    assert nearest_m(x, y, np.array([[3.0, 4.0]]))[0].tolist() == [np.inf, 5.0]
    assert nearest_m(y, x, np.array([[3.0, 4.0]]))[0].tolist() == [np.inf, 5.0]


@pytest.mark.parametrize("none", [np.empty((0, 2)), np.column_stack([np.empty(0), np.empty(0)])])
def test_without_facilities_everything_is_infinitely_far(none):
    distance, which = nearest_m(np.zeros(2), np.zeros(2), none)
    assert (distance.tolist(), which.tolist()) == ([np.inf] * 2, [0, 0])


def test_without_points_there_are_no_distances():
    distance, which = nearest_m(np.empty(0), np.empty(0), np.array([[3.0, 4.0]]))
    assert (distance.size, which.size) == (0, 0)
