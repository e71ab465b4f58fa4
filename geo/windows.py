"""When: local clocks, weekly windows, and the share of an event that falls inside one.

Inside the system an instant is UTC, as ``datetime64[s]``. Local wall-clock time exists in two
places only: in a source file, and in the rule of a weekly window. Both are turned into UTC here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from geo.checks import require_columns
from geo.errors import InvalidParameter

if TYPE_CHECKING:
    from numpy.typing import NDArray

MINUTES_A_DAY = 1440
WHOLE_EVENT_SHARE = 0.5  # an event counts as inside a window from this share on
FIRST_YEAR, LAST_YEAR = 1970, 2100
SKIPPED, REPEATED = 1, 2  # flags of `to_utc`
_CHUNK = 1 << 15  # instants at a time, so that what a step reads is still in the cache


@dataclass(frozen=True, slots=True)
class Span:
    """A weekly stretch of local time; `end` up to `start` means the next day."""

    weekday: int  # ISO: Monday is 1; the day on which the span begins
    start: int  # minutes after local midnight
    end: int  # minutes after local midnight

    def __post_init__(self) -> None:
        """Refuse what no later code should have to think about."""
        if not 1 <= self.weekday <= 7:  # noqa: PLR2004 - days of a week
            raise InvalidParameter("window-weekday", weekday=self.weekday)
        if not (0 <= self.start < MINUTES_A_DAY and 0 <= self.end <= MINUTES_A_DAY):
            raise InvalidParameter("window-minutes", start=self.start, end=self.end)
        if self.start == self.end:
            raise InvalidParameter("window-empty", start=self.start)

    @property
    def days_over(self) -> int:
        """How many midnights lie inside the span."""
        return int(self.end <= self.start)


@dataclass(frozen=True, slots=True)
class WeeklyWindow:
    """A named weekly rule in local time; no spans means every instant."""

    name: str
    label: str
    spans: tuple[Span, ...] = ()
    term_only: bool = False  # counts only in weeks of a school term


@lru_cache(maxsize=8)
def _transitions(timezone: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find when a zone's UTC offset changes: instants (m,) and offsets (m + 1,), in seconds."""
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as fault:  # OSError: "Europe", a folder
        raise InvalidParameter("unknown-timezone", timezone=timezone[:40]) from fault

    def offset(second: int) -> int:
        shift = datetime.fromtimestamp(second, zone).utcoffset()
        return int(shift.total_seconds()) if shift is not None else 0

    start = int(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp())
    stop = int(datetime(LAST_YEAR, 1, 1, tzinfo=UTC).timestamp())
    week = 7 * 86_400
    instants: list[int] = []
    offsets = [offset(start)]
    for low, high in pairwise(range(start, stop + week, week)):
        before = offsets[-1]
        if offset(high) == before:
            continue
        left, right = low, high
        while right - left > 1:
            middle = (left + right) // 2
            if offset(middle) == before:
                left = middle
            else:
                right = middle
        instants.append(right)
        offsets.append(offset(right))
    return np.array(instants, dtype=np.int64), np.array(offsets, dtype=np.int64)


