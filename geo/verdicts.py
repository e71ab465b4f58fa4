"""What may be said about an area, a place, a cell or a cluster: four words, and why.

Two layers. `excess` (or `overdispersed_excess`) compares every unit of one partition with the
level the study area has itself; `judge` turns that and what else is known into a verdict with its
reasons. geo/stability.py does both for cells, geo/redistribution.py gives the first for clusters.

"Own level" is always one uniform level over the exposure the caller chose: all events times the
unit's share of the exposure. A raised unit has more than *that* gives. With square metres as
exposure, houses are "raised" against fields; with inhabitants, a square is raised against homes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag, StrEnum
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from geo.checks import require_fraction, require_positive, require_same_length, require_weights
from geo.rates import USUAL_INTERVAL, RateInterval, poisson_interval
from geo.ratios import require_counts, require_dispersion
from geo.significance import false_discovery_rate_of_groups

if TYPE_CHECKING:
    from numpy.typing import NDArray

DOUBT = 1.5  # relative standard errors added to an estimated dispersion
SLIVER = 1e-9  # the smallest share of the exposure that may be left to the other units
LARGEST_DOUBT = 5.0  # natural log; nothing is known when one unit holds every event


class Verdict(StrEnum):
    """What may be said about a unit."""

    ESTABLISHED = "established"  # statistiskt säkerställd
    UNCERTAIN = "uncertain"  # osäker
    TOO_FEW = "too_few"  # för få händelser
    NOT_RAISED = "not_raised"  # ingen förhöjd nivå


VERDICTS = tuple(Verdict)  # `Judgement.verdict` points into this


class Reason(IntFlag):
    """Why; several may hold at once."""

    RAISED = 1  # every demand that was tried is met
    FEW_EVENTS = 2  # neither happened nor was expected as much as any claim needs
    NO_EXPOSURE = 4  # nothing to divide by: no level to compare with
    BELOW_OWN_LEVEL = 8  # no more than the study area's own level gives
    WITHIN_CHANCE = 16  # more, but so much chance gives often
    MANY_COMPARISONS = 32  # more than chance for one unit, not for the best of so many
    ONE_RESOLUTION = 64  # not confirmed one step finer or coarser
    GRID_POSITION = 128  # not confirmed when the grid is moved
    UNCERTAIN_TIMES = 256  # does not hold without the events whose time is uncertain

    @property
    def code(self) -> str:
        """The kebab-case code of a single reason."""
        return str(self.name).lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class OwnLevel:
    """How sure the interval of a ratio to the own level must be, and how much counts vary."""

    level: float = 0.95  # confidence of the interval
    dispersion: float = 1.0  # variance over mean of a count; 1 is Poisson

    def __post_init__(self) -> None:
        """Refuse a level outside (0, 1) and counts that vary less than chance."""
        require_fraction(level=self.level)
        require_dispersion(self.dispersion)


@dataclass(frozen=True, slots=True)
class Rest:
    """Units of the study area that hold no event and need no answer, added up."""

    units: int = 0  # those with exposure
    exposure: float = 0.0
    squares: float = 0.0  # of the exposure of each


NO_REST = Rest()


@dataclass(frozen=True, slots=True)
class Excess:
    """How far each unit lies above the level of its study area, in the order of the input."""

    count: NDArray[np.int64]  # (m,) whole events
    expected: NDArray[np.float64]  # (m,) the own level; 0 without exposure
    ratio: NDArray[np.float64]  # (m,) count / expected; nan without exposure
    low: NDArray[np.float64]  # (m,) interval of the ratio; nan without exposure
    high: NDArray[np.float64]  # (m,)
    p: NDArray[np.float64]  # (m,) one-sided, so many events or more; 1 without exposure
    q: NDArray[np.float64]  # (m,) p adjusted for all units with exposure (Benjamini-Hochberg)
    dispersion: NDArray[np.float64]  # (m,) variance over mean that each p allows for


def excess(
    count: NDArray[np.int64],
    exposure: NDArray[np.float64],
    choice: OwnLevel = OwnLevel(),
    rest: Rest = NO_REST,
) -> Excess:
    r"""Tell how many times the study area's own level each unit has, and how often chance does.

    Parameters
    ----------
    count
        (m,) whole events per unit. The units must partition the study area: those without
        events belong to it, as 0, and every event counts once.
    exposure
        (m,) what a uniform level would be proportional to: true area inside the study area,
        inhabitants, addresses, metres of street, or their product with time.
    choice
        Confidence of the interval; the dispersion, when it is known from elsewhere.
    rest
        Units without events that were left out, because a map has many of them.

    Returns
    -------
    The excess of each unit; no unit gives empty arrays. Units without exposure and their events
    take no part in the level.

    Raises
    ------
    InvalidParameter
        Shapes differ, a count is not a whole number of at least 0, or an exposure is negative or
        not finite.

    Notes
    -----
    With N events and the unit's share s of the exposure, N s are expected. The total is given,
    so under the null a count is binomial: :math:`p = P(\mathrm{Bin}(N, s) \ge x)`, exactly, for
    few units as for many. With a dispersion d above 1 it is negative binomial with mean N s and
    variance d N s (gamma-distributed levels whose shape is proportional to exposure, so that d
    is the same for cells and their parents); the total is then not held fixed, which is cautious
    for units with a large share. The interval is Garwood's (1936) for the count over d, over N s:
    the expected number is taken as known. A hot unit raises the own level it is compared with,
    which again is cautious. Checked against scipy's ``binom``, ``nbinom`` and ``poisson``.
    """
    dispersions = [np.full(count.shape, choice.dispersion)]
    return _excess(count, exposure, choice.level, dispersions, rest)


def overdispersed_excess(
    count: NDArray[np.int64],
    exposure: NDArray[np.float64],
    choice: RateInterval = USUAL_INTERVAL,
    rest: Rest = NO_REST,
) -> Excess:
    r"""Tell how far each unit stands out from the others when places differ by themselves.

    Parameters, result and errors are those of `excess`; the dispersion of each unit is estimated
    from all *other* units, so that a hot spot does not hide itself.

    Notes
    -----
    Among the other units, with their own total M and shares s, the moment estimate is
    :math:`d = \sum (x - M s)^2 / (M (1 - \sum s^2))`, at least 1. Leaving out the unit makes it
    too small exactly for the highest of many units, so it is multiplied by e to the power of 1.5
    relative standard errors, :math:`\sqrt{2 \sum s^2 + (6 (d - 1) + 1 / d) / M}` (from the fourth
    moment of the negative binomial). Without that factor 5 to 30 % of pure noise maps showed a
    raised unit, with it at most 5 % (tests/golden/test_calibration.py). Because very clumped
    events are also very rare, the larger p of both dispersions counts. Several hot units hide each
    other: this test is cautious then. Fewer than 3 units, or others without events, tell nothing
    about the dispersion, and hardly any unit will be raised.
    """
    _require_units(count, exposure)
    estimated = _dispersion_elsewhere(count, exposure, np.arange(count.size), rest)
    return _excess(count, exposure, choice.level, estimated, rest)


def chance(
    count: NDArray[np.int64],
    exposure: NDArray[np.float64],
    choice: OwnLevel = OwnLevel(),
    rest: Rest = NO_REST,
) -> NDArray[np.float64]:
    """Tell how often chance alone gives each unit so many events or more: the p of `excess`."""
    _require_units(count, exposure)
    some = np.flatnonzero((count > 0) & (exposure > 0))
    return _chance(count, exposure, some, [np.full(some.shape, choice.dispersion)], rest)


def overdispersed_chance(
    count: NDArray[np.int64], exposure: NDArray[np.float64], rest: Rest = NO_REST
) -> NDArray[np.float64]:
    """Tell the same when places differ by themselves: the p of `overdispersed_excess`."""
    _require_units(count, exposure)
    some = np.flatnonzero((count > 0) & (exposure > 0))
    dispersions = _dispersion_elsewhere(count, exposure, some, rest)
    return _chance(count, exposure, some, dispersions, rest)


def _dispersion_elsewhere(
    count: NDArray[np.int64], exposure: NDArray[np.float64], of: NDArray[np.intp], rest: Rest
) -> list[NDArray[np.float64]]:
    """Estimate for some units how much more than chance all others vary: at best, and at worst.

    Events on units without exposure take no part.
    """
    whole = exposure.sum() + rest.exposure
    if not whole > 0:
        return [np.ones(of.shape)]
    every = count * (exposure > 0).astype(np.float64)
    shares = exposure / whole
    x, s = every[of], shares[of]
    total = every.sum() - x
    others = np.maximum(1 - s, SLIVER)
    all_squares = shares @ shares + rest.squares / whole**2
    squares = np.clip((all_squares - s * s) / others**2, 0.0, 1.0)  # of the others' shares
    deviation = (every @ every - x * x) - 2 * total * (every @ shares - x * s) / others
    deviation += total**2 * squares
    expected = total * (1 - squares)
    told = expected > np.finfo(np.float32).eps * np.maximum(total, 1.0)
    d = np.maximum(np.divide(deviation, expected, out=np.ones(x.shape), where=told), 1.0)
    doubt = np.full(x.shape, LARGEST_DOUBT)
    np.divide(6 * (d - 1) + 1 / d, total, out=doubt, where=told)
    doubt[told] = DOUBT * np.sqrt(doubt[told] + 2 * squares[told])
    return [d, np.asarray(d * np.exp(np.minimum(doubt, LARGEST_DOUBT)))]


def _require_units(count: NDArray[np.int64], exposure: NDArray[np.float64]) -> None:
    require_same_length(count=count, exposure=exposure)
    require_counts(count=count)
    require_weights(exposure)


def _excess(
    count: NDArray[np.int64],
    exposure: NDArray[np.float64],
    level: float,
    dispersions: list[NDArray[np.float64]],
    rest: Rest,
) -> Excess:
    """Compare counts with the own level, under the least favourable of each unit's dispersions."""
    _require_units(count, exposure)
    count = count.astype(np.int64)  # so that totals fit
    known = exposure > 0
    some = np.flatnonzero(known & (count > 0))
    p = _chance(count, exposure, some, [each[some] for each in dispersions], rest)
    q = np.ones(count.shape)
    q[known] = _adjusted(p[known], rest.units)
    share, total = _shares(count, exposure, rest)
    expected = total * share
    dispersion = dispersions[-1]
    low, high = poisson_interval(count / dispersion, RateInterval(level))
    return Excess(
        count=count,
        expected=expected,
        ratio=_over(count.astype(np.float64), expected),
        low=_over(low * dispersion, expected),
        high=_over(high * dispersion, expected),
        p=p,
        q=q,
        dispersion=dispersion,
    )


