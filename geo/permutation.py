"""Permutation tests of neighbourhood sums: the p-value without the normal curve.

With few incidents the normal approximation of Gi* calls almost every cell beside an incident a
hot spot. Here the counts are thought to be shuffled over the cells, and the p-value is the share
of all shuffles whose sum is at least as extreme: enumerated exactly for whole counts, drawn with
a random generator for other values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geo.checks import require_columns, require_positive, require_weights
from geo.errors import InvalidParameter, TooFewObservations
from geo.gistar import EXACT_LIMIT, FEWEST_CELLS, require_neighbours, sizes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from scipy import sparse

MOST_WORK = 1e10  # additions in building the exact distributions: about half a minute
LARGEST_TABLE = 1e7  # entries of one distribution: some 80 MB
TIE = 1e-12  # sums closer than this, relative to the largest possible one, are equal


@dataclass(frozen=True, slots=True)
class Shuffles:
    """How often the values are shuffled over the cells."""

    rounds: int = 999

    def __post_init__(self) -> None:
        """Refuse what could give no p-value."""
        require_positive(rounds=self.rounds)


@dataclass(frozen=True, slots=True)
class Tails:
    """How extreme each cell's sum is, in the order of the input cells."""

    upper: NDArray[np.float64]  # (m,) chance of a sum at least as large: small is hot
    lower: NDArray[np.float64]  # (m,) chance of a sum at least as small: small is cold

    @property
    def p(self) -> NDArray[np.float64]:
        """Give the two-sided p-value, twice the smaller tail and at most 1: (m,)."""
        p: NDArray[np.float64] = np.minimum(2 * np.minimum(self.upper, self.lower), 1.0)
        return p


@dataclass(frozen=True, slots=True)
class _Urn:
    """The counts to draw from, as the distinct ones, and the sums to compare with."""

    value: NDArray[np.int64]  # (v,) ascending
    times: NDArray[np.int64]  # (v,) how many cells hold it
    of: NDArray[np.intp]  # (m,) which of them each cell holds
    draws: NDArray[np.int64]  # (m,) how many cells are summed
    observed: NDArray[np.int64]  # (m,) their sum

    def start(self) -> NDArray[np.float64]:
        """Give the one way to draw nothing: (largest number of draws + 1, sums + 2)."""
        ways = np.zeros((int(self.draws.max()) + 1, int(self.observed.max()) + 2))
        ways[0, 0] = 1.0
        return ways

    def add(self, ways: NDArray[np.float64], kind: int, times: int) -> NDArray[np.float64]:
        """Let `times` more cells that hold the count `kind` take part in the draw.

        ``ways[j, s]`` is proportional to the number of ways to draw j cells with the sum s; the
        last column stands for every sum beyond the largest observed one. Only positive numbers
        are added, so nothing cancels. A root of m a draw keeps both the most and the least
        likely sums in the range of float64.
        """
        more = ways.copy()
        last = ways.shape[1] - 1
        weight, unit = 1.0, float(np.sqrt(self.of.size))
        for drawn in range(1, min(times, ways.shape[0] - 1) + 1):
            weight *= (times - drawn + 1) / (drawn * unit)
            shift = min(drawn * int(self.value[kind]), last)
            before = ways[:-drawn] * weight
            more[drawn:, shift:] += before[:, : last + 1 - shift]
            more[drawn:, last] += before[:, last + 1 - shift :].sum(axis=1)
        return more

    def without_one(
        self, ways: NDArray[np.float64], first: int, end: int
    ) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """Give, for each distinct count, the draws from all cells but one that holds it.

        Halves the kinds again and again, so that each is left out without ever subtracting:
        v log v additions of a kind.
        """
        if end - first == 1:
            yield first, self.add(ways, first, int(self.times[first]) - 1)
            return
        middle = (first + end) // 2
        for start, stop, others in (
            (first, middle, range(middle, end)),
            (middle, end, range(first, middle)),
        ):
            fuller = ways
            for kind in others:
                fuller = self.add(fuller, kind, int(self.times[kind]))
            yield from self.without_one(fuller, start, stop)

    def tails(self, ways: NDArray[np.float64], cells: NDArray[np.intp]) -> Tails:
        """Read the tails of some cells from the distribution of their sums."""
        at_least = ways[:, ::-1].cumsum(axis=1)[:, ::-1]
        at_most = ways.cumsum(axis=1)
        draws, observed = self.draws[cells], self.observed[cells]
        return Tails(
            upper=np.minimum(at_least[draws, observed] / at_least[draws, 0], 1.0),
            lower=np.minimum(at_most[draws, observed] / at_most[draws, -1], 1.0),
        )


