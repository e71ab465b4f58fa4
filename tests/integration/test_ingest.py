"""Taking files in: whole or not at all, nothing lost, nothing twice."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo.errors import LagesbildError
from pipelines.ingest import Options, ingest
from pipelines.texts import sentence
from tests.desk import AREAS, NOW, POINTS, WALK, csv_text, lonlat, report, sighting

ON_ONE_STORE = settings(
    max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
WITHOUT_ID = POINTS[1:]


def without_id(**cells):
    return report("", **cells)[1:]


def counts(of):
    """Give accepted, duplicates and quarantined."""
    each = of.counts
    assert each.rows_read == each.accepted + each.duplicates + each.quarantined
    return each.accepted, each.duplicates, each.quarantined


# --- what is kept ------------------------------------------------------------------------------


def test_a_row_keeps_what_it_said(desk):
    desk.take_rows(
        report(
            7, BROTTSKOD="357", ANTAL="3", GATA="Gatan", GATUNR="5", INSKRIVNINGSDATUM="2026-03-09"
        )
    )
    kept = desk.ask(
        "SELECT code, category, count, street, street_number, local_minute FROM incident"
    )
    assert kept == [("0357", "krogvald", 3, "Gatan", "5", 23 * 60 + 30)]
    assert str(desk.one("SELECT registered_on FROM incident")) == "2026-03-09"


def test_an_instant_is_stored_as_utc(desk):
    desk.take_rows(
        report(1, BROTTSDATUMTID_START="2026-01-10 01:15", BROTTSDATUMTID_SLUT="2026-07-10 01:15")
    )
    winter, summer = desk.ask("SELECT starts_at, ends_at FROM incident")[0]
    assert str(winter).startswith(("2026-01-10T00:15", "2026-01-10 00:15"))
    assert str(summer).startswith(("2026-07-09T23:15", "2026-07-09 23:15"))


@pytest.mark.parametrize(
    ("start", "flag", "utc"),
    [
        ("2026-03-29 01:59", 0, "00:59"),
        ("2026-03-29 02:00", 1, "01:00"),  # does not exist: one hour forward
        ("2026-03-29 02:30", 1, "01:30"),
        ("2026-03-29 03:00", 0, "01:00"),
        ("2025-10-26 02:30", 2, "00:30"),  # exists twice: the first
        ("2025-10-26 03:00", 0, "02:00"),
    ],
)
def test_clock_changes_are_flagged_and_never_quarantined(gpkg_desk, start, flag, utc):
    gpkg_desk.take_rows(report(1, BROTTSDATUMTID_START=start, BROTTSDATUMTID_SLUT=""))
    instant, flags = gpkg_desk.ask("SELECT starts_at, time_flags FROM incident")[0]
    assert (instant[11:16], flags) == (utc, flag)


def test_a_day_without_a_clock_time_is_the_whole_day(gpkg_desk):
    of = gpkg_desk.take_rows(
        report(1, BROTTSDATUMTID_START="2026-03-29", BROTTSDATUMTID_SLUT=""),
        report(2, BROTTSDATUMTID_START="2026-03-28", BROTTSDATUMTID_SLUT="2026-03-29"),
    )
    found = gpkg_desk.ask("SELECT starts_at, ends_at, time_flags FROM incident ORDER BY id")
    # The day of the clock change has 23 hours.
    assert found[0] == ("2026-03-28T23:00:00.000Z", "2026-03-29T22:00:00.000Z", 4)
    assert found[1] == ("2026-03-27T23:00:00.000Z", "2026-03-29T22:00:00.000Z", 4)
    assert of.details["time_precision"]["day_only"] == 2


def test_the_report_says_how_closely_the_time_is_known(gpkg_desk):
    start = "2026-03-06 20:00"
    ends = [
        "",
        start,
        "2026-03-06 21:00",
        "2026-03-06 21:01",
        "2026-03-07 02:00",
        "2026-03-07 02:01",
    ]
    rows = [
        report(n, BROTTSDATUMTID_START=start, BROTTSDATUMTID_SLUT=end) for n, end in enumerate(ends)
    ]
    precision = gpkg_desk.take_rows(*rows).details["time_precision"]
    assert {name: n for name, n in precision.items() if n} == {
        "exact": 2,
        "within_hour": 1,
        "within_six_hours": 2,
        "longer": 1,
    }


def test_observations_keep_type_severity_light_walk_and_a_note_that_waits(desk):
    of = desk.take_rows(
        sighting(Typ="gångtunnel", Allvar="3", Ljus="mörker", Anteckning="Lampan är trasig"),
        sighting(Typ="Trafik/moped", Allvar="", Ljus=""),
        header=WALK,
        kind="observations",
    )
    kept = desk.ask(
        "SELECT type, severity, light, walk, note, reviewed FROM observation ORDER BY id"
    )
    assert counts(of) == (2, 0, 0)
    assert kept[0] == ("gangtunnel", 3, "morkt", "Höst", "Lampan är trasig", False)
    assert kept[1][:3] == ("trafik_moped", 0, "")


@pytest.mark.parametrize(
    ("words", "slug"),
    [
        ("belysning", "belysning"),
        ("gångtunnel", "gangtunnel"),
        ("gångstråk", "gangstrak"),
        ("klotter", "klotter"),
        ("skadegörelse", "skadegorelse"),
        ("nedskräpning", "nedskrapning"),
        ("skymmande växtlighet", "skymmande_vaxtlighet"),
        ("otrygghetsskapande samling", "otrygg_samling"),
        ("trafik/moped", "trafik_moped"),
        ("anlagd brand", "anlagd_brand"),
        ("trygg plats", "trygg_plats"),
        ("annat", "annat"),
    ],
)
def test_every_type_of_the_issue_is_known_by_its_word(gpkg_desk, words, slug):
    gpkg_desk.take_rows(sighting(Typ=words.upper()), header=WALK, kind="observations")
    assert gpkg_desk.one("SELECT type FROM observation") == slug


def test_no_free_text_of_an_incident_is_stored_anywhere(desk):
    header = (*POINTS, "FRITEXT", "MÅLSÄGANDE")
    planted = "MÅLSÄGANDEN SÅG EN MAN I RÖD JACKA"
    of = desk.take_rows([*report(1), planted, "Anna Exempelsson"], header=header)
    assert counts(of) == (1, 0, 0)
    everything = desk.everything()
    for words in (planted, "RÖD JACKA", "Exempelsson"):
        assert words not in everything
        assert words.encode().decode("latin-1") not in everything


# --- nothing twice -----------------------------------------------------------------------------


def test_the_same_file_again_adds_nothing(desk):
    path = desk.csv("a.csv", [report(1), report(2), report(3, BROTTSDATUMTID_START="2026-02-30")])
    assert counts(desk.take(path)) == (2, 0, 1)
    before = desk.sizes()
    assert counts(desk.take(path)) == (0, 3, 0)
    assert desk.sizes() == {**before, "import_batch": 2}


def test_the_same_file_without_ids_adds_nothing(desk):
    path = desk.csv("a.csv", [without_id(), without_id(), without_id(ANTAL="x")], WITHOUT_ID)
    assert counts(desk.take(path)) == (2, 0, 1)
    assert counts(desk.take(path)) == (0, 3, 0)


def test_a_row_that_a_changed_profile_can_read_comes_in_with_the_same_file(gpkg_desk):
    on_the_fifth = {"BROTTSDATUMTID_START": "2026-11-05 12:00", "BROTTSDATUMTID_SLUT": ""}
    path = gpkg_desk.csv("a.csv", [report(1), report(2, **on_the_fifth)])
    assert counts(gpkg_desk.take(path, now=NOW.replace(day=1))) == (1, 0, 1)
    assert counts(gpkg_desk.take(path, now=NOW.replace(day=5))) == (1, 1, 0)


def test_overlapping_exports_with_ids_give_each_event_once(desk):
    desk.take_rows(*(report(n) for n in range(1, 5)), name="mars.csv")
    of = desk.take_rows(*(report(n) for n in range(3, 8)), name="april.csv")
    assert counts(of) == (3, 2, 0)
    assert desk.one("SELECT count(*) FROM incident") == 7


def test_overlapping_exports_without_ids_give_each_event_once(desk):
    def day(n):
        return without_id(BROTTSDATUMTID_START=f"2026-03-{n:02} 20:00", BROTTSDATUMTID_SLUT="")

    desk.take_rows(*(day(n) for n in (1, 2, 2, 3)), header=WITHOUT_ID)
    of = desk.take_rows(*(day(n) for n in (2, 2, 3, 3, 4)), header=WITHOUT_ID)
    assert counts(of) == (2, 3, 0)  # the twin of the third, and the fourth
    found = desk.ask("SELECT starts_at, count(*) FROM incident GROUP BY starts_at ORDER BY 1")
    assert [n for _, n in found] == [1, 2, 2, 1]


def test_true_twins_without_ids_survive(desk):
    of = desk.take_rows(*[without_id()] * 5, header=WITHOUT_ID)
    assert counts(of) == (5, 0, 0)


def test_twins_are_counted_across_batches(gpkg_desk, monkeypatch):
    monkeypatch.setattr("pipelines.readers.ROWS_AT_ONCE", 3)
    rows = [without_id()] * 8 + [without_id(ANTAL="2")] * 3
    path = gpkg_desk.csv("a.csv", rows, WITHOUT_ID)
    assert counts(gpkg_desk.take(path)) == (11, 0, 0)
    assert counts(gpkg_desk.take(path)) == (0, 11, 0)


def test_an_id_twice_in_one_file_is_a_duplicate_or_a_conflict(desk):
    of = desk.take_rows(report(1), report(1), report(1, ANTAL="2"), report("1 "), report("01"))
    assert counts(of) == (2, 2, 1)
    assert desk.set_aside() == [(4, "id-with-other-content", "ID", "1")]


def test_duplicate_ids_are_found_across_batches(gpkg_desk, monkeypatch):
    monkeypatch.setattr("pipelines.readers.ROWS_AT_ONCE", 2)
    of = gpkg_desk.take_rows(report(1), report(2), report(3), report(1), report(2, ANTAL="9"))
    assert counts(of) == (3, 1, 1)
    assert gpkg_desk.set_aside()[0][:2] == (6, "id-with-other-content")


def test_a_changed_row_with_a_known_id_is_set_aside_and_the_old_one_stays(desk):
    desk.take_rows(report(1, ANTAL="1"))
    of = desk.take_rows(report(1, ANTAL="2"))
    assert counts(of) == (0, 0, 1)
    assert desk.set_aside() == [(2, "id-with-other-content", "ID", "1")]
    assert desk.one("SELECT count FROM incident") == 1


def test_ids_belong_to_their_source(desk):
    desk.take_rows(report(1), source="polisen")
    of = desk.take_rows(report(1, ANTAL="2"), source="räddningstjänsten")
    assert counts(of) == (1, 0, 0)


def test_incidents_and_observations_of_one_source_do_not_mix(gpkg_desk):
    gpkg_desk.take_rows(sighting(), header=WALK, kind="observations", source="x")
    assert counts(gpkg_desk.take_rows(report(1), source="x")) == (1, 0, 0)
    again = gpkg_desk.take_rows(sighting(), header=WALK, kind="observations", source="x")
    assert counts(again) == (0, 1, 0)


def test_a_column_nobody_reads_does_not_make_a_row_new(gpkg_desk):
    header = (*WITHOUT_ID, "utskriven")
    gpkg_desk.take_rows([*without_id(), "2026-04-01"], header=header)
    assert counts(gpkg_desk.take_rows([*without_id(), "2026-05-01"], header=header)) == (0, 1, 0)


def test_blanks_around_cells_do_not_make_a_row_new(gpkg_desk):
    gpkg_desk.take_rows(without_id(GATA="Gatan"), header=WITHOUT_ID)
    padded = [f"  {cell} " for cell in without_id(GATA="Gatan")]
    assert counts(gpkg_desk.take_rows(padded, header=WITHOUT_ID)) == (0, 1, 0)


# --- whole or not at all -----------------------------------------------------------------------


def test_a_dry_run_tells_everything_and_keeps_nothing(desk):
    before = desk.sizes()
    of = desk.take_rows(report(1), report(2, ANTAL="0"), dry_run=True)
    assert (counts(of), of.import_id) == ((1, 0, 1), None)
    assert of.details["reasons"] == {"count-out-of-range": 1}
    assert desk.sizes() == before


def test_a_fault_in_the_last_batch_leaves_nothing_of_the_first(desk, monkeypatch):
    monkeypatch.setattr("pipelines.readers.ROWS_AT_ONCE", 10)
    text = csv_text(POINTS, [report(n) for n in range(50)])
    path = desk.put("a.csv", text + '51;"0357;59,37;16,51')
    before = desk.sizes()
    with pytest.raises(LagesbildError, match="broken-quotes"):
        desk.take(path)
    assert desk.sizes() == before


KILLED = """
import os, signal, sys
from pathlib import Path
from pipelines import readers
from pipelines.ingest import Options, ingest
from store.db import connect
from tests.desk import NOW

