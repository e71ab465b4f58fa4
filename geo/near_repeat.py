"""Near repeats: whether events close to each other also come soon after each other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from geo.checks import require_points, require_positive, require_same_length
from geo.errors import InvalidParameter
from geo.significance import false_discovery_rate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

DAY_S = 86_400
MOST_COMPARED = 1_000_000_000  # some 30 seconds
_BLOCK = 262_144  # pairs looked at together: they stay in the cache
_SAME_PLACE = float(np.nextafter(0.0, 1.0))  # a square below it is zero


SHORTEST_DAYS = 1 / 86_400


def _require_edges(**edges: tuple[float, ...]) -> None:
    """Refuse edges that do not rise from above zero."""
    for name, values in edges.items():
        least = SHORTEST_DAYS if name == "time_edges_days" else 0.0  # times are whole seconds
        if not values or not np.isfinite(values).all() or values[0] <= least:
            raise InvalidParameter("bands-not-positive", name=name, values=values)
        if (np.diff(values) <= 0).any():
            raise InvalidParameter("bands-not-rising", name=name, values=values)


@dataclass(frozen=True, slots=True)
class NearRepeat:
    """The bands of distance and time: each holds its lower edge and not its upper one.

    Distances: exactly 0 (the same place) is a band of its own, then (0, a), [a, b) and so on.
    Times: [0, a), [a, b) and so on.
    """

    distance_edges_m: tuple[float, ...] = (100.0, 200.0, 300.0, 400.0, 500.0)
    time_edges_days: tuple[float, ...] = (2.0, 4.0, 7.0, 14.0, 28.0)
    rounds: int = 999  # of random re-dating; p can be no smaller than 1 / (rounds + 1)
    most_pairs: int = 10_000_000  # held at once, 40 bytes each

    def __post_init__(self) -> None:
        """Refuse bands that overlap and a test without rounds."""
        _require_edges(distance_edges_m=self.distance_edges_m, time_edges_days=self.time_edges_days)
        require_positive(rounds=self.rounds, most_pairs=self.most_pairs)


@dataclass(frozen=True, slots=True)
class NearRepeatTable:
    """Pairs of events by distance (rows, the same place first) and time between them (columns)."""

    distance_bands_m: tuple[tuple[float, float], ...]  # (d + 1) lower and upper edge; (0, 0) first
    time_bands_days: tuple[tuple[float, float], ...]  # (t) lower and upper edge
    observed: NDArray[np.int64]  # (d + 1, t) pairs
    expected: NDArray[np.float64]  # (d + 1, t) exact mean over every re-dating: product of margins
    ratio: NDArray[np.float64]  # (d + 1, t) observed / expected; nan where nothing is expected
    low: NDArray[np.float64]  # (d + 1, t) 2.5 % of re-datings have at most so many pairs
    high: NDArray[np.float64]  # (d + 1, t) and 97.5 % at most so many
    p: NDArray[np.float64]  # (d + 1, t) share of re-datings with at least the observed pairs
    q: NDArray[np.float64]  # (d + 1, t) p adjusted for all cells (Benjamini-Hochberg)
    pairs_in_distance: NDArray[np.int64]  # (d + 1,) whatever their time
    pairs_in_time: NDArray[np.int64]  # (t,) whatever their distance
    pairs: int  # n (n - 1) / 2
    rounds: int


@dataclass(frozen=True, slots=True)
class Knox:
    """How near and how soon is close: below, not at, these limits."""

    distance_m: float
    time_days: float

    def __post_init__(self) -> None:
        """Refuse limits nothing can lie below."""
        require_positive(distance_m=self.distance_m, time_days=self.time_days)
        _require_edges(time_edges_days=(self.time_days,))


@dataclass(frozen=True, slots=True)
class KnoxTest:
    """Knox's two-by-two table: rows near and far, columns soon and late."""

    observed: NDArray[np.int64]  # (2, 2) pairs; [0, 0], near and soon, is the statistic
    expected: NDArray[np.float64]  # (2, 2) product of the margins
    ratio: float  # of the statistic; nan where nothing is expected
    p: float  # Poisson, P(X >= statistic)
    p_beyond: float  # Poisson, P(X > statistic): what pointpats calls p_poisson; too hopeful


