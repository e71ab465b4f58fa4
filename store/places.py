"""The place profile and its places."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import shapely
import sqlalchemy as sa

from geo.errors import NotFound
from geo.profile import (
    Address,
    Area,
    Category,
    Facility,
    LocalEvent,
    NamedPlace,
    OffenceRule,
    Profile,
)
from geo.windows import Span, WeeklyWindow
from store import bulk, models

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class AreaRow:
    """A stored area; `outline` in lon/lat."""

    id: int
    kind: str
    name: str
    outline: shapely.MultiPolygon
    source: str
    note: str

    def as_area(self) -> Area:
        """Give the area without its id."""
        return Area(self.kind, self.name, self.outline, self.source, self.note)


@dataclass(frozen=True, slots=True)
class FacilityRow:
    """A stored school or venue."""

    id: int
    kind: str
    name: str
    lon: float
    lat: float
    source: str
    form: str


def profile(connection: sa.Connection) -> Profile:
    """Give the profile in force.

    Raises
    ------
    NotFound
        None was loaded yet.
    """
    document = connection.scalar(sa.select(models.ProfileRow.document))
    if document is None:
        raise NotFound("no-profile")
    return _profile(document)


def revision(connection: sa.Connection) -> int:
    """Tell how often profile or places have changed; 0 before the first load."""
    return connection.scalar(sa.select(models.ProfileRow.revision)) or 0


def loaded_digest(connection: sa.Connection) -> str:
    """Give the fingerprint of the reference set that was loaded last; "" before the first."""
    return connection.scalar(sa.select(models.ProfileRow.digest)) or ""


def save_profile(connection: sa.Connection, value: Profile, digest: str) -> None:
    """Put a profile in force in the place of the one before."""
    following = revision(connection) + 1
    connection.execute(sa.delete(models.ProfileRow))
    connection.execute(
        sa.insert(models.ProfileRow),
        {
            "id": 1,
            "name": value.name,
            "revision": following,
            "digest": digest,
            "document": _document(value),
        },
    )


def touch(connection: sa.Connection) -> None:
    """Note that places changed, so that what was derived from them is derived anew."""
    connection.execute(sa.update(models.ProfileRow).values(revision=models.ProfileRow.revision + 1))


def _document(value: Profile) -> dict[str, Any]:
    """Write a profile as plain JSON values."""
    return {
        "name": value.name,
        "label": value.label,
        "timezone": value.timezone,
        "metric_epsg": value.metric_epsg,
        "source_epsgs": list(value.source_epsgs),
        "envelope": list(value.envelope),
        "windows": [
            {
                "name": window.name,
                "label": window.label,
                "term_only": window.term_only,
                "spans": [[span.weekday, span.start, span.end] for span in window.spans],
            }
            for window in value.windows
        ],
        "terms": [[first.isoformat(), after.isoformat()] for first, after in value.terms],
        "categories": [
            [c.code, c.label, c.theme, c.enforcement_driven, c.in_total, c.on_map]
            for c in value.categories
        ],
        "offences": [
            [
                r.code,
                r.label,
                _iso(r.valid_from),
                _iso(r.valid_to),
                r.category,
                r.nightlife,
                r.place,
            ]
            for r in value.offences
        ],
        "venue_distance_m": value.venue_distance_m,
        "nightlife_category": value.nightlife_category,
        "events": [[e.name, e.first.isoformat(), e.last.isoformat()] for e in value.events],
    }


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _profile(document: dict[str, Any]) -> Profile:
    """Read a profile from plain JSON values."""
    west, south, east, north = document["envelope"]
    return Profile(
        name=document["name"],
        label=document["label"],
        timezone=document["timezone"],
        metric_epsg=document["metric_epsg"],
        source_epsgs=tuple(document["source_epsgs"]),
        envelope=(west, south, east, north),
        windows=tuple(
            WeeklyWindow(
                window["name"],
                window["label"],
                tuple(Span(*span) for span in window["spans"]),
                window["term_only"],
            )
            for window in document["windows"]
        ),
        terms=tuple(
            (date.fromisoformat(first), date.fromisoformat(after))
            for first, after in document["terms"]
        ),
        categories=tuple(Category(*row) for row in document["categories"]),
        offences=tuple(
            OffenceRule(code, label, _day(start), _day(end), category, nightlife, place)
            for code, label, start, end, category, nightlife, place in document["offences"]
        ),
        venue_distance_m=document["venue_distance_m"],
        nightlife_category=document["nightlife_category"],
        events=tuple(
            LocalEvent(name, date.fromisoformat(first), date.fromisoformat(last))
            for name, first, last in document.get("events", [])  # older documents have none
        ),
    )


def areas(connection: sa.Connection, kind: str | None = None) -> list[AreaRow]:
    """List areas, of one kind or of all, in the order of their ids."""
    table = models.Area
    query = sa.select(
        table.id, table.kind, table.name, table.outline, table.source, table.note
    ).order_by(table.id)
    if kind is not None:
        query = query.where(table.kind == kind)
    return [AreaRow(*row) for row in connection.execute(query)]


def facilities(connection: sa.Connection, kind: str) -> list[FacilityRow]:
    """List the schools or the venues, in the order of their ids."""
    table = models.Facility
    query = (
        sa.select(table.id, table.kind, table.name, table.position, table.source, table.form)
        .where(table.kind == kind)
        .order_by(table.id)
    )
    return [
        FacilityRow(key, of_kind, name, position.x, position.y, source, form)
        for key, of_kind, name, position, source, form in connection.execute(query)
    ]


def named_places(connection: sa.Connection) -> list[NamedPlace]:
    """List the gazetteer."""
    table = models.NamedPlace
    query = sa.select(
        table.kind, table.name, table.position, table.uncertainty_m, table.source
    ).order_by(table.id)
    return [
        NamedPlace(kind, name, position.x, position.y, uncertainty_m, source)
        for kind, name, position, uncertainty_m, source in connection.execute(query)
    ]


def addresses(connection: sa.Connection) -> list[Address]:
    """List the address register."""
    table = models.Address
    query = sa.select(
        table.street,
        table.number,
        table.letter,
        table.lon,
        table.lat,
        table.postcode,
        table.city,
        table.source,
    ).order_by(table.id)
    return [Address(*row) for row in connection.execute(query)]


PROFILE, IMPORT = "profile", "import"  # where a place comes from


def put_areas(
    connection: sa.Connection, values: Sequence[Area], origin: str, *, replace: str | None
) -> None:
    """Add areas, or put them in the place of others of a kind.

    A place of the same kind and name is replaced and keeps its id, because links name places by
    id; but what somebody imported is not replaced by a profile. `replace` first empties a kind:
    of the profile's own places when a profile is loaded, of all when a file is imported.
    """
    rows = [
        {
            "kind": value.kind,
            "name": value.name,
            "outline": _multi(value.outline),
            "source": value.source,
            "note": value.note,
        }
        for value in values
    ]
    _put(connection, models.Area, rows, origin, replace)


def _multi(outline: shapely.Geometry) -> shapely.MultiPolygon:
    if isinstance(outline, shapely.MultiPolygon):
        return outline
    return shapely.MultiPolygon([outline])


def put_facilities(
    connection: sa.Connection, values: Sequence[Facility], origin: str, *, replace: str | None
) -> None:
    """Add schools or venues; the rules of `put_areas`."""
    rows = [
        {
            "kind": value.kind,
            "name": value.name,
            "position": shapely.Point(value.lon, value.lat),
            "source": value.source,
            "form": value.form,
        }
        for value in values
    ]
    _put(connection, models.Facility, rows, origin, replace)


def _put(
    connection: sa.Connection,
    table: type[models.Area | models.Facility],
    rows: list[dict[str, Any]],
    origin: str,
    replace: str | None,
) -> None:
    ours = sa.true() if origin == IMPORT else table.origin == PROFILE
    if replace is not None:
        names = [row["name"] for row in rows]
        gone = sa.and_(table.kind == replace, table.name.not_in(names), ours)
        connection.execute(sa.delete(table).where(gone))
    there = {
        (kind, name): origin_there
        for kind, name, origin_there in connection.execute(
            sa.select(table.kind, table.name, table.origin)
        )
    }
    for row in rows:
        standing = there.get((row["kind"], row["name"]))
        if standing is None:
            connection.execute(sa.insert(table), {**row, "origin": origin})
            there[row["kind"], row["name"]] = origin  # one name twice: the last one counts
        elif origin == IMPORT or standing == PROFILE:
            same = sa.and_(table.kind == row["kind"], table.name == row["name"])
            connection.execute(sa.update(table).where(same).values(**row, origin=origin))


def put_named_places(
    connection: sa.Connection, values: Sequence[NamedPlace], origin: str, *, replace: bool
) -> None:
    """Add gazetteer entries in the place of those of the same origin and source, or of all."""
    table = models.NamedPlace
    if origin == PROFILE or not replace:
        sources = {value.source for value in values}
        same = table.origin == origin
        if origin == IMPORT:
            same = sa.and_(same, table.source.in_(sources))
        connection.execute(sa.delete(table).where(same))
    else:
        connection.execute(sa.delete(table))
    bulk.insert(
        connection,
        table,
        {
            "kind": [value.kind for value in values],
            "name": [value.name for value in values],
            "origin": [origin] * len(values),
            "uncertainty_m": [value.uncertainty_m for value in values],
            "source": [value.source for value in values],
            "position": shapely.points(
                [value.lon for value in values], [value.lat for value in values]
            ),
        },
    )


def put_addresses(connection: sa.Connection, values: Sequence[Address]) -> None:
    """Put an address register in the place of the one before."""
    connection.execute(sa.delete(models.Address))
    names = ("street", "number", "letter", "lon", "lat", "postcode", "city", "source")
    bulk.insert(
        connection,
        models.Address,
        {name: [getattr(value, name) for value in values] for name in names},
    )
