"""Has it become better: two periods of events for analysts, of the release for everybody else."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app import change_page, change_told_page, choices, map_page
from app.access import MapReader, Reader, note
from app.services import services
from pipelines import answers
from pipelines.roles import ANALYST
from pipelines.texts import text
from store import imports

router = APIRouter()
OWN = "period"  # which the page reads itself: more periods can be compared than chosen elsewhere


@router.get("/utveckling")
def has_it_become_better(request: Request, reader: MapReader) -> Response:
    """Show two periods beside each other."""
    if reader.role == ANALYST:
        return _exact(request, replace(reader, purpose="analysis"))
    return _told(request, reader)


def _exact(request: Request, reader: Reader) -> Response:
    parts = services(request)
    given = request.query_params
    with parts.installation.main.read() as conn:
        on = answers.basis(conn, reader.role, parts.reference.read(conn))
        elsewhere = {name: value for name, value in given.items() if name != OWN}
        chosen = choices.read(elsewhere, on.reference, on.run)
        context = change_page.exact(conn, on, chosen, given)
        context["synthetic"] = imports.any_synthetic(conn)
    two = context.get("two")
    asked = {**chosen.given, **(two if isinstance(two, dict) else {})}
    note(request, reader, "change-page", asked=asked, rows=int(str(context["rows"])))
    context |= {"reader": reader, "profile": on.reference.profile, "left_out": []}
    context["outdated"] = text("map-outdated") if on.outdated else ""
    return parts.pages.TemplateResponse(request, "change.html", context)


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
        "left_out": [text("change-left-out-difference"), text("change-left-out-periods")],
        "synthetic": False,
        "empty": text("release-none"),
    }
    if released is not None and released.periods():
        context |= change_told_page.told(released, request.query_params, reference)
    asked = context.get("asked_query")
    note(request, reader, "change-page", asked=asked if isinstance(asked, dict) else None)
    return parts.pages.TemplateResponse(request, "change.html", context)
