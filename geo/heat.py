"""Heat maps: a kernel density on a grid, fast enough for a million events and still exact."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, pi, sqrt
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

from geo.checks import require_positive
from geo.errors import InvalidParameter
from geo.kde import GaussianHeat, PowerHeat, require_length, require_places

try:
    from geo import kde_kernel
except (ImportError, RuntimeError):  # no numba, or nowhere to keep what it compiles
    kde_kernel = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo.kde import Kernel, Pair

MOST_PIXELS = 4_000_000  # 2,000 x 2,000
MOST_PIXELS_WITH_MARGIN = 16_000_000
BLUR_FROM = 2.0  # pixels a standard deviation; narrower Gaussians are summed place by place
_EXACT_REACH = 8.5  # standard deviations: 2e-16 of the peak
_NARROW_REACH = 5.4  # of the narrow Gaussian: what is cut off is 3e-8 of an event at most
_MARGIN = 6.5  # of the whole Gaussian: 7e-10 of the peak
_LARGEST_M = 1e9  # further from the origin than any map projection goes


@dataclass(frozen=True, slots=True)
class Grid:
    """Square cells in metres; row 0 is the southernmost, column 0 the westernmost.

    A value on the grid belongs to the *centre* of its cell: it is the density there, not the mean
    over the cell. Images have north at the top: flip the rows (``density[::-1]``) to draw one.
    """

    west_m: float
    south_m: float
    cell_m: float
    columns: int
    rows: int

    def __post_init__(self) -> None:
        """Refuse what no later code should have to think about."""
        for name, value in (("west_m", self.west_m), ("south_m", self.south_m)):
            if not abs(value) <= _LARGEST_M:
                raise InvalidParameter("grid-corner", name=name, value=value)
        require_length(cell_m=self.cell_m)
        require_positive(columns=self.columns, rows=self.rows)
        if self.columns * self.rows > MOST_PIXELS:
            pixels = self.columns * self.rows
            raise InvalidParameter("grid-too-large", pixels=pixels, most=MOST_PIXELS)

    @property
    def x_m(self) -> NDArray[np.float64]:
        """(columns,) x of the centres, from west to east."""
        return np.asarray(self.west_m + self.cell_m * (np.arange(self.columns) + 0.5))

    @property
    def y_m(self) -> NDArray[np.float64]:
        """(rows,) y of the centres, from south to north."""
        return np.asarray(self.south_m + self.cell_m * (np.arange(self.rows) + 0.5))

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in metres."""
        east = self.west_m + self.cell_m * self.columns
        return self.west_m, self.south_m, east, self.south_m + self.cell_m * self.rows


def grid_over(bounds: tuple[float, float, float, float], cell_m: float) -> Grid:
    """Lay the smallest grid over west, south, east, north whose lines are multiples of the cell.

    Two maps of the same cell size then share their pixels wherever they overlap.

    Raises
    ------
    InvalidParameter
        The cell is not a positive number, the bounds are not finite or the wrong way round, or
        there would be more than `MOST_PIXELS` cells.
    """
    require_length(cell_m=cell_m)
    west, south, east, north = bounds
    for low, high in ((west, east), (south, north)):
        if not -_LARGEST_M <= low <= high <= _LARGEST_M:
            raise InvalidParameter("grid-bounds", bounds=bounds)
    first_column, first_row = floor(west / cell_m), floor(south / cell_m)
    return Grid(
        west_m=first_column * cell_m,
        south_m=first_row * cell_m,
        cell_m=cell_m,
        columns=max(ceil(east / cell_m) - first_column, 1),
        rows=max(ceil(north / cell_m) - first_row, 1),
    )


@dataclass(frozen=True, slots=True)
class Raster:
    """A density on a grid, and the kernel that made it: the bandwidth is part of the result."""

    grid: Grid
    kernel: Kernel
    density: NDArray[np.float64]  # (rows, columns) events per m2 at cell centres, south first
    events: float  # sum of all weights, also of places outside the grid


