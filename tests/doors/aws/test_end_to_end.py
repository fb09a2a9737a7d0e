"""From a player to recommendations, over everything in between: nothing lost, nothing doubled."""

from __future__ import annotations

import io
import json
import random
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from segue.aws.clients import Aws
from segue.client import EventReport, SegueClient
from segue.doors.aws.gateway_keys import SCOPE
from segue.doors.cli.app import app
from segue.errors import RefusedError
from segue.events.profiles import Profile
from segue.fakes.clock import Clock
from segue.fakes.faults import Fault
from segue.fakes.personalize import FakePersonalize
from segue.flows.personalize.account import open_account
from segue.flows.personalize.deploy import deploy
from segue.progress import Silent
from segue.settings import load_settings
from tests.aws_cloud import NOW, Cloud, expected
from tests.aws_gateway import CDK, Gateway, gateway
from tests.aws_shapes import proxy_event, scheduled_event
from tests.doors.running import small_home
from tests.event_source import EventSource
from tests.lambda_runtime import Function, lambda_function
from tests.s3_server import Fault as HttpFault
from tests.s3_server import Proxy, Request, S3Server, keys, s3_proxy

pytestmark = [
    pytest.mark.skipif(not (CDK / "node").exists(), reason="no environment of the CDK"),
    pytest.mark.xdist_group("aws_functions"),
]
COLUMNS: Final = {
    "event_id": pa.string(),
    "user_id": pa.string(),
    "track_id": pa.string(),
    "event_type": pa.string(),
    "timestamp": pa.string(),
    "ms_played": pa.int64(),
    "session_id": pa.string(),
    "recommendation_id": pa.string(),
    "source": pa.string(),
    "context": pa.string(),
}
"""Of the table in Glue, by which Firehose converts."""

USERS: Final = ("zoe", "o'\"neil", "ann")


@dataclass
class World:
    """All of it, around one stream."""

    cloud: Cloud
    proxy: Proxy
    amazon: FakePersonalize
    door: Gateway
    given_up: str
    functions: dict[str, Function]
    bucket: str
    keys: Mapping[str, str]
    sent: list[EventReport] = field(default_factory=list)

    def source(self, name: str, **more: Any) -> EventSource:
        """Between the stream and a function."""
        sqs = self.cloud.aws.client("sqs")
        return EventSource(
            self.cloud.kinesis, self.cloud.name, self.functions[name], sqs, self.given_up, **more
        )

    def report(self, *events: EventReport) -> None:
        """As a player does."""
        with SegueClient(self.door.url, "app-key") as client:
            outcomes = client.report(*events)
        assert [one.outcome for one in outcomes] == ["accepted"] * len(events)
        self.sent += events

    def told_of(self, user: str) -> list[dict[str, Any]]:
        """What a user's players have sent."""
        return [json.loads(json.dumps(one.as_json())) for one in self.sent if one.user_id == user]

    def counted(self, user: str) -> dict[str, Any]:
        """The profile of a user; sums of weights to nine digits, which their order leaves alone."""
        found: dict[str, Any] = json.loads(self.cloud.table.profile(user) or b"{}")
        return _rounded(found)

    def firehose(self) -> None:
        """Write what came to the lake, as Firehose does: by day, duplicates and oddities too."""
        rows = []
        for one in _records(self.cloud):
            try:
                told = json.loads(one)
            except ValueError:
                continue  # goes to events-failed/
            if isinstance(told, dict):
                rows.append({name: told.get(name) for name in COLUMNS if name != "context"})
        target = io.BytesIO()
        schema = pa.schema(list(COLUMNS.items()))
        full = [{**row, "context": None} for row in rows]
        pq.write_table(pa.Table.from_pylist(full, schema), target)
        day = datetime.now(tz=UTC).date()
        self.cloud.aws.client("s3").put_object(
            Bucket=self.bucket, Key=f"events/day={day}/1.parquet", Body=target.getvalue()
        )


