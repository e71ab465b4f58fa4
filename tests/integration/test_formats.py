"""However a file is written, the same records come out of it."""

import json
import unicodedata
from datetime import date, datetime, time, timedelta
from itertools import permutations

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from geo.errors import InvalidParameter
from pipelines import mapping, readers
from pipelines.texts import sentence
from tests.desk import AREAS, POINTS, WALK, csv_text, lonlat, report, sighting

# Eskilstuna's centre in each system (hardening.md §3.1), east first.
CENTRE = {
    4326: ("16.509804", "59.370999"),
    3006: ("585802", "6582337"),
    3010: ("150557", "6583998"),
    3021: ("1540063", "6583578"),
}
ROWS = [
    report(1, GATA="Västermarksgatan", GATUNR="5 A", ANTAL="2"),
    report(2, BROTTSKOD="5011", BROTTSDATUMTID_START="2026-03-01 00:00", BROTTSDATUMTID_SLUT=""),
    report(3, LATITUDE="", LONGITUDE="", GATA="Fristadstorget"),
    report(4, BROTTSDATUMTID_START="2026-03-01", BROTTSDATUMTID_SLUT="", INSKRIVNINGSDATUM=""),
    report(5, LATITUDE="59,4", LONGITUDE="16,46", GATA='Å "Ö"-gatan; ä', ANTAL=""),
]


def records(desk):
    """Give what was stored, whatever ids it got."""
    found = desk.ask(
        "SELECT code, category, count, starts_at, ends_at, time_flags, registered_on, street,"
        " match_type, uncertainty_m, lon, lat FROM incident ORDER BY starts_at, code, street"
    )
    return [(*map(str, row[:10]), *(v and round(v, 6) for v in row[10:])) for row in found]


def number(text):
    return float(text.replace(",", ".")) if text else None


def typed(row):
    """Give a row with the types that a spreadsheet or a data frame would have."""
    cells = dict(zip(POINTS, row, strict=True))
    return {
        **{name: cell or None for name, cell in cells.items()},
        "ID": int(cells["ID"]),
        "BROTTSKOD": int(cells["BROTTSKOD"]),
        "LATITUDE": number(cells["LATITUDE"]),
        "LONGITUDE": number(cells["LONGITUDE"]),
        "ANTAL": number(cells["ANTAL"]),
    }


def as_csv(desk):
    return desk.csv("a.csv", ROWS)


def as_text_xlsx(desk):
    return desk.xlsx("a.xlsx", ROWS)


def moment(text):
    """Give a cell's typed date or time."""
    if not text:
        return None
    return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)


def as_typed_xlsx(desk):
    rows = []
    for row in ROWS:
        cells = typed(row)
        for name in ("BROTTSDATUMTID_START", "BROTTSDATUMTID_SLUT", "INSKRIVNINGSDATUM"):
            cells[name] = moment(cells[name])
        rows.append(list(cells.values()))
    # A sheet keeps a day and its midnight alike, so the row with a mere day stays text.
    rows[3][POINTS.index("BROTTSDATUMTID_START")] = "2026-03-01"
    return desk.xlsx("a.xlsx", rows)


def as_geojson(desk):
    features = []
    for row in ROWS:
        cells = typed(row)
        point = [cells.pop("LONGITUDE"), cells.pop("LATITUDE")]
        geometry = {"type": "Point", "coordinates": point} if point[0] else None
        features.append({"type": "Feature", "properties": cells, "geometry": geometry})
    text = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)
    return desk.put("a.geojson", text)


def as_parquet(desk):
    rows = [typed(row) for row in ROWS]
    path = desk.folder / "a.parquet"
    pq.write_table(pa.table({name: [row[name] for row in rows] for name in POINTS}), path)
    return path


