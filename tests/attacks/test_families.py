"""The attacks of privacy.md, A1 to A16, with a planner's credentials over the HTTP API.

The truth stays with the test. What a family collects is read against it, and nothing between one
and four may come out; `test_control.py` shows that the same reading finds what is there to find.
"""

import logging
import re
import socket
import struct
import tempfile
from itertools import cycle, product
from pathlib import Path
from time import perf_counter

import httpx2
import numpy as np
import pytest
import sqlalchemy as sa
from fastapi.routing import APIRoute
from scipy import stats

from app.access import guard_of
from app.logs import JsonLines
from app.release_page import number_said
from geo import disclosure
from geo.errors import Conflict
from pipelines.roles import ANALYST, PLANNER
from store import db
from store.journal_models import Look
from store.parts import JOURNAL
from tests.attacks import harness
from tests.attacks.harness import DETAILS, ITEMS, K, asking
from tests.attacks.town import LATER, YEARS, Row, Works
from tests.attacks.witness import FINE_NUMBER, IDENTITY, Witness

PAGE = {"Accept": "text/html"}
OPEN = ("release", "physical", "areas", "schools", "observations")
ASKED = httpx2.Request("GET", "http://testserver/")
CLOSED = ("incidents", "clusters", "cells", "venues")


def safe(found, fewest=1):
    """Demand that everything was read, is true, and gives nothing away."""
    assert found.asked >= fewest
    assert found.wrong == []
    recovered = found.recovered()
    assert recovered.number == 0, recovered.one


def numbers(answer):
    """Give what an answer tells, without the time at which it was asked and links."""
    return {name: answer[name] for name in answer if name not in ("timeStamp", "links")}


def told(planner, **asked):
    return numbers(planner.items(**asking(**asked)))


def refused(planner, collection="release", **asked):
    """Demand a refusal that echoes no number of events and no inside."""
    answer = planner.get(ITEMS.format(collection), **asked)
    assert answer.status_code == 400, asked
    problem = answer.json()
    assert set(problem) == {"type", "title", "status", "detail", "instance"}
    for word in ("SELECT", "sqlite", "Traceback", "incident", ".py"):
        assert word not in problem["detail"]
    return problem["detail"]


# --- everything together


def test_all_that_is_collected_gives_no_slice_of_one_to_four(collected):
    """Every pair, chain and sum of all collected answers, by two programs of different origin."""
    assert collected.pairs >= 100_000
    safe(collected, fewest=400)


def test_no_sums_leave_a_small_number_without_a_choice(collected):
    """Linear programs over zone x theme x block ask each small group for its least and most."""
    assert collected.linear("2025", 10) == (10, 0)


def test_the_fixed_layer_and_the_trees_give_no_overlap_away(collected):
    """The cells of three years cut the atoms of each year into small slices: none follows."""
    both = collected.beside_layer()
    assert both.recovered().number == 0
    assert both.tight(12) == (12, 0)
    audited = disclosure.intervals(both.published(), K)
    assert audited.intervals >= 20
    assert audited.clean


def test_no_answer_names_or_places_an_event(planner, witness):
    """Whatever route a planner may read is read: no id, no address, no place within 25 m."""
    app = planner.client.app
    for route in app.routes:
        guard = guard_of(route) if isinstance(route, APIRoute) else None
        if guard is not None and PLANNER in guard.roles and "GET" in route.methods:
            path = route.path.replace("{collection_id}", "release").replace("{fid}", "2025.0")
            planner.get(path)
            planner.get(path, headers=PAGE)
    for detail in DETAILS:
        planner.items(detail=detail)
    for collection in OPEN:
        for feature in planner.items(collection)["features"]:
            planner.get(f"{ITEMS.format(collection)}/{feature['id']}")
    assert witness.answers > 100
    assert witness.findings() == []


