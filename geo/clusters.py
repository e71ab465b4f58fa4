"""DBSCAN on distinct weighted places, in metres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from sklearn.cluster import DBSCAN

from geo.errors import InvalidParameter

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOISE = -1


@dataclass(frozen=True, slots=True)
class Density:
    """How dense is a cluster: `min_samples` events within `eps_m` metres, itself included."""

    eps_m: float
    min_samples: int

    def __post_init__(self) -> None:
        """Refuse what scikit-learn would refuse later and less clearly."""
        if not (np.isfinite(self.eps_m) and self.eps_m > 0):
            raise InvalidParameter("eps-not-positive", eps_m=self.eps_m)
        if self.min_samples < 1:
            raise InvalidParameter("min-samples-not-positive", min_samples=self.min_samples)


@dataclass(frozen=True, slots=True)
class Places:
    """Distinct coordinates, sorted by (x, y), with what stands on each."""

    x_m: NDArray[np.float64]  # (p,)
    y_m: NDArray[np.float64]  # (p,)
    inverse: NDArray[np.intp]  # (n,) which place each input point is


def collapse(x_m: NDArray[np.float64], y_m: NDArray[np.float64]) -> Places:
    """Find the distinct places under n points: the order of the input does not matter."""
    # Complex numbers sort by real, then imaginary part: that is by (x, y).
    places, inverse = np.unique(x_m + 1j * y_m, return_inverse=True)
    return Places(places.real, places.imag, inverse)


def dbscan(
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    events: NDArray[np.int64],
    density: Density,
) -> NDArray[np.int64]:
    """Label each point with its cluster; noise is -1.

    Parameters
    ----------
    x_m, y_m
        (n,) coordinates in a metric system.
    events
        (n,) how many events each point stands for; all positive.
    density
        The two parameters of DBSCAN.

    Returns
    -------
    (n,) labels 0, 1, ... in the order of each cluster's first core place by (x, y). A border
    place belongs to the lowest label in reach. Both follow from running scikit-learn's own rule
    on places sorted by (x, y), so the result does not depend on the order of the input.

    Raises
    ------
    InvalidParameter
        Coordinates are not finite, shapes differ, or an event count is not positive.
    """
    if not (x_m.shape == y_m.shape == events.shape):
        raise InvalidParameter("shapes-differ", x=x_m.shape, y=y_m.shape, events=events.shape)
    if x_m.size == 0:
        return np.empty(0, dtype=np.int64)
    if not (np.isfinite(x_m).all() and np.isfinite(y_m).all()):
        raise InvalidParameter("coordinates-not-finite")
    if (events <= 0).any():
        raise InvalidParameter("events-not-positive")
    places = collapse(x_m, y_m)
    weight = np.bincount(places.inverse, weights=events)
    model = DBSCAN(eps=density.eps_m, min_samples=density.min_samples, metric="euclidean")
    labels = model.fit(np.column_stack([places.x_m, places.y_m]), sample_weight=weight).labels_
    return np.asarray(labels, dtype=np.int64)[places.inverse]


@dataclass(frozen=True, slots=True)
class Summary:
    """One cluster: what it holds and where it lies, in metres."""

    label: int
    rank: int  # 1 holds most events; equal ones in the order of their labels
    count: int
    weight: float
    places: int
    x_m: float  # centre of gravity of its events
    y_m: float
    hull: shapely.Geometry  # a polygon, or a line or point for two places or one


def summarise(
    places: tuple[NDArray[np.float64], NDArray[np.float64]],
    labels: NDArray[np.int64],
    events: NDArray[np.int64],
    weight: NDArray[np.float64],
) -> list[Summary]:
    """Describe each cluster, the one with most events first.

    Parameters
    ----------
    places
        Two (p,) arrays: metres of distinct places.
    labels
        (p,) from `dbscan`.
    events, weight
        (p,) whole events and weighted events on each place.
    """
    x_m, y_m = places
    member = np.flatnonzero(labels != NOISE)
    member = member[np.argsort(labels[member], kind="stable")]
    if not member.size:
        return []
    label, first = np.unique(labels[member], return_index=True)
    held = events[member]
    total = np.add.reduceat(held, first)
    centre_x = np.add.reduceat(x_m[member] * held, first) / total
    centre_y = np.add.reduceat(y_m[member] * held, first) / total
    weighted = np.add.reduceat(weight[member], first)
    size = np.diff(np.append(first, member.size))
    points = np.column_stack([x_m[member], y_m[member]])
    owner = np.repeat(np.arange(label.size), size)
    shapes = shapely.convex_hull(shapely.multipoints(shapely.points(points), indices=owner))
    order = np.lexsort([label, -total])
    return [
        Summary(
            label=int(label[i]),
            rank=rank,
            count=int(total[i]),
            weight=float(weighted[i]),
            places=int(size[i]),
            x_m=float(centre_x[i]),
            y_m=float(centre_y[i]),
            hull=shapes[i],
        )
        for rank, i in enumerate(order.tolist(), 1)
    ]