@pytest.mark.parametrize(
    "write", [as_text_xlsx, as_typed_xlsx, as_geojson, as_parquet], ids=lambda f: f.__name__
)
def test_every_format_gives_the_same_records(gpkg_desk, write):
    plain = gpkg_desk.take(as_csv(gpkg_desk), source="csv")
    assert plain.counts.accepted == 5
    expected = records(gpkg_desk)
    written = gpkg_desk.take(write(gpkg_desk), source="other")
    assert written.counts.accepted == 5, written.details["reasons"]
    found = records(gpkg_desk)
    assert found == sorted(expected * 2, key=lambda row: (row[3], row[0], row[7]))


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le-bom"])
def test_every_encoding_and_delimiter_gives_the_same_records(gpkg_desk, delimiter, encoding):
    gpkg_desk.take(as_csv(gpkg_desk), source="plain")
    expected = records(gpkg_desk)
    text = csv_text(POINTS, ROWS, delimiter)
    content = "\ufeff".encode("utf-16-le") + text.encode("utf-16-le")
    if encoding != "utf-16-le-bom":
        content = text.encode(encoding)
    of = gpkg_desk.take(gpkg_desk.put("b.csv", content), source="other")
    assert of.details["delimiter"] == delimiter
    assert records(gpkg_desk) == sorted(expected * 2, key=lambda row: (row[3], row[0], row[7]))


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_line_ends_do_not_matter(gpkg_desk, end):
    text = csv_text(POINTS, [report(1), report(2, ANTAL="x"), report(3)]).replace("\r\n", end)
    of = gpkg_desk.take(gpkg_desk.put("a.csv", text))
    assert (of.counts.accepted, gpkg_desk.set_aside()[0][0]) == (2, 3)


def test_blank_lines_and_a_missing_last_line_end_do_not_matter(gpkg_desk):
    lines = csv_text(POINTS, [report(1), report(2)]).split("\r\n")
    text = "\n".join([lines[0], "", lines[1], "", "", lines[2]])
    of = gpkg_desk.take(gpkg_desk.put("a.csv", text))
    assert (of.counts.rows_read, of.counts.accepted) == (2, 2)


def test_a_header_in_another_unicode_form_is_the_same_header(gpkg_desk):
    header = [unicodedata.normalize("NFD", name.upper()) for name in WALK]
    rows = [sighting(Latitud="", Longitud=""), sighting(Latitud="", Longitud="", Allvar="1")]
    of = gpkg_desk.take(gpkg_desk.csv("a.csv", rows, header), "observations")
    assert of.details["placed_by"] == {"area": 2}  # found by the column "område"


# --- the two police layouts --------------------------------------------------------------------


def area_row(**cells):
    usual = {
        "inskrivningsdatum": "03/09/2026",
        "närpo": "ESKILSTUNA",
        "basområde": "123",
        "gata": "FRISTADSTORGET",
        "brottskod": "0357",
        "antal": "1",
        "brottsdag start": "03/06/2026",
        "brottsdag slut": "03/07/2026",
        "brottstid start (HHmm)": "2330",
        "brottstid slut": "0015",
    }
    return [(usual | cells)[name] for name in AREAS]


def test_the_layout_with_areas_is_read(desk):
    desk.take_rows(area_row(), header=AREAS)
    found = desk.ask(
        "SELECT code, count, local_weekday, local_minute, street, match_type FROM incident"
    )
    assert found == [("0357", 1, 5, 23 * 60 + 30, "FRISTADSTORGET", "place")]
    starts, ends, registered = desk.ask("SELECT starts_at, ends_at, registered_on FROM incident")[0]
    assert str(starts)[:16].replace("T", " ") == "2026-03-06 22:30"
    assert str(ends)[:16].replace("T", " ") == "2026-03-06 23:15"
    assert str(registered) == "2026-03-09"


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"brottstid start (HHmm)": "930"}, 9 * 60 + 30),
        ({"brottstid start (HHmm)": "30"}, 30),
        ({"brottstid start (HHmm)": "5"}, 5),
        ({"brottstid start (HHmm)": "0"}, 0),
        ({"brottstid start (HHmm)": "0000"}, 0),
        ({"brottstid start (HHmm)": "23:05"}, 23 * 60 + 5),
        ({"brottstid start (HHmm)": "2359"}, 23 * 60 + 59),
    ],
)
def test_clock_times_lose_their_leading_zeros_and_are_read_all_the_same(gpkg_desk, cells, expected):
    gpkg_desk.take_rows(area_row(**cells), header=AREAS)
    assert gpkg_desk.one("SELECT local_minute FROM incident") == expected


