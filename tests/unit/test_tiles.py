"""Vector tiles: what two foreign decoders read in them."""

import h3.api.basic_int as h3
import mapbox_vector_tile
import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo import crs
from geo.errors import InvalidParameter
from geo.tiles import (
    WEB_MERCATOR_QUAD,
    Frame,
    Pyramid,
    Shapes,
    encode,
    of_cells,
    of_polygons,
    web_mercator,
)
from tests.zoo import CENTRE_LONLAT

UNIT = Frame(0.0, 4096.0, 4096.0)  # a tile whose units are those of the plane, turned upside down


def plain(x, y):
    return x, y


def sweref(lon, lat):
    return crs.transform(lon, lat, 4326, 3006)


def town(k=2, resolution=10):
    lon, lat = CENTRE_LONLAT
    return np.array(h3.grid_disk(h3.latlng_to_cell(lat, lon, resolution), k), dtype=np.int64)


def tile_at(zoom, lonlat=CENTRE_LONLAT):
    """Name the tile that holds a place: zoom, column, row."""
    x, y = web_mercator(*np.array(lonlat, dtype=float).reshape(2, 1))
    size = WEB_MERCATOR_QUAD.size / 2**zoom
    column = (x.item() - WEB_MERCATOR_QUAD.west) // size
    return zoom, int(column), int((WEB_MERCATOR_QUAD.north - y.item()) // size)


def decoded(tile, layer="cells"):
    """Read a tile's features with the y axis as it is stored."""
    found = mapbox_vector_tile.decode(tile, default_options={"y_coord_down": True})
    return found[layer]["features"]


def properties(tile, layer="cells"):
    return [feature["properties"] for feature in decoded(tile, layer)]


def geometry(tile, layer="cells"):
    return np.array(
        [shapely.geometry.shape(f["geometry"]) for f in decoded(tile, layer)], dtype=object
    )


def in_units(polygons, frame):
    """Round plane polygons to tile units, plainly."""

    def to_units(xy):
        scale = frame.extent / frame.size
        x, y = (xy[:, 0] - frame.west) * scale, (frame.north - xy[:, 1]) * scale
        return np.rint(np.column_stack([x, y]))

    return shapely.transform(np.array(polygons, dtype=object), to_units)


def projected(cells, project):
    rings = [np.array(h3.cell_to_boundary(cell))[:, ::-1] for cell in cells.tolist()]
    return [shapely.Polygon(np.column_stack(project(*ring.T))) for ring in rings]


def test_every_hexagon_of_a_town_is_there_with_its_shape_and_place():
    frame = WEB_MERCATOR_QUAD.frame(*tile_at(12))
    cells = town(20)
    found = geometry(encode("cells", of_cells(cells, web_mercator), frame, {}))
    expected = in_units(projected(cells, web_mercator), frame)
    west, north, east, south = shapely.bounds(expected).T
    near = (west <= 4176) & (east >= -80) & (north <= 4176) & (south >= -80)
    assert 500 < near.sum() < cells.size
    assert shapely.equals(found, expected[near]).all()
    assert shapely.area(found).sum() == shapely.area(expected[near]).sum()


def test_an_own_projection_and_grid_serve_as_well():
    lantmateriet = Pyramid(-1_200_000.0, 8_500_000.0, 4096.0 * 256, tiles=4)
    zoom = 6
    size = lantmateriet.size / 2**zoom
    x, y = (v.item() for v in sweref(*np.array(CENTRE_LONLAT).reshape(2, 1)))
    frame = lantmateriet.frame(
        zoom, int((x - lantmateriet.west) // size), int((lantmateriet.north - y) // size)
    )
    assert frame.west <= x < frame.west + size
    cells = town(3)
    found = geometry(encode("cells", of_cells(cells, sweref), frame, {}))
    assert shapely.equals(found, in_units(projected(cells, sweref), frame)).all()


def test_gdal_reads_the_same_features(tmp_path):
    zoom, column, row = tile_at(12)
    frame = WEB_MERCATOR_QUAD.frame(zoom, column, row)
    shapes, cells = of_cells(town(2), web_mercator), town(2)
    columns = {"n": np.arange(19) - 5, "z": np.arange(19) / 7, "namn": [f"å{i}" for i in range(19)]}
    path = tmp_path / "0.mvt"
    path.write_bytes(encode("cells", shapes, frame, columns, ids=np.arange(100, 119)))
    found = pyogrio.read_dataframe(path, layer="cells", X=column, Y=row, Z=zoom, CLIP="NO")
    assert found["n"].tolist() == columns["n"].tolist()
    assert found["z"].tolist() == columns["z"].tolist()
    assert found["namn"].tolist() == columns["namn"]
    assert found["mvt_id"].tolist() == list(range(100, 119))
    assert found.crs.to_epsg() == 3857
    unit = frame.size / frame.extent
    expected = np.array(projected(cells, web_mercator), dtype=object)
    assert shapely.hausdorff_distance(found.geometry.to_numpy(), expected).max() < unit
    rounded = shapely.area(in_units(expected, frame)).sum() * unit**2
    assert found.geometry.area.sum() == pytest.approx(rounded, rel=1e-9)


def doubled_area(ring):
    """Give twice the area by the surveyor's formula of the specification, 4.3.3.3."""
    x, y = np.array(ring).T
    return (x[:-1] * y[1:] - x[1:] * y[:-1]).sum()


@pytest.mark.parametrize("turned", [False, True])
def test_outer_rings_are_positive_and_holes_negative_however_they_came(turned):
    outer, hole = [(0, 0), (90, 0), (90, 90), (0, 90)], [(30, 30), (60, 30), (60, 60), (30, 60)]
    polygon = shapely.Polygon(outer[::-1] if turned else outer, [hole if turned else hole[::-1]])
    (feature,) = decoded(encode("cells", of_polygons([polygon], plain), UNIT, {}))
    rings = feature["geometry"]["coordinates"]
    assert [doubled_area(ring) for ring in rings] == [2 * 8100, -2 * 900]


coordinates = st.tuples(st.integers(0, 4096), st.integers(0, 4096))


@given(st.lists(st.tuples(coordinates, st.integers(2, 200)), min_size=1, max_size=8))
def test_polygons_of_several_parts_and_holes_are_read_back(spots):
    parts = [
        shapely.box(x, y, x + 3 * size, y + 3 * size).difference(
            shapely.box(x + size, y + size, x + 2 * size, y + 2 * size)
        )
        for (x, y), size in spots
    ]
    whole = shapely.union_all(parts)
    single = [part for part in parts if part.bounds[0] <= 4176 and part.bounds[3] >= -80]
    found = geometry(encode("cells", of_polygons([whole, *single], plain), UNIT, {}))
    upside_down = shapely.transform(found, lambda xy: np.column_stack([xy[:, 0], 4096 - xy[:, 1]]))
    assert shapely.equals(upside_down, np.array([whole, *single], dtype=object)).all()


@given(
    st.lists(
        st.none() | st.text() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(),
        min_size=7,
        max_size=7,
    )
)
def test_properties_are_read_back_with_their_types(values):
    frame = WEB_MERCATOR_QUAD.frame(*tile_at(13))
    found = properties(encode("cells", of_cells(town(1), web_mercator), frame, {"v": values}))
    for value, properties_of_one in zip(values, found, strict=True):
        if value is None or (isinstance(value, float) and not np.isfinite(value)):
            assert properties_of_one == {}
        else:
            assert properties_of_one == {"v": value}
            assert type(properties_of_one["v"]) is type(value)


@pytest.mark.parametrize(
    "values",
    [
        np.arange(-3, 4),
        np.array([2**63 - 1, -(2**63), 0, 127, 128, -64, -65]),
        np.array([2**64 - 1, 2**63, 0, 1, 127, 128, 16384], dtype=np.uint64),
        np.array([0.1, -0.0, 1e300, 5e-324, 2.5, 1 / 3, 2.5]),
        np.array([1.5, 2.5] * 3 + [0], dtype=np.float32),
        np.array([True, False] * 3 + [True]),
        np.array(["å", "b", "b", "", "x" * 300, "a", "å"]),
    ],
)
def test_arrays_are_read_back(values):
    frame = WEB_MERCATOR_QUAD.frame(*tile_at(13))
    tile = encode("cells", of_cells(town(1), web_mercator), frame, {"v": values, "w": values})
    assert [one["v"] for one in properties(tile)] == values.tolist()
    assert [one["w"] for one in properties(tile)] == values.tolist()


def test_a_feature_without_a_value_lacks_the_property():
    frame = WEB_MERCATOR_QUAD.frame(*tile_at(13))
    z = np.array([1.5, np.nan, np.inf, -np.inf, 1.5, 0, 2])
    columns = {"z": z, "listed": z.tolist(), "n": [None] * 6 + ["a"]}
    found = properties(encode("cells", of_cells(town(1), web_mercator), frame, columns))
    assert [one.get("listed") for one in found] == [one.get("z") for one in found]
    assert [one.get("z") for one in found] == [1.5, None, None, None, 1.5, 0, 2]
    assert [set(one) for one in found][1:3] == [set(), set()]
    assert found[6] == {"z": 2, "listed": 2, "n": "a"}


def test_equal_values_are_stored_once():
    frame = WEB_MERCATOR_QUAD.frame(*tile_at(13))
    shapes = of_cells(town(1), web_mercator)
    same, other = (
        encode("cells", shapes, frame, {"v": [word] * 6 + [last]})
        for word, last in (("x" * 50, "x" * 50), ("x" * 50, "y" * 50))
    )
    assert (same.count(b"x" * 50), len(other) - len(same)) == (1, 54)


def test_ids_are_read_back():
    frame = WEB_MERCATOR_QUAD.frame(*tile_at(13))
    cells = town(1)
    found = decoded(encode("cells", of_cells(cells, web_mercator), frame, {}, ids=cells))
    assert [feature["id"] for feature in found] == cells.tolist()


def test_tiles_of_several_layers_are_their_bytes_side_by_side():
    frame = WEB_MERCATOR_QUAD.frame(*tile_at(13))
    shapes = of_cells(town(1), web_mercator)
    both = encode("cells", shapes, frame, {"n": [1] * 7}) + encode("områden", shapes, frame, {})
    assert (len(properties(both)), properties(both, "områden")) == (7, [{}] * 7)


def test_shapes_far_from_the_tile_are_left_out_with_their_properties():
    squares = [shapely.box(x, 0, x + 10, 10) for x in (-200, -85, 50, 4170, 4180)]
    found = properties(encode("cells", of_polygons(squares, plain), UNIT, {"n": range(5)}))
    assert [one["n"] for one in found] == [1, 2, 3]
    assert encode("cells", of_polygons(squares[:1], plain), UNIT, {"n": [1]}) == b""


def test_a_shape_that_surrounds_the_tile_is_kept():
    around = shapely.box(-9000, -9000, 9000, 9000)
    assert len(decoded(encode("cells", of_polygons([around], plain), UNIT, {}))) == 1


def test_rings_without_area_in_tile_units_are_left_out():
    thin = [
        shapely.box(10, 10, 10.2, 300),  # a line
        shapely.box(10, 10, 10.2, 10.2),  # a point
        shapely.box(10, 10, 12, 12),
        shapely.box(0, 0, 90, 90).difference(shapely.box(50, 50, 50.3, 50.3)),  # a hole lost
        shapely.box(0.1, 0.1, 0.4, 0.4).difference(shapely.box(0.2, 0.2, 0.3, 0.3)),
        shapely.Polygon(),
    ]
    found = decoded(encode("cells", of_polygons(thin, plain), UNIT, {"n": range(6)}))
    assert [feature["properties"]["n"] for feature in found] == [2, 3]
    assert len(found[1]["geometry"]["coordinates"]) == 1


def test_nothing_to_show_is_no_bytes():
    assert encode("cells", of_cells(np.empty(0, np.int64), web_mercator), UNIT, {}) == b""
    assert encode("cells", of_polygons([], plain), UNIT, {}) == b""
    assert encode("cells", of_polygons([shapely.Polygon()], plain), UNIT, {"n": [1]}) == b""


def test_the_world_is_a_square_in_web_mercator():
    x, y = web_mercator(np.array([-180.0, 0, 180]), np.array([85.0511287798066, 0, -90]))
    half = WEB_MERCATOR_QUAD.size / 2
    np.testing.assert_allclose(x, [-half, 0, half], atol=1e-6)
    np.testing.assert_allclose(y[:2], [half, 0], atol=1e-6)
    assert -half * 1.001 < y[2] < -half


@given(st.floats(-180, 180), st.floats(-85, 85))
def test_web_mercator_is_epsg_3857(lon, lat):
    lonlat = np.array([lon]), np.array([lat])
    np.testing.assert_allclose(web_mercator(*lonlat), crs.transform(*lonlat, 4326, 3857), atol=1e-6)


def test_tiles_of_a_zoom_level_lie_side_by_side_from_the_north_west():
    whole = WEB_MERCATOR_QUAD.frame(0, 0, 0)
    south_east = WEB_MERCATOR_QUAD.frame(1, 1, 1)
    assert (whole.west, whole.north) == (-whole.size / 2, whole.size / 2)
    assert (south_east.west, south_east.north, south_east.size) == (0, 0, whole.size / 2)


@pytest.mark.parametrize("tile", [(-1, 0, 0), (0, 1, 0), (0, 0, 1), (3, -1, 0), (3, 0, 8)])
def test_a_tile_that_is_none_is_refused(tile):
    with pytest.raises(InvalidParameter) as refused:
        WEB_MERCATOR_QUAD.frame(*tile)
    assert refused.value.code == "no-such-tile"


def test_a_national_grid_may_begin_with_several_tiles():
    grid = Pyramid(0.0, 4000.0, 1000.0, tiles=4)
    assert grid.frame(0, 3, 3) == Frame(3000.0, 1000.0, 1000.0)
    assert grid.frame(1, 7, 0) == Frame(3500.0, 4000.0, 500.0)
    with pytest.raises(InvalidParameter):
        grid.frame(1, 8, 0)


@pytest.mark.parametrize("size", [0, -1, np.nan, np.inf])
def test_a_tile_without_area_is_refused(size):
    with pytest.raises(InvalidParameter) as refused:
        Frame(0, 0, size)
    assert refused.value.code == "not-positive"


@pytest.mark.parametrize(
    ("columns", "ids"), [({"n": [1, 2]}, None), ({"n": [1]}, np.arange(2)), ({}, np.arange(0))]
)
def test_columns_of_another_length_are_refused(columns, ids):
    square = of_polygons([shapely.box(0, 0, 9, 9)], plain)
    with pytest.raises(InvalidParameter) as refused:
        encode("cells", square, UNIT, columns, ids)
    assert refused.value.code == "shapes-differ"


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_corners_that_are_nowhere_are_refused(bad):
    ring = np.array([0, 3]), np.array([0, 1]), np.zeros(1, dtype=bool)
    for x, y in [((0, 1, bad), (0, 1, 0)), ((0, 1, 1), (0, bad, 0))]:
        with pytest.raises(InvalidParameter) as refused:
            encode("cells", Shapes(np.array(x), np.array(y), *ring), UNIT, {})
        assert refused.value.code == "coordinates-not-finite"


def test_a_shape_too_large_for_whole_numbers_is_refused():
    with pytest.raises(InvalidParameter) as refused:
        encode("cells", of_polygons([shapely.box(-9, -9, 2e9, 9)], plain), UNIT, {})
    assert refused.value.code == "shape-too-large-for-tile"
