"""Links between roles: where an analyst's cell leads a planner, and what a link asks in vain."""

import re
from urllib.parse import quote

import h3
import pytest

from pipelines.roles import ANALYST, COORDINATOR, PLANNER
from tests.house import NOW

PROGRAM = {"Accept": "*/*"}
CENTRE = (59.371, 16.509)  # lat, lon of the town's own
UNKNOWN = "Platsen finns inte, eller så kan den inte visas för dig."


def place(reader, key, more=""):
    return reader.get(f"/karta/plats?vald={key}{more}", headers=PROGRAM)


def test_every_cell_of_a_place_leads_there_whether_or_not_anything_happened_in_it(people):
    counted = people[ANALYST].get(
        "/ogc/collections/cells/items?limit=10000&resolution=10", headers=PROGRAM
    )
    busy = {each["id"] for each in counted.json()["features"]}
    around = h3.grid_disk(h3.latlng_to_cell(*CENTRE, 10), 6)
    some, none = ([one for one in around if (one in busy) is way][:12] for way in (True, False))
    assert len(some) > 3 < len(none)
    for cell in (*some, *none):
        answer = place(people[PLANNER], f"cells:{cell}")
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert told["kind"] == "Länken gällde en ruta; du ser platsen den ligger i."
        whole = place(people[PLANNER], told["key"]).json()
        assert {**told, "kind": ""} == {**whole, "kind": ""}


def test_the_card_leads_where_the_action_plan_lists_the_cell(people):
    areas = people[PLANNER].get("/ogc/collections/areas/items", headers=PROGRAM).json()["features"]
    rings = {
        one["properties"]["name"]: one["geometry"]
        for one in areas
        if one["properties"]["kind"] == "priority"
    }
    for name, ground in rings.items():
        ring = (
            ground["coordinates"][0][0]
            if ground["type"] == "MultiPolygon"
            else (ground["coordinates"][0])
        )
        lon, lat = (sum(axis) / len(ring) for axis in zip(*ring, strict=True))
        told = place(people[COORDINATOR], f"cells:{h3.latlng_to_cell(lat, lon, 11)}").json()
        assert told["title"] == name


@pytest.mark.parametrize("key", ["cells:8908869", "cells:891f1d48803ffff", "cells:89088699E0BFFFF"])
def test_what_is_no_cell_of_the_municipality_has_the_plain_sentence(people, key):
    answer = place(people[PLANNER], key)
    assert answer.status_code == 404
    assert answer.json()["detail"].startswith(UNKNOWN)


def test_clusters_and_venues_answer_alike_whether_or_not_they_exist(people):
    (cluster, *_) = people[ANALYST].get("/ogc/collections/clusters/items").json()["features"]
    (venue, *_) = people[ANALYST].get("/ogc/collections/venues/items").json()["features"]
    for kind, number in (("clusters", cluster["id"]), ("venues", venue["id"])):
        known, unknown = (place(people[PLANNER], f"{kind}:{each}") for each in (number, 987_654))
        assert known.status_code == unknown.status_code == 404
        assert known.json()["detail"] == unknown.json()["detail"]
        led = [
            place(people[PLANNER], f"{kind}:{each}", "&omrade=%C3%85rby")
            for each in (number, 987_654)
        ]
        assert led[0].json() == led[1].json()
        assert led[0].json()["title"] == "Årby"


@pytest.mark.parametrize("page", ["/", "/utgava"])
@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("skola=1", "skola"),
        ("natt=2025-01-01&timmar=3", "natt och timmar"),
        ("lista=foo", "”foo” i länken (lista)"),
        ("detalj=foo", "”foo” i länken (detalj)"),
    ],
)
def test_what_the_map_does_not_know_is_said(people, page, asked, said):
    assert said in people[PLANNER].get(f"{page}?{asked}").text


def test_the_analysts_map_says_so_too_and_a_usual_link_says_nothing(people):
    assert "”99” i länken (rutor)" in people[ANALYST].get("/?rutor=99").text
    usual = "/?fonster=helgnatt&rutor=10&lager=rutor&vy=16.5_59.3_3.0&lista=places&detalj=zone"
    for role in (ANALYST, PLANNER):
        assert 'class="hint hint-flag passed"' not in people[role].get(usual).text


@pytest.mark.parametrize("role", [PLANNER, ANALYST])
@pytest.mark.parametrize("name", ["typ", "omrade", "period", "lista", "\x00x"])
def test_no_control_sign_of_a_link_is_repeated(people, role, name):
    answer = people[role].get(f"/?{quote(name)}=a%00%1b%E2%80%AEb")
    assert answer.status_code == 200
    assert not re.search("[\x00\x1b\u202e]", answer.text)
    assert "\N{REPLACEMENT CHARACTER}" in answer.text


def test_the_landing_page_names_what_the_reader_may_ask_for_and_nothing_else(people):
    for role in (PLANNER, ANALYST):
        said = people[role].get("/ogc", headers=PROGRAM).json()["description"]
        offered = people[role].get("/ogc/collections", headers=PROGRAM).json()["collections"]
        assert all(each["title"] in said for each in offered)
        assert ("Krogar" in said) == (role == ANALYST)


def test_a_row_says_when_the_areas_border_cuts_its_cell(people):
    listed = people[ANALYST].get("/karta/lista?omrade=%C3%85rby", headers=PROGRAM).json()
    first = listed["rows"][0]
    assert first["note"] == (
        "Rutan skärs av områdets gräns: talet gäller bara den del som ligger i Årby."
    )
    assert "jämfört med nivån i Årby" in listed["notes"][0]
    whole = people[ANALYST].get("/karta/lista", headers=PROGRAM).json()
    assert not any("gräns" in row["note"] for row in whole["rows"])


@pytest.mark.parametrize("role", [PLANNER, ANALYST])
def test_a_saved_file_opens_on_the_chosen_area(people, role):
    shown = people[role].get("/spara/karta.html?omrade=%C3%85rby").text
    south, west, north, east = map(
        float,
        re.search(
            r"fitBounds\(\s*\[\[([\d.]+), ([\d.]+)\], \[([\d.]+), ([\d.]+)\]", shown
        ).groups(),
    )
    assert north - south < 0.02
    assert east - west < 0.04


def test_whoever_was_signed_out_is_told_why_they_are_asked_again(house):
    page = {"Accept": "text/html"}
    stranger = house.visitor()
    assert stranger.get("/plan", headers=page, follow_redirects=False).headers["location"] == (
        "/logga-in?next=%2Fplan"
    )
    reader = house.reader(PLANNER)
    reader.post("/logga-ut", data={"csrf": house.csrf(house.name(PLANNER))})
    sent = reader.get("/plan", headers=page, follow_redirects=False).headers["location"]
    assert "Du har loggats ut. Logga in igen för att fortsätta." in reader.get(sent).text
    late = house.reader(PLANNER)
    house.clock.time = NOW.replace(year=NOW.year + 1)
    sent = late.get("/plan", headers=page, follow_redirects=False).headers["location"]
    assert "Du har loggats ut." in late.get(sent).text
    assert (
        "You have been signed out." in late.get(sent, headers={"Cookie": "lagesbild_sprak=en"}).text
    )
