"""Answers kept as bytes, so that the second reader of a published layer does not wait.

Only layers of a run and of a release are kept: neither ever changes, and which one it was is part
of the key. So is the role, always: an answer made for one role must never reach another.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Lock

MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """A body and the name of exactly this body."""

    body: bytes
    etag: str
    rows: int  # how many features it holds

    @classmethod
    def of(cls, body: bytes, rows: int) -> Answer:
        """Name a body by what it holds."""
        return cls(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"', rows)


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


class AnswerCache:
    """Least recently used answers up to a number of bytes; safe between threads."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Start empty."""
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[AnswerKey, Answer] = OrderedDict()
        self._lock = Lock()

    def answer(self, key: AnswerKey, make: Callable[[], Answer]) -> Answer:
        """Give the kept answer, or make and keep it.

        Two readers may make the same answer at once; that costs time and harms nothing, while
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

    def _keep(self, key: AnswerKey, made: Answer) -> None:
        replaced = self._kept.pop(key, None)
        if replaced is not None:
            self._bytes -= len(replaced.body)
        if len(made.body) > self._most_bytes // 4:
            return
        self._kept[key] = made
        self._bytes += len(made.body)
        while self._bytes > self._most_bytes:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= len(dropped.body)
