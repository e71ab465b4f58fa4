"""Where texts are, in an invented town: metres east and north of a market square."""

import time

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.gazetteer import Gazetteer
from geo.piles import piles
from geo.profile import Address, Area, NamedPlace

LON, LAT = 16.5, 59.37
EAST_M, NORTH_M = 56_800.0, 111_300.0  # metres per degree here
REGISTER = "adressregister 2026-01"


def to_metres(lon, lat):
    return (lon - LON) * EAST_M, (lat - LAT) * NORTH_M


def degrees(x, y):
    return LON + x / EAST_M, LAT + y / NORTH_M


def address(street, number, x, y, letter="", where=("63220", "Eskilstuna")):
    return Address(street, number, letter, *degrees(x, y), *where, REGISTER)


def row(street, count, start, step, where=("63220", "Eskilstuna")):
    """Put the numbers 1..count on a line."""
    (x, y), (dx, dy) = start, step
    return [address(street, n + 1, x + dx * n, y + dy * n, where=where) for n in range(count)]


def square(name, x, y, half, kind="district"):
    west, south = degrees(x - half, y - half)
    east, north = degrees(x + half, y + half)
    return Area(kind, name, shapely.box(west, south, east, north), "områden 2025")


def place(name, x, y, kind="place", uncertainty_m=75.0):
    return NamedPlace(kind, name, *degrees(x, y), uncertainty_m, "ortnamn 2026")


TORSHALLA = ("64430", "Torshälla")
ADDRESSES = [
    *row("Kungsgatan", 40, (-200, 0), (10, 0)),  # along y = 0, number 20 at x = -10
    *[address("Kungsgatan", 58, 375, y, letter) for letter, y in (("A", 0), ("B", 20), ("C", 40))],
    *row("Nygatan", 20, (-55, -95), (0, 10)),  # across Kungsgatan
    *row("Drottninggatan", 30, (-200, 70), (10, 0)),  # 70 m north of Kungsgatan
    *row("Storgatan", 12, (0, 3000), (15, 0)),
    *row("Storgatan", 12, (8000, 8000), (15, 0), where=TORSHALLA),
    *row("Västerleden", 20, (500, 500), (100, 0)),
    *row("Björnvägen", 7, (1000, 0), (12, 0)),
    *row("Östra Kvarngatan", 8, (1500, 0), (12, 0)),
    *row("S:t Olofsgatan", 8, (1700, 0), (12, 0)),
    *row("Lindagatan", 4, (2000, 0), (12, 0)),
    *row("Lindugatan", 4, (2000, 300), (12, 0)),
    *row("Korta gränd", 3, (2500, 0), (12, 0)),
]
PLACES = [
    place("Årby centrum", 900, 900),
    place("Fristadstorget", 30, 30, uncertainty_m=40.0),
    place("Gamla bron / Ån", 60, 200),
    place("Rådmansgatan", 300, 900, kind="street", uncertainty_m=180.0),
    place("Bågvägen (östra delen)", 300, 1500, kind="street", uncertainty_m=150.0),
    place("Bågvägen (västra delen)", 100, 1500, kind="street", uncertainty_m=150.0),
    place("Torshälla", 8100, 8100),
    place("Skolbacken", 400, 400, kind="bus_stop", uncertainty_m=30.0),
    place("Skolbacken", 420, 430, kind="bus_stop", uncertainty_m=30.0),
    place("Lövgatan", 700, 100, kind="bus_stop", uncertainty_m=30.0),
    place("Årby", 950, 950, kind="bus_stop", uncertainty_m=30.0),
    place("Berga", -900, 0, kind="bus_stop", uncertainty_m=30.0),
    place("Berga (Kjula)", 9000, -4000, kind="bus_stop", uncertainty_m=30.0),
    place("Råbergstorp", -700, -700, kind="centroid", uncertainty_m=400.0),
    place("Eskilstuna", 0, 0, kind="centroid", uncertainty_m=4000.0),
    place("Sörmland", 0, 0, kind="centroid", uncertainty_m=60_000.0),
]
AREAS = [
    square("Årby", 1000, 1000, 300, kind="priority"),
    square("Årby", 1100, 1100, 600),
    square("Torshälla", 8000, 8000, 500),
    square("Eskilstuna kommun", 0, 0, 20_000, kind="municipality"),
]
TOWN = Gazetteer.build(ADDRESSES, PLACES, AREAS, to_metres)


