"""What a key for scripts opens, for how long, and what the log says of it."""

from datetime import timedelta

import pytest

from pipelines import accounts
from store.db import connect
from tests.house import NOW

OPEN = "/ogc/conformance"
ANALYSTS = "/methods"


@pytest.fixture
def ask(house):
    """Ask with a key and without any cookie."""
    return lambda path, key: house.visitor().get(path, headers={"X-API-Key": key})


def test_a_key_opens_what_its_role_may_see_until_it_expires(house, ask):
    keys = house.place["keys"]
    assert [ask(OPEN, keys[role]).status_code for role in keys] == [200, 200, 200]
    assert ask(ANALYSTS, keys["analyst"]).status_code == 200
    assert ask(ANALYSTS, keys["planner"]).status_code == 403
    house.clock.time += timedelta(days=30)
    assert [ask(OPEN, keys[role]).status_code for role in keys] == [401, 401, 401]


@pytest.mark.parametrize(
    "key", ["lb_guess", "", " ", "x" * 4000, "lb_\xe5\xff", "../../etc/passwd"]
)
def test_a_key_that_is_none_opens_nothing_and_says_nothing(house, key):
    answer = house.visitor().get(OPEN, headers={"X-API-Key": key.encode("latin-1")})
    assert answer.status_code == 401
    assert answer.json()["detail"] == "Nyckeln i X-API-Key är okänd eller har gått ut."
    assert "ApiKey" in answer.headers["www-authenticate"]


def test_an_expired_key_is_told_the_same_as_an_unknown_one_and_the_log_names_it(house, ask):
    unknown = ask(OPEN, "lb_guess")
    house.clock.time += timedelta(days=31)
    expired = ask(OPEN, house.place["keys"]["planner"])
    assert (expired.status_code, expired.json()) == (unknown.status_code, unknown.json())
    first, second = house.noted()
    assert "key:" not in first
    assert "key:contract-planner" in second
    assert house.place["keys"]["planner"] not in second


def test_a_wrong_key_is_not_saved_by_a_session(house):
    reader = house.reader("analyst")
    assert reader.get(OPEN, headers={"X-API-Key": "lb_guess"}).status_code == 401


def test_a_revoked_key_opens_nothing_from_then_on(house, ask):
    key = house.place["keys"]["analyst"]
    assert ask(OPEN, key).status_code == 200
    accounts.revoke_key(house.store, "contract-analyst")
    assert ask(OPEN, key).status_code == 401


def test_a_key_for_some_collections_opens_nothing_outside_the_api(house, ask):
    key = accounts.new_key(house.store, "qgis", "analyst", 1, NOW, ("areas",))
    assert ask(OPEN, key).status_code == 200
    for path in (ANALYSTS, "/", "/karta/platser"):
        assert ask(path, key).status_code == 404
    assert '"scope"' in house.noted()[-1]


def test_a_key_for_some_collections_sees_only_these(town, anybody, clock):
    store = connect(town["url"])
    key = accounts.new_key(store, "only-areas", "analyst", 1, clock.time, ("areas",))
    store.close()
    headers = {"X-API-Key": key}
    listed = anybody.get("/ogc/collections", headers=headers).json()["collections"]
    assert [one["id"] for one in listed] == ["areas"]
    assert anybody.get("/ogc/collections/areas/items", headers=headers).status_code == 200
    hidden, unknown = (
        anybody.get(f"/ogc/collections/{name}/items", headers=headers)
        for name in ("incidents", "nonsense")
    )
    assert hidden.status_code == unknown.status_code == 404
    assert hidden.text.replace("incidents", "") == unknown.text.replace("nonsense", "")


def test_nobody_fills_the_log_with_guessed_keys(house, ask):
    for _ in range(80):
        assert ask(OPEN, "lb_guess").status_code == 401
    assert len(house.noted()) == 60
