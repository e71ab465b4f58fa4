"""Which cells of a study area touch, as a sparse matrix: H3 cells read as lattice points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from geo import cells as grid
from geo import digits
from geo.errors import InvalidParameter

if TYPE_CHECKING:
    from numpy.typing import NDArray

ABSENT = -1
_ROOMY = 8  # entries of a table per cell, at most
_SMALL = 1 << 16  # a table of this size is always fine


def neighbours(cells: NDArray[np.int64], k: int = 1) -> sparse.csr_array:
    """Tell which cells lie within k steps of each cell, itself included.

    Parameters
    ----------
    cells
        (n,) distinct H3 cells of one resolution, in any order; the study area.
    k
        Number of rings around each cell, at least 1.

    Returns
    -------
    (n, n) binary matrix of floats with sorted indices, in the order of `cells`. It is symmetric and
    its diagonal is 1. Neighbours outside the study area are absent, so rows at its edge are
    shorter. No cells give a 0 x 0 matrix.

    Raises
    ------
    InvalidParameter
        A cell comes twice, resolutions differ, or `k` is below 1.

    Notes
    -----
    Within a family (`geo.digits.families`) cells are points of one lattice and their disks are
    fixed offsets. Only where a study area holds several families, rows that are not full there are
    asked of H3. Equal to ``h3.grid_disk`` (tests/unit/test_lattice.py).
    """
    if k < 1:
        raise InvalidParameter("rings-below-one", k=k)
    if not cells.size:
        return sparse.csr_array((0, 0))
    resolution = digits.common_resolution(cells)
    order = np.argsort(cells)
    ordered = cells[order]
    if (ordered[1:] == ordered[:-1]).any():
        repeated = ordered[1:][ordered[1:] == ordered[:-1]][0]
        raise InvalidParameter("cell-twice", cell=grid.name(int(repeated)))

    family = digits.families(cells)
    i, j = digits.positions(cells, resolution)
    names = np.unique(family)
    if names.size == 1:
        return _as_matrix(_within(i, j, k, np.arange(cells.size, dtype=np.int32)))
    near = np.empty((1 + 3 * k * (k + 1), cells.size), dtype=np.int32)
    for name in names.tolist():
        members = np.flatnonzero(family == name)
        near[:, members] = _within(i[members], j[members], k, members.astype(np.int32))
    open_ended = np.flatnonzero((near == ABSENT).any(axis=0))
    disks = grid.disks(cells[open_ended], k).T
    at = np.minimum(np.searchsorted(ordered, disks), cells.size - 1)
    near[:, open_ended] = np.where(ordered[at] == disks, order[at], ABSENT)
    return _as_matrix(near)


def _within(
    i: NDArray[np.int64], j: NDArray[np.int64], k: int, name: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Name the points within k steps of each of n lattice points: (1 + 3k(k + 1), n)."""
    a, b = np.mgrid[-k : k + 1, -k : k + 1].reshape(2, -1)
    inside = np.abs(a - b) <= k
    west, south, height = i.min() - k, j.min() - k, int(j.max() - j.min()) + 2 * k + 1
    place, steps = (i - west) * height + (j - south), a[inside] * height + b[inside]
    size = int(place.max() + steps.max()) + 1
    if size > max(_SMALL, _ROOMY * place.size):  # scattered: a table would be mostly empty
        order = np.argsort(place)
        wanted, ordered = place + steps[:, None], place[order]
        at = np.minimum(np.searchsorted(ordered, wanted), place.size - 1)
        return np.where(ordered[at] == wanted, name[order[at]], np.int32(ABSENT))
    table = np.full(size, ABSENT, dtype=np.int32)
    table[place] = name
    found = np.empty((steps.size, place.size), dtype=np.int32)
    for row, step in zip(found, steps.tolist(), strict=True):
        np.take(table, place + step, out=row)
    return found


def _as_matrix(near: NDArray[np.int32]) -> sparse.csr_array:
    """Turn column numbers (w, n), ABSENT where there is none, into a binary matrix."""
    n = near.shape[1]
    indptr = np.zeros(n + 1, dtype=np.int32)
    np.cumsum((near != ABSENT).sum(axis=0), out=indptr[1:])
    rows = np.sort(near.T, axis=1)
    indices = rows[rows != ABSENT]
    matrix = sparse.csr_array((np.ones(indices.size), indices, indptr), shape=(n, n))
    matrix.has_sorted_indices = matrix.has_canonical_format = True
    return matrix
