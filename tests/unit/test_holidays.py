"""Swedish days that are not like others, against printed almanacs of 2023 to 2027."""

from datetime import date, timedelta

import pytest

from geo.holidays import holidays, is_payday_weekend, is_red, named, payday

# Swedish almanacs: the days that move from year to year.
MOVING = {
    2023: {
        "good-friday": (4, 7),
        "easter-day": (4, 9),
        "easter-monday": (4, 10),
        "ascension-day": (5, 18),
        "whit-sunday": (5, 28),
        "midsummer-day": (6, 24),
        "all-saints-day": (11, 4),
    },
    2024: {
        "good-friday": (3, 29),
        "easter-day": (3, 31),
        "easter-monday": (4, 1),
        "ascension-day": (5, 9),
        "whit-sunday": (5, 19),
        "midsummer-day": (6, 22),
        "all-saints-day": (11, 2),
    },
    2025: {
        "good-friday": (4, 18),
        "easter-day": (4, 20),
        "easter-monday": (4, 21),
        "ascension-day": (5, 29),
        "whit-sunday": (6, 8),
        "midsummer-day": (6, 21),
        "all-saints-day": (11, 1),
    },
    2026: {
        "good-friday": (4, 3),
        "easter-day": (4, 5),
        "easter-monday": (4, 6),
        "ascension-day": (5, 14),
        "whit-sunday": (5, 24),
        "midsummer-day": (6, 20),
        "all-saints-day": (10, 31),
    },
    2027: {
        "good-friday": (3, 26),
        "easter-day": (3, 28),
        "easter-monday": (3, 29),
        "ascension-day": (5, 6),
        "whit-sunday": (5, 16),
        "midsummer-day": (6, 26),
        "all-saints-day": (11, 6),
    },
}
FIXED = {
    "new-years-day": (1, 1),
    "epiphany": (1, 6),
    "may-day": (5, 1),
    "national-day": (6, 6),
    "christmas-day": (12, 25),
    "boxing-day": (12, 26),
}


@pytest.mark.parametrize("year", MOVING)
def test_the_red_days_of_a_year_are_those_of_the_almanac(year):
    found = {one.code: (one.day.month, one.day.day) for one in holidays(year) if one.red}
    assert found == MOVING[year] | FIXED


@pytest.mark.parametrize("year", MOVING)
def test_eves_are_the_days_before_and_are_not_red(year):
    days = {one.code: one for one in holidays(year)}
    eves = {
        "easter-eve": "easter-day",
        "midsummer-eve": "midsummer-day",
        "whitsun-eve": "whit-sunday",
        "all-saints-eve": "all-saints-day",
        "christmas-eve": "christmas-day",
        "epiphany-eve": "epiphany",
        "walpurgis-night": "may-day",
        "maundy-thursday": "good-friday",
    }
    for eve, day in eves.items():
        assert days[eve].day == days[day].day - timedelta(days=1)
        assert not days[eve].red
    assert days["new-years-eve"].day == date(year, 12, 31)
    assert days["midsummer-eve"].day.isoweekday() == 5


def test_easter_is_right_in_the_years_that_strain_the_rule():
    easters = {1954: (4, 18), 1981: (4, 19), 2008: (3, 23), 2011: (4, 24), 2038: (4, 25)}
    for year, (month, day) in easters.items():
        assert "easter-day" in {one.code for one in named(date(year, month, day))}


def test_two_holidays_may_fall_on_one_day():
    assert {one.code for one in named(date(2008, 5, 1))} == {"ascension-day", "may-day"}


def test_a_common_day_has_no_name():
    assert named(date(2026, 11, 13)) == ()
    assert not is_red(date(2026, 12, 24))
    assert is_red(date(2026, 12, 25))


@pytest.mark.parametrize(
    ("year", "month", "day"),
    [
        (2026, 11, 25),  # a Wednesday
        (2026, 10, 23),  # the 25th is a Sunday
        (2026, 7, 24),  # the 25th is a Saturday
        (2026, 12, 23),  # Christmas, and its eve
        (2027, 12, 23),  # the same, before a weekend
        (2024, 5, 24),
        (2027, 6, 24),  # midsummer eve is a Friday the 25th
        (2027, 3, 25),  # Maundy Thursday is a bank day
    ],
)
def test_wages_are_paid_on_the_25th_or_the_bank_day_before(year, month, day):
    assert payday(year, month) == date(year, month, day)


@pytest.mark.parametrize(
    ("friday", "paid"),
    [
        (date(2026, 10, 23), True),  # paid that very Friday
        (date(2026, 10, 30), False),
        (date(2026, 11, 20), False),
        (date(2026, 11, 27), True),  # paid on the Wednesday before
        (date(2026, 12, 25), True),  # paid on the Wednesday before Christmas
        (date(2027, 1, 1), False),
        (date(2027, 1, 29), True),  # paid on the Monday before
    ],
)
def test_the_weekend_of_payday_is_the_first_one_from_payday_on(friday, paid):
    assert friday.isoweekday() == 5
    assert is_payday_weekend(friday) is paid


def test_every_month_has_exactly_one_weekend_of_payday():
    fridays = [date(2023, 1, 6) + timedelta(days=7 * n) for n in range(52 * 4)]
    paid = [friday for friday in fridays if is_payday_weekend(friday)]
    months = [(friday - timedelta(days=6)).strftime("%Y-%m") for friday in paid]
    assert len(paid) == 48
    assert all(22 <= payday(friday.year, friday.month).day <= 25 for friday in paid)
    assert len(set(months)) == len(months)
