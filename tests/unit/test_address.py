"""What holds for every location text, and what the Swedish ones mean."""

import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from geo.address import loose_key, name_key, normalise, parse, postcode_key

SWEDISH = "abcdefghijklmnopqrstuvwxyzåäöéü0123456789 .,:;/-&+()'x"
swedish_text = st.text(SWEDISH, max_size=60)


@given(st.text(max_size=60))
@example("a\u00ad\u030a")
@example("\u1fef\u0345\u03b1\u0345")
def test_normalising_twice_changes_nothing(text):
    assert normalise(normalise(text)) == normalise(text)


@given(st.text(max_size=60))
def test_composed_and_decomposed_text_are_the_same(text):
    composed = unicodedata.normalize("NFC", text)
    assert normalise(composed) == normalise(unicodedata.normalize("NFD", text))


@given(swedish_text)
def test_case_does_not_matter(text):
    assert parse(text.upper()) == parse(text)


@given(swedish_text)
def test_surplus_white_space_does_not_matter(text):
    assert parse(f"\t {text}\u00a0\n".replace(" ", "  ")) == parse(text)


@given(st.text(max_size=60))
def test_a_key_is_its_own_key(name):
    assert name_key(name_key(name)) == name_key(name)


@given(st.text(max_size=200))
def test_every_text_can_be_parsed(text):
    parsed = parse(text)
    assert (parsed.street != "") == (parsed.number is not None)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("Kungsg.", "kungsgatan"),
        ("Kungsgat.", "kungsgatan"),
        ("Stora g.", "stora gatan"),
        ("Skolv.", "skolvägen"),
        ("S:t Eriksgatan", "sankt eriksgatan"),
        ("N. Kvarngatan", "norra kvarngatan"),
        ("S.Kvarngatan", "södra kvarngatan"),
        ("V. Kvarng.", "västra kvarngatan"),
        ("Ö. Kvarngatan", "östra kvarngatan"),
        ("N:a Kvarngatan", "norra kvarngatan"),
        ("N Kvarngatan", "n kvarngatan"),  # without a full stop it may be an initial
        ("Lilla torg.", "lilla torg"),  # the end of a sentence
        ("Lill-Jans väg", "lill jans väg"),
    ],
)
def test_a_name_is_written_out(written, key):
    assert name_key(written) == key


@pytest.mark.parametrize(
    ("one", "other"),
    [("Skolväg", "Skolvägen"), ("Kungs gatan", "Kungsgatan"), ("Ny-torg", "Nytorget")],
)
def test_spellings_of_one_name_share_a_loose_key(one, other):
    assert loose_key(name_key(one)) == loose_key(name_key(other))


@pytest.mark.parametrize(
    ("written", "digits"), [("632 20", "63220"), ("SE-63220", "63220"), ("0", ""), ("", "")]
)
def test_a_postcode_is_its_digits(written, digits):
    assert postcode_key(written) == digits


@pytest.mark.parametrize(
    ("text", "street", "number", "letter"),
    [
        ("Kungsgatan 15, 632 20 Eskilstuna", "kungsgatan", 15, ""),
        ("KUNGSGATAN 15A", "kungsgatan", 15, "a"),
        ("Kungsgatan 15 A", "kungsgatan", 15, "a"),
        ("Kungsgatan 18 A lgh 1102", "kungsgatan", 18, "a"),
        ("Kungsgatan 15 A-C", "kungsgatan", 15, ""),
        ("Kungsg. 15", "kungsgatan", 15, ""),
        ("Kungsgatan15", "kungsgatan", 15, ""),
        ("Kungsgatan nr 15", "kungsgatan", 15, ""),
        ("Kungsgatan i höjd med nr 15", "kungsgatan", 15, ""),
        ("utanför Kungsgatan 15 B vid bankomaten", "kungsgatan", 15, "b"),
        ("Kungsgatan 15 i Årby", "kungsgatan", 15, ""),
        ("Kungsgatan 15 63220 ESKILSTUNA", "kungsgatan", 15, ""),
        ("c/o Svensson, Kungsgatan 15, 2 tr", "kungsgatan", 15, ""),
        ("lgh 1102, Kungsgatan 15", "kungsgatan", 15, ""),
        ("uppg B Kungsgatan 15 vån 3", "kungsgatan", 15, ""),
        ("Årby, Kungsgatan 15", "kungsgatan", 15, ""),
        ("Kungsgatan 15/Nygatan", "kungsgatan", 15, ""),
    ],
)
def test_an_address_has_street_number_and_letter(text, street, number, letter):
    parsed = parse(text)
    assert (parsed.street, parsed.number, parsed.letter) == (street, number, letter)


