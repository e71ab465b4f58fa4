"""The one way to ask another host: one request, no redirect, no proxy, bounded in time and size."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping


class Unanswered(Exception):
    """No answer came; `late` tells whether the time was over."""

    def __init__(self, *, late: bool) -> None:
        """Keep whether it was late; nothing of the question."""
        super().__init__("late" if late else "unreachable")
        self.late = late


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes  # one byte more than was allowed means that it is too large
    media_type: str


def ask(url: str, headers: Mapping[str, str], *, seconds: float, most_bytes: int) -> Answer:
    """Get a URL.

    Parameters
    ----------
    url
        http or https, with everything in it.
    headers
        What is sent beside the host.
    seconds
        After so long the line is cut, however slowly the other side drips.
    most_bytes
        Of the body; one more is read, so that the caller sees that there is more.

    Raises
    ------
    Unanswered
        Nobody is there, or it took too long.
    """
    started = time.monotonic()
    parts = urlsplit(url)
    opened = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = opened(parts.hostname or "", parts.port, timeout=seconds)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path or "/"
    try:
        connection.connect()
        left = seconds - (time.monotonic() - started)
        answer = _exchange(connection, target, headers, (left, most_bytes))
    except (OSError, HTTPException) as fault:
        late = isinstance(fault, TimeoutError) or time.monotonic() - started >= seconds
        raise Unanswered(late=late) from fault
    finally:
        connection.close()
    if time.monotonic() - started >= seconds:
        raise Unanswered(late=True)
    return answer


def _exchange(
    connection: HTTPConnection,
    target: str,
    headers: Mapping[str, str],
    limits: tuple[float, int],
) -> Answer:
    """Ask and read, hanging up when the time is over.

    A socket's own limit is not enough: it starts anew with each byte of a server that drips.
    """
    seconds, most_bytes = limits
    alarm = threading.Timer(seconds, _hang_up, [connection.sock])
    alarm.daemon = True
    alarm.start()
    try:
        connection.request("GET", target, headers=dict(headers))
        with connection.getresponse() as response:
            media_type = response.headers.get_content_type()
            return Answer(response.status, response.read(most_bytes + 1), media_type)
    finally:
        alarm.cancel()


def _hang_up(line: socket.socket) -> None:
    # The other side may have been quicker.
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