@pytest.mark.parametrize(
    ("where", "kind"),
    [
        ('<tr data-at="{lon},{lat}">', "text/html"),
        ('<tr data-at="{lon:.4f};{lat:.4f}">', "text/html"),
        ("<path data-shape='{{&quot;coordinates&quot;:[{lon},{lat}]}}'>", "text/html"),
        ("map.setView([{lat}, {lon}])", "text/html"),
        ("<td>{lat:,}</td>", "text/html"),
        ('{{"places":[{{"name":"Torget","lon":{lon},"lat":{lat}}}]}}', "application/json"),
        ('{{"coordinates":[{lon},{lat}],"type":"Point"}}', "application/json"),
        ('{{"coordinates":[[16.5,59.3],[{lon},{lat}]],"type":"LineString"}}', "application/json"),
        ("{lon} {lat}", "image/svg+xml"),
    ],
)
def test_the_witness_finds_an_event_wherever_it_is_hidden(planner, truth, where, kind):
    """An event's coordinates are put into a page that is innocent otherwise."""
    witness = Witness(truth)
    page = witness.look(planner.client.get("/nar", headers=PAGE))
    assert witness.look(page).text.count("coordinates") > 1
    witness.look(planner.client.get(ITEMS.format("release")))
    assert witness.findings() == []
    lon, lat = truth.lonlat[truth.placed][100].tolist()
    body = where.format(lon=lon, lat=lat)
    page = body if "json" in kind else page.text.replace("</main>", f"{body}</main>")
    witness.look(httpx2.Response(200, text=page, headers={"content-type": kind}, request=ASKED))
    assert len(witness.findings()) >= 1


# --- A1 time


def test_a01_every_window_of_time_beside_every_other(planner, further):
    """Any set of tertials is compared with any other, in each theme and year."""
    words = planner.words
    assert words.windows == []
    sets = [[1], [2], [3], [1, 2], [1, 3], [2, 3], [1, 2, 3]]
    year = words.years[0]
    for theme, tertials in product([[], *([t] for t in words.themes)], sets):
        asked = asking(period=year, theme=theme, tertial=tertials, detail="zone")
        further.read(asked, planner.items(**asked))
    safe(further, fewest=60)


@pytest.mark.parametrize(
    "instant",
    [
        "2025-10-26T02:30:00+02:00",  # the first of the hour that comes twice
        "2025-10-26T02:30:00+01:00",  # the second
        "2025-03-30T02:30:00+01:00",  # an hour that no clock shows
        "2025-06-01",
        "../2025-06-01",
        "2025-06-01/..",
        "2025-06-01T00:00:00+14:00/2025-06-01T23:59:59-11:00",
    ],
)
def test_a01_instants_hours_and_zones_of_time_change_no_number(planner, instant):
    """`datetime` to the second, on every open collection, around both changes of the clock."""
    for collection in ("release", "physical", "areas", "schools"):
        plain = numbers(planner.items(collection))
        assert numbers(planner.items(collection, datetime=instant)) == plain


@pytest.mark.parametrize(
    "asked",
    [
        {"datetime": "last 7 days"},
        {"datetime": "P7D/2025-06-01"},
        {"timezone": "UTC"},
        {"tz": "+14:00"},
        {"period": "2026"},  # still running
        {"period": "2025-06"},
        {"period": "2025-T1"},
        {"period": "2025-01-01/2025-06-01"},
        {"period": "2025,2024"},
        {"tertial": "4"},
        {"tertial": "0"},
        {"block": "all"},
        {"window": "helgnatt"},
    ],
)
def test_a01_periods_that_were_not_released_are_refused(planner, asked):
    """The running year, single months and weeks, other zones of time: none of it exists."""
    refused(planner, **asked)


# --- A2 category


def test_a02_all_kinds_beside_all_but_one(planner, further):
    """What is asked for together is held against what is asked for with one thing left out."""
    words, year = planner.words, planner.words.years[0]
    themes = [[], *harness.all_but_one(words.themes)]
    for theme, block in product(themes, [[], *harness.all_but_one(words.blocks)]):
        asked = asking(period=year, theme=theme, block=block)
        further.read(asked, planner.items(**asked))
    safe(further, fewest=50)


