"""Outlines that hold a share of the volume under a surface."""

from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from geo.contours import VolumeShares, volume_contours
from geo.errors import InvalidParameter
from geo.heat import Grid, Raster, heat_raster
from geo.kde import GaussianHeat, QuarticHeat

CELL_M = 50.0


def surface(density):
    """Wrap an array as a raster whose kernel does not matter."""
    rows, columns = density.shape
    grid = Grid(585_000.0, 6_582_000.0, CELL_M, columns, rows)
    return Raster(grid, GaussianHeat(), density, float(density.sum() * CELL_M**2))


def inside(contour, raster):
    x, y = np.meshgrid(raster.grid.x_m, raster.grid.y_m)
    return shapely.contains_xy(contour.shape, x, y)


def rasters():
    """Draw surfaces with plateaus, zeros and noise."""
    shape = st.tuples(st.integers(1, 9), st.integers(1, 9))
    values = st.one_of(st.integers(0, 4).map(float), st.floats(0, 1e-3, allow_subnormal=False))
    return hnp.arrays(float, shape, elements=values).map(surface)


@given(raster=rasters())
def test_the_pixels_inside_hold_the_share_and_one_pixel_less_would_not(raster):
    total = raster.density.sum()
    for contour in volume_contours(raster, VolumeShares()):
        taken = inside(contour, raster)
        held = raster.density[taken].sum() / total
        assert held == pytest.approx(contour.held, rel=1e-9)
        assert held >= contour.share - 1e-12
        lowest = raster.density[taken].min()
        higher = raster.density > lowest * (1 + 1e-6)
        assert raster.density[higher].sum() / total < contour.share + 1e-12


@given(raster=rasters())
def test_outlines_are_valid_nested_and_no_pixel_outside_is_higher_than_one_inside(raster):
    found = volume_contours(raster, VolumeShares((0.1, 0.5, 0.75, 0.9, 0.95, 0.99)))
    for contour in found:
        assert contour.shape.is_valid
        assert contour.area_m2 == pytest.approx(contour.shape.area)
        taken = inside(contour, raster)
        assert raster.density[taken].min() > raster.density[~taken].max(initial=0.0) * (1 - 1e-6)
    for small, large in pairwise(found):
        assert small.level >= large.level
        assert small.held <= large.held
        assert small.area_m2 <= large.area_m2 * (1 + 1e-12)
        assert small.shape.difference(large.shape).area <= 1e-6 * large.area_m2


def test_the_half_of_one_gaussian_lies_within_its_known_radius():
    # A share p of a Gaussian lies within s sqrt(-2 log(1 - p)).
    grid = Grid(0.0, 0.0, 20.0, 300, 300)
    place = np.array([3007.0]), np.array([2991.0])
    raster = heat_raster(place, np.ones(1), GaussianHeat(250.0), grid)
    for contour in volume_contours(raster, VolumeShares()):
        radius = 250 * np.sqrt(-2 * np.log(1 - contour.share))
        assert contour.area_m2 == pytest.approx(np.pi * radius**2, rel=0.01)
        assert contour.held == pytest.approx(contour.share, abs=2 * 400 * GaussianHeat(250.0).peak)
        centre = contour.shape.centroid
        assert (centre.x, centre.y) == pytest.approx((3007, 2991), abs=3)
        assert contour.level == pytest.approx((1 - contour.share) * GaussianHeat(250.0).peak, 0.02)


def test_two_equal_hot_spots_are_two_equal_outlines():
    grid = Grid(0.0, 0.0, 20.0, 200, 100)
    places = np.array([1010.0, 3010.0]), np.array([1010.0, 1010.0])
    raster = heat_raster(places, np.ones(2), QuarticHeat(500.0), grid)
    (half,) = volume_contours(raster, VolumeShares((0.5,)))
    left, right = half.shape.geoms
    assert left.area == pytest.approx(right.area)


def test_a_ring_has_a_hole():
    density = np.ones((5, 5))
    density[2, 2] = 0.0
    (found,) = volume_contours(surface(density), VolumeShares((0.5,)))
    (part,) = found.shape.geoms
    assert len(part.interiors) == 1
    assert found.held == 1  # all pixels of a plateau come together


def test_a_single_pixel_is_a_diamond_up_to_its_neighbours_centres():
    (found,) = volume_contours(surface(np.array([[4.0]])), VolumeShares((0.9,)))
    assert found.level == 2
    assert found.area_m2 == pytest.approx(CELL_M**2 / 2)


def test_a_hot_spot_at_the_edge_of_the_grid_is_closed():
    density = np.zeros((4, 4))
    density[0, :] = 1.0
    (found,) = volume_contours(surface(density), VolumeShares((0.5,)))
    west, south, east, north = found.shape.bounds
    assert (west, south) == (585_000.0, 6_582_000.0)
    assert (east, north) == (585_000 + 4 * CELL_M, 6_582_000 + CELL_M)


def test_pixels_that_differ_only_by_rounding_come_together():
    density = np.zeros((3, 7))
    density[1, 1], density[1, 5] = 0.3, np.nextafter(0.3, 0)
    (found,) = volume_contours(surface(density), VolumeShares((0.4,)))
    assert len(found.shape.geoms) == 2


def test_a_flat_nothing_has_no_outline():
    assert volume_contours(surface(np.zeros((3, 3))), VolumeShares()) == ()


@given(power=st.integers(-20, 20))
def test_outlines_do_not_depend_on_the_number_of_events(power):
    density = np.random.default_rng(1).random((8, 8))
    once = volume_contours(surface(density), VolumeShares())
    more = volume_contours(surface(density * 2.0**power), VolumeShares())
    for one, other in zip(once, more, strict=True):
        assert one.shape.equals(other.shape)


@pytest.mark.parametrize("shares", [(), (0.9, 0.5), (0.5, 0.5)])
def test_shares_must_rise(shares):
    with pytest.raises(InvalidParameter, match="volume-shares-not-rising"):
        VolumeShares(shares)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, np.nan, 50.0])
def test_shares_must_be_shares(share):
    with pytest.raises(InvalidParameter, match="not-a-fraction"):
        VolumeShares((share,))
