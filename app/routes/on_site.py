"""The page of safety walks: what was seen, over what was reported."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

import orjson
import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app import site_exact, site_page, site_told, task_page
from app.access import Reader, allow
from app.kept import Answer, AnswerKey
from app.services import services
from app.site_exact import Exact
from app.task_page import Opened, Side, Task
from pipelines import on_site
from pipelines.answers import Basis
from pipelines.periods import local
from pipelines.roles import ANALYST, COORDINATOR, PLANNER
from pipelines.texts import language
from store import imports
from store.observations import ObservationRow

router = APIRouter()

PATH = "/pa-plats"
WORDS = {site_page.KIND: None, site_page.LIGHT: None, "vald": None}
Staff = Annotated[Reader, Depends(allow(PLANNER, ANALYST, COORDINATOR, purpose="map"))]


@router.get(PATH)
def show_on_site(request: Request, reader: Staff) -> Response:
    """Show what safety walks have seen, as the reader's role may see it."""
    task = Task("on_site.html", "on-site-page", WORDS, _exact, _told)
    return task_page.show(request, reader, task)


def _exact(opened: Opened) -> Side:
    found = site_exact.find(opened.conn, opened.on, opened.given, _today(opened))
    page = site_exact.context(opened.conn, opened.on, found)
    page["near"] = _near(opened.request, opened.conn, opened.on, found)
    return Side(page, page["given"], page["total"])


def _told(opened: Opened) -> Side:
    asked = site_told.read(opened.on, opened.given)
    page = site_told.context(opened.conn, opened.on, asked, _today(opened))
    page["synthetic"] = imports.any_synthetic(opened.conn)  # walks are no part of a release
    return Side(page, page["given"], page["total"])


def _today(opened: Opened) -> date:
    profile = opened.on.reference.profile
    return local(services(opened.request).now(), profile.timezone).date()


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
