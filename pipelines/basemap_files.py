"""Shapes for the background map from GeoPackages of the municipality or of Lantmäteriet."""

from __future__ import annotations

import unicodedata
import warnings
from typing import TYPE_CHECKING, Any, Final

import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from geo import tile_grid
from geo.errors import InvalidParameter, UnreadableFile
from pipelines import basemap_kinds as kinds
from pipelines.basemap_kinds import Found

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from store.records import BBox

SQLITE: Final = b"SQLite format 3\x00"
GROUND: Final = "ground"  # water or green, which its kind tells
STREAM_M: Final = 2.0
# What a layer is called -> what it holds; written without accents.
LAYERS: Final = {
    **dict.fromkeys(("byggnad", "byggnader", "buildings", "building", "hus"), "buildings"),
    **dict.fromkeys(("mark", "markyta", "marktacke", "anlaggningsomrade", "landuse"), GROUND),
    **dict.fromkeys(("vatten", "vattenyta", "vattenytor", "water", "sjo", "sjoar"), "water"),
    **dict.fromkeys(("hydrolinje", "vattendrag", "waterways", "hydrografi"), "water"),
    **dict.fromkeys(("vaglinje", "ovrig_vag", "vag", "vagar", "gata", "gator"), "streets"),
    **dict.fromkeys(("gatunat", "vagnat", "streets", "roads"), "streets"),
    **dict.fromkeys(("ralstrafik", "jarnvag", "jarnvagar", "rails", "railways"), "rails"),
    **dict.fromkeys(("gronyta", "gronytor", "park", "parker", "parks", "green"), "green"),
    **dict.fromkeys(("skog", "naturvard"), "green"),
    **dict.fromkeys(("textpunkt", "ortnamn", "platsnamn", "names", "places"), "names"),
}
KIND_COLUMNS: Final = (
    *("kind", "class", "fclass", "highway", "gatutyp", "vagtyp", "andamal", "objekttyp"),
    *("typ", "type"),
)
NAME_COLUMNS: Final = ("name", "namn", "gatunamn", "karttext", "ortnamn", "text")
LINES: Final = frozenset({1, 5})  # shapely's numbers of lines


def shapes(path: Path, box: BBox) -> Iterator[Found]:
    """Give what is to be drawn from the layers that are known by their names.

    Parameters
    ----------
    path
        A GeoPackage.
    box
        West, south, east, north in degrees.

    Raises
    ------
    UnreadableFile
        It is no GeoPackage, or has a layer without a coordinate system.
    InvalidParameter
        None of its layers is known.
    """
    with path.open("rb") as file:
        if file.read(len(SQLITE)) != SQLITE:
            raise UnreadableFile("basemap-not-geopackage", file=path.name)
    try:
        there = [str(name) for name, kind in pyogrio.list_layers(path) if kind]
        known = {name: LAYERS[_plain(name)] for name in there if _plain(name) in LAYERS}
        if not known:
            raise InvalidParameter(
                "basemap-no-layer",
                file=path.name,
                layers=", ".join(there)[:300],
                known=", ".join(sorted(LAYERS)),
            )
        for name, drawn in known.items():
            yield from _layer(path, name, drawn, box)
    except (DataSourceError, DataLayerError) as fault:
        raise UnreadableFile("basemap-not-geopackage", file=path.name) from fault


def _plain(name: str) -> str:
    """Write a layer's name in small letters without accents."""
    split = unicodedata.normalize("NFD", name.casefold())
    return "".join(letter for letter in split if not unicodedata.combining(letter))


def _layer(path: Path, layer: str, drawn: str, box: BBox) -> Iterator[Found]:
    told = pyogrio.read_info(path, layer=layer)
    system = str(told["crs"] or "")
    if not system.startswith("EPSG:"):
        raise UnreadableFile("basemap-no-system", file=path.name, layer=layer)
    epsg = int(system.removeprefix("EPSG:"))
    there = {str(name).casefold(): str(name) for name in told["fields"]}
    wanted = [_first(there, KIND_COLUMNS), _first(there, NAME_COLUMNS)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of shapes that GDAL finds odd
        meta, _, outlines, values = pyogrio.raw.read(
            path,
            layer=layer,
            columns=[name for name in wanted if name],
            bbox=tile_grid.bounds(epsg, box),
            force_2d=True,
        )
    columns = dict(zip(meta["fields"].tolist(), values, strict=True))
    kind, name = (columns.get(one) if one else None for one in wanted)
    for at, outline in enumerate(outlines):
        found = _found(drawn, _word(kind, at), _word(name, at), outline, epsg)
        if found is not None:
            yield found


def _first(there: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((there[name] for name in names if name in there), None)


def _word(column: NDArray[Any] | None, at: int) -> str:
    value = None if column is None else column[at]
    return value.strip() if isinstance(value, str) else ""


def _found(drawn: str, word: str, name: str, outline: bytes | None, epsg: int) -> Found | None:
    """Say how one row is drawn; None where it is not."""
    if outline is None:
        return None
    if drawn == "streets":
        return Found("streets", kinds.street(word), name, outline, epsg=epsg)
    if drawn == "names":
        kind = kinds.PLACES.get(word.casefold(), "suburb")
        return Found("names", kind, name, outline, epsg=epsg) if name else None
    if drawn == "green":
        kind = (kinds.ground(word) or ("", "park"))[1] or "park"
        return Found("green", kind, name, outline, epsg=epsg)
    if drawn == GROUND:
        cover = kinds.ground(word)
        return None if cover is None else Found(*cover, name, outline, epsg=epsg)
    wide = drawn == "water" and shapely.get_type_id(shapely.from_wkb(outline)) in LINES
    return Found(drawn, "", name, outline, STREAM_M if wide else 0.0, epsg)
