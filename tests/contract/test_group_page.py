"""The shared situation picture: closed unless decided, bands and no more, looks noted."""

import json
import re
import shutil
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from itertools import combinations

import numpy as np
import pytest
import sqlalchemy as sa
from shapely import Polygon

from app import group_page
from geo import cells
from pipelines import group, reference
from pipelines.group import Asked, Band, Opening, Picture
from pipelines.roles import ACCOUNT_ROLES, GROUP
from store.models import Incident, User
from tests.house import NOW, House

PAGE, MINUTES = "/lagesbildsgrupp", "/lagesbildsgrupp/protokoll"
ZONE = "Europe/Stockholm"
SHUT = "Lägesbildsgruppen är inte öppnad"
INCIDENT = Incident.__table__


@pytest.fixture
def own(town, clock, tmp_path):
    """Open a door to a copy of the town, to be changed at will; its group may look."""
    shutil.copytree(town["folder"], tmp_path / "town")
    place = town | {"url": f"sqlite:///{tmp_path / 'town' / 'lagesbild.gpkg'}"}
    with ExitStack() as stack:
        yield House(place, clock, stack)


@pytest.fixture
def member(own):
    """Give somebody of the group, signed in, in a browser."""
    return browser(own, GROUP)


def browser(own, role):
    client = own.reader(role, own.place["password"])
    client.headers["Accept"] = "text/html"
    return client


def newest(own):
    return group.blocks(own.clock(), ZONE)[0]


def picture(own, **asked):
    with own.store.read() as conn:
        known = reference.read(conn)
        wanted = Asked(**{"block": newest(own).number, **asked})
        return group.picture(conn, known, wanted, own.clock())


def change(own, cell, /, **values):
    """Change the events of a cell of the newest block."""
    block = newest(own)
    with own.store.write() as conn:
        rows = conn.execute(
            sa.select(INCIDENT.c.id, INCIDENT.c.cell).where(
                INCIDENT.c.starts_at >= group.midnight(block.first, ZONE),
                INCIDENT.c.starts_at < group.midnight(block.last + timedelta(days=1), ZONE),
                INCIDENT.c.cell.is_not(None),
            )
        ).all()
        inside = cells.parents(np.array([row.cell for row in rows]), group.RESOLUTION) == cell
        ids = [row.id for row, here in zip(rows, inside, strict=True) if here]
        conn.execute(sa.update(INCIDENT).where(INCIDENT.c.id.in_(ids)).values(**values))
    return len(ids)


def drawn(page):
    """Count the cells of each band in the drawing."""
    paths = re.findall(r'<path class="cell" fill="url\(#(\w+)\)" d="([^"]*)"/>', page.text)
    sheet = page.text.partition("<svg")[2].partition("</svg>")[0]
    return {band: path.count("M") for band, path in paths if path in sheet}


def tabled(page):
    """Read the table: an area's cells in each band, the highest first."""
    body = page.text.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = re.findall(r'<th scope="row">([^<]+)</th>((?:<td>[^<]+</td>)+)', body)
    number = {"–": 0}
    return {
        area: [number.get(n) or int(n.replace("–", "0")) for n in re.findall(r"<td>([^<]+)", tds)]
        for area, tds in rows
    }


def looks(own):
    return [json.loads(body) for body in own.noted() if '"role":"group"' in body]


# --- who and when ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [PAGE, MINUTES])
def test_no_other_role_comes_in(people, path):
    for role in set(ACCOUNT_ROLES) - {GROUP}:
        answer = people[role].get(path)
        assert answer.status_code == 403
        assert "<svg" not in answer.text


@pytest.mark.parametrize("path", [PAGE, MINUTES])
def test_whoever_has_not_signed_in_is_asked_to(anybody, path):
    assert anybody.get(path, headers={"Accept": "text/html"}).status_code == 303
    assert anybody.get(path).status_code == 401


def without_its_address(page):
    """Give a page without the link to the same page in the other language."""
    return re.sub(r"tillbaka=[^\"]*", "", page.text)


def test_both_addresses_of_the_page_show_the_same(member):
    assert without_its_address(member.get("/")) == without_its_address(member.get(PAGE))


