"""Hot times: the hours of the week that hold more events than an even week would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special, stats

from geo.aoristic import (
    DAY_HOURS,
    HOUR_S,
    WEEK_HOURS,
    aoristic_totals,
    local_hours,
    spans,
)
from geo.checks import require_fraction, require_positive, require_same_length
from geo.errors import InvalidParameter

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LONGEST_CERTAIN = 120  # minutes: an hour holds at least half of it


@dataclass(frozen=True, slots=True)
class HotTimes:
    """When an event counts as uncertain in time, and what makes a block of hours a peak."""

    certain_within_minutes: float = 60.0  # a longer event is uncertain; at most 120
    longest_block_hours: int = 12
    most_peaks: int = 3
    fewest_events: int = 10  # certain events in the whole week; fewer give no peak
    fewest_weeks: int = 3  # different weeks that a peak's events come from
    level: float = 0.95  # how sure it is that no peak is a false one, after all blocks tried

    def __post_init__(self) -> None:
        """Refuse what would leave nothing to look for."""
        require_positive(
            certain_within_minutes=self.certain_within_minutes,
            longest_block_hours=self.longest_block_hours,
            most_peaks=self.most_peaks,
            fewest_events=self.fewest_events,
            fewest_weeks=self.fewest_weeks,
        )
        require_fraction(level=self.level)
        if self.certain_within_minutes > _LONGEST_CERTAIN:
            raise InvalidParameter("certain-too-long", minutes=self.certain_within_minutes)
        if self.longest_block_hours >= WEEK_HOURS:
            raise InvalidParameter("block-too-long", longest_block_hours=self.longest_block_hours)


@dataclass(frozen=True, slots=True)
class Peak:
    """A block of consecutive hours of the local week, as a page needs it: fri 22 - sat 03."""

    weekday: int  # ISO weekday on which it begins
    start_hour: int  # 0..23
    end_weekday: int  # ISO weekday of its end
    end_hour: int  # 1..24, exclusive: 24 is midnight at the end of `end_weekday`
    hours: int
    count: int  # certain events inside
    count_all: int  # and the uncertain ones that have at least half of their time inside
    expected: float  # certain events there if the week were even (or followed the exposure)
    weeks: int  # different weeks that the certain events inside come from
    weight_share: float  # of all aoristic weight, in [0, 1]
    p: float  # exact, one-sided; the larger of the one without and with uncertain events
    p_adjusted: float  # x the number of blocks tried, at most 1


@dataclass(frozen=True, slots=True)
class HotTimesTable:
    """Weekday x hour in local time, Monday and hour 0 first, and the peaks."""

    weight: NDArray[np.float64]  # (7, 24) events x share of their time in the hour
    whole: NDArray[np.int64]  # (7, 24) events with at least half of their time in the hour
    uncertain_share: NDArray[np.float64]  # (7, 24) share of weight from uncertain events; or 0
    events: int  # all
    certain: int  # those not longer than the limit
    spread: int  # events that no hour holds half of: in `weight`, not in `whole`
    blocks: int  # how many blocks of hours were tried
    peaks: tuple[Peak, ...]  # disjoint, the most significant first; empty: none can be shown


def hot_times(
    start: NDArray[np.datetime64],
    end: NDArray[np.datetime64],
    timezone: str,
    events: NDArray[np.int64],
    choice: HotTimes = HotTimes(),
    exposure_hours: NDArray[np.float64] | None = None,
) -> HotTimesTable:
    r"""Tell at which weekdays and hours events happen, how sure that is, and where the peaks are.

    Parameters
    ----------
    start, end
        (n,) ``datetime64`` UTC; instants as in `aoristic.spans`.
    timezone
        IANA name of the local clock.
    events
        (n,) how many events each row stands for; whole, not negative.
    choice
        Limits.
    exposure_hours
        (168,) how long each hour of the week was open or observed (`aoristic.hours_open`); left
        out, every hour of the week is equally long.

    Returns
    -------
    Table and peaks. No events, or too few certain ones, give no peak.

    Raises
    ------
    InvalidParameter
        Lengths differ, a start is missing, the time zone is unknown, events are negative, the
        exposure is not 168 numbers from 0 up with something in it, or a certain event lies in
        an hour with no exposure.

    Notes
    -----
    An event counts as whole where at least half of its time lies, which is where its middle
    lies, unless it is more than twice as long as the hour or the block (on the night of a clock
    change the repeated hour holds two of them; that is not followed up). At an exact tie the
    later hour takes it.

    A peak is sought among the blocks of 1 to `longest_block_hours` consecutive hours on the
    circular week. With :math:`n` certain events, of which :math:`k` in a block with the share
    :math:`\pi` of the exposure, :math:`p = P(X \ge k)`, :math:`X \sim Bin(n, \pi)`, exactly;
    times the number of blocks tried (Bonferroni), so that a second peak is as safe as the first
    and the chance of any false one is at most 1 - `level`. The same must hold when the
    uncertain events join in, those that are at most twice as long as the block. The peak is the
    safe block with the largest likelihood ratio; of equals the shorter, then the earlier. A
    night of riot is many reports of one event: hence `fewest_weeks`.

    Not handled: events that cause each other within a week, seasons, and reporting habits (many
    reports say 00:00 or 12:00 for want of a better time). Aoristic weight: Ratcliffe (2000),
    doi:10.1080/136588100424963; circular scan after Naus (1965). The table
    is checked against R aoristic 1.1.1 in tests/golden, the test by hand.
    """
    first, lasted = spans(start, end)
    require_same_length(start=start, events=events)
    weight = aoristic_totals(start, end, timezone, events.astype(np.float64))
    certain = lasted <= choice.certain_within_minutes * 60
    unsure = aoristic_totals(start, end, timezone, np.where(certain, 0.0, events))
    middle = local_hours(first + lasted // 2, timezone)
    fits = lasted <= 2 * HOUR_S
    whole = np.bincount(middle[fits] % WEEK_HOURS, events[fits], WEEK_HOURS).astype(np.int64)
    search = _Search(middle, lasted, certain, events, weight)
    exposure = _shares(exposure_hours)
    return HotTimesTable(
        weight=weight.reshape(7, DAY_HOURS),
        whole=whole.reshape(7, DAY_HOURS),
        uncertain_share=_ratio(unsure, weight).reshape(7, DAY_HOURS),
        events=int(events.sum()),
        certain=int(events[certain].sum()),
        spread=int(events[~fits].sum()),
        blocks=WEEK_HOURS * choice.longest_block_hours,
        peaks=_peaks(search, exposure, choice),
    )


@dataclass(frozen=True, slots=True)
class _Search:
    """What the search for peaks needs to know of each row."""

    middle: NDArray[np.int64]  # (n,) running number of the local hour
    lasted: NDArray[np.int64]  # (n,) seconds
    certain: NDArray[np.bool_]  # (n,)
    events: NDArray[np.int64]  # (n,)
    weight: NDArray[np.float64]  # (168,) aoristic


def _shares(exposure_hours: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Tell which share of all exposure each hour of the week has: (168,)."""
    if exposure_hours is None:
        return np.full(WEEK_HOURS, 1 / WEEK_HOURS)
    exposure = np.asarray(exposure_hours, dtype=np.float64)
    if exposure.shape != (WEEK_HOURS,):
        raise InvalidParameter("exposure-not-a-week", shape=exposure.shape)
    if not (np.isfinite(exposure).all() and (exposure >= 0).all() and exposure.sum() > 0):
        raise InvalidParameter("exposure-not-usable")
    return np.asarray(exposure / exposure.sum())


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide where there is something to divide by; 0 elsewhere; never more than 1."""
    share = np.zeros(whole.shape)
    np.divide(np.minimum(part, whole), whole, out=share, where=whole > 0)
    return share


def _runs(hourly: NDArray[np.float64], longest: int) -> NDArray[np.float64]:
    """Add up consecutive hours of the circular week: (168,) -> (longest, 168), by first hour."""
    total = np.concatenate([[0.0], np.cumsum(np.tile(hourly, 2))])
    begin = np.arange(WEEK_HOURS)
    return np.stack([total[begin + hours] - total[begin] for hours in range(1, longest + 1)])


def _peaks(search: _Search, exposure: NDArray[np.float64], choice: HotTimes) -> tuple[Peak, ...]:
    """Find disjoint blocks of hours that hold more than their share, the clearest first."""
    sure = search.certain
    counts = np.bincount(search.middle[sure] % WEEK_HOURS, search.events[sure], WEEK_HOURS)
    outside = int(counts[exposure == 0].sum())
    if outside:
        raise InvalidParameter("event-without-exposure", n=outside)
    n = int(counts.sum())
    if n < choice.fewest_events:
        return ()
    held = np.rint(_runs(counts.astype(np.float64), choice.longest_block_hours))
    chance = np.clip(_runs(exposure, choice.longest_block_hours), 0.0, 1.0)
    error = 1 - choice.level
    more = held > n * chance
    gain = special.rel_entr(held, n * chance) + special.rel_entr(n - held, n * (1 - chance))
    safe = more & (stats.binom.sf(held - 1, n, chance) * held.size <= error)
    found: list[Peak] = []
    free = np.ones(WEEK_HOURS, dtype=bool)
    # Row by row: the shorter block comes first among equals.
    order = np.argsort(-gain, axis=None, kind="stable")
    for index in order[safe.ravel()[order]].tolist():
        inside = (index % WEEK_HOURS + np.arange(index // WEEK_HOURS + 1)) % WEEK_HOURS
        if not free[inside].all():
            continue
        peak = _described(search, inside, float(chance.flat[index]), held.size)
        if peak.p_adjusted <= error and peak.weeks >= choice.fewest_weeks:
            free[inside] = False
            found.append(peak)
        if len(found) == choice.most_peaks:
            break
    return tuple(found)


def _described(search: _Search, inside: NDArray[np.int64], chance: float, blocks: int) -> Peak:
    """Describe one block: what lies in it without and with the uncertain events."""
    begin, last = int(inside[0]), int(inside[-1])
    # Weeks that begin with the block, so that no night belongs to two.
    week, hour = np.divmod(search.middle - begin, WEEK_HOURS)
    member = hour < inside.size
    able = search.certain | (search.lasted <= 2 * HOUR_S * inside.size)
    sure = member & search.certain
    n, n_all = int(search.events[search.certain].sum()), int(search.events[able].sum())
    count, count_all = int(search.events[sure].sum()), int(search.events[member & able].sum())
    p = np.max(stats.binom.sf([count - 1, count_all - 1], [n, n_all], chance))
    return Peak(
        weekday=begin // DAY_HOURS + 1,
        start_hour=begin % DAY_HOURS,
        end_weekday=last // DAY_HOURS + 1,
        end_hour=last % DAY_HOURS + 1,
        hours=inside.size,
        count=count,
        count_all=count_all,
        expected=n * chance,
        weeks=np.unique(week[sure & (search.events > 0)]).size,
        weight_share=float(search.weight[inside].sum() / search.weight.sum()),
        p=float(p),
        p_adjusted=min(1.0, float(p) * blocks),
    )
