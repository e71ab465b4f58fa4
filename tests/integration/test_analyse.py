"""Counts and clusters against a plain re-count; runs that change as a whole or not at all."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import h3
import numpy as np
import pytest

from geo import crs
from geo.errors import InvalidParameter, TooFewObservations
from pipelines import mapping
from pipelines.analyse import Parameters, analyse
from store import layers, places, runs
from store.layers import LayerFilter
from tests.desk import CENTRE, NOW, POINTS, QUIET, lonlat, report

STOCKHOLM = ZoneInfo("Europe/Stockholm")
CODES = ("0357", "0375", "1701", "0407", "9810", "1201", "1209", "5011", "3005", "4023", "9357")
SCHOOL = (16.47590, 59.41649)  # Gökstensskolan, far from every area
MAPPING = """
kind = "incidents"
source = "facit"
[columns]
source_id = "ID"
code = "BROTTSKOD"
starts = "BROTTSDATUMTID_START"
ends = "BROTTSDATUMTID_SLUT"
count = "ANTAL"
lon = "LONGITUDE"
lat = "LATITUDE"
street = "GATA"
[uncertainty]
column = "GATUNR"
default = 10
at_limit = 75
past_limit = 75.01
vague = 900
"""


def shifted(point, east_m=0.0, north_m=0.0):
    """Give a point so many metres away."""
    x, y = crs.transform(np.array([point[0]]), np.array([point[1]]), 4326, 3006)
    lon, lat = crs.transform(x + east_m, y + north_m, 3006, 4326)
    return float(lon[0]), float(lat[0])


def take(desk, rows, **options):
    layout = mapping.load(desk.put("m.toml", MAPPING))
    of = desk.take(desk.csv("a.csv", rows, POINTS), layout=layout, **options)
    assert of.details["reasons"] == {}
    return of


def some_events(seed, n=260):
    """Draw events of every kind: spans over clock changes and month ends, places known or not."""
    draw = random.Random(seed)  # noqa: S311 - a test's data
    spots = [
        *(CENTRE, (16.5369, 59.3915), (16.5204, 59.3828), (16.4925, 59.3549), (16.4757, 59.3535)),
        *(SCHOOL, QUIET, (16.55, 59.36), shifted(CENTRE, 40), shifted(CENTRE, 0, 300)),
    ]
    moments = [
        *("2026-03-27 22:00", "2026-03-28 23:30", "2026-03-29 01:30", "2025-10-25 23:00"),
        *("2025-10-26 02:15", "2025-12-31 23:30", "2026-02-27 23:00", "2026-02-28 03:59"),
        *("2026-02-28 04:00", "2025-09-01 07:00", "2025-09-01 16:59", "2025-07-02 12:00"),
        *("2026-05-08 17:00", "2026-05-10 22:59", "2026-01-01 00:00"),
    ]
    rows = []
    for number in range(n):
        start = datetime.fromisoformat(draw.choice(moments)) + timedelta(
            days=7 * draw.randrange(4), minutes=draw.choice([0, 0, 1, 29, 60])
        )
        minutes = draw.choice([None, 0, 1, 30, 60, 299, 300, 301, 600, 1440])
        end = "" if minutes is None else f"{start + timedelta(minutes=minutes):%Y-%m-%d %H:%M}"
        place = draw.choice(spots)
        cells = {
            "BROTTSKOD": draw.choice(CODES),
            "BROTTSDATUMTID_START": f"{start:%Y-%m-%d %H:%M}",
            "BROTTSDATUMTID_SLUT": end,
            "ANTAL": str(draw.choice([1, 1, 1, 2, 5])),
            "GATUNR": draw.choice(["", "", "", "at_limit", "past_limit", "vague"]),
            **(lonlat(*place) if draw.random() < 0.9 else {"LONGITUDE": "", "LATITUDE": ""}),
            "GATA": draw.choice(["", "Skiftinge", "Ingenstans"]),
        }
        rows.append(report(number, **cells))
    return rows


# --- the plain re-count ------------------------------------------------------------------------


class Recount:
    """The same counts, one event and one minute at a time, by none of the product's arithmetic."""

    def __init__(self, desk, tolerance_m=75.0):
        with desk.store.read() as connection:
            self.profile = places.profile(connection)
            self.run = runs.current(connection)
            total = {c.code for c in self.profile.categories if c.in_total and c.on_map}
        rows = desk.ask(
            "SELECT lon, lat, starts_at, ends_at, category, on_map, count, uncertainty_m, pile,"
            " area_id, district_id FROM incident"
        )
        self.total, self.tolerance_m = total, tolerance_m
        self.events = [row for row in rows if row[5]]
        self.shares = {}

    def share(self, window, start, end):
        """Walk through an event minute by minute and see what the clock on the wall says."""
        key = window.name, start, end
        if key not in self.shares:
            length = int((end - start).total_seconds() // 60) if end and end > start else 0
            minutes = [start + timedelta(minutes=n) for n in range(length)] or [start]
            self.shares[key] = sum(self.open(window, at) for at in minutes) / len(minutes)
        return self.shares[key]

    def open(self, window, at):
        local = at.astimezone(STOCKHOLM)
        if not window.spans:
            return True
        for span in window.spans:
            for days_ago in (0, 1):
                evening = local.date() - timedelta(days=days_ago)
                minute = local.hour * 60 + local.minute + days_ago * 1440
                over = 1440 if span.end <= span.start else 0
                inside = span.start <= minute < span.end + over
                if (
                    evening.isoweekday() == span.weekday
                    and inside
                    and self.in_term(window, evening)
                ):
                    return True
        return False

    def in_term(self, window, day):
        terms = self.profile.terms
        return not window.term_only or not terms or any(a <= day < b for a, b in terms)

    def each(self, window, categories=(), months=None):
        """Give every shown event of a selection with its count and its share of the window."""
        for row in self.events:
            start, end = instant(row[2]), instant(row[3])
            local = start.astimezone(STOCKHOLM)
            month = local.year * 100 + local.month
            if row[4] not in (categories or self.total):
                continue
            if months and not months[0] <= month <= months[1]:
                continue
            share = self.share(window, start, end)
            if share > 0:
                yield row, row[6], share

    def cells(self, resolution, window, area_id=None, **selection):
        found = defaultdict(lambda: [0, 0.0])
        for row, n, share in self.each(window, **selection):
            if row[0] is None or row[8] or row[7] > self.tolerance_m:
                continue
            if area_id is not None and area_id not in row[9:]:
                continue
            fine = h3.latlng_to_cell(row[1], row[0], 11)
            cell = h3.str_to_int(h3.cell_to_parent(fine, resolution))
            found[cell][0] += n if share >= 0.5 else 0
            found[cell][1] += n * share
        return found

    def areas(self, window, **selection):
        found = defaultdict(lambda: [0, 0.0])
        for row, n, share in self.each(window, **selection):
            for area in {0, row[9] or 0, row[10] or 0}:
                found[area][0] += n if share >= 0.5 else 0
                found[area][1] += n * share
        return found


def instant(value):
    if value is None or isinstance(value, datetime):
        return value
    return datetime.fromisoformat(value)


def alike(found, expected):
    assert {key: n for key, (n, _) in found.items()} == {key: n for key, (n, _) in expected.items()}
    for key, (_, weight) in expected.items():
        assert found[key][1] == pytest.approx(weight, abs=1e-9)


def every_count_equals_a_plain_recount(desk, seed, n):
    take(desk, some_events(seed, n))
    analyse(desk.store, Parameters(), NOW)
    recount = Recount(desk)
    for window in recount.profile.windows:
        assert sum(n for n, _ in recount.cells(9, window).values()) > 3, window.name
    selections = [
        {},
        {"categories": ("krogvald",)},
        {"categories": ("narkotika", "trafik")},
        {"months": (202603, 202603)},
        {"months": (202510, 202512), "categories": ("misshandel",)},
    ]
    areas = [
        None,
        *(key for (key,) in desk.ask("SELECT id FROM area WHERE kind <> 'municipality'")),
    ]
    with desk.store.read() as connection:
        for window in recount.profile.windows:
            for selection in selections:
                where = LayerFilter(window=window.name, **selection)
                counted = layers.area_counts(connection, recount.run.id, where)
                found = {row.area_id: (row.count, row.weight) for row in counted}
                alike(found, recount.areas(window, **selection))
            for resolution in (8, 9, 10, 11):
                for area in areas if resolution == 9 else areas[:1]:
                    for selection in selections:
                        where = LayerFilter(window=window.name, area_id=area, **selection)
                        cells = layers.cell_counts(connection, recount.run.id, resolution, where)
                        columns = (cells.cell.tolist(), cells.count.tolist(), cells.weight.tolist())
                        found = {key: values for key, *values in zip(*columns, strict=True)}
                        alike(found, recount.cells(resolution, window, area, **selection))


def test_every_count_equals_a_plain_recount(desk):
    every_count_equals_a_plain_recount(desk, 1, 220)


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(10, 13))
def test_every_count_of_many_events_equals_a_plain_recount(desk, seed):
    every_count_equals_a_plain_recount(desk, seed, 3_000)


