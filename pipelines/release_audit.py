"""The gate before a release is shown: can anybody find a small number in what it tells.

The audit reads what is stored, not what the builder meant. It collects the answers to every
question a planner can put, and compares them with each other, with the events, and with everything
that any earlier release told.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from geo import disclosure
from geo.disclosure import Published
from geo.errors import Conflict
from pipelines import bundle_checks
from pipelines.release_parts import (
    PERSON_THEMES,
    Choice,
    Evidence,
    joint_findings,
    located,
    period_of,
    sensitive_count,
)
from pipelines.released import LEVELS, PLACE, ZONE, Asked, Told
from store import releases
from store.releases import PHYSICAL, SENSITIVE, TREE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    import sqlalchemy as sa
    from numpy.typing import NDArray

    from geo.disclosure import Findings
    from store.db import Store
    from store.releases import Atom, Header, Part


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit looked at, and what it found; nothing here is a number of events."""

    digest: str
    pairs: int
    intervals: int
    leaks: int
    kinds: dict[str, int]  # of leaks
    events: tuple[str, ...]  # periods that were compared with the events themselves
    copied: tuple[str, ...]  # periods whose events have changed since they were first told

    def document(self, at: datetime) -> dict[str, Any]:
        """Write it down for the release."""
        return {
            "at": at.isoformat(timespec="seconds"),
            "code_version": version("lagesbild"),
            "digest": self.digest,
            "pairs": self.pairs,
            "intervals": self.intervals,
            "leaks": self.leaks,
            "kinds": self.kinds,
            "events": list(self.events),
            "copied": list(self.copied),
        }


def audit(main: Store, release: Store, number: int) -> Audited:
    """Look for small numbers in a release, beside all that was ever in force.

    Raises
    ------
    NotFound
        There is no such release.
    Conflict
        Its rows are not as they were when it was built (``release-damaged``).
    """
    with release.read() as connection:
        header = releases.find(connection, number)
        parts = releases.parts(connection, number)
        earlier = _earlier(connection, header)
    if not releases.intact(header, parts):
        raise Conflict("release-damaged", number=number)
    with main.read() as connection:
        evidence = Evidence(connection, choice_of(header))
    before = earlier if header.activated_at is None else [*earlier, parts]
    gate = _Gate(evidence, {_key(part) for told in before for part in told})
    for part in parts:
        gate.look_at(part)
    gate.look_together(parts)
    for told in earlier:
        gate.look_back(told, parts)
    return gate.verdict(header.digest)


def choice_of(header: Header) -> Choice:
    """Give the settings a release was built with."""
    kept = header.settings
    return Choice(
        kept["k"], kept["k_person"], kept["spots"], tuple(kept["order"]), kept["embargo_days"]
    )


def _earlier(connection: sa.Connection, header: Header) -> list[tuple[Part, ...]]:
    """Read every other release of this house that was ever in force."""
    return [
        releases.parts(connection, each.number)
        for each in releases.listing(connection)
        if each.activated_at is not None and each.signature is None and each.number != header.number
    ]


class _Gate:
    """Collects what is found in the parts of one release."""

    def __init__(self, evidence: Evidence, told: set[tuple[str, str]]) -> None:
        """Remember which parts were told before: their events may have changed since.

        They are held against what was told (`look_back`), new ones against the events.
        """
        self._evidence = evidence
        self._told = told
        self._pairs = self._intervals = 0
        self._kinds: Counter[str] = Counter()
        self._events: list[str] = []
        self._copied: list[str] = []

    def look_at(self, part: Part) -> None:
        """Look at one part by itself."""
        self._kinds["small"] += sum(atom.count < atom.k for atom in part.atoms)
        if part.product == TREE and _key(part) not in self._told:
            self._kinds["rules"] += sum(atom.k < self._least(atom) for atom in part.atoms)
        if part.product == TREE:
            self._compare(part)
        if part.product == SENSITIVE:
            self._agree(part, [sensitive_count(self._evidence, period_of(part))])
        if part.product != PHYSICAL:  # whose atoms are looked at together with the trees
            self._add(disclosure.audit(_published(part), self._evidence.choice.k))

    def _least(self, atom: Atom) -> int:
        """Tell how many events the settings ask of an atom, whatever stands beside it."""
        choice = self._evidence.choice
        personal = not set(PERSON_THEMES).isdisjoint(atom.themes)
        return max(choice.k, choice.k_person) if personal else choice.k

    def _compare(self, part: Part) -> None:
        """Compare a tree with the events as they are now."""
        try:
            found = located(part, self._evidence)
        except Conflict as fault:
            if fault.code == "release-places-changed" and _key(part) in self._told:
                self._copied.append(part.period)
            else:
                self._kinds[fault.code] += 1
            return
        if self._agree(part, found.count.tolist()):
            few = found.spots < self._evidence.choice.spots
            self._kinds["spots"] += int(few.sum())

    def _agree(self, part: Part, count: Sequence[int]) -> bool:
        """Tell whether a part's numbers are those of the events; a new part's have to be."""
        same = [atom.count for atom in part.atoms] == list(count)
        if same:
            self._events.append(part.period)
        elif _key(part) in self._told:
            self._copied.append(part.period)
        else:
            self._kinds["wrong"] += 1
        return same

    def look_together(self, parts: Sequence[Part]) -> None:
        """Look at the parts of the release beside each other."""
        self._kinds["overlap"] += sum(_overlap(one, other) for one, other in combinations(parts, 2))
        for layer in (part for part in parts if part.product == PHYSICAL):
            years = [
                part
                for part in parts
                if part.product == TREE
                and layer.first_day <= part.first_day
                and part.after_day <= layer.after_day
            ]
            if {_key(layer), *map(_key, years)} <= self._told:
                self._copied.append(layer.period)
                continue
            pairs = [(period_of(part), part) for part in years]
            self._add(joint_findings(self._evidence, pairs, layer))
            self._events.append(layer.period)

    def look_back(self, before: Sequence[Part], now: Sequence[Part]) -> None:
        """Look at the release beside one that somebody may have kept."""
        known = {(part.product, part.period) for part in now}
        gone = [part for part in before if (part.product, part.period) not in known]
        self._kinds["overlap"] += sum(_overlap(old, new) for old in gone for new in now)
        try:
            bundle_checks.require_no_difference(before, now)
        except Conflict as fault:
            self._kinds[fault.code] += 1

    def _add(self, found: Findings) -> None:
        self._pairs += found.pairs
        self._intervals += found.intervals
        self._kinds.update(leak.kind for leak in found.leaks)

    def verdict(self, digest: str) -> Audited:
        """Give what was found."""
        kinds = {kind: many for kind, many in sorted(self._kinds.items()) if many}
        return Audited(
            digest,
            self._pairs,
            self._intervals,
            sum(kinds.values()),
            kinds,
            tuple(dict.fromkeys(self._events)),
            tuple(dict.fromkeys(self._copied)),
        )


