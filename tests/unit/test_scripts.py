"""A page names every module that its script will ask for."""

import re

import pytest

from app.scripts import FOLDER, tags

ENTRIES = sorted(
    match[1]
    for page in (FOLDER.parents[1] / "templates").glob("*.html")
    for match in re.finditer(r'script\("([a-z_]+\.js)"\)', page.read_text("utf-8"))
)


def test_every_page_with_a_script_is_known():
    assert "main.js" in ENTRIES
    assert len(ENTRIES) > 5


@pytest.mark.parametrize("entry", ENTRIES)
def test_all_modules_behind_a_script_are_named_once(entry):
    named = re.findall(r'(?:href|src)="/static/js/([a-z_]+\.js)"', str(tags(entry, "/static")))
    assert len(named) == len(set(named))
    assert named[-1] == entry
    for name in named:
        source = (FOLDER / name).read_text("utf-8")
        assert set(re.findall(r'from "\./([a-z_]+\.js)"', source)) <= set(named), name


def test_only_the_script_itself_runs():
    assert str(tags("main.js", "/static")).count("<script") == 1
