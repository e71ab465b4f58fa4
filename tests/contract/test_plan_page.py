"""The plan and the kept links at the door: who sees what of them, forms, and what a row tells."""

import html
import json
import re
import shutil
from contextlib import ExitStack

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from app.main import create_app
from pipelines import accounts, plan
from pipelines.roles import ANALYST, COORDINATOR, PLANNER
from store import installation
from store import plan as rows
from store.db import connect
from store.journal_models import Look
from tests.house import settings_of

STAFF = (PLANNER, ANALYST, COORDINATOR)


class Person:
    """Somebody signed in, in a browser and with a script beside it."""

    def __init__(self, client, form):
        self.client = client
        assert client.post("/logga-in", data=form).status_code == 303
        self.csrf = re.search(r'name="csrf" value="([^"]+)"', client.get("/plan").text)[1]

    def page(self, path="/plan"):
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return html.unescape(re.sub(r"<[^>]+>", " ", answer.text))

    def send(self, path="/plan", **form):
        """Send a form from the page and give where it leads."""
        answer = self.client.post(path, data={"csrf": self.csrf, **form})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def ask(self, path="/plan", **form):
        """Send the same from a script."""
        headers = {"Accept": "application/json"}
        return self.client.post(path, data={"csrf": self.csrf, **form}, headers=headers)

    def items(self, collection, query=""):
        path = f"/ogc/collections/{collection}/items?limit=500{query}"
        return self.client.get(path, headers={"Accept": "application/json"}).json()["features"]


@pytest.fixture
def own_town(town, tmp_path):
    """Give a copy of the town, to be written in."""
    folder = tmp_path / "town"
    shutil.copytree(town["folder"], folder)
    return town | {"url": f"sqlite:///{folder / 'lagesbild.gpkg'}"}


@pytest.fixture
def crowd(own_town, clock):
    """Give a person of each role who may use the plan, all in one town."""
    app = create_app(settings_of(own_town), clock)
    with ExitStack() as stack:
        made = {}
        for role in STAFF:
            client = TestClient(app, headers={"Accept": "text/html"}, follow_redirects=False)
            form = {"name": own_town["names"][role], "password": own_town["password"]}
            made[role] = Person(stack.enter_context(client), form)
        yield made


@pytest.fixture
def house_log(crowd):
    """Give what reads the log of that town."""

    def read():
        journal = crowd[PLANNER].client.app.state.services.installation.journal
        with journal.read() as conn:
            return [
                json.loads(one) for one in conn.scalars(sa.select(Look.body).order_by(Look.seq))
            ]

    return read


def row_of(person, number):
    """Give the text of a row, tags and all."""
    page = person.client.get("/plan").text
    return re.search(rf'<tr id="rad-{number}">.*?</tr>', page, re.DOTALL)[0]


def count_of(person, number):
    found = re.search(r'<span class="count">(\d[\d\s]*)</span>', row_of(person, number))
    return None if found is None else int(re.sub(r"\s", "", found[1]))


def a_cell(person):
    """Give a busy cell: one with more events than any other."""
    cells = person.items("cells", "&window=helgnatt&category=klotter")
    return max(cells, key=lambda one: one["properties"]["count"])


# --- the plan


def test_an_empty_plan_says_how_to_fill_it_and_promises_nothing(crowd):
    for person in crowd.values():
        page = person.page()
        assert "Listan är tom." in page
        assert "Lägg till i åtgärdsplanen" in page
        assert "nästa steg" not in page


def test_a_row_is_the_same_place_to_all_and_the_number_of_each_role_to_each(crowd):
    analyst, planner = crowd[ANALYST], crowd[PLANNER]
    (arby,) = [one for one in analyst.items("areas") if one["properties"]["name"] == "Årby"]
    where = analyst.send(vald=f"areas:{arby['id']}", period="2025")
    assert where == "/plan?tillagd=1#rad-1"
    assert "Tillagd i åtgärdsplanen: Årby, Alla händelser." in analyst.page("/plan?tillagd=1")
    exact = analyst.items("areas", "&datetime=2025-01-01/2025-12-31")
    count = {one["properties"]["name"]: one["properties"]["count"] for one in exact}["Årby"]
    assert count_of(analyst, 1) == count
    told = planner.items("release", "&period=2025&detail=zone")
    shown = {one["properties"]["name"]: one["properties"]["count"] for one in told}["Årby"]
    for role in (PLANNER, COORDINATOR):
        assert count_of(crowd[role], 1) == shown
        assert "Enligt utgåvan, 2025." in row_of(crowd[role], 1)
    assert shown != count  # the release's themes are not the analyst's total
    for role, person in crowd.items():
        place = arby["id"] if role == ANALYST else "priority-arby"
        assert f'href="/?omrade={place}&amp;period=2025"' in row_of(person, 1)


