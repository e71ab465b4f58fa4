"""How a part of a release is made: facts, their tree, the ground its atoms lie on, and findings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geo import atoms, cells, crs, disclosure, windows
from geo.atoms import Facts, Level, Rules
from geo.errors import Conflict, InvalidParameter, TooFewObservations
from pipelines import grounds
from pipelines.analyse import sample_of
from pipelines.derive import Deriver
from pipelines.naming import Namer
from store import incidents
from store.releases import PHYSICAL, SENSITIVE, TREE, Atom, Part, Unit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import sqlalchemy as sa
    from numpy.typing import NDArray

    from geo.disclosure import Findings
    from pipelines.grounds import Grounds, Outline
    from store.incidents import Sample

BLOCKS = ("skoltid", "vardagskvall", "helgkvall", "helgnatt")  # windows of the profile, by name
OTHER_TIMES = "ovrig_tid"
PERSON_THEMES = ("vald", "krogvald")
PHYSICAL_THEMES = ("skadegorelse_klotter", "brand")
SENSITIVE_THEME = "kansliga"
SENSITIVE_LEAST = 10
TERTIALS = (1, 2, 3)
ORDER = ("place", "zone", "theme", "block", "r8", "r9", "tertial")
PLACE_LEVELS = ("place", "zone", "r8", "r9")
MUNICIPALITY = "municipality"
MONTHS = 4  # of a tertial
NO_ATOM = -1
NO_THEME = -1  # what never reaches a map
GRID_DEGREES = 1e-6  # corners of outlines: a tenth of a metre


@dataclass(frozen=True, slots=True)
class Choice:
    """What is decided when a release is built."""

    k: int = 5
    k_person: int = 5  # of the themes in PERSON_THEMES; counts where it is more than k
    spots: int = 3
    order: tuple[str, ...] = ORDER
    embargo_days: int = 30
    house: str = ""  # who makes it; "" is the municipality of the profile

    def __post_init__(self) -> None:
        """Refuse an order that names no level, one twice, or a place's levels upside down."""
        places = [PLACE_LEVELS.index(name) for name in self.order if name in PLACE_LEVELS]
        known = set(self.order) <= set(ORDER)
        if not known or len(set(self.order)) < len(self.order) or places != sorted(places):
            raise InvalidParameter("release-order", value=" ".join(self.order))
        if self.embargo_days < 0:
            raise InvalidParameter("release-embargo", value=self.embargo_days)


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of local days that a part speaks of."""

    name: str
    first_day: date
    after_day: date
    tertials: tuple[int, ...] = TERTIALS


class Evidence:
    """Everything a release is built from, read once."""

    def __init__(self, connection: sa.Connection, choice: Choice) -> None:
        """Read the events, and sort each into its leaf, theme, block and tertial.

        Raises
        ------
        NotFound
            No profile was loaded.
        InvalidParameter
            Two of the windows that would be blocks are open at the same time.
        TooFewObservations
            No incident is stored.
        """
        self.choice = choice
        self.profile = (deriver := Deriver(connection)).profile
        self.grounds = grounds.survey(connection)
        self.namer = Namer(connection, self.profile)
        self.addresses = self.grounds.addresses(connection)
        self.sample = _every_incident(connection)
        self.leaf = self.grounds.leaves(self.sample)
        self.spot = self.grounds.spots(self.sample, self.leaf)
        local = windows.to_local(self.sample.starts_at, self.profile.timezone)
        self.day = local.astype("datetime64[D]")
        self.tertial = local.astype("datetime64[M]").astype(np.int64) % 12 // MONTHS
        self.blocks, self.block = _blocks(deriver, self.sample)
        shown = [each for each in self.profile.categories if each.on_map]
        self.themes = tuple(dict.fromkeys(each.theme for each in shown))
        number = {each.code: self.themes.index(each.theme) for each in shown}
        own = [number.get(code, NO_THEME) for code in self.sample.category]
        self.theme = np.where(self.sample.on_map, np.array(own, dtype=np.int64), NO_THEME)

    def inside(self, period: Period) -> NDArray[np.bool_]:
        """Tell which incidents began in a period: (n,)."""
        return (self.day >= np.datetime64(period.first_day)) & (
            self.day < np.datetime64(period.after_day)
        )

    def facts(self, period: Period, place: NDArray[np.int64]) -> Facts:
        """Give the events of a period that may be divided, on a grouping of the leaves: (m,)."""
        rows = np.flatnonzero(self.inside(period) & (self.theme != NO_THEME))
        return Facts(
            count=self.sample.count[rows],
            spot=self.spot[rows],
            leaf={
                "place": place[self.leaf[rows]],
                "theme": self.theme[rows],
                "block": self.block[rows],
                "tertial": self.tertial[rows] - (period.tertials[0] - 1),
            },
        )

    def rules(self, grounds_of: NDArray[np.int64] | None) -> Rules:
        """Give what every atom must hold, with the addresses on each leaf of place."""
        person = np.array([each in PERSON_THEMES for each in self.themes])
        asked = np.where(person, self.choice.k_person, self.choice.k)
        return Rules(
            self.choice.k, self.choice.spots, {"theme": asked.astype(np.int64)}, grounds_of
        )


def _every_incident(connection: sa.Connection) -> Sample:
    """Read every incident.

    Raises
    ------
    TooFewObservations
        There is none.
    """
    span = incidents.span(connection)
    if span is None:
        raise TooFewObservations("no-incidents")
    return sample_of(connection, span[0], span[1] + timedelta(seconds=1))


def _blocks(deriver: Deriver, sample: Sample) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Name the blocks of the week, and tell in which each incident lies: (n,).

    That is the one that holds most of its time, if it holds half of it or more.
    """
    openings = deriver.openings(sample.starts_at, sample.ends_at)
    by_name = {
        window.name: opening
        for window, opening in zip(deriver.profile.windows, openings, strict=True)
    }
    names = tuple(name for name in BLOCKS if name in by_name)
    for one, other in combinations(names, 2):
        if _overlap(by_name[one], by_name[other]):
            raise InvalidParameter("release-blocks-overlap", one=one, other=other)
    if not names:
        return (OTHER_TIMES,), np.zeros(sample.id.shape, dtype=np.int64)
    shares = np.array([by_name[name].shares(sample.starts_at, sample.ends_at) for name in names])
    most = shares.argmax(axis=0)
    whole = shares.max(axis=0) >= windows.WHOLE_EVENT_SHARE
    return (*names, OTHER_TIMES), np.where(whole, most, len(names))