def test_the_numbers_of_a_run_equal_a_plain_recount(desk):
    take(desk, some_events(3))
    run = analyse(desk.store, Parameters(), NOW).run
    one = desk.one
    shown = "FROM incident WHERE on_map"
    assert run.n_incidents == one(f"SELECT sum(count) {shown}")
    assert run.n_excluded == one("SELECT sum(count) FROM incident WHERE NOT on_map")
    assert run.n_unplaced == one(f"SELECT sum(count) {shown} AND lon IS NULL")
    vague = "lon IS NOT NULL AND (uncertainty_m > 75 OR pile)"
    assert run.n_imprecise == one(f"SELECT sum(count) {shown} AND {vague}")
    assert run.n_unplaced > 0
    assert run.n_imprecise > 0


# --- share, precision, piles -------------------------------------------------------------------


def night(start, end=""):
    return {"BROTTSDATUMTID_START": start, "BROTTSDATUMTID_SLUT": end}


def in_window(desk, window):
    """Give count and weight of the whole municipality in a window."""
    with desk.store.read() as connection:
        run = runs.current(connection)
        everything = tuple(c.code for c in places.profile(connection).categories if c.on_map)
        rows = layers.area_counts(connection, run.id, LayerFilter(window, everything))
    return next(((row.count, round(row.weight, 6)) for row in rows if row.area_id == 0), (0, 0))


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-05-08 22:59", "", (0, 0)),
        ("2026-05-08 23:00", "", (1, 1)),
        ("2026-05-09 03:59", "", (1, 1)),
        ("2026-05-09 04:00", "", (0, 0)),
        ("2026-05-08 22:00", "2026-05-09 00:00", (1, 0.5)),  # exactly half is a whole event
        ("2026-05-08 21:58", "2026-05-09 00:00", (0, 0.491803)),
        ("2026-05-08 20:00", "2026-05-10 08:00", (0, 0.277778)),  # both nights
        ("2026-03-29 00:00", "2026-03-29 04:00", (1, 1)),  # 3 hours by the clock of that night
        ("2025-10-25 23:00", "2025-10-26 04:00", (1, 1)),  # 6 hours
        ("2025-10-26 02:30", "2025-10-26 05:00", (1, 0.714286)),  # 2.5 of 3.5 hours
        ("2026-05-10 23:30", "", (0, 0)),  # the night after Sunday
    ],
)
def test_an_event_counts_in_helgnatt_by_its_share(gpkg_desk, start, end, expected):
    take(gpkg_desk, [report(1, **night(start, end), **lonlat(*QUIET))])
    analyse(gpkg_desk.store, Parameters(), NOW)
    assert in_window(gpkg_desk, "helgnatt") == expected


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("2025-09-01 07:00", (1, 1)),
        ("2025-09-01 16:59", (1, 1)),
        ("2025-09-01 17:00", (0, 0)),
        ("2025-09-06 10:00", (0, 0)),  # a Saturday
        ("2025-07-02 10:00", (0, 0)),  # summer
        ("2025-10-29 10:00", (0, 0)),  # the autumn break of week 44
    ],
)
def test_skoltid_follows_the_terms(gpkg_desk, start, expected):
    take(gpkg_desk, [report(1, **night(start), **lonlat(*QUIET))])
    analyse(gpkg_desk.store, Parameters(), NOW)
    assert in_window(gpkg_desk, "skoltid") == expected


