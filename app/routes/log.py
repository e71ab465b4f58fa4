"""The log of looks, for whoever answers for the data: a page, a check and an export."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response, StreamingResponse

from app import log_page
from app.access import Auditor, limited, note, require_csrf
from app.services import services
from geo.errors import InvalidParameter
from pipelines import looks

router = APIRouter()


@router.get("/logg")
def show_log(request: Request, reader: Auditor) -> Response:
    """Show who looked at what, the newest first."""
    return _page(request, reader)


@router.post("/logg/kontroll", dependencies=[Depends(require_csrf)])
def check_log(request: Request, reader: Auditor) -> Response:
    """Walk along the whole log and say whether it is whole."""
    found = looks.verify(services(request).log)
    note(request, reader, "log-verified", rows=found.end.seq)
    return _page(request, reader, log_page.verdict(found))


def _page(request: Request, reader: Auditor, checked: str = "") -> Response:
    parts = services(request)
    with parts.installation.open_side.read() as conn:
        profile = parts.reference.read(conn).profile
    wanted, before = log_page.wanted(request.query_params, profile.timezone)
    lines = looks.page(parts.log, wanted, before, log_page.ROWS)
    note(request, reader, "log", asked=asdict(wanted), rows=len(lines))
    context = log_page.context(profile, lines, dict(request.query_params), checked)
    return parts.pages.TemplateResponse(request, "log.html", context | {"reader": reader})


@router.get("/logg/export", dependencies=[Depends(limited("log-export"))])
def export_log(request: Request, reader: Auditor) -> Response:
    """Hand out the log as a table; that somebody took it is written first."""
    parts = services(request)
    with parts.installation.open_side.read() as conn:
        profile = parts.reference.read(conn).profile
    wanted, before = log_page.wanted(request.query_params, profile.timezone)
    if before is not None:
        raise InvalidParameter("no-parameters", name=log_page.BEFORE)
    _, lines = looks.exported(parts.log, "csv", wanted, (reader.name, reader.role))
    headers = {"Content-Disposition": 'attachment; filename="logg.csv"'}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)
