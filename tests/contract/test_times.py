"""When, and has it become better: the same numbers as the map's, and hours for analysts only."""

import json
import re
from html import unescape
from html.parser import HTMLParser

import pytest

from pipelines import places
from pipelines.roles import ADMIN, ANALYST, COORDINATOR, PLANNER
from tests.contract.test_pages_by_role import noted

TOLD = (PLANNER, COORDINATOR)
COARSE = "8508869bfffffff"  # a cell of another size than any map has


class Numbers(HTMLParser):
    """Reads the matrix: the count and the mark of every hour."""

    def __init__(self, page):
        super().__init__()
        self.count, self.lit = {}, set()
        self.feed(page.text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "td" and "data-hour" in given:
            hour = int(given["data-hour"])
            self.count[hour] = int(given["data-count"])
            if "lit" in given["class"].split():
                self.lit.add(hour)


def data(page, name, of="said"):
    tag = re.search(rf'<[^>]*id="{of}"[^>]*>', page.text)[0]
    return int(re.search(rf'data-{name}="(\d+)"', tag)[1])


def cells(page):
    script = r'<script type="application/json" id="cells">(.*?)</script>'
    found = re.search(script, page.text, re.DOTALL)
    return json.loads(found[1])["features"]


def counted(page):
    return {one["id"]: one["properties"]["count"] for one in cells(page)}


def on_the_map(person, **asked):
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    answer = person.get(f"/ogc/collections/cells/items?resolution=9&limit=10000&{query}").json()
    counts = {one["id"]: one["properties"]["count"] for one in answer["features"]}
    return {cell: count for cell, count in counts.items() if count}


def test_matrix_and_map_hold_the_same_events(person):
    page = person.get("/nar")
    matrix = Numbers(page)
    assert len(matrix.count) == 168
    assert sum(matrix.count.values()) + data(page, "spread") == data(page, "total")
    assert sum(counted(page).values()) == data(page, "mapped") <= data(page, "total")


@pytest.mark.parametrize("hours", ["118-122", "0-23", "22,46,70,94,118,142,166"])
def test_the_map_shows_the_cells_of_the_chosen_hours_only(person, hours):
    page = person.get(f"/nar?timmar={hours}")
    matrix = Numbers(page)
    assert sum(matrix.count[hour] for hour in matrix.lit) + data(page, "spread") == data(
        page, "total"
    )
    assert sum(counted(page).values()) == data(page, "mapped")
    whole = counted(person.get("/nar"))
    assert all(count <= whole[cell] for cell, count in counted(page).items())


@pytest.mark.parametrize("window", ["all", "helgnatt", "skoltid"])
def test_a_window_shows_the_very_numbers_of_the_map(person, window):
    page = person.get(f"/nar?fonster={window}")
    shown = {cell: count for cell, count in counted(page).items() if count}
    assert shown == on_the_map(person, window=window)
    assert sum(shown.values()) > 0


def test_a_chosen_cell_shows_its_matrix_and_the_matrix_its_number(person):
    whole = counted(person.get("/nar"))
    cell = max(whole, key=whole.get)
    page = person.get(f"/nar?vald=cells:{cell}")
    assert "i den valda rutan" in page.text
    matrix = Numbers(page)
    spread = int(re.search(r'id="matrix" data-total="\d+" data-spread="(\d+)"', page.text)[1])
    assert sum(matrix.count.values()) + spread == whole[cell]
    hour = max(matrix.count, key=matrix.count.get)
    one = person.get(f"/nar?vald=cells:{cell}&timmar={hour}")
    assert counted(one)[cell] == matrix.count[hour]


def test_what_a_link_asks_and_nobody_knows_is_said(person):
    page = person.get("/nar?timmar=999&vald=nonsense&omrade=Atlantis").text
    assert "Timmarna ”999” i länken går inte att läsa" in page
    assert "Rutan ”nonsense” i länken finns inte" in page
    assert "Området ”Atlantis” i länken finns inte här" in page
    assert "i länken finns inte" in person.get(f"/nar?vald={COARSE}").text


def test_nothing_in_the_choice_is_said_with_a_way_on(person):
    page = person.get("/nar?typ=brand_vind_kallare&omrade=6&period=2024")
    assert page.status_code == 200
    assert "Välj en längre period" in page.text or 'id="matrix"' in page.text


@pytest.mark.parametrize("role", TOLD)
@pytest.mark.parametrize("query", ["", "?timmar=118-122", "?vald=cells:88088699e7fffff"])
def test_planners_and_coordinators_never_get_an_hour_or_a_cell(people, role, query):
    page = people[role].get(f"/nar{query}")
    assert page.status_code == 200
    assert "data-hour" not in page.text
    assert 'id="matrix"' not in page.text
    assert not re.search(r'"id": ?"8[89ab][0-9a-f]{13}"', page.text)
    assert "Timmar visas bara för analytiker" in page.text


def test_the_blocks_of_a_place_are_told_between_two_numbers_or_exactly(people):
    page = people[PLANNER].get("/nar?period=2025")
    low = [int(each) for each in re.findall(r'data-low="(\d+)"', page.text)]
    high = [int(each) for each in re.findall(r'data-high="(\d+)"', page.text)]
    assert len(low) == len(high) > 20
    assert all(
        a <= b and (b == 0 or b >= 5) and (a == 0 or a >= 5) for a, b in zip(low, high, strict=True)
    )


def test_the_map_of_a_block_shows_the_numbers_of_its_column(people):
    page = people[PLANNER].get("/nar?period=2025&fonster=helgnatt")
    column = re.findall(
        r'<tr data-key="([^"]+)".*?class="number lit"[^>]* data-low="(\d+)" data-high="(\d+)"',
        page.text,
        re.DOTALL,
    )
    table = {key: int(high) for key, _, high in column}
    assert counted(page)
    assert all(table[key] == count for key, count in counted(page).items())


def test_a_place_of_a_link_is_chosen_and_an_unknown_one_is_said(people):
    page = people[PLANNER].get("/nar?vald=priority-arby").text
    assert "Veckan i block: Årby" in page
    page = people[PLANNER].get("/nar?vald=atlantis").text
    assert "Platsen ”atlantis” i länken finns inte här" in page


# --- has it become better


TAG = re.compile(r"<[^>]+>")


def rows(page, table):
    """Read a table of two periods: name -> the texts of its cells."""
    found = re.search(rf'<table id="{table}".*?</table>', page.text, re.DOTALL)
    lines = re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', found[0], re.DOTALL)
    return {unescape(name.split("<")[0]): texts(line) for name, line in lines}


def texts(line):
    found = re.findall(r"<td.*?</td>", line, re.DOTALL)
    return [unescape(TAG.sub("", cell)).strip() for cell in found]


def test_two_years_hold_the_numbers_of_the_map(person):
    page = person.get("/utveckling?period=2025&jamfor=2024")
    for year, which in (("2024", "before"), ("2025", "after")):
        shown = {one["id"]: one["properties"][which] for one in cells(page)}
        shown = {cell: count for cell, count in shown.items() if count}
        assert shown == on_the_map(person, datetime=f"{year}-01-01/{year}-12-31")


def test_every_difference_bears_its_sign_and_no_percent_stands_on_less_than_ten(person):
    page = person.get("/utveckling?period=2025&jamfor=2024")
    for one in cells(page):
        difference = one["properties"]["after"] - one["properties"]["before"]
        sign = one["properties"]["sign"]
        assert sign[0] == ("+" if difference > 0 else "−" if difference < 0 else "±")
        assert int(sign[1:]) == abs(difference)
    found = rows(page, "areas") | rows(page, "themes")
    assert len(found) > 8
    for before, after, difference, _, verdict in found.values():
        assert ("%" in difference) == (int(before) >= 10)
        assert difference.split(" ")[0] == signed(int(after) - int(before))
        assert int(before) + int(after) >= 10 or verdict == "kan inte bedömas"


def signed(number):
    return "±0" if number == 0 else f"+{number}" if number > 0 else f"−{-number}"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("period=2025", "2025 mot 2024"),
        ("period=2026-t1", "2026, januari–april mot 2025, januari–april"),
        ("period=12man", "1 nov 2025–31 okt 2026 mot 1 nov 2024–31 okt 2025"),
        ("period=2031", "Perioden ”2031” i länken finns inte hel"),
        ("period=2025&jamfor=2025", "ska vara över när den andra börjar"),
        ("period=2024", "Samma period ett år tidigare finns inte"),
    ],
)
def test_any_two_whole_periods_can_be_compared_and_what_cannot_is_said(person, query, said):
    page = person.get(f"/utveckling?{query}")
    assert page.status_code == 200
    assert said in page.text
    assert 'id="areas"' in page.text


