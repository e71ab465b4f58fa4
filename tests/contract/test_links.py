"""A link means the same on every page and to every role; what it asks in vain is said."""

import pytest

from pipelines.roles import ANALYST, COORDINATOR, PLANNER

PAGES = ("/", "/nar", "/skolor", "/utveckling")
IN_VAIN = "finns inte"


@pytest.mark.parametrize("page", PAGES)
def test_a_planners_words_are_read_on_an_analysts_page(people, page):
    link = f"{page}?omrade=arby&typ=tema-narkotika&fonster=helgnatt&period=2025"
    shown = people[ANALYST].get(link, follow_redirects=True).text
    assert "Årby" in shown
    assert IN_VAIN not in shown


@pytest.mark.parametrize("role", [PLANNER, COORDINATOR])
@pytest.mark.parametrize("page", PAGES)
def test_an_analysts_words_are_read_on_a_planners_page(people, programs, role, page):
    areas = programs[ANALYST].get("/ogc/collections/areas/items").json()["features"]
    number = next(one["id"] for one in areas if one["properties"]["name"] == "Årby")
    answer = people[role].get(f"{page}?omrade={number}&typ=misshandel&rutor=11&vald=cells:8a")
    assert answer.status_code == 200
    assert "Årby" in answer.text


@pytest.mark.parametrize("role", [PLANNER, ANALYST])
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("asked", ["omrade=atlantis", "period=1999", "typ=mord"])
def test_what_a_link_asks_in_vain_is_said_and_the_page_is_there(people, role, page, asked):
    if (role, page) == (PLANNER, "/skolor"):
        asked = asked.replace("omrade", "skola")  # the release tells of schools, wherever they are
    answer = people[role].get(f"{page}?{asked}")
    assert answer.status_code == 200
    assert f"”{asked.partition('=')[2]}”" in answer.text


@pytest.mark.parametrize("page", PAGES)
def test_text_in_a_link_never_becomes_markup(people, page):
    for role in (PLANNER, ANALYST):
        answer = people[role].get(page, params={"omrade": "<script>alert(1)</script>", "typ": '"x'})
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
