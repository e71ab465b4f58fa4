"""`lagesbild users` and `keys`: what they say, change and note."""

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from store import accounts, installation, sessions
from store.db import connect, part_file
from store.journal_models import Look
from store.parts import JOURNAL
from store.sessions import Session


@pytest.fixture
def url(gpkg_url):
    installation.upgrade(gpkg_url)
    return gpkg_url


@pytest.fixture
def run(url, command, monkeypatch):
    """Give a function that runs a command; what it says when it should, or its refusal."""

    def succeed(*arguments, typed="", refused=False):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{typed}\n"))
        code, out, err = command(url, *arguments)
        assert code == (2 if refused else 0), (out, err)
        return err if refused else out

    return succeed


@pytest.fixture
def noted(url):
    """Give the log's entries, oldest first."""

    def read():
        store = connect(url, JOURNAL)
        with store.read() as connection:
            bodies = connection.scalars(sa.select(Look.body).order_by(Look.seq)).all()
        store.close()
        return [json.loads(body) for body in bodies]

    return read


PASSWORD = "en lång fras med ord"  # noqa: S105 - of accounts that live for one test
ADD = ("users", "add", "--password-stdin")


def test_accounts_are_added_listed_changed_and_removed_and_each_change_is_noted(run, noted):
    run(*ADD, "rut", "--role", "admin", typed=PASSWORD)
    out = run(*ADD, "anna", "--role", "group", "--days", "90", typed=PASSWORD)
    assert "lägesbildsgrupp" in out
    listed = run("users", "list")
    until = (datetime.now(UTC) + timedelta(days=90)).date().isoformat()
    assert f"anna  lägesbildsgrupp  {until}" in listed
    assert "rut  systemförvaltare" in listed
    run("users", "set-role", "anna", "planner")
    run("users", "set-password", "anna", "--password-stdin", typed="en annan fras med ord")
    run("users", "sign-out", "anna")
    run("users", "remove", "anna")
    assert "anna" not in run("users", "list")
    assert [(one["what"], one["outcome"]) for one in noted()] == [
        ("user-add", "given"),
        ("user-add", "given"),
        ("user-set-role", "given"),
        ("user-set-password", "given"),
        ("user-sign-out", "given"),
        ("user-remove", "given"),
    ]
    assert all(one["who"].startswith("kommandorad:") for one in noted())
    assert noted()[1]["asked"]["role"] == "group"
    assert "fras" not in json.dumps(noted())


def test_a_change_that_is_refused_is_noted_as_refused(run, noted):
    run(*ADD, "rut", "--role", "admin", typed=PASSWORD)
    said = run("users", "remove", "rut", refused=True)
    assert "sista systemförvaltaren" in said
    assert "Traceback" not in said
    last = noted()[-1]
    assert (last["what"], last["outcome"]) == ("user-remove", "refused")


@pytest.mark.parametrize(
    ("arguments", "typed", "said"),
    [
        ((*ADD, "anna", "--role", "kung"), PASSWORD, "Välj bland"),
        ((*ADD, "anna"), "kort", "12 till 256 tecken"),
        ((*ADD, "anna"), "lösenord1234", "lätt att gissa"),
        ((*ADD, "anna", "--role", "group"), PASSWORD, "183 dagar"),
        ((*ADD, "anna", "--days", "0"), PASSWORD, "inte 0"),
        ((*ADD, "anna", "--days", "1000000000"), PASSWORD, "inte 1000000000"),
        (("users", "remove", "ingen"), "", "”ingen”"),
        (("users", "set-role", "ingen", "planner"), "", "”ingen”"),
        (("keys", "revoke", "ingen"), "", "”ingen”"),
        (("keys", "add", "k", "--role", "admin"), "", "Välj bland"),
        (("keys", "add", "k", "--only", "../x"), "", "”../x”"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(run, arguments, typed, said):
    sentence = run(*arguments, typed=typed, refused=True)
    assert said in sentence
    assert sentence.count("\n") == 1


def test_removing_an_account_and_signing_it_out_ends_its_sessions(url, run):
    now = datetime.now(UTC)
    store = connect(url, JOURNAL)

    def open_one(name, digest):
        later = now + timedelta(hours=1)
        session = Session(name, None, "local", "", now, later, now, "")
        with store.write() as connection:
            sessions.open_session(connection, digest, session)

    def left():
        with store.read() as connection:
            rows = connection.exec_driver_sql("SELECT name FROM session ORDER BY name")
            return [name for (name,) in rows]

    run(*ADD, "anna", typed=PASSWORD)
    open_one("anna", b"a" * 32)
    open_one("bo", b"b" * 32)
    open_one("oidc:cia (7)", b"c" * 32)
    run("users", "remove", "anna")
    assert left() == ["bo", "oidc:cia (7)"]
    assert "1" in run("users", "sign-out", "oidc:cia (7)")
    assert left() == ["bo"]
    store.close()


def test_a_key_is_shown_once_and_its_mark_afterwards(run, noted):
    out = run("keys", "add", "qgis", "--role", "analyst", "--only", "areas", "--only", "cells")
    key = out.strip().rsplit(" ", 1)[-1]
    assert key.startswith("lb_")
    listed = run("keys", "list")
    assert key not in listed
    assert "qgis  brottsanalytiker  areas, cells" in listed
    mark = listed.split()[0]
    assert f"({mark})" in out
    run("keys", "revoke", "qgis")
    assert "qgis" not in run("keys", "list")
    assert [one["what"] for one in noted()] == ["key-add", "key-revoke"]
    assert key not in json.dumps(noted())


def test_what_has_ended_is_shown_as_ended(url, run):
    past = datetime(2020, 1, 1, tzinfo=UTC)
    store = connect(url)
    with store.write() as connection:
        accounts.put_user(connection, "anna", "hash", "planner", past, past)
        accounts.add_key(connection, accounts.NewKey("k", b"k" * 32, "planner", past, past))
    store.close()
    assert "anna  handläggare  2020-01-01  (slut)" in run("users", "list")
    assert "k  handläggare  alla samlingar  2020-01-01  (slut)" in run("keys", "list")


def test_without_a_log_no_account_is_changed(url, run):
    file = part_file(url, JOURNAL)
    aside = file.rename(file.with_suffix(".aside"))
    assert "lagesbild db upgrade" in run(*ADD, "anna", typed=PASSWORD, refused=True)
    assert "lagesbild db upgrade" in run("keys", "add", "k", refused=True)
    aside.rename(file)
    assert "anna" not in run("users", "list")
    assert "k  " not in run("keys", "list")
