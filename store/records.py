"""What incidents and observations have in common in the store: keys, places, pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import shapely
import sqlalchemy as sa

from store import bulk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from store import models

Row = TypeVar("Row")
KEYS_AT_ONCE = 20_000
CENTRES_AT_ONCE = 500  # SQLite takes no condition more than 1,000 terms deep
NEAR_DEG = 5e-5  # some metres anywhere; the exact distance is measured afterwards
BBox = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows of a result and how many there are in all."""

    matched: int
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Placing:
    """Where n records are and how that is known; NaN and None mean unknown."""

    street: Sequence[str]
    street_number: Sequence[str]
    crossing: Sequence[str]
    place_name: Sequence[str]
    area_name: Sequence[str]
    match_type: Sequence[str]
    match_score: NDArray[np.float64]
    uncertainty_m: NDArray[np.float64]
    match_source: Sequence[str]
    matched_text: Sequence[str]
    candidates: Sequence[Any]
    pile: NDArray[np.bool_]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    cell: Sequence[int | None]
    area_id: Sequence[int | None]
    district_id: Sequence[int | None]

    def columns(self) -> dict[str, Sequence[Any] | NDArray[Any]]:
        """Give the values under the names of the table's columns."""
        named = {name: getattr(self, name) for name in self.__slots__}
        return {**named, "position": points(self.lon, self.lat)}


@dataclass(frozen=True, slots=True)
class Identity:
    """Which rows of which import n records are."""

    import_id: int
    row_key: Sequence[bytes]
    content_key: Sequence[bytes]
    profile_revision: int

    def columns(self) -> dict[str, Sequence[Any]]:
        """Give the values under the names of the table's columns."""
        n = len(self.row_key)
        return {
            "import_id": [self.import_id] * n,
            "row_key": self.row_key,
            "content_key": self.content_key,
            "profile_revision": [self.profile_revision] * n,
        }


def points(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.object_]:
    """Make points, None where the place is unknown."""
    made = np.full(lon.shape, None, dtype=object)
    known = np.isfinite(lon)
    made[known] = shapely.points(lon[known], lat[known])
    return made


def known_keys(
    connection: sa.Connection,
    table: type[models.Incident | models.Observation],
    keys: Sequence[bytes],
) -> dict[bytes, bytes]:
    """Find which row keys are already stored: row key -> content key."""
    found: dict[bytes, bytes] = {}
    query = f"SELECT row_key, content_key FROM {table.__tablename__} WHERE row_key"  # noqa: S608 - a model's own name
    for start in range(0, len(keys), KEYS_AT_ONCE):
        some = list(keys[start : start + KEYS_AT_ONCE])
        if connection.dialect.name == "postgresql":
            rows = connection.exec_driver_sql(f"{query} = ANY(%s)", (some,))
        else:
            marks = ", ".join("?" * len(some))
            rows = connection.exec_driver_sql(f"{query} IN ({marks})", tuple(some))
        found.update((bytes(key), bytes(content)) for key, content in rows)
    return found


def content_counts(
    connection: sa.Connection, table: type[models.Incident | models.Observation], import_id: int
) -> dict[bytes, int]:
    """Count the rows of one import by what they say."""
    query = (
        sa.select(table.content_key, sa.func.count())
        .where(table.import_id == import_id)
        .group_by(table.content_key)
    )
    return {bytes(content): count for content, count in connection.execute(query)}


def place_text(table: type[models.Incident | models.Observation]) -> sa.ColumnElement[str]:
    """Select the most precise words that a record's source has for its place."""
    address = sa.func.trim(table.street + " " + table.street_number)
    return sa.case(
        (table.crossing != "", table.crossing),
        (table.street != "", address),
        (table.place_name != "", table.place_name),
        else_=table.area_name,
    )


@dataclass(frozen=True, slots=True)
class Stacked:
    """Records with given coordinates that share their point with others."""

    id: NDArray[np.int64]
    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    place_text: list[str]


