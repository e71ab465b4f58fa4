"""Densities against R's ks, spatstat and SpatialKDE/sfhotspot: golden/01 and golden/04."""

import csv
import json

import numpy as np
import pytest
import shapely
from geopandas import GeoSeries
from pyproj import Transformer

from geo.bandwidth import left_out_log_likelihood, normal_reference_width, scott_per_axis
from geo.edge import density_diggle_edge, density_uniform_edge, mass_inside
from geo.heat import Grid, heat_raster
from geo.kde import (
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
from geo.pattern import Quadrats, clark_evans, quadrat_test, ripley_k

KERNELS = {
    "quartic": QuarticHeat,
    "triweight": TriweightHeat,
    "epanechnikov": EpanechnikovHeat,
    "uniform": UniformHeat,
}
SPATIALKDE_QUARTIC = 116 / (5 * np.pi) * 15 / 16 * np.pi / 3  # its "scaled" constant: 7.25 x ours


def columns(path):
    with path.open() as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def numbers(path, *names):
    table = columns(path)
    return [table[name].astype(float) for name in names]


def close(ours, theirs, tolerance=1e-9):
    """Compare relatively wherever the reference exceeds 1e-12 of its maximum."""
    counts = theirs > 1e-12 * theirs.max()
    np.testing.assert_allclose(ours[counts], theirs[counts], rtol=tolerance, atol=0)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-11 * theirs.max())


@pytest.fixture(scope="module")
def golden(shared):
    return shared / "golden"


@pytest.fixture(scope="module")
def robberies(golden):
    """Give the 2,245 robberies in metres of EPSG:32615."""
    x, y = numbers(golden / "inputs/memphis_points.csv", "x_32615", "y_32615")
    return x, y


@pytest.fixture(scope="module")
def one_each(robberies):
    return np.ones(robberies[0].size)


@pytest.fixture(scope="module")
def city(shared):
    """Give the city of Memphis: its precincts, projected first and joined after.

    Joined first, a sliver of 7 square centimetres remains between two of them, whose border
    changes Ripley's K by up to 0.9 %.
    """
    path = shared / "data/crime/memphis_robberies_2019/memphis_precincts.geojson"
    read = json.loads(path.read_text("utf-8"))["features"]
    precincts = GeoSeries([shapely.geometry.shape(each["geometry"]) for each in read], crs=4326)
    return shapely.union_all(precincts.to_crs(32615).to_numpy())


@pytest.fixture(scope="module")
def in_city(robberies, city):
    inside = shapely.contains_xy(city, *robberies)
    return robberies[0][inside], robberies[1][inside]


@pytest.fixture(scope="module")
def summary(golden):
    return json.loads((golden / "04_kde_gaussian/summary.json").read_text("utf-8"))


@pytest.mark.parametrize("deviation", [250, 500, 1000])
def test_gaussian_density_on_a_grid_is_that_of_ks(deviation, golden, robberies, one_each):
    path = golden / "04_kde_gaussian/memphis_gauss_at_grid.csv"
    x, y, theirs = numbers(path, "cx", "cy", f"ks_gauss_pdf_s{deviation}")
    ours = density_at((x, y), robberies, one_each, GaussianHeat(float(deviation)))
    close(ours / one_each.sum(), theirs)


@pytest.mark.parametrize("deviation", [250, 500, 1000])
def test_gaussian_density_at_the_events_is_that_of_spatstat(deviation, golden, robberies, one_each):
    path = golden / "04_kde_gaussian/memphis_spatstat_at_points.csv"
    every, others = numbers(path, f"none_all_s{deviation}", f"none_loo_s{deviation}")
    kernel = GaussianHeat(float(deviation))
    close(density_at(robberies, robberies, one_each, kernel), every)
    close(density_without_itself(robberies, one_each, kernel), others)


@pytest.mark.parametrize(
    ("kernel", "column"),
    [
        (QuarticHeat(500 * np.sqrt(8)), "quartic_none_all_s500"),
        (EpanechnikovHeat(500 * np.sqrt(6)), "epan_none_all_s500"),
    ],
)
def test_spatstats_sigma_is_the_standard_deviation_of_our_kernel(
    kernel, column, golden, robberies, one_each
):
    (theirs,) = numbers(golden / "04_kde_gaussian/memphis_spatstat_at_points.csv", column)
    assert kernel.deviation_m == pytest.approx(500)
    close(density_at(robberies, robberies, one_each, kernel), theirs)


