"""What the page of hot times says: the week hour by hour for analysts, in blocks for all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from urllib.parse import urlencode

import numpy as np
import shapely
import sqlalchemy as sa
from markupsafe import Markup
from numpy.typing import NDArray

from app import features, map_page, release_page
from app.choices import EVERY_WINDOW, Choices, pickers
from app.map_page import theme_name, window_label
from app.release_page import block_name, period_name
from geo import cells as grid
from geo.aoristic import DAY_HOURS, WEEK_HOURS
from geo.errors import InvalidParameter
from geo.hot_times import HotTimes, HotTimesTable, Peak
from geo.profile import Profile
from geo.windows import WHOLE_EVENT_SHARE
from pipelines import colours, picture, scale, when, wording
from pipelines import events as reported
from pipelines.answers import MUNICIPALITY, Basis
from pipelines.picture import Shape
from pipelines.questions import Question
from pipelines.reference import Reference
from pipelines.released import Asked, Released, Shown, Told, ground
from pipelines.texts import day_name, text
from pipelines.when import Bounds, Week
from store.releases import Unit
from store.runs import Run

Json = dict[str, object]
HOURS, CHOSEN, SIZE = "timmar", "vald", "rutor"
KEY = "cells:"  # before a cell's name, as the map's links have it
IN_AREA, IN_TOWN = 10, 9  # resolutions: an area is a handful of the larger cells
UNSURE = 0.5  # of an hour's weight: from there on it is marked
SOME = 0.05  # of an event: less is not written
PICTURE = (640, 480)
AREA_LINE, CHOSEN_LINE, LAND = "#0b6e7f", "#17323d", "#eef0ec"
UNMAPPED = ("rest", "unknown", "several")  # ground that is no place of its own
DAYS = range(1, 8)
KEPT = 64  # grounds of places of a release


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of the week in the matrix."""

    hour: int  # 0..167
    count: int
    weight: str
    step: int  # of the colour scale; 0: nothing
    unsure: bool
    chosen: bool
    label: str  # read aloud


@dataclass(frozen=True, slots=True)
class Line:
    """One hour of the day, on every day of the week."""

    name: str
    href: str  # chooses it on every day
    hours: tuple[Hour, ...]


@dataclass(frozen=True, slots=True)
class Pick:
    """A link that chooses."""

    label: str
    href: str
    here: bool


@dataclass(frozen=True, slots=True)
class Link:
    """What a link chooses beside area, theme and period."""

    hours: tuple[int, ...]
    cell: int | None
    resolution: int
    passed_over: tuple[str, ...]


# --- analysts


def read(given: Mapping[str, str], chosen: Choices) -> Link:
    """Read hours, cell and size of cells; what cannot be read is passed over, and said."""
    passed: list[str] = []
    hours: tuple[int, ...] = ()
    try:
        hours = when.read_hours(given[HOURS]) if given.get(HOURS) else ()
    except InvalidParameter:
        passed.append(text("when-unknown-hours", value=given[HOURS][:40]))
    local = chosen.area is not None and chosen.area.kind != MUNICIPALITY
    size = given.get(SIZE, "")
    sizes = {str(each): each for each in grid.RESOLUTIONS}
    resolution = sizes.get(size, IN_AREA if local else IN_TOWN)
    cell = _cell(given.get(CHOSEN, "").removeprefix(KEY), passed)
    if cell is not None and not size:
        resolution = grid.resolution(cell)
    elif cell is not None and grid.resolution(cell) != resolution:
        cell = None  # of cells of another size
    return Link(hours, cell, resolution, tuple(passed))


def _cell(written: str, passed: list[str]) -> int | None:
    if not written:
        return None
    try:
        cell = grid.parse(written)
    except InvalidParameter:
        cell = 0
    if cell and grid.resolution(cell) in grid.RESOLUTIONS:
        return cell
    passed.append(text("when-unknown-cell", value=written[:40]))
    return None


