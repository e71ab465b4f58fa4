"""Backup and restore: every row, either way, whole or not at all."""

import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from geo.errors import Conflict, InvalidParameter, NotFound, SchemaMismatch
from pipelines import looks
from pipelines.commands import db as commands
from pipelines.looks import Log
from store import (
    accounts,
    backup,
    db,
    files,
    group,
    imports,
    installation,
    journal,
    models,
    places,
    plan,
    releases,
    retention,
    schema,
    sessions,
    views,
)
from store.models import Base
from store.parts import JOURNAL, MAIN, PARTS, RELEASE
from tests import store_story
from tests.faults import failing
from tests.store_story import NOW, opening, plain


@contextmanager
def opened(url):
    store = db.connect(url)
    try:
        yield store
    finally:
        store.close()


def fill(store):
    """Put rows into every table: the story's, and those of what it does not tell."""
    schema.upgrade(store)
    store_story.told(store)
    with store.write() as connection:
        decision = group.NewDecision("KS 1", "lag 2023:196", "KS", NOW, NOW + timedelta(days=9))
        group.add(connection, decision)
        retention.put(connection, retention.Rule("tables", 1200, "KS 2", NOW))
        batch = max(row.id for row in imports.batches(connection))
        row = {"import_id": batch, "area": "Årby", "month": 202601, "type": "Klotter"}
        connection.execute(sa.insert(models.TableCount), row)
        planned = plan.NewRow("priority-arby", "Årby", "Årby", "helgnatt", "tema-vald", "2025")
        plan.add(connection, planned, plan.Spot("cells:891f", "vid Tunneln å"), "åsa", NOW)
        views.put(connection, views.NewView("åsa", "Årby", "/nar"), NOW)


def every_row(store):
    """Read every table whole, as values that compare."""
    rows = {}
    with store.read() as connection:
        for table in Base.metadata.sorted_tables:
            query = sa.select(table).order_by(*table.primary_key.columns)
            rows[table.name] = [plain(tuple(row)) for row in connection.execute(query)]
    return rows


@pytest.fixture(scope="module")
def told_gpkg(tmp_path_factory):
    """Give a GeoPackage in which every table holds rows."""
    with opened(f"sqlite:///{tmp_path_factory.mktemp('told')}/told.gpkg") as store:
        fill(store)
        yield store


@pytest.fixture
def told_postgis(postgis_url):
    """Give a PostGIS database in which every table holds rows."""
    with opened(postgis_url) as store:
        fill(store)
        yield store


def round_trip(source, target, file):
    written = backup.backup([source], file)
    read = backup.restore([target], file, NOW, replace=False).rows
    before = every_row(source)
    assert all(before.values())  # no table is empty, so none can be forgotten
    assert every_row(target) == before
    assert written == read == sum(len(rows) for rows in before.values())


def test_a_geopackage_goes_into_a_geopackage_row_for_row(told_gpkg, gpkg_url, tmp_path):
    with opened(gpkg_url) as target:
        round_trip(told_gpkg, target, tmp_path / "kopia.gpkg")


def test_a_geopackage_goes_into_postgis_row_for_row(told_gpkg, postgis_url, tmp_path):
    with opened(postgis_url) as target:
        round_trip(told_gpkg, target, tmp_path / "kopia.gpkg")


def test_postgis_goes_into_a_geopackage_row_for_row(told_postgis, gpkg_url, tmp_path):
    with opened(gpkg_url) as target:
        round_trip(told_postgis, target, tmp_path / "kopia.gpkg")


@pytest.fixture
def kopia(told_gpkg, tmp_path):
    """Give a backup of the told GeoPackage."""
    file = tmp_path / "kopia.gpkg"
    backup.backup([told_gpkg], file)
    return file


def test_a_restored_store_goes_on_with_fresh_ids(kopia, store_url):
    with opened(store_url) as store:
        backup.restore([store], kopia, NOW, replace=False)
        with store.write() as connection:
            highest = max(batch.id for batch in imports.batches(connection))
            assert imports.begin(connection, opening()) == highest + 1
            imports.set_aside(connection, highest, [imports.SetAside(1, "x", "", "", "")])
            accounts.put_user(connection, "ny", "hash", "analyst", NOW)
            before = places.areas(connection)
            kept = [row.as_area() for row in before]
            places.put_areas(
                connection,
                [*kept, store_story.Area("priority", "Ny", store_story.WEST, "x")],
                "import",
                replace=None,
            )
            after = places.areas(connection)
        assert [row.id for row in after[:-1]] == [row.id for row in before]
        assert after[-1].id > max(row.id for row in before)


