"""Tables of others: both layouts, what is hidden stays hidden, whole or not at all."""

from datetime import UTC, date, datetime, timedelta

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from geo.errors import InvalidParameter, LagesbildError, NotFound, UnreadableFile
from pipelines import tables
from pipelines.commands import tables as commands
from pipelines.tables import Options, read_month
from store import imports, installation, schema
from store import tables as stored
from store.journal import Wanted, page
from store.parts import JOURNAL
from store.tables import FigureFilter
from tests.desk import NOW, report

POLICE = Options("Polisregion Öst, tertialtabell")
LONG = "Område;Månad;Brottstyp;Antal\r\n"


def take(desk, text, name="tabell.csv", options=POLICE, now=NOW):
    path = desk.put(name, text) if isinstance(text, str | bytes) else text
    return tables.take_in(desk.store, path, options, now)


def figures(desk, **where):
    with desk.store.read() as connection:
        found = stored.find(connection, FigureFilter(**where), 100, 0)
    assert found.matched == len(found.rows)
    return [(row.area, row.month, row.type, row.count) for row in found.rows]


# --- layouts -----------------------------------------------------------------------------------


def test_a_long_table_is_taken_in_with_what_its_source_has_hidden(desk):
    done = take(
        desk,
        LONG
        + "Årby;2025-03;Klotter;17\r\nÅrby;2025-04;Klotter;<5\r\nSkiftinge;mars 2025;Rån;..\r\n",
    )
    assert (done.figures, done.hidden, done.first, done.last) == (3, 2, 202503, 202504)
    assert sorted(figures(desk)) == [
        ("Skiftinge", 202503, "Rån", None),
        ("Årby", 202503, "Klotter", 17),
        ("Årby", 202504, "Klotter", None),
    ]


def test_a_wide_table_has_a_column_for_each_month(desk):
    text = "Stadsdel;Brottskategori;jan 2025;2025-02;Summa\r\nÅrby;Skadegörelse;1 204;-;1 204\r\n"
    take(desk, text)
    assert figures(desk) == [
        ("Årby", 202501, "Skadegörelse", 1204),
        ("Årby", 202502, "Skadegörelse", None),
    ]


def test_a_workbook_with_real_dates_and_numbers_reads_the_same(desk):
    book = openpyxl.Workbook()
    for row in (
        ("Område", "Typ", date(2025, 1, 1), date(2025, 2, 1)),
        ("Årby", "Klotter", 12, "<5"),
        ("Fröslunda", "Klotter", 7.0, None),
    ):
        book.active.append(row)
    path = desk.folder / "tabell.xlsx"
    book.save(path)
    take(desk, path)
    assert sorted(figures(desk)) == [
        ("Fröslunda", 202501, "Klotter", 7),
        ("Fröslunda", 202502, "Klotter", None),
        ("Årby", 202501, "Klotter", 12),
        ("Årby", 202502, "Klotter", None),
    ]


def test_a_column_of_months_with_a_name_of_its_own_can_be_named(gpkg_desk):
    text = "Område;Mätperiod;Typ;Antal\r\nÅrby;2025-03;Klotter;9\r\n"
    with pytest.raises(InvalidParameter) as refused:
        take(gpkg_desk, text)
    assert refused.value.code == "table-column-missing"
    take(gpkg_desk, text, options=Options("polisen", period_column="mätperiod"))
    assert figures(gpkg_desk) == [("Årby", 202503, "Klotter", 9)]


@pytest.mark.parametrize(
    ("text", "month"),
    [
        *(("2025-03", 202503), ("202503", 202503), ("2025/3", 202503), ("2025-03-01", 202503)),
        *(
            ("mars 2025", 202503),
            ("Mars 2025", 202503),
            ("MAR 2025", 202503),
            ("mar. 2025", 202503),
        ),
        *(("2025 mars", 202503), ("maj 2025", 202505), ("juni-2025", 202506), ("jul 2025", 202507)),
        *(("2025", None), ("ma 2025", None), ("2025-13", None), ("2025-00", None), ("20253", None)),
        *(
            ("ju 2025", None),
            ("mars", None),
            ("", None),
            ("2025-03-15", None),
            ("marsch 2025", None),
        ),
    ],
)
def test_months_are_read_as_people_write_them(text, month):
    assert read_month(text) == month


