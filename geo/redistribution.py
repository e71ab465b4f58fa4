"""Clusters were searched for: how large a one does the search find where there is only chance.

A cluster's borders were drawn around its events, so no test of the events inside those borders
against the ground inside them is honest. The search itself must be repeated on events that
chance placed, and the largest cluster it finds there is what an observed one must beat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geo.checks import require_fraction, require_points, require_positive, require_weights
from geo.errors import InvalidParameter
from geo.rates import RateInterval, poisson_interval
from geo.ratios import require_counts
from geo.verdicts import Excess

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Scatter = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]
    Draw = Callable[[np.random.Generator], Scatter]
    Search = Callable[
        [NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]], NDArray[np.int64]
    ]


@dataclass(frozen=True, slots=True)
class Redistribution:
    """How often the events are placed anew and searched."""

    rounds: int = 199  # the smallest p that can come out is 1 / (rounds + 1)
    level: float = 0.95  # confidence of the interval around an observed count

    def __post_init__(self) -> None:
        """Refuse what no later code should have to think about."""
        require_positive(rounds=self.rounds)
        require_fraction(level=self.level)


def over_places(
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    weight: NDArray[np.float64],
    events: int,
) -> Draw:
    """Make the chance that drops events on known places in proportion to a weight.

    Parameters
    ----------
    x_m, y_m
        (p,) metres of distinct places where an event can be recorded: the address register, the
        gazetteer, or the places of another period. The places of the tested events themselves
        are the weakest choice: then only their stacking can be surprising, not where they lie.
    weight
        (p,) for example 1 each, inhabitants, or last year's events.
    events
        How many whole events to drop: as many as were observed.

    Raises
    ------
    InvalidParameter
        Coordinates not finite, weights negative, all zero or not finite, events not a whole
        number of at least 0.
    """
    require_points(x_m, y_m)
    require_weights(weight)
    if weight.shape != x_m.shape:
        raise InvalidParameter("shapes-differ", x_m=x_m.shape, weight=weight.shape)
    if not weight.sum() > 0:
        raise InvalidParameter("no-exposure")
    require_counts(events=np.array([events]))
    share = weight / weight.sum()

    def draw(rng: np.random.Generator) -> Scatter:
        dropped = rng.multinomial(events, share)
        hit = np.flatnonzero(dropped)
        return x_m[hit], y_m[hit], dropped[hit]

    return draw


def over_outline(outline: shapely.Polygon | shapely.MultiPolygon, events: int) -> Draw:
    """Make the chance that drops events anywhere in a study area, every square metre alike.

    Parameters
    ----------
    outline
        The study area in metres.
    events
        How many whole events to drop.

    Raises
    ------
    InvalidParameter
        The outline has no area, or events is not a whole number of at least 0.

    Notes
    -----
    Events that are recorded at addresses are more clustered than this whatever happens: use
    `over_places` for them.
    """
    if not outline.area > 0:
        raise InvalidParameter("no-exposure")
    require_counts(events=np.array([events]))
    shapely.prepare(outline)
    west, south, east, north = outline.bounds
    surplus = 1.2 * (east - west) * (north - south) / outline.area

    def draw(rng: np.random.Generator) -> Scatter:
        x_m, y_m = np.empty(0), np.empty(0)
        while x_m.size < events:
            tries = int((events - x_m.size) * surplus) + 10
            x, y = rng.uniform(west, east, tries), rng.uniform(south, north, tries)
            inside = shapely.intersects_xy(outline, x, y)
            x_m, y_m = np.append(x_m, x[inside]), np.append(y_m, y[inside])
        return x_m[:events], y_m[:events], np.ones(events, dtype=np.int64)

    return draw


def cluster_excess(
    count: NDArray[np.int64],
    draw: Draw,
    search: Search,
    choice: Redistribution,
    rng: np.random.Generator,
) -> Excess:
    r"""Tell how often the same search finds as large a cluster where only chance placed events.

    Parameters
    ----------
    count
        (c,) whole events in each observed cluster.
    draw
        The chance, from `over_places` or `over_outline`.
    search
        Takes metres, metres and whole events of places, gives their labels, negative for noise:
        the very function, with the very parameters, that found the observed clusters, for example
        ``functools.partial(dbscan, density=density)``.
    choice
        How many rounds.
    rng
        Source of randomness; the same seed gives the same answer.

    Returns
    -------
    One row for each cluster, for `geo.verdicts.judge`. `q` is family-wise: how often the largest
    cluster of a round is at least as large. `p` is for the k-th largest observed cluster how
    often the k-th largest of a round is at least as large. `expected` is the mean size of the
    k-th largest, `ratio` and its exact Poisson interval are relative to it, infinite where no
    round has so many clusters. Equal clusters share the first of their ranks. No cluster
    gives empty arrays, and no round is run.

    Raises
    ------
    InvalidParameter
        A count is not a whole number of at least 0.

    Notes
    -----
    Both are (1 + rounds at least as large) / (1 + rounds), Davison & Hinkley (1997) section 4.2;
    the largest-of-all comparison is that of Kulldorff's (1997) scan statistic,
    doi:10.1080/03610929708831995, here with the count itself. So the rate of maps with any
    false cluster is at most `fdr`, whatever the search does.

    What it does not say: that the cluster's borders are right, that it is denser than its
    surroundings, or that it will last. A small cluster is compared with the largest of every
    round, so a real small one beside a large one stays uncertain. Beaten chance is the *drawn*
    one: with `over_outline` houses are enough to beat it.
    """
    require_counts(count=count)
    if not count.size:
        none = np.empty(0)
        return Excess(count.astype(np.int64), none, none, none, none, none, none, none)
    falling = np.zeros((choice.rounds, count.size))
    for turn in range(choice.rounds):
        x_m, y_m, events = draw(rng)
        label = np.asarray(search(x_m, y_m, events))
        member = label >= 0
        sizes = np.sort(np.bincount(label[member], events[member]))[::-1][: count.size]
        falling[turn, : sizes.size] = sizes
    larger = count.size - np.searchsorted(np.sort(count), count, side="right")
    expected = falling.mean(axis=0)[larger]
    rounds = 1 + choice.rounds
    low, high = poisson_interval(count.astype(np.float64), RateInterval(choice.level))
    return Excess(
        count=count.astype(np.int64),
        expected=expected,
        ratio=_times(count.astype(np.float64), expected),
        low=_times(low, expected),
        high=_times(high, expected),
        p=(1 + (falling[:, larger] >= count).sum(axis=0)) / rounds,
        q=(1 + (falling[:, :1] >= count).sum(axis=0)) / rounds,
        dispersion=np.ones(count.size),
    )


def _times(number: NDArray[np.float64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    out = np.full(expected.shape, np.inf)
    np.divide(number, expected, out=out, where=expected > 0)
    return out
