"""Looking around with a made-up listener, from a home where nothing is yet."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import expect

from segue.flows.jobs import cancel_job, jobs, start_job
from tests.doors.running import ROCK, serving
from tests.doors.web.conftest import PHONE, Open
from tests.flows.world import world
from tests.tiny import days_ago

MADE = ("dev", "--help")
"""Ends at once, and well: what a job does is tested where its command is."""


def made_up(home: Path) -> None:
    """What `segue demo` leaves behind, much smaller."""
    tracks = [
        {
            "track_id": track,
            "title": f"Song {n}",
            "artist": f"Artist {n // 2}",
            "artists": [f"Artist {n // 2}"],
            "genres": ["rock"],
            "energy": n / len(ROCK),
        }
        for n, track in enumerate(ROCK)
    ]
    world(home, tracks, [("demo", track, days_ago(9)) for track in ROCK[:8]])


def test_from_an_empty_home_to_a_list_with_reasons(open_page: Open, tmp_path: Path) -> None:
    with serving(tmp_path, SEGUE_SECRETS__STORE="file") as running:
        page = open_page("/", url=running.url, size=PHONE)
        expect(page.get_by_role("heading", level=1)).to_have_text("Begin with your music")
        page.get_by_role("button", name="Try with a simulated listener").click()
        expect(page.locator("#work")).to_contain_text("Making up a listener")
        expect(page.locator("#work progress")).to_be_visible()
        (begun,) = jobs(tmp_path, kind="demo")
        assert begun.command == ("demo",)
        cancel_job(tmp_path, begun.job_id)  # it takes a minute, and is tested by itself

        made_up(tmp_path / "demo")
        start_job(tmp_path, "demo", MADE, now=datetime.now(UTC))
        page.goto("/start")
        page.get_by_role("button", name="Look around").click()
        expect(page.locator(".looking")).to_contain_text("a made-up listener")
        expect(page.locator(".track .reason").first).not_to_be_empty()
        page.get_by_role("button", name="Back to your own music").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Begin with your music")
