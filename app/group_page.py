"""What the pages of the shared situation picture say and draw: bands, and never a number of events.

The drawing is made here and sent whole, so that nothing but bands ever leaves the house.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import cos, radians
from urllib.parse import urlencode

import shapely

from app.map_page import Choice, theme_name
from app.release_page import block_name
from geo import cells
from geo.errors import InvalidParameter
from geo.profile import Profile
from pipelines import group
from pipelines.derive import FOCUS_KINDS
from pipelines.group import BANDS, TIME_BLOCKS, Asked, Band, Block, Minutes, Picture
from pipelines.reference import Reference
from pipelines.texts import listed, month_name, text
from store.group import Decision
from store.places import AreaRow

BLOCK, THEME, WINDOW, VIEW = "block", "typ", "fonster", "karta"
THEME_PREFIX = "tema-"  # as the links of the other pages have it
EVERY_WINDOW = "all"
TOWN, WHOLE = "tatort", "alla"
LONGEST = 80  # characters of a wrong value that are repeated to whoever wrote it
MOST_DIGITS = 6

METRES_A_DEGREE = 111_320.0  # along a meridian
WIDTH = 800  # units of the drawing, whatever its size on the screen
MARGIN_M = 700.0  # around the town: two cells
COARSE = 0.0004  # degrees: how finely the municipality's border is drawn
LETTER, LINE = 16.0, 34.0  # of a name on the drawing where letters are largest: on a telephone


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a link asks for: the picture, and how much of the ground is drawn."""

    asked: Asked
    view: str

    @property
    def pairs(self) -> dict[str, str]:
        """Give the parameters of a link to it."""
        theme, window = self.asked.theme, self.asked.time_block
        pairs = {
            BLOCK: str(self.asked.block),
            THEME: THEME_PREFIX + theme if theme else "",
            WINDOW: window or "",
            VIEW: self.view if self.view != TOWN else "",
        }
        return {name: value for name, value in pairs.items() if value}

    @property
    def query(self) -> str:
        """Write them as a link has them."""
        return urlencode(self.pairs)


def choose(given: Mapping[str, str], blocks: Sequence[Block]) -> Chosen:
    """Read a link; what it does not say is the newest block, every theme and every time.

    Raises
    ------
    InvalidParameter
        The block is no number, or there is no such view. Themes, time blocks and blocks that are
        not shown are refused by the picture itself.
    """
    if not blocks:
        raise InvalidParameter("unknown-block", value="–")  # the clock stands before the first one
    written = given.get(BLOCK) or str(blocks[0].number)
    if not (written.isascii() and written.isdigit() and len(written) <= MOST_DIGITS):
        raise InvalidParameter("unknown-block", value=written[:LONGEST])
    view = given.get(VIEW) or TOWN
    if view not in (TOWN, WHOLE):
        raise InvalidParameter("group-view", value=view[:LONGEST])
    window = given.get(WINDOW, "")
    theme = given.get(THEME, "").removeprefix(THEME_PREFIX)
    every = window in ("", EVERY_WINDOW)
    return Chosen(Asked(int(written), theme or None, None if every else window), view)


# --- words -------------------------------------------------------------------------------------


def context(
    chosen: Chosen, shown: Picture, minutes: Minutes, reference: Reference, blocks: Sequence[Block]
) -> dict[str, object]:
    """Collect everything that the page of the picture shows."""
    profile = reference.profile
    themes = [Choice(THEME_PREFIX + each, theme_name(each)) for each in group.themes(profile)]
    return {
        **told(minutes, profile),
        "blocks": [Choice(str(each.number), block_words(each)) for each in blocks],
        "themes": [Choice("", every_theme(profile)), *themes],
        "windows": [
            Choice("", text("release-any-time")),
            *(Choice(each, block_name(each, profile)) for each in TIME_BLOCKS),
        ],
        "views": [Choice(TOWN, text("group-town")), Choice(WHOLE, text("group-every-cell"))],
        "chosen": {BLOCK: "", THEME: "", WINDOW: "", VIEW: TOWN} | chosen.pairs,
        "drawing": draw(shown, reference.areas, chosen.view),
        "totals": [(band_words(band), shown.band.count(band)) for band in BANDS],
        "query": chosen.query,
    }


def told(minutes: Minutes, profile: Profile) -> dict[str, object]:
    """Collect what the picture and its minutes have in common: question, table and decision."""
    asked = minutes.asked
    return {
        "day": day(minutes.written_on),
        "written_by": ", ".join(minutes.signed_in),
        "block": block_words(minutes.block),
        "theme": theme_name(asked.theme) if asked.theme else every_theme(profile),
        "window": block_name(asked.time_block, profile)
        if asked.time_block
        else text("release-any-time"),
        "bands": [Choice(band.name.lower(), band_words(band)) for band in BANDS],
        "rows": [(row.area or text("group-elsewhere"), row.cells) for row in minutes.rows],
        "decision": decided(minutes.decision, profile.timezone),
    }


def band_words(band: Band) -> str:
    """Name a band."""
    return text(f"band-{band.name.lower()}")


def decided(decision: Decision, timezone: str) -> dict[str, str]:
    """Say by what right the picture is open, and until when."""
    return {
        "number": decision.number,
        "legal_basis": decision.legal_basis,
        "controller": decision.controller,
        "until": day(group.last_day(decision, timezone)),
    }


