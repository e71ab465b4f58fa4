"""GeoJSON bytes of cells: they parse to what plain dicts would hold."""

import json

import h3.api.basic_int as h3
import numpy as np
import orjson
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo import cells as grid
from geo.errors import InvalidParameter
from geo.hexagons import feature_collection
from tests.zoo import CENTRE_LONLAT

anywhere = st.tuples(st.floats(-180, 180), st.floats(-90, 90))
texts = st.text() | st.none()
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
names = st.text(max_size=10)


def town(k=2, resolution=10):
    lon, lat = CENTRE_LONLAT
    return np.array(h3.grid_disk(h3.latlng_to_cell(lat, lon, resolution), k), dtype=np.int64)


def plainly(cells, columns):
    """Build the collection as dicts, value by value."""
    rings = grid.boundaries(cells)
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": h3.int_to_str(cell),
                "geometry": {"type": "Polygon", "coordinates": [rings[i]]},
                "properties": {name: values[i] for name, values in columns.items()},
            }
            for i, cell in enumerate(cells.tolist())
        ],
    }


def assert_parses_to(written, expected):
    assert orjson.loads(written) == expected
    assert json.loads(written) == expected
    assert list(json.loads(written)) == list(expected)


@given(st.lists(anywhere, max_size=12), st.integers(0, 15))
def test_outlines_parse_to_those_of_the_cells_anywhere(spots, resolution):
    some = [h3.latlng_to_cell(lat, lon, resolution) for lon, lat in spots]
    cells = np.array([*some, h3.get_pentagons(resolution)[0]], dtype=np.int64)
    assert_parses_to(feature_collection(cells, {}), plainly(cells, {}))


@pytest.mark.parametrize(
    "lonlat", [(16.5, 59.4), (-87.6, 41.9), (0, 0), (0.00001, -0.00001), (-179.9, -80), (7.0, 51.0)]
)
def test_signs_and_short_degrees_are_written_right(lonlat):
    cells = np.array(h3.grid_disk(h3.latlng_to_cell(lonlat[1], lonlat[0], 11), 3))
    assert_parses_to(feature_collection(cells, {}), plainly(cells, {}))


def test_pentagons_and_cells_with_more_corners_stand_between_hexagons():
    pentagon = h3.get_pentagons(9)[4]
    cells = np.array(h3.grid_disk(pentagon, 30))  # the edges of five faces meet here
    sizes = {len(h3.cell_to_boundary(cell)) for cell in cells.tolist()}
    assert len(sizes) > 2
    rank = list(range(cells.size))
    assert_parses_to(feature_collection(cells, {"n": rank}), plainly(cells, {"n": rank}))


@given(
    st.dictionaries(names, st.lists(texts, min_size=7, max_size=7), max_size=3),
    st.dictionaries(names, st.lists(numbers | texts, min_size=7, max_size=7), max_size=3),
)
def test_properties_parse_to_what_went_in(words, mixture):
    columns = words | mixture
    cells = town(1)
    assert_parses_to(feature_collection(cells, columns), plainly(cells, columns))


@pytest.mark.parametrize(
    "values",
    [
        np.arange(-3, 4),
        np.arange(7, dtype=np.uint8),
        np.arange(7, dtype=np.int64)[::-1],
        np.array([0.1, -0.0, 1e300, 5e-324, 2.5, 1 / 3, 1e22]),
        np.array([True, False] * 3 + [True]),
        np.array(["å", "b", '"', "\\", "\n", "", "<"]),
        np.array(["a", None, 1, 2.5, True, "b", -7], dtype=object),
    ],
)
def test_arrays_of_any_kind_are_written_as_their_values(values):
    cells = town(1)
    columns = {"v": values.tolist()}
    assert_parses_to(feature_collection(cells, {"v": values}), plainly(cells, columns))


def test_what_json_lacks_becomes_null():
    values = np.array([1.5, np.nan, np.inf, -np.inf, 0, 2, 3])
    for column in (values, values.tolist()):
        features = orjson.loads(feature_collection(town(1), {"z": column}))["features"]
        shown = [feature["properties"]["z"] for feature in features]
        assert shown == [1.5, None, None, None, 0, 2, 3]


def test_one_and_true_stay_apart():
    columns = {"v": [1, True, 1.0, 0, False, "1", None]}
    features = orjson.loads(feature_collection(town(1), columns))["features"]
    shown = [feature["properties"]["v"] for feature in features]
    assert list(map(repr, shown)) == ["1", "True", "1.0", "0", "False", "'1'", "None"]


def test_rings_are_closed_counter_clockwise_and_have_seven_decimals():
    written = feature_collection(town(), {})
    for feature in orjson.loads(written)["features"]:
        (ring,) = feature["geometry"]["coordinates"]
        assert ring[0] == ring[-1]
        assert shapely.LinearRing(ring).is_ccw
        assert all(round(number, 7) == number for point in ring for number in point)


def test_more_members_come_before_the_features():
    members = {"numberMatched": 19, "links": [{"href": "å"}]}
    found = orjson.loads(feature_collection(town(), {}, members))
    assert list(found) == ["type", "numberMatched", "links", "features"]
    assert (found["links"], len(found["features"])) == ([{"href": "å"}], 19)


def test_no_cells_make_an_empty_collection():
    none = np.empty(0, dtype=np.int64)
    for columns in ({}, {"n": np.empty(0)}, {"n": []}):
        found = orjson.loads(feature_collection(none, columns))
        assert found == {"type": "FeatureCollection", "features": []}


def test_many_cells_are_written_in_their_order():
    cells = town(40)
    assert cells.size > 4096  # more than what is written at a time
    columns = {"n": list(range(cells.size))}
    assert_parses_to(feature_collection(cells, columns), plainly(cells, columns))


def test_a_column_that_is_too_short_is_refused():
    with pytest.raises(InvalidParameter) as refused:
        feature_collection(town(1), {"n": [1, 2]})
    assert refused.value.code == "shapes-differ"