def stacked(
    connection: sa.Connection,
    table: type[models.Incident | models.Observation],
    fewest: int,
    centres: NDArray[np.float64],
) -> Stacked:
    """Read the records that may lie on a false pile.

    These are the records with given coordinates on a point that bears at least `fewest`
    different address texts, and those close to one of `centres`, (c, 2) lon/lat.
    """
    given = table.match_type == "coordinates"
    # Distinct texts first: one pass over the table instead of a look-up for each of its rows.
    written = place_text(table).label("place_text")
    texts = sa.select(table.lat, table.lon, written).where(given).distinct().subquery()
    points = (
        sa.select(texts.c.lat, texts.c.lon)
        .group_by(texts.c.lat, texts.c.lon)
        .having(sa.func.count() >= fewest)
        .subquery()
    )
    columns = (table.id, table.x_m, table.y_m, written)
    many_texts = sa.select(*columns).join(
        points, sa.and_(table.lat == points.c.lat, table.lon == points.c.lon)
    )
    near = [
        in_bbox(table, (lon - NEAR_DEG, lat - NEAR_DEG, lon + NEAR_DEG, lat + NEAR_DEG))
        for lon, lat in centres.tolist()
    ]
    queries = [many_texts.where(given)]
    for start in range(0, len(near), CENTRES_AT_ONCE):
        some = sa.or_(*near[start : start + CENTRES_AT_ONCE])
        queries.append(sa.select(*columns).where(given, some))
    found = {row[0]: row for query in queries for row in connection.execute(query)}
    rows = [found[key] for key in sorted(found)]
    return Stacked(
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array([row[1] for row in rows], dtype=float),
        np.array([row[2] for row in rows], dtype=float),
        [row[3] for row in rows],
    )


def set_piles(
    connection: sa.Connection,
    table: type[models.Incident | models.Observation],
    ids: Sequence[int],
) -> None:
    """Mark exactly these records as lying on a false pile.

    A record that is newly found on one loses the area under it, where it lies by mistake.
    """
    before = set(connection.scalars(sa.select(table.id).where(table.pile)))
    found = set(ids)
    nowhere = {"pile": True, "area_id": None, "district_id": None}
    for changed, values in ((before - found, {"pile": False}), (found - before, nowhere)):
        rows = sorted(changed)
        for start in range(0, len(rows), KEYS_AT_ONCE):
            some = table.id.in_(rows[start : start + KEYS_AT_ONCE])
            connection.execute(sa.update(table).where(some).values(**values))


@dataclass(frozen=True, slots=True)
class Placed:
    """How some stored records were placed and what their sources say, in the order of their ids."""

    id: NDArray[np.int64]
    street: list[str]
    street_number: list[str]
    crossing: list[str]
    place_name: list[str]
    area_name: list[str]
    match_type: list[str]
    match_score: NDArray[np.float64]
    match_source: list[str]
    matched_text: list[str]
    uncertainty_m: NDArray[np.float64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]


_SAID = ("street", "street_number", "crossing", "place_name", "area_name")
_NUMBERS = ("match_score", "uncertainty_m", "lon", "lat")


def placed(
    connection: sa.Connection, table: type[models.Incident | models.Observation], after: int
) -> Placed:
    """Read the next records after an id; none left gives empty columns."""
    columns: list[Any] = [getattr(table, name) for name in Placed.__slots__]
    query = sa.select(*columns).where(table.id > after).order_by(table.id).limit(KEYS_AT_ONCE)
    rows = connection.execute(query).all()
    values: dict[str, Any] = {
        name: [row[n] for row in rows] for n, name in enumerate(Placed.__slots__)
    }
    for name in _NUMBERS:
        values[name] = np.array(values[name], dtype=float)
    return Placed(**{**values, "id": np.array(values["id"], dtype=np.int64)})


def update_places(
    connection: sa.Connection,
    table: type[models.Incident | models.Observation],
    ids: NDArray[np.int64],
    placing: Placing,
    revision: int,
) -> None:
    """Write where records are, as it follows from another profile revision.

    What their sources say about the place stays as it is, and so do the marks of piles.
    """
    changing = [name for name in Placing.__slots__ if name not in {*_SAID, "pile"}]
    columns = {**placing.columns(), "profile_revision": [revision] * ids.size}
    bulk.update(
        connection,
        table,
        ids,
        {name: columns[name] for name in (*changing, "position", "profile_revision")},
    )


def in_bbox(table: type[models.Located], bbox: BBox) -> sa.ColumnElement[bool]:
    """Select points inside a box: west, south, east, north in degrees, borders included."""
    west, south, east, north = bbox
    return sa.and_(table.lat.between(south, north), table.lon.between(west, east))


def streamed(
    connection: sa.Connection, query: sa.Select[*tuple[Any, ...]], rows: int
) -> Iterator[list[sa.Row[*tuple[Any, ...]]]]:
    """Read a large result some rows at a time."""
    result = connection.execute(query, execution_options={"yield_per": rows})
    for partition in result.partitions():
        yield list(partition)
