"""What a home holds, told of users of all sorts."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.doors.cli.app import app
from tests.marts_folder import published
from tests.tiny import NOW, mart


def test_a_user_without_plays_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    users = [
        {"user_id": "ann", "plays": 3, "tracks": 2, "first_played_at": NOW, "last_played_at": NOW},
        {"user_id": "bob", "plays": 0, "tracks": 0},  # said something, and played nothing here
    ]
    published(tmp_path / "snapshots", users=mart("users", users))
    app(["--home", str(tmp_path), "status"], standalone_mode=False)
    said = capsys.readouterr().out
    assert "ann: 3 plays of 2 tracks, 01 Jun 2024 to 01 Jun 2024" in said
    assert "bob: no plays" in said


def test_of_many_users_ten_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    users = [{"user_id": f"user{n:02}", "plays": 0, "tracks": 0} for n in range(12)]
    published(tmp_path / "snapshots", users=mart("users", users))
    app(["--home", str(tmp_path), "status"], standalone_mode=False)
    said = capsys.readouterr().out
    assert "user09: no plays\n          … and 2 more users\n" in said
    assert "user10" not in said
