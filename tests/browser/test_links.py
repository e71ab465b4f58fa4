"""Links and the way back: what an address says is what the page, its form and its map show."""

import re
from itertools import product
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

CELL = "cells:890886998cbffff"  # in Årby


def form(page):
    """Give what the form shows."""
    boxes = "(all) => Object.fromEntries(all.map((one) => [one.name, one.value]))"
    return page.locator("#choices select").evaluate_all(boxes)


def brought_back(page):
    """Do as a browser does that kept the whole page: its form is as somebody left it."""
    page.evaluate(
        "dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))",
    )


@pytest.mark.parametrize("path", ["/", "/nar"])
@pytest.mark.parametrize("who", ["visit", "planner"])
def test_after_the_back_button_the_form_says_what_the_address_asks(request, who, path):
    visit = request.getfixturevalue(who)
    page = visit.page
    visit.go(path)
    before = form(page)
    page.get_by_label("Område", exact=True).select_option(label="Årby")
    page.wait_for_url(re.compile("omrade="))
    visit.settle()
    assert form(page) != before
    page.go_back()
    page.wait_for_url(lambda url: "omrade=" not in url)
    visit.settle()
    assert form(page) == before
    page.locator("#omrade").evaluate("(box) => { box.selectedIndex = 2; }")
    brought_back(page)
    assert form(page) == before


@pytest.mark.parametrize("view", ["", "&vy=16.3000_59.2000_20.00"])
@pytest.mark.parametrize("who", ["visit", "planner"])
def test_what_a_link_has_chosen_is_seen_beside_its_card(request, who, view):
    visit = request.getfixturevalue(who)
    page = visit.page
    visit.go(f"/?vald={CELL}{view}")
    expect(page.locator("#rows tr.chosen")).to_have_count(1)
    page.wait_for_timeout(600)
    at = [float(each) for each in parse_qs(urlsplit(page.url).query)["vy"][0].split("_")]
    placed = page.locator("#rows tr.chosen").get_attribute("data-at").split(",")
    east = (float(placed[0]) - at[0]) * 56_700 / at[2]  # pixels from the middle of the map
    south = (at[1] - float(placed[1])) * 111_300 / at[2]
    box, card = page.locator("#map").bounding_box(), page.locator("#card").bounding_box()
    x, y = box["x"] + box["width"] / 2 + east, box["y"] + box["height"] / 2 + south
    assert box["x"] < x < card["x"]
    assert box["y"] < y < box["y"] + box["height"]


def test_a_planner_is_led_from_an_analysts_cell_to_the_place_that_holds_it(planner):
    page = planner.page
    planner.go(f"/?vald={CELL}")
    expect(page.locator("#card-title")).to_have_text("Årby")
    expect(page.locator("#card .kind")).to_have_text(
        "Länken gällde en ruta; du ser platsen den ligger i."
    )
    expect(page.locator("#rows tr.chosen .go")).to_have_text("Årby")


@pytest.mark.parametrize("who", ["visit", "planner"])
def test_the_buttons_on_the_map_choose_an_area_as_the_form_does(request, who):
    visit = request.getfixturevalue(who)
    page = visit.page
    page.locator("#spots").get_by_role("button", name="Årby", exact=True).click()
    page.wait_for_url(re.compile("omrade="))
    visit.settle()
    expect(page.get_by_label("Område", exact=True).locator("option:checked")).to_have_text("Årby")
    expect(page.locator("#spots button[aria-pressed=true]")).to_have_text("Årby")
    expect(page.locator("#summary")).to_contain_text("Årby")


