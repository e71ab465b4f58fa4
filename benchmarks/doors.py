"""Stores to be served, servers on one core, and sign-ins: what the measurements of HTTP share."""

from __future__ import annotations

import http.client
import os
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from benchmarks.main_job import data, product
from pipelines import accounts, demo, settings
from pipelines.accounts import NewUser
from pipelines.roles import ANALYST
from store import installation
from store.db import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[1]
BIN: Final = Path(sys.executable).parent
DEMO_DAY: Final = datetime(2026, 11, 1, 12, tzinfo=UTC)
CITY_ROWS: Final = 50_000  # about 1,200 cells of resolution 9 and 4,900 of resolution 11
PATIENCE_S: Final = 120  # a busy machine takes half a minute to start a server
STOP_S: Final = 10
ANALYST_NAME: Final = "analytiker"


@dataclass(frozen=True, slots=True)
class House:
    """A store with a published map, and an analyst's sign-in."""

    url: str
    name: str
    password: str
    settings: dict[str, str] = field(default_factory=dict)  # beyond those of every server


def demonstration(folder: Path) -> House:
    """Make the demonstration that `make demo` shows."""
    made = demo.prepare(folder, DEMO_DAY, lambda _: None)
    url = f"sqlite:///{folder / 'lagesbild.gpkg'}"
    written = (folder / "demo.env").read_text("utf-8").splitlines()
    pairs = (line.split("=", maxsplit=1) for line in written if line.startswith(settings.PREFIX))
    more = {name: shlex.split(value)[0] for name, value in pairs if "BASEMAP" in name}
    return House(url, demo.USERS[ANALYST], made.password, more)


def city(folder: Path, url: str | None = None) -> House:
    """Make a larger town with a published map, in a file or in the database of `url`."""
    where = url or f"sqlite:///{folder / 'city.gpkg'}"
    rows = folder / "city.csv"
    data.write(rows, CITY_ROWS)
    installation.upgrade(where)
    product.run(where, rows)
    rows.unlink()
    password = secrets.token_urlsafe(16)
    store = connect(where)
    accounts.put_user(store, NewUser(ANALYST_NAME, password, ANALYST), datetime.now(UTC))
    store.close()
    return House(where, ANALYST_NAME, password)


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def served(house: House, core: int | None = None) -> Iterator[int]:
    """Start the server as it is started everywhere, on one core if told; give its port."""
    port = free_port()
    own = {
        settings.variable("database_url"): house.url,
        settings.variable("session_secret"): secrets.token_hex(32),
        settings.variable("cookie_secure"): "false",
    }
    kept = {k: v for k, v in os.environ.items() if not k.startswith(settings.PREFIX)}
    command = [
        *(sys.executable, "-m", "uvicorn", "--factory", "app.main:create_app"),
        *("--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"),
    ]
    with running(command, core, kept | house.settings | own):
        wait_for(port)
        yield port


@contextmanager
def running(
    command: list[str], core: int | None, environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the end of the block, and stop exactly that one."""
    pinned = [*pinning(core), *command]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(  # noqa: S603 - our own command
        pinned, cwd=ROOT, env=environment, stdout=quiet, stderr=quiet
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def pinning(core: int | None) -> list[str]:
    """Give what keeps a program on one core."""
    program = shutil.which("taskset")
    return [] if core is None or program is None else [program, "-c", str(core)]


def wait_for(port: int, path: str = "/health") -> None:
    """Wait until a server answers.

    Raises
    ------
    RuntimeError
        It does not.
    """
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        try:
            connection.request("GET", path)
            if connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.05)
    raise RuntimeError(f"nothing answers on port {port}")


def sign_in(port: int, house: House) -> str:
    """Sign in and give the session's cookie, as name=value.

    Raises
    ------
    RuntimeError
        The sign-in failed.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    form = urlencode({"name": house.name, "password": house.password})
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/logga-in", form, kind)
    cookie = connection.getresponse().headers["Set-Cookie"]
    connection.close()
    if cookie is None:
        raise RuntimeError("the analyst could not sign in")
    return str(cookie).split(";", maxsplit=1)[0]
