"""Was the map of use? Make it from the past, look at what came next, and do so again and again.

At each origin every map product sees the same past and gives every cell a score; what came in the
following periods decides (`geo.prediction`). The products are compared with a baseline that needs
no method at all: the cells that had most events in the same past. Where the baseline wins, the
finding says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geo.checks import require_fraction, require_points, require_same_length, require_weights
from geo.errors import InvalidParameter, TooFewObservations
from geo.prediction import (
    AREA_SHARES,
    best_parts_by_rank,
    binomial_interval,
    hot_parts,
    quotient,
    require_area_shares,
    require_areas,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

OUTSIDE = -1
FEWEST_DRAWS = 100
_DRAWN_AT_ONCE = 2_000_000  # numbers: 16 MB
_ROUNDING = 1e-12  # a spread of hit rates below this is rounding


class Finding(StrEnum):
    """What may be said of a product at a share of the area."""

    BASELINE = "baseline"  # it is the one the others are compared with
    BETTER = "better"  # it caught more than the baseline, and chance does not explain it
    NO_DIFFERENCE = "no_difference_shown"
    NAIVE_WINS = "naive_wins"  # it caught less than the baseline, and chance does not explain it
    TOO_FEW = "too_few_events"  # too little came to tell anything


@dataclass(frozen=True, slots=True)
class RollingOrigin:
    """How the past is cut, what is compared with what, and how sure a finding must be."""

    train_periods: int = 12
    test_periods: int = 3
    step_periods: int = 3
    baseline: str = "count"
    area_shares: tuple[float, ...] = AREA_SHARES
    level: float = 0.95
    draws: int = 1000
    fewest_events: int = 10

    def __post_init__(self) -> None:
        """Refuse cuts that test nothing or test the same events twice."""
        for name in ("train_periods", "test_periods", "step_periods", "fewest_events"):
            if getattr(self, name) < 1:
                raise InvalidParameter("not-positive", name=name, value=getattr(self, name))
        if self.step_periods < self.test_periods:
            raise InvalidParameter(
                "test-periods-overlap", step=self.step_periods, test=self.test_periods
            )
        if self.draws < FEWEST_DRAWS:
            raise InvalidParameter("too-few-draws", draws=self.draws, fewest=FEWEST_DRAWS)
        require_area_shares(self.area_shares)
        require_fraction(level=self.level)


@dataclass(frozen=True, slots=True)
class Grid:
    """The m cells of the study area, those without events included."""

    x_m: NDArray[np.float64]  # (m,) centres
    y_m: NDArray[np.float64]  # (m,)
    area_m2: NDArray[np.float64]  # (m,) true area inside the study area


@dataclass(frozen=True, slots=True)
class Past:
    """What a product may look at: n rows of events, all before the origin, inside the area."""

    x_m: NDArray[np.float64]  # (n,)
    y_m: NDArray[np.float64]  # (n,)
    cell: NDArray[np.intp]  # (n,) position in the grid
    events: NDArray[np.int64]  # (n,) whole events the row stands for


@dataclass(frozen=True, slots=True)
class Record:
    """n rows of events with the period in which each began: months, or any equal periods."""

    x_m: NDArray[np.float64]  # (n,)
    y_m: NDArray[np.float64]  # (n,)
    cell: NDArray[np.intp]  # (n,) position in the grid; -1 outside the study area
    events: NDArray[np.int64]  # (n,) whole events the row stands for
    period: NDArray[np.int64]  # (n,) number of the period; consecutive numbers follow in time


Product = Callable[[Past, Grid], NDArray[np.float64]]  # (m,) scores, the higher the hotter


@dataclass(frozen=True, slots=True)
class Score:
    """One product at one share of the area, over all origins together."""

    product: str
    area_share: float
    hit_rate: float  # share of the events that came, 0 to 1
    hit_rate_low: float
    hit_rate_high: float
    pai: float
    pai_low: float
    pai_high: float
    pei: float  # of the best ranking at the same number of cells
    pei_low: float
    pei_high: float
    pei_star: float  # of the most the same area could hold
    pei_star_low: float
    pei_star_high: float
    rri: float  # share of the past's events in the picked cells / share of those that came
    difference: float  # hit rate less the baseline's
    difference_low: float  # of a band that holds for all products and shares at once
    difference_high: float
    finding: Finding


@dataclass(frozen=True, slots=True)
class Origin:
    """One cut between past and future."""

    period: int  # the first one that was not looked at
    trained: int  # events before it
    tested: int  # events after it


@dataclass(frozen=True, slots=True)
class Backtest:
    """Every product at every share, and what the numbers rest on."""

    scores: tuple[Score, ...]  # products in the order given, shares in the order asked for
    origins: tuple[Origin, ...]
    tested: int  # events that came, over all origins
    outside: int  # events of the record that lie in no cell and were left out


def backtest(
    record: Record,
    grid: Grid,
    products: Mapping[str, Product],
    choice: RollingOrigin,
    rng: np.random.Generator,
) -> Backtest:
    """Tell whether a map finds the next incidents better than last year's busiest cells do.

    Parameters
    ----------
    record
        Events with their periods. Periods should be equally long; a period without events is one.
    grid
        The cells of the study area; no outline is asked for, the cells *are* the area.
    products
        Name -> map: a function of the past and the grid that gives every cell a finite score. The
        product `choice.baseline` must be among them.
    choice
        How to cut, which shares, which level.
    rng
        Draws the bootstrap; the same seed gives the same intervals.

    Raises
    ------
    InvalidParameter
        Shapes differ, a cell does not exist, counts are negative, the baseline is not among the
        products, or a product gives something else than one finite score a cell.
    TooFewObservations
        The record is too short for a single origin, or no event came after any of them.

    Notes
    -----
    The first origin stands `train_periods` after the record's first period; then every
    `step_periods` as long as `test_periods` fit before its last. At each one the products are made
    of the `train_periods` before it and scored on the `test_periods` from it on. Where the past is
    empty, every cell scores the same. Shares are pooled: all events caught / all events that came.

    Intervals are percentiles of a bootstrap in two steps: draw origins with replacement, then the
    events of each, the same draws for every product. Over few origins that errs on the wide side,
    and rather finds no difference than one that is not there. The interval of the hit rate and PAI
    is at least as wide as the exact binomial one, which does not collapse when nothing was caught.

    The band of the differences is the bootstrap's simultaneous one (largest |t| over all products
    and shares): a finding anywhere in the table is false with a chance of at most about 1 - level
    (on pure noise 1 to 3 % at level 95 %; tests/unit/test_backtest.py). A finding also needs
    `fewest_events` events on which product and baseline part.

    What is not handled: events that depend on each other beyond the origin's own draw, and
    seasons, when the record is shorter than some years. The order of the rows does not matter.

    Rolling origins: Tashman 2000, doi:10.1016/S0169-2070(00)00065-0. Indices: `geo.prediction`.
    Run on real data by benchmarks/backtest.py.
    """
    _require_record(record, grid)
    if choice.baseline not in products:
        raise InvalidParameter("baseline-missing", baseline=choice.baseline)
    folds = [_fold(record, grid, products, choice, at) for at in _origins(record, choice)]
    pooled = _pooled(folds, list(products).index(choice.baseline))
    if not pooled.came:
        raise TooFewObservations("no-test-events", n=0)
    return Backtest(
        scores=_scores(pooled, _drawn(folds, choice.draws, rng), list(products), choice),
        origins=tuple(fold.origin for fold in folds),
        tested=int(pooled.came),
        outside=int(record.events[record.cell == OUTSIDE].sum()),
    )


@dataclass(frozen=True, slots=True)
class _Fold:
    """What one origin says: p products, s shares, c cells in which something came."""

    origin: Origin
    observed: NDArray[np.float64]  # (c,) events that came
    parts: NDArray[np.float64]  # (c, 2 p + 1, s) see `_parts`
    promised: NDArray[np.float64]  # (p, s) events of the past in the picked cells


@dataclass(frozen=True, slots=True)
class _Pooled:
    """All origins together."""

    came: float
    trained: float
    caught: NDArray[np.float64]  # (2 p + 1, s)
    promised: NDArray[np.float64]  # (p, s)
    parted: NDArray[np.float64]  # (p, s) events on which product and baseline part


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What d bootstrap draws say."""

    came: NDArray[np.float64]  # (d,) all above zero
    caught: NDArray[np.float64]  # (d, 2 p + 1, s)


