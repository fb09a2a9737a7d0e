"""The frame of the page: who may see it, what it sends, and that everybody can use it."""

from __future__ import annotations

import re

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.doors.running import Running
from tests.doors.web.conftest import DESK, PHONE, Open

PAGES = [
    "/people",
    "/for-you",
    "/start",
    "/search",
    "/search?like=j03",
    "/playlists",
    "/history",
    "/map",
    "/reports",
]
PAGES += ["/status", "/settings", "/settings/playlists/new", "/settings/people?user=ann"]
PAGES += ["/settings/left-out/new"]


def faults(page: Page) -> list[str]:
    """What axe finds that is serious."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['html']} {node['failureSummary']}"
        for one in found
        for node in one["nodes"]
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize(
    ("size", "theme"),
    [
        pytest.param(DESK, "light", id="light-desk"),
        pytest.param(PHONE, "dark", id="dark-phone"),
        pytest.param(DESK, "dark", id="dark-desk", marks=pytest.mark.thorough),
        pytest.param(PHONE, "light", id="light-phone", marks=pytest.mark.thorough),
    ],
)
def test_anybody_can_use_every_page(open_page: Open, size: tuple[int, int], theme: str) -> None:
    page = open_page("/", size=size, theme=theme)
    for address in PAGES:
        answer = page.goto(address)
        assert answer is not None
        assert answer.ok, address
        expect(page.locator("main")).to_be_visible()
        expect(page.locator("[data-load], [aria-busy]")).to_have_count(0)
        assert faults(page) == [], address
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], address


def test_the_first_stop_of_the_keyboard_leads_to_the_content(open_page: Open) -> None:
    page = open_page("/for-you")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_light_and_dark_can_be_chosen_and_stay(open_page: Open) -> None:
    page = open_page("/for-you")
    paper = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(paper)
    page.get_by_role("button", name="Dark or light").first.click()
    dark = page.evaluate(paper)
    assert dark != before
    page.reload()
    assert page.evaluate(paper) == dark
    assert page.locator("html").get_attribute("data-theme") == "dark"


def test_nothing_of_the_page_is_kept_but_files_that_never_change(paged: Running) -> None:
    with paged.client() as client:
        page = client.get("/for-you")
        assert page.headers["cache-control"] == "no-store"
        policy = page.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        named = re.findall(r'"(/static/[^"]+)"', page.text)
        assert len(named) >= 5
        for name in set(named):
            file = client.get(name)
            assert file.status_code == 200
            assert "immutable" in file.headers["cache-control"]
            assert "style=" not in page.text


def test_a_form_of_another_page_changes_nothing(paged: Running) -> None:
    said = {"track": "r01", "verb": "hide"}
    with paged.client() as client:
        token = re.findall(r'name="token" content="(\w+)"', client.get("/for-you").text)[0]
        assert client.post("/feedback", data=said).status_code == 403
        given = {**said, "token": token}
        for more in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
            assert client.post("/feedback", data=given, headers=more).status_code == 403
        other = httpx2.post(f"{paged.url}/feedback", data=given)
        assert other.status_code == 403
        strange = client.get("/for-you", headers={"host": "evil.example"})
        assert strange.status_code == 403
        assert "r01" not in strange.text


def test_what_is_not_there_is_told_in_words(open_page: Open) -> None:
    page = open_page("/for-you/nothing-here")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")
