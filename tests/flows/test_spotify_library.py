"""Reading a library: what changed, whole or not at all, and never what is closed to apps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from segue.errors import BlockedError
from segue.fakes.spotify import FakeSpotify
from segue.flows.spotify.household import Household
from segue.flows.spotify.library import read_library
from segue.warehouse.lake import Lake
from tests.fake_spotify import the_user
from tests.spotify_household import household, signed_in

NOON: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def house(spotify: FakeSpotify, tmp_path: Path) -> Household:
    spotify.world.clock.freeze(NOON)
    return signed_in(household(spotify, tmp_path))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def _uris(spotify: FakeSpotify, first: int, n: int) -> list[str]:
    return [spotify.world.catalogue.track(number).uri for number in range(first, first + n)]


def _save(spotify: FakeSpotify, first: int, n: int) -> None:
    for place, uri in enumerate(_uris(spotify, first, n)):
        the_user(spotify).saved[uri] = NOON + timedelta(minutes=first + place)


def _requests(house: Household) -> int:
    return house.usage.by_purpose.get("library", 0)


def _rows(lake: Lake, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = lake.rows(table).to_pylist()
    return found


def test_saved_tracks_are_read_once(house: Household, spotify: FakeSpotify, lake: Lake) -> None:
    _save(spotify, 0, 120)
    assert read_library(house, lake, "ann").saved == 120
    before = _requests(house)
    _save(spotify, 200, 3)
    assert read_library(house, lake, "ann").saved == 3
    assert _requests(house) - before == 6  # three top lists, saved, me, playlists
    rows = _rows(lake, "library")
    assert len(rows) == 123
    assert {(row["kind"], row["source"], row["user_id"]) for row in rows} == {
        ("saved_track", "spotify_api", "ann")
    }
    assert rows[0]["added_at"] is not None
    assert read_library(house, lake, "ann").saved == 0


def test_only_playlists_that_changed_are_read(
    house: Household, spotify: FakeSpotify, lake: Lake
) -> None:
    ann = the_user(spotify)
    mix = spotify.world.add_playlist(ann, "Mix", _uris(spotify, 0, 60))
    spotify.world.add_playlist(ann, "Mix", _uris(spotify, 60, 2))
    spotify.world.add_playlist(ann, "Quiet", [*_uris(spotify, 70, 1), *_uris(spotify, 0, 1)])
    other = spotify.world.add_user("ben")
    theirs = spotify.world.add_playlist(other, "Discover Weekly", _uris(spotify, 80, 30))
    ann.followed.append(theirs.id)
    first = read_library(house, lake, "ann")
    assert (first.read, first.unchanged, first.closed, first.items) == (3, 0, 1, 64)
    commits = len(lake.commits())
    again = read_library(house, lake, "ann")
    assert (again.read, again.unchanged, again.items) == (0, 3, 0)
    assert len(lake.commits()) == commits
    mix.insert(_uris(spotify, 90, 1), None, by=ann.id, at=NOON)
    changed = read_library(house, lake, "ann")
    assert (changed.read, changed.unchanged, changed.items) == (1, 2, 1)
    rows = [row for row in _rows(lake, "playlist_items") if not row["playlist"].startswith("Top")]
    assert len({row["playlist"] for row in rows}) == 3  # two of one title are two
    quiet = sorted(
        (row["position"], row["spotify_uri"]) for row in rows if row["playlist"] == "Quiet"
    )
    assert [uri for _, uri in quiet] == [*_uris(spotify, 70, 1), *_uris(spotify, 0, 1)]


def test_where_the_budget_ends_the_next_time_goes_on(
    spotify: FakeSpotify, tmp_path: Path, lake: Lake
) -> None:
    spotify.world.clock.freeze(NOON)
    house = signed_in(household(spotify, tmp_path, budget=10))
    ann = the_user(spotify)
    for number in range(8):
        spotify.world.add_playlist(ann, f"List {number}", _uris(spotify, 10 * number, 10))
    with pytest.raises(BlockedError):
        read_library(house, lake, "ann")
    kept = len(_rows(lake, "playlist_items"))
    assert 0 < kept < 80
    spotify.world.clock.advance(days=1, seconds=60)
    with pytest.raises(BlockedError):
        read_library(house, lake, "ann")
    spotify.world.clock.advance(days=1, seconds=60)
    read_library(house, lake, "ann")
    rows = [row for row in _rows(lake, "playlist_items") if row["playlist"].startswith("List")]
    assert len(rows) == 80