def _overlap(one: windows.Occurrences, other: windows.Occurrences) -> bool:
    """Tell whether two windows are ever open at the same time."""
    if one.always or other.always:
        return True
    starts = np.concatenate([one.starts, other.starts])
    ends = np.concatenate([one.ends, other.ends])
    order = np.argsort(starts)
    return bool((starts[order][1:] < ends[order][:-1]).any())


def divide(evidence: Evidence, period: Period) -> tuple[atoms.Atom, ...]:
    """Build the tree of a period; no atoms where not even all its events together hold."""
    place = evidence.grounds.levels()
    known = {
        "theme": np.arange(len(evidence.themes)),
        "block": np.arange(len(evidence.blocks)),
        "tertial": np.arange(len(period.tertials)),
    }
    levels = {**place, **{name: Level(name, name, of) for name, of in known.items()}}
    chosen = [levels[name] for name in evidence.choice.order]
    sizes = {level.dimension: level.of.size for level in levels.values()}
    chosen += [Level("whole", name, np.zeros(size, np.int64)) for name, size in sizes.items()]
    every_leaf = np.arange(evidence.grounds.leaf_zone.size)
    return atoms.build(
        evidence.facts(period, every_leaf), chosen, evidence.rules(evidence.addresses)
    )


def tree_part(
    evidence: Evidence, period: Period, embargo_until: date, built_at: datetime
) -> Part | None:
    """Make the part of a period, without findings; None where too little happened."""
    found = divide(evidence, period)
    if not found:
        return None
    of_leaf, units = _units(evidence, found)
    least = evidence.rules(None).k_of["theme"]
    listed = [
        Atom(
            number,
            each.count,
            max(evidence.choice.k, int(least[each.leaves["theme"]].max())),
            tuple(period.tertials[i] for i in each.leaves["tertial"].tolist()),
            tuple(evidence.themes[i] for i in each.leaves["theme"].tolist()),
            tuple(evidence.blocks[i] for i in each.leaves["block"].tolist()),
            tuple(np.unique(of_leaf[each.leaves["place"]]).tolist()),
        )
        for number, each in enumerate(found)
    ]
    return Part(
        period.name,
        TREE,
        period.first_day,
        period.after_day,
        embargo_until,
        built_at,
        units,
        tuple(listed),
        (),
    )


