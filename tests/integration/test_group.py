"""The shared situation picture: closed by default, bands only, nothing from homes."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from typer.testing import CliRunner

from geo.errors import Conflict, InvalidParameter, NotFound
from pipelines import group, reference
from pipelines.commands import group as commands
from pipelines.group import Asked, Band, Opening
from store import installation, schema
from store import journal as journal_lines
from store.parts import JOURNAL
from tests.desk import CENTRE, NOW, QUIET, lonlat, report

ZONE = "Europe/Stockholm"
DECISION = Opening("KS 2026:114", "lag 2023:196, 7 §", "Kommunstyrelsen", date(2027, 3, 31))
NIGHT = {"BROTTSDATUMTID_START": "2026-03-06 23:30", "BROTTSDATUMTID_SLUT": ""}
BLOCK = 28  # 2026-02-23 -- 2026-03-22


def at(moment, **cells):
    return {"BROTTSDATUMTID_START": moment, "BROTTSDATUMTID_SLUT": "", **cells}


def picture(desk, now=NOW, block=BLOCK, **asked):
    with desk.store.read() as connection:
        return group.picture(connection, reference.read(connection), Asked(block, **asked), now)


def bands(desk, **asked):
    return [band.value for band in picture(desk, **asked).band]


@pytest.fixture
def opened(desk):
    group.open_(desk.store, DECISION, ZONE, NOW)
    return desk


# --- closed ------------------------------------------------------------------------------------


def test_nothing_is_shown_before_there_is_a_decision(desk):
    desk.take_rows(report(1, **NIGHT))
    with pytest.raises(NotFound) as refused:
        picture(desk)
    assert refused.value.code == "group-closed"


def test_a_decision_opens_the_picture_until_its_last_day_is_over(opened):
    opened.take_rows(report(1, **NIGHT))
    assert bands(opened) == ["1-4"]
    last_moment = datetime(2027, 3, 31, 21, 59, tzinfo=UTC)  # 23.59 in Sweden
    with opened.store.read() as connection:
        there = group.decision(connection, last_moment)
        assert (there.number, there.legal_basis) == (DECISION.number, DECISION.legal_basis)
        assert there.controller == DECISION.controller
        assert group.decision(connection, last_moment + timedelta(minutes=1)) is None


def test_closing_takes_effect_at_once_and_the_decision_stays_on_record(opened):
    assert group.close(opened.store, NOW)
    with opened.store.read() as connection:
        assert group.decision(connection, NOW + timedelta(seconds=1)) is None
        assert [row.number for row in group.stored.history(connection)] == [DECISION.number]
    assert not group.close(opened.store, NOW)


def test_a_second_decision_waits_until_the_first_is_closed(opened):
    with pytest.raises(Conflict) as refused:
        group.open_(opened.store, DECISION, ZONE, NOW)
    assert refused.value.values == {"number": DECISION.number}
    group.close(opened.store, NOW)
    again = group.open_(opened.store, replace(DECISION, number="KS 2026:200"), ZONE, NOW)
    assert again.number == "KS 2026:200"


@pytest.mark.parametrize("field", ["number", "legal_basis", "controller"])
@pytest.mark.parametrize("given", ["", "  ", "x" * 301])
def test_each_text_of_a_decision_is_required_and_bounded(gpkg_desk, field, given):
    with pytest.raises(InvalidParameter) as refused:
        group.open_(gpkg_desk.store, replace(DECISION, **{field: given}), ZONE, NOW)
    assert refused.value.code == "group-text"


@pytest.mark.parametrize(("days", "fine"), [(-1, False), (0, True), (183, True), (184, False)])
def test_a_decision_holds_today_at_least_and_six_months_at_most(gpkg_desk, days, fine):
    wanted = replace(DECISION, last_day=NOW.date() + timedelta(days=days))
    if fine:
        group.open_(gpkg_desk.store, wanted, ZONE, NOW)
    else:
        with pytest.raises(InvalidParameter) as refused:
            group.open_(gpkg_desk.store, wanted, ZONE, NOW)
        assert refused.value.code == "group-until"
        assert refused.value.values["last"] == "2027-05-03"


# --- blocks ------------------------------------------------------------------------------------


def test_blocks_are_fixed_four_weeks_and_only_those_that_are_over():
    shown = group.blocks(NOW, ZONE)
    assert len(shown) == 13
    newest, oldest = shown[0], shown[-1]
    assert (newest.number, newest.first, newest.last) == (35, date(2026, 9, 7), date(2026, 10, 4))
    assert oldest.number == 23
    for block in shown:
        assert block.first.isoweekday() == 1
        assert (block.last - block.first).days == 27
        assert (block.first - date(2024, 1, 1)).days % 28 == 0


def test_a_block_is_shown_from_the_local_midnight_after_its_last_day():
    ends = datetime(2026, 11, 1, 23, 0, tzinfo=UTC)  # midnight in Sweden, winter time
    assert group.blocks(ends, ZONE)[0].number == 36
    assert group.blocks(ends - timedelta(seconds=1), ZONE)[0].number == 35


def test_before_the_first_block_is_over_there_is_none():
    assert group.blocks(datetime(2024, 1, 20, tzinfo=UTC), ZONE) == ()
    assert [b.number for b in group.blocks(datetime(2024, 2, 20, tzinfo=UTC), ZONE)] == [0]


@pytest.mark.parametrize("block", [22, 36, -1, 10**9])
def test_a_block_that_is_not_shown_is_refused(opened, block):
    with pytest.raises(InvalidParameter) as refused:
        picture(opened, block=block)
    assert refused.value.code == "unknown-block"


def test_an_event_belongs_to_the_block_of_its_local_day(opened):
    opened.take_rows(
        report(1, **at("2026-03-22 23:59")),
        report(2, **at("2026-03-23 00:00", **lonlat(*QUIET))),
        report(3, **at("2026-02-22 23:59", **lonlat(16.5369, 59.3913))),
    )
    cells = {block: picture(opened, block=block).cell.tolist() for block in (27, 28, 29)}
    assert [len(found) for found in cells.values()] == [1, 1, 1]
    assert len({cell for found in cells.values() for cell in found}) == 3


# --- bands -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "band"), [(1, "1-4"), (4, "1-4"), (5, "5-9"), (9, "5-9"), (10, "10+"), (900, "10+")]
)
def test_a_number_becomes_its_band(count, band):
    assert Band.of(count) == band


def test_the_picture_holds_bands_and_no_number(opened):
    places = [CENTRE, QUIET, (16.5369, 59.3913)]
    counts = (4, 11, 7)
    rows = [
        report(number, **NIGHT, **lonlat(*place), ANTAL=str(count))
        for number, (place, count) in enumerate(zip(places, counts, strict=True))
    ]
    opened.take_rows(*rows)
    shown = picture(opened)
    assert [band.value for band in shown.band] == ["10+", "5-9", "1-4"]
    assert set(shown.__slots__) == {"block", "cell", "band"}


def test_cells_of_one_band_come_in_the_order_of_their_index_whatever_their_numbers(opened):
    places = [(16.50 + 0.02 * n, 59.37) for n in range(4)]
    orders = []
    for counts in ((1, 4, 2, 3), (4, 1, 3, 2)):
        rows = [
            report(f"{counts}{n}", **NIGHT, **lonlat(*place), ANTAL=str(count))
            for n, (place, count) in enumerate(zip(places, counts, strict=True))
        ]
        with opened.store.write() as connection:
            connection.exec_driver_sql("DELETE FROM incident")
        opened.take_rows(*rows, name=f"{counts[0]}.csv")
        orders.append(picture(opened).cell.tolist())
    assert orders[0] == orders[1] == sorted(orders[0])
    assert len(orders[0]) == 4


def test_points_that_are_too_vague_are_in_no_cell(opened):
    vague = {"LATITUDE": "", "LONGITUDE": "", "GATA": ""}
    opened.take_rows(report(1, **NIGHT, **vague), report(2, **NIGHT))
    with opened.store.write() as connection:
        connection.exec_driver_sql("UPDATE incident SET uncertainty_m = 75")
    assert bands(opened) == ["1-4"]
    with opened.store.write() as connection:
        connection.exec_driver_sql("UPDATE incident SET uncertainty_m = 75.1")
    assert bands(opened) == []


# --- themes and time blocks --------------------------------------------------------------------


def test_a_theme_shows_its_own_events_and_all_themes_those_of_the_total(opened):
    opened.take_rows(
        report(1, **NIGHT, BROTTSKOD="1207", **lonlat(*QUIET)),  # graffiti
        report(2, **NIGHT, BROTTSKOD="5011", **lonlat(16.5369, 59.3913)),  # drugs: not in totals
    )
    graffiti = picture(opened, theme="skadegorelse_klotter").cell.tolist()
    drugs = picture(opened, theme="narkotika").cell.tolist()
    assert len(graffiti) == len(drugs) == 1
    assert picture(opened).cell.tolist() == graffiti
    assert picture(opened, theme="trafik").cell.tolist() == []


def test_each_event_is_in_one_time_block(opened):
    moments = {
        "skoltid": "2026-03-04 10:00",
        "vardagskvall": "2026-03-04 20:00",
        "helgkvall": "2026-03-06 20:00",
        "helgnatt": "2026-03-06 23:30",
        "ovrig_tid": "2026-03-04 04:00",
    }
    assert tuple(moments) == group.TIME_BLOCKS
    opened.take_rows(
        *(
            report(name, **at(moment, **lonlat(16.50 + 0.02 * n, 59.37)))
            for n, (name, moment) in enumerate(moments.items())
        )
    )
    seen = [picture(opened, time_block=name).cell.tolist() for name in moments]
    assert [len(found) for found in seen] == [1] * 5
    assert sorted(cell for found in seen for cell in found) == sorted(picture(opened).cell.tolist())


@pytest.mark.parametrize(
    ("asked", "code"),
    [({"theme": "vapen"}, "unknown-theme"), ({"time_block": "all"}, "unknown-time-block")],
)
def test_a_theme_or_time_block_that_does_not_exist_is_refused(opened, asked, code):
    with pytest.raises(InvalidParameter) as refused:
        picture(opened, **asked)
    assert refused.value.code == code


# --- what is withheld --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "0857",  # burglary in a home
        "0825",  # attic or cellar
        "9309",  # a child hurt
        "9320",  # 15 to 17 years
        "9358",  # somebody they knew
        "9806",  # robbery of somebody under 18
        "0412",  # never on a map
    ],
)
def test_codes_of_homes_and_of_who_was_hurt_are_left_out(opened, code):
    opened.take_rows(report(1, **NIGHT, BROTTSKOD=code), report(2, **NIGHT, **lonlat(*QUIET)))
    assert opened.one("SELECT count(*) FROM incident") == 2
    assert len(picture(opened).cell) == 1


@pytest.mark.parametrize("words", ["Lägenhet", "flerbostadshus, trapphus", "VILLA", "källare"])
def test_events_at_premises_that_are_a_home_are_left_out(opened, words):
    opened.take_rows(report(1, **NIGHT))
    assert bands(opened) == ["1-4"]
    with opened.store.write() as connection:
        connection.exec_driver_sql(f"UPDATE incident SET premises = '{words}'")  # noqa: S608
    assert bands(opened) == []


@pytest.mark.parametrize(
    "words", ["", "Gata", "Parkering", "Restaurang", "källarkrog", "vindskydd"]
)
def test_other_premises_and_unknown_ones_count(opened, words):
    opened.take_rows(report(1, **NIGHT))
    with opened.store.write() as connection:
        connection.exec_driver_sql(f"UPDATE incident SET premises = '{words}'")  # noqa: S608
    assert bands(opened) == ["1-4"]


def test_an_attic_fire_without_a_code_is_left_out_by_its_category(opened):
    opened.take_rows(report(1, **NIGHT))
    with opened.store.write() as connection:
        connection.exec_driver_sql("UPDATE incident SET code = '', category = 'brand_vind_kallare'")
    assert bands(opened, theme="brand") == []


# --- minutes -----------------------------------------------------------------------------------


def test_the_minutes_count_cells_per_area_and_name_the_decision(opened):
    opened.take_rows(
        report(1, **NIGHT, ANTAL="12"),
        report(2, **NIGHT, **lonlat(16.5369, 59.3913)),
        report(3, **NIGHT, **lonlat(*QUIET)),
    )
    with opened.store.read() as connection:
        known = reference.read(connection)
        asked = Asked(BLOCK, time_block="helgnatt")
        page = group.minutes(connection, known, asked, ["bo", "anna", "bo"], NOW)
    assert page.written_on == date(2026, 11, 1)
    assert page.decision.number == DECISION.number
    assert page.signed_in == ("anna", "bo")
    assert (page.asked, page.block.number) == (asked, BLOCK)
    names = {row.area: row.cells for row in page.rows}
    assert sum(sum(cells) for cells in names.values()) == 3
    assert names["Skiftinge"] == (0, 0, 1)
    assert (1, 0, 0) in names.values()
    assert all(isinstance(n, int) and n <= 3 for cells in names.values() for n in cells)


def test_there_are_no_minutes_without_a_decision(desk):
    with desk.store.read() as connection, pytest.raises(NotFound):
        group.minutes(connection, reference.read(connection), Asked(BLOCK), ["bo"], NOW)


# --- the command line --------------------------------------------------------------------------


def typed(url, *arguments):
    """Run a command of this app in this process; give what it printed or the fault it met."""
    environment = {"LAGESBILD_DATABASE_URL": url}
    done = CliRunner().invoke(commands.app, [str(each) for each in arguments], env=environment)
    return done.exception or done.output


def test_the_command_line_opens_shows_and_closes_and_each_is_in_the_log(desk):
    installation.upgrade(desk.url)
    decided = ("--decision", "KS 2026:1", "--legal-basis", "lag 2023:196", "--controller", "KS")
    until = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    assert isinstance(typed(desk.url, "open", *decided, "--until", until), str)
    refused = typed(desk.url, "open", *decided, "--until", until)
    assert (type(refused), refused.code) == (Conflict, "group-open-already")
    typed(desk.url, "show")
    with desk.store.read() as connection:
        (made,) = group.stored.history(connection)
    assert (made.number, made.legal_basis, made.controller) == ("KS 2026:1", "lag 2023:196", "KS")
    assert group.last_day(made, ZONE).isoformat() == until
    typed(desk.url, "close")
    with desk.store.read() as connection:
        assert group.decision(connection, datetime.now(UTC)) is None
    journal = schema.open_store(desk.url, JOURNAL)
    with journal.read() as connection:
        entries = [line.entry for line in journal_lines.page(connection, journal_lines.Wanted())]
    journal.close()
    assert [entry.what for entry in entries] == ["group-close", "group-open"]
    assert entries[1].asked == {"decision": "KS 2026:1", "until": until}