def shown_cells(desk):
    with desk.store.read() as connection:
        run = runs.current(connection)
        return int(layers.cell_counts(connection, run.id, 11, LayerFilter()).count.sum())


@pytest.mark.parametrize(
    ("kind", "tolerance", "cells"),
    [
        ("", 75.0, 1),
        ("at_limit", 75.0, 1),
        ("past_limit", 75.0, 0),
        ("past_limit", 75.01, 1),
        ("vague", 75.0, 0),
        ("vague", 899.99, 0),
        ("vague", 900.0, 1),
    ],
)
def test_a_point_past_the_tolerance_counts_for_its_area_only(desk, kind, tolerance, cells):
    take(desk, [report(1, GATUNR=kind, **lonlat(16.5369, 59.3915))])
    outcome = analyse(desk.store, Parameters(tolerance_m=tolerance), NOW)
    assert shown_cells(desk) == cells
    assert outcome.run.n_imprecise == 1 - cells
    skiftinge = desk.one("SELECT id FROM area WHERE name = 'Skiftinge'")
    with desk.store.read() as connection:
        counted = layers.area_counts(connection, outcome.run.id, LayerFilter(area_id=skiftinge))
    assert [row.count for row in counted] == [1]


def test_unplaced_rows_stay_as_a_number(desk):
    nowhere = {"LONGITUDE": "", "LATITUDE": "", "GATA": "Ingenstans"}
    take(desk, [report(n, ANTAL="2", **nowhere) for n in range(3)])
    outcome = analyse(desk.store, Parameters(), NOW)
    assert (outcome.run.n_incidents, outcome.run.n_unplaced, outcome.cells) == (6, 6, 0)
    assert in_window(desk, "all") == (6, 6)