url, path, rows = sys.argv[1:]
readers.ROWS_AT_ONCE = 20

def progress(read):
    if read >= int(rows):
        os.kill(os.getpid(), signal.SIGKILL)

ingest(connect(url), Path(path), Options("incidents"), NOW, progress)
"""


def test_kill_minus_nine_in_the_middle_leaves_nothing(desk):
    path = desk.csv("a.csv", [report(n, ANTAL=str(n % 4)) for n in range(200)])
    before = desk.sizes()
    child = [sys.executable, "-c", KILLED, desk.url, str(path), "120"]
    done = subprocess.run(child, check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert desk.sizes() == before
    assert counts(desk.take(path)) == (150, 0, 50)


@pytest.mark.deep
def test_kill_minus_nine_at_any_moment_leaves_all_or_nothing(desk):
    path = desk.csv("a.csv", [report(n) for n in range(20_000)])
    before, held = desk.sizes(), 0
    for attempt in range(20):
        child = subprocess.Popen(
            [program(), "ingest", "incidents", str(path)],
            env=os.environ | {"LAGESBILD_DATABASE_URL": desk.url},
            stdout=subprocess.DEVNULL,
        )
        try:
            child.wait(1.0 + 0.15 * attempt)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        now_held = desk.one("SELECT count(*) FROM incident")
        assert now_held in {0, 20_000}
        assert now_held >= held
        held = now_held
        if not held:
            assert desk.sizes() == before
    desk.take(path)
    assert desk.one("SELECT count(*) FROM incident") == 20_000


def program():
    """Find the installed command beside the interpreter."""
    return str(Path(sys.executable).with_name("lagesbild"))


TWICE = """
import sys
from pathlib import Path
from pipelines.ingest import Options, ingest
from store.db import connect
from tests.desk import NOW