def exact(
    connection: sa.Connection, on: Basis, chosen: Choices, given: Mapping[str, str]
) -> dict[str, object]:
    """Collect everything the analysts' page shows."""
    link, profile = read(given, chosen), on.reference.profile
    context: dict[str, object] = {
        "pickers": pickers(on.reference, on.run),
        "chosen": chosen.given,
        "kept": {HOURS: when.write_hours(link.hours), SIZE: given.get(SIZE, "")},
        "words": [chosen.words[0], *chosen.words[2:]],
        "projection": map_page.projection(profile),
        "passed_over": [*chosen.passed_over, *link.passed_over],
        "empty": text("when-no-run"),
        "rows": 0,
    }
    if on.run is None:
        return context
    every = reported.found(connection, on, replace(chosen.question, window=EVERY_WINDOW))
    if not every.of.count.sum():
        return context | {"empty": text("when-nothing", words=" · ".join(chosen.words))}
    week = when.week(every, profile.timezone, _period(on.run, chosen.question))
    desk = _Desk(on, chosen, link, _base(chosen, link, given))
    return context | {"empty": "", "rows": int(every.of.count.sum())} | desk.shown(week)


def _period(run: Run, question: Question) -> tuple[datetime, datetime]:
    start, end = run.period_start, run.period_end
    if question.period is not None:
        start = max(start, question.period.start or start)
        end = min(end, question.period.end or end)
    return start, end


def _base(chosen: Choices, link: Link, given: Mapping[str, str]) -> dict[str, str]:
    """Give what every link on the page keeps."""
    kept = {name: value for name, value in chosen.given.items() if name != "fonster"}
    kept[SIZE] = given.get(SIZE, "")
    kept[CHOSEN] = "" if link.cell is None else KEY + grid.name(link.cell)
    return kept


def _href(base: Mapping[str, str], **changes: str) -> str:
    pairs = {name: value for name, value in {**base, **changes}.items() if value}
    return "?" + urlencode(pairs, safe=",:")