def test_how_late_reports_are_is_said(person):
    assert "dagar efter sitt slut" in person.get("/utveckling?period=2025").text


@pytest.mark.parametrize("role", TOLD)
def test_the_release_is_shown_side_by_side_and_nothing_is_subtracted(people, role):
    page = people[role].get("/utveckling")
    found = rows(page, "areas")
    assert len(found) > 3
    assert all(len(line) == 3 for line in found.values())
    assert "Skillnader i antal och rutor visas inte" in page.text
    assert all(one["properties"]["sign"] in ("▲", "▼", "=", "?") for one in cells(page))


def test_the_verdict_on_a_place_is_the_release_s_own(people):
    page = people[PLANNER].get("/utveckling?period=2025&jamfor=2024")
    answer = people[PLANNER].get("/ogc/collections/release/items?period=2025&limit=100").json()
    said = {
        "increased": "ökat",
        "decreased": "minskat",
        "unchanged": "ingen stor förändring, mindre än ±50 %",
        "cannot_be_assessed": "kan inte bedömas",
    }
    trends = {
        one["properties"]["name"]: said[one["properties"]["trend"] or "cannot_be_assessed"]
        for one in answer["features"]
    }
    found = rows(page, "areas")
    verdicts = {name: line[-1].partition(" (") for name, line in found.items()}
    assert {name: words for name, (words, _, _) in verdicts.items()} == trends
    assert all(interval for words, interval, _ in verdicts.values() if words in said.values())
    intervals = [interval for _, _, interval in verdicts.values() if interval]
    assert intervals
    assert all(re.fullmatch(r"\d+,\d\d–\d+,\d\d gånger\)", each) for each in intervals)


