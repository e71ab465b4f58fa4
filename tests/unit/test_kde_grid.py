"""The raster of a density: the same numbers as at points, on a grid."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import heat, kde_kernel
from geo.errors import InvalidParameter
from geo.heat import (
    BLUR_FROM,
    MOST_PIXELS,
    MOST_PIXELS_WITH_MARGIN,
    Grid,
    grid_over,
    heat_raster,
)
from geo.kde import (
    EpanechnikovHeat,
    GaussianHeat,
    QuarticHeat,
    TriangularHeat,
    TriweightHeat,
    UniformHeat,
    density_at,
)
from tests.zoo import CENTRE_M, patterns

COMPACT = (QuarticHeat, TriweightHeat, EpanechnikovHeat, TriangularHeat, UniformHeat)
GRID = Grid(west_m=585_000.0, south_m=6_582_000.0, cell_m=50.0, columns=31, rows=24)
STATED_ERROR = 5e-8  # of the highest point, in the docstring of heat_raster


@pytest.fixture(params=["compiled", "plain"])
def loops(request, monkeypatch):
    """Run a test with the compiled loops and with the plain ones."""
    if request.param == "plain":
        monkeypatch.setattr(heat, "kde_kernel", None)


@st.composite
def weighted_places(draw, fewest=0, most=30):
    """Draw places on the grid and up to a kilometre around it."""
    n = draw(st.integers(fewest, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    west, south, east, north = GRID.bounds
    x = rng.uniform(west - 1000, east + 1000, n).round(draw(st.integers(-2, 3)))
    y = rng.uniform(south - 1000, north + 1000, n).round(draw(st.integers(-2, 3)))
    return (x, y), rng.integers(0, 9, n).astype(float)


def centres(grid):
    x, y = np.meshgrid(grid.x_m, grid.y_m)
    return x.ravel(), y.ravel()


def exact(places, weight, kernel, grid):
    found = density_at(centres(grid), places, weight, kernel)
    return found.reshape(grid.rows, grid.columns)


def scattered(seed):
    east, north = np.random.default_rng(seed).uniform(0, 1500, (2, 500))
    return east + GRID.west_m, north + GRID.south_m


def highest(places, weight, kernel):
    return density_at(places, places, weight, kernel).max(initial=0.0)


def test_row_zero_is_south_and_column_zero_west_and_values_belong_to_centres():
    grid = Grid(west_m=100.0, south_m=1000.0, cell_m=10.0, columns=3, rows=2)
    assert grid.x_m.tolist() == [105, 115, 125]
    assert grid.y_m.tolist() == [1005, 1015]
    assert grid.bounds == (100, 1000, 130, 1020)
    place = np.array([105.0]), np.array([1015.0])
    raster = heat_raster(place, np.ones(1), GaussianHeat(10.0), grid)
    assert raster.density.shape == (2, 3)
    assert np.unravel_index(raster.density.argmax(), (2, 3)) == (1, 0)
    assert raster.density[1, 0] == pytest.approx(GaussianHeat(10.0).peak)


@pytest.mark.usefixtures("loops")
@settings(max_examples=60, deadline=None)
@given(drawn=weighted_places(), deviation=st.floats(1.0, 12.0))
def test_a_gaussian_raster_differs_from_the_exact_sum_by_less_than_stated(drawn, deviation):
    places, weight = drawn
    kernel = GaussianHeat(50.0 * deviation)
    found = heat_raster(places, weight, kernel, GRID).density
    off = np.abs(found - exact(places, weight, kernel, GRID)).max()
    allowed = STATED_ERROR if deviation >= BLUR_FROM else 1e-13
    assert off <= allowed * highest(places, weight, kernel)
    assert (found >= 0).all()


@pytest.mark.parametrize("deviation", [1.0, 1.5, 1.999, 2.0, 2.001, 2.5, 3.0, 6.0, 20.0])
def test_one_event_anywhere_between_the_centres_differs_by_less_than_stated(deviation):
    kernel = GaussianHeat(50.0 * deviation)
    for offset in np.linspace(0, 50, 7):
        place = np.array([585_700.0 + offset]), np.array([6_582_600.0 + offset / 3])
        found = heat_raster(place, np.ones(1), kernel, GRID).density
        off = np.abs(found - exact(place, np.ones(1), kernel, GRID)).max()
        assert off <= (STATED_ERROR if deviation >= BLUR_FROM else 1e-14) * kernel.peak


@pytest.mark.parametrize("deviations", [4.2, 5.0, 6.0, 6.4, 6.6, 7.0, 8.0])
@pytest.mark.parametrize("bandwidth", [75.0, 150.0, 400.0])
def test_an_event_outside_the_grid_is_felt_inside_as_far_as_it_should(bandwidth, deviations):
    kernel, one = GaussianHeat(bandwidth), np.ones(1)
    west, south, east, north = GRID.bounds
    off = deviations * bandwidth
    for place in (
        (west - off, north),
        (east + off, south),
        (west, south - off),
        (west, north + off),
    ):
        at = np.array([place[0]]), np.array([place[1]])
        found = heat_raster(at, one, kernel, GRID).density
        assert np.abs(found - exact(at, one, kernel, GRID)).max() <= STATED_ERROR * kernel.peak


@pytest.mark.usefixtures("loops")
@pytest.mark.parametrize("shape", COMPACT)
@settings(max_examples=40, deadline=None)
@given(drawn=weighted_places(), radius=st.floats(159.0, 2000.0))
def test_a_compact_raster_is_the_exact_sum(shape, drawn, radius):
    places, weight = drawn
    kernel = shape(radius)
    found = heat_raster(places, weight, kernel, GRID).density
    expected = exact(places, weight, kernel, GRID)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13 * kernel.peak)


@pytest.mark.parametrize("bandwidth", [75.0, 100.0, 300.0])
def test_compiled_and_plain_gaussians_agree_to_rounding(bandwidth, monkeypatch):
    places, weight = scattered(seed=3), np.ones(500)
    compiled = heat_raster(places, weight, GaussianHeat(bandwidth), GRID).density
    monkeypatch.setattr(heat, "kde_kernel", None)
    plain = heat_raster(places, weight, GaussianHeat(bandwidth), GRID).density
    assert np.abs(compiled - plain).max() <= 1e-13 * plain.max()


@pytest.mark.parametrize("shape", [QuarticHeat, TriweightHeat, EpanechnikovHeat])
def test_compiled_and_plain_compact_kernels_agree_to_rounding(shape, monkeypatch):
    places, weight = scattered(seed=4), np.ones(500)
    compiled = heat_raster(places, weight, shape(333.0), GRID).density
    monkeypatch.setattr(heat, "kde_kernel", None)
    plain = heat_raster(places, weight, shape(333.0), GRID).density
    assert np.abs(compiled - plain).max() <= 1e-13 * plain.max()


@pytest.mark.parametrize("shape", [GaussianHeat, *COMPACT])
def test_far_from_the_edges_the_pixels_add_up_to_the_events(shape):
    rng = np.random.default_rng(11)
    places, weight = tuple(rng.uniform(3000, 5000, (2, 50))), rng.random(50)
    grid = Grid(0.0, 0.0, 40.0, 200, 200)
    raster = heat_raster(places, weight, shape(300.0), grid)
    # A disc on pixels is jagged; a cone has a tip; the smoother the kernel, the better.
    tolerance = {UniformHeat: 1e-2, TriangularHeat: 1e-3}.get(shape, 1e-4)
    tolerance = 1e-7 if shape is GaussianHeat else tolerance
    total = raster.density.sum() * 40.0**2
    assert total == pytest.approx(weight.sum(), rel=tolerance)
    assert raster.events == pytest.approx(weight.sum(), rel=1e-14)


@pytest.mark.parametrize("kernel", [GaussianHeat(60.0), GaussianHeat(200.0), QuarticHeat(400.0)])
@given(drawn=weighted_places(fewest=1), seed=st.integers(0, 2**32), factor=st.floats(0.1, 10))
@settings(max_examples=25, deadline=None)
def test_a_raster_is_linear_in_the_weights_and_blind_to_their_order(kernel, drawn, seed, factor):
    (x, y), weight = drawn
    turn = np.random.default_rng(seed).permutation(weight.size)
    one = heat_raster((x, y), weight, kernel, GRID).density
    other = heat_raster((x[turn], y[turn]), factor * weight[turn], kernel, GRID).density
    rounding = 1e-13 * kernel.peak * (1 + factor * weight.sum())
    np.testing.assert_allclose(other, factor * one, rtol=0, atol=rounding)


def test_a_place_far_outside_the_grid_changes_nothing():
    far = np.array([585_700.0, 9e6, 1e308]), np.array([6_582_600.0, 0.0, -1e308])
    for kernel in (GaussianHeat(60.0), GaussianHeat(200.0), QuarticHeat(400.0)):
        here = tuple(axis[:1] for axis in far)
        with_them = heat_raster(far, np.ones(3), kernel, GRID)
        alone = heat_raster(here, np.ones(1), kernel, GRID)
        np.testing.assert_array_equal(with_them.density, alone.density)
        assert with_them.events == 3


@pytest.mark.usefixtures("loops")
@pytest.mark.parametrize("kernel", [GaussianHeat(60.0), GaussianHeat(200.0), QuarticHeat(400.0)])
@pytest.mark.parametrize("name", patterns())
def test_every_pattern_has_a_raster(name, kernel):
    places = patterns()[name]
    grid = Grid(CENTRE_M[0] - 1000, CENTRE_M[1] - 1000, 50.0, 40, 40)
    raster = heat_raster(places, np.ones(places[0].size), kernel, grid)
    expected = exact(places, np.ones(places[0].size), kernel, grid)
    assert np.abs(raster.density - expected).max() <= STATED_ERROR * expected.max()


def test_without_places_or_weight_the_raster_is_zero():
    nowhere = np.empty(0), np.empty(0)
    here = np.array([585_700.0]), np.array([6_582_600.0])
    for kernel in (GaussianHeat(60.0), GaussianHeat(200.0), QuarticHeat(400.0)):
        assert not heat_raster(nowhere, np.empty(0), kernel, GRID).density.any()
        assert not heat_raster(here, np.zeros(1), kernel, GRID).density.any()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_places_and_weights_are_checked(bad):
    here, one = (np.zeros(1), np.zeros(1)), np.ones(1)
    with pytest.raises(InvalidParameter, match="coordinates-not-finite"):
        heat_raster((np.array([bad]), np.zeros(1)), one, GaussianHeat(), GRID)
    with pytest.raises(InvalidParameter, match="weights-not-finite"):
        heat_raster(here, np.array([bad]), GaussianHeat(), GRID)
    with pytest.raises(InvalidParameter, match="weights-negative"):
        heat_raster(here, -one, GaussianHeat(), GRID)
    with pytest.raises(InvalidParameter, match="shapes-differ"):
        heat_raster(here, np.ones(2), GaussianHeat(), GRID)


@pytest.mark.parametrize("kernel", [GaussianHeat(200.0), QuarticHeat(600.0), TriangularHeat(500.0)])
def test_a_cell_as_wide_as_the_kernels_deviation_is_taken_and_a_wider_one_refused(kernel):
    here = np.array([50.0]), np.array([50.0])
    widest = Grid(0.0, 0.0, kernel.deviation_m, 5, 5)
    assert heat_raster(here, np.ones(1), kernel, widest).density.any()
    wider = Grid(0.0, 0.0, kernel.deviation_m * 1.001, 5, 5)
    with pytest.raises(InvalidParameter, match="grid-too-coarse"):
        heat_raster(here, np.ones(1), kernel, wider)


def test_a_grid_may_have_as_many_pixels_as_stated_and_not_one_more():
    side = 2000
    assert side * side == MOST_PIXELS
    Grid(0.0, 0.0, 10.0, side, side)
    Grid(0.0, 0.0, 10.0, 1, MOST_PIXELS)
    with pytest.raises(InvalidParameter, match="grid-too-large"):
        Grid(0.0, 0.0, 10.0, 1, MOST_PIXELS + 1)
    with pytest.raises(InvalidParameter, match="grid-too-large"):
        Grid(0.0, 0.0, 10.0, side + 1, side)
    assert grid_over((0.0, 0.0, 20_000.0, 20_000.0), 10.0).columns == side
    with pytest.raises(InvalidParameter, match="grid-too-large"):
        grid_over((0.0, 0.0, 20_001.0, 20_000.0), 10.0)


def test_a_gaussian_far_wider_than_its_cells_is_refused_before_it_fills_the_memory():
    grid = Grid(0.0, 0.0, 1.0, 10, 10)
    with pytest.raises(InvalidParameter, match="grid-too-fine") as fault:
        heat_raster((np.zeros(1), np.zeros(1)), np.ones(1), GaussianHeat(5000.0), grid)
    assert fault.value.values["pixels"] > MOST_PIXELS_WITH_MARGIN


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"cell_m": 0.0}, "not-positive"),
        ({"cell_m": np.nan}, "not-positive"),
        ({"cell_m": 1e-9}, "length-out-of-range"),
        ({"columns": 0}, "not-positive"),
        ({"rows": -1}, "not-positive"),
        ({"west_m": np.nan}, "grid-corner"),
        ({"south_m": np.inf}, "grid-corner"),
        ({"south_m": 1e300}, "grid-corner"),
    ],
)
def test_a_grid_that_is_none_is_refused(values, code):
    usual = {"west_m": 0.0, "south_m": 0.0, "cell_m": 50.0, "columns": 3, "rows": 3}
    with pytest.raises(InvalidParameter) as fault:
        Grid(**(usual | values))
    assert fault.value.code == code


@given(
    corner=st.tuples(st.floats(-1e6, 1e7), st.floats(-1e6, 1e7)),
    size=st.tuples(st.floats(0, 5000), st.floats(0, 5000)),
    cell=st.sampled_from([3.0, 25.0, 50.0, 100.0]),
)
def test_a_grid_over_bounds_covers_them_and_is_aligned(corner, size, cell):
    (west, south), (wide, high) = corner, size
    grid = grid_over((west, south, west + wide, south + high), cell)
    left, low, right, top = grid.bounds
    assert left <= west < left + cell * 1.000001
    assert low <= south < low + cell * 1.000001
    assert west + wide <= right <= west + wide + 2 * cell
    assert south + high <= top <= south + high + 2 * cell
    assert left / cell == round(left / cell)
    assert low / cell == round(low / cell)


@pytest.mark.parametrize(
    "bounds",
    [
        (0.0, 0.0, -1.0, 1.0),
        (0.0, 2.0, 1.0, 1.0),
        (np.nan, 0.0, 1.0, 1.0),
        (0.0, 0.0, 1.0, np.inf),
        (0.0, -1e300, 1.0, 1.0),
    ],
)
def test_bounds_the_wrong_way_round_or_without_end_are_refused(bounds):
    with pytest.raises(InvalidParameter, match="grid-bounds"):
        grid_over(bounds, 50.0)


def test_the_module_loads_and_counts_where_there_is_no_numba():
    code = (
        "import sys; sys.modules['numba'] = None\n"
        "import numpy as np\n"
        "from geo import heat\n"
        "from geo.kde import GaussianHeat\n"
        "assert heat.kde_kernel is None\n"
        "grid = heat.Grid(0.0, 0.0, 50.0, 20, 20)\n"
        "place = np.array([500.0]), np.array([500.0])\n"
        "print(heat.heat_raster(place, np.ones(1), GaussianHeat(150.0), grid).density.max())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    place = np.array([500.0]), np.array([500.0])
    grid = Grid(0.0, 0.0, 50.0, 20, 20)
    here = heat_raster(place, np.ones(1), GaussianHeat(150.0), grid).density.max()
    assert float(done.stdout) == pytest.approx(here, rel=1e-12)


@pytest.mark.parametrize("taps", [1, 5])
def test_the_plain_spread_does_what_the_compiled_one_says(taps):
    foot = np.exp(-0.5 / 1.3 * np.arange(taps + 1) ** 2)
    row, column = np.array([8.2, 9.5, 8.5]), np.array([10.0, 7.49, 9.5])
    weight = np.array([1.0, 2.0, 0.5])
    plain, compiled = np.zeros((2, 20, 20))
    heat._spread(plain, row, column, weight, foot)  # noqa: SLF001 - the twin of a compiled loop
    kde_kernel.spread(compiled, row, column, weight, foot)
    np.testing.assert_allclose(compiled, plain, rtol=1e-13)


@pytest.mark.deep
def test_a_city_of_a_hundred_thousand_places_is_right_to_a_hundred_millionth():
    rng = np.random.default_rng(5)
    hubs = rng.uniform(0, 30_000, (300, 2))
    x, y = (hubs[rng.integers(0, 300, 100_000)] + rng.normal(0, 500, (100_000, 2))).T
    weight = rng.geometric(1 / 6, x.size).astype(float)
    grid = Grid(0.0, 0.0, 50.0, 600, 600)
    for bandwidth in (100.0, 150.0, 300.0):
        found = heat_raster((x, y), weight, GaussianHeat(bandwidth), grid).density
        total = np.zeros(found.shape)
        for some in np.array_split(np.arange(x.size), 20):
            across = np.exp(-0.5 * ((x[some, None] - grid.x_m) / bandwidth) ** 2)
            up = np.exp(-0.5 * ((y[some, None] - grid.y_m) / bandwidth) ** 2)
            total += (weight[some, None] * up).T @ across
        total *= GaussianHeat(bandwidth).peak
        assert np.abs(found - total).max() <= 1e-8 * total.max()
