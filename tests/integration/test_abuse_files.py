"""Files made to hurt: refused with one sentence, soon, in little memory, and without a trace.

The cases are those of the design's list of abuse (U1 to U9, X2); docs/SECURITY.md names them. A
test that is about rows says so; the others are refused whole.
"""

import io
import json
import logging
import math
import os
import random
import re
import resource
import socket
import sqlite3
import stat
import struct
import time
import zipfile
import zlib

import geopandas as gpd
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely

from geo.errors import LagesbildError, UnreadableFile
from pipelines import bounded, containers, map_files, places, quarantine, readers
from pipelines.ingest import Options
from pipelines.places import PlaceImport
from pipelines.texts import sentence
from tests import misbehaving
from tests.desk import NOW, POINTS, csv_text, report

MEGABYTE = 1 << 20
SOON_S = 20  # on a machine busy with other things; alone nearly all take less than one
GROWTH_MB = 200  # of this process, which only passes rows on
CHILD_MB = bounded.MEMORY_BYTES // MEGABYTE
HERE = (16.50, 59.36, 16.52, 59.38)


@pytest.fixture
def refused(gpkg_desk, caplog):
    """Give a function that hands a file in, checks that nothing remains, and gives the code."""
    caplog.set_level(logging.DEBUG, "pipelines.bounded")

    def check(path, kind="incidents", within_s=SOON_S):
        there, rows = everything_in(gpkg_desk.folder), gpkg_desk.sizes()
        before, memory = time.monotonic(), own_megabytes()
        with pytest.raises(LagesbildError) as fault:
            hand_in(gpkg_desk, path, kind)
        assert time.monotonic() - before < within_s
        assert own_megabytes() - memory < GROWTH_MB
        children = [int(used) for used in re.findall(r"s, (\d+) MB", caplog.text)]
        # A child is counted with what this process held when it was started.
        assert all(used <= max(CHILD_MB, own_megabytes()) for used in children)
        assert sentence(fault.value).count("\n") == 0
        assert everything_in(gpkg_desk.folder) == there
        assert gpkg_desk.sizes() == rows
        return fault.value.code

    return check


def hand_in(desk, path, kind):
    """Give a file to the program as somebody would."""
    if kind == "incidents":
        desk.take(path)
    else:
        places.import_file(desk.store, PlaceImport(path, kind))


def pour(path, start, piece, times):
    """Write a large file without holding it."""
    with path.open("wb") as file:
        file.write(start)
        for _ in range(times):
            file.write(piece)
    return path


def everything_in(folder):
    """List files and their sizes, but not the store's own, which is asked for its rows."""
    files = (path for path in folder.rglob("*") if not path.name.startswith("store.gpkg"))
    return {path: path.stat().st_size for path in files}


def own_megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


# --- workbooks: U1 bombs -----------------------------------------------------------------------

