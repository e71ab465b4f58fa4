"""From text cells to typed columns; every cell that cannot be read becomes a fault of its row."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geo import windows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

LONGEST_SHOWN = 80
_YEAR_FIRST = re.compile(r"^(\d{4})([-./]?)(\d{1,2})\2(\d{1,2})(?!\d)")
_YEAR_LAST = re.compile(r"^(\d{1,2})[-./](\d{1,2})[-./](\d{4}|\d{2})(?!\d)")
_MIDNIGHT_24 = re.compile(r"(^|[ T])24[:.]?00")
_ZONED = re.compile(r"\d:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)$")
MOST_EVENTS_A_ROW = 1_000
MINUTES_A_DAY = 1_440


@dataclass(frozen=True, slots=True)
class Fault:
    """Why one row cannot be accepted: reason code, source column, and the cell."""

    reason: str
    column: str
    value: str


@dataclass(slots=True)
class Faults:
    """The first fault of each row of a batch, by the row's position."""

    found: dict[int, Fault] = field(default_factory=dict)

    def add(self, positions: Iterable[int], reason: str, column: str, cells: Sequence[str]) -> None:
        """Note a fault for some rows; a row keeps its first one."""
        for position in positions:
            value = cells[position] if cells else ""
            self.found.setdefault(position, Fault(reason, column, value[:LONGEST_SHOWN]))


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a batch: the cells, stripped, and the name of the column they come from."""

    name: str
    cells: Sequence[str]

    @property
    def given(self) -> NDArray[np.bool_]:
        """Tell which cells hold something."""
        return np.asarray(np.array(self.cells, dtype=object) != "", dtype=bool)


def empty(n: int) -> Column:
    """Stand in for a field that the source does not have."""
    return Column("", [""] * n)


@dataclass(frozen=True, slots=True)
class Moments:
    """n times as they were read; NaT where none was."""

    wall: NDArray[np.datetime64]  # the profile's wall clock, seconds
    utc: NDArray[np.datetime64]  # the instant itself, only where the cell carried a zone
    day_only: NDArray[np.bool_]


def datetimes(column: Column, formats: tuple[str, ...], timezone: str, faults: Faults) -> Moments:
    """Read local wall-clock times, and instants that carry a zone.

    Formats are tried in order, each on the cells that no earlier one could read.
    """
    which, words = _distinct(column)
    wall = np.full(len(words), np.datetime64("NaT"), dtype="datetime64[s]")
    day_only = np.zeros(wall.shape, dtype=bool)
    unread = np.asarray(words != "", dtype=bool)
    for pattern in formats:
        if not unread.any():
            break
        values = _read(words[unread], pattern)
        where = np.flatnonzero(unread)[~np.isnat(values)]
        wall[where] = values[~np.isnat(values)]
        day_only[where] = "%H" not in pattern and "%I" not in pattern
        unread[where] = False
    utc = _zoned(words, unread)
    zoned = ~np.isnat(utc)
    wall[zoned] = windows.to_local(utc[zoned], timezone)
    unread[zoned] = False
    _explain(column, np.flatnonzero(unread[which]), faults)
    return Moments(wall[which], utc[which], day_only[which])


def _read(words: NDArray[np.object_], pattern: str) -> NDArray[np.datetime64]:
    read = pd.to_datetime(pd.Series(words), format=pattern, errors="coerce", exact=True)
    return read.to_numpy().astype("datetime64[s]")


def _distinct(column: Column) -> tuple[NDArray[np.intp], NDArray[np.object_]]:
    """Find the distinct cells, which are read once each, and which of them each row holds."""
    which, words = pd.factorize(np.array(column.cells, dtype=object))
    return which, np.asarray(words, dtype=object)


def _zoned(words: NDArray[np.object_], unread: NDArray[np.bool_]) -> NDArray[np.datetime64]:
    """Read the instants among the words that no format could read; NaT for the others."""
    utc = np.full(len(words), np.datetime64("NaT"), dtype="datetime64[s]")
    with_zone = [n for n in np.flatnonzero(unread).tolist() if _ZONED.search(words[n])]
    if with_zone:
        cells = pd.Series(words[with_zone])
        read = pd.to_datetime(cells, utc=True, errors="coerce", format="ISO8601")
        utc[with_zone] = read.dt.tz_localize(None).to_numpy().astype("datetime64[s]")
    return utc


def _explain(column: Column, positions: NDArray[np.intp], faults: Faults) -> None:
    """Say why a date cannot be read, as closely as the text allows."""
    for position in positions.tolist():
        cell = column.cells[position]
        if _MIDNIGHT_24.search(cell):
            reason = "time-24"
        elif _names_no_day(cell):
            reason = "date-does-not-exist"
        else:
            reason = "date-unreadable"
        faults.add([position], reason, column.name, column.cells)


def _names_no_day(cell: str) -> bool:
    """Tell whether a text has the form of a date that no calendar has, in any usual order."""
    if found := _YEAR_FIRST.match(cell):
        orders = [(found[1], found[3], found[4])]
    elif found := _YEAR_LAST.match(cell):
        first, second, year = found.groups()
        orders = [(f"20{year}"[-4:], *days) for days in ((first, second), (second, first))]
    else:
        return False
    return not any(_is_day(*map(int, order)) for order in orders)


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def clock_minutes(column: Column, formats: tuple[str, ...], faults: Faults) -> NDArray[np.int64]:
    """Read clock times as minutes after midnight; -1 where none is given."""
    minutes: dict[str, int] = {"": -1}
    for cell in set(column.cells) - {""}:
        padded = cell.zfill(4) if cell.isdigit() else cell
        minutes[cell] = _minute(padded, formats)
    values = np.fromiter((minutes[cell] for cell in column.cells), np.int64, len(column.cells))
    for mark, reason in ((_AT_24, "time-24"), (_UNREADABLE, "time-unreadable")):
        faults.add(np.flatnonzero(values == mark).tolist(), reason, column.name, column.cells)
    return values


_AT_24, _UNREADABLE = -2, -3


def _minute(text: str, formats: tuple[str, ...]) -> int:
    if text.replace(":", "").replace(".", "").startswith("2400"):
        return _AT_24
    for pattern in formats:
        read = pd.to_datetime(text, format=pattern, errors="coerce", exact=True)
        if not pd.isna(read):
            return int(read.hour * 60 + read.minute)
    return _UNREADABLE


def numbers(column: Column, faults: Faults) -> NDArray[np.float64]:
    """Read decimal numbers, with a comma or a point; NaN where none is given."""
    which, words = _distinct(column)
    text = pd.Series(words, dtype=object).str.replace(",", ".", regex=False)
    text = text.str.replace("\u2212", "-", regex=False)
    values = pd.to_numeric(text, errors="coerce").to_numpy(dtype=float)[which]
    bad = column.given & ~np.isfinite(values)
    faults.add(np.flatnonzero(bad).tolist(), "not-a-number", column.name, column.cells)
    return values


def counts(column: Column, faults: Faults) -> NDArray[np.int64]:
    """Read how many events a row stands for; one where nothing is given."""
    values = numbers(column, faults)
    values[np.isnan(values)] = 1
    bad = (values != np.floor(values)) | (values < 1) | (values > MOST_EVENTS_A_ROW)
    faults.add(np.flatnonzero(bad).tolist(), "count-out-of-range", column.name, column.cells)
    return np.where(bad, 1, values).astype(np.int64)


def choices(column: Column, allowed: dict[str, str], reason: str, faults: Faults) -> list[str]:
    """Read one of some words, whatever their case; "" where none is given."""
    known = {"": "", **{word.casefold(): slug for word, slug in allowed.items()}}
    slugs = [known.get(cell.casefold()) for cell in column.cells]
    bad = [position for position, slug in enumerate(slugs) if slug is None]
    faults.add(bad, reason, column.name, column.cells)
    return [slug or "" for slug in slugs]


def offence_codes(column: Column) -> list[str]:
    """Read offence codes, giving back the leading zero that spreadsheets eat."""
    return [cell.zfill(4) if cell.isdigit() else cell for cell in column.cells]
