"""Gi* on squares and hexagons against sfhotspot 1.0.0: golden/01_sfhotspot_memphis."""

import numpy as np
import pytest
from scipy import sparse, spatial

from geo.gistar import gi, gi_star
from tests.cellmaps import columns, star

TOLERANCE = 1e-9
METHODS = ("none", "fdr", "bonferroni", "BY", "holm")
MONTHS = {"1month": range(1, 12), "3months": (1, 4, 7)}  # a short last period joins the one before


@pytest.fixture(scope="module")
def table(shared):
    """Give a function that reads the numbers of one of sfhotspot's tables."""

    def read(name):
        found = columns(shared / f"golden/01_sfhotspot_memphis/{name}.csv")
        texts = {"wkt", "hotspot_category"}
        return {k: v if k in texts else np.array(v, dtype=float) for k, v in found.items()}

    return read


def within(cells, reach_m):
    """Make neighbours of all cells whose centres are at most so far apart, as sfhotspot does."""
    tree = spatial.cKDTree(np.column_stack([cells["cx"], cells["cy"]]))
    pairs = tree.query_pairs(reach_m, output_type="ndarray")
    return star(np.vstack([pairs, pairs[:, ::-1]]), cells["cx"].size)


def close(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("name", "size_m"),
    [("gistar_rect1000_bw3000", 1000), ("gistar_hex1000_bw3000", 1000), ("gistar_default", 500)],
)
def test_gi_star_is_that_of_sfhotspot(name, size_m, table):
    # Its reach is the cell size times the root of 2: eight squares around, or six hexagons.
    cells = table(name)
    scores = gi_star(cells["n"], within(cells, size_m * 1.45))
    close(scores.z, cells["gistar"])
    close(scores.p, cells["pvalue"])


def test_gi_without_itself_is_that_of_sfhotspot(table):
    cells = table("gi_noself_rect1000")
    scores = gi(cells["n"], within(cells, 1450))
    close(scores.z, cells["gistar"])
    close(scores.p, cells["pvalue"])


def test_sfhotspots_adjusted_p_values_count_neighbours_not_cells(table):
    cells, theirs = table("gistar_rect1000_bw3000"), table("gistar_rect1000_padjust")
    neighbours = within(cells, 1450)
    scores = gi_star(cells["n"], neighbours)
    tests = np.diff(neighbours.indptr) + 1  # the cell, its neighbours and one more
    harmonic = np.array([np.sum(1 / np.arange(1, n + 1)) for n in tests])
    times = {"none": 1, "fdr": tests, "bonferroni": tests, "holm": tests, "BY": tests * harmonic}
    for method in METHODS:
        close(np.minimum(scores.p * times[method], 1), theirs[method])
    assert np.abs(scores.q - theirs["fdr"]).max() > 0.1  # so its "fdr" is not the map's


@pytest.fixture(scope="module")
def robberies(shared):
    """Give metres and month of each robbery."""
    found = columns(shared / "golden/inputs/memphis_points.csv")
    month = np.array([int(day[5:7]) for day in found["date"]])
    return np.array(found["x_32615"], dtype=float), np.array(found["y_32615"], dtype=float), month


def cube(cells, robberies, starts):
    """Count the robberies in each square and period."""
    x_m, y_m, month = robberies
    period = np.searchsorted(list(starts), month, side="right") - 1
    inside = (
        (x_m >= cells["xmin"][:, None])
        & (x_m < cells["xmax"][:, None])
        & (y_m >= cells["ymin"][:, None])
        & (y_m < cells["ymax"][:, None])
    )
    return np.array(
        [np.bincount(period[row], minlength=len(starts)) for row in inside], dtype=float
    )


def holm(p):
    """Adjust each row's p-values as R's p.adjust does by default."""
    order = np.argsort(p, axis=1)
    left = p.shape[1] - np.arange(p.shape[1])
    scaled = np.maximum.accumulate(np.take_along_axis(p, order, 1) * left, axis=1)
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, np.minimum(scaled, 1), 1)
    return adjusted


def sfhotspots_category(hot):
    """Follow sfhotspot's own rules, its one period too many among the recent ones included."""
    periods = hot.shape[1]
    recent = max(int(0.2 * periods), 1)
    lately = hot[:, periods - recent - 1 :].sum(axis=1) / recent
    before = hot[:, : periods - recent].mean(axis=1)
    rules = [
        (hot.mean(axis=1) >= 0.8, "persistent hotspot"),
        ((before < 0.1) & (lately >= 0.2), "emerging hotspot"),
        ((before >= 0.1) & (lately < 0.1), "former hotspot"),
        (hot.mean(axis=1) >= 0.1, "intermittent hotspot"),
    ]
    return np.select([fit for fit, _ in rules], [name for _, name in rules], "no pattern")


@pytest.mark.parametrize("period", MONTHS)
def test_sfhotspots_categories_follow_from_our_scores_and_its_rules(period, table, robberies):
    # Given the grid but not its cell size, sfhotspot guessed 500 m and so looked 707 m around
    # each centre: on squares of 1,000 m no cell had a neighbour.
    cells = table(f"classify_{period}_rect1000")
    counts = cube(cells, robberies, MONTHS[period])
    alone = sparse.eye_array(cells["cx"].size, format="csr")
    scores = [gi_star(month, alone) for month in counts.T]
    z = np.column_stack([s.z for s in scores])
    hot = (holm(np.column_stack([s.p for s in scores])) < 0.05) & (z > 0)
    assert sfhotspots_category(hot).tolist() == cells["hotspot_category"]
