"""Where a written location is: address, crossing, place, street or area, or nowhere known.

The ladder goes from the exact to the vague and rejects rather than guesses: a number that the
register lacks gives the street, never the neighbour; two equally good answers give none.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from rapidfuzz import fuzz, process
from scipy.spatial import cKDTree

from geo.address import (
    ENDINGS,
    SQUARE_ENDINGS,
    STREET_ENDINGS,
    loose_key,
    name_key,
    parse,
    postcode_key,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from geo.address import ParsedAddress
    from geo.profile import Address, Area, NamedPlace

    ToMetres = Callable[
        [NDArray[np.float64], NDArray[np.float64]],
        tuple[NDArray[np.float64], NDArray[np.float64]],
    ]

ADDRESS_M: Final = 10.0
ADDRESS_RANGE_M: Final = 25.0  # "12-14" where the register has only one of the two
LETTERLESS_M: Final = 15.0
CROSSING_M: Final = 25.0
STREET_M: Final = 25.0  # least, for a street with a single address
BUS_STOP_M: Final = 150.0  # least, when the text gives the stop's name but not that it is a stop

WIDEST_AREA_M: Final = 5000.0  # a centroid vaguer than this says nothing
SAME_ADDRESS_M: Final = 150.0  # addresses of one number farther apart are two places
SAME_PLACE_M: Final = 150.0  # two platforms of one bus stop
SAME_STREET_M: Final = 1000.0  # a wider gap between addresses divides namesakes
WIDEST_CROSSING_M: Final = 150.0
CROSSING_SLACK_M: Final = 15.0  # pairs this much farther apart than the nearest count as well

FUZZY_CUT: Final = 86.0
FUZZY_MARGIN: Final = 3.0
FUZZY_SHORTEST: Final = 5  # one wrong letter in four is another word
FUZZY_LONGEST: Final = 60
FUZZY_NAMES: Final = 4  # names of one text that are tried as misspellings
EXACT: Final = 100.0
HALF_SCORE: Final = 50.0  # one street of a crossing is known, the other is not
MOST_CANDIDATES: Final = 5

# Words that tell two streets of otherwise equal name apart; never a misspelling of each other.
QUALIFIERS: Final = frozenset(
    {
        "norra",
        "södra",
        "västra",
        "östra",
        "nedre",
        "övre",
        "inre",
        "yttre",
        "mellersta",
        "stora",
        "lilla",
        "gamla",
        "nya",
        "sankt",
        "sankta",
        "första",
        "andra",
        "tredje",
    }
)
AREA_ORDER: Final = ("priority", "nightlife", "district")  # of namesakes the first is meant
NAME_ENDINGS: Final = tuple(sorted({*STREET_ENDINGS, *SQUARE_ENDINGS}, key=len, reverse=True))


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of several places that an ambiguous text may mean; lon/lat in degrees."""

    label: str
    lon: float
    lat: float
    score: float


@dataclass(frozen=True, slots=True)
class Match:
    """Where a text is, and how far that can be trusted.

    `match_type` is one of coordinates, address, address_without_letter, crossing, place, street,
    area, none, ambiguous. The last two have no position.
    """

    match_type: str
    lon: float | None
    lat: float | None
    score: float  # 0-100: how alike the text and the name of the register are
    uncertainty_m: float | None  # the true place is within this of the point
    source: str
    matched_text: str
    candidates: tuple[Candidate, ...] = ()


NOWHERE: Final = Match("none", None, None, 0.0, None, "", "")


@dataclass(frozen=True, slots=True)
class _Option:
    """One place on the ground that a name may mean."""

    label: str
    lon: float
    lat: float
    uncertainty_m: float
    source: str
    city: str = ""  # only to tell namesakes apart in a list
    rows: tuple[int, ...] = ()  # its addresses, rows of the register
    tags: frozenset[str] = frozenset()  # postcodes, cities and "(Kjula)" that speak for it
    stop: bool = False  # a bus stop