def _units(
    evidence: Evidence, found: Sequence[atoms.Atom]
) -> tuple[NDArray[np.int64], tuple[Unit, ...]]:
    """Find the pieces of ground that no atom divides: the unit of each leaf (m,), and the units."""
    ground = evidence.grounds
    told_apart = atoms.units(found, "place", ground.leaf_zone.size)
    pairs = np.column_stack([ground.leaf_zone, told_apart])
    of_leaf = np.unique(pairs, axis=0, return_inverse=True)[1].ravel().astype(np.int64)
    many = int(of_leaf.max()) + 1
    rest = np.zeros(many, dtype=bool)  # a zone's leaf without a cell lies in its remainder
    rest[of_leaf[ground.leaf_cell == grounds.NO_CELL]] = True
    zone = np.zeros(many, dtype=np.int64)
    zone[of_leaf] = ground.leaf_zone
    held = [ground.leaf_cell[of_leaf == unit] for unit in range(many)]
    addresses = evidence.addresses
    count = None if addresses is None else np.bincount(of_leaf, addresses, many).astype(np.int64)
    drawer = _Drawer(evidence)
    return of_leaf, tuple(
        drawer.unit(
            number,
            int(zone[number]),
            None if rest[number] else held[number],
            np.concatenate(
                [held[i] for i in np.flatnonzero((zone == zone[number]) & ~rest)]
                or [np.empty(0, dtype=np.int64)]
            ),
            None if count is None else int(count[number]),
        )
        for number in range(many)
    )


class _Drawer:
    """Draws units: cells inside their zone, and what is left of the zone."""

    def __init__(self, evidence: Evidence) -> None:
        self._zones = evidence.grounds.zones
        self._namer = evidence.namer
        self._epsg = evidence.profile.metric_epsg

    def unit(
        self,
        number: int,
        zone: int,
        own: NDArray[np.int64] | None,
        others: NDArray[np.int64],
        addresses: int | None,
    ) -> Unit:
        """Make a unit of some cells of a zone, or (None) of all but `others`."""
        of = self._zones[zone]
        outline = self._outline(of.outline, own, others)
        listed = () if own is None else tuple(cells.name(cell) for cell in own.tolist())
        return Unit(
            number=number,
            place=of.place,
            place_name=of.place_name,
            kind=of.kind,
            zone=of.slug,
            zone_name=of.name,
            level=_level(outline, listed, others),
            label="" if own is None else self.label(own),
            area_m2=self.area_m2(outline),
            cells=listed,
            addresses=addresses,
            outline=outline,
        )

    def _outline(
        self, zone: Outline | None, own: NDArray[np.int64] | None, others: NDArray[np.int64]
    ) -> shapely.MultiPolygon | None:
        if zone is None:
            return None
        if own is None:
            return drawn(shapely.difference(zone, shapely.union_all(cells.polygons(others))))
        return drawn(shapely.intersection(zone, shapely.union_all(cells.polygons(own))))

    def free(
        self,
        number: int,
        named: tuple[str, str, str, str, str],
        own: NDArray[np.int64],
        addresses: int | None,
    ) -> Unit:
        """Make a unit of one whole cell, or of all cells that were merged: these are not drawn."""
        alone = own.size == 1
        outline = drawn(cells.polygons(own)[0]) if alone else None
        listed = tuple(cells.name(cell) for cell in own.tolist()) if alone else ()
        label = self.label(own) if alone else ""
        level = "cell" if alone else "remainder"
        area_m2 = self.area_m2(outline)
        return Unit(number, *named, level, label, area_m2, listed, addresses, outline)

    def label(self, own: NDArray[np.int64]) -> str:
        """Name some cells after what lies at their middle; "" where nothing has a name."""
        lon, lat = cells.middles(own)
        middle = crs.transform(
            lon.mean(keepdims=True), lat.mean(keepdims=True), crs.WGS84, self._epsg
        )
        return self._namer.names(*middle)[0]

    def area_m2(self, outline: shapely.MultiPolygon | None) -> float:
        """Measure an outline, to whole square metres."""
        if outline is None:
            return 0.0
        flat = shapely.transform(
            outline,
            lambda at: np.column_stack(crs.transform(at[:, 0], at[:, 1], crs.WGS84, self._epsg)),
        )
        return float(round(flat.area))


