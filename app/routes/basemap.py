"""Squares of the background map, for everybody who sees a map."""

from __future__ import annotations

import gzip
import logging

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app import kept
from app.access import MapReader, limited
from app.services import services
from geo import tile_grid, tiles
from geo.errors import InvalidParameter, NotFound
from pipelines import wmts

router = APIRouter()

SQUARE = "/karta/bakgrund/{zoom}/{row}/{column}"
# The address names the edition (?v=), so that a browser need not ask again the same day.
KEEP = "private, max-age=86400"
NOTHING, UNCHANGED, NO_PICTURE, NOT_YET = 204, 304, 502, 503
log = logging.getLogger("lagesbild.basemap")


@router.get(SQUARE + ".mvt")
def drawn(request: Request, _reader: MapReader, zoom: int, row: int, column: int) -> Response:
    """Give a square cut out of the installation's own file; 204 where nothing is drawn."""
    ground = services(request).background
    found = ground.file()
    if found is None and ground.being_read:
        again = {"Retry-After": "2", "Cache-Control": "no-store"}
        return Response(status_code=NOT_YET, headers=again)
    if found is None:
        raise NotFound("no-basemap")
    etag = f'"{ground.version}-{zoom}-{row}-{column}"'
    headers = {"ETag": etag, "Cache-Control": KEEP}
    body = found.tile(zoom, row, column)
    if not body:
        return Response(status_code=NOTHING, headers=headers)
    if kept.holds(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=UNCHANGED, headers=headers)
    headers["Vary"] = "Accept-Encoding"
    if kept.takes_gzip(request.headers.get("accept-encoding", "")):
        headers["Content-Encoding"] = "gzip"
    else:
        body = gzip.decompress(body)
    return Response(body, media_type=tiles.MEDIA_TYPE, headers=headers)


@router.get(SQUARE + ".png", dependencies=[Depends(limited("background"))])
def fetched(request: Request, _reader: MapReader, zoom: int, row: int, column: int) -> Response:
    """Give a picture that this server fetches from the configured map service."""
    parts = services(request)
    pictures = parts.background.pictures
    if pictures is None:
        raise NotFound("no-basemap")
    with parts.installation.open_side.read() as conn:
        profile = parts.reference.read(conn).profile
    epsg = tile_grid.system(profile.metric_epsg)
    try:
        squares = wmts.grid(epsg)
    except InvalidParameter as fault:
        raise NotFound("no-basemap") from fault
    around = wmts.around(tile_grid.bounds(epsg, profile.envelope))
    try:
        body = pictures.tile(squares, around, (zoom, row, column))
    except wmts.NoPicture as fault:
        log.warning("no background picture: %s", fault.code)
        return Response(status_code=NO_PICTURE, headers={"Cache-Control": "no-store"})
    return Response(body, media_type=wmts.media_type(body), headers={"Cache-Control": KEEP})
