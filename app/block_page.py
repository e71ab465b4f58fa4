"""What the page of hot times says of a release: the week in blocks, place by place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import shapely
from markupsafe import Markup

from app import features, map_page, place_words, release_page
from app.map_page import theme_name
from app.release_page import block_name, period_name
from app.told_ground import UNMAPPED, classes_of, coloured, ground_of
from app.when_page import KEY, Pick, drawn, href
from geo.profile import Profile
from pipelines import told_places, when, wording
from pipelines.reference import Reference
from pipelines.release_parts import OTHER_TIMES
from pipelines.released import PLACE, ZONE, Asked, Released, Told
from pipelines.texts import text
from pipelines.when import Bounds

Json = dict[str, object]
CHOSEN = "vald"


@dataclass(frozen=True, slots=True)
class Number:
    """What the release tells of one place and block."""

    said: str
    low: int
    high: int
    exact: bool
    rate: str  # events per 100 hours; "" where the number is not exact
    wider: str  # what else is in it
    name: str  # of the block
    under: str  # when that is, and how many hours of it the period has
    here: bool


@dataclass(frozen=True, slots=True)
class Telling:
    """A place of which the release can tell when most happens, and the link that shows it."""

    name: str
    said: str
    href: str


@dataclass(frozen=True, slots=True)
class Spot:
    """A place with a number for each block."""

    key: str
    name: str
    href: str
    here: bool
    total: str
    numbers: tuple[Number, ...]


def told(released: Released, given: Mapping[str, str], reference: Reference) -> dict[str, object]:
    """Collect everything that others than analysts see: numbers of the release only."""
    chosen = release_page.choose(given, released, reference)
    part = released.part(chosen.asked.period)
    desk = _Blocks(part, replace(chosen.asked, blocks=()), chosen.asked.blocks, reference)
    spots = desk.spots(given.get(CHOSEN, ""))
    here = next((spot for spot in spots if spot.here), None)
    week = desk.chart(here)
    area = "".join(chosen.asked.places)
    passed = list(chosen.passed_over)
    written = given.get(CHOSEN, "")
    if written.startswith(KEY):
        passed.append(text("task-only-cells"))
    elif written and here is None:
        passed.append(text("when-unknown-place", value=written[:40]))
    return {
        "periods": [map_page.Choice(each, period_name(each)) for each in released.periods()],
        "themes": [
            map_page.Choice(f"{release_page.THEME_PREFIX}{each}", theme_name(each))
            for each in part.themes
        ],
        "places": desk.places(),
        "chosen": {
            "omrade": area,
            "typ": "".join(f"{release_page.THEME_PREFIX}{each}" for each in chosen.asked.themes),
            "period": chosen.asked.period,
        },
        "kept": {"fonster": "".join(chosen.asked.blocks)},
        "words": desk.words(),
        "passed_over": passed,
        "spots": spots,
        "blocks": desk.picks(here),
        "week": week,
        "tellable": None if any(each.exact for each in week) else desk.tellable(),
        "chart_of": desk.words()[0] if here is None else here.name,
        "clear": desk.clear(here),
        "said": desk.said(),
        "cells": desk.collection(spots),
        "picked": "" if here is None else here.key,
        "still": desk.still(spots),
        "synthetic": released.header.synthetic,
        "asked_query": release_page.query_of(chosen),
    }


@dataclass(frozen=True, slots=True)
class _Blocks:
    """One question to a release, for every block of the week and place."""

    told: Told
    asked: Asked  # of all blocks
    block: tuple[str, ...]  # the chosen one
    reference: Reference

    @property
    def profile(self) -> Profile:
        """Give the rules of windows and themes."""
        return self.reference.profile

    def words(self) -> tuple[str, str, str]:
        """Say area, theme and period."""
        names = {unit.zone: unit.zone_name for unit in self.told.units}
        names |= {unit.place: unit.place_name for unit in self.told.units}
        area = ", ".join(names[each] for each in self.asked.places)
        themes = ", ".join(theme_name(each) for each in self.asked.themes)
        return (
            area or text("release-everywhere"),
            themes or text("release-any-theme"),
            period_name(self.asked.period),
        )

    def places(self) -> list[map_page.Choice]:
        """Offer the places of the release."""
        named = {unit.place: unit.place_name for unit in self.told.units}
        return [map_page.Choice(slug, name) for slug, name in named.items()]

    def grounds(self) -> dict[str, str]:
        """Name the places of the answer, or of one place the zones that it has."""
        if not self.asked.places:
            return {unit.place: unit.place_name for unit in self.told.units}
        wanted = set(self.asked.places)
        inside = [unit for unit in self.told.units if wanted & {unit.place, unit.zone}]
        return {unit.zone: unit.zone_name for unit in inside}

    def _base(self, key: str) -> dict[str, str]:
        themes = "".join(f"{release_page.THEME_PREFIX}{each}" for each in self.asked.themes)
        return {
            "omrade": "".join(self.asked.places),
            "typ": themes,
            "period": self.asked.period,
            "fonster": "".join(self.block),
            CHOSEN: key,
        }

    def spots(self, picked: str) -> list[Spot]:
        """Tell every place and block."""
        made = []
        for key, name in self.grounds().items():
            own = replace(self.asked, places=(key,))
            made.append(
                Spot(
                    key=key,
                    name=name,
                    href=href(self._base(key)),
                    here=key == picked,
                    total=bounds_said(when.between(self.told, own)),
                    numbers=tuple(self._numbers(own)),
                )
            )
        return made

    def chart(self, here: Spot | None) -> tuple[Number, ...]:
        """Give the bars: of the chosen place, or of all that was asked for."""
        return tuple(self._numbers(self.asked)) if here is None else here.numbers

    def tellable(self) -> list[Telling]:
        """List the places, or zones of one, of which the release can tell when most happens."""
        level = ZONE if self.asked.places else PLACE
        themes = told_places.seen_themes(self.profile)
        made = []
        for shown in release_page.in_order(self.told.answer(self.asked, level).shown):
            grounds = shown.zones if self.asked.places else shown.places
            found = told_places.mostly(self.told, shown, self.asked, level, themes)
            if found is None or len(grounds) > 1 or found.block == OTHER_TIMES:
                continue
            theme = f"{release_page.THEME_PREFIX}{found.theme}" if found.theme else ""
            chosen = {"typ": theme} if theme else {}
            said = place_words.mostly(found, self.profile)
            made.append(Telling(shown.name, said, href(self._base(grounds[0]), **chosen)))
        return made

    def _numbers(self, asked: Asked) -> list[Number]:
        lasts = when.block_hours(self.told, self.profile)
        made = []
        for block in self._ordered():
            found = when.between(self.told, replace(asked, blocks=(block,)))
            rate = 100 * found.low / lasts[block] if found.exact and lasts.get(block) else None
            made.append(
                Number(
                    said=bounds_said(found),
                    low=found.low,
                    high=found.high,
                    exact=found.exact,
                    rate="" if rate is None else wording.decimal(rate),
                    wider=self._wider(found),
                    name=short_name(block, self.profile),
                    under=self._under(block, lasts.get(block, 0.0)),
                    here=block in self.block,
                )
            )
        return made

    def _ordered(self) -> list[str]:
        """Put the blocks in the order of the profile's windows, and what is left last."""
        order = [window.name for window in self.profile.windows]
        return sorted(
            self.told.blocks, key=lambda each: order.index(each) if each in order else len(order)
        )

    def _under(self, block: str, hours: float) -> str:
        """Say when a block is, and how long it lasts in all."""
        _, _, spans = block_name(block, self.profile).partition(" (")
        lasts = text("when-hours-long", hours=round(hours))
        return f"{spans.removesuffix(')')} · {lasts}" if spans else lasts

    def _wider(self, found: Bounds) -> str:
        if found.exact:
            return ""
        more = [theme_name(each) for each in found.themes]
        if len(found.blocks) == len(self.told.blocks) - 1:
            more.append(text("when-all-other-times"))
        else:
            more += [short_name(each, self.profile) for each in found.blocks]
        return text("when-wider", more=", ".join(more)) if more else text("when-wider-places")

    def picks(self, here: Spot | None) -> list[Pick]:
        """Offer each block."""
        base = self._base("" if here is None else here.key)
        return [
            Pick(short_name(each, self.profile), href(base, fonster=each), each in self.block)
            for each in self._ordered()
        ]

    def clear(self, here: Spot | None) -> list[Pick]:
        """Offer to take off what is chosen."""
        made = []
        key = "" if here is None else here.key
        if self.block:
            made.append(
                Pick(text("when-clear-block"), href(self._base(key), fonster=""), here=False)
            )
        if here is not None:
            made.append(Pick(text("when-clear-place"), href(self._base("")), here=False))
        return made

    def said(self) -> str:
        """Say what the map shows."""
        found = when.between(self.told, replace(self.asked, blocks=self.block))
        block = ", ".join(block_name(each, self.profile) for each in self.block)
        return text("when-told", block=block or text("release-any-time"), number=bounds_said(found))

    def _mapped(self, spots: list[Spot]) -> list[tuple[Spot, shapely.Geometry, Bounds]]:
        """Give the places that lie somewhere, with their number in the chosen block."""
        made = []
        for spot in spots:
            own = [unit for unit in self.told.units if spot.key in (unit.place, unit.zone)]
            if any(unit.kind in UNMAPPED for unit in own):
                continue
            asked = replace(self.asked, places=(spot.key,), blocks=self.block)
            lies = ground_of(self.told, own)
            if lies is not None:
                made.append((spot, lies, when.between(self.told, asked)))
        return made

    def collection(self, spots: list[Spot]) -> Json:
        """Give the places to the map; a place whose number may be 0 still has its highest."""
        made = [
            features.feature(
                spot.key,
                features.outline(lies),
                {
                    "count": found.high,
                    "exact": found.exact,
                    "name": spot.name,
                    "label": bounds_said(found),
                },
            )
            for spot, lies, found in self._mapped(spots)
        ]
        return {"type": "FeatureCollection", "features": made}

    def still(self, spots: list[Spot]) -> Markup:
        """Draw the map for readers without scripts."""
        mapped = self._mapped(spots)
        classes = classes_of(found for _, _, found in mapped)
        shapes = [
            replace(coloured(lies, found, classes), title=f"{spot.name}: {bounds_said(found)}")
            for spot, lies, found in mapped
        ]
        return drawn(shapes, self.reference, text("when-picture-places"))


def short_name(block: str, profile: Profile) -> str:
    """Name a block without its hours."""
    return block_name(block, profile).partition(" (")[0]


def bounds_said(found: Bounds) -> str:
    """Write a number of a release, or the two numbers it lies between."""
    return release_page.number_said(found.low, found.high)
