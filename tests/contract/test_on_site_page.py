"""The page of safety walks: each role's numbers, what walks cover, what lies near what."""

import html
import json
import re
import shutil
from collections import Counter
from datetime import UTC, date, datetime
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import shapely
import sqlalchemy as sa
from starlette.testclient import TestClient

from app.main import create_app
from geo import cells as grid
from geo import crs, risk_terrain
from geo.risk_terrain import Spots
from pipelines import on_site, places, reference
from pipelines.roles import ANALYST, COORDINATOR, PLANNER
from pipelines.texts import text
from pipelines.wording import colocation
from store.db import connect
from store.journal_models import Look
from store.models import Observation
from store.places import addresses, facilities, named_places
from tests.house import settings_of

STAFF = (ANALYST, PLANNER, COORDINATOR)
STOCKHOLM = ZoneInfo("Europe/Stockholm")


def told(page):
    """Read the observations that a page gives to its map."""
    found = re.search(r'id="observations">(.*?)</script>', page.text, re.DOTALL)
    return json.loads(found[1])


def table(page, name):
    """Read a table as lists of cells."""
    body = re.search(rf'id="{name}".*?<tbody>(.*?)</tbody>', page.text, re.DOTALL)[1]
    return [
        [
            html.unescape(re.sub(r"<[^>]+>", " ", cell)).strip()
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        ]
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", body, re.DOTALL)
    ]


def text_of(page):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


@pytest.fixture
def stored(town):
    """Give the observations as they stand in the store."""
    store = connect(town["url"])
    with store.read() as conn:
        rows = conn.execute(
            sa.select(
                Observation.id,
                Observation.type,
                Observation.light,
                Observation.reviewed,
                Observation.walk,
                Observation.observed_at,
                Observation.area_id,
            )
        ).all()
    store.close()
    return rows


def test_each_role_sees_the_walks_that_it_may_see(people, stored):
    reviewed = {row.id for row in stored if row.reviewed}
    assert 0 < len(reviewed) < len(stored)
    seen = {role: {one["id"] for one in told(people[role].get("/pa-plats"))} for role in STAFF}
    assert seen[ANALYST] == seen[PLANNER] == reviewed
    assert seen[COORDINATOR] == {row.id for row in stored}


def test_the_page_and_the_collection_show_a_point_at_the_same_spot(people):
    for role in STAFF:
        path = "/ogc/collections/observations/items?limit=10000"
        items = people[role].get(path, headers={"Accept": "application/json"}).json()["features"]
        collection = {one["id"]: one["geometry"] for one in items if one["geometry"]}
        page = {one["id"]: one["geometry"] for one in told(people[role].get("/pa-plats"))}
        assert page == collection


@pytest.fixture
def at_a_door(town, tmp_path):
    """Give a copy of the town in which one reviewed observation was made at somebody's door."""
    folder = tmp_path / "town"
    shutil.copytree(town["folder"], folder)
    url = f"sqlite:///{folder / 'lagesbild.gpkg'}"
    store = connect(url)
    with store.write() as conn:
        door = conn.execute(
            sa.select(Observation.id, Observation.lon, Observation.lat)
            .where(Observation.reviewed, Observation.type == "belysning")
            .order_by(Observation.observed_at.desc(), Observation.id)
        ).first()
        change = sa.update(Observation).where(Observation.id == door.id)
        conn.execute(change.values(match_type="address"))
    store.close()
    return url, door


def test_a_point_at_a_door_is_nowhere_on_the_page_of_those_who_may_not_see_it(
    at_a_door, town, clock
):
    url, door = at_a_door
    app = create_app(settings_of(town | {"url": url}), clock)
    with TestClient(app, headers={"Accept": "text/html"}, follow_redirects=False) as client:
        for role in STAFF:
            form = {"name": town["names"][role], "password": town["password"]}
            assert client.post("/logga-in", data=form).status_code == 303
            page = client.get("/pa-plats?typ_obs=belysning")
            (shown,) = [one for one in told(page) if one["id"] == door.id]
            lon, lat = shown["geometry"]["coordinates"]
            if role == COORDINATOR:
                assert (lon, lat) == pytest.approx((door.lon, door.lat), abs=1e-6)
            else:
                block = grid.parents(grid.index(np.array([door.lon]), np.array([door.lat])), 10)
                middle = [values[0] for values in grid.middles(block)]
                assert (lon, lat) == pytest.approx(middle, abs=1e-6)
                assert (lon, lat) != pytest.approx((door.lon, door.lat), abs=1e-5)


