"""Late reports: how long after an event it is registered, and how much is still missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from geo.checks import require_fraction, require_positive, require_same_length
from geo.errors import InvalidParameter, TooFewObservations

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Delays:
    """How far back late reports are followed, and how sure the answer should be."""

    longest_delay_days: int = 180  # reports later than this are left out of the question
    fewest_at_risk: int = 20  # events that must speak for the longest delay that is used
    level: float = 0.95  # of the interval

    def __post_init__(self) -> None:
        """Refuse what would leave no delay to estimate."""
        require_positive(
            longest_delay_days=self.longest_delay_days, fewest_at_risk=self.fewest_at_risk
        )
        require_fraction(level=self.level)


@dataclass(frozen=True, slots=True)
class ReportingDelay:
    """The share registered within each number of days, of all registered within `longest_days`."""

    registered: NDArray[np.float64]  # (d + 1,) by day 0..d after the event; rises to 1 at d
    low: NDArray[np.float64]  # (d + 1,) pointwise interval
    high: NDArray[np.float64]  # (d + 1,)
    longest_days: int  # d: what is registered later still is not part of any share
    events: int  # used: registered within `longest_days`
    later: int  # left out: registered later than that
    unknown: int  # left out: no registration date
    impossible: int  # left out: registered on a day before the event


@dataclass(frozen=True, slots=True)
class LateShare:
    """The share of events that are not registered yet."""

    share: float  # in [0, 1]
    low: float
    high: float


def reporting_delay(
    event_day: NDArray[np.datetime64],
    registered_day: NDArray[np.datetime64],
    extracted: date,
    choice: Delays = Delays(),
) -> ReportingDelay:
    r"""Tell which share of events is registered within so many days, from data cut off today.

    Parameters
    ----------
    event_day
        (n,) ``datetime64[D]``, the local day on which the event began (a finer unit is cut to
        its day as it stands: turn UTC into local time first, `windows.to_local`).
    registered_day
        (n,) ``datetime64[D]``, the local day on which it was registered; NaT where unknown. Such
        rows, and those registered on a day before the event, are left out and counted: it is
        taken for granted that they are as late as the rest.
    extracted
        The last day whose registrations are all in the data.
    choice
        Limits.

    Returns
    -------
    Shares from day 0 on, with an interval for each.

    Raises
    ------
    InvalidParameter
        Lengths differ, an event day is missing, or an event or a registration lies after
        `extracted`.
    TooFewObservations
        Fewer than `fewest_at_risk` events can speak for any delay.

    Notes
    -----
    An event of :math:`a` days ago is in the data only if its delay :math:`x \le a`: recent
    events show short delays only (right truncation), and a plain average is far too hopeful.
    In reversed time the delays are left truncated, and the nonparametric maximum likelihood
    estimate is a product: :math:`\hat F(x) = \prod_{u > x} (1 - d_u / n_u)`, with :math:`d_u`
    events of delay :math:`u` and :math:`n_u` with a delay of at most :math:`u` and an age of at
    least :math:`u` (Lagakos, Barraj & De Gruttola 1988, doi:10.1093/biomet/75.3.515). Only the
    shape up to `longest_days` can be known, the longest delay for which at least
    `fewest_at_risk` events speak; what is reported later still is no part of it. Variance by
    Greenwood's formula on the scale log(-log F); where no later report was seen at all, the
    lower limit is the exact :math:`\alpha^{1/n}` of the events at risk. Days of equal delay are
    no problem; a reporting speed that changed during the period is not handled.
    Checked by hand, by brute force and by simulation (no peer was at hand to run).
    """
    age, delay, unknown, impossible = _ages(event_day, registered_day, extracted)
    known = delay <= choice.longest_delay_days
    first_later = delay.size - int(known.sum())
    at_risk = _at_risk(age[known], delay[known], choice.longest_delay_days)
    spoken = np.flatnonzero(at_risk >= choice.fewest_at_risk)
    if not spoken.size:
        raise TooFewObservations(
            "too-few-registered", n=int(known.sum()), least=choice.fewest_at_risk
        )
    longest = int(spoken[-1])
    used = delay <= longest
    at_risk = _at_risk(age[used], delay[used], longest)
    share, low, high = _product_limit(
        np.bincount(delay[used], minlength=longest + 1), at_risk, choice.level
    )
    return ReportingDelay(
        registered=share,
        low=low,
        high=high,
        longest_days=longest,
        events=int(used.sum()),
        later=first_later + int(known.sum() - used.sum()),
        unknown=unknown,
        impossible=impossible,
    )


def late_share(delay: ReportingDelay, ages_days: NDArray[np.int64]) -> LateShare:
    """Tell which share of events of these ages is still to be registered.

    Parameters
    ----------
    delay
        From `reporting_delay`.
    ages_days
        (m,) days since each event, or since each day of a period when events are taken to be
        spread evenly over it; from 0 up.

    Returns
    -------
    Mean share missing, of all that is registered within ``delay.longest_days``, with an interval
    (of means of pointwise limits, which vary together; so it is rather too wide than too narrow).

    Raises
    ------
    InvalidParameter
        An age is negative.
    TooFewObservations
        No ages.
    """
    if not ages_days.size:
        raise TooFewObservations("no-ages", n=0)
    if (ages_days < 0).any():
        raise InvalidParameter("age-negative", days=int(ages_days.min()))
    day = np.minimum(ages_days, delay.longest_days)
    return LateShare(
        share=float(1 - delay.registered[day].mean()),
        low=float(1 - delay.high[day].mean()),
        high=float(1 - delay.low[day].mean()),
    )


def _ages(
    event_day: NDArray[np.datetime64], registered_day: NDArray[np.datetime64], extracted: date
) -> tuple[NDArray[np.int64], NDArray[np.int64], int, int]:
    """Turn days into age and delay of the rows that have both; count the two kinds that do not."""
    require_same_length(event_day=event_day, registered_day=registered_day)
    event = event_day.astype("datetime64[D]")
    registered = registered_day.astype("datetime64[D]")
    missing = int(np.isnat(event).sum())
    if missing:
        raise InvalidParameter("starts-missing", n=missing)
    last = np.datetime64(extracted, "D")
    for code, days in (
        ("event-after-extraction", event),
        ("registered-after-extraction", registered),
    ):
        after = int((days > last).sum())  # NaT is not after anything
        if after:
            raise InvalidParameter(code, n=after, extracted=str(extracted))
    unknown = np.isnat(registered)
    impossible = ~unknown & (registered < event)
    good = ~(unknown | impossible)
    age = (last - event[good]).astype(np.int64)
    delay = (registered[good] - event[good]).astype(np.int64)
    return age, delay, int(unknown.sum()), int(impossible.sum())


def _at_risk(age: NDArray[np.int64], delay: NDArray[np.int64], longest: int) -> NDArray[np.int64]:
    """Count the events that were registered by day u and are at least u days old: (longest + 1,).

    No delay exceeds its age, so it is those registered by u less those younger than u.
    """
    by_delay = np.bincount(delay, minlength=longest + 1)[: longest + 1]
    by_age = np.bincount(np.minimum(age, longest + 1), minlength=longest + 2)[: longest + 1]
    return np.cumsum(by_delay) - (np.cumsum(by_age) - by_age)


def _product_limit(
    late: NDArray[np.int64], at_risk: NDArray[np.int64], level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Multiply from the longest delay down: shares by day and the two ends of their intervals."""
    stay = at_risk - late
    kept = np.ones(late.shape)
    np.divide(stay, at_risk, out=kept, where=at_risk > 0)
    spread = np.zeros(late.shape)
    np.divide(late, at_risk * stay, out=spread, where=stay > 0)
    share, variance = np.ones(late.shape), np.zeros(late.shape)
    share[:-1] = np.cumprod(kept[:0:-1])[::-1]
    variance[:-1] = np.cumsum(spread[:0:-1])[::-1]
    fewest = np.minimum.accumulate(at_risk[::-1])[::-1]

    low, high = np.zeros(late.shape), np.ones(late.shape)
    inner = (share > 0) & (share < 1)
    log = np.log(share[inner])
    wide = special.ndtri((1 + level) / 2) * np.sqrt(variance[inner]) / np.abs(log)
    low[inner], high[inner] = np.exp(log * np.exp(wide)), np.exp(log * np.exp(-wide))
    never = share == 1
    never[-1] = False
    low[:-1][never[:-1]] = ((1 - level) / 2) ** (1 / np.maximum(fewest[1:][never[:-1]], 1))
    low[-1] = 1.0
    return share, low, high
