"""How well a map pointed out where the next incidents came.

A map gives every cell a score. The cells with the highest scores are picked until a share of the
study area is full; what is counted is how many of the events that came *afterwards* lie in them.

Ties. Cells with the same score are equally good picks, so at an area share they are all picked
in the same part (on equal cells that is the mean over every order of the tied ones), and the order
of the input cannot matter. The last cell is picked in part, so that exactly the share is covered
and maps of different cells can be compared. `accuracy_by_rank` follows the R package ptools
instead, cell by cell: among tied cells the one with fewest events comes first.

Two indices bear the name PEI, and both are here under names of their own: `pei` compares with the
best *ranking* at the same number of cells (Hunt; ptools), `pei_star` with the most events that the
same *area* could have held (NIJ's forecasting challenge 2017). On equal cells they are equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from geo.checks import require_fraction, require_same_length, require_weights
from geo.errors import InvalidParameter, TooFewObservations

if TYPE_CHECKING:
    from numpy.typing import NDArray

AREA_SHARES = (0.005, 0.01, 0.02, 0.05, 0.1)


def require_area_shares(area_shares: tuple[float, ...]) -> None:
    """Refuse an empty list of shares and shares that pick nothing or everything."""
    if not area_shares:
        raise InvalidParameter("no-area-shares")
    for share in area_shares:
        require_fraction(area_shares=share)


def require_areas(area_m2: NDArray[np.float64]) -> None:
    """Refuse cells without area: nobody can be sent there."""
    bad = ~(np.isfinite(area_m2) & (area_m2 > 0))
    if bad.any():
        raise InvalidParameter("cell-area-not-positive", value=float(area_m2[bad][0]))


@dataclass(frozen=True, slots=True)
class HotShares:
    """How much of the area is picked, and how sure the intervals are."""

    area_shares: tuple[float, ...] = AREA_SHARES
    level: float = 0.95

    def __post_init__(self) -> None:
        """Refuse shares that pick nothing or everything."""
        require_area_shares(self.area_shares)
        require_fraction(level=self.level)


@dataclass(frozen=True, slots=True)
class Accuracy:
    """What a map caught at each of s shares of the area, with exact binomial intervals."""

    area_share: NDArray[np.float64]  # (s,) in the order asked for
    hits: NDArray[np.float64]  # (s,) events caught; a part of a cell catches a part of its events
    hit_rate: NDArray[np.float64]  # (s,) share of all events, 0 to 1
    hit_rate_low: NDArray[np.float64]  # (s,)
    hit_rate_high: NDArray[np.float64]  # (s,)
    pai: NDArray[np.float64]  # (s,) 1 is what picking at random gives
    pai_low: NDArray[np.float64]  # (s,)
    pai_high: NDArray[np.float64]  # (s,)
    pei: NDArray[np.float64]  # (s,) of the best ranking at the same number of cells
    pei_star: NDArray[np.float64]  # (s,) of the most events the same area could hold, 0 to 1


@dataclass(frozen=True, slots=True)
class Ranks:
    """PAI, PEI and RRI after each of m cells, the one with the highest prediction first."""

    cell: NDArray[np.intp]  # (m,) which cell of the input has this rank
    count: NDArray[np.float64]  # (m,) events caught so far
    predicted: NDArray[np.float64]  # (m,) events predicted so far
    area_m2: NDArray[np.float64]  # (m,) area picked so far
    hit_rate: NDArray[np.float64]  # (m,)
    area_share: NDArray[np.float64]  # (m,)
    pai: NDArray[np.float64]  # (m,)
    pei: NDArray[np.float64]  # (m,)
    rri: NDArray[np.float64]  # (m,) predicted / caught: over 1 promised too much


def accuracy(
    observed: NDArray[np.float64],
    score: NDArray[np.float64],
    area_m2: NDArray[np.float64],
    choice: HotShares = HotShares(),
) -> Accuracy:
    r"""Tell how many of the next events fell in the cells the map put first, and what chance gives.

    Parameters
    ----------
    observed
        (m,) events per cell after the map was made, zero cells included; weights are allowed.
    score
        (m,) what the map says of each cell, the higher the hotter; any finite numbers.
    area_m2
        (m,) true area of each cell, inside the study area; all positive.
    choice
        Area shares and level.

    Raises
    ------
    InvalidParameter
        Shapes differ, counts are negative or not finite, a score is not finite, an area is not
        positive, a share does not lie between 0 and 1.
    TooFewObservations
        There is no cell or no event: shares of nothing are undefined.

    Notes
    -----
    With n of N events caught in area a of A (Chainey, Tompson & Uhlig 2008,
    doi:10.1057/palgrave.sj.8350066):

    .. math:: PAI = (n / N) / (a / A)

    :math:`PEI = PAI / PAI_{perfect}` at the same number of cells (Hunt 2016; ptools) and
    :math:`PEI^* = n / n^*` at the same area (NIJ 2017). With cells of unequal size the first
    can exceed 1, the second cannot. A map that gives every cell the same score has PAI 1.

    The interval is Clopper and Pearson's (1934) for n of N, with real n where the last cell is
    picked in part; it says how far chance in *this* period's events reaches, and takes them as
    independent. Repeats near each other make it too narrow; `geo.backtest` draws over periods.

    Neither the order of the cells nor the scale of the scores matters. Checked against ptools
    2.0.0 (tests/golden/test_pai_wdd.py).
    """
    _require_cells(observed, score, area_m2)
    shares = np.array(choice.area_shares)
    total, area = _events(observed), area_m2.sum()
    picked = hot_parts(score, area_m2, choice.area_shares)
    hits = np.minimum(observed @ picked, total)
    low, high = binomial_interval(hits, total, choice.level)
    best = observed @ hot_parts(observed / area_m2, area_m2, choice.area_shares)
    ranked = best_parts_by_rank(observed, area_m2, picked.sum(axis=0))
    best_pai = (observed @ ranked / total) / (area_m2 @ ranked / area)
    pai = hits / total / shares
    return Accuracy(
        area_share=shares,
        hits=hits,
        hit_rate=hits / total,
        hit_rate_low=low,
        hit_rate_high=high,
        pai=pai,
        pai_low=low / shares,
        pai_high=high / shares,
        pei=pai / best_pai,
        pei_star=np.minimum(hits / best, 1.0),
    )


def recapture(
    observed: NDArray[np.float64],
    expected: NDArray[np.float64],
    score: NDArray[np.float64],
    area_m2: NDArray[np.float64],
    choice: HotShares = HotShares(),
) -> NDArray[np.float64]:
    """Tell how many times more than it kept the map promised in the cells it put first (RRI).

    Parameters
    ----------
    observed
        (m,) events per cell after the map was made.
    expected
        (m,) events per cell that the map was made of, or that a model predicts.
    score, area_m2, choice
        As in `accuracy`.

    Returns
    -------
    (s,) share of the expected events in the picked cells, divided by the share of the observed
    ones: 1 kept its promise, 2 promised twice what came. Infinite where events were expected and
    none came; not a number where none was expected and none came.

    Raises
    ------
    InvalidParameter, TooFewObservations
        As `accuracy`; also when no event is expected.

    Notes
    -----
    The direction is that of ptools (predicted / observed; Wheeler & Steenbeek 2021,
    doi:10.1007/s10940-020-09457-7), the totals are made equal first as in Levine's (2008)
    recapture rate index, which is this number turned upside down.
    """
    _require_cells(observed, score, area_m2)
    require_same_length(observed=observed, expected=expected)
    require_weights(expected)
    picked = hot_parts(score, area_m2, choice.area_shares)
    return quotient(expected @ picked / _events(expected), observed @ picked / _events(observed))


def accuracy_by_rank(
    observed: NDArray[np.float64],
    predicted: NDArray[np.float64],
    area_m2: NDArray[np.float64],
) -> Ranks:
    """Tell how PAI, PEI and RRI change as one more cell is picked, as ptools does.

    Parameters
    ----------
    observed
        (m,) events per cell after the prediction.
    predicted
        (m,) events predicted per cell, not negative.
    area_m2
        (m,) area of each cell, all positive.

    Returns
    -------
    One row per cell, ranked by predicted events per area. Of equal predictions the cell with
    fewest events comes first (the least favourable order, as in ptools), then the larger one; so
    the numbers do not depend on the order of the input. `rri` is infinite while nothing has been
    caught, and not a number while nothing has been predicted either.

    Raises
    ------
    InvalidParameter
        Shapes differ, counts or predictions are negative or not finite, an area is not positive.
    TooFewObservations
        There is no cell or no event.

    Notes
    -----
    Formulas as in `accuracy`; `rri` is ptools' :math:`sum(predicted) / sum(observed)` with the
    totals as given. Checked against ptools 2.0.0, every number (tests/golden/test_pai_wdd.py).
    """
    _require_cells(observed, predicted, area_m2)
    require_weights(predicted)
    total, area = _events(observed), area_m2.sum()
    order = np.lexsort([-area_m2, observed, -predicted / area_m2])
    best = np.lexsort([-area_m2, -observed / area_m2])
    count, picked_m2 = np.cumsum(observed[order]), np.cumsum(area_m2[order])
    foretold = np.cumsum(predicted[order])
    pai = (count / total) / (picked_m2 / area)
    best_pai = (np.cumsum(observed[best]) / total) / (np.cumsum(area_m2[best]) / area)
    return Ranks(
        cell=order,
        count=count,
        predicted=foretold,
        area_m2=picked_m2,
        hit_rate=count / total,
        area_share=picked_m2 / area,
        pai=pai,
        pei=pai / best_pai,
        rri=quotient(foretold, count),
    )


def hot_parts(
    score: NDArray[np.float64], area_m2: NDArray[np.float64], area_shares: tuple[float, ...]
) -> NDArray[np.float64]:
    """Tell which part of each cell is picked at each share: (m,) cells, s shares -> (m, s).

    ``area_m2 @ parts`` is exactly the share of the total area. Tied cells get the same part.
    """
    return _parts(score, area_m2, np.array(area_shares) * area_m2.sum())


def best_parts_by_rank(
    observed: NDArray[np.float64], area_m2: NDArray[np.float64], ranks: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Tell which part of each cell the perfect map picks: (m,) cells, (s,) ranks -> (m, s).

    `ranks` are numbers of cells, in parts; the perfect map ranks by the events that came.
    """
    return _parts(observed / area_m2, np.ones_like(area_m2), ranks)


