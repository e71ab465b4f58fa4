"""How a session begins, ends, and what a cookie is worth without one."""

import base64
import json
from datetime import timedelta
from time import perf_counter

import pytest
import sqlalchemy as sa
from itsdangerous import TimestampSigner

from pipelines import accounts
from pipelines.accounts import NewUser
from store.journal_models import SessionRow
from tests.house import NOW, PASSWORD, SIGNED_WITH

OPEN = "/ogc/conformance"
COOKIE = "lagesbild"


def content(client):
    """Read what a client's cookie says; it is signed, not secret."""
    return json.loads(base64.b64decode(client.cookies[COOKIE].split(".")[0]))


def signed(value, secret):
    data = base64.b64encode(json.dumps(value).encode())
    return TimestampSigner(secret).sign(data).decode()


def test_the_cookie_holds_a_random_token_and_nothing_else(house):
    one, other = content(house.reader("analyst")), content(house.reader("analyst"))
    assert set(one) == {"token"}
    assert len(base64.urlsafe_b64decode(one["token"] + "==")) == 32
    assert one != other


def test_the_journal_holds_the_tokens_digest_and_not_the_token(house):
    token = content(house.reader("analyst"))["token"]
    with house.parts.journal.read() as conn:
        (row,) = conn.execute(sa.select(SessionRow.__table__)).all()
    assert token.encode() not in row.digest
    assert token not in " ".join(map(str, row))


def test_the_session_cookie_is_closed_to_scripts_and_other_sites(house):
    cookie = house.sign_in(house.visitor(), "analyst").headers["set-cookie"].casefold()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "max-age=36000" in cookie
    assert "secure" not in cookie


def test_a_session_ends_after_its_hours_however_busy_it_was(house):
    reader = house.reader("analyst")
    for _ in range(11):
        house.clock.time += timedelta(minutes=54)
        assert reader.get(OPEN).status_code == 200
    house.clock.time += timedelta(minutes=6)
    sent = reader.get("/", headers={"Accept": "text/html"})
    assert sent.headers["location"] == "/logga-in?slut=1"


def test_a_session_that_nobody_uses_ends(houses):
    house = houses(session_idle_minutes=30)
    reader = house.reader("analyst")
    house.clock.time += timedelta(minutes=29)
    assert reader.get(OPEN).status_code == 200
    house.clock.time += timedelta(minutes=29)
    assert reader.get(OPEN).status_code == 200
    house.clock.time += timedelta(minutes=30)
    assert reader.get(OPEN).status_code == 401


def test_being_seen_is_written_at_most_every_five_minutes(house):
    reader = house.reader("analyst")

    def seen():
        with house.parts.journal.read() as conn:
            return conn.scalar(sa.select(SessionRow.seen_at)) - NOW

    for minutes, expected in ((4, 0), (5, 5), (9, 5), (10, 10)):
        house.clock.time = NOW + timedelta(minutes=minutes)
        reader.get(OPEN)
        assert seen() == timedelta(minutes=expected)


def test_a_clock_that_is_set_back_opens_and_shuts_nothing(house):
    reader = house.reader("analyst")
    house.clock.time -= timedelta(hours=3)
    assert reader.get(OPEN).status_code == 200
    house.clock.time = NOW + timedelta(hours=10)
    assert reader.get(OPEN).status_code == 401


def test_signing_out_ends_every_copy_of_the_cookie(house):
    reader, thief = house.reader("analyst"), house.visitor()
    thief.cookies.set(COOKIE, reader.cookies[COOKIE])
    assert thief.get(OPEN).status_code == 200
    token = {"csrf": house.csrf(house.name("analyst"))}
    assert reader.post("/logga-ut", data=token).headers["location"] == "/logga-in"
    assert reader.get(OPEN).status_code == 401
    assert thief.get(OPEN).status_code == 401
    assert house.sessions() == 0


def test_signing_in_gives_a_new_token_and_ends_the_one_before(house):
    """A cookie that somebody planted beforehand is never signed in with (fixation)."""
    victim, planted = house.visitor(), house.reader("planner").cookies[COOKIE]
    victim.cookies.set(COOKIE, planted)
    house.sign_in(victim, "analyst")
    attacker = house.visitor()
    attacker.cookies.set(COOKIE, planted)
    assert attacker.get(OPEN).status_code == 401
    assert victim.cookies.get(COOKIE, domain="testserver.local") != planted


