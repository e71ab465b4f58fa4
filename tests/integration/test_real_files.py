"""The main job on real files that stay outside the repository; nothing is wired to Eskilstuna."""

import csv
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipelines import mapping, places
from pipelines.analyse import Parameters, analyse
from pipelines.ingest import Options, ingest
from pipelines.readers import from_line
from store import imports, layers, runs, schema
from store import places as stored_places
from store.db import connect
from store.layers import LayerFilter
from tests.desk import NOW

ROOT = Path(__file__).parents[2]
MAPPINGS = ROOT / "docs" / "mappings"
CHICAGO = ROOT / "tests" / "profiles" / "chicago"


class Town:
    """A store of a profile with one file taken in and analysed."""

    def __init__(self, url, profile, file, layout):
        self.store = connect(url)
        schema.upgrade(self.store)
        places.load(self.store, str(profile))
        self.layout = mapping.load(MAPPINGS / layout)
        self.options = Options("incidents", self.layout)
        self.report = ingest(self.store, file, self.options, NOW)
        self.outcome = analyse(self.store, Parameters(), NOW)
        self.again = ingest(self.store, file, self.options, NOW)

    def in_window(self, name):
        """Count stored events of each source category in a window."""
        with self.store.read() as connection:
            profile = stored_places.profile(connection)
            bit = 1 << [window.name for window in profile.windows].index(name)
            rows = connection.execute(
                sa.text(
                    "SELECT source_category, sum(count) FROM incident"
                    " WHERE in_windows & :bit <> 0 GROUP BY source_category"
                ),
                {"bit": bit},
            )
            return {category: n for category, n in rows}  # noqa: C416 - rows are no pairs


def is_helgnatt(at):
    """Tell by the clock on the wall whether it is Friday or Saturday night, 23 to 04."""
    evening, hours = (at.isoweekday(), at.hour) if at.hour >= 4 else (at.isoweekday() - 1, at.hour)
    return evening in {5, 6} and (hours >= 23 or hours < 4)


def is_skoltid(at):
    return at.isoweekday() <= 5 and 7 <= at.hour < 17


def slug(primary_type, layout):
    return layout.values["category"][primary_type]


# --- notices of the Swedish police, few of them better than a neighbourhood --------------------


@pytest.fixture(scope="module")
def notices(tmp_path_factory, shared):
    file = shared / "data" / "eskilstuna" / "incidents_eskilstuna_lite.csv"
    url = f"sqlite:///{tmp_path_factory.mktemp('lite') / 'store.gpkg'}"
    town = Town(url, "eskilstuna", file, "eskilstuna_public_notices.toml")
    yield town, list(csv.DictReader(file.read_text("utf-8").splitlines()))
    town.store.close()


def test_every_notice_is_taken_in_and_the_report_says_how_few_have_a_place(notices):
    town, rows = notices
    counts, details = town.report.counts, town.report.details
    assert (counts.rows_read, counts.accepted) == (len(rows), len(rows)) == (1002, 1002)
    precise = [row for row in rows if row["geo_precision_derived"] in {"street", "place"}]
    assert details["placed_by"]["coordinates"] == len(precise) == 88
    wordless = [
        row for row in rows if not row["neighbourhoods_mentioned"] and not row["streets_mentioned"]
    ]
    assert details["placed_by"]["none"] >= len([r for r in wordless if r not in precise])
    assert sum(details["placed_by"].values()) == 1002
    assert details["hit_rate"] == pytest.approx(0.0948, abs=0.005)
    assert details["unplaced"] > 700
    assert details["time_precision"]["day_only"] == 16


def test_notices_without_a_place_are_a_number_and_no_cell(notices):
    town, _ = notices
    run = town.outcome.run
    assert run.n_unplaced > 500
    assert run.n_unplaced + run.n_imprecise > 0.95 * run.n_incidents
    assert town.outcome.cells <= 10
    with town.store.read() as connection:
        found = layers.area_counts(connection, run.id, LayerFilter())
    assert (
        len([row for row in found if row.area_id]) >= 4
    )  # the areas have their numbers all the same


def test_the_notices_again_add_nothing(notices):
    town, rows = notices
    assert (town.again.counts.accepted, town.again.counts.duplicates) == (0, len(rows))


# --- Chicago, as the city's portal exports it --------------------------------------------------


@pytest.fixture(scope="module")
def july(tmp_path_factory, shared):
    folder = shared / "data" / "crime" / "chicago_2014"
    file = folder / "chicago_2014-07_socrata_original_columns.csv"
    url = f"sqlite:///{tmp_path_factory.mktemp('july') / 'store.gpkg'}"
    town = Town(url, CHICAGO, file, "chicago_socrata.toml")
    with file.open(encoding="utf-8", newline="") as lines:
        yield town, list(csv.DictReader(lines))
    town.store.close()


