"""Status: what runs is begun, followed, read and ended from the page."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from playwright.sync_api import expect

from segue.flows.jobs import cancel_job, jobs, start_job
from segue.flows.kept_board import keep_board
from tests.doors.running import Running
from tests.doors.web.conftest import PHONE, Open
from tests.doors.web.test_frame import faults
from tests.unit.test_kept_board import BOARD

LASTS = ("dev", "fake-spotify", "--port", "0")


def test_a_job_is_begun_and_what_it_said_is_read(open_page: Open) -> None:
    page = open_page("/status")
    expect(page.get_by_role("heading", level=1)).to_have_text("Status")
    expect(page.get_by_text("No account is connected.")).to_be_visible()
    expect(page.get_by_role("heading", name="update")).to_be_visible()
    page.get_by_role("button", name="Collect", exact=True).click()
    expect(page.locator("#live .tag.wrong").first).to_have_text("failed", timeout=30_000)
    expect(page.get_by_text("there is nothing to collect from")).to_be_visible()
    page.get_by_role("link", name="collect").first.click()
    expect(page.locator(".log")).to_contain_text("there is nothing to collect from")


def test_a_job_is_followed_and_ended(open_page: Open, paged: Running) -> None:
    found = start_job(paged.home, "stand-in", LASTS, now=datetime.now(UTC))
    try:
        page = open_page(f"/status/jobs/{found.job_id}", size=PHONE)
        expect(page.locator(".log")).to_contain_text("listens at", timeout=30_000)
        page.get_by_role("button", name="Stop").click()
        expect(page.locator(".tag")).to_have_text("ended", timeout=30_000)
        expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    finally:
        cancel_job(paged.home, found.job_id)


def test_models_are_compared_and_the_table_stays(open_page: Open, paged: Running) -> None:
    page = open_page("/status", size=PHONE)
    models = page.locator("#models")
    expect(models).to_contain_text("Which model would have been right about ann?")
    keep_board(paged.home, "ann", BOARD, datetime.now(UTC))
    page.reload()
    expect(models).to_contain_text("Of 30 tracks")
    expect(models.get_by_role("row")).to_have_count(4)
    models.get_by_text("What was new").click()
    expect(models.get_by_role("row", name="Sound and genre")).to_be_visible()
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


def test_only_what_is_offered_can_be_begun(paged: Running) -> None:
    with paged.client() as client:
        token = re.findall(r'name="token" content="(\w+)"', client.get("/status").text)[0]
        before = len(jobs(paged.home))
        wrong = client.post("/status/begin", data={"token": token, "command": "forget"})
        assert wrong.status_code == 400
        assert client.post("/status/run", data={"token": token, "name": "x"}).status_code >= 400
        assert client.get("/status/jobs/..%2F..%2Fetc").status_code == 404
        assert client.get("/status/jobs/nobody").status_code == 404
        assert len(jobs(paged.home)) == before