NOISE = random.Random(1)  # noqa: S311 - for what does not compress
SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"
LINKS = "xl/_rels/workbook.xml.rels"
NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def good_parts():
    """Give the parts of a workbook of three good rows."""
    book = openpyxl.Workbook()
    for row in (POINTS, *(report(n) for n in range(3))):
        book.active.append(list(row))
    whole = io.BytesIO()
    book.save(whole)
    with zipfile.ZipFile(whole) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(path, parts, method=zipfile.ZIP_DEFLATED):
    """Write parts, a dictionary or pairs, as a zip file."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for part, content in parts.items() if isinstance(parts, dict) else parts:
            archive.writestr(part, content)
    return path


def sheet(cells, head=""):
    return f'<worksheet xmlns="{NAMESPACE}">{head}<sheetData>{cells}</sheetData></worksheet>'


@pytest.fixture
def workbook(gpkg_desk):
    """Give a function that writes a good workbook with some parts changed or added."""

    def write(changed, name="a.xlsx"):
        return pack(gpkg_desk.folder / name, good_parts() | changed)

    return write


def test_the_workbook_that_the_others_change_is_good(gpkg_desk, workbook):
    assert gpkg_desk.take(workbook({})).counts.accepted == 3


def test_a_sheet_of_two_hundred_megabytes(workbook, refused):
    bomb = workbook({SHEET: sheet("<row/>" * 34_000_000)})
    assert bomb.stat().st_size < MEGABYTE
    assert refused(bomb) == "xlsx-bomb"


def test_a_bomb_of_noise_that_compresses_thirtyfold(workbook, refused):
    """Within the ratio, but not within the bytes."""
    noise = NOISE.randbytes(MEGABYTE // 32) + b"x" * (MEGABYTE * 31 // 32)
    bomb = workbook({f"xl/media/{n}.bin": noise * 10 for n in range(21)})
    assert 210 * MEGABYTE / bomb.stat().st_size < containers.MOST_RATIO
    assert refused(bomb) == "xlsx-bomb"


def test_a_bomb_whose_directory_says_that_it_is_small(gpkg_desk, workbook, refused):
    """The standard library stops where the directory says; other readers go on."""
    bomb = workbook({SHEET: sheet("") + " " * 150 * MEGABYTE})
    lie = bytearray(bomb.read_bytes())
    with zipfile.ZipFile(bomb) as archive:
        at = archive.getinfo(SHEET).file_size
    first = zlib.crc32(sheet("").encode()[:10])
    start = lie.rindex(struct.pack("<I", at))  # in the central directory
    lie[start : start + 4] = struct.pack("<I", 10)
    lie[start - 8 : start - 4] = struct.pack("<I", first)
    path = gpkg_desk.put("b.xlsx", bytes(lie))
    with zipfile.ZipFile(path) as archive:
        assert len(archive.read(SHEET)) == 10
    assert refused(path) == "xlsx-bomb"


@pytest.mark.parametrize("sheets", [300, 60_000])
def test_a_workbook_of_very_many_sheets(workbook, refused, sheets):
    many = {f"xl/worksheets/sheet{n}.xml": b"" for n in range(2, sheets)}
    assert refused(workbook(many)) == "xlsx-bomb"


def test_a_sheet_of_16384_columns(gpkg_desk, refused):
    book = openpyxl.Workbook()
    book.active.append([f"kolumn {n}" for n in range(16_384)])
    book.active.append(["x"] * 16_384)
    book.save(gpkg_desk.folder / "a.xlsx")
    assert refused(gpkg_desk.folder / "a.xlsx") == "too-many-columns"


def test_one_long_text_named_by_very_many_cells(workbook, refused):
    """Eight megabytes of XML that ask for fifteen gigabytes of text."""
    cells = "".join(
        f'<row r="{n}">'
        + "".join(f'<c r="{c}{n}" t="s"><v>0</v></c>' for c in "ABCDEFGHIJ")
        + "</row>"
        for n in range(1, 50_000)
    )
    strings = f'<sst xmlns="{NAMESPACE}"><si><t>{"x" * 32_000}</t></si></sst>'
    relation = '<Relationship Id="r9" Target="sharedStrings.xml" Type="{}/sharedStrings"/>'
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    links = good_parts()[LINKS].decode()
    links = links.replace("</Relationships>", relation.format(office) + "</Relationships>")
    bomb = workbook({SHEET: sheet(cells), STRINGS: strings, LINKS: links})
    assert bomb.stat().st_size < 2 * MEGABYTE
    assert refused(bomb) == "file-too-costly"


def test_a_rectangle_that_no_cell_reference_gives_away(workbook, refused):
    wide = '<row r="1">' + "<c><v>1</v></c>" * 16_384 + "</row>"
    far = '<row r="1048576"><c><v>1</v></c></row>'
    assert refused(workbook({SHEET: sheet(wide + far)})) == "file-too-costly"


def test_a_sheet_that_claims_to_be_larger_than_it_is(gpkg_desk, workbook):
    text = good_parts()[SHEET].decode()
    changed = re.sub(r'<dimension ref="[^"]*"', '<dimension ref="A1:XFD1048576"', text)
    assert changed != text
    before = time.monotonic()
    assert gpkg_desk.take(workbook({SHEET: changed})).counts.accepted == 3
    assert time.monotonic() - before < SOON_S


# --- workbooks: U2 XML, U3 containers ----------------------------------------------------------

LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "[Content_Types].xml", STRINGS])
@pytest.mark.parametrize(
    "doctype",
    [
        f'<!DOCTYPE x [<!ENTITY a0 "ha">{LAUGHS}]>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE x [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]>',
    ],
)
def test_a_document_type_in_any_part(workbook, refused, part, doctype):
    changed = doctype.encode() + good_parts().get(part, b"<x/>")
    assert refused(workbook({part: changed})) == "xlsx-foreign-part"


def test_a_document_type_in_letters_of_two_bytes(workbook, refused):
    text = f'<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x []>{sheet("")}'
    assert refused(workbook({SHEET: text.encode("utf-16")})) == "xlsx-foreign-part"


def test_a_document_type_that_lies_across_two_blocks(workbook, refused):
    filler = NOISE.randbytes(containers.BLOCK_BYTES).hex()
    for shift in range(0, 12, 3):
        comment = f"<!--{filler[: containers.BLOCK_BYTES - 7 - shift]}-->"
        text = f"{comment}<!DOCTYPE x []>{sheet('')}"
        assert refused(workbook({SHEET: text})) == "xlsx-foreign-part"


@pytest.mark.parametrize(
    "name",
    [
        *("../../x.xml", "xl/../../x.xml", "/etc/x.xml", "..\\x.xml", "C:\\x.xml", "c:x.xml"),
        *("\\\\server\\x.xml", "~/x.xml", "xl/a\nb.xml", "xl/a\u202eb.xml"),
    ],
)
def test_a_part_whose_name_leads_elsewhere(workbook, refused, name):
    assert refused(workbook({name: b"x"})) == "xlsx-foreign-part"


def test_a_part_that_is_a_link(gpkg_desk, refused):
    link = zipfile.ZipInfo("xl/media/a.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = pack(gpkg_desk.folder / "a.xlsx", [*good_parts().items(), (link, "/etc/passwd")])
    assert refused(path) == "xlsx-foreign-part"


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("again", [SHEET, SHEET.upper()])
def test_a_part_that_is_there_twice(gpkg_desk, refused, again):
    path = pack(gpkg_desk.folder / "a.xlsx", [*good_parts().items(), (again, sheet(""))])
    assert refused(path) == "xlsx-foreign-part"


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_file_within_the_zip_file(gpkg_desk, refused, method):
    inner = pack(gpkg_desk.folder / "inner.zip", {"a": b"x" * 100}).read_bytes()
    path = pack(gpkg_desk.folder / "a.xlsx", good_parts() | {"xl/media/a.bin": inner}, method)
    assert refused(path) == "xlsx-foreign-part"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_way_of_packing_that_no_spreadsheet_uses(gpkg_desk, refused, method):
    path = pack(gpkg_desk.folder / "a.xlsx", good_parts(), method)
    assert refused(path) == "xlsx-foreign-part"


def test_an_encrypted_part(gpkg_desk, workbook, refused):
    locked = bytearray(workbook({}).read_bytes())
    locked[locked.rindex(b"PK\x01\x02") + 8] |= 1
    assert refused(gpkg_desk.put("b.xlsx", bytes(locked))) == "xlsx-locked"


def test_a_workbook_with_a_password(gpkg_desk, refused):
    assert refused(gpkg_desk.put("a.xlsx", containers.OLD_OFFICE + b"\0" * 4_000)) == "xlsx-locked"


def test_a_wrong_checksum(gpkg_desk, workbook, refused):
    whole = workbook({}).read_bytes()
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        told = struct.pack("<I", archive.getinfo(SHEET).CRC)
    wrong = gpkg_desk.put("b.xlsx", whole.replace(told, b"\1\2\3\4"))
    assert refused(wrong) == "xlsx-damaged"


@pytest.mark.parametrize("keep", [0.5, 0.9, 0.999])
def test_a_workbook_of_which_the_end_is_missing(gpkg_desk, workbook, refused, keep):
    whole = workbook({}).read_bytes()
    assert refused(gpkg_desk.put("b.xlsx", whole[: int(len(whole) * keep)])) == "not-xlsx"


def test_something_else_before_the_workbook(gpkg_desk, workbook, refused):
    whole = workbook({}).read_bytes()
    assert refused(gpkg_desk.put("b.xlsx", b"MZ" + b"\x90" * 200 + whole)) == "not-xlsx"


# --- tables that are none: U4, and rows without end --------------------------------------------


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"MZ\x90\x00\x03\x00\x00\x00" + os.urandom(2_000), "file-binary"),
        (b"\x7fELF\x02\x01\x01\x00" + os.urandom(2_000), "file-binary"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n", "file-other-kind"),
        (b"<!DOCTYPE html>\n<html><script>alert(1)</script>", "file-other-kind"),
        (b"\xef\xbb\xbf \n<HTML>", "file-other-kind"),
        (b'<?xml version="1.0"?><svg onload="alert(1)"/>', "file-other-kind"),
        (b"{\\rtf1\\ansi x}", "file-other-kind"),
        ("ID;BROTTSKOD\n1;0357\n".encode("utf-16-le"), "file-binary"),
        ("ID;BROTTSKOD\n1;0357\n".encode("utf-32"), "file-binary"),
        (b"\x1f\x8b\x08\x00" + os.urandom(2_000), "file-binary"),
        (containers.OLD_OFFICE + b"\0" * 600, "file-binary"),
    ],
)
def test_a_csv_that_is_something_else(gpkg_desk, refused, content, code):
    assert refused(gpkg_desk.put("a.csv", content)) == code


def test_a_csv_that_is_a_workbook(workbook, refused):
    assert refused(workbook({}, "a.csv")) == "file-binary"


def test_a_csv_that_is_a_workbook_as_well(gpkg_desk, workbook, refused):
    rows = csv_text(POINTS, [report(n) for n in range(3)]).encode()
    both = rows + workbook({}).read_bytes()
    assert refused(gpkg_desk.put("b.csv", both)) in {"file-binary", "nul-character"}
    assert refused(gpkg_desk.put("b.xlsx", both)) == "not-xlsx"


@pytest.mark.parametrize(
    ("piece", "times", "code"),
    [
        (b";" * MEGABYTE, 100, "row-too-long"),
        (b"1;" * MEGABYTE, 50, "row-too-long"),
        (b'"\n";' * MEGABYTE, 25, "row-too-long"),
        (b'"' + b'x"";\n' * MEGABYTE, 20, "cell-too-long"),
    ],
)
def test_a_row_that_does_not_end(gpkg_desk, refused, piece, times, code):
    start = csv_text(POINTS, [report(1)]).encode()
    assert refused(pour(gpkg_desk.folder / "a.csv", start, piece, times)) == code
    assert refused(pour(gpkg_desk.folder / "b.csv", b"", piece, times)) == code


def test_the_longest_row_is_read_and_one_longer_is_not(gpkg_desk):
    cells = [*["x" * 9_999] * 99, "y" * 10_000]
    longest = csv_text([f"k{n}" for n in range(100)], [cells])
    assert len(longest.splitlines()[1]) == readers.LONGEST_ROW
    source = readers.open_rows(gpkg_desk.put("a.csv", longest))
    assert [cells] == [row for rows in source.batches for row in rows.cells]
    source = readers.open_rows(gpkg_desk.put("b.csv", longest.replace("x", "xx", 1)))
    with pytest.raises(UnreadableFile, match="row-too-long"):
        list(source.batches)


def test_the_most_columns_are_read_and_one_more_is_not(gpkg_desk):
    names = [f"k{n}" for n in range(readers.MOST_COLUMNS)]
    assert readers.open_rows(gpkg_desk.csv("a.csv", [], names)).header == names
    with pytest.raises(UnreadableFile, match="too-many-columns"):
        readers.open_rows(gpkg_desk.csv("b.csv", [], [*names, "en till"]))


def test_a_geojson_in_which_every_object_has_its_own_properties(gpkg_desk, refused):
    features = [
        {"type": "Feature", "properties": {f"k{n}-{m}": 1 for m in range(9)}, "geometry": None}
        for n in range(20_000)
    ]
    text = json.dumps({"type": "FeatureCollection", "features": features})
    assert refused(gpkg_desk.put("a.geojson", text)) == "too-many-columns"


@pytest.mark.parametrize(
    ("length", "code"), [(20_000, "cell-too-long"), (4 << 20, "file-too-costly")]
)
def test_a_parquet_file_that_says_one_long_text_a_million_times(gpkg_desk, refused, length, code):
    nothing_but_the_first = pa.array([0] * 1_000_000, pa.int32())
    column = pa.DictionaryArray.from_arrays(nothing_but_the_first, ["x" * length])
    path = gpkg_desk.folder / "a.parquet"
    columns = dict.fromkeys(POINTS, pa.array(["x"] * 1_000_000)) | {"GATA": column}
    at_once = {"store_schema": False, "dictionary_pagesize_limit": 16 * MEGABYTE}
    pq.write_table(pa.table(columns), path, **at_once)
    assert path.stat().st_size < MEGABYTE
    assert refused(path) == code


# --- map files: U2 formats that fetch, U5 shapes, U6 planets -----------------------------------


def collection(*shapes, **properties):
    """Write a GeoJSON file of geometries, given as dictionaries or as JSON."""
    rows = ",".join(
        '{"type":"Feature","properties":'
        + json.dumps({"name": f"Yta {n}"} | properties)
        + ',"geometry":'
        + (shape if isinstance(shape, str) else json.dumps(shape))
        + "}"
        for n, shape in enumerate(shapes)
    )
    return f'{{"type":"FeatureCollection","features":[{rows}]}}'


def polygon(*ring):
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def circle(corners, radius=0.01):
    """Give a polygon of so many corners, the closing one counted."""
    turns = [2 * math.pi * n / (corners - 1) for n in range(corners - 1)]
    return polygon(*([16.51 + radius * math.cos(t), 59.37 + radius * math.sin(t)] for t in turns))


def star(corners, step):
    """Give a polygon whose every edge crosses very many others."""
    turns = [2 * math.pi * (n * step % corners) / corners for n in range(corners)]
    return polygon(*([16.51 + 0.01 * math.cos(t), 59.37 + 0.01 * math.sin(t)] for t in turns))


@pytest.fixture
def listener():
    """Listen on a port of this machine, and give a function that tells whether anybody came."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)

        def visited():
            try:
                server.accept()[0].close()
            except BlockingIOError:
                return False
            return True

        yield server.getsockname()[1], visited


