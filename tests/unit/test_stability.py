"""Cells under a moved grid, one step coarser or finer, and without uncertain times."""

import numpy as np
import pytest
import shapely

from geo import cells
from geo.errors import InvalidParameter
from geo.stability import (
    Incidents,
    Moves,
    cell_verdicts,
    lay_grids,
    lay_grids_over,
    overdispersed_cell_verdicts,
    place,
)
from geo.verdicts import Verdict
from tests import zoo

LON, LAT = zoo.CENTRE_LONLAT
SQUARE = shapely.box(LON - 0.005, LAT - 0.0025, LON + 0.005, LAT + 0.0025)  # 567 m x 556 m
ESTABLISHED = Verdict.ESTABLISHED


@pytest.fixture(scope="module")
def middles():
    """Give the middles of the square's cells, each with its area: the ground of every test."""
    cover = cells.cover(SQUARE, cells.FINEST)
    centre = shapely.centroid(cells.polygons(cover.cells))
    return shapely.get_x(centre), shapely.get_y(centre), cover.share * cover.area_m2


@pytest.fixture(scope="module")
def grids(middles):
    return lay_grids(*middles)


def on_places(count, certain=None):
    count = np.asarray(count, dtype=np.int64)
    return Incidents(count, count if certain is None else certain)


def whole_cells(middles):
    """Give the ground of cells wholly inside, with equal exposure: each can hold the same."""
    lon, lat, area = middles
    full = area > 0.99 * area.max()
    return lon[full], lat[full], np.ones(full.sum())


def near(lon, lat, radius_m):
    """Tell which points lie within so many metres of the centre."""
    east = (lon - LON) * 111_195 * np.cos(np.radians(LAT))
    return np.hypot(east, (lat - LAT) * 111_195) <= radius_m


def established(result):
    return {each.resolution: each.judgement.all_of(ESTABLISHED).sum() for each in result}


def test_every_grid_holds_the_whole_exposure(grids, middles):
    held = [layout.exposure.sum() for layouts in grids.layouts for layout in layouts]
    np.testing.assert_allclose(held, middles[2].sum())
    assert len(held) == 7 * 4


def test_a_grid_over_an_outline_holds_its_true_area(middles):
    made = lay_grids_over(SQUARE)
    laid = made.layouts[0][-1]
    assert laid.exposure.sum() == pytest.approx(567.0 * 556.0, rel=0.01)
    np.testing.assert_array_equal(laid.cells, cells.cover(SQUARE, 11).cells)
    np.testing.assert_allclose(laid.exposure.sum(), middles[2].sum())


def test_the_grid_moves_half_a_cell_in_six_directions(grids):
    east, north = (grids.offsets[1:] * 111_195).T
    moved = np.hypot(east * np.cos(np.radians(LAT)), north)
    np.testing.assert_allclose(moved, moved[0], rtol=1e-3)
    assert 120 < moved[0] < 180  # a resolution-9 cell is some 300 m wide here
    assert len(np.unique(np.round(np.arctan2(north, east), 3))) == 6


def test_a_moved_grid_has_other_cells_of_the_same_exposure(grids):
    fine = [layouts[-1] for layouts in grids.layouts]
    assert fine[0].cells.tolist() != fine[1].cells.tolist()
    assert {layout.cells.size for layout in fine} == {fine[0].cells.size}


def test_a_quiet_square_has_no_established_cell(grids, middles):
    lon, lat, _ = middles
    result = cell_verdicts(on_places(np.full(lon.size, 2)), place(lon, lat, grids))
    assert established(result) == {9: 0, 10: 0, 11: 0}


def test_a_planted_hot_spot_is_established_where_it_lies_and_nowhere_else(grids, middles):
    lon, lat, _ = middles
    hot = near(lon, lat, 60)
    result = cell_verdicts(on_places(np.where(hot, 15, 2)), place(lon, lat, grids))
    for each in result:
        found = each.cells[each.judgement.all_of(ESTABLISHED)]
        assert found.size
        planted = cells.parents(cells.index(lon[hot], lat[hot]), each.resolution)
        assert set(found.tolist()) <= set(planted.tolist())
        assert (each.agreeing[each.judgement.all_of(ESTABLISHED)] >= 4).all()


def test_counts_of_every_resolution_add_up_to_all_events(grids, middles):
    lon, lat, _ = middles
    counts = np.arange(lon.size) % 5
    for each in cell_verdicts(on_places(counts), place(lon, lat, grids)):
        assert each.found.count.sum() == counts.sum()
        assert each.cells.size == each.found.count.size == each.judgement.verdict.size