def _require_record(record: Record, grid: Grid) -> None:
    require_points(grid.x_m, grid.y_m)
    require_same_length(x_m=grid.x_m, area_m2=grid.area_m2)
    if not grid.area_m2.size:
        raise TooFewObservations("no-cells", n=0)
    require_areas(grid.area_m2)
    require_points(record.x_m, record.y_m)
    require_same_length(
        x_m=record.x_m, cell=record.cell, events=record.events, period=record.period
    )
    require_weights(record.events.astype(np.float64))
    unknown = (record.cell < OUTSIDE) | (record.cell >= grid.area_m2.size)
    if unknown.any():
        raise InvalidParameter("unknown-cell", cell=int(record.cell[unknown][0]))


def _origins(record: Record, choice: RollingOrigin) -> range:
    """List the first periods that were not looked at."""
    needed = choice.train_periods + choice.test_periods
    first, last = (0, -1) if not record.period.size else _span(record.period)
    if last - first + 1 < needed:
        raise TooFewObservations("too-few-periods", n=last - first + 1, needed=needed)
    return range(first + choice.train_periods, last - choice.test_periods + 2, choice.step_periods)


def _span(period: NDArray[np.int64]) -> tuple[int, int]:
    return int(period.min()), int(period.max())


def _fold(
    record: Record,
    grid: Grid,
    products: Mapping[str, Product],
    choice: RollingOrigin,
    at: int,
) -> _Fold:
    """Make every map of what lies before `at` and hold it against what came after."""
    past = _between(record, at - choice.train_periods, at)
    future = _between(record, at, at + choice.test_periods)
    size = grid.area_m2.size
    before = _count(past, size)
    after = _count(future, size)
    scores = [_score(name, product, past, grid) for name, product in products.items()]
    picked = np.stack(
        [hot_parts(score, grid.area_m2, choice.area_shares) for score in scores], axis=1
    )
    came = after > 0
    return _Fold(
        origin=Origin(at, int(before.sum()), int(after.sum())),
        observed=after[came],
        parts=_parts(picked, after, grid.area_m2, choice.area_shares)[came],
        promised=np.tensordot(before, picked, axes=1),
    )