def test_nobody_but_analysts_sees_which_cell_or_cluster_an_analyst_chose(crowd, own_town):
    analyst = crowd[ANALYST]
    cell, cluster = a_cell(analyst), analyst.items("clusters")[0]
    analyst.send(vald=f"cells:{cell['id']}", fonster="helgnatt", typ="klotter")
    analyst.send(vald=f"clusters:{cluster['id']}")
    assert count_of(analyst, 1) == cell["properties"]["count"]
    assert count_of(analyst, 2) == cluster["properties"]["count"]
    near = re.search(r"Rutan nära ([^<]+)<", row_of(analyst, 1))[1]
    assert f"vald=cells:{cell['id']}" in row_of(analyst, 1)
    for role in (PLANNER, COORDINATOR):
        whole = crowd[role].client.get("/plan").text
        assert cell["id"] not in whole
        assert f"Rutan nära {near}" not in whole
        assert "clusters:" not in whole
        assert whole.count("En del av platsen. Vilken del visas bara för analytiker.") == 2
        assert "Talet gäller hela platsen." in row_of(crowd[role], 1)
        assert "Var den ligger visas bara för analytiker" in crowd[role].page()
    parts = installation.open_installation(own_town["url"])
    try:
        with parts.main.read() as conn:
            assert set(rows.spots(conn)) == {1, 2}
        with parts.open_side.read() as conn, pytest.raises(sa.exc.DatabaseError):
            rows.spots(conn)  # the database itself refuses those who may not see events
    finally:
        parts.close()


def test_which_kind_and_which_odd_time_an_analyst_meant_is_for_analysts_alone(crowd, own_town):
    analyst, planner = crowd[ANALYST], crowd[PLANNER]
    (arby,) = [one for one in analyst.items("areas") if one["properties"]["name"] == "Årby"]
    cell = a_cell(analyst)
    for place in (f"areas:{arby['id']}", f"cells:{cell['id']}"):
        analyst.send(vald=place, fonster="helgnatt", typ="klotter")
    assert (
        analyst.ask(vald=f"areas:{arby['id']}", fonster="helgnatt", typ="klotter").json()["outcome"]
        == "there"
    )
    assert count_of(analyst, 2) == cell["properties"]["count"]
    store = connect(own_town["url"])
    with store.read() as conn:
        assert {row.theme for row in rows.standing(conn)} == {"tema-skadegorelse_klotter"}
        assert {spot.theme for spot in rows.spots(conn).values()} == {"klotter"}
    store.close()
    for number in (1, 2):
        assert "typ=klotter" in row_of(analyst, number)
        assert "typ=tema-skadegorelse_klotter" in row_of(planner, number)
        assert "klotter&" not in row_of(planner, number).replace("skadegorelse_klotter&", "")


def test_a_card_says_that_its_place_stands_in_the_plan_for_the_same_question(crowd):
    planner, analyst = crowd[PLANNER], crowd[ANALYST]
    (arby,) = [one for one in analyst.items("areas") if one["properties"]["name"] == "Årby"]

    def planned(person, query=""):
        return person.client.get(f"/karta/plats?vald=areas:{arby['id']}{query}").json()["planned"]

    assert planned(planner) == planned(analyst) == ""
    planner.send(vald=f"areas:{arby['id']}")
    assert planned(planner) == planned(analyst) == "/plan#rad-1"
    assert planned(planner, "&typ=tema-vald") == planned(analyst, "&typ=tema-vald") == ""
    cell = a_cell(analyst)["id"]
    analyst.send(vald=f"cells:{cell}")
    assert analyst.client.get(f"/karta/plats?vald=cells:{cell}").json()["planned"] == "/plan#rad-2"
    planner.send("/plan/1/ta-bort")
    assert planned(planner) == planned(analyst) == ""


def test_a_planner_cannot_add_what_only_analysts_know(crowd):
    cell = a_cell(crowd[ANALYST])
    for role in (PLANNER, COORDINATOR):
        for word in (f"cells:{cell['id']}", "clusters:1", "incidents:1", "observations:1"):
            answer = crowd[role].ask(vald=word)
            assert answer.status_code == 404
            assert "Platsen finns inte" in answer.json()["detail"]
    assert "Listan är tom." in crowd[PLANNER].page()