def day(when: date) -> str:
    """Write a day in full."""
    return f"{when.day} {month_name(when.month)} {when.year}"


def block_words(block: Block) -> str:
    """Name a block by its first and last day."""
    first, last = (f"{each.day} {month_name(each.month)[:3]}" for each in (block.first, block.last))
    if block.first.year != block.last.year:
        first = f"{first} {block.first.year}"
    return text("group-block", first=first, last=f"{last} {block.last.year}")


def every_theme(profile: Profile) -> str:
    """Say what is counted where no theme is chosen: some themes never enter a total."""
    counted = {each.theme for each in profile.categories if each.on_map and each.in_total}
    left = [theme_name(each).lower() for each in group.themes(profile) if each not in counted]
    if not left:
        return text("group-every-theme")
    return text("group-themes-but", themes=listed(left))


# --- the drawing -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Name:
    """An area's name and where it stands, in the drawing's units."""

    words: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """Paths in a sheet of `width` x `height` units, y downwards."""

    width: int
    height: int
    cells: tuple[tuple[str, str], ...]  # band and path, the lowest band first
    border: str
    outlines: str
    names: tuple[Name, ...]
    kilometre: float  # units
    outside: int  # cells that the sheet does not hold


class _Sheet:
    """A piece of ground laid flat: equal metres both ways, good for a municipality."""

    def __init__(self, west: float, south: float, east: float, north: float) -> None:
        self.box = shapely.box(west, south, east, north)
        self._west, self._north = west, north
        self._squeeze = cos(radians((south + north) / 2))
        self._scale = WIDTH / ((east - west) * self._squeeze)
        self.height = round((north - south) * self._scale)
        self.kilometre = round(1000 / METRES_A_DEGREE * self._scale, 1)

    def at(self, lon: float, lat: float) -> tuple[float, float]:
        """Give a place's position."""
        x = (lon - self._west) * self._squeeze * self._scale
        return round(x, 1), round((self._north - lat) * self._scale, 1)

    def path(self, rings: Iterable[Sequence[Sequence[float]]]) -> str:
        """Write closed rings of [lon, lat] as one path."""
        return "".join(
            "M" + "L".join("{} {}".format(*self.at(lon, lat)) for lon, lat in ring[:-1]) + "Z"
            for ring in rings
        )


def draw(shown: Picture, areas: Sequence[AreaRow], view: str) -> Drawing | None:
    """Draw the cells in their bands, and the areas with their names; None without any ground."""
    focus = [area for area in areas if area.kind in FOCUS_KINDS]
    ground = [area.outline for area in areas if area.kind == "municipality"]
    hexagons = cells.polygons(shown.cell)
    framed = [area.outline for area in focus]
    if view == WHOLE or not focus:
        framed += hexagons.tolist()
    if not framed:
        return None
    sheet = _Sheet(*_widened(shapely.total_bounds(framed)))
    rings = list(zip(shown.band, cells.boundaries(shown.cell), strict=True))
    return Drawing(
        width=WIDTH,
        height=sheet.height,
        cells=tuple(
            (band.name.lower(), sheet.path(ring for its, ring in rings if its is band))
            for band in reversed(BANDS)
        ),
        border=sheet.path(_rings(shapely.simplify(ground, COARSE))),
        outlines=sheet.path(_rings([area.outline for area in focus])),
        names=tuple(_names(sheet, focus)),
        kilometre=sheet.kilometre,
        outside=sum(not shapely.intersects(sheet.box, each) for each in hexagons),
    )


def _widened(bounds: Sequence[float]) -> tuple[float, float, float, float]:
    """Leave some ground around what has to be seen."""
    west, south, east, north = bounds
    up = MARGIN_M / METRES_A_DEGREE
    across = up / cos(radians((south + north) / 2))
    return west - across, south - up, east + across, north + up


def _rings(outlines: Iterable[shapely.Geometry]) -> Iterator[list[tuple[float, float]]]:
    for polygon in shapely.get_parts(list(outlines)):
        for ring in (polygon.exterior, *polygon.interiors):
            yield list(ring.coords)


def _names(sheet: _Sheet, areas: Sequence[AreaRow]) -> Iterator[Name]:
    """Put each name over its area, under it where another name stands, or leave it to the table."""
    taken: list[tuple[float, float, float, float]] = []
    for area in sorted(areas, key=lambda each: -each.outline.bounds[3]):
        west, south, east, north = area.outline.bounds
        half = len(area.name) * LETTER / 2
        middle, top = sheet.at((west + east) / 2, north)
        _, bottom = sheet.at(west, south)
        x = min(max(middle, half), WIDTH - half)
        over, under = top - LINE / 3, bottom + LINE
        for y in (over, under):
            box = (x - half, y - LINE, x + half, y)
            if not _meets(box, taken):
                taken.append(box)
                yield Name(area.name, round(x, 1), round(y, 1))
                break


def _meets(
    box: tuple[float, float, float, float], taken: Iterable[tuple[float, float, float, float]]
) -> bool:
    left, top, right, bottom = box
    return any(left < r and right > x and top < b and bottom > y for x, y, r, b in taken)
