"""Events a second of the functions behind the stream, and how long each function takes to start.

`python -m bench aws`: AWS's own runtime in a process, against moto's server and the stand-in for
Personalize on the same machine. What DynamoDB and Personalize take there is not what they take on
AWS; so what counts is processor time, to which `aws_sizing` adds trips of a stated length.
"""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.aws_cloud import Cloud, told
from tests.aws_shapes import proxy_event
from tests.doors.running import small_home
from tests.lambda_runtime import Function, lambda_function
from tests.s3_server import keys, s3_server

from segue.aws.clients import Aws
from segue.aws.stream import StreamRecord
from segue.fakes.personalize import FakePersonalize

__all__ = ["run"]

_BATCHES = 3
_USERS = 50
_EACH = 2
_STARTS = 3


def run() -> list[str]:
    """Tables in Markdown."""
    for name, value in keys().items():
        os.environ.setdefault(name, value)
    with _world() as (functions, cloud):
        return [
            f"Batches of {_USERS} users with {_EACH} events each:",
            "",
            "| function | batches | events/s | processor, ms a user |",
            "|---|---|---|---|",
            *(_throughput(name, functions[name], cloud) for name in ("profiles", "hot")),
            "",
            "| function | start, s (median) | processor, s | memory, MB |",
            "|---|---|---|---|",
            *(_start(name, function) for name, function in functions.items()),
        ]


def _throughput(name: str, function: Function, cloud: Cloud) -> str:
    function.invoke({"Records": []})
    seconds, before = 0.0, function.cpu_seconds
    for batch in range(_BATCHES):
        records = [
            StreamRecord(f"u{user}", json.dumps(_event(batch, user, number)).encode())
            for user in range(_USERS)
            for number in range(_EACH)
        ]
        cloud.stream.put(records)
        event = {"Records": cloud.batch()["Records"][-len(records) :]}
        answer = function.invoke(event)
        assert answer.value == {"batchItemFailures": []}, answer.value
        seconds += answer.seconds
    used = function.cpu_seconds - before
    events = _BATCHES * _USERS * _EACH
    each = 1e3 * used / (_BATCHES * _USERS)
    return f"| {name} | {_BATCHES} | {events / seconds:,.0f} | {each:.1f} |"


def _event(batch: int, user: int, number: int) -> dict[str, Any]:
    place = batch * _EACH + number
    return told(place, f"u{user}", "play" if number else "complete", track_id=f"t{place:016x}")


def _start(name: str, function: Function) -> str:
    seconds, processor, memory = [], [], 0.0
    for _ in range(_STARTS):
        function.stop()
        asked = proxy_event("GET", "/version") if name == "serve" else {"Records": []}
        if name in ("hot", "profiles", "serve"):
            function.invoke(asked)
        seconds.append(function.init_seconds)
        processor.append(function.cpu_seconds)
        memory = function.peak_mb
    return (
        f"| {name} | {statistics.median(seconds):.2f} | {statistics.median(processor):.2f} "
        f"| {memory:.0f} |"
    )


@contextmanager
def _world() -> Iterator[tuple[dict[str, Function], Cloud]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        cloud = Cloud(stack.enter_context(s3_server()).url)
        fake = stack.enter_context(FakePersonalize())
        client = Aws("us-east-1", fake.url).client("personalize")
        group = client.create_dataset_group(name="segue")["datasetGroupArn"]
        tracker = client.create_event_tracker(name="segue", datasetGroupArn=group)
        environment = cloud.environment(
            SEGUE_TRACKING_ID=tracker["trackingId"],
            SEGUE_PERSONALIZE__ENDPOINT_URL=fake.url,
            SEGUE_PUBLISHED=str(small_home(folder / "home")),
            SEGUE_HOME=str(folder / "tmp"),
        )
        yield (
            {
                name: stack.enter_context(
                    lambda_function(f"segue.doors.aws.{name}.handler", environment)
                )
                for name in ("hot", "profiles", "serve")
            },
            cloud,
        )
