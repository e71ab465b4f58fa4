"""A still picture of a map as SVG: for pages without scripts, for print and for small multiples.

Only presentation attributes are used, so that it shows under a policy that forbids styles.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geo import crs
from geo.errors import InvalidParameter
from pipelines import colours, scale

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from store.records import BBox

MARGIN = 0.04  # of the picture, on every side
DOT = 4.0  # pixels, radius of a point
HALO, LETTERS = 3, 13  # pixels
CORE = "nightlife"  # kind of area
AREA_LINE, CORE_LINE = "#0b6e7f", "#5b3f8c"
GROUND, INK, LINE = "#f8f7f3", "#17323d", "#ffffff"
KILOMETRE = 1000
BAR = 0.25  # of the picture's width: the scale bar is at most so long
FONT = "Source Sans 3, Segoe UI, Noto Sans, sans-serif"
_CORNERS = ("Polygon", "MultiPolygon")


@dataclass(frozen=True, slots=True)
class Shape:
    """Something on the map and how it looks."""

    outline: shapely.Geometry  # lon/lat: areas, lines or points
    fill: str  # a colour, or "none"
    stroke: str = "none"
    width: float = 1  # pixels
    dash: str = ""  # pixels of line and gap
    label: str = ""  # written on it
    title: str = ""  # what is read aloud and shown on pointing


def areas(drawn: Iterable[tuple[str, shapely.Geometry, str]]) -> list[Shape]:
    """Draw kind, ground and name as the map does: the nightlife core has two lines, others one."""
    made = []
    for kind, outline, label in drawn:
        core = kind == CORE
        stroke, width = (CORE_LINE, 5.0) if core else (AREA_LINE, 2.0)
        made.append(Shape(outline, "none", stroke, width, label=label))
        made += [Shape(outline, "none", LINE, 1.8)] if core else []
    return made


def coloured(outlines: Sequence[shapely.Geometry], numbers: Sequence[int | None]) -> list[Shape]:
    """Colour ground by its numbers, as the map does; None cannot be compared with others."""
    every = scale.classes([number for number in numbers if number is not None])
    return [
        Shape(outline, scale.colour_of(every, number), LINE)
        if number is not None
        else Shape(outline, scale.colour_of(every, number), INK, dash=colours.DOTTED)
        for outline, number in zip(outlines, numbers, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Sheet:
    """From metres to pixels."""

    west_m: float
    north_m: float
    pixel_m: float
    width: int
    height: int

    def pixels(self, metres: NDArray[np.float64]) -> NDArray[np.float64]:
        """Place (n, 2) metres on the picture."""
        x = (metres[:, 0] - self.west_m) / self.pixel_m
        y = (self.north_m - metres[:, 1]) / self.pixel_m
        return np.column_stack([x, y])


def draw(
    shapes: Sequence[Shape],
    *,
    epsg: int,
    size: tuple[int, int],
    alt: str,
    within: BBox | None = None,
) -> str:
    """Draw shapes in their order, the last on top, with a scale bar.

    Parameters
    ----------
    shapes
        What to draw.
    epsg
        A projection in metres.
    size
        Width and height in pixels.
    alt
        What the picture shows, for those who do not see it.
    within
        West, south, east, north in degrees; left out, all shapes are in the picture.

    Returns
    -------
    One `svg` element. Nothing to draw gives an empty ground.

    Raises
    ------
    InvalidParameter
        The projection is not one in metres.
    """
    if not crs.is_metric(epsg):
        raise InvalidParameter("picture-not-metric", epsg=epsg)
    drawn = [(shape, _metres(shape.outline, epsg)) for shape in shapes]
    drawn = [(shape, outline) for shape, outline in drawn if not outline.is_empty]
    frame = None if within is None else _metres(shapely.box(*within), epsg)
    sheet = _sheet([outline for _, outline in drawn] if frame is None else [frame], size)
    view = shapely.box(
        sheet.west_m,
        sheet.north_m - sheet.height * sheet.pixel_m,
        sheet.west_m + sheet.width * sheet.pixel_m,
        sheet.north_m,
    )
    seen = [(shape, outline) for shape, outline in drawn if outline.intersects(view)]
    body = [_drawn(shape, outline, sheet) for shape, outline in seen]
    body += [_label(shape, outline, sheet) for shape, outline in seen if shape.label]
    width, height = size
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(alt)}"'
        f' viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f'<rect width="{width}" height="{height}" fill="{GROUND}"/>'
        f"{''.join(body)}{_scale_bar(sheet)}</svg>"
    )


def _metres(outline: shapely.Geometry, epsg: int) -> shapely.Geometry:
    def project(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(crs.transform(lonlat[:, 0], lonlat[:, 1], crs.WGS84, epsg))

    return shapely.transform(outline, project)


def _sheet(outlines: Sequence[shapely.Geometry], size: tuple[int, int]) -> _Sheet:
    """Lay the picture so that everything is on it, with a margin."""
    width, height = size
    found = shapely.total_bounds(outlines) if outlines else np.full(4, np.nan)
    west, south, east, north = found if np.isfinite(found).all() else (0.0, 0.0, 1000.0, 1000.0)
    room = 1 - 2 * MARGIN
    pixel_m = max((east - west) / (width * room), (north - south) / (height * room), 0.1)
    return _Sheet(
        west_m=float((west + east - width * pixel_m) / 2),
        north_m=float((south + north + height * pixel_m) / 2),
        pixel_m=float(pixel_m),
        width=width,
        height=height,
    )


def _drawn(shape: Shape, outline: shapely.Geometry, sheet: _Sheet) -> str:
    look = f'fill="{shape.fill}" stroke="{shape.stroke}" stroke-width="{shape.width:g}"'
    look += f' stroke-dasharray="{shape.dash}"' if shape.dash else ""
    title = f"<title>{escape(shape.title)}</title>" if shape.title else ""
    parts = []
    for part in shapely.get_parts(outline):
        if part.geom_type == "Point":
            [(x, y)] = sheet.pixels(shapely.get_coordinates(part))
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{DOT:g}"/>')
        else:
            parts.append(f'<path fill-rule="evenodd" d="{"".join(_path(part, sheet))}"/>')
    return f"<g {look}>{title}{''.join(parts)}</g>"


def _path(part: shapely.Geometry, sheet: _Sheet) -> Iterator[str]:
    """Write a polygon's rings, or a line."""
    closed = part.geom_type == "Polygon"
    lines = [part.exterior, *part.interiors] if closed else [part]
    for line in lines:
        corners = sheet.pixels(shapely.get_coordinates(line))
        written = "L".join(f"{x:.1f} {y:.1f}" for x, y in corners.tolist())
        yield f"M{written}{'Z' if closed else ''}"


