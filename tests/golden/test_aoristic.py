"""Hour-of-week weights against R aoristic 1.1.1 and Wheeler's crimepy: golden/05_aoristic.

The times in the files are wall clock of one zone without clock changes, so they are read as UTC.
"""

import csv

import numpy as np
import pytest

from geo.aoristic import aoristic_totals, aoristic_weights
from geo.hot_times import hot_times

SETS = {"dcburglaries": 1025, "edge_cases": 14}
SWAPPED = 9  # row of edge_cases whose end comes before its start: the two references differ
ISO_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def table(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def times(rows, column):
    texts = [row[column].removesuffix("Z") or "NaT" for row in rows]
    return np.array(texts, dtype="datetime64[s]")


@pytest.fixture(params=SETS)
def case(request, shared):
    """Give the name of a set, its events, and R's weights turned to begin on Monday."""
    folder = shared / "golden/05_aoristic"
    rows = table(folder / f"{request.param}_rows.csv")
    weights = [[float(row[f"hour{hour}"]) for hour in range(1, 169)] for row in rows]
    monday_first = np.roll(np.array(weights), -24, axis=1)  # R's hour1 is Sunday 00
    return request.param, (times(rows, "from"), times(rows, "to")), monday_first, folder


def test_every_event_weighs_in_every_hour_what_it_does_in_r(case):
    name, (start, end), theirs, _ = case
    ours = aoristic_weights(start, end, "UTC")
    assert ours.shape == (SETS[name], 168)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)
    np.testing.assert_allclose(ours.sum(axis=1), 1, rtol=0, atol=1e-9)


def test_every_event_weighs_what_it_does_in_crimepy_unless_its_ends_are_swapped(case):
    name, (start, end), _, folder = case
    rows = table(folder / f"{name}_wheeler_rows.csv")
    theirs = np.array([[float(v) for k, v in row.items() if k != "row"] for row in rows])
    differs = np.abs(aoristic_weights(start, end, "UTC") - theirs).max(axis=1) > 1e-9
    assert np.flatnonzero(differs).tolist() == ([SWAPPED] if name == "edge_cases" else [])


def test_the_sums_by_weekday_and_hour_are_those_of_r(case):
    name, (start, end), _, folder = case
    rows = table(folder / f"{name}_hour_x_day.csv")
    theirs = np.array([[float(row[day]) for row in rows] for day in ISO_DAYS])
    totals = aoristic_totals(start, end, "UTC", np.ones(start.size))
    np.testing.assert_allclose(totals.reshape(7, 24), theirs, rtol=0, atol=1e-9)
    shown = hot_times(start, end, "UTC", np.ones(start.size, dtype=np.int64))
    np.testing.assert_allclose(shown.weight, theirs, rtol=0, atol=1e-9)


def test_new_york_s_own_clock_gives_the_table_that_the_package_ships(shared):
    # The shipped data are New York instants: read as such, wall clock and table agree as well.
    folder = shared / "data/crime/dc_burglary_from_to"
    rows = table(folder / "dcburglaries.csv")
    shipped = table(folder / "dcburgsum_shipped_reference.csv")
    theirs = np.array([[float(row[day]) for row in shipped] for day in ISO_DAYS])
    start, end = times(rows, "StartDateTime"), times(rows, "EndDateTime")
    totals = aoristic_totals(start, end, "UTC", np.ones(start.size))
    np.testing.assert_allclose(totals.reshape(7, 24), theirs, rtol=0, atol=0.00051)
