"""Functions that work on a home, run by AWS's own runtime: failures and logs."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from segue.fakes.faults import Fault
from segue.fakes.spotify import FakeSpotify
from tests.doors.aws.cloud import Cloud, play
from tests.lambda_runtime import FunctionError, lambda_function

pytestmark = pytest.mark.xdist_group("aws_functions")


def variables(cloud: Cloud) -> dict[str, str]:
    """What the function of this cloud finds in its environment."""
    ours = ("AWS_", "SEGUE_", "SPOTIFY_")
    return {name: value for name, value in os.environ.items() if name.startswith(ours)}


def test_the_collector_as_lambda_runs_it(
    cloud: Cloud, spotify: FakeSpotify, tmp_path: Path
) -> None:
    token = cloud.signed_in(spotify)
    play(spotify, range(3), hours_ago=2)
    log = tmp_path / "log"
    handler = "segue.doors.aws.collect.handler"
    with lambda_function(handler, variables(cloud), timeout=60, log=log) as function:
        assert function.invoke({}).value["kept"] == 3
        spotify.world.faults.add(Fault(status=403), path="recently", times=1)
        with pytest.raises(FunctionError, match=r"collecting did not go well: spotify: .*refuse"):
            function.invoke({})
        play(spotify, range(3, 5), hours_ago=1)
        answer = function.invoke({})
        assert (answer.value["kept"], answer.cold) == (2, False), "warm, and on from where it was"
    said = log.read_text()
    assert token not in said
    assert not re.search(r"(BQ|AQ)[\w-]{20}", said), "no token of any kind"