def _between(record: Record, first: int, end: int) -> Past:
    row = (record.period >= first) & (record.period < end) & (record.cell != OUTSIDE)
    return Past(record.x_m[row], record.y_m[row], record.cell[row], record.events[row])


def _count(rows: Past, size: int) -> NDArray[np.float64]:
    return np.bincount(rows.cell, rows.events, size).astype(np.float64)


def _score(name: str, product: Product, past: Past, grid: Grid) -> NDArray[np.float64]:
    """Ask one map; the map of an empty past prefers no cell."""
    if not past.events.any():
        return np.zeros(grid.area_m2.size)
    score = product(past, grid)
    if score.shape != grid.area_m2.shape:
        raise InvalidParameter("shapes-differ", **{name: score.shape, "grid": grid.area_m2.shape})
    if not np.isfinite(score).all():
        raise InvalidParameter("score-not-finite")
    return score


def _parts(
    picked: NDArray[np.float64],
    after: NDArray[np.float64],
    area_m2: NDArray[np.float64],
    area_shares: tuple[float, ...],
) -> NDArray[np.float64]:
    """Stack what p products pick (m, p, s) on what perfect maps pick -> (m, 2 p + 1, s).

    Rows p to 2 p - 1 are the best ranking of as many cells as each product picked, scaled to the
    same area, so that product / best is PEI; the last row is the best use of the area itself.
    """
    shares = np.array(area_shares)
    cells = picked.sum(axis=0)
    ranked = best_parts_by_rank(after, area_m2, cells.ravel()).reshape(picked.shape)
    taken = np.tensordot(area_m2, ranked, axes=1) / area_m2.sum()
    best = hot_parts(after / area_m2, area_m2, area_shares)
    return np.concatenate([picked, ranked * (shares / taken), best[:, None, :]], axis=1)


def _pooled(folds: list[_Fold], baseline: int) -> _Pooled:
    products = folds[0].promised.shape[0]
    caught = np.zeros(folds[0].parts.shape[1:])
    promised, parted = np.zeros(folds[0].promised.shape), np.zeros(folds[0].promised.shape)
    for fold in folds:
        picked = fold.parts[:, :products]
        apart = np.abs(picked - picked[:, baseline : baseline + 1])
        caught += np.tensordot(fold.observed, fold.parts, axes=1)
        parted += np.tensordot(fold.observed, apart, axes=1)
        promised += fold.promised
    came = float(sum(fold.origin.tested for fold in folds))
    trained = float(sum(fold.origin.trained for fold in folds))
    return _Pooled(came, trained, caught, promised, parted)


