"""One batch of rows on its way in: columns picked, faults noted, what was met counted."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import numpy as np

from pipelines import fields, personal, readers
from pipelines.fields import Column, Faults
from pipelines.mapping import ANY_OTHER, Layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipelines.readers import Rows, Source


class Batch:
    """Rows of one source with their fields and the faults found so far."""

    def __init__(self, rows: Rows, source: Source, layout: Layout) -> None:
        """Pick the layout's columns; a row with too few or too many cells is a fault."""
        self.rows = rows
        self.layout = layout
        self._header = source.header
        self._delimiter = source.delimiter
        self.faults = Faults()
        self.size = len(rows.lines)
        self._columns = self._by_name()
        masked = personal.masked_lines(rows.raws, rows.cells)
        self.faults.add(masked, "personal-number", "", [])
        # A mask left from the quarantine stands for a number that nobody has taken out yet.
        left = [n for n, raw in enumerate(rows.raws) if personal.MASK in raw]
        self.faults.add(left, "personal-number", "", [])

    def _by_name(self) -> dict[str, list[str]]:
        width = len(self._header)
        cells = self.rows.cells
        ragged = [n for n, row in enumerate(cells) if len(row) != width]
        if ragged:
            widths = [str(len(row)) for row in cells]
            self.faults.add(ragged, "wrong-cell-count", "", widths)
            blank = [""] * width
            cells = [row if len(row) == width else blank for row in cells]
        columns = zip(*cells, strict=True)
        return {
            name: [_plain(cell) for cell in column]
            for name, column in zip(self._header, columns, strict=True)
        }

    def column(self, name: str) -> Column:
        """Give a field's cells after constants and value maps."""
        if name in self.layout.constants:
            return Column(name, [self.layout.constants[name]] * self.size)
        source = self.layout.columns.get(name)
        if source is None:
            return fields.empty(self.size)
        cells: Sequence[str] = self._columns[source]
        values = self.layout.values.get(name)
        if values is not None:
            known = {key.casefold(): value for key, value in values.items()}
            other = values.get(ANY_OTHER)
            cells = [
                known.get(cell.casefold(), other if other is not None else cell) for cell in cells
            ]
        return Column(source, cells)

    def source_column(self, name: str) -> list[str]:
        """Give a column of the file by its own name."""
        return self._columns[name]

    def require(self, column: Column, reason: str) -> None:
        """Note a fault where a field is missing."""
        self.faults.add(np.flatnonzero(~column.given).tolist(), reason, column.name, [])

    def good(self) -> NDArray[np.intp]:
        """Give the positions of rows without a fault."""
        fine = np.ones(self.size, dtype=bool)
        fine[list(self.faults.found)] = False
        return np.flatnonzero(fine)

    def raw(self, position: int) -> str:
        """Give a row's text for the quarantine, without what we were not asked to read.

        Cells of columns that the layout does not read are left blank, because an export may carry
        a narrative or a name there. In a row of another width nobody can tell which cell is
        which, so everything from the first such column on is left out. A personal identity number
        is masked.
        """
        read = self.layout.needed_columns()
        unread = [n for n, name in enumerate(self._header) if name not in read]
        cells = self.rows.cells[position]
        if len(cells) == len(self._header):
            cells = ["" if n in unread else cell for n, cell in enumerate(cells)]
        elif unread:
            cells = cells[: unread[0]]
        kept = [personal.mask(cell)[0] for cell in cells]
        if kept == self.rows.cells[position]:
            return self.rows.raws[position]
        return readers.as_line(kept, self._delimiter or readers.RAW_DELIMITER)


NOTHING = "NULL"  # how a database writes an empty cell into an export


def _plain(cell: str) -> str:
    """Strip a cell and compose its letters, so that "Å" is one sign whoever wrote it."""
    cell = cell.strip()
    if cell == NOTHING:
        return ""
    return cell if cell.isascii() else unicodedata.normalize("NFC", cell)
