"""Requests that change something must come from our own pages, and stay small."""

from __future__ import annotations

import re
from contextlib import suppress
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.faults import BodyTooLarge, NotAllowed
from app.problems import answer
from app.services import services
from geo.errors import LagesbildError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MOST_BODY_BYTES = 16 * 1024  # forms are the only bodies
# A path of our own: one slash, then no slash or backslash, and nothing a browser would strip.
_OWN_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")


class OwnPagesOnly:
    """Stops forged requests (CSRF) and oversized bodies before any route sees them.

    A browser always sends ``Sec-Fetch-Site`` or ``Origin`` with a cross-site POST, and a page
    cannot forge either; a program that sends neither carries no victim's cookie.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let safe methods pass; check the others."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        if scope["method"] in SAFE_METHODS:
            unread = _has_body(request.headers)
            await self._app(scope, receive, _hanging_up(send) if unread else send)
            return
        if not from_own_page(request.headers):
            await run_in_threadpool(_note, request)
            refusal = answer(request, NotAllowed("foreign-origin"))
            await refusal(scope, receive, _hanging_up(send))
            return
        body = await _read(receive)
        if body is None:
            refusal = answer(request, BodyTooLarge("body-too-large", most=MOST_BODY_BYTES))
            await refusal(scope, receive, _hanging_up(send))
            return
        await self._app(scope, _replay(body, receive), send)


def from_own_page(headers: Headers) -> bool:
    """Tell whether a request was made by one of our own pages, or by no page at all."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = headers.get("origin")
    try:
        return origin is None or urlsplit(origin).netloc == headers.get("host", "")
    except ValueError:  # what is no address is not ours
        return False


def own_path(target: str) -> str:
    """Keep a target only when it leads to one of our own pages (no open redirect)."""
    return target if _OWN_PATH.fullmatch(target) else "/"


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _hanging_up(send: Send) -> Send:
    """End the connection with the answer; otherwise the server reads a body that nobody wants."""

    async def last(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["Connection"] = "close"
        await send(message)

    return last


def _note(request: Request) -> None:
    """Write into the log that another site's page was refused, only so often from one address.

    Whose browser it was is not looked up: nothing of it is done.
    """
    parts = services(request)
    asked = {"method": request.method, "why": "foreign-origin"}
    with suppress(LagesbildError):  # it is refused, whether or not it can be noted
        parts.attempts.take(("refused", request.client.host if request.client else ""))
        parts.log.note("", "", "refused", "sign-in", asked=asked, outcome="refused")


async def _read(receive: Receive) -> bytes | None:
    """Read the whole body; `None` when it is larger than allowed or broken off."""
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > MOST_BODY_BYTES:
            return None
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Give a body that has been read to the next reader."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay
