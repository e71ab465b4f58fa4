"""Which kinds of place lie near incidents more often than chance allows, and how near.

The answer is co-location: incidents and, say, lighting gaps lie near each other more often than
comparable places and lighting gaps do. It is never a cause; one busy path may have brought both
the incidents and the walkers who noticed that it is dark.

What is compared with what
--------------------------
The caller gives the events and *controls*: where an event could have been, with the weight of
each (addresses, points along streets, or cell centres with the area of the cell). A place within
d of the nearest feature is compared with the other places *of the same square* of `block_m`
metres, so that features of a kind that all stand in a busy part of town do not look dangerous for
that alone. With N_g events in square g, n_g of them near, and the share p_g of its control weight
near, the relative risk over all squares is that of Mantel and Haenszel,

    ratio = sum of n_g (1 - p_g) / sum of (N_g - n_g) p_g,

with one square simply (events near / exposure near) / (events elsewhere / exposure elsewhere).
Events and controls must be able to lie in the same spots: events on addresses and controls on
streets differ in their distances for that reason alone.

Why the uncertainty is taken from squares, not from events
----------------------------------------------------------
Events stack on addresses and features come in groups, and each alone breaks a test that takes
events as independent: one busy corner with one tunnel would make "tunnels" significant. So a
square is the unit: the test flips the sign of what each square adds, the interval leaves out one
square at a time, and a kind is established only where it holds over many squares. Redistributing
single events among the controls, which is often done, answers a narrower question (do *these*
features have more events around them?) and calls up to every second random pattern significant
when events are clustered. The tests simulate both.

What remains: squares beside each other may be alike (let `block_m` be at least twice the largest
distance and the width of a hot spot; what is much larger than a square is compared away); how
densely built a spot is within its square; features that were looked for where incidents were
already known; features recorded at another time than the events; kinds that stand together, of
which each gets the credit of the other, because every kind is judged by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats
from scipy.spatial import cKDTree

from geo.checks import (
    require_fraction,
    require_points,
    require_positive,
    require_same_length,
    require_weights,
)
from geo.errors import InvalidParameter, TooFewObservations
from geo.significance import false_discovery_rate
from geo.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_AT_ONCE = 64  # sign flips in memory at the same time
_SAME = 1e-9  # sums closer than this are the same sum, added in another order


@dataclass(frozen=True, slots=True)
class Spots:
    """Weighted points in metres: events, or places where events could be."""

    x_m: NDArray[np.float64]  # (n,)
    y_m: NDArray[np.float64]  # (n,)
    weight: NDArray[np.float64]  # (n,) whole events, or how much could happen here

    def __post_init__(self) -> None:
        """Refuse what no later code should have to think about."""
        require_points(self.x_m, self.y_m)
        require_same_length(x_m=self.x_m, weight=self.weight)
        require_weights(self.weight)


@dataclass(frozen=True, slots=True)
class Walked:
    """How far a walk is taken to have looked."""

    reach_m: float = 100.0

    def __post_init__(self) -> None:
        """Refuse a reach of nothing."""
        require_positive(reach_m=self.reach_m)


@dataclass(frozen=True, slots=True)
class Beside:
    """How near two features stand to count as one combined feature."""

    within_m: float = 25.0

    def __post_init__(self) -> None:
        """Refuse a distance of nothing."""
        require_positive(within_m=self.within_m)


@dataclass(frozen=True, slots=True)
class Colocation:
    """Which distances are tried, what is compared, and what is asked before a kind is named."""

    distances_m: tuple[float, ...] = (25.0, 50.0, 75.0, 100.0, 150.0, 200.0)
    block_m: float = 500.0  # side of the squares within which places are compared
    most_near: float = 0.5  # where more of the exposure than this is near, "near" says nothing
    level: float = 0.95
    rounds: int = 999  # sign flips
    fewest_events: int = 10  # within the distance
    fewest_sites: int = 6  # with fewer, no flip of signs is rare enough to reach 0.05

    def __post_init__(self) -> None:
        """Refuse distances out of order, parts that are none, and numbers that are not positive."""
        values = np.array(self.distances_m, dtype=float)
        rising = np.isfinite(values).all() and (np.diff(values, prepend=0.0) > 0).all()
        if not (values.size and rising):
            raise InvalidParameter("distances-not-rising", distances_m=self.distances_m)
        require_fraction(most_near=self.most_near, level=self.level)
        require_positive(
            block_m=self.block_m,
            rounds=self.rounds,
            fewest_events=self.fewest_events,
            fewest_sites=self.fewest_sites,
        )


@dataclass(frozen=True, slots=True)
class Colocated:
    """One kind of feature: the answer at the distance that stands out most, and every distance."""

    kind: str
    distance_m: float  # the one of `distances_m` that stands out most; within = at most so far
    n_near: float  # events within it
    expected: float  # what would lie within it at the level of the rest of the same squares
    ratio: float  # n_near / expected; infinite: no event elsewhere; not a number: no comparison
    low: float  # holds at all usable distances at once, so that choosing one of them is paid for
    high: float
    p: float  # one-sided, paid for the choice of distance; not a number where it is too few
    q: float  # p adjusted over the kinds that can be judged (Benjamini-Hochberg)
    sites: int  # squares that hold such a feature and have something to compare
    bears_percentage: bool  # n_near is large enough for a percentage to be shown
    verdict: Verdict
    distances_m: NDArray[np.float64]  # (d,)
    near: NDArray[np.float64]  # (d,) events within each
    expected_near: NDArray[np.float64]  # (d,)
    ratios: NDArray[np.float64]  # (d,)
    lows: NDArray[np.float64]  # (d,)
    highs: NDArray[np.float64]  # (d,)


def walked(spots: Spots, observations: NDArray[np.float64], choices: Walked | None = None) -> Spots:
    """Tell which events or places lie where somebody has walked and looked.

    Observations exist only where walks went. Use this on the events *and* on the controls before
    `colocation` when the features are observations; otherwise the comparison is between walked
    and unwalked ground.

    Parameters
    ----------
    spots
        Events or controls, metres.
    observations
        (w, 2) metres: every observation of every kind from every walk, safe places too.
    choices
        How far a walk looks.

    Returns
    -------
    The spots at most `reach_m` from an observation, in their own order; none without observations.

    Raises
    ------
    InvalidParameter
        Coordinates are not finite or not pairs, `reach_m` is not positive.

    Notes
    -----
    What remains: a walk that saw nothing leaves no trace here; walkers stop where they already
    worry; the reach is the same in a tunnel and on a square; and walks are held in some areas,
    at some hours, and not in others.
    """
    choices = choices or Walked()
    distance = _nearest(spots, _positions(observations), choices.reach_m)
    seen = distance <= choices.reach_m
    return Spots(spots.x_m[seen], spots.y_m[seen], spots.weight[seen])


def combined(
    first: NDArray[np.float64], second: NDArray[np.float64], choices: Beside | None = None
) -> NDArray[np.float64]:
    """Tell where a feature of one kind stands beside one of another kind.

    Parameters
    ----------
    first, second
        (a, 2) and (b, 2) metres, such as lighting gaps and tunnels.
    choices
        How near is beside.

    Returns
    -------
    (c, 2) those of `first` that have one of `second` at most `within_m` away, in their own order.
    It is not symmetric: a gap beside a tunnel stands where the gap is.

    Raises
    ------
    InvalidParameter
        Coordinates are not finite or not pairs, `within_m` is not positive.
    """
    choices = choices or Beside()
    own = _positions(first)
    spots = Spots(own[:, 0], own[:, 1], np.ones(len(own)))
    distance = _nearest(spots, _positions(second), choices.within_m)
    return own[distance <= choices.within_m].copy()


def colocation(
    incidents: Spots,
    controls: Spots,
    features: Mapping[str, NDArray[np.float64]],
    rng: np.random.Generator,
    choices: Colocation | None = None,
) -> tuple[Colocated, ...]:
    r"""Tell which kinds of feature lie near incidents more than chance allows, and how near.

    Parameters
    ----------
    incidents
        Events; `weight` is whole events (share of the window at least one half).
    controls
        Where events could have been, with the weight of each. They are taken as the whole
        ground, not as a sample: draw many times more of them than there are events.
    features
        Positions (k, 2) in metres of each kind, under its name; a kind may be empty.
    rng
        Draws the sign flips.
    choices
        Distances, squares, and what is asked before a kind is named.

    Returns
    -------
    One `Colocated` for each kind, in the order of `features`. Its verdict is

    - *too few* where no distance has `fewest_events` near and something to compare with, or where
      fewer than `fewest_sites` squares say anything;
    - *not raised* where the ratio is at most 1 or p above 1 - `level`: no evidence, not calm;
    - *established* where q is at most 1 - `level` and the interval lies above 1;
    - *uncertain* otherwise.

    Raises
    ------
    InvalidParameter
        Coordinates are not finite or not pairs, shapes differ, weights are negative.
    TooFewObservations
        There is no event or no control weight at all.

    Notes
    -----
    In square g with control weight E_g, of which the share p_g lies within d of a feature of the
    kind, and N_g events, of which n_g near: R_g = n_g (1 - p_g), S_g = (N_g - n_g) p_g and
    ratio = sum R / sum S (Mantel & Haenszel 1959, doi:10.1093/jnci/22.4.719; events over exposure:
    Rothman, Greenland & Lash 2008, ch. 15). Squares without controls compare nothing and their
    events are left out. The squares begin at the south-west corner of all events and controls.

    *Test*: U_g = R_g - S_g = n_g - N_g p_g. For each distance
    :math:`T_d = \sum_g U_g / \sqrt{\sum_g U_g^2}`; the largest T over the usable distances is
    compared with what it is when every square's sign is drawn by lot, the same for all distances
    (Westfall & Young 1993; sign flips: Canay, Romano & Shaikh 2017, doi:10.3982/ECTA13081).
    *Interval*: the variance of log ratio is the sum over squares of the squared change when the
    square is left out (jack-knife; never below that of Poisson events, Greenland & Robins 1985,
    doi:10.2307/2530643). It is widened by the critical value of the largest |T| over the usable
    distances in Student's form, at least by Student's own, and read as an exact Poisson interval
    for the effective number of events, 1 / variance (in the manner of Korn & Graubard 1998). Where
    no event is near, the upper limit is Poisson's for none, times the mean stack of events on one
    coordinate.

    Every kind is judged by itself. Order of events, controls and kinds does not matter, except to
    the last digit of sums of weights that are not whole. Nothing about time is known here.
    The calibration is in tests/unit/test_risk_terrain.py.
    """
    choices = choices or Colocation()
    if not incidents.weight.sum() > 0:
        raise TooFewObservations("no-events", n=0)
    if not controls.weight.sum() > 0:
        raise TooFewObservations("no-controls", n=0)
    ground = _ground(incidents, controls, choices.block_m)
    tables = {kind: _table(ground, _positions(xy), choices) for kind, xy in features.items()}
    flips = rng.integers(
        0,
        2,
        (max((table.excess.shape[0] for table in tables.values()), default=0), choices.rounds),
        dtype=np.int8,
    )
    judged = {kind: _judge(table, flips, choices) for kind, table in tables.items()}
    known = [kind for kind, each in judged.items() if np.isfinite(each.p)]
    q = dict.fromkeys(judged, np.nan)
    if known:
        adjusted = false_discovery_rate(np.array([judged[kind].p for kind in known]))
        q.update(zip(known, adjusted.tolist(), strict=True))
    return tuple(_told(kind, tables[kind], judged[kind], q[kind], choices) for kind in features)


@dataclass(frozen=True, slots=True)
class _Ground:
    """Events and controls with the square of each; g squares."""

    incidents: Spots
    controls: Spots
    square: NDArray[np.complex128]  # (g,) column and row of each square, sorted
    of_incident: NDArray[np.intp]  # (n,)
    of_control: NDArray[np.intp]  # (m,)
    corner: tuple[float, float]
    block_m: float
    stack: float  # events on one coordinate, as an event sees it; at least 1


@dataclass(frozen=True, slots=True)
class _Table:
    """One kind: k squares that say something, d distances."""

    near: NDArray[np.float64]  # (d,)
    share: NDArray[np.float64]  # (d,) of the exposure near
    gain: NDArray[np.float64]  # (k, d) R
    loss: NDArray[np.float64]  # (k, d) S
    excess: NDArray[np.float64]  # (k, d) R - S
    floor: NDArray[np.float64]  # (d,) variance of log ratio if events were independent
    indirect: NDArray[np.float64]  # (d,) expected near, square by square
    sites: int
    stack: float


@dataclass(frozen=True, slots=True)
class _Judged:
    """One kind: the chosen distance, its p, and the intervals."""

    best: int
    p: float
    ratio: NDArray[np.float64]  # (d,)
    low: NDArray[np.float64]  # (d,)
    high: NDArray[np.float64]  # (d,)


def _positions(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Refuse what is not (k, 2) finite metres; an empty array of any shape is no positions."""
    if not points.size:
        return np.empty((0, 2))
    if points.ndim != 2 or points.shape[1] != 2:  # noqa: PLR2004 - x and y
        raise InvalidParameter("positions-not-pairs", shape=points.shape)
    require_points(points[:, 0], points[:, 1])
    return points