def test_filters_count_what_the_store_holds(people, stored):
    coordinator = people[COORDINATOR]

    def count(query):
        return len(told(coordinator.get(f"/pa-plats?{query}")))

    kinds = Counter(row.type for row in stored)
    assert count("typ_obs=gangtunnel") == kinds["gangtunnel"] > 0
    assert count("ljus=morkt") == sum(row.light == "morkt" for row in stored)
    both = sum(row.light == "ljust" and row.type == "klotter" for row in stored)
    assert count("typ_obs=klotter&ljus=ljust") == both > 0
    in_2024 = sum(row.observed_at.year == 2024 for row in stored)
    assert count("period=2024") == in_2024 > 0
    autumn = sum(
        (row.observed_at.year, row.observed_at.month > 8) == (2024, True) for row in stored
    )
    assert count("period=2024-T3") == autumn > 0
    assert count("period=2024-T2") == in_2024 - autumn - sum(
        (row.observed_at.year, row.observed_at.month < 5) == (2024, True) for row in stored
    )


def test_a_link_with_nonsense_shows_all_and_says_so(people):
    query = "typ_obs=troll&ljus=skymning&period=2024-T9&omrade=Atlantis"
    for role in STAFF:
        page = people[role].get(f"/pa-plats?{query}")
        words = text_of(page)
        assert len(told(page)) == len(told(people[role].get("/pa-plats")))
        for word in ("troll", "skymning", "2024-T9"):
            assert f"”{word}”" in words, (role, word)
    assert "”Atlantis”" in text_of(people[ANALYST].get(f"/pa-plats?{query}"))


def test_an_area_holds_what_lies_in_it_and_the_link_is_the_same_for_all(people):
    areas = (
        people[PLANNER]
        .get("/ogc/collections/areas/items?limit=100", headers={"Accept": "application/json"})
        .json()["features"]
    )
    (arby,) = [one for one in areas if one["properties"]["name"] == "Årby"]
    outline = shapely.geometry.shape(arby["geometry"])
    for role in STAFF:
        everything = told(people[role].get("/pa-plats"))
        inside = {
            one["id"]
            for one in everything
            if outline.intersects(shapely.geometry.shape(one["geometry"]))
        }
        found = {one["id"] for one in told(people[role].get(f"/pa-plats?omrade={arby['id']}"))}
        assert found == inside
        assert 0 < len(found) < len(everything)


def test_walks_are_counted_by_hand_for_each_area(people, stored, town):
    store = connect(town["url"])
    with store.read() as conn:
        names = dict(conn.execute(sa.text("SELECT id, name FROM area")).all())
        kinds = dict(conn.execute(sa.text("SELECT name, kind FROM area")).all())
    store.close()
    focus = {name for name, kind in kinds.items() if kind in ("priority", "nightlife")}
    expected = {}
    for row in stored:
        name = names.get(row.area_id, "")
        day = row.observed_at.astimezone(STOCKHOLM).date()
        own = expected.setdefault(name if name in focus else "", {"walks": set(), "rows": []})
        own["walks"].add((row.walk, day))
        own["rows"].append(row.light)
    page = people[COORDINATOR].get("/pa-plats?typ_obs=klotter&omrade=3")  # whatever is chosen
    found = {row[0]: row[1:] for row in table(page, "walked")}
    assert set(found) == focus | {"Utanför områdena"}
    for name, own in expected.items():
        walks, latest, seen, dark, now = found[name or "Utanför områdena"]
        assert int(walks) == len(own["walks"])
        assert latest == max(day for _, day in own["walks"]).isoformat()
        assert int(seen) == len(own["rows"])
        assert dark == f"{own['rows'].count('morkt')} av {len(own['rows'])}"
        here = any(day >= date(2026, 9, 1) for _, day in own["walks"])
        assert now == ("–" if not name else "vandrat" if here else "saknar vandring")


