"""The map as a still picture: what a page shows to a browser without scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import shapely
import sqlalchemy as sa

from app import choices, places_page, release_page
from app.release_page import number_said
from geo import cells
from pipelines import answers, colours, picture, scale
from pipelines.answers import Basis, CountedCells
from pipelines.basemap import Basemap
from pipelines.derive import FOCUS_KINDS
from pipelines.map_sheets import NOWHERE
from pipelines.picture import Shape
from pipelines.reference import Reference
from pipelines.released import Answer, Shown, Told, ground
from pipelines.texts import text
from store.records import BBox

SIZE = (800, 560)  # pixels
INK, LINE = "#17323d", "#ffffff"
# The lines of the map around what has a verdict: width and dash.
LINES = {"established": (3.0, ""), "uncertain": (1.8, "5 4")}
MOST_NUMBERED = 60  # cells: more numbers than this would lie on each other


def exact(conn: sa.Connection, on: Basis, given: Mapping[str, str]) -> tuple[list[Shape], BBox]:
    """Give an analyst's cells and where to look."""
    chosen = choices.read(given, on.reference, on.run)
    found = answers.cells(conn, on, places_page.question_of(given, chosen))
    if found is None:
        return [], _within(on.reference, [])
    numbers, verdicts = _cells(found)
    grounds = list(cells.polygons(found.counts.cell))
    labels = [str(count) if len(numbers) <= MOST_NUMBERED else "" for count in numbers]
    asked = grounds if chosen.area is not None else []
    return _counted(grounds, numbers, verdicts, labels), _within(on.reference, asked)


def _cells(found: CountedCells) -> tuple[list[int | None], list[str]]:
    said = [found.verdict(cell) for cell in found.counts.cell.tolist()]
    return found.counts.count.tolist(), ["" if one is None else one.verdict for one in said]


def told(on: Basis, given: Mapping[str, str]) -> tuple[list[Shape], BBox]:
    """Give what the release in force tells, and where to look; nothing where there is none."""
    if on.released is None or not on.released.periods():
        return [], _within(on.reference, [])
    chosen = release_page.choose(given, on.released, on.reference)
    part = on.released.part(chosen.asked.period)
    answer = part.answer(chosen.asked, chosen.detail)
    lying = [(each, ground(part, each)) for each in _drawn(part, answer)]
    grounds = [lies for _, lies in lying if lies is not None]
    shown = [each for each, lies in lying if lies is not None]
    numbers, verdicts = _numbers(shown)
    labels = [f"{each.name}: {number_said(each.low, each.count)}" for each in shown]
    asked = grounds if chosen.asked.places else []
    return _counted(grounds, numbers, verdicts, labels), _within(on.reference, asked)


def _drawn(part: Told, answer: Answer) -> list[Shown]:
    """Give the numbers that have ground of their own."""
    return [each for each in answer.shown if part.units[each.units[0]].kind not in NOWHERE]


def _numbers(shown: Sequence[Shown]) -> tuple[list[int | None], list[str]]:
    """Give numbers, None where they cannot be compared, and verdicts."""
    verdicts = [(each.finding and each.finding.verdict) or "" for each in shown]
    return [each.count if each.exact else None for each in shown], verdicts


@dataclass(frozen=True, slots=True)
class Sign:
    """A line of the picture's legend: what a colour or an edge means."""

    label: str
    fill: str
    line: str = LINE
    width: float = 1
    dash: str = ""


@dataclass(frozen=True, slots=True)
class Legend:
    """What the picture's colours count, and what its edges say."""

    title: str
    colours: tuple[Sign, ...]
    level: str
    edges: tuple[Sign, ...]


def exact_legend(conn: sa.Connection, on: Basis, given: Mapping[str, str]) -> Legend | None:
    """Explain an analyst's picture; None where nothing is counted."""
    chosen = choices.read(given, on.reference, on.run)
    found = answers.cells(conn, on, places_page.question_of(given, chosen))
    if found is None:
        return None
    level = text("js-legend-everywhere") if chosen.area is None else chosen.area.name
    return _legend(text("js-legend-cells"), *_cells(found), level)


def told_legend(on: Basis, given: Mapping[str, str]) -> Legend | None:
    """Explain the picture of the release; None where there is none in force."""
    if on.released is None or not on.released.periods():
        return None
    chosen = release_page.choose(given, on.released, on.reference)
    part = on.released.part(chosen.asked.period)
    shown = _drawn(part, part.answer(chosen.asked, chosen.detail))
    return _legend(text("js-legend-places"), *_numbers(shown), text("js-legend-everywhere"))


def _legend(
    title: str, numbers: Sequence[int | None], verdicts: Sequence[str], level: str
) -> Legend:
    edges = [
        Sign(text(f"verdict-{verdict}"), "none", INK, *line)
        for verdict, line in LINES.items()
        if verdict in verdicts
    ]
    said = text("js-legend-level", level=level) if edges else ""
    known = [number for number in numbers if number is not None]
    steps = [Sign(each.label, each.colour) for each in scale.classes(known)]
    if None in numbers:
        steps.append(Sign(text("legend-bounds"), colours.BOUNDED, INK, dash=colours.DOTTED))
    return Legend(title, tuple(steps), said, tuple(edges))


def draw(
    shapes: Sequence[Shape], within: BBox, reference: Reference, basemap: Basemap | None
) -> str:
    """Draw the map: what lies under it, the numbers, and the areas with their names."""
    under = [] if basemap is None else basemap.lines_and_areas(_around(within))
    areas = picture.areas(
        (area.kind, area.outline, "") for area in reference.areas if area.kind in FOCUS_KINDS
    )
    return picture.draw(
        [*under, *shapes, *areas],
        epsg=reference.profile.metric_epsg,
        size=SIZE,
        alt=text("map-still"),
        within=within,
    )


def _around(within: BBox) -> BBox:
    """Reach beyond what is looked at: the picture has another shape, and a margin."""
    west, south, east, north = within
    width, height = east - west, north - south
    return (west - width, south - height / 2, east + width, north + height / 2)


def _counted(
    grounds: Sequence[shapely.Geometry],
    numbers: Sequence[int | None],
    verdicts: Sequence[str],
    labels: Sequence[str],
) -> list[Shape]:
    """Colour numbers as the map does; lines around verdicts lie over all colours."""
    made = [
        replace(shape, fill=f"{shape.fill}cc", label=label, title=label or str(number))
        for shape, label, number in zip(
            picture.coloured(grounds, numbers), labels, numbers, strict=True
        )
    ]
    for lies, verdict in zip(grounds, verdicts, strict=True):
        if verdict in LINES:
            width, dash = LINES[verdict]
            made.append(Shape(lies, "none", stroke=INK, width=width, dash=dash))
    return made


def _within(reference: Reference, asked: Sequence[shapely.Geometry]) -> BBox:
    """Look at what was asked for, else at the focus areas, else at the whole municipality."""
    focus = [area.outline for area in reference.areas if area.kind in FOCUS_KINDS]
    seen = asked or focus or [area.outline for area in reference.areas]
    if not seen:
        return reference.profile.envelope
    west, south, east, north = shapely.total_bounds(list(seen)).tolist()
    return (west, south, east, north)
