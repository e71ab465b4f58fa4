"""Emerging hot spots: how a cell's surroundings became, stayed or ceased to be a hot spot."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from geo.checks import require_fraction
from geo.errors import InvalidParameter, TooFewObservations
from geo.gistar import FEWEST_CELLS, require_neighbours, sizes, star_scores
from geo.permutation import require_whole_counts, sum_tails
from geo.significance import false_discovery_rate, require_probabilities
from geo.trend import MannKendall, mann_kendall

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

FEWEST_PERIODS = 10  # nine tenths of fewer would mean all of them; ArcGIS asks for ten too
HALF = 0.5  # up to here a cell could be nearly always hot and nearly always cold
SHORTEST_RUN = 2  # bins that make a final run "consecutive" in ArcGIS' present text


class Pattern(StrEnum):
    """ArcGIS' seventeen categories."""

    NEW_HOT = "new-hot"
    CONSECUTIVE_HOT = "consecutive-hot"
    INTENSIFYING_HOT = "intensifying-hot"
    PERSISTENT_HOT = "persistent-hot"
    DIMINISHING_HOT = "diminishing-hot"
    SPORADIC_HOT = "sporadic-hot"
    OSCILLATING_HOT = "oscillating-hot"
    HISTORICAL_HOT = "historical-hot"
    NEW_COLD = "new-cold"
    CONSECUTIVE_COLD = "consecutive-cold"
    INTENSIFYING_COLD = "intensifying-cold"
    PERSISTENT_COLD = "persistent-cold"
    DIMINISHING_COLD = "diminishing-cold"
    SPORADIC_COLD = "sporadic-cold"
    OSCILLATING_COLD = "oscillating-cold"
    HISTORICAL_COLD = "historical-cold"
    NONE = "no-pattern"


@dataclass(frozen=True, slots=True)
class EmergingRules:
    """What counts as significant, as a trend and as nearly always, and how far back one looks."""

    fdr: float = 0.05  # largest false discovery rate of hot and cold bins, over the whole cube
    trend_p: float = 0.05  # p-value at or below which a trend is believed
    persistent_share: float = 0.9  # share of the periods that makes "nearly always"
    previous_periods: int = 0  # earlier periods that belong to a bin's neighbourhood

    def __post_init__(self) -> None:
        """Refuse levels that are no fractions and a negative look back."""
        require_fraction(
            fdr=self.fdr,
            trend_p=self.trend_p,
            persistent_share=self.persistent_share,
        )
        if self.persistent_share <= HALF:
            raise InvalidParameter("share-not-above-half", persistent_share=self.persistent_share)
        if self.previous_periods < 0:
            raise InvalidParameter("previous-periods-negative", value=self.previous_periods)


@dataclass(frozen=True, slots=True)
class Emerging:
    """A category for each of m cells, and the m x t bins it was read from."""

    category: NDArray[np.str_]  # (m,) values of `Pattern`
    trend: MannKendall  # (m,) each; of the cell's z over the periods
    z: NDArray[np.float64]  # (m, t) Gi* of each bin within its own period
    p: NDArray[np.float64]  # (m, t) two-sided, exact under shuffling
    q: NDArray[np.float64]  # (m, t) p adjusted for all m x t bins (Benjamini-Hochberg)


def emerging(
    counts: NDArray[np.float64], neighbours: sparse.csr_array, rules: EmergingRules
) -> Emerging:
    """Answer where hot spots are new, lasting, growing, fading or over.

    Parameters
    ----------
    counts
        (m, t) whole incidents per cell and period, oldest period first; empty cells and periods
        are present as 0. Leave out the newest period while reports for it still come in: it
        would look like a decline.
    neighbours
        (m, m) binary CSR; 1 where two cells are neighbours and on the diagonal.
    rules
        Levels and the reach back in time.

    Returns
    -------
    Categories in the order of the cells; `Pattern.NONE` everywhere when nothing happened.

    Raises
    ------
    TooFewObservations
        Fewer than 3 cells or fewer than 10 periods.
    InvalidParameter
        The counts are not a table, not whole or negative, the neighbourhoods are not binary
        with ones on the diagonal, or `previous_periods` is not less than t.

    Notes
    -----
    Each bin is scored by Gi* against its own period (and the `previous_periods` before it, whose
    bins then also belong to its neighbourhood), so a rise or fall of the whole area is no hot
    spot. Its p-value is the exact one of `geo.permutation.exact_star_p`, and the false discovery
    rate is held over all bins of the cube at once, since the category is read from all of them.
    Both differ from ArcGIS, where the normal approximation is used: on monthly maps of pure
    noise with two incidents a cell and year that marks a hot bin on nearly every map (measured
    in tests/unit/test_emerging.py). `classify` alone follows ArcGIS for scores got otherwise.
    """
    counts = np.asarray(counts, dtype=np.float64)
    if counts.ndim != 2:  # noqa: PLR2004
        raise InvalidParameter("counts-not-a-table", shape=counts.shape)
    cells, periods = counts.shape
    require_whole_counts(counts)
    if cells < FEWEST_CELLS:
        raise TooFewObservations("too-few-cells", n=cells, needed=FEWEST_CELLS)
    if periods < FEWEST_PERIODS:
        raise TooFewObservations("too-few-periods", n=periods, needed=FEWEST_PERIODS)
    if rules.previous_periods >= periods:
        raise InvalidParameter(
            "previous-periods-too-many", value=rules.previous_periods, periods=periods
        )
    require_neighbours(neighbours, cells)
    z, p = _score_bins(counts, neighbours, rules.previous_periods)
    q = false_discovery_rate(p)
    trend = mann_kendall(z)
    return Emerging(category=classify(z, q, trend, rules), trend=trend, z=z, p=p, q=q)


