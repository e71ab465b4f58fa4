"""Tables that the police have published, as they were sent: beside the release, never in it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app import tables_page
from app.access import Reader, allow, note
from app.services import services
from pipelines.roles import ANALYST, COORDINATOR, PLANNER
from store import tables

router = APIRouter()

Staff = Annotated[Reader, Depends(allow(PLANNER, ANALYST, COORDINATOR, purpose="map"))]


@router.get("/tabeller")
def show_tables(request: Request, reader: Staff) -> Response:
    """Show one year of one source's table."""
    parts = services(request)
    with parts.installation.open_side.read() as conn:
        profile = parts.reference.read(conn).profile
        every = tables.find(conn, tables.FigureFilter(), tables_page.MOST, 0)
    context = tables_page.context(every.rows, request.query_params)
    note(request, reader, "tables-page", asked=context["chosen"], rows=len(every.rows))
    context |= {"reader": reader, "profile": profile}
    return parts.pages.TemplateResponse(request, "tables.html", context)
