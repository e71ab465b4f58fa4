"""The background map in a real browser: drawn without WebGL, from this server alone."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

WATER = (174, 203, 224)  # as basemap.js draws it
COLOURS = """() => {
  const found = {};
  for (const canvas of document.querySelectorAll("#map .ground canvas, #map canvas.ground")) {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    for (let at = 0; at < data.length; at += 4) {
      if (data[at + 3] === 255) {
        const key = `${data[at]},${data[at + 1]},${data[at + 2]}`;
        found[key] = (found[key] ?? 0) + 1;
      }
    }
  }
  return found;
}"""
SQUARE = "**/karta/bakgrund/**"


def colours(page):
    return page.evaluate(COLOURS)


def test_ground_is_drawn_without_graphics_hardware(no_graphics):
    page = no_graphics.page
    assert page.evaluate("document.createElement('canvas').getContext('webgl')") is None
    page.wait_for_function(f"() => ({COLOURS})()['{','.join(map(str, WATER))}'] > 200")
    assert len(colours(page)) > 5  # water, green, built ground, streets and their edges
    expect(page.locator(".ol-attribution")).to_contain_text("Påhittad bakgrundskarta")


def test_squares_come_from_this_server_and_are_kept_by_the_browser(visit):
    page, asked = visit.page, []
    page.on("response", lambda answer: asked.append(answer) if "/bakgrund/" in answer.url else None)
    visit.go("/")
    page.wait_for_load_state("networkidle")
    assert asked
    assert {answer.status for answer in asked} <= {200, 204}
    assert all(answer.url.startswith(visit.site.address) for answer in asked)
    assert all("max-age" in answer.headers["cache-control"] for answer in asked)


def test_a_map_goes_on_without_squares_that_do_not_come(visit):
    page = visit.page
    page.route(SQUARE, lambda route: route.abort())
    visit.go("/?omrade=")
    assert visit.count() > 0
    assert colours(page) == {}
    page.wait_for_load_state("networkidle")
    visit.complaints[:] = [text for text in visit.complaints if "net::ERR_FAILED" not in text]


def test_a_square_that_comes_half_is_left_out(visit):
    page = visit.page

    def half(route):
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.body()[: len(answer.body()) // 2])

    page.route(SQUARE, half)
    visit.go("/?omrade=")
    assert visit.count() > 0