def test_a_false_pile_enters_no_cell_no_cluster_and_no_area(desk):
    feed = (16.509805, 59.371249)  # the one point of the police feed, inside the core
    take(desk, [report(n, **lonlat(*feed)) for n in range(20)])
    outcome = analyse(desk.store, Parameters(), NOW)
    assert (outcome.cells, outcome.clusters, outcome.run.n_imprecise) == (0, 0, 20)
    assert in_window(desk, "all") == (20, 20)
    assert desk.ask("SELECT DISTINCT area_id FROM area_count") == [(0,)]
    assert desk.ask("SELECT DISTINCT category FROM incident") == [("misshandel",)]


# --- clusters ----------------------------------------------------------------------------------


def clusters(desk, scope="all", window="all", category=None):
    with desk.store.read() as connection:
        run = runs.current(connection)
        where = LayerFilter(window, (category,) if category else ())
        return [(c.count, c.places) for c in layers.clusters(connection, run.id, scope, where)]


def at(point, n, first=0, **cells):
    return [report(first + k, **lonlat(*point), **cells) for k in range(n)]


def test_five_events_on_one_place_are_a_cluster_and_four_are_none(gpkg_desk):
    take(gpkg_desk, [*at(QUIET, 5), *at(shifted(QUIET, 1_000), 4, 10)])
    analyse(gpkg_desk.store, Parameters(), NOW)
    assert clusters(gpkg_desk) == [(5, 1)]


