"""Background pictures from the one map service that is configured, fetched by the server.

The key stays here: the browser asks this server, and nothing that is logged or shown holds the
service's address with the key in it.
"""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass
from http import HTTPStatus
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from geo import tile_grid
from geo.errors import InvalidParameter, LagesbildError, NotFound
from pipelines import outside
from pipelines.outside import Unanswered
from pipelines.tile_cache import TileCache

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import SecretStr

    from geo.tile_grid import Box
    from geo.tiles import Pyramid

PLACES: Final = ("{z}", "{x}", "{y}")
KEY: Final = "{key}"
SECONDS: Final = 8.0
WAIT_S: Final = 2.0  # for a free line
AT_ONCE: Final = 6
MOST_FAILURES: Final = 4  # in a row, then the service is left alone
PAUSE_S: Final = 30.0
LARGEST: Final = 2_000_000  # bytes of one picture
ASIDE: Final = 0.5  # of the municipality's longer side
DEEPEST: Final = 14  # of the service's levels that are asked for
PICTURES: Final = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
LOCAL: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class NoPicture(LagesbildError):
    """The map service gave no usable picture."""


@dataclass(frozen=True, slots=True)
class Service:
    """The map service: where it is, and what opens it."""

    template: str  # with {z}, {x} and {y}, and {key} where the key goes
    key: SecretStr | None
    seconds: float = SECONDS  # that one picture may take


def check(template: str, key: SecretStr | None) -> None:
    """Refuse an address that cannot be used.

    Raises
    ------
    InvalidParameter
        It is not https (or this machine), lacks a place for row and column, wants a key that is
        not there, or holds signs that no address has.
    """
    try:
        parts = urlsplit(template)
        host, secure = parts.hostname or "", parts.scheme == "https" and parts.port != 0
    except ValueError as fault:
        raise InvalidParameter("basemap-address-unusable") from fault
    usable = secure or (parts.scheme == "http" and host in LOCAL)
    if not usable or "@" in parts.netloc or re.search(r"[{}]", parts.netloc):
        raise InvalidParameter("basemap-address-unusable")
    rest = template
    for place in (*PLACES, KEY):
        rest = rest.replace(place, "")
    if any(place not in template for place in PLACES) or re.search(r"[^!-z|~]", rest):
        raise InvalidParameter("basemap-address-unusable")
    if KEY in template and key is None:
        raise InvalidParameter("basemap-key-missing")
    if key is not None and not re.fullmatch(r"[ -~]+", key.get_secret_value()):
        raise InvalidParameter("basemap-key-unusable")


class Pictures:
    """Fetches pictures, and keeps the last ones in memory only.

    A few at a time: a slow service must not hold up this server's other readers. One that fails
    again and again is left alone for a while.
    """

    def __init__(self, service: Service, clock: Callable[[], float] = time.monotonic) -> None:
        """Check the service; nothing is sent before somebody looks at a map."""
        check(service.template, service.key)
        self._service = service
        self._clock = clock
        self._kept = TileCache()
        self._lines = BoundedSemaphore(AT_ONCE)
        self._counted = Lock()
        self._failures = 0
        self._paused_until = -math.inf

    def tile(self, grid: Pyramid, around: Box, square: tuple[int, int, int]) -> bytes:
        """Give a picture of a square that touches a box in the grid's system.

        Raises
        ------
        NotFound
            There is no such square, or it lies elsewhere: the key pays for this town only.
        NoPicture
            The service is silent, refuses, or answers with something else.
        """
        zoom, row, column = square
        if not 0 <= zoom <= DEEPEST:
            raise NotFound("no-such-tile", zoom=zoom, row=row, column=column)
        try:
            frame = grid.frame(zoom, column, row)
        except InvalidParameter as fault:
            raise NotFound(fault.code, **fault.values) from fault
        west, south, east, north = around
        beside = frame.west > east or frame.west + frame.size < west
        if beside or frame.north < south or frame.north - frame.size > north:
            raise NotFound("no-such-tile", zoom=zoom, row=row, column=column)
        return self._kept.body((zoom, row, column), lambda: self._bounded(zoom, row, column))

    def _bounded(self, zoom: int, row: int, column: int) -> bytes:
        """Fetch when there is a free line, and count what fails."""
        if self._clock() < self._paused_until or not self._lines.acquire(timeout=WAIT_S):
            raise NoPicture("basemap-paused")
        try:
            body = self._fetched(zoom, row, column)
        except NoPicture:
            self._count(failed=True)
            raise
        finally:
            self._lines.release()
        self._count(failed=False)
        return body

    def _count(self, *, failed: bool) -> None:
        with self._counted:
            self._failures = self._failures + 1 if failed else 0
            if self._failures >= MOST_FAILURES:
                self._paused_until = self._clock() + PAUSE_S

    def _fetched(self, zoom: int, row: int, column: int) -> bytes:
        url, headers = self._service.template, {"Accept": ", ".join(PICTURES)}
        key = "" if self._service.key is None else self._service.key.get_secret_value()
        if key and KEY not in url:
            headers["Authorization"] = key
        for place, value in zip((*PLACES, KEY), (zoom, column, row, quote(key, "")), strict=True):
            url = url.replace(place, str(value))
        try:
            answer = outside.ask(url, headers, seconds=self._service.seconds, most_bytes=LARGEST)
        except Unanswered as fault:
            raise NoPicture("basemap-late" if fault.late else "basemap-silent") from None
        if answer.status != HTTPStatus.OK:
            raise NoPicture("basemap-refused", status=answer.status)
        begins = PICTURES.get(answer.media_type)
        if begins is None or not answer.body.startswith(begins) or len(answer.body) > LARGEST:
            raise NoPicture("basemap-no-picture")
        return answer.body


def around(box: Box) -> Box:
    """Grow the municipality's box to what a map of it shows at its edges: half as much again."""
    west, south, east, north = box
    aside = ASIDE * max(east - west, north - south)
    return west - aside, south - aside, east + aside, north + aside


def grid(epsg: int) -> Pyramid:
    """Give the squares of the service in a system that municipalities share.

    Raises
    ------
    InvalidParameter
        No service is known to have squares in this system.
    """
    if epsg not in tile_grid.SHARED:
        raise InvalidParameter("basemap-no-grid", epsg=epsg)
    return tile_grid.SHARED[epsg]


def media_type(body: bytes) -> str:
    """Tell what kind of picture a tile is."""
    return next(kind for kind, begins in PICTURES.items() if body.startswith(begins))
