"""An invented town for the demonstration: streets, addresses, venues and pedestrian tunnels.

Areas, schools and squares come from the place profile and are real; everything laid between them
is made up. Street names are compounds no street committee would pass, so that nobody takes an
invented address for a real one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import shapely
from shapely import affinity

from geo import crs
from geo.areas import locate
from geo.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from geo.profile import ReferenceSet

FIRST_WORDS: Final = (
    *("Moln", "Frost", "Dim", "Glim", "Sago", "Stjärn", "Drak", "Sken", "Vind", "Måns"),
    *("Flöjt", "Tromb", "Pärl", "Skugg"),
)
SECOND_WORDS: Final = (
    *("vinge", "hjuls", "spegel", "lykte", "segel", "kompass", "trumpet", "klocke", "fjäder"),
    "pendel",
)
SUFFIXES: Final = ("gatan", "gatan", "vägen", "vägen", "stigen", "gränd")
VENUE_NAMES: Final = (
    *("Grå Giraffen", "Sista Versen", "Tredje Takten", "Halva Månen", "Tysta Trumman"),
    *("Röda Rocken", "Femte Hjulet", "Gröna Gröten", "Kalla Källan"),
)
BLOCK_M: Final = 85.0  # between parallel streets in a housing area
DISTRICT_M: Final = 450.0  # between the long streets that join the areas
PLOT_M: Final = 18.0  # between house entrances in a housing area
WIDE_PLOT_M: Final = 60.0  # along the long streets
SETBACK_M: Final = 9.0  # from the middle of the street to an entrance
SHORTEST_STREET_M: Final = 90.0
SCHOOL_REACH_M: Final = 900.0  # schools this far from the areas still belong to the town
VENUE_GAP_M: Final = 45.0
SQUARE_KINDS: Final = ("place", "bus_stop")


class Spot(NamedTuple):
    """A place where something can happen; `number` is empty where there is no address."""

    x_m: float
    y_m: float
    lon: float
    lat: float
    street: str
    number: str
    quarter: str


class Crossing(NamedTuple):
    """Two streets that meet."""

    first: str
    second: str
    spot: Spot


@dataclass(frozen=True, slots=True)
class Street:
    """An invented street; `line` in metres."""

    name: str
    quarter: str
    line: shapely.LineString
    plot_m: float


@dataclass(frozen=True, slots=True)
class Town:
    """Everything the demonstration's events can happen at."""

    quarters: tuple[str, ...]  # the priority areas
    core: str
    streets: tuple[Street, ...]
    addresses: tuple[Spot, ...]
    crossings: tuple[Crossing, ...]
    tunnels: tuple[Spot, ...]
    squares: tuple[Spot, ...]
    schools: tuple[Spot, ...]
    venues: tuple[tuple[str, Spot], ...]


@dataclass(frozen=True, slots=True)
class _Quarter:
    name: str
    ground: shapely.Geometry  # metres
    block_m: float
    plot_m: float


def build(reference: ReferenceSet, rng: np.random.Generator) -> Town:
    """Invent a town on the ground of a place profile.

    Raises
    ------
    InvalidParameter
        The profile has no priority area or no nightlife core.
    """
    quarters = [area.name for area in reference.areas if area.kind == "priority"]
    cores = [area.name for area in reference.areas if area.kind == "nightlife"]
    if not quarters or not cores:
        raise InvalidParameter("demo-areas-missing", profile=reference.profile.name)
    grounds = _quarters(reference)
    names = _names(rng)
    streets = [street for ground in grounds for street in _streets(ground, names, rng)]
    schools = _schools(reference, grounds)
    streets += [_school_street(school, next(names), rng) for school in schools]
    epsg = reference.profile.metric_epsg
    addresses = _addresses(streets, epsg, rng)
    return Town(
        quarters=tuple(quarters),
        core=cores[0],
        streets=tuple(streets),
        addresses=addresses,
        crossings=_crossings(streets, epsg),
        tunnels=_tunnels(streets, quarters, epsg),
        squares=_squares(reference),
        schools=schools,
        venues=_venues([spot for spot in addresses if spot.quarter == cores[0]], rng),
    )


