"""In which squares a map is cut, for each coordinate system.

EPSG:3006 has Lantmäteriet's own grid, so that tiles made here and tiles fetched there are the same
squares; Web Mercator has everybody's; other systems get a square laid around the municipality.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from geo import crs
from geo.tiles import WEB_MERCATOR_QUAD, Pyramid

if TYPE_CHECKING:
    Box = tuple[float, float, float, float]

SWEREF99_TM: Final = 3006
WEB_MERCATOR: Final = 3857
PIXELS: Final = 256  # of a square that somebody else drew
# Resolution 4096 m a pixel at level 0, four squares of 256 pixels along a side.
LANTMATERIET: Final = Pyramid(-1_200_000.0, 8_500_000.0, 4096.0 * PIXELS, tiles=4)
SHARED: Final = {SWEREF99_TM: LANTMATERIET, WEB_MERCATOR: WEB_MERCATOR_QUAD}
_ALONG_A_SIDE: Final = 9  # points at which a side of the envelope is projected: it becomes a curve
_ROOM: Final = 1.1


def system(metric_epsg: int) -> int:
    """Name the system a profile's maps are drawn in: its own if that counts in metres."""
    return metric_epsg if crs.is_metric(metric_epsg) else WEB_MERCATOR


def bounds(epsg: int, envelope: Box) -> Box:
    """Project an envelope of degrees: west, south, east, north of all of it in the system."""
    west, south, east, north = envelope
    share = np.linspace(0, 1, _ALONG_A_SIDE)
    lon, lat = west + share * (east - west), south + share * (north - south)
    x, y = crs.transform(
        np.concatenate([lon, lon, np.full(share.size, west), np.full(share.size, east)]),
        np.concatenate([np.full(share.size, south), np.full(share.size, north), lat, lat]),
        crs.WGS84,
        epsg,
    )
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())


def pyramid(epsg: int, envelope: Box) -> Pyramid:
    """Give the squares for a system; an own one has sides of 2**n metres around the envelope."""
    if epsg in SHARED:
        return SHARED[epsg]
    west, south, east, north = bounds(epsg, envelope)
    size = 2.0 ** math.ceil(math.log2(_ROOM * max(east - west, north - south)))
    middle_x, middle_y = (west + east) / 2, (south + north) / 2
    return Pyramid(math.floor(middle_x - size / 2), math.ceil(middle_y + size / 2), size)


def level(squares: Pyramid, size: float) -> int:
    """Find the first zoom level whose squares are no larger than `size`."""
    return max(0, math.ceil(math.log2(squares.size / size) - 1e-9))
