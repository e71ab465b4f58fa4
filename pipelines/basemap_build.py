"""Making the background map: shapes of a source, cut to the municipality and put in one file."""

from __future__ import annotations

import hashlib
import tempfile
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pyogrio
import shapely

from geo import crs, tile_grid
from geo.errors import InvalidParameter, UnreadableFile
from pipelines import basemap_files, basemap_osm
from pipelines.basemap import STREETS
from pipelines.basemap_tiles import TileFile
from store import background
from store.background import LAYERS, About, Layer
from store.files import whole_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from geo.profile import Profile
    from pipelines.basemap_kinds import Found
    from store.records import BBox

MARGIN_M: Final = 1000.0  # around the municipality, so that the map does not end at its border
BATCH: Final = 20_000
GRID_M: Final = 0.1  # to which corners are rounded
NAMED_M2: Final = {"water": 20_000.0, "green": 20_000.0}  # larger ones have their name written
BLOCK_M: Final = 100.0
HOUSES_OF_A_TOWN: Final = 2  # in a square of that side
SMALLEST_TOWN_M2: Final = 60_000.0
NAME_KINDS: Final = {"water": "water", "green": "park"}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where shapes come from, as the map says it."""

    attribution: str
    made: str  # the day, ISO
    invented: bool = False


@dataclass(frozen=True, slots=True)
class Ground:
    """What a map is cut to."""

    epsg: int
    envelope: BBox  # degrees
    label: str = ""  # what the place is called

    @classmethod
    def of(cls, profile: Profile) -> Ground:
        """Give a municipality's ground, in the system its maps are drawn in."""
        epsg = tile_grid.system(profile.metric_epsg)
        return cls(epsg, profile.envelope, profile.label)

    @property
    def bounds(self) -> BBox:
        """West, south, east, north in metres, with the margin."""
        west, south, east, north = tile_grid.bounds(self.epsg, self.envelope)
        return west - MARGIN_M, south - MARGIN_M, east + MARGIN_M, north + MARGIN_M


def build(
    files: Sequence[Path],
    target: Path,
    ground: Ground,
    said: Origin,
    progress: Callable[[int], None],
) -> About:
    """Make a background map from files of others.

    Parameters
    ----------
    files
        Extracts of OpenStreetMap (.osm.pbf), GeoPackages, or PMTiles.
    target
        The new file; it appears only when it is whole.
    ground
        What it is cut to.
    said
        Whom to name and of which day the files are; what is empty the files have to tell.
    progress
        Told how many shapes have been read.

    Raises
    ------
    UnreadableFile
        A file is missing, broken, or not what its name says.
    InvalidParameter
        Nothing of it lies here, nobody is named, or a library is not installed.
    Conflict
        The target exists.
    """
    for path in files:
        if not path.is_file():
            raise UnreadableFile("basemap-missing", file=path.name)
    with whole_file(target) as draft, tempfile.TemporaryDirectory(dir=draft.parent) as scratch:
        origin = _origin(files, said)
        sheet = Sheet(ground)
        for path in files:
            sheet.take(_shapes(path, ground.envelope, Path(scratch)), progress)
        if not sheet.pieces:
            names = ", ".join(path.name for path in files)
            raise InvalidParameter("basemap-nothing-here", file=names, place=ground.label)
        return write(draft, sheet.layers(), ground, origin)


def _shapes(path: Path, box: BBox, scratch: Path) -> Iterator[Found]:
    if path.name.endswith((".osm.pbf", ".osm", ".osm.bz2")):
        return basemap_osm.shapes(path, box, scratch)
    if path.suffix == ".gpkg":
        return basemap_files.shapes(path, box)
    if path.suffix == ".pmtiles":
        return TileFile(path).shapes(box)
    raise InvalidParameter("basemap-unknown-file", file=path.name)


