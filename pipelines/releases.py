"""Releases: built from closed periods, audited, put in force, listed.

What was told once is told again to the letter: a part of a release that was ever in force is
copied into the next one, and only periods that have closed since are built from events.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from geo.errors import Conflict, NotFound
from pipelines import bundles, release_audit, release_parts
from pipelines.periods import local
from pipelines.release_findings import findings
from pipelines.release_parts import MONTHS, TERTIALS, Choice, Evidence, Period
from pipelines.release_report import Share, shares
from pipelines.texts import text
from store import imports, releases
from store.releases import PHYSICAL, SENSITIVE, TREE, NewRelease, Part

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    import sqlalchemy as sa

    from pipelines.release_audit import Audited
    from pipelines.signing import PublicKey
    from store.db import Store
    from store.releases import Header, Part

SLACK = timedelta(days=14)  # without an event at either end: a quiet time, not a hole in the data
PHYSICAL_YEARS = 3

Progress: TypeAlias = "Callable[[str], None]"


@dataclass(frozen=True, slots=True)
class Left:
    """A part that was not made, and why."""

    period: str
    product: str
    why: str  # open, not-covered, too-little, years, places-changed or leaks


@dataclass(frozen=True, slots=True)
class Built:
    """A release that was built, and what it tells."""

    header: Header
    fresh: tuple[tuple[str, str], ...]  # period and product of what was built from events
    copied: tuple[tuple[str, str], ...]
    revised: Mapping[str, int]  # period -> atoms whose number changed
    left: tuple[Left, ...]
    shares: tuple[Share, ...]
    address_rule: bool


@dataclass(frozen=True, slots=True)
class _Standing:
    """What was told before: every part of every release that was ever in force."""

    parts: Mapping[tuple[str, str], Part]  # product and period -> as it was told last
    numbers: tuple[int, ...]
    previous: str
    ground: Mapping[str, str]  # product and period -> fingerprint of the partition


def build(
    main: Store,
    release: Store,
    choice: Choice,
    now: datetime,
    *,
    revise: bool = False,
    progress: Progress = lambda _: None,
) -> Built:
    """Build a release that is not in force; nobody sees it before it is whole.

    Parameters
    ----------
    main
        Where the events are.
    release
        Where releases are kept.
    revise
        Count the standing parts anew; a number changes only by k or more.

    Raises
    ------
    NotFound
        No profile was loaded.
    TooFewObservations
        No incident is stored.
    InvalidParameter
        The profile's windows overlap, or the settings protect nothing.
    Conflict
        There is nothing new to tell (``release-nothing-new``), or another release was put in force
        meanwhile.
    """
    progress("release-read")
    with main.read() as connection:
        evidence = Evidence(connection, choice)
        synthetic = imports.any_synthetic(connection)
        taken_in = releases.came_in(connection) if revise else {}
    house = choice.house or evidence.profile.label
    with release.read() as connection:
        standing = _standing(connection)
    work = _Work(evidence, standing, now)
    progress("release-build")
    work.add_closed()
    if revise:
        work.revise(taken_in)
    progress("release-physical")
    work.add_physical()
    new = work.release(house, synthetic=synthetic)
    progress("publish")
    with release.write_alone() as connection:
        if _shown(connection) != standing.numbers:
            raise Conflict("released-meanwhile")
        header = releases.find(connection, releases.add(connection, new))
    return work.told(header)


def _shown(connection: sa.Connection) -> tuple[int, ...]:
    """List the releases of this house that were ever in force, whatever it called itself."""
    own = [each for each in releases.listing(connection) if each.signature is None]
    return tuple(sorted(each.number for each in own if each.activated_at is not None))


def _standing(connection: sa.Connection) -> _Standing:
    """Read what was told before; a later release's word counts."""
    told: dict[tuple[str, str], Part] = {}
    ground: dict[str, str] = {}
    previous, numbers = "", _shown(connection)
    for number in numbers:
        header = releases.find(connection, number)
        previous = header.digest
        ground |= header.settings["ground"]
        told |= {(part.product, part.period): part for part in releases.parts(connection, number)}
    return _Standing(told, numbers, previous, ground)


