"""What a house that receives a release can check without knowing the events.

The signature says who wrote it, the fingerprints that nothing was lost on the way. This says that
it is a release at all: that no number is small, that the numbers cannot be subtracted, that what is
said of a place is its number, and that nothing of it gives away what was told before.
"""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import shapely

from geo.errors import Conflict, InvalidParameter
from pipelines.released import Asked, Told
from pipelines.texts import text
from store.releases import PHYSICAL, SENSITIVE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from store.releases import Atom, Finding, Part

LEAST = 5  # no release tells a smaller number, whatever the house that made it chose
MOST_COMBINATIONS = 100_000_000  # of a part's themes, blocks, tertials and units
MARGIN_DEGREES = 0.1  # cells on the border reach outside the envelope

_Code = TypeVar("_Code", int, str)
_Ground = tuple[str, str, str, str, bytes]
_Box = tuple[frozenset[int], frozenset[str], frozenset[str], frozenset[_Ground]]


def require_release(
    parts: Sequence[Part], envelope: tuple[float, float, float, float], today: date
) -> None:
    """Refuse what is no release.

    Parameters
    ----------
    parts
        Its parts.
    envelope
        West, south, east and north of the municipality.
    today
        The municipality's own date.

    Raises
    ------
    InvalidParameter
        A part is there twice or has no atom, is not over or still under embargo; a number is
        small; atoms overlap or leave a hole; sensitive numbers are told by place; a unit lies
        elsewhere; or a finding's number is not the sum of its atoms.
    """
    told = Counter((part.product, part.period) for part in parts)
    for part in parts:
        if told[part.product, part.period] > 1:
            raise InvalidParameter("bundle-part-twice", **_named(part))
        if not part.first_day < part.after_day <= part.embargo_until <= today:
            raise InvalidParameter(
                "bundle-embargo", until=part.embargo_until.isoformat(), **_named(part)
            )
        _require_units(part, envelope)
        _require_numbers(part)
        if part.product == SENSITIVE and len(part.units) > 1:
            raise InvalidParameter("bundle-sensitive", **_named(part))
        _require_disjoint(part)
        _require_findings(part)


def _named(part: Part) -> dict[str, str]:
    return {"product": text(f"release-product-{part.product}"), "period": part.period}


def _require_units(part: Part, envelope: tuple[float, float, float, float]) -> None:
    """Refuse units that have one number, are not there, or lie outside the municipality."""
    known = {unit.number for unit in part.units}
    meant = {number for atom in part.atoms for number in atom.units}
    if len(known) != len(part.units) or meant != known:
        raise InvalidParameter("bundle-units", **_named(part))
    outlines = [unit.outline for unit in part.units if unit.outline]  # None and empty are nowhere
    if outlines:
        west, south, east, north = shapely.total_bounds(outlines).tolist()
        low, high = np.array(envelope[:2]) - MARGIN_DEGREES, np.array(envelope[2:]) + MARGIN_DEGREES
        if (low > (west, south)).any() or (high < (east, north)).any():
            raise InvalidParameter("bundle-elsewhere", **_named(part))


def _require_numbers(part: Part) -> None:
    """Refuse a part without atoms, and an atom that is small."""
    if not part.atoms or len({atom.number for atom in part.atoms}) != len(part.atoms):
        raise InvalidParameter("bundle-atoms", **_named(part))
    for atom in part.atoms:
        if not atom.count >= atom.k >= LEAST:
            raise InvalidParameter("bundle-small", atom=atom.number, least=LEAST, **_named(part))