def near_repeat(
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    start: NDArray[np.datetime64],
    choice: NearRepeat,
    rng: np.random.Generator,
) -> NearRepeatTable:
    r"""Tell at which distances and delays an event is followed by more events than chance brings.

    Parameters
    ----------
    x_m, y_m
        (n,) coordinates in a metric system.
    start
        (n,) ``datetime64`` UTC, whole seconds count; dates will do. An event of uncertain time
        stands at its start: leave out those that last longer than the first time band.
    choice
        Bands and rounds.
    rng
        Source of the re-datings; the same state gives the same p. Only `low`, `high`, `p` and
        `q` depend on it.

    Returns
    -------
    Observed and expected pairs per band, their ratio, and how often chance reaches as many.
    Fewer than two events give a table of zeros with p = 1.

    Raises
    ------
    InvalidParameter
        Lengths differ, coordinates are not finite, a start is missing, or more than `most_pairs`
        pairs lie within the last distance and more than that within the last time, or more than
        10^9 pairs about the last distance: choose narrower bands.

    Notes
    -----
    Knox (1964), doi:10.2307/2985220; tested by re-dating: times are shuffled over places, which
    keeps the places with their stacks and the seasons as they are (Johnson et al. 2007,
    doi:10.1007/s10940-007-9025-3). The mean over all :math:`n!` re-datings is known exactly,
    :math:`E_{ij} = D_i T_j / N` of the margins, so the ratio has no noise. One-sided
    :math:`p = (1 + \#\{sim \ge obs\}) / (1 + rounds)`.

    Held are only the pairs within the last distance or, if fewer, those within the last time,
    at most `most_pairs` of them (40 bytes and, per round, 10 ns each). The order of the input
    does not matter, to p neither.
    The Near Repeat Calculator 1.3 writes "a to b" for [a - 1, b); here a band is what it says.
    Hot places and hot periods alone make no near repeats; a place that was hot for a time does.
    No edge correction. Checked against direct counting, and in tests/golden against the numbers
    of pointpats.
    """
    pairs = _pairs(x_m, y_m, start, choice)
    n = x_m.size
    observed = pairs.table(np.arange(n))
    drawn = np.stack([pairs.table(rng.permutation(n)) for _ in range(choice.rounds)])
    expected = np.outer(pairs.in_distance, pairs.in_time) / max(pairs.total, 1)
    ratio = np.full(expected.shape, np.nan)
    np.divide(observed, expected, out=ratio, where=expected > 0)
    p = (1 + (drawn >= observed).sum(axis=0)) / (1 + choice.rounds)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0, method="inverted_cdf")
    return NearRepeatTable(
        distance_bands_m=tuple(pairwise((0.0, 0.0, *choice.distance_edges_m))),
        time_bands_days=tuple(pairwise((0.0, *choice.time_edges_days))),
        observed=observed,
        expected=expected,
        ratio=ratio,
        low=low,
        high=high,
        p=p,
        q=false_discovery_rate(p),
        pairs_in_distance=pairs.in_distance,
        pairs_in_time=pairs.in_time,
        pairs=pairs.total,
        rounds=choice.rounds,
    )


def knox(
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    start: NDArray[np.datetime64],
    choice: Knox,
) -> KnoxTest:
    r"""Tell whether more pairs of events are both near and soon than nearness alone would give.

    Parameters
    ----------
    x_m, y_m, start
        As for `near_repeat`.
    choice
        What is near and what is soon.

    Returns
    -------
    The two-by-two table, its expectation and Poisson's p. Fewer than two events: zeros and 1.

    Raises
    ------
    InvalidParameter
        As `near_repeat`.

    Notes
    -----
    :math:`E = D T / N`, product of the margins over all pairs, and Poisson's
    :math:`P(X \ge k)`: Knox (1964), doi:10.2307/2985220. Pairs share events, so this p is an
    approximation that is good only while closeness is rare; `near_repeat` shuffles instead.
    Checked against the numbers of pointpats (Burkitt), whose limits are inclusive and whose p
    counts only what lies beyond the statistic.
    """
    bands = NearRepeat((choice.distance_m,), (choice.time_days,), rounds=1)
    pairs = _pairs(x_m, y_m, start, bands)
    both = int(pairs.table(np.arange(x_m.size)).sum())
    near, soon = int(pairs.in_distance.sum()), int(pairs.in_time.sum())
    observed = np.array([[both, near - both], [soon - both, pairs.total - near - soon + both]])
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / max(pairs.total, 1)
    mean = float(expected[0, 0])
    return KnoxTest(
        observed=observed,
        expected=expected,
        ratio=both / mean if mean > 0 else float("nan"),
        p=float(stats.poisson.sf(both - 1, mean)),
        p_beyond=float(stats.poisson.sf(both, mean)),
    )


