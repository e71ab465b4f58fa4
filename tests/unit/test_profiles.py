"""A place profile is data: what the shipped ones hold, and how a faulty one is refused."""

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import shapely

from geo import crs
from geo.errors import InvalidParameter, NotFound
from geo.offences import OffenceTable
from pipelines import mapping, profiles

CHICAGO = Path(__file__).parents[1] / "profiles" / "chicago"
EXAMPLES = Path(__file__).parents[2] / "docs" / "mappings"
BOTH = pytest.mark.parametrize("source", ["eskilstuna", CHICAGO], ids=["eskilstuna", "chicago"])


@pytest.fixture(scope="module")
def eskilstuna():
    return profiles.load("eskilstuna")


@pytest.fixture
def folder(tmp_path):
    """Copy the Chicago profile with one offence code, to be spoilt."""
    copy = shutil.copytree(CHICAGO, tmp_path / "place")
    with (copy / "offences.csv").open("a", encoding="utf-8") as table:
        table.write("0486,Battery,2000-01-01,2010-01-01,battery,true,any,,own\n")
    return copy


def spoil(folder, file, old, new):
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


# --- what ships --------------------------------------------------------------------------------


def test_eskilstuna_ships_with_the_product():
    assert "eskilstuna" in profiles.available()


def test_the_four_priority_areas_and_the_core_are_there(eskilstuna):
    priority = [area.name for area in eskilstuna.areas if area.kind == "priority"]
    assert sorted(priority) == ["Fröslunda", "Lagersberg", "Skiftinge", "Årby"]
    assert [a.kind for a in eskilstuna.areas].count("nightlife") == 1
    assert [a.kind for a in eskilstuna.areas].count("municipality") == 1


@BOTH
def test_outlines_are_simple_and_lie_within_the_envelope(source):
    reference = profiles.load(source)
    envelope = shapely.box(*reference.profile.envelope)
    for area in reference.areas:
        assert area.outline.is_valid
        assert envelope.covers(area.outline)
        assert area.source


@BOTH
def test_the_municipality_holds_every_area_facility_and_place(source):
    reference = profiles.load(source)
    (whole,) = (a.outline for a in reference.areas if a.kind == "municipality")
    assert all(whole.covers(area.outline) for area in reference.areas)
    for entry in (*reference.facilities, *reference.places):
        assert whole.contains(shapely.Point(entry.lon, entry.lat)), entry.name


def test_the_core_holds_its_eight_sourced_points(eskilstuna):
    (core,) = (a.outline for a in eskilstuna.areas if a.kind == "nightlife")
    eight = [
        *[(16.514466, 59.371308), (16.515495, 59.369951), (16.513050, 59.371800)],
        *[(16.511217, 59.372517), (16.513426, 59.369698), (16.520057, 59.368553)],
        *[(16.518193, 59.369240), (16.511415, 59.371712)],
    ]
    assert all(core.contains(shapely.Point(point)) for point in eight)
    assert len(core.exterior.coords) - 1 <= 12


def test_known_false_piles_are_listed_as_centroids(eskilstuna):
    piles = {(p.lon, p.lat): p for p in eskilstuna.places if p.kind == "centroid"}
    assert (16.509805, 59.371249) in piles
    assert {"Skiftinge", "Årby", "Fröslunda", "Lagersberg"} <= {p.name for p in piles.values()}
    assert min(p.uncertainty_m for p in piles.values()) > 75


def test_no_two_places_of_a_kind_share_a_name(eskilstuna):
    names = [(place.kind, place.name.casefold()) for place in eskilstuna.places]
    assert len(set(names)) == len(names)


def test_the_municipality_ships_schools_but_no_venues(eskilstuna):
    assert {facility.kind for facility in eskilstuna.facilities} == {"school"}
    assert len(eskilstuna.facilities) >= 25


def test_a_term_ends_on_the_day_after_its_last_school_day(eskilstuna):
    assert (date(2025, 8, 19), date(2025, 10, 25)) in eskilstuna.profile.terms
    assert eskilstuna.profile.terms[0][0].year == 2022
    assert eskilstuna.profile.terms[-1][1] == date(2027, 6, 12)


@BOTH
def test_the_named_windows_are_there(source):
    windows = {window.name: window for window in profiles.load(source).profile.windows}
    assert list(windows) == ["all", "helgnatt", "skoltid", "vardagskvall", "helgkvall"]
    assert windows["all"].spans == ()
    nights = [(span.weekday, span.start, span.end) for span in windows["helgnatt"].spans]
    assert nights == [(5, 23 * 60, 4 * 60), (6, 23 * 60, 4 * 60)]
    assert windows["skoltid"].term_only
    assert not windows["helgnatt"].term_only