def test_a02_one_kind_has_one_spelling(planner):
    """Repetition and order are the same question; case, labels and empty words are none."""
    once = told(planner, theme=["vald", "brand"])
    assert told(planner, theme=["brand", "vald", "brand"]) == once
    for theme in ("VALD", "Våld", "misshandel", "kansliga", "", "vald,", "*", "!vald", "-vald"):
        refused(planner, theme=theme)
    refused(planner, category="misshandel")


def test_a02_the_areas_count_nothing_for_a_planner(planner):
    """An area filtered by kind and window shows the same nothing as without a filter."""
    for asked in ({}, {"category": "misshandel"}, {"window": "helgnatt"}):
        for feature in planner.items("areas", **asked)["features"]:
            told_of = feature["properties"]
            assert [told_of[name] for name in ("count", "weight", "verdict", "expected")] == [
                *[None] * 4
            ]


# --- A3 resolution


def test_a03_parents_less_their_children(planner, further):
    """Place, zone and smallest unit of each theme: no remainder of one to four."""
    words, year = planner.words, planner.words.years[0]
    for theme, detail in product([[], *([t] for t in words.themes)], DETAILS):
        asked = asking(period=year, theme=theme, detail=detail)
        further.read(asked, planner.items(**asked))
    further.read_physical(planner.items("physical"))
    safe(further, fewest=27)


def test_a03_there_are_no_other_resolutions(planner):
    """Sizes of cells and details of one's own choice are refused."""
    for asked in ({"detail": "r10"}, {"detail": "cell"}, {"resolution": "10"}, {"scope": "all"}):
        refused(planner, **asked)
        refused(planner, "physical", **asked)


# --- A4 area


def test_a04_places_zones_and_pairs_of_them(planner, further):
    """Each zone, and each pair of neighbours in the list, beside the whole and its places."""
    words, year = planner.words, planner.words.years[0]
    near = zip(words.places, words.places[1:], strict=False)
    for places in ([], *([p] for p in words.places), *map(list, near)):
        detail = "zone" if len(places) == 1 else "place"
        asked = asking(period=year, place=places, detail=detail)
        further.read(asked, planner.items(**asked))
    further.read_physical(planner.items("physical"))
    safe(further, fewest=70)


def test_a04_a_box_moved_by_a_cell_changes_no_number(planner, truth):
    """A box is nudged over single events: the release is told whole, whatever is looked at."""
    plain = numbers(planner.items())
    for lon, lat in truth.lonlat[truth.placed][::700]:
        for reach in (0.0001, 0.003, 0.02):
            box = f"{lon - reach},{lat - reach},{lon + reach},{lat + reach}"
            assert numbers(planner.items(bbox=box)) == plain


def test_a04_polygons_and_unknown_areas_are_refused(planner):
    """No shape of one's own reaches the numbers, in any of the words other servers have."""
    shape = "POLYGON((16 59,17 59,17 60,16 59))"
    for name in ("polygon", "geometry", "intersects", "within", "coords", "geom", "area"):
        refused(planner, **{name: shape})
        refused(planner, "physical", **{name: shape})
    for place in ("Skiftinge%", "priority-", "PRIORITY-ARBY", "1", "", "891f1d48b37ffff"):
        refused(planner, place=place)


def test_a04_a_door_is_not_found_by_moving_a_box(planner, town):
    """What was seen at a door is told as its block; a box's edge finds the block, not the door."""
    shown = {
        tuple(each["geometry"]["coordinates"]): each["id"]
        for each in planner.items("observations")["features"]
        if each["properties"]["uncertainty_m"] > 50
    }
    doors = [(site.lon, site.lat) for site in town.quiet]
    assert len(shown) >= 3
    for (lon, lat), fid in shown.items():
        away = np.hypot(*(np.array(doors) - (lon, lat)).T)
        assert away.min() > 1e-5
        edge = _edge(planner, lat, fid)
        assert abs(edge - lon) < 2e-6
        assert abs(edge - doors[int(away.argmin())][0]) > 1e-6


