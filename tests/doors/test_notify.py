"""`segue notify`: destinations are added, shown without their secrets, tried, and removed."""

from __future__ import annotations

import subprocess

import pytest

from tests.doors.home import Home
from tests.message_sinks import hook


@pytest.fixture(autouse=True)
def _in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_SECRETS__STORE", "file")
    monkeypatch.setenv("SEGUE_NOTIFICATIONS__WAIT_SECONDS", "0")


def test_a_destination_is_added_tried_and_removed(home: Home) -> None:
    assert "Nobody is told anything yet" in home("notify", "list").ok().out
    with hook() as web:
        added = subprocess.run(
            home.command("notify", "add", "phone"),
            input=f"{web.url}\n",
            capture_output=True,
            text=True,
            env=home.environment(),
            check=True,
        )
        listed = home("notify", "list", "--json").ok()
        tried = home("notify", "test").ok()
    assert listed.json["destinations"] == ["phone (json)"]
    assert web.titles[0].startswith("Segue says hello")
    assert "told: phone (json)" in tried.out
    missed = home("notify", "test")
    missed.refused("NOT told: phone (json)")
    for said in (added.stdout, added.stderr, listed.out, tried.out, missed.out, missed.err):
        assert "s3cret-path" not in said
    home("notify", "remove", "phone").ok()
    home("notify", "remove", "phone").refused("no destination “phone”", code=2)
