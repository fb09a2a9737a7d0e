"""The service behind API Gateway, invoked as Lambda invokes it."""

from __future__ import annotations

import base64
import json
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from segue.aws.clients import Aws
from segue.aws.profile_table import ItemOfEvent
from segue.doors.aws.gateway_keys import SCOPE, USER
from segue.doors.cli.app import app
from segue.events.admission import admitted
from segue.events.profiles import Profile, taken
from segue.music.event import Event
from tests.aws_cloud import NOW, Cloud, told
from tests.aws_shapes import proxy_event
from tests.doors.running import small_home
from tests.flows.world import World, world
from tests.lambda_runtime import IN_IMAGE, Function, lambda_function
from tests.s3_server import Fault, Proxy, S3Server, keys, s3_proxy
from tests.tiny import days_ago

pytestmark = pytest.mark.xdist_group("aws_functions")


@dataclass
class Serving:
    """The function, and what is around it."""

    function: Function
    cloud: Cloud
    home: Path
    place: str
    keys: dict[str, str]
    s3: Proxy
    folder: Path

    def ask(
        self, path: str, query: str = "", *, key: str = "app", **more: Any
    ) -> tuple[int, dict[str, Any]]:
        event = proxy_event(
            "POST" if "body" in more else "GET",
            path,
            query=query,
            key_id=self.keys.get(key, key),
            **more,
        )
        answer = self.function.invoke(event).value
        body = answer["body"]
        if answer["isBase64Encoded"]:
            body = base64.b64decode(body)
        return answer["statusCode"], json.loads(body)

    def answering(self) -> str:
        """The models that answer; recommendations never fail."""
        status, answer = self.ask("/recommendations", "user_id=ann&k=3")
        assert status == 200, answer
        return str(self.ask("/health/ready")[1]["bundle"])

    def until(self, bundle: str) -> set[str]:
        """All models that answer until these do."""
        seen: set[str] = set()
        end = time.monotonic() + 60
        while bundle not in seen and time.monotonic() < end:
            seen.add(self.answering())
        return seen

    def publish(self) -> dict[str, int]:
        words = ["--home", str(self.home), "aws", "publish", "--to", self.place, "--json"]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
        found: dict[str, int] = json.loads(done.stdout)
        return found


def new_keys(aws: Aws) -> dict[str, str]:
    """API Gateway's keys, and what their tags say; by a short name."""
    client = aws.client("apigateway")
    tags = {
        "app": {SCOPE: "recommend"},
        "ann": {USER: "ann"},
        "nothing": {"team": "web"},
        "off": {SCOPE: "recommend"},
    }
    made = {
        name: client.create_api_key(name=f"{name}-{uuid.uuid4().hex[:6]}", enabled=True, tags=tag)
        for name, tag in tags.items()
    }
    client.update_api_key(
        apiKey=made["off"]["id"],
        patchOperations=[{"op": "replace", "path": "/enabled", "value": "false"}],
    )
    return {name: one["id"] for name, one in made.items()}


@contextmanager
def serving(s3: S3Server, folder: Path, **more: str) -> Iterator[Serving]:
    cloud = Cloud(s3.url)
    place = f"s3://{s3.bucket(f'serving-{uuid.uuid4().hex[:8]}')}/home"
    with s3_proxy(s3) as proxy:
        environment = {
            "SEGUE_PUBLISHED": place,
            "SEGUE_LOOK_SECONDS": "0",
            "SEGUE_HOME": str(folder / "tmp"),
            "AWS_ENDPOINT_URL_S3": proxy.url,
            **more,
        }
        with lambda_function(
            "segue.doors.aws.serve.handler",
            cloud.environment(**environment),
            log=folder / "log",
        ) as function:
            yield Serving(
                function, cloud, folder / "home", place, new_keys(cloud.aws), proxy, folder
            )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_home(tmp_path_factory.mktemp("home") / "home")


@pytest.fixture(scope="module")
def here(s3: S3Server, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**keys(), "AWS_ENDPOINT_URL": s3.url}.items():
            patch.setenv(name, value)
        folder = tmp_path_factory.mktemp("serving")
        shutil.copytree(home, folder / "home", symlinks=True)
        with serving(s3, folder) as made:
            assert made.publish()["sent"] > 5
            assert made.publish()["sent"] == 0
            yield made


def newer(home: Path, size: int) -> World:
    """Publish other models and another history in a home."""
    tracks = [
        {
            "track_id": f"r{n:02}",
            "title": f"rock song {n}",
            "artist": f"rock artist {n}",
            "artists": [f"rock artist {n}"],
            "artist_id": f"rock-{n}",
            "genres": ["rock"],
        }
        for n in range(size)
    ]
    plays = [("ann", f"r{n:02}", days_ago(3 + n)) for n in range(6)]
    return world(home, tracks, plays)


def count(cloud: Cloud, *events: dict[str, Any]) -> None:
    """As the profiles function does."""
    found = [one for one in (admitted(one, NOW) for one in events) if isinstance(one, Event)]
    assert len(found) == len(events)

    def merged(record: bytes | None, fresh: Any) -> bytes:
        ids = {one.event_id for one in fresh}
        return taken(
            Profile.from_bytes(record), [one for one in found if one.event_id in ids]
        ).to_bytes()

    items = [
        ItemOfEvent(one.event_id, one.timestamp, json.dumps(body))
        for one, body in zip(found, events, strict=True)
    ]
    cloud.table.take(found[0].user_id, items, merged, NOW)


