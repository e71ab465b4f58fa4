"""What planners and the public are told: a question to the release in force, and its answer.

Every answer is a union of whole atoms and says what it really speaks of. Nothing here reads
events, and no number is made by subtracting.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import shapely

from geo import atoms
from geo.errors import InvalidParameter, NotFound, StoreUnavailable
from pipelines import labels
from pipelines.texts import LANGUAGES, language, speaking, text
from store import releases
from store.releases import TREE

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa
    from numpy.typing import NDArray

    from store.db import Store
    from store.releases import Finding, Header, Part, Unit

_Code = TypeVar("_Code", str, int)

UNIT, ZONE, PLACE = "unit", "zone", "place"
LEVELS = (PLACE, ZONE, UNIT)
_KEPT_ANSWERS = 2_000  # of one part: the same links are opened again and again
_KEPT_GROUNDS = 1_000  # of one part: many questions are answered by the same places
_TOOTHED = "schools"
_TOOTH = 0.0003  # degrees of latitude: 33 metres, a little more than the side of a small hexagon
_NAMES = 3  # of a union of several places


@dataclass(frozen=True, slots=True)
class Asked:
    """A planner's filter: codes that the release knows, and nothing else."""

    period: str = ""  # "" is the latest one of the product
    themes: tuple[str, ...] = ()  # none is all, here and below
    blocks: tuple[str, ...] = ()
    tertials: tuple[int, ...] = ()
    places: tuple[str, ...] = ()  # slugs of places or zones
    product: str = TREE


@dataclass(frozen=True, slots=True)
class Shown:
    """One number, and what it really speaks of."""

    units: tuple[int, ...]
    places: tuple[str, ...]  # slugs of the places it lies in
    zones: tuple[str, ...]  # slugs of the zones it lies in
    name: str
    label: str  # of a single cell; "" for all else
    count: int  # of all whole atoms that speak of the question
    low: int  # of those that speak of nothing else
    themes: tuple[str, ...]
    blocks: tuple[str, ...]
    tertials: tuple[int, ...]
    finding: Finding | None  # verdict and trend, where it is exact and of one place or zone

    @property
    def exact(self) -> bool:
        """Tell whether nothing in it lies outside the question; an atom is never empty."""
        return self.low == self.count


@dataclass(frozen=True, slots=True)
class Answer:
    """What is told to a question."""

    period: str
    product: str
    shown: tuple[Shown, ...]
    total: int  # of all shown; speaks of `themes`, `blocks` and `tertials`, on the units shown
    low: int  # of the atoms in it that speak of nothing but the question
    themes: tuple[str, ...]
    blocks: tuple[str, ...]
    tertials: tuple[int, ...]

    @property
    def exact(self) -> bool:
        """Tell whether every number is."""
        return self.low == self.total


