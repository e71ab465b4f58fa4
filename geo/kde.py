"""Kernel density: how many events a square metre, spread smoothly around where they happened.

A density here is always events per square metre and integrates to the sum of the weights, so
densities of two periods or of two bandwidths can be compared and added. The width of a kernel is
said by its class: `bandwidth_m` is a standard deviation, `radius_m` is where the kernel ends.
SpatialKDE's and QGIS' "scaled" quartic is 7.25 times the true density; it is not copied.

Distances are as the crow flies. Nothing is spread along streets, around water or across a railway
less easily than along it, and nothing is known about events beyond the border of the study area:
near that border a density is too low, by up to half on a straight border and three quarters in a
corner, unless it is corrected by `geo.edge`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import pi
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from geo.checks import require_points, require_positive, require_same_length, require_weights
from geo.errors import InvalidParameter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pair: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]

DEFAULT_BANDWIDTH_M = 250.0
DEFAULT_RADIUS_M = 700.0  # a quartic that spreads as far as the default Gaussian, in round numbers
SHORTEST_M, LONGEST_M = 0.01, 1e7  # beyond these a bandwidth is a slip of the hand
SQUARE_M_A_SQUARE_KM = 1e6
_GAUSSIAN_REACH = 12.0  # standard deviations; what lies beyond is below 1e-31 of the peak
_BLOCK = 1 << 20  # pairs of a target and a place that are held in memory at once


def require_length(**values: float) -> None:
    """Refuse a width that is not between a centimetre and the size of the earth."""
    require_positive(**values)
    for name, value in values.items():
        if not SHORTEST_M <= value <= LONGEST_M:
            raise InvalidParameter(
                "length-out-of-range",
                name=name,
                value=value,
                shortest_m=SHORTEST_M,
                longest_m=LONGEST_M,
            )


class Kernel(ABC):
    """A hill of volume one, the same in all directions."""

    __slots__ = ()

    @property
    @abstractmethod
    def peak(self) -> float:
        """Density of one event at its own place, per square metre."""

    @property
    @abstractmethod
    def deviation_m(self) -> float:
        """Standard deviation along either axis: compare kernels of different shape by this."""

    @property
    @abstractmethod
    def reach_m(self) -> float:
        """Distance beyond which the kernel is zero, or below 1e-31 of its peak."""

    @abstractmethod
    def profile(self, squared_m2: NDArray[np.float64]) -> NDArray[np.float64]:
        """Height at squared distances, any shape, as a share of the peak."""


@dataclass(frozen=True, slots=True)
class GaussianHeat(Kernel):
    """A bell without an edge; `bandwidth_m` is its standard deviation."""

    bandwidth_m: float = DEFAULT_BANDWIDTH_M

    def __post_init__(self) -> None:
        """Refuse a width that no map can have."""
        require_length(bandwidth_m=self.bandwidth_m)

    @property
    def peak(self) -> float:
        """1 / (2 pi s^2)."""
        return 1 / (2 * pi * self.bandwidth_m**2)

    @property
    def deviation_m(self) -> float:
        """The bandwidth itself."""
        return self.bandwidth_m

    @property
    def reach_m(self) -> float:
        """Twelve standard deviations."""
        return _GAUSSIAN_REACH * self.bandwidth_m

    def profile(self, squared_m2: NDArray[np.float64]) -> NDArray[np.float64]:
        """exp(-d^2 / (2 s^2))."""
        return np.exp(squared_m2 * (-0.5 / self.bandwidth_m**2))


@dataclass(frozen=True, slots=True)
class CompactHeat(Kernel):
    """A hill that ends at `radius_m`: its support, as in QGIS, ArcGIS and sfhotspot."""

    radius_m: float = DEFAULT_RADIUS_M

    def __post_init__(self) -> None:
        """Refuse a width that no map can have."""
        require_length(radius_m=self.radius_m)

    @property
    def reach_m(self) -> float:
        """The radius itself."""
        return self.radius_m

    def _closeness(self, squared_m2: NDArray[np.float64]) -> NDArray[np.float64]:
        """1 - d^2 / R^2, and 0 beyond the radius."""
        return np.maximum(1 - squared_m2 / self.radius_m**2, 0.0)


@dataclass(frozen=True, slots=True)
class PowerHeat(CompactHeat):
    """(1 - d^2 / R^2)^power inside the radius; use one of its named children."""

    @property
    @abstractmethod
    def power(self) -> int:
        """Give the exponent: the higher, the rounder the foot of the hill."""

    @property
    def peak(self) -> float:
        """(power + 1) / (pi R^2)."""
        return (self.power + 1) / (pi * self.radius_m**2)

    @property
    def deviation_m(self) -> float:
        """R / sqrt(2 power + 4)."""
        return float(self.radius_m / np.sqrt(2 * self.power + 4))

    def profile(self, squared_m2: NDArray[np.float64]) -> NDArray[np.float64]:
        """(1 - d^2 / R^2)^power."""
        return np.asarray(self._closeness(squared_m2) ** self.power)


@dataclass(frozen=True, slots=True)
class EpanechnikovHeat(PowerHeat):
    """2 / (pi R^2) (1 - d^2 / R^2)."""

    @property
    def power(self) -> int:
        """One: the hill meets the ground at an angle."""
        return 1


@dataclass(frozen=True, slots=True)
class QuarticHeat(PowerHeat):
    """3 / (pi R^2) (1 - d^2 / R^2)^2: the usual kernel of crime mapping, with its true constant."""

    @property
    def power(self) -> int:
        """Two."""
        return 2


@dataclass(frozen=True, slots=True)
class TriweightHeat(PowerHeat):
    """4 / (pi R^2) (1 - d^2 / R^2)^3."""

    @property
    def power(self) -> int:
        """Three."""
        return 3


@dataclass(frozen=True, slots=True)
class TriangularHeat(CompactHeat):
    """A cone, 3 / (pi R^2) (1 - d / R); QGIS' and SpatialKDE's triangle with decay 0."""

    @property
    def peak(self) -> float:
        """3 / (pi R^2)."""
        return 3 / (pi * self.radius_m**2)

    @property
    def deviation_m(self) -> float:
        """R sqrt(3 / 20)."""
        return float(self.radius_m * np.sqrt(0.15))

    def profile(self, squared_m2: NDArray[np.float64]) -> NDArray[np.float64]:
        """1 - d / R."""
        return np.maximum(1 - np.sqrt(squared_m2) / self.radius_m, 0.0)


@dataclass(frozen=True, slots=True)
class UniformHeat(CompactHeat):
    """A disc, 1 / (pi R^2) up to and including the radius: events within R, per square metre."""

    @property
    def peak(self) -> float:
        """1 / (pi R^2)."""
        return 1 / (pi * self.radius_m**2)

    @property
    def deviation_m(self) -> float:
        """R / 2."""
        return self.radius_m / 2

    def profile(self, squared_m2: NDArray[np.float64]) -> NDArray[np.float64]:
        """One inside, zero outside."""
        return (squared_m2 <= self.radius_m**2).astype(np.float64)


def require_places(places: Pair, weight: NDArray[np.float64]) -> None:
    """Refuse places that are not finite, one weight each, none negative."""
    require_points(*places)
    require_same_length(x_m=places[0], weight=weight)
    require_weights(weight)


def density_at(
    at: Pair, places: Pair, weight: NDArray[np.float64], kernel: Kernel
) -> NDArray[np.float64]:
    r"""Tell how many events per square metre there are around given points.

    Parameters
    ----------
    at
        Two (m,) arrays: metres of the points asked about.
    places
        Two (n,) arrays: metres of the events, or of distinct places with their events as weight.
    weight
        (n,) events at each place; not negative.
    kernel
        Shape and width, for instance ``GaussianHeat(bandwidth_m=250.0)``.

    Returns
    -------
    (m,) events per square metre. No places or only zero weights: all zeros. No points asked
    about: empty.

    Raises
    ------
    InvalidParameter
        Coordinates or weights are not finite, a weight is negative, or shapes differ.

    Notes
    -----
    :math:`\sum_j w_j K(|x - x_j|)` with the kernel's true constant, summed exactly: every place
    within reach of the kernel, no binning (Silverman 1986, Density Estimation, ch. 4). The order
    of the places matters to nothing but the last rounding. No edge correction. Time grows with
    m x the places within reach of a strip; for a whole map use `geo.heat.heat_raster`.
    Checked against R's ks 1.14.0, spatstat 3.0 and SpatialKDE 0.8.2 in tests/golden/test_kde.py.
    """
    require_points(*at)
    require_places(places, weight)
    return _sums(at, places, weight, kernel, np.full(at[0].shape, -1, dtype=np.intp))


def density_without_itself(
    places: Pair, weight: NDArray[np.float64], kernel: Kernel
) -> NDArray[np.float64]:
    """Tell how many events per square metre all the other rows put on each row.

    Parameters
    ----------
    places
        Two (n,) arrays in metres. One row an event: another event on the same spot still counts.
        One row a distinct place with its events as weight: the whole place is left out.
    weight
        (n,) events of each row.
    kernel
        Shape and width.

    Returns
    -------
    (n,) events per square metre; one row: zero. Empty input: empty.

    Raises
    ------
    InvalidParameter
        Coordinates or weights are not finite, a weight is negative, or shapes differ.

    Notes
    -----
    As `density_at` at the places themselves with row i left out of sum i (not subtracted after,
    which would lose an isolated place in the rounding). Checked against spatstat 3.0
    ``density(at="points", leaveoneout=TRUE, edge=FALSE)``.
    """
    require_places(places, weight)
    return _sums(places, places, weight, kernel, np.arange(weight.size))


def _sums(
    at: Pair,
    places: Pair,
    weight: NDArray[np.float64],
    kernel: Kernel,
    own: NDArray[np.intp],
) -> NDArray[np.float64]:
    """Sum the kernels of all places but number ``own[i]`` at point i, a block at a time."""
    density = np.zeros(at[0].size)
    holds = np.flatnonzero(weight > 0)
    holds = holds[np.lexsort((weight[holds], places[1][holds], places[0][holds]))]
    x, y, w = places[0][holds], places[1][holds], weight[holds].astype(np.float64)
    turn = np.lexsort((at[1], at[0]))
    step = max(1, min(_BLOCK // max(x.size, 1), 1024))
    reach = kernel.reach_m
    for start in range(0, turn.size, step):
        now = turn[start : start + step]
        to_x, to_y = at[0][now], at[1][now]
        # Places sorted by x: only a strip of them, and of it only a box, can reach these points.
        low = np.searchsorted(x, to_x[0] - reach, "left")
        high = np.searchsorted(x, to_x[-1] + reach, "right")
        strip = y[low:high]
        near = low + np.flatnonzero((strip >= to_y.min() - reach) & (strip <= to_y.max() + reach))
        with np.errstate(over="ignore"):  # an infinite squared distance is far enough
            squared = (to_x[:, None] - x[near]) ** 2 + (to_y[:, None] - y[near]) ** 2
        height = kernel.profile(squared)
        height[holds[near] == own[now][:, None]] = 0.0
        density[now] = height @ w[near]
    return density * kernel.peak


@dataclass(frozen=True, slots=True)
class DensityRatio:
    """Two kernels, and how dense the reference must be before a ratio means anything."""

    kernel: Kernel
    reference_kernel: Kernel
    floor_per_km2: float = 1.0  # reference events (residents, visitors) per square kilometre

    def __post_init__(self) -> None:
        """Refuse a floor of zero: it would divide by nothing."""
        require_positive(floor_per_km2=self.floor_per_km2)


@dataclass(frozen=True, slots=True)
class Ratio:
    """Density of events over density of a reference, with both of them."""

    ratio: NDArray[np.float64]  # (m,) events per reference event; NaN where the floor is not met
    density: NDArray[np.float64]  # (m,) events per m2
    reference: NDArray[np.float64]  # (m,) reference events per m2


def density_ratio(
    at: Pair,
    events: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    reference: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    how: DensityRatio,
) -> Ratio:
    """Tell how many events there are for each resident, or other reference, around given points.

    Parameters
    ----------
    at
        Two (m,) arrays: metres of the points asked about.
    events, reference
        x, y in metres and weight, (n,) each; for instance incidents, and residents per block.
    how
        A kernel for each, and the floor.

    Returns
    -------
    Ratio
        NaN, not infinity, where the reference is below the floor: there nothing can be said.
        Without any events the ratio is 0, without any reference it is NaN everywhere.

    Raises
    ------
    InvalidParameter
        Coordinates or weights are not finite, a weight is negative, or shapes differ.

    Notes
    -----
    Bithell (1990), doi:10.1002/sim.4780090616; Kelsall & Diggle (1995),
    doi:10.1002/sim.4780142106. Not standardised by the totals, so it is a rate. Where the two
    kernels are equal their edge effects cancel to first order. No interval: a high ratio over few
    residents is not evidence. Checked against sfhotspot 1.0.0 ``hotspot_dual_kde(method="ratio")``,
    which gives NaN and infinity where we give NaN.
    """
    density = density_at(at, events[:2], events[2], how.kernel)
    below = density_at(at, reference[:2], reference[2], how.reference_kernel)
    enough = below >= how.floor_per_km2 / SQUARE_M_A_SQUARE_KM
    ratio = np.divide(density, below, out=np.full(below.shape, np.nan), where=enough)
    return Ratio(ratio, density, below)
