"""The command line: what it says, what scripts get, and its exit codes."""

import io
import json
import socket

import pytest

from pipelines.quarantine import ID, LINE, REASON
from tests.desk import QUIET, WALK, lonlat, report, sighting


@pytest.fixture
def run(gpkg_desk, command):
    """Give a function that runs a command that must succeed and gives its output."""

    def succeed(*arguments):
        code, out, err = command(gpkg_desk.url, *arguments)
        assert (code, err) == (0, ""), err
        return out

    return succeed


@pytest.fixture
def refused(gpkg_desk, command):
    """Give a function that runs a command that must be refused and gives the sentence."""

    def refuse(*arguments, url=gpkg_desk.url):
        code, out, err = command(url, *arguments)
        assert (code, out) == (2, ""), (out, err)
        assert err.count("\n") == 1
        assert "Traceback" not in err
        return err

    return refuse


def test_help_names_every_command(run):
    out = run("--help")
    for name in ("db", "places", "ingest", "imports", "quarantine", "analyse", "export", "demo"):
        assert f" {name} " in out


# --- before anything is there ------------------------------------------------------------------


def test_an_empty_database_is_told_how_to_begin(refused, tmp_path, command):
    url = f"sqlite:///{tmp_path / 'ny mapp' / 'ny.gpkg'}"
    assert "lagesbild db upgrade" in refused("ingest", "incidents", tmp_path / "a.csv", url=url)
    code, out, _ = command(url, "db", "upgrade")
    assert (code, "skapad" in out) == (0, True)
    assert "lagesbild places load" in refused("places", "list", url=url)
    assert "lagesbild places load" in refused("analyse", url=url)
    assert command(url, "places", "load", "eskilstuna")[0] == 0
    assert "lagesbild ingest" in refused("analyse", url=url)


def test_a_profile_that_does_not_exist_is_named(refused):
    assert "eskilstuna" in refused("places", "load", "atlantis")


def test_a_file_that_is_no_database(gpkg_desk, refused):
    path = gpkg_desk.put("data.gpkg", "hej" * 2_000)
    assert "ingen Lägesbild-databas" in refused("db", "check", url=f"sqlite:///{path}")


def test_a_database_address_that_is_none(refused):
    for url in ("mysql://x/y", "sqlite://", "inte en adress"):
        assert "LAGESBILD_DATABASE_URL" in refused("db", "check", url=url)


def test_a_server_that_is_not_there(refused):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"postgresql+psycopg://x@127.0.0.1:{port}/x"
    assert "går inte att nå" in refused("db", "check", url=url)


def test_a_setting_nobody_knows_stops_the_start(refused, monkeypatch):
    monkeypatch.setenv("LAGESBILD_DATABASE_ULR", "x")
    assert "LAGESBILD_DATABASE_ULR" in refused("imports", "list")


# --- ingest and its report ---------------------------------------------------------------------

MIXED = [
    report(1),
    report(2, ANTAL="3", BROTTSDATUMTID_SLUT="2026-03-07 02:00"),
    report(3, LATITUDE="", LONGITUDE="", GATA="Ingenstansvägen"),
    report(4, BROTTSDATUMTID_START="2026-02-30"),
    report(1),
]


def test_the_report_says_everything_a_reader_needs(gpkg_desk, run):
    out = run("ingest", "incidents", gpkg_desk.csv("mars.csv", MIXED, encoding="cp1252"))
    for words in (
        "Import 1: mars.csv (källa polisen)",
        "5 rader lästa = 3 mottagna + 1 dubbletter + 1 i karantän",
        "EPSG:4326, teckenkodning cp1252",
        "koordinat 2",
        "saknar känd plats 1",
        "Egen plats: 2 av 3 rader",
        "Rad 5, kolumn BROTTSDATUMTID_START: datumet ”2026-02-30” finns inte.",
        "lagesbild quarantine export 1",
    ):
        assert words in out
    assert "{" not in out


def test_a_good_hit_rate_gives_no_warning(gpkg_desk, run):
    rows = [report(n) for n in range(17)]
    nowhere = [report(20 + n, LATITUDE="", LONGITUDE="", GATA="Ingenstans") for n in range(3)]
    out = run("ingest", "incidents", gpkg_desk.csv("a.csv", [*rows, *nowhere]))
    assert "Träffgrad 85,0 %" in out
    assert "Varning" not in out


def test_a_poor_hit_rate_gives_a_warning_and_no_percentage_of_fewer_than_ten_rows(gpkg_desk, run):
    nowhere = [report(20 + n, LATITUDE="", LONGITUDE="", GATA="Ingenstans") for n in range(2)]
    ten = gpkg_desk.csv("a.csv", [*(report(n) for n in range(8)), *nowhere])
    said = run("ingest", "incidents", ten)
    assert "Träffgrad 80,0 %" in said
    assert "Varning: träffgraden är under 85 %" in said
    nine = gpkg_desk.csv("b.csv", [*(report(n) for n in range(7)), *nowhere])
    said = run("ingest", "incidents", nine, "--source", "annan")
    assert "Egen plats: 7 av 9 rader" in said
    assert "Träffgrad" not in said
    assert "Varning" not in said


