"""Mapbox vector tiles (version 2.1): squares, pyramids, and polygons straight from their corners.

`geo.tile_wire` writes the bytes; `geo.tile_drawing` cuts and simplifies shapes of every kind for a
background map. Layers are independent messages: the tile of several layers is their bytes one after
the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geo import cells as grid
from geo import tile_wire as wire
from geo.checks import require_positive, require_same_length
from geo.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from geo.tile_wire import Column

    Projection = Callable[
        [NDArray[np.float64], NDArray[np.float64]],
        tuple[NDArray[np.float64], NDArray[np.float64]],
    ]

MEDIA_TYPE = "application/vnd.mapbox-vector-tile"
MERCATOR_RADIUS_M = 6_378_137.0
_MERCATOR_LIMIT = 85.06  # degrees; the square world ends at 85.0511
_FARTHEST = 1 << 30  # tile units; differences must fit in 32 bits


@dataclass(frozen=True, slots=True)
class Frame:
    """One tile's square in the projected plane."""

    west: float  # projected units
    north: float
    size: float
    extent: int = 4096  # tile units along a side
    buffer: int = 80  # tile units around the square in which shapes are still kept

    def __post_init__(self) -> None:
        """Refuse a tile without area."""
        require_positive(size=self.size, extent=self.extent)


@dataclass(frozen=True, slots=True)
class Pyramid:
    """Tiles of half the size with each zoom level; row 0 is in the north, column 0 in the west."""

    west: float  # projected units
    north: float
    size: float  # of a tile of zoom level 0
    tiles: int = 1  # of zoom level 0 along a side; some national grids begin with several

    def frame(self, zoom: int, column: int, row: int) -> Frame:
        """Give a tile's square.

        Raises
        ------
        InvalidParameter
            There is no such tile.
        """
        last = (self.tiles << max(zoom, 0)) - 1
        if zoom < 0 or not (0 <= column <= last and 0 <= row <= last):
            raise InvalidParameter("no-such-tile", zoom=zoom, column=column, row=row)
        size = self.size / 2**zoom
        return Frame(self.west + column * size, self.north - row * size, size)


_HALF_WORLD_M = np.pi * MERCATOR_RADIUS_M
WEB_MERCATOR_QUAD = Pyramid(-_HALF_WORLD_M, _HALF_WORLD_M, 2 * _HALF_WORLD_M)


@dataclass(frozen=True, slots=True)
class Shapes:
    """Polygons as ragged arrays of projected corners."""

    x: NDArray[np.float64]  # (v,)
    y: NDArray[np.float64]  # (v,)
    rings: NDArray[np.intp]  # (r + 1,) corners of ring r: rings[r] to rings[r + 1]
    features: NDArray[np.intp]  # (f + 1,) rings of feature f: features[f] to features[f + 1]
    hole: NDArray[np.bool_]  # (r,) a hole in the ring before it that is none


