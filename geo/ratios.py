"""Comparing two counts of rare events: ratios and percentages that stay honest near zero.

`e_test` is owned here and imported by whoever compares two Poisson means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special, stats

from geo.checks import require_fraction, require_positive, require_same_length, require_weights
from geo.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

HALVINGS = 60  # of [0, 1] when a root is sought: beyond the precision of a double
TIE = 1e-9  # relative: two statistics this close are the same number
TAIL = 1e-15  # what the sum over a Poisson distribution may leave out at either end
DEEPEST_SUM = 1e8  # events above which the sums of `e_test` would be long and pointless


def require_counts(**arrays: NDArray[np.int64]) -> None:
    """Refuse arrays that are not whole numbers of events of zero or more."""
    for name, array in arrays.items():
        require_weights(array.astype(np.float64))
        if (array != np.floor(array)).any():
            raise InvalidParameter("not-whole-events", name=name)


@dataclass(frozen=True, slots=True)
class RatioInterval:
    """How sure the interval of a ratio must be, and how much the counts vary beyond chance."""

    level: float = 0.95  # confidence of the interval
    dispersion: float = 1.0  # variance over mean of a count; 1 is Poisson

    def __post_init__(self) -> None:
        """Refuse a level outside (0, 1) and counts that vary less than chance."""
        require_fraction(level=self.level)
        require_dispersion(self.dispersion)


def require_dispersion(dispersion: float) -> None:
    """Refuse a variance below the mean: counts of events vary at least as much as chance."""
    require_positive(dispersion=dispersion)
    if dispersion < 1:
        raise InvalidParameter("dispersion-below-one", dispersion=dispersion)


@dataclass(frozen=True, slots=True)
class RateRatios:
    """How many times the rate of the first period the second one has, per unit."""

    ratio: NDArray[np.float64]  # (m,) 0 when only the second is 0, inf when only the first, or nan
    low: NDArray[np.float64]  # (m,) 0 when the second count is 0
    high: NDArray[np.float64]  # (m,) infinite when the first count is 0
    one_sided: NDArray[np.bool_]  # (m,) a count is 0: the only finite bound spends the whole error
    p: NDArray[np.float64]  # (m,) two-sided, of no change; 1 when both counts are 0


def rate_ratio(
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    exposure: tuple[float, float] = (1.0, 1.0),
    choice: RatioInterval = RatioInterval(),
) -> RateRatios:
    r"""Tell how many times the first period's rate the second period has, with an exact interval.

    Parameters
    ----------
    first, second
        (m,) whole events of each unit in the two periods.
    exposure
        Length (or any other exposure) of the first and of the second period, in one unit.
    choice
        Confidence and overdispersion.

    Returns
    -------
    Ratios, intervals and p-values; no unit gives empty arrays. Two zeros say nothing: the ratio
    is nan and the interval [0, infinity]. With one zero the interval has one finite end, a
    one-sided bound that holds with the same confidence.

    Raises
    ------
    InvalidParameter
        Shapes differ, counts are not whole numbers of at least 0, an exposure is not positive.

    Notes
    -----
    Given :math:`n = x_1 + x_2`, :math:`x_2` is binomial with probability
    :math:`\rho t_2 / (t_1 + \rho t_2)`; the interval is Clopper & Pearson's (1934,
    doi:10.1093/biomet/26.4.404) of that probability (Przyborowski & Wilenski 1940,
    doi:10.1093/biomet/31.3-4.313), so it holds its level for every count. With a `dispersion` d
    above 1, counts are divided by d first (quasi-likelihood: d events carry the information of
    one), which is an approximation. The periods must be independent; trends inside them and late
    reports are not handled. Checked against scipy's ``binomtest`` in tests/golden.
    """
    return _compared(first, second, exposure, choice, _EXACT)


def rate_ratio_mid_p(
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    exposure: tuple[float, float] = (1.0, 1.0),
    choice: RatioInterval = RatioInterval(),
) -> RateRatios:
    """Tell how many times the first period's rate the second has, with a shorter interval.

    As `rate_ratio`, but only half the probability of the observed split counts into each tail
    (Lancaster 1961, doi:10.1080/01621459.1961.10482105; Berry & Armitage 1995,
    doi:10.2307/2348891): right on average instead of at least right for every count. Verdicts
    never use it. Checked against direct summation of the binomial in tests/golden.
    """
    return _compared(first, second, exposure, choice, _MID_P)


def _exact_tail(
    k: NDArray[np.float64], rest: NDArray[np.float64], share: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Tell how often a binomial of k + rest trials reaches k; k and rest may be fractions."""
    tail = special.betainc(np.where(k > 0, k, 1.0), rest + 1, share)
    return np.where(k > 0, tail, 1.0)


