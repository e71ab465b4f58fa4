"""How often somebody may do what costs."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from app.attempts import BUDGETS, MOST_KEPT, WITHIN, Attempts
from app.faults import TooManyAttempts


class Clock:
    def __init__(self):
        self.time = datetime(2026, 11, 1, 12, tzinfo=UTC)

    def __call__(self):
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def attempts(clock):
    return Attempts(clock)


def taken(attempts, *spent):
    try:
        attempts.take(*spent)
    except TooManyAttempts:
        return False
    return True


@pytest.mark.parametrize("name", BUDGETS)
def test_a_budget_lasts_for_as_many_as_it_says_and_comes_back(attempts, clock, name):
    most = BUDGETS[name].most
    assert [taken(attempts, (name, "anna")) for _ in range(most + 2)] == [True] * most + [False] * 2
    assert taken(attempts, (name, "bo"))
    with pytest.raises(TooManyAttempts) as refused:
        attempts.take((name, "anna"))
    assert refused.value.code == BUDGETS[name].code
    clock.time += timedelta(seconds=refused.value.values["seconds"])
    assert taken(attempts, (name, "anna"))


def test_one_used_up_budget_takes_nothing_from_the_others(attempts):
    for _ in range(BUDGETS["sign-in-account"].most):
        attempts.take(("sign-in-account", "a"), ("sign-in-address", "b"))
    for _ in range(100):
        assert not taken(attempts, ("sign-in-account", "a"), ("sign-in-address", "b"))
    left = BUDGETS["sign-in-address"].most - BUDGETS["sign-in-account"].most
    assert [taken(attempts, ("sign-in-address", "b")) for _ in range(left)] == [True] * left


def test_the_window_slides(attempts, clock):
    for _ in range(BUDGETS["export"].most):
        attempts.take(("export", "anna"))
        clock.time += WITHIN / BUDGETS["export"].most
    assert taken(attempts, ("export", "anna"))
    assert not taken(attempts, ("export", "anna"))


def test_what_is_forgotten_is_free_again(attempts):
    for _ in range(BUDGETS["sign-in-account"].most):
        attempts.take(("sign-in-account", "anna"))
    attempts.forget("sign-in-account", "anna")
    attempts.forget("sign-in-account", "nobody")
    assert taken(attempts, ("sign-in-account", "anna"))


def test_two_at_once_do_not_both_take_the_last_one(attempts):
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: taken(attempts, ("export", "anna")), range(200)))
    assert sum(done) == BUDGETS["export"].most


def test_many_names_do_not_fill_the_memory(attempts):
    for number in range(MOST_KEPT + 500):
        attempts.take(("refused", str(number)))
    assert len(attempts._recent) <= MOST_KEPT  # noqa: SLF001 - memory has no other face
