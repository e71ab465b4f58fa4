"""Place files: areas, schools, venues, places and address registers from other programs."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from geo import crs
from geo.errors import InvalidParameter, UnreadableFile
from geo.profile import PLACE_KINDS, Address, Area, Facility, NamedPlace
from pipelines import readers

if TYPE_CHECKING:
    from collections.abc import Iterator
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
STREET = "adressomrade_faststalltnamn"
VILLAGE_FARM = "gardsadressomrade_faststalltnamn"
IN_FORCE = "Gällande"
ADDRESS_LAYER = "belagenhetsadress"
MOST_VERTICES = 10_000


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row of a point file."""

    line: int  # or the object's number, counted from 1
    name: str
    lon: float
    lat: float
    source: str
    values: dict[str, str]


def areas(path: Path, kind: str, profile: Profile, name_column: str = "") -> list[Area]:
    """Read areas from GeoJSON, GeoPackage or Shapefile, whatever their coordinate system.

    Rows of one name become one area. Nothing is repaired silently.

    Raises
    ------
    UnreadableFile
        GDAL cannot read the file, or it holds no coordinate system.
    InvalidParameter
        No name column, a name missing, a geometry that is no valid polygon, or one outside the
        municipality.
    """
    frame = _frame(path).to_crs(crs.WGS84)
    column = _column(frame, (name_column,) if name_column else NAME_COLUMNS)
    if column is None:
        raise InvalidParameter("no-name-column", file=path.name, columns=_names(frame))
    if frame[column].isna().any():
        raise InvalidParameter("area-without-name", file=path.name, column=column)
    source_column = _column(frame, SOURCE_COLUMNS)
    found: list[Area] = []
    for name, rows in frame.groupby(column, sort=False):
        shapes = list(rows.geometry)
        for shape in shapes:
            _require_polygon(path, str(name), shape, profile)
        source = str(rows[source_column].iloc[0]) if source_column else path.name
        found.append(Area(kind, str(name), shapely.union_all(shapes), source))
    if not found:
        raise UnreadableFile("file-empty", file=path.name)
    return found


