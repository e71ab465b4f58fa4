"""Sixteen readers asking for the same thing as fast as they get it, from a core of their own.

Uses wrk where it is installed (``apt-get install wrk``). Without it a plain client of ours asks:
it costs more than the server itself does, so that its numbers are a lower bound; it says so.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from benchmarks.doors import pinning

CLIENT_CORE: Final = 1
ROOT: Final = Path(__file__).parents[1]
_UNITS: Final = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True, slots=True)
class Load:
    """What the readers saw."""

    per_s: float
    p50_ms: float
    p99_ms: float
    refused: int  # answers that are no 2xx and no 3xx


def ask(url: str, headers: dict[str, str], seconds: float, at_once: int = 16) -> Load:
    """Ask for `url` over `at_once` connections for some seconds.

    Raises
    ------
    RuntimeError
        The readers could not ask, or were refused.
    """
    program = shutil.which("wrk")
    if program is None:
        own = (sys.executable, "-m", "benchmarks.load", url, json.dumps(headers))
        said = _run([*pinning(CLIENT_CORE), *own, str(seconds), str(at_once)])
        found = Load(**json.loads(said))
    else:
        command = [program, "-t1", f"-c{at_once}", f"-d{max(1, round(seconds))}s", "--latency"]
        for name, value in headers.items():
            command += ["-H", f"{name}: {value}"]
        found = _read(_run([*pinning(CLIENT_CORE), *command, url]))
    if found.refused:
        raise RuntimeError(f"{url}: {found.refused} answers were refusals")
    return found


def name() -> str:
    """Name the client."""
    return "wrk" if shutil.which("wrk") else "a client of ours (no wrk here: a lower bound)"


def _run(command: list[str]) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode:
        raise RuntimeError(done.stderr[-2_000:])
    return done.stdout


def _read(said: str) -> Load:
    """Read what wrk prints."""

    def wait(share: str) -> float:
        found = re.search(rf"^\s+{share}%\s+([\d.]+)(us|ms|s)\s*$", said, re.MULTILINE)
        if found is None:
            raise RuntimeError(f"wrk did not say how long it waited: {said}")
        return float(found[1]) * _UNITS[found[2]]

    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    return Load(
        float(rate[1]) if rate else 0.0,
        wait("50"),
        wait("99"),
        int(refused[1]) if refused else 0,
    )


async def _readers(url: str, headers: dict[str, str], seconds: float, at_once: int) -> Load:
    """Ask over connections that stay open."""
    parts = urlsplit(url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    lines = [f"GET {path} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    waits: list[float] = []
    refused = 0
    until = time.perf_counter() + seconds

    async def reader() -> None:
        nonlocal refused
        source, sink = await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 20)
        while (began := time.perf_counter()) < until:
            sink.write(request)
            head = (await source.readuntil(b"\r\n\r\n")).lower()
            length = re.search(rb"\r\ncontent-length: (\d+)", head)
            if length is not None:
                await source.readexactly(int(length[1]))
            refused += head[9:10] not in {b"2", b"3"}
            waits.append((time.perf_counter() - began) * 1000)
        sink.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(reader())
    waits.sort()
    return Load(
        len(waits) / seconds, waits[len(waits) // 2], waits[int(0.99 * len(waits))], refused
    )


def main() -> None:
    """Ask, and print what was seen as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("headers", type=json.loads)
    parser.add_argument("seconds", type=float)
    parser.add_argument("at_once", type=int)
    given = parser.parse_args()
    found = asyncio.run(_readers(given.url, given.headers, given.seconds, given.at_once))
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