class _Work:
    """A release in the making."""

    def __init__(self, evidence: Evidence, standing: _Standing, now: datetime) -> None:
        self._evidence = evidence
        self._standing = standing
        self._now = now.replace(microsecond=0)
        self._today = local(now, evidence.profile.timezone).date()
        self._here = evidence.grounds.digest()
        self._parts = dict(standing.parts)
        self._ground = dict(standing.ground)
        self._left: list[Left] = []
        self._revised: dict[str, int] = {}

    def add_closed(self) -> None:
        """Build every period that is over, was covered by events, and was not told before."""
        years = self._evidence.day.astype("datetime64[Y]").astype(int) + 1970
        for year in range(int(years.min()), int(years.max()) + 1):
            for period in self._periods(year):
                if (TREE, period.name) in self._parts:
                    continue
                why = self._unfit(period)
                if why:
                    self._left.append(Left(period.name, TREE, why))
                else:
                    self._add(period)

    def _periods(self, year: int) -> list[Period]:
        """Tell how a year is told: whole, or by tertials where that was begun or is chosen."""
        thirds = [
            Period(
                f"{year}-T{number}",
                date(year, (number - 1) * MONTHS + 1, 1),
                date(year + number // 3, number * MONTHS % 12 + 1, 1),
                (number,),
            )
            for number in TERTIALS
        ]
        begun = any((TREE, each.name) in self._parts for each in thirds)
        whole = Period(str(year), date(year, 1, 1), date(year + 1, 1, 1))
        first = self._evidence.choice.order[:1] == ("tertial",)
        if begun or (first and self._embargo(whole) > self._today):
            return thirds
        return [whole]

    def _embargo(self, period: Period) -> date:
        return period.after_day + timedelta(days=self._evidence.choice.embargo_days)

    def _unfit(self, period: Period) -> str:
        """Tell why a period cannot be told yet; "" where it can.

        It must have events in each of its months and near both its ends: one stray row of an
        earlier year does not mean that the time between was reported.
        """
        if self._embargo(period) > self._today:
            return "open"
        days = np.unique(self._evidence.day[self._evidence.inside(period)])
        months = MONTHS * len(period.tertials)
        if np.unique(days.astype("datetime64[M]")).size < months:
            return "not-covered"
        near = days[0] <= period.first_day + SLACK and period.after_day - SLACK <= days[-1]
        return "" if near else "not-covered"

    def _add(self, period: Period) -> None:
        """Build one period: its tree, and the number that never reaches a map."""
        until = self._embargo(period)
        tree = release_parts.tree_part(self._evidence, period, until, self._now)
        if tree is None:
            self._left.append(Left(period.name, TREE, "too-little"))
        else:
            self._put(replace(tree, findings=findings(tree, self._year_before(tree))))
        if period.tertials == TERTIALS:
            number = release_parts.sensitive_part(self._evidence, period, until, self._now)
            if number is None:
                self._left.append(Left(period.name, SENSITIVE, "too-little"))
            else:
                self._put(number)

    def _put(self, part: Part) -> None:
        self._parts[part.product, part.period] = part.sealed()
        self._ground[f"{part.product} {part.period}"] = self._here

    def _year_before(self, part: Part) -> Part | None:
        """Find the same period a year earlier, if it was told of the same ground."""
        name = f"{part.first_day.year - 1}{part.period[4:]}"
        same = self._ground.get(f"{TREE} {name}") == self._here
        return self._parts.get((TREE, name)) if same else None

    def revise(self, taken_in: Mapping[int, tuple[int, datetime]]) -> None:
        """Count the standing trees anew; a number follows only if it grew by k from 3 places."""
        for (kind, name), part in self._standing.parts.items():
            if kind != TREE:
                continue
            if self._ground[f"{kind} {name}"] != self._here:
                raise Conflict("release-places-changed", period=name)
            atoms = release_parts.recounted(part, self._evidence, taken_in)
            changed = sum(old != new for old, new in zip(part.atoms, atoms, strict=True))
            self._revised[name] = changed
            if changed:
                counted = replace(part, atoms=atoms, built_at=self._now)
                told = findings(counted, self._year_before(counted))
                self._put(replace(counted, findings=told))

    def add_physical(self) -> None:
        """Add the layer of the last three years, if nothing follows from it beside their trees."""
        before = [part for (kind, _), part in self._parts.items() if kind == PHYSICAL]
        since = max((part.after_day for part in before), default=date.min)
        years = [
            part
            for (kind, name), part in self._parts.items()
            if kind == TREE and len(name) == len("2025") and part.first_day >= since
        ]
        years = sorted(years, key=lambda part: part.first_day)[-PHYSICAL_YEARS:]
        if before and len(years) < PHYSICAL_YEARS:
            return  # the one that was told stands until three more years are over
        name = f"{years[0].period}–{years[-1].period}" if years else "–"
        why = self._physical(name, years)
        if why:
            self._left.append(Left(name, PHYSICAL, why))

    def _physical(self, name: str, years: Sequence[Part]) -> str:
        """Add the layer of some years; tell why it is withheld, "" where it is not."""
        spans = [each.first_day.year for each in years]
        if len(spans) < PHYSICAL_YEARS or spans[-1] - spans[0] != PHYSICAL_YEARS - 1:
            return "years"
        if any(self._ground[f"{TREE} {each.period}"] != self._here for each in years):
            return "places-changed"
        period = Period(name, years[0].first_day, years[-1].after_day)
        layer = release_parts.physical_part(
            self._evidence, period, years[-1].embargo_until, self._now
        )
        if layer is None:
            return "too-little"
        pairs = [(release_parts.period_of(each), each) for each in years]
        if not release_parts.joint_findings(self._evidence, pairs, layer).clean:
            return "leaks"
        self._put(layer)
        return ""

    def release(self, house: str, *, synthetic: bool) -> NewRelease:
        """Put the parts together.

        Raises
        ------
        Conflict
            Nothing is new.
        """
        if self._parts == dict(self._standing.parts):
            raise Conflict("release-nothing-new", why=self._why())
        choice = self._evidence.choice
        windows = {each.name: each.label for each in self._evidence.profile.windows}
        settings = {
            "k": choice.k,
            "k_person": choice.k_person,
            "spots": choice.spots,
            "order": list(choice.order),
            "embargo_days": choice.embargo_days,
            "address_rule": self._evidence.addresses is not None,
            "ground": self._ground,
            "blocks": {name: windows.get(name, "") for name in self._evidence.blocks},
        }
        order = (TREE, SENSITIVE, PHYSICAL)
        parts = sorted(self._parts.values(), key=lambda p: (order.index(p.product), p.period))
        return NewRelease(
            house,
            self._now,
            self._standing.previous,
            settings,
            synthetic,
            version("lagesbild"),
            tuple(parts),
        )

    def _why(self) -> str:
        """Name what was left out, for the sentence that says that nothing is new."""
        return ", ".join(
            f"{each.period} ({text(f'release-left-{each.why}')})" for each in self._left
        )

    def told(self, header: Header) -> Built:
        """Say what was built."""
        fresh = [key for key, part in self._parts.items() if part != self._standing.parts.get(key)]
        trees = [self._parts[key] for key in fresh if key[0] == TREE]
        return Built(
            header,
            tuple((name, kind) for kind, name in fresh),
            tuple((name, kind) for kind, name in self._parts if (kind, name) not in fresh),
            self._revised,
            tuple(self._left),
            tuple(
                share
                for part in trees
                for share in shares(self._evidence, release_parts.period_of(part), part)
            ),
            address_rule=self._evidence.addresses is not None,
        )


def audit(main: Store, release: Store, number: int | None, now: datetime) -> Audited:
    """Audit a release, the newest where none is named, and keep the result with it.

    Raises
    ------
    NotFound
        There is no such release.
    Conflict
        It was received from another house, whose audit stands; or it is damaged.
    """
    header = _named(release, number)
    if header.signature is not None:
        raise Conflict("release-audited-elsewhere", number=header.number, house=header.house)
    found = release_audit.audit(main, release, header.number)
    with release.write_alone() as connection:
        releases.set_audit(connection, header.number, found.document(now))
    return found


def _named(release: Store, number: int | None) -> Header:
    with release.read() as connection:
        if number is not None:
            return releases.find(connection, number)
        every = releases.listing(connection)
    if not every:
        raise NotFound("no-release")
    return every[0]


def activate(
    main: Store,
    release: Store,
    number: int,
    now: datetime,
    known: Mapping[str, PublicKey] | None = None,
) -> Header:
    """Put a release in force after an audit of exactly what is stored.

    Parameters
    ----------
    known
        The keys of other houses that are trusted, by name: a release from one of them is verified
        instead, because there are no events here to audit it against.

    Raises
    ------
    NotFound
        There is no such release.
    Conflict
        The audit found something (``release-leaks``), a row is not as it was
        (``release-damaged``), or a received release is not what was signed.
    """
    with release.read() as connection:
        header, before = releases.find(connection, number), _shown(connection)
    if header.signature is None:
        found = audit(main, release, number, now)
        if found.leaks:
            raise Conflict("release-leaks", number=number, leaks=found.leaks)
    with release.write_alone() as connection:
        if _shown(connection) != before:
            raise Conflict("released-meanwhile")
        standing = releases.find(connection, number)
        parts = releases.parts(connection, number)
        if header.signature is not None:
            bundles.verify(standing, parts, known or {})
        if standing.digest != header.digest or not releases.intact(standing, parts):
            raise Conflict("release-damaged", number=number)
        _require_one_teller(connection, standing, parts)
        releases.activate(connection, number, now)
        return releases.find(connection, number)


def _require_one_teller(connection: sa.Connection, header: Header, parts: Sequence[Part]) -> None:
    """Refuse to tell a time that another house has told otherwise: two trees can be differenced."""
    for other in releases.listing(connection):
        if other.activated_at is None or other.signed_by == header.signed_by:
            continue
        for theirs in releases.parts(connection, other.number):
            for ours in parts:
                told = theirs.product == ours.product and theirs.digest != ours.digest
                common = theirs.first_day < ours.after_day and ours.first_day < theirs.after_day
                if told and common:
                    raise Conflict(
                        "release-told-by-another",
                        number=header.number,
                        period=theirs.period,
                        other=other.number,
                        house=other.house,
                    )


def build_and_activate(
    main: Store, release: Store, choice: Choice, now: datetime, progress: Progress = lambda _: None
) -> Built | None:
    """Build, audit and show a release in one go, for the demonstration; None if nothing is new.

    Raises what `build` and `activate` raise.
    """
    try:
        built = build(main, release, choice, now, progress=progress)
    except Conflict as fault:
        if fault.code == "release-nothing-new":
            return None
        raise
    progress("release-audit")
    activate(main, release, built.header.number, now)
    return built


def listing(release: Store) -> list[Header]:
    """List every release, newest first."""
    with release.read() as connection:
        return releases.listing(connection)
