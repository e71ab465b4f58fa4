"""Every page of everybody in a real browser, in a house where every name is an attack."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import SimpleNamespace
from urllib.parse import quote, urlencode, urlsplit

import pytest
import sqlalchemy as sa

from pipelines import accounts, group, places, releases
from pipelines.accounts import NewUser
from pipelines.analyse import Parameters, analyse
from pipelines.group import Opening
from pipelines.release_parts import Choice
from pipelines.roles import ACCOUNT_ROLES, ADMIN, ANALYST, COORDINATOR, GROUP, PLANNER
from store import installation
from store.db import connect
from store.models import Area, Facility, NamedPlace, ProfileRow
from store.parts import RELEASE
from tests.browser.conftest import WIDE, Visit
from tests.desk import CENTRE, QUIET, WALK, Desk, lonlat, report, sighting
from tests.serving import served

pytestmark = pytest.mark.browser

ROUTES = json.loads((Path(__file__).parents[2] / "docs" / "routes.json").read_text("utf-8"))
FILES = "/spara/"
ATTACK = "\"'><img src=x onerror=pwned()><script>pwned()</script><b onclick=pwned()>"
PASSWORD = "the word of everybody"  # noqa: S105 - of accounts that live for one test
WATCH = "window.attacked = []; window.pwned = () => window.attacked.push(document.URL);"


def hostile(told):
    """Put the attack after every label of a profile."""
    if isinstance(told, dict):
        return {k: v + ATTACK if k == "label" else hostile(v) for k, v in told.items()}
    return [hostile(one) for one in told] if isinstance(told, list) else told


def poison(store):
    with store.write() as conn:
        for table in (Area, Facility, NamedPlace):
            conn.execute(sa.update(table).values(name=table.name + ATTACK, source=ATTACK))
        document = conn.scalar(sa.select(ProfileRow.document))
        conn.execute(sa.update(ProfileRow).values(document=hostile(document)))


def fill(desk, now):
    """Take in events of three closed years and this one, and walks: an attack in every text."""
    spots = [lonlat(at[0] + i * 4e-4, at[1]) for at in (CENTRE, QUIET) for i in range(8)]
    first, events = date(now.year - 3, 1, 1), []
    step = (now.date() - first) / 800
    for i in range(800):
        day = (first + i * step).isoformat()
        times = {"BROTTSDATUMTID_START": f"{day} 23:30", "BROTTSDATUMTID_SLUT": f"{day} 23:30"}
        events.append(report(i, GATA=ATTACK, INSKRIVNINGSDATUM=day, **times, **spots[i % 16]))
    desk.take_rows(*events, now=now, name="<img src=x>.csv")
    walks = [sighting(Anteckning=ATTACK, Vandring=ATTACK) for _ in range(3)]
    desk.take_rows(*walks, header=WALK, kind="observations", name="v.csv", now=now)


def publish(desk, url, now):
    """Analyse, release, open the group's picture, and let everybody in."""
    analyse(desk.store, Parameters(), now)
    release = connect(url, RELEASE)
    releases.build_and_activate(desk.store, release, Choice(), now, lambda _: None)
    release.close()
    until = (now + timedelta(days=90)).date()
    group.open_(desk.store, Opening(ATTACK, ATTACK, ATTACK, until), "Europe/Stockholm", now)
    for role in ACCOUNT_ROLES:
        last = now + timedelta(days=90) if role == GROUP else None
        accounts.put_user(desk.store, NewUser(name_of(role), PASSWORD, role, last), now)


def name_of(role):
    return f"{role}{ATTACK[:28]}"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """Serve a house in which every name, label, note and number of a decision is an attack."""
    folder, now = tmp_path_factory.mktemp("hostile"), datetime.now(UTC)
    url = f"sqlite:///{folder / 'store.gpkg'}"
    installation.upgrade(url)
    desk = Desk(url, folder)
    places.load(desk.store, "eskilstuna")
    poison(desk.store)
    fill(desk, now)
    publish(desk, url, now)
    desk.store.close()
    with served(url) as address:
        yield SimpleNamespace(address=address, name="", password=PASSWORD)


