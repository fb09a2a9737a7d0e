"""The handlers behind the stream, invoked as Lambda invokes them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from segue.aws.clients import Aws
from segue.aws.stream import StreamRecord
from segue.fakes.faults import Fault
from segue.fakes.personalize import FakePersonalize
from tests.aws_cloud import Cloud, expected, record, told
from tests.lambda_runtime import IN_IMAGE, Function, FunctionError, lambda_function
from tests.s3_server import S3Server, keys

pytestmark = pytest.mark.xdist_group("aws_functions")
ROOT = Path(__file__).parents[3]
HEAVY: Final = (
    "numpy scipy pyarrow duckdb polars pandas sklearn implicit lightgbm gensim fastapi pydantic "
    "starlette jinja2 typer rich"
)
THERE: Final = (
    "segue awslambdaric runtime_client simplejson snapshot_restore_py boto3 botocore s3transfer "
    "jmespath dateutil urllib3 six"
)
"""What a function of the package's code alone may import beside Python's own library."""

PROCESSOR_S: Final = 1.5
WELL: Final[dict[str, list[str]]] = {"batchItemFailures": []}


@pytest.fixture(scope="module")
def cloud(s3: S3Server) -> Iterator[Cloud]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in keys().items():
            patch.setenv(name, value)
        yield Cloud(s3.url)


@pytest.fixture(scope="module")
def profiles(cloud: Cloud) -> Iterator[Function]:
    with lambda_function("segue.doors.aws.profiles.handler", cloud.environment()) as function:
        yield function


@pytest.fixture(scope="module")
def amazon() -> Iterator[FakePersonalize]:
    with FakePersonalize() as fake:
        yield fake


@pytest.fixture(scope="module")
def hot(cloud: Cloud, amazon: FakePersonalize) -> Iterator[Function]:
    client = Aws("us-east-1", amazon.url).client("personalize")
    group = client.create_dataset_group(name="segue")["datasetGroupArn"]
    made = client.create_event_tracker(name="segue", datasetGroupArn=group)
    environment = cloud.environment(
        SEGUE_TRACKING_ID=made["trackingId"], SEGUE_PERSONALIZE__ENDPOINT_URL=amazon.url
    )
    with lambda_function("segue.doors.aws.hot.handler", environment) as function:
        yield function


def batch_of(cloud: Cloud, *records: StreamRecord) -> dict[str, Any]:
    """The records as the stream holds them, without what was there before."""
    cloud.stream.put(records)
    batch = cloud.batch()
    return {"Records": batch["Records"][-len(records) :]}


@pytest.mark.skipif(IN_IMAGE, reason="a handler of the tests")
def test_a_function_fails_as_lambda_says(tmp_path: Path) -> None:
    path = {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    module = "tests.doors.aws.odd"
    with lambda_function(f"{module}.told", path, timeout=30) as function:
        first = function.invoke({"a": "é"})
        event, request_id, left, arn, pid = first.value
        assert (event, first.cold) == ({"a": "é"}, True)
        assert 25_000 < left <= 30_000
        assert arn.endswith(":function:function")
        second = function.invoke(None)
        assert (second.cold, second.value[4]) == (False, pid)
        assert second.value[1] != request_id
        function.stop()
        assert function.invoke(None).cold
    with lambda_function(f"{module}.slow", path, timeout=0.5) as function:
        with pytest.raises(FunctionError) as failed:
            function.invoke({})
        assert failed.value.kind == "Sandbox.Timedout"
    with lambda_function(f"{module}.gone", path) as function:
        for _ in range(2):
            with pytest.raises(FunctionError) as failed:
                function.invoke({})
            assert failed.value.kind == "Runtime.ExitError"
    log = tmp_path / "log"
    with lambda_function("segue.doors.aws.nowhere.handler", {}, log=log) as function:
        with pytest.raises(FunctionError) as failed:
            function.invoke({})
        assert failed.value.kind == "Runtime.ImportModuleError"
    assert "nowhere" in log.read_text()


def test_a_profile_follows_the_stream(cloud: Cloud, profiles: Function) -> None:
    events = [told(n) for n in range(20)]
    batch = batch_of(cloud, record(*events[:15]), *(record(one) for one in events[15:]))
    assert profiles.invoke(batch).value == WELL
    assert cloud.table.profile("ann") == expected(events)
    assert profiles.invoke(batch).value == WELL  # the same again
    assert cloud.table.profile("ann") == expected(events)


def test_what_is_no_event_is_kept_and_the_rest_counts(cloud: Cloud, profiles: Function) -> None:
    good = told(1, user="bea")
    odd = record([good, {"event_id": "x"}, None])
    assert profiles.invoke(batch_of(cloud, StreamRecord("x", b"\xff{"), odd)).value == WELL
    assert cloud.table.profile("bea") == expected([good])
    letters = cloud.letters_now()
    assert [one["code"] for one in letters] == ["wrong_type", "missing", "wrong_type"]


def test_personalize_hears_what_is_played(
    cloud: Cloud, hot: Function, amazon: FakePersonalize
) -> None:
    events = [told(n, user="cid") for n in range(12)]
    closed = told(12, user="cid", source="spotify_api")  # nobody opted in to learn from it
    batch = batch_of(cloud, record(*events[:10]), record(*events[10:], closed))
    amazon.faults.add(Fault(status=400, reason="ThrottlingException"), path="PutEvents", times=4)
    failed = hot.invoke(batch).value["batchItemFailures"]
    numbers = [one["kinesis"]["sequenceNumber"] for one in batch["Records"]]
    assert [one["itemIdentifier"] for one in failed] == numbers[:1]
    assert hot.invoke(batch).value == WELL
    assert {one["eventId"] for one in amazon.events if one["userId"] == "cid"} == {
        f"e{n}" for n in range(12)
    }


def test_a_function_without_its_settings_says_which(cloud: Cloud) -> None:
    environment = {**cloud.environment(), "SEGUE_PROFILE_TABLE": ""}
    with (
        lambda_function("segue.doors.aws.profiles.handler", environment) as function,
        pytest.raises(FunctionError, match="SEGUE_PROFILE_TABLE is not set"),
    ):
        function.invoke(batch_of(cloud, record(told(1))))


@pytest.mark.skipif(IN_IMAGE, reason="a handler of the tests")
@pytest.mark.parametrize("name", ["hot", "profiles", "users"])
def test_a_cold_start_is_short_with_what_lambdas_runtime_brings(
    name: str, cloud: Cloud, tmp_path: Path
) -> None:
    (tmp_path / "looked_at.py").write_text(
        f"import sys\n"
        f"class Bare:\n"
        f"    def find_spec(self, name, path=None, target=None):\n"
        f"        top = name.partition('.')[0]\n"
        f"        if top not in {THERE.split()!r} and top not in sys.stdlib_module_names:\n"
        f"            raise ImportError(f'{{name}} is not there')\n"
        f"sys.meta_path.insert(0, Bare())\n"
        f"from segue.doors.aws.{name} import handler\n"
        f"def look(event, context):\n"
        f"    handler(event, None)\n"
        f"    return [one for one in {HEAVY.split()!r} if one in sys.modules]\n"
    )
    path = f"{ROOT / 'src'}{os.pathsep}{tmp_path}"
    environment = cloud.environment(PYTHONPATH=path, SEGUE_TRACKING_ID="t")
    batch = batch_of(cloud, record(told(1, user="dee")))
    with lambda_function("looked_at.look", environment) as function:
        assert function.invoke({"Records": []}).value == []
        assert function.cpu_seconds < PROCESSOR_S  # whatever else the machine does
        if name == "profiles":
            function.invoke(batch)
            found = json.loads(cloud.table.profile("dee") or b"")
            assert found == json.loads(expected([told(1, user="dee")]))
