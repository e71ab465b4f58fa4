"""`make bench`: how long the main job takes and how much memory, beside an analyst's script.

Every measurement is a process of its own on freshly written synthetic data. Times are wall clock
of the work itself (imports and an empty schema are listed apart); CPU time and peak memory are
those of the whole process. PostGIS works in a server of its own, whose CPU and memory come on top.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import psycopg
import sqlalchemy as sa
from psycopg import sql

from benchmarks.main_job import data

if TYPE_CHECKING:
    import resource
    from collections.abc import Iterator, Sequence

ROOT: Final = Path(__file__).parents[2]
SMALL, LARGE = 100_000, 1_000_000
SET_UP: Final = "set up"
NAIVE: Final = "naive"
STORES: Final = ("gpkg", "postgis")
RSS_UNIT: Final = 1 if sys.platform == "darwin" else 1024  # bytes or KiB
LIBRARIES: Final = (
    *("numpy", "pandas", "geopandas", "shapely", "scikit-learn", "h3", "pyproj", "pyogrio"),
    *("sqlalchemy", "psycopg", "fastapi", "uvicorn"),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of one program on one file."""

    program: str  # gpkg, postgis, or naive
    rows: int
    wall_s: float  # of the whole process
    cpu_s: float
    peak_mb: float
    result: dict[str, Any] = field(default_factory=dict)  # empty: it did not finish
    waits_ms: dict[str, Any] = field(default_factory=dict)

    @property
    def steps(self) -> dict[str, float]:
        """Give the seconds of each step of the work."""
        seconds: dict[str, float] = self.result.get("seconds", {})
        return {name: value for name, value in seconds.items() if name != SET_UP}

    @property
    def work_s(self) -> float:
        """Give the seconds of the work; NaN if it did not finish."""
        return sum(self.steps.values()) if self.result else math.nan


def measured(program: str, rows: int, script: str, *arguments: str) -> Measured:
    """Run one of our scripts in a process of its own and ask the system what it used."""
    with tempfile.TemporaryFile() as out:
        began = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - our own scripts
            (sys.executable, "-m", f"benchmarks.main_job.{script}", *arguments),
            cwd=ROOT,
            stdout=out,
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        result = json.load(out) if process.returncode == 0 else {}
    return Measured(program, rows, wall, used.ru_utime + used.ru_stime, _peak_mb(used), result)


def _peak_mb(used: resource.struct_rusage) -> float:
    return used.ru_maxrss * RSS_UNIT / 2**20


