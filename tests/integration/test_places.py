"""Places are data: areas, schools, venues, gazetteer and address register change without code."""

import json
import os

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely

from geo import crs
from geo.errors import LagesbildError
from pipelines import mapping, places
from pipelines.analyse import Parameters, analyse
from pipelines.places import PlaceImport
from pipelines.texts import sentence
from store import incidents
from store import places as stored
from store.incidents import IncidentFilter
from tests.desk import CENTRE, NOW, QUIET, WALK, csv_text, lonlat, report, sighting

NYFORS = shapely.Polygon(
    [(16.5305, 59.3700), (16.5400, 59.3700), (16.5400, 59.3750), (16.5305, 59.3750)]
)
IN_NYFORS = (16.5350, 59.3725)
ADDRESS_COLUMNS = (
    *("objektidentitet", "adressplatstyp", "adressomrade_faststalltnamn"),
    *("gardsadressomrade_faststalltnamn", "adressplatsnummer", "bokstavstillagg"),
    *("postnummer", "postort", "statusforbelagenhetsadress"),
)


def metres(lon, lat):
    """Give a point's place in EPSG:3006."""
    x, y = crs.transform(np.array([lon]), np.array([lat]), 4326, 3006)
    return float(x[0]), float(y[0])


def degrees(x_m, y_m):
    lon, lat = crs.transform(np.array([x_m]), np.array([y_m]), 3006, 4326)
    return float(lon[0]), float(lat[0])


def moved(point, east_m=0.0, north_m=0.0):
    """Give a point so many metres away."""
    x, y = metres(*point)
    return degrees(x + east_m, y + north_m)


def geojson(desk, name, *features):
    rows = [
        {"type": "Feature", "properties": values, "geometry": shapely.geometry.mapping(shape)}
        for shape, values in features
    ]
    return desk.put(name, json.dumps({"type": "FeatureCollection", "features": rows}))


def venues(desk, *points, replace=False):
    rows = [[f"Krog {n}", str(lon), str(lat)] for n, (lon, lat) in enumerate(points)]
    path = desk.put("krogar.csv", csv_text(("name", "lon", "lat"), rows))
    return places.import_file(desk.store, PlaceImport(path, "venues", replace=replace))


def register(desk, *rows, layer="belagenhetsadress", name="adresser.gpkg", epsg=3006):
    """Write an address register in Lantmäteriet's form; rows are street, number, letter, point."""
    frame = gpd.GeoDataFrame(
        {
            "objektidentitet": [f"id-{n}" for n in range(len(rows))],
            "adressplatstyp": "Gatuadressplats",
            "adressomrade_faststalltnamn": [street for street, *_ in rows],
            "gardsadressomrade_faststalltnamn": None,
            "adressplatsnummer": [str(number) for _, number, *_ in rows],
            "bokstavstillagg": [letter or None for _, _, letter, *_ in rows],
            "postnummer": [0 if n == 0 else 63220 for n in range(len(rows))],
            "postort": "ESKILSTUNA",
            "statusforbelagenhetsadress": [row[4] if len(row) > 4 else "Gällande" for row in rows],
        },
        geometry=[shapely.Point(*row[3]) for row in rows],
        crs=4326,
    ).to_crs(epsg)
    path = desk.folder / name
    path.unlink(missing_ok=True)
    pyogrio.write_dataframe(frame, path, layer=layer, geometry_name="adressplatspunkt")
    return path


def areas_of(desk):
    """Tell in which area of interest each incident lies."""
    return desk.ask(
        "SELECT i.id, a.name FROM incident i LEFT JOIN area a ON a.id = i.area_id ORDER BY i.id"
    )


def categories(desk):
    return [slug for (slug,) in desk.ask("SELECT category FROM incident ORDER BY id")]


# --- areas -------------------------------------------------------------------------------------