@dataclass(frozen=True, slots=True)
class _Measure:
    """One of the two ways to be close: where the events lie along it, and its bands."""

    lines: tuple[NDArray[np.float64], ...]  # each (n,): x and y, or seconds
    limits: tuple[float, ...]  # squares, rising; a gap belongs to the first band it is below

    def gaps(self, first: NDArray[np.integer], second: NDArray[np.integer]) -> NDArray[np.float64]:
        """Square the distance of pairs of events: no root, so that exact ties stay exact."""
        gap = np.zeros(first.shape)
        for line in self.lines:
            gap += (line[first] - line[second]) ** 2
        return gap

    def shuffled(self, order: NDArray[np.integer]) -> _Measure:
        """Let event i take the place, or the time, of event `order[i]`."""
        return _Measure(tuple(line[order] for line in self.lines), self.limits)


@dataclass(frozen=True, slots=True)
class _Held:
    """Pairs of events that are close by one measure, sorted by its bands."""

    first: NDArray[np.int32]  # (k,)
    second: NDArray[np.int32]  # (k,)
    ends: NDArray[np.int64]  # (bands + 1,) where each band begins; k last


@dataclass(frozen=True, slots=True)
class _Pairs:
    """The pairs that are close by one measure, ready to be counted by the other as well."""

    held: _Held
    other: _Measure
    by_distance: bool  # the one measure is distance
    in_distance: NDArray[np.int64]
    in_time: NDArray[np.int64]
    total: int  # n (n - 1) / 2

    def table(self, order: NDArray[np.integer]) -> NDArray[np.int64]:
        """Count pairs by distance and time when the other measure is shuffled."""
        other = self.other.shuffled(order)
        below = np.zeros((self.held.ends.size - 1, len(other.limits)), dtype=np.int64)
        for band, (begin, end) in enumerate(pairwise(self.held.ends.tolist())):
            for low in range(begin, end, _BLOCK):
                some = slice(low, min(low + _BLOCK, end))
                gaps = other.gaps(self.held.first[some], self.held.second[some])
                below[band] += [np.count_nonzero(gaps < limit) for limit in other.limits]
        counted = np.diff(below, axis=1, prepend=0)
        return counted if self.by_distance else counted.T


def _pairs(
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    start: NDArray[np.datetime64],
    choice: NearRepeat,
) -> _Pairs:
    """Count both margins, and hold the pairs of the measure by which fewer of them are close."""
    require_points(x_m, y_m)
    require_same_length(x_m=x_m, start=start)
    missing = int(np.isnat(start).sum())
    if missing:
        raise InvalidParameter("starts-missing", n=missing)
    when = start.astype("datetime64[s]").astype(np.int64).astype(np.float64)
    order = np.lexsort((when, y_m, x_m))  # so that p does not depend on the order of the input
    # A gap of whole seconds is below a limit if it is below the next whole second.
    seconds = [float(np.ceil(round(DAY_S * days, 6))) for days in choice.time_edges_days]
    place = _Measure(
        (x_m[order], y_m[order]),
        (_SAME_PLACE, *(metres**2 for metres in choice.distance_edges_m)),
    )
    time = _Measure((when[order],), tuple(second**2 for second in seconds))

    in_time = _counted(np.sort(when), seconds)
    soon = int(in_time.sum())
    # Where one measure makes too many pairs to hold, the other one has to do.
    bearable = MOST_COMPARED if soon <= choice.most_pairs else choice.most_pairs
    most = min(choice.most_pairs, soon)
    held, in_distance = _close(place, most, bearable)
    by_distance = int(in_distance.sum()) <= most
    if not by_distance:
        held, _ = _close(time, soon, soon)
    n = x_m.size
    return _Pairs(
        held=held,
        other=time if by_distance else place,
        by_distance=by_distance,
        in_distance=in_distance,
        in_time=in_time,
        total=n * (n - 1) // 2,
    )


