"""Who gets in, and what everybody else is told."""

import hashlib
import re
from datetime import timedelta
from typing import Annotated

import pytest
from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from app import access
from app.access import Reader, allow, limited, require_csrf
from app.attempts import BUDGETS, MOST_PER_ACCOUNT
from app.main import create_app
from geo.errors import InvalidParameter
from pipelines import roles
from pipelines.settings import Settings
from store import accounts
from tests.house import SIGNED_WITH

PAGE = {"Accept": "text/html"}
OPEN = "/ogc/conformance"  # whoever may see the map may see this, and it needs no data
ANALYSTS = "/methods"


def routes(app):
    """List every method and path, with something in the place of each parameter."""
    for route in app.routes:
        if isinstance(route, APIRoute):
            path = re.sub(r"{\w+}", "cells", route.path)
            yield from ((method, route.path, path) for method in route.methods)


def serve(house, path, guard, call=lambda: {"served": True}, *, post=False):
    """Add a route of a test's own."""

    def served(reader: Annotated[Reader, Depends(guard)]):
        return {"name": reader.name, "role": reader.role, "purpose": reader.purpose} | call()

    house.app.router.add_api_route(path, served, methods=["POST" if post else "GET"])


# --- declarations


def test_every_route_but_the_public_ones_refuses_a_stranger(house):
    guarded = [
        (m, path) for m, template, path in routes(house.app) if template not in access.PUBLIC_PATHS
    ]
    assert len(guarded) >= 11
    stranger = house.visitor()
    for method, path in guarded:
        answer = stranger.request(method, path)
        assert answer.status_code == 401, (method, path)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"].endswith("#sign-in-required")


def test_every_guarded_route_names_known_roles_and_a_purpose(house):
    for route in house.app.routes:
        if isinstance(route, APIRoute) and route.path not in access.PUBLIC_PATHS:
            guard = access.guard_of(route)
            assert guard.roles <= set(roles.ROLES)
            assert guard.purpose in access.PURPOSES


def test_a_route_that_names_no_roles_cannot_be_served():
    router = APIRouter()
    router.add_api_route("/everything", lambda: None)
    with pytest.raises(RuntimeError, match="declares no roles"):
        access.check_guarded(router.routes)


def test_a_route_that_takes_forms_without_their_token_cannot_be_served():
    def change(reader: access.Admin):
        """Change something."""

    router = APIRouter()
    router.add_api_route("/change", change, methods=["POST"])
    with pytest.raises(RuntimeError, match="require_csrf"):
        access.check_guarded(router.routes)


@pytest.mark.parametrize(
    ("named", "purpose"), [((), "map"), (("planer",), "map"), (("planner",), "curiosity")]
)
def test_a_declaration_of_nothing_or_of_something_unknown_stops_the_start(named, purpose):
    with pytest.raises(RuntimeError, match="no declaration"):
        allow(*named, purpose=purpose)


def test_the_public_paths_are_few(house):
    assert sorted(access.PUBLIC_PATHS) == [
        *("/favicon.ico", "/health", "/karta/farger.css"),
        *("/logga-in", "/logga-in/oidc", "/logga-in/oidc/svar"),
        *("/sprak/{language}", "/static", "/tillganglighet"),
    ]
    stranger = house.visitor()
    assert stranger.get("/health").json() == {"status": "ok"}
    assert stranger.get("/static/js/main.js").status_code == 200
    for hidden in ("/docs", "/redoc", "/openapi.json", "/logga-in/oidc", "/logga-in/oidc/svar"):
        assert stranger.get(hidden).status_code == 404


# --- signing in


def test_a_person_is_sent_to_the_sign_in_page_and_back(anybody, town):
    sent = anybody.get("/?fonster=helgnatt", headers=PAGE)
    assert (sent.status_code, sent.headers["location"]) == (
        303,
        "/logga-in?next=%2F%3Ffonster%3Dhelgnatt",
    )
    page = anybody.get(sent.headers["location"])
    assert 'value="/?fonster=helgnatt"' in page.text
    form = {"name": town["name"], "password": town["password"], "next": "/?fonster=helgnatt"}
    back = anybody.post("/logga-in", data=form)
    assert (back.status_code, back.headers["location"]) == (303, "/?fonster=helgnatt")
    assert anybody.get(back.headers["location"], headers=PAGE).status_code == 200


