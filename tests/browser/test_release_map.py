"""The map as planners, the field and the meeting room have it: telephone, paper, no scripts."""

import re
import struct
import zlib
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from pipelines.colours import BOUNDED, COUNTS
from tests.browser.conftest import WIDE, visited

pytestmark = pytest.mark.browser

RELEASE = "/ogc/collections/release/items?limit=1000&detail=zone"
PAPER_MM = {"a4-wide": (297, 210), "a4-tall": (210, 297), "a3-wide": (420, 297)}
POINTS_A_MM = 72 / 25.4


def chosen(page):
    return {name: found[0] for name, found in parse_qs(urlsplit(page.url).query).items()}


def features(page, path):
    return page.evaluate("(path) => fetch(path).then((r) => r.json())", path)["features"]


def listed(page):
    return dict(
        page.locator("#rows tr[data-key]").evaluate_all(
            "(all) => all.map((tr) => [tr.dataset.key, Number(tr.dataset.count)])"
        )
    )


def test_the_planners_list_map_and_legend_are_the_release(planner):
    page = planner.page
    told = {one["id"]: one["properties"] for one in features(page, RELEASE)}
    assert listed(page) == {key: one["count"] for key, one in told.items()}
    coloured = [one for one in told.values() if one["kind"] not in ("rest", "unknown", "several")]
    legend = page.locator("#legend li[data-from]").evaluate_all(
        "(all) => all.map((li) => Number(li.dataset.cells))"
    )
    assert sum(legend) == len(coloured) > 0
    assert planner.count() == sum(one["count"] for one in told.values())


def test_a_planner_opens_a_card_from_the_list_the_map_and_the_keyboard(planner):
    page = planner.page
    page.locator("#rows .go").first.click()
    title = page.locator("#card-title")
    expect(title).to_be_focused()
    first = title.inner_text()
    key = chosen(page)["vald"]
    assert "." in key
    page.keyboard.press("Escape")
    expect(page.locator("#card")).to_be_hidden()
    expect(page.locator("#rows .go").first).to_be_focused()
    page.get_by_role("button", name="Fröslunda", exact=True).click()
    page.wait_for_url(re.compile("omrade=priority-froslunda"))
    planner.settle()
    page.wait_for_timeout(500)
    page.locator("#map").focus()
    page.keyboard.press("Enter")  # what lies in the middle of the map
    expect(title).to_have_text("Fröslunda")
    page.get_by_role("button", name="Stäng").click()
    page.get_by_role("button", name="Hela kommunen", exact=True).click()
    page.wait_for_url(lambda url: "omrade=" not in url)
    planner.settle()
    page.locator("#rows .go").nth(1).focus()
    page.keyboard.press("Enter")
    expect(title).to_be_focused()
    assert title.inner_text() != first


def test_a_chosen_place_layers_and_view_come_back_with_the_address(planner):
    page = planner.page
    page.get_by_label("Skolor").check()
    page.locator("#map .ol-zoom-in").click()
    page.locator("#rows .go").nth(2).click()
    expect(page.locator("#card-title")).to_be_visible()
    page.wait_for_timeout(500)
    title, address = page.locator("#card-title").inner_text(), page.url
    planner.go("/")
    planner.go(address)
    expect(page.locator("#card-title")).to_have_text(title)
    expect(page.get_by_label("Skolor")).to_be_checked()
    assert chosen(page)["vy"] == parse_qs(urlsplit(address).query)["vy"][0]


def test_a_choice_in_the_form_keeps_the_layers(planner):
    page = planner.page
    page.get_by_label("Skolor").check()
    page.get_by_label("När på veckan").select_option("helgnatt")
    page.wait_for_url(re.compile("fonster=helgnatt"))
    planner.settle()
    expect(page.get_by_label("Skolor")).to_be_checked()
    expect(page.locator("#summary .wider")).to_contain_text("I talet ingår också")


def test_an_analysts_link_shows_a_planner_only_what_a_planner_may_see(planner):
    planner.go("/?omrade=Skiftinge&rutor=10&typ=ran&vald=cells:8908866d953ffff&lista=clusters")
    page = planner.page
    expect(page.locator("#card-title")).to_have_text("Platsen kan inte visas")
    expect(page.locator(".passed").first).to_be_visible()
    expect(page.get_by_label("Område", exact=True).locator("option:checked")).to_have_text(
        "Skiftinge"
    )
    assert all(re.fullmatch(r"\d{4}\.\d+", key) for key in listed(page))
    assert all("404" in one for one in planner.complaints)
    planner.complaints.clear()


