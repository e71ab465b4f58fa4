"""The list of places for analysts: name, time, number, verdict and what was seen there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import sqlalchemy as sa

from app import place_words as words
from app.choices import EVERY_WINDOW, Choices, read
from app.kept import AnswerKey, Shelf
from app.place_rows import PLACES, Listed, Row, column_names, link, list_choices, ranked
from geo import cells
from geo.errors import InvalidParameter
from pipelines import answers, events, hot_places
from pipelines.answers import MUNICIPALITY, Basis
from pipelines.hot_places import AREAS, CELLS, CLUSTERS, MOST_TIMED, Clock, Found, Place, When
from pipelines.periods import SECOND, local_month
from pipelines.questions import DEFAULT_RESOLUTION, SCOPES, Question
from pipelines.sightings import Sightings
from pipelines.spots import Spot, Spots, number
from pipelines.texts import text

EXACT_LISTS = {PLACES: CELLS, CLUSTERS: CLUSTERS, AREAS: AREAS}
MOST_ROWS = 1_000
LATER = "later"

Times = dict[str, When]


def shelf() -> Shelf[Times]:
    """Make the memory of found times; they are the same for as long as a run is in force."""
    return Shelf(lambda times: 200 * len(times) + 500)


def question_of(given: Mapping[str, str], chosen: Choices) -> Question:
    """Add to a question what only the map chooses: the size of cells, where clusters are."""
    sizes = {str(size): size for size in cells.RESOLUTIONS}
    scope = given.get("kring", "all")
    return replace(
        chosen.question,
        resolution=sizes.get(given.get("rutor", ""), DEFAULT_RESOLUTION),
        scope=scope if scope in SCOPES else "all",
    )


def rows(
    connection: sa.Connection, on: Basis, given: Mapping[str, str], kept: Shelf[Times]
) -> Listed:
    """Rank the places that an analyst's map shows."""
    chosen = read(given, on.reference, on.run)
    question = question_of(given, chosen)
    name = given.get("lista", PLACES)
    name = name if name in EXACT_LISTS else PLACES
    found, empty = _found(connection, on, question, EXACT_LISTS[name])
    shown = found.places
    times = _times(connection, on, question, shown, kept) if shown else {}
    sightings = Sightings(connection, on, question.period)
    seen = sightings.counts([place.ground for place in shown])
    named = names(Spots(connection, on.reference), shown, chosen)
    period = _period(on, question, EXACT_LISTS[name])
    total = _total(connection, on, question)
    made = tuple(
        _exact_row(place, spot, times.get(place.key), near, (on, chosen, period, given))
        for place, spot, near in zip(shown, named, seen, strict=True)
    )
    return Listed(
        list=name,
        lists=list_choices(EXACT_LISTS),
        caption=text(f"places-caption-{name}"),
        empty=empty,
        columns=column_names(),
        words=chosen.words,
        total=total,
        total_text="" if total is None else words.events(total),
        notes=(*_level(chosen, EXACT_LISTS[name]), *_notes(made, question, EXACT_LISTS[name])),
        left_out=(),
        passed_over=chosen.passed_over,
        more=found.total - len(shown),
        rows=ranked(made),
    )


def _found(
    connection: sa.Connection, on: Basis, question: Question, kind: str
) -> tuple[Found, str]:
    """Find the places of a list, or the sentence that stands instead of them."""
    if on.run is None:
        return Found([], 0), text("places-no-run")
    try:
        found = hot_places.listed(connection, on, question, kind, MOST_ROWS)
    except InvalidParameter:
        return Found([], 0), text("places-one-category")
    return found, "" if found.total else text("places-none")


def _times(
    connection: sa.Connection,
    on: Basis,
    question: Question,
    shown: Sequence[Place],
    kept: Shelf[Times],
) -> Times:
    """Find when things happen at the first places; once a run, question and list."""
    if on.run is None:
        return {}
    kind = shown[0].kind

    def make() -> Times:
        asked = replace(question, period=None) if kind == CLUSTERS else question
        asked = replace(asked, area_id=None) if kind == AREAS else asked
        found = events.found(connection, on, asked)
        of, clock = hot_places.chooser(found, on), Clock(found, on, asked)
        return {place.key: clock.of(of(place), kind) for place in shown[:MOST_TIMED]}

    key = AnswerKey(
        f"run {on.run.id}", on.reference.revision, on.role, "", "", f"times {kind}", question
    )
    return kept.answer(key, make)