def _edge(planner, lat, fid):
    """Find the eastern edge of a box at which an observation appears."""
    low, high = 16.0, 17.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        box = f"16.0,{lat - 0.01},{middle},{lat + 0.01}"
        there = {each["id"] for each in planner.items("observations", bbox=box)["features"]}
        low, high = (low, middle) if fid in there else (middle, high)
    return high


# --- A5 the same numbers everywhere


def _rows(page):
    found = re.findall(r'<tr data-key="([^"]+)".*?<td class="count">([^<]+)</td>', page, re.DOTALL)
    total = re.search(r'data-count="(\d+)"', page)
    return sorted(found), int(total.group(1))


def test_a05_page_and_api_tell_the_same_numbers(planner):
    """The table, its total and the start page are set beside the collection, question by question.

    There is no tile, no PDF, no feed and no export of the release: the next test says so.
    """
    words = planner.words
    some = product(["", *words.places[1:7:2]], ["", *words.themes[::4]], ["", *words.blocks[::3]])
    for (place, theme, block), detail in zip(some, cycle(DETAILS), strict=False):
        link = asking(omrade=place, typ=theme and f"tema-{theme}", fonster=block, detalj=detail)
        answer = planner.items(**asking(place=place, theme=theme, block=block, detail=detail))
        told = [(each["id"], each["properties"]) for each in answer["features"]]
        rows = sorted((key, number_said(one["low"], one["count"])) for key, one in told)
        assert rows
        pages = [planner.get(path, PAGE, **link).text for path in ("/utgava", "/")]
        assert [_rows(page) for page in pages] == [(rows, answer["total"])] * 2


def test_a05_the_release_leaves_by_no_other_door(planner):
    """Tiles, feeds, reports and other formats of the same numbers do not exist."""
    for path in (
        "/tiles/release/9/281/150.mvt",
        "/ogc/tiles/WebMercatorQuad/9/150/281",
        "/ogc/collections/release/tiles",
        "/utgava.pdf",
        "/utgava.csv",
        "/utgava/rss",
        "/feed",
        "/rapport",
        "/export",
        "/ogc/collections/release/queryables",
        "/ogc/collections/release/schema",
    ):
        assert planner.get(path).status_code == 404, path
    for asked in ({"f": "csv"}, {"f": "mvt"}, {"format": "xlsx"}, {"outputFormat": "shape-zip"}):
        refused(planner, **asked)


# --- A6 one release after another


def _atoms(planner):
    """Give every theme and block of the latest year, as finely as it is told."""
    found = {}
    words = planner.words
    for theme, block in product(words.themes, words.blocks):
        asked = asking(period="2025", theme=[theme], block=[block], detail="unit")
        for feature in planner.items(**asked)["features"]:
            own = feature["properties"]
            spoken = (own[name] for name in ("themes", "blocks", "tertials", "zones"))
            ground = hash(str(feature["geometry"]))
            found[(*map(tuple, spoken), ground)] = own["count"]
    return found


def _late(truth, many, spots, first=0):
    """Report violence in one cell of the core on one summer night, at so many doors."""
    core = np.char.startswith(truth.zone, "nightlife") & truth.placed
    cells, met = np.unique(truth.cell[core], return_counts=True)
    here = np.flatnonzero(core & (truth.cell == cells[met.argmax()]))
    doors = sorted({truth.rows[n].site for n in here}, key=lambda site: site.number)
    when = "2025-07-04 23:30"
    return [
        Row(f"AX9{first + n:05d}QZ", "0357", doors[n % spots], "", when, when) for n in range(many)
    ]


