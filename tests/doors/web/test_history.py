"""History: windows, pictures with their numbers and files, and a list that goes on."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from playwright.sync_api import expect

from segue.doors.web.windows import WindowChoice
from tests.doors.running import Running
from tests.doors.web.conftest import PHONE, Open


def test_a_window_changes_all_pictures_and_stays_in_the_address(open_page: Open) -> None:
    page = open_page("/history?window=all")
    expect(page.get_by_role("img", name="Hours of the week")).to_be_visible()
    expect(page.get_by_role("img", name="Artists by plays")).to_be_attached()
    expect(page.locator(".totals")).to_contain_text("24")
    page.get_by_text("30 days").click()
    expect(page.get_by_label("30 days")).to_be_checked()
    page.wait_for_url("**/history?window=30d")
    expect(page.get_by_role("img", name="Artists by plays")).to_be_attached()
    page.get_by_role("link", name="Time").click()
    expect(page.get_by_role("img", name="Artists by time")).to_be_attached()
    page.goto("/history?window=own&since=2001-01-01&until=2001-02-01")
    expect(page.get_by_text("Nothing was played then")).to_be_visible()
    assert page.get_by_label("From", exact=True).input_value() == "2001-01-01"


def test_numbers_and_files_of_a_picture(open_page: Open, paged: Running) -> None:
    page = open_page("/history?window=all")
    chart = page.locator("figure:has(#chart-clock)")
    chart.get_by_text("Numbers and files").click()
    expect(chart.locator("tbody tr")).to_have_count(24)
    with paged.client() as client:
        for link in chart.locator(".files a").all():
            answer = client.get(link.get_attribute("href") or "")
            assert answer.status_code == 200
            is_png = answer.headers["content-type"] == "image/png"
            assert answer.content[:4] == b"\x89PNG" if is_png else ET.fromstring(answer.text)
        assert client.get("/history/file?picture=nothing&as=svg").status_code == 404
        assert client.get("/history/file?picture=clock&as=exe&window=all").status_code == 404


def test_plays_go_on_while_they_are_scrolled_and_from_a_day(open_page: Open) -> None:
    page = open_page("/history?window=all", size=PHONE)
    rows = page.locator(".play")
    expect(rows.first).to_be_attached()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    titles = page.locator("#plays .day")
    first = titles.first.text_content()
    assert rows.count() == 24
    earliest = titles.last.text_content()
    assert earliest != first
    field = page.get_by_label("Up to")
    field.fill(field.get_attribute("min") or "")
    expect(page.locator("#plays .day")).to_have_count(1)
    assert titles.first.text_content() == earliest


def test_each_page_of_plays_leads_to_the_next(paged: Running) -> None:
    with paged.client() as client:
        answer = client.get("/history/plays?at=2999-01-01T00:00:00%2B00:00&play=x")
        assert answer.text.count('class="track play"') == 24
        assert client.get("/history/plays?until=soon").status_code == 422
        assert "Nothing was played before" in client.get("/history/plays?until=1999-01-01").text


def test_windows_mean_what_they_say() -> None:
    assert WindowChoice("2024").wish.year == 2024
    assert WindowChoice("90d").wish.last == "90d"
    assert WindowChoice("own", "2024-01-01").address == {"window": "own", "since": "2024-01-01"}