@pytest.mark.parametrize(
    "target",
    [
        "https://example.org/",
        "//example.org",
        "/\\example.org",
        "/\t/example.org",
        "\\\\example.org",
        "///example.org",
        "javascript:alert(1)",
        "data:text/html,x",
        " /ok",
        "/ok\r\nSet-Cookie: a=b",
        "",
    ],
)
def test_signing_in_never_leads_to_another_site(house, target):
    answer = house.sign_in(house.visitor(), "analyst", more={"next": target})
    assert answer.headers["location"] == "/"


@pytest.mark.parametrize("name", ["analyst", "nobody", "de\x00mo", "x" * 256, "'; DROP TABLE area"])
def test_a_wrong_pair_is_told_the_same_whether_or_not_the_name_exists(house, name):
    answer = house.sign_in(house.visitor(), name, "wrong password")
    assert answer.status_code == 401
    assert "Namnet eller lösenordet stämmer inte." in answer.text
    assert "set-cookie" not in answer.headers


def test_a_form_that_is_not_the_sign_in_form_is_a_problem(house):
    answer = house.visitor().post("/logga-in", data={"name": "demo"})
    assert answer.status_code == 400
    assert answer.json()["detail"] == "Fältet password saknas eller går inte att använda."


def test_what_else_a_form_says_changes_nothing(house):
    stranger = house.visitor()
    more = {"role": "admin", "expires_at": "2100-01-01", "origin": "oidc", "id": "1"}
    assert house.sign_in(stranger, "planner", more=more).status_code == 303
    assert stranger.get(OPEN).status_code == 200
    assert stranger.get(ANALYSTS).status_code == 403
    with house.store.read() as conn:
        found = accounts.user(conn, house.name("planner"))
    assert (found.role, found.expires_at) == ("planner", None)


def test_guessing_is_slowed_down_and_told_how_long_to_wait(house):
    stranger = house.visitor()
    for _ in range(MOST_PER_ACCOUNT):
        assert house.sign_in(stranger, "analyst", "wrong password").status_code == 401
    refused = house.sign_in(stranger, "analyst")
    assert refused.status_code == 429
    house.clock.time += timedelta(seconds=int(refused.headers["retry-after"]))
    assert house.sign_in(stranger, "analyst").status_code == 303


def test_guessing_over_many_accounts_is_slowed_down_too(house):
    stranger = house.visitor()
    most = BUDGETS["sign-in-address"].most
    house.app.state.services.passwords.match = None  # no password is looked at once it is full
    house.app.state.services.attempts.take(*[("sign-in-address", "testclient")] * most)
    assert house.sign_in(stranger, "somebody-else").status_code == 429


