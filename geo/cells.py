"""H3 cells: one index at the finest resolution, coarser cells as logical parents.

A point is indexed once, at resolution 11. Coarser cells are found by integer arithmetic on that
index and are therefore parents, not re-indexed points: re-indexing gives another cell for about
7 % of points, and then a parent and its children would not add up.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import h3.api.basic_int as h3
import numpy as np
import shapely

from geo.errors import InvalidParameter

if TYPE_CHECKING:
    from numpy.typing import NDArray

FINEST = 11
RESOLUTIONS = (8, 9, 10, 11)
_DIGIT_BITS = 3
_RESOLUTION_SHIFT = 52
_DEEPEST = 15
_HEXADECIMAL = re.compile(r"[0-9a-f]{1,16}", re.ASCII | re.IGNORECASE)  # at most 64 bits


def index(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
    """Find the resolution-11 cell of each point: two (n,) arrays in degrees -> (n,) ``int64``.

    Distinct points are indexed once. Points must be finite.
    """
    points, inverse = np.unique(lon + 1j * lat, return_inverse=True)
    cells = [h3.latlng_to_cell(p.imag, p.real, FINEST) for p in points.tolist()]
    return np.array(cells, dtype=np.int64)[inverse]


def parents(cells: NDArray[np.int64], resolution: int) -> NDArray[np.int64]:
    """Find the parent of each cell: (n,) resolution-11 cells -> (n,) cells at `resolution`.

    Notes
    -----
    An H3 index keeps its resolution in bits 52-55 and one 3-bit digit a level; digits below the
    resolution are all ones. Equal to ``h3.cell_to_parent`` (tests/unit/test_cells.py).

    Raises
    ------
    InvalidParameter
        `resolution` is not one of 8, 9, 10, 11.
    """
    if resolution not in RESOLUTIONS:
        raise InvalidParameter("resolution", resolution=resolution, allowed="8, 9, 10, 11")
    unused = (1 << (_DIGIT_BITS * (_DEEPEST - resolution))) - 1
    cleared = cells & ~np.int64(0xF << _RESOLUTION_SHIFT)
    return cleared | np.int64(resolution << _RESOLUTION_SHIFT) | np.int64(unused)


def boundaries(cells: NDArray[np.int64]) -> list[list[list[float]]]:
    """Give each cell's closed ring of [lon, lat], counter-clockwise, seven decimals (1 cm)."""
    rings = []
    for cell in cells.tolist():
        ring = [[round(lon, 7), round(lat, 7)] for lat, lon in h3.cell_to_boundary(cell)]
        rings.append([*ring, ring[0]])
    return rings


def polygons(cells: NDArray[np.int64]) -> NDArray[np.object_]:
    """Give each cell as a shapely polygon in lon/lat."""
    return np.array([shapely.Polygon(ring) for ring in boundaries(cells)], dtype=object)


def areas_m2(cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give each cell's true area on the sphere; cells differ from the published averages."""
    return np.array([h3.cell_area(cell, unit="m^2") for cell in cells.tolist()])


def resolution(cell: int) -> int:
    """Tell how fine a cell is: 0 to 15."""
    return int(h3.get_resolution(cell))


def name(cell: int) -> str:
    """Write a cell the way H3 tools do: hexadecimal."""
    return str(h3.int_to_str(cell))


def parse(text: str) -> int:
    """Read a cell written in hexadecimal.

    Raises
    ------
    InvalidParameter
        It is not an H3 cell.
    """
    if not _HEXADECIMAL.fullmatch(text):
        raise InvalidParameter("not-a-cell", value=text[:40])
    cell = int(h3.str_to_int(text))
    if not h3.is_valid_cell(cell):
        raise InvalidParameter("not-a-cell", value=text[:40])
    return cell
