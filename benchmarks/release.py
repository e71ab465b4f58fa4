"""A release of many incidents: built, audited, put in force and asked, in seconds.

The incidents are those of `benchmarks.main_job.data`: three years, seeded.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.main_job import data
from benchmarks.main_job.product import MAPPING
from benchmarks.steps import Steps
from pipelines import mapping, places, releases
from pipelines.ingest import Options, ingest
from pipelines.release_parts import Choice
from pipelines.released import LEVELS, Asked, ReleasedCache
from store import db, installation, parts

if TYPE_CHECKING:
    from pipelines.released import Released
    from store.db import Store

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)


def run(folder: Path, rows: int) -> dict[str, object]:
    """Take incidents in, and build and audit a release of them."""
    steps = Steps()
    steps.begin("set up")
    url = f"sqlite:///{folder / 'bench.gpkg'}"
    installation.upgrade(url)
    main, release = db.connect(url), db.connect(url, parts.RELEASE)
    _take_in(main, folder / "rows.csv", rows)
    steps.begin("build")
    built = releases.build(main, release, Choice(), NOW)
    steps.begin("audit")
    found = releases.audit(main, release, built.header.number, NOW)
    steps.begin("activate")
    releases.activate(main, release, built.header.number, NOW)
    steps.begin("load")
    released = ReleasedCache(release).in_force()
    seconds = steps.end()
    if released is None:
        raise RuntimeError("nothing was released")
    return {
        "seconds": seconds,
        "atoms": {"/".join(key): len(told.part.atoms) for key, told in released.told.items()},
        "pairs": found.pairs,
        "leaks": found.leaks,
        "left": [f"{each.product} {each.period}: {each.why}" for each in built.left],
        "shares": {f"{each.period} {each.product}": each.percent for each in built.shares},
        "milliseconds a question": _asked(released),
    }


def _take_in(main: Store, path: Path, rows: int) -> None:
    places.load(main, data.PROFILE)
    data.write(path, rows)
    ingest(main, path, Options("incidents", mapping.load(MAPPING)), data.READ_AT)


def _asked(released: Released) -> dict[str, float]:
    """Put every question about a theme and a block once, to an empty memory; milliseconds."""
    told = released.part()
    took = []
    for theme, block, level in product(told.themes, told.blocks, LEVELS):
        begun = time.perf_counter()
        told.answer(Asked(themes=(theme,), blocks=(block,)), level)
        took.append(1000 * (time.perf_counter() - begun))
    middle, most = np.percentile(took, [50, 99]).round(2).tolist()
    return {"median": middle, "p99": most}


def main() -> None:
    """Run it once and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    with tempfile.TemporaryDirectory() as folder:
        found = run(Path(folder), parser.parse_args().rows)
    print(json.dumps(found, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