def metres(match):
    x, y = to_metres(np.array(match.lon), np.array(match.lat))
    return round(float(x), 1), round(float(y), 1)


# The texts of the prototype in ecosystem.md section 6, and more of the kind.
FOUND = [
    ("Kungsgatan 15, 632 20 Eskilstuna", "address", "Kungsgatan 15"),
    ("Kungsg. 15", "address", "Kungsgatan 15"),
    ("KUNGSGATAN 15", "address", "Kungsgatan 15"),
    ("Kungsgtan 15 A", "address_without_letter", "Kungsgatan 15"),
    ("Kungsgatan 58 A lgh 1102", "address", "Kungsgatan 58A"),
    ("Kungsgatan 58", "address_without_letter", "Kungsgatan 58"),
    ("Kungsgatan 12-14", "address", "Kungsgatan 12–14"),
    ("Kungsgatan 12–14", "address", "Kungsgatan 12–14"),
    ("Kungs gatan 15", "address", "Kungsgatan 15"),
    ("S:t Olofsgatan 3", "address", "S:t Olofsgatan 3"),
    ("Sankt Olofsgatan 3", "address", "S:t Olofsgatan 3"),
    ("Ö. Kvarng. 3", "address", "Östra Kvarngatan 3"),
    ("Korta gränden 2", "address", "Korta gränd 2"),
    ("Storgatan 5, 644 30 Torshälla", "address", "Storgatan 5"),
    ("korsningen Drottninggatan/Nygatan", "crossing", "Drottninggatan/Nygatan"),
    ("korsningen Drotninggatan/Nygatan", "crossing", "Drottninggatan/Nygatan"),
    ("hörnet av Kungsgatan och Nygatan", "crossing", "Kungsgatan/Nygatan"),
    ("Kungsgatan x Nygatan", "crossing", "Kungsgatan/Nygatan"),
    ("Nygatan/Kungsgatan", "crossing", "Kungsgatan/Nygatan"),
    ("Drottninggatan och Nygatan", "crossing", "Drottninggatan/Nygatan"),
    ("Kungsgatan Nygatan", "crossing", "Kungsgatan/Nygatan"),
    ("Kungsgatan 99/Nygatan", "crossing", "Kungsgatan/Nygatan"),
    ("vid Årby centrum", "place", "Årby centrum"),
    ("Årbys centrum", "place", "Årby centrum"),
    ("Fristadstorget", "place", "Fristadstorget"),
    ("Fristadstoget", "place", "Fristadstorget"),
    ("Fristadstorget Eskilstuna", "place", "Fristadstorget"),
    ("Kungsgatan vid Fristadstorget", "place", "Fristadstorget"),
    ("Gamla bron/Ån", "place", "Gamla bron / Ån"),
    ("hållplatsen Lövgatan", "place", "Lövgatan"),
    ("busshållplats Årby", "place", "Årby"),
    ("gångtunnel under Västerleden", "street", "Västerleden"),
    ("Kungsgatan 99", "street", "Kungsgatan"),
    ("Kungsgatan", "street", "Kungsgatan"),
    ("Rådmansgatan 4", "street", "Rådmansgatan"),
    ("Kungsgatan/Okända stigen", "street", "Kungsgatan"),
    ("Årby", "area", "Årby"),
    ("Torshälla", "area", "Torshälla"),  # the square of that name is not meant
    ("Okända stigen 4, Årby", "area", "Årby"),
    ("Råbergstorp", "area", "Råbergstorp"),
]


@pytest.mark.parametrize(("text", "match_type", "matched"), FOUND)
def test_a_text_is_found_on_the_right_rung(text, match_type, matched):
    match = TOWN.locate(text)
    assert (match.match_type, match.matched_text) == (match_type, matched)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "Okända stigen 4",
        "Västra Kvarngatan 3",  # only Östra exists
        "Kvarngatan 3",
        "V Kvarngatan 3",
        "Björkvägen 3",  # only Björnvägen exists
        "Lövgatan",  # a bus stop is named after it: the street is unknown
        "Eskilstuna",  # the whole municipality is no place
        "Eskilstuna kommun",
        "Sörmland",
        "Tuna 1:15",
        "mellan Kungsgatan och Nygatan",
        "Drott",
    ],
)
def test_what_is_not_known_is_not_guessed(text):
    match = TOWN.locate(text)
    assert (match.match_type, match.lon, match.lat, match.uncertainty_m) == (
        "none",
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("text", "candidates"),
    [
        ("Storgatan 5", ["Storgatan 5, Eskilstuna", "Storgatan 5, Torshälla"]),
        ("Storgatan", ["Storgatan, Eskilstuna", "Storgatan, Torshälla"]),
        ("Kungsgatan/Björnvägen", ["Björnvägen, Eskilstuna", "Kungsgatan, Eskilstuna"]),
        ("Berga", ["Berga", "Berga (Kjula)"]),
        ("Lindgatan 2", ["Lindagatan, Eskilstuna", "Lindugatan, Eskilstuna"]),
    ],
)
def test_an_ambiguous_text_has_candidates_and_no_position(text, candidates):
    match = TOWN.locate(text)
    assert (match.match_type, match.lon, match.lat) == ("ambiguous", None, None)
    assert sorted(c.label for c in match.candidates) == candidates


