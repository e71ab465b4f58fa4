"""How few places hold most events, and that few events always look concentrated."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geo.concentration import (
    ChanceOfConcentration,
    Shares,
    chance_concentration,
    concentration,
    lorenz_curve,
)
from geo.errors import InvalidParameter, TooFewObservations

some = arrays(float, st.integers(1, 40), elements=st.integers(0, 30).map(float)).filter(
    lambda x: x.sum() > 0
)
CHANCE = ChanceOfConcentration(rounds=199)


def test_one_of_four_cells_holds_half_of_ten_events():
    found = concentration(np.array([8.0, 0, 0, 2]))
    assert (found.units, found.occupied, found.events) == (4, 2, 10)
    assert found.holders == (1, 1)
    assert found.of_all == (0.25, 0.25)
    assert found.of_occupied == (0.5, 0.5)
    assert found.gini == pytest.approx(0.65)


def test_equal_cells_have_no_concentration():
    found = concentration(np.full(10, 3.0), Shares((0.1, 0.5, 0.95)))
    assert found.holders == (1, 5, 10)
    assert found.gini == found.gini_generalized == 0


def test_everything_in_one_of_ten_cells():
    found = concentration(np.eye(10)[0] * 20)
    assert found.gini == pytest.approx(0.9)
    assert found.gini_unbiased == pytest.approx(1)
    assert found.gini_generalized == pytest.approx(0.9)


def test_three_events_in_three_of_a_hundred_cells_are_as_even_as_can_be():
    found = concentration(np.r_[np.ones(3), np.zeros(97)])
    assert found.gini == pytest.approx(0.97)
    assert found.gini_generalized == pytest.approx(0, abs=1e-12)


def test_one_unit_and_one_event_have_no_unbiased_value():
    assert concentration(np.array([4.0])).gini_unbiased is None
    assert concentration(np.array([1.0, 0.0])).gini_generalized_unbiased is None


@given(some, st.integers(0, 2**32 - 1))
def test_order_does_not_matter_and_all_values_lie_in_range(x, seed):
    found = concentration(x)
    assert found == concentration(np.random.default_rng(seed).permutation(x))
    assert 0 <= found.gini_generalized <= found.gini + 1e-12 < 1
    assert 0 < found.of_all[0] <= found.of_all[1] <= 1


@given(some)
def test_the_named_number_of_cells_holds_the_share_and_one_less_does_not(x):
    falling = np.sort(x)[::-1]
    for share, k in zip((0.25, 0.5), concentration(x).holders, strict=True):
        assert falling[:k].sum() >= share * x.sum()
        assert falling[: k - 1].sum() < share * x.sum()


@given(some)
def test_the_area_over_the_lorenz_curve_is_ginis_coefficient(x):
    units, held = lorenz_curve(x)
    assert (units[0], held[0], units[-1]) == (0, 0, 1)
    assert held[-1] == pytest.approx(1)
    assert 2 * np.trapezoid(held, units) - 1 == pytest.approx(concentration(x).gini, abs=1e-9)


@given(some, st.integers(2, 5))
def test_ginis_coefficient_ignores_the_unit(x, factor):
    assert concentration(x * factor).gini == pytest.approx(concentration(x).gini, abs=1e-12)


def test_few_events_look_concentrated_by_chance_alone():
    counts = np.r_[np.ones(30, dtype=np.int64), np.zeros(970, dtype=np.int64)]
    chance = chance_concentration(counts, np.ones(1000), CHANCE, np.random.default_rng(1))
    assert 0.012 <= chance.low <= chance.high <= 0.015  # half the events in 1.5 % of the cells
    assert chance.p == 1  # no data could be less concentrated


def test_piled_events_are_more_concentrated_than_chance():
    counts = np.array([60, 20, 5, 3, 2, 0, 0, 0, 0, 0])
    chance = chance_concentration(counts, np.ones(10), CHANCE, np.random.default_rng(1))
    assert chance.p == 1 / 200
    assert chance.low <= chance.middle <= chance.high


def test_what_is_proportional_to_exposure_is_no_more_concentrated_than_chance():
    counts = np.array([60, 20, 5, 3, 2])
    rng = np.random.default_rng(1)
    assert chance_concentration(counts, counts * 1.0, CHANCE, rng).p > 0.05


def test_the_same_seed_gives_the_same_answer():
    counts = np.array([5, 1, 0, 3])
    a, b = (
        chance_concentration(counts, np.ones(4), CHANCE, np.random.default_rng(7)) for _ in range(2)
    )
    assert a == b


@pytest.mark.parametrize("counts", [np.empty(0), np.zeros(5)])
def test_nothing_is_not_concentrated_anywhere(counts):
    for method in (concentration, lorenz_curve):
        with pytest.raises(TooFewObservations, match="no-events"):
            method(counts)
    with pytest.raises((TooFewObservations, InvalidParameter), match="no-"):
        chance_concentration(counts.astype(np.int64), np.ones(counts.size), CHANCE, None)


def test_bad_counts_shares_and_exposures_are_refused():
    with pytest.raises(InvalidParameter, match="weights-negative"):
        concentration(np.array([1.0, -1.0]))
    with pytest.raises(InvalidParameter, match="weights-not-finite"):
        lorenz_curve(np.array([1.0, np.nan]))
    with pytest.raises(InvalidParameter, match="not-a-fraction"):
        Shares((0.5, 1.0))
    with pytest.raises(InvalidParameter, match="not-positive"):
        ChanceOfConcentration(rounds=0)
    with pytest.raises(InvalidParameter, match="no-exposure"):
        chance_concentration(np.array([1]), np.zeros(1), CHANCE, np.random.default_rng(1))
    with pytest.raises(InvalidParameter, match="not-whole-events"):
        chance_concentration(np.array([1.5]), np.ones(1), CHANCE, np.random.default_rng(1))
    with pytest.raises(InvalidParameter, match="shapes-differ"):
        chance_concentration(np.array([1]), np.ones(2), CHANCE, np.random.default_rng(1))
