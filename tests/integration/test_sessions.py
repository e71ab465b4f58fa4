"""Sessions: how long they last, and that a copied cookie dies with the sign-out."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from store import schema, sessions
from store.db import connect
from store.parts import JOURNAL
from store.sessions import Session

OPENED = datetime(2026, 11, 22, 8, tzinfo=UTC)
IDLE = timedelta(minutes=60)
TOKEN = hashlib.sha256(b"a token").digest()
OTHER = hashlib.sha256(b"another token").digest()
SESSION = Session(
    name="åsa",
    role=None,
    origin="local",
    password_mark="m1",  # noqa: S106 - a mark, no password
    opened_at=OPENED,
    expires_at=OPENED + timedelta(hours=10),
    seen_at=OPENED,
    csrf="c",
)


@pytest.fixture
def journal(store_url):
    """Give a journal in which one session is open."""
    store = connect(store_url, JOURNAL)
    schema.upgrade(store)
    with store.write() as connection:
        sessions.open_session(connection, TOKEN, SESSION)
    yield store
    store.close()


def found(journal, now, digest=TOKEN, idle=IDLE):
    with journal.read() as connection:
        return sessions.find(connection, digest, now, idle)


def test_a_session_comes_back_as_it_was_opened(journal):
    assert found(journal, OPENED) == SESSION
    with journal.write() as connection:
        sessions.open_session(connection, OTHER, replace(SESSION, role="analyst", origin="oidc"))
    assert found(journal, OPENED, OTHER).role == "analyst"


def test_the_tables_are_those_of_the_models(journal):
    with journal.read() as connection:
        assert schema.drift(connection, JOURNAL) == []


def test_no_other_token_finds_it(journal):
    assert found(journal, OPENED, OTHER) is None
    assert found(journal, OPENED, b"") is None
    assert found(journal, OPENED, TOKEN[:-1]) is None
    assert found(journal, OPENED, TOKEN + b"\0") is None


def test_a_token_opens_one_session_only(journal):
    with pytest.raises(IntegrityError), journal.write() as connection:
        sessions.open_session(connection, TOKEN, replace(SESSION, name="eva"))
    assert found(journal, OPENED).name == "åsa"


def test_who_is_idle_is_signed_out(journal):
    assert found(journal, OPENED + IDLE - timedelta(seconds=1)) is not None
    assert found(journal, OPENED + IDLE) is None


def test_who_is_at_work_stays_until_the_day_is_over_and_no_longer(journal):
    now = OPENED
    while now + timedelta(minutes=50) < SESSION.expires_at:
        now += timedelta(minutes=50)
        assert found(journal, now) is not None
        with journal.write() as connection:
            sessions.touch(connection, TOKEN, now)
    with journal.write() as connection:
        sessions.touch(connection, TOKEN, SESSION.expires_at - timedelta(seconds=1))
    assert found(journal, SESSION.expires_at - timedelta(seconds=1)) is not None
    assert found(journal, SESSION.expires_at) is None


def test_a_clock_that_goes_back_takes_nothing_from_a_session(journal):
    with journal.write() as connection:
        sessions.touch(connection, TOKEN, OPENED + timedelta(minutes=30))
        sessions.touch(connection, TOKEN, OPENED + timedelta(minutes=10))
    assert found(journal, OPENED).seen_at == OPENED + timedelta(minutes=30)


def test_signing_out_kills_a_copied_cookie(journal):
    with journal.write() as connection:
        assert sessions.close(connection, TOKEN)
    assert found(journal, OPENED) is None
    with journal.write() as connection:
        sessions.touch(connection, TOKEN, OPENED + timedelta(minutes=1))
        assert not sessions.close(connection, TOKEN)
    assert found(journal, OPENED) is None


def test_every_session_of_an_account_ends_at_once(journal):
    with journal.write() as connection:
        sessions.open_session(connection, OTHER, SESSION)
        sessions.open_session(connection, b"e" * 32, replace(SESSION, name="eva"))
        assert sessions.close_all(connection, "åsa") == 2
        assert sessions.close_all(connection, "åsa") == 0
    assert found(journal, OPENED) is None
    assert found(journal, OPENED, b"e" * 32).name == "eva"


def test_sweeping_takes_what_has_expired(journal):
    with journal.write() as connection:
        later = replace(SESSION, expires_at=SESSION.expires_at + timedelta(seconds=1))
        sessions.open_session(connection, OTHER, later)
        assert sessions.sweep(connection, SESSION.expires_at) == 1
    assert found(journal, OPENED) is None
    assert found(journal, OPENED, OTHER) == later
