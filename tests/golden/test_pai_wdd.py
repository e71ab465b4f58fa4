"""PAI, PEI, RRI and WDD against ptools 2.0.0: golden/00_published_expected and 07_pai_wdd."""

import csv
import json

import numpy as np
import pytest
from scipy.stats import norm

from geo.effect import BeforeAfter, Trial, Wdd, wdd, wdd_harm
from geo.prediction import HotShares, accuracy, accuracy_by_rank

EXACT = {"rtol": 1e-13, "atol": 1e-13}  # fifteen digits are stored

# The arguments as golden/07_pai_wdd/summary.json prints them. ptools' default level is 90 %.
PAPER = {
    "control": BeforeAfter(308, 318),
    "treated": BeforeAfter(207, 110),
    "ring_control": BeforeAfter(150, 140),
    "ring": BeforeAfter(178, 157),
}
AREAS = {
    "control": BeforeAfter(308, 318, 0.9),
    "treated": BeforeAfter(207, 110, 1.2),
    "ring_control": BeforeAfter(150, 140, 1.6),
    "ring": BeforeAfter(178, 157, 1.5),
}
RING = {"ring_control": BeforeAfter(30, 30), "ring": BeforeAfter(30, 20)}
SMALL = {"control": BeforeAfter(20, 20), "treated": BeforeAfter(20, 10)}
UNEVEN = {"control": BeforeAfter(100, 50), "treated": BeforeAfter(80, 20)}
CASES = {
    "local_minus10": (Trial(**SMALL), Wdd(level=0.9)),
    "disp": (Trial(**SMALL, **RING), Wdd(level=0.9)),
    "paper": (Trial(**PAPER), Wdd(level=0.95)),
    "time": (Trial(**UNEVEN, before_weight=2, after_weight=1), Wdd(level=0.95)),
    "area": (Trial(**AREAS), Wdd(level=0.95)),
}
FIELDS = {
    "Est_Local": "local",
    "SE_Local": "local_se",
    "Est_Displace": "displacement",
    "SE_Displace": "displacement_se",
    "Est_Total": "total",
    "SE_Total": "total_se",
    "Z": "z",
    "LowCI": "low",
    "HighCI": "high",
}
# Kinds of crime in tests/testthat/test-wdd.R of ptools: control before, after; treated.
HARM = {
    "mv": (133, 91, 130, 74),
    "th": (388, 305, 327, 202),
    "bu": (148, 97, 398, 190),
    "rob": (86, 64, 144, 92),
    "ass": (94, 67, 183, 96),
}


@pytest.fixture(scope="module")
def summary(shared):
    return json.loads((shared / "golden/07_pai_wdd/summary.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def toy(shared):
    """Give the columns of ptools' table, put back into the order of the ids."""
    with (shared / "golden/07_pai_wdd/pai_toy.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


@pytest.fixture(scope="module")
def published(shared):
    path = shared / "golden/00_published_expected/published_expected.json"
    return json.loads(path.read_text("utf-8"))


def ranked(table):
    order = np.argsort(table["id"])
    found = accuracy_by_rank(table["Count"][order], table["Pred"][order], table["Area"][order])
    return found, table["id"][order]


def differences(kinds):
    return [
        wdd(Trial(control=BeforeAfter(c0, c1), treated=BeforeAfter(t0, t1)), Wdd(level=0.9))
        for c0, c1, t0, t1 in kinds.values()
    ]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("CumCount", "count"),
        ("CumPred", "predicted"),
        ("CumArea", "area_m2"),
        ("PCumCount", "hit_rate"),
        ("PCumArea", "area_share"),
        ("PAI", "pai"),
        ("PEI", "pei"),
        ("RRI", "rri"),
    ],
)
def test_every_column_of_the_toy_table_is_that_of_ptools(theirs, ours, toy):
    found, _ = ranked(toy)
    np.testing.assert_allclose(getattr(found, ours), toy[theirs], **EXACT)


def test_tied_predictions_are_ranked_as_by_ptools(toy):
    found, ids = ranked(toy)
    np.testing.assert_array_equal(ids[found.cell], toy["id"])


@pytest.mark.parametrize(("index", "ours"), [("PAI", "pai"), ("PEI", "pei"), ("RRI", "rri")])
def test_the_numbers_in_ptools_own_tests_come_out(index, ours, published):
    case = published["ptools_pai (tests/testthat/test-pai.R)"]
    found = accuracy_by_rank(*(np.array(case[name], float) for name in ("obs", "pred", "area")))
    np.testing.assert_allclose(getattr(found, ours), case[index], **EXACT)


def test_at_an_area_share_without_ties_the_indices_are_those_of_ptools(toy):
    # After 1, 3, 4 and 5 of 6 equal cells no tie is open; there both rules must agree.
    rows = np.array([0, 2, 3, 4])
    at = accuracy(
        toy["Count"], toy["Pred"], toy["Area"], HotShares(tuple(toy["PCumArea"][rows].tolist()))
    )
    np.testing.assert_allclose(at.pai, toy["PAI"][rows], **EXACT)
    np.testing.assert_allclose(at.pei, toy["PEI"][rows], **EXACT)
    np.testing.assert_allclose(at.pei_star, toy["PEI"][rows], **EXACT)


@pytest.mark.parametrize("case", CASES)
def test_the_weighted_displacement_difference_is_that_of_ptools(case, summary):
    trial, choice = CASES[case]
    found, theirs = wdd(trial, choice), summary["wdd"][case]["out"]
    assert {theirs: getattr(found, ours) for theirs, ours in FIELDS.items()} == pytest.approx(
        theirs, rel=1e-12, abs=1e-12
    )


def test_the_paper_of_2018_prints_what_comes_out():
    found = wdd(*CASES["paper"])
    assert (found.total, round(found.total_se, 3)) == (-118, 39.598)
    assert (round(found.z, 2), round(found.low), round(found.high)) == (-2.98, -196, -40)


def test_each_kind_of_harm_is_that_of_ptools(summary):
    for found, theirs in zip(differences(HARM), summary["wdd"]["harm"]["table"], strict=True):
        ours = {name: getattr(found, field) for name, field in FIELDS.items()}
        assert ours == pytest.approx({name: theirs[name] for name in FIELDS}, rel=1e-12, abs=1e-12)


def test_the_harm_of_all_kinds_is_that_of_ptools(summary):
    case = summary["wdd"]["harm"]
    found = wdd_harm(differences(HARM), case["weights"], Wdd(level=0.95))
    ours = (found.total, found.se, found.z, found.low, found.high)
    assert ours == pytest.approx(tuple(case["out"].values()), rel=1e-12)


def test_two_areas_compared_only_afterwards_give_nearly_the_p_of_the_e_test(summary):
    # ptools' documentation: about 0.068 beside 0.069, with nothing counted before.
    alone = wdd(Trial(control=BeforeAfter(0, 20), treated=BeforeAfter(0, 10)))
    assert 2 * norm.cdf(alone.z) == pytest.approx(summary["e_test"]["20_10"], abs=0.001)