class Told:
    """One part of a release, ready to be asked many times; it has at least one atom."""

    def __init__(self, part: Part) -> None:
        """Lay the atoms out."""
        self.part = part
        self.themes = tuple(sorted({value for atom in part.atoms for value in atom.themes}))
        self.blocks = tuple(sorted({value for atom in part.atoms for value in atom.blocks}))
        self.tertials = tuple(sorted({value for atom in part.atoms for value in atom.tertials}))
        self._units = {spoken: _named(part.units, spoken) for spoken in LANGUAGES}
        row = {unit.number: number for number, unit in enumerate(part.units)}
        self._on = [np.array([row[number] for number in atom.units]) for atom in part.atoms]
        self._names = {
            spoken: {unit.place: unit.place_name for unit in units}
            | {unit.zone: unit.zone_name for unit in units}
            for spoken, units in self._units.items()
        }
        slugs = {
            PLACE: [unit.place for unit in part.units],
            ZONE: [unit.zone for unit in part.units],
            UNIT: [str(unit.number) for unit in part.units],
        }
        self._slugs = {level: tuple(dict.fromkeys(named)) for level, named in slugs.items()}
        self._group = {
            level: np.array([self._slugs[level].index(slug) for slug in named])
            for level, named in slugs.items()
        }
        self._among = {level: self._partition(level) for level in LEVELS}
        self._findings = {
            (each.level, each.place, each.theme, each.block): each for each in part.findings
        }
        self._kept = lru_cache(maxsize=_KEPT_ANSWERS)(self._answer)
        self.lies = lru_cache(maxsize=_KEPT_GROUNDS)(self._lies)  # rounding it off takes a while

    @property
    def units(self) -> tuple[Unit, ...]:
        """List the smallest parts of the ground, named in the reader's language."""
        return self._units[language()]

    def _partition(self, level: str) -> atoms.Partition:
        """Lay the atoms out over places, zones or units."""
        number = [
            {value: row for row, value in enumerate(values)}
            for values in (self.themes, self.blocks, self.tertials)
        ]
        listed = [
            atoms.Atom(
                {
                    "place": np.unique(self._group[level][on]),
                    "theme": np.sort([number[0][value] for value in each.themes]),
                    "block": np.sort([number[1][value] for value in each.blocks]),
                    "tertial": np.sort([number[2][value] for value in each.tertials]),
                },
                each.count,
            )
            for each, on in zip(self.part.atoms, self._on, strict=True)
        ]
        names = ("theme", "block", "tertial")
        sizes = {name: len(values) for name, values in zip(names, number, strict=True)}
        return atoms.partition(listed, {"place": len(self._slugs[level]), **sizes})

    def answer(self, asked: Asked, level: str = PLACE) -> Answer:
        """Answer a question by numbers for places, for their zones, or for their smallest units.

        Raises
        ------
        InvalidParameter
            The release knows no such theme, block, tertial or place; or there is no such level.
        """
        if level not in LEVELS:
            raise InvalidParameter("release-level-unknown", value=level)
        if level == PLACE and set(asked.places) - set(self._slugs[PLACE]):
            level = ZONE  # a zone is asked for by its name
        return self._kept(asked, level, language())

    def unions(self, asked: Asked, level: str) -> atoms.Cover:
        """Find the unions of atoms that answer a question; raises what `answer` raises."""
        if strange := set(asked.themes) - set(self.themes):
            raise InvalidParameter("release-theme-unknown", value=min(strange))
        if strange := set(asked.blocks) - set(self.blocks):
            raise InvalidParameter("release-block-unknown", value=min(strange))
        if strange_tertials := set(asked.tertials) - set(self.tertials):
            raise InvalidParameter("release-tertial-unknown", value=min(strange_tertials))
        mask = {
            "theme": _mask(self.themes, asked.themes),
            "block": _mask(self.blocks, asked.blocks),
            "tertial": _mask(self.tertials, asked.tertials),
            "place": self._where(asked.places, level),
        }
        among = self._among[level]
        return atoms.cover(among, {name: each for name, each in mask.items() if not each.all()})

    def _answer(self, asked: Asked, level: str, _spoken: str) -> Answer:
        """Answer in a language: the names of unions are sentences."""
        found = self.unions(asked, level)
        order = np.argsort(found.union, kind="stable")
        ends = np.cumsum(np.bincount(found.union, minlength=found.count.size))
        holding = np.split(found.atom[order], ends)[:-1]
        shown = tuple(self._shown(found, union, own, level) for union, own in enumerate(holding))
        return Answer(
            period=self.part.period,
            product=self.part.product,
            shown=shown,
            total=int(found.count.sum()),
            low=int(found.least.sum()),
            themes=_chosen(self.themes, _any(found.within["theme"])),
            blocks=_chosen(self.blocks, _any(found.within["block"])),
            tertials=_chosen(self.tertials, _any(found.within["tertial"])),
        )

    def _where(self, places: Sequence[str], level: str) -> NDArray[np.bool_]:
        """Mark the groups of a level that lie in places or zones."""
        if not places:
            return np.ones(len(self._slugs[level]), dtype=bool)
        inside = np.zeros(len(self._slugs[level]), dtype=bool)
        for slug in places:
            own = [slug in (unit.place, unit.zone) for unit in self.units]
            if not any(own):
                raise InvalidParameter("release-place-unknown", value=slug)
            inside[self._group[level][own]] = True
        return inside

    def _shown(
        self, found: atoms.Cover, union: int, holding: NDArray[np.intp], level: str
    ) -> Shown:
        """Say what one union of atoms speaks of."""
        units = np.unique(np.concatenate([self._on[each] for each in holding.tolist()]))
        lies = [self.units[row] for row in units.tolist()]
        places = tuple(dict.fromkeys(unit.place for unit in lies))
        zones = tuple(dict.fromkeys(unit.zone for unit in lies))
        themes = _chosen(self.themes, found.within["theme"][union])
        blocks = _chosen(self.blocks, found.within["block"][union])
        tertials = _chosen(self.tertials, found.within["tertial"][union])
        count, exact = int(found.count[union]), bool(found.exact[union])
        slugs = (places, zones)[level != PLACE]
        # A union may touch all themes and blocks of a place without holding all of their events,
        # or hold more than was asked for: what is said about the place is said of its own number.
        own = self._finding(slugs, level, themes, blocks, tertials) if exact else None
        return Shown(
            units=tuple(unit.number for unit in lies),
            places=places,
            zones=zones,
            name=self._name(places, zones, level),
            label=lies[0].label if len(lies) == 1 else "",
            count=count,
            low=int(found.least[union]),
            themes=themes,
            blocks=blocks,
            tertials=tertials,
            finding=None if own is None or own.count != count else own,
        )

    def _lies(self, numbers: tuple[int, ...]) -> shapely.Geometry | None:
        units = [self.part.units[number] for number in numbers]
        known = [each.outline for each in units if each.outline is not None]
        if not known:
            return None
        lies = shapely.union_all(known)
        if any(each.kind == _TOOTHED for each in units):
            return _rounded(lies)
        return lies

    def _name(self, places: Sequence[str], zones: Sequence[str], level: str) -> str:
        """Name a union: of a few places or zones by all their names."""
        slugs = places if level == PLACE else zones
        known = self._names[language()]
        names = [known[slug] for slug in slugs[:_NAMES]]
        if len(slugs) <= _NAMES:
            return ", ".join(names)
        return text("release-names-more", names=", ".join(names), more=len(slugs) - _NAMES)

    def _finding(
        self,
        slugs: Sequence[str],
        level: str,
        themes: Sequence[str],
        blocks: Sequence[str],
        tertials: Sequence[int],
    ) -> Finding | None:
        """Find what may be said about one place or zone, one theme or all, one block or all."""
        theme = _single(self.themes, themes)
        block = _single(self.blocks, blocks)
        if len(slugs) != 1 or theme is None or block is None or tuple(tertials) != self.tertials:
            return None
        return self._findings.get((level, slugs[0], theme, block))


