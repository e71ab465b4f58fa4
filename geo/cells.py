"""H3 cells: one index at the finest resolution, coarser cells as logical parents.

A point is indexed once, at resolution 11. Coarser cells are found by integer arithmetic on that
index and are therefore parents, not re-indexed points: re-indexing gives another cell for about
7 % of points, and then a parent and its children would not add up.

H3 itself answers for one point or cell at a time. Here it is asked about one in each hexagon or
one in each family (see `geo.digits`). Arrays carry its answer over to the rest where that is exact,
and all that lies at an edge of H3's icosahedron goes to H3 again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import h3.api.basic_int as h3
import numpy as np
import shapely

from geo import digits, icosahedron
from geo.checks import require_columns
from geo.errors import InvalidParameter

if TYPE_CHECKING:
    from numpy.typing import NDArray

FINEST = 11
RESOLUTIONS = (8, 9, 10, 11)
EARTH_RADIUS_M = 6_371_007.180918475  # of H3's sphere, whose area is that of the WGS 84 ellipsoid
_DECIMALS = 7  # of a degree: 1 cm
_NEARLY_HALF = 1e-6  # rounding of a product may decide a tie
_SIDES = 6
_LAST_CHILD = 6  # digit
_CLEAR_OF_EDGES = 0.6  # steps; the corners of a hexagon lie 0.577 from its centre
_FEW = 8  # cells for which preparing an answer for all takes longer than asking H3
_CHUNK = 1 << 12  # cells at a time, so that what a step reads is still in the cache
MOST_CELLS = 10_000_000  # of one study area
_LEAST_SHARE = 1e-9  # less is rounding where an outline follows a cell's border
_PART_OF_A_CELL = 0.25  # of the root of its area; half its width is 0.54, and sizes vary by 1.3
_CORNERS_A_PIECE = 48
_ROUND = 360.0  # degrees; a longitude may go past the date line
_HEXADECIMAL = re.compile(r"[0-9a-f]{1,16}", re.ASCII | re.IGNORECASE)  # at most 64 bits


@dataclass(frozen=True, slots=True)
class Rings:
    """The outlines of cells as one array of corners, each ring closed and counter-clockwise."""

    lonlat: NDArray[np.float64]  # (v, 2) degrees, not rounded
    starts: NDArray[np.intp]  # (n + 1,) corners of cell c: lonlat[starts[c] : starts[c + 1]]


@dataclass(frozen=True, slots=True)
class Cover:
    """The cells of a study area; those without any incident are present too."""

    cells: NDArray[np.int64]  # (m,) sorted
    share: NDArray[np.float64]  # (m,) of each cell's area inside the study area, above 0, up to 1

    @property
    def area_m2(self) -> NDArray[np.float64]:
        """(m,) square metres of each whole cell, true on the sphere; computed when asked for."""
        return areas_m2(self.cells)


@lru_cache(maxsize=1)
def _solid() -> icosahedron.Icosahedron:
    """Build H3's icosahedron: its corners are the centres of the 12 pentagons."""
    lat, lon = np.array([h3.cell_to_latlng(cell) for cell in h3.get_pentagons(0)]).T
    return icosahedron.from_corners(lon, lat)


def index(
    lon: NDArray[np.float64], lat: NDArray[np.float64], resolution: int = FINEST
) -> NDArray[np.int64]:
    """Tell which cell each point lies in.

    H3 is asked about one point of each hexagon, and about every point so near to an edge that
    rounding could decide. The result is that of ``h3.latlng_to_cell`` for every point.

    Raises
    ------
    InvalidParameter
        Lengths differ, a coordinate is not finite, or they are not degrees.
    """
    require_columns(lon=lon, lat=lat)
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        raise InvalidParameter("coordinates-not-finite")
    if (np.abs(lon) > _ROUND).any() or (np.abs(lat) > _ROUND / 4).any():
        raise InvalidParameter("not-degrees")
    shared = icosahedron.hexagons(lon, lat, resolution, _solid())
    if shared.sure.all():
        one, inverse = icosahedron.group(shared.number)
        return _one_by_one(lon[one], lat[one], resolution)[inverse]
    found = np.empty(lon.size, dtype=np.int64)
    sure, unsure = np.flatnonzero(shared.sure), np.flatnonzero(~shared.sure)
    one, inverse = icosahedron.group(shared.number[sure])
    found[sure] = _one_by_one(lon[sure[one]], lat[sure[one]], resolution)[inverse]
    found[unsure] = _one_by_one(lon[unsure], lat[unsure], resolution)
    return found