def web_mercator(
    lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Project degrees to EPSG:3857 metres; nearer to a pole than 85.06 degrees is drawn there."""
    within = np.clip(lat, -_MERCATOR_LIMIT, _MERCATOR_LIMIT)
    north = np.log(np.tan(np.radians(within / 2 + 45)))
    return np.radians(lon) * MERCATOR_RADIUS_M, north * MERCATOR_RADIUS_M


def of_cells(cells: NDArray[np.int64], project: Projection) -> Shapes:
    """Give H3 cells as shapes: `project` turns lon/lat degrees into the tiles' plane."""
    outlines = grid.rings(cells)
    x, y = project(*outlines.lonlat.T)
    return Shapes(x, y, outlines.starts, np.arange(cells.size + 1), np.zeros(cells.size, bool))


def of_polygons(
    polygons: Sequence[shapely.Polygon | shapely.MultiPolygon], project: Projection
) -> Shapes:
    """Give lon/lat polygons as shapes: `project` turns degrees into the tiles' plane."""
    several = [shapely.MultiPolygon(shapely.get_parts(polygon).tolist()) for polygon in polygons]
    if not several:
        none, start = np.empty(0), np.zeros(1, dtype=np.intp)
        return Shapes(none, none, start, start, np.empty(0, dtype=bool))
    _, lonlat, (rings, parts, features) = shapely.to_ragged_array(several)
    hole = np.ones(rings.size - 1, dtype=bool)
    hole[parts[:-1]] = False
    return Shapes(*project(*lonlat[:, :2].T), rings, parts[features], hole)


def encode(
    layer: str,
    shapes: Shapes,
    frame: Frame,
    columns: Mapping[str, Column],
    ids: NDArray[np.int64] | None = None,
) -> bytes:
    """Write a tile with one layer of polygons.

    Parameters
    ----------
    layer
        Its name.
    shapes
        f polygons in the projected plane of `frame`.
    frame
        The tile.
    columns
        Property name -> (f,) values: whole numbers, fractions, truth values or strings. None, NaN
        and infinities mean that a feature lacks the property; the format has no null.
    ids
        (f,) not negative; none by default.

    Returns
    -------
    The bytes of the tile. Polygons outside the tile and its buffer, and rings that have no area
    in whole tile units, are left out; so is a layer without features (empty bytes).

    Raises
    ------
    InvalidParameter
        Lengths differ, a coordinate is not finite, or a corner lies 2**30 units away.

    Notes
    -----
    https://github.com/mapbox/vector-tile-spec/tree/master/2.1. Outer rings have a positive area by
    the surveyor's formula in tile coordinates, whichever way they came. Not handled: shapes are
    not cut at the tile's edge, and rounding to tile units may make thin shapes touch themselves.
    """
    lengths = {f"column {name}": len(values) for name, values in columns.items()}
    lengths |= {"shapes": shapes.features.size - 1}
    if ids is not None:
        lengths |= {"ids": ids.size}
    require_same_length(**{name: np.empty((length, 0)) for name, length in lengths.items()})
    drawing = _drawn(shapes, frame)
    if not drawing.features.size:
        return b""
    shown_ids = None if ids is None else ids[drawing.features].astype(np.uint64)
    known = wire.Properties(columns, drawing.features, shown_ids)
    return wire.layer(layer, _geometry(drawing), known, frame.extent)


@dataclass(frozen=True, slots=True)
class _Drawing:
    """What of some shapes appears in a tile, in its units and ready to be written."""

    x: NDArray[np.int64]  # (v,) corners, to the east
    y: NDArray[np.int64]  # (v,) and to the south
    sizes: NDArray[np.intp]  # (r,) corners of each ring
    owner: NDArray[np.intp]  # (r,) position in `features` of the one each ring belongs to
    features: NDArray[np.intp]  # (f,) which of the shapes


def _drawn(shapes: Shapes, frame: Frame) -> _Drawing:
    """Round to tile units, leave out what does not show, and turn rings the right way."""
    if not (np.isfinite(shapes.x).all() and np.isfinite(shapes.y).all()):
        raise InvalidParameter("coordinates-not-finite")
    scale = frame.extent / frame.size
    x = np.rint((shapes.x - frame.west) * scale)
    y = np.rint((frame.north - shapes.y) * scale)
    shown = _shown(x, y, shapes.rings[shapes.features], frame)
    owner = np.repeat(np.arange(shown.size), np.diff(shapes.features))
    ring = np.repeat(np.arange(owner.size), np.diff(shapes.rings))
    if not shown.all():
        kept = shown[owner][ring]
        x, y, ring = x[kept], y[kept], ring[kept]
    farthest = max(np.abs(x).max(initial=0), np.abs(y).max(initial=0))
    if farthest > _FARTHEST:
        raise InvalidParameter("shape-too-large-for-tile", units=farthest, most=_FARTHEST)
    x, y, ring = _without_repeats(x.astype(np.int64), y.astype(np.int64), ring)

    starts, ends = _runs(ring)
    drawn = ring[starts]
    area = _doubled_areas(x, y, starts, ends)
    hole = shapes.hole[drawn]
    outer = np.maximum.accumulate(np.where(hole, 0, np.arange(hole.size)))
    good = (area != 0) & (area[outer] != 0)
    starts, ends, wrong = starts[good], ends[good], ((area > 0) == hole)[good]
    sizes = ends + 1 - starts
    order = wire.ranges(starts, sizes)
    if wrong.any():
        mirrored = np.repeat(starts + ends, sizes) - order
        order = np.where(np.repeat(wrong, sizes), mirrored, order)
    features, position = np.unique(owner[drawn[good]], return_inverse=True)
    return _Drawing(x[order], y[order], sizes, position, features)


def _shown(
    x: NDArray[np.float64], y: NDArray[np.float64], starts: NDArray[np.intp], frame: Frame
) -> NDArray[np.bool_]:
    """Tell which shapes' bounds reach into the tile or its buffer: corners (v,) -> (f,).

    A shape is out of sight when all its corners lie beyond the same side.
    """
    low, high = -frame.buffer, frame.extent + frame.buffer
    beyond = np.zeros(x.size, dtype=np.uint8)
    for bit, side in enumerate((x < low, x > high, y < low, y > high)):
        beyond |= side.view(np.uint8) << bit
    shown = np.zeros(starts.size - 1, dtype=bool)
    some = np.flatnonzero(starts[1:] > starts[:-1])
    if some.size:
        shown[some] = np.bitwise_and.reduceat(beyond, starts[some]) == 0
    return shown


def _without_repeats(
    x: NDArray[np.int64], y: NDArray[np.int64], ring: NDArray[np.intp]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.intp]]:
    """Drop corners equal to the one before in their ring, and closing ones equal to the first."""
    kept = np.ones(x.size, dtype=bool)
    kept[1:] = (x[1:] != x[:-1]) | (y[1:] != y[:-1]) | (ring[1:] != ring[:-1])
    if not kept.all():
        x, y, ring = x[kept], y[kept], ring[kept]
    starts, ends = _runs(ring)
    closing = (x[starts] == x[ends]) & (y[starts] == y[ends]) & (starts < ends)
    kept = np.ones(x.size, dtype=bool)
    kept[ends[closing]] = False
    return x[kept], y[kept], ring[kept]


