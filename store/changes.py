"""Whether anything has been committed to a part since somebody last asked.

SQLite counts the commits of all other connections, of this process and of every other one, and
tells the count in microseconds (``PRAGMA data_version``). PostgreSQL has nothing of the kind.
"""

from __future__ import annotations

import sqlite3
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.db import Store

Mark = tuple[int, int]
_ASK = "PRAGMA data_version"


class Changes:
    """Watches one part through a connection of its own, which never writes; safe between threads.

    The connection neither waits for a lock nor holds one between two questions.
    """

    def __init__(self, store: Store) -> None:
        """Open nothing yet."""
        self._file = store.engine.url.database if store.is_geopackage else None
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._failures = 0

    @property
    def told(self) -> bool:
        """Tell whether this kind of store says that something has changed."""
        return self._file is not None

    def mark(self) -> Mark:
        """Give a value that differs after every commit; always the same one where none is told.

        A file that cannot be asked just now counts as changed.
        """
        if self._file is None:
            return 0, 0
        with self._lock:
            try:
                return self._failures, self._asked(self._file)
            except sqlite3.Error:
                self._let_go()
                self._failures += 1
                return self._failures, -1

    def _asked(self, file: str) -> int:
        if self._connection is None:
            self._connection = sqlite3.connect(
                file, timeout=0, isolation_level=None, check_same_thread=False
            )
        answer = self._connection.execute(_ASK).fetchall()  # to its end, so that no lock is held
        return int(answer[0][0])

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
