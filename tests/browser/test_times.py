"""Hot times and change as people meet them: by mouse, by keyboard, small, without scripts."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW

pytestmark = pytest.mark.browser

HOUR = '#matrix td[data-hour="{}"]'
SATURDAY_NIGHT = 120  # Saturday 00-01
ON_MAP = """
() => JSON.parse(document.getElementById("cells").textContent).features
  .reduce((sum, one) => sum + one.properties.count, 0)
"""
NO_SIDEWAYS = "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"


def asked(visit, pattern):
    """Wait for the answer to a choice."""
    expect(visit.page).to_have_url(re.compile(pattern))
    visit.settle()


def said(visit, name):
    return int(visit.page.locator("#said").get_attribute(f"data-{name}"))


def agree(visit):
    """Hold matrix, sentence and map against each other."""
    page = visit.page
    lit = [int(one.get_attribute("data-count")) for one in page.locator("#matrix td.lit").all()]
    assert sum(lit) + said(visit, "spread") == said(visit, "total")
    assert page.evaluate(ON_MAP) == said(visit, "mapped")


def test_an_hour_chosen_by_pointer_shows_its_cells_and_the_link_restores_it(visit):
    visit.go("/nar")
    page = visit.page
    page.locator(HOUR.format(SATURDAY_NIGHT)).click()
    asked(visit, rf"timmar={SATURDAY_NIGHT}$")
    agree(visit)
    address, shown = page.url, page.locator("#said").inner_text()
    page.locator(HOUR.format(SATURDAY_NIGHT + 2)).click(modifiers=["Shift"])
    asked(visit, rf"timmar={SATURDAY_NIGHT}-{SATURDAY_NIGHT + 2}")
    agree(visit)
    page.go_back()
    asked(visit, rf"timmar={SATURDAY_NIGHT}$")
    expect(page.locator("#said")).to_have_text(shown)
    visit.go(address)
    expect(page.locator("#said")).to_have_text(shown)
    expect(page.locator("#matrix td.lit")).to_have_count(1)


def test_the_keyboard_alone_chooses_a_range_of_hours_and_takes_it_off(visit):
    visit.go("/nar")
    page = visit.page
    page.locator(HOUR.format(0)).focus()
    for key in ("ArrowRight", "ArrowDown", "Shift+ArrowRight", "Shift+ArrowDown"):
        page.keyboard.press(key)
    asked(visit, "timmar=25-26,49-50")
    expect(page.locator(HOUR.format(50))).to_be_focused()
    expect(page.locator('#matrix td[aria-selected="true"]')).to_have_count(4)
    agree(visit)
    page.keyboard.press("Escape")
    asked(visit, r"/nar\??$")
    expect(page.locator("#matrix td.lit")).to_have_count(0)


def test_a_cell_chosen_on_the_map_shows_its_matrix(visit):
    visit.go("/nar?rutor=8&omrade=6")
    page = visit.page
    whole = int(page.locator("#matrix").get_attribute("data-total"))
    box = page.locator("#map").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    asked(visit, "vald=cells:8")
    expect(page.get_by_role("heading", name="Timme för timme i den valda rutan")).to_be_visible()
    part = int(page.locator("#matrix").get_attribute("data-total"))
    assert 0 < part < whole
    page.locator("#clear").get_by_role("link", name="Visa alla rutor i tabellen").click()
    expect(page.get_by_role("heading", name="Timme för timme", exact=True)).to_be_visible()


def test_a_peak_and_a_window_are_chosen_by_their_links(visit):
    visit.go("/nar")
    page = visit.page
    page.locator(".pick-line").first.click()
    asked(visit, "timmar=")
    agree(visit)
    page.get_by_role("link", name="Helgnatt").first.click()
    asked(visit, "fonster=helgnatt")
    assert page.evaluate(ON_MAP) == said(visit, "mapped") > 0


def test_a_planner_chooses_blocks_and_places_and_never_meets_an_hour(planner):
    planner.go("/nar")
    page = planner.page
    page.locator("#places thead").get_by_role("link", name="Helgnatt").click()
    asked(planner, "fonster=helgnatt")
    page.locator("#places").get_by_role("link", name="Årby").click()
    asked(planner, "vald=priority-arby")
    expect(page.get_by_role("heading", name="Veckan i block: Årby")).to_be_visible()
    assert page.locator("#matrix").count() == 0


def test_two_periods_are_swept_with_the_arrow_keys_and_the_link_keeps_the_way(visit):
    visit.go("/utveckling")
    page = visit.page
    page.get_by_role("radio", name="Svep").check()
    expect(page).to_have_url(re.compile("visa=svep"))
    page.get_by_role("slider").focus()
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    assert page.locator("#map-after").evaluate("(one) => one.style.clipPath").endswith(" 40%)")
    page.get_by_role("radio", name="Skillnad").check()
    visit.go(page.url)
    expect(page.locator("#map-difference")).to_be_visible()
    expect(page.locator("#map-after")).to_be_hidden()
    expect(page.locator("#legend ol li")).to_have_count(3)


def test_two_maps_share_one_view(visit):
    visit.go("/utveckling")
    page = visit.page
    bars = [page.locator(f"#{name} .ol-scale-line-inner") for name in ("map", "map-after")]
    first = bars[0].inner_text()
    page.locator("#map .ol-zoom-in").click()
    expect(bars[0]).not_to_have_text(first)
    expect(bars[1]).to_have_text(bars[0].inner_text())


@pytest.mark.parametrize("path", ["/nar", "/utveckling"])
def test_a_telephone_shows_everything_without_moving_sideways(narrow, path):
    narrow.go(path)
    assert narrow.page.evaluate(NO_SIDEWAYS)
    expect(narrow.page.locator("#map")).to_be_visible()


@pytest.mark.parametrize("path", ["/nar?timmar=120-123", "/utveckling"])
def test_without_scripts_tables_pictures_and_forms_are_there(browser, site, session, path):
    context = browser.new_context(
        base_url=site.address, viewport=NARROW, java_script_enabled=False, storage_state=session
    )
    page = context.new_page()
    page.goto(path)
    expect(page.locator(".task-map svg").first).to_be_visible()
    expect(page.locator("#answer table").first).to_be_visible()
    page.get_by_label("Område", exact=True).select_option(label="Årby")
    page.get_by_role("button", name="Visa").first.click()
    expect(page).to_have_url(re.compile("omrade="))
    expect(page.locator(".asked")).to_contain_text("Årby")
    context.close()