def test_a06_a_release_beside_the_next(place, doors, truth, town, tmp_path):
    """Four rows put in late, the same file sent again, two rows taken out, then a revision.

    Two and four new rows move no number; what moves, moves by five or more.
    """
    copy = place.copy(tmp_path / "house")
    planner = harness.Planner(doors(copy), Witness(truth))
    before = _atoms(planner)
    with Works(copy) as works:
        works.take(_late(truth, 4, 4), "few.csv", LATER)
        with pytest.raises(Conflict, match="release-nothing-new"):
            works.show(LATER, revise=True)
        again = works.take(town.rows, "again.csv", LATER)
        assert again.counts.accepted == 0
        with works.main.write() as connection:
            last = "SELECT id FROM incident ORDER BY id DESC LIMIT 2"
            connection.execute(sa.text(f"DELETE FROM incident WHERE id IN ({last})"))  # noqa: S608
        with pytest.raises(Conflict, match="release-nothing-new"):
            works.show(LATER, revise=True)
        assert _atoms(planner) == before
        for file in range(3):
            works.take(_late(truth, 4, 4, first=100 + 10 * file), f"many{file}.csv", LATER)
        works.show(LATER, revise=True)
    after = _atoms(planner)
    assert after.keys() == before.keys()
    assert {after[key] - before[key] for key in after} == {0, 14}
    assert planner.items()["release"] == 2


def test_a06_own_rows_taken_away_from_a_revision_leave_nothing_small(place, doors, truth, tmp_path):
    """Differencing by insertion: the sender of a file takes his own rows from what is added."""
    copy = place.copy(tmp_path / "house")
    planner = harness.Planner(doors(copy), Witness(truth))
    before = _atoms(planner)
    with Works(copy) as works:
        works.take(_late(truth, 2, 2), "others.csv", LATER)
        works.take(_late(truth, 30, 4, first=100), "own.csv", LATER)
        with pytest.raises(Conflict, match="release-nothing-new"):
            works.show(LATER, revise=True)
    assert _atoms(planner) == before


# --- A7 averaging


def averaging(planner, many, seed=7):
    """Ask the same again and again with padding; give how many questions had several answers."""
    words = planner.words
    rng = np.random.default_rng(seed)
    heard = {}
    for _ in range(many):
        theme = sorted(rng.choice(words.themes, int(rng.integers(1, 3)), replace=False))
        period, place = str(rng.choice(words.years)), [str(rng.choice(words.places[:5]))]
        spelled = list(rng.permutation([*theme, *rng.choice(theme, int(rng.integers(0, 3)))]))
        padding = {"limit": "9999", "bbox": "15,59,17,60", "offset": "0", "datetime": "2025-01-01"}
        some = {name: padding[name] for name in padding if rng.random() < 0.5}
        answer = planner.items(**asking(period=period, theme=spelled, place=place), **some)
        counts = tuple((f["id"], f["properties"]["count"]) for f in answer["features"])
        heard.setdefault((period, *place, *theme), set()).add((counts, answer["total"]))
    return sum(len(answers) > 1 for answers in heard.values())


def test_a07_the_same_question_has_one_answer_however_it_is_padded(planner):
    """There is no noise to be averaged away: repeated and padded questions never differ."""
    assert averaging(planner, 400) == 0


# --- A8 rounding


def test_a08_no_step_shows_where_a_number_is_rounded(collected):
    """Numbers are whole and exact, so there is no edge to look for; none lies below five."""
    assert collected.wrong == []
    assert collected.shown.min() >= K
    assert (collected.shown % 5 != 0).any()


# --- A9 everything around the numbers


def test_a09_totals_pages_and_order_say_nothing_more(planner):
    """Totals are sums of what is shown; pages of one are the whole, in one order; no facets."""
    for theme, detail in product(["", *planner.words.themes], ("place", "zone")):
        whole = planner.items(**asking(theme=theme, detail=detail))
        counts = [each["properties"]["count"] for each in whole["features"]]
        assert whole["total"] == sum(counts)
        assert whole["numberMatched"] == whole["numberReturned"] == len(counts)
        assert not {"facets", "histogram", "aggregations", "suggestions"} & set(whole)
    pages = [planner.items(limit="1", offset=str(n), detail="zone") for n in range(6)]
    first = planner.items(detail="zone")["features"][:6]
    assert [page["features"][0] for page in pages] == first
    assert {page["total"] for page in pages} == {planner.items(detail="zone")["total"]}
    assert planner.items(offset="100000")["features"] == []