def test_whoever_signed_out_elsewhere_is_told_so(visit):
    page = visit.page
    page.wait_for_load_state("networkidle")
    visit.context.clear_cookies()  # a session of its own: the other visits go on with theirs
    visit.sign_in()
    other = visit.context.new_page()
    other.goto("/")
    other.get_by_role("button", name="Logga ut").click()
    expect(other.get_by_role("heading", name="Logga in")).to_be_visible()
    page.get_by_role("link", name="När", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text(
        "Du har loggats ut. Logga in igen för att fortsätta."
    )
    visit.complaints.clear()


TASKS = ("/nar", "/utveckling", "/nattliv", "/skolor", "/pa-plats")


def scale_bar(page):
    return page.locator("#map .ol-scale-line-inner")


@pytest.mark.parametrize("path", TASKS)
@pytest.mark.parametrize("who", ["visit", "planner"])
def test_the_address_keeps_where_the_map_of_a_task_looks(request, who, path):
    visit = request.getfixturevalue(who)
    page = visit.page
    visit.go(path)
    assert "vy=" not in page.url
    first = scale_bar(page).inner_text()
    page.locator("#map .ol-zoom-in").click()
    page.wait_for_url(re.compile("vy="))
    expect(scale_bar(page)).not_to_have_text(first)
    seen, address = scale_bar(page).inner_text(), page.url
    visit.go(address)
    expect(scale_bar(page)).to_have_text(seen)
    assert page.url == address
    expect(page.locator(".choices .hint-flag")).to_have_count(passed_over(visit, path))


def passed_over(visit, path):
    """Count what the page says of its link without a view."""
    page = visit.context.new_page()
    page.goto(path)
    count = page.locator(".choices .hint-flag").count()
    page.close()
    return count


@pytest.mark.parametrize("who", ["visit", "planner"])
def test_a_row_chosen_on_the_spot_stands_in_the_address_and_the_back_button_undoes_it(request, who):
    visit = request.getfixturevalue(who)
    page = visit.page
    visit.go("/pa-plats")
    rows = page.locator("#places tbody tr")
    for n in (0, 1):
        rows.nth(n).locator("button.row-name").click()
        expect(rows.nth(n)).to_have_class(re.compile("chosen"))
    address = page.url
    assert "vald=" in address
    page.go_back()
    expect(rows.nth(0)).to_have_class(re.compile("chosen"))
    page.go_back()
    expect(page.locator("tr.chosen")).to_have_count(0)
    visit.go(address)
    expect(rows.nth(1)).to_have_class(re.compile("chosen"))


@pytest.mark.parametrize("who", ["visit", "planner"])
def test_the_back_button_closes_the_card_and_returns_to_the_former_place(request, who):
    visit = request.getfixturevalue(who)
    page = visit.page
    rows = page.locator("#rows tr[data-key]")
    titles = []
    for n in (0, 1):
        rows.nth(n).locator(".go").click()
        expect(rows.nth(n)).to_have_class(re.compile("chosen"))
        expect(page.locator("#card .kind")).to_be_visible()
        titles.append(page.locator("#card-title").inner_text())
        page.wait_for_timeout(400)  # the map is on its way there
    page.go_back()
    expect(page.locator("#card-title")).to_have_text(titles[0])
    page.go_back()
    expect(page.locator("#card")).to_be_hidden()
    page.go_forward()
    expect(page.locator("#card-title")).to_have_text(titles[0])


def test_the_edge_between_two_periods_stands_in_the_address(visit):
    page = visit.page
    visit.go("/utveckling?visa=svep")
    page.get_by_role("slider").focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    page.wait_for_url(re.compile("kant=45"))
    visit.go(page.url)
    expect(page.get_by_role("slider")).to_have_value("45")
    page.get_by_label("Område", exact=True).select_option(label="Årby")
    page.wait_for_url(re.compile("omrade=.*kant=45"))
    visit.settle()
    expect(page.get_by_role("slider")).to_have_value("45")


def test_two_quick_choices_are_both_kept(visit):
    page = visit.page
    visit.go("/nar")
    page.route("**/nar?*", lambda route: (page.wait_for_timeout(300), route.continue_())[1])
    page.evaluate(
        """() => {
          document.querySelector('#matrix td[data-hour="120"]').click();
          document.querySelector("#busiest a").click();
        }"""
    )
    page.wait_for_url(re.compile("vald=cells:"))
    assert "timmar=120" in page.url
    visit.settle()
    expect(page.locator("#matrix td.lit")).to_have_count(1)


def test_of_two_lists_asked_for_in_a_row_the_last_one_is_shown(planner):
    page = planner.page
    answers = []

    def slowly(route):
        answers.append(route)
        if len(answers) == 2:
            answers[1].continue_()
            page.wait_for_timeout(400)
            answers[0].continue_()

    page.route("**/karta/lista?*", slowly)
    page.evaluate(
        """() => {
          document.querySelector("#tab-physical").click();
          document.querySelector("#tab-places").click();
        }"""
    )
    expect(page.locator("#tab-places")).to_have_attribute("aria-selected", "true")
    page.wait_for_timeout(800)
    expect(page.locator("#rows caption")).not_to_contain_text("Fasta")


@pytest.mark.parametrize("who", ["session", "planner_session"])
def test_without_scripts_another_list_keeps_the_choices(request, browser, site, who):
    context = browser.new_context(
        java_script_enabled=False,
        base_url=site.address,
        storage_state=request.getfixturevalue(who),
    )
    page = context.new_page()
    page.goto("/?typ=tema-vald&period=2025")
    page.get_by_role("tab").nth(1).click()
    asked = parse_qs(urlsplit(page.url).query)
    assert (asked["typ"], asked["period"]) == (["tema-vald"], ["2025"])
    assert asked["lista"]
    context.close()


def choose_theme(page):
    page.locator("#typ").select_option(index=2)


def choose_hour(page):
    page.locator('#matrix td[data-hour="120"]').click()


def choose_block(page):
    page.get_by_text("Visa gränserna för varje tid").click()
    page.locator("#places thead a").first.click()


OFFLINE = [
    *product(["visit", "planner"], ["/", "/utveckling", "/pa-plats"], [choose_theme]),
    ("visit", "/nar", choose_hour),
    ("planner", "/nar", choose_block),
    *product(["visit", "planner"], ["/nar"], [choose_theme]),
]


@pytest.mark.parametrize(("who", "path", "choose"), OFFLINE)
def test_without_a_network_the_page_stays_says_so_and_can_be_asked_again(
    request, who, path, choose
):
    visit = request.getfixturevalue(who)
    page = visit.page
    visit.go(path)
    page.wait_for_load_state("networkidle")
    address = page.url
    visit.context.set_offline(True)
    choose(page)
    message = page.locator("#message")
    expect(message).to_contain_text("Servern svarar inte. Kontrollera nätet och försök igen.")
    expect(page.locator("#legend")).not_to_be_empty()
    expect(page.locator("table:visible").first).to_be_visible()
    visit.complaints.clear()  # the browser itself notes the failed request
    visit.context.set_offline(False)
    message.get_by_role("button", name="Försök igen").click()
    expect(page).not_to_have_url(address)
    visit.settle()
    expect(page.locator("#message")).to_be_hidden()
