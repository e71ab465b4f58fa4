"""Around the schools and nightlife: exact for analysts, the release for everybody else."""

import html
import json
import re

import pytest
import sqlalchemy as sa

from app.release_page import number_said
from pipelines import answers, events, nights, places, reference, release_parts
from pipelines.questions import Question
from pipelines.released import ZONE, Asked
from pipelines.roles import ADMIN, ANALYST, COORDINATOR, GROUP, PLANNER
from store.journal_models import Look
from store.models import Facility

OPEN = (PLANNER, COORDINATOR)
PATHS = ("/skolor", "/nattliv")


def rows(page, name):
    """Give the rows of a table as lists of what their cells say."""
    table = re.search(rf'<table id="{name}"[^>]*>(.*?)</table>', page.text, re.DOTALL)[1]
    cells = re.compile(r"<t[hd][^>]*>(.*?)</t[hd]>", re.DOTALL)
    plain = re.compile(r"<[^>]+>")
    return [
        [html.unescape(plain.sub(" ", cell)).strip() for cell in cells.findall(row)]
        for row in re.findall(r"<tr.*?</tr>", table, re.DOTALL)
    ][1:]


def data(page):
    found = re.search(r'<script type="application/json" id="map-data">(.*?)</script>', page.text)
    return None if found is None else json.loads(found[1])


def last_noted(app):
    with app.state.services.installation.journal.read() as conn:
        return json.loads(conn.scalar(sa.select(Look.body).order_by(Look.seq.desc()).limit(1)))


def option(page, name, label):
    """Give the value of a picker's option."""
    select = re.search(rf'<select id="{name}".*?</select>', page.text, re.DOTALL)[0]
    return re.search(rf'<option value="([^"]*)"[^>]*>{re.escape(label)}<', select)[1]


# --- who sees what


@pytest.mark.parametrize("path", PATHS)
def test_each_role_has_its_own_page_without_any_style_in_it(people, path):
    pages = {role: people[role].get(path) for role in (ANALYST, *OPEN)}
    for role, page in pages.items():
        assert page.status_code == 200, role
        assert page.headers["cache-control"] == "private, no-store"
        assert not re.search(r"\sstyle=|<style|\son\w+=", page.text)
        assert page.text.count("<h1>") == 1
        ours = r"<script.*?</script>|data-basemap='[^']*'"
        assert "{" not in re.sub(ours, "", page.text, flags=re.DOTALL)
    assert data(pages[ANALYST]) is not None
    assert all(data(pages[role]) is None for role in OPEN)


@pytest.mark.parametrize("path", PATHS)
def test_readers_without_maps_are_refused(people, anybody, path):
    assert anybody.get(path).status_code == 401
    for role in (ADMIN, GROUP):
        if role in people:
            assert people[role].get(path).status_code == 403


def test_a_look_is_noted_with_what_was_asked_before_it_is_given(app, people):
    people[ANALYST].get("/skolor?skola=7&typ=tema-vald")
    note = last_noted(app)
    assert (note["what"], note["purpose"]) == ("schools-page", "analysis")
    assert note["asked"]["school"] == "7"
    assert note["asked"]["typ"] == "tema-vald"
    assert note["rows"] > 0
    people[ANALYST].get("/nattliv?helg=2026-W40")
    note = last_noted(app)
    assert (note["what"], note["asked"]["weekend"]) == ("nightlife-page", "2026-W40")
    people[PLANNER].get("/nattliv")
    assert last_noted(app)["purpose"] == "map"


# --- schools


def test_the_rings_of_a_school_add_up_and_its_kinds_are_those_of_its_zone(people):
    page = people[ANALYST].get("/skolor?skola=20")
    rings, kinds = rows(page, "rings"), rows(page, "kinds")
    assert [ring[0] for ring in rings] == ["0–100 m", "100–300 m", "300–500 m"]
    for ring in rings:
        assert int(ring[1]) == int(ring[2]) + int(ring[3])
    zone = sum(int(ring[1]) for ring in rings[:2])
    assert sum(int(kind[1]) for kind in kinds) == zone
    assert sum(int(kind[2]) for kind in kinds) == sum(int(ring[2]) for ring in rings[:2])
    school = next(row for row in rows(page, "ranking") if row[1] == "Rinmangymnasiet")
    assert int(school[2]) == zone
    assert sum(point["properties"]["n"] for point in data(page)["events"]) <= zone
    assert len(data(page)["rings"]) == 3