@pytest.mark.parametrize("path", ["/", PAGE, MINUTES])
def test_a_closed_picture_says_what_it_takes_and_shows_nothing(own, member, path):
    group.close(own.store, own.clock())
    assert_shut(member.get(path))
    last = looks(own)[-1]
    assert (last["outcome"], last["asked"], last["rows"]) == ("refused", {"why": "closed"}, None)


@pytest.mark.parametrize("path", ["/", PAGE, MINUTES])
def test_a_decision_that_has_ended_closes_the_picture(own, member, path):
    group.close(own.store, own.clock())
    today = Opening("KS 2026:7", "lag 2023:196", "Kommunstyrelsen", own.clock().date())
    group.open_(own.store, today, ZONE, own.clock())
    assert SHUT not in member.get(path).text
    own.clock.time += timedelta(hours=11, minutes=30)  # half past midnight
    answer = browser(own, GROUP).get(path)  # the first session was idle too long
    assert_shut(answer)
    assert "KS 2026:7" not in answer.text


def assert_shut(answer):
    assert answer.status_code == 200
    assert SHUT in answer.text
    for word in ("lagesbild group open", "nummer", "rättsliga grunden", "personuppgiftsansvarig"):
        assert word in answer.text
    for word in ("<svg", "<table", "<select", "Skiftinge", "Våld"):
        assert word not in answer.text


def test_an_account_that_has_ended_is_signed_out(own, member):
    assert member.get(PAGE).status_code == 200
    ended = own.clock() - timedelta(minutes=1)
    with own.store.write() as conn:
        conn.execute(sa.update(User).where(User.name == own.name(GROUP)).values(expires_at=ended))
    for path in ("/", PAGE, MINUTES):
        answer = member.get(path)
        assert (answer.status_code, answer.text) == (303, "")


# --- what is shown -----------------------------------------------------------------------------


def test_the_page_shows_the_cells_of_the_picture_and_by_what_right(own, member):
    page, shown = member.get(PAGE), picture(own)
    expected = {band.name.lower(): shown.band.count(band) for band in Band if band in shown.band}
    assert drawn(page) == expected
    assert np.sum(list(tabled(page).values()), axis=0).tolist() == [
        shown.band.count(band) for band in group.BANDS
    ]
    with own.store.read() as conn:
        decision = group.decision(conn, NOW)
    for words in (decision.number, decision.legal_basis, decision.controller, "30 april 2027"):
        assert words in page.text
    for words in ("av lag, beslut och logg, inte av matematik", "Varje titt loggas", "SYNTETISKA"):
        assert words in page.text


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("", {}),
        ("typ=&fonster=&block=", {}),
        ("fonster=all&period=2025&omrade=Atlantis", {}),
        ("typ=tema-narkotika", {"theme": "narkotika"}),
        ("fonster=helgnatt", {"time_block": "helgnatt"}),
        ("fonster=ovrig_tid&typ=tema-brand", {"time_block": "ovrig_tid", "theme": "brand"}),
        ("block=33&karta=alla", {"block": 33}),
    ],
)
def test_a_choice_is_made_with_the_words_of_the_other_pages_links(own, member, query, asked):
    page, shown = member.get(f"{PAGE}?{query}"), picture(own, **asked)
    assert sum(drawn(page).values()) == len(shown.band)
    usual = {"block": newest(own).number, "theme": None, "time_block": None}
    assert looks(own)[-1]["asked"] == usual | asked


def test_other_numbers_of_the_same_band_are_the_same_page_to_the_byte(own, member):
    before = [member.get(path).text for path in (PAGE, MINUTES)]
    shown = picture(own)
    few = [c for c, band in zip(shown.cell.tolist(), shown.band, strict=True) if band is Band.FEW]
    single = next(cell for cell in few if change(own, cell, count=1) == 1)
    for count in (2, 3, 4):
        change(own, single, count=count)
        assert [member.get(path).text for path in (PAGE, MINUTES)] == before
    change(own, single, count=5)
    after = [member.get(path).text for path in (PAGE, MINUTES)]
    assert all(one != other for one, other in zip(before, after, strict=True))