def _urn(
    counts: NDArray[np.float64], draws: NDArray[np.float64], observed: NDArray[np.float64]
) -> _Urn:
    value, of, times = np.unique(counts, return_inverse=True, return_counts=True)
    most = int(draws.max())
    table = (most + 1.0) * (float(observed.max()) + 2.0)
    rounds = float(np.minimum(times, most).sum()) * (1.0 + float(np.log2(value.size)))
    if table > LARGEST_TABLE or rounds * table > MOST_WORK:
        raise InvalidParameter("counts-too-large-for-exact", largest=float(counts.max()))
    return _Urn(
        value=value.astype(np.int64),
        times=times.astype(np.int64),
        of=of,
        draws=draws.astype(np.int64),
        observed=observed.astype(np.int64),
    )


def require_whole_counts(counts: NDArray[np.float64]) -> None:
    """Refuse counts that are negative, not finite or not whole: shares of events are not drawn."""
    require_weights(counts)
    if counts.size and counts.max() >= EXACT_LIMIT:
        raise InvalidParameter("counts-too-large-for-exact", largest=float(counts.max()))
    part = counts != np.rint(counts)
    if part.any():
        raise InvalidParameter("counts-not-whole", value=float(counts[part][0]))


def _require_map(counts: NDArray[np.float64], neighbours: sparse.csr_array) -> None:
    require_columns(counts=counts)
    require_whole_counts(counts)
    if counts.size < FEWEST_CELLS:
        raise TooFewObservations("too-few-cells", n=counts.size, needed=FEWEST_CELLS)
    require_neighbours(neighbours, counts.size)


def sum_tails(
    counts: NDArray[np.float64], draws: NDArray[np.float64], observed: NDArray[np.float64]
) -> Tails:
    """Answer how extreme each observed sum of so many draws without replacement is, exactly.

    Parameters
    ----------
    counts
        (m,) whole counts to draw from.
    draws, observed
        (c,) how many are drawn (at most m) and the sum that was found.

    Returns
    -------
    (c,) tails.

    Raises
    ------
    InvalidParameter
        The distribution would take too long.
    """
    urn = _urn(counts, draws, observed)
    ways = urn.start()
    for kind, times in enumerate(urn.times.tolist()):
        ways = urn.add(ways, kind, times)
    return urn.tails(ways, np.arange(draws.size))


def exact_star_p(counts: NDArray[np.float64], neighbours: sparse.csr_array) -> Tails:
    r"""Answer how often shuffling would give a cell with its neighbours as many incidents.

    The exact p-value of `geo.gistar.gi_star`: all counts, the cell's own too, are shuffled over
    all cells (the variance in Gi* is the variance of exactly these shuffles). It asks whether
    high counts lie *together*: a single busy cell is moved about like any other, so it is as
    unusual as one cell in m, however high its count.

    Parameters
    ----------
    counts
        (m,) whole incidents per cell; cells without incidents must be present as 0.
    neighbours
        (m, m) binary CSR; 1 where two cells are neighbours and on the diagonal.

    Returns
    -------
    Two tails for each cell, in the order of the cells; 1 where all counts are equal.

    Raises
    ------
    TooFewObservations
        Fewer than 3 cells.
    InvalidParameter
        A count is negative or not whole, the neighbourhoods are not binary with ones on the
        diagonal, or the distribution would take too long (then `shuffled_p`).

    Notes
    -----
    The sum over a neighbourhood of k cells is that of k draws without replacement. The number
    of ways to reach each sum is the coefficient of :math:`z^k` in
    :math:`\prod_v (1 + z t^v)^{n_v}`, where n_v cells hold the count v. The product is built
    one kind at a time from positive terms, so that even a tail of 1e-200 keeps some twelve
    digits. Checked by enumerating every shuffle of small maps. Time grows with (distinct
    counts) x (cells in a neighbourhood) x (largest sum).
    """
    counts = np.asarray(counts, dtype=np.float64)
    _require_map(counts, neighbours)
    return sum_tails(counts, sizes(neighbours), neighbours @ counts)