def _adjusted(p: NDArray[np.float64], others: int) -> NDArray[np.float64]:
    """Adjust for all units compared, of which some others have p = 1."""
    if not p.size:
        return p
    times = np.append(np.ones(p.size, dtype=np.int64), others)
    return false_discovery_rate_of_groups(np.append(p, 1.0), times)[:-1]


def _shares(
    count: NDArray[np.int64], exposure: NDArray[np.float64], rest: Rest
) -> tuple[NDArray[np.float64], int]:
    """Give each unit's share of the exposure, and the events on units that have any."""
    whole = exposure.sum() + rest.exposure
    share = exposure / whole if whole > 0 else np.zeros(exposure.shape)
    return share, int(count[exposure > 0].sum(dtype=np.int64))


def _chance(
    count: NDArray[np.int64],
    exposure: NDArray[np.float64],
    some: NDArray[np.intp],
    dispersions: list[NDArray[np.float64]],
    rest: Rest,
) -> NDArray[np.float64]:
    """Give the largest p of `some` units under their dispersions; 1 for all others."""
    share, total = _shares(count, exposure, rest)
    p = np.ones(count.shape)
    p[some] = np.max([_tail(count[some], share[some], total, d) for d in dispersions], axis=0)
    return p


def _tail(
    count: NDArray[np.int64],
    share: NDArray[np.float64],
    total: int,
    dispersion: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Give P(so many or more) of a binomial, or a negative binomial where d is above 1."""
    p = special.betainc(count, total - count + 1.0, share)
    more = dispersion > 1
    d, x = dispersion[more], count[more]
    p[more] = special.betainc(x, total * share[more] / (d - 1), (d - 1) / d)
    return np.asarray(p)


def _over(number: NDArray[np.float64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    out = np.full(expected.shape, np.nan)
    np.divide(number, expected, out=out, where=expected > 0)
    return out


@dataclass(frozen=True, slots=True)
class Demands:
    """What a verdict asks for."""

    fdr: float = 0.05  # largest false discovery rate of all units called raised
    alpha: float = 0.05  # largest p of one unit looked at alone
    minimum: int = 5  # whole events for any claim

    def __post_init__(self) -> None:
        """Refuse what no later code should have to think about."""
        require_fraction(fdr=self.fdr, alpha=self.alpha)
        require_positive(minimum=self.minimum)


USUAL_DEMANDS = Demands()


@dataclass(frozen=True, slots=True)
class Support:
    """What else speaks for each unit; None where it does not apply and is not demanded."""

    resolutions: NDArray[np.bool_] | None = None  # (m,) also raised one step finer or coarser
    grids: NDArray[np.bool_] | None = None  # (m,) also raised when the grid is moved
    certain: NDArray[np.bool_] | None = None  # (m,) all of it holds without uncertain times


NOTHING_MORE = Support()


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its reasons for each unit, in the order of the input."""

    verdict: NDArray[np.int8]  # (m,) position in VERDICTS
    reasons: NDArray[np.int64]  # (m,) flags of `Reason`

    def of(self, unit: int) -> Verdict:
        """Give the verdict of one unit."""
        return VERDICTS[int(self.verdict[unit])]

    def codes(self, unit: int) -> tuple[str, ...]:
        """Give the reasons of one unit as kebab-case codes, never none."""
        held = Reason(int(self.reasons[unit]))
        return tuple(reason.code for reason in Reason if reason in held)

    def all_of(self, verdict: Verdict) -> NDArray[np.bool_]:
        """Tell which units have a verdict: (m,)."""
        return np.equal(self.verdict, VERDICTS.index(verdict))


def judge(
    found: Excess,
    support: Support = NOTHING_MORE,
    demands: Demands = USUAL_DEMANDS,
) -> Judgement:
    """Tell what may be said about each unit: established, uncertain, too few events, not raised.

    Parameters
    ----------
    found
        From `excess`, `overdispersed_excess` or geo/redistribution.py.
    support
        What else was tried. Not tried is not demanded: an area has no grid.
    demands
        The limits.

    Returns
    -------
    One verdict for each unit, by the first line of this table that fits:

    ===========================================  ===========  ==================================
    evidence                                     verdict      reasons
    ===========================================  ===========  ==================================
    count and expected both below `minimum`      too_few      few-events
    no exposure                                  uncertain    no-exposure
    count at most expected                       not_raised   below-own-level
    p above `alpha`                              not_raised   within-chance
    q above `fdr`                                uncertain    many-comparisons
    any support tried and not given              uncertain    one-resolution, grid-position,
                                                              uncertain-times
    all of it                                    established  raised
    ===========================================  ===========  ==================================

    Raises
    ------
    InvalidParameter
        Shapes differ.

    Notes
    -----
    "Not raised" is the absence of evidence, not the evidence of calm: a unit with 6 events where
    4 were expected is not raised, and neither is one with 4 where 40 were. "Too few" is about
    information: where 40 were expected, 4 events say something. "Uncertain" alone is common by
    chance: one unit of twenty has p below 0.05 on pure noise.
    """
    tried = {
        Reason.ONE_RESOLUTION: support.resolutions,
        Reason.GRID_POSITION: support.grids,
        Reason.UNCERTAIN_TIMES: support.certain,
    }
    lacking = np.zeros(found.count.shape, dtype=np.int64)
    for reason, given in tried.items():
        if given is not None:
            require_same_length(count=found.count, given=given)
            lacking |= np.where(given, 0, int(reason))
    few = found.count < demands.minimum
    table = (
        (few & (found.expected < demands.minimum), Verdict.TOO_FEW, Reason.FEW_EVENTS),
        (np.isnan(found.ratio), Verdict.UNCERTAIN, Reason.NO_EXPOSURE),
        (found.count <= found.expected, Verdict.NOT_RAISED, Reason.BELOW_OWN_LEVEL),
        (found.p > demands.alpha, Verdict.NOT_RAISED, Reason.WITHIN_CHANCE),
        (found.q > demands.fdr, Verdict.UNCERTAIN, Reason.MANY_COMPARISONS),
    )
    fits = [fit for fit, _, _ in table]
    rank = [np.int8(VERDICTS.index(verdict)) for _, verdict, _ in table]
    why = [np.int64(reason) for _, _, reason in table]
    rest = np.where(lacking, VERDICTS.index(Verdict.UNCERTAIN), VERDICTS.index(Verdict.ESTABLISHED))
    reasons = np.where(lacking, lacking, int(Reason.RAISED))
    return Judgement(
        verdict=np.select(fits, rank, rest).astype(np.int8),
        reasons=np.select(fits, why, reasons).astype(np.int64),
    )