def to_utc(
    local: NDArray[np.datetime64], timezone: str
) -> tuple[NDArray[np.datetime64], NDArray[np.uint8]]:
    """Tell which instants local wall-clock times name.

    Parameters
    ----------
    local
        (n,) ``datetime64``, wall clock without a zone; NaT stays NaT.
    timezone
        IANA name.

    Returns
    -------
    (n,) ``datetime64[s]`` in UTC and (n,) flags: SKIPPED where the clock jumped over that time
    (it is moved forward by the jump), REPEATED where it occurs twice (the first is taken).

    Raises
    ------
    InvalidParameter
        Unknown time zone.

    Notes
    -----
    The same rule as ``fold=0`` of PEP 495; checked against zoneinfo in tests/unit/test_windows.py.
    """
    instants, offsets = _transitions(timezone)
    before, after = offsets[:-1], offsets[1:]
    known = ~np.isnat(local)
    wall = local.astype("datetime64[s]").astype(np.int64)
    switch = instants + np.maximum(before, after)  # wall clock from which the new offset holds
    era = np.searchsorted(switch, wall, side="right")
    utc = (wall - offsets[era]).astype("datetime64[s]")
    utc[~known] = np.datetime64("NaT")

    flags = np.zeros(wall.shape, dtype=np.uint8)
    ambiguous_from = instants + np.minimum(before, after)
    inside = np.searchsorted(ambiguous_from, wall, side="right") - era  # 1 within a jump
    jump = np.clip(era, 0, max(before.size - 1, 0))
    if before.size:
        flags[(inside == 1) & known & (after[jump] > before[jump])] = SKIPPED
        flags[(inside == 1) & known & (after[jump] < before[jump])] = REPEATED
    return utc, flags


def to_local(utc: NDArray[np.datetime64], timezone: str) -> NDArray[np.datetime64]:
    """Tell what a wall clock shows at UTC instants: (n,) -> (n,) ``datetime64[s]``."""
    instants, offsets = _transitions(timezone)
    known = ~np.isnat(utc)
    second = utc.astype("datetime64[s]").astype(np.int64)
    wall = (second + offsets[np.searchsorted(instants, second, side="right")]).astype(
        "datetime64[s]"
    )
    wall[~known] = np.datetime64("NaT")
    return wall


