"""Incidents: adding them, finding them, and handing them to the analysis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from geo.errors import InvalidParameter
from store import bulk, models, places
from store.records import BBox, Identity, Page, Placing, in_bbox, streamed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, datetime

    from numpy.typing import NDArray

    from geo.offences import Categorised

READ_AT_ONCE = 100_000
EVERY_INSTANT = "all"


@dataclass(frozen=True, slots=True)
class Events:
    """What happened and when, for n incidents."""

    code: Sequence[str]
    source_category: Sequence[str]
    premises: Sequence[str]
    category: Sequence[str]
    on_map: NDArray[np.bool_]
    count: NDArray[np.int64]
    starts_at: NDArray[np.datetime64]
    ends_at: NDArray[np.datetime64]
    time_flags: NDArray[np.int64]
    registered_on: Sequence[date | None]
    local_weekday: NDArray[np.int64]
    local_minute: NDArray[np.int64]
    in_windows: NDArray[np.int64]

    def columns(self) -> dict[str, Any]:
        """Give the values under the names of the table's columns."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """Which incidents: every part that is given must hold."""

    bbox: BBox | None = None
    start: datetime | None = None
    end: datetime | None = None  # exclusive
    area_id: int | None = None
    categories: tuple[str, ...] = ()
    window: str = EVERY_INSTANT


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """One incident as an analyst sees it."""

    id: int
    lon: float | None
    lat: float | None
    category: str
    starts_at: datetime
    ends_at: datetime | None
    count: int
    match_type: str
    uncertainty_m: float | None
    pile: bool
    area: str | None
    synthetic: bool
    windows: tuple[str, ...]


def add(connection: sa.Connection, identity: Identity, events: Events, placing: Placing) -> None:
    """Add incidents; their keys must be new."""
    columns = {**identity.columns(), **events.columns(), **placing.columns()}
    bulk.insert(connection, models.Incident, columns)


def find(
    connection: sa.Connection, where: IncidentFilter, limit: int, offset: int
) -> Page[IncidentRow]:
    """Find incidents of map categories, the newest first.

    Raises
    ------
    InvalidParameter
        The profile has no such window.
    """
    names = _window_names(connection)
    conditions = _conditions(where, names)
    table = models.Incident
    matched = connection.scalar(sa.select(sa.func.count()).where(*conditions)) or 0
    query = (
        _select()
        .where(*conditions)
        .order_by(table.starts_at.desc(), table.id)
        .limit(limit)
        .offset(offset)
    )
    return Page(matched, [_row(row, names) for row in connection.execute(query)])


def one(connection: sa.Connection, incident_id: int) -> IncidentRow | None:
    """Find one incident of a map category."""
    names = _window_names(connection)
    query = _select().where(models.Incident.id == incident_id, models.Incident.on_map.is_(True))
    row = connection.execute(query).one_or_none()
    return None if row is None else _row(row, names)


def _select() -> sa.Select[*tuple[Any, ...]]:
    table, batch, area = models.Incident, models.ImportBatch, models.Area
    return (
        sa.select(
            table.id,
            table.lon,
            table.lat,
            table.category,
            table.starts_at,
            table.ends_at,
            table.count,
            table.match_type,
            table.uncertainty_m,
            table.pile,
            area.name,
            batch.synthetic,
            table.in_windows,
        )
        .join(batch, batch.id == table.import_id)
        .outerjoin(area, area.id == table.area_id)
    )


def _row(row: sa.Row[*tuple[Any, ...]], names: tuple[str, ...]) -> IncidentRow:
    inside = tuple(name for bit, name in enumerate(names) if row[-1] >> bit & 1)
    values: tuple[Any, ...] = (*tuple(row)[:-1], inside)
    return IncidentRow(*values)


def _window_names(connection: sa.Connection) -> tuple[str, ...]:
    return tuple(window.name for window in places.profile(connection).windows)


def _conditions(where: IncidentFilter, names: tuple[str, ...]) -> list[sa.ColumnElement[bool]]:
    table = models.Incident
    conditions: list[sa.ColumnElement[bool]] = [table.on_map.is_(True)]
    if where.bbox is not None:
        conditions.append(in_bbox(table, where.bbox))
    if where.start is not None:
        conditions.append(table.starts_at >= where.start)
    if where.end is not None:
        conditions.append(table.starts_at < where.end)
    if where.area_id is not None:
        conditions.append(
            sa.or_(table.area_id == where.area_id, table.district_id == where.area_id)
        )
    if where.categories:
        conditions.append(table.category.in_(where.categories))
    if where.window in names:
        bit = 1 << names.index(where.window)
        conditions.append(table.in_windows.bitwise_and(bit) != 0)
    elif where.window != EVERY_INSTANT:
        raise InvalidParameter("unknown-window", value=where.window)
    return conditions


@dataclass(frozen=True, slots=True)
class Sample:
    """n incidents as the analysis reads them."""

    id: NDArray[np.int64]
    category: NDArray[np.object_]
    on_map: NDArray[np.bool_]
    count: NDArray[np.int64]
    starts_at: NDArray[np.datetime64]
    ends_at: NDArray[np.datetime64]
    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    cell: NDArray[np.int64]  # 0: no known place
    uncertainty_m: NDArray[np.float64]  # 1e9: no known place
    pile: NDArray[np.bool_]
    area_id: NDArray[np.int64]  # 0: in no such area
    district_id: NDArray[np.int64]


