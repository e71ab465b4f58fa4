"""Two periods beside each other: which can be compared, and by which rule."""

from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace

import numpy as np
import pytest

from geo import cells as grid
from geo import change
from pipelines import comparison
from pipelines.comparison import Days, Stretch
from store.registrations import Registrations
from tests.unit.test_when import HERE, STOCKHOLM, THERE, events

BEFORE = Stretch("2024", date(2024, 1, 1), date(2025, 1, 1))
AFTER = Stretch("2025", date(2025, 1, 1), date(2026, 1, 1))
NEVER = np.datetime64("NaT", "D")


def run(first, after):
    start, end = (datetime(*day, tzinfo=UTC) for day in (first, after))
    return SimpleNamespace(period_start=start, period_end=end)


def codes(first, after):
    return [each.code for each in comparison.offered(run(first, after), "UTC")]


def test_only_periods_that_lie_whole_in_the_run_are_offered():
    assert codes((2024, 2, 1), (2026, 3, 1)) == [
        *("2025", "2025-t3", "2025-t2", "2025-t1"),
        *("2024-t3", "2024-t2", "12man", "12man-fore"),
    ]
    assert codes((2025, 2, 1), (2025, 6, 1)) == []


def test_the_last_twelve_months_are_those_of_the_map():
    stretches = comparison.offered(run((2023, 12, 1), (2026, 11, 22)), "UTC")
    last = next(each for each in stretches if each.code == "12man")
    before = next(each for each in stretches if each.code == "12man-fore")
    assert (last.first, last.after) == (date(2025, 12, 1), date(2026, 11, 22))
    assert (before.first, before.after) == (date(2024, 12, 1), date(2025, 11, 22))
    assert last.name == "1 dec 2025–21 nov 2026"


def test_tertials_and_years_before_follow_the_calendar():
    assert comparison.tertial_days(2024, 3) == (date(2024, 9, 1), date(2025, 1, 1))
    assert comparison.tertial_days(2024, 1) == (date(2024, 1, 1), date(2024, 5, 1))
    assert comparison.year_before(date(2024, 2, 29)) == date(2023, 2, 28)


LONG = comparison.offered(run((2023, 1, 1), (2026, 11, 1)), "UTC")


@pytest.mark.parametrize(
    ("after", "before", "two"),
    [
        ("", "", ("2024", "2025")),
        ("2024", "", ("2023", "2024")),
        ("2026-t1", "", ("2025-t1", "2026-t1")),
        ("12man", "", ("12man-fore", "12man")),
        ("2025", "2023", ("2023", "2025")),
        ("2025", "2024-t3", ("2024-t3", "2025")),
    ],
)
def test_a_period_is_compared_with_the_one_asked_for_or_the_same_a_year_before(after, before, two):
    found = comparison.pair(LONG, after, before)
    assert tuple(each.code for each in found) == two


@pytest.mark.parametrize(
    ("after", "before"), [("2023", ""), ("2025", "2025"), ("2025", "2025-t1"), ("2025", "2026-t1")]
)
def test_periods_that_overlap_or_have_none_before_are_no_pair(after, before):
    assert comparison.pair(LONG, after, before) is None


def test_the_latest_tertials_are_compared_where_no_whole_year_has_one_before():
    short = comparison.offered(run((2024, 5, 1), (2025, 12, 1)), "UTC")
    assert [each.code for each in comparison.pair(short)] == ["2024-t2", "2025-t2"]


def days(before, after, late_before=0, undated=0):
    """Make single events in two years; late ones are registered a year after they happened."""
    happened = ["2024-06-01"] * before + ["2025-06-01"] * after + ["2024-06-02"] * late_before
    registered = ["2024-06-02"] * before + ["2025-06-02"] * after + ["2025-06-02"] * late_before
    happened += ["2025-07-01"] * undated
    dates = np.array(registered, dtype="datetime64[D]")
    dates = np.concatenate([dates, np.full(undated, NEVER)])
    happened = np.array(happened, dtype="datetime64[D]")
    return Days(np.ones(happened.size, dtype=np.int64), happened, dates, date(2026, 1, 31))


def test_all_events_are_compared_at_equal_lag_by_the_rule_of_geo():
    on = days(40, 60, late_before=10)
    found = comparison.whole(on, (BEFORE, AFTER))
    spans = ((BEFORE.first, BEFORE.after), (AFTER.first, AFTER.after))
    rule = change.compare_at_equal_lag(on.day, on.registered, on.count, spans, on.extracted)
    assert (found.line.before, found.line.after, found.lag_days) == (40, 60, rule.lag_days)
    assert (found.line.ratio, found.line.low, found.line.high) == (rule.ratio, rule.low, rule.high)
    assert (found.line.verdict, found.line.percent) == (rule.verdict, rule.percent)
    assert (found.before_now, found.after_now) == (50, 60)


