"""One batch of rows on its way in: columns picked, faults noted, what was met counted."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from pipelines import fields, personal
from pipelines.fields import Column, Faults
from pipelines.mapping import ANY_OTHER, Layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipelines.readers import Rows

KEY_BYTES = 16


class Batch:
    """Rows of one source with their fields and the faults found so far."""

    def __init__(self, rows: Rows, header: list[str], layout: Layout) -> None:
        """Pick the layout's columns; a row with too few or too many cells is a fault."""
        self.rows = rows
        self.layout = layout
        self.faults = Faults()
        self.size = len(rows.lines)
        self._columns = self._by_name(header)
        self.masked = self._refuse_personal()

    def _by_name(self, header: list[str]) -> dict[str, list[str]]:
        width = len(header)
        cells = self.rows.cells
        ragged = [n for n, row in enumerate(cells) if len(row) != width]
        if ragged:
            widths = [str(len(row)) for row in cells]
            self.faults.add(ragged, "wrong-cell-count", "", widths)
            blank = [""] * width
            cells = [row if len(row) == width else blank for row in cells]
        columns = zip(*cells, strict=True)
        return {
            name: [cell.strip() for cell in column]
            for name, column in zip(header, columns, strict=True)
        }

    def _refuse_personal(self) -> dict[int, str]:
        """Find rows with a personal identity number; give their masked raw texts."""
        masked = personal.masked_lines(self.rows.raws, self.rows.cells)
        self.faults.add(masked, "personal-number", "", [])
        return masked

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
        """Give a row's raw text, masked where it held a personal identity number."""
        return self.masked.get(position, self.rows.raws[position])

    def digests(self) -> list[bytes]:
        """Fingerprint what each row says in the columns that are read."""
        read = [self._columns[name] for name in sorted(self.layout.needed_columns())]
        return [
            hashlib.blake2b("\x1f".join(cells).encode(), digest_size=KEY_BYTES).digest()
            for cells in zip(*read, strict=True)
        ]


class Occurrences:
    """How often each digest has been met in this file, in 8 bytes a row."""

    def __init__(self) -> None:
        """Begin with none."""
        self._met = np.empty(0, dtype=np.uint64)

    def before(self, digests: Sequence[bytes]) -> NDArray[np.int64]:
        """Tell how often each digest was met in earlier batches."""
        short = _short(digests)
        return np.searchsorted(self._met, short, "right") - np.searchsorted(self._met, short)

    def add(self, digests: Sequence[bytes]) -> None:
        """Remember the digests of a batch."""
        self._met = np.sort(np.concatenate([self._met, _short(digests)]), kind="stable")

    def number(self, digests: Sequence[bytes]) -> list[int]:
        """Count up rows that say the same: 0 for the first, 1 for its twin, and so on."""
        within: Counter[bytes] = Counter()
        numbers = []
        for digest, earlier in zip(digests, self.before(digests).tolist(), strict=True):
            numbers.append(earlier + within[digest])
            within[digest] += 1
        self.add(digests)
        return numbers


def _short(digests: Sequence[bytes]) -> NDArray[np.uint64]:
    return np.frombuffer(b"".join(digest[:8] for digest in digests), dtype=np.uint64)
