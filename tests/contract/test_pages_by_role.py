"""The same link is another picture to every role, and every look stands in the log."""

import json
import re

import pytest
import sqlalchemy as sa

from pipelines import demo
from pipelines import tables as police
from pipelines.roles import ADMIN, ANALYST, COORDINATOR, PLANNER
from store import tables as stored_tables
from store.journal_models import Look
from store.models import Observation
from tests.house import NOW

LINK = "/?omrade=&fonster=helgnatt&typ=tema-vald&period=2025"
HEADINGS = {
    ANALYST: "Rutornas storlek",
    PLANNER: "Så är siffrorna gjorda",
    COORDINATOR: "Så är siffrorna gjorda",
    ADMIN: "Inloggade",
}


def noted(app):
    journal = app.state.services.installation.journal
    with journal.read() as conn:
        bodies = conn.scalars(sa.select(Look.body).order_by(Look.seq)).all()
    return [json.loads(body) for body in bodies]


def csrf(page):
    return re.search(r'name="csrf" value="([^"]+)"', page.text)[1]


def test_one_link_opened_by_four_roles_is_four_pictures_and_four_lines(app, people, town):
    before = len(noted(app))
    pages = {role: people[role].get(LINK).text for role in HEADINGS}
    for role, heading in HEADINGS.items():
        assert heading in pages[role]
    assert len(set(pages.values())) == 4
    lines = noted(app)[before:]
    assert [(line["who"], line["role"], line["what"], line["purpose"]) for line in lines] == [
        (town["names"][ANALYST], ANALYST, "map-page", "analysis"),
        (town["names"][PLANNER], PLANNER, "release-page", "map"),
        (town["names"][COORDINATOR], COORDINATOR, "release-page", "map"),
        (town["names"][ADMIN], ADMIN, "admin-page", "operation"),
    ]
    assert lines[1]["asked"] == {
        "block": "helgnatt",
        "detail": "zone",
        "period": "2025",
        "theme": "vald",
    }


def told(page):
    """Read the table of the release page: names and numbers."""
    count = r'<tr data-key="([^"]+)".*?<td class="count">([^<]+)</td>'
    return dict(re.findall(count, page.text, re.DOTALL))


def number(told):
    """Write a number of a release as the page does: one, or the two that it lies between."""
    if told["exact"]:
        return str(told["count"])
    return f"{told['low']}–{told['count']}" if told["low"] else f"högst {told['count']}"


@pytest.mark.parametrize("choice", ["", "&detalj=zone", "&detalj=unit", "&typ=tema-narkotika"])
def test_the_planners_table_and_the_collection_are_the_same_numbers(people, choice):
    page = people[PLANNER].get(f"/utgava?period=2025{choice}")
    query = re.search(r'data-items="([^"]*)"', page.text)[1].replace("&amp;", "&")
    answer = people[PLANNER].get(f"/ogc/collections/release/items?{query}&limit=10000").json()
    features = {one["id"]: one["properties"] for one in answer["features"]}
    assert told(page) == {key: number(one) for key, one in features.items()}
    assert min(one["count"] for one in features.values()) >= 5
    assert f'data-count="{answer["total"]}"' in page.text


def test_a_link_that_asks_for_more_than_a_release_knows_is_told_so(people):
    page = people[PLANNER].get("/?typ=klotter&fonster=natt&period=2031&omrade=Atlantis").text
    assert "Utgåvan skiljer inte ut Klotter. Hela temat Skadegörelse och klotter visas." in page
    assert "Utgåvan har ingen tid på veckan som heter ”natt”. Alla tider visas." in page
    assert "Utgåvan har ingen period ”2031”. Den senaste visas i stället." in page


def test_an_area_is_found_by_the_id_that_the_analysts_link_has(people):
    areas = people[PLANNER].get("/ogc/collections/areas/items").json()["features"]
    arby = next(one["id"] for one in areas if one["properties"]["name"] == "Årby")
    page = people[PLANNER].get(f"/?omrade={arby}&period=2025")
    assert "Årby · Alla tider · Alla teman (även polisstyrda) · 2025" in page.text
    assert len(told(page)) == 1