def test_a09_descriptions_and_error_texts_hold_no_number_of_events(planner):
    """What a server says besides its answers: collections, API definition, refusals, names."""
    for path in ("/ogc", "/ogc/collections", "/ogc/api", "/karta/platser"):
        assert "count" not in str(planner.get(path).json().get("collections", ""))
    for collection in planner.get("/ogc/collections").json()["collections"]:
        assert "temporal" not in collection["extent"]
    totals = {str(planner.items(period=year)["total"]) for year in planner.words.years}
    for asked in (
        {"theme": "val"},
        {"place": "priority-a"},
        {"block": "natt"},
        {"sortby": "count"},
    ):
        assert not totals & set(re.findall(r"\d+", refused(planner, **asked)))


# --- A10 side channels


@pytest.fixture(scope="session")
def ids(place):
    """Give ids of incidents that exist, and as many of the same length that do not."""
    store = db.connect(place.url)
    with store.read() as connection:
        every = set(connection.scalars(sa.text("SELECT id FROM incident")))
        waiting = set(connection.scalars(sa.text("SELECT id FROM observation WHERE NOT reviewed")))
        seen = set(connection.scalars(sa.text("SELECT id FROM observation")))
    store.close()
    there = [n for n in sorted(every) if 1000 <= n <= 9999]
    missing = [n for n in range(1000, 10_000) if n not in every][::-1]
    two = [n for n in range(10, 100) if n not in seen]
    hidden = [n for n in sorted(waiting) if n >= 10]
    return {"incidents": (there, missing), "observations": (hidden, two)}


def seen(answer):
    """Give everything of an answer that a reader could compare."""
    named = ("x-request-id", "date")
    headers = {name: value for name, value in answer.headers.items() if name not in named}
    return answer.status_code, headers, re.sub(rb"/items/\d+|\b\d{2,4}\b", b"", answer.content)


@pytest.mark.parametrize("collection", ["incidents", "observations"])
def test_a10_an_id_that_exists_looks_like_one_that_does_not(planner, ids, collection):
    """Status, body, length, every header, packed or not: 404 is 404, also of what waits."""
    there, missing = ids[collection]
    for packed in ("identity", "gzip, br, zstd"):
        answers = [
            planner.get(f"{ITEMS.format(collection)}/{key}", {"Accept-Encoding": packed})
            for key in (*there[:8], *missing[:8])
        ]
        assert answers[0].status_code == 404
        assert all(seen(each) == seen(answers[0]) for each in answers)
        assert not {"etag", "last-modified", "content-encoding"} & set(answers[0].headers)


def test_a10_closed_collections_look_like_unknown_ones(planner):
    """What only analysts have is as unknown as a word without a meaning."""
    for path in ("{}", "{}/items", "{}/items/1"):
        nowhere = planner.get("/ogc/collections/" + path.format("xxxxxxxx"))
        for collection in CLOSED:
            answer = planner.get("/ogc/collections/" + path.format(collection))
            assert answer.status_code == nowhere.status_code == 404
            replaced = answer.text.replace(collection, "xxxxxxxx")
            assert replaced == nowhere.text
            lengths = ("content-length", "x-request-id")
            assert {h: v for h, v in answer.headers.items() if h not in lengths} == {
                h: v for h, v in nowhere.headers.items() if h not in lengths
            }


def slower(client, there, missing, many=400):
    """Time two kinds of ids in turn; give the p-value that they differ, and by how much."""
    took = {True: [], False: []}
    for n in range(many):
        for exists in (n % 2 == 0, n % 2 == 1):
            key = (there if exists else missing)[n % 300]
            began = perf_counter()
            client.get(f"{ITEMS.format('incidents')}/{key}")
            took[exists].append(perf_counter() - began)
    p = stats.mannwhitneyu(took[True], took[False]).pvalue
    return p, abs(np.median(took[True]) / np.median(took[False]) - 1)


