"""How many planners' requests a second are answered while an import runs: 2 workers, loopback.

Every request carries a planner's session, so it costs what it costs in service: the cookie, the
session in the journal, the account, the release in force, the role in the key of the answer. The
questions are those of the page's pickers, each asked again and again, as people do with links.

    python -m benchmarks.planners --store FOLDER [--seconds 20] [--at-once 16]

FOLDER is a demonstration (`lagesbild demo prepare --dir FOLDER`); a copy of it is used.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.main_job import data
from benchmarks.main_job.product import MAPPING

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
PLANNER = "handlaggare"
GOAL_PER_S, GOAL_P99_MS = 200, 250
IMPORTED = 1_000_000  # rows: half a minute and more


@dataclass
class Load:
    """What a number of readers saw."""

    took_ms: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    received: int = 0


def main() -> None:
    """Serve, import, ask, and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--at-once", type=int, default=16)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lagesbild-bench-") as folder:
        home = Path(folder) / "store"
        shutil.copytree(chosen.store, home)
        port = _free_port()
        environment = _environment(home)
        server = _serve(environment, port)
        try:
            cookie = _sign_in(port, json.loads((home / "demo.json").read_text())["password"])
            paths = _questions(port, cookie)
            for label, importing in (("quiet", False), ("while an import runs", True)):
                importer = _import(home, environment) if importing else None
                load = asyncio.run(_ask(port, cookie, paths, chosen.seconds, chosen.at_once))
                still = importer is not None and importer.poll() is None
                if importer is not None:
                    importer.terminate()
                    importer.wait()
                _tell(label, load, chosen.seconds, still=still)
        finally:
            server.terminate()
            server.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _environment(home: Path) -> dict[str, str]:
    return os.environ | {
        "LAGESBILD_DATABASE_URL": f"sqlite:///{home / 'lagesbild.gpkg'}",
        "LAGESBILD_SESSION_SECRET": "a secret of this measurement only, 0123456789",
        "LAGESBILD_COOKIE_SECURE": "false",
    }


def _serve(environment: dict[str, str], port: int) -> subprocess.Popen[bytes]:
    command = [str(BIN / "uvicorn"), "--factory", "app.main:create_app", "--workers", "2"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"]
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(  # noqa: S603 - our own program
        command, cwd=ROOT, env=environment, stdout=quiet, stderr=quiet
    )
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2)
        except OSError:
            time.sleep(0.1)
        else:
            return server
    server.terminate()
    raise SystemExit("the server did not start")


def _sign_in(port: int, password: str) -> str:
    """Sign in as the planner and give the session's cookie."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    form = urllib.parse.urlencode({"name": PLANNER, "password": password}).encode()
    opener = urllib.request.build_opener(Stay)
    try:
        opener.open(f"http://127.0.0.1:{port}/logga-in", form, timeout=30)
    except urllib.error.HTTPError as answer:
        return str(answer.headers["Set-Cookie"]).split(";")[0]
    raise SystemExit("the planner could not sign in")


def _questions(port: int, cookie: str) -> list[str]:
    """List the questions of the page's pickers, in an order without pattern."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/ogc/collections/release/items", headers={"Cookie": cookie}
    )
    told = json.load(urllib.request.urlopen(request, timeout=30))  # noqa: S310
    places = sorted({slug for one in told["features"] for slug in one["properties"]["places"]})
    base = "/ogc/collections/release/items?limit=10000"
    return [
        f"{base}&theme={theme}&block={block}&place={urllib.parse.quote(place)}&detail={detail}"
        for place in places
        for theme in told["themes"]
        for block in told["blocks"]
        for detail in ("place", "unit")
    ] + [f"{base}&theme={theme}" for theme in told["themes"]]


def _import(home: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Begin an import that lasts longer than the measurement."""
    file = home / "many.csv"
    data.write(file, IMPORTED)
    command = [str(BIN / "lagesbild"), "ingest", "incidents", str(file)]
    command += ["--mapping", str(MAPPING)]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(  # noqa: S603 - our own program
        command, cwd=ROOT, env=environment, stdout=quiet, stderr=quiet
    )


async def _ask(port: int, cookie: str, paths: list[str], seconds: float, at_once: int) -> Load:
    load = Load()
    until = time.perf_counter() + seconds
    async with asyncio.TaskGroup() as group:
        for reader in range(at_once):
            group.create_task(_reader(port, cookie, paths, reader, until, load))
    return load


async def _reader(
    port: int, cookie: str, paths: list[str], number: int, until: float, load: Load
) -> None:
    """Ask one question after the other on one connection."""
    source, sink = await asyncio.open_connection("127.0.0.1", port)
    step = number * 7919
    while time.perf_counter() < until:
        path = paths[step % len(paths)]
        step += 104_729
        began = time.perf_counter()
        sink.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n\r\n".encode())
        head = (await source.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(head.partition("content-length:")[2].partition("\r\n")[0])
        load.received += len(await source.readexactly(length))
        load.took_ms.append((time.perf_counter() - began) * 1000)
        status = int(head.split(" ", 2)[1])
        load.statuses[status] = load.statuses.get(status, 0) + 1
    sink.close()


def _tell(label: str, load: Load, seconds: float, *, still: bool) -> None:
    took = sorted(load.took_ms)

    def at(share: float) -> float:
        return took[min(len(took) - 1, int(share * len(took)))]

    rate = len(took) / seconds
    met = "met" if rate >= GOAL_PER_S and at(0.99) <= GOAL_P99_MS else "missed"
    print(
        f"{label}: {rate:.0f} requests/s, p50 {at(0.5):.0f} ms, p99 {at(0.99):.0f} ms,"
        f" worst {took[-1]:.0f} ms, {load.received / len(took) / 1024:.0f} kB each,"
        f" statuses {load.statuses}; goal {GOAL_PER_S}/s at p99 {GOAL_P99_MS} ms: {met}"
        + (" (the import was still running at the end)" if still else "")
    )


if __name__ == "__main__":
    main()
