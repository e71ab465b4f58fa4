"""Whether a whole pattern of points is clustered: three classical summaries.

They answer "is there any clustering at all", which for crime is nearly always yes: people and
streets are clustered, and reports are stacked on addresses. They serve to compare our numbers with
other programs', not to find places; for that see `geo.gistar` and `geo.clusters`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import pi, sqrt
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy import stats
from scipy.spatial import cKDTree

from geo.checks import require_points, require_positive
from geo.errors import InvalidParameter, TooFewObservations

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo.kde import Pair

FEWEST_POINTS = 2
MOST_QUADRATS = 10_000
_NEIGHBOUR_VARIANCE = (4 - pi) / (4 * pi)  # of n x density x (mean distance)^2 under chance


@dataclass(frozen=True, slots=True)
class RipleyK:
    """Ripley's K at given distances; pi r^2 if points were scattered by chance."""

    radius_m: NDArray[np.float64]  # (r,) as asked
    k_m2: NDArray[np.float64]  # (r,) NaN where no point lies that far from the border
    by_chance_m2: NDArray[np.float64]  # (r,) pi r^2
    counted: NDArray[np.int64]  # (r,) points at least r from the border
    n: int  # points inside the area


def ripley_k(
    at: Pair, area: shapely.Polygon | shapely.MultiPolygon, radius_m: NDArray[np.float64]
) -> RipleyK:
    r"""Tell how many further events lie within a distance of an event, per event density.

    Parameters
    ----------
    at
        Two (n,) arrays in metres, one row an event; those outside the area are left out.
    area
        Valid polygon in metres, without slivers: the border of the smallest hole counts too.
    radius_m
        (r,) distances, not negative; a distance belongs to its circle.

    Raises
    ------
    TooFewObservations
        Fewer than two events inside.
    InvalidParameter
        Coordinates or distances are not finite, a distance is negative, or the area is not valid.

    Notes
    -----
    Border correction ("reduced sample"): around events at least r from the border only,
    :math:`K(r) = \sum_{i: b_i \ge r} \#\{j \ne i: d_{ij} \le r\} / (\lambda \#\{i: b_i \ge r\})`
    with :math:`\lambda` = n / area (Ripley 1977, doi:10.1111/j.2517-6161.1977.tb01615.x). Events
    on one spot make K(0) positive. Checked against spatstat 3.0 ``Kest(correction="border")``.
    """
    x, y = _inside(at, area)
    if not (np.isfinite(radius_m).all() and (radius_m >= 0).all()):
        raise InvalidParameter("distances-not-valid")
    points = np.column_stack([x, y])
    border = shapely.distance(shapely.points(points), area.boundary)
    everyone = cKDTree(points)
    k = np.full(radius_m.size, np.nan)
    counted = np.zeros(radius_m.size, dtype=np.int64)
    for which, radius in enumerate(radius_m.tolist()):
        far = points[border >= radius]
        counted[which] = len(far)
        if len(far):
            pairs = int(cKDTree(far).count_neighbors(everyone, radius)) - len(far)
            k[which] = pairs / len(far) * area.area / x.size
    return RipleyK(radius_m.copy(), k, pi * radius_m**2, counted, x.size)


@dataclass(frozen=True, slots=True)
class ClarkEvans:
    """Mean distance to the nearest other event, against what chance would give."""

    ratio: float  # below 1 clustered, above 1 regular
    mean_m: float
    by_chance_m: float
    z: float  # standard score under chance
    p: float  # two-sided, normal approximation
    n: int