def test_another_site_cannot_act_in_a_readers_name(house):
    reader = house.reader("analyst")
    token = {"csrf": house.csrf(house.name("analyst"))}
    for headers in (
        {"Origin": "https://example.org"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://testserver"},
    ):
        for path in ("/logga-ut", "/logga-in"):
            assert reader.post(path, data=token, headers=headers).status_code == 403
            assert '"foreign-origin"' in house.noted()[-1]
    own = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
    assert reader.post("/logga-ut", data=token, headers=own).status_code == 303


def test_a_form_needs_the_token_of_its_own_session(house):
    reader, other = house.reader("analyst"), house.reader("planner")
    foreign = house.csrf(house.name("planner"))
    for token in ({}, {"csrf": ""}, {"csrf": "x"}, {"csrf": "å"}, {"csrf": foreign}):
        answer = reader.post("/logga-ut", data=token)
        assert answer.status_code == 403
        assert answer.json()["detail"].startswith("Formuläret hör till en annan inloggning.")
    assert reader.get(OPEN).status_code == 200
    assert other.post("/logga-ut", data={"csrf": foreign}).status_code == 303


def test_a_large_body_is_not_taken_in(house):
    answer = house.visitor().post("/logga-in", data={"name": "x", "password": "y" * 20_000})
    assert answer.status_code == 413


# --- roles


@pytest.mark.parametrize(
    ("role", "status"),
    [("planner", 403), ("analyst", 200), ("coordinator", 403), ("admin", 403), ("group", 403)],
)
def test_a_role_that_a_route_does_not_name_is_refused_and_noted(house, role, status):
    serve(house, "/probe", allow("analyst", purpose="analysis"))
    answer = house.reader(role).get("/probe")
    assert answer.status_code == status
    if status == 200:
        assert answer.json() == {
            "name": house.name(role),
            "role": role,
            "purpose": "analysis",
            "served": True,
        }
        return
    assert answer.json()["detail"] == "Din roll får inte se detta."
    last = house.noted()[-1]
    for said in (house.name(role), role, '"refused"', "/probe", '"analysis"'):
        assert said in last


def test_a_hidden_route_is_to_others_a_page_that_does_not_exist(house):
    serve(house, "/hidden", allow("analyst", purpose="analysis", hidden=True))
    planner = house.reader("planner")
    there, nowhere = planner.get("/hidden"), planner.get("/nowhere")
    assert there.status_code == nowhere.status_code == 404
    assert there.json() | {"instance": ""} == nowhere.json() | {"instance": ""}
    same = ("content-type", "cache-control", "vary")
    assert [there.headers.get(n) for n in same] == [nowhere.headers.get(n) for n in same]
    assert house.reader("analyst").get("/hidden").status_code == 200
    assert "/hidden" in house.noted()[-2]


def test_a_refusal_notes_the_route_and_never_what_was_asked_of_it(house):
    serve(house, "/person/{number}", allow("admin", purpose="operation"))
    house.reader("analyst").get("/person/19900101-1234?adress=Storgatan")
    last = house.noted()[-1]
    assert "/person/{number}" in last
    assert "1234" not in last
    assert "Storgatan" not in last


def test_the_public_sees_nothing_unless_the_installation_is_opened(houses):
    shut, opened = houses(), houses(public_view=True)
    for house in (shut, opened):
        serve(house, "/probe", allow("public", "planner", purpose="map"))
        serve(house, "/inside", allow("planner", purpose="map"))
    assert shut.visitor().get("/probe").status_code == 401
    visitor = opened.visitor()
    assert visitor.get("/probe").json()["role"] == "public"
    assert visitor.get("/inside").status_code == 401
    assert visitor.get("/probe", headers={"X-API-Key": "lb_guess"}).status_code == 401
    assert opened.reader("planner").get("/probe").json()["role"] == "planner"
    admin = opened.reader("admin").get("/probe")
    assert admin.status_code == 403  # signed in, one is oneself


def test_what_costs_may_be_done_only_so_often_and_each_reader_has_their_own_budget(house):
    def costly(
        _reader: Annotated[Reader, Depends(allow("analyst", "planner", purpose="map"))],
        _limit: Annotated[None, Depends(limited("export"))],
    ):
        return {}

    house.app.router.add_api_route("/costly", costly)
    analyst, planner = house.reader("analyst"), house.reader("planner")
    for _ in range(BUDGETS["export"].most):
        assert analyst.get("/costly").status_code == 200
    refused = analyst.get("/costly")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 301
    assert planner.get("/costly").status_code == 200
    house.clock.time += timedelta(minutes=5)
    assert analyst.get("/costly").status_code == 200


def test_a_program_with_a_key_needs_no_token_for_forms(house):
    def change(
        _reader: Annotated[Reader, Depends(allow("coordinator", purpose="review"))],
        _form: Annotated[None, Depends(require_csrf)],
    ):
        return {}

    house.app.router.add_api_route("/change", change, methods=["POST"])
    key = house.place["keys"]["coordinator"]
    assert house.visitor().post("/change", headers={"X-API-Key": key}).status_code == 200
    assert house.reader("coordinator").post("/change").status_code == 403


def test_a_role_that_is_none_of_ours_opens_nothing(house):
    digest, later = hashlib.sha256(b"visitor").digest(), house.clock.time + timedelta(days=1)
    with house.store.write() as conn:
        key = accounts.NewKey("visitor", digest, "visitor", house.clock.time, later)
        accounts.add_key(conn, key)
    answer = house.visitor().get(ANALYSTS, headers={"X-API-Key": "visitor"})
    assert (answer.status_code, answer.json()["detail"]) == (403, "Din roll får inte se detta.")


# --- the door itself


def test_without_a_secret_the_door_stays_shut(empty_house):
    with pytest.raises(InvalidParameter, match="setting-missing"):
        create_app(Settings(database_url=empty_house["url"]))


def test_a_server_that_cannot_start_says_why_in_one_sentence(monkeypatch):
    monkeypatch.setenv("LAGESBILD_SESION_SECRET", "s" * 40)
    with pytest.raises(SystemExit, match="Inställningen LAGESBILD_SESION_SECRET är okänd"):
        create_app()


def test_the_session_cookie_is_for_https_unless_the_setting_says_otherwise(empty_house, clock):
    settings = Settings(database_url=empty_house["url"], session_secret=SIGNED_WITH)
    app = create_app(settings, clock)
    with TestClient(app, base_url="https://testserver", follow_redirects=False) as client:
        form = {"name": empty_house["names"]["analyst"], "password": empty_house["password"]}
        answer = client.post("/logga-in", data=form)
        assert "secure" in answer.headers["set-cookie"].casefold()
