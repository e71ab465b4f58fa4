"""What the page of the release says: pickers, a table and what is not shown, for planners."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from app import map_page
from app.map_page import Choice, theme_name, window_label
from app.provenance import of_release
from geo.errors import InvalidParameter
from geo.profile import Profile
from pipelines import labels
from pipelines.reference import Reference
from pipelines.released import PLACE, UNIT, ZONE, Answer, Asked, Released, Shown, Told
from pipelines.roles import PUBLIC
from pipelines.spots import number
from pipelines.texts import text
from store.releases import SENSITIVE

DETAILS = (PLACE, ZONE, UNIT)
THEME_PREFIX = "tema-"
EVERY_WINDOW = "all"
LAYERS = ("rutor", "omraden", "skolor", "observationer", "fysiska")
NAMED = 3  # of the other places that a number speaks of


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a link asks the release for."""

    asked: Asked
    detail: str
    passed_over: tuple[str, ...]  # words for choices of the link that a release cannot answer


@dataclass(frozen=True, slots=True)
class Row:
    """One number in the table."""

    key: str  # the feature on the map
    name: str
    count: int  # the highest that it can be
    exact: bool  # it is that number: only such ones have a rank and a colour
    number: str  # in words: one number, or the two that it lies between
    wider: str  # what else is in the number; "" where it is exactly what was asked for
    verdict: str
    why: str
    trend: str


def choose(given: Mapping[str, str], released: Released, reference: Reference) -> Chosen:
    """Read a link as the map page writes it; a release answers what it can and says what not.

    The same link shows an analyst points and a planner the release, so the words are the same:
    omrade, fonster, typ, period; and `detalj` for how finely the ground is divided.
    """
    passed: list[str] = []
    periods, period = released.periods(), given.get("period", "")
    told = released.part(period if period in periods else periods[0])
    asked = Asked(
        period=told.part.period,
        themes=_theme(given.get("typ", ""), told, reference.profile, passed),
        blocks=_block(given.get("fonster", ""), told, passed),
        places=_place(given.get("omrade", ""), told, reference, passed),
    )
    if period not in ("", "allt", *periods):
        passed.append(text("release-passed-period", value=period[:40]))
    detail = given.get("detalj", ZONE)
    return Chosen(asked, detail if detail in DETAILS else ZONE, tuple(passed))


def _theme(written: str, told: Told, profile: Profile, passed: list[str]) -> tuple[str, ...]:
    """Find the theme of a link: a release knows themes, not single kinds of events."""
    slug = written.removeprefix(THEME_PREFIX)
    if slug in told.themes:
        return (slug,)
    themes = {category.code: category.theme for category in profile.categories}
    theme = themes.get(slug, "")
    if theme in told.themes:
        label = next(labels.category(each) for each in profile.categories if each.code == slug)
        passed.append(text("release-passed-kind", kind=label, theme=theme_name(theme)))
        return (theme,)
    if written:
        passed.append(text("choices-unknown-theme", value=written[:40]))
    return ()


def _block(written: str, told: Told, passed: list[str]) -> tuple[str, ...]:
    if written in told.blocks:
        return (written,)
    if written not in ("", EVERY_WINDOW):
        passed.append(text("release-passed-window", value=written[:40]))
    return ()


def _place(written: str, told: Told, reference: Reference, passed: list[str]) -> tuple[str, ...]:
    """Find a place by its slug, or by the id or name of the area that it is."""
    slugs = {unit.place for unit in told.units} | {unit.zone for unit in told.units}
    if not written:
        return ()
    if written in slugs:
        return (written,)
    try:
        name = reference.area(written).name
    except InvalidParameter:
        passed.append(text("choices-unknown-area", value=written[:40]))
        return ()
    for unit in told.units:
        if name in (unit.zone_name, unit.place_name):
            return (unit.zone if name == unit.zone_name else unit.place,)
    passed.append(text("release-passed-area", name=name))
    return ()


