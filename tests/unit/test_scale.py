"""Classes of counts: plain limits, no count without a class."""

import math

from hypothesis import given
from hypothesis import strategies as st

from pipelines import colours
from pipelines.scale import class_of, classes

some_counts = st.lists(st.integers(0, 5000), max_size=40)


@given(some_counts)
def test_every_count_has_exactly_one_class(counts):
    found = classes(counts)
    for count in counts:
        assert sum(one.low <= count <= one.high for one in found) == 1
    assert len([one for one in found if one.low > 0]) <= len(colours.COUNTS)


@given(some_counts)
def test_more_events_are_never_lighter(counts):
    found = [one for one in classes(counts) if one.low > 0]
    shades = [colours.COUNTS.index(one.colour) for one in found]
    assert shades == sorted(shades)
    assert len(set(shades)) == len(shades)


def test_few_different_counts_get_a_class_each():
    assert [one.label for one in classes([3, 4, 5, 7])] == ["3", "4", "5", "6", "7"]


def test_many_counts_get_plain_limits():
    found = classes([1, 2, 9, 30, 60, 110, 308])
    assert [one.label for one in found] == ["1–2", "3–9", "10–29", "30–99", "minst 100"]
    assert found[-1].high == math.inf


def test_only_uncertain_times_have_their_own_colour():
    first = classes([0, 4])[0]
    assert (first.low, first.high, first.colour) == (0, 0, colours.UNCERTAIN)


def test_no_counts_have_no_classes():
    assert classes([]) == []
    assert class_of([], 3) is None