@dataclass(frozen=True, slots=True)
class _Index:
    """Names of one kind, found as written or by their loose spelling."""

    options: Mapping[str, tuple[_Option, ...]]
    loose: Mapping[str, str]

    @classmethod
    def of(cls, options: Mapping[str, tuple[_Option, ...]]) -> _Index:
        spellings = defaultdict(list)
        for key in options:
            spellings[loose_key(key)].append(key)
        alone = {loose: keys[0] for loose, keys in spellings.items() if len(keys) == 1}
        return cls(options, alone)

    def key(self, name: str) -> str | None:
        return name if name in self.options else self.loose.get(loose_key(name))


@dataclass(frozen=True, slots=True)
class _Register:
    """The addresses in one fixed order, whatever order the file had."""

    table: NDArray[np.float64]  # (n, 4) x, y in metres, lon, lat in degrees
    addresses: tuple[Address, ...]
    tags: tuple[frozenset[str], ...]  # city and postcode of each
    by_number: Mapping[tuple[str, int], tuple[int, ...]]
    by_street: Mapping[str, tuple[int, ...]]

    @classmethod
    def of(cls, addresses: Sequence[Address], to_metres: ToMetres) -> _Register:
        keys = {street: name_key(street) for street in {a.street for a in addresses}}
        ordered = sorted(
            {replace(a, letter=a.letter.strip().casefold()) for a in addresses},
            key=lambda a: (
                *(keys[a.street], a.number, a.letter, a.lon, a.lat),
                *(a.street, a.postcode, a.city, a.source),
            ),
        )
        by_number = defaultdict(list)
        by_street = defaultdict(list)
        for row, address in enumerate(ordered):
            by_number[keys[address.street], address.number].append(row)
            by_street[keys[address.street]].append(row)
        tags = {
            (city, postcode): frozenset({name_key(city), postcode_key(postcode)} - {""})
            for city, postcode in {(a.city, a.postcode) for a in ordered}
        }
        return cls(
            _table([a.lon for a in ordered], [a.lat for a in ordered], to_metres),
            tuple(ordered),
            tuple(tags[a.city, a.postcode] for a in ordered),
            {key: tuple(rows) for key, rows in by_number.items()},
            {key: tuple(rows) for key, rows in by_street.items() if key},
        )

    def streets(self) -> dict[str, tuple[_Option, ...]]:
        """Divide every street name into the streets that bear it."""
        return {
            key: tuple(self._street(group) for group in _groups(self.table, rows, SAME_STREET_M))
            for key, rows in self.by_street.items()
        }

    def _street(self, rows: tuple[int, ...]) -> _Option:
        """Stand at the address nearest the middle; every address is within the uncertainty."""
        points = self.table[list(rows)]
        middle = np.vstack([points.min(axis=0), points.max(axis=0)]).mean(axis=0)
        at = points[_distances(points, middle).argmin()]
        reach = float(_distances(points, at).max())
        return self._option(rows, at, max(STREET_M, reach), self.addresses[rows[0]].street)

    def at_numbers(self, rows: tuple[int, ...], least_m: float) -> _Option:
        """Stand in the middle of addresses that answer the same text."""
        points = self.table[list(rows)]
        at = points[0] if len(rows) == 1 else points.mean(axis=0)
        spread = 0.0 if len(rows) == 1 else float(_distances(points, at).max())
        found = [self.addresses[row] for row in rows]
        numbers = "–".join(map(str, sorted({a.number for a in found})))
        letters = {a.letter for a in found}
        letter = letters.pop().upper() if len(letters) == 1 else ""
        label = f"{found[0].street} {numbers}{letter}"
        return self._option(rows, at, max(least_m, spread), label)

    def crossing(self, first: _Option, second: _Option) -> _Option | None:
        """Stand where two streets' addresses come nearest to each other.

        The register has no street lines. All pairs hardly farther apart than the nearest pair
        count: at a crossing they stand around its corners, between parallel streets they lie
        along the whole block and make the uncertainty wide, as it should be.
        """
        ours, theirs = self.table[list(first.rows)], self.table[list(second.rows)]
        tree = cKDTree(ours[:, :2])
        gaps = np.asarray(tree.query(theirs[:, :2])[0])
        gap = float(gaps.min())
        if gap > WIDEST_CROSSING_M:
            return None
        reach = gap + CROSSING_SLACK_M
        near = np.flatnonzero(gaps <= reach)
        pairs = tree.query_ball_point(theirs[near, :2], reach, return_sorted=True)
        middles = np.vstack(
            [(ours[at] + theirs[other]) / 2 for other, at in zip(near, pairs, strict=True)]
        )
        at = middles.mean(axis=0)
        uncertainty = max(CROSSING_M, gap / 2, float(_distances(middles, at).max()))
        rows = tuple(second.rows[other] for other in near)
        return self._option(rows, at, uncertainty, f"{first.label}/{second.label}")

    def _option(
        self, rows: tuple[int, ...], at: NDArray[np.float64], uncertainty_m: float, label: str
    ) -> _Option:
        first = self.addresses[rows[0]]
        return _Option(
            label=label,
            lon=float(at[2]),
            lat=float(at[3]),
            uncertainty_m=uncertainty_m,
            source=first.source,
            city=first.city,
            rows=rows,
            tags=self.tags[rows[0]].union(*(self.tags[row] for row in rows[1:])),
        )


