"""What happens around schools and venues, and how much more of it than chance would put there.

A *ring* holds the points with inner <= distance < outer from a facility, by true distance: a
polygon of 64 corners in the place of a circle changed the count of 5 schools in 60. Two questions
look alike and are kept apart:

- *nearest*: every point belongs to its nearest facility alone, so that nothing is counted twice
  and the rings of all facilities, with the rest of the study area, add up to it. For totals,
  tests and ranking.
- *overlapping*: a point belongs to the rings of every facility it is near. For the profile of one
  school, never for a sum over schools.

Chance puts events where there is room, or where there are people. So each tally of events has an
exposure of the same shape: the true area of the ring inside the study area (`nearest_areas`,
`overlapping_areas`), or the better one: the same tally of addresses or other known places. Then
`geo.rings.ring_excess` compares and `geo.verdicts.judge` says what may be said of it.

The tests here are about *these* facilities, and take events as independent: five reports of one
fight are five events. Whether schools as a kind lie near incidents is asked by
`geo.risk_terrain.colocation`, which takes its uncertainty from many schools.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy import special, stats
from scipy.spatial import cKDTree

from geo.checks import (
    require_fraction,
    require_points,
    require_positive,
    require_same_length,
    require_weights,
)
from geo.errors import InvalidParameter, TooFewObservations
from geo.places import collapse
from geo.rates import RateInterval, crude_rates
from geo.ratios import RatioInterval, rate_ratio, require_counts
from geo.significance import false_discovery_rate
from geo.verdicts import Demands, Excess, OwnLevel, Support, Verdict, excess, judge
from geo.windows import WHOLE_EVENT_SHARE

if TYPE_CHECKING:
    from numpy.typing import NDArray

NONE = -1  # no facility
DIGITS = 3  # facilities in the same millimetre stand in the same spot
SHORTEST_M = 1e-9  # a shorter edge of a cut polygon is rounding, and bounds no area
_AT_ONCE = 4096  # points whose ties are settled at the same time


@dataclass(frozen=True, slots=True)
class Rings:
    """Where each ring begins and ends: inner <= distance < outer."""

    edges_m: tuple[float, ...] = (0.0, 100.0, 300.0, 500.0)

    def __post_init__(self) -> None:
        """Refuse fewer than two edges, and edges that are negative or do not rise."""
        edges = np.array(self.edges_m, dtype=float)
        rising = np.isfinite(edges).all() and (np.diff(edges) > 0).all()
        if edges.size < 2 or not rising or edges[0] < 0:  # noqa: PLR2004 - inner and outer
            raise InvalidParameter("edges-not-rising", edges_m=self.edges_m)


@dataclass(frozen=True, slots=True)
class Nearest:
    """The nearest facility of each point."""

    distance_m: NDArray[np.float64]  # (n,) infinite without facilities
    facility: NDArray[np.intp]  # (n,) row of the facility, -1 without facilities


@dataclass(frozen=True, slots=True)
class RingTally:
    """What f facilities hold in r rings each, and what the whole study area holds."""

    held: NDArray[np.float64]  # (f, r) events, addresses or square metres
    total: float  # in the study area, near a facility or not


@dataclass(frozen=True, slots=True)
class HoursNear:
    """How near is near, and what a claim asks for."""

    near_m: float = 300.0  # near: less than this from the nearest facility
    level: float = 0.95  # confidence of the intervals; a claim needs p of at most 1 - level
    fewest_events: int = 5  # near and inside the window, happened or expected

    def __post_init__(self) -> None:
        """Refuse what no later code should have to think about."""
        require_positive(near_m=self.near_m, fewest_events=self.fewest_events)
        require_fraction(level=self.level)


@dataclass(frozen=True, slots=True)
class HoursContrast:
    """Whether being near matters more inside the window than outside it."""

    near: tuple[int, int]  # whole events near a facility, inside and outside the window
    elsewhere: tuple[int, int]  # whole events elsewhere, inside and outside
    near_ratio: float  # events an hour inside over events an hour outside, near
    near_low: float
    near_high: float
    elsewhere_ratio: float  # the same elsewhere: what the hours do everywhere
    elsewhere_low: float
    elsewhere_high: float
    ratio: float  # near_ratio over elsewhere_ratio; 0, infinite or not a number where cells are 0
    low: float
    high: float
    p: float  # one-sided, of so many or more near and inside
    certain_p: float  # the same without the events whose time lies only partly in the window
    verdict: Verdict
    reasons: tuple[str, ...]  # codes of geo.verdicts.Reason


@dataclass(frozen=True, slots=True)
class Ranking:
    """How sure all the ranks must be at once."""

    level: float = 0.95

    def __post_init__(self) -> None:
        """Refuse a level outside (0, 1)."""
        require_fraction(level=self.level)


@dataclass(frozen=True, slots=True)
class FacilityRanks:
    """Facilities by their rate, and which of them can be told apart."""

    rate: NDArray[np.float64]  # (f,) events per unit of exposure
    rate_low: NDArray[np.float64]  # (f,) exact, each facility by itself
    rate_high: NDArray[np.float64]  # (f,)
    rank: NDArray[np.int64]  # (f,) 1 has the highest rate; equal rates share the better rank
    rank_low: NDArray[np.int64]  # (f,) best rank that the events allow
    rank_high: NDArray[np.int64]  # (f,) worst rank that the events allow
    above: NDArray[np.bool_]  # (f, f) row is told to lie above column; neither way: not apart


MOST_EVENTS = 50_000  # of `hours_near`: its exact interval takes seconds for so many
USUAL_RINGS = Rings()
USUAL_HOURS = HoursNear()
USUAL_RANKING = Ranking()
USUAL_OWN_LEVEL = OwnLevel()


def nearest_facility(
    x_m: NDArray[np.float64], y_m: NDArray[np.float64], facilities: NDArray[np.float64]
) -> Nearest:
    """Tell which facility each point lies nearest to, and how far away it is.

    Parameters
    ----------
    x_m, y_m
        (n,) points in metres.
    facilities
        (f, 2) metres.

    Returns
    -------
    True distances, and rows of `facilities`. Of facilities equally near, the one that comes first
    by (x, y) is taken; of facilities in the same millimetre, the first row. So no order of input
    matters but that of facilities in one spot.

    Raises
    ------
    InvalidParameter
        Coordinates are not finite or not pairs, or shapes differ.
    """
    require_points(x_m, y_m)
    stands, row = _stands(facilities)
    if not (x_m.size and len(stands)):
        return Nearest(np.full(x_m.shape, np.inf), np.full(x_m.shape, NONE, dtype=np.intp))
    points = np.column_stack([x_m, y_m])
    distance, which = (np.asarray(column) for column in cKDTree(stands).query(points, k=[1, 2]))
    tied = np.flatnonzero(distance[:, 0] == distance[:, 1])
    for first in range(0, tied.size, _AT_ONCE):
        some = tied[first : first + _AT_ONCE]
        apart = ((points[some, None, :] - stands) ** 2).sum(axis=2)
        which[some, 0] = apart.argmin(axis=1)
    return Nearest(distance[:, 0], row[which[:, 0]])


def nearest_tally(
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    weight: NDArray[np.float64],
    facilities: NDArray[np.float64],
    study_area: shapely.Geometry,
    rings: Rings = USUAL_RINGS,
) -> RingTally:
    """Tell how much lies in each ring when every point belongs to its nearest facility alone.

    Parameters
    ----------
    x_m, y_m
        (n,) events, addresses or other points in metres.
    weight
        (n,) what each stands for: whole events for tests (share of the window at least one
        half), events x share for maps, 1 for addresses.
    facilities
        (f, 2) metres.
    study_area
        Metres. Points outside it are left out; points on its border belong to it.
    rings
        The edges.

    Returns
    -------
    (f, r) sums and the sum over the study area. A facility in the same millimetre as an earlier
    row holds nothing: the two are one place.

    Raises
    ------
    InvalidParameter
        Coordinates or weights are not finite, a weight is negative, shapes differ, positions are
        not pairs, or the study area is empty or not valid.
    """
    x_m, y_m, weight, total = _in_area(x_m, y_m, weight, study_area)
    nearest = nearest_facility(x_m, y_m, facilities)
    shape = len(_positions(facilities)), len(rings.edges_m) - 1
    ring = _ring(nearest.distance_m, rings)
    inside = ring != NONE
    cell = nearest.facility[inside] * shape[1] + ring[inside]
    held = np.bincount(cell, weight[inside], shape[0] * shape[1])
    return RingTally(held.reshape(shape).astype(np.float64), total)


def overlapping_tally(
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    weight: NDArray[np.float64],
    facilities: NDArray[np.float64],
    study_area: shapely.Geometry,
    rings: Rings = USUAL_RINGS,
) -> RingTally:
    """Tell how much lies in each facility's own rings, counting a point for every one it is near.

    Parameters, errors and result are those of `nearest_tally`, but the sums overlap: do not add
    them up over facilities.
    """
    x_m, y_m, weight, total = _in_area(x_m, y_m, weight, study_area)
    positions = _positions(facilities)
    held = np.zeros((len(positions), len(rings.edges_m) - 1))
    reach = np.nextafter(rings.edges_m[-1], np.inf)
    first = np.searchsorted(x_m, positions[:, 0] - reach)
    last = np.searchsorted(x_m, positions[:, 0] + reach, side="right")
    for row, (start, stop) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        some = slice(start, stop)
        away = np.hypot(x_m[some] - positions[row, 0], y_m[some] - positions[row, 1])
        ring = _ring(away, rings)
        inside = ring != NONE
        held[row] = np.bincount(ring[inside], weight[some][inside], held.shape[1])
    return RingTally(held, total)


def nearest_areas(
    facilities: NDArray[np.float64], study_area: shapely.Geometry, rings: Rings = USUAL_RINGS
) -> RingTally:
    """Tell how many square metres of each ring lie in the study area, nearest facility only.

    Parameters, errors and result are those of `overlapping_areas`; each ring is cut to the part of
    the study area that lies nearest to its facility (the Voronoi cell, by GEOS), so that the areas
    fit `nearest_tally` and never add up to more than the study area. A facility in the same
    millimetre as an earlier row has no area.
    """
    _require_area(study_area)
    stands, row = _stands(facilities)
    held = np.zeros((len(_positions(facilities)), len(rings.edges_m) - 1))
    if len(stands):
        corner = np.array(study_area.bounds[:2])  # small numbers keep the cells' corners exact
        area = shapely.transform(study_area, lambda xy: xy - corner)
        cells = shapely.get_parts(
            shapely.voronoi_polygons(
                shapely.MultiPoint(stands - corner), extend_to=area, ordered=True
            )
        )
        for stand, own, cell in zip(stands - corner, row, cells, strict=True):
            held[own] = _disc_rings(stand, _edges(shapely.intersection(cell, area)), rings)
    return RingTally(held, float(study_area.area))


def overlapping_areas(
    facilities: NDArray[np.float64], study_area: shapely.Geometry, rings: Rings = USUAL_RINGS
) -> RingTally:
    r"""Tell how many square metres of each facility's own rings lie in the study area.

    Parameters
    ----------
    facilities
        (f, 2) metres, inside the study area or not.
    study_area
        Metres; holes and several parts are handled.
    rings
        The edges.

    Returns
    -------
    (f, r) true areas, and the area of the study area.

    Raises
    ------
    InvalidParameter
        Positions are not finite or not pairs, or the study area is empty or not valid.

    Notes
    -----
    No circle is turned into a polygon. By Green's theorem the area that a disc of radius r shares
    with a polygon is a sum over the polygon's edges: with p and q the ends of an edge as seen from
    the centre and t the parts of it inside the disc, each edge adds

    .. math:: \tfrac12 (t_2 - t_1)\, p \times q + \tfrac{r^2}{2} (\angle(p, p_{t_1})
              + \angle(p_{t_2}, q))

    which is exact but for rounding (below 1e-9 of the disc's area). Checked against closed forms
    and against shapely's buffer with 4,096 corners.
    """
    _require_area(study_area)
    positions = _positions(facilities)
    edges = _edges(study_area)
    held = np.zeros((len(positions), len(rings.edges_m) - 1))
    for row, centre in enumerate(positions):
        held[row] = _disc_rings(centre, edges, rings)
    return RingTally(held, float(study_area.area))


def ring_excess(
    events: RingTally, exposure: RingTally, choice: OwnLevel = USUAL_OWN_LEVEL
) -> Excess:
    """Tell how many times what chance would put there each ring around a facility holds.

    Parameters
    ----------
    events
        Whole events in each ring and in the study area.
    exposure
        Square metres, or addresses and other known places, in the same rings.
    choice
        Confidence, and the dispersion if it is known.

    Returns
    -------
    `geo.verdicts.Excess` of the f x r rings, one facility after the other; give it to
    `geo.verdicts.judge`. Expected is events in the study area x the ring's share of the exposure;
    a ring without exposure has no ratio and p 1. q is over the rings with exposure.

    Raises
    ------
    InvalidParameter
        Shapes differ, events are not whole, a ring holds more than the study area, or something
        is negative or not finite.

    Notes
    -----
    Each ring is compared with all the rest by `geo.verdicts.excess` (exact binomial test, Garwood's
    interval), so overlapping rings may be tested as well. With square metres as exposure schools
    are "raised" against fields and water: prefer known places.
    """
    require_same_length(events=events.held, exposure=exposure.held)
    if events.held.shape != exposure.held.shape:
        raise InvalidParameter(
            "shapes-differ", events=events.held.shape, exposure=exposure.held.shape
        )
    whole = np.append(events.held.ravel(), events.total)
    require_counts(events=whole)
    ground = np.append(exposure.held.ravel(), exposure.total)
    require_weights(ground)
    slack = 1 + np.finfo(np.float32).eps  # sums of areas may round
    if (whole[:-1] > whole[-1]).any() or (ground[:-1] > ground[-1] * slack).any():
        raise InvalidParameter("ring-above-total", events=events.total, exposure=exposure.total)
    rest = np.maximum(ground[-1] - ground[:-1], 0.0)
    each = [
        excess(np.array([x, whole[-1] - x]).astype(np.int64), np.array([near, far]), choice)
        for x, near, far in zip(whole[:-1], ground[:-1], rest, strict=True)
    ]
    columns = {
        name: np.array([getattr(one, name)[0] for one in each], dtype=np.float64)
        for name in ("expected", "ratio", "low", "high", "p", "dispersion")
    }
    q = np.ones(len(each))
    known = ground[:-1] > 0
    q[known] = false_discovery_rate(columns["p"][known])
    return Excess(count=whole[:-1].astype(np.int64), q=q, **columns)


def hours_near(
    distance_m: NDArray[np.float64],
    events: NDArray[np.int64],
    share: NDArray[np.float64],
    hours: tuple[float, float],
    choice: HoursNear = USUAL_HOURS,
) -> HoursContrast:
    r"""Tell whether places near a facility are hit more inside the window than the hours explain.

    Parameters
    ----------
    distance_m
        (n,) distance of each event to its nearest facility; infinite where there is none.
    events
        (n,) how many equal events each row stands for.
    share
        (n,) share of the event's time inside the window, in [0, 1]. From one half on an event
        counts as inside, whole.
    hours
        Elapsed hours inside and outside the window during the period: school hours are 50 of 168
        in a week of term, and clocks change.
    choice
        How near is near, and what a claim asks for.

    Returns
    -------
    The two-by-two table, the rate inside over the rate outside near and elsewhere, and the ratio
    of those two ratios: 2 means that the window raises the level near facilities twice as much as
    it does elsewhere. Its verdict is that of `geo.verdicts.judge`, and must hold without the events
    whose time is uncertain. For several facilities or windows, adjust the p-values
    (`geo.significance.false_discovery_rate`).

    Raises
    ------
    InvalidParameter
        Shapes differ, events are not whole, a share lies outside [0, 1], hours are not positive,
        or a distance is negative or not a number.
    TooFewObservations
        There is no event.

    Notes
    -----
    Rates are compared by `geo.ratios.rate_ratio` (exact, given the sum). In the ratio of ratios the
    hours cancel: it is the odds ratio of the table, estimated by conditional maximum likelihood
    with Fisher's exact interval (Cornfield 1956; checked against R's ``fisher.test``), which
    survives zeros. The interval takes seconds for 50,000 events, and more are refused. Events are
    taken as independent, and both sides of `near_m` as the same kind of town at other hours: a
    shop street near a school is busy in school hours by itself.
    """
    _require_hours(distance_m, events, share, hours)
    near = distance_m < choice.near_m
    certain = (share == 0) | (share == 1)
    table = _table(near, events, share)
    rates = rate_ratio(
        table[:, 1], table[:, 0], (hours[1], hours[0]), RatioInterval(level=choice.level)
    )
    odds = stats.contingency.odds_ratio(table, kind="conditional")
    low, high = odds.confidence_interval(choice.level)
    found = _single(table, (float(odds.statistic), float(low), float(high)))
    certain_p = _fisher(_table(near, events * certain, share))
    error = 1 - choice.level
    judged = judge(
        found,
        Support(certain=np.array([certain_p <= error])),
        Demands(error, error, choice.fewest_events),
    )
    return HoursContrast(
        near=(int(table[0, 0]), int(table[0, 1])),
        elsewhere=(int(table[1, 0]), int(table[1, 1])),
        near_ratio=float(rates.ratio[0]),
        near_low=float(rates.low[0]),
        near_high=float(rates.high[0]),
        elsewhere_ratio=float(rates.ratio[1]),
        elsewhere_low=float(rates.low[1]),
        elsewhere_high=float(rates.high[1]),
        ratio=float(odds.statistic),
        low=float(low),
        high=float(high),
        p=float(found.p[0]),
        certain_p=certain_p,
        verdict=judged.of(0),
        reasons=judged.codes(0),
    )


def _require_hours(
    distance_m: NDArray[np.float64],
    events: NDArray[np.int64],
    share: NDArray[np.float64],
    hours: tuple[float, float],
) -> None:
    """Refuse what `hours_near` cannot compare."""
    require_same_length(distance_m=distance_m, events=events, share=share)
    require_counts(events=events)
    total = float(events.sum(dtype=np.float64))
    if total > MOST_EVENTS:
        raise InvalidParameter("too-many-events", n=round(total), most=MOST_EVENTS)
    require_positive(inside_hours=hours[0], outside_hours=hours[1])
    if not ((share >= 0) & (share <= 1)).all():
        raise InvalidParameter("share-out-of-range")
    if not (distance_m >= 0).all():
        raise InvalidParameter("distance-negative")
    if not events.sum() > 0:
        raise TooFewObservations("no-events", n=0)


def rank_facilities(
    count: NDArray[np.int64], exposure: NDArray[np.float64], choice: Ranking = USUAL_RANKING
) -> FacilityRanks:
    """Tell which facilities have the highest rates, and which cannot be told apart.

    Parameters
    ----------
    count
        (f,) whole events of each facility, each event at one facility only (`nearest_tally`).
    exposure
        (f,) what a level is proportional to: pupils, addresses or square metres in its rings,
        times hours where they differ. All positive.
    choice
        How sure all the ranks must be at once.

    Returns
    -------
    Rates with exact intervals, ranks, and for each rank the best and the worst that the events
    allow. The statement "facility i lies between these ranks, for every i" is wrong in at most
    1 - `level` of all cases. No facility gives empty arrays.

    Raises
    ------
    InvalidParameter
        Shapes differ, counts are not whole, an exposure is not positive.

    Notes
    -----
    Every pair is compared in both directions by the exact conditional test (Przyborowski &
    Wilenski 1940), adjusted for all f (f - 1) comparisons by Holm (1979). Rank intervals follow
    from who is told to lie above whom (Mogstad, Romano, Shaikh & Wilhelm 2024,
    doi:10.1093/restud/rdad006). League tables without such intervals mislead (Goldstein &
    Spiegelhalter 1996, doi:10.2307/2983325). No simulation, so nothing depends on a seed. Events
    are taken as independent.
    """
    require_same_length(count=count, exposure=exposure)
    require_counts(count=count)
    require_positive(exposure=float(exposure.min(initial=1.0)), largest=float(exposure.sum() + 1))
    rates = crude_rates(count.astype(np.float64), exposure, RateInterval(choice.level))
    x = count.astype(np.float64)[:, None]
    share = exposure[:, None] / (exposure[:, None] + exposure[None, :])
    p = np.where(x > 0, special.betainc(np.maximum(x, 1.0), x.T + 1, share), 1.0)
    above = _holm(p, 1 - choice.level)
    better = (rates.rate[None, :] > rates.rate[:, None]).sum(axis=1)
    return FacilityRanks(
        rate=rates.rate,
        rate_low=rates.low,
        rate_high=rates.high,
        rank=(1 + better).astype(np.int64),
        rank_low=(1 + above.sum(axis=0)).astype(np.int64),
        rank_high=(count.size - above.sum(axis=1)).astype(np.int64),
        above=above,
    )


def _holm(p: NDArray[np.float64], error: float) -> NDArray[np.bool_]:
    """Tell which comparisons off the diagonal of a square hold, all at once."""
    rejected = np.zeros(p.shape, dtype=bool)
    off = ~np.eye(len(p), dtype=bool)
    values = p[off]
    order = np.argsort(values, kind="stable")
    held = values[order] <= error / (values.size - np.arange(values.size))
    chosen = np.zeros(values.shape, dtype=bool)
    chosen[order] = np.logical_and.accumulate(held)
    rejected[off] = chosen
    return rejected


def _table(
    near: NDArray[np.bool_], events: NDArray[np.int64], share: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Count whole events near and elsewhere (rows), inside and outside (columns)."""
    cell = 2 * ~near + (share < WHOLE_EVENT_SHARE)
    return np.bincount(cell, events, 4).reshape(2, 2).astype(np.int64)


