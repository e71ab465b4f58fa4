"""Which points are false piles: many events on a spot only because their place was unknown."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.spatial import cKDTree

from geo.address import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Centroids are published with five decimals of a degree, which moves a point by up to 0.6 m.
CENTRE_M: Final = 1.0
# A building has a handful of addresses; ten on one exact point are a geocoder's last resort.
FEWEST_TEXTS: Final = 10
# At a real venue the same few addresses come back, at a false pile nearly every one is new.
LEAST_SHARE: Final = 0.5


def piles(
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    text: Sequence[str],
    known_centres_xy: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Tell for each point whether it lies on a false pile.

    Parameters
    ----------
    x_m, y_m
        (n,) metres in the profile's system; nan for rows without a point, never a pile.
    text
        (n,) the location as written; "" when there is none.
    known_centres_xy
        (k, 2) metres: centroids of areas, of the municipality, of streets. May be empty.

    Returns
    -------
    (n,) True where the point is within `CENTRE_M` of a known centre, or where one exact point
    (to the centimetre) bears at least `FEWEST_TEXTS` different addresses and more than
    `LEAST_SHARE` of its rows with a text differ from each other. Spellings of one address count
    as one; mere stacking is no pile, however high.
    """
    points = np.column_stack([x_m, y_m]).astype(float)
    pile = np.zeros(len(points), dtype=bool)
    placed = np.flatnonzero(np.isfinite(points).all(axis=1))
    if not placed.size:
        return pile
    at = points[placed]
    if known_centres_xy.size:
        away, _ = cKDTree(known_centres_xy.reshape(-1, 2)).query(
            at, distance_upper_bound=CENTRE_M * (1 + 1e-9)
        )
        pile[placed] = np.isfinite(away)
    # One integer per centimetre: no metric system reaches 2**31 cm, and it sorts far faster.
    easting, northing = np.round(at * 100).astype(np.int64).T
    stacks, stack = np.unique((easting << 32) + northing, return_inverse=True)
    written = [text[row] for row in placed.tolist()]
    pile[placed] |= _many_texts(stack, len(stacks), written)[stack]
    return pile


def _many_texts(stack: NDArray[np.int64], stacks: int, written: Sequence[str]) -> NDArray[np.bool_]:
    """Tell for each stack whether its rows speak of many addresses; (stacks,)."""
    many = np.zeros(stacks, dtype=bool)
    high = np.bincount(stack, minlength=stacks) >= FEWEST_TEXTS
    rows = np.flatnonzero(high[stack])
    by_stack: dict[int, list[str]] = defaultdict(list)
    for number, row in zip(stack[rows].tolist(), rows.tolist(), strict=True):
        if written[row].strip():
            by_stack[number].append(written[row])
    for number, texts in by_stack.items():
        many[number] = _mostly_different(texts)
    return many


def _mostly_different(texts: list[str]) -> bool:
    """Compare as written first: reading addresses costs far more than comparing strings."""
    spellings = set(texts)
    enough = max(FEWEST_TEXTS, LEAST_SHARE * len(texts))
    if len(spellings) < enough:
        return False
    meant = len({_meaning(spelling) for spelling in spellings})
    return meant >= FEWEST_TEXTS and meant > LEAST_SHARE * len(texts)


def _meaning(text: str) -> tuple[str, int | None]:
    """Reduce a text to its street and number, or to its name."""
    parsed = parse(text)
    if parsed.number is not None:
        return parsed.street, parsed.number
    return (parsed.names[-1] if parsed.names else parsed.text), None
