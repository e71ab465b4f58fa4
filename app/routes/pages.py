"""Each role's own page under the same link, and the names that lie under the maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from app import access, choices, map_page, places_page, still_map
from app.access import MapReader, Reader
from app.routes import admin, group, release
from app.services import services
from geo import cells
from geo.errors import InvalidParameter
from pipelines import answers, links, proving
from pipelines.questions import SCOPES
from pipelines.reference import Reference
from pipelines.roles import ADMIN, ANALYST, COORDINATOR, GROUP, PLANNER, PUBLIC, ROLES
from store import imports, places

router = APIRouter()

SIZES = tuple(str(each) for each in cells.RESOLUTIONS)
READ = dict.fromkeys(links.ON_MAP) | {
    "lista": tuple(places_page.EXACT_LISTS),
    "rutor": SIZES,
    "kring": SCOPES,
}
LARGEST_M = 1000  # a name for more ground than this is no landmark
SomebodyOrPublic = Annotated[Reader, Depends(access.allow(*ROLES, purpose="map"))]


@router.get("/")
def home(request: Request, reader: SomebodyOrPublic) -> Response:
    """Show the reader's own page: the same link is another picture to every role."""
    purpose, page = HOMES[reader.role]
    return page(request, replace(reader, purpose=purpose))


def exact_map(request: Request, reader: Reader) -> Response:
    """Show the analysts' map; a link from when areas went by name is led to the area's id."""
    parts = services(request)
    with parts.installation.main.read() as conn:
        on = answers.basis(conn, reader.role, parts.reference.read(conn))
        by_id = _by_id(request, on.reference)
        if by_id is not None:
            return RedirectResponse(by_id, status_code=303)
        synthetic = imports.any_synthetic(conn)
        proof = None if on.run is None else proving.found(conn, on.run)
        chosen = choices.read(request.query_params, on.reference, on.run)
        listed = places_page.rows(conn, on, request.query_params, parts.hot)
        legend = still_map.exact_legend(conn, on, request.query_params)
    context = map_page.context(on, synthetic=synthetic)
    context |= {
        "reader": reader,
        "usefulness": map_page.usefulness(proof),
        "given": chosen.given,
        "listed": listed,
        "asked_for": " · ".join(chosen.words),
        "passed_over": (*chosen.passed_over, *choices.unused(request.query_params, READ)),
        "file_query": request.url.query,
        "legend": legend,
        "day": parts.now().date(),
    }
    access.note(request, reader, "map-page", asked=_linked(request))
    return parts.pages.TemplateResponse(request, "map.html", context)


def _linked(request: Request) -> dict[str, str]:
    """Give what a link chooses, for the log."""
    return links.kept(request.query_params, (*links.SHOWN, links.CHOSEN))


# Each role's own page, and what it is for.
HOMES: dict[str, tuple[str, Callable[[Request, Reader], Response]]] = {
    ANALYST: ("analysis", exact_map),
    PLANNER: ("map", release.home),
    COORDINATOR: ("map", release.home),
    PUBLIC: ("map", release.home),
    ADMIN: ("operation", admin.home),
    GROUP: ("group", group.home),
}


def _by_id(request: Request, reference: Reference) -> str | None:
    """Give the address with the area's id in the place of its name; None where there is none.

    Raises
    ------
    InvalidParameter
        Several areas have the name.
    """
    written = request.query_params.get("omrade", "")
    try:
        area = reference.area(written)
    except InvalidParameter as fault:
        if fault.code == "unknown-area":
            return None  # an address with nonsense shows the usual map
        raise
    if written == str(area.id):
        return None
    pairs = [
        (name, value) for name, value in request.query_params.multi_items() if name != "omrade"
    ]
    return f"/?{urlencode([('omrade', str(area.id)), *pairs])}"


@router.get("/karta/bild.svg", dependencies=[Depends(access.limited("picture"))])
def still_picture(request: Request, reader: MapReader) -> Response:
    """Draw the map of a link for a browser without scripts."""
    parts = services(request)
    given = request.query_params
    released = None if reader.role == ANALYST else parts.released.in_force()
    with parts.store_for(reader.role).read() as conn:
        on = answers.basis(conn, reader.role, parts.reference.read(conn), released)
        if reader.role == ANALYST:
            shapes, within = still_map.exact(conn, on, given)
        else:
            shapes, within = still_map.told(on, given)
    access.note(request, reader, "map-picture", asked=_linked(request), rows=len(shapes))
    drawn = still_map.draw(shapes, within, on.reference, parts.background.file())
    return Response(drawn, media_type="image/svg+xml")


@router.get("/karta/platser")
def place_names(request: Request, reader: MapReader) -> Response:
    """Give the gazetteer's names, so that the map says where one is without a background map."""
    with services(request).store_for(reader.role).read() as conn:
        named = [
            {"name": place.name, "kind": place.kind, "lon": place.lon, "lat": place.lat}
            for place in places.named_places(conn)
            if place.uncertainty_m <= LARGEST_M
        ]
    return Response(orjson.dumps({"places": named}), media_type="application/json")