def months(utc: NDArray[np.datetime64], timezone: str) -> NDArray[np.int32]:
    """Tell the local calendar month of instants as ``year * 100 + month``: (n,) -> (n,)."""
    index = to_local(utc, timezone).astype("datetime64[M]").astype(np.int64)
    return ((1970 + index // 12) * 100 + index % 12 + 1).astype(np.int32)


@dataclass(frozen=True, slots=True)
class Occurrences:
    """The instants during which a weekly window is open, as sorted disjoint UTC intervals."""

    starts: NDArray[np.int64]  # (m,) seconds since 1970, inclusive
    ends: NDArray[np.int64]  # (m,) seconds since 1970, exclusive
    always: bool

    def holds(self, instants: NDArray[np.datetime64]) -> NDArray[np.bool_]:
        """Tell at which instants the window is open: (n,) ``datetime64`` UTC -> (n,); NaT is not.

        Notes
        -----
        The window opens and closes at sorted edges, so it is open where an odd number of them has
        passed. Many instants look that number up in a table of short stretches of time, each
        with at most one edge inside; few are searched for among the edges.
        """
        if self.always:
            return np.ones(instants.shape, dtype=bool)
        lasting = self.ends > self.starts
        edges = np.column_stack([self.starts[lasting], self.ends[lasting]]).ravel()
        seconds = instants.astype("datetime64[s]", copy=False).view(np.int64)
        if not edges.size:
            return np.zeros(instants.shape, dtype=bool)
        shift = int(np.diff(edges).min()).bit_length() - 1
        stretches = int((edges[-1] - edges[0]) >> shift) + 3
        if stretches > seconds.size:
            found: NDArray[np.bool_] = np.searchsorted(edges, seconds, side="right") % 2 == 1
            return found
        first = edges[0] - (1 << shift)
        passed = np.searchsorted(edges, first + (np.arange(stretches) << shift), side="right")
        edge = np.append(edges, np.iinfo(np.int64).max)[passed]
        was_open = passed % 2 == 1
        found = np.empty(seconds.shape, dtype=bool)
        for start in range(0, seconds.size, _CHUNK):
            some = seconds[start : start + _CHUNK]
            # Subtracting from NaT, the smallest number of all, would wrap around.
            within = (np.maximum(some, first) - first) >> shift
            stretch = np.minimum(within, stretches - 1, out=within)
            found[start : start + _CHUNK] = was_open[stretch] ^ (some >= edge[stretch])
        return found

    def _open_before(self, second: NDArray[np.int64]) -> NDArray[np.int64]:
        """Seconds the window has been open before each instant."""
        opened = np.concatenate([[0], np.cumsum(self.ends - self.starts)])
        index = np.searchsorted(self.starts, second, side="right")
        last = np.clip(index - 1, 0, None)
        spent = np.minimum(second, self.ends[last]) - self.starts[last]
        return np.where(index > 0, opened[last] + spent, 0)

    def shares(
        self, start: NDArray[np.datetime64], end: NDArray[np.datetime64]
    ) -> NDArray[np.float64]:
        """Tell which share of each event lies inside the window.

        Parameters
        ----------
        start, end
            (n,) ``datetime64[s]`` UTC. An `end` that is NaT or not after `start` makes the event
            an instant: share 1 inside, 0 outside (the rule of R's aoristic package).

        Returns
        -------
        (n,) share in [0, 1] of elapsed seconds, so a 23- or 25-hour day is exact.
        """
        require_columns(start=start, end=end)
        missing = int(np.isnat(start).sum())
        if missing:
            raise InvalidParameter("starts-missing", n=missing)
        if self.always:
            return np.ones(start.shape)
        if self.starts.size == 0:
            return np.zeros(start.shape)
        first = start.astype("datetime64[s]").astype(np.int64)
        last = end.astype("datetime64[s]").astype(np.int64)
        lasting = ~np.isnat(end) & (last > first)
        share = self.holds(start).astype(float)
        a, b = first[lasting], last[lasting]
        share[lasting] = (self._open_before(b) - self._open_before(a)) / (b - a)
        return share


def occurrences(
    window: WeeklyWindow,
    period: tuple[date, date],
    timezone: str,
    terms: tuple[tuple[date, date], ...] = (),
) -> Occurrences:
    """List when a weekly window is open on the local days ``first <= day < last``.

    A window that crosses midnight belongs to the evening on which it begins, so its last hours
    may lie after `period`; the evening before `period` is included for the same reason.
    `terms` matter to a ``term_only`` window; no terms means that every week counts.
    """
    if not window.spans:
        none = np.empty(0, dtype=np.int64)
        return Occurrences(none, none, always=True)
    days = np.arange(
        np.datetime64(period[0] - timedelta(days=1)),
        np.datetime64(period[1]),
        dtype="datetime64[D]",
    )
    if window.term_only and terms:
        in_term = np.zeros(days.shape, dtype=bool)
        for first, after in terms:
            in_term |= (days >= np.datetime64(first)) & (days < np.datetime64(after))
        days = days[in_term]
    weekday = (days.astype(np.int64) + 3) % 7 + 1  # 1970-01-01 was a Thursday
    opens, closes = [], []
    for span in window.spans:
        evening = days[weekday == span.weekday].astype("datetime64[m]")
        opens.append(evening + np.timedelta64(span.start, "m"))
        closes.append(evening + np.timedelta64(span.end + span.days_over * MINUTES_A_DAY, "m"))
    starts = _reached(np.concatenate(opens), timezone)
    ends = _reached(np.concatenate(closes), timezone)
    return _merged(starts, ends)


def _reached(local: NDArray[np.datetime64], timezone: str) -> NDArray[np.int64]:
    """Tell when a wall clock first shows each time or a later one, in seconds: (n,) -> (n,).

    The edges of a window never change their order so; times moved forward out of a jump might.
    """
    utc, flags = to_utc(local, timezone)
    second = utc.astype(np.int64)
    skipped = flags == SKIPPED
    instants, _ = _transitions(timezone)
    second[skipped] = instants[np.searchsorted(instants, second[skipped], side="right") - 1]
    return second


def _merged(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Occurrences:
    """Sort intervals and join those that touch or overlap."""
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], np.maximum.accumulate(ends[order])
    new = np.concatenate([[True], starts[1:] > ends[:-1]])[: starts.size]
    last = np.concatenate([new[1:], [True]])[: starts.size]
    return Occurrences(starts[new], ends[last], always=False)
