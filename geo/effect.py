"""Whether a place changed more than a comparable one while a measure was tried there.

The numbers are counts before and after, in the area where the measure was tried and in a control
area, and, when displacement is feared, in the ring around the first and a ring to compare it with.
They show a difference. They do not show that the measure made it: other things happen in the same
months, and areas chosen because they were at their worst fall back on their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import ceil, hypot, isfinite, sqrt
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from geo.checks import require_fraction, require_positive, require_weights
from geo.errors import InvalidParameter, TooFewObservations
from geo.ratios import require_counts, require_dispersion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FEWEST_PERIODS = 2


class Verdict(StrEnum):
    """What may be said of a difference."""

    DECREASED = "decreased"
    INCREASED = "increased"
    NO_DIFFERENCE = "no_difference_shown"  # and one that matters would have been seen
    CANNOT_BE_ASSESSED = "cannot_be_assessed"  # too few events to see one that matters


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """Whole events of one area before and after the measure began."""

    before: int
    after: int
    area_weight: float = 1.0  # its size in any unit, the same for all areas: differences per unit

    def __post_init__(self) -> None:
        """Refuse counts below zero and areas without size."""
        require_counts(before_after=np.array([self.before, self.after]))
        require_positive(area_weight=self.area_weight)


@dataclass(frozen=True, slots=True)
class Trial:
    """What is compared: counts of the areas, and how long the two periods are."""

    treated: BeforeAfter
    control: BeforeAfter
    ring: BeforeAfter | None = None  # around the treated area, where events may have moved
    ring_control: BeforeAfter | None = None  # what the ring is compared with
    before_weight: float = 1.0  # length in any unit, the same for both: differences per unit
    after_weight: float = 1.0

    def __post_init__(self) -> None:
        """Refuse periods without length, and a ring that nothing is compared with."""
        require_positive(before_weight=self.before_weight, after_weight=self.after_weight)
        if (self.ring is None) != (self.ring_control is None):
            raise InvalidParameter("ring-without-control")


@dataclass(frozen=True, slots=True)
class Wdd:
    """How sure the interval is, and from when on a difference counts as assessed."""

    level: float = 0.95
    dispersion: float = 1.0  # times the variance that chance alone gives, see `dispersion`
    power: float = 0.8  # the chance with which a difference that matters should be seen
    relevant_share: float = 0.25  # of the treated area's events before: a difference that matters
    fewest_events: int = 10  # in the treated area, both periods: below it nothing is said

    def __post_init__(self) -> None:
        """Refuse levels outside 0 to 1 and a variance below chance's."""
        require_fraction(level=self.level, power=self.power)
        require_positive(
            relevant_share=self.relevant_share,
            fewest_events=self.fewest_events,
        )
        require_dispersion(self.dispersion)


@dataclass(frozen=True, slots=True)
class Difference:
    """The weighted displacement difference, in events (per unit of the weights)."""

    local: float  # change in the treated area less the change in its control
    local_se: float
    displacement: float  # the same for the ring; 0 without one
    displacement_se: float
    total: float  # local + displacement: what is left when events that moved are counted
    total_se: float
    z: float  # total / total_se
    low: float  # of the interval of `total`
    high: float


@dataclass(frozen=True, slots=True)
class Harm:
    """Differences of several kinds of events in one number, in units of harm."""

    total: float
    se: float
    z: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """One difference with what may be said of it."""

    verdict: Verdict
    difference: float
    se: float
    low: float
    high: float
    detectable: float  # the smallest true difference that would be seen with the power asked for
    relevant: float  # the difference that matters; 0 when there was nothing before
    events_needed: int | None  # before, in the area, to see `relevant`; None: none would do


@dataclass(frozen=True, slots=True)
class Assessment:
    """What changed beside the control: where the measure was, around it, and together."""

    local: Judgement
    displacement: Judgement | None  # None without a ring
    total: Judgement
    numbers: Difference


def wdd(trial: Trial, choice: Wdd = Wdd()) -> Difference:
    r"""Tell how much more the area of a measure changed than its control, displacement included.

    Parameters
    ----------
    trial
        Counts before and after. With weights of periods and areas, differences are per unit of
        both. Counts of 0 are fine; so is 0 before everywhere, which compares two areas afterwards.
    choice
        `level` of the interval and `dispersion`.

    Raises
    ------
    TooFewObservations
        There is no event at all: nothing varies.
    InvalidParameter
        From `Trial`, `BeforeAfter` or `Wdd`.

    Notes
    -----
    .. math:: WDD = (T_1 - T_0) - (C_1 - C_0) + (D_1 - D_0) - (K_1 - K_0)

    for treated T, control C, ring D and the ring's control K; the variance is the sum of the
    counts (Wheeler & Ratcliffe 2018, doi:10.1186/s40163-018-0085-5). Weighted counts are divided
    by the weight, their variances by its square (Wheeler 2021). Negative: fewer events than the
    control leads one to expect. The control must be of about the same size: changes are compared
    in events, not in percent.

    The normal approximation holds well down to a handful of events (false alarms at most 5.5 %
    at level 95 % for expected counts from 1 to 20; tests/unit/test_effect.py). Repeats in series
    spread more than chance does: give their `dispersion`.

    Checked against ptools 2.0.0 (tests/golden/test_pai_wdd.py). An early ptools has a misplaced
    bracket in the variance of the ring; 2.0.0 and this have not.
    """
    local, local_var = _change(trial.treated, trial.control, trial)
    moved, moved_var = (0.0, 0.0)
    if trial.ring is not None and trial.ring_control is not None:
        moved, moved_var = _change(trial.ring, trial.ring_control, trial)
    total, se = local + moved, sqrt(choice.dispersion * (local_var + moved_var))
    if se == 0:
        raise TooFewObservations("no-events-before-or-after", n=0)
    reach = _reach(choice.level) * se
    return Difference(
        local=local,
        local_se=sqrt(choice.dispersion * local_var),
        displacement=moved,
        displacement_se=sqrt(choice.dispersion * moved_var),
        total=total,
        total_se=se,
        z=total / se,
        low=total - reach,
        high=total + reach,
    )


