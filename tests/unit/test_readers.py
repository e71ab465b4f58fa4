"""Rows come out of a file as they went in, with their line and their raw text."""

import csv
import io
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo.errors import UnreadableFile
from pipelines import readers
from pipelines.readers import as_line, from_line, open_rows

IN_ONE_FOLDER = settings(
    max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
cell = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)
plain_cell = st.text("abcåäö 0123456789.,;\t\"'\n-", max_size=8)


def read(path, **options):
    source = open_rows(path, **options)
    batches = list(source.batches)
    return source, [
        row for rows in batches for row in zip(rows.lines, rows.raws, rows.cells, strict=True)
    ]


# --- raw texts ---------------------------------------------------------------------------------


@given(st.lists(cell, min_size=1, max_size=6), st.sampled_from(";,\t|"))
def test_a_raw_text_holds_its_cells(cells, delimiter):
    assert from_line(as_line(cells, delimiter), delimiter) == cells


def test_a_raw_text_has_no_line_end_of_its_own():
    assert as_line(["a", "b"]) == "a;b"
    assert as_line(["a\n", "b;"]) == '"a\n";"b;"'


# --- CSV ---------------------------------------------------------------------------------------


@IN_ONE_FOLDER
@given(
    st.lists(st.lists(plain_cell, min_size=3, max_size=3), min_size=1, max_size=8),
    st.sampled_from(";,\t|"),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_cells_lines_and_raw_texts_of_a_csv(tmp_path, rows, delimiter, end):
    text, first_lines = io.StringIO(), []
    table = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    table.writerow(["en", "två", "tre"])
    for row in rows:
        # A line ends where any of the three signs stands, whatever the file uses.
        before = text.getvalue().replace("\r\n", "\n").replace("\r", "\n")
        first_lines.append(before.count("\n") + 1)
        table.writerow(row)
    path = tmp_path / "a.csv"
    path.write_bytes(text.getvalue().encode())
    source, found = read(path, delimiter=delimiter)
    assert source.header == ["en", "två", "tre"]
    assert [cells for _, _, cells in found] == rows
    assert [line for line, _, _ in found] == first_lines
    for _, raw, cells in found:
        assert from_line(raw, delimiter) == cells


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
@pytest.mark.parametrize(
    "row",
    [["1,5", "a b", "x"], ["1", "2", "3"], ["", "", "x"], ["Storgatan 1, Torshälla", "y", ""]],
)
def test_the_delimiter_is_the_one_that_gives_every_row_as_many_cells(tmp_path, delimiter, row):
    path = tmp_path / "a.csv"
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([["a", "b", "c"], row, row])
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    assert open_rows(path).delimiter == delimiter


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("å;b\n1;2\n".encode(), "utf-8"),
        ("å;b\n1;2\n".encode("utf-8-sig"), "utf-8-sig"),
        ("å;b\n1;2\n".encode("cp1252"), "cp1252"),
        ("å;b\n1;2\n".encode("utf-16"), "utf-16"),
        ("\ufeffå;b\n1;2\n".encode("utf-16-be"), "utf-16"),
        (b"a;b\n1;2\n", "utf-8"),
        ("å;b\n1;€ – ”citat”\n".encode("cp1252"), "cp1252"),
        (b"a;b\n" + b"1;%d\n" % 10**99 * 12_000 + "å;2\n".encode("cp1252"), "cp1252"),  # far in
    ],
)
def test_the_encoding_is_recognised(tmp_path, content, encoding):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    source = open_rows(path)
    assert source.encoding == encoding
    assert source.header[0] in {"a", "å"}
    assert sum(len(rows.lines) for rows in source.batches) >= 1


def test_a_given_encoding_is_taken_at_its_word(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("gård;b\nÅ;2\n".encode("cp850"))
    source, found = read(path, encoding="cp850")
    assert source.header == ["gård", "b"]
    assert found[0][2] == ["Å", "2"]


def test_batches_hold_so_many_rows_and_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "ROWS_AT_ONCE", 10)
    path = tmp_path / "a.csv"
    path.write_text("a;b\n" + "1;2\n" * 25)
    assert [len(rows.lines) for rows in open_rows(path).batches] == [10, 10, 5]


@IN_ONE_FOLDER
@given(st.binary(max_size=200))
def test_any_bytes_are_rows_or_an_unreadable_file(tmp_path, content):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    try:
        source, found = read(path)
    except UnreadableFile:
        return
    assert source.header
    assert all(from_line(raw, source.delimiter) for _, raw, _ in found)


@IN_ONE_FOLDER
@given(st.text(max_size=200), st.sampled_from([";", ","]))
def test_any_text_is_rows_or_an_unreadable_file(tmp_path, text, delimiter):
    path = tmp_path / "a.csv"
    path.write_bytes(f"a{delimiter}b\n{text}".encode(errors="replace"))
    try:
        _, found = read(path)
    except UnreadableFile:
        return
    assert len(found) <= text.count("\n") + text.count("\r") + 1


# --- typed values ------------------------------------------------------------------------------

values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**18), 10**18),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=10),
)


@settings(IN_ONE_FOLDER, max_examples=25)  # each starts a child
@given(st.lists(st.fixed_dictionaries({"a": values, "b": values}), min_size=1, max_size=5))
def test_values_of_geojson_become_the_cells_a_csv_would_have(tmp_path, rows):
    features = [
        {
            "type": "Feature",
            "properties": {name: row[name] for name in ("a", "b")},
            "geometry": {"type": "Point", "coordinates": [16.5, 59.4]},
        }
        for row in rows
    ]
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    source, found = read(path)
    assert source.header == ["a", "b", "longitude", "latitude"]
    for number, (line, raw, cells) in enumerate(found, 1):
        assert line == number
        assert from_line(raw, readers.RAW_DELIMITER) == cells
        assert cells[2:] == ["16.5", "59.4"]
        for text, name in zip(cells, ("a", "b"), strict=False):
            written(text, rows[number - 1][name])


def written(text, value):
    """Check how a value was written."""
    if value is None:
        assert text == ""
    elif isinstance(value, bool):
        assert text == str(int(value))
    elif isinstance(value, int):
        assert text == str(value)
    elif isinstance(value, float):
        assert float(text) == value
    else:
        assert text == value.encode(errors="replace").decode().replace("\x00", "\ufffd")


def test_whole_numbers_have_no_decimals(tmp_path):
    path = tmp_path / "a.geojson"
    point = {"type": "Point", "coordinates": [16, 59.5]}
    feature = {"type": "Feature", "properties": {"id": 7.0}, "geometry": point}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    assert read(path)[1][0][2] == ["7", "16", "59.5"]


def test_properties_that_some_features_lack_are_empty_cells(tmp_path):
    path = tmp_path / "a.geojson"
    features = [
        {"type": "Feature", "properties": properties, "geometry": None}
        for properties in ({"a": 1}, {"b": 2}, None)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    source, found = read(path)
    assert source.header == ["a", "b", "longitude", "latitude"]
    assert [cells for _, _, cells in found] == [["1", "", "", ""], ["", "2", "", ""], [""] * 4]