def test_a_fifth_area_needs_no_code(desk):
    desk.take_rows(report(1, **lonlat(*IN_NYFORS)), report(2, **lonlat(*QUIET)))
    assert areas_of(desk) == [(1, None), (2, None)]
    path = geojson(desk, "nyfors.geojson", (NYFORS, {"namn": "Nyfors", "källa": "kommunen"}))
    loaded = places.import_file(desk.store, PlaceImport(path, "areas"))
    assert (loaded.entries, loaded.derived) == (1, 2)
    assert areas_of(desk) == [(1, "Nyfors"), (2, None)]
    desk.take_rows(
        report(3, **lonlat(*IN_NYFORS)), report(4, LATITUDE="", LONGITUDE="", GATA="Nyfors")
    )
    assert areas_of(desk)[2:] == [(3, "Nyfors"), (4, "Nyfors")]
    assert desk.ask("SELECT source FROM area WHERE name = 'Nyfors'") == [("kommunen",)]


def test_a_fifth_area_is_counted_and_clustered_like_the_others(gpkg_desk):
    gpkg_desk.take_rows(*(report(n, **lonlat(*IN_NYFORS)) for n in range(6)))
    path = geojson(gpkg_desk, "nyfors.geojson", (NYFORS, {"name": "Nyfors"}))
    places.import_file(gpkg_desk.store, PlaceImport(path, "areas"))
    analyse(gpkg_desk.store, Parameters(), NOW)
    nyfors = gpkg_desk.one("SELECT id FROM area WHERE name = 'Nyfors'")
    counted = gpkg_desk.ask(
        "SELECT sum(count) FROM area_count WHERE area_id = :area AND \"window\" = 'all'",
        area=nyfors,
    )
    assert counted == [(6,)]
    assert gpkg_desk.one("SELECT count(*) FROM cluster WHERE area_id = :area", area=nyfors) > 0


@pytest.mark.parametrize("epsg", [4326, 3006, 3010])
@pytest.mark.parametrize("driver", ["GPKG", "GeoJSON", "ESRI Shapefile"])
def test_areas_come_in_any_map_format_and_system(gpkg_desk, epsg, driver):
    frame = gpd.GeoDataFrame({"NAMN": ["Nyfors"]}, geometry=[NYFORS], crs=4326).to_crs(epsg)
    suffix = {"GPKG": "gpkg", "GeoJSON": "geojson", "ESRI Shapefile": "shp"}[driver]
    path = gpkg_desk.folder / f"yta.{suffix}"
    frame.to_file(path, driver=driver)
    places.import_file(gpkg_desk.store, PlaceImport(path, "areas"))
    with gpkg_desk.store.read() as connection:
        (found,) = (a for a in stored.areas(connection) if a.name == "Nyfors")
    assert found.outline.symmetric_difference(NYFORS).area < NYFORS.area * 1e-6


def test_an_area_of_the_same_name_is_replaced_and_keeps_its_number(desk):
    before = desk.one("SELECT id FROM area WHERE name = 'Skiftinge'")
    desk.take_rows(report(1, **lonlat(16.5369, 59.3913)), report(2, **lonlat(*IN_NYFORS)))
    assert areas_of(desk) == [(1, "Skiftinge"), (2, None)]
    path = geojson(desk, "ny.geojson", (NYFORS, {"name": "Skiftinge"}))
    places.import_file(desk.store, PlaceImport(path, "areas"))
    assert desk.one("SELECT id FROM area WHERE name = 'Skiftinge'") == before
    assert areas_of(desk) == [(1, None), (2, "Skiftinge")]


def test_replacing_removes_the_other_areas_of_the_kind_only(desk):
    path = geojson(desk, "ny.geojson", (NYFORS, {"name": "Nyfors"}))
    places.import_file(desk.store, PlaceImport(path, "areas", replace=True))
    names = {name for (name,) in desk.ask("SELECT name FROM area")}
    assert names == {"Nyfors", "Nattlivskärnan", "Eskilstuna kommun"}


def test_parts_of_one_name_become_one_area(gpkg_desk):
    other = shapely.transform(NYFORS, lambda xy: xy + np.array([0.02, 0]))
    path = geojson(
        gpkg_desk, "a.geojson", (NYFORS, {"name": "Nyfors"}), (other, {"name": "Nyfors"})
    )
    assert places.import_file(gpkg_desk.store, PlaceImport(path, "areas")).entries == 1
    gpkg_desk.take_rows(report(1, **lonlat(*IN_NYFORS)), report(2, **lonlat(16.5550, 59.3725)))
    assert areas_of(gpkg_desk) == [(1, "Nyfors"), (2, "Nyfors")]


