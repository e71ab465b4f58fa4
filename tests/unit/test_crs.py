"""Coordinate systems: known points, round trips, and recognising what a file is in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo import crs
from geo.errors import InvalidParameter

ENVELOPE = (15.9, 59.1, 17.0, 59.7)  # Eskilstuna, generously
SYSTEMS = (4326, 3006, 3010, 3021)
# The same spot in the centre of Eskilstuna in three systems, east then north.
SPOTS = {3006: (585_802, 6_582_337), 3010: (150_557, 6_583_998), 3021: (1_540_063, 6_583_578)}
UNKNOWN = [np.nan, np.inf, -np.inf]

longitudes = st.floats(ENVELOPE[0], ENVELOPE[2])
latitudes = st.floats(ENVELOPE[1], ENVELOPE[3])


def moved(x, y, source, target):
    east, north = crs.transform(np.array([x], float), np.array([y], float), source, target)
    return east.item(), north.item()


@pytest.mark.parametrize("source", SPOTS)
@pytest.mark.parametrize("target", SPOTS)
def test_the_centre_of_eskilstuna_is_one_spot_in_every_system(source, target):
    assert moved(*SPOTS[source], source, target) == pytest.approx(SPOTS[target], abs=1.5)


def test_longitude_comes_first_whatever_order_the_system_prefers():
    assert moved(*SPOTS[3006], 3006, 4326) == pytest.approx((16.51, 59.37), abs=0.01)


@given(st.lists(st.tuples(longitudes, latitudes), min_size=1), st.sampled_from(SYSTEMS))
def test_there_and_back_again_is_where_one_was(points, system):
    lon, lat = np.array(points).T
    back = crs.transform(*crs.transform(lon, lat, 4326, system), system, 4326)
    np.testing.assert_allclose(back, [lon, lat], atol=1e-9)


@given(st.lists(st.tuples(longitudes, latitudes), min_size=1, max_size=20))
def test_a_point_goes_to_the_same_place_alone_and_in_company(points):
    lon, lat = np.array(points * 2).T
    together = np.column_stack(crs.transform(lon, lat, 4326, 3006))
    alone = [moved(a, b, 4326, 3006) for a, b in points] * 2
    np.testing.assert_array_equal(together, alone)


def test_south_and_west_are_kept_apart_from_north_and_east():
    # Santiago lies 153 km west of its zone's middle and 3,701 km south of the equator.
    east, north = moved(-70.65, -33.44, 4326, 32719)
    assert (east, north) == pytest.approx((346_700, 6_298_600), abs=500)


def test_no_point_moves_to_no_point():
    east, north = crs.transform(np.empty(0), np.empty(0), 4326, 3006)
    assert (east.size, north.size) == (0, 0)


@pytest.mark.parametrize("bad", UNKNOWN)
def test_what_is_no_number_never_becomes_a_place_nor_disturbs_its_neighbours(bad):
    lon, lat = np.array([16.5, bad, 16.5]), np.array([bad, 59.4, 59.4])
    east, north = crs.transform(lon, lat, 4326, 3006)
    assert not np.isfinite(east[:2] + north[:2]).any()
    assert (east[2], north[2]) == moved(16.5, 59.4, 4326, 3006)


@pytest.mark.parametrize("code", [0, -1, 999_999])
def test_a_system_that_does_not_exist_is_refused(code):
    with pytest.raises(InvalidParameter) as refused:
        moved(16.5, 59.4, code, 3006)
    assert refused.value.code == "unknown-crs"
    with pytest.raises(InvalidParameter):
        crs.name(code)


@pytest.mark.parametrize(
    ("code", "metric"), [(3006, True), (3021, True), (4326, False), (2225, False), (5613, False)]
)
def test_metres_on_the_ground_are_told_from_degrees_feet_and_heights(code, metric):
    assert crs.is_metric(code) is metric


def test_a_system_can_be_named_and_described_without_a_word_of_warning():
    assert crs.name(3006) == "SWEREF99 TM"
    assert "+zone=33" in crs.proj4_definition(3006)


def test_the_border_of_an_envelope_belongs_to_it_and_nowhere_does_not():
    lon = np.array([15.9, 17.0, 15.8999, *UNKNOWN])
    lat = np.array([59.1, 59.7, 59.4, *UNKNOWN])
    assert crs.inside(lon, lat, ENVELOPE).tolist() == [True, True, False, False, False, False]


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("swapped", [False, True])
def test_the_system_of_a_file_is_recognised_even_with_north_and_east_swapped(system, swapped):
    rng = np.random.default_rng(1)
    lonlat = rng.uniform(16.3, 16.7, 50), rng.uniform(59.3, 59.45, 50)
    east, north = crs.transform(*lonlat, 4326, system)
    x, y = (north, east) if swapped else (east, north)
    assert crs.recognise(x, y, SYSTEMS, ENVELOPE) == (system, swapped, 1.0)


def test_a_few_strange_rows_do_not_hide_the_system():
    x = np.array([585_802.0, 585_900.0, 0.0, np.nan, np.inf])
    y = np.array([6_582_337.0, 6_582_400.0, 0.0, 6_582_337.0, -np.inf])
    assert crs.recognise(x, y, SYSTEMS, ENVELOPE) == (3006, False, 0.4)


def test_the_first_candidate_wins_a_tie():
    x, y = np.array([16.5]), np.array([59.4])
    assert crs.recognise(x, y, (4258, 4326), ENVELOPE)[0] == 4258  # the same to the metre
    assert crs.recognise(x, y, (4326, 4258), ENVELOPE)[0] == 4326


def test_a_file_from_elsewhere_fits_no_candidate():
    zeros = np.zeros(3)
    assert crs.recognise(zeros, zeros, SYSTEMS, ENVELOPE)[2] == 0
    assert crs.recognise(np.empty(0), np.empty(0), SYSTEMS, ENVELOPE)[2] == 0
