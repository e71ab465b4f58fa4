"""Where a point lies on the icosahedron under H3, and on the lattice of hexagons of its face.

H3 projects the sphere onto the 20 faces of an icosahedron, each from the centre of the sphere, and
covers every face with a lattice of hexagons. Two points that are nearest to the same face and fall
into the same hexagon of its lattice therefore lie in the same H3 cell. That is all that is used
here: the lattice tells *which points share a cell*, H3 itself says which cell that is.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_RES0_UNIT = (3 - np.sqrt(5)) / 2  # a lattice step of resolution 0 on the projected face
_APERTURE = 7  # hexagons of the next resolution in one
_APERTURE_TURN = np.arcsin(np.sqrt(3 / 28))  # an odd resolution's lattice is turned by this angle
_NEIGHBOURING_CORNERS = 1 / np.sqrt(5)  # cosine of the angle between them
# What follows is far wider than the rounding errors of either side (measured: 1e-9 of a step, and
# more near the centre of a face, where H3 takes the arc cosine of nearly one).
_AT_AN_EDGE = 1e-6  # of a lattice step: 0.03 mm at resolution 11
_AT_A_FACE_EDGE = 1e-9  # difference of two cosines: 6 mm
_AT_A_FACE_CENTRE = 1 - 1e-3**2 / 2  # cosine of 0.001 rad, that is 6 km
_ROUNDING = 1e-6  # rad; far above the error of a small angle from its cosine
_CHUNK = 1 << 14  # points at a time: what a step reads was just written and is still in the cache
_ROOMY = 8  # cells of a table per point, at most
# Corners of a hexagon from its centre, in thirds of the lattice's two axes (60 degrees apart).
_CORNERS = np.array([(1, 1), (-1, 2), (-2, 1), (-1, -1), (1, -2), (2, -1)])
_COLUMN_BITS = 28  # of a hexagon's number; enough for resolution 15
_MIDDLE = 1 << (_COLUMN_BITS - 1)
_ROW_MASK = (1 << _COLUMN_BITS) - 1


@dataclass(frozen=True, slots=True)
class Icosahedron:
    """The faces, each with its own plane: a point's direction times an axis is a coordinate."""

    centre: NDArray[np.float64]  # (20, 3) unit vectors
    east: NDArray[np.float64]  # (20, 3) the x axis of the face's plane, towards a corner
    north: NDArray[np.float64]  # (20, 3) the y axis, a quarter turn counter-clockwise


@dataclass(frozen=True, slots=True)
class Hexagons:
    """The hexagon of the lattice in which each point lies."""

    number: NDArray[np.int64]  # (n,) equal where face and hexagon are equal
    sure: NDArray[np.bool_]  # (n,) False within a hair of an edge: `number` means nothing there


