"""What the product is made of: no package below its floor, and a list of all of them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / "requirements" / "runtime.txt"
NODE = ROOT / "package-lock.json"


def run(program, *arguments):
    """Run one of the project's checks and give its exit code and words."""
    done = subprocess.run(
        [sys.executable, ROOT / ".ci" / program, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr
    return done.returncode, done.stdout


@pytest.fixture
def locked(tmp_path):
    """Give a function that changes the lock of Python packages and gives where it stands."""

    def change(old, new):
        text = PYTHON.read_text("utf-8")
        assert old in text
        path = tmp_path / "runtime.txt"
        path.write_text(text.replace(old, new), "utf-8")
        return path

    return change


def pin(name):
    """Give a package's pin in the lock."""
    return next(
        line.split()[0] for line in PYTHON.read_text("utf-8").splitlines() if line.startswith(name)
    )


def test_the_locked_packages_are_above_their_floors():
    code, said = run("floors.py")
    assert (code, "hold" in said) == (0, True)


def test_a_package_below_its_floor_is_named_with_the_reason(locked):
    code, said = run("floors.py", locked(pin("starlette=="), "starlette==1.3.0"), NODE)
    assert code == 1
    assert "starlette 1.3.0 is below 1.3.1 (CVE-2026-54283" in said


def test_a_floor_itself_is_high_enough(locked):
    assert run("floors.py", locked(pin("starlette=="), "starlette==1.3.1"), NODE)[0] == 0


def test_a_front_end_package_below_its_floor_is_named(tmp_path):
    lock = json.loads(NODE.read_text("utf-8"))
    lock["packages"]["node_modules/maplibre-gl"] = {"version": "5.9.0", "license": "BSD-3-Clause"}
    path = tmp_path / "package-lock.json"
    path.write_text(json.dumps(lock), "utf-8")
    code, said = run("floors.py", PYTHON, path)
    assert (code, said.count("is below")) == (1, 1)
    assert "CVE-2026-85061" in said


@pytest.fixture(scope="module")
def bill(tmp_path_factory):
    """Give the bill of materials as it is written."""
    path = tmp_path_factory.mktemp("sbom") / "build" / "sbom.json"
    assert run("sbom.py", path)[0] == 0
    return path.read_text("utf-8")


def test_the_bill_of_materials_lists_every_locked_package(bill):
    found = json.loads(bill)
    assert (found["bomFormat"], found["specVersion"], found["version"]) == ("CycloneDX", "1.6", 1)
    names = [each["purl"] for each in found["components"]]
    assert len(names) == len(set(names)) == len({each["bom-ref"] for each in found["components"]})
    pins = [line for line in PYTHON.read_text("utf-8").splitlines() if "==" in line.split(" ")[0]]
    packages = json.loads(NODE.read_text("utf-8"))["packages"]
    tools = [name for name, entry in packages.items() if entry.get("dev")]
    assert tools == ["node_modules/axe-core"]
    assert len(names) == len(pins) + len(packages) - len(tools) - 1
    assert f"pkg:pypi/{pin('starlette==').replace('==', '@')}" in names
    assert "pkg:npm/%40fontsource-variable/source-sans-3@5.3.0" in names
    elsewhere = {line.partition("==")[0] for line in pins if ";" in line}  # other machines' only
    for each in found["components"]:
        assert each["version"]
        assert each.get("licenses") or each["name"] in elsewhere


def test_the_bill_of_materials_holds_no_address_and_does_not_change(bill, tmp_path):
    assert "://" not in bill
    run("sbom.py", tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text("utf-8") == bill


def test_a_package_that_states_no_licence_fails(locked, tmp_path):
    lock = locked(pin("starlette=="), "surely-not-installed==1.0")
    code, said = run("sbom.py", tmp_path / "sbom.json", lock, NODE)
    assert (code, "surely-not-installed" in said) == (1, True)
    assert not (tmp_path / "sbom.json").exists()
