"""One JSON line per request, and nothing in it that could point at a person or a place.

Method, route template, status and milliseconds: never a path with values, a query string, a
user's text or an exception's message (it may quote a row).
"""

from __future__ import annotations

import logging
import sys
import traceback
import uuid
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import orjson
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.problems import crash

log = logging.getLogger("lagesbild.http")
ROOT = Path(__file__).parents[1]
FIELDS = ("request_id", "method", "route", "status", "ms", "fault", "frames")


class JsonLines(logging.Formatter):
    """A log record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Write time, level, logger, event and the known extra fields."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        known = record.__dict__
        line |= {name: known[name] for name in FIELDS if name in known}
        return orjson.dumps(line).decode()


class StandardError(logging.Handler):
    """Writes to what standard error is at that moment, not at the start."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line at once, so that lines of several threads do not mix."""
        sys.stderr.write(f"{self.format(record)}\n")


def install() -> None:
    """Send our log lines to standard error as JSON and silence the server's own access log.

    Uvicorn's access log writes whole query strings, and those hold places.
    """
    root = logging.getLogger("lagesbild")
    if not root.handlers:
        handler = StandardError()
        handler.setFormatter(JsonLines())
        root.addHandler(handler)
    root.setLevel(logging.INFO)
    root.propagate = False
    # Nobody writes threads and processes, and finding them out costs more than all the rest.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    access = logging.getLogger("uvicorn.access")
    access.disabled = True
    access.propagate = False
    access.handlers.clear()  # a server that sees no handler does not put the line together


def new_id() -> str:
    """Name a request."""
    return uuid.uuid4().hex


def note(request_id: str, method: str, route: str, status: int, began: float) -> None:
    """Write a request's line; `began` is what `time.perf_counter` said."""
    if not log.isEnabledFor(logging.INFO):
        return
    said = {
        "name": log.name,
        "levelno": logging.INFO,
        "levelname": "INFO",
        "msg": "request",
        "request_id": request_id,
        "method": method,
        "route": route,
        "status": status,
        "ms": round((perf_counter() - began) * 1000, 1),
    }
    log.handle(logging.makeLogRecord(said))  # `log.info` would look for the line of code it is on


class RequestLog:
    """Names, times and logs each request; turns a bug into an answer that says nothing."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and write its line."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, began, status = new_id(), perf_counter(), 0
        scope.setdefault("state", {})["request_id"] = request_id

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, named)
        except Exception as fault:  # noqa: BLE001 - the last line of defence; it is logged
            log.error("bug", extra=_described(fault) | {"request_id": request_id})  # noqa: TRY400 - the traceback's message may quote a row
            if status == 0:
                await crash(Request(scope))(scope, receive, named)
        route = getattr(scope.get("route"), "path", "unmatched")
        note(request_id, scope["method"], route, status, began)


def _described(fault: Exception) -> dict[str, object]:
    """Tell where a bug sits without quoting the values it met."""
    ours = [
        f"{Path(frame.filename).relative_to(ROOT)}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(fault.__traceback__)
        if Path(frame.filename).is_relative_to(ROOT) and "site-packages" not in frame.filename
    ]
    return {"fault": type(fault).__name__, "frames": ours}
