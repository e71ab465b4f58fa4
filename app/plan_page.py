"""What the page of the action plan says: the list, and what each reader may see of it now.

No number is kept with a row: each one is counted, or read in the release, when the page is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from urllib.parse import urlencode

import sqlalchemy as sa

from app import choices, release_page
from app.choices import Choices
from app.map_page import theme_name
from app.plan_choice import CELLS
from geo import cells
from geo.errors import InvalidParameter
from geo.profile import Profile
from pipelines import answers, labels
from pipelines.answers import MUNICIPALITY, Basis, CountedArea, CountedCells
from pipelines.periods import local
from pipelines.questions import Question
from pipelines.released import ZONE
from pipelines.roles import ANALYST
from pipelines.spots import number
from pipelines.texts import known, text
from store.places import AreaRow
from store.plan import Row, Spot
from store.verdicts import VerdictRow

MOST_WIDER = 2  # sentences about what else is in a number


@dataclass(frozen=True, slots=True)
class Told:
    """What a reader may be told about a row now."""

    number: str = ""  # "": nothing, and `about` says why
    about: str = ""
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the list, as a reader sees it."""

    id: int
    name: str
    part: str  # of the place, that it speaks of; "" is all of it
    theme: str
    window: str
    period: str
    link: str
    told: Told
    added_by: str
    added_on: str


@dataclass(frozen=True, slots=True)
class Block:
    """The rows of one area."""

    area: str
    lines: tuple[Line, ...]


@dataclass(slots=True)
class Desk:
    """What the rows are counted from; each question is asked once."""

    connection: sa.Connection
    on: Basis
    spots: Mapping[int, Spot]  # none for readers who may not know them
    _areas: dict[Question, list[CountedArea]] = field(default_factory=dict)
    _cells: dict[Question, CountedCells | None] = field(default_factory=dict)

    def areas(self, question: Question) -> list[CountedArea]:
        """Count every area."""
        if question not in self._areas:
            self._areas[question] = answers.areas(self.connection, self.on, question)
        return self._areas[question]

    def cells(self, question: Question) -> CountedCells | None:
        """Count every cell."""
        if question not in self._cells:
            self._cells[question] = answers.cells(self.connection, self.on, question)
        return self._cells[question]


def blocks(desk: Desk, rows: Sequence[Row]) -> list[Block]:
    """Put the rows under their areas."""
    return [
        Block(area, tuple(_line(desk, row) for row in own))
        for area, own in groupby(rows, key=lambda row: row.area_name)
    ]


def _line(desk: Desk, row: Row) -> Line:
    profile = desk.on.reference.profile
    spot = desk.spots.get(row.id)
    if spot is not None:
        row = replace(row, window=spot.window or row.window, theme=spot.theme or row.theme)
    return Line(
        id=row.id,
        name=row.place_name or text("choices-municipality"),
        part=_part(row, spot),
        theme=_theme(profile, row.theme),
        window=release_page.block_name(row.window, profile),
        period=_period(row.period),
        link=_link(desk, row, spot),
        told=_told(desk, row, spot),
        added_by=row.added_by,
        added_on=local(row.added_at, profile.timezone).date().isoformat(),
    )


def _part(row: Row, spot: Spot | None) -> str:
    if spot is None or not spot.key:
        return text("plan-part-unnamed") if row.finer else ""
    kind = spot.key.partition(":")[0]
    return (
        text(f"plan-part-{kind}-near", near=spot.name) if spot.name else text(f"plan-part-{kind}")
    )


def _theme(profile: Profile, written: str) -> str:
    """Name a theme or a kind of events as links write it."""
    slug = written.removeprefix(release_page.THEME_PREFIX)
    kind = next((each for each in profile.categories if each.code == written), None)
    if kind is not None:
        return labels.category(kind)
    return theme_name(slug) if slug else text("plan-every-theme")


def _period(written: str) -> str:
    code = f"plan-period-{written}"
    return text(code) if known(code) else release_page.period_name(written)


def _link(desk: Desk, row: Row, spot: Spot | None) -> str:
    """Lead to the map as the row was chosen; an analyst's areas go by their ids."""
    place = row.place
    if desk.on.role == ANALYST:
        place = next((str(area.id) for area in _areas_named(desk, row.place_name)), "")
    pairs = {
        "omrade": place,
        "fonster": "" if row.window == choices.EVERY_WINDOW else row.window,
        "typ": row.theme,
        "period": "" if row.period == choices.WHOLE_PERIOD else row.period,
        "vald": "" if spot is None else spot.key,
    }
    query = urlencode({name: value for name, value in pairs.items() if value}, safe=":")
    return f"/?{query}" if query else "/"


