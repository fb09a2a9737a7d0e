"""Search: found while it is typed, and what is like a song."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.doors.web.conftest import Open


def test_a_song_is_found_and_others_are_near_it(open_page: Open) -> None:
    page = open_page("/search")
    expect(page.locator("#lately .hit").first).to_be_visible()
    page.get_by_label("A song, an artist, or both").press_sequentially("jaz song 3")
    first = page.locator(".hit").first
    expect(first).to_contain_text("jazz song 3")
    assert "q=jaz" in page.url
    first.click()
    expect(page.get_by_role("heading", name="jazz song 3", exact=True)).to_be_visible()
    expect(page.locator(".track .reason").first).not_to_be_empty()
    page.get_by_label("Genre").select_option("rock")
    expect(page.locator(".track .artist").first).to_contain_text("rock")
    assert re.search(r"like=\w+&genre=rock", page.url)


def test_what_is_called_otherwise_is_said(open_page: Open) -> None:
    page = open_page("/search?q=xyzzyquux")
    expect(page.get_by_text("Nothing here is called like that")).to_be_visible()
    page.goto("/search?like=nothing")
    expect(page.get_by_text("This song is not here any more")).to_be_visible()
