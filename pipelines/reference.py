"""The profile and the areas, read once per revision: every question needs them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from geo.errors import InvalidParameter
from store import places

if TYPE_CHECKING:
    import sqlalchemy as sa

    from geo.profile import Profile
    from store.places import AreaRow


@dataclass(frozen=True, slots=True)
class Reference:
    """What the questions refer to, as it stood at one revision."""

    revision: int
    profile: Profile
    areas: tuple[AreaRow, ...]

    def area(self, text: str) -> AreaRow:
        """Find an area by id, or by a name that only one area has, whatever the case.

        Raises
        ------
        InvalidParameter
            There is none (``unknown-area``), or several have the name (``ambiguous-area``).
        """
        wanted = _folded(text)
        found = [row for row in self.areas if str(row.id) == wanted] or self._named(wanted)
        if not found:
            raise InvalidParameter("unknown-area", value=text[:80])
        if len(found) > 1:
            ids = ", ".join(str(row.id) for row in found)
            raise InvalidParameter("ambiguous-area", value=text[:80], ids=ids)
        return found[0]

    def alone(self, row: AreaRow) -> bool:
        """Tell whether no other area has an area's name."""
        return len(self._named(_folded(row.name))) == 1

    def _named(self, wanted: str) -> list[AreaRow]:
        return [row for row in self.areas if _folded(row.name) == wanted]


def read(conn: sa.Connection) -> Reference:
    """Read the reference in force.

    Raises
    ------
    NotFound
        No profile was loaded yet.
    """
    return Reference(places.revision(conn), places.profile(conn), tuple(places.areas(conn)))


class ReferenceCache:
    """Keeps the latest revision; safe between threads."""

    def __init__(self) -> None:
        """Start empty."""
        self._latest: Reference | None = None
        self._lock = Lock()

    def read(self, conn: sa.Connection) -> Reference:
        """Give the reference in force.

        Raises
        ------
        NotFound
            No profile was loaded yet.
        """
        revision = places.revision(conn)
        with self._lock:
            if self._latest is not None and self._latest.revision == revision:
                return self._latest
        found = read(conn)
        with self._lock:
            self._latest = found
        return found


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip().casefold()