def test_an_area_is_found_by_the_word_that_the_planners_link_has(people):
    offered = re.findall(r'<option value="([a-z]+-arby)"', people[PLANNER].get("/").text)
    assert offered
    page = people[ANALYST].get(f"/?omrade={offered[0]}").text
    assert "Årby · Alla tider" in page
    assert "finns inte här" not in page


@pytest.mark.parametrize("path", ["/nar", "/skolor", "/nattliv", "/pa-plats", "/utveckling"])
@pytest.mark.parametrize("role", [PLANNER, ANALYST])
def test_the_map_of_the_start_page_alone_is_saved_as_a_file(people, role, path):
    assert "/spara/karta.html?" in people[role].get("/?fonster=helgnatt").text
    assert "/spara/karta.html" not in people[role].get(path).text


def test_areas_bear_no_counts_but_for_analysts(people):
    for role, counted in ((PLANNER, False), (COORDINATOR, False), (ANALYST, True)):
        areas = people[role].get("/ogc/collections/areas/items").json()["features"]
        assert all((one["properties"]["count"] is not None) is counted for one in areas)


def test_whoever_runs_the_system_sees_accounts_and_no_crime(people, town):
    page = people[ADMIN].get("/drift").text
    for name in town["names"].values():
        assert name in page
    for word in ("Skiftinge", "Våld", "händelser"):
        assert word not in page
    assert people[ADMIN].get("/ogc/collections").status_code == 404
    assert people[ADMIN].get("/utgava").status_code == 403


def test_somebody_is_signed_out_from_the_page_of_operation_at_once(people, town):
    page = people[ADMIN].get("/drift")
    form = {"csrf": csrf(page), "name": town["names"][PLANNER]}
    assert people[ADMIN].post("/drift/logga-ut", data=form).status_code == 303
    assert people[PLANNER].get("/").headers["location"] == "/logga-in?slut=1"


def test_the_log_shows_looks_and_notes_that_it_was_read(app, people, town):
    people[PLANNER].get("/utgava?period=2024")
    page = people[ADMIN].get(f"/logg?vem={town['names'][PLANNER]}&vad=release-page")
    assert "utgåvan" in page.text
    rows = re.search(r"<tbody>.*</tbody>", page.text, re.DOTALL)[0]
    assert "2024" in rows
    assert f">{town['names'][ANALYST]}<" not in rows
    last = noted(app)[-1]
    assert (last["what"], last["purpose"], last["who"]) == ("log", "audit", town["names"][ADMIN])


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("fran=2026-02-29", 400),
        ("fran=2026-02-28", 200),
        ("till=9999-12-31", 400),
        ("fore=x", 400),
        ("fore=9", 200),
        ("vem=" + "x" * 130, 200),
        ("vem=" + "x" * 131, 400),
        ("sort=who", 400),
    ],
)
def test_the_logs_choices_are_days_numbers_and_short_texts(people, query, status):
    assert people[ADMIN].get(f"/logg?{query}").status_code == status


def test_the_log_is_checked_and_handed_out_as_a_table(people):
    page = people[ADMIN].get("/logg")
    checked = people[ADMIN].post("/logg/kontroll", data={"csrf": csrf(page)})
    assert "Loggen är hel:" in checked.text
    table = people[ADMIN].get("/logg/export?vad=log")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.headers["content-disposition"] == 'attachment; filename="logg.csv"'
    assert "sign-in" not in table.text
    assert table.text.count("\n") >= 2


