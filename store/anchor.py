"""The anchor of the log: its end as a small file outside the database.

It is moved forward after each commit, so it is never ahead of the log: after a crash it may lag
behind, which is harmless, and an end that was cut off shows in that the anchor knows more. The
file has one fixed length and is written in place under a lock; nothing can tear it in half.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from geo.errors import StoreUnavailable, UnreadableFile
from store.journal import Link

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE = re.compile(rb"([0-9]{20}) ([0-9a-f]{64})\n")
_LENGTH = 86  # of that line


def read(path: Path) -> Link | None:
    """Read an anchor; None when there is none.

    Raises
    ------
    UnreadableFile
        The file is something else.
    StoreUnavailable
        The system does not let us read it.
    """
    with _reachable(path):
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH)
                return _parsed(file.read(_LENGTH + 1), path)
        except FileNotFoundError:
            return None


def begin(path: Path, link: Link) -> None:
    """Make a new anchor, whole or not at all; its folder must be there.

    A folder that is made by itself would hide that the anchor's own disk is not mounted.
    """
    with _reachable(path):
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".lagesbild-")  # its owner's only
        with os.fdopen(handle, "wb") as file:
            file.write(_line(link))
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)


def advance(path: Path, link: Link) -> None:
    """Move an anchor forward; somebody who is already further on is left there."""
    with _reachable(path), path.open("r+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if _parsed(file.read(_LENGTH + 1), path).seq < link.seq:
            file.seek(0)
            file.write(_line(link))


@contextmanager
def _reachable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise StoreUnavailable("log-anchor-unwritable", file=path.name) from fault


def _line(link: Link) -> bytes:
    return f"{link.seq:020} {link.head.hex()}\n".encode()


def _parsed(text: bytes, path: Path) -> Link:
    found = LINE.fullmatch(text)
    if found is None:
        raise UnreadableFile("log-anchor-unreadable", file=path.name)
    return Link(int(found[1]), bytes.fromhex(found[2].decode()))
