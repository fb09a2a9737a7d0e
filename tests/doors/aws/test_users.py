"""`DELETE /users/{user_id}` behind API Gateway, invoked as Lambda invokes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from segue.doors.aws.gateway_keys import SCOPE, USER
from segue.music.forgotten import mark_of
from tests.aws_cloud import Cloud, expected, record, told
from tests.aws_shapes import proxy_event
from tests.lambda_runtime import Function, lambda_function
from tests.s3_server import Fault, Proxy, S3Server, keys, s3_proxy

pytestmark = pytest.mark.xdist_group("aws_functions")


@pytest.fixture(scope="module")
def cloud(s3: S3Server) -> Iterator[Cloud]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in keys().items():
            patch.setenv(name, value)
        yield Cloud(s3.url)


@pytest.fixture(scope="module")
def dynamo(s3: S3Server) -> Iterator[Proxy]:
    with s3_proxy(s3) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("users") / "log"


@pytest.fixture(scope="module")
def users(cloud: Cloud, dynamo: Proxy, log: Path) -> Iterator[Function]:
    environment = cloud.environment(AWS_ENDPOINT_URL_DYNAMODB=dynamo.url)
    with lambda_function("segue.doors.aws.users.handler", environment, log=log) as function:
        yield function


@pytest.fixture(scope="module")
def profiles(cloud: Cloud) -> Iterator[Function]:
    with lambda_function("segue.doors.aws.profiles.handler", cloud.environment()) as function:
        yield function


def key(cloud: Cloud, **tags: str) -> str:
    client = cloud.aws.client("apigateway")
    named = {name.replace("_", ":"): value for name, value in tags.items()}
    return str(client.create_api_key(name="k", enabled=True, tags=named)["id"])


def asked(
    users: Function, key_id: str | None, user: str, method: str = "DELETE"
) -> tuple[int, dict[str, Any], dict[str, str]]:
    answer = users.invoke(proxy_event(method, f"/users/{user}", key_id=key_id)).value
    return answer["statusCode"], json.loads(answer["body"]), answer["headers"]


def count(cloud: Cloud, profiles: Function, *events: dict[str, Any]) -> None:
    cloud.stream.put([record(one) for one in events])
    records = cloud.batch()["Records"][-len(events) :]
    assert profiles.invoke({"Records": records}).value == {"batchItemFailures": []}


def test_a_user_goes_and_what_comes_late_brings_nothing_back(
    cloud: Cloud, users: Function, profiles: Function, log: Path
) -> None:
    assert (SCOPE, USER) == ("segue:scope", "segue:user")
    admin, theirs = key(cloud, segue_scope="admin"), key(cloud, segue_user="o'neil/ö")
    other = key(cloud, segue_user="bob")
    before = [told(n, user="o'neil/ö") for n in range(40)]
    count(cloud, profiles, *before[:30], *(told(n, user="bob") for n in range(2)))

    status, answer, _ = asked(users, admin, "o%27neil/%C3%B6")
    assert (status, answer["user_id"], answer["events"]) == (200, "o'neil/ö", 30)
    assert "segue aws forget --user" in answer["remains"]
    assert cloud.table.sorts("o'neil/ö") == ()
    left = {one["id"] for one in cloud.aws.client("apigateway").get_api_keys()["items"]}
    assert {admin, other} <= left
    assert theirs not in left

    count(cloud, profiles, *before)  # delivered again, and what was on its way
    assert cloud.table.profile("o'neil/ö") is None
    since = cloud.table.marks.since(mark_of("o'neil/ö"))
    assert since is not None
    soon = (datetime.now(tz=UTC) + timedelta(seconds=2)).isoformat()
    back = told(99, user="o'neil/ö", timestamp=soon)
    count(cloud, profiles, back, before[0])
    (event,) = cloud.table.kept("o'neil/ö").events
    assert json.loads(event.body)["event_id"] == "e99"
    assert event.position > 1e15, "who remembers the user from before sees that it is new"

    assert asked(users, admin, "o%27neil/%C3%B6")[1]["events"] == 1
    assert asked(users, admin, "nobody")[:2][1]["events"] == 0
    assert cloud.table.profile("bob") == expected([told(n, user="bob") for n in range(2)])
    marks = cloud.table.marks
    assert marks.times() == 3
    found = marks.behind("", 1_000)
    assert found == tuple(sorted([mark_of("o'neil/ö"), mark_of("nobody")]))
    assert marks.behind(found[0], 1_000) == found[1:]
    assert "neil" not in log.read_text()


def test_only_who_looks_after_users_may(cloud: Cloud, users: Function) -> None:
    assert asked(users, None, "ann")[0] == 401
    assert asked(users, "unknown", "ann")[0] == 401
    for tags in ({"segue_scope": "recommend"}, {"segue_user": "ann"}):
        status, problem, _ = asked(users, key(cloud, **tags), "ann")
        assert (status, problem["type"]) == (403, "urn:segue:problem:not-allowed")
    admin = key(cloud, segue_scope="recommend admin")
    assert asked(users, admin, "ann", "GET")[0] == 405
    assert asked(users, admin, "")[0] == asked(users, admin, "x" * 201)[0] == 422


def test_a_table_that_has_too_much_to_do_is_told_of(
    cloud: Cloud, users: Function, profiles: Function, dynamo: Proxy
) -> None:
    count(cloud, profiles, *(told(n, user="una") for n in range(3)))
    admin = key(cloud, segue_scope="admin")
    throttled = Fault(400, "ProvisionedThroughputExceededException")
    dynamo.fault = lambda request: throttled
    status, problem, headers = asked(users, admin, "una")
    assert (status, problem["type"]) == (503, "urn:segue:problem:not-now")
    assert headers["Retry-After"] == "2"
    dynamo.fault = lambda request: Fault(400, "AccessDeniedException")
    assert asked(users, admin, "una")[0] == 500
    dynamo.fault = lambda request: None
    assert asked(users, admin, "una")[1]["events"] == 3
