"""Verdicts on a small made-up town: what its addresses, outlines and events lead to."""

import warnings

import h3.api.basic_int as h3
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from geo.verdicts import VERDICTS
from pipelines.judging import Court, Held, Surroundings, cluster_verdicts, joined
from store.places import AreaRow
from store.verdicts import AREA, TOWN

LON, LAT = 16.5, 59.37  # the town's south-west corner
EAST, NORTH = 60 / 56_680, 60 / 111_195  # degrees of 60 m
COLUMNS, LINES = 24, 20  # of addresses, 60 m apart
CORE, CORNER, QUARTER, EMPTY = 11, 12, 13, 14
NOTHING = np.empty(0)


def box(west, south, east, north):
    """Draw an outline around addresses, given by their numbers along both sides."""
    sides = LON + (west - 0.5) * EAST, LAT + (south - 0.5) * NORTH
    return shapely.MultiPolygon(
        [shapely.box(*sides, LON + (east - 0.5) * EAST, LAT + (north - 0.5) * NORTH)]
    )


def area(key, kind, *sides):
    return AreaRow(key, kind, f"{kind} {key}", box(*sides), "prov", "")


MUNICIPALITY = area(10, "municipality", -60, -60, 90, 90)
FOCUS = [
    area(CORE, "nightlife", 0, 0, 8, 8),
    area(CORNER, "priority", 12, 10, 24, 20),
]
LINE, COLUMN = (each.ravel() for each in np.mgrid[0:LINES, 0:COLUMNS])
ADDRESSES = LON + COLUMN * EAST, LAT + LINE * NORTH
ONE_EACH = np.ones(ADDRESSES[0].size, dtype=np.int64)


def at(column, line):
    """Give the number of an address."""
    return line * COLUMNS + column


def with_more(more):
    """Give one event at each address, and more at some."""
    count = ONE_EACH.copy()
    for where, n in more.items():
        count[at(*where)] += n
    return count


def court(areas=(MUNICIPALITY, *FOCUS), *, known=ADDRESSES, places=ADDRESSES, events=ONE_EACH):
    return Court(Surroundings(areas, places, events, known))


def cells_of(judge, count, certain=None):
    """Judge cells; give them by (ground, resolution, cell), and what was said of each place."""
    held = Held(count, count if certain is None else certain)
    judged, said = judge.cells("all", "", held)
    return by_unit(judged), [VERDICTS[number].value for number in said.tolist()]


def areas_of(judge, held, town, certain=None):
    """Judge areas whose events are given by id, all certain; give them by id."""
    sure = held if certain is None else certain
    pairs = {key: (n, sure[key]) for key, n in held.items()}
    whole = town, town - sum(held.values()) + sum(sure.values())
    found = by_unit(judge.areas("all", "", pairs, whole))
    assert {(ground, resolution) for ground, resolution, _ in found} <= {(TOWN, AREA)}
    return {unit: row for (_, _, unit), row in found.items()}


def by_unit(tables):
    """Give the rows of tables by ground, resolution and unit; no two may be about the same."""
    table = joined(tables)
    rows = {}
    for i, unit in enumerate(table.unit.tolist()):
        key = int(table.ground[i]), int(table.resolution[i]), int(unit)
        assert key not in rows
        rows[key] = {
            "verdict": table.verdict[i],
            "reasons": table.reasons[i].split(),
            "count": int(table.count[i]),
            "expected": float(table.expected[i]),
            "ratio": (float(table.ratio_low[i]), float(table.ratio_high[i])),
        }
    return rows


def cell_at(column, line, resolution):
    fine = h3.latlng_to_cell(LAT + line * NORTH, LON + column * EAST, 11)
    return h3.cell_to_parent(fine, resolution)


def established(rows):
    return {key for key, row in rows.items() if row["verdict"] == "established"}


# --- with an address register ------------------------------------------------------------------


