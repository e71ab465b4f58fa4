"""What a release tells of its places beyond their number: when most happens, and of what kind.

Every number here is the answer to a question to the release. Where a claim rests on numbers that
also hold something else, they are used as bounds only and never shown, and nothing is subtracted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from pipelines.release_parts import OTHER_TIMES
from pipelines.released import UNIT, Asked, ground
from store.releases import PHYSICAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    import shapely

    from geo.profile import Profile
    from pipelines.released import Released, Shown, Told

WHOLE_YEAR = 4  # signs in the name of a period that is a year
_KEPT_GROUNDS = 1_000


@dataclass(frozen=True, slots=True)
class Mostly:
    """The block of the week in which a place has more events than in any other."""

    block: str
    count: int
    events: int  # of the whole week
    theme: str  # that it speaks of; "" is all that was asked for


@dataclass(frozen=True, slots=True)
class Fixed:
    """The layer of three years for fixed places."""

    told: Told
    shown: tuple[Shown, ...]  # the largest first


def mostly(
    told: Told, shown: Shown, asked: Asked, level: str, themes: Sequence[str]
) -> Mostly | None:
    """Tell in which block most of a number lies; None where the release does not say.

    Parameters
    ----------
    told, shown, asked, level
        A number, and what it answers; `asked` names no block.
    themes
        The themes of which it may be said alone, where it cannot be said of all together.

    Returns
    -------
    The block whose exact number is above everything that any other could be. Of all that was
    asked for, or else of the largest theme of which it can be told, first those that it can be
    told of more than that it is the long rest of the week.
    """
    whole = _mostly(told, shown, asked, level)
    if whole is not None or asked.themes:
        return whole
    found = []
    for theme in themes:
        if theme in told.themes:
            of = _mostly(told, shown, replace(asked, themes=(theme,)), level)
            if of is not None:
                found.append(replace(of, theme=theme))
    found.sort(key=lambda each: (each.block == OTHER_TIMES, -each.events, each.theme))
    return found[0] if found else None


def _mostly(told: Told, shown: Shown, asked: Asked, level: str) -> Mostly | None:
    week = exactly(told, shown, asked, level)
    if week is None:
        return None
    known: dict[str, int] = {}
    most: dict[str, int] = {}
    for block in told.blocks:
        answer = told.answer(replace(asked, blocks=(block,)), level)
        own = exactly(told, shown, replace(asked, blocks=(block,)), level)
        if own is not None:
            known[block] = own.count
        met = (each.count for each in answer.shown if set(each.units) & set(shown.units))
        most[block] = sum(met) if own is None else own.count
    if not known:
        return None
    best = max(known, key=lambda block: known[block])
    if any(most[block] >= known[best] for block in told.blocks if block != best):
        return None
    return Mostly(best, known[best], week.count, "")


def exactly(told: Told, shown: Shown, asked: Asked, level: str) -> Shown | None:
    """Find the number that speaks of the same ground and of nothing but what is asked."""
    for each in told.answer(asked, level).shown:
        if each.exact and each.units == shown.units:
            return each
    return None


def kinds(told: Told, shown: Shown, asked: Asked, level: str) -> list[tuple[str, int]]:
    """List the themes that have a number of their own on the same ground, the largest first."""
    found = []
    for theme in told.themes:
        own = exactly(told, shown, replace(asked, themes=(theme,)), level)
        if own is not None:
            found.append((theme, own.count))
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))


def seen_themes(profile: Profile) -> list[str]:
    """List the themes whose numbers tell more of what happens than of what the police do."""
    own = [each.theme for each in profile.categories if not each.enforcement_driven]
    return list(dict.fromkeys(own))


@lru_cache(maxsize=_KEPT_GROUNDS)
def lies(told: Told, shown: Shown) -> shapely.Geometry | None:
    """Give the ground of a number as `released.ground` does; rounding it off takes a while."""
    return ground(told, shown)


def fixed(released: Released) -> Fixed | None:
    """Give the latest layer of fixed places; None where it is withheld."""
    if not released.periods(PHYSICAL):
        return None
    told = released.part("", PHYSICAL)
    shown = told.answer(Asked(product=PHYSICAL), UNIT).shown
    return Fixed(told, tuple(sorted(shown, key=lambda each: (-each.count, each.units))))


def too_few_years(released: Released) -> bool:
    """Tell whether the release lacks three whole years in a row."""
    years = {int(each) for each in released.periods() if len(each) == WHOLE_YEAR}
    return not any({year, year + 1, year + 2} <= years for year in years)
