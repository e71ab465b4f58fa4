"""Answers given again without asking the application: only as long as nothing has changed."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from app.main import create_app
from app.quick import BLIND, Asked, Memory, Offer
from app.sessions import TOUCHED_EVERY
from pipelines import accounts, places
from pipelines.accounts import NewUser
from pipelines.analyse import Parameters, analyse
from pipelines.places import PlaceImport
from store import accounts as stored_accounts
from store import installation, sessions
from store.db import connect
from store.journal_models import SessionRow
from store.parts import JOURNAL, RELEASE
from tests.desk import QUIET, Desk, lonlat, report
from tests.house import NOW, House, settings_of

AREAS = "/ogc/collections/areas/items"
SCHOOLS = "/ogc/collections/schools/items"
OWN = {"x-request-id", "date"}


@contextmanager
def counted(app):
    """Count the statements that a server sends to any of its parts."""
    found, parts = [], app.state.services.installation
    engines = [part.engine for part in (parts.main, parts.open_side, parts.release, parts.journal)]

    def note(_conn, _cursor, statement, *_):
        found.append(statement)

    for engine in engines:
        sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        for engine in engines:
            sa.event.remove(engine, "before_cursor_execute", note)


def asks_nothing(app, client, path, **headers):
    """Tell whether a request is answered without one statement to the store."""
    with counted(app) as statements:
        answer = client.get(path, headers=headers)
    assert answer.status_code in {200, 204, 304}, answer.text
    return not statements


@pytest.fixture
def settled(houses):
    """Open the empty house with a municipality's places, and nothing else."""
    house = houses()
    places.load(house.store, "eskilstuna")
    return house


@pytest.fixture
def elsewhere(settled):
    """Give another process's view of the same house: connections of its own."""
    main, journal = connect(settled.place["url"]), connect(settled.place["url"], JOURNAL)
    yield main, journal
    main.close()
    journal.close()


def warm(house, client, path=AREAS):
    """Ask until the answer comes from memory; give it."""
    for _ in range(3):
        client.get(path)
    assert asks_nothing(house.app, client, path)
    return client.get(path)


# --- what is given again


@pytest.mark.parametrize("role", ["analyst", "planner", "coordinator"])
def test_the_second_answer_is_the_first_one_word_for_word(settled, role):
    reader = settled.reader(role)
    first = reader.get(AREAS)
    again = warm(settled, reader)
    assert again.content == first.content
    assert again.status_code == first.status_code == 200
    plain = [
        {name: value for name, value in each.headers.items() if name not in {*OWN, "vary"}}
        for each in (first, again)
    ]
    assert plain[0] == plain[1]
    vary = [set(each.headers["vary"].split(", ")) for each in (first, again)]
    assert vary[0] == vary[1] == {"Cookie", "X-API-Key", "Accept-Encoding"}
    assert again.headers["x-request-id"] != first.headers["x-request-id"]


def test_a_key_is_answered_from_memory_too(settled):
    warm(settled, settled.visitor(**{"X-API-Key": settled.place["key"]}))


def test_every_request_has_its_line_in_the_log(settled, capsys):
    reader = settled.reader("analyst")
    tag = warm(settled, reader).headers["etag"]
    capsys.readouterr()
    answers = [reader.get(AREAS), reader.get(AREAS, headers={"If-None-Match": tag})]
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["request_id"] for line in lines] == [
        answer.headers["x-request-id"] for answer in answers
    ]
    assert [line["status"] for line in lines] == [200, 304]
    assert {line["route"] for line in lines} == {"/ogc/collections/{collection_id}/items"}
    assert {line["method"] for line in lines} == {"GET"}


def test_other_methods_and_requests_with_a_body_take_the_whole_way(settled):
    reader = settled.reader("analyst")
    warm(settled, reader)
    assert reader.head(AREAS).status_code == 405
    with counted(settled.app) as statements:
        answer = reader.request("GET", AREAS, content=b"x")
    assert answer.headers["connection"] == "close"
    assert statements