def context(released: Released, chosen: Chosen, reference: Reference) -> dict[str, Any]:
    """Collect everything the template shows about one answer."""
    told = released.part(chosen.asked.period)
    answer = told.answer(chosen.asked, chosen.detail)
    profile, header = reference.profile, released.header
    return {
        "periods": [Choice(each, period_name(each)) for each in released.periods()],
        "themes": [Choice(f"{THEME_PREFIX}{each}", theme_name(each)) for each in told.themes],
        "blocks": [Choice(each, block_name(each, profile)) for each in told.blocks],
        "places": _places(told),
        "details": [Choice(each, text(f"release-detail-{each}")) for each in DETAILS],
        "chosen": {
            "place": "".join(chosen.asked.places),
            "theme": "".join(f"{THEME_PREFIX}{each}" for each in chosen.asked.themes),
            "block": "".join(chosen.asked.blocks),
            "period": chosen.asked.period,
            "detail": chosen.detail,
        },
        "passed_over": chosen.passed_over,
        "total": answer.total,
        "number": number_said(answer.low, answer.total),
        "asked_for": _asked_for(chosen.asked, told, profile),
        "wider": _wider(answer, chosen.asked, told, profile),
        "rows": rows_of(answer, chosen.asked, told, profile),
        "period_name": period_name(chosen.asked.period),
        "query": urlencode(query_of(chosen)),
        "source": of_release(header),
        "edition": {
            "number": header.number,
            "house": header.house,
            "digest": header.digest[:12],
            "signed_by": header.signed_by,
            "created": header.created_at.date().isoformat(),
            "k": header.settings.get("k"),
            "spots": header.settings.get("spots"),
        },
        "sensitive": _sensitive(released, chosen.asked.period),
        "words": map_page.words(),
        "synthetic": header.synthetic,
    }


def page(told: dict[str, Any] | None, role: str) -> dict[str, Any]:
    """Collect what the page of a map says about an answer; None: nothing is released yet."""
    if told is None:
        return {"mapped": False, "told": None, "words": {}}
    left = ["left-out-points", "left-out-small", "left-out-later"]
    hidden = () if role != PUBLIC else ("observationer",)
    return {
        "mapped": True,
        "told": told,
        "words": told["words"],
        "passed_over": told["passed_over"],
        "asked_for": told["asked_for"],
        "synthetic": told["synthetic"],
        "layers": map_page.layer_choices(tuple(each for each in LAYERS if each not in hidden)),
        "left_out": [text(code) for code in (*left, *(("left-out-seen",) if hidden else ()))],
        "sheet": [
            told["source"],
            text("sheet-method-release"),
            text("caveat"),
        ],
    }


def _sensitive(released: Released, period: str) -> int | None:
    """Give the year's number of sensitive codes in the whole municipality; None: not told."""
    if period not in released.periods(SENSITIVE):
        return None
    return released.answer(Asked(period=period, product=SENSITIVE)).total


def query_of(chosen: Chosen) -> dict[str, str]:
    """Write the question as parameters of the collection that gives the map the same numbers."""
    asked = chosen.asked
    pairs = {
        "period": asked.period,
        "theme": ",".join(asked.themes),
        "block": ",".join(asked.blocks),
        "place": ",".join(asked.places),
        "detail": chosen.detail,
    }
    return {name: value for name, value in pairs.items() if value}


def _places(told: Told) -> list[Choice]:
    """Offer places and, below each that has several, its zones."""
    made: list[Choice] = []
    for place in dict.fromkeys(unit.place for unit in told.units):
        inside = [unit for unit in told.units if unit.place == place]
        made.append(Choice(place, inside[0].place_name))
        zones = {unit.zone: unit.zone_name for unit in inside}
        if len(zones) > 1:
            ordered = sorted(zones.items(), key=lambda pair: pair[1])
            made += [Choice(slug, f"– {name}") for slug, name in ordered]
    return made


def rows_of(answer: Answer, asked: Asked, told: Told, profile: Profile) -> list[Row]:
    """Say the numbers in order."""
    return [_row(each, answer, asked, told, profile) for each in in_order(answer.shown)]


