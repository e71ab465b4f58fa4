"""What the lock files pin: names and versions, without asking anybody."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON_LOCK = ROOT / "requirements" / "runtime.txt"
NODE_LOCK = ROOT / "package-lock.json"
_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)\s*(;[^\\]+)?")


@dataclass(frozen=True, slots=True)
class Package:
    """A locked package."""

    name: str
    version: str
    sort: str  # pypi or npm
    elsewhere: bool = False  # some machines only: other systems, other versions of Python
    licence: str = ""  # npm's lock file says it, Python's does not


def python_packages(lock: Path) -> list[Package]:
    """List what a hashed requirements file pins."""
    pins = map(_PIN.match, lock.read_text("utf-8").splitlines())
    return [Package(pin[1], pin[2], "pypi", elsewhere=bool(pin[3])) for pin in pins if pin]


def node_packages(lock: Path) -> list[Package]:
    """List what npm's lock file pins for the product: not the project itself, not test tools."""
    entries = json.loads(lock.read_text("utf-8"))["packages"]
    return [
        Package(
            path.rpartition("node_modules/")[2],
            str(entry.get("version", "")),
            "npm",
            licence=str(entry.get("license", "")),
        )
        for path, entry in entries.items()
        if path and not entry.get("dev")
    ]
