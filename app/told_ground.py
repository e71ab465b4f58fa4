"""Places of a release as maps and pictures of other pages draw them: their ground and colour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import shapely

from app.when_page import AREA_LINE
from pipelines import colours, scale
from pipelines.picture import Shape
from pipelines.released import Told
from pipelines.when import Bounds
from store.releases import Unit

LAND = "#eef0ec"
UNMAPPED = ("rest", "unknown", "several")  # ground that is no place of its own


def ground_of(told: Told, units: Sequence[Unit]) -> shapely.Geometry | None:
    """Give the ground of some units, as the release draws it."""
    return told.lies(tuple(unit.number for unit in units))


def classes_of(every: Iterable[Bounds]) -> list[scale.Class]:
    """Make the colours of numbers; what is told as two numbers cannot be set beside others."""
    return scale.classes([found.high for found in every if found.exact and found.high])


def coloured(lies: shapely.Geometry, found: Bounds, classes: Sequence[scale.Class]) -> Shape:
    """Draw a place by its number, as the map of the start page does."""
    if not found.exact:
        return Shape(lies, colours.BOUNDED, AREA_LINE, 1.2, colours.DOTTED)
    one = scale.class_of(classes, found.high)
    return Shape(lies, one.colour if one else LAND, AREA_LINE)