@dataclass(frozen=True, slots=True)
class _Desk:
    """Who asks for what: makes the parts of the analysts' page from one week of events."""

    on: Basis
    chosen: Choices
    link: Link
    base: dict[str, str]

    @property
    def window(self) -> str:
        """Name the window that is chosen where no hours are."""
        return EVERY_WINDOW if self.link.hours else self.chosen.question.window

    @property
    def hours(self) -> tuple[int, ...]:
        """List the chosen hours; none is the whole week."""
        if self.window == EVERY_WINDOW:
            return self.link.hours
        windows = self.on.reference.profile.windows
        return when.window_hours(next(each for each in windows if each.name == self.window))

    def shown(self, week: Week) -> dict[str, object]:
        """Make matrix, sentences, map and picture."""
        inside, profile = self._inside(week), self.on.reference.profile
        cells, counts = when.in_cells(week.events, inside, self.link.resolution)
        total, mapped = int(week.events.of.count[inside].sum()), int(counts.sum())
        spread = week.events.of.count[inside & (week.hour == when.SPREAD)].sum()
        own = week
        if self.link.cell is not None:
            here = week.events.where(when.in_cell(week.events, self.link.cell))
            own = when.week(here, profile.timezone, _period(self.on.run, self.chosen.question))  # type: ignore[arg-type]
        classes = scale.classes([int(each) for each in own.table.whole.ravel() if each])
        return {
            "matrix": self._lines(own.table, classes),
            "days": self._days(),
            "classes": [(_step(one.colour), one.label) for one in classes],
            "table": own.table,
            "peaks": self._peaks(own.table.peaks),
            "no_peaks": _no_peaks(own.table),
            "notes": _notes(own.table),
            "of_cell": self.link.cell is not None,
            "picks": self._picks(),
            "clear": self._clear(),
            "said": self._said(total, mapped, int(spread)),
            "spread": int(spread),
            "total": total,
            "mapped": mapped,
            "cells": _collection(cells, counts),
            "picked": "" if self.link.cell is None else grid.name(self.link.cell),
            "hours_chosen": when.write_hours(self.hours),
            "size": self.link.resolution,
            "still": self._still(cells, counts),
        }

    def _inside(self, week: Week) -> NDArray[np.bool_]:
        """Mark the events of the chosen hours: of a window, those that the map counts in it."""
        if self.link.hours:
            return when.held(week, self.link.hours)
        if self.window == EVERY_WINDOW:
            return np.ones(week.hour.shape, dtype=bool)
        windowed = reported.in_window(week.events, self.on.reference.profile, self.window)
        return windowed.share >= WHOLE_EVENT_SHARE

    def _lines(self, table: HotTimesTable, classes: list[scale.Class]) -> list[Line]:
        lit = set(self.hours)
        lines = []
        for hour in range(DAY_HOURS):
            of_week = [hour + DAY_HOURS * day for day in range(7)]
            lines.append(
                Line(
                    name=f"{hour:02d}–{hour + 1:02d}",
                    href=_href(self.base, timmar=when.write_hours(of_week)),
                    hours=tuple(_hour(each, table, classes, lit) for each in of_week),
                )
            )
        return lines

    def _days(self) -> list[Pick]:
        """Offer each day whole."""
        made = []
        for day in DAYS:
            hours = range(DAY_HOURS * (day - 1), DAY_HOURS * day)
            href = _href(self.base, timmar=when.write_hours(hours))
            made.append(Pick(day_name(day), href, self.link.hours == tuple(hours)))
        return made

    def _picks(self) -> list[Pick]:
        """Offer the windows of the profile, and the whole week."""
        nothing = not self.link.hours
        return [
            Pick(
                map_page.window_label(self.on.reference.profile, each.name),
                _href(self.base, fonster=each.name) if each.spans else _href(self.base),
                nothing and each.name == self.window,
            )
            for each in self.on.reference.profile.windows
        ]

    def _peaks(self, peaks: tuple[Peak, ...]) -> list[Pick]:
        """Say each peak as a sentence that chooses its hours."""
        made = []
        for peak in peaks:
            start = DAY_HOURS * (peak.weekday - 1) + peak.start_hour
            hours = sorted((start + each) % WEEK_HOURS for each in range(peak.hours))
            said = text(
                "when-peak",
                block=when.named_block(start, start + peak.hours),
                n=peak.count,
                expected=wording.decimal(peak.expected),
                weeks=peak.weeks,
            )
            here = tuple(hours) == self.link.hours
            made.append(Pick(said, _href(self.base, timmar=when.write_hours(hours)), here))
        return made

    def _clear(self) -> list[Pick]:
        """Offer to take off what is chosen."""
        made = []
        if self.hours:
            made.append(Pick(text("when-clear-hours"), _href(self.base), here=False))
        if self.link.cell is not None:
            kept = {"timmar": when.write_hours(self.link.hours)}
            if self.window != EVERY_WINDOW:
                kept["fonster"] = self.window
            made.append(
                Pick(text("when-clear-cell"), _href(self.base, vald="", **kept), here=False)
            )
        return made

    def _said(self, total: int, mapped: int, spread: int) -> str:
        """Say how many events the chosen hours hold, and how many of them the map shows."""
        words = when.named_hours(self.hours) if self.hours else text("when-whole-week")
        if self.window != EVERY_WINDOW:
            words = window_label(self.on.reference.profile, self.window)
        said = [text("when-said", hours=words, n=total, mapped=mapped)]
        if total > mapped:
            said.append(text("when-said-beside", n=total - mapped))
        if spread:
            said.append(text("when-said-spread", n=spread))
        return " ".join(said)

    def _still(self, cells: NDArray[np.int64], counts: NDArray[np.int64]) -> Markup:
        """Draw the map for readers without scripts."""
        classes = scale.classes(counts.tolist())
        shapes = [
            Shape(outline, one.colour if one else "none", "#ffffff", title=str(count))
            for outline, count in zip(grid.polygons(cells), counts.tolist(), strict=True)
            if (one := scale.class_of(classes, count)) or True
        ]
        return _drawn(shapes, self.on.reference, text("when-picture"))


def _step(colour: str) -> int:
    return colours.COUNTS.index(colour) + 1 if colour in colours.COUNTS else 0


def _hour(hour: int, table: HotTimesTable, classes: list[scale.Class], lit: set[int]) -> Hour:
    day, of_day = divmod(hour, DAY_HOURS)
    count, weight = int(table.whole[day, of_day]), float(table.weight[day, of_day])
    share = float(table.uncertain_share[day, of_day])
    one = scale.class_of(classes, count) if count else None
    unsure = weight >= SOME and share >= UNSURE
    label = text(
        "when-hour-unsure" if unsure else "when-hour",
        hour=when.named_block(hour, hour + 1),
        n=count,
        weight=wording.decimal(weight),
        share=round(100 * share),
    )
    return Hour(
        hour,
        count,
        wording.decimal(weight),
        _step(one.colour) if one else 0,
        unsure,
        hour in lit,
        label,
    )


def _no_peaks(table: HotTimesTable) -> str:
    if table.peaks:
        return ""
    needed = HotTimes().fewest_events
    if table.certain < needed:
        return text("when-too-few", n=table.certain, needed=needed)
    return text("when-no-peak", n=table.certain)


