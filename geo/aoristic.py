"""Aoristic weights: in which hours of the week an event may have happened, when nobody saw it.

Hour of the week 0 is Monday 00-01 local time, 167 is Sunday 23-24. How much of an event lies
inside a named weekly window is another question: `windows.Occurrences.shares`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geo.checks import require_same_length, require_weights
from geo.errors import InvalidParameter
from geo.windows import _transitions

if TYPE_CHECKING:
    from numpy.typing import NDArray

HOUR_S = 3600
DAY_HOURS = 24
WEEK_HOURS = 168
WEEK_S = WEEK_HOURS * HOUR_S
_THURSDAY = 72  # 1970-01-01 00:00 was a Thursday
_BLOCK = 16_384  # events whose whole seconds are held at once


@dataclass(frozen=True, slots=True)
class _Pieces:
    """Stretches of unbroken local time: each event, cut where the clock was changed."""

    owner: NDArray[np.intp]  # (p,) which event
    start: NDArray[np.int64]  # (p,) wall clock, seconds
    end: NDArray[np.int64]  # (p,) wall clock, seconds, exclusive


def spans(
    start: NDArray[np.datetime64], end: NDArray[np.datetime64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Tell when events began and how long they may have lasted, with the rule for instants.

    Parameters
    ----------
    start, end
        (n,) ``datetime64`` UTC, whole seconds count. An `end` that is NaT, equal to `start` or
        before it makes the event an instant at `start` (the rule of R's aoristic package).

    Returns
    -------
    (n,) seconds since 1970 and (n,) elapsed seconds; 0 for an instant.

    Raises
    ------
    InvalidParameter
        The lengths differ, or a start is missing.
    """
    require_same_length(start=start, end=end)
    missing = int(np.isnat(start).sum())
    if missing:
        raise InvalidParameter("starts-missing", n=missing)
    first = start.astype("datetime64[s]").astype(np.int64)
    last = end.astype("datetime64[s]").astype(np.int64)
    lasting = ~np.isnat(end) & (last > first)
    return first, np.where(lasting, last, first) - first


def local_hours(second: NDArray[np.int64], timezone: str) -> NDArray[np.int64]:
    """Tell which local hour UTC instants fall in, numbered from a Monday 00-01 on.

    (n,) seconds -> (n,); modulo 168 it is the hour of the week, divided by 168 the week.
    """
    instants, offsets = _transitions(timezone)
    wall = second + offsets[np.searchsorted(instants, second, side="right")]
    return wall // HOUR_S + _THURSDAY


def aoristic_weights(
    start: NDArray[np.datetime64], end: NDArray[np.datetime64], timezone: str
) -> NDArray[np.float64]:
    r"""Tell which share of each event's possible time lies in each hour of the local week.

    Parameters
    ----------
    start, end
        (n,) ``datetime64`` UTC: the event happened at some time in `[start, end)`. A missing end,
        and an end that is not after the start (swapped), make it an instant at `start`.
    timezone
        IANA name of the local clock.

    Returns
    -------
    (n, 168) weights, each row adding up to 1; Monday 00-01 first. No events give (0, 168).
    1,344 bytes an event: `aoristic_totals` adds events up without this table.

    Raises
    ------
    InvalidParameter
        The lengths differ, a start is missing, or the time zone is unknown.

    Notes
    -----
    The weight of hour :math:`h` is :math:`|[start, end) \cap h| / (end - start)` in *elapsed*
    (UTC) time: on the night when the clock jumps forward the skipped hour gets nothing, and
    when it goes back the repeated hour gets what both its comings lasted. An event that lasts
    168 hours or longer says nothing about the hour and weighs 1/168 in each, whatever the odd
    hours left over after its full weeks; both references do the same.
    Closed form: the two ends and a run of full hours per event, in whole seconds, no loop over
    events or hours. Ratcliffe (2000), doi:10.1080/136588100424963. Checked in tests/golden
    against R aoristic 1.1.1 and Wheeler's crimepy; for swapped ends those two differ (crimepy
    turns them round), and R is followed.
    """
    first, lasted = spans(start, end)
    weights = np.full((first.size, WEEK_HOURS), 1 / WEEK_HOURS)
    informative = np.flatnonzero(lasted < WEEK_S)
    for begin in range(0, informative.size, _BLOCK):
        rows = informative[begin : begin + _BLOCK]
        length = np.maximum(lasted[rows], 1)  # an instant is its own second
        pieces = _cut(first[rows], first[rows] + length, timezone)
        one = np.ones(pieces.owner.size)
        weights[rows] = _per_hour(pieces, rows.size, one) / length[:, None]
    if not informative.size:
        _transitions(timezone)  # an unknown zone is refused with no events too
    return weights


