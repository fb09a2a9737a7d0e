"""A home whose listeners are others than the settings say: somebody is shown, or asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.doors.running import ROCK, Running, serving
from tests.doors.web.conftest import PHONE, Open
from tests.doors.web.test_frame import faults
from tests.flows.world import world
from tests.tiny import days_ago

NOTES = re.compile(r"`|segue import")


@pytest.fixture(scope="module")
def strange(paged: Running) -> Iterator[Running]:
    """The home of ann and bob, opened by somebody of whom it knows nothing."""
    with serving(paged.home, SEGUE_USER_ID="me", SEGUE_SECRETS__STORE="file") as running:
        yield running


def test_of_several_one_is_chosen_and_remembered(open_page: Open, strange: Running) -> None:
    page = open_page("/history", url=strange.url, size=PHONE)
    expect(page.get_by_role("heading", level=1)).to_have_text("Who is listening?")
    assert faults(page) == []
    page.get_by_role("button", name="bob").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("History")
    page.goto("/")
    expect(page.locator(".track").first).to_be_visible()
    expect(page.locator(".bar .sheet")).to_contain_text("bob")
    page.goto("/start")
    expect(page.get_by_role("heading", level=1)).to_have_text("Add music")


def test_whoever_is_not_chosen_is_not_guessed(strange: Running) -> None:
    with strange.client() as client:
        for address in ("/for-you", "/map", "/reports", "/playlists", "/search"):
            assert client.get(address).headers["location"] == f"/people?next={address}"
        for address in ("/start", "/status", "/settings", "/people"):
            assert client.get(address).status_code == 200
        token = re.findall(r'name="token" content="(\w+)"', client.get("/people").text)[0]
        own = client.post("/switch", data={"token": token, "user": "me", "next": "//evil.example"})
        assert own.headers["location"] == "/"
        text = client.get("/for-you").text  # they said so themselves
        assert "Add music" in text
        assert not NOTES.search(text)
        nobody = client.post("/switch", data={"token": token, "user": "nobody"})
        assert nobody.status_code == 404


def test_the_only_listener_is_shown(tmp_path: Path) -> None:
    catalogue = [
        {"track_id": track, "title": track, "artist": f"a{n}", "artists": [f"a{n}"]}
        for n, track in enumerate(ROCK)
    ]
    plays = [
        ("sim-00001", track, days_ago(20 - day) + timedelta(minutes=4 * n))
        for n, track in enumerate(ROCK[:8])
        for day in range(3)
    ]
    world(tmp_path, catalogue, plays)
    with serving(tmp_path) as running, running.client() as client:
        text = client.get("/for-you").text
        assert "sim-00001" in text
        assert not NOTES.search(text)
        assert client.get("/history").status_code == 200
        (tmp_path / "segue.toml").write_text('[[users]]\nuser = "zoe"\nname = "Zoë"\n')
        assert client.get("/for-you").headers["location"] == "/people?next=/for-you"
        assert "Zoë" in client.get("/people").text
