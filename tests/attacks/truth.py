"""What really happened in the invented town, told by code of its own.

Nothing here asks the product in which zone, theme or block of time an event lies: outlines and
windows are read from the profile's tables and applied with shapely, h3, pyproj and zoneinfo.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import h3
import numpy as np
import pyproj
import shapely

from tests.attacks.town import REFERENCE, outlines

CLOCK = ZoneInfo("Europe/Stockholm")
METRES = pyproj.Transformer.from_crs(4326, 3006, always_xy=True)
SCHOOL_M = 300
BLOCKS = ("skoltid", "vardagskvall", "helgkvall", "helgnatt")
OTHER = "ovrig_tid"
OUTSIDE, UNKNOWN = "outside", "unknown"
SLIVER = 1e-9  # square degrees: what rounding may lose
RULES = {rule.code: rule for rule in REFERENCE.profile.offences if rule.valid_to is None}
THEMES = {category.code: category.theme for category in REFERENCE.profile.categories}


def slug(kind, name):
    """Name a zone as links do."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "-".join([kind, *re.findall(r"[a-z0-9]+", plain)])


def instant(written):
    """Read a local wall clock: an hour that was skipped moves on, one of two is the first."""
    return datetime.fromisoformat(written).replace(tzinfo=CLOCK).astimezone(UTC)


