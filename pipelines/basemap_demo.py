"""An invented background map for the demonstration's invented town.

The streets that have addresses are the town's own (`demo_town`); round them this lays smaller
streets, houses, parks, woods, a river with its lake, a railway and a trunk road, none of which
exist. The same town gives the same map.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from shapely import affinity

from geo import crs
from pipelines import demo_town
from pipelines.basemap_build import Ground, Origin, Sheet, write
from store.files import whole_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geo.profile import ReferenceSet
    from pipelines.demo_town import Town
    from store.background import About

SEED: Final = 5
ATTRIBUTION: Final = "Påhittad bakgrundskarta"
OUTSKIRTS_M: Final = 420.0  # around the areas: so far the town reaches
VILLAGE_M: Final = 330.0  # around a school outside it
COUNTRY_M: Final = 4200.0  # so far the map does
RIVER_M: Final = 34.0
BANK_M: Final = 45.0
RAILS_M: Final = 9.0  # between the two tracks
LOCAL_M: Final = (92.0, 148.0)  # between small streets, along and across
SHORTEST_M: Final = 60.0
CLEAR_M: Final = 30.0  # between a small street and a parallel one that was there before
JOIN_M: Final = 70.0  # a street that ends so near another one reaches it
HOUSE_M: Final = 26.0  # between houses along a small street
MORE_WORDS: Final = (
    *("hatts", "tärnings", "tofs", "knapp", "lur", "snurre", "bubble", "klang", "mössa", "krok"),
)
RIVER_NAME: Final = "Dimspegelån"
LAKE_NAME: Final = "Glimsjön"
PARK_NAMES: Final = ("Frostparken", "Stjärnlunden", "Drakparken", "Molnlunden", "Skuggparken")


@dataclass(frozen=True, slots=True)
class _Way:
    """Something along a line."""

    kind: str
    name: str
    line: shapely.LineString


@dataclass(frozen=True, slots=True)
class _Land:
    """What lies under the streets."""

    town: shapely.Geometry
    areas: shapely.Geometry
    water: shapely.Geometry
    banks: shapely.Geometry
    parks: list[shapely.Polygon]
    woods: list[shapely.Polygon]
    river: shapely.LineString
    rails: shapely.LineString
    trunk: shapely.LineString

    @property
    def closed(self) -> shapely.Geometry:
        """Where no small street and no house is."""
        return shapely.union_all(
            [
                self.water.buffer(22),
                *self.parks,
                self.banks,
                self.rails.buffer(28),
                self.trunk.buffer(45),
            ]
        )


def make(reference: ReferenceSet, town: Town, target: Path, made: str) -> About:
    """Write the invented map of an invented town into a new file."""
    rng = np.random.default_rng(SEED)
    ground = Ground.of(reference.profile)
    land = _land(reference, town, rng)
    ways = _ways(town, land, rng)
    sheet = Sheet(ground)
    _put(sheet, "water", [("", LAKE_NAME, land.water)])
    greens = [("wood", "", wood) for wood in land.woods] + [("park", "", land.banks)]
    names = [*PARK_NAMES, *[""] * len(land.parks)]
    greens += [("park", name, park) for name, park in zip(names, land.parks, strict=False)]
    _put(sheet, "green", greens)
    _put(sheet, "buildings", [("", "", house) for house in _houses(ways, town, land, rng)])
    tracks = [land.rails.offset_curve(side * RAILS_M / 2) for side in (1, -1)]
    _put(sheet, "rails", [("", "", track) for track in tracks])
    _put(sheet, "streets", [(way.kind, way.name, way.line) for way in ways])
    _put(sheet, "names", _names(land))
    with whole_file(target) as draft:
        return write(draft, sheet.layers(), ground, Origin(ATTRIBUTION, made, invented=True))


def _put(sheet: Sheet, layer: str, rows: Iterable[tuple[str, str, shapely.Geometry]]) -> None:
    kind, name, shapes = zip(*rows, strict=True)
    columns = [np.array(column, dtype=object) for column in (kind, name)]
    made = np.empty(len(shapes), dtype=object)
    made[:] = shapes
    sheet.put(layer, columns[0], columns[1], made)


# --- the land ------------------------------------------------------------------------------------


def _land(reference: ReferenceSet, town: Town, rng: np.random.Generator) -> _Land:
    """Lay river, lake, railway, trunk road, parks and woods where no area and no address is."""
    epsg = reference.profile.metric_epsg
    areas = shapely.union_all(
        [
            shapely.transform(area.outline, lambda lonlat: _metres(lonlat, epsg))
            for area in reference.areas
            if area.kind in ("priority", "nightlife")
        ]
    )
    spots = shapely.points(
        [(s.x_m, s.y_m) for s in (*town.addresses, *town.schools, *town.squares)]
    )
    hull = areas.convex_hull
    villages = [shapely.Point(school.x_m, school.y_m).buffer(VILLAGE_M) for school in town.schools]
    built = shapely.union_all([hull.buffer(OUTSKIRTS_M), *villages])
    middle, along = _axis(hull)
    across = along + 90
    tries = np.linspace(-0.26, 0.26, 41) * _length(hull, along)
    river = _calmest(
        [_winding(middle, across, offset, COUNTRY_M, (150.0, 1700.0)) for offset in tries],
        (areas, spots),
        RIVER_M,
    )
    sides = np.linspace(-0.5, 0.5, 31) * _length(hull, across)
    rails = _calmest(
        [_winding(middle, along, offset, COUNTRY_M, (60.0, 5200.0)) for offset in sides],
        (areas, spots),
        40.0,
    )
    width = _length(hull, across) / 2 + OUTSKIRTS_M + 250
    trunk = _winding(middle, along, -width, COUNTRY_M, (180.0, 6100.0))
    lake = _blob(river.interpolate(0.79, normalized=True), 900.0, rng)
    water = shapely.union_all([river.buffer(RIVER_M / 2, quad_segs=4), lake])
    taken = shapely.union_all([areas.buffer(90), water.buffer(30), rails.buffer(40)])
    parks = _blobs(built.difference(taken), (80.0, 230.0), 14, rng)
    outside = built.buffer(COUNTRY_M - OUTSKIRTS_M).difference(
        shapely.union_all([built.buffer(60), trunk.buffer(90), water])
    )
    woods = [wood.difference(water.buffer(15)) for wood in _blobs(outside, (260.0, 820.0), 46, rng)]
    clear = shapely.union_all([built, trunk.buffer(40), rails.buffer(30)])
    return _Land(
        town=built,
        areas=areas,
        water=water,
        banks=shapely.intersection(river.buffer(BANK_M), built).difference(areas.buffer(30)),
        parks=parks,
        woods=[shapely.difference(wood, clear) for wood in woods],
        river=river,
        rails=rails,
        trunk=trunk,
    )


def _metres(lonlat: NDArray[np.float64], epsg: int) -> NDArray[np.float64]:
    return np.column_stack(crs.transform(lonlat[:, 0], lonlat[:, 1], crs.WGS84, epsg))


def _axis(hull: shapely.Polygon) -> tuple[shapely.Point, float]:
    """Give the middle of a town and the direction it stretches in, in degrees."""
    corners = shapely.get_coordinates(hull.minimum_rotated_rectangle)
    sides = np.diff(corners[:3], axis=0)
    long = sides[np.argmax(np.hypot(*sides.T))]
    return hull.centroid, float(np.degrees(np.arctan2(long[1], long[0]))) % 180


def _length(hull: shapely.Polygon, angle: float) -> float:
    west, _, east, _ = affinity.rotate(hull, -angle, origin=hull.centroid).bounds
    return float(east - west)


def _winding(
    middle: shapely.Point, angle: float, offset: float, reach: float, wave: tuple[float, float]
) -> shapely.LineString:
    """Draw a line in a direction, beside the middle, that swings by some metres a wave length."""
    swing, length = wave
    along = np.arange(-reach - 2500, reach + 2500, 40.0)
    aside = offset + swing * np.sin(2 * np.pi * along / length) + swing / 3 * np.sin(along / 390)
    turn = np.radians(angle)
    x = middle.x + along * np.cos(turn) - aside * np.sin(turn)
    y = middle.y + along * np.sin(turn) + aside * np.cos(turn)
    return shapely.LineString(np.column_stack([x, y]))


def _calmest(
    lines: Sequence[shapely.LineString],
    there: tuple[shapely.Geometry, NDArray[np.object_]],
    width: float,
) -> shapely.LineString:
    """Choose the line that touches the areas least, then the fewest addresses and schools."""
    areas, spots = there
    tree = shapely.STRtree(spots)
    harm = [
        (
            round(shapely.intersection(line, areas.buffer(30)).length),
            tree.query(line.buffer(width / 2 + 4), predicate="intersects").size,
        )
        for line in lines
    ]
    return lines[min(range(len(lines)), key=harm.__getitem__)]


def _blob(middle: shapely.Point, radius: float, rng: np.random.Generator) -> shapely.Polygon:
    """Draw a soft round shape."""
    turn = np.linspace(0, 2 * np.pi, 49)[:-1]
    waves = rng.uniform(0.04, 0.16, 3)
    phases = rng.uniform(0, 2 * np.pi, 3)
    reach = 1 + sum(
        w * np.sin(n * turn + p) for n, w, p in zip((2, 3, 5), waves, phases, strict=True)
    )
    x = middle.x + radius * reach * np.cos(turn)
    y = middle.y + 0.8 * radius * reach * np.sin(turn)
    return shapely.Polygon(np.column_stack([x, y]))


def _blobs(
    ground: shapely.Geometry, sizes: tuple[float, float], most: int, rng: np.random.Generator
) -> list[shapely.Polygon]:
    """Scatter soft shapes over a ground, apart from each other."""
    west, south, east, north = ground.bounds
    made: list[shapely.Polygon] = []
    for _ in range(most * 30):
        middle = shapely.Point(rng.uniform(west, east), rng.uniform(south, north))
        shape = _blob(middle, rng.uniform(*sizes), rng)
        part = max(
            shapely.get_parts(shape.intersection(ground)), key=lambda one: one.area, default=shape
        )
        if part.area > 0.75 * shape.area and not any(one.intersects(part) for one in made):
            made.append(part)
        if len(made) == most:
            break
    return made


# --- the streets ---------------------------------------------------------------------------------


def _ways(town: Town, land: _Land, rng: np.random.Generator) -> list[_Way]:
    """List all streets: those with addresses, the ways out of town, small streets and paths."""
    known = [_Way(_kind(street), street.name, street.line) for street in town.streets]
    ways = [*known, _Way("motorway", "", land.trunk)]
    long = [
        street.line
        for street in town.streets
        if not street.quarter and street.plot_m > demo_town.PLOT_M
    ]
    ways += [way for at, line in enumerate(long) for way in _ways_out(line, land, far=at % 2 == 0)]
    ways += _local(long, ways, land, rng)
    ways += [_Way("path", "", land.river.offset_curve(side * 27)) for side in (1, -1)]
    ways += [_path_through(park, rng) for park in land.parks]
    by_name = {street.name: street.line for street in town.streets}
    for tunnel in town.tunnels:
        ways.append(_across(tunnel, by_name[tunnel.street.removeprefix("Gångtunnel under ")]))
    return _met(ways)


def _met(ways: Sequence[_Way]) -> list[_Way]:
    """Let streets that end a little before another one reach it."""
    lines = [way.line for way in ways]
    tree = shapely.STRtree(lines)
    made = []
    for way in ways:
        line = way.line
        for end in (0, -1) if way.kind == "street" else ():
            here, before = np.array(line.coords[end]), np.array(line.coords[1 if end == 0 else -2])
            if tree.query(shapely.Point(here), "dwithin", distance=1.0).size > 1:
                continue  # it meets one already
            step = (here - before) / np.hypot(*(here - before))
            ahead = shapely.LineString([here + step, here + JOIN_M * step])
            met = [lines[at].intersection(ahead) for at in tree.query(ahead, "intersects")]
            hits = shapely.get_coordinates(met)
            if len(hits):
                meeting = hits[np.argmin(np.hypot(*(hits - here).T))]
                corners = list(line.coords)
                corners.insert(0 if end == 0 else len(corners), meeting)
                line = shapely.LineString(corners)
        made.append(_Way(way.kind, way.name, line))
    return made


def _kind(street: demo_town.Street) -> str:
    if street.quarter or street.plot_m == demo_town.PLOT_M:
        return "street"
    return "main" if street.line.length > 1500 else "district"  # noqa: PLR2004 - metres


def _ways_out(line: shapely.LineString, land: _Land, *, far: bool) -> list[_Way]:
    """Let a long street go on: into the area it ends at, or out of town in a bend."""
    hull = land.areas.convex_hull
    made = []
    for end, before in ((line.coords[0], line.coords[-1]), (line.coords[-1], line.coords[0])):
        step = np.subtract(end, before) / line.length
        if shapely.Point(end).distance(hull.boundary) > 2:  # noqa: PLR2004 - it ends at an area
            made.append(_Way("street", "", shapely.LineString([end, end + 75 * step])))
            continue
        bend = np.array((-step[1], step[0])) * (1 if step[0] > 0 else -1)
        share = np.linspace(0, 1, 24)[:, np.newaxis]
        reach = 3600 if far else OUTSKIRTS_M
        country = np.array(end) + share * reach * step + share**2 * reach / 5 * bend
        made.append(_Way("district", "", shapely.LineString(country)))
    return made


def _local(
    long: Sequence[shapely.LineString],
    ways: Sequence[_Way],
    land: _Land,
    rng: np.random.Generator,
) -> list[_Way]:
    """Lay small streets between those that are there, in a lattice that is a little bent."""
    first, last = (np.array(long[0].coords[at]) for at in (0, -1))
    angle = float(np.degrees(np.arctan2(*(last - first)[::-1])))
    free = land.town.difference(shapely.union_all([land.areas.buffer(16), land.closed]))
    there = shapely.union_all([way.line for way in ways])
    near = there.buffer(CLEAR_M)
    names = _more_names([way.name for way in ways], rng)
    reach = np.hypot(*np.subtract(free.bounds[2:], free.bounds[:2])) / 2
    made = []
    for turn, apart in zip((0.0, 90.0), LOCAL_M, strict=True):
        for offset in np.arange(-reach, reach, apart):
            line = _bent(free.centroid, angle + turn, offset, reach)
            parts = shapely.get_parts(shapely.difference(shapely.intersection(line, free), there))
            kept = [part for part in parts if _is_new(part, near)]
            if kept:
                name = next(names, "")
                made += [_Way("street", name, part) for part in kept]
    return _thinned(made, rng)


def _bent(middle: shapely.Point, angle: float, offset: float, reach: float) -> shapely.LineString:
    """Draw a line whose bends its neighbours share, so that blocks keep their width."""
    along = np.arange(-reach, reach, 25.0)
    turn = np.radians(angle)
    x = middle.x + along * np.cos(turn) - offset * np.sin(turn)
    y = middle.y + along * np.sin(turn) + offset * np.cos(turn)
    east = x + 26 * np.sin(y / 210) + 14 * np.sin(y / 90 + x / 400)
    north = y + 26 * np.sin(x / 240 + 1) + 14 * np.sin(x / 95 - y / 350)
    return shapely.LineString(np.column_stack([east, north]))


def _is_new(part: shapely.LineString, near: shapely.Geometry) -> bool:
    if part.geom_type != "LineString" or part.length < SHORTEST_M:
        return False
    return bool(shapely.intersection(part, near).length < 0.6 * part.length)


def _thinned(ways: Sequence[_Way], rng: np.random.Generator) -> list[_Way]:
    """Leave out one block in seven, so that no two blocks of houses are alike."""
    others = shapely.STRtree([way.line for way in ways])
    made = []
    for way in ways:
        crossing = [ways[at].line for at in others.query(way.line) if ways[at].line is not way.line]
        parts = shapely.get_parts(shapely.difference(way.line, shapely.union_all(crossing)))
        gone = rng.random(len(parts)) < 1 / 7
        made += [
            _Way(way.kind, way.name, part)
            for part, left_out in zip(parts, gone, strict=True)
            if not left_out
        ]
    return made


def _more_names(taken: Sequence[str], rng: np.random.Generator) -> Iterator[str]:
    """Yield invented names that no street has yet."""
    stems = [one + two for one in demo_town.FIRST_WORDS for two in MORE_WORDS]
    for index in rng.permutation(len(stems)):
        name = stems[index] + demo_town.SUFFIXES[index % len(demo_town.SUFFIXES)]
        if name not in taken:
            yield name


def _path_through(park: shapely.Polygon, rng: np.random.Generator) -> _Way:
    west, south, east, north = park.bounds
    along = np.linspace(-1, 1, 15)
    wide, high = (east - west) / 2, (north - south) / 2
    x = park.centroid.x + along * wide
    y = park.centroid.y + rng.uniform(-0.9, 0.9) * along * high + 14 * np.sin(4 * along)
    inside = shapely.get_parts(
        shapely.intersection(shapely.LineString(np.column_stack([x, y])), park)
    )
    return _Way("path", "", max(inside, key=lambda part: part.length))


def _across(tunnel: demo_town.Spot, street: shapely.LineString) -> _Way:
    """Draw the path of a tunnel under its street."""
    (x_0, y_0), (x_1, y_1) = street.coords[0], street.coords[-1]
    step = np.array((y_0 - y_1, x_1 - x_0)) / street.length * 44
    middle = np.array((tunnel.x_m, tunnel.y_m))
    return _Way("path", "", shapely.LineString([middle - step, middle + step]))


# --- the houses ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Row:
    """How houses stand along a street, in metres."""

    every: float
    length: float
    depth: float
    back: float  # from the middle of the street to the front


SLABS: Final = _Row(58.0, 42.0, 11.0, 11.0)
BLOCKS: Final = _Row(31.0, 27.0, 12.0, 10.0)
WIDE: Final = _Row(38.0, 20.0, 13.0, 12.0)
VILLAS: Final = _Row(HOUSE_M, 12.0, 9.5, 9.0)
SCHOOL: Final = (58.0, 21.0)


def _houses(
    ways: Sequence[_Way], town: Town, land: _Land, rng: np.random.Generator
) -> list[shapely.Polygon]:
    """Build schools and houses along the streets, none in a street or in another house."""
    quarter = {street.name: street.quarter for street in town.streets}
    houses = [
        _house((school.x_m, school.y_m), rng.uniform(0, np.pi), SCHOOL) for school in town.schools
    ]
    local: list[shapely.Polygon] = []
    for way in ways:
        if way.kind in ("street", "main", "district"):
            where = quarter.get(way.name, "local")
            row = {town.core: BLOCKS, "local": VILLAS, "": WIDE}.get(where, SLABS)
            (local if row is VILLAS else houses).extend(_along(way.line, row, rng))
    every = np.empty(len(houses) + len(local), dtype=np.object_)
    every[:] = [*houses, *local]
    lines = shapely.STRtree([way.line for way in ways])
    close, _ = lines.query(every, predicate="dwithin", distance=5.0)
    kept = np.ones(every.size, dtype=bool)
    kept[close] = False
    kept &= ~shapely.intersects(every, land.closed) & shapely.within(every, land.town)
    one, other = shapely.STRtree(every).query(every, predicate="dwithin", distance=2.0)
    for later, earlier in sorted(zip(one.tolist(), other.tolist(), strict=True)):
        if earlier < later and kept[earlier]:
            kept[later] = False
    return list(every[kept])


def _along(line: shapely.LineString, row: _Row, rng: np.random.Generator) -> list[shapely.Polygon]:
    """Put houses on both sides of a street."""
    made = []
    for side in (1, -1):
        along = np.arange(row.every / 2, line.length - row.every / 3, row.every)
        along = along + rng.uniform(-0.06, 0.06, along.size) * row.every
        for at, size in zip(along.tolist(), rng.uniform(0.8, 1.15, (along.size, 2)), strict=True):
            here, there = line.interpolate(at), line.interpolate(at + 1)
            angle = float(np.arctan2(there.y - here.y, there.x - here.x))
            away = row.back + row.depth / 2
            middle = (here.x - side * away * np.sin(angle), here.y + side * away * np.cos(angle))
            made.append(_house(middle, angle, (row.length * size[0], row.depth * size[1])))
    return made


def _house(middle: tuple[float, float], angle: float, size: tuple[float, float]) -> shapely.Polygon:
    """Draw a rectangle, or a house with a wing."""
    length, depth = size[0] / 2, size[1] / 2
    corners = np.array(((-1, -1), (1, -1), (1, 1), (-1, 1))) * (length, depth)
    wing = round(1000 * (size[0] + size[1])) % 4 == 0 and length < SCHOOL[1]
    if wing:
        corners = np.array(
            (
                (-1, -1),
                (1, -1),
                (1, 0.2),
                (0.25, 0.2),
                (0.25, 1.5),
                (-0.6, 1.5),
                (-0.6, 0.2),
                (-1, 0.2),
            )
        ) * (length, depth)
    turn = np.array(((np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))))
    return shapely.Polygon(corners @ turn + middle)


def _names(land: _Land) -> list[tuple[str, str, shapely.Point]]:
    """Name the river where it leaves the town."""
    through = land.river.intersection(land.town)
    return [
        ("water", RIVER_NAME, through.interpolate(share, normalized=True)) for share in (0.15, 0.85)
    ]