def test_chicagos_point_for_unknown_addresses_lies_outside_its_envelope():
    west, south, _, _ = profiles.load(CHICAGO).profile.envelope
    assert west > -91.686566
    assert south > 36.619446


def test_the_two_metric_systems_differ(eskilstuna):
    epsgs = [eskilstuna.profile.metric_epsg, profiles.load(CHICAGO).profile.metric_epsg]
    assert epsgs == [3006, 32616]
    assert all(crs.is_metric(epsg) for epsg in epsgs)


# --- offence codes -----------------------------------------------------------------------------


def codes(*ranges):
    """Write out code ranges: "9309-9312" is four codes."""
    bounds = [(part.split("-")[0], part.split("-")[-1]) for part in " ".join(ranges).split()]
    return [f"{code:04d}" for low, high in bounds for code in range(int(low), int(high) + 1)]


def test_every_offence_category_exists(eskilstuna):
    known = {category.code for category in eskilstuna.profile.categories}
    assert {rule.category for rule in eskilstuna.profile.offences} <= known


@pytest.mark.parametrize(
    "named",
    [
        "0355 0357 0375 0377 0365 0367 0385 0387 0331-0334 0341-0344",
        "9366 9368 9370 9372 9382 9384 9386 9388 9358 9360 9362 9364 9374 9376 9378 9380",
        "0356 0358 0376 0378 0366 0368 0386 0388 0412 0422-0425 9401-9404 4086 4088-4097",
        "9301-9340 9341 9343-9348 9349-9388 0353-0354",
        "1701-1706 0450-0459 0402 0405-0406 0409 0413 0426-0427 9432-9447",
        "0407 0408 0414 0428 0429 0403 0410 9806-9813 0855 0856 0877-0879 0890",
        "1201 1203 1205 1207 1208 1209 1210 1211 1212 1202 1301 1302 1304 1308 1311 1312 1313",
        "5004 5005 5006 5010 5011 5012 3001-3005 3006 3007 3008 3070 3161",
        "0825 0860 9827 9828 0801-0804 9833 0840 0811 0846 0814 0849",
        "4023 4127-4132 4075 4076 4079-4081 4007-4010 4073-4074 4077-4078 8008 1617",
    ],
)
def test_every_code_the_project_names_has_a_rule(eskilstuna, named):
    assert set(codes(named)) <= {rule.code for rule in eskilstuna.profile.offences}


@pytest.mark.parametrize(
    "hidden",
    [
        "9357 9359 9361 9363 9365 9367 9369 9371 9373 9375 9377 9379 9381 9383 9385 9387",
        "0412 0422-0425 9401-9404 4086 4088-4097 9349-9356 9440 9441 9444 9445 9456 9457",
        "9301-9308 9325-9332 0351 0361 0607 0648-0651 0660-0663 6101-6162 9627-9698",
    ],
)
def test_close_relations_sexual_offences_and_small_children_never_reach_a_map(eskilstuna, hidden):
    wanted = set(codes(hidden))
    rules = [rule for rule in eskilstuna.profile.offences if rule.code in wanted]
    assert {rule.code for rule in rules} == wanted
    assert {(rule.category, rule.place, rule.nightlife) for rule in rules} == {
        ("undantagen", "never", False)
    }


def test_nightlife_violence_is_what_the_plan_says(eskilstuna):
    nightlife = {rule.category for rule in eskilstuna.profile.offences if rule.nightlife}
    assert nightlife == {"misshandel", "vald_tjansteman", "ofredande"}


def test_enforcement_driven_categories_stay_out_of_the_total(eskilstuna):
    driven = [c for c in eskilstuna.profile.categories if c.enforcement_driven]
    assert {"narkotika", "trafik"} <= {category.code for category in driven}
    assert not any(category.in_total for category in driven)


def test_an_ended_code_holds_to_the_end_of_its_last_year(eskilstuna):
    table = OffenceTable(eskilstuna.profile)
    rule = table.rule("1207", date(2005, 12, 31))
    assert rule.valid_to == date(2006, 1, 1)
    assert rule.category == "klotter"


