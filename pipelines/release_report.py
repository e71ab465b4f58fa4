"""What planners can see of a release and what they lose, for whoever builds it.

Shares of events only, and only of a hundred or more: the report itself must not give a small
number away.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from geo import cells
from pipelines.grounds import COARSE
from pipelines.release_parts import NO_THEME
from pipelines.released import PLACE, Asked, Told

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.release_parts import Evidence, Period
    from store.releases import Atom, Part

LEAST_EVENTS = 100  # behind a share
WORTH_ASKING = 15  # events a year
THEME, BLOCK = 1, 2  # axes of the counts; places are axis 0
FOCUS = ("priority", "nightlife")


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a period is shown in one way of asking."""

    period: str
    product: str  # place, place-theme, place-theme-block, r8, r9 or tertial
    percent: int | None  # of events whose number speaks of nothing else; None: too few to say
    asked: int | None  # questions about focus areas with 15 events or more; None: not asked so
    answered: int | None  # of these: with a number of their own


def shares(evidence: Evidence, period: Period, part: Part) -> tuple[Share, ...]:
    """Tell how much of a period's events is shown exactly there, per product."""
    told = Told(part)
    slugs = tuple(dict.fromkeys(unit.place for unit in part.units))
    kind = {unit.place: unit.kind for unit in part.units}
    held = _events(evidence, period, slugs)
    found = []
    for name, summed in (
        ("place", (THEME, BLOCK)),
        ("place-theme", (BLOCK,)),
        ("place-theme-block", ()),
    ):
        count = held.sum(axis=summed, keepdims=True)
        exact = np.zeros(count.shape, dtype=bool)
        for place, theme, block in product(*map(range, count.shape)):
            asked = Asked(
                places=(slugs[place],),
                themes=(evidence.themes[theme],) if THEME not in summed else (),
                blocks=(evidence.blocks[block],) if BLOCK not in summed else (),
            )
            exact[place, theme, block] = _known(asked, told) and told.answer(asked, PLACE).exact
        focus = np.array([kind[slug] in FOCUS for slug in slugs])[:, None, None]
        worth = focus & (count >= WORTH_ASKING)
        found.append(
            Share(
                period.name,
                name,
                _percent(int(count[exact].sum()), int(count.sum())),
                int(worth.sum()),
                int((worth & exact).sum()),
            )
        )
    total = sum(atom.count for atom in part.atoms)
    for name, inside in (
        ("r8", _in_one_cell(part, COARSE)),
        ("r9", _in_one_unit(part)),
        ("tertial", [len(atom.tertials) == 1 for atom in part.atoms]),
    ):
        own = sum(atom.count for atom, yes in zip(part.atoms, inside, strict=True) if yes)
        found.append(Share(period.name, name, _percent(own, total), None, None))
    return tuple(found)


def _known(asked: Asked, told: Told) -> bool:
    return set(asked.themes) <= set(told.themes) and set(asked.blocks) <= set(told.blocks)


def _events(evidence: Evidence, period: Period, slugs: tuple[str, ...]) -> NDArray[np.int64]:
    """Count the events by place, theme and block."""
    rows = np.flatnonzero(evidence.inside(period) & (evidence.theme != NO_THEME))
    number = np.array([slugs.index(zone.place) for zone in evidence.grounds.zones])
    place = number[evidence.grounds.leaf_zone[evidence.leaf[rows]]]
    held = np.zeros((len(slugs), len(evidence.themes), len(evidence.blocks)), dtype=np.int64)
    at = (place, evidence.theme[rows], evidence.block[rows])
    np.add.at(held, at, evidence.sample.count[rows])
    return held


def _in_one_cell(part: Part, resolution: int) -> list[bool]:
    """Tell which atoms lie inside one cell of a coarser resolution."""
    inside = []
    for atom in part.atoms:
        units = [part.units[number] for number in atom.units]
        named = [cells.parse(cell) for unit in units for cell in unit.cells]
        parents = np.unique(cells.parents(np.array(named, dtype=np.int64), resolution))
        inside.append(all(unit.cells for unit in units) and parents.size == 1)
    return inside


def _in_one_unit(part: Part) -> list[bool]:
    def alone(atom: Atom) -> bool:
        return len(atom.units) == 1 and part.units[atom.units[0]].level == "cell"

    return [alone(atom) for atom in part.atoms]


def _percent(some: int, whole: int) -> int | None:
    return None if whole < LEAST_EVENTS else round(100 * some / whole)
