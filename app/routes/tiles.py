"""Vector tiles of layers, with the filters, the roles and the rules of the same layers' items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app import asking, quick
from app.access import Reader
from app.asking import CollectionReader
from app.collections import Collection
from app.kept import Answer
from app.services import services
from app.tiles import TILED, Drawing, Tiled, find_grid, tile_json, tile_parameters
from geo import tiles
from geo.errors import NotFound

router = APIRouter()

PATH = "/ogc/collections/{collection_id}/tiles/{grid}"
AS_TILE = {"Content-Type": tiles.MEDIA_TYPE}
NOTHING_THERE = 204


@router.get(PATH)
def describe_tiles(
    request: Request, collection_id: str, grid: str, reader: CollectionReader
) -> Response:
    """Describe the tiles of a collection, with the filters of the question in their address."""
    collection, tiled = _tiled(request, collection_id, reader)
    with asking.opened(request, reader, released=False) as (_, on):
        profile = on.reference.profile
        found = find_grid(profile, grid)
        asking.query(request, tile_parameters(collection), on)
    url = f"{asking.base(request)}/collections/{collection.id}/tiles/{grid}/{{z}}/{{y}}/{{x}}"
    pairs = request.query_params.multi_items()
    if pairs:
        url = f"{url}?{urlencode(pairs)}"
    described = tile_json(collection, tiled, found, profile, url)
    return Response(orjson.dumps(described), media_type="application/json")


@dataclass(frozen=True, slots=True)
class Square:
    """The part of a path that names a tile."""

    grid: str
    zoom: str
    row: str
    column: str


@router.get(PATH + "/{zoom}/{row}/{column}")
def tile(
    request: Request,
    collection_id: str,
    square: Annotated[Square, Depends()],
    reader: CollectionReader,
) -> Response:
    """Give a tile, or 204 where nothing lies."""
    collection, tiled = _tiled(request, collection_id, reader)
    parts = services(request)
    with asking.opened(request, reader, released=collection.released) as (conn, on):
        squares = find_grid(on.reference.profile, square.grid)
        frame = squares.frame(square.zoom, square.row, square.column)
        query = asking.query(request, tile_parameters(collection), on)
        edition = asking.edition(collection, on)
        if edition is None:
            return Response(status_code=NOTHING_THERE)

        def draw() -> Drawing:
            return tiled.draw(conn, on, query, squares.project)

        def make() -> Answer:
            layer = f"{collection.id} {square.grid}"
            drawing = parts.drawings.answer(asking.key(request, on, edition, layer, query), draw)
            return Answer.to_keep(drawing.tile(collection.id, frame), 0)

        key = asking.key(request, on, edition, request.url.path, query)
        answer = parts.answers.answer(key, make)
    if not answer.body:
        return quick.give(request, reader, answer, {}, NOTHING_THERE)
    return quick.give(request, reader, answer, AS_TILE)


def _tiled(request: Request, collection_id: str, reader: Reader) -> tuple[Collection, Tiled]:
    """Find a collection that has tiles, and how it is drawn.

    Raises
    ------
    NotFound
        There is none for this reader, or it has none.
    """
    collection = asking.collection(request, collection_id, reader)
    if collection.id not in TILED:
        raise NotFound("no-tiles", collection=collection.title, known=", ".join(TILED))
    return collection, TILED[collection.id]