def test_the_places_of_three_years_have_a_list_and_a_layer(planner):
    page = planner.page
    page.get_by_role("tab", name=re.compile("tre år")).click()
    expect(page.locator("#rows")).to_contain_text(re.compile("tre (hela )?år"))
    assert chosen(page)["lista"] == "physical"
    page.get_by_label("Fasta platser, tre år").check()
    expect(page.locator("#legend .sign-physical")).to_be_visible()


def test_a_place_goes_into_the_plan_from_its_card(planner):
    page = planner.page
    page.locator("#rows .go").first.click()
    page.get_by_role("button", name="Lägg till i åtgärdsplanen").click()
    told = page.locator("#card .planned a")
    expect(told).to_have_attribute("href", re.compile("^/plan"))
    expect(told).to_have_text("Tillagd i åtgärdsplanen · öppna")
    expect(page.get_by_role("button", name="Lägg till i åtgärdsplanen")).to_be_hidden()
    page.get_by_role("button", name="Stäng").click()
    page.locator("#rows .go").first.click()
    expect(told).to_have_text("Finns i åtgärdsplanen · öppna")  # opened afresh, undone all the same
    expect(page.get_by_role("button", name="Lägg till i åtgärdsplanen")).to_be_hidden()
    page.get_by_role("button", name="Ångra", exact=True).click()
    expect(page.locator("#card .planned")).to_contain_text("Borttagen ur åtgärdsplanen")
    expect(page.get_by_role("button", name="Lägg till i åtgärdsplanen")).to_be_enabled()


def test_a_view_is_saved_and_opened_again(planner):
    page = planner.page
    page.get_by_label("När på veckan").select_option("helgnatt")
    page.wait_for_url(re.compile("fonster=helgnatt"))
    planner.settle()
    page.get_by_text("Sparade vyer", exact=True).click()
    page.get_by_label("Namn på den här vyn").fill("Helgnätter")
    page.get_by_role("button", name="Spara vyn").click()
    expect(page.locator("#views-list a")).to_have_text("Helgnätter")
    planner.go("/")
    page.get_by_text("Sparade vyer", exact=True).click()
    page.get_by_role("link", name="Helgnätter").click()
    page.wait_for_url(re.compile("fonster=helgnatt"))


def test_the_ways_to_other_tasks_keep_the_choices_made_on_the_map(visit):
    page = visit.page
    page.get_by_label("När på veckan").select_option("helgnatt")
    visit.settle()
    expect(page.get_by_role("link", name="När", exact=True)).to_have_attribute(
        "href", re.compile("fonster=helgnatt")
    )
    expect(page.get_by_role("link", name="In English")).to_have_attribute(
        "href", re.compile("fonster%3Dhelgnatt|fonster%253Dhelgnatt")
    )


def test_the_page_speaks_english_throughout(planner):
    page = planner.page
    page.get_by_role("link", name="In English").click()
    planner.settle()
    expect(page.get_by_role("heading", level=1)).to_have_text("Where are the problems greatest?")
    page.locator("#rows .go").first.click()
    expect(page.get_by_role("button", name="Add to the action plan")).to_be_visible()
    seen = page.locator("main").inner_text()
    for word in ("Händelser", "Bedömning", "Teckenförklaring", "Skriv ut", "Hur många"):
        assert word not in seen


def test_in_the_field_the_map_comes_first_and_everything_can_be_touched(in_the_field):
    page = in_the_field.page
    widths = "[document.documentElement.scrollWidth, innerWidth]"
    assert page.evaluate(widths) == [360, 360]
    tops = [page.locator(one).bounding_box()["y"] for one in ("#map", "#summary", ".caveat")]
    assert tops == sorted(tops)
    page.locator("#rows .go").nth(1).click()
    expect(page.locator("#card-title")).to_be_in_viewport()
    assert page.evaluate(widths) == [360, 360]
    small = page.evaluate(
        "[...document.querySelectorAll('main button, main summary, main .layers label, #rows .go')]"
        ".filter((e) => e.offsetParent && e.getBoundingClientRect().height < 43.5)"
        ".map((e) => e.textContent)"
    )
    assert small == []


