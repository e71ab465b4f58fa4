"""Late reports, against counting by definition, the likelihood itself, and simulated registers."""

from datetime import date

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from geo.errors import InvalidParameter, TooFewObservations
from geo.reporting import Delays, late_share, reporting_delay

TODAY = date(2026, 6, 30)
NOW = np.datetime64(TODAY)
NEVER = np.datetime64("NaT")
FEW = Delays(longest_delay_days=20, fewest_at_risk=1)

registers = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 20)).map(lambda two: (max(two), min(two))),
    min_size=1,
    max_size=60,
)


def estimate(age, delay, choice=FEW):
    """Estimate from events of these ages, each registered after its delay."""
    event = NOW - np.array(age, dtype="timedelta64[D]")
    return reporting_delay(event, event + np.array(delay, dtype="timedelta64[D]"), TODAY, choice)


def simulated(n, seed, days=300, daily=0.08):
    """Give ages and delays of n events as a register of today shows them, and the true shares."""
    rng = np.random.default_rng(seed)
    age, delay = rng.integers(0, days, n), rng.geometric(daily, n) - 1
    seen = delay <= age
    return age[seen], delay[seen]


def truth(longest, daily=0.08):
    share = 1 - (1 - daily) ** (np.arange(longest + 1) + 1)
    return share / share[-1]


def test_a_register_of_five_events_is_worked_out_by_hand():
    found = estimate([5, 5, 5, 1, 0], [0, 1, 2, 0, 0])
    # Three events are at risk at 2 days, one of them that late; three at 1 day, again one.
    np.testing.assert_allclose(found.registered, [4 / 9, 2 / 3, 1, 1, 1, 1])
    assert (found.longest_days, found.events) == (5, 5)


@given(registers)
def test_the_estimate_is_the_product_of_its_definition(register):
    age, delay = np.array(register).T
    found = estimate(age, delay)
    used = delay <= found.longest_days
    age, delay = age[used], delay[used]
    share = 1.0
    for day in range(found.longest_days, -1, -1):
        assert found.registered[day] == pytest.approx(share, abs=1e-12)
        at_risk = ((delay <= day) & (age >= day)).sum()
        share *= 1 - (delay == day).sum() / at_risk if at_risk else 1.0


@given(registers, st.integers(0, 1000))
def test_no_other_distribution_of_delays_is_more_likely(register, seed):
    age, delay = np.array(register).T
    found = estimate(age, delay)
    used = delay <= found.longest_days
    seen = np.minimum(age[used], found.longest_days)

    def likelihood(share):
        mass = np.diff(share, prepend=0.0)
        if (mass[delay[used]] <= 0).any():
            return -np.inf
        return np.log(mass[delay[used]]).sum() - np.log(share[seen]).sum()

    rng = np.random.default_rng(seed)
    mass = np.diff(found.registered, prepend=0.0)
    other = mass * rng.uniform(0.5, 2, mass.size) + rng.uniform(0, 0.02, mass.size)
    best = likelihood(found.registered)
    assume(best > -np.inf)  # else everybody at risk was late: the maximum lies at the edge
    assert likelihood(np.cumsum(other) / other.sum()) <= best + 1e-9


def test_without_recent_events_it_is_the_plain_share():
    delay = np.array([0, 0, 0, 1, 1, 3, 7, 7, 12, 20])
    found = estimate(np.full(10, 100), delay)
    plain = [(delay <= day).mean() for day in range(21)]
    np.testing.assert_allclose(found.registered, plain, atol=1e-12)


def test_recent_events_do_not_make_reports_look_faster_than_they_are():
    age, delay = simulated(60_000, 1, days=60)
    found = estimate(age, delay, Delays(longest_delay_days=50))
    true = truth(found.longest_days)
    np.testing.assert_allclose(found.registered, true, atol=0.02)
    plain = (delay <= 7).mean()
    assert plain > true[7] + 0.05


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    held = []
    for seed in range(300):
        age, delay = simulated(400, seed)
        found = estimate(age, delay, Delays(longest_delay_days=60))
        held.append(found.low[7] <= truth(found.longest_days)[7] <= found.high[7])
    assert 0.91 <= np.mean(held) <= 0.985


def test_a_higher_level_gives_a_wider_interval():
    age, delay = simulated(400, 1)
    sure, unsure = (estimate(age, delay, Delays(level=level)) for level in (0.99, 0.5))
    assert sure.low[3] < unsure.low[3] < unsure.registered[3] < unsure.high[3] < sure.high[3]


def test_ten_punctual_reports_do_not_prove_that_nobody_is_late():
    found = estimate(np.full(10, 30), np.zeros(10, dtype=int))
    assert found.registered[0] == found.registered[-1] == 1
    assert found.low[0] == pytest.approx(0.025 ** (1 / 10))
    assert found.high[0] == 1
    assert found.low[-1] == 1  # by definition: later reports are no part of the question


