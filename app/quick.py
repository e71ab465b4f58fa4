"""Answers given again before the application is asked, while nothing they rest on has changed.

The whole way of a request (cookie, session, account, role, run, release, answer) takes
milliseconds, and mostly finds what it found for the same reader a moment ago. The outermost layer
remembers two things from it: that a cookie or key was good, and what it was answered. Both are
forgotten as soon as anything is committed to the parts that they were read from, by whatever
process: the next request goes the whole way again. Where the store does not tell of commits
(PostgreSQL) they are forgotten after `BLIND`, and at once when this process has taken a form.

Nothing is shared between cookies, only a finished answer is ever remembered, and answers whose
every read is written in the log never are ([ADR 23](../docs/adr/0023-answers-given-again.md)).
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from threading import Lock
from time import perf_counter

from fastapi import Request
from fastapi.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import kept, logs
from app.access import Reader
from app.headers import HEADERS
from app.kept import Answer
from app.origin import SAFE_METHODS
from store.changes import Changes, Mark
from store.installation import Installation

BEGINS = "/ogc/collections/"
BLIND = timedelta(seconds=1)  # how long a store that tells nothing is believed
MOST_BYTES = 64 * 1024 * 1024
MOST_READERS = 10_000
KEEP = "private, no-cache"  # may be kept by the reader's own browser, asked again every time
VARIES = "Cookie, X-API-Key, Accept-Encoding"
_OFFER = "offer"
_WHO = frozenset({b"cookie", b"x-api-key"})
_HOW = frozenset({b"host", b"accept-encoding"})
_BODIES = frozenset({b"content-length", b"transfer-encoding"})
_ASKS = b"if-none-match"
_SECRET = secrets.token_bytes(32)

_Headers = list[tuple[bytes, bytes]]
_Marks = tuple[int, Mark, Mark, Mark]


@dataclass(frozen=True, slots=True)
class Offer:
    """A finished answer that may be given again to the same reader."""

    status: int
    body: bytes
    etag: str
    headers: _Headers  # of the answer
    unchanged: _Headers  # of 304
    route: str
    until: datetime | None  # when it must be looked at again whatever happens; None: never


def give(
    request: Request, reader: Reader, answer: Answer, headers: Mapping[str, str], status: int = 200
) -> Response:
    """Answer with a layer, or 304 to a browser that holds exactly this form of it.

    The same is offered to `Quick`, to be given again.
    """
    sent = answer.sent(request.headers.get("accept-encoding", ""))
    fresh = {"ETag": sent.etag, "Cache-Control": KEEP, "Vary": VARIES}
    full = dict(headers) | fresh
    if sent.encoding:
        full["Content-Encoding"] = sent.encoding
    request.scope["state"][_OFFER] = Offer(
        status=status,
        body=sent.body,
        etag=sent.etag,
        headers=_raw(full if status == 204 else full | {"Content-Length": str(len(sent.body))}),  # noqa: PLR2004 - no content
        unchanged=_raw(fresh),
        route=request.scope["route"].path,
        until=reader.until,
    )
    if kept.holds(request.headers.get("if-none-match", ""), sent.etag):
        return Response(status_code=304, headers=fresh)
    return Response(sent.body, status, headers=full)


def _raw(headers: Mapping[str, str]) -> _Headers:
    """Write headers as they are sent, with those of every answer."""
    every = dict(headers) | HEADERS
    return [(name.lower().encode(), value.encode()) for name, value in every.items()]


@dataclass(frozen=True, slots=True)
class Asked:
    """What tells one request from another."""

    who: bytes  # digest of cookie and key
    what: bytes  # digest of these and of everything else that an answer depends on
    known: str  # what the reader says to hold already


def asked(scope: Scope) -> Asked | None:
    """Read what a request asks; None where it is not one that can be answered from memory."""
    path: bytes | None = scope.get("raw_path")
    if path is None or not path.startswith(BEGINS.encode()):
        return None
    who: list[bytes] = []
    how: list[bytes] = []
    known = b""
    for name, value in scope["headers"]:
        if name in _WHO:
            who += (name, value)
        elif name in _HOW:
            how += (name, value)
        elif name == _ASKS:
            known = known + b"," + value if known else value
        elif name in _BODIES:
            return None
    base = (scope["scheme"].encode(), scope.get("root_path", "").encode(), path)
    of_reader = _digest(who)
    return Asked(
        of_reader, _digest([of_reader, *base, scope["query_string"], *how]), known.decode("latin-1")
    )


def _digest(parts: list[bytes]) -> bytes:
    """Name parts without keeping them; no header and no address holds a line's end."""
    return hashlib.blake2b(b"\n".join(parts), digest_size=24, key=_SECRET).digest()


