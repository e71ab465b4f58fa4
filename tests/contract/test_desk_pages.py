"""Operation, log and review: whole without JavaScript, on a telephone and on paper."""

import json
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app import log_page
from pipelines.roles import ADMIN, ANALYST, COORDINATOR, PLANNER
from store import journal
from store.journal import Entry, Wanted
from store.journal_models import Look
from store.models import Observation
from store.retention import Rule, put
from tests.house import NOW

PAGES = {ADMIN: ("/drift", "/logg"), COORDINATOR: ("/granskning",)}


def journal_of(app):
    return app.state.services.installation.journal


def last_noted(app):
    with journal_of(app).read() as conn:
        return json.loads(conn.scalar(sa.select(Look.body).order_by(Look.seq.desc()).limit(1)))


def csrf(page):
    return re.search(r'name="csrf" value="([^"]+)"', page.text)[1]


def table(page):
    """Give the rows of the log's table as lists of what the cells say."""
    rows = re.findall(r"<tr><td data-head=\"Nr\".*?</tr>", page.text, re.DOTALL)
    return [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL) for row in rows]


def looks(app, number, role, what="incidents", **values):
    """Write entries of a role into the log."""
    with journal_of(app).write() as conn:
        for _ in range(number):
            given = {"at": NOW, "who": f"{role} x", "purpose": "map", "asked": {}, "rows": 1}
            entry = Entry(role=role, what=what, outcome="given", **given | values)
            journal.append(conn, entry)


@pytest.mark.parametrize("role", PAGES)
def test_the_pages_carry_no_script_and_no_style_of_their_own(people, role):
    for path in PAGES[role]:
        page = people[role].get(path)
        assert page.headers["cache-control"] == "private, no-store"
        assert "<script" not in page.text
        assert not re.search(r"\sstyle=|<style|\son\w+=", page.text)
        assert page.text.count("<h1>") == 1
        assert page.text.count('id="content"') == 1


def test_whoever_runs_the_system_sees_its_state_before_any_profile_is_loaded(house):
    reader = house.reader(ADMIN)
    page = reader.get("/drift").text
    assert "Ingen platsprofil är inläst än" in page
    assert "version 0001" in page
    assert "Ingen: handläggare ser inga siffror." in page
    assert "allt sparas tills vidare" in page
    assert reader.get("/logg").status_code == 200


def test_somebody_in_two_browsers_is_one_line_and_is_signed_out_of_both(house):
    both = [house.reader(PLANNER), house.reader(PLANNER)]
    admin = house.reader(ADMIN)
    page = admin.get("/drift")
    name = house.name(PLANNER)
    assert page.text.count(f'name="name" value="{name}"') == 1
    assert '<td data-head="Webbläsare">2</td>' in page.text
    form = {"csrf": csrf(page), "name": name}
    assert admin.post("/drift/logga-ut", data=form).status_code == 303
    assert f'name="name" value="{name}"' not in admin.get("/drift").text
    for browser in both:
        assert browser.get("/methods").status_code == 401


def test_accounts_and_keys_that_have_ended_are_marked_and_no_key_is_shown(house, clock):
    clock.time += timedelta(days=120)  # the group's account lasted 90 days, the keys 30
    page = house.reader(ADMIN).get("/drift").text
    assert page.count("har gått ut") == 1 + len(house.place["keys"])
    for key in house.place["keys"].values():
        assert key not in page


def test_rules_of_retention_are_listed_with_what_they_rest_on(house):
    with house.store.write() as conn:
        put(conn, Rule("sessions", 1, "Beslut 7 <b>", NOW))
    page = house.reader(ADMIN).get("/drift").text
    assert "inloggningar som har upphört" in page
    assert "1 hel månad" in page
    assert "Beslut 7 &lt;b&gt;" in page
    assert "Det som inte står här sparas tills vidare." in page


# --- the log


def test_the_last_check_of_the_log_is_told_on_the_page_of_operation(house):
    admin = house.reader(ADMIN)
    page = admin.get("/drift")
    assert "aldrig härifrån" in page.text
    assert "Loggen är hel:" in admin.post("/logg/kontroll", data={"csrf": csrf(page)}).text
    page = admin.get("/drift")
    assert f"2026-11-01 13:00 av {house.name(ADMIN)}" in page.text
    assert "loggen var hel" in page.text


def test_a_log_that_somebody_changed_is_told_and_noted_as_a_failure(house):
    admin = house.reader(ADMIN)
    page = admin.get("/drift")
    with house.parts.journal.write() as conn:
        for name in conn.scalars(sa.text("SELECT name FROM sqlite_master WHERE type='trigger'")):
            conn.exec_driver_sql(f"DROP TRIGGER {name}")
        conn.execute(sa.update(Look).where(Look.seq == 1).values(who="nobody"))
    checked = admin.post("/logg/kontroll", data={"csrf": csrf(page)})
    assert "Loggen är inte hel: rad 1 är ändrad i efterhand." in checked.text
    bodies = [json.loads(body) for body in house.noted()]
    note = next(body for body in bodies if body["what"] == "log-verified")
    assert (note["outcome"], note["asked"]) == ("failed", {"fault": "log-edited", "seq": 1})
    assert "loggen var inte hel" in admin.get("/drift").text


