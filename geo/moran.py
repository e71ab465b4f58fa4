"""Spatial autocorrelation: do cells resemble their neighbours, over the map and cell by cell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from geo.checks import require_columns, require_weights
from geo.errors import InvalidParameter, TooFewObservations
from geo.gistar import FEWEST_CELLS, SAME, require_neighbours, sizes, standardise, two_sided
from geo.significance import false_discovery_rate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo.permutation import Shuffles

FEWEST_CELLS_GLOBAL = 4  # the variance under randomisation divides by (m - 1)(m - 2)(m - 3)
BATCH = 64  # shuffles at a time: bounds the memory at 64 maps


@dataclass(frozen=True, slots=True)
class Moran:
    """Moran's I of one map."""

    i: float  # > expected: like lies beside like
    expected: float  # -1 / (m - 1)
    variance: float  # under randomisation: the values as they are, shuffled
    z: float  # standard score under randomisation
    p: float  # two-sided, normal approximation
    variance_normality: float  # as if the values were drawn from a normal curve
    z_normality: float


@dataclass(frozen=True, slots=True)
class LocalMoran:
    """Local Moran's I per cell, in the order of the input cells."""

    i: NDArray[np.float64]  # (m,) > 0: the cell and its neighbours lie on the same side
    expected: NDArray[np.float64]  # (m,) under conditional permutation
    variance: NDArray[np.float64]  # (m,) under conditional permutation
    z: NDArray[np.float64]  # (m,)
    p: NDArray[np.float64]  # (m,) two-sided, normal approximation
    q: NDArray[np.float64]  # (m,) p adjusted for m tests (Benjamini-Hochberg)
    high: NDArray[np.bool_]  # (m,) the cell lies above the mean
    high_around: NDArray[np.bool_]  # (m,) its neighbours lie above the mean


@dataclass(frozen=True, slots=True)
class GeneralG:
    """Getis and Ord's general G of one map."""

    g: float  # share of all products of two cells' counts that lies between neighbours
    expected: float  # without any pattern
    variance: float  # under randomisation
    z: float  # > 0: high counts lie together
    p: float  # two-sided, normal approximation


@dataclass(frozen=True, slots=True)
class _Constants:
    """Sums over the weights that the moments of every global statistic need."""

    cells: float
    s0: float  # sum of all weights
    s1: float  # half the sum of (w_ij + w_ji)^2
    s2: float  # sum of (row sum + column sum)^2

    @property
    def fourth(self) -> float:
        """(m - 1)(m - 2)(m - 3)."""
        return (self.cells - 1) * (self.cells - 2) * (self.cells - 3)


def _others(neighbours: sparse.csr_array) -> sparse.csr_array:
    """Leave each cell out of its own neighbourhood: a new matrix."""
    itself = sparse.eye_array(neighbours.shape[0], format="csr")
    others = sparse.csr_array(neighbours.astype(np.float64) - itself)
    others.eliminate_zeros()
    return others


def _standardised(neighbours: sparse.csr_array) -> sparse.csr_array:
    """Give each cell's neighbours equal weights that sum to 1; none for a lonely cell."""
    degree = sizes(neighbours) - 1
    share = np.divide(1.0, degree, out=np.zeros_like(degree), where=degree > 0)
    return sparse.csr_array(sparse.diags_array(share) @ _others(neighbours))


def _constants(weights: sparse.csr_array) -> _Constants:
    s0 = float(weights.sum())
    if s0 == 0:
        raise InvalidParameter("no-neighbours")
    both = np.asarray(weights.sum(axis=0) + weights.sum(axis=1), dtype=np.float64)
    s1 = float((weights * weights).sum() + (weights * weights.T).sum())
    return _Constants(float(weights.shape[0]), s0, s1, float(both @ both))


def _require_values(values: NDArray[np.float64], fewest: int) -> None:
    require_columns(values=values)
    if not np.isfinite(values).all():
        raise InvalidParameter("values-not-finite")
    if values.size < fewest:
        raise TooFewObservations("too-few-cells", n=values.size, needed=fewest)


def _score(value: float, expected: float, variance: float) -> float:
    """Standardise one number; a statistic that cannot vary scores 0."""
    if variance <= SAME * max(expected**2, SAME):
        return 0.0
    return (value - expected) / math.sqrt(variance)


def _p(z: float) -> float:
    """Give the two-sided p-value of one score by the normal distribution."""
    return math.erfc(abs(z) / math.sqrt(2.0))


def _deviations(values: NDArray[np.float64], neighbours: sparse.csr_array) -> NDArray[np.float64]:
    """Check the input of a global Moran's I and give the values' deviations, of size about 1."""
    values = np.asarray(values, dtype=np.float64)
    _require_values(values, FEWEST_CELLS_GLOBAL)
    require_neighbours(neighbours, values.size)
    deviations = _scaled(values)
    if not deviations.any():
        raise TooFewObservations("values-all-equal", n=values.size)
    return deviations