@pytest.mark.parametrize("code", ["0357", "357", " 357 ", "357.0"])
def test_offence_codes_get_back_the_zero_that_spreadsheets_eat(gpkg_desk, code):
    of = gpkg_desk.take_rows(area_row(brottskod=code), header=AREAS)
    if code == "357.0":
        assert of.details["reasons"] == {"unknown-code": 1}
    else:
        assert gpkg_desk.one("SELECT code FROM incident") == "0357"


def test_padded_blanks_and_empty_cells_of_the_layout_with_areas(desk):
    padded = [f"   {cell}   " for cell in area_row()]
    nothing = area_row(
        **{
            "inskrivningsdatum": "  ",
            "gata": "",
            "antal": " ",
            "brottsdag slut": "   ",
            "brottstid start (HHmm)": "",
            "brottstid slut": "",
        }
    )
    header = [f" {name.upper()}  " for name in AREAS]
    of = desk.take(desk.csv("a.csv", [padded, nothing], header))
    assert of.details["reasons"] == {}
    found = desk.ask(
        "SELECT count, time_flags, registered_on, match_type FROM incident ORDER BY id"
    )
    assert [(str(row[2]), row[:2], row[3]) for row in found] == [
        ("2026-03-09", (1, 0), "place"),
        ("None", (1, 4), "none"),
    ]


def test_the_count_of_a_row_is_kept(desk):
    desk.take_rows(area_row(antal="17"), header=AREAS)
    assert desk.one("SELECT count FROM incident") == 17


def test_typed_dates_and_times_of_a_workbook_in_the_layout_with_areas(gpkg_desk):
    start = datetime(2026, 3, 6)  # noqa: DTZ001 - a sheet knows no zone
    front = [date(2026, 3, 9), "N", 123, "Fristadstorget", 357, 2.0, start, date(2026, 3, 7)]
    clocks = (2330, time(23, 30), "2330", "23:30", 2330.0)
    rows = [[*front, clock, time(0, 15)] for clock in clocks]
    of = gpkg_desk.take(gpkg_desk.xlsx("a.xlsx", rows, AREAS))
    assert of.details["reasons"] == {}
    found = gpkg_desk.ask("SELECT DISTINCT code, count, starts_at, ends_at FROM incident")
    assert found == [("0357", 2, "2026-03-06T22:30:00.000Z", "2026-03-06T23:15:00.000Z")]


def test_the_demo_layout_is_read_as_the_police_would_write_it(gpkg_desk):
    of = gpkg_desk.take(gpkg_desk.csv("a.csv", ROWS, encoding="cp1252"))
    assert (of.details["encoding"], of.details["delimiter"]) == ("cp1252", ";")
    assert of.details["source"] == "polisen"


def test_columns_named_as_our_own_fields_need_no_mapping(gpkg_desk):
    header = ("source_id", "code", "starts", "lon", "lat", "premises")
    of = gpkg_desk.take_rows(
        ["a", "0357", "2026-03-06 23:30", "16.5", "59.37", "Krog"], header=header
    )
    assert (of.details["source"], of.details["placed_by"]) == ("egen", {"coordinates": 1})
    assert gpkg_desk.one("SELECT premises FROM incident") == "Krog"


def test_geojson_with_our_own_fields_keeps_its_points(gpkg_desk):
    properties = {"source_id": "a", "code": "0357", "starts": "2026-03-06 23:30", "street": ""}
    point = {"type": "Point", "coordinates": [16.5, 59.37]}
    features = [{"type": "Feature", "properties": properties, "geometry": point}]
    text = json.dumps({"type": "FeatureCollection", "features": features})
    of = gpkg_desk.take(gpkg_desk.put("a.geojson", text))
    assert of.details["placed_by"] == {"coordinates": 1}


# --- clocks and spreadsheets -------------------------------------------------------------------


def test_every_minute_of_a_day_survives_a_workbook(gpkg_desk):
    first = datetime(2026, 3, 7)  # noqa: DTZ001 - a sheet knows no zone
    moments = [first + timedelta(minutes=n) for n in range(0, 1440, 7)]
    path = gpkg_desk.folder / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        style = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        sheet.write_row(0, 0, ["start", "clock"])
        for row, at in enumerate(moments, 1):
            sheet.write_datetime(row, 0, at, style)
            sheet.write_datetime(row, 1, at.time(), book.add_format({"num_format": "hh:mm"}))
    rows = [cells for batch in readers.open_rows(path).batches for cells in batch.cells]
    assert [cells[0] for cells in rows] == [at.isoformat(sep=" ") for at in moments]
    assert [cells[1] for cells in rows] == [at.time().isoformat() for at in moments]