def _level(
    outline: shapely.MultiPolygon | None, own: Sequence[str], others: NDArray[np.int64]
) -> str:
    if own:
        return "cell" if len(own) == 1 else "cells"
    if outline is None:
        return "nowhere"
    return "remainder" if others.size else "zone"


def drawn(shape: shapely.Geometry) -> shapely.MultiPolygon | None:
    """Round the corners of an outline, and keep its areas only; None where nothing is left."""
    rounded = shapely.set_precision(shape, GRID_DEGREES)
    pieces = [each for each in shapely.get_parts(rounded) if each.geom_type == "Polygon"]
    return shapely.MultiPolygon(pieces) if pieces else None


def units_of_leaves(part: Part, ground: Grounds) -> NDArray[np.int64]:
    """Tell in which unit of a stored part each leaf lies: (m,).

    Raises
    ------
    Conflict
        The part was built on another partition than this.
    """
    zone_no = {zone.slug: number for number, zone in enumerate(ground.zones)}
    found = np.full(ground.leaf_zone.shape, -1, dtype=np.int64)
    leaf = {
        pair: number
        for number, pair in enumerate(
            zip(ground.leaf_zone.tolist(), ground.leaf_cell.tolist(), strict=True)
        )
    }
    try:
        for unit in part.units:
            zone = zone_no[unit.zone]
            if unit.cells:
                found[[leaf[zone, cells.parse(cell)] for cell in unit.cells]] = unit.number
        for unit in part.units:
            if not unit.cells:
                left = (ground.leaf_zone == zone_no[unit.zone]) & (found == -1)
                found[left] = unit.number
    except KeyError as fault:
        raise Conflict("release-places-changed", period=part.period) from fault
    if (found == -1).any():
        raise Conflict("release-places-changed", period=part.period)
    return found


def boxes(part: Part, evidence: Evidence) -> tuple[atoms.Atom, ...]:
    """Give a part's atoms as sets of numbers: units, themes, blocks and tertials.

    Raises
    ------
    Conflict
        The profile has other themes or blocks than the part.
    """
    first = min(value for each in part.atoms for value in each.tertials)
    strange = {value for each in part.atoms for value in each.themes} - set(evidence.themes)
    strange |= {value for each in part.atoms for value in each.blocks} - set(evidence.blocks)
    if strange:
        raise Conflict("release-places-changed", period=part.period)
    return tuple(
        atoms.Atom(
            {
                "place": np.sort(np.array(each.units, dtype=np.int64)),
                "theme": np.sort([evidence.themes.index(value) for value in each.themes]),
                "block": np.sort([evidence.blocks.index(value) for value in each.blocks]),
                "tertial": np.sort([value - first for value in each.tertials]),
            },
            each.count,
        )
        for each in part.atoms
    )


@dataclass(frozen=True, slots=True)
class Located:
    """The events of a stored part, found again in its atoms."""

    rows: NDArray[np.intp]  # (r,) which incidents
    atom: NDArray[np.int64]  # (r,) the atom each lies in
    count: NDArray[np.int64]  # (a,) events in each atom now
    spots: NDArray[np.int64]  # (a,) distinct places


def period_of(part: Part) -> Period:
    """Give the period of a stored part."""
    tertials = sorted({value for atom in part.atoms for value in atom.tertials})
    return Period(part.period, part.first_day, part.after_day, tuple(tertials))


