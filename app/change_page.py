"""What the page of change says to analysts: two periods of events beside each other."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
import sqlalchemy as sa
from markupsafe import Markup
from numpy.typing import NDArray

from app import features
from app.choices import Choices, pickers
from app.map_page import Choice, theme_name
from app.when_page import (
    SIZE,
    cell_size,
)
from geo import cells as grid
from geo.change import DECREASED, INCREASED, Change
from pipelines import colours, comparison, picture, scale, when, wording
from pipelines import events as reported
from pipelines.answers import MUNICIPALITY, Basis
from pipelines.comparison import Cells, Days, Line, Stretch, Whole
from pipelines.events import Events
from pipelines.picture import Shape
from pipelines.questions import Period
from pipelines.reference import Reference
from pipelines.spots import Spots
from pipelines.texts import text
from store import registrations
from store.places import AreaRow

Json = dict[str, object]
AGAINST, VIEW, EDGE = "jamfor", "visa", "kant"
PERCENT = re.compile(r"[0-9]{1,3}", re.ASCII)  # how far the edge between two maps is drawn
VIEWS = ("bredvid", "svep", "skillnad")
PICTURE, SMALL = (560, 420), (260, 190)
LISTED = 10  # cells, the largest differences first
MOST_MAPS = 6  # of small ones: the latest tertials
ALL_IN = 0.005  # of a period's events: fewer that are still to come are none in whole percent
MINUS = "\N{MINUS SIGN}"
# How a difference looks: a colour only where it is sure; the sign says it again.
LOOKS = {
    "more-sure": colours.MORE[1],
    "fewer-sure": colours.FEWER[0],
    "same": colours.UNCHANGED,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One area or theme in two periods, in words."""

    name: str
    before: str
    after: str
    difference: str  # with its sign; "" where it is not told
    ratio: str  # with its interval
    verdict: str
    slug: str  # of the verdict
    here: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One period in a small chart."""

    name: str
    under: str
    low: int
    high: int
    short: str
    here: bool


@dataclass(frozen=True, slots=True)
class Small:
    """A small chart of one area."""

    key: str
    name: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Still:
    """A picture with its title."""

    title: str
    picture: Markup


def view(given: Mapping[str, str]) -> str:
    """Read how the maps are shown."""
    return given[VIEW] if given.get(VIEW) in VIEWS else VIEWS[0]


def seen(given: Mapping[str, str]) -> dict[str, str]:
    """Read how the maps are shown, as other choices keep it."""
    edge = given.get(EDGE, "")
    return {VIEW: view(given), EDGE: edge if PERCENT.fullmatch(edge) else ""}


def _key() -> list[tuple[str, str]]:
    """Explain the colours of the difference."""
    return [(LOOKS[look], text(f"change-look-{look}")) for look in LOOKS]


def exact(
    connection: sa.Connection, on: Basis, chosen: Choices, given: Mapping[str, str]
) -> dict[str, Any]:
    """Collect everything the analysts' page shows."""
    profile = on.reference.profile
    context: dict[str, Any] = {
        "pickers": pickers(on.reference, on.run),
        "chosen": chosen.given,
        "kept": {SIZE: given.get(SIZE, ""), **seen(given)},
        "view": view(given),
        "empty": text("when-no-run"),
        "rows": 0,
    }
    if on.run is None:
        return context
    stretches = comparison.offered(on.run, profile.timezone)
    two, passed = _pair(stretches, given)
    context["stretches"] = [Choice(each.code, each.name) for each in stretches]
    size = cell_size(given, chosen)
    context["passed_over"] = [*chosen.passed_over, *passed]
    if two is None:
        return context | {"empty": text("change-one-period")}
    context["two"] = {"before": two[0].code, "after": two[1].code}
    span = Period(on.run.period_start, on.run.period_end)
    asked = replace(chosen.question, area_id=None, period=span, categories=_codes(on, chosen))
    found = reported.found(connection, on, asked)
    dates = registrations.registrations(connection, on.run.period_start, on.run.period_end)
    days = comparison.days(found, dates, reported.last_registered(connection, on), profile.timezone)
    desk = _Desk(on, chosen, found, days, two)
    inside = comparison.within(days, two[0]) | comparison.within(days, two[1])
    read = int(days.count[inside & desk.counted].sum())
    if not read:
        return context | {"empty": text("change-nothing", before=two[0].name, after=two[1].name)}
    shown = desk.shown(stretches, size)
    shown["moved"] = desk.moved(Spots(connection, on.reference), shown.pop("found"))
    return context | {"empty": "", "rows": read} | shown