def test_where_in_its_cell_something_happened_changes_nothing_on_the_page(own, member):
    before = [member.get(path).text for path in (PAGE, f"{PAGE}?karta=alla", MINUTES)]
    lon, lat = cells.middles(picture(own).cell)
    for cell, x, y in zip(picture(own).cell.tolist(), lon.tolist(), lat.tolist(), strict=True):
        assert change(own, cell, lon=x, lat=y, x_m=0.0, y_m=0.0)
    assert [member.get(path).text for path in (PAGE, f"{PAGE}?karta=alla", MINUTES)] == before
    assert not re.search(r"\b(?:1[5-7]|59)\.\d{2,}", "".join(before))  # no degrees at all


def test_only_corners_of_cells_are_drawn(member):
    """Six corners to a cell: there is no other mark than cells, areas, names and a ruler."""
    page = member.get(PAGE)
    sheet = page.text.partition('<svg class="sheet"')[2].partition("</svg>")[0]
    marks = re.findall(r'<(\w+) class="([\w-]+)"', sheet.partition("</defs>")[2])
    assert {name for _, name in marks} == {
        *("border", "cell", "outline-under", "outline", "name", "bar", "scale")
    }
    for path in re.findall(r'<path class="cell"[^>]* d="([^"]*)"', sheet):
        assert {len(re.findall("[ML]", one)) for one in path.split("Z") if one} == {6}
    assert sheet.count("<title") == 1  # no cell tells more when it is pointed at
    assert "title=" not in page.text


def test_no_style_or_script_stands_in_the_page(member):
    for path in (PAGE, MINUTES):
        page = member.get(path).text
        assert not re.search(r"<script|<style|\bstyle=|\bon\w+=", page)


def test_a_choice_with_nothing_in_it_says_so(own, member):
    with own.store.write() as conn:
        conn.execute(sa.delete(INCIDENT))
    page = member.get(PAGE)
    assert "Inga händelser i urvalet." in page.text
    assert drawn(page) == {}
    assert "Inga händelser i urvalet." in member.get(MINUTES).text


# --- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", [PAGE, MINUTES])
@pytest.mark.parametrize(
    "query",
    [
        *("block=22", "block=-1", "block=x", "block=9999999999", "block=%D9%A3", "block=3.5"),
        *("typ=tema-vapen", "typ=misshandel", "fonster=natt", "karta=land"),
    ],
)
def test_what_does_not_exist_is_refused_in_one_sentence(own, member, path, query):
    before = len(looks(own))
    answer = member.get(f"{path}?{query}")
    assert answer.status_code == 400
    assert answer.text.count('<p class="lead">') == 1
    for word in ("<svg", "<table", "DEMO 2026:1"):
        assert word not in answer.text
    assert len(looks(own)) == before


def test_a_block_that_is_not_over_is_refused_like_one_that_never_was(own, member):
    running = newest(own).number + 1
    with own.store.read() as conn:
        began = group.midnight(newest(own).last + timedelta(days=1), ZONE)
        query = sa.select(sa.func.count()).where(INCIDENT.c.starts_at >= began)
        assert conn.scalar(query) > 0
    answers = [member.get(f"{PAGE}?block={number}") for number in (running, 9999)]
    assert {answer.status_code for answer in answers} == {400}
    said = [
        re.sub(r"Fyraveckorsblocket \d+", "", without_its_address(answer)) for answer in answers
    ]
    assert said[0] == said[1]
    assert f'value="{running}"' not in member.get(PAGE).text
    own.clock.time += timedelta(days=28)
    assert browser(own, GROUP).get(f"{PAGE}?block={running}").status_code == 200


# --- what is noted, and how often --------------------------------------------------------------


@pytest.mark.parametrize(("path", "what"), [("/", "group-page"), (PAGE, "group-page")])
def test_every_look_is_a_line_in_the_log(own, member, path, what):
    before = len(looks(own))
    page = member.get(f"{path}?typ=tema-brand")
    (line,) = looks(own)[before:]
    assert (line["who"], line["what"], line["purpose"]) == (own.name(GROUP), what, "group")
    assert line["asked"] == {"block": newest(own).number, "theme": "brand", "time_block": None}
    assert line["rows"] == sum(drawn(page).values())


def test_minutes_are_noted_with_their_cells_and_have_room_for_the_meeting(own, member):
    before = len(looks(own))
    page = member.get(f"{MINUTES}?fonster=helgnatt")
    (line,) = looks(own)[before:]
    assert (line["what"], line["purpose"], line["outcome"]) == ("minutes", "group", "given")
    assert line["asked"]["time_block"] == "helgnatt"
    assert line["rows"] == len(picture(own, time_block="helgnatt").band)
    assert line["rows"] == sum(sum(row) for row in tabled(page).values())
    for words in ("DEMO 2026:1", "1 november 2026", "Deltagare", "Bedömning", "Beslut och åtg"):
        assert words in page.text
    assert "<svg" not in page.text


