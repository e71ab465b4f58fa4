"""The page of the release: what planners, and where it is opened the public, see of events."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app import choices, map_page, release_page, still_map, told_places_page
from app.access import MapReader, Reader, note
from app.services import services
from pipelines import answers, links
from pipelines.roles import COORDINATOR
from store import observations

router = APIRouter()

READ = dict.fromkeys(links.ON_MAP) | {
    "lista": told_places_page.TOLD_LISTS,
    "detalj": release_page.DETAILS,
}


@router.get("/utgava")
def show_release(request: Request, reader: MapReader) -> Response:
    """Show the release in force."""
    return home(request, reader)


def home(request: Request, reader: Reader) -> Response:
    """Show the release in force, or say that there is none yet."""
    parts = services(request)
    released = parts.released.in_force()
    with parts.store_for(reader.role).read() as conn:
        reference = parts.reference.read(conn)
        waits = reader.role == COORDINATOR and len(observations.unreviewed(conn))
        on = answers.basis(conn, reader.role, reference, released)
        listed = told_places_page.told_rows(conn, on, request.query_params)
    asked: dict[str, str] = {}
    told: dict[str, Any] | None = None
    if released is not None and released.periods():
        chosen = release_page.choose(request.query_params, released, reference)
        told = release_page.context(released, chosen, reference)
        asked = release_page.query_of(chosen)
    context = release_page.page(told, reader.role) | {
        "reader": reader,
        "profile": reference.profile,
        "projection": map_page.projection(reference.profile),
        "waiting": waits,
        "listed": listed,
        "file_query": request.url.query,
        "legend": still_map.told_legend(on, request.query_params),
        "day": parts.now().date(),
    }
    passed = choices.unused(request.query_params, READ) if told else []
    context["passed_over"] = (*context.get("passed_over", ()), *passed)
    note(request, reader, "release-page", asked=asked)
    return parts.pages.TemplateResponse(request, "release.html", context)
