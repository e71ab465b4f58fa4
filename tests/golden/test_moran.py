"""Moran's I, local Moran and general G against spdep 1.2-7: golden/02_gistar_h3."""

import json

import numpy as np
import pytest

from geo.moran import general_g, local_moran, moran
from tests.cellmaps import columns, memphis, star

TOLERANCE = 1e-9


@pytest.fixture(scope="module", params=["memphis_h3r7", "memphis_h3r8"])
def reference(request, shared):
    """Give the counts, the neighbourhoods, R's columns and R's global numbers of one map."""
    folder = shared / "golden/02_gistar_h3"
    table = columns(folder / f"{request.param}_local.csv")
    numbers = {name: np.array(v, dtype=float) for name, v in table.items() if name != "cell"}
    summary = json.loads((folder / "global.json").read_text("utf-8"))[request.param]
    return *memphis(shared, request.param), numbers, summary


def test_global_moran_and_its_moments_are_those_of_r(reference):
    counts, neighbours, _, theirs = reference
    ours = moran(counts, neighbours)
    found = (ours.i, ours.expected, ours.variance, ours.z, ours.z_normality)
    names = ("moran_I", "moran_E", "moran_var_rand", "moran_z_rand", "moran_z_norm")
    np.testing.assert_allclose(found, [theirs[n] for n in names], rtol=TOLERANCE, atol=0)


def test_general_g_and_its_moments_are_those_of_r(reference):
    counts, neighbours, _, theirs = reference
    ours = general_g(counts, neighbours)
    found = (ours.g, ours.expected, ours.variance, ours.z)
    names = ("globalG", "globalG_E", "globalG_var", "globalG_z")
    np.testing.assert_allclose(found, [theirs[n] for n in names], rtol=TOLERANCE, atol=0)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("i", "localmoran_I"),
        ("expected", "localmoran_EI"),
        ("variance", "localmoran_VI"),
        ("z", "localmoran_z"),
        ("p", "localmoran_p"),
    ],
)
def test_local_moran_and_its_conditional_moments_are_those_of_r(ours, theirs, reference):
    counts, neighbours, columns_of_r, _ = reference
    found = getattr(local_moran(counts, neighbours), ours)
    np.testing.assert_allclose(found, columns_of_r[theirs], rtol=0, atol=TOLERANCE)


def test_general_g_of_six_points_is_that_of_r_and_of_esdas_own_test(shared):
    text = (shared / "golden/02_gistar_h3/pysal_toy_in_R.json").read_text("utf-8")
    toy = json.loads(text)
    lists = [n if isinstance(n, list) else [n] for n in toy["neighbours"]]
    pairs = [(i, j - 1) for i, around in enumerate(lists) for j in around]
    found = general_g(np.array(toy["y"]), star(pairs, len(lists)))
    assert found.g == pytest.approx(toy["G"], rel=TOLERANCE)
    assert found.p / 2 == pytest.approx(toy["esda_test_expected"]["p_norm"], abs=5e-7)