def test_a_district_with_the_name_of_an_area_does_not_take_its_rows(desk):
    larger = shapely.box(16.52, 59.38, 16.56, 59.40)
    path = geojson(desk, "d.geojson", (larger, {"name": "Skiftinge"}))
    places.import_file(desk.store, PlaceImport(path, "areas", "district"))
    desk.take_rows(report(1, LATITUDE="", LONGITUDE="", GATA="Skiftinge"))
    assert areas_of(desk) == [(1, "Skiftinge")]


def test_the_districts_of_statistics_sweden_come_in_whole(gpkg_desk, shared):
    folder = shared / "data" / "eskilstuna"
    for name, kind, entries in (
        ("regso_2025.geojson", "district", 30),
        ("deso_2025_urban.geojson", "district", 51),
        ("areas_priority_4.geojson", "priority", 4),
        ("municipality_0484.geojson", "municipality", 1),
    ):
        loaded = places.import_file(gpkg_desk.store, PlaceImport(folder / name, "areas", kind))
        assert loaded.entries == entries, name
    gpkg_desk.take_rows(report(1, **lonlat(16.5369, 59.3915)))
    assert areas_of(gpkg_desk) == [(1, "Skiftinge")]


def test_schools_bus_stops_and_gazetteer_of_the_shared_data_come_in(gpkg_desk, shared):
    folder = shared / "data" / "eskilstuna"
    for name, kind, replace, entries in (
        ("schools.csv", "schools", True, 31),
        ("gazetteer.csv", "places", True, 515),
    ):
        loaded = places.import_file(
            gpkg_desk.store, PlaceImport(folder / name, kind, replace=replace)
        )
        assert loaded.entries == entries, name
    gpkg_desk.take_rows(report(1, LATITUDE="", LONGITUDE="", GATA="Kriebsensgatan", GATUNR="6"))
    assert gpkg_desk.one("SELECT match_type FROM incident") != "none"


# --- krogvåld: in the core, or within 50 m of a venue ------------------------------------------


def test_violence_near_a_venue_is_nightlife_violence_up_to_fifty_metres(desk):
    venues(desk, QUIET)
    away = (0, 49.9, 50.1, 500)
    desk.take_rows(*(report(n, **lonlat(*moved(QUIET, m))) for n, m in enumerate(away)))
    assert categories(desk) == ["krogvald", "krogvald", "misshandel", "misshandel"]


@pytest.mark.parametrize(
    ("code", "near", "far"),
    [
        ("0357", "krogvald", "misshandel"),
        ("1701", "krogvald", "vald_tjansteman"),
        ("1705", "krogvald", "vald_tjansteman"),
        ("0407", "krogvald", "ofredande"),
        ("9810", "ran", "ran"),
        ("1201", "skadegorelse", "skadegorelse"),
        ("5011", "narkotika", "narkotika"),
        ("1209", "klotter", "klotter"),
    ],
)
def test_only_assault_violence_against_officials_and_molestation_can_be_nightlife_violence(
    gpkg_desk, code, near, far
):
    gpkg_desk.take_rows(
        report(1, BROTTSKOD=code, **lonlat(*CENTRE)), report(2, BROTTSKOD=code, **lonlat(*QUIET))
    )
    assert categories(gpkg_desk) == [near, far]


def test_the_core_itself_counts_on_its_border_and_not_beside_it(gpkg_desk):
    with gpkg_desk.store.read() as connection:
        (core,) = stored.areas(connection, "nightlife")
    border = core.outline.boundary.interpolate(0.3, normalized=True)
    middle = core.outline.centroid
    inwards = (middle.x + 0.99 * (border.x - middle.x), middle.y + 0.99 * (border.y - middle.y))
    outwards = (middle.x + 1.03 * (border.x - middle.x), middle.y + 1.03 * (border.y - middle.y))
    gpkg_desk.take_rows(report(1, **lonlat(*inwards)), report(2, **lonlat(*outwards)))
    assert categories(gpkg_desk) == ["krogvald", "misshandel"]