def test_a_hot_place_is_established_in_its_cells_and_nowhere_else():
    found, said = cells_of(court(), with_more({(18, 15): 25}))
    hot = {(ground, r, cell_at(18, 15, r)) for ground in (TOWN, CORNER) for r in (9, 10, 11)}
    assert established(found) >= {key for key in hot if key[1] != 9}
    assert established(found) <= hot
    assert said[at(18, 15)] == "established"
    assert said[at(2, 2)] != "established"


def test_one_event_at_each_address_is_raised_nowhere():
    found, _ = cells_of(court(), ONE_EACH)
    assert found
    assert {row["verdict"] for row in found.values()} <= {"not_raised", "too_few"}


def test_what_is_expected_is_in_proportion_to_addresses():
    count = with_more({(18, 15): 25})
    found, _ = cells_of(court(), count)
    for resolution in (9, 10, 11):
        fine = [h3.latlng_to_cell(b, a, 11) for a, b in zip(*ADDRESSES, strict=True)]
        held = [h3.cell_to_parent(cell, resolution) for cell in fine]
        for (ground, level, unit), row in found.items():
            if (ground, level) == (TOWN, resolution):
                inside = [i for i, cell in enumerate(held) if cell == unit]
                assert row["count"] == count[inside].sum()
                share = len(inside) / count.size
                assert row["expected"] == pytest.approx(count.sum() * share)


def test_a_focus_area_is_measured_by_its_own_level():
    count = ONE_EACH * np.where((COLUMN < 8) & (LINE < 8), 6, 1)
    found, _ = cells_of(court(), count)
    core = {row["verdict"] for (ground, _, _), row in found.items() if ground == CORE}
    assert core == {"not_raised"}  # each of its addresses holds the same
    in_town = {unit for ground, level, unit in established(found) if (ground, level) == (TOWN, 9)}
    assert cell_at(4, 4, 9) in in_town


def test_a_cluster_in_a_focus_area_hears_what_its_own_ground_says():
    count = ONE_EACH * np.where((COLUMN < 8) & (LINE < 8), 6, 1)
    _, said = cells_of(court(), count)
    assert said[at(4, 4)] == "not_raised"


def test_events_whose_times_are_uncertain_carry_no_established_cell():
    count = with_more({(18, 15): 25})
    found, said = cells_of(court(), count, ONE_EACH)
    assert established(found) == set()
    spot = found[TOWN, 10, cell_at(18, 15, 10)]
    assert (spot["verdict"], spot["reasons"]) == ("uncertain", ["uncertain-times"])
    assert said[at(18, 15)] == "uncertain"


def test_events_where_nobody_has_an_address_are_compared_with_nothing():
    there = np.append(ADDRESSES[0], LON + 60 * EAST), np.append(ADDRESSES[1], LAT + 60 * NORTH)
    count = np.append(ONE_EACH, 40)
    found, said = cells_of(court(places=there, events=count), count)
    lonely = found[TOWN, 11, cell_at(60, 60, 11)]
    assert (lonely["verdict"], lonely["reasons"]) == ("uncertain", ["no-exposure"])
    assert np.isnan(lonely["ratio"]).all()
    assert said[-1] == "uncertain"


def test_a_focus_area_without_addresses_is_judged_uncertain_and_not_called_few():
    far = area(EMPTY, "priority", 50, 50, 60, 60)
    there = np.append(ADDRESSES[0], LON + 55 * EAST), np.append(ADDRESSES[1], LAT + 55 * NORTH)
    count = np.append(ONE_EACH, 40)
    judge = court((MUNICIPALITY, *FOCUS, far), places=there, events=count)
    found, said = cells_of(judge, count)
    for resolution in (9, 10, 11):
        row = found[EMPTY, resolution, cell_at(55, 55, resolution)]
        assert (row["verdict"], row["reasons"]) == ("uncertain", ["no-exposure"])
        assert row["count"] == 40
    assert said[-1] == "uncertain"
    held = areas_of(judge, {CORE: 64, CORNER: 120, EMPTY: 40}, 520)
    assert held[EMPTY]["reasons"] == ["no-exposure"]


