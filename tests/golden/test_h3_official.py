"""H3 against the test files of uber/h3 itself: golden/11_h3_official."""

import csv

import numpy as np
import pytest
import shapely

from geo import cells


def table(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def centres(shared):
    """Give the official cells and their centres at the resolutions we serve."""
    rows = table(shared / "golden/11_h3_official/centers.csv")
    return [row for row in rows if int(row["res"]) in cells.RESOLUTIONS]


def lonlat(rows):
    return np.array([[float(row["lng"]), float(row["lat"])] for row in rows]).T


def at(resolution, rows, prefix=""):
    """Give the official cells of a resolution, and the ones we find for the same points."""
    some = [r for r in rows if int(r["res"]) == resolution and r["source"].startswith(prefix)]
    found = cells.parents(cells.index(*lonlat(some)), resolution)
    return [row["cell"] for row in some], [cells.name(cell) for cell in found.tolist()]


def test_every_official_point_lies_in_its_official_cell(centres):
    official, found = at(11, centres)
    assert len(official) > 5000
    assert found == official


@pytest.mark.parametrize("resolution", [8, 9, 10])
def test_the_centre_of_an_official_cell_lies_in_it_by_way_of_resolution_11(resolution, centres):
    official, found = at(resolution, centres, prefix="bc")
    assert len(official) >= 19
    assert found == official


@pytest.mark.parametrize(("resolution", "elsewhere"), [(8, 316), (9, 331), (10, 391)])
def test_rolling_up_is_not_indexing_again(resolution, elsewhere, centres):
    # 6 to 8 % of 5,000 random points lie in one cell and in the child of its neighbour.
    official, found = at(resolution, centres, prefix="rand")
    assert len(official) == 5000
    assert sum(a != b for a, b in zip(official, found, strict=True)) == elsewhere


def test_official_cells_are_read_and_written_unchanged(centres):
    assert all(cells.name(cells.parse(row["cell"])) == row["cell"] for row in centres)


def test_boundaries_are_the_official_ones(shared):
    rows = table(shared / "golden/11_h3_official/boundaries.csv")
    assert len(rows) == 5500
    rings = cells.boundaries(np.array([cells.parse(row["cell"]) for row in rows]))
    for row, ring in zip(rows, rings, strict=True):
        official = [float(number) for number in row["lat_lng_pairs"].split()]
        expected = np.array(official).reshape(-1, 2)[:, ::-1]
        assert len(ring) == int(row["n_vertices"]) + 1
        np.testing.assert_allclose(ring[:-1], expected, atol=6e-8)  # seven decimals


def test_official_boundaries_away_from_the_date_line_are_valid_polygons(shared):
    rows = table(shared / "golden/11_h3_official/boundaries.csv")
    index = np.array([cells.parse(row["cell"]) for row in rows])
    made = cells.polygons(index)
    west, _, east, _ = shapely.bounds(made).T
    whole = east - west < 180
    assert whole.sum() > 5000
    assert shapely.is_valid(made[whole]).all()


@pytest.mark.parametrize("resolution", range(5, 16))
def test_every_official_centre_is_found_at_its_own_resolution(resolution, shared):
    rows = table(shared / "golden/11_h3_official/centers.csv")
    some = [row for row in rows if int(row["res"]) == resolution]
    assert some
    found = cells.index(*lonlat(some), resolution).tolist()
    assert [cells.name(cell) for cell in found] == [row["cell"] for row in some]


def test_outlines_before_rounding_are_the_official_ones(shared):
    rows = table(shared / "golden/11_h3_official/boundaries.csv")
    outlines = cells.rings(np.array([cells.parse(row["cell"]) for row in rows]))
    for row, start, end in zip(rows, outlines.starts[:-1], outlines.starts[1:], strict=True):
        official = [float(number) for number in row["lat_lng_pairs"].split()]
        expected = np.array(official).reshape(-1, 2)[:, ::-1]
        np.testing.assert_allclose(outlines.lonlat[start : end - 1], expected, atol=2e-9)
