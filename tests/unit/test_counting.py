"""Counts: nothing is lost, nothing is counted twice."""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.counting import tally
from geo.errors import InvalidParameter

rows = st.lists(
    st.tuples(
        st.integers(-3, 3),
        st.sampled_from([202501, 202502, 2**62]),
        st.integers(1, 500),
        st.one_of(st.sampled_from([0.0, 0.5, 1.0]), st.floats(0, 1)),
    )
)


def columns(some):
    table = list(zip(*some, strict=True)) if some else [(), (), (), ()]
    keys = [np.array(key, dtype=np.int64) for key in table[:2]]
    return keys, np.array(table[2], dtype=np.int64), np.array(table[3], dtype=float)


@given(rows)
def test_each_combination_holds_what_a_dictionary_would(some):
    count, weight = defaultdict(int), defaultdict(float)
    for a, b, events, share in some:
        if share > 0:
            count[a, b] += events * (share >= 0.5)
            weight[a, b] += events * share
    found = tally(*columns(some))
    pairs = list(zip(*(key.tolist() for key in found.keys), strict=True))
    assert pairs == sorted(count)
    assert found.count.tolist() == [count[pair] for pair in pairs]
    np.testing.assert_allclose(found.weight, [weight[pair] for pair in pairs])


@given(rows)
def test_sums_over_all_combinations_are_the_sums_of_the_rows(some):
    keys, events, share = columns(some)
    found = tally(keys, events, share)
    assert found.count.sum() == events[share >= 0.5].sum()
    assert found.weight.sum() == pytest.approx((events * share).sum())


@given(rows, st.randoms())
def test_the_order_of_the_rows_does_not_matter(some, chance):
    shuffled = chance.sample(some, len(some))
    found, again = tally(*columns(some)), tally(*columns(shuffled))
    np.testing.assert_array_equal(found.keys, again.keys)
    np.testing.assert_array_equal(found.count, again.count)
    np.testing.assert_allclose(found.weight, again.weight, rtol=1e-12)


@given(rows)
def test_coarser_counts_are_sums_of_finer_ones(some):
    keys, events, share = columns(some)
    fine, coarse = tally(keys, events, share), tally(keys[:1], events, share)
    summed = [fine.count[fine.keys[0] == key].sum() for key in coarse.keys[0].tolist()]
    assert coarse.count.tolist() == summed


def test_three_rows_on_two_cells_by_hand():
    cell, events = np.array([7, 9, 7]), np.array([1, 2, 1])
    found = tally([cell], events, np.array([1.0, 0.25, 0.5]))
    assert found.keys[0].tolist() == [7, 9]
    assert found.count.tolist() == [2, 0]  # a quarter of an event is no whole one
    assert found.weight.tolist() == [1.5, 0.5]


def test_the_types_are_those_of_the_tables():
    found = tally(*columns([(1, 2, 3, 0.5)]))
    assert (found.count.dtype, found.weight.dtype) == (np.int64, np.float64)
    assert {key.dtype for key in found.keys} == {np.dtype(np.int64)}


@pytest.mark.parametrize(
    ("keys", "events", "share"),
    [
        ([], [1], [1.0]),
        ([[1, 2]], [1], [1.0]),
        ([[1]], [1], [1.0, 1.0]),
        ([[1, 2], [1]], [1, 1], [1.0, 1.0]),
    ],
)
def test_columns_that_do_not_fit_together_are_refused(keys, events, share):
    with pytest.raises(InvalidParameter) as refused:
        tally([np.array(key) for key in keys], np.array(events), np.array(share))
    assert refused.value.code == "shapes-differ"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.1, 1.1])
def test_a_share_that_is_no_share_is_refused(bad):
    with pytest.raises(InvalidParameter) as refused:
        tally([np.array([1, 1])], np.array([1, 1]), np.array([0.5, bad]))
    assert refused.value.code == "share-out-of-range"


def test_more_combinations_than_a_number_can_name_are_refused():
    each = np.arange(70_000)  # 70,000 ** 4 is more than 2 ** 64
    with pytest.raises(InvalidParameter) as refused:
        tally([each] * 4, np.ones(each.size, dtype=np.int64), np.ones(each.size))
    assert refused.value.code == "too-many-combinations"
