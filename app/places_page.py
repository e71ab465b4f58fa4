"""The ranked list of places beside the map: name, time, number, verdict and what was seen there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import numpy as np
import sqlalchemy as sa

from app import place_words as words
from app import release_page
from app.choices import EVERY_WINDOW, Choices, read
from app.kept import AnswerKey, Shelf
from app.map_page import Choice
from app.ways import SLUG
from geo import cells
from geo.errors import InvalidParameter
from pipelines import answers, events, hot_places, told_places
from pipelines.answers import MUNICIPALITY, Basis
from pipelines.hot_places import AREAS, CELLS, CLUSTERS, MOST_TIMED, Clock, Found, Place, When
from pipelines.periods import SECOND, local_month
from pipelines.questions import DEFAULT_RESOLUTION, SCOPES, Question
from pipelines.released import Released, Shown, Told
from pipelines.roles import COORDINATOR, PUBLIC
from pipelines.sightings import Sightings
from pipelines.spots import NEAR_M, Spot, Spots
from pipelines.texts import text

PLACES, PHYSICAL = "places", "physical"
EXACT_LISTS = {PLACES: CELLS, CLUSTERS: CLUSTERS, AREAS: AREAS}
TOLD_LISTS = (PLACES, PHYSICAL)
MOST_ROWS = 1_000
REACH_M = {8: 420.0, 9: 160.0, 10: 60.0, 11: 25.0}  # how far a cell reaches from its middle
KEPT = ("omrade", "fonster", "typ", "period", "detalj", "lista", "rutor", "kring", "lager")
LATER, ASKED, UNTOLD = "later", "asked", "untold"
COLUMNS = ("name", "when", "count", "verdict", "observations")

Times = dict[str, When]


@dataclass(frozen=True, slots=True)
class Row:
    """One place in the list, in words."""

    key: str  # as links name it
    feature: str  # its id in the collection that draws it
    rank: int
    name: str
    short: str  # for the map
    note: str
    count: int
    count_text: str
    period: str
    verdict: str | None
    verdict_word: str
    reasons: tuple[str, ...]
    why: str
    when: str
    when_kind: str
    when_why: str
    observations: int | None
    observations_text: str
    wider: str
    trend: str
    at: tuple[float, float] | None
    href: str


@dataclass(frozen=True, slots=True)
class Listed:
    """The list, and what is said about it."""

    list: str
    lists: tuple[Choice, ...]
    caption: str
    empty: str
    columns: dict[str, str]
    words: tuple[str, ...]
    total: int | None
    total_text: str
    notes: tuple[str, ...]
    left_out: tuple[str, ...]
    passed_over: tuple[str, ...]
    more: int
    rows: tuple[Row, ...]


def shelf() -> Shelf[Times]:
    """Make the memory of found times; they are the same for as long as a run is in force."""
    return Shelf(lambda times: 200 * len(times) + 500)


# --- analysts


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
    named = names(Spots(connection, on.reference), shown, question, chosen)
    period = _period(on, question, EXACT_LISTS[name])
    total = _total(connection, on, question)
    made = tuple(
        _exact_row(place, spot, times.get(place.key), near, (on, chosen, period, given))
        for place, spot, near in zip(shown, named, seen, strict=True)
    )
    return Listed(
        list=name,
        lists=_choices(EXACT_LISTS),
        caption=text(f"places-caption-{name}"),
        empty=empty,
        columns=_columns(),
        words=chosen.words,
        total=total,
        total_text="" if total is None else words.events(total),
        notes=_exact_notes(made, question, EXACT_LISTS[name]),
        left_out=(),
        passed_over=chosen.passed_over,
        more=found.total - len(shown),
        rows=_ranked(made),
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


def names(spots: Spots, shown: Sequence[Place], question: Question, chosen: Choices) -> list[Spot]:
    """Name places by what lies near them; an area by itself."""
    if not shown:
        return []
    near_m = REACH_M[question.resolution] if shown[0].kind == CELLS else NEAR_M
    within = "" if chosen.area is None else chosen.area.name
    found = spots.of(np.array([place.at for place in shown]), near_m, within)
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
        rank=0,
        name=spot.name,
        short=spot.short,
        note=_note(place),
        count=place.count,
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


def _exact_notes(made: Sequence[Row], question: Question, kind: str) -> tuple[str, ...]:
    said = [text("places-note-when"), text("places-note-seen")] if made else []
    if question.window != EVERY_WINDOW and made:
        said.insert(1, text("places-note-window"))
    if made and kind == CLUSTERS:
        said.append(text("card-cluster"))
    if len(made) > MOST_TIMED:
        said.append(text("places-note-timed", n=MOST_TIMED))
    return tuple(said)


# --- everybody else


def told_rows(connection: sa.Connection, on: Basis, given: Mapping[str, str]) -> Listed:
    """Rank what the release tells about places."""
    released = on.released
    if released is None or not released.periods():
        return _nothing(PLACES, text("places-no-release"))
    if given.get("lista") == PHYSICAL:
        return _physical(connection, on, released, given)
    chosen = release_page.choose(given, released, on.reference)
    told = released.part(chosen.asked.period)
    answer = told.answer(chosen.asked, chosen.detail)
    shown = sorted(answer.shown, key=lambda each: (-each.count, each.name))
    profile = on.reference.profile
    said = release_page.rows_of(answer, chosen.asked, told, profile)
    seen = _seen(connection, on, told, shown)
    made = [
        _told_row(each, row, near, (told, chosen, on, given))
        for each, row, near in zip(shown, said, seen, strict=True)
    ]
    context = release_page.context(released, chosen, on.reference)
    return Listed(
        list=PLACES,
        lists=_choices(TOLD_LISTS),
        caption=text("places-caption-told"),
        empty="" if made else text("places-none-told"),
        columns=_columns(),
        words=tuple(str(context["asked_for"]).split(" · ")),
        total=answer.total,
        total_text=words.events(answer.total),
        notes=(_smallest(released), text("places-note-blocks"), *_seen_note(on.role)),
        left_out=(text("places-left-out-hours"), text("places-left-out-points")),
        passed_over=chosen.passed_over,
        more=0,
        rows=_ranked(made),
    )


def _told_row(
    shown: Shown,
    row: release_page.Row,
    near: int | None,
    about: tuple[Told, release_page.Chosen, Basis, Mapping[str, str]],
) -> Row:
    told, chosen, on, given = about
    time, kind, reason = told_when(told, shown, chosen, on)
    found = shown.finding
    verdict = None if found is None else found.verdict
    return Row(
        key=row.key,
        feature=row.key,
        rank=0,
        name=row.name,
        short=shown.label or shown.name,
        note="",
        count=row.count,
        count_text=words.events(row.count),
        period=text("places-in", period=release_page.period_name(told.part.period)),
        verdict=verdict,
        verdict_word=row.verdict,
        reasons=() if found is None or verdict is None else tuple(found.reasons.split()),
        why=row.why,
        when=time,
        when_kind=kind,
        when_why=reason,
        observations=near,
        observations_text="" if near is None else words.seen(near),
        wider=row.wider,
        trend=row.trend,
        at=_at(told, shown),
        href=link(given, row.key),
    )


def told_when(
    told: Told, shown: Shown, chosen: release_page.Chosen, on: Basis
) -> tuple[str, str, str]:
    """Say when most of a number happens, what kind of saying that is, and what it rests on."""
    profile = on.reference.profile
    if chosen.asked.blocks:
        (block,) = chosen.asked.blocks
        return words.short_block(block, profile), ASKED, text("places-when-asked")
    themes = told_places.seen_themes(profile)
    found = told_places.mostly(told, shown, chosen.asked, chosen.detail, themes)
    if found is None:
        return text("places-when-untold"), UNTOLD, text("places-when-untold-why")
    return words.mostly(found, profile), hot_places.BLOCKS, text("places-mostly-why")


def _physical(
    connection: sa.Connection, on: Basis, released: Released, given: Mapping[str, str]
) -> Listed:
    """Rank the fixed places of three years, or say why they are withheld."""
    found = told_places.fixed(released)
    if found is None:
        few = told_places.too_few_years(released)
        withheld = text("places-physical-years" if few else "places-physical-withheld")
        return _nothing(PHYSICAL, withheld)
    told, period = found.told, found.told.part.period
    seen = _seen(connection, on, told, found.shown)
    made = [
        Row(
            key=f"{PHYSICAL}:{told.part.first_day.year}.{each.units[0]}",
            feature=f"{period}.{each.units[0]}",
            rank=0,
            name=physical_name(each),
            short=each.label,
            note="",
            count=each.count,
            count_text=words.events(each.count),
            period=text("places-in", period=period),
            verdict=None,
            verdict_word="",
            reasons=(),
            why=text("places-physical-unjudged"),
            when=text("places-when-untold"),
            when_kind=UNTOLD,
            when_why=text("places-physical-when"),
            observations=near,
            observations_text="" if near is None else words.seen(near),
            wider="",
            trend="",
            at=_at(told, each),
            href=link(given, f"{PHYSICAL}:{told.part.first_day.year}.{each.units[0]}"),
        )
        for each, near in zip(found.shown, seen, strict=True)
    ]
    total = sum(each.count for each in found.shown)
    return Listed(
        list=PHYSICAL,
        lists=_choices(TOLD_LISTS),
        caption=text("places-caption-physical"),
        empty="",
        columns=_columns(),
        words=(text("release-everywhere"), text("places-physical-themes"), period),
        total=total,
        total_text=words.events(total),
        notes=(text("places-physical-note"), *_seen_note(on.role)),
        left_out=(text("places-left-out-points"),),
        passed_over=(),
        more=0,
        rows=_ranked(made),
    )


def physical_name(shown: Shown) -> str:
    """Name a fixed place by what lies near it."""
    if shown.label:
        beside = text("spot-beside", name=shown.label)
        return beside[0].upper() + beside[1:]
    return text("places-physical-rest")


def _nothing(name: str, sentence: str) -> Listed:
    return Listed(
        list=name,
        lists=_choices(TOLD_LISTS),
        caption="",
        empty=sentence,
        columns=_columns(),
        words=(),
        total=None,
        total_text="",
        notes=(),
        left_out=(),
        passed_over=(),
        more=0,
        rows=(),
    )


def _smallest(released: Released) -> str:
    """Say what every number of a release speaks of at least."""
    settings = released.header.settings
    return text("places-note-told", k=settings.get("k"), spots=settings.get("spots"))


def _seen_note(role: str) -> tuple[str, ...]:
    if role == PUBLIC:
        return ()
    every = role == COORDINATOR  # also what nobody has read yet
    return (text("places-note-seen-all" if every else "places-note-seen"),)


def _seen(
    connection: sa.Connection, on: Basis, told: Told, shown: Sequence[Shown]
) -> list[int | None]:
    """Count what was seen near numbers; None for the public, and where a number lies nowhere."""
    lies = [told_places.lies(told, each) for each in shown]
    drawn = [each for each in lies if each is not None]
    if on.role == PUBLIC:
        return [None] * len(lies)
    counts = iter(Sightings(connection, on).counts(drawn))
    return [None if each is None else next(counts) for each in lies]


def _at(told: Told, shown: Shown) -> tuple[float, float] | None:
    """Give a point on the ground of a number; None where it lies nowhere known."""
    lies = told_places.lies(told, shown)
    if lies is None:
        return None
    middle = lies.representative_point()
    return round(middle.x, 6), round(middle.y, 6)


# --- both


def link(given: Mapping[str, str], key: str = "") -> str:
    """Write the address of the map with the same choices and one place."""
    kept = {name: given[name] for name in KEPT if SLUG.fullmatch(given.get(name, ""))}
    asked = kept | ({"vald": key} if key else {})
    return f"/?{urlencode(asked)}" if asked else "/"


def _choices(lists: Sequence[str] | Mapping[str, str]) -> tuple[Choice, ...]:
    return tuple(Choice(name, text(f"places-list-{name}")) for name in lists)


def _columns() -> dict[str, str]:
    return {name: text(f"places-column-{name}") for name in COLUMNS}


def _ranked(made: Sequence[Row]) -> tuple[Row, ...]:
    """Give equal counts the same rank."""
    ranked: list[Row] = []
    for position, row in enumerate(made):
        alike = ranked and ranked[-1].count == row.count
        ranked.append(replace(row, rank=ranked[-1].rank if alike else position + 1))
    return tuple(ranked)
