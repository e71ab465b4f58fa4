"""Compiled inner loops of `geo.heat`; without numba that module has plain ones of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def spread(
    image: NDArray[np.float64],
    row: NDArray[np.float64],
    column: NDArray[np.float64],
    weight: NDArray[np.float64],
    foot: NDArray[np.float64],
) -> None:
    """Add a Gaussian of height `weight` around each position, in pixels, to the image.

    `foot` holds exp(-k^2 / (2 s^2)) for k = 0, 1, ... reach, with s >= 1; positions lie at least
    `reach` + 1 pixels inside the image. A Gaussian at k pixels from an offset d is
    exp(-d^2 / (2 s^2)) exp(d / s^2)^k foot[k]: four exponentials a place instead of one a pixel
    (Greengard & Lee 2004, doi:10.1137/S003614450343200X).
    """
    reach = foot.size - 1
    taps = 2 * reach + 1
    along = np.empty(taps)
    half = -np.log(foot[1])  # 1 / (2 s^2)
    for place in range(weight.size):
        middle_row, middle_column = np.rint(row[place]), np.rint(column[place])
        north, east = row[place] - middle_row, column[place] - middle_column
        top, left = int(middle_row), int(middle_column) - reach
        rise, fall = np.exp(2 * half * east), np.exp(-2 * half * east)
        up = down = np.exp(-half * east * east)
        along[reach] = up
        for k in range(1, reach + 1):
            up *= rise
            down *= fall
            along[reach + k] = up * foot[k]
            along[reach - k] = down * foot[k]
        rise, fall = np.exp(2 * half * north), np.exp(-2 * half * north)
        up = down = weight[place] * np.exp(-half * north * north)
        line = image[top, left : left + taps]
        for j in range(taps):
            line[j] += up * along[j]
        for k in range(1, reach + 1):
            up *= rise
            down *= fall
            above, below = up * foot[k], down * foot[k]
            line = image[top + k, left : left + taps]
            for j in range(taps):
                line[j] += above * along[j]
            line = image[top - k, left : left + taps]
            for j in range(taps):
                line[j] += below * along[j]


@njit(cache=True, nogil=True)
def _to_the(power: int, close: float) -> float:
    """Multiply out 1, 2 or 3 times: faster than a general power, and the loop around vectorises."""
    if power == 1:
        return close
    return close * close if power == 2 else close * close * close  # noqa: PLR2004


@njit(cache=True, nogil=True)
def scatter(
    image: NDArray[np.float64],
    row: NDArray[np.float64],
    column: NDArray[np.float64],
    weight: NDArray[np.float64],
    shape: tuple[float, int],
) -> None:
    """Add ``weight (1 - d^2 / R^2)^power`` around each position, in pixels, to the image.

    `shape` is (R in pixels, power 1, 2 or 3). Positions may lie anywhere; what falls outside the
    image is left out.
    """
    radius, power = shape
    rows, columns = image.shape
    scale = 1 / (radius * radius)
    across = np.empty(min(columns, int(2 * radius) + 2))
    for place in range(weight.size):
        left = int(max(np.ceil(column[place] - radius), 0))
        right = int(min(np.floor(column[place] + radius), columns - 1)) + 1
        low = int(max(np.ceil(row[place] - radius), 0))
        high = int(min(np.floor(row[place] + radius), rows - 1)) + 1
        for j in range(left, right):
            across[j - left] = scale * (column[place] - j) ** 2
        for i in range(low, high):
            room = 1 - scale * (row[place] - i) ** 2
            line = image[i, left:right]
            for j in range(right - left):
                line[j] += weight[place] * _to_the(power, max(room - across[j], 0.0))
