"""The attacker: asks everything a planner may ask, keeps every number, and looks for small ones.

Each number that is told is set beside the true events it speaks of (`Reading`), by what the answer
itself says and by code of the test's own (`tests.attacks.truth`). Then small numbers are looked
for in three ways, each twice: with `geo.disclosure`, and with a few lines here that share nothing
with it.
"""

import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product

import numpy as np
import orjson
import shapely
from scipy import sparse
from scipy.optimize import linprog

from geo import disclosure
from tests.attacks.town import days_of

K = 5
ITEMS = "/ogc/collections/{}/items"
DETAILS = ("place", "zone", "unit")
PHYSICAL = frozenset({"skadegorelse_klotter", "brand"})  # themes of the fixed layer
WHOLE = 0.9999  # share of a zone that a drawing holds when it holds all of it
AT_ONCE = 512  # answers
_OPTION = re.compile(r'<option value="([^"]*)"')
_SELECT = re.compile(r'<select id="(\w+)".*?</select>', re.DOTALL)


class Planner:
    """A planner at the API; everything given passes the witness."""

    def __init__(self, client, witness):
        self.client, self.witness = client, witness

    def get(self, path, headers=None, **asked):
        """Ask for a path with parameters."""
        return self.witness.look(self.client.get(path, params=asked, headers=headers or {}))

    def items(self, collection="release", **asked):
        """Ask a collection, and demand an answer."""
        response = self.get(ITEMS.format(collection), **asked)
        assert response.status_code == 200, response.text
        return orjson.loads(response.content)

    @cached_property
    def words(self):
        """Read from the page what can be asked for."""
        page = self.get("/utgava", headers={"Accept": "text/html"}).text
        found = {m.group(1): _OPTION.findall(m.group(0)) for m in _SELECT.finditer(page)}
        return Words(
            periods=found["period"],
            themes=[each.removeprefix("tema-") for each in found["typ"] if each],
            blocks=[each for each in found["fonster"] if each],
            places=[each for each in found["omrade"] if each],
        )


@dataclass(frozen=True, slots=True)
class Words:
    """What a release can be asked for."""

    periods: list
    themes: list
    blocks: list
    places: list

    @property
    def years(self):
        """List the periods that are whole years."""
        return [each for each in self.periods if each.isdigit()]

    @property
    def windows(self):
        """List all other periods; a frozen release has none."""
        return [each for each in self.periods if not each.isdigit()]


def asking(**parts):
    """Write a question; what asks for everything is left out."""
    written = {
        name: value if isinstance(value, str) else ",".join(map(str, value))
        for name, value in parts.items()
    }
    return {name: value for name, value in written.items() if value}


def all_but_one(values):
    """Give every set that leaves one out."""
    return [[v for v in values if v != left] for left in values]


def finest(words, period, themes=None):
    """Ask for each theme, block and tertial by itself: whoever does sees every atom alone."""
    for theme, block, tertial in product(themes or words.themes, words.blocks, (1, 2, 3)):
        asked = {"theme": [theme], "block": [block], "tertial": [tertial]}
        yield asking(period=period, detail="unit", **asked)


def usual(words, period):
    """Ask what the page offers, and what differencing asks: single, all, all but one."""
    themes, blocks = [[], *([t] for t in words.themes)], [[], *([b] for b in words.blocks)]
    for theme, block, detail in product(themes, blocks, DETAILS):
        yield asking(period=period, theme=theme, block=block, detail=detail)
    for theme, tertial, detail in product(themes, (1, 2, 3), DETAILS):
        yield asking(period=period, theme=theme, tertial=[tertial], detail=detail)
    for theme, block in product(all_but_one(words.themes), blocks):
        yield asking(period=period, theme=theme, block=block, detail="zone")
    for theme, block in product(themes, all_but_one(words.blocks)):
        yield asking(period=period, theme=theme, block=block, detail="zone")
    for place, theme in product(words.places, themes):
        if not (theme and place.startswith("school-")):
            yield asking(period=period, theme=theme, place=[place], detail="unit")
    for tertial, detail in product(all_but_one([1, 2, 3]), DETAILS):
        yield asking(period=period, tertial=tertial, detail=detail)


def windows(words):
    """Ask every period that is no year, coarsely: [0, d) beside [0, d]."""
    for period, theme in product(words.windows, [[], *([t] for t in words.themes)]):
        yield asking(period=period, theme=theme, detail="zone")


