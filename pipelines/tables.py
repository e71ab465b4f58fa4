"""Tables as the police send them: area by month by type, taken in whole or not at all.

Two layouts are read. Long: a column each for area, month, type and number. Wide: area and type, and
then one column a month. What the source has hidden (“<5”, “..”, “-”, nothing) stays hidden. The
numbers are a layer of their own, with their source, and are never added to anything.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from geo.errors import InvalidParameter, UnreadableFile
from pipelines import personal, readers
from pipelines.texts import month_name
from store import imports, tables
from store.imports import Counts, Opening
from store.tables import KIND, Figure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from pipelines.readers import Source
    from store.db import Store

SYNTHETIC_PREFIX = "syntetisk"
LONGEST_TEXT = 120
MOST_FIGURES = 1_000_000
GREATEST = 10_000_000
AREA = ("område", "stadsdel", "delområde", "basområde", "lokalpolisområde", "närpo", "area")
MONTH = ("månad", "period", "år och månad", "årmånad", "tid")
TYPE = ("typ", "brottstyp", "brottskategori", "kategori", "brott", "brottsgrupp")
COUNT = ("antal", "antal brott", "antal anmälda brott", "antal anmälningar")
HIDDEN = re.compile(r"|-|–|—|\.{1,3}|…|x|\*|(<|≤|färre än|mindre än)\s*\d+", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,3}(?: \d{3}){1,3}|\d{1,10}(?:[.,]0+)?")  # spaces are plain by then
_YEAR_FIRST = re.compile(
    r"((?:19|20)\d\d)(?:[-/. ](?=\d)|(?=\d\d$))(0?[1-9]|1[0-2])(?:-01(?: 00:00:00)?)?"
)
_MONTH_FIRST = re.compile(r"([a-zåäö]{3,9})\.?[ -]+((?:19|20)\d\d)")
_YEAR_THEN_NAME = re.compile(r"((?:19|20)\d\d)[ -]+([a-zåäö]{3,9})\.?")


@dataclass(frozen=True, slots=True)
class Options:
    """How a table is to be taken in."""

    source: str
    period_column: str = ""  # the column of months, where its name is not one we know
    synthetic: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a table."""

    import_id: int
    figures: int  # taken in now; 0: the very same file was there already
    hidden: int  # of these, hidden by the source
    first: int  # month
    last: int


@dataclass(frozen=True, slots=True)
class _Cell:
    """One number still as text, with where it stood."""

    line: int
    area: str
    type: str
    month: str
    month_column: str
    count: str
    count_column: str


def take_in(store: Store, path: Path, options: Options, now: datetime) -> Report:
    """Take a table in: all of it, or nothing and the place of the fault.

    Raises
    ------
    UnreadableFile
        The file cannot be read as rows.
    InvalidParameter
        A column is missing, or a cell cannot be read; the sentence says which line and column.
    """
    if not options.source.strip() or len(options.source) > LONGEST_TEXT:
        raise InvalidParameter("table-source", most=LONGEST_TEXT)
    figures = _figures(path, options)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    source, name = options.source.strip(), personal.mask(path.name)[0]
    synthetic = options.synthetic or name.casefold().startswith(SYNTHETIC_PREFIX)
    months = [figure.month for figure in figures]
    hidden = sum(figure.count is None for figure in figures)
    about = {"file": name, "hidden": hidden, "first": min(months), "last": max(months)}
    with store.write_alone() as connection:
        there = tables.import_of(connection, source, sha256)
        if there is not None:
            return Report(there, 0, hidden, min(months), max(months))
        import_id = imports.begin(connection, Opening(KIND, source, name, sha256, now, synthetic))
        tables.add(connection, import_id, figures)
        imports.finish(connection, import_id, Counts(len(figures), len(figures), 0, 0), about)
    return Report(import_id, len(figures), hidden, min(months), max(months))


