"""Fail when a locked package is older than the oldest version we may ship.

A floor is raised when an advisory names a version; a lock file that is made anew with an older
index, or by hand, then fails `make check`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from locks import NODE_LOCK, PYTHON_LOCK, node_packages, python_packages
from packaging.version import Version

REVIEWED = "reads what strangers send; the version in use when the floor was set"
FLOORS = {
    "authlib": ("1.9.9", "believes or refuses who signs in"),
    "cryptography": ("50.0.2", "signs bundles and checks them"),
    "h11": ("0.16.0", REVIEWED),
    "httptools": ("0.9.0", REVIEWED),
    "itsdangerous": ("2.2.0", "signs the session cookie"),
    "jinja2": ("3.1.6", "escapes what pages show"),
    "joserfc": ("1.8.0", "checks the signatures of a sign-in"),
    "maplibre-gl": ("6.4.1", "CVE-2026-85061; no version 5 is mended"),
    "ol": ("10.11.0", "draws what the features say"),
    "pyarrow": ("26.0.1", REVIEWED),
    "pyogrio": ("0.13.0", "carries GDAL; " + REVIEWED),
    "python-calamine": ("0.9.1", REVIEWED),
    "python-multipart": ("0.0.34", "advisories of 2026: denial of service, smuggled fields"),
    "starlette": ("1.3.1", "CVE-2026-54283, and before it CVE-2025-62727 and CVE-2025-54121"),
    "uvicorn": ("0.54.0", REVIEWED),
}


def main(python_lock: Path = PYTHON_LOCK, node_lock: Path = NODE_LOCK) -> int:
    """Name every locked package below its floor; give the exit code."""
    below = [
        f"{package.name} {package.version} is below {floor} ({why})"
        for package in python_packages(python_lock) + node_packages(node_lock)
        for floor, why in [FLOORS.get(package.name, ("0", ""))]
        if Version(package.version) < Version(floor)
    ]
    print("\n".join(below) or f"floors: {len(FLOORS)} hold")
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