class Gazetteer:
    """The names one municipality knows, and where they are. Answers never depend on order."""

    __slots__ = (
        "_areas",
        "_cities",
        "_keys",
        "_outlines",
        "_places",
        "_register",
        "_street_keys",
        "_streets",
    )

    def __init__(
        self,
        register: _Register,
        streets: _Index,
        places: _Index,
        areas: _Index,
        outlines: Mapping[str, shapely.Geometry],
    ) -> None:
        """Keep the indexes; use `build`."""
        self._register = register
        self._streets = streets
        self._places = places
        self._areas = areas
        self._outlines = outlines
        self._cities = frozenset(map(name_key, {a.city for a in register.addresses})) - {""}
        self._street_keys = sorted(streets.options)
        self._keys = sorted({*streets.options, *places.options, *areas.options})

    @classmethod
    def build(
        cls,
        addresses: Sequence[Address],
        places: Sequence[NamedPlace],
        areas: Sequence[Area],
        to_metres: ToMetres,
    ) -> Gazetteer:
        """Index everything that has a name.

        Parameters
        ----------
        addresses, places, areas
            Reference data in lon/lat, in any order. A place of kind `street` counts where the
            register has no address on that street; of kind `centroid` as an area, unless it is
            vaguer than `WIDEST_AREA_M`. The municipality itself is no answer: a point for all
            of it is a false pile.
        to_metres
            (lon, lat) -> (x, y) in the profile's metric system, vectorised.
        """
        register = _Register.of(addresses, to_metres)
        grounds = _grounds(areas)
        whole = {name_key(area.name) for area in areas if area.kind == "municipality"}
        whole |= {name.removesuffix(" kommun") for name in whole}
        near = [place for place in places if place.uncertainty_m <= WIDEST_AREA_M]
        centres = _named(near, ("centroid",), to_metres)
        middles = {key: (_ground(area, to_metres),) for key, area in grounds.items()}
        return cls(
            register,
            _Index.of(_named(places, ("street",), to_metres) | register.streets()),
            _Index.of(_named(places, ("place", "bus_stop"), to_metres)),
            _Index.of({key: centres[key] for key in centres.keys() - whole} | middles),
            {key: area.outline for key, area in grounds.items()},
        )

    def locate(self, text: str, *, area: str = "") -> Match:
        """Answer where a text is.

        Parameters
        ----------
        text
            A location as somebody wrote it, at most 10,000 characters.
        area
            Area, village, city or postcode of the row. It only decides between namesakes.

        Notes
        -----
        address -> crossing -> place -> street -> area -> none. A misspelt name counts from a
        similarity of `FUZZY_CUT`, and never when a second one is within `FUZZY_MARGIN` of it, nor
        when the text is itself a known name.
        """
        parsed = self._without_city(parse(text))
        hints = _hints(parsed, area)
        for rung in (
            self._at_address,
            self._at_crossing,
            self._at_place,
            self._at_streets_apart,
            self._at_street,
            self._at_area,
            self._at_misspelt,
        ):
            match = rung(parsed, hints)
            if match is not None:
                return match
        return NOWHERE

    def _without_city(self, parsed: ParsedAddress) -> ParsedAddress:
        """Read "fristadstorget eskilstuna" as a name and a city."""
        for name in parsed.names:
            head, _, tail = name.rpartition(" ")
            if head and tail in self._cities:
                names = dict.fromkeys((*parsed.names, head))
                return replace(parsed, names=tuple(names), context=(*parsed.context, tail))
        return parsed

    def _at_address(self, parsed: ParsedAddress, hints: tuple[str, ...]) -> Match | None:
        if parsed.number is None:
            return None
        found = self._street(parsed.street)
        if len(found) > 1:
            return self._undecided(found)
        return self._numbered(*found[0], parsed, hints) if found else None

    def _numbered(
        self, street: str, score: float, parsed: ParsedAddress, hints: tuple[str, ...]
    ) -> Match | None:
        by_number = self._register.by_number
        ends = [parsed.number, parsed.number_to]
        known = [by_number.get((street, end), ()) for end in ends if end is not None]
        rows = tuple(sorted({row for end in known for row in end}))
        if not rows:
            return None
        lettered = tuple(
            row for row in rows if self._register.addresses[row].letter == parsed.letter
        )
        if parsed.number_to is not None:
            kind, apart = "address", SAME_STREET_M
            least = ADDRESS_M if all(known) else ADDRESS_RANGE_M
        elif lettered:
            kind, apart, least, rows = "address", SAME_ADDRESS_M, ADDRESS_M, lettered
        else:
            kind, apart, least = "address_without_letter", SAME_ADDRESS_M, LETTERLESS_M
        groups = _groups(self._register.table, rows, apart)
        options = [self._register.at_numbers(group, least) for group in groups]
        return self._answer(kind, options, hints, score)

    def _at_crossing(self, parsed: ParsedAddress, hints: tuple[str, ...]) -> Match | None:
        for names in combinations(parsed.crossing, 2):
            found = [self._street(name, exact=not parsed.marked) for name in names]
            if all(len(alike) == 1 for alike in found):
                (first, one), (second, other) = sorted(alike[0] for alike in found)
                options = self._crossings(first, second)
                if options:
                    return self._answer("crossing", options, hints, min(one, other))
        return None

    def _crossings(self, first: str, second: str) -> list[_Option]:
        """List where two streets meet; a street does not cross itself."""
        if first == second:
            return []
        met = (
            self._register.crossing(one, other)
            for one in self._streets.options[first]
            for other in self._streets.options[second]
            if one.rows and other.rows
        )
        return [option for option in met if option is not None]

    def _at_place(self, parsed: ParsedAddress, hints: tuple[str, ...]) -> Match | None:
        matches = (self._place(name, parsed, hints, EXACT) for name in parsed.names)
        return next((match for match in matches if match is not None), None)

    def _place(
        self, name: str, parsed: ParsedAddress, hints: tuple[str, ...], score: float
    ) -> Match | None:
        """Look a place up, in doubt as the vaguer thing of that name.

        A name that is also an area's means the area. Bus stops are called after streets and
        areas: unless the text says that it is a stop, such a name means the street or the area,
        and any other stop's name its neighbourhood.
        """
        key = self._places.key(name)
        if key is None:
            return None
        options = self._places.options[key]
        stops = [option for option in options if option.stop]
        if parsed.at_stop and stops:
            return self._answer("place", stops, hints, score)
        if self._areas.key(key):
            return None
        places = [option for option in options if not option.stop]
        if not places and not (key.endswith(STREET_ENDINGS) or self._streets.key(key)):
            places = [replace(o, uncertainty_m=max(BUS_STOP_M, o.uncertainty_m)) for o in stops]
        return self._answer("place", places, hints, score) if places else None

    def _at_streets_apart(self, parsed: ParsedAddress, _: tuple[str, ...]) -> Match | None:
        """Reject "A/B" when both streets are known and do not meet."""
        for names in combinations(parsed.crossing, 2):
            found = [alike for name in names for alike in self._street(name, exact=True)]
            lined = [key for key, _ in found if all(o.rows for o in self._streets.options[key])]
            if len(set(lined)) > 1:
                return self._undecided(found)
        return None

    def _at_street(self, parsed: ParsedAddress, hints: tuple[str, ...]) -> Match | None:
        found = self._street(parsed.street) if parsed.number is not None else []
        if not found:
            score = HALF_SCORE if parsed.marked else EXACT
            found = [(key, score) for key in map(self._streets.key, parsed.names) if key]
        if not found:
            return None
        key, score = found[0]
        return self._answer("street", self._streets.options[key], hints, score)

    def _at_area(self, parsed: ParsedAddress, hints: tuple[str, ...]) -> Match | None:
        keys = map(self._areas.key, (*parsed.names, *parsed.context))
        found = next((self._areas.options[key] for key in keys if key), None)
        return self._answer("area", found, hints, EXACT) if found else None

    def _at_misspelt(self, parsed: ParsedAddress, hints: tuple[str, ...]) -> Match | None:
        names = parsed.names if parsed.number is None else (parsed.street,)
        for name in names[:FUZZY_NAMES]:
            found = self._alike(name, self._keys)
            if len(found) > 1:
                return self._undecided(found)
            if found:
                return self._respelt(*found[0], parsed, hints)
        return None

    def _respelt(
        self, key: str, score: float, parsed: ParsedAddress, hints: tuple[str, ...]
    ) -> Match | None:
        match = self._place(key, parsed, hints, score)
        if match is not None:
            return match
        for kind, index in (("street", self._streets), ("area", self._areas)):
            if key in index.options:
                return self._answer(kind, index.options[key], hints, score)
        return None

    def _street(self, name: str, *, exact: bool = False) -> list[tuple[str, float]]:
        """Give the street of that name, else the streets it may be a misspelling of."""
        key = self._streets.key(name)
        if key is not None:
            return [(key, EXACT)]
        return [] if exact else self._alike(name, self._street_keys)

    def _alike(self, name: str, keys: Sequence[str]) -> list[tuple[str, float]]:
        """List the names that `name` may misspell: one is an answer, several are none."""
        if not FUZZY_SHORTEST <= len(name) <= FUZZY_LONGEST or self._known(name):
            return []
        least = FUZZY_CUT - FUZZY_MARGIN
        near = process.extract(name, keys, scorer=fuzz.ratio, score_cutoff=least, limit=None)
        found = [(key, float(score)) for key, score, _ in near if plausible(name, key)]
        best = max((score for _, score in found), default=0.0)
        if best < FUZZY_CUT:
            return []
        return sorted((key, score) for key, score in found if best - score < FUZZY_MARGIN)

    def _known(self, name: str) -> bool:
        """Tell a correctly written name, which is never corrected into another."""
        indexes = (self._streets, self._places, self._areas)
        return name in self._cities or any(index.key(name) for index in indexes)

    def _undecided(self, found: Iterable[tuple[str, float]]) -> Match:
        """Name what a text may mean when its names do not decide."""
        indexes = (self._places, self._streets, self._areas)
        return _ambiguous(
            (option, score)
            for key, score in found
            for option in next(index.options[key] for index in indexes if key in index.options)
        )

    def _answer(
        self, kind: str, options: Sequence[_Option], hints: tuple[str, ...], score: float
    ) -> Match:
        """Give the one option the hints leave, or all of them without a position."""
        for hint in hints:
            if len(options) == 1:
                break
            options = [o for o in options if self._speaks_for(hint, o)] or options
        if len(options) > 1:
            return _ambiguous((option, score) for option in options)
        (only,) = options
        return Match(kind, only.lon, only.lat, score, only.uncertainty_m, only.source, only.label)

    def _speaks_for(self, hint: str, option: _Option) -> bool:
        """Tell whether an option lies in the city, postcode or area that a hint names."""
        if hint in option.tags:
            return True
        outline = self._outlines.get(hint)
        if outline is None:
            return False
        points = self._register.table[list(option.rows), 2:]
        if not option.rows:
            points = np.array([[option.lon, option.lat]])
        return bool(shapely.contains_xy(outline, points).any())


