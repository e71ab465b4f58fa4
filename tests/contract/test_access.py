"""Who gets in, and what everybody else is told."""

import hashlib
import re
from datetime import timedelta

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from app import access
from app.attempts import MOST_PER_ACCOUNT
from app.main import create_app
from geo.errors import InvalidParameter
from pipelines.accounts import put_user
from pipelines.settings import Settings
from store import accounts
from store.db import connect

PAGE = {"Accept": "text/html"}


def routes(app):
    """List every method and path, with something in the place of each parameter."""
    for route in app.routes:
        if isinstance(route, APIRoute):
            path = re.sub(r"{\w+}", "cells", route.path)
            yield from ((method, route.path, path) for method in route.methods)


def test_every_route_but_the_public_ones_refuses_a_stranger(app, anybody):
    guarded = [
        (m, path) for m, template, path in routes(app) if template not in access.PUBLIC_PATHS
    ]
    assert len(guarded) >= 11
    for method, path in guarded:
        answer = anybody.request(method, path)
        assert answer.status_code == 401, (method, path)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"].endswith("#sign-in-required")


def test_every_guarded_route_names_its_roles(app):
    for route in app.routes:
        if isinstance(route, APIRoute) and route.path not in access.PUBLIC_PATHS:
            assert access.guard_of(route).roles == {"analyst"}


def test_a_route_that_names_no_roles_cannot_be_served():
    router = APIRouter()
    router.add_api_route("/everything", lambda: None)
    with pytest.raises(RuntimeError, match="declares no roles"):
        access.check_guarded(router.routes)


def test_the_public_paths_are_few(anybody):
    assert sorted(access.PUBLIC_PATHS) == ["/favicon.ico", "/health", "/logga-in", "/static"]
    assert anybody.get("/health").json() == {"status": "ok"}
    assert anybody.get("/static/js/main.js").status_code == 200
    for hidden in ("/docs", "/redoc", "/openapi.json"):
        assert anybody.get(hidden).status_code == 404


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
        "javascript:alert(1)",
        " /ok",
        "",
    ],
)
def test_signing_in_never_leads_to_another_site(anybody, town, target):
    form = {"name": town["name"], "password": town["password"], "next": target}
    assert anybody.post("/logga-in", data=form).headers["location"] == "/"


@pytest.mark.parametrize("name", ["demo", "nobody", "de\x00mo", "x" * 256, "'; DROP TABLE area"])
def test_a_wrong_pair_is_told_the_same_whether_or_not_the_name_exists(anybody, name):
    answer = anybody.post("/logga-in", data={"name": name, "password": "wrong password"})
    assert answer.status_code == 401
    assert "Namnet eller lösenordet stämmer inte." in answer.text
    assert "set-cookie" not in answer.headers


def test_a_form_that_is_not_the_sign_in_form_is_a_problem(anybody):
    answer = anybody.post("/logga-in", data={"name": "demo"})
    assert answer.status_code == 400
    assert answer.json()["detail"] == "Fältet password saknas eller går inte att använda."


def test_guessing_is_slowed_down_and_told_how_long_to_wait(anybody, clock, town):
    wrong = {"name": town["name"], "password": "wrong password"}
    right = {"name": town["name"], "password": town["password"]}
    for _ in range(MOST_PER_ACCOUNT):
        assert anybody.post("/logga-in", data=wrong).status_code == 401
    refused = anybody.post("/logga-in", data=right)
    assert refused.status_code == 429
    clock.time += timedelta(seconds=int(refused.headers["retry-after"]))
    assert anybody.post("/logga-in", data=right).status_code == 303


def test_the_session_cookie_is_closed_to_scripts_and_other_sites(anybody, town):
    form = {"name": town["name"], "password": town["password"]}
    cookie = anybody.post("/logga-in", data=form).headers["set-cookie"].casefold()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "max-age=36000" in cookie
    assert "secure" not in cookie


