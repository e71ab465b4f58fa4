"""esda 2.9, run here and now, beside our own numbers."""

import warnings

import numpy as np
import pytest
from libpysal.weights import W

from geo.gistar import gi, gi_star
from geo.moran import general_g, local_moran, moran
from geo.permutation import exact_conditional_p
from tests.cellmaps import circle, hexagons, memphis

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its optional plotting and data packages
    import esda

MAPS = ("hexagons", "half-empty hexagons", "shares of events", "memphis_h3r8")


@pytest.fixture(params=MAPS)
def city(request, shared):
    """Give counts and neighbourhoods."""
    rng = np.random.default_rng(30)
    if request.param == "memphis_h3r8":
        return memphis(shared, request.param)
    neighbours = hexagons(20)
    cells = neighbours.shape[0]
    made = {
        "hexagons": rng.negative_binomial(0.4, 0.1, cells),
        "half-empty hexagons": rng.poisson(0.05, cells),
        "shares of events": rng.gamma(0.3, 2, cells),
    }
    return made[request.param].astype(float), neighbours


def weights(neighbours, *, itself):
    """Build esda's weights afresh: it alters those it is given."""
    around = {
        i: [j for j in neighbours.indices[a:b].tolist() if itself or j != i]
        for i, (a, b) in enumerate(zip(neighbours.indptr, neighbours.indptr[1:], strict=False))
    }
    return W(around, silence_warnings=True)


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def test_gi_star_is_esdas_to_the_last_digits(city):
    counts, neighbours = city
    theirs = esda.G_Local(
        counts, weights(neighbours, itself=True), transform="B", permutations=0, star=True
    )
    ours = gi_star(counts, neighbours)
    np.testing.assert_allclose(ours.z, theirs.Zs, rtol=0, atol=1e-12)
    np.testing.assert_allclose(ours.p / 2, theirs.p_norm, rtol=1e-9, atol=1e-15)


def test_gi_without_itself_is_esdas_to_the_last_digits(city):
    counts, neighbours = city
    theirs = esda.G_Local(
        counts, weights(neighbours, itself=False), transform="B", permutations=0, star=False
    )
    np.testing.assert_allclose(gi(counts, neighbours).z, theirs.Zs, rtol=0, atol=1e-12)


def test_global_moran_is_esdas(city):
    counts, neighbours = city
    theirs = esda.Moran(counts, weights(neighbours, itself=False), permutations=0)
    ours = moran(counts, neighbours)
    found = (ours.i, ours.expected, ours.variance, ours.variance_normality, ours.z)
    expected = (theirs.I, theirs.EI, theirs.VI_rand, theirs.VI_norm, theirs.z_rand)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert ours.z_normality == pytest.approx(theirs.z_norm, rel=1e-9)
    assert ours.p == pytest.approx(theirs.p_rand, abs=1e-12)


def test_local_moran_is_esdas_but_for_its_variance_by_m_minus_1(city):
    counts, neighbours = city
    theirs = esda.Moran_Local(counts, weights(neighbours, itself=False), permutations=0)
    m = counts.size
    ours = local_moran(counts, neighbours).i * (m - 1) / m
    np.testing.assert_allclose(ours, theirs.Is, rtol=1e-9, atol=1e-12)


def test_general_g_is_esdas(city):
    counts, neighbours = city
    theirs = esda.G(counts, weights(neighbours, itself=False), permutations=0)
    ours = general_g(counts, neighbours)
    assert ours.g == pytest.approx(theirs.G, rel=1e-9)
    assert ours.expected == pytest.approx(theirs.EG, rel=1e-9)
    assert ours.variance == pytest.approx(theirs.VG, rel=1e-6)


@pytest.mark.deep  # compiling esda's permutations takes a quarter of a minute
def test_esdas_simulated_p_is_off_where_its_quotients_round_apart_from_each_other():
    # esda compares simulated quotients with the observed one, sim >= obs. Its compiled code
    # multiplies by 1/total where the observed one was divided by total, so equal sums of counts
    # need not be equal quotients: with a total of 103 many ties are lost,
    # with 2000 none.
    neighbours, times = circle(400), 9_999
    for total, faulty in ((103, True), (2000, False)):
        counts = np.random.default_rng(31).multinomial(total, np.full(400, 1 / 400)).astype(float)
        theirs = esda.G_Local(
            counts,
            weights(neighbours, itself=True),
            transform="B",
            permutations=times,
            star=True,
            seed=1,
            n_jobs=1,
        )
        exact = exact_conditional_p(counts, neighbours).upper
        error = 4 * np.sqrt(exact * (1 - exact) / times) + 1e-6
        by_quotient = (theirs.rGs >= theirs.Gs[:, None]).mean(axis=1)
        by_sum = (np.rint(theirs.rGs * total) >= (neighbours @ counts)[:, None]).mean(axis=1)
        assert (np.abs(by_sum - exact) <= error).all()
        assert (np.abs(by_quotient - exact) > error).any() == faulty
