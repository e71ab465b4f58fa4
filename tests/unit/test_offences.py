"""From offence code, year and place to a category: the profile's rules and nothing else."""

from datetime import date

import numpy as np
import pytest

from geo.errors import InvalidParameter
from geo.offences import UNKNOWN, OffenceTable, Surroundings
from geo.profile import Category, OffenceRule, Profile


def category(code, *, on_map=True):
    return Category(
        code, code.title(), "vald", enforcement_driven=False, in_total=True, on_map=on_map
    )


CATEGORIES = (
    category("misshandel"),
    category("krogvald"),
    category("klotter"),
    category("vapen", on_map=False),
)


def rule(code, of, *, years=(None, None), nightlife=False, place="any"):
    first, after = (None if year is None else date(year, 1, 1) for year in years)
    return OffenceRule(code, f"Brott {code}", first, after, of, nightlife, place)


def table(*rules, nightlife_category="krogvald"):
    profile = Profile(
        name="test",
        label="Test",
        timezone="UTC",
        metric_epsg=3006,
        source_epsgs=(3006,),
        envelope=(0, 0, 1, 1),
        windows=(),
        terms=(),
        categories=CATEGORIES,
        offences=rules,
        venue_distance_m=50.0,
        nightlife_category=nightlife_category,
    )
    return OffenceTable(profile)


def ask(offences, code, source_category="", *, year=2026, nightlife=False, school=False):
    around = Surroundings(np.array([nightlife]), np.array([school]))
    texts = np.array([code], dtype=object), np.array([source_category], dtype=object)
    found = offences.categorise(*texts, np.array([year]), around)
    return found.category.item(), found.on_map.item()


def test_a_code_becomes_its_category():
    assert ask(table(rule("0375", "misshandel")), "0375") == ("misshandel", True)


def test_leading_zeros_make_another_code():
    assert ask(table(rule("0375", "misshandel")), "375") == (UNKNOWN, False)


@pytest.mark.parametrize(
    ("year", "expected"),
    [(2010, "misshandel"), (2014, "misshandel"), (2015, "klotter"), (2030, "klotter")],
)
def test_a_code_means_what_it_meant_that_year(year, expected):
    offences = table(
        rule("1", "misshandel", years=(None, 2015)), rule("1", "klotter", years=(2015, None))
    )
    assert ask(offences, "1", year=year)[0] == expected


@pytest.mark.parametrize(("year", "expected"), [(2004, "misshandel"), (2013, "klotter")])
def test_a_code_outside_its_years_is_read_by_the_nearest_rule(year, expected):
    offences = table(
        rule("1", "misshandel", years=(2005, 2008)), rule("1", "klotter", years=(2010, 2012))
    )
    assert ask(offences, "1", year=year)[0] == expected


def test_the_first_day_belongs_to_a_rule_and_the_last_to_the_next():
    earlier, later = (
        rule("1", "misshandel", years=(2005, 2010)),
        rule("1", "klotter", years=(2010, 2015)),
    )
    offences = table(earlier, later)
    assert offences.rule("1", date(2009, 12, 31)) == earlier
    assert offences.rule("1", date(2010, 1, 1)) == later
    assert offences.rule("2", date(2010, 1, 1)) is None


def test_violence_by_a_venue_is_nightlife_violence_and_elsewhere_is_not():
    offences = table(rule("1", "misshandel", nightlife=True), rule("2", "klotter"))
    assert ask(offences, "1", nightlife=True) == ("krogvald", True)
    assert ask(offences, "1", nightlife=False) == ("misshandel", True)
    assert ask(offences, "2", nightlife=True) == ("klotter", True)


@pytest.mark.parametrize(
    ("place", "elsewhere", "venue", "school"),
    [
        ("any", True, True, True),
        ("venue", False, True, False),
        ("school", False, False, True),
        ("school_or_venue", False, True, True),
        ("never", False, False, False),
    ],
)
def test_the_place_decides_whether_an_incident_may_be_shown(place, elsewhere, venue, school):
    offences = table(rule("1", "misshandel", place=place))
    assert ask(offences, "1")[1] is elsewhere
    assert ask(offences, "1", nightlife=True)[1] is venue
    assert ask(offences, "1", school=True)[1] is school


def test_a_category_kept_off_maps_is_never_shown():
    assert ask(table(rule("1", "vapen")), "1", nightlife=True, school=True) == ("vapen", False)


def test_without_a_code_the_category_of_the_source_counts():
    offences = table(rule("1", "misshandel"))
    assert ask(offences, "", "klotter") == ("klotter", True)
    assert ask(offences, "", "vapen") == ("vapen", False)
    assert ask(offences, "", "hittepå") == ("hittepå", False)
    assert ask(offences, "", "") == (UNKNOWN, False)


def test_a_known_code_outweighs_the_category_and_an_unknown_one_does_not():
    offences = table(rule("1", "misshandel"))
    assert ask(offences, "1", "klotter") == ("misshandel", True)
    assert ask(offences, "9", "klotter") == ("klotter", True)


def test_each_row_is_judged_by_its_own_surroundings():
    offences = table(rule("1", "misshandel", nightlife=True, place="venue"))
    around = Surroundings(np.array([True, False, True]), np.zeros(3, dtype=bool))
    code = np.array(["1", "1", "?"], dtype=object)
    found = offences.categorise(code, np.array([""] * 3, dtype=object), np.full(3, 2026), around)
    assert found.category.tolist() == ["krogvald", "misshandel", UNKNOWN]
    assert found.on_map.tolist() == [True, False, False]


def test_no_incidents_have_no_categories():
    none = np.empty(0, dtype=object)
    around = Surroundings(np.empty(0, dtype=bool), np.empty(0, dtype=bool))
    found = table().categorise(none, none, np.empty(0, dtype=np.int64), around)
    assert (found.category.size, found.on_map.size) == (0, 0)


def test_a_rule_for_a_category_nobody_described_is_refused():
    with pytest.raises(InvalidParameter) as refused:
        table(rule("1", "struket"))
    assert refused.value.code == "offence-category-unknown"


def test_the_profile_knows_its_categories():
    assert table().knows_category("klotter")
    assert not table().knows_category("Klotter")
