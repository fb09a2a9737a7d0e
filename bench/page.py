"""How long the page takes, in a real browser: first page, changes of page, filters, history, map.

`python -m bench.page FOLDER`: a home with a million tracks and one listener of 500,000 plays is
made there (without FOLDER, in the folder for temporary files), unless it is there already;
`--models` takes trained models from another home. What the service makes ahead or keeps of the
listener is removed first.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright

from bench.service_home import make_home, user_name

PLAYS: Final = 500_000
KNOWN: Final = 20_000
ROUNDS: Final = 12
_CHUNKS: Final = 60
_PATIENCE_MS: Final = 180_000
_SETTLED_S: Final = 8.0
_PAGES: Final = ("Search", "Playlists", "History", "Map", "Reports", "Add music", "For you")
_START: Final = "import sys; sys.argv[0] = 'segue'; from segue.doors.cli import main; main()"
_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_FILTERS: Final = (
    ("far", "80"),
    ("mood", "calm"),
    ("era", "1990-1999"),
    ("tempo", "90-120"),
    ("minutes", "3-5"),
    ("mood", ""),
    ("era", ""),
    ("far", "10"),
    ("tempo", ""),
    ("minutes", ""),
)
_CHANGE: Final = """([name, value]) => new Promise((done) => {
    const field = document.querySelector(`.filters [name="${name}"]`);
    const since = performance.now();
    document.addEventListener("part-changed", () => requestAnimationFrame(
        () => done(performance.now() - since)), {once: true});
    field.value = value;
    field.dispatchEvent(new Event("input", {bubbles: true}));
})"""


@dataclass(frozen=True)
class Took:
    """What some actions took: milliseconds on the clock, each, and of the service's CPU, a mean."""

    clock: list[float]
    cpu: float


class Meter:
    """Reads the CPU time of the service.

    Args:
        pid: Of its process.
    """

    def __init__(self, pid: int) -> None:
        self._stat = Path(f"/proc/{pid}/stat")
        self._tick = 1e3 / os.sysconf("SC_CLK_TCK")

    def of(self, do: Callable[[], list[float]]) -> Took:
        """Do it, and tell what it took."""
        before = self._ms()
        clock = do()
        return Took(clock, (self._ms() - before) / len(clock))

    def _ms(self) -> float:
        told = self._stat.read_text().rpartition(")")[2].split()
        return self._tick * (int(told[11]) + int(told[12]))