def quotient(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide; infinite where only `below` is zero, not a number where both are."""
    empty = np.where(above > 0, np.inf, np.nan)
    return np.divide(above, below, out=empty, where=below > 0)


def binomial_interval(
    hits: NDArray[np.float64], total: float, level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bound the share behind `hits` (...) of `total` events: Clopper and Pearson, real hits."""
    tail, misses = (1 - level) / 2, total - hits
    low, high = np.zeros_like(hits), np.ones_like(hits)
    some, some_missed = hits > 0, misses > 0
    low[some] = stats.beta.ppf(tail, hits[some], misses[some] + 1)
    high[some_missed] = stats.beta.ppf(1 - tail, hits[some_missed] + 1, misses[some_missed])
    return low, high


def _parts(
    score: NDArray[np.float64], size: NDArray[np.float64], wanted: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Fill `wanted` (s,) with cells of `size` (m,) in falling order of score, ties together."""
    _, group = np.unique(-score, return_inverse=True)
    held = np.bincount(group, size)
    before = np.cumsum(held) - held
    part = (wanted - before[:, None]) / held[:, None]
    return np.asarray(np.clip(part, 0.0, 1.0)[group], dtype=np.float64)


def _events(counts: NDArray[np.float64]) -> float:
    total = float(counts.sum())
    if total <= 0:
        raise TooFewObservations("no-test-events", n=0)
    return total


def _require_cells(
    observed: NDArray[np.float64], score: NDArray[np.float64], area_m2: NDArray[np.float64]
) -> None:
    require_same_length(observed=observed, score=score, area_m2=area_m2)
    if not observed.size:
        raise TooFewObservations("no-cells", n=0)
    require_weights(observed)
    require_areas(area_m2)
    if not np.isfinite(score).all():
        raise InvalidParameter("score-not-finite")
