"""Inside which area, and how far from facilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.spatial import cKDTree

from geo.checks import require_points, require_positive, require_same_length

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

NOWHERE = -1
_MANY = 4_000  # points from which a raster pays
_POINTS_A_SQUARE = 32
_MOST_SQUARES = 512  # along a side
_OUTSIDE, _INSIDE, _MIXED = 0, 1, 2
_CHUNK = 1 << 15  # points at a time, so that what a step reads is still in the cache
_WIDER = 1.001  # than the radius: rounding must not move a point two squares away


@dataclass(frozen=True, slots=True)
class Hits:
    """Which points lie near which facilities, sorted by facility and then by point."""

    point: NDArray[np.intp]  # (h,)
    facility: NDArray[np.intp]  # (h,)


def locate(
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    outlines: Sequence[shapely.Polygon | shapely.MultiPolygon],
) -> NDArray[np.intp]:
    """Tell which outline holds each point: (n,) index into `outlines`, or -1.

    Where outlines overlap, the smallest one wins, so a core inside a district keeps its own
    events. A point on a border belongs to the outline that covers it first by that order.
    Points that are not finite are nowhere.
    """
    holder = np.full(lon.shape, NOWHERE, dtype=np.intp)
    for which in sorted(range(len(outlines)), key=lambda i: outlines[i].area):
        west, south, east, north = outlines[which].bounds
        box = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
        near = np.flatnonzero(box & (holder == NOWHERE))
        if near.size:
            holder[near[_covered(outlines[which], lon[near], lat[near])]] = which
    return holder


def _covered(
    shape: shapely.Polygon | shapely.MultiPolygon, x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Tell which points within its bounds an outline covers: (n,).

    Most squares of a raster lie wholly inside or wholly outside, and with them their points; only
    where the border runs nearby every point is tried.
    """
    shapely.prepare(shape)
    west, south, east, north = shape.bounds
    side = min(int(np.sqrt(x.size / _POINTS_A_SQUARE)), _MOST_SQUARES)
    width, height = (east - west) / max(side, 1), (north - south) / max(side, 1)
    if x.size < _MANY or min(width, height) <= 0:
        return np.asarray(shapely.intersects_xy(shape, x, y))
    raster = _raster(shape, side)
    column = np.minimum(((x - west) / width).astype(np.intp), side - 1)
    row = np.minimum(((y - south) / height).astype(np.intp), side - 1)
    state = raster[row * side + column]
    covered: NDArray[np.bool_] = state == _INSIDE
    unsure = np.flatnonzero(state == _MIXED)
    covered[unsure] = shapely.intersects_xy(shape, x[unsure], y[unsure])
    return covered


def _raster(shape: shapely.Polygon | shapely.MultiPolygon, side: int) -> NDArray[np.uint8]:
    """Classify the squares of an outline's bounds, rows from the south: (side * side,)."""
    west, south, east, north = shape.bounds
    width, height = (east - west) / side, (north - south) / side
    dense = shapely.segmentize(shape.boundary, min(width, height) / 2)
    x, y = shapely.get_coordinates(dense).T
    column = np.minimum(((x - west) / width).astype(np.intp), side - 1) + 1
    row = np.minimum(((y - south) / height).astype(np.intp), side - 1) + 1
    # Between two of these points the border stays within a square of one of them.
    border = np.zeros((side + 2, side + 2), dtype=bool)
    for up in (-1, 0, 1):
        for right in (-1, 0, 1):
            border[row + up, column + right] = True
    raster = np.where(border[1:-1, 1:-1], _MIXED, _OUTSIDE).astype(np.uint8).ravel()
    plain = np.flatnonzero(raster == _OUTSIDE)
    middle_x, middle_y = west + (plain % side + 0.5) * width, south + (plain // side + 0.5) * height
    raster[plain[shapely.intersects_xy(shape, middle_x, middle_y)]] = _INSIDE
    return raster


def within_m(
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    facilities: NDArray[np.float64],
    radius_m: float,
) -> Hits:
    """Tell which points lie within a distance of which facilities.

    Parameters
    ----------
    x_m, y_m
        (n,) points in metres; one that is not finite is near nothing.
    facilities
        (f, 2) finite metres.
    radius_m
        A point exactly so far away is a hit.

    Returns
    -------
    Pairs by true Euclidean distance, the one of `nearest_m`. (A circle made into a polygon
    loses the points between its sides and the circle.)

    Raises
    ------
    InvalidParameter
        Lengths differ, a facility is not finite, or `radius_m` is not a finite number above zero.
    """
    require_same_length(x_m=x_m, y_m=y_m)
    require_positive(radius_m=radius_m)
    require_points(*facilities.reshape(-1, 2).T)
    if not facilities.size:
        return Hits(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp))
    net = _Net.around(facilities, radius_m)
    home = net.squares(*facilities.T)
    columns = home[:, None] + np.array([-net.height, 0, net.height])
    near, squares = net.caught(x_m, y_m, columns)

    # The squares above and below one another are numbered in a row: three runs a facility.
    first = np.searchsorted(squares, columns - 1, side="left").ravel()
    count = np.searchsorted(squares, columns + 1, side="right").ravel() - first
    facility = np.repeat(np.arange(len(facilities)).repeat(3), count)
    before = np.cumsum(count) - count
    point = near[np.repeat(first - before, count) + np.arange(int(count.sum()))]
    east, north = (x_m[point] - facilities[facility, 0]), (y_m[point] - facilities[facility, 1])
    hit = np.sqrt(east * east + north * north) <= radius_m
    point, facility = point[hit], facility[hit]
    order = np.argsort(facility * x_m.size + point)
    return Hits(point[order], facility[order])