def test_a_venue_that_comes_later_changes_what_is_stored(desk):
    desk.take_rows(report(1, **lonlat(*QUIET)))
    assert categories(desk) == ["misshandel"]
    assert venues(desk, QUIET).derived == 1
    assert categories(desk) == ["krogvald"]
    venues(desk, moved(QUIET, 200), replace=True)
    assert categories(desk) == ["misshandel"]


MAPPING = """
kind = "incidents"
source = "x"
[columns]
source_id = "ID"
code = "BROTTSKOD"
starts = "BROTTSDATUMTID_START"
lon = "LONGITUDE"
lat = "LATITUDE"
[uncertainty]
column = "GATUNR"
default = 10
near = 75
wide = 76
"""


def test_a_point_that_is_too_uncertain_does_not_tell_what_lies_around_it(desk):
    layout = mapping.load(desk.put("m.toml", MAPPING))
    rows = [
        report(n, GATUNR=kind, **lonlat(*CENTRE)) for n, kind in enumerate(["", "near", "wide"])
    ]
    desk.take(desk.csv("a.csv", rows), layout=layout)
    assert categories(desk) == ["krogvald", "krogvald", "misshandel"]


# --- codes that never reach a map --------------------------------------------------------------

NEVER = (
    # close relation and relatives (domain.md §7)
    *range(9357, 9388, 2),
    *(412, 422, 423, 424, 425, 9401, 9402, 9403, 9404, 4086, *range(4088, 4098)),
    *range(9349, 9357),
    *(9440, 9441, 9444, 9445),
    # children up to six years
    *range(9301, 9309),
    *range(9325, 9333),
    # sexual offences
    *(601, 648, 656, 667, 668),
    # internet: there is no place
    *(450, 452, 458),
)


def test_close_relation_sexual_and_small_child_codes_never_reach_a_map(desk):
    school = (16.51275, 59.36836)  # Fristadsskolan, in the core
    venues(desk, school)
    rows = [report(n, BROTTSKOD=f"{code:04}", **lonlat(*school)) for n, code in enumerate(NEVER, 1)]
    known = desk.take_rows(report(0, **lonlat(*school)), *rows)
    accepted = known.counts.accepted - 1
    assert accepted > 40
    assert set(known.details["reasons"]) <= {"unknown-code"}
    assert desk.one("SELECT count(*) FROM incident WHERE on_map") == 1
    with desk.store.read() as connection:
        page = incidents.find(connection, IncidentFilter(), 1_000, 0)
        assert page.matched == 1
        hidden = [key for (key,) in desk.ask("SELECT id FROM incident WHERE NOT on_map")]
        assert [incidents.one(connection, key) for key in hidden] == [None] * accepted
    outcome = analyse(desk.store, Parameters(), NOW)
    assert (outcome.run.n_incidents, outcome.run.n_excluded) == (1, accepted)
    for table in ("cell_count", "area_count"):
        assert desk.ask(
            f'SELECT DISTINCT category, "count" FROM {table} WHERE "window" = \'all\''  # noqa: S608
        ) == [("krogvald", 1)]
    assert desk.one("SELECT count(*) FROM cluster") == 0


def test_every_code_of_the_profile_that_never_reaches_a_map_stays_off_it(gpkg_desk):
    with gpkg_desk.store.read() as connection:
        profile = stored.profile(connection)
    off = {category.code for category in profile.categories if not category.on_map}
    by_code = {}
    for rule in profile.offences:
        by_code.setdefault(rule.code, []).append(rule.place == "never" or rule.category in off)
    codes = sorted(code for code, rules in by_code.items() if all(rules))
    school = (16.51275, 59.36836)
    rows = [report(n, BROTTSKOD=code, **lonlat(*school)) for n, code in enumerate(codes)]
    assert gpkg_desk.take_rows(*rows).counts.accepted == len(codes) > 250
    assert gpkg_desk.one("SELECT count(*) FROM incident WHERE on_map") == 0


