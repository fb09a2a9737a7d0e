"""Send again what a function on AWS could not take, once its cause is mended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from segue.aws.queue import Letter, Letters
from segue.aws.stream import Stream, StreamRecord

__all__ = ["Redriven", "redrive"]


@dataclass(frozen=True, slots=True)
class Redriven:
    """What became of the letters of a queue.

    Args:
        letters: How many were read.
        records: How many records went back into the stream.
        left: Letters that stay in the queue: what they tell of cannot be read as an event.
        gone: Records that the stream no longer has: they were kept for too short a time.
    """

    letters: int = 0
    records: int = 0
    left: int = 0
    gone: int = 0


def redrive(letters: Letters, stream: Stream, *, most: int = 100_000) -> Redriven:
    """Put what the letters of a queue tell of back into the stream.

    A letter is removed only after its records are in the stream. Records that were taken before are
    known by their events' ids, so sending them again changes nothing.

    Args:
        letters: The queue of dead letters: of events that were refused, and of batches that Lambda
            gave up, which name a shard and two numbers.
        stream: Where they go.
        most: Letters to read.
    """
    read = records = gone = 0
    left: set[str] = set()
    while read < most and (found := letters.receive()):
        if all(letter.message_id in left for letter in found):
            break  # only what was looked at before still comes
        for letter in found:
            if letter.message_id in left:
                continue
            read += 1
            again, lost = _records_of(letter, stream)
            gone += lost
            if again:
                stream.put(again)
                records += len(again)
            if again or lost:
                letters.delete(letter)
            else:
                left.add(letter.message_id)
    return Redriven(read, records, len(left), gone)


def _records_of(letter: Letter, stream: Stream) -> tuple[list[StreamRecord], int]:
    """The records that a letter tells of, and how many of them are no longer to be had."""
    batch = letter.body.get("KinesisBatchInfo")
    if isinstance(batch, dict):
        first, last = str(batch["startSequenceNumber"]), str(batch["endSequenceNumber"])
        found = list(stream.between(str(batch["shardId"]), first, last))
        return found, max(0, int(batch.get("batchSize", len(found))) - len(found))
    event = _event_of(letter.body.get("body"))
    if event is None:
        return [], 0
    data = json.dumps(event, separators=(",", ":")).encode()
    return [StreamRecord(str(event["user_id"]), data)], 0


def _event_of(told: object) -> dict[str, Any] | None:
    """The event that a refused body holds, as far as it is one with a user."""
    if not isinstance(told, str):
        return None
    try:
        event = json.loads(told)
    except ValueError:
        return None
    whose = event.get("user_id") if isinstance(event, dict) else None
    return event if isinstance(whose, str) and whose else None
