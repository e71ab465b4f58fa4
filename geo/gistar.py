"""Getis-Ord statistics: the cells whose surroundings hold more incidents than chance gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from geo.checks import require_columns, require_weights
from geo.errors import InvalidParameter, TooFewObservations
from geo.significance import false_discovery_rate, false_discovery_rate_of_groups

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

FEWEST_CELLS = 3
EXACT_LIMIT = 2.0**53  # whole numbers below this are exact in float64
LARGEST_TABLE = 4  # entries a cell: beyond that, sorting the cells is cheaper than a table
EPSILON = float(np.finfo(np.float64).eps)
SAME = 1e-12  # values that differ by less, relative to the largest, are equal


@dataclass(frozen=True, slots=True)
class GiStar:
    """Local statistic per cell, in the order of the input cells."""

    z: NDArray[np.float64]  # (m,) standard score; > 0 hot, < 0 cold
    p: NDArray[np.float64]  # (m,) two-sided, normal approximation
    q: NDArray[np.float64]  # (m,) p adjusted for m tests (Benjamini-Hochberg)

    def hot(self, fdr: float = 0.05) -> NDArray[np.bool_]:
        """Mark the cells that are hot spots at this false discovery rate: (m,)."""
        return (self.q <= fdr) & (self.z > 0)

    def cold(self, fdr: float = 0.05) -> NDArray[np.bool_]:
        """Mark the cells that are cold spots at this false discovery rate: (m,)."""
        return (self.q <= fdr) & (self.z < 0)


@dataclass(frozen=True, slots=True)
class _Centred:
    """Counts as they are when whole, else minus their mean, so that nothing cancels."""

    values: NDArray[np.float64]  # (m,)
    total: float
    squares: float
    whole: bool  # every sum is an exact whole number
    least: float  # a spread not above this is rounding

    @classmethod
    def of(cls, counts: NDArray[np.float64]) -> _Centred:
        """Sum squares without BLAS: its threads wait for each other on a busy machine."""
        largest = float(counts.max())
        exact = largest < EXACT_LIMIT and (
            counts.size * largest * float(counts.sum()) < EXACT_LIMIT
        )
        if exact and (counts == np.rint(counts)).all():
            squares = float((counts * counts).sum())
            return cls(counts, float(counts.sum()), squares, whole=True, least=0.0)
        unit = counts / largest  # squares of very large or small values stay in range
        values = unit - unit.mean()
        squares = float((values * values).sum())
        least = (SAME * counts.size) ** 2
        return cls(values, float(values.sum()), squares, whole=False, least=least)


def require_neighbours(neighbours: sparse.csr_array, cells: int) -> None:
    """Refuse anything but a binary neighbourhood of so many cells, each in its own.

    Raises
    ------
    InvalidParameter
        Not `cells` x `cells`, not binary, or a cell is not in its own neighbourhood.
    """
    if neighbours.shape != (cells, cells):
        raise InvalidParameter("neighbours-shape", shape=neighbours.shape, cells=cells)
    merged = neighbours
    if not neighbours.has_canonical_format:  # the same pair twice would weigh two
        merged = neighbours.copy()
        merged.sum_duplicates()
    if merged.nnz != neighbours.nnz or not (neighbours.data == 1).all():
        raise InvalidParameter("neighbours-not-binary")
    if not (merged.diagonal() == 1).all():
        raise InvalidParameter("neighbours-without-self")


def sizes(neighbours: sparse.csr_array) -> NDArray[np.float64]:
    """Count the cells in each neighbourhood, itself included: (m,)."""
    return np.diff(neighbours.indptr).astype(np.float64)


def standardise(
    excess: NDArray[np.float64],
    spread: NDArray[np.float64] | np.float64,
    room: NDArray[np.float64],
    least: float,
) -> NDArray[np.float64]:
    """Divide by the root of spread x room; the score is 0 where one of them is nothing."""
    varies = (spread > least) & (room > 0)
    root = np.sqrt(np.where(varies, spread * room, 1.0))
    return np.where(varies, excess, 0.0) / root


def two_sided(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the two-sided p-value of standard scores by the normal distribution."""
    p: NDArray[np.float64] = special.erfc(np.abs(z) * np.sqrt(0.5))
    return p


def _require_counts(counts: NDArray[np.float64], fewest: int) -> None:
    require_columns(counts=counts)
    require_weights(counts)
    if counts.shape[0] < fewest:
        raise TooFewObservations("too-few-cells", n=counts.shape[0], needed=fewest)


