"""Where the numbers of an analysts' page come from, for whoever reads it on paper."""

from __future__ import annotations

from pipelines.answers import Basis
from pipelines.periods import local, local_days
from pipelines.texts import text


def provenance(on: Basis) -> str:
    """Name the run in force, the days it counted and when it was made; nothing without a run."""
    if on.run is None:
        return ""
    timezone = on.reference.profile.timezone
    first, last = local_days(on.run.period_start, on.run.period_end, timezone)
    return text(
        "task-provenance",
        run=on.run.id,
        first=first.isoformat(),
        last=last.isoformat(),
        updated=local(on.run.created_at, timezone).strftime("%Y-%m-%d %H:%M"),
    )
