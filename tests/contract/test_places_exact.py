"""An analyst's list and cards in a town made by hand, where it is known when everything happens."""

import json
import re
import shutil
from contextlib import ExitStack
from datetime import date, timedelta

import numpy as np
import pytest

from geo import cells
from geo.profile import Address, Facility
from pipelines import places
from pipelines.analyse import Parameters, analyse
from pipelines.roles import ANALYST, COORDINATOR, PLANNER, PUBLIC
from store import observations
from store import places as stored
from tests.desk import CENTRE, NOW, QUIET, WALK, Desk, lonlat, report, sighting
from tests.house import Clock, House

FRIDAY = date(2024, 3, 1)
FEW = (16.44, 59.40)  # three events, far from everything
EVEN = (16.46, 59.36)  # at every time of the week
FRIDAYS, EVENLY, RARE = 26, 28, 3
DOOR_OF = ("Provgatan", 7)
DOOR = tuple(map(str, DOOR_OF))
AT_DOORS = ("Datum", "Vandring", "Typ", "Allvar", "Ljus", "Anteckning", "Gata", "Gatunr")
UNREAD = "Hemligt och ogranskat"


def when(day, clock):
    """Write a local time into both columns of a report."""
    at = f"{day.isoformat()} {clock}"
    return {
        "BROTTSDATUMTID_START": at,
        "BROTTSDATUMTID_SLUT": at,
        "INSKRIVNINGSDATUM": (day + timedelta(days=1)).isoformat(),
    }


def events():
    """Give the town's events: 26 friday nights at the square, 28 spread evenly, 3 of the few."""
    week = timedelta(days=7)
    rows = [
        report(n, **when(FRIDAY + 4 * n * week, "23:30"), **lonlat(*CENTRE)) for n in range(FRIDAYS)
    ]
    for n in range(EVENLY):  # each at another of 28 blocks of six hours
        day = FRIDAY + n * 3 * week + timedelta(days=n % 7)
        clock = f"{n // 7 * 6 + 2:02d}:15"
        spot = lonlat(EVEN[0] + 0.0001 * (n % 3), EVEN[1])
        rows.append(report(100 + n, BROTTSKOD="1203", **when(day, clock), **spot))
    for n in range(RARE):
        day = FRIDAY + n * 10 * week
        spot = lonlat(FEW[0], FEW[1])
        rows.append(report(200 + n, BROTTSKOD="1203", **when(day, "12:00"), **spot))
    last = date(2026, 10, 30)
    return [*rows, report(300, BROTTSKOD="5011", **when(last, "10:00"), **lonlat(*QUIET))]


def walks():
    """Give three observations: at the square, 60 m from it, and one that nobody has read."""
    lon, lat = CENTRE
    points = ((lat, lon), (lat + 0.00054, lon), (lat + 0.0001, lon))
    notes = ("Trasig lampa", "Klotter på vägg", UNREAD)
    return [
        sighting(
            Latitud=f"{at[0]:.6f}".replace(".", ","),
            Longitud=f"{at[1]:.6f}".replace(".", ","),
            Anteckning=note,
        )
        for at, note in zip(points, notes, strict=True)
    ]


@pytest.fixture(scope="module")
def known(house_model, tmp_path_factory):
    """Open the door of the town."""
    folder, names = house_model
    own = tmp_path_factory.mktemp("known") / "house"
    shutil.copytree(folder, own)
    url = f"sqlite:///{own / 'house.gpkg'}"
    desk = Desk(url, own)
    places.load(desk.store, "eskilstuna")
    venue = Facility("venue", "Provkrogen", CENTRE[0], CENTRE[1] + 0.0009, "påhittad")
    with desk.store.write_alone() as conn:
        stored.put_facilities(conn, [venue], stored.IMPORT, replace="venue")
        lon, lat = FEW
        stored.put_addresses(conn, [Address(*DOOR_OF, "", lon, lat, "", "", "påhittad")])
        stored.touch(conn)
    desk.take_rows(*events())
    desk.take_rows(*walks(), header=WALK, kind="observations", name="vandring.csv")
    at_home = ("2026-10-15 19:30", "Höst", "Klotter", "1", "Mörkt", "Vid en port", *DOOR)
    desk.take_rows(at_home, header=AT_DOORS, kind="observations", name="portar.csv")
    analyse(desk.store, Parameters(), NOW)
    with desk.store.write() as conn:
        read = [row.id for row in observations.unreviewed(conn) if row.note != UNREAD]
        observations.review(conn, read)
    desk.store.close()
    with ExitStack() as stack:
        yield House(names | {"url": url}, Clock(), stack, public_view=True)


