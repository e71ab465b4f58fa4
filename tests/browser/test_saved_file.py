"""The map as a file, opened in a browser: names are words there, whatever they look like."""

import pytest
import shapely

from pipelines import export_html, scale
from pipelines.export_html import Counted, Listed, Named, Sheet

pytestmark = pytest.mark.browser

ATTACK = "<img src=x onerror=document.title='pwned'>"
WRITTEN = "document.querySelectorAll('img[src=x], [onerror]').length"


def test_a_name_that_looks_like_markup_is_read_as_words(browser, tmp_path):
    box = shapely.box(16.5, 59.36, 16.52, 59.38)
    sheet = Sheet(
        title=ATTACK,
        counted=[Counted(box, 7, ATTACK, "uncertain", "7", ATTACK)],
        areas=[Named(box.buffer(0.01), ATTACK)],
        unit="Händelser",
        lines=[ATTACK],
        rows=[Listed(ATTACK, "7", "osäker", ATTACK)],
        schools=[Named(shapely.Point(16.51, 59.37), ATTACK)],
        scale=scale.classes([7]),
    )
    path = tmp_path / "karta.html"
    path.write_text(export_html.write(sheet), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1400, "height": 800})
    page.goto(path.as_uri())
    page.wait_for_selector(".omrade.leaflet-tooltip")
    tips = page.locator(".leaflet-tooltip")
    for dx in range(-300, 301, 60):
        for dy in range(-300, 301, 60):
            page.mouse.move(515 + dx, 400 + dy)
    page.wait_for_timeout(100)
    assert ATTACK in tips.first.inner_text()
    assert page.evaluate(WRITTEN) == 0
    assert page.title() == ATTACK
    page.close()
