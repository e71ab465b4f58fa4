"""How much of a kernel lies inside the study area, and densities corrected for it."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from geo.edge import density_diggle_edge, density_uniform_edge, mass_inside
from geo.errors import InvalidParameter
from geo.kde import GaussianHeat, density_at

KERNEL = GaussianHeat(100.0)
SQUARE = shapely.box(0, 0, 1000, 600)
CORRECTIONS = (density_uniform_edge, density_diggle_edge)


def in_box(x, y, bounds, deviation):
    """Give the mass of a Gaussian inside a rectangle from the normal distribution."""
    west, south, east, north = bounds
    across = ndtr((east - x) / deviation) - ndtr((west - x) / deviation)
    return across * (ndtr((north - y) / deviation) - ndtr((south - y) / deviation))


@given(
    x=st.floats(-500, 1500) | st.sampled_from([0.0, 1000.0]),
    y=st.floats(-500, 1100) | st.sampled_from([0.0, 600.0]),
    deviation=st.floats(1, 5000),
    angle=st.floats(0, 360),
)
def test_the_mass_in_a_turned_rectangle_is_that_of_two_normal_distributions(x, y, deviation, angle):
    turned = shapely.affinity.rotate(SQUARE, angle, origin=(0, 0))
    radians = np.deg2rad(angle)
    at = (
        np.array([x * np.cos(radians) - y * np.sin(radians)]),
        np.array([x * np.sin(radians) + y * np.cos(radians)]),
    )
    found = mass_inside(at, GaussianHeat(deviation), turned)
    assert found == pytest.approx(in_box(x, y, SQUARE.bounds, deviation), abs=1e-9)


@pytest.mark.parametrize(
    "offset", [0.0, 5e-324, 1e-13, -1e-13, 1e-9, -1e-9, 1e-8, 1e-6, -1e-6, 1e-4]
)
def test_a_point_on_the_border_or_a_hair_beside_it_has_the_mass_of_the_border(offset):
    at = np.array([0.0, 500.0, 1000.0]) + offset, np.array([300.0, 600.0, 600.0]) + offset
    expected = in_box(*at, SQUARE.bounds, 100.0)
    assert mass_inside(at, KERNEL, SQUARE) == pytest.approx(expected, abs=1e-10)
    assert expected == pytest.approx([0.5, 0.5, 0.25], abs=0.01)


def test_deep_inside_is_one_and_far_outside_zero():
    at = np.array([5000.0, 5000.0]), np.array([5000.0, 50_000.0])
    assert mass_inside(at, KERNEL, shapely.box(0, 0, 10_000, 10_000)).tolist() == [1, 0]


def test_a_hole_is_outside_and_parts_add_up():
    hole = shapely.box(400, 200, 700, 500)
    parts = SQUARE.difference(hole), shapely.box(1100, 0, 1300, 600)
    at = np.array([550.0, 400.0, 1050.0]), np.array([350.0, 200.0, 300.0])
    found = mass_inside(at, KERNEL, shapely.MultiPolygon(parts))
    boxes = [in_box(*at, each.bounds, 100.0) for each in (SQUARE, hole, parts[1])]
    assert found == pytest.approx(boxes[0] - boxes[1] + boxes[2], abs=1e-12)


def test_the_direction_of_the_rings_and_doubled_corners_do_not_matter():
    corners = list(SQUARE.exterior.coords)
    doubled = shapely.Polygon([*corners[:2], corners[1], *corners[2:]][::-1])
    at = np.array([10.0, 990.0]), np.array([20.0, 500.0])
    expected = in_box(*at, SQUARE.bounds, 100.0)
    assert mass_inside(at, KERNEL, doubled) == pytest.approx(expected, abs=1e-12)
    assert mass_inside(at, KERNEL, SQUARE.reverse()) == pytest.approx(expected, abs=1e-12)


def test_more_points_than_fit_into_memory_at_once_are_taken_in_turns():
    circle = shapely.Point(0, 0).buffer(1000, quad_segs=4096)
    rng = np.random.default_rng(2)
    at = tuple(rng.uniform(-1000, 1000, (2, 150)))
    found = mass_inside(at, KERNEL, circle)
    for i in (0, 70, 149):
        alone = mass_inside((at[0][[i]], at[1][[i]]), KERNEL, circle)
        assert found[i] == pytest.approx(alone[0], abs=1e-13)
    assert mass_inside((np.zeros(1), np.zeros(1)), GaussianHeat(500.0), circle) == pytest.approx(
        [1 - np.exp(-2)], abs=1e-6
    )


def test_even_events_stay_even_up_to_the_border_when_corrected():
    lattice = np.meshgrid(np.arange(5.0, 1000, 10), np.arange(5.0, 600, 10))
    places = lattice[0].ravel(), lattice[1].ravel()
    weight = np.ones(places[0].size)
    at = np.array([0.0, 500.0, 1000.0, 700.0]), np.array([0.0, 300.0, 250.0, 599.0])
    plain = density_at(at, places, weight, KERNEL)
    assert plain == pytest.approx(0.01 * in_box(*at, SQUARE.bounds, 100.0), rel=1e-2)
    corrected = density_uniform_edge(at, places, weight, KERNEL, SQUARE)
    assert corrected == pytest.approx(np.full(4, 0.01), rel=1e-2)


def test_diggles_density_adds_up_to_the_events_inside():
    rng = np.random.default_rng(6)
    places, weight = (rng.uniform(0, 1000, 40), rng.uniform(0, 600, 40)), rng.random(40)
    x, y = np.meshgrid(np.arange(5.0, 1000, 10), np.arange(5.0, 600, 10))
    found = density_diggle_edge((x.ravel(), y.ravel()), places, weight, KERNEL, SQUARE)
    assert found.sum() * 100 == pytest.approx(weight.sum(), rel=1e-3)


@pytest.mark.parametrize("correct", CORRECTIONS)
def test_far_from_the_border_nothing_is_corrected(correct):
    area = shapely.box(-9e4, -9e4, 9e4, 9e4)
    rng = np.random.default_rng(8)
    places, weight = tuple(rng.uniform(-500, 500, (2, 30))), rng.random(30)
    found = correct(places, places, weight, KERNEL, area)
    np.testing.assert_allclose(found, density_at(places, places, weight, KERNEL), rtol=1e-12)


@pytest.mark.parametrize("correct", CORRECTIONS)
def test_events_outside_are_left_out_and_points_outside_get_no_number(correct):
    at = np.array([500.0, -1.0]), np.array([300.0, 300.0])
    places = np.array([480.0, -20.0]), np.array([300.0, 300.0])
    found = correct(at, places, np.array([1.0, 5.0]), KERNEL, SQUARE)
    alone = correct(at, (places[0][:1], places[1][:1]), np.ones(1), KERNEL, SQUARE)
    np.testing.assert_array_equal(found, alone)
    assert np.isnan(found).tolist() == [False, True]


@pytest.mark.parametrize("correct", CORRECTIONS)
def test_without_events_the_corrected_density_is_zero_inside(correct):
    nowhere = np.empty(0), np.empty(0)
    at = np.array([500.0, -1.0]), np.array([300.0, 300.0])
    np.testing.assert_array_equal(correct(at, nowhere, np.empty(0), KERNEL, SQUARE), [0, np.nan])
    assert correct(nowhere, at, np.ones(2), KERNEL, SQUARE).size == 0


@pytest.mark.parametrize("correct", CORRECTIONS)
def test_in_the_tip_of_a_needle_nothing_is_divided_by_zero(correct):
    needle = shapely.Polygon([(0, 0), (1e-9, 1e4), (0, 1e4)])
    tip = np.zeros(1), np.zeros(1)
    found = correct(tip, tip, np.ones(1), KERNEL, needle)
    assert not np.isinf(found).any()


@pytest.mark.parametrize("correct", CORRECTIONS)
def test_input_is_checked_before_anything_is_computed(correct):
    at, one = (np.zeros(1), np.zeros(1)), np.ones(1)
    bow_tie = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    for area in (bow_tie, shapely.Polygon()):
        with pytest.raises(InvalidParameter, match="study-area-unusable"):
            correct(at, at, one, KERNEL, area)
    nan = np.array([np.nan]), np.zeros(1)
    for points, places in ((nan, at), (at, nan)):
        with pytest.raises(InvalidParameter, match="coordinates-not-finite"):
            correct(points, places, one, KERNEL, SQUARE)
    with pytest.raises(InvalidParameter, match="weights-negative"):
        correct(at, at, -one, KERNEL, SQUARE)
    with pytest.raises(InvalidParameter, match="shapes-differ"):
        correct(at, at, np.ones(3), KERNEL, SQUARE)