def test_with_few_dates_periods_are_compared_as_they_stand():
    found = comparison.whole(days(40, 40, undated=20), (BEFORE, AFTER))
    assert (found.line.before, found.line.after, found.lag_days) == (40, 60, None)
    unknown = days(40, 60)
    unknown = Days(unknown.count, unknown.day, unknown.registered, None)
    assert comparison.whole(unknown, (BEFORE, AFTER)).lag_days is None


def test_units_are_one_family_and_counted_at_the_same_lag_as_the_whole():
    on = days(40, 60, late_before=10)
    early = np.arange(on.day.size) < 20
    groups = [("early", early), ("late", ~early), ("none", np.zeros_like(early))]
    found = comparison.units(on, (BEFORE, AFTER), groups, 30)
    counts = [(line.key, line.before, line.after) for line in found.lines]
    assert counts == [("early", 20, 0), ("late", 20, 60), ("none", 0, 0)]
    rule = change.compare_periods(np.array([20, 20, 0]), np.array([0, 60, 0]), (366, 365))
    assert [line.verdict for line in found.lines] == rule.verdict.tolist()
    assert [line.ratio for line in found.lines[:2]] == rule.ratio[:2].tolist()
    now = comparison.units(on, (BEFORE, AFTER), groups, None)
    assert [line.before for line in now.lines] == [20, 30, 0]


def test_below_ten_there_is_no_percent():
    on = days(9, 30)
    (line,) = comparison.units(on, (BEFORE, AFTER), [("", on.count > 0)], None).lines
    assert line.percent is None
    assert line.difference == 21


def test_cells_hold_both_periods_and_nothing_of_others():
    found = events(
        ("2024-03-01T12:00", None, 3, HERE),
        ("2025-03-01T12:00", None, 1, HERE),
        ("2025-12-31T23:30", None, 9, HERE),  # in Stockholm already 2026
        ("2025-03-01T12:00", None, 2, THERE),
        ("2025-03-01T12:00", None, 5, 0),
    )
    registered = Registrations(np.arange(0), np.array([], dtype="datetime64[D]"))
    on = comparison.days(found, registered, None, STOCKHOLM)
    cells = comparison.in_cells(found, on, (BEFORE, AFTER), 9, None)
    ordered = np.sort(grid.parents(np.array([HERE, THERE]), 9)).tolist()
    here = ordered.index(int(grid.parents(np.array([HERE]), 9)[0]))
    assert cells.cell.tolist() == ordered
    assert (cells.before[here], cells.after[here]) == (3, 1)
    assert (cells.before[1 - here], cells.after[1 - here]) == (0, 2)


def test_cells_are_counted_at_the_same_lag_as_the_whole():
    found = events(
        ("2024-03-01T12:00", None, 3, HERE),
        ("2024-03-01T12:00", None, 4, HERE),
        ("2025-03-01T12:00", None, 5, HERE),
    )
    dates = np.array(["2024-03-02", "2025-06-01", "2025-03-02"], dtype="datetime64[D]")
    registered = Registrations(found.of.id, dates)
    on = comparison.days(found, registered, date(2026, 1, 30), STOCKHOLM)
    whole = comparison.whole(on, (BEFORE, AFTER))
    cells = comparison.in_cells(found, on, (BEFORE, AFTER), 9, whole.lag_days)
    assert whole.lag_days == 30
    assert (cells.before.tolist(), cells.after.tolist()) == ([3], [5])
    assert (whole.line.before, whole.line.after) == (3, 5)
    standing = comparison.in_cells(found, on, (BEFORE, AFTER), 9, None)
    assert standing.before.tolist() == [7]


def test_a_period_that_registrations_do_not_reach_is_not_assessed():
    on = replace(days(40, 90), extracted=date(2025, 12, 28))
    found = comparison.whole(on, (BEFORE, AFTER))
    assert (found.line.before, found.line.after, found.lag_days) == (40, 90, -3)
    assert (found.line.verdict, found.line.percent) == (change.UNKNOWN, None)
    assert np.isnan([found.line.ratio, found.line.low, found.line.high]).all()
    units = comparison.units(on, (BEFORE, AFTER), [("", on.count > 0)], found.lag_days)
    assert [line.verdict for line in units.lines] == [change.UNKNOWN]
    over = comparison.whole(replace(on, extracted=date(2025, 12, 31)), (BEFORE, AFTER))
    assert (over.lag_days, over.line.verdict) == (0, change.INCREASED)


def test_a_registration_that_had_not_come_yet_counts_as_undated():
    on = days(40, 60)
    on.registered[0] = np.datetime64("2062-01-01")
    found = comparison.whole(on, (BEFORE, AFTER))
    assert (found.line.before, found.before_now, found.undated) == (39, 40, 1)
    assert found.lag_days == 31