def test_events_outside_the_municipality_take_no_part():
    small = area(10, "municipality", 0, 0, COLUMNS, LINES)
    there = np.append(ADDRESSES[0], LON + 60 * EAST), np.append(ADDRESSES[1], LAT + 60 * NORTH)
    count = np.append(ONE_EACH, 500)
    found, said = cells_of(court((small, *FOCUS), places=there, events=count), count)
    alone, _ = cells_of(court((small, *FOCUS)), ONE_EACH)
    assert found == alone
    assert said[-1] == "too_few"


def test_where_two_focus_areas_overlap_the_smaller_one_has_both_events_and_addresses():
    whole = area(CORNER, "priority", 0, 0, 16, 16)
    judge = court((MUNICIPALITY, FOCUS[0], whole))
    found, _ = cells_of(judge, ONE_EACH * 6)
    sums = {
        ground: sum(row["count"] for (g, r, _), row in found.items() if (g, r) == (ground, 10))
        for ground in (CORE, CORNER)
    }
    assert sums == {CORE: 6 * 64, CORNER: 6 * (256 - 64)}
    held = areas_of(judge, {CORE: 64, CORNER: 256 - 64}, 480)
    assert [held[key]["expected"] for key in (CORE, CORNER)] == pytest.approx([64, 256 - 64])


# --- without one -------------------------------------------------------------------------------


def test_without_a_register_the_measure_is_square_metres():
    count = with_more({(18, 15): 60})
    found, said = cells_of(court(known=(NOTHING, NOTHING)), count)
    inner = [
        row["expected"]
        for (ground, r, unit), row in found.items()
        if (ground, r) == (TOWN, 9) and row["count"] > 20
    ]
    assert len(inner) > 4
    np.testing.assert_allclose(inner, inner[0], rtol=0.01)  # cells of one size, however many events
    assert (TOWN, 10, cell_at(18, 15, 10)) in established(found)
    assert said[at(18, 15)] == "established"
    assert said[at(2, 2)] != "established"


def test_without_a_register_nothing_is_said_of_places_where_little_is_reported():
    there = np.append(ADDRESSES[0], LON + 80 * EAST), np.append(ADDRESSES[1], LAT + 80 * NORTH)
    count = np.append(ONE_EACH, 4)
    found, said = cells_of(court(known=(NOTHING, NOTHING), places=there, events=count), count)
    alone, _ = cells_of(court(known=(NOTHING, NOTHING)), ONE_EACH)
    assert found == alone
    assert said[-1] == "too_few"


