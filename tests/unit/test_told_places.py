"""When a release tells most events of a place: what its numbers prove, whatever lies behind."""

from datetime import date

import numpy as np
import pytest
import shapely

from pipelines import told_places
from pipelines.released import PLACE, Asked, Released, Told
from store.releases import TREE, Atom, Part, Unit
from tests.releases import NOW, release

THEMES = ("brand", "klotter", "ran")
BLOCKS = ("helgnatt", "ovrig_tid", "skoltid")
PLACES = ("arby", "core")


def unit(number):
    outline = shapely.MultiPolygon([shapely.box(number, 0, number + 1, 1)])
    name = PLACES[number]
    about = (name, name.title(), "priority", name, name.title(), "zone", "")
    return Unit(number, *about, 1e6, (), 100, outline)


def told(*listed, period="2025"):
    """Make a year of atoms given as (count, themes, blocks, units)."""
    atoms = tuple(
        Atom(number, count, 5, (1, 2, 3), themes, blocks, units)
        for number, (count, themes, blocks, units) in enumerate(listed)
    )
    year = int(period[:4])
    days = (date(year, 1, 1), date(year + 1, 1, 1), date(year + 1, 1, 31))
    units = tuple(unit(number) for number in range(len(PLACES)))
    return Told(Part(period, TREE, *days, NOW, units, atoms, ()).sealed())


def number_of(part, place, asked=None):
    shown = part.answer(asked or Asked(), PLACE).shown
    return next(each for each in shown if each.places == (place,))


def mostly(part, place, asked=None):
    asked = asked or Asked()
    return told_places.mostly(part, number_of(part, place, asked), asked, PLACE, THEMES)


def test_where_every_block_has_its_number_the_largest_is_told():
    part = told(
        (23, THEMES, ("helgnatt",), (0,)),
        (12, THEMES, ("ovrig_tid",), (0,)),
        (10, THEMES, ("skoltid",), (0,)),
        (40, THEMES, BLOCKS, (1,)),
    )
    assert mostly(part, "arby") == told_places.Mostly("helgnatt", 23, 45, "")


def test_where_the_blocks_were_put_together_no_time_is_told():
    part = told((45, THEMES, BLOCKS, (0,)), (40, THEMES, BLOCKS, (1,)))
    assert mostly(part, "arby") is None


def test_blocks_that_share_the_first_place_are_not_told_apart():
    part = told(
        (20, THEMES, ("helgnatt",), (0,)),
        (20, THEMES, ("skoltid",), (0,)),
        (9, THEMES, ("ovrig_tid",), (0,)),
        (40, THEMES, BLOCKS, (1,)),
    )
    assert mostly(part, "arby") is None


def test_a_number_is_enough_where_all_others_together_are_smaller():
    part = told(
        (30, THEMES, ("helgnatt",), (0,)),
        (29, THEMES, ("ovrig_tid", "skoltid"), (0,)),
        (40, THEMES, BLOCKS, (1,)),
    )
    assert mostly(part, "arby") == told_places.Mostly("helgnatt", 30, 59, "")
    larger = told(
        (30, THEMES, ("helgnatt",), (0,)),
        (30, THEMES, ("ovrig_tid", "skoltid"), (0,)),
        (40, THEMES, BLOCKS, (1,)),
    )
    assert mostly(larger, "arby") is None  # all thirty may be of one of the two


def test_where_not_all_themes_can_be_told_the_largest_that_can_is_told_by_its_name():
    part = told(
        (50, ("brand",), BLOCKS, (0,)),
        (9, ("klotter",), ("helgnatt",), (0,)),
        (8, ("klotter",), ("ovrig_tid", "skoltid"), (0,)),
        (20, ("ran",), ("ovrig_tid",), (0,)),
        (7, ("ran",), ("helgnatt", "skoltid"), (0,)),
        (40, THEMES, BLOCKS, (1,)),
    )
    # Robbery is larger, but that most of it lies in the long rest of the week says little.
    assert mostly(part, "arby") == told_places.Mostly("helgnatt", 9, 17, "klotter")
    asked = Asked(themes=("ran",))
    assert mostly(part, "arby", asked) == told_places.Mostly("ovrig_tid", 20, 27, "")
    assert mostly(part, "arby", Asked(themes=("brand",))) is None


def random_town(rng):
    """Draw events by place, theme and block, and atoms that hold them, some parts put together."""
    truth = rng.poisson(rng.choice([2, 8, 25], (len(PLACES), len(THEMES), len(BLOCKS))))
    listed = []
    for place in range(len(PLACES)):
        themes = [(0,), (1,), (2,)] if rng.random() < 0.6 else [(0,), (1, 2)]
        for own in themes:
            cut = rng.integers(5)
            divided = [[(0, 1, 2)], [(0,), (1, 2)], [(1,), (0, 2)], [(2,), (0, 1)]]
            blocks = divided[cut] if cut < len(divided) else [(0,), (1,), (2,)]
            for among in blocks:
                count = int(truth[place][np.ix_(own, among)].sum())
                listed.append(
                    (
                        count,
                        tuple(THEMES[i] for i in own),
                        tuple(BLOCKS[i] for i in among),
                        (place,),
                    )
                )
    return truth, told(*listed)


def test_whatever_lies_behind_the_numbers_what_is_told_is_true():
    rng = np.random.default_rng(20_261_122)
    said = 0
    for _ in range(150):
        truth, part = random_town(rng)
        for place, name in enumerate(PLACES):
            for asked in (Asked(), *(Asked(themes=(theme,)) for theme in THEMES)):
                shown = [each for each in part.answer(asked, PLACE).shown if each.places == (name,)]
                found = shown and told_places.mostly(part, shown[0], asked, PLACE, THEMES)
                if not found:
                    continue
                said += 1
                themes = (found.theme,) if found.theme else asked.themes or THEMES
                rows = [THEMES.index(theme) for theme in themes]
                by_block = truth[place][rows].sum(axis=0)
                assert found.events == by_block.sum()
                assert found.count == by_block[BLOCKS.index(found.block)] == by_block.max()
                assert (by_block == by_block.max()).sum() == 1
    assert said > 100


def test_kinds_are_the_themes_with_a_number_of_their_own():
    part = told(
        (9, ("klotter",), BLOCKS, (0,)),
        (14, ("brand",), BLOCKS, (0,)),
        (40, ("ran",), BLOCKS, (0, 1)),
        (8, ("brand", "klotter"), BLOCKS, (1,)),
    )
    asked = Asked(themes=("brand", "klotter"))
    shown = number_of(part, "arby", asked)
    assert told_places.kinds(part, shown, Asked(), PLACE) == [("brand", 14), ("klotter", 9)]


@pytest.mark.parametrize(
    ("years", "few"),
    [(("2023", "2024", "2025"), False), (("2022", "2024", "2025"), True), (("2025",), True)],
)
def test_three_years_are_three_in_a_row(years, few):
    parts = [told((40, THEMES, BLOCKS, (0, 1)), period=year).part for year in years]
    known = Released(*release(*parts))
    assert told_places.too_few_years(known) is few
    assert told_places.fixed(known) is None
