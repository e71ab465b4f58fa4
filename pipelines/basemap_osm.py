"""Shapes for the background map from an extract of OpenStreetMap (.osm.pbf)."""

from __future__ import annotations

import importlib
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from geo.errors import InvalidParameter, UnreadableFile
from pipelines import basemap_kinds as kinds
from pipelines.basemap_kinds import Found

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    from store.records import BBox

ATTRIBUTION: Final = "© OpenStreetMap contributors"
KEYS: Final = ("highway", "railway", "waterway", "building", "natural", "landuse", "leisure")
AREA_KEYS: Final = ("waterway", "building", "natural", "landuse", "leisure")
NEAR: Final = 0.25  # degrees: an object that begins farther away does not reach the municipality
LARGE: Final = 300_000_000  # bytes of a file whose points are kept on disk, not in memory


def _osmium() -> Any:  # noqa: ANN401 - an optional library
    try:
        return importlib.import_module("osmium")
    except ModuleNotFoundError as fault:
        raise InvalidParameter("basemap-extra-missing", package="osmium") from fault


def shapes(path: Path, box: BBox, scratch: Path) -> Iterator[Found]:
    """Give what is to be drawn, in degrees, whole: some of it reaches out of the box.

    Parameters
    ----------
    path
        The extract.
    box
        West, south, east, north in degrees.
    scratch
        A folder for the points of a large extract.

    Raises
    ------
    UnreadableFile
        It is no extract, or it ends in the middle.
    InvalidParameter
        The library that reads it is not installed.
    """
    osmium = _osmium()
    large = path.stat().st_size > LARGE
    storage = f"sparse_file_array,{scratch / 'points'}" if large else "flex_mem"
    try:
        objects = (
            osmium.FileProcessor(str(path))
            .with_locations(storage)
            .with_areas(osmium.filter.KeyFilter(*AREA_KEYS))
            .with_filter(osmium.filter.KeyFilter(*KEYS, "place"))
        )
        yield from _Reader(osmium, box).read(objects)
    except RuntimeError as fault:
        raise UnreadableFile("basemap-not-osm", file=path.name) from fault


def day(path: Path) -> date | None:
    """Tell of which day an extract says it is; None where it says nothing."""
    osmium = _osmium()
    try:
        said = osmium.FileProcessor(str(path)).header.get("osmosis_replication_timestamp")
        return datetime.fromisoformat(said).date()
    except (RuntimeError, ValueError):
        return None


class _Reader:
    """Turns objects into shapes; those that lack points at the extract's edge are left out."""

    def __init__(self, osmium: Any, box: BBox) -> None:  # noqa: ANN401 - an optional library
        self._invalid = osmium.InvalidLocationError
        self._make = osmium.geom.WKBFactory()
        west, south, east, north = box
        self._near = (west - NEAR, south - NEAR, east + NEAR, north + NEAR)

    def read(self, objects: Any) -> Iterator[Found]:  # noqa: ANN401 - an optional library
        for one in objects:
            try:
                found = self._found(one)
            except (self._invalid, RuntimeError) as fault:
                if isinstance(fault, self._invalid) or "geometry" in str(fault).lower():
                    continue
                raise
            if found is not None:
                yield found

    def _found(self, one: Any) -> Found | None:  # noqa: ANN401 - an optional library
        if one.is_node():
            return self._place(one)
        if one.is_way():
            return self._way(one)
        return self._area(one) if one.is_area() else None

    def _place(self, node: Any) -> Found | None:  # noqa: ANN401 - an optional library
        kind = kinds.PLACES.get(node.tags.get("place") or node.tags.get("railway") or "")
        name = node.tags.get("name")
        if kind is None or not name or not self._is_near(node.location):
            return None
        return Found("names", kind, name, self._make.create_point(node))

    def _way(self, way: Any) -> Found | None:  # noqa: ANN401 - an optional library
        drawn = kinds.of_tags(way.tags, area=False)
        if drawn is None or not self._is_near(way.nodes[0].location):
            return None
        width_m = kinds.WIDTHS_M[way.tags["waterway"]] if drawn[0] == "water" else 0.0
        name = way.tags.get("name") or ""
        return Found(*drawn, name, self._make.create_linestring(way), width_m)

    def _area(self, area: Any) -> Found | None:  # noqa: ANN401 - an optional library
        drawn = kinds.of_tags(area.tags, area=True)
        if drawn is None:
            return None
        if area.from_way():  # an area of many ways may be larger than the municipality
            first = next(iter(area.outer_rings()))[0]
            if not self._is_near(first.location):
                return None
        name = area.tags.get("name") or ""
        return Found(*drawn, name, self._make.create_multipolygon(area))

    def _is_near(self, location: Any) -> bool:  # noqa: ANN401 - an optional library
        west, south, east, north = self._near
        return bool(west <= location.lon <= east and south <= location.lat <= north)
