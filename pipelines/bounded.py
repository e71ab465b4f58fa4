"""Parsing in a child process that may use so much memory and time, and no more.

A file from somebody else is read by programs of several hundred thousand lines. What they do with
a file made to hurt cannot be foreseen, so they run in a child of their own, with limits that the
operating system keeps, none of our secrets in its environment, and an answer in plain JSON.

A *job* is a function of a module of ours that takes a path and plain values and yields values
that JSON can hold. `answers` runs it in a child: ``python -m pipelines.bounded`` reads its order
from its input and writes one line per answer.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import resource
import selectors
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from geo import errors
from geo.errors import LagesbildError, UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

MEMORY_BYTES = 1536 * 1024 * 1024
CPU_S = 120
WAIT_S = 300.0  # for answers in all, on a machine that is busy with other things too
OPEN_FILES = 64
WRITTEN_BYTES = 1024 * 1024  # SQLite needs a little beside a GeoPackage that it only reads
BLOCK_BYTES = 1 << 16
# What the child needs to find Python and its libraries; settings and secrets stay here.
INHERITED = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LANG", "LC_ALL", "TMPDIR")
# One thread each: every further one takes its share of the memory before it has done anything.
FRUGAL = {
    "GDAL_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
ANSWER, REFUSAL, EXHAUSTED, FAULT, DONE = b"=", b"!", b"-", b"?", b"."

log = logging.getLogger(__name__)


def answers(
    job: Callable[..., Iterable[Any]],
    path: Path,
    values: Mapping[str, object],
    environment: Mapping[str, str] | None = None,
) -> Iterator[Any]:
    """Yield what a job says of a file, while a child with limits works on it.

    The child lives as long as somebody asks for answers, and is ended by its own id.

    Parameters
    ----------
    values
        Further arguments of the job, plain enough for JSON.
    environment
        Variables that the child gets besides the few it inherits.

    Raises
    ------
    UnreadableFile
        ``file-too-costly`` where a limit was reached, ``file-unreadable`` where a parser gave up
        in a way of its own.
    LagesbildError
        Whatever the job itself refuses.
    """
    order = {
        "module": job.__module__,
        "name": job.__name__,
        "path": str(path.absolute()),
        "values": dict(values),
        "memory": MEMORY_BYTES,
        "seconds": CPU_S,
    }
    with _child(order, environment or {}) as child:
        for line in _lines(child, path):
            sort, said = line[:1], line[1:]
            if sort == DONE:
                return
            if sort != ANSWER:
                raise _refusal(sort, said, path)
            yield json.loads(said)
    if child.returncode < 0:  # a signal: out of time, an allocation that failed, a crash
        raise UnreadableFile("file-too-costly", file=path.name)
    raise UnreadableFile("file-unreadable", file=path.name)


def _refusal(sort: bytes, said: bytes, path: Path) -> LagesbildError:
    """Give the error that a child reported."""
    if sort == REFUSAL:
        told = json.loads(said)
        kind: type[LagesbildError] = getattr(errors, told["class"])
        return kind(told["code"], **told["values"])
    if sort == EXHAUSTED:
        return UnreadableFile("file-too-costly", file=path.name)
    log.warning("a parser gave up: %s", said.decode())
    return UnreadableFile("file-unreadable", file=path.name)


@contextmanager
def _child(
    order: Mapping[str, object], environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a child with its order; when the block ends it is gone."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    process = subprocess.Popen(  # noqa: S603 - our own Python and our own module
        [sys.executable, "-P", "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**inherited, **FRUGAL, **environment},
    )
    with process:
        try:
            with suppress(BrokenPipeError):  # it ended at once; its outcome is looked at later
                _pipe(process.stdin).write(json.dumps(order).encode())
                _pipe(process.stdin).close()
            yield process
        finally:
            # One that has ended keeps the outcome it had, and its id, until it is waited for.
            os.kill(process.pid, signal.SIGKILL)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            log.debug(
                "%s: %.2f s, %d MB",
                order["name"],
                used.ru_utime + used.ru_stime,
                used.ru_maxrss // 1024,
            )


def _pipe(asked_for: IO[bytes] | None) -> IO[bytes]:
    """Give a pipe that `Popen` was told to make; its type does not know that."""
    return cast("IO[bytes]", asked_for)


def _lines(child: subprocess.Popen[bytes], path: Path) -> Iterator[bytes]:
    """Yield the lines that a child writes; only the time spent waiting for them counts."""
    pipe, left, rest = _pipe(child.stdout), WAIT_S, b""
    with selectors.DefaultSelector() as ready:
        ready.register(pipe, selectors.EVENT_READ)
        while True:
            asked = time.monotonic()
            if not ready.select(left):
                raise UnreadableFile("file-too-costly", file=path.name)
            left -= time.monotonic() - asked
            block = os.read(pipe.fileno(), BLOCK_BYTES)
            if not block:
                return
            *whole, rest = (rest + block).split(b"\n")
            yield from whole


def main() -> None:
    """Carry out the order that stands on the input: the child's side of `answers`."""
    order = json.loads(sys.stdin.buffer.read())
    _limit(order["memory"], order["seconds"])
    say = sys.stdout.buffer
    try:
        job = getattr(importlib.import_module(order["module"]), order["name"])
        for answer in job(Path(order["path"]), **order["values"]):
            say.write(ANSWER + json.dumps(answer).encode() + b"\n")
        say.write(DONE + b"\n")
    except LagesbildError as fault:
        told = {"class": type(fault).__name__, "code": fault.code, "values": fault.values}
        say.write(REFUSAL + json.dumps(told, default=str).encode() + b"\n")
    except MemoryError:
        say.write(EXHAUSTED + b"\n")
    except Exception as fault:  # noqa: BLE001 - a library's own; its words may hold a person's data
        in_cpp = "bad_alloc" in str(fault)  # out of memory, as C++ says it
        say.write((EXHAUSTED if in_cpp else FAULT + _place(fault).encode()) + b"\n")


def _place(fault: Exception) -> str:
    """Name an exception's class and the line of ours or a library's that raised it."""
    trace = fault.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "–"
    return f"{type(fault).__name__} in {where}"


def _limit(memory: int, seconds: int) -> None:
    """Let the operating system end this process when it takes too much."""
    limits = {
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_FSIZE: WRITTEN_BYTES,
        resource.RLIMIT_CORE: 0,
    }
    if sys.platform != "darwin":  # which counts what a process could address, not what it takes
        limits[resource.RLIMIT_AS] = memory
    for what, most in limits.items():
        _, hard = resource.getrlimit(what)
        most_allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most_allowed, most_allowed))


if __name__ == "__main__":
    main()
