"""Bad input at the command line: one plain sentence, exit code 2, and nothing changed."""

import json
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import containers, readers
from tests.desk import AREAS, POINTS, WALK, csv_text, report, sighting

GOOD = csv_text(POINTS, [report(n) for n in range(1, 4)])
POINT = {"type": "Point", "coordinates": [16.5145, 59.3713]}
MAPPING = """
kind = "incidents"
source = "x"
[columns]
source_id = "ID"
code = "BROTTSKOD"
lat = "LATITUDE"
lon = "LONGITUDE"
starts = "BROTTSDATUMTID_START"
"""


@pytest.fixture
def refused(gpkg_desk, command):
    """Give a function that checks how a file is refused and gives the sentence."""

    def check(path, *options, kind="incidents"):
        before = gpkg_desk.sizes()
        code, out, err = command(gpkg_desk.url, "ingest", kind, path, *options)
        assert (code, out) == (2, "")
        assert err.count("\n") == 1, err
        assert err.strip().endswith((".", "?")), err
        assert gpkg_desk.sizes() == before
        return err

    return check


@pytest.fixture
def set_aside(gpkg_desk, command):
    """Give a function that takes rows in and gives what is said of the one that is set aside."""

    def check(*rows, header=POINTS, kind="incidents"):
        path = gpkg_desk.csv("rader.csv", rows, header)
        code, out, err = command(gpkg_desk.url, "ingest", kind, path)
        assert (code, err) == (0, "")
        assert "1 i karantän" in out
        (shown,) = (line for line in out.splitlines() if line.startswith("  Rad "))
        return shown.strip()

    return check


# --- files that cannot be read -----------------------------------------------------------------


def test_a_file_that_is_not_there(gpkg_desk, refused):
    assert "finns inte" in refused(gpkg_desk.folder / "saknas.csv")


def test_a_folder_instead_of_a_file(gpkg_desk, refused):
    assert "mapp" in refused(gpkg_desk.folder)


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx", "a.geojson", "a.parquet", "a", "a.txt"])
def test_an_empty_file(gpkg_desk, refused, name):
    assert refused(gpkg_desk.put(name, b"")) == f"Filen {name} är tom.\n"


@pytest.mark.parametrize("content", ["\n\n\r\n", "   \n", "\ufeff"])
def test_a_file_of_blanks(gpkg_desk, refused, content):
    assert "är tom" in refused(gpkg_desk.put("a.csv", content))


def test_a_header_without_rows(gpkg_desk, refused):
    assert "inga rader" in refused(gpkg_desk.csv("a.csv", []))
    assert "inga rader" in refused(gpkg_desk.xlsx("a.xlsx", []))


def test_rows_without_a_header(gpkg_desk, refused):
    text = GOOD.split("\r\n", 1)[1]
    assert "känns inte igen" in refused(gpkg_desk.put("a.csv", text))


def test_a_personal_number_in_a_missing_header_is_not_shown(gpkg_desk, refused):
    rows = [["1", "0357", "811218-9876", "Gatan"]] * 3
    assert "811218" not in refused(gpkg_desk.csv("a.csv", rows[1:], rows[0]))


def test_unknown_columns_are_listed(gpkg_desk, refused):
    said = refused(gpkg_desk.put("a.csv", "datum;plats;typ\n2026-03-06;Torget;Bråk\n"))
    assert "datum, plats, typ" in said
    assert "--mapping" in said


@pytest.mark.parametrize("delimiter", ["#", "^", " "])
def test_a_delimiter_nobody_uses(gpkg_desk, refused, delimiter):
    assert "avgränsaren" in refused(gpkg_desk.csv("a.csv", [report(1)], delimiter=delimiter))


def test_the_wrong_delimiter_in_a_mapping(gpkg_desk, refused):
    mapping = gpkg_desk.put("m.toml", f'delimiter = ","\n{MAPPING}')
    assert "”BROTTSDATUMTID_START” saknas" in refused(
        gpkg_desk.put("a.csv", GOOD), "--mapping", mapping
    )


def test_a_column_twice(gpkg_desk, refused):
    header = [*POINTS, "LATITUDE"]
    assert "”LATITUDE” finns mer än en gång" in refused(
        gpkg_desk.csv("a.csv", [[*report(1), "59,4"]], header)
    )


