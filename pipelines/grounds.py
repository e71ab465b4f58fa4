"""The ground of a release: one partition of the municipality, so that nothing is counted twice.

Its first level holds each priority area, the nightlife core, the school zones together, and the
rest together. Below it lies the zone: the area itself, the zone of one school, one district; what
has no known place is a zone of the rest. Below that, cells of resolution 8 and 9 as logical
parents. A focus area comes before a school zone, and that before a district.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import shapely

from geo import areas, cells, crs
from geo.atoms import Level
from pipelines.derive import FOCUS_KINDS, PRECISE_M
from pipelines.texts import text
from store import places

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa
    from numpy.typing import NDArray

    from store.incidents import Sample
    from store.places import AreaRow

    Outline: TypeAlias = shapely.Polygon | shapely.MultiPolygon

SCHOOL_M = 300.0  # from a school to the middle of a cell of the finest resolution
COARSE, FINE = 8, 9
NO_CELL = 0  # stands for the cell of what is known by its zone only
SCHOOLS, REST = "schools", "rest"  # places besides the focus areas, and kinds
UNKNOWN = "unknown"  # the kind and slug of the zone of no known place
OUTSIDE = "outside"
NONE = -1  # no zone; or the one spot of all that is known vaguely
SCHOOL_STEPS = 10  # rings of the finest cells: more than 300 m everywhere (41 m and more each)


@dataclass(frozen=True, slots=True, eq=False)
class Zone:
    """A part of one place."""

    place: str
    place_name: str
    kind: str  # priority, nightlife, schools, rest or unknown
    slug: str
    name: str
    outline: Outline | None  # lon/lat; None where there is none to draw
    cells: NDArray[np.int64]  # of resolution 9, ascending: every one that can hold a point of it


@dataclass(frozen=True, slots=True, eq=False)
class Grounds:
    """The partition, down to its m leaves: pairs of a zone and a cell of resolution 9."""

    zones: tuple[Zone, ...]  # the last two: outside every district, and no known place
    focus: dict[int, int]  # area id -> zone
    districts: dict[int, int]  # area id -> zone
    schools: dict[int, int]  # cell of resolution 11 -> zone
    leaf_zone: NDArray[np.int64]  # (m,)
    leaf_cell: NDArray[np.int64]  # (m,) NO_CELL: known by the zone only

    def levels(self) -> dict[str, Level]:
        """Give the four levels of place."""
        place = np.unique([zone.place for zone in self.zones], return_inverse=True)[1]
        known = self.leaf_cell != NO_CELL
        coarse = np.full(self.leaf_cell.shape, NO_CELL)
        coarse[known] = cells.parents(self.leaf_cell[known], COARSE)
        pairs = np.column_stack([self.leaf_zone, coarse])
        of = {
            "place": place[self.leaf_zone],
            "zone": self.leaf_zone,
            "r8": np.unique(pairs, axis=0, return_inverse=True)[1].ravel(),
            "r9": np.arange(self.leaf_zone.size),
        }
        return {name: Level(name, "place", each.astype(np.int64)) for name, each in of.items()}

    def leaves(self, sample: Sample) -> NDArray[np.int64]:
        """Tell in which leaf each of n incidents lies."""
        precise = well_known(sample)
        nowhere = (sample.cell == 0) | sample.pile
        zone = _first_known(
            _looked_up(self.focus, sample.area_id),
            _looked_up(self.schools, np.where(precise, sample.cell, 0)),
            _looked_up(self.districts, sample.district_id),
            np.where(nowhere, len(self.zones) - 1, len(self.zones) - 2),
        )
        return self._leaf(zone, np.where(precise, sample.cell, 0))

    def spots(self, sample: Sample, leaf: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give numbers to the distinct places of n incidents; -1 where a place is not known well.

        Incidents that nobody can place at all have one each: no home can lie behind their number.
        """
        at = np.column_stack([np.rint(sample.x_m), np.rint(sample.y_m)])
        number = np.unique(at, axis=0, return_inverse=True)[1].ravel()
        spot = np.where(well_known(sample), number, NONE).astype(np.int64)
        nowhere = np.flatnonzero(self.leaf_zone[leaf] == len(self.zones) - 1)
        spot[nowhere] = number.size + np.arange(nowhere.size)
        return spot

    def addresses(self, connection: sa.Connection) -> NDArray[np.int64] | None:
        """Count the addresses of the register on each leaf: (m,); None without a register."""
        register = places.addresses(connection)
        if not register:
            return None
        lon = np.array([row.lon for row in register])
        lat = np.array([row.lat for row in register])
        everywhere = places.areas(connection)
        cell = cells.index(lon, lat)
        zone = _first_known(
            _looked_up(self.focus, _holders(lon, lat, everywhere, FOCUS_KINDS)),
            _looked_up(self.schools, cell),
            _looked_up(self.districts, _holders(lon, lat, everywhere, ("district",))),
            np.full(lon.shape, len(self.zones) - 2),
        )
        return np.bincount(self._leaf(zone, cell), minlength=self.leaf_zone.size)

    def _leaf(self, zone: NDArray[np.int64], fine: NDArray[np.int64]) -> NDArray[np.int64]:
        """Find the leaf of zones and cells (0: none); a cell that a zone does not know is none."""
        own = np.where(fine != 0, cells.parents(fine, FINE), NO_CELL)
        leaves = zip(self.leaf_zone.tolist(), self.leaf_cell.tolist(), strict=True)
        number = {pair: leaf for leaf, pair in enumerate(leaves)}
        pairs = zip(zone.tolist(), own.tolist(), strict=True)
        return np.array(
            [number.get(pair, number[pair[0], NO_CELL]) for pair in pairs], dtype=np.int64
        )

    def digest(self) -> str:
        """Give the fingerprint of the partition."""
        found = hashlib.sha256()
        for zone in self.zones:
            found.update(repr((zone.place, zone.slug)).encode())
            if zone.outline is not None:
                found.update(shapely.to_wkb(shapely.normalize(zone.outline)))
            found.update(zone.cells.astype("<i8").tobytes())
        found.update(repr(sorted(self.schools.items())).encode())
        return found.hexdigest()


