"""The log of every look: a chain in which nothing can be changed unseen.

Each entry's *head* is ``SHA-256(head before ‖ seq ‖ at ‖ digest)``, where `seq` and `at` (seconds
since 1970, UTC) are big-endian 64-bit integers and `digest` is ``SHA-256(body)``; the head before
the first is 32 zero bytes. The body is canonical JSON with a random salt, so that the digest that
remains when retention has blanked a body does not let anybody try out what it said. Whoever holds
a head from yesterday can tell whether today's log still contains it.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import struct
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from store.db import WRITERS_LOCK
from store.journal_models import Look
from store.parts import JOURNAL

if TYPE_CHECKING:
    from collections.abc import Iterator

SOME_AT_ONCE = {"yield_per": 10_000}
MOST_LINES = 1_000  # on a page
WEEDED = "log-weeded"  # what the entry says that lets older bodies be blank
ANCHOR_BEGUN = "log-anchor-begun"  # what the entry says when a log got a new anchor
UNTIL = "until"  # what such a weeding reached: everything earlier
_SALT_BYTES = 16
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """One look: who saw what, why, and what came of it."""

    at: datetime
    who: str
    role: str
    what: str  # a slug: a route, a collection, a command
    purpose: str
    asked: dict[str, Any]  # the filter; slugs, ids, dates and numbers only
    rows: int | None
    outcome: str  # given, refused, failed


@dataclass(frozen=True, slots=True)
class Link:
    """A point of the chain: how many entries there were, and the head then."""

    seq: int
    head: bytes


START = Link(0, bytes(32))


@dataclass(frozen=True, slots=True)
class Line:
    """An entry as it is stored."""

    seq: int
    at: datetime
    body: str | None  # None when retention has blanked it
    digest: bytes
    head: bytes

    @property
    def entry(self) -> Entry | None:
        """Read the body; None when it is blank, or not ours."""
        try:
            return None if self.body is None else _read(self.body)
        except (ValueError, TypeError, KeyError, RecursionError):
            return None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries; None is all."""

    who: str | None = None
    what: str | None = None
    since: datetime | None = None
    until: datetime | None = None  # exclusive


class Fault(Enum):
    """What is wrong with a log; the values are message codes."""

    GAP = "log-gap"  # entries before this one are missing
    EDITED = "log-edited"  # the entry does not say what it said
    MOVED = "log-moved"  # the entry does not follow on the one before it
    BLANKED = "log-blanked"  # a body is gone that no recorded weeding took
    CUT = "log-cut"  # the anchor knows later entries
    REPLACED = "log-replaced"  # a sound chain, but not the anchor's
    ANCHOR_GONE = "log-anchor-gone"  # there are entries and no anchor
    ANCHOR_BROKEN = "log-anchor-broken"  # the anchor cannot be read


@dataclass(frozen=True, slots=True)
class Broken:
    """The first entry that is not as it was written."""

    seq: int
    fault: Fault


@dataclass(frozen=True, slots=True)
class Verification:
    """What a walk along the whole chain found."""

    end: Link  # the last entry that was looked at
    weeded: int  # entries that retention has blanked
    clock_back_at: int | None  # the first entry older than the one before it: no tampering
    anchor_begun_at: tuple[int, ...]  # where a new anchor was begun
    broken: Broken | None


def append(connection: sa.Connection, entry: Entry) -> Link:
    """Add an entry at the end of the chain; needs `Store.write()`.

    A GeoPackage's writers stand in line already. PostgreSQL's do so here, in a line of the
    journal's own, so that nobody waits for an import.
    """
    if connection.dialect.name == "postgresql":
        lock = WRITERS_LOCK + JOURNAL.number
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({lock})")
    last = end(connection)
    body = _written(entry)
    seq, digest = last.seq + 1, hashlib.sha256(body.encode()).digest()
    head = _head(last.head, seq, entry.at, digest)
    values = {"at": entry.at, "who": entry.who, "what": entry.what, "body": body}
    connection.execute(sa.insert(Look), {"seq": seq, "digest": digest, "head": head, **values})
    return Link(seq, head)