def gi_star(counts: NDArray[np.float64], neighbours: sparse.csr_array) -> GiStar:
    r"""Answer which cells, with their neighbours, hold more incidents than chance would put there.

    Parameters
    ----------
    counts
        (m,) incidents per cell; cells without incidents must be present as 0.
    neighbours
        (m, m) binary CSR; 1 where two cells are neighbours and on the diagonal (the star).

    Returns
    -------
    Scores in the order of the cells. Where nothing varies (all counts equal, or a neighbourhood
    that is the whole area) z is 0 and p is 1.

    Raises
    ------
    TooFewObservations
        Fewer than 3 cells: the variance is undefined.
    InvalidParameter
        The shapes disagree, a count is negative or not finite, the neighbourhoods are not
        binary, or a cell is not its own neighbour.

    Notes
    -----
    :math:`z_i = (\sum_j w_{ij} x_j - \bar{x} W_i) / (s \sqrt{(m W_i - W_i^2) / (m - 1)})`,
    after Ord & Getis (1995), doi:10.1111/j.1538-4632.1995.tb00912.x. Binary weights only: with
    row-standardised ones some programs give other scores for the same data. Whole counts are
    summed exactly, so equal neighbourhoods score equally. No edge correction. With few incidents
    (most cells 0) the normal p-value is far too small: see `geo.permutation`.
    Checked against esda 2.9, spdep 1.2-7 and sfhotspot 1.0.0 in tests/golden.
    """
    counts = np.asarray(counts, dtype=np.float64)
    _require_counts(counts, FEWEST_CELLS)
    require_neighbours(neighbours, counts.size)
    held = _Centred.of(counts)
    kinds = _kinds(neighbours @ held.values, sizes(neighbours), held.whole)
    moments = held.total, held.squares, float(counts.size)
    z = star_scores(kinds.lag, kinds.degree, moments, held.least)
    p = two_sided(z)
    q = false_discovery_rate_of_groups(p, kinds.times)
    return GiStar(z=z[kinds.of], p=p[kinds.of], q=q[kinds.of])


class _Kinds(NamedTuple):
    """The distinct pairs of sum and size; most cells of a city are of the same few kinds."""

    lag: NDArray[np.float64]  # (g,)
    degree: NDArray[np.float64]  # (g,)
    times: NDArray[np.int64]  # (g,) how many cells are of this kind
    of: NDArray[np.intp]  # (m,) the kind of each cell


def _kinds(
    lag: NDArray[np.float64],
    degree: NDArray[np.float64],
    whole: bool,  # noqa: FBT001
) -> _Kinds:
    """Group cells that must score alike, where counting them is cheaper than scoring all."""
    base = int(degree.max()) + 1
    if not whole or (lag.max() + 1) * base > LARGEST_TABLE * lag.size:
        return _Kinds(lag, degree, np.ones(lag.size, dtype=np.int64), np.arange(lag.size))
    key = (lag * base + degree).astype(np.intp)
    times = np.bincount(key)
    seen = np.flatnonzero(times)
    place = np.empty(times.size, dtype=np.intp)
    place[seen] = np.arange(seen.size)
    lags, degrees = np.divmod(seen.astype(np.float64), float(base))
    return _Kinds(lags, degrees, times[seen], place[key])


def star_scores(
    lag: NDArray[np.float64],
    degree: NDArray[np.float64],
    moments: tuple[float, float, float],
    least: float = 0.0,
) -> NDArray[np.float64]:
    """Score sums over neighbourhoods of so many cells: two (m,) arrays -> (m,) z.

    The building block of `gi_star` and `geo.emerging`. `moments` are the sum, the sum of squares
    and the number of all values; with the sums of whole numbers the score is exact to rounding.
    A spread (variance x number squared) of at most `least` is none.
    """
    total, squares, cells = moments
    spread = np.float64(cells * squares - total**2)
    room = degree * (cells - degree) / (cells - 1)
    return standardise(cells * lag - degree * total, spread, room, least)


def gi(counts: NDArray[np.float64], neighbours: sparse.csr_array) -> GiStar:
    r"""Answer which cells have neighbours that hold more incidents than chance would put there.

    The cell's own count is left out: an empty cell between busy ones scores high, a busy cell
    between empty ones low. For hot spots use `gi_star`.

    Parameters
    ----------
    counts
        (m,) incidents per cell; cells without incidents must be present as 0.
    neighbours
        (m, m) binary CSR with ones on the diagonal, as for `gi_star`; the diagonal is left out.

    Returns
    -------
    Scores in the order of the cells; 0 where a cell has no neighbour or the others are equal.

    Raises
    ------
    TooFewObservations, InvalidParameter
        As `gi_star`.

    Notes
    -----
    Mean and variance are those of the other m - 1 cells; Getis & Ord (1992),
    doi:10.1111/j.1538-4632.1992.tb00261.x. Checked against esda 2.9, spdep and sfhotspot.
    """
    counts = np.asarray(counts, dtype=np.float64)
    _require_counts(counts, FEWEST_CELLS)
    require_neighbours(neighbours, counts.size)
    held = _Centred.of(counts)
    others = counts.size - 1.0
    degree = sizes(neighbours) - 1
    lag = neighbours @ held.values - held.values
    total = held.total - held.values
    spread = others * (held.squares - held.values**2) - total**2
    room = degree * (others - degree) / (others - 1)
    # Taking a cell out of the sums cancels: what is left of equal others is rounding of this size.
    lost = 0.0 if held.whole else 4 * counts.size * EPSILON * others * held.squares
    z = standardise(others * lag - degree * total, spread, room, max(held.least, lost))
    p = two_sided(z)
    return GiStar(z=z, p=p, q=false_discovery_rate(p))