def test_two_columns_that_differ_by_case_only(gpkg_desk, refused):
    header = [*POINTS, "Latitude "]
    assert "mer än en gång" in refused(gpkg_desk.csv("a.csv", [[*report(1), "59,4"]], header))


def test_broken_utf8_names_line_and_column(gpkg_desk, refused):
    text = csv_text(POINTS, [report(1, GATA="Ågatan"), report(2, GATA="Ålgatan åå")]).encode()
    broken = text.replace("åå".encode(), b"\xc3\xa5\xc3")
    said = refused(gpkg_desk.put("a.csv", broken))
    line = broken.split(b"\r\n")[2]
    column = len(line[: line.index(b"\xc3;")].decode()) + 1
    assert f"rad 3, tecken {column}" in said


def test_bytes_that_no_encoding_has(gpkg_desk, refused):
    said = refused(gpkg_desk.put("a.csv", GOOD.encode() + b"4;\x81;\xff\n"))
    assert "rad 5" in said


def test_half_a_utf16_character(gpkg_desk, refused):
    assert "utf-16" in refused(gpkg_desk.put("a.csv", GOOD.encode("utf-16")[:-1]))


def test_an_unknown_encoding_in_a_mapping(gpkg_desk, refused):
    for name in ("utf-99", "base64"):
        mapping = gpkg_desk.put("m.toml", f'encoding = "{name}"\n{MAPPING}')
        assert name in refused(gpkg_desk.put("a.csv", GOOD), "--mapping", mapping)


def test_unbalanced_quotes_name_the_line_on_which_the_row_begins(gpkg_desk, refused):
    said = refused(gpkg_desk.put("a.csv", GOOD + '4;"0357;59,37;16,51\r\n5;0357\r\n'))
    assert "rad 5" in said
    assert "citattecknen" in said


def test_text_after_a_closing_quote(gpkg_desk, refused):
    assert "rad 5" in refused(gpkg_desk.put("a.csv", GOOD + '4;"0357"x;59,37\r\n'))


@pytest.mark.parametrize("length", [readers.LONGEST_CELL + 1, 200_000, 10_000_000])
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_cell_of_ten_megabytes(gpkg_desk, refused, length, quote):
    text = csv_text(POINTS, [report(1), report(2, GATA="#")])
    said = refused(gpkg_desk.put("a.csv", text.replace("#", quote + "x" * length + quote)))
    assert "rad 3" in said
    assert "10000 tecken" in said


def test_the_longest_cell_is_read(gpkg_desk):
    assert gpkg_desk.take_rows(report(1, GATA="x" * readers.LONGEST_CELL)).counts.accepted == 1


def test_a_header_of_ten_megabytes(gpkg_desk, refused):
    assert "rad 1" in refused(gpkg_desk.put("a.csv", "x" * 10_000_000))


def test_nul_bytes(gpkg_desk, refused):
    assert "textfil" in refused(gpkg_desk.put("a.csv", GOOD.replace("Eskilstuna", "Eskils\0tuna")))


def test_a_nul_byte_deep_in_a_long_file_names_its_line(gpkg_desk, refused):
    rows = [report(n, GATA="y" * 100) for n in range(8_000)]
    rows[7_500] = report(7_500, GATA="y\0y")
    assert "rad 7502" in refused(gpkg_desk.csv("a.csv", rows))


def test_utf16_without_a_mark(gpkg_desk, refused):
    assert "textfil" in refused(gpkg_desk.put("a.csv", GOOD.encode("utf-16-le")))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not read")
def test_a_file_that_may_not_be_read(gpkg_desk):
    path = gpkg_desk.put("a.csv", GOOD)
    path.chmod(stat.S_IWUSR)
    program = (
        "import os, sys; from pathlib import Path; import pipelines.readers as r, geo.errors as e\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: r.open_rows(Path(sys.argv[1]))\n"
        "except e.UnreadableFile as fault: print(fault.code)"
    )
    folders = [path.parent, *path.parent.parents]
    if not all(folder.stat().st_mode & stat.S_IXOTH for folder in folders):
        for folder in folders[:3]:
            folder.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False
    )
    assert done.stdout == "file-closed\n", done.stderr


