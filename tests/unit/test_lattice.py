"""Which cells touch: the lattice against h3.grid_disk, everywhere on Earth."""

import h3.api.basic_int as h3
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo import digits
from geo.errors import InvalidParameter
from geo.lattice import neighbours
from tests.zoo import CENTRE_LONLAT

anywhere = st.tuples(st.floats(-180, 180), st.floats(-90, 90))


def around(lonlat, resolution, k):
    """Give the cells within k steps of the one at a place."""
    lon, lat = lonlat
    return np.array(h3.grid_disk(h3.latlng_to_cell(lat, lon, resolution), k), dtype=np.int64)


def rows(matrix):
    """List the column numbers of each row, as stored."""
    return [part.tolist() for part in np.split(matrix.indices, matrix.indptr[1:-1])]


def by_h3(cells, k):
    """Ask H3 for every disk and keep what is in the list."""
    position = {cell: n for n, cell in enumerate(cells.tolist())}
    disks = (h3.grid_disk(cell, k) for cell in cells.tolist())
    return [sorted(position[cell] for cell in disk if cell in position) for disk in disks]


def assert_equals_h3(cells, k):
    matrix = neighbours(cells, k)
    assert matrix.shape == (cells.size, cells.size)
    assert rows(matrix) == by_h3(cells, k)
    assert (matrix.data == 1).all()


def awkward_lists(seed, n, resolutions):
    """Give lists of cells around pentagons, on borders of base cells, and anywhere; some sparse."""
    rng = np.random.default_rng(seed)
    bases = h3.get_res0_cells()
    for number in range(n):
        resolution = int(rng.choice(resolutions))
        base = bases[rng.integers(len(bases))]
        pentagon = h3.get_pentagons(rng.integers(0, resolution + 1))[rng.integers(12)]
        lat, lon = (
            h3.cell_to_latlng(pentagon),
            h3.cell_to_boundary(pentagon)[0],  # where descendants of a pentagon meet others
            h3.cell_to_boundary(base)[0],
            (np.degrees(np.arcsin(rng.uniform(-1, 1))), rng.uniform(-180, 180)),
        )[number % 4]
        cells = rng.permutation(around((lon, lat), resolution, int(rng.integers(0, 12))))
        yield cells[: max(1, int(cells.size * rng.choice([0.1, 0.5, 1])))], int(rng.integers(1, 5))


@pytest.mark.parametrize("resolutions", [(7, 8), (9, 10, 11), (0, 1, 2, 3), (15,)])
def test_neighbours_are_those_of_h3_everywhere(resolutions):
    for cells, k in awkward_lists(resolutions[0], 160, resolutions):
        assert_equals_h3(cells, k)


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(100, 120))
def test_neighbours_of_many_lists_are_those_of_h3(seed):
    for cells, k in awkward_lists(seed, 1000, (7, 8, 9, 10, 11)):
        assert_equals_h3(cells, k)


@given(anywhere, st.sampled_from([7, 8, 9, 10, 11]), st.integers(0, 5), st.integers(1, 3))
def test_the_neighbours_in_a_disk_are_those_of_h3(lonlat, resolution, size, k):
    assert_equals_h3(around(lonlat, resolution, size), k)


@given(anywhere, st.integers(1, 3))
def test_neighbourhood_is_mutual_and_everyone_is_their_own_neighbour(lonlat, k):
    matrix = neighbours(around(lonlat, 10, 5), k)
    assert (matrix != matrix.T).nnz == 0
    assert (matrix.diagonal() == 1).all()


@given(st.randoms())
def test_the_order_of_the_cells_only_reorders_rows_and_columns(chance):
    cells = around(CENTRE_LONLAT, 9, 4)
    order = np.array(chance.sample(range(cells.size), cells.size))
    plain, shuffled = neighbours(cells).toarray(), neighbours(cells[order]).toarray()
    np.testing.assert_array_equal(shuffled, plain[np.ix_(order, order)])


