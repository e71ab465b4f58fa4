"""The card of one place for those who read the release: every number is one that it tells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import shapely
import sqlalchemy as sa

from app import place_words as words
from app import plan_choice, release_page, told_places_page
from app.map_page import theme_name
from app.place_card import (
    MOST_KINDS,
    MOST_SEEN,
    OBSERVATIONS,
    SCHOOLS,
    VENUES,
    Card,
    Verdict,
    facility_facts,
    neighbour_sentences,
    neighbours,
    observed,
    plan,
    saying,
    seen_text,
    seen_there,
    sentence,
    unknown,
)
from app.place_rows import link
from app.release_page import Chosen
from geo.errors import NotFound
from pipelines import told_places
from pipelines.answers import MUNICIPALITY, Basis
from pipelines.hot_places import AREAS, CELLS, CLUSTERS
from pipelines.released import PLACE, ZONE, Released, Shown, Told
from pipelines.roles import PUBLIC
from pipelines.sightings import Seen, Sightings
from pipelines.spots import Spots
from pipelines.texts import listed, text
from store import places

NUMBER = re.compile(r"(?:release:)?([0-9]{4}(?:-T[1-3])?)\.([0-9]{1,6})", re.ASCII)
FIXED = re.compile(r"physical:([0-9]{4})\.([0-9]{1,6})", re.ASCII)
FEWEST_IN_PERCENT = 10
LED = (CELLS, CLUSTERS, VENUES)  # what only analysts see: their links lead to a place that holds it


@dataclass(frozen=True, slots=True)
class Number:
    """One number of the release, and the question that it answers."""

    told: Told
    shown: Shown
    chosen: Chosen
    row: release_page.Row


def told(connection: sa.Connection, on: Basis, given: Mapping[str, str]) -> Card:
    """Make a card from the release, of a place that the reader may see.

    Raises
    ------
    NotFound
        There is no such place, or none for this reader.
    """
    vald = given.get("vald", "")
    kind, _, key = vald.partition(":")
    if kind == OBSERVATIONS:
        return observed(connection, on, given, key)
    if kind == SCHOOLS:
        return _school(connection, on, given, key)
    if kind == AREAS:
        return _area(connection, on, given, key)
    released = on.released
    if released is None or not released.periods():
        raise unknown()
    if kind in LED:
        return _led(connection, on, released, given)
    if written := FIXED.fullmatch(vald):
        return _fixed(connection, on, given, written)
    written = NUMBER.fullmatch(vald)
    if written is None:
        raise unknown()
    number = _number(released, on, given, (written[1], int(written[2])))
    return _card(connection, on, given, number)


def _led(
    connection: sa.Connection, on: Basis, released: Released, given: Mapping[str, str]
) -> Card:
    """Make the card that an analyst's link leads to: of the place that holds a cell.

    Where a cluster or a venue lies is not for this reader: their links lead to the chosen area.
    """
    kind, _, key = given.get("vald", "").partition(":")
    for asked in (given, {**given, "omrade": ""}):
        chosen = release_page.choose(asked, released, on.reference)
        part = released.part(chosen.asked.period)
        held = _held(on, part, chosen, key if kind == CELLS else "")
        for shown in part.answer(chosen.asked, chosen.detail).shown:
            if held & set(shown.units):
                number = _numbered(part, shown, chosen, on)
                card = _card(connection, on, {**asked, "vald": number.row.key}, number)
                return replace(card, kind=text(f"card-led-{kind}"))
    raise unknown() if kind == CELLS else NotFound("places-only-analysts")


def _held(on: Basis, part: Told, chosen: Chosen, cell: str) -> set[int]:
    """Give the piece of ground that a cell lies in; without a cell those of the chosen area."""
    if not cell:
        places = set(chosen.asked.places)
        return {unit.number for unit in part.units if {unit.place, unit.zone} & places}
    try:
        return {plan_choice.unit_holding(on, part, cell)}
    except NotFound:
        raise unknown() from None


def _number(
    released: Released, on: Basis, given: Mapping[str, str], wanted: tuple[str, int]
) -> Number:
    """Find a number beside the link's choices."""
    period, unit = wanted
    if period not in released.periods():
        raise unknown()
    chosen = release_page.choose({**given, "period": period}, released, on.reference)
    part = released.part(period)
    shown = next(
        (each for each in part.answer(chosen.asked, chosen.detail).shown if each.units[0] == unit),
        None,
    )
    if shown is None:
        raise unknown()
    return _numbered(part, shown, chosen, on)


