"""The store where it hurts: odd values, very many of them, full disks and several writers."""

import sqlite3
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg
import pytest
import shapely
import sqlalchemy as sa

from geo.errors import InvalidParameter, LagesbildError, SchemaMismatch, StoreUnavailable
from geo.profile import Address, Area
from store import (
    accounts,
    db,
    geopackage,
    imports,
    incidents,
    models,
    observations,
    places,
    records,
    runs,
)
from store import schema as schemas
from tests.store_story import NOW, PROFILE, events, identity, instants, opening, placing, provenance

NOT_ALLOWED = (sa.exc.IntegrityError, sqlite3.IntegrityError, psycopg.IntegrityError)


@contextmanager
def opened(url):
    store = db.connect(url)
    try:
        yield store
    finally:
        store.close()


@pytest.fixture
def store(store_url):
    """Give an upgraded store without rows."""
    with opened(store_url) as made:
        schemas.upgrade(made)
        yield made


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://x/y", "sqlite://", "sqlite:///:memory:", "postgresql"]
)
def test_what_is_no_address_of_a_store_is_refused(url):
    with pytest.raises(InvalidParameter) as refused:
        db.connect(url)
    assert refused.value.code == "database-url"


def test_a_file_that_is_no_database_is_refused(tmp_path):
    file = tmp_path / "brev.gpkg"
    file.write_text("Det här är ett brev och ingen databas. " * 50, "utf-8")
    with pytest.raises(InvalidParameter) as refused:
        schemas.open_store(f"sqlite:///{file}")
    assert refused.value.code == "not-a-database"


def test_a_folder_that_cannot_be_made_is_an_unavailable_store(tmp_path):
    (tmp_path / "fil").write_text("x")
    with pytest.raises(StoreUnavailable), opened(f"sqlite:///{tmp_path}/fil/lagesbild.gpkg"):
        pass


def test_a_server_that_does_not_answer_is_an_unavailable_store():
    url = "postgresql+psycopg://nobody@127.0.0.1:1/x"
    with opened(url) as nowhere, pytest.raises(StoreUnavailable), nowhere.read() as connection:
        connection.execute(sa.select(1))


@pytest.mark.parametrize("microsecond", [0, 1, 499_999, 999_999])
def test_an_instant_is_kept_to_the_second(store, microsecond):
    moment = datetime(2026, 3, 1, 12, 30, 15, microsecond, tzinfo=UTC)
    with store.write() as connection:
        key = imports.begin(connection, opening(started_at=moment))
    with store.read() as connection:
        assert imports.batch(connection, key).started_at == moment.replace(microsecond=0)


def test_a_key_is_compared_to_the_second_in_both_stores(store):
    ends = datetime(2026, 3, 1, 12, 30, 15, 500_000, tzinfo=UTC)
    with store.write() as connection:
        accounts.add_key(connection, accounts.NewKey("k", b"k" * 32, "analyst", NOW, ends))
        before, after = ends - timedelta(seconds=1), ends - timedelta(microseconds=1)
        assert accounts.api_key(connection, b"k" * 32, before) is not None
        assert accounts.api_key(connection, b"k" * 32, after) is None


@pytest.mark.parametrize("year", [1, 999, 1000, 9999])
def test_years_of_any_length_are_compared_as_numbers(store, year):
    moment = datetime(year, 6, 1, tzinfo=UTC)
    with store.write() as connection:
        places.save_profile(connection, PROFILE, "d")
        batch = imports.begin(connection, opening())
        incidents.add(
            connection, identity(batch, 0, 1), events(instants("2026-06-01")), placing([1], [1])
        )
        after = incidents.find(connection, incidents.IncidentFilter(start=moment), 9, 0)
        before = incidents.find(connection, incidents.IncidentFilter(end=moment), 9, 0)
    assert (after.matched, before.matched) == ((1, 0) if year < 2026 else (0, 1))


def test_a_time_without_a_zone_is_refused_because_it_would_be_a_guess(store):
    with pytest.raises(sa.exc.StatementError) as refused, store.write() as connection:
        imports.begin(connection, opening(started_at=datetime(2026, 3, 1)))  # noqa: DTZ001
    assert isinstance(refused.value.orig, InvalidParameter)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "å" * 100_000,
        "'); DROP TABLE area; --",
        "\\N",
        "\t\n\r\\",
        "NULL",
        "🚲",
        "%s ?",
    ],
)
def test_any_text_comes_back_as_it_was(store, text):
    with store.write() as connection:
        batch = imports.begin(connection, opening(file_name=text))
        imports.set_aside(connection, batch, [imports.SetAside(1, text, text, text, text)])
        places.put_addresses(connection, [Address(text, 1, text, 1.0, 2.0, text, text, text)])
    with store.read() as connection:
        (row,) = imports.quarantine(connection)
        assert {row.reason, row.column, row.value, row.raw} == {text}
        assert imports.batch(connection, batch).file_name == text
        assert places.addresses(connection)[0].street == text


