"""Write what the product is made of as CycloneDX 1.6: build/sbom.json.

It lists what the lock files pin, with licences, and no address. The same lock files give the same
file, byte for byte. A component without a version or a licence fails.
"""

from __future__ import annotations

import json
import sys
import tomllib
import uuid
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote

from locks import NODE_LOCK, PYTHON_LOCK, ROOT, Package, node_packages, python_packages

TARGET = ROOT / "build" / "sbom.json"
LICENCE = "License :: OSI Approved :: "


def licence(package: Package) -> str:
    """Give a package's licence in its own words; empty where nobody states one."""
    if package.sort == "npm":
        return package.licence
    try:
        stated = metadata(package.name)
    except PackageNotFoundError:
        return ""
    listed = [text.removeprefix(LICENCE) for text in stated.get_all("Classifier", [])]
    named = [text for text in listed if "License" in text and not text.startswith("License ::")]
    words = (stated.get("License") or "").strip().partition("\n")[0]
    return stated.get("License-Expression") or " / ".join(named) or words


def component(package: Package) -> dict[str, Any]:
    """Describe a package."""
    found: dict[str, Any] = {
        "type": "library",
        "name": package.name,
        "version": package.version,
        "purl": f"pkg:{package.sort}/{quote(package.name, safe='/')}@{package.version}",
    }
    if said := licence(package):
        found["licenses"] = [{"license": {"name": said}}]
    return {"bom-ref": found["purl"]} | found


def document(packages: list[Package]) -> dict[str, Any]:
    """Put the components together."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    components = [component(package) for package in packages]
    names = "\n".join(each["purl"] for each in components)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, names)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": project["name"],
                "name": project["name"],
                "version": project["version"],
                "licenses": [{"license": {"name": project["license"]}}],
            }
        },
        "components": components,
    }


def main(
    target: Path = TARGET, python_lock: Path = PYTHON_LOCK, node_lock: Path = NODE_LOCK
) -> int:
    """Write the file; name every package of ours without a version or a licence."""
    packages = python_packages(python_lock) + node_packages(node_lock)
    lacking = [
        package.name
        for package in packages
        if not package.version or not (package.elsewhere or licence(package))
    ]
    if lacking:
        print(f"no version, no licence, or not installed: {', '.join(lacking)}")
        return 1
    target.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document(packages), ensure_ascii=False, indent=1)
    target.write_text(text + "\n", "utf-8")
    print(f"sbom: {len(packages)} components")
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
