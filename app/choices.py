"""What a link chooses on the analysts' pages: area, time, theme and period, in words and as asked.

The words of a link are the same for every role; `app.release_page.choose` reads them for a release.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from app.map_page import Choice, Group, area_groups, period_choices, theme_groups, window_choices
from geo.errors import InvalidParameter
from geo.profile import Category
from pipelines.periods import midnight
from pipelines.questions import Period, Question
from pipelines.reference import Reference
from pipelines.texts import listed, text
from store.places import AreaRow
from store.runs import Run

EVERY_WINDOW, WHOLE_PERIOD = "all", "allt"
LONGEST, MOST_NAMED = 40, 5  # of what somebody wrote into a link: so much of it is repeated


@dataclass(frozen=True, slots=True)
class Choices:
    """What is asked for, as a question and in words."""

    question: Question
    area: AreaRow | None  # None: the whole municipality
    given: dict[str, str]  # omrade, fonster, typ, period, as pickers need them
    words: tuple[str, ...]  # area, time, theme and period
    passed_over: tuple[str, ...]  # sentences about what the link asks and nobody knows


@dataclass(frozen=True, slots=True)
class Pickers:
    """What can be chosen."""

    areas: list[Group]
    windows: list[Choice]
    themes: list[Group]
    periods: list[Choice]


def pickers(reference: Reference, run: Run | None) -> Pickers:
    """List what can be chosen."""
    profile = reference.profile
    return Pickers(
        areas=area_groups(reference),
        windows=window_choices(profile),
        themes=theme_groups(profile.categories),
        periods=[] if run is None else period_choices(run, profile.timezone),
    )


def read(given: Mapping[str, str], reference: Reference, run: Run | None) -> Choices:
    """Read a link; what it asks and nobody knows is passed over, and said."""
    offered, passed = pickers(reference, run), list[str]()
    area = _area(given.get("omrade", ""), reference, passed)
    window = _known(given.get("fonster", ""), offered.windows, EVERY_WINDOW, "window", passed)
    themes = [choice for group in offered.themes for choice in group.choices]
    written = kind_of(given.get("typ", ""), reference.profile.categories)
    theme = _known(written, themes, "", "theme", passed)
    period = _known(given.get("period", ""), offered.periods, WHOLE_PERIOD, "period", passed)
    codes = next((each.data for each in themes if each.value == theme), "")
    span = next((each.data for each in offered.periods if each.value == period), "")
    question = Question(
        area_id=None if area is None else area.id,
        categories=tuple(codes.split(",")) if codes else (),
        window=window,
        period=_period(span, reference.profile.timezone),
    )
    words = (
        text("choices-municipality") if area is None else area.name,
        _label(offered.windows, window),
        _label(themes, theme) or text("choices-every-theme"),
        _label(offered.periods, period),
    )
    chosen = {
        "omrade": "" if area is None else str(area.id),
        "fonster": window,
        "typ": theme,
        "period": period,
    }
    return Choices(question, area, chosen, words, tuple(passed))


def _area(written: str, reference: Reference, passed: list[str]) -> AreaRow | None:
    """Find an area by id, by name, or by a release's word for it, with its kind or without."""
    if not written:
        return None
    try:
        return reference.area(written)
    except InvalidParameter:
        pass
    named = [
        row
        for row in reference.areas
        if written in {slug(row.name), f"{row.kind}-{slug(row.name)}"}
    ]
    if len(named) == 1:
        return named[0]
    passed.append(text("choices-unknown-area", value=written[:LONGEST]))
    return None


def slug(name: str) -> str:
    """Write a name as links do: small letters without rings and dots."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(sign for sign in plain if sign.isascii()).replace(" ", "-")


def kind_of(written: str, categories: Sequence[Category]) -> str:
    """Read a release's word for a theme of a single kind as that kind."""
    members = [each.code for each in categories if each.on_map and written == f"tema-{each.theme}"]
    return members[0] if len(members) == 1 else written


def _known(
    written: str, offered: list[Choice], otherwise: str, kind: str, passed: list[str]
) -> str:
    if not written or written == otherwise or any(each.value == written for each in offered):
        return written or otherwise
    passed.append(text(f"choices-unknown-{kind}", value=written[:LONGEST]))
    return otherwise


def unused(given: Mapping[str, str], read: Mapping[str, Collection[str] | None]) -> list[str]:
    """Say what a link asks that nobody has read: words that the page has not, and odd values.

    Parameters
    ----------
    given
        The words of the link.
    read
        Those that the page reads; with the values that it knows, or None where their own reader
        says what it passes over.
    """
    strange = [name[:LONGEST] for name in given if name not in read][:MOST_NAMED]
    said = [text("task-unknown-words", words=listed(strange))] if strange else []
    for name, known in read.items():
        value = given.get(name, "")
        if value and known is not None and value not in known:
            said.append(text("choices-unknown-value", name=name, value=value[:LONGEST]))
    return said


def _label(offered: list[Choice], value: str) -> str:
    return next((each.label for each in offered if each.value == value), "")


def _period(span: str, timezone: str) -> Period | None:
    """Read a choice of whole local months, as `map_page` writes it."""
    if not span:
        return None
    first, _, last = span.partition("/")
    start = midnight(date.fromisoformat(first), timezone)
    if last == "..":
        return Period(start, None)
    day = date.fromisoformat(last)
    return Period(start, midnight(date.fromordinal(day.toordinal() + 1), timezone))
