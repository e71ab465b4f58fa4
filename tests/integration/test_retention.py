"""Retention: what is too old goes, whole and without a trace, and no backup brings it back."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from geo.errors import InvalidParameter, NotFound
from pipelines import looks, retention
from pipelines.analyse import Parameters, analyse
from pipelines.commands import retention as commands
from pipelines.looks import Log
from store import (
    accounts,
    backup,
    installation,
    journal,
    models,
    releases,
    runs,
    schema,
    sessions,
)
from store import retention as stored
from store.parts import JOURNAL, MAIN, PARTS, RELEASE
from store.retention import CLASSES, Limit, Rule
from tests.desk import NOW, WALK, lonlat, report, sighting

WHO = ("kommandorad:test", "admin")
STREET = "Hemlighetsgränd"


def rule(data_class, months):
    return Rule(data_class, months, "KS 2026:9, dokumenthanteringsplan", NOW)


class House:
    """An installation with all its parts."""

    def __init__(self, desk):
        installation.upgrade(desk.url)
        self.desk = desk
        self.parts = [schema.open_store(desk.url, part) for part in PARTS]
        self.main, self.release, self.journal = self.parts
        self.log = Log(self.journal, looks.anchor_file(desk.url), lambda: NOW)

    def rules(self, **months):
        for name, n in months.items():
            retention.put_rule(self.main, rule(name, n))

    def run(self, now=NOW):
        return retention.run(self.parts, self.log, WHO, now)

    def trial(self, now=NOW):
        return retention.trial(self.parts, now)

    def ask(self, query, part=MAIN):
        with self.parts[PARTS.index(part)].read() as connection:
            return connection.scalar(sa.text(query))

    def entries(self):
        with self.journal.read() as connection:
            return [line.entry for line in journal.page(connection, journal.Wanted())][::-1]

    def bytes(self):
        files = self.desk.folder.glob("store.*")
        return b"".join(path.read_bytes() for path in files)

    def close(self):
        for store in self.parts:
            store.close()


@pytest.fixture
def house(desk):
    made = House(desk)
    yield made
    made.close()


@pytest.fixture
def gpkg_house(gpkg_desk):
    made = House(gpkg_desk)
    yield made
    made.close()


def at(moment, **cells):
    return {"BROTTSDATUMTID_START": moment, "BROTTSDATUMTID_SLUT": "", **cells}


# --- months ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("months", "now", "month", "instant"),
    [
        (1, datetime(2026, 11, 22, tzinfo=UTC), 202610, "2026-09-30T22:00"),  # summer time
        (12, datetime(2026, 1, 31, tzinfo=UTC), 202501, "2024-12-31T23:00"),
        (24, datetime(2026, 12, 1, tzinfo=UTC), 202412, "2024-11-30T23:00"),
        (1, datetime(2026, 10, 31, 23, 30, tzinfo=UTC), 202610, "2026-09-30T22:00"),  # November
        (1200, datetime(2026, 6, 1, tzinfo=UTC), 192606, "1926-05-31T23:00"),
    ],
)
def test_a_rule_counts_whole_local_months(months, now, month, instant):
    found = stored.limit(months, now, "Europe/Stockholm")
    at = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    assert found == Limit(at, month)


# --- rules -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"data_class": "brev"}, "retention-class"),
        ({"months": 0}, "retention-months"),
        ({"months": 1201}, "retention-months"),
        ({"legal_basis": " "}, "retention-legal-basis"),
        ({"legal_basis": "x" * 301}, "retention-legal-basis"),
    ],
)
def test_a_rule_needs_a_class_months_and_a_legal_basis(gpkg_desk, wrong, code):
    with pytest.raises(InvalidParameter) as refused:
        retention.put_rule(gpkg_desk.store, replace(rule("tables", 1), **wrong))
    assert refused.value.code == code


def test_a_class_has_one_rule_and_none_when_it_is_taken_away(house):
    house.rules(incidents=24, log=12)
    house.rules(incidents=36)
    with house.main.read() as connection:
        assert [(r.data_class, r.months) for r in stored.rules(connection)] == [
            ("incidents", 36),
            ("log", 12),
        ]
    retention.drop_rule(house.main, "incidents")
    with pytest.raises(NotFound):
        retention.drop_rule(house.main, "incidents")
    with pytest.raises(InvalidParameter):
        retention.drop_rule(house.main, "brev")


def test_without_rules_everything_is_kept(house):
    house.desk.take_rows(report(1, **at("2023-01-01 12:00")))
    assert house.trial() == house.run() == []
    assert house.ask("SELECT count(*) FROM incident") == 1
    assert house.entries() == []


# --- each class --------------------------------------------------------------------------------


def outcome(found):
    return {each.data_class: (each.rows, each.runs) for each in found}


def test_incidents_go_by_when_they_began_to_the_minute_of_the_local_month(house):
    house.desk.take_rows(
        report(1, **at("2024-10-31 23:59")),
        report(2, **at("2024-11-01 00:00")),
        report(3, **at("2026-10-30 12:00")),
    )
    house.rules(incidents=24)
    assert outcome(house.trial()) == outcome(house.run()) == {"incidents": (1, 0)}
    assert house.ask("SELECT count(*) FROM incident") == 2
    assert outcome(house.run()) == {"incidents": (0, 0)}


def test_analyses_that_counted_what_is_gone_go_with_it(house):
    house.desk.take_rows(
        *(report(f"a{n}", **at("2024-10-05 12:00")) for n in range(6)),
        *(report(f"b{n}", **at("2026-10-05 12:00")) for n in range(6)),
    )
    analyse(house.main, Parameters(), NOW)
    tables = ("run", "layer", "cell_count", "area_count", "cluster", "unit_verdict")
    assert all(house.ask(f"SELECT count(*) FROM {name}") for name in tables[:4])  # noqa: S608
    house.rules(incidents=24)
    assert outcome(house.trial()) == outcome(house.run()) == {"incidents": (6, 1)}
    assert {name: house.ask(f"SELECT count(*) FROM {name}") for name in tables} == dict.fromkeys(  # noqa: S608
        tables, 0
    )
    again = analyse(house.main, Parameters(), NOW)
    assert (again.changed, again.run.n_incidents) == (True, 6)
    assert outcome(house.run()) == {"incidents": (0, 0)}  # a new map outlives the next night
    with house.main.read() as connection:
        assert runs.current(connection).id == again.run.id


def test_old_analyses_go_by_when_they_were_made(house):
    house.desk.take_rows(report(1, **at("2026-10-05 12:00")))
    analyse(house.main, Parameters(), datetime(2025, 3, 1, tzinfo=UTC))
    house.rules(layers=12)
    assert outcome(house.run()) == {"layers": (1, 0)}
    assert house.ask("SELECT count(*) FROM layer") == 0
    assert house.ask("SELECT count(*) FROM incident") == 1


def test_rows_in_quarantine_go_by_their_import_with_the_examples_in_its_report(house):
    house.desk.take_rows(report(1, BROTTSKOD="XYZ1"), now=datetime(2026, 8, 1, tzinfo=UTC))
    house.desk.take_rows(report(2, BROTTSKOD="XYZ2"), name="ny.csv")
    house.rules(quarantine=2)
    assert outcome(house.trial()) == outcome(house.run()) == {"quarantine": (1, 0)}
    kept = house.ask("SELECT column_value FROM quarantined")
    assert kept == "XYZ2"
    reports = [house.desk.one(f"SELECT report FROM import_batch WHERE id = {n}") for n in (1, 2)]  # noqa: S608
    assert "XYZ1" not in str(reports[0])
    assert "XYZ2" in str(reports[1])


def test_observations_go_by_when_they_were_made(house):
    rows = [sighting(Datum=f"{day} 19:00") for day in ("2025-09-30", "2025-10-01")]
    house.desk.take_rows(*rows, header=WALK, kind="observations")
    house.rules(observations=13)
    assert outcome(house.trial()) == outcome(house.run()) == {"observations": (1, 0)}
    assert house.ask("SELECT count(*) FROM observation") == 1


def test_accounts_and_keys_go_some_time_after_they_expired(house):
    ends = [datetime(2026, 8, 31, tzinfo=UTC), datetime(2026, 9, 2, tzinfo=UTC), None]
    with house.main.write() as connection:
        for name, end in zip("abc", ends, strict=True):
            accounts.put_user(connection, name, "hash", "planner", NOW, end)
        for name, end in zip("de", ends, strict=False):
            accounts.add_key(
                connection, accounts.NewKey(name, name.encode() * 32, "planner", NOW, end)
            )
    house.rules(accounts=2, keys=2)
    assert outcome(house.trial()) == outcome(house.run()) == {"accounts": (1, 0), "keys": (1, 0)}
    assert house.ask("SELECT count(*) FROM user_account") == 2
    assert house.ask("SELECT name FROM api_key") == "e"


def test_numbers_of_others_tables_go_by_their_month(house):
    with house.main.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO import_batch (kind, source, file_name, file_sha256, started_at, rows_read,"
            " accepted, duplicates, quarantined, synthetic, report) VALUES ('table', 'polisen',"
            " 't.csv', 'x', '2026-10-01T00:00:00.000Z', 2, 2, 0, 0, false, '{}')"
        )
        rows = [
            {"import_id": 1, "area": "Årby", "month": month, "type": "Klotter", "count": 7}
            for month in (202510, 202511)
        ]
        connection.execute(sa.insert(models.TableCount), rows)
    house.rules(tables=12)
    assert outcome(house.trial()) == outcome(house.run()) == {"tables": (1, 0)}
    assert house.ask("SELECT month FROM table_count") == 202511


def new_release(number):
    part = releases.Part(
        "2023",
        "tree",
        date(2023, 1, 1),
        date(2024, 1, 1),
        date(2024, 2, 1),
        datetime(2024, 2, 1, tzinfo=UTC),
        (),
        (releases.Atom(0, 7, 5, (1,), ("klotter",), ("helgnatt",), ()),),
        (),
    )
    made = datetime(2024, 2, number, tzinfo=UTC)
    return releases.NewRelease("kommunen", made, "", {}, False, "test", (part.sealed(),))  # noqa: FBT003


def test_superseded_releases_lose_their_numbers_and_keep_their_digest(house):
    with house.release.write() as connection:
        old, current = (releases.add(connection, new_release(n)) for n in (1, 2))
        releases.activate(connection, current, NOW)
    house.rules(releases=12)
    assert outcome(house.trial()) == outcome(house.run()) == {"releases": (1, 0)}
    with house.release.read() as connection:
        assert releases.parts(connection, old) == ()
        assert len(releases.find(connection, old).digest) == 64
        assert [atom.count for part in releases.parts(connection, current) for atom in part.atoms]
    assert house.ask("SELECT count(*) FROM release_atom", RELEASE) == 1


def test_sessions_go_some_time_after_they_ended(house):
    with house.journal.write() as connection:
        for n, ended in enumerate((datetime(2026, 8, 1, tzinfo=UTC), NOW)):
            session = sessions.Session("anna", None, "local", "m", ended, ended, ended, "c")
            sessions.open_session(connection, bytes([n]) * 32, session)
    house.rules(sessions=1)
    assert outcome(house.trial()) == outcome(house.run()) == {"sessions": (1, 0)}
    assert house.ask("SELECT count(*) FROM session", JOURNAL) == 1


def test_old_entries_of_the_log_are_blanked_and_the_chain_stays_whole(house):
    earlier = datetime(2025, 6, 1, tzinfo=UTC)
    replace(house.log, now=lambda: earlier).note("anna", "analyst", "incidents", "analysis")
    house.rules(log=12)
    assert outcome(house.trial()) == outcome(house.run()) == {"log": (1, 0)}
    assert [entry and entry.what for entry in house.entries()] == [None, journal.WEEDED]
    assert looks.verify(house.log).broken is None
    assert outcome(house.trial()) == {"log": (0, 0)}


def test_every_class_can_be_counted_and_weeded(house):
    house.rules(**dict.fromkeys(CLASSES, 12))
    assert set(outcome(house.trial())) == set(outcome(house.run())) == set(CLASSES)


# --- on record, and whole ----------------------------------------------------------------------


def test_a_trial_changes_nothing_and_a_run_is_noted_class_by_class(house):
    house.desk.take_rows(report(1, **at("2024-01-05 12:00")))
    house.rules(incidents=24, observations=24)
    house.trial()
    assert house.ask("SELECT count(*) FROM incident") == 1
    assert house.entries() == []
    house.run()
    noted = [(e.who, e.what, e.purpose, e.asked["class"], e.rows) for e in house.entries()]
    assert noted == [
        (WHO[0], "retention", "operation", "incidents", 1),
        (WHO[0], "retention", "operation", "observations", 0),
    ]
    assert house.entries()[0].asked["before"].startswith("2024-10-31T23:00")
    assert STREET not in str(house.entries())


def test_a_run_that_fails_half_way_removes_nothing_of_its_part(house):
    house.desk.take_rows(report(1, **at("2024-01-05 12:00")))
    house.desk.take_rows(
        sighting(Datum="2024-01-05 19:00"), header=WALK, kind="observations", name="vandring.csv"
    )
    house.rules(incidents=24, observations=24)

    def fails(_conn, _cursor, statement, *_):
        if statement.startswith("DELETE FROM observation"):
            raise OSError(28, "No space left on device")

    sa.event.listen(house.main.engine, "before_cursor_execute", fails)
    with pytest.raises(OSError, match="No space"):
        house.run()
    sa.event.remove(house.main.engine, "before_cursor_execute", fails)
    assert house.ask("SELECT count(*) FROM incident") == 1


def test_nothing_of_what_was_removed_is_left_in_the_files(gpkg_house):
    house = gpkg_house
    gone = [
        report(n, **at("2024-01-05 12:00"), GATA=STREET, GATUNR=str(n), **lonlat(16.51, 59.37))
        for n in range(40)
    ]
    wrong = report("fel", **at("2024-01-05 12:00", BROTTSKOD="9x9x"), GATA=STREET)
    house.desk.take_rows(*gone, wrong, now=datetime(2025, 1, 1, tzinfo=UTC))
    house.desk.take_rows(report("ny", **at("2026-10-05 12:00"), GATA="Kvargatan"), name="ny.csv")
    analyse(house.main, Parameters(), NOW)
    assert STREET.encode() in house.bytes()
    house.rules(incidents=12, quarantine=12)
    assert outcome(house.run()) == {"incidents": (40, 1), "quarantine": (1, 0)}
    assert retention.compact(house.parts)
    assert STREET.encode() not in house.bytes()
    assert b"Kvargatan" in house.bytes()
    assert b"9x9x" not in house.bytes()


def test_a_reader_in_the_way_is_told_and_the_next_run_finishes(house):
    house.desk.take_rows(report(1, **at("2024-01-05 12:00"), GATA=STREET))
    house.rules(incidents=12)
    reader = schema.open_store(house.desk.url)
    with reader.read() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM incident")
        house.run()
        assert not retention.compact(house.parts)
    reader.close()
    assert retention.compact(house.parts)
    if house.main.is_geopackage:
        assert STREET.encode() not in house.bytes()


def test_rewriting_the_tables_of_a_server_keeps_every_row(postgis_desk):
    house = House(postgis_desk)
    house.desk.take_rows(report(1, **at("2026-10-05 12:00")))
    before = house.desk.sizes()
    assert retention.compact(house.parts)
    assert house.desk.sizes() == before
    house.close()


# --- backups -----------------------------------------------------------------------------------


def test_a_backup_older_than_a_weeding_does_not_bring_back_what_was_weeded(house, tmp_path):
    house.desk.take_rows(
        report(1, **at("2024-01-05 12:00"), GATA=STREET), report(2, **at("2026-10-05 12:00"))
    )
    file = tmp_path / "kopia" / "kopia.gpkg"
    backup.backup(house.parts, file)
    house.rules(incidents=12)
    house.run()
    done = backup.restore(house.parts, file, NOW, replace=True)
    assert outcome(done.weeded) == {"incidents": (1, 0)}
    assert house.ask("SELECT count(*) FROM incident") == 1
    with house.main.read() as connection:
        assert [r.data_class for r in stored.rules(connection)] == ["incidents"]
    retention.after_restore(house.parts, house.log, WHO, done, NOW)
    assert house.entries()[-1].what == "restore"
    assert house.entries()[-1].asked == {"incidents": 1}
    if house.main.is_geopackage:
        assert STREET.encode() not in house.bytes()


def test_the_rules_of_the_installation_stand_against_those_of_a_backup(house, tmp_path):
    house.desk.take_rows(report(1, **at("2025-06-05 12:00")))
    house.rules(incidents=6)
    backup.backup(house.parts, tmp_path / "kopia.gpkg")
    house.rules(incidents=60)
    backup.restore(house.parts, tmp_path / "kopia.gpkg", NOW, replace=True)
    assert house.ask("SELECT count(*) FROM incident") == 1
    assert house.ask("SELECT months FROM retention_rule") == 60


def test_an_empty_installation_takes_the_rules_of_the_backup(house, tmp_path):
    house.desk.take_rows(report(1, **at("2025-06-05 12:00")), report(2, **at("2026-10-05 12:00")))
    house.rules(incidents=12)
    backup.backup(house.parts, tmp_path / "kopia.gpkg")
    url = f"sqlite:///{tmp_path}/ny.gpkg"
    installation.upgrade(url)
    empty = [schema.open_store(url, part) for part in PARTS]
    later = NOW + timedelta(days=300)
    assert outcome(backup.restore(empty, tmp_path / "kopia.gpkg", later, replace=False).weeded) == {
        "incidents": (1, 0)
    }
    for store in empty:
        store.close()


# --- the command line --------------------------------------------------------------------------


def typed(url, *arguments):
    environment = {"LAGESBILD_DATABASE_URL": url}
    done = CliRunner().invoke(commands.app, [str(each) for each in arguments], env=environment)
    return done.exception or done.output


def test_the_command_line_sets_shows_tries_runs_and_takes_away(house):
    url = house.desk.url
    house.desk.take_rows(report(1, **at("2023-01-05 12:00")))
    rules = ("--months", 24, "--legal-basis", "KS 2026:9")
    assert isinstance(typed(url, "set", "incidents", *rules), str)
    assert isinstance(typed(url, "show"), str)
    assert isinstance(typed(url, "run", "--dry-run"), str)
    assert house.ask("SELECT count(*) FROM incident") == 1
    assert isinstance(typed(url, "run"), str)
    assert house.ask("SELECT count(*) FROM incident") == 0
    assert isinstance(typed(url, "unset", "incidents"), str)
    assert isinstance(typed(url, "run"), str)
    refused = typed(url, "set", "brev", *rules)
    assert (type(refused), refused.code) == (InvalidParameter, "retention-class")
    what = [entry.what for entry in house.entries()]
    assert what == ["retention-rule", "retention", "retention-rule"]
