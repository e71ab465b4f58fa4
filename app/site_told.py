"""The page of safety walks for planners and coordinators: what was seen over the release."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

import shapely
import sqlalchemy as sa

from app import choices, map_page, release_page, site_page
from app.map_page import Choice
from app.provenance import steered
from app.release_page import Chosen
from app.site_page import Beside, Filter, Observed
from geo.errors import InvalidParameter
from pipelines import picture
from pipelines.answers import MUNICIPALITY, Basis
from pipelines.on_site import TERTIAL_MONTHS
from pipelines.periods import midnight
from pipelines.questions import Period
from pipelines.released import ZONE, Shown, Told
from pipelines.roles import COORDINATOR
from pipelines.texts import text

NO_PLACE = ("rest", "unknown", "several")  # ground of a release that nobody calls a place
MONTHS = 12
PERIOD = re.compile(r"(19|20)[0-9]{2}(-T[1-3])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a link asks of the release and of the walks."""

    chosen: Chosen | None  # None: there is no release
    told: Told | None
    period: str  # of the walks; it may be one that the release does not have
    area: str  # as links name it
    where: Filter
    passed_over: tuple[str, ...]


def read(on: Basis, query: Mapping[str, str]) -> Asked:
    """Read a link as the release's pages do; a walk may have a year that the release lacks."""
    passed: list[str] = []
    kind, light = site_page.chosen(query, passed)
    period = _period(query.get("period", ""), passed)
    chosen, told, released = None, None, on.released
    if released is not None and released.periods():
        inside = period if period in released.periods() else ""
        chosen = release_page.choose({**query, "period": inside}, released, on.reference)
        chosen = replace(chosen, detail=ZONE)
        told = released.part(chosen.asked.period)
        passed += chosen.passed_over
    area, name, ground = _ground(on, told, chosen, query.get("omrade", ""))
    where = Filter(kind, light, _span(period, on.reference.profile.timezone), ground, name)
    return Asked(chosen, told, period, area, where, tuple(passed))


def _period(written: str, passed: list[str]) -> str:
    """Take a year or a tertial of one; anything else is every walk."""
    if PERIOD.fullmatch(written):
        return written
    if written not in ("", choices.WHOLE_PERIOD):
        passed.append(text("choices-unknown-period", value=written[:40]))
    return choices.WHOLE_PERIOD


def _span(period: str, timezone: str) -> Period | None:
    """Give the instants of a year, or of a third of one."""
    if period == choices.WHOLE_PERIOD:
        return None
    year, _, third = period.partition("-T")
    first = 1 if not third else (int(third) - 1) * TERTIAL_MONTHS + 1
    after = first + (TERTIAL_MONTHS if third else MONTHS)
    begins = date(int(year), first, 1)
    ends = date(int(year) + (after > MONTHS), 1 if after > MONTHS else after, 1)
    return Period(midnight(begins, timezone), midnight(ends, timezone))


def _ground(
    on: Basis, told: Told | None, chosen: Chosen | None, written: str
) -> tuple[str, str, shapely.Geometry | None]:
    """Find the ground of a place: as links name it, its name, its outline; "" is everywhere."""
    place = "" if chosen is None else "".join(chosen.asked.places)
    if told is not None and place:
        units = [unit for unit in told.units if place in (unit.zone, unit.place)]
        name = units[0].zone_name if units[0].zone == place else units[0].place_name
        return place, name, shapely.union_all([unit.outline for unit in units if unit.outline])
    try:
        row = on.reference.area(written)
    except InvalidParameter:
        return "", "", None
    if row.kind == MUNICIPALITY:
        return "", "", None
    return str(row.id), row.name, row.outline


def context(connection: sa.Connection, on: Basis, asked: Asked, today: date) -> dict[str, Any]:
    """Collect what the template shows."""
    seen = site_page.look(connection, on, asked.where, today)
    page = site_page.context(seen, on) | {
        "area_groups": map_page.area_groups(on.reference),
        "given": {"omrade": asked.area, "fonster": "", "typ": "", "period": asked.period},
        "words": (asked.where.area or text("choices-municipality"), _named(asked.period)),
        "beside": [],
        "beside_text": text("site-no-release"),
        "picture": site_page.drawn([], seen, on, asked.where),
        "projection": map_page.projection(on.reference.profile),
        "passed_over": asked.passed_over,
        "left_out": _left_out(on.role),
    }
    if asked.chosen is not None and asked.told is not None:
        page |= _released(on, asked, asked.chosen, asked.told, seen)
    page["given"] |= {"typ_obs": asked.where.kind, "ljus": asked.where.light}
    page["periods"] = _periods(on, seen)
    return page