VRT = (
    '<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>{source}</SrcDataSource>'
    "</OGRVRTLayer></OGRVRTDataSource>"
)
ALGORITHM = (
    '{{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline ! read {source} ! '
    'write --of=stream x"}}'
)
ENTITY = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "{source}">]>'
KML = ENTITY + (
    '<kml xmlns="http://www.opengis.net/kml/2.2"><Placemark><name>&a;</name><Point>'
    "<coordinates>16.5,59.4</coordinates></Point></Placemark></kml>"
)
GPX = ENTITY + '<gpx version="1.1"><wpt lat="59.4" lon="16.5"><name>&a;</name></wpt></gpx>'


@pytest.mark.parametrize("kind", ["areas", "venues"])
@pytest.mark.parametrize("text", [VRT, ALGORITHM, KML, GPX], ids=["vrt", "gdalg", "kml", "gpx"])
@pytest.mark.parametrize("suffix", ["vrt", "geojson", "json", "gpkg", "shp", "kml", "gpx", "gml"])
def test_a_map_file_that_would_have_something_fetched(
    gpkg_desk, refused, listener, kind, text, suffix
):
    port, visited = listener
    source = f"/vsicurl/http://127.0.0.1:{port}/x.geojson"
    said = text.format(source=source if "vsicurl" in text else source.removeprefix("/vsicurl/"))
    code = refused(gpkg_desk.put(f"a.{suffix}", said), kind)
    assert code in {"not-a-map-file", "not-geojson"}
    assert not visited()