@pytest.mark.parametrize("known", [ADDRESSES, (NOTHING, NOTHING)], ids=["register", "none"])
@pytest.mark.parametrize(
    "places", [(NOTHING, NOTHING), (np.array([LON]), np.array([LAT]))], ids=["none", "one"]
)
@pytest.mark.parametrize("areas", [(), (MUNICIPALITY,), (MUNICIPALITY, *FOCUS)], ids=len)
def test_a_town_where_hardly_anything_happens_has_too_few_events(known, places, areas):
    events = np.ones(places[0].shape, dtype=np.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        judge = court(areas, known=known, places=places, events=events)
        found, said = cells_of(judge, events)
        held = areas_of(judge, {}, 1)
    assert (found, held) == ({}, {})
    assert said == ["too_few"] * events.size


# --- areas -------------------------------------------------------------------------------------


def test_areas_that_hold_their_share_are_not_raised():
    held = areas_of(court(), {CORE: 64, CORNER: 120}, 480)
    assert {row["verdict"] for row in held.values()} == {"not_raised"}
    assert [held[key]["expected"] for key in (CORE, CORNER)] == pytest.approx([64, 120])


def test_an_area_with_far_more_than_its_share_is_established():
    held = areas_of(court(), {CORE: 200, CORNER: 120}, 616)
    assert held[CORE]["verdict"] == "established"
    assert held[CORNER]["verdict"] == "not_raised"
    low, high = held[CORE]["ratio"]
    assert low < 200 / held[CORE]["expected"] < high


def test_an_area_where_nothing_happened_but_much_was_expected_is_not_raised():
    held = areas_of(court(), {CORNER: 120}, 480)
    assert (held[CORE]["verdict"], held[CORE]["count"]) == ("not_raised", 0)
    assert held[CORE]["reasons"] == ["below-own-level"]


def test_an_area_is_not_established_by_events_whose_times_are_uncertain():
    held = areas_of(court(), {CORE: 200, CORNER: 120}, 616, certain={CORE: 60, CORNER: 120})
    assert (held[CORE]["verdict"], held[CORE]["reasons"]) == ("uncertain", ["uncertain-times"])


def test_districts_are_judged_apart_from_focus_areas():
    districts = [area(21, "district", 0, 0, 12, 20), area(22, "district", 12, 0, 24, 20)]
    alone = areas_of(court(), {CORE: 200, CORNER: 120}, 616)
    judge = court((MUNICIPALITY, *FOCUS, *districts))
    both = areas_of(judge, {CORE: 200, CORNER: 120, 21: 376, 22: 240}, 616)
    assert {key: both[key] for key in (CORE, CORNER)} == alone
    assert [both[key]["expected"] for key in (21, 22)] == pytest.approx([308, 308])
    assert (both[21]["verdict"], both[22]["verdict"]) == ("established", "not_raised")


def test_districts_are_no_grounds():
    districts = [area(21, "district", 0, 0, 12, 20), area(22, "district", 12, 0, 24, 20)]
    found, _ = cells_of(court((MUNICIPALITY, *FOCUS, *districts)), with_more({(18, 15): 25}))
    assert {ground for ground, _, _ in found} == {TOWN, CORE, CORNER}


# --- the promise -------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [ADDRESSES, (NOTHING, NOTHING)], ids=["register", "none"])
def test_on_noise_few_maps_show_an_established_cell_on_the_towns_ground(known):
    rng = np.random.default_rng(3)
    maps = 100
    judge = court((MUNICIPALITY,), known=known, events=ONE_EACH * 2)
    false = 0
    for _ in range(maps):
        count = rng.multinomial(2 * ONE_EACH.size, ONE_EACH / ONE_EACH.size)
        found, _ = cells_of(judge, count)
        false += bool(established(found))
    assert false <= binom.ppf(0.999, maps, 0.05)


# --- clusters ----------------------------------------------------------------------------------

PLACES = st.lists(
    st.tuples(st.integers(0, len(VERDICTS) - 1), st.integers(0, 5), st.integers(1, 50)), max_size=40
)


@given(PLACES)
def test_a_cluster_is_what_most_of_its_events_stand_in_or_uncertain(places):
    names = sorted({label for _, label, _ in places})
    said = np.array([verdict for verdict, _, _ in places], dtype=np.int8)
    labels = np.array([names.index(label) for _, label, _ in places], dtype=np.int64)
    count = np.array([n for _, _, n in places], dtype=np.int64)
    found = cluster_verdicts(said, labels, count)
    assert len(found) == len(names)
    for cluster, verdict in enumerate(found):
        own = labels == cluster
        standing = {each.value: count[own & (said == i)].sum() for i, each in enumerate(VERDICTS)}
        most = [each for each, n in standing.items() if 2 * n > count[own].sum()]
        assert [verdict] == (most or ["uncertain"])


@given(PLACES, st.randoms(use_true_random=False))
def test_the_order_of_places_says_nothing_about_a_cluster(places, random):
    labels = {label for _, label, _ in places}
    if labels != set(range(len(labels))):
        return
    shuffled = random.sample(places, len(places))
    assert heard(places) == heard(shuffled)


def heard(places):
    said, labels, count = (
        np.array([place[i] for place in places], dtype=kind)
        for i, kind in enumerate((np.int8, np.int64, np.int64))
    )
    return cluster_verdicts(said, labels, count)
