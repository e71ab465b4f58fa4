"""The demonstration: made once, found again, marked as synthetic."""

import json
import stat
import time
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from pipelines import demo
from pipelines.roles import GROUP
from store import accounts, imports, observations, runs
from store.db import connect
from store.observations import ObservationFilter

FIRST = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Make the demonstration once; give its folder, what was said, and how long it took."""
    folder = tmp_path_factory.mktemp("demo") / "var" / "demo"
    steps, begun = [], time.monotonic()
    prepared = demo.prepare(folder, FIRST, steps.append)
    return folder, prepared, steps, time.monotonic() - begun


@pytest.fixture
def store(made):
    opened = connect(f"sqlite:///{made[0] / 'lagesbild.gpkg'}")
    yield opened
    opened.close()


def contents(folder):
    """Give every file with its bytes, and every row of the store."""
    store = connect(f"sqlite:///{folder / 'lagesbild.gpkg'}")
    with store.read() as connection:
        names = sa.inspect(connection).get_table_names()
        rows = {
            name: sorted(map(repr, connection.exec_driver_sql(f'SELECT * FROM "{name}"')))  # noqa: S608
            for name in names
        }
    store.close()
    plain = {path.name: path.read_bytes() for path in folder.iterdir() if ".gpkg" not in path.name}
    return rows, plain


def test_a_second_run_changes_nothing_and_is_quick(made):
    folder, first, _, took = made
    before = contents(folder)
    steps, begun = [], time.monotonic()
    again = demo.prepare(folder, FIRST + timedelta(days=40), steps.append)
    quick = time.monotonic() - begun
    assert contents(folder) == before
    assert (again.reports, again.outcome.changed) == ([], False)
    assert again.password == first.password
    assert again.outcome.run == first.outcome.run
    assert "files" not in steps
    assert quick < took / 3


def test_the_files_go_the_way_of_real_ones(made, store):
    _, first, steps, _ = made
    with store.read() as connection:
        batches = imports.batches(connection)
    assert {batch.kind for batch in batches} == {"incidents", "observations"}
    for batch in batches:
        assert batch.rows_read == batch.accepted + batch.duplicates + batch.quarantined
    assert [step for step in steps if step in {"files", "places", "ingest", "analyse"}] == [
        *("files", "places", "ingest", "analyse")
    ]
    incidents = next(report for report in first.reports if "Alla" not in report.details["file"])
    assert incidents.counts.accepted > 1_000
    assert incidents.counts.quarantined > 0  # a few rows show what the quarantine is for


def test_everything_is_marked_as_synthetic(made, store):
    folder, first, _, _ = made
    assert first.outcome.run.synthetic
    assert all(report.details["synthetic"] for report in first.reports)
    assert all("syntetisk" in path.name for path in folder.glob("*.csv"))
    with store.read() as connection:
        assert runs.current(connection).synthetic
        assert imports.any_synthetic(connection)


def test_the_data_end_the_day_before_the_first_run(store):
    with store.read() as connection:
        run = runs.current(connection)
        first, last = connection.exec_driver_sql(
            "SELECT min(starts_at), max(starts_at) FROM incident"
        ).one()
    assert run.period_end <= FIRST
    assert last < "2026-11-01"
    assert "2023-10" <= first[:7] <= "2023-12"  # three years


def test_the_sign_in_and_the_secret_are_for_their_owner_only(made):
    folder, first, _, _ = made
    for name in ("demo.json", "demo.env"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    kept = json.loads((folder / "demo.json").read_text())
    assert first.password in kept.values()
    assert len(kept["secret"]) >= 32
    assert kept["secret"] in (folder / "demo.env").read_text()
    store = connect(f"sqlite:///{folder / 'lagesbild.gpkg'}")
    try:
        with store.read() as connection:
            known = accounts.users(connection)
        assert {account.name: account.role for account in known} == {
            name: role for role, name in demo.USERS.items()
        }
        for account in known:
            assert PasswordHasher().verify(account.password_hash, first.password)
            assert (account.expires_at is None) is (account.role != GROUP)
    finally:
        store.close()


@pytest.mark.deep
def test_two_demonstrations_have_different_secrets_and_the_same_data(made, tmp_path):
    other = demo.prepare(tmp_path, FIRST, lambda _: None)
    assert other.password != made[1].password
    for mine, theirs in zip(other.reports, made[1].reports, strict=True):
        assert mine.counts == theirs.counts
        for name in ("placed_by", "reasons", "time_precision", "piled"):
            assert mine.details[name] == theirs.details[name]
    assert other.outcome.cells == made[1].outcome.cells
    assert other.outcome.clusters == made[1].outcome.clusters


def test_the_map_has_something_to_show(made, store):
    outcome = made[1].outcome
    assert outcome.cells > 100
    assert outcome.clusters > 20
    with store.read() as connection:
        shown = observations.find(connection, ObservationFilter(), 1_000, 0)
        areas = connection.exec_driver_sql(
            "SELECT a.name, count(*) FROM incident i JOIN area a ON a.id = i.area_id GROUP BY 1"
        )
        by_area = {row[0]: row[1] for row in areas}
    assert shown.matched > 20
    wanted = {"Skiftinge", "Årby", "Fröslunda", "Lagersberg", "Nattlivskärnan"}
    assert {name for name, n in by_area.items() if n > 20} >= wanted


def test_the_command_finds_it_again_and_shows_the_sign_in(made, command):
    folder, first, _, _ = made
    code, out, err = command(
        f"sqlite:///{folder / 'lagesbild.gpkg'}", "demo", "prepare", "--dir", folder
    )
    assert (code, err) == (0, "")
    assert "SYNTETISKA DATA" in out
    assert first.password in out
    assert all(name in out for name in demo.USERS.values())
