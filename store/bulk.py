"""Many rows at once: executemany for the GeoPackage, COPY for PostGIS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from store.types import GPKG_HEADER, SRID, Json, Shape, UtcTime

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import sqlalchemy as sa
    from numpy.typing import NDArray

    from store.models import Base


ROWS_AT_ONCE = 50_000  # Python values of more rows would take hundreds of megabytes


def insert(
    connection: sa.Connection,
    model: type[Base],
    columns: Mapping[str, Sequence[object] | NDArray[Any]],
) -> None:
    """Add rows given as columns of equal length.

    Instants come as ``datetime64`` (NaT is null), numbers with NaN as null, geometries as
    shapely objects or None, JSON as plain values.
    """
    table: sa.Table = model.__table__  # type: ignore[assignment]
    postgis = connection.dialect.name == "postgresql"
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(quote(table.c[name].name) for name in columns)
    size = len(next(iter(columns.values())))
    cursor = connection.connection.cursor()
    for start in range(0, size, ROWS_AT_ONCE):
        encoded = [
            _encoded(table.c[name].type, values[start : start + ROWS_AT_ONCE], postgis=postgis)
            for name, values in columns.items()
        ]
        rows = zip(*encoded, strict=True)
        if postgis:
            _copy(cursor, f"COPY {quote(table.name)} ({names}) FROM STDIN", rows)
        else:
            marks = ", ".join("?" * len(encoded))
            cursor.executemany(f"INSERT INTO {quote(table.name)} ({names}) VALUES ({marks})", rows)  # type: ignore[arg-type]  # noqa: S608 - names come from the models
    cursor.close()


def update(
    connection: sa.Connection,
    model: type[Base],
    ids: NDArray[np.int64],
    columns: Mapping[str, Sequence[object] | NDArray[Any]],
) -> None:
    """Write columns of existing rows, given in the order of `ids`."""
    table: sa.Table = model.__table__  # type: ignore[assignment]
    postgis = connection.dialect.name == "postgresql"
    encoded = [
        _encoded(table.c[name].type, values, postgis=postgis) for name, values in columns.items()
    ]
    quote = connection.dialect.identifier_preparer.quote
    mark = "%s" if postgis else "?"
    setting = ", ".join(f"{quote(name)} = {mark}" for name in columns)
    cursor = connection.connection.cursor()
    rows = list(zip(*encoded, ids.tolist(), strict=True))
    cursor.executemany(f"UPDATE {quote(table.name)} SET {setting} WHERE id = {mark}", rows)  # noqa: S608 - names come from the models
    cursor.close()


def _copy(cursor: Any, statement: str, rows: Iterable[tuple[object, ...]]) -> None:  # noqa: ANN401 - the driver's cursor
    with cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _encoded(
    kind: sa.types.TypeEngine[Any], values: Sequence[object] | NDArray[Any], *, postgis: bool
) -> Sequence[object]:
    if isinstance(kind, Shape):
        return _geometries(values, postgis=postgis)
    if isinstance(kind, Json):
        return [
            None if value is None else json.dumps(value, ensure_ascii=False) for value in values
        ]
    if isinstance(kind, UtcTime):
        return instants(np.asarray(values, dtype="datetime64[s]"))
    return _plain(values)


def _plain(values: Sequence[object] | NDArray[Any]) -> Sequence[object]:
    """Turn an array into Python values, NaN into None."""
    if not isinstance(values, np.ndarray):
        return values
    if values.dtype.kind == "f" and np.isnan(values).any():
        whole = values.astype(object)
        whole[np.isnan(values)] = None
        values = whole
    plain: list[object] = values.tolist()
    return plain


def instants(values: NDArray[np.datetime64]) -> list[str | None]:
    """Write instants the way both stores read them; NaT becomes None."""
    text = np.char.add(np.datetime_as_string(values, unit="s"), ".000Z").astype(object)
    text[np.isnat(values)] = None
    return text.tolist()  # type: ignore[no-any-return]


def _geometries(
    values: Sequence[object] | NDArray[Any], *, postgis: bool
) -> Sequence[str | bytes | None]:
    shapes = shapely.force_2d(np.asarray(values, dtype=object))
    if postgis:
        marked = shapely.set_srid(shapes, SRID)
        return shapely.to_wkb(marked, hex=True, include_srid=True).tolist()  # type: ignore[no-any-return]
    return [None if blob is None else GPKG_HEADER + blob for blob in shapely.to_wkb(shapes)]
