"""What the words of a link may be, and that every page's links come back as they were."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from app import place_rows
from app.routes import change, nightlife, on_site, schools, when
from app.tables_page import SOURCE, YEAR
from pipelines import links, views
from pipelines.when import read_hours, write_hours

# Two hours and one between them, all week: nothing is longer to write.
LONGEST_HOURS = write_hours(hour for hour in range(168) if hour % 3)
WRITTEN = {
    "omrade": "priority-arby",
    "fonster": "helgnatt",
    "typ": "tema-skadegorelse_klotter",
    "period": "2026-T1",
    "detalj": "zone",
    "rutor": "9",
    "kring": "all",
    "lista": "places",
    "lager": "omraden,rutor,skolor",
    "vald": "2026-T1.5",
    "vy": "16.5100_59.3700_6.50",
    "timmar": LONGEST_HOURS,
    "helg": "2026-W46",
    "skola": "school-munktellskolan",
    "typ_obs": "klotter",
    "ljus": "morkt",
    "jamfor": "2025-T1",
    "visa": "bredvid",
    "kant": "2026-01-01",
    "kalla": "ntu",
    "ar": "2025",
}


def test_the_bound_is_the_longest_choice_of_hours_and_one_sign_more_is_none():
    assert read_hours(LONGEST_HOURS) == tuple(hour for hour in range(168) if hour % 3)
    assert len(LONGEST_HOURS) == links.LONGEST
    assert links.kept({"timmar": LONGEST_HOURS}, ["timmar"])
    assert not links.kept({"timmar": LONGEST_HOURS + "1"}, ["timmar"])


@pytest.mark.parametrize("path", links.OWN)
def test_a_kept_view_comes_back_with_everything_that_its_page_wrote(path):
    said = {name: WRITTEN[name] for name in links.of_page(path)}
    kept = views.own_address(f"{path}?{urlencode(said)}")
    assert urlsplit(kept).path == path
    assert {name: value for name, (value,) in parse_qs(urlsplit(kept).query).items()} == said


def test_every_page_that_can_be_kept_has_its_words_in_the_table():
    assert set(links.OWN) == set(views.PAGES)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/nar", when.WORDS),
        ("/skolor", schools.WORDS),
        ("/nattliv", nightlife.WORDS),
        ("/pa-plats", on_site.WORDS),
        ("/utveckling", change.WORDS),
        ("/tabeller", (SOURCE, YEAR)),
    ],
)
def test_what_a_page_reads_is_what_its_links_are_said_to_say(path, words):
    assert set(words) == set(links.OWN[path])


def test_the_list_and_the_card_lead_to_the_map_with_a_tertial():
    query = parse_qs(urlsplit(place_rows.link(WRITTEN, "2026-T1.5")).query)
    assert query["period"] == ["2026-T1"]
    assert query["vald"] == ["2026-T1.5"]
    assert set(query) == {*links.SHOWN, links.CHOSEN}


@pytest.mark.parametrize("value", ["", "<b>", "två", "a b", "a\n", "2026/T1", "a" * 376])
def test_a_value_that_no_link_of_ours_has_is_dropped(value):
    assert links.kept({"omrade": value}, links.QUESTION) == {}
