"""Nightlife: nights and weekends for analysts, and what the release tells for everybody else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app import map_page, night_page, night_release_page
from app.access import MapReader, Reader, note
from app.provenance import provenance, steered
from app.services import services
from pipelines import answers
from pipelines.roles import ANALYST
from pipelines.texts import text
from store import imports

router = APIRouter()


@router.get("/nattliv")
def nightlife(request: Request, reader: MapReader) -> Response:
    """Show weekend nights."""
    if reader.role == ANALYST:
        return _exact(request, replace(reader, purpose="analysis"))
    return _told(request, reader)


def _exact(request: Request, reader: Reader) -> Response:
    parts = services(request)
    with parts.installation.main.read() as conn:
        on = answers.basis(conn, reader.role, parts.reference.read(conn))
        context = night_page.context(conn, on, request.query_params)
        synthetic = imports.any_synthetic(conn)
    if on.outdated:
        context["passed_over"].append(text("map-outdated"))
    context |= {
        "reader": reader,
        "profile": on.reference.profile,
        "synthetic": synthetic,
        "provenance": provenance(on),
        "left_out": [text("nights-left-out-persons")],
    }
    asked = {"weekend": context.get("chosen_weekend", ""), **context["given"]}
    note(request, reader, "nightlife-page", asked=asked, rows=context["rows"])
    return parts.pages.TemplateResponse(request, "nightlife.html", context)


def _told(request: Request, reader: Reader) -> Response:
    parts = services(request)
    released = parts.released.in_force()
    with parts.store_for(reader.role).read() as conn:
        reference = parts.reference.read(conn)
    context: dict[str, Any] = {
        "reader": reader,
        "profile": reference.profile,
        "projection": map_page.projection(reference.profile),
        "synthetic": False,
        "passed_over": [],
        "empty": text("task-no-release"),
        "left_out": [text("nights-left-out-hours"), text("nights-left-out-venues")],
    }
    asked: dict[str, str] = {}
    if released is not None and released.periods():
        found = night_release_page.context(released, request.query_params, reference)
        asked = found["asked_query"]
        context |= {"empty": "", **found}
        context["passed_over"] += steered(reference.profile, asked.get("theme", "").split(","))
    note(request, reader, "nightlife-page", asked=asked)
    return parts.pages.TemplateResponse(request, "nightlife.html", context)