def _numbered(part: Told, shown: Shown, chosen: Chosen, on: Basis) -> Number:
    answer = part.answer(chosen.asked, chosen.detail)
    row = release_page.rows_of(
        replace(answer, shown=(shown,)), chosen.asked, part, on.reference.profile
    )[0]
    return Number(part, shown, chosen, row)


def _of_slug(on: Basis, given: Mapping[str, str], name: str, level: str) -> Number | None:
    """Find the number of a place or zone by its name; None where the release does not know it."""
    released = on.released
    if released is None or not released.periods():
        return None
    elsewhere = {**given, "omrade": ""}
    chosen = release_page.choose(elsewhere, released, on.reference)
    part = released.part(chosen.asked.period)
    slug = _slug(part, name, level)
    if slug is None:
        return None
    asked = replace(chosen, asked=replace(chosen.asked, places=(slug,)), detail=level)
    found = part.answer(asked.asked, level).shown
    return _numbered(part, found[0], asked, on) if len(found) == 1 else None


def _slug(part: Told, name: str, level: str) -> str | None:
    for unit in part.units:
        if name == (unit.zone_name if level == ZONE else unit.place_name):
            return unit.zone if level == ZONE else unit.place
    return None


def _card(connection: sa.Connection, on: Basis, given: Mapping[str, str], number: Number) -> Card:
    """Say everything that the release tells about one number."""
    row, lies = number.row, told_places.lies(number.told, number.shown)
    spots = Spots(connection, on.reference)
    near = neighbours(connection, spots, _middle(lies), venues=False)
    when, _, reason = told_places_page.told_when(number.told, number.shown, number.chosen, on)
    period = release_page.period_name(number.told.part.period)
    said = [
        saying("where", " ".join((sentence(row.name), *neighbour_sentences(near)))),
        saying("count", _count(row, number, period)),
        saying("when", f"{sentence(when)} {reason}"),
        saying("trend", sentence(row.trend) if row.trend else text("card-untold-trend")),
        saying("kind", _kinds(number, on)),
        saying("sure", _sure(row)),
    ]
    seen = _seen(connection, on, lies)
    return Card(
        key=given.get("vald", ""),
        title=row.name,
        kind=text("card-kind-told"),
        verdict=Verdict(
            None if number.shown.finding is None else number.shown.finding.verdict,
            row.verdict,
            (row.why,) if row.why else (),
        ),
        sentences=tuple(each for each in said if each.text),
        facts=((text("card-fact-period"), period), *_edition(on)),
        notes=_notes(on),
        observations=tuple(seen_there(each, on) for each in seen[:MOST_SEEN]),
        observations_text="" if on.role == PUBLIC or lies is None else seen_text(len(seen)),
        near=near,
        plan=None if on.role == PUBLIC else plan(given),
        share=link(given, given.get("vald", "")),
        synthetic=on.released is not None and on.released.header.synthetic,
    )


def _count(row: release_page.Row, number: Number, period: str) -> str:
    asked = number.chosen.asked
    theme = ", ".join(theme_name(each) for each in asked.themes) or text("release-any-theme")
    events = words.events_between(number.shown.low, number.shown.count)
    said = text("card-told-count", events=events, period=period, theme=theme)
    return f"{said[:1].upper()}{said[1:]} {row.wider}".strip()


def _kinds(number: Number, on: Basis) -> str:
    """Say which themes have a number of their own here, and which tell what the police do."""
    asked = number.chosen.asked
    if asked.themes:
        return ""
    found = told_places.kinds(number.told, number.shown, asked, number.chosen.detail)
    if not found:
        return text("card-untold-kinds")
    parts = [
        text("card-kind", kind=theme_name(theme).lower(), n=count)
        for theme, count in found[:MOST_KINDS]
    ]
    said = text("card-told-kinds", kinds=listed(parts))
    seen = told_places.seen_themes(on.reference.profile)
    if any(theme not in seen for theme, _ in found):
        said += " " + text("card-police")
    return said


def _sure(row: release_page.Row) -> str:
    if not row.verdict:
        return text("card-untold-verdict")
    return f"{sentence(row.verdict)} {row.why}".strip()


def _seen(connection: sa.Connection, on: Basis, lies: shapely.Geometry | None) -> list[Seen]:
    return [] if lies is None else Sightings(connection, on).near(lies)


def _edition(on: Basis) -> tuple[tuple[str, str], ...]:
    if on.released is None:
        return ()
    header = on.released.header
    said = text("card-edition", number=header.number, house=header.house)
    least = text("card-least", k=header.settings.get("k"), spots=header.settings.get("spots"))
    return (text("card-fact-edition"), said), (text("card-fact-least"), least)


