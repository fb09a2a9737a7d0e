"""A real browser and one service for all tests of the page."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from tests.doors.running import Running, own_small_home, serving

pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

__all__ = ["DESK", "PHONE", "Open"]

DESK: Final = (1280, 860)
PHONE: Final = (360, 780)
_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_PATIENCE_MS: Final = 60_000  # on a machine that has much else to do
Open = Callable[..., Page]

expect.set_options(timeout=_PATIENCE_MS / 2)


def _chromium() -> str:
    found = os.environ.get("SEGUE_CHROMIUM") or shutil.which("chromium")
    if found is None:
        pytest.skip("no chromium here: tools/setup.sh dev installs it as root, or apt-get does")
    return found


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a screen.

    Playwright keeps an event loop running in this thread, where other tests want one of their own:
    so it ends when a worker goes on to tests outside this folder.
    """
    path = _chromium()
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def paged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service whose page is open to this machine; its user is ann, and its home is small."""
    home = own_small_home(tmp_path_factory)
    with serving(home, SEGUE_USER_ID="ann", SEGUE_SECRETS__STORE="file") as running:
        yield running


@pytest.fixture
def open_page(browser: Browser, paged: Running) -> Iterator[Open]:
    """Opens an address of the service in a browser of its own.

    Whatever asks another host, a fault in a module, or a refusal by the content policy fails the
    test.
    """
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def opened(
        address: str = "/",
        *,
        size: tuple[int, int] = DESK,
        theme: Any = "light",
        url: str = "",
        also: str = "",
        **more: Any,
    ) -> Page:
        base = url or paged.url
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=theme,
            has_touch=size == PHONE,
            is_mobile=size == PHONE,
            reduced_motion="reduce",
            base_url=base,
            **more,
        )
        context.set_default_timeout(_PATIENCE_MS)
        contexts.append(context)

        def look(route: Route) -> None:
            if not route.request.url.startswith((base, also or base, "data:", "blob:")):
                wrong.append(f"asked {route.request.url}")
                route.abort()
                return
            route.continue_()

        context.route("**/*", look)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(f"fault: {error}"))
        page.on(
            "console",
            lambda said: (
                wrong.append(said.text) if "Content Security Policy" in said.text else None
            ),
        )
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not wrong
