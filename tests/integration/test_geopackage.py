"""The file as other programs see it: a GeoPackage that QGIS opens, edits and shares."""

import sqlite3
import struct
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import geopandas
import pyogrio
import pytest
import shapely

from store import db, imports, incidents, places, schema
from store.models import Base
from store.types import Shape
from tests import store_story

GEOMETRIES = {
    "area": "MultiPolygon",
    "facility": "Point",
    "named_place": "Point",
    "incident": "Point",
    "observation": "Point",
    "cluster": "Unknown",  # hulls: points, lines and polygons
}
# OGC 12-128r18, table 1, and the geometry types; nothing else may stand in a declaration.
ALLOWED = {"BOOLEAN", "INTEGER", "REAL", "TEXT", "BLOB", "DATE", "DATETIME"}
WORKER = """
import sys
from datetime import UTC, datetime
from store import db, imports, schema
store = db.connect(sys.argv[1])
schema.upgrade(store)
for n in range(8):
    with store.write() as connection:
        sha = f"{sys.argv[2]}-{n}"
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        batch = imports.begin(
            connection, imports.Opening("incidents", sys.argv[2], "f", sha, moment, False)
        )
        imports.set_aside(connection, batch, [imports.SetAside(n, "x", "", "", "y" * 2000)] * 10)
    with store.read() as connection:
        held = len(imports.quarantine(connection))
        assert held % 10 == 0, held
        assert held == len(imports.quarantine(connection))
store.close()
"""