def _key(part: Part) -> tuple[str, str]:
    return part.product, part.period


def _overlap(one: Part, other: Part) -> bool:
    """Tell whether two parts of one product speak of a common day."""
    apart = one.after_day <= other.first_day or other.after_day <= one.first_day
    return one.product == other.product and not apart


def _published(part: Part) -> Published:
    """Collect every answer a planner can get from a part, in atoms; each atom is one too."""
    told = Told(part)
    count = np.array([atom.count for atom in part.atoms], dtype=np.int64)
    found: dict[bytes, tuple[NDArray[np.intp], int]] = {}
    for asked, level in _distinct(part, _questions(told)):
        cover = told.unions(asked, level)
        for union, shown in enumerate(cover.count.tolist()):
            own = cover.atom[cover.union == union]
            found[own.tobytes()] = own, shown
    for number, atom in enumerate(part.atoms):
        found[np.array([number]).tobytes()] = np.array([number]), atom.count
    rows = [own for own, _ in found.values()]
    starts = np.cumsum([0, *(own.size for own in rows)])
    columns = np.concatenate(rows)
    parts = sparse.csr_array(
        (np.ones(columns.size, dtype=np.int64), columns, starts), (len(rows), count.size)
    )
    return Published(parts, np.array([shown for _, shown in found.values()]), count)


def _distinct(part: Part, questions: Iterable[tuple[Asked, str]]) -> Iterator[tuple[Asked, str]]:
    """Leave out questions that meet the same atoms as an earlier one: they have its answer."""
    lies = {unit.number: {unit.place, unit.zone} for unit in part.units}
    holders: dict[tuple[str, str | int], NDArray[np.bool_]] = {}
    for number, atom in enumerate(part.atoms):
        places = set().union(*(lies[unit] for unit in atom.units))
        for name, held in (
            ("themes", atom.themes),
            ("blocks", atom.blocks),
            ("tertials", atom.tertials),
            ("places", places),
        ):
            for value in held:
                none = np.zeros(len(part.atoms), dtype=bool)
                holders.setdefault((name, value), none)[number] = True
    seen = set()
    for asked, level in questions:
        meets = np.ones(len(part.atoms), dtype=bool)
        for name in ("themes", "blocks", "tertials", "places"):
            for value in getattr(asked, name):  # one at the most
                meets &= holders[name, value]
        key = level, meets.tobytes()
        if key not in seen:
            seen.add(key)
            yield asked, level


def _questions(told: Told) -> Iterator[tuple[Asked, str]]:
    """List the filters: a place or all, a theme or all, a block or all, a tertial or all."""
    themes = [(), *((theme,) for theme in told.themes)]
    blocks = [(), *((block,) for block in told.blocks)]
    tertials = [(), *((tertial,) for tertial in told.tertials)]
    for theme, block, tertial in product(themes, blocks, tertials):
        for level in LEVELS:
            yield Asked(themes=theme, blocks=block, tertials=tertial), level
    places = {unit.place: PLACE for unit in told.units}
    zones = {unit.zone: ZONE for unit in told.units if unit.zone not in places}
    for (slug, level), theme, block in product({**places, **zones}.items(), themes, blocks):
        yield Asked(themes=theme, blocks=block, places=(slug,)), level
