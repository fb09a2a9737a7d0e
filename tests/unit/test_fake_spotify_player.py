"""The fake Spotify's player, as time passes, and what it remembers."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from segue.fakes.clock import milliseconds
from segue.fakes.spotify import FakeSpotify, Player, Track
from tests.fake_spotify import the_app, the_user
from tests.spotify_client import SpotifyClient


@pytest.fixture
def client(spotify: FakeSpotify) -> SpotifyClient:
    """A user who granted everything, in a world where time stands still."""
    spotify.world.clock.freeze()
    return SpotifyClient.of(spotify, the_app(spotify), the_user(spotify))


def _player(spotify: FakeSpotify) -> Player:
    return spotify.world.player_of(the_user(spotify))


def _tracks(spotify: FakeSpotify, n: int) -> list[Track]:
    return [spotify.world.catalogue.track(number) for number in range(n)]


def _recent(client: SpotifyClient, **query: Any) -> list[str]:
    rows = client.get("/me/player/recently-played", **query)["items"]
    return [row["track"]["uri"] for row in rows]


def test_nothing_on_is_204(client: SpotifyClient) -> None:
    assert client.ask("GET", "/me/player").status_code == 204
    assert client.ask("GET", "/me/player/currently-playing").status_code == 204


def test_progress_follows_the_clock_through_pause_and_seek(
    spotify: FakeSpotify, client: SpotifyClient
) -> None:
    player, (track,) = _player(spotify), _tracks(spotify, 1)
    player.play(track.uri)

    def passed(seconds: float) -> tuple[int, bool]:
        spotify.world.clock.advance(seconds=seconds)
        told = client.get("/me/player/currently-playing")
        return told["progress_ms"], told["is_playing"]

    assert passed(10) == (10_000, True)
    player.pause()
    assert passed(60) == (10_000, False)
    player.seek(50_000)
    player.resume()
    assert passed(5) == (55_000, True)
    player.pause()
    spotify.world.clock.advance(seconds=601)
    assert client.ask("GET", "/me/player").status_code == 204


def test_a_list_plays_through_and_is_remembered_at_its_ends(
    spotify: FakeSpotify, client: SpotifyClient
) -> None:
    player, tracks = _player(spotify), _tracks(spotify, 3)
    start = spotify.world.clock.now()
    player.play(*(track.uri for track in tracks), context_uri="spotify:album:x")
    spotify.world.clock.advance(seconds=3_000)
    told = client.get("/me/player/recently-played")
    assert [row["track"]["name"] for row in told["items"]] == [t.name for t in reversed(tracks)]
    end = start + timedelta(milliseconds=sum(track.duration_ms for track in tracks))
    assert told["cursors"]["after"] == str(milliseconds(end))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told["items"][0]["played_at"])
    assert not client.ask("GET", "/me/player").content


def test_what_was_heard_for_less_than_half_a_minute_is_not_remembered(
    spotify: FakeSpotify, client: SpotifyClient
) -> None:
    player, tracks = _player(spotify), _tracks(spotify, 3)
    player.play(*(track.uri for track in tracks))
    spotify.world.clock.advance(seconds=20)
    player.skip()
    spotify.world.clock.advance(seconds=40)
    player.skip()
    assert _recent(client) == [tracks[1].uri]


def test_the_last_fifty_and_cursors_between_them(
    spotify: FakeSpotify, client: SpotifyClient
) -> None:
    player, tracks = _player(spotify), _tracks(spotify, 60)
    start = spotify.world.clock.now() - timedelta(hours=10)
    for n, track in enumerate(tracks):
        player.played(track.uri, start + timedelta(minutes=n))
    newest_first = [track.uri for track in reversed(tracks)]
    assert _recent(client, limit=50) == newest_first[:50]
    page = client.get("/me/player/recently-played", limit=20)
    assert f"before={page['cursors']['before']}" in page["next"]
    assert _recent(client, before=page["cursors"]["before"], limit=40) == newest_first[20:50]
    after = milliseconds(start + timedelta(minutes=57))
    assert _recent(client, after=after) == newest_first[:2]
    assert _recent(client, after=after, limit=1) == newest_first[1:2]
    nothing = client.get(
        "/me/player/recently-played", after=milliseconds(start + timedelta(days=1))
    )
    assert (nothing["items"], nothing["cursors"], nothing["next"]) == ([], None, None)
    refused = client.fails("GET", "/me/player/recently-played", after=1, before=2)
    assert refused[0] == 400


def test_what_is_played_offline_comes_late_with_its_own_time(
    spotify: FakeSpotify, client: SpotifyClient
) -> None:
    player, tracks = _player(spotify), _tracks(spotify, 2)
    player.play(tracks[0].uri)
    player.go_offline()
    spotify.world.clock.advance(seconds=1_000)
    assert client.ask("GET", "/me/player").status_code == 204
    assert _recent(client) == []
    player.played(tracks[1].uri, spotify.world.clock.now())  # meanwhile on another device
    player.go_online()
    assert _recent(client) == [tracks[1].uri, tracks[0].uri]


def test_a_private_session_leaves_nothing_and_podcasts_neither(
    spotify: FakeSpotify, client: SpotifyClient
) -> None:
    player, tracks = _player(spotify), _tracks(spotify, 1)
    player.private = True
    player.play(tracks[0].uri)
    spotify.world.clock.advance(seconds=1_000)
    player.settle()
    player.private = False
    player.play("spotify:episode:512ojhOuo1ktJprKbVcKyQ")
    assert client.get("/me/player")["item"] is None
    assert client.get("/me/player", additional_types="episode")["item"]["type"] == "episode"
    player.play("spotify:ad:1")
    assert client.get("/me/player")["currently_playing_type"] == "ad"
    player.play("spotify:local:Some+One::A+Song:180")
    assert client.get("/me/player")["item"]["name"] == "A Song"
    assert _recent(client) == []


def test_repeating_counts_each_time(spotify: FakeSpotify, client: SpotifyClient) -> None:
    player, (track,) = _player(spotify), _tracks(spotify, 1)
    player.repeat = "track"
    player.play(track.uri)
    spotify.world.clock.advance(seconds=track.duration_ms / 1000 * 2.5)
    assert client.get("/me/player")["repeat_state"] == "track"
    assert _recent(client) == [track.uri, track.uri]
    top = client.get("/me/top/tracks", time_range="short_term")["items"]
    assert [one["uri"] for one in top] == [track.uri]
    assert client.get("/me/top/artists")["items"][0]["name"] == track.artists[0].name


def test_a_player_is_controlled_by_users_who_pay(
    spotify: FakeSpotify, client: SpotifyClient
) -> None:
    player, tracks = _player(spotify), _tracks(spotify, 4)
    uris = [track.uri for track in tracks]
    assert client.fails("PUT", "/me/player/pause")[0] == 404
    player.play(uris[0])

    def press(method: str, button: str, json: Any = None, **query: Any) -> None:
        answer = client.ask(method, f"/me/player{button}", json, **query)
        assert answer.status_code == 204, answer.text

    press("PUT", "/play", {"uris": uris[:3], "position_ms": 1_000})
    press("POST", "/queue", uri=uris[3])
    told = client.get("/me/player/queue")
    assert told["currently_playing"]["uri"] == uris[0]
    assert [one["uri"] for one in told["queue"]] == [uris[3], uris[1], uris[2]]
    press("POST", "/next")
    press("PUT", "/seek", position_ms=30_000)
    press("PUT", "/repeat", state="context")
    press("PUT", "/shuffle", state="true")
    press("PUT", "/volume", volume_percent=10)
    press("PUT", "", {"device_ids": ["phone"]})
    press("PUT", "/pause")
    told = client.get("/me/player")
    assert (told["item"]["uri"], told["progress_ms"]) == (uris[3], 30_000)
    assert (told["repeat_state"], told["shuffle_state"]) == ("context", True)
    assert (told["device"]["id"], told["is_playing"]) == ("phone", False)
    press("PUT", "/play")
    press("POST", "/previous")
    assert player.uri == uris[0]
    album = tracks[0].album
    press("PUT", "/play", {"context_uri": f"spotify:album:{album.id}"})
    assert client.get("/me/player")["context"]["uri"] == f"spotify:album:{album.id}"
    assert client.fails("PUT", "/me/player/play", {"uris": ["spotify:track:1"]})[0] == 400
    wrong = {"uris": uris, "position_ms": "soon"}
    assert client.fails("PUT", "/me/player/play", wrong)[0] == 400
    the_user(spotify).premium = False
    the_app(spotify).development = False
    assert client.fails("PUT", "/me/player/pause")[0] == 403


def test_albums_and_artists_that_are_kept(spotify: FakeSpotify, client: SpotifyClient) -> None:
    track, user = spotify.world.catalogue.track(0), the_user(spotify)
    uri = f"spotify:album:{track.album.id}"
    assert client.ask("PUT", "/me/library", uris=uri).status_code == 200
    assert client.get("/me/albums")["items"][0]["album"]["name"] == track.album.name
    artists = {spotify.world.catalogue.track(20 * n).artists[0].id for n in range(5)}
    now = spotify.world.clock.now()
    user.saved |= dict.fromkeys((f"spotify:artist:{one}" for one in artists), now)
    first = client.get("/me/following", type="artist", limit=3)["artists"]
    rest = client.get("/me/following", type="artist", after=first["cursors"]["after"])["artists"]
    assert {one["id"] for one in first["items"] + rest["items"]} == artists
    assert rest["next"] is None


def test_a_market_shows_another_track_for_one(spotify: FakeSpotify, client: SpotifyClient) -> None:
    one, other = _tracks(spotify, 2)
    spotify.world.catalogue.relinked[one.id] = other.id
    assert client.get(f"/tracks/{one.id}")["id"] == one.id
    assert client.get(f"/tracks/{one.id}", market="GB")["id"] == other.id