@pytest.mark.parametrize(
    ("text", "area", "at"),
    [
        ("Storgatan 5", "Torshälla", (8060.0, 8000.0)),
        ("Storgatan 5", "644 30", (8060.0, 8000.0)),
        ("Storgatan 5", "Eskilstuna", (60.0, 3000.0)),
        ("Storgatan 5 Torshälla", "", (8060.0, 8000.0)),
        ("Storgatan 5, 63220", "", (60.0, 3000.0)),
        ("Berga", "Kjula", (9000.0, -4000.0)),
        ("Berga (Kjula)", "", (9000.0, -4000.0)),
    ],
)
def test_a_hint_decides_between_namesakes(text, area, at):
    assert metres(TOWN.locate(text, area=area)) == at


def test_a_hint_never_moves_what_is_clear():
    assert TOWN.locate("Kungsgatan 15", area="Torshälla") == TOWN.locate("Kungsgatan 15")


def test_a_hint_alone_is_no_place():
    assert TOWN.locate("Okända stigen 4", area="Årby").match_type == "none"


@pytest.mark.parametrize(
    ("text", "at", "uncertainty_m"),
    [
        ("Kungsgatan 15", (-60.0, 0.0), 10),
        ("Kungsgatan 12-14", (-80.0, 0.0), 10),
        ("Kungsgatan 40-42", (190.0, 0.0), 25),  # 42 does not exist
        ("Kungsgatan 58B", (375.0, 20.0), 10),
        ("Kungsgatan 58", (375.0, 20.0), 20),  # A and C are 20 m from the middle
        ("Kungsgatan 15 D", (-60.0, 0.0), 15),
        ("Kungsgatan/Nygatan", (-55.0, 0.0), 25),
        ("Fristadstorget", (30.0, 30.0), 40),
        ("hållplats Skolbacken", (410.0, 415.0), 30),  # the middle of two platforms
        ("Skolbacken", (410.0, 415.0), 150),  # around the stop
        ("Rådmansgatan", (300.0, 900.0), 180),
        ("Bågvägen 3", (200.0, 1500.0), 150),  # between its two known parts
        ("Björnvägen", (1036.0, 0.0), 36),  # 72 m long, at number 4
        ("Korta gränd", (2512.0, 0.0), 25),
        ("Råbergstorp", (-700.0, -700.0), 400),
    ],
)
def test_position_and_uncertainty(text, at, uncertainty_m):
    match = TOWN.locate(text)
    assert metres(match) == at
    assert match.uncertainty_m == pytest.approx(uncertainty_m, abs=0.5)


def test_an_area_reaches_to_its_farthest_corner():
    match = TOWN.locate("Årby")
    assert metres(match) == (1000.0, 1000.0)
    assert match.uncertainty_m == pytest.approx(300 * 2**0.5, abs=1)


def test_a_crossing_of_parallel_streets_is_uncertain():
    assert TOWN.locate("Kungsgatan/Drottninggatan").uncertainty_m > 75


def test_the_source_is_the_register_that_knew():
    sources = [TOWN.locate(text).source for text in ("Kungsgatan 15", "Fristadstorget", "Årby")]
    assert sources == [REGISTER, "ortnamn 2026", "områden 2025"]


def test_a_misspelling_scores_less_than_the_right_name():
    assert 86 <= TOWN.locate("Kungsgtan 15").score < TOWN.locate("Kungsgatan 15").score == 100


def test_at_most_five_candidates_are_listed():
    many = [address("Ekgatan", 1, 0, 5000.0 * n) for n in range(9)]
    match = Gazetteer.build(many, [], [], to_metres).locate("Ekgatan 1")
    assert (match.match_type, len(match.candidates)) == ("ambiguous", 5)