def wild(words, period, many, seed):
    """Ask for sets drawn at random."""
    rng = np.random.default_rng(seed)
    for _ in range(many):
        some = {
            name: sorted(rng.choice(values, int(rng.integers(0, len(values))), replace=False))
            for name, values in (
                ("theme", words.themes),
                ("block", words.blocks),
                ("tertial", ["1", "2", "3"]),
            )
        }
        if rng.random() < 0.5:
            some["place"] = sorted(rng.choice(words.places, int(rng.integers(1, 4)), replace=False))
        yield asking(period=period, detail=str(rng.choice(DETAILS)), **some)


@dataclass(frozen=True, slots=True)
class Said:
    """One number as it was told."""

    asked: tuple  # pairs
    period: str
    themes: tuple
    blocks: tuple
    tertials: tuple
    zones: tuple
    places: tuple
    drawn: str  # digest of the geometry; "" where nothing is drawn
    count: int


class Collected:
    """Everything that was told, and what each number speaks of."""

    def __init__(self, truth):
        self.truth = truth
        self.readings = {}  # (rows as bytes, number told) -> a question that gave it
        self.wrong = []  # numbers that are not those of the events they speak of
        self.asked = 0
        self._atoms = defaultdict(dict)  # period -> what was said of an atom -> its rows
        self._shapes, self._grounds = {}, {}
        self._masks = {
            name: {value: column == value for value in set(column.tolist())}
            for name, column in (
                ("theme", truth.theme),
                ("block", truth.block),
                ("tertial", truth.tertial),
                ("zone", truth.zone),
            )
        }
        self.sums = []  # (Said, rows): what a linear program may use

    def fresh(self):
        """Start over with what is known of the atoms."""
        other = Collected(self.truth)
        other._atoms = self._atoms
        other._shapes, other._grounds = self._shapes, self._grounds
        return other

    def ask(self, planner, questions, *, single=False):
        """Ask, and read every number; `single` questions are answered by atoms alone."""
        for asked in questions:
            self.read(asked, planner.items(**asked), single=single)

    def read(self, asked, answer, *, single=False):
        """Read one answer of the collection of the release."""
        self.asked += 1
        whole = np.zeros(self.truth.size, dtype=bool)
        meeting = None if single else self._meeting(asked, answer.get("period"))
        for feature in answer["features"]:
            said = self._said(asked, feature)
            rows = self._rows(said, meeting)
            if rows is None:
                self.wrong.append(said)
                continue
            if single:
                self._atoms[said.period][replace(said, asked=())] = rows
            whole |= rows
            self.keep(rows, said.count, asked)
            self._before(feature["properties"], said)
            self.sums.append((said, rows))
        if "total" in answer:
            self._total(asked, answer, whole)

    def keep(self, rows, count, asked):
        """Remember a number and the rows it speaks of, with one question that gave it."""
        if rows.any() or count:
            self.readings.setdefault((np.packbits(rows).tobytes(), count), asked)

    def _said(self, asked, feature):
        told = feature["properties"]
        drawn = ""
        if feature["geometry"]:
            text = orjson.dumps(feature["geometry"])
            drawn = hashlib.sha256(text).hexdigest()
            if drawn not in self._shapes:
                self._shapes[drawn] = shapely.from_geojson(text)
        lists = (told[name] for name in ("themes", "blocks", "tertials", "zones", "places"))
        pairs = tuple(sorted(asked.items()))
        return Said(pairs, told["period"], *map(tuple, lists), drawn, told["count"])

    def _meeting(self, asked, period):
        return [each for each in self._atoms[period].items() if _meets(asked, each[0])]

    def _rows(self, said, meeting):
        """Find the rows that a number speaks of; None where no reading gives this number."""
        box = self._box(said)
        sure, perhaps = self._ground(said.zones, said.drawn)
        for chosen in product((False, True), repeat=len(perhaps)):
            extra = [each for each, taken in zip(perhaps, chosen, strict=True) if taken]
            rows = box & np.logical_or.reduce([sure, *extra])
            if self.truth.number(rows) == said.count:
                return rows
        return None if meeting is None else self._united(said, sure, meeting)

    def _box(self, said):
        box = self._within(said.period) & self._any("theme", said.themes)
        return box & self._any("block", said.blocks) & self._any("tertial", said.tertials)

    def _within(self, period):
        first, after = map(np.datetime64, days_of(period))
        return (self.truth.day >= first) & (self.truth.day < after)

    def _any(self, column, values):
        """Mark the rows that have one of some values."""
        known = [self._masks[column][each] for each in values if each in self._masks[column]]
        return np.logical_or.reduce([np.zeros(self.truth.size, dtype=bool), *known])

    def _ground(self, zones, drawn):
        """Tell which rows lie on the ground an answer names and draws, and which may."""
        key = zones, drawn
        if key not in self._grounds:
            self._grounds[key] = self._on(zones, self._shapes.get(drawn))
        return self._grounds[key]

    def _on(self, zones, shape):
        """Find the rows on drawn ground.

        A zone that is not drawn whole holds, besides its cells, what is known by its name alone
        or lies in a cell that only touches it: those are in one of its parts, undrawn.
        """
        truth = self.truth
        covered = np.zeros(len(truth.pieces) + 1, dtype=bool)
        if shape is not None:
            shapely.prepare(shape)
            covered[:-1] = shapely.intersects(shape, [piece.inside for piece in truth.pieces])
        sure = np.zeros(truth.size, dtype=bool)
        loose = np.zeros(truth.size, dtype=bool)
        for zone in zones:
            own = truth.zone == zone
            ground = truth.shapes.get(zone)
            if ground is None or _holds(shape, ground):
                sure |= own
            else:
                sure |= own & covered[truth.piece]
                loose |= own & (truth.piece < 0)
        perhaps = [part for part in (loose & ~truth.placed, loose & truth.placed) if part.any()]
        return sure, perhaps

    def _united(self, said, sure, meeting):
        """Put a number together from the atoms that the question meets, as the product says."""
        by_unit = ("detail", "unit") in said.asked
        rows = np.zeros(self.truth.size, dtype=bool)
        for atom, own in meeting:
            on = not set(atom.zones).isdisjoint(said.zones)
            if on and (not by_unit or (own & sure).any() or self._only_loose(own)):
                rows |= own
        box = self._box(said) & self._any("zone", said.zones)
        fits = self.truth.number(rows) == said.count and not (rows & ~box).any()
        return rows if fits else None

    def _only_loose(self, rows):
        return bool((self.truth.piece[rows] < 0).all())

    def _total(self, asked, answer, whole):
        """Read a total: of all numbers shown, or of all that was asked for."""
        lists = (tuple(answer[name]) for name in ("themes", "blocks", "tertials"))
        said = Said((), answer["period"], *lists, (), (), "", answer["total"])
        on = np.ones(self.truth.size, dtype=bool)
        if "place" in asked:
            wanted = asked["place"].split(",")
            on = np.isin(self.truth.zone, wanted) | np.isin(self.truth.place, wanted)
        for rows in (whole, self._box(said) & on):
            if self.truth.number(rows) == answer["total"]:
                self.keep(rows, answer["total"], asked)
                return
        self.wrong.append(said)

    def _before(self, told, said):
        """Read the number of the year before, where one is told beside a trend."""
        if told["before"] is None:
            return
        period = str(int(said.period) - 1)
        lists = (said.themes, said.blocks, said.tertials, said.zones, said.places)
        earlier = Said(said.asked, period, *lists, "", told["before"])
        rows = self._box(earlier) & self._any("zone", said.zones)
        if self.truth.number(rows) != told["before"]:
            self.wrong.append(earlier)
        else:
            self.keep(rows, told["before"], asked=dict(said.asked) | {"period": period})

    def read_physical(self, answer):
        """Read the layer of three years: cells, and one number for all else."""
        rest = np.ones(self.truth.size, dtype=bool)
        for feature in sorted(answer["features"], key=lambda each: each["geometry"] is None):
            said = self._said({}, feature)
            rows = self._box(said)
            if feature["geometry"]:
                shape = self._shapes[said.drawn]
                rows &= np.isin(self.truth.cell, self.truth.cells_in(shape))
                rest &= ~rows
            else:
                rows &= rest
            if self.truth.number(rows) == said.count:
                self.keep(rows, said.count, {"collection": "physical"})
            else:
                self.wrong.append(said)

    # --- the oracle

    @cached_property
    def held(self):
        """Give all distinct readings as a matrix (p, n) of 0 and 1."""
        packed = np.array([np.frombuffer(rows, dtype=np.uint8) for rows, _ in self.readings])
        return np.unpackbits(packed, axis=1, count=self.truth.size)

    @cached_property
    def shown(self):
        """Give the number each reading was told with: (p,)."""
        return np.array([count for _, count in self.readings])

    @property
    def pairs(self):
        """Count the pairs of distinct readings."""
        return len(self.readings) * (len(self.readings) - 1) // 2

    @cached_property
    def slices(self):
        """Join the events that all answers tell together: parts (p, s) and events (s,)."""
        columns, label = np.unique(self.held, axis=1, return_inverse=True)
        return columns, np.bincount(label.ravel(), self.truth.count).astype(np.int64)

    def lonely(self, fewest, most=40):
        """List numbers, and differences of up to `most` events, from fewer than so many places."""
        parts, events = self.slices
        doors = np.unique(self.truth.spot, return_inverse=True)[1].ravel()
        label = np.unique(self.held, axis=1, return_inverse=True)[1].ravel()
        at = np.zeros((events.size, doors.max() + 1), dtype=bool)
        at[label, doors] = True
        dense, size = parts.astype(np.float32), parts.sum(axis=1)
        total = parts.astype(np.int64) @ events
        told = [row for row in parts if at[row.astype(bool)].any(axis=0).sum() < fewest]
        for inner in range(len(parts)):
            more = total - total[inner]
            holds = (dense @ dense[inner] == size[inner]) & (more > 0) & (more <= most)
            rest = [(parts[outer] - parts[inner]) for outer in np.flatnonzero(holds)]
            told += [row for row in rest if at[row.astype(bool)].any(axis=0).sum() < fewest]
        return told

    def published(self):
        """Give all readings to `geo.disclosure`."""
        parts = sparse.csr_array(self.held.astype(np.int64))
        return disclosure.of_records(parts, self.truth.count, self.shown)

    def recovered(self):
        """Find every slice of 1..k-1 events that pairs and chains give away."""
        found = Found()
        found.by_audit = len(disclosure.pairs(self.published(), K).leaks)
        parts, events = self.slices
        dense, size = parts.astype(np.float32), parts.sum(axis=1)
        total = parts.astype(np.int64) @ events
        assert (total == self.shown).all()
        found.alone |= {parts[row].tobytes() for row in np.flatnonzero((total > 0) & (total < K))}
        bits = [int.from_bytes(np.packbits(row).tobytes(), "big") for row in parts]
        for start in range(0, len(parts), AT_ONCE):
            # One product of matrices sets these answers against every other.
            holds = dense[start : start + AT_ONCE] @ dense.T == size
            for outer, row in enumerate(holds, start):
                inner = np.flatnonzero(row & (size < size[outer]))
                more = total[outer] - total[inner]
                for other in inner[(more > 0) & (more < K)]:
                    found.pairs.add((parts[outer] - parts[other]).tobytes())
                    found.one = found.one or self._spoken(outer, other)
                ordered = inner[np.argsort(more, kind="stable")].tolist()
                found.chains |= _chains(outer, ordered, bits, total.tolist())
        return found

    def _spoken(self, *numbers):
        """Give the questions whose answers say too much together."""
        asked = list(self.readings.values())
        return tuple(asked[number] for number in numbers)

    def beside_layer(self):
        """Give all that tells of the themes of the fixed layer: its cells and the trees' atoms.

        The two partitions cut each other into slices that neither tells; whether sums give one
        of them away is a question to linear programs.
        """
        some = self.fresh()
        layer = {key: asked for key, asked in self.readings.items() if "collection" in asked}
        for by_said in self._atoms.values():
            for said, rows in by_said.items():
                if not PHYSICAL.isdisjoint(said.themes):
                    some.keep(rows, said.count, {})
        some.readings |= layer
        return some

    def tight(self, targets, seed=0):
        """Ask what all readings say about their smallest slices: (tried, found)."""
        parts, events = self.slices
        own = parts.any(axis=0)
        parts, events = parts[:, own], events[own]
        small = np.random.default_rng(seed).permutation(np.flatnonzero(events < K))[:targets]
        matrix, sums = sparse.csr_array(parts.astype(float)), self.shown.astype(float)
        return len(small), sum(_agree(matrix, sums, _one(events.size, each)) for each in small)

    def linear(self, period, targets, seed=0):
        """Ask what all sums over whole zones say about small groups: (tried, found).

        The unknowns are zone x theme x block of one period, also those where nothing happened:
        the attacker does not know that. A group of 1..k-1 events is found when its smallest and
        its largest possible number agree.
        """
        zones, themes, blocks = (sorted(set(each.tolist())) for each in self._columns())
        shape = len(zones), len(themes), len(blocks)
        known = {}
        for said, rows in self.sums:
            asked = dict(said.asked)
            whole = not {"tertial", "place"} & set(asked) and asked.get("detail") != "unit"
            if said.period == period and whole:
                cube = self._cube(said, rows, (zones, themes, blocks))
                known[cube.tobytes()] = cube, said.count
        matrix = sparse.csr_array(np.array([cube.ravel() for cube, _ in known.values()], float))
        sums = np.array([count for _, count in known.values()], float)
        truth = self._counted(period, (zones, themes, blocks))
        small = np.argwhere((truth > 0) & (truth < K))
        rng = np.random.default_rng(seed)
        chosen = small[rng.permutation(len(small))[:targets]]
        numbers = np.ravel_multi_index(chosen.T, shape)
        return len(chosen), sum(_agree(matrix, sums, _one(matrix.shape[1], n)) for n in numbers)

    def _columns(self):
        shown = self.truth.theme != ""
        return (getattr(self.truth, name)[shown] for name in ("zone", "theme", "block"))

    def _cube(self, said, rows, axes):
        """Write a sum over whole zones in unknowns."""
        box = self._box(said) & self._any("zone", said.zones)
        if (rows == box).all():
            boxes = [said]
        else:
            meeting = self._meeting(dict(said.asked), said.period)
            boxes = [atom for atom, _ in meeting if set(atom.zones) & set(said.zones)]
        cube = np.zeros([len(axis) for axis in axes], dtype=bool)
        for each in boxes:
            own = (np.isin(a, v) for a, v in zip(axes, _axes(each), strict=True))
            cube[np.ix_(*own)] = True
        return cube

    def _counted(self, period, axes):
        truth = self.truth
        inside = self._within(period) & (truth.theme != "")
        counted = np.zeros([len(axis) for axis in axes], dtype=np.int64)
        values = (truth.zone[inside], truth.theme[inside], truth.block[inside])
        at = tuple(np.searchsorted(a, v) for a, v in zip(axes, values, strict=True))
        np.add.at(counted, at, truth.count[inside])
        return counted