def test_at_double_size_nothing_is_cut_off(browser, planners, planner_session):
    half = {"width": WIDE["width"] // 2, "height": WIDE["height"] // 2}
    for one in visited(browser, planners, half, planner_session):
        assert one.page.evaluate("document.documentElement.scrollWidth") <= half["width"]
        expect(one.page.locator("#rows tr[data-key]").first).to_be_attached()


@pytest.mark.parametrize("paper", ["a4-wide", "a4-tall", "a3-wide"])
def test_the_print_is_the_screen_with_its_frame(planner, paper):
    page = planner.page
    page.locator("#rows .go").first.click()
    expect(page.locator("#card-title")).to_be_visible()
    page.evaluate("() => { window.print = () => document.body.setAttribute('data-printed', '') }")
    page.get_by_role("button", name="Skriv ut").click()
    size, way = paper.split("-")
    page.get_by_label(size.upper()).check()
    page.get_by_label({"wide": "Liggande", "tall": "Stående"}[way]).check()
    page.get_by_role("dialog").get_by_role("button", name="Skriv ut").click()
    expect(page.locator("body[data-printed]")).to_be_attached()
    for shown in (".sheet-title", "#sheet-words", ".ol-scale-line", ".map-north", "#legend li"):
        expect(page.locator(shown).first).to_be_visible()
    foot = page.locator("#sheet-foot").inner_text()
    for word in ("Källa", "uppdaterad senast", "Metod", "Anmälda brott", "Frågor om kartan"):
        assert word in foot
    expect(page.locator(".synthetic")).to_be_visible()
    expect(page.locator("#tools")).to_be_hidden()
    sharp = page.evaluate("document.querySelector('#map canvas').width / map.clientWidth")
    assert sharp == pytest.approx(2, abs=0.1)
    first_page = page.locator("#sheet-foot").bounding_box()
    room_mm = min(PAPER_MM[paper][1], 1000) - 20
    assert (first_page["y"] + first_page["height"]) * 25.4 / 96 <= room_mm
    printed = page.pdf(prefer_css_page_size=True)
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed)
    assert boxes
    for box in boxes:
        measured = [float(side) / POINTS_A_MM for side in box]
        assert measured == pytest.approx(PAPER_MM[paper], abs=1)
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(page.locator("#tools")).to_be_visible()


def test_the_picture_that_is_saved_has_the_map_and_its_frame(planner, tmp_path):
    page = planner.page
    page.get_by_text("Spara", exact=True).click()
    with page.expect_download() as found:
        page.get_by_role("button", name="Spara bild (PNG)").click()
    target = tmp_path / found.value.suggested_filename
    found.value.save_as(target)
    assert re.fullmatch(r"lagesbild-\d{4}-\d\d-\d\d\.png", target.name)
    width, height, colours = _colours(target.read_bytes())
    box = page.locator("#map").bounding_box()
    assert width == (round(box["width"]) + 48) * 2
    assert height > (box["height"] + 150) * 2
    swatches = page.locator("#legend li[data-from]:not([data-cells='0']) .swatch")
    for colour in swatches.evaluate_all(
        "(all) => all.map((e) => getComputedStyle(e).backgroundColor)"
    ):
        assert tuple(map(int, re.findall(r"\d+", colour))) in colours


