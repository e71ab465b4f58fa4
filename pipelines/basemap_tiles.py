"""Shapes for the background map from one file of vector tiles (.pmtiles).

Tiles cut everything at their edges; what was cut is put together again here.
"""

from __future__ import annotations

import html
import importlib
import math
import re
import zlib
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely

from geo import tile_grid, tiles
from geo.errors import InvalidParameter, UnreadableFile
from pipelines import basemap_kinds as kinds
from pipelines.basemap_kinds import Found

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from geo.tiles import Frame
    from store.records import BBox

DEEPEST: Final = 14  # finer tiles hold little more, and there are four times as many
MOST_TILES: Final = 100_000
LARGEST: Final = 50_000_000  # bytes of one tile, taken apart
MAGIC: Final = b"PMTiles\x03"
# What a layer is called -> what it holds, in the schemes of Protomaps and OpenMapTiles.
LAYERS: Final = {
    **dict.fromkeys(("water",), "water"),
    **dict.fromkeys(("landuse", "landcover", "natural", "park"), "green"),
    **dict.fromkeys(("buildings", "building"), "buildings"),
    **dict.fromkeys(("roads", "transportation", "transportation_name"), "streets"),
    **dict.fromkeys(("places", "place"), "names"),
}
RAIL_WORDS: Final = kinds.RAILS | {"transit"}


def _library(name: str, package: str) -> Any:  # noqa: ANN401 - an optional library
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as fault:
        raise InvalidParameter("basemap-extra-missing", package=package) from fault


class TileFile:
    """A file of vector tiles."""

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises
        ------
        UnreadableFile
            It is none.
        InvalidParameter
            The libraries that read it are not installed.
        """
        reader = _library("pmtiles.reader", "pmtiles")
        self._decode: Callable[..., Any] = _library(
            "mapbox_vector_tile", "mapbox-vector-tile"
        ).decode
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise UnreadableFile("basemap-not-pmtiles", file=path.name)
            self._source = reader.MmapSource(file)
        self._name = path.name
        self._reader = reader.Reader(self._source)
        try:
            self._header = self._reader.header()
            self._about = self._reader.metadata()
        except (ValueError, KeyError, IndexError, EOFError, OSError, zlib.error) as fault:
            raise self._broken() from fault
        if self._header["tile_type"].name != "MVT":
            raise UnreadableFile("basemap-not-vector", file=path.name)

    def attribution(self) -> str:
        """Give whom the file says to name, without markup."""
        said = str(self._about.get("attribution") or "")
        return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", said)).split())[:200]

    def shapes(self, box: BBox) -> Iterator[Found]:
        """Give what is to be drawn; parts of a shape from several tiles are one again.

        Raises
        ------
        UnreadableFile
            A tile is damaged.
        """
        zoom = max(int(self._header["min_zoom"]), min(int(self._header["max_zoom"]), DEEPEST))
        cut: dict[tuple[str, str], list[shapely.Geometry]] = defaultdict(list)
        for column, row in _covering(zoom, box):
            frame = tiles.WEB_MERCATOR_QUAD.frame(zoom, column, row)
            for layer, kind, name, outline in self._tile(zoom, column, row, frame):
                inside = shapely.box(
                    frame.west, frame.north - frame.size, frame.west + frame.size, frame.north
                )
                if outline.geom_type.endswith("Polygon") and not inside.contains_properly(outline):
                    cut[layer, kind].append(shapely.intersection(outline, inside))
                elif outline.geom_type.endswith("LineString"):
                    part = shapely.intersection(outline, inside)
                    yield Found(layer, kind, name, shapely.to_wkb(part), epsg=3857)
                elif inside.covers(outline):
                    yield Found(layer, kind, name, shapely.to_wkb(outline), epsg=3857)
        for (layer, kind), parts in cut.items():
            whole = shapely.union_all(parts, grid_size=0.01)
            yield from (
                Found(layer, kind, "", shapely.to_wkb(part), epsg=3857)
                for part in shapely.get_parts(whole)
            )

    def _tile(
        self, zoom: int, column: int, row: int, frame: Frame
    ) -> Iterator[tuple[str, str, str, shapely.Geometry]]:
        try:
            body = self._reader.get(zoom, column, row)
            if not body:
                return
            told = self._decode(_plain(body), default_options={"y_coord_down": True})
            layers = list(told.items())
        except Exception as fault:  # the decoder raises whatever its reader of messages raises
            raise self._broken() from fault
        for name, layer in layers:
            if name in LAYERS:
                for feature in layer["features"]:
                    drawn = _drawn(LAYERS[name], feature["properties"])
                    if drawn is not None:
                        outline = _placed(feature["geometry"], layer["extent"], frame)
                        yield *drawn, outline

    def _broken(self) -> UnreadableFile:
        return UnreadableFile("basemap-tiles-broken", file=self._name)


def _plain(body: bytes) -> bytes:
    """Take a tile out of its compression, if it has any."""
    if body[:2] != b"\x1f\x8b":
        return body
    unpacking = zlib.decompressobj(wbits=31)
    plain = unpacking.decompress(body, LARGEST)
    if unpacking.unconsumed_tail:
        raise ValueError("too large")
    return plain


def _covering(zoom: int, box: BBox) -> Iterator[tuple[int, int]]:
    """List the columns and rows of tiles over a box of degrees."""
    west, south, east, north = tile_grid.bounds(tile_grid.WEB_MERCATOR, box)
    world = tiles.WEB_MERCATOR_QUAD
    size = world.size / 2**zoom
    columns = range(
        math.floor((west - world.west) / size), math.floor((east - world.west) / size) + 1
    )
    rows = range(
        math.floor((world.north - north) / size), math.floor((world.north - south) / size) + 1
    )
    if len(columns) * len(rows) > MOST_TILES:
        raise InvalidParameter("basemap-too-many-tiles", most=MOST_TILES)
    for row in rows:
        yield from ((column, row) for column in columns)


def _drawn(layer: str, said: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """Tell layer, kind and name of a feature; None is not drawn."""
    word = str(said.get("kind") or said.get("class") or "")
    name = str(said.get("name") or "")
    if layer == "streets":
        return _way(word, name)
    if layer == "green":
        kind = kinds.GREENS.get(word)
        return None if kind is None else ("green", kind, name)
    if layer == "names":
        kind = kinds.PLACES.get(str(said.get("kind_detail") or word), kinds.PLACES.get(word))
        return ("names", kind, name) if kind and name else None
    return layer, "", name


def _way(word: str, name: str) -> tuple[str, str, str] | None:
    if word in RAIL_WORDS:
        return "rails", "", ""
    kind = kinds.STREETS.get(word, "service" if word == "other" else None)
    return None if kind is None else ("streets", kind, name)


def _placed(geometry: Mapping[str, Any], extent: int, frame: Frame) -> shapely.Geometry:
    """Put a geometry of tile units where it lies."""
    unit = frame.size / extent

    def metres(units: np.ndarray) -> np.ndarray:
        return np.array((frame.west, frame.north)) + units * (unit, -unit)

    outline = shapely.transform(shapely.geometry.shape(geometry), metres)
    return outline if outline.is_valid else shapely.make_valid(outline)
