"""What the bits of an H3 index say, read for many cells at once.

An index holds its resolution, the number of one of 122 base cells, and one digit a level: 0 for the
child in the middle, 1 to 6 for the children around it. Every level divides a hexagon by seven and
turns its lattice a little, left and right in turns, so a cell's place in the lattice of its base
cell is a sum of one vector a digit. Sums of five digits are looked up in a table.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from geo.errors import InvalidParameter

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEEPEST = 15
DIGIT_BITS = 3
RESOLUTION_SHIFT, RESOLUTION_MASK = 52, 0xF
_BASE_SHIFT, _BASE_MASK = 45, 0x7F
_DIGITS_A_TABLE = 5
_TABLES = DEEPEST // _DIGITS_A_TABLE
_TABLE_BITS = DIGIT_BITS * _DIGITS_A_TABLE
_UNITS = np.array([(0, 0), (-1, -1), (0, 1), (-1, 0), (1, 0), (0, -1), (1, 1), (0, 0)])
# The axes of a lattice in steps of the next finer one, by the parity of the finer resolution.
_FINER = (np.array([(3, 1), (-1, 2)]), np.array([(2, -1), (1, 3)]))
_PENTAGON = np.zeros(_BASE_MASK + 1, dtype=bool)  # base cells with five sides
_PENTAGON[[4, 14, 24, 38, 49, 58, 63, 72, 83, 97, 107, 117]] = True


def common_resolution(cells: NDArray[np.int64]) -> int:
    """Tell the resolution that all cells have; at least one cell.

    Raises
    ------
    InvalidParameter
        Cells of several resolutions.
    """
    found = (cells >> RESOLUTION_SHIFT) & RESOLUTION_MASK
    coarsest, finest = int(found.min()), int(found.max())
    if coarsest != finest:
        raise InvalidParameter("resolutions-differ", coarsest=coarsest, finest=finest)
    return finest


def families(cells: NDArray[np.int64]) -> NDArray[np.int64]:
    """Name for each cell the widest hexagon above it: equal numbers are one family, (n,).

    That is the base cell, or, in one of the 12 base cells with five sides, the first ancestor that
    is not itself a pentagon. (Most of Sweden lies in such a base cell.) The members of a family
    lie on one unbroken lattice; a pentagon is alone.
    """
    below = np.full(cells.shape, _BASE_SHIFT)
    pentagon = np.flatnonzero(_PENTAGON[(cells >> _BASE_SHIFT) & _BASE_MASK])
    if pentagon.size:
        own = cells[pentagon]
        level = (own >> RESOLUTION_SHIFT) & RESOLUTION_MASK
        unused = DIGIT_BITS * (DEEPEST - level)
        digits = (own & ((1 << _BASE_SHIFT) - 1)) >> unused << unused
        _, bits = np.frexp(digits.astype(np.float64))  # exact: digits have 45 bits
        below[pentagon] = np.maximum(DIGIT_BITS * ((bits - 1) // DIGIT_BITS), 0)
    return cells | ((np.int64(1) << below) - 1)


def positions(
    cells: NDArray[np.int64], resolution: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Read where valid cells of one resolution lie in the lattice of their family.

    Two (n,) arrays: steps i along the lattice's first axis and j along its second, 120 degrees to
    the left. The six neighbours of a hexagon lie at (1, 0), (1, 1), (0, 1) and their opposites.
    Positions of different families have nothing to do with each other.
    """
    both = np.zeros(cells.size, dtype=np.int64)
    for number, table in enumerate(_tables(resolution)):
        shift = _TABLE_BITS * (_TABLES - 1 - number)
        both += table[(cells >> shift) & ((1 << _TABLE_BITS) - 1)]
    i = (both + (1 << 31)) >> 32  # j may be negative
    return i, both - (i << 32)


@lru_cache(maxsize=DEEPEST + 1)
def _tables(resolution: int) -> tuple[NDArray[np.int64], ...]:
    """Tabulate which step five digits make, i in the upper half and j in the lower."""
    step = np.zeros((DEEPEST, len(_UNITS), 2), dtype=np.int64)
    axes = np.eye(2, dtype=np.int64)
    for level in range(resolution, 0, -1):
        step[level - 1] = _UNITS @ axes
        axes = _FINER[level % 2] @ axes
    packed = (step[..., 0] << 32) + step[..., 1]
    tables = []
    for first in range(0, DEEPEST, _DIGITS_A_TABLE):
        table = np.zeros(1, dtype=np.int64)
        for digit in packed[first : first + _DIGITS_A_TABLE]:
            table = (table[:, None] + digit).ravel()
        tables.append(table)
    return tuple(tables)
