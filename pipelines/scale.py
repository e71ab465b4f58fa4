"""From a count to a class and a colour, as the pages' `scale.js` does it, for pictures and files.

A test in tests/browser holds the two against each other.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from math import floor, inf, log10
from typing import TYPE_CHECKING

from pipelines import colours
from pipelines.texts import text

if TYPE_CHECKING:
    from collections.abc import Sequence

NICE = (
    *(1, 2, 3, 4, 5, 7, 10, 15, 20, 25, 30, 40, 50, 60, 75, 100),
    *(125, 150, 200, 250, 300, 400, 500, 750),
)


@dataclass(frozen=True, slots=True)
class Class:
    """Counts that share a colour."""

    low: int
    high: float  # included; infinite in the last class
    label: str
    colour: str
    ink: str  # read on the colour


def classes(counts: Sequence[int]) -> list[Class]:
    """Divide counts into at most five classes whose limits are whole, plain numbers.

    Few different counts get a class each; otherwise the limits grow by an even factor. Zero, which
    means that only events of uncertain time are there, gets a class of its own before the others.
    """
    whole = [count for count in counts if count > 0]
    steps = len(colours.COUNTS)
    limits: list[int] = []
    if whole:
        fewest, most = min(whole), max(whole)
        few = most - fewest < steps
        limits = list(range(fewest, most + 1)) if few else _evenly(fewest, most)
    found = []
    for number, (low, after) in enumerate(pairwise([*limits, inf])):
        shade = 1 if len(limits) == 1 else _half_up(number * (steps - 1) / (len(limits) - 1))
        high = after - 1
        label = _label(int(low), high, max(whole))
        found.append(Class(int(low), high, label, colours.COUNTS[shade], colours.INKS[shade]))
    if 0 in counts:
        label = text("js-scale-uncertain")
        found.insert(0, Class(0, 0, label, colours.UNCERTAIN, colours.INKS[0]))
    return found


def class_of(every: Sequence[Class], count: int) -> Class | None:
    """Find the class of a count."""
    return next((one for one in every if one.low <= count <= one.high), None)


def colour_of(every: Sequence[Class], count: int | None) -> str:
    """Find the colour of a count; None is a number that cannot be compared with others."""
    if count is None:
        return colours.BOUNDED
    one = class_of(every, count)
    return colours.UNCERTAIN if one is None else one.colour


def _evenly(fewest: int, most: int) -> list[int]:
    steps = len(colours.COUNTS)
    limits = [_nice(fewest * (most / fewest) ** (i / steps)) for i in range(steps)]
    first = max((one for one in NICE if one <= fewest), default=fewest)
    lows = dict.fromkeys([min(first, limits[0]), *limits[1:]])
    return [low for low in lows if low <= most]


def _nice(number: float) -> int:
    """Round to a plain number: of the nearest two the smaller one at a tie."""
    if number > NICE[-1]:
        size: int = 10 ** floor(log10(number) - 1)
        return _half_up(number / size) * size
    after = bisect_left(NICE, number)
    near = NICE[max(after - 1, 0) : after + 1]
    return min(near, key=lambda one: (abs(one - number), one))


def _half_up(number: float) -> int:
    return floor(number + 0.5)


def _label(low: int, high: float, most: int) -> str:
    if low in (high, most):
        return str(low)
    return text("js-scale-at-least", low=low) if high == inf else f"{low}–{int(high)}"
