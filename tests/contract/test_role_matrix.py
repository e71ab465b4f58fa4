"""Every route x every method x everybody, as docs/routes.json says who may use what."""

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.testclient import TestClient

from app.main import create_app
from app.openapi import every_route
from app.sessions import COOKIE
from pipelines import accounts, method_list
from pipelines.roles import ACCOUNT_ROLES, KEY_ROLES, PUBLIC
from tests.house import NOW, settings_of

SNAPSHOT = Path(__file__).parents[2] / "docs" / "routes.json"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
FILLED = {"collection_id": "areas", "fid": "1", "name": method_list.listed()[0].name}
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
LET_IN = {200, 301, 302, 303, 304, 400, 404, 409, 422}
HIDDEN_FROM = {  # collections, for whom they do not exist
    "planner": ("incidents", "clusters", "cells", "venues"),
    "coordinator": ("incidents", "clusters", "cells", "venues"),
    PUBLIC: ("incidents", "clusters", "cells", "venues", "observations"),
}


def test_the_committed_list_of_routes_is_the_one_that_is_served(house, tmp_path):
    """Whoever changes who may use what changes a file that is read in a review.

    When a change is meant, copy the file that the failure names over docs/routes.json.
    """
    served, fresh = every_route(house.app), tmp_path / "routes.json"
    fresh.write_text(json.dumps(served, ensure_ascii=False, indent=2, sort_keys=True) + "\n")
    assert served == json.loads(SNAPSHOT.read_text("utf-8")), f"cp {fresh} docs/routes.json"


def test_the_list_of_routes_is_valid_openapi_31(house):
    OpenAPIV31SpecValidator(every_route(house.app)).validate()


def test_the_list_of_routes_leaves_none_out(house):
    listed = {
        (path, method.upper())
        for path, operations in every_route(house.app)["paths"].items()
        for method in operations
    }
    served = {
        (route.path_format, method)
        for route in house.app.routes
        if isinstance(route, APIRoute)
        for method in route.methods
    }
    assert listed == served
    assert not house.visitor().get("/docs/routes.json").is_success


# --- every route x every method x everybody


@dataclass
class Party:
    """Somebody at the door: what they carry, and what role that is; None opens nothing."""

    name: str
    role: str | None
    client: TestClient
    csrf: str = ""
    scoped: bool = False

    @property
    def by_key(self):
        return "X-API-Key" in self.client.headers


def parties(shut, opened):
    """Let everybody come who can come."""
    later = timedelta(days=1)
    expired = accounts.new_key(shut.store, "expired", "analyst", 1, NOW - 2 * later)
    scoped = accounts.new_key(shut.store, "scoped", "analyst", 1, NOW, ("areas",))
    forged = shut.reader("admin").cookies[COOKIE][:-4] + "aaaa"
    shut.clock.time += timedelta(seconds=1)
    yield Party("nobody", None, shut.visitor())
    yield Party("nobody, house opened", PUBLIC, opened.visitor())
    for role in ACCOUNT_ROLES:
        client = shut.reader(role)
        yield Party(f"{role}'s session", role, client, shut.csrf(shut.name(role)))
    for role in KEY_ROLES:
        key = {"X-API-Key": shut.place["keys"][role]}
        yield Party(f"{role}'s key", role, shut.visitor(**key))
    yield Party("a key for areas", "analyst", shut.visitor(**{"X-API-Key": scoped}), scoped=True)
    yield Party("an expired key", None, shut.visitor(**{"X-API-Key": expired}))
    yield Party("an expired key, house opened", None, opened.visitor(**{"X-API-Key": expired}))
    yield Party("a forged session", None, shut.visitor(Cookie=f"{COOKIE}={forged}"))


def filled(path):
    """Put something in the place of each parameter; what is not listed is a number."""
    return re.sub(r"{(\w+)}", lambda found: FILLED.get(found[1], "1"), path)


def expected(operation, path, party):
    """Give the only status that the declaration of a route allows for somebody; None: let in."""
    if operation is None:
        return 405
    roles = operation["x-roles"]
    if roles is None:
        return None
    if party.role is None or (party.role == PUBLIC and PUBLIC not in roles):
        return 401
    if party.role not in roles:
        return 404 if operation["x-hidden"] else 403
    return 404 if party.scoped and not path.startswith("/ogc") else None


def asked(party, method, path):
    """Ask as somebody who fills in nothing but the form's own token."""
    body = {"data": {"csrf": party.csrf}} if method in UNSAFE else {}
    return party.client.request(method, filled(path), **body)


def without_address(answer):
    """Give a problem without what names the question."""
    return json.dumps({**answer.json(), "instance": ""}, sort_keys=True)


def is_as_declared(answer, status, operation, nowhere):
    """Compare an answer with the declaration; somebody let in is told of data, not of routes."""
    if status is not None:
        return answer.status_code == status
    if answer.status_code == 404 and operation["x-roles"] is not None:
        return without_address(answer) != nowhere
    return answer.status_code in LET_IN


def test_every_route_method_and_role_is_as_declared(houses, capsys):
    patient = {"session_hours": 48, "session_idle_minutes": 600}  # a clock that is moved for each
    shut, opened = houses(**patient), houses(public_view=True, **patient)
    paths, wrong, refusals, requests = every_route(shut.app)["paths"], [], {}, 0
    everybody, nowhere = list(parties(shut, opened)), shut.visitor().get("/nowhere")
    for party, path, method in product(everybody, paths, METHODS):
        shut.clock.time += timedelta(seconds=2)  # so that nobody uses a budget up
        answer, requests = asked(party, method, path), requests + 1
        operation = paths[path].get(method.lower())
        status = expected(operation, path, party)
        if not is_as_declared(answer, status, operation, without_address(nowhere)):
            wrong.append((party.name, method, path, answer.status_code, status))
        if status is not None and method != "HEAD":
            refusals.setdefault((status, party.by_key), set()).add(without_address(answer))
        if path == "/logga-ut" and answer.status_code == 303:
            assert shut.sign_in(party.client, party.role).status_code == 303
            party.csrf = shut.csrf(shut.name(party.role))
    assert wrong == []
    assert {status for status, _ in refusals} == {401, 403, 404, 405}
    for words in refusals.values():  # one refusal tells nothing that another does not
        assert len(words) == 1
    size = f"{len(paths)} paths x {len(METHODS)} methods x {len(everybody)} kinds of readers"
    with capsys.disabled():
        print(f"\nrole matrix: {size} = {requests} requests")  # noqa: T201
    assert requests >= 1500


