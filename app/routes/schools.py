"""Around the schools: exact for analysts, and what the release tells for everybody else."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app import school_page, school_told, task_page
from app.access import MapReader
from app.provenance import steered
from app.task_page import Opened, Side, Task
from pipelines.texts import text
from store import places

router = APIRouter()
WORDS = {school_page.CHOSEN: None}


@router.get("/skolor")
def around_schools(request: Request, reader: MapReader) -> Response:
    """Show what happens around schools."""
    task = Task("schools.html", "schools-page", WORDS, _exact, _told)
    return task_page.show(request, reader, task)


def _exact(opened: Opened) -> Side:
    chosen = opened.chosen()
    page = school_page.exact(opened.conn, opened.on, chosen, opened.given)
    page["passed_over"] += steered(opened.on.reference.profile, chosen.question.categories)
    asked = {"school": page.get("chosen_school", ""), **chosen.given}
    return Side(page, asked, page["rows"])


def _told(opened: Opened) -> Side:
    page: dict[str, Any] = {
        "passed_over": [],
        "empty": text("task-no-release"),
        "left_out": [text("schools-left-out-distance"), text("schools-left-out-hours")],
    }
    asked: dict[str, str] = {}
    if opened.released is not None:
        reference = opened.on.reference
        schools = places.facilities(opened.conn, "school")
        page |= {"empty": ""}
        page |= school_told.told(opened.released, opened.given, reference, schools)
        asked = page.get("asked_query", {})
        page["passed_over"] += steered(reference.profile, asked.get("theme", "").split(","))
    return Side(page, asked, aside={"omrade": text("schools-passed-area")})
