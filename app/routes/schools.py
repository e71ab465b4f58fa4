"""Around the schools: exact for analysts, and what the release tells for everybody else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app import choices, map_page, school_page
from app.access import MapReader, Reader, note
from app.provenance import provenance, steered
from app.services import services
from pipelines import answers
from pipelines.roles import ANALYST
from pipelines.texts import text
from store import imports, places

router = APIRouter()


@router.get("/skolor")
def around_schools(request: Request, reader: MapReader) -> Response:
    """Show what happens around schools."""
    if reader.role == ANALYST:
        return _exact(request, replace(reader, purpose="analysis"))
    return _told(request, reader)


def _exact(request: Request, reader: Reader) -> Response:
    parts = services(request)
    with parts.installation.main.read() as conn:
        on = answers.basis(conn, reader.role, parts.reference.read(conn))
        chosen = choices.read(request.query_params, on.reference, on.run)
        context = school_page.exact(conn, on, chosen, request.query_params)
        synthetic = imports.any_synthetic(conn)
    if on.outdated:
        context["passed_over"].append(text("map-outdated"))
    context["passed_over"] += steered(on.reference.profile, chosen.question.categories)
    context |= {
        "reader": reader,
        "profile": on.reference.profile,
        "synthetic": synthetic,
        "provenance": provenance(on),
        "left_out": [],
    }
    asked = {"school": context.get("chosen_school", ""), **chosen.given}
    note(request, reader, "schools-page", asked=asked, rows=context["rows"])
    return parts.pages.TemplateResponse(request, "schools.html", context)


def _told(request: Request, reader: Reader) -> Response:
    parts = services(request)
    released = parts.released.in_force()
    with parts.store_for(reader.role).read() as conn:
        reference = parts.reference.read(conn)
        schools = places.facilities(conn, "school")
    context: dict[str, Any] = {
        "reader": reader,
        "profile": reference.profile,
        "projection": map_page.projection(reference.profile),
        "synthetic": False,
        "passed_over": [],
        "empty": text("task-no-release"),
        "left_out": [text("schools-left-out-distance"), text("schools-left-out-hours")],
    }
    asked: dict[str, str] = {}
    if released is not None and released.periods():
        found = school_page.told(released, request.query_params, reference, schools)
        asked = found.get("asked_query", {})
        context |= {"empty": "", **found}
        themes = found.get("asked_query", {}).get("theme", "").split(",")
        context["passed_over"] += steered(reference.profile, themes)
    note(request, reader, "schools-page", asked=asked)
    return parts.pages.TemplateResponse(request, "schools.html", context)