# --- workbooks ---------------------------------------------------------------------------------


def workbook(desk, sheet, name="a.xlsx", *, extra=0):
    """Write a workbook whose only sheet has this XML."""
    book = openpyxl.Workbook()
    book.save(desk.folder / "empty.xlsx")
    path = desk.folder / name
    with (
        zipfile.ZipFile(desk.folder / "empty.xlsx") as source,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for member in source.infolist():
            content = source.read(member)
            target.writestr(member, sheet if "sheet1" in member.filename else content)
        for n in range(extra):
            target.writestr(f"xl/media/{n}.txt", "x")
    return path


def sheet_xml(cells, padding=""):
    return (
        '<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/'
        f'2006/main"><sheetData>{cells}</sheetData>{padding}</worksheet>'
    )


def test_a_workbook_that_inflates_a_hundredfold(gpkg_desk, refused):
    bomb = workbook(gpkg_desk, sheet_xml("", "<!--" + " " * 20_000_000 + "-->"))
    assert bomb.stat().st_size < 100_000
    assert "orimligt stor" in refused(bomb)


def test_a_workbook_of_too_many_members(gpkg_desk, refused):
    usual = len(zipfile.ZipFile(workbook(gpkg_desk, sheet_xml(""))).infolist())
    at_the_limit = workbook(gpkg_desk, sheet_xml(""), extra=containers.MOST_ENTRIES - usual)
    assert "är tom" in refused(at_the_limit)
    past_it = workbook(gpkg_desk, sheet_xml(""), extra=containers.MOST_ENTRIES - usual + 1)
    assert "orimligt stor" in refused(past_it)


@pytest.mark.parametrize("far", ["XFD1048576", "Z1048576", "XFD2000"])
@pytest.mark.parametrize("quote", ['"', "'"])
def test_one_stray_cell_far_away_is_a_bomb_too(gpkg_desk, refused, far, quote):
    cells = f'<row r="1"><c r="A1"><v>1</v></c><c r={quote}{far}{quote}><v>1</v></c></row>'
    assert "orimligt stor" in refused(workbook(gpkg_desk, sheet_xml(cells)))


def test_a_reference_across_two_parts_of_the_sheet_is_seen(gpkg_desk, refused):
    for shift in range(12):
        head = sheet_xml('<row r="1">').split("</sheetData>")[0]
        padding = " " * (readers.SAMPLE_BYTES - len(head) - shift)
        cells = f'<row r="1">{padding}<c r="XFD1048576"><v>1</v></c></row>'
        # Random padding would not compress below the ratio, blanks do: a bomb either way.
        assert "orimligt stor" in refused(workbook(gpkg_desk, sheet_xml(cells)))


@pytest.mark.parametrize("content", [b"PK\x03\x04", b"PK\x05\x06" + b"\0" * 18, b"ID;BROTTSKOD\n"])
def test_a_workbook_that_is_none(gpkg_desk, refused, content):
    assert "Excel-fil" in refused(gpkg_desk.put("a.xlsx", content))


def test_a_workbook_with_a_broken_member(gpkg_desk):
    whole = gpkg_desk.xlsx("a.xlsx", [report(n) for n in range(50)]).read_bytes()
    for at in range(60, len(whole), 97):
        broken = bytearray(whole)
        broken[at : at + 3] = bytes(255 - byte for byte in broken[at : at + 3])
        path = gpkg_desk.put("b.xlsx", bytes(broken))
        try:
            _header, *rows = readers.xlsx_rows(path)
        except readers.UnreadableFile:
            continue
        assert len(rows) == 50, at


def test_a_long_cell_in_a_workbook_names_its_row(gpkg_desk, refused):
    path = gpkg_desk.xlsx("a.xlsx", [report(1), report(2, GATA="x" * 20_000)])
    assert "rad 3" in refused(path)


def test_an_old_workbook_under_a_new_name(gpkg_desk, refused):
    ole = bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600
    assert "Excel-fil" in refused(gpkg_desk.put("a.xlsx", ole))
    assert "textfil" in refused(gpkg_desk.put("a.xls", ole))


# --- GeoJSON and Parquet -----------------------------------------------------------------------


def geojson(*features):
    return json.dumps({"type": "FeatureCollection", "features": list(features)})


def feature(geometry=POINT, **properties):
    known = dict(zip(POINTS, report(1), strict=True)) | properties
    return {"type": "Feature", "properties": known, "geometry": geometry}


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        "null",
        '"text"',
        '{"type": "FeatureCollection"}',
        '{"type": "FeatureCollection", "features": {}}',
        geojson(1),
        geojson({**feature(), "properties": [1, 2]}),
        geojson({**feature(), "properties": "text"}),
        geojson({**feature(), "geometry": "Point"}),
        geojson({**feature(), "geometry": [16.5, 59.4]}),
        geojson(feature()).encode()[:-40],
        geojson(feature()).encode("latin-1").replace(b"Eskilstuna", b"\xc3Eskil"),
        b"\xff\xfe\x00",
        "[" * 5_000 + "]" * 5_000,
        "[" * 200_000,
        '{"a":' * 5_000 + "1" + "}" * 5_000,
    ],
)
def test_geojson_that_is_none(gpkg_desk, refused, content):
    assert "GeoJSON" in refused(gpkg_desk.put("a.geojson", content))


