"""DBSCAN on distinct weighted places in metres, and what becomes of its clusters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.spatial import cKDTree

from geo.checks import require_fraction, require_points, require_positive, require_weights
from geo.errors import InvalidParameter
from geo.places import collapse

try:
    from geo import density_kernel

    COMPILED = True
except (ImportError, RuntimeError):  # no numba, or nowhere to keep what it compiles
    COMPILED = False

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo.places import Places

NOISE = -1

# How to read a stability score (Hennig 2007, and the manual of R's fpc::clusterboot).
STABLE_FROM = 0.75
DISSOLVES_BELOW = 0.5

# Up to here scikit-learn compares all pairs by a matrix product instead of building a tree, which
# loses half of the digits: |a|^2 + |b|^2 - 2ab.
_PRODUCT_PLACES = 11
_PRODUCT_ROUNDING = 2.0**-46  # of the largest |a|^2: six times the bound of its error
_LARGEST = 1e150  # metres; squares are finite below
_MOST_NEEDED = 2**61


@dataclass(frozen=True, slots=True)
class Density:
    """How dense is a cluster: `min_samples` events within `eps_m` metres, itself included."""

    eps_m: float
    min_samples: int

    def __post_init__(self) -> None:
        """Refuse what scikit-learn would refuse later and less clearly."""
        if not (np.isfinite(self.eps_m) and self.eps_m > 0):
            raise InvalidParameter("eps-not-positive", eps_m=self.eps_m)
        if not self.min_samples >= 1:
            raise InvalidParameter("min-samples-not-positive", min_samples=self.min_samples)


def dbscan(
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    events: NDArray[np.int64],
    density: Density,
) -> NDArray[np.int64]:
    """Tell where events crowd together: label each point with its cluster; noise is -1.

    Parameters
    ----------
    x_m, y_m
        (n,) finite coordinates in a metric system.
    events
        (n,) how many events each point stands for; whole and positive.
    density
        The two parameters of DBSCAN.

    Returns
    -------
    (n,) labels 0, 1, ... in the order of each cluster's first core place by (x, y). A border
    place belongs to the lowest label in reach. Both follow from running scikit-learn's own rule
    on places sorted by (x, y), so the result does not depend on the order of the input. No point
    gives no label.

    Raises
    ------
    InvalidParameter
        Coordinates are not finite, shapes differ, or an event count is not a positive whole number.

    Notes
    -----
    Ester, Kriegel, Sander & Xu 1996 (KDD-96); Schubert et al. 2017, doi:10.1145/3068335. Points
    are collapsed to distinct places first. Labels are bit-identical to those of
    ``sklearn.cluster.DBSCAN(eps, min_samples).fit(places, sample_weight=events)`` with places
    sorted by (x, y); golden/03_dbscan compares with R's package dbscan. A pair is near when
    ``dx*dx + dy*dy <= eps_m*eps_m`` in double precision. Where a distance differs from eps by less
    than rounding, scikit-learn's answer depends on how it computes (a matrix product up to 11
    places, its tree above), and only then, or without numba, scikit-learn itself is asked; it may
    then need memory for all pairs of neighbours. Otherwise memory grows with the places alone, and
    time as p log p, at worst as p times sqrt(p) or `min_samples`. Distances are in the plane;
    nothing is known of rivers and walls.
    """
    _require_events(x_m, y_m, events)
    at = collapse(x_m, y_m)
    return _labels(at.x_m, at.y_m, _held(at, events), density)[at.inverse]


def _require_events(
    x_m: NDArray[np.float64], y_m: NDArray[np.float64], events: NDArray[np.int64]
) -> None:
    """Refuse what is not two coordinates and one positive whole number of events a row."""
    if not (x_m.ndim == 1 and x_m.shape == y_m.shape == events.shape):
        raise InvalidParameter("shapes-differ", x=x_m.shape, y=y_m.shape, events=events.shape)
    if events.dtype.kind not in "iu" and not (
        np.isfinite(events).all() and (events == np.trunc(events)).all()
    ):
        raise InvalidParameter("events-not-whole")
    if events.min(initial=1) <= 0:
        raise InvalidParameter("events-not-positive")


def _held(at: Places, events: NDArray[np.int64]) -> NDArray[np.int64]:
    """Add up the events on each place."""
    if events.max(initial=1) == 1:
        return at.points
    return np.bincount(at.inverse, events).astype(np.int64)


def _labels(
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    events: NDArray[np.int64],
    density: Density,
) -> NDArray[np.int64]:
    """Label distinct places sorted by (x, y)."""
    eps_m, needed = float(density.eps_m), density.min_samples
    if events.sum(dtype=np.float64) < needed:
        return np.full(x_m.size, NOISE, dtype=np.int64)
    if COMPILED and _computable(x_m, y_m, density) and not _left_open(x_m, y_m, eps_m):
        found, _, sure = density_kernel.labels(x_m, y_m, events, eps_m, int(np.ceil(needed)))
        if sure:
            return found
    return _of_scikit_learn(x_m, y_m, events, density)


def _computable(x_m: NDArray[np.float64], y_m: NDArray[np.float64], density: Density) -> bool:
    """Tell whether the kernel can square the lengths and add up the events."""
    largest = max(-x_m[0], x_m[-1], np.abs(y_m).max(), density.eps_m)
    return bool(
        largest < _LARGEST and density.eps_m > 1 / _LARGEST and density.min_samples < _MOST_NEEDED
    )


def _left_open(x_m: NDArray[np.float64], y_m: NDArray[np.float64], eps_m: float) -> bool:
    """Tell whether a pair of few places is too close to eps for scikit-learn's matrix product."""
    if x_m.size > _PRODUCT_PLACES:
        return False
    square = (x_m[:, None] - x_m) ** 2 + (y_m[:, None] - y_m) ** 2
    slack = _PRODUCT_ROUNDING * ((x_m**2 + y_m**2).max() + eps_m**2)
    return bool((np.abs(square - eps_m**2) <= slack).any())


