"""Every page of every role in both languages, wide and on a telephone, as axe sees it: no fault."""

from pathlib import Path

import pytest

from app import ways
from app.language import COOKIE
from pipelines.demo import USERS
from pipelines.roles import ADMIN, ANALYST, COORDINATOR, GROUP, PLANNER
from pipelines.texts import LANGUAGES
from tests.browser.conftest import NARROW, NOTE_VIOLATIONS, WIDE

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
ASK = """
async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations.map((one) => [one.id, one.impact, one.nodes.length, one.nodes[0].html]);
}
"""
SEEN = "lagesbild_valkommen"  # the four sentences of the first visit
QUIET_MS = 400
OF_A_ROLE = {
    ADMIN: (),
    GROUP: ("/", "/lagesbildsgrupp/protokoll"),
    COORDINATOR: (),
    PLANNER: ("/?detalj=zone", "/hjalp", "/nowhere"),
    ANALYST: ("/?lista=clusters", "/?rutor=8&fonster=helgnatt"),
}


def pages(role):
    """Name the pages of a role."""
    tasks = [path for path, _, roles in (*ways.TASKS, *ways.MORE) if role in roles]
    return [*tasks, *OF_A_ROLE[role]]


@pytest.fixture(scope="module")
def states(browser, site):
    """Sign everybody in once."""
    found = {}
    for role in OF_A_ROLE:
        context = browser.new_context(base_url=site.address, locale="sv-SE")
        page = context.new_page()
        page.goto("/logga-in")
        page.locator("[name=name]").fill(USERS[role])
        page.locator("[name=password]").fill(site.password)
        page.locator("button[type=submit]").click()
        page.wait_for_url("**/")
        found[role] = context.storage_state()
        context.close()
    return found


@pytest.fixture
def reading(browser, site):
    """Open pages in a language, as somebody or nobody."""
    opened = []

    def open_(language, state=None):
        context = browser.new_context(base_url=site.address, viewport=WIDE, storage_state=state)
        context.add_init_script(NOTE_VIOLATIONS)
        kept = {COOKIE: language, SEEN: "sedd"}
        context.add_cookies(
            [{"name": name, "value": kept[name], "url": site.address} for name in kept]
        )
        opened.append(context)
        return context.new_page()

    yield open_
    for context in opened:
        context.close()


def faults(page, path):
    """Look at a page on a wide screen and on a telephone's."""
    page.set_viewport_size(WIDE)
    page.goto(path)
    page.wait_for_load_state("networkidle")
    page.evaluate(AXE.read_text("utf-8"))
    found = {}
    for name, size in (("wide", WIDE), ("narrow", NARROW)):
        page.set_viewport_size(size)
        page.wait_for_timeout(QUIET_MS)
        if told := page.evaluate(ASK):
            found[f"{path} {name}"] = told
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("role", OF_A_ROLE)
def test_axe_finds_no_fault_on_any_page(reading, states, role, language):
    page = reading(language, states[role])
    found = {}
    for path in pages(role):
        found |= faults(page, path)
    assert found == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_no_fault_where_nobody_has_signed_in(reading, language):
    page = reading(language)
    found = {}
    for path in ("/logga-in", "/tillganglighet", "/nowhere", "/static/fel.html"):
        found |= faults(page, path)
    assert found == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_no_fault_in_the_four_sentences_of_the_first_visit(reading, states, language):
    page = reading(language, states[PLANNER])
    page.context.clear_cookies(name=SEEN)
    found = faults(page, "/")
    assert page.locator("#welcome").get_attribute("open") is not None
    assert found == {}
