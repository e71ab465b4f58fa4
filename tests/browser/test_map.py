"""The map page as a person meets it, in a real browser."""

import re
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

CELLS = "/ogc/collections/cells/items?limit=10000"
COLOURS_ON_THE_MAP = """
() => {
  const seen = new Set();
  for (const canvas of document.querySelectorAll("#map canvas")) {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    for (let i = 0; i < data.length; i += 4) {
      seen.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
    }
  }
  return [...seen];
}
"""
# Cells lie on a canvas of their own above the background map, which shines through a little.
COLOURS_OF_CELLS = """
() => {
  const seen = new Set();
  for (const canvas of document.querySelectorAll("#map canvas")) {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    for (let i = 0; i < data.length; i += 4) {
      if (data[i + 3] === 0xcc) seen.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
    }
  }
  return [...seen];
}
"""
WORDS = {
    "established": "statistiskt säkerställd",
    "uncertain": "osäker",
    "too_few": "för få händelser",
    "not_raised": "ingen förhöjd nivå",
}
LINES = "23,50,61"  # of the outline of a cell whose verdict is more than chance


def chosen(page):
    return {name: found[0] for name, found in parse_qs(urlsplit(page.url).query).items()}


def features(page, path):
    """Ask the API for what the map should show."""
    return page.evaluate("(path) => fetch(path).then((r) => r.json())", path)["features"]


def cell_counts(page, query=""):
    return [one["properties"]["count"] for one in features(page, CELLS + query)]


def told(page, area="municipality", query=""):
    """Ask the API how many events an area holds: by its name, or the municipality."""
    every = features(page, f"/ogc/collections/areas/items?limit=100{query}")
    found = [one["properties"] for one in every]
    return next(one["count"] for one in found if area in (one["name"], one["kind"]))


def rows(page):
    """Read the list: key, count and the word of the verdict."""
    return page.locator("#rows tr[data-key]").evaluate_all(
        "(all) => all.map((tr) => [tr.dataset.key, Number(tr.dataset.count),"
        " tr.querySelector('.verdict-word').innerText.trim()])"
    )


def legend(page):
    """Read the legend: from, to (None is open), cells, colour."""
    rows = page.locator("#legend li[data-from]").evaluate_all(
        "(all) => all.map((li) => [li.dataset.from, li.dataset.to, li.dataset.cells,"
        " getComputedStyle(li.querySelector('.swatch')).backgroundColor])"
    )
    return [
        (int(low), None if high == "Infinity" else int(high), int(cells), colour)
        for low, high, cells, colour in rows
    ]


def test_signing_in_leads_to_a_map_that_says_it_is_synthetic(visit):
    page = visit.page
    page.wait_for_load_state("networkidle")  # no tile is on its way any more
    visit.context.clear_cookies()
    visit.sign_in()
    expect(page.locator("html")).to_have_attribute("lang", "sv")
    expect(page.locator(".synthetic")).to_contain_text("SYNTETISKA DATA")
    expect(page.locator("#unplaced")).to_be_in_viewport()
    expect(page.locator("#imprecise")).to_be_in_viewport()
    expect(page.locator(".caveat")).to_contain_text("Anmälda brott visar också")
    assert visit.count() == told(page) > 1000


@pytest.mark.parametrize("query", ["", "&window=helgnatt", "&category=ran", "&resolution=8"])
def test_the_legend_is_the_data(visit, query):
    page = visit.page
    names = {"window": "fonster", "category": "typ", "resolution": "rutor"}
    asked = re.sub(r"&(\w+)=", lambda found: f"&{names[found[1]]}=", query)
    visit.go(f"/?{asked.lstrip('&')}")
    counts = cell_counts(page, query)
    rows = legend(page)
    for low, high, cells, _ in rows:
        assert cells == sum(low <= count and (high is None or count <= high) for count in counts)
    assert sum(cells for *_, cells, _ in rows) == len(counts)
    for (_, high, *_), (low, *_) in pairwise(rows):
        assert low == high + 1


