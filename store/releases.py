"""Releases: written whole, read whole, and put in force one at a time."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import shapely
import sqlalchemy as sa

from geo.errors import NotFound
from store import models as main
from store import release_models as models

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_Below: TypeAlias = models.ReleaseUnit | models.ReleaseAtom | models.ReleaseFinding
TREE, SENSITIVE, PHYSICAL = "tree", "sensitive", "physical"  # products


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of ground that no atom of its part divides."""

    number: int
    place: str
    place_name: str
    kind: str  # priority, nightlife, schools, rest or unknown
    zone: str
    zone_name: str
    level: str  # zone (whole), cell, cells, remainder or nowhere
    label: str
    area_m2: float
    cells: tuple[str, ...]  # of resolution 9; (): those of the zone that no other unit names
    addresses: int | None  # None: no address register
    outline: shapely.MultiPolygon | None  # lon/lat


@dataclass(frozen=True, slots=True)
class Atom:
    """The smallest number that is told."""

    number: int
    count: int
    k: int
    tertials: tuple[int, ...]
    themes: tuple[str, ...]
    blocks: tuple[str, ...]
    units: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """What may be said about a place, from released numbers alone."""

    level: str  # place or zone
    place: str
    theme: str  # "" is all
    block: str  # "" is all
    count: int
    verdict: str | None  # None: nothing to compare with
    reasons: str
    expected: float | None
    ratio_low: float | None
    ratio_high: float | None
    before: int | None  # the same a year earlier
    trend: str | None
    trend_ratio: float | None
    trend_low: float | None
    trend_high: float | None


@dataclass(frozen=True, slots=True)
class Part:
    """One product of one closed period; whoever copies it on copies it to the letter."""

    period: str
    product: str
    first_day: date
    after_day: date
    embargo_until: date
    built_at: datetime
    units: tuple[Unit, ...]
    atoms: tuple[Atom, ...]
    findings: tuple[Finding, ...]
    digest: str = ""  # as stored; `sealed` computes it

    def computed_digest(self) -> str:
        """Compute the fingerprint of what is here, whatever was stored."""
        digest = hashlib.sha256()
        about = (
            self.period,
            self.product,
            self.first_day.isoformat(),
            self.after_day.isoformat(),
            self.embargo_until.isoformat(),
            _second(self.built_at),
        )
        digest.update(_line(about))
        for rows in (self.units, self.atoms, self.findings):
            digest.update(_line(len(rows)))
            for row in rows:
                digest.update(_line([_plain(value) for value in _values(row)]))
        return digest.hexdigest()

    def sealed(self) -> Part:
        """Give the same with its fingerprint."""
        return replace(self, digest=self.computed_digest())


@dataclass(frozen=True, slots=True)
class Header:
    """What a release is, without its numbers."""

    number: int
    house: str
    created_at: datetime
    activated_at: datetime | None
    active: bool
    digest: str
    previous: str
    settings: dict[str, Any]
    synthetic: bool
    code_version: str
    audit: dict[str, Any] | None
    signature: str | None
    signed_by: str | None


@dataclass(frozen=True, slots=True)
class NewRelease:
    """A release that is to be stored."""

    house: str
    created_at: datetime
    previous: str
    settings: dict[str, Any]
    synthetic: bool
    code_version: str
    parts: tuple[Part, ...]  # sealed
    signature: str | None = None
    signed_by: str | None = None


_Kind = TypeVar("_Kind", Unit, Atom, Finding)


def digest_of(release: Header | NewRelease, parts: Iterable[Part]) -> str:
    """Compute the fingerprint of a whole release from its parts' own fingerprints."""
    about = (
        release.house,
        _second(release.created_at),
        release.previous,
        release.settings,
        release.synthetic,
        release.code_version,
        [[part.period, part.product, part.digest] for part in parts],
    )
    return hashlib.sha256(_line(about)).hexdigest()


def intact(header: Header, parts: Sequence[Part]) -> bool:
    """Tell whether every row is as it was when the release was made."""
    whole = all(part.digest == part.computed_digest() for part in parts)
    return whole and header.digest == digest_of(header, parts)


