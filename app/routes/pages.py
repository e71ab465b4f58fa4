"""The map page and the names that lie under the map."""

from __future__ import annotations

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from app import map_page
from app.access import Analyst
from app.services import services
from store import imports, places, runs

router = APIRouter()

LABEL_KINDS = frozenset({"place", "bus_stop"})


@router.get("/")
def show_map(request: Request, reader: Analyst) -> Response:
    """Show the map."""
    parts = services(request)
    with parts.store.read() as conn:
        reference = parts.reference.read(conn)
        run = runs.current(conn)
        synthetic = imports.any_synthetic(conn)
    context = map_page.context(reference, run, synthetic=synthetic) | {"reader": reader}
    return parts.pages.TemplateResponse(request, "map.html", context)


@router.get("/karta/platser")
def place_names(request: Request, _reader: Analyst) -> Response:
    """Give the gazetteer's names, so that the map says where one is without a background map."""
    with services(request).store.read() as conn:
        named = [
            {"name": place.name, "kind": place.kind, "lon": place.lon, "lat": place.lat}
            for place in places.named_places(conn)
            if place.kind in LABEL_KINDS
        ]
    return Response(orjson.dumps({"places": named}), media_type="application/json")
