"""What the page of change says of a release: two of its periods, and what it found itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app import features, release_page
from app.block_page import bounds_said
from app.change_page import AGAINST, LOOKS, Column, Row, Small, seen, stills, view
from app.map_page import Choice, theme_name
from app.release_page import THEME_PREFIX, period_name
from app.told_ground import UNMAPPED, classes_of, coloured, ground_of
from app.when_page import AREA_LINE
from geo.change import DECREASED, INCREASED, UNCHANGED, UNKNOWN
from pipelines import comparison, when, wording
from pipelines.picture import Shape
from pipelines.reference import Reference
from pipelines.released import PLACE, ZONE, Asked, Released, Told
from pipelines.texts import listed, text
from pipelines.when import Bounds
from store.releases import Finding, Part

Json = dict[str, object]
SIGNS = {INCREASED: "▲", DECREASED: "▼", UNKNOWN: "?"}


def told(released: Released, given: Mapping[str, str], reference: Reference) -> dict[str, object]:
    """Collect what others than analysts see: numbers of the release, never subtracted."""
    chosen = release_page.choose(given, released, reference)
    periods = released.periods()
    context: dict[str, object] = {
        "periods": [Choice(each, period_name(each)) for each in periods],
        "passed_over": list(chosen.passed_over),
        "kept": {"fonster": given.get("fonster", ""), **seen(given)},
        "view": view(given),
        "synthetic": released.header.synthetic,
        "asked_query": release_page.query_of(chosen),
        "chosen": {
            "omrade": "".join(chosen.asked.places),
            "typ": "".join(f"{THEME_PREFIX}{each}" for each in chosen.asked.themes),
        },
    }
    after = chosen.asked.period
    earlier = _earlier(released, after)
    written = given.get(AGAINST, "")
    if written and written not in earlier:
        context["passed_over"] = [*chosen.passed_over, text("change-not-before")]
    later = next((each for each in periods if _earlier(released, each)), "")
    if not earlier and later:
        after, earlier = later, _earlier(released, later)
        context["passed_over"] = [*chosen.passed_over, text("change-no-counterpart")]
    part = released.part(after)
    context["themes_offered"] = [
        Choice(f"{THEME_PREFIX}{each}", theme_name(each)) for each in part.themes
    ]
    named = {unit.place: unit.place_name for unit in part.units}
    context["places"] = [Choice(slug, name) for slug, name in named.items()]
    if not earlier:
        return context | {"empty": text("change-one-release-period", period=period_name(after))}
    before = written if written in earlier else earlier[0]
    context |= {
        "two": {"before": before, "after": after},
        "earlier": [Choice(each, period_name(each)) for each in earlier],
    }
    asked = replace(chosen.asked, period=after)
    return context | _Pair(released, asked, (before, after), reference).shown()


def _earlier(released: Released, period: str) -> list[str]:
    """List the earlier periods of the same length: the same a year before first, else the latest.

    A year beside a third of one says more of the calendar than of the place.
    """
    later = released.part(period).part
    parts = [released.part(each).part for each in released.periods()]
    fitting = [
        each
        for each in parts
        if each.after_day <= later.first_day and _months(each) == _months(later)
    ]
    wanted = comparison.year_before(later.first_day)
    fitting.sort(key=lambda each: each.first_day != wanted)
    return [each.period for each in fitting]


def _months(part: Part) -> int:
    first, after = part.first_day, part.after_day
    return (after.year - first.year) * 12 + after.month - first.month


@dataclass(frozen=True, slots=True)
class _Pair:
    """One question to two periods of a release."""

    released: Released
    asked: Asked
    periods: tuple[str, str]
    reference: Reference

    @property
    def parts(self) -> tuple[Told, Told]:
        """Give the earlier and the later period."""
        before, after = (self.released.part(each) for each in self.periods)
        return before, after

    def shown(self) -> dict[str, object]:
        """Make tables, charts and maps."""
        names = {"before": period_name(self.periods[0]), "after": period_name(self.periods[1])}
        grounds = self._grounds()
        rows = [self._row(key, name) for key, name in grounds.items()]
        themes = [] if self.asked.themes else self._themes()
        words = [", ".join(grounds.values()) if self.asked.places else text("release-everywhere")]
        words.append(", ".join(map(theme_name, self.asked.themes)) or text("release-any-theme"))
        blocks = self.asked.blocks
        profile = self.reference.profile
        words += [release_page.block_name(each, profile) for each in blocks]
        return {
            "empty": "",
            "words": [*words, text("change-against", **names)],
            "names": names,
            "lead": _told_lead(rows),
            "areas": rows,
            "themes": themes,
            "notes": [text("change-told-how")],
            "themes_note": "" if len(self.asked.places) == 1 else text("change-themes-told"),
            "charts": self._charts(grounds),
            "key": _told_key(),
            **self._maps(grounds),
        }

    def _grounds(self) -> dict[str, str]:
        """Name the places of the answer, or of one place the zones that it has."""
        units = self.parts[1].units
        if not self.asked.places:
            return {unit.place: unit.place_name for unit in units}
        wanted = set(self.asked.places)
        return {unit.zone: unit.zone_name for unit in units if wanted & {unit.place, unit.zone}}

    def _bounds(self, asked: Asked) -> tuple[Bounds, Bounds]:
        before, after = (when.between(part, asked) for part in self.parts)
        return before, after

    def _row(self, key: str, name: str, theme: str = "") -> Row:
        places = (key,) if key else self.asked.places
        asked = replace(self.asked, places=places, themes=(theme,) if theme else self.asked.themes)
        before, after = self._bounds(asked)
        found = self._finding(asked)
        slug = UNKNOWN if found is None or found.trend is None else found.trend
        return Row(name, _or_none(before), _or_none(after), "", "", _change(slug, found), slug)

    def _finding(self, asked: Asked) -> Finding | None:
        """Find what the release itself says of a place against the year before."""
        if len(asked.places) != 1 or not self._a_year_apart():
            return None
        part = self.parts[1]
        level = PLACE if any(unit.place == asked.places[0] for unit in part.units) else ZONE
        shown = part.answer(asked, level).shown
        return shown[0].finding if len(shown) == 1 and shown[0].exact else None

    def _a_year_apart(self) -> bool:
        before, after = (part.part for part in self.parts)
        return comparison.year_before(after.first_day) == before.first_day

    def _themes(self) -> list[Row]:
        place = "".join(self.asked.places)
        known = set(self.parts[0].themes)
        return [
            self._row(place, theme_name(theme), theme)
            for theme in self.parts[1].themes
            if theme in known
        ]

    def _charts(self, grounds: Mapping[str, str]) -> list[Small]:
        """Tell each place in every period, the oldest first."""
        made = []
        for key, name in grounds.items():
            columns = []
            for period in reversed(self.released.periods()):
                part = self.released.part(period)
                if not any(key in (unit.place, unit.zone) for unit in part.units):
                    continue
                found = when.between(part, self._known(replace(self.asked, places=(key,)), part))
                said = str(found.high) if found.exact else f"{found.low}–{found.high}"
                here = period in self.periods
                columns.append(Column(period, "", found.low, found.high, said, here))
            made.append(Small(key, name, tuple(columns)))
        return made

    def _known(self, asked: Asked, part: Told) -> Asked:
        """Ask another period for what it knows of the same."""
        themes = tuple(each for each in asked.themes if each in part.themes)
        return replace(asked, period=part.part.period, themes=themes or asked.themes)

    def _maps(self, grounds: Mapping[str, str]) -> dict[str, object]:
        part = self.parts[1]
        made, shapes = [], [[], [], []]  # type: ignore[var-annotated]
        lying = []
        for key, name in grounds.items():
            own = [unit for unit in part.units if key in (unit.place, unit.zone)]
            lies = None if any(each.kind in UNMAPPED for each in own) else ground_of(part, own)
            if lies is not None:
                before, after = self._bounds(replace(self.asked, places=(key,)))
                lying.append((key, name, lies, before, after, self._row(key, name).slug))
        classes = classes_of(found for row in lying for found in row[3:5])
        for key, name, lies, before, after, slug in lying:
            look = {INCREASED: "more-sure", DECREASED: "fewer-sure"}.get(slug, "same")
            sign = SIGNS.get(slug, "=")
            properties = {
                "name": name,
                "before": before.high,
                "after": after.high,
                "before_exact": before.exact,
                "after_exact": after.exact,
                "before_label": _or_none(before),
                "after_label": _or_none(after),
                "sign": sign,
                "look": look,
            }
            made.append(features.feature(key, features.outline(lies), properties))
            for own_shapes, found in zip(shapes, (before, after), strict=False):
                drawn = coloured(lies, found, classes)
                own_shapes.append(replace(drawn, label=_or_none(found)))
            shapes[2].append(Shape(lies, LOOKS[look], AREA_LINE, label=sign))
        names = [period_name(each) for each in self.periods]
        return {
            "cells": {"type": "FeatureCollection", "features": made},
            "stills": stills(shapes, names[0], names[1], self.reference),
        }


def _change(slug: str, found: Finding | None) -> str:
    """Say which way a number went, with the interval where the release has one."""
    said = wording.change(slug)
    if found is None or found.trend_low is None or found.trend_high is None:
        return said
    low, high = (wording.decimal(each, 2) for each in (found.trend_low, found.trend_high))
    return text("change-interval", change=said, low=low, high=high)


def _or_none(found: Bounds) -> str:
    return bounds_said(found) if found.high else text("change-not-told")


def _told_lead(rows: Sequence[Row]) -> str:
    """Say in one sentence how many places became better or worse off, as the release says it."""
    said = []
    for slug in (INCREASED, DECREASED, UNCHANGED, UNKNOWN):
        n = sum(row.slug == slug for row in rows)
        if n:
            said.append(text(f"change-told-{slug}", n=n))
    return text("change-told-lead", places=listed(said))


def _told_key() -> list[tuple[str, str]]:
    return [
        (LOOKS["more-sure"], f"▲ {wording.change(INCREASED)}"),
        (LOOKS["fewer-sure"], f"▼ {wording.change(DECREASED)}"),
        (LOOKS["same"], text("change-look-told-same")),
    ]
