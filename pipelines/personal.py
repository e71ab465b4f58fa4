"""Swedish personal identity numbers in text: found, so that they are never stored."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MASK = "######-####"
_SIGNS = " +-\u00a0\u2010\u2011\u2012\u2013\u2014\u2212"  # what stands between date and number
_MOST_SIGNS = 3  # " - "
_DAY = r"(?:0[1-9]|[12]\d|3[01]|6[1-9]|[78]\d|9[01])"  # samordningsnummer add 60
_DATE = r"(?<!\d)(?:(?:19|20)\d{2}|\d{2})(?:0[1-9]|1[0-2])" + _DAY
_PATTERN = re.compile(
    rf"{_DATE}[{re.escape(_SIGNS)}]{{1,{_MOST_SIGNS}}}\d{{4}}(?!\d)"
    # Without a sign between, decimals of a coordinate look the same.
    rf"|(?<!\d[.,]){_DATE}\d{{4}}(?!\d)(?![.,]\d)"
)
_DIGITS = 10
_DOUBLE = 9


def mask(text: str) -> tuple[str, bool]:
    """Put a mask over each personal identity number; tell whether there was one.

    Ten or twelve digits count when they hold a date and their last digit checks (Luhn), so
    that case numbers and coordinates are left alone.
    """
    numbers = _numbers(text)
    return _covered(text, numbers), bool(numbers)


def _numbers(text: str) -> list[str]:
    return [found for found in _PATTERN.findall(text) if _checks(found)]


def _covered(text: str, numbers: Iterable[str]) -> str:
    for number in numbers:
        text = text.replace(number, MASK)
    return text


def masked_lines(lines: Sequence[str], cells: Sequence[Sequence[str]]) -> dict[int, str]:
    """Mask the lines that hold a personal identity number: position -> masked line.

    Numbers are looked for in the lines' cells, because a comma between two cells and a decimal
    comma look the same in the line.
    """
    held = {n: [found for cell in cells[n] for found in _numbers(cell)] for n in _suspects(lines)}
    return {n: _covered(lines[n], numbers) for n, numbers in held.items() if numbers}


def _suspects(lines: Sequence[str]) -> list[int]:
    """Find the lines with six digits and then four, with or without signs between.

    All lines are looked at as one array of bytes, which costs a tenth of a search a line.
    """
    text = "\n".join(lines).encode("latin-1", "replace") + b"\n" * (_DIGITS + _MOST_SIGNS)
    here = np.frombuffer(text, dtype=np.uint8)
    digit = (here - ord("0")) < 10  # noqa: PLR2004 - ten digits; below "0" wraps around
    sign = np.isin(here, list(_SIGNS.encode("latin-1", "replace")))
    size = here.size - _DIGITS - _MOST_SIGNS
    four = digit[:-3] & digit[1:-2] & digit[2:-1] & digit[3:]
    six = four[:size] & digit[4 : size + 4] & digit[5 : size + 5]
    follows = four[6 : size + 6].copy()
    apart = np.ones(size, dtype=bool)
    for gap in range(1, _MOST_SIGNS + 1):
        apart &= sign[5 + gap : size + 5 + gap]
        follows |= apart & four[6 + gap : size + 6 + gap]
    ends = np.cumsum([len(line) + 1 for line in lines])
    found = np.flatnonzero(six & follows)
    rows: list[int] = np.unique(np.searchsorted(ends, found, side="right")).tolist()
    return rows


def _checks(text: str) -> bool:
    digits = [int(sign) for sign in text if sign.isdigit()][-_DIGITS:]
    total = 0
    for place, digit in enumerate(digits):
        value = digit * (2 - place % 2)
        total += value - _DOUBLE if value > _DOUBLE else value
    return total % 10 == 0
