"""Events one by one are those of the run in force, in both kinds of store."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from pipelines import answers, events, reference
from pipelines.analyse import Parameters, analyse
from pipelines.questions import Question
from pipelines.roles import ANALYST
from store import layers
from store.layers import ANYWHERE, LayerFilter
from tests.desk import NOW, lonlat, report

LAST = "2026-10-30"  # a Friday
ROWS = (
    report(1, BROTTSDATUMTID_START=f"{LAST} 23:30", BROTTSDATUMTID_SLUT="2026-11-15 12:00"),
    report(2, BROTTSDATUMTID_START=f"{LAST} 22:00", BROTTSDATUMTID_SLUT=f"{LAST} 23:30"),
    report(3, BROTTSDATUMTID_START="2026-10-23 23:30", BROTTSDATUMTID_SLUT="2026-10-24 00:30"),
    report(4, BROTTSDATUMTID_START="2026-10-25 12:00", BROTTSDATUMTID_SLUT="2026-11-09 12:00"),
)


def counted(desk, window):
    """Give count and weight of the events of a window, one by one and as the run stored them."""
    with desk.store.read() as conn:
        on = answers.basis(conn, ANALYST, reference.read(conn))
        found = events.found(conn, on, Question(window=window))
        where = LayerFilter(window=window, categories=("misshandel", "krogvald"), area_id=ANYWHERE)
        stored = layers.area_counts(conn, on.run.id, where)
        every = events.found(conn, on, Question())
        again = events.in_window(every, on.reference.profile, window)
    np.testing.assert_array_equal(again.share, found.share)
    own = int(found.whole.sum()), float((found.of.count * found.share).sum())
    run = sum(row.count for row in stored), sum(row.weight for row in stored)
    return own, run, on


@pytest.mark.parametrize("window", ["all", "helgnatt", "skoltid"])
def test_events_that_last_past_the_period_have_the_shares_of_the_run(desk, window):
    desk.take_rows(*ROWS)
    analyse(desk.store, Parameters(), NOW)
    (count, weight), (stored, stored_weight), _ = counted(desk, window)
    assert count == stored
    assert weight == pytest.approx(stored_weight, rel=1e-6)
    assert weight > 0


def test_what_is_taken_in_after_a_run_is_no_part_of_it_and_is_said(desk):
    desk.take_rows(*ROWS)
    analyse(desk.store, Parameters(), NOW)
    before, _, on = counted(desk, "all")
    assert on.outdated == ""
    last = "2026-10-29"
    late = {"BROTTSDATUMTID_START": f"{last} 12:00", "BROTTSDATUMTID_SLUT": f"{last} 12:00"}
    desk.take_rows(report(5, INSKRIVNINGSDATUM="2026-11-01", **late, **lonlat(16.52, 59.37)))
    after, stored, on = counted(desk, "all")
    assert after == before == stored
    assert on.outdated == "map-newer-events"
    with desk.store.read() as conn:
        assert events.last_registered(conn, on) == date(2026, 3, 7)
    analyse(desk.store, Parameters(), NOW)
    (count, _), (stored_count, _), on = counted(desk, "all")
    assert count == stored_count == before[0] + 1
    assert on.outdated == ""
    with desk.store.read() as conn:
        assert events.last_registered(conn, on) == date(2026, 11, 1)


def test_a_registration_after_the_run_is_a_slip_of_the_pen(desk):
    desk.take_rows(*ROWS[:2], report(9, INSKRIVNINGSDATUM="2062-03-07"))
    analyse(desk.store, Parameters(), NOW)
    _, _, on = counted(desk, "all")
    with desk.store.read() as conn:
        assert events.last_registered(conn, on) == date(2026, 3, 7)


def test_a_run_that_does_not_know_what_it_counted_is_to_be_made_again(desk):
    desk.take_rows(*ROWS)
    analyse(desk.store, Parameters(), NOW)
    _, _, on = counted(desk, "all")
    parameters = {key: on.run.parameters[key] for key in ("profile_revision", "tolerance_m")}
    older = replace(on, run=replace(on.run, parameters=parameters))
    assert older.outdated == "map-newer-events"