def clark_evans(at: Pair, area_m2: float) -> ClarkEvans:
    """Tell whether events lie closer to their nearest neighbour than chance would put them.

    Parameters
    ----------
    at
        Two (n,) arrays in metres, one row an event; all inside the area.
    area_m2
        Of the study area.

    Raises
    ------
    TooFewObservations
        Fewer than two events.
    InvalidParameter
        Coordinates are not finite, or the area is not positive.

    Notes
    -----
    Clark & Evans (1954), doi:10.2307/1931034. No edge correction, which makes events near the
    border look further apart than they are; reports stacked on an address make all of them look
    closer. Checked against spatstat 3.0 ``clarkevans(correction="none")``.
    """
    require_points(*at)
    require_positive(area_m2=area_m2)
    n = at[0].size
    if n < FEWEST_POINTS:
        raise TooFewObservations("pattern-events", n=n, fewest=FEWEST_POINTS)
    points = np.column_stack(at)
    nearest, _ = cKDTree(points).query(points, k=[2])
    mean = float(np.mean(nearest))
    chance = sqrt(area_m2 / n) / 2
    z = (mean - chance) / sqrt(_NEIGHBOUR_VARIANCE * area_m2) * n
    return ClarkEvans(mean / chance, mean, chance, z, float(2 * stats.norm.sf(abs(z))), n)


@dataclass(frozen=True, slots=True)
class Quadrats:
    """Over how many equal tiles to count."""

    columns: int = 5
    rows: int = 5

    def __post_init__(self) -> None:
        """Refuse a single tile: there would be nothing to compare."""
        require_positive(columns=self.columns, rows=self.rows)
        if not 1 < self.columns * self.rows <= MOST_QUADRATS:
            raise InvalidParameter(
                "quadrats", quadrats=self.columns * self.rows, most=MOST_QUADRATS
            )


@dataclass(frozen=True, slots=True)
class QuadratTest:
    """Counts in tiles against their areas."""

    chi2: float
    degrees: int  # tiles that meet the area, less one
    p_clustered: float  # counts differ more than chance allows
    p_either: float  # differ more, or less, than chance allows; what R prints
    fewest_expected: float  # below about 5 the p-values are rough
    n: int


def quadrat_test(
    at: Pair, area: shapely.Polygon | shapely.MultiPolygon, quadrats: Quadrats
) -> QuadratTest:
    """Tell whether events are spread over the area as evenly as chance would spread them.

    Parameters
    ----------
    at
        Two (n,) arrays in metres, one row an event; those outside the area are left out.
    area
        Valid polygon in metres; its bounding box is cut into equal tiles.
    quadrats
        How many.

    Raises
    ------
    TooFewObservations
        Fewer than two events inside.
    InvalidParameter
        Coordinates are not finite, or the area is not valid.

    Notes
    -----
    Pearson's chi-squared with expected counts in proportion to each tile's area inside the study
    area; tiles are closed on their left and lower sides, the last ones on all. Depends on where
    the tiles happen to lie. Checked against spatstat 3.0 ``quadrat.test(nx=5, ny=5)``.
    """
    x, y = _inside(at, area)
    west, south, east, north = area.bounds
    across = np.linspace(west, east, quadrats.columns + 1)
    up = np.linspace(south, north, quadrats.rows + 1)
    boxes = [
        shapely.box(a, c, b, d)
        for a, b in pairwise(across.tolist())
        for c, d in pairwise(up.tolist())
    ]
    inside = shapely.area(shapely.intersection(area, np.array(boxes)))
    counts = np.histogram2d(x, y, bins=(across, up))[0].reshape(-1)
    meets = inside > 0
    expected = inside[meets] / inside.sum() * x.size
    chi2 = float(((counts[meets] - expected) ** 2 / expected).sum())
    degrees = int(meets.sum()) - 1  # at least 1: the area reaches both ends of its bounding box
    above, below = float(stats.chi2.sf(chi2, degrees)), float(stats.chi2.cdf(chi2, degrees))
    either = 2 * min(above, below)
    return QuadratTest(chi2, degrees, above, either, float(expected.min()), x.size)


def _inside(at: Pair, area: shapely.Polygon | shapely.MultiPolygon) -> Pair:
    """Keep the events inside a valid area; refuse fewer than two."""
    require_points(*at)
    if area.is_empty or not area.is_valid:
        raise InvalidParameter("study-area-unusable", kind=area.geom_type)
    inside = shapely.intersects_xy(area, *at)
    n = int(inside.sum())
    if n < FEWEST_POINTS:
        raise TooFewObservations("pattern-events", n=n, fewest=FEWEST_POINTS)
    return at[0][inside], at[1][inside]