def _require_disjoint(part: Part) -> None:
    """Refuse atoms that share a combination or, but for a layer, do not cover all of them."""
    places = {unit.number: row for row, unit in enumerate(part.units)}
    themes = _rows(value for atom in part.atoms for value in atom.themes)
    blocks = _rows(value for atom in part.atoms for value in atom.blocks)
    tertials = _rows(value for atom in part.atoms for value in atom.tertials)
    shape = (len(themes), len(blocks), len(tertials), len(places))
    if prod(shape) > MOST_COMBINATIONS:
        raise InvalidParameter("bundle-too-fine", **_named(part))
    taken = np.zeros(shape, dtype=bool)
    for atom in part.atoms:
        box = np.ix_(
            [themes[value] for value in atom.themes],
            [blocks[value] for value in atom.blocks],
            [tertials[value] for value in atom.tertials],
            [places[value] for value in atom.units],
        )
        if taken[box].any():
            raise InvalidParameter("bundle-overlap", atom=atom.number, **_named(part))
        taken[box] = True
    if part.product != PHYSICAL and not taken.all():
        raise InvalidParameter("bundle-hole", **_named(part))


def _rows(values: Iterable[_Code]) -> dict[_Code, int]:
    return {value: row for row, value in enumerate(sorted(set(values)))}


def _require_findings(part: Part) -> None:
    """Refuse what is said of a place twice, or with another number than a reader gets for it."""
    told = Told(part)
    met = Counter((each.level, each.place, each.theme, each.block) for each in part.findings)
    for finding in part.findings:
        once = met[finding.level, finding.place, finding.theme, finding.block] == 1
        if not once or not _is_told(told, finding):
            raise InvalidParameter("bundle-sum", place=finding.place[:80], **_named(part))


def _is_told(told: Told, finding: Finding) -> bool:
    """Tell whether a reader who asks for exactly this gets this finding and this number."""
    asked = Asked(
        period=told.part.period,
        themes=(finding.theme,) if finding.theme else (),
        blocks=(finding.block,) if finding.block else (),
        places=(finding.place,),
        product=told.part.product,
    )
    try:
        shown = told.answer(asked, finding.level).shown
    except InvalidParameter:
        return False
    return any(each.finding == finding and each.count == finding.count for each in shown)


def require_apart(before: Sequence[Part], after: Sequence[Part]) -> None:
    """Refuse parts of one product that share a day: the difference of the two would be told.

    Raises
    ------
    Conflict
        Two new parts share a day, or a new one and one told before under another name.
    """
    for number, part in enumerate(after):
        told = [each for each in before if each.period != part.period]
        for other in (*after[:number], *told):
            apart = part.after_day <= other.first_day or other.after_day <= part.first_day
            if part.product == other.product and not apart:
                raise Conflict("bundle-periods-overlap", other=other.period, **_named(part))


def require_no_difference(before: Iterable[Part], after: Iterable[Part]) -> None:
    """Refuse a part that says something else than it did, unless no small number follows from it.

    Raises
    ------
    Conflict
        A part told before has other atoms now (``bundle-redrawn``), or an atom's number moved by
        less than its `k` (``bundle-moved``).
    """
    known = {(part.product, part.period): part for part in before}
    for part in after:
        earlier = known.get((part.product, part.period))
        if earlier is not None and earlier.digest != part.digest:
            _require_moves(earlier, part)


def _require_moves(before: Part, after: Part) -> None:
    old, new = _boxes(before), _boxes(after)
    whole = len(old) == len(before.atoms) and len(new) == len(after.atoms)
    if not whole or old.keys() != new.keys():
        raise Conflict("bundle-redrawn", **_named(after))
    for box, atom in new.items():
        moved = abs(atom.count - old[box].count)
        if 0 < moved < max(atom.k, old[box].k):
            raise Conflict("bundle-moved", atom=atom.number, moved=moved, **_named(after))


def _boxes(part: Part) -> Mapping[_Box, Atom]:
    """Name each atom by what it speaks of; units by their ground, since numbers may change."""
    ground: dict[int, _Ground] = {
        unit.number: (
            unit.place,
            unit.zone,
            unit.level,
            unit.label,
            b"" if unit.outline is None else shapely.to_wkb(unit.outline),
        )
        for unit in part.units
    }
    return {
        (
            frozenset(atom.tertials),
            frozenset(atom.themes),
            frozenset(atom.blocks),
            frozenset(ground[number] for number in atom.units),
        ): atom
        for atom in part.atoms
    }