def test_geojson_without_objects(gpkg_desk, refused):
    assert "är tom" in refused(gpkg_desk.put("a.geojson", geojson()))


@pytest.mark.parametrize("depth", [readers.GEOJSON_DEEPEST, 100, 500, 900, 5_000])
def test_geojson_nested_too_deep(gpkg_desk, refused, depth):
    text = geojson(feature(EXTRA="#")).replace('"#"', "[" * depth + "]" * depth)
    assert "GeoJSON" in refused(gpkg_desk.put("a.geojson", text))


def test_geojson_nested_as_deep_as_allowed(gpkg_desk):
    # The document, its list, the object and its properties are four levels of their own.
    depth = readers.GEOJSON_DEEPEST - 4
    text = geojson(feature(EXTRA="#")).replace('"#"', "[" * depth + "]" * depth)
    assert gpkg_desk.take(gpkg_desk.put("a.geojson", text)).counts.accepted == 1


def test_geojson_with_a_number_of_a_million_digits(gpkg_desk, refused):
    text = geojson(feature(EXTRA="#")).replace('"#"', "9" * 1_000_000)
    assert "GeoJSON" in refused(gpkg_desk.put("a.geojson", text))


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_coordinates_that_are_no_numbers_are_set_aside(desk, value):
    text = geojson(feature({"type": "Point", "coordinates": ["#", 59.37]})).replace('"#"', value)
    of = desk.take(desk.put("a.geojson", text))
    assert (of.counts.quarantined, of.details["reasons"]) == (1, {"not-a-number": 1})


@pytest.mark.parametrize(
    "geometry",
    [
        None,
        {},
        {"type": "Point"},
        {"type": "Point", "coordinates": []},
        {"type": "Point", "coordinates": [16.5]},
        {"type": "Point", "coordinates": {"x": 1}},
        {"type": "Point", "coordinates": "16.5 59.4"},
        {"type": "LineString", "coordinates": [[16.5, 59.4], [16.6, 59.4]]},
        {"type": "GeometryCollection", "geometries": []},
    ],
)
def test_an_object_without_a_point_has_no_place(gpkg_desk, geometry):
    placeless = feature(geometry, LATITUDE=None, LONGITUDE=None)
    of = gpkg_desk.take(gpkg_desk.put("a.geojson", geojson(placeless)))
    assert of.details["placed_by"] == {"none": 1}


def test_an_object_without_a_point_keeps_the_coordinates_it_names(gpkg_desk):
    of = gpkg_desk.take(gpkg_desk.put("a.geojson", geojson(feature(None))))
    assert of.details["placed_by"] == {"coordinates": 1}


@pytest.mark.parametrize("spelt", [r"a\u0000b", r"\ud800", r"\udfff x", r"\u0000"])
def test_characters_that_no_database_keeps(desk, spelt):
    text = geojson(feature(GATA="#"), feature(ID="2", ANTAL="x", GATA="#")).replace("#", spelt)
    of = desk.take(desk.put("a.geojson", text))
    assert (of.counts.accepted, of.counts.quarantined) == (1, 1)