def test_no_event_is_counted_at_two_schools(app, people):
    page = people[ANALYST].get("/skolor")
    with app.state.services.installation.main.read() as conn:
        on = answers.basis(conn, ANALYST, reference.read(conn))
        found = events.found(conn, on, Question())
    listed = rows(page, "ranking")
    assert sum(int(row[2]) for row in listed) <= found.whole[found.placed].sum()
    assert len(listed) + page.text.count("<a", page.text.index('id="quiet"')) >= 29
    assert {row[6].split("  ")[0].strip() for row in listed} <= {
        "statistiskt säkerställd",
        "osäker",
        "ingen förhöjd nivå",
        "för få händelser",
    }


def test_the_list_is_in_order_and_each_rank_lies_in_its_range(people):
    ranges = [row[0] for row in rows(people[ANALYST].get("/skolor"), "ranking")]
    for written in ranges:
        low, _, high = written.partition("–")
        assert 1 <= int(low) <= int(high or low) <= 29


def test_a_school_that_does_not_exist_is_said_not_to(people):
    for reader in (people[ANALYST], people[PLANNER]):
        page = reader.get("/skolor?skola=<b>9999")
        assert page.status_code == 200
        assert "skolan ”&lt;b&gt;9999”, som inte finns" in page.text


def test_an_analysts_link_to_a_school_shows_a_planner_the_zone_of_the_same_school(app, people):
    value = option(people[ANALYST].get("/skolor"), "skola", "Rinmangymnasiet")
    page = people[PLANNER].get(f"/skolor?skola={value}&fonster=skoltid")
    assert '<h2 class="first">Rinmangymnasiet</h2>' in page.text
    assert re.search(r'<option value="school-rinmangymnasiet" selected>', page.text)
    back = people[ANALYST].get("/skolor?skola=school-rinmangymnasiet")
    assert f'<option value="{value}" selected>' in back.text
    told = app.state.services.released.in_force().part()
    zone = told.answer(Asked(places=("school-rinmangymnasiet",), blocks=("skoltid",)), ZONE)
    assert f">{number_said(zone.low, zone.total)}</td>" in page.text


def test_planners_see_the_numbers_of_the_release_and_no_distance(app, people):
    page = people[PLANNER].get("/skolor")
    told = app.state.services.released.in_force().part()
    shown = told.answer(Asked(places=("schools",)), ZONE).shown
    listed = {row[0]: int(row[1]) for row in rows(page, "ranking")}
    assert listed == {one.name: one.count for one in shown}
    assert "100–300 m" not in page.text
    assert "Ringar och punkter är för analytiker" in page.text


def test_areas_narrow_the_list_and_an_area_without_schools_is_said_to_be(app, people):
    with app.state.services.installation.main.read() as conn:
        areas = {area.name: area.id for area in reference.read(conn).areas}
    inside = people[ANALYST].get(f"/skolor?omrade={areas['Årby']}")
    assert "Årbyskolan" in inside.text
    named = {row[1] for row in rows(inside, "ranking")}
    assert named <= {"Årbyskolan"}
    core = people[ANALYST].get(f"/skolor?omrade={areas['Lagersberg']}&typ=vapen")
    assert core.status_code == 200


# --- nightlife


def test_the_nights_hold_what_the_map_counts_for_the_window_of_nights(app):
    with app.state.services.installation.main.read() as conn:
        on = answers.basis(conn, ANALYST, reference.read(conn))
        calendar = nights.calendar(on.reference.profile, on.run.period_start, on.run.period_end)
        core = next(row for row in on.reference.areas if row.kind == "nightlife")
        for area, kinds in ((None, ()), (core.id, ("krogvald",)), (None, ("misshandel", "ran"))):
            asked = Question(area_id=area, categories=kinds, window=nights.WINDOW)
            held = nights.tally(events.found(conn, on, asked), calendar)
            counted = {row.area.id: row.counted for row in answers.areas(conn, on, asked)}
            here = counted[area or 1]
            assert held.count.sum() == here.count > 0
            assert held.weight.sum() == pytest.approx(here.weight)


def test_the_pooled_nights_add_up_in_every_table(people):
    page = people[ANALYST].get("/nattliv")
    total = int(re.search(r'data-count="(\d+)"', page.text)[1])
    listed = rows(page, "nights")
    assert len(listed) == 24
    assert sum(int(row[-3]) for row in listed) == total
    hours = rows(page, "hours")
    assert [row[0] for row in hours] == ["23–00", "00–01", "01–02", "02–03", "03–04", "Händelser"]
    assert int(hours[-1][-1]) == total == sum(int(cell) for cell in hours[-1][1:3])
    assert sum(one["properties"]["count"] for one in data(page)["cells"]) <= total
    assert page.text.count('<section class="comparison">') == 2


