"""Rows that were set aside: kept whole, masked, exported, corrected and handed in again."""

import csv
import logging
import re

import pytest

from geo.errors import Conflict, InvalidParameter, NotFound
from pipelines import mapping, quarantine
from pipelines.ingest import Options
from tests.desk import NOW, POINTS, WALK, report, sighting

NUMBER = "811218-9876"  # Skatteverket's own example
LEADING = [quarantine.ID, quarantine.LINE, quarantine.REASON]


def exported(desk, import_id=1, name="karantän.csv"):
    """Export an import's rows and give header and rows as a spreadsheet would show them."""
    path = desk.folder / name
    quarantine.export(desk.store, import_id, path)
    header, *rows = csv.reader(path.read_text("utf-8-sig").splitlines(keepends=True), delimiter=";")
    return header, rows


def hand_in(desk, header, rows, name="rättad.csv", encoding="utf-8"):
    """Hand corrected rows in again and give the counts of each report."""
    path = desk.csv(name, rows, header, encoding=encoding)
    reports = quarantine.retry(desk.store, path, Options("incidents"), NOW)
    return [(r.counts.accepted, r.counts.duplicates, r.counts.quarantined) for r in reports]


# --- what is kept ------------------------------------------------------------------------------


def test_a_row_keeps_line_column_value_reason_and_raw_text(desk):
    bad = report(2, ANTAL="många", GATA="Å;ö")
    desk.take_rows(report(1), bad)
    assert desk.set_aside() == [(3, "not-a-number", "ANTAL", "många")]
    raw = desk.one("SELECT raw FROM quarantined")
    assert next(csv.reader([raw], delimiter=";")) == bad


def test_a_row_has_one_reason_the_first(desk):
    desk.take_rows(report(1), report(2, ANTAL="x", BROTTSKOD="9999", LATITUDE=""))
    assert len(desk.set_aside()) == 1


def test_a_row_of_many_long_cells_is_kept_whole(desk):
    long = {name: name[0] * 9_999 for name in ("GATA", "GATUNR", "KOMMUN")}
    desk.take_rows(report(1, ANTAL="x", **long))
    assert desk.one("SELECT raw FROM quarantined") == ";".join(report(1, ANTAL="x", **long))


def test_what_nobody_reads_is_not_kept_of_a_row_in_quarantine_either(desk):
    header = (*POINTS[:4], "FRITEXT", *POINTS[4:])
    planted = "Mannen i röd jacka sprang; mot torget"

    def told(number, *more, **cells):
        row = report(number, **cells)
        return [*row[:4], planted, *row[4:], *more]

    desk.take_rows(told(1), told(2, ANTAL="x"), told(3, "en cell för mycket"), header=header)
    assert desk.one("SELECT count(*) FROM quarantined") == 2
    everything = desk.everything()
    for words in ("röd jacka", "mot torget"):
        assert words not in everything
        assert words.encode().decode("latin-1") not in everything


def test_a_row_in_quarantine_keeps_the_places_of_its_cells(desk):
    header = ("FRITEXT", *POINTS)
    desk.take_rows(["Berättelse", *report(1, ANTAL="x")], header=header)
    _, (row,) = exported(desk)
    assert row[3:] == ["", *report(1, ANTAL="x")]


def test_a_long_value_is_shortened_where_it_is_shown_only(desk):
    desk.take_rows(report(1, BROTTSKOD="9" * 5_000))
    assert len(desk.set_aside()[0][3]) == 80
    assert "9" * 5_000 in desk.one("SELECT raw FROM quarantined")


# --- personal identity numbers -----------------------------------------------------------------


