"""The list and the cards of those who read the release: its numbers, and never an event."""

import json
import re
from dataclasses import replace
from datetime import date

import pytest
import shapely
import sqlalchemy as sa

from app import release_page, told_card, told_places_page
from geo.errors import NotFound
from pipelines import answers, places, reference, told_places
from pipelines.released import PLACE, UNIT, ZONE, Asked, Released, load
from pipelines.roles import ANALYST, COORDINATOR, PLANNER, PUBLIC
from store.installation import OPEN_TABLES
from store.models import Base
from store.releases import PHYSICAL, TREE, Atom, Header, Part, Unit, digest_of
from tests.house import NOW

READERS = (PLANNER, COORDINATOR)


def listed(client, query=""):
    answer = client.get(f"/karta/lista{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def card(client, key, query=""):
    answer = client.get(f"/karta/plats?vald={key}{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def said(found, about):
    return next(each["text"] for each in found["sentences"] if each["about"] == about)


@pytest.fixture
def released(app):
    with app.state.services.installation.release.read() as conn:
        return load(conn)


@pytest.mark.parametrize("detail", [PLACE, ZONE, UNIT])
@pytest.mark.parametrize("query", ["", "&typ=tema-vald", "&fonster=helgnatt", "&period=2024"])
def test_the_numbers_and_verdicts_are_those_of_the_collection(people, detail, query):
    words = {"typ": "theme", "fonster": "block", "period": "period"}
    asked = dict(pair.split("=") for pair in query[1:].split("&")) if query else {}
    asked = {words[name]: value.removeprefix("tema-") for name, value in asked.items()}
    there = people[PLANNER].get(
        "/ogc/collections/release/items", params={"detail": detail, "limit": 1000, **asked}
    )
    known = {each["id"]: each["properties"] for each in there.json()["features"]}
    found = listed(people[PLANNER], f"?detalj={detail}{query}")
    assert known
    assert {row["key"]: row["count"] for row in found["rows"]} == {
        key: each["count"] for key, each in known.items()
    }
    for row in found["rows"]:
        assert row["verdict"] == known[row["key"]]["verdict"]
        assert bool(row["wider"]) == (not known[row["key"]]["exact"])
    assert found["total"] == there.json()["total"]


def test_every_time_that_is_told_is_an_answer_of_the_release(people, released):
    told = released.part()
    themes = {release_page.theme_name(theme): theme for theme in told.themes}
    numbers = re.compile(r"(?:(.+): )?flest under (.+) \((\d+) av (\d+)\)")
    rows = [row for row in listed(people[PLANNER])["rows"] if row["when_kind"] == "blocks"]
    assert rows
    for row in rows:
        theme, block, count, events = numbers.fullmatch(row["when"]).groups()
        asked = Asked(themes=(themes[theme],) if theme else ())
        key = int(row["key"].partition(".")[2])
        week = next(each for each in told.answer(asked, ZONE).shown if each.units[0] == key)
        assert (week.exact, week.count) == (True, int(events))
        own = [
            each
            for name in told.blocks
            for each in told.answer(Asked(themes=asked.themes, blocks=(name,)), ZONE).shown
            if each.units == week.units and each.exact and each.count == int(count)
        ]
        assert own, block


def test_where_the_release_cannot_tell_the_time_the_list_says_why(people):
    rows = listed(people[PLANNER], "?detalj=unit")["rows"]
    untold = [row for row in rows if row["when_kind"] == "untold"]
    assert untold
    assert {row["when"] for row in untold} == {"tiden kan inte visas för så få händelser"}
    assert all(row["when_why"].startswith("Delade på veckans tider") for row in untold)
    assert any("Veckodag och klockslag" in why for why in listed(people[PLANNER])["left_out"])


def test_the_chosen_time_is_the_time_of_every_row(people):
    rows = listed(people[PLANNER], "?fonster=helgnatt")["rows"]
    assert rows
    assert {(row["when"], row["when_kind"]) for row in rows} == {("helgnatt", "asked")}


@pytest.mark.parametrize("role", READERS)
@pytest.mark.parametrize("detail", [PLACE, ZONE, UNIT])
def test_every_row_has_a_card_with_the_same_number_time_and_verdict(people, role, detail):
    for row in listed(people[role], f"?detalj={detail}")["rows"]:
        found = card(people[role], row["key"], f"&detalj={detail}")
        assert found["title"] == row["name"]
        assert said(found, "count").startswith(row["count_text"])
        assert found["verdict"]["slug"] == row["verdict"]
        assert row["when_why"] in said(found, "when")
        assert row["observations_text"][:3] in ("", found["observations_text"][:3])
        assert found["near"]["venue"] is None
        assert found["plan"]["vald"] == row["key"]


def test_schools_and_areas_have_a_card_whether_the_release_knows_them_or_not(people):
    for kind in ("schools", "areas"):
        own = people[PLANNER].get(f"/ogc/collections/{kind}/items").json()["features"]
        for each in own:
            if each["properties"].get("kind") == "municipality":
                continue
            found = card(people[PLANNER], f"{kind}:{each['id']}")
            assert found["title"] == each["properties"]["name"]
            assert re.match(
                r"((Högst |\d+–)?\d+ händelser under |Utgåvan har inget eget tal)",
                said(found, "count"),
            )


def test_the_card_of_an_observation_is_as_blurred_as_the_observation(people):
    for each in people[PLANNER].get("/ogc/collections/observations/items").json()["features"][:5]:
        found = card(people[PLANNER], f"observations:{each['id']}")
        assert found["near"]["venue"] is None
        assert ["Anteckning", each["properties"]["note"]] in found["facts"]


def test_fixed_places_are_withheld_with_a_reason(people, released):
    found = listed(people[PLANNER], "?lista=physical")
    assert told_places.fixed(released) is None
    assert found["rows"] == []
    assert found["empty"] == "Listan visas inte: den behöver tre hela år i följd i utgåvan."


DAYS = (date(2023, 1, 1), date(2026, 1, 1), date(2026, 1, 31))


def ground_of(number, label):
    """Make a unit of the layer of fixed places: a cell with a name near it, or all the rest."""
    lon = 16.5 + 0.01 * number
    outline = shapely.MultiPolygon([shapely.box(lon, 59.37, lon + 0.004, 59.372)])
    whole = ("municipality", "Provstad", "municipality", "municipality", "Provstad")
    about = ("cell", label, 1e5, (f"89088699e0{number}ffff",), 40, outline)
    return Unit(number, *whole, *(about if label else ("remainder", "", 0.0, (), 40, None)))


def release_of_three_years(*, layer):
    """Make a release of three years, with the layer of fixed places or without."""
    themes, blocks = ("brand", "skadegorelse_klotter"), ("helgnatt", "ovrig_tid")
    made = []
    for year in (2023, 2024, 2025):
        days = (date(year, 1, 1), date(year + 1, 1, 1), date(year + 1, 1, 31))
        atom = Atom(0, 50, 5, (1, 2, 3), themes, blocks, (0,))
        made.append(Part(str(year), TREE, *days, NOW, (ground_of(0, "x"),), (atom,), ()).sealed())
    units = (ground_of(0, "Gångtunneln"), ground_of(1, "Smörtorget"), ground_of(2, ""))
    atoms = tuple(
        Atom(number, count, 5, (1, 2, 3), themes, blocks, (number,))
        for number, count in enumerate((9, 31, 80))
    )
    if layer:
        made.append(Part("2023–2025", PHYSICAL, *DAYS, NOW, units, atoms, ()).sealed())
    settings = {"k": 5, "spots": 3}
    header = Header(
        number=1,
        house="Provstad",
        created_at=NOW,
        activated_at=NOW,
        active=True,
        digest="",
        previous="",
        settings=settings,
        synthetic=True,
        code_version="1",
        audit=None,
        signature=None,
        signed_by=None,
    )
    return Released(replace(header, digest=digest_of(header, made)), made)


@pytest.fixture
def asked(house):
    """Give a function that asks a page module as a planner of a house that knows Eskilstuna."""
    places.load(house.store, "eskilstuna")

    def ask(function, given, *, layer, role=PLANNER):
        with house.store.read() as conn:
            known = release_of_three_years(layer=layer)
            on = answers.basis(conn, role, reference.read(conn), known)
            return function(conn, on, given)

    return ask


def test_fixed_places_of_three_years_are_listed_by_what_lies_near_them(asked):
    found = asked(told_places_page.told_rows, {"lista": "physical"}, layer=True)
    assert [(row.name, row.count, row.rank) for row in found.rows] == [
        ("Övriga platser tillsammans", 80, 1),
        ("Vid Smörtorget", 31, 2),
        ("Vid Gångtunneln", 9, 3),
    ]
    rest, *_, tunnel = found.rows
    assert (tunnel.key, tunnel.feature) == ("physical:2023.0", "2023–2025.0")
    assert (rest.at, rest.observations) == (None, None)
    assert (tunnel.when_kind, tunnel.verdict) == ("untold", None)
    for row in found.rows:
        card_of = asked(told_card.told, {"vald": row.key}, layer=True)
        assert card_of.title == row.name
        assert card_of.sentences[1].text.startswith(f"{row.count_text} under 2023–2025.")
        assert card_of.plan is None
    with pytest.raises(NotFound, match="places-unknown"):
        asked(told_card.told, {"vald": "physical:2022.0"}, layer=True)


def test_the_public_is_told_numbers_and_nothing_of_observations_or_plans(asked):
    for lista in ("places", "physical"):
        found = asked(told_places_page.told_rows, {"lista": lista}, layer=True, role=PUBLIC)
        assert found.rows
        assert {row.observations for row in found.rows} == {None}
        assert not any("vandring" in note for note in found.notes)
        own = asked(told_card.told, {"vald": found.rows[0].key}, layer=True, role=PUBLIC)
        assert (own.observations, own.observations_text, own.plan) == ((), "", None)


def test_fixed_places_that_would_give_small_numbers_away_are_withheld_and_it_is_said(asked):
    found = asked(told_places_page.told_rows, {"lista": "physical"}, layer=False)
    assert (found.list, found.rows) == ("physical", ())
    assert found.empty.startswith("Listan visas inte: den har för få händelser, eller så")


def test_nothing_of_an_event_is_read_for_the_release(people, app):
    """Take the right to every table of events from the whole connection: the answers stay."""
    events = {table.name for table in Base.metadata.sorted_tables} - set(OPEN_TABLES)
    read = []
    engines = {
        app.state.services.installation.main.engine,
        app.state.services.installation.open_side.engine,
    }

    def remember(_conn, _cursor, statement, *_):
        read.extend(name for name in events if re.search(rf"\b{name}\b", statement))

    for engine in engines:
        sa.event.listen(engine, "before_cursor_execute", remember)
    try:
        for query in ("", "?detalj=unit", "?lista=physical"):
            rows = listed(people[PLANNER], query)["rows"]
            for row in rows[:3]:
                card(people[PLANNER], row["key"], "&detalj=unit" if "unit" in query else "")
        own = people[PLANNER].get("/ogc/collections/schools/items").json()["features"]
        card(people[PLANNER], f"schools:{own[0]['id']}")
        assert read == []
        listed(people[ANALYST])
        assert "incident" in " ".join(read)  # the ear hears
    finally:
        for engine in engines:
            sa.event.remove(engine, "before_cursor_execute", remember)


@pytest.mark.parametrize(
    "key", ["2025.99999", "1999.0", "2025-T1.0", "physical:2023.1", "release:", "2025.1.1", "0.0"]
)
def test_a_number_that_is_not_there_is_not_found_in_the_same_words(people, key):
    answer = people[PLANNER].get(f"/karta/plats?vald={key}", headers={"Accept": "*/*"})
    usual = people[PLANNER].get("/karta/plats?vald=cells:1", headers={"Accept": "*/*"})
    assert answer.status_code == usual.status_code == 404
    assert answer.json()["detail"] == usual.json()["detail"]


def test_a_number_may_be_named_with_its_collection(people):
    row = listed(people[PLANNER])["rows"][0]
    assert card(people[PLANNER], f"release:{row['key']}")["title"] == row["name"]


def test_a_planner_reads_english(people):
    people[PLANNER].cookies.set("lagesbild_sprak", "en")
    found = listed(people[PLANNER])
    assert found["columns"]["name"] == "Place"
    assert any(re.search(r"most during .+ \(\d+ of \d+\)", row["when"]) for row in found["rows"])
    own = card(people[PLANNER], found["rows"][0]["key"])
    assert said(own, "count").endswith("Theme: All themes (with those found by police work).")
    assert "händelse" not in json.dumps([found, own], ensure_ascii=False)


def test_a_number_of_many_schools_is_told_to_be_theirs(people, programs):
    schools = programs[PLANNER].get("/ogc/collections/schools/items?limit=500").json()["features"]
    names = {one["id"]: one["properties"]["name"] for one in schools}
    several = 0
    for number, name in names.items():
        card = people[PLANNER].get(f"/karta/plats?vald=schools:{number}&period=2025").json()
        (count,) = [one["text"] for one in card["sentences"] if one["about"] == "count"]
        others = any(other in count for other in names.values() if other != name)
        assert card["title"] == name
        together = card["kind"].startswith("Talet gäller flera tillsammans: ")
        assert together == others, card["kind"]
        several += others
    assert 0 < several < len(names)
