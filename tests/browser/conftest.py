"""A running server with the synthetic town, and a browser that notes everything it complains of."""

from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect, sync_playwright

from pipelines.demo import USERS
from pipelines.roles import ANALYST, PLANNER
from tests.demonstration import a_copy
from tests.serving import served

WEBGL_OFF = "--disable-3d-apis"
WHOM_TO_ASK = "Trygghetssamordnaren, telefon 000-00 00 00"
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 360, "height": 740}
NOTE_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy violation: ${event.violatedDirective} ${event.blockedURI}`));
"""


@pytest.fixture(scope="session")
def site(tmp_path_factory, worker_id):
    """Publish the synthetic town and serve it; give the address and the sign-in."""
    own = a_copy(tmp_path_factory, worker_id)
    ground = {"LAGESBILD_BASEMAP": str(own.folder / "bakgrund.gpkg")}
    with served(own.url, **ground, LAGESBILD_CONTACT=WHOM_TO_ASK) as address:
        yield SimpleNamespace(address=address, name=USERS[ANALYST], password=own.password)


@pytest.fixture(scope="session")
def driver():
    """Run Playwright."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(driver, chromium):
    """Run one browser for all visits."""
    running = driver.chromium.launch(**chromium)
    yield running
    running.close()


# Whoever has been here before does not meet the four sentences of the first visit.
BEEN_HERE = """
if (location.protocol.startsWith("http")) document.cookie = "lagesbild_valkommen=sedd; path=/";
"""


class Visit:
    """One page with what the browser complained of; signed in when it gets a session to go on."""

    def __init__(self, browser, site, viewport, session=None):
        self.site = site
        self.complaints, self.foreign = [], []
        self.context = browser.new_context(
            viewport=viewport, locale="sv-SE", base_url=site.address, storage_state=session
        )
        self.context.add_init_script(NOTE_VIOLATIONS)
        self.context.add_init_script(BEEN_HERE)
        self.page = self.context.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda fault: self.complaints.append(str(fault)))
        self.page.on("request", self._asked)

    def _said(self, message):
        if message.type == "error":
            self.complaints.append(message.text)

    def _asked(self, request):
        if urlsplit(request.url).netloc != urlsplit(self.site.address).netloc:
            self.foreign.append(request.url)

    def sign_in(self, path="/"):
        """Go to a page through the sign-in form and wait for the map."""
        self.page.goto(path)
        self.page.get_by_label("Användarnamn").fill(self.site.name)
        self.page.get_by_label("Lösenord").fill(self.site.password)
        self.page.get_by_role("button", name="Logga in").click()
        self.settle()

    def go(self, path):
        """Open an address afresh."""
        self.page.goto(path)
        self.settle()

    def settle(self):
        """Wait until the question has been answered."""
        expect(self.page.locator("#map")).to_have_attribute("aria-busy", "false")

    def count(self):
        """Give the number of events that the summary states."""
        return int(self.page.locator(".summary-number").get_attribute("data-count"))


@pytest.fixture(scope="session")
def session(browser, site):
    """Sign in once for all visits: the server lets one address try only so often."""
    one = Visit(browser, site, WIDE)
    one.sign_in()
    yield one.context.storage_state()
    one.context.close()


@pytest.fixture
def visit(browser, site, session):
    """Give a signed-in visit on a wide screen; afterwards nothing may have been complained of."""
    yield from visited(browser, site, WIDE, session)


@pytest.fixture
def narrow(browser, site, session):
    """Give the same on a telephone's screen."""
    yield from visited(browser, site, NARROW, session)


@pytest.fixture(scope="session")
def planners(site):
    """Give the planner's account."""
    return SimpleNamespace(address=site.address, name=USERS[PLANNER], password=site.password)


@pytest.fixture(scope="session")
def planner_session(browser, planners):
    """Sign the planner in once."""
    one = Visit(browser, planners, WIDE)
    one.sign_in()
    yield one.context.storage_state()
    one.context.close()


@pytest.fixture
def planner(browser, planners, planner_session):
    """Give a planner's visit on a wide screen."""
    yield from visited(browser, planners, WIDE, planner_session)


@pytest.fixture
def in_the_field(browser, planners, planner_session):
    """Give a planner's visit on a telephone."""
    yield from visited(browser, planners, NARROW, planner_session)


@pytest.fixture
def no_graphics(driver, chromium, site, session):
    """Give the same in a browser that refuses WebGL, as on many a virtual desktop."""
    running = driver.chromium.launch(**{**chromium, "args": [*chromium["args"], WEBGL_OFF]})
    yield from visited(running, site, WIDE, session)
    running.close()


def visited(browser, site, viewport, session):
    one = Visit(browser, site, viewport, session)
    one.go("/")
    yield one
    one.page.unroute_all(behavior="ignoreErrors")  # an answer on its way needs the page
    one.context.close()
    assert one.complaints == []
    assert one.foreign == []