@pytest.mark.parametrize(
    "cookie",
    [
        "eyJ0b2tlbiI6ICJ4In0=.aaaa.bbbb",
        signed({"token": "x" * 43}, "another secret, of another house entirely"),
        signed({"token": "x" * 43}, SIGNED_WITH),
        signed({"token": 1}, SIGNED_WITH),
        signed({"token": "å\x00"}, SIGNED_WITH),
        signed({"name": "test-admin", "until": 9e9, "of": "0" * 24}, SIGNED_WITH),
        signed({"name": "test-admin", "role": "admin"}, SIGNED_WITH),
        "",
        "null",
        "." * 4000,
    ],
    ids=["forged", "other-secret", "no-such", "number", "odd", "old-format", "role", *"abc"],
)
def test_a_cookie_without_a_session_opens_nothing(house, cookie):
    stranger = house.visitor(Cookie=f"{COOKIE}={cookie}")
    assert stranger.get(OPEN).status_code == 401


def test_a_cookie_that_opens_nothing_is_noted_once_and_taken_back(house):
    reader = house.reader("analyst")
    house.clock.time += timedelta(hours=10)
    before = len(house.noted())
    reader.get(OPEN)
    assert COOKIE not in reader.cookies
    reader.get(OPEN)
    (line,) = house.noted()[before:]
    assert '"refused"' in line
    assert '"session"' in line


def test_nobody_fills_the_log_with_forged_cookies(house):
    stranger = house.visitor(Cookie=f"{COOKIE}=forged")
    before = len(house.noted())
    for _ in range(80):
        assert stranger.get(OPEN).status_code == 401
    assert len(house.noted()) - before == 60


def test_a_new_password_ends_every_session_of_the_account(house):
    reader, name = house.reader("analyst"), house.name("analyst")
    accounts.set_password(house.store, name, "the other of two words")
    assert reader.get(OPEN).status_code == 401
    assert house.sign_in(reader, "analyst").status_code == 401
    assert house.sign_in(reader, "analyst", "the other of two words").status_code == 303
    assert reader.get(OPEN).status_code == 200


def test_even_the_same_password_set_again_ends_sessions(house):
    reader = house.reader("analyst")
    accounts.set_password(house.store, house.name("analyst"), PASSWORD)
    assert reader.get(OPEN).status_code == 401


def test_another_role_counts_from_the_next_request_on(house):
    reader = house.reader("analyst")
    assert reader.get("/methods").status_code == 200
    accounts.set_role(house.store, house.name("analyst"), "planner", None, NOW)
    assert reader.get("/methods").status_code == 403
    assert reader.get(OPEN).status_code == 200


def test_a_removed_account_is_out_at_once_and_its_name_given_anew_brings_nobody_back(house):
    reader, name = house.reader("analyst"), house.name("analyst")
    accounts.remove_user(house.store, name)
    accounts.put_user(house.store, NewUser(name, PASSWORD, "analyst"), NOW)
    assert reader.get(OPEN).status_code == 401


def test_an_expired_account_is_out_and_cannot_come_in(house):
    until = NOW + timedelta(hours=1)
    accounts.set_role(house.store, house.name("coordinator"), "coordinator", until, NOW)
    reader = house.reader("coordinator")
    house.clock.time += timedelta(minutes=59)
    assert reader.get(OPEN).status_code == 200
    house.clock.time += timedelta(minutes=1)
    assert reader.get(OPEN).status_code == 401
    refused = house.sign_in(house.visitor(), "coordinator")
    assert refused.status_code == 401
    assert "Namnet eller lösenordet stämmer inte." in refused.text


def test_coming_and_going_is_noted_and_no_name_that_is_no_account(house):
    reader, name = house.reader("analyst"), house.name("analyst")
    house.sign_in(house.visitor(), "analyst", "wrong password")
    house.sign_in(house.visitor(), "my secret password", "typed in the wrong field")
    reader.post("/logga-ut", data={"csrf": house.csrf(name)})
    came, failed, unknown, went = house.noted()[-4:]
    assert '"sign-in"' in came
    assert '"sign-in-failed"' in failed
    assert name in failed
    assert '"sign-in-failed"' in unknown
    assert '"sign-out"' in went
    for line in house.noted():
        assert "my secret password" not in line
        assert "wrong field" not in line


def test_expired_sessions_are_swept_when_somebody_signs_in(house):
    for _ in range(3):
        house.reader("analyst")
    house.clock.time += timedelta(hours=11)
    house.reader("planner")
    assert house.sessions() == 1


def test_finding_out_who_reads_takes_about_a_millisecond(house):
    """Two indexed reads; the bound is loose, for a busy machine."""
    reader = house.reader("analyst")
    took = []
    for _ in range(50):
        began = perf_counter()
        reader.get(OPEN)
        took.append(perf_counter() - began)
    stranger, without = house.visitor(), []
    for _ in range(50):
        began = perf_counter()
        stranger.get(OPEN)
        without.append(perf_counter() - began)
    assert sorted(took)[25] - sorted(without)[25] < 0.01
