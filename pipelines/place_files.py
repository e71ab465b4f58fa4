"""Place files: areas, schools, venues, places and address registers from other programs.

Map files come from outside, and GDAL, which reads them, knows dozens of formats: among them some
that fetch addresses on the network or run commands. So a file is read in a child with limits
(`bounded`, `map_files`) in which GDAL knows the one format that the file's first bytes claim.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geo import crs
from geo.errors import InvalidParameter, UnreadableFile
from geo.profile import PLACE_KINDS, Address, Area, Facility, NamedPlace
from pipelines import bounded, readers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from geo.profile import Profile

NAME_COLUMNS = (
    *("name", "namn", "areaname", "deso", "regsonamn", "regso", "kommun"),
    *("skolenhetsnamn", "skolenhet", "popularnamn"),
)
SOURCE_COLUMNS = ("source", "källa", "kalla")
FORM_COLUMNS = ("form", "skolform")
LON_COLUMNS = ("lon", "longitude", "longitud", "wgs84_long", "x")
LAT_COLUMNS = ("lat", "latitude", "latitud", "wgs84_lat", "y")
UNCERTAINTY_COLUMNS = ("uncertainty_m", "precision_m")
DEFAULT_UNCERTAINTY_M = 75.0
# The formats that are read: GDAL's name, and how such a file begins.
FORMATS = {
    ".geojson": ("GeoJSON", b""),  # JSON may begin with blanks; it is looked through as a whole
    ".json": ("GeoJSON", b""),
    ".gpkg": ("GPKG", b"SQLite format 3\x00"),
    ".shp": ("ESRI Shapefile", bytes.fromhex("0000270a")),
}


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row of a point file."""

    line: int  # or the object's number, counted from 1
    name: str
    lon: float
    lat: float
    values: dict[str, str]


def areas(path: Path, kind: str, profile: Profile, name_column: str = "") -> list[Area]:
    """Read areas from GeoJSON, GeoPackage or Shapefile, whatever their coordinate system.

    Rows of one name become one area. Nothing is repaired silently.

    Raises
    ------
    UnreadableFile
        The file cannot be read within the limits, or it holds no coordinate system.
    InvalidParameter
        No name column, a name missing, too many corners, a geometry that is no valid polygon, or
        one outside the municipality.
    """
    values = {
        "name_column": name_column,
        "envelope": profile.envelope,
        "place": profile.label,
    }
    found = [
        Area(kind, name, shapely.from_wkb(outline), source or path.name)
        for name, source, outline in _from_map(path, "areas", values)
    ]
    if not found:
        raise UnreadableFile("file-empty", file=path.name)
    return found


def facilities(path: Path, kind: str, profile: Profile) -> list[Facility]:
    """Read schools or venues from a point file or a CSV with lon/lat columns.

    Raises
    ------
    InvalidParameter
        Two of them bear one name: only one could be kept.
    """
    found: dict[str, Facility] = {}
    for each in _points(path, profile):
        if each.name in found:
            raise InvalidParameter("place-twice", file=path.name, line=each.line, name=each.name)
        form = _pick(each.values, FORM_COLUMNS)
        source = _source(each, path)
        found[each.name] = Facility(kind, each.name, each.lon, each.lat, source, form)
    return list(found.values())


def named_places(path: Path, profile: Profile) -> list[NamedPlace]:
    """Read gazetteer entries from a point file or a CSV with lon/lat columns."""
    found = []
    for each in _points(path, profile):
        text = _pick(each.values, UNCERTAINTY_COLUMNS).replace(",", ".")
        try:
            uncertainty = float(text) if text else DEFAULT_UNCERTAINTY_M
        except ValueError:
            uncertainty = np.nan
        if not 0 <= uncertainty < np.inf:
            raise InvalidParameter("place-uncertainty", file=path.name, value=text)
        kind = _pick(each.values, ("kind",))
        kind = kind if kind in PLACE_KINDS else "place"
        found.append(NamedPlace(kind, each.name, each.lon, each.lat, uncertainty, path.name))
    return found


def addresses(path: Path, profile: Profile) -> list[Address]:
    """Read an address register in Lantmäteriet's form (belägenhetsadress, GeoPackage).

    Only addresses in force are read. The register's own object ids are not kept.

    Raises
    ------
    UnreadableFile
        The file cannot be read within the limits, or it has no such layer.
    InvalidParameter
        A column of the form is missing, a geometry is no point, or no address in force lies in
        the municipality.
    """
    rows = _from_map(path, "addresses", {"envelope": profile.envelope})
    found = [
        Address(street, number, letter, lon, lat, postcode, city, path.name)
        for street, number, letter, lon, lat, postcode, city in rows
    ]
    if not found:
        raise InvalidParameter("no-address", file=path.name, place=profile.label)
    return found


def _from_map(path: Path, job: str, values: Mapping[str, object]) -> Iterator[Any]:
    """Read a map file in a child in which GDAL knows its format and no other."""
    readers.require_file(path)
    if path.suffix.lower() == ".zip":
        raise UnreadableFile("map-file-packed", file=path.name)
    driver, start = FORMATS.get(path.suffix.lower(), ("", b""))
    with path.open("rb") as file:
        as_claimed = file.read(len(start)) == start
    if not driver or not as_claimed:
        raise UnreadableFile("not-a-map-file", file=path.name)
    from pipelines import map_files  # noqa: PLC0415 - costs 300 ms

    return bounded.answers(getattr(map_files, job), path, values, map_files.knowing_only(driver))


def _points(path: Path, profile: Profile) -> Iterator[_Entry]:
    entries = _csv_points(path) if path.suffix.lower() in {".csv", ".txt"} else _map_points(path)
    empty = True
    for each in entries:
        empty = False
        if not each.name:
            raise InvalidParameter("place-without-name", file=path.name, line=each.line)
        here = crs.inside(np.array([each.lon]), np.array([each.lat]), profile.envelope)
        if not here.all():
            raise InvalidParameter(
                "place-elsewhere",
                file=path.name,
                line=each.line,
                name=each.name,
                place=profile.label,
            )
        yield each
    if empty:
        raise UnreadableFile("file-empty", file=path.name)


def _map_points(path: Path) -> Iterator[_Entry]:
    for line, name, lon, lat, values in _from_map(path, "points", {}):
        yield _Entry(line, name, lon, lat, values)


def _csv_points(path: Path) -> Iterator[_Entry]:
    table = readers.open_rows(path)
    header = [name.casefold() for name in table.header]
    for wanted in (NAME_COLUMNS, LON_COLUMNS, LAT_COLUMNS):
        if not set(wanted) & set(header):
            columns = ", ".join(table.header)
            raise InvalidParameter("column-missing", column=wanted[0], columns=columns)
    for rows in table.batches:
        for line, cells in zip(rows.lines, rows.cells, strict=True):
            text = dict(zip(header, (cell.strip() for cell in cells), strict=False))
            lon, lat = _pick(text, LON_COLUMNS), _pick(text, LAT_COLUMNS)
            try:
                position = float(lon.replace(",", ".")), float(lat.replace(",", "."))
            except ValueError as fault:
                raise InvalidParameter(
                    "place-coordinates", file=path.name, line=line, value=f"{lon} {lat}"
                ) from fault
            yield _Entry(line, _pick(text, NAME_COLUMNS), *position, text)


def _source(each: _Entry, path: Path) -> str:
    return _pick(each.values, SOURCE_COLUMNS) or path.name


def _pick(values: dict[str, str], names: tuple[str, ...]) -> str:
    return next((values[name] for name in names if values.get(name)), "")
