"""Asking Spotify: fresh tokens, bounded tries, and what its refusals mean."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

import httpx2
import pytest

from segue.errors import (
    BlockedError,
    ServiceDownError,
    ServiceError,
    SignInError,
    Temporary,
)
from segue.services.request_queue import RequestQueue
from segue.services.spotify.accounts import Accounts
from segue.services.spotify.api import SpotifyApi
from segue.services.spotify.client import SpotifyClient
from segue.services.spotify.records import ItemRow, Person, PlayerState, PlaylistHead, PlayRow
from segue.services.spotify.tokens import Tokens
from segue.services.state_file import StateFile

NOON: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
Handler = Callable[[httpx2.Request], httpx2.Response]


@dataclass
class Place:
    """Tokens of a test."""

    fields: dict[str, str] = field(default_factory=dict)

    def read(self) -> Mapping[str, str]:
        return dict(self.fields)

    def write(self, fields: Mapping[str, str | None]) -> None:
        merged = {**self.fields, **fields}
        self.fields = {key: value for key, value in merged.items() if value is not None}


@dataclass
class Spotify:
    """What answers, and what was asked.

    Args:
        answers: The API's, one after another; the last one stays.
        grants: Those of the accounts service.
    """

    answers: list[httpx2.Response | Exception] = field(default_factory=list)
    grants: list[httpx2.Response | Exception] = field(default_factory=list)
    asked: list[httpx2.Request] = field(default_factory=list)
    refreshes: list[httpx2.Request] = field(default_factory=list)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        token = request.url.path == "/api/token"
        (self.refreshes if token else self.asked).append(request)
        known = self.grants if token else self.answers
        answer = known.pop(0) if len(known) > 1 else known[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def _grant(access: str = "fresh", **more: Any) -> httpx2.Response:
    return httpx2.Response(200, json={"access_token": access, "expires_in": 3600, **more})


def _error(status: int, message: str = "no", **more: Any) -> httpx2.Response:
    headers = {"Retry-After": more.pop("after")} if "after" in more else {}
    told = {"error": {"status": status, "message": message, **more}}
    return httpx2.Response(status, json=told, headers=headers)


@dataclass
class House:
    """A client and all that it stands on."""

    folder: Path
    spotify: Spotify = field(default_factory=Spotify)
    now: datetime = NOON
    place: Place = field(
        default_factory=lambda: Place(
            {"spotify_client_id": "id", "refresh_token": "r1", "flow": "pkce"}
        )
    )
    waits: list[float] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)

    @property
    def queue(self) -> RequestQueue:
        state = StateFile(self.folder / "services.sqlite")
        return RequestQueue(state, "Spotify", budget=50, setting="s", clock=lambda: self.now)

    @property
    def client(self) -> SpotifyClient:
        http = httpx2.Client(transport=httpx2.MockTransport(self.spotify))
        accounts = Accounts("https://accounts.test", http, self.waits.append)

        def clock() -> datetime:
            return self.now

        tokens = Tokens(self.place, accounts, clock, on_end=self.ends.append)
        return SpotifyClient(
            "https://api.test/v1",
            http,
            tokens=tokens,
            queue=self.queue,
            clock=clock,
            pause=self.waits.append,
        )

    @property
    def api(self) -> SpotifyApi:
        return SpotifyApi(self.client, "test")


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path, Spotify([httpx2.Response(200, json={"ok": 1})], [_grant()]))


# --- tokens -------------------------------------------------------------------------------------


def test_an_access_token_is_fetched_kept_and_used_again(house: House) -> None:
    assert house.client.get("/me", purpose="test") == {"ok": 1}
    assert house.client.get("/me", purpose="test") == {"ok": 1}
    assert [request.headers["Authorization"] for request in house.spotify.asked] == [
        "Bearer fresh",
        "Bearer fresh",
    ]
    (refresh,) = house.spotify.refreshes
    form = {key: values[0] for key, values in parse_qs(refresh.content.decode()).items()}
    assert form == {"grant_type": "refresh_token", "refresh_token": "r1", "client_id": "id"}
    assert "Authorization" not in refresh.headers
    assert house.place.fields["access_token_expires_at"] == "2026-11-20T13:00:00+00:00"


def test_a_token_that_ends_within_the_minute_is_fetched_anew(house: House) -> None:
    house.client.get("/me", purpose="test")
    house.now += timedelta(minutes=59, seconds=1)
    house.client.get("/me", purpose="test")
    assert len(house.spotify.refreshes) == 2


def test_a_rotated_refresh_token_takes_the_place_of_the_old_one(house: House) -> None:
    house.spotify.grants = [_grant(refresh_token="r2", scope="a b")]
    house.client.get("/me", purpose="test")
    assert house.place.fields["refresh_token"] == "r2"
    assert house.place.fields["scope"] == "a b"


def test_a_token_that_was_made_with_the_secret_is_refreshed_with_it(house: House) -> None:
    house.place.fields = {
        "spotify_client_id": "id",
        "spotify_client_secret": "hush",
        "refresh_token": "r",
    }
    house.client.get("/me", purpose="test")
    basic = house.spotify.refreshes[0].headers["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(basic) == b"id:hush"
    assert b"hush" not in house.spotify.refreshes[0].content


def test_after_a_401_there_is_one_fresh_token_and_one_more_try(house: House) -> None:
    house.spotify.answers = [_error(401), httpx2.Response(200, json={"ok": 2})]
    house.spotify.grants = [_grant("one"), _grant("two")]
    assert house.client.get("/me", purpose="test") == {"ok": 2}
    assert house.queue.usage().by_purpose == {"test": 2}
    house.spotify.answers = [_error(401)]
    with pytest.raises(SignInError, match="does not accept"):
        house.client.get("/me", purpose="test")
    assert len(house.spotify.asked) == 4


def test_an_ended_sign_in_is_thrown_away_and_says_what_to_do(house: House) -> None:
    told = {"error": "invalid_grant", "error_description": "Refresh token expired"}
    house.spotify.grants = [httpx2.Response(400, json=told)]
    with pytest.raises(SignInError, match=r"has ended \(Refresh token expired\)") as ended:
        house.client.get("/me", purpose="test")
    assert "segue spotify login" in ended.value.cure
    assert house.place.fields["refresh_token"] == ""
    assert house.ends == ["the sign-in at Spotify has ended (Refresh token expired)"]
    assert len(house.spotify.refreshes) == 1
    with pytest.raises(SignInError, match="nobody is signed in"):
        house.client.get("/me", purpose="test")
    assert len(house.spotify.refreshes) == 1
    assert not house.spotify.asked


def test_a_refresh_token_that_somebody_else_rotated_meanwhile_is_no_end(house: House) -> None:
    theirs: dict[str, str] = {}
    asked: list[httpx2.Request] = []

    def other_was_faster(request: httpx2.Request) -> httpx2.Response:
        if b"r1" in request.content:
            house.place.write({"refresh_token": "r2", **theirs})
            return httpx2.Response(400, json={"error": "invalid_grant"})
        asked.append(request)
        return _grant("refreshed")

    http = httpx2.Client(transport=httpx2.MockTransport(other_was_faster))
    tokens = Tokens(house.place, Accounts("https://a.test", http), lambda: NOON, house.ends.append)
    assert tokens.access() == "refreshed"
    assert len(asked) == 1
    house.place.fields = {"spotify_client_id": "id", "refresh_token": "r1"}
    ends = (NOON + timedelta(hours=1)).isoformat()
    theirs.update({"access_token": "theirs", "access_token_expires_at": ends})
    assert tokens.access() == "theirs"
    assert len(asked) == 1
    assert not house.ends


def test_the_accounts_service_is_asked_again_when_it_fails_and_not_for_ever(house: House) -> None:
    house.spotify.grants = [httpx2.Response(503), httpx2.ReadTimeout("slow"), _grant()]
    house.client.get("/me", purpose="test")
    assert len(house.spotify.refreshes) == 3
    house.place.fields.pop("access_token")
    house.spotify.grants = [httpx2.Response(503)]
    with pytest.raises(ServiceDownError, match="accounts service is out of order"):
        house.client.ask("POST", "/x", purpose="test")
    assert house.place.fields["refresh_token"] == "r1"


@pytest.mark.parametrize("answer", [httpx2.Response(200, text="<html>"), _grant(""), "no dict"])
def test_an_answer_that_is_no_token_is_told(house: House, answer: Any) -> None:
    if isinstance(answer, str):
        answer = httpx2.Response(200, json=[answer])
    elif answer.content.startswith(b"{"):
        answer = httpx2.Response(200, json={"token_type": "Bearer"})
    house.spotify.grants = [answer]
    with pytest.raises(ServiceDownError, match="no token"):
        house.client.ask("POST", "/x", purpose="test")


def test_an_unknown_app_is_told(house: House) -> None:
    house.spotify.grants = [httpx2.Response(400, json={"error": "invalid_client"})]
    with pytest.raises(ServiceError, match="does not know this app") as unknown:
        house.client.get("/me", purpose="test")
    assert not isinstance(unknown.value, SignInError)
    assert house.place.fields["refresh_token"] == "r1"


def test_no_token_is_logged_or_shown(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    house.place.fields["refresh_token"] = "s3cret-refresh"
    house.spotify.answers = [httpx2.Response(500), httpx2.Response(200, json={})]
    house.spotify.grants = [_grant("s3cret-access", refresh_token="s3cret-next")]
    house.client.get("/me", purpose="test")
    house.spotify.grants = [
        httpx2.Response(400, json={"error": "invalid_grant", "error_description": "s3cret" * 9})
    ]
    house.now += timedelta(days=1)
    with pytest.raises(SignInError) as ended:
        house.client.get("/me", purpose="test")
    assert "s3cret" not in caplog.text + str(ended.value) + repr(ended.value)


# --- tries --------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [httpx2.Response(502), httpx2.ReadError("gone")])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_what_may_be_done_twice_is_tried_three_times(
    house: House, method: str, fault: httpx2.Response | Exception
) -> None:
    house.spotify.answers = [fault, fault, httpx2.Response(200, json={"ok": 3})]
    assert house.client.ask(method, "/x", purpose="test") == {"ok": 3}
    assert len(house.waits) == 2
    assert 0.3 <= house.waits[0] <= 1.0 < 2 * house.waits[1] <= 4.0
    house.spotify.answers = [fault]
    house.spotify.asked.clear()
    with pytest.raises(ServiceDownError) as down:
        house.client.ask(method, "/x", purpose="test")
    assert len(house.spotify.asked) == 3
    assert isinstance(down.value, Temporary)
    assert not down.value.unsure


@pytest.mark.parametrize("fault", [httpx2.Response(500), httpx2.ReadTimeout("slow")])
def test_what_may_not_be_done_twice_is_tried_once_and_is_unsure(
    house: House, fault: httpx2.Response | Exception
) -> None:
    house.spotify.answers = [fault]
    with pytest.raises(ServiceDownError) as down:
        house.api.add_items("p", ["spotify:track:x"], position=0)
    assert len(house.spotify.asked) == 1
    assert down.value.unsure
    with pytest.raises(ServiceDownError):
        house.api.move_items("p", 3, before=0)
    assert len(house.spotify.asked) == 2


def test_what_was_never_sent_is_tried_again_whatever_it_is(house: House) -> None:
    house.spotify.answers = [httpx2.ConnectError("refused")]
    with pytest.raises(ServiceDownError, match="does not answer") as down:
        house.api.add_items("p", ["spotify:track:x"], position=None)
    assert len(house.spotify.asked) == 3
    assert not down.value.unsure


def test_a_page_of_a_portal_is_no_answer(house: House) -> None:
    house.spotify.answers = [httpx2.Response(200, text="<html>Just a moment</html>")]
    with pytest.raises(ServiceDownError, match="no JSON"):
        house.api.me()


# --- limits -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "seconds", "reason"),
    [
        (_error(429, reason="QUOTA_EXCEEDED", after="48925"), 48_925, "quota"),
        (_error(429, reason="QUOTA_EXCEEDED"), 86_400, "quota"),
        (_error(429, after="7"), 7, "rate"),
        (httpx2.Response(429, text="API rate limit exceeded"), 30, "rate"),
        (_error(429, after="soon"), 30, "rate"),
        (_error(429, after="-5"), 1, "rate"),
    ],
)
def test_a_429_blocks_everybody_and_nothing_waits(
    house: House, answer: httpx2.Response, seconds: int, reason: str
) -> None:
    house.spotify.answers = [answer]
    with pytest.raises(BlockedError) as blocked:
        house.api.me()
    assert blocked.value.until == NOON + timedelta(seconds=seconds)
    assert blocked.value.reason == reason
    with pytest.raises(BlockedError):
        house.api.me()
    assert len(house.spotify.asked) == 1
    assert not house.waits
    house.now = blocked.value.until + timedelta(seconds=1)
    house.spotify.answers = [httpx2.Response(200, json={})]
    house.api.me()


@pytest.mark.parametrize(
    ("status", "message", "kind", "cure"),
    [
        (403, "Insufficient client scope", SignInError, "spotify login"),
        (403, "Active premium subscription required for the owner of the app.", ServiceError, "P"),
        (403, "User not registered in the Developer Dashboard", ServiceError, "five users"),
        (403, "Forbidden", ServiceError, "five"),
        (404, "Resource not found", ServiceError, "deleted"),
        (400, "Invalid limit", ServiceError, ""),
    ],
)
def test_refusals_say_what_to_do(
    house: House, status: int, message: str, kind: type[ServiceError], cure: str
) -> None:
    house.spotify.answers = [_error(status, message)]
    with pytest.raises(ServiceError, match=message[:20]) as refused:
        house.api.me()
    assert type(refused.value) is kind
    assert refused.value.status == status
    assert cure in refused.value.cure
    assert len(house.spotify.asked) == 1


def test_playlists_of_others_are_named_as_the_reason(house: House) -> None:
    house.spotify.answers = [_error(403, "Forbidden")]
    with pytest.raises(ServiceError) as refused:
        list(house.api.playlist_items("37i9dQZEVXcQ9COmYvdajy"))
    assert "own or collaborate" in refused.value.cure


# --- the API ------------------------------------------------------------------------------------


def test_pages_are_read_to_the_end(house: House) -> None:
    row = {"added_at": "2026-01-01T00:00:00Z", "item": {"uri": "spotify:track:a", "name": "A"}}
    house.spotify.answers = [
        httpx2.Response(200, json={"items": [row] * 50, "next": "somewhere"}),
        httpx2.Response(200, json={"items": [row, {"item": None}], "next": None}),
    ]
    found = list(house.api.playlist_items("p/../q"))
    assert len(found) == 52
    assert found[-1].track is None
    assert [request.url.params["offset"] for request in house.spotify.asked] == ["0", "50"]
    assert b"/v1/playlists/p%2F..%2Fq/items" in house.spotify.asked[0].url.raw_path


def test_writes_have_the_bodies_of_2026(house: House) -> None:
    house.spotify.answers = [httpx2.Response(200, json={"snapshot_id": "s2"})]
    assert house.api.replace_items("p", ["u1"]) == "s2"
    house.api.add_items("p", ["u1"], position=3)
    house.api.remove_items("p", ["u1"])
    house.api.move_items("p", 5, before=0, length=2, snapshot_id="s")
    assert [
        (request.method, request.url.path, request.content) for request in house.spotify.asked
    ] == [
        ("PUT", "/v1/playlists/p/items", b'{"uris":["u1"]}'),
        ("POST", "/v1/playlists/p/items", b'{"uris":["u1"],"position":3}'),
        ("DELETE", "/v1/playlists/p/items", b'{"items":[{"uri":"u1"}]}'),
        (
            "PUT",
            "/v1/playlists/p/items",
            b'{"range_start":5,"insert_before":0,"range_length":2,"snapshot_id":"s"}',
        ),
    ]


@pytest.mark.parametrize("told", [None, {}, [], "x", 3, {"item": 3, "track": [], "items": "x"}])
def test_whatever_is_missing_is_no_fault(told: Any) -> None:
    assert PlayRow.of(told) is None
    assert PlaylistHead.of(told) is None
    assert ItemRow.of(told).track is None
    assert Person.of(told) == Person("", "")
    state = PlayerState.of(told)
    assert state is None or not state.is_playing


def test_a_play_is_read_with_what_there_is() -> None:
    row = PlayRow.of(
        {
            "played_at": "2026-11-20T11:59:59.123Z",
            "track": {"name": "T\ud800", "uri": "spotify:track:x", "artists": [{}, {"name": "A"}]},
        }
    )
    assert row is not None
    assert row.told_at == datetime(2026, 11, 20, 11, 59, 59, 123_000, UTC)
    assert (row.track.title, row.track.artists, row.track.duration_ms) == ("T?", ("A",), None)
