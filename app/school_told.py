"""What the page around schools says of a release: the zones of schools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from app import release_page
from app.map_page import Choice
from app.release_page import Chosen, Row, block_name, period_name
from app.school_page import CHOSEN
from app.told_number import told_number
from app.told_picture import told_picture
from pipelines.grounds import SCHOOLS
from pipelines.reference import Reference
from pipelines.released import ZONE, Asked, Released, Told
from pipelines.texts import text
from store.places import FacilityRow


def told(
    released: Released, given: Mapping[str, str], reference: Reference, schools: list[FacilityRow]
) -> dict[str, Any]:
    """Collect what the release tells about the zones of schools."""
    asked = {name: value for name, value in given.items() if name != "omrade"}
    chosen = release_page.choose(asked, released, reference)
    part = released.part(chosen.asked.period)
    zones = {unit.zone: unit.zone_name for unit in part.units if unit.place == SCHOOLS}
    if not zones:
        return {"empty": text("schools-no-zones")}
    whole = replace(chosen, asked=replace(chosen.asked, places=(SCHOOLS,)), detail=ZONE)
    context = release_page.context(released, whole, reference)
    context["rows"] = [_once(row, context["wider"]) for row in context["rows"]]
    zone, passed = "", list(chosen.passed_over)
    if written := given.get(CHOSEN, ""):
        zone = _zone(written, zones, schools)
        if not zone:
            passed.append(text("schools-unknown", value=written[:40]))
    kept = {name: asked[name] for name in ("fonster", "typ", "period") if asked.get(name)}
    context |= {
        "schools": [Choice(key, name) for key, name in sorted(zones.items(), key=lambda z: z[1])],
        "chosen_school": zone,
        "passed_over": passed,
        "links": {name: f"?{urlencode({CHOSEN: key} | kept)}" for key, name in zones.items()},
        "asked_query": release_page.query_of(whole),
        "picture": told_picture(
            released, whole, reference, text("schools-picture-all", n=len(zones))
        ),
        "all_schools": f"?{urlencode(kept)}",
    }
    if zone:
        context |= _zone_context(released, whole, reference, (zone, zones[zone]))
    return context


def _once(row: Row, said: str) -> Row:
    """Leave out of a row what is said above all rows."""
    return replace(row, wider="") if row.wider == said else row


def _zone(written: str, zones: Mapping[str, str], schools: list[FacilityRow]) -> str:
    """Find a zone by its slug, or by the id of the school that analysts' links name."""
    if written in zones:
        return written
    names = {str(school.id): school.name for school in schools}
    return next((key for key, name in zones.items() if name == names.get(written)), "")


def _zone_context(
    released: Released, chosen: Chosen, reference: Reference, zone: tuple[str, str]
) -> dict[str, Any]:
    """Say what the release tells about one school's zone: period by period and block by block."""
    key, name = zone
    own = replace(chosen, asked=replace(chosen.asked, places=(key,)))
    part = released.part(own.asked.period)
    blocks = [
        {"name": block_name(block, reference.profile)}
        | told_number(released, _block(own, block), reference)
        for block in part.blocks
        if _told_apart(part, replace(own.asked, blocks=(block,)))
    ]
    periods = [
        {"name": period_name(period)} | told_number(released, _in(own, period), reference)
        for period in released.periods()
        if any(unit.zone == key for unit in released.part(period).units)
    ]
    return {"zone_name": name, "zone_blocks": blocks, "zone_periods": periods}


def _block(chosen: Chosen, block: str) -> Chosen:
    return replace(chosen, asked=replace(chosen.asked, blocks=(block,)))


def _in(chosen: Chosen, period: str) -> Chosen:
    return replace(chosen, asked=replace(chosen.asked, period=period))


def _told_apart(told: Told, asked: Asked) -> bool:
    """Tell whether a number speaks of less than the whole week."""
    return len(told.answer(asked, ZONE).blocks) < len(told.blocks)
