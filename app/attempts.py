"""How often somebody may try to sign in.

Counted in this process: with several worker processes each one allows this much.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock

from app.faults import TooManyAttempts

WITHIN = timedelta(minutes=5)
MOST_PER_ACCOUNT = 6  # from one address on one account
MOST_PER_ADDRESS = 40  # one address may be a whole office behind one router
MOST_KEPT = 10_000


class Attempts:
    """A sliding window of recent attempts; safe between threads."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        """Start with nobody suspected."""
        self._now = now
        self._recent: OrderedDict[tuple[str, str], deque[datetime]] = OrderedDict()
        self._lock = Lock()

    def take(self, address: str, account: str) -> None:
        """Note one attempt.

        Raises
        ------
        TooManyAttempts
            With the seconds to wait, before any password is looked at.
        """
        with self._lock:
            now = self._now()
            mine = self._kept((address, account.casefold()), now)
            all_here = self._kept((address, ""), now)
            for times, most in ((mine, MOST_PER_ACCOUNT), (all_here, MOST_PER_ADDRESS)):
                if len(times) >= most:
                    wait = times[-most] + WITHIN - now
                    seconds = int(wait.total_seconds()) + 1
                    raise TooManyAttempts("too-many-attempts", seconds=seconds)
            mine.append(now)
            all_here.append(now)

    def forget(self, address: str, account: str) -> None:
        """Drop an account's attempts once its password was right."""
        with self._lock:
            self._recent.pop((address, account.casefold()), None)

    def _kept(self, key: tuple[str, str], now: datetime) -> deque[datetime]:
        times = self._recent.setdefault(key, deque())
        self._recent.move_to_end(key)
        while times and times[0] <= now - WITHIN:
            times.popleft()
        while len(self._recent) > MOST_KEPT:
            self._recent.popitem(last=False)
        return times
