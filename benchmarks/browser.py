"""How fast the map is in a browser without a GPU: first useful map, frames while panning, bytes.

    python -m benchmarks.browser [--repeat 5] [--only demo|city] [--details]

On the demonstration and on a made town (50,000 rows: about 1,200 cells of resolution 9 and 4,900
of resolution 11), in Debian's Chromium without WebGL. "Useful" is when the page has drawn the
cells, shows its list and is no longer busy; counted from the click on a link to the map, with a
session. Cold is a server that has just been started and a browser that has kept nothing; warm is
the same page opened again. Frames are the times between `requestAnimationFrame` calls while the
map is dragged to and fro. Script is what arrives as JavaScript, and the same compressed by gzip.
"""

from __future__ import annotations

import argparse
import gzip
import os
import shutil
import statistics
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

from benchmarks import doors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page, Response, ViewportSize

    from benchmarks.doors import House

VIEWPORT: Final[ViewportSize] = {"width": 1400, "height": 900}
ARGUMENTS: Final = ["--no-sandbox", "--disable-gpu", "--disable-3d-apis"]
STEPS, STROKES, REACH = 30, 6, 260  # mouse moves of a stroke, strokes, pixels
GOALS: Final = {"cold": 1_500, "warm": 700, "frame": 60, "script": 400}
TOWN_SIZES: Final = (9, 11)
# Notes when the map has become useful and what the policy has forbidden, from the page's start.
WATCH: Final = """
window.bench = { frames: [], violations: [] };
addEventListener("securitypolicyviolation", (event) =>
  bench.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
const seen = (told) => {
  const map = document.getElementById("map");
  const rows = document.getElementById("rows");
  if (map?.getAttribute("aria-busy") === "false" && rows?.children.length) {
    requestAnimationFrame(() => told(performance.now()));
  } else {
    requestAnimationFrame(() => seen(told));
  }
};
bench.useful = new Promise((told, refused) => {
  seen(told);
  setTimeout(() => refused(new Error("the map did not become useful")), 60_000);
});
"""
RECORD: Final = """() => {
  bench.frames = [];
  let last = 0;
  bench.recording = true;
  const tick = (now) => {
    if (last) { bench.frames.push(now - last); }
    last = now;
    if (bench.recording) { requestAnimationFrame(tick); }
  };
  requestAnimationFrame(tick);
}"""
TIMELINE: Final = """() => {
  const page = performance.getEntriesByType("navigation")[0];
  const said = performance.getEntriesByType("resource").map((one) => [
    new URL(one.name).pathname, Math.round(one.startTime), Math.round(one.responseEnd),
    one.transferSize]);
  return { first_byte: Math.round(page.responseStart), parsed: Math.round(page.domInteractive),
    loaded: Math.round(page.domContentLoadedEventEnd), said };
}"""


@dataclass
class Seen:
    """What one opening of the map showed."""

    useful_ms: float = 0
    script_bytes: int = 0
    script_gzipped: int = 0
    foreign: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    timeline: dict[str, Any] = field(default_factory=dict)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeat", type=int, default=5, help="openings; the median is shown")
    parser.add_argument("--only", choices=("demo", "city"))
    parser.add_argument("--details", action="store_true", help="what was fetched when")
    chosen = parser.parse_args()
    print(
        "| town | cells | cold ms | warm ms | frame ms | script kB gz (as sent)"
        " | other hosts | policy, errors |\n" + "| --- " * 8 + "|"
    )
    with tempfile.TemporaryDirectory(prefix="lagesbild-bench-") as folder, _browser() as browser:
        if chosen.only != "city":
            _town("demo", doors.demonstration(Path(folder) / "demo"), (9,), browser, chosen)
        if chosen.only != "demo":
            (Path(folder) / "city").mkdir()
            _town("city", doors.city(Path(folder) / "city"), TOWN_SIZES, browser, chosen)
    print(f"\nGoals: {GOALS}. Load {os.getloadavg()[0]:.1f} at the end.")