def test_minutes_are_given_ten_times_in_five_minutes(own, member):
    assert [member.get(MINUTES).status_code for _ in range(10)] == [200] * 10
    answer = member.get(MINUTES)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 301
    own.clock.time += timedelta(minutes=6)
    assert member.get(MINUTES).status_code == 200


def test_the_two_addresses_of_the_page_share_one_budget(member):
    for _ in range(30):
        assert member.get("/").status_code == member.get(PAGE).status_code == 200
    for path in ("/", PAGE):
        answer = member.get(path)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
    assert member.get(MINUTES).status_code == 200


def test_no_browser_keeps_the_pages(own, member):
    for path in ("/", PAGE, MINUTES):
        assert member.get(path).headers["cache-control"] == "private, no-store"
    group.close(own.store, own.clock())
    assert member.get(PAGE).headers["cache-control"] == "private, no-store"


# --- the drawing -------------------------------------------------------------------------------


def test_cells_far_from_town_are_counted_beside_the_drawing_and_drawn_when_asked(own, member):
    one = picture(own).cell.tolist()[-1]
    far = cells.index(np.array([16.1]), np.array([59.2]), 11)
    change(own, one, cell=int(far[0]))
    there = int(cells.parents(far, group.RESOLUTION)[0])
    assert there in picture(own).cell.tolist()
    near, whole = (member.get(f"{PAGE}?karta={view}") for view in ("tatort", "alla"))
    assert "1 ruta ligger utanför kartbilden. Välj Alla rutor för att se den." in near.text
    assert "utanför kartbilden" not in whole.text
    assert drawn(near) == drawn(whole)
    assert tabled(near) == tabled(whole)


def test_without_areas_the_cells_alone_are_drawn_and_without_cells_nothing(own):
    shown = picture(own)
    drawing = group_page.draw(shown, (), group_page.TOWN)
    assert sum(path.count("M") for _, path in drawing.cells) == len(shown.band)
    assert (drawing.names, drawing.outlines, drawing.border, drawing.outside) == ((), "", "", 0)
    nothing = Picture(shown.block, np.array([], dtype=np.int64), ())
    assert group_page.draw(nothing, (), group_page.WHOLE) is None


def test_the_drawing_is_as_wide_as_its_ground_is_in_metres(own):
    """A cell of this size is about 0.1 km2 where the town lies: its corners say so too."""
    shown = picture(own)
    drawing = group_page.draw(shown, (), group_page.WHOLE)
    paths = "".join(path for _, path in drawing.cells).split("Z")[:-1]
    rings = [[tuple(map(float, at.split())) for at in path[1:].split("L")] for path in paths]
    drawn_km2 = sum(Polygon(ring).area for ring in rings) / drawing.kilometre**2
    assert drawn_km2 == pytest.approx(cells.areas_m2(shown.cell).sum() / 1e6, rel=0.01)


def test_names_stand_where_no_other_name_stands(own):
    with own.store.read() as conn:
        known = reference.read(conn)
    drawing = group_page.draw(picture(own), known.areas, group_page.TOWN)
    assert len(drawing.names) == 5
    twice = [replace(area, name=area.name[::-1]) for area in known.areas] + list(known.areas)
    crowd = group_page.draw(picture(own), twice * 2, group_page.TOWN).names
    assert 5 < len(crowd) < 20  # over and under, and no third
    for name, other in combinations(crowd, 2):
        apart = abs(name.x - other.x), abs(name.y - other.y)
        half = (len(name.words) + len(other.words)) * group_page.LETTER / 2
        assert apart[0] >= half - 1 or apart[1] >= group_page.LINE - 1


def test_blocks_are_named_by_their_days_and_by_two_years_where_they_have_two(member):
    page = member.get(PAGE).text
    assert ">fyra veckor 7 sep–4 okt 2026</option>" in page
    assert ">fyra veckor 29 dec 2025–25 jan 2026</option>" in page
    assert ">Alla utom narkotika och trafik</option>" in page
