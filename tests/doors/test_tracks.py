"""`segue tracks search` and the filters of `segue recommend`, on a trained home."""

from __future__ import annotations

import csv
from pathlib import Path

from tests.doors.home import Home


def test_a_track_is_found_by_what_is_remembered_of_it(trained: Home, world: Path) -> None:
    with (world / "catalogue.csv").open(encoding="utf-8") as file:
        row = next(row for row in csv.DictReader(file) if len(row["track_name"].split()) > 2)
    title, artist = row["track_name"], row["artists"].split(";")[0]
    typed = f"{title[:-1]} {artist}".lower()
    found = trained("tracks", "search", *typed.split(), "--json").ok().json
    assert title in [one["title"] for one in found]
    assert found[0].keys() >= {"track_id", "title", "artists", "score"}
    assert title in trained("tracks", "search", typed, "--limit", "5").ok().out
    assert "No track here" in trained("tracks", "search", "qqqqqqqq").ok().out


def test_there_is_nothing_to_look_up_before_the_first_training(tmp_path: Path) -> None:
    Home(tmp_path / "new")("tracks", "search", "blue").refused("segue train")


def test_moods_and_sounds_are_asked_for(trained: Home) -> None:
    asked = ("recommend", "--size", "5", "--json")
    calm = trained(*asked, "--mood", "calm").ok().json
    bound = trained(*asked, "--sound", "energy=0-0.45", "--sound", "valence=0.25-").ok().json
    assert calm["tracks"]
    assert calm["tracks"] == bound["tracks"]
    short = trained(*asked, "--minutes", "-3.5", "--no-explicit").ok().json["tracks"]
    assert all(track["duration_ms"] <= 210_000 for track in short)
    trained(*asked, "--mood", "gloomy").refused("there is no mood “gloomy”", "calm", code=2)
    trained(*asked, "--sound", "key=1-2").refused("no audio feature “key”", "energy", code=2)
    trained(*asked, "--sound", "energy").refused("FEATURE=FROM-TO", code=2)