SPELLINGS = (
    *(NUMBER, "19811218-9876", "8112189876", "198112189876", "811218+9876", "811218 9876"),
    *("811218–9876", "811218 - 9876", "811278-9873", f"pnr.{NUMBER}", f"({NUMBER})", f"x{NUMBER}"),
)


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_a_row_with_a_personal_number_is_set_aside_with_the_number_masked(
    gpkg_desk, delimiter, caplog
):
    caplog.set_level(logging.DEBUG)
    rows = [report(n, GATA=number) for n, number in enumerate(SPELLINGS)]
    before_digits = [[*report(50, KOMMUN=number)[:-1], "5"] for number in SPELLINGS]
    path = gpkg_desk.csv("a.csv", [report(99), *rows, *before_digits], delimiter=delimiter)
    of = gpkg_desk.take(path)
    assert of.details["reasons"] == {"personal-number": 2 * len(SPELLINGS)}
    seen = gpkg_desk.everything() + str(of.details) + caplog.text
    assert not re.search(r"8112[17]8.{0,3}987[36]", seen)
    masked = gpkg_desk.one("SELECT count(*) FROM quarantined WHERE raw LIKE '%######-####%'")
    assert masked == 2 * len(SPELLINGS)


@pytest.mark.parametrize(
    "cells",
    [
        {"ANTAL": f"x {NUMBER}"},
        {"BROTTSKOD": NUMBER},
        {"ID": NUMBER},
        {"LATITUDE": NUMBER},
        {"BROTTSDATUMTID_START": NUMBER},
    ],
)
def test_a_personal_number_in_a_cell_that_is_also_wrong_is_masked(desk, cells):
    of = desk.take_rows(report(1), report(2, **cells))
    assert NUMBER not in desk.everything() + str(of.details)
    assert desk.set_aside() == [(3, "personal-number", "", "")]


def test_a_personal_number_in_a_ragged_row_is_masked(desk):
    of = desk.take_rows(report(1), [*report(2), NUMBER, "mer"])
    assert NUMBER not in desk.everything() + str(of.details)
    assert of.details["reasons"] == {"wrong-cell-count": 1}


def test_a_personal_number_in_a_column_nobody_reads_is_masked(desk):
    of = desk.take_rows([*report(1), f"Målsägande {NUMBER} såg"], header=(*POINTS, "FRITEXT"))
    assert of.details["reasons"] == {"personal-number": 1}
    assert NUMBER not in desk.everything()


def test_a_personal_number_in_the_name_of_a_file_is_masked(desk):
    of = desk.take_rows(report(1, ANTAL="x"), name=f"utdrag {NUMBER}.csv")
    assert of.details["file"] == "utdrag ######-####.csv"
    assert NUMBER not in desk.everything() + str(of.details)


def test_a_personal_number_in_a_note_of_a_walk_is_masked(desk):
    note = f"Ring {NUMBER}"
    of = desk.take_rows(sighting(Anteckning=note), header=WALK, kind="observations")
    assert of.details["reasons"] == {"personal-number": 1}
    assert NUMBER not in desk.everything()


def test_masked_rows_are_exported_masked_and_come_in_when_corrected(desk):
    desk.take_rows(report(1, GATA=f"Gatan {NUMBER}"))
    header, rows = exported(desk)
    assert NUMBER not in str(rows)
    rows[0][header.index("GATA")] = "Gatan"
    assert hand_in(desk, header, rows) == [(1, 0, 0)]


def test_a_masked_row_handed_in_unchanged_still_waits(desk):
    desk.take_rows(report(1, GATA=f"Anna {NUMBER}"))
    header, rows = exported(desk)
    assert hand_in(desk, header, rows) == [(0, 0, 1)]


def test_a_sheet_whose_columns_were_moved_is_refused_whole(desk):
    desk.take_rows(report(1, ANTAL="x"))
    header, rows = exported(desk)
    header[3], header[4] = header[4], header[3]
    with pytest.raises(InvalidParameter) as refused:
        hand_in(desk, header, rows)
    assert refused.value.code == "quarantine-header"
    assert len(desk.set_aside()) == 1


@pytest.mark.parametrize(
    "harmless",
    ["811218-9877", "5000-K123456-26", "16,8112189876", "6582337", "585802 6582337", "2026-03-06"],
)
def test_numbers_that_are_no_personal_numbers_are_left_alone(gpkg_desk, harmless):
    of = gpkg_desk.take_rows(report(1, GATA=harmless))
    assert of.details["reasons"] == {}


