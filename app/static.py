"""Scripts, styles and pictures: files that anybody may have, kept in memory and sent compressed.

Pages ask for them below a name made of their contents (`Static.address`), so that a browser keeps
them until an upgrade gives them another. Modules name each other by where they lie, and follow.
"""

from __future__ import annotations

import os
import re
import stat
from functools import cached_property
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path
from threading import Lock

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app import kept
from app.kept import Answer

ROOT = "/static"
READ = frozenset({"GET", "HEAD"})
# Other kinds are compressed already.
PACKED = ("text/", "application/javascript", "application/json", "image/svg+xml")
ASK_AGAIN = "no-cache"  # an upgrade is seen at once
KEEP = "public, max-age=31536000, immutable"  # under this address nothing else will ever stand
_EDITION = re.compile(r"^~([0-9a-f]+)/")


class Static(StaticFiles):
    """The files of a folder; one that has changed on the disk is read again."""

    def __init__(self, directory: Path) -> None:
        """Read nothing yet."""
        super().__init__(directory=directory)
        self._lock = Lock()
        self._kept: dict[str, tuple[tuple[int, int], Answer]] = {}

    @cached_property
    def edition(self) -> str:
        """Name what all files held at the start."""
        found = sha256()
        folder = Path(str(self.directory))
        for file in sorted(each for each in folder.rglob("*") if each.is_file()):
            found.update(f"{file.relative_to(folder)}\0{file.stat().st_size}\0".encode())
            found.update(file.read_bytes())
        return found.hexdigest()[:12]

    @property
    def address(self) -> str:
        """Give the path that pages ask below."""
        return f"{ROOT}/~{self.edition}"

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Give a file, or 304 to a browser that has exactly this one."""
        asked_for = _EDITION.match(path)
        keep = KEEP if asked_for and asked_for[1] == self.edition else ASK_AGAIN
        try:
            # On a disk beside us: no need of a thread.
            file, found = self.lookup_path(_EDITION.sub("", path))
        except (OSError, ValueError):
            found = None
        if found is None or not stat.S_ISREG(found.st_mode) or scope["method"] not in READ:
            return await super().get_response(path, scope)
        asked = {name: value.decode("latin-1") for name, value in scope["headers"]}
        sent = self._answer(file, found).sent(asked.get(b"accept-encoding", ""))
        headers = {"ETag": sent.etag, "Cache-Control": keep, "Vary": "Accept-Encoding"}
        if kept.holds(asked.get(b"if-none-match", ""), sent.etag):
            return Response(status_code=304, headers=headers)
        if sent.encoding:
            headers["Content-Encoding"] = sent.encoding
        return Response(sent.body, headers=headers, media_type=_kind(file))

    def read_all(self) -> None:
        """Read every file, so that nobody waits for the first."""
        for file in Path(str(self.directory)).rglob("*"):
            if file.is_file():
                self._answer(str(file), file.stat())

    def _answer(self, file: str, found: os.stat_result) -> Answer:
        """Give a file as it is on the disk now."""
        version = found.st_mtime_ns, found.st_size
        with self._lock:
            held = self._kept.get(file)
        if held is not None and held[0] == version:
            return held[1]
        body = Path(file).read_bytes()
        make = Answer.to_keep if _kind(file).startswith(PACKED) else Answer.of
        answer = make(body, 0)
        with self._lock:
            self._kept[file] = version, answer
        return answer


def _kind(file: str) -> str:
    return guess_type(file)[0] or "application/octet-stream"