# --- example mappings --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("eskilstuna_public_notices.toml", "eskilstuna"),
        ("chicago_socrata.toml", CHICAGO),
        ("chicago_parquet.toml", CHICAGO),
    ],
)
def test_an_example_mapping_speaks_of_categories_that_its_profile_has(file, source):
    layout = mapping.load(EXAMPLES / file)
    known = {category.code for category in profiles.load(source).profile.categories}
    assert set(layout.values["category"].values()) <= known
    assert layout.epsg == 4326


def test_chicagos_primary_types_stay_apart():
    categories = mapping.load(EXAMPLES / "chicago_parquet.toml").values["category"]
    assert len(set(categories.values())) == len(categories) == 33


# --- the fingerprint ---------------------------------------------------------------------------


def test_the_digest_ignores_the_order_of_places(eskilstuna):
    turned = replace(eskilstuna, places=eskilstuna.places[::-1], areas=eskilstuna.areas[::-1])
    assert profiles.digest(turned) == profiles.digest(eskilstuna)


def test_the_digest_changes_with_any_value(eskilstuna):
    school = replace(eskilstuna.facilities[0], lon=eskilstuna.facilities[0].lon + 1e-6)
    moved = replace(eskilstuna, facilities=(school, *eskilstuna.facilities[1:]))
    ruled = replace(eskilstuna, profile=replace(eskilstuna.profile, venue_distance_m=60.0))
    assert len({profiles.digest(each) for each in (eskilstuna, moved, ruled)}) == 3


# --- faults ------------------------------------------------------------------------------------


def test_an_unknown_profile_is_answered_with_the_known_ones():
    with pytest.raises(NotFound) as fault:
        profiles.load("nowhere")
    assert fault.value.code == "profile-not-found"
    assert "eskilstuna" in fault.value.values["available"]


@pytest.mark.parametrize(
    "file", ["outlines.csv", "facilities.csv", "places.csv", "categories.csv", "offences.csv"]
)
def test_a_missing_table_is_named(folder, file):
    (folder / file).unlink()
    with pytest.raises(InvalidParameter) as fault:
        profiles.load(folder)
    assert (fault.value.code, fault.value.values["file"]) == ("profile-file-missing", file)


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("outlines.csv", "kind,name", "name,kind", {"code": "profile-columns"}),
        (
            "outlines.csv",
            "municipality,Chicago,2,-87.5,41.62,own box,",
            "municipality,Chicago,2,-87.5,41.62,own box,a,",
            {"code": "profile-cells", "line": 3, "expected": 7, "found": 8},
        ),
        (
            "outlines.csv",
            "Chicago,2,-87.5",
            "Chicago,3,-87.5",
            {"code": "profile-vertex-order", "line": 3, "column": "vertex", "value": "3"},
        ),
        (
            "outlines.csv",
            "priority,Austin,1",
            "kvarter,Austin,1",
            {"code": "profile-choice", "line": 6, "column": "kind", "value": "kvarter"},
        ),
        (
            "outlines.csv",
            "Austin,1,-87.783",
            "Austin,1,-91.783",
            {"code": "profile-outside", "line": 6, "column": "lon", "value": "-91.783"},
        ),
        (
            "outlines.csv",
            "Austin,1,-87.783,41.869",
            "Austin,1,-87.783,väst",
            {"code": "profile-number", "line": 6, "column": "lat", "value": "väst"},
        ),
        (
            "outlines.csv",
            "Austin,3,-87.742,41.913",
            "Austin,3,-87.80,41.89",
            {"code": "profile-outline-crosses", "line": 6, "column": "name", "value": "Austin"},
        ),
        (
            "outlines.csv",
            "Austin,2,-87.742,41.869,own box",
            "Austin,2,-87.742,41.869,another",
            {"code": "profile-outline-source", "line": 7, "column": "source", "value": "another"},
        ),
        (
            "outlines.csv",
            "municipality,Chicago,1,-87.95,41.62,own box,",
            "municipality,Chicago,1,-87.95,41.62,,",
            {"code": "profile-cell-empty", "line": 2, "column": "source"},
        ),
        (
            "places.csv",
            ",15000,",
            ",0,",
            {"code": "profile-number", "line": 2, "column": "uncertainty_m", "value": "0"},
        ),
        (
            "categories.csv",
            "battery,Battery",
            "theft,Battery",
            {"code": "profile-duplicate", "line": 4, "column": "code", "value": "theft"},
        ),
        (
            "categories.csv",
            "battery,Battery,vald,false",
            "battery,Battery,vald,nej",
            {"code": "profile-choice", "line": 4, "column": "enforcement_driven", "value": "nej"},
        ),
        (
            "offences.csv",
            "battery,true",
            "buttery,true",
            {"code": "profile-choice", "line": 2, "column": "category", "value": "buttery"},
        ),
        (
            "offences.csv",
            "2010-01-01",
            "2010-02-30",
            {"code": "profile-date", "line": 2, "column": "valid_to", "value": "2010-02-30"},
        ),
        (
            "offences.csv",
            "2010-01-01",
            "1999-01-01",
            {"code": "profile-years", "line": 2, "column": "valid_to", "value": "1999-01-01"},
        ),
        (
            "offences.csv",
            "true,any,,own\n",
            "true,any,,own\n0486,Again,2009-01-01,,battery,true,any,,own\n",
            {"code": "profile-duplicate", "line": 3, "column": "code", "value": "0486"},
        ),
        (
            "profile.toml",
            "metric_epsg",
            "metrik_epsg",
            {"code": "profile-key-unknown", "key": "metrik_epsg"},
        ),
        ("profile.toml", 'name = "chicago"\n', "", {"code": "profile-key-missing", "key": "name"}),
        (
            "profile.toml",
            "32616 ",
            "4326 ",
            {"code": "profile-crs-not-metric", "key": "metric_epsg", "value": 4326},
        ),
        ("profile.toml", "3435,", "999999,", {"code": "unknown-crs", "epsg": 999999}),
        (
            "profile.toml",
            "America/Chicago",
            "America/Chikago",
            {"code": "profile-value", "key": "timezone", "value": "America/Chikago"},
        ),
        (
            "profile.toml",
            "-87.95, 41.62, -87.50",
            "-87.50, 41.62, -87.95",
            {"code": "profile-value", "key": "envelope"},
        ),
        (
            "profile.toml",
            'from = "23:00"',
            'from = "23.00"',
            {"code": "profile-value", "key": "windows.1.spans.0.from", "value": "23.00"},
        ),
        (
            "profile.toml",
            "day = 5",
            "day = 8",
            {"code": "profile-value", "key": "windows.1.spans.0.day"},
        ),
        ("profile.toml", "= 50\n", "=\n", {"code": "profile-toml", "line": 12}),
        (
            "profile.toml",
            '"nightlife_violence"',
            '"krogvald"',
            {"code": "profile-value", "key": "nightlife_category", "value": "krogvald"},
        ),
    ],
)
def test_a_fault_is_named_with_its_place(folder, file, old, new, expected):
    spoil(folder, file, old, new)
    with pytest.raises(InvalidParameter) as fault:
        profiles.load(folder)
    found = {"code": fault.value.code} | fault.value.values
    assert found | expected == found
    assert found.get("file", file) == file


