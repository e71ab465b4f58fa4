"""What incidents and observations have in common in the store: keys, places, pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import shapely
import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from store import models

Row = TypeVar("Row")
KEYS_AT_ONCE = 20_000
BBox = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows of a result and how many there are in all."""

    matched: int
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Placing:
    """Where n records are and how that is known; NaN and None mean unknown."""

    place_text: Sequence[str]
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
    source: str
    row_key: Sequence[bytes]
    content_key: Sequence[bytes]
    profile_revision: int

    def columns(self) -> dict[str, Sequence[Any]]:
        """Give the values under the names of the table's columns."""
        n = len(self.row_key)
        return {
            "import_id": [self.import_id] * n,
            "source": [self.source] * n,
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
    connection: sa.Connection, table: type[models.Located], source: str, keys: Sequence[bytes]
) -> dict[bytes, bytes]:
    """Find which row keys of a source are already stored: row key -> content key."""
    found: dict[bytes, bytes] = {}
    held = sa.select(table.row_key, table.content_key).where(table.source == source)
    if connection.execute(held.limit(1)).first() is None:
        return found
    for start in range(0, len(keys), KEYS_AT_ONCE):
        some = list(keys[start : start + KEYS_AT_ONCE])
        for key, content in connection.execute(held.where(table.row_key.in_(some))):
            found[bytes(key)] = bytes(content)
    return found


def mark_piles(connection: sa.Connection, table: type[models.Located], fewest_texts: int) -> int:
    """Mark points with given coordinates that bear many different address texts.

    Such a point is where a register puts what it could not place. Mere stacking is no pile: a
    square or a block may hold hundreds of events under one text.
    """
    distinct = sa.func.count(sa.distinct(table.place_text))
    stacked = (
        sa.select(table.lon, table.lat)
        .where(table.match_type == "coordinates", table.place_text != "")
        .group_by(table.lat, table.lon)
        .having(distinct >= fewest_texts, distinct * 2 > sa.func.count())
    )
    marked = 0
    for lon, lat in connection.execute(stacked).all():
        there = sa.and_(table.lon == lon, table.lat == lat, table.match_type == "coordinates")
        marked += connection.execute(sa.update(table).where(there).values(pile=True)).rowcount
    return marked


def clear_piles(connection: sa.Connection, table: type[models.Located]) -> None:
    """Forget which points were piles."""
    connection.execute(sa.update(table).where(table.pile).values(pile=False))


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