def test_places_fifty_metres_apart_hang_together_and_no_farther(gpkg_desk):
    rows = [
        *at(QUIET, 3),
        *at(shifted(QUIET, 49.9), 2, 10),
        *at(shifted(QUIET, 2_000), 3, 20),
        *at(shifted(QUIET, 2_050.1), 2, 30),
    ]
    take(gpkg_desk, rows)
    analyse(gpkg_desk.store, Parameters(), NOW)
    assert clusters(gpkg_desk) == [(5, 2)]
    analyse(gpkg_desk.store, Parameters(eps_m=51), NOW)
    assert clusters(gpkg_desk) == [(5, 2), (5, 2)]
    analyse(gpkg_desk.store, Parameters(min_samples=6), NOW)
    assert clusters(gpkg_desk) == []


def test_a_row_that_stands_for_five_events_weighs_five(gpkg_desk):
    take(gpkg_desk, at(QUIET, 1, ANTAL="5"))
    analyse(gpkg_desk.store, Parameters(), NOW)
    assert clusters(gpkg_desk) == [(5, 1)]


def test_clusters_around_schools_take_what_lies_within_the_ring(gpkg_desk):
    for n, away in enumerate((99, 101, 299, 301, 499, 501)):
        rows = at(shifted(SCHOOL, 0, -away), 5, 10 * n)
        gpkg_desk.take_rows(*rows, name=f"{n}.csv")
    analyse(gpkg_desk.store, Parameters(eps_m=1), NOW)
    found = [len(clusters(gpkg_desk, f"school-{ring}")) for ring in (100, 300, 500)]
    assert found == [1, 3, 5]


def test_clusters_of_the_core_take_what_lies_in_the_core(gpkg_desk):
    take(gpkg_desk, [*at(CENTRE, 6), *at(QUIET, 7, 10)])
    analyse(gpkg_desk.store, Parameters(), NOW)
    assert clusters(gpkg_desk) == [(7, 1), (6, 1)]
    assert clusters(gpkg_desk, "core") == [(6, 1)]
    assert clusters(gpkg_desk, "core", category="krogvald") == [(6, 1)]
    assert clusters(gpkg_desk, "core", category="misshandel") == []


def test_clusters_of_a_window_take_whole_events_of_that_window(gpkg_desk):
    rows = [
        *at(QUIET, 5, **night("2026-05-08 22:00", "2026-05-09 00:00")),
        *at(shifted(QUIET, 900), 5, 10, **night("2026-05-08 21:00", "2026-05-09 00:00")),
    ]
    take(gpkg_desk, rows)
    analyse(gpkg_desk.store, Parameters(), NOW)
    assert clusters(gpkg_desk) == [(5, 1), (5, 1)]
    assert clusters(gpkg_desk, window="helgnatt") == [(5, 1)]


def test_what_mirrors_the_police_is_clustered_by_itself_and_not_in_the_total(gpkg_desk):
    take(gpkg_desk, at(QUIET, 6, BROTTSKOD="5011"))
    analyse(gpkg_desk.store, Parameters(), NOW)
    assert clusters(gpkg_desk) == []
    assert clusters(gpkg_desk, category="narkotika") == [(6, 1)]


# --- runs --------------------------------------------------------------------------------------


def state(desk):
    """Give everything that is published."""
    names = ("run", "layer", "cell_count", "area_count", "cluster", "unit_verdict")
    return {name: sorted(map(repr, desk.ask(f'SELECT * FROM "{name}"'))) for name in names}  # noqa: S608


def test_the_same_input_gives_the_run_in_force_and_changes_nothing(desk):
    take(desk, some_events(4, 60))
    first = analyse(desk.store, Parameters(), NOW)
    before = state(desk)
    again = analyse(desk.store, Parameters(), NOW + timedelta(days=3))
    assert (first.changed, again.changed) == (True, False)
    assert again.run == first.run
    assert (again.cells, again.clusters) == (first.cells, first.clusters)
    assert state(desk) == before