def _drawn(folds: list[_Fold], draws: int, rng: np.random.Generator) -> _Drawn:
    """Draw origins with replacement, then as many events in each as came."""
    drawn = rng.integers(len(folds), size=(draws, len(folds)))
    caught, came = np.zeros((draws, *folds[0].parts.shape[1:])), np.zeros(draws)
    for number, fold in enumerate(folds):
        if not fold.origin.tested:
            continue
        row = np.nonzero(drawn == number)[0]
        share = fold.observed / fold.observed.sum()
        block = max(1, _DRAWN_AT_ONCE // share.size)
        for start in range(0, row.size, block):
            into = row[start : start + block]
            events = rng.multinomial(fold.origin.tested, share, size=into.size).astype(np.float64)
            np.add.at(caught, into, np.tensordot(events, fold.parts, axes=1))
            np.add.at(came, into, fold.origin.tested)
    some = came > 0  # all origins drawn may be ones after which nothing came
    return _Drawn(came[some], caught[some])


def _scores(
    pooled: _Pooled, drawn: _Drawn, names: list[str], choice: RollingOrigin
) -> tuple[Score, ...]:
    """Turn sums into indices, intervals and findings."""
    count, level = len(names), choice.level
    shares = np.array(choice.area_shares)
    caught, ranked, best = _split(pooled.caught, count)
    drawn_caught, drawn_ranked, drawn_best = _split(drawn.caught, count)
    rate = caught / pooled.came
    low, high = _hit_rate_interval(pooled, drawn, count, level)
    pei, pei_star = caught / ranked, np.minimum(caught / best, 1.0)
    pei_low, pei_high = _percentiles(quotient(drawn_caught, drawn_ranked), pei, level)
    star = np.minimum(quotient(drawn_caught, np.broadcast_to(drawn_best, drawn_caught.shape)), 1.0)
    star_low, star_high = _percentiles(star, pei_star, level)
    promised = pooled.promised / pooled.trained if pooled.trained else np.zeros_like(rate)
    difference, band = _differences(pooled, drawn, names.index(choice.baseline), level)
    columns = {
        "hit_rate": rate,
        "hit_rate_low": low,
        "hit_rate_high": high,
        "pai": rate / shares,
        "pai_low": low / shares,
        "pai_high": high / shares,
        "pei": pei,
        "pei_low": pei_low,
        "pei_high": pei_high,
        "pei_star": pei_star,
        "pei_star_low": star_low,
        "pei_star_high": star_high,
        "rri": quotient(promised, rate),
        "difference": difference,
        "difference_low": difference - band,
        "difference_high": difference + band,
    }
    return tuple(
        Score(
            product=name,
            area_share=share,
            **{column: float(values[p, s]) for column, values in columns.items()},
            finding=_finding(name, (p, s), columns, pooled, choice),
        )
        for p, name in enumerate(names)
        for s, share in enumerate(choice.area_shares)
    )


def _split(
    caught: NDArray[np.float64], products: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Undo `_parts`: what products caught, what their best rankings caught, what the best did."""
    return (
        caught[..., :products, :],
        caught[..., products : 2 * products, :],
        caught[..., 2 * products :, :],
    )


def _hit_rate_interval(
    pooled: _Pooled, drawn: _Drawn, products: int, level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Take the wider of the bootstrap and the exact binomial interval, at each end."""
    hits = np.minimum(pooled.caught[:products], pooled.came)
    exact_low, exact_high = binomial_interval(hits, pooled.came, level)
    rates = drawn.caught[:, :products] / drawn.came[:, None, None]
    low, high = _percentiles(rates, hits / pooled.came, level)
    return np.minimum(low, exact_low), np.maximum(high, exact_high)


def _percentiles(
    draws: NDArray[np.float64], estimate: NDArray[np.float64], level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the interval of each estimate (p, s) from its draws (d, p, s).

    A ratio whose draw held nothing below the line is undefined and counts as the estimate.
    """
    defined = np.where(np.isfinite(draws), draws, estimate)
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return np.minimum(low, estimate), np.maximum(high, estimate)


def _differences(
    pooled: _Pooled, drawn: _Drawn, baseline: int, level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give each hit rate less the baseline's (p, s) and half the width of its band."""
    products = pooled.promised.shape[0]
    caught, drawn_caught = pooled.caught[:products], drawn.caught[:, :products]
    difference = (caught - caught[baseline]) / pooled.came
    draws = (drawn_caught - drawn_caught[:, baseline : baseline + 1]) / drawn.came[:, None, None]
    spread = draws.std(axis=0)
    moves = spread > _ROUNDING
    if not moves.any():
        return difference, np.zeros_like(difference)
    farthest = (np.abs(draws - difference)[:, moves] / spread[moves]).max(axis=1)
    return difference, spread * np.quantile(farthest, level)


def _finding(
    name: str,
    at: tuple[int, int],
    columns: Mapping[str, NDArray[np.float64]],
    pooled: _Pooled,
    choice: RollingOrigin,
) -> Finding:
    """Say in one word what the band and the number of events allow."""
    if name == choice.baseline:
        return Finding.BASELINE
    if pooled.came < choice.fewest_events:
        return Finding.TOO_FEW
    if pooled.parted[at] < choice.fewest_events:
        return Finding.NO_DIFFERENCE
    if columns["difference_low"][at] > 0:
        return Finding.BETTER
    return Finding.NAIVE_WINS if columns["difference_high"][at] < 0 else Finding.NO_DIFFERENCE