def _nearest(spots: Spots, positions: NDArray[np.float64], most_m: float) -> NDArray[np.float64]:
    """Give the distance to the nearest position, infinite where it is clearly beyond `most_m`."""
    if not (len(positions) and spots.x_m.size):
        return np.full(spots.x_m.shape, np.inf)
    tree = cKDTree(positions)
    points = np.column_stack([spots.x_m, spots.y_m])
    distance, _ = tree.query(points, distance_upper_bound=1.001 * most_m)
    return np.asarray(distance, dtype=np.float64)


def _ground(incidents: Spots, controls: Spots, block_m: float) -> _Ground:
    """Lay the squares over the ground."""
    corner = (
        float(min(controls.x_m.min(), incidents.x_m.min())),
        float(min(controls.y_m.min(), incidents.y_m.min())),
    )
    own = _squares(incidents.x_m, incidents.y_m, corner, block_m)
    other = _squares(controls.x_m, controls.y_m, corner, block_m)
    square, which = np.unique(np.concatenate([own, other]), return_inverse=True)
    at, where = np.unique(incidents.x_m + 1j * incidents.y_m, return_inverse=True)
    held = np.bincount(where, incidents.weight, at.size)
    stack = max(float((held**2).sum() / held.sum()), 1.0)
    return _Ground(
        incidents, controls, square, which[: own.size], which[own.size :], corner, block_m, stack
    )


