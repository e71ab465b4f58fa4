"""Which place a number of a release means, which may be one, or several."""

from datetime import date

import pytest
import shapely

from app.plan_choice import wanted
from geo.errors import InvalidParameter, NotFound
from geo.profile import Category, Profile
from geo.windows import WeeklyWindow
from pipelines.answers import Basis
from pipelines.reference import Reference
from pipelines.released import Released
from pipelines.roles import PLANNER
from store.places import AreaRow
from store.releases import TREE, Atom, Part, Unit
from tests.releases import NOW, release

DAYS = (date(2025, 1, 1), date(2026, 1, 1), date(2026, 1, 31))
GROUND = (("arby", "arby"), ("rest", "east"), ("rest", "west"), ("core", "core"), ("core", "core"))
THEMES = ("brand", "vald")


def ground(number, place, zone):
    outline = shapely.MultiPolygon([shapely.box(number, 0, number + 1, 1)])
    about = (place, place.title(), "priority", zone, zone.title(), "zone", "")
    return Unit(number, *about, 1e6, (), 100, outline)


def released():
    """Make a release whose fires are told for several places at once."""
    told = (
        (20, ("vald",), (0,)),
        (9, ("brand",), (0, 1)),  # Årby and the east together
        (7, ("vald",), (1, 2)),  # east and west of one place together
        (8, ("brand",), (2,)),
        (30, THEMES, (3,)),
        (12, THEMES, (4,)),
    )
    atoms = tuple(
        Atom(number, count, 5, (1, 2, 3), themes, ("alla",), units)
        for number, (count, themes, units) in enumerate(told)
    )
    units = tuple(ground(number, *one) for number, one in enumerate(GROUND))
    part = Part("2025", TREE, *DAYS, NOW, units, atoms, ()).sealed()
    return Released(*release(part))


PROFILE = Profile(
    name="provstad",
    label="Provstad",
    timezone="Europe/Stockholm",
    metric_epsg=3006,
    source_epsgs=(3006,),
    envelope=(16.0, 59.0, 17.0, 60.0),
    windows=(WeeklyWindow("all", "Alla"),),
    terms=(),
    categories=tuple(
        Category(theme, theme.title(), theme, enforcement_driven=False, in_total=True, on_map=True)
        for theme in THEMES
    ),
    offences=(),
    venue_distance_m=50.0,
    nightlife_category="krogvald",
)
AREA = AreaRow(3, "priority", "Arby", shapely.MultiPolygon([shapely.box(0, 0, 1, 1)]), "egen", "")


@pytest.fixture
def choose():
    on = Basis(PLANNER, Reference(1, PROFILE, (AREA,)), None, released())

    def choice(**given):
        row, spot = wanted(None, on, {"vald": "2025.0", "period": "2025", **given})
        assert spot is None
        return row.place, row.place_name, row.area_name

    return choice


def test_a_number_of_one_place_is_that_place_however_finely_it_is_told(choose):
    for detail in ("place", "zone", "unit"):
        assert choose(typ="tema-vald", detalj=detail) == ("arby", "Arby", "Arby")
    assert choose(vald="2025.4", detalj="unit") == ("core", "Core", "Core")


@pytest.mark.parametrize("detail", ["place", "zone", "unit"])
def test_a_number_of_two_places_is_refused_with_both_names(choose, detail):
    with pytest.raises(InvalidParameter) as several:
        choose(typ="tema-brand", detalj=detail)
    assert several.value.code == "plan-several-places"
    assert {"Arby", "Rest" if detail == "place" else "East"} <= set(
        several.value.values["name"].split(", ")
    )


def test_two_zones_of_one_place_are_the_place_where_places_are_shown_and_none_else(choose):
    asked = {"vald": "2025.1", "typ": "tema-vald"}
    assert choose(**asked, detalj="place") == ("rest", "Rest", "Rest")
    with pytest.raises(InvalidParameter):
        choose(**asked, detalj="zone")


@pytest.mark.parametrize("word", ["2025.9", "2024.0", "2025.x", "2025.", "areas:9", "nowhere"])
def test_a_number_that_nobody_was_told_is_no_place(choose, word):
    with pytest.raises(NotFound):
        choose(vald=word)


def test_an_area_goes_by_the_name_that_the_release_has_for_it(choose):
    for word in ("areas:3", "3", "Arby", "arby"):
        assert choose(vald=word) == ("arby", "Arby", "Arby")
    assert choose(vald="", omrade="3") == ("arby", "Arby", "Arby")
    assert choose(vald="", omrade="") == ("", "", "")


def test_what_the_link_asks_beyond_the_release_is_left_out(choose):
    assert choose(vald="2025.3", fonster="natt", typ="vapen", detalj="house")[0] == "core"