def _notes(table: HotTimesTable) -> list[str]:
    """Say what the matrix cannot tell."""
    said = []
    if table.spread:
        said.append(text("when-spread", n=table.spread, events=table.events))
    if table.events > table.certain:
        unsure = table.events - table.certain
        minutes = round(HotTimes().certain_within_minutes)
        said.append(text("when-uncertain", n=unsure, events=table.events, minutes=minutes))
    return [*said, text("when-habits")]


def _collection(cells: NDArray[np.int64], counts: NDArray[np.int64]) -> Json:
    outlines = grid.polygons(cells)
    made = [
        features.feature(grid.name(cell), features.outline(shape), {"count": count})
        for cell, shape, count in zip(cells.tolist(), outlines, counts.tolist(), strict=True)
    ]
    return {"type": "FeatureCollection", "features": made}


def _drawn(shapes: list[Shape], reference: Reference, alt: str) -> Markup:
    """Draw shapes under the outlines of the named areas."""
    areas = [
        Shape(row.outline, "none", AREA_LINE, 2, label=row.name)
        for row in reference.areas
        if row.kind != MUNICIPALITY
    ]
    made = picture.draw(
        [*shapes, *areas], epsg=reference.profile.metric_epsg, size=PICTURE, alt=alt
    )
    return Markup(made)  # noqa: S704 - every word in it is escaped there


# --- everybody else: what the release tells


@dataclass(frozen=True, slots=True)
class Number:
    """What the release tells of one place and block."""

    said: str
    low: int
    high: int
    rate: str  # events per 100 hours; "" where the number is not exact
    wider: str  # what else is in it
    name: str  # of the block
    under: str  # when that is, and how many hours of it the period has
    here: bool


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
    area = "".join(chosen.asked.places)
    passed = list(chosen.passed_over)
    if given.get(CHOSEN) and here is None:
        passed.append(text("when-unknown-place", value=given[CHOSEN][:40]))
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
        "week": desk.chart(here),
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
                    href=_href(self._base(key)),
                    here=key == picked,
                    total=bounds_said(when.between(self.told, own)),
                    numbers=tuple(self._numbers(own)),
                )
            )
        return made

    def chart(self, here: Spot | None) -> tuple[Number, ...]:
        """Give the bars: of the chosen place, or of all that was asked for."""
        return tuple(self._numbers(self.asked)) if here is None else here.numbers

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
            Pick(short_name(each, self.profile), _href(base, fonster=each), each in self.block)
            for each in self._ordered()
        ]

    def clear(self, here: Spot | None) -> list[Pick]:
        """Offer to take off what is chosen."""
        made = []
        key = "" if here is None else here.key
        if self.block:
            made.append(
                Pick(text("when-clear-block"), _href(self._base(key), fonster=""), here=False)
            )
        if here is not None:
            made.append(Pick(text("when-clear-place"), _href(self._base("")), here=False))
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
                {"count": found.high, "name": spot.name, "label": bounds_said(found)},
            )
            for spot, lies, found in self._mapped(spots)
        ]
        return {"type": "FeatureCollection", "features": made}

    def still(self, spots: list[Spot]) -> Markup:
        """Draw the map for readers without scripts."""
        mapped = self._mapped(spots)
        classes = scale.classes([found.high for _, _, found in mapped if found.high])
        shapes = []
        for spot, lies, found in mapped:
            one = scale.class_of(classes, found.high)
            title = f"{spot.name}: {bounds_said(found)}"
            shapes.append(Shape(lies, one.colour if one else LAND, AREA_LINE, title=title))
        return _drawn(shapes, self.reference, text("when-picture-places"))


def ground_of(told: Told, units: Sequence[Unit]) -> shapely.Geometry | None:
    """Give the ground of some units, as the release draws it."""
    return _ground(told, tuple(unit.number for unit in units))


@lru_cache(maxsize=KEPT)
def _ground(told: Told, numbers: tuple[int, ...]) -> shapely.Geometry | None:
    """Unite the outlines once: the rounding of a hundred hexagons takes its time."""
    lying = Shown(
        numbers, (), (), "", "", 0, exact=True, themes=(), blocks=(), tertials=(), finding=None
    )
    return ground(told, lying)


def short_name(block: str, profile: Profile) -> str:
    """Name a block without its hours."""
    return block_name(block, profile).partition(" (")[0]


def bounds_said(found: Bounds) -> str:
    """Write a number of a release, or the two numbers it lies between."""
    if found.exact:
        return str(found.low)
    if not found.low:
        return text("when-at-most", n=found.high)
    return text("when-from-to", low=found.low, high=found.high)
