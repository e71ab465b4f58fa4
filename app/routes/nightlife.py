"""Nightlife: nights and weekends for analysts, and what the release tells for everybody else."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app import night_page, night_release_page, task_page
from app.access import MapReader
from app.provenance import steered
from app.task_page import Opened, Side, Task
from pipelines.texts import text

router = APIRouter()
WORDS = {night_page.WEEKEND: None}


@router.get("/nattliv")
def nightlife(request: Request, reader: MapReader) -> Response:
    """Show weekend nights."""
    task = Task("nightlife.html", "nightlife-page", WORDS, _exact, _told)
    return task_page.show(request, reader, task)


def _exact(opened: Opened) -> Side:
    page = night_page.context(opened.conn, opened.on, opened.given)
    page["left_out"] = [text("nights-left-out-persons")]
    asked = {"weekend": page.get("chosen_weekend", ""), **page["given"]}
    return Side(page, asked, page["rows"])


def _told(opened: Opened) -> Side:
    page: dict[str, Any] = {
        "empty": text("task-no-release"),
        "left_out": [text("nights-left-out-hours"), text("nights-left-out-venues")],
    }
    asked: dict[str, str] = {}
    if opened.released is not None:
        reference = opened.on.reference
        page |= {"empty": ""}
        page |= night_release_page.context(opened.released, opened.given, reference)
        asked = page["asked_query"]
        page["passed_over"] += steered(reference.profile, asked.get("theme", "").split(","))
    return Side(page, asked, aside={night_page.WEEKEND: text("nights-only-weekends")})