def test_without_its_uncertain_times_a_hot_spot_is_uncertain(grids, middles):
    lon, lat, _ = middles
    hot = near(lon, lat, 60)
    counts = np.where(hot, 15, 2)
    result = cell_verdicts(on_places(counts, np.where(hot, 2, 2)), place(lon, lat, grids))
    assert sum(established(result).values()) == 0
    codes = [each.judgement.codes(k) for each in result for k in range(each.cells.size)]
    assert ("uncertain-times",) in codes


def test_uncertain_times_elsewhere_leave_it_established(grids, middles):
    lon, lat, _ = middles
    hot = near(lon, lat, 60)
    certain = np.where(hot, 15, 1)
    result = cell_verdicts(on_places(np.where(hot, 15, 2), certain), place(lon, lat, grids))
    assert all(established(result).values())


def test_a_cell_that_its_parent_does_not_confirm_is_uncertain(middles):
    lon, lat, one = whole_cells(middles)
    counts = np.full(lon.size, 100)
    inner = np.flatnonzero(near(lon, lat, 100))[0]
    counts[inner] = 138  # 3.8 standard deviations here, but 1.4 among its parent's 700
    fine = cell_verdicts(on_places(counts), place(lon, lat, lay_grids(lon, lat, one)))[-1]
    row = np.searchsorted(fine.cells, cells.index(lon[[inner]], lat[[inner]]))[0]
    assert fine.found.q[row] < 0.05
    assert fine.judgement.codes(row) == ("one-resolution",)


def test_a_cell_that_fits_the_grid_by_luck_is_uncertain_when_every_move_must_agree(middles):
    lon, lat, one = whole_cells(middles)
    parent = cells.parents(cells.index(lon, lat), 10)
    fullest, size = np.unique(parent, return_counts=True)
    hot = parent == fullest[np.argmax(size)]
    strict = lay_grids(lon, lat, one, Moves(agreeing=6, held_share=1.0))
    middle = cell_verdicts(on_places(np.where(hot, 16, 10)), place(lon, lat, strict))[1]
    row = np.searchsorted(middle.cells, parent[hot][0])
    assert middle.found.q[row] < 1e-3
    assert "grid-position" in middle.judgement.codes(row)


def test_resolution_eight_may_confirm_but_is_not_judged(grids, middles):
    lon, lat, _ = middles
    assert list(grids.choice.laid) == [8, 9, 10, 11]
    result = cell_verdicts(on_places(np.ones(lon.size)), place(lon, lat, grids))
    assert [each.resolution for each in result] == [9, 10, 11]
    assert list(Moves(coarsest=8, finest=8).laid) == [8]
    assert list(Moves(coarsest=11).laid) == [10, 11]


def test_one_resolution_alone_needs_no_confirmation(middles):
    lon, lat, area = middles
    wide = lay_grids(lon, lat, area, Moves(coarsest=8, finest=8))
    (only,) = cell_verdicts(on_places(np.where(lon < LON, 9, 1)), place(lon, lat, wide))
    assert only.resolution == 8
    assert not any("one-resolution" in only.judgement.codes(k) for k in range(only.cells.size))


def test_the_order_of_places_does_not_matter(grids, middles):
    lon, lat, _ = middles
    rng = np.random.default_rng(2)
    counts, order = rng.poisson(3, lon.size), rng.permutation(lon.size)
    a = cell_verdicts(on_places(counts), place(lon, lat, grids))
    b = cell_verdicts(on_places(counts[order]), place(lon[order], lat[order], grids))
    for one, other in zip(a, b, strict=True):
        np.testing.assert_array_equal(one.cells, other.cells)
        np.testing.assert_array_equal(one.judgement.reasons, other.judgement.reasons)
        np.testing.assert_array_equal(one.found.p, other.found.p)


def test_events_outside_the_ground_get_cells_without_exposure(grids, middles):
    lon, lat = np.append(middles[0], LON + 0.05), np.append(middles[1], LAT)
    counts = np.append(np.full(middles[0].size, 2), 9)
    for each in cell_verdicts(on_places(counts), place(lon, lat, grids)):
        far = cells.parents(cells.index(lon[-1:], lat[-1:]), each.resolution)[0]
        row = np.searchsorted(each.cells, far)
        assert each.cells[row] == far
        assert (np.diff(each.cells) > 0).all()
        assert each.judgement.codes(row) == ("no-exposure",)
        assert each.found.expected.sum() == pytest.approx(2 * middles[0].size)


