"""What the page of hot times says to analysts: the week hour by hour, beside a map of cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import numpy as np
import sqlalchemy as sa
from markupsafe import Markup
from numpy.typing import NDArray

from app import features, map_page
from app.choices import EVERY_WINDOW, WHOLE_PERIOD, Choices, pickers
from app.map_page import window_label
from geo import cells as grid
from geo.aoristic import DAY_HOURS, WEEK_HOURS
from geo.errors import InvalidParameter
from geo.hot_times import HotTimes, HotTimesTable, Peak
from geo.windows import WHOLE_EVENT_SHARE
from pipelines import colours, picture, scale, when, wording
from pipelines import events as reported
from pipelines.answers import MUNICIPALITY, Basis
from pipelines.picture import Shape
from pipelines.questions import Question
from pipelines.reference import Reference
from pipelines.spots import Spots
from pipelines.texts import day_name, text
from pipelines.when import Week
from store.runs import Run

Json = dict[str, object]
HOURS, CHOSEN, SIZE = "timmar", "vald", "rutor"
KEY = "cells:"  # before a cell's name, as the map's links have it
IN_AREA, IN_TOWN = 10, 9  # resolutions: an area is a handful of the larger cells
SIZES = {str(each): each for each in grid.RESOLUTIONS}
UNSURE = 0.5  # of an hour's weight: from there on it is marked
SOME = 0.05  # of an event: less is not written
PICTURE = (640, 480)
AREA_LINE = "#0b6e7f"
DAYS = range(1, 8)
LISTED = 20  # cells, the busiest first


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
class Busy:
    """A cell in the list, and its events in the chosen hours."""

    pick: Pick
    count: int


@dataclass(frozen=True, slots=True)
class Link:
    """What a link chooses beside area, theme and period."""

    hours: tuple[int, ...]
    cell: int | None
    resolution: int
    passed_over: tuple[str, ...]


def read(given: Mapping[str, str], chosen: Choices) -> Link:
    """Read hours, cell and size of cells; what cannot be read is passed over, and said."""
    passed: list[str] = []
    hours: tuple[int, ...] = ()
    try:
        hours = when.read_hours(given[HOURS]) if given.get(HOURS) else ()
    except InvalidParameter:
        passed.append(text("when-unknown-hours", value=given[HOURS][:40]))
    size = cell_size(given, chosen)
    cell = _cell(given.get(CHOSEN, "").removeprefix(KEY), passed)
    if cell is not None and not given.get(SIZE):
        size = grid.resolution(cell)
    elif cell is not None and grid.resolution(cell) != size:
        cell = None  # of cells of another size
    return Link(hours, cell, size, tuple(passed))


def cell_size(given: Mapping[str, str], chosen: Choices) -> int:
    """Read the resolution of the cells: in an area smaller ones than in a town."""
    local = chosen.area is not None and chosen.area.kind != MUNICIPALITY
    return SIZES.get(given.get(SIZE, ""), IN_AREA if local else IN_TOWN)


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
) -> dict[str, Any]:
    """Collect everything the analysts' page shows."""
    link, profile = read(given, chosen), on.reference.profile
    context: dict[str, Any] = {
        "pickers": pickers(on.reference, on.run),
        "chosen": chosen.given,
        "kept": {HOURS: when.write_hours(link.hours), SIZE: given.get(SIZE, "")},
        "words": [chosen.words[0], *chosen.words[2:]],
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
    shown = desk.shown(week)
    cells, counts = shown.pop("found")
    shown["busiest"] = desk.busiest(Spots(connection, on.reference), cells, counts)
    return context | {"empty": "", "rows": int(every.of.count.sum())} | shown


def _period(run: Run, question: Question) -> tuple[datetime, datetime]:
    start, end = run.period_start, run.period_end
    if question.period is not None:
        start = max(start, question.period.start or start)
        end = min(end, question.period.end or end)
    return start, end


def _base(chosen: Choices, link: Link, given: Mapping[str, str]) -> dict[str, str]:
    """Give what every link on the page keeps."""
    usual = (EVERY_WINDOW, WHOLE_PERIOD)
    kept = {
        name: value
        for name, value in chosen.given.items()
        if name != "fonster" and value not in usual
    }
    kept[SIZE] = given.get(SIZE, "")
    kept[CHOSEN] = "" if link.cell is None else KEY + grid.name(link.cell)
    return kept


def href(base: Mapping[str, str], **changes: str) -> str:
    """Write a link to this page with other choices; empty ones are left out."""
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

    def shown(self, week: Week) -> dict[str, Any]:
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
            "found": (cells, counts),
            "cells": _collection(cells, counts),
            "picked": "" if self.link.cell is None else grid.name(self.link.cell),
            "hours_chosen": when.write_hours(self.hours),
            "size": self.link.resolution,
            "still": self._still(cells, counts),
        }

    def busiest(
        self, spots: Spots, cells: NDArray[np.int64], counts: NDArray[np.int64]
    ) -> list[Busy]:
        """List the cells with most events in the chosen hours; what the map shows, in words."""
        most = np.lexsort((cells, -counts))[:LISTED]
        names = [spot.name for spot in spots.cells(cells[most])]
        kept = {HOURS: when.write_hours(self.link.hours)}
        if self.window != EVERY_WINDOW:
            kept["fonster"] = self.window
        return [
            Busy(
                Pick(
                    name,
                    href(self.base, vald=KEY + grid.name(cell), **kept),
                    cell == self.link.cell,
                ),
                count,
            )
            for name, cell, count in zip(
                names, cells[most].tolist(), counts[most].tolist(), strict=True
            )
        ]

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
                    href=href(self.base, timmar=when.write_hours(of_week)),
                    hours=tuple(_hour(each, table, classes, lit) for each in of_week),
                )
            )
        return lines

    def _days(self) -> list[Pick]:
        """Offer each day whole."""
        made = []
        for day in DAYS:
            hours = range(DAY_HOURS * (day - 1), DAY_HOURS * day)
            link = href(self.base, timmar=when.write_hours(hours))
            made.append(Pick(day_name(day), link, self.link.hours == tuple(hours)))
        return made

    def _picks(self) -> list[Pick]:
        """Offer the windows of the profile, and the whole week."""
        nothing = not self.link.hours
        return [
            Pick(
                map_page.window_label(self.on.reference.profile, each.name),
                href(self.base, fonster=each.name) if each.spans else href(self.base),
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
            made.append(Pick(said, href(self.base, timmar=when.write_hours(hours)), here))
        return made

    def _clear(self) -> list[Pick]:
        """Offer to take off what is chosen."""
        made = []
        if self.hours:
            made.append(Pick(text("when-clear-hours"), href(self.base), here=False))
        if self.link.cell is not None:
            kept = {"timmar": when.write_hours(self.link.hours)}
            if self.window != EVERY_WINDOW:
                kept["fonster"] = self.window
            made.append(Pick(text("when-clear-cell"), href(self.base, vald="", **kept), here=False))
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
        return drawn(shapes, self.on.reference, text("when-picture"))


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


def drawn(shapes: list[Shape], reference: Reference, alt: str) -> Markup:
    """Draw shapes under the outlines of the named areas."""
    areas = picture.areas(
        (row.kind, row.outline, row.name) for row in reference.areas if row.kind != MUNICIPALITY
    )
    made = picture.draw(
        [*shapes, *areas], epsg=reference.profile.metric_epsg, size=PICTURE, alt=alt
    )
    return Markup(made)  # noqa: S704 - every word in it is escaped there