def test_areas_that_lack_a_walk_are_named_and_none_is_called_safe(anybody, town, clock):
    clock.time = datetime(2027, 2, 1, 12, tzinfo=UTC)
    form = {"name": town["names"][PLANNER], "password": town["password"]}
    assert anybody.post("/logga-in", data=form).status_code == 303
    words = text_of(anybody.get("/pa-plats"))
    lacking = "Fröslunda, Lagersberg, Skiftinge, Årby"
    assert f"Saknar trygghetsvandring 2027, januari–april: {lacking}." in words
    assert "är inte tryggt för det: ingen har tittat" in words


def test_a_place_that_both_name_stands_first_and_its_number_is_the_maps(people):
    analyst = people[ANALYST]
    page = analyst.get("/pa-plats")
    rows = re.findall(r'<tr data-key="cells:(\w+)"( class="both")?>', page.text)
    assert rows[0][1] == ' class="both"'
    cells = analyst.get(
        "/ogc/collections/cells/items?limit=10000&resolution=9",
        headers={"Accept": "application/json"},
    ).json()["features"]
    counts = {one["id"]: one["properties"]["count"] for one in cells}
    shown = [int(re.match(r"\d+", row[1])[0]) for row in table(page, "places")]
    assert shown == [counts.get(key, 0) for key, _ in rows]
    points = np.array([one["geometry"]["coordinates"] for one in told(page)])
    own = grid.parents(grid.index(points[:, 0], points[:, 1]), 9)
    held = Counter(grid.name(cell) for cell in own.tolist())
    seen = [row[2].split()[0] for row in table(page, "places")]
    assert seen == [str(held[key]) if key in held else "inget" for key, _ in rows]


def test_planners_and_coordinators_see_the_places_of_the_release(people):
    for role in (PLANNER, COORDINATOR):
        page = people[role].get("/pa-plats?period=2025")
        query = parse_qs(re.search(r'data-items="([^"]*)"', page.text)[1].replace("&amp;", "&"))
        assert query == {"period": ["2025"], "detail": ["zone"]}
        items = (
            people[role]
            .get(
                "/ogc/collections/release/items?period=2025&detail=zone&limit=1000",
                headers={"Accept": "application/json"},
            )
            .json()["features"]
        )
        counts = {one["id"]: one["properties"]["count"] for one in items}
        keys = re.findall(r'<tr data-key="([^"]+)"', page.text)
        shown = [int(re.match(r"\d+", row[1])[0]) for row in table(page, "places")]
        assert shown == [counts[key] for key in keys]
        assert "cells:" not in page.text
        assert "/ogc/collections/cells" not in page.text
        assert "ggr (" not in page.text
        assert "visas bara för analytiker: det räknas på enskilda händelser" in text_of(page)


def test_a_year_that_the_release_does_not_have_shows_its_walks_beside_the_latest_release(people):
    page = people[COORDINATOR].get("/pa-plats?period=2026")
    assert {one["id"] for one in told(page)}
    assert "Platser i utgåvan (2025)" in text_of(page)
    assert 'value="2026" selected' in page.text


# --- what lies near what, against geo/ on its own


def near_by_hand(town, categories):
    """Work the sentences out from the tables alone."""
    store = connect(town["url"])
    with store.read() as conn:
        run = conn.execute(sa.text("SELECT period_start, period_end FROM run WHERE active")).one()
        marks = ", ".join(f"'{code}'" for code in categories)
        events = conn.execute(
            sa.text(
                "SELECT x_m, y_m, count FROM incident WHERE on_map AND NOT pile"  # noqa: S608
                f" AND x_m IS NOT NULL AND uncertainty_m <= 75 AND category IN ({marks})"
                " AND starts_at >= :start AND starts_at < :end"
            ),
            {"start": run.period_start, "end": run.period_end},
        ).all()
        seen = conn.execute(
            sa.text("SELECT type, lon, lat FROM observation WHERE reviewed AND lon IS NOT NULL")
        ).all()
        known = {(row.lon, row.lat) for row in addresses(conn)}
        known |= {
            (row.lon, row.lat) for row in named_places(conn) if row.kind in ("place", "bus_stop")
        }
        for kind in ("school", "venue"):
            known |= {(row.lon, row.lat) for row in facilities(conn, kind)}
        (outline,) = [
            row.outline for row in reference.read(conn).areas if row.kind == "municipality"
        ]
    store.close()
    inside = [one for one in sorted(known) if outline.covers(shapely.Point(one))]

    def metres(points):
        lonlat = np.array(points, dtype=float)
        return np.column_stack(crs.transform(lonlat[:, 0], lonlat[:, 1], 4326, 3006))

    def spots(xy, weight):
        return Spots(xy[:, 0], xy[:, 1], np.asarray(weight, dtype=float))

    walks = metres([(row.lon, row.lat) for row in seen])
    ground = metres(inside)
    happened = np.array([(row.x_m, row.y_m) for row in events])
    order = [kind for kind, _ in sorted(Counter(row.type for row in seen).items(), key=by_number)]
    return risk_terrain.colocation(
        risk_terrain.walked(spots(happened, [row.count for row in events]), walks),
        risk_terrain.walked(spots(ground, np.ones(len(ground))), walks),
        {
            kind: metres([(row.lon, row.lat) for row in seen if row.type == kind])
            for kind in order
            if kind not in ("trygg_plats", "annat")
        },
        np.random.default_rng(on_site.SEED),
    )