def _quarters(reference: ReferenceSet) -> list[_Quarter]:
    """List the areas as ground in metres, and the town between them as one more."""
    epsg = reference.profile.metric_epsg
    quarters = []
    for area in reference.areas:
        if area.kind in ("priority", "nightlife"):
            ground = shapely.transform(area.outline, lambda lonlat: _metres(lonlat, epsg))
            quarters.append(_Quarter(area.name, ground, BLOCK_M, PLOT_M))
    built = shapely.union_all([quarter.ground for quarter in quarters])
    between = shapely.difference(built.convex_hull, built)
    return [*quarters, _Quarter("", between, DISTRICT_M, WIDE_PLOT_M)]


def _metres(lonlat: np.ndarray, epsg: int) -> np.ndarray:
    return np.column_stack(crs.transform(lonlat[:, 0], lonlat[:, 1], crs.WGS84, epsg))


def _names(rng: np.random.Generator) -> Iterator[str]:
    """Yield invented street names whose stems differ, in random order."""
    stems = [first + second for first in FIRST_WORDS for second in SECOND_WORDS]
    suffixes = rng.choice(SUFFIXES, len(stems))
    for index in rng.permutation(len(stems)):
        yield f"{stems[index]}{suffixes[index]}"


def _streets(quarter: _Quarter, names: Iterator[str], rng: np.random.Generator) -> list[Street]:
    """Lay two families of parallel streets over a quarter, turned by a random angle."""
    middle = quarter.ground.centroid
    west, south, east, north = quarter.ground.bounds
    reach = np.hypot(east - west, north - south)
    angle = rng.uniform(0, 90)
    streets = []
    for turn, apart in ((0, quarter.block_m), (90, 2 * quarter.block_m)):
        for offset in np.arange(-reach, reach, apart) + apart / 2:
            ends = [(middle.x - reach, middle.y + offset), (middle.x + reach, middle.y + offset)]
            line = affinity.rotate(shapely.LineString(ends), angle + turn, origin=middle)
            parts = shapely.get_parts(shapely.intersection(line, quarter.ground))
            longest = max(parts, key=lambda part: part.length, default=line.boundary)
            if longest.length >= SHORTEST_STREET_M:
                streets.append(Street(next(names), quarter.name, longest, quarter.plot_m))
    return streets


def _schools(reference: ReferenceSet, grounds: Sequence[_Quarter]) -> tuple[Spot, ...]:
    """List the schools in or near the areas."""
    epsg = reference.profile.metric_epsg
    town = shapely.union_all([quarter.ground for quarter in grounds]).buffer(SCHOOL_REACH_M)
    schools = [facility for facility in reference.facilities if facility.kind == "school"]
    lonlat = np.array([(school.lon, school.lat) for school in schools], dtype=float).reshape(-1, 2)
    inside = shapely.contains_xy(town, _metres(lonlat, epsg))
    return _named(lonlat[inside], [s.name for s, i in zip(schools, inside, strict=True) if i], epsg)


def _squares(reference: ReferenceSet) -> tuple[Spot, ...]:
    """List the named places and bus stops that lie in an area or the core."""
    areas = [area for area in reference.areas if area.kind in ("priority", "nightlife")]
    places = [place for place in reference.places if place.kind in SQUARE_KINDS]
    lonlat = np.array([(place.lon, place.lat) for place in places], dtype=float).reshape(-1, 2)
    area = locate(lonlat[:, 0], lonlat[:, 1], [area.outline for area in areas])
    names = [f"hållplats {p.name}" if p.kind == "bus_stop" else p.name for p in places]
    spots = _named(lonlat, names, reference.profile.metric_epsg)
    return tuple(
        spot._replace(quarter=areas[index].name)
        for spot, index in zip(spots, area, strict=True)
        if index >= 0
    )


def _named(lonlat: np.ndarray, names: Sequence[str], epsg: int) -> tuple[Spot, ...]:
    metres = _metres(lonlat, epsg)
    return tuple(
        Spot(float(x), float(y), float(lon), float(lat), name, "", "")
        for (x, y), (lon, lat), name in zip(metres, lonlat, names, strict=True)
    )


