"""Records of a Kinesis stream as Lambda is handed them, and what is answered for them."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from segue.events.admission import Refusal, admitted
from segue.music.event import Event

__all__ = ["Refused", "StreamEvent", "by_user", "failed_from", "letters_of", "looked_at"]

_FIELDS: Final = tuple(one.name for one in fields(Event))


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """An event that is taken.

    Args:
        sequence: The record's number in its shard.
        event: What it tells.
        body: As JSON, the event's own fields alone: what else came could be of any size.
    """

    sequence: str
    event: Event
    body: str


@dataclass(frozen=True, slots=True)
class Refused:
    """What is in a record and is not taken.

    Args:
        sequence: The record's number in its shard.
        code: Why, for programs.
        reason: Why, in a sentence; it repeats nothing of the record.
        body: What the record says, as JSON or as it came.
    """

    sequence: str
    code: str
    reason: str
    body: str


def looked_at(
    invocation: Mapping[str, Any], now: datetime
) -> tuple[list[StreamEvent], list[Refused]]:
    """The events in the records of an invocation, in their order, and what is none.

    A record holds what `POST /events` takes: one event, a list of them, or {"events": […]}.
    """
    taken: list[StreamEvent] = []
    refused: list[Refused] = []
    for record in invocation.get("Records", ()):
        told = record["kinesis"]
        sequence = str(told["sequenceNumber"])
        data = str(told["data"])
        for one in _events_in(data):
            if isinstance(one, Refusal):
                refused.append(Refused(sequence, one.code, one.reason, data))
                continue
            found = admitted(one, now)
            if isinstance(found, Refusal):
                refused.append(Refused(sequence, found.code, found.reason, _as_json(one)))
            else:
                assert isinstance(one, dict)
                body = {name: one[name] for name in _FIELDS if name in one}
                taken.append(StreamEvent(sequence, found, _as_json(body)))
    return taken, refused


def failed_from(invocation: Mapping[str, Any], failed: Iterable[str]) -> dict[str, Any]:
    """The answer that lets Lambda deliver again from the first record that failed.

    Args:
        invocation: What the handler was handed.
        failed: Numbers of the records that failed.
    """
    there = set(failed)
    for record in invocation.get("Records", ()):
        sequence = str(record["kinesis"]["sequenceNumber"])
        if sequence in there:
            return {"batchItemFailures": [{"itemIdentifier": sequence}]}
    return {"batchItemFailures": []}


def _events_in(data: str) -> Iterator[object]:
    try:
        told = json.loads(base64.b64decode(data, validate=True))
    except (ValueError, binascii.Error, RecursionError):
        yield Refusal("wrong_type", "", "The record is no JSON.")
        return
    if isinstance(told, dict):
        told = told.get("events", [told])
    if not isinstance(told, list):
        yield Refusal("wrong_type", "", "The record is neither an event nor a list of events.")
        return
    yield from told


def _as_json(told: object) -> str:
    return json.dumps(told, separators=(",", ":"))


def letters_of(refused: Sequence[Refused]) -> list[dict[str, Any]]:
    """What is put into the queue of dead letters."""
    return [
        {"sequence": one.sequence, "code": one.code, "reason": one.reason, "body": one.body}
        for one in refused
    ]


def by_user(events: Sequence[StreamEvent]) -> dict[str, list[StreamEvent]]:
    """The events of each user, in their order."""
    found: dict[str, list[StreamEvent]] = {}
    for one in events:
        found.setdefault(one.event.user_id, []).append(one)
    return found
