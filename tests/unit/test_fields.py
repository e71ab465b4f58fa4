"""Text cells become typed columns; a cell that cannot be read is a fault and never a guess."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import fields
from pipelines.fields import Column, Faults
from pipelines.mapping import DATES, DATETIMES, TIMES

STOCKHOLM = "Europe/Stockholm"
moments = st.datetimes(datetime(1990, 1, 1), datetime(2060, 12, 31)).map(  # noqa: DTZ001
    lambda at: at.replace(microsecond=0)
)


def times(*cells, formats=DATETIMES):
    """Read cells and give the moments, which are days, and the reasons of faults."""
    faults = Faults()
    read = fields.datetimes(Column("när", cells), formats, STOCKHOLM, faults)
    reasons = {position: fault.reason for position, fault in faults.found.items()}
    return read.wall.tolist(), read.day_only.tolist(), reasons


# --- dates and times ---------------------------------------------------------------------------


@given(moments, st.sampled_from([f for f in DATETIMES if "%H" in f]))
def test_a_moment_in_any_known_format_is_read(at, pattern):
    at = at if "%S" in pattern else at.replace(second=0)
    assert times(at.strftime(pattern)) == ([at], [False], {})


@given(st.dates(), st.sampled_from(DATES))
def test_a_day_in_any_known_format_is_read_as_a_day(day, pattern):
    if day.year < 1900:
        return
    midnight = datetime.combine(day, datetime.min.time())
    assert times(day.strftime(pattern), formats=DATES) == ([midnight], [True], {})


@given(st.lists(moments, min_size=1, max_size=20))
def test_each_cell_is_read_for_itself(many):
    cells = [at.isoformat(sep=" ") if n % 2 else at.date().isoformat() for n, at in enumerate(many)]
    wall, day_only, reasons = times(*cells)
    assert reasons == {}
    assert day_only == [n % 2 == 0 for n in range(len(many))]
    expected = [
        at if n % 2 else datetime.combine(at.date(), datetime.min.time())
        for n, at in enumerate(many)
    ]
    assert wall == expected


@given(moments, st.sampled_from(["Z", "+00:00", "+0200", "-05:00", "+01", "+05:45"]))
def test_a_moment_with_a_zone_becomes_the_clock_on_the_wall(at, zone):
    text = f"{at.isoformat()}{zone}"
    hours = {"Z": 0, "+00:00": 0, "+0200": 2, "-05:00": -5, "+01": 1, "+05:45": 5.75}[zone]
    instant = at.replace(tzinfo=UTC) - timedelta(hours=hours)
    local = instant.astimezone(ZoneInfo(STOCKHOLM)).replace(tzinfo=None)
    assert times(text) == ([local], [False], {})
    read = fields.datetimes(Column("när", [text]), DATETIMES, STOCKHOLM, Faults())
    assert read.utc.tolist() == [instant.replace(tzinfo=None)]  # also in an hour that comes twice


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("2026-02-30", "date-does-not-exist"),
        ("2026-02-30 10:00", "date-does-not-exist"),
        ("2026-13-01", "date-does-not-exist"),
        ("2026-00-10", "date-does-not-exist"),
        ("20260230", "date-does-not-exist"),
        ("30.02.2026", "date-does-not-exist"),
        ("31/02/26", "date-does-not-exist"),
        ("2026-03-06 24:00", "time-24"),
        ("2026-03-06T24:00:00", "time-24"),
        ("2026-03-06 25:00", "date-unreadable"),
        ("2026-03-06 22.00", "date-unreadable"),
        ("06.03.2026", "date-unreadable"),
        ("03/06/2026", "date-unreadable"),
        ("03-06-2026", "date-unreadable"),
        ("2024-02-29+0100", "date-unreadable"),
        ("kl 5+0100", "date-unreadable"),
        ("v. 7", "date-unreadable"),
        ("46000.5", "date-unreadable"),
        ("igår", "date-unreadable"),
        ("٢٠٢٦-٠٣-٠٦", "date-unreadable"),
        ("99999-01-01", "date-unreadable"),
    ],
)
def test_a_cell_that_names_no_moment_is_a_fault_with_its_reason(cell, reason):
    wall, _, reasons = times("2026-03-06", cell)
    assert reasons == {1: reason}
    assert wall[1] is None


def test_empty_cells_are_nothing_and_no_fault():
    assert times("", "") == ([None, None], [False, False], {})


@given(st.lists(st.text(max_size=20), max_size=10))
def test_no_text_breaks_the_reading_of_dates(cells):
    wall, day_only, reasons = times(*cells)
    for position, cell in enumerate(cells):
        assert (wall[position] is None) == (cell == "" or position in reasons)
        assert not (position in reasons and day_only[position])


# --- clock times -------------------------------------------------------------------------------


def minutes(*cells, formats=TIMES):
    faults = Faults()
    found = fields.clock_minutes(Column("kl", cells), formats, faults).tolist()
    return found, {position: fault.reason for position, fault in faults.found.items()}


def test_every_minute_of_the_day_is_read_in_every_spelling():
    clocks = [divmod(minute, 60) for minute in range(1440)]
    for spell in ("{:02}:{:02}", "{:02}{:02}", "{:02}.{:02}", "{:02}:{:02}:00", "{}:{:02}"):
        found, reasons = minutes(*(spell.format(*clock) for clock in clocks))
        assert (found, reasons) == (list(range(1440)), {}), spell


def test_clock_times_that_a_spreadsheet_made_numbers_are_read():
    found, _ = minutes(*(str(hour * 100 + minute) for hour, minute in [(0, 0), (0, 5), (9, 30)]))
    assert found == [0, 5, 570]


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        *(("2400", "time-24"), ("24:00", "time-24"), ("24.00", "time-24"), ("24:00:00", "time-24")),
        *(("2360", "time-unreadable"), ("25:00", "time-unreadable"), ("12345", "time-unreadable")),
        *(("-1", "time-unreadable"), ("²", "time-unreadable"), ("kväll", "time-unreadable")),
    ],
)
def test_a_cell_that_names_no_clock_time_is_a_fault(cell, reason):
    assert minutes("", cell)[1] == {1: reason}
    assert minutes("")[0] == [-1]


# --- numbers, counts, words --------------------------------------------------------------------


def numbers(*cells):
    faults = Faults()
    found = fields.numbers(Column("n", cells), faults).tolist()
    return found, sorted(faults.found)


@given(st.floats(-1e15, 1e15))
def test_a_number_is_read_with_a_point_or_a_comma(value):
    text = f"{value:.6f}"
    expected = pytest.approx(float(text), rel=1e-15)
    (point, comma), faults = numbers(text, text.replace(".", ","))
    assert (point, comma, faults) == (expected, expected, [])


@pytest.mark.parametrize(
    "cell",
    [
        "x",
        "1 234",
        "1.234,5",
        "1e999",
        "-inf",
        "nan",
        "NaN",
        "0x1F",
        "1_000",
        "5 m",
        "²",
        "--5",
        "True",
    ],
)
def test_a_cell_that_is_no_number_is_a_fault(cell):
    found, faults = numbers("1", cell)
    assert faults == [1]
    assert not np.isfinite(found[1])


def test_a_typographic_minus_is_a_minus():
    assert numbers("−5,5") == ([-5.5], [])


@pytest.mark.parametrize(
    ("cell", "count"), [("", 1), ("1", 1), ("7", 7), ("2,0", 2), ("1000", 1000), ("1e3", 1000)]
)
def test_a_count_is_a_whole_number_from_one_to_a_thousand(cell, count):
    faults = Faults()
    assert fields.counts(Column("antal", [cell]), faults).tolist() == [count]
    assert faults.found == {}


@pytest.mark.parametrize("cell", ["0", "-1", "1.5", "1001", "x", "inf", "1e30", "9" * 400])
def test_other_counts_are_faults_that_stand_for_one(cell):
    faults = Faults()
    assert fields.counts(Column("antal", [cell]), faults).tolist() == [1]
    assert list(faults.found) == [0]


@given(st.sampled_from(["Ljust", "LJUST", "ljust", "lJuSt"]))
def test_words_are_known_in_any_case(word):
    faults = Faults()
    assert fields.choices(Column("l", [word, ""]), {"ljust": "ljust"}, "r", faults) == ["ljust", ""]
    assert faults.found == {}


@pytest.mark.parametrize(
    ("cell", "code"),
    [("357", "0357"), ("0357", "0357"), ("9357", "9357"), ("5", "0005"), ("", ""), ("K1", "K1")],
)
def test_offence_codes_have_four_digits(cell, code):
    assert fields.offence_codes(Column("kod", [cell])) == [code]


def test_a_row_keeps_its_first_fault_and_a_short_piece_of_the_cell():
    faults = Faults()
    faults.add([0], "first", "a", ["x" * 500])
    faults.add([0, 1], "second", "b", ["y", "z"])
    assert faults.found[0] == fields.Fault("first", "a", "x" * 80)
    assert faults.found[1] == fields.Fault("second", "b", "z")
