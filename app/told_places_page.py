"""The list of places for everybody but analysts: what the release tells, and nothing finer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from app import place_words as words
from app import release_page
from app.place_rows import (
    PHYSICAL,
    PLACES,
    Listed,
    Row,
    column_names,
    link,
    list_choices,
    ranked,
)
from pipelines import hot_places, told_places
from pipelines.answers import Basis
from pipelines.released import Released, Shown, Told
from pipelines.roles import COORDINATOR, PUBLIC
from pipelines.sightings import Sightings
from pipelines.spots import number
from pipelines.texts import text

TOLD_LISTS = (PLACES, PHYSICAL)
ASKED, UNTOLD = "asked", "untold"


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
    shown = release_page.in_order(answer.shown)
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
        lists=list_choices(TOLD_LISTS),
        caption=text("places-caption-told"),
        empty="" if made else text("places-none-told"),
        columns=column_names(),
        words=tuple(str(context["asked_for"]).split(" · ")),
        total=answer.total,
        total_text=words.events_between(answer.low, answer.total),
        notes=(
            *(() if answer.exact else (text("places-note-bounds"),)),
            _smallest(released),
            text("places-note-blocks"),
            *_seen_note(on.role),
        ),
        left_out=(text("places-left-out-hours"), text("places-left-out-points")),
        passed_over=chosen.passed_over,
        more=0,
        rows=ranked(made),
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
        rank=None,
        name=row.name,
        short=shown.label or shown.name,
        note="",
        count=row.count,
        exact=row.exact,
        number=row.number,
        count_text=words.events_between(shown.low, shown.count),
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
            rank=None,
            name=physical_name(each),
            short=each.label,
            note="",
            count=each.count,
            exact=True,
            number=number(each.count),
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
        lists=list_choices(TOLD_LISTS),
        caption=text("places-caption-physical"),
        empty="",
        columns=column_names(),
        words=(text("release-everywhere"), text("places-physical-themes"), period),
        total=total,
        total_text=words.events(total),
        notes=(text("places-physical-note"), *_seen_note(on.role)),
        left_out=(text("places-left-out-points"),),
        passed_over=(),
        more=0,
        rows=ranked(made),
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
        lists=list_choices(TOLD_LISTS),
        caption="",
        empty=sentence,
        columns=column_names(),
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
