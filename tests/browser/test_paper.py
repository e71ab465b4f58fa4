"""Every page of a task on paper and as a picture: whole, inside the sheet, and with its frame."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import WHOM_TO_ASK

pytestmark = pytest.mark.browser

POINTS_A_MM = 72 / 25.4
PIXELS_A_MM = 96 / 25.4
MARGIN_MM = 10
PAPER_MM = {
    "a4-wide": (297, 210),
    "a4-tall": (210, 297),
    "a3-wide": (420, 297),
    "a3-tall": (297, 420),
}
MOST_PAGES = 5
MOST_ROWS = 25
PAGES = {
    "/nar": ("När händer det?", "a4-wide", "a3-tall"),
    "/skolor": ("Runt skolan", "a4-tall", "a4-wide"),
    "/nattliv": ("Nattliv", "a4-wide", "a4-tall"),
    "/pa-plats": ("Vad ser vi på plats?", "a4-tall", "a4-wide"),
    "/utveckling": ("Har det blivit bättre?", "a4-wide", "a3-wide"),
}
# What sticks out over the sheet's edges, and the ends of what the first page must hold.
OUTSIDE = """
() => [...document.querySelectorAll(".answer *")].filter((one) => {
  const box = one.getBoundingClientRect();
  const seen = one.checkVisibility() && box.width > 1 && !one.closest(".ol-viewport, svg, .unseen");
  return seen && (box.left < -0.5 || box.right > document.body.getBoundingClientRect().right + 0.5);
}).map((one) => `${one.tagName} ${one.id} ${one.className}`)
"""
ENDS = """
() => [".sheet-head", ".sheet-foot", "#map"].map((each) => {
  const one = document.querySelector(each);
  return one.getBoundingClientRect().bottom + scrollY;
})
"""
ROWS = """
() => Math.max(...[...document.querySelectorAll(".answer table")].map((table) =>
  [...table.querySelectorAll("tbody tr")].filter((row) => row.checkVisibility()).length))
"""


def lay_out(page, paper):
    """Choose a paper in the dialog, and stop where the browser would print."""
    page.evaluate("() => { window.print = () => document.body.setAttribute('data-printed', '') }")
    page.get_by_role("button", name="Skriv ut").click()
    size, way = paper.split("-")
    page.get_by_label(size.upper()).check()
    page.get_by_label({"wide": "Liggande", "tall": "Stående"}[way]).check()
    page.get_by_role("dialog").get_by_role("button", name="Skriv ut").click()
    expect(page.locator("body[data-printed]")).to_be_attached()


def on_paper(visit, path, title, paper):
    visit.go(path)
    page = visit.page
    expect(page.locator("#legend")).not_to_be_empty()
    lay_out(page, paper)
    wide, high = PAPER_MM[paper]
    assert page.evaluate(OUTSIDE) == []
    body = page.locator("body").bounding_box()
    assert body["width"] <= (wide - 2 * MARGIN_MM) * PIXELS_A_MM
    assert max(page.evaluate(ENDS)) <= (high - 2 * MARGIN_MM) * PIXELS_A_MM
    assert page.evaluate(ROWS) <= MOST_ROWS
    said = page.locator(".answer").inner_text()
    for word in (title, "SYNTETISKA", "Källa", "uppdaterad senast", "Metod", WHOM_TO_ASK):
        assert word in said
    assert re.search(
        r"20\d\d", page.locator(".answer .asked, .answer h2.first").all_inner_texts()[0] + said
    )
    assert re.search(r"\d+ (händelser|observationer)|Händelser|Antal", said)
    assert not re.search(r"[.:][A-ZÅÄÖ]", page.locator("#sheet-foot").inner_text())
    for shown in (".sheet-title", ".ol-scale-line", ".map-north", "#legend"):
        expect(page.locator(shown).first).to_be_visible()
    for hidden in ("#tools", "#choices", ".top", ".ol-zoom"):
        expect(page.locator(hidden).first).to_be_hidden()
    sharp = page.evaluate("document.querySelector('#map canvas').width / map.clientWidth")
    assert sharp == pytest.approx(2, abs=0.1)
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", page.pdf(prefer_css_page_size=True))
    assert 1 <= len(boxes) <= MOST_PAGES
    for box in boxes:
        assert [float(side) / POINTS_A_MM for side in box] == pytest.approx((wide, high), abs=1)
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(page.locator("#tools")).to_be_visible()
    assert page.evaluate("map.querySelectorAll('.ol-viewport').length") == 1


@pytest.mark.parametrize("path", PAGES)
def test_a_planners_answer_goes_on_paper_with_its_frame(planner, path):
    title, paper, _ = PAGES[path]
    on_paper(planner, path, title, paper)


@pytest.mark.parametrize("path", PAGES)
def test_an_analysts_answer_goes_on_paper_with_its_frame(visit, path):
    title, _, paper = PAGES[path]
    on_paper(visit, path, title, paper)


def test_the_browsers_own_command_prints_the_same_sheet(planner):
    planner.go("/nar")
    page = planner.page
    at = page.evaluate("location.search")
    printed = page.pdf(prefer_css_page_size=True)
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed)
    assert boxes
    wide, high = (float(side) / POINTS_A_MM for side in boxes[0])
    assert (wide, high) == pytest.approx(PAPER_MM["a4-wide"], abs=1)
    expect(page.locator("#tools")).to_be_visible()
    assert page.evaluate("location.search") == at


def test_a_long_list_says_how_much_more_the_page_has(visit):
    rows = visit.page.locator("#rows tbody tr")
    every = rows.count()
    assert every > MOST_ROWS
    lay_out(visit.page, "a4-wide")
    assert rows.locator("visible=true").count() == MOST_ROWS
    expect(visit.page.locator("#rows .more-rows")).to_have_text(
        f"+ {every - MOST_ROWS} rader till, se sidan."
    )
    visit.page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(visit.page.locator("#rows .more-rows")).to_have_count(0)
    assert rows.locator("visible=true").count() == every


@pytest.mark.parametrize("path", ["/utveckling?visa=svep", "/nattliv"])
def test_the_map_of_a_task_is_saved_as_a_picture(planner, tmp_path, path):
    planner.go(path)
    page = planner.page
    page.get_by_text("Spara", exact=True).click()
    with page.expect_download() as found:
        page.get_by_role("button", name="Spara bild").click()
    saved = tmp_path / "bild.png"
    found.value.save_as(saved)
    assert re.fullmatch(r"lagesbild-\d{4}-\d\d-\d\d\.png", found.value.suggested_filename)
    picture = saved.read_bytes()
    wide, high = (int.from_bytes(picture[at : at + 4], "big") for at in (16, 20))
    box = page.locator("#map").bounding_box()
    assert wide >= 2 * box["width"]
    assert high > 2 * box["height"] + 200


def test_a_view_of_a_task_is_kept_with_its_whole_address(planner):
    planner.go("/utveckling?visa=skillnad&typ=tema-vald")
    page = planner.page
    page.get_by_text("Sparade vyer", exact=True).click()
    page.get_by_label("Namn på den här vyn").fill("Våldet mot i fjol")
    page.get_by_role("button", name="Spara vyn").click()
    kept = page.locator("#views-list a", has_text="Våldet mot i fjol")
    expect(kept).to_have_attribute("href", re.compile(r"^/utveckling\?"))
    words = kept.get_attribute("href").partition("?")[2].split("&")
    assert {"visa=skillnad", "typ=tema-vald"} <= set(words)
    page.get_by_role("button", name="Ta bort Våldet mot i fjol").click()
    expect(kept).to_have_count(0)
