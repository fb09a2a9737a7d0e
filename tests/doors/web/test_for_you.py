"""For you: a list that changes with the dial, with filters, and with what is said of tracks."""

from __future__ import annotations

from playwright.sync_api import expect

from segue.flows.accounts import remove_account
from segue.flows.wiring import Wiring
from segue.settings import load_settings
from tests.doors.running import Running
from tests.doors.web.conftest import PHONE, Open


def test_tracks_come_with_reasons_and_filters_change_them(open_page: Open) -> None:
    page = open_page("/for-you")
    rows = page.locator(".track")
    expect(rows.first).to_be_visible()
    assert all(one.strip() for one in page.locator(".track .reason").all_text_contents())
    page.get_by_label("Genre").select_option("jazz")
    expect(page.locator(".track .artist").first).to_contain_text("jazz")
    assert "genre=jazz" in page.url
    assert all("jazz" in one for one in page.locator(".track .artist").all_text_contents())
    page.reload()
    expect(page.get_by_label("Genre")).to_have_value("jazz")
    page.get_by_label("Era").select_option("-1959")
    expect(page.get_by_text("Nothing fits all of that")).to_be_visible()
    page.get_by_role("link", name="Show everything").click()
    expect(rows.first).to_be_visible()


def test_the_dial_keeps_its_focus_while_the_list_changes(open_page: Open) -> None:
    page = open_page("/for-you")
    dial = page.get_by_label("How adventurous")
    dial.focus()
    with page.expect_response(lambda answer: "far=35" in answer.url):
        page.keyboard.press("ArrowRight")
    expect(dial).to_be_focused()
    expect(page.locator("#said")).to_contain_text("tracks")


def test_what_is_hidden_goes_and_comes_back(open_page: Open, paged: Running) -> None:
    page = open_page("/for-you?genre=rock")
    row = page.locator(".track").nth(1)
    track = row.get_attribute("data-track")
    mine = page.locator(f'[data-track="{track}"]')
    row.hover()
    row.get_by_role("button", name="Hide").click()
    expect(mine).to_contain_text("stays away")
    with paged.client() as client:
        answer = client.get(
            "/recommendations", params={"user_id": "ann", "genre": "rock", "k": 100}
        )
        assert track not in [one["track_id"] for one in answer.json()["tracks"]]
    page.goto("/for-you?genre=rock")
    expect(page.locator(".track").first).to_be_visible()
    expect(mine).to_have_count(0)


def test_a_phone_says_it_with_a_swipe_or_three_dots(open_page: Open) -> None:
    page = open_page("/for-you", size=PHONE)
    row = page.locator(".track").first
    row.locator(".track-more").click()
    like = row.get_by_role("button", name="Like:")
    like.click()
    expect(page.locator(".track").first.locator('[data-verb="undo"]')).to_have_attribute(
        "aria-pressed", "true"
    )
    other = page.locator(".track").nth(2)
    box = other.bounding_box()
    assert box is not None
    swipe = """([row, x, y]) => {
        const touch = (at) => new Touch({identifier: 1, target: row, clientX: at, clientY: y});
        const fire = (kind, at, held) => row.dispatchEvent(new TouchEvent(kind, {
            bubbles: true, touches: held ? [touch(at)] : [], changedTouches: [touch(at)]}));
        fire("touchstart", x, true);
        fire("touchend", x - 90, false);
    }"""
    page.evaluate(swipe, [other.element_handle(), box["x"] + 200, box["y"] + 10])
    expect(other.get_by_role("button", name="Hide")).to_be_visible()


def test_an_account_is_kept_where_secrets_are(open_page: Open, paged: Running) -> None:
    page = open_page("/start")
    page.get_by_role("link", name="Connect ListenBrainz").click()
    page.get_by_label("Your name at ListenBrainz").fill("ann-there")
    page.get_by_label("User token").fill("a-secret-token")
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_text("connected")).to_be_visible()
    assert "a-secret-token" not in page.content()
    assert "a-secret-token" not in paged.log.read_text()
    page.get_by_role("link", name="Connect Spotify").click()
    expect(page.get_by_label("Client id")).to_be_visible()
    settings = load_settings(home=paged.home, secrets={"store": "file"})
    assert remove_account(Wiring(settings), "listenbrainz", user_id="ann")
