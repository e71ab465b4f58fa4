"""How to read the map, and how accessible it is: pages without a number of anything."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app import guide_page
from app.access import Reader, allow
from app.services import services
from pipelines.roles import ROLES
from store import places

router = APIRouter()

Everybody = Annotated[Reader, Depends(allow(*ROLES, purpose="map"))]


@router.get("/hjalp")
def show_help(request: Request, reader: Everybody) -> Response:
    """Explain what the map can tell, and what it cannot."""
    parts = services(request)
    with parts.installation.open_side.read() as conn:
        profile = parts.reference.read(conn).profile if places.revision(conn) else None
    context = guide_page.help_context(profile) | {"reader": reader}
    return parts.pages.TemplateResponse(request, "help.html", context)


@router.get("/tillganglighet")
def show_accessibility(request: Request) -> Response:
    """Report how accessible the pages are, to anybody."""
    context = guide_page.accessibility_context()
    return services(request).pages.TemplateResponse(request, "accessibility.html", context)