def _squares(
    x_m: NDArray[np.float64], y_m: NDArray[np.float64], corner: tuple[float, float], side: float
) -> NDArray[np.complex128]:
    """Give the column and row of each point's square as one sortable number."""
    column, row = np.floor((x_m - corner[0]) / side), np.floor((y_m - corner[1]) / side)
    return np.asarray(column + 1j * row, dtype=np.complex128)


def _table(ground: _Ground, positions: NDArray[np.float64], choices: Colocation) -> _Table:
    """Count one kind in every square within every distance."""
    distances = np.array(choices.distances_m, dtype=float)
    near = _within(ground.incidents, ground.of_incident, ground.square.size, positions, distances)
    exposure = _within(ground.controls, ground.of_control, ground.square.size, positions, distances)
    compared = exposure[:, -1] > 0
    near, exposure = near[compared], exposure[compared]
    events, near = near[:, -1:], near[:, :-1]
    share = exposure[:, :-1] / exposure[:, -1:]
    gain, loss = near * (1 - share), (events - near) * share
    says = ((gain > 0) | (loss > 0)).any(axis=1)
    with_feature = np.isin(
        ground.square[compared],
        _squares(positions[:, 0], positions[:, 1], ground.corner, ground.block_m),
    )
    rest = np.divide(1.0, 1 - share, out=np.zeros(share.shape), where=share < 1)
    return _Table(
        near=near.sum(axis=0),
        share=exposure[:, :-1].sum(axis=0) / exposure[:, -1].sum(),
        gain=gain[says],
        loss=loss[says],
        excess=(gain - loss)[says],
        floor=_over(
            (events * share * (1 - share)).sum(axis=0), gain.sum(axis=0) * loss.sum(axis=0)
        ),
        indirect=(loss * rest).sum(axis=0),
        sites=int((says & with_feature).sum()),
        stack=ground.stack,
    )


