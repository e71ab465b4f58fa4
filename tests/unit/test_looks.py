"""What a line of the log can bear: short, plain, and the same for ever."""

import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import looks
from pipelines.looks import bounded, clean
from pipelines.texts import text
from store.journal import Fault, canonical

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


def texts(value):
    if isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_of_a_log_has_a_sentence(fault):
    assert text(fault.value) != fault.value


@given(ANYTHING)
def test_whatever_is_asked_becomes_one_short_line_of_json(value):
    written = canonical(bounded(value))
    assert json.loads(written) == bounded(value)
    assert written.isprintable()
    assert written.encode()
    assert all(len(each) <= looks.LONGEST for each in texts(bounded(value)))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"b": 1, "a": [True, None]}, '{"a":[true,null],"b":1}'),
        ("åäö", '"åäö"'),
        (("ran", "olaga_hot"), '["ran","olaga_hot"]'),
        (date(2026, 11, 22), '"2026-11-22"'),
        (datetime(2026, 11, 22, 20, tzinfo=UTC), '"2026-11-22T20:00:00+00:00"'),
        (16.5, "16.5"),
        (float("nan"), '"nan"'),
        (float("-inf"), '"-inf"'),
        (2**63 - 1, "9223372036854775807"),
        (2**63, '"0x8000000000000000"'),
    ],
)
def test_values_are_written_in_one_way(value, written):
    assert canonical(bounded(value)) == written


@pytest.mark.parametrize("strange", ["\n", "\r", "\x1b[2J", "\x00", "\u2028", "\u202e", "\ud800"])
def test_no_letter_can_forge_or_hide_a_line(strange):
    assert clean(f"a{strange[0]}b") == f"a{looks.STRANGE}b"


def test_long_values_are_cut_and_say_so():
    assert clean("x" * 200) == "x" * 200
    assert clean("x" * 201) == "x" * 199 + "…"
    assert bounded(list(range(50))) == list(range(50))
    assert bounded(list(range(51))) == [*range(50), "…"]
    assert len(bounded({str(n): n for n in range(1_000)})) == looks.MOST_ITEMS
    assert len(bounded(10**5_000)) == looks.LONGEST


def test_deep_values_end_as_text():
    deep = []
    for _ in range(100):
        deep = [deep]
    found, depth = bounded(deep), 0
    while isinstance(found, list):
        (found,), depth = found, depth + 1
    assert (depth, isinstance(found, str)) == (looks.DEEPEST, True)
