"""Rates, ratios, tests and concentration against R, ptools, lorenzgini, esda and scipy."""

import csv
import json

import numpy as np
import pytest
from esda.smoothing import Empirical_Bayes, Spatial_Empirical_Bayes
from libpysal.weights import W
from scipy import sparse, stats

from geo.concentration import Shares, concentration
from geo.rates import RateInterval, locally_smoothed_rates, poisson_interval, smoothed_rates
from geo.ratios import RatioInterval, e_test, rate_ratio, rate_ratio_mid_p
from geo.verdicts import OwnLevel, excess

TOYS = {
    "toy_8_0_0_2": np.array([8.0, 0, 0, 2]),
    "toy_more_places_than_crimes": np.r_[np.ones(3), np.zeros(97)],
}


@pytest.fixture(scope="module")
def printed(shared):
    text = (shared / "golden/07_pai_wdd/summary.json").read_text("utf-8")
    return json.loads(text)


@pytest.fixture(scope="module")
def memphis(shared):
    """Give robberies per H3 cell of Memphis, cells without any included."""
    with (shared / "golden/inputs/memphis_h3r8_cells.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


@pytest.mark.parametrize("counts", ["20_10", "6_2", "30_15"])
def test_the_e_test_gives_the_p_of_ptools(counts, printed):
    first, second = map(int, counts.split("_"))
    assert e_test(first, second) == pytest.approx(printed["e_test"][counts], abs=1e-12)


def assert_concentrated_as(counts, golden):
    found = concentration(counts, Shares((0.25, 0.5)))
    assert (found.units, found.events) == (golden["n_units"], golden["n_crimes"])
    assert found.occupied == golden["units_with_crime"]
    ours = [100 * share for share in found.of_all]
    assert ours == pytest.approx([golden["pct_units_25"], golden["pct_units_50"]], rel=1e-12)
    assert 100 * found.occupied / found.units == pytest.approx(golden["pct_units_100"])
    assert found.gini == pytest.approx(golden["gini_biased"], abs=1e-12)
    assert found.gini_unbiased == pytest.approx(golden["gini_unbiased"], abs=1e-12)
    assert found.gini_generalized == pytest.approx(golden["gini_generalized_biased"], abs=1e-12)
    unbiased = golden["gini_generalized_unbiased"]
    assert found.gini_generalized_unbiased == pytest.approx(unbiased, abs=1e-12)


@pytest.mark.parametrize("name", TOYS)
def test_toys_are_as_concentrated_as_lorenzgini_says(name, printed):
    assert_concentrated_as(TOYS[name], printed["concentration"][name])


def test_memphis_is_as_concentrated_as_lorenzgini_says(memphis, printed):
    counts = memphis["n"].astype(float)
    assert_concentrated_as(counts, printed["concentration"]["memphis_robbery_h3r8"])


@pytest.fixture(scope="module")
def towns():
    """Give counts whose rates truly differ, with uneven populations."""
    rng = np.random.default_rng(11)
    population = rng.uniform(200, 5000, 60)
    return rng.poisson(population * rng.gamma(4, 0.002, 60)).astype(float), population


def test_smoothed_rates_are_those_of_esda(towns):
    theirs = Empirical_Bayes(*towns).r.ravel()
    np.testing.assert_allclose(smoothed_rates(*towns), theirs, rtol=1e-12)


def test_locally_smoothed_rates_are_those_of_esda(towns):
    m = towns[0].size
    near = {i: [j for j in (i - 2, i - 1, i + 1, i + 2) if 0 <= j < m] for i in range(m)}
    weights = W(near, id_order=list(range(m)), silence_warnings=True)
    theirs = Spatial_Empirical_Bayes(*towns, weights).r.ravel()
    ours = locally_smoothed_rates(*towns, sparse.csr_array(weights.sparse + sparse.eye_array(m)))
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_poisson_intervals_are_quantiles_of_chi_squared(level):
    x = np.arange(0.0, 300.0)
    low, high = poisson_interval(x, RateInterval(level))
    tail = (1 - level) / 2
    expected = stats.chi2.ppf(tail, 2 * x[1:]) / 2
    np.testing.assert_allclose(low[1:], expected, rtol=1e-9)
    np.testing.assert_allclose(high, stats.chi2.isf(tail, 2 * x + 2) / 2, rtol=1e-9)


def test_the_rate_ratio_is_that_printed_in_the_manual_of_r():
    # poisson.test(c(11, 6+8+7), c(800, 1083+1050+878)): 1.971488, 0.8584264 to 4.2772659
    found = rate_ratio(np.array([21]), np.array([11]), (3011.0, 800.0))
    numbers = [found.ratio[0], found.low[0], found.high[0]]
    assert numbers == pytest.approx([1.971488, 0.8584264, 4.2772659], rel=1e-6)


@pytest.mark.parametrize("lengths", [(1.0, 1.0), (12.0, 4.0), (1.0, 7.0)])
def test_rate_ratios_are_the_exact_binomial_of_scipy(lengths):
    first, second = (pair.ravel() for pair in np.meshgrid(np.arange(1, 25, 3), np.arange(1, 60, 7)))
    found = rate_ratio(first, second, lengths, RatioInterval(0.9))
    share = lengths[1] / sum(lengths)
    for i, (x, y) in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        test = stats.binomtest(y, x + y)
        low, high = test.proportion_ci(0.9, "exact")
        ours = found.low[i], found.high[i]
        theirs = [part / (1 - part) * lengths[0] / lengths[1] for part in (low, high)]
        assert ours == pytest.approx(theirs, rel=1e-9)
        sides = [stats.binomtest(y, x + y, share, side).pvalue for side in ("less", "greater")]
        assert found.p[i] == pytest.approx(min(1, 2 * min(sides)), rel=1e-9)


def test_mid_p_limits_leave_half_the_error_with_half_the_probability_of_the_split():
    first, second = np.array([4, 12, 3, 0]), np.array([9, 2, 0, 6])
    found = rate_ratio_mid_p(first, second)
    n = first + second
    for limit, below in ((found.low, False), (found.high, True)):
        part = np.where(np.isinf(limit), 1.0, limit / (1 + np.where(np.isinf(limit), 1, limit)))
        tail = stats.binom.cdf(second, n, part) if below else stats.binom.sf(second - 1, n, part)
        mid = tail - stats.binom.pmf(second, n, part) / 2
        real = (limit > 0) & np.isfinite(limit)
        error = np.where(found.one_sided, 0.05, 0.025)
        np.testing.assert_allclose(mid[real], error[real], rtol=1e-9)


def test_tails_of_an_excess_are_those_of_scipy():
    rng = np.random.default_rng(3)
    counts, exposure = rng.poisson(rng.gamma(0.5, 8, 500)), rng.uniform(0.2, 5, 500)
    share, total = exposure / exposure.sum(), counts.sum()
    theirs = stats.binom.sf(counts - 1, total, share)
    np.testing.assert_allclose(excess(counts, exposure).p, theirs, rtol=1e-9)
    loose = excess(counts, exposure, OwnLevel(dispersion=4.0))
    clumped = stats.nbinom.sf(counts - 1, total * share / 3, 1 / 4)
    np.testing.assert_allclose(loose.p, clumped, rtol=1e-8)
    np.testing.assert_allclose(loose.q, stats.false_discovery_control(loose.p), rtol=1e-9)


def test_with_many_small_units_the_tail_is_poissons():
    counts = np.zeros(200_000, dtype=np.int64)
    counts[:5] = 6, 7, 8, 9, 10
    counts[5:] = np.arange(199_995) % 2
    found = excess(counts, np.ones(200_000))
    poisson = stats.poisson.sf(counts[:5] - 1, found.expected[:5])
    np.testing.assert_allclose(found.p[:5], poisson, rtol=1e-3)
