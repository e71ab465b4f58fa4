"""Swedish personal identity numbers in text: found, so that they are never stored."""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MASK = "######-####"
_DAY = r"(?:0[1-9]|[12]\d|3[01]|6[1-9]|[78]\d|9[01])"  # samordningsnummer add 60
_PATTERN = re.compile(
    r"(?<![\d.,])(?:(?:19|20)\d{2}|\d{2})(?:0[1-9]|1[0-2])" + _DAY + r"[-+ ]?\d{4}(?![\d.,]\d|\d)"
)
_DIGITS = 10
_DOUBLE = 9


def mask(text: str) -> tuple[str, bool]:
    """Put a mask over each personal identity number; tell whether there was one.

    Ten or twelve digits count when they hold a date and their last digit checks (Luhn), so
    that case numbers and coordinates are left alone.
    """
    found = False

    def covered(match: re.Match[str]) -> str:
        nonlocal found
        if not _checks(match.group()):
            return match.group()
        found = True
        return MASK

    masked = _PATTERN.sub(covered, text)
    return masked, found


def masked_lines(lines: Sequence[str]) -> dict[int, str]:
    """Mask the lines that hold a personal identity number: position -> masked line.

    All lines are searched as one text, which is much faster than one search a line.
    """
    ends = list(accumulate(len(line) + 1 for line in lines))
    suspects = {bisect_right(ends, m.start()) for m in _PATTERN.finditer("\n".join(lines))}
    covered = {position: mask(lines[position]) for position in sorted(suspects)}
    return {position: text for position, (text, found) in covered.items() if found}


def _checks(text: str) -> bool:
    digits = [int(sign) for sign in text if sign.isdigit()][-_DIGITS:]
    total = 0
    for place, digit in enumerate(digits):
        value = digit * (2 - place % 2)
        total += value - _DOUBLE if value > _DOUBLE else value
    return total % 10 == 0
