"""What a row of the list of places says, in both languages."""

from datetime import date

import pytest

from app import place_words as words
from geo.hot_times import Peak
from geo.profile import Profile
from pipelines import profiles
from pipelines.hot_places import BLOCKS, FEW, PEAK, Moved, When
from pipelines.texts import ENGLISH, SWEDISH, speaking
from pipelines.told_places import Mostly

PROFILE: Profile = profiles.load("eskilstuna").profile


def peak(weekday, start, end, count=9):
    """Make a peak of a day that ends the same or the next day."""
    hours = (end - start) % 24
    later = weekday % 7 + 1 if end <= start else weekday
    return Peak(weekday, start, later, end, hours, count, count, 1.25, 8, 0.5, 1e-9, 1e-6)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([peak(5, 20, 2)], "fre 20–02"),
        ([peak(5, 20, 2), peak(6, 20, 2)], "fre–lör 20–02"),
        ([peak(7, 20, 2), peak(1, 20, 2)], "sön–mån 20–02"),
        ([peak(6, 23, 4), peak(6, 0, 4)], "lör 23–04; natten mot lör 00–04"),
        ([peak(1, 15, 17), peak(3, 15, 17)], "mån 15–17; ons 15–17"),
        ([peak(5, 20, 2), peak(6, 20, 3)], "fre 20–02; lör 20–03"),
        ([peak(day, 8, 10) for day in range(1, 8)], "mån–sön 08–10"),
    ],
)
def test_peaks_are_said_by_their_days_and_hours(found, said):
    assert words.peaks(found) == said


def test_peaks_are_said_in_english():
    with speaking(ENGLISH):
        assert words.peaks([peak(5, 20, 2), peak(6, 0, 4)]) == "Fri 20–02; night to Sat 00–04"


def test_a_time_is_said_only_where_it_is_certain():
    blocks = (("helgnatt", 9), ("ovrig_tid", 4), ("skoltid", 0))
    certain = When(PEAK, (peak(5, 23, 4),), blocks, 13, 11)
    assert words.when(certain, PROFILE) == "fre 23–04"
    assert words.when_why(certain, PROFILE) == (
        "fre 23–04: 9 av de 11 händelser som har ett känt klockslag,"
        " mot 1,2 om de vore jämnt spridda."
    )
    unsure = When(BLOCKS, (), blocks, 13, 11)
    assert words.when(unsure, PROFILE) == "ingen säker tid; helgnatt 9 av 13"
    assert "helgnatt 9, övrig tid 4 och skoltid 0" in words.when_why(unsure, PROFILE)
    assert words.when(When(FEW, (), (), 4, 0), PROFILE) == "för få händelser för en tid"


def test_that_most_lies_in_the_rest_of_the_week_is_not_said_to_be_a_time():
    unsure = When(BLOCKS, (), (("ovrig_tid", 9), ("helgnatt", 4)), 13, 11)
    assert words.when(unsure, PROFILE) == "ingen säker tid"


def test_windows_that_share_the_first_place_are_both_named():
    unsure = When(BLOCKS, (), (("helgnatt", 5), ("skoltid", 5), ("ovrig_tid", 1)), 11, 9)
    assert words.when(unsure, PROFILE) == "ingen säker tid; helgnatt och skoltid 5 av 11"


@pytest.mark.parametrize(
    ("months", "said"),
    [(36, "på 3 år"), (12, "på 1 år"), (14, "på 14 månader"), (1, "på 1 månad")],
)
def test_how_long_is_said_in_whole_years_or_in_months(months, said):
    assert words.span(months) == said


def test_months_are_counted_over_the_turn_of_the_year():
    assert words.months_between((202312, 202411)) == 12
    assert words.months_between((202401, 202401)) == 1


def test_a_block_of_the_release_is_said_with_its_theme():
    assert (
        words.mostly(Mostly("helgnatt", 23, 45, ""), PROFILE) == "flest under helgnatt (23 av 45)"
    )
    of_theme = words.mostly(Mostly("ovrig_tid", 23, 45, "krogvald"), PROFILE)
    assert of_theme == "Krogvåld: flest under övrig tid (23 av 45)"


def test_a_year_is_compared_with_the_year_before_and_small_numbers_give_no_ratio():
    year = (date(2025, 11, 22), date(2026, 11, 21))
    known = Moved(*year, 158, 162, 0.82, 1.29, "unchanged", 12)
    assert words.moved(known) == (
        "22 nov 2025 till 21 nov 2026: 162 händelser, och 158 samma tid året före."
        " Bedömning: ingen stor förändring, mindre än ±50 %."
        " Nivån är mellan 0,82 och 1,29 gånger årets före."
        " Båda åren räknas som de såg ut 12 dagar efter sitt slut, så att sena anmälningar inte"
        " syns som en minskning."
    )
    few = words.moved(Moved(*year, 1, 3, 0.2, 9.0, "cannot_be_assessed", None))
    assert few.endswith("Bedömning: kan inte bedömas.")
    open_ended = Moved(*year, 158, 162, float("nan"), float("nan"), "cannot_be_assessed", -2)
    assert words.moved(open_ended).endswith("inte slut i det underlag som har kommit in.")
    assert "gånger" not in words.moved(open_ended)


@pytest.mark.parametrize(("n", "percent"), [(9, False), (10, True)])
def test_kinds_have_percent_from_ten_events_on(n, percent):
    said = words.kinds([("a", n - 1), ("b", 1)], {"a": "stöld", "b": "rån"}, 3)
    assert ("%" in said) is percent
    assert said.startswith(f"stöld {n - 1}")


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        (31.04, "45 händelser mot 31,0 om platsen hade samma nivå som Årby."),
        (0.01, "45 händelser mot mindre än 0,1 om platsen hade samma nivå som Årby."),
        (None, ""),
    ],
)
def test_a_number_stands_beside_what_the_level_alone_would_give(expected, said):
    with speaking(SWEDISH):
        assert words.compared(45, expected, "Årby") == said


@pytest.mark.parametrize("kind", [FEW, BLOCKS, PEAK])
def test_within_a_chosen_window_no_other_window_has_a_number(kind):
    blocks = (("helgnatt", 111), ("vardagskvall", 0))
    found = When(kind, (peak(6, 1, 3, 80),) if kind == PEAK else (), blocks, 111, 111)
    said = words.within(found, "Du har valt helgnatt.", PROFILE)
    assert said.startswith("Du har valt helgnatt. ")
    assert "vardagskväll" not in said
    assert ("Händelserna samlas natten mot lör 01–03." in said) == (kind == PEAK)
    assert ("Ingen del av den tiden" in said) == (kind == BLOCKS)
