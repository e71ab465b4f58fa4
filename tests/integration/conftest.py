"""Stores that know Eskilstuna, made once and copied for each test."""

import shutil
from uuid import uuid4

import psycopg
import pytest

from pipelines import places
from pipelines.__main__ import main
from store import installation
from store.db import connect, part_file
from store.parts import PARTS
from tests.desk import Desk


def fill(url):
    """Make an empty installation, with all its parts, one that knows Eskilstuna."""
    installation.upgrade(url)
    store = connect(url)
    try:
        places.load(store, "eskilstuna")
        with store.engine.connect() as connection:
            if store.is_geopackage:  # everything into the one file that is copied
                connection.exec_driver_sql("COMMIT")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        store.close()


@pytest.fixture(scope="session")
def filled_file(tmp_path_factory):
    """Make a GeoPackage, and beside it the files of the other parts, to be copied."""
    path = tmp_path_factory.mktemp("filled") / "eskilstuna.gpkg"
    fill(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def filled_database(postgres):
    """Make a PostGIS database to be copied."""
    empty = postgres.create()
    fill(empty)
    return empty


@pytest.fixture
def gpkg_desk(filled_file, tmp_path):
    """Give a desk with a GeoPackage."""
    url = f"sqlite:///{tmp_path / 'store.gpkg'}"
    for part in PARTS:
        shutil.copy(part_file(f"sqlite:///{filled_file}", part), part_file(url, part))
    desk = Desk(url, tmp_path)
    yield desk
    desk.store.close()


@pytest.fixture
def postgis_desk(postgres, filled_database, tmp_path):
    """Give a desk with PostGIS."""
    server, _, template = filled_database.rpartition("/")
    name = f"t{uuid4().hex}"
    where = f"host=127.0.0.1 port={postgres.port} user=lagesbild dbname=postgres"
    with psycopg.connect(where, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    desk = Desk(f"{server}/{name}", tmp_path)
    yield desk
    desk.store.close()
    postgres.drop(desk.url)


@pytest.fixture(params=["gpkg", "postgis"])
def desk(request):
    """Give a desk; the test runs once on each kind of store."""
    return request.getfixturevalue(f"{request.param}_desk")


@pytest.fixture
def command(monkeypatch, capsys):
    """Give a function that runs the command line and gives exit code, output and errors.

    It runs in this process; test_cli.py shows that the installed program does the same.
    """

    def run(url, *arguments):
        monkeypatch.setenv("LAGESBILD_DATABASE_URL", url)
        monkeypatch.setattr("sys.argv", ["lagesbild", *map(str, arguments)])
        capsys.readouterr()
        try:
            main()
        except SystemExit as leaving:
            code = leaving.code or 0
        else:
            code = 0
        said = capsys.readouterr()
        return code, said.out, said.err

    return run
