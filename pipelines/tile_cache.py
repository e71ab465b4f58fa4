"""Tiles kept in memory, the least recently used ones dropped."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_BYTES = 32 * 1024 * 1024
_OWN = 200  # bytes that a kept tile costs beside its body


class TileCache:
    """Bodies by zoom, row and column, up to a number of bytes; safe between threads."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Start empty."""
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[tuple[int, int, int], bytes] = OrderedDict()
        self._lock = Lock()

    def body(self, tile: tuple[int, int, int], make: Callable[[], bytes]) -> bytes:
        """Give the kept body, or make and keep it; two readers may make the same one at once."""
        with self._lock:
            found = self._kept.get(tile)
            if found is not None:
                self._kept.move_to_end(tile)
                return found
        made = make()
        with self._lock:
            if tile not in self._kept:
                self._kept[tile] = made
                self._bytes += len(made) + _OWN
            while self._bytes > self._most_bytes:
                _, dropped = self._kept.popitem(last=False)
                self._bytes -= len(dropped) + _OWN
        return made
