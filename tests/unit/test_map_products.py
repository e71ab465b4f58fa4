"""Maps as scores of cells: the hottest cell is the one a reader of the map would choose."""

import numpy as np
import pytest
from scipy import sparse

from geo.backtest import Grid, Past, Record, RollingOrigin, backtest
from geo.clusters import Density
from geo.kde import GaussianHeat
from geo.map_products import (
    MapChoices,
    count_map,
    dbscan_map,
    gi_star_map,
    kde_map,
    standard_maps,
)

CELL_M = 100.0
STREET = Grid(CELL_M * np.arange(9), np.zeros(9), np.full(9, CELL_M**2))
NEXT_DOOR = sparse.csr_array(sum(np.eye(9, k=k) for k in (-1, 0, 1)))
CLOSE = Density(eps_m=20.0, min_samples=4)


def past(cells, events=None, east_m=0.0):
    cell = np.array(cells, dtype=np.intp)
    held = np.ones(cell.size, dtype=np.int64) if events is None else np.array(events)
    return Past(STREET.x_m[cell] + east_m, STREET.y_m[cell], cell, held)


NOTHING = past([])


@pytest.mark.parametrize(
    ("map_", "more"),
    [
        (count_map, ()),
        (kde_map, (GaussianHeat(50.0),)),
        (gi_star_map, (NEXT_DOOR,)),
        (dbscan_map, (CLOSE,)),
    ],
)
def test_a_row_for_five_events_scores_like_five_rows(map_, more):
    one = map_(past([2, 6], [5, 1]), STREET, *more)
    np.testing.assert_array_equal(map_(past([6, 2, 2, 2, 2, 2]), STREET, *more), one)
    assert one[2] == one.max()


def test_the_count_of_a_cell_is_its_own_events():
    assert count_map(past([2, 6], [5, 1]), STREET).tolist() == [0, 0, 5, 0, 0, 0, 1, 0, 0]


def test_heat_at_a_centre_is_the_density_there():
    heat = kde_map(past([4], [3]), STREET, GaussianHeat(bandwidth_m=50.0))
    assert heat[4] == pytest.approx(3 / (2 * np.pi * 50.0**2))
    assert heat[3] == pytest.approx(heat[4] * np.exp(-2))


def test_gi_star_puts_the_middle_of_three_busy_cells_first():
    z = gi_star_map(past([3, 4, 5], [4, 4, 4]), STREET, NEXT_DOOR)
    assert z.argmax() == 4
    assert z[3] > z[2]


def test_a_cell_without_a_cluster_scores_nothing_however_busy():
    score = dbscan_map(past([2, 2, 2, 6], [2, 1, 1, 3]), STREET, CLOSE)
    assert score.tolist() == [0, 0, 4 / CELL_M**2, 0, 0, 0, 0, 0, 0]


def test_a_cluster_is_as_dense_as_its_events_on_all_the_cells_it_covers():
    wide = Density(eps_m=CELL_M, min_samples=4)
    score = dbscan_map(past([2, 3, 7], [5, 1, 4]), STREET, wide)
    assert score[[2, 3, 7]].tolist() == pytest.approx([3e-4, 3e-4, 4e-4])


def test_a_cell_takes_the_densest_of_its_clusters():
    here = past([2, 2, 3], [4, 5, 5])
    apart = Past(here.x_m + np.array([-40.0, 40, -40]), here.y_m, here.cell, here.events)
    # 5 + 5 events 20 m apart on two cells, and 4 events 80 m away on one of them.
    assert dbscan_map(apart, STREET, CLOSE)[[2, 3]].tolist() == pytest.approx([5e-4, 5e-4])


def test_rows_without_events_make_no_cluster():
    assert not dbscan_map(past([2, 2], [0, 0]), STREET, CLOSE).any()


def test_a_past_without_clusters_scores_every_cell_alike():
    assert not dbscan_map(NOTHING, STREET, CLOSE).any()


def test_the_four_maps_run_in_a_backtest_under_their_names():
    maps = standard_maps(NEXT_DOOR, MapChoices(GaussianHeat(50.0), CLOSE))
    cell = np.array([2, 2, 6, 2, 3], dtype=np.intp)
    events = np.array([5, 4, 1, 20, 10])
    given = Record(STREET.x_m[cell], STREET.y_m[cell], cell, events, np.array([0, 1, 1, 2, 2]))
    choice = RollingOrigin(2, 1, 1, area_shares=(0.1,), draws=100)
    result = backtest(given, STREET, maps, choice, np.random.default_rng(1))
    assert [score.product for score in result.scores] == ["count", "kde", "gi_star", "dbscan"]
    assert result.scores[0].hit_rate == pytest.approx(0.9 * 2 / 3)
