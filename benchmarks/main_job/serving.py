"""How long a reader waits for the cells of one area: a real server, real requests, one machine."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import numpy as np

from app.access import KEY_HEADER
from pipelines import accounts, settings
from store import places, schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

ROOT: Final = Path(__file__).parents[1]
ITEMS: Final = "/ogc/collections/cells/items"
FINE: Final = 10
COLD_RESOLUTIONS: Final = (9, 10, 11)
REQUESTS: Final = 500
THREADS: Final = 4
PATIENCE_S: Final = 30
HEALTH_EVERY_S: Final = 0.1
STOP_S: Final = 10


def measure(url: str) -> dict[str, object]:
    """Serve a published store and ask it; give milliseconds.

    "first" are different questions, each asked once; "warm" is one question asked again and
    again by one reader; "warm, 4 readers" the same by four at once.
    """
    store = schema.open_store(url)
    with store.read() as connection:
        areas = [area.name for area in places.areas(connection, "priority")]
        windows = [window.name for window in places.profile(connection).windows]
    key = accounts.new_key(store, secrets.token_hex(4), "analyst", 1, datetime.now(UTC))
    store.close()
    first = [
        f"{ITEMS}?{urlencode({'area': area, 'window': window, 'resolution': resolution})}"
        for area in areas
        for window in windows
        for resolution in COLD_RESOLUTIONS
    ]
    warm = [f"{ITEMS}?{urlencode({'area': areas[0], 'resolution': FINE})}"] * REQUESTS
    with _server(url) as port:
        asked = {"first": ask(port, key, first)}
        ask(port, key, warm[:20])
        asked["warm"] = ask(port, key, warm)
        with ThreadPoolExecutor(THREADS) as pool:
            share = warm[: REQUESTS // THREADS]
            parts = list(pool.map(lambda _: ask(port, key, share), range(THREADS)))
        asked[f"warm, {THREADS} readers"] = np.concatenate(parts)
    return {name: _summary(waits) for name, waits in asked.items()}


def ask(port: int, key: str, paths: Sequence[str]) -> NDArray[np.float64]:
    """Send requests one after the other on one connection; give the wait for each, in ms."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    waits = []
    for path in paths:
        began = time.perf_counter()
        connection.request("GET", path, headers={KEY_HEADER: key})
        answer = connection.getresponse()
        body = answer.read()
        waits.append(time.perf_counter() - began)
        if answer.status != http.HTTPStatus.OK or not json.loads(body)["features"]:
            raise RuntimeError(f"{path} gave {answer.status} and {body[:200]!r}")
    connection.close()
    return np.array(waits) * 1000


def _summary(waits: NDArray[np.float64]) -> dict[str, float]:
    return {
        "requests": waits.size,
        "p50": float(np.percentile(waits, 50)),
        "p99": float(np.percentile(waits, 99)),
        "longest": float(waits.max()),
    }


@contextmanager
def _server(url: str) -> Iterator[int]:
    """Start the server on a free port, and stop exactly that one afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    own = {
        settings.variable("database_url"): url,
        settings.variable("session_secret"): secrets.token_hex(32),
    }
    kept = {k: v for k, v in os.environ.items() if not k.startswith(settings.PREFIX)}
    command = (
        *(sys.executable, "-m", "uvicorn", "--factory", "app.main:create_app"),
        *("--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"),
    )
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(  # noqa: S603 - our own command
            command, cwd=ROOT, env=kept | own, stdout=log, stderr=log
        )
        try:
            if not _answers(server, port):
                log.seek(0)
                raise RuntimeError(f"the server did not start: {log.read()[-2_000:]!r}")
            yield port
        finally:
            _stop(server)


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(STOP_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _answers(server: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the server answers, or has ended."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and server.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        try:
            connection.request("GET", "/health")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return True
        except ConnectionError:
            time.sleep(HEALTH_EVERY_S)
        finally:
            connection.close()
    return False


def main() -> None:
    """Print the waits as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="a store with a published map")
    print(json.dumps(measure(parser.parse_args().url)))


if __name__ == "__main__":
    main()
