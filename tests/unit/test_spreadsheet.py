"""No cell and no header that we write is a formula, and every one comes back as it was."""

import ast
import csv
import io
import os
import stat
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from geo.errors import InvalidParameter
from pipelines.spreadsheet import LONGEST_CELL, as_written, csv_lines, harmless, write_csv

ROOT = Path(__file__).parents[2]
STARTS = "=+-@＝＋－＠"
storable = st.characters(codec="utf-8", exclude_characters="\x00")
cell = st.text(storable, max_size=8)
# Texts made of what matters, so that the interesting ones are common.
sly = st.text("'=+-@＝＋－＠\t\r\n \u00a0\ufeff\u200b15.,;\"x", max_size=6)


def read(text):
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=";"))


@given(st.one_of(cell, sly))
@example("'=1")
@example("''-5")
def test_a_cell_comes_back_as_it_was(text):
    assert as_written(harmless(text)) == text


@given(st.one_of(cell, sly))
def test_no_cell_begins_a_formula(text):
    written = harmless(text)
    bare = written.lstrip(" \t\r\n\u00a0\ufeff\u200b")
    if bare[:1] in set(STARTS) or written[:1] in set("\t\r\n"):
        assert written == text
        assert written[0] in "+-"
        assert written[1:].replace(".", "").replace(",", "").isdecimal()


@pytest.mark.parametrize("start", [*STARTS, "\t", "\r", "\n"])
def test_every_start_of_a_formula_is_taken_away(start):
    assert harmless(f"{start}SUM(A1)") == f"'{start}SUM(A1)"


@pytest.mark.parametrize(
    "text", [" =1", "\u00a0=1", "\ufeff=1", "\u200b@x", "\x01=1", "=1", "+46 70", "-", "- 5", "-5x"]
)
def test_blanks_and_what_is_no_whole_number_do_not_hide_a_formula(text):
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-5", "+5", "-16,5145", "+46701234567", "-1.000,5", "5", "a=b"])
def test_a_signed_number_stays_a_number_and_plain_text_stays_plain(text):
    assert harmless(text) == text


@given(st.lists(st.lists(st.one_of(cell, sly), min_size=2, max_size=2), min_size=2, max_size=5))
def test_headers_are_cells_and_no_cell_breaks_out_of_its_own(rows):
    text = "".join(csv_lines(rows[0], rows[1:]))
    found = read(text)
    assert [[as_written(value) for value in row] for row in found] == rows


def test_a_number_of_ours_is_written_as_it_is():
    assert "".join(csv_lines(["n"], [[-5], ["-x"]])) == "\ufeffn\r\n-5\r\n'-x\r\n"


def test_a_cell_that_a_spreadsheet_would_cut_is_refused_aloud(tmp_path):
    longest = "x" * LONGEST_CELL
    assert longest in "".join(csv_lines(["a"], [[longest]]))
    with pytest.raises(InvalidParameter) as refused:
        write_csv(tmp_path / "a.csv", ["a"], [["x"], [f"{longest}x"]])
    assert (refused.value.code, refused.value.values["line"]) == ("cell-too-long-for-sheet", 3)


def test_only_its_owner_may_read_a_table(tmp_path):
    before = os.umask(0)
    try:
        write_csv(tmp_path / "a.csv", ["a"], [])
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.csv").stat().st_mode) == 0o600


def test_no_other_module_writes_tables():
    writers = {}
    for folder in ("app", "geo", "pipelines", "store"):
        for path in (ROOT / folder).rglob("*.py"):
            tree = ast.parse(path.read_text("utf-8"))
            for node in ast.walk(tree):
                text = ast.unparse(node) if isinstance(node, ast.Attribute | ast.Import) else ""
                if text in {"csv.writer", "csv.DictWriter"} or "xlsx" in text.partition(" as ")[0]:
                    writers.setdefault(path.relative_to(ROOT).as_posix(), set()).add(text)
    assert writers == {
        "pipelines/spreadsheet.py": {"csv.writer"},
        "pipelines/readers.py": {"csv.writer"},  # a record's raw text in the database
        "pipelines/demo_data.py": {"csv.writer"},  # invented files, as the police would send them
    }
