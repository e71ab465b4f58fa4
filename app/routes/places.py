"""The ranked list of places and the card of one: exact for analysts, the release for others."""

from __future__ import annotations

from dataclasses import replace

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from app import place_card, places_page, plan_choice, plan_page, told_card, told_places_page
from app.access import MapReader, Reader, note
from app.asking import opened
from app.place_rows import Listed
from app.services import services
from pipelines import links
from pipelines.roles import ANALYST

router = APIRouter()

# What the log says of a look.
ASKED = (*links.LISTED, links.CHOSEN, links.EDITION)


@router.get("/karta/lista")
def ranked(request: Request, reader: MapReader) -> Response:
    """Rank the places that the reader's map shows."""
    told = _told(request, reader)
    with opened(request, reader, released=told) as (conn, on):
        if told:
            found = told_places_page.told_rows(conn, on, request.query_params)
        else:
            found = places_page.rows(conn, on, request.query_params, services(request).hot)
    _note(request, reader, "place-list", len(found.rows))
    return _json(found)


@router.get("/karta/plats")
def one_place(request: Request, reader: MapReader) -> Response:
    """Say in plain words what is known about one place.

    Raises
    ------
    NotFound
        There is no such place, or none for this reader: both are told in the same words.
    """
    told = _told(request, reader)
    with opened(request, reader, released=told) as (conn, on):
        tell = told_card.told if told else place_card.exact
        found = tell(conn, on, request.query_params)
        if found.plan is not None:
            # The plan lists places by the release's names for them, whatever the card is made from.
            named = replace(on, released=services(request).released.in_force())
            row = plan_choice.standing(conn, named, found.plan)
            found = replace(found, planned="" if row is None else plan_page.link_to(row))
    _note(request, reader, "place-card", 1)
    return _json(found)


def _told(request: Request, reader: Reader) -> bool:
    """Tell whether the release answers: to analysts only on its own page, which says so."""
    return reader.role != ANALYST or request.query_params.get(links.EDITION) == "utgava"


def _note(request: Request, reader: Reader, what: str, rows: int) -> None:
    """Write the look into the log, before anything of it is given."""
    asked = links.kept(request.query_params, ASKED)
    purpose = "analysis" if reader.role == ANALYST else "map"
    note(request, replace(reader, purpose=purpose), what, asked=asked, rows=rows)


def _json(found: Listed | place_card.Card) -> Response:
    return Response(orjson.dumps(found), media_type="application/json")