def _colours(png):
    """Read a PNG's size and the colours on it."""
    width, height = struct.unpack(">II", png[16:24])
    at, packed = 8, b""
    while at < len(png):
        (long,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            packed += png[at + 8 : at + 8 + long]
        at += 12 + long
    raw = zlib.decompress(packed)
    step = len(raw) // height
    sort = png[25]
    wide = {2: 3, 6: 4}[sort]
    before, seen = bytes(step - 1), set()
    for row in range(height):
        kind, line = raw[row * step], bytearray(raw[row * step + 1 : (row + 1) * step])
        _unfilter(kind, line, before, wide)
        before = bytes(line)
        if row % 2 == 0:
            seen.update({tuple(line[i : i + 3]) for i in range(0, len(line), wide)})
    return width, height, seen


def _unfilter(kind, line, above, wide):
    """Undo a row's filter (PNG, part 9)."""
    for i in range(len(line) if kind else 0):
        left = line[i - wide] if i >= wide else 0
        corner = above[i - wide] if i >= wide else 0
        near = {1: left, 2: above[i], 3: (left + above[i]) // 2, 4: _paeth(left, above[i], corner)}
        line[i] = (line[i] + near[kind]) & 255


def _paeth(left, up, corner):
    guess = left + up - corner
    return min((left, up, corner), key=lambda one: abs(guess - one))


@pytest.mark.parametrize("who", ["session", "planner_session"])
def test_without_scripts_there_are_a_table_and_a_picture(request, browser, site, who):
    context = browser.new_context(
        base_url=site.address,
        storage_state=request.getfixturevalue(who),
        java_script_enabled=False,
        viewport=WIDE,
    )
    page = context.new_page()
    answer = page.goto("/?fonster=helgnatt")
    assert answer.ok
    expect(page.locator("#rows tr[data-key]").first).to_be_visible()
    picture = page.locator("img.still")
    expect(picture).to_be_visible()
    keys = page.locator("#legend li svg rect")
    expect(keys.first).to_be_visible()
    drawn = page.request.get(picture.get_attribute("src"))
    explained = keys.evaluate_all("(all) => all.map((one) => one.getAttribute('fill'))")
    coloured = {one for one in (*COUNTS, BOUNDED) if f'fill="{one}' in drawn.text()}
    assert coloured
    assert coloured <= set(explained)
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    assert drawn.text().count("<path") > 5
    page.locator("#rows .go").first.click()
    assert "vald=" in page.url
    page.get_by_label("När på veckan").select_option(index=1)
    page.get_by_role("button", name="Visa", exact=True).click()
    assert "fonster=" in page.url
    context.close()


def test_more_cells_than_a_browser_should_hold_come_as_tiles(visit):
    page = visit.page

    def fewer(route):
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("MOST = 3000", "MOST = 50"))

    page.route("**/results.js", fewer)
    with page.expect_response(re.compile(r"/ogc/collections/cells/tiles/\w+/\d+/\d+/\d+")) as tile:
        visit.go("/?rutor=10")
    assert tile.value.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    expect(page.locator("#legend li[data-from]").first).to_be_visible()
    page.locator("#rows .go").first.click()
    expect(page.locator("#card-title")).to_be_visible()
    title = page.locator("#card-title").inner_text()
    page.get_by_role("button", name="Stäng").click()
    page.wait_for_timeout(800)
    box = page.locator("#map").bounding_box()
    free = 352  # what the card covered when the map was centred on the cell
    page.mouse.click(box["x"] + (box["width"] - free) / 2, box["y"] + box["height"] / 2 + 15)
    expect(page.locator("#card-title")).to_have_text(title)


def test_a_background_map_that_breaks_is_said_and_the_numbers_stay(planner):
    page = planner.page
    if page.locator("#map").get_attribute("data-ground") != "map":
        pytest.skip("this site has no background map")
    page.route("**/karta/bakgrund/**", lambda route: route.abort())
    planner.go("/?vy=16.5000_59.3700_3.00")
    expect(page.locator("#said-now")).to_contain_text("bakgrundskartan")
    expect(page.locator("#legend li[data-from]").first).to_be_visible()
    page.locator("#rows .go").first.click()
    expect(page.locator("#card-title")).to_be_visible()
    page.goto("about:blank")  # the map asks for its missing squares as long as it is open
    assert all("ERR_FAILED" in one for one in planner.complaints)
    planner.complaints.clear()


def test_a_session_that_ended_leads_back_to_the_same_place(planner):
    page = planner.page
    page.get_by_label("Skolor").check()
    planner.context.clear_cookies()
    page.locator("#rows .go").nth(1).click()
    expect(page.locator("#message")).to_contain_text("Du har loggats ut.")
    key = chosen(page)["vald"]
    page.get_by_role("link", name="Logga in igen").click()
    page.get_by_label("Användarnamn").fill(planner.site.name)
    page.get_by_label("Lösenord").fill(planner.site.password)
    page.get_by_role("button", name="Logga in").click()
    expect(page.locator("#card-title")).to_be_visible()
    assert chosen(page)["vald"] == key
    expect(page.get_by_label("Skolor")).to_be_checked()
    assert all("401" in one for one in planner.complaints)
    planner.complaints.clear()


def test_a_server_that_gives_no_card_says_so_and_the_map_goes_on(planner):
    page = planner.page
    page.route("**/karta/plats*", lambda route: route.abort())
    page.locator("#rows .go").first.click()
    expect(page.locator("#card")).to_contain_text("Servern svarar inte")
    page.get_by_role("button", name="Stäng").click()
    page.unroute("**/karta/plats*")
    page.locator("#rows .go").first.click()
    expect(page.locator("#card .sentences")).to_be_visible()
    assert all("ERR_FAILED" in one for one in planner.complaints)
    planner.complaints.clear()
