"""The sentences of this door."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from babel.messages.pofile import read_po

from geo.errors import LagesbildError

_CATALOGUES = (Path("/work/main/pipelines/locale/sv.po"), Path("/tmp/lb/sv_app.po"))


@lru_cache(maxsize=1)
def _sentences() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in _CATALOGUES:
        if path.exists():
            with path.open("rb") as file:
                for message in read_po(file):
                    found[str(message.id)] = str(message.string)
    return found


def sentence(fault: LagesbildError) -> str:
    """Say what went wrong."""
    return _sentences().get(fault.code, fault.code).format(**fault.values)
