"""The service over real HTTP: what it answers, and how it refuses."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, get_args

import httpx2
import pytest

from segue.access.sqlite_keys import SqliteKeys
from segue.doors.http.asked import ForSong, Mood
from segue.flows.keys import create_key
from segue.music.moods import BOUNDED, MOODS
from tests.doors.running import Running, event

pytestmark = pytest.mark.xdist_group("service")


def _problem(answer: httpx2.Response, status: int, kind: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["type"] == f"urn:segue:problem:{kind}"
    assert told["status"] == status
    assert told["title"]
    assert told["detail"]
    assert told["request_id"] == answer.headers["request-id"]
    return told


def _track_ids(answer: httpx2.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [track["track_id"] for track in answer.json()["tracks"]]


# --- recommendations ----------------------------------------------------------------------------


def test_a_user_gets_recommendations_with_reasons(served: Running) -> None:
    with served.client("recommend") as client:
        first = client.get("/recommendations", params={"user_id": "bob", "k": 5})
        again = client.get("/recommendations", params={"user_id": "bob", "k": 5})
    told = first.json()
    assert len(_track_ids(first)) == 5
    assert told["user_id"] == "bob"
    assert told["recommendation_id"]
    assert all(track["reason"] and track["score"] > 0 for track in told["tracks"])
    assert again.content == first.content


def test_the_next_call_knows_the_event_before_it(served: Running) -> None:
    with served.client("admin") as client:
        asked = {"user_id": "newcomer", "k": "8"}
        before = client.get("/recommendations", params=asked).json()
        said = [event(n, "newcomer", f"j{n:02}", event_type="complete") for n in range(3)]
        assert client.post("/events", json=said).json()["accepted"] == 3
        after = client.get("/recommendations", params=asked).json()
    assert after["recommendation_id"] != before["recommendation_id"]
    assert {"j00", "j01", "j02"}.isdisjoint(track["track_id"] for track in after["tracks"])


def test_filters_hold(served: Running) -> None:
    with served.client("recommend") as client:
        asked = "user_id=bob&k=20&years=1999-1990&genre=jazz&exclude=j10&exclude=j11"
        found = client.get(f"/recommendations?{asked}")
        song = client.get("/recommend/song/r03", params={"k": 5, "tempo": "90-", "per_artist": 1})
    assert found.json()["tracks"]
    assert all(1990 <= track["year"] <= 1999 for track in found.json()["tracks"])
    assert {one[0] for one in _track_ids(found)} == {"j"}
    assert "j10" not in _track_ids(found)
    assert "r03" not in _track_ids(song)
    assert song.json()["mix"] == "similar"
    artists = [name for track in song.json()["tracks"] for name in track["artists"]]
    assert len(set(artists)) == len(artists) > 0


def test_a_mood_or_bounds_of_sound_may_be_asked_for(served: Running) -> None:
    url = "/recommendations?user_id=bob&k=10"
    with served.client("recommend") as client:
        wild = client.get(f"{url}&mood=energetic")
        calm = client.get(f"{url}&energy=-0.5&explicit=false")
        assert {one[0] for one in _track_ids(wild)} == {"r"}
        assert {one[0] for one in _track_ids(calm)} == {"j"}
        _problem(client.get(f"{url}&mood=odd"), 422, "invalid")
        _problem(client.get(f"{url}&energy=2-3"), 422, "invalid")
    assert set(get_args(Mood)) == set(MOODS)
    assert set(BOUNDED) < set(ForSong.model_fields)


def test_whoever_listened_to_this(served: Running) -> None:
    asked = {
        "tracks": [{"track_id": "spotify:track:" + "j05".zfill(22), "plays": 9, "liked": True}],
        "k": 5,
    }
    with served.client("ann") as client:
        found = client.post("/recommend/user/", json=asked)
        nobody = client.post("/recommend/user/", json={})
    assert _track_ids(found)[0][0] == "j"
    assert found.json()["user_id"] is None
    assert _track_ids(nobody)


def test_what_cannot_be_asked_is_named(served: Running) -> None:
    with served.client("recommend") as client:
        told = _problem(client.get("/recommendations", params={"k": 0}), 422, "invalid")
        assert {one["field"] for one in told["errors"]} == {"k", "user_id"}
        url = "/recommendations?user_id=bob&user_id=ann"
        assert _problem(client.get(url), 422, "invalid")["errors"][0]["field"] == "user_id"
        url = "/recommendations?user_id=bob&size=3"
        assert _problem(client.get(url), 422, "invalid")["errors"][0]["field"] == "size"
        _problem(client.get("/recommendations?user_id=bob&genre=%FF"), 400, "invalid")
        told = _problem(client.get("/recommend/song/r03?years=soon"), 422, "invalid")
        assert told["errors"][0]["field"] == "years"
        _problem(client.get("/recommend/song/nothing"), 404, "unknown-track")
        told = _problem(client.post("/recommend/user/", json={"tracks": [{}]}), 422, "invalid")
        assert told["errors"][0]["field"] == "tracks.0.track_id"
        json_ = {"content-type": "application/json"}
        broken = client.post("/recommend/user/", content=b"{", headers=json_)
        _problem(broken, 400, "not-json")
        _problem(client.post("/recommend/user/", content=b"{}"), 415, "media-type")
        for wrong in (0, "2026-01-01T00:00:00", "soon"):
            told = {"tracks": [{"track_id": "j01", "last_played_at": wrong}]}
            _problem(client.post("/recommend/user/", json=told), 422, "invalid")
        _problem(client.post("/recommend/user/", json={"k": "5"}), 422, "invalid")


# --- events -------------------------------------------------------------------------------------


def test_every_event_of_a_batch_is_answered_for_itself(served: Running) -> None:
    late = event("late", timestamp="2999-01-01T00:00:00Z")
    batch = {"events": [event("b1"), event("b1"), late, {"event_id": "b2"}, 7]}
    with served.client("ingest") as client:
        answer = client.post("/events", json=batch)
        single = client.post("/events", json=event("b1"))
    assert answer.status_code == 200
    told = answer.json()
    assert (told["accepted"], told["duplicate"], told["rejected"]) == (1, 1, 3)
    assert [one["outcome"] for one in told["events"]] == [
        "accepted",
        "duplicate",
        "rejected",
        "rejected",
        "rejected",
    ]
    assert told["events"][2]["code"] == "in_the_future"
    assert told["events"][3] == {
        "event_id": "b2",
        "outcome": "rejected",
        "code": "missing",
        "field": "user_id",
        "reason": "“user_id” is missing.",
    }
    assert [one["event_id"] for one in told["events"]] == ["eb1", "eb1", "elate", "b2", None]
    assert single.json()["events"] == [{"event_id": "eb1", "outcome": "duplicate"}]


def test_a_key_may_pin_the_source(served: Running) -> None:
    from segue.events.sqlite_log import SqliteLog

    with served.client("pinned") as client:
        client.post("/events", json=event("p", "pia", source="app")).raise_for_status()
    log = SqliteLog(served.home / "events" / "events.sqlite")
    assert [one.event.source for one in log.of_user("pia")] == ["spotify_api"]
    log.close()


def test_batches_and_bodies_have_a_limit(served: Running) -> None:
    with served.client("ingest") as client:
        assert client.post("/events", json=[event(f"m{n}") for n in range(500)]).is_success
        many = client.post("/events", json=[event(n) for n in range(501)])
        assert "500" in _problem(many, 422, "too-many")["detail"]
        large = client.post("/events", json={**event("l"), "context": {"x": "y" * 1_100_000}})
        _problem(large, 413, "too-large")

        def parts() -> Any:
            for _ in range(40):
                yield b" " * 65_536

        _problem(
            client.post("/events", content=parts(), headers={"content-type": "application/json"}),
            413,
            "too-large",
        )
        assert client.post("/events", json=[]).json()["events"] == []


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b"", 400, "not-json"),
        (b"{", 400, "not-json"),
        (b'{"event_id": "\xff"}', 400, "not-json"),
        (b"[" * 100_000, 400, "not-json"),
        (b"7", 422, "invalid"),
        (b'{"events": 7}', 422, "invalid"),
    ],
)
def test_what_is_no_batch_is_refused(served: Running, body: bytes, status: int, kind: str) -> None:
    with served.client("ingest") as client:
        headers = {"content-type": "application/json; charset=utf-8"}
        _problem(client.post("/events", content=body, headers=headers), status, kind)
        _problem(client.post("/events", content=b"{}"), 415, "media-type")


def test_an_event_that_cannot_be_repeated_is_rejected_all_the_same(served: Running) -> None:
    body = b'[{"event_id": "\\ud800"}, {"event_id": "' + b"x" * 300 + b'"}, {"event_id": 5}]'
    with served.client("ingest") as client:
        headers = {"content-type": "application/json"}
        answer = client.post("/events", content=body, headers=headers)
    if answer.status_code == 400:  # half a character is no JSON for every reader
        _problem(answer, 400, "not-json")
    else:
        assert [one["event_id"] for one in answer.json()["events"]] == [None] * 3


# --- tracks, users, and the service itself --------------------------------------------------------


def test_tracks_are_found_by_name_and_by_id(served: Running) -> None:
    with served.client("recommend") as client:
        found = client.get("/tracks/search", params={"q": "jazz song 7", "limit": 3})
        assert "j07" in _track_ids(client.get("/tracks/search", params={"q": "jazz song 7"}))
        assert len(_track_ids(found)) <= 3
        assert client.get("/tracks/j07").json()["title"] == "jazz song 7"
        _problem(client.get("/tracks/nothing"), 404, "unknown-track")
        _problem(client.get("/tracks/search"), 422, "invalid")


def test_users_are_listed_told_and_forgotten(served: Running) -> None:
    with served.client("admin") as client:
        client.post("/events", json=event("f", "fay/of the hill", "r01")).raise_for_status()
        page = client.get("/users", params={"limit": 1}).json()
        assert [user["user_id"] for user in page["users"]] == ["ann"] == [page["after"]]
        rest = client.get("/users", params={"after": "ann"}).json()
        assert "bob" in [user["user_id"] for user in rest["users"]]
        assert client.get("/users/fay%2Fof the hill").json()["live"]
        profile = client.get("/users/fay%2Fof the hill/profile").json()
        assert profile["user_id"] == "fay/of the hill"
        assert client.delete("/users/fay%2Fof the hill").json()["events"] == 1
        _problem(client.get("/users/fay%2Fof the hill"), 404, "unknown-user")
        _problem(client.get("/users/nobody/profile"), 404, "unknown-user")
        _problem(client.delete("/users/nobody"), 404, "unknown-user")


def test_keys_of_a_forgotten_user_open_nothing(served: Running) -> None:
    store = SqliteKeys(served.home / "access" / "keys.sqlite")
    _, token = create_key(store, "gil's", ["ingest"], now=datetime.now(UTC), user_id="gil")
    store.close()
    with served.client("admin") as admin, served.client() as client:
        headers = {"authorization": f"Bearer {token.text}"}
        told = client.post("/events", json=event("g", "gil"), headers=headers)
        assert told.json()["accepted"] == 1
        assert admin.delete("/users/gil").is_success
        _problem(client.post("/events", json=event("h", "gil"), headers=headers), 401, "wrong-key")


def test_health_and_version_need_no_key(served: Running) -> None:
    with served.client() as client:
        assert client.get("/health/live").json() == {"status": "live"}
        ready = client.get("/health/ready").json()
        assert ready["ready"]
        assert set(ready["behind"]) == {"profiles", "lake"}
        assert client.get("/version").json()["name"] == "segue"
        assert client.get("/openapi.json").json()["openapi"].startswith("3.1")


def test_numbers_for_prometheus(served: Running) -> None:
    with served.client("admin") as client:
        client.post("/events", json=event("n", "nia")).raise_for_status()
        client.get("/recommendations", params={"user_id": "nia"}).raise_for_status()
        text = client.get("/metrics").text
    assert 'segue_events_total{outcome="accepted"}' in text
    assert 'segue_requests_total{method="POST",route="/events",status="200"}' in text
    assert 'segue_request_seconds_bucket{le="0.01",route="/recommendations"}' in text
    assert 'segue_events_behind{consumer="profiles"}' in text
    assert 'segue_recommendations_total{how="made"}' in text
    assert "segue_bundle_age_seconds" in text
    assert "nia" not in text


def test_the_consumers_follow(served: Running) -> None:
    with served.client("admin") as client:
        client.post("/events", json=event("c", "cem")).raise_for_status()
        since = time.monotonic()
        while client.get("/health/ready").json()["behind"]["profiles"]:
            assert time.monotonic() - since < 5
            time.sleep(0.05)


# --- refusals -----------------------------------------------------------------------------------


def test_paths_and_methods_that_are_not_there(served: Running) -> None:
    with served.client("admin") as client:
        _problem(client.get("/nothing"), 404, "no-such-path")
        refused = client.put("/events", json={})
        _problem(refused, 405, "no-such-method")
        assert refused.headers["allow"] == "POST"
        _problem(client.get("/recommend/user"), 404, "no-such-path")
        assert client.put("/users/ann").headers["allow"] == "DELETE, GET"


def test_a_key_is_wanted_and_must_open(served: Running) -> None:
    with served.client() as client:
        missing = client.get("/tracks/j01")
        _problem(missing, 401, "no-key")
        assert missing.headers["www-authenticate"] == 'Bearer realm="segue"'
        for token in ("x", "x y", served.tokens["admin"][:-1] + "~", served.tokens["admin"] + "x"):
            answer = client.get("/tracks/j01", headers={"authorization": f"Bearer {token}"})
            _problem(answer, 401, "wrong-key")
        _problem(client.get("/nothing"), 401, "no-key")


def test_a_key_does_what_its_scopes_say(served: Running) -> None:
    with served.client("ingest") as client:
        refused = client.get("/tracks/j01")
        assert "recommend" in _problem(refused, 403, "not-allowed")["detail"]
        assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
        _problem(client.get("/recommendations?user_id=bob"), 403, "not-allowed")
    with served.client("recommend") as client:
        _problem(client.post("/events", json=[]), 403, "not-allowed")
        _problem(client.get("/users"), 403, "not-allowed")
        _problem(client.delete("/users/bob"), 403, "not-allowed")


def test_a_revoked_key_opens_nothing_within_a_second(served: Running) -> None:
    store = SqliteKeys(served.home / "access" / "keys.sqlite")
    key, token = create_key(store, "short", ["recommend"], now=datetime.now(UTC))
    headers = {"authorization": f"Bearer {token.text}"}
    with served.client() as client:
        since = time.monotonic()
        while not client.get("/tracks/j01", headers=headers).is_success:
            assert time.monotonic() - since < 5  # a key of that id may have been looked for before
        store.revoke(key.key_id, datetime.now(UTC))
        since = time.monotonic()
        while client.get("/tracks/j01", headers=headers).is_success:
            assert time.monotonic() - since < 5
            time.sleep(0.02)
    store.close()


def test_a_key_may_ask_as_often_as_its_rate_says(served: Running) -> None:
    with served.client("slow") as client:
        first, second = client.get("/tracks/j01"), client.get("/tracks/j01")
    assert first.is_success
    assert first.headers["ratelimit"] == '"key";r=0;t=2'
    _problem(second, 429, "too-often")
    assert 1 <= int(second.headers["retry-after"]) <= 3


def test_every_answer_has_its_headers(served: Running) -> None:
    with served.client("admin") as client:
        for path in ("/version", "/tracks/j01", "/recommendations?user_id=bob", "/nothing"):
            answer = client.get(path, headers={"request-id": "mine-1"})
            assert answer.headers["request-id"] == "mine-1"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "no-store"
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert "access-control-allow-origin" not in answer.headers
            assert "server" not in answer.headers
        odd = client.get("/version", headers={"request-id": "a b"})
        assert odd.headers["request-id"] != "a b"
        assert client.options("/events", headers={"origin": "https://x.example"}).status_code == 405


def test_the_log_tells_of_requests_and_not_of_people(served: Running) -> None:
    with served.client("admin") as c:
        c.get("/users/secretive/profile", headers={"request-id": "look-here"})
        c.get("/recommendations", params={"user_id": "secretive", "seed": "j07"})
    time.sleep(0.6)
    text = served.log.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    (line,) = [one for one in lines if one.get("request_id") == "look-here"]
    assert line["route"] == "/users/{user_id}/profile"
    assert (line["method"], line["status"]) == ("GET", 404)
    assert line["ms"] > 0
    assert len(line["key"]) == 12
    assert "secretive" not in text
    assert not any(token in text for token in served.tokens.values())


def _raw(served: Running, sent: bytes) -> bytes:
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(sent)
        return connection.recv(65_536)


def test_requests_may_share_a_connection_or_end_it(served: Running) -> None:
    live = b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n"
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(live * 3 + live.replace(b"GET", b"HEAD"))
        got = b""
        while got.count(b"HTTP/1.1 ") < 4:
            got += connection.recv(65_536)
        assert got.count(b'{"status":"live"}') == 3
        assert got.count(b"HTTP/1.1 200") == 3
        assert b"HTTP/1.1 405" in got  # and no body after it
        assert got.endswith(b"\r\n\r\n")
        connection.sendall(live.replace(b"1.1", b"1.0"))
        last = b""
        while part := connection.recv(65_536):
            last += part
        assert b"connection: close" in last
        assert last.endswith(b'{"status":"live"}')


def _answers(served: Running, parts: Sequence[bytes], number: int) -> list[bytes]:
    """What comes back on one connection, split by answers."""
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(0.02)
        got = b""
        while got.count(b'"outcome":') + got.count(b'"status":') < number:
            more = connection.recv(65_536)
            assert more, got
            got += more
    return got.split(b"HTTP/1.1 ")[1:]


def _post(
    served: Running, number: object, *more: str, path: str = "/events", pad: int = 0
) -> bytes:
    body = json.dumps(event(number)) + " " * pad
    head = (
        f"POST {path} HTTP/1.1",
        "host: localhost",
        "content-type: application/json",
        f"authorization: Bearer {served.tokens['ingest']}",
        f"content-length: {len(body)}",
        *more,
    )
    return "\r\n".join([*head, "", body]).encode()


def test_events_by_themselves_are_answered_in_order_however_they_are_cut(served: Running) -> None:
    several = b"".join(_post(served, f"s{n}", f"request-id: r{n}") for n in range(4))
    together = _answers(served, [several], 4)
    pieces = _answers(served, [several[at : at + 300] for at in range(0, len(several), 300)], 4)
    for answers, outcome in ((together, b"accepted"), (pieces, b"duplicate")):
        for number, answer in enumerate(answers):
            assert answer.startswith(b"200 OK\r\n")
            assert b"request-id: r%d\r\n" % number in answer
            assert b'{"event_id":"es%d","outcome":"%b"}' % (number, outcome) in answer


def test_an_event_by_itself_may_come_in_any_http(served: Running) -> None:
    live = b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n"
    padded = _answers(served, [_post(served, "pad", pad=40_000), live], 2)
    asked = _answers(served, [_post(served, "100", "expect: 100-continue"), live], 2)
    last = _answers(served, [_post(served, "close", "connection: close")], 1)
    old = _answers(served, [_post(served, "old").replace(b"/1.1", b"/1.0")], 1)
    for *_, answer, _ in (padded, asked, [*last, b""], [*old, b""]):
        assert b'"accepted":1' in answer
    assert asked[0].startswith(b"100 ")
    for answer in (*last, *old):
        assert answer.count(b"connection: close\r\n") == 1


@pytest.mark.parametrize("holder", ["ingest", "ann", "recommend", None])
@pytest.mark.parametrize(
    "wrong", [{}, {"user_id": "ann"}, {"event_type": "stop"}, {"ms_played": -1}]
)
def test_an_event_by_itself_is_answered_as_in_a_list(
    served: Running, holder: str | None, wrong: dict[str, Any]
) -> None:
    told = event(f"alike-{holder}-{len(wrong)}", **wrong)
    with served.client(holder) as client:
        client.post("/events", json=told)
        answers = [client.post("/events", json=body) for body in (told, [told])]
    one, listed = ({**answer.json(), "request_id": ""} for answer in answers)
    assert one == listed
    headers = [dict(answer.headers) for answer in answers]
    for found in headers:
        for name in ("request-id", "date", "ratelimit", "content-length"):
            found.pop(name, None)
    assert headers[0] == headers[1]
    assert answers[0].status_code == answers[1].status_code


def test_a_head_without_an_end_is_refused(served: Running) -> None:
    assert b" 431 " in _raw(served, b"GET / HTTP/1.1\r\nx: " + b"y" * 100_000)
    nonsense = _raw(served, b"NONSENSE\r\n\r\n")
    assert b" 400 " in nonsense
    assert b"application/problem+json" in nonsense
