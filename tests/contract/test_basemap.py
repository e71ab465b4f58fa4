"""Squares of the background map over HTTP: who gets them, how they are kept, what goes wrong."""

import gzip
import json
import re
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest
import shapely
from pydantic import SecretStr
from starlette.testclient import TestClient

from app import attempts
from app.background import Background
from app.main import create_app
from geo import tile_grid
from geo.errors import UnreadableFile
from pipelines import basemap, profiles, settings
from pipelines.roles import ADMIN, ANALYST, COORDINATOR, GROUP, PLANNER
from store import background
from tests.basemaps import square, told
from tests.house import settings_of
from tests.mapservice import picture, running

CENTRE = (16.50987, 59.37036)
KEY = "hemlig-nyckel-1"
ROW, COLUMN = square(tile_grid.LANTMATERIET, 10, *CENTRE)
HERE = f"/karta/bakgrund/10/{ROW}/{COLUMN}"


@contextmanager
def opened(town, clock, **others):
    with TestClient(create_app(settings_of(town, **others), clock), follow_redirects=False) as one:
        yield one


@pytest.fixture
def file(town):
    return town["folder"] / "bakgrund.gpkg"


@pytest.fixture
def people_with_map(town, clock, file):
    """Give a program of each role that a key can have, in a house with the invented map."""
    with opened(town, clock, basemap=str(file)) as client:

        def ask(role, path, **headers):
            key = {} if role is None else {"X-API-Key": town["keys"][role]}
            return client.get(path, headers=key | headers)

        yield ask


def data_of(page):
    """Give what a page tells its map of the background."""
    return json.loads(re.search(r"data-basemap='([^']*)'", page)[1].replace("&#39;", "'"))


def test_the_demonstration_is_set_to_show_its_map(town, file):
    written = (town["folder"] / "demo.env").read_text("utf-8")
    assert f"LAGESBILD_BASEMAP={file.resolve()}" in written


@pytest.mark.parametrize("role", [ANALYST, PLANNER, COORDINATOR])
def test_everybody_who_sees_a_map_gets_its_background(people_with_map, role):
    answer = people_with_map(role, f"{HERE}.mvt")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert {"streets", "buildings"} <= set(told(gzip.compress(answer.content)))


def test_nobody_else_gets_it(people_with_map, town, clock, file):
    assert people_with_map(None, f"{HERE}.mvt").status_code == 401
    with opened(town, clock, basemap=str(file)) as client:
        for role in (ADMIN, GROUP):
            form = {"name": town["names"][role], "password": town["password"]}
            assert client.post("/logga-in", data=form).status_code == 303
            assert client.get(f"{HERE}.mvt").status_code == 403
            client.cookies.clear()


def test_the_public_gets_it_in_an_open_house(town, clock, file):
    with opened(town, clock, basemap=str(file), public_view=True) as visitor:
        assert visitor.get(f"{HERE}.mvt").status_code == 200


