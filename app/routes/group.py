"""The shared situation picture and its minutes: only while a decision is in force."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app import group_page
from app.access import Group, Reader, limited, note
from app.services import services
from geo.profile import Profile
from pipelines import group
from store import imports

router = APIRouter()


@router.get("/lagesbildsgrupp")
def show_picture(request: Request, reader: Group) -> Response:
    """Show where something happened, in bands."""
    return home(request, reader)


def home(request: Request, reader: Reader) -> Response:
    """Show where something happened, in bands, or say what it takes to open the picture."""
    limited("group")(request)  # here and not in a route: the page has two addresses, one budget
    parts = services(request)
    now = parts.now()
    # The bands are made of counts of events, which the open side has no right to read. What comes
    # back is a `Picture` and a `Minutes`: they hold bands and nothing finer.
    with parts.installation.main.read() as conn:
        reference = parts.reference.read(conn)
        if group.decision(conn, now) is None:
            return _closed(request, reader, "group-page", reference.profile)
        blocks = group.blocks(now, reference.profile.timezone)
        chosen = group_page.choose(request.query_params, blocks)
        shown = group.picture(conn, reference, chosen.asked, now)
        table = group.minutes(conn, reference, chosen.asked, (reader.name,), now)
        synthetic = imports.any_synthetic(conn)
    note(request, reader, "group-page", asked=asdict(chosen.asked), rows=len(shown.band))
    context = group_page.context(chosen, shown, table, reference, blocks)
    context |= {"reader": reader, "profile": reference.profile, "synthetic": synthetic}
    return parts.pages.TemplateResponse(request, "group.html", context)


@router.get("/lagesbildsgrupp/protokoll", dependencies=[Depends(limited("export"))])
def print_minutes(request: Request, reader: Group) -> Response:
    """Give the minutes of a look, to be printed: the only thing that may leave the room."""
    parts = services(request)
    now = parts.now()
    with parts.installation.main.read() as conn:  # as for the picture
        reference = parts.reference.read(conn)
        if group.decision(conn, now) is None:
            return _closed(request, reader, "minutes", reference.profile)
        blocks = group.blocks(now, reference.profile.timezone)
        chosen = group_page.choose(request.query_params, blocks)
        written = group.minutes(conn, reference, chosen.asked, (reader.name,), now)
        synthetic = imports.any_synthetic(conn)
    counted = sum(sum(row.cells) for row in written.rows)
    note(request, reader, "minutes", asked=asdict(chosen.asked), rows=counted)
    context = group_page.told(written, reference.profile)
    context |= {
        "query": chosen.query,
        "reader": reader,
        "profile": reference.profile,
        "synthetic": synthetic,
    }
    return parts.pages.TemplateResponse(request, "minutes.html", context)


def _closed(request: Request, reader: Reader, what: str, profile: Profile) -> Response:
    note(request, reader, what, asked={"why": "closed"}, outcome="refused")
    context = {"reader": reader, "profile": profile, "decision": None}
    return services(request).pages.TemplateResponse(request, "group.html", context)