def names(spots: Spots, shown: Sequence[Place], chosen: Choices) -> list[Spot]:
    """Name places by what lies near them; an area by itself."""
    if not shown:
        return []
    within = "" if chosen.area is None else chosen.area.name
    if shown[0].kind == CELLS:
        return spots.cells(np.array([cells.parse(place.id) for place in shown]), within)
    found = spots.of(np.array([place.at for place in shown]), within=within)
    return [
        Spot(place.name, place.name) if place.name else spot
        for place, spot in zip(shown, found, strict=True)
    ]


def _period(on: Basis, question: Question, kind: str) -> str:
    """Say how long the numbers were counted over."""
    if on.run is None:
        return ""
    months = counted_months(on, replace(question, period=None) if kind == CLUSTERS else question)
    return words.span(words.months_between(months))


def counted_months(on: Basis, question: Question) -> tuple[int, int]:
    """Name the first and the last month that a question counts.

    Raises
    ------
    ValueError
        No run is in force.
    """
    whole = on.months()
    if whole is None:
        raise ValueError(on)
    if question.period is None:
        return whole
    timezone = on.reference.profile.timezone
    start, end = question.period.start, question.period.end
    first = whole[0] if start is None else max(whole[0], local_month(start, timezone))
    last = whole[1]
    if end is not None:
        last = min(last, local_month(end - SECOND, timezone))
    return first, last


def _total(connection: sa.Connection, on: Basis, question: Question) -> int | None:
    """Give the events of the area, or of the municipality, wherever in it they are."""
    for each in answers.areas(connection, on, replace(question, area_id=None)):
        wanted = question.area_id in (each.area.id, None)
        whole = each.area.kind == MUNICIPALITY
        if each.counted is not None and wanted and (question.area_id is not None or whole):
            return each.counted.count
    return None


def _exact_row(
    place: Place,
    spot: Spot,
    time: When | None,
    near: int,
    about: tuple[Basis, Choices, str, Mapping[str, str]],
) -> Row:
    on, chosen, period, given = about
    profile = on.reference.profile
    return Row(
        key=place.key,
        feature=place.id,
        rank=None,
        name=spot.name,
        short=spot.short,
        note=_note(place) or part(place, chosen),
        count=place.count,
        exact=True,
        number=number(place.count),
        count_text=words.events(place.count),
        period=period,
        verdict=place.verdict,
        verdict_word=text(f"verdict-{place.verdict}") if place.verdict else "",
        reasons=place.reasons,
        why=why(place, chosen),
        when="" if time is None else words.when(time, profile),
        when_kind=LATER if time is None else time.kind,
        when_why=text("places-when-later") if time is None else words.when_why(time, profile),
        observations=near,
        observations_text=words.seen(near),
        wider="",
        trend="",
        at=(round(place.at[0], 6), round(place.at[1], 6)),
        href=link(given, place.key),
    )


def _note(place: Place) -> str:
    if place.kind == CLUSTERS:
        return (
            text("places-one-spot") if place.places == 1 else text("places-spots", n=place.places)
        )
    return text(f"area-kind-{place.area_kind}") if place.area_kind else ""


def part(place: Place, chosen: Choices) -> str:
    """Say of a cell that the chosen area's border cuts that only its part in there is counted."""
    area = chosen.area
    if area is None or place.kind != CELLS or area.outline.covers(place.ground):
        return ""
    return text("places-part", area=area.name)


def why(place: Place, chosen: Choices) -> str:
    """Say why a verdict was given, or why none was."""
    if place.reasons:
        return text(f"why-{place.reasons[0]}")
    if place.verdict:
        return text("places-why-mixed" if place.verdict == "uncertain" else "places-why-cells")
    asked = chosen.question
    if asked.period is not None or len(asked.categories) > 1:
        return text("places-why-unasked")
    if chosen.area is not None and chosen.area.kind == "district":
        return text("places-why-district")
    return text("places-why-none")


def _level(chosen: Choices, kind: str) -> tuple[str, ...]:
    """Say whose level the verdicts of cells compare with, where it is not the municipality's."""
    if chosen.area is None or chosen.area.kind == MUNICIPALITY or kind != CELLS:
        return ()
    return (text("places-note-level", area=chosen.area.name),)


def _notes(made: Sequence[Row], question: Question, kind: str) -> tuple[str, ...]:
    said = [text("places-note-when"), text("places-note-seen")] if made else []
    if question.window != EVERY_WINDOW and made:
        said.insert(1, text("places-note-window"))
    if made and kind == CLUSTERS:
        said.append(text("card-cluster"))
    if made and kind == CELLS:
        said.append(text("places-note-total"))
    if len(made) > MOST_TIMED:
        said.append(text("places-note-timed", n=MOST_TIMED))
    return tuple(said)
