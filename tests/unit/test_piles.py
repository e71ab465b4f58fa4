"""False piles: many addresses on one spot, or a spot that is a known centre; never mere height."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.piles import CENTRE_M, FEWEST_TEXTS, piles
from tests.zoo import CENTRE_M as SQUARE
from tests.zoo import patterns

NO_CENTRES = np.empty((0, 2))


def at_one_spot(texts, centres=NO_CENTRES):
    x, y = np.full(len(texts), SQUARE[0]), np.full(len(texts), SQUARE[1])
    return piles(x, y, texts, centres)


def addresses(n):
    return [f"Storgatan {number}" for number in range(1, n + 1)]


@pytest.mark.parametrize("name", patterns())
def test_no_pattern_of_places_alone_is_a_pile(name):
    x, y = patterns()[name]
    assert not piles(x, y, ["Storgatan 1"] * x.size, NO_CENTRES).any()


@pytest.mark.parametrize("copies", [1, 50])
def test_five_hundred_events_at_one_address_are_a_place_and_no_pile(copies):
    assert not at_one_spot(["Storgatan 1"] * 500 * copies).any()


@pytest.mark.parametrize(("n", "pile"), [(FEWEST_TEXTS - 1, False), (FEWEST_TEXTS, True)])
def test_ten_different_addresses_on_one_point_are_a_pile(n, pile):
    assert at_one_spot(addresses(n)).tolist() == [pile] * n


def test_spellings_of_one_address_are_one_address():
    spellings = ["STORGATAN 1", "storgatan 1", "Storgatan  1", "Storg. 1", "Storgatan 1 "] * 5
    assert not at_one_spot(spellings).any()


def test_a_venue_with_many_doors_that_come_back_is_no_pile():
    doors = addresses(FEWEST_TEXTS)
    assert not at_one_spot(doors * 2).any()  # half of the rows differ: not more than half
    assert at_one_spot([*doors * 2][:-1]).all()


def test_rows_that_say_nothing_neither_make_nor_spare_a_pile():
    texts = [*addresses(FEWEST_TEXTS), *[""] * 100, *["  "] * 100]
    assert at_one_spot(texts).all()
    assert not at_one_spot([""] * 300).any()


def test_a_point_within_a_metre_of_a_known_centre_is_a_pile():
    x = np.array([0.0, CENTRE_M, 1.5 * CENTRE_M, 500.0])
    found = piles(x, np.zeros(4), [""] * 4, np.array([[0.0, 0.0], [9000.0, 0.0]]))
    assert found.tolist() == [True, True, False, False]


def test_a_centimetre_apart_is_another_point():
    n = 3 * FEWEST_TEXTS
    x = SQUARE[0] + 0.01 * np.arange(n)
    assert not piles(x, np.full(n, SQUARE[1]), addresses(n), NO_CENTRES).any()
    assert piles(x / 100, np.full(n, SQUARE[1]), addresses(n), NO_CENTRES).any()


def test_north_is_not_mistaken_for_east():
    x, y = np.array([0.01, 0.0]), np.array([0.0, 0.04])
    n = FEWEST_TEXTS // 2
    assert not piles(np.repeat(x, n), np.repeat(y, n), addresses(2 * n), NO_CENTRES).any()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_rows_without_a_point_are_no_pile(bad):
    n = FEWEST_TEXTS
    unknown = np.full(n, bad)
    assert not piles(unknown, unknown, addresses(n), np.array([[0.0, 0.0]])).any()
    assert not piles(unknown, np.zeros(n), addresses(n), np.array([[0.0, 0.0]])).any()


def test_no_rows_are_no_pile():
    assert piles(np.empty(0), np.empty(0), [], NO_CENTRES).tolist() == []


rows = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 15)), max_size=60)


@given(rows, st.randoms())
def test_the_order_of_the_rows_does_not_matter(some, chance):
    def found(table):
        x = np.array([100.0 * spot for spot, _ in table])
        texts = [f"Storgatan {number}" for _, number in table]
        marks = piles(x, np.zeros(x.size), texts, np.array([[200.0, 0.0]]))
        return sorted(zip(table, marks.tolist(), strict=True))

    assert found(some) == found(chance.sample(some, len(some)))


@given(rows)
def test_a_whole_stack_is_a_pile_or_none_of_it(some):
    x = np.array([100.0 * spot for spot, _ in some])
    marks = piles(x, np.zeros(x.size), [f"Storgatan {n}" for _, n in some], NO_CENTRES)
    for spot in range(3):
        there = marks[x == 100.0 * spot]
        assert there.all() or not there.any()