def _of_scikit_learn(
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    events: NDArray[np.int64],
    density: Density,
) -> NDArray[np.int64]:
    """Ask scikit-learn for the labels of distinct places sorted by (x, y)."""
    from sklearn.cluster import DBSCAN  # noqa: PLC0415 - costs a second and is seldom needed

    model = DBSCAN(eps=density.eps_m, min_samples=density.min_samples, metric="euclidean")
    found = model.fit(np.column_stack([x_m, y_m]), sample_weight=events.astype(np.float64))
    return np.asarray(found.labels_, dtype=np.int64)


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
        (p,) whole positive events, and weighted events of zero or more, on each place.

    Returns
    -------
    One summary a cluster; no cluster gives an empty list. The corners of a hull are coordinates of
    incidents: hulls are for analysts only.

    Raises
    ------
    InvalidParameter
        Shapes differ, or a value is not what it should be.
    """
    x_m, y_m = places
    _require_events(x_m, y_m, events)
    require_points(x_m, y_m)
    if not labels.shape == weight.shape == events.shape:
        raise InvalidParameter("shapes-differ", labels=labels.shape, weight=weight.shape)
    require_weights(weight)
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
    hulls = _hulls(np.column_stack([x_m[member], y_m[member]]), size)
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
            hull=hulls[i],
        )
        for rank, i in enumerate(order.tolist(), 1)
    ]


def _hulls(points: NDArray[np.float64], size: NDArray[np.intp]) -> NDArray[np.object_]:
    """Draw the convex hull of each run of `size` points: (n, 2) metres -> (k,) geometries."""
    # One line through all points of a cluster is built several times faster than a multipoint. It
    # needs two points, so a lone one is taken twice.
    taken = np.repeat(np.where(size == 1, 2, 1), size)
    ends = np.append(0, np.cumsum(np.maximum(size, 2)))
    lines = shapely.from_ragged_array(
        shapely.GeometryType.LINESTRING, np.repeat(points, taken, axis=0), (ends,)
    )
    return np.asarray(shapely.convex_hull(lines), dtype=object)


@dataclass(frozen=True, slots=True)
class Clustering:
    """The clusters of one period."""

    x_m: NDArray[np.float64]  # (p,) metres of its places
    y_m: NDArray[np.float64]  # (p,)
    labels: NDArray[np.int64]  # (p,) from `dbscan`: 0 to k - 1, each in use, and -1
    events: NDArray[np.int64]  # (p,) whole and positive

    def __post_init__(self) -> None:
        """Refuse arrays that describe no clustering."""
        _require_events(self.x_m, self.y_m, self.events)
        require_points(self.x_m, self.y_m)
        if self.labels.shape != self.events.shape:
            shapes = {"labels": self.labels.shape, "events": self.events.shape}
            raise InvalidParameter("shapes-differ", **shapes)
        used = np.unique(self.labels[self.labels != NOISE])
        if not np.array_equal(used, np.arange(used.size)):
            raise InvalidParameter("labels-not-counted-up")

    @property
    def held(self) -> NDArray[np.int64]:
        """The events of each cluster: (k,)."""
        member = self.labels != NOISE
        return np.bincount(self.labels[member], self.events[member]).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Continuity:
    """When a later cluster has to do with an earlier one."""

    eps_m: float = 50.0  # places this near each other are the same spot
    least_share: float = 0.5  # of the events of one of them must lie where the other is

    def __post_init__(self) -> None:
        """Refuse a reach that is no length and a share that is none or all."""
        require_positive(eps_m=self.eps_m)
        require_fraction(least_share=self.least_share)


class Fate(StrEnum):
    """What became of a cluster, or where it came from."""

    CONTINUED = "continued"
    SPLIT = "split"  # an earlier one in several; a later one is a part of one
    MERGED = "merged"  # an earlier one with others; a later one is made of several
    GONE = "gone"  # only earlier ones
    NEW = "new"  # only later ones


@dataclass(frozen=True, slots=True)
class Succession:
    """Which of a later clusters carries on the identity of which of b earlier ones."""

    successor: NDArray[np.int64]  # (b,) label of the later one, or -1
    predecessor: NDArray[np.int64]  # (a,) label of the earlier one, or -1
    overlap: NDArray[np.float64]  # (a,) with the predecessor, 0 to 1; 0 where there is none
    fate: tuple[Fate, ...]  # (b,)
    origin: tuple[Fate, ...]  # (a,)

    def carried(self, identity: NDArray[np.int64], first_free: int) -> NDArray[np.int64]:
        """Hand on identities: (b,) distinct numbers below `first_free` -> (a,).

        A later cluster without a predecessor gets the next free number, in the order of labels.

        Raises
        ------
        InvalidParameter
            The identities are not b distinct numbers below `first_free`.
        """
        if identity.shape != self.successor.shape:
            raise InvalidParameter("shapes-differ", identity=identity.shape)
        if np.unique(identity).size < identity.size or (identity >= first_free).any():
            raise InvalidParameter("identity-taken", first_free=first_free)
        new = self.predecessor == NOISE
        carried = np.empty(new.size, dtype=np.int64)
        carried[~new] = identity[self.predecessor[~new]]
        carried[new] = first_free + np.arange(np.count_nonzero(new))
        return carried


def match(before: Clustering, after: Clustering, continuity: Continuity) -> Succession:
    """Tell which clusters of a period carry on those of the period before, and which are new.

    Parameters
    ----------
    before, after
        Two clusterings, of the same places or of others.
    continuity
        How near and how much.

    Returns
    -------
    An identity passes from one earlier to one later cluster at most. Two clusters are *linked* when
    at least `least_share` of the events of either of them lie within `eps_m` of a place of the
    other. The *overlap* of linked ones is the share of all their events that lie so. Identities
    are handed on along links, the largest overlap first; ties go to the pair with more such events,
    then to the lower earlier label, then to the lower later label. Fates are told by the links, not
    by the identities: an earlier cluster is split when it has several links, else merged when its
    later cluster has several; a later cluster is merged when it has several links, else split when
    its earlier cluster has several. The order of places does not matter.

    Notes
    -----
    After MONIC (Spiliopoulou, Ntoutsi, Theodoridis & Schult 2006, doi:10.1145/1150402.1150491), in
    which the two periods share objects; here they share spots. Handing on greedily keeps the
    strongest link, which an assignment of the largest sum would at times give up. Nothing is told
    of clusters two periods back: one that pauses for a period is new when it returns.
    """
    one, two, inside, outside = _shared(before, after, continuity.eps_m)
    held_one, held_two = before.held[one], after.held[two]
    linked = (inside >= continuity.least_share * held_one) | (
        outside >= continuity.least_share * held_two
    )
    one, two, shared = one[linked], two[linked], (inside + outside)[linked]
    overlap = shared / (held_one + held_two)[linked]
    successor = np.full(before.held.size, NOISE, dtype=np.int64)
    predecessor = np.full(after.held.size, NOISE, dtype=np.int64)
    kept = np.zeros(after.held.size)
    for i in np.lexsort((two, one, -shared, -overlap)).tolist():
        if successor[one[i]] == NOISE and predecessor[two[i]] == NOISE:
            successor[one[i]], predecessor[two[i]] = two[i], one[i]
            kept[two[i]] = overlap[i]
    return Succession(
        successor,
        predecessor,
        kept,
        fate=_fates(one, two, (successor.size, predecessor.size), (Fate.SPLIT, Fate.GONE)),
        origin=_fates(two, one, (predecessor.size, successor.size), (Fate.MERGED, Fate.NEW)),
    )


def _shared(
    before: Clustering, after: Clustering, eps_m: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """List pairs of clusters that come near each other, and the events of each near the other.

    Returns
    -------
    (q,) earlier labels; (q,) later labels; (q,) events of the earlier cluster within `eps_m` of a
    place of the later one; (q,) the other way round.
    """
    here, there = before.labels != NOISE, after.labels != NOISE
    trees = [
        cKDTree(np.column_stack([each.x_m[which], each.y_m[which]]))
        for each, which in ((before, here), (after, there))
    ]
    near = trees[0].sparse_distance_matrix(trees[1], eps_m, output_type="ndarray")
    k = max(after.held.size, 1)
    keys, pair = np.unique(
        before.labels[here][near["i"]] * k + after.labels[there][near["j"]], return_inverse=True
    )
    sums = []
    for place, events in ((near["i"], before.events[here]), (near["j"], after.events[there])):
        # A place near several places of the other cluster counts once.
        found = np.unique(place.astype(np.int64) * max(keys.size, 1) + pair)
        place_no, pair_no = np.divmod(found, max(keys.size, 1))
        sums.append(np.bincount(pair_no, events[place_no], keys.size).astype(np.float64))
    return keys // k, keys % k, sums[0], sums[1]


def _fates(
    own: NDArray[np.int64],
    other: NDArray[np.int64],
    sizes: tuple[int, int],
    names: tuple[Fate, Fate],
) -> tuple[Fate, ...]:
    """Name what links say of each own cluster: `names` for several links and for none."""
    links, back = np.bincount(own, minlength=sizes[0]), np.bincount(other, minlength=sizes[1])
    several, none = names
    shared = Fate.MERGED if several is Fate.SPLIT else Fate.SPLIT
    others_have_more = np.bincount(own, back[other] > 1, sizes[0]) > 0
    return tuple(
        several if n > 1 else none if n == 0 else shared if more else Fate.CONTINUED
        for n, more in zip(links.tolist(), others_have_more.tolist(), strict=True)
    )


@dataclass(frozen=True, slots=True)
class Disturbance:
    """How a clustering is shaken to see which clusters stay together."""

    rounds: int = 100  # times the events are drawn again
    eps_change: float = 0.2  # share by which eps_m is made smaller and larger

    def __post_init__(self) -> None:
        """Refuse no round at all and a change of nothing or everything."""
        require_positive(rounds=self.rounds)
        require_fraction(eps_change=self.eps_change)


@dataclass(frozen=True, slots=True)
class Stability:
    """How well each of k clusters stays together, 0 to 1, by label.

    From 0.75 on a cluster is stable; below 0.5 it dissolves (`STABLE_FROM`, `DISSOLVES_BELOW`).
    """

    resampled: NDArray[np.float64]  # (k,) when the events are drawn again
    varied: NDArray[np.float64]  # (k,) when eps_m is changed

    @property
    def score(self) -> NDArray[np.float64]:
        """The smaller of the two: (k,)."""
        return np.minimum(self.resampled, self.varied)


def stability(
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    events: NDArray[np.int64],
    density: Density,
    disturbance: Disturbance,
    rng: np.random.Generator,
) -> Stability:
    """Tell which clusters would be there again with other luck or a slightly other radius.

    Parameters
    ----------
    x_m, y_m, events, density
        As for `dbscan`.
    disturbance
        How often and how much.
    rng
        Draws the events; the same state gives the same scores, whatever the order of the input.

    Returns
    -------
    For each label of `dbscan` the mean Jaccard similarity with the most similar cluster of each
    disturbed clustering, counted in events: once with as many events drawn again, with
    replacement, from those there are; once with `eps_m` changed by half and by the whole of
    `eps_change`, down and up. No cluster gives no score.

    Raises
    ------
    InvalidParameter
        As `dbscan`.

    Notes
    -----
    Hennig 2007, doi:10.1016/j.csda.2006.11.025, with events drawn twice counted twice. The mean of
    0.75 and more is a stable cluster; one below 0.5 dissolves. A single place that only just has
    enough events scores near 0.5: about every other draw leaves it with too few. The score
    says nothing of events that were never reported. Costs `rounds` + 5 runs of `dbscan`.
    """
    _require_events(x_m, y_m, events)
    at = collapse(x_m, y_m)
    held = _held(at, events)
    labels = _labels(at.x_m, at.y_m, held, density)
    k = int(labels.max(initial=NOISE)) + 1
    if not k:
        return Stability(np.zeros(0), np.zeros(0))
    resampled = np.zeros(k)
    for _ in range(int(disturbance.rounds)):
        drawn = rng.multinomial(held.sum(), held / held.sum())
        there = np.flatnonzero(drawn)
        again = _labels(at.x_m[there], at.y_m[there], drawn[there], density)
        resampled += _similarity(labels[there], again, drawn[there], k)
    changes = disturbance.eps_change * np.array([-1.0, -0.5, 0.5, 1.0])
    varied = np.zeros(k)
    for change in changes.tolist():
        other = Density(density.eps_m * (1 + change), density.min_samples)
        varied += _similarity(labels, _labels(at.x_m, at.y_m, held, other), held, k)
    return Stability(resampled / disturbance.rounds, varied / changes.size)


def _similarity(
    labels: NDArray[np.int64], others: NDArray[np.int64], events: NDArray[np.int64], k: int
) -> NDArray[np.float64]:
    """Give each cluster's Jaccard similarity with the most similar other one: (k,)."""
    ours, theirs = labels != NOISE, others != NOISE
    held = np.bincount(labels[ours], events[ours], k)
    other_held = np.bincount(others[theirs], events[theirs])
    both = ours & theirs
    width = max(other_held.size, 1)
    pairs, where = np.unique(labels[both] * width + others[both], return_inverse=True)
    shared = np.bincount(where, events[both], pairs.size)
    one, two = np.divmod(pairs, width)
    best = np.zeros(k)
    np.maximum.at(best, one, shared / (held[one] + other_held[two] - shared))
    return best
