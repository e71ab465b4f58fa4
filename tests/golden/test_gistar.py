"""Gi*, Gi and adjusted p-values against spdep 1.2-7: golden/02_gistar_h3."""

import json

import numpy as np
import pytest

from geo.gistar import gi, gi_star
from geo.significance import bonferroni
from tests.cellmaps import columns, memphis, star

MAPS = ("memphis_h3r7", "memphis_h3r8")
HOT = {"memphis_h3r7": 16, "memphis_h3r8": 97}
TOLERANCE = 1e-9


@pytest.fixture(scope="module", params=MAPS)
def reference(request, shared):
    """Give the counts, the neighbourhoods, R's columns and R's summary of one map."""
    folder = shared / "golden/02_gistar_h3"
    table = columns(folder / f"{request.param}_local.csv")
    numbers = {name: np.array(v, dtype=float) for name, v in table.items() if name != "cell"}
    summary = json.loads((folder / "global.json").read_text("utf-8"))[request.param]
    counts, neighbours = memphis(shared, request.param)
    return {"name": request.param, "cell": table["cell"], "summary": summary} | {
        "counts": counts,
        "neighbours": neighbours,
        "r": numbers,
    }


@pytest.fixture
def scores(reference):
    return gi_star(reference["counts"], reference["neighbours"])


def close(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE)


def test_z_and_p_of_gi_star_are_those_of_r(scores, reference):
    close(scores.z, reference["r"]["gistar_z"])
    close(scores.p, reference["r"]["gistar_p_two"])


def test_z_of_gi_without_itself_is_that_of_r(reference):
    close(gi(reference["counts"], reference["neighbours"]).z, reference["r"]["gi_z"])


def test_q_and_bonferroni_over_all_cells_are_those_of_r(scores, reference):
    close(scores.q, reference["r"]["gistar_p_fdr_global"])
    close(bonferroni(scores.p), reference["r"]["gistar_p_bonf_global"])


def test_the_hot_spots_are_the_same_cells_as_in_r(scores, reference):
    theirs = (reference["r"]["gistar_p_fdr_global"] <= 0.05) & (reference["r"]["gistar_z"] > 0)
    np.testing.assert_array_equal(scores.hot(), theirs)
    assert scores.hot().sum() == reference["summary"]["gistar_fdr05_hot"] == HOT[reference["name"]]


def test_the_highest_scores_are_those_of_r(scores, reference):
    # By their scores, since two of Memphis' five score the same.
    named = [scores.z[reference["cell"].index(cell)] for cell in reference["summary"]["top5"]]
    np.testing.assert_allclose(np.sort(scores.z)[:-6:-1], named, rtol=1e-12)
    assert scores.z.max() == pytest.approx(reference["summary"]["gistar_max"], abs=TOLERANCE)
    assert (scores.z > 1.96).sum() == reference["summary"]["gistar_gt_1.96"]


def test_spdeps_neighbour_variant_only_multiplies_by_the_neighbours(scores, reference):
    # p.adjustSP: the cell, its neighbours and one more. No false discovery rate of the map.
    tests = reference["r"]["n_neighbours"] + 2
    close(np.minimum(scores.p * tests, 1), reference["r"]["gistar_p_fdr_spdepSP"])


@pytest.fixture(scope="module")
def toy(shared):
    """Give pysal's six points as R scored them."""
    text = (shared / "golden/02_gistar_h3/pysal_toy_in_R.json").read_text("utf-8")
    found = json.loads(text)
    lists = [n if isinstance(n, list) else [n] for n in found["neighbours"]]
    pairs = [(i, j - 1) for i, around in enumerate(lists) for j in around]
    return found | {"star": star(pairs, len(lists)), "y": np.array(found["y"])}


def test_six_points_score_as_in_r_and_as_esdas_own_test_expects(toy):
    close(gi_star(toy["y"], toy["star"]).z, toy["localGstar_B"])
    close(gi(toy["y"], toy["star"]).z, toy["localG_B"])
    expected = toy["esda_test_expected"]
    assert gi_star(toy["y"], toy["star"]).z[0] == pytest.approx(expected["Zs0_star_B"], abs=1e-8)
    assert gi(toy["y"], toy["star"]).z[0] == pytest.approx(expected["Zs0_B"], abs=1e-7)
