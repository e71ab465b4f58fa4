"""What nights need from the store: registration dates and local events, in both kinds of store."""

import shutil
from datetime import UTC, date, datetime

import numpy as np
import pytest

from geo.errors import InvalidParameter
from geo.profile import LocalEvent
from pipelines import places, profiles
from store import places as stored
from store import registrations
from tests.desk import report

YEAR = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
EVENT = '\n[[events]]\nname = "Höstmarknad"\nfirst = 2026-09-11\nlast = {last}\n'


@pytest.fixture
def folder(tmp_path):
    """Copy the shipped profile, to be added to."""
    return shutil.copytree(profiles.SHIPPED / "eskilstuna", tmp_path / "place")


def add_event(folder, last="2026-09-12", more=""):
    with (folder / "profile.toml").open("a", encoding="utf-8") as file:
        file.write(EVENT.format(last=last) + more)


def test_registration_dates_are_read_by_incident(desk):
    rows = [
        report(1, INSKRIVNINGSDATUM="2026-03-09"),
        report(2, INSKRIVNINGSDATUM=""),
        report(3, BROTTSDATUMTID_START="2025-12-30 23:30", BROTTSDATUMTID_SLUT="2025-12-30 23:30"),
    ]
    desk.take_rows(*rows)
    with desk.store.read() as conn:
        found = registrations.registrations(conn, *YEAR)
        every = registrations.registrations(conn, datetime(2025, 1, 1, tzinfo=UTC), YEAR[1])
        assert registrations.latest(conn, date(2026, 12, 31)) == date(2026, 3, 9)
        assert registrations.latest(conn, date(2026, 3, 8)) == date(2026, 3, 7)
        newest = int(found.id[0])
        assert registrations.latest(conn, date(2026, 12, 31), newest) == date(2026, 3, 9)
        assert registrations.latest(conn, date(2026, 12, 31), 0) is None
    assert found.id.size == 2
    assert found.day[0] == np.datetime64("2026-03-09")
    assert np.isnat(found.day[1])
    assert every.id.size == 3
    asked = np.array([found.id[0], 10**9])
    known, unknown = found.of(asked)
    assert known == np.datetime64("2026-03-09")
    assert np.isnat(unknown)


def test_a_store_without_incidents_knows_no_registration(desk):
    with desk.store.read() as conn:
        found = registrations.registrations(conn, *YEAR)
        assert registrations.latest(conn, date(2026, 12, 31)) is None
    assert np.isnat(found.of(np.array([1, 2]))).all()


def test_local_events_of_a_profile_come_back_from_the_store(desk, folder):
    add_event(folder)
    places.load(desk.store, folder)
    with desk.store.read() as conn:
        kept = stored.profile(conn).events
    assert kept == (LocalEvent("Höstmarknad", date(2026, 9, 11), date(2026, 9, 12)),)


def test_the_shipped_profile_names_no_event_that_nobody_has_documented():
    assert profiles.load("eskilstuna").profile.events == ()


@pytest.mark.parametrize(
    ("last", "more", "code"),
    [("2026-09-10", "", "profile-value"), ("2026-09-12", "where = 1\n", "profile-key-unknown")],
)
def test_a_faulty_event_is_refused(folder, last, more, code):
    add_event(folder, last, more)
    with pytest.raises(InvalidParameter) as refusal:
        profiles.load(folder)
    assert refusal.value.code == code
    assert refusal.value.values["key"].startswith("events.0.")