def test_a_square_is_compressed_for_those_who_can_read_it(people_with_map):
    packed = people_with_map(PLANNER, f"{HERE}.mvt")
    plain = people_with_map(PLANNER, f"{HERE}.mvt", **{"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < len(plain.content)


def test_a_browser_that_has_a_square_is_told_to_keep_it(people_with_map):
    first = people_with_map(PLANNER, f"{HERE}.mvt")
    assert first.headers["cache-control"].startswith("private")
    again = people_with_map(PLANNER, f"{HERE}.mvt", **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    other = people_with_map(PLANNER, f"{HERE}.mvt", **{"If-None-Match": '"other"'})
    assert other.status_code == 200
    beside = people_with_map(PLANNER, f"/karta/bakgrund/10/{ROW}/{COLUMN + 1}.mvt")
    assert beside.headers["etag"] != first.headers["etag"]


def test_an_empty_square_has_no_content_and_one_beyond_the_grid_is_not_found(people_with_map):
    assert people_with_map(PLANNER, "/karta/bakgrund/10/0/0.mvt").status_code == 204
    for path in ("2/0/0", "12/0/0", "10/-1/0", "10/0/99999999", "10/0/" + "9" * 40):
        answer = people_with_map(PLANNER, f"/karta/bakgrund/{path}.mvt")
        assert answer.status_code == 404, path
    assert people_with_map(PLANNER, "/karta/bakgrund/a/0/0.mvt").status_code == 400


def test_a_page_says_how_its_map_is_laid(town, clock, file):
    about, grid = background.about(file), tile_grid.LANTMATERIET
    with opened(town, clock, basemap=str(file), public_view=True) as visitor:
        said = data_of(visitor.get("/", headers={"Accept": "text/html"}).text)
    assert said["kind"] == "vector"
    assert said["url"] == f"/karta/bakgrund/{{z}}/{{y}}/{{x}}.mvt?v={about.digest[:8]}"
    assert (said["west"], said["north"], said["size"]) == (grid.west, grid.north, grid.size)
    assert (said["first"], said["last"]) == basemap.zooms(grid)
    assert (said["attribution"], said["note"]) == ("Påhittad bakgrundskarta", "")


def test_a_house_without_a_map_has_no_squares_and_no_note(town, clock):
    with opened(town, clock, public_view=True) as visitor:
        said = data_of(visitor.get("/", headers={"Accept": "text/html"}).text)
        assert (said["kind"], said["note"]) == ("", "")
        for kind in ("mvt", "png"):
            assert visitor.get(f"{HERE}.{kind}").status_code == 404


def damaged(file, tmp_path, how):
    """Copy the map and damage it: from the start, or where only reading all of it shows."""
    path = tmp_path / "bakgrund.gpkg"
    if how == "missing":
        return path
    path.write_bytes(b"nothing" if how == "nonsense" else file.read_bytes())
    if how == "cut":
        with path.open("r+b") as cut:
            cut.truncate(path.stat().st_size * 3 // 4 // 4096 * 4096)
    return path


@pytest.mark.parametrize("how", ["missing", "nonsense", "cut"])
def test_a_map_that_cannot_be_read_leaves_pages_without_it(
    town, clock, file, tmp_path, how, caplog
):
    path = damaged(file, tmp_path, how)
    with (
        caplog.at_level("WARNING", "lagesbild.basemap"),
        opened(town, clock, basemap=str(path), public_view=True) as visitor,
    ):
        answer = visitor.get(f"{HERE}.mvt")
        assert answer.status_code == 404
        page = visitor.get("/", headers={"Accept": "text/html"})
        said = data_of(page.text)
    assert page.status_code == 200
    assert said["kind"] == ""
    assert said["note"] == "Bakgrundskartan kan inte läsas. Kartan visas utan den."
    assert said["note"] in page.text
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 1
    assert lines[0].startswith("no background map: basemap-")


def test_a_map_in_another_system_is_not_laid_under_this_one(file):
    ground = Background(settings.Settings(basemap=str(file)))
    other = profiles.load("tests/profiles/chicago").profile
    said = ground.look(other)
    assert said.kind == ""
    assert "annat koordinatsystem" in said.note


# --- pictures of a map service -------------------------------------------------------------------


@pytest.fixture
def service():
    with running() as one:
        yield one


def of_service(service):
    return {
        "basemap": service.template,
        "basemap_key": SecretStr(KEY),
        "basemap_attribution": "© Kartverket i Provköping",
        "public_view": True,
    }


def test_a_picture_comes_through_this_server_and_the_key_stays_here(town, clock, service, capfd):
    with opened(town, clock, **of_service(service)) as visitor:
        page = visitor.get("/", headers={"Accept": "text/html"})
        answer = visitor.get(f"{HERE}.png")
        assert visitor.get(f"{HERE}.mvt").status_code == 404
        service.answer = (403, "text/plain", KEY.encode())
        failed = visitor.get(f"/karta/bakgrund/10/{ROW}/{COLUMN + 1}.png")
    assert (answer.status_code, answer.content) == (200, picture())
    assert answer.headers["content-type"] == "image/png"
    assert service.asked[0][0] == f"/wmts/{KEY}/3006/10/{ROW}/{COLUMN}.png"
    assert "cookie" not in {name.lower() for name in service.asked[0][1]}
    said = data_of(page.text)
    assert (said["kind"], said["pixels"]) == ("raster", 256)
    assert said["attribution"] == "© Kartverket i Provköping"
    assert (failed.status_code, failed.content) == (502, b"")
    assert failed.headers["cache-control"] == "no-store"
    logged = capfd.readouterr().err
    assert "no background picture: basemap-refused" in logged
    for text in (page.text, str(answer.headers), str(failed.headers), logged):
        assert KEY not in text


def test_pictures_need_a_reader_and_a_square(town, clock, service):
    with opened(town, clock, **of_service(service) | {"public_view": False}) as visitor:
        assert visitor.get(f"{HERE}.png").status_code == 401
    with opened(town, clock, **of_service(service)) as visitor:
        assert visitor.get("/karta/bakgrund/99/0/0.png").status_code == 404
        assert visitor.get("/karta/bakgrund/0/9/9.png").status_code == 404
    assert service.asked == []


def test_many_slow_pictures_do_not_stop_other_pages(town, clock, service):
    service.pause_s = 1.0
    with opened(town, clock, **of_service(service)) as visitor, ThreadPoolExecutor(30) as crowd:
        asked = [
            crowd.submit(visitor.get, f"/karta/bakgrund/10/{ROW}/{COLUMN + n}.png")
            for n in range(30)
        ]
        begun = time.monotonic()
        assert visitor.get("/health").status_code == 200
        waited = time.monotonic() - begun
        statuses = {one.result().status_code for one in asked}
    assert statuses <= {200, 502}
    assert waited < 5


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (
            {"BASEMAP": "https://a.se/{z}.png", "BASEMAP_ATTRIBUTION": "x"},
            "basemap-address-unusable",
        ),
        (
            {"BASEMAP": "https://a.se/{key}/{z}/{y}/{x}.png", "BASEMAP_ATTRIBUTION": "x"},
            "basemap-key-missing",
        ),
        ({"BASEMAP": "https://a.se/{z}/{y}/{x}.png"}, "setting-missing"),
    ],
)
def test_settings_that_do_not_fit_stop_the_start(monkeypatch, values, code):
    for name, value in values.items():
        monkeypatch.setenv(f"LAGESBILD_{name}", value)
    with pytest.raises(settings.InvalidParameter, match=code):
        settings.load()


def test_only_the_town_is_fetched_and_only_so_often(town, clock, service, monkeypatch):
    monkeypatch.setitem(attempts.BUDGETS, "background", attempts.Budget(3))
    with opened(town, clock, **of_service(service)) as visitor:
        far = square(tile_grid.LANTMATERIET, 10, 20.2, 67.8)  # Kiruna
        assert visitor.get("/karta/bakgrund/10/{}/{}.png".format(*far)).status_code == 404
        assert service.asked == []
        assert visitor.get(f"{HERE}.png").status_code == 200
        assert visitor.get(f"{HERE}.png").status_code == 200
        refused = visitor.get(f"{HERE}.png")
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0


# --- a file that is not as it should be ----------------------------------------------------------


def changed(file, tmp_path, *statements):
    """Copy the map and change it with SQL."""
    path = tmp_path / "bakgrund.gpkg"
    path.write_bytes(file.read_bytes())
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(*statement)
    return path


def said_by(file):
    """Give what a map says of itself."""
    with closing(sqlite3.connect(file)) as connection:
        ((written,),) = connection.execute("SELECT about FROM lagesbild_basemap")
    return json.loads(written)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("digest", None),
        ("epsg", "3006"),
        ("epsg", True),
        ("envelope", [1, 2, 3]),
        ("envelope", [16, 59, 15, 60]),
        ("envelope", [float("nan")] * 4),
        ("attribution", 7),
    ],
)
def test_a_map_that_says_nonsense_of_itself_is_not_ours(file, tmp_path, name, value):
    said = json.dumps(said_by(file) | {name: value})
    path = changed(file, tmp_path, ("UPDATE lagesbild_basemap SET about = ?", (said,)))
    with pytest.raises(UnreadableFile, match="basemap-not-ours"):
        background.about(path)