def test_a_backup_is_one_file_that_is_a_sound_store(kopia):
    assert [each.name for each in kopia.parent.iterdir() if "kopia" in each.name] == ["kopia.gpkg"]
    store = schema.open_store(f"sqlite:///{kopia}")
    with store.read() as connection:
        assert schema.drift(connection) == []
        assert connection.exec_driver_sql("PRAGMA integrity_check").all() == [("ok",)]
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    store.close()


def test_a_backup_never_overwrites_a_file(told_gpkg, tmp_path):
    file = tmp_path / "brev.txt"
    file.write_text("kära")
    with pytest.raises(Conflict) as refused:
        backup.backup([told_gpkg], file)
    assert refused.value.code == "file-exists"
    assert file.read_text() == "kära"


def test_a_backup_does_not_overwrite_a_file_that_came_while_it_was_made(
    told_gpkg, tmp_path, monkeypatch
):
    file = tmp_path / "kopia.gpkg"
    copy = backup._copy_rows  # noqa: SLF001 - the moment in the middle

    def copied_while_another_writes(*sides):
        file.write_text("en annan")
        return copy(*sides)

    monkeypatch.setattr(backup, "_copy_rows", copied_while_another_writes)
    with pytest.raises(Conflict):
        backup.backup([told_gpkg], file)
    assert file.read_text() == "en annan"
    assert list(tmp_path.iterdir()) == [file]


def test_a_backup_onto_a_disk_without_hard_links_is_whole_too(told_gpkg, tmp_path, monkeypatch):
    def no_links(_source, _target):
        raise PermissionError

    monkeypatch.setattr(files.os, "link", no_links)
    file = tmp_path / "kopia.gpkg"
    backup.backup([told_gpkg], file)
    assert list(tmp_path.iterdir()) == [file]
    with pytest.raises(Conflict):
        backup.backup([told_gpkg], file)
    schema.open_store(f"sqlite:///{file}").close()


def test_a_backup_to_where_nothing_can_be_written_is_refused(told_gpkg, tmp_path):
    (tmp_path / "fil").write_text("x")
    with pytest.raises(InvalidParameter) as refused:
        backup.backup([told_gpkg], tmp_path / "fil" / "kopia.gpkg")
    assert refused.value.code == "file-not-writable"


FEW = pytest.param(41, id="at some statements")
ALL = pytest.param(1, id="at every statement", marks=pytest.mark.deep)


@pytest.mark.parametrize("step", [FEW, ALL])
def test_a_backup_that_fails_leaves_nothing(told_gpkg, tmp_path, step):
    file = tmp_path / "kopia.gpkg"
    first = failing(
        lambda: backup.backup([told_gpkg], file), step, lambda: list(tmp_path.iterdir()) == []
    )
    assert first > 80
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("step", [FEW, ALL])
def test_a_restore_that_fails_changes_nothing(kopia, store_url, step):
    with opened(store_url) as store:
        schema.upgrade(store)
        with store.write() as connection:
            accounts.put_user(connection, "åsa", "hash", "analyst", NOW)
        before = every_row(store)
        first = failing(
            lambda: backup.restore([store], kopia, NOW, replace=True),
            step,
            lambda: every_row(store) == before,
        )
        assert first > 50
        assert every_row(store) != before