@contextmanager
def serving(home: Path) -> Iterator[tuple[str, Meter]]:
    """A service in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", _START, "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "SEGUE_HOME": str(home), "SEGUE_USER_ID": user_name(0)},
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[-1], Meter(process.pid)
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def opened(browser: Browser, url: str) -> Page:
    """A page in a browser that has nothing at hand."""
    page = browser.new_context(viewport={"width": 1280, "height": 860}, base_url=url).new_page()
    page.set_default_timeout(_PATIENCE_MS)
    return page


def timed(do: Callable[[], object]) -> float:
    """Milliseconds."""
    since = time.perf_counter()
    do()
    return 1e3 * (time.perf_counter() - since)


def first_page(browser: Browser, url: str) -> float:
    """Until the first track is there to be read."""
    page = opened(browser, url)

    def open_it() -> None:
        page.goto("/for-you", wait_until="commit")
        _row(page)

    try:
        return timed(open_it)
    finally:
        page.context.close()


def changes(page: Page, names: tuple[str, ...]) -> list[float]:
    """From a click in the navigation until the next page is there."""
    took = []
    for name in names * 4:
        page.locator("main").wait_for()

        def go(name: str = name) -> None:
            page.locator(".nav").get_by_role("link", name=name, exact=True).click(
                no_wait_after=True
            )
            page.locator(f'.nav a[aria-current]:has-text("{name}")').wait_for()
            page.locator("main").wait_for()

        took.append(timed(go))
    return took


def filters(page: Page) -> list[float]:
    """From a turned dial or a chosen filter until the other list is painted."""
    page.goto("/for-you")
    _row(page)
    page.wait_for_load_state("networkidle")
    took: list[float] = []
    for name, value in _FILTERS:
        took.append(float(page.evaluate(_CHANGE, [name, value])))
        page.wait_for_timeout(30)
    return took


def windows(page: Page) -> list[float]:
    """From the choice of another window of the history until its pictures are there."""
    page.goto("/history")
    took = []
    for name in ("30 days", "90 days", "All time", "12 months"):
        page.wait_for_load_state("networkidle")
        page.locator("#chart-clock").wait_for()

        def choose(name: str = name) -> None:
            with page.expect_response(lambda answer: "window=" in answer.url):
                page.locator(".lengths label", has_text=name).click()
            page.locator("#window:not([aria-busy]) #chart-clock").wait_for()

        took.append(timed(choose))
    return took


def mapped(browser: Browser, url: str) -> float:
    """Until the map of the taste is there to wander in."""
    page = opened(browser, url)

    def open_it() -> None:
        page.goto("/map", wait_until="commit")
        page.locator("#stage[data-ready]").wait_for()

    try:
        return timed(open_it)
    finally:
        page.context.close()


def scrolled(page: Page) -> list[float]:
    """From a scroll to the end of the list of plays until it goes on."""
    page.wait_for_load_state("networkidle")  # what was asked for before
    page.goto("/history/plays")
    page.locator(".chunk").first.wait_for(state="attached")
    took = []
    for _ in range(_CHUNKS):
        there = page.locator(".chunk").count()

        def scroll(there: int = there) -> None:
            page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
            page.locator(f".chunk >> nth={there}").wait_for(state="attached")

        took.append(timed(scroll))
    return took


def tell(name: str, took: Took, limit: int) -> None:
    """A row of the table, as soon as it is known."""
    ordered = sorted(took.clock)
    most = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    p50 = statistics.median(took.clock)
    row = f"| {name} | {p50:,.0f} ms | {most:,.0f} ms | {took.cpu:,.0f} ms | {limit:,} ms |"
    print(row, flush=True)


def _row(page: Page) -> None:
    page.locator(".track").first.wait_for()


def main() -> None:
    """Measure, and print the table of the documentation."""
    parser = argparse.ArgumentParser(prog="python -m bench.page")
    usual = Path(tempfile.gettempdir()) / "segue-page"
    parser.add_argument("home", type=Path, nargs="?", default=usual)
    parser.add_argument("--models", type=Path, help="a home with models of a million tracks")
    given = parser.parse_args()
    given.home.mkdir(parents=True, exist_ok=True)
    if given.models and not (given.home / "models").exists():
        (given.home / "models").symlink_to((given.models / "models").absolute())
    make_home(given.home, n_users=1, plays_a_user=PLAYS, known=KNOWN)
    for part in ("events", "snapshots/beside"):
        shutil.rmtree(given.home / part, ignore_errors=True)
    path = os.environ.get("SEGUE_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        browser.new_context().new_page().goto("about:blank")  # the browser itself is there
        print(f"The load at the beginning: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.\n")
        print("| what | p50 | p95 | CPU of the service | wanted |\n|---|---:|---:|---:|---:|")
        _measure(browser, given.home)
        print(f"\nThe load at the end: {os.getloadavg()[0]:.1f}.")
        browser.close()


def _measure(browser: Browser, home: Path) -> None:
    with serving(home) as (url, meter):
        told = "the very first page, as soon as the service has told its address"
        tell(told, meter.of(lambda: [first_page(browser, url)]), 1500)
        tell("the map, drawn for the first time", meter.of(lambda: [mapped(browser, url)]), 60_000)
    with serving(home) as (url, meter):
        time.sleep(_SETTLED_S)
        tell("the first page, seconds later", meter.of(lambda: [first_page(browser, url)]), 1500)
        tell("the map after a restart", meter.of(lambda: [mapped(browser, url)]), 1500)
        rounds = meter.of(lambda: [first_page(browser, url) for _ in range(ROUNDS)])
        tell("a first page in another browser", rounds, 1500)
        page = opened(browser, url)
        page.goto("/for-you")
        tell("another page", meter.of(lambda: changes(page, _PAGES)), 300)
        tell("a filter or the dial, for the first time", meter.of(lambda: filters(page)), 150)
        tell("a filter or the dial, again", meter.of(lambda: filters(page)), 150)
        seen = meter.of(lambda: windows(page))
        tell("another window of the history, for the first time", seen, 1000)
        tell("the list of plays goes on", meter.of(lambda: scrolled(page)), 300)
        rows = page.locator(".track.play").count()
        print(f"\nAfter {40 * _CHUNKS:,} plays scrolled past, {rows:,} are in the page.")


if __name__ == "__main__":
    main()