def _notes(on: Basis) -> tuple[str, ...]:
    notes = [text("card-reported"), text("card-frozen")]
    if on.released is not None and on.released.header.synthetic:
        notes.append(text("card-synthetic"))
    return tuple(notes)


# --- what has a name whether the release knows it or not


def _area(connection: sa.Connection, on: Basis, given: Mapping[str, str], key: str) -> Card:
    area = next((row for row in on.reference.areas if str(row.id) == key), None)
    if area is None or area.kind == MUNICIPALITY:
        raise unknown()
    border = (text("card-fact-border"), area.source)
    number = _of_slug(on, given, area.name, PLACE)
    if number is not None:
        card = _card(connection, on, given, number)
        return replace(_own(card, area.name), facts=(*card.facts, border))
    card = _without(connection, on, given, area.outline)
    return replace(card, title=area.name, kind=text(f"area-kind-{area.kind}"), facts=(border,))


def _own(card: Card, name: str) -> Card:
    """Give a card the name that was asked for, and say whose number it is if it is not its own."""
    if card.title == name:
        return card
    return replace(card, title=name, kind=text("card-kind-together", name=card.title))


def _school(connection: sa.Connection, on: Basis, given: Mapping[str, str], key: str) -> Card:
    rows = places.facilities(connection, "school")
    school = next((row for row in rows if str(row.id) == key), None)
    if school is None:
        raise unknown()
    facts, kind = facility_facts(school), text(f"card-kind-{SCHOOLS}")
    number = _of_slug(on, given, school.name, ZONE)
    if number is not None:
        card = _card(connection, on, given, number)
        own = _own(replace(card, kind=kind), school.name)
        return replace(own, facts=(*card.facts, *facts))
    card = _without(connection, on, given, shapely.Point(school.lon, school.lat))
    return replace(card, title=school.name, kind=kind, facts=tuple(facts))


def _fixed(
    connection: sa.Connection, on: Basis, given: Mapping[str, str], written: re.Match[str]
) -> Card:
    """Make the card of a place of the layer of three years."""
    found = None if on.released is None else told_places.fixed(on.released)
    if found is None or str(found.told.part.first_day.year) != written[1]:
        raise unknown()
    shown = next((each for each in found.shown if each.units[0] == int(written[2])), None)
    if shown is None:
        raise unknown()
    lies, period = told_places.lies(found.told, shown), found.told.part.period
    name = told_places_page.physical_name(shown)
    near = neighbours(connection, Spots(connection, on.reference), _middle(lies), venues=False)
    count = text(
        "card-told-count",
        events=words.events(shown.count),
        period=period,
        theme=text("places-physical-themes"),
    )
    card = _without(connection, on, given, lies)
    return replace(
        card,
        title=name,
        kind=text("card-kind-fixed"),
        sentences=(
            saying("where", " ".join((sentence(name), *neighbour_sentences(near)))),
            saying("count", count),
            saying("when", text("places-physical-when")),
            saying("sure", text("places-physical-unjudged")),
        ),
        facts=((text("card-fact-period"), period), *_edition(on)),
        notes=_notes(on),
        near=near,
        plan=None,
        synthetic=on.released is not None and on.released.header.synthetic,
    )


def _without(
    connection: sa.Connection,
    on: Basis,
    given: Mapping[str, str],
    lies: shapely.Geometry | None,
) -> Card:
    """Make a card of a place that the release has no number for."""
    near = neighbours(connection, Spots(connection, on.reference), _middle(lies), venues=False)
    seen = _seen(connection, on, lies)
    return Card(
        key=given.get("vald", ""),
        title="",
        kind="",
        verdict=Verdict(),
        sentences=tuple(
            each
            for each in (
                saying("where", " ".join(neighbour_sentences(near))),
                saying("count", text("card-untold")),
            )
            if each.text
        ),
        facts=(),
        notes=(text("card-reported"),),
        observations=tuple(seen_there(each, on) for each in seen[:MOST_SEEN]),
        observations_text="" if on.role == PUBLIC or lies is None else seen_text(len(seen)),
        near=near,
        plan=None if on.role == PUBLIC else plan(given),
        share=link(given, given.get("vald", "")),
        synthetic=False,
    )


def _middle(lies: shapely.Geometry | None) -> tuple[float, float] | None:
    if lies is None:
        return None
    middle = lies.representative_point()
    return middle.x, middle.y
