"""A Kinesis stream: putting records, and reading a stretch of a shard again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from segue.aws.clients import Aws
from segue.errors import ServiceDownError

__all__ = ["Stream", "StreamRecord"]

_SERVICE: Final = "Kinesis"
_AT_ONCE: Final = 500
_MOST_BYTES: Final = 4_500_000
_ATTEMPTS: Final = 8


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """A record.

    Args:
        key: Records of one key keep their order.
        data: What it holds.
        sequence: Its number in its shard; empty: it is not in a stream yet.
    """

    key: str
    data: bytes
    sequence: str = ""


class Stream:
    """A stream.

    Args:
        aws: How to reach it.
        name: The stream's.
        sleep: Waits some seconds.
    """

    def __init__(self, aws: Aws, name: str, *, sleep: Callable[[float], None]) -> None:
        self._aws = aws
        self._name = name
        self._sleep = sleep
        self._chance = random.Random()  # noqa: S311 - spreads attempts, keeps no secret

    def put(self, records: Sequence[StreamRecord]) -> None:
        """Put records; those that a throttled shard refuses are put again.

        Raises:
            ServiceDownError: Some are not in the stream; putting all again does no harm.
        """
        for group in _groups(records):
            self._put_group(group)

    def between(self, shard: str, first: str, last: str) -> Iterator[StreamRecord]:
        """The records of a shard from one number to another, both included."""
        client = self._aws.client("kinesis")
        with self._aws.explained(_SERVICE, "read the stream again"):
            turn = client.get_shard_iterator(
                StreamName=self._name,
                ShardId=shard,
                ShardIteratorType="AT_SEQUENCE_NUMBER",
                StartingSequenceNumber=first,
            )["ShardIterator"]
        while turn:
            with self._aws.explained(_SERVICE, "read the stream again"):
                found = client.get_records(ShardIterator=turn, Limit=1_000)
            for one in found["Records"]:
                if int(one["SequenceNumber"]) > int(last):
                    return
                yield StreamRecord(one["PartitionKey"], one["Data"], one["SequenceNumber"])
                if one["SequenceNumber"] == last:
                    return
            if not found["Records"] and not found.get("MillisBehindLatest"):
                return
            turn = found.get("NextShardIterator")

    def _put_group(self, group: Sequence[StreamRecord]) -> None:
        client, left = self._aws.client("kinesis"), list(group)
        for attempt in range(_ATTEMPTS):
            entries: list[dict[str, Any]] = [
                {"Data": one.data, "PartitionKey": one.key[:256]} for one in left
            ]
            with self._aws.explained(_SERVICE, "take records"):
                found = client.put_records(StreamName=self._name, Records=entries)
            left = [
                one
                for one, told in zip(left, found["Records"], strict=True)
                if told.get("ErrorCode")
            ]
            if not left:
                return
            self._sleep(self._chance.uniform(0, 0.1 * 2**attempt))
        raise ServiceDownError(
            f"the stream {self._name} takes no more now",
            service=_SERVICE,
            cure="Wait a little, then send it again, or give the stream more shards.",
        )


def _groups(records: Sequence[StreamRecord]) -> Iterator[list[StreamRecord]]:
    group: list[StreamRecord] = []
    size = 0
    for one in records:
        if group and (len(group) == _AT_ONCE or size + len(one.data) > _MOST_BYTES):
            yield group
            group, size = [], 0
        group.append(one)
        size += len(one.data)
    if group:
        yield group
