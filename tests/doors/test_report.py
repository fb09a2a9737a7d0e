"""`segue report weekly`, as somebody at a keyboard meets it."""

from __future__ import annotations

from pathlib import Path

from tests.doors.home import Home
from tests.listening_home import history, play


def test_a_week_is_told_and_written(home: Home, tmp_path: Path) -> None:
    folder = home.folder / "snapshots"
    folder.mkdir(parents=True)
    history(folder, play("2024-05-14 10:00", "t2"), play("2024-05-15 10:00", "t1"))
    said = home("report", "weekly", "--user", "ann", "--out", tmp_path, "--time-zone", "UTC").ok()
    assert "week-ann-2024-W20.html" in said.out
    assert sorted(path.suffix for path in tmp_path.glob("week-*")) == [".html", ".md", ".png"]
    told = home("report", "weekly", "--user", "ann", "--week", "2024-W20", "--json").ok().json
    assert told["totals"]["plays"] == 2
    home("report", "weekly", "--user", "ann", "--week", "2024-20").refused("2026-W46", code=2)
    home("report", "weekly", "--user", "zed").refused("zed")
