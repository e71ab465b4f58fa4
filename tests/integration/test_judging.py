"""Verdicts from the file to the answer: a made-up town of addresses in both kinds of store."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import h3.api.basic_int as h3
import numpy as np
import pytest
import shapely

from geo import cells as grid
from geo.profile import Address, Area
from pipelines import answers, reference
from pipelines.analyse import Parameters, analyse
from pipelines.places import refresh
from pipelines.questions import Period, Question
from store import layers, places, runs, verdicts
from store.layers import LayerFilter
from tests.desk import NOW, QUIET, lonlat, report

LON, LAT = 16.520, 59.384  # the corner of a town around Skiftinge
EAST, NORTH = 80 / 56_640, 80 / 111_195  # degrees of 80 m
COLUMNS, LINES = 26, 20  # of addresses
HOT = (13, 9)  # in Skiftinge
SPREAD = [(column, line) for line in range(LINES) for column in range(COLUMNS)]
EVENING = {
    "BROTTSDATUMTID_START": "2026-05-08 22:00",
    "BROTTSDATUMTID_SLUT": "2026-05-09 00:00",
}
NIGHT = {"BROTTSDATUMTID_START": "2026-05-08 23:30", "BROTTSDATUMTID_SLUT": "2026-05-08 23:30"}


def spot(column, line):
    return round(LON + column * EAST, 7), round(LAT + line * NORTH, 7)


def events(where, first=0, **cells):
    """Write one report for each of some places."""
    return [report(first + n, **lonlat(*point), **cells) for n, point in enumerate(where)]


def evenly(first=0, **cells):
    return events([spot(*place) for place in SPREAD], first, **cells)


def hot(n=25, first=10_000, **cells):
    return events([spot(*HOT)] * n, first, **cells)


def register(desk, where=tuple(SPREAD)):
    """Put an address register in place."""
    rows = [Address("Provgatan", n, "", *spot(*at), "", "", "prov") for n, at in enumerate(where)]
    with desk.store.write() as connection:
        places.put_addresses(connection, rows)
        places.touch(connection)


def add_areas(desk, *found):
    with desk.store.write() as connection:
        places.put_areas(connection, found, places.IMPORT, replace=None)
        places.touch(connection)
        refresh(connection)


def run(desk, *rows, parameters=None):
    if rows:
        desk.take_rows(*rows)
    return analyse(desk.store, parameters or Parameters(), NOW)


def area_id(desk, name):
    return desk.one("SELECT id FROM area WHERE name = :name", name=name)


def ask(desk, collection, **question):
    """Ask as an analyst does."""
    with desk.store.read() as connection:
        on = answers.basis(connection, "analyst", reference.read(connection))
        return getattr(answers, collection)(connection, on, Question(**question))


def said_of_cells(desk, resolution=10, **question):
    """Give the verdict of every cell that is shown."""
    found = ask(desk, "cells", resolution=resolution, **question)
    return {cell: found.verdict(cell) for cell in found.counts.cell.tolist()}


def said_of_areas(desk, **question):
    return {each.area.name: each.verdict for each in ask(desk, "areas", **question)}


def cell_of(point, resolution=10):
    return h3.cell_to_parent(h3.latlng_to_cell(point[1], point[0], 11), resolution)


def words(found):
    return {unit: row and row.verdict for unit, row in found.items()}


def test_a_hot_place_is_established_on_the_ground_of_town_and_area(desk):
    register(desk)
    run(desk, *evenly(), *hot())
    there = cell_of(spot(*HOT))
    skiftinge = area_id(desk, "Skiftinge")
    for question in ({}, {"area_id": skiftinge}, {"categories": ("misshandel",)}):
        found = words(said_of_cells(desk, **question))
        assert [cell for cell, verdict in found.items() if verdict == "established"] == [there]
    found = said_of_cells(desk)[there]
    assert found.count == 26
    assert found.ratio_low > 1
    assert found.q < 0.05
    assert said_of_cells(desk, area_id=skiftinge)[there].expected != found.expected


def test_events_spread_evenly_over_addresses_are_raised_nowhere(desk):
    register(desk)
    run(desk, *evenly(), *evenly(first=1_000))
    for resolution in (9, 10, 11):
        assert "established" not in words(said_of_cells(desk, resolution)).values()
    areas = words(said_of_areas(desk))
    assert "established" not in areas.values()
    assert areas["Skiftinge"] == "not_raised"


def test_areas_are_compared_with_the_rest_of_the_town_even_where_there_are_no_districts(gpkg_desk):
    register(gpkg_desk)
    run(gpkg_desk, *evenly(), *evenly(first=1_000))
    with gpkg_desk.store.read() as connection:
        outlines = {row.name: row.outline for row in places.areas(connection)}
        known = places.addresses(connection)
        named = [p for p in places.named_places(connection) if p.kind in {"place", "bus_stop"}]
        built = [
            *places.facilities(connection, "school"),
            *places.facilities(connection, "venue"),
        ]
    points = {(each.lon, each.lat) for each in [*known, *named, *built]}

    def inside(name):
        return sum(outlines[name].intersects(shapely.Point(point)) for point in points)

    skiftinge = said_of_areas(gpkg_desk)["Skiftinge"]
    share = inside("Skiftinge") / inside("Eskilstuna kommun")
    assert skiftinge.expected == pytest.approx(2 * len(SPREAD) * share)
    assert said_of_areas(gpkg_desk)["Eskilstuna kommun"] is None


def test_vague_places_count_in_the_rest_of_the_town_as_they_do_in_areas(gpkg_desk):
    register(gpkg_desk)
    run(gpkg_desk, *evenly(), *evenly(first=1_000), parameters=Parameters(tolerance_m=1))
    assert gpkg_desk.one("SELECT count(*) FROM cell_count") == 0
    assert words(said_of_areas(gpkg_desk))["Skiftinge"] == "not_raised"


def test_an_area_where_nothing_happened_is_not_raised_when_much_was_expected(gpkg_desk):
    register(gpkg_desk)
    with gpkg_desk.store.read() as connection:
        outlines = {row.name: row.outline for row in places.areas(connection)}
    outside = [
        spot(*at)
        for at in SPREAD
        if not outlines["Skiftinge"].intersects(shapely.Point(*spot(*at)))
    ]
    run(gpkg_desk, *events(outside))
    found = said_of_areas(gpkg_desk)
    assert (found["Skiftinge"].verdict, found["Skiftinge"].count) == ("not_raised", 0)
    assert found["Lagersberg"].verdict == "too_few"  # nobody lives there in this town
    assert said_of_cells(gpkg_desk, area_id=area_id(gpkg_desk, "Skiftinge")) == {}


def test_without_a_register_the_measure_is_square_metres(desk):
    run(desk, *evenly(), *hot(60))
    found = said_of_cells(desk)
    assert words(found)[cell_of(spot(*HOT))] == "established"
    around = [row for row in said_of_cells(desk, 9).values() if (row.count or 0) > 10]
    inner = [row.expected for row in around]
    assert len(inner) > 5
    np.testing.assert_allclose(inner, inner[0], rtol=0.01)


@pytest.mark.parametrize("known", [True, False], ids=["register", "no register"])
def test_events_outside_every_ground_have_too_few(gpkg_desk, known):
    if known:
        register(gpkg_desk)
    abroad = (15.81, 59.53)  # within the envelope, outside the municipality
    run(gpkg_desk, *evenly(), *events([QUIET] * 3 + [abroad] * 3, 5_000))
    found = words(said_of_cells(gpkg_desk))
    assert found[cell_of(QUIET)] == found[cell_of(abroad)] == "too_few"


def test_events_whose_times_are_uncertain_keep_a_place_from_being_established(desk):
    register(desk)
    run(desk, *evenly(**NIGHT), *hot(**EVENING))
    there = cell_of(spot(*HOT))
    night = said_of_cells(desk, window="helgnatt")[there]
    assert (night.verdict, night.reasons) == ("uncertain", ("uncertain-times",))
    assert said_of_cells(desk)[there].verdict == "established"  # at all hours nothing is uncertain


def test_events_of_no_length_are_certain(gpkg_desk):
    register(gpkg_desk)
    run(gpkg_desk, *evenly(**NIGHT), *hot(**NIGHT))
    there = cell_of(spot(*HOT))
    assert words(said_of_cells(gpkg_desk, window="helgnatt"))[there] == "established"
    assert said_of_cells(gpkg_desk, window="skoltid") == {}


def test_districts_are_judged_apart_and_are_no_ground_for_cells(desk):
    register(desk)
    run(desk, *evenly(), *hot(400))
    alone = said_of_areas(desk)
    west, middle = LON - EAST / 2, LON + (COLUMNS / 2 - 0.5) * EAST
    sides = {"Väster": (west, middle), "Öster": (middle, LON + COLUMNS * EAST)}
    add_areas(
        desk,
        *(
            Area("district", name, shapely.box(a, LAT - NORTH, b, LAT + LINES * NORTH), "prov")
            for name, (a, b) in sides.items()
        ),
    )
    run(desk)
    found = said_of_areas(desk)
    assert {name: found[name] for name in alone} == alone
    assert (found["Väster"].verdict, found["Öster"].verdict) == ("not_raised", "established")
    assert found["Väster"].count + found["Öster"].count == len(SPREAD) + 400
    cells = said_of_cells(desk, area_id=area_id(desk, "Öster"))
    assert cells
    assert set(cells.values()) == {None}


def test_verdicts_count_what_the_layers_count(desk):
    register(desk)
    draw = np.random.default_rng(5)
    some = [spot(*SPREAD[i]) for i in (len(SPREAD) * draw.random(500) ** 2).astype(int)]
    rows = [
        *events(some[:200], **NIGHT),
        *events(some[200:400], 1_000, **EVENING),
        *events(some[400:], 2_000, BROTTSKOD="1201", ANTAL="3"),
    ]
    outcome = run(desk, *rows)
    asked = desk.ask(
        'SELECT DISTINCT ground, resolution, "window", category FROM unit_verdict ORDER BY 1, 2'
    )
    assert {row[1] for row in asked} == {verdicts.AREA, *verdicts.JUDGED}
    assert len({row[0] for row in asked}) > 1
    compared = 0
    with desk.store.read() as connection:
        for ground, resolution, window, category in asked:
            about = verdicts.Asked(ground, resolution, window, category)
            said = verdicts.find(connection, outcome.run.id, about)
            where = LayerFilter(window, (category,) if category else (), area_id=ground or None)
            if resolution == verdicts.AREA:
                counted = layers.area_counts(connection, outcome.run.id, where)
                held = {row.area_id: row.count for row in counted}
            else:
                found = layers.cell_counts(connection, outcome.run.id, resolution, where)
                held = dict(zip(found.cell.tolist(), found.count.tolist(), strict=True))
                quiet = set(held) - set(said)
                assert all(said[unit].expected > 0 for unit in said)
                assert all(held[unit] < 5 for unit in quiet)
            assert {unit: row.count for unit, row in said.items()} == {
                unit: held.get(unit, 0) for unit in said
            }
            compared += len(said)
    assert compared > 100


def test_a_cell_without_a_row_has_too_few_events(gpkg_desk):
    register(gpkg_desk)
    run(gpkg_desk, *evenly(), *hot())
    rows = {
        unit
        for (unit,) in gpkg_desk.ask(
            "SELECT unit FROM unit_verdict WHERE ground = 0 AND resolution = 10 AND category = ''"
            " AND \"window\" = 'all'"
        )
    }
    shown = said_of_cells(gpkg_desk)
    missing = set(shown) - rows
    assert missing
    for cell in missing:
        assert shown[cell] == answers.TOO_FEW
        assert (shown[cell].verdict, shown[cell].reasons) == ("too_few", ("few-events",))


def test_a_cluster_has_the_verdict_of_the_cell_its_events_stand_in(desk):
    register(desk)
    other = spot(1, 1)  # in no focus area
    run(desk, *evenly(), *hot(), *events([other] * 30, 20_000, **EVENING))
    skiftinge = area_id(desk, "Skiftinge")
    for window in ("all", "helgnatt"):
        rows = ask(desk, "clusters", window=window)
        assert rows
        for row in rows:
            inside = {"area_id": skiftinge} if row.area_id == skiftinge else {}
            under = words(said_of_cells(desk, window=window, **inside))
            assert row.verdict == under[cell_of((row.lon, row.lat))]
    assert {row.verdict for row in ask(desk, "clusters")} == {"established"}
    night = [row.verdict for row in ask(desk, "clusters", window="helgnatt")]
    assert night == ["uncertain", "established"]


def test_nothing_is_said_where_nothing_was_judged(desk):
    register(desk)
    run(desk, *evenly(), *hot())
    months = Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC))
    several = ("misshandel", "klotter")
    for question in ({"period": months}, {"categories": several}, {"resolution": 8}):
        cells = said_of_cells(desk, **question)
        assert cells
        assert set(cells.values()) == {None}
    for question in ({"period": months}, {"categories": several}):
        assert set(said_of_areas(desk, **question).values()) == {None}


def without_verdicts(desk):
    """Make the run in force what one is that was computed before there were verdicts."""
    with desk.store.write() as connection:
        for statement in (
            "DELETE FROM unit_verdict",
            "DELETE FROM layer WHERE kind = 'verdicts'",
            "UPDATE cluster SET verdict = NULL",
        ):
            connection.exec_driver_sql(statement)


def test_a_run_older_than_verdicts_says_nothing_and_is_made_anew_by_the_same_input(desk):
    register(desk)
    first = run(desk, *evenly(), *hot())
    before = said_of_cells(desk)
    without_verdicts(desk)
    assert set(said_of_cells(desk).values()) == {None}
    assert set(said_of_areas(desk).values()) == {None}
    assert {row.verdict for row in ask(desk, "clusters")} == {None}
    again = analyse(desk.store, Parameters(), NOW + timedelta(days=1))
    assert again.changed
    assert again.run.id != first.run.id
    assert said_of_cells(desk) == before


def test_the_same_input_makes_no_new_verdicts_and_a_new_register_does(desk):
    register(desk)
    first = run(desk, *evenly(), *hot())
    rows = desk.ask("SELECT * FROM unit_verdict")
    again = run(desk)
    assert (again.changed, again.run.id) == (False, first.run.id)
    assert desk.ask("SELECT * FROM unit_verdict") == rows
    there = cell_of(spot(*HOT))
    before = said_of_cells(desk)[there]
    register(desk, [*SPREAD, *((HOT[0] + n / 1_000, HOT[1]) for n in range(60))])
    second = run(desk)
    assert second.changed
    after = said_of_cells(desk)[there]
    assert (before.verdict, after.verdict) == ("established", "not_raised")
    assert after.count == before.count


def test_the_layer_says_how_many_verdicts_it_has(gpkg_desk):
    register(gpkg_desk)
    outcome = run(gpkg_desk, *evenly(), *hot())
    with gpkg_desk.store.read() as connection:
        layer = runs.layers(connection, outcome.run.id)["verdicts"]
    assert layer.n == gpkg_desk.sizes()["unit_verdict"] > 0
    assert (layer.audience, layer.disclosure) == ("analyst", "exact")


def test_both_stores_hold_the_same_verdicts(gpkg_desk, postgis_desk):
    found = []
    for each in (gpkg_desk, postgis_desk):
        register(each)
        run(each, *evenly(), *hot(**EVENING))
        units = sorted(
            (resolution, cell, tuple(asdict(row).items()))
            for resolution in verdicts.JUDGED
            for cell, row in said_of_cells(each, resolution, window="helgnatt").items()
        )
        found.append(units)
        assert all(grid.resolution(cell) == resolution for resolution, cell, _ in units)
    assert found[0] == found[1]
    assert found[0]