# --- export, correct, hand in again ------------------------------------------------------------


def test_the_export_has_the_columns_of_the_file_behind_three_of_ours(desk):
    desk.take_rows(report(1), report(2, BROTTSDATUMTID_START="2026-02-30"), report(3, ANTAL="x"))
    header, rows = exported(desk)
    assert header == [*LEADING, *POINTS]
    assert [row[1:3] for row in rows] == [["3", "date-does-not-exist"], ["4", "not-a-number"]]
    assert rows[0][3:] == report(2, BROTTSDATUMTID_START="2026-02-30")


def test_corrected_rows_come_in_under_their_own_source_and_leave_the_quarantine(desk):
    bad = [report(n, BROTTSDATUMTID_START="2026-02-30") for n in (2, 3)]
    desk.take_rows(report(1), *bad, source="polisen Eskilstuna")
    header, rows = exported(desk)
    for row in rows:
        row[header.index("BROTTSDATUMTID_START")] = "2026-02-28 22:00"
    assert hand_in(desk, header, rows) == [(2, 0, 0)]
    assert desk.set_aside() == []
    sources = desk.ask("SELECT source, accepted FROM import_batch ORDER BY id")
    assert sources == [("polisen Eskilstuna", 1), ("polisen Eskilstuna", 2)]
    assert desk.one("SELECT count(*) FROM quarantined WHERE retried_in = 2") == 2


def test_rows_that_fail_again_are_set_aside_anew_with_their_new_reason(desk):
    desk.take_rows(report(1), report(2, BROTTSDATUMTID_START="2026-02-30", ANTAL="x"))
    header, rows = exported(desk)
    rows[0][header.index("BROTTSDATUMTID_START")] = "2026-02-28"
    assert hand_in(desk, header, rows) == [(0, 0, 1)]
    assert [row[1] for row in desk.set_aside()] == ["not-a-number"]
    header, rows = exported(desk, 2, "igen.csv")
    rows[0][header.index("ANTAL")] = "1"
    assert hand_in(desk, header, rows) == [(1, 0, 0)]
    assert desk.set_aside() == []


def test_rows_handed_in_unchanged_still_wait(desk):
    desk.take_rows(report(1, ANTAL="x"), report(1, ANTAL="x"))
    for import_id in (1, 2, 3):
        header, rows = exported(desk, import_id, f"{import_id}.csv")
        assert hand_in(desk, header, rows) == [(0, 0, 2)]
        assert len(desk.set_aside()) == 2


def test_one_corrected_row_of_several_leaves_the_others_waiting(desk):
    desk.take_rows(*(report(n, ANTAL="x") for n in range(4)))
    header, rows = exported(desk)
    rows[2][header.index("ANTAL")] = "1"
    assert hand_in(desk, header, [rows[2]]) == [(1, 0, 0)]
    assert len(desk.set_aside()) == 3


def test_rows_of_several_imports_are_handed_in_together(desk):
    desk.take_rows(report(1, ANTAL="x"), source="a")
    desk.take_rows(sighting(Allvar="9"), header=WALK, kind="observations", source="b")
    header, rows = exported(desk, 1, "1.csv")
    rows[0][header.index("ANTAL")] = "1"
    assert hand_in(desk, header, rows, "ett.csv") == [(1, 0, 0)]
    header, rows = exported(desk, 2, "2.csv")
    rows[0][header.index("Allvar")] = "3"
    assert hand_in(desk, header, rows, "två.csv") == [(1, 0, 0)]
    assert desk.sizes()["observation"] == 1


def test_a_corrected_row_that_is_known_already_is_a_duplicate_and_leaves_the_quarantine(desk):
    desk.take_rows(report(1), report(2, ANTAL="x"))
    header, rows = exported(desk)
    rows[0][3:] = report(1)
    assert hand_in(desk, header, rows) == [(0, 1, 0)]
    assert desk.set_aside() == []