def by_number(pair):
    return (-pair[1], pair[0])


def said_near(page):
    """Read every sentence about what lies near what."""
    return [
        html.unescape(re.sub(r"<span.*?</span>", "", one)).strip()
        for part in re.findall(r'<ul class="near">(.*?)</ul>', page.text, re.DOTALL)
        for one in re.findall(r"<li>(.*?)</li>", part, re.DOTALL)
    ]


def test_what_lies_near_reported_events_is_what_geo_says_of_the_same_tables(people, town):
    page = people[ANALYST].get("/pa-plats?typ=tema-skadegorelse_klotter")
    expected = near_by_hand(town, ("skadegorelse", "klotter"))
    assert len(expected) == 10
    words = {one.kind: text(f"observation-{one.kind}") for one in expected}
    sentences = {colocation(one, words[one.kind]) for one in expected}
    found = said_near(page)
    assert set(found) - {text("site-near-none")} == sentences
    assert len(found) in (10, 11)
    again = people[ANALYST].get("/pa-plats?typ=tema-skadegorelse_klotter&omrade=3&ljus=morkt")
    assert set(said_near(again)) - {text("site-near-none")} == sentences  # of the whole town


def test_what_lies_near_follows_the_observations_that_may_be_seen(at_a_door, town, clock):
    url, _ = at_a_door
    app = create_app(settings_of(town | {"url": url}), clock)
    store = connect(url)
    with TestClient(app, headers={"Accept": "text/html"}, follow_redirects=False) as client:
        form = {"name": town["names"][ANALYST], "password": town["password"]}
        assert client.post("/logga-in", data=form).status_code == 303
        before = said_near(client.get("/pa-plats"))
        assert said_near(client.get("/pa-plats")) == before
        with store.write() as conn:
            some = sa.update(Observation).where(Observation.type == "klotter")
            conn.execute(some.values(type="belysning"))
        after = said_near(client.get("/pa-plats"))
    store.close()
    assert before != after
    assert not any(one.startswith("Klotter:") for one in after)


def test_a_town_without_walks_or_events_says_what_is_missing(house):
    store = house.store
    places.load(store, "eskilstuna")
    for role in STAFF:
        client = house.reader(role)
        page = client.get("/pa-plats", headers={"Accept": "text/html"})
        words = text_of(page)
        assert page.status_code == 200
        assert "Inga observationer finns att visa än." in words
        assert ("Ingen analys är gjord än" in words) == (role == ANALYST)
        assert ("Ingen utgåva finns än" in words) == (role != ANALYST)
        assert "ingen vandring" in words
        assert table(page, "walked")[0][1:] == ["0", "ingen vandring", "0", "–", "saknar vandring"]


def test_what_a_reader_looked_at_stands_in_the_log(people, app):
    people[PLANNER].get("/pa-plats?omrade=priority-arby&typ_obs=klotter")
    journal = app.state.services.installation.journal
    with journal.read() as conn:
        last = json.loads(conn.scalars(sa.select(Look.body).order_by(Look.seq.desc())).first())
    assert last["what"] == "on-site-page"
    assert last["asked"]["omrade"] == "priority-arby"
    assert last["asked"]["typ_obs"] == "klotter"
    assert last["rows"] > 0