def test_violence_against_children_is_shown_at_schools_only(gpkg_desk):
    school = (16.47590, 59.41649)  # Gökstensskolan
    away = (0, 99.9, 100.1)
    gpkg_desk.take_rows(
        *(report(n, BROTTSKOD="9313", **lonlat(*moved(school, 0, -m))) for n, m in enumerate(away))
    )
    shown = [bool(value) for (value,) in gpkg_desk.ask("SELECT on_map FROM incident ORDER BY id")]
    assert shown == [True, True, False]


# --- gazetteer and address register ------------------------------------------------------------


def test_an_address_register_places_what_was_stored_before_it(desk):
    desk.take_rows(
        report(1, LATITUDE="", LONGITUDE="", GATA="Lövängsgatan", GATUNR="5 A"),
        report(2, LATITUDE="", LONGITUDE="", GATA="Lövängsgatan", GATUNR="7"),
        report(3, LATITUDE="", LONGITUDE="", GATA="Vestermarksgatan", GATUNR="5"),
    )
    assert desk.ask("SELECT DISTINCT match_type FROM incident") == [("none",)]
    path = register(
        desk,
        ("Lövängsgatan", 5, "A", QUIET),
        ("Lövängsgatan", 11, "", moved(QUIET, 60)),
        ("Västermarksgatan", 5, "A", moved(QUIET, 900)),
    )
    loaded = places.import_file(desk.store, PlaceImport(path, "addresses"))
    assert (loaded.entries, loaded.derived) == (3, 3)
    found = desk.ask("SELECT match_type, uncertainty_m, lon FROM incident ORDER BY id")
    assert [row[0] for row in found] == ["address", "street", "address_without_letter"]
    assert found[0][1:] == (10.0, pytest.approx(QUIET[0], abs=1e-6))
    assert desk.one("SELECT count(*) FROM incident WHERE cell IS NOT NULL") == 3


def test_new_and_stored_rows_are_placed_alike(desk):
    cells = {"LATITUDE": "", "LONGITUDE": ""}
    kinds = [
        {"GATA": "Lövängsgatan", "GATUNR": "5 A"},
        {"GATA": "Lövängsgatan"},
        {"GATA": "Lövängsgatan/Torggränd"},
        {"GATA": "Fristadstorget"},
        {"GATA": "Skiftinge"},
        {"GATA": "Ingenstans"},
    ]
    desk.take_rows(*(report(n, **cells, **kind) for n, kind in enumerate(kinds)))
    path = register(
        desk,
        ("Lövängsgatan", 5, "A", QUIET),
        ("Torggränd", 1, "", moved(QUIET, 20)),
        ("Lövängsgatan", 50, "", moved(QUIET, 0, 400)),
    )
    places.import_file(desk.store, PlaceImport(path, "addresses"))
    desk.take_rows(*(report(n, **cells, **kind) for n, kind in enumerate(kinds, 10)))
    found = desk.ask(
        "SELECT match_type, match_score, uncertainty_m, matched_text, lon, lat, cell, area_id,"
        " category, on_map FROM incident ORDER BY id"
    )
    assert found[:6] == found[6:]
    assert {row[0] for row in found} == {"address", "street", "crossing", "place", "area", "none"}


def test_only_addresses_in_force_in_the_municipality_are_read(gpkg_desk):
    path = register(
        gpkg_desk,
        ("Ågatan", 1, "", QUIET),
        ("Ågatan", 3, "", QUIET, "Reserverad"),
        ("Ågatan", 5, "", (11.97, 57.70)),
    )
    assert places.import_file(gpkg_desk.store, PlaceImport(path, "addresses")).entries == 1
    with gpkg_desk.store.read() as connection:
        (address,) = stored.addresses(connection)
    assert (address.street, address.number, address.postcode) == ("Ågatan", 1, "")
    assert "id-0" not in gpkg_desk.everything()  # the register's own ids are not kept


def test_a_register_of_another_municipality_leaves_the_old_one(desk):
    places.import_file(
        desk.store, PlaceImport(register(desk, ("Ågatan", 1, "", QUIET)), "addresses")
    )
    elsewhere = register(desk, ("Avenyn", 1, "", (11.97, 57.70)), name="gbg.gpkg")
    with pytest.raises(LagesbildError) as refused:
        places.import_file(desk.store, PlaceImport(elsewhere, "addresses"))
    assert "Eskilstuna" in sentence(refused.value)
    assert desk.one("SELECT count(*) FROM address") == 1


