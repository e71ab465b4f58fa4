"""The background map: made from files of others, read again, and refused in one sentence."""

import json
import sqlite3
import sys

import numpy as np
import pytest
import shapely
from pmtiles.tile import TileType

from geo.errors import Conflict, InvalidParameter, NotFound, UnreadableFile
from pipelines import basemap, basemap_demo, demo, demo_town, profiles
from pipelines.basemap_build import Ground, Origin, build
from pipelines.picture import draw
from store import background
from tests.basemaps import CORNERS, ENVELOPE, ISLAND, geopackage, osm, pmtiles, square, told

GROUND = Ground(3006, ENVELOPE, "Provkommun")
UNSAID = Origin("", "")
SAID = Origin("© Provkommun", "2026-05-01")
LAKE = shapely.Polygon(CORNERS, [ISLAND])
HOUSE = shapely.Polygon(ISLAND)
STREET = shapely.LineString(CORNERS[:2])


def made(folder, *files, said=UNSAID, ground=GROUND):
    build(files, folder / "bakgrund.gpkg", ground, said, lambda _: None)
    return basemap.read(folder / "bakgrund.gpkg")


def at(found, zoom, lon=16.505, lat=59.3745):
    return told(found.tile(zoom, *square(found.grid, zoom, lon, lat)))


def named(features):
    return {feature["properties"].get("name") for feature in features}


@pytest.fixture
def village(tmp_path):
    return made(tmp_path, osm(tmp_path / "by.osm.pbf"))


# --- from an extract of OpenStreetMap ------------------------------------------------------------


def test_every_kind_of_thing_is_found_in_an_extract(village):
    sizes = village.sizes()
    assert sizes["streets"] == 2  # two ways of one name are one street
    assert (sizes["rails"], sizes["buildings"], sizes["water"]) == (1, 1, 2)
    assert village.about.attribution == "© OpenStreetMap contributors"
    assert not village.about.invented


def test_a_lake_of_two_ways_has_its_island(village):
    (lake,) = [f for f in at(village, 8)["water"] if f["geometry"]["type"] == "Polygon"][:1]
    assert len(lake["geometry"]["coordinates"]) == 2


def test_names_and_kinds_are_in_the_tiles(village):
    tile = at(village, 10)
    assert named(at(village, 9, 16.505, 59.371)["streets"]) >= {"Provgatan"}
    assert "Provby" in named(at(village, 9, 16.505, 59.378)["names"])
    lake = [f for f in at(village, 9)["names"] if f["properties"]["kind"] == "water"]
    assert named(lake) <= {"Provsjön"}
    assert set(tile) <= {"built", "green", "water", "buildings", "rails", "streets", "names"}


def test_small_things_are_left_out_of_coarse_tiles(village):
    assert "buildings" in at(village, 10)
    assert "buildings" not in at(village, 6)
    assert {f["properties"]["kind"] for f in at(village, 4)["streets"]} == {"main"}


