"""Properties of kernel densities at given points."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from geo.errors import InvalidParameter
from geo.kde import (
    LONGEST_M,
    SHORTEST_M,
    CompactHeat,
    DensityRatio,
    EpanechnikovHeat,
    GaussianHeat,
    QuarticHeat,
    TriangularHeat,
    TriweightHeat,
    UniformHeat,
    density_at,
    density_ratio,
    density_without_itself,
)
from tests.zoo import patterns

COMPACT = (QuarticHeat, TriweightHeat, EpanechnikovHeat, TriangularHeat, UniformHeat)
KERNELS = (GaussianHeat, *COMPACT)
WIDTH_M = 300.0


@st.composite
def weighted_places(draw, fewest=0, most=40):
    n = draw(st.integers(fewest, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    x, y = rng.uniform(-1500, 1500, (2, n)).round(draw(st.integers(-2, 2)))
    return (x + 585_000, y + 6_582_000), rng.integers(0, 9, n).astype(float)


def around(places, apart_m=370.0):
    """Ask at a lattice over and beyond the places."""
    steps = np.arange(-2000, 2001, apart_m)
    x, y = (each.ravel() for each in np.meshgrid(steps, steps))
    return np.append(x + 585_000, places[0][:5]), np.append(y + 6_582_000, places[1][:5])


def by_hand(at, places, weight, kernel):
    """Sum the definition, one place after the other."""
    total = np.zeros(at[0].size)
    for x, y, w in zip(*places, weight, strict=True):
        total += w * kernel.peak * kernel.profile((at[0] - x) ** 2 + (at[1] - y) ** 2)
    return total


@pytest.mark.parametrize("shape", KERNELS)
def test_a_kernel_has_volume_one_and_the_deviation_it_says(shape):
    kernel = shape(WIDTH_M)
    r = np.linspace(0, min(kernel.reach_m, 3000), 2_000_001)
    ring = 2 * np.pi * r * kernel.peak * kernel.profile(r**2)
    assert np.trapezoid(ring, r) == pytest.approx(1, abs=1e-9)
    assert np.trapezoid(ring * r**2 / 2, r) == pytest.approx(kernel.deviation_m**2, rel=1e-9)


def test_the_true_constants_are_those_of_the_textbook():
    area = np.pi * WIDTH_M**2
    assert [shape(WIDTH_M).peak * area for shape in KERNELS] == pytest.approx([0.5, 3, 4, 2, 3, 1])


def test_a_quartic_by_hand():
    # At half the radius: 3 / (pi 200^2) (1 - 1/4)^2, and nothing from 200 m on.
    at = np.array([100.0, 199.999999, 200.0]), np.zeros(3)
    found = density_at(at, (np.zeros(1), np.zeros(1)), np.ones(1), QuarticHeat(200.0))
    assert found[0] == pytest.approx(3 / (np.pi * 40_000) * 0.5625, rel=1e-14)
    assert found[1] > 0
    assert found[2] == 0


def test_a_gaussian_by_hand():
    at = np.array([0.0, 200.0]), np.zeros(2)
    found = density_at(at, (np.zeros(1), np.zeros(1)), np.array([3.0]), GaussianHeat(100.0))
    assert found == pytest.approx(3 / (2e4 * np.pi) * np.array([1, np.exp(-2)]), rel=1e-14)


def test_a_disc_holds_its_border():
    at = np.array([200.0, 200.0001]), np.zeros(2)
    found = density_at(at, (np.zeros(1), np.zeros(1)), np.ones(1), UniformHeat(200.0))
    assert (found > 0).tolist() == [True, False]


@pytest.mark.parametrize("shape", KERNELS)
@given(drawn=weighted_places())
def test_the_density_is_the_sum_of_its_definition(shape, drawn):
    places, weight = drawn
    at, kernel = around(places), shape(WIDTH_M)
    expected = by_hand(at, places, weight, kernel)
    found = density_at(at, places, weight, kernel)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-30)


def test_many_points_asked_about_at_once_get_what_each_gets_alone():
    rng = np.random.default_rng(7)
    x, y = rng.uniform(0, 20_000, (2, 3000))
    at, weight, kernel = rng.uniform(0, 20_000, (2, 500)), rng.random(3000), QuarticHeat(900.0)
    expected = by_hand(at, (x, y), weight, kernel)
    np.testing.assert_allclose(density_at(tuple(at), (x, y), weight, kernel), expected, rtol=1e-11)


@pytest.mark.parametrize("shape", KERNELS)
@given(drawn=weighted_places(), factor=st.floats(0.01, 100))
def test_the_density_is_linear_in_the_weights(shape, drawn, factor):
    places, weight = drawn
    at, kernel = around(places), shape(WIDTH_M)
    other = weight[::-1].copy()
    both = density_at(at, places, weight + factor * other, kernel)
    apart = density_at(at, places, weight, kernel) + factor * density_at(at, places, other, kernel)
    np.testing.assert_allclose(both, apart, rtol=1e-11, atol=1e-30)


@given(drawn=weighted_places(fewest=1), seed=st.integers(0, 2**32))
def test_the_order_of_the_places_does_not_matter(drawn, seed):
    places, weight = drawn
    at, kernel = around(places), GaussianHeat(WIDTH_M)
    turn = np.random.default_rng(seed).permutation(weight.size)
    shuffled = density_at(at, (places[0][turn], places[1][turn]), weight[turn], kernel)
    np.testing.assert_array_equal(shuffled, density_at(at, places, weight, kernel))


@pytest.mark.parametrize("shape", KERNELS)
@given(drawn=weighted_places(fewest=1))
def test_events_on_one_spot_are_one_place_of_their_weight(shape, drawn):
    places, weight = drawn
    each = tuple(np.repeat(axis, weight.astype(int)) for axis in places)
    at, kernel = around(places), shape(WIDTH_M)
    apart = density_at(at, each, np.ones(each[0].size), kernel)
    np.testing.assert_allclose(
        apart, density_at(at, places, weight, kernel), rtol=1e-12, atol=1e-30
    )


@pytest.mark.parametrize("shape", KERNELS)
@given(drawn=weighted_places(), east=st.integers(-9999, 9999), north=st.integers(-9999, 9999))
def test_moving_everything_moves_the_density(shape, drawn, east, north):
    (x, y), weight = drawn
    x, y = x.round(), y.round()
    at_x, at_y = around((x, y))
    kernel = shape(WIDTH_M + 0.1)  # no whole distance lies exactly on the radius
    moved = density_at((at_x + east, at_y + north), (x + east, y + north), weight, kernel)
    np.testing.assert_array_equal(moved, density_at((at_x, at_y), (x, y), weight, kernel))


@pytest.mark.parametrize("shape", KERNELS)
@given(drawn=weighted_places(), power=st.integers(-4, 6))
def test_in_units_of_another_length_the_density_is_per_that_length_squared(shape, drawn, power):
    places, weight = drawn
    at, unit = around(places), 2.0**power
    scaled = density_at(
        tuple(axis * unit for axis in at),
        tuple(axis * unit for axis in places),
        weight,
        shape(WIDTH_M * unit),
    )
    expected = density_at(at, places, weight, shape(WIDTH_M))
    np.testing.assert_allclose(scaled * unit**2, expected, rtol=1e-12, atol=1e-30)


@given(drawn=weighted_places())
def test_leaving_a_row_out_is_the_density_of_all_others(drawn):
    places, weight = drawn
    kernel = GaussianHeat(WIDTH_M)
    found = density_without_itself(places, weight, kernel)
    for i in range(weight.size):
        rest = np.arange(weight.size) != i
        here = places[0][[i]], places[1][[i]]
        others = places[0][rest], places[1][rest]
        expected = density_at(here, others, weight[rest], kernel)
        np.testing.assert_allclose(found[[i]], expected, rtol=1e-12)


def test_a_lonely_place_keeps_the_density_of_the_others_to_every_digit():
    # Seven standard deviations away: subtracting its own height would leave no digit of it.
    places = np.array([0.0, 0.0, 700.0]), np.zeros(3)
    found = density_without_itself(places, np.array([1.0, 1.0, 5.0]), GaussianHeat(100.0))
    assert found[2] == pytest.approx(2 / (2e4 * np.pi) * np.exp(-24.5), rel=1e-13)


@pytest.mark.parametrize("name", patterns())
@pytest.mark.parametrize("shape", KERNELS)
def test_every_pattern_has_a_density_at_its_own_points(shape, name):
    places = patterns()[name]
    weight = np.ones(places[0].size)
    found = density_at(places, places, weight, shape(WIDTH_M))
    assert found.shape == weight.shape
    assert (found >= shape(WIDTH_M).peak * 0.999).all()


def test_without_places_or_weight_the_density_is_zero():
    nowhere = np.empty(0), np.empty(0)
    at = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    assert density_at(at, nowhere, np.empty(0), GaussianHeat()).tolist() == [0, 0]
    assert density_at(at, at, np.zeros(2), QuarticHeat()).tolist() == [0, 0]
    assert density_at(nowhere, at, np.ones(2), QuarticHeat()).size == 0
    assert density_without_itself(nowhere, np.empty(0), GaussianHeat()).size == 0


def test_whole_numbers_are_weights_too():
    at = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    whole = density_at(at, at, np.array([1, 2]), GaussianHeat())
    assert whole.tolist() == density_at(at, at, np.array([1.0, 2.0]), GaussianHeat()).tolist()


@pytest.mark.parametrize("shape", KERNELS)
def test_places_beyond_any_map_add_nothing_and_warn_of_nothing(shape):
    places = np.array([0.0, 1e308]), np.array([0.0, -1e308])
    found = density_at((np.zeros(1), np.zeros(1)), places, np.ones(2), shape(WIDTH_M))
    assert found == pytest.approx([shape(WIDTH_M).peak])


@given(
    x=hnp.arrays(float, 3, elements=st.floats(allow_nan=False, allow_infinity=False)),
    y=hnp.arrays(float, 3, elements=st.floats(allow_nan=False, allow_infinity=False)),
)
def test_any_finite_coordinates_give_finite_densities(x, y):
    for shape in KERNELS:
        found = density_at((x, y), (x, y), np.ones(3), shape(WIDTH_M))
        assert np.isfinite(found).all()
        assert (found >= shape(WIDTH_M).peak * 0.999).all()


@pytest.mark.parametrize(
    ("places", "weight", "code"),
    [
        (([0.0, np.nan], [0.0, 0.0]), [1.0, 1.0], "coordinates-not-finite"),
        (([0.0, 0.0], [0.0, np.inf]), [1.0, 1.0], "coordinates-not-finite"),
        (([0.0], [0.0, 1.0]), [1.0, 1.0], "shapes-differ"),
        (([0.0, 0.0], [0.0, 1.0]), [1.0], "shapes-differ"),
        (([0.0, 0.0], [0.0, 1.0]), [1.0, np.nan], "weights-not-finite"),
        (([0.0, 0.0], [0.0, 1.0]), [1.0, np.inf], "weights-not-finite"),
        (([0.0, 0.0], [0.0, 1.0]), [1.0, -1.0], "weights-negative"),
    ],
)
def test_places_or_weights_that_are_none_are_refused(places, weight, code):
    places, weight = tuple(np.array(axis) for axis in places), np.array(weight)
    at = np.zeros(1), np.zeros(1)
    with pytest.raises(InvalidParameter) as fault:
        density_at(at, places, weight, GaussianHeat())
    assert fault.value.code == code
    with pytest.raises(InvalidParameter) as fault:
        density_without_itself(places, weight, GaussianHeat())
    assert fault.value.code == code


def test_points_asked_about_must_be_finite():
    places = np.zeros(1), np.zeros(1)
    with pytest.raises(InvalidParameter, match="coordinates-not-finite"):
        density_at((np.array([np.nan]), np.zeros(1)), places, np.ones(1), GaussianHeat())


@pytest.mark.parametrize("shape", KERNELS)
@pytest.mark.parametrize("width", [0.0, -1.0, np.nan, np.inf])
def test_a_width_must_be_a_positive_number(shape, width):
    with pytest.raises(InvalidParameter, match="not-positive"):
        shape(width)


@pytest.mark.parametrize("shape", KERNELS)
def test_a_width_from_a_centimetre_to_the_earth_is_taken_and_none_beyond(shape):
    assert shape(SHORTEST_M).peak > 0
    assert shape(LONGEST_M).peak > 0
    for width in (np.nextafter(SHORTEST_M, 0), np.nextafter(LONGEST_M, np.inf)):
        with pytest.raises(InvalidParameter, match="length-out-of-range"):
            shape(width)


def test_the_default_quartic_spreads_about_as_far_as_the_default_gaussian():
    assert QuarticHeat().deviation_m == pytest.approx(GaussianHeat().deviation_m, rel=0.02)


def test_a_kernel_without_a_shape_cannot_be_made():
    with pytest.raises(TypeError, match="abstract"):
        CompactHeat()


def test_callers_arrays_are_left_alone():
    places, weight = (np.array([3.0, 1.0]), np.array([1.0, 2.0])), np.array([1.0, 0.0])
    before = places[0].copy(), places[1].copy(), weight.copy()
    for axis in (*places, weight):
        axis.setflags(write=False)
    density_at(places, places, weight, GaussianHeat())
    for now, was in zip((*places, weight), before, strict=True):
        np.testing.assert_array_equal(now, was)


def test_a_ratio_divides_events_by_residents_and_says_nothing_below_its_floor():
    at = np.array([0.0, 5000.0, 90_000.0]), np.zeros(3)
    events = np.array([0.0]), np.array([0.0]), np.array([4.0])
    residents = np.array([0.0, 5000.0]), np.array([0.0, 0.0]), np.array([100.0, 100.0])
    kernel = QuarticHeat(1000.0)
    found = density_ratio(at, events, residents, DensityRatio(kernel, kernel, floor_per_km2=1.0))
    assert found.ratio[:2] == pytest.approx([0.04, 0])
    assert np.isnan(found.ratio[2])
    assert found.density[0] == pytest.approx(4 * kernel.peak)
    assert found.reference[:2] == pytest.approx([100 * kernel.peak] * 2)
    # 100 residents under a quartic of 1 km peak at 95 per square kilometre.
    low = DensityRatio(kernel, kernel, floor_per_km2=95.0)
    assert density_ratio(at, events, residents, low).ratio[:2] == pytest.approx([0.04, 0])
    high = DensityRatio(kernel, kernel, floor_per_km2=96.0)
    assert np.isnan(density_ratio(at, events, residents, high).ratio).all()


def test_a_ratio_of_the_same_kernel_does_not_depend_on_its_constant():
    at = np.array([10.0, 400.0]), np.zeros(2)
    events = np.array([0.0, 300.0]), np.zeros(2), np.array([1.0, 2.0])
    reference = np.array([50.0, 600.0]), np.zeros(2), np.array([30.0, 10.0])
    how = DensityRatio(QuarticHeat(900.0), QuarticHeat(900.0))
    unscaled = [
        weight @ np.maximum(1 - ((x[:, None] - at[0]) / 900) ** 2, 0) ** 2
        for x, _, weight in (events, reference)
    ]
    found = density_ratio(at, events, reference, how).ratio
    np.testing.assert_allclose(found, unscaled[0] / unscaled[1], rtol=1e-13)


@pytest.mark.parametrize("floor", [0.0, -1.0, np.nan])
def test_a_ratio_needs_a_floor(floor):
    with pytest.raises(InvalidParameter, match="not-positive"):
        DensityRatio(GaussianHeat(), GaussianHeat(), floor_per_km2=floor)