def test_gazetteer_entries_of_a_file_are_found_and_replaced_by_the_same_file(desk):
    row = report(1, LATITUDE="", LONGITUDE="", GATA="Tuppens grillkiosk")
    desk.take_rows(row)
    for point in (QUIET, moved(QUIET, 300)):
        text = csv_text(
            ("namn", "lon", "lat", "precision_m"),
            [["Tuppens grillkiosk", *(str(value) for value in point), "30"]],
        )
        path = desk.put("platser.csv", text)
        places.import_file(desk.store, PlaceImport(path, "places"))
        kind, uncertainty, lon = desk.ask("SELECT match_type, uncertainty_m, lon FROM incident")[0]
        assert (kind, uncertainty) == ("place", 30.0)
        assert lon == pytest.approx(point[0], abs=1e-6)
    assert desk.one("SELECT count(*) FROM named_place WHERE name = 'Tuppens grillkiosk'") == 1


def test_observations_are_placed_anew_as_well(gpkg_desk):
    header = ("Datum", "Typ", "Gata", "Gatunr", "Vandring")
    gpkg_desk.take_rows(
        ["2026-10-15", "Belysning", "Lövängsgatan", "5", "Höst"], header=header, kind="observations"
    )
    path = register(gpkg_desk, ("Lövängsgatan", 5, "", QUIET))
    places.import_file(gpkg_desk.store, PlaceImport(path, "addresses"))
    assert gpkg_desk.one("SELECT match_type FROM observation") == "address"


def test_a_walk_without_coordinates_is_placed_by_its_area(gpkg_desk):
    gpkg_desk.take_rows(sighting(Latitud="", Longitud=""), header=WALK, kind="observations")
    found = gpkg_desk.ask(
        "SELECT match_type, a.name FROM observation o JOIN area a ON a.id = o.area_id"
    )
    assert found == [("area", "Skiftinge")]


# --- piles -------------------------------------------------------------------------------------


def test_points_on_the_one_point_of_the_police_feed_are_a_false_pile(desk):
    feed = (16.509805, 59.371249)
    of = desk.take_rows(
        *(report(n, **lonlat(*feed)) for n in range(3)),
        report(4, **lonlat(*moved(feed, 30))),
    )
    assert of.details["piled"] == 3
    assert desk.one("SELECT count(*) FROM incident WHERE pile") == 3


def test_a_point_with_ten_addresses_is_a_pile_and_one_with_nine_is_not(desk):
    def rows(first, n, point):
        return [
            report(first + i, GATA=f"Gata {chr(65 + i)}", GATUNR="1", **lonlat(*point))
            for i in range(n)
        ]

    elsewhere = moved(QUIET, 500)
    of = desk.take_rows(*rows(0, 10, QUIET), *rows(100, 9, elsewhere))
    assert of.details["piled"] == 10
    of = desk.take_rows(*rows(100, 10, elsewhere), name="mer.csv")  # one more of the second kind
    assert of.details["piled"] == 20


def test_mere_stacking_is_no_pile(desk):
    of = desk.take_rows(
        *(report(n, GATA="Krogen", GATUNR=str(n % 2), **lonlat(*QUIET)) for n in range(60))
    )
    assert of.details["piled"] == 0


# --- files that are refused --------------------------------------------------------------------

SQUARE = [(16.50, 59.40), (16.51, 59.40), (16.51, 59.41), (16.50, 59.41)]
BOW_TIE = shapely.Polygon([SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]])
ROUND = shapely.Point(16.5, 59.4).buffer(0.01, quad_segs=2_600)


