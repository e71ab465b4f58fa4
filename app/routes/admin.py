"""The page of whoever runs the system: accounts, keys, sessions, release, rules. No crime data."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from app import admin_page
from app.access import Admin, Reader, note, require_csrf
from app.services import services
from store import accounts, releases, retention, sessions

router = APIRouter()

Name = Annotated[str, Form(max_length=256)]


@router.get("/drift")
def show_operation(request: Request, reader: Admin) -> Response:
    """Show how the installation stands."""
    return home(request, reader)


def home(request: Request, reader: Reader) -> Response:
    """Show how the installation stands."""
    parts = services(request)
    now = parts.now()
    with parts.installation.open_side.read() as conn:
        profile = parts.reference.read(conn).profile
        people, keys, rules = accounts.users(conn), accounts.keys(conn), retention.rules(conn)
    with parts.installation.journal.read() as conn:
        there = sessions.current(conn, now)
    with parts.installation.release.read() as conn:
        in_force = releases.active(conn)
    context = admin_page.context(
        profile, admin_page.Found(people, keys, there, rules, in_force), parts.settings, now
    )
    note(request, reader, "admin-page")
    return parts.pages.TemplateResponse(request, "admin.html", context | {"reader": reader})


@router.post("/drift/logga-ut", dependencies=[Depends(require_csrf)])
def end_sessions(request: Request, reader: Admin, name: Name) -> Response:
    """End every session of somebody, at once."""
    note(request, reader, "sessions-ended", asked={"account": name})
    with services(request).installation.journal.write() as conn:
        sessions.close_all(conn, name)
    return RedirectResponse("/drift", status_code=303)
