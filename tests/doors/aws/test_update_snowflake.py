"""The personal updater with Snowflake (as fakesnow plays it) where features are made and kept."""

from __future__ import annotations

import json

import pytest

from segue.doors.aws import update
from segue.fakes.spotify import FakeSpotify
from segue.warehouse.snapshots import SnapshotStore
from tests.doors.aws.cloud import Cloud, LambdaContext, play
from tests.doors.aws.test_update import LEFT_OUT, heard, states, topic
from tests.fakesnow.client import PASSWORD, shared_server


@pytest.mark.thorough
def test_a_week_with_snowflake(
    cloud: Cloud, spotify: FakeSpotify, caplog: pytest.LogCaptureFixture
) -> None:
    server = shared_server()
    made = server.new_settings()
    cloud.signed_in(spotify)
    mine = spotify.world.add_playlist(spotify.world.users["alice"], "Week")
    arn, queue = topic(cloud)
    told = {
        **{
            f"SNOWFLAKE_{name.upper()}": made[name]
            for name in ("account", "user", "role", "database", "warehouse")
        },
        "SNOWFLAKE_SCHEMA": "ANN",
        "SNOWFLAKE_PASSWORD": PASSWORD,
        "SNS_TOPIC_ARN": arn,
        "SPOTIFY_PLAYLIST_ID": mine.id,
    }
    cloud.set("SEGUE_VARIABLES", cloud.keep_secret("variables", told))
    for name, value in {
        "SEGUE_SNOWFLAKE__URL": made["url"],
        "SEGUE_TRAINING__SOURCES": '["spotify_api"]',
        "SEGUE_TRAINING__LEFT_OUT": LEFT_OUT,
        "SEGUE_RECOMMEND__RECENT_HOURS": "0",
        "SEGUE_PLAYLISTS": '[{"mix": "daily", "size": 5, "when": "hourly"}]',
    }.items():
        cloud.set(name, value)
    play(spotify, range(12), hours_ago=40)
    play(spotify, range(8), hours_ago=30)

    first = update.handler({}, LambdaContext(300_000))
    assert states(first) == dict.fromkeys(states(first), "done"), first
    assert mine.uris
    assert len(heard(cloud, queue)) == 1
    tables = server.ask(made, "select table_schema, table_name from information_schema.tables")
    schemas = {schema for schema, _ in tables} - {"INFORMATION_SCHEMA", "PUBLIC"}
    assert len(schemas) > 2
    assert all(schema.startswith("ANN_") for schema in schemas), schemas

    play(spotify, range(12, 15), hours_ago=1)
    cloud.cold()
    second = update.handler({"skip": ["train"]}, LambdaContext(300_000))
    assert states(second)["build"] == "done", second
    plays = SnapshotStore(cloud.home / "snapshots").current().rows("plays")
    assert plays == 23
    assert not list(cloud.home.glob("warehouse/*.duckdb"))
    assert PASSWORD not in caplog.text + json.dumps([first, second])
    assert not [
        path
        for path in cloud.home.rglob("*")
        if path.is_file() and PASSWORD.encode() in path.read_bytes()
    ]