def _one_by_one(
    lon: NDArray[np.float64], lat: NDArray[np.float64], resolution: int
) -> NDArray[np.int64]:
    points = zip(lat.tolist(), lon.tolist(), strict=True)
    return np.array([h3.latlng_to_cell(y, x, resolution) for y, x in points], dtype=np.int64)


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
    unused = (1 << (digits.DIGIT_BITS * (digits.DEEPEST - resolution))) - 1
    cleared = cells & ~np.int64(digits.RESOLUTION_MASK << digits.RESOLUTION_SHIFT)
    return cleared | np.int64(resolution << digits.RESOLUTION_SHIFT) | np.int64(unused)


def children(cells: NDArray[np.int64], resolution: int) -> NDArray[np.int64]:
    """Find every cell of a finer resolution under cells of one resolution: ascending.

    Raises
    ------
    InvalidParameter
        `resolution` is not finer than the cells' own, or the cells have several.
    """
    if not cells.size:
        return np.empty(0, dtype=np.int64)
    own = digits.common_resolution(cells)
    if not own < resolution <= digits.DEEPEST:
        raise InvalidParameter("resolution", resolution=resolution, allowed=f"{own + 1}-15")
    odd = np.array([h3.is_pentagon(cell) for cell in cells.tolist()])
    found = cells[~odd]
    for level in range(own + 1, resolution + 1):
        shift = digits.DIGIT_BITS * (digits.DEEPEST - level)
        bare = found & ~np.int64(0b111 << shift)
        found = (bare[:, None] | (np.arange(7, dtype=np.int64) << shift)).ravel()
    finer = np.int64((resolution - own) << digits.RESOLUTION_SHIFT)
    under = [h3.cell_to_children(cell, resolution) for cell in cells[odd].tolist()]
    parts = [found + finer, *(np.array(part, dtype=np.int64) for part in under)]
    return np.sort(np.concatenate(parts))


