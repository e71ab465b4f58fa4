"""A release as one file, ``utgava-N.lbz``: there is one way to write it, and only that is read.

The file is a zip with everything stored as it is: ``manifest.json`` (what the release is, its
audit, and the sha256 of every part), ``part-01.jsonl`` … (one JSON object a line: units, atoms,
findings) and ``signature`` (over the manifest's bytes). Any zip program can open it.

Reading comes in three steps. The container is cut apart by its lengths alone, put together anew
and compared: any other byte anywhere is a fault, and nothing is inflated, so there is no bomb. Then
the signature is verified over bytes that nobody has parsed. Only what a trusted house signed is
parsed, and even that only as far as it has the shape this module writes.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import struct
import zipfile
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import shapely

from geo.errors import NotFound, UnreadableFile
from pipelines import signing
from store.releases import PHYSICAL, SENSITIVE, TREE, Atom, Finding, NewRelease, Part, Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from pipelines.signing import PublicKey
    from store.releases import Header

    Readers = Mapping[str, Callable[[Any], Any]]

FORMAT, VERSION = "lagesbild-utgava", 1
MANIFEST, SIGNATURE = "manifest.json", "signature"
MEMBER = re.compile(rf"{re.escape(MANIFEST)}|{SIGNATURE}|part-\d\d\.jsonl")
MOST_BYTES = 50 * 1024 * 1024
MOST_MEMBERS = 50
LONGEST_TEXT = 10_000
LONGEST_LIST = 100_000  # of codes, of an atom's units, of an outline's rings or a ring's corners
LARGEST_INTEGER = 2**31 - 1  # what the tables hold
DEEPEST = 12  # of settings and audit
RING_CORNERS = 4  # at least; the last is the first again
ZIP = b"PK\x03\x04"
LOCAL_HEADER = struct.Struct("<4s14xI4xHH")  # signature, size, lengths of name and of what follows
EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first moment a zip file knows
UNIX = 3
UNSPEAKABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # not all stores keep these


class Letter(NamedTuple):
    """What a house signed, as it is kept beside an imported release."""

    statement: str
    manifest: str

    @classmethod
    def opened(cls, text: str) -> Letter:
        """Take a kept letter apart: the statement is two lines, the rest is the manifest."""
        *statement, manifest = text.split("\n", 2)
        return cls("".join(f"{line}\n" for line in statement), manifest)

    def signed_by(self, known: Mapping[str, PublicKey]) -> str:
        """Name the trusted key that signed it; raises what `signing.signer` raises."""
        return signing.signer(self.statement, self.manifest.encode(), known)


@dataclass(frozen=True, slots=True)
class Described:
    """What a manifest says of a part."""

    period: str
    product: str
    first_day: date
    after_day: date
    embargo_until: date
    built_at: datetime
    digest: str
    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle says that it is."""

    number: int  # in the house that made it
    digest: str
    house: str
    created_at: datetime
    previous: str
    settings: dict[str, Any]
    synthetic: bool
    code_version: str
    audit: dict[str, Any]
    parts: tuple[Described, ...]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A release that a trusted house signed, read whole."""

    manifest: Manifest
    release: NewRelease  # its `signature` is the letter


class Strange(ValueError):
    """Something does not have the shape that is written here."""


def written(header: Header, parts: Sequence[Part], key: Ed25519PrivateKey) -> bytes:
    """Write a release as a signed bundle; the same release and key always give the same bytes."""
    members = {f"part-{i:02}.jsonl": _lines(part) for i, part in enumerate(parts, start=1)}
    manifest = _line(
        {
            "format": FORMAT,
            "version": VERSION,
            "number": header.number,
            "digest": header.digest,
            "house": header.house,
            "created_at": _second(header.created_at),
            "previous": header.previous,
            "settings": _in_order(header.settings),
            "synthetic": header.synthetic,
            "code_version": header.code_version,
            "audit": _in_order(header.audit),
            "parts": [
                _described(part, name, data)
                for part, (name, data) in zip(parts, members.items(), strict=True)
            ],
        }
    )
    statement = signing.sign(key, manifest).encode()
    return packed({MANIFEST: manifest, SIGNATURE: statement, **members})


def _in_order(value: object) -> object:
    """Sort the keys of plain JSON, in which each store has an order of its own."""
    return json.loads(json.dumps(value, sort_keys=True))


def _described(part: Part, name: str, data: bytes) -> dict[str, object]:
    return {
        "period": part.period,
        "product": part.product,
        "first_day": part.first_day.isoformat(),
        "after_day": part.after_day.isoformat(),
        "embargo_until": part.embargo_until.isoformat(),
        "built_at": _second(part.built_at),
        "digest": part.digest,
        "file": name,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def _lines(part: Part) -> bytes:
    rows: tuple[Unit | Atom | Finding, ...] = (*part.units, *part.atoms, *part.findings)
    return b"".join(map(_row_line, rows))


def _row_line(row: Unit | Atom | Finding) -> bytes:
    values = {each.name: _plain(getattr(row, each.name)) for each in fields(row)}
    return _line({"row": type(row).__name__.lower(), **values})


def _plain(value: object) -> object:
    if not isinstance(value, shapely.Geometry):
        return value
    return [
        [[list(at) for at in ring.coords] for ring in (polygon.exterior, *polygon.interiors)]
        for polygon in shapely.force_2d(value).geoms
    ]


def _line(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode() + b"\n"


def _second(instant: datetime) -> str:
    return instant.astimezone(UTC).replace(microsecond=0).isoformat()


def packed(members: Mapping[str, bytes]) -> bytes:
    """Put members into a zip file in the one way there is."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, EARLIEST)
            info.create_system = UNIX  # whatever this machine is
            info.external_attr = 0o600 << 16
            archive.writestr(info, members[name])
    return target.getvalue()