def test_the_earliest_period_of_a_release_has_none_to_be_compared_with(people):
    page = people[PLANNER].get("/utveckling?period=2024")
    assert "Samma period ett år tidigare finns inte" in page.text
    assert "2025 mot 2024" in page.text


# --- both


@pytest.mark.parametrize("path", ["/nar", "/utveckling"])
def test_each_look_is_noted_with_what_was_asked(app, people, path):
    before = len(noted(app))
    people[ANALYST].get(f"{path}?omrade=6&fonster=helgnatt")
    people[PLANNER].get(f"{path}?omrade=6")
    analyst, planner = noted(app)[before:]
    what = {"/nar": "when-page", "/utveckling": "change-page"}[path]
    assert (analyst["what"], analyst["purpose"], planner["what"]) == (what, "analysis", what)
    assert (analyst["asked"]["omrade"], analyst["rows"] > 0) == ("6", True)
    assert planner["asked"]["period"] == "2025"


@pytest.mark.parametrize("path", ["/nar", "/utveckling"])
def test_administrators_are_not_let_in_and_an_empty_house_says_so(people, house, path):
    assert people[ADMIN].get(path).status_code == 403
    places.load(house.store, "eskilstuna")
    assert "Ingen analys är publicerad ännu" in house.reader(ANALYST).get(path).text
    assert "Det finns ingen utgåva" in house.reader(PLANNER).get(path).text


@pytest.mark.parametrize("path", ["/nar", "/utveckling"])
@pytest.mark.parametrize("role", [ANALYST, PLANNER])
def test_without_scripts_there_are_tables_and_pictures(people, path, role):
    page = people[role].get(path).text
    stills = re.findall(r"<noscript><svg.*?</noscript>", page, re.DOTALL)
    assert len(stills) == {"/nar": 1, "/utveckling": 3}[path]
    assert all('role="img"' in still and "style=" not in still for still in stills)
    assert "<caption>" in page
    assert '<form id="choices" method="get" autocomplete="off">' in page


@pytest.mark.parametrize("path", ["/nar", "/utveckling"])
@pytest.mark.parametrize("role", [ANALYST, PLANNER])
def test_the_pages_speak_english_whole(people, path, role):
    client = people[role]
    client.get("/sprak/en")
    page = client.get(path).text
    assert '<html lang="en">' in page
    shown = re.sub(r"<(script|noscript|option|select)\b.*?</\1>", "", page, flags=re.DOTALL)
    shown = re.sub(r"<[^>]+>", " ", shown)
    for word in ("Händelse", "händelse", "Skillnad", "Timme", "Visa ", "Område", "Utgåva"):
        assert word not in shown
    client.get("/sprak/sv")


def test_where_the_release_cannot_tell_when_it_says_so_first_and_where_it_can(people):
    page = people[PLANNER].get("/nar").text
    week = page[page.index('<table id="week"') : page.index("</table>")]
    assert "Högst" in week or re.search(r"\d–\d", week)
    told, bounds = page.index('id="untold"'), page.index('<details class="bounds">')
    assert told < bounds < page.index('<table id="week"')
    links = re.findall(r'<a href="(\?[^"]+)">[^<]+</a>: [^<]*flest under', page[told:bounds])
    assert links
    for link in links:
        there = people[PLANNER].get(f"/nar{unescape(link)}")
        assert there.status_code == 200
        assert 'id="untold"' not in there.text  # what it leads to tells a time exactly