class Suspicious(Visit):
    """A visit that notes whether anything that was written ran."""

    def __init__(self, browser, house, role):
        super().__init__(browser, house, WIDE)
        self.context.add_init_script(WATCH)
        self.dialogs = []
        self.page.on("dialog", self._asked_to_talk)
        if role is not None:
            self.page.goto("/logga-in")
            self.page.get_by_label("Användarnamn").fill(name_of(role))
            self.page.get_by_label("Lösenord").fill(PASSWORD)
            self.page.get_by_role("button", name="Logga in").click()
            self.page.wait_for_url("**/")

    def _asked_to_talk(self, dialog):
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def look(self, path):
        """Open a page, let its scripts end, and click on all that might be clicked on.

        What is given as a file is opened from a disk.
        """
        if not path.startswith(FILES):
            return self._looked(path)
        answer = self.page.request.get(path, headers={"Accept": "text/html"})
        with NamedTemporaryFile(suffix=".html") as file:
            file.write(answer.body())
            file.flush()
            return self._looked(Path(file.name).as_uri())

    def _looked(self, address):
        self.page.goto(address, wait_until="load")
        if urlsplit(address).scheme == "file":
            self.foreign.remove(address)
        elif self.page.locator("#map").count():
            self.settle()
        self.page.wait_for_timeout(100)
        attacked = self.page.evaluate("window.attacked")
        images = self.page.locator("img[src=x], [onclick], [onerror]").count()
        return [*attacked, *self.dialogs, *self.foreign, *violations(self), *["markup"] * images]


def violations(visit):
    return [said for said in visit.complaints if "policy" in said.lower()]


def pages(role):
    """List the pages that somebody may open, each with links into it."""
    for path, operations in ROUTES["paths"].items():
        one = operations.get("get")
        kinds = one["responses"].get("200", {}).get("content", {}) if one else {}
        mine = one and (one["x-roles"] is None or role in one["x-roles"])
        if mine and "text/html" in kinds and "{" not in path and "oidc" not in path:
            yield path
            named = [each["name"] for each in one.get("parameters", ())]
            yield f"{path}?{urlencode(dict.fromkeys(named, ATTACK))}"


@pytest.mark.parametrize("role", [*ACCOUNT_ROLES, None])
def test_no_page_of_anybody_breaks_the_policy_or_runs_what_somebody_wrote(browser, house, role):
    visit, wrong, opened = Suspicious(browser, house, role), {}, 0
    for path in [*pages(role), "/nowhere", f"/{quote(ATTACK)}", "/static/fel.html"]:
        opened += 1
        if found := visit.look(path):
            wrong[path] = found
    visit.context.close()
    assert wrong == {}
    assert opened >= 5


def test_what_was_written_stands_there_as_text(browser, house):
    """Otherwise the test above would only show that nothing is shown."""
    for role, path, where in (
        (COORDINATOR, "/granskning", "main"),
        (ANALYST, "/", "#omrade"),
        (PLANNER, "/utgava", "#omrade"),
        (GROUP, "/lagesbildsgrupp", "main"),
        (ADMIN, "/drift", "main"),
    ):
        visit = Suspicious(browser, house, role)
        visit.look(path)
        assert "onerror=pwned()" in visit.page.locator(where).inner_text(timeout=2000), path
        visit.context.close()


def test_a_popup_of_the_map_shows_text(browser, house):
    visit = Suspicious(browser, house, ANALYST)
    for kind in ("clusters", "areas", "places"):
        visit.go(f"/?lista={kind}")
        visit.page.locator(f"#tab-{kind}").click()
        row = visit.page.locator("#rows button, #rows tr").last
        row.click()
        assert visit.page.evaluate("window.attacked") == []
        assert visit.page.locator("img[src=x]").count() == 0
    assert violations(visit) == []
    visit.context.close()


def test_a_page_that_would_frame_one_of_ours_gets_nothing(browser, house):
    visit = Suspicious(browser, house, None)
    visit.page.goto("/static/fel.html")
    visit.page.set_content(f"<iframe src='{house.address}/logga-in'></iframe>")
    visit.page.wait_for_timeout(500)
    (frame,) = visit.page.frames[1:]
    assert "Logga in" not in frame.content()
    visit.context.close()


def test_the_watch_notices_an_attack_that_works(browser, house):
    """A house without a policy and without escaping would be found out."""
    visit = Suspicious(browser, house, None)
    visit.page.goto("about:blank")
    visit.page.set_content(f"<p {ATTACK}</p>")
    visit.page.wait_for_timeout(300)
    assert visit.page.evaluate("window.attacked") != []
    visit.context.close()