def _mid_tail(
    k: NDArray[np.float64], rest: NDArray[np.float64], share: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Tell how often a binomial of k + rest trials exceeds k, ties counting half."""
    beyond = special.betainc(k + 1, np.where(rest > 0, rest, 1.0), share)
    return (_exact_tail(k, rest, share) + np.where(rest > 0, beyond, 0.0)) / 2


def _exact_limit(
    k: NDArray[np.float64], rest: NDArray[np.float64], error: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Find the probability at which `_exact_tail` equals `error`; 0 for k = 0."""
    return np.where(k > 0, special.betaincinv(np.where(k > 0, k, 1.0), rest + 1, error), 0.0)


def _mid_limit(
    k: NDArray[np.float64], rest: NDArray[np.float64], error: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Find the probability at which `_mid_tail` equals `error`, by halving; 0 for k = 0."""
    low, high = np.zeros(k.shape), np.ones(k.shape)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        above = _mid_tail(k, rest, middle) > error
        high, low = np.where(above, middle, high), np.where(above, low, middle)
    return np.where(k > 0, low, 0.0)


@dataclass(frozen=True, slots=True)
class _Rule:
    """What counts as the tail of a binomial, and its inverse."""

    tail: Callable[..., NDArray[np.float64]]
    limit: Callable[..., NDArray[np.float64]]


_EXACT = _Rule(_exact_tail, _exact_limit)
_MID_P = _Rule(_mid_tail, _mid_limit)


def _compared(
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    exposure: tuple[float, float],
    choice: RatioInterval,
    rule: _Rule,
) -> RateRatios:
    """Turn limits of a binomial probability into limits of a rate ratio."""
    require_same_length(first=first, second=second)
    require_counts(first=first, second=second)
    require_positive(first_exposure=exposure[0], second_exposure=exposure[1])
    x, y = first / choice.dispersion, second / choice.dispersion
    lengths = exposure[0] / exposure[1]
    ratio = np.full(x.shape, np.nan)
    ratio[y > 0] = np.inf
    np.divide(y * lengths, x, out=ratio, where=x > 0)

    zero = (first == 0) | (second == 0)
    error = np.where(zero, 1 - choice.level, (1 - choice.level) / 2)
    probability = rule.limit(y, x, error)
    low = lengths * probability / (1 - probability)
    mirrored = rule.limit(x, y, error)  # the lower limit of the opposite ratio
    high = np.full(x.shape, np.inf)
    np.divide(lengths * (1 - mirrored), mirrored, out=high, where=mirrored > 0)

    share = 1 / (1 + lengths)  # of the second period, when nothing changed
    p = 2 * np.minimum(rule.tail(y, x, share), rule.tail(x, y, 1 - share))
    return RateRatios(ratio, low, high, zero, np.where(x + y > 0, np.minimum(p, 1.0), 1.0))


def e_test(first: int, second: int, exposure: tuple[float, float] = (1.0, 1.0)) -> float:
    r"""Tell how often chance alone would set two Poisson rates at least this far apart.

    Parameters
    ----------
    first, second
        Whole events.
    exposure
        Length (or any other exposure) behind each count, in one unit.

    Returns
    -------
    Two-sided p. Two zeros give 1.

    Raises
    ------
    InvalidParameter
        A count is negative, not a whole number or above 10^8; an exposure is not positive.

    Notes
    -----
    Krishnamoorthy & Thomson (2004), doi:10.1016/S0378-3758(02)00408-1: the statistic
    :math:`T = (x_1/t_1 - x_2/t_2) / \sqrt{x_1/t_1^2 + x_2/t_2^2}`, summed over all pairs of
    counts at least as extreme under the pooled rate. For every :math:`x_1` the extreme
    :math:`x_2` are the two ends outside the roots of a quadratic, so the sum runs over one
    count only. More powerful than the conditional test of `rate_ratio`, whose level it keeps
    to about, not exactly. Checked against ptools 2.0.0 ``e_test`` (golden/07_pai_wdd).
    """
    require_counts(first=np.array([first]), second=np.array([second]))
    require_positive(first_exposure=exposure[0], second_exposure=exposure[1])
    if max(first, second) > DEEPEST_SUM:
        raise InvalidParameter("count-too-large", value=max(first, second), largest=DEEPEST_SUM)
    if first == second == 0:
        return 1.0
    t1, t2 = exposure
    square = (first / t1 - second / t2) ** 2 / (first / t1**2 + second / t2**2) * (1 - TIE)
    pooled = (first + second) / (t1 + t2)
    low, high = stats.poisson.ppf(TAIL, pooled * t1), stats.poisson.isf(TAIL, pooled * t1)
    x = np.arange(max(low, 0.0), high + 1)
    a = x / t1
    middle = a + square / (2 * t2)
    half = np.sqrt(middle**2 - a**2 + square * a / t1)  # (a - b)^2 = square (a / t1 + b / t2)
    below = np.floor((middle - half) * t2 + TIE)
    above = np.ceil((middle + half) * t2 - TIE)
    extreme = stats.poisson.cdf(below, pooled * t2) + stats.poisson.sf(above - 1, pooled * t2)
    if square > 0:
        extreme[x == 0] = stats.poisson.sf(above[x == 0] - 1, pooled * t2)  # T of 0, 0 is 0
    chance = stats.poisson.pmf(x, pooled * t1) @ np.minimum(extreme, 1.0)
    return float(min(chance, 1.0))


@dataclass(frozen=True, slots=True)
class Percentages:
    """From how large a base on a percentage may be given."""

    minimum: int = 10  # whole events in the base

    def __post_init__(self) -> None:
        """Refuse a minimum that would let a percentage of nothing through."""
        require_positive(minimum=self.minimum)


def percentage(part: float, base: float, choice: Percentages = Percentages()) -> float | None:
    """Tell how many percent of the base a part is, or None when the base is too small to say.

    Parameters
    ----------
    part, base
        Events; `part` belongs to `base` and may be weighted.
    choice
        The smallest base that bears a percentage, 10 events by default.

    Raises
    ------
    InvalidParameter
        A number is negative or not finite, or the part is larger than its base.
    """
    require_weights(np.array([part, base], dtype=np.float64))
    if part > base:
        raise InvalidParameter("part-above-base", part=part, base=base)
    return None if base < choice.minimum else 100 * part / base


def percent_change(
    first: int,
    second: int,
    exposure: tuple[float, float] = (1.0, 1.0),
    choice: Percentages = Percentages(),
) -> float | None:
    """Tell by how many percent the rate changed, or None when the first count is too small.

    Parameters
    ----------
    first, second
        Whole events in the two periods.
    exposure
        Length (or any other exposure) of the two periods, in one unit.
    choice
        The smallest first count that bears a percentage, 10 events by default.

    Raises
    ------
    InvalidParameter
        A count is not a whole number of at least 0, or an exposure is not positive.

    Notes
    -----
    Only the base is asked for: from 12 events to 0 is -100 percent. Whether the change is more
    than chance is another question: `rate_ratio`.
    """
    require_counts(first=np.array([first]), second=np.array([second]))
    require_positive(first_exposure=exposure[0], second_exposure=exposure[1])
    if first < choice.minimum:
        return None
    return 100 * ((second / exposure[1]) / (first / exposure[0]) - 1)
