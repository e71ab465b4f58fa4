"""schemathesis asks every operation, as everybody, what nobody thought of."""

from collections import Counter

import pytest
from schemathesis import openapi
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema
from starlette.testclient import TestClient

from app.main import create_app
from app.openapi import every_route
from app.queries import MOST_ITEMS
from app.sessions import COOKIE
from pipelines.roles import ADMIN, ANALYST, COORDINATOR, GROUP, KEY_ROLES, PLANNER, PUBLIC
from tests.house import settings_of

NOBODY = "nobody"
EVERYBODY = (NOBODY, PUBLIC, PLANNER, ANALYST, COORDINATOR, ADMIN, GROUP)
UNSAFE = ["DELETE", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"]
FORM = "application/x-www-form-urlencoded"
OFF = {"enabled": False}
REFUSED = ["400", "401", "403", "404", "405", "413", "429"]  # every refusal that is described
FEW, MANY = 1, 40  # examples of each operation beside what the description itself suggests


@pytest.fixture(params=EVERYBODY)
def role(request):
    return request.param


@pytest.fixture
def door(town, clock, role):
    return create_app(settings_of(town, public_view=role == PUBLIC), clock)


@pytest.fixture
def carried(door, town, role):
    """Give the headers that make somebody who they are."""
    if role in KEY_ROLES:
        return {"X-API-Key": town["keys"][role]}
    if role in (NOBODY, PUBLIC):
        return {}
    with TestClient(door, follow_redirects=False) as client:
        form = {"name": town["names"][role], "password": town["password"]}
        assert client.post("/logga-in", data=form).status_code == 303
        return {"Cookie": f"{COOKIE}={client.cookies[COOKIE]}"}


def wishes(carried, examples, methods):
    """Configure: everybody carries their own, nothing is learned from one run for the next."""
    return SchemathesisConfig.from_dict(
        {
            "headers": carried,
            "seed": 4,
            "max-redirects": 0,
            "continue-on-failure": True,
            "generation": {
                "max-examples": examples,
                "deterministic": examples == FEW,
                "no-shrink": True,
                "with-security-parameters": False,
                "database": "none",
            },
            "phases": {"stateful": OFF, "coverage": {"unexpected-methods": methods}},
            "checks": {
                # A well-formed question may be about an area, a day or an item that there is not.
                "positive_data_acceptance": OFF,
                # Its own list lacks 413: a body too long for the server is refused unread.
                "negative_data_rejection": {"expected-statuses": REFUSED},
            },
        }
    )


def ask(schema, door):
    """Let schemathesis ask; give the statuses of the answers and what it found wrong."""
    schema.app = door
    statuses, faults = Counter(), set()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            recorded = event.recorder
            for found in recorded.interactions.values():
                statuses[found.response and found.response.status_code] += 1
            for one, checks in recorded.checks.items():
                case = recorded.cases[one].value
                faults |= {described(case, c) for c in checks if counts(case, c)}
        elif isinstance(event, events.NonFatalError | events.FatalError):
            faults.add(("error", str(event), ""))
    return statuses, sorted(faults)


def counts(case, check):
    """Tell whether a failed check is a fault; two that it finds in refusals are none."""
    harmless = check.name == "negative_data_rejection" and (capped(case) or one_of_a_list(case))
    return check.status == Status.FAILURE and not harmless


def capped(case):
    """Find `limit` above the highest: OGC API Features Part 1 has it capped and not refused."""
    limit = str(case.query.get("limit", "")) if isinstance(case.query, dict) else ""
    return limit.isdigit() and int(limit) > MOST_ITEMS


def one_of_a_list(case):
    """Find a number for a list of numbers: a form knows no lists, so one value is a list of one."""
    chosen = case.body.get("observation") if isinstance(case.body, dict) else None
    return case.media_type == FORM and isinstance(chosen, int)


def described(case, check):
    return check.name, case.as_curl_command(), str(check.failure_info.failure)


@pytest.fixture
def tell(capsys, role):
    """Say how much was asked, for the closing note."""

    def say(statuses):
        counted = ", ".join(f"{status}: {n}" for status, n in sorted(statuses.items()))
        with capsys.disabled():
            print(f"\nschemathesis as {role}: {sum(statuses.values())} answers ({counted})")  # noqa: T201

    return say


@pytest.fixture
def described_to(door, role):
    """Describe every route to somebody, who in an opened house needs no key for some."""
    routes = every_route(door)
    for operations in routes["paths"].values():
        for operation in operations.values():
            if role == PUBLIC and PUBLIC in (operation["x-roles"] or ()):
                operation["security"].append({})
    return routes


def test_every_operation_as_everybody(door, carried, described_to, tell):
    schema = openapi.from_dict(described_to, config=wishes(carried, FEW, ["TRACE"]))
    statuses, faults = ask(schema, door)
    tell(statuses)
    assert not faults, "\n\n".join("\n".join(fault) for fault in faults)
    assert None not in statuses


@pytest.mark.deep
def test_every_operation_as_everybody_at_length(door, carried, described_to, tell):
    schema = openapi.from_dict(described_to, config=wishes(carried, MANY, UNSAFE))
    statuses, faults = ask(schema, door)
    tell(statuses)
    assert not faults, "\n\n".join("\n".join(fault) for fault in faults)


@pytest.mark.parametrize(
    "role",
    [ANALYST, *(pytest.param(role, marks=pytest.mark.deep) for role in (PLANNER, COORDINATOR))],
    indirect=True,
)
def test_the_definition_that_a_reader_is_given_holds_for_that_reader(door, carried, tell):
    wanted = wishes(carried, FEW, [])
    schema = openapi.from_asgi("/ogc/api", door, headers=carried, config=wanted)
    statuses, faults = ask(schema, door)
    tell(statuses)
    assert not faults, "\n\n".join("\n".join(fault) for fault in faults)