def unit_vectors(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the directions of points from the centre of the sphere: degrees -> (3, n)."""
    east, north = np.radians(lon), np.radians(lat)
    vectors = np.empty((3, lon.size))
    around = np.cos(north)
    np.multiply(around, np.cos(east), out=vectors[0])
    np.multiply(around, np.sin(east), out=vectors[1])
    np.sin(north, out=vectors[2])
    return vectors


def from_corners(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Icosahedron:
    """Build the icosahedron with these 12 corners, in degrees: H3's are its pentagons' centres."""
    corners = unit_vectors(lon, lat).T
    touching = np.isclose(corners @ corners.T, _NEIGHBOURING_CORNERS, rtol=0, atol=1e-6)
    faces = [
        list(three)
        for three in combinations(range(len(corners)), 3)
        if all(touching[a, b] for a, b in combinations(three, 2))
    ]
    centre = corners[faces].mean(axis=1)
    centre /= np.linalg.norm(centre, axis=1, keepdims=True)
    first = corners[[face[0] for face in faces]]
    east = first - np.sum(first * centre, axis=1, keepdims=True) * centre
    east /= np.linalg.norm(east, axis=1, keepdims=True)
    return Icosahedron(centre, east, np.cross(centre, east))


def hexagons(
    lon: NDArray[np.float64], lat: NDArray[np.float64], resolution: int, solid: Icosahedron
) -> Hexagons:
    """Tell which points share a hexagon: two (n,) arrays in finite degrees.

    Notes
    -----
    The gnomonic projection and the lattice of H3 (Brodsky & Uber 2018, h3geo.org, "Coordinate
    systems"): steps shrink by the square root of 7 with each resolution, and lattices of odd
    resolutions are turned by asin(sqrt(3/28)). A point is not `sure` where rounding could decide:
    within 1e-6 of a step of an edge, where two faces meet, and around the centre of a face.
    """
    frames = _frames(solid, resolution)
    number = np.empty(lon.size, dtype=np.int64)
    sure = np.zeros(lon.size, dtype=bool)
    for start in range(0, lon.size, _CHUNK):
        part = slice(start, start + _CHUNK)
        vectors = unit_vectors(lon[part], lat[part])
        for face, which, clear in _by_face(vectors, solid):
            own = vectors if which is None else vectors[:, which]
            into = part if which is None else start + which
            number[into], inside = _rounded(frames[face] @ own, face)
            sure[into] = inside & clear
    return Hexagons(number, sure)


def _frames(solid: Icosahedron, resolution: int) -> NDArray[np.float64]:
    """Give per face the matrix that turns a direction into depth, column and row: (20, 3, 3)."""
    x, y = _lattice_axes(solid, resolution)
    steps = _steps(resolution)
    column, row = steps * (x - y / np.sqrt(3)), steps * (2 / np.sqrt(3)) * y
    return np.stack([solid.centre, column, row], axis=1)


def _lattice_axes(
    solid: Icosahedron, resolution: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the unit vectors along a lattice's first axis and a quarter turn left: (20, 3) each."""
    turn = _turn(resolution)
    x = np.cos(turn) * solid.east + np.sin(turn) * solid.north
    return x, np.cos(turn) * solid.north - np.sin(turn) * solid.east


def _turn(resolution: int) -> float:
    return float(_APERTURE_TURN) if resolution % 2 else 0.0


def _steps(resolution: int) -> float:
    """Count a lattice's steps in a length of 1, the distance of a face from the middle."""
    return float(np.sqrt(float(_APERTURE) ** resolution) / _RES0_UNIT)


def _by_face(
    vectors: NDArray[np.float64], solid: Icosahedron
) -> Iterator[tuple[int, NDArray[np.intp] | None, NDArray[np.bool_]]]:
    """Deal points out to their nearest faces: face, positions (None: all of them), not between."""
    first = vectors[:, 0]
    cosines = solid.centre @ first
    guess = int(np.argmax(cosines))
    # A point cannot be nearer to another face when it lies nearer to the first point than that
    # point to the border. As a rule one town lies on one face.
    spread = np.sqrt(max(0.0, 2 - 2 * float((first @ vectors).min()))) + _ROUNDING
    apart = np.linalg.norm(solid.centre - solid.centre[guess], axis=1)
    if (cosines[guess] - cosines >= apart * spread)[apart > 0].all():
        yield guess, None, solid.centre[guess] @ vectors < _AT_A_FACE_CENTRE
        return
    cosine = solid.centre @ vectors
    best = cosine.max(axis=0)
    alone = (cosine > best - _AT_A_FACE_EDGE).sum(axis=0) == 1
    clear = alone & (best < _AT_A_FACE_CENTRE)
    for face, own in enumerate(cosine):
        which = np.flatnonzero((own == best) & clear)
        if which.size:
            yield face, which, clear[which]


def _rounded(
    projected: NDArray[np.float64], face: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Find the nearest centre of a hexagon: numbers (n,), and whether no edge is near (n,)."""
    column, row = projected[1:] / projected[0]
    q, r = np.rint(column), np.rint(row)
    dq, dr = column - q, row - r
    # Rounding gives the rhombus around a centre. It differs from the hexagon in two corners, from
    # which the next centre along the larger deviation is nearer.
    along = np.where(np.abs(dq) > np.abs(dr), dq, dr)
    beyond = np.trunc(np.clip(dq + dr + along, -1.5, 1.5))
    on_q = along == dq
    q += beyond * on_q
    r += beyond * ~on_q
    dq, dr = column - q, row - r
    sides = np.maximum(np.abs(2 * dq + dr), np.abs(dq + 2 * dr))
    sure = np.maximum(sides, np.abs(dq - dr)) < 1 - _AT_AN_EDGE
    first = (((face << _COLUMN_BITS) + _MIDDLE) << _COLUMN_BITS) + _MIDDLE
    number = (q.astype(np.int64) << _COLUMN_BITS) + r.astype(np.int64) + first
    return number, sure


def group(number: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Find one point of each hexagon: positions (h,), and (n,) which of the h each point is in."""
    if not number.size:
        return np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32)
    column, row = number >> _COLUMN_BITS, number & _ROW_MASK
    west, south = column.min(), row.min()
    height = int(row.max() - south) + 1
    box = (int(column.max() - west) + 1) * height
    if box > _ROOMY * number.size:  # scattered over the world: a table would be mostly empty
        _, first, inverse = np.unique(number, return_index=True, return_inverse=True)
        return first.astype(np.int32), inverse.astype(np.int32)
    place = (column - west) * height + (row - south)
    someone = np.full(box, -1, dtype=np.int32)
    someone[place] = np.arange(place.size, dtype=np.int32)
    taken = np.flatnonzero(someone >= 0)
    one = someone[taken]
    someone[taken] = np.arange(taken.size, dtype=np.int32)
    return one, someone[place]


def locate(
    lon: float, lat: float, resolution: int, solid: Icosahedron
) -> tuple[int, NDArray[np.int64]]:
    """Tell the face of one point in degrees and its hexagon there: face, (column, row)."""
    vector = unit_vectors(np.array([lon]), np.array([lat]))
    face = int(np.argmax(solid.centre @ vector[:, 0]))
    number, _ = _rounded(_frames(solid, resolution)[face] @ vector, face)
    column = (number >> _COLUMN_BITS) - (face << _COLUMN_BITS) - _MIDDLE
    row = (number & _ROW_MASK) - _MIDDLE
    return face, np.concatenate([column, row])


def reach_beyond(
    column: NDArray[np.int64], row: NDArray[np.int64], resolution: int
) -> NDArray[np.float64]:
    """Tell how many steps each hexagon's centre lies outside its face's triangle: (n,).

    Below zero is inside; a hexagon is wholly inside below -0.58 and wholly outside above 0.58.
    """
    turn = _turn(resolution)
    x, y = column + row / 2, row * (np.sqrt(3) / 2)
    x, y = x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)
    # The triangle's corners lie at 0, 120 and 240 degrees; its inner radius is a step of
    # resolution 0, so the square root of 7 to the power of the resolution.
    inner_radius = np.sqrt(float(_APERTURE) ** resolution)
    outwards = np.maximum(x / 2 + np.abs(y) * (np.sqrt(3) / 2), -x)
    return np.asarray(outwards - inner_radius)


def corners(
    hexagon: NDArray[np.int64], face: int, resolution: int, solid: Icosahedron
) -> NDArray[np.float64]:
    """Give the six corners of hexagons of a face, counter-clockwise.

    (n, 2) columns and rows -> (n, 6, 2) lon, lat in degrees. Corners are counted in thirds of a
    step, so neighbours share theirs to the last bit.
    """
    x, y = (axes[face] / (3 * _steps(resolution)) for axes in _lattice_axes(solid, resolution))
    along = x / 2 + y * (np.sqrt(3) / 2)
    lonlat = np.empty((len(hexagon), len(_CORNERS), 2))
    for start in range(0, len(hexagon), _CHUNK // len(_CORNERS)):
        part = slice(start, start + _CHUNK // len(_CORNERS))
        q, r = (3 * hexagon[part].T[:, :, None] + _CORNERS.T[:, None, :]).astype(np.float64)
        e, n, up = (solid.centre[face][k] + q * x[k] + r * along[k] for k in range(3))
        lonlat[part, :, 0] = np.arctan2(n, e)
        lonlat[part, :, 1] = np.arctan2(up, np.sqrt(e * e + n * n))
    return np.degrees(lonlat, out=lonlat)
