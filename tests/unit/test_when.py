"""When in the week: choices of hours, their events, and what a release tells of its blocks."""

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo import cells as grid
from geo.errors import InvalidParameter
from geo.windows import Span, WeeklyWindow
from pipelines import profiles, when
from pipelines.events import Events
from pipelines.released import Asked, Told
from pipelines.texts import speaking
from store.incidents import Sample
from store.releases import TREE, Atom, Part, Unit

STOCKHOLM = "Europe/Stockholm"
YEAR = (datetime(2024, 12, 31, 23, tzinfo=UTC), datetime(2025, 12, 31, 23, tzinfo=UTC))
HERE = int(grid.index(np.array([16.51]), np.array([59.37]))[0])
THERE = int(grid.index(np.array([16.46]), np.array([59.41]))[0])
NOT = np.datetime64("NaT")


def events(*rows):
    """Make events of (UTC start, end or None, count, cell or 0)."""
    n = len(rows)
    starts = np.array([row[0] for row in rows], dtype="datetime64[s]")
    ends = np.array([NOT if row[1] is None else row[1] for row in rows], dtype="datetime64[s]")
    cell = np.array([row[3] for row in rows], dtype=np.int64)
    zeros = np.zeros(n, dtype=np.int64)
    sample = Sample(
        id=np.arange(n),
        category=np.array(["ran"] * n, dtype=object),
        on_map=np.ones(n, dtype=bool),
        count=np.array([row[2] for row in rows], dtype=np.int64),
        starts_at=starts,
        ends_at=ends,
        x_m=np.zeros(n),
        y_m=np.zeros(n),
        cell=cell,
        uncertainty_m=np.zeros(n),
        pile=np.zeros(n, dtype=bool),
        area_id=zeros,
        district_id=zeros,
    )
    return Events(sample, np.ones(n), cell != 0)


def town():
    """Make a Friday evening of March 2025, of which one event may have lasted the whole night."""
    return events(
        ("2025-03-07T21:30", None, 2, HERE),  # Friday 22:30 in Stockholm
        ("2025-03-07T21:50", "2025-03-07T22:40", 1, HERE),  # 22:50-23:40: middle 23:15
        ("2025-03-07T20:00", "2025-03-08T02:00", 1, THERE),  # 21-03: no hour holds half
        ("2025-03-10T11:00", None, 4, 0),  # Monday 12:00, nobody knows where
    )


def week():
    return when.week(town(), STOCKHOLM, YEAR)


def test_each_event_lies_in_the_hour_of_its_middle_or_is_spread():
    assert week().hour.tolist() == [118, 119, when.SPREAD, 12]
    table = week().table
    assert (table.whole.sum(), table.spread, table.events) == (7, 1, 8)
    assert table.whole[4, 22] == 2
    assert table.whole[0, 12] == 4


@pytest.mark.parametrize(
    ("hours", "rows"),
    [
        ((118,), [0]),
        ((118, 119), [0, 1]),
        ((117, 118, 119), [0, 1, 2]),  # three of six hours are half of the night
        ((120, 121), []),
        (tuple(range(168)), [0, 1, 2, 3]),
    ],
)
def test_a_choice_of_hours_holds_what_lies_in_it_by_half(hours, rows):
    assert np.flatnonzero(when.held(week(), hours)).tolist() == rows


def test_the_cells_of_a_choice_hold_its_placed_events_and_no_others():
    found = week()
    inside = when.held(found, range(117, 120))
    cells, counts = when.in_cells(found.events, inside, 9)
    assert dict(zip(cells.tolist(), counts.tolist(), strict=True)) == {
        int(grid.parents(np.array([HERE]), 9)[0]): 3,
        int(grid.parents(np.array([THERE]), 9)[0]): 1,
    }
    nowhere = when.held(found, (12,))
    assert when.in_cells(found.events, nowhere, 9)[0].size == 0


def test_a_cell_holds_its_own_events():
    cell = int(grid.parents(np.array([HERE]), 8)[0])
    assert when.in_cell(town(), cell).tolist() == [True, True, False, False]


@given(hours=st.sets(st.integers(0, 167), min_size=1))
def test_a_choice_of_hours_is_read_as_it_is_written(hours):
    assert when.read_hours(when.write_hours(hours)) == tuple(sorted(hours))


def test_blocks_of_hours_are_written_shortly():
    assert when.write_hours([118, 119, 120, 142]) == "118-120,142"


@pytest.mark.parametrize("written", ["", "168", "5-3", "fre", "1,,2", "-1", "1-", "1-200", "٣"])
def test_what_is_no_choice_of_hours_is_refused(written):
    with pytest.raises(InvalidParameter, match="hours-unknown"):
        when.read_hours(written)