@contextmanager
def opened(file):
    store = db.connect(f"sqlite:///{file}")
    try:
        yield store
    finally:
        store.close()


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Give the closed file of a store in which every table holds rows."""
    file = tmp_path_factory.mktemp("told") / "told.gpkg"
    with opened(file) as store:
        schema.upgrade(store)
        store_story.told(store)
    return file


@pytest.fixture
def file(told, tmp_path):
    """Give a copy of that file to change."""
    copy = tmp_path / "kopia.gpkg"
    copy.write_bytes(told.read_bytes())
    return copy


def ask(file, query):
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(query).fetchall()


def test_the_file_says_that_it_is_a_geopackage(told):
    assert told.read_bytes()[:16] == b"SQLite format 3\0"
    assert told.read_bytes()[68:72] == b"GPKG"
    assert ask(told, "PRAGMA user_version") == [(10300,)]
    assert ask(told, "PRAGMA journal_mode") == [("wal",)]
    assert ask(told, "PRAGMA integrity_check") == [("ok",)]
    assert ask(told, "PRAGMA foreign_key_check") == []


def test_the_required_systems_are_described(told):
    systems = "SELECT srs_id, organization, organization_coordsys_id FROM gpkg_spatial_ref_sys"
    assert sorted(ask(told, systems)) == [(-1, "NONE", -1), (0, "NONE", 0), (4326, "EPSG", 4326)]


def test_every_table_with_a_geometry_is_a_layer_and_no_other(told):
    with_geometry = {
        table.name
        for table in Base.metadata.sorted_tables
        if any(isinstance(column.type, Shape) for column in table.columns)
    }
    assert with_geometry == set(GEOMETRIES)
    described = ask(told, "SELECT table_name, data_type, srs_id FROM gpkg_contents")
    assert {row[0] for row in described} == with_geometry
    assert {row[1:] for row in described} == {("features", 4326)}
    assert {
        row[0] for row in ask(told, "SELECT table_name FROM gpkg_geometry_columns")
    } == with_geometry


def test_columns_are_declared_in_words_that_geopackage_readers_know(told):
    for table in GEOMETRIES:
        for _, name, kind, *_ in ask(told, f"PRAGMA table_info({table})"):
            plain = kind.partition("(")[0]
            assert plain in ALLOWED or name in {"outline", "position", "hull"}, (table, name, kind)


@pytest.mark.parametrize("table", GEOMETRIES)
def test_every_shape_has_a_proper_header_and_lies_on_the_globe(told, table):
    (column,) = [c.name for c in Base.metadata.tables[table].columns if isinstance(c.type, Shape)]
    blobs = [blob for (blob,) in ask(told, f"SELECT {column} FROM {table}") if blob is not None]  # noqa: S608
    assert blobs
    for blob in blobs:
        magic, version, flags, system = struct.unpack("<2sBBi", blob[:8])
        assert (magic, version, flags, system) == (b"GP", 0, 1, 4326)
        west, south, east, north = shapely.bounds(shapely.from_wkb(blob[8:]))
        assert -180 <= west <= east <= 180
        assert -90 <= south <= north <= 90


@pytest.mark.parametrize("table", GEOMETRIES)
def test_gdal_reads_each_layer_with_its_system_geometry_and_rows(told, table):
    about = pyogrio.read_info(told, layer=table)
    assert about["crs"] == "EPSG:4326"
    assert about["geometry_type"] == GEOMETRIES[table]
    ((rows,),) = ask(told, f"SELECT count(*) FROM {table}")  # noqa: S608
    assert about["features"] == rows > 0


@pytest.mark.parametrize("table", GEOMETRIES)
def test_gdal_drops_no_field(told, table):
    expected = {
        column.name
        for column in Base.metadata.tables[table].columns
        if column.name != "id" and not isinstance(column.type, Shape)
    }
    about = pyogrio.read_info(told, layer=table)
    assert set(about["fields"]) == expected
    assert about["fid_column"] == "id"


def test_gdal_sees_numbers_dates_and_truths_as_what_they_are(told):
    about = pyogrio.read_info(told, layer="incident")
    kinds = dict(zip(about["fields"], about["ogr_types"], strict=True))
    subtypes = dict(zip(about["fields"], about["ogr_subtypes"], strict=True))
    assert kinds["starts_at"] == kinds["ends_at"] == "OFTDateTime"
    assert kinds["registered_on"] == "OFTDate"
    assert kinds["x_m"] == kinds["lon"] == "OFTReal"
    assert kinds["cell"] == "OFTInteger64"
    assert kinds["category"] == "OFTString"
    assert kinds["row_key"] == "OFTBinary"
    assert subtypes["on_map"] == subtypes["pile"] == "OFSTBoolean"


def test_geopandas_reads_what_we_stored(told):
    frame = geopandas.read_file(told, layer="incident", fid_as_index=True)
    with opened(told) as store, store.read() as connection:
        ours = incidents.find(connection, incidents.IncidentFilter(), 99, 0)
    for row in ours.rows:
        theirs = frame.loc[row.id]
        assert theirs["category"] == row.category
        assert theirs["starts_at"].to_pydatetime() == row.starts_at
        place = None if theirs.geometry is None else (theirs.geometry.x, theirs.geometry.y)
        assert place == (None if row.lon is None else (row.lon, row.lat))


def drawn(file, name):
    """Draw an area as somebody would in QGIS."""
    values = {"kind": "priority", "name": name, "source": "QGIS", "note": "", "origin": "import"}
    # Appending goes by the order of the fields, not by their names.
    columns = {field: [values[field]] for field in pyogrio.read_info(file, layer="area")["fields"]}
    outline = shapely.MultiPolygon([shapely.Point(16.5, 59.36).buffer(0.01)])
    return geopandas.GeoDataFrame(columns, geometry=[outline], crs="EPSG:4326")


def test_an_area_drawn_in_another_program_is_ours_and_we_go_on_writing(file):
    frame = drawn(file, "Nyfors")
    pyogrio.write_dataframe(frame, file, layer="area", append=True)
    with opened(file) as store:
        with store.read() as connection:
            (area,) = places.areas(connection, "priority")
            assert schema.drift(connection) == []
        assert (area.name, area.source) == ("Nyfors", "QGIS")
        assert area.outline.equals(frame.geometry.iloc[0])
        with store.write() as connection:
            places.put_areas(connection, [area.as_area()], "import", replace="priority")
            places.put_facilities(connection, [], "import", replace="school")
        with store.read() as connection:
            assert places.areas(connection, "priority")[0].id == area.id
            assert places.facilities(connection, "school") == []
    assert pyogrio.read_info(file, layer="area")["features"] == 3
    assert ask(file, "PRAGMA integrity_check") == [("ok",)]


def test_another_program_can_move_and_remove_what_we_stored(file):
    # An UPDATE as GDAL writes it: a header with an envelope of four numbers before the shape.
    moved = shapely.box(16.0, 59.0, 16.1, 59.1)
    envelope = struct.pack("<4d", 16.0, 16.1, 59.0, 59.1)
    blob = (
        b"GP\0\x03"
        + struct.pack("<i", 4326)
        + envelope
        + shapely.to_wkb(shapely.MultiPolygon([moved]))
    )
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE area SET outline = ? WHERE name = 'Öster'", [blob])
        connection.execute("UPDATE incident SET starts_at = '2026-06-12T22:00:00Z' WHERE id = 2")
        connection.execute("DELETE FROM area WHERE name = 'Kärnan'")
        connection.commit()
    with opened(file) as store, store.read() as connection:
        (area,) = places.areas(connection)
        assert area.outline.equals(moved)
        found = incidents.one(connection, 2)
        assert found is not None
        assert found.starts_at == datetime(2026, 6, 12, 22, tzinfo=UTC)


def seen_by_gdal(file):
    """Count the areas with GDAL, in a process of its own.

    Python and GDAL bring an SQLite each; in one process they take each other's locks away.
    """
    code = "import pyogrio, sys; print(pyogrio.read_info(sys.argv[1], layer='area')['features'])"
    asked = [sys.executable, "-c", code, str(file)]
    return int(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)


def test_another_program_sees_what_we_wrote_once_it_is_whole(file):
    with opened(file) as store:
        with store.write() as connection:
            places.put_areas(connection, [], "import", replace="nightlife")
            assert seen_by_gdal(file) == 2
        assert seen_by_gdal(file) == 1


def test_four_processes_write_and_read_without_a_word_of_complaint(tmp_path):
    file = tmp_path / "delad.gpkg"  # it does not exist yet: whoever comes first makes it
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, f"sqlite:///{file}", f"worker {n}"],
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(4)
    ]
    said = [worker.communicate(timeout=120)[1] for worker in workers]
    assert said == [""] * 4
    assert [worker.returncode for worker in workers] == [0] * 4
    with opened(file) as store, store.read() as connection:
        assert len(imports.batches(connection)) == 4 * 8
        assert len(imports.quarantine(connection)) == 4 * 8 * 10
        assert connection.exec_driver_sql("PRAGMA integrity_check").all() == [("ok",)]


FIRST = """
import sys
import time
from store import db