def exact_conditional_p(counts: NDArray[np.float64], neighbours: sparse.csr_array) -> Tails:
    r"""Answer how often shuffling all other cells would give a cell's neighbours as many incidents.

    The exact value of what conditional permutation (Anselin 1995) simulates: the cell's own
    count stands still, the other m - 1 are shuffled. Gi*, Gi and local Moran's I rise with the
    neighbours' sum when the own count stands still, so this is the p-value of all three. The own
    count is no evidence here: a busy cell between empty ones is not hot.

    Parameters
    ----------
    counts
        (m,) whole incidents per cell; cells without incidents must be present as 0.
    neighbours
        (m, m) binary CSR; 1 where two cells are neighbours and on the diagonal.

    Returns
    -------
    Two tails for each cell, in the order of the cells; 1 for a cell without neighbours.

    Raises
    ------
    TooFewObservations, InvalidParameter
        As `exact_star_p`.

    Notes
    -----
    As `exact_star_p`, with one cell of the own count left out of the product; leaving out is
    done by halving the kinds, never by dividing, since a division would cancel in the tails.
    Anselin (1995), doi:10.1111/j.1538-4632.1995.tb00338.x. Checked by enumeration and against
    `shuffled_p`. esda's simulated p-values differ where a simulated sum equals the observed one:
    it compares quotients rounded in two ways (measured in tests/golden/test_esda_live.py).
    """
    counts = np.asarray(counts, dtype=np.float64)
    _require_map(counts, neighbours)
    urn = _urn(counts, sizes(neighbours) - 1, neighbours @ counts - counts)
    members = np.split(np.argsort(urn.of, kind="stable"), np.cumsum(urn.times)[:-1])
    upper, lower = np.empty(counts.size), np.empty(counts.size)
    for kind, ways in urn.without_one(urn.start(), 0, urn.value.size):
        tails = urn.tails(ways, members[kind])
        upper[members[kind]], lower[members[kind]] = tails.upper, tails.lower
    return Tails(upper, lower)


def shuffled_p(
    values: NDArray[np.float64],
    neighbours: sparse.csr_array,
    shuffles: Shuffles,
    rng: np.random.Generator,
) -> Tails:
    """Answer how often shuffles of all other cells give a cell's neighbours as large a sum.

    Conditional permutation for values that are not whole counts (rates, weights); for whole
    counts `exact_conditional_p` needs no chance.

    Parameters
    ----------
    values
        (m,) finite values per cell, of any sign.
    neighbours
        (m, m) binary CSR; 1 where two cells are neighbours and on the diagonal.
    shuffles
        How many; the smallest possible tail is 1 / (rounds + 1).
    rng
        The source of chance. The same seed and the same order of cells give the same result.

    Returns
    -------
    Two tails for each cell: (hits + 1) / (rounds + 1).

    Raises
    ------
    TooFewObservations
        Fewer than 3 cells.
    InvalidParameter
        A value is not finite or the neighbourhoods are not binary with ones on the diagonal.

    Notes
    -----
    Anselin (1995), doi:10.1111/j.1538-4632.1995.tb00338.x. Each shuffle draws k + 1 distinct
    cells; a cell takes the first k of them that are not itself, which is a draw without
    replacement from the others. All cells share the draws (as in esda), so their p-values vary
    together from seed to seed. A sum within rounding of the observed one counts as equal to it.
    """
    values = np.asarray(values, dtype=np.float64)
    if not np.isfinite(values).all():
        raise InvalidParameter("values-not-finite")
    if values.size < FEWEST_CELLS:
        raise TooFewObservations("too-few-cells", n=values.size, needed=FEWEST_CELLS)
    require_neighbours(neighbours, values.size)
    degree = np.diff(neighbours.indptr).astype(np.int64) - 1
    values = values / max(float(np.abs(values).max()), np.finfo(float).tiny)  # sums in range
    observed = neighbours @ values - values
    drawn = distinct_draws(values.size, int(degree.max()) + 1, shuffles.rounds, rng)
    near = TIE * drawn.shape[1]
    at_least = _hits(values, drawn, degree, observed - near)
    at_most = _hits(-values, drawn, degree, -observed - near)
    return Tails((at_least + 1) / (shuffles.rounds + 1), (at_most + 1) / (shuffles.rounds + 1))


def _hits(
    values: NDArray[np.float64],
    drawn: NDArray[np.int64],
    degree: NDArray[np.int64],
    least: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Count for each cell the shuffles whose sum over its neighbours is `least` or more."""
    shuffles, width = drawn.shape
    sums = np.zeros((shuffles, width + 1))
    np.cumsum(values[drawn], axis=1, out=sums[:, 1:])
    hits = np.empty(values.size, dtype=np.int64)
    for k in np.unique(degree).tolist():
        cells = degree == k
        hits[cells] = shuffles - np.searchsorted(np.sort(sums[:, k]), least[cells])
    # A cell that drew itself takes the next draw instead.
    shuffle, position = np.nonzero(np.arange(width) < degree[drawn])
    cell = drawn[shuffle, position]
    first = sums[shuffle, degree[cell]]
    proper = first - values[cell] + values[drawn[shuffle, degree[cell]]]
    change = (proper >= least[cell]).astype(np.int64) - (first >= least[cell])
    np.add.at(hits, cell, change)
    return hits


def distinct_draws(
    cells: int, draws: int, times: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw `draws` distinct numbers below `cells`, in random order, so many times: (times, draws).

    The j-th draw picks one of the numbers not drawn yet by its rank among them.
    """
    drawn = np.empty((times, draws), dtype=np.int64)
    for j in range(draws):
        pick = rng.integers(0, cells - j, times)
        for earlier in np.sort(drawn[:, :j], axis=1).T:
            pick += pick >= earlier
        drawn[:, j] = pick
    return drawn