def _school_street(school: Spot, name: str, rng: np.random.Generator) -> Street:
    """Lay one street past a school, so that its surroundings have addresses."""
    ends = [(school.x_m - 120, school.y_m + 25), (school.x_m + 120, school.y_m + 25)]
    line = affinity.rotate(
        shapely.LineString(ends), rng.uniform(0, 360), origin=(school.x_m, school.y_m)
    )
    return Street(name, "", line, PLOT_M)


def _addresses(streets: Sequence[Street], epsg: int, rng: np.random.Generator) -> tuple[Spot, ...]:
    """Give each entrance along the streets a number: odd on the left, even on the right."""
    metres: list[tuple[float, float]] = []
    labels: list[tuple[str, str, str]] = []
    for street in streets:
        along = np.arange(street.plot_m / 2, street.line.length, street.plot_m)
        for side in (1, -1):
            kerb = street.line.offset_curve(side * SETBACK_M)
            points = shapely.get_coordinates(shapely.line_interpolate_point(kerb, along))
            doubled = rng.random(len(points)) < 0.06  # noqa: PLR2004 - share with two entrances
            for order, (point, double) in enumerate(zip(points, doubled, strict=True)):
                number = str(2 * order + (1 if side > 0 else 2))
                for step, letter in enumerate((" A", " B") if double else ("",)):
                    metres.append((point[0] + 5.0 * step, point[1]))
                    labels.append((street.name, number + letter, street.quarter))
    return _spots(metres, labels, epsg)


def _spots(
    metres: Sequence[tuple[float, float]], labels: Sequence[tuple[str, str, str]], epsg: int
) -> tuple[Spot, ...]:
    x, y = np.array(metres, dtype=float).reshape(-1, 2).T.round(2)
    lon, lat = crs.transform(x, y, epsg, crs.WGS84)
    rows = zip(x.tolist(), y.tolist(), lon.tolist(), lat.tolist(), labels, strict=True)
    return tuple(Spot(a, b, c, d, *label) for a, b, c, d, label in rows)


def _crossings(streets: Sequence[Street], epsg: int) -> tuple[Crossing, ...]:
    metres: list[tuple[float, float]] = []
    labels: list[tuple[str, str, str]] = []
    for one, other in combinations(streets, 2):
        if one.quarter == other.quarter and shapely.intersects(one.line, other.line):
            point = shapely.intersection(one.line, other.line).centroid
            metres.append((point.x, point.y))
            labels.append((one.name, other.name, one.quarter))
    return tuple(
        Crossing(spot.street, spot.number, spot._replace(street="", number=""))
        for spot in _spots(metres, labels, epsg)
    )


def _tunnels(streets: Sequence[Street], quarters: Sequence[str], epsg: int) -> tuple[Spot, ...]:
    """Dig two pedestrian tunnels under the two longest streets of each priority area."""
    metres: list[tuple[float, float]] = []
    labels: list[tuple[str, str, str]] = []
    for quarter in quarters:
        own = sorted((s for s in streets if s.quarter == quarter), key=lambda s: -s.line.length)
        for street, share in zip(own[:2], (0.3, 0.7), strict=False):
            point = street.line.interpolate(share, normalized=True)
            metres.append((point.x, point.y))
            labels.append((f"Gångtunnel under {street.name}", "", quarter))
    return _spots(metres, labels, epsg)


def _venues(core: Sequence[Spot], rng: np.random.Generator) -> tuple[tuple[str, Spot], ...]:
    """Open invented venues at addresses of the core, not door to door."""
    chosen: list[Spot] = []
    for index in rng.permutation(len(core)):
        spot = core[index]
        gaps = [np.hypot(spot.x_m - other.x_m, spot.y_m - other.y_m) for other in chosen]
        if min(gaps, default=np.inf) >= VENUE_GAP_M:
            chosen.append(spot)
        if len(chosen) == len(VENUE_NAMES):
            break
    return tuple(zip(VENUE_NAMES, chosen, strict=False))
