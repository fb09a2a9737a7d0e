"""The fake Spotify's playlists and their items."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.fakes.messages import ApiError
from segue.fakes.spotify import FakeSpotify, Playlist
from tests.fake_spotify import the_app, the_user
from tests.spotify_client import HTTP, SpotifyClient


@pytest.fixture
def client(spotify: FakeSpotify) -> SpotifyClient:
    """A user who granted everything."""
    return SpotifyClient.of(spotify, the_app(spotify), the_user(spotify))


def _uris(spotify: FakeSpotify, *numbers: int) -> list[str]:
    return [spotify.world.catalogue.track(number).uri for number in numbers]


def _made(spotify: FakeSpotify, *numbers: int) -> Playlist:
    return spotify.world.add_playlist(the_user(spotify), "Mine", _uris(spotify, *numbers))


def test_a_playlist_is_made_filled_and_read(spotify: FakeSpotify, client: SpotifyClient) -> None:
    made = client.ask("POST", "/me/playlists", {"name": "Weekly", "public": False})
    assert made.status_code == 201
    path = f"/playlists/{made.json()['id']}"
    added = client.ask("POST", f"{path}/items", {"uris": _uris(spotify, 1, 2)})
    assert added.status_code == 201
    assert added.json()["snapshot_id"] != made.json()["snapshot_id"]
    client.ask("POST", f"{path}/items", {"uris": _uris(spotify, 0), "position": 0})
    rows = client.get(f"{path}/items")
    assert [row["item"]["uri"] for row in rows["items"]] == _uris(spotify, 0, 1, 2)
    assert "popularity" not in rows["items"][0]["item"]
    assert rows["items"][0]["item"]["external_ids"]["isrc"]
    assert client.get(path)["items"]["total"] == 3
    assert [one["name"] for one in client.get("/me/playlists")["items"]] == ["Weekly"]


def test_items_are_read_fifty_at_a_time(spotify: FakeSpotify, client: SpotifyClient) -> None:
    playlist = _made(spotify, *range(120))
    path, seen = f"/playlists/{playlist.id}/items", []
    page = client.get(path, limit=50)
    while True:
        seen += [row["item"]["uri"] for row in page["items"]]
        if page["next"] is None:
            break
        page = HTTP.get(page["next"], headers={"Authorization": f"Bearer {client.token}"}).json()
    assert seen == playlist.uris
    assert client.fails("GET", path, limit=51) == (400, "Invalid limit")


def test_a_hundred_at_a_time_and_none_that_do_not_exist(
    spotify: FakeSpotify, client: SpotifyClient
) -> None:
    playlist = _made(spotify)
    path = f"/playlists/{playlist.id}/items"
    many = _uris(spotify, *range(101))
    assert client.fails("POST", path, {"uris": many})[0] == 400
    assert client.fails("PUT", path, {"uris": many})[0] == 400
    assert client.fails("POST", path, ["spotify:track:1"])[0] == 400
    unknown = "spotify:track:0000000000000000000000"
    assert client.fails("POST", path, {"uris": [unknown]})[0] == 400
    assert playlist.uris == []


def test_items_are_replaced_moved_and_removed(spotify: FakeSpotify, client: SpotifyClient) -> None:
    playlist = _made(spotify, 9)
    path = f"/playlists/{playlist.id}/items"
    client.ask("PUT", path, {"uris": _uris(spotify, 0, 1, 2, 3, 4)})
    client.ask("PUT", path, {"range_start": 3, "insert_before": 0, "range_length": 2})
    assert playlist.uris == _uris(spotify, 3, 4, 0, 1, 2)
    client.ask("PUT", path, {"range_start": 0, "insert_before": 5})
    assert playlist.uris == _uris(spotify, 4, 0, 1, 2, 3)
    gone = [{"uri": uri} for uri in _uris(spotify, 0, 2)]
    client.ask("DELETE", path, {"items": gone})
    assert playlist.uris == _uris(spotify, 4, 1, 3)
    both = {"uris": [], "range_start": 0, "insert_before": 1}
    assert client.fails("PUT", path, both)[0] == 400
    assert client.fails("PUT", path, {"range_start": 7, "insert_before": 0})[0] == 400


@given(
    size=st.integers(1, 8), start=st.integers(0, 7), length=st.integers(1, 8), to=st.integers(0, 8)
)
def test_moving_is_cutting_out_and_putting_in(size: int, start: int, length: int, to: int) -> None:
    uris = [f"spotify:track:{n}" for n in range(size)]
    playlist, now = Playlist("p", "Mine", "alice"), datetime(2026, 11, 21, tzinfo=UTC)
    playlist.insert(uris, None, by="alice", at=now)
    if start + length > size or to > size:
        with pytest.raises(ApiError, match="out of bounds"):
            playlist.move(start, to, length, None)
        return
    before = playlist.snapshot_id
    playlist.move(start, to, length, None)
    moved = uris[start : start + length]
    ahead = [uri for uri in uris[:to] if uri not in moved]
    behind = [uri for uri in uris[to:] if uri not in moved]
    assert playlist.uris == [*ahead, *moved, *behind]
    assert playlist.snapshot_id != before
    playlist.remove(moved, before)
    assert playlist.uris == [*ahead, *behind]


def test_a_change_against_an_older_snapshot_means_what_was_seen_then(
    spotify: FakeSpotify, client: SpotifyClient
) -> None:
    playlist = _made(spotify, 0, 1, 2, 3)
    path, seen = f"/playlists/{playlist.id}/items", playlist.snapshot_id
    client.ask("POST", path, {"uris": _uris(spotify, 8), "position": 0})
    move = {"range_start": 3, "insert_before": 1, "snapshot_id": seen}
    client.ask("PUT", path, move)
    assert playlist.uris == _uris(spotify, 8, 0, 3, 1, 2)
    client.ask("POST", path, {"uris": _uris(spotify, 1)})  # once more, unseen by the snapshot
    client.ask("DELETE", path, {"items": [{"uri": _uris(spotify, 1)[0]}], "snapshot_id": seen})
    assert playlist.uris == _uris(spotify, 8, 0, 3, 2, 1)
    assert client.fails("PUT", path, {**move, "snapshot_id": "none"})[0] == 400


def test_others_playlists_show_their_name_and_not_their_items(
    spotify: FakeSpotify, client: SpotifyClient
) -> None:
    bob = spotify.world.add_user("bob")
    playlist = spotify.world.add_playlist(bob, "His", _uris(spotify, 1))
    path = f"/playlists/{playlist.id}"
    assert "items" not in client.get(path)
    assert client.ask("GET", f"{path}/items").status_code == 403
    assert client.ask("POST", f"{path}/items", {"uris": []}).status_code == 403
    playlist.collaborative, playlist.public = True, False
    assert client.get(f"{path}/items")["total"] == 1
    assert client.ask("POST", f"{path}/items", {"uris": _uris(spotify, 2)}).status_code == 201


def test_what_spotify_makes_itself_is_not_there(
    spotify: FakeSpotify, client: SpotifyClient
) -> None:
    playlist = _made(spotify, 1)
    playlist.closed = True
    assert client.ask("GET", f"/playlists/{playlist.id}").status_code == 404


def test_scopes_are_asked_for(spotify: FakeSpotify) -> None:
    app, user = the_app(spotify), the_user(spotify)
    private = SpotifyClient.of(spotify, app, user, "playlist-modify-private")
    refused = (403, "Insufficient client scope")
    assert private.fails("POST", "/me/playlists", {"name": "P"}) == refused
    made = private.ask("POST", "/me/playlists", {"name": "P", "public": False}).json()
    assert private.fails("GET", f"/playlists/{made['id']}/items") == refused
    assert private.get("/me/playlists")["items"] == []
    assert private.fails("GET", "/me/player/recently-played") == refused


def test_details_are_changed_and_a_cover_is_put_on(
    spotify: FakeSpotify, client: SpotifyClient
) -> None:
    playlist = _made(spotify, 1)
    before, path = playlist.snapshot_id, f"/playlists/{playlist.id}"
    assert client.ask("PUT", path, {"name": "New", "description": "why"}).status_code == 200
    told = client.get(path, fields="name,description,snapshot_id,items(total,items.item.uri)")
    assert told["name"] == "New"
    assert told["snapshot_id"] != before
    assert told["items"] == {"total": 1, "items": [{"item": {"uri": playlist.uris[0]}}]}

    def upload(picture: bytes) -> int:
        headers = {"Authorization": f"Bearer {client.token}", "Content-Type": "image/jpeg"}
        body = base64.b64encode(picture)
        url = f"{spotify.url}/v1{path}/images"
        return HTTP.put(url, content=body, headers=headers).status_code

    assert upload(b"\xff\xd8\xff" + bytes(1000) + b"\xff\xd9") == 202
    assert playlist.cover
    assert upload(b"\xff\xd8\xff" + bytes(200_000) + b"\xff\xd9") == 413
    assert upload(b"no picture") == 400


def test_deleting_is_leaving_the_list(spotify: FakeSpotify, client: SpotifyClient) -> None:
    playlist = _made(spotify, 1)
    assert client.get("/me/library/contains", uris=playlist.uri) == [True]
    assert client.ask("DELETE", "/me/library", uris=playlist.uri).status_code == 200
    assert client.get("/me/library/contains", uris=playlist.uri) == [False]
    assert client.get("/me/playlists")["items"] == []
    assert client.get(f"/playlists/{playlist.id}")["name"] == "Mine"


def test_tracks_are_saved_forty_at_a_time(spotify: FakeSpotify, client: SpotifyClient) -> None:
    uris = _uris(spotify, *range(41))
    assert client.fails("PUT", "/me/library", uris=",".join(uris))[0] == 400
    assert client.fails("PUT", "/me/library", uris="spotify:artist:1")[0] == 400
    assert client.ask("PUT", "/me/library", uris=",".join(uris[:2])).status_code == 200
    rows = client.get("/me/tracks")["items"]
    assert [row["track"]["uri"] for row in rows] == [uris[1], uris[0]]
    assert client.get("/me/library/contains", uris=",".join(uris[1:3])) == [True, False]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/tracks?ids=a"),
        ("GET", "/playlists/abc/tracks"),
        ("POST", "/users/alice/playlists"),
        ("PUT", "/me/tracks"),
        ("DELETE", "/playlists/abc/followers"),
        ("GET", "/recommendations"),
        ("GET", "/audio-features/abc"),
        ("GET", "/artists/abc/top-tracks"),
    ],
)
def test_what_was_removed_is_forbidden(client: SpotifyClient, method: str, path: str) -> None:
    assert client.fails(method, path) == (403, "Forbidden")
