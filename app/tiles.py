"""Layers as vector tiles: which there are, in which grids, and what a tile holds.

A layer is drawn once for a question and a grid, and each tile is cut from that drawing. Cells have
no stored outlines, and both kinds of store must give the same bytes, so the encoder is our own
([ADR 23](../docs/adr/0023-answers-given-again.md)).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from app import features, readers
from app.collections import Collection
from app.features import DECIMALS, Json
from app.queries import Query
from geo import cells as grid
from geo import crs, tile_grid, tiles
from geo.errors import InvalidParameter, NotFound
from geo.profile import Profile
from geo.tiles import Pyramid, Shapes
from pipelines import answers
from pipelines.answers import Basis
from pipelines.released import ground

if TYPE_CHECKING:
    from geo.tile_wire import Column
    from geo.tiles import Projection

WEB = "WebMercatorQuad"
NAMES = {tile_grid.SWEREF99_TM: "SWEREF99TM", tile_grid.WEB_MERCATOR: WEB}
FINEST_M = 0.25  # a pixel; closer in there is nothing more to see
MOST_DIGITS = 9
_VERTEX_BYTES = 16


@dataclass(frozen=True, slots=True)
class Grid:
    """A set of tiles: its name, its system, its squares and the closest level there is."""

    name: str
    epsg: int
    squares: Pyramid
    last: int

    def frame(self, zoom: str, row: str, column: str) -> tiles.Frame:
        """Give a tile's square.

        Raises
        ------
        NotFound
            There is no such tile.
        """
        named = (zoom, row, column)
        if all(each.isascii() and each.isdigit() and len(each) <= MOST_DIGITS for each in named):
            try:
                if int(zoom) <= self.last:
                    return self.squares.frame(int(zoom), int(column), int(row))
            except InvalidParameter:
                pass
        raise NotFound("no-such-tile", zoom=zoom[:20], column=column[:20], row=row[:20])

    def project(
        self, lon: NDArray[np.float64], lat: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Turn degrees into the grid's plane."""
        if self.epsg == tile_grid.WEB_MERCATOR:
            return tiles.web_mercator(lon, lat)
        return crs.transform(lon, lat, crs.WGS84, self.epsg)


def grids(profile: Profile) -> dict[str, Grid]:
    """List the grids of a municipality by name: everybody's, and that of its own maps."""
    own = tile_grid.system(profile.metric_epsg)
    listed = {}
    for epsg in dict.fromkeys((tile_grid.WEB_MERCATOR, own)):
        squares = tile_grid.pyramid(epsg, profile.envelope)
        last = tile_grid.level(squares, FINEST_M * tile_grid.PIXELS)
        name = NAMES.get(epsg, f"EPSG{epsg}")
        listed[name] = Grid(name, epsg, squares, last)
    return listed


