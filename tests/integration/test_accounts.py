"""Accounts and keys in both stores: what they may be, and who cannot be taken away."""

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta

import pytest

from geo.errors import Conflict, InvalidParameter, NotFound
from pipelines import accounts
from pipelines.accounts import NewUser
from store import accounts as rows
from store import schema
from store.db import connect

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
PASSWORD = "four words of nobody"  # noqa: S105 - of accounts that live for one test
SOON = NOW + timedelta(days=30)


@pytest.fixture
def store(store_url):
    opened = connect(store_url)
    schema.upgrade(opened)
    yield opened
    opened.close()


def put(store, name, role, until=None, password=PASSWORD):
    accounts.put_user(store, NewUser(name, password, role, until), NOW)


def role_of(store, name):
    with store.read() as connection:
        found = rows.user(connection, name)
    return None if found is None else found.role


def test_an_account_is_kept_with_its_role_and_end_and_not_with_its_password(store):
    put(store, " anna ", "planner", SOON)
    with store.read() as connection:
        (anna,) = rows.users(connection)
    assert (anna.name, anna.role, anna.expires_at) == ("anna", "planner", SOON)
    assert anna.password_hash.startswith("$argon2id$")
    assert (anna.lasts(SOON - timedelta(seconds=1)), anna.lasts(SOON)) == (True, False)


def test_an_account_put_again_is_changed_whole(store):
    put(store, "anna", "planner", SOON)
    put(store, "anna", "analyst")
    with store.read() as connection:
        (anna,) = rows.users(connection)
    assert (anna.role, anna.expires_at) == ("analyst", None)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "user-name-empty"),
        ("  ", "user-name-empty"),
        ("oidc:anna", "user-name-unusable"),
        ("key:skript", "user-name-unusable"),
        ("an\x00na", "user-name-unusable"),
        ("an\nna", "user-name-unusable"),
        ("anna\N{RIGHT-TO-LEFT OVERRIDE}", "user-name-unusable"),
        ("a" * 101, "user-name-unusable"),
    ],
)
def test_a_name_that_could_pass_for_another_is_refused(store, name, code):
    with pytest.raises(InvalidParameter) as refused:
        put(store, name, "planner")
    assert refused.value.code == code


@pytest.mark.parametrize("role", ["", "public", "kung", "Admin", "planner "])
def test_a_role_that_no_account_has_is_refused(store, role):
    with pytest.raises(InvalidParameter, match="unknown-role"):
        put(store, "anna", role)
    with pytest.raises(InvalidParameter, match="unknown-role"):
        accounts.set_role(store, "anna", role, None, NOW)


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("elva tecken", "password-length"),
        ("x" * 257, "password-length"),
        ("123456789012", "password-guessable"),
        ("567890123456789", "password-guessable"),
        ("Password1234", "password-guessable"),
        ("lösenord!2026", "password-guessable"),
        ("QwertyQwerty1", "password-guessable"),
        ("Sommar2026!!", "password-guessable"),
        ("annaanna2026", "password-guessable"),
        ("Anna-Anna-Anna", "password-guessable"),
        ("aaaaaaaaaaaab", "password-guessable"),
    ],
)
def test_a_password_that_is_short_or_easily_guessed_is_refused(store, password, code):
    put(store, "anna", "planner")
    for attempt in (
        lambda: put(store, "anna", "planner", password=password),
        lambda: accounts.set_password(store, "anna", password),
    ):
        with pytest.raises(InvalidParameter) as refused:
            attempt()
        assert refused.value.code == code


@pytest.mark.parametrize(
    "password",
    ["x1ab-77f0-93c2-0d4e", "sommaren är kort i år", "8302-9917-5540-2236", "å" * 8 + "bcde"],
)
def test_an_odd_or_long_password_is_taken(store, password):
    put(store, "anna", "planner", password=password)
    assert role_of(store, "anna") == "planner"


@pytest.mark.parametrize(
    ("role", "until", "code"),
    [
        ("group", None, "group-expiry"),
        ("group", NOW + timedelta(days=183, seconds=1), "group-expiry"),
        ("group", NOW, "account-expiry-past"),
        ("planner", NOW - timedelta(days=1), "account-expiry-past"),
    ],
)
def test_an_end_that_is_missing_past_or_too_far_is_refused(store, role, until, code):
    with pytest.raises(InvalidParameter) as refused:
        put(store, "anna", role, until)
    assert refused.value.code == code
    assert role_of(store, "anna") is None


def test_the_group_may_look_for_half_a_year(store):
    put(store, "anna", "group", NOW + timedelta(days=183))
    assert role_of(store, "anna") == "group"


