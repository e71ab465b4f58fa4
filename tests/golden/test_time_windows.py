"""Weekly windows against base R and lubridate: golden/09_time_windows.

R counted `school_hours` without terms, so the window here has none either.
"""

import csv
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from geo.windows import Span, WeeklyWindow, occurrences, to_local, to_utc

STOCKHOLM = "Europe/Stockholm"
PERIOD = (date(2025, 12, 1), date(2027, 2, 1))
WINDOWS = {
    "weekend_night": (Span(5, 23 * 60, 4 * 60), Span(6, 23 * 60, 4 * 60)),
    "school_hours": tuple(Span(weekday, 7 * 60, 17 * 60) for weekday in range(1, 6)),
}


def table(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def halves(shared):
    """Give every half hour of 2026, as R saw it."""
    return table(shared / "golden/09_time_windows/stockholm_2026_every_30min.csv")


@pytest.fixture(scope="module")
def utc(halves):
    return np.array([row["utc"].removesuffix("Z") for row in halves], dtype="datetime64[s]")


def opening(name):
    return occurrences(WeeklyWindow(name, name, WINDOWS[name]), PERIOD, STOCKHOLM)


@pytest.mark.parametrize("name", WINDOWS)
def test_every_half_hour_of_2026_is_in_the_windows_where_r_put_it(name, halves, utc):
    shares = opening(name).shares(utc, np.full(utc.shape, np.datetime64("NaT")))
    assert len(halves) == 17_537
    np.testing.assert_array_equal(shares, [float(row[name]) for row in halves])


def test_every_half_hour_of_2026_shows_the_wall_clock_that_r_saw(halves, utc):
    wall = np.array([row["local"] for row in halves], dtype="datetime64[s]")
    np.testing.assert_array_equal(to_local(utc, STOCKHOLM), wall)
    back, flags = to_utc(wall, STOCKHOLM)
    # One hour comes twice: its second coming reads as the first. All else is unchanged.
    assert (back != utc).sum() == 2
    assert (utc[back != utc] - back[back != utc] == np.timedelta64(1, "h")).all()
    assert (flags > 0).sum() == 4


def test_the_nights_of_the_clock_changes_are_as_long_as_in_r(shared):
    nights = table(shared / "golden/09_time_windows/stockholm_dst_windows.csv")
    saturday_night = WeeklyWindow("n", "n", WINDOWS["weekend_night"][1:])
    assert len(nights) == 16
    for night in nights:
        sunday = date.fromisoformat(night["dst_sunday"])
        period = (sunday - timedelta(days=1), sunday)
        found = occurrences(saturday_night, period, STOCKHOLM)
        edges = [night["window_start_utc"], night["window_end_utc"]]
        expected = [datetime.fromisoformat(edge).replace(tzinfo=UTC).timestamp() for edge in edges]
        assert [found.starts.item(), found.ends.item()] == expected
        assert (found.ends - found.starts).item() == int(night["hours"]) * 3600
