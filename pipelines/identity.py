"""When two rows are the same: fingerprints of what rows say, whatever their file looked like.

A row's content is what our own fields hold after reading: codes with their leading zero, instants,
numbers. So a column that is spelt, ordered or formatted otherwise, a CSV and a workbook of the
same export, make the same fingerprint. The recipe must not change once rows are stored, because
the source rows are not kept; `RECIPE` names it (docs/adr/0011).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

RECIPE = "1"
DIGEST_BYTES = 16
MICRODEGREES = 1e6


def digest(text: str) -> bytes:
    """Fingerprint a text in 16 bytes."""
    return hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).digest()


def contents(columns: Sequence[Sequence[object]]) -> list[bytes]:
    """Fingerprint each row of equally long columns of texts and whole numbers."""
    return [digest(f"{RECIPE}{row!r}") for row in zip(*columns, strict=True)]


def seconds(instants: NDArray[np.datetime64]) -> list[int]:
    """Write instants as whole seconds, for a fingerprint."""
    whole: list[int] = instants.astype("datetime64[s]").astype(np.int64).tolist()
    return whole


def microdegrees(degrees: NDArray[np.float64]) -> list[int]:
    """Write degrees as whole millionths (a decimetre), for a fingerprint; NaN as a fixed number."""
    whole = np.where(np.isfinite(degrees), np.round(degrees * MICRODEGREES), -1e12)
    numbers: list[int] = whole.astype(np.int64).tolist()
    return numbers


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
        for each, earlier in zip(digests, self.before(digests).tolist(), strict=True):
            numbers.append(earlier + within[each])
            within[each] += 1
        self.add(digests)
        return numbers


def _short(digests: Sequence[bytes]) -> NDArray[np.uint64]:
    return np.frombuffer(b"".join(each[:8] for each in digests), dtype=np.uint64)