def load(file: Path, known: Mapping[str, PublicKey]) -> Bundle:
    """Read a bundle's file; raises what `read` raises, and `NotFound` without a file."""
    try:
        with file.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
    except FileNotFoundError as fault:
        raise NotFound("no-file", file=file.name) from fault
    return read(data, file.name, known)


def read(data: bytes, name: str, known: Mapping[str, PublicKey]) -> Bundle:
    """Read a bundle.

    Parameters
    ----------
    data
        The whole file.
    name
        The file's name, for the sentences.
    known
        The keys that are trusted.

    Raises
    ------
    UnreadableFile
        It is too large, no bundle, not as it was written, or of another version; or a row has not
        the shape it must have.
    InvalidParameter
        No trusted key signed this manifest.
    """
    members = _members(data, name)
    try:
        letter = Letter(members[SIGNATURE].decode(), members[MANIFEST].decode())
    except UnicodeDecodeError as fault:
        raise UnreadableFile("bundle-damaged", file=name) from fault
    signed_by = letter.signed_by(known)
    about = _manifest_of(letter, name)
    if sorted([MANIFEST, SIGNATURE, *(each.file for each in about.parts)]) != sorted(members):
        raise UnreadableFile("bundle-damaged", file=name)
    parts = tuple(_part(each, members[each.file], name) for each in about.parts)
    release = NewRelease(
        about.house,
        about.created_at,
        about.previous,
        about.settings,
        about.synthetic,
        about.code_version,
        parts,
        signature="".join(letter),
        signed_by=signed_by,
    )
    return Bundle(about, release)