def test_the_same_extract_gives_the_same_map(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        folder.mkdir()
        made(folder, osm(tmp_path / "by.osm.pbf"), said=SAID)
    assert (
        basemap.read(first / "bakgrund.gpkg").about == basemap.read(second / "bakgrund.gpkg").about
    )
    assert (first / "bakgrund.gpkg").read_bytes() == (second / "bakgrund.gpkg").read_bytes()


def test_a_new_extract_has_another_digest(tmp_path, village):
    (tmp_path / "b").mkdir()
    more = [([2, 4], {"highway": "residential", "name": "Nygatan"})]
    other = made(tmp_path / "b", osm(tmp_path / "ny.osm.pbf", more=more))
    assert other.about.digest != village.about.digest


def test_what_lies_outside_the_municipality_is_cut_off(tmp_path):
    tight = Ground(3006, (16.5, 59.37, 16.505, 59.375), "Provkommun")
    found = made(tmp_path, osm(tmp_path / "by.osm.pbf"), ground=tight)
    west, south, east, north = tight.bounds
    for layer in found.lines_and_areas((16.4, 59.3, 16.6, 59.45)):
        assert shapely.box(16.47, 59.35, 16.54, 59.4).contains(layer.outline)
    assert east - west < 2500
    assert north - south < 2700


# --- from GeoPackages ----------------------------------------------------------------------------


def test_layers_of_lantmateriet_are_known_by_their_names(tmp_path):
    road, path_ = "Huvudgata", "Gångstig"
    layers = {
        "mark": [(LAKE, {"objekttyp": "Sjö"}), (HOUSE, {"objekttyp": "Barr- och blandskog"})],
        "vaglinje": [(STREET, {"objekttyp": road, "gatunamn": "Provgatan"})],
        "ovrig_vag": [(STREET, {"objekttyp": path_})],
        "byggnad": [(HOUSE, {"objekttyp": "Bostad"})],
        "hydrolinje": [(STREET, {"objekttyp": "Vattendrag"})],
        "textpunkt": [(shapely.Point(16.505, 59.371), {"karttext": "Provby"})],
        "hojdlinje": [(STREET, {"objekttyp": "Höjdkurva"})],
    }
    found = made(tmp_path, geopackage(tmp_path / "t.gpkg", layers), said=SAID)
    sizes = found.sizes()
    assert (sizes["water"], sizes["green"], sizes["streets"], sizes["names"]) == (2, 1, 2, 1)
    tile = at(found, 10, 16.505, 59.3702)
    assert {f["properties"]["kind"] for f in tile["streets"]} == {"main", "path"}
    assert (found.about.attribution, found.about.made) == ("© Provkommun", "2026-05-01")


def test_several_files_in_several_systems_become_one_map(tmp_path):
    one = geopackage(tmp_path / "a.gpkg", {"Gator": [(STREET, {"namn": "Provgatan"})]}, 4326)
    two = geopackage(tmp_path / "b.gpkg", {"Byggnader": [(HOUSE, {"x": "1"})]}, 3011)
    found = made(tmp_path, one, two, said=SAID)
    assert (found.sizes()["streets"], found.sizes()["buildings"]) == (1, 1)
    (house,) = at(found, 10)["buildings"]
    assert shapely.geometry.shape(house["geometry"]).area > 100


# --- from tiles ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("road", "kind"), [("roads", {"kind": "major_road"}), ("transportation", {"class": "primary"})]
)
def test_what_tiles_have_cut_is_whole_again(tmp_path, road, kind):
    layers = {
        "water": [(LAKE, {"kind": "lake"})],
        road: [(STREET, {**kind, "name": "Provgatan"})],
        "buildings": [(HOUSE, {"kind": "building"})],
        "pois": [(shapely.Point(16.505, 59.371), {"kind": "bench"})],
    }
    found = made(tmp_path, pmtiles(tmp_path / "by.pmtiles", layers, zoom=15))
    assert found.sizes() == {
        **dict.fromkeys(found.sizes(), 0),
        "water": 1,
        "buildings": 1,
        "streets": 1,
    }
    (lake,) = [s for s in found.lines_and_areas(ENVELOPE) if s.fill == "#aecbe0"]
    assert lake.outline.area == pytest.approx(LAKE.area, rel=0.02)
    assert found.about.attribution == "© Någon & co"


# --- what cannot be used -------------------------------------------------------------------------


def refused(tmp_path, kind, code, *files, said=SAID):
    target = tmp_path / "bakgrund.gpkg"
    with pytest.raises(kind) as fault:
        build(files, target, GROUND, said, lambda _: None)
    assert fault.value.code == code
    assert not target.exists()
    assert list(tmp_path.glob(".lagesbild-*")) == []


