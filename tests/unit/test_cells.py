"""H3 cells against the library itself and against geometry."""

from itertools import combinations, pairwise

import h3.api.basic_int as h3
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
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


def lonlat_of(vectors):
    x, y, z = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).T
    return np.degrees([np.arctan2(y, x), np.arcsin(z)])


def solid_corners():
    """Give the directions of the 12 corners of H3's icosahedron."""
    lat, lon = np.radians([h3.cell_to_latlng(cell) for cell in h3.get_pentagons(0)]).T
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def awkward_spots(rng, n):
    """Give places where projections, grids and signs go wrong: (2, m) lon, lat."""
    corners = solid_corners()
    pairs = [(a, b) for a, b in combinations(corners, 2) if a @ b > 0]
    threes = [t for t in combinations(corners, 3) if all(a @ b > 0 for a, b in combinations(t, 2))]
    assert (len(pairs), len(threes)) == (30, 20)
    share = rng.random((n, 1))
    a, b = np.array(pairs)[rng.integers(0, 30, n)].transpose(1, 0, 2)
    return np.concatenate(
        [
            lonlat_of(corners),  # pentagons
            lonlat_of(np.array(threes).sum(axis=1)),  # centres of faces
            lonlat_of(a * share + b * (1 - share)),  # edges between faces
            lonlat_of(rng.normal(size=(n, 3))),  # anywhere
            [[0, 90, -90, 180, 180, -180, 0, 16.5], [90, -90, 89.9999, 0, 60, -60, 0, 59.37]],
        ],
        axis=1,
    )


def towns(rng, n):
    """Scatter points around awkward spots, from 10 cm to 5 km wide, so that many share a cell."""
    spots = awkward_spots(rng, 60)
    spread = 10.0 ** rng.uniform(-6, -1.3, n)
    lon, lat = spots[:, rng.integers(0, spots.shape[1], n)]
    lon = lon + rng.normal(0, spread) / np.maximum(np.cos(np.radians(lat)), 0.01)
    return (lon + 540) % 360 - 180, np.clip(lat + rng.normal(0, spread), -90, 90)


def on_edges(rng, n, resolution):
    """Put points on the borders of cells, or nanometres beside them."""
    spots = awkward_spots(rng, 200)
    some = [h3.latlng_to_cell(lat, lon, resolution) for lon, lat in spots.T]
    sides = []
    for ring in map(h3.cell_to_boundary, some):
        sides += list(zip(ring, (*ring[1:], ring[0]), strict=True))
    a, b = np.array(sides)[rng.integers(0, len(sides), n)].transpose(1, 2, 0)
    share = rng.choice([0, 0.5, 1, *rng.random(7)], n)
    lat, lon = a * share + b * (1 - share) + rng.choice([0, 1e-14, 1e-12, 1e-9], n)
    return lon, np.clip(lat, -90, 90)


