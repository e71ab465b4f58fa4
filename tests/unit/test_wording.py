"""What findings are called: nearness and not cause, and no ratio where there are too few events."""

from dataclasses import replace

import numpy as np
import pytest

from geo.backtest import Finding
from geo.effect import Verdict as Effect
from geo.emerging import Pattern
from geo.rings import HoursContrast
from geo.risk_terrain import Colocated
from geo.verdicts import Verdict
from pipelines import wording

NONE = np.empty(0)
TUNNEL = Colocated(
    kind="gangtunnel",
    distance_m=75.0,
    n_near=42.0,
    expected=20.0,
    ratio=2.1,
    low=1.4,
    high=3.0,
    p=0.001,
    q=0.004,
    sites=9,
    bears_percentage=True,
    verdict=Verdict.ESTABLISHED,
    distances_m=NONE,
    near=NONE,
    expected_near=NONE,
    ratios=NONE,
    lows=NONE,
    highs=NONE,
)
EVENING = HoursContrast(
    near=(30, 60),
    elsewhere=(40, 400),
    near_ratio=1.5,
    near_low=1.0,
    near_high=2.4,
    elsewhere_ratio=0.3,
    elsewhere_low=0.2,
    elsewhere_high=0.4,
    ratio=5.0,
    low=2.8,
    high=8.96,
    p=0.001,
    certain_p=0.002,
    verdict=Verdict.ESTABLISHED,
    reasons=("raised",),
)


def test_a_planner_reads_how_many_times_and_within_how_far():
    said = wording.colocation(TUNNEL, "Mörker vid gångtunnel")
    assert said.startswith("Mörker vid gångtunnel: 2,1 ggr (1,4–3,0) så många händelser inom 75 m")
    assert "42 händelser, väntat 20,0" in said


def test_nearness_is_not_called_cause():
    assert "inte vad som orsakar" in wording.colocation(TUNNEL, "Klotter")


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": Verdict.TOO_FEW, "n_near": 4.0, "sites": 2},
        {"ratio": np.inf, "high": np.inf, "n_near": 4.0, "sites": 2},
        {"ratio": np.nan, "low": np.nan, "high": np.nan, "n_near": 4.0, "sites": 2},
    ],
)
def test_too_few_events_get_no_ratio(changes):
    said = wording.colocation(replace(TUNNEL, **changes), "Klotter")
    assert said.startswith("Klotter: för få")
    assert "4 händelser, 2 kvarter" in said
    assert "ggr" not in said


def test_hours_near_a_school_are_compared_with_the_same_hours_elsewhere():
    said = wording.hours(EVENING, "vardagskväll", 300.0)
    assert "300 m" in said
    assert "1,5 ggr" in said
    assert "0,3 ggr" in said
    assert "5,0 ggr (2,8–9,0)" in said


@pytest.mark.parametrize(
    ("near", "elsewhere", "shown"),
    [(0.625, 0.156, ("0,625 ggr", "0,156 ggr", "4,0 ggr")), (0.6, 0.2, ("0,6", "0,2", "3,0 ggr"))],
)
def test_a_readers_own_division_of_the_levels_gives_the_ratio(near, elsewhere, shown):
    levels = {"near_ratio": near, "elsewhere_ratio": elsewhere, "ratio": near / elsewhere}
    said = wording.hours(replace(EVENING, **levels), "skoltid", 300.0)
    assert all(each in said for each in shown)


def test_hours_that_cannot_be_compared_say_so():
    few = replace(EVENING, verdict=Verdict.TOO_FEW)
    assert "för få händelser" in wording.hours(few, "skoltid", 300.0)
    assert "för få händelser" in wording.hours(replace(EVENING, high=np.inf), "skoltid", 300.0)


def test_verdicts_have_the_four_agreed_names():
    assert [wording.verdict(each) for each in Verdict] == [
        "statistiskt säkerställd",
        "osäker",
        "för få händelser",
        "ingen förhöjd nivå",
    ]


def test_every_reason_is_a_sentence():
    said = wording.why(("one-resolution", "grid-position"))
    assert said.count(".") >= 2


def test_findings_say_what_they_do_not_show():
    assert "samma rutor" in wording.finding(Finding.NAIVE_WINS)
    assert "orsak" in wording.effect(Effect.DECREASED)
    assert wording.effect(Effect.CANNOT_BE_ASSESSED).startswith("Kan inte bedömas")
    assert wording.emerging(Pattern.NONE) == "Inget mönster"
    assert wording.change("unchanged") == "ingen stor förändring, mindre än ±50 %"
