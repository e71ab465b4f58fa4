"""The four words, and which evidence gives which."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geo.errors import InvalidParameter
from geo.verdicts import (
    Demands,
    OwnLevel,
    Reason,
    Rest,
    Support,
    Verdict,
    excess,
    judge,
    overdispersed_excess,
)

TESTS = [excess, overdispersed_excess]
unit_counts = arrays(np.int64, st.integers(1, 40), elements=st.integers(0, 50))


def whole(*numbers):
    return np.array(numbers, dtype=np.int64)


def calm_but(hot, units=50, level=4):
    """Give the same count everywhere, and another in the first unit."""
    counts = np.full(units, level, dtype=np.int64)
    counts[0] = hot
    return counts


def verdict_of_first(found, support=None, demands=None):
    judged = judge(found, support or Support(), demands or Demands())
    return judged.of(0), judged.codes(0)


def test_the_own_level_is_the_total_times_the_share_of_exposure():
    found = excess(whole(6, 2, 2), np.array([1.0, 1.0, 2.0]))
    np.testing.assert_allclose(found.expected, [2.5, 2.5, 5])
    np.testing.assert_allclose(found.ratio, [2.4, 0.8, 0.4])


def test_three_of_three_events_in_half_the_area_happen_once_in_eight():
    assert excess(whole(3, 0), np.ones(2)).p[0] == pytest.approx(1 / 8)


@pytest.mark.parametrize("method", TESTS)
@given(counts=unit_counts, seed=st.integers(0, 2**32 - 1))
def test_the_order_of_units_does_not_matter(method, counts, seed):
    rng = np.random.default_rng(seed)
    exposure, order = rng.uniform(0, 5, counts.size), rng.permutation(counts.size)
    found, again = method(counts, exposure), method(counts[order], exposure[order])
    for name in ("expected", "ratio", "low", "high", "p", "q"):
        a, b = getattr(found, name)[order], getattr(again, name)
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("method", TESTS)
@given(counts=unit_counts, seed=st.integers(0, 2**32 - 1), factor=st.floats(1e-3, 1e6))
def test_the_unit_of_exposure_does_not_matter(method, counts, seed, factor):
    exposure = np.random.default_rng(seed).uniform(0.1, 5, counts.size)
    a, b = method(counts, exposure), method(counts, exposure * factor)
    np.testing.assert_allclose(a.p, b.p, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("method", TESTS)
@given(counts=unit_counts)
def test_the_ratio_lies_inside_its_interval_and_expected_adds_up(method, counts):
    found = method(counts, np.ones(counts.size))
    known = found.expected > 0
    assert (found.low[known] <= found.ratio[known]).all()
    assert (found.ratio[known] <= found.high[known]).all()
    assert found.expected.sum() == pytest.approx(counts.sum())


@given(counts=unit_counts, dispersion=st.floats(1.001, 20))
def test_more_events_in_a_unit_of_the_same_size_are_never_less_surprising(counts, dispersion):
    for choice in (OwnLevel(), OwnLevel(dispersion=dispersion)):
        found = excess(counts, np.ones(counts.size), choice)
        rising = np.argsort(counts)
        assert (np.diff(found.p[rising]) <= 1e-12).all()


def test_a_dispersion_just_above_one_is_nearly_poisson():
    counts, exposure = calm_but(15, units=2000, level=2), np.ones(2000)
    plain, near = excess(counts, exposure), excess(counts, exposure, OwnLevel(dispersion=1 + 1e-6))
    np.testing.assert_allclose(near.p, plain.p, rtol=0.1)


def test_dispersion_takes_the_surprise_out_of_clumps():
    counts, exposure = calm_but(15), np.ones(50)
    assert (
        excess(counts, exposure, OwnLevel(dispersion=6.0)).p[0]
        > 0.01
        > excess(counts, exposure).p[0] * 100
    )


def test_the_hot_unit_does_not_hide_itself_in_the_dispersion_of_the_others():
    rng = np.random.default_rng(5)
    counts = rng.poisson(20, 60)
    counts[0] = 120
    found = overdispersed_excess(counts, np.ones(60))
    assert found.dispersion[0] < 2 < found.dispersion[1]
    assert found.q[0] < 1e-6


def test_clumped_noise_is_not_surprising_when_its_clumping_is_estimated():
    rng = np.random.default_rng(5)
    counts = rng.negative_binomial(5 / 4, 1 / 5, 400)  # variance five times the mean
    assert (excess(counts, np.ones(400)).q <= 0.05).any()
    found = overdispersed_excess(counts, np.ones(400))
    assert not (found.q <= 0.05).any()
    assert 4 < np.median(found.dispersion) < 8


def test_few_units_tell_nothing_about_dispersion():
    assert overdispersed_excess(whole(30, 1), np.ones(2)).p[0] > 0.05
    assert overdispersed_excess(whole(30, 0, 0, 0), np.ones(4)).p[0] > 0.05  # others are empty


@pytest.mark.parametrize("method", TESTS)
def test_events_without_exposure_take_no_part_in_the_level(method):
    found = method(whole(100, 6, 4), np.array([0.0, 1.0, 1.0]))
    np.testing.assert_allclose(found.expected, [0, 5, 5])
    assert (found.p[0], found.q[0]) == (1, 1)
    assert np.isnan([found.ratio[0], found.low[0], found.high[0]]).all()


@pytest.mark.parametrize("method", TESTS)
@pytest.mark.parametrize("counts", [whole(), whole(0), whole(7), whole(0, 0, 0), whole(5, 5)])
@pytest.mark.parametrize("size", [0.0, 1.0])
def test_zeros_single_units_and_nothing_survive(method, counts, size):
    found = method(counts, np.full(counts.size, size))
    assert ((found.p > 0) & (found.p <= 1)).all()
    assert not judge(found).all_of(Verdict.ESTABLISHED).any()


def test_a_hot_unit_is_established():
    assert verdict_of_first(excess(calm_but(25), np.ones(50))) == (Verdict.ESTABLISHED, ("raised",))


def test_a_unit_hot_only_by_itself_is_uncertain_among_so_many():
    found = excess(calm_but(10), np.ones(50))
    assert found.p[0] < 0.05 < found.q[0]
    assert verdict_of_first(found) == (Verdict.UNCERTAIN, ("many-comparisons",))


def test_four_events_are_too_few_for_any_claim():
    found = excess(np.r_[4, np.zeros(999, dtype=np.int64)], np.ones(1000))
    assert found.q[0] < 1e-6
    assert verdict_of_first(found) == (Verdict.TOO_FEW, ("few-events",))
    assert verdict_of_first(found, demands=Demands(minimum=4))[0] == Verdict.ESTABLISHED


def test_four_events_where_forty_were_expected_are_not_too_few_to_say():
    found = excess(calm_but(4, level=40), np.ones(50))
    assert verdict_of_first(found) == (Verdict.NOT_RAISED, ("below-own-level",))


def test_slightly_more_than_expected_is_not_raised():
    found = excess(calm_but(6), np.ones(50))
    assert verdict_of_first(found) == (Verdict.NOT_RAISED, ("within-chance",))


def test_where_there_is_no_exposure_nothing_is_sure():
    found = excess(whole(30, 10, 10), np.array([0.0, 1.0, 1.0]))
    assert verdict_of_first(found) == (Verdict.UNCERTAIN, ("no-exposure",))
    few = excess(whole(3, 10, 10), np.array([0.0, 1.0, 1.0]))
    assert verdict_of_first(few) == (Verdict.TOO_FEW, ("few-events",))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("resolutions", "one-resolution"),
        ("grids", "grid-position"),
        ("certain", "uncertain-times"),
    ],
)
def test_each_missing_support_makes_it_uncertain_and_says_so(name, code):
    found = excess(whole(25, 4, 4, 4, 4, 4, 4, 4, 4, 4), np.ones(10))
    support = {"resolutions": None, "grids": None, "certain": None}
    given_it = Support(**(support | {name: np.ones(10, dtype=bool)}))
    denied_it = Support(**(support | {name: np.zeros(10, dtype=bool)}))
    assert verdict_of_first(found, given_it) == (Verdict.ESTABLISHED, ("raised",))
    assert verdict_of_first(found, denied_it) == (Verdict.UNCERTAIN, (code,))


def test_all_missing_supports_are_named():
    found, no = excess(whole(25, 4, 4, 4, 4), np.ones(5)), np.zeros(5, dtype=bool)
    assert verdict_of_first(found, Support(no, no, no))[1] == (
        "one-resolution",
        "grid-position",
        "uncertain-times",
    )


def test_support_never_lifts_what_the_counts_do_not_say():
    found, all_yes = excess(calm_but(10), np.ones(50)), np.ones(50, dtype=bool)
    assert verdict_of_first(found, Support(all_yes, all_yes, all_yes))[0] == Verdict.UNCERTAIN


@given(counts=unit_counts, seed=st.integers(0, 2**32 - 1))
def test_every_unit_gets_a_verdict_with_a_reason(counts, seed):
    rng = np.random.default_rng(seed)
    support = Support(*(rng.random((3, counts.size)) < 0.5))
    judged = judge(excess(counts, rng.uniform(0, 2, counts.size)), support)
    known = {reason.code for reason in Reason}
    for unit in range(counts.size):
        assert judged.codes(unit)
        assert set(judged.codes(unit)) <= known
        if judged.of(unit) == Verdict.ESTABLISHED:
            assert counts[unit] >= 5


def test_units_with_one_verdict_can_be_picked():
    judged = judge(excess(calm_but(25), np.ones(50)))
    assert np.flatnonzero(judged.all_of(Verdict.ESTABLISHED)).tolist() == [0]
    assert judged.all_of(Verdict.TOO_FEW).sum() == 49


def test_inputs_are_left_as_they_were():
    counts, exposure = calm_but(25), np.ones(50)
    for method in TESTS:
        judge(method(counts, exposure))
    np.testing.assert_array_equal(counts, calm_but(25))
    np.testing.assert_array_equal(exposure, np.ones(50))


@pytest.mark.parametrize("method", TESTS)
@pytest.mark.parametrize(
    ("counts", "exposure", "code"),
    [
        ([1], [1.0, 2.0], "shapes-differ"),
        ([-1, 2], [1.0, 2.0], "weights-negative"),
        ([1.5, 2.0], [1.0, 2.0], "not-whole-events"),
        ([np.nan, 2.0], [1.0, 2.0], "weights-not-finite"),
        ([1, 2], [1.0, np.nan], "weights-not-finite"),
        ([1, 2], [1.0, -2.0], "weights-negative"),
    ],
)
def test_bad_counts_and_exposures_are_refused(method, counts, exposure, code):
    with pytest.raises(InvalidParameter, match=code):
        method(np.array(counts), np.array(exposure))


def test_bad_choices_and_supports_are_refused():
    with pytest.raises(InvalidParameter, match="not-a-fraction"):
        OwnLevel(level=1.5)
    with pytest.raises(InvalidParameter, match="dispersion-below-one"):
        OwnLevel(dispersion=0.9)
    with pytest.raises(InvalidParameter, match="not-a-fraction"):
        Demands(fdr=0.0)
    with pytest.raises(InvalidParameter, match="not-a-fraction"):
        Demands(alpha=1.0)
    with pytest.raises(InvalidParameter, match="not-positive"):
        Demands(minimum=0)
    with pytest.raises(InvalidParameter, match="shapes-differ"):
        judge(excess(whole(1, 2), np.ones(2)), Support(grids=np.ones(1, dtype=bool)))


@pytest.mark.parametrize("method", [excess, overdispersed_excess])
def test_units_without_events_may_be_added_up_and_left_out(method):
    rng = np.random.default_rng(3)
    count = rng.poisson(rng.gamma(0.3, 4, 400))
    exposure = rng.uniform(0, 3, 400) * (rng.random(400) > 0.05)
    every = method(count, exposure)
    kept = (count > 0) | (np.arange(400) < 7)
    left = exposure[~kept]
    rest = Rest(int((left > 0).sum()), float(left.sum()), float(left @ left))
    some = method(count[kept], exposure[kept], rest=rest)
    for name in ("expected", "ratio", "low", "high", "p", "q"):
        np.testing.assert_allclose(
            getattr(some, name), getattr(every, name)[kept], rtol=1e-9, err_msg=name
        )