@pytest.mark.parametrize("name", KERNELS)
def test_sfhotspots_densities_are_ours_times_its_constants(name, golden, robberies, one_each):
    path = golden / "01_sfhotspot_memphis/kde_kernels_rect1000_bw3000.csv"
    x, y, peak_one, scaled = numbers(path, "cx", "cy", name, f"{name}_scaled")
    kernel = KERNELS[name](radius_m=3000.0)
    ours = density_at((x, y), robberies, one_each, kernel)
    close(ours / kernel.peak, peak_one)
    close(ours * (SPATIALKDE_QUARTIC if name == "quartic" else 1), scaled)


def test_spatialkdes_scaled_quartic_is_seven_and_a_quarter_times_the_true_density():
    assert pytest.approx(7.25) == SPATIALKDE_QUARTIC


def test_spatialkdes_triangle_is_a_disc_unless_it_is_told_to_decay(golden, robberies, one_each):
    # Its `decay` is 1 by default, which leaves 1 - (1 - decay) d / R = 1 everywhere.
    path = golden / "01_sfhotspot_memphis/kde_kernels_rect1000_bw3000.csv"
    x, y, theirs = numbers(path, "cx", "cy", "triangular_scaled")
    close(density_at((x, y), robberies, one_each, UniformHeat(3000.0)), theirs)
    ours = density_at((x, y), robberies, one_each, TriangularHeat(3000.0))
    assert np.abs(ours - theirs).max() > 0.1 * theirs.max()


@pytest.mark.parametrize("name", ["quartic", "epanechnikov"])
def test_the_raster_has_sfhotspots_densities_at_its_cell_centres(name, golden, robberies, one_each):
    path = golden / "01_sfhotspot_memphis/kde_kernels_rect1000_bw3000.csv"
    x, y, peak_one = numbers(path, "cx", "cy", name)
    across, up = (np.rint((each - each.min()) / 1000).astype(int) for each in (x, y))
    grid = Grid(x.min() - 500, y.min() - 500, 1000.0, int(across.max()) + 1, int(up.max()) + 1)
    kernel = KERNELS[name](radius_m=3000.0)
    raster = heat_raster(robberies, one_each, kernel, grid)
    close(raster.density[up, across] / kernel.peak, peak_one)


def test_the_gaussian_raster_is_ks_to_a_millionth_of_the_peak(golden, robberies, one_each):
    path = golden / "04_kde_gaussian/memphis_gauss_at_grid.csv"
    x, y, theirs = numbers(path, "cx", "cy", "ks_gauss_pdf_s500")
    # Cells of 200 m of which every fifth centre is one of the 1,000 m cells of the reference.
    across, up = (np.rint((each - each.min()) / 200).astype(int) for each in (x, y))
    grid = Grid(x.min() - 100, y.min() - 100, 200.0, int(across.max()) + 1, int(up.max()) + 1)
    raster = heat_raster(robberies, one_each, GaussianHeat(500.0), grid)
    ours = raster.density[up, across] / one_each.sum()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-7 * theirs.max())


def test_dual_density_is_sfhotspots_ratio_wherever_it_divides_by_something(
    golden, shared, robberies, one_each
):
    path = golden / "01_sfhotspot_memphis/dual_kde_ratio_rect1000_bw3000.csv"
    table = columns(path)
    known = ~np.isin(table["kde"], ["", "Inf"])
    at = table["cx"].astype(float), table["cy"].astype(float)
    theirs = np.array([float(v) if k else np.nan for v, k in zip(table["kde"], known, strict=True)])
    people = shared / "data/crime/memphis_robberies_2019/memphis_population.geojson"
    blocks = json.loads(people.read_text("utf-8"))["features"]
    lon, lat = np.array([each["geometry"]["coordinates"] for each in blocks]).T
    east, north = Transformer.from_crs(4326, 32615, always_xy=True).transform(lon, lat)
    residents = np.array([float(each["properties"]["population"]) for each in blocks])
    how = DensityRatio(QuarticHeat(3000.0), QuarticHeat(3000.0), floor_per_km2=1e-9)
    ours = density_ratio(at, (*robberies, one_each), (east, north, residents), how)
    np.testing.assert_array_equal(np.isnan(ours.ratio), ~known)
    np.testing.assert_allclose(ours.ratio[known], theirs[known], rtol=1e-9)


@pytest.fixture(scope="module")
def spatstats_mass(in_city, city):
    """Repeat how spatstat finds the mass inside: on 128 x 128 pixels, read at the nearest one."""
    west, south, east, north = city.bounds
    across, up = np.linspace(west, east, 129), np.linspace(south, north, 129)
    x, y = (across[1:] + across[:-1]) / 2, (up[1:] + up[:-1]) / 2
    mask = shapely.contains_xy(city, *np.meshgrid(x, y))
    step_x, step_y = x[1] - x[0], y[1] - y[0]
    blur_x, blur_y = (np.exp(-0.5 * ((each[:, None] - each) / 1000) ** 2) for each in (x, y))
    mass = blur_y @ mask @ blur_x * step_x * step_y / (2 * np.pi * 1000**2)
    row, column = (in_city[1] - south) // step_y, (in_city[0] - west) // step_x
    return mass[np.minimum(row, 127).astype(int), np.minimum(column, 127).astype(int)]