url, path = sys.argv[1:]
store = connect(url)
sys.stdin.readline()  # both are ready
ingest(store, Path(path), Options("incidents"), NOW)
"""


def test_two_processes_with_the_same_file_add_it_once(desk):
    path = desk.csv("a.csv", [report(n) for n in range(3_000)])
    children = [
        subprocess.Popen(
            [sys.executable, "-c", TWICE, desk.url, str(path)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    for child in children:
        child.stdin.write(b"\n")
        child.stdin.flush()
    said = [child.communicate()[1] for child in children]
    assert [child.returncode for child in children] == [0, 0], said
    assert desk.one("SELECT count(*) FROM incident") == 3_000
    totals = desk.ask("SELECT accepted, duplicates, quarantined FROM import_batch ORDER BY id")
    assert totals == [(3_000, 0, 0), (0, 3_000, 0)]


# --- accepted + duplicates + quarantined = rows read -------------------------------------------

MESSY = {
    "ID": ["1", "2", "3", "", " 4 ", "ä"],
    "BROTTSKOD": ["0357", "357", "", "9999", "abc", "5011", "0604"],
    "LATITUDE": ["59,3713", "59.3713", "", "0", "x", "1e999", "-59", "6582337", "59,4"],
    "LONGITUDE": ["16,5145", "16.5145", "", "0", "nan", "585802", "16,46"],
    "GATA": ["", "Fristadstorget", "Finns inte", "Kungsgatan/Nygatan", '"', "a;b", "å\nö", "\t"],
    "GATUNR": ["", "5", "5 A", "x"],
    "KOMMUN": ["", "Eskilstuna", "811218-9876"],
    "BROTTSDATUMTID_START": [
        *("2026-03-06 23:30", "2026-03-06", "2026-02-30 10:00", "2026-03-06 24:00", ""),
        *("2026-03-29 02:30", "2025-10-26 02:30", "1900-01-01", "2099-01-01", "06/03/2026", "v. 7"),
        *("2026-03-06T23:30:00Z", "46000.5", "\u0662\u0660"),
    ],
    "BROTTSDATUMTID_SLUT": ["", "2026-03-07 01:00", "2026-03-06 01:00", "2028-01-01", "nyss"],
    "INSKRIVNINGSDATUM": ["", "2026-03-07", "2026-02-31", "x"],
    "ANTAL": ["", "1", "2", "0", "-1", "1,5", "1001", "1e3", "många", "\u00b2"],
}
some_faults = st.lists(
    st.sampled_from([(name, cell) for name, cells in MESSY.items() for cell in cells]), max_size=2
)
messy_row = st.builds(
    lambda number, faults: report(number, **dict(faults)), st.integers(1, 9), some_faults
)
ragged_row = st.lists(st.sampled_from(["1", "x", "", "2026-03-06 10:00"]), min_size=1, max_size=15)
messy_rows = st.lists(
    st.one_of(messy_row, messy_row, messy_row, ragged_row), min_size=1, max_size=25
)


def every_row_is_accounted_for(desk, rows, delimiter, encoding, header=POINTS):
    """Take messy rows in twice; or be refused with a sentence and nothing changed."""
    path = desk.put("m.csv", csv_text(header, rows, delimiter).encode(encoding))
    source, before = uuid4().hex, desk.sizes()
    try:
        first = desk.take(path, source=source)
    except LagesbildError as fault:
        said = sentence(fault)
        assert desk.sizes() == before
        assert said != fault.code  # noqa: PT017 - a refusal is one of two right answers
        return
    accepted, _, quarantined = counts(first)
    assert first.counts.rows_read == len(rows)
    after = desk.sizes()
    assert after["incident"] - before["incident"] == accepted
    assert (
        after["quarantined"] - before["quarantined"]
        == quarantined
        == sum(first.details["reasons"].values())
    )
    assert counts(desk.take(path, source=source)) == (0, len(rows), 0)
    assert desk.sizes() == {**after, "import_batch": after["import_batch"] + 1}


@ON_ONE_STORE
@given(
    rows=messy_rows,
    delimiter=st.sampled_from(";,\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_every_row_of_a_messy_file_is_accounted_for(gpkg_desk, rows, delimiter, encoding):
    every_row_is_accounted_for(gpkg_desk, rows, delimiter, encoding)


@settings(ON_ONE_STORE, max_examples=6)
@given(rows=messy_rows)
def test_every_row_of_a_messy_file_is_accounted_for_in_postgis(postgis_desk, rows):
    every_row_is_accounted_for(postgis_desk, rows, ";", "utf-8")


@settings(ON_ONE_STORE, max_examples=12)
@given(rows=messy_rows)
def test_every_row_of_a_messy_file_without_ids_is_accounted_for(gpkg_desk, rows):
    every_row_is_accounted_for(
        gpkg_desk, [row[1:] or [""] for row in rows], ";", "utf-8", WITHOUT_ID
    )


@pytest.mark.deep
@settings(ON_ONE_STORE, max_examples=200)
@given(
    rows=messy_rows,
    delimiter=st.sampled_from(";,\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_every_row_of_many_messy_files_is_accounted_for(desk, rows, delimiter, encoding):
    every_row_is_accounted_for(desk, rows, delimiter, encoding)


anything = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)


@settings(ON_ONE_STORE, max_examples=30)
@given(rows=st.lists(st.lists(anything, min_size=1, max_size=12), min_size=1, max_size=8))
def test_whatever_the_cells_hold_nothing_breaks(gpkg_desk, rows):
    every_row_is_accounted_for(gpkg_desk, rows, ";", "utf-8")


@settings(ON_ONE_STORE, max_examples=30)
@given(content=st.binary(max_size=300), kind=st.sampled_from(["csv", "xlsx", "geojson", "parquet"]))
def test_a_file_of_any_bytes_is_refused_with_a_sentence(gpkg_desk, content, kind):
    path = gpkg_desk.put(f"x.{kind}", content)
    with pytest.raises(LagesbildError) as refused:
        gpkg_desk.take(path)
    assert sentence(refused.value) != refused.value.code


def test_police_rows_without_coordinates_are_placed_by_street_and_area(gpkg_desk):
    rows = [
        ["03/07/2026", "N", "B", street, "0357", "1", "03/06/2026", "", "2330", ""]
        for street in ("Fristadstorget", "Skiftinge", "Finns inte alls")
    ]
    of = gpkg_desk.take_rows(*rows, header=AREAS)
    assert of.details["placed_by"] == {"place": 1, "area": 1, "none": 1}
    assert of.details["hit_rate"] == pytest.approx(1 / 3, abs=1e-4)
    assert gpkg_desk.one("SELECT count(*) FROM incident WHERE cell IS NULL") == 1


def test_progress_counts_rows(gpkg_desk, monkeypatch):
    monkeypatch.setattr("pipelines.readers.ROWS_AT_ONCE", 4)
    path = gpkg_desk.csv("a.csv", [report(n, **lonlat(16.5, 59.37)) for n in range(10)])
    seen = []
    ingest(gpkg_desk.store, path, Options("incidents"), NOW, seen.append)
    assert seen == [4, 8, 10]