def test_a_shape_that_is_no_shape_is_left_out(file, tmp_path):
    bow = shapely.to_wkb(shapely.Polygon([(0, 0), (9, 9), (9, 0), (0, 9)]))
    first = "UPDATE water SET geom = ? WHERE rowid = (SELECT min(rowid) FROM water)"
    path = changed(file, tmp_path, (first, (b"GP\0\1" + (3006).to_bytes(4, "little") + bow,)))
    whole = background.layer(file, "water").shapes.size
    assert background.layer(path, "water").shapes.size == whole - 1


def test_a_map_that_takes_long_to_read_holds_up_nobody(town, clock, file, tmp_path, monkeypatch):
    copies = """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
        INSERT INTO buildings (geom) SELECT geom FROM n, (SELECT geom FROM buildings LIMIT 1)
    """
    path = changed(file, tmp_path, (copies,))
    monkeypatch.setattr("app.background.PATIENCE_S", 0.0)
    with opened(town, clock, basemap=str(path), public_view=True) as visitor:
        early = visitor.get(f"{HERE}.mvt")
        assert (early.status_code, early.headers["retry-after"]) == (503, "2")
        assert visitor.get("/karta/bild.svg").status_code == 200
        deadline = time.monotonic() + 60
        while (answer := visitor.get(f"{HERE}.mvt")).status_code == 503:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert answer.status_code == 200


def test_a_map_that_breaks_in_an_unexpected_way_is_told_and_waited_for_by_nobody(
    town, clock, file, tmp_path
):
    said = json.dumps(said_by(file) | {"epsg": 999_999})  # a system that there is not
    path = changed(file, tmp_path, ("UPDATE lagesbild_basemap SET about = ?", (said,)))
    with opened(town, clock, basemap=str(path), public_view=True) as visitor:
        assert visitor.get(f"{HERE}.mvt").status_code == 404
        assert visitor.get("/karta/bild.svg").status_code == 200
        page = visitor.get("/", headers={"Accept": "text/html"})
    assert data_of(page.text)["kind"] == ""
    assert data_of(page.text)["note"] in page.text
