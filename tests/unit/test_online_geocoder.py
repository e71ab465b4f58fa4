"""What an own geocoding server may say and do: against a real server on this machine."""

import json
import logging
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from geo.errors import InvalidParameter
from geo.gazetteer import Gazetteer
from pipelines.online_geocoder import (
    LARGEST_ANSWER,
    MOST_FAILURES,
    PAUSE_S,
    Geocoder,
    OnlineGeocoder,
    Patience,
    connect,
)

ENVELOPE = (16.0, 59.1, 17.0, 59.6)
TIMEOUT_S = 0.4


def to_metres(lon, lat):
    return lon * 56_800.0, lat * 111_300.0


class Server(ThreadingHTTPServer):
    """Answers every request with what `answer` gives: (status, headers, body)."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = (200, {}, b"[]")
        self.drip_s = 0.0
        self.asked = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def says(self, content, status=200, **headers):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.answer = (status, headers, body)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append((urlsplit(self.path), self.headers))
        status, headers, body = self.server.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            for sign in [body] if not self.server.drip_s else [bytes([b]) for b in body]:
                time.sleep(self.server.drip_s)
                self.wfile.write(sign)
                self.wfile.flush()
        except OSError:
            return  # the client hung up

    def log_message(self, *_):
        return


@pytest.fixture
def server():
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def geocoder(server, kind="nominatim", path="", clock=time.monotonic):
    patience = Patience(TIMEOUT_S, clock)
    ends = {"envelope": ENVELOPE, "to_metres": to_metres, "patience": patience}
    return connect(kind, server.url + path, "lagesbild prov", **ends)


def nominatim(number="15", road="Kungsgatan", lon=16.5, lat=59.37, **more):
    return {
        "lat": str(lat),
        "lon": str(lon),
        "class": "place",
        "type": "house",
        "addresstype": "place",
        "name": "",
        "display_name": f"{number}, {road}, Eskilstuna",
        "boundingbox": [str(lat - 0.0001), str(lat + 0.0001), str(lon - 0.0001), str(lon + 0.0001)],
        "address": {"house_number": number, "road": road},
    } | more


def street(name="Kungsgatan", **more):
    return nominatim(
        **{"class": "highway", "type": "residential", "name": name, "address": {"road": name}}
        | more
    )


def feature(lon=16.5, lat=59.37, **properties):
    point = {"type": "Point", "coordinates": [lon, lat]}
    return {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "geometry": point, "properties": properties}],
    }


ANSWERS = {
    "nominatim": [nominatim()],
    "photon": feature(type="house", housenumber="15", street="Kungsgatan", city="Eskilstuna"),
    "pelias": feature(
        layer="address", housenumber="15", street="Kungsgatan", name="Kungsgatan 15",
        match_type="exact", accuracy="point",
    ),
}  # fmt: skip
NOTHING = {
    "nominatim": [],
    "photon": {"type": "FeatureCollection", "features": []},
    "pelias": {"type": "FeatureCollection", "features": []},
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_a_house_is_found_by_every_kind_of_server(server, kind):
    server.says(ANSWERS[kind])
    match = geocoder(server, kind).locate("Kungsg. 15")
    assert (match.match_type, match.lon, match.lat) == ("address", 16.5, 59.37)
    assert (match.uncertainty_m, match.source, match.score) == (10, kind, 100)


@pytest.mark.parametrize("kind", NOTHING)
def test_a_miss_is_no_fault(server, kind):
    server.says(NOTHING[kind])
    asked = geocoder(server, kind)
    assert asked.locate("Kungsgatan 15").match_type == "none"
    assert asked.outcomes == {"miss": 1}


@pytest.mark.parametrize("kind", ["nominatim", "photon", "pelias"])
def test_only_the_place_is_sent_and_only_once(server, kind):
    geocoder(server, kind).locate("Kungsg. 15 A c/o Svensson, lgh 1102, 632 20 Eskilstuna")
    ((url, headers),) = server.asked
    question = parse_qs(url.query).get("q") or parse_qs(url.query)["text"]
    assert question == ["kungsgatan 15a, eskilstuna"]
    assert headers["User-Agent"] == "lagesbild prov"


def test_a_street_is_as_uncertain_as_it_is_long(server):
    server.says([street(boundingbox=["59.369", "59.371", "16.49", "16.51"])])
    match = geocoder(server).locate("Kungsgatan")
    assert match.match_type == "street"
    assert match.uncertainty_m == pytest.approx(579, abs=1)  # half of 1,136 m by 223 m


def test_an_unknown_number_on_a_known_street_is_the_street(server):
    server.says([street()])
    assert geocoder(server).locate("Kungsgatan 99").match_type == "street"


def test_a_missing_letter_is_said(server):
    server.says([nominatim("15B")])
    assert geocoder(server).locate("Kungsgatan 15 A").match_type == "address_without_letter"


def test_a_place_is_found_by_its_name(server):
    server.says(feature(type="house", name="Årby centrum", osm_key="shop", housenumber="3"))
    match = geocoder(server, "photon").locate("vid Årby centrum")
    assert (match.match_type, match.uncertainty_m) == ("place", 75)


@pytest.mark.parametrize(
    "answer",
    [
        nominatim(lon=18.07, lat=59.33),  # outside the municipality
        nominatim("17"),  # a neighbour
        nominatim(road="Drottninggatan"),
        nominatim() | {"lon": "nan"},
        street("Kungsholmsgatan"),
    ],
)
def test_an_answer_to_another_question_is_rejected(server, answer):
    server.says([answer])
    assert geocoder(server).locate("Kungsgatan 15").match_type == "none"


def test_an_interpolated_house_is_rejected(server):
    server.says(
        feature(layer="address", housenumber="15", street="Kungsgatan", match_type="interpolated")
    )
    assert geocoder(server, "pelias").locate("Kungsgatan 15").match_type == "none"


def test_two_equally_good_houses_are_ambiguous(server):
    server.says([nominatim(), nominatim(lon=16.6)])
    match = geocoder(server).locate("Kungsgatan 15")
    assert (match.match_type, match.lon, len(match.candidates)) == ("ambiguous", None, 2)


@pytest.mark.parametrize("text", ["korsningen Kungsgatan/Nygatan", "", "ord " * 100])
def test_what_cannot_be_checked_is_not_asked(server, text):
    assert geocoder(server).locate(text).match_type == "none"
    assert server.asked == []


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (429, b"slow down", "geocoder-busy"),
        (500, b"oops", "geocoder-http-error"),
        (404, b"", "geocoder-http-error"),
        (200, b"<html>Sign in</html>", "geocoder-answer-unreadable"),
        (200, b"\xff\xfe", "geocoder-answer-unreadable"),
        (200, b"[" * 100_000, "geocoder-answer-unreadable"),
        (200, b'{"unexpected": true}', "geocoder-answer-unreadable"),
        (200, b'[{"lat": "north"}]', "geocoder-answer-unreadable"),
        (200, b'[1, "two", null]', "geocoder-answer-unreadable"),
        (200, b" " * (LARGEST_ANSWER + 1), "geocoder-answer-too-large"),
    ],
)
def test_an_odd_answer_is_no_match_and_is_counted(server, status, body, code):
    server.says(body, status)
    asked = geocoder(server)
    assert asked.locate("Kungsgatan 15").match_type == "none"
    assert asked.outcomes == {code: 1}


def test_a_redirect_is_not_followed(server):
    server.says(b"", 302, Location=f"{server.url}/elsewhere")
    asked = geocoder(server)
    asked.locate("Kungsgatan 15")
    assert asked.outcomes == {"geocoder-redirect": 1}
    assert len(server.asked) == 1


@pytest.mark.parametrize(("drip_s", "body"), [(2.0, b"["), (0.05, b" " * 200)])
def test_a_slow_answer_is_given_up_in_time(server, drip_s, body):
    server.says(body)
    server.drip_s = drip_s
    asked = geocoder(server)
    started = time.monotonic()
    asked.locate("Kungsgatan 15")
    assert time.monotonic() - started < TIMEOUT_S + 1
    assert asked.outcomes == {"geocoder-timeout": 1}


def test_a_server_that_is_not_there_is_no_match():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    asked = connect(
        "photon", f"http://127.0.0.1:{port}", "prov", envelope=ENVELOPE, to_metres=to_metres
    )
    assert asked.locate("Kungsgatan 15").match_type == "none"
    assert asked.outcomes == {"geocoder-unreachable": 1}


def test_after_five_failures_the_server_is_left_alone(server):
    server.says(b"", 500)
    asked = geocoder(server)
    for _ in range(MOST_FAILURES + 3):
        asked.locate("Kungsgatan 15")
    assert len(server.asked) == MOST_FAILURES
    assert asked.outcomes == {"geocoder-http-error": 5, "geocoder-paused": 3}


def test_after_the_pause_one_failure_is_enough_and_one_answer_ends_it(server):
    now = [0.0]
    asked = geocoder(server, clock=lambda: now[0])
    server.says(b"", 500)
    for _ in range(MOST_FAILURES):
        asked.locate("Kungsgatan 15")
    now[0] = PAUSE_S
    asked.locate("Kungsgatan 15")
    asked.locate("Kungsgatan 15")
    assert len(server.asked) == MOST_FAILURES + 1
    now[0] = 2 * PAUSE_S
    server.says(ANSWERS["nominatim"])
    assert asked.locate("Kungsgatan 15").match_type == "address"
    server.says(b"", 500)
    asked.locate("Kungsgatan 15")
    assert asked.locate("Kungsgatan 15").match_type == "none"
    assert asked.outcomes["geocoder-paused"] == 1


def test_a_proxy_of_the_machine_is_not_used(server, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server.says(ANSWERS["nominatim"])
    assert geocoder(server).locate("Kungsgatan 15").match_type == "address"


def test_no_location_is_logged(server, caplog):
    with caplog.at_level(logging.DEBUG):
        geocoder(server).locate("Kungsgatan 15")
    assert "kungsgatan" not in caplog.text.casefold()


def test_a_path_before_the_service_is_kept(server):
    server.says(ANSWERS["photon"])
    asked = geocoder(server, "photon", path="/geo/")
    assert asked.locate("Kungsgatan 15").match_type == "address"
    assert server.asked[0][0].path == "/geo/api"


@pytest.mark.parametrize(
    ("kind", "url", "user_agent", "code"),
    [
        ("google", "http://127.0.0.1", "prov", "geocoder-kind-unknown"),
        ("photon", "127.0.0.1:2322", "prov", "geocoder-url-invalid"),
        ("photon", "file:///etc/hosts", "prov", "geocoder-url-invalid"),
        ("photon", "http://", "prov", "geocoder-url-invalid"),
        ("photon", "http://[::1", "prov", "geocoder-url-invalid"),
        ("photon", "http://127.0.0.1:99999", "prov", "geocoder-url-invalid"),
        ("photon", "http://user:word@127.0.0.1", "prov", "geocoder-url-invalid"),
        ("photon", "http://127.0.0.1/?key=1", "prov", "geocoder-url-invalid"),
        ("photon", "https://Photon.komoot.io", "prov", "geocoder-public"),
        ("photon", "http://127.0.0.1", " ", "geocoder-user-agent-missing"),
        ("photon", "http://127.0.0.1", "a\r\nb: c", "geocoder-user-agent-missing"),
    ],
)
def test_a_wrong_setting_is_refused_at_once(kind, url, user_agent, code):
    with pytest.raises(InvalidParameter) as fault:
        connect(kind, url, user_agent, envelope=ENVELOPE, to_metres=to_metres)
    assert fault.value.code == code


def test_a_missing_extra_is_named(server, monkeypatch):
    for name in ("geopy", "geopy.geocoders", "geopy.adapters"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InvalidParameter) as fault:
        geocoder(server)
    assert fault.value.code == "geocoder-extra-missing"


def test_both_geocoders_answer_the_same_call(server):
    both: list[Geocoder] = [Gazetteer.build([], [], [], to_metres), geocoder(server)]
    assert [one.locate("Kungsgatan 15", area="Årby").match_type for one in both] == ["none"] * 2
    assert isinstance(both[1], OnlineGeocoder)