def test_the_same_file_after_a_correction_adds_nothing(desk):
    path = desk.csv("a.csv", [report(1), report(2, ANTAL="x")])
    desk.take(path)
    header, rows = exported(desk)
    rows[0][header.index("ANTAL")] = "1"
    hand_in(desk, header, rows)
    before = desk.sizes()
    desk.take(path)
    assert desk.sizes() == {**before, "import_batch": before["import_batch"] + 1}


def test_a_spreadsheet_may_save_the_corrections_in_its_own_way(gpkg_desk):
    gpkg_desk.take_rows(report(1, ANTAL="x", GATA="Åsgatan"))
    header, rows = exported(gpkg_desk)
    rows[0][header.index("ANTAL")] = "1"
    rows[0][header.index("BROTTSKOD")] = "357"
    path = gpkg_desk.xlsx("rättad.xlsx", rows, header)
    assert [
        r.counts.accepted
        for r in quarantine.retry(gpkg_desk.store, path, Options("incidents"), NOW)
    ] == [1]
    assert gpkg_desk.ask("SELECT code, street FROM incident") == [("0357", "Åsgatan")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
def test_corrections_come_in_any_encoding(gpkg_desk, encoding):
    gpkg_desk.take_rows(report(1, ANTAL="x", GATA="Åsgatan"))
    header, rows = exported(gpkg_desk)
    rows[0][header.index("ANTAL")] = "1"
    assert hand_in(gpkg_desk, header, rows, encoding=encoding) == [(1, 0, 0)]


def test_cells_with_line_breaks_and_quotes_survive_the_way_out_and_in(gpkg_desk):
    street = 'Å "hörnet"\nvid; torget\r\noch'
    rows = [report(1, ANTAL="x", GATA=street)]
    for path in (gpkg_desk.csv("a.csv", rows), gpkg_desk.xlsx("a.xlsx", rows)):
        gpkg_desk.take(path, source=path.name)
    for import_id in (1, 2):
        header, (row,) = exported(gpkg_desk, import_id, f"{import_id}.csv")
        assert row[header.index("GATA")].replace("\r\n", "\n") == street.replace("\r\n", "\n")
        row[header.index("ANTAL")] = "1"
        assert hand_in(gpkg_desk, header, [row]) == [(1, 0, 0)]


@pytest.mark.parametrize("cell", ["=1+1", "+46 70", "@SUM(A1)", "-x", "\t=1", "'=1", "-5", "+5"])
def test_a_cell_that_a_spreadsheet_would_run_is_text_outside_and_itself_inside(gpkg_desk, cell):
    gpkg_desk.take_rows(report(1, ANTAL="x", GATA=cell))
    header, (row,) = exported(gpkg_desk)
    shown = row[header.index("GATA")]
    assert shown.lstrip("-+")[:1].isdigit() or shown[:1] not in set("=+-@\t\r")
    row[header.index("ANTAL")] = "1"
    assert hand_in(gpkg_desk, header, [row]) == [(1, 0, 0)]
    assert gpkg_desk.one("SELECT street FROM incident") == cell.strip()


def test_a_ragged_row_is_exported_as_it_stood_and_comes_in_when_it_fits(gpkg_desk):
    gpkg_desk.take_rows(report(1), [*report(2), "för mycket"])
    header, (row,) = exported(gpkg_desk)
    assert row[-1] == "för mycket"
    assert hand_in(gpkg_desk, header, [row]) == [(0, 0, 1)]
    header, (row,) = exported(gpkg_desk, 2, "2.csv")
    assert hand_in(gpkg_desk, header, [row[:-1]]) == [(1, 0, 0)]


def test_a_row_whose_cells_were_all_deleted_is_not_lost(gpkg_desk):
    gpkg_desk.take_rows(report(1, ANTAL="x"), report(2, ANTAL="x"))
    header, rows = exported(gpkg_desk)
    rows[0] = rows[0][:3]
    rows[1][header.index("ANTAL")] = "1"
    assert hand_in(gpkg_desk, header, rows) == [(1, 0, 1)]
    assert len(gpkg_desk.set_aside()) == 1


def test_the_mapping_of_the_import_is_used_again(gpkg_desk):
    text = """
    kind = "incidents"
    source = "x"
    encoding = "cp1252"
    delimiter = "|"
    epsg = 3006
    datetime_formats = ["%d.%m.%Y"]
    [columns]
    source_id = "Nr"
    starts = "När"
    code = "Kod"
    easting = "E"
    northing = "N"
    [values.code]
    "slag" = "0357"
    [uncertainty]
    default = 33
    [date_only]
    column = "Kod"
    values = ["x"]
    """
    layout = mapping.load(gpkg_desk.put("m.toml", text))
    rows = [["1", "31.02.2026", "slag", "585802", "6582337"]]
    path = gpkg_desk.csv(
        "a.csv", rows, ("Nr", "När", "Kod", "E", "N"), delimiter="|", encoding="cp1252"
    )
    gpkg_desk.take(path, layout=layout)
    header, (row,) = exported(gpkg_desk)
    row[header.index("När")] = "28.02.2026"
    assert hand_in(gpkg_desk, header, [row]) == [(1, 0, 0)]
    found = gpkg_desk.ask("SELECT code, uncertainty_m, round(x_m) FROM incident")
    assert found == [("0357", 33.0, 585802.0)]


@pytest.mark.deep
def test_more_rows_than_a_statement_may_name_are_handed_in(gpkg_desk):
    gpkg_desk.take_rows(*(report(n, ANTAL="x") for n in range(33_000)))
    header, rows = exported(gpkg_desk)
    for row in rows:
        row[header.index("ANTAL")] = "1"
    assert hand_in(gpkg_desk, header, rows) == [(33_000, 0, 0)]
    assert gpkg_desk.set_aside() == []


# --- what is refused ---------------------------------------------------------------------------


def test_nothing_to_export(desk):
    desk.take_rows(report(1))
    with pytest.raises(NotFound, match="nothing-in-quarantine"):
        exported(desk)
    with pytest.raises(NotFound, match="no-import"):
        exported(desk, 99)


def test_an_export_never_overwrites_a_file(desk):
    desk.take_rows(report(1, ANTAL="x"))
    path = desk.put("finns.csv", "mitt")
    with pytest.raises(Conflict, match="file-exists"):
        quarantine.export(desk.store, 1, path)
    assert path.read_text() == "mitt"


def test_an_export_makes_the_folder_it_needs(gpkg_desk):
    gpkg_desk.take_rows(report(1, ANTAL="x"))
    quarantine.export(gpkg_desk.store, 1, gpkg_desk.folder / "ny" / "mapp" / "k.csv")
    assert [path.name for path in (gpkg_desk.folder / "ny" / "mapp").iterdir()] == ["k.csv"]


def test_a_file_that_is_no_export_is_refused(desk):
    desk.take_rows(report(1, ANTAL="x"))
    before = desk.sizes()
    with pytest.raises(InvalidParameter, match="not-a-quarantine-file"):
        hand_in(desk, POINTS, [report(1)])
    assert desk.sizes() == before


@pytest.mark.parametrize("number", ["99", "", "x", "-1", "1.5", "²", "9" * 400])
def test_a_number_that_is_not_in_quarantine_is_refused_with_its_line(desk, number):
    desk.take_rows(report(1, ANTAL="x"), report(2, ANTAL="x"))
    header, rows = exported(desk)
    rows[1][0] = number
    before = desk.sizes()
    with pytest.raises(InvalidParameter) as refused:
        hand_in(desk, header, rows)
    assert (refused.value.code, refused.value.values["line"]) == ("quarantine-id", 3)
    assert desk.sizes() == before


def test_a_row_twice_in_one_correction_is_refused(desk):
    desk.take_rows(report(1, ANTAL="x"))
    header, (row,) = exported(desk)
    with pytest.raises(InvalidParameter, match="quarantine-id"):
        hand_in(desk, header, [row, row])


def test_a_row_that_was_handed_in_before_is_refused(desk):
    desk.take_rows(report(1, ANTAL="x"))
    header, (row,) = exported(desk)
    hand_in(desk, header, [row])
    with pytest.raises(InvalidParameter, match="quarantine-id"):
        hand_in(desk, header, [row])