@pytest.mark.parametrize(
    "text",
    ["Nygatan 12-14", "Nygatan 12–14", "Nygatan 12/14", "Nygatan 12 och 14", "Nygatan 12, 14"],
)
def test_a_range_has_two_ends(text):
    parsed = parse(text)
    assert (parsed.street, parsed.number, parsed.number_to) == ("nygatan", 12, 14)


@pytest.mark.parametrize("text", ["Tuna 1:15", "E20", "Fristadstorget", "12345", "", "2 tr"])
def test_other_figures_are_no_street_number(text):
    assert parse(text).number is None


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("korsningen Kungsgatan/Nygatan", True),
        ("Kungsgatan/Nygatan", True),
        ("Kungsgatan x Nygatan", True),
        ("Kungsgatan × Nygatan", True),
        ("hörnet av Kungsgatan och Nygatan", True),
        ("i korsningen Kungsgatan, Nygatan", True),
        ("Kungsgatan, korsningen med Nygatan", True),
        ("korsningen Kungsgatan Nygatan", True),
        ("Kungsgatan och Nygatan", False),
        ("Kungsgatan - Nygatan", False),
        ("Kungsgatan-Nygatan", False),
        ("Kungsgatan vid Nygatan", False),
    ],
)
def test_two_streets_may_cross(text, marked):
    parsed = parse(text)
    assert (parsed.crossing, parsed.marked) == (("kungsgatan", "nygatan"), marked)


def test_between_two_streets_is_no_crossing():
    assert parse("Kungsgatan mellan Nygatan och Storgatan").crossing == ()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("vid Årby centrum", "årby centrum"),
        ("gångtunnel under Västerleden", "västerleden"),
        ("i närheten av Stadsparken", "stadsparken"),
        ("hållplats Skolbacken", "skolbacken"),
        ("Fristadstorget, Eskilstuna", "fristadstorget"),
    ],
)
def test_the_name_is_found_behind_small_words(text, name):
    assert name in parse(text).names


def test_a_persons_name_after_care_of_is_never_a_place_name():
    parsed = parse("Nygatan 3 c/o Svensson, Årby")
    assert "svensson" not in str(parsed)


def test_the_city_after_a_postcode_is_kept_apart():
    parsed = parse("Nygatan 3, 632 20 Eskilstuna")
    assert (parsed.postcode, parsed.city) == ("63220", "eskilstuna")


SLOW = [
    " ", ", ", "/ ", "1 ", "1", "vid ", "korsningen ", "lgh ", "lgh 1 ", "c/o ", "a", "a1", " 1a",
    " - ", " mellan", " och a", "123 4", "i höjd ", " i höjd med ", "hpl.: ", "s:t ", "g.", "nr. ",
    "å", "\u030a", "\u0323\u030a", "gatan ", "( ", "abcd1", ", hörn ",
]  # fmt: skip


@pytest.mark.parametrize("piece", SLOW)
def test_ten_thousand_hostile_characters_are_parsed_at_once(piece):
    text = "a" + piece * (10_000 // len(piece))
    started = time.perf_counter()
    parse(text)
    assert time.perf_counter() - started < 0.5