def test_every_row_of_the_portals_export_is_taken_in(july):
    town, rows = july
    counts, details = town.report.counts, town.report.details
    assert (counts.rows_read, counts.accepted) == (len(rows), len(rows)) == (26_524, 26_524)
    without = [row for row in rows if not row["Latitude"]]
    assert details["placed_by"] == {"coordinates": 26_524 - len(without), "none": len(without)}
    assert (details["epsg"], details["piled"]) == (4326, 0)
    assert details["hit_rate"] == pytest.approx(0.9967, abs=1e-4)
    assert town.again.counts.duplicates == 26_524


def test_windows_follow_chicagos_clock(july):
    town, rows = july
    for name, inside in (("helgnatt", is_helgnatt), ("skoltid", is_skoltid)):
        expected = Counter(
            slug(row["Primary Type"], town.layout)
            for row in rows
            if inside(datetime.strptime(row["Date"], "%m/%d/%Y %I:%M:%S %p"))  # noqa: DTZ007
        )
        assert town.in_window(name) == expected


def test_the_layers_hold_what_the_rows_hold(july):
    town, rows = july
    with town.store.read() as connection:
        profile = stored_places.profile(connection)
        run = runs.current(connection)
        shown = {c.code for c in profile.categories if c.on_map}
        everything = tuple(sorted(shown))
        whole = layers.area_counts(connection, run.id, LayerFilter("all", everything))
        cells = layers.cell_counts(connection, run.id, 9, LayerFilter("all", everything))
    of_kind = [row for row in rows if slug(row["Primary Type"], town.layout) in shown]
    assert next(row.count for row in whole if row.area_id == 0) == len(of_kind)
    assert cells.count.sum() == len([row for row in of_kind if row["Latitude"]])
    assert run.n_excluded == len(rows) - len(of_kind)


def test_no_narrative_and_no_arrest_is_kept(july):
    town, rows = july
    with town.store.read() as connection:
        texts = {
            value
            for column in ("code", "premises", "street", "place_name", "area_name")
            for (value,) in connection.exec_driver_sql(
                f"SELECT DISTINCT {column} FROM incident"  # noqa: S608
            )
        }
    assert not texts & {row["Description"] for row in rows if row["Description"] != "OTHER"}
    assert not texts & {"true", "false"}


# --- the whole year against the golden counts --------------------------------------------------


@pytest.fixture(scope="module")
def year(tmp_path_factory, shared):
    file = shared / "data" / "crime" / "chicago_2014" / "chicago_2014_dev.parquet"
    url = f"sqlite:///{tmp_path_factory.mktemp('year') / 'store.gpkg'}"
    town = Town(url, CHICAGO, file, "chicago_parquet.toml")
    golden = shared / "golden" / "09_time_windows" / "chicago_2014_year_type.csv"
    yield town, list(csv.DictReader(golden.read_text("utf-8").splitlines()))
    town.store.close()


@pytest.mark.deep
def test_a_years_windows_equal_the_golden_counts(year):
    town, golden = year
    counts = town.report.counts
    assert (counts.rows_read, counts.quarantined) == (275_200, 5)
    with town.store.read() as connection:
        aside = imports.quarantine(connection, 1)
    header = town.report.details["header"]
    lost = [dict(zip(header, from_line(row.raw, ";"), strict=True)) for row in aside]
    assert {row.reason for row in aside} == {"outside-municipality"}  # the portal's bogus point
    for name, column, inside in (
        ("helgnatt", "weekend_night", is_helgnatt),
        ("skoltid", "school_hours", is_skoltid),
    ):
        missing = Counter(
            row["primary_type"]
            for row in lost
            if inside(datetime.fromisoformat(row["occurred_local"]))
        )
        expected = {
            slug(row["primary_type"], town.layout): int(row[column]) - missing[row["primary_type"]]
            for row in golden
        }
        assert town.in_window(name) == {key: n for key, n in expected.items() if n}


@pytest.mark.deep
def test_a_years_layers_equal_the_golden_counts(year):
    town, golden = year
    with town.store.read() as connection:
        run = runs.current(connection)
        profile = stored_places.profile(connection)
        shown = {category.code for category in profile.categories if category.on_map}
        for row in golden:
            category = slug(row["primary_type"], town.layout)
            where = LayerFilter("helgnatt", (category,))
            found = layers.area_counts(connection, run.id, where)
            n = next((each.count for each in found if each.area_id == 0), 0)
            assert n == (int(row["weekend_night"]) if category in shown else 0), category


@pytest.mark.deep
def test_the_same_year_again_adds_nothing(year):
    town, _ = year
    assert (town.again.counts.accepted, town.again.counts.duplicates) == (0, 275_200)
