"""What only an image of the functions is asked: all of an update, and answers from what it made.

deploy/aws/image/try.py runs this with an image that was built; elsewhere there is nothing to try.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from segue.aws.clients import Aws
from segue.doors.aws.gateway_keys import SCOPE
from segue.fakes.spotify import FakeSpotify
from tests.aws_cloud import Cloud as Pipeline
from tests.aws_shapes import proxy_event, scheduled_event
from tests.doors.aws.cloud import Cloud, play
from tests.lambda_runtime import IN_IMAGE, lambda_function

pytestmark = [
    pytest.mark.xdist_group("aws_functions"),
    pytest.mark.skipif(not IN_IMAGE, reason="no image is tried"),
]
_OURS = ("SEGUE_", "SPOTIFY_", "AWS_", "SNS_")


def test_from_nothing_to_a_playlist_and_an_answer(
    cloud: Cloud, spotify: FakeSpotify, tmp_path: Path
) -> None:
    cloud.signed_in(spotify)
    mine = spotify.world.add_playlist(spotify.world.users["alice"], "Week")
    topic = cloud.client("sns").create_topic(Name=cloud.prefix)["TopicArn"]
    for name, value in {
        "SNS_TOPIC_ARN": topic,
        "SPOTIFY_PLAYLIST_ID": mine.id,
        "SEGUE_SPOTIFY__COVER": "true",
        "SEGUE_TRAINING__SOURCES": '["spotify_api"]',
        "SEGUE_PLAYLISTS": '[{"mix": "daily", "size": 5, "when": "hourly"}]',
    }.items():
        cloud.set(name, value)
    for hours, tracks in ((39, range(12)), (37, range(12)), (5, range(12, 24))):
        play(spotify, tracks, hours_ago=hours)
    ours = {name: value for name, value in os.environ.items() if name.startswith(_OURS)}
    log = tmp_path / "log"
    with lambda_function("segue.doors.aws.update.handler", ours, timeout=300, log=log) as update:
        report = update.invoke(scheduled_event({})).value
    assert {one["state"] for one in report["steps"]} == {"done"}, (report, log.read_text())
    assert mine.uris

    pipeline = Pipeline(cloud.s3.url)
    key = (
        Aws("us-east-1", cloud.s3.url)
        .client("apigateway")
        .create_api_key(name=cloud.prefix, enabled=True, tags={SCOPE: "recommend"})
    )
    published = {"SEGUE_PUBLISHED": ours["SEGUE_STATE"]}
    with lambda_function(
        "segue.doors.aws.serve.handler", pipeline.environment(**published), log=log
    ) as serve:
        event = proxy_event(
            "GET", "/recommendations", query="user_id=ann&k=3&mix=daily", key_id=key["id"]
        )
        answer = serve.invoke(event).value
    body = answer["body"]
    if answer["isBase64Encoded"]:
        body = base64.b64decode(body).decode()
    assert answer["statusCode"] == 200, (body, log.read_text())
    assert json.loads(body)["tracks"], body
