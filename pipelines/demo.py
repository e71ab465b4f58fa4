"""The demonstration: synthetic files, taken the same way as real ones."""

from __future__ import annotations

import json
import os
import secrets
import shlex
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import numpy as np
import sqlalchemy as sa

from pipelines import (
    accounts,
    basemap_demo,
    demo_data,
    demo_town,
    group,
    places,
    profiles,
    proving,
    releases,
)
from pipelines.accounts import NewUser
from pipelines.analyse import Parameters, analyse
from pipelines.group import Opening
from pipelines.ingest import Options, ingest
from pipelines.places import PlaceImport
from pipelines.release_parts import Choice
from pipelines.roles import ADMIN, ANALYST, COORDINATOR, GROUP, PLANNER
from pipelines.texts import text
from store import imports, installation, observations
from store import places as stored_places
from store.accounts import user
from store.db import connect
from store.parts import RELEASE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipelines.analyse import Outcome
    from pipelines.ingest import Report
    from store.db import Store

PROFILE = "eskilstuna"
USERS = {
    PLANNER: "handlaggare",
    ANALYST: "analytiker",
    COORDINATOR: "koordinator",
    ADMIN: "systemforvaltare",
    GROUP: "lagesbildsgrupp",
}
GROUP_DAYS = 180  # how long the demonstration's group may look
WAITING = 8  # observations that the coordinator still has to look through
SEED = 2026


@dataclass(frozen=True, slots=True)
class Prepared:
    """The demonstration as it stands."""

    reports: list[Report]  # empty when everything was in place already
    outcome: Outcome
    password: str  # of every account in USERS


def prepare(folder: Path, now: datetime, progress: Callable[[str], None]) -> Prepared:
    """Make the demonstration, or find it made; a second call changes nothing.

    The date on which the data end is frozen on the first call, so that it never grows stale
    half-way; the sign-in and the cookie's secret are random and kept in files only their owner
    can read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    frozen = _frozen(folder, now)
    path = str((folder / "lagesbild.gpkg").resolve())
    url = sa.URL.create("sqlite", database=path).render_as_string()
    installation.upgrade(url)
    store = connect(url)
    try:
        reports = _fill(store, folder, frozen, progress)
        with store.write() as connection:  # the generator's notes hold no persons
            waiting = observations.unreviewed(connection)
            observations.review(connection, [each.id for each in waiting[:-WAITING]])
        progress("analyse")
        outcome = analyse(store, Parameters(), frozen.clock)
        progress("backtest")
        proving.prove(store)
        _release(store, url, frozen, progress)
        progress("basemap")
        background = _background(folder, frozen)
        _sign_ins(store, frozen, now)
        _open_to_group(store, now)
    finally:
        store.close()
    _write_private(
        folder / "demo.env",
        f"LAGESBILD_DATABASE_URL={shlex.quote(url)}\n"
        f"LAGESBILD_SESSION_SECRET={shlex.quote(frozen.secret)}\n"
        "LAGESBILD_COOKIE_SECURE=false\n"
        f"LAGESBILD_BASEMAP={shlex.quote(str(background))}\n",
    )
    return Prepared(reports, outcome, frozen.password)


def _sign_ins(store: Store, frozen: _Frozen, now: datetime) -> None:
    """Make one account for each role; the group's ends with its decision."""
    for role, name in USERS.items():
        with store.read() as connection:
            known = user(connection, name)
        if known is None:
            until = now + timedelta(days=GROUP_DAYS) if role == GROUP else None
            accounts.put_user(store, NewUser(name, frozen.password, role, until), now)


def _release(store: Store, url: str, frozen: _Frozen, progress: Callable[[str], None]) -> None:
    """Put a release of the closed years in force."""
    release = connect(url, RELEASE)
    try:
        releases.build_and_activate(store, release, Choice(), frozen.clock, progress)
    finally:
        release.close()


def _background(folder: Path, frozen: _Frozen) -> Path:
    """Draw the invented town, unless it is drawn; the same town as that of the files."""
    path = (folder / "bakgrund.gpkg").resolve()
    if not path.exists():
        reference = profiles.load(PROFILE)
        town = demo_town.build(reference, np.random.default_rng(SEED))
        basemap_demo.make(reference, town, path, frozen.end.isoformat())
    return path


def _open_to_group(store: Store, now: datetime) -> None:
    """Record a made-up decision, so that the group's page has something to show."""
    with store.read() as connection:
        timezone = stored_places.profile(connection).timezone
        if group.decision(connection, now) is not None:
            return
    until = (now + timedelta(days=GROUP_DAYS)).date()
    opening = Opening(text("demo-decision"), text("demo-basis"), text("demo-controller"), until)
    group.open_(store, opening, timezone, now)


@dataclass(frozen=True, slots=True)
class _Frozen:
    """What the first call decided."""

    end: date
    password: str
    secret: str

    @property
    def clock(self) -> datetime:
        """The demonstration's own now: noon on the day after its last."""
        return datetime.combine(self.end + timedelta(days=1), time(12), UTC)


def _frozen(folder: Path, now: datetime) -> _Frozen:
    path = folder / "demo.json"
    if not path.exists():
        first = {
            "end": (now.date() - timedelta(days=1)).isoformat(),
            "password": "-".join(secrets.token_hex(2) for _ in range(4)),
            "secret": secrets.token_urlsafe(48),
        }
        _write_private(path, json.dumps(first, indent=1))
    known = json.loads(path.read_text(encoding="utf-8"))
    return _Frozen(date.fromisoformat(known["end"]), known["password"], known["secret"])


def _write_private(path: Path, content: str) -> None:
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
    draft.replace(path)


def _fill(
    store: Store, folder: Path, frozen: _Frozen, progress: Callable[[str], None]
) -> list[Report]:
    """Write the files and take in what is not in yet."""
    with store.read() as connection:
        done = {batch.kind for batch in imports.batches(connection)}
    if done == {"incidents", "observations"}:
        return []
    progress("files")
    rng = np.random.default_rng(SEED)
    files = demo_data.write(folder, profiles.load(PROFILE), frozen.end, rng)
    progress("places")
    places.load(store, PROFILE)
    places.import_file(store, PlaceImport(files.addresses, "addresses"))
    places.import_file(store, PlaceImport(files.venues, "venues"))
    progress("ingest")
    wanted = {"incidents": files.incidents, "observations": files.observations}
    return [
        ingest(store, path, Options(kind, synthetic=True), frozen.clock)
        for kind, path in wanted.items()
        if kind not in done
    ]