def test_a_huge_integer_as_an_id_and_as_a_count(desk):
    text = geojson(feature(ID=10**300), feature(ID=2, ANTAL=10**300), feature(ID=3, ANTAL=2**63))
    of = desk.take(desk.put("a.geojson", text))
    assert of.details["reasons"] == {"count-out-of-range": 2}


@pytest.mark.parametrize("content", [b"PAR1", b"PAR1" * 10, b"x" * 100])
def test_parquet_that_is_none(gpkg_desk, refused, content):
    assert "Parquet" in refused(gpkg_desk.put("a.parquet", content))


def test_parquet_that_is_broken_in_the_middle(gpkg_desk):
    columns = zip(POINTS, zip(*(report(n) for n in range(500)), strict=True), strict=True)
    path = gpkg_desk.folder / "a.parquet"
    pq.write_table(pa.table({name: list(cells) for name, cells in columns}), path)
    whole = path.read_bytes()
    refusals = 0
    for at in range(8, len(whole), 61):
        broken = bytearray(whole)
        broken[at : at + 3] = bytes(255 - byte for byte in broken[at : at + 3])
        path.write_bytes(broken)
        try:
            _header, *rows = readers.parquet_rows(path)
            assert len(rows) <= 500
        except readers.UnreadableFile:
            refusals += 1
    assert refusals > 10


# --- rows that cannot be accepted: line, column and reason -------------------------------------


@pytest.mark.parametrize(
    ("cells", "column", "words"),
    [
        ({"BROTTSDATUMTID_START": "2026-02-30 10:00"}, "BROTTSDATUMTID_START", "finns inte"),
        ({"BROTTSDATUMTID_START": "30.02.2026"}, "BROTTSDATUMTID_START", "finns inte"),
        ({"BROTTSDATUMTID_START": "20260230"}, "BROTTSDATUMTID_START", "finns inte"),
        ({"BROTTSDATUMTID_START": "2026-03-06 24:00"}, "BROTTSDATUMTID_START", "nästa dag"),
        ({"BROTTSDATUMTID_START": "2026-03-06 25:00"}, "BROTTSDATUMTID_START", "går inte att läsa"),
        ({"BROTTSDATUMTID_START": "03-04-2024"}, "BROTTSDATUMTID_START", "går inte att läsa"),
        ({"BROTTSDATUMTID_START": "03/04/2024"}, "BROTTSDATUMTID_START", "går inte att läsa"),
        ({"BROTTSDATUMTID_START": "2026-W10-5"}, "BROTTSDATUMTID_START", "går inte att läsa"),
        ({"BROTTSDATUMTID_START": "fredag kväll"}, "BROTTSDATUMTID_START", "går inte att läsa"),
        ({"BROTTSDATUMTID_START": "46000.5"}, "BROTTSDATUMTID_START", "går inte att läsa"),
        ({"BROTTSDATUMTID_START": ""}, "BROTTSDATUMTID_START", "saknas"),
        ({"BROTTSDATUMTID_START": "1900-01-01"}, "BROTTSDATUMTID_START", "orimligt gammal"),
        ({"BROTTSDATUMTID_START": "1970-01-01 01:00"}, "BROTTSDATUMTID_START", "orimligt gammal"),
        (
            {"BROTTSDATUMTID_START": "2090-01-01", "BROTTSDATUMTID_SLUT": ""},
            "BROTTSDATUMTID_START",
            "framtiden",
        ),
        ({"BROTTSDATUMTID_SLUT": "2026-03-06 23:29"}, "BROTTSDATUMTID_SLUT", "före starttiden"),
        ({"BROTTSDATUMTID_START": "2024-01-01"}, "BROTTSDATUMTID_SLUT", "mer än ett år"),
        ({"BROTTSDATUMTID_SLUT": "2026-02-29"}, "BROTTSDATUMTID_SLUT", "finns inte"),
        ({"INSKRIVNINGSDATUM": "2026-13-01"}, "INSKRIVNINGSDATUM", "finns inte"),
        ({"LATITUDE": "norr"}, "LATITUDE", "är inget tal"),
        ({"LONGITUDE": "16°30'52\""}, "LONGITUDE", "är inget tal"),
        ({"LONGITUDE": "1e999"}, "LONGITUDE", "är inget tal"),
        ({"LATITUDE": ""}, "LATITUDE", "bara den ena"),
        ({"LATITUDE": "0", "LONGITUDE": "0,000"}, "LATITUDE", "0/0"),
        ({"LATITUDE": "0", "LONGITUDE": "59"}, "LATITUDE", "utanför kommunen"),
        ({"LONGITUDE": "-16,5145"}, "LATITUDE", "utanför kommunen"),
        ({"LATITUDE": "16,5145", "LONGITUDE": "59,3713"}, "LATITUDE", "utanför kommunen"),
        ({"ANTAL": "två"}, "ANTAL", "är inget tal"),
        ({"ANTAL": "0"}, "ANTAL", "heltal"),
        ({"ANTAL": "1001"}, "ANTAL", "heltal"),
        ({"ANTAL": "1,5"}, "ANTAL", "heltal"),
        ({"ANTAL": "-3"}, "ANTAL", "heltal"),
        ({"BROTTSKOD": "9999"}, "BROTTSKOD", "finns inte i tabellen"),
        ({"BROTTSKOD": "0357; DROP"}, "BROTTSKOD", "finns inte i tabellen"),
        ({"BROTTSKOD": ""}, "BROTTSKOD", "saknas"),
        ({"ID": ""}, "ID", "id saknas"),
        ({"ID": "1", "ANTAL": "2"}, "ID", "annat innehåll"),
    ],
)
def test_a_bad_cell_is_named_by_line_column_and_reason(set_aside, cells, column, words):
    shown = set_aside(report(1), report(2), report(3, **cells), report(4))
    assert shown.startswith(f"Rad 4, kolumn {column}: ")
    assert words in shown