def test_a_single_weekend_is_a_list_and_is_not_compared(people):
    pooled = people[ANALYST].get("/nattliv")
    weekends = [row for row in rows(pooled, "nights") if len(row) == 5]
    busy = max(weekends, key=lambda row: int(row[2]))
    week, year = re.search(r"v\. (\d+) (\d+)", busy[0]).groups()
    page = people[ANALYST].get(f"/nattliv?helg={year}-W{int(week):02d}")
    listed, nights_of_it = rows(page, "events"), rows(page, "nights")
    assert len(nights_of_it) == 2
    assert sum(int(row[-1]) for row in listed) == sum(int(row[-3]) for row in nights_of_it)
    assert 'class="comparison"' not in page.text
    assert "cells" not in data(page)
    venues = {one["properties"]["name"] for one in data(page)["venues"]}
    assert venues
    tables = re.sub(r"<script.*?</script>", "", page.text, flags=re.DOTALL)
    assert not any(html.escape(name) in tables for name in venues)


@pytest.mark.parametrize("asked", ["2026-W53x", "1999-W01", "nonsense", "2026-W99"])
def test_a_weekend_that_is_not_there_is_said_not_to_be(people, asked):
    page = people[ANALYST].get(f"/nattliv?helg={asked}")
    assert page.status_code == 200
    assert f"helgen ”{asked}”, som inte finns hel" in page.text
    assert len(rows(page, "nights")) == 24


@pytest.mark.parametrize("role", OPEN)
def test_nobody_but_analysts_sees_a_night_an_hour_or_a_venue(people, app, role):
    page = people[role].get("/nattliv?helg=2026-W40&fonster=skoltid&typ=krogvald")
    for word in ("snatten", "00–01", "helgen v.", "map-data", "data-night", "venues"):
        assert word not in page.text.split("<main")[1]
    with app.state.services.installation.main.read() as conn:
        names = conn.scalars(sa.select(Facility.name).where(Facility.kind == "venue")).all()
    assert names
    assert not any(html.escape(name) in page.text for name in names)
    assert "visas bara för analytiker" in page.text


def test_planners_see_the_releases_own_numbers_for_weekend_nights(app, people):
    page = people[PLANNER].get("/nattliv")
    released = app.state.services.released.in_force()
    asked = {"places": ("nightlife-nattlivskarnan",), "themes": ("krogvald",)}
    for row in rows(page, "years"):
        answer = released.answer(Asked(period=row[0], blocks=("helgnatt",), **asked))
        assert int(row[1]) == answer.total
    blocks = rows(page, "blocks")
    assert len(blocks) == len(released.part().blocks) == len(release_parts.BLOCKS) + 1


def test_the_choices_of_other_pages_ride_along_and_are_said_not_to_be_used(people):
    page = people[ANALYST].get("/nattliv?fonster=skoltid&period=2025&typ=ran")
    assert "sidan visar alltid helgnätter" in page.text
    assert "välj helg i stället" in page.text
    assert '<input type="hidden" name="fonster" value="skoltid">' in page.text
    assert "typ=ran" in re.search(r'href="(/skolor[^"]*)"', page.text)[1]


# --- nothing to show


def test_a_house_with_places_and_nothing_else_says_what_is_missing(house):
    places.load(house.store, "eskilstuna")
    analyst, planner = house.reader(ANALYST), house.reader(PLANNER)
    for path in PATHS:
        page = analyst.get(path)
        assert page.status_code == 200
        assert "Ingen analys är publicerad" in page.text
        page = planner.get(path)
        assert page.status_code == 200
        assert "Ingen utgåva är satt i kraft" in page.text


def test_the_public_sees_what_planners_see_where_the_view_is_opened(houses):
    opened = houses(public_view=True)
    places.load(opened.store, "eskilstuna")
    for path in PATHS:
        page = opened.visitor().get(path)
        assert page.status_code == 200
        assert "Ingen utgåva är satt i kraft" in page.text


def test_themes_that_follow_the_work_of_the_police_are_flagged(people):
    for role in (ANALYST, PLANNER):
        for path in PATHS:
            flagged = people[role].get(f"{path}?typ=narkotika").text
            assert "speglar polisens insatser" in flagged.split("<main")[1]
            usual = people[role].get(f"{path}?typ=tema-vald").text
            assert "speglar polisens insatser" not in usual.split("<main")[1]


def test_both_pages_speak_english_without_a_word_of_swedish(people):
    for role in (ANALYST, PLANNER):
        reader = people[role]
        reader.cookies.set("lagesbild_sprak", "en")
        for path in (*PATHS, "/skolor?skola=20", "/nattliv?helg=2026-W40"):
            page = reader.get(path).text.split("<main")[1].split("</main>")[0]
            shown = re.sub(r"<select.*?</select>|<script.*?</script>", "", page, flags=re.DOTALL)
            for word in ("händelser", "natten", "Bedömning", "Antal"):
                assert word not in shown, (role, path, word)
        reader.cookies.delete("lagesbild_sprak")
