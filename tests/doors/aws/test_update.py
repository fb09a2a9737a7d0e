"""The personal updater, the collector and the synchroniser, called as Lambda calls them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from segue.doors.aws import collect, sync, update
from segue.errors import BusyError, ConfigError, SegueError
from segue.fakes.faults import Fault
from segue.fakes.spotify import FakeSpotify
from segue.flows.build import build
from segue.flows.wiring import adapters
from segue.music import columns as c
from segue.progress import Silent
from segue.warehouse.lake import Lake
from segue.warehouse.lake_s3 import LakeS3, S3Options, S3Place
from segue.warehouse.snapshots import SnapshotStore
from tests.doors.aws.cloud import Cloud, LambdaContext, play
from tests.postgresql_warehouses import postgresql_warehouse

KEPT = ("popular", "most_played", "rediscover")
LEFT_OUT = json.dumps([name for name in adapters("recommenders") if name not in KEPT])


def states(report: dict[str, Any]) -> dict[str, str]:
    return {one["step"]: one["state"] for one in report["steps"]}


def topic(cloud: Cloud) -> tuple[str, str]:
    """A topic and a queue that hears of it."""
    sns, sqs = cloud.client("sns"), cloud.client("sqs")
    arn = sns.create_topic(Name=cloud.prefix)["TopicArn"]
    queue = sqs.create_queue(QueueName=cloud.prefix)["QueueUrl"]
    there = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=there["QueueArn"])
    return arn, queue


def heard(cloud: Cloud, queue: str) -> list[str]:
    found = cloud.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    return [json.loads(one["Body"])["Subject"] for one in found.get("Messages", [])]


def test_a_week_of_one_listener(
    cloud: Cloud, spotify: FakeSpotify, caplog: pytest.LogCaptureFixture
) -> None:
    """From nothing to a playlist, warm and cold, with all that outlives an invocation."""
    token = cloud.signed_in(spotify)
    mine = spotify.world.add_playlist(spotify.world.users["alice"], "Week")
    arn, queue = topic(cloud)
    cloud.set("SNS_TOPIC_ARN", arn)
    cloud.set("SPOTIFY_PLAYLIST_ID", mine.id)
    cloud.set("SEGUE_TRAINING__SOURCES", '["spotify_api"]')
    cloud.set("SEGUE_TRAINING__LEFT_OUT", LEFT_OUT)
    cloud.set("SEGUE_PLAYLISTS", '[{"mix": "daily", "size": 5, "when": "hourly"}]')
    cloud.set("SEGUE_RECOMMEND__RECENT_HOURS", "0")
    for hours in (9, 7, 5):
        play(spotify, range(12), hours_ago=hours)

    first = update.handler({}, LambdaContext())
    assert states(first) == dict.fromkeys(states(first), "done"), first
    assert json.loads(json.dumps(first)) == first
    assert mine.uris
    assert list(spotify.world.playlists) == [mine.id]
    assert len(heard(cloud, queue)) == 1
    rotated = cloud.secret("spotify/ann")["refresh_token"]
    assert rotated in spotify.world.grants
    assert rotated != token

    warm = update.handler({}, LambdaContext())
    assert states(warm)["build"] == states(warm)["recommend"] == "skipped"
    mine.remove(mine.uris[:1], None)
    cloud.cold()
    again = update.handler({"now": True}, LambdaContext())
    assert states(again)["build"] == states(again)["train"] == "skipped"
    assert states(again)["publish"] == "done"
    assert list(spotify.world.playlists) == [mine.id]
    assert not any(secret in caplog.text for secret in (token, rotated))


def test_what_fails_ends_the_invocation_and_the_next_one_goes_on(
    cloud: Cloud, spotify: FakeSpotify
) -> None:
    cloud.signed_in(spotify)
    play(spotify, range(3), hours_ago=3)
    steps = {"only": ["collect", "publish"]}
    spotify.world.faults.add(Fault(status=403), path="recently", times=1)
    with pytest.raises(SegueError, match=r"the update did not go well: collect: .*refuse"):
        update.handler(steps, LambdaContext())
    cloud.cold()
    report = update.handler(steps, LambdaContext())
    assert "3 plays are new" in report["steps"][0]["words"]
    # what was asked of Spotify is known after a cold start, too
    assert "Spotify" in report["requests"]


def test_the_collector_only_adds_files_and_reads_on_from_where_it_was(
    cloud: Cloud, spotify: FakeSpotify, tmp_path: Path
) -> None:
    cloud.signed_in(spotify)
    cloud.set("SEGUE_STATE", f"s3://{cloud.bucket}/homes/collect")
    play(spotify, range(4), hours_ago=3)
    assert collect.handler({}, LambdaContext())["kept"] == 4
    before = lake_objects(cloud)
    play(spotify, range(4, 6), hours_ago=1)
    cloud.cold()
    report = collect.handler({}, LambdaContext())
    assert report["kept"] == 2
    assert report["sources"][0]["read"] == 2, "the place to go on from was kept"
    after = lake_objects(cloud)
    assert before.items() < after.items()
    cloud.cold()
    assert collect.handler({}, LambdaContext())["kept"] == 0
    assert lake_objects(cloud) == after

    snapshots = SnapshotStore(tmp_path / "snapshots")
    place = S3Place(cloud.bucket, "lake")
    options = S3Options(endpoint_url=cloud.s3.url)
    build(
        lake=Lake(LakeS3(place, options, folder=tmp_path / "cache")),
        warehouse=postgresql_warehouse(tmp_path / "warehouse"),
        snapshots=snapshots,
        progress=Silent(),
        now=datetime.now(tz=UTC),
    )
    plays = snapshots.current().read("plays", columns=[c.USER_ID, c.SOURCE])
    assert plays.to_pylist() == [{c.USER_ID: "ann", c.SOURCE: "spotify_api"}] * 6


def lake_objects(cloud: Cloud) -> dict[str, str]:
    pages = (
        cloud.client("s3")
        .get_paginator("list_objects_v2")
        .paginate(Bucket=cloud.bucket, Prefix="lake/")
    )
    return {
        one["Key"]: f"{one['LastModified']} {one['ETag']}"
        for page in pages
        for one in page["Contents"]
    }


def test_a_collector_that_nobody_has_told_where_to_look_fails(cloud: Cloud) -> None:
    cloud.keep_secret("unrelated", {})
    with pytest.raises(ConfigError, match="nothing to collect from"):
        collect.handler({}, LambdaContext())


def test_a_sign_in_of_ones_own_computer_and_variables_of_a_secret(
    cloud: Cloud, spotify: FakeSpotify
) -> None:
    cloud.at(spotify)
    world = spotify.world
    source = world.add_playlist(
        world.users["alice"], "Found", [world.catalogue.track(n).uri for n in range(3)]
    )
    target = world.add_playlist(world.users["alice"], "Mine", [world.catalogue.track(1).uri])
    cloud.keep_secret(
        "spotify/ann",
        {
            "spotify_client_id": "the-app",
            "refresh_token": world.grant(world.apps["the-app"], world.users["alice"]),
            "authorised_at": (datetime.now(tz=UTC) - timedelta(days=3)).isoformat(),
            "flow": "pkce",
        },
    )
    told = {"SEGUE_SYNC_SOURCE": source.id, "SEGUE_SYNC_TARGET": target.id}
    cloud.set("SEGUE_VARIABLES", cloud.keep_secret("variables", told))
    cloud.set("SEGUE_STATE", f"s3://{cloud.bucket}/homes/sync")
    report = sync.handler({}, LambdaContext())
    assert (report["added"], report["read"], report["known"]) == (2, 3, 1)
    assert len(target.uris) == 3
    cloud.cold()
    assert sync.handler({"source": source.id}, LambdaContext())["added"] == 0
    play(spotify, range(2), hours_ago=1)
    assert collect.handler({}, LambdaContext())["kept"] == 2, "the sign-in is known"
    with pytest.raises(SegueError, match="nothing can be added"):
        sync.handler({"target": "saved"}, LambdaContext())


def test_two_invocations_do_not_work_at_once(cloud: Cloud, spotify: FakeSpotify) -> None:
    cloud.signed_in(spotify)
    from segue.doors.aws.at_home import at_home

    with at_home(LambdaContext()), pytest.raises(BusyError, match="another invocation is at work"):
        cloud.cold()
        collect.handler({}, LambdaContext())
    assert collect.handler({}, LambdaContext())["kept"] == 0


@pytest.mark.parametrize(
    ("name", "value", "event", "words"),
    [
        ("SEGUE_STATE", "", {}, "SEGUE_STATE is not set"),
        ("SEGUE_STATE", "bucket/state", {}, "is no place in S3"),
        ("SEGUE_LAKE", "", {}, "must be on S3"),
        ("SEGUE_TIME_ZONE", "Nowhere", {}, "Nowhere"),
        ("SEGUE_MEMORY_LIMIT", "much", {}, "memory_limit"),
        ("SEGUE_VARIABLES", "gone", {}, "Secrets Manager refuses"),
        ("X", "x", [1], "is no JSON object"),
        ("X", "x", {"only": "collect"}, "“only” is no list"),
        ("X", "x", {"only": ["cook"]}, "no step “cook”"),
        ("X", "x", {"now": 1}, "“now” is neither"),
    ],
)
def test_what_is_wrong_is_said(cloud: Cloud, name: str, value: str, event: Any, words: str) -> None:
    cloud.set(name, value)
    with pytest.raises(SegueError, match=words) as found:
        update.handler(event, LambdaContext())
    assert found.value.cure


@pytest.mark.parametrize(
    ("held", "words"),
    [("[]", "no JSON object"), ('{"PATH": "x"}', "PATH, which Segue does not read")],
)
def test_a_secret_that_is_none_of_variables(cloud: Cloud, held: str, words: str) -> None:
    name = f"{cloud.prefix}/variables"
    cloud.client("secretsmanager").create_secret(Name=name, SecretString=held)
    cloud.set("SEGUE_VARIABLES", name)
    with pytest.raises(ConfigError, match=words):
        collect.handler({}, LambdaContext())


def test_snowflake_is_the_warehouse_where_there_is_an_account(
    cloud: Cloud, spotify: FakeSpotify
) -> None:
    from segue.doors.aws.at_home import at_home
    from segue.warehouse.snowflake import SnowflakeWarehouse

    cloud.signed_in(spotify)
    cloud.set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024")
    for name in ("ACCOUNT", "USER", "PASSWORD", "ROLE", "DATABASE", "SCHEMA", "WAREHOUSE"):
        cloud.set(f"SNOWFLAKE_{name}", f"the_{name.lower()}")
    with at_home(LambdaContext()) as here:
        assert isinstance(here.wiring.warehouse, SnowflakeWarehouse)
        assert here.settings.snowflake.schema_prefix == "the_schema"
        assert here.settings.memory_limit == "307MB"
        assert here.settings.secrets.store == "aws"