store = db.connect(sys.argv[1])
print("ready", flush=True)
moment = float(sys.stdin.readline())
while time.monotonic() < moment:
    pass
with store.write() as connection:
    connection.exec_driver_sql("SELECT 1")
"""


def test_a_new_file_may_be_opened_by_many_in_the_same_moment(tmp_path):
    for round_ in range(8):
        url = f"sqlite:///{tmp_path}/{round_}.gpkg"
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        workers = [
            subprocess.Popen([sys.executable, "-c", FIRST, url], text=True, **pipes)
            for _ in range(4)
        ]
        assert [worker.stdout.readline() for worker in workers] == ["ready\n"] * 4
        moment = time.monotonic() + 0.05
        for worker in workers:
            worker.stdin.write(f"{moment}\n")
            worker.stdin.flush()
        assert [worker.communicate(timeout=60)[1] for worker in workers] == [""] * 4


def test_opening_a_store_a_second_time_takes_no_lock_from_the_first(file):
    # Closing any handle on a file gives up every lock that this process holds on it, and another
    # process that sees no lock takes the write-ahead log away under the first.
    url = f"sqlite:///{file}"
    other = "import sys; from store import schema; schema.open_store(sys.argv[1]).close()"
    with opened(file) as first:
        with first.write() as connection:
            places.touch(connection)
        schema.open_store(url).close()
        subprocess.run([sys.executable, "-c", other, url], check=True)
        assert file.with_name(f"{file.name}-wal").exists()
        with first.write() as connection:
            places.touch(connection)
            revision = places.revision(connection)
    with opened(file) as again, again.read() as connection:
        assert places.revision(connection) == revision
        assert connection.exec_driver_sql("PRAGMA integrity_check").all() == [("ok",)]


@pytest.mark.parametrize("name", ["med mellanslag", "åäö", "50%", "a#b", "a'b"])
def test_the_file_may_have_any_name(tmp_path, name):
    folder = tmp_path / name
    with opened(folder / f"{name}.gpkg") as store:
        schema.upgrade(store)
    assert [each.name for each in folder.iterdir()] == [f"{name}.gpkg"]