@pytest.mark.parametrize(
    "counts",
    [
        *([], [0], [1], [7], [0, 1], [1, 2, 3], [3, 4, 9], [65, 195], [1, 5], [1, 6]),
        *(list(range(200)), [1, 1_000_000], [0, 0, 250], [74, 75, 76], [999, 12_345]),
    ],
)
def test_every_count_has_one_class_and_the_classes_leave_no_gap(visit, counts):
    ask = "(counts) => import('/static/js/scale.js').then((m) => m.classes(counts).map((c) =>"
    found = visit.page.evaluate(f"{ask} ({{...c, to: c.to === Infinity ? 1e12 : c.to}})))", counts)
    for count in counts:
        assert sum(one["from"] <= count <= one["to"] for one in found) == 1
    for low, high in pairwise([one for one in found if one["from"] > 0]):
        assert high["from"] == low["to"] + 1
    assert len({one["colour"] for one in found}) == len(found) <= 6


def test_the_map_is_drawn_with_the_legends_colours(visit):
    page = visit.page
    page.wait_for_timeout(500)
    on_map = [tuple(map(int, one.split(","))) for one in page.evaluate(COLOURS_OF_CELLS)]
    for *_, cells, colour in legend(page):
        told = tuple(map(int, re.findall(r"\d+", colour)))
        assert cells
        assert any(max(abs(a - b) for a, b in zip(one, told, strict=True)) <= 2 for one in on_map)


def test_a_window_changes_the_counts_and_the_back_button_undoes_it(visit):
    page, before = visit.page, visit.count()
    page.get_by_label("När på veckan").select_option("helgnatt")
    expect(page.locator("#fonster-text")).to_contain_text("23:00–04:00")
    expect(page.locator(".summary-number")).not_to_have_attribute("data-count", str(before))
    visit.settle()
    assert 0 < visit.count() < before
    assert visit.count() == told(page, query="&window=helgnatt")
    assert chosen(page)["fonster"] == "helgnatt"
    page.go_back()
    expect(page.locator(".summary-number")).to_have_attribute("data-count", str(before))
    expect(page.get_by_label("När på veckan")).to_have_value("all")


def test_an_address_brings_everything_back(visit):
    page = visit.page
    visit.go(
        "/?omrade=Fröslunda&fonster=vardagskvall&typ=klotter&rutor=10&lager=rutor,observationer"
    )
    expect(page.locator("#omrade option:checked")).to_have_text("Fröslunda")
    assert chosen(page)["omrade"] == page.get_by_label("Område", exact=True).input_value()
    expect(page.get_by_label("Händelsetyp")).to_have_value("klotter")
    expect(page.get_by_label("Rutornas storlek")).to_have_value("10")
    boxes = page.locator("#layers input:checked").evaluate_all("(all) => all.map((b) => b.value)")
    assert boxes == ["rutor", "observationer"]
    assert visit.count() == told(page, "Fröslunda", "&window=vardagskvall&category=klotter")
    page.locator("#rows .go").first.click()
    title, address = page.locator("#card h2").inner_text(), page.url
    visit.go("/")
    visit.go(address)
    expect(page.locator("#card h2")).to_have_text(title)


def test_an_address_with_nonsense_shows_the_usual_map(visit):
    usual = visit.count()
    visit.go("/?omrade=Atlantis&fonster=<b>&typ=x&rutor=99&lager=&lista=x&vald=cells:zz&vy=a_b_c")
    assert visit.count() == usual
    page = visit.page
    expect(page.locator("#message")).to_be_hidden()
    expect(page.locator(".passed").first).to_contain_text("Atlantis")
    expect(page.locator("#card-title")).to_have_text("Platsen kan inte visas")
    page.get_by_role("button", name="Stäng").click()
    expect(page.locator("#card")).to_be_hidden()
    assert all("404" in one for one in visit.complaints)
    visit.complaints.clear()


def test_the_table_is_reached_and_used_by_keyboard_alone(visit):
    page = visit.page
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Hoppa till tabellen")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Platser")
    page.keyboard.press("Tab")
    row = page.locator(":focus")
    expect(row).to_have_class("go")
    page.keyboard.press("Enter")
    expect(page.locator("#card")).to_contain_text("Bedömning: statistiskt säkerställd")
    expect(page.locator("#card-title")).to_be_focused()
    first = page.locator("#rows tr.chosen")
    assert chosen(page)["vald"] == first.get_attribute("data-key") == rows(page)[0][0]
    page.keyboard.press("Escape")
    expect(page.locator("#card")).to_be_hidden()
    expect(page.locator("#rows .go").first).to_be_focused()


