"""The demonstration's files look like a town, and can be used by the pipeline."""

import csv
import hashlib
import io
import shutil
from collections import Counter
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely

from geo import crs
from geo.errors import InvalidParameter
from pipelines import demo_data, profiles

CHICAGO = Path(__file__).parents[1] / "profiles" / "chicago"
END = date(2026, 6, 30)
FIRST = date(2023, 7, 1)
VIOLENCE = {"misshandel", "vald_tjansteman", "ran", "olaga_hot", "ofredande"}
FAULTY_ROWS = 4


@pytest.fixture(scope="module")
def reference():
    return profiles.load("eskilstuna")


@pytest.fixture(scope="module")
def rules(reference):
    return {rule.code: rule for rule in reference.profile.offences}


@pytest.fixture(scope="module")
def files(reference, tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    return demo_data.write(folder, reference, END, np.random.default_rng(1))


def table(path, encoding):
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode(encoding)), delimiter=";"))


@pytest.fixture(scope="module")
def incidents(files):
    return table(files.incidents, "cp1252")


@pytest.fixture(scope="module")
def usable(incidents, rules):
    """Keep the rows without a planned fault."""
    return [
        row
        for row in incidents
        if row["BROTTSKOD"] in rules
        and row["BROTTSDATUMTID_START"]
        and "-02-30" not in row["BROTTSDATUMTID_START"]
        and row["LATITUDE"] != demo_data.FAR_AWAY[0]
    ]


@pytest.fixture(scope="module")
def walks(files):
    return table(files.observations, "utf-8")


@pytest.fixture(scope="module")
def addresses(files):
    return gpd.read_file(files.addresses, layer="belagenhetsadress", engine="pyogrio")


def started(row):
    return datetime.fromisoformat(row["BROTTSDATUMTID_START"])


def point(row, lat="LATITUDE", lon="LONGITUDE"):
    return shapely.Point(*(float(row[name].replace(",", ".")) for name in (lon, lat)))


def outline(reference, name):
    return next(area.outline for area in reference.areas if area.name == name)


def at_weekend_night(when):
    evening = when - timedelta(hours=5)
    late = when.hour >= 23 or when.hour < 4
    return late and evening.isoweekday() in (5, 6)


# --- the files ---------------------------------------------------------------------------------


def test_every_file_name_says_that_the_data_are_synthetic(files):
    paths = [files.incidents, files.observations, files.addresses, files.venues]
    assert all(path.name.startswith("syntetisk") for path in paths)


def test_the_same_seed_and_end_give_the_same_bytes(reference, files, tmp_path):
    again = demo_data.write(tmp_path, reference, END, np.random.default_rng(1))
    for name in ("incidents", "observations", "addresses", "venues"):
        one, other = (getattr(each, name).read_bytes() for each in (files, again))
        assert hashlib.sha256(one).digest() == hashlib.sha256(other).digest(), name


def test_another_seed_gives_another_town(reference, files, tmp_path):
    other = demo_data.write(tmp_path, reference, END, np.random.default_rng(2))
    assert other.incidents.read_bytes() != files.incidents.read_bytes()


def test_writing_over_other_files_replaces_them(reference, files, tmp_path):
    shutil.copytree(files.incidents.parent, tmp_path, dirs_exist_ok=True)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    files = demo_data.write(tmp_path, reference, date(2025, 2, 28), np.random.default_rng(3))
    assert {path.name for path in tmp_path.iterdir()} == set(before)
    assert all(path.read_bytes() != before[path.name] for path in tmp_path.iterdir())
    assert pyogrio.list_layers(files.addresses).tolist() == [["belagenhetsadress", "Point"]]


def test_a_demonstration_may_end_on_a_leap_day(reference, tmp_path):
    files = demo_data.write(tmp_path, reference, date(2028, 2, 29), np.random.default_rng(4))
    days = [row["INSKRIVNINGSDATUM"] for row in table(files.incidents, "cp1252")]
    assert days[0] >= "2025-03-01"
    assert days[-1] <= "2028-02-29"


def test_a_profile_without_priority_areas_has_no_demonstration(tmp_path):
    chicago = profiles.load(CHICAGO)
    bare = type(chicago)(chicago.profile, chicago.areas[:1], (), (), ())
    with pytest.raises(InvalidParameter) as fault:
        demo_data.write(tmp_path, bare, END, np.random.default_rng(1))
    assert fault.value.code == "demo-areas-missing"


