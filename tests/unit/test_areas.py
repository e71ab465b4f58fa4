"""Which area holds a point, and how far it is to the nearest facility."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.areas import NOWHERE, locate, nearest_m, within_m
from geo.errors import InvalidParameter

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


def star(x, y, radius, spikes):
    angle = np.linspace(0, 2 * np.pi, 2 * spikes, endpoint=False)
    far = np.where(np.arange(2 * spikes) % 2, radius, radius / 2)
    return shapely.Polygon(np.column_stack([x + far * np.cos(angle), y + far * np.sin(angle)]))


JAGGED = [
    star(5, 5, 4, 9).difference(star(5, 5, 1, 5)),
    star(2, 8, 2.5, 30),
    shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(9, 9, 10, 9.001)]),
    shapely.box(0, 4, 10, 4.0001),
]


@pytest.mark.parametrize("n", [5_000, 50_000])
def test_many_points_are_found_by_raster_as_each_is_found_alone(n):
    rng = np.random.default_rng(n)
    corners = np.concatenate([shapely.get_coordinates(outline) for outline in JAGGED])
    sides = (corners[1:] + corners[:-1]) / 2
    x, y = np.concatenate([rng.uniform(-1, 11, (n, 2)), corners, sides]).T
    x[:50] = np.nan
    held = [shapely.intersects_xy(outline, x, y) for outline in JAGGED]
    expected = np.full(x.shape, NOWHERE)
    for which in sorted(range(len(JAGGED)), key=lambda i: -JAGGED[i].area):
        expected[held[which]] = which
    np.testing.assert_array_equal(locate(x, y, JAGGED), expected)
    assert set(np.unique(expected)) == {NOWHERE, 0, 1, 2, 3}


def test_locating_leaves_the_points_alone():
    x, y = np.array([1.0, np.nan]), np.array([2.0, 3.0])
    locate(x, y, [TOWN])
    np.testing.assert_array_equal([x, y], [[1, np.nan], [2, 3]])


def pairs(hits):
    return list(zip(hits.facility.tolist(), hits.point.tolist(), strict=True))


def near_by_trying_all(x, y, facilities, radius_m):
    return [
        (f, p)
        for f, (east, north) in enumerate(facilities)
        for p in range(len(x))
        if np.sqrt((x[p] - east) ** 2 + (y[p] - north) ** 2) <= radius_m
    ]


def test_a_point_exactly_at_the_radius_is_near_and_one_beyond_is_not():
    x, y = np.array([3.0, 3.0, 0.0]), np.array([4.0, 4.000001, -5.0])
    assert pairs(within_m(x, y, np.array([[0.0, 0.0]]), 5.0)) == [(0, 0), (0, 2)]


def test_a_true_circle_holds_what_a_polygon_of_it_loses():
    angle = np.pi / 64  # between two corners of shapely's buffer with 16 segments a quarter
    x, y = np.array([249.9 * np.cos(angle)]), np.array([249.9 * np.sin(angle)])
    assert not shapely.Point(0, 0).buffer(250, quad_segs=16).intersects(shapely.Point(x, y))
    assert pairs(within_m(x, y, np.zeros((1, 2)), 250)) == [(0, 0)]


around_town = st.one_of(st.floats(-300, 300), st.integers(-3, 3).map(lambda k: 100.0 * k))
spots = st.lists(st.tuples(around_town, around_town), min_size=1, max_size=15)


@given(spots, spots, st.sampled_from([0.001, 30.0, 100.0, 141.4213562373095, 1e6]))
def test_hits_are_what_one_finds_by_trying_all(points, facilities, radius_m):
    x, y = np.array(points).T
    found = within_m(x, y, np.array(facilities), radius_m)
    assert pairs(found) == near_by_trying_all(x, y, facilities, radius_m)


def test_hits_agree_with_the_distance_to_the_nearest():
    rng = np.random.default_rng(4)
    x, y = rng.normal(585_802, 900, 70_000), rng.normal(6_582_337, 900, 70_000)
    schools = np.column_stack([rng.normal(585_802, 900, 40), rng.normal(6_582_337, 900, 40)])
    hits = within_m(x, y, schools, 250.0)
    distance, _ = nearest_m(x, y, schools)
    assert np.unique(hits.point).tolist() == np.flatnonzero(distance <= 250.0).tolist()
    every = [np.hypot(x - east, y - north) <= 250 for east, north in schools]
    assert np.bincount(hits.facility, minlength=40).tolist() == np.sum(every, axis=1).tolist()


@pytest.mark.parametrize("bad", UNKNOWN)
def test_a_point_without_a_place_is_near_nothing(bad):
    x, y = np.array([bad, 0.0, 0.0]), np.array([0.0, bad, 0.0])
    assert pairs(within_m(x, y, np.zeros((2, 2)), 10.0)) == [(0, 2), (1, 2)]


def test_without_points_or_facilities_there_are_no_hits():
    none, one = np.empty(0), np.zeros(1)
    assert pairs(within_m(none, none, np.zeros((1, 2)), 10.0)) == []
    assert pairs(within_m(one, one, np.empty((0, 2)), 10.0)) == []
    assert within_m(one, one, np.empty((0, 2)), 10.0).point.dtype == np.intp


@pytest.mark.parametrize("radius_m", [0, -1, np.nan, np.inf])
def test_a_radius_that_is_none_is_refused(radius_m):
    with pytest.raises(InvalidParameter) as refused:
        within_m(np.zeros(1), np.zeros(1), np.zeros((1, 2)), radius_m)
    assert refused.value.code == "not-positive"


def test_a_facility_that_is_nowhere_is_refused():
    with pytest.raises(InvalidParameter) as refused:
        within_m(np.zeros(1), np.zeros(1), np.array([[0, np.nan]]), 10.0)
    assert refused.value.code == "coordinates-not-finite"


def test_coordinates_of_different_lengths_are_refused():
    with pytest.raises(InvalidParameter) as refused:
        within_m(np.zeros(2), np.zeros(1), np.zeros((1, 2)), 10.0)
    assert refused.value.code == "shapes-differ"