def aoristic_totals(
    start: NDArray[np.datetime64],
    end: NDArray[np.datetime64],
    timezone: str,
    weight: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Tell how much of many events together lies in each hour of the local week.

    Parameters
    ----------
    start, end, timezone
        As for `aoristic_weights`.
    weight
        (n,) how much each event counts; finite, not negative.

    Returns
    -------
    (168,) the weighted sum of the rows of `aoristic_weights`, which are never made: memory is
    some 200 bytes an event. Hours that no event touches are exactly 0.

    Raises
    ------
    InvalidParameter
        As `aoristic_weights`; also weights that are negative or not finite.
    """
    first, lasted = spans(start, end)
    require_same_length(start=start, weight=weight)
    require_weights(weight)
    short = lasted < WEEK_S
    length = np.maximum(lasted[short], 1)
    pieces = _cut(first[short], first[short] + length, timezone)
    together = _Pieces(np.zeros_like(pieces.owner), pieces.start, pieces.end)
    touched = weight[short][pieces.owner] > 0
    totals: NDArray[np.float64] = _per_hour(together, 1, (weight[short] / length)[pieces.owner])[0]
    seconds = _per_hour(together, 1, touched.astype(np.float64))[0]
    # The running sum of fractions leaves dust of 1e-16 in hours that nothing touches.
    totals[seconds == 0] = 0.0
    totals += weight[~short].sum() / WEEK_HOURS
    return totals


def hours_open(
    start: NDArray[np.int64], end: NDArray[np.int64], timezone: str
) -> NDArray[np.float64]:
    """Tell how many hours each hour of the local week was open during stretches of any length.

    Parameters
    ----------
    start, end
        (m,) UTC seconds since 1970, half-open, as in `windows.Occurrences`; a study period is
        one such stretch.
    timezone
        IANA name of the local clock.

    Returns
    -------
    (168,) elapsed hours; full weeks, odd days and changed clocks all counted. Stretches that do
    not last add nothing.

    Raises
    ------
    InvalidParameter
        The lengths differ, or the time zone is unknown.
    """
    require_same_length(start=start, end=end)
    lasting = end > start
    pieces = _cut(start[lasting], end[lasting], timezone)
    together = _Pieces(np.zeros_like(pieces.owner), pieces.start, pieces.end)
    one = np.ones(pieces.owner.size)
    return np.asarray(_per_hour(together, 1, one)[0] / HOUR_S)


def _cut(first: NDArray[np.int64], last: NDArray[np.int64], timezone: str) -> _Pieces:
    """Turn UTC stretches, each at least a second, into stretches of unbroken wall clock."""
    instants, offsets = _transitions(timezone)
    era = np.searchsorted(instants, first, side="right")
    changes = np.searchsorted(instants, last, side="left") - era  # strictly inside
    owner = np.repeat(np.arange(first.size), changes + 1)
    step = np.arange(owner.size) - np.repeat(np.cumsum(changes + 1) - changes - 1, changes + 1)
    era = era[owner] + step
    # The bounds of every era; the outer two are never the nearest.
    far = np.iinfo(np.int64).max
    bounds = np.concatenate([[-far], instants, [far]])
    start = np.maximum(first[owner], bounds[era]) + offsets[era]
    end = np.minimum(last[owner], bounds[era + 1]) + offsets[era]
    return _Pieces(owner, start, end)


def _per_hour(pieces: _Pieces, rows: int, scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add up `scale` x seconds per hour of the week: pieces (p,) -> (rows, 168).

    Exact when `scale` is whole: every intermediate sum is a whole number of seconds.
    """
    low, high = pieces.start // HOUR_S, (pieces.end - 1) // HOUR_S
    several = high > low
    head = np.where(several, (low + 1) * HOUR_S, pieces.end) - pieces.start
    tail = np.where(several, pieces.end - high * HOUR_S, 0)
    weeks, run = np.divmod(np.maximum(high - low - 1, 0), WEEK_HOURS)  # full hours in between
    opens = (low + 1 + _THURSDAY) % WEEK_HOURS
    closes = opens + run
    wraps = closes > WEEK_HOURS

    # A run of full hours is a step up and a step down; one column more takes the last step down.
    row = pieces.owner * (WEEK_HOURS + 1)
    full = np.where(high - low > 1, scale * HOUR_S, 0.0)
    steps = np.zeros(rows * (WEEK_HOURS + 1))
    np.add.at(steps, row + opens, full)
    np.add.at(steps, row + np.minimum(closes, WEEK_HOURS), -full)
    np.add.at(steps, row[wraps], full[wraps])
    np.add.at(steps, (row + closes - WEEK_HOURS)[wraps], -full[wraps])
    np.add.at(steps, row, full * weeks)
    seconds = np.cumsum(steps.reshape(rows, WEEK_HOURS + 1)[:, :WEEK_HOURS], axis=1)

    cell = pieces.owner * WEEK_HOURS + (low + _THURSDAY) % WEEK_HOURS
    flat = seconds.reshape(-1)
    np.add.at(flat, cell, scale * head)
    cell = pieces.owner * WEEK_HOURS + (high + _THURSDAY) % WEEK_HOURS
    np.add.at(flat, cell, scale * tail)
    return np.asarray(seconds)