def test_recommendations_know_what_was_played(here: Serving) -> None:
    status, before = here.ask("/recommendations", "user_id=zoe&k=5")
    assert status == 200, before
    assert here.ask("/recommendations", "user_id=zoe&k=5")[1] == before
    count(here.cloud, *(told(n, "zoe", track_id=f"j0{n}") for n in range(1, 5)))
    after = here.ask("/recommendations", "user_id=zoe&k=5")[1]
    assert after["recommendation_id"] != before["recommendation_id"]
    assert not {one["track_id"] for one in after["tracks"]} & {f"j0{n}" for n in range(1, 5)}
    status, profile = here.ask("/users/zoe/profile")
    assert (status, profile["plays"], profile["recent"][0]["track_id"]) == (200, 4, "j04")


def test_the_routes_of_the_service_are_there(here: Serving) -> None:
    assert here.ask("/recommend/song/r01", "k=3")[0] == 200
    body = {"tracks": [{"track_id": "r01"}], "k": 2}
    status, found = here.ask("/recommend/user/", body=body)
    assert (status, len(found["tracks"])) == (200, 2)
    status, found = here.ask("/tracks/search", "q=rock%20song")
    assert (status, bool(found["tracks"])) == (200, True)
    status, problem = here.ask("/recommendations", "user_id=ann&k=0")
    assert (status, problem["type"]) == (422, "urn:segue:problem:invalid")


def test_a_user_sees_only_their_own(here: Serving) -> None:
    assert here.ask("/users/ann/profile", key="ann")[0] == 200
    for path, query in (("/users/bob/profile", ""), ("/recommendations", "user_id=bob")):
        status, problem = here.ask(path, query, key="ann")
        assert (status, problem["type"]) == (403, "urn:segue:problem:not-allowed")
    for key in ("nothing", "off", "unknown-id"):
        assert here.ask("/users/ann/profile", key=key)[0] == 401
    forged = {"Authorization": f"Bearer {here.keys['app']}", "x-api-key": here.keys["app"]}
    assert here.ask("/users/bob/profile", key="ann", headers=forged)[0] == 403
    event = proxy_event("GET", "/users/ann/profile", headers=forged, key_id=None)
    assert here.function.invoke(event).value["statusCode"] == 401


def test_who_was_forgotten_is_not_known_by_what_is_published(here: Serving) -> None:
    status, profile = here.ask("/users/bob/profile")
    assert (status, profile["plays"] > 0) == (200, True)
    assert here.cloud.table.forget("bob", NOW) == 0
    time.sleep(1.1)  # a function that is warm looks once a second
    status, problem = here.ask("/users/bob/profile")
    assert (status, problem["type"]) == (404, "urn:segue:problem:unknown-user")
    assert here.ask("/users/ann")[0] == here.ask("/recommendations", "user_id=bob&k=2")[0] == 200


def test_a_newer_model_is_taken_up_and_the_old_answers_meanwhile(here: Serving) -> None:
    first = here.answering()
    second = newer(here.home, 12).bundle.name
    here.publish()
    assert here.until(second) == {first, second}


def test_what_s3_cannot_give_leaves_the_old_in_place(here: Serving) -> None:
    before = here.answering()
    here.s3.fault = lambda request: Fault(503, "SlowDown")
    after = newer(here.home, 13).bundle.name
    here.publish()
    for _ in range(5):
        assert here.answering() == before
    wrong = Fault(flip=True)
    here.s3.fault = lambda request: wrong if "/files/" in request.path else None
    for _ in range(20):
        assert here.answering() == before
    here.s3.fault = lambda request: None
    assert here.until(after) <= {before, after}


def test_a_cold_start_without_s3_says_when_to_come_back(here: Serving) -> None:
    here.function.stop()
    shutil.rmtree(here.folder / "tmp", ignore_errors=IN_IMAGE)  # there it went with its process
    here.s3.fault = lambda request: Fault(403, "AccessDenied")
    event = proxy_event("GET", "/recommendations", query="user_id=ann", key_id=here.keys["app"])
    answer = here.function.invoke(event).value
    assert answer["statusCode"] == 503
    assert answer["headers"]["retry-after"]
    here.s3.fault = lambda request: None
    statuses = [503]
    while statuses[-1] == 503 and len(statuses) < 100:
        time.sleep(0.1)
        statuses.append(here.ask("/recommendations", "user_id=ann&k=2")[0])
    assert statuses[-1] == 200


@pytest.mark.skipif(IN_IMAGE, reason="the image in question has none")
def test_models_may_come_with_the_image(s3: S3Server, home: Path, tmp_path: Path) -> None:
    with serving(s3, tmp_path, SEGUE_PUBLISHED=str(home)) as made:
        assert made.ask("/recommendations", "user_id=ann&k=2")[0] == 200
        assert not made.s3.seen
        assert sorted(path.name for path in home.iterdir()) == ["models", "snapshots"]


def test_nobody_is_named_in_the_log(here: Serving) -> None:
    here.ask("/users/ann/profile")
    end = time.monotonic() + 10
    while "/users/{user_id}/profile" not in (log := (here.folder / "log").read_text()):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert "ann" not in log.replace("cannot", "")
