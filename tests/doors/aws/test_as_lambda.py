"""The functions that run on a schedule, invoked as Lambda invokes them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from segue.fakes.spotify import FakeSpotify
from tests.aws_shapes import scheduled_event
from tests.doors.aws.cloud import Cloud, play
from tests.lambda_runtime import FunctionError, lambda_function

pytestmark = pytest.mark.xdist_group("aws_functions")
_OURS = ("SEGUE_", "SPOTIFY_", "AWS_", "SNS_")


def environment() -> dict[str, str]:
    """What the test has told its own environment of the function's."""
    return {name: value for name, value in os.environ.items() if name.startswith(_OURS)}


def test_scheduled_functions_do_their_work_and_answer(
    cloud: Cloud, spotify: FakeSpotify, tmp_path: Path
) -> None:
    cloud.signed_in(spotify)
    world = spotify.world
    play(spotify, range(4), hours_ago=3)
    tracks = [world.catalogue.track(n).uri for n in range(3)]
    source = world.add_playlist(world.users["alice"], "Found", tracks)
    target = world.add_playlist(world.users["alice"], "Mine", tracks[:1])

    def invoked(name: str, event: object) -> dict[str, object]:
        cloud.set("SEGUE_STATE", f"s3://{cloud.bucket}/homes/{name}")
        cloud.set("SEGUE_HOME", str(tmp_path / name))
        with lambda_function(f"segue.doors.aws.{name}.handler", environment()) as function:
            answer = function.invoke(event).value
        assert isinstance(answer, dict)
        return answer

    assert invoked("collect", scheduled_event())["kept"] == 4
    asked = scheduled_event({"source": source.id, "target": target.id})
    assert invoked("sync", asked)["added"] == 2
    assert target.uris == [tracks[0], *tracks[1:]]
    steps = invoked("update", scheduled_event({"only": ["collect"]}))["steps"]
    assert isinstance(steps, list)
    assert [one["state"] for one in steps if one["step"] == "collect"] == ["done"]


def test_a_function_that_fails_says_why(cloud: Cloud) -> None:
    cloud.keep_secret("unrelated", {})
    with (
        lambda_function("segue.doors.aws.collect.handler", environment()) as function,
        pytest.raises(FunctionError, match="nothing to collect from") as failed,
    ):
        function.invoke(scheduled_event())
    assert failed.value.kind == "ConfigError"