@pytest.fixture(scope="module")
def exact_mass(in_city, city):
    return mass_inside(in_city, GaussianHeat(1000.0), city)


def at_the_border(golden, column):
    table = columns(golden / "04_kde_gaussian/memphis_spatstat_at_points.csv")
    return table[column][table["inside_precincts"] == "TRUE"].astype(float)


def test_the_uniform_border_correction_is_spatstats_but_for_its_pixels(
    golden, in_city, city, spatstats_mass, exact_mass
):
    one_each = np.ones(in_city[0].size)
    ours = density_uniform_edge(in_city, in_city, one_each, GaussianHeat(1000.0), city)
    theirs = at_the_border(golden, "edge_uniform_s1000")
    np.testing.assert_allclose(ours * exact_mass / spatstats_mass, theirs, rtol=1e-6)


def test_diggles_border_correction_is_spatstats_but_for_its_pixels(
    golden, in_city, city, spatstats_mass, exact_mass
):
    raised = exact_mass / spatstats_mass
    ours = density_diggle_edge(in_city, in_city, raised, GaussianHeat(1000.0), city)
    theirs = at_the_border(golden, "edge_diggle_s1000")
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_spatstats_pixels_miss_the_mass_inside_by_a_few_hundredths(spatstats_mass, exact_mass):
    off = np.abs(spatstats_mass - exact_mass)
    assert np.median(off) < 1e-6
    assert 0.01 < off.max() < 0.06


def test_scotts_rule_is_spatstats(in_city, summary):
    ours = scott_per_axis(in_city, np.ones(in_city[0].size))
    np.testing.assert_allclose(ours, summary["bw.scott"], rtol=1e-12)


def test_the_normal_reference_rule_is_that_of_mass(robberies, one_each, summary):
    ours = [normal_reference_width(each, one_each) for each in robberies]
    np.testing.assert_allclose(ours, summary["MASS_bandwidth.nrd"], rtol=1e-12)


def test_sfhotspots_automatic_bandwidth_is_the_rule_for_x_alone(golden, robberies, one_each):
    theirs = json.loads((golden / "01_sfhotspot_memphis/meta.json").read_text("utf-8"))
    ours = normal_reference_width(robberies[0], one_each)
    assert ours == pytest.approx(theirs["bandwidth_nrd"], rel=1e-12)


def test_leaving_events_out_prefers_the_candidate_of_spatstats_bw_ppl(in_city, city, summary):
    # Its candidates: 16 in geometric steps from the smallest distance between two events that
    # is not zero to half the diameter of the city.
    points = np.column_stack(in_city)
    corners = shapely.get_coordinates(city.convex_hull)
    diameter = max(np.hypot(*(corners - corner).T).max() for corner in corners)
    distinct = np.unique(points, axis=0)
    apart = shapely.STRtree(shapely.points(distinct)).query_nearest(
        shapely.points(distinct), exclusive=True, return_distance=True
    )[1]
    candidates = np.geomspace(apart.min(), diameter / 2, 16)
    score = left_out_log_likelihood(in_city, np.ones(len(points)), candidates)
    assert candidates[score.argmax()] == pytest.approx(summary["bw.ppl"], rel=1e-7)


def test_ripleys_k_with_border_correction_is_spatstats(golden, in_city, city):
    path = golden / "04_kde_gaussian/memphis_ripley_K_border.csv"
    radius, theirs, chance = numbers(path, "r", "border", "theo")
    ours = ripley_k(in_city, city, radius)
    # The two areas differ by 4e-8 (34 of 792,909,417 m2), and with them the density of events.
    np.testing.assert_allclose(ours.k_m2, theirs, rtol=1e-7)
    np.testing.assert_allclose(ours.by_chance_m2, chance, rtol=1e-12)


def test_clark_evans_is_spatstats(in_city, summary):
    area = summary["pixel_image"]["area_km2"] * 1e6
    assert clark_evans(in_city, area).ratio == pytest.approx(summary["clarkevans"][0], rel=1e-12)


def test_the_quadrat_test_is_spatstats(in_city, city, summary):
    ours = quadrat_test(in_city, city, Quadrats(columns=5, rows=5))
    # The areas of the tiles come from two projections of the same outline.
    assert ours.chi2 == pytest.approx(summary["quadrat_5x5"]["chisq"], rel=1e-6)
    assert ours.p_either == pytest.approx(summary["quadrat_5x5"]["p"], rel=1e-3)
    assert ours.n == summary["pixel_image"]["n_inside"]
