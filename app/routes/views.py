"""The links that a reader keeps: listed, saved, removed and put back, for nobody else to see."""

from __future__ import annotations

from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Form, Path, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from app.access import Reader, allow, note, require_csrf
from app.problems import wants_page
from app.services import services
from geo.errors import InvalidParameter
from pipelines import views
from pipelines.roles import ANALYST, COORDINATOR, PLANNER
from pipelines.texts import text
from store import views as stored
from store.views import NewView, View

router = APIRouter()

Staff = Annotated[Reader, Depends(allow(PLANNER, ANALYST, COORDINATOR, purpose="map"))]
ViewId = Annotated[int, Path(ge=1, le=2**31 - 1)]
Name = Annotated[str, Form(max_length=200)]
Address = Annotated[str, Form(max_length=2000)]
# What a link back to the page says of the change that was made, and what that is called.
CHANGES = {"sparad": "saved", "ersatt": "replaced", "borttagen": "removed", "angrad": "restored"}
UNDONE_BY = {"saved": "ta-bort", "removed": "angra"}
LONGEST_ID = 9


@router.get("/vyer")
def show_views(request: Request, reader: Staff) -> Response:
    """List the reader's own links."""
    parts = services(request)
    with parts.installation.open_side.read() as conn:
        profile = parts.reference.read(conn).profile
        rows = stored.standing(conn, reader.name)
        said = _said(request, reader, conn)
    note(request, reader, "views-page", rows=len(rows))
    shown = [_shown(row) for row in rows]
    if not wants_page(request):
        return JSONResponse({"views": shown, "most": views.MOST})
    context = {
        "reader": reader,
        "profile": profile,
        "views": shown,
        "most": views.MOST,
        "longest": views.LONGEST_NAME,
        "address": _own(request.query_params.get("adress", "")),
        "said": said,
    }
    return parts.pages.TemplateResponse(request, "views.html", context)


@router.post("/vyer", dependencies=[Depends(require_csrf)])
def save_view(request: Request, reader: Staff, namn: Name = "", adress: Address = "") -> Response:
    """Keep a link under a name."""
    parts = services(request)
    note(request, reader, "view-save", rows=1)
    wanted = NewView(reader.name, namn, adress)
    change = views.save(parts.installation.main, wanted, parts.now())
    return _answer(request, change.view, "replaced" if change.there else "saved")


@router.post("/vyer/{view_id}/ta-bort", dependencies=[Depends(require_csrf)])
def remove_view(request: Request, reader: Staff, view_id: ViewId) -> Response:
    """Remove a link; sent twice it does no more."""
    parts = services(request)
    note(request, reader, "view-remove", rows=1)
    view = views.remove(parts.installation.main, reader.name, view_id, parts.now())
    return _answer(request, view, "removed")


@router.post("/vyer/{view_id}/angra", dependencies=[Depends(require_csrf)])
def restore_view(request: Request, reader: Staff, view_id: ViewId) -> Response:
    """Put a removed link back."""
    parts = services(request)
    note(request, reader, "view-restore", rows=1)
    view = views.restore(parts.installation.main, reader.name, view_id, parts.now())
    return _answer(request, view, "restored")


def _shown(view: View) -> dict[str, object]:
    path = view.address.partition("?")[0]
    return {
        "id": view.id,
        "name": view.name,
        "href": view.address,
        "page": text(f"way-{views.PAGES[path]}"),
        "remove": f"/vyer/{view.id}/ta-bort",
    }


def _own(written: str) -> str:
    """Give the address that a link to the page wants to keep; nothing where it is none of ours."""
    try:
        return views.own_address(written) if written else ""
    except InvalidParameter:
        return ""


def _answer(request: Request, view: View, outcome: str) -> Response:
    """Lead a person back to the list, or tell a script what became of it."""
    if wants_page(request):
        name = next(name for name, each in CHANGES.items() if each == outcome)
        return RedirectResponse(f"/vyer?{name}={view.id}", status_code=303)
    told: dict[str, object] = {
        "outcome": outcome,
        "id": view.id,
        "text": text(f"view-is-{outcome}", name=view.name),
        "href": view.address,
    }
    if outcome in UNDONE_BY:
        told["undo"] = f"/vyer/{view.id}/{UNDONE_BY[outcome]}"
    return JSONResponse(told)


def _said(request: Request, reader: Reader, conn: sa.Connection) -> dict[str, object] | None:
    """Say what the reader has just done, with the way to undo it."""
    now = services(request).now()
    for name, outcome in CHANGES.items():
        written = request.query_params.get(name, "")
        known = written.isascii() and written.isdigit() and len(written) <= LONGEST_ID
        view = views.one(conn, reader.name, int(written), now) if known else None
        if view is not None and (view.removed_at is not None) == (outcome == "removed"):
            return {
                "text": text(f"view-is-{outcome}", name=view.name),
                "id": view.id,
                "undo": UNDONE_BY.get(outcome, ""),
            }
    return None
