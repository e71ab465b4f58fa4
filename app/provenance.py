"""Where the numbers of a page come from: a run, and sometimes the work of the police itself."""

from __future__ import annotations

from collections.abc import Collection

from geo.profile import Profile
from pipelines.answers import Basis
from pipelines.periods import local, local_days
from pipelines.texts import text
from store.releases import Header
from store.runs import Run


def source(on: Basis) -> str:
    """Name what the numbers on paper are taken from: the release where it is read, else the run."""
    if on.released is not None:
        return of_release(on.released.header)
    return "" if on.run is None else of_run(on.run, on.reference.profile.timezone)


def of_run(run: Run, timezone: str) -> str:
    """Name a run as the source of what is on paper."""
    created = local(run.created_at, timezone).strftime("%Y-%m-%d %H:%M")
    return text("sheet-source-run", run=run.id, created=created)


def of_release(header: Header) -> str:
    """Name a release as the source of what is on paper."""
    return text(
        "sheet-source-release",
        number=header.number,
        house=header.house,
        created=header.created_at.date().isoformat(),
        digest=header.digest[:12],
    )


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


def steered(profile: Profile, asked: Collection[str]) -> list[str]:
    """Say that what is asked for, by category or by theme, follows the work of the police."""
    of_police = {
        word
        for each in profile.categories
        if each.enforcement_driven
        for word in (each.code, each.theme)
    }
    return [text("card-police")] if of_police & set(asked) else []
