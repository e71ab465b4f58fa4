"""The stand-alone map: one file that asks no host and holds no event's coordinate."""

import json
import re
from html.parser import HTMLParser

import h3
import pytest

from pipelines.analyse import Parameters, analyse
from tests.desk import CENTRE, NOW, QUIET, lonlat, report

FIVE = (16.536123, 59.391456)  # in Skiftinge
FOUR = (16.520789, 59.383123)  # in Årby


@pytest.fixture
def exported(gpkg_desk, command):
    """Give a function that writes the map and gives its text."""

    def write(*options, name="karta.html"):
        path = gpkg_desk.folder / name
        code, out, err = command(gpkg_desk.url, "export", "html", path, *options)
        assert (code, err) == (0, ""), err
        assert name in out
        return path.read_text("utf-8")

    return write


@pytest.fixture
def analysed(gpkg_desk):
    """Give a store with one cell of five events, one of four, and others."""
    rows = [
        *(report(n, **lonlat(*FIVE)) for n in range(5)),
        *(report(10 + n, **lonlat(*FOUR)) for n in range(4)),
        *(report(20 + n, BROTTSKOD="5011", **lonlat(*CENTRE)) for n in range(9)),
        *(report(40 + n, BROTTSKOD="9357", **lonlat(*QUIET)) for n in range(9)),
        report(60, LATITUDE="", LONGITUDE="", GATA="Ingenstans"),
    ]
    gpkg_desk.take_rows(*rows, synthetic=True)
    analyse(gpkg_desk.store, Parameters(), NOW)
    return gpkg_desk


class Page(HTMLParser):
    """Collects what a browser would fetch and what a person would read."""

    def __init__(self, text):
        super().__init__()
        self.fetched, self.read, self.inside = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag in {"script", "img", "iframe", "link", "source", "video", "object", "embed"}:
            self.fetched += [values[name] for name in ("src", "href", "data") if values.get(name)]
        self.inside.append(tag)

    def handle_endtag(self, tag):
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data):
        if not {"script", "style"} & set(self.inside):
            self.read.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.read).split())


def collections(text):
    """Give the properties of every GeoJSON feature drawn, with its first corner."""
    found = []
    decoder = json.JSONDecoder()
    for match in re.finditer(r'\{"features": \[|\{"type": "FeatureCollection"', text):
        collection, _ = decoder.raw_decode(text, match.start())
        found += [
            each["properties"] | {"shape": each["geometry"]} for each in collection["features"]
        ]
    return found


def counts(text):
    return sorted(each["antal"] for each in collections(text) if "antal" in each)


@pytest.mark.usefixtures("analysed")
def test_the_page_fetches_nothing(exported):
    text = exported()
    assert Page(text).fetched == []
    # What stays are names of namespaces and remarks in the library's own code.
    left = set(re.findall(r"https?://([\w.-]+)", text))
    named = {"www.w3.org", "leafletjs.com", "bugs.chromium.org", "bugzilla.mozilla.org"}
    assert left <= named
    style = "".join(re.findall(r"<style>(.*?)</style>", text, re.DOTALL))
    assert "@import" not in style
    assert not re.search(r"url\((?!none)[^)]", style)


def test_no_coordinate_of_an_event_is_in_the_file(analysed, exported):
    texts = [exported(), exported("--resolution", "11", name="fin.html")]
    points = analysed.ask("SELECT DISTINCT lon, lat, x_m, y_m FROM incident WHERE lon IS NOT NULL")
    assert len(points) == 4
    for text in texts:
        numbers = {round(float(n), 6) for n in re.findall(r"-?\d+\.\d{4,}", text)}
        for point in points:
            for value in point:
                assert round(value, 6) not in numbers
                assert f"{value:.5f}" not in text


