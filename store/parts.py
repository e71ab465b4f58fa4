"""The three parts of an installation: each its own file, or its own schema in PostGIS.

What planners may read lies apart from the events it was counted from, and the log of looks apart
from both: signing in and logging never wait for an import.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from store import journal_models, models, release_models

if TYPE_CHECKING:
    import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its tables, its line of revisions, and where it lies."""

    name: str
    metadata: sa.MetaData
    versions: str  # folder of its revisions, below migrations/
    suffix: str  # of its file, beside a GeoPackage; "" is the file itself
    schema: str  # in PostGIS
    number: int  # tells the parts' locks apart
    spatial: bool  # a GeoPackage; else plain SQLite

    @property
    def version_table(self) -> str:
        """Name the table that keeps the part's revision: PostgreSQL sees all parts at once."""
        return "alembic_version" if self.schema == "public" else f"alembic_version_{self.name}"


MAIN = Part("main", models.Base.metadata, "versions", "", "public", 0, spatial=True)
RELEASE = Part(
    "release",
    release_models.ReleaseBase.metadata,
    "release",
    ".release.gpkg",
    "release",
    1,
    spatial=True,
)
JOURNAL = Part(
    "journal",
    journal_models.JournalBase.metadata,
    "journal",
    ".journal.sqlite",
    "journal",
    2,
    spatial=False,
)
PARTS = (MAIN, RELEASE, JOURNAL)
