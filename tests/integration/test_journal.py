"""The log of looks: one unbroken chain, whatever happens, and no change that is not found."""

import csv
import hashlib
import json
import re
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, StatementError

from geo.errors import Conflict, InvalidParameter, StoreUnavailable
from pipelines import looks
from pipelines.looks import Log
from store import anchor, journal, schema
from store.db import connect
from store.journal import START, Broken, Entry, Fault, Link, Wanted
from store.journal_models import Look
from store.parts import JOURNAL, MAIN
from tests.faults import failing

OPENED = datetime(2026, 11, 22, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from pipelines.looks import Log
from store.db import connect
from store.parts import JOURNAL
log = Log(connect(sys.argv[1], JOURNAL), Path(sys.argv[2]), lambda: datetime.now(UTC))
print("ready", flush=True)
sys.stdin.readline()
for n in range(int(sys.argv[3])):
    log.note(sys.argv[4], "analyst", "incidents", "analysis", rows=n)
    print(n + 1, flush=True)
"""


class Clock:
    """A clock that goes on by a minute whenever somebody looks at it."""

    def __init__(self):
        self.at = OPENED

    def __call__(self):
        self.at += MINUTE
        return self.at


@pytest.fixture
def log(store_url, tmp_path):
    """Give an empty log with an anchor."""
    store = connect(store_url, JOURNAL)
    schema.upgrade(store)
    yield Log(store, tmp_path / "log.anchor", Clock())
    store.close()


@pytest.fixture
def ten(log):
    """Give a log of ten looks."""
    for n in range(1, 11):
        who = "anna" if n % 2 else "eva"
        log.note(who, "analyst", "incidents", "analysis", asked={"window": "helgnatt"}, rows=n)
    return log


def stored(log):
    with log.journal.read() as connection:
        return connection.execute(sa.select(Look.__table__).order_by(Look.seq)).all()


def end(log):
    with log.journal.read() as connection:
        return journal.end(connection)


def broken(log):
    return looks.verify(log).broken


# --- what is written ---------------------------------------------------------------------------


def test_an_empty_log_is_whole(log):
    found = looks.verify(log)
    assert (found.end, found.broken) == (START, None)


def test_entries_come_back_newest_first(ten):
    lines = looks.page(ten, Wanted(), most=3)
    assert [line.seq for line in lines] == [10, 9, 8]
    assert lines[0].entry == Entry(
        at=OPENED + 10 * MINUTE,
        who="eva",
        role="analyst",
        what="incidents",
        purpose="analysis",
        asked={"window": "helgnatt"},
        rows=10,
        outcome="given",
    )
    assert [line.seq for line in looks.page(ten, Wanted(), before=3)] == [2, 1]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(who="anna"), [9, 7, 5, 3, 1]),
        (Wanted(what="incidents", since=OPENED + 9 * MINUTE), [10, 9]),
        (Wanted(until=OPENED + 3 * MINUTE), [2, 1]),
        (Wanted(who="anna", since=OPENED + 3 * MINUTE, until=OPENED + 7 * MINUTE), [5, 3]),
        (Wanted(who="nobody"), []),
        (Wanted(who="anna' OR 1=1 --"), []),
        (Wanted(what="clusters"), []),
    ],
)
def test_entries_are_found_by_account_thing_and_time(ten, wanted, expected):
    assert [line.seq for line in looks.page(ten, wanted)] == expected


def test_no_page_is_longer_than_a_thousand(log):
    with log.journal.write() as connection:
        for n in range(1_001):
            journal.append(connection, Entry(OPENED, "a", "", "b", "c", {}, n, "given"))
    assert len(looks.page(log, Wanted(), most=10**9)) == 1_000


def test_the_head_is_what_the_documentation_says(ten):
    head = bytes(32)
    for row in stored(ten):
        digest = hashlib.sha256(row.body.encode()).digest()
        seconds = int(row.at.timestamp())
        place = row.seq.to_bytes(8, "big") + seconds.to_bytes(8, "big")
        head = hashlib.sha256(head + place + digest).digest()
        assert (row.digest, row.head) == (digest, head)
    assert anchor.read(ten.anchor) == Link(10, head)


def test_the_same_look_twice_leaves_different_digests(log):
    moment = replace(log, now=lambda: OPENED)
    moment.note("anna", "analyst", "incidents", "analysis")
    moment.note("anna", "analyst", "incidents", "analysis")
    first, second = stored(log)
    assert first.digest != second.digest


def test_nobody_writes_a_line_into_somebody_elses_name(log):
    log.note("x\n9  eva", "", "sign-in-failed", "sign-in", asked={"q\r": "a" * 5_000}, rows=None)
    (line,) = looks.page(log, Wanted())
    assert line.entry.who == f"x{looks.STRANGE}9  eva"
    assert line.entry.asked == {f"q{looks.STRANGE}": "a" * 199 + "…"}
    assert broken(log) is None


def test_a_filter_that_would_fill_pages_is_shown_by_how_it_begins(log):
    flood = {str(n): ["x" * 200] * 50 for n in range(50)}
    log.note("anna", "analyst", "incidents", "analysis", asked=flood)
    (line,) = looks.page(log, Wanted())
    assert line.entry.asked["…"].startswith('{"0":["xxx')
    assert len(line.body) < 1_000


def test_a_time_without_a_zone_is_refused(log):
    with pytest.raises(StatementError, match="time-without-zone"):
        replace(log, now=lambda: OPENED.replace(tzinfo=None)).note("a", "", "b", "c")
    assert end(log) == START


# --- tampering ---------------------------------------------------------------------------------


@contextmanager
def untied(log):
    """Give a connection for somebody who owns the database and has taken the triggers away."""
    with log.journal.write() as connection:
        if not log.journal.is_geopackage:
            connection.execute(sa.text("ALTER TABLE look DISABLE TRIGGER USER"))
            yield connection
            connection.execute(sa.text("ALTER TABLE look ENABLE TRIGGER USER"))
            return
        kept = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        triggers = connection.execute(sa.text(kept)).all()
        for name, _ in triggers:
            connection.execute(sa.text(f"DROP TRIGGER {name}"))
        yield connection
        for _, statement in triggers:
            connection.exec_driver_sql(statement)


def change(connection, seq, **values):
    assert connection.execute(sa.update(Look).where(Look.seq == seq).values(**values)).rowcount == 1


def rows_of(connection):
    query = sa.select(Look.__table__).order_by(Look.seq)
    return [dict(row) for row in connection.execute(query).mappings()]


def rebuilt(rows):
    """Make a sound chain of rows, as anybody can who knows how."""
    head = bytes(32)
    for seq, row in enumerate(rows, 1):
        row["seq"], row["digest"] = seq, hashlib.sha256(row["body"].encode()).digest()
        place = seq.to_bytes(8, "big") + int(row["at"].timestamp()).to_bytes(8, "big")
        row["head"] = head = hashlib.sha256(head + place + row["digest"]).digest()
    return rows


def replace_all(connection, rows):
    connection.execute(sa.delete(Look))
    connection.execute(sa.insert(Look), rows)


def said_otherwise(row, **values):
    body = json.dumps(
        {**json.loads(row["body"]), **values},
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    )
    return {**row, "body": body, "digest": hashlib.sha256(body.encode()).digest()}


def edit_the_body(connection):
    change(connection, 5, body=sa.func.replace(Look.body, "anna", "eva"))


def edit_one_space_of_the_body(connection):
    change(connection, 5, body=Look.body + " ")


def edit_body_and_digest(connection):
    row = said_otherwise(rows_of(connection)[4], who="eva")
    change(connection, 5, body=row["body"], who="eva", digest=row["digest"])


def edit_the_copy_that_is_searched(connection):
    change(connection, 5, who="eva")


def edit_the_time(connection):
    change(connection, 5, at=OPENED)


def edit_the_time_everywhere(connection):
    row = said_otherwise(rows_of(connection)[4], at="2026-11-22T08:00:00Z")
    change(connection, 5, at=OPENED, body=row["body"], digest=row["digest"])


def edit_a_head(connection):
    change(connection, 5, head=bytes(32))


def delete_the_first(connection):
    connection.execute(sa.delete(Look).where(Look.seq == 1))


def delete_the_middle(connection):
    connection.execute(sa.delete(Look).where(Look.seq == 5))


def delete_the_middle_and_close_ranks(connection):
    replace_all(
        connection,
        [
            {**row, "seq": row["seq"] - (row["seq"] > 5)}
            for row in rows_of(connection)
            if row["seq"] != 5
        ],
    )


def delete_the_last(connection):
    connection.execute(sa.delete(Look).where(Look.seq == 10))


def delete_the_tail(connection):
    connection.execute(sa.delete(Look).where(Look.seq > 7))


def delete_all(connection):
    connection.execute(sa.delete(Look))


def swap_two(connection):
    rows = rows_of(connection)
    rows[3]["seq"], rows[4]["seq"] = 5, 4
    replace_all(connection, rows)


def insert_one_with_its_own_head(connection):
    rows = rows_of(connection)
    forged = rebuilt([*rows[:4], said_otherwise(rows[4], rows=99)])[4]
    later = [{**row, "seq": row["seq"] + 1} for row in rows[4:]]
    replace_all(connection, [*rows[:4], forged, *later])


def insert_one_and_rebuild(connection):
    rows = rows_of(connection)
    replace_all(connection, rebuilt([*rows[:4], said_otherwise(rows[0], rows=99), *rows[4:]]))


def rebuild_with_another_name(connection):
    rows = rows_of(connection)
    rows[4] = {**said_otherwise(rows[4], who="eva"), "who": "eva"}
    replace_all(connection, rebuilt(rows))


def rebuild_without_one(connection):
    rows = rows_of(connection)
    replace_all(connection, rebuilt([*rows[:4], *rows[5:]]))


def replace_the_last(connection):
    rows = rows_of(connection)
    replace_all(connection, rebuilt([*rows[:9], said_otherwise(rows[9], rows=0)]))


def blank_a_young_body(connection):
    change(connection, 5, body=None, who=None, what=None)


def blank_a_body_but_keep_a_name(connection):
    change(connection, 5, body=None, what=None)


def write_nonsense_with_a_good_digest(connection):
    digest = hashlib.sha256(b"[]").digest()
    change(connection, 5, body="[]", digest=digest)


TAMPERING = {
    edit_the_body: (5, Fault.EDITED),
    edit_one_space_of_the_body: (5, Fault.EDITED),
    edit_body_and_digest: (5, Fault.MOVED),
    edit_the_copy_that_is_searched: (5, Fault.EDITED),
    edit_the_time: (5, Fault.EDITED),
    edit_the_time_everywhere: (5, Fault.MOVED),
    edit_a_head: (5, Fault.MOVED),
    delete_the_first: (2, Fault.GAP),
    delete_the_middle: (6, Fault.GAP),
    delete_the_middle_and_close_ranks: (5, Fault.MOVED),
    delete_the_last: (10, Fault.CUT),
    delete_the_tail: (8, Fault.CUT),
    delete_all: (1, Fault.CUT),
    swap_two: (4, Fault.MOVED),
    insert_one_with_its_own_head: (6, Fault.MOVED),
    insert_one_and_rebuild: (10, Fault.REPLACED),
    rebuild_with_another_name: (10, Fault.REPLACED),
    rebuild_without_one: (10, Fault.CUT),
    replace_the_last: (10, Fault.REPLACED),
    blank_a_young_body: (5, Fault.BLANKED),
    blank_a_body_but_keep_a_name: (5, Fault.EDITED),
    write_nonsense_with_a_good_digest: (5, Fault.EDITED),
}


def test_a_log_that_nobody_touched_is_whole(ten):
    with untied(ten) as connection:
        replace_all(connection, rows_of(connection))
    found = looks.verify(ten)
    assert (found.broken, found.weeded, found.clock_back_at, found.anchor_begun_at) == (
        *(None, 0, None),
        (),
    )
    assert found.end == end(ten) == anchor.read(ten.anchor)


@pytest.mark.parametrize("tamper", TAMPERING, ids=lambda tamper: tamper.__name__)
def test_tampering_is_found_at_the_first_entry_that_it_touches(ten, tamper):
    with untied(ten) as connection:
        tamper(connection)
    assert broken(ten) == Broken(*TAMPERING[tamper])


@pytest.mark.parametrize("tamper", TAMPERING, ids=lambda tamper: tamper.__name__)
def test_the_looks_that_follow_do_not_wipe_tampering_out(ten, tamper):
    with untied(ten) as connection:
        tamper(connection)
    for _ in range(15):
        ten.note("eva", "analyst", "clusters", "analysis")
    assert broken(ten) is not None


@pytest.mark.parametrize("tamper", [delete_the_last, delete_all, rebuild_with_another_name])
def test_without_an_anchor_some_tampering_cannot_be_seen(ten, tamper):
    with untied(ten) as connection:
        tamper(connection)
    assert looks.verify(replace(ten, anchor=None)).broken is None
    assert looks.verify(ten).broken is not None


CHANGES = (
    "DELETE FROM look WHERE seq = 5",
    "DELETE FROM look",
    "UPDATE look SET body = 'x' WHERE seq = 5",
    "UPDATE look SET body = NULL WHERE seq = 5",  # the copies would stay
    "UPDATE look SET who = NULL, what = NULL WHERE seq = 5",
    "UPDATE look SET body = NULL, who = NULL, what = NULL, seq = 99 WHERE seq = 10",
    "UPDATE look SET body = NULL, who = NULL, what = NULL, at = '2020-01-01' WHERE seq = 5",
    "UPDATE look SET body = NULL, who = NULL, what = NULL, head = digest WHERE seq = 5",
    "INSERT INTO look SELECT 12, at, who, what, body, digest, head FROM look WHERE seq = 10",
    "INSERT INTO look SELECT 5, at, who, what, body, digest, head FROM look WHERE seq = 10",
    "INSERT INTO look SELECT -1, at, who, what, body, digest, head FROM look WHERE seq = 10",
)
OWN_CHANGES = {
    True: "INSERT OR REPLACE INTO look"
    " SELECT 5, at, who, what, body, digest, head FROM look WHERE seq = 10",
    False: "TRUNCATE look",
}


@pytest.mark.parametrize("statement", CHANGES)
def test_the_database_itself_refuses_changes(ten, statement):
    before = stored(ten)
    with pytest.raises(DBAPIError, match="grows at its end"), ten.journal.write() as connection:
        connection.execute(sa.text(statement))
    assert stored(ten) == before


def test_the_database_refuses_its_own_short_cuts(ten):
    statement = OWN_CHANGES[ten.journal.is_geopackage]
    with pytest.raises(DBAPIError, match="grows at its end"), ten.journal.write() as connection:
        connection.execute(sa.text(statement))
    assert broken(ten) is None


def test_a_clock_that_goes_back_is_a_remark_and_no_alarm(ten):
    ten.now.at = OPENED - timedelta(days=1)
    ten.note("anna", "analyst", "incidents", "analysis")
    ten.note("anna", "analyst", "incidents", "analysis")
    found = looks.verify(ten)
    assert (found.broken, found.clock_back_at, found.end.seq) == (None, 11, 12)


# --- the anchor --------------------------------------------------------------------------------


def test_an_anchor_that_lags_behind_is_no_alarm_and_catches_up(ten):
    early = looks.page(ten, Wanted(), before=7, most=1)[0]
    anchor.begin(ten.anchor, Link(early.seq, early.head))
    assert broken(ten) is None
    ten.note("anna", "analyst", "incidents", "analysis")
    assert anchor.read(ten.anchor) == end(ten) == looks.verify(ten).end


def test_an_anchor_never_moves_back(ten):
    anchor.advance(ten.anchor, Link(3, bytes(32)))
    assert anchor.read(ten.anchor) == end(ten)


def test_an_anchor_that_is_gone_is_an_alarm_until_a_new_one_is_begun_and_a_remark_ever_after(ten):
    ten.anchor.unlink()
    assert broken(ten) == Broken(10, Fault.ANCHOR_GONE)
    ten.note("anna", "analyst", "incidents", "analysis")
    ten.note("anna", "analyst", "incidents", "analysis")
    found = looks.verify(ten)
    assert (found.broken, found.anchor_begun_at, found.end.seq) == (None, (12,), 13)


@pytest.mark.parametrize("content", [b"", b"11\n", b"\0" * 86, b"x" * 10_000])
def test_an_anchor_that_is_something_else_is_an_alarm_and_is_left_alone(ten, content):
    ten.anchor.write_bytes(content)
    assert broken(ten) == Broken(10, Fault.ANCHOR_BROKEN)
    ten.note("anna", "analyst", "incidents", "analysis")
    assert broken(ten) == Broken(11, Fault.ANCHOR_BROKEN)
    assert ten.anchor.read_bytes() == content


def test_an_anchor_of_another_log_is_an_alarm(ten):
    anchor.begin(ten.anchor, Link(4, bytes(32)))
    assert broken(ten) == Broken(4, Fault.REPLACED)


def test_only_its_owner_reads_an_anchor(ten):
    assert ten.anchor.stat().st_mode & 0o777 == 0o600


def test_an_anchor_stands_beside_a_geopackage_and_nowhere_beside_a_server(gpkg_url, tmp_path):
    assert looks.anchor_file(gpkg_url) == tmp_path / "store.journal.anchor"
    assert looks.anchor_file("postgresql+psycopg://a@127.0.0.1/b") is None


# --- what cannot be logged is not given --------------------------------------------------------


def test_without_its_anchors_disk_nothing_is_logged_or_given(log, tmp_path):
    unmounted = replace(log, anchor=tmp_path / "not mounted" / "log.anchor")
    with pytest.raises(StoreUnavailable) as refused:
        unmounted.note("anna", "analyst", "incidents", "analysis")
    assert refused.value.values == {"file": "log.anchor"}
    assert end(log) == START


def test_on_a_full_disk_nothing_is_given(gpkg_url, tmp_path):
    store = connect(gpkg_url, JOURNAL)
    schema.upgrade(store)
    store.close()
    full = "PRAGMA max_page_count = 1"  # SQLite takes the size the file has
    sa.event.listen(store.engine, "connect", lambda connection, _: connection.execute(full))
    log = Log(store, tmp_path / "log.anchor", Clock())

    def fill():
        for _ in range(1_000):
            log.note("anna", "analyst", "incidents", "analysis", asked={"a": "x" * 200})

    with pytest.raises(StoreUnavailable):
        fill()
    store.close()
    again = Log(connect(gpkg_url, JOURNAL), log.anchor, Clock())
    assert broken(again) is None
    again.note("anna", "analyst", "incidents", "analysis")
    assert broken(again) is None
    again.journal.close()


def test_a_fault_at_any_statement_leaves_the_log_as_it_was(ten):
    before = end(ten)

    def unchanged():
        return end(ten) == before and broken(ten) is None

    def attempt():
        ten.note("anna", "analyst", "incidents", "analysis")

    assert failing(attempt, 1, unchanged) > 2
    assert end(ten).seq == 11


@pytest.mark.deep
def test_a_log_that_somebody_keeps_locked_gives_nothing_after_some_seconds(log):
    with log.journal.write() as connection:
        journal.append(connection, Entry(OPENED, "a", "", "b", "c", {}, None, "given"))
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            log.note("anna", "analyst", "incidents", "analysis")
        assert 10 < time.monotonic() - began < 30
    assert end(log).seq == 1


def test_looking_does_not_wait_for_an_import(store_url, log):
    main = connect(store_url, MAIN)
    schema.upgrade(main)
    with main.write_alone() as connection:
        connection.execute(sa.text("INSERT INTO retention_rule VALUES ('a', 1, 'b', '2026-01-01')"))
        began = time.monotonic()
        log.note("anna", "analyst", "incidents", "analysis")
        assert time.monotonic() - began < 5
    main.close()
    assert end(log).seq == 1


# --- many at once, and sudden ends -------------------------------------------------------------


@contextmanager
def writers(log, url, names, entries):
    """Give processes that wait for a word before they note some looks each."""
    command = [sys.executable, "-c", WRITER, url, str(log.anchor), str(entries)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen([*command, name], **pipes) for name in names]
    try:
        assert [process.stdout.readline() for process in processes] == ["ready\n"] * len(names)
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def test_eight_processes_write_one_unbroken_chain(store_url, log):
    names = [f"writer-{n}" for n in range(8)]
    with writers(log, store_url, names, 40) as processes:
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        assert [process.wait(60) for process in processes] == [0] * 8
    found = looks.verify(log)
    assert (found.broken, found.end.seq, found.anchor_begun_at) == (None, 320, ())
    assert anchor.read(log.anchor) == found.end
    for name in names:
        own = looks.page(log, Wanted(who=name))
        assert [line.entry.rows for line in own] == list(range(40))[::-1]


def test_eight_threads_write_one_unbroken_chain(log):
    start = threading.Barrier(8)

    def write():
        start.wait()
        for _ in range(25):
            log.note("anna", "analyst", "incidents", "analysis")

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = looks.verify(log)
    assert (found.broken, found.end) == (None, anchor.read(log.anchor))
    assert found.end.seq == 200


def test_verification_during_writing_never_cries_wolf(log):
    stop = threading.Event()

    def write():
        while not stop.is_set():
            log.note("anna", "analyst", "incidents", "analysis")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        lengths = []
        while len(set(lengths)) < 30:
            found = looks.verify(log)
            assert found.broken is None
            lengths.append(found.end.seq)
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize(
    "rounds", [pytest.param(5, id="some"), pytest.param(30, id="many", marks=pytest.mark.deep)]
)
def test_a_process_killed_at_any_moment_leaves_a_whole_log(store_url, log, rounds):
    before = 0
    for n in range(rounds):
        with writers(log, store_url, [f"killed-{n}"], 10**6) as (process,):
            process.stdin.write("go\n")
            process.stdin.flush()
            process.stdout.readline()
            time.sleep(n * 0.0137 % 0.05)
            process.kill()
            said = process.stdout.readlines()
        acknowledged = 1 + len([word for word in said if word.endswith("\n")])
        # On a server, what the killed one had sent may still be on its way.
        after, found = 0, looks.verify(log)
        while after != found.end.seq:
            after = found.end.seq
            time.sleep(0.05)
            found = looks.verify(log)
        assert (found.broken, found.anchor_begun_at) == (None, ())
        assert acknowledged - 1 <= found.end.seq - before <= acknowledged + 1
        before = found.end.seq
    log.note("anna", "analyst", "incidents", "analysis")
    assert anchor.read(log.anchor) == looks.verify(log).end


def test_a_thousand_looks_take_seconds_at_most(log, record_property):
    began = time.monotonic()
    for n in range(1_000):
        log.note("anna", "analyst", "incidents", "analysis", asked={"window": "all"}, rows=n)
    rate = 1_000 / (time.monotonic() - began)
    record_property("looks_per_second", rate)
    assert rate > 50


# --- weeding -----------------------------------------------------------------------------------


def test_weeding_blanks_what_is_older_and_the_chain_stays_whole(ten):
    before = stored(ten)
    with ten.journal.read() as connection:
        assert journal.older(connection, OPENED + 7 * MINUTE) == 6
    assert ten.weed(OPENED + 7 * MINUTE, "admin", "admin") == 6
    after = stored(ten)
    assert [row.body is None for row in after] == [True] * 6 + [False] * 5
    assert [(row.who, row.what) for row in after[:6]] == [(None, None)] * 6
    assert [(r.seq, r.at, r.digest, r.head) for r in after[:10]] == [
        (r.seq, r.at, r.digest, r.head) for r in before
    ]
    assert after[6:10] == before[6:]
    found = looks.verify(ten)
    assert (found.broken, found.weeded, found.end.seq) == (None, 6, 11)
    weeding = looks.page(ten, Wanted(what=journal.WEEDED))[0].entry
    assert weeding.asked == {"until": "2026-11-22T08:07:00Z"}
    assert (weeding.rows, weeding.who) == (6, "admin")
    assert [line.entry for line in looks.page(ten, Wanted(), before=7)] == [None] * 6


def test_weeding_again_covers_what_was_weeded_and_the_entries_that_said_so(ten):
    ten.weed(OPENED + 4 * MINUTE, "admin", "admin")
    ten.now.at += timedelta(days=30)
    assert ten.weed(ten.now.at, "admin", "admin") == 8
    assert [row.body is None for row in stored(ten)] == [True] * 11 + [False]
    found = looks.verify(ten)
    assert (found.broken, found.weeded) == (None, 11)
    assert ten.weed(OPENED, "admin", "admin") == 0
    assert broken(ten) is None


def test_a_weeding_that_was_broken_off_is_no_alarm_and_is_finished_by_the_next(ten, monkeypatch):
    monkeypatch.setattr(looks, "WEED_AT_ONCE", 2)
    until = OPENED + 7 * MINUTE

    def unchanged():
        return broken(ten) is None

    assert failing(lambda: ten.weed(until, "admin", "admin"), 3, unchanged) > 10
    assert [row.seq for row in stored(ten) if row.body is None] == [1, 2, 3, 4, 5, 6]
    assert broken(ten) is None


@pytest.mark.parametrize("seq", [7, 10])
def test_blanking_more_than_was_weeded_is_found(ten, seq):
    ten.weed(OPENED + 7 * MINUTE, "admin", "admin")
    with ten.journal.write() as connection:  # the triggers let it pass; the chain does not
        change(connection, seq, body=None, who=None, what=None)
    assert broken(ten) == Broken(seq, Fault.BLANKED)


def test_an_earlier_weeding_does_not_cover_a_later_blanking(ten):
    ten.weed(OPENED, "admin", "admin")
    ten.now.at = OPENED - timedelta(days=9)
    ten.note("anna", "analyst", "incidents", "analysis")  # older, by its clock, but written later
    with ten.journal.write() as connection:
        change(connection, 12, body=None, who=None, what=None)
    assert broken(ten) == Broken(12, Fault.BLANKED)


@pytest.mark.parametrize("until", ["2036-01-01T00:00:00Z", "2036-01-01T00:00:00", "x", None, 7])
def test_an_entry_that_weeds_the_future_covers_nothing_younger_than_itself(ten, until):
    ten.note("admin", "admin", journal.WEEDED, "operation", asked={"until": until})
    for _ in range(2):
        ten.note("anna", "analyst", "incidents", "analysis")
    with ten.journal.write() as connection:
        change(connection, 12, body=None, who=None, what=None)
    assert broken(ten) == Broken(12, Fault.BLANKED)


def test_the_future_cannot_be_weeded(ten):
    with pytest.raises(InvalidParameter) as refused:
        ten.weed(ten.now.at + timedelta(days=400), "admin", "admin")
    assert refused.value.code == "log-weed-future"
    assert end(ten).seq == 10


def test_a_weeded_body_leaves_no_trace_in_the_file(gpkg_url, tmp_path):
    log = Log(connect(gpkg_url, JOURNAL), None, Clock())
    schema.upgrade(log.journal)
    log.note("petronella", "analyst", "incidents", "analysis")
    log.weed(log.now.at + MINUTE, "admin", "admin")
    log.journal.close()
    assert b"petronella" not in (tmp_path / "store.journal.sqlite").read_bytes()


# --- handing out -------------------------------------------------------------------------------


def test_a_table_of_the_log_for_a_spreadsheet(ten, tmp_path):
    ten.weed(OPENED + 2 * MINUTE, "admin", "admin")
    file = tmp_path / "logg.csv"
    assert looks.export(ten, file, Wanted(), "chef", "admin") == 11
    with file.open(encoding="utf-8-sig", newline="") as opened:
        header, *rows = csv.reader(opened, delimiter=";")
    assert len(header) == len(set(header)) == 11
    assert rows[0][:9] == ["1", "2026-11-22T08:01:00Z", *[""] * 7]
    assert rows[1][:6] == ["2", "2026-11-22T08:02:00Z", "eva", "analyst", "incidents", "analysis"]
    assert rows[1][6:9] == ['{"window":"helgnatt"}', "2", "given"]
    assert rows[10][9:] == [stored(ten)[10].digest.hex(), stored(ten)[10].head.hex()]


def test_no_cell_of_the_table_runs_as_a_formula(log, tmp_path):
    log.note("=cmd|' /C calc'!A0", "@x", "-1+1", "+46a", outcome="\tx")
    looks.export(log, tmp_path / "logg.csv", Wanted(), "chef", "admin")
    with (tmp_path / "logg.csv").open(encoding="utf-8-sig", newline="") as opened:
        cells = [cell for row in csv.reader(opened, delimiter=";") for cell in row]
    assert [cell for cell in cells if re.match(r"[=+\-@\t\r]", cell)] == []


def test_the_lines_of_an_export_prove_the_chain_by_themselves(ten, tmp_path):
    file = tmp_path / "logg.jsonl"
    ten.weed(OPENED + 2 * MINUTE, "admin", "admin")
    looks.export(ten, file, Wanted(), "chef", "admin")
    head = bytes(32)
    for record in map(json.loads, file.read_text("utf-8").splitlines()):
        digest = bytes.fromhex(record["digest"])
        if record["body"] is not None:
            assert hashlib.sha256(record["body"].encode()).digest() == digest
        seconds = int(datetime.fromisoformat(record["at"]).timestamp())
        place = record["seq"].to_bytes(8, "big") + seconds.to_bytes(8, "big")
        head = hashlib.sha256(head + place + digest).digest()
        assert record["head"] == head.hex()
    assert head == stored(ten)[10].head


def test_an_export_stands_in_the_log_or_there_is_none(ten, tmp_path):
    wanted = Wanted(who="anna", since=OPENED)
    assert looks.export(ten, tmp_path / "a.csv", wanted, "chef", "admin") == 5
    entry = looks.page(ten, Wanted(), most=1)[0].entry
    assert (entry.who, entry.what, entry.purpose) == ("chef", "log-export", "audit")
    assert (entry.rows, entry.asked["who"], entry.asked["since"]) == (5, "anna", OPENED.isoformat())
    lost = replace(ten, anchor=tmp_path / "not mounted" / "anchor")
    with pytest.raises(StoreUnavailable):
        looks.export(lost, tmp_path / "b.csv", wanted, "chef", "admin")
    assert not (tmp_path / "b.csv").exists()


def test_an_export_overwrites_nothing_and_knows_two_forms(ten, tmp_path):
    with pytest.raises(InvalidParameter) as refused:
        looks.export(ten, tmp_path / "a.pdf", Wanted(), "chef", "admin")
    assert refused.value.code == "log-export-form"
    (tmp_path / "a.csv").write_text("mine")
    with pytest.raises(Conflict):
        looks.export(ten, tmp_path / "a.csv", Wanted(), "chef", "admin")
    assert (tmp_path / "a.csv").read_text() == "mine"
    assert end(ten).seq == 10


# --- the commands ------------------------------------------------------------------------------


@pytest.fixture
def run(gpkg_url, command):
    """Give a function that runs a command on a file with a journal."""
    for part in (MAIN, JOURNAL):
        store = connect(gpkg_url, part)
        schema.upgrade(store)
        store.close()
    return lambda *arguments: command(gpkg_url, *arguments)


def test_the_commands_check_show_and_hand_out_the_log(run, tmp_path):
    code, out, err = run("audit", "verify")
    assert (code, err, "0 rader" in out) == (0, "", True)
    code, out, err = run("audit", "show")
    assert (code, err) == (0, "")
    code, out, err = run("audit", "export", tmp_path / "logg.jsonl")
    assert (code, err) == (0, "")
    assert len((tmp_path / "logg.jsonl").read_text("utf-8").splitlines()) == 1
    code, out, err = run("audit", "show", "--what", "log-export")
    assert (code, err) == (0, "")
    (line, _) = out.splitlines()
    assert re.search(r"^ +2 .* kommandorad:\S+ \(admin\)  log-export  audit  given  1  {", line)
    code, out, err = run("audit", "verify")
    assert (code, "3 rader" in out, re.search("[0-9a-f]{64}", out) is not None) == (0, True, True)


def test_a_broken_log_is_one_sentence_and_a_code_for_scripts(run, gpkg_url):
    for _ in range(3):
        run("audit", "show")
    store = connect(gpkg_url, JOURNAL)
    with untied(Log(store, None, Clock())) as connection:
        connection.execute(sa.delete(Look).where(Look.seq == 3))
    store.close()
    code, out, err = run("audit", "verify")
    assert (code, out, err.count("\n"), "rad 3" in err) == (2, "", 1, True)


@pytest.mark.parametrize("since", ["igår", "2026-13-01", "2026-02-30", ""])
def test_a_day_that_is_none_is_refused(run, since):
    code, out, err = run("audit", "show", "--since", since)
    assert (code, out, "ÅÅÅÅ-MM-DD" in err) == (2, "", True)


def test_an_export_of_another_kind_is_refused(run, tmp_path):
    code, out, err = run("audit", "export", tmp_path / "logg.pdf")
    assert (code, out, "jsonl" in err) == (2, "", True)
    assert list(tmp_path.glob("logg*")) == []