def in_order(shown: Iterable[Shown]) -> list[Shown]:
    """Put the largest number first and equal ones by name; then, by name, those not exact.

    Of two that only say how many there are at most, neither is known to be the larger.
    """
    return sorted(shown, key=lambda each: (not each.exact, -each.count * each.exact, each.name))


def number_said(low: int, high: int) -> str:
    """Write a number of a release, or the two numbers that it lies between."""
    if low == high:
        return number(high)
    if not low:
        return text("when-at-most", n=number(high))
    return text("when-from-to", low=number(low), high=number(high))


def _row(shown: Shown, answer: Answer, asked: Asked, told: Told, profile: Profile) -> Row:
    found = shown.finding
    verdict = "" if found is None or found.verdict is None else found.verdict
    reason = "" if found is None or not found.reasons else found.reasons.split()[0]
    return Row(
        key=f"{answer.period}.{shown.units[0]}",
        name=_place_name(shown, told),
        count=shown.count,
        exact=shown.exact,
        number=number_said(shown.low, shown.count),
        wider=_wider(shown, asked, told, profile),
        verdict=text(f"verdict-{verdict}") if verdict else "",
        why=text(f"why-{reason}") if verdict and reason else "",
        trend=_trend(shown),
    )


def _place_name(shown: Shown, told: Told) -> str:
    """Name what a number lies on: a place, a cell by what is near it, or some parts of a place."""
    if shown.label:
        return text("release-cell", place=shown.name, near=shown.label)
    held = set(shown.units)
    whole = {unit.number for unit in told.units if unit.zone in shown.zones}
    return shown.name if whole <= held else text("release-parts-of", place=shown.name)


def _trend(shown: Shown) -> str:
    """Say how a number stands to the same one a year earlier."""
    found = shown.finding
    if found is None or found.trend is None or found.before is None:
        return ""
    return text(f"release-trend-{found.trend}", before=found.before)


def _wider(answer: Answer | Shown, asked: Asked, told: Told, profile: Profile) -> str:
    """Say what else is in a number, where single parts are too small to be told apart."""
    more = [
        *(theme_name(each) for each in _beyond(answer.themes, asked.themes)),
        *(_inside(block_name(each, profile)) for each in _beyond(answer.blocks, asked.blocks)),
    ]
    if asked.places:
        shown = answer.shown if isinstance(answer, Answer) else (answer,)
        met = {number for each in shown for number in each.units}
        beyond = {
            unit.zone_name
            for unit in told.units
            if unit.number in met and not {unit.place, unit.zone} & set(asked.places)
        }
        more += _shortened(sorted(beyond))
    return text("release-wider", more=", ".join(more)) if more else ""


def _inside(words: str) -> str:
    """Write words as they stand inside a sentence."""
    return words[:1].lower() + words[1:]


def _shortened(names: list[str]) -> list[str]:
    """Name a few places, and say how many more there are."""
    if len(names) <= NAMED:
        return names
    return [*names[:NAMED], text("release-more-places", more=len(names) - NAMED)]


def _beyond(held: tuple[str, ...], asked: tuple[str, ...]) -> list[str]:
    return [each for each in held if each not in asked] if asked else []


def _asked_for(asked: Asked, told: Told, profile: Profile) -> str:
    """Say in words what was asked for."""
    names = {unit.place: unit.place_name for unit in told.units}
    names |= {unit.zone: unit.zone_name for unit in told.units}
    return " · ".join(
        (
            ", ".join(names[each] for each in asked.places) or text("release-everywhere"),
            ", ".join(block_name(each, profile) for each in asked.blocks)
            or text("release-any-time"),
            ", ".join(theme_name(each) for each in asked.themes) or text("release-any-theme"),
            period_name(asked.period),
        )
    )


def period_name(period: str) -> str:
    """Name a period: a year, or a tertial of one."""
    year, dash, tertial = period.partition("-T")
    return text(f"release-tertial-{tertial}", year=year) if dash else year


def block_name(slug: str, profile: Profile) -> str:
    """Name a block of time: by the profile's window of that name, or the time between them."""
    return window_label(profile, slug) or text("release-other-time")
