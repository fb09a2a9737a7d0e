"""`segue compare` as a user types it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.doors.home import Home

pytestmark = pytest.mark.xdist_group("trained")


@pytest.fixture
def mine(trained: Home, tmp_path: Path) -> Home:
    """A trained home of this test's own."""
    shutil.copytree(trained.folder, tmp_path / "mine")
    return Home(tmp_path / "mine")


def test_an_experiment_from_start_to_stop(mine: Home, tmp_path: Path) -> None:
    assert "segue compare start" in mine("compare", "status").ok().out
    mine("compare", "next").refused("segue compare start", code=2)
    both = ("--a", "als", "--b", "playlist,adventurous=0.9")
    first = mine("compare", "start", *both, "--size", "10", "--as-of", "2026-09-01", "--json").ok()
    assert len(first.json["tracks"]) == 10
    for week in (8, 15):
        when = f"2026-09-{week:02}"
        mine("compare", "next", "--as-of", when, "-o", tmp_path / "mix.m3u").ok()
    assert (tmp_path / "mix.m3u").read_text().startswith("#EXTM3U")
    told = mine("compare", "tally", "--json").ok().json
    assert told["playlists"] == 3
    assert told["teams"]["a"]["impressions"] == told["teams"]["b"]["impressions"] == 15
    assert told["verdict"].startswith("not enough yet")
    assert "Verdict: not enough yet" in mine("compare", "tally").ok().out
    mine("compare", "stop").ok()
    assert "(stopped)" in mine("compare", "status").ok().out
    assert mine("compare", "status", "--json").ok().json["experiments"][0]["playlists"] == 3
    mine("compare", "next").refused("no experiment is running", code=2)
    files = sorted((mine.folder / "experiments").rglob("*.json"))
    assert len(files) == 5
    assert all(json.loads(file.read_text()) for file in files)


def test_slips_are_told_in_words(mine: Home) -> None:
    mine("compare", "start", "--a", "als").refused("--b", code=2)
    mine("compare", "start", "--a", "als", "--b", "nobody").refused("no recommender", code=2)
    assert not list((mine.folder / "experiments").glob("*.json"))