def _scaled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give deviations from the mean with variance 1, all 0 where the values are equal."""
    largest = float(np.abs(values).max())
    if largest == 0:
        return np.zeros(values.size)
    unit = values / largest  # squares of very large or small values stay in range
    deviations = unit - unit.mean()
    spread = float(np.sqrt(np.mean(deviations**2)))
    return deviations / spread if spread > SAME else np.zeros(values.size)


def moran(values: NDArray[np.float64], neighbours: sparse.csr_array) -> Moran:
    r"""Answer whether cells resemble their neighbours more than shuffled cells would.

    Parameters
    ----------
    values
        (m,) counts, rates or differences per cell, of any sign.
    neighbours
        (m, m) binary CSR with ones on the diagonal, as for `geo.gistar.gi_star`. The diagonal
        is left out and the rest is row-standardised: each cell's neighbours weigh 1 together.

    Raises
    ------
    TooFewObservations
        Fewer than 4 cells, or all values equal: there is nothing to compare.
    InvalidParameter
        A value is not finite, the neighbourhoods are not binary with ones on the diagonal, or
        no cell has a neighbour.

    Notes
    -----
    :math:`I = (m / S_0) \sum_{ij} w_{ij} d_i d_j / \sum_i d_i^2` with d the deviations from
    the mean; moments after Cliff & Ord (1981), *Spatial processes*, ch. 2. A cell without
    neighbours counts in m (as in esda; spdep leaves it out). Checked against spdep 1.2-7
    ``moran.test`` and esda 2.9 in tests/golden.
    """
    d = _deviations(values, neighbours)
    weights = _standardised(neighbours)
    c = _constants(weights)
    m = c.cells
    i = float(m / c.s0 * (d @ (weights @ d)) / (d @ d))
    expected = -1.0 / (m - 1)
    kurtosis = float(m * (d**4).sum() / (d @ d) ** 2)
    plain = m * ((m * m - 3 * m + 3) * c.s1 - m * c.s2 + 3 * c.s0**2)
    curved = kurtosis * ((m * m - m) * c.s1 - 2 * m * c.s2 + 6 * c.s0**2)
    shuffled = (plain - curved) / (c.fourth * c.s0**2) - expected**2
    normal = (m * m * c.s1 - m * c.s2 + 3 * c.s0**2) / (c.s0**2 * (m * m - 1)) - expected**2
    z = _score(i, expected, shuffled)
    return Moran(
        i=i,
        expected=expected,
        variance=max(shuffled, 0.0),
        z=z,
        p=_p(z),
        variance_normality=max(normal, 0.0),
        z_normality=_score(i, expected, normal),
    )


def moran_shuffled_p(
    values: NDArray[np.float64],
    neighbours: sparse.csr_array,
    shuffles: Shuffles,
    rng: np.random.Generator,
) -> float:
    """Answer how often shuffled cells resemble their neighbours as much as these do.

    Parameters
    ----------
    values, neighbours
        As for `moran`.
    shuffles
        How many; the smallest possible answer is 1 / (rounds + 1).
    rng
        The source of chance. The same seed and the same order of cells give the same result.

    Returns
    -------
    One-sided: (shuffles with an I at least as large + 1) / (rounds + 1).

    Raises
    ------
    TooFewObservations, InvalidParameter
        As `moran`.
    """
    d = _deviations(values, neighbours)
    weights = _standardised(neighbours)
    _constants(weights)
    observed = float(d @ (weights @ d))
    near = SAME * d.size
    hits = 0
    for first in range(0, shuffles.rounds, BATCH):
        maps = np.tile(d, (min(BATCH, shuffles.rounds - first), 1))
        rng.permuted(maps, axis=1, out=maps)
        simulated = np.einsum("rm,mr->r", maps, weights @ maps.T)
        hits += int(np.count_nonzero(simulated >= observed - near))
    return (hits + 1) / (shuffles.rounds + 1)


def local_moran(values: NDArray[np.float64], neighbours: sparse.csr_array) -> LocalMoran:
    r"""Answer which cells lie among cells like themselves, and which stand out from them.

    Parameters
    ----------
    values
        (m,) counts, rates or differences per cell, of any sign.
    neighbours
        (m, m) binary CSR with ones on the diagonal; row-standardised without it, as for `moran`.

    Returns
    -------
    Scores in the order of the cells. Where nothing varies (all values equal, no neighbour, or
    every other cell a neighbour) z is 0 and p is 1.

    Raises
    ------
    TooFewObservations
        Fewer than 3 cells.
    InvalidParameter
        A value is not finite or the neighbourhoods are not binary with ones on the diagonal.

    Notes
    -----
    :math:`I_i = d_i \sum_j w_{ij} d_j / s^2`, Anselin (1995),
    doi:10.1111/j.1538-4632.1995.tb00338.x, with the variance of all m values (divided by m, as
    in spdep; esda divides by m - 1). Expectation and variance are those under *conditional*
    permutation, the cell's own value standing still: Sokal, Oden & Thomson (1998),
    doi:10.1111/j.1538-4632.1998.tb00406.x. They make z equal to that of `geo.gistar.gi` up to
    its sign. A cell exactly at the mean has I = 0 and z = 0.
    Checked against spdep 1.2-7 ``localmoran(conditional=TRUE)`` in tests/golden.
    """
    values = np.asarray(values, dtype=np.float64)
    _require_values(values, FEWEST_CELLS)
    require_neighbours(neighbours, values.size)
    d = _scaled(values)  # variance 1
    weights = _standardised(neighbours)
    around = weights @ d
    m = float(d.size)
    degree = sizes(neighbours) - 1
    linked = degree > 0
    expected = np.where(linked, -(d**2) / (m - 1), 0.0)
    rest = 1.0 - d**2 / (m - 1)  # what the own value leaves to the others
    rest[rest < SAME] = 0.0
    inverse = np.divide(1.0, degree, out=np.zeros_like(degree), where=linked)
    room = m / (m - 2) * np.where(linked, (m - 1 - degree) / (m - 1), 0.0) * inverse
    z = standardise(d * around - expected, d**2 * rest * room, np.ones_like(d), SAME**2)
    p = two_sided(z)
    return LocalMoran(
        i=d * around,
        expected=expected,
        variance=d**2 * rest * room,
        z=z,
        p=p,
        q=false_discovery_rate(p),
        high=d > 0,
        high_around=around > 0,
    )


def general_g(counts: NDArray[np.float64], neighbours: sparse.csr_array) -> GeneralG:
    r"""Answer whether high counts lie close together over the whole map.

    Parameters
    ----------
    counts
        (m,) incidents per cell; cells without incidents must be present as 0.
    neighbours
        (m, m) binary CSR with ones on the diagonal, which is left out; weights stay binary.

    Raises
    ------
    TooFewObservations
        Fewer than 4 cells, or fewer than two cells hold anything.
    InvalidParameter
        A count is negative or not finite, the neighbourhoods are not binary with ones on the
        diagonal, or no cell has a neighbour.

    Notes
    -----
    :math:`G = \sum_{ij} w_{ij} x_i x_j / \sum_{i \ne j} x_i x_j` and its moments under
    randomisation: Getis & Ord (1992), doi:10.1111/j.1538-4632.1992.tb00261.x, with the
    correction of the coefficient B1 that spdep makes (6 S0 squared, not 3). Checked against
    spdep 1.2-7 ``globalG.test``.
    """
    counts = np.asarray(counts, dtype=np.float64)
    require_weights(counts)
    _require_values(counts, FEWEST_CELLS_GLOBAL)
    require_neighbours(neighbours, counts.size)
    occupied = int(np.count_nonzero(counts))
    if occupied < 2:  # noqa: PLR2004
        raise TooFewObservations("too-few-occupied-cells", n=occupied)
    x = counts / counts.max()  # G has no unit; fourth powers stay in range
    weights = _others(neighbours)
    c = _constants(weights)
    pairs = float(x.sum() ** 2 - (x * x).sum())
    g = float(x @ (weights @ x)) / pairs
    expected = c.s0 / (c.cells * (c.cells - 1))
    variance = _second_moment(x, c) / (pairs**2 * c.cells * c.fourth) - expected**2
    z = _score(g, expected, variance)
    return GeneralG(g, expected, max(variance, 0.0), z, _p(z))


def _second_moment(x: NDArray[np.float64], c: _Constants) -> float:
    """Give the numerator of E[G^2] by the coefficients B0 to B4 of Getis & Ord (1992)."""
    m, s1, s2, square = c.cells, c.s1, c.s2, c.s0**2
    x1, x2, x3, x4 = (float((x**power).sum()) for power in (1, 2, 3, 4))
    b0 = (m * m - 3 * m + 3) * s1 - m * s2 + 3 * square
    b1 = -((m * m - m) * s1 - 2 * m * s2 + 6 * square)
    b2 = -(2 * m * s1 - (m + 3) * s2 + 6 * square)
    b3 = 4 * (m - 1) * s1 - 2 * (m + 1) * s2 + 8 * square
    b4 = s1 - s2 + square
    return b0 * x2**2 + b1 * x4 + b2 * x1**2 * x2 + b3 * x1 * x3 + b4 * x1**4