def _single(table: NDArray[np.int64], ratio: tuple[float, float, float]) -> Excess:
    """Put the first cell of a table, against what its margins let expect, as one unit to judge."""
    elsewhere = max(int(table[1].sum()), 1)
    p = np.array([_fisher(table)])
    return Excess(
        count=table[0, :1],
        expected=table[0].sum() * table[1, :1] / elsewhere,
        ratio=np.array(ratio[:1]),
        low=np.array(ratio[1:2]),
        high=np.array(ratio[2:]),
        p=p,
        q=p,
        dispersion=np.ones(1),
    )


def _fisher(table: NDArray[np.int64]) -> float:
    """Tell how often chance puts so many or more in the first cell, given the margins."""
    if not table.sum():
        return 1.0
    first = int(table[0, 0])
    return float(
        stats.hypergeom.sf(first - 1, int(table.sum()), int(table[0].sum()), int(table[:, 0].sum()))
    )


def _positions(facilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Refuse what is not (f, 2) finite metres; an empty array of any shape is no facility."""
    if not facilities.size:
        return np.empty((0, 2))
    if facilities.ndim != 2 or facilities.shape[1] != 2:  # noqa: PLR2004 - x and y
        raise InvalidParameter("positions-not-pairs", shape=facilities.shape)
    require_points(facilities[:, 0], facilities[:, 1])
    return facilities


def _stands(
    facilities: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Give the distinct spots by (x, y), and the first facility on each."""
    positions = _positions(facilities)
    rounded = np.round(positions, DIGITS)
    _, first = np.unique(rounded[:, 0] + 1j * rounded[:, 1], return_index=True)
    return positions[first], first.astype(np.intp)


def _ring(distance_m: NDArray[np.float64], rings: Rings) -> NDArray[np.intp]:
    """Tell in which ring each distance lies, or -1."""
    ring = np.searchsorted(np.array(rings.edges_m), distance_m, side="right") - 1
    return np.where(ring < len(rings.edges_m) - 1, ring, NONE)


def _require_area(study_area: shapely.Geometry) -> None:
    """Refuse an area that is no polygon, empty, crosses itself or is not finite."""
    polygonal = study_area.geom_type in ("Polygon", "MultiPolygon")
    if not (polygonal and study_area.is_valid and 0 < study_area.area < np.inf):
        raise InvalidParameter("study-area-unusable", kind=study_area.geom_type)


def _in_area(
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    weight: NDArray[np.float64],
    study_area: shapely.Geometry,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]:
    """Put points on places sorted by x, keep those in the study area, sum their weight."""
    require_points(x_m, y_m)
    require_same_length(x_m=x_m, weight=weight)
    require_weights(weight)
    _require_area(study_area)
    places = collapse(x_m, y_m)
    held = np.bincount(places.inverse, weight, places.x_m.size)
    shapely.prepare(study_area)
    inside = shapely.intersects_xy(study_area, places.x_m, places.y_m)
    held = held[inside]
    return places.x_m[inside], places.y_m[inside], held, float(held.sum())


def _edges(area: shapely.Geometry) -> NDArray[np.float64]:
    """Give the edges of polygons with the inside on their left: (e, 4) as x, y, x, y."""
    parts = shapely.get_parts(area)
    polygons = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    edges = shapely.get_rings(shapely.orient_polygons(polygons))
    xy, owner = shapely.get_coordinates(edges, return_index=True)
    same = owner[1:] == owner[:-1]
    long = np.hypot(*(xy[1:] - xy[:-1]).T) > SHORTEST_M
    return np.asarray(np.hstack([xy[:-1], xy[1:]])[same & long], dtype=np.float64)


def _disc_rings(
    centre: NDArray[np.float64], edges: NDArray[np.float64], rings: Rings
) -> NDArray[np.float64]:
    """Give the area of each ring inside the polygon with these edges: (r,)."""
    radius = np.array(rings.edges_m)[:, None]
    p, q = edges[:, :2] - centre, edges[:, 2:] - centre
    d = q - p
    square = (d**2).sum(axis=1)
    along = (p * d).sum(axis=1)
    under = along**2 - square * ((p**2).sum(axis=1) - radius**2)
    root = np.sqrt(np.maximum(under, 0.0))
    enters = np.clip((-along - root) / square, 0.0, 1.0)
    leaves = np.clip((-along + root) / square, 0.0, 1.0)
    cross = p[:, 0] * d[:, 1] - p[:, 1] * d[:, 0]

    def seen(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the angle between two points of each edge, as parts of its length."""
        a, b = p + start[..., None] * d, p + end[..., None] * d
        return np.asarray(np.arctan2((end - start) * cross, (a * b).sum(axis=-1)))

    nothing, whole = np.zeros(enters.shape), np.ones(enters.shape)
    arcs = seen(nothing, enters) + seen(leaves, whole)
    disc = ((leaves - enters) * cross + radius**2 * arcs).sum(axis=1) / 2
    return np.asarray(np.maximum(np.diff(disc), 0.0), dtype=np.float64)
