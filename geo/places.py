"""Distinct places: most incidents share an address, so everything is computed on places.

Nine rows of ten of a police export lie on coordinates that other rows have too. A method that takes
weights gives the same answer on the distinct places, several times sooner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geo.checks import require_points, require_same_length, require_weights
from geo.errors import InvalidParameter

try:
    from geo import place_kernel

    COMPILED = True
except (ImportError, RuntimeError):  # no numba, or nowhere to keep what it compiles
    COMPILED = False

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    Chunk = tuple[NDArray[np.float64], NDArray[np.float64], Sequence[NDArray[np.generic]]]


_PROBE = 64


@dataclass(frozen=True, slots=True)
class Places:
    """Distinct coordinates, sorted by (x, y), with what stands on each."""

    x_m: NDArray[np.float64]  # (p,)
    y_m: NDArray[np.float64]  # (p,)
    inverse: NDArray[np.intp]  # (n,) which place each input point is
    points: NDArray[np.int64]  # (p,) how many input points stand on each place


@dataclass(frozen=True, slots=True)
class Gathered:
    """Distinct coordinates of many chunks, sorted by (x, y), and the sums of their columns."""

    x_m: NDArray[np.float64]  # (p,)
    y_m: NDArray[np.float64]  # (p,)
    points: NDArray[np.int64]  # (p,) how many points stand on each place
    sums: tuple[NDArray[np.float64], ...]  # each (p,), one for each column of the chunks


def collapse(x_m: NDArray[np.float64], y_m: NDArray[np.float64]) -> Places:
    """Tell which distinct places n points stand on, whatever their order.

    Parameters
    ----------
    x_m, y_m
        (n,) finite coordinates in any one system; metres everywhere in Lägesbild. Two points share
        a place when both coordinates are the same number to the last bit; -0.0 is 0.0.

    Returns
    -------
    Places sorted by x, then by y. No point gives no place.

    Raises
    ------
    InvalidParameter
        Lengths differ, or a coordinate is not finite.
    """
    require_points(x_m, y_m)
    if _sorted_and_distinct(x_m, y_m):
        alone = np.ones(x_m.size, np.int64)
        return Places(x_m + 0.0, y_m + 0.0, np.arange(x_m.size, dtype=np.intp), alone)
    if COMPILED:
        table = place_kernel.empty(x_m.size)
        number, table = place_kernel.numbered(_own(x_m), _own(y_m), table)
        places_x, places_y, order = _sorted_table(table)
        rank = np.empty(order.size, np.intp)
        rank[order] = np.arange(order.size)
        inverse = np.take(rank, number, out=number, mode="clip")  # "raise" would make a copy
    else:
        places_x, places_y, inverse = _collapsed_plainly(x_m, y_m)
    return Places(places_x, places_y, inverse, np.bincount(inverse).astype(np.int64))


def gather(chunks: Iterable[Chunk]) -> Gathered:
    """Find the distinct places under points that come in chunks, and add up columns on each.

    What is kept between chunks grows with the places, not with the points.

    Parameters
    ----------
    chunks
        Each (x_m, y_m, columns): two (n,) arrays of finite coordinates as for `collapse`, and the
        same number of (n,) columns of finite weights or counts, none negative, in every chunk.

    Returns
    -------
    The places of all chunks together; no chunk gives no place and no column. How the points are
    cut into chunks does not matter, but for the rounding of sums of fractions.

    Raises
    ------
    InvalidParameter
        Lengths differ, a coordinate or weight is not finite, a weight is negative, or a chunk has
        more or fewer columns than the one before.
    """
    known = _Hashed() if COMPILED else _Plain()
    totals: list[NDArray[np.float64]] | None = None
    for x_m, y_m, columns in chunks:
        require_points(x_m, y_m)
        weights = [np.ones(x_m.size), *(np.asarray(column, np.float64) for column in columns)]
        for weight in weights:
            require_same_length(x_m=x_m, weight=weight)
            require_weights(weight)
        if totals is None:
            totals = [np.zeros(0) for _ in weights]
        if len(totals) != len(weights):
            raise InvalidParameter("shapes-differ", columns=(len(totals) - 1, len(columns)))
        before, number, size = known.numbered(x_m, y_m)
        totals = [
            _added(total, before, np.bincount(number, weight, size).astype(np.float64))
            for total, weight in zip(totals, weights, strict=True)
        ]
    places_x, places_y, order = known.sorted()
    points, *sums = (total[order] for total in totals or [np.zeros(0)])
    return Gathered(places_x, places_y, points.astype(np.int64), tuple(sums))


def _added(
    total: NDArray[np.float64], where: NDArray[np.intp], more: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Add the totals so far to those of a chunk, at the places' present numbers."""
    more[where] += total
    return more