def _left_out(role: str) -> list[str]:
    said = [text("site-left-colocation"), text("site-left-cells")]
    if role != COORDINATOR:
        said += [text("site-left-review"), text("site-left-doors")]
    return said


def _periods(on: Basis, seen: Observed) -> list[Choice]:
    """Offer every walk, and the periods of walks and release."""
    inside = () if on.released is None else on.released.periods()
    known = sorted({*inside, *site_page.years(seen.every, seen.timezone)}, reverse=True)
    whole = Choice(choices.WHOLE_PERIOD, text("site-every-walk"))
    return [whole, *(Choice(each, release_page.period_name(each)) for each in known)]


def _named(period: str) -> str:
    if period == choices.WHOLE_PERIOD:
        return text("site-every-walk")
    return release_page.period_name(period)


def _released(
    on: Basis, asked: Asked, chosen: Chosen, told: Told, seen: Observed
) -> dict[str, Any]:
    """Put the numbers of the release beside what was seen on the same ground."""
    profile = on.reference.profile
    answer = told.answer(chosen.asked, ZONE)
    shown = {f"{answer.period}.{each.units[0]}": each for each in answer.shown}
    rows = release_page.rows_of(answer, chosen.asked, told, profile)
    placed = [(row, shown[row.key], _outline(told, shown[row.key])) for row in rows]
    named = [(row, one, ground) for row, one, ground in placed if ground is not None]
    places = [_beside(row, one, ground, seen) for row, one, ground in named]
    period = release_page.period_name(answer.period)
    block, theme = "".join(chosen.asked.blocks), "".join(chosen.asked.themes)
    return {
        "area_groups": [],
        "areas": _areas(told),
        "windows": [Choice(one, release_page.block_name(one, profile)) for one in told.blocks],
        "themes": [
            Choice(f"{release_page.THEME_PREFIX}{one}", map_page.theme_name(one))
            for one in told.themes
        ],
        "given": {
            "omrade": asked.area,
            "fonster": block,
            "typ": f"{release_page.THEME_PREFIX}{theme}" if theme else "",
            "period": asked.period,
        },
        "beside": site_page.beside(
            [each for each in places if each.seen or each.slug in site_page.LOUD]
        ),
        "beside_text": text("site-beside-release", period=period),
        "steered": steered(profile, chosen.asked.themes),
        "provenance": _edition(on),
        "collection": "release",
        "items": urlencode(release_page.query_of(chosen)),
        "picture": site_page.drawn(
            picture.coloured(
                [ground for *_, ground in named],
                [row.count if row.exact else None for row, *_ in named],
            ),
            seen,
            on,
            asked.where,
        ),
    }


def _edition(on: Basis) -> str:
    """Name the release and what it asks of a number."""
    if on.released is None:
        return ""
    header = on.released.header
    return text(
        "site-edition",
        number=header.number,
        created=header.created_at.date().isoformat(),
        k=header.settings.get("k"),
        spots=header.settings.get("spots"),
    )


def _areas(told: Told) -> list[Choice]:
    """Offer what people call a place."""
    found = {unit.zone: unit.zone_name for unit in told.units if unit.kind not in NO_PLACE}
    return [Choice(slug, name) for slug, name in found.items()]


def _outline(told: Told, shown: Shown) -> shapely.Geometry | None:
    """Give the ground of a number; None where it is the rest of the municipality, or unknown."""
    units = [told.units[number] for number in shown.units]
    known = [unit.outline for unit in units if unit.outline is not None]
    if not known or all(unit.kind in NO_PLACE for unit in units):
        return None
    return shapely.union_all(known)


def _beside(
    row: release_page.Row, shown: Shown, ground: shapely.Geometry, seen: Observed
) -> Beside:
    shapely.prepare(ground)
    here = [
        each
        for each in seen.shown
        if each.lon is not None and ground.intersects(shapely.Point(each.lon, each.lat))
    ]
    found = shown.finding
    return Beside(
        key=row.key,
        name=row.name,
        count=row.count if row.exact else None,
        number=row.number,
        slug="" if found is None or found.verdict is None else found.verdict,
        verdict=row.verdict,
        wider=row.wider,
        seen=len(here),
        kinds=site_page.kinds_in_words(here, site_page.COMMONEST),
    )