def _areas_named(desk: Desk, name: str) -> list[AreaRow]:
    return [area for area in desk.on.reference.areas if name and area.name == name]


# --- numbers -------------------------------------------------------------------------------------


def _told(desk: Desk, row: Row, spot: Spot | None) -> Told:
    """Count what the reader's role may have counted."""
    if desk.on.role != ANALYST or desk.on.run is None:
        return _released(desk, row)
    read = _read(desk, row)
    about = " ".join(read.passed_over)
    if spot is not None and spot.key:
        return _spot(desk, read.question, spot, about)
    held = [
        each
        for each in desk.areas(read.question)
        if each.area.name == row.place_name or (not row.place and each.area.kind == MUNICIPALITY)
    ]
    if not held or held[0].counted is None:
        return _released(desk, row)
    return Told(number(held[0].counted.count), about, _verdict(held[0].verdict))


def _read(desk: Desk, row: Row) -> Choices:
    """Read a row as a link to the analysts' pages, where a theme of one kind is that kind."""
    theme = row.theme
    slug = theme.removeprefix(release_page.THEME_PREFIX)
    kinds = [each for each in desk.on.reference.profile.categories if each.theme == slug]
    shown = [each.code for each in kinds if each.on_map]
    if slug != theme and len(shown) == 1:
        (theme,) = shown
    given = {"fonster": row.window, "typ": theme, "period": row.period}
    return choices.read(given, desk.on.reference, desk.on.run)


def _spot(desk: Desk, question: Question, spot: Spot, about: str) -> Told:
    """Count in a cell, or say what the run in force says of a cluster."""
    kind, _, key = spot.key.partition(":")
    if kind != CELLS:
        found = answers.cluster(desk.connection, desk.on, int(key))
        if found is None:
            return Told(about=text("plan-cluster-gone"))
        return Told(number(found.count), text("plan-cluster-period"), _word(found.verdict))
    cell = cells.parse(key)
    counted = desk.cells(replace(question, resolution=cells.resolution(cell)))
    if counted is None:
        return Told(about=text("plan-no-run"))
    count = int(counted.counts.count[counted.counts.cell == cell].sum())
    return Told(number(count), about, _verdict(counted.verdict(cell)))


def _released(desk: Desk, row: Row) -> Told:
    """Read a row's number in the release, with what it really speaks of."""
    released, reference = desk.on.released, desk.on.reference
    if released is None or not released.periods():
        return Told(about=text("plan-no-release"))
    given = {
        "omrade": row.place,
        "fonster": row.window,
        "typ": row.theme,
        "period": row.period,
    }
    chosen = release_page.choose(given, released, reference)
    if row.place and not chosen.asked.places:
        return Told(about=text("plan-not-in-release"))
    told = released.part(chosen.asked.period)
    try:
        answer = told.answer(chosen.asked, ZONE)
    except InvalidParameter:
        return Told(about=text("plan-not-in-release"))
    if not answer.shown:
        return Told(about=text("plan-nothing-told"))
    rows = release_page.rows_of(answer, chosen.asked, told, reference.profile)
    wider = list(dict.fromkeys(each.wider for each in rows if each.wider))
    if len(wider) > MOST_WIDER:
        wider = [text("plan-wider-many")]
    about = [text("plan-released", period=release_page.period_name(chosen.asked.period))]
    if row.finer:
        about.append(text("plan-whole-place"))
    about += chosen.passed_over
    verdict = rows[0].verdict if len(rows) == 1 else ""
    said = release_page.number_said(answer.low, answer.total)
    return Told(said, " ".join([*about, *wider]), verdict)


def _verdict(found: VerdictRow | None) -> str:
    return "" if found is None else _word(found.verdict)


def _word(verdict: str | None) -> str:
    return text(f"verdict-{verdict}") if verdict else ""


def link_to(row_id: int) -> str:
    """Lead to a row of the list."""
    return f"/plan#rad-{row_id}"


def named(profile: Profile, row: Row) -> str:
    """Name a row in a sentence: its place and its problem."""
    place = row.place_name or text("choices-municipality")
    return text("plan-named", place=place, theme=_theme(profile, row.theme))
