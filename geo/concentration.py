"""How unevenly events are spread over cells, streets or places, and how much of that is chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geo.checks import (
    require_columns,
    require_fraction,
    require_positive,
    require_weights,
)
from geo.errors import InvalidParameter, TooFewObservations
from geo.ratios import require_counts

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUNDING = 1e-9  # relative: a running sum this close to a share has reached it


@dataclass(frozen=True, slots=True)
class Shares:
    """Which shares of the events are asked for."""

    event_shares: tuple[float, ...] = (0.25, 0.5)  # each in (0, 1)

    def __post_init__(self) -> None:
        """Refuse shares outside (0, 1)."""
        for share in self.event_shares:
            require_fraction(event_share=share)


@dataclass(frozen=True, slots=True)
class Concentration:
    """How few units hold most events. Shares are fractions, not percentages."""

    units: int
    occupied: int  # units with any event
    events: float
    holders: tuple[int, ...]  # fewest units that together hold each asked share of the events
    of_all: tuple[float, ...]  # holders / units
    of_occupied: tuple[float, ...]  # holders / occupied
    gini: float  # 0 all units equal, (units - 1) / units all in one
    gini_unbiased: float | None  # gini x units / (units - 1); None for one unit
    gini_generalized: float  # 0 when events are spread as evenly as their number allows
    gini_generalized_unbiased: float | None  # times k / (k - 1), k the smaller of units, events


def concentration(counts: NDArray[np.float64], choice: Shares = Shares()) -> Concentration:
    r"""Tell how few places hold most of the events.

    Parameters
    ----------
    counts
        (m,) events per unit; units without events must be present as 0.
    choice
        The shares of the events to find holders of.

    Raises
    ------
    TooFewObservations
        No event at all: there is nothing to be concentrated.
    InvalidParameter
        A count is negative or not finite.

    Notes
    -----
    Gini's G is the area above the Lorenz curve of the ascending counts. With fewer events (c)
    than units (n) even the most even spread leaves empty units, so Bernasco & Steenbeek (2017),
    doi:10.1007/s10940-016-9324-7, generalise it: :math:`G' = k G - k + 1`, k = max(n / c, 1).
    Checked against R's lorenzgini 0.1.2 (golden/07_pai_wdd).

    Not handled: unequal units. Many published figures ("half the crime on 5 % of the streets")
    are about street segments and say nothing about cells. Few events look concentrated by chance
    alone: compare with `chance_concentration`. No interval is given, because resampling the
    events always makes them more concentrated than they were.
    """
    require_columns(counts=counts)
    require_weights(counts)
    total = float(counts.sum())
    if total == 0:
        raise TooFewObservations("no-events", n=0)
    falling = np.sort(counts)[::-1]
    running = np.cumsum(falling)
    wanted = np.array(choice.event_shares) * total * (1 - ROUNDING)
    holders = np.searchsorted(running, wanted) + 1
    n, occupied = counts.size, int((counts > 0).sum())
    gini = _gini(falling[::-1], total)
    scarce = max(n / total, 1.0)
    generalized = max(scarce * gini - scarce + 1, 0.0)
    most_even = min(float(n), total)
    return Concentration(
        units=n,
        occupied=occupied,
        events=total,
        holders=tuple(holders.tolist()),
        of_all=tuple((holders / n).tolist()),
        of_occupied=tuple((holders / occupied).tolist()),
        gini=gini,
        gini_unbiased=gini * n / (n - 1) if n > 1 else None,
        gini_generalized=generalized,
        gini_generalized_unbiased=(
            generalized * most_even / (most_even - 1) if most_even > 1 else None
        ),
    )


def _gini(rising: NDArray[np.float64], total: float) -> float:
    """Give Gini's coefficient of counts in ascending order."""
    n = rising.size
    rank = np.arange(1, n + 1)
    return max(float((2 * rank - n - 1) @ rising) / (n * total), 0.0)


def lorenz_curve(
    counts: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Tell which share of the events the fullest share of the units holds.

    Parameters
    ----------
    counts
        (m,) events per unit; units without events must be present as 0.

    Returns
    -------
    (m + 1,) share of the units, the fullest first, from 0 to 1, and (m + 1,) share of the events
    they hold: the Lorenz curve seen from the other end, as "x % of the cells hold y %" is read.

    Raises
    ------
    TooFewObservations
        No event at all.
    InvalidParameter
        A count is negative or not finite.
    """
    require_columns(counts=counts)
    require_weights(counts)
    total = counts.sum()
    if total == 0:
        raise TooFewObservations("no-events", n=0)
    held = np.concatenate([[0.0], np.cumsum(np.sort(counts)[::-1])]) / total
    return np.linspace(0.0, 1.0, counts.size + 1), held


@dataclass(frozen=True, slots=True)
class ChanceOfConcentration:
    """How often events are thrown anew, and how wide the range of the outcomes is drawn."""

    event_share: float = 0.5  # of the events, in (0, 1)
    level: float = 0.95  # share of the outcomes inside the range
    rounds: int = 999

    def __post_init__(self) -> None:
        """Refuse what no later code should have to think about."""
        require_fraction(event_share=self.event_share, level=self.level)
        require_positive(rounds=self.rounds)


@dataclass(frozen=True, slots=True)
class ChanceRange:
    """What chance alone makes of the same number of events in the same units."""

    low: float  # holders / units
    middle: float  # median
    high: float
    p: float  # how often chance is at least as concentrated as the data (1 = always)


def chance_concentration(
    counts: NDArray[np.int64],
    exposure: NDArray[np.float64],
    choice: ChanceOfConcentration,
    rng: np.random.Generator,
) -> ChanceRange:
    """Tell which share of the places would hold half the events if only chance placed them.

    Parameters
    ----------
    counts
        (m,) whole events per unit.
    exposure
        (m,) what each unit's chance of an event is proportional to; its area, for example.
    choice
        The share of the events, the range, the number of rounds.
    rng
        Source of randomness; the same seed gives the same answer.

    Returns
    -------
    The range of holders / units over the rounds, and (1 + rounds at least as concentrated) /
    (1 + rounds).

    Raises
    ------
    TooFewObservations
        No event at all.
    InvalidParameter
        Shapes differ, a count is not a whole number, or no unit has exposure.
    """
    require_columns(counts=counts, exposure=exposure)
    require_counts(counts=counts)
    require_weights(exposure)
    if not exposure.sum() > 0:
        raise InvalidParameter("no-exposure")
    shares = Shares((choice.event_share,))
    observed = concentration(counts.astype(np.float64), shares).of_all[0]
    thrown = rng.multinomial(int(counts.sum()), exposure / exposure.sum(), choice.rounds)
    running = np.cumsum(np.sort(thrown, axis=1)[:, ::-1], axis=1)
    wanted = choice.event_share * counts.sum() * (1 - ROUNDING)
    held = ((running < wanted).sum(axis=1) + 1) / counts.size
    tail = (1 - choice.level) / 2
    low, middle, high = np.quantile(held, [tail, 0.5, 1 - tail])
    p = (1 + int((held <= observed).sum())) / (1 + choice.rounds)
    return ChanceRange(float(low), float(middle), float(high), p)
