"""Which column means what: by a mapping file, by a known header, or not at all."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import InvalidParameter
from pipelines import mapping
from pipelines.mapping import FIELDS, Layout, load, recognise, require_columns
from tests.desk import AREAS, POINTS, WALK

DOCS = Path(__file__).parents[2] / "docs"


# --- mapping files -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted((DOCS / "mappings").glob("*.toml")), ids=lambda p: p.stem)
def test_the_mappings_of_the_documentation_can_be_read(path):
    layout = load(path)
    assert layout.columns
    assert layout.source


@pytest.mark.parametrize("path", sorted((DOCS / "mappings").glob("*.toml")), ids=lambda p: p.stem)
def test_a_layout_survives_being_kept_with_an_import(path):
    layout = load(path)
    kept = json.loads(json.dumps(layout.document()))
    assert Layout.from_document(kept) == layout


@pytest.mark.parametrize("layout", mapping.KNOWN, ids=lambda layout: layout.source)
def test_the_known_layouts_survive_being_kept(layout):
    assert Layout.from_document(json.loads(json.dumps(layout.document()))) == layout


def test_what_a_mapping_does_not_say_is_as_usual(tmp_path):
    path = tmp_path / "m.toml"
    path.write_text('kind = "incidents"\nsource = " x "\n[columns]\nstarts = "T"\ncode = "K"\n')
    layout = load(path)
    assert layout.source == "x"
    assert layout.datetime_formats == mapping.DATETIMES
    assert (layout.encoding, layout.delimiter, layout.epsg) == ("", "", None)
    assert layout.uncertainty.default == mapping.COORDINATES_UNCERTAINTY_M
    assert layout.needed_columns() == {"T", "K"}


def test_every_column_that_a_mapping_reads_is_needed(tmp_path):
    path = tmp_path / "m.toml"
    path.write_text(
        'kind = "incidents"\nsource = "x"\n[columns]\nstarts = "T"\n'
        '[uncertainty]\ncolumn = "U"\n[when]\ncolumn = "W"\ncoordinates = ["a"]\n'
        '[date_only]\ncolumn = "D"\nvalues = ["b"]\n'
    )
    assert load(path).needed_columns() == {"T", "U", "W", "D"}


# --- headers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "kind", "source"),
    [
        (POINTS, "incidents", "polisen"),
        (AREAS, "incidents", "polisen"),
        (WALK, "observations", "trygghetsvandring"),
    ],
)
@given(data=st.data())
def test_a_known_header_is_known_in_any_order_case_and_padding(header, kind, source, data):
    names = data.draw(st.permutations(header))
    change = data.draw(st.sampled_from([str.upper, str.lower, str.title, str]))
    pad = data.draw(st.sampled_from(["", " ", "  "]))
    spelt = [f"{pad}{change(name)}{pad}" for name in names]
    layout = recognise(spelt, kind)
    assert layout.source == source
    plain = recognise(list(header), kind)
    assert set(layout.columns) == set(plain.columns)
    for field, column in layout.columns.items():
        assert column.strip().casefold() == plain.columns[field].casefold()


def test_the_two_police_layouts_are_told_apart():
    points, areas = recognise(list(POINTS), "incidents"), recognise(list(AREAS), "incidents")
    assert {"lon", "lat", "source_id", "starts"} <= set(points.columns)
    assert {"starts_date", "starts_time", "ends_date", "ends_time", "count"} <= set(areas.columns)
    assert areas.date_formats[0] == "%m/%d/%Y"


@pytest.mark.parametrize("kind", FIELDS)
def test_columns_named_as_our_fields_are_known(kind):
    header = [name.upper() for name in FIELDS[kind]]
    layout = recognise(header, kind)
    assert layout.columns == {name: name.upper() for name in FIELDS[kind]}


@pytest.mark.parametrize(
    "header",
    [
        ["a", "b", "c"],
        [""],
        [],
        ["ID;BROTTSKOD;LATITUDE;LONGITUDE"],
        ["brottskod", "gata", "antal"],
    ],
)
def test_a_header_that_says_too_little_is_refused(header):
    with pytest.raises(InvalidParameter, match="unknown-columns"):
        recognise(header, "incidents")


@pytest.mark.parametrize("twin", ["LATITUDE", "latitude", " Latitude "])
def test_two_columns_of_one_name_are_refused(twin):
    with pytest.raises(InvalidParameter, match="column-twice"):
        recognise([*POINTS, twin], "incidents")


def test_a_column_twice_that_nobody_reads_does_not_matter():
    layout = recognise([*POINTS, "Notering", "Notering"], "incidents")
    require_columns(layout, [*POINTS, "Notering", "Notering"])


def test_a_missing_column_is_named_beside_those_there_are():
    layout = Layout("incidents", "x", {"starts": "T", "code": "K"})
    with pytest.raises(InvalidParameter) as refused:
        require_columns(layout, ["T", "X"])
    assert refused.value.values == {"column": "K", "columns": "T, X"}


def test_a_layout_without_a_time_is_refused():
    with pytest.raises(InvalidParameter, match="column-for-time"):
        require_columns(Layout("incidents", "x", {"code": "K"}), ["K"])


def test_a_long_list_of_columns_is_cut_and_masked():
    shown = mapping.shown(["811218-9876", *("kolumn" * 3 for _ in range(100))])
    assert "811218" not in shown
    assert len(shown) <= 310


def test_no_field_is_for_a_person():
    for names in FIELDS.values():
        assert not {"name", "person", "victim", "offender", "suspect", "description"} & set(names)
