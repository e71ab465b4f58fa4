"""The schema's revisions: every earlier one can be left behind, with data in it, on both stores."""

import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, date, datetime

import pytest
import shapely
import sqlalchemy as sa

from geo.errors import SchemaMismatch
from store import db, runs, schema, verdicts
from store.models import Base, Cluster
from store.types import Json, Shape, UtcTime
from tests.faults import failing
from tests.store_story import plain

EARLIER = schema.revisions()[:-1]
UPGRADE = """
import sys
from store import db, schema
store = db.connect(sys.argv[1])
print(*schema.upgrade(store))
"""


@contextmanager
def opened(url):
    store = db.connect(url)
    try:
        yield store
    finally:
        store.close()


def example(column, number):
    """Make up a value for a column."""
    kind = column.type
    if isinstance(kind, Shape):
        box = shapely.box(16, 59, 16 + number, 60)
        return {"POINT": box.centroid, "MULTIPOLYGON": shapely.MultiPolygon([box])}.get(
            kind.kind, box
        )
    if isinstance(kind, UtcTime):
        return datetime(2026, 1, number, 23, 30, tzinfo=UTC)
    if isinstance(kind, Json):
        return {"nummer": number, "text": "å"}
    if isinstance(kind, sa.LargeBinary):
        return bytes([number]) * 16
    return {
        bool: number == 1,
        int: number,
        float: number / 3,
        str: f"text å {number}",
        date: date(2026, 1, number),
    }[kind.python_type]


def tables(connection):
    """List our tables that exist, parents first, each with the columns that exist."""
    found = sa.inspect(connection)
    for table in Base.metadata.sorted_tables:
        if found.has_table(table.name):
            present = {column["name"] for column in found.get_columns(table.name)}
            yield table, [column for column in table.columns if column.name in present]


def fill(connection):
    for table, columns in tables(connection):
        if table.name == "profile":
            continue  # one row only
        rows = [{c.name: example(c, number) for c in columns} for number in (1, 2)]
        connection.execute(sa.insert(table), rows)


def content(connection, like):
    """Read the columns of `like`, a list of (table, columns)."""
    return {
        table.name: [
            plain(tuple(row))
            for row in connection.execute(sa.select(*columns).order_by(*table.primary_key.columns))
        ]
        for table, columns in like
    }


@pytest.mark.parametrize("revision", EARLIER)
def test_an_earlier_revision_is_left_behind_without_losing_a_value(store_url, revision):
    with opened(store_url) as store:
        assert schema.upgrade(store, revision) == (None, revision)
        with store.write() as connection:
            like = list(tables(connection))
            fill(connection)
            before = content(connection, like)
        assert schema.upgrade(store) == (revision, schema.head())
        with store.read() as connection:
            assert content(connection, like) == before
            assert sum(len(rows) for rows in before.values()) >= 2 * (len(before) - 1)
            assert schema.drift(connection) == []
        with store.write() as connection:
            schema.require_current(schema.current(connection))


def test_a_run_from_before_there_were_verdicts_has_none(store_url):
    with opened(store_url) as store:
        schema.upgrade(store, "0002")
        with store.write() as connection:
            fill(connection)
        schema.upgrade(store)
        with store.read() as connection:
            run = runs.current(connection)
            asked = verdicts.Asked(verdicts.TOWN, 9, "all", "")
            assert verdicts.find(connection, run.id, asked) is None
            query = sa.select(Cluster.name, Cluster.verdict).order_by(Cluster.id)
            assert connection.execute(query).all() == [("text å 1", None), ("text å 2", None)]


def test_every_table_of_the_newest_revision_takes_rows(store_url):
    with opened(store_url) as store:
        schema.upgrade(store)
        with store.write() as connection:
            fill(connection)
            like = list(tables(connection))
            assert len(like) == len(Base.metadata.tables)
            assert all(len(columns) == len(table.columns) for table, columns in like)


@pytest.mark.parametrize(
    "step", [pytest.param(29, id="some"), pytest.param(1, id="every", marks=pytest.mark.deep)]
)
def test_an_upgrade_that_fails_leaves_the_revision_it_came_from(store_url, step):
    def unchanged():
        with store.read() as connection:
            return schema.current(connection) == EARLIER[0]

    with opened(store_url) as store:
        schema.upgrade(store, EARLIER[0])
        assert failing(lambda: schema.upgrade(store), step, unchanged) > 10
        with store.read() as connection:
            assert schema.drift(connection) == []


