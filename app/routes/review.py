"""Observations that wait for somebody to look them through."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from app.access import Coordinator, note, require_csrf
from app.services import services
from pipelines.periods import local
from pipelines.texts import text
from store import observations

router = APIRouter()

AT_ONCE = 100  # rows of the page
Chosen = Annotated[list[int], Form(max_length=AT_ONCE, default_factory=list)]


@router.get("/granskning")
def show_waiting(request: Request, reader: Coordinator) -> Response:
    """Show the observations that wait, the oldest first."""
    parts = services(request)
    with parts.installation.open_side.read() as conn:
        profile = parts.reference.read(conn).profile
        waiting = observations.unreviewed(conn)
    shown = [
        {
            "id": each.id,
            "day": local(each.observed_at, profile.timezone).date().isoformat(),
            "type": text(f"observation-{each.type}"),
            "area": each.area or "",
            "note": each.note,
        }
        for each in waiting[:AT_ONCE]
    ]
    note(request, reader, "review-page", rows=len(shown))
    context = {"reader": reader, "profile": profile, "shown": shown, "waiting": len(waiting)}
    released = request.query_params.get("slappta", "")
    context["released"] = released if released.isdigit() and len(released) <= len("100") else ""
    return parts.pages.TemplateResponse(request, "review.html", context)


@router.post("/granskning", dependencies=[Depends(require_csrf)])
def release_chosen(request: Request, reader: Coordinator, observation: Chosen) -> Response:
    """Release the chosen observations, so that planners see them; sent twice it does no more."""
    with services(request).installation.main.write() as conn:
        waiting = {each.id for each in observations.unreviewed(conn)}
        chosen = sorted(waiting.intersection(observation))
        note(request, reader, "review", asked={"observations": chosen}, rows=len(chosen))
        released = observations.review(conn, chosen)
    return RedirectResponse(f"/granskning?slappta={released}", status_code=303)