@pytest.mark.parametrize("text", ["\0", "a\0b"])
def test_a_nul_is_kept_or_refused_and_never_a_crash(store, text):
    row = imports.SetAside(1, text, "", "", text)
    try:
        with store.write() as connection:
            assert accounts.user(connection, text) is None
            imports.set_aside(connection, imports.begin(connection, opening()), [row])
            assert imports.quarantine(connection)[0].raw == text
    except InvalidParameter as refused:
        assert refused.code == "text-not-storable"  # noqa: PT017 - PostgreSQL knows no NUL


def test_numbers_at_their_limits_come_back_as_they_were(store):
    big, small = 2**31 - 1, -(2**31)
    reals = [0.1, 1e-300, 1.7976931348623157e308, -0.0]
    with store.write() as connection:
        places.put_addresses(connection, [Address("a", big, "", x, -x, "", "", "") for x in reals])
        batch = imports.begin(connection, opening())
        imports.finish(connection, batch, imports.Counts(big, small, 0, 1), {"n": 2**53})
    with store.read() as connection:
        assert [a.lon for a in places.addresses(connection)] == reals
        found = imports.batch(connection, batch)
        assert (found.rows_read, found.accepted, found.report) == (big, small, {"n": 2**53})


def test_very_many_rows_can_be_named_at_once(store):
    many = range(70_000)  # more than either database takes as parameters of one statement
    keys = [n.to_bytes(16, "big") for n in many]
    with store.write() as connection:
        imports.mark_retried(connection, many, imports.begin(connection, opening()))
        assert observations.review(connection, many) == 0
        records.set_piles(connection, models.Incident, many)
        assert records.known_keys(connection, models.Incident, keys) == {}


def test_piles_are_looked_for_at_thousands_of_centres(store):
    lon = np.linspace(16, 17, 3000)
    centres = np.column_stack([lon, np.full(3000, 59.3)])
    with store.write() as connection:
        batch = imports.begin(connection, opening())
        at = placing([lon[7], lon[2999], 15.0], [59.3] * 3)
        incidents.add(connection, identity(batch, 0, 3), events(instants(*["2026-06-01"] * 3)), at)
        found = records.stacked(connection, models.Incident, 2, centres)
    assert found.place_text == ["Storgatan 0", "Storgatan 1"]
    assert found.id.size == 2


def test_heights_are_dropped_from_outlines(store):
    flat = shapely.box(16, 59, 17, 60)
    with store.write() as connection:
        places.put_areas(
            connection,
            [Area("district", "A", shapely.force_3d(flat, 12.5), "x")],
            "import",
            replace=None,
        )
    with store.read() as connection:
        (area,) = places.areas(connection)
    assert not area.outline.has_z
    assert area.outline.equals(flat)


def test_an_unknown_candidate_list_is_null_and_not_the_word_null(store):
    with store.write() as connection:
        batch = imports.begin(connection, opening())
        incidents.add(
            connection, identity(batch, 0, 1), events(instants("2026-06-01")), placing([1], [1])
        )
        empty = sa.select(sa.func.count()).where(models.Incident.candidates.is_(None))
        assert connection.scalar(empty) == 1
        # The way of `restore`, row by row instead of in bulk.
        (row,) = connection.execute(sa.select(models.Incident.__table__)).mappings()
        connection.execute(sa.delete(models.Incident))
        connection.execute(sa.insert(models.Incident), [dict(row)])
        assert connection.scalar(empty) == 1


def test_the_id_of_a_removed_area_is_never_given_to_another(store):
    def put(name, *, kind=None):
        places.put_areas(
            connection,
            [Area("district", name, shapely.box(0, 0, 1, 1), "x")],
            "import",
            replace=kind,
        )

    with store.write() as connection:
        put("A")
        put("B")
        removed = {area.name: area.id for area in places.areas(connection)}["B"]
        put("A", kind="district")
        put("C")
        assert {area.name: area.id for area in places.areas(connection)}["C"] != removed


def test_a_run_that_does_not_exist_cannot_take_force(store):
    with store.write() as connection:
        runs.activate(connection, runs.add(connection, provenance()))
    with pytest.raises(LagesbildError), store.write() as connection:
        runs.activate(connection, 999)
    with store.read() as connection:
        assert runs.current(connection) is not None