def test_tomorrow_is_the_future(gpkg_desk):
    soon = {"BROTTSDATUMTID_START": "2026-11-02 00:00", "BROTTSDATUMTID_SLUT": ""}
    of = gpkg_desk.take_rows(report(1, **soon))
    assert of.details["reasons"] == {"time-in-future": 1}


def test_limits_of_numbers_and_times_are_inside(gpkg_desk):
    of = gpkg_desk.take_rows(
        report(1, ANTAL="1000"),
        report(2, ANTAL=" 2,0 "),
        report(3, BROTTSDATUMTID_START="1990-01-01 00:00", BROTTSDATUMTID_SLUT=""),
        report(4, BROTTSDATUMTID_START="2026-11-01 23:59", BROTTSDATUMTID_SLUT=""),
        report(5, BROTTSDATUMTID_START="2025-03-05 23:30", BROTTSDATUMTID_SLUT="2026-03-06 23:30"),
        report(6, BROTTSDATUMTID_SLUT="2026-03-06 23:30:00.000"),
    )
    assert of.details["reasons"] == {}


@pytest.mark.parametrize("extra", [["x"], []])
def test_a_ragged_row_is_set_aside_whole(gpkg_desk, set_aside, extra):
    row = [*report(2), *extra] if extra else report(2)[:-1]
    shown = set_aside(report(1), row, report(3))
    assert shown == f"Rad 3: raden har fel antal celler ({len(row)})."
    assert gpkg_desk.one("SELECT raw FROM quarantined") == ";".join(row)


@pytest.mark.parametrize(
    ("cells", "column", "words"),
    [
        ({"Typ": "ufo"}, "Typ", "okänd"),
        ({"Typ": ""}, "Typ", "saknas"),
        ({"Allvar": "4"}, "Allvar", "0, 1, 2 eller 3"),
        ({"Allvar": "-1"}, "Allvar", "0, 1, 2 eller 3"),
        ({"Allvar": "1,5"}, "Allvar", "0, 1, 2 eller 3"),
        ({"Allvar": "hög"}, "Allvar", "är inget tal"),
        ({"Ljus": "skymning"}, "Ljus", "varken ljust eller mörkt"),
        ({"Datum": "2026-02-30"}, "Datum", "finns inte"),
    ],
)
def test_a_bad_cell_of_a_walk_is_named_by_line_column_and_reason(set_aside, cells, column, words):
    shown = set_aside(sighting(), sighting(**cells), header=WALK, kind="observations")
    assert shown.startswith(f"Rad 3, kolumn {column}: ")
    assert words in shown


