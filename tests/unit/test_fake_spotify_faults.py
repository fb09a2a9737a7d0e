"""The fake Spotify's limits and faults, and that it is compared with the API's description."""

from __future__ import annotations

import socket
from pathlib import Path

import httpx2
import pytest

from segue.errors import ConfigError
from segue.fakes.messages import Answer, Request
from segue.fakes.spotify import FakeSpotify, Fault, World, load_openapi
from tests.fake_spotify import description, fake_spotify, the_app, the_user
from tests.spotify_client import HTTP, SpotifyClient


@pytest.fixture
def client(spotify: FakeSpotify) -> SpotifyClient:
    """A user who granted everything, in a world where time stands still."""
    spotify.world.clock.freeze()
    return SpotifyClient.of(spotify, the_app(spotify), the_user(spotify))


def test_an_app_is_limited_in_a_rolling_half_minute(
    spotify: FakeSpotify, client: SpotifyClient
) -> None:
    spotify.world.rules.window_requests = 3
    client.get("/me")
    spotify.world.clock.advance(seconds=10)
    client.get("/me")
    client.get("/me")
    refused = client.ask("GET", "/me")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "20")
    assert "reason" not in refused.json()["error"]
    spotify.world.clock.advance(seconds=20)
    client.get("/me")
    assert client.ask("GET", "/me").status_code == 429


def test_a_developers_quota_counts_all_of_their_apps(spotify: FakeSpotify) -> None:
    world = spotify.world
    world.clock.freeze()
    world.rules.quota_requests = 2
    second = world.add_app("second")
    other = world.add_app("other", developer="another one")
    clients = [
        SpotifyClient.of(spotify, app, the_user(spotify)) for app in (the_app(spotify), second)
    ]
    for client in clients:
        client.get("/me")
    refused = clients[0].ask("GET", "/me")
    assert refused.json()["error"]["reason"] == "QUOTA_EXCEEDED"
    assert refused.headers["Retry-After"] == "86400"
    SpotifyClient.of(spotify, other, the_user(spotify)).get("/me")
    world.clock.advance(days=1)
    SpotifyClient.of(spotify, second, the_user(spotify)).get("/me")


def test_covers_have_a_limit_of_their_own(spotify: FakeSpotify, client: SpotifyClient) -> None:
    spotify.world.rules.upload_requests = 0
    playlist = spotify.world.add_playlist(the_user(spotify), "Mine")
    assert client.ask("PUT", f"/playlists/{playlist.id}/images").status_code == 429
    client.get("/me")


@pytest.mark.parametrize(
    ("fault", "done"),
    [(Fault(before=True), False), (Fault(lost=True), True), (Fault(half=True), True)],
    ids=str,
)
def test_an_answer_does_not_arrive(
    spotify: FakeSpotify, client: SpotifyClient, fault: Fault, done: bool
) -> None:
    spotify.world.faults.add(fault, method="POST", path="/me/playlists$")
    with pytest.raises(httpx2.TransportError):
        client.ask("POST", "/me/playlists", {"name": "Weekly"})
    assert len(spotify.world.playlists) == done
    client.get("/me/playlists")


def test_errors_slow_answers_and_pages_that_are_no_json(
    spotify: FakeSpotify, client: SpotifyClient
) -> None:
    faults = spotify.world.faults
    faults.add(Fault(status=503), times=2, after=1)
    assert [client.ask("GET", "/me").status_code for _ in range(4)] == [200, 503, 503, 200]
    faults.add(Fault(status=502))
    assert "<html>" in client.ask("GET", "/me").text
    faults.add(Fault(status=429, retry_after=48_925, reason="QUOTA_EXCEEDED"))
    assert client.ask("GET", "/me").headers["Retry-After"] == "48925"
    faults.add(Fault(garbled=True))
    with pytest.raises(ValueError, match="Expecting value"):
        client.ask("GET", "/me").json()
    faults.add(Fault(seconds=0.2))
    with pytest.raises(httpx2.ReadTimeout):
        HTTP.get(f"{spotify.url}/v1/me", timeout=0.05)


def test_random_faults_are_the_same_for_a_seed(spotify: FakeSpotify, client: SpotifyClient) -> None:
    def run() -> list[int]:
        kinds = ("error", "unavailable", "limited")
        spotify.world.faults.at_random(0.3, seed=4, kinds=kinds)
        return [client.ask("GET", "/me").status_code for _ in range(40)]

    first = run()
    assert first == run()
    assert {200, 429, 500, 503} == set(first)
    spotify.world.faults.clear()
    assert client.ask("GET", "/me").status_code == 200