def _line(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode() + b"\n"


def _second(instant: datetime) -> str:
    return instant.astimezone(UTC).replace(microsecond=0).isoformat()


def _plain(value: object) -> object:
    if isinstance(value, shapely.Geometry):
        return shapely.to_wkb(value, hex=True, byte_order=1, output_dimension=2)
    return float(value) if isinstance(value, float) else value


def _values(row: Unit | Atom | Finding) -> list[Any]:
    return [getattr(row, each.name) for each in fields(row)]


def add(connection: sa.Connection, new: NewRelease) -> int:
    """Store a release that is not in force, and give its number."""
    table = models.Release
    latest = connection.scalar(sa.select(sa.func.max(table.number))) or 0
    values = {
        "number": latest + 1,
        "house": new.house,
        "created_at": new.created_at,
        "active": False,
        "digest": digest_of(new, new.parts),
        "previous": new.previous,
        "settings": new.settings,
        "synthetic": new.synthetic,
        "code_version": new.code_version,
        "signature": new.signature,
        "signed_by": new.signed_by,
    }
    key = connection.execute(sa.insert(table).returning(table.id), values).scalar_one()
    for part in new.parts:
        _add_part(connection, key, part)
    return latest + 1


def _add_part(connection: sa.Connection, release_id: int, part: Part) -> None:
    table = models.ReleasePart
    values = {"release_id": release_id, **{name: getattr(part, name) for name in _PART}}
    key = connection.execute(sa.insert(table).returning(table.id), values).scalar_one()
    below: tuple[tuple[type[_Below], Sequence[Unit | Atom | Finding]], ...] = (
        (models.ReleaseUnit, part.units),
        (models.ReleaseAtom, part.atoms),
        (models.ReleaseFinding, part.findings),
    )
    for model, rows in below:
        if rows:
            names = [each.name for each in fields(rows[0])]
            listed = [
                {"part_id": key, **dict(zip(names, map(_stored, _values(row)), strict=True))}
                for row in rows
            ]
            connection.execute(sa.insert(model), listed)


def _stored(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


_PART = ("period", "product", "first_day", "after_day", "embargo_until", "built_at", "digest")
_HEADER = tuple(getattr(models.Release, name) for name in Header.__slots__)


def active(connection: sa.Connection) -> Header | None:
    """Give the release in force; None before the first."""
    row = connection.execute(sa.select(*_HEADER).where(models.Release.active)).one_or_none()
    return None if row is None else Header(*row)


def active_digest(connection: sa.Connection) -> str | None:
    """Tell which release is in force, at the least cost."""
    return connection.scalar(sa.select(models.Release.digest).where(models.Release.active))


def find(connection: sa.Connection, number: int) -> Header:
    """Give one release.

    Raises
    ------
    NotFound
        There is none with that number.
    """
    row = connection.execute(
        sa.select(*_HEADER).where(models.Release.number == number)
    ).one_or_none()
    if row is None:
        raise NotFound("no-such-release", number=number)
    return Header(*row)


def listing(connection: sa.Connection) -> list[Header]:
    """List every release, newest first."""
    query = sa.select(*_HEADER).order_by(models.Release.number.desc())
    return [Header(*row) for row in connection.execute(query)]


def parts(connection: sa.Connection, number: int) -> tuple[Part, ...]:
    """Read every part of a release, in the order in which they were stored."""
    table = models.ReleasePart
    query = (
        sa.select(table.id, *(getattr(table, name) for name in _PART))
        .join(models.Release)
        .where(models.Release.number == number)
        .order_by(table.id)
    )
    return tuple(
        _part(connection, row[0], dict(zip(_PART, row[1:], strict=True)))
        for row in connection.execute(query).all()
    )


def _part(connection: sa.Connection, key: int, about: dict[str, Any]) -> Part:
    """Read what belongs to a part."""

    def rows(model: type[_Below], kind: type[_Kind]) -> tuple[_Kind, ...]:
        columns = [getattr(model, each.name) for each in fields(kind)]
        query = sa.select(*columns).where(model.part_id == key).order_by(model.id)
        found = connection.execute(query)
        return tuple(kind(*map(_kept, values)) for values in found)

    return Part(
        **about,
        units=rows(models.ReleaseUnit, Unit),
        atoms=rows(models.ReleaseAtom, Atom),
        findings=rows(models.ReleaseFinding, Finding),
    )


def _kept(value: Any) -> Any:  # noqa: ANN401 - of any column
    return tuple(value) if isinstance(value, list) else value


def set_audit(connection: sa.Connection, number: int, audit: dict[str, Any]) -> None:
    """Note what the audit of a release found."""
    table = models.Release
    connection.execute(sa.update(table).where(table.number == number).values(audit=audit))


def activate(connection: sa.Connection, number: int, now: datetime) -> None:
    """Put a release in force; in the same transaction the one before steps back.

    Raises
    ------
    NotFound
        There is none with that number.
    """
    standing = find(connection, number)
    table = models.Release
    connection.execute(sa.update(table).where(table.active).values(active=False))
    connection.execute(
        sa.update(table)
        .where(table.number == number)
        .values(active=True, activated_at=standing.activated_at or now)
    )


def came_in(connection: sa.Connection) -> dict[int, tuple[int, datetime]]:
    """Tell with which import each incident came, and when: a revision asks where news comes from.

    `connection` is the main part's.
    """
    incident, batch = main.Incident, main.ImportBatch
    query = sa.select(incident.id, batch.id.label("import_id"), batch.started_at).join(
        batch, batch.id == incident.import_id
    )
    return {row.id: (row.import_id, row.started_at) for row in connection.execute(query)}