def _members(data: bytes, name: str) -> dict[str, bytes]:
    """Cut a container apart, and see that putting it together again gives the same bytes."""
    if len(data) > MOST_BYTES:
        raise UnreadableFile("bundle-too-large", file=name, most_mb=MOST_BYTES // 1024**2)
    if not data.startswith(ZIP):
        raise UnreadableFile("bundle-not-zip", file=name)
    members: dict[str, bytes] = {}
    at = 0
    while data.startswith(ZIP, at) and len(data) - at > LOCAL_HEADER.size:
        _, size, named, more = LOCAL_HEADER.unpack_from(data, at)
        start = at + LOCAL_HEADER.size
        at = start + named + more + size
        member = data[start : start + named].decode("ascii", "replace")
        if not MEMBER.fullmatch(member) or len(members) == MOST_MEMBERS:
            shown = UNSPEAKABLE.sub("�", member)[:80]
            raise UnreadableFile("bundle-foreign-part", file=name, part=shown)
        members[member] = data[at - size : at]
    if not {MANIFEST, SIGNATURE} <= set(members) or packed(members) != data:
        raise UnreadableFile("bundle-damaged", file=name)
    return members


def _manifest_of(letter: Letter, name: str) -> Manifest:
    try:
        version = _json(letter.manifest).get("version")
        if version != VERSION:
            stated = str(version)[:20]
            raise UnreadableFile("bundle-version", file=name, version=stated, known=VERSION)
        return manifest(letter.manifest)
    except Strange as fault:
        raise UnreadableFile("bundle-row", file=name, part=MANIFEST, line=1) from fault


def manifest(text: str) -> Manifest:
    """Read a manifest; `Strange` where it has not the shape of one."""
    stated = _fields(_json(text), {"format": _one_of(FORMAT), "version": _whole, **_MANIFEST})
    return Manifest(**{name: stated[name] for name in _MANIFEST})


def _part(about: Described, data: bytes, name: str) -> Part:
    """Read a part's rows, in the order in which they stand."""
    if (len(data), hashlib.sha256(data).hexdigest()) != (about.bytes, about.sha256):
        raise UnreadableFile("bundle-part-changed", file=name, part=about.file)
    rows: dict[str, list[Any]] = {kind: [] for kind in ROWS}
    for number, line in enumerate(io.BytesIO(data), start=1):
        try:
            stated = _json(line)
            kind = _one_of(*ROWS)(stated.pop("row", None))
            row, readers = ROWS[kind]
            rows[kind].append(row(**_fields(stated, readers)))
        except Strange as fault:
            raise UnreadableFile("bundle-row", file=name, part=about.file, line=number) from fault
    return Part(
        about.period,
        about.product,
        about.first_day,
        about.after_day,
        about.embargo_until,
        about.built_at,
        tuple(rows["unit"]),
        tuple(rows["atom"]),
        tuple(rows["finding"]),
        about.digest,
    )


def _json(text: str | bytes) -> dict[str, Any]:
    """Read a JSON object; deep nesting ends at the parser's own limit."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise Strange from fault
    if not isinstance(found, dict):
        raise Strange
    return found


def _fields(value: object, readers: Readers) -> dict[str, Any]:
    """Read an object that has exactly these fields."""
    if not isinstance(value, dict) or value.keys() != readers.keys():
        raise Strange
    return {name: reader(value[name]) for name, reader in readers.items()}


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or UNSPEAKABLE.search(value):
        raise Strange
    return value


def _one_of(*known: str) -> Callable[[object], str]:
    def reader(value: object) -> str:
        if not isinstance(value, str) or value not in known:
            raise Strange
        return value

    return reader


def _whole(value: object) -> int:
    if type(value) is not int or not 0 <= value <= LARGEST_INTEGER:
        raise Strange
    return value


def _real(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise Strange
    try:
        real = float(value)
    except OverflowError as fault:  # a whole number of 400 digits
        raise Strange from fault
    if not math.isfinite(real):
        raise Strange
    return real


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise Strange
    return value


def _maybe(reader: Callable[[object], Any]) -> Callable[[object], Any]:
    return lambda value: None if value is None else reader(value)


def _each(reader: Callable[[object], Any], most: int = LONGEST_LIST) -> Callable[[object], Any]:
    def each(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) > most:
            raise Strange
        return tuple(map(reader, value))

    return each


def _set_of(reader: Callable[[object], Any]) -> Callable[[object], Any]:
    """Read a list that is not empty and names nothing twice."""

    def values(value: object) -> tuple[Any, ...]:
        found: tuple[Any, ...] = _each(reader)(value)
        if not found or len(set(found)) != len(found):
            raise Strange
        return found

    return values


def _day(value: object) -> date:
    try:
        return date.fromisoformat(_text(value))
    except ValueError as fault:
        raise Strange from fault


def _instant(value: object) -> datetime:
    try:
        instant = datetime.fromisoformat(_text(value))
    except ValueError as fault:
        raise Strange from fault
    if instant.utcoffset() is None or _second(instant) != value:
        raise Strange
    return instant


def _anything(value: object, depth: int = DEEPEST) -> Any:  # noqa: ANN401
    """Read plain JSON of a shape that is not ours to know."""
    if not depth:
        raise Strange
    if isinstance(value, dict):
        return {_text(name): _anything(each, depth - 1) for name, each in value.items()}
    if isinstance(value, list):
        return [_anything(each, depth - 1) for each in value]
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise Strange
    if type(value) is int and abs(value) > LARGEST_INTEGER:
        raise Strange
    return value


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Strange
    found: dict[str, Any] = _anything(value)
    return found


def _corner(value: object) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004 - lon and lat
        raise Strange
    return _real(value[0]), _real(value[1])


def _ring(value: object) -> tuple[tuple[float, float], ...]:
    corners: tuple[tuple[float, float], ...] = _each(_corner)(value)
    if len(corners) < RING_CORNERS or corners[0] != corners[-1]:
        raise Strange
    return corners


def _outline(value: object) -> shapely.MultiPolygon:
    polygons = _each(_each(_ring))(value)  # none: a sliver that vanished when it was drawn
    if not all(polygons):
        raise Strange
    return shapely.MultiPolygon([shapely.Polygon(shell, holes) for shell, *holes in polygons])


_MANIFEST: Readers = {
    "number": _whole,
    "digest": _text,
    "house": _text,
    "created_at": _instant,
    "previous": _text,
    "settings": _object,
    "synthetic": _flag,
    "code_version": _text,
    "audit": _object,
    "parts": _each(lambda value: Described(**_fields(value, _DESCRIBED)), MOST_MEMBERS),
}
_DESCRIBED: Readers = {
    "period": _text,
    "product": _one_of(TREE, SENSITIVE, PHYSICAL),
    "first_day": _day,
    "after_day": _day,
    "embargo_until": _day,
    "built_at": _instant,
    "digest": _text,
    "file": _text,
    "bytes": _whole,
    "sha256": _text,
}
_UNIT: Readers = {
    "number": _whole,
    "place": _text,
    "place_name": _text,
    "kind": _text,
    "zone": _text,
    "zone_name": _text,
    "level": _text,
    "label": _text,
    "area_m2": _real,
    "cells": _each(_text),
    "addresses": _maybe(_whole),
    "outline": _maybe(_outline),
}
_ATOM: Readers = {
    "number": _whole,
    "count": _whole,
    "k": _whole,
    "tertials": _set_of(_whole),
    "themes": _set_of(_text),
    "blocks": _set_of(_text),
    "units": _set_of(_whole),
}
_FINDING: Readers = {
    "level": _one_of("place", "zone"),
    "place": _text,
    "theme": _text,
    "block": _text,
    "count": _whole,
    "verdict": _maybe(_text),
    "reasons": _text,
    "expected": _maybe(_real),
    "ratio_low": _maybe(_real),
    "ratio_high": _maybe(_real),
    "before": _maybe(_whole),
    "trend": _maybe(_text),
    "trend_ratio": _maybe(_real),
    "trend_low": _maybe(_real),
    "trend_high": _maybe(_real),
}
ROWS: Mapping[str, tuple[type[Unit | Atom | Finding], Readers]] = {
    "unit": (Unit, _UNIT),
    "atom": (Atom, _ATOM),
    "finding": (Finding, _FINDING),
}