def _score_bins(
    counts: NDArray[np.float64], neighbours: sparse.csr_array, previous: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give z and exact p of each bin: two (m, t) arrays."""
    lag = neighbours @ counts
    degree = sizes(neighbours)
    z, p = np.empty(counts.shape), np.empty(counts.shape)
    for now in range(counts.shape[1]):
        reach = slice(max(now - previous, 0), now + 1)
        bins = counts[:, reach].ravel()
        depth = bins.size // degree.size
        observed = lag[:, reach].sum(axis=1)
        moments = float(bins.sum()), float((bins * bins).sum()), float(bins.size)
        z[:, now] = star_scores(observed, degree * depth, moments)
        p[:, now] = sum_tails(bins, degree * depth, observed).p
    return z, p


def classify(
    z: NDArray[np.float64],
    q: NDArray[np.float64],
    trend: MannKendall,
    rules: EmergingRules,
) -> NDArray[np.str_]:
    """Answer which of ArcGIS' seventeen patterns each series of scores shows.

    Parameters
    ----------
    z, q
        (m, t) scores and (adjusted) p-values, oldest first. A bin is hot where q is at most
        `rules.fdr` and z > 0, cold where z < 0.
    trend
        (m,) each; Mann-Kendall of the z.
    rules
        Levels and the share that makes "nearly always".

    Returns
    -------
    (m,) values of `Pattern`.

    Raises
    ------
    InvalidParameter
        The shapes differ, or q holds something that is not a probability.

    Notes
    -----
    For hot spots (cold spots mirror them), the first rule that fits:

    1. hot in `persistent_share` of the periods or more

       - not hot in the last one: historical
       - hot in the last one, z rises significantly: intensifying
       - hot in the last one, z falls significantly: diminishing
       - otherwise: persistent

    2. hot in fewer, hot in the last one, never cold

       - never hot before: new
       - two or more hot periods, all in one run that ends with the last one: consecutive
       - otherwise: sporadic

    3. hot in fewer, hot in the last one, cold at some time: oscillating
    4. hot in fewer, not hot in the last one, never cold: sporadic

    After the texts of ArcGIS Pro, "How Emerging Hot Spot Analysis works", with these choices
    where they leave one: *historical* comes before *persistent* (sfdep and pyehsa test
    persistent first) and before an oscillating end on the other side; *consecutive* wants two
    final bins (the present text; sfdep follows the older one); a first hot bin after cold ones
    is oscillating, not new (as sfdep); *sporadic* need not be hot in the last period (the older
    text, as sfdep). Checked against sfdep's categories of hand-made series (golden/08).
    """
    if not (z.shape == q.shape and z.shape[:-1] == trend.p.shape):
        raise InvalidParameter("shapes-differ", z=z.shape, q=q.shape, trend=trend.p.shape)
    require_probabilities(q)
    believed = q <= rules.fdr
    hot, cold = believed & (z > 0), believed & (z < 0)
    moves = np.where(trend.p <= rules.trend_p, np.sign(trend.s), 0.0)
    share = rules.persistent_share
    sides = _patterns("hot", hot, cold, moves, share), _patterns("cold", cold, hot, -moves, share)
    cases = [case for pair in zip(*sides, strict=True) for case in pair]
    fits = [fit for _, fit in cases]
    names = [name.value for name, _ in cases]
    return np.select(fits, names, default=Pattern.NONE.value)


def _patterns(
    side: str,
    spot: NDArray[np.bool_],
    opposite: NDArray[np.bool_],
    moves: NDArray[np.float64],
    share: float,
) -> list[tuple[Pattern, NDArray[np.bool_]]]:
    """Tell which series fit which pattern of one side, in the order of the rules."""
    times = spot.sum(axis=1)
    often = times / spot.shape[1] >= share
    last = spot[:, -1]
    run = np.cumprod(spot[:, ::-1], axis=1).sum(axis=1)  # length of the final run
    mixed = opposite.any(axis=1)
    recent = ~often & last & ~mixed
    one_run = recent & (run == times)
    return [
        (Pattern(f"historical-{side}"), often & ~last),
        (Pattern(f"intensifying-{side}"), often & last & (moves > 0)),
        (Pattern(f"diminishing-{side}"), often & last & (moves < 0)),
        (Pattern(f"persistent-{side}"), often & last & (moves == 0)),
        (Pattern(f"new-{side}"), one_run & (times == 1)),
        (Pattern(f"consecutive-{side}"), one_run & (times >= SHORTEST_RUN)),
        (Pattern(f"oscillating-{side}"), ~often & last & mixed),
        (Pattern(f"sporadic-{side}"), ~often & (times > 0) & ~mixed & ~one_run),
    ]