def test_a_file_that_adds_nothing_changes_no_run(desk):
    rows = some_events(4, 30)
    take(desk, rows)
    first = analyse(desk.store, Parameters(), NOW)
    take(desk, rows)
    assert not analyse(desk.store, Parameters(), NOW).changed
    take(desk, [report(999, **lonlat(*QUIET))])
    second = analyse(desk.store, Parameters(), NOW)
    assert second.changed
    assert second.run.id != first.run.id


@pytest.mark.parametrize(
    "parameters",
    [
        Parameters(tolerance_m=10),
        Parameters(eps_m=60),
        Parameters(min_samples=4),
        Parameters(months=("2026-01", "2026-05")),
    ],
)
def test_other_parameters_make_another_run(gpkg_desk, parameters):
    take(gpkg_desk, some_events(5, 60))
    first = analyse(gpkg_desk.store, Parameters(), NOW)
    second = analyse(gpkg_desk.store, parameters, NOW)
    assert second.changed
    assert second.run.id != first.run.id
    back = analyse(gpkg_desk.store, Parameters(), NOW)
    assert back.changed


def published(desk):
    """Give the layers in force without the numbers that depend on the order of input."""
    with desk.store.read() as connection:
        run = runs.current(connection)
    cells = desk.ask(
        'SELECT "window", area_id, district_id, cell, month, category, count, weight'
        " FROM cell_count WHERE layer_id IN (SELECT id FROM layer WHERE run_id = :run)",
        run=run.id,
    )
    areas = desk.ask(
        'SELECT "window", area_id, month, category, count, weight FROM area_count'
        " WHERE layer_id IN (SELECT id FROM layer WHERE run_id = :run)",
        run=run.id,
    )
    groups = desk.ask(
        'SELECT scope, "window", category, label, "rank", count, weight, places, lon, lat, name,'
        " area_id, verdict FROM cluster"
        " WHERE layer_id IN (SELECT id FROM layer WHERE run_id = :run)",
        run=run.id,
    )
    said = desk.ask(
        'SELECT ground, resolution, "window", category, unit, verdict, reasons, count, expected,'
        " coalesce(ratio_low, -1), coalesce(ratio_high, -1), q FROM unit_verdict"
        " WHERE layer_id IN (SELECT id FROM layer WHERE run_id = :run)",
        run=run.id,
    )
    rounded = [
        sorted(tuple(round(v, 9) if isinstance(v, float) else v for v in row) for row in table)
        for table in (cells, areas, groups, said)
    ]
    return rounded, (run.n_incidents, run.n_unplaced, run.n_imprecise, run.n_excluded)


def test_the_order_of_the_input_does_not_matter(gpkg_desk, postgis_desk):
    rows = some_events(6)
    take(gpkg_desk, rows)
    shuffled = rows[:]
    random.Random(1).shuffle(shuffled)  # noqa: S311 - a test's data
    for part in range(3):
        layout = mapping.load(postgis_desk.put("m.toml", MAPPING))
        postgis_desk.take(postgis_desk.csv(f"{part}.csv", shuffled[part::3]), layout=layout)
    outcomes = [analyse(desk.store, Parameters(), NOW) for desk in (gpkg_desk, postgis_desk)]
    assert outcomes[0].clusters > 10
    assert gpkg_desk.sizes()["unit_verdict"] > 10
    assert published(gpkg_desk) == published(postgis_desk)


FAILS = {
    "sqlite": """
        CREATE TRIGGER broken BEFORE INSERT ON cluster
        BEGIN SELECT RAISE(ABORT, 'the disk caught fire'); END
    """,
    "postgresql": """
        CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'the disk caught fire'; END $$;
        CREATE TRIGGER broken BEFORE INSERT ON cluster FOR EACH ROW EXECUTE FUNCTION broken()
    """,
}


def test_a_publication_that_fails_leaves_the_old_run_in_force(desk):
    take(desk, at(QUIET, 6))
    first = analyse(desk.store, Parameters(), NOW).run
    take(desk, at(shifted(QUIET, 700), 6, 10))
    with desk.store.write() as connection:
        connection.exec_driver_sql(FAILS[desk.store.engine.dialect.name])
    before = state(desk)
    with pytest.raises(Exception, match="caught fire"):
        analyse(desk.store, Parameters(), NOW)
    assert state(desk) == before
    with desk.store.read() as connection:
        assert runs.current(connection) == first


