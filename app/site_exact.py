"""The page of safety walks for analysts: what was seen over the exact cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

import numpy as np
import sqlalchemy as sa

from app import choices, site_page
from app.choices import Choices, Pickers
from app.provenance import steered
from app.site_page import Beside, Filter, Observed
from geo import cells
from pipelines import answers, on_site, picture
from pipelines.answers import Basis, CountedCells
from pipelines.questions import DEFAULT_RESOLUTION
from pipelines.spots import Spots, number
from pipelines.texts import text
from store.observations import ObservationRow


@dataclass(frozen=True, slots=True)
class Exact:
    """What a link asks for, and what was found."""

    read: Choices
    offered: Pickers
    where: Filter
    seen: Observed
    counted: CountedCells | None
    passed_over: tuple[str, ...]


def find(connection: sa.Connection, on: Basis, query: Mapping[str, str], today: date) -> Exact:
    """Read what a link asks for."""
    read = choices.read(query, on.reference, on.run)
    passed = list(read.passed_over)
    kind, light = site_page.chosen(query, passed)
    outline = None if read.area is None else read.area.outline
    name = "" if read.area is None else read.area.name
    where = Filter(kind, light, read.question.period, outline, name)
    return Exact(
        read=read,
        offered=choices.pickers(on.reference, on.run),
        where=where,
        seen=site_page.look(connection, on, where, today),
        counted=answers.cells(connection, on, read.question),
        passed_over=tuple(passed),
    )


def context(connection: sa.Connection, on: Basis, found: Exact) -> dict[str, Any]:
    """Collect what the template shows."""
    read, counted, seen = found.read, found.counted, found.seen
    ground = []
    if counted is not None:
        outlines = cells.polygons(counted.counts.cell)
        ground = picture.coloured(list(outlines), counted.counts.count.tolist())
    return site_page.context(seen, on) | {
        "area_groups": found.offered.areas,
        "windows": found.offered.windows,
        "theme_groups": found.offered.themes,
        "periods": found.offered.periods,
        "given": read.given | {"typ_obs": found.where.kind, "ljus": found.where.light},
        "words": read.words,
        "passed_over": found.passed_over,
        "left_out": [text("site-left-review"), text("site-left-doors")],
        "beside": site_page.beside(_places(connection, on, counted, seen.shown)),
        "beside_text": _verdicts_said(counted),
        "collection": "cells",
        "items": _query(found),
        "picture": site_page.drawn(ground, seen, on, found.where),
        "exact": True,
        "steered": steered(on.reference.profile, read.question.categories),
    }


def _verdicts_said(counted: CountedCells | None) -> str:
    """Say why there are no verdicts, where there are none."""
    if counted is None:
        return text("site-no-run")
    return text("site-beside-cells") if counted.verdicts is not None else text("site-no-verdicts")


def _places(
    connection: sa.Connection,
    on: Basis,
    counted: CountedCells | None,
    rows: Sequence[ObservationRow],
) -> list[Beside]:
    """Put what was counted in cells beside what was seen in them."""
    held = on_site.by_cell(rows, DEFAULT_RESOLUTION)
    count: dict[int, int] = {}
    said: dict[int, str] = {}
    if counted is not None:
        of = counted.counts
        count = dict(zip(of.cell.tolist(), of.count.tolist(), strict=True))
        found = {cell: counted.verdict(cell) for cell in {*count, *held}}
        said = {cell: each.verdict for cell, each in found.items() if each is not None}
    met = sorted({*held, *(cell for cell, each in said.items() if each in site_page.LOUD)})
    names = _names(connection, on, met)
    return [
        Beside(
            key=f"cells:{cells.name(cell)}",
            name=name,
            count=None if counted is None else count.get(cell, 0),
            number="–" if counted is None else number(count.get(cell, 0)),
            slug=said.get(cell, ""),
            verdict=text(f"verdict-{said[cell]}") if cell in said else "",
            wider="",
            seen=len(held.get(cell, ())),
            kinds=site_page.kinds_in_words(held.get(cell, ()), site_page.COMMONEST),
        )
        for cell, name in zip(met, names, strict=True)
    ]


def _names(connection: sa.Connection, on: Basis, met: Sequence[int]) -> list[str]:
    """Name cells after what lies near their middle."""
    spots = Spots(connection, on.reference)
    return [spot.name for spot in spots.cells(np.array(met, dtype=np.int64))]


def _query(found: Exact) -> str:
    """Write the question to the collection of cells that gives the map the same numbers."""
    question, given = found.read.question, found.read.given
    span = next((each.data for each in found.offered.periods if each.value == given["period"]), "")
    pairs = {
        "area": given["omrade"],
        "category": ",".join(question.categories),
        "window": "" if question.window == choices.EVERY_WINDOW else question.window,
        "datetime": span,
        "resolution": str(question.resolution),
    }
    return urlencode({name: value for name, value in pairs.items() if value})