def disks(cells: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Find every cell within `k` steps of each cell, itself included: (n, 1 + 3k(k + 1)).

    Asks H3 about each cell; `geo.lattice.neighbours` does so for few of many. Around a pentagon
    there are fewer cells, and the rest of the row is 0.
    """
    found = np.zeros((cells.size, 1 + 3 * k * (k + 1)), dtype=np.int64)
    for row, cell in zip(found, cells.tolist(), strict=True):
        disk = h3.grid_disk(cell, k)
        row[: len(disk)] = disk
    return found


def rings(cells: NDArray[np.int64]) -> Rings:
    """Give the outline of each cell: (n,) cells of any resolutions.

    Notes
    -----
    Corners are computed on the lattice of the icosahedron's face and projected back; cells at the
    edge of a face, and groups of few, come from H3. Corners are those
    of ``h3.cell_to_boundary``, in its order, within 1e-9 degrees; neighbours on one face share
    them to the last bit.
    """
    corner, asked = _corners(cells)
    if not asked.size:
        closed = np.concatenate([corner, corner[:, :1]], axis=1)
        return Rings(closed.reshape(-1, 2), np.arange(cells.size + 1) * (_SIDES + 1))
    size = np.full(cells.size, _SIDES)
    outlines = [h3.cell_to_boundary(cell) for cell in cells[asked].tolist()]
    lengths = np.array([len(outline) for outline in outlines])
    size[asked] = lengths
    starts = np.concatenate([[0], np.cumsum(size + 1)])
    lonlat = np.empty((int(starts[-1]), 2))
    known = np.delete(np.arange(cells.size), asked)
    lonlat[starts[known, None] + np.arange(_SIDES)] = corner[known]
    nth = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    latlon = np.array([pair for outline in outlines for pair in outline])
    lonlat[np.repeat(starts[asked], lengths) + nth] = latlon[:, ::-1]
    lonlat[starts[1:] - 1] = lonlat[starts[:-1]]
    return Rings(lonlat, starts)


def _corners(cells: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Give cells' corners (n, 6, 2), and the positions of those that only H3 can tell (m,)."""
    corner = np.empty((cells.size, _SIDES, 2))
    asked = np.ones(cells.size, dtype=bool)
    for group in _by_family(cells):
        for which, six in _from_lattice(cells[group]):
            corner[group[which]] = six
            asked[group[which]] = False
    return corner, np.flatnonzero(asked)


def _by_family(cells: NDArray[np.int64]) -> list[NDArray[np.intp]]:
    """Deal cells out to groups on one lattice; cells in small groups are left out."""
    family = digits.families(cells)
    names, count = np.unique(family, return_counts=True)
    return [np.flatnonzero(family == name) for name in names[count >= _FEW].tolist()]


def _from_lattice(
    cells: NDArray[np.int64],
) -> list[tuple[NDArray[np.intp], NDArray[np.float64]]]:
    """Give the corners of those cells of one family that lie well inside a face.

    A list of positions (m,) and corners (m, 6, 2). A family lies on one face or on a few, and its
    lattice runs on over their edges: the one place asked of H3 fixes all others on a face.
    """
    level = digits.common_resolution(cells)
    i, j = digits.positions(cells, level)
    left = np.arange(cells.size)
    found = []
    while left.size >= _FEW:
        anchor = _anchored(int(cells[left[0]]), level)
        if anchor is None:
            left = left[1:]
            continue
        column, row = anchor.places(i[left] - i[left[0]], j[left] - j[left[0]])
        beyond = icosahedron.reach_beyond(column, row, level)
        inside = beyond < -_CLEAR_OF_EDGES
        six = icosahedron.corners(
            np.column_stack([column[inside], row[inside]]), anchor.face, level, _solid()
        )
        found.append((left[inside], np.roll(six, -anchor.first, axis=1) if anchor.first else six))
        left = left[beyond > _CLEAR_OF_EDGES]
    return found


@dataclass(frozen=True, slots=True)
class _Anchor:
    """How the lattice of a family lies on the lattice of a face, learnt from one cell."""

    face: int
    hexagon: NDArray[np.int64]  # (2,) column and row of the cell
    turns: int  # sixths of a circle from the family's axes to the face's
    first: int  # which corner H3 names first

    def places(
        self, i: NDArray[np.int64], j: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Find the columns and rows on the face of cells (i, j) steps away."""
        column, row = _turned(i, j, self.turns)
        return column + self.hexagon[0], row + self.hexagon[1]


def _turned(
    i: NDArray[np.int64], j: NDArray[np.int64], turns: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Turn steps (i, j) to the left by sixths of a circle, as columns and rows."""
    column, row = i - j, j  # axes at 120 degrees to axes at 60
    for _ in range(turns):
        column, row = -row, column + row
    return column, row


def _anchored(cell: int, level: int) -> _Anchor | None:
    """Ask H3 where a cell, and the one beside it, lie; None too near to the edge of a face."""
    solid = _solid()
    shift = digits.DIGIT_BITS * (digits.DEEPEST - level)
    child = (cell >> shift) & _LAST_CHILD | (cell >> shift) & 1
    change = child if child == _LAST_CHILD else 1  # the sibling with digit 0, or d xor 1
    both = np.array([cell, cell ^ (change << shift)])
    places = [h3.cell_to_latlng(each) for each in both.tolist()]
    (face, here), (other, there) = (
        icosahedron.locate(lon, lat, level, solid) for lat, lon in places
    )
    beyond = icosahedron.reach_beyond(
        np.array([here[0], there[0]]), np.array([here[1], there[1]]), level
    )
    if face != other or beyond.max() > -_CLEAR_OF_EDGES:
        return None
    i, j = (np.diff(axis) for axis in digits.positions(both, level))
    turns = next(n for n in range(_SIDES) if (np.ravel(_turned(i, j, n)) == there - here).all())
    six = icosahedron.corners(here[None], face, level, solid)[0]
    first = np.abs(six - h3.cell_to_boundary(cell)[0][::-1]).max(axis=1).argmin()
    return _Anchor(face, here, turns, int(first))


def rounded(degrees: NDArray[np.float64]) -> NDArray[np.int64]:
    """Round to seven decimals as Python's ``round`` does: degrees -> whole 1e-7 degrees."""
    scaled = degrees * 10.0**_DECIMALS
    whole = np.rint(scaled)
    tie = np.abs(np.abs(scaled - whole) - 0.5) < _NEARLY_HALF
    if tie.any():
        exact = [round(value, _DECIMALS) for value in degrees[tie].tolist()]
        whole[tie] = np.rint(np.array(exact) * 10.0**_DECIMALS)
    return whole.astype(np.int64)


def boundaries(cells: NDArray[np.int64]) -> list[list[list[float]]]:
    """Give each cell's closed ring of [lon, lat], counter-clockwise, seven decimals (1 cm)."""
    outlines = rings(cells)
    corners = (rounded(outlines.lonlat) / 10**_DECIMALS).tolist()
    starts = outlines.starts.tolist()
    return [corners[a:b] for a, b in pairwise(starts)]


def polygons(cells: NDArray[np.int64]) -> NDArray[np.object_]:
    """Give each cell as a shapely polygon in lon/lat, corners rounded to seven decimals."""
    outlines = rings(cells)
    return _as_polygons(rounded(outlines.lonlat) / 10**_DECIMALS, outlines.starts)


def _as_polygons(corners: NDArray[np.float64], starts: NDArray[np.intp]) -> NDArray[np.object_]:
    offsets = (starts, np.arange(starts.size))
    return np.asarray(
        shapely.from_ragged_array(shapely.GeometryType.POLYGON, corners, offsets), dtype=object
    )


def middles(cells: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the mean of each cell's corners, in degrees: inside the cell, about its centre."""
    if not cells.size:
        return np.empty(0), np.empty(0)
    corner = rings(cells)
    closing = corner.lonlat[corner.starts[1:] - 1]  # the first corner again
    summed = np.add.reduceat(corner.lonlat, corner.starts[:-1], axis=0) - closing
    middle = summed / (np.diff(corner.starts) - 1)[:, None]
    return middle[:, 0], middle[:, 1]


def areas_m2(cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give each cell's true area on the sphere; cells differ from the published averages.

    Notes
    -----
    The sum of spherical triangles between the first corner and each side, after Eriksson (1990),
    doi:10.2307/2691141. Equal to ``h3.cell_area`` within 1e-9 of its value.
    """
    corner, asked = _corners(cells)
    area = np.empty(cells.size)
    for start in range(0, cells.size, _CHUNK):
        part = corner[start : start + _CHUNK]
        area[start : start + _CHUNK] = _hexagon_areas(part) * EARTH_RADIUS_M**2
    area[asked] = [h3.cell_area(cell, unit="m^2") for cell in cells[asked].tolist()]
    return area


def _hexagon_areas(corner: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the areas of hexagons with corners (n, 6, 2) on a sphere of radius 1: (n,)."""
    n = len(corner)
    at = icosahedron.unit_vectors(*corner.transpose(2, 1, 0).reshape(2, -1))
    at = at.reshape(3, _SIDES, n).transpose(1, 0, 2)
    first, rest = at[0], at[1:]
    away = rest - first  # small differences keep the digits that products would lose
    to_first = np.einsum("acn,cn->an", rest, first)
    area = np.zeros(n)
    for b, c in pairwise(range(_SIDES - 1)):
        (bx, by, bz), (cx, cy, cz) = away[b], away[c]
        across = by * cz - bz * cy, bz * cx - bx * cz, bx * cy - by * cx
        volume = first[0] * across[0] + first[1] * across[1] + first[2] * across[2]
        cosines = to_first[b] + to_first[c] + np.einsum("cn,cn->n", rest[b], rest[c])
        area += 2 * np.arctan2(volume, 1 + cosines)
    return area


def cover(outline: shapely.Polygon | shapely.MultiPolygon, resolution: int) -> Cover:
    """Find every cell that a study area overlaps, and how much of each lies inside it.

    Parameters
    ----------
    outline
        Valid outline in lon/lat degrees, with holes and parts as they come. Its edges are straight
        in lon/lat, as GeoJSON says; so are the cells' for this purpose.
    resolution
        H3 resolution, 0 to 15.

    Returns
    -------
    Cells sorted by number, each with more than a billionth of its area inside. An empty outline,
    or one without area, is covered by no cell.

    Raises
    ------
    InvalidParameter
        No such resolution; the outline is invalid, not finite or not in degrees, more than half
        the world wide, or would need more than ten million cells.

    Notes
    -----
    Shares are ratios of areas in Lambert's cylindrical equal-area projection (lon, sin(lat)), in
    which only the bend of an edge within one cell is lost: less than 1e-6 at resolution 8. Not
    handled: outlines across the date line or around a pole; cut them there.
    """
    _require_outline(outline, resolution)
    if outline.area == 0:
        return Cover(np.empty(0, np.int64), np.empty(0))
    rim = _rim(outline, resolution)
    inner = np.array(h3.geo_to_cells(outline, resolution), dtype=np.int64)
    inner = inner[~np.isin(inner, rim)]
    corners = rings(rim)
    middle = sum(outline.bounds[::2]) / 2  # a ring across the date line stays in one piece
    corners.lonlat[:, 0] += 360 * np.rint((middle - corners.lonlat[:, 0]) / 360)
    share = _shares(_as_polygons(corners.lonlat, corners.starts), outline)
    inside = share > _LEAST_SHARE
    found = np.concatenate([inner, rim[inside]])
    order = np.argsort(found)
    whole = np.concatenate([np.ones(inner.size), share[inside]])
    return Cover(found[order], whole[order])


def _require_outline(outline: shapely.Polygon | shapely.MultiPolygon, resolution: int) -> None:
    if not 0 <= resolution <= digits.DEEPEST:
        raise InvalidParameter("resolution", resolution=resolution, allowed="0-15")
    if outline.is_empty:
        return
    west, south, east, north = outline.bounds
    in_degrees = -180 <= west <= east <= 180 and -90 <= south <= north <= 90  # noqa: PLR2004
    if not in_degrees or east - west > 180:  # noqa: PLR2004
        raise InvalidParameter("outline-not-lonlat", bounds=outline.bounds)
    if not shapely.is_valid(outline):
        raise InvalidParameter("outline-invalid", reason=shapely.is_valid_reason(outline))
    area_m2 = float(_flat_area(outline)) * EARTH_RADIUS_M**2
    needed = area_m2 / _typical_area_m2(outline, resolution)
    if needed > MOST_CELLS:
        raise InvalidParameter("too-many-cells", cells=round(needed), most=MOST_CELLS)


def _typical_area_m2(outline: shapely.Polygon | shapely.MultiPolygon, resolution: int) -> float:
    somewhere = shapely.get_coordinates(outline)[0]
    return float(h3.cell_area(h3.latlng_to_cell(somewhere[1], somewhere[0], resolution), "m^2"))


def _rim(outline: shapely.Polygon | shapely.MultiPolygon, resolution: int) -> NDArray[np.int64]:
    """Find all cells that the outline's border may pass through, and some beside them.

    From a point of the border, the next one less than half a cell away lies in the same cell or in
    a neighbour; so does all between them.
    """
    step_m = _PART_OF_A_CELL * np.sqrt(_typical_area_m2(outline, resolution))
    step = np.degrees(step_m / EARTH_RADIUS_M)  # on a meridian; shorter on a parallel
    dense = shapely.get_coordinates(shapely.segmentize(outline, step))
    return np.setdiff1d(disks(np.unique(index(dense[:, 0], dense[:, 1], resolution)), 1), [0])


def _shares(
    polygons: NDArray[np.object_], outline: shapely.Polygon | shapely.MultiPolygon
) -> NDArray[np.float64]:
    """Tell which share of each polygon's area lies inside the outline: (n,)."""
    shapely.prepare(outline)
    share = shapely.contains_properly(outline, polygons).astype(float)
    cut = np.flatnonzero((share == 0) & shapely.intersects(outline, polygons))
    pieces = np.array(_pieces(outline), dtype=object)
    which, piece = shapely.STRtree(pieces).query(polygons[cut], predicate="intersects")
    common = _flat_area(shapely.intersection(polygons[cut][which], pieces[piece]))
    inside = np.bincount(which, common, minlength=cut.size)
    share[cut] = np.minimum(inside / _flat_area(polygons[cut]), 1)
    return np.asarray(share)


def _flat_area(shapes: NDArray[np.object_] | shapely.Geometry) -> NDArray[np.float64]:
    """Give areas on a sphere of radius 1, in Lambert's cylindrical equal-area projection."""

    def equal_area(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
        flat = np.radians(lonlat)
        flat[:, 1] = np.sin(flat[:, 1])
        return flat

    return np.asarray(shapely.area(shapely.transform(shapes, equal_area)))


def _pieces(shape: shapely.Geometry) -> list[shapely.Geometry]:
    """Cut an outline into pieces of few corners each, as cutting takes long with many."""
    if shapely.get_num_coordinates(shape) <= _CORNERS_A_PIECE:
        return [shape]
    west, south, east, north = shape.bounds
    if (east - west) * np.cos(np.radians(south)) > north - south:
        middle = (west + east) / 2
        halves = (west, south, middle, north), (middle, south, east, north)
    else:
        middle = (south + north) / 2
        halves = (west, south, east, middle), (west, middle, east, north)
    return [
        piece
        for half in halves
        for piece in _pieces(shapely.intersection(shape, shapely.box(*half)))
    ]


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
