"""Trend of a series, judged by ranks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geo.errors import InvalidParameter, TooFewObservations
from geo.gistar import two_sided

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST_STEPS = 3  # two values can only rise, fall or be equal


@dataclass(frozen=True, slots=True)
class MannKendall:
    """The trend of each series; every array has the shape of the input without its last axis."""

    s: NDArray[np.float64]  # pairs that rise minus pairs that fall
    variance: NDArray[np.float64]  # of s without any trend, ties taken into account
    z: NDArray[np.float64]  # standard score with continuity correction; > 0 rises
    p: NDArray[np.float64]  # two-sided, normal approximation
    tau: NDArray[np.float64]  # Kendall's tau-b, -1 to 1


def mann_kendall(series: NDArray[np.float64]) -> MannKendall:
    r"""Answer whether values rise or fall over time more steadily than chance would let them.

    Parameters
    ----------
    series
        (..., t) values at equal steps of time, oldest first; any number of series at once.

    Returns
    -------
    One result a series. All values equal: s, z and tau are 0 and p is 1.

    Raises
    ------
    TooFewObservations
        Fewer than 3 steps.
    InvalidParameter
        A value is not finite.

    Notes
    -----
    :math:`S = \sum_{i<j} \mathrm{sgn}(x_j - x_i)`,
    :math:`18 \operatorname{var} S = n(n-1)(2n+5) - \sum_t t(t-1)(2t+5)` over groups of t ties,
    :math:`z = (S \mp 1) / \sqrt{\operatorname{var} S}`; Mann (1945), doi:10.2307/1907187, and
    Kendall (1975). Only exactly equal values are ties. The steps are taken as independent: a
    series that carries over from step to step (autocorrelation) looks like a trend too often.
    Below ten steps the normal p-value is rough. tau is tau-b; pymannkendall prints tau-a, with
    the same S and p. Checked against R's ``Kendall::MannKendall`` (golden/08).
    """
    series = np.asarray(series, dtype=np.float64)
    n = series.shape[-1] if series.ndim else 0
    if n < FEWEST_STEPS:
        raise TooFewObservations("series-too-short", n=n, needed=FEWEST_STEPS)
    if not np.isfinite(series).all():
        raise InvalidParameter("values-not-finite")
    s = np.zeros(series.shape[:-1])
    equal = np.zeros(series.shape)  # how many other steps have the same value
    for lag in range(1, n):
        later, earlier = series[..., lag:], series[..., :-lag]
        s += np.count_nonzero(later > earlier, axis=-1)
        s -= np.count_nonzero(later < earlier, axis=-1)
        same = later == earlier
        equal[..., lag:] += same
        equal[..., :-lag] += same
    # A group of t ties is met at each of its t members: t (t - 1) (2t + 5) in all.
    ties = (equal * (2 * equal + 7)).sum(axis=-1)
    variance = (n * (n - 1) * (2 * n + 5) - ties) / 18
    varies = variance > 0
    z = np.where(varies, s - np.sign(s), 0.0) / np.sqrt(np.where(varies, variance, 1.0))
    pairs = n * (n - 1) / 2
    untied = pairs - equal.sum(axis=-1) / 2
    tau = np.where(varies, s, 0.0) / np.sqrt(pairs * np.where(varies, untied, 1.0))
    return MannKendall(s=s, variance=variance, z=z, p=two_sided(z), tau=tau)
