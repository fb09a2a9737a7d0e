"""Events on AWS: Kinesis to profiles in DynamoDB and to Personalize, on moto's server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Final

import pytest
from typer.testing import CliRunner

from segue.aws.clients import Aws
from segue.aws.profile_table import ItemOfEvent
from segue.aws.stream import StreamRecord
from segue.doors.aws import hot, place, profiles
from segue.doors.cli.app import app
from segue.fakes.faults import Fault
from segue.fakes.personalize import FakePersonalize
from tests.aws_cloud import NOW, Cloud, expected, record, told
from tests.s3_server import Fault as HttpFault
from tests.s3_server import S3Server, keys, s3_proxy

WELL: Final[dict[str, list[str]]] = {"batchItemFailures": []}


@pytest.fixture
def cloud(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    for name, value in keys().items():
        monkeypatch.setenv(name, value)
    made = Cloud(s3.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("SEGUE_PROFILE_TABLE", made.name)
    monkeypatch.setenv("SEGUE_DEAD_LETTERS", made.queue)
    for kept in (place.profiles, place.personalize, place.dead_letters):
        kept.cache_clear()
    yield made
    for kept in (place.profiles, place.personalize, place.dead_letters):
        kept.cache_clear()


def test_a_profile_follows_the_stream(cloud: Cloud) -> None:
    events = [told(n) for n in range(20)]
    cloud.stream.put([record(*events[:15]), *(record(one) for one in events[15:])])
    assert profiles.handler(cloud.batch(), None) == {"batchItemFailures": []}
    assert cloud.table.profile("ann") == expected(events)
    assert cloud.table.profile("bob") is None
    kept = sorted(json.loads(one)["event_id"] for one in cloud.table.history("ann"))
    assert kept == sorted(one["event_id"] for one in events)


def test_a_batch_that_comes_again_changes_nothing(cloud: Cloud) -> None:
    events = [told(n) for n in range(120)]  # more than one transaction holds
    cloud.stream.put([record(*events)])
    for _ in range(2):
        profiles.handler(cloud.batch(), None)
    assert cloud.table.profile("ann") == expected(events)


def test_order_does_not_matter(cloud: Cloud) -> None:
    events = [told(n, kind=("play", "complete", "skip")[n % 3]) for n in range(30)]
    for one in reversed(events):
        cloud.stream.put([record(one)])
    profiles.handler(cloud.batch(), None)
    found = json.loads(cloud.table.profile("ann") or b"")
    wanted = json.loads(expected(events))
    assert found.pop("weights") == pytest.approx(wanted.pop("weights"))  # sums, to the last bit
    assert found == wanted


def test_two_writers_of_one_profile_lose_and_double_nothing(cloud: Cloud) -> None:
    # moto's transactions do not hold against threads, so the second writer comes in between
    items = [ItemOfEvent(f"e{n}", NOW, "{}") for n in range(6)]
    others: list[int] = []

    def merged(record: bytes | None, fresh: Sequence[ItemOfEvent]) -> bytes:
        return (record or b"") + b"".join(one.event_id.encode() for one in fresh)

    def interrupted(record: bytes | None, fresh: Sequence[ItemOfEvent]) -> bytes:
        if not others:
            others.append(cloud.table.take("u", items[3:], merged, NOW).new)
        return merged(record, fresh)

    assert cloud.table.take("u", items[:4], interrupted, NOW).new == 3
    assert others == [3]
    assert cloud.table.profile("u") == b"e3e4e5e0e1e2"


def test_what_is_no_event_holds_up_nothing_and_is_kept(cloud: Cloud) -> None:
    good = told(1)
    late = {**told(2), "timestamp": "1999-01-01T00:00:00Z"}
    cloud.stream.put([StreamRecord("x", b"\xff{"), record(late, good), record(7), record([good])])
    assert profiles.handler(cloud.batch(), None) == {"batchItemFailures": []}
    assert cloud.table.profile("ann") == expected([good])
    letters = cloud.letters_now()
    assert sorted(one["code"] for one in letters) == ["too_old", "wrong_type", "wrong_type"]
    assert late in [json.loads(one["body"]) for one in letters if one["code"] == "too_old"]


def test_events_of_a_user_beyond_a_transaction_are_counted(cloud: Cloud) -> None:
    items = [ItemOfEvent(f"e{n}", NOW, "{}") for n in range(200)]
    seen: list[int] = []

    def merged(record: bytes | None, fresh: Sequence[ItemOfEvent]) -> bytes:
        seen.append(len(fresh))
        return (record or b"") + b"x" * len(fresh)

    assert cloud.table.take("u", [*items, items[0]], merged, NOW).new == 200
    assert cloud.table.profile("u") == b"x" * 200
    again = cloud.table.take("u", items[:50], merged, NOW)
    assert (again.new, again.duplicate) == (0, 50)


@pytest.fixture
def amazon(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePersonalize]:
    with FakePersonalize() as fake:
        client = Aws("us-east-1", fake.url).client("personalize")
        group = client.create_dataset_group(name="segue")["datasetGroupArn"]
        made = client.create_event_tracker(name="segue", datasetGroupArn=group)
        monkeypatch.setenv("SEGUE_TRACKING_ID", made["trackingId"])
        monkeypatch.setenv("SEGUE_PERSONALIZE__ENDPOINT_URL", fake.url)
        yield fake


def test_personalize_is_told_at_most_ten_events_of_a_session_at_once(
    cloud: Cloud, amazon: FakePersonalize
) -> None:
    events = [told(n, session_id=f"s{n % 2}") for n in range(26)]
    events += [told(90, kind="hide"), told(91, kind="pause")]  # nothing to learn from
    cloud.stream.put([record(*events)])
    assert hot.handler(cloud.batch(), None) == {"batchItemFailures": []}
    assert len(amazon.events) == 26
    assert [one.route for one in amazon.log].count("PutEvents") == 4
    assert {one["eventType"] for one in amazon.events} == {"complete"}


def test_a_throttled_personalize_gets_its_events_later(
    cloud: Cloud, amazon: FakePersonalize
) -> None:
    cloud.stream.put([record(told(n, user=f"u{n}")) for n in range(3)])
    batch = cloud.batch()
    second = batch["Records"][1]["kinesis"]["sequenceNumber"]
    amazon.faults.add(
        Fault(status=400, reason="ThrottlingException"), path="PutEvents", after=1, times=4
    )
    assert hot.handler(batch, None) == {"batchItemFailures": [{"itemIdentifier": second}]}
    again = {"Records": batch["Records"][1:]}
    assert hot.handler(again, None) == {"batchItemFailures": []}
    assert {one["eventId"] for one in amazon.events} == {"e0", "e1", "e2"}


def test_what_personalize_will_not_have_is_kept_and_the_rest_flows(
    cloud: Cloud, amazon: FakePersonalize
) -> None:
    cloud.stream.put([record(told(1, track_id="t" * 300)), record(told(2, user="bob"))])
    assert hot.handler(cloud.batch(), None) == {"batchItemFailures": []}
    assert [one["eventId"] for one in amazon.events] == ["e2"]
    assert [one["code"] for one in cloud.letters_now()] == ["personalize"]


def test_one_event_that_personalize_will_not_have_keeps_no_other_back(
    cloud: Cloud, amazon: FakePersonalize
) -> None:
    events = [told(n) for n in range(4)]
    cloud.stream.put([record(*events, told(9, track_id="t" * 300))])
    assert hot.handler(cloud.batch(), None) == {"batchItemFailures": []}
    assert {one["eventId"] for one in amazon.events} == {"e0", "e1", "e2", "e3"}
    assert [json.loads(one["body"])["event_id"] for one in cloud.letters_now()] == ["e9"]


def test_what_is_larger_than_a_table_or_a_queue_takes_holds_up_nothing(cloud: Cloud) -> None:
    good = told(1, extra="x" * 600_000)
    cloud.stream.put([record(good), StreamRecord("x", b"?" * 600_000), record(told(2))])
    assert profiles.handler(cloud.batch(), None) == {"batchItemFailures": []}
    assert cloud.table.profile("ann") == expected([told(1), told(2)])
    assert "extra" not in "".join(cloud.table.history("ann"))
    (letter,) = cloud.letters_now()
    assert (letter["code"], letter["cut"]) == ("wrong_type", 800_000)


def test_a_profile_of_a_newer_segue_waits_and_others_count(cloud: Cloud) -> None:
    newer = b'{"version":2}'
    cloud.table.take("ann", [ItemOfEvent("e0", NOW, "{}")], lambda *_: newer, NOW)
    cloud.stream.put([record(told(1)), record(told(2, user="bob"))])
    batch = cloud.batch()
    first = batch["Records"][0]["kinesis"]["sequenceNumber"]
    assert profiles.handler(batch, None) == {"batchItemFailures": [{"itemIdentifier": first}]}
    assert cloud.table.profile("ann") == newer
    assert cloud.table.profile("bob") == expected([told(2, user="bob")])


def test_a_transaction_that_is_throttled_fails_for_its_user_alone(
    cloud: Cloud, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3_proxy(s3) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", proxy.url)
        reasons = ("None", "ThrottlingError", "None")
        throttled = HttpFault(400, "TransactionCanceledException", reasons)
        written = "TransactWriteItems"
        proxy.fault = lambda request: throttled if written in request.operation else None
        cloud.stream.put([record(told(1))])
        batch = cloud.batch()
        first = batch["Records"][0]["kinesis"]["sequenceNumber"]
        assert profiles.handler(batch, None) == {"batchItemFailures": [{"itemIdentifier": first}]}
        proxy.fault = lambda request: None
        assert profiles.handler(batch, None) == WELL


def test_batches_that_lambda_gave_up_are_sent_again(cloud: Cloud) -> None:
    events = [told(n) for n in range(6)]
    cloud.stream.put([record(one) for one in events])
    numbers = [one["kinesis"]["sequenceNumber"] for one in cloud.batch()["Records"]]
    given_up = {
        "requestContext": {"condition": "RetryAttemptsExhausted"},
        "KinesisBatchInfo": {
            "shardId": "shardId-000000000000",
            "startSequenceNumber": numbers[2],
            "endSequenceNumber": numbers[4],
            "batchSize": 3,
        },
    }
    refused = {"code": "in_the_future", "body": json.dumps(told(9)), "sequence": "1"}
    cloud.letters.send([given_up, refused, {"code": "wrong_type", "body": "AAAA"}])
    words = ["aws", "redrive", "--queue", cloud.queue, "--stream", cloud.name, "--json"]
    done = CliRunner().invoke(app, words)
    assert json.loads(done.stdout) == {"letters": 3, "records": 4, "left": 1, "gone": 0}
    profiles.handler(cloud.batch(), None)
    assert cloud.table.profile("ann") == expected([*events, told(9)])


def test_a_cold_start_imports_nothing_scientific() -> None:
    heavy = "numpy scipy pyarrow duckdb pandas fastapi pydantic sklearn implicit"
    code = (
        "import sys, segue.doors.aws.hot, segue.doors.aws.profiles;"
        f"print([name for name in {heavy.split()!r} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