def _origin(files: Sequence[Path], said: Origin) -> Origin:
    """Complete what was said with what the first file says."""
    first = files[0]
    named, day = "", datetime.fromtimestamp(first.stat().st_mtime, UTC).date()
    if ".osm" in first.suffixes:
        named, day = basemap_osm.ATTRIBUTION, basemap_osm.day(first) or day
    elif first.suffix == ".pmtiles":
        named = TileFile(first).attribution()
    if not (said.attribution or named):
        raise InvalidParameter("basemap-nobody-named", file=first.name)
    return replace(said, attribution=said.attribution or named, made=said.made or day.isoformat())


@dataclass(frozen=True, slots=True)
class _Piece:
    """Parts of one kind that came together, in metres."""

    kind: NDArray[np.object_]
    name: NDArray[np.object_]
    shapes: NDArray[np.object_]


class Sheet:
    """Collects shapes by layer, in metres and cut to the ground."""

    def __init__(self, ground: Ground) -> None:
        """Start empty."""
        self._epsg = ground.epsg
        self._bounds = ground.bounds
        self.pieces: dict[str, list[_Piece]] = defaultdict(list)

    def take(self, found: Iterable[Found], progress: Callable[[int], None]) -> None:
        """Take shapes in, many at a time."""
        source, read = iter(found), 0
        while batch := list(islice(source, BATCH)):
            read += len(batch)
            groups: dict[tuple[str, int, float], list[Found]] = defaultdict(list)
            for one in batch:
                groups[one.layer, one.epsg, one.width_m].append(one)
            for (layer, epsg, width_m), members in groups.items():
                outlines = shapely.from_wkb([one.outline for one in members], on_invalid="ignore")
                kind = np.array([one.kind for one in members], dtype=object)
                name = np.array([one.name for one in members], dtype=object)
                metres = self._metres(outlines, epsg)
                if width_m:
                    metres = shapely.buffer(metres, width_m / 2, quad_segs=2)
                self.put(layer, kind, name, metres)
            progress(read)

    def put(
        self,
        layer: str,
        kind: NDArray[np.object_],
        name: NDArray[np.object_],
        metres: NDArray[np.object_],
    ) -> None:
        """Take shapes of a layer in, cut and taken apart: (n,) each."""
        wrong = ~shapely.is_valid(metres)
        metres[wrong] = shapely.make_valid(metres[wrong])
        cut = shapely.clip_by_rect(metres, *self._bounds)
        parts, owner = shapely.get_parts(cut, return_index=True)
        parts = shapely.set_precision(parts, GRID_M, mode="pointwise")
        wanted = shapely.GeometryType[LAYERS[layer].upper()].value
        kept = (shapely.get_type_id(parts) == wanted) & ~shapely.is_empty(parts)
        if kept.any():
            owner = owner[kept]
            self.pieces[layer].append(_Piece(kind[owner], name[owner], parts[kept]))

    def _metres(self, outlines: NDArray[np.object_], epsg: int) -> NDArray[np.object_]:
        """Project; what cannot be projected is empty."""

        def project(corners: NDArray[np.float64]) -> NDArray[np.float64]:
            x, y = crs.transform(corners[:, 0], corners[:, 1], epsg, self._epsg)
            return np.column_stack([x, y])

        metres = np.asarray(shapely.transform(shapely.force_2d(outlines), project))
        finite = np.isfinite(shapely.bounds(metres)).all(axis=1)
        metres[~finite] = shapely.Point()
        return metres

    def layers(self) -> dict[str, Layer]:
        """Give what was collected, lines of one name joined and small things last."""
        found = {name: _joined(pieces) for name, pieces in self.pieces.items()}
        for name in ("streets", "rails"):
            if name in found:
                found[name] = _merged(found[name])
        for name, least in NAMED_M2.items():
            if name in found:
                found["names"] = _with_landmarks(found.get("names"), found[name], name, least)
        if "buildings" in found:
            found["built"] = _built_up(found["buildings"])
        return {name: _ordered(name, found[name]) for name in LAYERS if name in found}


def _joined(pieces: Sequence[_Piece]) -> Layer:
    return Layer(
        np.concatenate([piece.shapes for piece in pieces]),
        np.concatenate([piece.kind for piece in pieces]),
        np.concatenate([piece.name for piece in pieces]),
    )


