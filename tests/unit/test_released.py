"""A planner's question: answered by whole atoms that say what they speak of, or not at all."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo import atoms
from geo.errors import InvalidParameter, NotFound, StoreUnavailable
from pipelines.release_findings import findings
from pipelines.released import LEVELS, PLACE, UNIT, ZONE, Asked, Released, Told
from store.releases import TREE, Atom, Part, Unit
from tests.releases import NOW, release

THEMES = ("brand", "klotter", "ran")
BLOCKS = ("natt", "ovrig_tid")
# Place, zone and level of each unit: two areas, of which one has two pieces, and two districts.
GROUND = (
    ("arby", "arby", "zone"),
    ("core", "core", "cell"),
    ("core", "core", "remainder"),
    ("rest", "east", "zone"),
    ("rest", "west", "zone"),
)


def unit(number, addresses=100):
    place, zone, level = GROUND[number]
    outline = shapely.MultiPolygon([shapely.box(number, 0, number + 1, 1)])
    cells = ("891f1d48177ffff",) if level == "cell" else ()
    label = "Fristadstorget" if level == "cell" else ""
    kind = "rest" if place == "rest" else "priority"
    about = (place, place.title(), kind, zone, zone.title(), level, label)
    return Unit(number, *about, 1e6, cells, addresses, outline)


def part(*listed, period="2025", year=2025):
    """Make a part of atoms given as (count, themes, blocks, units), for the whole year."""
    made = tuple(
        Atom(number, count, 5, (1, 2, 3), themes, blocks, units)
        for number, (count, themes, blocks, units) in enumerate(listed)
    )
    days = (date(year, 1, 1), date(year + 1, 1, 1), date(year + 1, 1, 31))
    units = tuple(unit(number) for number in range(len(GROUND)))
    return Part(period, TREE, *days, NOW, units, made, ()).sealed()


def usual(first=20):
    return part(
        (first, ("brand",), BLOCKS, (0,)),
        (9, ("klotter", "ran"), BLOCKS, (0,)),
        (7, THEMES, ("natt",), (1,)),
        (8, THEMES, ("natt",), (2,)),
        (11, THEMES, ("ovrig_tid",), (1, 2)),
        (30, ("brand",), BLOCKS, (3,)),
        (6, ("klotter", "ran"), BLOCKS, (3, 4)),
        (12, ("brand",), BLOCKS, (4,)),
    )


def told(level, **asked):
    answer = Told(usual()).answer(Asked(**asked), level)
    return {(each.name, each.count, each.exact) for each in answer.shown}


def test_everything_is_told_by_place():
    assert told(PLACE) == {("Arby", 29, True), ("Core", 26, True), ("Rest", 48, True)}


def test_a_theme_that_was_merged_away_says_what_else_is_in_its_number():
    answer = Told(usual()).answer(Asked(themes=("ran",), places=("arby",)), PLACE)
    (shown,) = answer.shown
    assert (shown.count, shown.exact, shown.themes) == (9, False, ("klotter", "ran"))
    assert (answer.total, answer.exact, answer.themes) == (9, False, ("klotter", "ran"))


def test_districts_that_were_merged_have_one_number_for_both():
    assert told(ZONE, themes=("klotter", "ran"), places=("east",)) == {("East, West", 6, False)}
    assert told(ZONE, themes=("brand",), places=("east",)) == {("East", 30, True)}


def test_a_zone_is_answered_as_a_zone_even_where_places_are_asked_for():
    assert told(PLACE, themes=("brand",), places=("west",)) == {("West", 12, True)}


def test_the_smallest_units_are_told_where_the_atoms_allow_it():
    night = Told(usual()).answer(Asked(blocks=("natt",), places=("core",)), UNIT)
    assert {(each.label, each.count) for each in night.shown} == {("Fristadstorget", 7), ("", 8)}
    assert len(Told(usual()).answer(Asked(places=("core",)), UNIT).shown) == 1


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"themes": ("vapen",)}, "release-theme-unknown"),
        ({"blocks": ("skoltid",)}, "release-block-unknown"),
        ({"tertials": (4,)}, "release-tertial-unknown"),
        ({"places": ("nowhere",)}, "release-place-unknown"),
    ],
)
def test_what_the_release_does_not_know_is_refused(asked, code):
    with pytest.raises(InvalidParameter, match=code):
        Told(usual()).answer(Asked(**asked))


def test_an_unknown_level_is_refused():
    with pytest.raises(InvalidParameter, match="release-level-unknown"):
        Told(usual()).answer(Asked(), "street")


def test_the_latest_period_is_answered_where_none_is_named():
    whole = Released(
        *release(
            usual(first=21), part((50, THEMES, BLOCKS, tuple(range(5))), period="2024", year=2024)
        )
    )
    assert whole.periods() == ("2025", "2024")
    assert whole.answer(Asked()).total == 104
    assert whole.answer(Asked(period="2024")).total == 50
    with pytest.raises(NotFound, match="release-period-unknown"):
        whole.answer(Asked(period="2023"))
    with pytest.raises(NotFound, match="release-period-unknown"):
        whole.answer(Asked(product="physical"))


@pytest.mark.parametrize("change", ["number", "unit", "header", "missing"])
def test_a_release_with_a_changed_row_tells_nothing(change):
    header, (standing,) = release(usual())
    if change == "number":
        standing = replace(
            standing, atoms=(replace(standing.atoms[0], count=21), *standing.atoms[1:])
        )
    elif change == "unit":
        standing = replace(
            standing, units=(replace(standing.units[0], label="x"), *standing.units[1:])
        )
    elif change == "header":
        header = replace(header, synthetic=False)
    parts = () if change == "missing" else (standing,)
    with pytest.raises(StoreUnavailable, match="release-damaged"):
        Released(header, parts)


@st.composite
def trees(draw):
    """Draw a part from a tree that was built of random events."""
    size = draw(st.integers(30, 120))
    column = st.lists(st.integers(0, 29), min_size=size, max_size=size)
    picked = np.array(draw(column))
    facts = atoms.Facts(
        np.ones(size, dtype=np.int64),
        np.array(draw(column)),
        {"place": picked % 5, "theme": picked // 5 % 3, "block": np.array(draw(column)) % 2},
    )
    levels = [
        atoms.Level("place", "place", np.array([0, 1, 1, 2, 2])),
        atoms.Level("theme", "theme", np.arange(3)),
        atoms.Level("block", "block", np.arange(2)),
        atoms.Level("unit", "place", np.arange(5)),
    ]
    found = atoms.build(facts, levels)
    rows = [
        (
            each.count,
            tuple(THEMES[i] for i in each.leaves["theme"].tolist()),
            tuple(BLOCKS[i] for i in each.leaves["block"].tolist()),
            tuple(each.leaves["place"].tolist()),
        )
        for each in found
    ]
    return facts, part(*rows)


@given(
    trees(),
    st.sets(st.sampled_from(THEMES)),
    st.sets(st.sampled_from(BLOCKS)),
    st.sets(st.sampled_from(["arby", "core", "rest", "east", "west"])),
    st.sampled_from(LEVELS),
)
def test_every_answer_is_a_union_of_atoms_that_holds_all_that_was_asked(
    drawn, themes, blocks, places, level
):
    facts, made = drawn
    if not made.atoms:
        return
    told = Told(made)
    asked = Asked(themes=tuple(themes), blocks=tuple(blocks), places=tuple(places))
    answer = told.answer(asked, level)
    inside = np.ones(facts.count.size, dtype=bool)
    if themes:
        inside &= np.isin(facts.leaf["theme"], [THEMES.index(each) for each in themes])
    if blocks:
        inside &= np.isin(facts.leaf["block"], [BLOCKS.index(each) for each in blocks])
    if places:
        own = [n for n, each in enumerate(GROUND) if each[0] in places or each[1] in places]
        inside &= np.isin(facts.leaf["place"], own)
    assert answer.total >= inside.sum()
    assert (answer.total == inside.sum()) or not answer.exact
    units = [number for shown in answer.shown for number in shown.units]
    assert len(units) == len(set(units))
    for shown in answer.shown:
        holding = [atom for atom in made.atoms if set(atom.units) <= set(shown.units)]
        meeting = [
            atom
            for atom in holding
            if (not themes or themes & set(atom.themes))
            and (not blocks or blocks & set(atom.blocks))
        ]
        assert shown.count >= 5
        assert shown.count <= sum(atom.count for atom in meeting)


def test_a_place_with_far_more_per_address_than_the_others_is_established():
    said = {
        (each.level, each.place, each.theme): each
        for each in findings(usual(first=90), None)
        if each.block == ""
    }
    arby = said[PLACE, "arby", ""]
    assert (arby.count, arby.verdict, arby.reasons) == (99, "established", "raised")
    assert arby.expected == pytest.approx(173 / 5)
    assert said[PLACE, "core", ""].verdict == "not_raised"
    assert (PLACE, "arby", "ran") not in said  # its number speaks of more


def test_a_trend_is_told_only_where_both_years_have_a_number_of_their_own():
    before = part(
        (20, THEMES, BLOCKS, (0,)),
        (26, THEMES, BLOCKS, (1, 2)),
        (48, THEMES, BLOCKS, (3, 4)),
        period="2024",
        year=2024,
    )
    said = {
        (each.level, each.place, each.theme, each.block): each
        for each in findings(usual(first=90), before)
    }
    arby = said[PLACE, "arby", "", ""]
    assert (arby.before, arby.trend) == (20, "increased")
    assert arby.trend_ratio == pytest.approx((99 / 365) / (20 / 366))
    assert said[PLACE, "arby", "brand", ""].trend is None
    assert said[ZONE, "core", "", ""].before == 26


def test_a_finding_comes_with_the_number_it_is_about():
    made = usual(first=90)
    told = Told(replace(made, findings=findings(made, None)).sealed())
    by_name = {each.name: each for each in told.answer(Asked(themes=("brand",)), PLACE).shown}
    assert by_name["Arby"].finding.count == by_name["Arby"].count == 90
    assert told.answer(Asked(themes=("ran",)), PLACE).shown[0].finding is None


@pytest.mark.parametrize("level", LEVELS)
def test_the_lower_bound_of_a_number_is_its_atoms_that_speak_of_nothing_else(level):
    answer = Told(usual()).answer(Asked(themes=("klotter",), places=("arby", "core")), level)
    assert (answer.low, answer.exact) == (0, False)
    night = Told(usual()).answer(Asked(themes=("brand",), places=("arby", "core")), level)
    for each in night.shown:
        assert each.exact == (each.low == each.count)
        assert each.low == (20 if "arby" in each.places else 0)
    assert (night.low, night.total) == (20, 46)


def test_a_question_that_no_atom_speaks_of_has_an_empty_answer():
    answer = Told(part((20, ("brand",), BLOCKS, (0,)), (9, ("ran",), BLOCKS, (1,)))).answer(
        Asked(themes=("ran",), places=("arby",))
    )
    assert (answer.shown, answer.low, answer.total) == ((), 0, 0)