def heat_raster(places: Pair, weight: NDArray[np.float64], kernel: Kernel, grid: Grid) -> Raster:
    """Tell where events are densest, as a smooth surface over the whole map.

    Parameters
    ----------
    places
        Two (n,) arrays in metres: distinct places, or events (the same result, more slowly).
        Places outside the grid count as far as their kernel reaches into it.
    weight
        (n,) events at each place; not negative.
    kernel
        Shape and width.
    grid
        Where to compute. Its cells may not be wider than the kernel's standard deviation.

    Returns
    -------
    Raster
        No places, or only zero weights: all zeros.

    Raises
    ------
    InvalidParameter
        Coordinates or weights are not finite, a weight is negative, shapes differ, the grid is too
        coarse for the kernel, or so fine that grid and margin exceed `MOST_PIXELS_WITH_MARGIN`.

    Notes
    -----
    Compact kernels, and Gaussians narrower than `BLUR_FROM` cells, are summed place by place:
    equal to `geo.kde.density_at` to rounding. Wider Gaussians are split in two, which together
    are the Gaussian asked for: a narrow one, spread exactly from each place onto the pixels, and
    the rest as a Fourier blur of the image. This is the non-uniform Fourier transform by Gaussian
    gridding (Greengard & Lee 2004, doi:10.1137/S003614450343200X); no place is moved to a pixel,
    so there is no binning error. Its error is below 5e-8 of the surface's highest point (tested;
    about 1e-9 on city data), everywhere, so values far below 1e-6 of the highest point are not
    significant: `density_at` has them.

    The compiled loops and the plain ones agree to 1e-12 of the highest point; the order of the
    places changes nothing but the last rounding. The sum of all pixels times the area of a cell
    is the sum of the weights when the grid reaches beyond the kernels (1e-6 for a Gaussian). No
    edge correction: see `geo.edge`. Checked against the exact sum, R's ks 1.14.0 and sfhotspot
    1.0.0 (tests/unit/test_kde_grid.py, tests/golden/test_kde.py).
    """
    require_places(places, weight)
    if grid.cell_m > kernel.deviation_m * (1 + 1e-12):
        widest = floor(10 * kernel.deviation_m) / 10  # rounded down, so that it will be accepted
        raise InvalidParameter("grid-too-coarse", cell_m=grid.cell_m, widest_m=widest)
    holds = np.flatnonzero(weight > 0)
    with np.errstate(over="ignore"):  # infinitely many pixels away is outside
        # In pixels; whole numbers are cell centres.
        column = (places[0][holds] - grid.west_m) / grid.cell_m - 0.5
        row = (places[1][holds] - grid.south_m) / grid.cell_m - 0.5
    mass = weight[holds].astype(np.float64)
    if isinstance(kernel, GaussianHeat):
        image = _gaussian(row, column, mass, kernel.bandwidth_m / grid.cell_m, grid)
    else:
        image = _compact(row, column, mass, kernel, grid)
    return Raster(grid, kernel, image * kernel.peak, float(mass.sum()))