def well_known(sample: Sample) -> NDArray[np.bool_]:
    """Tell which incidents have a place that is known well enough for a cell: (n,)."""
    precise: NDArray[np.bool_] = (
        (sample.uncertainty_m <= PRECISE_M) & (sample.cell != 0) & ~sample.pile
    )
    return precise


def _looked_up(table: dict[int, int], keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Look up the zone of each key: (n,), NONE where there is none."""
    distinct, row = np.unique(keys, return_inverse=True)
    return np.array([table.get(key, NONE) for key in distinct.tolist()], dtype=np.int64)[row]


def _first_known(*choices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Take the first zone that is one."""
    return np.select([choice != NONE for choice in choices], choices).astype(np.int64)


def _holders(
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    rows: Sequence[AreaRow],
    kinds: tuple[str, ...],
) -> NDArray[np.int64]:
    """Tell which area of some kinds holds each point, as for incidents: (n,) ids, or NONE."""
    own = [row for row in rows if row.kind in kinds]
    ids = np.array([*(row.id for row in own), NONE], dtype=np.int64)
    return ids[areas.locate(lon, lat, [row.outline for row in own])]


def survey(connection: sa.Connection) -> Grounds:
    """Lay out the partition of the profile in force.

    Raises
    ------
    NotFound
        No profile was loaded.
    """
    everywhere = places.areas(connection)
    focus = sorted(
        (row for row in everywhere if row.kind in FOCUS_KINDS), key=lambda row: row.outline.area
    )
    districts = [row for row in everywhere if row.kind == "district"]
    zones = _focus_zones(focus)
    of_focus = {row.id: number for number, row in enumerate(focus)}
    of_school: dict[int, int] = {}
    taken = shapely.union_all([zone.outline for zone in zones])
    for name, fine in _school_cells(connection):
        of_school |= dict.fromkeys(fine.tolist(), len(zones))
        zones.append(_school_zone(name, fine, taken))
    taken = shapely.union_all([zone.outline for zone in zones])
    of_district = {row.id: len(zones) + number for number, row in enumerate(districts)}
    zones += _rest(districts, [row for row in everywhere if row.kind == "municipality"], taken)
    sizes = [zone.cells.size + 1 for zone in zones]
    return Grounds(
        _told_apart(zones),
        of_focus,
        of_district,
        of_school,
        np.repeat(np.arange(len(sizes)), sizes),
        np.concatenate([each for zone in zones for each in ([NO_CELL], zone.cells)]),
    )


def _focus_zones(rows: Sequence[AreaRow]) -> list[Zone]:
    """Make a place of each area, the smallest first: of two that overlap it has the ground."""
    found: list[Zone] = []
    taken: Outline = shapely.Polygon()
    for row in rows:
        slug = _slug(row.kind, row.name)
        own = _less(row.outline, taken)
        found.append(Zone(slug, row.name, row.kind, slug, row.name, own, _near(row.outline)))
        taken = shapely.union(taken, row.outline)
    return found


def _school_cells(connection: sa.Connection) -> list[tuple[str, NDArray[np.int64]]]:
    """Find the cells whose middle is within 300 m of each school and no nearer to another."""
    epsg = places.profile(connection).metric_epsg
    schools = places.facilities(connection, "school")
    if not schools:
        return []
    at = np.array([[school.lon, school.lat] for school in schools])
    index = cells.index(at[:, 0], at[:, 1])
    around = np.unique(cells.disks(index, SCHOOL_STEPS))
    around = around[around != 0]
    x_m, y_m = crs.transform(*cells.middles(around), crs.WGS84, epsg)
    facilities = np.column_stack(crs.transform(at[:, 0], at[:, 1], crs.WGS84, epsg))
    away, which = areas.nearest_m(x_m, y_m, facilities)
    near = away <= SCHOOL_M
    owned = [(row.name, around[near & (which == n)]) for n, row in enumerate(schools)]
    return [(name, fine) for name, fine in owned if fine.size]


def _school_zone(name: str, fine: NDArray[np.int64], taken: Outline) -> Zone:
    own = _less(shapely.union_all(cells.polygons(fine)), taken)
    near = np.unique(cells.parents(fine, FINE))
    return Zone(SCHOOLS, text("release-schools"), SCHOOLS, _slug("school", name), name, own, near)


def _rest(
    districts: Sequence[AreaRow], municipality: Sequence[AreaRow], taken: Outline
) -> list[Zone]:
    """Make a zone of each district, one of what lies in none, and one of no known place."""
    rest = (REST, text("release-rest"), REST)
    found = [
        Zone(
            *rest,
            _slug("district", row.name),
            row.name,
            _less(row.outline, taken),
            _near(row.outline),
        )
        for row in districts
    ]
    left = _less(
        shapely.union_all([row.outline for row in municipality]),
        shapely.union_all([taken, *(row.outline for row in districts)]),
    )
    name = text("release-outside" if districts else "release-elsewhere")
    found.append(Zone(*rest, OUTSIDE, name, left, _near(left)))
    # Were this a place of its own and held little, it would be merged with a priority area.
    nowhere = np.empty(0, dtype=np.int64)
    found.append(Zone(*rest[:2], UNKNOWN, UNKNOWN, text("release-unknown"), None, nowhere))
    return found


def _near(outline: Outline) -> NDArray[np.int64]:
    """Find every cell that can hold a point of an outline.

    A cell here is a logical parent, whose points may lie a little outside its outline: hence the
    ring of neighbours.
    """
    found = np.unique(cells.disks(cells.cover(outline, FINE).cells, 1))
    return np.asarray(found[found != 0], dtype=np.int64)


def _less(outline: Outline, taken: Outline) -> Outline:
    """Cut away what an earlier zone has."""
    own: Outline = shapely.difference(outline, taken)
    return own


def _slug(kind: str, name: str) -> str:
    """Make a name for links."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "-".join([kind, *re.findall(r"[a-z0-9]+", plain)])


def _told_apart(zones: Sequence[Zone]) -> tuple[Zone, ...]:
    """Tell zones apart that would have one name in links."""
    met: Counter[str] = Counter()
    found = []
    for zone in zones:
        met[zone.slug] += 1
        slug = zone.slug if met[zone.slug] == 1 else f"{zone.slug}-{met[zone.slug]}"
        place = slug if zone.place == zone.slug else zone.place
        found.append(replace(zone, slug=slug, place=place))
    return tuple(found)