def find_grid(profile: Profile, name: str) -> Grid:
    """Find a grid by its name.

    Raises
    ------
    NotFound
        There is none.
    """
    known = grids(profile)
    if name not in known:
        raise NotFound("unknown-tile-grid", name=name[:40], known=", ".join(known))
    return known[name]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A layer laid out in the plane of a grid, ready to be cut into tiles."""

    shapes: Shapes
    columns: Mapping[str, Column]

    @property
    def weight(self) -> int:
        """Tell how many bytes of memory it takes, about."""
        features = self.shapes.features.size * len(self.columns)
        return (self.shapes.x.size + features) * _VERTEX_BYTES

    def tile(self, layer: str, frame: tiles.Frame) -> bytes:
        """Give a tile; no bytes where nothing lies."""
        return tiles.encode(layer, self.shapes, frame, self.columns)


@dataclass(frozen=True, slots=True)
class Tiled:
    """How a collection is drawn, and what its features know."""

    draw: Callable[[sa.Connection, Basis, Query, Projection], Drawing]
    fields: Mapping[str, str]  # name -> kind, in the words of TileJSON


def cells(conn: sa.Connection, on: Basis, query: Query, project: Projection) -> Drawing:
    """Draw the counted cells."""
    found = answers.cells(conn, on, query)
    if found is None:
        return Drawing(tiles.of_cells(np.empty(0, dtype=np.int64), project), {})
    counts = found.counts
    said = [found.verdict(number) for number in counts.cell.tolist()]
    columns: dict[str, Column] = {
        "cell": [grid.name(number) for number in counts.cell.tolist()],
        "count": counts.count,
        "weight": np.round(counts.weight, 3),
        "resolution": np.full(counts.cell.size, query.resolution),
        "verdict": [None if each is None else each.verdict for each in said],
        "reason": [None if each is None else next(iter(each.reasons), None) for each in said],
        "expected": np.array(
            [
                np.nan if each is None or each.expected is None else float(f"{each.expected:.3g}")
                for each in said
            ],
            dtype=np.float64,
        ),
    }
    return Drawing(tiles.of_cells(counts.cell, project), columns)


def released(_conn: sa.Connection, on: Basis, query: Query, project: Projection) -> Drawing:
    """Draw what the release tells about places that lie somewhere."""
    found = readers.told_of(on, query.asked, query.detail)
    if found is None:
        return Drawing(tiles.of_polygons([], project), {})
    told, answer = found
    outlines, drawn = [], []
    for each in answer.shown:
        outline = ground(told, each)
        if outline is not None:
            outlines.append(outline)
            drawn.append(each)
    said = [each.finding for each in drawn]
    columns: dict[str, Column] = {
        "key": [features.released_key(each, answer) for each in drawn],
        "name": [each.name for each in drawn],
        "label": [each.label or None for each in drawn],
        "count": np.array([each.count for each in drawn], dtype=np.int64),
        "low": np.array([each.low for each in drawn], dtype=np.int64),
        "exact": np.array([each.exact for each in drawn], dtype=np.bool_),
        "kind": [features.released_kind(told, each) for each in drawn],
        "verdict": [None if each is None else each.verdict for each in said],
        "trend": [None if each is None else each.trend for each in said],
    }
    return Drawing(tiles.of_polygons(outlines, project), columns)


TILED: dict[str, Tiled] = {
    "cells": Tiled(
        cells,
        {
            "cell": "String",
            "count": "Number",
            "weight": "Number",
            "resolution": "Number",
            "verdict": "String",
            "reason": "String",
            "expected": "Number",
        },
    ),
    "release": Tiled(
        released,
        {
            "key": "String",
            "name": "String",
            "label": "String",
            "count": "Number",
            "low": "Number",
            "exact": "Boolean",
            "kind": "String",
            "verdict": "String",
            "trend": "String",
        },
    ),
}


def tile_parameters(collection: Collection) -> tuple[str, ...]:
    """Name every parameter of a collection's tiles: its filters, without pages and boxes."""
    return (("datetime",) if collection.temporal else ()) + collection.filters


def tile_json(collection: Collection, tiled: Tiled, on: Grid, profile: Profile, url: str) -> Json:
    """Describe the tiles of a collection (TileJSON 3.0.0), and the squares they lie in.

    TileJSON itself knows one grid, Web Mercator; the last four members tell any client the squares.
    """
    west, south, east, north = profile.envelope
    resolution = on.squares.size / tile_grid.PIXELS
    return {
        "tilejson": "3.0.0",
        "name": collection.title,
        "description": collection.description,
        "scheme": "xyz",
        "tiles": [url],
        "minzoom": 0,
        "maxzoom": on.last,
        "bounds": [west, south, east, north],
        "center": [
            round((west + east) / 2, DECIMALS),
            round((south + north) / 2, DECIMALS),
            min(on.last, tile_grid.level(on.squares, _across_m(on, profile))),
        ],
        "vector_layers": [{"id": collection.id, "fields": dict(tiled.fields)}],
        "crs": f"EPSG:{on.epsg}",
        "origin": [on.squares.west, on.squares.north],
        "tileSize": tile_grid.PIXELS,
        "resolutions": [resolution / 2**zoom for zoom in range(on.last + 1)],
    }


def _across_m(on: Grid, profile: Profile) -> float:
    """Measure the longer side of the municipality in the grid's plane."""
    west, south, east, north = tile_grid.bounds(on.epsg, profile.envelope)
    return max(east - west, north - south)