# --- the police export -------------------------------------------------------------------------


def test_the_export_has_the_layout_of_the_police(files):
    header = files.incidents.read_bytes().decode("cp1252").splitlines()[0]
    assert header == (
        "ID;BROTTSKOD;LATITUDE;LONGITUDE;GATA;GATUNR;KOMMUN;"
        "BROTTSDATUMTID_START;BROTTSDATUMTID_SLUT;INSKRIVNINGSDATUM;ANTAL"
    )


def test_ids_count_up_in_the_order_of_registration(incidents):
    assert [int(row["ID"]) for row in incidents] == list(range(100_001, 100_001 + len(incidents)))
    days = [row["INSKRIVNINGSDATUM"] for row in incidents]
    assert days == sorted(days)


def test_four_rows_are_honestly_faulty(incidents, usable):
    assert len(incidents) - len(usable) == FAULTY_ROWS


def test_nothing_is_registered_before_it_was_known_or_after_the_end(usable):
    for row in usable:
        known = row["BROTTSDATUMTID_SLUT"] or row["BROTTSDATUMTID_START"]
        assert known[:10] <= row["INSKRIVNINGSDATUM"] <= END.isoformat()
        assert started(row).date() >= FIRST


def test_no_event_ends_before_it_starts(usable):
    ended = [row for row in usable if row["BROTTSDATUMTID_SLUT"]]
    assert all(row["BROTTSDATUMTID_SLUT"] >= row["BROTTSDATUMTID_START"] for row in ended)


@pytest.mark.parametrize(
    ("categories", "low", "high"),
    [
        (VIOLENCE, 400, 600),
        ({"narkotika"}, 190, 280),
        ({"skadegorelse"}, 200, 330),
        ({"klotter"}, 110, 190),
        ({"brand_fordon", "brand_ovrigt"}, 25, 75),
        ({"tillgrepp"}, 450, 680),
        ({"trafik"}, 90, 150),
        ({"undantagen"}, 35, 85),
    ],
    ids=lambda value: "+".join(sorted(value)) if isinstance(value, set) else str(value),
)
def test_yearly_volumes_are_those_of_a_town(usable, rules, categories, low, high):
    mine = [row for row in usable if rules[row["BROTTSKOD"]].category in categories]
    for year in range(3):
        first = FIRST.replace(year=FIRST.year + year)
        last = FIRST.replace(year=FIRST.year + year + 1)
        assert low <= sum(first <= started(row).date() < last for row in mine) <= high


def test_violence_in_the_core_happens_at_weekend_nights(usable, rules, reference):
    core = outline(reference, "Nattlivskärnan")
    violence = [
        at_weekend_night(started(row))
        for row in usable
        if row["LATITUDE"] and rules[row["BROTTSKOD"]].nightlife and core.contains(point(row))
    ]
    assert len(violence) > 400
    assert 0.5 <= np.mean(violence) <= 0.75


def test_violence_against_children_happens_at_school_in_school_hours(usable, reference):
    schools = np.array([(f.lon, f.lat) for f in reference.facilities])
    x, y = crs.transform(schools[:, 0], schools[:, 1], 4326, 3006)
    children = [row for row in usable if "9309" <= row["BROTTSKOD"] <= "9316" and row["LATITUDE"]]
    assert len(children) > 100
    for row in children:
        here = point(row)
        e, n = crs.transform(np.array([here.x]), np.array([here.y]), 4326, 3006)
        assert np.hypot(x - e, y - n).min() <= 150
        day = started(row).date()
        assert 7 <= started(row).hour < 17
        assert any(first <= day < after for first, after in reference.profile.terms)


def test_fires_come_in_series(usable, rules):
    days = sorted(
        started(row).date()
        for row in usable
        if rules[row["BROTTSKOD"]].category.startswith("brand")
    )
    close = [later - earlier <= timedelta(days=2) for earlier, later in pairwise(days)]
    mean_gap = (days[-1] - days[0]).days / len(days)
    assert np.mean(close) > 1.2 * (1 - np.exp(-2.5 / mean_gap))  # more than a Poisson process


