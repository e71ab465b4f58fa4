"""The map as a file: what the reader's page shows and nothing more, noted before it is given."""

import json
import re

import pytest
import sqlalchemy as sa

from pipelines.roles import ANALYST, COORDINATOR, GROUP, PLANNER
from store.journal_models import Look
from store.places import facilities

FILE = "/spara/karta.html"


def features(text):
    """Read every feature that the file draws."""
    found = []
    decoder = json.JSONDecoder()
    for match in re.finditer(r'\{"features": \[|\{"type": "FeatureCollection"', text):
        found += decoder.raw_decode(text, match.start())[0]["features"]
    return found


def counts(text):
    drawn = [each["properties"] for each in features(text)]
    return sorted(each["antal"] for each in drawn if "antal" in each)


def looks(app, what):
    with app.state.services.installation.journal.read() as conn:
        bodies = conn.scalars(sa.select(Look.body).order_by(Look.seq)).all()
    return [one for one in map(json.loads, bodies) if one["what"] == what]


def test_an_analysts_file_holds_the_maps_cells_of_five_or_more(people, programs):
    text = people[ANALYST].get(f"{FILE}?fonster=helgnatt&rutor=9").text
    asked = {"window": "helgnatt", "resolution": 9, "limit": 10000}
    answer = programs[ANALYST].get("/ogc/collections/cells/items", params=asked).json()
    numbers = [one["properties"]["count"] for one in answer["features"]]
    assert counts(text) == sorted(number for number in numbers if number >= 5)


@pytest.mark.parametrize(
    ("area", "level"), [("%C3%85rby", "nivån i Årby."), ("", "nivån i hela kommunen.")]
)
def test_the_file_says_what_its_verdicts_compare_with(people, area, level):
    assert level in people[ANALYST].get(f"{FILE}?omrade={area}").text


@pytest.mark.parametrize("role", [PLANNER, COORDINATOR])
def test_everybody_elses_file_holds_the_releases_numbers(people, programs, role):
    text = people[role].get(f"{FILE}?period=2025").text
    answer = programs[role].get("/ogc/collections/release/items?period=2025&detail=zone").json()
    placed = [
        one["properties"]["count"]
        for one in answer["features"]
        if one["geometry"] and one["properties"]["kind"] not in ("rest", "unknown")
    ]
    assert counts(text) == sorted(placed)
    rows = re.findall(r'<th scope="row">[^<]+</th><td>(\d+)</td>', text)
    assert sorted(map(int, rows)) == sorted(
        one["properties"]["count"] for one in answer["features"]
    )


def test_no_coordinate_of_an_event_is_in_a_file(app, people):
    with app.state.services.installation.main.read() as conn:
        query = "SELECT DISTINCT lon, lat FROM incident WHERE lon IS NOT NULL"
        points = {(round(lon, 5), round(lat, 5)) for lon, lat in conn.exec_driver_sql(query)}
        known = {(round(one.lon, 5), round(one.lat, 5)) for one in facilities(conn, "school")}
    assert len(points - known) > 100
    for role in (ANALYST, PLANNER):
        text = people[role].get(FILE).text
        numbers = re.findall(r"\[(\d+\.\d+), (\d+\.\d+)\]", text)
        drawn = {(round(float(x), 5), round(float(y), 5)) for x, y in numbers}
        assert drawn & (points - known) == set()


def test_the_file_opens_where_the_reader_looked(people):
    text = people[ANALYST].get(f"{FILE}?vy=16.5100_59.3700_6.50").text
    assert re.search(r"center: \[59\.37, 16\.51\]", text)
    assert re.search(r'"zoom": 14\b', text)


@pytest.mark.parametrize("view", ["", "16_59_6", "16.5_95.0_1.0", "x", "16.5_59.3_0.000"])
def test_a_view_that_says_nothing_shows_all_areas(people, view):
    text = people[ANALYST].get(FILE, params={"vy": view}).text
    assert "fitBounds" in text


def test_the_file_says_that_its_data_are_invented_and_asks_no_host(people):
    for role in (ANALYST, PLANNER):
        text = people[role].get(FILE).text
        assert "SYNTETISKA DATA" in text
        assert "anmälningsbenägenhet" in text
        assert not re.search(r"<(?:script|img|iframe)[^>]+src=|<link", text)


def test_a_file_can_be_had_in_english(people):
    client = people[PLANNER]
    client.cookies.set("lagesbild_sprak", "en")
    text = client.get(FILE).text
    assert '<html lang="en">' in text
    assert "Events per place" in text


def test_a_file_is_noted_before_it_is_given(app, people, town):
    people[PLANNER].get(f"{FILE}?typ=tema-vald&period=2025")
    line = looks(app, "export-html")[-1]
    assert (line["who"], line["role"]) == (town["names"][PLANNER], PLANNER)
    assert line["asked"] == {"detail": "zone", "period": "2025", "theme": "vald"}


def test_others_get_no_map(people, anybody):
    assert people[GROUP].get(FILE).status_code == 403
    assert anybody.get(FILE).status_code == 401


def test_an_hour_holds_ten_files(people):
    codes = [people[COORDINATOR].get(FILE).status_code for _ in range(11)]
    assert codes == [200] * 10 + [429]


def test_without_a_release_a_planner_is_told_so(house):
    answer = house.reader(PLANNER).get(FILE)
    assert answer.status_code == 404
    assert "utgåva" in answer.text


def test_a_question_that_nothing_answers_is_told(people):
    answer = people[ANALYST].get(f"{FILE}?typ=ran&fonster=skoltid&rutor=11")
    assert answer.status_code == 422
    assert "5 händelser" in answer.text


def test_an_analysts_file_says_what_was_chosen_and_over_what_it_counted(people, programs):
    areas = programs[ANALYST].get("/ogc/collections/areas/items").json()["features"]
    (number,) = [one["id"] for one in areas if one["properties"]["name"] == "Skiftinge"]
    text = people[ANALYST].get(f"{FILE}?omrade={number}&period=2025").text
    (title,) = re.findall(r"<h1>([^<]+)</h1>", text)
    assert "Skiftinge" in title
    assert "2025" in title
    assert "Period 2025-01-01 till 2025-12-31." in text
    whole = people[ANALYST].get(FILE).text
    assert "Skiftinge" not in re.findall(r"<h1>([^<]+)</h1>", whole)[0]
    assert "Period 2025-01-01 till 2025-12-31." not in whole