def _pair(
    stretches: Sequence[Stretch], given: Mapping[str, str]
) -> tuple[tuple[Stretch, Stretch] | None, list[str]]:
    """Choose the two periods; what cannot be compared is passed over, and said."""
    known = {each.code for each in stretches}
    after, before = given.get("period", ""), given.get(AGAINST, "")
    passed = [
        text("change-unknown-period", value=each[:40])
        for each in (after, before)
        if each and each != "allt" and each not in known
    ]
    after, before = (each if each in known else "" for each in (after, before))
    found = comparison.pair(stretches, after, before)
    if found is None and before:
        passed.append(text("change-not-before"))
        found = comparison.pair(stretches, after)
    if found is None and after:
        passed.append(text("change-no-counterpart"))
        found = comparison.pair(stretches)
    return found, passed


def _codes(on: Basis, chosen: Choices) -> tuple[str, ...]:
    """Read every kind that can be shown: themes that the police steer stand beside the total."""
    if chosen.question.categories:
        return chosen.question.categories
    return tuple(each.code for each in on.reference.profile.categories if each.on_map)


@dataclass(frozen=True, slots=True, eq=False)
class _Desk:
    """Two periods of a question: makes the parts of the analysts' page."""

    on: Basis
    chosen: Choices
    events: Events
    days: Days
    two: tuple[Stretch, Stretch]

    @property
    def counted(self) -> NDArray[np.bool_]:
        """Mark what belongs to the question: its kinds and its area."""
        return self.kinds & self._in(self.chosen.area)

    @property
    def kinds(self) -> NDArray[np.bool_]:
        """Mark the kinds of the question; none chosen are those of the total."""
        if self.chosen.question.categories:
            return np.ones(self.events.share.shape, dtype=bool)
        codes = [each.code for each in self.on.reference.profile.categories if each.in_total]
        return np.isin(self.events.of.category, codes)

    def _in(self, area: AreaRow | None) -> NDArray[np.bool_]:
        if area is None or area.kind == MUNICIPALITY:
            return np.ones(self.events.share.shape, dtype=bool)
        of = self.events.of
        return np.asarray((of.area_id == area.id) | (of.district_id == area.id))

    def shown(self, stretches: Sequence[Stretch], size: int) -> dict[str, Any]:
        """Make sentence, tables, charts and maps."""
        whole = comparison.whole(self.days.where(self.counted), self.two)
        names = {"before": self.two[0].name, "after": self.two[1].name}
        words = self.chosen.words
        return {
            "words": [*words[:3], text("change-against", **names)],
            "names": names,
            "lead": _lead(whole, names),
            "total": _row(whole.line, words[0], here=True),
            "notes": _notes(whole),
            "areas": self._areas(whole.lag_days),
            "themes": self._themes(whole.lag_days),
            "charts": self._charts(stretches),
            "key": _key(),
            **self._maps(size, whole.lag_days),
            "small_maps": self._small_maps(stretches, size),
        }

    def _areas(self, lag_days: int | None) -> list[Row]:
        rows = [row for row in self.on.reference.areas if row.kind != MUNICIPALITY]
        groups = [(str(row.id), self.kinds & self._in(row)) for row in rows]
        found = comparison.units(self.days, self.two, groups, lag_days)
        here = "" if self.chosen.area is None else str(self.chosen.area.id)
        return [
            _row(line, row.name, here=line.key == here)
            for line, row in zip(found.lines, rows, strict=True)
        ]

    def _themes(self, lag_days: int | None) -> list[Row]:
        """Compare themes inside the chosen area, and say which ones the police steer."""
        categories = self.on.reference.profile.categories
        codes: dict[str, list[str]] = {}
        steered: set[str] = set()
        for each in categories:
            if each.code in _codes(self.on, self.chosen):
                codes.setdefault(each.theme, []).append(each.code)
                steered |= {each.theme} if each.enforcement_driven else set()
        inside = self._in(self.chosen.area)
        groups = [
            (theme, inside & np.isin(self.events.of.category, own)) for theme, own in codes.items()
        ]
        found = comparison.units(self.days, self.two, groups, lag_days)
        note = text("change-steered")
        return [
            _row(line, theme_name(line.key), note=note if line.key in steered else "")
            for line in found.lines
        ]

    def _charts(self, stretches: Sequence[Stretch]) -> list[Small]:
        """Count each area in every tertial, the oldest first."""
        tertials = _tertials(stretches)
        spans = [each for each in self.two if each not in tertials]
        rows: list[AreaRow | None] = [
            row for row in self.on.reference.areas if row.kind != MUNICIPALITY
        ]
        made = []
        for row in [None, *rows]:
            own = self.kinds & self._in(row)
            columns = []
            for each in tertials:
                n = int(self.days.count[own & comparison.within(self.days, each)].sum())
                covered = [*spans, *(one for one in self.two if one == each)]
                here = any(one.first <= each.first and each.after <= one.after for one in covered)
                columns.append(Column(f"T{each.code[-1]}", each.code[:4], n, n, str(n), here))
            name = text("choices-municipality") if row is None else row.name
            key = "all" if row is None else str(row.id)
            made.append(Small(key, name, tuple(columns)))
        return made

    def _maps(self, resolution: int, lag_days: int | None) -> dict[str, object]:
        """Put both periods, and the difference, on maps."""
        inside = self.counted
        found = comparison.in_cells(
            self.events.where(inside), self.days.where(inside), self.two, resolution, lag_days
        )
        outlines = grid.polygons(found.cell)
        before, after = found.before.tolist(), found.after.tolist()
        verdicts = [str(each) for each in found.changes.verdict]
        looks = [
            {INCREASED: "more-sure", DECREASED: "fewer-sure"}.get(verdict, "same")
            for verdict in verdicts
        ]
        made = [
            features.feature(
                grid.name(cell),
                features.outline(outlines[i]),
                {
                    "before": before[i],
                    "after": after[i],
                    "sign": signed(after[i] - before[i]),
                    "look": looks[i],
                    "verdict": wording.change(verdicts[i]),
                },
            )
            for i, cell in enumerate(found.cell.tolist())
        ]
        classes = scale.classes([each for each in (*before, *after) if each])
        shapes = [
            [
                Shape(outline, one.colour, "#ffffff", title=str(count))
                for outline, count in zip(outlines, counts, strict=True)
                if (one := scale.class_of(classes, count))
            ]
            for counts in (before, after)
        ]
        shapes.append(
            [
                Shape(outline, LOOKS[look], "#ffffff", label=signed(other - one))
                for outline, look, one, other in zip(outlines, looks, before, after, strict=True)
            ]
        )
        return {
            "found": found,
            "cells": {"type": "FeatureCollection", "features": made},
            "stills": stills(shapes, self.two[0].name, self.two[1].name, self.on.reference),
        }

    def moved(self, spots: Spots, found: Cells) -> list[Row]:
        """List the cells with the largest differences: what the map shows, in words."""
        most = np.lexsort((found.cell, -np.abs(found.after - found.before)))[:LISTED]
        names = [spot.name for spot in spots.cells(found.cell[most])]
        return [
            Row(
                name=name,
                before=str(found.before[i]),
                after=str(found.after[i]),
                difference=signed(int(found.after[i] - found.before[i])),
                ratio="",
                verdict=wording.change(str(found.changes.verdict[i])),
                slug=str(found.changes.verdict[i]),
            )
            for i, name in zip(most.tolist(), names, strict=True)
        ]

    def _small_maps(self, stretches: Sequence[Stretch], resolution: int) -> list[Still]:
        """Draw the latest tertials on the same ground and in the same colours."""
        which = self.counted & self.events.placed
        counted = []
        for each in _tertials(stretches)[-MOST_MAPS:]:
            inside = which & comparison.within(self.days, each) & (self.days.count > 0)
            cells, counts = when.in_cells(self.events, inside, resolution)
            counted.append((each, cells, counts.tolist()))
        classes = scale.classes([n for _, _, counts in counted for n in counts])
        frame = _frame(self.on.reference, self.chosen.area)
        made = []
        for each, cells, counts in counted:
            shapes = [
                Shape(outline, one.colour, "none")
                for outline, count in zip(grid.polygons(cells), counts, strict=True)
                if (one := scale.class_of(classes, count))
            ]
            title = text("change-small-map", period=each.name, n=sum(counts))
            made.append(Still(title, _drawn(shapes, self.on.reference, SMALL, title, frame)))
        return made