@pytest.mark.parametrize(
    ("place", "cell", "words"),
    [
        (8, "2400", "nästa dag"),
        (8, "2360", "går inte att läsa som klockslag"),
        (8, "kväll", "går inte att läsa som klockslag"),
        (9, "24:00", "nästa dag"),
        (6, "02/30/2026", "finns inte"),
        (6, "13/13/2026", "finns inte"),
        (6, "30/01/2026", "går inte att läsa"),  # the layout has the month first
    ],
)
def test_a_bad_cell_of_the_layout_with_two_columns_for_a_time(set_aside, place, cell, words):
    good = ["03/07/2026", "N", "B", "Gatan", "0357", "1", "03/06/2026", "", "2330", ""]
    bad = [cell if n == place else usual for n, usual in enumerate(good)]
    if place == 9:
        bad[7] = "03/06/2026"
    shown = set_aside(good, bad, header=AREAS)
    assert words in shown
    assert f"kolumn {AREAS[place]}:" in shown


def test_the_line_of_a_row_counts_line_breaks_in_cells(gpkg_desk):
    gpkg_desk.take_rows(report(1, GATA="a\nb\nc"), report(2), report(3, ANTAL="x"))
    assert gpkg_desk.set_aside()[0][0] == 6


# --- coordinates that lie elsewhere ------------------------------------------------------------


@pytest.mark.parametrize(
    ("swap", "words"),
    [(False, "EPSG:3006"), (True, "om öst och nord byter plats")],
)
def test_the_right_system_is_suggested(gpkg_desk, refused, swap, words):
    easting, northing = ("LATITUDE", "LONGITUDE") if swap else ("LONGITUDE", "LATITUDE")
    rows = [report(n, **{easting: "585802", northing: "6582337"}) for n in range(5)]
    said = refused(gpkg_desk.csv("a.csv", rows), *([] if swap else ["--crs", "4326"]))
    assert words in said
    assert swap or "--crs 3006" in said


def test_points_of_another_town_are_refused(gpkg_desk, refused):
    rows = [report(n, LATITUDE="57,7089", LONGITUDE="11,9746") for n in range(5)]
    assert "utanför Eskilstuna kommun" in refused(gpkg_desk.csv("a.csv", rows))


def test_half_of_the_points_elsewhere_is_the_limit(gpkg_desk, refused):
    far = {"LATITUDE": "57,7089", "LONGITUDE": "11,9746"}
    rows = [report(n, **(far if n % 2 else {})) for n in range(11)]
    of = gpkg_desk.take(gpkg_desk.csv("a.csv", rows[:10]))
    assert (of.counts.accepted, of.counts.quarantined) == (5, 5)
    more = [report(n, **({} if n % 2 else far)) for n in range(11)]
    assert "utanför" in refused(gpkg_desk.csv("b.csv", more))


def test_most_points_elsewhere_in_a_later_batch_refuse_the_file(gpkg_desk, refused, monkeypatch):
    monkeypatch.setattr(readers, "ROWS_AT_ONCE", 4)
    far = {"LATITUDE": "57,7089", "LONGITUDE": "11,9746"}
    rows = [report(n, **(far if n > 3 else {})) for n in range(12)]
    assert "utanför" in refused(gpkg_desk.csv("a.csv", rows))


@pytest.mark.parametrize("epsg", ["99999", "1", "-5"])
def test_a_system_that_does_not_exist(gpkg_desk, refused, epsg):
    assert f"EPSG:{epsg}" in refused(gpkg_desk.put("a.csv", GOOD), "--crs", epsg)


@pytest.mark.parametrize("epsg", ["4978", "5773", "3857"])
def test_a_system_of_another_sort(gpkg_desk, refused, epsg):
    assert "--crs 4326" in refused(gpkg_desk.put("a.csv", GOOD), "--crs", epsg)


