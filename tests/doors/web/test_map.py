"""Map: drawn in the background, wandered in by mouse and keys, and playing on from any place."""

from __future__ import annotations

import json
import struct

from playwright.sync_api import Page, expect

from tests.doors.running import Running
from tests.doors.web.conftest import PHONE, Open


def _drawn(page: Page) -> None:
    expect(page.locator("#stage[data-ready]")).to_be_attached(timeout=20_000)


def test_any_place_says_what_to_play_next(open_page: Open) -> None:
    page = open_page("/map")
    _drawn(page)
    box = page.locator("#stage").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.5)
    rows = page.locator("#spot .track")
    expect(rows.first).to_be_visible()
    assert all(one.strip() for one in page.locator("#spot .reason").all_text_contents())
    assert "x=" in page.url
    page.reload()
    expect(rows.first).to_be_visible()


def test_keys_move_it_and_a_list_says_the_same(open_page: Open) -> None:
    page = open_page("/map")
    _drawn(page)
    page.locator("#stage").focus()
    before = page.locator("#stage canvas").screenshot()
    for key in ("+", "+", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    page.wait_for_timeout(60)
    assert page.locator("#stage canvas").screenshot() != before
    page.keyboard.press("Enter")
    expect(page.locator("#spot .track").first).to_be_visible()
    page.get_by_text("The map as a list").click()
    with page.expect_response(lambda answer: "/map?x=" in answer.url):
        page.get_by_role("link", name="Rock", exact=True).click()
    expect(page.locator("#spot")).to_contain_text("Rock")


def test_moods_and_moments(open_page: Open) -> None:
    page = open_page("/map", size=PHONE)
    _drawn(page)
    page.get_by_role("button", name="Mood").click()
    expect(page.get_by_text("quiet and sad")).to_be_visible()
    expect(page.get_by_text("near, not played yet")).to_be_hidden()
    page.get_by_label("Moment").fill("0")
    expect(page.locator("#map-when-words")).not_to_have_text("All time")


def test_the_file_holds_what_it_says(paged: Running, open_page: Open) -> None:
    _drawn(open_page("/map"))
    with paged.client() as client:
        body = client.get("/map/points").content
        length = struct.unpack_from("<I", body)[0]
        head = json.loads(body[4 : 4 + length])
        assert len(body) == 4 + length + 12 * head["points"] + 4 * head["visits"]
        assert len(client.get("/map/names").json()) == head["points"]
        assert head["genres"][0] == "rock"
        assert {"x", "y", "name", "kind", "tracks", "plays"} == set(head["labels"][0])
        first = struct.unpack_from("<HHHBB3BB", body, 4 + length)
        assert first[2] > 0 and first[4] < len(head["periods"])