def serials(desk, values, *, mac=False):
    """Write day numbers under a date format, as spreadsheets keep them, and read the cells."""
    book = openpyxl.Workbook()
    if mac:
        book.epoch = CALENDAR_MAC_1904
    book.active.append(["start"])
    for row, value in enumerate(values, 2):
        book.active.cell(row, 1, value).number_format = "yyyy-mm-dd hh:mm"
    book.save(desk.folder / "a.xlsx")
    source = readers.open_rows(desk.folder / "a.xlsx")
    return [cells[0] for batch in source.batches for cells in batch.cells]


def test_a_midnight_that_is_off_by_a_fraction_is_midnight(gpkg_desk):
    assert serials(gpkg_desk, [46000.999999, 46000.5]) == [
        "2025-12-10 00:00:00",
        "2025-12-09 12:00:00",
    ]


def test_a_column_of_days_stays_a_column_of_days(gpkg_desk):
    assert serials(gpkg_desk, [46000, 46000.999999]) == ["2025-12-09", "2025-12-10"]


def test_midnight_among_clock_times_is_a_clock_time(gpkg_desk):
    assert serials(gpkg_desk, [46000, 46000.25]) == ["2025-12-09 00:00:00", "2025-12-09 06:00:00"]


def test_workbooks_that_count_from_1904_are_read_so(gpkg_desk):
    assert serials(gpkg_desk, [44538.5], mac=True) == ["2025-12-09 12:00:00"]


def test_the_first_days_of_1900_are_set_aside(gpkg_desk):
    rows = [report(n) for n in range(4)]
    for row, serial in zip(rows, (1, 59, 60, 61), strict=True):
        row[POINTS.index("BROTTSDATUMTID_START")] = datetime(1899, 12, 30) + timedelta(serial)  # noqa: DTZ001
    of = gpkg_desk.take(gpkg_desk.xlsx("a.xlsx", rows))
    assert of.counts.quarantined == 4


def test_a_duration_longer_than_a_day_is_no_clock_time(gpkg_desk):
    book = openpyxl.Workbook()
    book.active.append(["t"])
    for row, value in enumerate([timedelta(hours=9, minutes=5), timedelta(hours=26)], 2):
        book.active.cell(row, 1, value)
    book.save(gpkg_desk.folder / "a.xlsx")
    source = readers.open_rows(gpkg_desk.folder / "a.xlsx")
    assert [c[0] for batch in source.batches for c in batch.cells] == ["9:05:00", "1 day, 2:00:00"]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC"])
def test_timestamps_of_parquet_are_read_in_every_unit_and_zone(gpkg_desk, unit, zone):
    columns = {name: [cell] for name, cell in zip(POINTS, report(1), strict=True)}
    start = pa.array([datetime(2026, 3, 6, 22, 30)], pa.timestamp(unit, zone))  # noqa: DTZ001
    path = gpkg_desk.folder / "a.parquet"
    pq.write_table(pa.table(columns | {"BROTTSDATUMTID_START": start}), path)
    gpkg_desk.take(path)
    found = gpkg_desk.one("SELECT starts_at FROM incident")
    assert found[11:16] == ("22:30" if zone else "21:30")


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-03-06T22:30:00Z", "22:30"),
        ("2026-03-06T22:30Z", "22:30"),
        ("2026-03-06 23:30+01:00", "22:30"),
        ("2026-03-06 23:30:00+0100", "22:30"),
        ("2026-03-06T17:30:00.250-05:00", "22:30"),
        ("2026-03-06T23:30", "22:30"),
        ("2026-03-06 23:30:00.000", "22:30"),
    ],
)
def test_times_with_a_zone_are_turned_into_local_time(gpkg_desk, text, utc):
    gpkg_desk.take_rows(report(1, BROTTSDATUMTID_START=text, BROTTSDATUMTID_SLUT=""))
    starts, minute = gpkg_desk.ask("SELECT starts_at, local_minute FROM incident")[0]
    assert (starts[11:16], minute) == (utc, 23 * 60 + 30)