def wdd_harm(
    differences: Sequence[Difference],
    harm_weights: Sequence[float],
    choice: Wdd = Wdd(),
) -> Harm:
    """Tell how much harm the differences of several kinds of events add up to.

    Parameters
    ----------
    differences
        One `wdd` for each kind of event; the kinds must not share events.
    harm_weights
        How much one event of each kind weighs; not negative, not all zero.
    choice
        `level` of the interval; the dispersion is already in the differences.

    Raises
    ------
    InvalidParameter
        As many weights as differences are needed, none negative and one above zero.

    Notes
    -----
    The weighted sum of the totals, with the weighted sum of their variances (Wheeler 2020). A
    kind with great weight and few events decides the sum: look at its own difference too. Checked
    against ptools 2.0.0 `wdd_harm`.
    """
    weights = np.array(harm_weights, dtype=np.float64)
    if len(differences) != weights.size:
        raise InvalidParameter("shapes-differ", differences=len(differences), weights=weights.size)
    require_weights(weights)
    if not weights.any():
        raise InvalidParameter("harm-weights-all-zero")
    total = float(weights @ [each.total for each in differences])
    se = hypot(*(weights * [each.total_se for each in differences]))
    reach = _reach(choice.level) * se
    return Harm(total, se, total / se, total - reach, total + reach)


def assess(trial: Trial, choice: Wdd = Wdd()) -> Assessment:
    """Tell whether an area fared otherwise than its control, or whether that cannot be told.

    Parameters
    ----------
    trial
        As for `wdd`.
    choice
        Level, dispersion, power, and which difference matters.

    Returns
    -------
    A verdict on the area itself, on the ring and on both together. *decreased* or *increased*:
    the interval does not hold zero. *no_difference_shown*: it does, though a difference of
    `relevant_share` of the events before would have been seen with `power`. *cannot_be_assessed*:
    it does, and such a difference could have been missed, or there are fewer than `fewest_events`
    events; `events_needed` says how many before would have been enough, all counts in proportion.
    The verdict on both together is measured by the area's own events before.

    Raises
    ------
    TooFewObservations
        There is no event at all.

    Notes
    -----
    Detectable is :math:`(z_{(1 + level) / 2} + z_{power}) SE`, with the counts' spread as it is:
    among few events a fall is seen a little more often than that, a rise less. None of the
    verdicts names a cause: say "fell more than in the control area", not "the measure worked".
    """
    numbers = wdd(trial, choice)
    around = None
    if trial.ring is not None:
        around = _judge(numbers.displacement, numbers.displacement_se, trial.ring, trial, choice)
    return Assessment(
        local=_judge(numbers.local, numbers.local_se, trial.treated, trial, choice),
        displacement=around,
        total=_judge(numbers.total, numbers.total_se, trial.treated, trial, choice),
        numbers=numbers,
    )


def dispersion(events: NDArray[np.float64]) -> float:
    """Tell how many times more than chance the counts of equally long periods differ.

    Parameters
    ----------
    events
        (n,) whole events in each of n equal periods of one area, best before the measure.

    Returns
    -------
    Variance / mean (index of dispersion, n - 1 in the denominator), at least 1. A trend or a
    season in the counts makes it larger, which only makes a verdict more careful.

    Raises
    ------
    TooFewObservations
        Fewer than two periods, or no event in any.
    InvalidParameter
        Negative or not finite counts.
    """
    require_weights(events)
    if events.size < FEWEST_PERIODS:
        raise TooFewObservations("too-few-periods", n=events.size, needed=FEWEST_PERIODS)
    mean = float(events.mean())
    if mean == 0:
        raise TooFewObservations("no-events-before-or-after", n=0)
    return max(1.0, float(events.var(ddof=1)) / mean)


def _change(area: BeforeAfter, control: BeforeAfter, trial: Trial) -> tuple[float, float]:
    """Give the difference of two changes and its Poisson variance."""
    difference = variance = 0.0
    for each, sign in ((area, 1), (control, -1)):
        before = trial.before_weight * each.area_weight
        after = trial.after_weight * each.area_weight
        difference += sign * (each.after / after - each.before / before)
        variance += each.after / after**2 + each.before / before**2
    return difference, variance


def _reach(level: float) -> float:
    return float(stats.norm.ppf((1 + level) / 2))


def _judge(difference: float, se: float, area: BeforeAfter, trial: Trial, choice: Wdd) -> Judgement:
    reach = _reach(choice.level) * se
    detectable = reach + float(stats.norm.ppf(choice.power)) * se
    rate = area.before / (trial.before_weight * area.area_weight)
    relevant = choice.relevant_share * rate
    factor = (detectable / relevant) ** 2 if relevant else float("inf")
    verdict = Verdict.CANNOT_BE_ASSESSED
    if area.before + area.after >= choice.fewest_events:
        if abs(difference) > reach:
            verdict = Verdict.DECREASED if difference < 0 else Verdict.INCREASED
        elif detectable <= relevant:
            verdict = Verdict.NO_DIFFERENCE
    return Judgement(
        verdict=verdict,
        difference=difference,
        se=se,
        low=difference - reach,
        high=difference + reach,
        detectable=detectable,
        relevant=relevant,
        events_needed=ceil(factor * area.before) if isfinite(factor) else None,
    )