def test_a_coordinator_releases_what_planners_then_see(app, people):
    page = people[COORDINATOR].get("/granskning")
    waiting = re.findall(r'name="observation" value="(\d+)"', page.text)
    assert len(waiting) == demo.WAITING
    address = f"/ogc/collections/observations/items/{waiting[0]}"
    for role in (PLANNER, ANALYST):
        assert people[role].get(address).status_code == 404
    assert people[COORDINATOR].get(address).json()["properties"]["reviewed"] is False
    try:
        form = {"csrf": csrf(page), "observation": [waiting[0]]}
        posted = people[COORDINATOR].post("/granskning", data=form)
        assert posted.headers["location"] == "/granskning?slappta=1"
        assert people[PLANNER].get(address).status_code == 200
        left = people[COORDINATOR].get(posted.headers["location"]).text
        assert re.findall(r'name="observation" value="(\d+)"', left) == waiting[1:]
    finally:
        with app.state.services.installation.main.write() as conn:
            again = sa.update(Observation).where(Observation.id == int(waiting[0]))
            conn.execute(again.values(reviewed=False))


def test_a_point_at_a_door_is_moved_for_everybody_but_coordinators(app, people):
    parts = app.state.services.installation
    with parts.main.read() as conn:
        seen = sa.select(Observation.id).where(Observation.reviewed.is_(True))
        one = conn.scalar(seen.order_by(Observation.id).limit(1))
    address = f"/ogc/collections/observations/items/{one}"
    exact = people[COORDINATOR].get(address).json()["geometry"]["coordinates"]
    assert people[PLANNER].get(address).json()["geometry"]["coordinates"] == exact
    with parts.main.write() as conn:
        found_by = sa.update(Observation).where(Observation.id == one)
        conn.execute(found_by.values(match_type="address"))
    try:
        shown = people[PLANNER].get(address).json()
        moved = shown["geometry"]["coordinates"]
        assert moved != exact
        assert shown["properties"]["uncertainty_m"] >= 50
        assert people[COORDINATOR].get(address).json()["geometry"]["coordinates"] == exact
        tight = 0.00001
        box = f"{exact[0] - tight},{exact[1] - tight},{exact[0] + tight},{exact[1] + tight}"
        inside = people[PLANNER].get(f"/ogc/collections/observations/items?bbox={box}").json()
        assert one not in [each["id"] for each in inside["features"]]
    finally:
        with parts.main.write() as conn:
            conn.execute(found_by.values(match_type="coordinates"))


def test_without_a_release_a_planner_is_told_what_is_missing(house):
    assert house.reader(PLANNER).get("/utgava").status_code == 404  # no profile either


def test_a_table_of_the_police_stands_as_it_was_sent(app, people, tmp_path):
    assert "Ingen tabell är inläst ännu." in people[PLANNER].get("/tabeller").text
    main = app.state.services.installation.main
    file = tmp_path / "tabell.csv"
    file.write_text(
        "Område;Månad;Brottstyp;Antal\nÅrby;2025-03;Våld;7\nÅrby;2025-04;Våld;<5\n"
        "Skiftinge;2024-04;<b>Våld</b>;9\n"
    )
    made = police.take_in(main, file, police.Options("Polisen i provet"), NOW)
    try:
        page = people[PLANNER].get("/tabeller").text
        assert re.findall(r"<td>(7|dold)</td>", page) == ["7", "dold"]
        assert "Polisen i provet, 2025. Intagen 2026-11-01." in page
        older = people[COORDINATOR].get("/tabeller?kalla=Polisen+i+provet&ar=2024").text
        assert "&lt;b&gt;Våld&lt;/b&gt;" in older
        assert people[PLANNER].get("/tabeller?ar=1999").status_code == 400
        assert people[ADMIN].get("/tabeller").status_code == 403
        assert people[PLANNER].get("/utgava").text.count("Polisen i provet") == 0
    finally:
        with main.write() as conn:
            stored_tables.remove(conn, made.import_id)


def test_what_holds_points_is_kept_by_no_browser(people):
    for path in ("incidents", "clusters", "observations"):
        answer = people[ANALYST].get(f"/ogc/collections/{path}/items?limit=1")
        assert answer.headers["cache-control"] == "private, no-store"
        assert "etag" not in answer.headers
    kept = people[PLANNER].get("/ogc/collections/release/items")
    assert kept.headers["cache-control"] == "private, no-cache"
    assert {"Cookie", "X-API-Key", "Accept-Encoding"} == set(kept.headers["vary"].split(", "))
