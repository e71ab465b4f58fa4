"""H3 cells against the library itself and against geometry."""

import h3.api.basic_int as h3
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo import cells, crs
from geo.errors import InvalidParameter
from tests.zoo import CENTRE_LONLAT

anywhere = st.tuples(st.floats(-180, 180), st.floats(-90, 90))
in_town = st.tuples(st.floats(16.4, 16.6), st.floats(59.3, 59.4))


def at(points):
    lon, lat = np.array(points, dtype=float).reshape(-1, 2).T
    return cells.index(lon, lat)


@given(st.lists(anywhere))
def test_each_point_lies_in_the_cell_that_h3_says(points):
    expected = [h3.latlng_to_cell(lat, lon, cells.FINEST) for lon, lat in points]
    found = at(points)
    assert found.dtype == np.int64
    assert found.tolist() == expected


@given(st.lists(anywhere), st.sampled_from(cells.RESOLUTIONS))
def test_parents_are_those_of_h3(points, resolution):
    fine = at(points)
    expected = [h3.cell_to_parent(cell, resolution) for cell in fine.tolist()]
    assert cells.parents(fine, resolution).tolist() == expected


@given(st.lists(in_town))
def test_a_parent_of_a_parent_is_the_parent(points):
    fine = at(points)
    for resolution in cells.RESOLUTIONS:
        direct = cells.parents(fine, resolution)
        by_ten = cells.parents(cells.parents(fine, max(resolution, 10)), resolution)
        np.testing.assert_array_equal(direct, by_ten if resolution < 11 else fine)


@pytest.mark.parametrize("resolution", [-1, 0, 7, 12, 15, 16])
def test_other_resolutions_are_refused(resolution):
    with pytest.raises(InvalidParameter) as refused:
        cells.parents(at([CENTRE_LONLAT]), resolution)
    assert refused.value.code == "resolution"


@given(in_town, st.sampled_from(cells.RESOLUTIONS))
def test_a_boundary_is_a_closed_ring_counter_clockwise_around_the_cell(point, resolution):
    cell = cells.parents(at([point]), resolution)
    (ring,) = cells.boundaries(cell)
    lat, lon = h3.cell_to_latlng(cell.item())
    assert len(ring) == 7
    assert ring[0] == ring[-1]
    assert shapely.LinearRing(ring).is_ccw
    assert cells.polygons(cell)[0].contains(shapely.Point(lon, lat))


def test_neighbours_meet_without_gap_or_overlap_after_rounding():
    disk = np.array(h3.grid_disk(at([CENTRE_LONLAT]).item(), 3))
    parts = cells.polygons(disk)
    whole = shapely.union_all(parts)
    assert whole.geom_type == "Polygon"
    assert not whole.interiors
    assert whole.area == pytest.approx(shapely.area(parts).sum(), rel=1e-9)


@pytest.mark.parametrize("resolution", cells.RESOLUTIONS)
def test_the_area_is_that_of_the_outline_in_metres(resolution):
    cell = cells.parents(at([CENTRE_LONLAT]), resolution)
    lon, lat = shapely.get_coordinates(cells.polygons(cell)).T
    flat = shapely.Polygon(np.column_stack(crs.transform(lon, lat, 4326, 3006)))
    # Sphere against ellipsoid, and SWEREF 99 TM shrinks areas here by 0.08 %.
    assert cells.areas_m2(cell).item() == pytest.approx(flat.area, rel=0.005)


def test_nothing_in_gives_nothing_out():
    none = at([])
    assert none.tolist() == []
    assert cells.parents(none, 8).tolist() == []
    assert cells.boundaries(none) == []
    assert cells.polygons(none).size == 0
    assert cells.areas_m2(none).size == 0


@given(anywhere, st.sampled_from(cells.RESOLUTIONS))
def test_reading_a_written_cell_gives_it_back(point, resolution):
    cell = cells.parents(at([point]), resolution).item()
    assert cells.parse(cells.name(cell)) == cell
    assert cells.name(cell) == h3.int_to_str(cell)
    assert cells.resolution(cell) == resolution


@pytest.mark.parametrize(
    "text", ["", "8f", "zz", "-1", "-5", "å", "0", "f" * 16, "f" * 40, "\ud800", "8b "]
)
def test_what_is_no_cell_is_refused(text):
    with pytest.raises(InvalidParameter) as refused:
        cells.parse(text)
    assert refused.value.code == "not-a-cell"


@given(st.text(max_size=20))
def test_whatever_stands_in_an_address_is_a_cell_or_refused(text):
    try:
        cell = cells.parse(text)
    except InvalidParameter:
        return
    assert h3.is_valid_cell(cell)
