"""How often somebody may do what costs: guess a password, export, ask for the log.

Counted in this process: with several worker processes each one allows this much.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from app.faults import TooManyAttempts

WITHIN = timedelta(minutes=5)
MOST_PER_ACCOUNT = 6  # from one address on one account
MOST_PER_ADDRESS = 40  # one address may be a whole office behind one router
MOST_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Budget:
    """How many times within `WITHIN`, and what somebody is told who wants more."""

    most: int
    code: str = "too-many-requests"


BUDGETS = {
    "sign-in-account": Budget(MOST_PER_ACCOUNT, "too-many-attempts"),
    "sign-in-address": Budget(MOST_PER_ADDRESS, "too-many-attempts"),
    "refused": Budget(60),  # keys and sessions that open nothing, from one address
    "export": Budget(10),
    "picture": Budget(120),
    "background": Budget(3_000),  # squares of a map service: some hundred views
    "group": Budget(60),
    "log-export": Budget(6),
}


class Attempts:
    """A sliding window of recent attempts on each budget; safe between threads."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        """Start with nobody suspected."""
        self._now = now
        self._recent: OrderedDict[tuple[str, str], deque[datetime]] = OrderedDict()
        self._lock = Lock()

    def take(self, *spent: tuple[str, str]) -> None:
        """Note one attempt on each budget, named with whose it is, or on none of them.

        Raises
        ------
        TooManyAttempts
            One of them is used up; with the seconds to wait.
        """
        with self._lock:
            now = self._now()
            windows = [self._kept(key, now) for key in spent]
            for (name, _), times in zip(spent, windows, strict=True):
                budget = BUDGETS[name]
                if len(times) >= budget.most:
                    wait = times[-budget.most] + WITHIN - now
                    raise TooManyAttempts(budget.code, seconds=int(wait.total_seconds()) + 1)
            for times in windows:
                times.append(now)

    def forget(self, budget: str, who: str) -> None:
        """Drop somebody's attempts on a budget, once a password was right."""
        with self._lock:
            self._recent.pop((budget, who), None)

    def _kept(self, key: tuple[str, str], now: datetime) -> deque[datetime]:
        times = self._recent.setdefault(key, deque())
        self._recent.move_to_end(key)
        while times and times[0] <= now - WITHIN:
            times.popleft()
        while len(self._recent) > MOST_KEPT:
            self._recent.popitem(last=False)
        return times
