"""No user can read or change another's data, by any route there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import httpx2
import pytest

from tests.doors.running import Running, event

pytestmark = pytest.mark.xdist_group("service")

Attempt = Callable[[httpx2.Client], httpx2.Response]

AT_BOBS: Final[dict[tuple[str, str], Attempt]] = {
    ("GET", "/recommendations"): lambda c: c.get("/recommendations?user_id=bob"),
    ("GET", "/users/{user_id}/profile"): lambda c: c.get("/users/bob/profile"),
    ("GET", "/users/{user_id}"): lambda c: c.get("/users/bob"),
    ("DELETE", "/users/{user_id}"): lambda c: c.delete("/users/bob"),
    ("GET", "/users"): lambda c: c.get("/users"),
    ("GET", "/metrics"): lambda c: c.get("/metrics"),
}
"""Routes that tell of users, or change them: Ann's key is refused."""

THE_SAME_FOR_ALL: Final[dict[tuple[str, str], Attempt]] = {
    ("POST", "/recommend/user/"): lambda c: c.post(
        "/recommend/user/", json={"tracks": [{"track_id": "j01"}], "k": 5}
    ),
    ("GET", "/recommend/song/{track_id}"): lambda c: c.get("/recommend/song/r02?k=5"),
    ("GET", "/tracks/search"): lambda c: c.get("/tracks/search?q=rock"),
    ("GET", "/tracks/{track_id}"): lambda c: c.get("/tracks/r02"),
    ("GET", "/health/live"): lambda c: c.get("/health/live"),
    ("GET", "/version"): lambda c: c.get("/version"),
}
"""Routes that know no users: whoever asks gets the same."""

ELSEWHERE: Final = {("POST", "/events"), ("GET", "/health/ready")}
"""Routes with a test of their own below."""


def test_every_route_is_looked_at_here(served: Running) -> None:
    with served.client() as client:
        paths = client.get("/openapi.json").json()["paths"]
    there = {(verb.upper(), path) for path, verbs in paths.items() for verb in verbs}
    assert there == set(AT_BOBS) | set(THE_SAME_FOR_ALL) | ELSEWHERE


@pytest.mark.parametrize("route", sorted(AT_BOBS), ids=" ".join)
def test_anns_key_does_not_open_what_is_bobs(served: Running, route: tuple[str, str]) -> None:
    with served.client("ann") as client:
        answer = AT_BOBS[route](client)
    assert answer.status_code == 403, answer.text
    assert answer.json()["type"] == "urn:segue:problem:not-allowed"
    assert "bob" not in answer.text


@pytest.mark.parametrize("route", sorted(THE_SAME_FOR_ALL), ids=" ".join)
def test_what_knows_no_users_is_the_same_for_all(served: Running, route: tuple[str, str]) -> None:
    attempt = THE_SAME_FOR_ALL[route]
    with served.client("ann") as ann, served.client("recommend") as other:
        first, second = attempt(ann), attempt(other)
    assert first.status_code == second.status_code == 200
    assert first.content == second.content


def test_anns_key_tells_nothing_in_bobs_name(served: Running) -> None:
    batch = [event("mine", "ann"), event("not-mine", "bob")]
    with served.client("ann") as ann, served.client("admin") as admin:
        told = ann.post("/events", json=batch).json()
        assert [one["outcome"] for one in told["events"]] == ["accepted", "rejected"]
        assert told["events"][1]["code"] == "not_yours"
        # had Bob's been taken, this would be a duplicate
        again = admin.post("/events", json=batch[1]).json()
        assert again["accepted"] == 1


def test_whether_somebody_exists_is_not_told(served: Running) -> None:
    with served.client("ann") as client:
        there, nowhere = client.get("/users/bob"), client.get("/users/nobody-at-all")
    assert there.status_code == nowhere.status_code == 403
    assert there.json()["detail"] == nowhere.json()["detail"]


@pytest.mark.parametrize("path", ["/users/ann%2F..%2Fbob", "/users/ANN", "/users/ann%00"])
def test_names_that_look_like_anns_are_not_hers(served: Running, path: str) -> None:
    with served.client("ann") as client:
        answer = client.get(path)
        assert answer.status_code == 403, answer.text
        assert client.get("/users/ann").json()["user_id"] == "ann"
        assert client.get("/recommendations?user_id=ann").json()["user_id"] == "ann"


def test_health_tells_numbers_only(served: Running) -> None:
    with served.client() as client:
        text = client.get("/health/ready").text
    assert "ann" not in text
    assert "bob" not in text
    assert str(served.home) not in text
