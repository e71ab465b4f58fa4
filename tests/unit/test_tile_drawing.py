"""Background shapes in tiles: a foreign reader finds what was drawn, cut and simplified."""

import mapbox_vector_tile
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.tile_drawing import encode
from geo.tiles import Frame

FRAME = Frame(west=1000.0, north=2000.0, size=1024.0)  # a quarter of a metre a unit
METRE = 4  # tile units


def column(*values):
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made


def read(body, layer="l"):
    """Let a foreign library read a layer, in the tile's own units, y to the south."""
    told = mapbox_vector_tile.decode(body, default_options={"y_coord_down": True})
    assert set(told) <= {layer}
    return told[layer]["features"] if told else []


def drawn(kind, *shapes, **columns):
    return encode("l", kind, column(*shapes), columns, FRAME)


def test_a_line_a_point_and_an_area_are_where_they_were():
    line = shapely.LineString([(1100, 1900), (1200, 1900), (1200, 1800)])
    (feature,) = read(drawn("LineString", line))
    assert feature["geometry"] == {
        "type": "LineString",
        "coordinates": [[100 * METRE, 100 * METRE], [200 * METRE, 100 * METRE], [800, 800]],
    }
    (feature,) = read(drawn("Point", shapely.Point(1001, 1999)))
    assert feature["geometry"] == {"type": "Point", "coordinates": [METRE, METRE]}
    hole = shapely.box(1100, 1700, 1300, 1900).difference(shapely.box(1150, 1750, 1250, 1850))
    (feature,) = read(drawn("Polygon", hole))
    area = shapely.geometry.shape(feature["geometry"])
    assert area.area == pytest.approx(hole.area * METRE**2)
    assert len(area.interiors) == 1


def test_what_is_known_of_a_shape_follows_each_of_its_parts():
    two = shapely.MultiLineString([[(1010, 1900), (1100, 1900)], [(1010, 1500), (1100, 1500)]])
    names = {"name": column("Provgatan", None), "kind": column("street", "path")}
    both = column(two, shapely.LineString([(1500, 1500), (1600, 1600)]))
    features = read(encode("l", "LineString", both, names, FRAME))
    assert [feature["properties"] for feature in features] == [
        {"name": "Provgatan", "kind": "street"},
        {"name": "Provgatan", "kind": "street"},
        {"kind": "path"},
    ]


def test_a_long_line_is_cut_at_the_buffer_and_not_drawn_elsewhere():
    far = shapely.LineString([(-90_000, 1500), (90_000, 1500)])
    (feature,) = read(drawn("LineString", far))
    x = [x for x, _ in feature["geometry"]["coordinates"]]
    assert (min(x), max(x)) == (-FRAME.buffer, FRAME.extent + FRAME.buffer)
    assert drawn("LineString", shapely.LineString([(0, 0), (10, 10)])) == b""
    assert drawn("Point", shapely.Point(0, 0)) == b""
    assert drawn("Polygon", shapely.box(0, 0, 10, 10)) == b""


def test_nothing_gives_no_bytes():
    for kind in ("Point", "LineString", "Polygon"):
        assert drawn(kind) == b""
        assert encode("l", kind, column(shapely.Polygon()), {}, FRAME) == b""


def test_what_is_smaller_than_a_unit_is_left_out():
    tiny = shapely.LineString([(1100, 1900), (1100.01, 1900.01)])
    assert drawn("LineString", tiny) == b""
    assert drawn("Polygon", shapely.box(1100, 1900, 1100.01, 1900.01)) == b""


def test_parts_of_another_kind_are_left_out():
    mixed = shapely.GeometryCollection(
        [shapely.Point(1100, 1900), shapely.box(1200, 1500, 1300, 1600)]
    )
    (feature,) = read(drawn("Polygon", mixed))
    assert feature["geometry"]["type"] == "Polygon"


corner = st.tuples(st.floats(-1000, 4000, allow_nan=False), st.floats(-1000, 4000, allow_nan=False))


@given(lines=st.lists(st.lists(corner, min_size=2, max_size=6), max_size=8))
def test_every_corner_of_any_lines_lies_on_a_line_within_a_pixel(lines):
    shapes = [shapely.LineString(line) for line in lines]
    features = read(drawn("LineString", *shapes, at=np.arange(len(shapes))))
    for feature in features:
        units = np.array(shapely.geometry.shape(feature["geometry"]).coords)
        metres = (FRAME.west, FRAME.north) + units * (1 / METRE, -1 / METRE)
        away = shapely.distance(shapes[feature["properties"]["at"]], shapely.points(metres))
        assert away.max() <= 2 / METRE
