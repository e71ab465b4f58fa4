"""Scripts, styles and pictures: files that anybody may have, kept in memory and sent compressed."""

from __future__ import annotations

import os
import stat
from mimetypes import guess_type
from pathlib import Path
from threading import Lock

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app import kept
from app.kept import Answer

READ = frozenset({"GET", "HEAD"})
# Other kinds are compressed already.
PACKED = ("text/", "application/javascript", "application/json", "image/svg+xml")
KEEP = "no-cache"  # asked for again each time, so that an upgrade is seen at once


class Static(StaticFiles):
    """The files of a folder; one that has changed on the disk is read again."""

    def __init__(self, directory: Path) -> None:
        """Read nothing yet."""
        super().__init__(directory=directory)
        self._lock = Lock()
        self._kept: dict[str, tuple[tuple[int, int], Answer]] = {}

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Give a file, or 304 to a browser that has exactly this one."""
        try:
            file, found = self.lookup_path(path)  # on a disk beside us: no need of a thread
        except (OSError, ValueError):
            found = None
        if found is None or not stat.S_ISREG(found.st_mode) or scope["method"] not in READ:
            return await super().get_response(path, scope)
        asked = {name: value.decode("latin-1") for name, value in scope["headers"]}
        sent = self._answer(file, found).sent(asked.get(b"accept-encoding", ""))
        headers = {"ETag": sent.etag, "Cache-Control": KEEP, "Vary": "Accept-Encoding"}
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
