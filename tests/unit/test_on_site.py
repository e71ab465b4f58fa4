"""How walks have covered the areas, counted by hand; and what they saw, put into cells."""

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest
import shapely

from geo import cells
from pipelines import on_site
from store.observations import ObservationRow
from store.places import AreaRow

STOCKHOLM = "Europe/Stockholm"
SQUARE = shapely.MultiPolygon([shapely.box(16.5, 59.3, 16.6, 59.4)])
TODAY = date(2026, 11, 1)


def area(number, name, kind="priority"):
    return AreaRow(number, kind, name, SQUARE, "egen", "")


AREAS = (
    area(1, "Kommunen", "municipality"),
    area(2, "Östra"),
    area(3, "Norra"),
    area(4, "Kärnan", "nightlife"),
    area(5, "Stadsdelen", "district"),
)


def seen(when, **about):
    usual = ObservationRow(
        id=1,
        lon=16.55,
        lat=59.35,
        type="belysning",
        severity=1,
        light="ljust",
        walk="Höst",
        observed_at=datetime.fromisoformat(when).replace(tzinfo=UTC),
        match_type="coordinates",
        uncertainty_m=10.0,
        area="Östra",
        note=None,
        reviewed=True,
        synthetic=True,
    )
    return replace(usual, **about)


def covered(*rows):
    found = on_site.coverage(rows, AREAS, STOCKHOLM, TODAY)
    return {each.area: each for each in found}


@pytest.mark.parametrize(
    ("day", "third"),
    [("2026-01-01", 1), ("2026-04-30", 1), ("2026-05-01", 2), ("2026-08-31", 2), ("2026-12-31", 3)],
)
def test_a_year_has_three_thirds_of_four_months(day, third):
    assert on_site.tertial(date.fromisoformat(day)) == (2026, third)


def test_a_walk_is_a_name_on_a_local_day():
    found = covered(
        seen("2026-10-15T17:00"),
        seen("2026-10-15T18:00", light="morkt"),  # the same walk
        seen("2026-10-15T17:30", walk="Annan"),
        seen("2026-10-16T17:00", light="morkt"),  # the same name on another day
        seen("2026-10-14T22:30"),  # half past midnight on the fifteenth, local time
    )["Östra"]
    assert (found.walks, found.latest, found.seen, found.dark) == (3, date(2026, 10, 16), 5, 2)
    assert found.walked_now
    assert found.priority


def test_an_area_where_nobody_has_walked_stands_there_with_nothing():
    found = covered(seen("2026-10-15T17:00"))
    assert list(found) == ["Kärnan", "Norra", "Östra"]  # no municipality, no district, no outside
    assert found["Norra"] == on_site.Coverage(
        area="Norra", priority=True, walks=0, latest=None, seen=0, dark=0, walked_now=False
    )
    assert not found["Kärnan"].priority


def test_a_walk_of_last_spring_is_none_of_this_tertial():
    found = covered(seen("2026-08-31T17:00"), seen("2026-09-01T17:00", area="Norra"))
    assert [found[name].walked_now for name in ("Östra", "Norra")] == [False, True]


def test_what_lies_outside_the_areas_is_counted_there_and_a_walk_through_two_counts_in_both():
    found = covered(seen("2026-10-15T17:00"), seen("2026-10-15T18:00", area=None))
    assert (found["Östra"].walks, found[""].walks) == (1, 1)
    assert (found["Östra"].seen, found[""].seen) == (1, 1)
    assert not found[""].priority


def test_kinds_are_counted_the_commonest_first_and_equal_ones_by_name():
    rows = [seen("2026-10-15", type=kind) for kind in ("klotter", "annat", "klotter", "belysning")]
    assert on_site.kinds(rows) == [("klotter", 2), ("annat", 1), ("belysning", 1)]
    assert on_site.kinds([]) == []


def test_what_was_seen_lies_in_the_cell_that_holds_it_and_what_has_no_place_in_none():
    here, there = seen("2026-10-15"), seen("2026-10-15", lon=16.51, lat=59.31)
    found = on_site.by_cell([here, there, here, seen("2026-10-15", lon=None, lat=None)], 9)
    own = cells.index(np.array([16.55, 16.51]), np.array([59.35, 59.31]))
    expected = cells.parents(own, 9).tolist()
    assert {cell: len(rows) for cell, rows in found.items()} == {expected[0]: 2, expected[1]: 1}
    assert on_site.by_cell([], 9) == {}
