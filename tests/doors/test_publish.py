"""`segue publish`, as somebody at a keyboard meets it."""

from __future__ import annotations

import json
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from segue.fakes.listenbrainz import FakeListenBrainz
from segue.fakes.spotify import FakeSpotify
from segue.fakes.subsonic import FakeSubsonic
from tests.doors.home import Home
from tests.published import a_playlist, a_track, of_tracks, the_only_one, uris_of


@pytest.fixture
def at_spotify(home: Home, spotify: FakeSpotify, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home whose main user is signed in at the fake Spotify by what the environment says."""
    world = spotify.world
    world.rules.rotates = "never"
    for name, value in {
        "SEGUE_SPOTIFY__API_URL": f"{spotify.url}/v1",
        "SEGUE_SPOTIFY__ACCOUNTS_URL": spotify.url,
        "SEGUE_SECRETS__STORE": "file",
        "SPOTIFY_CLIENT_ID": "the-app",
        "SPOTIFY_REFRESH_TOKEN": world.grant(world.apps["the-app"], world.users["alice"]),
    }.items():
        monkeypatch.setenv(name, value)
    return home


def test_a_playlist_goes_to_spotify(at_spotify: Home, spotify: FakeSpotify, tmp_path: Path) -> None:
    home, week = at_spotify, tmp_path / "week.json"
    uris = uris_of(spotify, 0, 3)
    week.write_text(json.dumps(a_playlist(uris).as_dict()))
    said = home("publish", week, "--dry-run").ok().out
    assert "3 added, 0 removed, 0 kept" in said
    assert "+ Band - Song 0" in said
    assert not spotify.world.playlists
    told = home("publish", week, "--to", "spotify", "--json").ok().json
    theirs = the_only_one(spotify)
    assert theirs.uris == uris
    assert told["to"][0]["remote_id"] == theirs.id
    copy = tmp_path / "copy.m3u"
    said = home("publish", week, "--to", "spotify", "--to", str(copy)).ok().out
    assert "nothing has changed" in said
    assert copy.read_text("utf-8").startswith("#EXTM3U")


def test_an_existing_playlist_by_environment(
    at_spotify: Home, spotify: FakeSpotify, tmp_path: Path
) -> None:
    mine = spotify.world.add_playlist(spotify.world.users["alice"], "Mine")
    week = tmp_path / "week.json"
    week.write_text(json.dumps(a_playlist(uris_of(spotify, 0, 3)).as_dict()))
    at_spotify("publish", week, SPOTIFY_PLAYLIST_ID=mine.id).ok()
    assert the_only_one(spotify).uris == uris_of(spotify, 0, 3)


def test_wrong_use_is_said(at_spotify: Home, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text("[1]")
    at_spotify("publish", wrong).refused("wrong.json", "holds no playlist")
    wrong.write_text('{"tracks": [{}], "made_at": "2026-11-21"}')
    at_spotify("publish", wrong).refused("row 1")
    at_spotify("publish", wrong, "--to", "tape").refused("“tape”", "spotify", code=2)


def test_other_destinations_say_what_they_need(home: Home, tmp_path: Path) -> None:
    week = tmp_path / "week.json"
    week.write_text(json.dumps(a_playlist([]).as_dict()))
    for to, variable in {"listenbrainz": "LISTENBRAINZ__USER", "subsonic": "SUBSONIC__URL"}.items():
        home("publish", week, "--to", to).refused(f"SEGUE_{variable}", code=2)


def test_a_playlist_goes_to_listenbrainz_and_a_subsonic_server(home: Home, tmp_path: Path) -> None:
    week = tmp_path / "week.json"
    with FakeListenBrainz() as brainz, FakeSubsonic() as sonic:
        song = next(iter(sonic.songs.values()))
        mbid = brainz.music.mbid("recording", song.id)
        track = a_track(0, title=song.name, artists=(song.artists[0].name,), mbid=mbid)
        week.write_text(json.dumps(of_tracks([track]).as_dict()))
        said = home(
            *("publish", week, "--to", "listenbrainz", "--to", "subsonic"),
            SEGUE_LISTENBRAINZ__USER="ann",
            SEGUE_LISTENBRAINZ__TOKEN=brainz.add_member("ann").token,
            SEGUE_LISTENBRAINZ__URL=brainz.url,
            SEGUE_SUBSONIC__URL=sonic.url,
            SEGUE_SUBSONIC__USER="ann",
            SEGUE_SUBSONIC__PASSWORD="secret",
        ).ok()
        assert said.out.count("1 added") == 2
        assert [one.recordings for one in brainz.playlists.values()] == [[mbid]]
        assert [one.songs for one in sonic.playlists.values()] == [[sonic.song_id(song)]]


def test_a_new_playlist_is_made(trained: Home, tmp_path: Path) -> None:
    week = tmp_path / "week.json"
    trained("publish", "--mix", "daily", "--size", "12", "--to", str(week)).ok()
    assert len(json.loads(week.read_text("utf-8"))["tracks"]) == 12


def test_playlists_are_synchronised_archived_and_restored(
    at_spotify: Home, spotify: FakeSpotify, tmp_path: Path
) -> None:
    home, alice = at_spotify, spotify.world.users["alice"]
    old, new = uris_of(spotify, 0, 3), uris_of(spotify, 2, 5)
    source = spotify.world.add_playlist(alice, "Weekly", old)
    target = spotify.world.add_playlist(alice, "All weeks")
    address = f"https://open.spotify.com/playlist/{source.id}?si=abc"
    assert "3 tracks kept; 3 added" in home("playlist", "archive", address).ok().out
    assert "as before" in home("playlist", "archive", source.id).ok().out
    assert "3 added, 0 were there" in home("playlist", "sync", address, target.id).ok().out
    source.replace(new, by="alice", at=spotify.world.clock.now())
    told = home("playlist", "sync", source.id, f"spotify:{target.id}", "--json").ok().json
    assert (len(told["added"]), told["known"], told["tracks"]) == (2, 1, 5)
    assert target.uris == uris_of(spotify, 0, 5)
    home("playlist", "archive", source.id).ok()
    first, second = home("playlist", "history", source.id, "--json").ok().json
    assert [(len(one["added"]), len(one["removed"])) for one in (first, second)] == [(3, 0), (2, 2)]
    back = tmp_path / "back.json"
    moment = datetime.fromisoformat(first["at"]) + timedelta(seconds=1)
    at = moment.strftime("%Y-%m-%dT%H:%M:%S")
    restore = ("playlist", "restore", source.id, "--at", at, "--to")
    home(*restore, str(back)).ok()
    tracks = json.loads(back.read_text("utf-8"))["tracks"]
    assert [track["spotify_uri"] for track in tracks] == old
    home(*restore, "spotify").ok()
    (copy,) = (one for one in spotify.world.playlists.values() if "Weekly ·" in one.name)
    assert copy.uris == old
    assert source.uris == new


def test_what_cannot_be_archived_is_said(at_spotify: Home) -> None:
    weekly = "https://open.spotify.com/playlist/37i9dQZEVXcDiscoverWeek"
    home = at_spotify
    home("playlist", "archive", weekly).refused("Discover Weekly", "27 November 2024")
    home("playlist", "archive", "what?").refused("names no playlist", code=2)
    home("playlist", "sync", "saved", "week.json").refused("nothing can be added", code=2)
    never = home("playlist", "restore", "a" * 22, "--at", "2026-01-01", "--to", "x.json")
    never.refused("was not archived by 2026-01-01 23:59 UTC")


def test_a_cover_is_drawn_and_uploaded_when_asked(
    at_spotify: Home, spotify: FakeSpotify, tmp_path: Path
) -> None:
    home, week = at_spotify, tmp_path / "week.json"
    week.write_text(json.dumps(a_playlist(uris_of(spotify, 0, 3)).as_dict()))
    assert "Its cover is drawn and uploaded." in home("publish", week, "--cover").ok().out
    assert the_only_one(spotify).cover
    again = home("publish", week, "--json", SEGUE_SPOTIFY__COVER="true").ok().json
    assert again["cover"] == {"state": "same", "why": ""}
    assert "KB)" in home("playlist", "cover", week, "--no-title").ok().out
    assert (tmp_path / "week.jpg").read_bytes().startswith(b"\xff\xd8\xff")
    home("playlist", "cover", week, "-o", "x.png").refused("a cover is a JPEG", code=2)


def test_everybody_publishes_to_an_own_account(home: Home, tmp_path: Path) -> None:
    week = tmp_path / "week.json"
    with FakeSubsonic() as sonic, FakeListenBrainz() as brainz:
        song = next(iter(sonic.songs.values()))
        mbid = brainz.music.mbid("recording", song.id)
        track = a_track(0, title=song.name, artists=(song.artists[0].name,), mbid=mbid)
        week.write_text(json.dumps(of_tracks([track]).as_dict()))
        settings = {
            "SEGUE_SECRETS__STORE": "file",
            "SEGUE_LISTENBRAINZ__USER": "ann",
            "SEGUE_LISTENBRAINZ__TOKEN": brainz.add_member("ann").token,
            "SEGUE_LISTENBRAINZ__URL": brainz.url,
        }
        token = brainz.add_member("ben_lb").token
        keep = home.command("secrets", "set", "listenbrainz", "--name", "ben_lb", "--user", "ben")
        environment = home.environment(**settings)
        said = subprocess.run(
            keep, input=token, capture_output=True, text=True, env=environment, check=True
        )
        assert token not in said.stdout + said.stderr
        assert "ben: ben_lb" in home("secrets", "list", **settings).ok().out
        home("publish", week, "--to", "listenbrainz", "--user", "ben", **settings).ok()
        assert [one.creator for one in brainz.playlists.values()] == ["ben_lb"]
        home("secrets", "remove", "listenbrainz", "--user", "ben", **settings).ok()
        home("secrets", "remove", "listenbrainz", "--user", "ben", **settings).refused(
            "no account of ben", code=2
        )