def test_addresses_as_exposure_do_not_make_blocks_of_flats_hot():
    rng = np.random.default_rng(4)
    lon, lat = LON + rng.normal(0, 2e-4, 80), LAT + rng.normal(0, 1e-4, 80)  # one block
    lon[60:] += 0.004
    result = cell_verdicts(
        on_places(np.full(80, 3)), place(lon, lat, lay_grids(lon, lat, np.ones(80)))
    )
    assert established(result) == {9: 0, 10: 0, 11: 0}


@pytest.mark.parametrize("method", [cell_verdicts, overdispersed_cell_verdicts])
@pytest.mark.parametrize("name", zoo.patterns())
def test_every_pattern_of_the_zoo_gets_verdicts(method, name, grids):
    x, y = zoo.patterns()[name]
    lon = LON + (x - zoo.CENTRE_M[0]) / 111_195 / np.cos(np.radians(LAT))
    lat = LAT + (y - zoo.CENTRE_M[1]) / 111_195
    for each in method(on_places(np.ones(x.size)), place(lon, lat, grids)):
        assert each.found.count.sum() == x.size
        assert ((each.judgement.verdict >= 0) & (each.judgement.verdict < 4)).all()


def test_clumps_are_less_surprising_when_places_differ_by_themselves(grids, middles):
    lon, lat, _ = middles
    counts = np.random.default_rng(8).negative_binomial(0.5, 0.1, lon.size)
    incidents, placed = on_places(counts), place(lon, lat, grids)
    plain = established(cell_verdicts(incidents, placed))
    careful = established(overdispersed_cell_verdicts(incidents, placed))
    assert plain[11] > 10 * max(careful[11], 1)


def test_inputs_are_left_as_they_were(middles):
    before = [column.copy() for column in middles]
    placed = place(middles[0], middles[1], lay_grids(*middles))
    cell_verdicts(on_places(np.full(middles[0].size, 2)), placed)
    for column, copy in zip(middles, before, strict=True):
        np.testing.assert_array_equal(column, copy)


@pytest.mark.parametrize(
    ("choice", "code"),
    [
        ({"coarsest": 7}, "resolutions"),
        ({"finest": 12}, "resolutions"),
        ({"coarsest": 11, "finest": 10}, "resolutions"),
        ({"moves": 0}, "not-positive"),
        ({"agreeing": 0}, "not-positive"),
        ({"agreeing": 7}, "agreeing-above-moves"),
        ({"held_share": 0.0}, "not-a-share"),
        ({"held_share": 1.1}, "not-a-share"),
    ],
)
def test_choices_that_contradict_themselves_are_refused(choice, code):
    with pytest.raises(InvalidParameter, match=code):
        Moves(**choice)


@pytest.mark.parametrize(
    ("lon", "lat", "count", "certain", "code"),
    [
        ([LON], [LAT], [1], [2], "certain-above-count"),
        ([LON], [LAT], [-1], [-1], "weights-negative"),
        ([LON], [LAT], [1.5], [1.0], "not-whole-events"),
        ([np.nan], [LAT], [1], [1], "not-degrees"),
        ([LON], [np.inf], [1], [1], "not-degrees"),
        ([585_802.0], [6_582_337.0], [1], [1], "not-degrees"),
        ([LON, LON], [LAT], [1], [1], "shapes-differ"),
    ],
)
def test_bad_incidents_are_refused(lon, lat, count, certain, code, grids):
    def given():
        placed = place(np.array(lon), np.array(lat), grids)
        return placed, Incidents(np.array(count), np.array(certain))

    with pytest.raises(InvalidParameter, match=code):
        given()


def test_as_many_counts_as_places_are_needed(grids):
    placed = place(np.array([LON]), np.array([LAT]), grids)
    with pytest.raises(InvalidParameter, match="shapes-differ"):
        cell_verdicts(on_places([1, 2]), placed)


@pytest.mark.parametrize(
    ("lon", "lat", "exposure", "code"),
    [
        ([LON], [LAT], [0.0], "no-exposure"),
        ([], [], [], "no-exposure"),
        ([LON], [LAT], [-1.0], "weights-negative"),
        ([LON], [LAT], [np.nan], "weights-not-finite"),
        ([LON], [91.0], [1.0], "not-degrees"),
        ([LON], [LAT], [1.0, 1.0], "shapes-differ"),
    ],
)
def test_bad_ground_is_refused(lon, lat, exposure, code):
    with pytest.raises(InvalidParameter, match=code):
        lay_grids(np.array(lon), np.array(lat), np.array(exposure))


def test_an_outline_without_area_is_refused():
    with pytest.raises(InvalidParameter, match="no-exposure"):
        lay_grids_over(shapely.Polygon())