def test_a_range_is_not_cut_out(settled):
    reader = settled.reader("analyst")
    whole = warm(settled, reader)
    part = reader.get(AREAS, headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (200, whole.content)


def test_every_read_of_points_is_asked_for_and_noted(program, app):
    main = app.state.services.installation
    path = "/ogc/collections/clusters/items?limit=1"
    for _ in range(3):
        with main.journal.read() as conn:
            before = conn.exec_driver_sql("SELECT count(*) FROM look").scalar()
        assert not asks_nothing(app, program, path)
        with main.journal.read() as conn:
            after = conn.exec_driver_sql("SELECT count(*) FROM look").scalar()
        assert after == before + 1


# --- between readers


def test_two_cookies_and_two_keys_never_get_each_others_answer(people, programs):
    seen = {}
    for _ in range(3):
        for name, client in {**people, **{f"{r} key": p for r, p in programs.items()}}.items():
            answer = client.get(AREAS)
            seen.setdefault(name, set()).add((answer.status_code, answer.content))
    assert all(len(answers) == 1 for answers in seen.values())
    counts = {
        name: json.loads(body)["features"][0]["properties"]["count"]
        for name, ((status, body),) in seen.items()
        if status == 200
    }
    assert counts.pop("analyst") == counts.pop("analyst key") > 0
    assert set(counts.values()) == {None}


def test_somebody_without_a_session_gets_nothing_that_was_kept(settled):
    reader, nobody = settled.reader("analyst"), settled.visitor()
    tag = warm(settled, reader).headers["etag"]
    for headers in ({}, {"If-None-Match": tag}, {"If-None-Match": "*"}, {"Cookie": "lagesbild=x"}):
        assert nobody.get(AREAS, headers=headers).status_code == 401


def test_another_language_another_host_and_another_question_are_others(settled):
    reader = settled.reader("analyst")
    warm(settled, reader)
    cookie = f"lagesbild={reader.cookies['lagesbild']}; lagesbild_sprak=en"
    assert not asks_nothing(settled.app, reader, AREAS, Host="two.example")
    assert not asks_nothing(settled.app, reader, f"{AREAS}?limit=2")
    assert not asks_nothing(settled.app, reader, SCHOOLS)
    assert not asks_nothing(settled.app, reader, AREAS, **{"Accept-Encoding": "identity"})
    reader.cookies.clear()
    assert not asks_nothing(settled.app, reader, AREAS, Cookie=cookie)


# --- what ends a session ends it here, at once and from anywhere


def gone(client, status=401):
    assert client.get(AREAS).status_code == status
    assert client.get(AREAS, headers={"If-None-Match": "*"}).status_code == status


def test_signing_out_ends_it_at_once(settled):
    reader = settled.reader("analyst")
    cookie = reader.cookies["lagesbild"]
    warm(settled, reader)
    form = {"csrf": settled.csrf(settled.name("analyst"))}
    assert reader.post("/logga-ut", data=form).status_code == 303
    gone(settled.visitor(Cookie=f"lagesbild={cookie}"))


def test_another_process_ends_a_session_at_once(settled, elsewhere):
    reader = settled.reader("analyst")
    warm(settled, reader)
    with elsewhere[1].write() as conn:
        assert sessions.close_all(conn, settled.name("analyst")) == 1
    gone(reader)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda store, name: accounts.set_role(store, name, "admin", None, NOW), 404),
        (lambda store, name: accounts.set_password(store, name, "another word of all"), 401),
        (accounts.remove_user, 401),
    ],
    ids=["role", "password", "removal"],
)
def test_a_changed_account_counts_at_once(settled, elsewhere, change, status):
    reader = settled.reader("planner")
    warm(settled, reader)
    change(elsewhere[0], settled.name("planner"))
    gone(reader, status)


def test_a_narrower_role_gets_the_narrower_answer_at_once(settled, elsewhere):
    reader = settled.reader("analyst")
    path = "/ogc/collections/venues/items"
    warm(settled, reader, path)
    accounts.set_role(elsewhere[0], settled.name("analyst"), "planner", None, NOW)
    assert reader.get(path).status_code == 404


def test_a_revoked_key_opens_nothing_at_once(settled, elsewhere):
    program = settled.visitor(**{"X-API-Key": settled.place["key"]})
    warm(settled, program)
    accounts.revoke_key(elsewhere[0], "contract-analyst")
    gone(program)