def _runs(ring: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Find the first and the last corner of each ring that still has one."""
    change = np.flatnonzero(ring[1:] != ring[:-1])
    if not ring.size:
        return change, change
    return np.append(0, change + 1), np.append(change, ring.size - 1)


def _doubled_areas(
    x: NDArray[np.int64], y: NDArray[np.int64], starts: NDArray[np.intp], ends: NDArray[np.intp]
) -> NDArray[np.int64]:
    """Give twice the signed area of each ring by the surveyor's formula, exact: (r,)."""
    if not starts.size:
        return np.empty(0, dtype=np.int64)
    sizes = ends + 1 - starts
    x, y = x - np.repeat(x[starts], sizes), y - np.repeat(y[starts], sizes)
    across = np.append(x[:-1] * y[1:] - x[1:] * y[:-1], 0)
    across[ends] = 0  # the last side ends in the first corner, which is (0, 0) here
    return np.add.reduceat(across, starts)


def _geometry(drawing: _Drawing) -> wire.Geometry:
    """Turn rings into commands."""
    sizes = drawing.sizes
    new = np.diff(drawing.owner, prepend=-1) > 0  # the cursor starts anew with each feature
    first = (np.cumsum(sizes) - sizes)[new]
    length = 2 * sizes + 3
    start = np.cumsum(length) - length
    numbers = np.empty(int(length.sum()), dtype=np.uint64)
    numbers[start] = (1 << 3) | wire.MOVE_TO
    numbers[start + 3] = ((sizes - 1) << 3) | wire.LINE_TO
    numbers[start + length - 1] = wire.CLOSE
    nth = wire.ranges(np.zeros_like(sizes), sizes)
    place = np.repeat(start + 1, sizes) + 2 * nth + (nth > 0)
    for offset, axis in enumerate((drawing.x, drawing.y)):
        step = np.diff(axis, prepend=0)
        step[first] = axis[first]
        numbers[place + offset] = wire.zigzag(step)
    return wire.Geometry(wire.POLYGON, numbers, np.bincount(drawing.owner, length).astype(np.intp))