def test_the_session_cookie_is_for_https_unless_the_setting_says_otherwise(town):
    settings = Settings(database_url=town["url"], session_secret="s" * 32)
    with TestClient(create_app(settings), base_url="https://testserver") as client:
        form = {"name": town["name"], "password": town["password"]}
        answer = client.post("/logga-in", data=form, follow_redirects=False)
        assert "secure" in answer.headers["set-cookie"].casefold()


def test_a_session_ends_after_its_hours_however_busy_it_was(person, clock):
    for _ in range(3):
        clock.time += timedelta(hours=3)
        assert person.get("/").status_code == 200
    clock.time += timedelta(hours=1)
    assert person.get("/").headers["location"] == "/logga-in"


def test_a_new_password_ends_every_session_of_the_account(app, town, clock):
    store = connect(town["url"])
    old, new = ({"name": "changing", "password": f"the {word} of two"} for word in ("one", "other"))
    with TestClient(app, follow_redirects=False) as client:
        put_user(store, *old.values(), "analyst", clock.time)
        assert client.post("/logga-in", data=old).status_code == 303
        assert client.get("/ogc").status_code == 200
        put_user(store, *new.values(), "analyst", clock.time)
        assert client.get("/ogc").status_code == 401
        assert client.post("/logga-in", data=old).status_code == 401
        assert client.post("/logga-in", data=new).status_code == 303
        assert client.get("/ogc").status_code == 200
    store.close()


def test_signing_out_closes_the_map(person):
    assert person.get("/").status_code == 200
    assert person.post("/logga-ut").headers["location"] == "/logga-in"
    assert person.get("/").status_code == 303


def test_a_forged_cookie_opens_nothing(anybody):
    anybody.cookies.set("lagesbild", "eyJuYW1lIjogImRlbW8iLCAidW50aWwiOiA5ZTk5fQ==.aaaa.bbbb")
    assert anybody.get("/ogc").status_code == 401


def test_another_site_cannot_act_in_a_readers_name(person, town):
    form = {"name": town["name"], "password": town["password"]}
    for headers in (
        {"Origin": "https://example.org"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://testserver"},
    ):
        for path in ("/logga-ut", "/logga-in"):
            assert person.post(path, data=form, headers=headers).status_code == 403
    own = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
    assert person.post("/logga-ut", headers=own).status_code == 303


def test_a_large_body_is_not_taken_in(anybody):
    answer = anybody.post("/logga-in", data={"name": "x", "password": "y" * 20_000})
    assert answer.status_code == 413


def test_a_key_opens_the_api_until_it_expires(anybody, clock, town):
    key = {"X-API-Key": town["key"]}
    assert anybody.get("/ogc", headers=key).status_code == 200
    assert anybody.get("/ogc", headers={"X-API-Key": "lb_guess"}).status_code == 401
    clock.time += timedelta(days=31)
    assert anybody.get("/ogc", headers=key).status_code == 401


def test_a_wrong_key_is_not_saved_by_a_session(person):
    assert person.get("/ogc", headers={"X-API-Key": "lb_guess"}).status_code == 401


def test_a_role_that_a_route_does_not_name_is_refused(anybody, town, clock):
    digest = hashlib.sha256(b"visitor").digest()
    later = clock.time + timedelta(days=1)
    store = connect(town["url"])
    with store.write() as connection:
        accounts.add_key(
            connection, accounts.NewKey("visitor", digest, "visitor", clock.time, later)
        )
    store.close()
    answer = anybody.get("/ogc", headers={"X-API-Key": "visitor"})
    assert (answer.status_code, answer.json()["detail"]) == (403, "Din roll får inte se detta.")


def test_without_a_secret_the_door_stays_shut(town):
    with pytest.raises(InvalidParameter, match="setting-missing"):
        create_app(Settings(database_url=town["url"]))


def test_a_server_that_cannot_start_says_why_in_one_sentence(monkeypatch):
    monkeypatch.setenv("LAGESBILD_SESION_SECRET", "s" * 40)
    with pytest.raises(SystemExit, match="Inställningen LAGESBILD_SESION_SECRET är okänd"):
        create_app()