def test_every_request_is_noted(spotify: FakeSpotify, client: SpotifyClient) -> None:
    playlist = spotify.world.add_playlist(the_user(spotify), "Mine")
    spotify.world.faults.add(Fault(status=500), path="/items")
    client.ask("GET", f"/playlists/{playlist.id}/items")
    client.get(f"/playlists/{playlist.id}/items")
    client.ask("GET", "/nothing")
    log = spotify.world.log
    assert log.counts() == {"GET /playlists/{playlist_id}/items": 2, "GET /nothing": 1}
    assert [asked.status for asked in log] == [500, 200, 404]
    assert (log[0].fault, log[1].user_id, log.of_api()) == ("status=500", "alice", 3)


def test_nothing_answers_any_more_when_it_was_stopped(
    spotify: FakeSpotify, client: SpotifyClient
) -> None:
    client.get("/me")  # the connection is kept for the next request
    spotify.stop()
    with pytest.raises(httpx2.TransportError):
        client.get("/me")


def test_a_request_that_breaks_off_changes_nothing(spotify: FakeSpotify) -> None:
    address = spotify.url.removeprefix("http://").split(":")
    token = spotify.world.sign_in(the_app(spotify), the_user(spotify))
    head = f"POST /v1/me/playlists HTTP/1.1\r\nAuthorization: Bearer {token}\r\n"
    with socket.create_connection((address[0], int(address[1]))) as line:
        line.sendall((head + 'Content-Length: 90\r\n\r\n{"name": "Weekly"}').encode())
        line.shutdown(socket.SHUT_WR)
        assert line.recv(100) == b""
    assert not spotify.world.playlists
    assert not spotify.world.log


def test_unknown_routes_and_methods(client: SpotifyClient) -> None:
    assert client.fails("GET", "/nothing")[0] == 404
    assert client.fails("DELETE", "/me/player/recently-played")[0] == 405
    assert client.fails("GET", "/me/shows")[0] == 501


def test_the_description_is_kept_to_the_letter() -> None:
    path = description()
    if path is None:
        pytest.skip("Spotify's description is not there")
    checks = load_openapi(path)

    def faults(path: str, body: bytes, **query: str) -> list[str]:
        request = Request("GET", path, query)
        return checks.faults_of(request, Answer(200, body, {}))

    assert faults("/v1/me", b'{"id": "alice"}') == []
    assert "country" in faults("/v1/me", b'{"country": "GB"}')[0]
    assert "/id" in faults("/v1/me", b'{"id": 1}')[0]
    assert "unknown parameter" in faults("/v1/me", b"{}", fields="id")[0]
    assert "no JSON" in faults("/v1/me", b"{")[0]
    assert "no such operation" in faults("/v1/tracks", b"{}", ids="1")[0]
    assert "out of range" in faults("/v1/search", b"{}", q="a", type="track", limit="50")[0]
    written = Request("POST", "/v1/playlists/a/items", {}, {"content-type": "application/json"})
    for body, fine in ((b'{"uris": ["a"]}', True), (b'["a"]', False), (b'{"ids": []}', False)):
        request = Request(written.method, written.path, {}, written.headers, body)
        found = checks.faults_of(request, Answer(201, b'{"snapshot_id": "a"}', {}))
        assert (found == []) is fine, found


def test_a_description_that_is_none_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "openapi.yml"
    wrong.write_text("paths: 1")
    with pytest.raises(ConfigError, match="no OpenAPI description"):
        load_openapi(wrong)


class _Broken:
    def faults_of(self, request: Request, given: Answer) -> list[str]:
        raise KeyError(request.path)


def test_a_fault_inside_the_fake_is_told() -> None:
    world = World()
    app, user = world.add_app(), world.add_user("alice")
    with FakeSpotify(world, checks=_Broken()) as spotify:
        answer = SpotifyClient.of(spotify, app, user).ask("GET", "/me")
    assert answer.status_code == 500
    assert "KeyError" in world.violations[0]


def test_a_fault_of_the_fake_fails_the_test_that_meets_it() -> None:
    world = World()
    world.violations.append("GET /me: the answer is wrong")
    with pytest.raises(AssertionError, match="the answer is wrong"), fake_spotify(world):
        pass
