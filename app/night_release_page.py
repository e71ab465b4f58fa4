"""What the nightlife page shows everybody but analysts: the release, and nothing finer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app import release_page
from app.release_page import THEME_PREFIX, Chosen, block_name, period_name
from app.told_number import told_number
from app.told_picture import told_picture
from pipelines import nights
from pipelines.reference import Reference
from pipelines.released import PLACE, Released, Told
from pipelines.texts import text

CORE = "nightlife"  # kind of place


def context(released: Released, given: Mapping[str, str], reference: Reference) -> dict[str, Any]:
    """Collect what the release tells about weekend nights: year by year and block by block.

    An address says what it wants as on the other pages; what it leaves out is the nightlife core,
    the theme of nightlife, and weekend nights.
    """
    asked = {name: value for name, value in given.items() if value and name != "fonster"}
    part = released.part(_period(given.get("period", ""), released))
    core = next((unit.place for unit in part.units if unit.kind == CORE), "")
    asked.setdefault("omrade", core)
    asked.setdefault("typ", _theme(part, reference))
    asked["fonster"] = nights.WINDOW
    chosen = replace(release_page.choose(asked, released, reference), detail=PLACE)
    found = release_page.context(released, chosen, reference)
    passed = list(chosen.passed_over)
    if given.get("fonster", "") not in ("", "all", nights.WINDOW):
        passed.append(text("nights-passed-window"))
    if not core:
        passed.append(text("nights-release-no-core"))
    return found | {
        "passed_over": passed,
        "asked_query": release_page.query_of(chosen),
        "picture": told_picture(released, chosen, reference, text("nights-picture-told")),
        "kept": {"fonster": given["fonster"]} if given.get("fonster") else {},
        "years": [
            {"name": period_name(period)} | told_number(released, _in(chosen, period), reference)
            for period in released.periods()
            if _known(chosen, released.part(period))
        ],
        "by_block": [
            {"name": block_name(block, reference.profile), "here": block == nights.WINDOW}
            | told_number(released, _at(chosen, block), reference)
            for block in released.part(chosen.asked.period).blocks
        ],
    }


def _period(written: str, released: Released) -> str:
    periods = released.periods()
    return written if written in periods else periods[0]


def _theme(told: Told, reference: Reference) -> str:
    """Name the theme of nightlife, as a link does; nothing where the release has none of it."""
    profile = reference.profile
    theme = next(
        (one.theme for one in profile.categories if one.code == profile.nightlife_category), ""
    )
    return f"{THEME_PREFIX}{theme}" if theme in told.themes else ""


def _known(chosen: Chosen, told: Told) -> bool:
    """Tell whether a period knows the words of a question."""
    places = {unit.place for unit in told.units} | {unit.zone for unit in told.units}
    asked = chosen.asked
    return (
        set(asked.places) <= places
        and set(asked.themes) <= set(told.themes)
        and set(asked.blocks) <= set(told.blocks)
    )


def _in(chosen: Chosen, period: str) -> Chosen:
    return replace(chosen, asked=replace(chosen.asked, period=period))


def _at(chosen: Chosen, block: str) -> Chosen:
    return replace(chosen, asked=replace(chosen.asked, blocks=(block,)))
