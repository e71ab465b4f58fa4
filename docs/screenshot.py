#!/usr/bin/env python3
"""Takes the picture of README.md: the hot-spot map of the running demonstration.

Start the demonstration with ``make demo``, then run ``.venv/bin/python docs/screenshot.py`` after
``make dev`` (it needs Playwright and the machine's own Chromium). ``--folder`` and ``--address``
say where another demonstration lies and is served.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import ViewportSize, sync_playwright

PICTURE = Path(__file__).with_name("images") / "map.png"
SIZE = ViewportSize(width=1280, height=800)
MOST_BYTES = 400_000
VIEW = "/?fonster=helgnatt"  # weekend nights, the question the town asks most
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> None:
    """Sign in, let the map draw, and keep the picture."""
    options = _options()
    password = json.loads((options.folder / "demo.json").read_text(encoding="utf-8"))["password"]
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if program is None:
        sys.exit("no Chromium on this machine")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=sandbox)
        page = browser.new_page(viewport=SIZE, locale="sv-SE", timezone_id="Europe/Stockholm")
        page.goto(f"{options.address}/logga-in")
        page.fill("#name", "demo")
        page.fill("#password", password)
        page.click("button[type=submit]")
        page.goto(f"{options.address}{options.view}")
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(1_500)  # the last frame after the last answer
        page.screenshot(path=options.picture)
        browser.close()
    size = options.picture.stat().st_size
    if size > MOST_BYTES:
        sys.exit(f"{options.picture} has {size} bytes; the limit is {MOST_BYTES}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="http://127.0.0.1:8000")
    parser.add_argument("--folder", type=Path, default=Path("var/demo"))
    parser.add_argument("--picture", type=Path, default=PICTURE)
    parser.add_argument("--view", default=VIEW)
    return parser.parse_args()


if __name__ == "__main__":
    main()
