"""What every test may ask for: fresh stores of both kinds, the reference data, a browser."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from hypothesis import settings

# A busy machine is no fault of the code, so examples have no deadline.
settings.register_profile("lagesbild", deadline=None, print_blob=True)
settings.load_profile("lagesbild")

TEMPLATE = "lagesbild_template"
SERVER_SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{home}'
fsync = off
synchronous_commit = off
full_page_writes = off
"""
QUIET_CHROMIUM = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def lacking(what):
    """Skip the test with one line; under CI=true, where nothing may be lacking, fail it."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(what, pytrace=False)
    pytest.skip(what)


class PrivatePostgres:
    """A PostgreSQL server of this test session alone, in a folder and on a port of its own.

    PostgreSQL refuses to run as root, so there the server alone runs as another user.
    """

    def __init__(self, programs):
        self.programs = programs
        self.home = Path(tempfile.mkdtemp(prefix="lagesbild-postgres-"))
        self.prefix = []
        if os.geteuid() == 0:
            user = server_user()
            self.prefix = ["runuser", "-u", user, "--"]
            shutil.chown(self.home, user)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]

    def start(self):
        """Make the data folder, start the server and fill the template database."""
        self._run("initdb", "-U", "lagesbild", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        with (self.home / "data" / "postgresql.conf").open("a") as settings:
            settings.write(SERVER_SETTINGS.format(port=self.port, home=self.home))
        self._run("pg_ctl", "start", "-w", "-l", str(self.home / "server.log"))
        self._ask("postgres", f"CREATE DATABASE {TEMPLATE}")
        self._ask(TEMPLATE, "CREATE EXTENSION postgis")

    def stop(self):
        """Stop the server and remove everything it wrote."""
        if (self.home / "data" / "postmaster.pid").exists():
            self._run("pg_ctl", "stop", "-w", "-m", "immediate")
        shutil.rmtree(self.home, ignore_errors=True)

    def create(self):
        """Give the URL of a new database that holds nothing but PostGIS."""
        name = f"t{uuid4().hex}"
        self._ask("postgres", f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        return f"postgresql+psycopg://lagesbild@127.0.0.1:{self.port}/{name}"

    def drop(self, url):
        """Remove a database even when a failed test left it open."""
        name = url.rpartition("/")[2]
        self._ask("postgres", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _ask(self, database, statement):
        where = f"host=127.0.0.1 port={self.port} user=lagesbild dbname={database}"
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute(statement)

    def _run(self, program, *arguments):
        command = [str(self.programs / program), "-D", str(self.home / "data"), *arguments]
        # The server would keep a pipe open for as long as it lives, so the words go to a file.
        with (self.home / "commands.log").open("a+") as words:
            done = subprocess.run(
                [*self.prefix, *command], cwd=self.home, stdout=words, stderr=words, check=False
            )
            if done.returncode:
                words.seek(0)
                pytest.fail(f"{program} failed:\n{words.read()}", pytrace=False)


def server_user():
    """Name the unprivileged user that runs the server when the tests run as root."""
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def postgres_programs():
    """Find the newest PostgreSQL server of this machine that has PostGIS; None without one."""
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    folders = sorted(debian, key=lambda folder: int(folder.parent.name), reverse=True)
    if on_path := shutil.which("pg_ctl"):
        folders.append(Path(on_path).resolve().parent)
    for folder in folders:
        asked = [folder / "pg_config", "--sharedir"]
        if not all((folder / name).exists() for name in ("pg_config", "initdb", "pg_ctl")):
            continue
        share = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
        if (Path(share) / "extension" / "postgis.control").exists():
            return folder
    return None


@pytest.fixture(scope="session")
def postgres():
    """Run one private PostgreSQL server with PostGIS until the session ends."""
    programs = postgres_programs()
    if programs is None:
        lacking("no PostgreSQL server with PostGIS on this machine (see .ci/services.sh)")
    server = PrivatePostgres(programs)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def postgis_url(postgres):
    """Give the URL of a fresh PostGIS database, removed after the test."""
    url = postgres.create()
    yield url
    postgres.drop(url)


@pytest.fixture
def gpkg_url(tmp_path):
    """Give the URL of a GeoPackage file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'store.gpkg'}"


@pytest.fixture(params=["gpkg", "postgis"])
def store_url(request):
    """Give the URL of a fresh, empty database; the test runs once on each kind of store."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture(scope="session")
def shared():
    """Give the folder of reference data that stands beside the checkout."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("no folder ../shared with reference data beside the checkout")
    return folder


@pytest.fixture(scope="session")
def chromium():
    """Give the arguments with which Playwright's `chromium.launch` starts this machine's own."""
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((found for name in names if (found := shutil.which(name))), None)
    if program is None:
        lacking("no Chromium on this machine (see .ci/services.sh)")
    driver = [sys.executable, "-m", "playwright", "--version"]
    if subprocess.run(driver, capture_output=True, check=False).returncode:
        lacking("Playwright's own node does not start on this machine (see .ci/services.sh)")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {"executable_path": program, "args": [*QUIET_CHROMIUM, *sandbox]}