def test_a10_an_id_that_exists_takes_as_long_as_one_that_does_not(planner, ids):
    """400 requests of each kind in turn; a busy machine gets three tries."""
    tries = (slower(planner.client, *ids["incidents"]) for _ in range(3))
    assert any(p >= 0.001 or shift <= 0.2 for p, shift in tries)


# --- A11 clusters, hulls, heat


def test_a11_clusters_hulls_and_heat_are_out_of_reach(planner):
    """No group of points, no outline of one and no surface of density exists for a planner."""
    known = [each["id"] for each in planner.get("/ogc/collections").json()["collections"]]
    assert known == list(OPEN)
    described = planner.get("/ogc/api").text
    for word in ("clusters", "hull", "cells", "eps", "min_samples", "kde", "raster"):
        assert f"/{word}" not in described
        for path in (f"/ogc/collections/{word}", f"/karta/{word}", f"/{word}"):
            assert planner.get(path).status_code == 404
    assert planner.get("/methods").status_code == 403


# --- A12 one home behind a number


def test_a12_no_number_and_no_difference_stands_for_fewer_than_three_places(collected, town):
    """Nine homes have five to seven events a year each: none of them is ever told by itself."""
    truth = collected.truth
    assert collected.lonely(fewest=3) == []
    homes = np.isin(truth.spot, [home.number for home in town.homes])
    assert truth.count[homes & (truth.year == YEARS[-1])].sum() >= 9 * K


# --- A13 another role's links


def test_a13_an_analysts_links_and_tags_open_nothing(planner, place, doors):
    """Links, ETags and cached answers of an analyst are replayed as a planner and as nobody."""
    analyst = doors(place, ANALYST)
    tags = []
    for collection in ("incidents", "cells", "clusters"):
        path = f"{ITEMS.format(collection)}?category=misshandel&limit=5"
        given = analyst.get(path)
        assert given.status_code == 200
        assert "private" in given.headers["cache-control"]
        tags += [given.headers["etag"]] if "etag" in given.headers else []
        for feature in given.json()["features"]:
            assert planner.get(f"{ITEMS.format(collection)}/{feature['id']}").status_code == 404
        for tag in (*tags, "*"):
            assert planner.get(path, {"If-None-Match": tag}).status_code == 404
    assert tags
    page = "/?omrade=Skiftinge&fonster=helgnatt&typ=misshandel&period=12man"
    assert analyst.get(page, headers=PAGE).status_code in (200, 303)
    assert "data-items" in planner.get(page, PAGE).text


def test_a13_no_other_site_and_no_cache_reads_along(planner):
    """No CORS, in no words; what may be kept is kept by one's own browser alone."""
    for origin in ("https://example.org", "null", "http://testserver.example.org"):
        answer = planner.get(ITEMS.format("release"), {"Origin": origin})
        assert not [name for name in answer.headers if name.startswith("access-control")]
        asked = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        preflight = planner.client.options(ITEMS.format("release"), headers=asked)
        assert not [name for name in preflight.headers if name.startswith("access-control")]
    answer = planner.get(ITEMS.format("release"))
    assert answer.headers["cache-control"].startswith("private")
    assert "Cookie" in answer.headers["vary"]
    cookies = dict(planner.client.cookies)
    planner.client.cookies.clear()
    nobody = planner.get(ITEMS.format("release"), {"If-None-Match": answer.headers["etag"]})
    planner.client.cookies.update(cookies)
    assert nobody.status_code == 401


# --- A14 hidden properties


@pytest.mark.parametrize("collection", OPEN)
def test_a14_filters_on_hidden_properties_are_refused(planner, collection):
    """CQL2, LIKE, full text, chosen columns and orders: nothing but the listed parameters."""
    for name, value in (
        ("filter", "brottskod = '0357'"),
        ("filter", "street LIKE 'Angrepp%'"),
        ("filter-lang", "cql2-text"),
        ("filter-crs", "EPSG:3006"),
        ("q", "Angreppsvägen"),
        ("properties", "street,source_id"),
        ("sortby", "-count"),
        ("brottskod", "0357"),
        ("source_id", "AX000001QZ"),
        ("street", "Angreppsvägenb"),
        ("count", "1"),
        ("count>=", "1"),
    ):
        refused(planner, collection, **{name: value})