@contextmanager
def _browser() -> Iterator[Browser]:
    """Run Debian's Chromium."""
    program = shutil.which("chromium")
    if program is None:
        raise SystemExit("there is no Chromium (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


def _town(
    name: str, house: House, sizes: tuple[int, ...], browser: Browser, chosen: argparse.Namespace
) -> None:
    """Measure one town with cells of some resolutions."""
    for size in sizes:
        path = f"/?rutor={size}"
        cold = []
        for _ in range(chosen.repeat):
            with doors.served(house) as port, _context(browser, port, house) as context:
                cold.append(_open(context, path)[1])
        with doors.served(house) as port, _context(browser, port, house) as context:
            _open(context, path)
            warm = [_open(context, path)[1] for _ in range(chosen.repeat)]
            page, last = _open(context, path, close=False)
            frames = _panned(page)
            cells = _cells(context, port, size)
            page.close()
        _tell(name, cells, cold, warm, frames)
        if chosen.details:
            _explain("cold", cold[-1])
            _explain("warm", last)


@contextmanager
def _context(browser: Browser, port: int, house: House) -> Iterator[BrowserContext]:
    """Give a browser that has kept nothing but a session."""
    name, value = doors.sign_in(port, house).split("=", maxsplit=1)
    base = f"http://127.0.0.1:{port}"
    context = browser.new_context(viewport=VIEWPORT, locale="sv-SE", base_url=base)
    context.add_cookies([{"name": name, "value": value, "url": base}])
    context.add_init_script(WATCH)
    yield context
    context.close()


def _open(context: BrowserContext, path: str, *, close: bool = True) -> tuple[Page, Seen]:
    """Open the map and wait until it is useful."""
    page, seen = context.new_page(), Seen()
    scripts: list[Response] = []
    page.on("pageerror", lambda fault: seen.complaints.append(str(fault)))
    page.on(
        "console",
        lambda said: seen.complaints.append(said.text) if said.type == "error" else None,
    )
    page.on("response", lambda answer: _note(answer, seen, scripts))
    page.goto(path)
    seen.useful_ms = page.evaluate("bench.useful")
    seen.complaints += page.evaluate("bench.violations")
    seen.timeline = page.evaluate(TIMELINE)
    for answer in scripts:
        seen.script_bytes += answer.request.sizes()["responseBodySize"]
        seen.script_gzipped += len(gzip.compress(answer.body(), 6))
    if close:
        page.close()
    return page, seen


def _note(answer: Response, seen: Seen, scripts: list[Response]) -> None:
    host = urlsplit(answer.url).hostname
    if host not in {"127.0.0.1", None}:
        seen.foreign.append(answer.url)
    if answer.request.resource_type == "script" and answer.ok:
        scripts.append(answer)


def _panned(page: Page) -> list[float]:
    """Drag the map to and fro; give the milliseconds between frames."""
    box = page.locator("#map").bounding_box()
    if box is None:
        raise RuntimeError("the map is not on the page")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.keyboard.press("Escape")  # the first visit's four sentences lie over the map
    page.wait_for_timeout(1_000)
    page.mouse.move(x, y)
    before = page.url
    page.evaluate(RECORD)
    for stroke in range(STROKES):
        _drag(page, x, y, 1 if stroke % 2 else -1)
    page.evaluate("bench.recording = false")
    _drag(page, x, y, 1)  # the strokes lead back to where they began
    page.wait_for_url(lambda url: url != before)  # or else the map did not move
    return [float(each) for each in page.evaluate("bench.frames")]


def _drag(page: Page, x: float, y: float, side: int) -> None:
    page.mouse.down()
    page.mouse.move(x + side * REACH, y + side * REACH / 2, steps=STEPS)
    page.mouse.up()
    page.mouse.move(x, y)


def _cells(context: BrowserContext, port: int, size: int) -> int:
    """Count the cells there are."""
    path = f"http://127.0.0.1:{port}/ogc/collections/cells/items?limit=1&resolution={size}"
    return int(context.request.get(path).json()["numberMatched"])


def _tell(name: str, cells: int, cold: list[Seen], warm: list[Seen], frames: list[float]) -> None:
    frames.sort()
    first = cold[0]
    every = [*cold, *warm]
    foreign = sum(len(one.foreign) for one in every)
    complaints = sorted({said for one in every for said in one.complaints})
    worst = frames[int(0.95 * len(frames))] if frames else 0
    cold_ms, warm_ms = (statistics.median(one.useful_ms for one in those) for those in (cold, warm))
    print(
        f"| {name} | {cells:,} | {cold_ms:.0f} | {warm_ms:.0f}"
        f" | {statistics.median(frames):.0f} (p95 {worst:.0f})"
        f" | {first.script_gzipped / 1000:.0f} ({first.script_bytes / 1000:.0f})"
        f" | {foreign} | {len(complaints)} {'; '.join(complaints)[:200]} |",
        flush=True,
    )


def _explain(label: str, seen: Seen) -> None:
    """Print what was fetched when, the latest first."""
    line = seen.timeline
    print(
        f"{label}: useful {seen.useful_ms:.0f}, first byte {line['first_byte']},"
        f" parsed {line['parsed']}, loaded {line['loaded']}"
    )
    for path, began, ended, size in sorted(line["said"], key=lambda one: -one[2])[:25]:
        print(f"   {began:6d} - {ended:6d} ms {size / 1000:8.1f} kB  {path}")


if __name__ == "__main__":
    main()