def _tertials(stretches: Sequence[Stretch]) -> list[Stretch]:
    return sorted((each for each in stretches if "-t" in each.code), key=lambda one: one.first)


def signed(difference: int) -> str:
    """Write a difference with its sign."""
    if difference == 0:
        return "±0"
    return f"+{difference}" if difference > 0 else f"{MINUS}{-difference}"


def _row(line: Line, name: str, *, here: bool = False, note: str = "") -> Row:
    return Row(
        name=name,
        before=str(line.before),
        after=str(line.after),
        difference=_difference(line),
        ratio=_ratio(line),
        verdict=wording.change(line.verdict),
        slug=line.verdict,
        here=here,
        note=note,
    )


def _difference(line: Line) -> str:
    """Write the difference, and in percent where there were enough events to begin with."""
    said = signed(line.difference)
    if line.percent is None:
        return said
    return text("change-percent", difference=said, percent=signed(round(line.percent)))


def _ratio(line: Line) -> str:
    """Write the ratio of the rates with its interval; nothing of few events, or without an end."""
    few = line.before + line.after < Change().fewest_events
    if few or not np.isfinite([line.ratio, line.low, line.high]).all():
        return ""
    ratio, low, high = (wording.decimal(each) for each in (line.ratio, line.low, line.high))
    return text("change-ratio", ratio=ratio, low=low, high=high)


