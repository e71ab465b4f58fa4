"""The page of whoever runs the system: accounts, keys, sessions, release, rules. No crime data."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from app import admin_page
from app.access import Admin, Reader, note, require_csrf
from app.services import Services, services
from store import accounts, journal, places, releases, retention, schema, sessions

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
        profile = parts.reference.read(conn).profile if places.revision(conn) else None
    found = _found(parts, now)
    note(request, reader, "admin-page")
    context = admin_page.context(profile, found, parts.settings, now) | {"reader": reader}
    return parts.pages.TemplateResponse(request, "admin.html", context)


def _found(parts: Services, now: datetime) -> admin_page.Found:
    """Ask every part of the installation."""
    there = parts.installation
    revisions: dict[str, str | None] = {}
    for store in (there.open_side, there.release, there.journal):
        with store.read() as conn:
            revisions[store.part.name] = schema.current(conn, store.part)
    with there.open_side.read() as conn:
        people, keys, rules = accounts.users(conn), accounts.keys(conn), retention.rules(conn)
    with there.journal.read() as conn:
        signed_in = sessions.current(conn, now)
        entries = journal.end(conn).seq
        checks = journal.page(conn, journal.Wanted(what="log-verified"), most=1)
    with there.release.read() as conn:
        in_force = releases.active(conn)
    last = checks[0] if checks else None
    return admin_page.Found(people, keys, signed_in, rules, in_force, revisions, entries, last)


@router.post("/drift/logga-ut", dependencies=[Depends(require_csrf)])
def end_sessions(request: Request, reader: Admin, name: Name) -> Response:
    """End every session of somebody, at once."""
    note(request, reader, "sessions-ended", asked={"account": name})
    with services(request).installation.journal.write() as conn:
        sessions.close_all(conn, name)
    return RedirectResponse("/drift", status_code=303)
