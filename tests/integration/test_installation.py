"""The three parts of an installation, and the wall in front of the events."""

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from geo.errors import InvalidParameter, SchemaMismatch
from store import db, installation, parts, schema
from store.installation import OPEN_TABLES

CLOSED = sorted(set(parts.MAIN.metadata.tables) - OPEN_TABLES)
ROLE = "lagesbild_open"


@pytest.fixture
def gpkg(gpkg_url):
    installation.upgrade(gpkg_url)
    opened = installation.open_installation(gpkg_url)
    yield opened
    opened.close()


@pytest.fixture
def postgis(postgis_url):
    installation.upgrade(postgis_url)
    where = postgis_url.replace("+psycopg", "")
    with psycopg.connect(where, autocommit=True) as connection:
        for statement in installation.grants(ROLE, "lagesbild"):
            try:
                connection.execute(statement)
            except psycopg.errors.DuplicateObject:  # roles belong to the server, not the database
                continue
    opened = installation.open_installation(postgis_url, ROLE)
    yield opened
    opened.close()


@pytest.fixture(params=["gpkg", "postgis"])
def whole(request):
    return request.getfixturevalue(request.param)


def tried(store, statement):
    """Give the rows of a statement, or None when the store refuses it."""
    try:
        with store.engine.connect() as connection:
            return connection.execute(sa.text(statement)).all()
    except exc.DBAPIError:
        return None


def test_what_may_be_read_is_named_and_the_events_are_not_among_it():
    assert set(CLOSED) >= {
        "incident",
        "quarantined",
        "cell_count",
        "area_count",
        "cluster",
        "unit_verdict",
        "run",
        "layer",
    }
    assert OPEN_TABLES - {"alembic_version"} <= set(parts.MAIN.metadata.tables)


@pytest.mark.parametrize("table", CLOSED)
def test_the_open_side_reads_no_closed_table(whole, table):
    assert tried(whole.main, f"SELECT count(*) FROM {table}") == [(0,)]  # noqa: S608 - our names
    for statement in (
        f"SELECT count(*) FROM {table}",  # noqa: S608
        f"SELECT 1 FROM area WHERE EXISTS (SELECT 1 FROM {table})",  # noqa: S608
        f"WITH x AS (SELECT * FROM {table}) SELECT count(*) FROM x",  # noqa: S608
        f"SELECT name FROM area UNION SELECT 'x' FROM {table}",  # noqa: S608
    ):
        assert tried(whole.open_side, statement) is None


@pytest.mark.parametrize("table", sorted(OPEN_TABLES))
def test_the_open_side_reads_an_open_table_and_changes_none(whole, table):
    assert tried(whole.open_side, f"SELECT count(*) FROM {table}") is not None  # noqa: S608
    assert tried(whole.open_side, f"DELETE FROM {table}") is None  # noqa: S608


def test_the_release_is_read_only_and_knows_no_event(whole):
    assert tried(whole.release, "SELECT count(*) FROM release_atom") == [(0,)]
    for statement in (
        "DELETE FROM release_atom",
        "UPDATE release SET active = true",
        "SELECT count(*) FROM incident",
        "DROP TABLE release_atom",
    ):
        assert tried(whole.release, statement) is None


def test_on_a_geopackage_nobody_opens_another_file_or_changes_the_manner_of_writing(gpkg):
    for store in (gpkg.open_side, gpkg.release):
        assert tried(store, "ATTACH 'other.gpkg' AS other") is None
        assert tried(store, "PRAGMA journal_mode = DELETE") is None


def test_each_part_is_a_file_or_a_schema_of_its_own(whole):
    for store in (whole.main, whole.release, whole.journal):
        with store.read() as connection:
            assert schema.drift(connection, store.part) == []
            assert schema.current(connection, store.part) == schema.head(store.part)
    names = [set(part.metadata.tables) for part in parts.PARTS]
    assert sum(map(len, names)) == len(set().union(*names))


def test_every_revision_of_every_part_makes_exactly_its_models_tables(store_url):
    for part in parts.PARTS:
        assert schema.revisions(part)
        store = db.connect(store_url, part)
        try:
            schema.upgrade(store)
            with store.read() as connection:
                assert schema.drift(connection, part) == []
        finally:
            store.close()


def test_an_installation_that_lacks_a_part_is_refused(store_url):
    store = db.connect(store_url)
    schema.upgrade(store)
    store.close()
    with pytest.raises(SchemaMismatch) as refused:
        installation.open_installation(store_url)
    assert refused.value.code == "schema-empty"


def test_a_long_writer_of_one_part_keeps_nobody_from_writing_another(whole):
    with whole.main.write_alone() as importing:
        importing.execute(sa.text("SELECT 1"))
        with whole.journal.write_alone() as noting:
            assert noting.execute(sa.text("SELECT 1")).scalar() == 1


@pytest.mark.parametrize("name", ["", "x; DROP TABLE area", "Å", "a" * 64, "1st", 'a"b'])
def test_a_role_is_a_plain_name(name):
    with pytest.raises(InvalidParameter) as refused:
        installation.grants(name, "lagesbild")
    assert refused.value.code == "role-name"


def test_the_longest_plain_name_is_taken():
    assert installation.grants("a" * 63, "lagesbild")[0] == f"CREATE ROLE {'a' * 63} NOLOGIN;"
