"""How the parameters of a URL are read."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.collections import COLLECTIONS
from app.queries import MOST_ITEMS, parse
from geo.errors import InvalidParameter
from pipelines import profiles
from pipelines.questions import Period

PROFILE = profiles.load("eskilstuna").profile
ALL = sorted({name for one in COLLECTIONS.values() for name in one.parameters})


def ask(**given):
    return parse(given.items(), ALL, PROFILE)


def test_nothing_asked_is_everything_at_the_usual_size():
    query = ask()
    assert (query.limit, query.offset, query.resolution, query.window) == (1000, 0, 9, "all")
    assert query.bbox is None
    assert query.period is None
    assert query.categories == ()


def test_two_spellings_of_one_question_are_equal():
    assert ask(category="klotter,ran,klotter") == ask(category="ran,klotter")


@pytest.mark.parametrize("limit", ["10001", "99999999999999999999", "1" * 150])
def test_a_limit_above_the_highest_is_capped(limit):
    assert ask(limit=limit).limit == MOST_ITEMS


def test_a_day_is_the_municipalitys_own_day():
    assert ask(datetime="2025-07-01").period == Period(
        datetime(2025, 6, 30, 22, tzinfo=UTC), datetime(2025, 7, 1, 22, tzinfo=UTC)
    )


def test_the_autumn_day_of_25_hours_is_whole():
    period = ask(datetime="2025-10-26").period
    assert (period.end - period.start).total_seconds() == 25 * 3600


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2025-01-01T00:00:00Z", (2025, 1, 1), (2025, 1, 1, 0, 0, 1)),
        ("2025-01-01T01:00:00+01:00/2025-01-02T00:00:00Z", (2025, 1, 1), (2025, 1, 2, 0, 0, 1)),
        ("../2025-01-01T00:00:00z", None, (2025, 1, 1, 0, 0, 1)),
        ("2025-01-01t00:00:00Z/", (2025, 1, 1), None),
        ("../..", None, None),
    ],
)
def test_intervals_may_be_open_and_hold_their_last_instant(text, start, end):
    wanted = [edge and datetime(*edge, tzinfo=UTC) for edge in (start, end)]
    assert ask(datetime=text).period == Period(*wanted)


def test_heights_in_a_box_are_ignored():
    assert ask(bbox="16,59,0,17,60,100").bbox == ask(bbox="16,59,17,60").bbox == (16, 59, 17, 60)


def test_a_box_across_the_antimeridian_is_the_part_on_this_side():
    assert ask(bbox="10,50,-170,60").bbox == (10, 50, 180, 60)
    assert ask(bbox="170,50,17,60").bbox == (-180, 50, 17, 60)


BAD = [
    *(("limit", text) for text in ("0", "-1", "1e3", "ten", "", "1.5", "\u0661")),
    *(("offset", text) for text in ("-1", "1000000000000", "x")),
    *(("bbox", text) for text in ("1,2,3", "1,2,3,4,5", "a,b,c,d", "nan,0,1,1", "0,0,inf,1")),
    *(("bbox", text) for text in ("16,60,17,59", "0,-91,1,1", "-181,0,1,1", "")),
    *(("datetime", text) for text in ("", "yesterday", "2025-02-30", "2025-01-01T00:00:00")),
    *(("datetime", text) for text in ("2025-01-01T24:00:00Z", "2025-W01-1", "9999-12-31")),
    *(("datetime", text) for text in ("2026-01-01/2025-01-01", "2025-01-01/2025-02-01/..", ".")),
    *(("datetime", text) for text in ("9999-12-31T23:59:59Z", "0001-01-01", "0000-00-00")),
    *(("resolution", text) for text in ("7", "12", "9.0", "nine")),
    *(("category", text) for text in ("", "undantagen", "vapen", "ran,", "' OR 1=1 --")),
    ("window", "helgnat"),
    ("scope", "everywhere"),
    ("area", "\u00c5rby\x00"),
    ("area", "x" * 201),
    ("area", "\ud800"),
    ("sort", "name"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_what_cannot_be_used_is_refused(name, value):
    with pytest.raises(InvalidParameter):
        ask(**{name: value})


def test_a_parameter_given_twice_is_refused():
    with pytest.raises(InvalidParameter, match="repeated-parameter"):
        parse([("limit", "1"), ("limit", "1")], ALL, PROFILE)


@given(st.sampled_from(ALL), st.text(max_size=60))
def test_any_text_is_read_or_refused(name, text):
    with suppress(InvalidParameter):
        ask(**{name: text})