def test_a_map_file_that_would_have_another_file_read(gpkg_desk, refused):
    secret = gpkg_desk.put("hemlig.geojson", collection(circle(9), name="hemlig"))
    for text in (VRT, ALGORITHM):
        path = gpkg_desk.put("a.geojson", text.format(source=secret))
        assert refused(path, "areas") == "not-geojson"
    nested = collection(circle(9), x=ALGORITHM.format(source=secret), name="egen")
    places.import_file(gpkg_desk.store, PlaceImport(gpkg_desk.put("b.geojson", nested), "areas"))
    assert gpkg_desk.ask("SELECT name FROM area WHERE name IN ('egen', 'hemlig')") == [("egen",)]


@pytest.mark.parametrize("driver", ["GeoJSON", "GPKG", "ESRI Shapefile"])
def test_the_child_knows_one_format_and_no_network(monkeypatch, tmp_path, driver):
    monkeypatch.setenv("PYTHONPATH", os.fspath(readers.__file__).rpartition("/pipelines")[0])
    environment = map_files.knowing_only(driver)
    answers = bounded.answers(misbehaving.map_formats, tmp_path, {}, environment)
    assert list(answers) == [[driver]]


@pytest.mark.parametrize("name", ["a.zip", "a.shz", "a.gpkg.zip"])
def test_a_packed_map_file(gpkg_desk, refused, name):
    inner = gpkg_desk.put("a.geojson", collection(circle(9))).read_bytes()
    path = pack(gpkg_desk.folder / name, {"a.geojson": inner})
    assert refused(path, "areas") in {"map-file-packed", "not-a-map-file"}


