"""An invented village in three formats that others write, and a foreign reader of our tiles."""

import gzip

import mapbox_vector_tile
import numpy as np
import osmium
import osmium.osm.mutable as made
import pyogrio
import shapely
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

from geo import crs, tile_grid, tiles

ENVELOPE = (16.48, 59.36, 16.54, 59.39)
WEST, SOUTH, EAST, NORTH = 16.50, 59.37, 16.51, 59.38  # of the village's lake
CORNERS = [(WEST, SOUTH), (EAST, SOUTH), (EAST, NORTH), (WEST, NORTH)]
ISLAND = [(16.503, 59.373), (16.506, 59.373), (16.506, 59.376)]
FAR = (11.97, 57.71)  # another town


def osm(path, *, more=(), far=False):
    """Write the village as an extract of OpenStreetMap, with a lake of two ways as a relation."""
    shift = np.subtract(FAR, (WEST, SOUTH)) if far else (0, 0)
    path.unlink(missing_ok=True)
    writer = osmium.SimpleWriter(str(path))
    for at, corner in enumerate([*CORNERS, *ISLAND], 1):
        writer.add_node(made.Node(id=at, location=tuple(np.add(corner, shift))))
    tags = {"place": "suburb", "name": "Provby"}
    writer.add_node(made.Node(id=50, location=tuple(np.add((16.505, 59.3785), shift)), tags=tags))
    ways = [
        ([1, 2], {"highway": "residential", "name": "Provgatan"}),
        ([2, 3], {"highway": "residential", "name": "Provgatan"}),
        ([3, 4], {"highway": "primary"}),
        ([1, 3], {"railway": "rail"}),
        ([1, 6], {"waterway": "river"}),
        ([5, 6, 7, 5], {"building": "yes"}),
        ([1, 2, 3], {}),
        ([3, 4, 1], {}),
        ([1, 99], {"highway": "service"}),  # a point that the extract has not got
        ([1, 2], {"power": "line"}),
        *more,
    ]
    for at, (nodes, tags) in enumerate(ways, 1):
        writer.add_way(made.Way(id=at, nodes=nodes, tags=tags))
    lake = {"type": "multipolygon", "natural": "water", "name": "Provsjön"}
    members = [("w", 7, "outer"), ("w", 8, "outer"), ("w", 6, "inner")]
    writer.add_relation(made.Relation(id=1, members=members, tags=lake))
    writer.close()
    return path


def metres(shape, epsg=3006):
    """Project a shape of degrees."""

    def project(corners):
        return np.column_stack(crs.transform(corners[:, 0], corners[:, 1], crs.WGS84, epsg))

    return shapely.transform(shape, project)


def geopackage(path, layers, epsg=3006):
    """Write layers of (shape in degrees, {column: value}) rows."""
    for name, rows in layers.items():
        shapes = np.array([shapely.to_wkb(metres(shape, epsg)) for shape, _ in rows], dtype=object)
        columns = list(rows[0][1])
        values = [np.array([row[column] for _, row in rows], dtype=object) for column in columns]
        kind = rows[0][0].geom_type
        pyogrio.raw.write(
            path,
            shapes,
            values,
            columns,
            layer=name,
            driver="GPKG",
            geometry_type=kind,
            crs=None if epsg is None else f"EPSG:{epsg}",
        )
    return path


def pmtiles(path, layers, zoom=14, kind=TileType.MVT):
    """Write layers of (shape in degrees, {key: value}) as one file of tiles, cut at their edges."""
    west, south, east, north = tile_grid.bounds(3857, ENVELOPE)
    world = tiles.WEB_MERCATOR_QUAD
    size = world.size / 2**zoom
    with path.open("wb") as file:
        writer = Writer(file)
        found = {}
        for column in range(int((west - world.west) // size), int((east - world.west) // size) + 1):
            for row in range(
                int((world.north - north) // size), int((world.north - south) // size) + 1
            ):
                body = _tile(layers, world.frame(zoom, column, row))
                if body:
                    found[zxy_to_tileid(zoom, column, row)] = body
        for tile, body in sorted(found.items()):
            writer.write_tile(tile, gzip.compress(body))
        header = {"tile_type": kind, "tile_compression": Compression.GZIP}
        header |= {"min_lon_e7": 0, "min_lat_e7": 0, "max_lon_e7": 1, "max_lat_e7": 1}
        header |= {"center_zoom": zoom, "center_lon_e7": 0, "center_lat_e7": 0}
        header |= {"min_zoom": zoom, "max_zoom": zoom}
        writer.finalize(
            header, {"attribution": '<a href="https://example.org">© Någon &amp; co</a>'}
        )
    return path


def _tile(layers, frame):
    box = shapely.box(frame.west, frame.north - frame.size, frame.west + frame.size, frame.north)
    scale = 4096 / frame.size
    told = []
    for name, rows in layers.items():
        features = []
        for shape, known in rows:
            part = metres(shape, 3857).intersection(box.buffer(frame.size / 64))
            if not part.is_empty:
                units = shapely.transform(part, lambda c: (c - (frame.west, frame.north)) * scale)
                units = shapely.transform(units, lambda c: c * (1, -1))
                features.append({"geometry": units, "properties": known})
        if features:
            told.append({"name": name, "features": features})
    if not told:
        return b""
    return mapbox_vector_tile.encode(told, default_options={"y_coord_down": True})


def told(body):
    """Let a foreign library read one of our compressed tiles: layer -> features."""
    if not body:
        return {}
    options = {"y_coord_down": True}
    layers = mapbox_vector_tile.decode(gzip.decompress(body), default_options=options)
    return {name: layer["features"] for name, layer in layers.items()}


def square(grid, zoom, lon, lat, epsg=3006):
    """Find the square over a place: row and column."""
    at = metres(shapely.Point(lon, lat), epsg)
    size = grid.size / 2**zoom
    return int((grid.north - at.y) // size), int((at.x - grid.west) // size)
