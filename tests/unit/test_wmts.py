"""Pictures of a map service: fetched here, with the key kept here, bounded, and left alone."""

import math

import pytest
from pydantic import SecretStr

from geo.errors import InvalidParameter, NotFound
from geo.tile_grid import LANTMATERIET
from pipelines import wmts
from pipelines.wmts import MOST_FAILURES, PAUSE_S, NoPicture, Pictures, Service
from tests.mapservice import picture, running

KEY = SecretStr("hemlig nyckel/1")
EVERYWHERE = (-math.inf, -math.inf, math.inf, math.inf)


class Clock:
    def __init__(self):
        self.time = 0.0

    def __call__(self):
        return self.time


@pytest.fixture
def service():
    with running() as one:
        yield one


@pytest.fixture
def pictures(service):
    return Pictures(Service(service.template, KEY))


def refusal(pictures, at=(5, 1, 2)):
    with pytest.raises(NoPicture) as fault:
        pictures.tile(LANTMATERIET, EVERYWHERE, at)
    return fault.value.code


def test_zoom_row_column_and_key_stand_where_the_address_wants_them(service, pictures):
    assert pictures.tile(LANTMATERIET, EVERYWHERE, (5, 1, 2)) == picture()
    assert [path for path, _ in service.asked] == ["/wmts/hemlig%20nyckel%2F1/3006/5/1/2.png"]
    assert "Authorization" not in service.asked[0][1]


def test_a_key_without_a_place_goes_as_authorization(service):
    template = service.template.replace("/{key}", "")
    Pictures(Service(template, SecretStr("Bearer abc"))).tile(LANTMATERIET, EVERYWHERE, (5, 1, 2))
    path, headers = service.asked[0]
    assert (path, headers["Authorization"]) == ("/wmts/3006/5/1/2.png", "Bearer abc")


def test_a_picture_is_fetched_once(service, pictures):
    for _ in range(3):
        pictures.tile(LANTMATERIET, EVERYWHERE, (5, 1, 2))
    assert len(service.asked) == 1


@pytest.mark.parametrize("at", [(-1, 0, 0), (15, 0, 0), (5, -1, 0), (5, 0, 128), (5, 10**30, 0)])
def test_a_square_that_does_not_exist_is_not_asked_for(service, pictures, at):
    with pytest.raises(NotFound):
        pictures.tile(LANTMATERIET, EVERYWHERE, at)
    assert service.asked == []


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((403, "image/png", picture()), "basemap-refused"),
        ((500, "text/html", b"<p>"), "basemap-refused"),
        ((302, "image/png", picture()), "basemap-refused"),
        ((200, "text/html", b"<script>alert(1)</script>"), "basemap-no-picture"),
        ((200, "image/svg+xml", b"<svg onload='alert(1)'/>"), "basemap-no-picture"),
        ((200, "image/png", b"<script>alert(1)</script>"), "basemap-no-picture"),
        ((200, "image/png", b""), "basemap-no-picture"),
        ((200, "image/png", picture() + bytes(wmts.LARGEST)), "basemap-no-picture"),
    ],
)
def test_anything_but_a_picture_is_refused_and_not_kept(service, pictures, answer, code):
    service.answer = answer
    assert refusal(pictures) == code
    service.answer = (200, "image/png", picture())
    assert pictures.tile(LANTMATERIET, EVERYWHERE, (5, 1, 2)) == picture()
    assert all(path.startswith("/wmts/") for path, _ in service.asked)  # no redirect is followed


def test_a_slow_service_is_not_waited_for(service):
    service.pause_s = 0.6
    assert refusal(Pictures(Service(service.template, KEY, seconds=0.2))) == "basemap-late"


def test_nobody_there_is_said_without_the_address(service):
    template = service.template
    service.shutdown()
    service.server_close()
    with pytest.raises(NoPicture) as fault:
        Pictures(Service(template, KEY)).tile(LANTMATERIET, EVERYWHERE, (5, 1, 2))
    assert fault.value.code == "basemap-silent"
    assert "hemlig" not in f"{fault.value} {fault.value.__cause__}"


def test_a_service_that_fails_again_and_again_is_left_alone_for_a_while(service):
    clock = Clock()
    pictures = Pictures(Service(service.template, KEY), clock)
    service.answer = (503, "text/plain", b"")
    for column in range(MOST_FAILURES):
        assert refusal(pictures, (5, 1, column)) == "basemap-refused"
    asked = len(service.asked)
    assert refusal(pictures, (5, 1, 9)) == "basemap-paused"
    assert len(service.asked) == asked
    clock.time += PAUSE_S + 1
    service.answer = (200, "image/png", picture())
    assert pictures.tile(LANTMATERIET, EVERYWHERE, (5, 1, 9)) == picture()


@pytest.mark.parametrize(
    "template",
    [
        "http://kartor.example.se/{z}/{y}/{x}.png",  # the key would go in clear text
        "ftp://kartor.example.se/{z}/{y}/{x}.png",
        "https://kartor.example.se/{z}/{x}.png",
        "https://kartor.example.se/kartan.png",
        "https://{key}.example.se/{z}/{y}/{x}.png",
        "https://namn:ord@example.se/{z}/{y}/{x}.png",
        "https://kartor.example.se/{z}/{y}/{x}.png?a={b}",
        "https://kartor.example.se/{z}/{y}/{x} .png",
        "https://[kartor/{z}/{y}/{x}.png",
    ],
)
def test_an_address_that_cannot_be_used_is_refused(template):
    with pytest.raises(InvalidParameter, match="basemap-address-unusable"):
        wmts.check(template, KEY)


def test_a_key_that_is_missing_or_no_key_is_refused():
    template = "https://kartor.example.se/{key}/{z}/{y}/{x}.png"
    wmts.check(template, KEY)
    with pytest.raises(InvalidParameter, match="basemap-key-missing"):
        wmts.check(template, None)
    with pytest.raises(InvalidParameter, match="basemap-key-unusable"):
        wmts.check(template, SecretStr("a\r\nHost: b"))


def test_a_system_without_shared_squares_has_no_pictures():
    assert wmts.grid(3006) == LANTMATERIET
    with pytest.raises(InvalidParameter, match="basemap-no-grid"):
        wmts.grid(3011)


def test_the_kind_of_a_picture_is_read_from_its_bytes():
    assert wmts.media_type(picture()) == "image/png"
    assert wmts.media_type(b"\xff\xd8\xff\xe0") == "image/jpeg"


def test_only_squares_that_touch_the_town_are_fetched(service, pictures):
    size = LANTMATERIET.size / 2**10
    town = (LANTMATERIET.west + 700 * size, LANTMATERIET.north - 1702 * size)
    around = (town[0] + 1, town[1] + 1, town[0] + 2 * size - 1, town[1] + 2 * size - 1)
    for row, column in ((1700, 700), (1701, 701)):
        assert pictures.tile(LANTMATERIET, around, (10, row, column)) == picture()
    for row, column in ((1699, 700), (1702, 700), (1700, 699), (1700, 702)):
        with pytest.raises(NotFound):
            pictures.tile(LANTMATERIET, around, (10, row, column))
    assert len(service.asked) == 2


def test_a_map_shows_half_a_town_beside_the_town():
    assert wmts.around((0.0, 0.0, 10.0, 20.0)) == (-10.0, -10.0, 20.0, 30.0)