def _counted(line: NDArray[np.float64], limits: list[float]) -> NDArray[np.int64]:
    """Count the pairs of sorted numbers by how far they lie apart, in each band."""
    here = np.arange(line.size)
    below = [int((np.searchsorted(line, line + up) - here - 1).sum()) for up in limits]
    return np.diff(below, prepend=0)


def _close(measure: _Measure, most: int, bearable: int) -> tuple[_Held, NDArray[np.int64]]:
    """Count the close pairs in each band, and hold them, or none if they are more than `most`.

    More than `bearable` are refused.
    """
    along, first, low, high = _candidates(measure)
    if int(np.maximum(high - low, 0).sum()) > MOST_COMPARED:
        raise InvalidParameter("too-many-pairs", most=MOST_COMPARED)
    line = measure.shuffled(along)
    counts = np.zeros(len(measure.limits), dtype=np.int64)
    kept: list[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int8]]] = []
    for one, other in _blocks(first, low, high):
        gaps = line.gaps(one, other)
        close = np.flatnonzero(gaps < measure.limits[-1])
        band = np.searchsorted(measure.limits, gaps[close], side="right").astype(np.int8)
        counts += np.bincount(band, minlength=counts.size)
        if counts.sum() > bearable:
            raise InvalidParameter("too-many-pairs", most=bearable)
        if counts.sum() <= most:
            kept.append((along[one[close]], along[other[close]], band))
        else:
            kept.clear()
    return _joined(kept, counts), counts


def _joined(
    kept: list[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int8]]],
    counts: NDArray[np.int64],
) -> _Held:
    """Put blocks of pairs together and sort them by band."""
    nothing = np.empty(0, dtype=np.int32)
    first, second, band = (
        np.concatenate([nothing, *(block[column] for block in kept)]) for column in range(3)
    )
    order = np.argsort(band, kind="stable")
    return _Held(first[order], second[order], np.concatenate([[0], np.cumsum(counts)]))


def _candidates(
    measure: _Measure,
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Sort the events so that those within reach of one of them stand in two runs at most.

    Gives the order (n,), and per run the position it belongs to, its begin and its end, (r,)
    each; every close pair stands in exactly one run. With two lines the events stand in columns
    as wide as the reach, sorted upwards: partners stand further up in the same column, or in
    the next column.
    """
    upward = measure.lines[-1]
    n = upward.size
    if not n:
        none = np.empty(0, dtype=np.int64)
        return none.astype(np.int32), none, none, none
    reach = float(np.sqrt(measure.limits[-1]))
    column = np.zeros(n)
    if len(measure.lines) > 1:
        across = measure.lines[0] - measure.lines[0].min()
        column = np.floor(across / max(reach * (1 + 1e-9), across.max() / n))
    height = np.ptp(upward) + 3 * reach
    key = column * height + (upward - upward.min())
    along = np.argsort(key, kind="stable")
    key = key[along]
    reach += 1e-9 * reach + 16 * np.spacing(key[-1] + height)  # the squares decide
    here = np.arange(n)
    low, high = [here + 1], [np.searchsorted(key, key + reach, side="right")]
    if len(measure.lines) > 1:
        low.append(np.searchsorted(key, key + (height - reach), side="left"))
        high.append(np.searchsorted(key, key + (height + reach), side="right"))
    owner = np.tile(here, len(low))
    return along.astype(np.int32), owner, np.concatenate(low), np.concatenate(high)


def _blocks(
    owner: NDArray[np.int64], low: NDArray[np.int64], high: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Give the pairs of each owner with every number of its run, a block of runs at a time."""
    held = np.maximum(high - low, 0)
    before = np.concatenate([[0], np.cumsum(held)])
    begin = 0
    while begin < owner.size:
        full = int(np.searchsorted(before, before[begin] + _BLOCK, side="right")) - 1
        rows = slice(begin, max(begin + 1, full))
        shift = low[rows] - (before[rows] - before[begin])
        times = held[rows]
        first = np.repeat(owner[rows], times)
        yield first, np.arange(first.size) + np.repeat(shift, times)
        begin = rows.stop