@pytest.mark.parametrize("hidden", ["<5", "< 5", "..", ".", "-", "–", "", "…", "färre än 5", "X"])
def test_what_the_source_has_hidden_is_no_number(gpkg_desk, hidden):
    take(gpkg_desk, LONG + f"Årby;2025-03;Klotter;{hidden}\r\n")
    assert figures(gpkg_desk) == [("Årby", 202503, "Klotter", None)]


@pytest.mark.parametrize(
    ("written", "number"), [("0", 0), ("1 204", 1204), ("1\u00a0204", 1204), ("7,0", 7)]
)
def test_numbers_are_read_with_their_spaces(gpkg_desk, written, number):
    take(gpkg_desk, LONG + f"Årby;2025-03;Klotter;{written}\r\n")
    assert figures(gpkg_desk) == [("Årby", 202503, "Klotter", number)]


# --- whole or not at all -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "code", "values"),
    [
        ("Årby;2025-03;Klotter;sju", "table-count", {"line": 3, "column": "Antal", "value": "sju"}),
        ("Årby;2025-03;Klotter;-5", "table-count", {"value": "-5"}),
        ("Årby;2025-03;Klotter;3,5", "table-count", {"value": "3,5"}),
        ("Årby;2025-03;Klotter;99999999", "table-count", {"value": "99999999"}),
        ("Årby;våren 2025;Klotter;5", "table-month", {"column": "Månad", "value": "våren 2025"}),
        (";2025-03;Klotter;5", "table-name", {"column": "Område"}),
        ("Årby;2025-03;;5", "table-name", {"column": "Brottstyp"}),
        ("Skiftinge;2025-01;Rån;6", "table-twice", {"line": 3}),
        ("Årby;2025-03;Klotter;5;6", "table-width", {"value": 5}),
        ("811228-9874;2025-03;Klotter;5", "table-personal-number", {"column": "Område"}),
    ],
)
def test_one_bad_cell_refuses_the_table_with_its_place_and_value(gpkg_desk, row, code, values):
    before = gpkg_desk.sizes()
    with pytest.raises(InvalidParameter) as refused:
        take(gpkg_desk, LONG + f"Skiftinge;2025-01;Rån;6\r\n{row}\r\n")
    assert refused.value.code == code
    assert values.items() <= refused.value.values.items()
    assert refused.value.values["line"] == 3
    assert "9874" not in str(refused.value)
    assert gpkg_desk.sizes() == before


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("Månad;Typ;Antal", "table-column-missing"),
        ("Område;Månad;Antal", "table-column-missing"),
        ("Område;Typ;Antal", "table-column-missing"),
        ("Område;Typ;Månad", "table-column-missing"),
        ("Område;Stadsdel;Typ;2025-01", "table-column-twice"),
    ],
)
def test_a_table_without_its_columns_is_refused(gpkg_desk, header, code):
    with pytest.raises(InvalidParameter) as refused:
        take(gpkg_desk, f"{header}\r\na;b;c;d\r\n")
    assert refused.value.code == code


def test_a_table_without_rows_is_refused(gpkg_desk):
    with pytest.raises(UnreadableFile):
        take(gpkg_desk, LONG)


@pytest.mark.parametrize("source", ["", "  ", "x" * 121])
def test_numbers_without_a_source_are_not_taken_in(gpkg_desk, source):
    with pytest.raises(InvalidParameter) as refused:
        take(gpkg_desk, LONG + "Årby;2025-03;Klotter;5\r\n", options=Options(source))
    assert refused.value.code == "table-source"


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("t") / "t.csv"
    path.write_text(LONG + text, "utf-8", newline="")
    try:
        found = tables._figures(path, POLICE)  # noqa: SLF001 - without a store
    except LagesbildError:
        return
    assert all(figure.area and figure.type and figure.month >= 190001 for figure in found)


# --- what is there already ---------------------------------------------------------------------


def test_the_same_file_again_gives_nothing_new(desk):
    text = LONG + "Årby;2025-03;Klotter;17\r\n"
    first = take(desk, text)
    again = take(desk, text, name="annat namn.csv")
    assert (again.import_id, again.figures) == (first.import_id, 0)
    other = take(desk, text, options=Options("kommunen"))
    assert other.figures == 1
    assert len(figures(desk)) == 2