@pytest.mark.usefixtures("analysed")
def test_only_cells_of_five_events_or_more_are_drawn(exported):
    text = exported()
    assert counts(text) == [5]
    (cell,) = (each for each in collections(text) if "antal" in each)
    expected = h3.cell_to_boundary(h3.cell_to_parent(h3.latlng_to_cell(*FIVE[::-1], 11), 9))
    corners = {(round(lon, 4), round(lat, 4)) for lat, lon in expected}
    assert {tuple(round(v, 4) for v in xy) for xy in cell["shape"]["coordinates"][0]} == corners


@pytest.mark.usefixtures("analysed")
def test_coarser_cells_add_up_before_the_limit_applies(exported):
    one = h3.cell_to_parent(h3.latlng_to_cell(*FIVE[::-1], 11), 8)
    other = h3.cell_to_parent(h3.latlng_to_cell(*FOUR[::-1], 11), 8)
    assert counts(exported("--resolution", "8")) == ([9] if one == other else [5])


@pytest.mark.usefixtures("analysed")
def test_a_category_shows_its_own_cells(exported):
    text = exported("--category", "narkotika")
    assert counts(text) == [9]
    assert "Narkotika" in Page(text).words


@pytest.mark.usefixtures("analysed")
def test_kinds_that_never_reach_maps_are_not_even_counted(exported):
    assert not [n for n in counts(exported()) if n == 9]


@pytest.mark.usefixtures("analysed")
def test_the_caption_says_what_is_shown_and_what_is_not(exported):
    words = Page(exported()).words
    for part in (
        "SYNTETISKA DATA",
        "Eskilstuna",
        "Alla",
        "färre än 5",
        "1 händelse",
        "tjänstebruk",
    ):
        assert part in words, words


def test_real_data_carry_no_mark_of_synthetic_ones(gpkg_desk, exported):
    gpkg_desk.take_rows(*(report(n, **lonlat(*FIVE)) for n in range(5)))
    analyse(gpkg_desk.store, Parameters(), NOW)
    assert "SYNTETISKA" not in exported()


def test_an_area_with_a_hostile_name_stays_text(analysed, exported):
    with analysed.store.write() as connection:
        connection.exec_driver_sql(
            "UPDATE area SET name = '</script><script src=\"//x.example\"></script><b>'"
            " WHERE name = 'Skiftinge'"
        )
    text = exported()
    assert Page(text).fetched == []
    assert "</script><script src=" not in text
    assert "\\u003cb\\u003e" not in text  # a tooltip is written as HTML
    assert "\\u0026lt;b\\u0026gt;" in text


@pytest.mark.usefixtures("analysed")
def test_what_cannot_be_shown_is_said(gpkg_desk, command):
    url = gpkg_desk.url
    target = gpkg_desk.folder / "k.html"
    for options, words in (
        (("--window", "nattetid"), "nattetid"),
        (("--category", "mord"), "mord"),
        (("--resolution", "7"), "Upplösningen 7"),
        (("--category", "ran"), "5 händelser"),
        (("--window", "skoltid"), "5 händelser"),
    ):
        code, out, err = command(url, "export", "html", target, *options)
        assert (code, out) == (2, ""), options
        assert words in err
        assert err.count("\n") == 1
    assert not target.exists()


def test_nothing_is_exported_before_an_analysis_and_nothing_is_overwritten(gpkg_desk, command):
    gpkg_desk.take_rows(*(report(n, **lonlat(*FIVE)) for n in range(5)))
    target = gpkg_desk.folder / "k.html"
    code, _, err = command(gpkg_desk.url, "export", "html", target)
    assert (code, "lagesbild analyse" in err) == (2, True)
    analyse(gpkg_desk.store, Parameters(), NOW)
    target.write_text("mitt")
    code, _, err = command(gpkg_desk.url, "export", "html", target)
    assert (code, "finns redan" in err) == (2, True)
    assert target.read_text() == "mitt"
    assert sorted(path.name for path in gpkg_desk.folder.glob(".*")) == []
