"""Change between two periods, with the newest one's late reports taken into account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from geo.checks import require_fraction, require_positive, require_same_length
from geo.errors import InvalidParameter, TooFewObservations
from geo.ratios import RatioInterval, percent_change, rate_ratio, require_counts
from geo.reporting import LateShare, late_share, reporting_delay
from geo.significance import false_discovery_rate

if TYPE_CHECKING:
    from numpy.typing import NDArray

INCREASED, DECREASED, UNCHANGED, UNKNOWN = (
    "increased",
    "decreased",
    "unchanged",
    "cannot_be_assessed",
)


@dataclass(frozen=True, slots=True)
class Change:
    """When a difference between two counts is called a change, and when it is called none."""

    level: float = 0.95  # of the interval; 1 - level is also the limit of q
    unchanged_ratio: float = 1.5  # the interval inside [1 / this, this] means unchanged
    fewest_events: int = 10  # in both periods together; fewer cannot be judged

    def __post_init__(self) -> None:
        """Refuse a margin that is none."""
        require_fraction(level=self.level)
        require_positive(fewest_events=self.fewest_events)
        if not (np.isfinite(self.unchanged_ratio) and self.unchanged_ratio > 1):
            raise InvalidParameter("margin-not-above-one", unchanged_ratio=self.unchanged_ratio)


@dataclass(frozen=True, slots=True)
class Changes:
    """Change per unit (cell, area, category), in the order of the input."""

    difference: NDArray[np.int64]  # (m,) after - before
    ratio: NDArray[np.float64]  # (m,) rate after / rate before; inf, or nan when both are 0
    low: NDArray[np.float64]  # (m,) exact interval of the ratio
    high: NDArray[np.float64]  # (m,)
    p: NDArray[np.float64]  # (m,) exact, two-sided
    q: NDArray[np.float64]  # (m,) p adjusted for m units (Benjamini-Hochberg)
    verdict: NDArray[np.str_]  # (m,) increased, decreased, unchanged or cannot_be_assessed


@dataclass(frozen=True, slots=True)
class PeriodChange:
    """Two periods compared as each looked equally long after its own end."""

    before: int  # events known `lag_days` after the end of the earlier period
    after: int  # and of the later one
    lag_days: int
    before_late: int  # events of the earlier period that were registered after that
    before_now: int  # every event of the earlier period in the data, with or without a date
    after_now: int
    unknown: int  # events of both periods that cannot be compared: no usable registration date
    difference: int
    ratio: float  # of the rates per day; inf, or nan when both counts are 0
    low: float
    high: float
    p: float
    percent: float | None  # change of the rate; None when `before` is below 10
    verdict: str
    late: LateShare | None  # of the later period, still to be registered; None: cannot be told


def compare_periods(
    before: NDArray[np.int64],
    after: NDArray[np.int64],
    exposure: tuple[float, float] = (1.0, 1.0),
    choice: Change = Change(),
) -> Changes:
    """Tell in which units the number of events changed between two periods.

    Parameters
    ----------
    before, after
        (m,) whole events per unit, counted at equal reporting lag (`compare_at_equal_lag` for
        one unit); otherwise the newest period looks like a decline.
    exposure
        Length of the two periods in one unit, when they differ.
    choice
        Limits.

    Returns
    -------
    Difference, exact rate ratio with interval, p, q and verdict; no unit gives empty arrays.

    Raises
    ------
    InvalidParameter
        Shapes differ, counts are not whole numbers from 0 up, an exposure is not positive.

    Notes
    -----
    *increased* and *decreased*: q (over all units) below 1 - level. *unchanged*: the whole interval
    lies between 1 / `unchanged_ratio` and `unchanged_ratio`; not being significant is not being
    unchanged. All else, and fewer than `fewest_events` events together: *cannot_be_assessed*.
    Interval and p are those of `ratios.rate_ratio`. Reports that come in bursts (one night, one
    offender) make both too sure. Difference checked against sfhotspot 1.0.0 ``hotspot_change``.
    """
    require_counts(before=before, after=after)
    before, after = before.astype(np.int64), after.astype(np.int64)  # so that differences fit
    rates = rate_ratio(before, after, exposure, RatioInterval(level=choice.level))
    q = false_discovery_rate(rates.p)
    safe = q < 1 - choice.level
    margin = choice.unchanged_ratio
    verdict = np.select(
        [
            before + after < choice.fewest_events,
            safe & (rates.ratio > 1),
            safe & (rates.ratio < 1),
            (rates.low >= 1 / margin) & (rates.high <= margin),
        ],
        [UNKNOWN, INCREASED, DECREASED, UNCHANGED],
        default=UNKNOWN,
    )
    return Changes(after - before, rates.ratio, rates.low, rates.high, rates.p, q, verdict)


def compare_at_equal_lag(
    event_day: NDArray[np.datetime64],
    registered_day: NDArray[np.datetime64],
    events: NDArray[np.int64],
    periods: tuple[tuple[date, date], tuple[date, date]],
    extracted: date,
    choice: Change = Change(),
) -> PeriodChange:
    """Tell whether events became more or fewer, as both periods looked equally long afterwards.

    Parameters
    ----------
    event_day
        (n,) ``datetime64[D]``, local day of each row; rows outside both periods help to estimate
        how late reports are.
    registered_day
        (n,) ``datetime64[D]``, local day of registration; NaT where unknown.
    events
        (n,) how many events each row stands for.
    periods
        The earlier and the later one, each ``first <= day < after``; they may not overlap.
    extracted
        The last day whose registrations are all in the data; not before the later period's last.
    choice
        Limits.

    Returns
    -------
    Counts at equal lag, their comparison as in `compare_periods`, what a plain count would have
    said, and the share of the later period's events that is still to come.

    Raises
    ------
    InvalidParameter
        Lengths differ, a day is missing or lies after `extracted`, a period is empty or not
        over, the periods overlap, events are not whole numbers from 0 up.

    Notes
    -----
    The lag is the number of days from the later period's last day to `extracted`. Of each
    period only events registered at most that many days after its own last day are counted: so
    both have had the same time to be reported, and no model is needed for the comparison. When
    the periods differ in length the longer one's first days have had a little longer.
    Rows without a usable registration date are left out of both counts and said to be; when
    that is many, or more in one period, the comparison is not to be trusted. A reporting speed
    that changed between the periods is not handled, nor are seasons: compare the same months.
    The late share comes from `reporting.reporting_delay` on all rows, events spread evenly over
    the later period's days.
    """
    require_same_length(event_day=event_day, registered_day=registered_day, events=events)
    require_counts(events=events)
    lag = _lag(periods, extracted)
    late = _still_late(event_day, registered_day, periods[1], extracted)
    event = event_day.astype("datetime64[D]")
    registered = registered_day.astype("datetime64[D]")
    usable = ~np.isnat(registered) & (registered >= event)
    counted, now, undated = [], [], []
    for first, after in periods:
        inside = (event >= np.datetime64(first)) & (event < np.datetime64(after))
        in_time = registered < np.datetime64(after + timedelta(days=lag))
        counted.append(int(events[inside & usable & in_time].sum()))
        now.append(int(events[inside].sum()))
        undated.append(int(events[inside & ~usable].sum()))
    length = ((periods[0][1] - periods[0][0]).days, (periods[1][1] - periods[1][0]).days)
    found = compare_periods(np.array(counted[:1]), np.array(counted[1:]), length, choice)
    return PeriodChange(
        before=counted[0],
        after=counted[1],
        lag_days=lag,
        before_late=now[0] - undated[0] - counted[0],
        before_now=now[0],
        after_now=now[1],
        unknown=sum(undated),
        difference=int(found.difference[0]),
        ratio=float(found.ratio[0]),
        low=float(found.low[0]),
        high=float(found.high[0]),
        p=float(found.p[0]),
        percent=percent_change(counted[0], counted[1], length),
        verdict=str(found.verdict[0]),
        late=late,
    )


def _lag(periods: tuple[tuple[date, date], tuple[date, date]], extracted: date) -> int:
    """Count the days from the later period's last day to the extraction, having checked both."""
    for first, after in periods:
        if first >= after:
            raise InvalidParameter("period-empty", first=str(first), after=str(after))
    (_, after), (first, end) = periods
    if first < after:
        raise InvalidParameter("periods-overlap", after=str(after), first=str(first))
    lag = (extracted - end).days + 1
    if lag < 0:
        raise InvalidParameter("period-not-over", after=str(end), extracted=str(extracted))
    return lag


def _still_late(
    event_day: NDArray[np.datetime64],
    registered_day: NDArray[np.datetime64],
    period: tuple[date, date],
    extracted: date,
) -> LateShare | None:
    """Tell which share of a period's events is still to be registered; None when too few are."""
    try:
        delay = reporting_delay(event_day, registered_day, extracted)
    except TooFewObservations:
        return None
    first, after = period
    youngest, oldest = (extracted - after).days + 1, (extracted - first).days
    return late_share(delay, np.arange(youngest, oldest + 1))