def test_an_empty_database_is_refused_with_its_own_word(store_url):
    with pytest.raises(SchemaMismatch) as refused:
        schema.open_store(store_url)
    assert refused.value.code == "schema-empty"


@pytest.mark.parametrize("revision", EARLIER)
def test_an_older_schema_than_the_code_is_refused(store_url, revision):
    with opened(store_url) as store:
        schema.upgrade(store, revision)
    with pytest.raises(SchemaMismatch) as refused:
        schema.open_store(store_url)
    assert (refused.value.code, refused.value.values["found"]) == ("schema-older", revision)


def test_a_newer_schema_than_the_code_is_neither_opened_nor_upgraded(store_url):
    with opened(store_url) as store:
        schema.upgrade(store)
        with store.write() as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(SchemaMismatch) as refused:
            schema.upgrade(store)
        assert refused.value.code == "schema-newer"
        assert refused.value.values == {"found": "9999", "known": schema.head()}
        with pytest.raises(SchemaMismatch) as refused:
            schema.open_store(store_url)
        assert refused.value.code == "schema-newer"
        with store.read() as connection:
            assert schema.current(connection) == "9999"


def test_an_upgrade_of_the_newest_changes_nothing(store_url):
    with opened(store_url) as store:
        schema.upgrade(store)
        assert schema.upgrade(store) == (schema.head(), schema.head())


def test_two_processes_upgrade_one_after_the_other(store_url):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", UPGRADE, store_url],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert sorted(out.split()[0] for out, _ in said) == [schema.head(), "None"]
    with opened(store_url) as store, store.read() as connection:
        assert schema.drift(connection) == []


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        ("DROP TABLE cell_count", "table cell_count is missing"),
        ("ALTER TABLE address DROP COLUMN city", "column address.city"),
        ("ALTER TABLE address ADD COLUMN extra TEXT", "column address.extra"),
        ("DROP INDEX ix_incident_starts_at", "index ix_incident_starts_at is missing"),
    ],
)
def test_a_database_that_somebody_changed_is_found_out(store_url, damage, expected):
    with opened(store_url) as store:
        schema.upgrade(store)
        with store.write() as connection:
            connection.execute(sa.text(damage))
        with store.read() as connection:
            assert schema.drift(connection) == [expected]


def described(connection):
    """Describe every table of ours: columns, keys, constraints and indexes."""
    found = sa.inspect(connection)
    described = {}
    for name in Base.metadata.tables:
        columns = connection.execute(sa.text(COLUMNS[connection.dialect.name]), {"t": name}).all()
        described[name] = {
            "columns": sorted(map(tuple, columns)),
            "key": found.get_pk_constraint(name)["constrained_columns"],
            "foreign": sorted(
                (key["constrained_columns"], key["referred_table"], str(key["options"]))
                for key in found.get_foreign_keys(name)
            ),
            "unique": sorted(u["column_names"] for u in found.get_unique_constraints(name)),
            "indexes": sorted((i["name"], i["column_names"]) for i in found.get_indexes(name)),
        }
    return described


COLUMNS = {
    "sqlite": 'SELECT name, type, "notnull", pk FROM pragma_table_info(:t)',
    "postgresql": "SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull"
    " FROM pg_attribute a WHERE a.attrelid = CAST(:t AS regclass) AND a.attnum > 0"
    " AND NOT a.attisdropped",
}


def without_rowid(connection):
    query = "SELECT name FROM sqlite_master WHERE sql LIKE :how"
    return [
        set(connection.scalars(sa.text(query), {"how": how}))
        for how in ("%WITHOUT ROWID%", "%AUTOINCREMENT%")
    ]


def test_the_revisions_make_exactly_the_tables_of_the_models(store_url):
    with opened(store_url) as store:
        schema.upgrade(store)
        with store.write() as connection:
            migrated = described(connection)
            kinds = without_rowid(connection) if store.is_geopackage else []
            for table in [*reversed(Base.metadata.sorted_tables)]:
                table.drop(connection)
            Base.metadata.create_all(connection)
            assert described(connection) == migrated
            if store.is_geopackage:
                assert without_rowid(connection) == kinds
                assert all(kinds)


def test_the_revisions_form_one_line_without_a_way_back():
    scripts = list(schema.scripts().walk_revisions())
    assert [script.revision for script in scripts][::-1] == schema.revisions()
    assert all(len(script.nextrev) <= 1 and script.doc for script in scripts)
    assert not any(hasattr(script.module, "downgrade") for script in scripts)
