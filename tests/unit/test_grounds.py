"""The partition of the municipality: which leaf an incident lies in, and which spots count."""

from itertools import pairwise

import numpy as np
import pytest

from geo import cells
from pipelines.grounds import NO_CELL, REST, SCHOOLS, UNKNOWN, Grounds, Zone
from store.incidents import Sample

TOWN = (16.50, 59.37)
FAR = (16.60, 59.30)
SCHOOL, FOCUS, DISTRICT, OUTSIDE, NOWHERE = 1, 0, 2, 3, 4
ARBY, EAST = 11, 12  # area ids


def fine(lon, lat):
    return int(cells.index(np.array([lon]), np.array([lat]))[0])


def near(lon, lat):
    own = cells.parents(np.array([fine(lon, lat)]), 9)
    return np.unique(cells.disks(own, 1))


def zone(place, kind, slug, around):
    return Zone(place, place, kind, slug, slug, None, around)


@pytest.fixture(scope="module")
def grounds():
    nothing = np.empty(0, dtype=np.int64)
    zones = (
        zone("priority-arby", "priority", "priority-arby", near(*TOWN)),
        zone(SCHOOLS, SCHOOLS, "school-a", near(*TOWN)),
        zone(REST, REST, "district-east", near(*TOWN)),
        zone(REST, REST, "outside", near(*TOWN)),
        zone(REST, UNKNOWN, UNKNOWN, nothing),
    )
    sizes = [each.cells.size + 1 for each in zones]
    return Grounds(
        zones,
        {ARBY: FOCUS},
        {EAST: DISTRICT},
        {fine(*TOWN): SCHOOL},
        np.repeat(np.arange(5), sizes),
        np.concatenate([part for each in zones for part in ([NO_CELL], each.cells)]),
    )


def sample(*rows):
    """Give incidents of (lon, lat, uncertainty, pile, area id, district id); None is no point."""
    points = [row[0] or (0.0, 0.0) for row in rows]
    cell = [fine(*row[0]) if row[0] else 0 for row in rows]
    times = np.full(len(rows), "2025-03-01", dtype="datetime64[s]")
    return Sample(
        id=np.arange(len(rows)),
        category=np.full(len(rows), "ran", dtype=object),
        on_map=np.ones(len(rows), dtype=bool),
        count=np.ones(len(rows), dtype=np.int64),
        starts_at=times,
        ends_at=times,
        x_m=np.array([point[0] * 1000 for point in points]),
        y_m=np.array([point[1] * 1000 for point in points]),
        cell=np.array(cell, dtype=np.int64),
        uncertainty_m=np.array([row[1] for row in rows], dtype=float),
        pile=np.array([row[2] for row in rows]),
        area_id=np.array([row[3] for row in rows], dtype=np.int64),
        district_id=np.array([row[4] for row in rows], dtype=np.int64),
    )


ROWS = {
    "in an area, by a school": ((TOWN, 5, False, ARBY, EAST), FOCUS, True),
    "by a school": ((TOWN, 5, False, 0, EAST), SCHOOL, True),
    "vaguely by a school": ((TOWN, 200, False, 0, EAST), DISTRICT, False),
    "in a district": (((16.5005, 59.3712), 5, False, 0, EAST), DISTRICT, True),
    "in no district": (((16.5005, 59.3712), 5, False, 0, 0), OUTSIDE, True),
    "where no zone has a cell": ((FAR, 5, False, 0, 0), OUTSIDE, False),
    "known by an area only": ((None, 1e9, False, ARBY, 0), FOCUS, False),
    "on a pile": ((TOWN, 5, True, 0, 0), NOWHERE, False),
    "on a pile in a named area": ((TOWN, 5, True, ARBY, 0), FOCUS, False),
    "without a place": ((None, 1e9, False, 0, 0), NOWHERE, False),
}


@pytest.mark.parametrize("name", ROWS)
def test_an_incident_lies_in_the_first_zone_that_holds_it(grounds, name):
    row, expected, has_cell = ROWS[name]
    leaf = grounds.leaves(sample(row))
    assert grounds.leaf_zone[leaf].tolist() == [expected]
    assert (grounds.leaf_cell[leaf] != NO_CELL).tolist() == [has_cell]


def test_the_levels_of_place_are_nested(grounds):
    levels = grounds.levels()
    names = ("place", "zone", "r8", "r9")
    for coarse, finer in pairwise(names):
        pairs = np.unique(np.column_stack([levels[finer].of, levels[coarse].of]), axis=0)
        assert pairs.shape[0] == np.unique(levels[finer].of).size


def test_what_has_no_known_place_stays_with_the_rest_at_the_first_level(grounds):
    place = grounds.levels()["place"].of
    by_zone = {zone: set(place[grounds.leaf_zone == zone].tolist()) for zone in range(5)}
    assert by_zone[NOWHERE] == by_zone[OUTSIDE] == by_zone[DISTRICT]
    assert len({min(values) for values in by_zone.values()}) == 3


def test_vague_incidents_are_one_spot_and_unplaced_ones_are_one_each(grounds):
    rows = sample(
        (TOWN, 5, False, 0, 0),
        (TOWN, 5, False, 0, 0),
        (TOWN, 200, False, 0, EAST),
        (None, 1e9, False, ARBY, 0),
        (None, 1e9, False, 0, 0),
        (None, 1e9, False, 0, 0),
    )
    spot = grounds.spots(rows, grounds.leaves(rows)).tolist()
    assert spot[0] == spot[1] != -1
    assert spot[2] == spot[3] == -1
    assert len({spot[0], spot[2], spot[4], spot[5]}) == 4


def test_another_partition_has_another_fingerprint(grounds):
    shifted = Grounds(
        grounds.zones,
        grounds.focus,
        grounds.districts,
        {fine(*FAR): SCHOOL},
        grounds.leaf_zone,
        grounds.leaf_cell,
    )
    assert grounds.digest() != shifted.digest()