def test_a_corrected_table_takes_the_place_of_the_earlier_numbers(desk):
    take(desk, LONG + "Årby;2025-03;Klotter;17\r\nÅrby;2025-04;Klotter;9\r\n")
    take(desk, LONG + "Årby;2025-03;Klotter;18\r\n", name="rättad.csv", now=NOW + timedelta(days=1))
    assert figures(desk) == [("Årby", 202503, "Klotter", 18), ("Årby", 202504, "Klotter", 9)]


def test_each_number_comes_with_its_source_and_day(desk):
    take(desk, LONG + "Årby;2025-03;Klotter;17\r\n", name="syntetisk tabell.csv")
    with desk.store.read() as connection:
        (row,) = stored.find(connection, FigureFilter(), 10, 0).rows
        assert stored.one(connection, row.id) == row
        assert stored.one(connection, 99) is None
    assert (row.source, row.imported_at, row.synthetic) == (POLICE.source, NOW, True)


def test_numbers_are_found_by_source_area_type_and_month(desk):
    rows = [
        f"{area};2025-0{month};{kind};{month}\r\n"
        for area in ("Skiftinge", "Årby")
        for month in (1, 2, 3)
        for kind in ("Klotter", "Rån")
    ]
    take(desk, LONG + "".join(rows))
    assert len(figures(desk)) == 12
    assert {row[0] for row in figures(desk, area="Årby")} == {"Årby"}
    assert {row[2] for row in figures(desk, type="Rån")} == {"Rån"}
    assert {row[1] for row in figures(desk, months=(202502, 202503))} == {202502, 202503}
    assert figures(desk, source="annan") == []
    with desk.store.read() as connection:
        pages = [stored.find(connection, FigureFilter(), 5, start) for start in (0, 5, 10)]
    assert [len(each.rows) for each in pages] == [5, 5, 2]
    assert {each.matched for each in pages} == {12}


def test_tables_are_in_no_count_of_our_own(desk):
    desk.take_rows(report(1))
    before = {name: n for name, n in desk.sizes().items() if "table_count" not in name}
    take(desk, LONG + "Årby;2026-03;Klotter;900\r\n")
    after = {name: n for name, n in desk.sizes().items() if "table_count" not in name}
    changed = {name for name in after if after[name] != before[name]}
    assert changed <= {"import_batch", "sqlite_sequence"}


def test_a_removed_table_can_be_taken_in_again(desk):
    text = LONG + "Årby;2025-03;Klotter;17\r\n"
    done = take(desk, text)
    incidents = desk.take_rows(report(1)).import_id
    with desk.store.write() as connection:
        assert stored.remove(connection, done.import_id) == 1
        for number in (done.import_id, incidents):
            with pytest.raises(NotFound):
                stored.remove(connection, number)
        assert [each.id for each in imports.batches(connection)] == [incidents]
    assert take(desk, text).figures == 1


# --- the command line --------------------------------------------------------------------------


def typed(url, *arguments):
    environment = {"LAGESBILD_DATABASE_URL": url}
    done = CliRunner().invoke(commands.app, [str(each) for each in arguments], env=environment)
    return done.exception or done.output


def test_the_command_line_takes_in_lists_and_removes_and_notes_it(gpkg_desk):
    desk = gpkg_desk
    installation.upgrade(desk.url)
    path = desk.put("t.csv", LONG + "Årby;2025-03;Klotter;17\r\n")
    for arguments in (
        ("list",),
        ("import", path, "--source", "polisen"),
        ("import", path, "--source", "polisen"),
        ("list",),
        ("remove", 1),
    ):
        assert isinstance(typed(desk.url, *arguments), str), arguments
    assert isinstance(typed(desk.url, "remove", 1), NotFound)
    store = schema.open_store(desk.url, JOURNAL)
    with store.read() as connection:
        entries = [line.entry for line in page(connection, Wanted())]
    store.close()
    assert [(entry.what, entry.rows) for entry in entries] == [
        ("table-remove", 1),
        ("table-import", 1),
    ]
    assert entries[0].at - datetime.now(UTC) < timedelta(minutes=1)