@pytest.mark.parametrize(
    ("shape", "values", "words"),
    [
        (BOW_TIE, {"name": "x"}, "korsar sig själv"),
        (shapely.LineString(SQUARE), {"name": "x"}, "ingen yta"),
        (shapely.Point(16.5, 59.4), {"name": "x"}, "ingen yta"),
        (shapely.Polygon(), {"name": "x"}, "ingen yta"),
        (shapely.box(11.9, 57.6, 12.0, 57.7), {"name": "x"}, "utanför Eskilstuna"),
        (ROUND, {"name": "x"}, "fler än 10000 hörn"),
        (NYFORS, {"colour": "red"}, "ingen kolumn med namn"),
        (NYFORS, {"name": None, "namn": None}, "ingen kolumn med namn"),
    ],
)
def test_an_area_that_cannot_be_used_is_refused_and_nothing_changes(desk, shape, values, words):
    before = (desk.sizes(), desk.ask("SELECT * FROM profile"))
    path = geojson(desk, "a.geojson", (NYFORS, {"name": "Nyfors"} | values), (shape, values))
    if "name" not in values or values["name"] is None:
        path = geojson(desk, "a.geojson", (shape, values))
    with pytest.raises(LagesbildError) as refused:
        places.import_file(desk.store, PlaceImport(path, "areas", replace=True))
    assert words in sentence(refused.value)
    assert (desk.sizes(), desk.ask("SELECT * FROM profile")) == before


def test_an_area_without_a_name_among_others_is_refused(desk):
    path = geojson(desk, "a.geojson", (NYFORS, {"name": "Nyfors"}), (NYFORS, {"name": None}))
    with pytest.raises(LagesbildError) as refused:
        places.import_file(desk.store, PlaceImport(path, "areas"))
    assert "saknar namn" in sentence(refused.value)


def test_a_file_of_several_layers_is_refused_rather_than_guessed_at(gpkg_desk):
    frame = gpd.GeoDataFrame({"name": ["Nyfors"]}, geometry=[NYFORS], crs=4326)
    path = gpkg_desk.folder / "två.gpkg"
    frame.to_file(path, layer="ett")
    frame.to_file(path, layer="två")
    with pytest.raises(LagesbildError) as refused:
        places.import_file(gpkg_desk.store, PlaceImport(path, "areas"))
    assert "ett, två" in sentence(refused.value)


def test_a_table_without_geometry_beside_the_layer_does_not_matter(gpkg_desk):
    path = gpkg_desk.folder / "qgis.gpkg"
    gpd.GeoDataFrame({"name": ["Nyfors"]}, geometry=[NYFORS], crs=4326).to_file(path, layer="yta")
    styles = gpd.pd.DataFrame({"styleName": ["röd"]})
    pyogrio.write_dataframe(styles, path, layer="layer_styles", append=True)
    assert places.import_file(gpkg_desk.store, PlaceImport(path, "areas")).entries == 1


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([["Krog", "norr", "59,4"]], "inga koordinater"),
        ([["Krog", "", ""]], "inga koordinater"),
        ([["Krog", "16,5"]], "inga koordinater"),
        ([["Krog", "nan", "59,4"]], "utanför"),
        ([["Krog", "59,4", "16,5"]], "utanför"),
        ([["Krog", "585802", "6582337"]], "utanför"),
        ([["", "16,5", "59,4"]], "namnet saknas"),
        ([["Krog", "16,5", "59,4"], ["Krog", "16,6", "59,4"]], "finns redan"),
        ([], "är tom"),
    ],
)
def test_a_list_of_venues_that_cannot_be_used_is_refused_with_its_line(desk, rows, words):
    before = (desk.sizes(), desk.ask("SELECT * FROM profile"))
    path = desk.put("k.csv", csv_text(("namn", "lon", "lat"), [["Bra", "16,5", "59,4"], *rows]))
    if not rows:
        path = desk.put("k.csv", csv_text(("namn", "lon", "lat"), []))
    with pytest.raises(LagesbildError) as refused:
        places.import_file(desk.store, PlaceImport(path, "venues", replace=True))
    said = sentence(refused.value)
    assert words in said
    assert not rows or f"rad {len(rows) + 2}" in said
    assert (desk.sizes(), desk.ask("SELECT * FROM profile")) == before