def test_a_cell_in_the_middle_has_six_neighbours_and_one_at_the_tip_three():
    cells = around(CENTRE_LONLAT, 9, 2)  # a hexagon of 19 cells
    degree = np.diff(neighbours(cells).indptr) - 1
    assert sorted(degree.tolist()) == [3] * 6 + [4] * 6 + [6] * 7


def test_two_rings_hold_eighteen_others():
    cells = around(CENTRE_LONLAT, 10, 4)
    assert np.diff(neighbours(cells, 2).indptr).max() == 19


def test_around_a_pentagon_there_are_five():
    pentagon = h3.get_pentagons(9)[3]
    cells = np.array(h3.grid_disk(pentagon, 3))
    row = neighbours(cells).indptr
    assert np.diff(row)[cells.tolist().index(pentagon)] == 6


def test_a_hole_in_the_study_area_is_nobodys_neighbour():
    cells = around(CENTRE_LONLAT, 9, 1)
    ring = cells[cells != around(CENTRE_LONLAT, 9, 0)]
    assert (np.diff(neighbours(ring).indptr) == 3).all()


def test_cells_far_apart_need_no_table_of_all_between():
    spots = [(16.5, 59.3), (12.0, 57.7), (13.0, 55.6), (20.3, 63.8)]
    cells = np.concatenate([around(spot, 11, 2) for spot in spots])
    assert np.unique(digits.families(cells)).size < len(spots)
    assert_equals_h3(cells, 1)


def test_one_cell_and_none():
    assert neighbours(around(CENTRE_LONLAT, 9, 0)).toarray().tolist() == [[1]]
    empty = neighbours(np.empty(0, dtype=np.int64))
    assert empty.shape == (0, 0)


@pytest.mark.parametrize("k", [0, -1])
def test_less_than_one_ring_is_refused(k):
    with pytest.raises(InvalidParameter) as refused:
        neighbours(around(CENTRE_LONLAT, 9, 1), k)
    assert refused.value.code == "rings-below-one"


def test_a_cell_that_comes_twice_is_refused_by_name():
    cells = around(CENTRE_LONLAT, 9, 1)
    with pytest.raises(InvalidParameter) as refused:
        neighbours(np.append(cells, cells[3]))
    assert refused.value.code == "cell-twice"
    assert refused.value.values == {"cell": h3.int_to_str(cells[3].item())}


def test_cells_of_two_resolutions_are_refused():
    with pytest.raises(InvalidParameter) as refused:
        neighbours(np.append(around(CENTRE_LONLAT, 9, 1), around(CENTRE_LONLAT, 10, 1)))
    assert refused.value.code == "resolutions-differ"
    assert refused.value.values == {"coarsest": 9, "finest": 10}


def test_the_input_is_left_alone():
    cells = around(CENTRE_LONLAT, 9, 3)
    before = cells.copy()
    neighbours(cells)
    np.testing.assert_array_equal(cells, before)


@pytest.mark.parametrize("resolution", range(16))
def test_a_family_is_what_shares_an_ancestor_with_six_sides(resolution):
    rng = np.random.default_rng(resolution)
    lat, lon = np.degrees(np.arcsin(rng.uniform(-1, 1, 500))), rng.uniform(-180, 180, 500)
    points = zip(lat.tolist(), lon.tolist(), strict=True)
    some = [h3.latlng_to_cell(y, x, resolution) for y, x in points]
    cells = np.unique([*some, *h3.get_pentagons(resolution)])

    def ancestor(cell):
        lineage = [h3.cell_to_parent(cell, level) for level in range(resolution + 1)]
        return next((one for one in lineage if not h3.is_pentagon(one)), cell)

    ancestors = [ancestor(cell) for cell in cells.tolist()]
    pairs = set(zip(digits.families(cells).tolist(), ancestors, strict=True))
    assert len(pairs) == len(set(ancestors)) == len({family for family, _ in pairs})