def test_the_last_administrator_cannot_be_taken_away(store):
    put(store, "anna", "admin")
    for attempt in (
        lambda: accounts.remove_user(store, "anna"),
        lambda: accounts.set_role(store, "anna", "planner", None, NOW),
        lambda: accounts.set_role(store, "anna", "admin", SOON, NOW),
        lambda: put(store, "anna", "planner"),
        lambda: put(store, "anna", "admin", SOON),
    ):
        with pytest.raises(Conflict, match="last-admin"):
            attempt()
        with store.read() as connection:
            found = rows.user(connection, "anna")
        assert (found.role, found.expires_at) == ("admin", None)


def test_one_who_expires_does_not_count_as_the_other_administrator(store):
    put(store, "anna", "admin")
    put(store, "bo", "admin", SOON)
    with pytest.raises(Conflict, match="last-admin"):
        accounts.remove_user(store, "anna")
    accounts.remove_user(store, "bo")
    put(store, "cia", "admin")
    accounts.remove_user(store, "anna")
    assert role_of(store, "cia") == "admin"


def test_the_first_administrator_may_not_be_one_who_expires(store):
    with pytest.raises(Conflict, match="last-admin"):
        put(store, "anna", "admin", SOON)
    assert role_of(store, "anna") is None


def test_two_who_remove_each_other_at_once_leave_one(store):
    for name in ("anna", "bo"):
        put(store, name, "admin")
    with ThreadPoolExecutor(1) as pool:
        with store.write() as connection:  # anna is on her way out, and not yet gone
            rows.hold(connection, "admin")
            rows.remove_user(connection, "anna")
            other = pool.submit(accounts.remove_user, store, "bo")
            wait([other], timeout=0.5)
            assert not other.done()
        with pytest.raises(Conflict, match="last-admin"):
            other.result(timeout=20)
    assert role_of(store, "bo") == "admin"


def test_what_does_not_exist_is_said_so(store):
    for attempt in (
        lambda: accounts.remove_user(store, "ingen"),
        lambda: accounts.set_role(store, "ingen", "planner", None, NOW),
        lambda: accounts.set_password(store, "ingen", PASSWORD),
    ):
        with pytest.raises(NotFound, match="unknown-user"):
            attempt()
    with pytest.raises(NotFound, match="unknown-key-name"):
        accounts.revoke_key(store, "ingen")


def test_a_key_is_kept_with_its_scope_and_end_and_not_itself(store):
    key = accounts.new_key(store, "qgis", "analyst", 30, NOW, ("cells", "areas", "cells"))
    with store.read() as connection:
        (kept,) = rows.keys(connection)
        found = rows.api_key(connection, accounts.key_digest(key), NOW)
        assert rows.api_key(connection, accounts.key_digest(key), SOON) is None
        assert rows.key_name(connection, accounts.key_digest(key)) == "qgis"
        assert rows.key_name(connection, accounts.key_digest("lb_guess")) is None
    assert kept == found
    assert (kept.name, kept.role, kept.expires_at) == ("qgis", "analyst", SOON)
    assert kept.collections == ("areas", "cells")
    assert kept.mark == accounts.key_mark(key)
    assert kept.mark not in key
    accounts.revoke_key(store, "qgis")
    with store.read() as connection:
        assert rows.keys(connection) == []


@pytest.mark.parametrize(
    ("name", "role", "days", "scope", "code"),
    [
        ("k", "admin", 1, (), "unknown-role"),
        ("k", "group", 1, (), "unknown-role"),
        ("k", "public", 1, (), "unknown-role"),
        ("k", "planner", 0, (), "key-days"),
        ("k", "planner", 367, (), "key-days"),
        ("k", "planner", 1, ("Areas",), "key-collection"),
        ("k", "planner", 1, ("areas cells",), "key-collection"),
        ("k", "planner", 1, ("",), "key-collection"),
        ("", "planner", 1, (), "user-name-empty"),
        ("k:l", "planner", 1, (), "user-name-unusable"),
    ],
)
def test_a_key_that_cannot_be_is_refused(store, name, role, days, scope, code):
    with pytest.raises(InvalidParameter) as refused:
        accounts.new_key(store, name, role, days, NOW, scope)
    assert refused.value.code == code


def test_a_name_is_given_to_one_key_only(store):
    accounts.new_key(store, "qgis", "planner", 1, NOW)
    with pytest.raises(Conflict, match="key-name-taken"):
        accounts.new_key(store, "qgis", "planner", 1, NOW)
