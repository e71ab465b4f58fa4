"""The background map from a file of one's own: tiles for the browser, shapes for still pictures.

`basemap_build` makes the file. Everything in it is read into memory once; a tile is cut out of it,
simplified to its scale, and kept.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

from geo import crs, tile_drawing, tile_grid
from geo.errors import InvalidParameter, NotFound
from pipelines.picture import Shape
from pipelines.tile_cache import TileCache
from store import background
from store.background import LAYERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from geo.tiles import Frame, Pyramid
    from store.background import About, Layer
    from store.records import BBox

PIXELS: Final = 512  # of a square on the screen
LARGEST_M: Final = 200_000.0  # a square's side: the first zoom level; and the last
SMALLEST_M: Final = 512.0
ALWAYS: Final = 1e9
# Layer -> kind -> the coarsest scale of a square, in metres a pixel, at which it is still in it.
# A square is shown at up to half its own scale.
SHOWN: Final = {
    "built": {"": ALWAYS},
    "water": {"": ALWAYS},
    "green": {"": 40.0, "wood": ALWAYS},
    "buildings": {"": 4.5},
    "rails": {"": 65.0},
    "streets": {
        "motorway": ALWAYS,
        "main": 140.0,
        "district": 70.0,
        "street": 17.0,
        "service": 4.5,
        "path": 4.5,
    },
    "names": {"town": 300.0, "suburb": 40.0, "place": 12.0, "water": 5.0, "park": 5.0},
}
STREETS: Final = tuple(SHOWN["streets"])
NAMED: Final = ("streets", "names")  # layers whose names are written on the map
SMALLEST_PIXELS: Final = 3.0  # square pixels: smaller areas are left out


@dataclass(frozen=True, slots=True)
class _Ground:
    """A layer ready to be asked."""

    layer: Layer
    tree: shapely.STRtree
    coarsest: NDArray[np.float64]  # (n,) metres a pixel up to which each shape shows
    extent: NDArray[np.float64]  # (n,) square metres of areas, endless for the rest


class Basemap:
    """A background map in memory."""

    def __init__(self, about: About, layers: dict[str, Layer]) -> None:
        """Prepare the layers; use `read`."""
        self.about = about
        self.grid = tile_grid.pyramid(about.epsg, about.envelope)
        self._grounds = {name: _ground(name, layer) for name, layer in layers.items()}
        self._kept = TileCache()

    def sizes(self) -> dict[str, int]:
        """Count the shapes of each layer."""
        return {name: int(ground.layer.shapes.size) for name, ground in self._grounds.items()}

    def tile(self, zoom: int, row: int, column: int) -> bytes:
        """Give a tile, compressed with gzip; empty where nothing is drawn.

        Raises
        ------
        NotFound
            There is no such tile.
        """
        first, last = zooms(self.grid)
        if not first <= zoom <= last:
            raise NotFound("no-such-tile", zoom=zoom, row=row, column=column)
        try:
            frame = self.grid.frame(zoom, column, row)
        except InvalidParameter as fault:
            raise NotFound(fault.code, **fault.values) from fault
        return self._kept.body((zoom, row, column), lambda: _compressed(self._drawn(frame)))

    def _drawn(self, frame: Frame) -> bytes:
        return b"".join(_encoded(name, ground, frame) for name, ground in self._grounds.items())

    def lines_and_areas(self, box: BBox, most: int = 1500) -> list[Shape]:
        """Give shapes for a still picture, the lowest first; coarser where there would be too many.

        Parameters
        ----------
        box
            West, south, east, north in degrees.
        most
            At most so many shapes; the smallest areas and the shortest lines are left out.
        """
        west, south, east, north = tile_grid.bounds(self.about.epsg, box)
        pixel_m = max(east - west, north - south) / _PICTURE_PIXELS
        found = []
        for name, look in _LOOKS.items():
            ground = self._grounds.get(name)
            if ground is not None:
                cut = shapely.clip_by_rect(
                    ground.layer.shapes[_shown(ground, (west, south, east, north), pixel_m)],
                    *(west, south, east, north),
                )
                found += [(shape, look) for shape in shapely.simplify(cut, pixel_m / 2)]
        sizes = [max(shape.area**0.5, shape.length / 4) for shape, _ in found]
        kept = sorted(np.argsort(sizes)[::-1][:most].tolist()) if found else []
        return [
            _pictured(found[at][0], found[at][1], self.about.epsg) for at in kept if sizes[at] > 0
        ]


def read(path: Path) -> Basemap:
    """Read a background map made by `basemap_build`.

    Raises
    ------
    UnreadableFile
        The file is missing, none of ours, or broken.
    """
    about = background.about(path)
    return Basemap(about, {name: background.layer(path, name) for name in LAYERS})


def zooms(grid: Pyramid) -> tuple[int, int]:
    """Give the first and the last zoom level there are tiles of."""
    return tile_grid.level(grid, LARGEST_M), tile_grid.level(grid, SMALLEST_M)


def _ground(name: str, layer: Layer) -> _Ground:
    scales = SHOWN[name]
    usual = scales.get("", 0.0)
    coarsest = np.array([scales.get(kind, usual) for kind in layer.kind], dtype=np.float64)
    polygons = LAYERS[name] == "Polygon"
    extent = shapely.area(layer.shapes) if polygons else np.full(coarsest.size, np.inf)
    return _Ground(layer, shapely.STRtree(layer.shapes), coarsest, extent)


def _shown(ground: _Ground, box: BBox, pixel_m: float) -> NDArray[np.intp]:
    """Find what shows in a box at a scale, in the order of the file."""
    near = ground.tree.query(shapely.box(*box))
    large = ground.extent[near] >= SMALLEST_PIXELS * pixel_m**2
    return np.sort(near[(ground.coarsest[near] >= pixel_m) & large])


def _encoded(name: str, ground: _Ground, frame: Frame) -> bytes:
    around = frame.buffer * frame.size / frame.extent
    box = (
        frame.west - around,
        frame.north - frame.size - around,
        frame.west + frame.size + around,
        frame.north + around,
    )
    near = _shown(ground, box, frame.size / PIXELS)
    if not near.size:
        return b""
    columns = dict(_columns(name, ground, near))
    return tile_drawing.encode(name, LAYERS[name], ground.layer.shapes[near], columns, frame)


def _columns(
    name: str, ground: _Ground, near: NDArray[np.intp]
) -> Iterator[tuple[str, NDArray[np.object_]]]:
    if len(SHOWN[name]) > 1:
        yield "kind", ground.layer.kind[near]
    if name in NAMED:
        yield "name", ground.layer.name[near]


def _compressed(body: bytes) -> bytes:
    return gzip.compress(body, 6, mtime=0) if body else b""


_PICTURE_PIXELS: Final = 800
_LOOKS: Final = {  # layer -> fill, stroke and width in a still picture
    "built": ("#f0ede5", "none", 1.0),
    "green": ("#dbe8d2", "none", 1.0),
    "water": ("#aecbe0", "none", 1.0),
    "buildings": ("#ddd6ca", "none", 1.0),
    "rails": ("none", "#a9a49c", 1.0),
    "streets": ("none", "#d3cdc2", 1.4),
}


def _pictured(shape: shapely.Geometry, look: tuple[str, str, float], epsg: int) -> Shape:
    def degrees(metres: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(crs.transform(metres[:, 0], metres[:, 1], epsg, crs.WGS84))

    fill, stroke, width = look
    return Shape(shapely.transform(shape, degrees), fill, stroke, width)
