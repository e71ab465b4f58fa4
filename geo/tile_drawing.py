"""Background shapes in a vector tile: cut to the square, simplified to its scale, and written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

from geo import tile_wire as wire
from geo import tiles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from geo.tiles import Frame

TOLERANCE: Final = 4.0  # tile units: half a pixel of a square of 512


def encode(
    layer: str,
    kind: str,
    shapes: NDArray[np.object_],
    columns: Mapping[str, NDArray[np.generic]],
    frame: Frame,
) -> bytes:
    """Write a tile with one layer of points, lines or polygons.

    Parameters
    ----------
    layer
        Its name.
    kind
        "Point", "LineString" or "Polygon"; parts of another kind, which cutting may leave, are
        left out. Shapes of several parts become several features.
    shapes
        (n,) geometries in the projected plane of `frame`.
    columns
        Property name -> (n,) values, as in `geo.tiles.encode`.
    frame
        The tile.

    Returns
    -------
    The bytes; none where nothing of it shows.
    """
    parts, owner = _parts(_simplified(_cut(shapes, frame), kind, frame), kind)
    if not owner.size:
        return b""
    known = {name: values[owner] for name, values in columns.items()}
    if kind == "Polygon":
        return tiles.encode(layer, _polygons(parts), frame, known)
    geometry, shown = _DRAWN[kind](parts, frame)
    if not shown.size:
        return b""
    return wire.layer(layer, geometry, wire.Properties(known, shown), frame.extent)


def _cut(shapes: NDArray[np.object_], frame: Frame) -> NDArray[np.object_]:
    """Cut what reaches over the tile's buffer; most shapes of a town lie wholly inside."""
    around = frame.buffer * frame.size / frame.extent
    west, north = frame.west - around, frame.north + around
    east, south = frame.west + frame.size + around, frame.north - frame.size - around
    low_x, low_y, high_x, high_y = shapely.bounds(shapes).T
    over = ~((low_x >= west) & (high_x <= east) & (low_y >= south) & (high_y <= north))
    cut = shapes.copy()
    cut[over] = shapely.clip_by_rect(shapes[over], west, south, east, north)
    return cut


def _simplified(shapes: NDArray[np.object_], kind: str, frame: Frame) -> NDArray[np.object_]:
    if kind == "Point":
        return shapes
    tolerance = TOLERANCE * frame.size / frame.extent
    return np.asarray(shapely.simplify(shapes, tolerance, preserve_topology=False))


def _parts(shapes: NDArray[np.object_], kind: str) -> tuple[NDArray[np.object_], NDArray[np.intp]]:
    """Take shapes apart: parts of a kind (p,), and which shape each belongs to (p,)."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    wanted = shapely.GeometryType[kind.upper()].value
    kept = (shapely.get_type_id(parts) == wanted) & ~shapely.is_empty(parts)
    return parts[kept], owner[kept]


def _polygons(parts: NDArray[np.object_]) -> tiles.Shapes:
    _, corners, (rings, features) = shapely.to_ragged_array(parts)
    hole = np.ones(rings.size - 1, dtype=bool)
    hole[features[:-1]] = False
    x, y = corners[:, 0], corners[:, 1]
    return tiles.Shapes(x, y, rings.astype(np.intp), features.astype(np.intp), hole)


def _units(parts: NDArray[np.object_], frame: Frame) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Round to tile units: corners (v, 2) to the east and to the south, and whose they are (v,)."""
    corners, owner = shapely.get_coordinates(parts, return_index=True)
    offset = corners - (frame.west, frame.north)
    return np.rint(offset * (frame.extent / frame.size) * (1, -1)).astype(np.int64), owner


def _lines(parts: NDArray[np.object_], frame: Frame) -> tuple[wire.Geometry, NDArray[np.intp]]:
    """Turn lines into commands; those shorter than a tile unit are left out."""
    corners, owner = _units(parts, frame)
    kept = np.ones(owner.size, dtype=bool)
    kept[1:] = (corners[1:] != corners[:-1]).any(axis=1) | (owner[1:] != owner[:-1])
    sizes = np.bincount(owner[kept], minlength=parts.size)
    kept &= sizes[owner] > 1
    shown = np.flatnonzero(sizes > 1)
    corners, sizes = corners[kept], sizes[shown]
    length = 2 * sizes + 2
    start = np.cumsum(length) - length
    numbers = np.empty(int(length.sum()), dtype=np.uint64)
    numbers[start] = (1 << 3) | wire.MOVE_TO
    numbers[start + 3] = ((sizes - 1) << 3) | wire.LINE_TO
    nth = wire.ranges(np.zeros_like(sizes), sizes)
    _write_steps(numbers, np.repeat(start + 1, sizes) + 2 * nth + (nth > 0), corners, nth == 0)
    return wire.Geometry(wire.LINE, numbers, length), shown


def _points(parts: NDArray[np.object_], frame: Frame) -> tuple[wire.Geometry, NDArray[np.intp]]:
    """Turn points into commands."""
    corners, _ = _units(parts, frame)
    start = 3 * np.arange(parts.size)
    numbers = np.empty(3 * parts.size, dtype=np.uint64)
    numbers[start] = (1 << 3) | wire.MOVE_TO
    _write_steps(numbers, start + 1, corners, np.ones(parts.size, dtype=bool))
    return wire.Geometry(wire.POINT, numbers, np.full(parts.size, 3)), np.arange(parts.size)


def _write_steps(
    numbers: NDArray[np.uint64],
    place: NDArray[np.intp],
    corners: NDArray[np.int64],
    first: NDArray[np.bool_],
) -> None:
    """Write the way from corner to corner; the first of a feature counts from the tile's own."""
    for axis in (0, 1):
        step = np.diff(corners[:, axis], prepend=0)
        step[first] = corners[first, axis]
        numbers[place + axis] = wire.zigzag(step)


_DRAWN: Final[
    dict[
        str,
        Callable[[NDArray[np.object_], Frame], tuple[wire.Geometry, NDArray[np.intp]]],
    ]
] = {"LineString": _lines, "Point": _points}