# --- coordinate systems ------------------------------------------------------------------------


def centre_rows(epsg, *, swapped=False, comma=False):
    east, north = CENTRE[epsg][::-1] if swapped else CENTRE[epsg]
    if comma:
        east, north = (f"{float(value):.5f}".replace(".", ",") for value in (east, north))
    return [report(n, LONGITUDE=east, LATITUDE=north) for n in range(3)]


@pytest.mark.parametrize("epsg", CENTRE)
@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize("comma", [True, False])
def test_a_coordinate_system_is_given_or_recognised(gpkg_desk, epsg, given, comma):
    path = gpkg_desk.csv("a.csv", centre_rows(epsg, comma=comma))
    of = gpkg_desk.take(path, epsg=epsg if given else None)
    assert of.details["epsg"] == epsg
    x_m, y_m = gpkg_desk.ask("SELECT x_m, y_m FROM incident")[0]
    assert abs(x_m - 585_802) < 3
    assert abs(y_m - 6_582_337) < 3


@pytest.mark.parametrize(("right", "wrong"), list(permutations(CENTRE, 2)))
def test_the_wrong_system_is_refused_and_the_right_one_suggested(gpkg_desk, right, wrong):
    with pytest.raises(InvalidParameter) as refused:
        gpkg_desk.take(gpkg_desk.csv("a.csv", centre_rows(right)), epsg=wrong)
    assert f"--crs {right}" in sentence(refused.value)
    assert gpkg_desk.sizes()["import_batch"] == 0


@pytest.mark.parametrize("epsg", CENTRE)
@pytest.mark.parametrize("given", [True, False])
def test_swapped_columns_are_refused_and_named(gpkg_desk, epsg, given):
    path = gpkg_desk.csv("a.csv", centre_rows(epsg, swapped=True))
    with pytest.raises(InvalidParameter) as refused:
        gpkg_desk.take(path, epsg=epsg if given else None)
    said = sentence(refused.value)
    assert "om öst och nord byter plats" in said
    assert f"EPSG:{epsg}" in said


def test_easting_and_northing_of_a_mapping_are_metres(gpkg_desk):
    layout = gpkg_desk.put(
        "m.toml",
        """
        kind = "incidents"
        source = "x"
        epsg = 3006
        [columns]
        code = "BROTTSKOD"
        starts = "BROTTSDATUMTID_START"
        easting = "LONGITUDE"
        northing = "LATITUDE"
        """,
    )
    path = gpkg_desk.csv("a.csv", centre_rows(3006))
    of = gpkg_desk.take(path, layout=mapping.load(layout))
    assert (of.counts.accepted, of.details["epsg"]) == (3, 3006)


def test_a_file_without_coordinates_names_no_system(gpkg_desk):
    of = gpkg_desk.take_rows(report(1, LATITUDE="", LONGITUDE="", GATA="Fristadstorget"))
    assert of.details["epsg"] is None


def test_coordinates_that_begin_in_a_later_batch_are_recognised(gpkg_desk, monkeypatch):
    monkeypatch.setattr(readers, "ROWS_AT_ONCE", 2)
    rows = [report(n + 10, LATITUDE="", LONGITUDE="") for n in range(3)] + centre_rows(3010)
    of = gpkg_desk.take(gpkg_desk.csv("a.csv", rows))
    assert (of.details["epsg"], of.details["placed_by"]["coordinates"]) == (3010, 3)


# --- mapping files -----------------------------------------------------------------------------

FULL = """
kind = "incidents"
source = "Larm 112"
encoding = "cp1252"
delimiter = ","
epsg = 4326
datetime_formats = ["%d.%m.%Y kl %H.%M"]
date_formats = ["%d/%m-%y"]

[columns]
source_id = "Ärende"
starts = "När"
registered = "Inkom"
category = "Sort"
lon = "X"
lat = "Y"
street = "Väg"
premises = "Plats"

[constants]
count = 2

[values.category]
"Slagsmål" = "misshandel"
"*" = "ovrigt"

[values.premises]
"K" = "Krog"

[when]
column = "Säkerhet"
coordinates = ["gps", "manuell"]

[uncertainty]
column = "Säkerhet"
default = 300
gps = 10
manuell = 80.5

[date_only]
column = "Tid känd"
values = ["nej"]
"""
COLUMNS = ("Ärende", "När", "Inkom", "Sort", "X", "Y", "Väg", "Plats", "Säkerhet", "Tid känd")


