"""Personal identity numbers are found wherever they stand, and nothing else is taken for one."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.personal import MASK, mask, masked_lines

EXAMPLE = "811218-9876"  # Skatteverket's own
SIGNS = ["", "-", "+", " ", "–", "—", "‑", "−", "\u00a0", " - ", "- ", " –"]


def check_digit(nine):
    """Give the tenth digit as Skatteverket describes it: every other digit counts twice."""
    products = [int(d) * (2, 1)[n % 2] for n, d in enumerate(nine)]
    return str(-sum(int(d) for product in products for d in str(product)) % 10)


days = st.dates(date(1900, 1, 1), date(2026, 12, 31))


@st.composite
def numbers(draw, *, right=True):
    """Draw a number of ten or twelve digits, for a person or with a coordination day."""
    day, serial = draw(days), draw(st.integers(0, 999))
    shown = day.day + draw(st.sampled_from([0, 60]))
    six = f"{day:%y%m}{shown:02}"
    last = check_digit(f"{six}{serial:03}")
    if not right:
        last = str((int(last) + draw(st.integers(1, 9))) % 10)
    century = draw(st.sampled_from(["", f"{day:%Y}"[:2]]))
    return century + six, f"{serial:03}{last}"


@given(numbers(), st.sampled_from(SIGNS))
def test_every_number_is_masked_whatever_stands_between(number, sign):
    text, found = mask(f"{number[0]}{sign}{number[1]}")
    assert (text, found) == (MASK, True)


@given(
    numbers(),
    st.sampled_from(["", "-", " "]),
    st.sampled_from(["", " ", "(", "pnr.", "pnr:", "nr,", "x", "Målsägande ", ";", '"', "\n", "ä"]),
    st.sampled_from(["", " ", ")", ".", ",", ", såg", "x", ";", '"', "\n", "ö"]),
)
def test_every_number_is_masked_whatever_stands_around_it(number, sign, before, after):
    masked, found = mask(f"{before}{number[0]}{sign}{number[1]}{after}")
    assert (masked, found) == (f"{before}{MASK}{after}", True)


@given(numbers(right=False), st.sampled_from(["", "-"]))
def test_a_wrong_check_digit_is_no_number(number, sign):
    text = f"{number[0]}{sign}{number[1]}"
    assert mask(text) == (text, False)


@pytest.mark.parametrize(
    "text",
    [
        *("", "2026-03-06 23:30", "585802;6582337", "16,8112189876", "16.8112189876"),
        *("8112189876,5", "1.8112189876", "5000-K811218-26", "073-811 21 89", "811318-9876"),
        *("8112189876123", "1238112189876", "811218-98765", "811232-9876", "811299-9876"),
    ],
)
def test_other_numbers_are_left_alone(text):
    assert mask(text) == (text, False)


def test_several_numbers_in_one_text_are_all_masked():
    assert mask(f"{EXAMPLE} och 198112189876, {EXAMPLE}") == (f"{MASK} och {MASK}, {MASK}", True)


def test_a_masked_text_holds_no_number():
    masked, _ = mask(EXAMPLE)
    assert mask(masked) == (masked, False)


words = st.one_of(
    st.text(max_size=12),
    st.from_regex(r"[0-9 +.,-]{0,16}", fullmatch=True),
    st.builds("".join, st.tuples(st.text(max_size=3), st.just(EXAMPLE), st.text(max_size=3))),
    numbers().map("-".join),
)


@given(
    st.lists(st.lists(words, min_size=1, max_size=4), min_size=1, max_size=6),
    st.sampled_from(";,\t"),
)
def test_lines_are_masked_exactly_where_a_cell_holds_a_number(rows, delimiter):
    clean = [[cell.replace("\n", " ").replace(delimiter, " ") for cell in row] for row in rows]
    found = masked_lines([delimiter.join(row) for row in clean], clean)
    for position, row in enumerate(clean):
        masked = [mask(cell)[0] for cell in row]
        assert (position in found) == (masked != row)
        if masked != row:
            left = zip(found[position].split(delimiter), masked, strict=True)
            assert all(cell == expected or MASK in cell for cell, expected in left)


def test_a_cell_behind_a_comma_is_no_decimal():
    line = "5,8112189876,5,x"
    assert masked_lines([line], [["5", "8112189876", "5", "x"]]) == {0: f"5,{MASK},5,x"}


def test_a_number_across_two_lines_is_none():
    assert masked_lines(["811218", "9876"], [["811218"], ["9876"]]) == {}


@given(st.integers(0, 300), days)
def test_days_that_do_not_exist_are_no_numbers(serial, day):
    later = day + timedelta(days=1)
    if later.day != 1:
        return
    month = f"{day:%y%m}"
    for wrong in (0, 32, 60, 92, 99):
        nine = f"{month}{wrong:02}{serial:03}"
        text = f"{nine[:6]}-{nine[6:]}{check_digit(nine)}"
        assert mask(text) == (text, False)
