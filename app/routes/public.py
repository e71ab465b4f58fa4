"""What anybody may reach: is it alive, and its icon."""

from __future__ import annotations

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from app.services import services
from pipelines import colours

router = APIRouter()


@router.get("/health")
def health(request: Request) -> Response:
    """Tell a watchdog whether the application reaches each part of its store."""
    parts = services(request).installation
    for store in (parts.main, parts.release, parts.journal):
        with store.read() as conn:
            conn.exec_driver_sql("SELECT 1")
    return Response(orjson.dumps({"status": "ok"}), media_type="application/json")


class Styles(Response):
    """A style sheet."""

    media_type = "text/css"


@router.get("/karta/farger.css", response_class=Styles)
def colour_classes() -> Response:
    """Give the classes of the one colour scale."""
    return Styles(colours.as_css(), headers={"Cache-Control": "private, no-cache"})


@router.get("/favicon.ico")
def favicon() -> Response:
    """Point browsers that ask on their own to the icon."""
    return RedirectResponse("/static/img/lagesbild.svg", status_code=301)
