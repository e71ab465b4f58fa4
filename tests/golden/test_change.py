"""Change between two halves of 2019 against sfhotspot 1.0.0: golden/01_sfhotspot_memphis."""

import csv

import numpy as np
import pytest

from geo.change import compare_periods

CELL_M = 1000.0


def table(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def cells(shared):
    """Give R's grid cells with their counts before and after 1 July."""
    return table(shared / "golden/01_sfhotspot_memphis/change_2019-07-01_rect1000.csv")


@pytest.fixture(scope="module")
def halves(shared, cells):
    """Count the robberies before and after 1 July in R's cells ourselves."""
    points = table(shared / "golden/inputs/memphis_points.csv")
    x, y = (np.array([float(row[name]) for row in points]) for name in ("x_32615", "y_32615"))
    when = np.array([row["date"] for row in points], dtype="datetime64[s]")
    corner = {(float(row["xmin"]), float(row["ymin"])): i for i, row in enumerate(cells)}
    west, south = min(corner)[0], min(y for _, y in corner)
    column, row = (np.floor((v - low) / CELL_M) for v, low in ((x, west), (y, south)))
    number = np.full((int(column.max()) + 1, int(row.max()) + 1), -1)
    for (left, bottom), i in corner.items():
        at = round((left - west) / CELL_M), round((bottom - south) / CELL_M)
        if at[0] < number.shape[0] and at[1] < number.shape[1]:
            number[at] = i
    cell = number[column.astype(int), row.astype(int)]
    assert (cell >= 0).all()
    late = when >= np.datetime64("2019-07-01")
    return [np.bincount(cell[half], minlength=len(cells)) for half in (~late, late)]


def test_counts_before_and_after_and_their_difference_are_those_of_r(cells, halves):
    before, after = halves
    np.testing.assert_array_equal(before, [int(row["n_before"]) for row in cells])
    np.testing.assert_array_equal(after, [int(row["n_after"]) for row in cells])
    found = compare_periods(before, after, exposure=(181.0, 184.0))
    np.testing.assert_array_equal(found.difference, [int(row["change"]) for row in cells])
    assert before.sum() + after.sum() == 2245


def test_single_cells_of_a_kilometre_hold_too_few_robberies_to_speak_of_change(halves):
    # What sfhotspot shows as red and blue cells is chance: no cell passes the correction.
    found = compare_periods(*halves, exposure=(181.0, 184.0))
    assert np.abs(found.difference).max() >= 10
    assert not np.isin(found.verdict, ["increased", "decreased"]).any()
