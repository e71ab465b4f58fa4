"""Around the schools and nightlife as people meet them: by mouse, by keyboard, without scripts."""

import re
from itertools import product

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW, WIDE

pytestmark = pytest.mark.browser

PATHS = ("/skolor", "/skolor?skola=20", "/nattliv", "/nattliv?helg=2026-W40")
SEEN = """
() => [...document.querySelectorAll("#map canvas")].some((canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Set();
  for (let i = 0; i < data.length; i += 4) seen.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
  return seen.size > 20;
})
"""


@pytest.mark.parametrize("path", PATHS)
def test_an_analysts_page_draws_its_map_without_a_complaint(visit, path):
    visit.go(path)
    assert visit.page.evaluate(SEEN)
    expect(visit.page.locator("#legend")).not_to_be_empty()
    expect(visit.page.locator("#message")).to_be_hidden()


@pytest.mark.parametrize("path", ["/skolor", "/nattliv"])
def test_a_planners_page_draws_the_releases_map(planner, path):
    planner.go(path)
    assert planner.page.evaluate(SEEN)
    listed = planner.page.locator("#legend li[data-from]")
    assert listed.count() > 0
    expect(planner.page.locator(".explain p")).to_have_count(2)


def test_three_clicks_lead_from_the_start_page_to_a_school(visit):
    page = visit.page
    page.get_by_role("link", name="Runt skolan").click()
    visit.settle()
    page.locator("#ranking").get_by_role("link", name="Rinmangymnasiet").click()
    visit.settle()
    expect(page.get_by_role("heading", level=2, name="Rinmangymnasiet")).to_be_visible()
    assert page.locator("#rings tbody tr").count() == 3
    address = page.url
    visit.go(address)
    expect(page.get_by_label("Skola", exact=True)).to_have_value(
        re.search(r"skola=(\d+)", address)[1]
    )


def test_the_legend_counts_the_zones_that_the_list_gives_a_number(visit):
    visit.go("/skolor")
    page = visit.page
    listed = page.locator("#ranking tbody tr").count()
    zones = page.locator("#legend li[data-from]").evaluate_all(
        "(all) => all.map((li) => Number(li.dataset.cells)).reduce((a, b) => a + b, 0)"
    )
    assert zones == listed


def test_a_click_on_a_zone_leads_to_its_school(visit):
    visit.go("/skolor?typ=tema-vald")
    page = visit.page
    box = page.locator("#map").bounding_box()
    for x, y in product(range(20, int(box["width"]), 20), range(20, int(box["height"]), 20)):
        page.mouse.move(box["x"] + x, box["y"] + y)
        if page.locator("#map").evaluate("(map) => map.style.cursor") == "pointer":
            page.mouse.click(box["x"] + x, box["y"] + y)
            break
    page.wait_for_url("**skola=**")


def test_a_weekend_is_chosen_and_left_by_keyboard_alone(visit):
    visit.go("/nattliv")
    page = visit.page
    link = page.locator("#nights").get_by_role("link").nth(1)
    name = link.inner_text()
    link.focus()
    page.keyboard.press("Enter")
    visit.settle()
    expect(
        page.get_by_role("heading", level=2, name=re.compile(name, re.IGNORECASE))
    ).to_be_visible()
    back = page.get_by_role("link", name="Visa de senaste 12 helgerna")
    back.focus()
    page.keyboard.press("Enter")
    visit.settle()
    assert page.locator("#nights tbody tr").count() == 24


def test_the_table_of_hours_adds_up_to_the_weight_of_its_nights(visit):
    visit.go("/nattliv?typ=misshandel&omrade=1")
    page = visit.page
    rows = page.locator("#hours tbody tr").evaluate_all(
        "(all) => all.map((row) => [...row.cells].map((cell) => cell.innerText.trim()))"
    )
    for row in rows:
        parts = [float(cell.replace(",", ".")) for cell in row[1:4]]
        assert parts[0] + parts[1] == pytest.approx(parts[2], abs=0.11)
    bars = page.locator("#hours svg.bar rect").evaluate_all(
        "(all) => all.map((bar) => Number(bar.getAttribute('width')))"
    )
    assert max(bars) == 100


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_wider_than_a_telephone(narrow, path):
    narrow.go(path)
    assert narrow.page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]


@pytest.mark.parametrize("path", ["/skolor", "/skolor?skola=20", "/nattliv"])
def test_what_a_planner_sees_is_no_wider_than_a_telephone(planner, path):
    planner.page.set_viewport_size(NARROW)
    planner.go(path)
    assert planner.page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]


@pytest.mark.parametrize("path", PATHS)
def test_the_map_needs_no_graphics_card(no_graphics, path):
    no_graphics.go(path)
    assert no_graphics.page.evaluate(SEEN)


@pytest.mark.parametrize("path", PATHS)
def test_without_scripts_table_picture_and_choices_are_there(browser, site, session, path):
    context = browser.new_context(
        java_script_enabled=False, base_url=site.address, storage_state=session, viewport=WIDE
    )
    page = context.new_page()
    page.goto(path)
    picture = page.locator(".task-map svg[role=img]")
    expect(picture).to_be_visible()
    assert len(picture.get_attribute("aria-label")) > 20
    assert page.locator("table").count() >= 1
    page.get_by_role("button", name="Visa", exact=True).click()
    expect(page.locator("table").first).to_be_visible()
    context.close()


def test_both_pages_go_on_paper_without_their_choices(visit):
    for path in ("/skolor?skola=20", "/nattliv"):
        visit.go(path)
        visit.page.emulate_media(media="print")
        expect(visit.page.locator("#choices")).to_be_hidden()
        expect(visit.page.locator("table").first).to_be_visible()
        expect(visit.page.locator("#map")).to_be_visible()
        visit.page.emulate_media(media="screen")