def test_a_place_named_twice_is_refused(folder):
    with (folder / "places.csv").open("a", encoding="utf-8") as table:
        table.write("centroid,Chicago,-87.6,41.8,100,own\n")
    with pytest.raises(InvalidParameter) as fault:
        profiles.load(folder)
    assert fault.value.code == "profile-duplicate"
    assert fault.value.values["line"] == 3


def test_a_table_that_is_not_utf8_is_refused(folder):
    (folder / "places.csv").write_bytes("kind,näme".encode("cp1252"))
    with pytest.raises(InvalidParameter) as fault:
        profiles.load(folder)
    assert (fault.value.code, fault.value.values["file"]) == ("profile-encoding", "places.csv")


def test_an_open_quotation_mark_is_refused(folder):
    with (folder / "places.csv").open("a", encoding="utf-8") as table:
        table.write('centroid,"Chicago\n')
    with pytest.raises(InvalidParameter) as fault:
        profiles.load(folder)
    assert fault.value.code == "profile-csv"


def test_terms_must_follow_each_other(folder):
    with (folder / "profile.toml").open("a", encoding="utf-8") as file:
        for first, last in (("2024-08-19", "2024-12-20"), ("2024-12-20", "2025-06-12")):
            file.write(f"\n[[terms]]\nfirst = {first}\nlast = {last}\n")
    with pytest.raises(InvalidParameter) as fault:
        profiles.load(folder)
    assert fault.value.code == "profile-terms-order"


def test_a_profile_without_its_municipality_is_refused(folder):
    text = (
        (folder / "outlines.csv").read_text(encoding="utf-8").replace("municipality,", "district,")
    )
    (folder / "outlines.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidParameter) as fault:
        profiles.load(folder)
    assert fault.value.code == "profile-municipality-missing"