def located(part: Part, evidence: Evidence) -> Located:
    """Find the events of a stored tree in its atoms, as they are now.

    Raises
    ------
    Conflict
        It was built on another partition (``release-places-changed``), or its atoms overlap or
        leave a hole (``release-not-a-tree``).
    """
    of_leaf = units_of_leaves(part, evidence.grounds)
    period = period_of(part)
    sizes = len(evidence.themes), len(evidence.blocks), len(period.tertials)
    table = np.full((len(part.units), *sizes), NO_ATOM)
    for number, box in enumerate(boxes(part, evidence)):
        at = np.ix_(*(box.leaves[name] for name in ("place", "theme", "block", "tertial")))
        if (table[at] != NO_ATOM).any():
            raise Conflict("release-not-a-tree", period=part.period)
        table[at] = number
    if (table == NO_ATOM).any():
        raise Conflict("release-not-a-tree", period=part.period)
    facts = evidence.facts(period, of_leaf)
    atom = table[tuple(facts.leaf[name] for name in ("place", "theme", "block", "tertial"))]
    many = len(part.atoms)
    spot = np.unique(facts.spot, return_inverse=True)[1]
    met = np.unique(atom * (spot.max(initial=0) + 1) + spot) // (spot.max(initial=0) + 1)
    return Located(
        rows=np.flatnonzero(evidence.inside(period) & (evidence.theme != NO_THEME)),
        atom=atom,
        count=np.bincount(atom, facts.count, many).astype(np.int64),
        spots=np.bincount(met, minlength=many),
    )


def recounted(
    part: Part, evidence: Evidence, taken_in: Mapping[int, tuple[int, datetime]]
) -> tuple[Atom, ...]:
    """Count a standing tree's atoms anew, but let a number follow only a change that is not small.

    A number follows if it has grown by its `k` or more without the largest of the imports since,
    and what was taken in since comes from `spots` places or more. All others stay: a smaller
    change would tell of single events, also to an importer who takes the rows that he sent
    himself from what was added; and what a shrunken number lost cannot be looked at any more.

    Parameters
    ----------
    taken_in
        incident id -> the import it came with, and when that was.
    """
    found = located(part, evidence)
    came = [taken_in[key] for key in evidence.sample.id[found.rows].tolist()]
    late = np.array([at > part.built_at for _, at in came], dtype=bool)
    batch = np.unique([number for number, _ in came], return_inverse=True)[1][late]
    news = np.unique(np.column_stack([found.atom, evidence.spot[found.rows]])[late], axis=0)
    places = np.bincount(news[:, 0], minlength=len(part.atoms))
    sent = np.zeros((len(part.atoms), int(batch.max(initial=0)) + 1), dtype=np.int64)
    np.add.at(sent, (found.atom[late], batch), evidence.sample.count[found.rows][late])
    others = found.count - sent.max(axis=1)  # also whoever sent the most learns nothing small
    return tuple(
        replace(atom, count=count)
        if without >= atom.count + atom.k and where >= evidence.choice.spots
        else atom
        for atom, count, without, where in zip(
            part.atoms, found.count.tolist(), others.tolist(), places.tolist(), strict=True
        )
    )


def sensitive_count(evidence: Evidence, period: Period) -> int:
    """Count the events of a period that never reach a map."""
    rows = evidence.inside(period) & (evidence.theme == NO_THEME)
    return int(evidence.sample.count[rows].sum())


def sensitive_part(
    evidence: Evidence, period: Period, embargo_until: date, built_at: datetime
) -> Part | None:
    """Count what never reaches a map, as one number; None where it is too small."""
    rows = np.flatnonzero(evidence.inside(period) & (evidence.theme == NO_THEME))
    count = sensitive_count(evidence, period)
    least = max(evidence.choice.k, SENSITIVE_LEAST)
    if count < least or np.unique(evidence.spot[rows]).size < evidence.choice.spots:
        return None
    unit = _whole_municipality(evidence)
    atom = Atom(0, count, least, period.tertials, (SENSITIVE_THEME,), evidence.blocks, (0,))
    return Part(
        period.name,
        SENSITIVE,
        period.first_day,
        period.after_day,
        embargo_until,
        built_at,
        (unit,),
        (atom,),
        (),
    )


def _whole_municipality(evidence: Evidence) -> Unit:
    names = _municipality(evidence)
    return Unit(0, *names, "nowhere", "", 0.0, (), None, None)


def _municipality(evidence: Evidence) -> tuple[str, str, str, str, str]:
    label = evidence.profile.label
    return MUNICIPALITY, label, MUNICIPALITY, MUNICIPALITY, label


