"""Safety walks, the plan and kept links as people meet them, in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from pipelines.demo import USERS
from pipelines.roles import ANALYST, COORDINATOR, PLANNER
from tests.browser.conftest import NARROW, WIDE, Visit

pytestmark = pytest.mark.browser

WALKS = "/pa-plats"


@pytest.fixture(scope="module")
def states(browser, site, session):
    """Sign a planner and a coordinator in, once."""
    found = {ANALYST: session}
    for role in (PLANNER, COORDINATOR):
        one = Visit(browser, site, WIDE)
        one.page.goto("/logga-in")
        one.page.get_by_label("Användarnamn").fill(USERS[role])
        one.page.get_by_label("Lösenord").fill(site.password)
        one.page.get_by_role("button", name="Logga in").click()
        one.page.wait_for_url("**/")
        found[role] = one.context.storage_state()
        one.context.close()
    return found


@pytest.fixture
def come(browser, site, states):
    """Open a page as somebody; afterwards nothing may have been complained of."""
    visits = []

    def open_page(role, path, viewport=WIDE):
        one = Visit(browser, site, viewport, states[role])
        visits.append(one)
        one.page.goto(path)
        if path.startswith(WALKS):
            one.settle()
        return one.page

    yield open_page
    for one in visits:
        one.context.close()
        assert one.complaints == []
        assert one.foreign == []


def rows(page, table="seen-rows"):
    return page.locator(f"#{table} tbody tr")


@pytest.mark.parametrize("role", [ANALYST, PLANNER, COORDINATOR])
def test_a_choice_is_shown_at_once_and_the_address_brings_it_back(come, role):
    page = come(role, WALKS)
    page.get_by_label("Observation", exact=True).select_option("gangtunnel")
    page.wait_for_url(re.compile("typ_obs=gangtunnel"))
    expect(page.locator("#map")).to_have_attribute("aria-busy", "false")
    kinds = set(rows(page).locator("th").all_inner_texts())
    assert kinds == {"Gångtunnel"}
    lead = page.locator("#lead").inner_text()
    again = come(role, page.url.removeprefix(page.evaluate("location.origin")))
    expect(again.locator("#lead")).to_have_text(lead)
    expect(again.get_by_label("Observation", exact=True)).to_have_value("gangtunnel")


def test_the_legend_counts_the_cells_that_are_drawn(come):
    page = come(ANALYST, WALKS)
    counts = page.evaluate(
        """async () => {
          const found = await fetch("/ogc/collections/cells/items?limit=10000&resolution=9");
          return (await found.json()).features.map((one) => one.properties.count);
        }"""
    )
    lines = page.locator("#legend li[data-from]")
    shown = [
        (
            float(line.get_attribute("data-from")),
            float(line.get_attribute("data-to").replace("Infinity", "inf")),
            int(line.get_attribute("data-cells")),
        )
        for line in lines.all()
    ]
    assert sum(many for *_, many in shown) == len(counts)
    for low, high, many in shown:
        assert many == sum(low <= count <= high for count in counts)


@pytest.mark.parametrize("role", [ANALYST, PLANNER])
def test_a_place_and_an_observation_are_found_on_the_map_by_keyboard(come, role):
    page = come(role, WALKS)
    for table in ("places", "seen-rows"):
        first = rows(page, table).first
        first.locator("button.row-name").focus()
        page.keyboard.press("Enter")
        expect(first).to_have_class(re.compile("chosen"))


def test_a_telephone_shows_everything_without_sideways_scrolling(come):
    for role in (ANALYST, COORDINATOR):
        page = come(role, f"{WALKS}?ljus=morkt", NARROW)
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
        expect(page.locator("#walked")).to_be_visible()


def test_without_scripts_there_is_a_picture_and_the_same_tables(browser, site, states):
    context = browser.new_context(
        viewport=WIDE,
        base_url=site.address,
        storage_state=states[PLANNER],
        java_script_enabled=False,
    )
    page = context.new_page()
    page.goto(f"{WALKS}?omrade=priority-arby")
    picture = page.get_by_role("img", name=re.compile("Stillbild av kartan med"))
    expect(picture).to_be_visible()
    assert rows(page).count() > 0
    page.get_by_label("Ljus").select_option("morkt")
    page.get_by_role("button", name="Visa").click()
    assert "ljus=morkt" in page.url
    page.goto("/plan")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Åtgärdsplanen"))
    context.close()


def test_on_paper_every_row_is_there_and_no_control(come):
    page = come(PLANNER, WALKS)
    page.emulate_media(media="print")
    expect(page.locator("#choices")).not_to_be_visible()
    box = page.locator(".tall")
    assert box.evaluate("(one) => one.scrollHeight <= one.clientHeight + 1")
    expect(page.locator("#walked")).to_be_visible()


def csrf(page):
    return page.locator('input[name="csrf"]').first.get_attribute("value")


def test_a_place_is_added_seen_by_another_role_taken_off_and_put_back(come):
    analyst, planner = come(ANALYST, "/plan"), come(PLANNER, "/plan")
    cells = analyst.evaluate(
        """async () => (await (await fetch("/ogc/collections/cells/items?limit=1")).json())
          .features[0].id"""
    )
    added = analyst.evaluate(
        """async ([token, cell]) => {
          const body = new URLSearchParams({ csrf: token, vald: `cells:${cell}`, typ: "klotter" });
          const headers = { Accept: "application/json" };
          return (await fetch("/plan", { method: "POST", body, headers })).json();
        }""",
        [csrf(analyst), cells],
    )
    assert added["outcome"] == "added"
    analyst.goto(added["href"])
    analyst.reload()
    row = analyst.locator(f"#rad-{added['id']}")
    expect(row.locator("th a")).to_have_attribute("href", re.compile(f"vald=cells:{cells}"))
    planner.reload()
    theirs = planner.locator(f"#rad-{added['id']}")
    expect(theirs).to_contain_text("Vilken del visas bara för analytiker.")
    assert cells not in planner.content()
    theirs.get_by_role("button", name="Ta bort").click()
    expect(planner.get_by_role("status")).to_contain_text("Borttagen ur åtgärdsplanen")
    expect(planner.locator(f"#rad-{added['id']}")).to_have_count(0)
    planner.get_by_role("button", name="Ångra").click()
    expect(planner.locator(f"#rad-{added['id']}")).to_have_count(1)
    planner.locator(f"#rad-{added['id']}").get_by_role("button", name="Ta bort").click()


def test_a_view_is_kept_and_opened_by_its_name(come):
    page = come(COORDINATOR, "/vyer?adress=/pa-plats%3Fljus%3Dmorkt")
    page.get_by_label("Namn").fill("Mörkret")
    page.get_by_role("button", name="Spara vy").click()
    expect(page.get_by_role("status")).to_have_text("Vyn är sparad: Mörkret.")
    page.get_by_role("link", name="Mörkret").click()
    page.wait_for_url("**/pa-plats?ljus=morkt")
    expect(page.get_by_label("Ljus")).to_have_value("morkt")
    other = come(PLANNER, "/vyer")
    assert "Mörkret" not in other.content()


@pytest.mark.parametrize("path", ["/plan", "/vyer"])
def test_lists_fit_on_a_telephone(come, path):
    page = come(PLANNER, path, NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
