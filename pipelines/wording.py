"""What a finding of geo/ is in Swedish: one sentence that stands by itself.

Words of nearness and of time, never of cause; no ratio where there are too few events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from babel.numbers import get_decimal_symbol

from geo.verdicts import Verdict
from pipelines.texts import language, text

if TYPE_CHECKING:
    from geo.effect import Verdict as EffectVerdict
    from geo.emerging import Pattern
    from geo.rings import HoursContrast
    from geo.risk_terrain import Colocated


MOST_DECIMALS = 4


def verdict(found: Verdict) -> str:
    """Name a verdict."""
    return text(f"verdict-{found.value}")


def why(reasons: tuple[str, ...]) -> str:
    """Say why a verdict was given: a sentence for each reason."""
    return " ".join(text(f"why-{reason}") for reason in reasons)


def colocation(found: Colocated, label: str) -> str:
    """Say how many times as many events lie near a kind of feature: nearness, not cause."""
    if found.verdict is Verdict.TOO_FEW or not np.isfinite([found.ratio, found.high]).all():
        return text(
            "colocation-too-few", kind=label, n_near=number(found.n_near), sites=found.sites
        )
    return text(
        "colocation-sentence",
        kind=label,
        ratio=decimal(found.ratio),
        low=decimal(found.low),
        high=decimal(found.high),
        distance_m=number(found.distance_m),
        n_near=number(found.n_near),
        expected=decimal(found.expected),
    )


def hours(found: HoursContrast, window: str, near_m: float) -> str:
    """Say whether a window raises the level near facilities more than elsewhere."""
    shown = (found.near_ratio, found.elsewhere_ratio, found.ratio, found.low, found.high)
    if found.verdict is Verdict.TOO_FEW or not np.isfinite(shown).all():
        return text("hours-too-few", window=window, near_m=number(near_m))
    decimals = _agreeing(found.near_ratio, found.elsewhere_ratio, found.ratio)
    return text(
        "hours-sentence",
        near_m=number(near_m),
        window=window,
        near_ratio=decimal(found.near_ratio, decimals),
        elsewhere_ratio=decimal(found.elsewhere_ratio, decimals),
        ratio=decimal(found.ratio),
        low=decimal(found.low),
        high=decimal(found.high),
    )


def _agreeing(part: float, whole: float, ratio: float) -> int:
    """Give how many decimals two numbers need for a reader's own division to give their ratio."""
    for decimals in range(1, MOST_DECIMALS):
        divisor = round(whole, decimals)
        if divisor and decimal(round(part, decimals) / divisor) == decimal(ratio):
            return decimals
    return MOST_DECIMALS


def finding(found: str) -> str:
    """Say how a map did against the cells that were busiest before: a `geo.backtest.Finding`."""
    return text(f"finding-{found}")


def effect(found: EffectVerdict) -> str:
    """Say what became of an area with a measure, beside its control."""
    return text(f"effect-{found.value}")


def emerging(found: Pattern) -> str:
    """Say how a place has fared month by month."""
    return text(f"emerging-{found.value}")


def change(found: str) -> str:
    """Say which way a number went between two periods."""
    return text(f"change-{found}")


def decimal(value: float, decimals: int = 1) -> str:
    """Write a number with decimals, with the language's own sign between."""
    return f"{value:.{decimals}f}".replace(".", get_decimal_symbol(language()))


def number(value: float) -> str:
    """Write a whole number."""
    return f"{value:.0f}"