RESTORE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from store import backup, db
store = db.connect(sys.argv[1])
print("here", flush=True)
backup.restore([store], Path(sys.argv[2]), datetime.now(UTC), replace=True)
"""


@pytest.mark.deep
def test_a_process_killed_at_any_moment_of_a_restore_leaves_one_whole_state(kopia, store_url):
    with opened(store_url) as store:
        schema.upgrade(store)
        with store.write() as connection:
            accounts.put_user(connection, "åsa", "hash", "analyst", NOW)
        before = every_row(store)
    with opened(f"sqlite:///{kopia}") as whole:
        after = every_row(whole)
    seen = []
    for moment in range(12):
        command = [sys.executable, "-c", RESTORE, store_url, str(kopia)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout.read(4) == b"here"
            time.sleep(0.05 * moment)
            process.kill()
        with opened(store_url) as store:
            state = every_row(store)
        assert state in (before, after)
        seen.append(state == after)
    assert seen == sorted(seen)  # once restored, always restored


def test_a_store_with_rows_is_replaced_only_on_demand(kopia, store_url):
    with opened(store_url) as store:
        schema.upgrade(store)
        with store.write() as connection:
            accounts.put_user(connection, "åsa", "gammal", "analyst", NOW)
        with pytest.raises(Conflict) as refused:
            backup.restore([store], kopia, NOW, replace=False)
        assert refused.value.code == "store-not-empty"
        with store.read() as connection:
            assert accounts.user(connection, "åsa").role == "analyst"
        backup.restore([store], kopia, NOW, replace=True)
        with store.read() as connection:
            assert accounts.user(connection, "åsa").role == "admin"


def not_backups(folder):
    """Give files that are no stores of ours, under what is wrong with them."""
    empty = folder / "tom.gpkg"
    empty.touch()
    text = folder / "brev.gpkg"
    text.write_text("Det här är ett brev och ingen databas. " * 50, "utf-8")
    foreign = folder / "annat.gpkg"
    with sqlite3.connect(foreign) as other:
        other.execute("CREATE TABLE area (id INTEGER)")
    other.close()
    return {"not-a-backup": [empty, foreign], "not-a-database": [text]}


def test_what_is_no_backup_never_takes_the_place_of_a_store(tmp_path, store_url):
    with opened(store_url) as store:
        schema.upgrade(store)
        with store.write() as connection:
            accounts.put_user(connection, "åsa", "hash", "analyst", NOW)
        before = every_row(store)
        for code, files in not_backups(tmp_path).items():
            for file in files:
                with pytest.raises(InvalidParameter) as refused:
                    backup.restore([store], file, NOW, replace=True)
                assert refused.value.code == code
        with pytest.raises(NotFound):
            backup.restore([store], tmp_path / "saknas.gpkg", NOW, replace=True)
        with pytest.raises(NotFound):
            backup.restore([store], tmp_path, NOW, replace=True)
        assert every_row(store) == before


def test_a_backup_from_a_newer_program_is_refused(kopia, store_url):
    with sqlite3.connect(kopia) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
    newer.close()
    with opened(store_url) as store:
        with pytest.raises(SchemaMismatch) as refused:
            backup.restore([store], kopia, NOW, replace=True)
        assert refused.value.code == "schema-newer"


def test_a_backup_of_an_earlier_revision_is_brought_up_to_date(tmp_path, store_url):
    old = tmp_path / "gammal.gpkg"
    with opened(f"sqlite:///{old}") as store:
        schema.upgrade(store, schema.revisions()[0])
        with store.write() as connection:
            places.put_addresses(
                connection, [store_story.Address("Å", 1, "", 1.0, 2.0, "", "", "")]
            )
    content = old.read_bytes()
    with opened(store_url) as store:
        assert backup.restore([store], old, NOW, replace=False).rows == 1
        with store.read() as connection:
            assert schema.current(connection) == schema.head()
            assert [a.street for a in places.addresses(connection)] == ["Å"]
    assert old.read_bytes() == content  # the backup itself is left as it was


def test_a_backup_into_an_older_store_upgrades_it(kopia, store_url):
    with opened(store_url) as store:
        schema.upgrade(store, schema.revisions()[0])
        backup.restore([store], kopia, NOW, replace=False)
        with store.read() as connection:
            assert schema.drift(connection) == []


def test_rows_that_still_wait_in_the_log_of_a_served_backup_are_restored(kopia, tmp_path, gpkg_url):
    served = tmp_path / "tagen i drift.gpkg"
    shutil.copy(kopia, served)
    with opened(f"sqlite:///{served}") as store, store.read():  # held open: no checkpoint
        with store.write() as connection:
            accounts.put_user(connection, "sen", "hash", "analyst", NOW)
        assert Path(f"{served}-wal").stat().st_size > 0
        with opened(gpkg_url) as target:
            backup.restore([target], served, NOW, replace=False)
            with target.read() as connection:
                assert accounts.user(connection, "sen") is not None


def test_an_older_store_is_not_backed_up_as_if_it_were_whole(store_url, tmp_path):
    with opened(store_url) as store:
        schema.upgrade(store, schema.revisions()[0])
        with pytest.raises(SchemaMismatch):
            backup.backup([store], tmp_path / "kopia.gpkg")
    assert not (tmp_path / "kopia.gpkg").exists()


def test_a_backup_is_of_one_moment_though_others_write(store_url, tmp_path, monkeypatch):
    copy = backup._copy_rows  # noqa: SLF001 - the moment in the middle

    def copied_while_another_writes(*sides):
        with store.write() as connection:
            accounts.put_user(connection, "bo", "hash", "analyst", NOW)
        return copy(*sides)

    with opened(store_url) as store:
        schema.upgrade(store)
        with store.write() as connection:
            accounts.put_user(connection, "åsa", "hash", "analyst", NOW)
        monkeypatch.setattr(backup, "_copy_rows", copied_while_another_writes)
        assert backup.backup([store], tmp_path / "kopia.gpkg") == 1
        with store.read() as connection:
            assert accounts.user(connection, "bo") is not None


# --- the whole installation --------------------------------------------------------------------


@contextmanager
def whole(url):
    """Give every part of an installation, upgraded."""
    installation.upgrade(url)
    stores = [db.connect(url, part) for part in PARTS]
    try:
        yield stores
    finally:
        for store in stores:
            store.close()


def live(stores):
    """Put something into every part."""
    main, release, journal_store = stores
    with main.write() as connection:
        accounts.put_user(connection, "åsa", "hash", "planner", NOW)
    part = releases.Part(
        *("2025", "tree", date(2025, 1, 1), date(2026, 1, 1), date(2026, 2, 1), NOW, ()),
        (releases.Atom(0, 7, 5, (1,), ("klotter",), ("helgnatt",), ()),),
        (),
    )
    with release.write() as connection:
        new = releases.NewRelease("a", NOW, "", {}, False, "1", (part.sealed(),))  # noqa: FBT003
        releases.activate(connection, releases.add(connection, new), NOW)
    with journal_store.write() as connection:
        given = sessions.Session("åsa", None, "local", "m", NOW, NOW, NOW, "c")
        sessions.open_session(connection, b"t" * 32, given)
    log = Log(journal_store, None, lambda: NOW)
    for n in range(3):
        log.note("åsa", "planner", "release-page", "map", rows=n)


def lines(store):
    with store.read() as connection:
        return journal.page(connection, journal.Wanted())


FILES = ("kopia.gpkg", "kopia.journal.sqlite", "kopia.release.gpkg")


@pytest.fixture
def kopia3(gpkg_url, tmp_path):
    """Give a backup of a whole installation, and what its parts held."""
    folder = tmp_path / "kopior"
    with whole(gpkg_url.replace("store", "källa")) as stores:
        live(stores)
        rows = backup.backup(stores, folder / "kopia.gpkg")
        held = lines(stores[2])
    assert rows == 1 + 3 + 3  # an account; a release, its part, its atom; three looks
    return folder / "kopia.gpkg", held


def test_a_backup_has_a_file_for_each_part_and_each_is_a_sound_store(kopia3):
    file, _ = kopia3
    assert sorted(path.name for path in file.parent.iterdir()) == list(FILES)
    for part in PARTS:
        store = schema.open_store(f"sqlite:///{file}", part)
        with store.read() as connection:
            assert schema.drift(connection, part) == []
        store.close()


def test_every_part_comes_back_into_an_empty_installation(kopia3, store_url):
    file, held = kopia3
    with whole(store_url) as stores:
        done = backup.restore(stores, file, NOW, replace=False)
        assert (done.rows, done.missing, done.journal_stands) == (7, (), False)
        with stores[0].read() as connection:
            assert accounts.user(connection, "åsa").role == "planner"
        with stores[1].read() as connection:
            (part,) = releases.parts(connection, 1)
            assert releases.intact(releases.active(connection), [part])
        assert lines(stores[2]) == held
        with stores[2].read() as connection:
            assert journal.verify(connection, None).broken is None


def test_a_log_goes_on_after_a_restore(kopia3, store_url):
    file, _ = kopia3
    with whole(store_url) as stores:
        backup.restore(stores, file, NOW, replace=False)
        log = Log(stores[2], None, lambda: NOW)
        log.note("bo", "admin", "restore", "operation")
        assert looks.verify(log).broken is None
        assert [line.seq for line in lines(stores[2])] == [4, 3, 2, 1]


def test_who_was_signed_in_at_a_backup_is_not_signed_in_by_it(kopia3, store_url):
    file, _ = kopia3
    with whole(store_url) as stores:
        backup.restore(stores, file, NOW, replace=False)
        with stores[2].read() as connection:
            assert connection.scalar(sa.text("SELECT count(*) FROM session")) == 0
    assert b"t" * 32 not in backup.file_of(file, JOURNAL).read_bytes()


def test_a_log_that_holds_anything_stands_against_a_backup(kopia3, store_url):
    file, _ = kopia3
    with whole(store_url) as stores:
        Log(stores[2], None, lambda: NOW).note("bo", "admin", "users", "operation")
        before = lines(stores[2])
        done = backup.restore(stores, file, NOW, replace=True)
        assert (done.rows, done.journal_stands) == (4, True)
        assert lines(stores[2]) == before


def test_a_backup_from_before_there_were_parts_leaves_the_others_as_they_are(kopia3, store_url):
    file, _ = kopia3
    for part in (RELEASE, JOURNAL):
        backup.file_of(file, part).unlink()
    with whole(store_url) as stores:
        live(stores)
        done = backup.restore(stores, file, NOW, replace=True)
        assert done.missing == ("kopia.release.gpkg", "kopia.journal.sqlite")
        with stores[1].read() as connection:
            assert releases.active(connection) is not None
        assert len(lines(stores[2])) == 3


@pytest.mark.parametrize("broken", [MAIN, RELEASE, JOURNAL])
def test_one_broken_file_of_a_backup_changes_no_part(kopia3, store_url, broken):
    file, _ = kopia3
    backup.file_of(file, broken).write_text("Det här är ett brev. " * 100)
    with whole(store_url) as stores:
        with pytest.raises(InvalidParameter) as refused:
            backup.restore(stores, file, NOW, replace=True)
        assert refused.value.code == "not-a-database"
        assert [every_row_of(store) for store in stores] == [0, 0, 0]


def test_parts_do_not_take_each_others_places(kopia3, store_url):
    file, _ = kopia3
    shutil.copy(backup.file_of(file, RELEASE), file)
    with whole(store_url) as stores:
        with pytest.raises(InvalidParameter) as refused:
            backup.restore(stores, file, NOW, replace=True)
        assert refused.value.code == "not-a-backup"


def every_row_of(store):
    with store.read() as connection:
        counts = [
            connection.scalar(sa.select(sa.func.count()).select_from(table))
            for table in store.part.metadata.sorted_tables
        ]
    return sum(counts)


def test_a_restore_that_fails_leaves_every_part_as_it_was(kopia3, store_url):
    file, _ = kopia3
    with whole(store_url) as stores:
        with stores[0].write() as connection:
            accounts.put_user(connection, "bo", "hash", "analyst", NOW)
        before = [every_row_of(store) for store in stores]
        failing(
            lambda: backup.restore(stores, file, NOW, replace=True),
            37,
            lambda: [every_row_of(store) for store in stores] == before,
        )
        assert [every_row_of(store) for store in stores] == [1, 3, 3]


def test_a_name_that_is_taken_stops_the_whole_backup(gpkg_url, tmp_path):
    taken = tmp_path / "kopia.release.gpkg"
    taken.write_text("upptaget")
    with whole(gpkg_url) as stores, pytest.raises(Conflict):
        backup.backup(stores, tmp_path / "kopia.gpkg")
    assert not (tmp_path / "kopia.gpkg").exists()
    assert not (tmp_path / "kopia.journal.sqlite").exists()
    assert taken.read_text() == "upptaget"


def test_a_single_file_from_before_there_were_parts_makes_a_whole_installation(
    kopia3, store_url, monkeypatch
):
    file, _ = kopia3
    for part in (RELEASE, JOURNAL):
        backup.file_of(file, part).unlink()
    monkeypatch.setenv("LAGESBILD_DATABASE_URL", store_url)
    done = CliRunner().invoke(commands.app, ["restore", str(file)])
    assert done.exception is None
    with whole(store_url) as stores:
        assert [line.entry.what for line in lines(stores[2])] == ["restore"]
    again = file.with_name("igen.gpkg")
    assert CliRunner().invoke(commands.app, ["backup", str(again)]).exception is None
    assert all(backup.file_of(again, part).is_file() for part in PARTS)
    assert CliRunner().invoke(commands.app, ["check"]).exception is None