def test_json_is_all_that_scripts_get(gpkg_desk, run):
    got = json.loads(run("ingest", "incidents", gpkg_desk.csv("a.csv", MIXED), "--json"))
    assert (got["import"], got["rows_read"]) == (1, 5)
    assert (got["accepted"], got["duplicates"], got["quarantined"]) == (3, 1, 1)
    assert got["reasons"] == {"date-does-not-exist": 1}
    assert got["hit_rate"] == pytest.approx(0.6667)
    assert "header" not in got
    shown = json.loads(run("imports", "show", "1", "--json"))
    assert {name: shown[name] for name in got} == got
    assert [each["import"] for each in json.loads(run("imports", "list", "--json"))] == [1]


def test_a_dry_run_is_called_one_and_keeps_nothing(gpkg_desk, run):
    before = gpkg_desk.sizes()
    out = run("ingest", "incidents", gpkg_desk.csv("a.csv", MIXED), "--dry-run")
    assert "Provkörning: inget har sparats." in out
    assert "quarantine export" not in out
    got = run("ingest", "incidents", gpkg_desk.csv("a.csv", MIXED), "--dry-run", "--json")
    assert json.loads(got)["import"] is None
    assert gpkg_desk.sizes() == before


@pytest.mark.parametrize(
    ("name", "options"), [("syntetisk.csv", []), ("Syntetiska.csv", []), ("a.csv", ["--synthetic"])]
)
def test_synthetic_data_are_marked_in_every_report(gpkg_desk, run, name, options):
    out = run("ingest", "incidents", gpkg_desk.csv(name, MIXED), *options)
    assert "SYNTETISKA DATA" in out
    assert "SYNTETISKA DATA" in run("imports", "show", "1")


def test_a_walk_is_taken_in_and_its_note_waits(gpkg_desk, run):
    path = gpkg_desk.csv("v.csv", [sighting(Anteckning="Lampan är trasig")], WALK)
    assert "1 mottagna" in run("ingest", "observations", path)
    assert "Lampan är trasig" in run("observations", "unreviewed")
    run("observations", "review", "1")
    assert "Lampan" not in run("observations", "unreviewed")


def test_an_incident_file_is_no_walk_and_the_other_way_round(gpkg_desk, refused):
    assert "Filen har: ID" in refused("ingest", "observations", gpkg_desk.csv("a.csv", MIXED))
    walk = gpkg_desk.csv("v.csv", [sighting()], WALK)
    assert "Datum, Vandring" in refused("ingest", "incidents", walk)


def test_the_source_given_is_the_source_kept(gpkg_desk, run):
    run("ingest", "incidents", gpkg_desk.csv("a.csv", MIXED), "--source", "Larm 112")
    assert "källa Larm 112" in run("imports", "show", "1")


def test_markup_in_a_file_is_shown_as_it_stands(gpkg_desk, run):
    rows = [report(1), report(2, ANTAL="[bold]x[/bold]"), report(3, BROTTSKOD="[red]")]
    out = run("ingest", "incidents", gpkg_desk.csv("[b].csv", rows))
    assert "[bold]x[/bold]" in out
    assert "[red]" in out
    assert "[bold]" in run("quarantine", "list")


def test_no_personal_number_is_printed(gpkg_desk, run, refused):
    number = "811218-9876"
    rows = [report(1), report(2, GATA=number), report(3, ANTAL=number)]
    path = gpkg_desk.csv("a.csv", rows, delimiter=",")
    said = (
        run("ingest", "incidents", path) + run("quarantine", "list") + run("imports", "show", "1")
    )
    said += run("quarantine", "list", "--json")
    said += refused("ingest", "incidents", gpkg_desk.csv("b.csv", rows, rows[1], delimiter=","))
    assert "811218" not in said


# --- imports and quarantine --------------------------------------------------------------------


def test_imports_are_listed_the_last_first(gpkg_desk, run):
    assert "Inga importer" in run("imports", "list")
    run("ingest", "incidents", gpkg_desk.csv("ett.csv", [report(1)]))
    run("ingest", "incidents", gpkg_desk.csv("två.csv", [report(2)]))
    out = run("imports", "list")
    assert out.index("två.csv") < out.index("ett.csv")


def test_an_import_that_does_not_exist(refused):
    assert "Import 99 finns inte" in refused("imports", "show", "99")


def test_quarantine_from_list_to_retry(gpkg_desk, run):
    assert "Karantänen är tom" in run("quarantine", "list")
    run("ingest", "incidents", gpkg_desk.csv("a.csv", MIXED))
    assert "Rad 5, kolumn BROTTSDATUMTID_START" in run("quarantine", "list", "--import", "1")
    (row,) = json.loads(run("quarantine", "list", "--json"))
    assert (row["line"], row["reason"]) == (5, "date-does-not-exist")
    path = gpkg_desk.folder / "rätta.csv"
    out = run("quarantine", "export", "1", path)
    assert "quarantine retry rätta.csv" in out
    text = path.read_text("utf-8-sig")
    assert text.startswith(f"{ID};{LINE};{REASON};ID;")
    path.write_text(text.replace("2026-02-30", "2026-02-28").replace("2026-03-06", "2026-02-28"))
    assert "1 mottagna" in run("quarantine", "retry", path)
    assert "Karantänen är tom" in run("quarantine", "list")


