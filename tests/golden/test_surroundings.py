"""Surroundings of facilities against numbers printed in R's and Stata's manuals."""

import numpy as np
import pytest
from scipy import stats

from geo.rings import HoursNear, hours_near
from geo.risk_terrain import Colocation, Spots, colocation

# Deaths from coronary disease and person-years of British doctors by age, smokers and others
# (Doll & Hill 1966; Breslow & Day 1987, table 2.1; the example of Stata's `ir`, by age).
DOCTORS = (
    (32, 52_407, 2, 18_790),
    (104, 43_248, 12, 10_673),
    (206, 28_612, 28, 5_710),
    (186, 12_663, 28, 2_585),
    (102, 5_317, 31, 1_462),
)


EAST = np.array([1000.0, 0.0])


def contrast(table, level=0.95):
    """Judge a table of (near, elsewhere) x (inside, outside)."""
    events = np.array(table).ravel()
    distance, share = np.array([0.0, 0.0, 900.0, 900.0]), np.array([1.0, 0.0, 1.0, 0.0])
    return hours_near(distance, events, share, (1.0, 1.0), HoursNear(level=level))


def test_the_ratio_of_ratios_is_that_of_rs_fisher_test():
    # ?fisher.test, "Convictions"; R finds the root to about 1e-5 only.
    found = contrast([[2, 10], [15, 3]])
    assert found.ratio == pytest.approx(0.04693661, rel=1e-5)
    assert (found.low, found.high) == pytest.approx((0.003325764, 0.363182271), rel=3e-3)


@pytest.mark.parametrize("table", [[[2, 10], [15, 3]], [[30, 20], [40, 60]], [[0, 9], [40, 60]]])
def test_the_ends_of_the_interval_leave_half_the_error_beyond_them(table):
    found = contrast(table)
    first, near, inside = table[0][0], sum(table[0]), table[0][0] + table[1][0]
    total = near + sum(table[1])
    below = stats.nchypergeom_fisher(total, inside, near, found.high).cdf(first)
    assert below == pytest.approx(0.025, rel=1e-6)
    if first:
        above = stats.nchypergeom_fisher(total, inside, near, found.low).sf(first - 1)
        assert above == pytest.approx(0.025, rel=1e-6)


def test_the_chance_of_so_many_is_that_of_rs_fisher_test():
    assert contrast([[3, 1], [1, 3]]).p == pytest.approx(0.2429, abs=5e-5)  # the tea taster
    assert contrast([[3, 1], [1, 3]]).ratio == pytest.approx(6.408309, rel=1e-5)
    assert contrast([[10, 2], [3, 15]]).p == pytest.approx(0.0004652, abs=5e-8)  # Convictions


def test_squares_are_put_together_like_strata_in_statas_ir():
    near = np.column_stack([10_000.0 * np.arange(5), np.zeros(5)])
    ground = np.vstack([near, near + EAST])
    smokers, years, others, other_years = np.array(DOCTORS, dtype=float).T
    incidents = Spots(*ground.T, np.concatenate([smokers, others]))
    controls = Spots(*ground.T, np.concatenate([years, other_years]))
    choices = Colocation(distances_m=(50.0,), block_m=5000.0)
    found = colocation(incidents, controls, {"age": near}, np.random.default_rng(1), choices)[0]
    assert found.ratio == pytest.approx(1.424682, abs=5e-7)
    pooled = colocation(
        incidents, controls, {"age": near}, np.random.default_rng(1), Colocation((50.0,), 1e6)
    )[0]
    assert pooled.ratio == pytest.approx(1.719823, abs=5e-7)