def differences(rng, n):
    """Count points for which the array and the library differ, half of them on borders."""
    wrong = 0
    for made in (towns(rng, n // 2), on_edges(rng, n - n // 2, cells.FINEST)):
        lon, lat = made
        found = cells.index(lon, lat)
        points = zip(lat.tolist(), lon.tolist(), strict=True)
        wrong += int((found != [h3.latlng_to_cell(y, x, cells.FINEST) for y, x in points]).sum())
    return wrong


def test_200_000_awkward_points_lie_where_h3_says():
    assert differences(np.random.default_rng(11), 200_000) == 0


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(20))
def test_ten_million_awkward_points_lie_where_h3_says(seed):
    assert differences(np.random.default_rng(1000 + seed), 500_000) == 0


@pytest.mark.parametrize("resolution", range(16))
def test_points_are_indexed_at_any_resolution(resolution):
    rng = np.random.default_rng(resolution)
    parts = [towns(rng, 1500), on_edges(rng, 1500, resolution)]
    lon, lat = np.concatenate(parts, axis=1)
    points = zip(lat.tolist(), lon.tolist(), strict=True)
    expected = [h3.latlng_to_cell(y, x, resolution) for y, x in points]
    assert cells.index(lon, lat, resolution).tolist() == expected


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_point_that_is_nowhere_is_refused(bad):
    for lon, lat in [(bad, 59.0), (16.0, bad)]:
        with pytest.raises(InvalidParameter) as refused:
            at([CENTRE_LONLAT, (lon, lat)])
        assert refused.value.code == "coordinates-not-finite"


def test_indexing_leaves_its_input_alone():
    lon, lat = np.array([16.5, 16.6]), np.array([59.3, 59.4])
    cells.index(lon, lat)
    assert (lon.tolist(), lat.tolist()) == ([16.5, 16.6], [59.3, 59.4])


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


def awkward_disks(resolutions, seed, n=60):
    """Give disks of cells around awkward spots: pentagons, edges of faces and base cells."""
    rng = np.random.default_rng(seed)
    spots = awkward_spots(rng, n)
    corners = [h3.cell_to_boundary(cell)[0] for cell in h3.get_res0_cells()]
    spots = np.concatenate([spots, np.array(corners).T[::-1]], axis=1)
    for lon, lat in spots.T:
        resolution = int(rng.choice(resolutions))
        cell = h3.latlng_to_cell(lat, lon, resolution)
        yield np.array(h3.grid_disk(cell, int(rng.integers(0, 7))), dtype=np.int64)


def apart(found, expected):
    """Tell how far corners lie apart, in degrees of a great circle: (v, 2), (v, 2) -> (v,)."""
    lon, lat = np.abs(found - expected).T
    return np.hypot(np.minimum(lon, 360 - lon) * np.cos(np.radians(expected[:, 1])), lat)


@pytest.mark.parametrize("resolutions", [(0, 1, 2, 3), (7, 8), (9, 10), (11, 15)])
def test_outlines_are_those_of_h3_corner_by_corner(resolutions):
    for disk in awkward_disks(resolutions, seed=resolutions[0]):
        outlines = cells.rings(disk)
        assert outlines.starts.size == disk.size + 1
        for cell, a, b in zip(
            disk.tolist(), outlines.starts[:-1], outlines.starts[1:], strict=True
        ):
            expected = np.array(h3.cell_to_boundary(cell))[:, ::-1]
            ring = outlines.lonlat[a:b]
            assert len(ring) == len(expected) + 1
            # At a pole H3 takes the arc sine of nearly one and is off by up to a centimetre.
            assert apart(ring[:-1], expected).max() < (1e-9 if where_h3_is_exact(cell) else 2e-7)
            assert (ring[0] == ring[-1]).all()


def test_cells_of_several_resolutions_may_stand_side_by_side():
    fine = np.array(h3.grid_disk(at([CENTRE_LONLAT]).item(), 4))
    mixed = np.concatenate([cells.parents(fine, resolution) for resolution in (9, 11, 8)])
    expected = [len(h3.cell_to_boundary(cell)) + 1 for cell in mixed.tolist()]
    outlines = cells.rings(mixed)
    assert np.diff(outlines.starts).tolist() == expected
    assert cells.boundaries(mixed) == [r for c in mixed for r in cells.boundaries(c[None])]


@given(st.floats(-180, 180))
def test_degrees_are_rounded_as_python_rounds_them(degrees):
    tie = np.float64(round(degrees, 7) + 5e-8)
    values = np.array([degrees, tie, -tie, np.nextafter(tie, 0), np.nextafter(tie, 999)])
    assert (cells.rounded(values) / 1e7).tolist() == [round(v, 7) for v in values.tolist()]


def where_h3_is_exact(cell):
    """Tell whether H3's own formulas keep their digits: not at a pole or on the date line."""
    lat, lon = np.array(h3.cell_to_boundary(cell)).T
    return np.abs(lat).max() < 89 and np.ptp(lon) < 180


def area_with_more_digits(cell):
    """Add up a cell's spherical triangles around its first corner, with 64 bits of mantissa."""
    lat, lon = np.radians(np.array(h3.cell_to_boundary(cell), dtype=np.longdouble)).T
    corner = np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    excess = np.longdouble(0)
    for b, c in pairwise(corner[1:]):
        a = corner[0]
        volume = a @ np.cross(b - a, c - a)
        excess += 2 * np.arctan2(volume, 1 + a @ b + b @ c + c @ a)
    return float(excess * np.longdouble(cells.EARTH_RADIUS_M) ** 2)


@pytest.mark.parametrize("resolutions", [(0, 1, 2, 3), (7, 8, 9), (10, 11)])
def test_areas_are_those_of_h3(resolutions):
    for disk in awkward_disks(resolutions, seed=20 + resolutions[0]):
        some = np.array([cell for cell in disk.tolist() if where_h3_is_exact(cell)], np.int64)
        expected = [h3.cell_area(cell, unit="m^2") for cell in some.tolist()]
        np.testing.assert_allclose(cells.areas_m2(some), expected, rtol=1e-9)


@pytest.mark.parametrize("lonlat", [(180, 0), (180, 60), (-180, -16.8), (16.5, 59.37)])
def test_areas_are_exact_on_the_date_line_too(lonlat):
    # There h3.cell_area of H3 4.5 is wrong by up to 3e-6 of its value.
    disk = np.array(h3.grid_disk(h3.latlng_to_cell(lonlat[1], lonlat[0], 10), 3))
    expected = [area_with_more_digits(cell) for cell in disk.tolist()]
    np.testing.assert_allclose(cells.areas_m2(disk), expected, rtol=1e-9)


def test_a_disk_is_that_of_h3_and_shorter_around_a_pentagon():
    (pentagon,) = (cell for cell in h3.get_pentagons(9)[:1])
    plain = at([CENTRE_LONLAT]).item()
    for k in (1, 2):
        for cell in (pentagon, plain):
            row = cells.disks(np.array([cell]), k)[0]
            assert sorted(row[row != 0].tolist()) == sorted(h3.grid_disk(cell, k))
    assert (cells.disks(np.array([pentagon, plain]), 1) == 0).sum(axis=1).tolist() == [1, 0]


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


def test_only_the_cells_of_a_study_area_are_its_cover():
    disk = np.array(sorted(h3.grid_disk(cells.parents(at([CENTRE_LONLAT]), 9).item(), 3)))
    outline = shapely.union_all(cells.polygons(disk)).buffer(-1e-6)
    found = cells.cover(outline, 9)
    assert found.cells.tolist() == disk.tolist()
    np.testing.assert_allclose(found.area_m2, [h3.cell_area(c, "m^2") for c in disk], rtol=1e-9)
    assert ((found.share > 0.99) & (found.share <= 1)).all()
    assert (found.share == 1).sum() == 19  # the 18 on the rim have lost 10 cm


def by_trying_all(outline, resolution):
    """Try every cell near an outline: cell -> share of its area, plainly in degrees."""
    west, south, east, north = outline.bounds
    far = (
        max(east - west, north - south) * 111_000 / h3.average_hexagon_edge_length(resolution, "m")
    )
    middle = h3.latlng_to_cell((south + north) / 2, (west + east) / 2, resolution)
    near = h3.grid_disk(middle, int(far) + 2)
    around = (west + east) / 2  # a cell across the date line stays in one piece
    shapes = {
        c: shapely.Polygon([(x - 360 * round((x - around) / 360), y) for y, x in ring])
        for c, ring in ((c, h3.cell_to_boundary(c)) for c in near)
    }
    shares = {c: shape.intersection(outline).area / shape.area for c, shape in shapes.items()}
    return {c: share for c, share in shares.items() if share > 1e-9}


def star(lon, lat, radius, spikes, turn):
    angle = np.linspace(0, 2 * np.pi, 2 * spikes, endpoint=False) + turn
    far = np.where(np.arange(2 * spikes) % 2, radius, radius / 3)
    ring = np.column_stack([lon + 2 * far * np.cos(angle), lat + far * np.sin(angle)])
    return shapely.Polygon(ring)


def assert_covers(outline, resolution):
    expected = by_trying_all(outline, resolution)
    found = cells.cover(outline, resolution)
    assert found.cells.tolist() == sorted(expected)
    # Degrees shrink northwards within a cell; that is what the plain comparison gets wrong.
    plain = [expected[cell] for cell in found.cells.tolist()]
    np.testing.assert_allclose(found.share, plain, atol=2e-4)


@given(
    in_town,
    st.floats(0.0002, 0.01),
    st.integers(2, 40),
    st.floats(0, 1),
    st.sampled_from([9, 10]),
)
@settings(max_examples=25)
def test_every_cell_that_an_area_overlaps_is_found_with_its_share(
    at, size, spikes, turn, resolution
):
    assert_covers(star(*at, size, spikes, turn), resolution)


def test_holes_and_parts_are_respected():
    lon, lat = CENTRE_LONLAT
    ring = star(lon, lat, 0.02, 30, 0).difference(shapely.Point(lon, lat).buffer(0.004))
    both = shapely.union_all([ring, shapely.box(lon + 0.06, lat, lon + 0.08, lat + 0.01)])
    assert both.geom_type == "MultiPolygon"
    assert_covers(both, 9)


def test_an_area_inside_one_cell_is_a_part_of_it():
    cell = cells.parents(at([CENTRE_LONLAT]), 8)
    lat, lon = h3.cell_to_latlng(cell.item())
    found = cells.cover(shapely.Point(lon, lat).buffer(1e-4), 8)
    assert found.cells.tolist() == cell.tolist()
    assert 0 < found.share.item() < 0.01


@pytest.mark.parametrize("resolution", [8, 9, 10])
def test_the_parts_of_a_cover_add_up_to_the_area_on_the_sphere(resolution):
    outline = star(*CENTRE_LONLAT, 0.05, 60, 0.3)
    found = cells.cover(outline, resolution)
    lon, lat = np.radians(shapely.get_coordinates(shapely.segmentize(outline, 1e-4))).T
    flat = shapely.Polygon(np.column_stack([lon, np.sin(lat)]))  # equal areas (Lambert)
    whole = flat.area * cells.EARTH_RADIUS_M**2
    assert (found.share * found.area_m2).sum() == pytest.approx(whole, rel=1e-6)


@pytest.mark.parametrize("lonlat", [(-87.63, 41.88), (179.995, -16.8), (-179.995, -16.8), (0, 0)])
def test_areas_elsewhere_are_covered_too(lonlat):
    assert_covers(star(*lonlat, 0.002, 7, 0.1), 9)


@pytest.mark.parametrize("nothing", ["POLYGON EMPTY", "MULTIPOLYGON EMPTY"])
def test_an_empty_area_is_covered_by_nothing(nothing):
    found = cells.cover(shapely.from_wkt(nothing), 9)
    assert (found.cells.size, found.share.size, found.area_m2.size) == (0, 0, 0)
    assert found.cells.dtype == np.int64


@pytest.mark.parametrize(
    ("outline", "resolution", "code"),
    [
        (shapely.box(16, 59, 17, 60), -1, "resolution"),
        (shapely.box(16, 59, 17, 60), 16, "resolution"),
        (shapely.box(585_000, 6_580_000, 586_000, 6_581_000), 9, "outline-not-lonlat"),
        (shapely.box(-180, -10, 180, 10), 2, "outline-not-lonlat"),
        (shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), 5, "outline-invalid"),
        (shapely.box(0, 0, 90, 80), 9, "too-many-cells"),
    ],
)
def test_what_cannot_be_covered_is_refused(outline, resolution, code):
    with pytest.raises(InvalidParameter) as refused:
        cells.cover(outline, resolution)
    assert refused.value.code == code


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