@pytest.mark.parametrize(
    "word",
    [
        *("cells:891f25a9adbfff", "cells:", "cells:ffffffffffffffff", "clusters:999999", "x" * 60),
        *("areas:999", "schools:999", "2025.9999", "1999.1", "nowhere", "clusters:-1"),
    ],
)
def test_a_place_that_is_not_there_is_told_so(crowd, word):
    assert crowd[ANALYST].ask(vald=word).status_code == 404


def test_a_row_of_the_release_is_added_as_it_stands_beside_the_choices(crowd):
    planner = crowd[PLANNER]
    asked = {"period": "2025", "typ": "tema-skadegorelse_klotter", "detalj": "zone"}
    told = planner.items("release", "&period=2025&theme=skadegorelse_klotter&detail=zone")
    by_name = {one["properties"]["name"]: one for one in told}
    chosen = by_name["Skiftinge"]
    assert planner.ask(vald=str(chosen["id"]), **asked).json()["outcome"] == "added"
    assert count_of(planner, 1) == chosen["properties"]["count"]
    assert planner.ask(vald="priority-skiftinge", **asked).json()["outcome"] == "there"


def test_a_school_is_its_zone_where_the_release_has_one(crowd):
    analyst = crowd[ANALYST]
    schools = analyst.items("schools")
    (school,) = [one for one in schools if one["properties"]["name"] == "Munktellskolan"]
    assert analyst.ask(vald=f"schools:{school['id']}").json()["outcome"] == "added"
    assert crowd[PLANNER].ask(vald="school-munktellskolan", period="allt").status_code == 200
    assert "Munktellskolan" in crowd[COORDINATOR].page()


def test_the_whole_municipality_and_a_district_word_go_without_a_place(crowd):
    analyst = crowd[ANALYST]
    assert "Hela kommunen" in analyst.ask().json()["text"]
    (total,) = [
        one for one in analyst.items("areas") if one["properties"]["kind"] == "municipality"
    ]
    assert count_of(analyst, 1) == total["properties"]["count"]
    assert analyst.ask(omrade=str(total["id"])).json()["outcome"] == "there"


def test_what_is_there_already_is_said_and_not_added_twice(crowd):
    planner = crowd[PLANNER]
    planner.send(vald="priority-arby", period="2025")
    where = crowd[COORDINATOR].send(vald="priority-arby", period="2024")
    assert where == "/plan?fanns=1#rad-1"
    assert "Finns redan i åtgärdsplanen: Årby" in crowd[COORDINATOR].page(where)
    assert planner.client.get("/plan").text.count("<tr id=") == 1


def test_anybody_of_the_staff_takes_a_row_off_and_undoes_it(crowd):
    crowd[ANALYST].send(vald="nightlife-nattlivskarnan")
    for role, person in crowd.items():
        where = person.send("/plan/1/ta-bort")
        assert where == "/plan?borttagen=1#rad-1"
        page = person.client.get(where).text
        assert 'action="/plan/1/angra"' in page
        assert "<tr id=" not in page, role
        assert person.send("/plan/1/angra") == "/plan?angrad=1#rad-1"
        assert "Tillbaka i åtgärdsplanen: Nattlivskärnan" in person.page("/plan?angrad=1")
    told = crowd[PLANNER].ask("/plan/1/ta-bort").json()
    assert (told["outcome"], told["undo"]) == ("removed", "/plan/1/angra")
    assert crowd[PLANNER].ask(told["undo"]).json()["outcome"] == "restored"


def test_a_link_that_tells_of_a_change_that_was_not_made_tells_nothing(crowd):
    planner = crowd[PLANNER]
    planner.send(vald="priority-arby")
    for word in ("borttagen=1", "tillagd=7", "tillagd=x", "tillagd=" + "9" * 30, "tillagd=²"):
        assert 'role="status"' not in planner.client.get(f"/plan?{word}").text


def test_a_row_number_that_no_table_can_hold_is_a_wrong_form(crowd):
    for number in (0, 2**31, 2**80, "x"):
        assert crowd[PLANNER].ask(f"/plan/{number}/ta-bort").status_code == 400
    assert crowd[PLANNER].ask("/plan/77/ta-bort").status_code == 404


def test_a_form_of_another_session_changes_nothing(crowd):
    planner = crowd[PLANNER]
    planner.send(vald="priority-arby")
    planner.csrf = crowd[COORDINATOR].csrf
    for path in ("/plan", "/plan/1/ta-bort", "/plan/1/angra", "/vyer"):
        assert planner.ask(path, vald="priority-skiftinge").status_code == 403
    page = planner.client.get("/plan").text
    assert page.count("<tr id=") == 1