def test_violence_has_exact_times_and_damage_was_found_in_the_morning(usable, rules):
    def hours(row):
        end = row["BROTTSDATUMTID_SLUT"] or row["BROTTSDATUMTID_START"]
        return (datetime.fromisoformat(end) - started(row)).total_seconds() / 3600

    def median(category):
        mine = [hours(row) for row in usable if rules[row["BROTTSKOD"]].category == category]
        return np.median(mine)

    assert median("misshandel") < 0.25
    assert 8 < median("skadegorelse") < 16


def test_most_rows_carry_coordinates_and_some_only_words(usable):
    worded = [row["GATA"] for row in usable if not row["LATITUDE"]]
    assert 0.07 < len(worded) / len(usable) < 0.13
    assert any(text.startswith("korsningen ") for text in worded)
    assert {"Fröslunda", "Fristadstorget", "okänd plats", ""} <= set(worded)


def test_coordinates_lie_in_the_municipality_and_share_addresses(usable, reference):
    whole = outline(reference, "Eskilstuna kommun")
    placed = Counter((row["LATITUDE"], row["LONGITUDE"]) for row in usable if row["LATITUDE"])
    assert all(whole.contains(point({"LATITUDE": lat, "LONGITUDE": lon})) for lat, lon in placed)
    assert max(placed.values()) > 30


def test_some_rows_may_never_reach_a_map(usable, rules):
    hidden = Counter(rules[row["BROTTSKOD"]].place for row in usable)
    assert hidden["never"] > 100
    assert hidden["venue"] > 50
    assert hidden["school"] > 20


# --- the walks, the register and the venues ----------------------------------------------------


def test_each_priority_area_is_walked_every_year_in_light_and_in_dark(walks):
    rounds = Counter((row["Område"], row["Ljus"], row["Datum"][:4]) for row in walks)
    for area in ("Skiftinge", "Årby", "Fröslunda", "Lagersberg"):
        assert {(area, "mörkt", "2024"), (area, "ljust", "2025")} <= set(rounds)


def test_walkers_note_tunnels_and_lamps_above_all_in_the_dark(walks):
    kinds = Counter((row["Typ"], row["Ljus"]) for row in walks)
    assert kinds["Gångtunnel", "mörkt"] >= 12
    assert kinds["Belysning", "mörkt"] > kinds["Belysning", "ljust"]
    assert {row["Allvar"] for row in walks if row["Typ"] == "Trygg plats"} == {"0"}
    assert {row["Allvar"] for row in walks} == {"0", "1", "2", "3"}


def test_observations_lie_in_the_area_they_name(walks, reference):
    for row in walks:
        area = outline(reference, row["Område"])
        here = point(row, "Latitud", "Longitud")
        assert area.distance(here) < 0.0005, row  # an entrance may lie just across the border


def test_the_register_has_lantmaeteriets_columns_and_only_invented_addresses(addresses):
    assert addresses.crs.to_epsg() == 3006
    assert {"adressomrade_faststalltnamn", "adressplatsnummer", "bokstavstillagg"} <= set(addresses)
    assert addresses["objektidentitet"].str.startswith("SYNTETISK-").all()
    assert set(addresses["statusforbelagenhetsadress"]) == {"Gällande", "Reserverad"}
    entrance = ["adressomrade_faststalltnamn", "adressplatsnummer", "bokstavstillagg"]
    assert not addresses.duplicated(entrance).any()


def test_every_numbered_row_of_the_export_is_in_the_register_unless_misspelt(usable, addresses):
    number = addresses["adressplatsnummer"] + addresses["bokstavstillagg"].fillna("")
    known = set(addresses["adressomrade_faststalltnamn"] + " " + number)
    numbered = [row for row in usable if row["GATUNR"]]
    strange = [r for r in numbered if f"{r['GATA']} {r['GATUNR'].replace(' ', '')}" not in known]
    assert all(not row["LATITUDE"] for row in strange)
    assert 0 < len(strange) / len(numbered) < 0.02


def test_the_register_names_its_geometry_column_as_lantmaeteriet_does(files):
    info = pyogrio.read_info(files.addresses, layer="belagenhetsadress")
    assert info["geometry_name"] == "adressplatspunkt"


def test_venues_lie_in_the_core_and_are_marked_as_invented(files, reference):
    venues = table(files.venues, "utf-8")
    core = outline(reference, "Nattlivskärnan")
    assert len(venues) == 9
    for row in venues:
        assert row["name"].endswith("(påhittad)")
        assert core.distance(shapely.Point(float(row["lon"]), float(row["lat"]))) < 0.0003
