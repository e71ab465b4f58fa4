"""The invented town, its doors, and what a planner has collected there."""

from contextlib import ExitStack
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from app.main import create_app
from pipelines import demo
from pipelines.roles import PLANNER
from tests.attacks import harness
from tests.attacks.naive import Naive
from tests.attacks.town import PASSWORD, Town, settle
from tests.attacks.truth import Truth
from tests.attacks.witness import Witness
from tests.house import NOW, settings_of


@pytest.fixture(scope="session")
def town():
    return Town()


@pytest.fixture(scope="session")
def truth(town):
    return Truth(town.rows)


@pytest.fixture(scope="session")
def place(town, tmp_path_factory):
    """Make the installation once; whoever changes it changes a copy."""
    return settle(town, tmp_path_factory.mktemp("attacked") / "house")


@pytest.fixture(scope="session")
def doors():
    """Open doors to an installation, and let somebody of a role in."""
    with ExitStack() as stack:

        def enter(place, role=PLANNER, change=lambda services: services, **others):
            app = create_app(settings_of({"url": place.url}, **others), lambda: NOW)
            app.state.services = change(app.state.services)
            client = stack.enter_context(TestClient(app, follow_redirects=False))
            form = {"name": demo.USERS[role], "password": PASSWORD}
            assert client.post("/logga-in", data=form).status_code == 303
            return client

        yield enter


@pytest.fixture(scope="session")
def witness(truth):
    return Witness(truth)


@pytest.fixture(scope="session")
def planner(place, doors, witness):
    return harness.Planner(doors(place), witness)


@pytest.fixture(scope="session")
def collected(planner, truth):
    """Collect every second question of the latest year, and all atoms beside the fixed layer.

    `make attack` asks all of them, of every year, and more.
    """
    found = harness.Collected(truth)
    words = planner.words
    found.ask(planner, harness.finest(words, words.years[0]), single=True)
    for year in words.years[1:]:
        found.ask(planner, harness.finest(words, year, harness.PHYSICAL), single=True)
    found.ask(planner, list(harness.usual(words, words.years[0]))[::2])
    found.ask(planner, harness.windows(words))
    found.read_physical(planner.items("physical"))
    return found


@pytest.fixture
def further(collected):
    """Start another collection that knows the atoms."""
    return collected.fresh()


def without_tree(truth):
    """Give what puts the control in the place of the release; the product has no switch."""

    def change(services):
        header = services.released.in_force().header
        return replace(services, released=Naive.of(truth, header))

    return change


@pytest.fixture(scope="session")
def control(place, doors, truth):
    """Collect from the same installation with the frozen tree switched off."""
    client = doors(place, change=without_tree(truth))
    planner = harness.Planner(client, Witness(truth))
    found = harness.Collected(truth)
    found.ask(planner, harness.windows(planner.words))
    found.ask(planner, list(harness.usual(planner.words, "2025"))[::3])
    return found
