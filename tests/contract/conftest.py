"""A small town's published store, and readers of several kinds in front of it."""

from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient

from app.main import create_app
from pipelines import accounts, demo
from pipelines.settings import Settings
from store.db import connect

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
SIGNED_WITH = "something of this test session only"


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self):
        self.time = NOW

    def __call__(self):
        return self.time


@pytest.fixture(scope="session")
def town(tmp_path_factory):
    """Run the whole pipeline once on synthetic files; give the store's URL and its sign-in."""
    folder = tmp_path_factory.mktemp("town")
    prepared = demo.prepare(folder, NOW, lambda _: None)
    url = f"sqlite:///{folder / 'lagesbild.gpkg'}"
    store = connect(url)
    key = accounts.new_key(store, "contract", "analyst", 30, NOW)
    store.close()
    return {
        "folder": folder,
        "url": url,
        "name": prepared.user,
        "password": prepared.password,
        "key": key,
    }


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def app(town, clock):
    settings = Settings(database_url=town["url"], session_secret=SIGNED_WITH, cookie_secure=False)
    return create_app(settings, clock)


@pytest.fixture
def anybody(app):
    """Give somebody who is not signed in; redirects are answers, not followed."""
    with TestClient(app, follow_redirects=False) as client:
        yield client


@pytest.fixture
def program(app, town):
    """Give a program with a key."""
    with TestClient(app, headers={"X-API-Key": town["key"]}, follow_redirects=False) as client:
        yield client


@pytest.fixture
def person(app, town):
    """Give a person in a browser who has signed in."""
    with TestClient(app, headers={"Accept": "text/html"}, follow_redirects=False) as client:
        form = {"name": town["name"], "password": town["password"]}
        assert client.post("/logga-in", data=form).status_code == 303
        yield client
