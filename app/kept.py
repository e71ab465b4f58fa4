"""Answers kept as bytes, so that the second reader of a published layer does not wait.

Only what never changes is kept: layers of a run, a release, places of one revision; and which one
it was is part of the key. So is the role, always: an answer made for one role must never reach
another. A body is compressed once, when it is made.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

MOST_BYTES = 64 * 1024 * 1024
OWN_BYTES = 500  # that a kept answer takes beside its bodies
SMALLEST_PACKED = 1_000  # bytes: what fits into one packet is not worth compressing
LEVEL = 6  # of gzip; higher ones take long and give little

_Value = TypeVar("_Value")
_QUALITY = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Sent:
    """One form of an answer, as it goes over the wire."""

    body: bytes
    etag: str  # of exactly these bytes
    encoding: str  # "" for none


@dataclass(frozen=True, slots=True)
class Answer:
    """A body and the name of exactly this body."""

    body: bytes
    etag: str
    rows: int  # how many features it holds
    packed: bytes | None = None  # the body in gzip, where that is worth it

    @classmethod
    def of(cls, body: bytes, rows: int) -> Answer:
        """Name a body by what it holds."""
        return cls(body, _tag(body), rows)

    @classmethod
    def to_keep(cls, body: bytes, rows: int, moment: str = "") -> Answer:
        """Name a body that is asked for again, and compress it.

        `moment` is when it was made, as it stands in the body: what another process makes of the
        same layer at another moment has the same name.
        """
        packed = gzip.compress(body, LEVEL, mtime=0) if len(body) >= SMALLEST_PACKED else None
        lasting = body.replace(moment.encode(), b"", 1) if moment else body
        return cls(body, _tag(lasting), rows, packed)

    def sent(self, accepted: str) -> Sent:
        """Choose a form by what a request says that it accepts (``Accept-Encoding``)."""
        if self.packed is None or not takes_gzip(accepted):
            return Sent(self.body, self.etag, "")
        return Sent(self.packed, f'{self.etag[:-1]}-gzip"', "gzip")

    @property
    def weight(self) -> int:
        """Tell how many bytes of memory it takes."""
        return len(self.body) + len(self.packed or b"") + OWN_BYTES


def _tag(body: bytes) -> str:
    """Name a body; a weak name, for it may leave out when the body was made."""
    return f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'


def takes_gzip(accepted: str) -> bool:
    """Tell whether gzip may be sent, and is not wanted less than the plain body (RFC 9110)."""
    quality: dict[str, float] = {}
    for each in accepted.lower().split(","):
        name, _, more = each.partition(";")
        found = _QUALITY.fullmatch(more.strip()) if more.strip() else None
        unreadable = bool(more.strip()) and found is None
        quality[name.strip()] = 0.0 if unreadable else float(found[1]) if found else 1.0
    gzipped = quality.get("gzip", quality.get("x-gzip", quality.get("*", 0.0)))
    return gzipped > 0 and gzipped >= quality.get("identity", 0.0)


def holds(named: str, etag: str) -> bool:
    """Tell whether a request says that it has exactly this form (``If-None-Match``)."""
    tags = {each.strip().removeprefix("W/") for each in named.split(",")}
    return etag.removeprefix("W/") in tags or "*" in tags


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """Everything an answer depends on."""

    edition: str  # of what never changes: a run, or a release
    revision: int  # of profile and places
    role: str
    language: str  # of names that the answer holds
    base: str  # scheme and host, because links in the body carry them
    path: str
    query: Hashable  # canonical: two spellings of one question are one key


class Shelf(Generic[_Value]):
    """Least recently used values up to a number of bytes; safe between threads."""

    def __init__(self, weigh: Callable[[_Value], int], most_bytes: int = MOST_BYTES) -> None:
        """Start empty."""
        self._weigh = weigh
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[AnswerKey, _Value] = OrderedDict()
        self._lock = Lock()

    def answer(self, key: AnswerKey, make: Callable[[], _Value]) -> _Value:
        """Give the kept value, or make and keep it.

        Two readers may make the same one at once; that costs time and harms nothing, while
        making it under the lock would let one slow question stop every other.
        """
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        made = make()
        with self._lock:
            self._keep(key, made)
        return made

    def _keep(self, key: AnswerKey, made: _Value) -> None:
        replaced = self._kept.pop(key, None)
        if replaced is not None:
            self._bytes -= self._weigh(replaced)
        if self._weigh(made) > self._most_bytes // 4:
            return
        self._kept[key] = made
        self._bytes += self._weigh(made)
        while self._bytes > self._most_bytes:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= self._weigh(dropped)


class AnswerCache(Shelf[Answer]):
    """Kept answers."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Start empty."""
        super().__init__(lambda answer: answer.weight, most_bytes)