@pytest.mark.parametrize("uncertainty", ["nan", "-5", "inf", "vet ej"])
def test_an_uncertainty_that_is_no_length_is_refused(desk, uncertainty):
    text = csv_text(("name", "lon", "lat", "uncertainty_m"), [["x", "16.5", "59.4", uncertainty]])
    with pytest.raises(LagesbildError, match="place-uncertainty"):
        places.import_file(desk.store, PlaceImport(desk.put("p.csv", text), "places"))


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.geojson", b"{", "areas"),
        ("a.geojson", b"", "areas"),
        ("a.geojson", b'{"type": "FeatureCollection", "features": []}', "areas"),
        ("a.gpkg", b"SQLite format 3\0" + b"\0" * 500, "areas"),
        ("a.gpkg", os.urandom(3_000), "addresses"),
        ("a.shp", b"\0" * 200, "areas"),
        ("a.csv", b"name;wkt\nx;POLYGON\n", "areas"),
        ("a.xyz", b"hej", "venues"),
        ("a.csv", b"namn;bredd\nx;5\n", "schools"),
        ("a.csv", b"\xff\xfe\x00", "schools"),
        ("a.txt", "åäö".encode("cp1252"), "places"),
    ],
)
def test_a_place_file_that_cannot_be_read_is_refused_with_a_sentence(desk, name, content, kind):
    before = desk.sizes()
    with pytest.raises(LagesbildError) as refused:
        places.import_file(desk.store, PlaceImport(desk.put(name, content), kind))
    assert sentence(refused.value) != refused.value.code
    assert desk.sizes() == before


def test_a_place_file_that_is_not_there_or_is_a_folder(gpkg_desk):
    for path in (gpkg_desk.folder / "nej.gpkg", gpkg_desk.folder):
        with pytest.raises(LagesbildError):
            places.import_file(gpkg_desk.store, PlaceImport(path, "areas"))


def test_an_address_register_of_another_form_is_refused(gpkg_desk):
    other = register(gpkg_desk, ("Ågatan", 1, "", QUIET), layer="adresser")
    with pytest.raises(LagesbildError, match="no-such-layer"):
        places.import_file(gpkg_desk.store, PlaceImport(other, "addresses"))
    path = gpkg_desk.folder / "ytor.gpkg"
    frame = gpd.GeoDataFrame(
        {"adressomrade_faststalltnamn": ["Ågatan"], "adressplatsnummer": ["1"]},
        geometry=[NYFORS],
        crs=4326,
    )
    frame.to_file(path, layer="belagenhetsadress")
    with pytest.raises(LagesbildError, match="place-no-point"):
        places.import_file(gpkg_desk.store, PlaceImport(path, "addresses"))
    frame.set_geometry([shapely.Point(*QUIET)], crs=4326)[["geometry"]].assign(a=1).to_file(
        gpkg_desk.folder / "utan.gpkg", layer="belagenhetsadress"
    )
    with pytest.raises(LagesbildError, match="column-missing"):
        places.import_file(
            gpkg_desk.store, PlaceImport(gpkg_desk.folder / "utan.gpkg", "addresses")
        )


def test_lists_in_a_map_files_attributes_do_no_harm(gpkg_desk):
    point = shapely.Point(*QUIET)
    path = geojson(gpkg_desk, "s.geojson", (point, {"name": "Skola", "years": [2021, 2023]}))
    assert places.import_file(gpkg_desk.store, PlaceImport(path, "schools")).entries == 1


# --- loading a profile -------------------------------------------------------------------------


def test_the_same_profile_again_changes_nothing(desk):
    desk.take_rows(report(1))
    before = (desk.sizes(), desk.ask("SELECT * FROM profile"), desk.ask("SELECT * FROM incident"))
    assert places.load(desk.store, "eskilstuna").derived == 0
    after = (desk.sizes(), desk.ask("SELECT * FROM profile"), desk.ask("SELECT * FROM incident"))
    assert after == before


def test_many_centres_of_areas_do_not_break_the_pile_detector(gpkg_desk):
    cells = [
        (shapely.box(16 + n * 1e-4, 59.2, 16 + n * 1e-4 + 5e-5, 59.2001), {"name": f"Ruta {n}"})
        for n in range(1_500)
    ]
    path = geojson(gpkg_desk, "rutor.geojson", *cells)
    places.import_file(gpkg_desk.store, PlaceImport(path, "areas", "district"))
    assert gpkg_desk.take_rows(report(1)).counts.accepted == 1