@pytest.mark.parametrize("resolution", [9, 10, 11])
def test_children_are_those_of_h3_pentagons_included(resolution):
    middle = h3.latlng_to_cell(59.37, 16.51, 8)
    pentagon = h3.get_pentagons(8)[0]
    coarse = [*h3.grid_disk(middle, 2), *h3.grid_disk(pentagon, 1)]
    expected = sorted(child for cell in coarse for child in h3.cell_to_children(cell, resolution))
    assert cells.children(np.array(coarse), resolution).tolist() == expected


@pytest.mark.parametrize("resolution", [8, 7, 16])
def test_children_are_finer(resolution):
    cell = np.array([h3.latlng_to_cell(59.37, 16.51, 8)])
    with pytest.raises(InvalidParameter, match="resolution"):
        cells.children(cell, resolution)


def test_no_cell_has_no_children_and_no_middle():
    none = np.empty(0, dtype=np.int64)
    assert cells.children(none, 11).size == 0
    assert [axis.size for axis in cells.middles(none)] == [0, 0]


def test_the_middle_of_a_cell_lies_in_it():
    found = np.array(h3.grid_disk(h3.latlng_to_cell(59.37, 16.51, 10), 5))
    lon, lat = cells.middles(found)
    assert cells.index(lon, lat, 10).tolist() == found.tolist()