@contextmanager
def empty_store(kind: str, folder: Path, server: str) -> Iterator[str]:
    """Give the URL of a new store, and remove it afterwards."""
    name = f"lagesbild_bench_{uuid4().hex[:12]}"
    if kind == "gpkg":
        yield f"sqlite:///{folder / name}.gpkg"
        for left in folder.glob(f"{name}*"):
            left.unlink()
        return
    url = sa.make_url(server).set(drivername="postgresql")
    plain = url.render_as_string(hide_password=False)
    identifier = sql.Identifier(name)
    with psycopg.connect(plain, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(identifier))
    try:
        own = url.set(drivername="postgresql+psycopg", database=name)
        yield own.render_as_string(hide_password=False)
    finally:
        with psycopg.connect(plain, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {}").format(identifier))


def measure(arguments: argparse.Namespace, folder: Path) -> list[Measured]:
    """Measure everything asked for, the small sizes first; of repeated runs keep the median."""
    found = []
    for rows in sorted(arguments.rows):
        path = folder / f"rows_{rows}.csv"
        _say(f"writing {rows:,} rows")
        data.write(path, rows)
        programs = list(arguments.store)
        if arguments.naive and (rows <= SMALL or arguments.naive_million):
            programs.append(NAIVE)
        # In turns, so that a busy moment of the machine does not hit one program alone.
        runs = [
            one(program, rows, path, arguments)
            for _ in range(arguments.repeat)
            for program in programs
        ]
        for program in programs:
            own = sorted((r for r in runs if r.program == program), key=lambda run: run.wall_s)
            found.append(own[len(own) // 2])
        path.unlink()
    return found


def one(program: str, rows: int, path: Path, arguments: argparse.Namespace) -> Measured:
    """Run one program once."""
    _say(f"{program}, {rows:,} rows")
    if program == NAIVE:
        with tempfile.TemporaryDirectory(dir=path.parent) as out:
            limit = ("--limit-gib", str(arguments.limit_gib))
            return measured(program, rows, "naive", str(path), out, *limit)
    with empty_store(program, path.parent, arguments.postgis_url) as url:
        run = measured(program, rows, "product", str(path), url)
        if not run.result:
            raise SystemExit(f"{program} did not finish")
        if arguments.serve:
            run.waits_ms.update(measured(program, rows, "serving", url).result)
        return run


def _say(text: str) -> None:
    print(f"... {text}", file=sys.stderr, flush=True)


# --- the table -----------------------------------------------------------------------------


def report(found: Sequence[Measured]) -> str:
    """Write what was measured so that somebody can read it."""
    parts = [_machine(), _overview(found), _steps(found), _growth(found), _ratios(found)]
    parts.append(_waits(found))
    return "\n\n".join(part for part in parts if part)


def _machine() -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()},"
        f" {platform.system()}, load {', '.join(f'{load:.1f}' for load in os.getloadavg())}"
        f"\n{libraries}"
    )


def _columns(rows: Sequence[Sequence[str]]) -> str:
    """Align: the first column left, the others right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if n == 0 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _overview(found: Sequence[Measured]) -> str:
    head = ("", "rows", "work s", "us/row", "process s", "CPU s", "peak MB", "cells", "clusters")
    return _columns([head, *(_line(run) for run in found)])


def _line(run: Measured) -> tuple[str, ...]:
    if not run.result:
        name = f"{run.program} (did not finish)"
        used = (f"{run.wall_s:.1f}", f"{run.cpu_s:.1f}", f"{run.peak_mb:.0f}")
        return (name, f"{run.rows:,}", "-", "-", *used, "-", "-")
    return (
        run.program,
        f"{run.rows:,}",
        f"{run.work_s:.2f}",
        f"{run.work_s / run.rows * 1e6:.1f}",
        f"{run.wall_s:.2f}",
        f"{run.cpu_s:.2f}",
        f"{run.peak_mb:.0f}",
        f"{run.result['cells']:,}",
        f"{run.result['clusters']:,}",
    )


def _steps(found: Sequence[Measured]) -> str:
    lines = []
    for run in found:
        steps = ", ".join(f"{name} {seconds:.2f}" for name, seconds in run.steps.items())
        if steps:
            lines.append((f"{run.program} {run.rows:,}:", steps))
    width = max((len(name) for name, _ in lines), default=0)
    return "Seconds per step\n" + "\n".join(f"{name:{width}} {steps}" for name, steps in lines)


def _growth(found: Sequence[Measured]) -> str:
    """Compare the smallest and the largest run of each program; exponent 1 is linear."""
    lines = []
    for program in dict.fromkeys(run.program for run in found):
        own = [run for run in found if run.program == program and run.result]
        if len(own) > 1:
            small, large = own[0], own[-1]
            exponent = math.log(large.work_s / small.work_s) / math.log(large.rows / small.rows)
            lines.append(f"{program}: {small.rows:,} to {large.rows:,} rows: n^{exponent:.2f}")
    return "Growth\n" + "\n".join(lines) if lines else ""


def _ratios(found: Sequence[Measured]) -> str:
    """Compare with the analyst's script on the same file, and say whether the results agree."""
    lines = [
        f"{naive.rows:,} rows: {naive.program} takes {naive.work_s / run.work_s:.2f}"
        f" times as long as {run.program} and {naive.peak_mb / run.peak_mb:.2f}"
        f" times the memory; {_agreement(run.result, naive.result)}"
        for naive in found
        for run in found
        if naive.program == NAIVE and naive.result
        if run.program != NAIVE and run.rows == naive.rows
    ]
    return "Beside the analyst's script\n" + "\n".join(lines) if lines else ""


def _agreement(ours: dict[str, Any], theirs: dict[str, Any]) -> str:
    parts = [
        f"{'same' if ours[name] == theirs[name] else 'OTHER'} {name}"
        for name in ("cells", "events", "clusters")
    ]
    return ", ".join(parts)


def _waits(found: Sequence[Measured]) -> str:
    rows = [
        (
            f"{run.program} {run.rows:,}, {name}",
            *(f"{wait['requests']:.0f}", f"{wait['p50']:.1f}", f"{wait['p99']:.1f}"),
            f"{wait['longest']:.1f}",
        )
        for run in found
        for name, wait in run.waits_ms.items()
    ]
    if not rows:
        return ""
    head = ("Cells of one area, ms", "requests", "p50", "p99", "longest")
    return _columns([head, *rows])


# --- the command line ----------------------------------------------------------------------


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--rows", type=int, nargs="+", default=[SMALL])
    add("--store", choices=STORES, nargs="+", default=["gpkg"])
    add("--full", action="store_true", help="100,000 and 1,000,000 rows on both stores")
    add("--naive", action=argparse.BooleanOptionalAction, default=True, help="at 100,000 rows")
    add("--naive-million", action="store_true", help="and at more; takes minutes and gigabytes")
    add("--limit-gib", type=float, default=12, help="memory limit of the analyst's script")
    add("--repeat", type=int, default=1, help="runs of each, in turns; the median is shown")
    add("--serve", action="store_true", help="also measure requests to a server")
    add("--postgis-url", default="", help="a database of a server in which others may be created")
    add("--work", type=Path, help="folder for the data; default a temporary one")
    add("--json", type=Path, help="also write everything to this file")
    arguments = parser.parse_args()
    if arguments.full:
        arguments.rows, arguments.store = [SMALL, LARGE], list(STORES)
    if "postgis" in arguments.store and not arguments.postgis_url:
        parser.error("postgis needs --postgis-url postgresql+psycopg://...")
    if arguments.work is not None and arguments.work.resolve().is_relative_to(ROOT):
        parser.error("--work must lie outside the repository")
    return arguments


def main() -> None:
    """Measure, and print one table."""
    arguments = parse()
    with tempfile.TemporaryDirectory(prefix="lagesbild-bench-", dir=arguments.work) as folder:
        found = measure(arguments, Path(folder))
    print(report(found))
    if arguments.json is not None:
        document = {"machine": _machine(), "runs": [asdict(run) for run in found]}
        arguments.json.write_text(json.dumps(document, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
