"""Many tests at once: p-values adjusted so that chance alone does not paint a map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geo.errors import InvalidParameter

if TYPE_CHECKING:
    from numpy.typing import NDArray


def require_probabilities(p: NDArray[np.float64]) -> None:
    """Refuse p-values that are not numbers from 0 to 1."""
    inside = (p >= 0) & (p <= 1)  # not a number is neither
    if not inside.all():
        raise InvalidParameter("not-a-probability", value=float(p[~inside][0]))


def false_discovery_rate(p: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Answer how large the share of false alarms is if all p-values this small are believed.

    Parameters
    ----------
    p
        Any shape; the p-values of one family of tests. All of them count: a family is every
        cell that was looked at, not only those near by or those with incidents.

    Returns
    -------
    Same shape: q, the smallest false discovery rate at which each test is significant. Equal p
    get equal q, whatever the order of the input. Empty in, empty out.

    Raises
    ------
    InvalidParameter
        A value is not a probability.

    Notes
    -----
    :math:`q_{(i)} = \min_{j \ge i} \min(1, p_{(j)} m / j)`, Benjamini & Hochberg (1995),
    doi:10.1111/j.2517-6161.1995.tb02031.x. The rate is kept for independent tests and for
    positively dependent ones, as overlapping neighbourhoods are. Checked against
    ``scipy.stats.false_discovery_control`` and R's ``p.adjust`` (golden/02). Note that spdep's
    ``p.adjustSP``, which sfhotspot uses, multiplies by the number of neighbours instead and is
    not a global false discovery rate.
    """
    require_probabilities(p)
    once = np.ones(p.size, dtype=np.int64)
    return false_discovery_rate_of_groups(p.ravel(), once).reshape(p.shape)


def false_discovery_rate_of_groups(
    p: NDArray[np.float64], times: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Adjust p-values of which each stands for so many equal tests: (g,) and (g,) -> (g,) q.

    The same numbers as `false_discovery_rate` gives for the repeated p-values, without sorting
    them all. The p-values must be probabilities.
    """
    order = np.argsort(p)
    rank = np.cumsum(times[order])
    scaled = p[order] * (times.sum() / rank)
    q = np.empty(p.size)
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q


def bonferroni(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Answer how likely even one p-value this small is among all these tests.

    Parameters
    ----------
    p
        Any shape; the p-values of one family of tests.

    Returns
    -------
    Same shape: p times the number of tests, at most 1. Empty in, empty out.

    Raises
    ------
    InvalidParameter
        A value is not a probability.

    Notes
    -----
    Dunn (1961), doi:10.1080/01621459.1961.10482090. Stricter than `false_discovery_rate`.
    Checked against R's ``p.adjust`` (golden/02).
    """
    require_probabilities(p)
    return np.minimum(p * p.size, 1.0)
