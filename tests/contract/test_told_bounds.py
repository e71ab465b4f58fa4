"""A number that also speaks of something else is told as bounds: never as a count, never ranked."""

import html
import re

import pytest

from app import release_page
from pipelines.released import Asked, load
from pipelines.roles import COORDINATOR, PLANNER
from pipelines.when import between
from tests.contract.test_saving import FILE, features

WITHIN = re.compile(r"högst \d+|\d+–\d+")


@pytest.fixture
def released(app):
    with app.state.services.installation.release.read() as conn:
        return load(conn)


def chosen(told):
    """Ask for every block, every theme, and every pair of them."""
    blocks, themes = ("", *told.blocks), ("", *told.themes)
    return [(block, theme) for block in blocks for theme in themes if block or theme]


def listed(person, block, theme, place="", **more):
    typ = f"tema-{theme}" if theme else ""
    asked = {"fonster": block, "typ": typ, "omrade": place, **more}
    return person.get("/karta/lista", params=asked).json()


def test_no_number_that_is_not_exact_has_a_rank(people, released):
    met = set()
    for block, theme in chosen(released.part()):
        rows = listed(people[PLANNER], block, theme)["rows"]
        exact = [row for row in rows if row["exact"]]
        open_ = [row for row in rows if not row["exact"]]
        assert rows == exact + open_
        assert [row["count"] for row in exact] == sorted(row["count"] for row in exact)[::-1]
        assert all(row["rank"] and row["number"] == str(row["count"]) for row in exact)
        assert [row["name"] for row in open_] == sorted(row["name"] for row in open_)
        for row in open_:
            assert (row["rank"], row["verdict"], row["trend"]) == (None, None, "")
            assert WITHIN.fullmatch(row["number"])
            assert row["count_text"] == f"{row['number']} händelser"
            assert row["wider"]
        met |= {row["exact"] for row in rows}
    assert met == {True, False}


def test_the_bounds_of_the_list_are_those_of_the_page_of_times(people, released):
    told = released.part()
    places = sorted({unit.place for unit in told.units})
    for block, theme in chosen(told):
        asked = {"blocks": (block,) if block else (), "themes": (theme,) if theme else ()}
        for place in ("", *places):
            found = between(told, Asked(**asked, places=(place,) if place else ()))
            number = release_page.number_said(found.low, found.high)
            shown = listed(people[PLANNER], block, theme, place)
            assert shown["total_text"].rpartition(" ")[0] == number
            if len(shown["rows"]) == 1:
                assert shown["rows"][0]["number"] == number


def test_pages_say_the_same_bounds(people, released):
    told = released.part()
    block = next(each for each in told.blocks if not told.answer(Asked(blocks=(each,))).exact)
    found = between(told, Asked(blocks=(block,)))
    number = release_page.number_said(found.low, found.high)
    for page in ("/", "/utgava"):
        text = people[PLANNER].get(page, params={"fonster": block}).text
        assert f">{number} händelser</p>" in text
        assert "högst så många; går inte att jämföra" in text  # the legend without scripts
    times = people[PLANNER].get("/nar", params={"fonster": block}).text
    assert f"{number} händelser." in html.unescape(times)


def test_with_nothing_chosen_every_number_is_ranked_as_it_was(people):
    found = listed(people[PLANNER], "", "")
    counts = [row["count"] for row in found["rows"]]
    assert counts == sorted(counts, reverse=True)
    assert all(row["exact"] and row["rank"] and not row["wider"] for row in found["rows"])
    assert found["total_text"].replace("\xa0", "") == f"{found['total']} händelser"


def test_a_card_says_the_bounds_of_its_row(people, released):
    told = released.part()
    for block in told.blocks:
        for row in listed(people[PLANNER], block, "")["rows"]:
            asked = {"vald": row["key"], "fonster": block}
            card = people[PLANNER].get("/karta/plats", params=asked).json()
            count = next(each for each in card["sentences"] if each["about"] == "count")
            assert count["text"].lower().startswith(row["count_text"])
            assert card["verdict"]["slug"] == row["verdict"]


def test_the_picture_colours_no_number_that_is_not_exact(people, released):
    told = released.part()
    block = next(
        each
        for each in told.blocks
        if not any(one.exact for one in told.answer(Asked(blocks=(each,))).shown)
    )
    drawn = people[PLANNER].get("/karta/bild.svg", params={"fonster": block}).text
    assert 'fill="#eceeedcc"' in drawn
    assert not any(f'fill="{step}cc"' in drawn for step in ("#fbe5bd", "#f5a273", "#661d58"))


@pytest.mark.parametrize("role", [PLANNER, COORDINATOR])
def test_the_saved_file_says_what_else_is_in_a_number(people, released, role):
    told = released.part()
    block = next(each for each in told.blocks if not told.answer(Asked(blocks=(each,))).exact)
    text = people[role].get(FILE, params={"fonster": block}).text
    rows = listed(people[role], block, "")["rows"]
    for row in rows:
        more = f"<small>{html.escape(row['wider'])}</small>" if row["wider"] else ""
        told_row = f"{html.escape(row['name'])}{more}</th><td>{row['number']}</td>"
        assert told_row in text
    drawn = [each["properties"] for each in features(text) if "antal" in each["properties"]]
    known = {row["name"]: row for row in rows}
    assert drawn
    for each in drawn:
        row = known[each["plats"]]
        assert each["mer"] == (row["wider"] or "–")
        assert str(each["antal"]) == row["number"]
        assert (each["färg"] == "#eceeed") == (not row["exact"])
    assert "högst så många; går inte att jämföra" in text
