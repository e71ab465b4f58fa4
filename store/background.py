"""The background map's own file: a GeoPackage beside the store that is only ever read.

It is read with SQLite alone, so that no map library of many formats runs in the server.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely

from geo.errors import UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

LAYERS: Final = {  # layer -> what it is made of; the first is drawn first
    "built": "Polygon",
    "green": "Polygon",
    "water": "Polygon",
    "buildings": "Polygon",
    "rails": "LineString",
    "streets": "LineString",
    "names": "Point",
}
ABOUT: Final = "lagesbild_basemap"  # the table in which a file says what it is
_ENVELOPES: Final = (0, 32, 48, 48, 64)  # bytes of a geometry's envelope, by the code in its flags
_HEAD: Final = 8  # bytes before it
_EMPTY: Final = 0x10


@dataclass(frozen=True, slots=True)
class About:
    """What a background map says about itself."""

    epsg: int
    envelope: tuple[float, float, float, float]  # west, south, east, north in degrees
    attribution: str
    digest: str  # of all that is drawn
    made: str  # the day, ISO
    invented: bool


@dataclass(frozen=True, slots=True)
class Layer:
    """Shapes of one kind, in metres, with what is known of them."""

    shapes: NDArray[np.object_]  # (n,)
    kind: NDArray[np.object_]  # (n,) strings, "" where there is no finer kind
    name: NDArray[np.object_]  # (n,) strings or None


def about(path: Path) -> About:
    """Read what a file says about itself.

    Raises
    ------
    UnreadableFile
        It is missing, broken, or no background map of ours.
    """
    with _opened(path) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE name = ?", (ABOUT,))
        if not tables.fetchall():
            raise UnreadableFile("basemap-not-ours", file=path.name)
        ((written,),) = connection.execute("SELECT about FROM lagesbild_basemap").fetchall() or [
            ("",)
        ]
    try:
        return _read(json.loads(written))
    except (ValueError, TypeError, KeyError) as fault:
        raise UnreadableFile("basemap-not-ours", file=path.name) from fault


def _read(told: dict[str, Any]) -> About:
    """Take a description word by word: whoever made the file may have written anything."""
    west, south, east, north = map(float, told["envelope"])
    if not (-180 <= west < east <= 180 and -90 < south < north < 90):  # noqa: PLR2004 - degrees
        raise ValueError(told["envelope"])
    read = About(
        epsg=told["epsg"],
        envelope=(west, south, east, north),
        **{name: told[name] for name in ("attribution", "digest", "made")},
        invented=told["invented"] is True,
    )
    words = (read.attribution, read.digest, read.made)
    if type(read.epsg) is not int or not all(isinstance(word, str) for word in words):
        raise TypeError(told)
    return read


def describe(path: Path, told: About) -> None:
    """Write into a file of shapes what it is."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE lagesbild_basemap (id INTEGER PRIMARY KEY, about TEXT)")
        written = json.dumps(asdict(told), ensure_ascii=False)
        connection.execute("INSERT INTO lagesbild_basemap (about) VALUES (?)", (written,))
        connection.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, last_change)"
            " VALUES (?, 'attributes', ?, ?)",
            (ABOUT, ABOUT, f"{told.made}T00:00:00.000Z"),
        )


def layer(path: Path, name: str) -> Layer:
    """Read the shapes of a layer; one that the file lacks is empty.

    Raises
    ------
    UnreadableFile
        The file is damaged.
    """
    if name not in LAYERS:
        raise ValueError(name)
    with _opened(path) as connection:
        known = connection.execute(
            "SELECT count(*) FROM gpkg_contents WHERE table_name = ?", (name,)
        ).fetchone()[0]
        asked = f"SELECT geom, kind, name FROM {name}"  # noqa: S608 - one of LAYERS
        rows = connection.execute(asked).fetchall() if known else []
    column = np.empty((len(rows), 3), dtype=object)
    for at, (blob, kind, label) in enumerate(rows):
        column[at] = _plain(blob), kind or "", label or None
    try:
        shapes = shapely.from_wkb(column[:, 0])
    except (shapely.errors.ShapelyError, TypeError) as fault:
        raise UnreadableFile("basemap-broken", file=path.name) from fault
    there = shapely.is_valid(shapes) & ~shapely.is_empty(shapes)  # a missing one is not valid
    return Layer(shapes[there], column[there, 1], column[there, 2])


def _plain(blob: object) -> bytes | None:
    """Take the GeoPackage's own head off a geometry."""
    if not isinstance(blob, bytes) or blob[:2] != b"GP" or len(blob) < _HEAD:
        return None
    code = blob[3] >> 1 & 7
    if blob[3] & _EMPTY or code >= len(_ENVELOPES):
        return None
    return blob[_HEAD + _ENVELOPES[code] :]


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open for reading only, without making a file or a log beside it."""
    if not path.is_file():
        raise UnreadableFile("basemap-missing", file=path.name)
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        yield connection
    except sqlite3.Error as fault:
        raise UnreadableFile("basemap-broken", file=path.name) from fault
    finally:
        connection.close()
