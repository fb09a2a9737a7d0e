"""Feedback as a user types it: known at once, folded in by the next build, and never lost."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from segue.features.feedback_log import without_not_me
from segue.flows.fresh_marts import FreshMarts
from segue.warehouse.lake import Lake
from segue.warehouse.snapshots import Snapshot, SnapshotStore
from tests.doors.home import Home

pytestmark = pytest.mark.xdist_group("trained")


@pytest.fixture
def mine(trained: Home, tmp_path: Path) -> Home:
    """A trained home of this test's own."""
    shutil.copytree(trained.folder, tmp_path / "mine")
    return Home(tmp_path / "mine")


def _tracks(home: Home, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = home("recommend", "--json", *arguments).ok().json["tracks"]
    return found


def _snapshot(home: Home) -> Snapshot:
    return SnapshotStore(home.folder / "snapshots").current()


def test_the_next_playlist_knows_it_and_undo_brings_back_the_last(mine: Home) -> None:
    before = _tracks(mine)
    first, second = before[:2]
    named = f"{first['artists'][0]} - {first['title']}"
    told = mine("feedback", "hide", named, second["track_id"], "--json").ok().json
    assert [word["track_id"] is not None for word in told["words"]] == [True, True]
    after = [track["track_id"] for track in _tracks(mine)]
    assert not {first["track_id"], second["track_id"]} & set(after)
    said = mine("feedback", "undo", named, second["track_id"]).ok().out
    assert said.count("Taken back:") == 2
    assert _tracks(mine) == before
    assert mine("feedback", "list").ok().out.startswith("Nothing yet")
    assert mine("feedback", "list", "--all", "--json").ok().json["words"][0]["verb"] == "undo"


def test_a_build_folds_in_what_was_said(mine: Home) -> None:
    plays_before = _snapshot(mine).read("users")["plays"][0].as_py()
    played = _tracks(mine, "--mix", "daily", "--adventurous", "0")
    new = _tracks(mine)
    mine("feedback", "not-me", played[0]["track_id"]).ok()
    left = mine("feedback", "not-me", "--last-session", "--json").ok().json["plays"]
    mine("feedback", "undo", "--last-session").ok()
    mine("feedback", "not-me", "--from", "2026-10-01", "--to", "2026-10-03").ok()
    mine("feedback", "like", new[0]["track_id"], "--at", "2026-10-05T10:00").ok()
    mine("feedback", "less", "--artist", new[1]["artists"][0]).ok()
    mine("feedback", "known", new[2]["spotify_uri"] or new[2]["track_id"]).ok()
    assert left > 0
    asked = ("--mix", "daily", "--adventurous", "0.5")
    fresh = _tracks(mine, *asked)
    mine("build").ok()
    snapshot, lake = _snapshot(mine), Lake(mine.folder / "lake")
    log = snapshot.read("feedback")
    assert log.num_rows == 7
    assert log.equals(FreshMarts(snapshot, lake).read("feedback"))
    plays = snapshot.read("plays")
    by_sql = plays.filter(pc.invert(plays["not_me"]))
    assert by_sql.num_rows < plays.num_rows
    assert by_sql.equals(without_not_me(plays, log))
    counted = snapshot.read("users")["plays"][0].as_py()
    assert counted == pc.sum(pc.cast(by_sql["counted"], pa.int64())).as_py()
    assert counted < plays_before
    assert _tracks(mine, *asked) == fresh  # the models are those from before
    assert "Next: segue train" in mine("status").ok().out


def test_a_slip_changes_nothing(mine: Home) -> None:
    manifests = sorted((mine.folder / "lake" / "commits").iterdir())
    track = _tracks(mine, "--size", "1")[0]["track_id"]
    mine("feedback", "hide", track, "no such song at all").refused("no track matches")
    mine("feedback", "like").refused("TRACK", code=2)
    mine("feedback", "not-me", "--from", "yesterday").refused("2026-01-31", code=2)
    mine("feedback", "not-me", "--last-session", "--to", "2026-01-01").refused("two spans", code=2)
    mine("feedback", "like", track, "--at", "2999-01-01").refused("future", code=2)
    assert sorted((mine.folder / "lake" / "commits").iterdir()) == manifests


def test_before_a_build_it_says_what_to_do(home: Home) -> None:
    home("feedback", "like", "anything").refused("segue build")