def _figures(path: Path, options: Options) -> list[Figure]:
    """Read every number of a file, and refuse one that is told twice."""
    found: dict[tuple[str, int, str], Figure] = {}
    for cell in _cells(path, readers.open_rows(path), options):
        month = read_month(cell.month)
        if month is None:
            at = _place(path, cell.line, cell.month_column, cell.month)
            raise InvalidParameter("table-month", **at)
        key = (cell.area, month, cell.type)
        if key in found:
            twice = f"{cell.area}, {cell.month}, {cell.type}"
            at = _place(path, cell.line, cell.count_column, twice)
            raise InvalidParameter("table-twice", **at)
        if len(found) == MOST_FIGURES:
            raise InvalidParameter("table-too-large", file=path.name, most=MOST_FIGURES)
        found[key] = Figure(cell.area, month, cell.type, _count(path, cell))
    if not found:
        raise UnreadableFile("file-only-header", file=path.name)
    return list(found.values())


def _place(path: Path, line: int, column: str, value: str) -> dict[str, object]:
    """Say where a fault stands and what stands there."""
    shown = personal.mask(value)[0][:80]
    return {"file": path.name, "line": line, "column": column, "value": shown}


# --- columns -----------------------------------------------------------------------------------


def _cells(path: Path, source: Source, options: Options) -> Iterator[_Cell]:
    """Read the numbers of either layout, in the order of the file."""
    header = [_plain(name) for name in source.header]
    area, kind = _column(path, header, AREA), _column(path, header, TYPE)
    month_names = (_plain(options.period_column),) if options.period_column else MONTH
    wide = [n for n, name in enumerate(source.header) if read_month(name) is not None]
    month = None if wide else _column(path, header, month_names)
    count = None if wide else _column(path, header, COUNT)
    for rows in source.batches:
        for line, cells in zip(rows.lines, rows.cells, strict=True):
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(header):
                raise InvalidParameter("table-width", file=path.name, line=line, value=len(cells))
            padded = [*cells, *[""] * (len(header) - len(cells))]
            named = _name(path, line, source.header[area], padded[area])
            typed = _name(path, line, source.header[kind], padded[kind])
            if month is not None and count is not None:
                places = [(padded[month], source.header[month], count)]
            else:
                places = [(source.header[n], source.header[n], n) for n in wide]
            for told, column, n in places:
                yield _Cell(line, named, typed, told, column, padded[n], source.header[n])


def _column(path: Path, header: list[str], names: tuple[str, ...]) -> int:
    """Find the one column of a meaning."""
    found = [n for n, name in enumerate(header) if name in names]
    if len(found) != 1:
        columns = ", ".join(name for name in header if name)[:200]
        raise InvalidParameter(
            "table-column-twice" if found else "table-column-missing",
            file=path.name,
            wanted=", ".join(names),
            columns=columns,
        )
    return found[0]


def _name(path: Path, line: int, column: str, cell: str) -> str:
    """Read the name of an area or a type as the source writes it."""
    name = unicodedata.normalize("NFC", " ".join(cell.split()))
    if not name or len(name) > LONGEST_TEXT:
        raise InvalidParameter(
            "table-name", file=path.name, line=line, column=column, most=LONGEST_TEXT
        )
    if personal.mask(name)[1]:
        raise InvalidParameter("table-personal-number", file=path.name, line=line, column=column)
    return name


# --- cells -------------------------------------------------------------------------------------


def read_month(text: str) -> int | None:
    """Read a month as ``year * 100 + month``: 2025-03, 202503, mars 2025, 2025 mars; else None."""
    plain = _plain(text)
    if found := _YEAR_FIRST.fullmatch(plain):
        return int(found[1]) * 100 + int(found[2])
    if found := _MONTH_FIRST.fullmatch(plain):
        name, year = found[1], found[2]
    elif found := _YEAR_THEN_NAME.fullmatch(plain):
        year, name = found[1], found[2]
    else:
        return None
    numbers = [n for n in range(1, 13) if month_name(n).startswith(name)]
    return int(year) * 100 + numbers[0] if len(numbers) == 1 else None


def _count(path: Path, cell: _Cell) -> int | None:
    """Read a number; None where the source has hidden it."""
    plain = _plain(cell.count)
    if HIDDEN.fullmatch(plain):
        return None
    number = int(re.sub(r"[.,]0+$|\D", "", plain)) if _NUMBER.fullmatch(plain) else GREATEST + 1
    if number > GREATEST:
        at = _place(path, cell.line, cell.count_column, cell.count)
        raise InvalidParameter("table-count", **at)
    return number


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", " ".join(text.split())).casefold()