def _hints(parsed: ParsedAddress, area: str) -> tuple[str, ...]:
    wanted = (parsed.postcode, parsed.city, *parsed.context, name_key(area), postcode_key(area))
    return tuple(dict.fromkeys(filter(None, wanted)))


def _ambiguous(options: Iterable[tuple[_Option, float]]) -> Match:
    named = {
        Candidate(f"{o.label}, {o.city}" if o.city else o.label, o.lon, o.lat, score)
        for o, score in options
    }
    ordered = sorted(named, key=lambda c: (-c.score, c.label, c.lon, c.lat))
    best = ordered[0].score
    return Match("ambiguous", None, None, best, None, "", "", tuple(ordered[:MOST_CANDIDATES]))


def plausible(name: str, known: str) -> bool:
    """Tell a misspelling from another name that happens to be spelt alike.

    Norra and Södra, 1 and 2 are never slips of the pen. Of two names with the same ending the
    stems must be alike by themselves ("björkvägen" is no "björnvägen"), or be the same letters in
    another order.
    """
    if _distinctive(name) != _distinctive(known):
        return False
    (stem, ending), (other, other_ending) = _stem(name), _stem(known)
    if not ending or not other_ending:
        return True
    alike = fuzz.ratio(stem, other) >= FUZZY_CUT or sorted(stem) == sorted(other)
    return ending == other_ending and alike


