"""Counting incidents in every combination of cell, area, month and category."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geo.checks import require_weights
from geo.errors import InvalidParameter
from geo.windows import WHOLE_EVENT_SHARE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Tally:
    """m combinations that occur, in ascending order of the keys, and what each holds."""

    keys: tuple[NDArray[np.int64], ...]  # each (m,)
    count: NDArray[np.int64]  # (m,) whole events: those with at least half their time inside
    weight: NDArray[np.float64]  # (m,) events x share of their time inside


def tally(
    keys: Sequence[NDArray[np.int64]],
    events: NDArray[np.int64],
    share: NDArray[np.float64],
) -> Tally:
    """Count events in every combination of keys that occurs.

    Parameters
    ----------
    keys
        One or more (n,) integer arrays; rows with equal values in all of them belong together.
    events
        (n,) how many equal events each row stands for.
    share
        (n,) which share of the row's time counts, in [0, 1]; rows with share 0 are left out.

    Raises
    ------
    InvalidParameter
        Shapes differ, there is no key, a share is not in [0, 1], or the combinations exceed
        64 bits.

    Notes
    -----
    Sums over all combinations equal the input: the weights add up to ``(events * share).sum()``.
    """
    if not keys or any(key.shape != events.shape for key in (*keys, share)):
        raise InvalidParameter("shapes-differ")
    if not np.issubdtype(events.dtype, np.integer):
        raise InvalidParameter("events-not-whole")
    require_weights(events.astype(np.float64))
    if not ((share >= 0) & (share <= 1)).all():
        raise InvalidParameter("share-out-of-range")
    inside = share > 0
    held, part = events[inside], share[inside]
    combined = np.zeros(held.size, dtype=np.int64)
    values: list[NDArray[np.int64]] = []
    size = 1
    for key in keys:
        distinct, position = np.unique(key[inside], return_inverse=True)
        size *= max(distinct.size, 1)
        if size > np.iinfo(np.int64).max:
            raise InvalidParameter("too-many-combinations", combinations=size)
        combined = combined * max(distinct.size, 1) + position
        values.append(distinct)
    found, row = np.unique(combined, return_inverse=True)
    columns: list[NDArray[np.int64]] = []
    rest = found
    for distinct in reversed(values):
        columns.append(distinct[rest % max(distinct.size, 1)])
        rest = rest // max(distinct.size, 1)
    whole = held * (part >= WHOLE_EVENT_SHARE)
    return Tally(
        keys=tuple(reversed(columns)),
        count=np.bincount(row, whole, found.size).astype(np.int64),
        weight=np.bincount(row, held * part, found.size).astype(np.float64),
    )
