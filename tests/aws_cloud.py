"""What the pipeline of events needs on AWS, on moto's server: a stream, a table, a queue."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from segue.aws.clients import Aws
from segue.aws.profile_table import ProfileTable
from segue.aws.queue import Letters
from segue.aws.stream import Stream, StreamRecord
from segue.events.admission import admitted
from segue.events.profiles import Profile, taken
from segue.music.event import Event
from tests.aws_shapes import kinesis_event
from tests.s3_server import keys

__all__ = ["NOW", "Cloud", "expected", "record", "told"]

NOW = datetime.now(tz=UTC).replace(microsecond=0)


class Cloud:
    """A stream, a table and a queue.

    Args:
        url: Of moto's server.
        shards: Of the stream.
    """

    def __init__(self, url: str, shards: int = 1) -> None:
        self.url = url
        self.aws, self.name = Aws("us-east-1", url), f"segue-{uuid.uuid4().hex[:8]}"
        self.dynamo, self.kinesis = self.aws.client("dynamodb"), self.aws.client("kinesis")
        self.dynamo.create_table(
            TableName=self.name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": "user_id", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "user_id", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
        )
        self.kinesis.create_stream(StreamName=self.name, ShardCount=shards)
        self.queue = self.new_queue(self.name)
        self.letters = Letters(self.aws, self.queue)
        self.stream = Stream(self.aws, self.name, sleep=lambda _: None)
        self.table = ProfileTable(
            self.aws, self.name, keep=timedelta(days=30), sleep=lambda _: None
        )

    def new_queue(self, name: str) -> str:
        """Its address."""
        return str(self.aws.client("sqs").create_queue(QueueName=name)["QueueUrl"])

    def environment(self, **more: str) -> dict[str, str]:
        """What functions find in theirs."""
        return {
            **keys(),
            "AWS_ENDPOINT_URL": self.url,
            "SEGUE_PROFILE_TABLE": self.name,
            "SEGUE_DEAD_LETTERS": self.queue,
            **more,
        }

    def batch(self) -> dict[str, Any]:
        """All records of the first shard, as Lambda hands them over."""
        shard = self.kinesis.describe_stream(StreamName=self.name)["StreamDescription"]["Shards"][0]
        turn = self.kinesis.get_shard_iterator(
            StreamName=self.name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        found = self.kinesis.get_records(ShardIterator=turn)["Records"]
        return kinesis_event(found, shard=shard["ShardId"], stream=self.name)

    def letters_now(self) -> list[dict[str, Any]]:
        """What waits in the queue, as far as one look tells."""
        return [dict(one.body) for one in self.letters.receive()]


def told(number: int, user: str = "ann", kind: str = "complete", **more: Any) -> dict[str, Any]:
    """An event as a player tells it."""
    at = NOW - timedelta(hours=1) + timedelta(seconds=number)
    return {
        "event_id": f"e{number}",
        "user_id": user,
        "track_id": f"t{number % 5}",
        "event_type": kind,
        "timestamp": at.isoformat(),
        "ms_played": 200_000,
        "session_id": "s1",
        **more,
    }


def record(*events: object) -> StreamRecord:
    """A record of the stream that holds some events."""
    data = events[0] if len(events) == 1 else {"events": list(events)}
    return StreamRecord("ann", json.dumps(data).encode())


def expected(events: Sequence[dict[str, Any]]) -> bytes:
    """The profile of a user who did this and nothing else."""
    found = [admitted(one, NOW) for one in events]
    return taken(Profile(), [one for one in found if isinstance(one, Event)]).to_bytes()
