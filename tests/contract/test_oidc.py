"""Signing in at the organisation's own service, real ones on this machine."""

import os
import socket
import subprocess
import sys
import time
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from app import oidc
from tests.provider import CLIENT_ID, CLIENT_SECRET, strict_provider

OPEN = "/ogc/conformance"
ANALYSTS = "/methods"
ROLES = "Analytiker=analyst;Planerare=planner"
PATIENCE_S = 30


def configured(houses, issuer, **others):
    return houses(
        oidc_issuer=issuer,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET,
        **({"oidc_roles": ROLES} | others),
    )


@pytest.fixture(scope="module")
def ready_made():
    """Run the ready-made provider as a process of its own; give its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--require-nonce"]
    with subprocess.Popen(
        [*command, "--port", str(port)], env=os.environ, stderr=subprocess.DEVNULL
    ) as server:
        try:
            end = time.monotonic() + PATIENCE_S
            while time.monotonic() < end and server.poll() is None:
                with socket.socket() as knock:
                    if knock.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


@pytest.fixture
def strict():
    with strict_provider() as provider:
        yield provider


@pytest.fixture
def house(houses, strict):
    return configured(houses, strict.issuer)


def come_back(strict, client, target="/"):
    """Go to the service, sign in there, and give our answer to coming back."""
    sent = client.get("/logga-in/oidc", params={"next": target})
    assert sent.status_code == 302
    return client.get(strict.authorize(sent.headers["location"]))


def test_a_person_of_a_real_provider_comes_in_with_the_role_of_their_group(houses, ready_made):
    house = configured(houses, ready_made)
    person = {"preferred_username": "anna", "groups": ["Alla", "Planerare"]}
    httpx2.put(f"{ready_made}/users/u-17", json=person).raise_for_status()
    client = house.visitor()
    sent = client.get("/logga-in/oidc?next=/utgava?period=2025")
    asked = parse_qs(urlsplit(sent.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= set(asked)
    back = httpx2.post(sent.headers["location"], data={"sub": "u-17"})
    assert back.status_code == 302
    answer = client.get(back.headers["location"])
    assert (answer.status_code, answer.headers["location"]) == (303, "/utgava?period=2025")
    assert client.get(OPEN).status_code == 200
    assert client.get(ANALYSTS).status_code == 403
    assert "oidc:anna (u-17)" in house.noted()[0]
    replayed = client.get(back.headers["location"])
    assert replayed.status_code == 401


def test_somebody_who_says_no_at_the_provider_is_not_in(houses, ready_made):
    house = configured(houses, ready_made)
    client = house.visitor()
    sent = client.get("/logga-in/oidc")
    back = httpx2.post(sent.headers["location"], data={"action": "deny"})
    state = parse_qs(urlsplit(sent.headers["location"]).query)["state"][0]
    answer = client.get(f"{back.headers['location']}&state={state}")
    assert answer.status_code == 401
    assert "kunde inte bekräftas" in answer.text
    assert house.sessions() == 0


def test_the_button_stands_on_the_sign_in_page_only_where_there_is_a_service(houses, strict):
    assert "/logga-in/oidc" not in houses().visitor().get("/logga-in").text
    page = configured(houses, strict.issuer, oidc_label="Logga in med kommunens konto")
    shown = page.visitor().get("/logga-in?next=/utgava").text
    assert "Logga in med kommunens konto" in shown
    assert 'href="/logga-in/oidc?next=/utgava"' in shown
    assert strict.asked == []  # nothing is asked of the service before somebody signs in


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (["Planerare"], "planner"),
        ("Planerare", "planner"),
        (["Analytiker", "Planerare"], "analyst"),
        (["Planerare", "Analytiker"], "analyst"),
        (["planerare"], None),
        (["Alla"], None),
        ([], None),
        ([["Planerare"], 7, None], None),
        ({"Planerare": 1}, None),
        (None, None),
    ],
)
def test_the_first_group_of_the_mapping_that_fits_gives_the_role(house, strict, groups, role):
    strict.claims["groups"] = groups
    client = house.visitor()
    answer = come_back(strict, client)
    if role is None:
        assert answer.status_code == 403
        assert "Ditt konto har ingen roll i Lägesbild." in answer.text
        assert "oidc:anna (s-1)" in house.noted()[-1]
        assert client.get(OPEN).status_code == 401
        return
    assert answer.status_code == 303
    assert client.get(ANALYSTS).status_code == (200 if role == "analyst" else 403)


def test_the_far_reaching_role_comes_only_by_a_mapping_that_names_it(houses, strict):
    strict.claims["groups"] = ["admin", "Drift"]
    assert come_back(strict, configured(houses, strict.issuer).visitor()).status_code == 403
    mapped = configured(houses, strict.issuer, oidc_roles="Drift=admin")
    client = mapped.visitor()
    assert come_back(strict, client).status_code == 303
    assert client.get(ANALYSTS).status_code == 403  # in, but an analyst's page is none of theirs


@pytest.mark.parametrize(
    "target", ["//example.org", "https://example.org/", "/\\example.org", "/\t/x", "javascript:1"]
)
def test_coming_back_never_leads_to_another_site(house, strict, target):
    assert come_back(strict, house.visitor(), target).headers["location"] == "/"


def test_an_answer_to_another_browser_is_refused(house, strict):
    """Else somebody could be signed in as the attacker, or lend them their state."""
    mine, other = house.visitor(), house.visitor()
    location = strict.authorize(mine.get("/logga-in/oidc").headers["location"])
    other.get("/logga-in/oidc")
    assert other.get(location).status_code == 401
    assert house.visitor().get(location).status_code == 401
    assert mine.get(location).status_code == 303


@pytest.mark.parametrize("change", [("state=", "state=x"), ("code=", "code=x"), ("?", "?error=x&")])
def test_an_answer_that_was_changed_on_the_way_is_refused(house, strict, change):
    client = house.visitor()
    location = strict.authorize(client.get("/logga-in/oidc").headers["location"])
    answer = client.get(location.replace(*change, 1))
    assert answer.status_code == 401
    assert client.get(OPEN).status_code == 401
    assert "oidc-refused" in house.noted()[0]


@pytest.mark.parametrize("query", ["", "?code=x", "?state=x", "?state=x&code=y", "?state=%00"])
def test_coming_back_without_having_been_sent_is_refused(house, query):
    assert house.visitor().get(f"/logga-in/oidc/svar{query}").status_code == 401


def test_a_code_is_used_once(house, strict):
    client = house.visitor()
    sent = client.get("/logga-in/oidc")
    pending = client.cookies["lagesbild"]
    location = strict.authorize(sent.headers["location"])
    assert client.get(location).status_code == 303
    thief = house.visitor(Cookie=f"lagesbild={pending}")
    assert thief.get(location).status_code == 401


def test_coming_back_takes_ten_minutes_at_most(house, strict):
    client = house.visitor()
    location = strict.authorize(client.get("/logga-in/oidc").headers["location"])
    house.clock.time += timedelta(minutes=10)
    assert client.get(location).status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "another-client"},
        {"aud": [CLIENT_ID, "another-client"]},
        {"aud": None},
        {"iss": "https://example.org"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1_700_000_000},
        {"exp": None},
        {"iat": None},
        {"iat": 4_000_000_000},
        {"nbf": 4_000_000_000},
        {"azp": "another-client"},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 500},
        {"preferred_username": "anna\nadmin"},
    ],
    ids=str,
)
def test_a_token_whose_claims_do_not_hold_opens_nothing(house, strict, change):
    strict.bend_claims = lambda claims: {
        name: value for name, value in (claims | change).items() if value is not None
    }
    client = house.visitor()
    assert come_back(strict, client).status_code == 401
    assert house.sessions() == 0
    assert "oidc-refused" in house.noted()[0]


@pytest.mark.parametrize(
    "manner", ["sign_with_our_secret", "sign_with_a_strangers_key", "sign_not_at_all"]
)
def test_a_token_that_the_service_did_not_sign_opens_nothing(house, strict, manner):
    strict.sign = getattr(strict, manner)
    assert come_back(strict, house.visitor()).status_code == 401
    assert house.sessions() == 0


def without_token(strict):
    strict.token = lambda *_: (200, {"access_token": "x", "token_type": "Bearer"})


def with_a_list(strict):
    strict.token = lambda *_: (200, ["no", "object"])


@pytest.mark.parametrize("bend", [without_token, with_a_list])
def test_an_answer_without_a_token_opens_nothing(house, strict, bend):
    bend(strict)
    assert come_back(strict, house.visitor()).status_code == 401


@pytest.mark.parametrize(
    "bend",
    [
        lambda said: said | {"issuer": "https://example.org"},
        lambda said: said | {"token_endpoint": "http://169.254.169.254/latest"},
        lambda said: said | {"jwks_uri": "http://localhost:1/keys"},
        lambda said: said | {"authorization_endpoint": "https://example.org/"},
        lambda said: {name: said[name] for name in said if name != "jwks_uri"},
        lambda said: said | {"jwks_uri": 7},
        lambda _: [],
        lambda _: "x",
    ],
)
def test_a_service_that_points_elsewhere_is_not_followed(house, strict, bend):
    strict.bend_metadata = bend
    answer = house.visitor().get("/logga-in/oidc")
    assert answer.status_code == 503
    assert "Organisationens inloggningstjänst svarar inte som den ska." in answer.text
    assert strict.asked == ["/.well-known/openid-configuration"]


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_service_that_does_not_answer_as_it_should_is_said_to_be_away(house, strict, status):
    strict.metadata_status = status
    assert house.visitor().get("/logga-in/oidc").status_code == 503


def test_a_service_that_fails_half_way_is_said_to_be_away(house, strict):
    strict.token_status = 500
    assert come_back(strict, house.visitor()).status_code == 503


def test_a_service_that_is_away_does_not_stop_local_accounts(houses, strict):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    house = configured(houses, f"http://127.0.0.1:{port}")
    assert house.visitor().get("/logga-in/oidc").status_code == 503
    assert house.reader("planner").get(OPEN).status_code == 200
    assert strict.asked == []


def test_a_slow_service_is_not_waited_for(house, strict, monkeypatch):
    monkeypatch.setattr(oidc, "PATIENCE_S", 0.2)
    strict.delay_s = 1.0
    began = time.monotonic()
    assert house.visitor().get("/logga-in/oidc").status_code == 503
    assert time.monotonic() - began < 0.9


def test_the_service_is_not_asked_without_end(house, strict):
    client = house.visitor()
    statuses = [client.get("/logga-in/oidc").status_code for _ in range(41)]
    assert statuses == [302] * 40 + [429]
    assert len(strict.asked) == 40


def test_a_session_of_the_service_ends_when_its_role_is_no_longer_given_out(houses, strict):
    client = configured(houses, strict.issuer).visitor()
    come_back(strict, client)
    for others, status in (({}, 200), ({"oidc_roles": "Analytiker=analyst"}, 401)):
        later = configured(houses, strict.issuer, **others)
        again = later.visitor(Cookie=f"lagesbild={client.cookies['lagesbild']}")
        assert again.get(OPEN).status_code == status


def test_somebody_of_the_service_signs_out_like_everybody(house, strict):
    client = house.visitor()
    come_back(strict, client)
    client.post("/logga-ut", data={"csrf": house.csrf("oidc:anna (s-1)")})
    assert client.get(OPEN).status_code == 401
    assert house.sessions() == 0