@pytest.mark.parametrize(
    ("hours", "said", "in_english"),
    [
        ((118,), "fre 22–23", "Fri 22–23"),
        ((118, 119, 120), "fre 22–lör 01", "Fri 22–Sat 01"),
        ((167, 0), "sön 23–mån 01", "Sun 23–Mon 01"),
        ((0, 167, 50), "sön 23–mån 01; ons 02–03", "Sun 23–Mon 01; Wed 02–03"),
        (range(24), "mån 00–mån 24", "Mon 00–Mon 24"),
        (range(168), "Hela veckan", "The whole week"),
    ],
)
def test_hours_are_said_as_people_say_them(hours, said, in_english):
    assert set(when.named_hours(hours).split("; ")) == set(said.split("; "))
    with speaking("en"):
        assert set(when.named_hours(hours).split("; ")) == set(in_english.split("; "))


def test_a_window_touches_its_hours_over_midnight_and_the_end_of_the_week():
    night = WeeklyWindow("helgnatt", "Helgnatt", (Span(5, 1380, 240), Span(7, 1350, 30)))
    assert when.window_hours(night) == (0, 119, 120, 121, 122, 123, 166, 167)
    assert len(when.window_hours(WeeklyWindow("all", "Alla tider"))) == 168


# --- a release


NIGHT, REST = "helgnatt", "ovrig_tid"
DAYS = (date(2025, 1, 1), date(2026, 1, 1), date(2026, 1, 31))


def unit(number, place):
    outline = shapely.MultiPolygon([shapely.box(number, 0, number + 1, 1)])
    about = (place, place.title(), "priority", place, place.title(), "zone", "")
    return Unit(number, *about, 1e6, (), None, outline)


def told():
    parts = (
        (7, ("ran",), (NIGHT,), (0,)),
        (9, ("ran", "vald"), (NIGHT, REST), (0,)),
        (11, ("ran",), (REST,), (0,)),
        (20, ("ran", "vald"), (NIGHT, REST), (1,)),
        (6, ("vald",), (NIGHT,), (1, 2)),
    )
    atoms = tuple(
        Atom(number, count, 5, (1, 2, 3), themes, blocks, units)
        for number, (count, themes, blocks, units) in enumerate(parts)
    )
    units = (unit(0, "arby"), unit(1, "core"), unit(2, "rest"))
    made = datetime(2026, 3, 1, tzinfo=UTC)
    return Told(Part("2025", TREE, *DAYS, made, units, atoms, ()).sealed())


@pytest.mark.parametrize(
    ("asked", "low", "high"),
    [
        ({}, 53, 53),
        ({"places": ("arby",)}, 27, 27),
        ({"places": ("arby",), "blocks": (NIGHT,)}, 7, 16),
        ({"places": ("arby",), "blocks": (REST,)}, 11, 20),
        ({"places": ("arby",), "blocks": (NIGHT, REST)}, 27, 27),
        ({"themes": ("vald",)}, 6, 35),
        ({"places": ("core",)}, 20, 26),
        ({"places": ("rest",), "blocks": (REST,)}, 0, 0),
        ({"tertials": (1,)}, 0, 53),
    ],
)
def test_a_number_of_a_release_lies_between_its_sure_parts_and_all_that_speak_of_it(
    asked, low, high
):
    found = when.between(told(), Asked(**asked))
    assert (found.low, found.high, found.exact) == (low, high, low == high)


def test_a_number_says_what_else_it_speaks_of():
    found = when.between(told(), Asked(places=("core",), blocks=(NIGHT,), themes=("vald",)))
    assert (found.low, found.high) == (0, 26)
    assert (found.themes, found.blocks, found.places) == (("ran",), (REST,), ("rest",))


def test_no_number_is_anything_but_a_sum_of_whole_parts():
    part = told()
    sums = {0}
    for atom in part.part.atoms:
        sums |= {each + atom.count for each in sums}
    for place in ("arby", "core", "rest"):
        for block in (NIGHT, REST):
            found = when.between(part, Asked(places=(place,), blocks=(block,)))
            assert {found.low, found.high} <= sums


def test_the_hours_of_all_blocks_are_those_of_the_period():
    hours = when.block_hours(told(), profiles.load("eskilstuna").profile)
    assert sum(hours.values()) == 365 * 24  # one hour short, one hour long
    assert hours[NIGHT] == pytest.approx(104 * 5, abs=6)


def test_a_block_that_the_profile_does_not_know_has_no_hours():
    other = replace(profiles.load("eskilstuna").profile, windows=())
    assert when.block_hours(told(), other) == {REST: 365 * 24.0}