# --- mapping files -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kind = ", "går inte att läsa"),
        (b'kind = "\xff"', "inte sparad som UTF-8"),
        ('kind = "incidents"\nkind = "incidents"', "går inte att läsa"),
        ("", "kind ska vara"),
        ('kind = "events"', "kind ska vara"),
        ('kind = ["incidents"]', "kind går inte att använda"),
        ('kind = "incidents"', "källans namn"),
        ('kind = "incidents"\nsource = " "', "källans namn"),
        ('kind = "incidents"\nsource = "x"', "[columns] saknas"),
        ('kind = "incidents"\nsource = "x"\ncolumns = "ID"', "columns går inte att använda"),
        (MAPPING + "offender = 'NAMN'", "”offender” i [columns]"),
        (MAPPING.replace('"ID"', "5"), "columns går inte att använda"),
        (MAPPING + '[values]\ncode = "x"', "values går inte att använda"),
        (MAPPING + '[values.code]\n"1" = 5', "values går inte att använda"),
        (MAPPING + '[values.colour]\n"1" = "5"', "”colour” i [values]"),
        (MAPPING + "[constants]\ncode = [1]", "constants går inte att använda"),
        (MAPPING + '[uncertainty]\ndefault = "x"', "uncertainty går inte att använda"),
        (MAPPING + "[uncertainty]\ndefault = nan", "uncertainty går inte att använda"),
        (MAPPING + "[uncertainty]\ndefault = -1", "uncertainty går inte att använda"),
        (MAPPING + "[uncertainty]\ndefault = true", "uncertainty går inte att använda"),
        (MAPPING + '[when]\ncolumn = "GATA"', "when går inte att använda"),
        (MAPPING + '[date_only]\ncolumn = "GATA"\nvalues = 5', "date_only går inte att använda"),
        ('datetime_formats = ["%Q"]' + MAPPING, "datetime_formats går inte att använda"),
        ('date_formats = "%Y"' + MAPPING, "date_formats går inte att använda"),
        ("time_formats = []" + MAPPING, "time_formats går inte att använda"),
        ('epsg = "3006"' + MAPPING, "epsg går inte att använda"),
        ("epsg = true" + MAPPING, "epsg går inte att använda"),
        ('delimiter = ";;"' + MAPPING, "delimiter går inte att använda"),
        ("encoding = 5" + MAPPING, "encoding går inte att använda"),
        ("koordinatsystem = 3006" + MAPPING, "”koordinatsystem” finns inte"),
        (MAPPING.replace('"LATITUDE"', '"LAT"'), "Kolumnen ”LAT” saknas"),
        (MAPPING + '[uncertainty]\ncolumn = "PREC"\ngood = 5', "Kolumnen ”PREC” saknas"),
        (MAPPING.replace("starts", "registered"), "när det hände"),
        (
            MAPPING.replace('"incidents"', '"observations"')
            .replace("code", "type")
            .replace("starts", "observed"),
            "gäller observations",
        ),
    ],
)
def test_a_mapping_file_that_cannot_be_used(gpkg_desk, refused, text, words):
    mapping = gpkg_desk.put("m.toml", text)
    assert words in refused(gpkg_desk.put("a.csv", GOOD), "--mapping", mapping)


def test_a_mapping_file_that_is_not_there(gpkg_desk, refused):
    data = gpkg_desk.put("a.csv", GOOD)
    assert "finns inte" in refused(data, "--mapping", gpkg_desk.folder / "nope.toml")
    assert "mapp" in refused(data, "--mapping", gpkg_desk.folder)


# --- the installed program ---------------------------------------------------------------------


def test_the_installed_program_refuses_the_same_way(gpkg_desk):
    path = gpkg_desk.put("a.csv", GOOD + '4;"0357;59,37\r\n')
    before = gpkg_desk.sizes()
    done = subprocess.run(
        [Path(sys.executable).with_name("lagesbild"), "ingest", "incidents", path],
        env=os.environ | {"LAGESBILD_DATABASE_URL": gpkg_desk.url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "a.csv, rad 5: citattecknen går inte ihop. Rätta raden och försök igen; "
        "inget har tagits in.\n"
    )
    assert gpkg_desk.sizes() == before