def test_everything_a_mapping_says_is_done(desk):
    layout = mapping.load(desk.put("m.toml", FULL))
    point = ("16.46", "59.41")
    rows = [
        ("a", "06.03.2026 kl 23.30", "09/03-26", "SLAGSMÅL", *point, "", "k", "gps", "ja"),
        ("b", "06.03.2026 kl 23.30", "", "Buller", *point, "", "Torg", "manuell", "nej"),
        ("c", "06.03.2026 kl 23.30", "", "", *point, "Fristadstorget", "", "adress", "ja"),
    ]
    path = desk.csv("a.csv", rows, COLUMNS, delimiter=",", encoding="cp1252")
    of = desk.take(path, layout=layout)
    assert of.details["reasons"] == {}
    assert of.details["source"] == "Larm 112"
    found = desk.ask(
        "SELECT category, count, premises, match_type, uncertainty_m, time_flags, local_minute"
        " FROM incident ORDER BY id"
    )
    assert found == [
        ("misshandel", 2, "Krog", "coordinates", 10.0, 0, 23 * 60 + 30),
        ("ovrigt", 2, "Torg", "coordinates", 80.5, 4, 0),
        ("ovrigt", 2, "", "place", 40.0, 0, 23 * 60 + 30),
    ]
    days = [str(day) for (day,) in desk.ask("SELECT registered_on FROM incident ORDER BY id")]
    assert days == ["2026-03-09", "None", "None"]


def test_a_mapping_for_a_date_and_a_clock_in_two_columns(gpkg_desk):
    text = """
    kind = "incidents"
    source = "x"
    date_formats = ["%d.%m.%Y"]
    time_formats = ["%H.%M", "%H%M"]
    [columns]
    code = "K"
    starts_date = "D"
    starts_time = "T"
    ends_date = "SD"
    ends_time = "ST"
    area = "O"
    """
    layout = mapping.load(gpkg_desk.put("m.toml", text))
    rows = [
        ["0357", "06.03.2026", "23.30", "07.03.2026", "0.15", "Skiftinge"],
        ["0357", "06.03.2026", "", "", "", "Skiftinge"],
        ["0357", "06.03.2026", "2330", "07.03.2026", "", "Skiftinge"],
    ]
    path = gpkg_desk.csv("a.csv", rows, ("K", "D", "T", "SD", "ST", "O"))
    assert gpkg_desk.take(path, layout=layout).details["reasons"] == {}
    found = gpkg_desk.ask("SELECT starts_at, ends_at, time_flags FROM incident ORDER BY id")
    assert [(a[5:16], b[5:16], flags) for a, b, flags in found] == [
        ("03-06T22:30", "03-06T23:15", 0),
        ("03-05T23:00", "03-06T23:00", 4),
        ("03-06T22:30", "03-07T23:00", 0),  # a day without a clock ends with the day
    ]


def test_the_source_of_the_command_wins_over_the_mapping(gpkg_desk):
    of = gpkg_desk.take_rows(report(1), source="annan")
    assert of.details["source"] == "annan"


def test_the_given_system_wins_over_the_mapping(gpkg_desk):
    layout = mapping.load(gpkg_desk.put("m.toml", FULL))
    row = ("a", "06.03.2026 kl 23.30", "", "x", "585802", "6582337", "", "", "gps", "ja")
    path = gpkg_desk.csv("a.csv", [row], COLUMNS, delimiter=",", encoding="cp1252")
    assert gpkg_desk.take(path, layout=layout, epsg=3006).details["epsg"] == 3006


def test_a_point_on_the_edge_of_the_envelope_is_inside(gpkg_desk):
    of = gpkg_desk.take_rows(
        *(report(n, **lonlat(16.5, 59.37)) for n in range(5)),
        report(6, **lonlat(15.80, 59.10)),
        report(7, **lonlat(16.90, 59.54)),
        report(8, **lonlat(15.7999999, 59.10)),
        report(9, **lonlat(16.90, 59.5400001)),
    )
    assert of.details["reasons"] == {"outside-municipality": 2}