@pytest.mark.parametrize("suffix", ["gpkg", "shp"])
@pytest.mark.parametrize("content", [b"x", b"SQLite format 3\x00", bytes.fromhex("0000270a")])
def test_a_map_file_that_is_only_its_first_bytes(gpkg_desk, refused, suffix, content):
    path = gpkg_desk.put(f"a.{suffix}", content + b"\0" * 5_000)
    assert refused(path, "areas") in {"not-a-map-file", "file-unreadable", "no-crs"}


def test_a_geopackage_whose_view_never_ends(gpkg_desk, refused, monkeypatch):
    monkeypatch.setattr(bounded, "CPU_S", 3)
    path = gpkg_desk.folder / "a.gpkg"
    frame = gpd.GeoDataFrame({"name": ["a"]}, geometry=[shapely.box(*HERE)], crs=4326)
    pyogrio.write_dataframe(frame, path, layer="yta")
    with sqlite3.connect(path) as base:
        base.create_function("ST_IsEmpty", 1, lambda _: 0)
        for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            base.execute(f'DROP TRIGGER "{name}"')
        base.execute("ALTER TABLE yta RENAME TO sann")
        base.execute(
            "CREATE VIEW yta AS WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) "
            "SELECT fid, geom, name FROM sann, t WHERE n < 0"
        )
    base.close()
    assert refused(path, "areas") == "file-too-costly"


