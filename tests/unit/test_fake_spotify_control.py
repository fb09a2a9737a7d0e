"""The fake Spotify's control pages and its state file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from segue.errors import ConfigError
from segue.fakes.spotify import Catalogue, FakeSpotify, World
from segue.fakes.spotify.control import control
from segue.fakes.spotify.state_file import StateFile, dumped
from segue.fakes.spotify.trying_out import a_world
from tests.fake_spotify import the_app, the_user
from tests.spotify_client import HTTP, SpotifyClient


@pytest.fixture
def controlled() -> Iterator[FakeSpotify]:
    """One with control pages, in which time stands still."""
    world = World(Catalogue(50))
    world.add_user("alice")
    world.add_app("the-app")
    world.clock.freeze()
    with FakeSpotify(world, control=control) as server:
        yield server


def _asked(server: FakeSpotify, method: str, page: str, **told: Any) -> tuple[int, Any]:
    answer = HTTP.request(method, f"{server.url}/control{page}", json=told or None)
    return answer.status_code, answer.json()


def _ask(server: FakeSpotify, method: str, page: str, **told: Any) -> Any:
    status, answer = _asked(server, method, page, **told)
    assert status == 200, answer
    return answer


def test_everything_can_be_moved_from_outside(controlled: FakeSpotify) -> None:
    track = _ask(controlled, "GET", "/tracks?n=1")[0]["uri"]
    client = SpotifyClient.of(controlled, the_app(controlled), the_user(controlled))
    assert _ask(controlled, "POST", "/player", press="play", uris=[track])["uri"] == track
    _ask(controlled, "POST", "/clock", seconds=5)
    assert client.get("/me/player")["progress_ms"] == 5_000
    for press in ("pause", "resume", "skip", "back", "offline", "online", "stop"):
        _ask(controlled, "POST", "/player", press=press)
    _ask(controlled, "POST", "/player", press="switch", id="phone")
    _ask(controlled, "POST", "/plays", plays=[{"uri": track, "at": "2026-01-01T00:00:00+00:00"}])
    assert len(client.get("/me/player/recently-played")["items"]) == 1
    added = _ask(controlled, "POST", "/tracks", title="A Song", artist="Some One", isrc="GBX")
    playlist = _ask(controlled, "POST", "/playlists", name="Mine", uris=[added["uri"]])
    assert client.get(f"/playlists/{playlist['id']}")["items"]["total"] == 1
    _ask(controlled, "POST", "/users", id="bob", country="SE")
    _ask(controlled, "PUT", "/users", user="bob", consents=False)
    _ask(controlled, "PUT", "/signed-in", user="bob")
    assert controlled.world.signed_in == "bob"
    assert _ask(controlled, "PUT", "/rules", window_requests=1)["window_requests"] == 1
    assert client.ask("GET", "/me").status_code == 429
    _ask(controlled, "PUT", "/rules", window_requests=100)
    _ask(controlled, "POST", "/faults", kind="unavailable", path="/me$")
    assert client.ask("GET", "/me").status_code == 503
    _ask(controlled, "POST", "/faults", rate=1, kinds=["error"])
    _ask(controlled, "DELETE", "/faults")
    _ask(controlled, "POST", "/apps", client_id="second")
    _ask(controlled, "POST", "/revoke", client_id="the-app", user="alice")
    assert client.ask("GET", "/me").status_code == 401


def test_what_control_does_not_understand_is_said(controlled: FakeSpotify) -> None:
    for page, told in (
        ("/nothing", {}),
        ("/player", {"press": "harder"}),
        ("/player", {"press": "pause", "user": "nobody"}),
        ("/plays", {"plays": [{"uri": "a", "at": "yesterday"}]}),
    ):
        assert _asked(controlled, "POST", page, **told)[0] in (400, 404)
    assert _asked(controlled, "PUT", "/rules", speed=3)[0] == 400


def test_the_state_outlives_the_server(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "state.json")
    world = a_world(file, ["ann", "bob"], tracks=30)
    app, ann = next(iter(world.apps.values())), world.users["ann"]
    world.grant(app, ann)
    world.sign_in(app, ann)
    ann.saved[world.catalogue.track(3).uri] = world.clock.now()
    playlist = world.add_playlist(ann, "Mine", [world.catalogue.track(1).uri])
    playlist.cover = b"\xff\xd8"
    file.write(world)
    again = a_world(StateFile(file.path), ["ann", "cy"], tracks=30)
    assert list(again.users) == ["ann", "bob", "cy"]
    one, other = dumped(world), dumped(again)
    for told in (one, other):
        told["users"] = told["users"][:2]
        told["history"].pop("cy", None)
        told["apps"][0].pop("allowed")
    assert one == other
    assert again.playlists[playlist.id].snapshot_id == playlist.snapshot_id
    again.playlists[playlist.id].insert([], None, by="ann", at=again.clock.now())


@pytest.mark.parametrize("text", ["no JSON", "{}", '{"version": 2}', "[]", '{"version": 1}'])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match="does not hold the state"):
        a_world(StateFile(path), ["ann"], tracks=5)
    assert path.read_text() == text
