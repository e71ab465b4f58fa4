"""What the three scripts of `make bench` compute, so that they compute the same."""

from __future__ import annotations

import argparse
import json
import resource
from pathlib import Path
from typing import Final

RESOLUTION: Final = 10
EPS_M, MIN_SAMPLES = 50.0, 5
BANDWIDTH_M, PIXEL_M = 300.0, 100.0
RING_M: Final = 250.0
METRES, DEGREES = "EPSG:3006", "EPSG:4326"
# The rectangle of the heat map, metres: the town and what lies around it.
WEST_M, SOUTH_M, COLUMNS, ROWS = 566_000.0, 6_566_000.0, 370, 320
# The tightest setting of scikit-learn's tree that ends in minutes at 100,000 rows.
TREE_TOLERANCE: Final = 1e-4


def arguments(what: str | None) -> argparse.Namespace:
    """Read the command line that all of them share."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("path", type=Path, help="a file written by city.py")
    parser.add_argument("out", type=Path, help="folder for the results")
    parser.add_argument("--eps-m", type=float, default=EPS_M)
    parser.add_argument("--limit-gib", type=float, default=0, help="most address space, if any")
    found = parser.parse_args()
    if found.limit_gib:
        most = int(found.limit_gib * 2**30)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    found.out.mkdir(parents=True, exist_ok=True)
    return found


def forget_peak() -> float:
    """Forget the most memory held so far, its parent's included; tell what is held now (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status_mb("VmRSS:")


def peak_mb() -> float:
    """Tell the most memory this process has held since `forget_peak`."""
    return _status_mb("VmHWM:")


def _status_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def report(seconds: dict[str, float], base_mb: float, **found: float) -> None:
    """Print what a run took and found, for `run.py` to read."""
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb() - base_mb, **found}))