def test_a_refusal_of_a_role_is_that_of_a_page_that_nobody_has(houses):
    house = houses()
    nowhere = house.visitor().get("/nowhere")
    hidden = [
        (path, operation["x-roles"])
        for path, operations in every_route(house.app)["paths"].items()
        for method, operation in operations.items()
        if operation["x-hidden"] and method == "get"
    ]
    assert hidden
    for role in ACCOUNT_ROLES:
        reader = house.reader(role)
        for path, roles in hidden:
            if role not in roles:
                answer = reader.get(filled(path))
                assert answer.status_code == 404
                assert without_address(answer) == without_address(nowhere)
                names = set(answer.headers) - {"x-request-id"}
                assert names == set(nowhere.headers) - {"x-request-id"}


def test_no_form_is_taken_without_its_token_from_anybody_who_may_send_it(house):
    forms = [
        (method.upper(), path, operation["x-roles"])
        for path, operations in every_route(house.app)["paths"].items()
        for method, operation in operations.items()
        if method.upper() in UNSAFE and operation["x-roles"] is not None
    ]
    assert forms
    for role in ACCOUNT_ROLES:
        reader = house.reader(role)
        for method, path, roles in forms:
            if role in roles:
                for data in ({}, {"csrf": ""}, {"csrf": "x" * 43}):
                    answer = reader.request(method, filled(path), data=data)
                    assert answer.status_code == 403, (role, method, path)
                    assert answer.json()["detail"].startswith("Formuläret hör till en annan")


def test_static_files_are_read_and_nothing_else(house):
    visitor, file = house.visitor(), "/static/css/base.css"
    statuses = {method: visitor.request(method, file).status_code for method in METHODS}
    assert statuses == {method: 200 if method in ("GET", "HEAD") else 405 for method in METHODS}
    for path in ("/static/", "/static/css", "/static/css/"):
        assert visitor.get(path).status_code == 404  # no folder is listed
    for path in ("/static/../app/main.py", "/static/%2e%2e/app/main.py", "/static/..%2fMakefile"):
        assert visitor.get(path).status_code == 404


# --- ids that are there, and ids that are not


def told(answer, word):
    """Give all that a refusal tells, without the word of the question itself."""
    body = answer.json()
    body |= {name: body[name].replace(word, "#") for name in ("detail", "instance")}
    ours = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    return answer.status_code, body, ours


@pytest.fixture
def ids(program):
    """Give an id that is there, of every collection that only analysts see."""
    found = {}
    for name in HIDDEN_FROM[PUBLIC]:
        more = "&category=klotter" if name == "clusters" else ""
        page = program.get(f"/ogc/collections/{name}/items?limit=1{more}").json()
        found[name] = str(page["features"][0]["id"])
    return found


@pytest.fixture
def others(town, clock, programs):
    """Give everybody to whom some collection does not exist."""
    opened = create_app(settings_of(town, public_view=True), clock)
    with TestClient(opened, follow_redirects=False) as visitor:
        yield {PUBLIC: visitor} | {role: programs[role] for role in ("planner", "coordinator")}


@pytest.mark.parametrize("role", HIDDEN_FROM)
def test_a_hidden_collection_is_one_that_does_not_exist(others, ids, role):
    ask = others[role].get
    for name in HIDDEN_FROM[role]:
        there, nowhere = f"/ogc/collections/{name}", f"/ogc/collections/{'x' * len(name)}"
        for path in ("", "/items", f"/items/{ids[name]}", "/items?limit=1&bbox=16,59,17,60"):
            hidden, missing = ask(there + path), ask(nowhere + path)
            assert hidden.status_code == 404
            assert told(hidden, name) == told(missing, "x" * len(name)), path


@pytest.mark.parametrize("role", HIDDEN_FROM)
def test_an_id_in_a_hidden_collection_is_there_as_little_as_one_that_is_not(others, ids, role):
    ask = others[role].get
    for name in HIDDEN_FROM[role]:
        fid, missing = ids[name], "9" * len(ids[name])
        path = f"/ogc/collections/{name}/items/"
        assert told(ask(path + fid), fid) == told(ask(path + missing), missing)


@pytest.mark.parametrize("role", ["planner", "analyst"])
def test_what_nobody_has_reviewed_is_not_there_under_its_id(programs, role):
    path = "/ogc/collections/observations/items"
    every = programs["coordinator"].get(f"{path}?limit=10000").json()["features"]
    waiting = [str(one["id"]) for one in every if not one["properties"]["reviewed"]]
    assert 0 < len(waiting) < len(every)
    ask = programs[role].get
    for fid in waiting:
        hidden, missing = ask(f"{path}/{fid}"), ask(f"{path}/{'9' * len(fid)}")
        assert hidden.status_code == 404
        assert told(hidden, fid) == told(missing, "9" * len(fid))
    seen = {str(one["id"]) for one in ask(f"{path}?limit=10000").json()["features"]}
    assert len(seen) == len(every) - len(waiting)
    assert not seen & set(waiting)