def test_where_every_event_at_risk_is_late_nothing_is_registered_before():
    found = estimate([5, 5, 0], [3, 3, 0])
    assert found.registered[0] == 0
    assert (found.low[0], found.high[0]) == (0, 1)


@given(registers)
def test_shares_rise_to_one_inside_their_interval(register):
    found = estimate(*np.array(register).T)
    assert found.registered[-1] == 1
    assert (np.diff(found.registered) >= -1e-12).all()
    assert (found.low <= found.registered + 1e-12).all()
    assert (found.registered <= found.high + 1e-12).all()
    assert found.low.min() >= 0
    assert found.high.max() <= 1


def test_the_longest_delay_is_the_last_for_which_enough_events_speak():
    age, delay = np.concatenate([np.full(30, 5), np.full(10, 40)]), np.zeros(40, dtype=int)
    assert estimate(age, delay, Delays(fewest_at_risk=20)).longest_days == 5
    assert estimate(age, delay, Delays(fewest_at_risk=10)).longest_days == 40
    assert estimate(age, delay, Delays(30, fewest_at_risk=10)).longest_days == 30


def test_later_reports_are_left_out_and_counted():
    found = estimate([300] * 30, [0] * 20 + [1] * 5 + [200] * 5, Delays(100))
    assert (found.events, found.later) == (25, 5)
    assert found.registered[0] == pytest.approx(20 / 25)


def test_rows_without_a_usable_date_are_left_out_and_counted():
    event = np.full(12, NOW - 30)
    registered = event + np.arange(12).astype("timedelta64[D]")
    registered[0], registered[1:3] = event[0] - 1, NEVER
    found = reporting_delay(event, registered, TODAY, FEW)
    assert (found.events, found.unknown, found.impossible) == (9, 2, 1)


def test_clock_times_are_cut_to_their_day():
    event = np.array(["2026-06-01T23:50"] * 2, dtype="datetime64[s]")
    registered = np.array(["2026-06-01T08:00", "2026-06-02T00:10"], dtype="datetime64[s]")
    found = reporting_delay(event, registered, TODAY, FEW)
    assert (found.registered[0], found.impossible) == (0.5, 0)


@given(registers)
def test_the_order_of_rows_does_not_matter(register):
    age, delay = np.array(register).T
    np.testing.assert_array_equal(
        estimate(age, delay).registered, estimate(age[::-1], delay[::-1]).registered
    )


def test_the_late_share_is_the_mean_over_the_ages_asked_for():
    found = estimate([9, 9, 9, 9], [0, 0, 1, 3])
    late = late_share(found, np.array([0, 1, 2, 50]))
    assert late.share == pytest.approx((0.5 + 0.25 + 0.25 + 0) / 4)
    assert late.low < late.share < late.high


def test_events_older_than_the_longest_delay_are_not_late():
    found = estimate([9, 9, 9, 9], [0, 0, 1, 3])
    late = late_share(found, np.array([found.longest_days, 400]))
    assert (late.share, late.low, late.high) == (0, 0, 0)


def test_no_ages_have_no_late_share():
    found = estimate([9, 9], [0, 1])
    with pytest.raises(TooFewObservations) as caught:
        late_share(found, np.empty(0, dtype=np.int64))
    assert caught.value.code == "no-ages"


def test_a_negative_age_is_refused():
    found = estimate([9, 9], [0, 1])
    with pytest.raises(InvalidParameter) as caught:
        late_share(found, np.array([2, -1]))
    assert (caught.value.code, caught.value.values) == ("age-negative", {"days": -1})


@pytest.mark.parametrize("n", [0, 19])
def test_too_few_events_are_refused(n):
    with pytest.raises(TooFewObservations) as caught:
        estimate(np.full(n, 30), np.zeros(n, dtype=int), Delays())
    assert caught.value.code == "too-few-registered"
    assert caught.value.values == {"n": n, "least": 20}


@pytest.mark.parametrize(
    ("event", "registered", "code"),
    [
        ("2026-07-01", "NaT", "event-after-extraction"),
        ("2026-06-01", "2026-07-01", "registered-after-extraction"),
        ("NaT", "2026-06-01", "starts-missing"),
    ],
)
def test_days_that_contradict_each_other_are_refused(event, registered, code):
    days = (np.array([day], dtype="datetime64[D]") for day in (event, registered))
    with pytest.raises(InvalidParameter) as caught:
        reporting_delay(*days, TODAY)
    assert caught.value.code == code


def test_columns_of_different_length_are_refused():
    with pytest.raises(InvalidParameter) as caught:
        reporting_delay(np.full(2, NOW), np.full(3, NOW), TODAY)
    assert caught.value.code == "shapes-differ"


@pytest.mark.parametrize(
    "wrong", [{"longest_delay_days": 0}, {"fewest_at_risk": 0}, {"level": 0.0}]
)
def test_choices_that_make_no_sense_are_refused(wrong):
    with pytest.raises(InvalidParameter):
        Delays(**wrong)
