"""When: the week hour by hour for analysts, and what the release tells of its blocks for others."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app import block_page, task_page, when_page
from app.access import MapReader
from app.task_page import Opened, Side, Task
from pipelines.texts import text

router = APIRouter()
WORDS = {when_page.HOURS: None, when_page.SIZE: when_page.SIZES, when_page.CHOSEN: None}


@router.get("/nar")
def when_in_the_week(request: Request, reader: MapReader) -> Response:
    """Show when it happens."""
    return task_page.show(request, reader, Task("when.html", "when-page", WORDS, _exact, _told))


def _exact(opened: Opened) -> Side:
    chosen = opened.chosen()
    page = when_page.exact(opened.conn, opened.on, chosen, opened.given)
    asked = {**chosen.given, when_page.HOURS: page.get("hours_chosen", "")}
    return Side(page, asked, page["rows"])


def _told(opened: Opened) -> Side:
    page: dict[str, Any] = {
        "left_out": [text("when-left-out-hours"), text("when-left-out-cells")],
        "empty": text("release-none"),
    }
    if opened.released is not None:
        told = block_page.told(opened.released, opened.given, opened.on.reference)
        page |= {"empty": "", **told}
    aside = {when_page.HOURS: text("when-only-hours"), when_page.SIZE: text("task-only-cells")}
    return Side(page, page.get("asked_query", {}), aside=aside)
