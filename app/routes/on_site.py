"""The page of safety walks: what was seen, over what was reported."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Annotated, Any

import orjson
import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app import site_exact, site_page, site_told
from app.access import Reader, allow, note
from app.kept import Answer, AnswerKey
from app.services import services
from app.site_exact import Exact
from pipelines import answers, on_site
from pipelines.answers import Basis
from pipelines.periods import local
from pipelines.roles import ANALYST, COORDINATOR, PLANNER
from pipelines.texts import language
from store import imports
from store.observations import ObservationRow

router = APIRouter()

PATH = "/pa-plats"
Staff = Annotated[Reader, Depends(allow(PLANNER, ANALYST, COORDINATOR, purpose="map"))]


@router.get(PATH)
def show_on_site(request: Request, reader: Staff) -> Response:
    """Show what safety walks have seen, as the reader's role may see it."""
    parts = services(request)
    with parts.store_for(reader.role).read() as conn:
        reference = parts.reference.read(conn)
        today = local(parts.now(), reference.profile.timezone).date()
        released = None if reader.role == ANALYST else parts.released.in_force()
        on = answers.basis(conn, reader.role, reference, released)
        if reader.role == ANALYST:
            found = site_exact.find(conn, on, request.query_params, today)
            page = site_exact.context(conn, on, found)
            page["near"] = _near(request, conn, on, found)
        else:
            asked = site_told.read(on, request.query_params)
            page = site_told.context(conn, on, asked, today)
        page["synthetic"] = imports.any_synthetic(conn)
    note(request, reader, "on-site-page", asked=page["given"], rows=page["total"])
    page |= {"reader": reader, "profile": reference.profile}
    return parts.pages.TemplateResponse(request, "on_site.html", page)


def _near(request: Request, conn: sa.Connection, on: Basis, found: Exact) -> list[dict[str, Any]]:
    """Say what lies near what; kept for as long as run, places and observations stay the same."""
    if on.run is None:
        return []
    rows, question = found.seen.every, found.read.question
    key = AnswerKey(
        edition=f"run {on.run.id}",
        revision=on.reference.revision,
        role=on.role,
        language=language(),
        base="",
        path=PATH,
        query=(_revision(rows), question.categories, question.window, question.period),
    )

    def make() -> Answer:
        said = site_page.sentences(on_site.colocated(conn, on, question, rows))
        return Answer.of(orjson.dumps(said), len(said))

    kept: list[dict[str, Any]] = orjson.loads(services(request).answers.answer(key, make).body)
    return kept


def _revision(rows: Sequence[ObservationRow]) -> str:
    """Name what the sentences depend on of the observations: which there are, what and where."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(repr((row.id, row.type, row.lon, row.lat)).encode())
    return digest.hexdigest()
