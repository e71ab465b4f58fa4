"""PAI, PEI and RRI: what a map caught, whatever the order of its cells."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import InvalidParameter, TooFewObservations
from geo.prediction import (
    AREA_SHARES,
    HotShares,
    accuracy,
    accuracy_by_rank,
    best_parts_by_rank,
    binomial_interval,
    hot_parts,
    recapture,
)

HALF = HotShares(area_shares=(0.5,))
COLUMNS = ("hits", "hit_rate", "pai", "pei", "pei_star", "hit_rate_low", "hit_rate_high")


@st.composite
def maps(draw, *, equal_cells=False):
    """Draw events, scores and areas of a few cells; scores tie often, some cells are empty."""
    m = draw(st.integers(1, 25))
    numbers = [draw(st.lists(st.integers(0, 6), min_size=m, max_size=m)) for _ in range(2)]
    sizes = [1] * m if equal_cells else draw(st.lists(st.integers(1, 9), min_size=m, max_size=m))
    observed, score, area_m2 = (np.array(each, dtype=float) for each in (*numbers, sizes))
    if not observed.any():
        observed[draw(st.integers(0, m - 1))] = 1
    return observed, score, area_m2


@given(maps(), st.randoms(use_true_random=False))
def test_the_order_of_the_cells_does_not_matter(city, random):
    order = np.array(random.sample(range(city[0].size), city[0].size))
    straight, shuffled = accuracy(*city), accuracy(*(each[order] for each in city))
    for column in COLUMNS:
        np.testing.assert_allclose(getattr(shuffled, column), getattr(straight, column))


@given(maps(), st.randoms(use_true_random=False))
def test_the_order_of_the_cells_does_not_matter_rank_by_rank(city, random):
    order = np.array(random.sample(range(city[0].size), city[0].size))
    straight = accuracy_by_rank(*city)
    shuffled = accuracy_by_rank(*(each[order] for each in city))
    for column in ("count", "predicted", "area_m2", "pai", "pei", "rri"):
        np.testing.assert_allclose(getattr(shuffled, column), getattr(straight, column))


@given(maps(), st.floats(0.01, 100), st.floats(-50, 50))
def test_unit_and_origin_of_the_scores_do_not_matter(city, scale, shift):
    observed, score, area_m2 = city
    moved = accuracy(observed, scale * score + shift, area_m2)
    np.testing.assert_allclose(moved.pai, accuracy(*city).pai)


@given(maps(), st.integers(1, 50))
def test_areas_in_square_feet_give_the_same_indices(city, unit):
    observed, score, area_m2 = city
    np.testing.assert_allclose(accuracy(observed, score, unit * area_m2).pai, accuracy(*city).pai)


@given(maps())
def test_exactly_the_share_of_the_area_is_picked(city):
    _, score, area_m2 = city
    parts = hot_parts(score, area_m2, AREA_SHARES)
    np.testing.assert_allclose(area_m2 @ parts, np.array(AREA_SHARES) * area_m2.sum())
    assert parts.min() >= 0
    assert parts.max() <= 1


@given(maps())
def test_a_larger_share_catches_no_less(city):
    assert (np.diff(accuracy(*city).hits) >= -1e-12).all()


@given(maps())
def test_no_map_catches_more_than_the_best_use_of_the_same_area(city):
    found = accuracy(*city)
    assert (found.pei_star <= 1).all()
    assert (found.pei_star >= 0).all()


@given(maps(equal_cells=True))
def test_both_kinds_of_pei_agree_where_cells_are_equal(city):
    found = accuracy(*city)
    np.testing.assert_allclose(found.pei, found.pei_star)


@given(maps())
def test_the_map_that_knew_the_future_has_a_pei_star_of_one(city):
    observed, _, area_m2 = city
    np.testing.assert_allclose(accuracy(observed, observed / area_m2, area_m2).pei_star, 1)


@given(maps())
def test_the_interval_holds_the_hit_rate(city):
    found = accuracy(*city)
    assert (found.hit_rate_low <= found.hit_rate).all()
    assert (found.hit_rate <= found.hit_rate_high).all()
    np.testing.assert_allclose(found.pai_high, found.hit_rate_high / found.area_share)


@given(st.lists(st.integers(0, 6), min_size=2, max_size=5).filter(any), st.floats(0.05, 0.95))
def test_tied_equal_cells_catch_the_mean_over_every_order_of_them(events, share):
    observed, area_m2 = np.array(events, dtype=float), np.ones(len(events))
    orders = [
        accuracy(observed, np.array(order, dtype=float), area_m2, HotShares((share,))).hits[0]
        for order in permutations(range(len(events)))
    ]
    tied = accuracy(observed, np.zeros(len(events)), area_m2, HotShares((share,)))
    assert tied.hits[0] == pytest.approx(np.mean(orders))


@given(maps())
def test_tied_cells_catch_something_between_their_best_and_their_worst_order(city):
    observed, score, area_m2 = city
    nudge = 0.1 * (observed / area_m2) / (observed / area_m2).max()
    hits = accuracy(*city).hits
    assert (accuracy(observed, score - nudge, area_m2).hits <= hits + 1e-9).all()
    assert (hits <= accuracy(observed, score + nudge, area_m2).hits + 1e-9).all()


@given(maps())
def test_the_caller_keeps_its_arrays(city):
    before = [each.copy() for each in city]
    accuracy(*city)
    accuracy_by_rank(*city)
    recapture(city[0], city[0], *city[1:])
    for now, then in zip(city, before, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize("level", [0.0, -7.5])
def test_a_map_that_prefers_no_cell_is_as_good_as_chance(level):
    observed, area_m2 = np.array([9.0, 0, 1]), np.array([1.0, 2, 5])
    found = accuracy(observed, np.full(3, level), area_m2)
    np.testing.assert_allclose(found.pai, 1)


def test_half_of_four_equal_cells_are_the_two_hottest():
    found = accuracy(np.array([1.0, 6, 3, 0]), np.array([4.0, 9, 2, 1]), np.ones(4), HALF)
    assert found.hits.tolist() == [7]
    assert found.hit_rate.tolist() == [0.7]
    assert found.pai.tolist() == pytest.approx([1.4])
    assert found.pei.tolist() == pytest.approx([7 / 9])
    assert found.pei_star.tolist() == pytest.approx([7 / 9])


def test_the_last_cell_is_picked_in_part():
    # A tenth of two equal cells is a fifth of the first.
    found = accuracy(np.array([10.0, 0]), np.array([2.0, 1]), np.ones(2), HotShares((0.1,)))
    assert found.hits.tolist() == [2]
    assert found.pai.tolist() == [2]


def test_the_two_kinds_of_pei_differ_where_cells_do():
    # The map picks the large cell: half of the area, one cell. The best single cell holds 3 in
    # a sixth of the area (PAI 3), the best half of the area 3 + 2 in two cells of a sixth each,
    # and half of the third.
    observed, area_m2 = np.array([4.0, 3, 2, 1]), np.array([3.0, 1, 1, 1])
    found = accuracy(observed, np.array([9.0, 1, 1, 1]), area_m2, HALF)
    assert found.pai.tolist() == pytest.approx([0.8])
    assert found.pei.tolist() == pytest.approx([0.8 / (0.3 / (1 / 6))])
    assert found.pei_star.tolist() == pytest.approx([4 / (3 + 2 + 4 / 3)])


def test_the_exact_interval_is_that_of_clopper_and_pearson():
    # 2 of 10 at 95 %: 2.52 % to 55.61 % in every table.
    low, high = binomial_interval(np.array([2.0]), 10.0, 0.95)
    assert (low.round(4).tolist(), high.round(4).tolist()) == ([0.0252], [0.5561])


def test_catching_none_or_all_leaves_room_for_chance():
    low, high = binomial_interval(np.array([0.0, 10.0]), 10.0, 0.95)
    assert low.round(4).tolist() == [0, 0.6915]
    assert high.round(4).tolist() == [0.3085, 1]


def test_the_perfect_ranking_takes_parts_of_cells_by_number():
    parts = best_parts_by_rank(np.array([1.0, 8]), np.array([1.0, 4]), np.array([0.5, 1.5]))
    assert parts.tolist() == [[0, 0.5], [0.5, 1]]


def test_a_promise_kept_is_one_and_a_promise_doubled_is_two():
    score, area_m2 = np.array([2.0, 1]), np.ones(2)
    past = np.array([8.0, 2])
    assert recapture(np.array([4.0, 1]), past, score, area_m2, HALF).tolist() == [1]
    assert recapture(np.array([2.0, 3]), past, score, area_m2, HALF).tolist() == pytest.approx([2])


def test_a_promise_of_which_nothing_came_is_infinite_and_no_promise_no_number():
    score, area_m2, came = np.array([2.0, 1]), np.ones(2), np.array([0.0, 3])
    assert recapture(came, np.array([8.0, 2]), score, area_m2, HALF).tolist() == [np.inf]
    assert np.isnan(recapture(came, np.array([0.0, 2]), score, area_m2, HALF)).all()


def test_rri_before_the_first_catch_is_infinite():
    found = accuracy_by_rank(np.array([0.0, 2]), np.array([3.0, 1]), np.ones(2))
    assert found.rri.tolist() == [np.inf, 2]


def test_of_equal_predictions_the_emptiest_cell_comes_first():
    found = accuracy_by_rank(np.array([7.0, 3]), np.array([4.0, 4]), np.ones(2))
    assert found.cell.tolist() == [1, 0]
    assert found.count.tolist() == [3, 10]


def test_one_cell_is_always_as_good_as_chance():
    np.testing.assert_allclose(accuracy(np.array([3.0]), np.array([1.0]), np.array([5.0])).pai, 1)


@pytest.mark.parametrize(
    ("observed", "score", "area_m2", "code"),
    [
        ([1, 2], [1], [1, 1], "shapes-differ"),
        ([1, 2], [1, 1], [1], "shapes-differ"),
        ([1, -2], [1, 1], [1, 1], "weights-negative"),
        ([1, np.nan], [1, 1], [1, 1], "weights-not-finite"),
        ([1, 2], [1, np.inf], [1, 1], "score-not-finite"),
        ([1, 2], [1, np.nan], [1, 1], "score-not-finite"),
        ([1, 2], [1, 1], [1, 0], "cell-area-not-positive"),
        ([1, 2], [1, 1], [1, -1], "cell-area-not-positive"),
        ([1, 2], [1, 1], [np.nan, 1], "cell-area-not-positive"),
    ],
)
@pytest.mark.parametrize("method", [accuracy, accuracy_by_rank])
def test_cells_that_cannot_be_ranked_are_refused(method, observed, score, area_m2, code):
    with pytest.raises(InvalidParameter) as refused:
        method(*(np.array(each, dtype=float) for each in (observed, score, area_m2)))
    assert refused.value.code == code


@pytest.mark.parametrize("method", [accuracy, accuracy_by_rank])
@pytest.mark.parametrize(("cells", "code"), [(0, "no-cells"), (4, "no-test-events")])
def test_nothing_to_catch_is_too_few(method, cells, code):
    with pytest.raises(TooFewObservations) as refused:
        method(np.zeros(cells), np.ones(cells), np.ones(cells))
    assert refused.value.code == code


def test_a_negative_prediction_has_no_rank():
    with pytest.raises(InvalidParameter, match="weights-negative"):
        accuracy_by_rank(np.ones(2), np.array([1.0, -1]), np.ones(2))


def test_a_promise_of_nothing_is_too_few():
    with pytest.raises(TooFewObservations, match="no-test-events"):
        recapture(np.ones(2), np.zeros(2), np.ones(2), np.ones(2))


def test_a_promise_for_other_cells_is_refused():
    with pytest.raises(InvalidParameter, match="shapes-differ"):
        recapture(np.ones(2), np.ones(3), np.ones(2), np.ones(2))


@pytest.mark.parametrize(
    ("choice", "code"),
    [
        ({"area_shares": ()}, "no-area-shares"),
        ({"area_shares": (0.1, 0.0)}, "not-a-fraction"),
        ({"area_shares": (1.0,)}, "not-a-fraction"),
        ({"area_shares": (np.nan,)}, "not-a-fraction"),
        ({"level": 1.0}, "not-a-fraction"),
    ],
)
def test_shares_that_pick_nothing_or_everything_are_refused(choice, code):
    with pytest.raises(InvalidParameter) as refused:
        HotShares(**choice)
    assert refused.value.code == code