@dataclass(slots=True)
class Found:
    """Small numbers that were found; sets hold each slice once."""

    by_audit: int = 0  # by geo.disclosure
    alone: set = field(default_factory=set)
    pairs: set = field(default_factory=set)
    chains: set = field(default_factory=set)
    one: tuple = ()  # two questions, for whoever has to find out why

    @property
    def distinct(self):
        """Give every slice once: as bits, however it was found."""
        packed = (np.packbits(np.frombuffer(each, np.uint8)) for each in self.alone | self.pairs)
        return self.chains | {int.from_bytes(each.tobytes(), "big") for each in packed}

    @property
    def number(self):
        """Count what was found in any way."""
        return self.by_audit + len(self.distinct)


def _chains(whole, inner, bits, total):
    """Take disjoint answers away from one that holds them, and look at what is left each time.

    The largest goes first; then once more without the first, and without the first three, so
    that one choice does not hide what another would show.
    """
    found = set()
    for skipped in (0, 1, 3):
        left, rest = bits[whole], total[whole]
        for each in inner[skipped:]:
            if bits[each] & left == bits[each]:
                left, rest = left & ~bits[each], rest - total[each]
                if rest < K:
                    if rest > 0:
                        found.add(left)
                    break
    return found


def _one(size, at):
    cost = np.zeros(size)
    cost[at] = 1
    return cost


def _agree(matrix, sums, cost):
    """Tell whether the least and the most that a sum can be are one number."""
    least = linprog(cost, A_eq=matrix, b_eq=sums, bounds=(0, None))
    assert least.status == 0, least.message
    if least.fun > K - 0.5:
        return False
    most = linprog(-cost, A_eq=matrix, b_eq=sums, bounds=(0, None))
    return most.status == 0 and -most.fun - least.fun < 0.5


def _axes(said):
    return said.zones, said.themes, said.blocks


def _meets(asked, atom):
    """Tell whether an atom has a part in what is asked for."""
    said = {
        "theme": atom.themes,
        "block": atom.blocks,
        "tertial": tuple(map(str, atom.tertials)),
        "place": atom.zones + atom.places,
    }
    wanted = {name: asked[name].split(",") for name in said if name in asked}
    return all(not set(values).isdisjoint(said[name]) for name, values in wanted.items())


def _holds(shape, ground):
    if shape is None:
        return False
    return shapely.intersection(shape, ground).area >= WHOLE * ground.area