def samples(
    connection: sa.Connection, start: datetime, end: datetime, newest: int | None = None
) -> Iterator[Sample]:
    """Read the incidents that began in a period, some at a time, in the order of their ids.

    Parameters
    ----------
    newest
        The last id that is read, of `newest_id` then: what was taken in later is left out.
    """
    table = models.Incident
    query = (
        sa.select(
            table.id,
            table.category,
            table.on_map,
            table.count,
            _second(connection, table.starts_at),
            _second(connection, table.ends_at),
            sa.func.coalesce(table.x_m, 0.0),
            sa.func.coalesce(table.y_m, 0.0),
            sa.func.coalesce(table.cell, 0),
            sa.func.coalesce(table.uncertainty_m, 1e9),
            table.pile,
            sa.func.coalesce(table.area_id, 0),
            sa.func.coalesce(table.district_id, 0),
        )
        .where(table.starts_at >= start, table.starts_at < end)
        .order_by(table.id)
    )
    if newest is not None:
        query = query.where(table.id <= newest)
    for rows in streamed(connection, query, READ_AT_ONCE):
        yield _sample(list(zip(*rows, strict=True)))


def _second(connection: sa.Connection, column: Any) -> sa.ColumnElement[int]:  # noqa: ANN401 - a mapped column
    """Read an instant as whole seconds since 1970; the cheap way to numpy in both stores."""
    if connection.dialect.name == "postgresql":
        return sa.cast(sa.func.extract("epoch", column), sa.BigInteger)
    return sa.cast(sa.func.strftime("%s", sa.type_coerce(column, sa.Text)), sa.Integer)


NAT = np.iinfo(np.int64).min


def _sample(columns: list[tuple[Any, ...]]) -> Sample:
    ends = [NAT if second is None else second for second in columns[5]]
    return Sample(
        id=np.array(columns[0], dtype=np.int64),
        category=np.array(columns[1], dtype=object),
        on_map=np.array(columns[2], dtype=bool),
        count=np.array(columns[3], dtype=np.int64),
        starts_at=np.array(columns[4], dtype=np.int64).astype("datetime64[s]"),
        ends_at=np.array(ends, dtype=np.int64).astype("datetime64[s]"),
        x_m=np.array(columns[6], dtype=float),
        y_m=np.array(columns[7], dtype=float),
        cell=np.array(columns[8], dtype=np.int64),
        uncertainty_m=np.array(columns[9], dtype=float),
        pile=np.array(columns[10], dtype=bool),
        area_id=np.array(columns[11], dtype=np.int64),
        district_id=np.array(columns[12], dtype=np.int64),
    )


@dataclass(frozen=True, slots=True)
class Kinds:
    """What decides the category and the windows of some stored incidents."""

    code: NDArray[np.object_]
    source_category: NDArray[np.object_]
    starts_at: NDArray[np.datetime64]
    ends_at: NDArray[np.datetime64]


def kinds(connection: sa.Connection, first: int, last: int) -> Kinds:
    """Read the incidents between two ids, both included, in the order of their ids."""
    table = models.Incident
    query = (
        sa.select(
            table.code,
            table.source_category,
            _second(connection, table.starts_at),
            _second(connection, table.ends_at),
        )
        .where(table.id.between(first, last))
        .order_by(table.id)
    )
    rows = connection.execute(query).all()
    columns = list(zip(*rows, strict=True)) if rows else [()] * 4
    ends = [NAT if second is None else second for second in columns[3]]
    return Kinds(
        np.array(columns[0], dtype=object),
        np.array(columns[1], dtype=object),
        np.array(columns[2], dtype=np.int64).astype("datetime64[s]"),
        np.array(ends, dtype=np.int64).astype("datetime64[s]"),
    )


def update_kinds(
    connection: sa.Connection, ids: NDArray[np.int64], kind: Categorised, bits: NDArray[np.int64]
) -> None:
    """Write what incidents are, as it follows from another profile revision."""
    columns = {"category": kind.category, "on_map": kind.on_map, "in_windows": bits}
    bulk.update(connection, models.Incident, ids, columns)


def span(connection: sa.Connection) -> tuple[datetime, datetime] | None:
    """Tell the first and the last instant at which an incident began."""
    table = models.Incident
    query = sa.select(sa.func.min(table.starts_at), sa.func.max(table.starts_at))
    first, last = connection.execute(query).one()
    return None if first is None else (first, last)


def newest_id(connection: sa.Connection) -> int:
    """Give the last id; imports wait for each other and no id is used twice: later ones are higher.

    0 where nothing is stored.
    """
    return connection.scalar(sa.select(sa.func.max(models.Incident.id))) or 0


def count(connection: sa.Connection) -> int:
    """Count stored incidents."""
    return connection.scalar(sa.select(sa.func.count()).select_from(models.Incident)) or 0