def test_nested_geometry_collections(gpkg_desk, refused):
    deep = '{"type":"GeometryCollection","geometries":[' * 5_000 + "]}" * 5_000
    assert refused(gpkg_desk.put("a.geojson", collection(deep)), "areas") == "not-geojson"
    deep = '{"type":"GeometryCollection","geometries":[' * 12 + "]}" * 12
    assert refused(gpkg_desk.put("b.geojson", collection(deep)), "areas") == "geojson-too-deep"


def test_the_corners_of_an_area_have_a_limit(gpkg_desk, refused):
    most = map_files.MOST_VERTICES
    path = gpkg_desk.put("a.geojson", collection(circle(most)))
    assert places.import_file(gpkg_desk.store, PlaceImport(path, "areas")).entries == 1
    path = gpkg_desk.put("b.geojson", collection(circle(most + 1)))
    assert refused(path, "areas") == "area-too-detailed"


def test_the_corners_of_a_file_have_a_limit(gpkg_desk, refused):
    most = map_files.MOST_VERTICES_OF_FILE // 10_000
    several = [circle(10_000, 0.01 + n / 10_000) for n in range(most)]
    path = gpkg_desk.put("a.geojson", collection(*several))
    assert places.import_file(gpkg_desk.store, PlaceImport(path, "areas")).entries == most
    path = gpkg_desk.put("b.geojson", collection(*several, circle(4)))
    assert refused(path, "areas") == "file-too-detailed"