class Memory:
    """What was answered to whom, as long as it holds; safe between threads."""

    def __init__(self, installation: Installation, most_bytes: int = MOST_BYTES) -> None:
        """Start empty."""
        self._main = Changes(installation.main)
        self._release = Changes(installation.release)
        self._journal = Changes(installation.journal)
        self.tells = self._main.told
        self._most_bytes = most_bytes
        self._bytes = 0
        self._lock = Lock()
        self._forgotten = 0
        self._readers: OrderedDict[bytes, datetime | None] = OrderedDict()
        self._offers: OrderedDict[bytes, Offer] = OrderedDict()
        self._seen = self.marks()

    def marks(self) -> _Marks:
        """Tell where things stand: differs when anything has changed."""
        return self._forgotten, self._main.mark(), self._release.mark(), self._journal.mark()

    def find(self, question: Asked, now: datetime) -> Offer | None:
        """Give what was answered to exactly this reader and question, if it surely still holds."""
        marks = self.marks()
        with self._lock:
            if marks != self._seen:
                self._moved(marks)
            if not _lasts(self._readers.get(question.who, now), now):
                return None
            found = self._offers.get(question.what)
            if found is None or not _lasts(found.until, now):
                return None
            self._offers.move_to_end(question.what)
            return found

    def knew(self, question: Asked) -> bool:
        """Tell whether there is an answer that has run out, or waits for its reader."""
        with self._lock:
            return question.what in self._offers

    def keep(self, question: Asked, offer: Offer, before: _Marks, now: datetime) -> None:
        """Remember an answer, unless something has changed since `before` it was made."""
        if not _lasts(offer.until, now):
            return
        if not self.tells:
            until = now + BLIND
            offer = replace(offer, until=until if offer.until is None else min(until, offer.until))
        if _weight(offer) > self._most_bytes // 4:
            return
        with self._lock:
            if before != self._seen:
                return  # if nobody has noticed yet, the next `find` does
            self._readers[question.who] = offer.until
            self._readers.move_to_end(question.who)
            if len(self._readers) > MOST_READERS:
                self._readers.popitem(last=False)
            self._drop(question.what)
            self._offers[question.what] = offer
            self._bytes += _weight(offer)
            while self._bytes > self._most_bytes:
                self._drop(next(iter(self._offers)))

    def forget(self) -> None:
        """Forget everything, also what is being made just now."""
        with self._lock:
            self._forgotten += 1

    def close(self) -> None:
        """Let the files go."""
        for each in (self._main, self._release, self._journal):
            each.close()

    def _moved(self, marks: _Marks) -> None:
        """Forget who was good; and all answers, unless the journal alone has changed."""
        self._readers.clear()
        if marks[:3] != self._seen[:3]:
            self._offers.clear()
            self._bytes = 0
        self._seen = marks

    def _drop(self, what: bytes) -> None:
        dropped = self._offers.pop(what, None)
        if dropped is not None:
            self._bytes -= _weight(dropped)


def _lasts(until: datetime | None, now: datetime) -> bool:
    return until is None or until > now


def _weight(offer: Offer) -> int:
    return len(offer.body) + kept.OWN_BYTES


class Quick:
    """Gives answers from memory, and remembers those that the application makes."""

    def __init__(self, app: ASGIApp, memory: Memory, now: Callable[[], datetime]) -> None:
        """Wrap `app`."""
        self._app, self._memory, self._now = app, memory, now
        self._making: dict[bytes, asyncio.Future[None]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from memory, or pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["method"] not in SAFE_METHODS:
            await self._app(scope, receive, send if self._memory.tells else self._forgetting(send))
        else:
            question = asked(scope) if scope["method"] == "GET" else None
            await self._answer(question, scope, receive, send)

    async def _answer(
        self, question: Asked | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if question is None:
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        found = self._memory.find(question, self._now())
        if found is None and await self._waited(question):
            found = self._memory.find(question, self._now())
        if found is not None:
            await _again(found, question.known, began, send)
            return
        with self._asking(question):
            before = self._memory.marks()
            await self._app(scope, receive, send)
            offer = scope.get("state", {}).get(_OFFER)
            if offer is not None:
                self._memory.keep(question, offer, before, self._now())

    async def _waited(self, question: Asked) -> bool:
        """Wait while the same reader's same question is on its way; tell whether it was."""
        making = self._making.get(question.what)
        if making is None or making.get_loop() is not asyncio.get_running_loop():
            return False
        await asyncio.shield(making)
        return True

    @contextmanager
    def _asking(self, question: Asked) -> Iterator[None]:
        """Let a reader's other requests for the same wait.

        Else all of them would take the whole way at once whenever something is forgotten. Only
        what was answered before is waited for: of all else nobody knows whether it may be given
        again.
        """
        if question.what in self._making or not self._memory.knew(question):
            yield
            return
        making = asyncio.get_running_loop().create_future()
        self._making[question.what] = making
        try:
            yield
        finally:
            del self._making[question.what]
            making.set_result(None)

    def _forgetting(self, send: Send) -> Send:
        """Forget everything before anybody hears that a form was taken.

        One that is refused changes nothing: else whoever sends forms, signed in or not, could
        keep everybody else's answers from being remembered.
        """

        async def last(message: Message) -> None:
            if (
                message["type"] == "http.response.start"
                and message["status"] < HTTPStatus.BAD_REQUEST
            ):
                self._memory.forget()
            await send(message)

        return last


async def _again(offer: Offer, known: str, began: float, send: Send) -> None:
    """Send an answer, or 304, and write the line of the request."""
    same = bool(known) and kept.holds(known, offer.etag)
    status, headers = (304, offer.unchanged) if same else (offer.status, offer.headers)
    request_id = logs.new_id()
    named = [*headers, (b"x-request-id", request_id.encode())]
    await send({"type": "http.response.start", "status": status, "headers": named})
    await send({"type": "http.response.body", "body": b"" if same else offer.body})
    logs.note(request_id, "GET", offer.route, status, began)
