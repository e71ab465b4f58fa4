"""The list of the action plan, and the ways onto it and off it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Form, Path, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from app import plan_choice, plan_page
from app.access import Reader, allow, note, require_csrf
from app.plan_page import Desk
from app.problems import wants_page
from app.services import services
from geo.profile import Profile
from pipelines import answers, links, plan
from pipelines.roles import ANALYST, COORDINATOR, PLANNER
from pipelines.texts import text
from store import imports
from store import plan as stored
from store.plan import Row, Spot

router = APIRouter()

Staff = Annotated[Reader, Depends(allow(PLANNER, ANALYST, COORDINATOR, purpose="map"))]
RowId = Annotated[int, Path(ge=1, le=2**31 - 1)]
Word = Annotated[str, Form(max_length=links.LONGEST)]
# What a link back to the page says of the change that was made, and what that is called.
CHANGES = {"tillagd": "added", "fanns": "there", "borttagen": "removed", "angrad": "restored"}
UNDONE_BY = {"added": "ta-bort", "removed": "angra"}
LONGEST_ID = 9


def link(
    vald: Word = "",
    omrade: Word = "",
    fonster: Word = "",
    typ: Word = "",
    period: Word = "",
    detalj: Word = "",
) -> dict[str, str]:
    """Read what a card or a row sends: the chosen place and the choices of its link."""
    question = {"omrade": omrade, "fonster": fonster, "typ": typ, "period": period}
    return {"vald": vald, "detalj": detalj} | question


@router.get("/plan")
def show_plan(request: Request, reader: Staff) -> Response:
    """Show the list, with what the reader may see of each row now."""
    parts = services(request)
    with parts.store_for(reader.role).read() as conn:
        reference = parts.reference.read(conn)
        on = answers.basis(conn, reader.role, reference, parts.released.in_force())
        spots: Mapping[int, Spot] = stored.spots(conn) if reader.role == ANALYST else {}
        desk, rows = Desk(conn, on, spots), stored.standing(conn)
        context: dict[str, object] = {
            "blocks": plan_page.blocks(desk, rows),
            "said": _said(request, conn, reference.profile),
            "synthetic": imports.any_synthetic(conn),
        }
    note(request, reader, "plan-page", rows=len(rows))
    context |= {
        "reader": reader,
        "profile": reference.profile,
        "rows": len(rows),
        "left_out": _left_out(reader, rows),
    }
    return parts.pages.TemplateResponse(request, "plan.html", context)


@router.post("/plan", dependencies=[Depends(require_csrf)])
def add_to_plan(
    request: Request, reader: Staff, given: Annotated[dict[str, str], Depends(link)]
) -> Response:
    """Put the chosen place on the list."""
    parts = services(request)
    with parts.store_for(reader.role).read() as conn:
        reference = parts.reference.read(conn)
        on = answers.basis(conn, reader.role, reference, parts.released.in_force())
        wanted, spot = plan_choice.wanted(conn, on, given)
    asked = {"place": wanted.place, "theme": wanted.theme, "window": wanted.window}
    if spot is not None and spot.key:
        asked["spot"] = spot.key
    note(request, reader, "plan-add", asked=asked, rows=1)
    change = plan.add(parts.installation.main, wanted, spot, reader.name, parts.now())
    return _answer(request, reference.profile, change.row, "there" if change.there else "added")


@router.post("/plan/{row_id}/ta-bort", dependencies=[Depends(require_csrf)])
def remove_from_plan(request: Request, reader: Staff, row_id: RowId) -> Response:
    """Take a row off the list; sent twice it does no more."""
    parts = services(request)
    note(request, reader, "plan-remove", asked={"row": row_id}, rows=1)
    row = plan.remove(parts.installation.main, row_id, parts.now())
    return _answer(request, _profile(request), row, "removed")


@router.post("/plan/{row_id}/angra", dependencies=[Depends(require_csrf)])
def restore_to_plan(request: Request, reader: Staff, row_id: RowId) -> Response:
    """Put a row back on the list."""
    parts = services(request)
    note(request, reader, "plan-restore", asked={"row": row_id}, rows=1)
    change = plan.restore(parts.installation.main, row_id, parts.now())
    outcome = "there" if change.there else "restored"
    return _answer(request, _profile(request), change.row, outcome)


def _profile(request: Request) -> Profile:
    parts = services(request)
    with parts.installation.open_side.read() as conn:
        return parts.reference.read(conn).profile


def _answer(request: Request, profile: Profile, row: Row, outcome: str) -> Response:
    """Lead a person back to the list, or tell a script what became of it."""
    if wants_page(request):
        name = next(name for name, each in CHANGES.items() if each == outcome)
        return RedirectResponse(f"/plan?{name}={row.id}#rad-{row.id}", status_code=303)
    told = {
        "outcome": outcome,
        "id": row.id,
        "text": text(f"plan-is-{outcome}", row=plan_page.named(profile, row)),
        "href": plan_page.link_to(row.id),
    }
    if outcome in UNDONE_BY:
        told["undo"] = f"/plan/{row.id}/{UNDONE_BY[outcome]}"
    return JSONResponse(told)


def _said(request: Request, conn: sa.Connection, profile: Profile) -> dict[str, object] | None:
    """Say what the reader has just done, with the way to undo it."""
    now = services(request).now()
    for name, outcome in CHANGES.items():
        written = request.query_params.get(name, "")
        known = written.isascii() and written.isdigit() and len(written) <= LONGEST_ID
        row = plan.one(conn, int(written), now) if known else None
        if row is not None and (row.removed_at is not None) == (outcome == "removed"):
            return {
                "text": text(f"plan-is-{outcome}", row=plan_page.named(profile, row)),
                "id": row.id,
                "undo": UNDONE_BY.get(outcome, ""),
            }
    return None


def _left_out(reader: Reader, rows: Sequence[Row]) -> list[str]:
    """Say what the reader does not see of the list, and why."""
    if reader.role == ANALYST:
        return []
    said = [text("plan-left-numbers")]
    if any(row.finer for row in rows):
        said.append(text("plan-left-spots"))
    return said