@pytest.fixture(scope="module")
def analyst(known):
    return known.reader(ANALYST)


def listed(client, query=""):
    answer = client.get(f"/karta/lista{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def card(client, key, query=""):
    answer = client.get(f"/karta/plats?vald={key}{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def cell_at(lonlat_, resolution=9):
    index = cells.index(np.array([lonlat_[0]]), np.array([lonlat_[1]]))
    return f"cells:{cells.name(int(cells.parents(index, resolution)[0]))}"


def row_of(found, key):
    return next(row for row in found["rows"] if row["key"] == key)


def said(found, about):
    return next(each["text"] for each in found["sentences"] if each["about"] == about)


# --- the list


def test_where_things_happen_on_friday_nights_the_list_says_so(analyst):
    found = listed(analyst)
    row = row_of(found, cell_at(CENTRE))
    assert (row["when"], row["when_kind"], row["count"]) == ("fre 23–24", "peak", FRIDAYS)
    assert row["rank"] == 2
    assert row["name"].startswith("Nattlivskärnan, vid ")
    assert row["short"]
    assert row["count_text"] == "26 händelser"
    assert row["period"] == "på 32 månader"
    assert row["observations_text"] == "2 observationer inom 75 m"


def test_where_things_happen_at_all_times_no_time_is_claimed(analyst):
    found = listed(analyst)
    row = row_of(found, cell_at(EVEN))
    assert row["count"] == EVENLY
    assert row["when_kind"] == "blocks"
    assert row["when"].startswith("ingen säker tid")
    assert sum(map(int, re.findall(r"\d+", row["when_why"]))) == EVENLY


def test_of_a_few_events_no_time_is_told_at_all(analyst):
    row = row_of(listed(analyst), cell_at(FEW))
    assert row["count"] == RARE
    assert (row["when"], row["when_kind"]) == ("för få händelser för en tid", "few")


@pytest.mark.parametrize(
    ("query", "filters"),
    [
        ("", ""),
        ("?rutor=10", "resolution=10"),
        ("?fonster=helgnatt", "window=helgnatt"),
        ("?typ=skadegorelse", "category=skadegorelse"),
        ("?period=2025", "datetime=2025-01-01/2025-12-31"),
        ("?omrade=Nattlivskärnan", "area=Nattlivskärnan"),
    ],
)
def test_the_numbers_and_verdicts_are_those_of_the_api(analyst, query, filters):
    features = analyst.get(f"/ogc/collections/cells/items?limit=10000&{filters}").json()["features"]
    there = {f"cells:{each['id']}": each["properties"] for each in features}
    found = listed(analyst, query)
    assert there
    assert {row["key"]: row["count"] for row in found["rows"]} == {
        key: each["count"] for key, each in there.items()
    }
    for row in found["rows"]:
        assert row["verdict"] == there[row["key"]]["verdict"]
        assert list(row["reasons"]) == (there[row["key"]]["reasons"] or [])
        assert row["feature"] == row["key"].partition(":")[2]
    counts = [row["count"] for row in found["rows"]]
    assert counts == sorted(counts, reverse=True)
    assert [row["rank"] for row in found["rows"]] == [counts.index(n) + 1 for n in counts]


@pytest.mark.parametrize("kind", ["clusters", "areas"])
def test_clusters_and_areas_are_listed_with_the_numbers_of_the_api(analyst, kind):
    features = analyst.get(f"/ogc/collections/{kind}/items?limit=10000").json()["features"]
    own = [each for each in features if each["properties"].get("kind") != "municipality"]
    found = listed(analyst, f"?lista={kind}")
    assert {row["key"]: row["count"] for row in found["rows"]} == {
        f"{kind}:{each['id']}": each["properties"]["count"] for each in own
    }
    assert found["list"] == kind


def test_the_total_is_the_areas_own_number(analyst):
    areas = analyst.get("/ogc/collections/areas/items").json()["features"]
    whole = next(each for each in areas if each["properties"]["kind"] == "municipality")
    assert listed(analyst)["total"] == whole["properties"]["count"]
    core = next(each for each in areas if each["properties"]["kind"] == "nightlife")
    found = listed(analyst, f"?omrade={core['id']}")
    assert found["total"] == core["properties"]["count"]
    assert not any(row["name"].startswith("Nattlivskärnan, ") for row in found["rows"])


def test_a_time_within_a_window_is_held_against_that_window(analyst):
    found = listed(analyst, "?fonster=helgnatt")
    row = row_of(found, cell_at(CENTRE))
    assert row["count"] == FRIDAYS
    assert row["when"] == "fre 23–24"  # of the ten hours of two nights
    assert any("tid på veckan som är vald" in note for note in found["notes"])


def test_what_the_link_does_not_know_is_passed_over_and_said(analyst):
    found = listed(analyst, "?omrade=9999&fonster=aldrig&lista=allt&rutor=77&kring=%3Cb%3E")
    assert found["list"] == "places"
    assert len(found["passed_over"]) == 2
    assert [row["key"] for row in found["rows"]] == [row["key"] for row in listed(analyst)["rows"]]


def test_clusters_of_several_kinds_are_refused_in_a_sentence(analyst):
    found = listed(analyst, "?lista=clusters&typ=tema-brand")
    assert found["rows"] == []
    assert found["empty"].startswith("Kluster finns för alla händelser")


def test_links_of_rows_keep_the_choices_and_open_the_place(analyst):
    row = row_of(listed(analyst, "?fonster=helgnatt&typ=%22%3E"), cell_at(CENTRE))
    assert row["href"] == f"/?fonster=helgnatt&vald={row['key'].replace(':', '%3A')}"


def test_the_list_is_english_for_whoever_reads_english(known):
    reader = known.reader(ANALYST)
    reader.cookies.set("lagesbild_sprak", "en")
    found = listed(reader)
    row = row_of(found, cell_at(CENTRE))
    assert row["when"] == "Fri 23–24"
    assert row["name"].startswith("Nattlivskärnan, by ")
    assert found["columns"]["when"] == "When"
    assert said(card(reader, row["key"]), "when").startswith("Events gather Fri 23–24.")


def test_a_list_says_how_many_places_it_has_times_for_and_no_time_for_the_rest(
    analyst, monkeypatch
):
    monkeypatch.setattr("app.places_page.MOST_TIMED", 1)
    found = listed(analyst, "?rutor=8")
    assert [row["when_kind"] == "later" for row in found["rows"]] == [
        index > 0 for index in range(len(found["rows"]))
    ]
    assert "1 första" in found["notes"][-1]


# --- the card


def test_the_card_of_a_cell_says_everything_in_plain_words(analyst):
    found = card(analyst, cell_at(CENTRE))
    assert [each["about"] for each in found["sentences"]] == [
        *("where", "count", "when", "trend", "kind", "sure")
    ]
    assert found["kind"].startswith("Ruta, ")
    assert said(found, "where").startswith(f"{found['title']}. Närmaste skola: ")
    assert "Närmaste krog: Provkrogen, " in said(found, "where")
    assert said(found, "count").startswith("26 händelser på ")
    assert said(found, "when").startswith("Händelserna samlas fre 23–24. fre 23–24: 26 av de 26")
    assert "helgnatt 26" in said(found, "when")
    assert said(found, "kind") == "Vanligast: krogvåld 26 (100 %)."
    assert "4 händelser, och 13 samma tid året före. Bedömning: minskat." in said(found, "trend")
    assert found["plan"]["vald"] == cell_at(CENTRE)
    near = card(analyst, cell_at(CENTRE, 11))["near"]["venue"]["distance_m"]
    assert near == pytest.approx(100, abs=30)  # from the cell's middle


def test_list_and_card_say_the_same_of_when(analyst):
    for row in listed(analyst)["rows"]:
        text = said(card(analyst, row["key"]), "when")
        assert row["when_why"] in text


def test_the_card_lists_what_was_seen_near_and_only_what_somebody_has_read(analyst):
    found = card(analyst, cell_at(CENTRE, 11))
    notes = [each["note"] for each in found["observations"]]
    assert sorted(notes) == ["Klotter på vägg", "Trasig lampa"]
    first = found["observations"][0]
    assert first["distance"] == "på platsen"
    assert first["severity_text"] == "2 av 3"
    assert first["light"] == "mörkt"
    assert first["date"] == "15 okt 2026"
    assert UNREAD not in json.dumps(found)


def test_what_was_seen_at_somebodys_door_is_only_said_to_be_in_the_block(analyst):
    (seen,) = card(analyst, cell_at(FEW))["observations"]
    assert (seen["note"], seen["distance"]) == ("Vid en port", "i samma kvarter")
    assert row_of(listed(analyst), cell_at(FEW))["observations"] == 1


def test_a_chosen_year_is_compared_with_the_year_before_it(analyst):
    trend = said(card(analyst, cell_at(CENTRE), "&period=2025&fonster=helgnatt"), "trend")
    assert trend == "Kan inte bedömas: analysen saknar ett helt år före att jämföra med."
    found = card(analyst, cell_at(CENTRE), "&period=12man")
    assert said(found, "count").startswith("4 händelser på 1 år.")
    assert "1 nov 2025 till 30 okt 2026: 4 händelser, och 13 samma tid" in said(found, "trend")


def test_of_a_few_neither_percent_nor_trend_is_given(analyst):
    trend = said(card(analyst, cell_at(FEW)), "trend")
    assert "Bedömning: kan inte bedömas." in trend
    assert "gånger årets före" not in trend
    assert said(card(analyst, cell_at(FEW)), "kind") == "Vanligast: skadegörelse 3."


def test_a_cell_without_events_in_the_window_still_has_a_card(analyst):
    found = card(analyst, cell_at(FEW), "&fonster=helgnatt")
    assert said(found, "count").startswith("0 händelser")
    assert said(found, "when").startswith(
        "Du har valt helgnatt, så bara händelser då räknas. Det är "
    )
    assert "Det är färre än fem händelser här." in said(found, "when")


def test_every_kind_of_place_has_a_card(analyst):
    for kind, title in (("schools", ""), ("venues", "Provkrogen"), ("areas", ""), ("clusters", "")):
        for each in analyst.get(f"/ogc/collections/{kind}/items").json()["features"]:
            if each["properties"].get("kind") == "municipality":
                continue
            found = card(analyst, f"{kind}:{each['id']}")
            assert found["title"] == (title or found["title"])
            assert found["sentences"]
            assert found["key"] == f"{kind}:{each['id']}"
    seen = analyst.get("/ogc/collections/observations/items").json()["features"]
    found = card(analyst, f"observations:{seen[0]['id']}")
    assert found["kind"] == "Observation"
    assert found["plan"] is None
    assert ["Anteckning", seen[0]["properties"]["note"]] in found["facts"]


def test_the_card_of_an_area_has_the_areas_number(analyst):
    for each in analyst.get("/ogc/collections/areas/items").json()["features"]:
        if each["properties"]["kind"] != "municipality":
            found = card(analyst, f"areas:{each['id']}")
            assert said(found, "count").startswith(f"{each['properties']['count']} händelse")


def test_the_card_of_a_venue_counts_what_lies_within_100_metres(analyst):
    (venue,) = analyst.get("/ogc/collections/venues/items").json()["features"]
    found = card(analyst, f"venues:{venue['id']}")
    assert said(found, "count").startswith("0 händelser")  # the square is a hair's breadth farther
    assert found["verdict"]["word"] == ""
    assert found["near"]["venue"] is None
    assert found["plan"] is None


@pytest.mark.parametrize(
    "key",
    [
        *("", "cells:", "cells:abc", "cells:8908869830fffff", "cells:89088699E0BFFFF"),
        *("clusters:0", "clusters:x", "areas:0", "areas:1x", "schools:0", "venues:0"),
        *("observations:0", "observations:9999999999999999999", "incidents:1", "2025.1", "x" * 500),
    ],
)
def test_an_unknown_place_is_not_found_in_the_same_words(analyst, key):
    answer = analyst.get("/karta/plats", params={"vald": key})
    usual = analyst.get("/karta/plats")
    assert answer.status_code == usual.status_code == 404

    def body(found):
        return {name: value for name, value in found.json().items() if name != "request_id"}

    assert body(answer) == body(usual)


# --- others, at the same door


def test_others_see_no_cell_no_cluster_and_no_venue_in_the_same_words(known, analyst):
    (venue,) = analyst.get("/ogc/collections/venues/items").json()["features"]
    clusters = analyst.get("/ogc/collections/clusters/items").json()["features"]
    keys = [cell_at(CENTRE), f"venues:{venue['id']}", f"clusters:{clusters[0]['id']}"]
    for role in (PLANNER, COORDINATOR, PUBLIC):
        reader = known.visitor() if role == PUBLIC else known.reader(role)
        missing = reader.get("/karta/plats?vald=cells:89088698303ffff")
        for key in keys:
            answer = reader.get(f"/karta/plats?vald={key}")
            assert answer.status_code == missing.status_code == 404
            assert answer.json()["detail"] == missing.json()["detail"]


def test_an_observation_that_nobody_has_read_is_the_coordinators_alone(known, analyst):
    coordinator = known.reader(COORDINATOR)
    every = coordinator.get("/ogc/collections/observations/items").json()["features"]
    read = analyst.get("/ogc/collections/observations/items").json()["features"]
    (unread,) = {each["id"] for each in every} - {each["id"] for each in read}
    for reader in (analyst, known.reader(PLANNER), known.visitor()):
        assert reader.get(f"/karta/plats?vald=observations:{unread}").status_code == 404
    assert coordinator.get(f"/karta/plats?vald=observations:{unread}").status_code == 200
    for each in read:
        assert known.visitor().get(f"/karta/plats?vald=observations:{each['id']}").is_error


def test_without_a_release_the_list_says_so(known):
    found = listed(known.reader(PLANNER))
    assert found["rows"] == []
    assert found["empty"].startswith("Ingen utgåva är publicerad ännu")
    assert found["total"] is None


def test_looks_are_noted_before_they_are_given_and_nonsense_is_not(known):
    reader = known.reader(ANALYST)
    before = len(known.noted())
    listed(reader, "?fonster=helgnatt&typ=%3Cscript%3E")
    card(reader, cell_at(CENTRE))
    first, second = [json.loads(body) for body in known.noted()[before:]]
    assert (first["what"], first["asked"], first["purpose"]) == (
        *("place-list", {"fonster": "helgnatt"}, "analysis"),
    )
    assert (second["what"], second["asked"]) == ("place-card", {"vald": cell_at(CENTRE)})
    assert (first["rows"], second["rows"]) == (2, 1)


@pytest.mark.parametrize("path", ["/nar?rutor=9", "/utveckling?rutor=9", "/pa-plats"])
def test_no_page_names_a_cell_after_a_venue_and_each_cell_has_one_name(analyst, path):
    page = analyst.get(path)
    assert page.status_code == 200
    assert "Provkrogen" not in page.text
    known = {row["name"] for row in listed(analyst)["rows"]}
    if path.startswith("/nar"):
        named = re.findall(r"vald=cells[^\"]*\"[^>]*>\s*([^<]+?)\s*<", page.text)
        assert named
        assert set(named) <= known