def _distinctive(key: str) -> set[str]:
    return {word for word in key.split() if len(word) == 1 or word.isdigit() or word in QUALIFIERS}


def _stem(key: str) -> tuple[str, str]:
    for ending in NAME_ENDINGS:
        if key.endswith(ending):
            return key.removesuffix(ending), ENDINGS.get(ending, ending)
    return key, ""


def _table(lon: Sequence[float], lat: Sequence[float], to_metres: ToMetres) -> NDArray[np.float64]:
    """Put x, y, lon, lat side by side: (n, 4)."""
    degrees = np.array([lon, lat], dtype=float).reshape(2, -1)
    metres = to_metres(degrees[0], degrees[1]) if degrees.size else (degrees[0], degrees[1])
    return np.column_stack([*metres, *degrees])


def _distances(points: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    apart: NDArray[np.float64] = np.hypot(points[:, 0] - at[0], points[:, 1] - at[1])
    return apart


def _groups(
    table: NDArray[np.float64], rows: Sequence[int], cell_m: float
) -> list[tuple[int, ...]]:
    """Divide rows where a gap lies between them.

    Works on a grid: closer than `cell_m` is always together, farther than 2.9 times that never,
    unless others bridge the gap. Linear in the number of rows, independent of their order.
    """
    if len(rows) == 1:
        return [tuple(rows)]
    cells = defaultdict(list)
    for row in rows:
        x, y = table[row, :2].tolist()
        cells[math.floor(x / cell_m), math.floor(y / cell_m)].append(row)
    groups = (_take_group(cells, start) for start in sorted(cells))
    return [group for group in groups if group]


def _take_group(cells: dict[tuple[int, int], list[int]], start: tuple[int, int]) -> tuple[int, ...]:
    """Remove the cells that hang together with `start` and give their rows."""
    group = cells.pop(start, [])
    reached = [start] if group else []
    while reached:
        column, line = reached.pop()
        for near in ((column + i, line + j) for i in (-1, 0, 1) for j in (-1, 0, 1)):
            if near in cells:
                group += cells.pop(near)
                reached.append(near)
    return tuple(sorted(group))


def _named(
    places: Sequence[NamedPlace], kinds: tuple[str, ...], to_metres: ToMetres
) -> dict[str, tuple[_Option, ...]]:
    """Index places of some kinds; "Berga (Kjula)" also answers to Berga, for which Kjula speaks."""
    chosen = sorted(
        {place for place in places if place.kind in kinds},
        key=lambda p: (p.name, p.lon, p.lat, p.kind, p.uncertainty_m, p.source),
    )
    table = _table([p.lon for p in chosen], [p.lat for p in chosen], to_metres)
    rows: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row, place in enumerate(chosen):
        short, _, _ = place.name.partition("(")
        for key in {name_key(place.name), name_key(short)} - {""}:
            rows[key][place.kind].append(row)
    gap_m = {"street": SAME_STREET_M}
    return {
        key: tuple(
            _merged([chosen[row] for row in group], table[list(group)])
            for kind, alike in sorted(by_kind.items())
            for group in _groups(table, alike, gap_m.get(kind, SAME_PLACE_M))
        )
        for key, by_kind in rows.items()
    }


def _merged(places: list[NamedPlace], points: NDArray[np.float64]) -> _Option:
    """Make one option of neighbours with one name: the platforms of a stop."""
    at = points.mean(axis=0)
    speak_for = {name_key(place.name.partition("(")[2]) for place in places}
    return _Option(
        label=places[0].name,
        lon=float(at[2]),
        lat=float(at[3]),
        uncertainty_m=max(*(p.uncertainty_m for p in places), float(_distances(points, at).max())),
        source=places[0].source,
        tags=frozenset(speak_for - {""}),
        stop=places[0].kind == "bus_stop",
    )


def _grounds(areas: Sequence[Area]) -> dict[str, Area]:
    """Choose one area per name: the kind that is meant, its pieces put together."""
    named = defaultdict(list)
    for area in areas:
        if area.kind in AREA_ORDER:
            named[name_key(area.name)].append(area)
    return {key: _united(alike) for key, alike in named.items() if key}


def _united(areas: list[Area]) -> Area:
    kind = min((area.kind for area in areas), key=AREA_ORDER.index)
    pieces = sorted(
        (area for area in areas if area.kind == kind),
        key=lambda area: (area.name, area.source, area.outline.wkb),
    )
    if len(pieces) == 1:
        return pieces[0]
    return replace(pieces[0], outline=shapely.union_all([area.outline for area in pieces]))


def _ground(area: Area, to_metres: ToMetres) -> _Option:
    """Stand in the middle of an area; its farthest corner is within the uncertainty."""
    middle = area.outline.centroid
    if not area.outline.contains(middle):
        middle = area.outline.representative_point()
    corners = shapely.get_coordinates(area.outline)
    points = _table([middle.x, *corners[:, 0]], [middle.y, *corners[:, 1]], to_metres)
    reach = float(_distances(points, points[0]).max())
    return _Option(area.name, float(middle.x), float(middle.y), reach, area.source)
