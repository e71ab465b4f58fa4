"""An installation's door for tests: who comes in, and what its journal holds."""

from datetime import UTC, datetime

import sqlalchemy as sa
from argon2 import PasswordHasher
from starlette.testclient import TestClient

from app.main import create_app
from pipelines.settings import Settings
from store import accounts
from store.journal_models import Look, SessionRow

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
SIGNED_WITH = "something of this test session only"
PASSWORD = "the word of everybody"  # noqa: S105 - of accounts that live for one test


QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def ease(store, password):
    """Let every sign-in cost little: a hash says how dear it is, and the door does what it says.

    The form, the door and what they check stay the product's own.
    """
    quick = QUICK.hash(password)
    with store.write() as connection:
        for user in accounts.users(connection):
            accounts.change_password(connection, user.name, quick)


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self):
        self.time = NOW

    def __call__(self):
        return self.time


def settings_of(place, **others):
    return Settings(
        database_url=place["url"], session_secret=SIGNED_WITH, cookie_secure=False, **others
    )


class House:
    """The empty house with a door of its own: who comes in, and what its journal holds."""

    def __init__(self, place, clock, stack, **others):
        self.place, self.clock, self._stack = place, clock, stack
        self.app = create_app(settings_of(place, **others), clock)

    @property
    def parts(self):
        return self.app.state.services.installation

    @property
    def store(self):
        return self.parts.main

    def name(self, role):
        return self.place["names"][role]

    def visitor(self, **headers):
        client = TestClient(self.app, headers=headers, follow_redirects=False)
        return self._stack.enter_context(client)

    def reader(self, role, password=PASSWORD):
        client = self.visitor()
        assert self.sign_in(client, role, password).status_code == 303
        return client

    def sign_in(self, client, role, password=PASSWORD, more=()):
        form = {"name": self.place["names"].get(role, role), "password": password}
        return client.post("/logga-in", data=form | dict(more))

    def csrf(self, name):
        """Give the form token of the newest session of an account."""
        with self.parts.journal.read() as conn:
            query = sa.select(SessionRow.csrf).where(SessionRow.name == name)
            return conn.scalars(query.order_by(SessionRow.opened_at.desc())).first()

    def sessions(self):
        with self.parts.journal.read() as conn:
            return conn.scalar(sa.select(sa.func.count()).select_from(SessionRow))

    def noted(self):
        """Give what the log's bodies say, oldest first."""
        with self.parts.journal.read() as conn:
            return conn.scalars(sa.select(Look.body).order_by(Look.seq)).all()