def _over(top: NDArray[np.float64], bottom: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide; nothing by nothing is 0."""
    return np.divide(top, bottom, out=np.zeros(top.shape), where=bottom > 0)


def _within(
    spots: Spots,
    square: NDArray[np.intp],
    squares: int,
    positions: NDArray[np.float64],
    distances: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Sum the weight in each square within each distance; the last column holds all of it."""
    step = np.searchsorted(distances, _nearest(spots, positions, distances[-1]))
    columns = distances.size + 1
    cells = np.bincount(square * columns + step, spots.weight, squares * columns)
    return np.asarray(cells.reshape(squares, columns).cumsum(axis=1), dtype=np.float64)


def _judge(table: _Table, flips: NDArray[np.int8], choices: Colocation) -> _Judged:
    """Choose the distance that stands out most and pay for the choice."""
    gain, loss = table.gain.sum(axis=0), table.loss.sum(axis=0)
    usable = (gain > 0) & (loss > 0) & (table.near >= choices.fewest_events)
    usable &= table.share <= choices.most_near
    score = _normalised(table.excess)
    total = score.sum(axis=0)
    best = (
        int(np.argmax(np.where(usable, total, -np.inf))) if usable.any() else int(np.argmax(total))
    )
    p = np.nan
    critical = np.inf
    left_out = _left_out(table)
    if usable.any() and table.sites >= choices.fewest_sites:
        signs = flips[: len(score)]
        largest = _flipped(score[:, usable], signs).max(axis=1)
        p = float((1 + (largest >= total[best] - _SAME).sum()) / (choices.rounds + 1))
        either = np.abs(_flipped(_normalised(left_out)[:, usable], signs)).max(axis=1)
        critical = float(np.quantile(either, choices.level, method="higher"))
    ratio, low, high = _intervals(table, left_out, critical, choices.level)
    return _Judged(best, p, ratio, low, high)


def _normalised(parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale each column to length 1; a column of zeros stays."""
    length = np.sqrt((parts**2).sum(axis=0))
    return _over(parts, np.broadcast_to(length, parts.shape))


def _flipped(parts: NDArray[np.float64], flips: NDArray[np.int8]) -> NDArray[np.float64]:
    """Sum the columns with signs by lot: (k, d) and (k, r) -> (r, d)."""
    sums = [
        (2.0 * flips[:, first : first + _AT_ONCE].T - 1) @ parts
        for first in range(0, flips.shape[1], _AT_ONCE)
    ]
    return np.concatenate(sums)


def _left_out(table: _Table) -> NDArray[np.float64]:
    """Tell how log ratio changes when one square is left out: (k, d).

    Where nothing would be left, the change is as large as one that halves and doubles fifty times.
    """
    whole = np.zeros(table.gain.shape)
    for parts, sign in ((table.gain, 1.0), (table.loss, -1.0)):
        total = parts.sum(axis=0)
        rest = np.maximum(1 - _over(parts, np.broadcast_to(total, parts.shape)), 2.0**-50)
        whole -= sign * np.log(rest)
    return whole


def _intervals(
    table: _Table, left_out: NDArray[np.float64], critical: float, level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Give the ratio at each distance and its interval, wide enough for all of them at once."""
    gain, loss = table.gain.sum(axis=0), table.loss.sum(axis=0)
    ratio = np.full(gain.shape, np.nan)
    ratio[gain > 0] = np.inf
    np.divide(gain, loss, out=ratio, where=loss > 0)
    low, high = np.zeros(gain.shape), np.full(gain.shape, np.inf)
    tail = (1 - level) / 2

    none = (gain == 0) & (table.indirect > 0)
    high[none] = stats.gamma.isf(tail, 1) * table.stack / table.indirect[none]

    squares = len(left_out)
    both = (gain > 0) & (loss > 0)
    if both.any() and squares > 1 and critical**2 < squares - _SAME:
        alone = float(stats.t.isf(tail, squares - 1)) ** 2
        student = max(critical**2 * (squares - 1) / (squares - critical**2), alone)
        variance = np.maximum((left_out**2).sum(axis=0), table.floor)[both]
        effective = stats.norm.isf(tail) ** 2 / (variance * student)
        low[both] = ratio[both] * stats.gamma.ppf(tail, effective) / effective
        high[both] = ratio[both] * stats.gamma.isf(tail, effective + 1) / effective
    return ratio, low, high


def _told(kind: str, table: _Table, judged: _Judged, q: float, choices: Colocation) -> Colocated:
    """Put the answer for one kind together."""
    best = judged.best
    ratio, low = float(judged.ratio[best]), float(judged.low[best])
    expected = table.indirect.copy()
    np.divide(
        table.near, judged.ratio, out=expected, where=(judged.ratio > 0) & (judged.ratio < np.inf)
    )
    error = 1 - choices.level
    verdict = Verdict.UNCERTAIN
    if np.isnan(judged.p):
        verdict = Verdict.TOO_FEW
    elif judged.p > error or not ratio > 1:
        verdict = Verdict.NOT_RAISED
    elif q <= error and low > 1:
        verdict = Verdict.ESTABLISHED
    return Colocated(
        kind=kind,
        distance_m=float(choices.distances_m[best]),
        n_near=float(table.near[best]),
        expected=float(expected[best]),
        ratio=ratio,
        low=low,
        high=float(judged.high[best]),
        p=judged.p,
        q=float(q),
        sites=table.sites,
        bears_percentage=bool(table.near[best] >= choices.fewest_events),
        verdict=verdict,
        distances_m=np.array(choices.distances_m, dtype=float),
        near=table.near,
        expected_near=expected,
        ratios=judged.ratio,
        lows=judged.low,
        highs=judged.high,
    )
