"""`make attack`: the families, a million pairs from a real server, and the control run.

The last line gives what was compared, how many families held, what was recovered, and what the
same harness recovered with the frozen tree switched off.
"""

import re
import subprocess
import sys
import tempfile
from itertools import chain
from pathlib import Path
from time import monotonic
from xml.etree import ElementTree as ET

import httpx2
from starlette.testclient import TestClient

from app.main import create_app
from pipelines import demo
from pipelines.roles import PLANNER
from tests.attacks import harness
from tests.attacks.conftest import without_tree
from tests.attacks.test_families import averaging
from tests.attacks.town import PASSWORD, Town, settle
from tests.attacks.truth import Truth
from tests.attacks.witness import Witness
from tests.house import NOW, settings_of
from tests.serving import served

HERE = Path(__file__).parent
BEGAN = monotonic()
FAMILIES = 16
FEWEST_PAIRS = 1_000_000
WILD = 500  # random questions to each year
PADDED = 10_000  # questions that ask the same again
TARGETS = 40  # small groups of which linear programs are asked


def families(folder):
    """Run the tests in a process of their own; tell whether all held, and how many families."""
    report = folder / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "--show-capture=no", f"--junitxml={report}"]
    tests = [str(HERE / name) for name in ("test_control.py", "test_families.py")]
    status = subprocess.run([*command, *tests], check=False).returncode
    tried, fell = set(), set()
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - written just now, by us
        family = re.match(r"test_a(\d\d)_", case.get("name"))
        if family:
            tried.add(family[1])
            fell |= {family[1]} if len(case) else set()  # a failure, an error, a skip
    return status == 0, len(tried - fell)


def say(text):
    """Write a line for whoever waits."""
    print(f"{monotonic() - BEGAN:5.0f} s  {text}", flush=True)  # noqa: T201 - a program's output


def sign_in(client):
    """Let the planner in."""
    form = {"name": demo.USERS[PLANNER], "password": PASSWORD}
    assert client.post("/logga-in", data=form).status_code == 303
    return client


def collect(planner, truth):
    """Ask a real server everything, and at random."""
    found, words = harness.Collected(truth), planner.words
    for year in words.years:
        found.ask(planner, harness.finest(words, year), single=True)
        wild = harness.wild(words, year, WILD, seed=int(year))
        found.ask(planner, chain(harness.usual(words, year), wild))
        say(f"{year}: {found.asked} questions, {found.pairs} pairs")
    found.ask(planner, harness.windows(words))
    found.read_physical(planner.items("physical"))
    return found


def attack(place, truth):
    """Give what was collected, and how much was recovered in any way."""
    witness = Witness(truth)
    with served(place.url) as address, httpx2.Client(base_url=address, timeout=60) as client:
        planner = harness.Planner(sign_in(client), witness)
        found = collect(planner, truth)
        differing = averaging(planner, PADDED)
    say(f"{witness.answers} answers read along; {PADDED} padded questions")
    recovered = found.recovered()
    say(f"pairs and chains: {recovered.number} {recovered.one}")
    both = found.beside_layer()
    linear = [both.tight(TARGETS), *(found.linear(y, TARGETS) for y in planner.words.years)]
    say(f"linear programs (tried, found): {linear}")
    others = [*found.wrong, *witness.findings(), *[differing] * bool(differing)]
    if others:
        say(f"wrong numbers, named events: {others[:5]}")
    return found, recovered.number + sum(n for _, n in linear) + len(others)


def control(place, truth):
    """Count what the same harness recovers with the frozen tree switched off."""
    app = create_app(settings_of({"url": place.url}), lambda: NOW)
    app.state.services = without_tree(truth)(app.state.services)
    with TestClient(app, follow_redirects=False) as client:
        planner = harness.Planner(sign_in(client), Witness(truth))
        found = harness.Collected(truth)
        found.ask(planner, harness.windows(planner.words))
        found.ask(planner, harness.usual(planner.words, "2025"))
    recovered = found.recovered()
    tried, linear = found.linear("2025", TARGETS)
    slices = len(recovered.pairs), len(recovered.chains)
    say(f"control: {found.pairs} pairs; by pairs and chains {slices}, linear {linear} of {tried}")
    return len(recovered.distinct) + linear


def main():
    """Run everything; the exit status is 0 if nothing was recovered, except in the control."""
    town = Town()
    truth = Truth(town.rows)
    with tempfile.TemporaryDirectory(prefix="lagesbild-attack-") as folder:
        passed, held = families(Path(folder))
        say(f"the tests {'passed' if passed else 'FAILED'}; {held} families held")
        place = settle(town, Path(folder) / "house")
        found, recovered = attack(place, truth)
        naive = control(place, truth)
    whole = passed and held == FAMILIES and found.pairs >= FEWEST_PAIRS
    print(  # noqa: T201 - the line that is promised
        f"attack: {found.pairs} pairs, {held} families, recovered {recovered};"
        f" control run recovered {naive}"
    )
    return 0 if whole and not recovered and naive else 1


if __name__ == "__main__":
    sys.exit(main())
