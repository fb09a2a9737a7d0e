"""Settings: changed on the page, written into the file, and refused where they cannot be."""

from __future__ import annotations

import re
import tomllib

from playwright.sync_api import expect

from tests.doors.running import Running
from tests.doors.web.conftest import Open


def test_what_is_kept_stands_in_the_file(open_page: Open, paged: Running) -> None:
    file = paged.home / "segue.toml"
    assert not file.exists()
    try:
        page = open_page("/settings")
        page.get_by_label("Tracks in a playlist").fill("40")
        page.get_by_label("How adventurous").fill("55")
        page.get_by_role("button", name="Keep").click()
        expect(page.locator("#house .note")).to_contain_text("Kept.")
        assert tomllib.loads(file.read_text()) == {"recommend": {"size": 40, "adventurous": 0.55}}
        page.get_by_label("Time zone").fill("Europe/Atlantis")
        page.get_by_role("button", name="Keep").click()
        expect(page.get_by_role("alert")).to_contain_text("no time zone “Europe/Atlantis”")
        assert "time_zone" not in tomllib.loads(file.read_text())
    finally:
        file.unlink(missing_ok=True)


def test_what_cannot_be_is_refused_in_words(paged: Running) -> None:
    with paged.client() as client:
        token = re.findall(r'name="token" content="(\w+)"', client.get("/settings").text)[0]
        answer = client.post("/settings", data={"token": token, "recommend.size": "many"})
        assert "“Tracks in a playlist” is no number" in answer.text
        assert client.post("/settings", data={"recommend.size": "5"}).status_code == 403
    assert not (paged.home / "segue.toml").exists()
