"""How far to spread an event: rules that give a bandwidth, and say which rule gave it.

A bandwidth decides what a heat map shows more than any other choice. Every rule here answers with
its own name, what it was computed from, and one standard deviation for a Gaussian kernel
(`geo.kde.GaussianHeat`), the same in all directions. None of them knows what the map is for:
where officers walk, 150-250 m is a few blocks, and a fixed width can be compared between periods.

Weights are frequencies: three events at one place are the same as one place of weight three.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geo.checks import require_positive
from geo.errors import InvalidParameter, TooFewObservations
from geo.kde import DEFAULT_BANDWIDTH_M, require_length, require_places
from geo.places import collapse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo.kde import Pair

FEWEST_EVENTS = 2
FEWEST_PLACES = 3
MOST_PLACES = 10_000  # 1e8 pairs a candidate: about a second each
_MOST_CANDIDATES = 200
_MOST_PAIRS = 1 << 16  # held in memory at once: half a megabyte stays in a core's cache
_FIRST_QUARTER, _LAST_QUARTER = 0.25, 0.75
_QUARTILES_TO_DEVIATION = 1.34  # as Silverman and MASS round 1.349


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """A bandwidth and where it came from."""

    rule: str  # "fixed", "scott" or "likelihood"
    bandwidth_m: float  # standard deviation of a Gaussian, along either axis
    events: float  # sum of the weights it was computed from; 0 for a fixed one
    places: int  # distinct places it was computed from; 0 for a fixed one


@dataclass(frozen=True, slots=True)
class LikelihoodBandwidth:
    """The candidate that foretells left-out places best, and how good all candidates are."""

    chosen: Bandwidth
    tried_m: NDArray[np.float64]  # (c,) candidates, ascending
    log_likelihood: NDArray[np.float64]  # (c,) of each; only differences mean anything
    at_limit: bool  # the first or last candidate won: the best one may lie outside


@dataclass(frozen=True, slots=True)
class Candidates:
    """Bandwidths to try: a geometric series from `shortest_m` to `longest_m`, both included."""

    shortest_m: float = 50.0
    longest_m: float = 2000.0
    candidates: int = 25

    def __post_init__(self) -> None:
        """Refuse a series that is empty or runs backwards."""
        require_length(shortest_m=self.shortest_m, longest_m=self.longest_m)
        if self.shortest_m >= self.longest_m:
            raise InvalidParameter(
                "candidates-backwards", shortest_m=self.shortest_m, longest_m=self.longest_m
            )
        if not FEWEST_EVENTS <= self.candidates <= _MOST_CANDIDATES:
            raise InvalidParameter("candidates", candidates=self.candidates, most=_MOST_CANDIDATES)

    @property
    def series_m(self) -> NDArray[np.float64]:
        """(candidates,) metres."""
        return np.geomspace(self.shortest_m, self.longest_m, self.candidates)


def fixed_bandwidth(bandwidth_m: float = DEFAULT_BANDWIDTH_M) -> Bandwidth:
    """Tell which bandwidth was decided beforehand.

    The default, 250 m, suits a town; a caller that maps a small core at night asks for 150 m.

    Raises
    ------
    InvalidParameter
        Not a length between a centimetre and 10,000 km.
    """
    require_length(bandwidth_m=bandwidth_m)
    return Bandwidth("fixed", bandwidth_m, 0.0, 0)


def scott_per_axis(places: Pair, weight: NDArray[np.float64]) -> tuple[float, float]:
    r"""Tell which bandwidths suit one round cloud of events, along x and along y.

    Parameters
    ----------
    places
        Two (n,) arrays in metres.
    weight
        (n,) events at each place.

    Returns
    -------
    Two standard deviations in metres.

    Raises
    ------
    TooFewObservations
        The weights do not add up to two events.
    InvalidParameter
        Coordinates or weights are not finite, a weight is negative, or shapes differ.

    Notes
    -----
    :math:`s_x n^{-1/6}`, with :math:`s_x` the standard deviation (divisor n - 1) and n the sum of
    the weights: Scott (1992), Multivariate Density Estimation, p. 152, for two dimensions.
    Checked against spatstat 3.0 ``bw.scott``. sfhotspot's automatic bandwidth is another rule (a
    one-dimensional one, and of the x coordinate alone).
    """
    require_places(places, weight)
    events = float(weight.sum())
    if events < FEWEST_EVENTS:
        raise TooFewObservations("bandwidth-events", n=events, fewest=FEWEST_EVENTS)
    east, north = (_deviation(each, weight) * events ** (-1 / 6) for each in places)
    return east, north


def scott_bandwidth(places: Pair, weight: NDArray[np.float64]) -> Bandwidth:
    """Tell which bandwidth suits one round cloud of events (Scott's rule in two dimensions).

    The root mean square of `scott_per_axis`, so that turning the map does not change it. A city
    has many clouds: this rule then smooths far too much (1.8 km for Memphis), and serves as an
    upper bound. Parameters, errors and source as there.

    Raises
    ------
    TooFewObservations
        Also when all events lie on one spot: no width can be told from that.
    """
    east, north = scott_per_axis(places, weight)
    both = float(np.hypot(east, north) / np.sqrt(2))
    holds = weight > 0
    distinct = collapse(places[0][holds], places[1][holds]).x_m.size
    if distinct < FEWEST_EVENTS:
        raise TooFewObservations("bandwidth-places", n=distinct, fewest=FEWEST_EVENTS)
    return Bandwidth("scott", both, float(weight.sum()), distinct)


def normal_reference_width(values_m: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    r"""Tell how wide R's one-dimensional rule of thumb would make a kernel along one axis.

    For reading other people's maps (R's MASS, sfhotspot, many QGIS recipes), not for ours.

    Parameters
    ----------
    values_m
        (n,) coordinates along one axis.
    weight
        (n,) events at each.

    Returns
    -------
    Metres; four standard deviations of a Gaussian. Zero where all values are equal.

    Raises
    ------
    TooFewObservations
        The weights do not add up to two events.
    InvalidParameter
        Values or weights are not finite, a weight is negative, or shapes differ.

    Notes
    -----
    :math:`4 \cdot 1.06 \min(s, IQR / 1.34) n^{-1/5}`, Venables & Ripley (2002), Modern Applied
    Statistics with S, p. 127; quartiles interpolated as R does (type 7). Checked against MASS
    ``bandwidth.nrd``.
    """
    require_places((values_m, values_m), weight)
    events = float(weight.sum())
    if events < FEWEST_EVENTS:
        raise TooFewObservations("bandwidth-events", n=events, fewest=FEWEST_EVENTS)
    low, high = (_quantile(values_m, weight, at) for at in (_FIRST_QUARTER, _LAST_QUARTER))
    spread = min(_deviation(values_m, weight), (high - low) / _QUARTILES_TO_DEVIATION)
    return float(4 * 1.06 * spread * events ** (-1 / 5))


def likelihood_bandwidth(
    places: Pair, weight: NDArray[np.float64], candidates: Candidates
) -> LikelihoodBandwidth:
    """Tell which bandwidth foretells a place best from all the others.

    Parameters
    ----------
    places
        Two (n,) arrays in metres; equal coordinates are joined first.
    weight
        (n,) events at each place; places without weight are left out.
    candidates
        Which bandwidths to try.

    Returns
    -------
    LikelihoodBandwidth
        The first of equals wins, that is the shortest.

    Raises
    ------
    TooFewObservations
        Fewer than three distinct places.
    InvalidParameter
        More than `MOST_PLACES` places (time grows with their square: choose a shorter period or
        another rule), coordinates or weights not finite, a negative weight, or shapes differ.

    Notes
    -----
    `left_out_log_likelihood` of whole *places*, not of events: reports stack on addresses and
    crossings, and an event is foretold perfectly by its twin on the same spot, so that leaving
    out single events drives the bandwidth towards zero as stacks grow.
    """
    require_places(places, weight)
    holds = weight > 0
    spots = collapse(places[0][holds], places[1][holds])
    distinct = spots.x_m.size
    if distinct < FEWEST_PLACES:
        raise TooFewObservations("bandwidth-places", n=distinct, fewest=FEWEST_PLACES)
    if distinct > MOST_PLACES:
        raise InvalidParameter("too-many-places", places=distinct, most=MOST_PLACES)
    events = np.bincount(spots.inverse, weight[holds]).astype(np.float64)
    tried = candidates.series_m
    score = left_out_log_likelihood((spots.x_m, spots.y_m), events, tried)
    best = int(score.argmax())
    chosen = Bandwidth("likelihood", float(tried[best]), float(events.sum()), distinct)
    return LikelihoodBandwidth(chosen, tried, score, at_limit=best in (0, tried.size - 1))


def left_out_log_likelihood(
    places: Pair, weight: NDArray[np.float64], bandwidths_m: NDArray[np.float64]
) -> NDArray[np.float64]:
    r"""Tell how well each bandwidth foretells each row from all other rows.

    Parameters
    ----------
    places
        Two (n,) arrays in metres, n at least 2. One row an event (as spatstat does), or one row a
        distinct place (as `likelihood_bandwidth` does).
    weight
        (n,) events of each row, all positive.
    bandwidths_m
        (c,) standard deviations to try, all positive.

    Returns
    -------
    (c,) values of :math:`\sum_i w_i \log \{ \sum_{j \ne i} w_j K_s(x_i - x_j) / (W - w_i) \}`,
    always finite: a lonely row is summed relative to its nearest neighbour, so nothing underflows.

    Raises
    ------
    TooFewObservations
        Fewer than two rows.
    InvalidParameter
        Coordinates or weights are not finite, a weight or bandwidth is not positive, or shapes
        differ.

    Notes
    -----
    Habbema, Hermans & van den Broek (1974); Loader (1999), Local Regression and Likelihood,
    ch. 5. No edge correction. Checked against spatstat 3.0 ``bw.ppl`` (whose value subtracts the
    number of expected events instead of normalising): the same candidate wins on Memphis.
    """
    require_places(places, weight)
    if weight.size < FEWEST_EVENTS:
        raise TooFewObservations("bandwidth-places", n=weight.size, fewest=FEWEST_EVENTS)
    require_positive(weight=weight.min())
    require_length(shortest_m=bandwidths_m.min(), longest_m=bandwidths_m.max())
    x, y = places
    total = weight.sum()
    score = np.zeros(bandwidths_m.size)
    step = max(1, _MOST_PAIRS // x.size)
    for start in range(0, x.size, step):
        rows = np.arange(start, min(start + step, x.size))
        squared = (x[rows, None] - x) ** 2 + (y[rows, None] - y) ** 2
        squared[rows - start, rows] = np.inf
        nearest = squared.min(axis=1)
        squared -= nearest[:, None]
        held, rest = weight[rows], total - weight[rows]
        for which, width in enumerate(bandwidths_m.tolist()):
            # Below e^-700 nothing is left of a term beside the nearest one, and exp gets slow.
            terms = squared * (-0.5 / width**2)
            np.exp(np.maximum(terms, -700.0, out=terms), out=terms)
            others = terms @ weight
            logs = np.log(others / (rest * 2 * np.pi * width**2)) - 0.5 * nearest / width**2
            score[which] += held @ logs
    return score


def _deviation(values: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """Find the standard deviation (divisor n - 1), each value repeated by its weight."""
    events = weight.sum()
    shifted = values - values[int(weight.argmax())]  # of the order of the spread, not of 1e6 m
    mean = (weight * shifted).sum() / events
    return float(np.sqrt((weight * (shifted - mean) ** 2).sum() / (events - 1)))


def _quantile(values: NDArray[np.float64], weight: NDArray[np.float64], at: float) -> float:
    """R's type 7 quantile of the values, each repeated by its weight."""
    order = np.argsort(values, kind="stable")
    upto = np.cumsum(weight[order])
    rank = (upto[-1] - 1) * at
    below, above = np.floor(rank), np.floor(rank) + 1
    last = values.size - 1
    low, high = np.minimum(np.searchsorted(upto, [below, above], side="right"), last).tolist()
    ordered = values[order]
    return float(ordered[low] + (rank - below) * (ordered[high] - ordered[low]))