# --- places, analysis, export ------------------------------------------------------------------


def test_places_are_listed_and_imported(gpkg_desk, run, refused):
    assert "Skiftinge" in run("places", "list")
    path = gpkg_desk.put("k.csv", "namn;lon;lat\nKrogen;16,46;59,41\n")
    assert ": 1." in run("places", "import", path, "--kind", "venues")
    assert "Välj bland" in refused("places", "import", path, "--kind", "pubar")
    assert "Välj bland" in refused(
        "places", "import", path, "--kind", "areas", "--area-kind", "stadsdel"
    )


def test_analysis_says_what_it_found(gpkg_desk, run, refused):
    rows = [report(n, **lonlat(*QUIET)) for n in range(6)]
    run("ingest", "incidents", gpkg_desk.csv("a.csv", rows))
    out = run("analyse")
    assert "Analys 1 gäller nu: 6 händelser" in out
    assert "Inget har ändrats" in run("analyse")
    got = json.loads(run("analyse", "--json"))
    assert (got["changed"], got["incidents"], got["cells"]) == (False, 6, 1)
    assert json.loads(run("analyse", "--from", "2026-03", "--json"))["incidents"] == 6
    assert "inga händelser i perioden" in refused("analyse", "--from", "2025-01", "--to", "2025-02")
    for wrong in (
        ("--to", "2026-03"),
        ("--from", "mars"),
        ("--from", "2026-04", "--to", "2026-03"),
    ):
        assert "--from 2023-01" in refused("analyse", *wrong)
    for wrong in (("--tolerance-m", "0"), ("--tolerance-m", "nan"), ("--eps-m", "-1")):
        assert "noll" in refused("analyse", *wrong)
    assert "minst 1" in refused("analyse", "--min-samples", "0")


# --- the database ------------------------------------------------------------------------------


def test_backup_and_restore_give_the_same_store(gpkg_desk, run, refused, tmp_path):
    run("ingest", "incidents", gpkg_desk.csv("a.csv", MIXED))
    before = gpkg_desk.sizes()
    copy = tmp_path / "kopior" / "kopia.gpkg"
    run("db", "backup", copy)
    assert "finns redan" in refused("db", "backup", copy)
    assert "--replace" in refused("db", "restore", copy)
    run("ingest", "incidents", gpkg_desk.csv("b.csv", [report(90)]))
    run("db", "restore", copy, "--replace")
    assert gpkg_desk.sizes() == before
    assert "i ordning" in run("db", "check")
    assert "har redan schema" in run("db", "upgrade")


def test_restoring_what_is_no_backup_changes_nothing(gpkg_desk, run, refused):
    run("ingest", "incidents", gpkg_desk.csv("a.csv", MIXED))
    before = gpkg_desk.sizes()
    for path in (gpkg_desk.folder / "nej.gpkg", gpkg_desk.put("x.gpkg", "hej" * 900)):
        refused("db", "restore", path, "--replace")
    assert gpkg_desk.sizes() == before


# --- accounts ----------------------------------------------------------------------------------


def test_an_account_is_added_with_a_password_from_standard_input(gpkg_desk, monkeypatch, run):
    monkeypatch.setattr("sys.stdin", io.StringIO("en lång fras med ord\n"))
    out = run("users", "add", "anna", "--password-stdin")
    assert "anna" in out
    assert "fras" not in out + gpkg_desk.everything()


def test_a_key_is_shown_once_and_never_kept(gpkg_desk, run, refused):
    out = run("keys", "add", "skript")
    key = out.strip().rsplit(" ", 1)[-1]
    assert len(key) >= 20
    assert key not in gpkg_desk.everything()
    assert "skript" in refused("keys", "add", "skript")
    assert "dagar" in refused("keys", "add", "evig", "--days", "100000")
    assert "Välj bland" in refused("keys", "add", "kung", "--role", "kung")


# --- what the operating system refuses ---------------------------------------------------------


def test_a_name_that_is_too_long(refused):
    assert "längre än 255 byte" in refused("ingest", "incidents", "x" * 5_000)
    assert "längre än 255 byte" in refused("ingest", "incidents", "x" * 300 + ".csv")


def test_a_place_where_nothing_can_be_written(gpkg_desk, run, refused):
    run("ingest", "incidents", gpkg_desk.csv("a.csv", MIXED))
    inside_a_file = gpkg_desk.folder / "a.csv" / "k.csv"
    assert "k.csv" in refused("quarantine", "export", "1", inside_a_file)
    assert "k.csv" in refused("db", "backup", inside_a_file)
    assert "demo" in refused("demo", "prepare", "--dir", gpkg_desk.folder / "a.csv" / "demo")
