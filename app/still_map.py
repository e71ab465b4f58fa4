"""The map as a still picture: what a page shows to a browser without scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import shapely
import sqlalchemy as sa

from app import choices, places_page, release_page
from geo import cells
from pipelines import answers, colours, picture, scale
from pipelines.answers import Basis
from pipelines.basemap import Basemap
from pipelines.derive import FOCUS_KINDS
from pipelines.map_sheets import NOWHERE
from pipelines.picture import Shape
from pipelines.reference import Reference
from pipelines.released import ground
from pipelines.texts import text
from store.records import BBox

SIZE = (800, 560)  # pixels
INK, ACCENT, LINE = "#17323d", "#0b6e7f", "#ffffff"
# The lines of the map around what has a verdict: width and dash.
LINES = {"established": (3.0, ""), "uncertain": (1.8, "5 4")}
MOST_NUMBERED = 60  # cells: more numbers than this would lie on each other


def exact(conn: sa.Connection, on: Basis, given: Mapping[str, str]) -> tuple[list[Shape], BBox]:
    """Give an analyst's cells and where to look."""
    chosen = choices.read(given, on.reference, on.run)
    found = answers.cells(conn, on, places_page.question_of(given, chosen))
    if found is None:
        return [], _within(on.reference, [])
    counts = found.counts
    numbers = counts.count.tolist()
    said = [found.verdict(cell) for cell in counts.cell.tolist()]
    grounds = list(cells.polygons(counts.cell))
    verdicts = ["" if one is None else one.verdict for one in said]
    labels = [str(count) if len(numbers) <= MOST_NUMBERED else "" for count in numbers]
    asked = grounds if chosen.area is not None else []
    return _counted(grounds, numbers, verdicts, labels), _within(on.reference, asked)


def told(on: Basis, given: Mapping[str, str]) -> tuple[list[Shape], BBox]:
    """Give what the release in force tells, and where to look; nothing where there is none."""
    if on.released is None or not on.released.periods():
        return [], _within(on.reference, [])
    chosen = release_page.choose(given, on.released, on.reference)
    part = on.released.part(chosen.asked.period)
    answer = part.answer(chosen.asked, chosen.detail)
    lying = [(each, ground(part, each)) for each in answer.shown]
    shown = [
        (each, lies)
        for each, lies in lying
        if lies is not None and part.units[each.units[0]].kind not in NOWHERE
    ]
    grounds = [lies for _, lies in shown]
    numbers = [each.count for each, _ in shown]
    verdicts = [(each.finding and each.finding.verdict) or "" for each, _ in shown]
    labels = [f"{each.name}: {each.count}" for each, _ in shown]
    asked = grounds if chosen.asked.places else []
    return _counted(grounds, numbers, verdicts, labels), _within(on.reference, asked)


def draw(
    shapes: Sequence[Shape], within: BBox, reference: Reference, basemap: Basemap | None
) -> str:
    """Draw the map: what lies under it, the numbers, and the areas with their names."""
    under = [] if basemap is None else basemap.lines_and_areas(_around(within))
    areas = [
        Shape(area.outline, "none", stroke=ACCENT, width=1.6, title=area.name)
        for area in reference.areas
        if area.kind in FOCUS_KINDS
    ]
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
    numbers: Sequence[int],
    verdicts: Sequence[str],
    labels: Sequence[str],
) -> list[Shape]:
    """Colour numbers as the map does; lines around verdicts lie over all colours."""
    classes = scale.classes(numbers)
    made = []
    for lies, count, label in zip(grounds, numbers, labels, strict=True):
        one = scale.class_of(classes, count)
        colour = colours.UNCERTAIN if one is None else one.colour
        made.append(Shape(lies, f"{colour}cc", stroke=LINE, label=label, title=str(count)))
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