@pytest.mark.parametrize("value", ["%", "priority-%", "_", "' OR '1'='1", "vald' --", "va*", "\\"])
def test_a14_patterns_are_plain_words(planner, value):
    """A wildcard or a piece of SQL is a code that nobody knows."""
    for name in ("theme", "block", "place", "period"):
        refused(planner, **{name: value})


# --- A15 what is left lying about


class _Kept(logging.Handler):
    def __init__(self):
        super().__init__()
        self.setFormatter(JsonLines())
        self.lines = []

    def emit(self, record):
        self.lines.append(self.format(record))


def test_a15_logs_and_temporary_files_hold_no_event(planner, place, tmp_path, monkeypatch):
    """The server's log, the log of looks and the folder of temporary files are read afterwards."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    kept = _Kept()
    logging.getLogger().addHandler(kept)
    logging.getLogger("lagesbild.http").addHandler(kept)
    try:
        for path in ("/utgava", "/", ITEMS.format("release"), ITEMS.format("incidents")):
            planner.get(path, PAGE)
        refused(planner, theme="Angreppsvägenb 1")
    finally:
        logging.getLogger().removeHandler(kept)
        logging.getLogger("lagesbild.http").removeHandler(kept)
    assert list(tmp_path.iterdir()) == []
    assert len(kept.lines) >= 5
    store = db.connect(place.url, JOURNAL)
    with store.read() as connection:
        looks = list(connection.scalars(sa.select(Look.body)))
    store.close()
    assert looks
    for line in (*kept.lines, *looks):
        written = re.sub(r'"bbox":"[^"]*"', "", str(line)).encode()  # what the reader typed
        assert not IDENTITY.search(written)
        assert not FINE_NUMBER.search(written)


def test_a15_the_file_that_planners_read_holds_no_event(place, truth):
    """Ids, addresses and coordinates, as text and as the numbers of a database, are looked for."""
    holds = b"".join(
        file.read_bytes() for file in sorted(Path(place.folder).glob("store.release.gpkg*"))
    )
    assert len(holds) > 100_000
    assert not IDENTITY.search(holds)
    for lon, lat in truth.lonlat[truth.placed][::37]:  # a border may share one of the two
        for written in (struct.pack("<dd", lon, lat), struct.pack(">dd", lon, lat)):
            assert written not in holds
    main = (Path(place.folder) / "store.gpkg").read_bytes()
    # Where they are, this way of looking finds them.
    assert IDENTITY.search(main)
    assert struct.pack("<dd", *truth.lonlat[truth.placed][0]) in main


# --- A16 the world outside


def test_a16_a_planners_request_asks_nobody_else(place, doors, truth, monkeypatch):
    """With a geocoding server configured, every open route is asked: not one connection leaves."""
    calls = []
    connect = socket.socket.connect

    def watched(self, address):
        calls.append(address)
        return connect(self, address)

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        client = doors(place, geocoder_kind="nominatim", geocoder_url=url)
        planner = harness.Planner(client, Witness(truth))
        monkeypatch.setattr(socket.socket, "connect", watched)
        for path in ("/", "/utgava?omrade=Storgatan", "/karta/platser", "/ogc/collections"):
            assert planner.get(path).status_code == 200
        for collection in OPEN:
            planner.items(collection)
        planner.get(ITEMS.format("release"), place="Storgatan 1")
        planner.get(ITEMS.format("schools"), area="Storgatan 1")
        assert calls == []
        with pytest.raises(TimeoutError):
            server.accept()
        with socket.create_connection(server.getsockname()):
            assert calls == [server.getsockname()]  # a connection would have been seen
