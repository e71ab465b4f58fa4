"""The log of looks, for whoever answers for the data: a page, a check and an export."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response, StreamingResponse

from app import log_page
from app.access import Auditor, Reader, limited, note, require_csrf
from app.services import services
from geo.errors import InvalidParameter
from geo.profile import Profile
from pipelines import looks
from store import places
from store.retention import NO_PROFILE

router = APIRouter()


@router.get("/logg")
def show_log(request: Request, reader: Auditor) -> Response:
    """Show who looked at what, the newest first."""
    return _page(request, reader)


@router.post("/logg/kontroll", dependencies=[Depends(require_csrf), Depends(limited("export"))])
def check_log(request: Request, reader: Auditor) -> Response:
    """Walk along the whole log and say whether it is whole."""
    log = services(request).log
    found = looks.verify(log)
    broken = found.broken
    asked = None if broken is None else {"fault": broken.fault.value, "seq": broken.seq}
    outcome = "given" if broken is None else "failed"
    note(request, reader, "log-verified", asked=asked, rows=found.end.seq, outcome=outcome)
    return _page(request, reader, log_page.verdict(found, anchored=log.anchor is not None))


def _page(request: Request, reader: Reader, checked: Sequence[str] = ()) -> Response:
    parts = services(request)
    profile, asked = _asked(request)
    found = log_page.search(parts.log, asked)
    note(request, reader, "log", asked=asked.as_logged(), rows=len(found.lines))
    context = log_page.context(profile, found, request.query_params, checked)
    return parts.pages.TemplateResponse(request, "log.html", context | {"reader": reader})


@router.get("/logg/export", dependencies=[Depends(limited("log-export"))])
def export_log(request: Request, reader: Auditor) -> Response:
    """Hand out the log as a table; that somebody took it is written first."""
    _, asked = _asked(request)
    for name, given in ((log_page.BEFORE, asked.before), (log_page.ROLE, asked.role)):
        if given:
            raise InvalidParameter("no-parameters", name=name)
    log, who = services(request).log, (reader.name, reader.role)
    _, lines = looks.exported(log, "csv", asked.wanted, who)
    headers = {"Content-Disposition": 'attachment; filename="logg.csv"'}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


def _asked(request: Request) -> tuple[Profile | None, log_page.Asked]:
    """Read the choice of a link; its days are the municipality's own."""
    parts = services(request)
    with parts.installation.open_side.read() as conn:
        profile = parts.reference.read(conn).profile if places.revision(conn) else None
    zone = NO_PROFILE if profile is None else profile.timezone
    return profile, log_page.read(request.query_params, zone)
