"""The journey from an export to a playlist, command by command, as a user types it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.doors.home import Home

pytestmark = pytest.mark.xdist_group("trained")


def _heard(home: Home) -> set[str]:
    """Tracks the user has ever played, from the published snapshot itself."""
    from segue.warehouse.snapshots import SnapshotStore

    snapshot = SnapshotStore(home.folder / "snapshots").current()
    return set(snapshot.read("user_track_counts", columns=["track_id"])["track_id"].to_pylist())


def _tracks(home: Home, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = home("recommend", "--json", *arguments).ok().json["tracks"]
    return found


def test_an_import_accounts_for_every_row_and_a_second_one_keeps_nothing(
    home: Home, export: Path
) -> None:
    first = home("import", "--json", export).ok().json["total"]
    assert first["read"] > 3000
    assert first["read"] == first["kept"] + first["duplicate"] + sum(first["rejected"].values())
    second = home("import", "--json", export).ok().json
    assert second["total"]["kept"] == 0
    assert second["total"]["read"] == first["read"]
    assert second["total"]["rejected"] == first["rejected"]
    for file in second["files"]:
        assert file["read"] == file["duplicate"] + sum(file["rejected"].values())


def test_the_account_is_printed_and_the_next_command_named(home: Home, export: Path) -> None:
    said = home("import", export).ok().out
    assert "Streaming_History_Audio" in said
    assert " read = " in said
    assert "Next: segue build" in said


def test_discover_never_plays_what_the_user_knows(trained: Home) -> None:
    tracks = _tracks(trained, "--mix", "discover", "--size", "30")
    assert len(tracks) == 30
    assert not {track["track_id"] for track in tracks} & _heard(trained)


def test_rediscover_plays_only_what_the_user_knows(trained: Home) -> None:
    tracks = _tracks(trained, "--mix", "rediscover", "--size", "10")
    assert tracks
    assert {track["track_id"] for track in tracks} <= _heard(trained)


def test_daily_plays_both(trained: Home) -> None:
    ids = {track["track_id"] for track in _tracks(trained, "--mix", "daily")}
    assert ids & _heard(trained)
    assert ids - _heard(trained)


def test_every_track_has_its_place_reason_score_and_sources(trained: Home) -> None:
    tracks = _tracks(trained)
    assert [track["rank"] for track in tracks] == list(range(1, len(tracks) + 1))
    for track in tracks:
        assert {"track_id", "title", "artists", "score", "reason", "sources"} <= track.keys()
        assert track["reason"]
        assert track["sources"]


def test_the_same_question_gets_the_same_answer(trained: Home) -> None:
    assert _tracks(trained, "--mix", "daily") == _tracks(trained, "--mix", "daily")


def test_similar_starts_from_a_track_named_in_words(trained: Home) -> None:
    known = _tracks(trained, "--mix", "rediscover", "--size", "1")[0]
    by_name = f"{known['artists'][0]} - {known['title']}"
    tracks = _tracks(trained, "--mix", "similar", "--seed", by_name, "--size", "10")
    assert tracks
    assert known["track_id"] not in {track["track_id"] for track in tracks}


def test_filters_hold_for_every_track(trained: Home) -> None:
    tracks = _tracks(trained, "--year", "1990-2009", "--per-artist", "1")
    assert tracks
    assert all(1990 <= track["year"] <= 2009 for track in tracks)
    artists = [artist for track in tracks for artist in track["artists"]]
    assert len(artists) == len(set(artists))


def test_an_excluded_artist_does_not_appear(trained: Home) -> None:
    unwanted = _tracks(trained)[0]["artists"][0]
    tracks = _tracks(trained, "--exclude-artist", unwanted.upper())
    assert tracks
    assert all(unwanted not in track["artists"] for track in tracks)


def test_the_table_shows_every_track_with_its_reason(trained: Home) -> None:
    said = trained("recommend", "--size", "5").ok().out
    for track in _tracks(trained, "--size", "5"):
        assert track["title"] in said.replace("\n     ", " ")


def test_a_file_is_written_in_the_format_its_name_says(trained: Home, tmp_path: Path) -> None:
    for name in ("mix.m3u8", "mix.jspf", "mix.csv", "mix.json", "mix.txt"):
        trained("recommend", "--size", "5", "-o", tmp_path / name).ok()
    assert (tmp_path / "mix.m3u8").read_text().startswith("#EXTM3U")
    assert len(json.loads((tmp_path / "mix.jspf").read_text())["playlist"]["track"]) == 5
    assert len(list(csv.DictReader(io.StringIO((tmp_path / "mix.csv").read_text())))) == 5
    assert len(json.loads((tmp_path / "mix.json").read_text())["tracks"]) == 5
    assert "Discover" in (tmp_path / "mix.txt").read_text()


def test_the_formats_can_be_printed(trained: Home) -> None:
    assert trained("recommend", "--format", "m3u").ok().out.startswith("#EXTM3U")
    assert "playlist" in trained("recommend", "--format", "jspf").ok().json


def test_evaluate_compares_the_models_with_both_baselines(trained: Home) -> None:
    board = trained("evaluate", "--json", "--weeks", "2", "--k", "10").ok().json
    models = {row["model"] for row in board["rows"]}
    assert {"most_played", "popular", "als", "content", "session_knn", "rediscover"} <= models
    assert "NDCG" in trained("evaluate", "--weeks", "2", "--k", "10").ok().out
    assert list(trained.folder.glob("playlists/u-*/leaderboard.json"))


def test_status_knows_what_comes_next(home: Home, trained: Home, export: Path) -> None:
    assert "Next: segue import" in home("status").ok().out
    home("import", export).ok()
    assert home("status", "--json").ok().json["next_step"] == "segue build"
    done = trained("status", "--json").ok().json
    assert done["next_step"] == "segue recommend"
    assert done["snapshot"]["fresh"]
    assert done["bundle"]["fresh"]


def test_progress_goes_to_standard_error_only(trained: Home) -> None:
    answer = trained("train", "--json").ok()
    assert answer.json["bundle"]
    assert "Training" in answer.err
    assert trained("--quiet", "lake", "verify", "--json").ok().err == ""