def end(connection: sa.Connection) -> Link:
    """Give the end of the chain."""
    query = sa.select(Look.seq, Look.head).order_by(Look.seq.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return START if row is None else Link(*row)


def holds(connection: sa.Connection, link: Link) -> bool:
    """Tell whether the chain went through a point."""
    if link.seq == 0:
        return link == START
    found = connection.scalar(sa.select(Look.head).where(Look.seq == link.seq))
    return found == link.head


def page(
    connection: sa.Connection, wanted: Wanted, before: int | None = None, most: int = 100
) -> list[Line]:
    """Read some entries, newest first; `before` is the last number of the page before."""
    query = _chosen(wanted).order_by(Look.seq.desc()).limit(min(most, MOST_LINES))
    if before is not None:
        query = query.where(Look.seq < before)
    return [Line(*row) for row in connection.execute(query)]


def count(connection: sa.Connection, wanted: Wanted) -> int:
    """Count the entries."""
    query = sa.select(sa.func.count()).select_from(_chosen(wanted).subquery())
    return connection.scalar(query) or 0


def lines(connection: sa.Connection, wanted: Wanted, last: int) -> Iterator[Line]:
    """Read the entries up to `last`, oldest first, without holding them all."""
    query = _chosen(wanted).where(Look.seq <= last).order_by(Look.seq)
    with connection.execute(query, execution_options=SOME_AT_ONCE) as result:
        for row in result:
            yield Line(*row)


def older(connection: sa.Connection, until: datetime) -> int:
    """Count the entries that a weeding would blank."""
    query = sa.select(sa.func.count()).where(Look.at < until, Look.body.is_not(None))
    return connection.scalar(query) or 0


def weed(connection: sa.Connection, until: datetime, first: int, last: int) -> int:
    """Blank the bodies of the entries from `first` to before `last` that are older than `until`.

    An entry `WEEDED` must stand in the chain at `last` or later, or `verify` calls it tampering.
    The triggers let only this kind of change pass; digest, time and head stay for ever.
    """
    change = sa.update(Look).values(body=None, who=None, what=None)
    condition = (Look.seq >= first, Look.seq < last, Look.at < until, Look.body.is_not(None))
    return connection.execute(change.where(*condition)).rowcount


def verify(connection: sa.Connection, anchor: Link | None) -> Verification:
    """Walk along the whole chain to the first entry that is not as it was written.

    Parameters
    ----------
    connection
        Opened after the anchor was read, so that the chain has what the anchor knows.
    anchor
        What was kept outside the database; without it entries may be missing at the end.
    """
    walk = _Walk(anchor)
    query = sa.select(Look.seq, Look.at, Look.body, Look.digest, Look.head, Look.who, Look.what)
    query = query.order_by(Look.seq)
    with connection.execute(query, execution_options=SOME_AT_ONCE) as result:
        for row in result:
            line = Line(row.seq, row.at, row.body, row.digest, row.head)
            fault = walk.step(line, row.who, row.what)
            if fault is not None:
                return walk.found(Broken(line.seq, fault))
    return walk.found(walk.fault_at_end())


class _Walk:
    """What a walk along the chain has to remember."""

    def __init__(self, anchor: Link | None) -> None:
        self.anchor = anchor or START
        self.anchored_head = START.head if self.anchor.seq == 0 else b""  # the chain's, there
        self.end = START
        self.at: datetime | None = None
        self.weeded = 0
        self.clock_back_at: int | None = None
        self.anchor_begun_at: list[int] = []
        # The youngest blank body that no weeding has explained yet. It suffices: a weeding that
        # explains it explains the older ones too.
        self.blank: tuple[datetime, int] | None = None

    def step(self, line: Line, who: str | None, what: str | None) -> Fault | None:
        """Take in the next entry; say what is wrong with it."""
        if line.seq != self.end.seq + 1:
            return Fault.GAP
        if line.body is None:
            if (who, what) != (None, None):
                return Fault.EDITED
            self.weeded += 1
            self.blank = max(self.blank or (line.at, line.seq), (line.at, line.seq))
        elif not self._reads(line, who, what):
            return Fault.EDITED
        if line.head != _head(self.end.head, line.seq, line.at, line.digest):
            return Fault.MOVED
        if self.at is not None and line.at < self.at and self.clock_back_at is None:
            self.clock_back_at = line.seq
        self.at, self.end = line.at, Link(line.seq, line.head)
        if line.seq == self.anchor.seq:
            self.anchored_head = line.head
        return None

    def _reads(self, line: Line, who: str | None, what: str | None) -> bool:
        """Tell whether a body is the one that was written; note what it says of the log itself."""
        entry, body = line.entry, line.body or ""
        if entry is None or hashlib.sha256(body.encode()).digest() != line.digest:
            return False
        if (entry.at, entry.who, entry.what) != (line.at, who, what):
            return False
        if entry.what == ANCHOR_BEGUN:
            self.anchor_begun_at.append(line.seq)
        if self.blank is not None and self.blank[0] < _weeded_until(entry):
            self.blank = None
        return True

    def fault_at_end(self) -> Broken | None:
        """Say what only the whole chain shows."""
        if self.blank is not None:
            return Broken(self.blank[1], Fault.BLANKED)
        if self.end.seq < self.anchor.seq:
            return Broken(self.end.seq + 1, Fault.CUT)
        if self.anchored_head != self.anchor.head:
            return Broken(self.anchor.seq, Fault.REPLACED)
        return None

    def found(self, broken: Broken | None) -> Verification:
        """Sum up."""
        begun = tuple(self.anchor_begun_at)
        return Verification(self.end, self.weeded, self.clock_back_at, begun, broken)


def canonical(value: object) -> str:
    """Write JSON in the one way that a digest can rest on."""
    return json.dumps(
        value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    )


def _written(entry: Entry) -> str:
    values = {**asdict(entry), "at": instant(entry.at), "salt": secrets.token_hex(_SALT_BYTES)}
    return canonical(values)


def _read(body: str) -> Entry:
    values = json.loads(body)
    at = datetime.fromisoformat(values["at"])
    return Entry(at=at, **{name: values[name] for name in Entry.__slots__ if name != "at"})


def instant(at: datetime) -> str:
    """Write an instant to the second, as bodies hold it."""
    return at.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _weeded_until(entry: Entry) -> datetime:
    """Say up to when an entry lets bodies be blank; nobody weeds what is yet to come."""
    if entry.what != WEEDED:
        return _NEVER
    try:
        return min(datetime.fromisoformat(entry.asked[UNTIL]), entry.at)
    except (ValueError, TypeError, KeyError):
        return _NEVER


def _head(before: bytes, seq: int, at: datetime, digest: bytes) -> bytes:
    place = struct.pack(">qq", seq, int(at.timestamp()))
    return hashlib.sha256(before + place + digest).digest()


def _chosen(wanted: Wanted) -> sa.Select[int, datetime, str | None, bytes, bytes]:
    query = sa.select(Look.seq, Look.at, Look.body, Look.digest, Look.head)
    if wanted.who is not None:
        query = query.where(Look.who == wanted.who)
    if wanted.what is not None:
        query = query.where(Look.what == wanted.what)
    if wanted.since is not None:
        query = query.where(Look.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(Look.at < wanted.until)
    return query
