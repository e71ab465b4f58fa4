"""Squares of the background map, for everybody who sees a map."""

from __future__ import annotations

import gzip
import logging

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.access import MapReader
from app.services import services
from geo import tile_grid, tiles
from geo.errors import InvalidParameter, NotFound
from pipelines import wmts

router = APIRouter()

SQUARE = "/karta/bakgrund/{zoom}/{row}/{column}"
# The address names the edition (?v=), so that a browser need not ask again the same day.
KEEP = "private, max-age=86400"
NOTHING, UNCHANGED, NO_PICTURE = 204, 304, 502
log = logging.getLogger("lagesbild.basemap")


@router.get(SQUARE + ".mvt")
def drawn(request: Request, _reader: MapReader, zoom: int, row: int, column: int) -> Response:
    """Give a square cut out of the installation's own file; 204 where nothing is drawn."""
    ground = services(request).background
    found = ground.file()
    if found is None:
        raise NotFound("no-basemap")
    etag = f'"{ground.version}-{zoom}-{row}-{column}"'
    headers = {"ETag": etag, "Cache-Control": KEEP}
    body = found.tile(zoom, row, column)
    if not body:
        return Response(status_code=NOTHING, headers=headers)
    if etag in {tag.strip() for tag in request.headers.get("if-none-match", "").split(",")}:
        return Response(status_code=UNCHANGED, headers=headers)
    headers["Vary"] = "Accept-Encoding"
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
    else:
        body = gzip.decompress(body)
    return Response(body, media_type=tiles.MEDIA_TYPE, headers=headers)


@router.get(SQUARE + ".png")
def fetched(request: Request, _reader: MapReader, zoom: int, row: int, column: int) -> Response:
    """Give a picture that this server fetches from the configured map service."""
    parts = services(request)
    pictures = parts.background.pictures
    if pictures is None:
        raise NotFound("no-basemap")
    with parts.installation.open_side.read() as conn:
        profile = parts.reference.read(conn).profile
    try:
        squares = wmts.grid(tile_grid.system(profile.metric_epsg))
    except InvalidParameter as fault:
        raise NotFound("no-basemap") from fault
    try:
        body = pictures.tile(squares, zoom, row, column)
    except wmts.NoPicture as fault:
        log.warning("no background picture: %s", fault.code)
        return Response(status_code=NO_PICTURE, headers={"Cache-Control": "no-store"})
    return Response(body, media_type=wmts.media_type(body), headers={"Cache-Control": KEEP})
