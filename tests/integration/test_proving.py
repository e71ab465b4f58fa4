"""The maps tried on the town's own events: kept with the run, and honest where nothing is shown."""

import json

import numpy as np
import pytest

from geo.errors import NotFound, TooFewObservations
from pipelines import proving
from pipelines.__main__ import app
from pipelines.analyse import Parameters, analyse
from tests.desk import CENTRE, NOW, QUIET, lonlat, report


def months(first, n):
    return [f"{first + (month // 12)}-{month % 12 + 1:02d}" for month in range(n)]


def two_years(draw, hot_share):
    """Draw 40 events a month for two years: some always at one place, the rest scattered."""
    rows = []
    for month in months(2024, 24):
        for _ in range(40):
            lon, lat = CENTRE
            if draw.random() >= hot_share:
                lon += draw.uniform(-0.006, 0.006)
                lat += draw.uniform(-0.004, 0.004)
            when = f"{month}-{draw.integers(1, 28):02d} {draw.integers(0, 24):02d}:15"
            times = {"BROTTSDATUMTID_START": when, "BROTTSDATUMTID_SLUT": when}
            day = {"INSKRIVNINGSDATUM": when[:10]}
            rows.append(report(len(rows), **lonlat(lon, lat), **times, **day))
    return rows


@pytest.fixture
def town(desk):
    rows = two_years(np.random.default_rng(4), 0.5)
    # The newest day is the last of the month, so that every month is whole.
    last = {"BROTTSDATUMTID_START": "2025-12-31 23:00", "BROTTSDATUMTID_SLUT": "2025-12-31 23:00"}
    rows.append(report(len(rows), **lonlat(*QUIET), **last))
    desk.take(desk.csv("a.csv", rows))
    analyse(desk.store, Parameters(), NOW)
    return desk


def test_before_any_analysis_there_is_nothing_to_try(desk):
    with pytest.raises(NotFound, match="no-run"):
        proving.prove(desk.store)


def test_a_place_that_is_always_hot_is_found_by_every_map(town):
    proof = proving.prove(town.store)
    assert proof.origins == 4  # twelve months seen, then every third month of the second year
    assert proof.tested == pytest.approx(480, abs=2)
    for score in proof.scores:
        if score.area_share == 0.1:
            assert score.hit_rate > 0.5, score
            assert score.hit_rate_low <= score.hit_rate <= score.hit_rate_high
    assert {score.finding for score in proof.scores if score.product == "count"} == {"baseline"}


def test_the_result_stays_with_its_run(town):
    first = proving.prove(town.store)
    assert proving.prove(town.store) == first
    assert town.one("SELECT count(*) FROM layer WHERE kind = 'usefulness'") == 1
    town.take_rows(report(9_999, **lonlat(*CENTRE)), name="b.csv")
    run = analyse(town.store, Parameters(), NOW).run
    with town.store.read() as connection:
        assert proving.found(connection, run) is None


def test_the_month_that_is_cut_off_takes_no_part(town):
    before = proving.prove(town.store).tested
    new = {"BROTTSDATUMTID_START": "2026-01-04 12:00", "BROTTSDATUMTID_SLUT": "2026-01-04 12:00"}
    town.take_rows(report(9_999, **lonlat(*CENTRE), **new), name="b.csv")
    analyse(town.store, Parameters(), NOW)
    assert proving.prove(town.store).tested == before


def test_a_single_year_is_too_little(desk):
    rows = two_years(np.random.default_rng(4), 0.5)[: 40 * 14]
    desk.take(desk.csv("a.csv", rows))
    analyse(desk.store, Parameters(), NOW)
    with pytest.raises(TooFewObservations, match="too-few-periods"):
        proving.prove(desk.store)
    assert desk.one("SELECT count(*) FROM layer WHERE kind = 'usefulness'") == 0


def test_the_command_says_what_was_tried_and_how_it_went(town, monkeypatch, capsys):
    monkeypatch.setenv("LAGESBILD_DATABASE_URL", town.url)
    app(["backtest"], standalone_mode=False)
    said = capsys.readouterr().out
    assert "4 prövningar" in said
    assert "utanför den bebyggda ytan är inte med" in said
    assert "Samma rutor som förut" in said
    app(["backtest", "--json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out)["origins"] == 4


def at(day):
    return {"BROTTSDATUMTID_START": f"{day} 12:00", "BROTTSDATUMTID_SLUT": f"{day} 12:00"}


def test_so_few_events_that_there_is_no_ground_are_told_so(desk):
    rows = two_years(np.random.default_rng(4), 0.0)[::40]  # one a month
    desk.take(desk.csv("a.csv", rows))
    analyse(desk.store, Parameters(), NOW)
    with pytest.raises(TooFewObservations, match="backtest-no-ground"):
        proving.prove(desk.store)


def test_fewer_than_ten_events_to_find_get_no_percentage(desk, monkeypatch, capsys):
    days = ["2024-01-05"] * 6 + ["2025-02-05"] * 3 + ["2025-12-31"]
    rows = [report(n, **lonlat(*QUIET), **at(day)) for n, day in enumerate(days)]
    desk.take(desk.csv("a.csv", rows))
    analyse(desk.store, Parameters(), NOW)
    monkeypatch.setenv("LAGESBILD_DATABASE_URL", desk.url)
    app(["backtest"], standalone_mode=False)
    said = capsys.readouterr().out
    assert "4 händelser att hitta" in said
    assert "för få" in said
    assert "%" not in said
