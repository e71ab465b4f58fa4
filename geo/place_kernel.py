"""Which points share a place: an open hash table over the exact bits of two coordinates (numba).

Importing this module fails where numba is absent or cannot write its cache; `geo.places` then does
the same with numpy alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    # Places in the order in which they were first seen, and where to find them: slots, a power of
    # two, each with the number of a place, or -1 where free; (half as many, 2) metres, of which
    # rows from the third, the number of places, on mean nothing. A plain tuple: numba's cache of
    # an older version could not be read if it named a class that is gone.
    Table = tuple[NDArray[np.int32], NDArray[np.float64], int]

_SMALLEST = 1 << 6  # slots of a table; a power of two
_BLOCK = 512  # points at a time: what is computed of them stays in the nearest cache
_FREE = -1
_PAIR = 2  # most runs of equal numbers are no longer: sorting is costly only to begin with
# Odd 64-bit numbers with well mixed bits: those of MurmurHash3's finaliser, Appleby 2011.
_FIRST = np.uint64(0xFF51AFD7ED558CCD)
_SECOND = np.uint64(0xC4CEB9FE1A85EC53)
_HALF, _ONE = np.uint64(32), np.uint64(1)


@njit(cache=True, nogil=True)
def _mixed(x_bits: np.uint64, y_bits: np.uint64) -> np.uint64:
    """Mix 128 bits so that all of them decide about the lowest ones."""
    mixed = (x_bits ^ (x_bits >> _HALF)) * _FIRST
    mixed = (mixed ^ (mixed >> _HALF) ^ y_bits) * _SECOND
    return mixed ^ (mixed >> _HALF)


@njit(cache=True, nogil=True)
def _grown(
    slots: NDArray[np.int32], xy: NDArray[np.float64]
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Give a full table twice the room."""
    used = xy.shape[0]
    roomier = np.full(2 * slots.size, _FREE, np.int32)
    copy = np.empty((2 * used, 2))
    copy[:used] = xy
    bits = copy.view(np.uint64)
    last = np.uint64(roomier.size - 1)
    for number in range(used):
        at = _mixed(bits[number, 0], bits[number, 1]) & last
        while roomier[at] != _FREE:
            at = (at + _ONE) & last
        roomier[at] = number
    return roomier, copy


@njit(cache=True, nogil=True)
def empty(points: int) -> Table:
    """Make a table of no places, with room for a quarter of so many points at first."""
    slots = _SMALLEST
    while slots < points // 2:
        slots *= 2
    return np.full(slots, _FREE, np.int32), np.empty((slots // 2, 2)), 0


@njit(cache=True, nogil=True)
def numbered(
    x_m: NDArray[np.float64], y_m: NDArray[np.float64], table: Table
) -> tuple[NDArray[np.intp], Table]:
    """Give each point the number of its place; places not seen before are added to the table.

    Coordinates must not be NaN; -0.0 is the same coordinate as 0.0. Do not use the table that was
    passed in again: the one returned takes over its arrays.
    """
    slots, xy, used = table
    number = np.empty(x_m.size, np.intp)
    done = 0
    while done < x_m.size:
        if used == xy.shape[0]:
            slots, xy = _grown(slots, xy)
        more, used = _looked_up(x_m[done:], y_m[done:], (slots, xy, used), number[done:])
        done += more
    return number, (slots, xy, used)


@njit(cache=True, nogil=True)
def _looked_up(
    x_m: NDArray[np.float64], y_m: NDArray[np.float64], table: Table, number: NDArray[np.intp]
) -> tuple[int, int]:
    """Do so until the table is full: how many points are done, and how many places are known.

    Growing is left to the caller: arrays that may change inside make this loop three times slower.
    """
    slots, xy, used = table
    last = np.uint64(slots.size - 1)
    point = np.empty((_BLOCK, 2))
    bits = point.view(np.uint64)
    where = np.empty(_BLOCK, np.uint64)
    for begin in range(0, x_m.size, _BLOCK):
        n = min(_BLOCK, x_m.size - begin)
        for j in range(n):
            point[j, 0] = x_m[begin + j] + 0.0
            point[j, 1] = y_m[begin + j] + 0.0
            where[j] = _mixed(bits[j, 0], bits[j, 1]) & last
        _look_once(slots, xy, point[:n], where[:n], number[begin : begin + n])
        for j in range(n):
            if number[begin + j] != _FREE:
                continue
            x, y, at = point[j, 0], point[j, 1], where[j]
            found = int(slots[at])
            while found != _FREE and not (xy[found, 0] == x and xy[found, 1] == y):
                at = (at + _ONE) & last
                found = int(slots[at])
            if found == _FREE:
                if used == xy.shape[0]:
                    return begin + j, used
                found = used
                slots[at] = found
                xy[found, 0], xy[found, 1] = x, y
                used += 1
            number[begin + j] = found
    return x_m.size, used


@njit(cache=True, nogil=True)
def _look_once(
    slots: NDArray[np.int32],
    xy: NDArray[np.float64],
    point: NDArray[np.float64],
    where: NDArray[np.uint64],
    number: NDArray[np.intp],
) -> None:
    """Tell the number of each point that is found where one looks first, and -1 of the others.

    Most are. Nothing here waits for anything else, so the processor fetches many slots at once.
    """
    for j in range(number.size):
        found = slots[where[j]]
        known = max(found, 0)
        same = (xy[known, 0] == point[j, 0]) & (xy[known, 1] == point[j, 1]) & (found != _FREE)
        number[j] = found if same else _FREE


@njit(cache=True, nogil=True)
def sort_ties(order: NDArray[np.intp], x_m: NDArray[np.float64], y_m: NDArray[np.float64]) -> None:
    """Sort, in place, each run of equal x of an `order` by x (`x_m` is in it) also by y."""
    start = 0
    while start < order.size:
        end = start + 1
        while end < order.size and x_m[end] == x_m[start]:
            end += 1
        if end - start == _PAIR and y_m[order[start]] > y_m[order[start + 1]]:
            order[start], order[start + 1] = order[start + 1], order[start]
        if end - start > _PAIR:
            run = order[start:end].copy()
            order[start:end] = run[np.argsort(y_m[run])]
        start = end
