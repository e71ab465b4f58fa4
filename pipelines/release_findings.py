"""What may be said about the places of a release, computed from its own numbers alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from geo import change, verdicts
from pipelines.grounds import UNKNOWN
from pipelines.released import PLACE, ZONE, Asked, Told
from store.releases import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from store.releases import Part

FEWEST_COMPARED = 2  # places: one alone is its own level


class _Family(NamedTuple):
    """What is compared with each other: places of one level, in one theme and block."""

    level: str
    theme: str  # "" is all
    block: str  # "" is all


class _Said(NamedTuple):
    """What the comparison with the other places gave."""

    verdict: str
    reasons: str
    expected: float
    ratio_low: float | None
    ratio_high: float | None


class _Moved(NamedTuple):
    """What the comparison with a year before gave."""

    before: int
    trend: str
    ratio: float | None
    low: float | None
    high: float | None


_NOTHING_SAID = (None, "", None, None, None)
_NOT_MOVED = (None, None, None, None, None)


def findings(part: Part, before: Part | None) -> tuple[Finding, ...]:
    """Judge every place and zone that has a number of its own, in each theme and block.

    Parameters
    ----------
    part
        A tree, as it will be told.
    before
        The same a year earlier, on the same ground; None where there is none.

    Notes
    -----
    A place is compared with the level of all places that have a number of their own, per address
    where there is a register and else per square metre: geo.verdicts. Between two years:
    geo.change. Places whose number speaks of something else as well take no part.
    """
    told, earlier = Told(part), None if before is None else Told(before)
    found: list[Finding] = []
    for level in (PLACE, ZONE):
        for theme in ("", *told.themes):
            for block in ("", *told.blocks):
                family = _Family(level, theme, block)
                found += _of_family(family, told, earlier)
    return tuple(found)


def _of_family(family: _Family, told: Told, earlier: Told | None) -> list[Finding]:
    held = _exact(told, family)
    counts = {slug: count for slug, (count, _) in held.items()}
    said = _compared(held)
    moved: Mapping[str, _Moved] = {}
    if earlier is not None and _known(family, earlier):
        past = {slug: count for slug, (count, _) in _exact(earlier, family).items()}
        days = [(each.part.after_day - each.part.first_day).days for each in (earlier, told)]
        moved = _trends(past, counts, (days[0], days[1]))
    return [
        Finding(
            *family[:1],
            slug,
            *family[1:],
            count,
            *said.get(slug, _NOTHING_SAID),
            *moved.get(slug, _NOT_MOVED),
        )
        for slug, count in counts.items()
    ]


def _known(family: _Family, told: Told) -> bool:
    return family.theme in ("", *told.themes) and family.block in ("", *told.blocks)


def _exact(told: Told, family: _Family) -> dict[str, tuple[int, float]]:
    """Give count and exposure of the places whose number speaks of nothing else."""
    asked = Asked(
        themes=(family.theme,) if family.theme else (),
        blocks=(family.block,) if family.block else (),
    )
    found: dict[str, tuple[int, float]] = {}
    for shown in told.answer(asked, family.level).shown:
        slugs = shown.places if family.level == PLACE else shown.zones
        if shown.exact and len(slugs) == 1:
            units = [told.part.units[number] for number in shown.units]
            known = any(unit.kind != UNKNOWN for unit in units)
            exposure = sum(
                unit.area_m2 if unit.addresses is None else unit.addresses for unit in units
            )
            found[slugs[0]] = shown.count, float(exposure) if known else 0.0
    return found


def _compared(held: Mapping[str, tuple[int, float]]) -> dict[str, _Said]:
    """Compare places that have any exposure with the level of them all."""
    slugs = [slug for slug, (_, exposure) in held.items() if exposure > 0]
    if len(slugs) < FEWEST_COMPARED:
        return {}
    count, exposure = np.array([held[slug] for slug in slugs]).T
    excess = verdicts.excess(count.astype(np.int64), exposure)
    judgement = verdicts.judge(excess)
    return {
        slug: _Said(
            judgement.of(i).value,
            " ".join(judgement.codes(i)),
            float(excess.expected[i]),
            _finite(excess.low[i]),
            _finite(excess.high[i]),
        )
        for i, slug in enumerate(slugs)
    }


def _trends(
    past: Mapping[str, int], now: Mapping[str, int], days: tuple[int, int]
) -> dict[str, _Moved]:
    """Compare places that have a number of their own in both years."""
    slugs = [slug for slug in now if slug in past]
    if not slugs:
        return {}
    changes = change.compare_periods(
        np.array([past[slug] for slug in slugs]), np.array([now[slug] for slug in slugs]), days
    )
    return {
        slug: _Moved(
            past[slug],
            str(changes.verdict[i]),
            _finite(changes.ratio[i]),
            _finite(changes.low[i]),
            _finite(changes.high[i]),
        )
        for i, slug in enumerate(slugs)
    }


def _finite(value: np.float64) -> float | None:
    return float(value) if np.isfinite(value) else None
