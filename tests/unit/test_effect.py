"""WDD: what changed beside the control, and when that cannot be told."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from geo.effect import (
    Assessment,
    BeforeAfter,
    Trial,
    Verdict,
    Wdd,
    assess,
    dispersion,
    wdd,
    wdd_harm,
)
from geo.errors import InvalidParameter, TooFewObservations

counts = st.integers(0, 500)
pairs = st.builds(BeforeAfter, counts, counts, st.floats(0.1, 10))
trials = st.builds(
    Trial, pairs, pairs, before_weight=st.floats(0.1, 10), after_weight=st.floats(0.1, 10)
).filter(lambda t: t.treated.before + t.treated.after + t.control.before + t.control.after)


def trial(treated, control=(100, 100), **more):
    return Trial(treated=BeforeAfter(*treated), control=BeforeAfter(*control), **more)


def verdict(*areas, **choice):
    return assess(trial(*areas), Wdd(**choice)).local.verdict


def poisson(mean):
    """Give 0 ... and the chance of each count, but for one in a billion."""
    value = np.arange(int(stats.poisson.isf(1e-9, mean)) + 2)
    return value, stats.poisson.pmf(value, mean)


def false_alarms(treated, control):
    """Compute exactly how often a difference is found where nothing changed."""
    (t, p_t), (c, p_c) = poisson(treated), poisson(control)
    t0, t1, c0, c1 = np.meshgrid(t, t, c, c, indexing="ij", sparse=True)
    variance = t0 + t1 + c0 + c1
    found = (t1 - t0 - c1 + c0) ** 2 > stats.norm.ppf(0.975) ** 2 * variance
    found &= t0 + t1 >= Wdd().fewest_events
    return np.einsum("ijkl,i,j,k,l->", found, p_t, p_t, p_c, p_c)


@given(trials)
def test_swapping_treated_and_control_turns_the_sign(t):
    turned = Trial(t.control, t.treated, None, None, t.before_weight, t.after_weight)
    straight, back = wdd(t), wdd(turned)
    assert back.total == pytest.approx(-straight.total)
    assert back.total_se == pytest.approx(straight.total_se)


@given(trials)
def test_a_ring_in_which_nothing_happens_changes_nothing(t):
    nothing = BeforeAfter(0, 0)
    ringed = Trial(t.treated, t.control, nothing, nothing, t.before_weight, t.after_weight)
    assert wdd(ringed) == wdd(t)


@given(trials, st.floats(1, 9))
def test_dispersion_widens_the_interval_by_its_root(t, times):
    plain, spread = wdd(t), wdd(t, Wdd(dispersion=times))
    assert spread.total == plain.total
    assert spread.high - spread.low == pytest.approx(times**0.5 * (plain.high - plain.low))


@given(trials, st.integers(2, 9))
def test_a_longer_unit_of_time_only_changes_the_unit(t, unit):
    coarse = Trial(t.treated, t.control, None, None, t.before_weight / unit, t.after_weight / unit)
    assert wdd(coarse).total == pytest.approx(unit * wdd(t).total)
    assert wdd(coarse).z == pytest.approx(wdd(t).z)


@given(trials)
def test_a_direction_is_named_only_where_the_interval_leaves_zero_out(t):
    found = assess(t).local
    named = found.verdict in {Verdict.DECREASED, Verdict.INCREASED}
    assert not (named and found.low <= 0 <= found.high)


@given(trials)
def test_no_difference_is_said_only_where_one_that_matters_would_show(t):
    found = assess(t).local
    assert (found.verdict is not Verdict.NO_DIFFERENCE) or found.detectable <= found.relevant


@pytest.mark.parametrize("treated", [1, 3, 6, 10, 20])
@pytest.mark.parametrize("control", [1, 3, 6, 10, 20])
def test_where_nothing_changed_at_most_55_of_1000_trials_find_something(treated, control):
    assert false_alarms(treated, control) <= 0.055


def test_half_as_many_events_beside_a_steady_control_is_a_decrease():
    assert verdict((200, 100), (200, 200)) is Verdict.DECREASED


def test_a_fall_that_the_control_shares_is_no_difference():
    assert verdict((800, 400), (800, 400)) is Verdict.NO_DIFFERENCE


def test_steady_counts_beside_a_falling_control_are_an_increase():
    assert verdict((200, 200), (200, 100)) is Verdict.INCREASED


def test_a_steep_fall_among_few_events_cannot_be_assessed():
    found = assess(trial((6, 2), (7, 8))).local
    assert found.verdict is Verdict.CANNOT_BE_ASSESSED
    assert found.difference == -5


def test_an_empty_place_that_fills_is_an_increase_though_nothing_was_before():
    found = assess(trial((0, 40), (5, 5))).local
    assert found.verdict is Verdict.INCREASED
    assert found.relevant == 0
    assert found.events_needed is None


def test_below_ten_events_nothing_is_said_even_of_a_clear_fall():
    assert verdict((9, 0), (0, 0)) is Verdict.CANNOT_BE_ASSESSED
    assert verdict((9, 0), (0, 0), fewest_events=9) is Verdict.DECREASED


def test_the_events_needed_are_enough():
    # All counts in proportion: with that many before, 25 % fewer would be seen 4 times of 5.
    small = assess(trial((40, 40), (60, 60))).local
    assert small.verdict is Verdict.CANNOT_BE_ASSESSED
    times = small.events_needed / 40
    n, c = round(40 * times), round(60 * times)
    large = assess(trial((n, n), (c, c))).local
    assert large.verdict is Verdict.NO_DIFFERENCE
    assert large.detectable == pytest.approx(large.relevant, rel=0.01)


def test_a_difference_as_large_as_detectable_is_found_with_the_power_asked_for():
    found = assess(trial((30_000, 30_000), (30_000, 30_000))).local
    rng = np.random.default_rng(20260115)
    after = rng.poisson([30_000 - found.detectable, 30_000], (20_000, 2))
    before = rng.poisson(30_000, (20_000, 2))
    change = after - before
    z = (change[:, 0] - change[:, 1]) / np.sqrt(after.sum(axis=1) + before.sum(axis=1))
    assert (z < -stats.norm.ppf(0.975)).mean() == pytest.approx(0.8, abs=0.015)


def test_the_paper_names_a_decrease_and_no_displacement_that_could_be_told():
    found = assess(
        Trial(
            treated=BeforeAfter(207, 110),
            control=BeforeAfter(308, 318),
            ring=BeforeAfter(178, 157),
            ring_control=BeforeAfter(150, 140),
        )
    )
    assert isinstance(found, Assessment)
    assert found.local.verdict is Verdict.DECREASED
    assert found.displacement.verdict is Verdict.CANNOT_BE_ASSESSED
    assert found.total.verdict is Verdict.DECREASED
    assert found.total.difference == found.numbers.total == -118


def test_without_a_ring_nothing_is_said_of_displacement():
    found = assess(trial((200, 100), (200, 200)))
    assert found.displacement is None
    assert found.total == found.local


def test_events_that_moved_into_the_ring_undo_the_decrease():
    moved = Trial(
        treated=BeforeAfter(400, 250),
        control=BeforeAfter(400, 400),
        ring=BeforeAfter(400, 550),
        ring_control=BeforeAfter(400, 400),
    )
    found = assess(moved, Wdd(relevant_share=0.5))
    assert found.local.verdict is Verdict.DECREASED
    assert found.displacement.verdict is Verdict.INCREASED
    assert found.total.verdict is Verdict.NO_DIFFERENCE


def test_harm_adds_differences_by_their_weights():
    one, two = wdd(trial((20, 10), (20, 20))), wdd(trial((30, 50), (10, 10)))
    harm = wdd_harm([one, two], [3, 1])
    assert harm.total == 3 * -10 + 20
    assert harm.se == pytest.approx((9 * 70 + 100) ** 0.5)


def test_a_kind_without_weight_does_not_count():
    one, two = wdd(trial((20, 10))), wdd(trial((30, 50)))
    assert wdd_harm([one, two], [1, 0]).z == pytest.approx(one.z)


def test_steady_periods_vary_no_less_than_chance():
    assert dispersion(np.array([5.0, 5, 5])) == 1


def test_periods_in_bursts_vary_more_than_chance():
    assert dispersion(np.array([0.0, 0, 0, 8])) == pytest.approx(8)


def test_no_event_at_all_is_too_few():
    for method in (wdd, assess):
        with pytest.raises(TooFewObservations, match="no-events-before-or-after"):
            method(trial((0, 0), (0, 0)))


@pytest.mark.parametrize(
    ("periods", "code"),
    [([], "too-few-periods"), ([3], "too-few-periods"), ([0, 0], "no-events-before-or-after")],
)
def test_the_dispersion_of_nothing_is_too_few(periods, code):
    with pytest.raises(TooFewObservations, match=code):
        dispersion(np.array(periods, dtype=float))


def test_the_dispersion_of_negative_counts_is_refused():
    with pytest.raises(InvalidParameter, match="weights-negative"):
        dispersion(np.array([3.0, -1]))


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: BeforeAfter(-1, 3), "weights-negative"),
        (lambda: BeforeAfter(1, np.nan), "weights-not-finite"),
        (lambda: BeforeAfter(1, 2.5), "not-whole-events"),
        (lambda: BeforeAfter(1, 3, 0.0), "not-positive"),
        (lambda: trial((1, 3), before_weight=0), "not-positive"),
        (lambda: trial((1, 3), after_weight=np.inf), "not-positive"),
        (lambda: trial((1, 3), ring=BeforeAfter(1, 1)), "ring-without-control"),
        (lambda: trial((1, 3), ring_control=BeforeAfter(1, 1)), "ring-without-control"),
        (lambda: Wdd(level=0), "not-a-fraction"),
        (lambda: Wdd(power=1.0), "not-a-fraction"),
        (lambda: Wdd(relevant_share=0), "not-positive"),
        (lambda: Wdd(fewest_events=0), "not-positive"),
        (lambda: Wdd(dispersion=0.5), "dispersion-below-one"),
        (lambda: wdd_harm([], [1]), "shapes-differ"),
        (lambda: wdd_harm([wdd(trial((1, 3)))], [0]), "harm-weights-all-zero"),
        (lambda: wdd_harm([wdd(trial((1, 3)))], [-1]), "weights-negative"),
        (lambda: wdd_harm([wdd(trial((1, 3)))], [np.nan]), "weights-not-finite"),
        (lambda: wdd_harm([], []), "harm-weights-all-zero"),
    ],
)
def test_what_cannot_be_compared_is_refused(make, code):
    with pytest.raises(InvalidParameter) as refused:
        make()
    assert refused.value.code == code