@dataclass(frozen=True, slots=True)
class _Net:
    """Squares at least a radius wide over all that may be near a facility."""

    low: NDArray[np.float64]  # (2,) south-western corner
    high: NDArray[np.float64]  # (2,)
    width: float
    height: int  # squares from south to north, with one to spare at each end

    @classmethod
    def around(cls, facilities: NDArray[np.float64], radius_m: float) -> _Net:
        """Lay a net over the facilities and a radius around them."""
        low, high = facilities.min(axis=0) - radius_m, facilities.max(axis=0) + radius_m
        width = max(radius_m * _WIDER, float((high - low).max()) / _MOST_SQUARES)
        return cls(low, high, width, int((high[1] - low[1]) / width) + 4)

    def squares(self, x_m: NDArray[np.float64], y_m: NDArray[np.float64]) -> NDArray[np.intp]:
        """Give the numbers of the squares in which points inside the net lie."""
        column = ((x_m - self.low[0]) / self.width).astype(np.intp) + 1
        row = ((y_m - self.low[1]) / self.width).astype(np.intp) + 1
        return np.asarray(column * self.height + row)

    def caught(
        self, x_m: NDArray[np.float64], y_m: NDArray[np.float64], columns: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Find the points in or beside some squares: their positions and squares, by square."""
        size = int((self.high[0] - self.low[0]) / self.width + 4) * self.height
        wanted = np.zeros(size, dtype=bool)
        for step in (-1, 0, 1):
            wanted[columns + step] = True
        near, squares = [], []
        for start in range(0, x_m.size, _CHUNK):
            x, y = x_m[start : start + _CHUNK], y_m[start : start + _CHUNK]
            inside = (x >= self.low[0]) & (x <= self.high[0])
            inside &= (y >= self.low[1]) & (y <= self.high[1])
            some = np.flatnonzero(inside)
            own = self.squares(x[some], y[some])
            kept = wanted[own]
            near.append(start + some[kept])
            squares.append(own[kept])
        points = np.concatenate([*near, np.empty(0, dtype=np.intp)])
        places = np.concatenate([*squares, np.empty(0, dtype=np.intp)])
        order = np.argsort(places)
        return points[order], places[order]


def nearest_m(
    x_m: NDArray[np.float64], y_m: NDArray[np.float64], facilities: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Tell the distance to the nearest facility and which one it is.

    Parameters
    ----------
    x_m, y_m
        (n,) points in metres; not finite means unknown.
    facilities
        (f, 2) metres.

    Returns
    -------
    (n,) true distances in metres, infinite where unknown or where there is no facility, and (n,)
    indices (0 there).
    """
    distance = np.full(x_m.shape, np.inf)
    which = np.zeros(x_m.shape, dtype=np.intp)
    known = np.isfinite(x_m) & np.isfinite(y_m)
    if facilities.size and known.any():
        points = np.column_stack([x_m[known], y_m[known]])
        distance[known], which[known] = cKDTree(facilities).query(points)
    return distance, which
