"""The map as a file of its own: what the page shows, for a meeting without a network."""

from __future__ import annotations

import re
from dataclasses import replace

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app import choices, place_words, places_page, release_page
from app.access import MapReader, Reader, limited, note
from app.services import services
from geo import cells
from geo.errors import NotFound
from pipelines import answers, export_html, map_sheets
from pipelines.export_html import Listed, Sheet, View
from pipelines.questions import DEFAULT_RESOLUTION
from pipelines.roles import ANALYST
from pipelines.texts import text

router = APIRouter()

MOST_ROWS = 50  # of the list: those that have a hot time
MOST_SHAPES = 1200  # of the background: a file is mailed

_VIEW = re.compile(r"(-?\d{1,3}\.\d{1,6})_(-?\d{1,2}\.\d{1,6})_(\d{1,5}\.\d{1,3})", re.ASCII)


@router.get("/spara/karta.html", dependencies=[Depends(limited("export"))])
def save_map(request: Request, reader: MapReader) -> Response:
    """Give the map of a link as one HTML file; it asks no host and holds no event's coordinate."""
    made = _exact(request, reader) if reader.role == ANALYST else _told(request, reader)
    view = _view(request.query_params.get("vy", ""))
    body = export_html.write(replace(_on_ground(request, made), view=view))
    day = services(request).now().date()
    name = f'attachment; filename="lagesbild-{day}.html"'
    return Response(body, media_type="text/html", headers={"Content-Disposition": name})


def _on_ground(request: Request, made: Sheet) -> Sheet:
    """Lay the installation's background map under a sheet, where it has a file of one."""
    file = services(request).background.file()
    if file is None or not (made.areas or made.counted):
        return made
    west, south, east, north = export_html.bounds(made)
    aside = max(east - west, north - south) / 2
    box = (west - aside, south - aside, east + aside, north + aside)
    ground = file.lines_and_areas(box, MOST_SHAPES)
    return replace(made, ground=ground, attribution=file.about.attribution)


def _exact(request: Request, reader: Reader) -> Sheet:
    """Give an analyst's cells, as the map counts them."""
    parts = services(request)
    with parts.installation.main.read() as conn:
        on = answers.basis(conn, reader.role, parts.reference.read(conn))
        chosen = choices.read(request.query_params, on.reference, on.run)
        asked = replace(chosen.question, resolution=_resolution(request))
        listed = places_page.rows(conn, on, {**request.query_params, "lista": ""}, parts.hot).rows
        names = {row.feature: row.name for row in listed}
        made = map_sheets.exact(conn, on, asked, chosen.words, names)
    named = {**chosen.given, "rutor": str(asked.resolution)}
    note(request, reader, "export-html", asked=named, rows=len(made.counted))
    ranked = [row for row in listed if row.count >= map_sheets.FEWEST_SHOWN]
    rows = [
        Listed(f"{row.name} · {row.when}", row.number, row.verdict_word)
        for row in ranked[:MOST_ROWS]
    ]
    return replace(made, rows=rows, local=chosen.area is not None)


def _resolution(request: Request) -> int:
    written = request.query_params.get("rutor", "")
    known = {str(each): each for each in cells.RESOLUTIONS}
    return known.get(written, DEFAULT_RESOLUTION)


def _told(request: Request, reader: Reader) -> Sheet:
    """Give everybody else the release's numbers.

    Raises
    ------
    NotFound
        No release is in force.
    """
    parts = services(request)
    released = parts.released.in_force()
    if released is None or not released.periods():
        raise NotFound("no-release")
    with parts.store_for(reader.role).read() as conn:
        reference = parts.reference.read(conn)
        schools = map_sheets.schools(conn, answers.basis(conn, reader.role, reference))
    chosen = release_page.choose(request.query_params, released, reference)
    shown = release_page.context(released, chosen, reference)
    told = released.part(chosen.asked.period)
    answer = told.answer(chosen.asked, chosen.detail)
    edition = text("export-release", number=released.header.number, house=released.header.house)
    total = place_words.events_between(answer.low, answer.total)
    words = (
        str(shown["asked_for"]),
        text("export-told-total", events=total, more=shown["wider"]).strip(),
        *(() if answer.exact else (text("places-note-bounds"),)),
        edition,
        *chosen.passed_over,
    )
    note(request, reader, "export-html", asked=release_page.query_of(chosen))
    said = [
        Listed(row.name, row.number, row.verdict, row.wider)
        for row in release_page.rows_of(answer, chosen.asked, told, reference.profile)
    ]
    rows = list(zip(release_page.in_order(answer.shown), said, strict=True))
    synthetic = released.header.synthetic
    made = map_sheets.told(rows, told, reference, words=words, synthetic=synthetic)
    return replace(made, schools=schools, local=bool(chosen.asked.places))


def _view(written: str) -> View | None:
    """Read where the link looks, as `map.js` writes it."""
    found = _VIEW.fullmatch(written)
    if found is None:
        return None
    lon, lat, pixel_m = map(float, found.groups())
    return View(lon, lat, pixel_m) if abs(lat) < 90 and pixel_m > 0 else None  # noqa: PLR2004 - degrees