def _open_hours(window):
    """List when a window was open between 2022 and 2026, in UTC."""
    for offset in range((date(2026, 12, 31) - date(2022, 12, 1)).days):
        day = date(2022, 12, 1) + timedelta(days=offset)
        if window.term_only and not any(a <= day < b for a, b in REFERENCE.profile.terms):
            continue
        for span in window.spans:
            if day.isoweekday() == span.weekday:
                after = day + timedelta(days=span.end <= span.start)
                yield tuple(
                    datetime.combine(on, time(minute // 60, minute % 60), CLOCK).timestamp()
                    for on, minute in ((day, span.start), (after, span.end))
                )


class Blocks:
    """The blocks of the week."""

    def __init__(self):
        windows = {window.name: window for window in REFERENCE.profile.windows}
        self._open = {name: np.array(list(_open_hours(windows[name]))) for name in BLOCKS}

    def of(self, start, end):
        """Name the block that holds most of an event, if it holds half of it."""
        first, last = start.timestamp(), end.timestamp()
        shares = {}
        for name, hours in self._open.items():
            if last <= first:
                held = ((hours[:, 0] <= first) & (first < hours[:, 1])).any()
            else:
                inside = np.minimum(hours[:, 1], last) - np.maximum(hours[:, 0], first)
                held = inside.clip(0).sum() / (last - first)
            shares[name] = float(held)
        most = max(BLOCKS, key=shares.__getitem__)  # the first of equals
        return most if shares[most] >= 0.5 else OTHER


class Ground:
    """Zones of the municipality, the smallest focus area first, and their cells."""

    def __init__(self):
        focus = [
            (slug(kind, name), shape)
            for kind in ("priority", "nightlife")
            for name, shape in outlines(kind).items()
        ]
        self.focus = sorted(focus, key=lambda each: each[1].area)
        self.districts = [(slug("district", n), s) for n, s in outlines("district").items()]
        schools = [each for each in REFERENCE.facilities if each.kind == "school"]
        self._schools = [slug("school", each.name) for each in schools]
        at = METRES.transform([each.lon for each in schools], [each.lat for each in schools])
        self._school_m = np.column_stack(at)
        self._at = [(each.lon, each.lat) for each in schools]

    def zone(self, lon, lat):
        """Name the zone of a point."""
        for name, shape in self.focus:
            if shapely.intersects_xy(shape, lon, lat):
                return name
        near = self._near_school(h3.latlng_to_cell(lat, lon, 11))
        if near:
            return near
        for name, shape in sorted(self.districts, key=lambda each: each[1].area):
            if shapely.intersects_xy(shape, lon, lat):
                return name
        return OUTSIDE

    def _near_school(self, cell):
        lat, lon = h3.cell_to_latlng(cell)
        away = np.hypot(*(self._school_m - METRES.transform(lon, lat)).T)
        return self._schools[int(away.argmin())] if away.min() <= SCHOOL_M else ""

    @cached_property
    def shapes(self):
        """Draw every zone, less what an earlier one has."""
        found, taken = {}, shapely.Polygon()
        for name, shape in self.focus:
            found[name] = shapely.difference(shape, taken)
            taken = shapely.union(taken, shape)
        for name, (lon, lat) in zip(self._schools, self._at, strict=True):
            disk = h3.grid_disk(h3.latlng_to_cell(lat, lon, 11), 12)
            own = [hexagon(each) for each in disk if self._near_school(each) == name]
            found[name] = shapely.difference(shapely.union_all(own), taken)
        taken = shapely.union_all([taken, *found.values()])
        for name, shape in self.districts:
            found[name] = shapely.difference(shape, taken)
        taken = shapely.union_all([taken, *found.values()])
        found[OUTSIDE] = shapely.difference(outlines("municipality")["Eskilstuna kommun"], taken)
        return found


def hexagon(cell):
    """Draw a cell."""
    return shapely.Polygon([(lon, lat) for lat, lon in h3.cell_to_boundary(cell)])


@dataclass(frozen=True, slots=True)
class Piece:
    """The part of a zone that lies in one cell."""

    zone: str
    cell: str
    shape: shapely.Geometry
    inside: shapely.Point


class Truth:
    """n events: what each is, as columns; `zone` indexes `zones`, `piece` indexes `pieces`."""

    def __init__(self, rows):
        ground, blocks = Ground(), Blocks()
        self.rows = rows
        self.count = np.array([row.count for row in rows])
        start = [instant(row.start) for row in rows]
        end = [instant(row.end) for row in rows]
        local = [each.astimezone(CLOCK) for each in start]
        self.day = np.array([each.date() for each in local], dtype="datetime64[D]")
        self.year = np.array([each.year for each in local])
        self.tertial = np.array([(each.month - 1) // 4 + 1 for each in local])
        self.block = np.array([blocks.of(a, max(a, b)) for a, b in zip(start, end, strict=True)])
        sites = {row.site for row in rows if row.site is not None}
        zones = {site: ground.zone(site.lon, site.lat) for site in sites}
        self.zone = np.array([zones[row.site] if row.site else _named(row.words) for row in rows])
        self.place = np.array([_place(zone) for zone in self.zone.tolist()])
        self.placed = np.array([row.site is not None for row in rows])
        self.theme = np.array(
            [_theme(row.code, zone) for row, zone in zip(rows, self.zone, strict=True)]
        )
        self.lonlat = np.array(
            [(row.site.lon, row.site.lat) if row.site else (np.nan, np.nan) for row in rows]
        )
        self.spot = np.array([_spot(n, row) for n, row in enumerate(rows)])
        self.cell = np.array([_cell(row.site) for row in rows])
        self.pieces = _pieces(zip(self.zone, self.cell, strict=True), ground)
        number = {(piece.zone, piece.cell): n for n, piece in enumerate(self.pieces)}
        pairs = zip(self.zone.tolist(), self.cell.tolist(), strict=True)
        self.piece = np.array([number.get(pair, -1) for pair in pairs])
        self.shapes = ground.shapes

    @property
    def size(self):
        """Count the rows."""
        return len(self.rows)

    def number(self, held):
        """Count the events of some rows."""
        return int(self.count[held].sum())

    @cached_property
    def hexagons(self):
        """Draw the cells in which something happened, and those around them."""
        met = {near for cell in set(self.cell.tolist()) if cell for near in h3.grid_disk(cell, 2)}
        return [hexagon(cell) for cell in sorted(met)]

    def cells_in(self, shape):
        """List the cells in which something happened whose middle lies in a shape."""
        cells = [cell for cell in set(self.cell.tolist()) if cell]
        middles = shapely.points([h3.cell_to_latlng(cell)[::-1] for cell in cells])
        held = shapely.intersects(shape, middles)
        return [cell for cell, inside in zip(cells, held, strict=True) if inside]


def _named(words):
    for kind in ("priority", "nightlife"):
        if words in outlines(kind):
            return slug(kind, words)
    return UNKNOWN


def _place(zone):
    """Name the place that a zone belongs to."""
    kind = zone.partition("-")[0]
    return {"school": "schools", "district": "rest", OUTSIDE: "rest"}.get(kind, zone)


def _theme(code, zone):
    """Name the theme of an event; "" where it never reaches a map."""
    rule = RULES[code]
    if rule.place == "never":
        return ""
    if rule.nightlife and zone.startswith("nightlife"):
        return THEMES[REFERENCE.profile.nightlife_category]
    return THEMES[rule.category]


def _spot(number, row):
    """Give each door a number; all that is known by its area has one, the rest one each."""
    if row.site is not None:
        return row.site.number
    return -1 if _named(row.words) != UNKNOWN else -2 - number


def _cell(site):
    """Find the cell of resolution 9 above a door's own cell; "" without a door."""
    if site is None:
        return ""
    return h3.cell_to_parent(h3.latlng_to_cell(site.lat, site.lon, 11), 9)


def _pieces(pairs, ground):
    found = []
    for zone, cell in sorted({(z, c) for z, c in pairs if c}):
        shape = shapely.intersection(ground.shapes[zone], hexagon(cell))
        parts = [part for part in shapely.get_parts(shape) if part.area > SLIVER]
        if parts:
            largest = max(parts, key=lambda part: part.area)
            found.append(Piece(zone, cell, shape, largest.representative_point()))
    return found
