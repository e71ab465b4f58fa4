"""Map files read with GDAL: the jobs that `bounded` runs in a child for `place_files`.

Nothing here is repaired. A shape is asked whether it is valid only when it has few enough
corners: the answer for a star of 200,000 takes a minute.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError
from shapely.errors import GEOSException

from geo import crs
from geo.errors import InvalidParameter, UnreadableFile
from pipelines import readers
from pipelines.place_files import NAME_COLUMNS, SOURCE_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    Envelope = tuple[float, float, float, float]

STREET = "adressomrade_faststalltnamn"
VILLAGE_FARM = "gardsadressomrade_faststalltnamn"
IN_FORCE = "Gällande"
ADDRESS_LAYER = "belagenhetsadress"
MOST_VERTICES = 10_000
MOST_VERTICES_OF_FILE = 200_000
LONGEST_NUMBER = 6  # digits of a house number


def knowing_only(driver: str) -> dict[str, str]:
    """Give the environment in which GDAL, when it starts, knows one of its formats only."""
    others = set(pyogrio.list_drivers()) - {driver}
    return {"GDAL_SKIP": ",".join(sorted(others))}


def areas(path: Path, name_column: str, envelope: Envelope, place: str) -> Iterator[Any]:
    """Yield name, source and outline (WKB in hexadecimal) of each area of a map file.

    Raises
    ------
    UnreadableFile
        GDAL cannot read the file, or it holds no coordinate system.
    InvalidParameter
        No name column, a name missing, too many corners, a geometry that is no valid polygon, or
        one that lies outside the municipality or is larger.
    """
    frame = _frame(path)
    _require_few_vertices(path, frame)
    column = _column(frame, (name_column,) if name_column else NAME_COLUMNS)
    if column is None:
        raise InvalidParameter("no-name-column", file=path.name, columns=_names(frame))
    if frame[column].isna().any():
        raise InvalidParameter("area-without-name", file=path.name, column=column)
    source_column = _column(frame, SOURCE_COLUMNS)
    for name, rows in frame.groupby(column, sort=False):
        shapes = list(rows.geometry)
        for shape in shapes:
            _require_polygon(path, str(name), shape)
            _require_here(path, str(name), shape, envelope, place)
        source = _text(rows[source_column].iloc[0]) if source_column else ""
        texts = _require_short(path, 1, [str(name), source])
        yield [*texts, shapely.to_wkb(shapely.union_all(shapes), hex=True)]


def points(path: Path) -> Iterator[Any]:
    """Yield number, name, lon, lat and the other values of each point of a map file."""
    frame = _frame(path)
    _require_few_vertices(path, frame)
    column = _column(frame, NAME_COLUMNS)
    if column is None:
        raise InvalidParameter("no-name-column", file=path.name, columns=_names(frame))
    values = frame.drop(columns=frame.geometry.name).astype(object)
    rows = zip(values.to_dict("records"), frame.geometry, strict=True)
    for number, (row, shape) in enumerate(rows, 1):
        if not isinstance(shape, shapely.Point) or shape.is_empty:
            raise InvalidParameter("place-no-point", file=path.name, name=str(row[column])[:80])
        texts = _require_short(path, number, [_text(value) for value in row.values()])
        named = dict(zip((str(name).casefold() for name in row), texts, strict=True))
        yield number, named[column.casefold()], shape.x, shape.y, named


def addresses(path: Path, envelope: Envelope) -> Iterator[Any]:
    """Yield the addresses in force of a register in Lantmäteriet's form that lie here.

    Street, number, letter, lon, lat, postcode and city; the register's own ids are not read.
    """
    frame = _frame(path, layer=ADDRESS_LAYER)
    if not set(frame.geom_type.dropna()) <= {"Point"}:
        raise InvalidParameter("place-no-point", file=path.name, name=ADDRESS_LAYER)
    for column in (STREET, "adressplatsnummer"):
        if column not in frame.columns:
            raise InvalidParameter("column-missing", column=column, columns=_names(frame))
    if "statusforbelagenhetsadress" in frame.columns:
        frame = frame[frame["statusforbelagenhetsadress"] == IN_FORCE]
    inside = crs.inside(frame.geometry.x.to_numpy(), frame.geometry.y.to_numpy(), envelope)
    frame = frame[inside]
    columns = (STREET, VILLAGE_FARM, "adressplatsnummer", "bokstavstillagg", "postnummer")
    text = [_texts(frame, name) for name in (*columns, "postort")]
    rows = zip(*text, frame.geometry.x, frame.geometry.y, strict=True)
    for line, (*texts, lon, lat) in enumerate(rows, 1):
        street, farm, number, letter, postcode, city = _require_short(path, line, texts)
        if street and number.isdecimal() and len(number) <= LONGEST_NUMBER:
            code = "" if postcode in {"0", "0.0"} else postcode.removesuffix(".0")
            yield f"{street} {farm}".strip(), int(number), letter, lon, lat, code, city


def _require_few_vertices(path: Path, frame: gpd.GeoDataFrame) -> None:
    if shapely.get_num_coordinates(frame.geometry.to_numpy()).sum() > MOST_VERTICES_OF_FILE:
        raise InvalidParameter("file-too-detailed", file=path.name, most=MOST_VERTICES_OF_FILE)


def _require_polygon(path: Path, name: str, shape: Any) -> None:  # noqa: ANN401 - any geometry
    shown = name[:80]
    if not isinstance(shape, shapely.Polygon | shapely.MultiPolygon) or shape.is_empty:
        raise InvalidParameter("area-no-polygon", file=path.name, name=shown)
    if shapely.get_num_coordinates(shape) > MOST_VERTICES:
        raise InvalidParameter("area-too-detailed", file=path.name, name=shown, most=MOST_VERTICES)
    if not shape.is_valid:
        why = shapely.is_valid_reason(shape)
        raise InvalidParameter("area-invalid", file=path.name, name=shown, why=why)


def _require_here(
    path: Path, name: str, shape: shapely.Geometry, envelope: Envelope, place: str
) -> None:
    """Refuse a shape that lies elsewhere, or that holds the municipality and more."""
    here, world = shapely.box(*envelope), shapely.box(-180, -90, 180, 90)
    if not here.intersects(shape) or not world.covers(shape):
        raise InvalidParameter("area-elsewhere", file=path.name, name=name[:80], place=place)
    if shape.area > here.area:
        raise InvalidParameter("area-too-large", file=path.name, name=name[:80], place=place)


def _require_short(path: Path, line: int, texts: list[str]) -> list[str]:
    if any(len(text) > readers.LONGEST_CELL for text in texts):
        most = readers.LONGEST_CELL
        raise UnreadableFile("cell-too-long", file=path.name, line=line, most=most)
    return texts


def _texts(frame: gpd.GeoDataFrame, name: str) -> list[str]:
    if name not in frame.columns:
        return [""] * len(frame)
    return [_text(value) for value in frame[name]]


def _text(value: Any) -> str:  # noqa: ANN401 - whatever GDAL gives
    """Write a value of an attribute table; a list of values is written, not looked into."""
    return "" if pd.api.types.is_scalar(value) and pd.isna(value) else str(value).strip()


def _frame(path: Path, layer: str | None = None) -> gpd.GeoDataFrame:
    """Read a layer as shapes in lon/lat; heights are left out."""
    with warnings.catch_warnings():
        # What GDAL merely warns of either does not matter or is refused below.
        warnings.simplefilter("ignore", RuntimeWarning)
        frame = _read(path, layer)
    if not isinstance(frame, gpd.GeoDataFrame) or frame.crs is None:
        raise UnreadableFile("no-crs", file=path.name)
    flat: gpd.GeoDataFrame = frame.set_geometry(shapely.force_2d(frame.geometry.to_numpy()))
    return flat.set_crs(frame.crs).to_crs(crs.WGS84)


def _read(path: Path, layer: str | None) -> pd.DataFrame:
    if path.suffix.lower() in {".geojson", ".json"}:
        readers.features_of(path)  # refuses what is nested too deep, before GDAL walks down
    try:
        there = [str(name) for name, geometry in pyogrio.list_layers(path) if geometry]
        if layer is not None and layer not in there:
            raise UnreadableFile("no-such-layer", file=path.name, layer=layer)
        if layer is None and len(there) > 1:
            layers = ", ".join(there)[:300]
            raise InvalidParameter("several-layers", file=path.name, layers=layers)
        frame: pd.DataFrame = pyogrio.read_dataframe(path, layer=layer or next(iter(there), None))
    except (DataLayerError, DataSourceError, GEOSException, UnicodeDecodeError) as fault:
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