def test_the_log_is_searched_for_a_role(house):
    admin = house.reader(ADMIN)
    looks(house.app, 3, ANALYST)
    looks(house.app, 2, PLANNER, what="release-page")
    rows = table(admin.get(f"/logg?roll={ANALYST}"))
    assert len(rows) == 3
    assert {row[3] for row in rows} == {"brottsanalytiker"}
    assert last_noted(house.app)["asked"] == {"role": ANALYST}
    assert "men inte av roll" in admin.get(f"/logg?roll={ANALYST}").text
    assert admin.get(f"/logg/export?roll={ANALYST}").status_code == 400
    assert table(admin.get("/logg?roll=nobody")) == []


def test_a_search_goes_on_where_the_page_before_it_ended(house, monkeypatch):
    admin = house.reader(ADMIN)
    looks(house.app, 5, ANALYST)
    looks(house.app, 60, PLANNER)
    monkeypatch.setattr(log_page, "MOST_LINES", 10)
    monkeypatch.setattr(log_page, "MOST_SEARCHED", 30)
    found, address, pages = [], f"/logg?roll={ANALYST}", 0
    while address:
        page = admin.get(address)
        found += [int(row[0]) for row in table(page)]
        more = re.search(r'href="([^"]+)">Sök vidare', page.text)
        address = more and more[1].replace("&amp;", "&")
        pages += 1
    assert pages == 3
    assert len(found) == len(set(found)) == 5
    assert found == sorted(found, reverse=True)


@pytest.mark.parametrize("role", ["", PLANNER])
def test_pages_of_the_log_follow_on_each_other_without_a_gap(house, role):
    admin = house.reader(ADMIN)
    looks(house.app, 2 * log_page.ROWS + 10, PLANNER)
    log, sizes, found, before = house.app.state.services.log, [], [], None
    while True:
        page = log_page.search(log, log_page.Asked(Wanted(who=f"{PLANNER} x"), role, before))
        sizes.append(len(page.lines))
        found += [line.seq for line in page.lines]
        before = page.before
        if before is None:
            break
    assert sizes == [100, 100, 10]
    assert found == list(range(found[0], found[0] - 210, -1))
    assert admin.get(f"/logg?roll={role}").text.count('data-head="Nr"') == log_page.ROWS


def test_a_row_that_retention_has_blanked_is_said_to_be(house):
    admin = house.reader(ADMIN)
    log = house.app.state.services.log
    looks(house.app, 1, ANALYST, at=NOW - timedelta(days=400))
    log.weed(NOW - timedelta(days=300), "x", ADMIN)
    rows = [row for row in table(admin.get("/logg")) if row[2] == "gallrad"]
    assert len(rows) == 1
    assert rows[0][1] == "2025-09-27 14:00"


def test_what_the_log_repeats_is_short_and_cannot_become_a_tag(house):
    admin = house.reader(ADMIN)
    looks(house.app, 1, ANALYST, asked={"area": "<b>" + "x" * 300, "theme": None, "limit": 5})
    row = next(row for row in table(admin.get("/logg")) if row[3] == "brottsanalytiker")
    assert row[6].startswith("area: &lt;b&gt;xxx")
    assert row[6].endswith("…")
    assert len(row[6]) < 180


# --- review


def test_a_form_of_the_review_sent_twice_or_empty_releases_nothing_more(app, people):
    main = app.state.services.installation.main
    with main.write() as conn:
        seen = sa.select(Observation.id).where(Observation.reviewed).order_by(Observation.id)
        one, other = conn.scalars(seen.limit(2))
        conn.execute(sa.update(Observation).where(Observation.id == one).values(reviewed=False))
    try:
        coordinator = people[COORDINATOR]
        form = {"csrf": csrf(coordinator.get("/granskning"))}
        empty = coordinator.post("/granskning", data=form)
        assert empty.headers["location"] == "/granskning?slappta=0"
        assert "ingen är släppt" in coordinator.get(empty.headers["location"]).text
        chosen = form | {"observation": [str(one), str(other), "99999999999999999999"]}
        first = coordinator.post("/granskning", data=chosen)
        assert first.headers["location"] == "/granskning?slappta=1"
        assert last_noted(app)["asked"] == {"observations": [one]}
        assert "1 observation är släppt." in coordinator.get(first.headers["location"]).text
        again = coordinator.post("/granskning", data=chosen)
        assert again.headers["location"] == "/granskning?slappta=0"
    finally:
        with main.write() as conn:
            conn.execute(sa.update(Observation).where(Observation.id == one).values(reviewed=True))
