"""Where: coordinate systems. The only module that knows pyproj.

Coordinates go in and out in the order east, north (or lon, lat), whatever axis order the
system's own definition has.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING
from warnings import catch_warnings, simplefilter

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from geo.errors import InvalidParameter

if TYPE_CHECKING:
    from numpy.typing import NDArray

WGS84 = 4326


@lru_cache(maxsize=32)
def _crs(epsg: int) -> CRS:
    try:
        return CRS.from_epsg(epsg)
    except CRSError as fault:
        raise InvalidParameter("unknown-crs", epsg=epsg) from fault


@lru_cache(maxsize=32)
def _transformer(source: int, target: int) -> Transformer:
    return Transformer.from_crs(_crs(source), _crs(target), always_xy=True)


def transform(
    x: NDArray[np.float64], y: NDArray[np.float64], source: int, target: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Move points from one system to another: two (n,) arrays, east and north, in and out.

    What cannot be expressed in `target` becomes infinite. Distinct points are computed once:
    incidents stack on addresses, and the projection is the dear part.

    Raises
    ------
    InvalidParameter
        An EPSG code that does not exist.
    """
    if source == target:
        return x, y
    pairs = x.astype(np.complex128)
    pairs.imag = y  # not x + 1j * y: that turns an infinite y into an unknown x
    points, inverse = np.unique(pairs, return_inverse=True)
    east, north = _transformer(source, target).transform(points.real, points.imag)
    return np.asarray(east)[inverse], np.asarray(north)[inverse]


def proj4_definition(epsg: int) -> str:
    """Give the PROJ string of a system, for clients that carry no EPSG table."""
    with catch_warnings():  # it loses the system's name and area of use, which we do not need
        simplefilter("ignore", UserWarning)
        return str(_crs(epsg).to_proj4())


def is_metric(epsg: int) -> bool:
    """Tell whether a system is projected and counts in metres."""
    crs = _crs(epsg)
    return bool(crs.is_projected) and all(axis.unit_name == "metre" for axis in crs.axis_info)


def name(epsg: int) -> str:
    """Give the system's own name, for messages to people."""
    return str(_crs(epsg).name)


def inside(
    lon: NDArray[np.float64], lat: NDArray[np.float64], envelope: tuple[float, float, float, float]
) -> NDArray[np.bool_]:
    """Tell which points lie in an envelope (west, south, east, north in degrees, closed)."""
    west, south, east, north = envelope
    return np.asarray((lon >= west) & (lon <= east) & (lat >= south) & (lat <= north))


def recognise(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    candidates: tuple[int, ...],
    envelope: tuple[float, float, float, float],
) -> tuple[int, bool, float]:
    """Find the system in which most points fall inside the envelope.

    Parameters
    ----------
    x, y
        (n,) coordinates as the file names them: x from the east/longitude column.
    candidates
        EPSG codes; the first wins a tie.
    envelope
        West, south, east, north in degrees.

    Returns
    -------
    EPSG code, whether east and north had to be swapped, and the share of points inside.
    A share of 0 means that none of the candidates fits.
    """
    best = (candidates[0], False, 0.0)
    for swapped in (False, True):
        east, north = (y, x) if swapped else (x, y)
        for epsg in candidates:
            lon, lat = transform(east, north, epsg, WGS84)
            share = float(inside(lon, lat, envelope).mean()) if x.size else 0.0
            if share > best[2]:
                best = (epsg, swapped, share)
    return best