def test_what_fails_in_the_middle_of_a_write_leaves_nothing(store):
    def stumble():
        with store.write() as connection:
            imports.begin(connection, opening())
            accounts.put_user(connection, "åsa", "hash", "analyst", NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stumble()
    with store.read() as connection:
        assert imports.batches(connection) == []
        assert accounts.user(connection, "åsa") is None


def test_the_same_key_twice_is_refused_whole(store):
    with store.write() as connection:
        batch = imports.begin(connection, opening())
    start = events(instants("2026-06-01", "2026-06-01"))
    twice = replace(identity(batch, 0, 2), row_key=[b"k" * 16] * 2)
    with pytest.raises(NOT_ALLOWED), store.write() as connection:
        incidents.add(connection, twice, start, placing([1, 2], [1, 2]))
    with store.read() as connection:
        assert incidents.count(connection) == 0


def test_a_reader_sees_one_state_while_a_writer_writes(store):
    with store.write() as connection:
        accounts.put_user(connection, "åsa", "hash", "before", NOW)
    with store.read() as reading:
        assert accounts.user(reading, "åsa").role == "before"
        with store.write() as writing:
            accounts.put_user(writing, "åsa", "hash", "after", NOW)
        assert accounts.user(reading, "åsa").role == "before"
    with store.read() as reading:
        assert accounts.user(reading, "åsa").role == "after"


def test_a_window_that_the_profile_does_not_have_is_refused(store):
    with store.write() as connection:
        places.save_profile(connection, PROFILE, "d")
        with pytest.raises(InvalidParameter) as refused:
            incidents.find(connection, incidents.IncidentFilter(window="midsommar"), 9, 0)
    assert refused.value.code == "unknown-window"


def test_a_name_given_twice_in_one_list_means_the_last_of_them(store):
    twice = [Area("district", "A", shapely.box(0, 0, n, n), str(n)) for n in (1, 2)]
    with store.write() as connection:
        places.put_areas(connection, twice, "import", replace=None)
        assert [area.source for area in places.areas(connection)] == ["2"]


def test_long_work_waits_for_other_long_work_and_then_gives_up(store, monkeypatch):
    monkeypatch.setitem(geopackage.WAITS_MS, "alone", 50)
    with (
        store.write_alone() as first,
        pytest.raises(StoreUnavailable),
        store.write_alone() as second,
    ):
        places.put_addresses(second, [])
    with store.write_alone() as third:  # the first has let go
        places.put_addresses(third, [])
    assert first.closed


def test_a_schema_change_that_orphans_a_row_is_taken_back(tmp_path):
    with opened(f"sqlite:///{tmp_path / 'x.gpkg'}") as store:
        schemas.upgrade(store)
        with pytest.raises(SchemaMismatch), store.migrate() as connection:
            imports.set_aside(connection, 999, [imports.SetAside(1, "x", "", "", "")])
        with store.read() as connection:
            assert imports.quarantine(connection) == []


def test_a_row_of_no_import_is_refused(store):
    with pytest.raises(NOT_ALLOWED), store.write() as connection:
        imports.set_aside(connection, 999, [imports.SetAside(1, "x", "", "", "")])


def test_a_reader_cannot_write(store):
    with pytest.raises((sa.exc.DBAPIError, StoreUnavailable)), store.read() as connection:
        places.put_addresses(connection, [])


def in_threads(jobs):
    """Run jobs at the same time and give the faults they met."""
    faults = []
    gate = threading.Barrier(len(jobs))

    def run(job):
        gate.wait()
        try:
            job()
        except Exception as fault:  # noqa: BLE001 - whatever it was, the test shall show it
            faults.append(fault)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return faults


def test_two_analyses_at_once_leave_one_run_in_force(store):
    def publish():
        with store.write_alone() as connection:
            runs.activate(connection, runs.add(connection, provenance()))

    assert in_threads([publish] * 4) == []
    with store.read() as connection:
        history, current = runs.history(connection), runs.current(connection)
    assert len(history) == 4
    assert current is not None


def test_many_writers_lose_no_change(store):
    with store.write() as connection:
        places.save_profile(connection, PROFILE, "d")

    def touch():
        for _ in range(5):
            with store.write() as connection:
                places.touch(connection)

    assert in_threads([touch] * 4) == []
    with store.read() as connection:
        assert places.revision(connection) == 21


def test_a_full_disk_is_an_unavailable_store_and_leaves_nothing(tmp_path):
    def fill():
        with store.write() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 100")
            row = imports.SetAside(1, "x", "", "", "y" * 1000)
            imports.set_aside(connection, imports.begin(connection, opening()), [row] * 2000)

    with opened(f"sqlite:///{tmp_path / 'full.gpkg'}") as store:
        schemas.upgrade(store)
        with pytest.raises(StoreUnavailable):
            fill()
        store.close()
        with store.read() as connection:
            assert imports.batches(connection) == []
            check = connection.exec_driver_sql("PRAGMA integrity_check").all()
    assert check == [("ok",)]


def test_a_server_that_stops_in_the_middle_is_an_unavailable_store(postgis_url):
    def lose_the_server():
        with store.read() as other, store.write() as connection:
            batch = imports.begin(connection, opening())
            own = connection.scalar(sa.func.pg_backend_pid())
            other.scalar(sa.select(sa.func.pg_terminate_backend(own)))
            imports.set_aside(connection, batch, [imports.SetAside(1, "x", "", "", "")])

    with opened(postgis_url) as store:
        schemas.upgrade(store)
        with pytest.raises(StoreUnavailable):
            lose_the_server()
        with store.read() as connection:
            assert imports.batches(connection) == []
