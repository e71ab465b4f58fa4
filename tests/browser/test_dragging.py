"""What a mouse and its wheel do to a map that nobody has touched yet."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

HERE = "?vy=16.5000_59.3700_6.00"
VIEW = re.compile(r"vy=([\d.]+)_([\d.]+)_([\d.]+)")


def looks(page):
    """Read from the address where the map looks: lon, lat, metres a pixel."""
    return tuple(map(float, VIEW.search(page.url).groups()))


def middle(page):
    page.locator("#map").scroll_into_view_if_needed()
    box = page.locator("#map").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.parametrize("path", ["/", "/nar"])
def test_the_first_drag_moves_the_map(visit, path):
    page = visit.page
    visit.go(path + HERE)
    before = looks(page)
    x, y = middle(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 120, y, steps=8)
    page.mouse.up()
    page.wait_for_function("(before) => !location.search.includes(before)", arg=f"{before[0]:.4f}")
    lon, _, metres = looks(page)
    assert lon > before[0]
    assert metres == before[2]


def test_the_wheel_zooms_a_map_that_fills_the_screen(visit):
    page = visit.page
    visit.go("/" + HERE)
    before = looks(page)
    page.mouse.move(*middle(page))
    page.mouse.wheel(0, -300)
    expect(page).not_to_have_url(re.compile(f"_{before[2]:.2f}"))
    assert looks(page)[2] < before[2]


def test_the_wheel_scrolls_a_page_past_its_map_until_the_map_is_touched(visit):
    page = visit.page
    visit.go("/nar" + HERE)
    before = looks(page)
    x, y = middle(page)
    page.mouse.move(x, y)
    top = page.evaluate("scrollY")
    page.mouse.wheel(0, 200)
    page.wait_for_function("(top) => scrollY > top", arg=top)
    assert looks(page) == before
    page.locator("#map").focus()
    page.mouse.move(*middle(page))
    page.mouse.wheel(0, -300)
    expect(page).not_to_have_url(re.compile(f"_{before[2]:.2f}"))
    assert looks(page)[2] < before[2]
