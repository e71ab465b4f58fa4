"""Has it become better: two periods of events for analysts, of the release for everybody else."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app import change_page, change_told_page, task_page, when_page
from app.access import MapReader
from app.task_page import Opened, Side, Task
from pipelines.texts import text

router = APIRouter()
OWN = "period"  # which the page reads itself: more periods can be compared than chosen elsewhere
WORDS = {
    change_page.AGAINST: None,
    change_page.VIEW: change_page.VIEWS,
    change_page.EDGE: None,
    when_page.SIZE: when_page.SIZES,
}


@router.get("/utveckling")
def has_it_become_better(request: Request, reader: MapReader) -> Response:
    """Show two periods beside each other."""
    task = Task("change.html", "change-page", WORDS, _exact, _told)
    return task_page.show(request, reader, task)


def _exact(opened: Opened) -> Side:
    chosen = opened.chosen(without=OWN)
    page = change_page.exact(opened.conn, opened.on, chosen, opened.given)
    asked = {**chosen.given, **page.get("two", {})}
    return Side(page, asked, page["rows"])


def _told(opened: Opened) -> Side:
    page: dict[str, Any] = {
        "left_out": [text("change-left-out-difference"), text("change-left-out-periods")],
        "empty": text("release-none"),
    }
    if opened.released is not None:
        page |= change_told_page.told(opened.released, opened.given, opened.on.reference)
    aside = {when_page.SIZE: text("task-only-cells")}
    return Side(page, page.get("asked_query", {}), aside=aside)
