"""`make bench`: the analysis core beside what others would use, as ratios in one run.

Every measurement is a process of its own on the same seeded synthetic data. The table is printed
and, with `--keep`, written to docs/BENCHMARKS.md.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from benchmarks import city
from benchmarks.kernels import ROWS

ROOT: Final = Path(__file__).parents[1]
KEPT: Final = ROOT / "docs" / "BENCHMARKS.md"
THOUSANDS, MILLION, MOST = 100_000, 1_000_000, 5_000_000
LIBRARIES: Final = (
    *("numpy", "scipy", "numba", "h3", "shapely", "pyproj", "pyarrow", "orjson"),
    *("scikit-learn", "esda", "libpysal", "KDEpy", "dbscan", "geopandas", "pandas"),
    "mapbox-vector-tile",
)
NOT_FINISHED: Final = "did not finish"


@dataclass(frozen=True, slots=True)
class Measured:
    """What one process took and found; no seconds if it did not finish."""

    seconds: float
    mb: float
    numbers: dict[str, Any] = field(default_factory=dict)

    def cell(self, first: Measured | None = None) -> str:
        """Show it for the table; beside a first one also how many times as long it took."""
        if math.isnan(self.seconds):
            return NOT_FINISHED
        shown = f"{_seconds(self.seconds)}, {self.mb:.0f} MB"
        if first is not None and not math.isnan(first.seconds):
            shown += f" (x {_times(self.seconds / first.seconds)})"
        return shown


FAILED = Measured(math.nan, math.nan)


def run(*command: str, repeat: int = 1) -> Measured:
    """Run a script of ours some times in processes of its own; give the median."""
    found = [_once(command) for _ in range(repeat)]
    if any(math.isnan(one.seconds) for one in found):
        return FAILED
    middle = statistics.median(one.seconds for one in found)
    return Measured(middle, max(one.mb for one in found), found[0].numbers)


def _once(command: tuple[str, ...]) -> Measured:
    _say(" ".join(command))
    done = subprocess.run(  # noqa: S603 - our own scripts
        (sys.executable, "-W", "ignore", "-m", *command),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        return FAILED
    said = json.loads(done.stdout)
    if "peak_mb" in said:
        seconds, mb = sum(said.pop("seconds").values()), said.pop("peak_mb")
        return Measured(seconds, mb, said)
    return Measured(said["seconds"], said["extra_mb"], said["numbers"])


def chains(arguments: argparse.Namespace, folder: Path) -> list[str]:
    """Measure the whole way from CSV to files, by size."""
    lines = ["| rows | ours | tuned.py | naive.py |", "| --- | --- | --- | --- |"]
    ours = {}
    for rows in (THOUSANDS, MILLION, *((MOST,) if arguments.full else ())):
        path = folder / f"{rows}.csv"
        _say(f"writing {rows:,} rows")
        city.write(path, rows)
        out = str(folder / "out")
        first = ours[rows] = run("benchmarks.core", str(path), out, repeat=arguments.repeat)
        others = [FAILED, FAILED]
        if rows <= MILLION:
            others[0] = run("benchmarks.tuned", str(path), out)
        if rows <= THOUSANDS or (rows <= MILLION and arguments.full):
            limit = ("--limit-gib", str(arguments.limit_gib))
            others[1] = run("benchmarks.naive", str(path), out, *limit)
        _compare([first, *others])
        shown = [
            "–" if other is FAILED and not _tried(rows, i, arguments) else other.cell(first)
            for i, other in enumerate(others)
        ]
        lines.append(f"| {rows:,} | {first.cell()} | {' | '.join(shown)} |")
        path.unlink()
    lines += ["", _growth(ours), *_wide(arguments, folder)]
    return lines


def _tried(rows: int, which: int, arguments: argparse.Namespace) -> bool:
    if which == 0:
        return rows <= MILLION
    return rows <= THOUSANDS or (rows <= MILLION and arguments.full)


def _wide(arguments: argparse.Namespace, folder: Path) -> list[str]:
    """Run a million rows at 100 m, where a script on incidents runs out of memory."""
    if not arguments.full:
        return []
    path = folder / "wide.csv"
    city.write(path, MILLION)
    wide = ("--eps-m", "100")
    ours = run("benchmarks.core", str(path), str(folder / "out"), *wide)
    limit = ("--limit-gib", str(arguments.limit_gib))
    naive = run("benchmarks.naive", str(path), str(folder / "out"), *wide, *limit)
    said = f"1,000,000 rows with eps 100 m: ours {ours.cell()}; "
    return [f"{said}naive.py within {arguments.limit_gib:g} GiB: {naive.cell(ours)}."]


def _growth(ours: dict[int, Measured]) -> str:
    small, large = min(ours), max(ours)
    ratio = ours[large].seconds / ours[small].seconds
    exponent = math.log(ratio) / math.log(large / small)
    said = f"Growth of ours from {small:,} to {large:,} rows: n^{exponent:.2f}."
    if MOST in ours:
        said += f" 5 M rows take {ours[MOST].seconds / ours[MILLION].seconds:.1f} times 1 M."
    return said


def _compare(found: list[Measured]) -> None:
    """Stop when two ways found different things: their times would mean nothing."""
    done = [one.numbers for one in found if not math.isnan(one.seconds)]
    if len({numbers["clusters"] for numbers in done}) > 1:
        raise SystemExit(f"the scripts disagree about the clusters: {done}")


def kernels(arguments: argparse.Namespace) -> list[str]:
    """Measure piece by piece."""
    lines = [
        "| work | way | median, memory on top | ours is faster by |",
        "| --- | --- | --- | --- |",
    ]
    for name, row in ROWS.items():
        if arguments.rows and name not in arguments.rows:
            continue
        first: Measured | None = None
        for way in row.ways:
            if way == "scikit-learn" and "100k" not in name and not arguments.full:
                continue
            found = run("benchmarks.kernels", name, way)
            first = first or found
            ratio = "" if found is first else f"x {_times(found.seconds / first.seconds)}"
            shown = NOT_FINISHED if math.isnan(found.seconds) else found.cell()
            said = ", ".join(f"{key} {value:g}" for key, value in found.numbers.items())
            lines.append(f"| {row.title} | {way}: {said} | {shown} | {ratio} |")
    return lines


def _machine() -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    threads = {name: os.environ[name] for name in os.environ if name.endswith("_NUM_THREADS")}
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, "
        f"load {os.getloadavg()[0]:.1f} at the end, thread variables "
        f"{threads or 'not set'}. {versions}."
    )


def _seconds(value: float) -> str:
    return f"{value * 1000:.1f} ms" if value < 1 else f"{value:.1f} s"


def _times(value: float) -> str:
    return NOT_FINISHED if math.isnan(value) else f"{value:.2g}" if value < 1 else f"{value:.1f}"


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--full", action="store_true", help="also 5 M rows, and the slow ones at 1 M")
    add("--limit-gib", type=float, default=14, help="address space naive.py may take")
    add("--repeat", type=int, default=3, help="processes of each chain; the median is shown")
    add("--rows", nargs="*", choices=ROWS, help="only these pieces, and no chain")
    add("--keep", action="store_true", help="write the tables to docs/BENCHMARKS.md")
    return parser.parse_args()


def main() -> None:
    """Measure, and print the tables."""
    arguments = parse()
    parts = ["## Piece by piece", "", *kernels(arguments), ""]
    if not arguments.rows:
        with tempfile.TemporaryDirectory(prefix="lagesbild-bench-") as folder:
            parts = ["## From CSV to files", "", *chains(arguments, Path(folder)), "", *parts]
    parts += ["## Where", "", _machine(), ""]
    print("\n".join(parts))
    if arguments.keep:
        head = KEPT.read_text("utf-8").split("\n## From CSV")[0]
        KEPT.write_text(head + "\n" + "\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
