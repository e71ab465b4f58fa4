"""Events per inhabitant, address or square metre, and what a small denominator does to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from geo.checks import require_fraction, require_same_length, require_weights
from geo.errors import InvalidParameter, TooFewObservations

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

FEWEST_UNITS = 2  # a spread between units needs two


@dataclass(frozen=True, slots=True)
class RateInterval:
    """How sure the interval of a rate must be."""

    level: float = 0.95  # confidence

    def __post_init__(self) -> None:
        """Refuse a level outside (0, 1)."""
        require_fraction(level=self.level)


USUAL_INTERVAL = RateInterval()


@dataclass(frozen=True, slots=True)
class Rates:
    """Events per unit of exposure; nan wherever there is no exposure to divide by."""

    rate: NDArray[np.float64]  # (m,) events per unit of exposure
    low: NDArray[np.float64]  # (m,)
    high: NDArray[np.float64]  # (m,)
    without_exposure: float  # events in units with zero exposure: in no rate, so say them aloud


def poisson_interval(
    count: NDArray[np.float64], choice: RateInterval = USUAL_INTERVAL
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Tell which expected numbers of events are compatible with the numbers that happened.

    Parameters
    ----------
    count
        (m,) events; 0 gives a lower end of 0 and an upper end above 0.

    Returns
    -------
    (m,) lower and (m,) upper ends.

    Notes
    -----
    Garwood (1936), doi:10.1093/biomet/28.3-4.437: :math:`\chi^2_{2x, \alpha/2} / 2` and
    :math:`\chi^2_{2x+2, 1-\alpha/2} / 2`, so it holds its level for every mean. Checked against
    scipy's chi-squared quantiles and Garwood's table (0: 0-3.69, 5: 1.62-11.67, 10: 4.80-18.39).
    """
    require_weights(count)
    tail = (1 - choice.level) / 2
    some = count > 0
    low, high = np.zeros(count.shape), np.full(count.shape, -np.log(tail))
    low[some] = special.gammaincinv(count[some], tail)
    high[some] = special.gammainccinv(count[some] + 1.0, tail)
    return low, high


def crude_rates(
    count: NDArray[np.float64],
    exposure: NDArray[np.float64],
    choice: RateInterval = USUAL_INTERVAL,
) -> Rates:
    """Tell how many events there are per unit of exposure, with an exact interval.

    Parameters
    ----------
    count
        (m,) events.
    exposure
        (m,) inhabitants, addresses, metres of street, square metres, or their product with time.
    choice
        Confidence of the interval.

    Returns
    -------
    Rates; no unit gives empty arrays. Where the exposure is 0 the rate is nan, not 0 and not
    infinite: nobody lives in a nightlife core, so inhabitants say nothing about it. Its events
    are summed in `without_exposure`; give such places another denominator.

    Raises
    ------
    InvalidParameter
        Shapes differ, or a number is negative or not finite.

    Notes
    -----
    The interval is `poisson_interval` over the exposure. It knows nothing of overdispersion, nor
    of error in the denominator.
    """
    _require_units(count, exposure)
    low, high = poisson_interval(count, choice)
    return Rates(
        rate=_over(count, exposure),
        low=_over(low, exposure),
        high=_over(high, exposure),
        without_exposure=float(count[exposure == 0].sum()),
    )


def smoothed_rates(
    count: NDArray[np.float64], exposure: NDArray[np.float64]
) -> NDArray[np.float64]:
    r"""Tell each unit's rate after drawing those with little exposure towards the common rate.

    Parameters
    ----------
    count
        (m,) events.
    exposure
        (m,) inhabitants or another denominator; units with 0 are left out and get nan.

    Returns
    -------
    (m,) rates. Where the units vary no more than chance would make them, all get the common rate.

    Raises
    ------
    TooFewObservations
        Fewer than 2 units have exposure.
    InvalidParameter
        Shapes differ, or a number is negative or not finite.

    Notes
    -----
    Empirical Bayes by moments, Marshall (1991), doi:10.2307/2347593: with common rate
    :math:`m = \sum x / \sum n` and :math:`A = \sum n_i (r_i - m)^2 / \sum n - m / \bar{n}`, a unit
    gets :math:`m + (r_i - m) A / (A + m / n_i)`; a negative A counts as 0, as Marshall says (esda
    2.9 lets it through, and its rates then move away from the common rate). Checked against esda
    ``Empirical_Bayes`` in tests/golden where A is positive. No interval: the smoothing itself is
    estimated. A raised level must be tested on the counts, never on smoothed rates.
    """
    _require_units(count, exposure)
    known = exposure > 0
    if known.sum() < FEWEST_UNITS:
        raise TooFewObservations("too-few-units", n=int(known.sum()), fewest=FEWEST_UNITS)
    x, n = count[known], exposure[known]
    common = x.sum() / n.sum()
    rate = x / n
    spread = max((n * (rate - common) ** 2).sum() / n.sum() - common / n.mean(), 0.0)
    smooth = np.full(count.shape, np.nan)
    smooth[known] = common + (rate - common) * _trust(np.full(n.shape, spread), common / n)
    return smooth


def locally_smoothed_rates(
    count: NDArray[np.float64],
    exposure: NDArray[np.float64],
    neighbours: sparse.csr_array,
) -> NDArray[np.float64]:
    r"""Tell each unit's rate after drawing those with little exposure towards their surroundings.

    Parameters
    ----------
    count
        (m,) events.
    exposure
        (m,) inhabitants or another denominator; units with 0 are left out and get nan.
    neighbours
        (m, m) binary; 1 where two units touch and on the diagonal.

    Returns
    -------
    (m,) rates. A unit alone with itself keeps its own rate.

    Raises
    ------
    InvalidParameter
        Shapes differ, a number is negative or not finite, or a unit is not its own neighbour.

    Notes
    -----
    As `smoothed_rates`, with the sums of Marshall's formula over the unit and its neighbours
    (mean exposure over those with exposure). Checked against esda ``Spatial_Empirical_Bayes``.
    """
    _require_units(count, exposure)
    m = count.size
    if neighbours.shape != (m, m):
        raise InvalidParameter("shapes-differ", count=count.shape, neighbours=neighbours.shape)
    if not (neighbours.diagonal() == 1).all():
        raise InvalidParameter("not-own-neighbour")
    known = exposure > 0
    near = np.maximum(neighbours @ exposure, np.finfo(float).tiny)
    local = (neighbours @ np.where(known, count, 0.0)) / near
    rate = np.where(known, _over(count, exposure), 0.0)
    # sum n (r - m)^2 = sum n r^2 - 2 m sum n r + m^2 sum n, each sum over the surroundings
    squares = neighbours @ (exposure * rate**2) / near - local**2
    members = neighbours @ known.astype(np.float64)
    spread = np.maximum(squares - local * members / near, 0.0)
    alone = members <= 1
    smooth = local + (rate - local) * _trust(spread, _over(local, exposure))
    return np.where(known, np.where(alone, rate, smooth), np.nan)


def _require_units(count: NDArray[np.float64], exposure: NDArray[np.float64]) -> None:
    require_same_length(count=count, exposure=exposure)
    require_weights(count)
    require_weights(exposure)


def _over(number: NDArray[np.float64], exposure: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide, giving nan where there is nothing to divide by."""
    out = np.full(number.shape, np.nan)
    np.divide(number, exposure, out=out, where=exposure > 0)
    return out


def _trust(spread: NDArray[np.float64], chance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tell which share of a unit's deviation is not chance: 0 when there is none at all."""
    both = spread + chance
    return np.divide(spread, both, out=np.zeros(both.shape), where=both > 0)