def test_exactly_one_run_is_in_force(desk):
    take(desk, some_events(7, 40))
    for eps in (50, 60, 70):
        analyse(desk.store, Parameters(eps_m=eps), NOW)
    assert desk.one("SELECT count(*) FROM run WHERE active") == 1
    with desk.store.read() as connection:
        assert runs.current(connection).parameters["eps_m"] == 70


def test_layers_say_where_they_come_from_and_whom_they_are_for(desk):
    take(desk, some_events(8, 40), synthetic=True)
    run = analyse(desk.store, Parameters(), NOW).run
    assert run.synthetic
    assert run.created_at == NOW
    with desk.store.read() as connection:
        found = runs.layers(connection, run.id)
    assert set(found) == {"cells", "areas", "clusters", "verdicts"}
    for layer in found.values():
        assert (layer.audience, layer.disclosure) == ("analyst", "exact")
        assert layer.parameters["tolerance_m"] == 75


# --- periods -----------------------------------------------------------------------------------


def test_months_are_local_and_both_ends_are_included(gpkg_desk):
    rows = [
        report(1, **night("2025-12-31 23:59"), **lonlat(*QUIET)),
        report(2, **night("2026-01-01 00:00"), **lonlat(*QUIET)),
        report(3, **night("2026-02-28 23:59"), **lonlat(*QUIET)),
        report(4, **night("2026-03-01 00:00"), **lonlat(*QUIET)),
    ]
    take(gpkg_desk, rows)
    run = analyse(gpkg_desk.store, Parameters(months=("2026-01", "2026-02")), NOW).run
    assert run.n_incidents == 2
    assert run.period_start == datetime(2025, 12, 31, 23, tzinfo=UTC)
    assert run.period_end == datetime(2026, 2, 28, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    "months",
    [
        *(("2026-13", "2026-13"), ("2026-03", "2026-02"), ("", "2026-01"), ("2026", "2026")),
        *(
            ("2026-01-15", "2026-02"),
            ("NaT", "2026-01"),
            ("today", "today"),
            ("januari", "2026-01"),
        ),
        *(("99999-01", "99999-01"), ("2026-01", "2026-01 "), ("1850-01", "2026-01")),
    ],
)
def test_months_that_are_none_are_refused(gpkg_desk, months):
    take(gpkg_desk, at(QUIET, 1))
    with pytest.raises(InvalidParameter, match="months"):
        analyse(gpkg_desk.store, Parameters(months=months), NOW)


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_parameters_that_mean_nothing_are_refused(desk, value):
    take(desk, at(QUIET, 1))
    for name in ("tolerance_m", "eps_m"):
        with pytest.raises(InvalidParameter):
            analyse(desk.store, Parameters(**{name: value}), NOW)
    assert desk.sizes()["run"] == 0


def test_nothing_to_analyse(desk):
    with pytest.raises(TooFewObservations, match="no-incidents"):
        analyse(desk.store, Parameters(), NOW)
    take(desk, at(QUIET, 1))
    with pytest.raises(TooFewObservations, match="no-incidents-in-period"):
        analyse(desk.store, Parameters(months=("1999-01", "1999-02")), NOW)
    assert desk.sizes()["run"] == 0


def test_only_hidden_kinds_make_a_run_with_empty_layers(desk):
    take(desk, at(QUIET, 3, BROTTSKOD="9357"))
    outcome = analyse(desk.store, Parameters(), NOW)
    assert (outcome.cells, outcome.clusters, outcome.run.n_incidents) == (0, 0, 0)
    assert outcome.run.n_excluded == 3


def test_clusters_reach_no_further_than_a_town():
    assert Parameters(eps_m=5_000.0).eps_m == 5_000.0
    with pytest.raises(InvalidParameter, match="eps-too-long"):
        Parameters(eps_m=5_000.1)