def test_a_full_plan_says_so(crowd, monkeypatch):
    monkeypatch.setattr(plan, "MOST", 1)  # the limit itself is tried in tests/integration
    planner = crowd[PLANNER]
    planner.send(vald="priority-arby")
    answer = planner.ask(vald="priority-skiftinge")
    assert answer.status_code == 409
    assert "Åtgärdsplanen har 1 rader" in answer.json()["detail"]


def test_what_was_done_stands_in_the_log_before_the_answer(crowd, house_log):
    crowd[PLANNER].send(vald="priority-arby", period="2025")
    crowd[PLANNER].send("/plan/1/ta-bort")
    said = house_log()
    assert [line["what"] for line in said if line["what"].startswith("plan-")][-2:] == [
        *("plan-add", "plan-remove")
    ]
    (added,) = [line for line in said if line["what"] == "plan-add"]
    assert added["asked"] == {"place": "priority-arby", "theme": "", "window": "all"}


# --- kept links


def test_a_view_is_saved_opened_removed_and_undone_on_a_page_without_scripts(crowd):
    planner = crowd[PLANNER]
    page = planner.client.get("/vyer?adress=/nar%3Fomrade%3Dpriority-arby%26x%3D1").text
    assert 'name="adress" value="/nar?omrade=priority-arby"' in page
    where = planner.send("/vyer", namn="Årby när", adress="/nar?omrade=priority-arby")
    assert where == "/vyer?sparad=1"
    page = planner.client.get(where).text
    assert '<a href="/nar?omrade=priority-arby">Årby när</a>' in page
    assert "Vyn är sparad: Årby när." in page
    where = planner.send("/vyer/1/ta-bort")
    assert 'action="/vyer/1/angra"' in planner.client.get(where).text
    assert "Du har inte sparat någon vy" in planner.page(where)
    assert "Årby när" in planner.page(planner.send("/vyer/1/angra"))


def test_a_view_and_its_name_are_its_owners_alone(crowd, house_log):
    planner, coordinator = crowd[PLANNER], crowd[COORDINATOR]
    kept = planner.ask("/vyer", namn="Bara min", adress="/plan").json()
    assert (kept["outcome"], kept["href"], kept["undo"]) == ("saved", "/plan", "/vyer/1/ta-bort")
    headers = {"Accept": "application/json"}
    assert planner.client.get("/vyer", headers=headers).json() == {
        "views": [
            {
                "id": 1,
                "name": "Bara min",
                "href": "/plan",
                "page": "Åtgärdsplan",
                "remove": "/vyer/1/ta-bort",
            }
        ],
        "most": 50,
    }
    assert coordinator.client.get("/vyer", headers=headers).json()["views"] == []
    assert coordinator.ask("/vyer/1/ta-bort").status_code == 404
    assert coordinator.ask("/vyer/1/angra").status_code == 404
    for word in ("sparad", "borttagen"):
        assert "Bara min" not in coordinator.client.get(f"/vyer?{word}=1").text
    assert "Bara min" not in str(house_log())


def test_a_view_says_what_is_wrong_with_it(crowd):
    planner = crowd[PLANNER]
    assert "högst 60 tecken" in planner.ask("/vyer", namn="", adress="/").json()["detail"]
    answer = planner.ask("/vyer", namn="x", adress="https://annan.example/")
    assert (answer.status_code, "går inte att spara" in answer.json()["detail"]) == (400, True)
    assert 'name="adress"' not in planner.client.get("/vyer?adress=https://annan.example/").text
    for number in range(50):
        assert planner.ask("/vyer", namn=f"{number}", adress="/").status_code == 200
    assert planner.ask("/vyer", namn="50", adress="/").status_code == 409
    assert planner.ask("/vyer", namn="49", adress="/plan").json()["outcome"] == "replaced"


def test_a_name_with_tags_is_shown_as_it_was_written(crowd):
    planner = crowd[PLANNER]
    planner.send("/vyer", namn="<script>alert(1)</script>", adress="/")
    page = planner.client.get("/vyer").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_the_links_of_a_removed_account_do_not_come_back_with_its_name(crowd, own_town):
    planner = crowd[PLANNER]
    planner.send("/vyer", namn="Gammal", adress="/")
    store = connect(own_town["url"])
    name = own_town["names"][PLANNER]
    accounts.remove_user(store, name)
    with store.read() as conn:
        assert conn.scalar(sa.text("SELECT count(*) FROM saved_view")) == 0
    store.close()