@pytest.mark.parametrize(
    ("corners", "code"),
    [(2_001, "area-invalid"), (9_999, "area-invalid"), (199_999, "area-too-detailed")],
)
def test_a_star_that_crosses_itself_everywhere(gpkg_desk, refused, corners, code):
    path = gpkg_desk.put("a.geojson", collection(star(corners, corners // 2)))
    assert refused(path, "areas") == code


def test_areas_that_cross_one_another_everywhere_are_put_together_within_the_limits(
    gpkg_desk, refused
):
    """Combs of one name, at right angles: each is valid, and they cross millions of times."""

    def comb(*, upright):
        teeth = [point for n in range(2_400) for point in tooth(n)]
        ring = [*teeth, (0.0100, -0.0001), (0.0, -0.0001)]
        return polygon(
            *([16.5 + (y if upright else x), 59.36 + (x if upright else y)] for x, y in ring)
        )

    def tooth(n):
        left, right = n / 240_000, (n + 0.5) / 240_000
        return [(left, 0.0), (left, 0.01), (right, 0.01), (right, 0.0)]

    both = collection(comb(upright=True), comb(upright=False), name="Kam")
    assert refused(gpkg_desk.put("a.geojson", both), "areas") == "file-too-costly"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1e308", "9" * 400])
def test_a_corner_that_is_no_place_on_earth(gpkg_desk, refused, number):
    text = collection(polygon([16.5, 59.36], [16.52, 59.36], ["#", 59.38])).replace('"#"', number)
    code = refused(gpkg_desk.put("a.geojson", text), "areas")
    assert code in {"area-invalid", "area-elsewhere", "area-no-polygon", "not-a-map-file"}
    point = collection({"type": "Point", "coordinates": ["#", 59.38]}).replace('"#"', number)
    code = refused(gpkg_desk.put("b.geojson", point), "venues")
    assert code in {"place-elsewhere", "place-no-point", "not-a-map-file"}


@pytest.mark.parametrize(
    ("digits", "code"),
    [(400, "not-a-map-file"), (5_000, "not-geojson"), (1_000_000, "not-geojson")],
)
def test_a_number_of_very_many_digits_among_the_attributes(gpkg_desk, refused, digits, code):
    text = collection(circle(9), x="#").replace('"#"', "9" * digits)
    assert refused(gpkg_desk.put("a.geojson", text), "areas") == code


@pytest.mark.parametrize("digits", [7, 400, 5_000])
def test_a_house_number_of_very_many_digits_is_no_address(gpkg_desk, refused, digits):
    frame = gpd.GeoDataFrame(
        {"adressomrade_faststalltnamn": ["Kungsgatan"], "adressplatsnummer": ["9" * digits]},
        geometry=[shapely.Point(16.51, 59.37)],
        crs=4326,
    )
    path = gpkg_desk.folder / "a.gpkg"
    pyogrio.write_dataframe(frame, path, layer="belagenhetsadress")
    assert refused(path, "addresses") == "no-address"


def test_a_digit_string_of_five_thousand_in_any_column_is_set_aside(gpkg_desk):
    for name in ("ANTAL", "BROTTSKOD", "LATITUDE", "BROTTSDATUMTID_START", "INSKRIVNINGSDATUM"):
        of = gpkg_desk.take_rows(report(name, **{name: "9" * 5_000}), name=f"{name}.csv")
        assert of.counts.quarantined == 1, name
    for name in ("GATUNR", "GATA"):
        cells = {name: "Gatan " + "9" * 5_000, "LATITUDE": "", "LONGITUDE": ""}
        of = gpkg_desk.take_rows(report(name, **cells), name=f"{name}.csv")
        assert of.counts.accepted == 1, name


@pytest.mark.parametrize(
    "shape",
    [
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[]]},
        {"type": "Polygon", "coordinates": [[[16.5, 59.36]]]},
        {"type": "MultiPolygon", "coordinates": []},
        {"type": "GeometryCollection", "geometries": []},
        {"type": "Polygon"},
        {"type": "Polygon", "coordinates": "x"},
        {"type": ["Polygon"], "coordinates": [[[1, 2], [3, 4], [5, 6], [1, 2]]]},
        None,
    ],
)
def test_an_area_without_corners(gpkg_desk, refused, shape):
    code = refused(gpkg_desk.put("a.geojson", collection(shape)), "areas")
    assert code in {"area-no-polygon", "area-invalid", "no-crs", "not-a-map-file"}


@pytest.mark.parametrize("more", [[5.0], [5.0, 6.0]])
def test_heights_and_measures_are_left_out(gpkg_desk, more):
    ring = [[*point, *more] for point in ([16.5, 59.36], [16.52, 59.36], [16.51, 59.38])]
    path = gpkg_desk.put("a.geojson", collection(polygon(*ring), name="Hög"))
    places.import_file(gpkg_desk.store, PlaceImport(path, "areas"))
    path = gpkg_desk.put(
        "b.geojson", collection({"type": "Point", "coordinates": [16.51, 59.37, *more]})
    )
    places.import_file(gpkg_desk.store, PlaceImport(path, "venues"))
    assert gpkg_desk.one("SELECT count(*) FROM area WHERE name = 'Hög'") == 1


def test_the_order_of_a_ring_does_not_matter(gpkg_desk):
    ring = ([16.5, 59.36], [16.52, 59.36], [16.52, 59.38], [16.5, 59.38])
    for name, corners in (("med", ring), ("mot", ring[::-1])):
        path = gpkg_desk.put(f"{name}.geojson", collection(polygon(*corners), name=name))
        places.import_file(gpkg_desk.store, PlaceImport(path, "areas"))
    outlines = places_outlines(gpkg_desk)
    assert outlines["med"].equals(outlines["mot"])


def places_outlines(desk):
    with desk.store.read() as connection:
        return {area.name: area.outline for area in places.places.areas(connection)}


@pytest.mark.parametrize(
    ("box", "code"),
    [
        ((-180, -90, 180, 90), "area-too-large"),
        ((10, 55, 24, 69), "area-too-large"),
        ((-181, -91, 181, 91), "area-elsewhere"),
        ((179, 59, 181, 60), "area-elsewhere"),
        ((16.5, 59.36, 16.51, 1e9), "area-elsewhere"),
    ],
)
def test_an_area_larger_than_the_municipality_or_beyond_the_world(gpkg_desk, refused, box, code):
    west, south, east, north = box
    ring = [west, south], [east, south], [east, north], [west, north]
    assert refused(gpkg_desk.put("a.geojson", collection(polygon(*ring))), "areas") == code


def test_a_name_of_a_megabyte(gpkg_desk, refused):
    path = gpkg_desk.put("a.geojson", collection(circle(9), name="x" * MEGABYTE))
    assert refused(path, "areas") == "cell-too-long"
    point = {"type": "Point", "coordinates": [16.51, 59.37]}
    path = gpkg_desk.put("b.geojson", collection(point, name="x" * MEGABYTE))
    assert refused(path, "venues") == "cell-too-long"


# --- names of files: U8 ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *("a\r\nSet-Cookie: x=1.csv", "a\nb.csv", "a\x1b[31m.csv", "a\u202efdp.csv", "a\x7f.csv"),
        *("a\u2028b.xlsx", os.fsdecode(b"g\xe5rd.csv"), "a\tb.geojson"),
    ],
)
def test_a_file_name_with_signs_that_nobody_sees(gpkg_desk, refused, name):
    path = gpkg_desk.put(name, csv_text(POINTS, [report(1)]))
    assert refused(path) == "file-name"
    assert refused(path, "venues") == "file-name"