def _require_polygon(path: Path, name: str, shape: Any, profile: Profile) -> None:  # noqa: ANN401 - any geometry
    if not isinstance(shape, shapely.Polygon | shapely.MultiPolygon) or shape.is_empty:
        raise InvalidParameter("area-no-polygon", file=path.name, name=name)
    if shapely.get_num_coordinates(shape) > MOST_VERTICES:
        raise InvalidParameter("area-too-detailed", file=path.name, name=name, most=MOST_VERTICES)
    if not shape.is_valid:
        why = shapely.is_valid_reason(shape)
        raise InvalidParameter("area-invalid", file=path.name, name=name, why=why)
    if not shapely.box(*profile.envelope).intersects(shape):
        raise InvalidParameter("area-elsewhere", file=path.name, name=name, place=profile.label)


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
        found[each.name] = Facility(kind, each.name, each.lon, each.lat, each.source, form)
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
        GDAL cannot read the file or it has no such layer.
    InvalidParameter
        A column of the form is missing, a geometry is no point, or no address in force lies in
        the municipality.
    """
    frame = _frame(path, layer=ADDRESS_LAYER).to_crs(crs.WGS84)
    if not set(frame.geom_type.dropna()) <= {"Point"}:
        raise InvalidParameter("place-no-point", file=path.name, name=ADDRESS_LAYER)
    for column in (STREET, "adressplatsnummer"):
        if column not in frame.columns:
            raise InvalidParameter("column-missing", column=column, columns=_names(frame))
    if "statusforbelagenhetsadress" in frame.columns:
        frame = frame[frame["statusforbelagenhetsadress"] == IN_FORCE]
    text = {
        name: _texts(frame, name)
        for name in (
            STREET,
            VILLAGE_FARM,
            "adressplatsnummer",
            "bokstavstillagg",
            "postnummer",
            "postort",
        )
    }
    inside = crs.inside(frame.geometry.x.to_numpy(), frame.geometry.y.to_numpy(), profile.envelope)
    rows = zip(*text.values(), frame.geometry.x, frame.geometry.y, inside, strict=True)
    found = [
        Address(
            street=f"{street} {farm}".strip(),
            number=int(number),
            letter=letter,
            lon=lon,
            lat=lat,
            postcode="" if postcode in {"0", "0.0"} else postcode.removesuffix(".0"),
            city=city,
            source=path.name,
        )
        for street, farm, number, letter, postcode, city, lon, lat, near in rows
        if near and street and number.isdecimal()
    ]
    if not found:
        raise InvalidParameter("no-address", file=path.name, place=profile.label)
    return found


def _texts(frame: gpd.GeoDataFrame, name: str) -> list[str]:
    if name not in frame.columns:
        return [""] * len(frame)
    return [_text(value) for value in frame[name]]


def _text(value: Any) -> str:  # noqa: ANN401 - whatever GDAL gives
    """Write a value of an attribute table; a list of values is written, not looked into."""
    return "" if pd.api.types.is_scalar(value) and pd.isna(value) else str(value).strip()


def _points(path: Path, profile: Profile) -> Iterator[_Entry]:
    entries = _csv_points(path) if path.suffix.lower() in {".csv", ".txt"} else _gis_points(path)
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


def _gis_points(path: Path) -> Iterator[_Entry]:
    frame = _frame(path).to_crs(crs.WGS84)
    column = _column(frame, NAME_COLUMNS)
    if column is None:
        raise InvalidParameter("no-name-column", file=path.name, columns=_names(frame))
    values = frame.drop(columns=frame.geometry.name).astype(object)
    rows = zip(values.to_dict("records"), frame.geometry, strict=True)
    for number, (row, shape) in enumerate(rows, 1):
        if not isinstance(shape, shapely.Point) or shape.is_empty:
            raise InvalidParameter("place-no-point", file=path.name, name=str(row[column]))
        text = {str(k).casefold(): _text(value) for k, value in row.items()}
        source = _pick(text, SOURCE_COLUMNS) or path.name
        yield _Entry(number, text[column.casefold()], shape.x, shape.y, source, text)


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
            source = _pick(text, SOURCE_COLUMNS) or path.name
            yield _Entry(line, _pick(text, NAME_COLUMNS), *position, source, text)


def _pick(values: dict[str, str], names: tuple[str, ...]) -> str:
    return next((values[name] for name in names if values.get(name)), "")


def _frame(path: Path, layer: str | None = None) -> gpd.GeoDataFrame:
    readers.require_file(path)
    with warnings.catch_warnings():
        # What GDAL merely warns of either does not matter or is refused below.
        warnings.simplefilter("ignore", RuntimeWarning)
        frame = _read(path, layer)
    if not isinstance(frame, gpd.GeoDataFrame) or frame.crs is None:
        raise UnreadableFile("no-crs", file=path.name)
    return frame


def _read(path: Path, layer: str | None) -> pd.DataFrame:
    try:
        there = [str(name) for name, geometry in pyogrio.list_layers(path) if geometry]
        if layer is not None and layer not in there:
            raise UnreadableFile("no-such-layer", file=path.name, layer=layer)
        if layer is None and len(there) > 1:
            raise InvalidParameter("several-layers", file=path.name, layers=", ".join(there))
        frame: pd.DataFrame = pyogrio.read_dataframe(path, layer=layer or next(iter(there), None))
    except (DataLayerError, DataSourceError, UnicodeDecodeError) as fault:
        raise UnreadableFile("not-a-map-file", file=path.name) from fault
    return frame


def _column(frame: pd.DataFrame, names: tuple[str, ...]) -> str | None:
    """Find the first of some columns that exists and is not empty, whatever its case."""
    there = {str(column).casefold(): str(column) for column in frame.columns}
    for name in names:
        column = there.get(name.casefold())
        if column is not None and frame[column].notna().any():
            return column
    return None


def _names(frame: pd.DataFrame) -> str:
    return ", ".join(str(column) for column in frame.columns)[:300]
