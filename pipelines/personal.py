"""Swedish personal identity numbers in text: found, so that they are never stored."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

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
    """Mask the lines that hold a personal identity number: position -> masked line."""
    covered = {position: mask(lines[position]) for position in _suspects(lines)}
    return {position: text for position, (text, found) in covered.items() if found}


def _suspects(lines: Sequence[str]) -> list[int]:
    """Find the lines with six digits and then four, with or without one sign between.

    All lines are looked at as one array of bytes, which costs a tenth of a search a line.
    """
    text = "\n".join(lines).encode("latin-1", "replace") + b"\n" * (_DIGITS + 1)
    signs = np.frombuffer(text, dtype=np.uint8)
    digit = (signs - ord("0")) < 10  # noqa: PLR2004 - ten digits; below "0" wraps around
    last = signs.size - _DIGITS
    six = np.logical_and.reduce([digit[k : last + k] for k in range(6)])
    four = [np.logical_and.reduce([digit[k + j : last + k + j] for j in range(4)]) for k in (6, 7)]
    apart = np.isin(signs[6 : last + 6], list(b"-+ "))
    found = np.flatnonzero(six & (four[0] | (apart & four[1])))
    ends = np.cumsum([len(line) + 1 for line in lines])
    rows: list[int] = np.unique(np.searchsorted(ends, found, side="right")).tolist()
    return rows


def _checks(text: str) -> bool:
    digits = [int(sign) for sign in text if sign.isdigit()][-_DIGITS:]
    total = 0
    for place, digit in enumerate(digits):
        value = digit * (2 - place % 2)
        total += value - _DOUBLE if value > _DOUBLE else value
    return total % 10 == 0
