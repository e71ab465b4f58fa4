#!/usr/bin/env python3
"""Takes the pictures of README.md and docs/: the main views of the running demonstration.

Start the demonstration with ``make demo``, then run ``.venv/bin/python docs/screenshot.py`` after
``make dev`` (it needs Playwright and the machine's own Chromium). ``--folder`` and ``--address``
say where another demonstration lies and is served; ``--only`` takes some of the pictures.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

PICTURES = Path(__file__).with_name("images")
WIDE, NARROW = (1280, 800), (360, 740)
CORE = "vy=16.5110_59.3716_4.90&lager=omraden,rutor,skolor"
MOST_BYTES = 600_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ANALYST, PLANNER, COORDINATOR = "analytiker", "handlaggare", "koordinator"
DRAWN_MS = 1_500  # from the last answer to the last frame


@dataclass(frozen=True)
class View:
    """A page as somebody sees it."""

    name: str
    who: str
    path: str
    size: tuple[int, int] = WIDE
    language: str = "sv"


VIEWS = (
    # Weekend nights in the core: what the town asks most.
    View("map", ANALYST, f"/?fonster=helgnatt&{CORE}"),
    View("planner", PLANNER, "/"),
    View("when", ANALYST, "/nar"),
    View("when-planner", PLANNER, "/nar"),
    View("schools", ANALYST, "/skolor"),
    View("nightlife", ANALYST, "/nattliv"),
    View("on-site", COORDINATOR, "/pa-plats"),
    View("change", ANALYST, "/utveckling"),
    View("change-planner", PLANNER, "/utveckling"),
    View("map-360", PLANNER, "/", NARROW),
    View("map-english", PLANNER, "/", WIDE, "en"),
)


def main() -> None:
    """Take every picture that is asked for."""
    options = _options()
    password = json.loads((options.folder / "demo.json").read_text(encoding="utf-8"))["password"]
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if program is None:
        sys.exit("no Chromium on this machine")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    options.pictures.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=sandbox)
        sessions: dict[str, Any] = {}
        for view in VIEWS:
            if options.only and view.name not in options.only:
                continue
            _take(browser, view, sessions, options, password)
        browser.close()


def _take(
    browser: Browser,
    view: View,
    sessions: dict[str, Any],
    options: argparse.Namespace,
    password: str,
) -> None:
    """Open a page as its reader, who signs in once, and keep what is seen."""
    context = browser.new_context(
        viewport=ViewportSize(width=view.size[0], height=view.size[1]),
        locale="sv-SE",
        timezone_id="Europe/Stockholm",
        storage_state=sessions.get(view.who),
    )
    # The first visit's dialog has been closed.
    context.add_cookies([{"name": "lagesbild_valkommen", "value": "sedd", "url": options.address}])
    page = context.new_page()
    if view.who not in sessions:
        _sign_in(page, options.address, view.who, password)
        sessions[view.who] = context.storage_state()
    if view.language != "sv":
        page.goto(f"{options.address}/sprak/{view.language}")
    page.goto(f"{options.address}{view.path}")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(DRAWN_MS)
    picture = options.pictures / f"{view.name}.png"
    page.screenshot(path=picture)
    context.close()
    if picture.stat().st_size > MOST_BYTES:
        sys.exit(f"{picture} has {picture.stat().st_size} bytes; the limit is {MOST_BYTES}")


def _sign_in(page: Page, address: str, name: str, password: str) -> None:
    page.goto(f"{address}/logga-in")
    page.fill("#name", name)
    page.fill("#password", password)
    page.click("button[type=submit]")
    page.wait_for_load_state("networkidle")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="http://127.0.0.1:8000")
    parser.add_argument("--folder", type=Path, default=Path("var/demo"))
    parser.add_argument("--pictures", type=Path, default=PICTURES)
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME")
    return parser.parse_args()


if __name__ == "__main__":
    main()
