"""A small town's published store, an empty house beside it, and readers of several kinds."""

import shutil
from contextlib import ExitStack
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from app.main import create_app
from pipelines import accounts, demo
from pipelines.accounts import NewUser
from pipelines.roles import ACCOUNT_ROLES, ANALYST, GROUP, KEY_ROLES
from store import installation
from store.db import connect
from tests.demonstration import a_copy
from tests.house import NOW, PASSWORD, Clock, House, ease, settings_of


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(scope="session")
def town(tmp_path_factory, worker_id):
    """Run the whole pipeline once on synthetic files; give the store's URL and its sign-ins.

    `names` and `keys` go by role; `name` and `key` are the analyst's.
    """
    own = a_copy(tmp_path_factory, worker_id)
    return {
        "folder": own.folder,
        "url": own.url,
        "names": demo.USERS,
        "name": demo.USERS[ANALYST],
        "password": own.password,
        **_keys(own.url),
    }


def _keys(url):
    store = connect(url)
    made = {r: accounts.new_key(store, f"contract-{r}", r, 30, NOW) for r in KEY_ROLES}
    store.close()
    return {"keys": made, "key": made[ANALYST]}


@pytest.fixture(scope="session")
def house_model(tmp_path_factory):
    """Make an installation without any data but an account and a key of each role."""
    folder = tmp_path_factory.mktemp("house")
    url = f"sqlite:///{folder / 'house.gpkg'}"
    installation.upgrade(url)
    store = connect(url)
    names = {role: f"test-{role}" for role in ACCOUNT_ROLES}
    for role, name in names.items():
        until = NOW + timedelta(days=90) if role == GROUP else None
        accounts.put_user(store, NewUser(name, PASSWORD, role, until), NOW)
    ease(store, PASSWORD)
    store.close()
    return folder, {"names": names, "password": PASSWORD, **_keys(url)}


@pytest.fixture
def empty_house(house_model, tmp_path):
    """Give a copy of it, to be changed at will."""
    folder, known = house_model
    shutil.copytree(folder, tmp_path / "house")
    return known | {"url": f"sqlite:///{tmp_path / 'house' / 'house.gpkg'}"}


@pytest.fixture
def app(town, clock):
    return create_app(settings_of(town), clock)


@pytest.fixture
def houses(empty_house, clock):
    """Open doors to the empty house with settings of one's own."""
    with ExitStack() as stack:
        yield lambda **others: House(empty_house, clock, stack, **others)


@pytest.fixture
def house(houses):
    """Open the door of the empty house as it is by default."""
    return houses()


@pytest.fixture
def anybody(app):
    """Give somebody who is not signed in; redirects are answers, not followed."""
    with TestClient(app, follow_redirects=False) as client:
        yield client


@pytest.fixture
def program(app, town):
    """Give an analyst's program with a key."""
    with TestClient(app, headers={"X-API-Key": town["key"]}, follow_redirects=False) as client:
        yield client


@pytest.fixture
def programs(app, town):
    """Give a program with a key of each role that a key can have."""
    with ExitStack() as stack:
        yield {
            role: stack.enter_context(
                TestClient(app, headers={"X-API-Key": key}, follow_redirects=False)
            )
            for role, key in town["keys"].items()
        }


@pytest.fixture
def person(app, town):
    """Give an analyst in a browser who has signed in."""
    with TestClient(app, headers={"Accept": "text/html"}, follow_redirects=False) as client:
        form = {"name": town["name"], "password": town["password"]}
        assert client.post("/logga-in", data=form).status_code == 303
        yield client


@pytest.fixture
def people(app, town):
    """Give a person of each role in a browser of their own, signed in."""
    with ExitStack() as stack:
        signed_in = {}
        for role, name in town["names"].items():
            client = TestClient(app, headers={"Accept": "text/html"}, follow_redirects=False)
            signed_in[role] = stack.enter_context(client)
            form = {"name": name, "password": town["password"]}
            assert client.post("/logga-in", data=form).status_code == 303
        yield signed_in