@pytest.mark.parametrize("name", ["x" * 5_000 + ".csv", "å" * 130 + ".csv", "a\0b.csv"])
def test_a_file_name_that_no_file_has(gpkg_desk, refused, name):
    assert refused(gpkg_desk.folder / name) == "file-name"


def test_a_path_longer_than_any(gpkg_desk, refused):
    assert refused(gpkg_desk.folder.joinpath(*["x" * 200] * 40, "a.csv")) == "file-closed"


def test_a_report_names_a_file_by_its_last_part_only(gpkg_desk):
    (gpkg_desk.folder / "b").mkdir()
    gpkg_desk.put("a.csv", csv_text(POINTS, [report(1)]))
    gpkg_desk.take(gpkg_desk.folder / "b" / ".." / "a.csv")
    assert gpkg_desk.one("SELECT file_name FROM import_batch") == "a.csv"


# --- what goes out: X2 -------------------------------------------------------------------------

SLY = ("=cmd|' /C calc'!A0", "＝1+1", "\t=1", "@SUM(A1)", "'=1", "''-x", " -x;y", '"=1"', "+1\n=2")


def test_headers_and_cells_go_out_harmless_and_come_back_as_they_were(gpkg_desk, tmp_path):
    header = (*POINTS, "=HYPERLINK(1)", "＠x", "'=y")
    rows = [[*report(n, ANTAL="x", GATA=cell), "", "", ""] for n, cell in enumerate(SLY)]
    gpkg_desk.take_rows(*rows, header=header)
    raw_before = gpkg_desk.ask("SELECT raw FROM quarantined ORDER BY id")
    path = tmp_path / "ut" / "karantän.csv"
    quarantine.export(gpkg_desk.store, 1, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    source = readers.open_rows(path)
    cells = [cell for batch in source.batches for row in batch.cells for cell in row]
    for cell in (*source.header, *cells):
        assert cell.lstrip()[:1] not in set("=+-@＝＋－＠"), cell
    quarantine.retry(gpkg_desk.store, path, Options("incidents"), NOW)
    raw_after = gpkg_desk.ask("SELECT raw FROM quarantined WHERE import_id = 2 ORDER BY id")
    assert raw_after == raw_before