def _records(cloud: Cloud) -> Iterator[bytes]:
    found = cloud.kinesis.describe_stream(StreamName=cloud.name)["StreamDescription"]
    for shard in found["Shards"]:
        turn = cloud.kinesis.get_shard_iterator(
            StreamName=cloud.name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        for one in cloud.kinesis.get_records(ShardIterator=turn)["Records"]:
            yield one["Data"]


def _rounded(profile: dict[str, Any]) -> dict[str, Any]:
    weights = {track: round(value, 9) for track, value in profile.get("weights", {}).items()}
    return {**profile, "weights": weights}


def played(number: int, user: str, kind: str = "complete", **more: Any) -> EventReport:
    return EventReport(
        event_id=f"{user}-{number}",
        user_id=user,
        track_id=f"j{number % 20:02}",
        event_type=kind,
        timestamp=NOW - timedelta(hours=2) + timedelta(minutes=number),
        ms_played=200_000,
        session_id=f"s-{user}",
        **more,
    )


@pytest.fixture(scope="module")
def world(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("end-to-end")
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in {**keys(), "AWS_ENDPOINT_URL": s3.url}.items():
            patch.setenv(name, value)
        cloud = Cloud(s3.url, shards=2)
        bucket = s3.bucket(f"lake-{uuid.uuid4().hex[:8]}")

        def read(address: str) -> list[bytes]:
            client, prefix = cloud.aws.client("s3"), urlsplit(address).path.lstrip("/")
            found = client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())
            return [
                client.get_object(Bucket=bucket, Key=one["Key"])["Body"].read() for one in found
            ]

        amazon = stack.enter_context(FakePersonalize(read, clock=Clock(NOW), seconds=0))
        personalize = {
            "REGION": "us-east-1",
            "ENDPOINT_URL": amazon.url,
            "BUCKET": f"s3://{bucket}/sets",
            "ROLE_ARN": "arn:aws:iam::123456789012:role/segue-personalize",
            "EVENTS": f"s3://{bucket}/events",
            "LEDGER": f"s3://{bucket}/datasets",
            "CATALOGUE": f"s3://{bucket}/home",
            "PROFILES": cloud.name,
        }
        told = {f"SEGUE_PERSONALIZE__{name}": value for name, value in personalize.items()}
        for name, value in told.items():
            patch.setenv(name, value)
        deploy(open_account(load_settings(home=folder / "none")), Silent())
        (tracker,) = (
            Aws("us-east-1", amazon.url)
            .client("personalize")
            .list_event_trackers()["eventTrackers"]
        )
        tracking = (
            Aws("us-east-1", amazon.url)
            .client("personalize")
            .describe_event_tracker(eventTrackerArn=tracker["eventTrackerArn"])["eventTracker"][
                "trackingId"
            ]
        )

        home = small_home(folder / "home")
        place = f"s3://{bucket}/home"
        words = ["--home", str(home), "aws", "publish", "--to", place]
        assert CliRunner().invoke(app, words).exit_code == 0
        proxy = stack.enter_context(s3_proxy(s3))
        made = cloud.aws.client("apigateway").create_api_key
        tags = {"app": "recommend", "admin": "admin"}
        environment = cloud.environment(
            **told,
            SEGUE_TRACKING_ID=tracking,
            SEGUE_PUBLISHED=place,
            SEGUE_HOME=str(folder / "tmp"),
            AWS_ENDPOINT_URL_DYNAMODB=proxy.url,
        )
        functions = {
            name: stack.enter_context(
                lambda_function(
                    f"segue.doors.aws.{name}.handler", environment, log=folder / f"{name}.log"
                )
            )
            for name in ("hot", "profiles", "datasets", "serve", "users")
        }
        door = stack.enter_context(gateway(cloud.kinesis, cloud.name, frozenset({"app-key"})))
        yield World(
            cloud=cloud,
            proxy=proxy,
            amazon=amazon,
            door=door,
            given_up=cloud.new_queue(f"{cloud.name}-given-up"),
            functions=functions,
            bucket=bucket,
            keys={
                name: made(name=name, enabled=True, tags={SCOPE: scope})["id"]
                for name, scope in tags.items()
            },
        )


def test_what_is_played_is_known_to_what_is_recommended(world: World) -> None:
    with SegueClient(world.door.url, "another-key") as stranger, pytest.raises(RefusedError):
        stranger.report(played(0, "zoe"))
    for user in USERS:
        world.report(*(played(number, user) for number in range(8)))
    world.report(played(50, "zoe", "play"))

    assert world.source("profiles").run() == world.source("hot").run() == 25
    for user in USERS:
        wanted = _rounded(json.loads(expected(world.told_of(user))))
        assert world.counted(user) == wanted
    assert sorted(one["eventId"] for one in world.amazon.events) == sorted(
        one.event_id for one in world.sent
    )

    world.firehose()
    step: Any = scheduled_event({})
    for _ in range(20):
        step = world.functions["datasets"].invoke(step).value
        if step["state"] == "done":
            break
    assert step["state"] == "done", step
    assert step["account"]["kept"] == 25
    assert step["account"]["items"] == 48
    (holdings,) = world.amazon.control.holdings.values()
    assert {row["USER_ID"] for row in holdings.imported["INTERACTIONS"]} == set(USERS)

    query = "user_id=zoe&k=5"
    event = proxy_event("GET", "/recommendations", query=query, key_id=world.keys["app"])
    answer = world.functions["serve"].invoke(event).value
    assert answer["statusCode"] == 200, answer["body"]
    found = {one["track_id"] for one in json.loads(answer["body"])["tracks"]}
    assert found
    assert not found & {one.track_id for one in world.sent}


def test_throttled_lost_and_poisoned_nothing_is_lost_and_nothing_doubled(world: World) -> None:
    chance = random.Random(8)
    faults = [
        HttpFault(400, "ProvisionedThroughputExceededException"),
        HttpFault(400, "ThrottlingException"),
        HttpFault(500, "InternalServerError"),
        HttpFault(after=True),  # done, and nobody hears of it
    ]

    def unlucky(request: Request) -> HttpFault | None:
        return chance.choice(faults) if request.method == "POST" and chance.random() < 0.2 else None

    users = ("una", "ugo")
    for user in users:
        world.report(*(played(number, user) for number in range(12)))
        world.report(*(played(number, user) for number in range(4)))  # the player sends again
    poison = [b"\xff", b'{"events": 7}', b'{"event_id": "x", "user_id": "una"}', b"[]"]
    world.cloud.kinesis.put_records(
        StreamName=world.cloud.name,
        Records=[{"Data": one, "PartitionKey": "una"} for one in poison],
    )
    throttled = Fault(status=400, reason="ThrottlingException")
    world.proxy.fault = unlucky
    small = {"batch_size": 7, "retries": 3}
    world.source("profiles", **small).run()
    world.amazon.faults.add(throttled, path="PutEvents", after=1, times=5)
    world.source("hot", **small).run()
    world.proxy.fault = lambda request: None

    for _ in range(2):  # what was given up comes back; twice does no harm
        for queue in (world.given_up, world.cloud.queue):
            words = ["aws", "redrive", "--queue", queue, "--stream", world.cloud.name, "--json"]
            done = CliRunner().invoke(app, [*words, "--region", "us-east-1"])
            assert done.exit_code == 0, done.output
        world.source("profiles").replay()
        world.source("hot").replay()

    for user in users:
        once = {one["event_id"]: one for one in world.told_of(user)}
        assert world.counted(user) == _rounded(json.loads(expected(list(once.values()))))
        kept = world.cloud.table.kept(user)
        assert len(kept.events) == len(once)
        assert Profile.from_bytes(kept.record).finishes == 12
    told = {(one["userId"], one["eventId"]) for one in world.amazon.events}
    assert told == {(one.user_id, one.event_id) for one in world.sent}


def test_a_stream_that_is_full_says_send_it_again(world: World) -> None:
    waits = iter([True, False])

    class Full:
        """A client of Kinesis whose shard has no room for the second record, once."""

        exceptions = world.cloud.kinesis.exceptions

        def put_records(self, **told: Any) -> dict[str, Any]:
            if not next(waits):
                answer: dict[str, Any] = world.cloud.kinesis.put_records(**told)
                return answer
            world.cloud.kinesis.put_records(**{**told, "Records": told["Records"][:1]})
            code = "ProvisionedThroughputExceededException"
            refused = {"ErrorCode": code, "ErrorMessage": "Rate exceeded"}
            return {
                "FailedRecordCount": 1,
                "Records": [{"SequenceNumber": "1", "ShardId": "s"}, refused],
                "ResponseMetadata": {},
            }

    kinesis, world.door.kinesis = world.door.kinesis, Full()
    world.report(played(1, "ida"), played(2, "ida"))
    world.door.kinesis = kinesis
    assert world.door.statuses[-2:] == [503, 200]
    world.source("profiles").replay()
    assert world.counted("ida") == _rounded(json.loads(expected(world.told_of("ida"))))


def test_who_was_forgotten_stays_so_whatever_is_delivered_again(world: World) -> None:
    world.report(*(played(number, "eva") for number in range(4)))
    world.source("profiles").run()
    event = proxy_event("DELETE", "/users/eva", key_id=world.keys["admin"])
    answer = world.functions["users"].invoke(event).value
    assert (answer["statusCode"], json.loads(answer["body"])["events"]) == (200, 4)
    world.source("profiles").replay()
    assert world.cloud.table.profile("eva") is None
    event = proxy_event("GET", "/users/eva", key_id=world.keys["app"])
    assert world.functions["serve"].invoke(event).value["statusCode"] == 404