def test_arrow_keys_move_between_the_lists(visit):
    page = visit.page
    page.get_by_role("tab", name="Platser").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Kluster")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#rows tr[data-key^='clusters:']").first).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#rows tbody")).to_contain_text("Skiftinge")
    assert chosen(page)["lista"] == "areas"


def test_a_click_on_the_map_says_what_is_there_and_no_more(visit):
    page = visit.page
    page.locator("#rows .go").first.click()
    expect(page.locator("#card-title")).to_be_visible()
    said = page.locator("#card").inner_text()
    page.locator("#card .close").click()
    page.wait_for_timeout(400)
    box = page.locator("#map").bounding_box()
    free = 352  # what the card covered when the map was centred on the cell
    page.mouse.click(box["x"] + (box["width"] - free) / 2, box["y"] + box["height"] / 2 + 25)
    expect(page.locator("#card-title")).to_have_text(said.splitlines()[1])
    for word in (
        "Var",
        "Hur många",
        "När",
        "Hur säkert",
        "Att tänka på",
        "Lägg till i åtgärdsplanen",
    ):
        assert word in said


def test_the_card_says_the_verdict_in_words_and_compares_with_the_level(visit):
    page = visit.page
    cells = features(page, f"{CELLS}&area=Skiftinge")
    one = next(cell for cell in cells if cell["properties"]["verdict"] == "not_raised")
    visit.go(f"/?omrade=Skiftinge&vald=cells:{one['id']}")
    said = page.locator("#card .verdict")
    expect(said).to_contain_text("Bedömning: ingen förhöjd nivå")
    assert str(one["properties"]["count"]) in said.inner_text()
    for name in ("Områden", "Kluster"):
        page.get_by_role("tab", name=name).click()
        visit.settle()
        page.locator("#rows .go").first.click()
        expect(said).to_contain_text("Bedömning: ")


@pytest.mark.parametrize(
    ("lists", "collection"), [("places", "cells"), ("clusters", "clusters"), ("areas", "areas")]
)
def test_the_list_and_the_map_say_the_same(visit, lists, collection):
    page = visit.page
    visit.go(f"/?lista={lists}&lager=rutor,kluster,omraden")
    path = f"/ogc/collections/{collection}/items?limit=10000"
    on_map = {f"{collection}:{one['id']}": one["properties"] for one in features(page, path)}
    listed = rows(page)
    assert listed
    for key, count, word in listed:
        assert count == on_map[key]["count"]
        assert word == WORDS[on_map[key]["verdict"]]
    assert [count for _, count, _ in listed] == sorted((row[1] for row in listed), reverse=True)


def test_the_legend_explains_the_outlines_that_the_map_has(visit):
    page = visit.page
    visit.go("/?lager=rutor&rutor=10")
    verdicts = [one["properties"]["verdict"] for one in features(page, f"{CELLS}&resolution=10")]
    for verdict, word in (("established", "statistiskt säkerställd"), ("uncertain", "osäker")):
        row = page.locator(f"#legend li[data-verdict={verdict}]")
        expect(row).to_contain_text(f"{word}({verdicts.count(verdict)})")
        assert verdicts.count(verdict)
    page.wait_for_timeout(500)
    assert LINES in page.evaluate(COLOURS_ON_THE_MAP)
    visit.go("/?lager=rutor&rutor=10&period=2025")
    page.wait_for_timeout(500)
    assert LINES not in page.evaluate(COLOURS_ON_THE_MAP)


@pytest.mark.parametrize("query", ["period=2025", "typ=tema-vald", "rutor=8"])
def test_a_question_that_is_not_judged_has_no_verdict_and_the_card_says_why(visit, query):
    page = visit.page
    visit.go(f"/?lager=rutor&{query}")
    expect(page.locator("#rows tr[data-key]").first).to_be_visible()
    expect(page.locator("#legend [data-verdict]")).to_have_count(0)
    assert {word for *_, word in rows(page)} == {""}
    page.locator("#rows .go").first.click()
    expect(page.locator("#card .sentences")).to_contain_text(re.compile("[Bb]edöms inte"))
    expect(page.locator("#card .verdict strong")).to_have_count(0)


