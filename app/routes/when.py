"""When: the week hour by hour for analysts, and what the release tells of its blocks for others."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app import block_page, choices, map_page, when_page
from app.access import MapReader, Reader, note
from app.services import services
from pipelines import answers
from pipelines.roles import ANALYST
from pipelines.texts import text
from store import imports

router = APIRouter()


@router.get("/nar")
def when_in_the_week(request: Request, reader: MapReader) -> Response:
    """Show when it happens."""
    if reader.role == ANALYST:
        return _exact(request, replace(reader, purpose="analysis"))
    return _told(request, reader)


def _exact(request: Request, reader: Reader) -> Response:
    parts = services(request)
    with parts.installation.main.read() as conn:
        on = answers.basis(conn, reader.role, parts.reference.read(conn))
        chosen = choices.read(request.query_params, on.reference, on.run)
        context = when_page.exact(conn, on, chosen, request.query_params)
        context["synthetic"] = imports.any_synthetic(conn)
    asked = {**chosen.given, "timmar": context.get("hours_chosen", "")}
    note(request, reader, "when-page", asked=asked, rows=int(str(context["rows"])))
    context |= {"reader": reader, "profile": on.reference.profile, "left_out": []}
    context["outdated"] = text("map-outdated") if on.outdated else ""
    return parts.pages.TemplateResponse(request, "when.html", context)


def _told(request: Request, reader: Reader) -> Response:
    parts = services(request)
    released = parts.released.in_force()
    with parts.store_for(reader.role).read() as conn:
        reference = parts.reference.read(conn)
    context: dict[str, object] = {
        "reader": reader,
        "profile": reference.profile,
        "projection": map_page.projection(reference.profile),
        "passed_over": [],
        "left_out": [text("when-left-out-hours"), text("when-left-out-cells")],
        "synthetic": False,
        "empty": text("release-none"),
    }
    if released is not None and released.periods():
        context |= {"empty": "", **block_page.told(released, request.query_params, reference)}
    asked = context.get("asked_query")
    note(request, reader, "when-page", asked=asked if isinstance(asked, dict) else None)
    return parts.pages.TemplateResponse(request, "when.html", context)
