"""How the page of a task opens: a reader's own side of it, noted, and what its link left aside."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from fastapi import Request
from fastapi.responses import Response

from app import choices, map_page
from app.access import Reader, note
from app.asking import opened
from app.choices import Choices
from app.provenance import provenance, source
from app.services import services
from pipelines.answers import Basis
from pipelines.links import QUESTION, VIEW
from pipelines.released import Released
from pipelines.roles import ANALYST
from pipelines.texts import text
from store import imports


@dataclass(frozen=True, slots=True)
class Opened:
    """What a side of a page is made from: events for analysts, else the release and places."""

    request: Request
    conn: sa.Connection
    on: Basis

    @property
    def given(self) -> Mapping[str, str]:
        """Give what the link says."""
        return self.request.query_params

    @property
    def released(self) -> Released | None:
        """Give the release in force; None where there is none that tells of any period."""
        released = self.on.released
        return released if released is not None and released.periods() else None

    def chosen(self, *, without: str = "") -> Choices:
        """Read area, time, theme and period, but for one that the page reads itself."""
        given = {name: value for name, value in self.given.items() if name != without}
        return choices.read(given, self.on.reference, self.on.run)


@dataclass(frozen=True, slots=True)
class Side:
    """What one side of a page shows, and what the log says of the look."""

    page: dict[str, Any]
    asked: Mapping[str, str] = field(default_factory=dict)
    rows: int | None = None  # events that were read
    aside: Mapping[str, str] = field(default_factory=dict)  # words only others' links use, and why


@dataclass(frozen=True, slots=True)
class Task:
    """What is a page's own.

    `words` are what its links say beside area, time, theme and period: with the values that there
    are, or None where the page itself says what it does not know.
    """

    template: str
    look: str
    words: Mapping[str, Collection[str] | None]
    exact: Callable[[Opened], Side]  # for analysts
    told: Callable[[Opened], Side]


def show(request: Request, reader: Reader, task: Task) -> Response:
    """Open the side of a task that is the reader's, note the look, and answer."""
    exact = reader.role == ANALYST
    reader = replace(reader, purpose="analysis") if exact else reader
    with opened(request, reader, released=not exact) as (conn, on):
        side = (task.exact if exact else task.told)(Opened(request, conn, on))
        synthetic = exact and imports.any_synthetic(conn)
    note(request, reader, task.look, asked=dict(side.asked), rows=side.rows)
    profile = on.reference.profile
    passed_over = [
        *side.page.get("passed_over", ()),
        *(sentence for name, sentence in side.aside.items() if request.query_params.get(name)),
        *choices.unused(request.query_params, {**dict.fromkeys((*QUESTION, VIEW)), **task.words}),
    ]
    if exact and on.outdated:
        passed_over.append(text(on.outdated))
    usual = {
        "reader": reader,
        "profile": profile,
        "projection": map_page.projection(profile),
        "synthetic": synthetic,
        "provenance": provenance(on) if exact else "",
        "source": source(on),
        "day": services(request).now().date(),
        "left_out": [],
    }
    page = usual | side.page | {"passed_over": list(dict.fromkeys(passed_over))}
    return services(request).pages.TemplateResponse(request, task.template, page)