class _Hashed:
    """The places so far, numbered as they were first seen (with numba)."""

    def __init__(self) -> None:
        self._table = place_kernel.empty(0)

    def numbered(
        self, x_m: NDArray[np.float64], y_m: NDArray[np.float64]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
        """Tell the numbers of the places known before and of the points, and how many there are."""
        before = np.arange(self._table[-1], dtype=np.intp)
        number, self._table = place_kernel.numbered(_own(x_m), _own(y_m), self._table)
        return before, number, self._table[-1]

    def sorted(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
        """Give all places sorted by (x, y), and their numbers in that order."""
        return _sorted_table(self._table)


class _Plain:
    """The places so far, numbered in their order by (x, y) (without numba)."""

    def __init__(self) -> None:
        self._x_m, self._y_m = np.zeros(0), np.zeros(0)

    def numbered(
        self, x_m: NDArray[np.float64], y_m: NDArray[np.float64]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
        """Tell the numbers of the places known before and of the points, and how many there are."""
        known = self._x_m.size
        self._x_m, self._y_m, inverse = _collapsed_plainly(
            np.append(self._x_m, x_m), np.append(self._y_m, y_m)
        )
        return inverse[:known], inverse[known:], self._x_m.size

    def sorted(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
        """Give all places sorted by (x, y), and their numbers in that order."""
        return self._x_m, self._y_m, np.arange(self._x_m.size, dtype=np.intp)


def _own(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the kernel the one kind of array it is compiled for, without a copy where it is one."""
    return np.require(values, np.float64, ("C_CONTIGUOUS", "WRITEABLE"))


def _sorted_and_distinct(x_m: NDArray[np.float64], y_m: NDArray[np.float64]) -> bool:
    """Tell whether the points already are places in order: then there is nothing to do."""
    for end in (min(_PROBE, x_m.size), x_m.size):  # a few points tell it of most inputs
        if not (x_m[: end - 1] <= x_m[1:end]).all():
            return False
    tied = x_m[:-1] == x_m[1:]
    return bool((y_m[:-1][tied] < y_m[1:][tied]).all())


def _sorted_table(
    table: place_kernel.Table,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """Sort a table's places by (x, y): coordinates, and the numbers in that order."""
    _, xy, used = table
    x_m, y_m = xy[:used].T.copy()
    order = np.argsort(x_m)
    sorted_x = x_m[order]
    place_kernel.sort_ties(order, sorted_x, y_m)
    return sorted_x, y_m[order], order


def _collapsed_plainly(
    x_m: NDArray[np.float64], y_m: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """Sort the points by (x, y) and keep the first of each run of equal ones."""
    order = np.lexsort((y_m, x_m))
    x_m, y_m = x_m[order] + 0.0, y_m[order] + 0.0
    first = np.ones(x_m.size, bool)
    first[1:] = (x_m[1:] != x_m[:-1]) | (y_m[1:] != y_m[:-1])
    inverse = np.empty(x_m.size, np.intp)
    inverse[order] = np.cumsum(first) - 1
    return x_m[first], y_m[first], inverse