def test_an_empty_gazetteer_knows_nothing():
    assert Gazetteer.build([], [], [], to_metres).locate("Kungsgatan 15").match_type == "none"


@settings(deadline=None, max_examples=25)
@given(st.randoms(use_true_random=False))
def test_the_order_of_the_registers_does_not_matter(chance):
    shuffled = [chance.sample(things, len(things)) for things in (ADDRESSES, PLACES, AREAS)]
    town = Gazetteer.build(*shuffled, to_metres)
    for text, _, _ in FOUND:
        assert town.locate(text) == TOWN.locate(text)
    assert town.locate("Storgatan 5") == TOWN.locate("Storgatan 5")


pieces = st.sampled_from(
    [
        "Kungsgatan",
        "Nygatan",
        "Storgatan",
        "Kungsgtan",
        "Årby",
        "Fristadstorget",
        "Torshälla",
        "63220",
        "Ö.",
        "15",
        "12-14",
        "A",
        "lgh 3",
        "korsningen",
        "och",
        " x ",
        "/",
        ",",
        "(",
        "vid",
        "c/o",
    ]
)


@given(st.lists(pieces, max_size=8).map(" ".join))
def test_a_position_comes_with_its_uncertainty_and_never_without(text):
    match = TOWN.locate(text)
    placed = match.match_type not in ("none", "ambiguous")
    assert placed == (match.lon is not None) == (match.uncertainty_m is not None)
    assert bool(match.candidates) == (match.match_type == "ambiguous")
    assert 0 <= match.score <= 100


@given(st.sampled_from(FOUND), st.sampled_from([str.upper, str.lower, str.swapcase]))
def test_case_does_not_move_a_place(found, change):
    assert TOWN.locate(change(found[0])) == TOWN.locate(found[0])


@pytest.mark.parametrize("piece", ["Kungsgatan ", "Kungsgatan/", "Kungsgtan, ", "a", "å̈", "15 "])
def test_ten_thousand_hostile_characters_are_answered_at_once(piece):
    started = time.perf_counter()
    TOWN.locate(piece * (10_000 // len(piece)))
    assert time.perf_counter() - started < 0.5


def stack(texts, x=100.0, y=200.0, centres=()):
    n = len(texts)
    return piles(np.full(n, x), np.full(n, y), texts, np.array(centres, dtype=float).reshape(-1, 2))


def test_a_high_stack_with_one_text_is_no_pile():
    assert not stack(["001XX N Stora gatan"] * 458).any()


def test_many_addresses_on_one_exact_point_are_a_pile():
    assert stack([f"Kungsgatan {n}" for n in range(1, 11)]).all()


def test_nine_addresses_are_too_few_for_a_pile():
    assert not stack([f"Kungsgatan {n}" for n in range(1, 10)]).any()


def test_ten_spellings_of_one_address_are_no_pile():
    assert not stack(
        [f"{name} 15 lgh {n}" for n in range(10) for name in ("Nygatan", "Nyg.")]
    ).any()


def test_addresses_that_come_back_are_no_pile():
    assert not stack([f"Kungsgatan {n}" for n in range(1, 11)] * 2).any()


def test_rows_without_a_text_do_not_hide_a_pile():
    assert stack([f"Kungsgatan {n}" for n in range(1, 11)] + [""] * 50).all()


@pytest.mark.parametrize(("away", "expected"), [(0.0, True), (1.0, True), (1.01, False)])
def test_a_point_on_a_known_centre_is_a_pile(away, expected):
    assert stack(["Kungsgatan 15"], x=100.0 + away, centres=[(100.0, 200.0)]).all() == expected


def test_points_that_are_not_there_are_no_pile():
    nowhere = np.full(20, np.nan)
    assert not piles(nowhere, nowhere, [f"Nygatan {n}" for n in range(20)], np.zeros((1, 2))).any()


def test_no_points_give_no_piles():
    assert piles(np.empty(0), np.empty(0), [], np.empty((0, 2))).shape == (0,)


def test_the_order_of_the_points_does_not_matter():
    texts = [f"Kungsgatan {n}" for n in range(30)]
    x = np.array([100.0] * 12 + list(range(18)))
    order = np.random.default_rng(7).permutation(30)
    there = piles(x, x, texts, np.empty((0, 2)))
    mixed = piles(x[order], x[order], [texts[i] for i in order], np.empty((0, 2)))
    assert mixed.tolist() == there[order].tolist()
    assert there.sum() == 12
