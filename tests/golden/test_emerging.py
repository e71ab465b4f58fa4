"""Mann-Kendall and the categories against R's Kendall 2.2.1 and sfdep: golden/08."""

import json

import numpy as np
import pytest

from geo.emerging import EmergingRules, classify
from geo.gistar import two_sided
from geo.trend import mann_kendall
from tests.cellmaps import columns

SINGLE = 2e-7  # Kendall computes in single precision: seven digits
NAMES = {
    "new hotspot": "new-hot",
    "consecutive hotspot": "consecutive-hot",
    "intensifying hotspot": "intensifying-hot",
    "persistent hotspot": "persistent-hot",
    "diminishing hotspot": "diminishing-hot",
    "sporadic hotspot": "sporadic-hot",
    "oscilating hotspot": "oscillating-hot",
    "no pattern detected": "no-pattern",
    "new coldspot": "new-cold",
}
# sfdep tests persistent before historical: hot in 11 of 12 months, not in the last one, with no
# trend, it calls "historical" persistent. We test historical first (design/methods.md, trap 9).
OTHERWISE = {"historical": "historical-hot"}


@pytest.fixture(scope="module")
def made(shared):
    """Give the hand-made series and what R found in them."""
    table = columns(shared / "golden/08_emerging_hotspots/handmade_series.csv")
    return table | {"z": np.array([row.split() for row in table["z"]], dtype=float)}


def of_r(made, name):
    return np.array(made[name], dtype=float)


def test_the_trend_of_each_series_is_that_of_r(made):
    trend = mann_kendall(made["z"])
    np.testing.assert_array_equal(trend.s, of_r(made, "mk_S"))
    np.testing.assert_allclose(trend.variance, of_r(made, "mk_varS"), rtol=SINGLE)
    np.testing.assert_allclose(trend.tau, of_r(made, "tau"), rtol=0, atol=SINGLE)
    np.testing.assert_allclose(trend.p, of_r(made, "mk_p"), rtol=0, atol=SINGLE)


def test_as_many_months_are_hot_and_cold_as_in_r(made):
    significant = two_sided(made["z"]) <= 0.05
    np.testing.assert_array_equal((significant & (made["z"] > 0)).sum(1), of_r(made, "n_hot"))
    np.testing.assert_array_equal((significant & (made["z"] < 0)).sum(1), of_r(made, "n_cold"))


def test_the_categories_are_those_of_sfdep_but_for_historical(made):
    z = made["z"]
    ours = classify(z, two_sided(z), mann_kendall(z), EmergingRules()).tolist()
    theirs = [NAMES[name] for name in made["category"]]
    expected = [OTHERWISE.get(s, t) for s, t in zip(made["series"], theirs, strict=True)]
    assert dict(zip(made["series"], ours, strict=True)) == dict(
        zip(made["series"], expected, strict=True)
    )
    assert theirs[made["series"].index("historical")] == "persistent-hot"


@pytest.fixture(scope="module")
def kendall(shared):
    """Give R's Mann-Kendall of short series; the one without its data is left out."""
    text = (shared / "golden/08_emerging_hotspots/mannkendall.json").read_text("utf-8")
    return {name: found for name, found in json.loads(text).items() if "S" in found}


@pytest.mark.parametrize("series", ["1,2,3,4,5", "5,3,4,2,1,2,2,1", "2,2,2,3,3,5,1"])
def test_short_series_with_ties_are_judged_as_in_r(series, kendall):
    trend, theirs = mann_kendall(np.array(series.split(","), dtype=float)), kendall[series]
    assert trend.s == theirs["S"]
    assert trend.variance == pytest.approx(theirs["varS"], rel=SINGLE)
    assert trend.tau == pytest.approx(theirs["tau"], abs=SINGLE)
    assert trend.p == pytest.approx(theirs["p"], abs=SINGLE)


def test_every_series_of_r_is_tested(kendall):
    assert set(kendall) == {"1,2,3,4,5", "5,3,4,2,1,2,2,1", "2,2,2,3,3,5,1"}