def _label(shape: Shape, outline: shapely.Geometry, sheet: _Sheet) -> str:
    inside = outline.representative_point() if outline.geom_type in _CORNERS else outline.centroid
    [(x, y)] = sheet.pixels(shapely.get_coordinates(inside))
    return (
        f'<text x="{x:.1f}" y="{y + LETTERS / 3:.1f}" text-anchor="middle" font-size="{LETTERS}"'
        f' font-weight="600" font-family="{FONT}" fill="{INK}" stroke="#ffffff"'
        f' stroke-width="{HALO}" stroke-linejoin="round" paint-order="stroke">'
        f"{escape(shape.label)}</text>"
    )


def _scale_bar(sheet: _Sheet) -> str:
    """Draw a bar of a round number of metres in the lower right corner."""
    most_m = BAR * sheet.width * sheet.pixel_m
    size = 10.0 ** np.floor(np.log10(most_m))
    length_m = float(next(step for step in (5, 2, 1) if step * size <= most_m) * size)
    length, x, y = length_m / sheet.pixel_m, sheet.width - 12, sheet.height - 12
    words = f"{length_m / KILOMETRE:g} km" if length_m >= KILOMETRE else f"{length_m:g} m"
    return (
        f'<g fill="none" stroke="{INK}" stroke-width="1.5">'
        f'<path d="M{x - length:.1f} {y - 6}V{y}H{x}V{y - 6}"/></g>'
        f'<text x="{x - length / 2:.1f}" y="{y - 6}" text-anchor="middle" font-size="11"'
        f' font-family="{FONT}" fill="{INK}">{words}</text>'
    )
