"""What may be said about cells, areas and clusters, as a program reads it."""

import json

import pytest

from geo.verdicts import Reason, Verdict

OWN = ("verdict", "reasons", "expected", "ratio")
NOTHING = dict.fromkeys(OWN)
REASONS = {reason.code for reason in Reason}


def refuse(constant):
    raise AssertionError(constant)


def properties(program, collection, **asked):
    """Give what every item says; a number that JSON does not know is a fault."""
    answer = program.get(f"/ogc/collections/{collection}/items", params={"limit": 10_000, **asked})
    assert answer.status_code == 200, answer.text
    page = json.loads(answer.content, parse_constant=refuse)
    assert page["features"]
    return [one["properties"] for one in page["features"]]


def own(said):
    return {name: said[name] for name in OWN}


@pytest.mark.parametrize("resolution", [9, 10, 11])
@pytest.mark.parametrize("asked", [{}, {"window": "helgnatt"}, {"category": "misshandel"}])
def test_every_cell_says_how_sure_it_is_and_why(program, resolution, asked):
    for said in properties(program, "cells", resolution=resolution, **asked):
        assert said["verdict"] in set(Verdict)
        assert said["reasons"]
        assert set(said["reasons"]) <= REASONS
        if said["verdict"] == "too_few":
            assert own(said) == {**NOTHING, "verdict": "too_few", "reasons": ["few-events"]}
        elif said["ratio"] is None:
            assert said["reasons"] == ["no-exposure"]
        else:
            low, high = said["ratio"]
            assert 0 <= low < high
            # counted for the cell; a cell on the border of the ground may show more
            assert low * 0.99 <= said["count"] / said["expected"]


def test_some_cells_of_the_demonstration_are_established_and_most_are_not(program):
    said = [each["verdict"] for each in properties(program, "cells", resolution=10)]
    assert 0 < said.count("established") < len(said) / 4


@pytest.mark.parametrize("area", ["Årby", "Nattlivskärnan"])
def test_in_a_focus_area_cells_are_measured_by_its_own_level(program, area):
    inside = properties(program, "cells", resolution=10, area=area)
    assert {said["verdict"] for said in inside} <= set(Verdict)
    whole = properties(program, "cells", resolution=10)
    of_town = {said["cell"]: said["expected"] for said in whole}
    told = [said for said in inside if said["expected"] is not None]
    assert told
    assert any(of_town[said["cell"]] != said["expected"] for said in told)


@pytest.mark.parametrize(
    "asked",
    [
        {"resolution": 8},
        {"datetime": "2025-01-01/2025-12-31"},
        {"category": "misshandel,klotter"},
    ],
)
def test_where_no_cell_was_judged_all_four_are_null(program, asked):
    for said in properties(program, "cells", **asked):
        assert own(said) == NOTHING


def test_every_area_but_the_municipality_is_judged(program):
    for said in properties(program, "areas"):
        if said["kind"] == "municipality":
            assert own(said) == NOTHING
        else:
            assert said["verdict"] in set(Verdict)
            assert set(said["reasons"]) <= REASONS


@pytest.mark.parametrize(
    "asked", [{"datetime": "2025-01-01/2025-12-31"}, {"category": "misshandel,klotter"}]
)
def test_where_no_area_was_judged_all_four_are_null(program, asked):
    for said in properties(program, "areas", **asked):
        assert own(said) == NOTHING


@pytest.mark.parametrize("asked", [{}, {"window": "helgnatt"}, {"scope": "core"}])
def test_every_cluster_has_a_verdict(program, asked):
    for said in properties(program, "clusters", **asked):
        assert said["verdict"] in set(Verdict)


def test_a_verdict_is_of_one_item_what_it_is_in_a_list(program):
    listed = properties(program, "cells", resolution=10)
    first = next(said for said in listed if said["verdict"] == "established")
    alone = program.get(f"/ogc/collections/cells/items/{first['cell']}").json()
    assert alone["properties"] == first


def test_numbers_have_three_digits(program):
    for said in properties(program, "cells", resolution=9):
        for number in (said["expected"], *(said["ratio"] or [])):
            assert number is None or number == float(f"{number:.3g}")