def physical_part(
    evidence: Evidence, period: Period, embargo_until: date, built_at: datetime
) -> Part | None:
    """Count what measures on the ground are about in cells of resolution 9, merged where few.

    None where not even all of it holds.
    """
    ground = evidence.grounds
    cell, of_leaf = np.unique(ground.leaf_cell, return_inverse=True)  # the first is NO_CELL
    facts = evidence.facts(period, of_leaf)
    chosen = [evidence.themes.index(each) for each in PHYSICAL_THEMES if each in evidence.themes]
    own = np.isin(facts.leaf["theme"], chosen)
    addresses = evidence.addresses
    held = None if addresses is None else np.bincount(of_leaf, addresses).astype(np.int64)
    level = Level("r9", "place", np.arange(cell.size))
    rules = Rules(evidence.choice.k, evidence.choice.spots, grounds=held)
    place = facts.leaf["place"][own]
    spot = np.where(place == 0, grounds.NONE, facts.spot[own])  # so that no cell is never alone
    found = atoms.build(Facts(facts.count[own], spot, {"place": place}), [level], rules)
    if not found:
        return None
    themes = tuple(evidence.themes[i] for i in chosen)
    drawer = _Drawer(evidence)
    units, listed = [], []
    for number, each in enumerate(found):
        cells_of = cell[each.leaves["place"]]
        counted = None if held is None else int(held[each.leaves["place"]].sum())
        named = _municipality(evidence)
        units.append(drawer.free(number, named, cells_of[cells_of != grounds.NO_CELL], counted))
        about = (evidence.choice.k, period.tertials, themes, evidence.blocks, (number,))
        listed.append(Atom(number, each.count, *about))
    return Part(
        period.name,
        PHYSICAL,
        period.first_day,
        period.after_day,
        embargo_until,
        built_at,
        tuple(units),
        tuple(listed),
        (),
    )


def joint_findings(
    evidence: Evidence, years: Sequence[tuple[Period, Part]], physical: Part
) -> Findings:
    """Ask what the physical layer and the trees of its years say together; raises `Conflict`."""
    ground = evidence.grounds
    columns = [units_of_leaves(tree, ground) for _, tree in years]
    columns.append(_cell_units(physical, ground))
    piece, of_leaf = np.unique(np.column_stack(columns), axis=0, return_inverse=True)
    of_leaf = of_leaf.ravel().astype(np.int64)
    rows = []
    for number, (_, tree) in enumerate(years):
        rows += [_on_pieces(box, piece[:, number], [number]) for box in boxes(tree, evidence)]
    layer = [_on_pieces(box, piece[:, -1], range(len(years))) for box in boxes(physical, evidence)]
    events = [evidence.facts(period, of_leaf) for period, _ in years]
    leaf = {name: np.concatenate([each.leaf[name] for each in events]) for name in events[0].leaf}
    leaf["year"] = np.repeat(np.arange(len(years)), [each.count.size for each in events])
    joined = Facts(
        np.concatenate([each.count for each in events]),
        np.concatenate([each.spot for each in events]),
        leaf,
    )
    sizes = {
        "place": len(piece),
        "theme": len(evidence.themes),
        "block": len(evidence.blocks),
        "tertial": len(TERTIALS),
        "year": len(years),
    }
    return disclosure.joint(rows, layer, joined, sizes, evidence.choice.k)


def _on_pieces(box: atoms.Atom, unit: NDArray[np.int64], years: Sequence[int]) -> atoms.Atom:
    """Say a box in pieces of ground, of which each lies in one unit, and in years."""
    place = np.flatnonzero(np.isin(unit, box.leaves["place"]))
    return atoms.Atom({**box.leaves, "place": place, "year": np.array(years)}, box.count)


def _cell_units(physical: Part, ground: Grounds) -> NDArray[np.int64]:
    """Tell in which unit of the physical layer each leaf lies: (m,)."""
    unit = {cells.parse(cell): each.number for each in physical.units for cell in each.cells}
    rest = next(each.number for each in physical.units if not each.cells)
    return np.array([unit.get(cell, rest) for cell in ground.leaf_cell.tolist()], dtype=np.int64)
