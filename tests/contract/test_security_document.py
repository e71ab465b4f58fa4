"""docs/SECURITY.md names files and tests that exist, and every requirement once."""

import re
from pathlib import Path

import pytest

from app.attempts import BUDGETS
from app.origin import MOST_BODY_BYTES
from app.queries import FURTHEST_OFFSET, LONGEST_TEXT, MOST_ITEMS

DOCUMENT = Path(__file__).parents[2] / "docs" / "SECURITY.md"
TEXT = DOCUMENT.read_text("utf-8")
STATUSES = ("met", "partly", "operator", "open", "not applicable")
# How many requirements of level 1 and 2 each chapter of ASVS 5.0.0 has, from the first on.
LEVEL_1_AND_2 = (27, 11, 19, 10, 9, 35, 18, 7, 7, 29, 14, 9, 13, 9, 13, 16, 7)
CASES = [
    *(f"U{i}" for i in range(1, 10)),
    *(f"Q{i}" for i in range(1, 5)),
    *(f"X{i}" for i in range(1, 7)),
    *("S1", "S2", "R1", "R2", "R3", "R4", "R5", "L1", "L2"),
]


def rows(heading):
    """Give the cells of the tables below a heading."""
    part = TEXT.partition(f"\n## {heading}")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def chapters():
    return [row for row in rows("The rest") if re.match(r"V\d", row[0])]


def ids(cell):
    return re.findall(r"\d+\.\d+\.\d+", cell)


def twenty():
    return [row for row in rows("Twenty") if ids(row[0])]


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#\s]+)\)", TEXT))))
def test_what_is_linked_is_there(target):
    assert (DOCUMENT.parent / target).exists()


def test_every_test_named_for_a_requirement_is_in_the_file_that_it_links_to():
    for row in twenty():
        name, target = re.fullmatch(r"\[(test_\w+)\]\((.+)\)", row[3]).groups()
        assert f"def {name}(" in (DOCUMENT.parent / target).read_text("utf-8"), name


def test_twenty_requirements_are_told_in_full():
    assert len({row[0] for row in twenty()}) == 20


def test_every_requirement_of_levels_1_and_2_has_one_status():
    listed = [row[0] for row in twenty()]
    listed += [one for row in chapters() for cell in row[1:] for one in ids(cell)]
    assert len(listed) == len(set(listed)) == 253
    for chapter, number in enumerate(LEVEL_1_AND_2, 1):
        assert len([one for one in listed if one.startswith(f"{chapter}.")]) == number, chapter


def test_what_is_not_simply_met_says_why():
    told = {row[0]: row[1] for row in rows("The rest") if ids(row[0]) and len(row) == 3}
    columns = {"partly": 2, "operator": 3, "open": 4}
    for status, column in columns.items():
        listed = {one for row in chapters() for one in ids(row[column])}
        assert listed == {one for one, said in told.items() if said == status}


def test_the_sum_of_each_status_is_the_one_told():
    header = ["chapter", "met", "partly", "operator", "open", "not applicable"]
    assert header in rows("The rest")
    for status in STATUSES:
        column = header.index(status)
        number = sum(len(ids(row[column])) for row in chapters())
        number += len(twenty()) if status == "met" else 0
        assert f"{status} {number}" in TEXT


def test_every_abuse_case_has_its_row():
    assert [case for row in rows("Abuse")[2:] for case in row[0].split()] == CASES


def test_the_limits_told_are_those_of_the_code():
    told = {row[0]: row[1] for row in rows("Limits")}
    assert told["body of a request"] == f"{MOST_BODY_BYTES // 1024} KiB"
    assert told["features of a page, offset"] == f"{MOST_ITEMS:,}; {FURTHEST_OFFSET:,}"
    assert told["a parameter's text"].startswith(str(LONGEST_TEXT))
    most = {name: budget.most for name, budget in BUDGETS.items()}
    said = told["wrong passwords in five minutes"]
    assert re.findall(r"\d+", said) == [
        str(most[name]) for name in ("sign-in-account", "sign-in-address")
    ]
    three = told["exports, the group's page, exports of the log in five minutes"]
    assert three == f"{most['export']}, {most['group']}, {most['log-export']}"
