"""The map page and the names that lie under the map."""

from __future__ import annotations

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from app import map_page
from app.access import Analyst
from app.services import services
from store import imports, places, runs

router = APIRouter()

LARGEST_M = 1000  # a name for more ground than this is no landmark


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


@router.post("/logga-ut")
def sign_out(request: Request, _reader: Analyst) -> Response:
    """End the session."""
    request.session.clear()
    return RedirectResponse("/logga-in", status_code=303)


@router.get("/karta/platser")
def place_names(request: Request, _reader: Analyst) -> Response:
    """Give the gazetteer's names, so that the map says where one is without a background map."""
    with services(request).store.read() as conn:
        named = [
            {"name": place.name, "kind": place.kind, "lon": place.lon, "lat": place.lat}
            for place in places.named_places(conn)
            if place.uncertainty_m <= LARGEST_M
        ]
    return Response(orjson.dumps({"places": named}), media_type="application/json")
