"""What stands between a stream and a function on AWS: an event source mapping, played for tests.

As the Lambda Developer Guide says of Kinesis: a shard's batches go one after another; a function
that fails is handed the batch again; where it names a record, again from that record on; a batch
that fails as a whole is halved; what fails too often is told to a queue, and the rest goes on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.aws_shapes import kinesis_event
from tests.lambda_runtime import Function, FunctionError

__all__ = ["EventSource"]


@dataclass
class EventSource:
    """A mapping from a stream to a function.

    Args:
        kinesis: A client.
        stream: Its name.
        function: Takes the records.
        sqs: A client.
        given_up: Address of the queue for what fails too often.
        batch_size: Records handed over at once.
        retries: So often a batch is handed over again.
    """

    kinesis: Any
    stream: str
    function: Function
    sqs: Any
    given_up: str
    batch_size: int = 500
    retries: int = 50
    invocations: int = 0
    _behind: dict[str, str] = field(default_factory=dict)

    def run(self) -> int:
        """Hand over all that is in the stream and was not; how many records."""
        found = self.kinesis.describe_stream(StreamName=self.stream)["StreamDescription"]
        handed = 0
        for shard in (one["ShardId"] for one in found["Shards"]):
            records = self._new(shard)
            for start in range(0, len(records), self.batch_size):
                self._deliver(shard, records[start : start + self.batch_size], self.retries)
            if records:
                self._behind[shard] = records[-1]["SequenceNumber"]
            handed += len(records)
        return handed

    def replay(self) -> int:
        """Hand over all that is in the stream, whatever was before."""
        self._behind.clear()
        return self.run()

    def _new(self, shard: str) -> list[Mapping[str, Any]]:
        after = self._behind.get(shard)
        told: dict[str, str] = (
            {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": after}
            if after
            else {"ShardIteratorType": "TRIM_HORIZON"}
        )
        turn = self.kinesis.get_shard_iterator(StreamName=self.stream, ShardId=shard, **told)
        records: list[Mapping[str, Any]] = []
        iterator = turn["ShardIterator"]
        while True:
            found = self.kinesis.get_records(ShardIterator=iterator, Limit=1_000)
            records += found["Records"]
            iterator = found["NextShardIterator"]
            if not found["Records"]:
                return records

    def _deliver(self, shard: str, records: Sequence[Mapping[str, Any]], retries: int) -> None:
        left, tries = list(records), retries
        while left:
            self.invocations += 1
            try:
                answer = self.function.invoke(
                    kinesis_event(left, shard=shard, stream=self.stream)
                ).value
            except FunctionError:
                if len(left) > 1:
                    half = len(left) // 2
                    self._deliver(shard, left[:half], tries)
                    self._deliver(shard, left[half:], tries)
                    return
            else:
                failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
                places = [n for n, one in enumerate(left) if one["SequenceNumber"] in failed]
                assert len(places) == len(failed), "a failure names no record of the batch"
                if not failed:
                    return
                left = left[min(places) :]
            if not tries:
                self._give_up(shard, left)
                return
            tries -= 1

    def _give_up(self, shard: str, left: Sequence[Mapping[str, Any]]) -> None:
        told = {
            "requestContext": {"condition": "RetryAttemptsExhausted"},
            "responseContext": {"statusCode": 200},
            "version": "1.0",
            "KinesisBatchInfo": {
                "shardId": shard,
                "startSequenceNumber": left[0]["SequenceNumber"],
                "endSequenceNumber": left[-1]["SequenceNumber"],
                "batchSize": len(left),
            },
        }
        self.sqs.send_message(QueueUrl=self.given_up, MessageBody=json.dumps(told))