def _gaussian(
    row: NDArray[np.float64],
    column: NDArray[np.float64],
    weight: NDArray[np.float64],
    deviation: float,
    grid: Grid,
) -> NDArray[np.float64]:
    """Sum Gaussians of height `weight` and `deviation` pixels at all cell centres."""
    narrow2 = deviation**2
    reach = ceil(_EXACT_REACH * deviation + 0.5)
    margin = reach
    if deviation >= BLUR_FROM:
        # With narrow2 (1 - narrow2 / deviation^2) = 1 the pixels alias by 2 exp(-2 pi^2) = 5e-9.
        narrow2 = (deviation**2 - sqrt(deviation**4 - 4 * deviation**2)) / 2
        reach = ceil(_NARROW_REACH * sqrt(narrow2) + 0.5)
        margin = ceil(_MARGIN * deviation) + reach
    apron = margin + reach + 1
    height, width = (fft.next_fast_len(n + 2 * apron, real=True) for n in (grid.rows, grid.columns))
    if height * width > MOST_PIXELS_WITH_MARGIN:
        raise InvalidParameter("grid-too-fine", pixels=height * width, most=MOST_PIXELS_WITH_MARGIN)
    near = (row >= -margin) & (row <= grid.rows - 1 + margin)
    near &= (column >= -margin) & (column <= grid.columns - 1 + margin)
    image = np.zeros((height, width))
    foot = np.exp(-0.5 / narrow2 * np.arange(reach + 1) ** 2)
    spread = _spread if kde_kernel is None else kde_kernel.spread
    spread(image, row[near] + apron, column[near] + apron, weight[near], foot)
    if deviation >= BLUR_FROM:
        image = _blurred(image, deviation**2 - narrow2) * (deviation**2 / narrow2)
    inner = image[apron : apron + grid.rows, apron : apron + grid.columns]
    return np.maximum(inner, 0.0)  # the Fourier transform leaves +-1e-17 of the peak where none is


def _blurred(image: NDArray[np.float64], variance: float) -> NDArray[np.float64]:
    """Convolve with a Gaussian of volume one; the image wraps around, so it needs a margin."""
    height, width = image.shape
    wave = fft.rfft2(image)
    wave *= np.exp(-2 * pi**2 * variance * fft.fftfreq(height) ** 2)[:, None]
    wave *= np.exp(-2 * pi**2 * variance * fft.rfftfreq(width) ** 2)
    return np.asarray(fft.irfft2(wave, s=image.shape, overwrite_x=True))


def _spread(
    image: NDArray[np.float64],
    row: NDArray[np.float64],
    column: NDArray[np.float64],
    weight: NDArray[np.float64],
    foot: NDArray[np.float64],
) -> None:
    """Do what `kde_kernel.spread` does, without numba: one pass a pixel of the foot."""
    reach = foot.size - 1
    middle_row, middle_column = np.rint(row), np.rint(column)
    pixel = (middle_row * image.shape[1] + middle_column).astype(np.intp)
    north, east = row - middle_row, column - middle_column
    half = -np.log(foot[1])
    flat = image.reshape(-1)
    for i in range(-reach, reach + 1):
        along = weight * np.exp(-half * (i - north) ** 2)
        for j in range(-reach, reach + 1):
            to = pixel + (i * image.shape[1] + j)
            np.add.at(flat, to, along * np.exp(-half * (j - east) ** 2))


def _compact(
    row: NDArray[np.float64],
    column: NDArray[np.float64],
    weight: NDArray[np.float64],
    kernel: Kernel,
    grid: Grid,
) -> NDArray[np.float64]:
    """Sum kernels of height `weight` at all cell centres within their reach."""
    image = np.zeros((grid.rows, grid.columns))
    radius = kernel.reach_m / grid.cell_m
    near = (row >= -radius) & (row <= grid.rows - 1 + radius)
    near &= (column >= -radius) & (column <= grid.columns - 1 + radius)
    row, column, weight = row[near], column[near], weight[near]
    if kde_kernel is not None and isinstance(kernel, PowerHeat):
        kde_kernel.scatter(image, row, column, weight, (radius, kernel.power))
        return image
    for y, x, mass in zip(row.tolist(), column.tolist(), weight.tolist(), strict=True):
        low, high = max(ceil(y - radius), 0), min(floor(y + radius), grid.rows - 1) + 1
        left, right = max(ceil(x - radius), 0), min(floor(x + radius), grid.columns - 1) + 1
        north = (grid.cell_m * (np.arange(low, high) - y)) ** 2
        east = (grid.cell_m * (np.arange(left, right) - x)) ** 2
        image[low:high, left:right] += mass * kernel.profile(north[:, None] + east)
    return image