@pytest.mark.parametrize("keep", [0, 3, 200, -20])
def test_a_broken_extract_is_refused(tmp_path, keep):
    whole = osm(tmp_path / "by.osm.pbf")
    whole.write_bytes(whole.read_bytes()[:keep])
    refused(tmp_path, UnreadableFile, "basemap-not-osm", whole)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("by.osm.pbf", "basemap-not-osm"),
        ("by.gpkg", "basemap-not-geopackage"),
        ("by.pmtiles", "basemap-not-pmtiles"),
    ],
)
def test_a_file_that_is_something_else_is_refused(tmp_path, name, code):
    (tmp_path / name).write_bytes(b"<html>Not found</html>" * 100)
    refused(tmp_path, UnreadableFile, code, tmp_path / name)


def test_a_file_that_is_not_there_or_of_no_known_kind_is_refused(tmp_path):
    refused(tmp_path, UnreadableFile, "basemap-missing", tmp_path / "by.osm.pbf")
    (tmp_path / "by.shp").write_bytes(b"1")
    refused(tmp_path, InvalidParameter, "basemap-unknown-file", tmp_path / "by.shp")


def test_damaged_files_of_each_kind_are_refused(tmp_path):
    whole = geopackage(tmp_path / "by.gpkg", {"gator": [(STREET, {"namn": "Provgatan"})]})
    whole.write_bytes(whole.read_bytes()[:5000])
    refused(tmp_path, UnreadableFile, "basemap-not-geopackage", whole)
    cut = pmtiles(tmp_path / "by.pmtiles", {"water": [(LAKE, {})]})
    cut.write_bytes(cut.read_bytes()[:-40])
    refused(tmp_path, UnreadableFile, "basemap-tiles-broken", cut)


def test_an_extract_of_another_town_is_refused_by_name(tmp_path):
    far = osm(tmp_path / "annan.osm.pbf", far=True)
    refused(tmp_path, InvalidParameter, "basemap-nothing-here", far)


def test_a_geopackage_without_known_layers_says_what_it_has(tmp_path):
    other = geopackage(tmp_path / "by.gpkg", {"hojdkurvor": [(STREET, {"namn": "50"})]})
    refused(tmp_path, InvalidParameter, "basemap-no-layer", other)


def test_pictures_in_tiles_are_refused(tmp_path):
    pictures = pmtiles(tmp_path / "by.pmtiles", {"water": [(LAKE, {})]}, kind=TileType.PNG)
    refused(tmp_path, UnreadableFile, "basemap-not-vector", pictures)


def test_somebody_has_to_be_named(tmp_path):
    layers = {"gator": [(STREET, {"namn": "Provgatan"})]}
    file = geopackage(tmp_path / "by.gpkg", layers)
    refused(tmp_path, InvalidParameter, "basemap-nobody-named", file, said=UNSAID)


def test_a_map_that_is_there_is_not_replaced(tmp_path, village):
    before = (tmp_path / "bakgrund.gpkg").read_bytes()
    with pytest.raises(Conflict, match="file-exists"):
        made(tmp_path, tmp_path / "by.osm.pbf")
    assert (tmp_path / "bakgrund.gpkg").read_bytes() == before
    assert village.sizes()


def test_a_library_that_is_not_installed_is_named(tmp_path, monkeypatch):
    file = osm(tmp_path / "by.osm.pbf")
    monkeypatch.setitem(sys.modules, "osmium", None)
    refused(tmp_path, InvalidParameter, "basemap-extra-missing", file)


# --- reading it again ----------------------------------------------------------------------------


def test_a_square_that_does_not_exist_is_not_found(village):
    first, last = basemap.zooms(village.grid)
    for zoom, row, column in [
        (first - 1, 0, 0),
        (last + 1, 0, 0),
        (first, -1, 0),
        (first, 0, 10**9),
    ]:
        with pytest.raises(NotFound, match="no-such-tile"):
            village.tile(zoom, row, column)
    assert village.tile(first, 0, 0) == b""