def _lead(whole: Whole, names: Mapping[str, str]) -> str:
    """Answer the question in one sentence."""
    line = whole.line
    values = {"before": names["before"], "after": names["after"], "n": line.after, "m": line.before}
    return text(f"change-lead-{line.verdict}", **values)


def _notes(whole: Whole) -> list[str]:
    """Say how the two were counted, and what is still to come."""
    if whole.lag_days is None:
        return [text("change-as-it-stands")]
    if whole.lag_days < 0:
        return [text("change-not-over")]
    said = [text("change-equal-lag", days=whole.lag_days)]
    if (whole.before_now, whole.after_now) != (whole.line.before, whole.line.after):
        said.append(text("change-now", before=whole.before_now, after=whole.after_now))
    if whole.undated:
        said.append(text("change-undated", n=whole.undated))
    if whole.late is None:
        said.append(text("change-late-unknown"))
    elif whole.late.high < ALL_IN:
        said.append(text("change-late-none"))
    else:
        low, high = (round(100 * each) for each in (whole.late.low, whole.late.high))
        share = round(100 * whole.late.share)
        said.append(text("change-late", share=share, low=low, high=high))
    return said


# --- pictures


def _frame(reference: Reference, area: AreaRow | None) -> tuple[float, float, float, float] | None:
    """Give the ground of small maps: the chosen area, or all named ones."""
    named = [row.outline for row in reference.areas if row.kind != MUNICIPALITY]
    local = area is not None and area.kind != MUNICIPALITY
    shown = [area.outline] if local and area is not None else named
    if not shown:
        return None
    west, south, east, north = shapely.union_all(shown).bounds
    wide, high = (east - west) / 6, (north - south) / 6
    return west - wide, south - high, east + wide, north + high


def _drawn(
    shapes: Sequence[Shape],
    reference: Reference,
    size: tuple[int, int],
    alt: str,
    frame: tuple[float, float, float, float] | None,
) -> Markup:
    areas = picture.areas(
        (row.kind, row.outline, "") for row in reference.areas if row.kind != MUNICIPALITY
    )
    epsg = reference.profile.metric_epsg
    made = picture.draw([*shapes, *areas], epsg=epsg, size=size, alt=alt, within=frame)
    return Markup(made)  # noqa: S704 - every word in it is escaped there


def stills(
    shapes: Sequence[Sequence[Shape]], before: str, after: str, reference: Reference
) -> list[Still]:
    """Draw both periods and their difference for readers without scripts."""
    titles = (before, after, text("change-difference"))
    return [
        Still(title, _drawn(own, reference, PICTURE, text("change-picture", period=title), None))
        for title, own in zip(titles, shapes, strict=True)
    ]
