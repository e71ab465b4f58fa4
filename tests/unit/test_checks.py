"""What every method asks of its input."""

from datetime import date

import numpy as np
import pytest

from geo import cells, change, checks, concentration, counting, gistar, rings, verdicts, windows
from geo.errors import InvalidParameter
from geo.near_repeat import Knox, NearRepeat
from tests.cellmaps import circle

COLUMN = np.arange(5.0)[:, None]


@pytest.mark.parametrize(
    "arrays",
    [
        {"a": np.zeros(3), "b": np.zeros(4)},
        {"a": np.zeros(3), "b": np.float64(1)},
        {"a": np.zeros(3), "b": np.zeros((3, 1))},
        {"a": np.float64(1)},
    ],
)
def test_arrays_that_do_not_describe_the_same_things_are_refused(arrays):
    with pytest.raises(InvalidParameter, match="shapes-differ"):
        checks.require_same_length(**arrays)


def test_a_table_may_stand_beside_a_column():
    checks.require_same_length(a=np.zeros(3), b=np.zeros((3, 2)))
    checks.require_same_length(a=np.zeros((3, 1)), b=np.zeros((3, 1)))


@pytest.mark.parametrize(
    "call",
    [
        lambda: checks.require_points(COLUMN, COLUMN),
        lambda: gistar.gi(COLUMN, circle(5)),
        lambda: gistar.gi_star(COLUMN, circle(5)),
        lambda: concentration.lorenz_curve(COLUMN),
        lambda: cells.index(COLUMN, COLUMN),
        lambda: cells.index(np.zeros(2), np.zeros(3)),
    ],
)
def test_one_column_is_asked_for_where_one_is_meant(call):
    with pytest.raises(InvalidParameter, match="shapes-differ"):
        call()


@pytest.mark.parametrize(
    ("lon", "lat"), [(585_802.0, 6_582_337.0), (16.5, 95.0), (16.5, -90.5), (400.0, 59.0)]
)
def test_metres_are_not_taken_for_degrees(lon, lat):
    with pytest.raises(InvalidParameter, match="not-degrees"):
        cells.index(np.array([lon]), np.array([lat]))


@pytest.mark.parametrize("kind", ["uint8", "uint16", "uint64", "int16"])
def test_small_and_unsigned_counts_do_not_wrap(kind):
    before, after = np.array([200, 40, 0]), np.array([60, 90, 3])
    wide = change.compare_periods(before, after)
    narrow = change.compare_periods(before.astype(kind), after.astype(kind))
    assert narrow.difference.tolist() == wide.difference.tolist() == [-140, 50, 3]
    assert narrow.verdict.tolist() == wide.verdict.tolist()
    of = verdicts.excess(before.astype(kind), np.ones(3))
    assert of.expected.tolist() == verdicts.excess(before, np.ones(3)).expected.tolist()


@pytest.mark.parametrize(
    ("events", "code"),
    [
        (np.array([0.5, 0.5]), "events-not-whole"),
        (np.array([np.nan, 1.0]), "events-not-whole"),
        (np.array([-5, 1]), "weights-negative"),
    ],
)
def test_only_whole_events_are_tallied(events, code):
    with pytest.raises(InvalidParameter, match=code):
        counting.tally([np.array([0, 0])], events, np.ones(2))


def test_an_event_without_a_start_has_no_share():
    night = windows.WeeklyWindow("natt", "", (windows.Span(5, 1380, 240),))
    opening = windows.occurrences(night, (date(2026, 1, 1), date(2026, 2, 1)), "Europe/Stockholm")
    start = np.array(["2026-01-02T22:30", "NaT"], dtype="datetime64[s]")
    with pytest.raises(InvalidParameter, match="starts-missing"):
        opening.shares(start, start)


@pytest.mark.parametrize("days", [1e-12, 1 / 86_400])
def test_an_edge_below_the_resolution_of_time_is_refused(days):
    with pytest.raises(InvalidParameter, match="bands-not-positive"):
        NearRepeat(time_edges_days=(days, 1.0))
    with pytest.raises(InvalidParameter, match="bands-not-positive"):
        Knox(50.0, days)


def test_more_events_than_an_exact_interval_can_take_are_refused():
    distance, share = np.array([50.0, 50.0, 900.0, 900.0]), np.array([1.0, 0.0, 1.0, 0.0])
    limit = np.array([rings.MOST_EVENTS - 12, 3, 5, 4])
    assert np.isfinite(rings.hours_near(distance, limit, share, (50.0, 118.0)).p)
    with pytest.raises(InvalidParameter, match="too-many-events"):
        rings.hours_near(distance, limit + np.array([1, 0, 0, 0]), share, (50.0, 118.0))
