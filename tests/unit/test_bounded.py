"""A parser that runs away ends with one plain refusal, and takes nothing and nobody with it."""

import logging
import os
import re
import time
from itertools import islice
from pathlib import Path

import pytest

from geo.errors import InvalidParameter, UnreadableFile
from pipelines import bounded
from tests import misbehaving

ROOT = Path(__file__).parents[2]
PATH = Path("/nowhere/fil.xlsx")


@pytest.fixture(autouse=True)
def _findable(monkeypatch):
    """Let the child find the jobs of the tests."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def asked(job, **values):
    return list(bounded.answers(job, PATH, values))


def refused(job, **values):
    """Give the code of the refusal; it must come within a minute and name the file."""
    before = time.monotonic()
    with pytest.raises(UnreadableFile) as fault:
        asked(job, **values)
    assert fault.value.values == {"file": "fil.xlsx"}
    assert time.monotonic() - before < 60
    return fault.value.code


def gone(pid):
    """Tell whether a process has ended and been waited for."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_answers_come_in_order_and_whole():
    assert asked(misbehaving.counts, upto=20_000) == ["fil.xlsx", *range(20_000)]


def test_a_child_that_wants_too_much_memory_is_refused_it():
    assert refused(misbehaving.eats_memory) == "file-too-costly"


def test_a_library_that_aborts_for_want_of_memory_takes_only_the_child_down():
    assert refused(misbehaving.eats_memory_outside_python) == "file-too-costly"


def test_a_child_that_never_ends_runs_out_of_processor_time(monkeypatch):
    monkeypatch.setattr(bounded, "CPU_S", 1)
    assert refused(misbehaving.spins) == "file-too-costly"


def test_a_child_that_says_nothing_more_is_not_waited_for_for_ever(monkeypatch):
    monkeypatch.setattr(bounded, "WAIT_S", 1.0)
    assert refused(misbehaving.sleeps) == "file-too-costly"


def test_the_time_that_the_reader_takes_does_not_count(monkeypatch):
    monkeypatch.setattr(bounded, "WAIT_S", 1.0)
    answers = bounded.answers(misbehaving.counts, PATH, {"upto": 100_000})
    assert next(answers) == "fil.xlsx"
    time.sleep(1.2)
    assert len(list(answers)) == 100_000


def test_a_crash_takes_only_the_child_down():
    assert refused(misbehaving.crashes) == "file-too-costly"


def test_a_child_that_leaves_in_the_middle_is_no_whole_answer():
    assert refused(misbehaving.leaves) == "file-unreadable"


def test_a_library_that_stumbles_is_logged_by_its_place_and_not_by_its_words(caplog):
    caplog.set_level(logging.DEBUG)
    assert refused(misbehaving.stumbles, words="Anna 811218-9876") == "file-unreadable"
    assert re.search(r"KeyError in misbehaving\.py:\d+", caplog.text)
    assert "Anna" not in caplog.text


def test_a_refusal_of_the_job_comes_back_as_it_was():
    with pytest.raises(InvalidParameter) as fault:
        asked(misbehaving.refuses, value="å\n€")
    assert (fault.value.code, fault.value.values["value"]) == ("place-kind", "å\n€")


def test_no_secret_and_no_setting_reaches_the_child(monkeypatch):
    monkeypatch.setenv("LAGESBILD_SESSION_SECRET", "hemligt")
    monkeypatch.setenv("PGPASSWORD", "hemligt")
    (environment,) = asked(misbehaving.tells_its_environment)
    assert "hemligt" not in environment.values()
    # Python itself adds its language setting where none is given.
    assert set(environment) <= {*bounded.INHERITED, *bounded.FRUGAL, "LC_CTYPE"}


def test_the_child_writes_no_large_file(tmp_path):
    with pytest.raises(UnreadableFile):
        list(bounded.answers(misbehaving.writes, tmp_path / "a", {}))
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= bounded.WRITTEN_BYTES


def test_the_child_ends_when_nobody_listens_any_longer():
    answers = bounded.answers(misbehaving.is_itself, PATH, {})
    pid, *_ = islice(answers, 3)
    assert not gone(pid)
    answers.close()
    assert gone(pid)


def test_a_name_that_is_no_text_reaches_the_child(tmp_path):
    path = tmp_path / os.fsdecode(b"\xe5\xff.xlsx")
    assert list(bounded.answers(misbehaving.counts, path, {"upto": 0})) == [path.name]


def test_what_a_child_took_is_logged(caplog):
    caplog.set_level(logging.DEBUG, "pipelines.bounded")
    asked(misbehaving.counts, upto=3)
    assert re.search(r"counts: \d+\.\d\d s, \d+ MB", caplog.text)
