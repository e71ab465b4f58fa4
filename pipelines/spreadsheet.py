"""Tables for a spreadsheet program: the only place that writes them.

A spreadsheet runs a cell that begins like a formula, whoever wrote it: the sender of a file, a
passer-by who named a place. So such a cell gets an apostrophe in front, headers too, and
`as_written` takes it off again, exactly.
"""

from __future__ import annotations

import csv
import io
import re
from itertools import chain
from typing import TYPE_CHECKING

from geo.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

DELIMITER = ";"  # what a Swedish Excel expects
LONGEST_CELL = 32_767  # Excel cuts what is longer, and says nothing
# Blanks, and signs that nobody sees, do not keep every program from finding the formula behind.
_BLANK = "[\\s\x00-\x1f\x7f\u200b-\u200f\u2060\ufeff]*"
_FORMULA = re.compile(rf"'*(?:[\t\r\n]|{_BLANK}[-=+@＝＋－＠])")
_SIGNED_NUMBER = re.compile(r"[-+][0-9]+(?:[.,][0-9]+)*")


def harmless(cell: str) -> str:
    """Keep a spreadsheet from running a cell as a formula; a signed number stays a number."""
    return f"'{cell}" if _would_run(cell) else cell


def as_written(cell: str) -> str:
    """Take off what `harmless` put on: whatever the cell, it comes back as it was."""
    return cell[1:] if cell.startswith("'") and _would_run(cell[1:]) else cell


def _would_run(cell: str) -> bool:
    return bool(_FORMULA.match(cell)) and not _SIGNED_NUMBER.fullmatch(cell)


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[str | int]]) -> Iterator[str]:
    """Yield a table line by line as a Swedish Excel reads it, after the mark of UTF-8.

    Raises
    ------
    InvalidParameter
        A cell is longer than a spreadsheet keeps: better no table than one that lost its end.
    """
    text = io.StringIO()
    writer = csv.writer(text, delimiter=DELIMITER)
    text.write("\ufeff")
    for line, row in enumerate(chain([header], rows), 1):
        writer.writerow([_cell(value, line) for value in row])
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def _cell(value: str | int, line: int) -> str | int:
    if isinstance(value, int):
        return value
    cell = harmless(value)
    if len(cell) > LONGEST_CELL:
        raise InvalidParameter("cell-too-long-for-sheet", line=line, most=LONGEST_CELL)
    return cell


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str | int]]) -> None:
    """Write a table to a new file that nobody but its owner may read."""
    path.touch(mode=0o600, exist_ok=False)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(csv_lines(header, rows))
