"""Classical summaries of whole point patterns."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import InvalidParameter, TooFewObservations
from geo.pattern import MOST_QUADRATS, Quadrats, clark_evans, quadrat_test, ripley_k

AREA = shapely.box(0, 0, 1000, 800)
BOW_TIE = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])


def scattered(n, seed=1):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 1000, n), rng.uniform(0, 800, n)


def test_ripleys_k_by_hand():
    # Three events in a row, 100 m apart; the right one stands 50 m from the border.
    at = np.array([750.0, 850.0, 950.0]), np.full(3, 400.0)
    found = ripley_k(at, AREA, np.array([0.0, 50.0, 100.0, 200.0, 300.0, 401.0]))
    each = AREA.area / 3
    assert found.counted.tolist() == [3, 3, 2, 1, 0, 0]
    assert found.k_m2[:4] == pytest.approx([0, 0, (1 + 2) / 2 * each, 2 * each])
    assert np.isnan(found.k_m2[4:]).all()
    assert found.n == 3


@given(seed=st.integers(0, 2**32))
def test_ripleys_k_is_its_definition(seed):
    x, y = scattered(25, seed)
    found = ripley_k((x, y), AREA, np.array([30.0, 120.0]))
    apart = np.hypot(x[:, None] - x, y[:, None] - y)
    np.fill_diagonal(apart, np.inf)
    border = np.minimum.reduce([x, y, 1000 - x, 800 - y])
    for radius, k in zip((30.0, 120.0), found.k_m2, strict=True):
        far = border >= radius
        expected = (apart[far] <= radius).sum() / far.sum() * AREA.area / 25
        assert k == pytest.approx(expected)


def test_ripleys_k_of_chance_is_near_a_circle_and_of_a_pile_far_above():
    by_chance = ripley_k(scattered(4000), AREA, np.array([80.0]))
    assert by_chance.k_m2 == pytest.approx(by_chance.by_chance_m2, rel=0.05)
    pile = np.full(10, 500.0), np.full(10, 400.0)
    assert ripley_k(pile, AREA, np.zeros(1)).k_m2 == pytest.approx([9 * AREA.area / 10])


def test_clark_evans_by_hand():
    # A square lattice of side s: nearest neighbours at s, by chance s / 2.
    x, y = (each.ravel() for each in np.meshgrid(np.arange(50.0, 1000, 100), np.arange(8) * 100.0))
    found = clark_evans((x, y), AREA.area)
    assert found.ratio == pytest.approx(2)
    assert (found.mean_m, found.by_chance_m, found.n) == pytest.approx((100, 50, 80))
    assert found.z == pytest.approx((100 - 50) / (0.26136 * np.sqrt(800_000) / 80), rel=1e-5)
    assert found.p < 1e-15


def test_clark_evans_of_a_pile_is_zero_and_of_chance_near_one():
    pile = np.full(10, 500.0), np.full(10, 400.0)
    assert clark_evans(pile, AREA.area).ratio == 0
    found = clark_evans(scattered(4000), AREA.area)
    assert found.ratio == pytest.approx(1, abs=0.03)
    assert found.p > 0.001


def test_the_quadrat_test_by_hand():
    # Four tiles of 500 x 400 m with 4, 2, 1 and 1 events: expected 2 each, chi2 = 3.
    at = (
        np.array([10.0, 20.0, 30.0, 40.0, 900.0, 900.0, 10.0, 900.0]),
        np.array([10.0, 20.0, 30.0, 40.0, 10.0, 20.0, 700.0, 700.0]),
    )
    found = quadrat_test(at, AREA, Quadrats(2, 2))
    assert (found.chi2, found.degrees, found.fewest_expected, found.n) == pytest.approx(
        (3, 3, 2, 8)
    )
    assert found.p_clustered == pytest.approx(0.391625176)
    assert found.p_either == pytest.approx(2 * 0.391625176)


def test_tiles_count_by_their_area_inside():
    # The upper right quarter is missing, and half of the lower right one: areas 2 : 2 : 1.
    area = shapely.box(0, 0, 1000, 800).difference(
        shapely.union_all([shapely.box(500, 400, 1000, 800), shapely.box(500, 0, 750, 400)])
    )
    at = np.array([10.0, 20.0, 30.0, 40.0, 900.0]), np.array([10.0, 20.0, 700.0, 700.0, 10.0])
    found = quadrat_test(at, area, Quadrats(2, 2))
    assert found.degrees == 2
    assert found.chi2 == pytest.approx(0, abs=1e-12)
    assert found.p_clustered == pytest.approx(1)
    assert found.p_either == pytest.approx(0)


def test_events_outside_the_area_are_left_out():
    x, y = scattered(50)
    more = np.append(x, [-5.0, 2000.0]), np.append(y, [10.0, 10.0])
    assert quadrat_test(more, AREA, Quadrats()) == quadrat_test((x, y), AREA, Quadrats())
    radius = np.array([50.0, 90.0])
    with_them, without = (ripley_k(each, AREA, radius) for each in (more, (x, y)))
    np.testing.assert_array_equal(with_them.k_m2, without.k_m2)
    assert with_them.n == 50


@pytest.mark.parametrize(
    "summary",
    [
        lambda at, area: ripley_k(at, area, np.array([10.0])),
        lambda at, area: clark_evans(at, area.area),
        lambda at, area: quadrat_test(at, area, Quadrats()),
    ],
)
def test_fewer_than_two_events_or_none_at_all_are_too_few(summary):
    for n in (0, 1):
        with pytest.raises(TooFewObservations, match="pattern-events"):
            summary(scattered(n), AREA)
    with pytest.raises(InvalidParameter, match="coordinates-not-finite"):
        summary((np.array([1.0, np.nan]), np.ones(2)), AREA)


@pytest.mark.parametrize("area", [BOW_TIE, shapely.Polygon()])
def test_an_area_must_be_a_valid_one(area):
    with pytest.raises(InvalidParameter, match="study-area-unusable"):
        ripley_k(scattered(5), area, np.array([10.0]))
    with pytest.raises(InvalidParameter, match="study-area-unusable"):
        quadrat_test(scattered(5), area, Quadrats())


@pytest.mark.parametrize("radius", [-1.0, np.nan, np.inf])
def test_distances_must_be_distances(radius):
    with pytest.raises(InvalidParameter, match="distances-not-valid"):
        ripley_k(scattered(5), AREA, np.array([radius]))


@pytest.mark.parametrize("area", [0.0, -1.0, np.nan])
def test_the_area_of_clark_evans_must_be_positive(area):
    with pytest.raises(InvalidParameter, match="not-positive"):
        clark_evans(scattered(5), area)


def test_quadrats_must_be_several_and_not_too_many():
    assert Quadrats(1, MOST_QUADRATS).rows == MOST_QUADRATS
    for columns, rows in ((1, 1), (1, MOST_QUADRATS + 1)):
        with pytest.raises(InvalidParameter, match="quadrats"):
            Quadrats(columns, rows)
    with pytest.raises(InvalidParameter, match="not-positive"):
        Quadrats(0, 5)