def _merged(layer: Layer) -> Layer:
    """Join the pieces of each street, so that its name has room along it."""
    groups: dict[tuple[str, str], list[shapely.Geometry]] = defaultdict(list)
    for shape, kind, name in zip(layer.shapes, layer.kind, layer.name, strict=True):
        groups[kind, name or ""].append(shape)
    rows = [
        (line, *key)
        for key, lines in sorted(groups.items())
        for line in shapely.get_parts(shapely.line_merge(shapely.MultiLineString(lines)))
    ]
    shapes, kind, name = (np.array(column, dtype=object) for column in zip(*rows, strict=True))
    return Layer(shapes, kind, name)


def _with_landmarks(names: Layer | None, areas: Layer, layer: str, least_m2: float) -> Layer:
    """Add the names of large waters and parks, each once, in the middle of its largest part."""
    largest: dict[str, tuple[float, shapely.Geometry]] = {}
    for shape, name in zip(areas.shapes, areas.name, strict=True):
        if name and shape.area >= max(least_m2, largest.get(name, (0.0, None))[0]):
            largest[name] = (shape.area, shape)
    points = [shapely.point_on_surface(shape) for _, shape in largest.values()]
    made = Layer(
        np.array(points, dtype=object),
        np.array([NAME_KINDS[layer]] * len(points), dtype=object),
        np.array(list(largest), dtype=object),
    )
    return (
        made
        if names is None
        else _joined([_Piece(n.kind, n.name, n.shapes) for n in (names, made)])
    )


def _built_up(buildings: Layer) -> Layer:
    """Outline where houses stand close, so that a town is seen from afar as well."""
    middles = shapely.get_coordinates(shapely.centroid(buildings.shapes))
    squares, houses = np.unique(np.floor(middles / BLOCK_M), axis=0, return_counts=True)
    west, south = squares[houses >= HOUSES_OF_A_TOWN].T * BLOCK_M
    blocks = shapely.box(west, south, west + BLOCK_M, south + BLOCK_M)
    town = shapely.union_all(blocks)
    for reach in (1.0, -1.7, 0.8):  # out over gaps, in over what sticks out, and back: soft edges
        town = shapely.buffer(town, reach * BLOCK_M, quad_segs=6)
    parts = shapely.get_parts(shapely.simplify(town, BLOCK_M / 20))
    kept = parts[shapely.area(parts) >= SMALLEST_TOWN_M2]
    return Layer(kept, np.full(kept.size, "", dtype=object), np.full(kept.size, None, dtype=object))


def _ordered(name: str, layer: Layer) -> Layer:
    """Put large areas and small streets first: what comes later is drawn on top."""
    if name == "streets":
        rank = np.array([STREETS.index(kind) for kind in layer.kind])
        order = np.argsort(-rank, kind="stable")
    elif LAYERS[name] == "Polygon":
        order = np.argsort(-shapely.area(layer.shapes), kind="stable")
    else:
        order = np.arange(layer.shapes.size)
    return Layer(layer.shapes[order], layer.kind[order], layer.name[order])


def write(path: Path, layers: dict[str, Layer], ground: Ground, origin: Origin) -> About:
    """Write a background map; the same shapes give the same file."""
    digest = hashlib.sha256()
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": f"{origin.made}T00:00:00.000Z"})
    try:
        for name, layer in layers.items():
            outlines = shapely.to_wkb(layer.shapes)
            for column in (outlines, layer.kind, layer.name):
                digest.update(repr(column.tolist()).encode())
            pyogrio.raw.write(
                path,
                outlines,
                [layer.kind, layer.name],
                ["kind", "name"],
                layer=name,
                driver="GPKG",
                geometry_type=LAYERS[name],
                crs=f"EPSG:{ground.epsg}",
                SPATIAL_INDEX="NO",
            )
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
    about = About(
        epsg=ground.epsg,
        envelope=ground.envelope,
        attribution=origin.attribution,
        digest=digest.hexdigest()[:32],
        made=origin.made,
        invented=origin.invented,
    )
    background.describe(path, about)
    return about
