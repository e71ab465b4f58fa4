"""Rolling origins: a map is judged by what it could not know, and chance is not called skill."""

from dataclasses import astuple, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.backtest import Backtest, Finding, Grid, Record, RollingOrigin, backtest
from geo.errors import InvalidParameter, TooFewObservations
from geo.map_products import count_map
from geo.prediction import HotShares, accuracy, recapture

SIDE = 10
QUARTERS = RollingOrigin(
    train_periods=2, test_periods=1, step_periods=1, area_shares=(0.02, 0.1), draws=200
)
HALF = replace(QUARTERS, area_shares=(0.5,))


def seed():
    return np.random.default_rng(20260115)


def grid(m=SIDE * SIDE):
    """Give m cells of one hectare in a square, row by row."""
    at = np.arange(m)
    return Grid(100.0 * (at % SIDE), 100.0 * (at // SIDE), np.full(m, 1e4))


def record(counts, cells=None):
    """Turn counts (periods, cells) into rows at cell centres."""
    period, cell = np.nonzero(counts)
    cells = cells or grid(counts.shape[1])
    events = counts[period, cell]
    return Record(cells.x_m[cell], cells.y_m[cell], cell, events, period.astype(np.int64))


def rows(given, order):
    columns = (given.x_m, given.y_m, given.cell, given.events, given.period)
    return Record(*(column[order] for column in columns))


def city(periods=6, events=300, **more):
    """Draw events from a town whose busy cells stay busy."""
    rng = np.random.default_rng(7)
    busyness = rng.lognormal(sigma=1.5, size=SIDE * SIDE)
    return record(rng.multinomial(events, busyness / busyness.sum(), periods), **more)


def prophet(given):
    """Give a map that knows every count of the record."""
    known = np.bincount(given.cell, given.events, SIDE * SIDE).astype(float)
    return lambda _past, _grid: known


def reverse(past, cells):
    return -count_map(past, cells)


def flat(_past, cells):
    return np.zeros(cells.area_m2.size)


def run(given, products, choice=QUARTERS, cells=None):
    cells = cells or grid()
    return backtest(given, cells, {"count": count_map, **products}, choice, seed())


def scores_of(result, product):
    return [score for score in result.scores if score.product == product]


def findings(result, product):
    return [score.finding for score in scores_of(result, product)]


def numbers(score):
    return [value for value in astuple(score) if isinstance(value, float)]


def only(result, product):
    (score,) = scores_of(result, product)
    return score


# --- findings ------------------------------------------------------------------------------


def test_a_map_that_finds_more_is_better():
    moving = np.zeros((6, 100), dtype=np.int64)
    for period in range(6):
        moving[period, period] = 60
    tomorrow = run(record(moving), {"tomorrow": _one_cell_on}, replace(QUARTERS, draws=500))
    assert findings(tomorrow, "tomorrow") == [Finding.BETTER, Finding.BETTER]


def _one_cell_on(past, cells):
    return np.isin(np.arange(cells.area_m2.size), past.cell.max() + 1).astype(float)


def test_where_the_naive_baseline_wins_the_finding_says_so():
    assert findings(run(city(), {"reverse": reverse}), "reverse") == [Finding.NAIVE_WINS] * 2


def test_the_same_map_under_another_name_shows_no_difference():
    result = run(city(), {"twin": count_map})
    assert findings(result, "twin") == [Finding.NO_DIFFERENCE] * 2
    assert {(s.difference, s.difference_low, s.difference_high) for s in result.scores} == {
        (0, 0, 0)
    }


def test_the_baseline_is_called_so():
    assert findings(run(city(), {}), "count") == [Finding.BASELINE] * 2


def test_another_product_may_be_the_baseline():
    result = run(city(), {"flat": flat}, replace(QUARTERS, baseline="flat"))
    assert findings(result, "flat") == [Finding.BASELINE] * 2
    assert findings(result, "count") == [Finding.BETTER] * 2


def test_nine_events_tell_nothing():
    counts = np.zeros((3, 100), dtype=np.int64)
    counts[:2, 3], counts[2, 3] = 20, 9
    assert findings(run(record(counts), {"reverse": reverse}), "reverse") == [Finding.TOO_FEW] * 2


def test_maps_that_part_on_few_events_show_no_difference():
    # One cell holds nearly all; the maps part on 5 events elsewhere, all of them on one side.
    counts = np.zeros((3, 100), dtype=np.int64)
    counts[:, 0], counts[:2, 1], counts[2, 2] = 200, 5, 5
    products = {"prophet": prophet(record(counts[2:])), "reverse": reverse}
    assert findings(run(record(counts), products), "prophet")[0] is Finding.NO_DIFFERENCE


def test_among_maps_that_know_nothing_at_most_1_table_in_20_names_a_difference():
    rng = np.random.default_rng(3)
    named = 0
    for _ in range(200):
        noise = record(rng.poisson(0.5, (6, SIDE * SIDE)))
        scores = rng.random((3, SIDE * SIDE))
        products = {str(n): lambda _p, _g, n=n: scores[n] for n in range(3)}  # noqa: B023
        result = run(noise, products)
        named += any(s.finding in {Finding.BETTER, Finding.NAIVE_WINS} for s in result.scores)
    assert named <= 10


# --- what is counted -----------------------------------------------------------------------


def test_no_map_sees_what_came_after_its_origin():
    seen = []

    def spy(past, cells):
        seen.append(sorted(set(past.cell.tolist())))
        return flat(past, cells)

    counts = np.eye(5, 100, dtype=np.int64)  # in period n only cell n
    result = run(record(counts), {"spy": spy})
    assert [origin.period for origin in result.origins] == [2, 3, 4]
    assert seen == [[0, 1], [1, 2], [2, 3]]


def test_a_single_origin_gives_the_numbers_of_accuracy():
    given, cells = city(periods=3), grid()
    past = np.bincount(given.cell, given.events * (given.period < 2), 100).astype(float)
    came = np.bincount(given.cell, given.events * (given.period == 2), 100).astype(float)
    shares = HotShares(QUARTERS.area_shares)
    found = accuracy(came, past, cells.area_m2, shares)
    scores = run(given, {}).scores
    for name in ("hit_rate", "pai", "pei", "pei_star"):
        np.testing.assert_allclose([getattr(s, name) for s in scores], getattr(found, name))
    np.testing.assert_allclose(
        [s.rri for s in scores], recapture(came, past, past, cells.area_m2, shares)
    )


def test_origins_are_pooled_by_their_events():
    # Half of two cells: the busy one of the past. It catches 30 of 40, then 0 of 10.
    counts = np.array([[5, 1], [5, 1], [30, 10], [0, 10]])
    result = run(record(counts), {}, HALF, grid(2))
    assert only(result, "count").hit_rate == pytest.approx(30 / 50)
    assert result.tested == 50
    assert [(o.trained, o.tested) for o in result.origins] == [(12, 40), (46, 10)]


def test_cells_of_unequal_size_count_by_their_area():
    cells = Grid(np.zeros(3), np.zeros(3), np.array([2.0, 1, 1]))
    counts = np.array([[4, 1, 0], [4, 1, 0], [6, 3, 1]])
    score = only(run(record(counts, cells), {}, HALF, cells), "count")
    assert (score.hit_rate, score.pai) == (pytest.approx(0.6), pytest.approx(1.2))


def test_periods_without_events_are_periods_too():
    counts = np.zeros((5, 100), dtype=np.int64)
    counts[0, 3] = counts[4, 3] = 20
    result = run(record(counts), {})
    assert [(o.period, o.trained, o.tested) for o in result.origins] == [
        (2, 20, 0),
        (3, 0, 0),
        (4, 0, 20),
    ]
    # Nothing is known before the last origin: every cell is as good as any other.
    assert [s.pai for s in result.scores] == pytest.approx([1, 1])


def test_events_outside_the_study_area_are_left_out_and_counted():
    given = city()
    outside = replace(given, cell=np.where(given.cell == given.cell[0], -1, given.cell))
    result = run(outside, {})
    assert result.outside == given.events[given.cell == given.cell[0]].sum()
    assert sum(o.tested for o in result.origins) == result.tested
    assert result.tested + result.outside < given.events.sum()


def test_the_longest_possible_step_leaves_one_origin():
    choice = replace(QUARTERS, step_periods=9)
    assert [o.period for o in run(city(), {}, choice).origins] == [2]


def test_of_twelve_months_six_train_and_each_later_month_tests():
    choice = RollingOrigin(6, 1, 1, draws=100)
    assert [o.period for o in run(city(periods=12), {}, choice).origins] == list(range(6, 12))


# --- intervals -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def result():
    return run(city(), {"reverse": reverse, "flat": flat})


def test_the_intervals_hold_the_estimates(result):
    for s in result.scores:
        assert s.hit_rate_low <= s.hit_rate <= s.hit_rate_high
        assert s.pai_low <= s.pai <= s.pai_high
        assert s.pei_low <= s.pei <= s.pei_high
        assert s.pei_star_low <= s.pei_star <= s.pei_star_high
        assert s.difference_low <= s.difference <= s.difference_high


def test_a_map_that_caught_nothing_still_may_have_caught_something():
    counts = np.zeros((3, 100), dtype=np.int64)
    counts[:2, 3], counts[2, 4] = 20, 30
    score = run(record(counts), {}, replace(QUARTERS, area_shares=(0.01,))).scores[0]
    assert (score.hit_rate, score.hit_rate_low) == (0, 0)
    assert score.hit_rate_high == pytest.approx(1 - 0.025 ** (1 / 30))
    assert score.rri == np.inf


def test_the_same_seed_gives_the_same_table():
    assert run(city(), {"reverse": reverse}) == run(city(), {"reverse": reverse})


def test_the_order_of_the_products_does_not_matter():
    products = {"count": count_map, "reverse": reverse, "flat": flat}
    turned = dict(reversed(products.items()))
    one = backtest(city(), grid(), products, QUARTERS, seed())
    two = backtest(city(), grid(), turned, QUARTERS, seed())
    for name in products:
        assert findings(one, name) == findings(two, name)
        for straight, back in zip(scores_of(one, name), scores_of(two, name), strict=True):
            assert numbers(back) == pytest.approx(numbers(straight))


@settings(max_examples=20)
@given(st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(random):
    given = city()
    order = np.array(random.sample(range(given.cell.size), given.cell.size))
    assert run(rows(given, order), {"reverse": reverse}) == run(given, {"reverse": reverse})


def test_a_row_for_three_events_is_three_rows():
    given = city()
    each = np.repeat(np.arange(given.cell.size), given.events)
    single = replace(rows(given, each), events=np.ones(each.size, dtype=np.int64))
    assert run(single, {"reverse": reverse}) == run(given, {"reverse": reverse})


def test_a_large_area_is_drawn_in_pieces_with_the_same_care():
    rng = np.random.default_rng(1)
    counts = rng.poisson(3, (3, 20_000))
    score = run(record(counts, grid(20_000)), {}, HALF, grid(20_000)).scores[0]
    assert score.hit_rate_low < score.hit_rate < score.hit_rate_high < score.hit_rate + 0.01


# --- bad input -----------------------------------------------------------------------------


def test_a_record_too_short_for_one_origin_is_too_few():
    with pytest.raises(TooFewObservations) as refused:
        run(city(periods=2), {})
    assert (refused.value.code, refused.value.values) == ("too-few-periods", {"n": 2, "needed": 3})


def test_an_empty_record_is_too_few():
    with pytest.raises(TooFewObservations, match="too-few-periods"):
        run(rows(city(), slice(0, 0)), {})


def test_a_record_that_ends_in_silence_is_too_few():
    given = city(periods=3)
    silent = replace(given, events=np.where(given.period == 2, 0, given.events))
    with pytest.raises(TooFewObservations, match="no-test-events"):
        run(silent, {})


def test_no_cells_are_too_few():
    nowhere = Grid(np.empty(0), np.empty(0), np.empty(0))
    with pytest.raises(TooFewObservations, match="no-cells"):
        run(replace(city(), cell=np.full(city().cell.size, -1)), {}, cells=nowhere)


def test_a_baseline_that_is_not_among_the_products_is_refused():
    with pytest.raises(InvalidParameter, match="baseline-missing"):
        backtest(city(), grid(), {"flat": flat}, QUARTERS, seed())


@pytest.mark.parametrize(
    ("product", "code"),
    [
        (lambda _past, _cells: np.zeros(3), "shapes-differ"),
        (lambda _past, cells: np.full(cells.area_m2.size, np.nan), "score-not-finite"),
    ],
)
def test_a_map_without_one_finite_score_a_cell_is_refused(product, code):
    with pytest.raises(InvalidParameter) as refused:
        run(city(), {"broken": product})
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("cell", 100, "unknown-cell"),
        ("cell", -2, "unknown-cell"),
        ("events", -1, "weights-negative"),
        ("x_m", np.nan, "coordinates-not-finite"),
        ("y_m", np.inf, "coordinates-not-finite"),
    ],
)
def test_rows_that_make_no_sense_are_refused(column, value, code):
    given = city()
    spoilt = getattr(given, column).copy()
    spoilt[3] = value
    with pytest.raises(InvalidParameter) as refused:
        run(replace(given, **{column: spoilt}), {})
    assert refused.value.code == code


def test_columns_of_different_length_are_refused():
    with pytest.raises(InvalidParameter, match="shapes-differ"):
        run(replace(city(), period=np.zeros(3, dtype=np.int64)), {})


def test_cells_without_area_are_refused():
    with pytest.raises(InvalidParameter, match="cell-area-not-positive"):
        run(city(), {}, cells=replace(grid(), area_m2=np.zeros(100)))


@pytest.mark.parametrize(
    ("choice", "code"),
    [
        ({"train_periods": 0}, "not-positive"),
        ({"test_periods": 0}, "not-positive"),
        ({"step_periods": -1}, "not-positive"),
        ({"fewest_events": 0}, "not-positive"),
        ({"test_periods": 4, "step_periods": 3}, "test-periods-overlap"),
        ({"draws": 99}, "too-few-draws"),
        ({"area_shares": ()}, "no-area-shares"),
        ({"area_shares": (2.0,)}, "not-a-fraction"),
        ({"level": 0.0}, "not-a-fraction"),
    ],
)
def test_cuts_that_test_nothing_are_refused(choice, code):
    with pytest.raises(InvalidParameter) as refused:
        RollingOrigin(**choice)
    assert refused.value.code == code


def test_the_caller_keeps_its_arrays():
    given = city()
    before = [column.copy() for column in (given.cell, given.events, given.period)]
    assert isinstance(run(given, {"reverse": reverse}), Backtest)
    for now, then in zip((given.cell, given.events, given.period), before, strict=True):
        np.testing.assert_array_equal(now, then)
