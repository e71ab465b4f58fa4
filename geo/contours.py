"""Outlines of a heat map: the smallest area that holds half, three quarters ... of the events."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import shapely
from contourpy import FillType, contour_generator

from geo.checks import require_fraction
from geo.errors import InvalidParameter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo.heat import Raster

_SAME_HEIGHT = 1e-9  # relative: pixels of mirrored points differ in their last digits


@dataclass(frozen=True, slots=True)
class VolumeShares:
    """Which shares of the volume under the surface to outline, ascending."""

    volume_shares: tuple[float, ...] = (0.5, 0.75, 0.9, 0.95)

    def __post_init__(self) -> None:
        """Refuse shares that are none, not shares, or not in order."""
        for share in self.volume_shares:
            require_fraction(volume_shares=share)
        if not self.volume_shares or list(self.volume_shares) != sorted(set(self.volume_shares)):
            raise InvalidParameter("volume-shares-not-rising", volume_shares=self.volume_shares)


@dataclass(frozen=True, slots=True)
class VolumeContour:
    """The smallest area of the map that holds a share of the volume under its surface."""

    share: float  # asked for
    held: float  # share of the pixels' volume whose centres lie inside; at least `share`
    level: float  # events per m2 on the outline
    area_m2: float  # of the shape
    shape: shapely.MultiPolygon  # metres, with holes; lies inside those of larger shares


def volume_contours(raster: Raster, wanted: VolumeShares) -> tuple[VolumeContour, ...]:
    """Tell which smallest area holds a given share of the events, smoothed (percent volume).

    Parameters
    ----------
    raster
        A density on a grid, from `geo.heat.heat_raster`.
    wanted
        Which shares.

    Returns
    -------
    One contour a share, in that order; none at all for a surface that is zero everywhere.

    Notes
    -----
    Pixels are taken from the highest down until they hold the share; equal pixels come together,
    so a plateau can make `held` larger than asked. The outline runs half-way in height between the
    lowest pixel taken and the highest one left, interpolated between pixel centres (marching
    squares, contourpy): a pixel's centre lies inside exactly if the pixel was taken, so the
    volume inside is right to one pixel. Shares are of the volume on the grid: what the kernel
    spreads beyond its edge is not counted, and outlines close within one cell outside it. The
    outlines are nested.

    This is the usual utilisation distribution of ecology (Worton 1989, doi:10.2307/1938423).
    An outline is not a test: noise has a smallest area that holds half of it, too.
    """
    density = raster.density
    if not density.any():
        return ()
    heights = np.sort(density, axis=None)[::-1]
    upto = np.cumsum(heights)
    # Zeros all around: no outline is cut open by the edge of the grid.
    cell = raster.grid.cell_m
    x, y = _beyond(raster.grid.x_m, cell), _beyond(raster.grid.y_m, cell)
    lines = contour_generator(x, y, np.pad(density, 1), fill_type=FillType.OuterOffset)
    found = []
    for share in wanted.volume_shares:
        last = min(int(np.searchsorted(upto, share * upto[-1])), heights.size - 1)
        lowest = heights[last]
        tied = lowest * (1 - _SAME_HEIGHT)
        taken = heights.size - int(np.searchsorted(heights[::-1], tied, side="left"))
        left = heights[taken] if taken < heights.size else 0.0
        level = (lowest + left) / 2
        shape = _filled(*lines.filled(level, np.inf))
        held = float(upto[taken - 1] / upto[-1])
        found.append(VolumeContour(share, held, float(level), float(shape.area), shape))
    return tuple(found)


def _beyond(centres: NDArray[np.float64], cell_m: float) -> NDArray[np.float64]:
    """Add one centre before and one after."""
    return np.concatenate([centres[:1] - cell_m, centres, centres[-1:] + cell_m])


def _filled(
    points: list[NDArray[np.float64]], offsets: list[NDArray[np.uint32]]
) -> shapely.MultiPolygon:
    """Make polygons of contourpy's rings: for each, an outer one and then its holes."""
    polygons = []
    for corners, starts in zip(points, offsets, strict=True):
        rings = [corners[a:b] for a, b in pairwise(starts.tolist())]
        polygons.append(shapely.Polygon(rings[0], rings[1:]))
    return shapely.MultiPolygon(polygons)