def test_numbers_that_mirror_the_police_are_flagged(visit):
    page = visit.page
    expect(page.locator("#typ-text")).to_be_hidden()
    page.get_by_label("Händelsetyp").select_option("narkotika")
    expect(page.locator("#typ-text")).to_contain_text("polisens insatser")
    visit.settle()
    page.locator("#rows .go").first.click()
    expect(page.locator("#card")).to_contain_text("polisens insatser")


def test_layers_are_switched_and_remembered(visit):
    page = visit.page
    page.get_by_role("checkbox", name="Händelser").uncheck()
    expect(page.locator("#legend li[data-from]")).to_have_count(0)
    assert "rutor" not in chosen(page)["lager"]
    page.get_by_label("Observationer").check()
    expect(page.locator("#legend .legend-signs")).to_contain_text("Observationer")
    assert "observationer" in chosen(page)["lager"]


def test_nothing_found_is_said_in_words(visit):
    visit.go("/?omrade=Nattlivskärnan&fonster=skoltid&typ=brand_vind_kallare&period=2023")
    page = visit.page
    expect(page.locator("#message")).to_have_text("Inga händelser i urvalet.")
    expect(page.locator("#rows .empty-list")).to_be_visible()
    assert visit.count() == 0


def test_a_failing_server_is_said_in_words_and_can_be_asked_again(visit):
    page = visit.page
    page.route("**/cells/items*", lambda route: route.abort())
    page.get_by_label("När på veckan").select_option("skoltid")
    expect(page.locator("#message")).to_contain_text("Servern svarar inte.")
    page.unroute("**/cells/items*")
    page.get_by_role("button", name="Försök igen").click()
    expect(page.locator("#message")).to_be_hidden()
    visit.settle()
    assert visit.count() == told(page, query="&window=skoltid")
    assert any("ERR_FAILED" in one for one in visit.complaints)
    visit.complaints.clear()


def test_a_session_that_ended_leads_back_to_the_same_map(visit):
    page = visit.page
    visit.context.clear_cookies()
    page.get_by_label("När på veckan").select_option("helgnatt")
    expect(page.locator("#message")).to_contain_text("Du har loggats ut.")
    page.get_by_role("link", name="Logga in igen").click()
    page.get_by_label("Användarnamn").fill(visit.site.name)
    page.get_by_label("Lösenord").fill(visit.site.password)
    page.get_by_role("button", name="Logga in").click()
    visit.settle()
    expect(page.get_by_label("När på veckan")).to_have_value("helgnatt")
    assert all("401" in one for one in visit.complaints)
    visit.complaints.clear()


def test_the_narrow_screen_has_everything_and_never_scrolls_sideways(narrow):
    page = narrow.page
    widths = "[document.documentElement.scrollWidth, innerWidth]"
    assert page.evaluate(widths) == [360, 360]
    expect(page.get_by_label("Område", exact=True)).to_be_hidden()
    page.get_by_text("Ändra urval och kartlager").click()
    page.get_by_label("Område", exact=True).select_option("Skiftinge")
    narrow.settle()
    page.locator("#rows .go").first.click()
    expect(page.locator("#card")).to_be_in_viewport()
    assert page.evaluate(widths) == [360, 360]


def test_signing_out_leaves_nothing_to_go_back_to(visit):
    page = visit.page
    page.wait_for_load_state("networkidle")
    visit.context.clear_cookies()  # a session of its own: the other visits go on with theirs
    visit.sign_in()
    page.get_by_role("button", name="Logga ut").click()
    expect(page.get_by_role("heading", name="Logga in")).to_be_visible()
    page.goto("/")
    expect(page.get_by_role("heading", name="Logga in")).to_be_visible()


def test_the_map_draws_without_a_graphics_card(no_graphics):
    no_graphics.page.wait_for_timeout(500)
    on_map = no_graphics.page.evaluate(COLOURS_ON_THE_MAP)
    assert len(on_map) > 20
    assert LINES in on_map