def test_a_key_ends_on_the_minute(settled):
    key = accounts.new_key(settled.store, "short", "analyst", 1, NOW)
    program = settled.visitor(**{"X-API-Key": key})
    warm(settled, program)
    settled.clock.time = NOW + timedelta(days=1, seconds=-1)
    assert program.get(AREAS).status_code == 200
    settled.clock.time = NOW + timedelta(days=1)
    gone(program)


def test_an_account_ends_on_the_minute(settled):
    until = NOW + timedelta(minutes=3)
    with settled.store.write() as conn:
        stored_accounts.change_role(conn, settled.name("planner"), "planner", until)
    reader = settled.reader("planner")
    warm(settled, reader)
    settled.clock.time = until
    gone(reader)


def test_an_idle_session_ends_and_a_busy_one_is_noted_as_in_use(settled):
    reader = settled.reader("analyst")
    warm(settled, reader)
    settled.clock.time += TOUCHED_EVERY
    reader.get(AREAS)
    with settled.parts.journal.read() as conn:
        assert conn.scalar(sa.select(SessionRow.seen_at)) == settled.clock.time
    warm(settled, reader)
    settled.clock.time += timedelta(minutes=60)
    gone(reader)


# --- what changes an answer changes it here, at once and from anywhere


def test_changed_places_are_seen_at_once(settled, elsewhere, tmp_path):
    reader = settled.reader("planner")
    before = warm(settled, reader, SCHOOLS)
    file = tmp_path / "schools.csv"
    file.write_text("namn,lon,lat\nNya skolan,16.51,59.37\n", encoding="utf-8")
    places.import_file(elsewhere[0], PlaceImport(file, "schools", replace=True))
    after = reader.get(SCHOOLS, headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert [one["properties"]["name"] for one in after.json()["features"]] == ["Nya skolan"]


def test_a_new_run_and_a_new_release_are_seen_at_once(settled, tmp_path):
    desk, reader = Desk(settled.place["url"], tmp_path), settled.reader("analyst")
    path = "/ogc/collections/cells/items"
    for known in (0, 12, 20):
        if known:
            spots = [lonlat(QUIET[0], QUIET[1] + n * 1e-5) for n in range(known)]
            desk.take_rows(*(report(n, **spot) for n, spot in enumerate(spots)), now=NOW)
            analyse(desk.store, Parameters(), NOW)
        found = reader.get(path).json()["features"]
        assert sum(one["properties"]["count"] for one in found) == known
        if known:
            warm(settled, reader, path)
    desk.store.close()
    release = connect(settled.place["url"], RELEASE)
    with release.write() as conn:
        conn.exec_driver_sql("PRAGMA user_version = 7")
    release.close()
    assert not asks_nothing(settled.app, reader, path)


def test_a_look_of_somebody_elses_only_asks_again_who_is_there(settled):
    """The journal moves with every look: the answers outlive it, the sessions are checked anew."""
    reader, other = settled.reader("analyst"), settled.reader("planner")
    warm(settled, reader)
    warm(settled, reader, SCHOOLS)
    other.get("/ogc/collections/incidents/items")  # is refused and noted
    assert not asks_nothing(settled.app, reader, AREAS)
    assert asks_nothing(settled.app, reader, SCHOOLS)


def test_a_change_while_an_answer_is_made_keeps_it_from_being_remembered(settled, elsewhere):
    memory = Memory(settled.parts)
    question = Asked(b"who", b"what", "")
    before = memory.marks()
    with elsewhere[0].write() as conn:
        conn.exec_driver_sql("UPDATE profile SET revision = revision + 1")
    memory.keep(question, offer(), before, NOW)
    assert memory.find(question, NOW) is None
    memory.keep(question, offer(), before, NOW)
    assert memory.find(question, NOW) is None
    memory.keep(question, offer(), memory.marks(), NOW)
    assert memory.find(question, NOW) == offer()
    memory.close()


def test_the_memory_is_bounded_and_drops_what_is_used_least(settled):
    memory = Memory(settled.parts, most_bytes=10_000)
    asked = [Asked(b"who", str(number).encode(), "") for number in range(30)]
    for question in asked:
        memory.keep(question, offer(b"x" * 1_000), memory.marks(), NOW)
        memory.find(asked[0], NOW)
    found = [question for question in asked if memory.find(question, NOW) is not None]
    assert asked[0] in found
    assert asked[-1] in found
    assert 2 <= len(found) <= 10
    memory.keep(asked[1], offer(b"x" * 9_000), memory.marks(), NOW)
    assert memory.find(asked[1], NOW) is None
    memory.close()


def offer(body=b"body"):
    return Offer(200, body, 'W/"tag"', [], [], "/route", None)


def test_of_many_requests_at_once_one_takes_the_whole_way(settled, elsewhere):
    """Somebody else's look makes everything ask again: sixteen readers' tabs ask once."""
    reader = settled.reader("analyst")
    cookie = f"lagesbild={reader.cookies['lagesbild']}"
    headers = {"Cookie": cookie, "Host": "testserver", "Accept-Encoding": "identity"}

    async def together():
        transport = httpx.ASGITransport(settled.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            for _ in range(3):
                await client.get(AREAS, headers=headers)
            with elsewhere[1].write() as conn:
                conn.exec_driver_sql("DELETE FROM session WHERE name = 'nobody'")
                conn.exec_driver_sql("PRAGMA user_version = 1")
            with counted(settled.app) as statements:
                answers = await asyncio.gather(
                    *(client.get(AREAS, headers=headers) for _ in range(16))
                )
            return answers, [one for one in statements if "FROM session" in one]

    # In a thread of its own: where a browser is driven, this one has a loop already.
    with ThreadPoolExecutor(1) as aside:
        answers, looked_up = aside.submit(asyncio.run, together()).result()
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert len(looked_up) == 1


# --- a store that tells nothing


def test_on_postgresql_an_answer_is_believed_for_a_second(postgis_url, clock):
    installation.upgrade(postgis_url)
    store = connect(postgis_url)
    places.load(store, "eskilstuna")
    key = accounts.new_key(store, "one", "analyst", 1, NOW)
    door = create_app(settings_of({"url": postgis_url}), clock)
    with TestClient(door, headers={"X-API-Key": key}) as program:
        program.get(AREAS)
        assert asks_nothing(door, program, AREAS)
        accounts.revoke_key(store, "one")
        clock.time += BLIND
        gone(program)
    store.close()


def refused_form(client):
    """Send what anybody can send, who may do nothing."""
    assert client.post("/finns-inte", data={"x": "1"}).status_code >= 400


def test_a_form_that_is_refused_makes_nobody_wait(settled):
    reader = settled.reader("analyst")
    warm(settled, reader)
    refused_form(settled.visitor())
    assert asks_nothing(settled.app, reader, AREAS)


def test_on_postgresql_a_form_that_is_refused_makes_nobody_wait(postgis_url, clock, empty_house):
    installation.upgrade(postgis_url)
    store = connect(postgis_url)
    places.load(store, "eskilstuna")
    name = empty_house["names"]["analyst"]
    accounts.put_user(store, NewUser(name, empty_house["password"], "analyst"), NOW)
    store.close()
    with ExitStack() as stack:
        house = House(empty_house | {"url": postgis_url}, clock, stack)
        reader = house.reader("analyst")
        warm(house, reader)
        refused_form(house.visitor())
        assert asks_nothing(house.app, reader, AREAS)


def test_on_postgresql_signing_out_ends_it_at_once(postgis_url, clock, empty_house):
    installation.upgrade(postgis_url)
    store = connect(postgis_url)
    places.load(store, "eskilstuna")
    name = empty_house["names"]["analyst"]
    accounts.put_user(store, NewUser(name, empty_house["password"], "analyst"), NOW)
    store.close()
    with ExitStack() as stack:
        house = House(empty_house | {"url": postgis_url}, clock, stack)
        reader = house.reader("analyst")
        cookie = reader.cookies["lagesbild"]
        warm(house, reader)
        assert reader.post("/logga-ut", data={"csrf": house.csrf(name)}).status_code == 303
        gone(house.visitor(Cookie=f"lagesbild={cookie}"))