def _named(units: Sequence[Unit], spoken: str) -> tuple[Unit, ...]:
    """Say the names that the release itself has made."""
    with speaking(spoken):
        return tuple(
            replace(
                unit,
                place_name=labels.place(unit.place_name),
                zone_name=labels.place(unit.zone_name),
            )
            for unit in units
        )


def ground(told: Told, shown: Shown) -> shapely.Geometry | None:
    """Give the ground that a number lies on, as it is drawn; None where it lies nowhere known.

    The zones of schools are made of small hexagons; their teeth say nothing and are drawn round.
    """
    return told.lies(shown.units)


def _rounded(lies: shapely.Geometry) -> shapely.Geometry:
    """Fill the gaps between teeth and take off what sticks out, on ground as wide as it is high."""
    narrow = np.cos(np.radians(lies.centroid.y))
    square = shapely.transform(lies, lambda lonlat: lonlat * (narrow, 1.0))
    filled = square.buffer(_TOOTH).buffer(-2 * _TOOTH).buffer(_TOOTH)
    round_ = shapely.simplify(filled, _TOOTH / 5)
    if round_.is_empty:
        return lies
    return shapely.transform(round_, lambda lonlat: lonlat / (narrow, 1.0))


def _mask(known: Sequence[_Code], asked: Sequence[_Code]) -> NDArray[np.bool_]:
    """Mark the codes that are asked for; none is all."""
    return np.array([not asked or value in asked for value in known], dtype=bool)


def _chosen(known: Sequence[_Code], which: NDArray[np.bool_]) -> tuple[_Code, ...]:
    return tuple(value for value, chosen in zip(known, which.tolist(), strict=True) if chosen)


def _any(rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray(rows.any(axis=0))


def _single(known: Sequence[str], held: Sequence[str]) -> str | None:
    """Give the only code, "" for all, None for some."""
    if len(held) == len(known):
        return ""
    return held[0] if len(held) == 1 else None


class Released:
    """A release that was read whole and found intact."""

    def __init__(self, header: Header, parts: Sequence[Part]) -> None:
        """Lay out every part.

        Raises
        ------
        StoreUnavailable
            A row is not as it was when the release was made.
        """
        if not releases.intact(header, parts):
            raise StoreUnavailable("release-damaged", number=header.number)
        self.header = header
        self.told = {(part.product, part.period): Told(part) for part in parts}

    def periods(self, product: str = TREE) -> tuple[str, ...]:
        """List the periods of a product, latest first."""
        own = [told.part for (of, _), told in self.told.items() if of == product]
        own.sort(key=lambda part: (part.after_day, part.first_day), reverse=True)
        return tuple(part.period for part in own)

    def part(self, period: str = "", product: str = TREE) -> Told:
        """Give one period of a product; "" is the latest.

        Raises
        ------
        NotFound
            The release has no such product or period.
        """
        periods = self.periods(product)
        chosen = period or (periods[0] if periods else "")
        if chosen not in periods:
            raise NotFound("release-period-unknown", period=period or "–")
        return self.told[product, chosen]

    def answer(self, asked: Asked, level: str = PLACE) -> Answer:
        """Answer a question; raises what `part` and `Told.answer` raise."""
        return self.part(asked.period, asked.product).answer(asked, level)


class ReleasedCache:
    """Keeps the release in force in memory, and notices when another one is."""

    def __init__(self, store: Store) -> None:
        """Remember where to read; nothing is read before the first question."""
        self._store = store
        self._lock = threading.Lock()
        self._held: Released | None = None

    def in_force(self) -> Released | None:
        """Give the release in force; None before the first.

        Raises
        ------
        StoreUnavailable
            It is damaged: nothing of it is told.
        """
        with self._store.read() as connection:
            digest = releases.active_digest(connection)
            with self._lock:
                if self._held is None or self._held.header.digest != digest:
                    self._held = load(connection)
                return self._held


def load(connection: sa.Connection) -> Released | None:
    """Read the release in force; raises what `ReleasedCache.in_force` raises."""
    header = releases.active(connection)
    if header is None:
        return None
    return Released(header, releases.parts(connection, header.number))