def test_a_damaged_map_is_refused(tmp_path, village):
    file = tmp_path / "bakgrund.gpkg"
    whole = file.read_bytes()
    for content in (b"", b"nothing", whole[:3000], whole[: len(whole) // 2]):
        file.write_bytes(content)
        with pytest.raises(UnreadableFile):
            basemap.read(file)
    file.write_bytes(whole)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE water SET geom = x'4750000100000000ff'")
    connection.close()
    with pytest.raises(UnreadableFile, match="basemap-broken"):
        basemap.read(file)
    assert village.sizes()


@pytest.mark.parametrize("about", ["", "[]", "{}", '{"epsg": 3006, "envelope": [1]}', "null"])
def test_a_map_that_says_something_else_of_itself_is_refused(tmp_path, village, about):
    with sqlite3.connect(tmp_path / "bakgrund.gpkg") as connection:
        connection.execute("UPDATE lagesbild_basemap SET about = ?", (about,))
    connection.close()
    with pytest.raises(UnreadableFile, match="basemap-not-ours"):
        basemap.read(tmp_path / "bakgrund.gpkg")
    assert village.sizes()


def test_somebody_elses_geopackage_is_no_map_of_ours(tmp_path):
    other = geopackage(tmp_path / "by.gpkg", {"gator": [(STREET, {"namn": "Provgatan"})]})
    with pytest.raises(UnreadableFile, match="basemap-not-ours"):
        basemap.read(other)


def test_a_still_picture_has_the_shapes_of_its_box_and_no_more_than_asked(village):
    box = (16.495, 59.365, 16.515, 59.385)
    every = village.lines_and_areas(box)
    assert len(every) > 3
    assert len(village.lines_and_areas(box, most=2)) == 2
    assert village.lines_and_areas((16.53, 59.386, 16.531, 59.3861)) == []
    assert draw(every, epsg=3006, size=(300, 200), alt="Karta", within=box).startswith("<svg")


# --- the demonstration's -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def invented(tmp_path_factory):
    folder = tmp_path_factory.mktemp("invented")
    reference = profiles.load(demo.PROFILE)
    town = demo_town.build(reference, np.random.default_rng(demo.SEED))
    for name in ("a.gpkg", "b.gpkg"):
        basemap_demo.make(reference, town, folder / name, "2026-11-01")
    return folder, town, reference


def test_the_invented_map_is_the_same_each_time_and_small(invented):
    folder, _, _ = invented
    assert (folder / "a.gpkg").read_bytes() == (folder / "b.gpkg").read_bytes()
    assert (folder / "a.gpkg").stat().st_size < 3_000_000


def test_the_invented_map_says_so(invented):
    about = basemap.read(invented[0] / "a.gpkg").about
    assert about.invented
    assert "Påhittad" in about.attribution


def test_the_streets_of_the_invented_map_are_those_of_the_addresses(invented):
    folder, town, _ = invented
    streets = background.layer(folder / "a.gpkg", "streets")
    for spot in town.addresses[::97]:
        near = shapely.dwithin(streets.shapes, shapely.Point(spot.x_m, spot.y_m), 20.0)
        assert spot.street in set(streets.name[near])


def test_no_real_street_stands_on_the_invented_map(invented):
    folder, _, reference = invented
    streets = background.layer(folder / "a.gpkg", "streets")
    drawn = set(filter(None, streets.name))
    assert len(drawn) > 100
    assert not drawn & {place.name for place in reference.places}


def test_the_commands_build_and_show_a_map(gpkg_desk, command, tmp_path):
    file, out = osm(tmp_path / "by.osm.pbf"), tmp_path / "ny" / "bakgrund.gpkg"
    code, said, err = command(gpkg_desk.url, "basemap", "build", file, "--out", out)
    assert (code, err) == (0, "")
    assert "OpenStreetMap contributors" in said
    assert f"LAGESBILD_BASEMAP={out}" in said
    code, said, err = command(gpkg_desk.url, "basemap", "show", out)
    assert (code, err) == (0, "")
    assert "streets: 2" in said
    code, said, _ = command(gpkg_desk.url, "basemap", "show")
    assert (code, "LAGESBILD_BASEMAP" in said) == (0, True)
    code, said, err = command(gpkg_desk.url, "basemap", "build", file, "--out", out)
    assert (code, said, err.count("\n")) == (2, "", 1)
    assert json.dumps(err).isprintable()
